#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# containerd's ctr with cofferdam-runtime in the place of runc.
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/../guest.sh"

SHIM=/usr/local/bin/cofferdam-runtime
T_LIMIT=180

setup_file() {
	guest_containerd && guest_containerd_image
}

run() {
	ctr run --runc-binary "$SHIM" "$@"
}

in_a_range() {
	guest_runtime "$1"
	expect run --rm "$GUEST_INSIDE" "plain-$1" /bin/inside show /proc/self/uid_map
	expect_output ' 65536'
	guest_nothing_left
}

test_a_container_of_runc_runs_in_a_range_of_its_own() {
	in_a_range runc
}

once_a_container_of_crun_runs_in_a_range_of_its_own() {
	in_a_range crun
}

once_exec_of_a_shell_is_denied_and_a_wider_one_refused() {
	guest_runtime runc
	trap 'ctr tasks kill -s KILL web; guest_wait 10 ctr tasks rm web; ctr containers rm web || true' EXIT
	expect run -d "$GUEST_INSIDE" web /bin/inside sleep 300
	expect ctr tasks exec --exec-id one --cwd /bin web /bin/inside show /proc/self/uid_map /proc/self/status
	expect_output ' 65536'
	expect_output 'NoNewPrivs:	1'
	refute ctr tasks exec --exec-id two web /bin/sh -c 'echo in'
	expect cofferdam status web
	refute ctr tasks exec --exec-id three --cwd /proc/self/fd/7 web /bin/inside show /proc/self/comm
	expect_output 'cofferdam: refused exec in web'
	expect_output '[process.cwd]'
}

once_a_refusal_reaches_who_typed_the_command() {
	guest_runtime runc
	trap 'ctr containers rm bad || true' EXIT
	refute run --rm --privileged "$GUEST_INSIDE" bad /bin/inside show /proc/self/comm
	expect_output 'cofferdam: refused bad'
	guest_nothing_left
}

teardown_file() {
	guest_config
	rm -f /etc/cofferdam/runtime
}

t_main "$@"
