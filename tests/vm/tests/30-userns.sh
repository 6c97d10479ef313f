#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# User namespaces and idmapped files under engines, through idmap-run (tests/vm/bin), which does nothing else.
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/../guest.sh"

T_LIMIT=240
BASE=1000000
RUNTIMES=/run/idmap-test
LAYERED=$GUEST_LAYERED

setup_file() {
	local runtime

	mkdir -p "$RUNTIMES"
	for runtime in runc crun; do
		ln -sf /usr/local/bin/idmap-run "$RUNTIMES/idmap-$runtime"
	done
	guest_podman_image && guest_containerd && guest_containerd_image
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

# in_podman RUNTIME: what a container sees of its image, its network, its volume and its shared memory, and does to them.
# One podman run asks it all: each takes seconds, emulated.
in_podman() {
	trap 'podman volume rm -f kept' EXIT
	expect with "$1" run --rm -v kept:/data "$LAYERED" /bin/sh -c '
		cat /proc/self/uid_map
		stat -c "%u:%g %a %n" / /owned/file /owned/setuid /etc/resolv.conf /etc/hosts
		ls /bin/vi
		chown 5:6 /owned/file && echo more >>/owned/file && rm /owned/top && touch /new && stat -c "%u:%g %n" /owned/file /new
		ls /sys/class/net
		grep nameserver /etc/resolv.conf
		touch /dev/shm/mine && stat -c "%u:%g %n" /dev/shm/mine; stat -c "%a %n" /dev/shm
		echo here >/data/file; chown 9:9 /data/file; stat -c "%u:%g %n" /data/file'
	expect_output "$(printf '%10u %10u %10u' 0 $BASE 65536)"
	expect_output '0:0 555 /'
	expect_output '33:34 644 /owned/file'
	expect_output '0:0 4755 /owned/setuid'
	expect_output 'ls: /bin/vi: No such file'
	expect_output '5:6 /owned/file'
	expect_output '0:0 /new'
	expect_output eth0
	expect_output nameserver
	# tmpfs cannot be idmapped before 6.3: then podman's is used as it is, as everybody may write to it.
	expect_output '0:0 /dev/shm/mine'
	expect_output '1777 /dev/shm'
	expect_output '9:9 /data/file'
	expect_equal 9:9 "$(stat -c %u:%g /var/lib/containers/storage/volumes/kept/_data/file)" 'on disk'
}

test_podman_behind_crun() {
	in_podman crun
}

once_podman_behind_runc() {
	in_podman runc
}

once_a_volume_is_the_next_containers() {
	trap 'podman volume rm -f passed' EXIT
	expect with crun run --rm --network none -v passed:/data "$LAYERED" /bin/sh -c 'echo here >/data/file; chown 9:9 /data/file'
	expect with runc run --rm --network none -v passed:/data "$LAYERED" /bin/stat -c %u:%g /data/file
	expect_output 9:9
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
	trap - EXIT
	expect_equal '' "$(find /var/lib/containers/storage/overlay -maxdepth 2 -name cofferdam-work)" 'work folders that are left'
	refute grep -e idmap-run -e cofferdam-work /proc/self/mountinfo
}

# metacopy RUNTIME
metacopy() {
	expect podman --storage-opt overlay.mountopt=nodev,metacopy=on --runtime "$RUNTIMES/idmap-$1" run --rm --network none \
		"$LAYERED" /bin/sh -c 'grep " / overlay" /proc/mounts; chmod 0600 /owned/file; cat /owned/file /owned/top'
	expect_output metacopy=on
	expect_output volatile
	expect_output text
	expect_output top
}

test_a_volatile_overlay_with_metacopy() {
	metacopy crun
}

once_a_volatile_overlay_with_metacopy_behind_runc() {
	metacopy runc
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

once_pings_low_ports_and_exec_in_podmans_network() {
	local pid

	trap 'podman rm -f -t 0 -i listens' EXIT
	expect with crun run -d --name listens "$LAYERED" /bin/nc -l -p 80
	pid=$(podman inspect -f '{{.State.Pid}}' listens)
	guest_wait 10 nsenter -n -t "$pid" grep -q ':0050 .* 0A ' /proc/net/tcp /proc/net/tcp6 || t_fail 'nobody listens on port 80'
	expect_equal 0 "$(nsenter -n -t "$pid" cat /proc/sys/net/ipv4/ip_unprivileged_port_start)"
	# shellcheck disable=SC2016
	expect nsenter -U -n -t "$pid" --setuid 0 --setgid 0 perl -e \
		'use Socket; socket(my $s, AF_INET, SOCK_DGRAM, 1) or die "no ping socket: $!"'
	# Behind crun alone: runc before 1.2 joins the user namespace first and may then not enter the engine's network (runc#4390).
	expect podman exec listens /bin/ls /sys/class/net
	expect_output eth0
	expect_equal 1024 "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" "the host's"
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
	expect with crun run -d --name leads "$LAYERED" /bin/sleep 300
	for runtime in crun runc; do
		expect with "$runtime" run --rm --network container:leads --ipc container:leads "$LAYERED" /bin/sh -c '
			ls /sys/class/net; touch /dev/mqueue/queue-$$ /dev/shm/file && echo made'
		expect_output eth0
		expect_output made
		expect with "$runtime" run --rm --network none --pid container:leads "$LAYERED" /bin/cat /proc/1/comm
		expect_output sleep
	done
}

in_containerd() {
	expect ctr run --rm --runc-binary "$RUNTIMES/idmap-$1" "$GUEST_IMAGE" "overlay-$1" /bin/sh -c '
		cat /proc/self/uid_map; touch /new; rm /bin/ed; stat -c "%u:%g %n" / /new; grep " / " /proc/mounts'
	expect_output "$(printf '%10u %10u %10u' 0 $BASE 65536)"
	expect_output '0:0 /new'
	expect_output overlay
}

test_containerd_with_runc() {
	in_containerd runc
}

once_containerd_with_crun() {
	in_containerd crun
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

	for number in $(seq 4); do
		with crun run --rm --network none "$LAYERED" /bin/stat -c %u:%g /bin/sh >"out$number" 2>&1 </dev/null &
		pids="$pids $!"
	done
	for number in $pids; do
		wait "$number" || failed=$((failed + 1))
	done
	expect_equal 0 "$failed" "runs that failed ($(cat out*))"
	expect_equal 4 "$(cat out* | grep -c '^0:0$')"
}

test_the_doctor_finds_that_all_of_this_can_be_done() {
	expect sh -c "cofferdam doctor | grep '^ok  *\(overlay\|idmapped mounts\|range of ids\) '"
	expect_output 'one was mounted, and its files have the container'
	expect_output '/var/lib/containers/storage on ext4'
	expect_output '/var/lib/containerd on ext4'
	expect_output 'cofferdam has 1000 ranges from 1000000 on'
}

test_the_host_is_as_it_was() {
	expect_equal '666 0:0' "$(stat -c '%a %u:%g' /dev/null)" '/dev/null'
	refute grep -e idmap-run -e cofferdam-work /proc/self/mountinfo
	expect_equal 0 "$(pgrep -c idmap || true)" 'processes that are left'
}

t_main "$@"
