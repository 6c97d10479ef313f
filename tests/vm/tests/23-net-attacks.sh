#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an intruder tries in order to reach, by network, what the profile does not name, or to be reached. Everything that
# is tried is there: the container shares a network namespace with `attack serve`, which is outside of the container.
# shellcheck source=tests/vm/attacks.sh
. "$(dirname "$0")/../attacks.sh"

T_LIMIT=400
NET_PROFILE='"exec": {"shells": "allow", "image_only": false}, "net": {"listen": ["tcp/8000", "udp/8000"], "connect":
	["cluster", {"to": "64:ff9b::/96"}, {"to": "2002::/16"}, {"to": "0.0.0.0/8"}, {"to": "::"}]}'
NET_ADDRESSES='10.1.0.1/32 203.0.113.1/32 169.254.169.254/32 fd00:1::1/128 2001:db8:2::1/128 fd00:ec2::254/128
	64:ff9b::cb00:7101/128 2002:cb00:7101::1/128'

setup_file() {
	local address

	attack_image
	ip netns add attacks
	ip -n attacks link set lo up
	for address in $NET_ADDRESSES; do
		ip -n attacks address add "$address" dev lo nodad
	done
	sysctl -q net.ipv4.conf.all.accept_source_route=1 net.ipv4.conf.all.accept_local=1 # new namespaces have the same
	modprobe -a sctp vsock_loopback algif_hash
	serve_in host attack serve
	serve_in attacks ip netns exec attacks attack serve
}

# serve_in NAME COMMAND...: returns when it listens; it ends with the file's tests.
serve_in() {
	local name=$1
	shift

	"$@" >"$T_TMP/serve-$name" 2>&1 &
	echo $! >>"$T_TMP/servers"
	guest_wait 10 grep -q ready "$T_TMP/serve-$name" || cat "$T_TMP/serve-$name"
}

test_attacks_succeed_without_the_guard_and_are_stopped_by_it() {
	export ATTACK_NETNS=/run/netns/attacks ATTACK_LACKS=''

	modprobe dccp_ipv4 || [[ $(uname -r) != 7.* ]] || ATTACK_LACKS=dccp # no longer in Linux 7
	attack_compare net "$NET_PROFILE"
}

test_abstract_sockets_of_the_host() {
	export ATTACK_NETNS=/proc/1/ns/net

	attack_compare hostnet "$NET_PROFILE"
}

teardown_file() {
	kill $(cat "$T_TMP/servers")
	cat "$T_TMP"/serve-*
	ip netns delete attacks
	attack_tables
}

t_main "$@"
