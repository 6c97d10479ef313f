#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The kernel has ten LSM hooks for programs on cgroups, in all. First in its boot, as hooks that were in use are free again only
# when the last socket of a container that is gone has gone too.
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/../guest.sh"

T_LIMIT=240
SHIM=/usr/local/bin/cofferdam-runtime
PINS=/sys/fs/bpf/cofferdam
OTHERS=/sys/fs/cgroup/others

no_programs() {
	! bpftool prog show | grep ' name cfd_'
}

give_back() {
	"$SHIM" delete --force eleventh >/dev/null 2>&1 || true
	rmdir "$OTHERS" 2>/dev/null || true
}

# The guard takes more than five of the ten.
once_hooks_that_others_have_taken_are_named() {
	expect no_programs
	guest_runtime crun
	guest_bundle bundle /bin/inside sleep 300
	mkdir "$OTHERS"
	trap give_back EXIT
	expect occupy "$OTHERS" task_kill inode_rename inode_unlink inode_mkdir inode_rmdir
	refute guard-try load
	expect_output 'at the LSM hook '
	expect_output 'it has 10 hooks for programs on cgroups, and others have taken too many'
	expect guest_wait 60 no_programs # what the trial had attached: gone some time after its cgroup
	expect_status 1 "$SHIM" create --bundle bundle eleventh
	expect_output 'it has 10 hooks'
	expect_equal '' "$(ls "$PINS")" 'sets that were loaded'
	guest_nothing_left
	expect_status 1 cofferdam doctor --guard
	expect_output 'NO    lsm-hooks '
	expect_output 'others on cgroups have 5 ('
	expect_output task_kill
	expect_output inode_rmdir
	rmdir "$OTHERS"
	expect guest_wait 60 guard-try load
	expect "$SHIM" create --bundle bundle eleventh
	expect cofferdam doctor --guard
}

t_main "$@"
