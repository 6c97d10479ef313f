#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No room at the moment of writing: /run/cofferdam and the audit log's directory are made so small that one write after the
# other is the first that finds none. Each is a refusal that leaves nothing; with room again the next create goes well.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

T_LIMIT=240
SHIM=/usr/local/bin/cofferdam-runtime
RUNC=$(command -v runc)
LOGS=/var/log/cofferdam

# The guard is wanted, so that its policy is written, and done without where the kernel refuses it. Five lines go to the
# audit log: the verdict, an unknown key, no user namespace, no guard for programs, none for the network.
setup_file() {
	mkdir -p /etc/cofferdam /run/cofferdam "$LOGS"
	chmod 711 /run/cofferdam
	chmod 700 "$LOGS"
	ln -sfn "$RUNC" /etc/cofferdam/runtime
	config prefer require
	# `startup` is no matter of a pid namespace, in which these tests run.
	mkdir -p /etc/cofferdam/profiles.d
	echo '{ "cofferdam": 1, "name": "full", "extends": ["default"], "exec": { "shells": "deny" } }' \
		>/etc/cofferdam/profiles.d/full.json
	live_bundle /run/full /bin/sleep 300
	live_edit /run/full/config.json 'c["process"]["capabilities"]["ambient"] = []; c["unknown"] = 1'
}

# config GUARD USERNS
config() {
	printf '{ "runtimes": ["%s"], "default_profile": "full", "guard": { "exec": "%s", "net": "%s" }, "userns": { "mode": "%s" } }\n' \
		"$RUNC" "$1" "$1" "$2" >/etc/cofferdam/cofferdam.json
}

clean() {
	local tries

	"$SHIM" delete --force "$1" >/dev/null 2>&1 || true
	for tries in $(seq 100); do # runc gives up while the killed process is still in it
		rmdir "/sys/fs/cgroup/$1" 2>/dev/null || true
		[ -e "/sys/fs/cgroup/$1" ] || return 0
		sleep 0.05
	done
	echo "the cgroup of $1 is not empty after $tries tries"
}

host() {
	cat /proc/self/mountinfo
	find /sys/fs/cgroup -type d ! -path '*/cofferdam' | sort # the guard's own stays
	find /run/runc -mindepth 1 2>/dev/null || true
	find /run/cofferdam/containers /run/cofferdam/ranges -mindepth 1 2>/dev/null || true
}

# attempt: a create, into ./status and ./said. One that fails has said why and left nothing.
attempt() {
	host >before
	rm -f log
	"$SHIM" --log "$PWD/log" create --bundle /run/full full >said 2>&1 && echo 0 >status || echo $? >status
	if [ "$(cat status)" -eq 0 ]; then
		clean full
	else
		cat said
		expect grep -e 'No space left on device' -e 'the audit log .* took only .* bytes of a line' said
		sed -n 's/.*refused full: //p; s/.*cofferdam-hook: //p' said >>failures
	fi
	expect diff before <(host)
}

# narrow OPTION: /run/cofferdam on a tmpfs with 1, 2, 3... of the OPTION, until three creates in a row went well.
narrow() {
	local room successes=0

	: >failures
	trap 'umount /run/cofferdam' EXIT
	for ((room = 1; successes < 3; room++)); do
		[ "$room" -lt 60 ] || t_fail "no create went well with $1=$room"
		mount -t tmpfs -o "mode=711,$1=$room" tmpfs /run/cofferdam
		attempt
		successes=$([ "$(cat status)" -eq 0 ] && echo $((successes + 1)) || echo 0)
		umount /run/cofferdam
	done
	trap - EXIT
	sort failures | uniq -c
}

test_no_inode_is_left_for_our_state() {
	local what

	narrow nr_inodes
	# A tmpfs counts names as well as inodes, so not every one of the writes can be the first without.
	for what in 'make the directory stage' 'make the directory containers' 'open the lock file' 'make the directory full@' \
		'write the link runtime' 'create a file beside record.json' 'note /run/cofferdam/ranges/' \
		'create a file beside config.json' 'write the link init'; do
		expect grep -F "cannot $what" failures
	done
}

test_no_block_is_left_for_our_state() {
	local what

	narrow nr_blocks
	for what in record.json policy.bin config.json; do
		expect grep -F "write $what" failures
	done
}

# room BYTES: an audit log on a tmpfs of one page, which grows by so many bytes and no more.
room() {
	mount -t tmpfs -o mode=700,size=4096 tmpfs "$LOGS"
	(umask 077 && head -c $((4095 - $1)) /dev/zero | tr '\0' ' ' >"$LOGS/audit.jsonl" && echo >>"$LOGS/audit.jsonl")
}

test_no_room_is_left_in_the_audit_log() {
	local bytes line

	: >failures
	trap 'umount "$LOGS"; mv /etc/subuid- /etc/subuid; config prefer require' EXIT
	config prefer prefer
	sed -i- /^cofferdam:/d /etc/subuid
	for bytes in $(seq 0 61 3000); do
		room "$bytes"
		attempt
		[ "$(cat status)" -ne 0 ] || break
		umount "$LOGS"
	done
	expect_equal 0 "$(cat status)" 'the last create'
	expect_equal 4 "$(sed 1d "$LOGS/audit.jsonl" | wc -l)" 'lines in the audit log'
	for line in 'audit log' record guard; do # the step; two lines are of the first
		expect grep "^$line: " failures
	done
}

test_a_torn_line_of_the_audit_log_swallows_no_other() {
	trap 'umount "$LOGS"' EXIT
	room 100
	attempt
	expect grep 'took only 100 of' said
	mount -o remount,size=1m "$LOGS"
	attempt
	expect_equal 0 "$(cat status)"
	expect python3 - "$LOGS/audit.jsonl" <<-'PYTHON'
		import json, sys
		torn = 0
		for line in open(sys.argv[1]).read().splitlines()[1:]:
		    try:
		        json.loads(line)
		    except ValueError:
		        torn += 1
		assert torn == 1, torn
	PYTHON
}

test_there_is_room_again() {
	attempt
	expect_equal 0 "$(cat status)"
}

teardown_file() {
	rm -rf /run/full /etc/cofferdam/runtime /etc/cofferdam/cofferdam.json
}

t_main "$@"
