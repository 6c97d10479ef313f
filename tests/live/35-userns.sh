#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# User namespaces and idmapped files with this machine's runtimes, through idmap-run (tests/vm/bin), which does nothing else.
#
# No runtime gets the machine's /dev/null for a standard stream here: what is tested is that it would survive, so it is not
# what is put at risk.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

T_LIMIT=120
RUNTIMES=/run/idmap-test
BASE=1000000

setup_file() {
	local runtime

	mkdir -p "$RUNTIMES"
	for runtime in runc crun; do
		ln -sf /usr/local/bin/idmap-run "$RUNTIMES/idmap-$runtime"
	done
	sed -i '/^cofferdam:/d' /etc/subuid /etc/subgid
	echo "cofferdam:$BASE:655360" | tee -a /etc/subuid >>/etc/subgid
}

# piped COMMAND...: with a pipe for standard input, or the file $PIPED; t_capture's output is a file.
piped() {
	if [ -n "${PIPED:-}" ]; then
		"$@" <"$PIPED"
	else
		: | "$@"
	fi
}

# with_null COMMAND...: with the node `null` for standard input (by way of `piped`) and `sink` for output.
with_null() {
	PIPED=null "$@" >sink
}

# crun cannot load its device filter here, and without a cgroup manager it shares its caller's cgroup.
crun_alone() {
	mkdir -p /sys/fs/cgroup/crun-alone
	(echo "$BASHPID" >/sys/fs/cgroup/crun-alone/cgroup.procs
		piped "$RUNTIMES/idmap-crun" --cgroup-manager=disabled --root "$T_DIR/crun" "$@")
}

runc_alone() {
	piped "$RUNTIMES/idmap-runc" --root "$T_DIR/runc" "$@"
}

# contained DIR ID: runs the bundle with both runtimes, which must write the same.
contained() {
	local first

	expect runc_alone run --bundle "$1" "$2"
	first=$T_OUTPUT
	expect crun_alone run --bundle "$1" "$2"
	expect_equal "$(sed 1d <<<"$first")" "$(sed 1d <<<"$T_OUTPUT")" 'what the runtimes wrote (crun, runc)'
}

# edit DIR CODE: Python on the configuration, `c`.
edit() {
	python3 - "$1/config.json" "$2" <<-'PYTHON'
		import json, sys
		path, code = sys.argv[1:]
		with open(path) as file:
		    c = json.load(file)
		exec(code)
		with open(path, "w") as file:
		    json.dump(c, file)
	PYTHON
}

# tree DIR: a root filesystem of its own, as LIVE_ROOTFS is shared.
tree() {
	mkdir -p "$1"
	cp -a "$LIVE_ROOTFS/." "$1/"
}

# overlay_bundle OPTIONS COMMAND...: bundle/ with an overlay over layers/0/diff (a whole tree) and layers/1/diff, its upper
# directory in layers/top.
overlay_bundle() {
	local options=$1
	shift

	live_bundle bundle "$@"
	tree layers/0/diff
	mkdir -p layers/1/diff/etc layers/top/diff layers/top/work layers/l bundle/rootfs
	ln -sf ../0/diff layers/l/ZERO
	ln -sf ../1/diff layers/l/ONE
	echo lower >layers/1/diff/etc/lower
	chown 33:33 layers/1/diff/etc/lower
	(cd layers && mount -t overlay overlay -o "$options,upperdir=$T_DIR/layers/top/diff,workdir=$T_DIR/layers/top/work" \
		"$T_DIR/bundle/rootfs")
	edit bundle "c['root'] = {'path': 'rootfs', 'readonly': False}
for name in 'bounding', 'effective', 'permitted':
    c['process']['capabilities'][name] = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID']"
}

unmount_overlay() {
	umount "$T_DIR/bundle/rootfs"
}

test_a_directory_belongs_to_the_containers_root() {
	live_bundle bundle /bin/sh -c 'cat /proc/self/uid_map /proc/self/gid_map; stat -c "%u:%g" / /bin/sh; touch /new; id -u'
	tree rootfs
	edit bundle "c['root'] = {'path': '$T_DIR/rootfs', 'readonly': False}"
	contained bundle directory
	expect_output "$(printf '%10u %10u %10u' 0 $BASE 65536)"
	expect_output '0:0'
	refute_output 65534
	expect_equal 0:0 "$(stat -c '%u:%g' rootfs/new)" 'the owner on disk'
}

test_an_overlay_as_containerd_mounts_it() {
	trap unmount_overlay EXIT
	overlay_bundle "lowerdir=$T_DIR/layers/1/diff:$T_DIR/layers/0/diff" /bin/sh -c '
		set -e
		stat -c "%u:%g %n" /etc/lower /bin/sh
		chown 7:8 /etc/lower
		echo changed >/etc/lower
		cp /bin/busybox /setuid && chmod 4755 /setuid
		rm -f /bin/vi
		rm -rf /var && mkdir /var && touch /var/opaque
		ls /var; cat /etc/lower'
	expect runc_alone run --bundle bundle containerd
	expect_output '33:33 /etc/lower'
	expect_output '0:0 /bin/sh'
	expect_output opaque
	expect crun_alone run --bundle bundle containerd
	expect_output '7:8 /etc/lower'
	expect_equal 7:8 "$(stat -c '%u:%g' layers/top/diff/etc/lower)" 'the owner on disk after copying up'
	expect_equal '0:0 4755' "$(stat -c '%u:%g %a' layers/top/diff/setuid)" 'a file with setuid'
	expect_equal 'character special file 0:0' "$(stat -c '%F %u:%g' layers/top/diff/bin/vi)" 'a whiteout'
	expect_equal 33:33 "$(stat -c '%u:%g' layers/1/diff/etc/lower)" 'the lower layer'
}

test_an_overlay_as_podman_mounts_it() {
	trap unmount_overlay EXIT
	overlay_bundle 'lowerdir=l/ONE:l/ZERO,metacopy=on,redirect_dir=on,volatile' /bin/sh -c '
		set -e
		stat -c "%u:%g" /etc/lower
		chmod 0600 /etc/lower
		cat /etc/lower
		mkdir -p /etc/a; mv /etc /elsewhere && mv /elsewhere /etc
		grep -o " / overlay [^ ]*" /proc/mounts | tr , "\n" | grep -e metacopy -e redirect -e volatile'
	expect runc_alone run --bundle bundle podman
	expect_output lower
	expect_output metacopy=on
	expect_output redirect_dir=on
	expect_output volatile
	expect test -d layers/top/cofferdam-work/work/incompat/volatile
	expect test -d layers/top/work/work/incompat/volatile
	expect crun_alone run --bundle bundle podman
	expect_output lower
}

test_userxattr_is_kept() {
	trap unmount_overlay EXIT
	overlay_bundle 'lowerdir=l/ONE:l/ZERO,userxattr' /bin/sh -c '
		rm -r /etc; mkdir /etc; ls /etc; grep " / overlay" /proc/mounts'
	contained bundle userxattr
	expect_output ,userxattr
	refute_output lower$'\n'
	expect_equal y "$(python3 -c 'import os; print(os.getxattr("layers/top/diff/etc", "user.overlay.opaque").decode())')" 'an opaque directory'
}

test_five_hundred_layers() {
	local layer list=''

	trap unmount_overlay EXIT
	for layer in $(seq 2 498); do
		mkdir -p "layers/$layer/diff"
		echo "$layer" >"layers/$layer/diff/file$layer"
		ln -s "../$layer/diff" "layers/l/$layer" 2>/dev/null || { mkdir -p layers/l; ln -s "../$layer/diff" "layers/l/$layer"; }
		list="$list:l/$layer"
	done
	overlay_bundle "lowerdir=l/ONE:l/ZERO$list" /bin/sh -c 'cat /file2 /file498; ls -d /file* | wc -l; stat -c %u /file77'
	contained bundle layers
	expect_output 500 # of idmap-run: with the upper one
	expect_output 497
}

test_a_read_only_overlay_needs_no_upper_directory() {
	trap unmount_overlay EXIT
	live_bundle bundle /bin/sh -c 'cat /etc/lower; stat -c %u:%g /etc/lower; touch /x'
	tree layers/0/diff
	mkdir -p layers/1/diff/etc bundle/rootfs
	echo lower >layers/1/diff/etc/lower
	mount -t overlay overlay -o "lowerdir=$T_DIR/layers/1/diff:$T_DIR/layers/0/diff" bundle/rootfs
	edit bundle "c['root'] = {'path': 'rootfs', 'readonly': True}"
	refute runc_alone run --bundle bundle readonly
	expect_output 'lower'
	expect_output '0:0'
	expect_output 'Read-only file system'
}

test_runc_executes_in_a_running_container() {
	trap 'runc_alone delete --force executes; unmount_overlay' EXIT
	overlay_bundle "lowerdir=l/ONE:l/ZERO" /bin/sleep 300
	expect runc_alone run --detach --bundle bundle executes
	expect runc_alone exec executes /bin/sh -c 'id -u; cat /etc/lower'
	expect_output lower
}

test_a_killed_container_leaves_no_mount_and_starts_again() {
	trap 'runc_alone delete --force killed; unmount_overlay' EXIT
	local before
	overlay_bundle "lowerdir=l/ONE:l/ZERO,volatile" /bin/sleep 300
	before=$(wc -l </proc/self/mountinfo)
	expect runc_alone run --detach --bundle bundle killed
	expect_equal "$before" "$(wc -l </proc/self/mountinfo)" 'mounts of the host while it runs'
	kill -KILL "$(runc --root "$T_DIR/runc" state killed | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')"
	expect runc_alone delete --force killed
	refute grep cofferdam-work /proc/*/mountinfo
	expect runc_alone run --detach --bundle bundle killed
	expect runc_alone exec killed /bin/touch /again
	expect test -f layers/top/diff/again
}

test_the_engines_files_are_the_containers_and_the_hosts_are_not() {
	live_bundle bundle /bin/sh -c 'stat -c "%u:%g %n" /etc/hosts /data; touch /data/new 2>/dev/null && echo wrote; echo own >/etc/hosts'
	echo engine >bundle/hosts
	chmod 0600 bundle/hosts
	mkdir host
	edit bundle "c['mounts'] += [{'destination': '/etc/hosts', 'type': 'bind', 'source': 'hosts', 'options': ['rbind', 'rw']},
		{'destination': '/data', 'type': 'bind', 'source': '$T_DIR/host', 'options': ['rbind', 'rw']}]
c['root']['readonly'] = False"
	contained bundle files
	expect_output '0:0 /etc/hosts'
	expect_output '65534:65534 /data'
	refute_output wrote
	expect_equal own "$(cat bundle/hosts)"
	expect_equal 0:0 "$(stat -c %u:%g bundle/hosts)" 'the owner on disk'
}

test_devices_get_the_numbers_of_the_entry_and_an_owner() {
	live_bundle bundle /bin/sh -c 'stat -c "%u:%g %a %t:%T" /dev/many; head -c 4 /dev/many | od -An -tx1'
	edit bundle "c['linux']['devices'] = [{'path': '/dev/many', 'type': 'c', 'major': 1, 'minor': 5, 'fileMode': 0o20640, 'gid': 5}]"
	contained bundle devices
	expect_output '0:5 640 1:5'
	expect_output '00 00 00 00'
}

# A network namespace as an engine makes it: owned by the initial user namespace.
make_netns() {
	touch netns
	unshare --net="$T_DIR/netns" ip link set lo mtu 1234
}

in_netns() {
	nsenter --net="$T_DIR/netns" "$@"
}

test_a_network_namespace_that_is_joined() {
	local host_ports host_groups

	trap 'umount "$T_DIR/netns"' EXIT
	host_ports=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)
	host_groups=$(cat /proc/sys/net/ipv4/ping_group_range)
	make_netns
	live_bundle bundle /bin/sh -c 'cat /sys/class/net/lo/mtu; grep " /sys " /proc/mounts; grep . /proc/sys/net/ipv4/ping_group_range'
	edit bundle "
for n in c['linux']['namespaces']:
    if n['type'] == 'network': n['path'] = '$T_DIR/netns'
c['linux']['sysctl'] = {'net.ipv4.ping_group_range': '0 0', 'net.core.somaxconn': '99'}
c['process']['capabilities']['bounding'] = ['CAP_NET_BIND_SERVICE']"
	contained bundle joined
	expect_output 1234
	expect_output 'sysfs ro,nosuid,nodev,noexec'
	expect_equal "$BASE $BASE" "$(in_netns cat /proc/sys/net/ipv4/ping_group_range | tr '\t' ' ')" 'groups that may ping'
	expect_equal 0 "$(in_netns cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" 'the first unprivileged port'
	expect_equal 99 "$(in_netns cat /proc/sys/net/core/somaxconn)"
	expect_equal "$host_ports" "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" "the host's first unprivileged port"
	expect_equal "$host_groups" "$(cat /proc/sys/net/ipv4/ping_group_range)" "the host's groups that may ping"
}

test_low_ports_stay_closed_without_the_capability() {
	trap 'umount "$T_DIR/netns"' EXIT
	make_netns
	live_bundle bundle /bin/true
	edit bundle "
for n in c['linux']['namespaces']:
    if n['type'] == 'network': n['path'] = '$T_DIR/netns'
c['process']['capabilities'] = {}"
	contained bundle ports
	expect_equal 1024 "$(in_netns cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" 'the first unprivileged port'
}

test_sysctls_of_the_hosts_namespaces_are_refused() {
	live_bundle bundle /bin/true
	edit bundle "
c['linux']['namespaces'] = [n for n in c['linux']['namespaces'] if n['type'] != 'network']
c['linux']['sysctl'] = {'net.core.somaxconn': '99'}"
	refute runc_alone run --bundle bundle sysctls
	expect_output 'net.core.somaxconn is of a namespace that the container shares with the host'
}

test_mqueue_of_an_ipc_namespace_that_is_joined() {
	trap 'umount "$T_DIR/ipcns"' EXIT
	touch ipcns
	unshare --ipc="$T_DIR/ipcns" true
	live_bundle bundle /bin/sh -c 'grep mqueue /proc/mounts; touch /dev/mqueue/queue && echo made'
	edit bundle "
for n in c['linux']['namespaces']:
    if n['type'] == 'ipc': n['path'] = '$T_DIR/ipcns'"
	contained bundle mqueue
	expect_output 'mqueue rw,nosuid,nodev,noexec'
	expect_output made
}

test_a_path_that_is_no_such_namespace_is_refused() {
	live_bundle bundle /bin/true
	edit bundle "
for n in c['linux']['namespaces']:
    if n['type'] == 'network': n['path'] = '/proc/self/ns/uts'"
	refute runc_alone run --bundle bundle nonamespace
	expect_output '/proc/self/ns/uts is not a network namespace'
}

test_a_directory_inside_of_an_overlay_is_refused() {
	trap unmount_overlay EXIT
	overlay_bundle "lowerdir=l/ONE:l/ZERO" /bin/true
	tree bundle/rootfs/inside
	edit bundle "c['root']['path'] = 'rootfs/inside'"
	refute runc_alone run --bundle bundle inside
	expect_output 'rootfs/inside is a directory inside of an overlay'
}

test_a_mount_inside_of_the_overlay_is_refused() {
	trap 'umount "$T_DIR/bundle/rootfs/var"; unmount_overlay' EXIT
	overlay_bundle "lowerdir=l/ONE:l/ZERO" /bin/true
	mount -t tmpfs tmpfs bundle/rootfs/var
	refute runc_alone run --bundle bundle covered
	expect_output 'something is mounted inside of the root filesystem'
	expect_output 'bundle/rootfs/var'
}

test_a_layer_that_cannot_be_idmapped_is_named() {
	trap 'unmount_overlay; umount "$T_DIR/below"' EXIT
	live_bundle bundle /bin/true
	tree layers/0/diff
	mkdir -p below bundle/rootfs layers/1/diff layers/top/diff layers/top/work upper work
	mount -t overlay overlay -o "lowerdir=$T_DIR/layers/0/diff:$T_DIR/layers/1/diff" below
	mount -t overlay overlay -o "lowerdir=$T_DIR/below,upperdir=$T_DIR/layers/top/diff,workdir=$T_DIR/layers/top/work" bundle/rootfs
	edit bundle "c['root'] = {'path': 'rootfs'}"
	refute runc_alone run --bundle bundle nested
	expect_output "$T_DIR/below is on overlay, which no kernel can idmap"
}

test_a_volume_on_a_filesystem_that_cannot_is_named() {
	live_bundle bundle /bin/true
	mkdir -p bundle/proc
	mount -t proc proc bundle/proc
	trap 'umount "$T_DIR/bundle/proc"' EXIT
	edit bundle "c['mounts'] += [{'destination': '/data', 'type': 'bind', 'source': 'proc', 'options': ['rbind', 'rw']}]"
	refute runc_alone run --bundle bundle volume
	expect_output 'bundle/proc is on proc, which cannot be idmapped on this kernel'
}

# Which kernel would be needed, as a process sees it for which this one calls itself 2.6.
test_the_kernel_that_a_filesystem_needs_is_named() {
	trap 'umount -R /srv/cofferdam-old; rmdir /srv/cofferdam-old' EXIT
	mkdir -p /srv/cofferdam-old
	mount -t tmpfs tmpfs /srv/cofferdam-old
	mkdir /srv/cofferdam-old/rootfs /srv/cofferdam-old/rootfs/proc
	mount -t proc proc /srv/cofferdam-old/rootfs/proc
	live_bundle bundle /bin/true
	edit bundle "c['root']['path'] = '/srv/cofferdam-old/rootfs'"
	refute runc_alone run --bundle bundle kernel
	expect_output 'another filesystem that is mounted inside of /srv/cofferdam-old/rootfs (on tmpfs) cannot be idmapped on this kernel'
	refute setarch --uname-2.6 "$RUNTIMES/idmap-runc" --root "$T_DIR/runc" run --bundle bundle kernel
	expect_output '/srv/cofferdam-old/rootfs is on tmpfs, which cannot be idmapped on this kernel: Linux 6.3 is needed (this is 2.6.'
}

# With rbind, `ro` is for the topmost mount alone; both runtimes know `rro`. (crun 1.8 leaves out what is mounted below when
# there is a user namespace, so that only runc could write.)
test_what_is_mounted_below_a_read_only_bind_is_read_only() {
	trap 'umount /srv/cofferdam-tree/disk; rm -rf /srv/cofferdam-tree' EXIT
	mkdir -p /srv/cofferdam-tree/disk
	mount -t tmpfs -o mode=0777 tmpfs /srv/cofferdam-tree/disk
	live_bundle bundle /bin/sh -c 'echo once >"/mnt/disk/$(cat /proc/sys/kernel/random/uuid)" && echo could write'
	edit bundle "c['mounts'].append(dict(destination='/mnt', type='bind', source='/srv/cofferdam-tree', options=['rbind', 'ro']))"
	refute runc_alone run --bundle bundle tree
	expect_output 'Read-only file system'
	refute crun_alone run --bundle bundle tree
	expect_output "can't create /mnt/disk/"
	edit bundle "c['mounts'][-1]['options'] = ['rbind']"
	expect runc_alone run --bundle bundle tree
	expect_output 'could write'
}

test_id_mappings_of_a_mounts_own_are_refused() {
	live_bundle bundle /bin/true
	edit bundle "c['mounts'] += [{'destination': '/data', 'type': 'bind', 'source': '$T_DIR', 'options': ['rbind', 'idmap']}]"
	refute runc_alone run --bundle bundle mapped
	expect_output 'id mappings of its own'
}

test_a_user_outside_of_the_range_is_refused() {
	live_bundle bundle /bin/id
	tree rootfs
	chmod 0755 rootfs
	edit bundle "c['process']['user'] = {'uid': 65535, 'gid': 65535}
c['root']['path'] = '$T_DIR/rootfs'"
	contained bundle user
	expect_output 'uid=65535'
	edit bundle "c['process']['user'] = {'uid': 1, 'gid': 1, 'additionalGids': [1, 65536]}"
	refute runc_alone run --bundle bundle user
	expect_output 'process.user: 65536 is outside of the 65536 ids'
}

test_a_full_pool_is_said() {
	live_bundle bundle /bin/true
	trap 'sed -i "s/^cofferdam:.*/cofferdam:$BASE:655360/" /etc/subuid /etc/subgid' EXIT
	sed -i "s/^cofferdam:.*/cofferdam:$BASE:65535/" /etc/subuid /etc/subgid
	refute runc_alone run --bundle bundle pool
	expect_output 'add the line `cofferdam:'
}

# crun before 1.24 gives a device that it finds among its standard streams to the container's root. The node is the test's.
test_a_device_among_the_standard_streams_keeps_its_owner() {
	live_bundle bundle /bin/sh -c 'wc -c; echo gone'
	mknod -m 0666 null c 1 3
	mknod -m 0666 sink c 1 3
	expect with_null runc_alone run --bundle bundle stream
	expect_equal $'666 0:0\n666 0:0' "$(stat -c '%a %u:%g' null sink)"
	expect with_null crun_alone run --bundle bundle stream
	expect_equal $'666 0:0\n666 0:0' "$(stat -c '%a %u:%g' null sink)"
}

test_many_containers_at_once() {
	local number pids='' failed=0

	live_bundle bundle /bin/sh -c 'stat -c %u:%g /bin/sh'
	for number in $(seq 20); do
		runc_alone run --bundle bundle "many$number" >"out$number" &
		pids="$pids $!"
	done
	for number in $pids; do
		wait "$number" || failed=$((failed + 1))
	done
	expect_equal 0 "$failed" 'runs that failed'
	expect_equal 20 "$(cat out* | grep -c '^0:0$')"
}

test_the_machine_is_as_it_was() {
	expect_equal '666 0:0' "$(stat -c '%a %u:%g' /dev/null)" '/dev/null'
	refute grep -e idmap-run -e cofferdam-work /proc/self/mountinfo
}

t_main "$@"
