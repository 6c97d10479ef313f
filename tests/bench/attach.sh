#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/vm/run 6.12 --bin build/bench/pairs --bin build/bench/seccomp -- tests/bench/attach.sh ROUNDS   (needs BPF LSM)
# What the guard costs when it is loaded, first attached, and attached to the 2nd to 200th container; a whole start with the
# guard in force beside a bare one; the peak memory. The VM is emulated: its times are 10 to 20 times those of hardware.
set -eu -o pipefail
# shellcheck source=tests/vm/guest.sh
. /cofferdam/tests/vm/guest.sh

SHIM=/usr/local/bin/cofferdam-runtime
ROUNDS=${1:-10}
work=/run/bench-attach
mkdir -p "$work"/{profiles,lower,upper,work,root}
cd "$work"

millis() { # COMMAND...: its wall time
	local start=${EPOCHREALTIME/./}
	"$@" >/dev/null 2>&1
	echo $(((${EPOCHREALTIME/./} - start) / 1000))
}

make_root() {
	guest_rootfs "$work/lower"
	mount -t overlay overlay -o "lowerdir=$work/lower,upperdir=$work/upper,workdir=$work/work" "$work/root"
	mkdir -p "$work"/root/{proc,dev}
	mount -t proc proc "$work/root/proc"
	mount -t tmpfs tmpfs "$work/root/dev"
	printf '{ "cofferdam": 1, "name": "bench", "net": { "connect": ["loopback", "dns"], "listen": ["any"] } }\n' \
		>"$work/profiles/bench.json"
}

# The bundle with Docker's default seccomp profile in it, as engines hand it to a runtime.
add_seccomp() {
	local config filter
	config=$(cat "$1/config.json")
	filter=$(bench-seccomp /usr/local/share/cofferdam/profiles/seccomp)
	printf '%s\n' "${config/'"linux": {'/'"linux": { "seccomp": '"$filter",}" >"$1/config.json"
}

sequence() { # NAME BUNDLE COMMAND...
	local name=$1 bundle=$work/$2
	shift 2
	echo "$name: $* create --bundle $bundle % ; $* start % ; $* delete --force %"
}

starts() {
	local crun
	crun=$(command -v crun)
	guest_runtime crun
	guest_bundle bare /bin/inside show /proc/self/status
	guest_bundle governed /bin/inside show /proc/self/status
	add_seccomp bare
	{
		sequence 'crun, Docker seccomp' bare "$crun" --root /run/bench-crun
		sequence 'cofferdam + crun, guard' governed "$SHIM" --root /run/bench-shim
	} | bench-pairs "$ROUNDS"
	echo
	echo "peak memory of the largest process in a create (shim, crun, hook; guard loaded): $(peak create) KiB"
	"$SHIM" --root /run/bench-shim delete --force peak
}

# What busybox says of the command's children too: the kilobytes of the largest of them. The container keeps the standard
# streams, so none of them may be a pipe that is read here.
peak() {
	busybox time -v -o "$work/time" "$SHIM" --root /run/bench-shim create --bundle "$work/governed" peak \
		>/dev/null 2>&1 </dev/zero
	sed -n 's/.*Maximum resident set size (kbytes): //p' "$work/time"
}

make_root
echo "Linux $(uname -r), QEMU TCG, $(nproc) processors"
echo "load of all programs, once per boot: $(millis guard-try load) ms; the second time: $(millis guard-try load) ms"
guard-try many "$work/profiles" bench "$work/root" | grep -v flat
echo
starts
