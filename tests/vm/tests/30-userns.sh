#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# User namespaces and idmapped files under engines, through idmap-run (tests/vm/bin), which does nothing else.
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/../guest.sh"

T_LIMIT=240
BASE=1000000
RUNTIMES=/run/idmap-test
LAYERED=localhost/layered:latest

# An image of three layers: files to copy up, a whiteout, an owner that is not root.
make_layered() {
	local container

	container=$(podman create --network none "$GUEST_IMAGE" /bin/sh -c '
		mkdir /owned && echo text >/owned/file && chown -R 33:34 /owned && cp /bin/busybox /owned/setuid && chmod 4755 /owned/setuid')
	podman start -a "$container" && podman commit -q "$container" localhost/middle && podman rm "$container"
	container=$(podman create --network none localhost/middle /bin/sh -c 'rm /bin/vi; echo top >/owned/top')
	podman start -a "$container" && podman commit -q "$container" "$LAYERED" && podman rm "$container"
}

setup_file() {
	local runtime

	mkdir -p "$RUNTIMES"
	for runtime in runc crun; do
		ln -sf /usr/local/bin/idmap-run "$RUNTIMES/idmap-$runtime"
	done
	guest_podman_image && make_layered && guest_containerd && guest_containerd_image
}

# with RUNTIME ARGS...: podman with crun or runc behind idmap-run.
with() {
	local runtime=$1
	shift
	podman --runtime "$RUNTIMES/idmap-$runtime" "$@"
}

# The storage folder of a podman container.
storage_of() {
	dirname "$(podman inspect -f '{{.GraphDriver.Data.UpperDir}}' "$1")"
}

# What is done to files here is looked at with another runtime's eyes afterwards, and on disk.
test_podman_with_its_default_network() {
	local runtime

	for runtime in crun runc; do
		expect with "$runtime" run --rm "$LAYERED" /bin/sh -c '
			cat /proc/self/uid_map
			stat -c "%u:%g %a %n" / /owned/file /owned/setuid /etc/resolv.conf /etc/hosts
			ls /bin/vi
			chown 5:6 /owned/file && echo more >>/owned/file && rm /owned/top && touch /new && stat -c "%u:%g %n" /owned/file /new
			ls /sys/class/net
			grep nameserver /etc/resolv.conf'
		expect_output "$(printf '%10u %10u %10u' 0 $BASE 65536)"
		expect_output '0:0 555 /'
		expect_output '33:34 644 /owned/file'
		expect_output '0:0 4755 /owned/setuid'
		expect_output 'ls: /bin/vi: No such file'
		expect_output '5:6 /owned/file'
		expect_output '0:0 /new'
		expect_output eth0
		expect_output nameserver
	done
}

once_what_is_written_is_on_disk_with_the_ids_of_the_container() {
	local upper

	trap 'podman rm -f -t 0 -i writes' EXIT
	expect with crun run --name writes --network none "$LAYERED" /bin/sh -c '
		chown 5:6 /owned/file && rm -r /root && touch /mine && cp /bin/busybox /suid && chmod 4711 /suid'
	upper=$(storage_of writes)/diff
	expect_equal 5:6 "$(stat -c %u:%g "$upper/owned/file")"
	expect_equal 0:0 "$(stat -c %u:%g "$upper/mine")"
	expect_equal '0:0 4711' "$(stat -c '%u:%g %a' "$upper/suid")"
	expect_equal 'character special file' "$(stat -c %F "$upper/root")" 'a whiteout'
	expect podman diff writes
	expect_output 'D /root'
	expect podman commit -q writes localhost/written
	expect podman --runtime crun run --rm --network none localhost/written /bin/sh -c 'stat -c "%u:%g %n" /owned/file /mine; test ! -e /root'
	expect_output '5:6 /owned/file'
	expect_output '0:0 /mine'
	podman rm -f -t 0 writes
}

once_a_container_starts_again_also_after_kill_9() {
	trap 'podman rm -f -t 0 -i again' EXIT
	expect with crun run -d --name again --network none "$LAYERED" /bin/sleep 300
	expect podman exec again /bin/touch /first
	kill -KILL "$(podman inspect -f '{{.State.Pid}}' again)"
	expect podman wait again
	expect podman start again
	expect podman exec again /bin/ls /first
	expect podman restart -t 0 again
	expect podman exec again /bin/ls /first
	expect test -d "$(storage_of again)/cofferdam-work"
	expect podman rm -f -t 0 again
	expect_equal '' "$(find /var/lib/containers/storage/overlay -maxdepth 2 -name cofferdam-work)" 'work folders that are left'
	refute grep -e idmap-run -e cofferdam-work /proc/self/mountinfo
}

test_a_volatile_overlay_with_metacopy() {
	local runtime

	for runtime in crun runc; do
		expect podman --storage-opt overlay.mountopt=nodev,metacopy=on --runtime "$RUNTIMES/idmap-$runtime" run --rm --network none \
			"$LAYERED" /bin/sh -c 'grep " / overlay" /proc/mounts; chmod 0600 /owned/file; cat /owned/file /owned/top'
		expect_output metacopy=on
		expect_output volatile
		expect_output text
		expect_output top
	done
}

test_a_named_volume_is_the_containers() {
	trap 'podman volume rm -f kept' EXIT
	expect with crun run --rm --network none -v kept:/data "$LAYERED" /bin/sh -c 'echo here >/data/file; chown 9:9 /data/file'
	expect_equal 9:9 "$(stat -c %u:%g /var/lib/containers/storage/volumes/kept/_data/file)"
	expect with crun run --rm --network none -v kept:/data "$LAYERED" /bin/stat -c %u:%g /data/file
	expect_output 9:9
	podman volume rm -f kept
}

once_a_folder_of_the_host_stays_the_hosts() {
	local runtime

	mkdir host
	echo secret >host/file
	chmod 0600 host/file
	for runtime in crun runc; do
		expect with "$runtime" run --rm --network none -v "$PWD/host:/data" "$LAYERED" /bin/sh -c '
			stat -c %u:%g /data/file; cat /data/file; touch /data/new; echo end'
		expect_output 65534:65534
		refute_output secret
		expect_output end
		expect_equal file "$(ls host)"
	done
}

# tmpfs cannot be idmapped before 6.3: then podman's is used as it is, as everybody may write to it.
test_shared_memory_is_usable() {
	local runtime

	for runtime in crun runc; do
		expect with "$runtime" run --rm --network none "$LAYERED" /bin/sh -c 'touch /dev/shm/mine && stat -c "%u:%g %n" /dev/shm/mine; stat -c %a /dev/shm'
		expect_output '0:0 /dev/shm/mine'
		expect_output 1777
	done
}

test_pings_and_low_ports_of_podmans_network() {
	local pid

	trap 'podman rm -f -t 0 -i listens' EXIT
	expect with crun run -d --name listens "$LAYERED" /bin/nc -l -p 80
	pid=$(podman inspect -f '{{.State.Pid}}' listens)
	guest_wait 10 nsenter -n -t "$pid" grep -q ':0050 .* 0A ' /proc/net/tcp /proc/net/tcp6 || t_fail 'nobody listens on port 80'
	expect_equal 0 "$(nsenter -n -t "$pid" cat /proc/sys/net/ipv4/ip_unprivileged_port_start)"
	# shellcheck disable=SC2016
	expect nsenter -U -n -t "$pid" --setuid 0 --setgid 0 perl -e \
		'use Socket; socket(my $s, AF_INET, SOCK_DGRAM, 1) or die "no ping socket: $!"'
	podman rm -f -t 0 listens
	expect_equal 1024 "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" "the host's"
}

# runc before 1.2 joins the user namespace first and may then not enter the engine's network namespace (runc#4390).
once_executing_in_podmans_network() {
	trap 'podman rm -f -t 0 -i executes' EXIT
	expect with crun run -d --name executes "$LAYERED" /bin/sleep 300
	expect podman exec executes /bin/ls /sys/class/net
	expect_output eth0
}

once_devices_have_an_owner_whom_the_container_knows() {
	local runtime

	for runtime in crun runc; do
		expect with "$runtime" run --rm --network none --device /dev/zero:/dev/many:r "$LAYERED" /bin/sh -c '
			stat -c "%u:%g %t:%T" /dev/many; head -c 2 /dev/many | od -An -tx1'
		expect_output '0:0 1:5'
		expect_output '00 00'
	done
}

once_namespaces_of_another_container() {
	local runtime

	trap 'podman rm -f -t 0 -i leads' EXIT
	for runtime in crun runc; do
		expect with "$runtime" run -d --name leads "$LAYERED" /bin/sleep 300
		expect with "$runtime" run --rm --network container:leads --ipc container:leads "$LAYERED" /bin/sh -c '
			ls /sys/class/net; touch /dev/mqueue/queue /dev/shm/file && echo made'
		expect_output eth0
		expect_output made
		expect with "$runtime" run --rm --network none --pid container:leads "$LAYERED" /bin/cat /proc/1/comm
		expect_output sleep
		podman rm -f -t 0 leads
	done
}

test_containerd() {
	local runtime

	for runtime in crun runc; do
		expect ctr run --rm --runc-binary "$RUNTIMES/idmap-$runtime" "$GUEST_IMAGE" "overlay-$runtime" /bin/sh -c '
			cat /proc/self/uid_map; touch /new; rm /bin/vi; stat -c "%u:%g %n" / /new; grep " / " /proc/mounts'
		expect_output "$(printf '%10u %10u %10u' 0 $BASE 65536)"
		expect_output '0:0 /new'
		expect_output overlay
	done
}

# Its snapshots are directories that are bound to the root's place.
once_containerd_without_overlay() {
	local runtime

	for runtime in crun runc; do
		expect ctr run --rm --snapshotter native --runc-binary "$RUNTIMES/idmap-$runtime" "$GUEST_IMAGE" "native-$runtime" /bin/sh -c '
			touch /new; stat -c "%u:%g %n" / /new; grep " / " /proc/mounts'
		expect_output '0:0 /new'
		expect_output ext4
	done
}

once_many_containers_at_once() {
	local number pids='' failed=0

	for number in $(seq 6); do
		with crun run --rm --network none "$LAYERED" /bin/stat -c %u:%g /bin/sh >"out$number" 2>&1 </dev/null &
		pids="$pids $!"
	done
	for number in $pids; do
		wait "$number" || failed=$((failed + 1))
	done
	expect_equal 0 "$failed" "runs that failed ($(cat out*))"
	expect_equal 6 "$(cat out* | grep -c '^0:0$')"
}

test_the_host_is_as_it_was() {
	expect_equal '666 0:0' "$(stat -c '%a %u:%g' /dev/null)" '/dev/null'
	refute grep -e idmap-run -e cofferdam-work /proc/self/mountinfo
	expect_equal 0 "$(pgrep -c idmap || true)" 'processes that are left'
}

t_main "$@"
