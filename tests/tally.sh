# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by the drivers of tests: reads the closing line of a kind of tests. `[NAME: ]N passed, N failed[, N skipped]` is
# ours, the last such line counts; Criterion says it in words of its own, and reports skips one by one.

# tally FILE: prints `PASSED FAILED SKIPPED`; fails when FILE has no closing line.
tally() {
	sed 's/\x1b\[[0-9;]*m//g; s/\r$//' "$1" | awk '
		/^([^ ]+: )?[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ {
			sub(/^[^ ]+: /, ""); passed = $1 + 0; failed = $3 + 0; skipped = $5 + 0; found = 1
		}
		/^\[SKIP\]/ { criterion_skips++ }
		/^\[====\] Synthesis: Tested: [0-9]+ \| Passing: [0-9]+ \| Failing: [0-9]+ \| Crashing: [0-9]+/ {
			passed = $7 + 0; failed = $4 - $7; skipped = criterion_skips + 0; found = 1
		}
		END { if (!found) exit 1; print passed, failed, skipped }'
}
