#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What cofferdam-runtime passes through reaches the runtime as it came. /bin/cat and /bin/ls stand in for the runtime: asked
# for their own /proc files they show what they were started with.
# Alone: times are compared.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

SHIM=/usr/local/bin/cofferdam-runtime

setup_file() {
	mkdir -p /etc/cofferdam
}

behind() {
	ln -sfn "$1" /etc/cofferdam/runtime
}

test_arguments_and_environment_are_untouched() {
	local given=(web root=/x '' 'a b' $'c\nd' log=y)

	behind /bin/cat
	env -i A=1 LD_LIBRARY_PATH=/none 'ODD =x' bash -c 'exec -a odd-name /bin/cat /proc/self/cmdline /proc/self/environ "$@"' \
		bash "${given[@]}" >direct 2>/dev/null || true
	env -i A=1 LD_LIBRARY_PATH=/none 'ODD =x' bash -c 'exec -a odd-name "$0" /proc/self/cmdline /proc/self/environ "$@"' \
		"$SHIM" "${given[@]}" >passed 2>/dev/null || true
	expect test -s direct
	expect grep -q -z odd-name passed
	expect cmp direct passed
}

test_descriptors_are_untouched() {
	behind /bin/ls
	(exec 3</dev/null 4>here 9<>both && exec /bin/ls -v /proc/self/fd) >direct
	(exec 3</dev/null 4>here 9<>both && exec "$SHIM" /proc/self/fd) | sort -n >passed
	expect grep -x 9 passed
	expect cmp direct passed
}

test_standard_input_and_status_are_the_runtimes() {
	behind /bin/cat
	expect_equal input "$(echo input | "$SHIM" /dev/stdin)"
	printf '#!/bin/sh\nexit 42\n' >fake
	chmod 755 fake
	behind "$PWD/fake"
	expect_status 42 "$SHIM" state web
}

test_no_configuration_is_read() {
	trap 'rm -f /etc/cofferdam/cofferdam.json' EXIT
	behind /bin/echo
	echo '{ torn' >/etc/cofferdam/cofferdam.json
	expect "$SHIM" kill web KILL
	expect_output 'kill web KILL'
}

# opened WORDS...: what cofferdam-runtime opens before it has become the runtime, but for what libcap-ng asks the kernel
# when it is loaded.
opened() {
	strace -o trace -e trace=execve,execveat,open,openat,openat2,creat,connect "$SHIM" "$@" >/dev/null 2>&1 || true
	sed -n '/^execve/!p; /^execve(.*bin\/true"/q' trace | grep -v -e '^+++' -e /proc/sys/kernel/cap_last_cap || true
}

test_no_file_is_opened() {
	command -v strace >/dev/null || skip 'strace is not installed'
	behind /bin/true
	expect strace -o trace -e trace=openat true
	expect_equal '' "$(opened state web)" 'opened for state'
	expect grep '^execve("/bin/true"' trace
	expect_equal '' "$(opened --root /r --log /l --log-format json kill --all web KILL)" 'opened for kill'
	expect_equal '' "$(opened delete --force web)" 'opened for delete'
}

test_a_recorded_container_keeps_its_runtime() {
	local key=web@cbf29ce484222325 # no --root: the hash of nothing

	trap 'rm -rf /run/cofferdam' EXIT
	behind /bin/false
	mkdir -p "/run/cofferdam/containers/$key"
	ln -s /bin/echo "/run/cofferdam/containers/$key/runtime"
	expect "$SHIM" --log /l kill --all web KILL
	expect_output '--log /l kill --all web KILL'
	expect_status 1 "$SHIM" --root /other kill --all web KILL
	expect_status 1 "$SHIM" kill --all other KILL
}

test_without_a_link_the_first_that_is_installed_answers() {
	rm -f /etc/cofferdam/runtime
	expect "$SHIM" --version
	expect_output "$(if [ -e /usr/bin/crun ]; then echo crun; else echo runc; fi)"
}

test_it_does_not_call_itself() {
	behind "$SHIM"
	expect_status 1 "$SHIM" state web
	expect_output 'cofferdam-runtime itself'
}

test_a_missing_runtime_is_named() {
	behind /nonexistent/runtime
	expect_status 1 "$SHIM" state web
	expect_output 'cannot find the OCI runtime /nonexistent/runtime'
	refute_output 'o such file'
}

test_an_option_that_could_hide_a_bundle_is_refused_in_the_log_too() {
	behind /bin/echo
	expect_status 1 "$SHIM" --log "$PWD/log" --log-format json create --bundel /b web
	expect_output 'cofferdam: create: option --bundel is not one'
	expect_equal 1 "$(wc -l <log)" 'lines in --log'
	expect python3 -c 'import json; line = json.load(open("log")); assert line["level"] == "error" and "--bundel" in line["msg"]'
	expect_status 1 "$SHIM" --unknown state web
}

# 200 interleaved pairs; what a call that is passed through takes longer than the same call without.
test_passing_through_costs_little() {
	behind /bin/true
	cat >time.py <<-'PYTHON'
		import os, statistics, sys, time

		def once(program):
		    start = time.perf_counter()
		    pid = os.posix_spawn(program, [program, "state", "web"], {})
		    os.waitpid(pid, 0)
		    return time.perf_counter() - start

		pairs = [(once("/bin/true"), once(sys.argv[1])) for _ in range(200)]
		direct, passed = (1e3 * statistics.median(column) for column in zip(*pairs))
		print(f"direct {direct:.2f} ms, passed through {passed:.2f} ms, added {passed - direct:.2f} ms")
		sys.exit(passed - direct > 5)
	PYTHON
	expect python3 time.py "$SHIM"
	printf '%s\n' "$T_OUTPUT" >"$T_TMP/times"
}

teardown_file() {
	rm -rf /etc/cofferdam/runtime
	[ ! -f "$T_TMP/times" ] || cat "$T_TMP/times"
}

t_main "$@"
