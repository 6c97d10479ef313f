#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# exec, update and restore of containers that cofferdam-runtime created, with crun and with runc. Every case runs with both.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

SHIM=/usr/local/bin/cofferdam-runtime
GLOBAL=()
AUDIT=/var/log/cofferdam/audit.jsonl

shim() {
	"$SHIM" "${GLOBAL[@]}" "$@"
}

# configure RUNTIME: it stands behind from now on.
configure() {
	mkdir -p /etc/cofferdam
	GLOBAL=()
	# It cannot load its device filter here; tests/vm has it with its cgroups.
	case $1 in *crun) GLOBAL=(--cgroup-manager=disabled) ;; esac
	ln -sfn "$1" /etc/cofferdam/runtime
	printf '{ "runtimes": ["%s"], "guard": { "exec": "off", "net": "off" } }\n' "$1" >/etc/cofferdam/cofferdam.json
}

runs_its_program() {
	live_executes "$(cofferdam status web --json | sed -n 's/.*"pid":\([0-9]*\).*/\1/p')" sleep
}

# with_container CASE: the case with a container `web` that sleeps, once for each runtime; the bundle is in ./bundle and a
# process as engines write it in ./process.json.
with_container() {
	local runtime

	for runtime in crun runc; do
		configure "$(command -v "$runtime")"
		rm -rf bundle
		live_bundle bundle /bin/sleep 300
		chmod -R a+rX "$LIVE_ROOTFS"
		live_edit bundle/config.json 'c["process"].update(oomScoreAdj=100, env=["PATH=/bin", "LD_LIBRARY_PATH=/opt/lib"])
c["process"]["capabilities"]["ambient"] = []
c["process"].pop("rlimits", None)
json.dump(dict(c["process"], args=["/bin/cat", "/proc/self/status"]), open("process.json", "w"))'
		expect shim create --bundle bundle web
		trap 'shim delete --force web >/dev/null 2>&1' EXIT
		expect shim start web
		runs_its_program || t_fail 'the program does not run'
		"$1"
		expect shim delete --force web
		trap - EXIT
	done
}

# exec_process CODE: the engine's process, changed by the code (`c` is the process).
exec_process() {
	cp process.json changed.json
	live_edit changed.json "$1"
	shim --log "$PWD/log" --log-format json exec --process changed.json web
}

# expect_refused RULE COMMAND...: told once to the engine, and in the audit log.
expect_refused() {
	local rule=$1 before

	shift
	rm -f log
	before=$(wc -l <"$AUDIT" 2>/dev/null || echo 0)
	expect_status 1 "$@"
	expect_output 'cofferdam: refused exec in web ('
	expect_output "[$rule]"
	expect_equal 1 "$(($(wc -l <"$AUDIT") - before))" 'new lines in the audit log'
	expect tail -n 1 "$AUDIT"
	expect_output '"command":"exec"'
	expect_output "\"rule\":\"$rule\""
	expect_output '"verdict":"refused"'
}

case_what_engines_ask_passes() {
	local before after

	before=$(cat "$AUDIT" 2>/dev/null | wc -l)
	expect exec_process ''
	# KILL and NET_BIND_SERVICE: AUDIT_WRITE, which the engine asks for, is the profile's to give.
	expect_output 'CapBnd:	0000000000000420'
	expect_output 'CapEff:	0000000000000420'
	expect_output 'CapInh:	0000000000000000'
	expect_output 'NoNewPrivs:	1'
	expect_output 'Seccomp:	2'
	expect exec_process 'c["user"] = {"uid": 1000, "gid": 1000}; del c["noNewPrivileges"]'
	expect_output 'Uid:	1000	'
	expect_output 'NoNewPrivs:	1'
	expect exec_process 'del c["capabilities"]'
	expect_output 'CapBnd:	0000000000000420'
	expect exec_process 'c["capabilities"]["inheritable"] = ["CAP_KILL"]'
	expect_output 'CapInh:	0000000000000000'
	after=$(cat "$AUDIT" | wc -l)
	expect_equal "$before" "$after" 'lines in the audit log: nothing was to be said'
}
test_what_engines_ask_passes_and_gets_no_more_than_the_container_has() { with_container case_what_engines_ask_passes; }

case_a_wider_process_is_refused() {
	expect_refused exec.capability exec_process 'c["capabilities"]["bounding"].append("CAP_SYS_ADMIN")'
	expect_output 'process.capabilities.bounding['
	expect_refused exec.capability exec_process 'c["capabilities"]["ambient"] = ["CAP_NET_RAW"]'
	expect_refused capability.unknown exec_process 'c["capabilities"]["effective"].append("cap_sys_admin")'
	expect_refused capability.ambient exec_process 'c["user"]["uid"] = 1; c["capabilities"]["ambient"] = ["CAP_KILL"]'
	expect_refused exec.no-new-privileges exec_process 'c["noNewPrivileges"] = False'
	expect_refused exec.user-range exec_process 'c["user"]["uid"] = 65536'
	expect_refused exec.apparmor exec_process 'c["apparmorProfile"] = "unconfined"'
	expect_refused exec.selinux exec_process 'c["selinuxLabel"] = "system_u:system_r:spc_t:s0"'
	expect_refused exec.env-loader exec_process 'c["env"].append("LD_PRELOAD=/tmp/x.so")'
	expect_refused exec.oom-score exec_process 'c["oomScoreAdj"] = 99'
	expect_refused process.cwd exec_process 'c["cwd"] = "/proc/self/fd/7"'
	expect_refused process.realtime exec_process 'c["scheduler"] = {"policy": "SCHED_FIFO", "priority": 1}'
	# All of it is told, not the first.
	expect_status 1 exec_process 'c["cwd"] = "/proc"; c["oomScoreAdj"] = -1000; c["env"] = ["LD_AUDIT=/x"]'
	expect_output '3 findings'
	expect_equal 2 "$(wc -l <log)" 'lines in --log'
}
test_a_wider_process_is_refused() { with_container case_a_wider_process_is_refused; }

case_a_wider_option_is_refused() {
	expect_refused exec.capability shim exec --cap CAP_SYS_ADMIN web /bin/true
	expect_refused exec.capability shim exec -c CAP_AUDIT_WRITE web /bin/true
	expect_refused exec.no-new-privileges shim exec --no-new-privs=false web /bin/true
	expect_refused exec.user-range shim exec --user 65536 web /bin/true
	expect_refused exec.user-range shim exec --user 0:4294967294 web /bin/true
	expect_refused exec.apparmor shim exec --apparmor unconfined web /bin/true
	expect_refused exec.selinux shim exec --process-label system_u:system_r:spc_t:s0 web /bin/true
	expect_refused exec.env-loader shim exec --env LD_PRELOAD=/tmp/x.so web /bin/true
	expect_refused exec.cgroup shim exec --cgroup ../other web /bin/true
	expect_refused exec.cgroup shim exec --cgroup=/ web /bin/true
	expect_refused process.cwd shim exec --cwd /proc/self/fd/7 web /bin/true
	expect_status 1 shim exec --user nobody web /bin/true
	expect_output '--user nobody'
	expect_status 1 shim exec --privileged web /bin/true
	expect_output 'option --privileged is not one that cofferdam-runtime knows'
	expect tail -n 1 "$AUDIT"
	expect_output '"step":"exec"'
}
test_a_wider_option_is_refused() { with_container case_a_wider_option_is_refused; }

case_options_of_every_day_pass() {
	expect shim exec web /bin/cat /proc/self/status
	expect_output 'CapBnd:	0000000000000420'
	expect_output 'NoNewPrivs:	1'
	expect shim exec --cap CAP_KILL --user 0 --env A=1 --cwd /tmp web /bin/sh -c 'pwd; echo "<$A>"; cat /proc/self/status' --cap
	expect_output '/tmp'
	expect_output '<1>'
	expect_output 'NoNewPrivs:	1'
	expect shim exec --env LD_LIBRARY_PATH=/opt/lib web /bin/true
	expect_status 42 shim exec web /bin/sh -c 'exit 42'
	expect shim exec --detach --pid-file "$PWD/pid" web /bin/sleep 100
	expect test -d "/proc/$(cat pid)"
}
test_options_of_every_day_pass() { with_container case_options_of_every_day_pass; }

# The runtime reads the copy of what was judged, and the process in the container has nothing of it.
case_what_is_read_is_what_was_judged() {
	local fds

	expect exec_process 'c["args"] = ["/bin/ls", "-l", "/proc/self/fd"]'
	refute_output cofferdam-exec
	fds=$(exec_process 'c["args"] = ["/bin/sh", "-c", "echo /proc/self/fd/*"]' 2>/dev/null)
	expect_equal '/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2' "${fds% /proc/self/fd/3}" 'descriptors of the process'
	# Handed on with --preserve-fds: 3 and 4, and not the copy behind them.
	cp process.json changed.json
	live_edit changed.json 'c["args"] = ["/bin/sh", "-c", "cat <&3; cat <&4; ls -l /proc/self/fd"]'
	echo three >three && echo four >four
	expect shim exec --preserve-fds 2 --process "$PWD/changed.json" web 3<three 4<four
	expect_output three
	expect_output four
	refute_output cofferdam-exec
	expect_status 1 shim exec --preserve-fds 1 --process "$PWD/changed.json" web 3</
	expect_output 'is a directory of the host'
	mkfifo pipe
	expect_status 1 shim exec --process pipe web
	expect_output 'is not a regular file'
	rm pipe
	for bad in '[]' '{"cwd":"/","cwd":"/proc"}' '{"cwd":"/","NoNewPrivileges":true}' '{"args":["x"]}' '{"cwd":"/"} x'; do
		echo "$bad" >bad.json
		expect_status 1 shim exec --process bad.json web
		expect_output 'cofferdam: refused exec in web: bad.json:1:'
	done
}
test_what_is_read_is_what_was_judged() { with_container case_what_is_read_is_what_was_judged; }

case_unknown_keys_are_removed_or_refused() {
	expect exec_process 'c["vendorKey"] = {"a": 1}'
	expect tail -n 1 "$AUDIT"
	expect_output 'removed from what exec was given, as no schema knows it: process.vendorKey'
	live_edit /etc/cofferdam/cofferdam.json 'c["unknown_keys"] = "strict"'
	expect_status 1 exec_process 'c["vendorKey"] = {"a": 1}'
	expect_output 'process.vendorKey: a key that OCI runtime-spec 1.3.0 does not have'
}
test_unknown_keys_are_removed_or_refused() { with_container case_unknown_keys_are_removed_or_refused; }

case_many_at_once() {
	local number jobs=()

	for number in $(seq 20); do
		sed "s|\"args\": \[[^]]*\]|\"args\": [\"/bin/echo\", \"number $number.\"]|" process.json >"many$number.json"
		shim exec --process "many$number.json" web >"out$number" 2>&1 &
		jobs+=($!)
	done
	for number in $(seq 20); do
		expect wait "${jobs[number - 1]}"
		expect_equal "number $number." "$(cat "out$number")" 'what was executed'
	done
}
test_many_at_once_get_their_own_process() { with_container case_many_at_once; }

case_an_exception_lets_pass_without_giving() {
	mkdir -p /etc/cofferdam/profiles.d
	cat >/etc/cofferdam/profiles.d/default.json <<-'JSON'
		{ "cofferdam": 1, "name": "default", "syscalls": { "extends": "docker-default" }, "capabilities": ["KILL", "NET_BIND_SERVICE"],
		  "exceptions": [ { "rule": "exec.capability", "subject": "CAP_SYS_ADMIN", "reason": "T-1", "expires": "2999-01-01" } ] }
	JSON
	expect exec_process 'c["capabilities"]["bounding"].append("CAP_SYS_ADMIN")'
	expect_output 'CapBnd:	0000000000000420'
	expect tail -n 1 "$AUDIT"
	expect_output '"excepted":true'
	expect shim exec --cap CAP_SYS_ADMIN web /bin/cat /proc/self/status
	expect_output 'CapBnd:	0000000000000420'
	expect_status 1 exec_process 'c["capabilities"]["bounding"].append("CAP_SYS_PTRACE")'
	rm /etc/cofferdam/profiles.d/default.json
}
test_an_exception_lets_pass_without_giving() { with_container case_an_exception_lets_pass_without_giving; }

test_a_container_of_somebody_else_is_handed_on() {
	for runtime in crun runc; do
		configure "$(command -v "$runtime")"
		rm -rf bundle
		live_bundle bundle /bin/sleep 300
		trap '"$runtime" delete --force theirs >/dev/null 2>&1' EXIT
		live_edit bundle/config.json 'c["process"].pop("rlimits", None)'
		"$runtime" "${GLOBAL[@]}" run --detach --bundle bundle theirs </dev/null >out 2>&1 || cat out
		expect shim exec theirs /bin/echo hello
		expect_output hello
		expect shim delete --force theirs
		trap - EXIT
	done
}

test_ids_are_plain_in_every_command_that_is_judged() {
	local id long

	configure "$(command -v crun)"
	long=$(printf 'a%.0s' $(seq 1025))
	for id in 'a b' a/b ../web 'a;b' $'a\nb' 'wéb' a:b a@b a% . .. "$long"; do
		expect_status 1 shim create --bundle /nonexistent "$id"
		expect_output "the container's id"
		expect_status 1 shim exec "$id" /bin/true
		expect_output "the container's id"
		expect_status 1 shim update --memory 1 "$id"
		expect_output "the container's id"
		expect_status 1 shim restore --bundle /nonexistent "$id"
		expect_output "the container's id"
	done
}

# with_input FILE COMMAND...
with_input() {
	"${@:2}" <"$1"
}

case_limits_change_and_devices_do_not() {
	echo '{"cpu":{}}' >limits.json # no controller is there to be set
	expect shim update --resources limits.json web
	expect with_input limits.json shim update --resources=- web
	expect with_input limits.json shim update -r - web
	# kubelet hands the container's own device rules in.
	python3 - <<-'PYTHON'
		import json
		devices = json.load(open("bundle/config.json"))["linux"]["resources"]["devices"]
		json.dump({"devices": devices, "cpu": {}}, open("limits.json", "w"))
		json.dump({"devices": devices + [{"allow": True, "type": "b", "major": 8, "minor": 0, "access": "rw"}]}, open("disk.json", "w"))
	PYTHON
	expect shim update --resources limits.json web
	for words in '--resources disk.json' '--resources=-' '-r -'; do
		# shellcheck disable=SC2086
		expect_status 1 with_input disk.json shim update $words web
		expect_output 'cofferdam: refused update of web ('
		expect_output '[update.device]'
	done
	expect tail -n 1 "$AUDIT"
	expect_output '"command":"update"'
	echo '{"unified":{"../x/cgroup.procs":"1"}}' >bad.json
	expect_status 1 shim update --resources bad.json web
	expect_output '[process.cgroup-file]'
	expect_status 1 shim update --l3-cache-schema L3:0=f web
	expect_output '[process.intel-rdt]'
	expect_status 1 shim update --res limits.json web
	expect_status 1 shim update web --resources limits.json
	expect_output "nothing may follow the container's id"
}
test_limits_change_and_devices_do_not() { with_container case_limits_change_and_devices_do_not; }

test_restore_is_refused_with_all_that_is_wrong() {
	configure "$(command -v crun)"
	live_bundle bundle /bin/true
	live_edit bundle/config.json 'c["process"]["capabilities"]["bounding"].append("CAP_SYS_ADMIN")'
	expect_status 1 shim restore --bundle bundle --image-path /tmp back
	expect_output 'cofferdam: refused restore of back ('
	expect_output '[restore.checkpoint]'
	expect_output '[capability.forbidden]'
	expect tail -n 1 "$AUDIT"
	expect_output '"command":"restore"'
	expect_equal '' "$(ls -A /run/cofferdam/containers 2>/dev/null)" 'left behind'
}

teardown_file() {
	rm -rf /etc/cofferdam/runtime /etc/cofferdam/cofferdam.json
}

t_main "$@"
