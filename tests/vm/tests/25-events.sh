#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the guard tells: counters and events when there is no room, exemptions, and the commands that show both.
# shellcheck source=tests/vm/guest-guard.sh
. "$(dirname "$0")/../guest-guard.sh"

RING=762 # events of 344 bytes in 256 KiB, less one byte

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
	expect guard-try events
	expect_output "$RING events"
	acts 1 flood 10.2.0.1 53 1
	expect guard-try events
	expect_output '1 events' # there is room again
	expect_equal 2001 "$(counter full send denied)" 'denials counted'
}

test_an_exemption_is_ended_by_the_kernel() {
	started exempt deny
	acts EACCES exec /bin/sh -c 'echo shell'
	expect guard-try exempt exempt exec 3
	expect_output 'exec=3 net=0'
	acts shell exec /bin/sh -c 'echo shell'
	acts ok mmap /bin/busybox
	acts EPERM sendto 10.2.0.1 53 # the other part
	guard-try events >/dev/null
	acts shell exec /bin/sh -c 'echo shell'
	expect guard-try events
	expect_output 'exec exempted shell errno=EACCES comm=act path=/bin/busybox'
	expect_equal 1 "$(counter exempt exec denied)" denied
	expect_equal 2 "$(counter exempt exec exempted)" exempted
	sleep 3
	acts EACCES exec /bin/sh -c 'echo shell' # nobody ended it
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

t_main "$@"
