#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an intruder tries in order to take the guard away, or to get out of its reach. The container of the attacks is as
# powerful as one can be that has namespaces: every capability in the host's user namespace, and no seccomp filter.
ATTACK_IDS=0
# shellcheck source=tests/vm/attacks.sh
. "$(dirname "$0")/../attacks.sh"

T_LIMIT=240

setup_file() {
	attack_image
}

test_attacks_succeed_without_the_guard_and_are_stopped_by_it() {
	ATTACK_CAPABILITIES=', "CAP_SYS_ADMIN", "CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"'
	attack_compare tamper '"exec": {"shells": "deny", "image_only": true}, "net": {"connect": ["any"], "listen": ["any"]}'
}

test_a_neighbour_in_the_same_pid_namespace_cannot_be_traced() {
	cp /usr/bin/sleep traced
	./traced 300 &
	traced=$! # not local: traps at the end do not see what is
	trap 'kill "$traced"; attack_clean open; attack_clean governed' EXIT
	# With the host's pid namespace, so the neighbour here is a process of the host.
	ATTACK_PIDNS=host ATTACK_CAPABILITIES=', "CAP_SYS_PTRACE"'
	attack_compare trace '"exec": {"shells": "deny"}, "net": {"connect": []}'
	trap 'kill "$traced"; attack_clean open; attack_clean governed; attack_clean own' EXIT
	expect attack_run own '"exec": {"shells": "deny"}, "net": {"connect": []}' /bin/attack traces-itself
	ATTACK_PIDNS=''
	attack_clean own
	expect attack_run own '"exec": {"shells": "deny"}, "net": {"connect": []}' /bin/attack traces-itself
}

# leaves ANSWER VARIABLE=VALUE...: what both ways out of the cgroup give in such a container, governed, that is handed the
# host's uppermost cgroup.
leaves() {
	local answer=$1
	shift

	local "$@" ATTACK_OPTIONS=--preserve-fds=1
	trap 'attack_clean left' EXIT
	guard-try load
	exec 3</sys/fs/cgroup
	expect attack_run left '"exec": {"shells": "deny"}, "net": {"connect": []}' /bin/attack leave
	expect_output "leave-procs $answer"
	expect_output "leave-clone $answer"
	printf 'leaving the cgroup by a descriptor of an outer one, %s: %s\n' "$*" "$answer" >>"$T_TMP/tables"
}

# Proves that the other two prove something; SECURITY.md has it.
test_with_the_namespaces_of_the_host_and_such_a_descriptor_a_process_leaves() {
	leaves succeeded ATTACK_IDS=0 ATTACK_CGROUPNS=host
}

test_a_cgroup_namespace_keeps_it_in() {
	leaves stopped ATTACK_IDS=0 ATTACK_CGROUPNS=
}

test_a_user_namespace_keeps_it_in() {
	chown -R 100000:100000 "$ATTACK_LOWER"
	leaves stopped ATTACK_IDS=100000 ATTACK_CGROUPNS=host
}

# What the default profile leaves of all this: nothing that could mount, make namespaces or call bpf(2).
test_behind_the_shim_the_means_are_missing() {
	guest_runtime crun
	guest_bundle bundle /bin/attack tamper
	cp /usr/local/bin/attack bundle/rootfs/bin/attack
	expect /usr/local/bin/cofferdam-runtime run --bundle bundle shimmed
	expect_output 'bpf-map stopped routes: EPERM'
	expect_output 'bpf-load stopped load: EPERM'
	expect_output 'child-cgroup broken child cgroup: EPERM'
	expect_output 'child-clone broken child cgroup: EPERM'
	expect_output 'cgroup-ns broken unshare: EPERM'
	expect_output 'user-ns broken unshare: EPERM'
	refute_output succeeded
}

teardown_file() {
	guest_config

	attack_tables
}

t_main "$@"
