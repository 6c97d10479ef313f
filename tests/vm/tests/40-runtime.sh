#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cofferdam-runtime by itself, in front of crun and of runc: what a container gets, what is refused, what is left behind.
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/../guest.sh"

SHIM=/usr/local/bin/cofferdam-runtime
AUDIT=/var/log/cofferdam/audit.jsonl
T_LIMIT=120

setup_file() {
	"$SHIM" --version # what is wrong with the build shows here
}

pid_of() {
	"$SHIM" state "$1" | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p'
}

field() {
	awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"
}

clean() {
	"$SHIM" delete --force "$1" >/dev/null 2>&1 || true
}

# What the decision says, seen from the host while the container runs.
contained() {
	local pid mounts

	guest_runtime "$1"
	guest_bundle bundle /bin/inside sleep 300
	mounts=$(wc -l </proc/self/mountinfo)
	expect "$SHIM" create --bundle bundle web
	trap 'clean web' EXIT
	pid=$(pid_of web)
	expect_equal '0 1000000 65536' "$(tr -s ' ' </proc/"$pid"/uid_map | sed 's/^ //')" uid_map
	expect "$SHIM" start web
	guest_wait 10 grep -q inside "/proc/$pid/comm"
	expect_equal 2 "$(field "$pid" Seccomp)" Seccomp
	expect_equal 1 "$(field "$pid" NoNewPrivs)" NoNewPrivs
	expect_equal 0000000000000420 "$(field "$pid" CapBnd)" 'CapBnd: KILL and NET_BIND_SERVICE'
	expect_equal 0000000000000000 "$(field "$pid" CapInh)" CapInh
	expect_equal "$mounts" "$(wc -l </proc/self/mountinfo)" 'mounts of the host'
	expect cofferdam status --json
	expect_output '"guard":{"exec":true,"net":true}'
	expect_output '"state":"running"'
	expect "$SHIM" exec web /bin/inside show /proc/self/uid_map
	expect_output ' 1000000 '
	expect "$SHIM" kill web KILL
	guest_wait 10 "$SHIM" delete web
	guest_nothing_left
}

test_a_container_of_crun_is_contained() {
	contained crun
}

test_a_container_of_runc_is_contained() {
	contained runc
}

# runc ends with 255 when it cannot execute.
expect_denied() {
	local status=0

	"$@" >output 2>&1 || status=$?
	cat output
	[ "$status" -ne 0 ] || t_fail "was not denied: $*"
	expect grep -i 'permission denied' output
	refute grep -x in output
}

shells_denied() {
	guest_runtime "$1"
	BUNDLE_WRITABLE=1 guest_bundle bundle /bin/inside sleep 300
	expect "$SHIM" run --detach --bundle bundle web
	trap 'clean web' EXIT
	expect_denied "$SHIM" exec web /bin/sh -c 'echo in'
	expect "$SHIM" exec web /bin/inside copy /bin/busybox /tool
	refute "$SHIM" exec web /bin/inside run /tool true
	expect_output EACCES
	expect "$SHIM" exec web /bin/inside copy /bin/inside /again
	refute "$SHIM" exec web /bin/inside run /again show /proc/self/comm
	expect_output EACCES
	expect cofferdam events --json
	expect_output '"verdict":"denied"'
	expect_output '"container":"web"'
}

test_shells_and_copies_are_denied_behind_crun() {
	shells_denied crun
}

test_shells_and_copies_are_denied_behind_runc() {
	shells_denied runc
}

# expect_refused_exec RULE OPTION...: told, and in the audit log.
expect_refused_exec() {
	expect_status 1 "$SHIM" exec "${@:2}" web /bin/inside show /proc/self/status
	expect_output 'cofferdam: refused exec in web'
	expect_output "[$1]"
	expect tail -n 1 "$AUDIT"
	expect_output '"command":"exec"'
	expect_output "\"rule\":\"$1\""
}

# The same cases as files of --process: tests/live/45-exec.sh.
exec_is_judged() {
	guest_runtime "$1"
	guest_bundle bundle /bin/inside sleep 300
	expect "$SHIM" run --detach --bundle bundle web
	trap 'clean web' EXIT
	expect "$SHIM" exec web /bin/inside show /proc/self/status
	expect_output 'CapBnd:	0000000000000420'
	expect_output 'NoNewPrivs:	1'
	expect "$SHIM" exec --cap CAP_KILL --user 0:0 --env A=1 --cwd /bin web /bin/inside show /proc/self/status
	expect_output 'CapBnd:	0000000000000'
	refute_output 'CapBnd:	0000003fffffffff'
	expect_output 'NoNewPrivs:	1'
	expect_refused_exec exec.capability --cap CAP_SYS_ADMIN
	expect_refused_exec exec.no-new-privileges --no-new-privs=false
	expect_refused_exec exec.user-range --user 65536
	expect_refused_exec exec.apparmor --apparmor unconfined
	expect_refused_exec exec.selinux --process-label system_u:system_r:spc_t:s0
	expect_refused_exec exec.env-loader --env LD_PRELOAD=/tmp/x.so
	expect_refused_exec exec.cgroup --cgroup ../..
	expect_refused_exec process.cwd --cwd /proc/self/fd/7
}

once_a_wider_exec_is_refused_behind_crun() {
	exec_is_judged crun
}

once_a_wider_exec_is_refused_behind_runc() {
	exec_is_judged runc
}

update_is_judged() {
	local cgroup pid

	guest_runtime "$1"
	guest_bundle bundle /bin/inside sleep 300
	expect "$SHIM" run --detach --bundle bundle web
	trap 'clean web' EXIT
	pid=$(pid_of web)
	cgroup=/sys/fs/cgroup$(cut -d: -f3 "/proc/$pid/cgroup")
	echo '{"pids":{"limit":77}}' >limits.json
	expect "$SHIM" update --resources limits.json web
	expect_equal 77 "$(cat "$cgroup/pids.max")" pids.max
	expect "$SHIM" update --pids-limit 78 web
	expect_equal 78 "$(cat "$cgroup/pids.max")" pids.max
	echo '{"pids":{"limit":79},"devices":[{"allow":true,"type":"b","major":8,"minor":0,"access":"rwm"}]}' >disk.json
	expect_status 1 "$SHIM" update --resources disk.json web
	expect_output '[update.device]'
	expect_equal 78 "$(cat "$cgroup/pids.max")" pids.max
}

once_an_update_changes_limits_and_no_devices_behind_crun() {
	update_is_judged crun
}

once_an_update_changes_limits_and_no_devices_behind_runc() {
	update_is_judged runc
}

foreground() {
	guest_runtime "$1"
	guest_bundle bundle /bin/inside show /proc/self/uid_map
	expect "$SHIM" run --bundle bundle fore
	expect_output ' 65536'
	guest_bundle status /bin/inside nothing
	expect_status 2 "$SHIM" run --bundle status fore
	guest_nothing_left
}

once_run_hands_on_output_and_status_of_crun() {
	foreground crun
}

once_run_hands_on_output_and_status_of_runc() {
	foreground runc
}

signals() {
	local shim status=0

	guest_runtime "$1"
	guest_bundle bundle /bin/inside term
	"$SHIM" run --bundle bundle signalled >output 2>&1 &
	shim=$!
	guest_wait 20 grep -x ready output
	kill -TERM "$shim"
	wait "$shim" || status=$?
	expect_equal 7 "$status" 'status after SIGTERM'
	guest_nothing_left
}

once_signals_reach_the_container_through_crun() {
	signals crun
}

once_signals_reach_the_container_through_runc() {
	signals runc
}

# refused RULE: the bundle is not started, and everybody is told once.
refused() {
	guest_runtime crun
	guest_bundle bundle /bin/inside sleep 1
	rm -f log
	expect_status 1 "$SHIM" --log "$PWD/log" --log-format json create --bundle bundle bad
	expect_output 'cofferdam: refused bad'
	expect_output "[$1]"
	expect_equal 1 "$(wc -l <log)" 'lines in --log'
	expect grep '^{"level":"error","msg":"cofferdam: refused bad' log
	expect_output "[$1]"
	expect tail -n 1 "$AUDIT"
	expect_output "\"rule\":\"$1\""
	expect_status 1 crun state bad
	guest_nothing_left
}

once_an_engine_socket_is_refused() {
	mkdir -p /run/podman
	podman system service --time 20 unix:///run/podman/podman.sock &
	guest_wait 20 test -S /run/podman/podman.sock
	export BUNDLE_MOUNTS=', { "destination": "/run/docker.sock", "type": "bind", "source": "/run/podman/podman.sock", "options": ["bind"] }'
	refused mount.engine-socket
}

once_a_forbidden_capability_is_refused() {
	export BUNDLE_CAPABILITIES=', "CAP_SYS_ADMIN"'
	refused capability.forbidden
}

once_what_two_parsers_read_differently_is_refused() {
	guest_runtime crun
	guest_bundle bundle /bin/inside sleep 1
	sed -i '0,/{/s//{"ociVersion":"1.0.0",/' bundle/config.json
	expect_status 1 "$SHIM" create --bundle bundle twice
	expect_output ociVersion
	guest_nothing_left
}

once_the_engines_files_stay_as_they_were() {
	local before

	guest_runtime crun
	guest_bundle bundle /bin/inside show /proc/self/comm
	before=$(cat bundle/config.json | sha256sum; ls -lna --time-style=full-iso bundle bundle/rootfs/bin/inside)
	expect "$SHIM" run --bundle bundle once
	expect_equal "$before" "$(cat bundle/config.json | sha256sum; ls -lna --time-style=full-iso bundle bundle/rootfs/bin/inside)"
}

once_another_name_of_the_file_is_honoured() {
	guest_runtime crun
	guest_bundle bundle /bin/inside show /proc/self/comm
	mv bundle/config.json bundle/other.json
	expect "$SHIM" run --bundle bundle --config other.json once
	expect_output inside
	expect_status 1 "$SHIM" run --bundle bundle --config ../bundle/other.json once
}

once_restore_is_refused() {
	guest_runtime runc
	guest_bundle bundle /bin/inside sleep 1
	expect_status 1 "$SHIM" restore --bundle bundle --image-path /tmp back
	expect_output 'cofferdam: refused restore of back'
	expect_output '[restore.checkpoint]'
}

once_an_id_that_lives_is_refused() {
	guest_runtime crun
	guest_bundle bundle /bin/inside sleep 300
	expect "$SHIM" run --detach --bundle bundle web
	trap 'clean web' EXIT
	expect_status 1 "$SHIM" create --bundle bundle web
	expect_output 'exists already'
	expect "$SHIM" state web
}

once_the_runtime_that_created_it_deletes_it() {
	guest_runtime runc
	guest_bundle bundle /bin/inside sleep 300
	expect "$SHIM" run --detach --bundle bundle web
	trap 'clean web' EXIT
	guest_runtime crun
	expect runc state web
	expect "$SHIM" delete --force web
	refute runc state web
	guest_nothing_left
}

once_ten_at_once_get_ten_ranges() {
	local number jobs=()

	guest_runtime crun
	guest_bundle bundle /bin/inside sleep 300
	trap 'for number in 0 1 2 3 4 5 6 7 8 9; do clean "many$number"; done' EXIT
	for number in 0 1 2 3 4 5 6 7 8 9; do
		"$SHIM" create --bundle bundle "many$number" >"log$number" 2>&1 &
		jobs+=($!)
	done
	for number in "${jobs[@]}"; do
		expect wait "$number"
	done
	expect_equal 10 "$(ls /run/cofferdam/ranges | wc -l)" 'ranges in use'
}

once_a_mode_that_is_off_is_off() {
	guest_config "{ \"runtimes\": [\"$(command -v crun)\"], \"userns\": { \"mode\": \"off\" }, \"guard\": { \"exec\": \"off\", \"net\": \"off\" } }"
	guest_bundle bundle /bin/inside show /proc/self/uid_map
	expect "$SHIM" run --bundle bundle bare
	expect_output 4294967295
	guest_nothing_left
}

once_without_a_range_it_is_refused_or_noted() {
	trap 'mv /etc/subuid.away /etc/subuid' EXIT
	guest_runtime crun
	guest_bundle bundle /bin/inside show /proc/self/uid_map
	mv /etc/subuid /etc/subuid.away
	expect_status 1 "$SHIM" run --bundle bundle ranged
	expect_output /etc/subuid
	guest_config "{ \"runtimes\": [\"$(command -v crun)\"], \"userns\": { \"mode\": \"prefer\" } }"
	expect "$SHIM" run --bundle bundle ranged
	expect_output 4294967295
	expect grep -c 'userns.mode is prefer' "$AUDIT"
}

teardown_file() {
	guest_config
	rm -f /etc/cofferdam/runtime
}

t_main "$@"
