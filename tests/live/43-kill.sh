#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of the shim, the runtime and the hook at a hundred moments each of a create, without anybody who tidies up: one more
# create clears all of it but the cgroups, which are the runtime's. Without the guard; tests/vm/tests/70-crash.sh has it.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

T_LIMIT=300
SHIM=/usr/local/bin/cofferdam-runtime
RUNC=$(command -v runc)
HERE=$(realpath "$(dirname "$0")")

setup_file() {
	mkdir -p /etc/cofferdam
	ln -sfn "$RUNC" /etc/cofferdam/runtime
	printf '{ "runtimes": ["%s"], "guard": { "exec": "off", "net": "off" } }\n' "$RUNC" >/etc/cofferdam/cofferdam.json
	live_bundle /run/kill /bin/sleep 300
	live_edit /run/kill/config.json 'c["process"]["capabilities"]["ambient"] = []'
}

# The processes of containers: those with ids of a range.
contained() {
	grep -l ' 65536$' /proc/[0-9]*/uid_map 2>/dev/null || true
}

# wait_for SECONDS COMMAND...
wait_for() {
	local end=$((SECONDS + $1))
	shift

	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return
		sleep 0.1
	done
}

only() {
	[ "$(ls /run/cofferdam/containers | cut -d@ -f1)" = "$1" ] && [ "$(contained | wc -l)" -eq 1 ]
}

survive() {
	local who=$1 host_before

	host_before=$(sort /proc/self/mountinfo)
	trap '"$SHIM" delete --force next; rm -rf /run/runc' EXIT
	expect "$HERE/kill.py" "$who" 100 /run/kill
	expect "$SHIM" create --bundle /run/kill next
	wait_for 20 only next || true # the sweep goes on beside the runtime
	expect_equal next "$(ls /run/cofferdam/containers | cut -d@ -f1)" 'records'
	expect_equal 1 "$(find /run/cofferdam/ranges -type l | wc -l)" 'ranges in use'
	expect_equal 1 "$(contained | wc -l)" 'processes in user namespaces'
	expect_equal "$host_before" "$(sort /proc/self/mountinfo)" 'mounts'
	expect_equal '' "$(find /run/cofferdam/stage -mindepth 1 ! -name rootfs)" 'left in the stage'
	expect_equal '' "$(find /run/cofferdam -name '.*')" 'temporary files'
	# What runc made before it was killed is all there is (beside the guard's own), and nobody is in it.
	expect_equal '' "$(find /sys/fs/cgroup -type d -name '*[0-9]' -exec grep -l . {}/cgroup.procs \;)" 'cgroups with processes'
	expect_equal '' "$(find /sys/fs/cgroup -mindepth 1 -type d ! -name '*[0-9]' ! -name next ! -name tests ! -name cofferdam)" 'other cgroups'
}

test_the_shim_is_killed() {
	survive shim
}

test_the_runtime_is_killed() {
	survive runtime
}

test_the_hook_is_killed() {
	survive hook
}

teardown_file() {
	rm -rf /run/kill /etc/cofferdam/runtime /etc/cofferdam/cofferdam.json
}

t_main "$@"
