#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cofferdam on the command line: the same verdict as a create, and statuses that scripts can rely on.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

# bundle CAPABILITY...: as engines write it, with more capabilities in the bounding set.
bundle() {
	rm -f bundle/config.json
	live_bundle bundle /bin/true
	python3 - "$@" <<-'PYTHON'
		import json, sys
		config = json.load(open("bundle/config.json"))
		capabilities = config["process"]["capabilities"]
		capabilities["ambient"] = []
		capabilities["bounding"] += sys.argv[1:]
		json.dump(config, open("bundle/config.json", "w"))
	PYTHON
}

test_check_tells_passed_refused_and_undecided_apart() {
	bundle
	expect_status 0 cofferdam check bundle
	expect_status 0 cofferdam check bundle/config.json
	bundle CAP_SYS_ADMIN
	expect_status 1 cofferdam check bundle
	expect_output '[capability.forbidden]'
	expect_status 1 cofferdam check bundle/config.json
	expect_output '[capability.forbidden]'
	echo '{' >bundle/config.json
	expect_status 2 cofferdam check bundle
	expect_status 2 cofferdam check nowhere
	expect_status 2 cofferdam check
	expect_status 2 cofferdam check bundle --format xml
}

test_check_writes_one_json_object() {
	bundle CAP_SYS_ADMIN
	cofferdam check bundle --image nginx:1.27 --format json >verdict || true
	expect python3 -c 'import json; verdict = json.load(open("verdict")); assert verdict["verdict"] == "refused" and verdict["findings"][0]["rule"] == "capability.forbidden" and verdict["image"].startswith("docker.io/library/nginx"), verdict'
}

test_check_creates_nothing() {
	rm -rf /run/cofferdam /var/log/cofferdam
	bundle
	expect cofferdam check bundle
	expect test ! -e /run/cofferdam
	expect test ! -e /var/log/cofferdam
}

test_every_rule_explains_itself() {
	local id

	cofferdam rules | awk "/^  / { print \$1 }" >ids
	expect grep -x mount.engine-socket ids
	while read -r id; do
		expect cofferdam rules "$id"
		expect_output 'TO ALLOW IT'
	done <ids
	expect_status 2 cofferdam rules no.such-rule
}

test_gc_status_and_events_work_where_nothing_ever_ran() {
	rm -rf /run/cofferdam /var/log/cofferdam
	expect cofferdam gc
	expect_output '0 dead containers removed'
	expect cofferdam status
	expect_status 2 cofferdam status web
	expect cofferdam events
	expect_equal '' "$T_OUTPUT" 'events'
}

test_events_give_a_terminal_no_orders() {
	local log=/var/log/cofferdam/audit.jsonl

	expect cofferdam events
	printf '{"type":"event","time":"t","verdict":"denied","container":"web","guard":"exec","subject":"/\\u001b]0;x\\u0007","reason":"shell","process":{"pid":7,"comm":"\\u001b[2J\\n\\r"}}\n' >>"$log"
	expect cofferdam events
	expect_output 'denied'
	expect_output '/?]0;x? (shell) by ?[2J??[7]'
	refute_output $'\e'
	expect cofferdam events --json
	expect_output '\u001b'
	rm -f "$log"
}

test_doctor_names_the_two_files_when_there_is_no_range() {
	trap 'mv /etc/subuid.away /etc/subuid' EXIT
	mv /etc/subuid /etc/subuid.away
	expect_status 1 cofferdam doctor
	expect_output "NO    range of ids"
	expect_output "/etc/subuid and /etc/subgid"
}

test_doctor_looks_at_the_guard_alone() {
	cofferdam doctor --guard >rows || true # its status is this kernel's
	expect grep -Eq '^(ok|NO) +bpffs ' rows
	refute grep -q 'range of ids' rows
}

test_doctor_makes_nothing() {
	rm -rf /run/cofferdam /var/log/cofferdam
	cofferdam doctor >rows || true # its status is this machine's
	expect grep -q 'made with the first container' rows
	refute test -e /run/cofferdam
	refute test -e /var/log/cofferdam
}

t_main "$@"
