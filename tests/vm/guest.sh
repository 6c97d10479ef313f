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

GUEST_INSIDE=localhost/inside:latest

# guest_rootfs DIR: the tree of the image, with /bin/inside (tests/vm/bin/inside.c), which is no shell.
guest_rootfs() {
	mkdir -p "$1" && tar -C "$1" -xf "$GUEST_TAR" && cp /usr/local/bin/inside "$1/bin/inside"
}

# guest_inside_image: the same as an image of podman's.
guest_inside_image() {
	podman image exists "$GUEST_INSIDE" && return
	guest_rootfs /run/inside && tar -C /run/inside -cf /run/inside.tar . && podman import -q /run/inside.tar "$GUEST_INSIDE"
	rm -rf /run/inside /run/inside.tar
}

# guest_bundle DIR PYTHON COMMAND...: a bundle with that tree; PYTHON changes `config` before it is written.
guest_bundle() {
	local bundle=$1 change=$2
	shift 2

	guest_rootfs "$bundle/rootfs" && runc spec --bundle "$bundle" && python3 - "$bundle/config.json" "$change" "$@" <<-'PYTHON'
		import json, sys
		path, change, *command = sys.argv[1:]
		with open(path) as file:
		    config = json.load(file)
		config["process"].update(terminal=False, args=command)
		config["process"]["capabilities"]["ambient"] = [] # as engines write it
		exec(change)
		with open(path, "w") as file:
		    json.dump(config, file)
	PYTHON
}

# guest_config JSON: cofferdam.json; nothing: the defaults.
guest_config() {
	mkdir -p /etc/cofferdam
	rm -f /etc/cofferdam/cofferdam.json
	[ $# -eq 0 ] || printf '%s\n' "$1" >/etc/cofferdam/cofferdam.json
}

# guest_runtime NAME: crun or runc stands behind cofferdam-runtime from now on.
guest_runtime() {
	guest_config "{ \"runtimes\": [\"$(command -v "$1")\"] }"
	ln -sfn "$(command -v "$1")" /etc/cofferdam/runtime
}

# guest_nothing_left: no record, no range in use, nothing in the stage.
guest_nothing_left() {
	expect_equal '' "$(ls -A /run/cofferdam/containers)" 'containers left'
	expect_equal '' "$(ls -A /run/cofferdam/ranges)" 'ranges left'
	expect_equal '' "$(ls -A /run/cofferdam/stage)" 'left in the stage'
}
