# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests in the VM share, on top of the library of all shell tests: a container image and the engines.

# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

GUEST_IMAGE=localhost/busybox:latest
GUEST_TAR=/cofferdam/busybox.tar

# guest_podman_image: the image is podman's from then on.
guest_podman_image() {
	podman image exists "$GUEST_IMAGE" || podman import -q "$GUEST_TAR" "$GUEST_IMAGE"
}

# guest_wait SECONDS COMMAND...: until COMMAND ends with 0, for so long at most.
guest_wait() {
	local end=$((SECONDS + $1))
	shift

	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || { echo "waited in vain for: $*"; return 1; }
		sleep 0.1
	done
}

# guest_containerd: runs for the rest of this boot; its log is /run/containerd.log.
guest_containerd() {
	ctr version >/dev/null 2>&1 && return
	setsid containerd >/run/containerd.log 2>&1 </dev/null &
	guest_wait 60 ctr version || { tail -n 20 /run/containerd.log; return 1; }
}

# guest_containerd_image: the same image, by way of podman.
guest_containerd_image() {
	[ -z "$(ctr images ls -q name=="$GUEST_IMAGE")" ] || return 0
	guest_podman_image && podman save -q -o /run/busybox-image.tar "$GUEST_IMAGE" && ctr images import /run/busybox-image.tar
	rm -f /run/busybox-image.tar
}
