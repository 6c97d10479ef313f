#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fail closed: whatever the guard needs and does not get, the container does not start, and the message says why. And what
# the guard does is done to the container alone.
# shellcheck source=tests/vm/guest-guard.sh
. "$(dirname "$0")/../guest-guard.sh"

SHIM=/usr/local/bin/cofferdam-runtime
HOOK=/usr/local/libexec/cofferdam/cofferdam-hook
PINS=/sys/fs/bpf/cofferdam
SYS_BPF=321 # x86-64
ALONE=${TIMES:-200} WHOLE=${TIMES:-20} # TIMES=1000 for the full number: 60 and 400 ms each, emulated
T_LIMIT=${TIMES:+3600} T_LIMIT=${T_LIMIT:-400}

clean() {
	"$SHIM" delete --force "$1" >/dev/null 2>&1 || true
}

# --- room

once_policies_that_nobody_has_make_room() {
	expect guard-try fill-policies
	refute_output '0 added'
	started p1 net # which has network rules
	acts ok udp 10.1.0.1 53
	acts EPERM udp 10.2.0.1 53
}

no_policies() {
	guard-try collect && [ "$(bpftool -j map dump pinned "$PINS"/*/policies | jq length)" -eq 0 ]
}

# All of them in force: cgroups in a cgroup, each with a state of its own that names a policy.
once_no_room_for_one_policy_more_is_said_until_one_ends() {
	guest_runtime crun
	mkdir -p /etc/cofferdam/profiles.d
	printf '{ "cofferdam": 1, "name": "one-more", "extends": ["default"], "net": { "connect": [ { "to": "10.77.0.0/16" } ] } }\n' \
		>/etc/cofferdam/profiles.d/one-more.json
	sed -i 's/^{/{ "default_profile": "one-more",/' /etc/cofferdam/cofferdam.json
	guest_bundle bundle /bin/inside sleep 300
	trap 'clean more; rm -f /etc/cofferdam/profiles.d/one-more.json; find /sys/fs/cgroup/crowd -depth -type d -delete
		guest_config; guest_wait 60 no_policies' EXIT
	expect guest_wait 60 no_policies # those of containers that have just ended would make room meanwhile
	expect guard-try crowd
	expect_output '4096 policies in force'
	expect_status 1 "$SHIM" create --bundle bundle more
	expect_output 'no room for another set of network rules: the guard holds 4096, those of all profiles that are in use'
	guest_nothing_left
	rmdir /sys/fs/cgroup/crowd/2048
	expect guest_wait 30 "$SHIM" create --bundle bundle more # the kernel ends a cgroup's state some time later
	expect "$SHIM" start more
}

once_doctor_says_that_there_is_no_room() {
	trap 'guard-try collect' EXIT
	expect guard-try fill-policies
	expect_status 1 cofferdam doctor --guard
	expect_output 'NO    guard-room '
	expect cofferdam gc
	expect cofferdam doctor --guard
}

# doctor_sees ROW TEXT: that row alone is not well, and says so.
doctor_sees() {
	expect_status 1 cofferdam doctor --guard
	expect_output "NO    $1 "
	expect_output "$2"
	expect_equal 1 "$(printf '%s\n' "$T_OUTPUT" | grep -c '^NO ')" 'rows that are not well'
}

once_doctor_tells_what_is_wrong_and_what_to_do() {
	trap 'mount -o remount,nsdelegate,memory_recursiveprot /sys/fs/cgroup; sysctl -q kernel.unprivileged_bpf_disabled=2
		mountpoint -q /sys/kernel/security || mount -t securityfs securityfs /sys/kernel/security; guard-try load' EXIT
	expect cofferdam doctor --guard
	mount -t cgroup2 -o remount,memory_recursiveprot cgroup2 /sys/fs/cgroup
	doctor_sees cgroup2 'mount -o remount,nsdelegate'
	mount -o remount,nsdelegate,memory_recursiveprot /sys/fs/cgroup
	sysctl -q kernel.unprivileged_bpf_disabled=0
	doctor_sees unprivileged-bpf 'sysctl -w kernel.unprivileged_bpf_disabled=2'
	sysctl -q kernel.unprivileged_bpf_disabled=2
	umount /sys/kernel/security
	doctor_sees bpf-lsm 'mount -t securityfs'
	mount -t securityfs securityfs /sys/kernel/security
	rm "$PINS"/*/cfd_trace
	doctor_sees guard-loaded 'the next container loads it anew'
	guard-try load
	expect cofferdam doctor --guard
}

once_a_full_ring_denies_and_counts_all_the_same() {
	local denied lost told

	started r1 deny
	acts 2000 flood 10.2.0.1 53 2000
	acts EACCES exec /bin/sh -c 'echo shell'
	expect guard-try state r1
	expect_output 'send allowed=0 denied=2000 '
	expect_output 'exec allowed=3 denied=1 '
	lost=$(printf '%s\n' "$T_OUTPUT" | sed -n 's/.* lost=//p')
	denied=2001
	expect guard-try events
	told=$(printf '%s\n' "$T_OUTPUT" | sed -n 's/^\([0-9]*\) events$/\1/p')
	[ "$lost" -gt 0 ] || t_fail 'the ring was never full'
	expect_equal "$denied" "$((told + lost))" 'events told and lost'
	acts EACCES exec /bin/sh -c 'echo shell'
	expect_equal '1 events' "$(guard-try events | tail -n 1)" 'events, as there is room again'
}

# --- what is gone between load and attach

# in_place_of_hook COMMANDS: a hook that does this first.
in_place_of_hook() {
	mv "$HOOK" "$HOOK.real"
	printf '#!/bin/sh\n[ "$1" != createRuntime ] || { %s; }\nexec %s.real "$@"\n' "$1" "$HOOK" >"$HOOK"
	chmod 755 "$HOOK"
}

restore_hook() {
	[ ! -e "$HOOK.real" ] || mv -f "$HOOK.real" "$HOOK"
}

once_without_bpffs_nothing_starts() {
	guest_runtime crun
	guest_bundle bundle /bin/inside sleep 300
	trap 'restore_hook; clean gone' EXIT
	guard-try load
	in_place_of_hook 'umount -l /sys/fs/bpf' # in the shim's mount namespace
	expect_status 1 "$SHIM" create --bundle bundle gone
	expect_output 'no bpf filesystem at /sys/fs/bpf'
	expect_output 'mount -t bpf'
	guest_nothing_left
	restore_hook
	expect "$SHIM" create --bundle bundle gone
}

once_a_pin_that_is_gone_is_made_again() {
	guest_runtime crun
	guest_bundle bundle /bin/inside sleep 300
	trap 'restore_hook; clean torn' EXIT
	guard-try load
	in_place_of_hook "rm $PINS/*/cfd_exec"
	expect "$SHIM" create --bundle bundle torn
	restore_hook
	expect "$SHIM" start torn
	refute "$SHIM" exec torn /bin/sh -c 'echo a shell'
	refute_output 'a shell'
	expect "$SHIM" exec torn /bin/inside show /proc/self/comm
}

# --- kill -9 of the hook at each step of loading and attaching

# Each of the hook's bpf(2) is a step: opening what is loaded, looking at the cgroup, attaching one program after the other,
# putting the policy in force. The runtime must end the container, and the next must start. A program is opened and attached by
# two calls, so each second one is enough.
killed_at_each() {
	local runtime=$1 when=$2 every=$3 step=1 killed=0

	guest_runtime "$runtime"
	guest_bundle bundle /bin/inside write /started yes
	mkdir -p /run/kill-hook
	guard-try load
	mv "$HOOK" "$HOOK.real"
	cp /usr/local/bin/kill-hook "$HOOK"
	trap 'restore_hook; clean victim' EXIT
	while :; do
		echo "$step $SYS_BPF $when" >/run/kill-hook/step
		if "$SHIM" create --bundle bundle victim; then
			break
		fi
		expect_equal "$step" "$(cat /run/kill-hook/last)" 'the call at which the hook was killed'
		refute "$SHIM" start victim
		clean victim
		killed=$((killed + 1)) step=$((step + every))
	done
	expect_equal none "$(cat /run/kill-hook/last)" 'the last round'
	clean victim
	echo "$((step - 1)) $SYS_BPF $when" >/run/kill-hook/step # perhaps the last call, which makes the whole policy be in force
	if "$SHIM" create --bundle bundle victim; then
		expect_equal none "$(cat /run/kill-hook/last)" 'one round back'
	else
		refute "$SHIM" start victim
	fi
	echo "$runtime: killed $when $killed of its calls"
	[ "$((killed * every))" -ge 20 ] || t_fail "only $killed kills"
	clean victim
	restore_hook
	expect_equal '' "$(find /sys/fs/cgroup -name '*victim*')" 'cgroups left'
	guest_wait 10 sh -c '! pgrep -x inside'
	guest_nothing_left
	printf '%s: hook killed %s every %d. of its calls of bpf(2), %d times: nothing started, nothing was left\n' \
		"$runtime" "$when" "$every" "$killed" >>"$T_TMP/times"
}

once_the_hook_is_killed_before_each_step_behind_crun() {
	killed_at_each crun before 2
}

once_the_hook_is_killed_after_steps_behind_runc() {
	killed_at_each runc after 6
}

# --- the first instructions

once_starts_under_the_guard_alone_let_nothing_through() {
	new_root
	expect guard-try starts "$ALONE" "$PROFILES" deny "$ROOT"
	expect_output "$ALONE starts: 0 shells, 0 connections"
	printf 'first instructions, guard alone: %s\n' "$T_OUTPUT" >>"$T_TMP/times"
}

# The same with shim, runtime and hook.
once_starts_by_the_runtime_let_nothing_through() {
	local number begin=$SECONDS

	guest_runtime crun
	guest_bundle bundle /bin/act first 10.2.0.1 443
	cp /usr/local/bin/guard-act bundle/rootfs/bin/act
	expect_status 3 crun run --bundle bundle ungoverned # a shell, and a connect that nobody denies
	for number in $(seq "$WHOLE"); do
		"$SHIM" run --bundle bundle "first$number" || t_fail "start $number: status $?"
	done
	expect_equal "$WHOLE" "$number" starts
	printf 'first instructions, %d whole starts: nothing got through; %d ms each\n' "$WHOLE" \
		$(((SECONDS - begin) * 1000 / WHOLE)) >>"$T_TMP/times"
	guest_nothing_left
}

# --- the others

outside_is_as_ever() {
	expect /bin/sh -c 'echo outside'
	expect_output outside
	expect guard-act tcp 10.2.0.1 443
	expect_output ECONNREFUSED
	expect guard-act socket 2 3 1
	expect_output ok
	expect bpftool prog show
	NAME=n2
	acts shell exec /bin/sh -c 'echo shell'
	acts ECONNREFUSED tcp 10.2.0.1 443
	NAME=n3
	acts EACCES exec /bin/sh -c 'echo shell'
	acts ok udp 10.1.0.1 53
	acts EPERM udp 10.2.0.1 53
}

once_the_host_and_other_containers_are_left_alone() {
	local name

	outside=$(guard-act tcp 10.2.0.1 443)
	expect_equal ECONNREFUSED "$outside" 'before there is a container'
	profile dense '"exec": {"shells": "deny"}, "net": {"connect": [ { "to": "10.1.0.1", "port": "udp/53" } ]}'
	started n1 deny
	for name in n2:loose n3:dense; do
		new_root
		guard-try start "${name%:*}" "$PROFILES" "${name#*:}" "$ROOT" "$ACT" pause
	done
	trap 'for name in n1 n2 n3; do stop_container "$name" || true; done' EXIT
	acts EACCES exec /bin/sh -c 'echo shell'
	acts EPERM tcp 10.2.0.1 443
	outside_is_as_ever
	guard-try enter n1 n1 "$ACT" flood 10.2.0.1 53 100000 >/dev/null & # it ends in the midst of it
	outside_is_as_ever
	stop_container n1
	wait $! || true
	outside_is_as_ever
	expect_equal 3 "$(guard-try state n3 | sed -n 's/^exec .* denied=\([0-9]*\).*/\1/p')" 'its own denials of exec, and nobody else'"'"'s'
	expect_equal 3 "$(guard-try state n3 | sed -n 's/^connect .* denied=\([0-9]*\).*/\1/p')" 'and of connect'
}

teardown_file() {
	restore_hook
	guest_config
	[ ! -f "$T_TMP/times" ] || cat "$T_TMP/times"
}

t_main "$@"
