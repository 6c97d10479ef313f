# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests in the VM share, on top of the library of all shell tests: a container image and the engines.

# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# One image by three names: busybox under the names of its applets, with /bin/inside (tests/vm/bin/inside.c), which is no
# shell, in three layers (tests/vm/stage.sh).
GUEST_IMAGE=localhost/busybox:latest
GUEST_INSIDE=localhost/inside:latest
GUEST_LAYERED=localhost/layered:latest
GUEST_ARCHIVE=/cofferdam/images.tar
GUEST_TAR=/cofferdam/busybox.tar # the first layer

# guest_podman_image: the image is podman's from then on. A file remembers it: podman takes half a second to answer.
guest_podman_image() {
	[ -e /run/guest-podman-image ] || { podman load -q -i "$GUEST_ARCHIVE" && : >/run/guest-podman-image; }
}

# guest_inside_image: the same; for tests that want /bin/inside.
guest_inside_image() {
	guest_podman_image
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

# guest_containerd_image: the same image.
guest_containerd_image() {
	[ -e /run/guest-containerd-image ] || { ctr images import "$GUEST_ARCHIVE" && : >/run/guest-containerd-image; }
}

# guest_rootfs DIR: the tree of the image, with /bin/inside.
guest_rootfs() {
	mkdir -p "$1" && tar -C "$1" -xf "$GUEST_TAR" && cp /usr/local/bin/inside "$1/bin/inside"
}

# guest_bundle DIR COMMAND...: a bundle with that tree, as an engine would write it, without a terminal.
guest_bundle() {
	guest_rootfs "$1/rootfs" && guest_spec "$@"
}

# guest_spec DIR COMMAND...: its config.json alone. From outside: BUNDLE_CAPABILITIES (bounding), BUNDLE_EFFECTIVE (effective and
# permitted) and BUNDLE_MOUNTS, more elements of the lists, each with a comma before it; BUNDLE_WRITABLE=1; BUNDLE_ROOT.
guest_spec() {
	local bundle=$1 arguments='' word caps='"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"' readonly=true
	shift

	for word in "$@"; do
		arguments="$arguments${arguments:+, }\"$word\""
	done
	[ "${BUNDLE_WRITABLE:-0}" = 0 ] || readonly=false
	mkdir -p "$bundle"
	cat >"$bundle/config.json" <<-JSON
		{
		  "ociVersion": "1.0.2",
		  "process": {
		    "terminal": false, "user": { "uid": 0, "gid": 0 }, "args": [$arguments], "cwd": "/",
		    "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
		    "capabilities": { "bounding": [$caps${BUNDLE_CAPABILITIES:-}], "effective": [$caps${BUNDLE_EFFECTIVE:-}], "permitted": [$caps${BUNDLE_EFFECTIVE:-}] },
		    "noNewPrivileges": true
		  },
		  "root": { "path": "${BUNDLE_ROOT:-rootfs}", "readonly": $readonly },
		  "hostname": "guest",
		  "mounts": [
		    { "destination": "/proc", "type": "proc", "source": "proc" },
		    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"] },
		    { "destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"] },
		    { "destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"] },
		    { "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"] },
		    { "destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"] }
		    ${BUNDLE_MOUNTS:-}
		  ],
		  "linux": {
		    "resources": { "devices": [{ "allow": false, "access": "rwm" }] },
		    "namespaces": [{ "type": "pid" }, { "type": "network" }, { "type": "ipc" }, { "type": "uts" }, { "type": "mount" }, { "type": "cgroup" }],
		    "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"],
		    "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
		  }
		}
	JSON
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

# guest_nothing_left: no record, no range in use, nothing in the stage but the directory that runc wants for exec.
guest_nothing_left() {
	expect_equal '' "$(ls -A /run/cofferdam/containers)" 'containers left'
	expect_equal '' "$(ls -A /run/cofferdam/ranges)" 'ranges left'
	expect_equal '' "$(find /run/cofferdam/stage -mindepth 1 ! -path /run/cofferdam/stage/rootfs)" 'left in the stage'
}
