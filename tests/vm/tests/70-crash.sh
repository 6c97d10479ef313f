#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 at any moment of a create: what is left is cleared by the next create, and nothing runs ungoverned.
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/../guest.sh"

SHIM=/usr/local/bin/cofferdam-runtime
HOOK=/usr/local/libexec/cofferdam/cofferdam-hook
ROUNDS=5
T_LIMIT=240

clean() {
	"$SHIM" delete --force "$1" >/dev/null 2>&1 || true
}

# victim shim|runtime SHIM_PID: who is to be killed, once it is there.
victim() {
	case $1 in
	shim) echo "$2" ;;
	runtime) pgrep -P "$2" | head -n 1 || true ;;
	esac
}

# The container is the engine's to delete, as after any failed create.
kill_once() {
	local who=$1 delay=$2 shim found='' tries=0

	"$SHIM" create --bundle bundle victim >/dev/null 2>&1 &
	shim=$!
	sleep "$delay"
	while [ -z "$found" ] && [ -d "/proc/$shim" ] && [ "$tries" -lt 2000 ]; do
		found=$(victim "$who" "$shim")
		tries=$((tries + 1))
	done
	if [ -n "$found" ] && kill -KILL "$found" 2>/dev/null; then
		KILLED=$((KILLED + 1))
	fi
	wait "$shim" 2>/dev/null || true
	clean victim
}

survive() {
	local who=$1 runtime=$2 round mounts

	guest_runtime "$runtime"
	guest_bundle bundle /bin/inside sleep 300
	expect "$SHIM" create --bundle bundle first # loads the guard, so that rounds take alike
	clean first
	mounts=$(wc -l </proc/self/mountinfo)
	KILLED=0
	# How long a create takes is the machine's affair; so is how many rounds meet the process.
	for ((round = 0; round < ROUNDS || (KILLED < 2 && round < 5 * ROUNDS); round++)); do
		kill_once "$who" "0.$(printf '%02d' $((round % ROUNDS * 9 % 40)))"
	done
	echo "$KILLED killed in $round rounds"
	[ "$KILLED" -ge 2 ] || t_fail "only $KILLED of $round rounds killed anything"
	expect "$SHIM" create --bundle bundle next
	trap 'clean next' EXIT
	# The sweep is no part of what an engine waits for; it may still be at work.
	guest_wait 10 sh -c '[ "$(ls /run/cofferdam/containers | wc -l)" -eq 1 ]'
	expect_equal 1 "$(ls /run/cofferdam/ranges | wc -l)" 'ranges in use'
	expect_equal "$mounts" "$(wc -l </proc/self/mountinfo)" 'mounts of the host'
	clean next
	trap - EXIT
	guest_nothing_left
}

once_the_shim_is_killed_before_crun() {
	survive shim crun
}

once_the_shim_is_killed_before_runc() {
	survive shim runc
}

once_crun_is_killed() {
	survive runtime crun
}

once_runc_is_killed() {
	survive runtime runc
}

# The hook is too quick to be caught: another stands in its place, which runs it for a moment, or to its end, and is killed.
kill_hook() {
	local runtime=$1 moment failures=0

	guest_runtime "$runtime"
	guest_bundle bundle /bin/inside sleep 300
	mv "$HOOK" "$HOOK.real"
	trap 'mv -f "$HOOK.real" "$HOOK"' EXIT
	for moment in 'kill -KILL $$' "timeout --foreground -s KILL 0.01 $HOOK.real \"\$@\"" "timeout --foreground -s KILL 0.03 $HOOK.real \"\$@\"" \
		"timeout --foreground -s KILL 0.06 $HOOK.real \"\$@\"" "$HOOK.real \"\$@\"; kill -KILL \$\$"; do
		printf '#!/bin/sh\n%s\n' "$moment" >"$HOOK"
		chmod 755 "$HOOK"
		if "$SHIM" create --bundle bundle victim; then
			expect cofferdam status victim # it was quicker, and governs
		else
			failures=$((failures + 1))
		fi
		clean victim
	done
	mv -f "$HOOK.real" "$HOOK"
	trap - EXIT
	[ "$failures" -ge 2 ] || t_fail "only $failures creates failed"
	guest_wait 10 sh -c '! pgrep -x inside'
	expect "$SHIM" create --bundle bundle next
	trap 'clean next' EXIT
	guest_wait 10 sh -c '[ "$(ls /run/cofferdam/containers | wc -l)" -eq 1 ]'
	expect_equal 1 "$(ls /run/cofferdam/ranges | wc -l)" 'ranges in use'
	clean next
	trap - EXIT
	guest_nothing_left
}

once_the_hook_of_crun_is_killed() {
	kill_hook crun
}

once_the_hook_of_runc_is_killed() {
	kill_hook runc
}

once_a_container_whose_shim_was_killed_in_the_foreground_is_swept_when_it_ends() {
	local shim pid

	guest_runtime crun
	guest_bundle bundle /bin/inside sleep 300
	"$SHIM" run --bundle bundle orphan >/dev/null 2>&1 &
	shim=$!
	guest_wait 20 sh -c 'cofferdam status orphan --format json | grep -q "\"state\":\"running\""'
	kill -KILL "$shim"
	wait "$shim" 2>/dev/null || true
	expect cofferdam gc
	expect cofferdam status orphan # it runs, so it is kept
	pid=$(cofferdam status orphan --format json | sed -n 's/.*"pid":\([0-9]*\),"range".*/\1/p')
	kill -KILL "$pid"
	guest_wait 10 sh -c "! [ -d /proc/$pid ]"
	expect cofferdam gc
	expect_output '1 dead container removed'
	guest_nothing_left
	clean orphan
}

once_a_record_that_was_torn_is_swept() {
	mkdir -p /run/cofferdam/containers/torn@0000000000000000
	expect cofferdam gc
	expect_output '1 dead container removed'
}

teardown_file() {
	guest_config
	rm -f /etc/cofferdam/runtime
}

t_main "$@"
