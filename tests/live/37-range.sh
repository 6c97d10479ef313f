#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ranges of ids that profiles ask for: a certain one, a larger one; with runc on this machine, without the guard.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

SHIM=/usr/local/bin/cofferdam-runtime
SIZE=65536
BASE=$((1000000 + 10 * SIZE)) # not the first of the pool

# configure MODE: of user namespaces.
configure() {
	printf '{ "runtimes": ["%s"], "guard": { "exec": "off", "net": "off" }, "userns": { "mode": "%s" }, "default_profile": "ranged" }\n' \
		"$(command -v runc)" "$1" >/etc/cofferdam/cofferdam.json
}

setup_file() {
	mkdir -p /etc/cofferdam/profiles.d
	ln -sfn "$(command -v runc)" /etc/cofferdam/runtime
	configure require
}

# profile KEYS: of the profile that applies from now on.
profile() {
	printf '{ "cofferdam": 1, "name": "ranged", "extends": ["default"]%s }\n' "${1:+, $1}" \
		>/etc/cofferdam/profiles.d/ranged.json
}

# bundle DIR COMMAND...
bundle() {
	live_bundle "$@"
	live_edit "$1/config.json" 'c["process"]["capabilities"]["ambient"] = []'
}

# map ID: how its ids are mapped.
map() {
	tr -s ' ' <"/proc/$("$SHIM" state "$1" | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')/uid_map"
}

clean() {
	local id

	for id in "$@"; do
		"$SHIM" delete --force "$id" >/dev/null 2>&1 || true
	done
}

ranges() {
	ls /run/cofferdam/ranges | cut -d. -f1 | sort | xargs
}

test_a_certain_range_is_one_containers_at_a_time() {
	trap 'clean one two' EXIT
	profile "\"userns_range\": { \"base\": $BASE }"
	bundle bundle /bin/sleep 300
	expect "$SHIM" create --bundle bundle one
	expect_equal " 0 $BASE $SIZE" "$(map one)"
	expect_status 1 "$SHIM" create --bundle bundle two
	expect_output "refused two: record: userns_range of profile ranged: container one has ids of the range $BASE to $((BASE + SIZE - 1))"
	expect_equal "$BASE" "$(ranges)" 'ranges in use'
	expect "$SHIM" delete --force one
	expect "$SHIM" create --bundle bundle two
	expect_equal " 0 $BASE $SIZE" "$(map two)"
}

test_of_two_at_once_that_want_the_same_range_one_gets_it() {
	local number jobs=() created=0

	trap 'clean at1 at2 at3 at4' EXIT
	profile "\"userns_range\": { \"base\": $BASE, \"size\": $((2 * SIZE)) }"
	bundle bundle /bin/sleep 300
	for number in 1 2 3 4; do
		"$SHIM" create --bundle bundle "at$number" >"log$number" 2>&1 &
		jobs+=($!)
	done
	for number in "${jobs[@]}"; do
		! wait "$number" || created=$((created + 1))
	done
	cat log*
	expect_equal 1 "$created" 'containers created'
	expect_equal 3 "$(cat log* | grep -c 'userns_range of profile ranged: container at[1-4] has ids of the range')" 'refusals that say who has it'
	expect_equal "$BASE-$((2 * SIZE))" "$(ranges)" 'ranges in use'
}

test_a_larger_range_has_more_users_and_nobody_else_has_them() {
	trap 'clean large small' EXIT
	profile "\"userns_range\": { \"size\": $((2 * SIZE)) }"
	bundle bundle /bin/sleep 300
	cp -a "$LIVE_ROOTFS" rootfs
	chmod 0755 . rootfs
	live_edit bundle/config.json "c['process']['user'] = dict(uid=100000, gid=131071); c['root'] = dict(path='$T_DIR/rootfs', readonly=False)"
	touch rootfs/theirs && chown 100000:131071 rootfs/theirs
	expect "$SHIM" create --bundle bundle large
	expect "$SHIM" start large
	expect_equal " 0 1000000 $((2 * SIZE))" "$(map large)"
	expect "$SHIM" exec large /bin/sh -c 'id -u; id -g; stat -c %u:%g /theirs; echo new >/theirs && echo could write'
	expect_output $'100000\n131071\n100000:131071\ncould write'
	expect "$SHIM" exec --user 131071 large /bin/id -u
	expect_status 1 "$SHIM" exec --user 131072 large /bin/id -u
	expect_output '[exec.user-range]'

	profile ''
	bundle other /bin/sleep 300
	expect "$SHIM" create --bundle other small
	expect_equal " 0 $((1000000 + 2 * SIZE)) $SIZE" "$(map small)"
	expect_status 1 "$SHIM" create --bundle bundle user
	expect_output 'process.user.uid 100000: outside of the 65536-id range of its user namespace [process.user-range]'
}

test_a_range_that_cannot_be_had_says_why() {
	trap 'sed -i /^other:/d /etc/subuid' EXIT
	bundle bundle /bin/true
	profile '"userns_range": { "base": 99999 }'
	expect_status 1 "$SHIM" create --bundle bundle outside
	expect_output 'userns_range of profile ranged: the ids 99999 to 165534 are not all in what /etc/subuid and /etc/subgid give `cofferdam`'
	echo "other:$((BASE + 1)):1" >>/etc/subuid
	profile "\"userns_range\": { \"base\": $BASE }"
	expect_status 1 "$SHIM" create --bundle bundle others
	expect_output 'gives some to another owner than `cofferdam`'
	expect_equal '' "$(ranges)" 'ranges in use'
}

# Where a user namespace is only preferred, one is done without if there is no such range, but not if somebody has it.
test_a_range_that_somebody_has_is_refused_where_none_would_do() {
	trap 'clean one two; configure require' EXIT
	configure prefer
	bundle bundle /bin/sleep 300
	profile '"userns_range": { "base": 99999 }'
	expect "$SHIM" create --bundle bundle one
	expect_equal ' 0 0 4294967295' "$(map one)"
	expect grep -c 'no user namespace (userns.mode is prefer): userns_range of profile ranged: the ids 99999 to 165534' \
		/var/log/cofferdam/audit.jsonl
	clean one
	profile "\"userns_range\": { \"base\": $BASE }"
	expect "$SHIM" create --bundle bundle one
	expect_status 1 "$SHIM" create --bundle bundle two
	expect_output 'userns_range of profile ranged: container one has ids of the range'
}

test_a_pool_that_is_used_up_is_said() {
	trap 'clean first second; mv /etc/subuid.saved /etc/subuid' EXIT
	cp /etc/subuid /etc/subuid.saved
	sed -i "s/^cofferdam:.*/cofferdam:$BASE:$((2 * SIZE - 1))/" /etc/subuid
	profile ''
	bundle bundle /bin/sleep 300
	expect "$SHIM" create --bundle bundle first
	expect_status 1 "$SHIM" create --bundle bundle second
	expect_output 'refused second: record: no free range of ids for one more container: all 1 that /etc/subuid gives `cofferdam` are in use; stop containers or give it more'
	expect "$SHIM" delete --force first
	expect "$SHIM" create --bundle bundle second
}

# joined DIR ID: the bundle joins the ipc namespace of that container, which is bound where engines keep them.
joined() {
	mkdir -p /run/ipcns
	touch /run/ipcns/pod
	mount --bind "/proc/$("$SHIM" state "$2" | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')/ns/ipc" /run/ipcns/pod
	live_edit "$1/config.json" "
for n in c['linux']['namespaces']:
    if n['type'] == 'ipc': n['path'] = '/run/ipcns/pod'"
}

test_a_pod_has_one_range_and_its_first_container_says_which() {
	trap 'clean member pause; umount /run/ipcns/pod' EXIT
	profile "\"userns_range\": { \"base\": $BASE, \"size\": $((2 * SIZE)) }"
	bundle pause /bin/sleep 300
	bundle member /bin/sleep 300
	expect "$SHIM" create --bundle pause pause
	joined member pause
	expect "$SHIM" create --bundle member member # asks for the one that the pod has
	expect_equal "$(map pause)" "$(map member)"
	clean member
	profile ''
	expect "$SHIM" create --bundle member member # asks for nothing
	expect_equal "$(map pause)" "$(map member)"
	clean member
	profile "\"userns_range\": { \"size\": $((3 * SIZE)) }"
	expect_status 1 "$SHIM" create --bundle member member
	expect_output "userns_range of profile ranged: the container joins the user namespace of its pod, which has the $((2 * SIZE)) ids from $BASE on"
	profile "\"userns_range\": { \"base\": $((BASE + 1)) }"
	expect_status 1 "$SHIM" create --bundle member member
	expect_output 'the container joins the user namespace of its pod'
}

teardown_file() {
	rm -rf /etc/cofferdam/runtime /etc/cofferdam/cofferdam.json /etc/cofferdam/profiles.d/ranged.json
}

t_main "$@"
