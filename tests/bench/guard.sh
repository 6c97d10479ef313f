#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage, in the VM: guard.sh ROUNDS     (`make bench-vm` boots it with --count: a nanosecond is one instruction)
# What the guard costs those that run: the same programs (tests/bench/work.c) in a governed cgroup and in one that is not, in
# turn; before and after 10,000 network rules and 500 containers; the host's processes before and after all of it. Prints
# Markdown. A goal that is missed is told, and fails nothing.
set -eu -o pipefail
# shellcheck source=tests/vm/guest-guard.sh
. /cofferdam/tests/vm/guest-guard.sh

ROUNDS=$1
WORK=/run/bench
LOWER=/var/bench/lower
LISTED=127.3.4.5 # as all of 127.0.0.0/8 it is this machine
declare -A BEFORE=()

# An operation, how often in a batch, and its name. A batch has few instructions, so that most see no timer's tick.
operations() {
	cat <<-'LIST'
		spawn 2 fork+exec+exit, static program
		spawn-dynamic 1 fork+exec+exit, dynamic program
		library 4 a library as ld.so maps it
		map 20 mmap+munmap of its code, nothing else
		connect 5 TCP socket+connect+close
		sendto 30 UDP sendto, one address
		sendto-many 30 UDP sendto, 30 addresses in turn
		sendto-new 30 UDP sendto, each to a new address
	LIST
}

goal_of() { # OPERATION: percent, governed against ungoverned
	case $1 in
	library | map) echo 2 ;;
	*) echo 3 ;;
	esac
}

row() { # WHAT A B RATIO GOAL-PERCENT|-
	awk -v what="$1" -v kernel="$KERNEL" -v a="$2" -v b="$3" -v ratio="$4" -v goal="$5" 'BEGIN {
		met = goal == "-" ? "" : (ratio <= 1 + goal / 100 ? "met" : "MISSED")
		goal = goal == "-" ? "" : sprintf("%.2f", 1 + goal / 100)
		printf "| %-52s | %-4s | %8d | %8d | %6.4f | %4s | %-6s |\n", what, kernel, a, b, ratio, goal, met
	}'
}

header() { # A B
	printf '\n| %-52s | %-4s | %8s | %8s | %6s | %4s | %-6s |\n|---|---|---|---|---|---|---|\n' what Linux "$1" "$2" ratio goal met
}

turns() { # OPERATION TIMES A B
	bench-turns "$1" "$2" "$ROUNDS" "$WORK/$3" "$WORK/$4"
}

# compare A B [GOAL]: all operations, B against A; GOAL: percent, `-`, or by operation.
compare() {
	local name times what a b ratio

	while read -r -u 5 name times what; do
		read -r a b ratio < <(turns "$name" "$times" "$1" "$2")
		row "$what" "$a" "$b" "$ratio" "${3:-$(goal_of "$name")}"
	done 5< <(operations)
}

# remember NAME SERVER: what all operations take there now, in turn with another one's, as always; since: beside what they
# took then.
remember() {
	local name times what a rest

	while read -r -u 5 name times what; do
		read -r a rest < <(turns "$name" "$times" "$2" other)
		BEFORE[$1/$name]=$a
	done 5< <(operations)
}

since() { # NAME SERVER GOAL OPERATION-PATTERN
	local name times what a rest before

	while read -r -u 5 name times what; do
		# shellcheck disable=SC2053
		[[ $name == $4 ]] || continue
		read -r a rest < <(turns "$name" "$times" "$2" other)
		before=${BEFORE[$1/$name]}
		row "$what" "$before" "$a" "$(awk "BEGIN { print $a / $before }")" "$3"
	done 5< <(operations)
}

# --- containers

# serve NAME ADDRESS COMMAND...: a container, whose program takes orders from then on.
serve() {
	local name=$1 address=$2
	shift 2

	mkfifo "$WORK/$name.in" "$WORK/$name.out"
	new_root "$BASE"
	"$@" "$ROOT" /bin/work serve "$address" 0<>"$WORK/$name.in" 1<>"$WORK/$name.out"
	guest_wait 20 grep -q serve "/proc/$(cat "/run/guard-try/$name.pid")/cmdline"
}

bare() { # NAME
	serve "$1" "$LISTED" guard-try bare "$1"
}

governed() { # NAME PROFILE
	serve "$1" "$LISTED" guard-try start "$1" "$PROFILES" "$2"
}

# 250 rules, nearly as many as a list can have; the networks one in the other around the address that is asked for, and beside it.
rules_profile() { # NAME SECOND-BYTE
	local list
	list=$(awk -v second="$2" 'BEGIN {
		for (bits = 9; bits <= 31; bits++) {
			size = 2 ^ (32 - bits)
			address = 127 * 2 ^ 24 + 3 * 2 ^ 16 + 4 * 2 ^ 8 + 5
			address -= address % size
			printf "{ \"to\": \"%d.%d.%d.%d/%d\", \"port\": \"tcp/9\" }, ", address / 2 ^ 24, address / 2 ^ 16 % 256,
				address / 2 ^ 8 % 256, address % 256, bits
		}
		for (i = 0; i < 226; i++)
			printf "{ \"to\": \"127.%d.%d.%d/32\", \"port\": \"tcp/443\" }, ", second, i / 4, i % 4 * 64 + 5
	}')
	profile "$1" "\"exec\": {\"shells\": \"startup\", \"image_only\": true}, \"net\": {\"listen\": [\"any\"],
		\"connect\": [ $list { \"to\": \"127.0.0.0/8\" } ]}"
}

prepare() {
	mkdir -p "$WORK"
	sysctl -qw kernel.randomize_va_space=0 # where things lie in memory costs up to 2 %
	modprobe overlay
	make_profiles
	profile bench '"exec": {"shells": "startup", "image_only": true}, "net": {"connect": ["loopback"], "listen": ["any"]}'
	make_lower "$LOWER"
	mkdir -p "$LOWER/lib"
	cp /usr/local/bin/bench-work "$LOWER/bin/work"
	cp /bin/true "$LOWER/bin/dynamic"
	cp -L /lib/x86_64-linux-gnu/libc.so.6 "$LOWER/lib/libc.so.6"
}

# --- the tables

# first: loads, and attaches to the first container, which is gone again.
first() {
	local start=${EPOCHREALTIME/./}

	guard-try load >/dev/null 2>&1
	LOADED=$((${EPOCHREALTIME/./} - start))
	new_root "$BASE"
	read -r FIRST _ < <(bench-guard crowd 1 1 "$PROFILES" bench "$ROOT")
	rmdir /sys/fs/cgroup/crowd-1
}

figure() { # WHAT FIGURE [MET]
	printf '| %-38s | %-4s | %10d | %-6s |\n' "$1" "$KERNEL" "$2" "${3:-}"
}

attach_row() { # FROM TO
	local time bytes

	read -r time bytes < <(bench-guard crowd "$1" "$2" "$PROFILES" bench "$ROOT")
	figure "attach: containers $1 to $2" "$time"
	MEMORY=$((MEMORY + bytes * ($2 - $1 + 1)))
}

# Fills the host with 500 containers; 43 are there already. Memory is the mean of all that came: slabs are filled up first.
attach_table() {
	local each

	MEMORY=0
	printf '\n| %-38s | %-4s | %10s | %-6s |\n|---|---|---|---|\n' 'what, median ns' Linux figure met
	figure 'load, once per boot' "${LOADED}000"
	figure 'attach: the first' "$FIRST"
	attach_row 45 94
	attach_row 95 450
	attach_row 451 500
	each=$((MEMORY / 456))
	figure 'kernel memory of each, bytes (8192)' "$each" "$([ "$each" -le 8192 ] && echo met || echo MISSED)"
}

rules_table() {
	local number

	governed long rules-0
	for number in $(seq 40); do
		rules_profile "rules-$number" "$((10 + number))"
		guard-try attach "rules-$number" "$PROFILES" "rules-$number" "$ROOT" $$
	done
	header '1 rule' '10,000'
	since governed governed 5 '[cs][oe]n*'
	header '1 rule' '250 of them'
	compare governed long 5 | grep -E 'TCP|UDP'
}

programs_table() {
	sysctl -qw kernel.bpf_stats_enabled=1
	compare governed long - >/dev/null
	printf '\n| program | instructions verified | in it | bytes of machine code | ns for one run, helpers included |\n|---|---|---|---|---|\n'
	bench-guard programs
}

KERNEL=$(uname -r | grep -o '^[0-9]*\.[0-9]*')
prepare
rules_profile rules-0 3
bare host
bare other
compare host other - >/dev/null # warm
remember host host
first
governed governed bench
header ungoverned governed
compare host governed
header ungoverned 'the same'
compare host other -
remember governed governed
rules_table
attach_table
header '1 container' '500'
since governed governed 5 '*'
header 'no guard' '500 containers'
since host host 1 '*'
programs_table
