#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the guard tells: counters and events when there is no room, exemptions, and the commands that show both.
# shellcheck source=tests/vm/guest-guard.sh
. "$(dirname "$0")/../guest-guard.sh"

RING=762 # events of 344 bytes in 256 KiB, less one byte
SHIM=/usr/local/bin/cofferdam-runtime
AUDIT=/var/log/cofferdam/audit.jsonl

# counter NAME KIND WHICH: of a cgroup's state.
counter() {
	guard-try state "$1" | sed -n "s/^$2 .*\b$3=\([0-9]*\).*/\1/p"
}

test_counters_are_exact_when_the_ring_is_full() {
	started full deny
	guard-try events >/dev/null
	acts 2000 flood 10.2.0.1 53 2000
	expect_equal 2000 "$(counter full send denied)" 'denials counted'
	expect_equal 0 "$(counter full send allowed)" 'allowed'
	expect guard-try state full
	expect_output " lost=$((2000 - RING))"
	expect_equal "$RING events" "$(guard-try events | tail -n 1)" 'events of a full ring'
	acts 1 flood 10.2.0.1 53 1
	expect_equal '1 events' "$(guard-try events | tail -n 1)" 'events, as there is room again'
	expect_equal 2001 "$(counter full send denied)" 'denials counted'
}

is_over() {
	[ "$(guard-try enter "$1" "$1" "$ACT" exec /bin/sh -c 'echo shell')" = EACCES ]
}

test_an_exemption_is_ended_by_the_kernel() {
	started exempt deny
	acts EACCES exec /bin/sh -c 'echo shell'
	expect guard-try exempt exempt exec 600
	expect_output 'exec=600 net=0'
	acts shell exec /bin/sh -c 'echo shell'
	acts ok mmap /bin/busybox
	acts EPERM sendto 10.2.0.1 53 # the other part
	guard-try events >/dev/null
	acts shell exec /bin/sh -c 'echo shell'
	expect guard-try events
	expect_output 'exec exempted shell errno=EACCES comm=act path=/bin/busybox'
	expect_equal 1 "$(counter exempt exec denied)" denied
	expect_equal 2 "$(counter exempt exec exempted)" exempted
	expect guard-try exempt exempt exec 1
	expect guest_wait 30 is_over exempt # nobody ended it
	expect_equal 2 "$(counter exempt exec denied)" denied
}

test_an_exemption_of_one_part_leaves_the_other() {
	started parts deny
	guard-try exempt parts net 60
	acts ECONNREFUSED tcp 10.1.0.1 443
	acts ok sendto 10.2.0.1 53
	acts ok bind udp 127.0.0.1 5353
	acts ok socket 16 3 9
	acts EACCES exec /bin/sh -c 'echo shell'
	expect_equal 0 "$(counter parts connect denied)" 'connect denied'
	expect_equal 1 "$(counter parts connect exempted)" 'connect exempted, once'
	expect guard-try exempt parts exec 60
	expect_output 'exec=60 net='
	refute_output 'net=0'
	acts shell exec /bin/sh -c 'echo shell'
	expect guard-try exempt parts net 0
	expect_output 'net=0'
	acts EPERM sendto 10.2.0.1 53
	acts shell exec /bin/sh -c 'echo shell'
	refute guard-try exempt parts exec 3601
	expect_output EINVAL
}

exemption_map() {
	bpftool -j map "$1" pinned /sys/fs/bpf/cofferdam/*/exemptions "${@:2}"
}

# The bytes of a number, as bpftool wants them.
bytes_of() {
	printf '%016x' "$1" | sed 's/../& /g' | tr ' ' '\n' | tac | paste -sd' '
}

once_a_cgroup_that_gets_the_id_is_not_exempt() {
	local value key

	started first deny
	guard-try exempt first exec 60
	key=$(bytes_of "$(stat -c %i /sys/fs/cgroup/first)")
	# shellcheck disable=SC2086
	value=$(exemption_map lookup key hex $key | sed -n 's/.*"value":\[\([^]]*\)\].*/\1/p' | tr -d '",' | sed 's/0x/ /g')
	expect_equal 32 "$(echo "$value" | wc -w)" 'bytes of an exemption'
	acts shell exec /bin/sh -c 'echo shell'
	stop_container first
	ROOT='' started second deny
	# shellcheck disable=SC2046,SC2086
	expect exemption_map update key hex $(bytes_of "$(stat -c %i /sys/fs/cgroup/second)") value hex $value
	acts EACCES exec /bin/sh -c 'echo shell'
	expect guard-try exempt second net 60
	expect_output 'exec=0 net=60'
	expect guest_wait 20 has_exemptions 1 # the first one's cgroup is gone
}

has_exemptions() {
	guard-try collect >/dev/null
	[ "$(exemption_map dump | grep -o '"key":\[' | wc -l)" -eq "$1" ]
}

# --- commands, with a real runtime

# web [PROFILE-KEYS]: a container `web` that sleeps, gone with the test.
web() {
	rm -f "$AUDIT" # other containers had that name
	guest_runtime crun
	mkdir -p /etc/cofferdam/profiles.d
	printf '{ "cofferdam": 1, "name": "told", "extends": ["default"], %s }\n' "${1:-\"net\": {\"listen\": [\"tcp/80\"], \"connect\": [{\"to\": \"10.1.0.0/16\", \"port\": \"tcp/443\"\}]\}}" \
		>/etc/cofferdam/profiles.d/told.json
	sed -i 's/^{/{ "default_profile": "told",/' /etc/cofferdam/cofferdam.json
	guest_bundle bundle /bin/inside sleep 300
	trap end_web EXIT
	expect "$SHIM" run --detach --bundle bundle web
	CGROUP=/sys/fs/cgroup$(cofferdam status web --format json | jq -r .cgroup)
}

end_web() {
	"$SHIM" delete --force web >/dev/null 2>&1 || true
	rm -f /etc/cofferdam/profiles.d/told.json
	guest_config
}

tries_a_shell() {
	"$SHIM" exec web /bin/sh -c 'echo shell ran' 2>&1 || true
}

shell_runs() {
	tries_a_shell >shell
	if grep -qx 'shell ran' shell; then echo yes; else echo no; fi
}

is_denied() {
	[ "$(shell_runs)" = no ]
}

denials() {
	cofferdam status web --format json | jq ".decisions.$1.${2:-denied}"
}

once_status_tells_what_is_in_force_and_what_was_denied() {
	local i

	web
	expect cofferdam status
	expect_output 'told             enforce  sealed         0       0'
	for i in 1 2 3; do
		tries_a_shell
	done
	expect_equal 3 "$(denials exec)" 'denials counted'
	expect cofferdam status
	expect_output 'enforce  sealed         3       0'
	expect cofferdam events --container web
	expect_output ', 3 times since 20'
	expect_equal 1 "$(cofferdam events --container web --json | jq -s 'map(select(.reason == "shell-sealed")) | length')" 'lines for three repeats'
	expect_equal 3 "$(cofferdam events --container web --json | jq -s 'map(select(.reason == "shell-sealed"))[0].count')" count
	expect cofferdam events --container other
	expect_equal '' "$T_OUTPUT" 'events of another container'
	expect cofferdam status web
	expect_output 'shells startup'
	expect_output 'listen tcp/80'
	expect_output 'connect 10.1.0.0/16 tcp/443'
	expect_output 'as it was compiled at create'
	expect_output '/bin/sh (shell-sealed)'
	expect jq -e '.policy_in_force.connect[0] == {"to": "10.1.0.0/16", "ports": ["tcp/443"]} and .policy_in_force.sealed
		and .policy_in_force.listen == ["tcp/80"] and .differences == [] and (.events | length) == 1' <(cofferdam status web --format json)
	expect cofferdam status --format prometheus
	expect_output 'cofferdam_guard_decisions_total{id="web",name="web",guard="exec",kind="exec",verdict="denied"} 3'
	expect_output 'cofferdam_guard_in_force{id="web",name="web",guard="net"} 1'
}

once_status_finds_what_differs() {
	local set=/sys/fs/bpf/cofferdam key
	set=$set/$(ls $set)

	web '"net": {"listen": [], "connect": [{"to": "10.7.0.0/16", "port": "tcp/7"}]}' # rules of its own: they are torn
	guard-try collect >/dev/null
	key=$(bpftool -j map dump pinned "$set/routes" | jq -r '.[].key | join(" ")' | grep '0x0a 0x07' | head -n 1)
	# shellcheck disable=SC2086
	expect bpftool map delete pinned "$set/routes" key $key
	expect_status 1 cofferdam status web
	expect_output 'DIFFERS   the network rules in the kernel are not those'
	bpftool cgroup detach "$CGROUP" lsm_cgroup pinned "$set/cfd_exec"
	expect_status 1 cofferdam status web
	expect_output 'DIFFERS   exec: programs of the guard are missing'
	expect_output 'not enforced'
	expect cofferdam status
	expect_output MISSING
	expect cofferdam status --format prometheus
	expect_output 'cofferdam_guard_in_force{id="web",name="web",guard="exec"} 0'
	expect_output 'cofferdam_guard_wanted{id="web",name="web",guard="exec"} 1'
}

once_an_exemption_is_recorded_shown_and_over_in_time() {
	web
	expect_equal no "$(shell_runs)" 'shell before'
	expect cofferdam exempt web --exec --for 10m --reason 'OPS-91: look at "it"'
	expect_output 'exempt for 600 s (exec)'
	expect_equal yes "$(shell_runs)" 'shell meanwhile'
	expect cofferdam status
	expect_output 'exec exempt for '
	expect cofferdam status web
	expect_output 's more: OPS-91: look at "it"'
	expect_equal 2 "$(denials exec exempted)" 'exempted, counted on its own: executed, and mapped for that'
	expect cofferdam events --container web
	expect_output 'exempt-begin'
	expect_output 'exec for 600 s: OPS-91: look at "it"'
	expect_output exempted
	expect cofferdam status --format prometheus
	expect_output 'kind="exec",verdict="exempted"} 1'
	expect cofferdam exempt web --exec --for 1s --reason 'no more' # instead of the first
	expect guest_wait 30 is_denied
	expect cofferdam status
	refute_output 'exempt for'
}

exemptions_in_the_kernel() {
	exemption_map dump | grep -o '"key":\[' | wc -l || true
}

once_an_exemption_is_ended_by_hand_and_with_the_container() {
	local others
	web
	others=$(exemptions_in_the_kernel) # of containers that other tests attached without a runtime
	expect cofferdam exempt web --exec --net --for 5m --reason one
	expect_equal yes "$(shell_runs)" 'shell meanwhile'
	expect cofferdam exempt web --net --end
	expect_equal yes "$(shell_runs)" 'the other part lasts'
	expect cofferdam exempt web --end
	expect_output 'web is governed again'
	expect_equal no "$(shell_runs)" 'shell afterwards'
	expect test ! -e /run/cofferdam/containers/web@*/exemptions.json
	expect_equal 'begin end end' "$(jq -r 'select(.type == "exemption" and .reason != "OPS-91: look at \"it\"").action' $AUDIT | paste -sd' ')" 'in the audit log'
	expect cofferdam exempt web --exec --for 5m --reason two
	expect_equal $((others + 1)) "$(exemptions_in_the_kernel)" 'in the kernel'
	end_web
	expect_equal "$others" "$(exemptions_in_the_kernel)" 'in the kernel, of a container that is gone'
	guest_nothing_left
}

once_an_exemption_that_fails_leaves_nothing() {
	set=/sys/fs/bpf/cofferdam # not local: traps at the end do not see what is
	set=$set/$(ls $set)

	web
	trap 'mv /sys/fs/bpf/away "$set/exemptions"; end_web' EXIT
	mv "$set/exemptions" /sys/fs/bpf/away
	refute cofferdam exempt web --exec --for 5m --reason R
	expect_equal '' "$(ls /run/cofferdam/containers/web@*/exemptions.json 2>/dev/null)" 'record of it'
	expect_equal failed "$(tail -n 1 $AUDIT | jq -r .action)" 'in the audit log'
	mv /sys/fs/bpf/away "$set/exemptions"
	trap end_web EXIT
	expect_equal no "$(shell_runs)" 'shell'
	refute cofferdam exempt nobody --exec --for 5m --reason R
	expect_output 'no container of cofferdam'
	refute setpriv --reuid 1000 --clear-groups cofferdam exempt web --exec --for 5m --reason R
	expect_output 'only root'
}

once_what_is_not_denied_is_not_exempted() {
	web '"mode": "warn"'
	refute cofferdam exempt web --exec --for 5m --reason R
	expect_output 'only warns'
	expect cofferdam status
	expect_output ' warn '
	end_web
	guest_runtime crun
	sed -i 's/^{/{ "guard": { "exec": "off" },/' /etc/cofferdam/cofferdam.json
	trap end_web EXIT
	expect "$SHIM" run --detach --bundle bundle web
	refute cofferdam exempt web --exec --for 5m --reason R
	expect_output 'nothing to be exempt from'
	expect cofferdam status
	expect_output ' off '
}

has_lines() {
	[ "$(grep -c shell-sealed "$1")" -ge "$2" ]
}

# As the unit runs it: no capability but CAP_BPF, and /sys read-only.
once_following_needs_little_and_survives_a_rotated_log() {
	web
	setsid unshare -m sh -c 'mount -o remount,bind,ro /sys/fs/bpf && mount -o remount,bind,ro /sys &&
		exec setpriv --bounding-set=-all,+bpf --inh-caps=-all --no-new-privs cofferdam events --follow --json' >follow 2>&1 </dev/null &
	trap "kill $!; end_web" EXIT
	guest_wait 10 sh -c 'pgrep -f "events --follow"'
	tries_a_shell
	guest_wait 10 has_lines follow 1
	mv $AUDIT $AUDIT.1
	guest_wait 10 test -e $AUDIT
	tries_a_shell
	guest_wait 10 has_lines follow 2
	expect has_lines $AUDIT 1
	expect grep -q shell-sealed $AUDIT
}

t_main "$@"
