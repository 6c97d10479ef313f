#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What crun (with yajl, and with json-c) and runc understand from what cofferdam-runtime writes is the same: each
# configuration of readers.py runs behind the shim with the runtimes of three Debian suites, and a process in the container
# tells what it sees. What the runtimes do on their own is in readers.sed. And what they read differently when nothing
# stands before them is refused.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

SHIM=/usr/local/bin/cofferdam-runtime
HERE=$(cd "$(dirname "$0")/../.." && pwd)
BUNDLES=/run/readers
SUITES='bookworm trixie sid'
T_LIMIT=400

setup_file() {
	# shellcheck disable=SC2086
	live_fetch_runtimes $SUITES || return
	mkdir -p /etc/cofferdam/profiles.d /var/cache/cofferdam /var/log/cofferdam /run/readers-source /sys/fs/cgroup/readers
	live_bundle /run/base /bin/report && cp /usr/local/bin/report "$LIVE_ROOTFS/bin/" && chmod 0755 "$LIVE_ROOTFS" &&
		mkdir -p "$LIVE_ROOTFS"/{run,scratch,src,data,ro,t2,var/tmp} || return
	live_edit /run/base/config.json 'c["process"]["capabilities"]["ambient"] = []
for kind, limits in (("hard", 1), ("soft", 0)): c["process"]["rlimits"][0][kind] = 1024'
	"$HERE/tests/live/readers.py" /run/base/config.json "$HERE/tests/corpus/engines" "$BUNDLES"
	cat >/etc/cofferdam/profiles.d/readers.json <<-'JSON'
		{ "cofferdam": 1, "name": "readers", "extends": ["default"],
		  "mounts": { "allow": [ { "source": "/run/readers-source", "destination": "/var", "options": ["ro"] } ] } }
	JSON
}

# tree SUITE: that suite's root; path RUNTIME SUITE: the runtime's name in there.
tree() {
	printf '%s/tree\n' "$(cat "/run/runtimes-$1")"
}

path() {
	local found
	found=$(find "$(tree "$2")"/usr/{bin,sbin} -name "$1" -print -quit)

	printf '%s\n' "${found#"$(tree "$2")"}"
}

# behind RUNTIME SUITE ARGUMENT...: the shim in front of it. crun cannot load its device filter on a build machine; without
# a cgroup manager it shares the caller's cgroup. Standard streams are pipes: runtimes change the owner of what they get.
behind() {
	local runtime=$1 suite=$2 option=''
	shift 2

	printf '{ "runtimes": ["%s"], "default_profile": "readers", "guard": { "exec": "off", "net": "off" } }\n' \
		"$(path "$runtime" "$suite")" >/etc/cofferdam/cofferdam.json
	[ "$runtime" = runc ] || option=--cgroup-manager=disabled
	(echo "$BASHPID" >/sys/fs/cgroup/readers/cgroup.procs
		: | "$HERE/tests/inside-tree" "$(tree "$suite")" "$SHIM" $option "$@" 2>&1 | cat)
}

# reports RUNTIME SUITE: of all bundles, in a folder each.
reports() {
	local runtime=$1 suite=$2 bundle out=/run/reports/$1-$2

	mkdir -p "$out"
	for bundle in "$BUNDLES"/*; do
		[ ! -f "$bundle/late" ] || continue
		{ behind "$runtime" "$suite" run --bundle "$bundle" reader || echo "status $?"; } | sed -E -f "$HERE/tests/live/readers.sed" >"$out/${bundle##*/}"
	done
}

# same RUNTIME SUITE: its reports are those of Debian 12's runc.
same() {
	[ -d /run/reports/runc-bookworm ] || reports runc bookworm
	[ "$1-$2" = runc-bookworm ] || reports "$1" "$2"
	expect diff -r /run/reports/runc-bookworm "/run/reports/$1-$2"
}

test_every_report_is_whole() {
	reports runc bookworm
	expect_equal "$(find /run/reports/runc-bookworm -type f | wc -l)" "$(grep -l '^file /proc/sys/kernel/shm_rmid_forced' /run/reports/runc-bookworm/* | wc -l)" \
		'containers that told what they see'
}

test_crun_1_8_reads_what_runc_reads() {
	same crun bookworm
}

test_crun_1_21_reads_what_runc_reads() {
	same crun trixie
}

test_runc_1_1_15_reads_what_runc_reads() {
	same runc trixie
}

test_crun_1_28_with_json_c_reads_what_runc_reads() {
	same crun sid
}

test_runc_1_3_reads_what_runc_reads() {
	same runc sid
}

# late RUNTIME SUITE BUNDLE LINE: what the bundle asks for is seen by the container, as LINE of its report, or was removed
# and told in the audit log; prints which.
late() {
	local log=/var/log/cofferdam/audit.jsonl

	: >"$log"
	behind "$1" "$2" run --bundle "$BUNDLES/$3" reader >report
	grep -q '^file /proc/sys/kernel/shm_rmid_forced' report
	if grep -q -E "$4" report; then
		! grep 'would ignore it' "$log" || return 1
		echo seen
	else
		grep -q -E "removed from config.json, as [^ ]*$1 would ignore it: [a-zA-Z.]*$5" "$log" && echo told
	fi
}

# By runtime: domainname, scheduler, I/O priority.
test_what_a_runtime_would_ignore_is_removed_and_told() {
	local runtime suite wanted found

	while read -r runtime suite wanted; do
		found="$(late "$runtime" "$suite" domainname '^names [^ ]* a-domain' domainname)"
		found="$found $(late "$runtime" "$suite" scheduler '^scheduler 3 ' process.scheduler)"
		found="$found $(late "$runtime" "$suite" io-priority 'io 16390' process.ioPriority)"
		expect_equal "$wanted" "$found" "$runtime of $suite"
	done <<-'TABLE'
		crun bookworm seen told told
		runc bookworm told told told
		crun trixie seen seen seen
		runc trixie told told told
		crun sid seen seen seen
		runc sid seen seen seen
	TABLE
}

# raw RUNTIME SUITE BUNDLE PATTERN: what the runtime alone makes of it: the line of the report, or `refused`.
raw() {
	local option=''

	[ "$1" = runc ] || option=--cgroup-manager=disabled
	(echo "$BASHPID" >/sys/fs/cgroup/readers/cgroup.procs
		: | "$HERE/tests/inside-tree" "$(tree "$2")" "$(path "$1" "$2")" $option run --bundle "$3" raw 2>&1 | cat) >report || true
	grep -E "$4" report || echo refused
}

# differs NAME PATTERN MESSAGE TEXT...: config.json with TEXT as its first members. Runtimes do not agree on the lines that
# match the pattern; the shim refuses with the message, whichever stands behind it.
differs() {
	local bundle=$PWD/$1 suite runtime

	mkdir -p "$bundle"
	python3 - "$bundle/config.json" "$4" <<-'PYTHON'
		import json, sys
		config = open("/run/base/config.json").read().strip()
		text = sys.argv[2].encode().decode("unicode_escape")
		open(sys.argv[1], "w").write(text.replace("@", config[1:-1]))
	PYTHON
	for suite in $SUITES; do
		for runtime in crun runc; do
			echo "$runtime $suite: $(raw "$runtime" "$suite" "$bundle" "$2" | tr '\n' ' ')" >>"$1.outcomes"
			expect_status 1 behind "$runtime" "$suite" run --bundle "$bundle" refused
			expect_output "$3"
		done
	done
	cat "$1.outcomes"
	[ "$(cut -d: -f2- "$1.outcomes" | sort -u | wc -l)" -gt 1 ] || t_fail "$1: all runtimes agree"
}

test_what_they_read_differently_is_refused_before_they_see_it() {
	sed -i 's/"hostname": *"[^"]*",\{0,1\}//' /run/base/config.json
	differs twice '^names' 'the same key a second time' '{"hostname":"first",@,"hostname":"second"}'
	differs case '^names' 'to every parser' '{"Hostname":"other",@}'
	differs folded '^names' 'to every parser' '{"ho\\u017ftname":"other",@}'
	differs garbage '^names' 'trailing garbage' '{@} garbage'
	differs comment '^names' 'comment' '{/* */@}'
	differs nul '^names' 'escape of a NUL' '{"hostname\\u0000x":"other",@}'
}


t_main "$@"
