#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Mounts in a forced user namespace, as engines ask for them: which files of the host root in the container may touch, and that
# the filesystems which its runtime makes belong to it. Every case with crun and with runc.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

T_LIMIT=120
SHIM=/usr/local/bin/cofferdam-runtime
HOST=/srv/cofferdam-mounts

setup_file() {
	mkdir -p /etc/cofferdam/profiles.d /sys/fs/cgroup/callers "$HOST"
	mount -t tmpfs -o mode=755 tmpfs "$HOST"
	mkdir "$HOST"/{plain,mapped,shown}
	for name in plain mapped shown; do
		(umask 077 && echo secret >"$HOST/$name/mine")
		echo open >"$HOST/$name/open"
	done
	chown 1000:1000 "$HOST"/{plain,mapped}/open
	cat >/etc/cofferdam/profiles.d/mounts.json <<-JSON
		{ "cofferdam": 1, "name": "mounts", "extends": ["default"], "mounts": { "allow": [
			{ "source": "$HOST/plain", "options": ["rw"] },
			{ "source": "$HOST/mapped", "options": ["rw", "idmap"] },
			{ "source": "$HOST/shown" }, { "source": "/usr/local/share" } ] } }
	JSON
}

teardown_file() {
	umount "$HOST"
}

bundle() {
	rm -f bundle/config.json
	live_bundle bundle "$@"
	live_edit bundle/config.json "
c['process']['capabilities'] = {name: ['CAP_' + n for n in 'CHOWN DAC_OVERRIDE FOWNER SETUID SETGID MKNOD'.split()]
    for name in ('bounding', 'effective', 'permitted')}"
}

# add DESTINATION TYPE SOURCE OPTION...
add() {
	live_edit bundle/config.json "
words = '''$*'''.split()
c['mounts'].append(dict(destination=words[0], type=words[1], source=words[2], options=words[3:]))"
}

# run: crun cannot load its device filter here; without a cgroup manager it shares its caller's cgroup.
run() {
	local option=''

	case $(readlink /etc/cofferdam/runtime) in *crun) option=--cgroup-manager=disabled ;; esac
	# shellcheck disable=SC2086
	(echo "$BASHPID" >/sys/fs/cgroup/callers/cgroup.procs; : | "$SHIM" $option run --bundle bundle mounts 2>&1 | cat)
}

# With all the capabilities over files that a container has.
test_root_has_no_rights_over_files_of_the_host_but_where_they_are_idmapped() {
	local runtime

	bundle /bin/sh -c '
		for place in plain mapped shown; do
			stat -c "%u:%g $place" /$place/mine
			for act in "cat /$place/mine" "touch /$place/new" "chown 5:5 /$place/mine" "chmod 0666 /$place/mine" "mv /$place/open /$place/moved"; do
				$act >/dev/null 2>&1 && echo "may $act"
			done
		done
		touch /system/new || chmod 0777 /system || echo closed'
	add /plain bind "$HOST/plain" rbind rw
	add /mapped bind "$HOST/mapped" rbind rw
	add /shown bind "$HOST/shown" rbind ro
	add /system bind /usr/local/share rbind ro # a layer that is thrown away
	for runtime in crun runc; do
		live_configure "$runtime" mounts
		expect run
		expect_equal '65534:65534 plain,0:0 mapped,may cat /mapped/mine,may touch /mapped/new,may chown 5:5 /mapped/mine,may chmod 0666 /mapped/mine,may mv /mapped/open /mapped/moved,65534:65534 shown,closed' \
			"$(grep -e : -e '^may' -e closed <<<"$T_OUTPUT" | grep -v -e '^touch' -e '^chmod' -e '^mv' | paste -sd,)" "behind $runtime"
		expect_equal '5:5 666 0:0 1000:1000' "$(stat -c '%u:%g %a' "$HOST/mapped/mine") $(stat -c %u:%g "$HOST/mapped/new" "$HOST/mapped/moved" | paste -sd' ')" 'on disk'
		expect_equal $'0:0 600\n0:0 600' "$(stat -c '%u:%g %a' "$HOST"/{plain,shown}/mine)" 'what is not idmapped'
		chown 0:0 "$HOST/mapped/mine" && chmod 0600 "$HOST/mapped/mine"
		mv "$HOST/mapped/moved" "$HOST/mapped/open" && rm "$HOST/mapped/new"
	done
}

test_a_path_of_the_host_that_no_profile_names_is_refused() {
	live_configure runc mounts
	bundle /bin/true
	add /data bind "$HOST" rbind ro
	refute run
	expect_output "$HOST"
	expect_output '[mount.host-path]'
	bundle /bin/true
	add /shown bind "$HOST/shown" rbind rw
	refute run
	expect_output 'the profile allows it read-only'
}

# What the runtime mounts is the container's, with the owners that are asked for.
test_filesystems_of_its_own() {
	local runtime

	for runtime in crun runc; do
		live_configure "$runtime" mounts
		# runc before 1.2 takes the mode of a directory that is there already for the tmpfs, so each has its own.
		bundle /bin/sh -c '
			stat -c "%u:%g %a %n" /tmp /cache-* /dev/pts/ptmx /dev/shm /dev
			stat -c "%a %n" /dev/mqueue /dev/null
			touch /tmp/a /dev/shm/a /dev/mqueue/a /dev/a
			chown 7:7 /tmp/a /dev/shm/a && stat -c "%u:%g %n" /tmp/a /dev/shm/a /dev/mqueue/a
			: >/dev/ptmx && echo terminals
			[ -O /dev/null ] || echo "not its own"
			grep -o " /cache-.* tmpfs [a-z,]*" /proc/mounts
			echo data >/dev/null; head -c 3 /dev/zero | od -An -tx1
			ls -d /proc/1/fd /sys/kernel >/dev/null && echo seen
			grep shared: /proc/self/mountinfo
			echo end'
		add /tmp tmpfs tmpfs nosuid nodev mode=1777
		add "/cache-$runtime" tmpfs tmpfs nosuid nodev noexec mode=0750 uid=33 gid=34 size=1m
		expect run
		expect_output "0:0 1777 /tmp"
		expect_output "33:34 750 /cache-$runtime"
		expect_output $'0:0 666 /dev/pts/ptmx\n0:0 1777 /dev/shm\n0:0 755 /dev\n1777 /dev/mqueue\n666 /dev/null'
		expect_output $'7:7 /tmp/a\n7:7 /dev/shm/a\n0:0 /dev/mqueue/a\nterminals'
		expect_output 'not its own'
		expect_output "/cache-$runtime tmpfs rw,nosuid,nodev,noexec"
		expect_output ' 00 00 00'
		expect_output seen
		refute_output shared:
		expect_output end
	done
	expect_equal '666 0:0' "$(stat -c '%a %u:%g' /dev/null)" "the host's /dev/null"
}

test_a_terminal_belongs_to_its_user_and_its_group_is_five() {
	local runtime

	for runtime in crun runc; do
		live_configure "$runtime" mounts
		bundle /bin/sh -c 'stat -L -c "%u:%g %a %F terminal" /proc/self/fd/0; tty; stat -c "%u:%g" /dev/console; : >/dev/tty && echo writes; exit'
		live_edit bundle/config.json "
c['process'].update(terminal=True, user=dict(uid=1000, gid=1000))"
		cat >on-a-terminal.py <<-'PYTHON'
			import os, pty, sys
			status = pty.spawn(sys.argv[1:], lambda fd: os.read(fd, 1024))
			sys.exit(os.waitstatus_to_exitcode(status))
		PYTHON
		case $runtime in
		crun) expect sh -c "echo \$\$ >/sys/fs/cgroup/callers/cgroup.procs; exec python3 on-a-terminal.py $SHIM --cgroup-manager=disabled run --bundle bundle mounts" ;;
		runc) expect python3 on-a-terminal.py "$SHIM" run --bundle bundle mounts ;;
		esac
		expect_output '1000:5 620 character special file terminal'
		expect_output writes
	done
}

# cgroup2 needs a cgroup namespace, and its own part of the tree; `ro` is what engines give.
test_the_cgroup_tree_is_its_own_and_read_only() {
	live_configure runc mounts
	bundle /bin/sh -c 'cat /proc/self/cgroup; grep cgroup2 /proc/mounts; ls /sys/fs/cgroup/cgroup.procs; mkdir /sys/fs/cgroup/sub || echo closed'
	live_edit bundle/config.json "
c['linux']['namespaces'] = [n for n in c['linux']['namespaces'] if n['type'] != 'cgroup'] + [{'type': 'cgroup'}]
c['mounts'] = [m for m in c['mounts'] if m['destination'] != '/sys/fs/cgroup']"
	add /sys/fs/cgroup cgroup cgroup nosuid noexec nodev relatime ro
	expect run
	expect_output '0::/'
	expect_output 'cgroup2 ro,nosuid,nodev,noexec'
	expect_output closed
	live_edit bundle/config.json "c['mounts'][-1]['options'] = ['nosuid', 'noexec', 'nodev', 'relatime', 'rw']"
	refute run
	expect_output '[mount.cgroup-writable]'
}

# What the host mounts later appears in a container that asks for it, and nothing goes the other way.
test_mounts_go_one_way() {
	local pid

	live_configure runc mounts
	mount --make-shared "$HOST"
	bundle /bin/sleep 300
	add /shown bind "$HOST/shown" rbind ro rslave
	expect "$SHIM" create --bundle bundle mounts
	trap '"$SHIM" delete --force mounts; umount "$HOST/shown"' EXIT
	pid=$("$SHIM" state mounts | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')
	mount -t tmpfs later "$HOST/shown"
	expect grep -c ' /shown .* master:.* - tmpfs later' "/proc/$pid/mountinfo"
	refute grep ' /shown .*shared:' "/proc/$pid/mountinfo"
}

t_main "$@"
