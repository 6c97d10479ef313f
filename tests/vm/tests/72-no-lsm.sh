#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A kernel that has BPF but does not ask it as a security module.
# boot: lsm=landlock,lockdown,yama,integrity,apparmor
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/../guest.sh"

SHIM=/usr/local/bin/cofferdam-runtime
AUDIT=/var/log/cofferdam/audit.jsonl
PREFER="{ \"runtimes\": [\"$(command -v crun)\"], \"guard\": { \"exec\": \"prefer\", \"net\": \"prefer\" } }"

clean() {
	"$SHIM" delete --force "$1" >/dev/null 2>&1 || true
}

once_require_refuses_with_the_boot_parameter() {
	guest_runtime crun
	guest_bundle bundle /bin/inside sleep 300
	expect_status 1 "$SHIM" create --bundle bundle required
	expect_output 'the guard cannot be loaded'
	expect_output "boot with lsm=$(cat /sys/kernel/security/lsm),bpf"
	expect_equal '' "$(ls /sys/fs/bpf/cofferdam)" 'sets that were loaded'
	guest_nothing_left
}

once_doctor_has_it_too() {
	expect_status 1 cofferdam doctor --guard
	expect_output 'NO    bpf-lsm '
	expect_output "boot with lsm=$(cat /sys/kernel/security/lsm),bpf"
	expect_output 'ok    bpf-kernel '
}

# What is told and what is true, of a container that runs all the same.
once_prefer_uses_what_there_is_and_says_what_is_not() {
	guest_config "$PREFER"
	guest_bundle bundle /bin/inside sleep 300
	cp /usr/local/bin/guard-act bundle/rootfs/bin/act
	trap 'clean preferred' EXIT
	expect "$SHIM" create --bundle bundle preferred
	expect "$SHIM" start preferred
	expect grep -c 'nothing governs what is executed (guard.exec is prefer); only destinations are governed' "$AUDIT"
	expect grep -c "boot with lsm=$(cat /sys/kernel/security/lsm),bpf" "$AUDIT"
	expect cofferdam status
	expect_output ' off  partly '
	expect cofferdam status --json
	expect_output '"guard":{"exec":false,"net":false,"destinations":true}'
	# governed: destinations
	expect "$SHIM" exec preferred /bin/act tcp 10.2.0.1 443
	expect_output EPERM
	expect "$SHIM" exec preferred /bin/act sendto 10.2.0.1 53
	expect_output EPERM
	# stopped: files on mounts that can be written
	expect "$SHIM" exec preferred /bin/inside copy /bin/inside /dev/copy
	refute "$SHIM" exec preferred /bin/inside run /dev/copy show /proc/self/comm
	expect_output EACCES
	expect "$SHIM" exec preferred /bin/act mmap /bin/act
	expect_output ok
	expect "$SHIM" exec preferred /bin/act mmap /dev/copy
	expect_output EPERM
	# not stopped, as the log says: shells, and files without a name
	expect "$SHIM" exec preferred /bin/sh -c 'echo a shell'
	expect_output 'a shell'
	expect "$SHIM" exec preferred /bin/act memfd /bin/act ran
}

once_the_next_container_is_told_of_too() {
	local lines

	guest_config "$PREFER"
	guest_bundle bundle /bin/inside sleep 300
	trap 'clean next' EXIT
	lines=$(wc -l <"$AUDIT")
	expect "$SHIM" create --bundle bundle next
	expect tail -n "+$((lines + 1))" "$AUDIT"
	expect_output 'nothing governs what is executed'
	expect_output 'cofferdam doctor --guard'
}

once_each_half_may_be_preferred_alone() {
	guest_config "{ \"runtimes\": [\"$(command -v crun)\"], \"guard\": { \"exec\": \"prefer\", \"net\": \"require\" } }"
	guest_bundle bundle /bin/inside sleep 300
	trap 'clean half' EXIT
	expect_status 1 "$SHIM" create --bundle bundle half
	expect_output 'boot with lsm='
	guest_nothing_left
}

once_hooks_alone_say_so_too() {
	guest_config "$PREFER"
	guest_inside_image
	echo containers:3000000:1048576 | tee -a /etc/subuid >>/etc/subgid # for --userns=auto
	mkdir hooks
	cp /usr/local/share/cofferdam/deploy/podman/cofferdam-*.json hooks/
	rm -f "$AUDIT"
	expect podman --runtime crun --hooks-dir "$PWD/hooks" run --rm --network none --userns=auto "$GUEST_INSIDE" /bin/inside show /proc/self/comm
	expect grep -c 'nothing governs what is executed' "$AUDIT"
}

teardown_file() {
	guest_config
}

t_main "$@"
