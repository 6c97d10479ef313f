# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests of the guard share: guard-try makes cgroups and puts policies in force, guard-act tries what must not work.

# shellcheck source=tests/vm/guest.sh
. "$(dirname "${BASH_SOURCE[0]}")/guest.sh"

BASE=/run/guard # the roots; /run is a tmpfs of its own
PROFILES=$BASE/profiles
ACT=/bin/act
LOWER=/var/guard/lower # the image

profile() {
	printf '{ "cofferdam": 1, "name": "%s", %s }\n' "$1" "$2" >"$PROFILES/$1.json"
}

make_profiles() {
	mkdir -p "$PROFILES"
	profile deny '"exec": {"shells": "deny", "image_only": true}, "net": {"connect": [], "listen": []}'
	profile loose '"exec": {"shells": "allow", "image_only": false}, "net": {"connect": ["any"], "listen": ["any"]}'
	profile image '"exec": {"shells": "allow", "image_only": true}, "net": {"connect": [], "listen": []}'
	profile shells '"exec": {"shells": "deny", "image_only": false}, "net": {"connect": [], "listen": []}'
	profile startup '"exec": {"shells": "startup", "image_only": true}, "net": {"connect": [], "listen": []}'
	profile list '"exec": {"shells": "startup", "image_only": true, "allow": ["/bin/act"]}, "net": {"connect": []}'
	profile warn '"mode": "warn", "exec": {"shells": "deny", "image_only": true}, "net": {"connect": [], "listen": []}'
	profile logged '"log": "all", "exec": {"shells": "allow", "image_only": true}, "net": {"connect": ["loopback"]}'
	profile net '"exec": {"shells": "allow", "image_only": false}, "net": {"listen": ["tcp/8000-8010", "udp/53"],
		"connect": [ { "to": "10.1.0.0/16", "port": "tcp/443" }, { "to": "10.1.0.1/32", "port": "udp/53" },
			{ "to": "fd00:1::/64", "port": "tcp/443" } ]}'
	profile loopback '"exec": {"shells": "allow", "image_only": false}, "net": {"connect": ["loopback"], "listen": []}'
	profile dns '"exec": {"shells": "allow", "image_only": false}, "net": {"connect": ["dns"], "listen": []}'
}

# A root with a static program, a static multi-call shell, a dynamic shell with its loader, and scripts.
make_lower() {
	local lower=$1 library

	mkdir -p "$lower"/{bin,usr/bin,etc,tmp,proc,dev,lib64}
	cp /usr/local/bin/guard-act "$lower$ACT"
	cp /usr/local/bin/guard-act "$lower/bin/other"
	cp /usr/local/bin/guard-act "$lower/bin/act-too"
	mkdir -p "$BASE/image"
	tar -xf "$GUEST_TAR" -C "$BASE/image"
	cp "$BASE/image/bin/busybox" "$lower/bin/busybox"
	ln -s busybox "$lower/bin/sh"
	cp /bin/dash "$lower/usr/bin/dash"
	cp /lib64/ld-linux-x86-64.so.2 "$lower/bin/ld.so"
	cp /lib64/ld-linux-x86-64.so.2 "$lower/lib64/"
	for library in $(ldd /bin/dash | awk '$2 == "=>" { print $3 }'); do
		mkdir -p "$lower/$(dirname "$library")"
		cp -L "$library" "$lower/$library"
	done
	printf '#!/bin/sh\necho script ran\n' >"$lower/script"
	printf '#!/bin/act ran\n' >"$lower/act-script"
	printf '#!/bin/sh\n/bin/act exec /bin/other ran\n/bin/sh -c "echo shell ran"\nexec /bin/act pause\n' >"$lower/start.sh"
	printf 'nameserver 10.3.0.1\n' >"$lower/etc/resolv.conf"
	chmod +x "$lower"/{script,act-script,start.sh}
}

# new_root [LAYERS]: an overlay of its own for a test, the upper layer in LAYERS: another filesystem than the image's
# (/run is a tmpfs), or the image's own (/var/guard).
new_root() {
	local layers=${1:-$BASE}

	ROOT=$BASE/root-$RANDOM$RANDOM
	layers=$layers/layers-$RANDOM$RANDOM
	mkdir -p "$ROOT" "$layers"/{upper,work}
	mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$layers/upper,workdir=$layers/work" "$ROOT"
	mount_inside
}

mount_inside() {
	mount -t proc proc "$ROOT/proc"
	mount -t tmpfs tmpfs "$ROOT/dev"
}

make_addresses() {
	local address

	for address in 10.1.0.1 10.1.0.2 10.2.0.1 10.3.0.1 169.254.169.254; do
		ip address add "$address/32" dev lo
	done
	for address in fd00:1::1 fd00:2::1 64:ff9b::a01:2 64:ff9b::a02:1 2002:a01:2::1 2002:a02:1::1; do
		ip -6 address add "$address/128" dev lo nodad
	done
}

setup_file() {
	modprobe overlay
	make_profiles
	make_lower "$LOWER"
	make_addresses
	guard-try load
}

# started NAME PROFILE [ARGV...]: a container that is gone with the test, when it has got to its last program. ROOT is its
# root, a new one if it is not set. What it writes is in $T_DIR/out.
started() {
	local profile=$2
	NAME=$1
	shift 2

	[ -n "${ROOT:-}" ] || new_root
	[ $# -gt 0 ] || set -- "$ACT" pause
	trap 'stop_container "$NAME"' EXIT
	guard-try start "$NAME" "$PROFILES" "$profile" "$ROOT" "$@" >"$T_DIR/out"
	guest_wait 20 grep -q pause "/proc/$(cat "/run/guard-try/$NAME.pid")/cmdline"
}

stop_container() {
	local cgroup=/sys/fs/cgroup/$1

	echo 1 >"$cgroup/cgroup.kill"
	guest_wait 5 grep -q 'populated 0' "$cgroup/cgroup.events"
	find "$cgroup" -depth -type d -exec rmdir {} \;
	guard-try events >/dev/null
}

# acts ANSWER ACTION...: what guard-act says, executed in the container as by `runtime exec`.
acts() {
	local answer=$1
	shift

	T_CHECKS=$((T_CHECKS + 1))
	t_capture guard-try enter "$NAME" "${CGROUP:-$NAME}" "$ACT" "$@" || true
	[ "$T_OUTPUT" = "$answer" ] || t_fail "'$T_OUTPUT' instead of '$answer': $*"
}
