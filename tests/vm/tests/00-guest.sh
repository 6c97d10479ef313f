#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the other VM tests stand on: the kernel's features and the programs, none of them ours.
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/../guest.sh"

test_bpf_is_an_active_lsm() {
	expect cat /sys/kernel/security/lsm
	expect_output bpf
}

test_cgroup2_is_pure_and_has_every_controller() {
	local controller

	expect_equal cgroup2fs "$(stat -f -c %T /sys/fs/cgroup)"
	expect_equal 1 "$(grep -c ' - cgroup' /proc/self/mountinfo)" 'cgroup mounts'
	expect cat /sys/fs/cgroup/cgroup.subtree_control
	for controller in cpu io memory pids; do
		expect_output "$controller"
	done
}

test_bpffs_is_mounted_and_btf_is_there() {
	expect_equal bpf_fs "$(stat -f -c %T /sys/fs/bpf)"
	expect test -s /sys/kernel/btf/vmlinux
}

test_the_kernel_loads_modules_and_has_overlayfs() {
	expect modprobe overlay
	expect grep -w overlay /proc/filesystems
}

test_a_bpf_program_can_be_loaded() {
	expect bpftool feature probe kernel
	expect_output 'eBPF program_type lsm is available'
}

test_root_has_every_capability() {
	local last
	last=$(cat /proc/sys/kernel/cap_last_cap)

	expect_equal "$(printf '%016x' $(((1 << (last + 1)) - 1)))" "$(awk '/^CapEff/ { print $2 }' /proc/self/status)"
}

test_engines_and_runtimes_are_there() {
	local program

	for program in podman crun runc containerd ctr; do
		expect "$program" --version
		printf '%s\n' "$T_OUTPUT" | head -n 1 >>"$T_TMP/versions"
	done
}

test_containers_have_ranges_of_ids() {
	expect grep -x 'cofferdam:1000000:65536000' /etc/subuid /etc/subgid
}

teardown_file() {
	printf 'guest: %s; %s\n' "$(uname -r)" "$(paste -sd';' "$T_TMP/versions" 2>/dev/null | sed 's/;/; /g')"
}

t_main "$@"
