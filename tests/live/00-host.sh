#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runtimes without cofferdam in the namespaces of the live tests: what fails here is not cofferdam's.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

test_cgroup2_is_pure_and_nobody_elses() {
	expect_equal cgroup2fs "$(stat -f -c %T /sys/fs/cgroup)"
	expect_equal 0::/tests "$(grep '^0:' /proc/self/cgroup)"
	expect_equal 1 "$(grep -c ' - cgroup' /proc/self/mountinfo)" 'cgroup mounts'
}

test_what_is_written_stays_here() {
	expect_equal tmpfs "$(stat -f -c %T /run)"
	for directory in /etc /usr/local /var/cache /var/log; do
		expect_equal overlayfs "$(stat -f -c %T "$directory")" "$directory"
	done
}

test_runc_runs_a_bundle() {
	live_bundle bundle /bin/echo from-runc
	expect runc --root "$T_DIR/state" run --bundle bundle live-first
	expect_output from-runc
}

test_runc_hands_on_the_exit_status() {
	live_bundle bundle /bin/sh -c 'exit 42'
	expect_status 42 runc --root "$T_DIR/state" run --bundle bundle live-status
}

test_runc_puts_the_container_into_a_cgroup_of_its_own() {
	trap 'runc --root "$T_DIR/state" delete --force live-cgroup' EXIT
	live_bundle bundle /bin/sleep 300
	expect runc --root "$T_DIR/state" run --detach --bundle bundle live-cgroup
	expect grep -c . /sys/fs/cgroup/live-cgroup/cgroup.procs
}

t_main "$@"
