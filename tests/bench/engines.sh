#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/vm/run 6.12 --bin build/bench/bench-pairs -- tests/bench/engines.sh
# What `podman run` and `ctr run` take more with cofferdam-runtime, everything in force, than with the same runtime alone. The VM
# is emulated: its times are 10 to 20 times those of hardware; the ratio is what counts.
set -eu -o pipefail
# shellcheck source=tests/vm/guest.sh
. /cofferdam/tests/vm/guest.sh

SHIM=/usr/local/bin/cofferdam-runtime
ROUNDS=${1:-9}
WHAT='/bin/inside show /proc/self/status'
podman=$(command -v podman) ctr=$(command -v ctr)

pairs() { # TITLE RUNTIME COMMAND...: with the runtime's path for the word @
	local title=$1 runtime=$2
	shift 2
	guest_runtime "$runtime"
	echo
	{
		echo "$title, $runtime: ${*/#@/$(command -v "$runtime")}"
		echo "$title, cofferdam + $runtime: ${*/#@/$SHIM}"
	} | bench-pairs "$ROUNDS"
}

guest_inside_image
guest_containerd
guest_containerd_image >/dev/null
echo "Linux $(uname -r), QEMU TCG, $(nproc) processor; $(podman --version), $(crun --version | head -n 1), $(runc --version | head -n 1)"
# shellcheck disable=SC2086 # words
{
	pairs 'podman run' crun "$podman" --runtime @ run --rm --network none "$GUEST_INSIDE" $WHAT
	pairs 'podman run' runc "$podman" --runtime @ run --rm --network none "$GUEST_INSIDE" $WHAT
	pairs 'ctr run' runc "$ctr" run --rm --runc-binary @ "$GUEST_INSIDE" % $WHAT
}
