#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the rules judged is what the runtime gets, with a user namespace of ours and without one: sources, the root filesystem
# and namespaces are bound in the stage, and config.json names nothing else. That it cannot be raced: 46-race.sh.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

T_LIMIT=120
SHIM=/usr/local/bin/cofferdam-runtime

# configure USERNS [PROFILE_MEMBERS]: what the containers have; the profile also allows /srv/pinned.
configure() {
	printf '{ "runtimes": ["%s"], "guard": { "exec": "off", "net": "off" }, "userns": { "mode": "%s" }, "default_profile": "pinned" }\n' \
		"$(command -v runc)" "$1" >/etc/cofferdam/cofferdam.json
	printf '{ "cofferdam": 1, "name": "pinned", "extends": ["default"], %s
		"mounts": { "allow": [ { "source": "/srv/pinned", "options": ["rw"] } ] } }\n' "${2:-}" \
		>/etc/cofferdam/profiles.d/pinned.json
}

setup_file() {
	mkdir -p /etc/cofferdam/profiles.d /srv/pinned
	ln -sfn "$(command -v runc)" /etc/cofferdam/runtime
	mount -t tmpfs -o mode=777 tmpfs /srv/pinned
	mount --make-shared /srv/pinned
	mkdir -m 777 /srv/pinned/inside /srv/pinned/later
	mount -t tmpfs -o mode=777 tmpfs /srv/pinned/inside
	echo file >/srv/pinned/file
}

bundle() {
	live_bundle bundle "$@"
	live_edit bundle/config.json 'c["process"]["capabilities"]["ambient"] = []'
}

# add DESTINATION SOURCE OPTION...
add() {
	live_edit bundle/config.json "c['mounts'].append(dict(zip(('destination', 'source'), '''$*'''.split()), type='bind',
		options='''$*'''.split()[2:]))"
}

clean() {
	"$SHIM" delete --force pinned >/dev/null 2>&1 || true
}

pid_of() {
	"$SHIM" state pinned | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])'
}

# python reads a program from standard input, which a check does not leave to it.
expect_python() {
	cat >check.py
	expect python3 check.py
}

joins_and_binds() {
	local before pid

	configure "$1"
	bundle /bin/sleep 300
	ip netns add pinned
	trap 'clean; ip netns delete pinned' EXIT
	add /mnt /srv/pinned rbind ro
	add /file /srv/pinned/file bind
	live_edit bundle/config.json '
for entry in c["linux"]["namespaces"]:
    if entry["type"] == "network":
        entry["path"] = "/run/netns/pinned"'
	before=$(sort /proc/self/mountinfo)
	expect "$SHIM" create --bundle bundle pinned
	expect_python <<-'PYTHON'
		import glob, json
		[path] = glob.glob("/run/cofferdam/containers/pinned@*/bundle/config.json")
		c = json.load(open(path))
		binds = [m["source"] for m in c["mounts"] if {"bind", "rbind"} & set(m.get("options", []))]
		paths = [n["path"] for n in c["linux"]["namespaces"] if "path" in n]
		assert len(binds) >= 2 and len(paths) == 1, (binds, paths)
		for path in binds + paths + [c["root"]["path"]]:
		    assert path.startswith("/run/cofferdam/stage/"), path
	PYTHON
	pid=$(pid_of)
	expect_equal "$(stat -L -c %i /run/netns/pinned)" "$(stat -L -c %i "/proc/$pid/ns/net")" 'the network namespace'
	expect cat "/proc/$pid/root/file"
	expect_output file
	expect_equal "$before" "$(sort /proc/self/mountinfo)" 'mounts of the host'
}

test_sources_and_namespaces_are_bound_in_the_stage() {
	joins_and_binds off
}

test_sources_and_namespaces_are_bound_in_the_stage_with_a_user_namespace() {
	joins_and_binds require
}

# `ro` of rbind is the runtime's for the top only.
read_only() {
	configure "$1"
	bundle /bin/sh -c 'for place in /ro /ro/inside /rw /rw/inside; do
		touch "$place/'"$1"'" 2>/dev/null && echo "$place writable" || echo "$place read-only"; done'
	add /ro /srv/pinned rbind ro
	add /rw /srv/pinned rbind rw
	expect "$SHIM" run --bundle bundle pinned
	expect_equal '/ro read-only,/ro/inside read-only,/rw writable,/rw/inside writable' "$(tr '\n' , <<<"$T_OUTPUT" | sed 's/,$//')"
}

test_read_only_means_the_mounts_inside_too() {
	read_only off
}

test_read_only_means_the_mounts_inside_too_with_a_user_namespace() {
	read_only require
}

# What is mounted on the host later comes in where that is asked for.
propagates() {
	local pid

	configure "$1"
	bundle /bin/sleep 300
	add /slave /srv/pinned rbind rslave
	add /private /srv/pinned rbind rprivate
	trap 'clean; umount /srv/pinned/later' EXIT
	expect "$SHIM" create --bundle bundle pinned
	pid=$(pid_of)
	mount -t tmpfs tmpfs /srv/pinned/later
	expect grep ' /slave/later ' "/proc/$pid/mountinfo"
	refute grep ' /private/later ' "/proc/$pid/mountinfo"
}

test_mounts_of_the_host_propagate_into_it() {
	propagates off
}

test_mounts_of_the_host_propagate_into_it_with_a_user_namespace() {
	propagates require
}

# Excepted, as a storage driver needs it: what is mounted in the container appears on the host.
test_mounts_propagate_to_the_host_where_that_is_excepted() {
	local pid

	configure off '"exceptions": [
		{ "rule": "mount.option-shared", "subject": "rshared", "reason": "T-1", "expires": "2099-01-01" },
		{ "rule": "rootfs.propagation", "subject": "rshared", "reason": "T-1", "expires": "2099-01-01" } ],'
	bundle /bin/sleep 300
	add /mnt /srv/pinned rbind rshared
	live_edit bundle/config.json 'c["linux"]["rootfsPropagation"] = "rshared"'
	trap 'clean; umount /srv/pinned/later' EXIT
	expect "$SHIM" create --bundle bundle pinned
	pid=$(pid_of)
	expect nsenter --target "$pid" --mount mount -t tmpfs tmpfs /mnt/later
	expect mountpoint /srv/pinned/later
}

# The shim of a container in the foreground stays; nothing that it looked at may.
test_a_container_in_the_foreground_holds_nothing_on_the_host() {
	configure off
	bundle /bin/sleep 300
	mkdir -p /srv/pinned/later
	mount -t tmpfs tmpfs /srv/pinned/later
	add /mnt /srv/pinned/later bind
	"$SHIM" run --bundle bundle pinned >/dev/null 2>&1 &
	trap 'clean; umount -q /srv/pinned/later' EXIT
	until "$SHIM" state pinned 2>/dev/null | grep -q '"running"'; do
		sleep 0.1
	done
	expect umount /srv/pinned/later
}

# A mount inside of another one's source: as the runtime would have it, but put there beforehand.
nests() {
	configure "$1"
	bundle /bin/sh -c 'cat /data/old/file /data/new/deep/file; cat /data/one; ls /data/old
		touch /data/x 2>/dev/null && echo outer writable; touch /data/old/x 2>/dev/null && echo inner writable
		grep -o " /data/old [^ ]*" /proc/self/mountinfo; grep -c " /data" /proc/self/mountinfo'
	rm -rf /srv/pinned/outer /srv/pinned/inner
	mkdir -m 777 /srv/pinned/outer /srv/pinned/outer/old /srv/pinned/inner
	echo hidden >/srv/pinned/outer/old/hidden
	echo nested >/srv/pinned/inner/file
	add /data /srv/pinned/outer bind rw
	add /data/old /srv/pinned/inner rbind ro nosuid noexec nodev
	add /data/new/deep /srv/pinned/inner bind
	add /data/one /srv/pinned/file bind
	expect "$SHIM" run --bundle bundle pinned
	expect_equal 'nested,nested,file,file,outer writable, /data/old ro,nosuid,nodev,noexec,4' "$(tr '\n' , <<<"$T_OUTPUT" | sed 's/,relatime//; s/,$//')"
	expect test -d /srv/pinned/outer/new/deep
	expect test -f /srv/pinned/outer/one
	live_edit bundle/config.json 'c["mounts"][-1]["options"].append("rslave")'
	expect_status 1 "$SHIM" run --bundle bundle pinned
	expect_output 'the option rslave cannot be given to a mount inside'
}

test_a_mount_inside_of_another() {
	nests off
}

test_a_mount_inside_of_another_with_a_user_namespace() {
	nests require
}

# What no rule can resolve passes where the profile only warns: it is opened once, or not at all.
test_what_only_warns_is_bound_too() {
	configure off '"mode": "warn",'
	bundle /bin/cat /mnt/file
	mkdir bundle/data
	echo relative >bundle/data/file
	add /mnt data bind
	expect "$SHIM" run --bundle bundle pinned
	expect_output relative
	add /absent /srv/absent bind
	expect_status 1 "$SHIM" run --bundle bundle pinned
	expect_output 'refused pinned: files: mounts[8] (/absent): cannot open /srv/absent'
}

teardown_file() {
	umount /srv/pinned/inside /srv/pinned
	rm -rf /srv/pinned /etc/cofferdam/runtime /etc/cofferdam/cofferdam.json /etc/cofferdam/profiles.d
}

t_main "$@"
