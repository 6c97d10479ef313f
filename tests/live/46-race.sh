#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ten thousand containers, while somebody exchanges config.json, a mount's source, the root filesystem or a namespace all the time.
# `race` (tests/vm/bin) is the attacker, and the runtime behind, which looks at what it is given. Whatever the moment: the
# good one is passed on, or the bad one is refused; both must have come up, or nothing was shown. Then with runc.
# Alone: attacker and attacked need a processor each.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

T_LIMIT=300
RACE=/usr/local/bin/race
WEB=1000 # the attacker; the directory in which the source lies is his

# configure RUNTIME USERNS
configure() {
	printf '{ "runtimes": ["%s"], "guard": { "exec": "off", "net": "off" }, "userns": { "mode": "%s" }, "default_profile": "race" }\n' \
		"$1" "$2" >/etc/cofferdam/cofferdam.json
}

setup_file() {
	mkdir -p /etc/cofferdam/profiles.d
	ln -sfn "$(command -v runc)" /etc/cofferdam/runtime
	mkdir -p /srv/race /srv/secret /srv/race/source
	cat >/etc/cofferdam/profiles.d/race.json <<-'JSON'
		{ "cofferdam": 1, "name": "race", "extends": ["default"],
		  "mounts": { "allow": [ { "source": "/srv/race/source", "options": ["rw"] } ] } }
	JSON
}

# A bundle that passes, with marks by which `race` knows what it sees.
bundle() {
	live_bundle bundle "$@"
	cp -a "$LIVE_ROOTFS" bundle/rootfs
	touch bundle/rootfs/good
	rm -rf /srv/race /srv/secret
	mkdir -p /srv/race/source /srv/secret
	echo good >/srv/race/source/good
	echo secret >/srv/secret/good.not
	ln -s /srv/secret /srv/race/link
	chown -hR "$WEB" /srv/race
	live_edit bundle/config.json '
c["process"]["capabilities"]["ambient"] = []
c["hostname"] = "good"
c["root"]["path"] = "rootfs"
c["mounts"].append({"destination": "/mnt", "type": "bind", "source": "/srv/race/source", "options": ["rbind", "ro"]})'
}

config_races() {
	configure "$RACE" "$1"
	bundle /bin/true
	cp bundle/config.json bundle/other.json
	live_edit bundle/other.json '
c["hostname"] = "bad"
c["process"]["capabilities"]["bounding"].append("CAP_SYS_ADMIN")'
	expect "$RACE" 800 bundle bundle/config.json bundle/other.json
	expect_output ' 0 bad, 0 neither'
	expect_output '[capability.forbidden]'
}

test_config_json_is_exchanged() {
	config_races off
}

test_config_json_is_exchanged_with_a_user_namespace() {
	config_races require
}

source_races() {
	configure "$RACE" "$1"
	bundle /bin/true
	RACE_UID=$WEB expect "$RACE" 2300 bundle /srv/race/source /srv/race/link
	expect_output ' 0 bad, 0 neither'
	expect_output '[mount.'
}

test_a_source_is_exchanged() {
	source_races off
}

test_a_source_is_exchanged_with_a_user_namespace() {
	source_races require
}

rootfs_races() {
	configure "$RACE" "$1"
	bundle /bin/true
	ln -s / bundle/other
	expect "$RACE" 1300 bundle bundle/rootfs bundle/other
	expect_output ' 0 bad, 0 neither'
	expect_output '[rootfs.'
}

test_the_root_filesystem_is_exchanged() {
	rootfs_races off
}

test_the_root_filesystem_is_exchanged_with_a_user_namespace() {
	rootfs_races require
}

# Another container writes in a volume, inside of which something is mounted (CVE-2021-30465).
nested_races() {
	configure "$RACE" "$1"
	bundle /bin/true
	mkdir -p /srv/race/source/sub /srv/race/source/inner
	touch /srv/race/source/nested /srv/race/source/inner/good
	ln -s /etc /srv/race/source/link
	chown -hR "$WEB" /srv/race
	live_edit bundle/config.json '
c["mounts"].append({"destination": "/mnt/sub", "type": "bind", "source": "/srv/race/source/inner", "options": ["bind", "ro"]})'
	RACE_UID=$WEB expect "$RACE" 400 bundle /srv/race/source/sub /srv/race/source/link
	expect_output ' 0 bad, 0 neither'
	expect_output '[rootfs.destination-link]'
}

test_the_way_inside_of_a_volume_is_exchanged() {
	nested_races off
}

test_the_way_inside_of_a_volume_is_exchanged_with_a_user_namespace() {
	nested_races require
}

# As a process's number may become another's: here by a link, to the host's own.
test_a_namespace_is_exchanged() {
	configure "$RACE" off
	bundle /bin/true
	ip netns add good
	trap 'rm -f /run/netns/race /run/netns/other; ip netns delete good' EXIT
	ln -s good /run/netns/race
	ln -s /proc/1/ns/net /run/netns/other
	live_edit bundle/config.json '
for entry in c["linux"]["namespaces"]:
    if entry["type"] == "network":
        entry["path"] = "/run/netns/race"'
	expect "$RACE" 600 bundle /run/netns/race /run/netns/other
	expect_output ' 0 bad, 0 neither'
	expect_output '[namespace.host-network]'
}

# With a real runtime behind, which takes ten times as long: the container says what it sees.
real() {
	configure "$1" "$2"
	bundle /bin/sh -c '[ -e /mnt/good ] && [ -e /good ] && echo race: good || echo race: bad'
	RACE_UID=$WEB expect "$RACE" 160 bundle /srv/race/source /srv/race/link
	expect_output ' 0 bad, 0 neither'
}

test_a_source_is_exchanged_in_front_of_runc() {
	real "$(command -v runc)" off
}

test_a_source_is_exchanged_in_front_of_runc_with_a_user_namespace() {
	real "$(command -v runc)" require
}

teardown_file() {
	rm -rf /srv/race /srv/secret /etc/cofferdam/runtime /etc/cofferdam/cofferdam.json /etc/cofferdam/profiles.d
}

t_main "$@"
