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

# An event of a container called $1, with $2 as its subject.
event() {
	printf '{"time":"2026-01-01T00:00:00.000Z","type":"event","container":"%s","verdict":"denied","guard":"exec","subject":"%s","reason":"shell","process":{"pid":7,"uid":0,"comm":"sh"},"count":1,"last":"2026-01-01T00:00:00.000Z"}\n' "$1" "$2"
}

test_events_read_the_end_of_a_log_of_any_size() {
	log=/var/log/cofferdam/audit.jsonl

	expect cofferdam events
	trap 'rm -f $log' EXIT
	event web /old >>$log
	head -c 3000000 /dev/zero | tr '\0' x >>$log # one line that is none of ours
	echo >>$log
	for _ in 1 2 3; do
		event web /new >>$log
	done
	event db /new >>$log
	expect cofferdam events
	expect_output '3 times since'
	expect_output "older events are in $log"
	refute_output /old
	expect_equal 3 "$(printf '%s\n' "$T_OUTPUT" | wc -l)" 'lines: web, db, where the others are'
	cofferdam events --container db >db 2>/dev/null
	expect_equal 1 "$(wc -l <db)" 'of one container'
	expect_equal 3 "$(cofferdam events --json 2>/dev/null | head -n 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["count"])')" count
	expect_status 2 cofferdam events --container
}

test_status_has_three_formats() {
	rm -rf /run/cofferdam
	expect cofferdam status --format prometheus
	expect_output 'cofferdam_containers 0'
	expect cofferdam status --format json
	expect_equal '' "$T_OUTPUT" 'no containers'
	expect_status 2 cofferdam status --format xml
}

# no_exemption TEXT ARGUMENT...
no_exemption() {
	expect_status 2 cofferdam exempt "${@:2}"
	expect_output "$1"
}

test_an_exemption_needs_a_part_a_time_and_a_reason() {
	rm -rf /var/log/cofferdam
	no_exemption 'needs a container'
	no_exemption 'exempt from what?' web --for 5m --reason R
	no_exemption 'needs --for' web --exec --reason R
	no_exemption 'needs --for' web --exec --for 5m
	no_exemption 'longer than 60 minutes' web --exec --for 61m --reason R
	no_exemption 'longer than 60 minutes' web --exec --for 2h --reason R
	no_exemption 'longer than 60 minutes' web --exec --for 4294967295h --reason R
	no_exemption 'is no time' web --exec --for 5 --reason R
	no_exemption 'is no time' web --exec --for 0m --reason R
	no_exemption 'is no time' web --exec --for -5m --reason R
	no_exemption 'is no time' web --exec --for 1d --reason R
	no_exemption 'is no time' web --exec --for '' --reason R
	no_exemption 'the reason is empty' web --exec --for 5m --reason ''
	no_exemption 'control character' web --exec --for 5m --reason "$(printf 'a\nb')"
	no_exemption 'at most 200' web --exec --for 5m --reason "$(printf '%0201d' 0)"
	no_exemption 'goes without' web --end --reason R
	refute test -e /var/log/cofferdam # nothing was exempted, so nothing was said
	no_exemption 'no container of cofferdam' web --exec --for 5m --reason R
	no_exemption 'no container of cofferdam' web --end
}

test_the_unit_is_one_that_systemd_understands() {
	local unit=/run/stage/usr/local/lib/systemd/system/cofferdam-events.service

	expect grep -x 'ExecStart=/usr/local/bin/cofferdam events --follow' "$unit"
	refute grep '@[A-Z]*@' "$unit"
	expect grep -x RuntimeDirectoryPreserve=yes "$unit" # or stopping it would remove the records of all containers
	if command -v systemd-analyze >/dev/null; then
		expect systemd-analyze verify --man=no "$unit"
		expect_equal '' "$T_OUTPUT" 'what systemd has to say'
	fi
}

test_doctor_names_the_two_files_when_there_is_no_range() {
	trap 'mv /etc/subuid.away /etc/subuid' EXIT
	mv /etc/subuid /etc/subuid.away
	expect_status 1 cofferdam doctor
	expect_output "NO    range of ids"
	expect_output "/etc/subuid and /etc/subgid"
}

# row NAME: what the doctor says of it.
row() {
	cofferdam doctor | grep "^[a-zA-Z]* *$1 " || true
}

# row_says VERDICT NAME TEXT
row_says() {
	expect row "$2"
	expect_equal "$1" "${T_OUTPUT%% *}" "the row $2"
	expect_output "$3"
}

test_doctor_counts_ranges() {
	trap 'rm -rf /run/cofferdam; mv /etc/subuid.saved /etc/subuid; mv /etc/subgid.saved /etc/subgid' EXIT
	cp /etc/subuid /etc/subuid.saved
	cp /etc/subgid /etc/subgid.saved
	sed -i 's/^cofferdam:.*/cofferdam:1000000:131072/' /etc/subuid /etc/subgid
	row_says ok 'range of ids' 'cofferdam has 2 ranges from 1000000 on: 0 in use, 2 free'
	rm -rf /run/cofferdam
	mkdir -m 0711 /run/cofferdam
	mkdir -m 0700 /run/cofferdam/ranges
	ln -s one /run/cofferdam/ranges/1065536.1
	row_says ok 'range of ids' '1 in use, 1 free'
	ln -s two /run/cofferdam/ranges/1000000-131072.2
	row_says NO 'range of ids' '2 in use, 0 free; give it more in /etc/subuid and /etc/subgid'
}

test_doctor_finds_who_else_has_ids_of_the_pool() {
	local pid

	trap 'kill "$(cat pid)"; rm -rf /run/cofferdam' EXIT
	row_says ok 'ids of others' 'no process has ids of the pool'
	unshare --user sleep 300 &
	pid=$!
	echo "$pid" >pid
	until [ "$(readlink "/proc/$pid/ns/user")" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.05; done
	echo 0 1000001 65536 >"/proc/$pid/uid_map"
	row_says NO 'ids of others' "process $pid has the ids 1000001 to 1065536, some of which are the pool's"
	rm -rf /run/cofferdam
	mkdir -m 0711 /run/cofferdam
	mkdir -m 0700 /run/cofferdam/ranges
	ln -s one /run/cofferdam/ranges/1000000-131072.1 # and so it is a container's, or nested in one
	row_says ok 'ids of others' 'no process has ids of the pool'
}

test_doctor_tries_to_idmap_what_engines_store() {
	trap 'umount /var/lib/docker; umount /var/lib' EXIT
	mount -t tmpfs tmpfs /var/lib
	mkdir -p /var/lib/containerd /var/lib/docker
	row_says ok 'idmapped mounts' '/var/lib/containerd on tmpfs, /var/lib/docker on tmpfs'
	mount -t proc proc /var/lib/docker
	row_says NO 'idmapped mounts' '/var/lib/docker is on proc, which cannot be idmapped on this kernel'
	expect_output '; ext4, xfs and btrfs can be'
	row_says ok overlay 'one was mounted'
	expect_equal $'containerd\ndocker' "$(ls -A /var/lib)" 'what is left there'
}

test_doctor_tries_an_overlay_over_idmapped_layers() {
	trap 'umount /var/lib' EXIT
	mkdir lower upper work
	mount -t overlay overlay -o "lowerdir=$PWD/lower,upperdir=$PWD/upper,workdir=$PWD/work" /var/lib
	row_says NO overlay 'is on overlay, which no kernel can idmap'
	expect_equal '' "$(ls -A upper)" 'what is left there'
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
