# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by the drivers of tests: reads the closing line `[NAME: ]N passed, N failed[, N skipped]`; the last one counts.

# tally FILE: prints `PASSED FAILED SKIPPED`; fails when FILE has no closing line.
tally() {
	awk '
		{ sub(/\r$/, "") }
		/^([^ ]+: )?[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ {
			sub(/^[^ ]+: /, ""); passed = $1 + 0; failed = $3 + 0; skipped = $5 + 0; found = 1
		}
		END { if (!found) exit 1; print passed, failed, skipped }' "$1"
}
