# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by the drivers of tests: jobs that keep a processor busy for minutes, at most one a processor. A slot is a lock on
# a file of SLOT_DIR, which all drivers of one build share; it is free again when the last process that got it has ended,
# however that came about.

SLOT_DIR=${BUILD:-build}/slots

# slot_take: waits for a slot and holds it, on descriptor 8, for this shell and all that it starts.
slot_take() {
	local number count
	count=$(nproc)

	mkdir -p "$SLOT_DIR"
	while :; do
		for ((number = 1; number <= count; number++)); do
			exec 8>"$SLOT_DIR/$number"
			flock -n 8 && return
		done
		exec 8>&-
		sleep 0.2
	done
}

# slot_leave: the jobs started meanwhile hold it from now on.
slot_leave() {
	exec 8>&-
}
