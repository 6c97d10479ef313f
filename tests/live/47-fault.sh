#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every system call of a create fails once, or is the last one of its process: a refusal that says why, or a container like
# any other; and nothing is left. fault.py says how; FAULTS=all tries each call, of which the default takes some.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

T_LIMIT=${FAULTS_LIMIT:-900}
HERE=$(realpath "$(dirname "$0")")
STORE=/run/store # podman's
ID=$(printf '%064d' 7)
IMAGE=$(printf '%064d' 8)
LAYER=$(printf '%064d' 9)
BUNDLE=$STORE/overlay-containers/$ID/userdata

setup_file() {
	mkdir -p /etc/cofferdam/profiles.d /run/behind/given /run/behind/state /srv/fault/host
	chmod 0775 /srv/fault # so that lists of access are looked for
	ln -sfn host /srv/fault/link
	printf '{ "runtimes": ["/usr/local/bin/behind"], "guard": { "exec": "off", "net": "off" } }\n' >/etc/cofferdam/cofferdam.json
	ln -sfn /usr/local/bin/behind /etc/cofferdam/runtime
	cat >/etc/cofferdam/profiles.d/fault.json <<-'JSON'
		{ "cofferdam": 1, "name": "fault", "extends": ["default"], "match": [ { "image": "localhost/fault:latest" } ],
		  "devices": { "allow": ["/dev/fuse"] }, "capabilities": ["CHOWN", "NET_BIND_SERVICE"],
		  "mounts": { "allow": [ { "source": "/srv/fault/link", "options": ["rw", "idmap"] },
		                         { "source": "/srv/fault/above" }, { "source": "/srv/fault/name" } ] } }
	JSON
	records
}

# What podman knows of its containers.
records() {
	mkdir -p "$BUNDLE" "$STORE/overlay-images" "$STORE/volumes/data/_data"
	printf '[{ "id": "%s", "layer": "%s", "image": "%s", "metadata": "{\\"image-name\\":\\"localhost/fault:latest\\",\\"name\\":\\"victim\\"}" }]\n' \
		"$ID" "$LAYER" "$IMAGE" >"$STORE/overlay-containers/containers.json"
	printf '[{ "id": "%s", "names": ["localhost/fault:latest"] }]\n' "$IMAGE" >"$STORE/overlay-images/images.json"
}

# A directory is its root filesystem; it has a file of the engine's, a volume, a directory of the host's, a device, a tmpfs.
directory() {
	rm -f "$BUNDLE/config.json"
	live_bundle "$BUNDLE" /bin/true
	echo 'nameserver 192.0.2.1' >"$BUNDLE/resolv.conf"
	live_edit "$BUNDLE/config.json" "
c['process']['capabilities']['ambient'] = []
c['mounts'] += [
    {'destination': '/etc/resolv.conf', 'type': 'bind', 'source': '$BUNDLE/resolv.conf', 'options': ['bind', 'ro']},
    {'destination': '/data', 'type': 'bind', 'source': '$STORE/volumes/data/_data', 'options': ['rbind', 'rw']},
    {'destination': '/host', 'type': 'bind', 'source': '/srv/fault/host', 'options': ['rbind', 'ro']},
    {'destination': '/tmp', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['nosuid', 'nodev', 'size=64k']}]
c['linux']['devices'] = [{'path': '/dev/fuse', 'type': 'c', 'major': 10, 'minor': 229, 'fileMode': 0o660, 'uid': 0, 'gid': 5}]"
}

# The same over three layers and an upper one, as podman mounts them, on a network that the engine has made.
overlay() {
	local layer

	directory
	rm -rf "$STORE/overlay"
	for layer in 1 2 3; do
		mkdir -p "$STORE/overlay/$layer/diff/layer$layer" "$STORE/overlay/l"
		ln -sfn "../$layer/diff" "$STORE/overlay/l/$layer"
	done
	cp -a "$LIVE_ROOTFS/." "$STORE/overlay/3/diff"
	mkdir -p "$STORE/overlay/$LAYER"/{diff,work,merged}
	(cd "$STORE/overlay" && mount -t overlay overlay \
		-o "lowerdir=l/1:l/2:l/3,upperdir=$STORE/overlay/$LAYER/diff,workdir=$STORE/overlay/$LAYER/work,metacopy=on,volatile" "$LAYER/merged")
	ip netns add fault
	live_edit "$BUNDLE/config.json" "
c['root'] = {'path': '$STORE/overlay/$LAYER/merged', 'readonly': False}
c['process']['capabilities']['bounding'] = ['CAP_CHOWN', 'CAP_NET_BIND_SERVICE']
c['linux']['sysctl'] = {'net.ipv4.ping_group_range': '0 0'}
for entry in c['linux']['namespaces']:
    if entry['type'] == 'network':
        entry['path'] = '/run/netns/fault'"
}

unmount_overlay() {
	umount "$STORE/overlay/$LAYER/merged"
	ip netns delete fault
}

test_calls_of_a_create_fail() {
	directory
	expect "$HERE/fault.py" fail create "$ID" "$BUNDLE"
}

test_a_create_is_killed_after_calls() {
	directory
	expect "$HERE/fault.py" kill create "$ID" "$BUNDLE"
}

test_calls_of_a_create_with_an_overlay_fail() {
	trap unmount_overlay EXIT
	overlay
	expect "$HERE/fault.py" fail create "$ID" "$BUNDLE"
}

test_a_create_with_an_overlay_is_killed_after_calls() {
	trap unmount_overlay EXIT
	overlay
	expect "$HERE/fault.py" kill create "$ID" "$BUNDLE"
}

# refused RULE CODE: a configuration with that one mistake is refused, whatever fails.
refused() {
	directory
	live_edit "$BUNDLE/config.json" "$2"
	refute cofferdam-runtime create --bundle "$BUNDLE" "$ID"
	expect_output "1 finding"
	expect_output "[$1]"
	expect "$HERE/fault.py" refuse create "$ID" "$BUNDLE"
}

bind() {
	echo "c['mounts'].append({'destination': '/mnt', 'type': 'bind', 'source': '$1', 'options': ['bind', 'ro']})"
}

test_the_hosts_network_is_refused() {
	trap 'rm -f /run/netns/other' EXIT
	mkdir -p /run/netns
	ln -s /proc/1/ns/net /run/netns/other
	refused namespace.host-network "
for entry in c['linux']['namespaces']:
    if entry['type'] == 'network':
        entry['path'] = '/run/netns/other'"
}

test_another_name_of_what_is_above_a_protected_directory_is_refused() {
	trap 'umount /srv/fault/above; rmdir /srv/fault/above' EXIT
	mkdir -p /srv/fault/above
	mount --bind /opt /srv/fault/above
	refused mount.host-tree "$(bind /srv/fault/above)"
}

test_another_name_of_a_protected_directory_is_refused() {
	trap 'umount /srv/fault/name; rmdir /srv/fault/name' EXIT
	mkdir -p /srv/fault/name
	mount --bind /etc /srv/fault/name
	refused mount.host-tree "$(bind /srv/fault/name)"
}

# nobody may write in the directory of the link that the profile names: an access list says so.
test_a_link_that_others_can_replace_is_refused() {
	trap 'python3 -c "import os; os.removexattr(\"/srv/fault\", \"system.posix_acl_access\")"' EXIT
	python3 - <<-'PYTHON'
		import os, struct
		entries = [(1, 7, -1), (2, 7, 65534), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
		text = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
		os.setxattr("/srv/fault", "system.posix_acl_access", text)
	PYTHON
	refused mount.source-swappable ''
}

test_a_socket_of_an_engine_is_refused() {
	trap 'rm -f /run/docker.sock' EXIT
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/run/docker.sock")'
	refused mount.engine-socket "$(bind /run/docker.sock)"
}

test_the_hosts_root_filesystem_is_refused() {
	refused rootfs.host-tree "c['root']['path'] = '/usr'"
}

# fault COMMAND: its calls fail, and it is killed after them.
fault() {
	directory
	expect "$HERE/fault.py" fail "$1" "$ID" "$BUNDLE"
	expect "$HERE/fault.py" kill "$1" "$ID" "$BUNDLE"
}

test_delete() {
	fault delete
}

test_start() {
	fault start
}

test_kill() {
	fault kill
}

test_exec() {
	echo '{ "args": ["/bin/id"], "cwd": "/", "user": { "uid": 0, "gid": 0 }, "capabilities": { "bounding": ["CAP_KILL", "CAP_NET_BIND_SERVICE"] } }' \
		>process.json
	fault exec
}

test_the_hook_at_create() {
	fault createRuntime
}

test_the_hook_at_delete() {
	fault poststop
}

teardown_file() {
	rm -rf /srv/fault /etc/cofferdam/runtime /etc/cofferdam/cofferdam.json /etc/cofferdam/profiles.d
}

t_main "$@"
