#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What needs the host's user namespace: it is refused with the way to exempt it, and passes where the profile does that.
# With runc on this machine, without the guard.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

SHIM=/usr/local/bin/cofferdam-runtime
HOST='"userns": "host", "userns_reason": "OPS-91"'
ADVICE='needs the host user namespace: exempt it explicitly, by "userns": "host" with a "userns_reason" in profile hosts'

setup_file() {
	mkdir -p /etc/cofferdam/profiles.d
	live_configure runc hosts
}

clean() {
	local id

	for id in "$@"; do
		"$SHIM" delete --force "$id" >/dev/null 2>&1 || true
	done
}

# profile KEYS...: of the profile that applies from now on.
profile() {
	local IFS=,

	printf '{ "cofferdam": 1, "name": "hosts", "extends": ["default"], %s }\n' "$*" >/etc/cofferdam/profiles.d/hosts.json
	expect cofferdam profile lint /etc/cofferdam/profiles.d/hosts.json
}

# exception RULE SUBJECT: the key that lets it pass.
exception() {
	printf '"exceptions": [{ "rule": "%s", "subject": "%s", "reason": "OPS-91", "expires": "2100-01-01" }]' "$1" "$2"
}

# bundle DIR CODE COMMAND...
bundle() {
	local dir=$1 code=$2
	shift 2

	live_bundle "$dir" "$@"
	live_edit "$dir/config.json" "c['process']['capabilities']['ambient'] = []
$code"
}

# in_hosts_userns ID: it runs there, and status says so.
in_hosts_userns() {
	local pid

	pid=$("$SHIM" state "$1" | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')
	expect_equal ' 0 0 4294967295' "$(tr -s ' ' <"/proc/$pid/uid_map")" 'its ids'
	expect cofferdam status "$1"
	expect_output "ids       no range of cofferdam's"
	expect_equal '' "$(ls /run/cofferdam/ranges)" 'ranges in use'
}

# shares TYPE: the host's namespace of that kind, as the configuration has none.
shares() {
	bundle "$1" "c['linux']['namespaces'] = [n for n in c['linux']['namespaces'] if n['type'] != '$1']" /bin/sleep 300
	profile '"userns": "force"'
	expect_status 1 "$SHIM" create --bundle "$1" "shares-$1"
	expect_output "refused shares-$1 (unknown image, profile hosts): 1 finding"
	expect_output "linux.namespaces $1: not asked for, so it would be the host's, and that needs the host user namespace too (\"userns\": \"host\" with a \"userns_reason\" in profile hosts) [namespace.host-$1]"

	profile "$(exception "namespace.host-$1" "$1")"
	expect_status 1 "$SHIM" create --bundle "$1" "shares-$1"
	expect_output "the host's $1 namespace $ADVICE [namespace.userns-conflict]"

	profile "$HOST" # the namespace is judged as before
	expect_status 1 "$SHIM" create --bundle "$1" "shares-$1"
	expect_output "linux.namespaces $1: not asked for, so it would be the host's [namespace.host-$1]"

	profile "$HOST" "$(exception "namespace.host-$1" "$1")"
	expect "$SHIM" create --bundle "$1" "shares-$1"
	in_hosts_userns "shares-$1"
	expect "$SHIM" delete --force "shares-$1"
}

test_a_hosts_namespace() {
	trap 'clean shares-network shares-pid shares-ipc' EXIT
	shares network
	shares pid
	shares ipc
}

test_net_admin_on_the_engines_network() {
	trap 'clean admin; umount /run/netns/engine' EXIT
	mkdir -p /run/netns
	touch /run/netns/engine
	unshare --net=/run/netns/engine true
	bundle bundle "
for n in c['linux']['namespaces']:
    if n['type'] == 'network': n['path'] = '/run/netns/engine'
for name in 'bounding', 'effective', 'permitted':
    c['process']['capabilities'][name] = ['CAP_NET_ADMIN']" /bin/sh -c 'ip link set lo mtu 1500 && sleep 300'
	profile '"capabilities": ["NET_ADMIN"]'
	expect_status 1 "$SHIM" create --bundle bundle admin
	expect_output "process.capabilities.bounding[0] CAP_NET_ADMIN: on the engine's network it $ADVICE [capability.net-admin-userns]"
	profile '"capabilities": ["NET_ADMIN"]' "$HOST"
	expect "$SHIM" create --bundle bundle admin
	in_hosts_userns admin
}

test_what_a_privileged_container_has() {
	trap 'clean privileged' EXIT
	bundle bundle "c['process']['capabilities']['bounding'] = ['CAP_SYS_TIME']" /bin/sleep 300
	profile "$(exception capability.forbidden CAP_SYS_TIME)"
	expect_status 1 "$SHIM" create --bundle bundle privileged
	expect_output "process.capabilities.bounding[0] CAP_SYS_TIME: a privileged container $ADVICE [capability.userns-conflict]"
	profile "$HOST" "$(exception capability.forbidden CAP_SYS_TIME)"
	expect "$SHIM" create --bundle bundle privileged
	in_hosts_userns privileged
}

teardown_file() {
	rm -rf /etc/cofferdam/runtime /etc/cofferdam/cofferdam.json /etc/cofferdam/profiles.d/hosts.json
}

t_main "$@"
