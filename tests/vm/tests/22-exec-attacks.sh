#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an intruder tries in order to run a shell, or what the image did not bring.
# shellcheck source=tests/vm/attacks.sh
. "$(dirname "$0")/../attacks.sh"

T_LIMIT=300
NET='"net": {"connect": ["any"], "listen": ["any"]}'
STRICT='"exec": {"shells": "deny", "image_only": true}'
# A cgroup filesystem that the container may write to.
export ATTACK_MOUNTS=', { "destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", "rw"] }'

# dynamic PROGRAM...: with the loader and libraries.
dynamic() {
	local program library

	for program in "$@"; do
		install -D "$program" "$ATTACK_LOWER$program"
		for library in $(ldd "$program" | grep -o '/[^ ]*'); do
			[ -e "$ATTACK_LOWER$library" ] || install -D "$library" "$ATTACK_LOWER$library"
		done
	done
}

# image_script NAME TEXT
image_script() {
	printf '%s\n' "$2" >"$ATTACK_LOWER/$1"
	chmod +x "$ATTACK_LOWER/$1"
}

setup_file() {
	local name

	attack_image
	mkdir -p "$ATTACK_LOWER"/{mnt,usr/bin,lib,sys/fs/cgroup,opt}
	for name in other to-delete to-overwrite; do
		cp /usr/local/bin/attack "$ATTACK_LOWER/bin/$name"
	done
	cp /usr/local/bin/preload.so "$ATTACK_LOWER/lib/"
	rm -f "$ATTACK_LOWER"/bin/{env,awk,perl,dash}
	dynamic /usr/bin/dash /usr/bin/mawk /usr/bin/perl /usr/bin/env /usr/bin/setpriv
	ln -s dash "$ATTACK_LOWER/usr/bin/bash"
	mkdir -p "$ATTACK_LOWER/sbin"
	cp /usr/local/bin/attack "$ATTACK_LOWER/sbin/tini"
	cp "$ATTACK_LOWER/usr/bin/dash" "$ATTACK_LOWER/usr/bin/dash-under-another-name"
	image_script script $'#!/bin/sh\necho effect$((40+2))'
	image_script script-chain '#!/script-middle'
	image_script script-middle $'#!/bin/sh\necho effect$((40+2))'
	image_script script-rel $'#!bin/sh\necho effect$((40+2))'
	image_script env-split $'#!/usr/bin/env -S sh -e\necho effect$((40+2))'
	entrypoints
	image_script binfmt-data $'#binfmt-data\necho effect$((40+2))'
}

# As in the images of nginx, postgres and redis: helpers, another user, and at last the server.
entrypoints() {
	image_script nginx.sh $'#!/bin/sh\nset -e\nfor f in /script*; do echo "$f" | grep -q script; done\n/script\nexec "$@"'
	image_script postgres.sh $'#!/usr/bin/env bash\nset -e\nif [ -z "${AGAIN:-}" ]; then export AGAIN=1; exec /usr/bin/setpriv --no-new-privs "$0" "$@"; fi\n/usr/bin/dash -c /script\nexec "$@"'
	image_script redis.sh $'#!/bin/sh\nset -e\numask 077\nif [ -z "${AGAIN:-}" ]; then export AGAIN=1; exec /usr/bin/env "$0" "$@"; fi\nsh -c /script\nexec "$@"'
}

test_attacks_succeed_without_the_guard_and_are_stopped_by_it() {
	attack_compare exec "$STRICT, $NET"
}

test_so_are_those_of_newer_kernels() {
	local release
	release=$(uname -r)

	case $release in
	6.1.*) expect_equal 6.1. "${release:0:4}" ;; # nothing to try
	*) attack_compare exec-6.7 "$STRICT, $NET" ;;
	esac
}

test_code_that_is_in_no_file_is_stopped_by_wx() {
	attack_compare wx '"exec": {"shells": "deny", "image_only": true, "wx": "deny"}, '"$NET"
}

# Programs that compile as they run are not hindered where the profile does not say wx.
test_without_wx_a_process_may_write_code_for_itself() {
	trap 'attack_clean jit' EXIT
	guard-try load
	expect attack_run jit "$STRICT, $NET" /bin/attack wx
	refute_output ' stopped '
	refute_output ' broken '
	expect_equal "$(attack list wx | wc -l)" "$(printf '%s\n' "$T_OUTPUT" | grep -c ' succeeded ')" 'that succeeded'
}

test_the_first_instruction_is_judged() {
	trap 'attack_clean first' EXIT
	guard-try load
	guard-try events >/dev/null
	refute attack_run first "$STRICT, $NET" /bin/sh -c 'echo effect42'
	refute_output effect42
	expect guard-try events
	expect_output 'exec denied shell errno=EACCES'
}

# detached NAME PROFILE ARGUMENT...: runs on.
detached() {
	ATTACK_OPTIONS=--detach attack_run "$@" >output 2>&1
}


inside() {
	"$ATTACK_RUNTIME" exec "$@" < <(:)
}

# shells_denied NAME REASON: with and without a terminal; another program runs.
shells_denied() {
	local name=$1 reason=$2

	guard-try events >/dev/null
	refute inside "$name" /bin/sh -c 'echo effect$((40+2))'
	refute_output effect42
	refute inside "$name" /usr/bin/dash-under-another-name -c 'echo effect$((40+2))'
	refute_output effect42
	refute script -qec "$ATTACK_RUNTIME exec --tty $name /bin/sh -c 'echo effect\$((40+2))' || exit 1" /dev/null # runc's is 255
	refute_output effect42
	expect guard-try events
	expect_equal 3 "$(printf '%s\n' "$T_OUTPUT" | grep -c "^exec denied $reason ")" "events with $reason"
	expect inside "$name" /bin/attack effect
	expect_output effect42
	expect script -qec "$ATTACK_RUNTIME exec --tty $name /bin/attack effect" /dev/null
	expect_output effect42
}

executed_beside() {
	export ATTACK_RUNTIME=$1

	trap 'attack_clean beside' EXIT
	guard-try load
	detached beside "$STRICT, $NET" /bin/attack pause || { cat output; t_fail 'does not start'; }
	shells_denied beside shell
}

test_exec_of_a_shell_is_denied_behind_crun_with_and_without_a_terminal() {
	executed_beside crun
}

test_exec_of_a_shell_is_denied_behind_runc_with_and_without_a_terminal() {
	executed_beside runc
}

# starts_and_is_sealed NAME ARGUMENT...
starts_and_is_sealed() {
	local name=$1
	shift

	SEALED=$name # a trap at the end does not see what is local
	trap 'attack_clean "$SEALED"' EXIT
	guard-try load
	detached "$name" '"exec": {"shells": "startup", "image_only": true}, '"$NET" "$@" || { cat output; t_fail 'does not start'; }
	guest_wait 20 sealed "$name" || { cat output; guard-try state "$name"; guard-try events; t_fail 'is not sealed'; }
	expect grep -x effect42 output
	shells_denied "$name" shell-sealed
}

sealed() {
	guard-try state "$1" | grep -q sealed=1
}

test_an_entrypoint_like_that_of_nginx_starts_and_is_sealed() {
	starts_and_is_sealed nginx /nginx.sh /bin/attack pause
}

test_an_entrypoint_like_that_of_postgres_starts_and_is_sealed() {
	starts_and_is_sealed postgres /postgres.sh /bin/attack pause
}

test_an_entrypoint_like_that_of_redis_starts_and_is_sealed() {
	starts_and_is_sealed redis /redis.sh /bin/attack pause
}

test_an_entrypoint_behind_tini_starts_and_is_sealed() {
	starts_and_is_sealed tini /sbin/tini -- /sbin/tini -- /postgres.sh /bin/attack pause
}

once_a_root_that_cannot_be_judged_is_refused() {
	mkdir root
	mount -t ramfs ramfs root
	trap 'umount root; rmdir /sys/fs/cgroup/ramfs' EXIT
	printf '{ "cofferdam": 1, "name": "image", "exec": {"image_only": true} }\n' >"$ATTACK_PROFILES/image.json"
	printf '{ "cofferdam": 1, "name": "any", "exec": {"image_only": false} }\n' >"$ATTACK_PROFILES/any.json"
	refute guard-try run ramfs "$ATTACK_PROFILES" image root /bin/true
	expect_output 'exec.image_only: on the filesystem of this container'
	cp /usr/local/bin/attack root/
	expect guard-try run ramfs "$ATTACK_PROFILES" any root /attack effect
	expect_output effect42
}

# The shim, since the files are found by the spec's mounts.
once_a_program_on_a_volume_runs_where_the_profile_names_it() {
	shim=/usr/local/bin/cofferdam-runtime # not local, for the trap
	mkdir -p /srv/tools /etc/cofferdam/profiles.d
	cp /usr/local/bin/attack /srv/tools/tool
	cp /usr/local/bin/attack /srv/tools/other
	trap '"$shim" delete --force tools; rm -rf /srv/tools /etc/cofferdam/profiles.d/tools.json; guest_config' EXIT
	echo '{ "cofferdam": 1, "name": "tools", "extends": ["default"],
		"mounts": { "allow": [ { "source": "/srv/tools", "destination": "/opt", "options": ["ro"] } ] },
		"exec": { "shells": "deny", "allow": ["/bin/inside", "/opt/tool"] } }' >/etc/cofferdam/profiles.d/tools.json
	guest_config "{ \"runtimes\": [\"$(command -v crun)\"], \"default_profile\": \"tools\" }"
	export BUNDLE_MOUNTS=', { "destination": "/opt", "type": "bind", "source": "/srv/tools", "options": ["bind", "ro"] }'
	guest_bundle bundle /bin/inside sleep 300
	expect "$shim" run --detach --bundle bundle tools
	expect "$shim" exec tools /opt/tool effect
	expect_output effect42
	refute "$shim" exec tools /opt/other effect
	cp /usr/local/bin/attack /srv/tools/tool # it is not any more what was there
	refute "$shim" exec tools /opt/tool effect
}

# `podman run --init`: a program of the host's starts what the container is about, which may begin with a shell.
once_the_engines_init_runs_and_the_door_closes_behind_it() {
	guest_inside_image
	guest_runtime crun
	trap 'podman rm -f -t 0 web; rm -f /usr/libexec/podman/catatonit; guest_config' EXIT
	cp /usr/local/bin/attack /usr/libexec/podman/catatonit
	expect podman --runtime /usr/local/bin/cofferdam-runtime run -d --init --name web --network none "$GUEST_INSIDE" \
		sh -c 'exec /bin/inside sleep 300'
	expect guest_wait 20 podman exec web /bin/inside show /proc/2/cmdline
	expect podman exec web /bin/inside show /proc/1/comm /proc/2/comm
	expect_output podman-init
	expect_output inside
	refute podman exec web sh -c 'echo in'
	refute podman exec web /bin/inside run /bin/busybox sh -c 'echo in'
	expect_output EACCES
}

teardown_file() {
	attack_tables
}

t_main "$@"
