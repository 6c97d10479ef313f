#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The guard without engines: sockets, destinations, ports. Nothing listens where it connects to: ECONNREFUSED means allowed.
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
	acts EPERM reconnect 10.1.0.1 53 10.2.0.1
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

test_fast_open() {
	sysctl -q net.ipv4.tcp_fastopen=1
	started n3 net
	acts EPERM fastopen 10.2.0.1 443
	acts EPERM fastopen fd00:2::1 443
	acts ECONNREFUSED fastopen 10.1.0.1 443
}

test_source_routes() {
	started n12 net
	expect guard-act source-route 10.1.0.1 53 10.2.0.1 # works outside of the container
	expect_output ok
	acts EPERM source-route 10.1.0.1 53 10.2.0.1
	expect guard-act source-route fd00:1::1 53 fd00:2::1
	expect_output ok
	stop_container n12
	started n13 loose
	acts EPERM source-route fd00:1::1 53 fd00:2::1
	acts ok sendto fd00:1::1 53
	expect guard-try events
	expect_output 'send denied source-route errno=EPERM comm= path= family=10'
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

test_kinds_of_sockets() {
	started n10 loose
	acts ok socket 1 1 0      # unix
	acts ok socket 2 1 6      # tcp
	acts ok socket 16 3 0     # routing netlink
	acts EACCES socket 16 3 16 # generic netlink
	acts EACCES socket 2 3 1  # raw icmp
	acts EACCES socket 17 3 0 # packet
	acts EACCES socket 2 1 132 # sctp
	acts EACCES socket 2 1 262 # mptcp
	acts EACCES socket 2 2 136 # udplite
	acts EACCES socket 38 5 0 # alg
	acts EACCES socket 40 1 0 # vsock
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

test_abstract_sockets_of_the_host() {
	started n11 loose
	acts EPERM abstract hidden
	expect guard-act abstract hidden
	expect_output ECONNREFUSED
}

t_main "$@"
