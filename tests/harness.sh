#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tests of the tests: what fails must be counted as failed by the library of the shell tests and by the drivers.
cd "$(dirname "$0")/.." || exit 2
TOP=$PWD
# shellcheck source=tests/lib.sh
. tests/lib.sh
unset COFFERDAM_STRICT # it is one of the things tested here

# sample TEXT: a test file with the functions in TEXT.
sample() {
	printf '#!/bin/bash\n. %s/tests/lib.sh\nT_LIMIT=1\n%s\nt_main "$@"\n' "$TOP" "$1" >sample.sh
}

# fake_make KIND TEXT STATUS: what the driver gets when it calls `make check-KIND`.
fake_make() {
	mkdir -p kinds
	printf 'printf "%%s\\n" "%s"\nexit %d\n' "$2" "$3" >"kinds/check-$1"
	# shellcheck disable=SC2016,SC2238 # for the script that is written; a file
	printf '#!/bin/bash\n[ -e "%s/kinds/${!#}" ] || exit 0\nexec bash "%s/kinds/${!#}"\n' "$PWD" "$PWD" >make
	chmod +x make
}

driver() {
	MAKE=$PWD/make BUILD=$PWD/build KINDS=$1 "$TOP/tests/run"
}

test_a_test_passes_that_made_a_check() {
	sample 'test_one() { expect true; }; test_two() { expect_status 3 sh -c "exit 3"; }'
	expect bash sample.sh
	expect_output 'sample: 2 passed, 0 failed, 0 skipped'
	sample 'test_it() { trap "echo tidied >tidied; false" EXIT; cd '"$PWD"'; expect true; }'
	expect bash sample.sh
	expect test -s tidied
}

test_whatever_goes_wrong_in_a_test_is_a_failure() {
	local body

	# shellcheck disable=SC2016 # for the script that is written
	for body in 'expect false' 'expect_status 1 true' 'true' 'false; expect true' 'false | true; expect true' \
		'expect true; expect_output x' 'expect echo x; refute_output x' 'expect_equal a b' 'refute true' \
		'refute sh -c "kill -9 \$\$"' 'refute no-such-command' 'expect no-such-command' 't_fail x' 'exit 0' \
		'echo $unset; expect true' 'expect sleep 5'; do
		sample "test_it() { $body; }"
		expect_status 1 bash sample.sh
		expect_output 'sample: 0 passed, 1 failed, 0 skipped'
	done
}

test_output_is_kept_without_what_a_shell_cannot_keep() {
	# shellcheck disable=SC2016 # for the script that is written
	sample 'words() { for w in $1; do echo "<$w>"; done; printf "a\0b\n\nc\n\n"; }
		test_it() { expect words "x y"; expect_equal "<x>|<y>|ab||c" "${T_OUTPUT//$'"'\\n'"'/|}"; expect true; expect_equal "" "$T_OUTPUT"; }'
	expect bash sample.sh
}

test_what_runs_once_is_shared_out() {
	sample 'test_all() { expect true; }; once_a() { expect true; }; once_b() { expect true; }; once_c() { expect true; }'
	expect env -u COFFERDAM_SHARE bash sample.sh
	expect_output '4 passed'
	expect env COFFERDAM_SHARE=0/2 bash sample.sh
	expect_output '3 passed'
	refute_output once_b
	expect env COFFERDAM_SHARE=1/2 bash sample.sh
	expect_output '2 passed'
	expect_output once_b
}

test_a_file_without_tests_has_failed() {
	sample ':'
	expect_status 1 bash sample.sh
	expect_status 1 env COFFERDAM_SHARE=1/2 bash sample.sh
}

test_a_file_whose_tests_are_all_elsewhere_has_not_failed() {
	sample 'setup_file() { false; }; once_it() { expect true; }'
	expect env COFFERDAM_SHARE=1/2 bash sample.sh
	expect_output 'sample: 0 passed, 0 failed, 0 skipped'
	sample 'once_it() { expect false; }'
	expect_status 1 env COFFERDAM_SHARE=0/2 bash sample.sh
}

test_a_skip_has_failed_when_skips_are_not_allowed() {
	sample 'test_it() { skip "not here"; }'
	expect bash sample.sh
	expect_output 'sample: 0 passed, 0 failed, 1 skipped'
	expect_status 1 env COFFERDAM_STRICT=1 bash sample.sh
	expect_output 'sample: 0 passed, 1 failed, 0 skipped'
}

test_what_comes_before_and_after_the_tests_counts() {
	sample 'setup_file() { return 1; }; test_it() { expect true; }'
	expect_status 1 bash sample.sh
	sample 'setup_file() { skip "not here" || return; }; test_it() { expect true; }'
	expect bash sample.sh
	expect_output 'sample: 0 passed, 0 failed, 1 skipped'
	sample 'teardown_file() { return 1; }; test_it() { expect true; }'
	expect_status 1 bash sample.sh
}

test_nothing_of_a_test_is_left() {
	sample 'test_it() { sleep 987 & echo $! >'"$PWD"'/pid; expect true; }'
	expect bash sample.sh
	sleep 0.2 # to die takes a moment, and not every PID 1 reaps
	refute grep -v '^State:.Z' <(grep -s ^State: "/proc/$(cat pid)/status")
}

test_the_driver_adds_up_and_ends_with_one_line() {
	fake_make a 'a: 2 passed, 0 failed, 1 skipped' 0
	fake_make b '3 passed, 0 failed' 0
	expect driver 'a b'
	expect_equal '5 passed, 0 failed' "$(tail -n 1 <<<"$T_OUTPUT")"
}

test_the_driver_fails_when_a_kind_does() {
	fake_make good 'good: 2 passed, 0 failed' 0
	fake_make bad 'bad: 2 passed, 1 failed' 2
	expect_status 1 driver 'bad good'
	expect_equal '4 passed, 1 failed' "$(tail -n 1 <<<"$T_OUTPUT")"
}

test_the_driver_tells_again_at_the_end_what_failed() {
	fake_make vm $'6.1: FAIL test_a (1.0 s) status 1\n7.2: ok   test_b (1.0 s)\n6.1:      | why a\n7.2:      | why not
7.2: FAIL test_c (1.0 s) status 1\n6.1: ok   test_d (1.0 s)\nvm: 2 passed, 2 failed' 1
	expect_status 1 driver vm
	expect_equal $'failed:\n6.1: FAIL test_a (1.0 s) status 1\n6.1:      | why a\n7.2: FAIL test_c (1.0 s) status 1\n' \
		"$(sed -n '/^failed:$/,/^$/p' <<<"$T_OUTPUT")"$'\n'
}

test_the_driver_believes_neither_a_status_nor_a_line_alone() {
	fake_make silent 'all is well' 0
	expect_status 1 driver silent
	fake_make dead 'dead: 2 passed, 0 failed' 2
	expect_status 1 driver dead
	fake_make none 'none: 0 passed, 0 failed' 0
	expect_status 1 driver none
	fake_make liar 'liar: 1 passed, 1 failed' 0
	expect_status 1 driver liar
}

test_the_driver_shows_a_kind_whole_and_runs_vms_beside_the_others() {
	local kind

	fake_make vm 'vm: 1 passed, 0 failed' 0
	fake_make slow 'slow: 1 passed, 0 failed' 0
	fake_make next 'next: 1 passed, 0 failed' 0
	for kind in vm slow next; do # each waits until the kind beside it has begun
		printf 'echo "%s begins"; : >"%s/%s"; %s; echo "%s ends"\n%s' "$kind" "$PWD" "$kind" \
			"$(printf 'until [ -e "%s/%s" ]; do sleep 0.05; done' "$PWD" "$(if [ $kind = vm ]; then echo next; else echo vm; fi)")" \
			"$kind" "$(cat "kinds/check-$kind")" >kinds/new
		mv kinds/new "kinds/check-$kind"
	done
	expect driver 'slow next vm'
	for kind in vm slow next; do
		expect_output "$kind begins
$kind ends
$kind: 1 passed, 0 failed"
	done
	expect_equal '3 passed, 0 failed' "$(tail -n 1 <<<"$T_OUTPUT")"
}

test_a_kind_that_ended_the_driver_s_job_has_failed() {
	fake_make good 'good: 2 passed, 0 failed' 0
	printf 'kill -KILL 0\n' >kinds/check-wild # its process group, which is that of all that runs beside the VMs
	expect_status 1 driver 'wild good'
	expect_output '2 failed'
}

test_a_build_that_fails_ends_the_driver() {
	fake_make good 'good: 2 passed, 0 failed' 0
	echo 'echo no such header; exit 2' >kinds/build-tests
	expect_status 1 driver good
	expect_output 'no such header'
	refute_output 'good: '
	expect_equal '0 passed, 1 failed' "$(tail -n 1 <<<"$T_OUTPUT")"
}

test_an_interrupted_driver_ends_what_it_started() {
	local driver status=0 kind

	fake_make vm x 0
	fake_make slow x 0
	for kind in vm slow; do
		printf 'echo $$ >"%s/%s.pid"; sleep 987 & echo $! >"%s/%s.child"; wait\n' "$PWD" "$kind" "$PWD" "$kind" >"kinds/check-$kind"
	done
	MAKE=$PWD/make BUILD=$PWD/build KINDS='vm slow' "$TOP/tests/run" >output 2>&1 &
	driver=$!
	until [ -s vm.child ] && [ -s slow.child ]; do sleep 0.05; done
	kill -TERM "$driver"
	wait "$driver" || status=$?
	expect_equal 130 "$status" status
	expect grep -x 'tests: interrupted' output
	refute grep passed output
	sleep 0.2
	for kind in vm slow; do
		refute grep -v '^State:.Z' <(grep -hs ^State: "/proc/$(cat "$kind.pid")/status" "/proc/$(cat "$kind.child")/status")
	done
}

# fake_vms: a copy of the driver of VMs, and in the place of a VM what says how many there are just then.
fake_vms() {
	mkdir -p tests/vm/tests running
	cp "$TOP/tests/tally.sh" "$TOP/tests/slots.sh" tests/
	cp "$TOP/tests/vm/check" "$TOP/tests/vm/cache.sh" tests/vm/
	printf '#!/bin/sh\n' >tests/vm/prepare
	cat >tests/vm/run <<-'STUB'
		#!/bin/bash
		kernel=$1
		while [ "$1" != -- ]; do
			[ "$1" != --append ] || words=$2
			[ "$1" != --log ] || log=$2
			shift
		done
		shift
		mkdir -p "$log"
		: >"running/$$"
		ls running | wc -l >>at-once
		sleep 0.5
		for file in "$@"; do
			printf '@vm begin /cofferdam/%s\nok   test_x (%s s)\nfake: 1 passed, 0 failed, 0 skipped\n' "$file" "$kernel"
			printf '@vm end 0 /cofferdam/%s\n' "$file"
		done >"$log/$kernel.results"
		echo "$kernel with '$words', share $COFFERDAM_SHARE, runs ${*##*/}"
		rm "running/$$"
	STUB
	chmod +x tests/vm/prepare tests/vm/run
	: >tests/vm/tests/10-a.sh
}

test_as_many_vms_at_a_time_as_processors() {
	fake_vms
	expect env -u TESTS KERNEL='6.1 7.2 6.12 6.6 5.5' BUILD="$PWD/build" tests/vm/check
	expect_output 'vm: 5 passed, 0 failed, 0 skipped'
	expect_output "6.12 with '', share 2/5, runs 10-a.sh"
	expect_equal "$(($(nproc) < 5 ? $(nproc) : 5))" "$(sort -n at-once | tail -n 1)" 'VMs at a time'
	expect_equal $'7.2 7.2 10-a test_x\n6.6 6.6 10-a test_x' "$(head -n 2 build/vm/seconds)"
}

test_each_part_has_a_vm_and_what_asks_for_it_a_boot_of_its_own() {
	fake_vms
	touch tests/vm/tests/{20-b,50-c}.sh
	printf '# boot: lsm=none\n' >tests/vm/tests/72-d.sh
	printf '# boot: lsm=some\n' >tests/vm/tests/73-e.sh
	expect env -u TESTS KERNEL='6.1 7.2' BUILD="$PWD/build" tests/vm/check
	expect_output 'vm: 8 passed, 0 failed, 0 skipped'
	expect_output "6.1 with '', share 0/2, runs 10-a.sh 20-b.sh"
	expect_output "7.2 with '', share 1/2, runs 50-c.sh"
	expect_output "6.1 with 'lsm=none', share 0/1, runs 72-d.sh"
	expect_output "6.1 with 'lsm=some', share 0/1, runs 73-e.sh"
	refute_output "7.2 with 'lsm="
	expect env TESTS=50 KERNEL=7.2 BUILD="$PWD/build" tests/vm/check
	expect_output 'vm: 1 passed, 0 failed, 0 skipped'
	: >tests/vm/tests/x.sh
	expect_status 2 env -u TESTS KERNEL=7.2 BUILD="$PWD/build" tests/vm/check
	expect_output 'x.sh has no number'
}

# fake_criterion STATUS TAP [REPORT]: a program that tests itself, writes TAP and leaves a sanitizer's report.
fake_criterion() {
	printf '%s\n' "$2" >tap
	printf '%s' "${3:-}" >report
	# shellcheck disable=SC2016 # for the script that is written
	printf '#!/bin/bash\ncp tap "${1#--tap=}"; [ ! -s report ] || cat report >"${LSAN_OPTIONS#log_path=}.1"; exit %d\n' \
		"$1" >program
	chmod +x program
}

test_criterion_tells_skips_and_tests_that_were_not_run() {
	fake_criterion 0 $'1..3\nok - a::one  (0.00s)\nok - a::two  # SKIP no root'
	expect_status 1 "$TOP/tests/criterion" name ./program
	expect_output 'name: 1 passed, 1 failed, 1 skipped'
	fake_criterion 0 $'1..2\nok - a::one  (0.00s)\nok - a::two  # SKIP no root'
	expect "$TOP/tests/criterion" name ./program
	expect_status 1 env COFFERDAM_STRICT=1 "$TOP/tests/criterion" name ./program
	expect_output 'name: 1 passed, 1 failed, 0 skipped'
	fake_criterion 1 $'1..1\nok - a::one  (0.00s)'
	expect_status 1 "$TOP/tests/criterion" name ./program
}

test_a_leak_of_ours_has_failed_and_criterions_own_has_not() {
	local head='==1==ERROR: LeakSanitizer: detected memory leaks' foreign='    #1 0x7f (/lib/libcriterion.so.3+0x1a332)'

	fake_criterion 1 $'1..1\nok - a::one  (0.00s)' "$head"$'\n'"$foreign"
	expect "$TOP/tests/criterion" name ./program
	fake_criterion 0 $'1..1\nok - a::one  (0.00s)' "$head"$'\n    #1 0x55 in leak lib/x.c:5\n'"$foreign"
	expect_status 1 "$TOP/tests/criterion" name ./program
	expect_output 'name: 1 passed, 1 failed, 0 skipped'
	fake_criterion 0 $'1..1\nok - a::one  (0.00s)' 'lib/x.c:5:1: runtime error: signed integer overflow'
	expect_status 1 "$TOP/tests/criterion" name ./program
}

t_main "$@"
