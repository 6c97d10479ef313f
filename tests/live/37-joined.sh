#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Networks and names of containers: namespaces that an engine made belong to the host's user namespace, so root in the
# container has no rights in them; those that the runtime makes belong to the container's.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

T_LIMIT=120
SHIM=/usr/local/bin/cofferdam-runtime
AUDIT=/var/log/cofferdam/audit.jsonl
RAW='CAP_NET_RAW does nothing here: the network is the engine'

setup_file() {
	mkdir -p /etc/cofferdam/profiles.d /sys/fs/cgroup/callers "${AUDIT%/*}"
	[ -d "$LIVE_ROOTFS" ] || live_bundle /run/first /bin/true
	cp /usr/local/bin/tenant "$LIVE_ROOTFS/bin/tenant"
	printf '{ "cofferdam": 1, "name": "raw", "extends": ["default"], "capabilities": ["NET_RAW", "NET_BIND_SERVICE"],
		"sysctls": { "allow": ["fs.mqueue.msg_max"] } }\n' \
		>/etc/cofferdam/profiles.d/raw.json
}

# bundle CAPABILITIES COMMAND...: with that bounding set, a Python list.
bundle() {
	local capabilities=$1
	shift

	rm -f bundle/config.json
	live_bundle bundle "$@"
	live_edit bundle/config.json "
c['process']['capabilities'] = {name: $capabilities for name in ('bounding', 'effective', 'permitted')}"
}

# namespace TYPE PATH
namespace() {
	live_edit bundle/config.json "
for entry in c['linux']['namespaces']:
    if entry['type'] == '$1': entry['path'] = '$2'"
}

# run: crun cannot load its device filter here; without a cgroup manager it shares its caller's cgroup.
run() {
	local option=''

	case $(readlink /etc/cofferdam/runtime) in *crun) option=--cgroup-manager=disabled ;; esac
	# shellcheck disable=SC2086
	(echo "$BASHPID" >/sys/fs/cgroup/callers/cgroup.procs; exec "$SHIM" $option run --bundle bundle joined)
}

# lines: what it wrote, in one line.
lines() {
	tr '\n' ' ' <<<"$T_OUTPUT" | sed 's/ $//'
}

with_network() {
	trap 'ip netns delete joined' EXIT
	ip netns add joined
}

in_network() {
	ip netns exec joined "$@"
}

BOTH="['CAP_NET_RAW', 'CAP_NET_BIND_SERVICE']"

test_an_engines_network_has_ping_and_low_ports_and_says_why_nothing_is_raw() {
	local runtime ports groups

	ports=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)
	groups=$(cat /proc/sys/net/ipv4/ping_group_range)
	with_network
	for runtime in crun runc; do
		live_configure "$runtime" raw
		bundle "$BOTH" /bin/tenant sockets
		namespace network /run/netns/joined
		: >"$AUDIT"
		expect run
		expect_equal 'echo ok echo6 ok raw EPERM packet EPERM mark EPERM port ok' "$(lines)" "behind $runtime"
		expect grep -c "$RAW" "$AUDIT"
	done
	expect_equal "$ports $groups" \
		"$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start) $(cat /proc/sys/net/ipv4/ping_group_range)" "the host's"
}

# The profile takes CAP_NET_RAW, so nobody expects raw sockets: nothing is told.
test_ping_stays_where_the_profile_takes_raw_sockets() {
	with_network
	live_configure runc
	bundle "$BOTH" /bin/tenant sockets
	namespace network /run/netns/joined
	: >"$AUDIT"
	expect run
	expect_equal 'echo ok echo6 ok raw EPERM packet EPERM mark EPERM port ok' "$(lines)"
	refute grep "$RAW" "$AUDIT"
}

test_who_was_not_to_ping_or_to_listen_below_1024_does_not() {
	with_network
	live_configure runc
	bundle '[]' /bin/tenant sockets
	namespace network /run/netns/joined
	expect run
	expect_equal 'echo EACCES echo6 EACCES raw EPERM packet EPERM mark EPERM port EACCES' "$(lines)"
}

# Containers with other ranges may be there already, or have been.
test_groups_of_others_in_the_same_network_may_still_ping() {
	with_network
	live_configure runc
	in_network sh -c 'echo 7000000 7000001 >/proc/sys/net/ipv4/ping_group_range'
	bundle "$BOTH" /bin/tenant sockets
	namespace network /run/netns/joined
	expect run
	expect_output 'echo ok'
	expect_equal '1000000 7000001' "$(in_network cat /proc/sys/net/ipv4/ping_group_range | tr '\t' ' ')"
	# What the engine asks for by name is what it gets.
	live_edit bundle/config.json "c['linux']['sysctl'] = {'net.ipv4.ping_group_range': '1 0', 'net.ipv4.ip_unprivileged_port_start': '81'}"
	expect run
	expect_output 'echo EACCES'
	expect_output 'port EACCES'
}

test_a_network_of_its_own_has_all_of_it() {
	local runtime

	for runtime in crun runc; do
		live_configure "$runtime" raw
		bundle "$BOTH" /bin/tenant sockets
		: >"$AUDIT"
		expect run
		expect_equal 'echo ok echo6 ok raw ok packet ok mark ok port ok' "$(lines)" "behind $runtime"
		refute grep "$RAW" "$AUDIT"
		live_configure "$runtime"
		expect run
		expect_equal 'echo ok echo6 ok raw EPERM packet EPERM mark EPERM port ok' "$(lines)" "behind $runtime, without CAP_NET_RAW"
	done
}

test_sysctls_of_an_ipc_namespace_of_the_hosts_are_set_from_there() {
	local before

	before=$(cat /proc/sys/kernel/shm_rmid_forced /proc/sys/fs/mqueue/msg_max)
	mkdir -p /run/ipcns
	touch /run/ipcns/joined
	unshare --ipc=/run/ipcns/joined true
	trap 'umount /run/ipcns/joined' EXIT
	live_configure runc raw
	bundle '[]' /bin/cat /proc/sys/kernel/shm_rmid_forced /proc/sys/fs/mqueue/msg_max
	namespace ipc /run/ipcns/joined
	live_edit bundle/config.json "c['linux']['sysctl'] = {'kernel.shm_rmid_forced': '1', 'fs.mqueue.msg_max': '33'}"
	expect run
	expect_equal $'1\n33' "$T_OUTPUT"
	expect_equal "$before" "$(cat /proc/sys/kernel/shm_rmid_forced /proc/sys/fs/mqueue/msg_max)" "the host's"
}

# CRI-O's containers join a namespace of the host's for their name, and say the name.
test_a_name_in_a_namespace_of_the_hosts_is_set_from_there() {
	local runtime host

	host=$(uname -n)
	touch uts
	unshare --uts="$PWD/uts" hostname before
	mkdir -p /run/utsns
	touch /run/utsns/joined
	mount --bind uts /run/utsns/joined
	trap 'umount /run/utsns/joined "$T_DIR/uts"' EXIT
	for runtime in crun runc; do
		live_configure "$runtime"
		bundle '[]' /bin/hostname
		namespace uts /run/utsns/joined
		live_edit bundle/config.json "c['hostname'] = 'web-$runtime'"
		expect run
		expect_equal "web-$runtime" "$T_OUTPUT"
		live_edit bundle/config.json "c['hostname'] = '$(printf '%065d' 0)'"
		refute run
		expect_output 'cannot set the hostname'
	done
	expect_equal "$host" "$(uname -n)" "the host's name"
}

test_the_names_of_the_host_are_not_set() {
	live_configure runc
	printf '{ "cofferdam": 1, "name": "host", "extends": ["default"], "exceptions": [ { "rule": "namespace.host-uts", "subject": "uts",
		"reason": "test", "expires": "2999-01-01" } ] }\n' >/etc/cofferdam/profiles.d/host.json
	live_configure runc host
	bundle '[]' /bin/hostname
	live_edit bundle/config.json "
c['linux']['namespaces'] = [n for n in c['linux']['namespaces'] if n['type'] != 'uts']
c['hostname'] = 'stolen'"
	refute run
	expect_output 'hostname is of a namespace that the container shares with the host'
}

t_main "$@"
