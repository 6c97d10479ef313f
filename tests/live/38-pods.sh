#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pods, with what the CRI's servers of containerd and CRI-O write: bundles where they lie, annotations, records, namespaces by
# path. The two engines differ in whose the namespaces are: containerd's containers join those of the pause process, which its
# user namespace owns; CRI-O pins them before any container is there, so they are the host's.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

T_LIMIT=120
SHIM=/usr/local/bin/cofferdam-runtime
TASKS=/run/containerd/io.containerd.runtime.v2.task/k8s.io
SANDBOXES=/run/containerd/io.containerd.grpc.v1.cri/sandboxes
STORAGE=/run/containers/storage/overlay-containers
POD=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
OTHER=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
FIRST=1111111111111111111111111111111111111111111111111111111111111111
SECOND=2222222222222222222222222222222222222222222222222222222222222222

setup_file() {
	local id

	mkdir -p /etc/cofferdam /sys/fs/cgroup/pods "$STORAGE"
	mkdir -p -m 0711 "$TASKS"
	for id in "$POD" "$OTHER"; do
		mkdir -p "$SANDBOXES/$id/shm" "$STORAGE/$id/userdata/shm"
		mount -t tmpfs -o mode=1777 shm "$SANDBOXES/$id/shm"
		mount -t tmpfs -o mode=1777 shm "$STORAGE/$id/userdata/shm"
		ip netns add "cni-$id"
	done
	live_configure crun
}

teardown_file() {
	ip netns delete "cni-$POD"
	ip netns delete "cni-$OTHER"
}

# shim ARGUMENT...: crun cannot load its device filter here; without a cgroup manager it shares its caller's cgroup.
shim() {
	local option=''

	case $(readlink /etc/cofferdam/runtime) in *crun) option=--cgroup-manager=disabled ;; esac
	# shellcheck disable=SC2086
	(echo "$BASHPID" >/sys/fs/cgroup/pods/cgroup.procs; exec "$SHIM" $option "$@")
}

pid_of() {
	shim state "$1" | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p'
}

map_of() {
	cat "/proc/$(pid_of "$1")/uid_map"
}

# namespaces BUNDLE TYPE PATH...
namespaces() {
	live_edit "$1/config.json" "
words = '${*:2}'.split()
paths = dict(zip(words[::2], words[1::2]))
for entry in c['linux']['namespaces']:
    if entry['type'] in paths: entry['path'] = paths[entry['type']]"
}

# task ID SANDBOX COMMAND...: a bundle of containerd's; the id of the sandbox itself makes it one.
task() {
	local id=$1 sandbox=$2 bundle=$TASKS/$1
	shift 2

	rm -f "$bundle/config.json"
	live_bundle "$bundle" "$@"
	ln -sfn "/var/lib/containerd/io.containerd.runtime.v2.task/k8s.io/$id" "$bundle/work"
	live_edit "$bundle/config.json" "
c['process']['capabilities']['ambient'] = []
c['annotations'] = {'io.kubernetes.cri.container-type': 'container', 'io.kubernetes.cri.sandbox-id': '$sandbox',
    'io.kubernetes.cri.image-name': 'docker.io/library/app:1'}
if '$id' == '$sandbox':
    c['annotations']['io.kubernetes.cri.container-type'] = 'sandbox'
    c['linux']['sysctl'] = {'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647'}
for mount in c['mounts']:
    if mount['destination'] == '/dev/shm':
        mount.update(type='bind', source='$SANDBOXES/$sandbox/shm', options=['rbind', 'rprivate', 'rw'])
for entry in c['linux']['namespaces']:
    if entry['type'] == 'network': entry['path'] = '/var/run/netns/cni-$sandbox'"
}

# member ID SANDBOX PID COMMAND...: a container that joins the namespaces of the process.
member() {
	local id=$1 sandbox=$2 pid=$3
	shift 3

	task "$id" "$sandbox" "$@"
	namespaces "$TASKS/$id" network "/proc/$pid/ns/net" ipc "/proc/$pid/ns/ipc" uts "/proc/$pid/ns/uts"
}

# pause ID: a sandbox that runs.
pause() {
	task "$1" "$1" /bin/sleep 300
	expect shim create --bundle "$TASKS/$1" "$1"
	expect shim start "$1"
}

as_user() {
	live_edit "$1/config.json" "c['process']['user'] = {'uid': $2, 'gid': $2}"
}

clean() {
	local id

	for id in "$@"; do
		shim delete --force "$id" >/dev/null 2>&1
	done
}

# What one of them leaves for another of the same user: memory that is shared, and a message queue.
LEAVE='umask 077; echo ours >/dev/shm/file; touch /dev/mqueue/queue; exec sleep 300'
FIND='cat /dev/shm/file; cat /dev/mqueue/queue && echo queue'

# began ID: has done that.
began() {
	live_executes "$(pid_of "$1")" sleep
}

test_containers_of_a_sandbox_of_containerds_join_its_user_namespace() {
	local pause

	trap 'clean "$FIRST" "$SECOND" "$POD"' EXIT
	pause "$POD"
	pause=$(pid_of "$POD")
	member "$FIRST" "$POD" "$pause" /bin/sh -c "$LEAVE"
	as_user "$TASKS/$FIRST" 999
	expect shim create --bundle "$TASKS/$FIRST" "$FIRST"
	expect shim start "$FIRST"
	expect began "$FIRST"
	expect_equal "$(stat -L -c %i "/proc/$pause/ns/user")" "$(stat -L -c %i "/proc/$(pid_of "$FIRST")/ns/user")" 'the user namespace'
	# The second one shares its processes too (shareProcessNamespace).
	member "$SECOND" "$POD" "$pause" /bin/sh -c "$FIND; cat /proc/1/comm"
	namespaces "$TASKS/$SECOND" pid "/proc/$pause/ns/pid"
	as_user "$TASKS/$SECOND" 999
	expect shim run --bundle "$TASKS/$SECOND" "$SECOND"
	expect_output ours
	expect_output $'queue\nsleep'
	expect_equal 2 "$(ls /run/cofferdam/ranges | wc -l)" 'holders of the range'
	expect_equal "$(awk '{ print $2, $2 + 65535 }' "/proc/$pause/uid_map")" \
		"$(nsenter --net="/run/netns/cni-$POD" cat /proc/sys/net/ipv4/ping_group_range | tr '\t' ' ')" 'groups that may ping'
}

test_a_sandbox_that_is_gone_is_said_and_one_that_was_made_again_is_joined() {
	local before

	trap 'clean "$FIRST" "$POD"' EXIT
	pause "$POD"
	before=$(pid_of "$POD")
	member "$FIRST" "$POD" "$before" /bin/sleep 300
	expect shim create --bundle "$TASKS/$FIRST" "$FIRST"
	expect shim start "$FIRST"
	kill -KILL "$before"
	while [ -e "/proc/$before/ns/net" ]; do sleep 0.05; done
	expect shim delete --force "$FIRST"
	refute shim create --bundle "$TASKS/$FIRST" "$FIRST"
	expect_output "/proc/$before/ns/ipc"
	expect_output 'the process whose namespace it was'
	expect shim delete --force "$POD"
	pause "$POD"
	member "$FIRST" "$POD" "$(pid_of "$POD")" /bin/sleep 300
	expect shim create --bundle "$TASKS/$FIRST" "$FIRST"
	expect_equal "$(map_of "$POD")" "$(map_of "$FIRST")" 'the range'
}

# keep_namespaces PID: as pinns does, but of a process that runs.
keep_namespaces() {
	mkdir -p /run/ipcns /run/utsns
	touch /run/ipcns/kept /run/utsns/kept
	mount --bind "/proc/$1/ns/ipc" /run/ipcns/kept
	mount --bind "/proc/$1/ns/uts" /run/utsns/kept
}

# bundle_of_kept: a container of the pod that joins what was kept.
bundle_of_kept() {
	task "$FIRST" "$POD" "$@"
	namespaces "$TASKS/$FIRST" ipc /run/ipcns/kept uts /run/utsns/kept
}

test_namespaces_that_were_kept_are_joined_after_the_sandbox_died() {
	local pause map

	trap 'umount /run/ipcns/kept /run/utsns/kept; clean "$FIRST" "$SECOND" "$POD"' EXIT
	pause "$POD"
	pause=$(pid_of "$POD")
	map=$(map_of "$POD")
	keep_namespaces "$pause"
	kill -KILL "$pause"
	while [ -e "/proc/$pause/ns/net" ]; do sleep 0.05; done
	# Another sweeps meanwhile, and wants a range.
	task "$OTHER" "$OTHER" /bin/cat /proc/self/uid_map
	expect shim run --bundle "$TASKS/$OTHER" "$OTHER"
	refute_output "$map"
	bundle_of_kept /bin/cat /proc/self/uid_map
	expect shim run --bundle "$TASKS/$FIRST" "$FIRST"
	expect_output "$map"
	# Deleted, and nobody has its range any more.
	expect shim delete --force "$POD"
	refute shim run --bundle "$TASKS/$FIRST" "$FIRST"
	expect_output '/run/ipcns/kept belongs to a user namespace that no container of cofferdam'
	expect_output 'start the pod again'
}

test_a_container_with_the_annotations_of_another_pod_gets_a_range_of_its_own() {
	local pod

	trap 'clean "$FIRST" "$POD"' EXIT
	pause "$POD"
	pod=$(map_of "$POD")
	# Everything that is text says POD; the namespaces are others.
	task "$FIRST" "$POD" /bin/cat /proc/self/uid_map
	namespaces "$TASKS/$FIRST" network "/var/run/netns/cni-$OTHER"
	expect shim run --bundle "$TASKS/$FIRST" "$FIRST"
	expect_output ' 65536'
	refute_output "$pod"
}

test_namespaces_of_two_pods_are_refused() {
	trap 'clean "$FIRST" "$POD" "$OTHER"' EXIT
	pause "$POD"
	pause "$OTHER"
	member "$FIRST" "$POD" "$(pid_of "$POD")" /bin/true
	namespaces "$TASKS/$FIRST" uts "/proc/$(pid_of "$OTHER")/ns/uts"
	refute shim run --bundle "$TASKS/$FIRST" "$FIRST"
	expect_output 'belongs to another user namespace than the other namespaces'
}

# A pid that was the sandbox's may be that of another pod's process by now.
test_namespaces_of_another_pod_are_refused() {
	trap 'clean "$FIRST" "$POD"' EXIT
	pause "$POD"
	member "$FIRST" "$OTHER" "$(pid_of "$POD")" /bin/true
	refute shim run --bundle "$TASKS/$FIRST" "$FIRST"
	expect_output "belongs to the pod of $POD"
	expect_output "is of pod $OTHER"
}

# A user namespace that some other program has made.
test_a_sandbox_of_somebody_else_is_refused() {
	local stranger

	unshare --user --map-root-user --ipc --uts sleep 300 &
	stranger=$!
	# shellcheck disable=SC2064
	trap "kill $stranger" EXIT
	while [ "$(cat "/proc/$stranger/comm")" != sleep ]; do sleep 0.05; done
	task "$FIRST" "$POD" /bin/true
	namespaces "$TASKS/$FIRST" ipc "/proc/$stranger/ns/ipc"
	refute shim run --bundle "$TASKS/$FIRST" "$FIRST"
	expect_output 'belongs to a user namespace that no container of cofferdam'
}

# pin: what CRI-O's pinns makes before it starts anything.
pin() {
	mkdir -p /run/ipcns /run/utsns
	touch "/run/ipcns/$POD" "/run/utsns/$POD"
	unshare --ipc="/run/ipcns/$POD" --uts="/run/utsns/$POD" true
}

unpin() {
	umount "/run/ipcns/$POD" "/run/utsns/$POD"
}

# record ID POD...: CRI-O's records, of all that are named.
record() {
	python3 - "$STORAGE/volatile-containers.json" "$@" <<-'PYTHON'
		import json, sys
		path, *words = sys.argv[1:]
		json.dump([{"id": id, "names": [], "image": "", "layer": "", "created": "2026-01-01T00:00:00Z",
		    "metadata": json.dumps({"pod-name": "web", "pod-id": pod, "name": "app", "image-name": "", "image-id": ""})}
		    for id, pod in zip(words[::2], words[1::2])], open(path, "w"))
	PYTHON
}

# crio ID COMMAND...: a bundle of CRI-O's in the pod POD.
crio() {
	local bundle=$STORAGE/$1/userdata
	shift

	rm -f "$bundle/config.json"
	live_bundle "$bundle" "$@"
	live_edit "$bundle/config.json" "
c['process']['capabilities']['ambient'] = []
c['annotations'] = {'io.container.manager': 'cri-o', 'io.kubernetes.cri-o.ContainerType': 'container',
    'io.kubernetes.cri-o.SandboxID': '$POD'}
c['hostname'] = 'pinned'
for mount in c['mounts']:
    if mount['destination'] == '/dev/shm':
        mount.update(type='bind', source='$STORAGE/$POD/userdata/shm', options=['rw', 'bind'])"
	namespaces "$bundle" network "/var/run/netns/cni-$POD" ipc "/var/run/ipcns/$POD" uts "/var/run/utsns/$POD"
}

# CRI-O drops the pause container of such a pod: there is none here.
pod_of_crio() {
	live_configure "$1"
	trap 'clean "$FIRST" "$SECOND"; unpin; live_configure crun' EXIT
	pin
	record "$FIRST" "$POD" "$SECOND" "$POD"
	crio "$FIRST" /bin/sh -c "$LEAVE"
	as_user "$STORAGE/$FIRST/userdata" 999
	expect shim create --bundle "$STORAGE/$FIRST/userdata" "$FIRST"
	expect shim start "$FIRST"
	expect began "$FIRST"
	crio "$SECOND" /bin/sh -c "$FIND; hostname; ls /sys/class/net; cat /proc/self/uid_map; ls -l /proc/self/ns/user"
	as_user "$STORAGE/$SECOND/userdata" 999
	expect shim run --bundle "$STORAGE/$SECOND/userdata" "$SECOND"
	expect_output ours
	expect_output queue
	expect_output pinned
	expect_output lo
	expect_output "$(map_of "$FIRST")"
	refute_output "[$(stat -L -c %i "/proc/$(pid_of "$FIRST")/ns/user")]"
}

test_containers_of_a_pod_whose_namespaces_are_the_hosts_share_a_range_behind_crun() {
	pod_of_crio crun
}

test_containers_of_a_pod_whose_namespaces_are_the_hosts_share_a_range_behind_runc() {
	pod_of_crio runc
}

# The record says which pod it is, whatever is annotated; and the record alone does not say it either.
test_the_pod_of_an_annotation_or_of_other_namespaces_is_not_joined() {
	local first

	trap 'clean "$FIRST" "$SECOND"; unpin' EXIT
	pin
	record "$FIRST" "$POD" "$SECOND" "$OTHER"
	crio "$FIRST" /bin/sleep 300
	expect shim create --bundle "$STORAGE/$FIRST/userdata" "$FIRST"
	first=$(map_of "$FIRST")
	crio "$SECOND" /bin/cat /proc/self/uid_map
	refute shim run --bundle "$STORAGE/$SECOND/userdata" "$SECOND"
	expect_output "$POD/userdata/shm: state of podman or CRI-O"
	live_edit "$STORAGE/$SECOND/userdata/config.json" "c['mounts'] = [m for m in c['mounts'] if m['destination'] != '/dev/shm']"
	expect shim run --bundle "$STORAGE/$SECOND/userdata" "$SECOND"
	expect_output ' 65536'
	refute_output "$first"
	record "$FIRST" "$POD" "$SECOND" "$POD"
	live_edit "$STORAGE/$SECOND/userdata/config.json" "
for entry in c['linux']['namespaces']:
    if entry['type'] in ('ipc', 'uts'): del entry['path']"
	namespaces "$STORAGE/$SECOND/userdata" network "/var/run/netns/cni-$OTHER"
	expect shim run --bundle "$STORAGE/$SECOND/userdata" "$SECOND"
	expect_output ' 65536'
	refute_output "$first"
}

test_nothing_is_left() {
	expect_equal '' "$(ls -A /run/cofferdam/containers /run/cofferdam/ranges | grep -v -e : -e '^$' || true)" 'left in /run/cofferdam'
}

t_main "$@"
