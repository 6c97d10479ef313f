#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The guard without engines: files, loading and attaching. Sockets are in 21-guard-net.sh.
# shellcheck source=tests/vm/guest-guard.sh
. "$(dirname "$0")/../guest-guard.sh"

test_every_feature_is_there() {
	expect guard-try features
	refute_output '=no'
}

pinned_programs() {
	ls /sys/fs/bpf/cofferdam/* | grep -c '^cfd_'
}

loaded_programs() {
	bpftool prog show | sed -n 's/^\([0-9]*\): .* name cfd_.*/\1/p' | paste -sd' '
}

test_a_second_load_finds_it_done() {
	local before
	before=$(loaded_programs)

	expect_equal "$(pinned_programs)" "$(echo "$before" | wc -w)" programs
	expect guard-try load
	expect_output 'exec=1 net=1 destinations=0'
	printf 'second load: %s\n' "$T_OUTPUT" >>"$T_TMP/times"
	expect_equal "$before" "$(loaded_programs)" 'ids of programs'
}

test_without_a_policy_everything_is_denied() {
	trap 'rmdir /sys/fs/cgroup/zeroed' EXIT
	expect_status 126 guard-try zero zeroed /bin/true
	expect_output EACCES
	expect guard-try state zeroed
	expect_output 'exec allowed=0 denied=1'
	expect guard-try events
	expect_output 'exec denied no-policy errno=EACCES'
}

test_what_the_image_brought_runs_and_shells_do_not() {
	started c1 deny
	acts ran ran
	acts ran exec /bin/other ran
	acts EACCES exec /bin/sh -c 'echo shell'
	acts EACCES exec /bin/busybox true
	acts EACCES exec /usr/bin/dash -c 'echo shell'
	acts EACCES exec /proc/self/root/bin/sh -c 'echo shell'
	acts ok symlink /bin/sh /tmp/link
	acts EACCES exec /tmp/link -c 'echo shell'
	acts EACCES exec /script
	acts ran exec /act-script
}

test_shells_run_where_they_are_allowed() {
	started c2 loose
	acts shell exec /bin/sh -c 'echo shell'
	acts shell exec /usr/bin/dash -c 'echo shell'
	acts 'script ran' exec /script
	acts ok copy /bin/other /tmp/loose-copy
	acts ran exec /tmp/loose-copy ran
}

deny_drift() {
	acts ok copy /bin/other /tmp/copy
	acts EACCES exec /tmp/copy ran
	acts ok copy /bin/busybox /tmp/sh
	acts EACCES exec /tmp/sh sh -c 'echo shell'
	acts ok link /bin/other /bin/linked
	acts EACCES exec /bin/linked ran
	acts ok rename /bin/linked /bin/renamed
	acts EACCES exec /bin/renamed ran
	acts EACCES memfd /bin/other ran
	[ "$(stat -f -c %T "$ROOT")" = overlayfs ] && [[ $(uname -r) = 6.1.* ]] || # which has no O_TMPFILE on overlays
		acts EACCES tmpfile /bin/other /tmp ran
	acts EACCES tmpfile /bin/other /dev ran
	acts ok copy /bin/other /dev/copy
	acts EACCES exec /dev/copy ran
	acts EPERM mmap /tmp/copy
	acts EPERM mmap /dev/copy
	acts ok mmap /bin/act
	acts ok mmap-read /tmp/copy
	acts ok mmap-anonymous
	acts ok write /tmp/new-script '#!/bin/act ran'
	acts EACCES exec /tmp/new-script
}

test_nothing_runs_that_the_image_did_not_bring() {
	started c4 image
	deny_drift
	acts EACCES deleted /bin/act-too
	acts EACCES exec /bin/other ran # it was linked, so it counts as changed from then on
	acts ran ran
}

test_the_same_on_an_overlay_of_one_filesystem() {
	new_root /var/guard
	started c5 image
	deny_drift
}

test_the_same_without_an_overlay() {
	ROOT=/var/guard/plain
	mkdir -p "$ROOT" /var/guard/volume
	cp -a "$LOWER/." "$ROOT/"
	cp "$LOWER$ACT" /var/guard/volume/act
	mkdir "$ROOT/volume"
	mount_inside
	mount --bind /var/guard/volume "$ROOT/volume"
	started c6 image
	acts ran exec /bin/other ran
	# a file that is older than the container and on the same filesystem, but mounted from elsewhere
	acts EACCES exec /volume/act ran
	acts EPERM mmap /volume/act
	deny_drift
}

test_without_image_only_the_image_shells_are_still_known() {
	started c7 shells
	acts ok copy /bin/other /tmp/c7-copy
	acts ran exec /tmp/c7-copy ran
	acts EACCES exec /bin/sh -c 'echo shell'
	acts EACCES exec /usr/bin/dash -c 'echo shell'
	acts ok link /usr/bin/dash /tmp/dash-link
	acts EACCES exec /tmp/dash-link -c 'echo shell'
}

test_a_shell_is_not_mapped_by_a_loader() {
	started c8 shells
	acts EPERM mmap /usr/bin/dash
	expect guard-try enter c8 c8 /bin/act exec /bin/ld.so /bin/other ran
	expect guard-try enter c8 c8 /bin/act exec /bin/ld.so /usr/bin/dash -c 'echo shell ran'
	refute_output 'shell ran'
	expect_output 'failed to map segment'
}

test_a_loader_runs_a_shell_where_shells_are_allowed() {
	started c9 image
	expect guard-try enter c9 c9 /bin/act exec /bin/ld.so /usr/bin/dash -c 'echo shell ran'
	expect_output 'shell ran'
}

test_init_starts_with_shells_and_then_the_door_closes() {
	started s1 startup /start.sh
	expect cat "$T_DIR/out"
	expect_output 'shell ran'
	expect_output ran
	expect guard-try state s1
	expect_output sealed=1
	acts EACCES exec /bin/sh -c 'echo shell'
	acts ran exec /bin/other ran
	expect guard-try events
	expect_output 'exec denied shell-sealed errno=EACCES comm=act path=/bin/busybox'
}

test_what_is_executed_beside_init_gets_no_shell_even_before() {
	started s2 startup /bin/sh -c 'while :; do /bin/busybox sleep 1; done # pause'
	acts EACCES exec /bin/sh -c 'echo shell'
	acts ran ran
	expect guard-try state s2
	expect_output sealed=0
	expect guard-try events
	expect_output 'exec denied shell-foreign'
}

test_init_that_is_no_shell_closes_the_door_at_once() {
	new_root
	expect guard-try run s3 "$PROFILES" startup "$ROOT" "$ACT" exec /bin/sh -c 'echo shell'
	expect_output EACCES
	rmdir /sys/fs/cgroup/s3
}

test_a_list_is_complete() {
	started l1 list /start.sh
	expect cat "$T_DIR/out"
	expect_output 'shell ran'
	expect_output EACCES # /bin/other is not on the list, also while starting
	acts ran ran
	acts EACCES exec /bin/other ran
	acts EACCES exec /bin/sh -c 'echo shell'
	acts EACCES exec /act-script
}

# Few are compared, many are halved: the programs' numbers lie before, within and behind those of the list.
once_a_long_list_is_complete() {
	local i

	for i in 1 2 3 4 5 6 7 8; do
		cp "$LOWER$ACT" "$LOWER/bin/many-$i"
	done
	profile many '"exec": {"shells": "deny", "image_only": true, "allow": ["/bin/act", "/bin/many-1", "/bin/many-2", "/bin/many-3",
		"/bin/many-5", "/bin/many-6", "/bin/many-7"]}, "net": {"connect": []}'
	started l2 many
	for i in 1 2 3 5 6 7; do
		acts ran exec "/bin/many-$i" ran
	done
	for i in other many-4 many-8 act-too; do
		acts EACCES exec "/bin/$i" ran
	done
	rm "$LOWER"/bin/many-?
}

test_the_runtime_may_execute_itself_in_the_cgroup() {
	started e1 deny
	expect guard-try enter-early e1 e1 "$ACT" ran
	expect_output ran
}

test_children_are_governed_and_neighbours_are_not() {
	started k1 deny
	mkdir /sys/fs/cgroup/k1/child
	CGROUP=k1/child
	acts EACCES exec /bin/sh -c 'echo shell'
	acts EPERM tcp 10.1.0.1 443
	expect /bin/sh -c 'echo outside'
	expect guard-act tcp 10.1.0.1 443
	expect_output ECONNREFUSED
}

test_a_policy_that_warns_tells_and_denies_nothing() {
	started w1 warn
	acts shell exec /bin/sh -c 'echo shell'
	acts ECONNREFUSED tcp 10.2.0.1 443
	expect guard-try events
	expect_output 'exec would-deny shell errno=EACCES'
	expect_output 'connect would-deny not-listed errno=EPERM comm=act path= family=2 type=1 protocol=6 address=::ffff:10.2.0.1 port=443'
	expect guard-try state w1
	expect_output 'exec allowed='
	expect_equal '' "$(grep ' denied=[1-9]' <<<"$T_OUTPUT" || true)" 'counted as denied'
}

test_events_say_what_happened() {
	started v1 deny
	guard-try events >/dev/null
	acts EACCES exec /bin/sh -c true
	acts EPERM sendto 10.2.0.1 53
	acts EACCES bind tcp 127.0.0.1 80
	expect guard-try events
	expect_output 'exec denied shell errno=EACCES comm=act path=/bin/busybox family=0'
	expect_output 'send denied not-listed errno=EPERM comm=act path= family=2 type=2 protocol=17 address=::ffff:10.2.0.1 port=53'
	expect_output 'bind denied not-listed errno=EACCES'
	expect_output "cgroup=$(stat -c %i /sys/fs/cgroup/v1)"
	expect_output '3 events'
	expect guard-try events
	expect_equal '0 events' "$T_OUTPUT"
}

test_allowed_events_only_on_request() {
	started v2 logged
	guard-try events >/dev/null
	acts ECONNREFUSED tcp 127.0.0.1 443
	expect guard-try events
	expect_output 'exec allowed none errno=0'
	expect_output 'connect allowed none errno=0'
	expect_equal 1 "$(printf '%s\n' "$T_OUTPUT" | grep -c '^connect')" 'events for one connect'
	acts ECONNREFUSED tcp 127.0.0.1 443 # what is remembered is told too
	expect guard-try events
	expect_output 'connect allowed none errno=0'
}

test_another_container_in_the_cgroup_is_refused() {
	started x1 deny
	refute guard-try attach x1 "$PROFILES" loose "$ROOT" $$
	expect_output EBUSY
	acts EACCES exec /bin/sh -c 'echo shell'
}

once_attaching_costs_the_same_for_the_first_and_the_last() {
	new_root
	expect guard-try many "$PROFILES" net "$ROOT"
	expect_output flat=yes
	[ "$(printf '%s\n' "$T_OUTPUT" | sed -n 's/^memory: \([0-9]*\) kB/\1/p')" -lt 8192 ] || t_fail 'uses 8 MiB or more'
	printf '%s\n' "$T_OUTPUT" >>"$T_TMP/times"
}

test_a_hook_that_was_killed_is_completed_by_the_next() {
	expect_status 126 guard-try zero half /bin/true # all attached, no policy yet
	started half deny
	acts ran ran
	acts EACCES exec /bin/sh -c 'echo shell'
}

# many_networks NAME PORT: a profile with 256 networks, its rules unlike those of another port.
many_networks() {
	profile "$1" "$(awk -v port="$2" 'BEGIN {
		printf "\"exec\": {\"shells\": \"allow\", \"image_only\": false}, \"net\": {\"listen\": [], \"connect\": ["
		for (i = 0; i < 256; i++)
			printf "%s{\"to\": \"10.1.%d.0/24\", \"port\": \"tcp/%d\"}", i ? "," : "", i, port
		printf "]}" }')"
}

# 64 times 256 rules fill the guard's 16384.
once_room_for_rules_is_made_and_a_lack_of_it_told() {
	local i

	new_root
	trap 'rmdir /sys/fs/cgroup/full-*; rm -f "$PROFILES"/full-*' EXIT
	guard-try collect
	for i in $(seq 64); do
		many_networks "full-$i" "$i"
		guard-try attach "full-$i" "$PROFILES" "full-$i" "$ROOT" $$
		rm "$PROFILES/full-$i.json" # every profile in the folder is read each time
	done
	many_networks full-65 65
	refute guard-try attach full-65 "$PROFILES" full-65 "$ROOT" $$
	expect_output 'no room for the 256 network rules'
	rmdir /sys/fs/cgroup/full-3
	expect guest_wait 20 guard-try attach full-65 "$PROFILES" full-65 "$ROOT" $$
}

once_rules_that_nobody_uses_are_collected() {
	started g1 net
	expect guard-try collect # what earlier tests left
	expect guard-try collect
	expect_equal '0 removed' "$T_OUTPUT"
	acts ok udp 10.1.0.1 53
	stop_container g1
	guest_wait 20 collects_something
	expect guard-try collect
	expect_equal '0 removed' "$T_OUTPUT"
	started g2 net
	acts ok udp 10.1.0.1 53
	acts EPERM udp 10.2.0.1 53
}

# A cgroup's state goes a little after the cgroup.
collects_something() {
	! guard-try collect | grep -q '^0 removed'
}

once_a_torn_set_is_loaded_anew() {
	local set
	set=$(ls /sys/fs/bpf/cofferdam)

	started t1 deny
	mkdir "/sys/fs/bpf/cofferdam/new-1" && mv "/sys/fs/bpf/cofferdam/$set/cfd_exec" /sys/fs/bpf/cofferdam/new-1/
	expect guard-try load
	expect_output 'exec=1 net=1'
	expect guard-try events
	expect_equal '0 events' "$T_OUTPUT" # what the loader was denied in its trial is nobody's denial
	expect_equal "$set" "$(ls /sys/fs/bpf/cofferdam)"
	acts EACCES exec /bin/sh -c 'echo shell' # what is attached stays
	stop_container t1
	started t3 deny
	acts EACCES exec /bin/sh -c 'echo shell'
}

once_an_older_version_goes_when_it_governs_nobody() {
	local pins=/sys/fs/bpf/cofferdam set
	set=$(ls "$pins")

	started o1 deny
	mv "$pins/$set" "$pins/older"
	expect guard-try load
	expect cofferdam gc
	expect_equal "$set older" "$(echo $(ls "$pins"))" 'versions while a container has the older'
	acts EACCES exec /bin/sh -c 'echo shell'
	stop_container o1
	expect guest_wait 20 older_is_collected
	expect grep "1 older versions" "$T_DIR/gc"
	expect_equal "$set" "$(ls "$pins")" 'versions afterwards'
	started o2 deny
	acts EACCES exec /bin/sh -c 'echo shell'
}

older_is_collected() {
	cofferdam gc >"$T_DIR/gc" && [ ! -e /sys/fs/bpf/cofferdam/older ]
}

has_programs() {
	[ "$(loaded_programs | wc -w)" -eq "$1" ]
}

once_loaders_at_once_load_once() {
	local i

	rm -r /sys/fs/bpf/cofferdam
	for i in 1 2 3; do
		guard-try load >"$T_DIR/$i" 2>"$T_DIR/$i.time" &
	done
	wait
	cat "$T_DIR"/*
	for i in 1 2 3; do
		expect grep 'exec=1 net=1' "$T_DIR/$i"
	done
	expect_equal 1 "$(ls /sys/fs/bpf/cofferdam | wc -l)" sets
	expect guest_wait 20 has_programs "$(pinned_programs)" # those of the set that was removed go a little later
}

once_a_loader_that_is_killed_leaves_nothing_that_looks_whole() {
	local i delay

	for i in 1 2 3 4; do
		delay=0.$((RANDOM % 4))$((RANDOM % 10))
		rm -rf /sys/fs/bpf/cofferdam
		guard-try load >/dev/null 2>&1 &
		sleep "$delay"
		kill -KILL $! 2>/dev/null || true
		wait
		expect guard-try load
		expect_output 'exec=1 net=1'
		expect_equal 1 "$(ls /sys/fs/bpf/cofferdam | wc -l)" "sets after a kill at $delay s"
	done
	started y1 deny
	acts EACCES exec /bin/sh -c 'echo shell'
}

teardown_file() {
	[ ! -f "$T_TMP/times" ] || cat "$T_TMP/times"
}

t_main "$@"
