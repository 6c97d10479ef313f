#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The guard without engines: sockets, destinations, ports. Nothing listens where it connects to: ECONNREFUSED means allowed.
# What an intruder would do, by more ways than here, is in 23-net-attacks.sh.
# shellcheck source=tests/vm/guest-guard.sh
. "$(dirname "$0")/../guest-guard.sh"

test_destinations_by_address_protocol_and_port() {
	started n1 net
	acts ECONNREFUSED tcp 10.1.0.2 443
	acts EPERM tcp 10.1.0.2 444
	acts EPERM udp 10.1.0.2 443
	acts EPERM tcp 10.2.0.1 443
	acts ECONNREFUSED tcp 10.1.0.1 443
	acts ok udp 10.1.0.1 53
	acts EPERM tcp 10.1.0.1 53
	acts ECONNREFUSED tcp fd00:1::1 443
	acts EPERM tcp fd00:2::1 443
	acts EPERM tcp 127.0.0.1 443
	acts EPERM tcp ::1 443
}

# The programs remember what they allowed, by address, protocol and port, as long as the policy is the same.
test_what_was_allowed_is_not_more_than_that() {
	local init

	started n9 net
	acts ECONNREFUSED tcp 10.1.0.2 443
	acts ECONNREFUSED tcp 10.1.0.2 443
	acts EPERM tcp 10.1.0.2 451
	acts EPERM tcp 10.2.0.2 443
	acts EPERM udp 10.1.0.2 443
	acts EPERM sendto 10.1.0.2 443
	acts ok sendto 10.1.0.1 53
	acts EPERM tcp 10.1.0.1 53
	init=$(cat /run/guard-try/n9.pid)
	kill -9 "$init"
	guest_wait 5 test ! -e "/proc/$init"
	started n9 loopback
	acts EPERM tcp 10.1.0.2 443
	acts EPERM sendto 10.1.0.1 53
}

test_datagrams_without_connect() {
	local how

	started n2 net
	for how in sendto sendmsg sendmmsg unspec; do
		acts ok "$how" 10.1.0.1 53
		acts EPERM "$how" 10.1.0.2 53
		acts EPERM "$how" 10.2.0.1 53
	done
	for how in sendto sendmsg sendmmsg; do
		acts EPERM "$how" fd00:1::1 53
		acts EPERM "$how" ::ffff:10.2.0.1 53
		acts ok "$how" ::ffff:10.1.0.1 53
	done
}

test_fast_open_to_what_is_listed() {
	sysctl -q net.ipv4.tcp_fastopen=1
	started n3 net
	acts ECONNREFUSED fastopen 10.1.0.1 443
}

test_ipv4_in_whatever_dress() {
	started n4 net
	acts ECONNREFUSED tcp ::ffff:10.1.0.1 443
	acts EPERM tcp ::ffff:10.2.0.1 443
	acts ECONNREFUSED tcp 64:ff9b::a01:2 443
	acts EPERM tcp 64:ff9b::a02:1 443
	acts ECONNREFUSED tcp 2002:a01:2::1 443
	acts EPERM tcp 2002:a02:1::1 443
}

test_zero_addresses_are_this_machine() {
	started n5 loopback
	acts ECONNREFUSED tcp 0.0.0.0 443
	acts ECONNREFUSED tcp :: 443
	acts ECONNREFUSED tcp ::ffff:0.0.0.0 443
	acts ECONNREFUSED tcp 127.1.2.3 443
	acts EPERM tcp 10.1.0.1 443
	stop_container n5
	started n6 net
	acts EPERM tcp 0.0.0.0 443
	acts EPERM tcp :: 443
	acts EPERM tcp ::ffff:0.0.0.0 443
}

test_metadata_is_not_any() {
	started n7 loose
	acts ECONNREFUSED tcp 10.2.0.1 80
	acts EPERM tcp 169.254.169.254 80
	acts EPERM tcp 64:ff9b::a9fe:a9fe 80
}

test_resolvers_of_resolv_conf() {
	started n8 dns
	acts ok udp 10.3.0.1 53
	acts ok sendto 10.3.0.1 53
	acts ECONNREFUSED tcp 10.3.0.1 53
	acts EPERM udp 10.3.0.1 54
	acts EPERM udp 10.2.0.1 53
}

test_ports_to_listen_on() {
	started n9 net
	acts ok bind tcp 0.0.0.0 8005
	acts EACCES bind tcp 0.0.0.0 8011
	acts ok bind tcp 0.0.0.0 0
	acts ok bind udp 0.0.0.0 53
	acts EACCES bind udp 0.0.0.0 8005
	acts EACCES bind udp :: 54
	acts ok listen 0.0.0.0 8005
	acts EACCES listen 0.0.0.0 0
}

# A client at an address that is not listed asks; the server answers from udp/53, which it may listen on.
test_a_udp_server_answers_its_clients_and_nobody_else() {
	local peers
	peers=$(ls /sys/fs/bpf/cofferdam/*/peers)

	started n16 net
	guard-try enter n16 n16 "$ACT" udp-serve 53 10.2.0.1 >"$T_DIR/answers" &
	guest_wait 10 udp_listens 53
	expect guard-act udp-ask 10.2.0.1 4000 10.1.0.1 53
	expect_output answered
	wait $!
	expect cat "$T_DIR/answers"
	expect_equal 'before EPERM, answer ok, again ok, connected ok, other port EPERM, other address EPERM, other socket EPERM' \
		"$T_OUTPUT"
	expect_equal 1 "$(bpftool map dump pinned "$peers" | grep -c '^key\|"key"')" peers
	acts EPERM sendto 10.2.0.1 4000
	acts ok udp-again 53 10.2.0.1 4000
	forget_when "$peers"
	acts EPERM udp-again 53 10.2.0.1 4000 # two minutes later
}

udp_listens() {
	ss -Hlun "sport = :$1" | grep -q .
}

# forget_when MAP: as if its one peer had sent 292 years ago (2^63 ns; at boot may be less than two minutes ago).
forget_when() {
	local key
	key=$(bpftool -j map dump pinned "$1" | sed -n 's/.*"key":\[\([^]]*\)\].*/\1/p' | tr -d '"' | tr ',' ' ')

	bpftool map update pinned "$1" key $key value 0 0 0 0 0 0 0 0x80
}

test_a_udp_server_by_ipv6_answers_ipv4() {
	started n17 net
	guard-try enter n17 n17 "$ACT" udp-serve6 53 ::ffff:10.2.0.1 >"$T_DIR/answers" &
	guest_wait 10 udp_listens 53
	expect guard-act udp-ask 10.2.0.1 4001 10.1.0.1 53
	expect_output answered
	wait $!
	expect cat "$T_DIR/answers"
	expect_output 'before EPERM, answer ok, again ok, connected ok, other port EPERM, other address EPERM, other socket EPERM'
}

test_answers_are_not_recorded_as_destinations() {
	profile recorded '"mode": "record", "exec": {"shells": "allow", "image_only": false}'
	started n20 recorded
	guard-try enter n20 n20 "$ACT" udp-serve 53 10.2.0.1 >"$T_DIR/answers" &
	guest_wait 10 udp_listens 53
	expect guard-act udp-ask 10.2.0.1 4003 10.1.0.1 53
	wait $!
	bpftool map dump pinned /sys/fs/bpf/cofferdam/*/records >"$T_DIR/records"
	expect_equal 1 "$(grep -c '"port": 4003' "$T_DIR/records")" 'uses of where somebody asked from' # by the other socket
	expect_equal '"count": 1,' "$(grep -A 40 '"port": 4003' "$T_DIR/records" | grep -m 1 -o '"count": .*')"
}

# With a control message a connected socket passes the hook of sendmsg, without an address.
test_a_connected_socket_sends_with_control_messages() {
	started n19 net
	acts ok udp-control 10.1.0.1 53
	acts ok udp-control ::ffff:10.1.0.1 53
	acts EPERM udp-control 10.2.0.1 53
	acts EINVAL sendto 10.2.0.1 0 # no way around
}

# In a namespace of its own a process can have the address of anybody, and pretend that it sends.
test_a_peer_of_another_network_namespace_may_not_be_answered() {
	started n18 net
	guard-try enter n18 n18 "$ACT" udp-pretend 53 10.2.0.1 10.1.0.1 >"$T_DIR/answers"
	expect cat "$T_DIR/answers"
	expect_output 'there ok, here EPERM'
}

test_kinds_of_sockets() {
	started n10 loose
	acts ok socket 1 1 0      # unix
	acts ok socket 2 1 6      # tcp
	acts ok socket 16 3 0     # routing netlink
	acts EPROTONOSUPPORT socket 16 3 16 # generic netlink
	acts EPERM socket 2 3 1  # raw icmp
	acts EPERM socket 17 3 0 # packet
	acts EPROTONOSUPPORT socket 2 1 132 # sctp
	acts EPROTONOSUPPORT socket 2 1 262 # mptcp
	acts EPROTONOSUPPORT socket 2 2 136 # udplite
	acts EAFNOSUPPORT socket 38 5 0 # alg
	acts EAFNOSUPPORT socket 40 1 0 # vsock
	guard-try events >/dev/null
	acts EAFNOSUPPORT socket 33 2 2 # rxrpc, which no kernel here has: the event tells that it was the guard
	expect guard-try events
	expect_output 'create denied socket-family errno=EAFNOSUPPORT comm=act path= family=33'
}

test_echo_sockets_only_where_every_destination_is_allowed() {
	sysctl -q net.ipv4.ping_group_range='0 1000'
	started n14 loose
	acts ok socket 2 2 1
	acts ok socket 10 2 58
	stop_container n14
	started n15 net
	acts EACCES socket 2 2 1
	acts EACCES socket 10 2 58
}

t_main "$@"
