# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The library of the shell tests (tests/live, tests/vm/tests). A test file sources it, defines functions named test_WHAT
# and ends with `t_main "$@"`, which runs each of them (or those named), in the order of the file, in a shell of its own
# with -eu -o pipefail, an empty working folder ($T_DIR) and a time limit ($T_LIMIT seconds). The output of a test is shown
# when it failed. A test passes when it got to its end and made at least one of these checks; the first that does not hold
# ends it:
#   expect COMMAND...            ends with 0
#   expect_status N COMMAND...   ends with N
#   refute COMMAND...            ends with a status that means no (1 to 127), not by a signal
#   expect_output TEXT           what the last of these commands wrote (both streams; also in $T_OUTPUT) holds TEXT
#   refute_output TEXT
#   expect_equal WANTED FOUND [WHAT]
#   t_fail MESSAGE               does not hold
#   skip REASON                  cannot be tested here (a failure when COFFERDAM_STRICT=1)
# Cleaning up: `trap ... EXIT` in a test; its status does not count, and what is local is gone by then. Optional functions for a whole file, run in the shell that starts the tests:
# setup_file (fails: every test has failed; `skip REASON || return`: every test is skipped) and teardown_file.

export LC_ALL=C
T_LIMIT=${T_LIMIT:-60}
T_CHECKS=0 T_OUTPUT='' T_REASON='' T_JOB='' T_NOW=0 T_NUMBER=0
T_PASSED=0 T_FAILED=0 T_SKIPPED=0
T_SKIP_STATUS=77 # as in automake's test protocol

t_fail() {
	printf 'FAILED: %s\n' "$*"
	exit 1
}

# Output goes through a file: a pipe would wait for daemons that the command left behind. It is read without a process, of
# which emulation makes thirty a second: NULs are left out, and newlines at the end, as by $(...).
t_capture() {
	local status=0
	local -a parts

	printf '+ %s\n' "$*"
	"$@" >"$T_TMP/output" 2>&1 </dev/null || status=$?
	mapfile -d '' -t parts <"$T_TMP/output"
	local IFS='' # not before: the command may be a function
	T_OUTPUT=${parts[*]}
	T_OUTPUT=${T_OUTPUT%"${T_OUTPUT##*[!$'\n']}"}
	printf '%s\n' "$T_OUTPUT"
	return "$status"
}

expect_status() {
	local wanted=$1 status=0
	shift

	T_CHECKS=$((T_CHECKS + 1))
	t_capture "$@" || status=$?
	[ "$status" -eq "$wanted" ] || t_fail "status $status instead of $wanted: $*"
}

expect() {
	expect_status 0 "$@"
}

refute() {
	local status=0

	T_CHECKS=$((T_CHECKS + 1))
	command -v "$1" >/dev/null || t_fail "no such command: $1"
	t_capture "$@" || status=$?
	[ "$status" -ne 0 ] || t_fail "status 0, a refusal was expected: $*"
	[ "$status" -lt 128 ] || t_fail "died with status $status, a refusal was expected: $*"
}

expect_output() {
	T_CHECKS=$((T_CHECKS + 1))
	case $T_OUTPUT in
	*"$1"*) ;;
	*) t_fail "the output does not hold '$1'" ;;
	esac
}

refute_output() {
	T_CHECKS=$((T_CHECKS + 1))
	case $T_OUTPUT in
	*"$1"*) t_fail "the output holds '$1'" ;;
	esac
}

expect_equal() {
	T_CHECKS=$((T_CHECKS + 1))
	[ "$1" = "$2" ] || t_fail "${3:-value}: found '$2' instead of '$1'"
}

skip() {
	T_REASON=$*
	[ -z "${T_DIR:-}" ] || { printf '%s\n' "$*" >"$T_TMP/reason"; exit "$T_SKIP_STATUS"; }
	return "$T_SKIP_STATUS"
}

t_body() {
	set -eEu -o pipefail
	trap 'printf "FAILED: status %s at line %s: %s\n" "$?" "$LINENO" "$BASH_COMMAND" >&2' ERR
	cd "$T_DIR"
	"$1"
	[ "$T_CHECKS" -gt 0 ] || t_fail 'the test made no check'
	: >"$T_TMP/ended"
	trap - ERR
	set +e # what cleans up does not decide
}

# The test is the leader of a process group of its own, so that all of it can be ended. Neither this nor t_run may be called
# where its status is looked at (`||`, `if`): bash would then ignore -e in the test.
t_limited() {
	local dog status

	set -m
	(set +m && t_body "$1") &
	T_JOB=$!
	(set +m && sleep "$T_LIMIT" && echo "FAILED: ran longer than $T_LIMIT s" && kill -TERM -- "-$T_JOB" &&
		sleep 3 && kill -KILL -- "-$T_JOB") 2>/dev/null &
	dog=$!
	set +m
	wait "$T_JOB"
	status=$?
	{ kill -KILL -- "-$dog" "-$T_JOB"; wait "$dog"; } 2>/dev/null
	T_JOB=''
	return "$status"
}

t_report() {
	local verdict=$1 name=$2 time=$3 note=${4:-}

	printf '%-4s %s (%d.%d s)%s\n' "$verdict" "$name" $((time / 10)) $((time % 10)) "${note:+: $note}"
}

# t_now: T_NOW, in tenths of a second.
t_now() {
	local micro=${EPOCHREALTIME/[.,]/}

	T_NOW=$((micro / 100000))
}

t_count_skip() {
	local name=$1 time=$2

	if [ "${COFFERDAM_STRICT:-0}" = 1 ]; then
		T_FAILED=$((T_FAILED + 1))
		t_report FAIL "$name" "$time" "skipped, with COFFERDAM_STRICT=1: $T_REASON"
	else
		T_SKIPPED=$((T_SKIPPED + 1))
		t_report skip "$name" "$time" "$T_REASON"
	fi
}

t_run() {
	local name=$1 start time status

	t_now
	start=$T_NOW
	T_NUMBER=$((T_NUMBER + 1))
	T_DIR=$T_TMP/$T_NUMBER-$name
	mkdir -m 0700 "$T_DIR"
	t_limited "$name" >"$T_TMP/log" 2>&1 </dev/null
	status=$?
	T_DIR=''
	[ "$status" -ne 0 ] || [ -e "$T_TMP/ended" ] || { status=1 && echo 'FAILED: left before its end' >>"$T_TMP/log"; }
	t_now
	time=$((T_NOW - start))
	if [ "$status" -eq 0 ]; then
		T_PASSED=$((T_PASSED + 1))
		t_report ok "$name" "$time"
	elif [ "$status" -eq "$T_SKIP_STATUS" ] && [ -s "$T_TMP/reason" ]; then
		T_REASON=$(cat "$T_TMP/reason")
		t_count_skip "$name" "$time"
	else
		T_FAILED=$((T_FAILED + 1))
		t_report FAIL "$name" "$time" "status $status"
		sed 's/^/     | /' "$T_TMP/log"
	fi
	rm -f "$T_TMP/reason" "$T_TMP/ended"
}

# The functions of the test file in the order in which they stand there. `test_...` runs everywhere. `once_...` asks nothing
# that another kernel would answer otherwise: where the same file runs on several, each of them runs once. COFFERDAM_SHARE
# is INDEX/COUNT, from 0/1. They are dealt out in turn; with which kernel that begins depends on the number of the file.
t_names() {
	local share=${COFFERDAM_SHARE:-0/1} file
	file=$(basename "$0")

	shopt -s extdebug
	declare -F | awk '$3 ~ /^(test|once)_/ { print $3 }' | while read -r name; do
		declare -F "$name"
	done | sort -n -k2,2 | cut -d' ' -f1 |
		awk -v index_of="${share%/*}" -v count="${share#*/}" -v next_kernel="$((10#0${file%%[^0-9]*}))" \
			'!/^once_/ || (next_kernel + once++) % count == index_of'
	shopt -u extdebug
}

# Whether the file has tests that run once, so that another kernel has them.
t_are_elsewhere() {
	[ "${COFFERDAM_SHARE:-0/1}" != 0/1 ] && declare -F | grep -q ' once_'
}

t_cleanup() {
	[ -z "$T_JOB" ] || kill -KILL -- "-$T_JOB" 2>/dev/null
	t_hook teardown_file >/dev/null 2>&1
	rm -rf --one-file-system "$T_TMP"
}

# Calls a function of the test file, if it has it, at most once.
t_hook() {
	declare -F "$1" >/dev/null || return 0
	"$1"
	local status=$?
	unset -f "$1"
	return "$status"
}

t_teardown() {
	t_hook teardown_file && return
	T_FAILED=$((T_FAILED + 1))
	t_report FAIL teardown_file 0
}

t_main() {
	local name setup=0
	local -a names=("$@")

	set +e
	[ $# -gt 0 ] || mapfile -t names < <(t_names)
	if [ ${#names[@]} -eq 0 ] && t_are_elsewhere; then
		printf '%s: 0 passed, 0 failed, 0 skipped\n' "$(basename "$0" .sh)"
		return
	fi
	T_TMP=$(mktemp -d "${TMPDIR:-/tmp}/cofferdam-test.XXXXXX")
	trap t_cleanup EXIT
	trap 'exit 130' INT TERM
	t_hook setup_file >"$T_TMP/log" 2>&1 || setup=$?
	case $setup in
	0 | "$T_SKIP_STATUS") ;;
	*) sed 's/^/     | /' "$T_TMP/log" ;;
	esac
	for name in "${names[@]}"; do
		case $setup in
		0) t_run "$name" ;;
		"$T_SKIP_STATUS") t_count_skip "$name" 0 ;;
		*) T_FAILED=$((T_FAILED + 1)) && t_report FAIL "$name" 0 "setup_file failed with status $setup" ;;
		esac
	done
	t_teardown
	printf '%s: %d passed, %d failed, %d skipped\n' "$(basename "$0" .sh)" "$T_PASSED" "$T_FAILED" "$T_SKIPPED"
	[ "$T_FAILED" -eq 0 ] && [ $((T_PASSED + T_SKIPPED)) -gt 0 ]
}
