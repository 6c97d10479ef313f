#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What images do as root, and then as other users, in a user namespace that is forced on them: a database that prepares its
# volume, a web server that binds port 80, a package manager, su and set-user-ID programs. The root filesystem is this
# machine's own, below an overlay that is thrown away: what is on disk then has the ids that an image would have.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

T_LIMIT=120
SHIM=/usr/local/bin/cofferdam-runtime
DISK=/run/workloads
VOLUME=/srv/workloads

setup_file() {
	case $(findmnt -no FSTYPE /) in
	overlay | fuse*) skip "the root of this machine is on $(findmnt -no FSTYPE /), which cannot be a layer" || return ;;
	esac
	mkdir -p /etc/cofferdam/profiles.d /sys/fs/cgroup/callers "$DISK" "$VOLUME"
	mount -t tmpfs -o mode=755 workloads "$VOLUME"
	# Images are made for engines that let set-user-ID programs be.
	cat >/etc/cofferdam/profiles.d/workloads.json <<-JSON
		{ "cofferdam": 1, "name": "workloads", "extends": ["default"], "no_new_privileges": false,
		  "mounts": { "allow": [ { "source": "$VOLUME", "options": ["rw", "idmap"] } ] } }
	JSON
}

teardown_file() {
	umount "$VOLUME"
}

# image: an overlay at ./root over the machine's own root and what the tests bring, with $UPPER on top.
image() {
	UPPER=$DISK/$1/upper
	mkdir -p "$DISK/$1"/{upper,work,image} root bundle
	mkdir -p "$DISK/$1"/image/{opt,work}
	cp /usr/local/bin/tenant "$DISK/$1/image/opt/tenant"
	mount -t overlay overlay -o "lowerdir=$DISK/$1/image:/,upperdir=$UPPER,workdir=$DISK/$1/work" root
}

# bundle COMMAND...: with what Docker gives by default, and a network of its own.
bundle() {
	rm -f bundle/config.json
	live_bundle bundle "$@"
	live_edit bundle/config.json "
c['root'] = {'path': '$T_DIR/root', 'readonly': False}
c['process'].update(noNewPrivileges=False, env=['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C'])
c['process'].pop('rlimits', None)
c['process']['capabilities'] = {name: ['CAP_' + n for n in 'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE'.split()]
    for name in ('bounding', 'effective', 'permitted')}
c['mounts'] += [dict(destination='/data', type='bind', source='$VOLUME', options=['rbind', 'rw']),
    dict(destination='/tmp', type='tmpfs', source='tmpfs', options=['nosuid', 'nodev', 'mode=1777'])]"
}

# run: its streams are pipes, as engines make them. crun cannot load its device filter here; without a cgroup manager it
# shares its caller's cgroup.
run() {
	local option=''

	case $(readlink /etc/cofferdam/runtime) in *crun) option=--cgroup-manager=disabled ;; esac
	# shellcheck disable=SC2086
	(echo "$BASHPID" >/sys/fs/cgroup/callers/cgroup.procs; : | "$SHIM" $option run --bundle bundle workload 2>&1 | cat)
}

# ranges_from BASE
ranges_from() {
	sed -i "s/^cofferdam:.*/cofferdam:$1:65536000/" /etc/subuid /etc/subgid
}

# behind RUNTIME CASE
behind() {
	trap 'umount "$T_DIR/root"; find "$VOLUME" -mindepth 1 -delete; ranges_from 1000000' EXIT
	live_configure "$1" workloads
	image "$2-$1"
	"$2"
}

# As postgres' image: root makes the directories and gives them away, and the server insists that they are its own. The second
# container has other ids on the host, and finds what the first has left, a file's capability too.
database() {
	local base

	bundle /bin/bash -ec '
		id -u
		mkdir -p /data/pg /var/run/postgres
		chmod 0700 /data/pg
		find /data/pg \! -user 999 -exec chown 999:999 {} +
		chown 999:999 /var/run/postgres; chmod 3775 /var/run/postgres
		[ -e /data/serve ] || { cp /opt/tenant /data/serve; setcap cap_net_bind_service+ep /data/serve; }
		exec setpriv --reuid=999 --regid=999 --clear-groups /bin/bash -ec "rm -f /data/pg/socket
			/data/serve sockets | grep port; /opt/tenant data /data/pg; touch /var/run/postgres/.s.PGSQL.5432; stat -c \"%u:%g %a %n\" /data/pg /data/pg/WAL /var/run/postgres"'
	for base in 1000000 30000000; do
		ranges_from "$base"
		expect run
		expect_output 'port ok'
		expect_output $'create ok\nallocate ok\nsync ok\nrename ok\ndirectory ok\nsync ok\nsocket ok\nmode ok'
		expect_output '999:999 700 /data/pg'
		expect_output '999:999 600 /data/pg/WAL'
		expect_output '999:999 3775 /var/run/postgres'
		expect_equal '999:999 700' "$(stat -c '%u:%g %a' "$VOLUME/pg")" 'the volume on disk'
		expect_equal "$VOLUME/serve cap_net_bind_service=ep" "$(getcap -n "$VOLUME/serve")" 'for root of no user namespace in particular'
		expect_equal '999:999 3775' "$(stat -c '%u:%g %a' "$UPPER/run/postgres")" 'on disk'
	done
}

test_a_database_prepares_its_volume_behind_crun() {
	behind crun database
}

test_a_database_prepares_its_volume_behind_runc() {
	behind runc database
}

# As nginx' image: the logs are links to the standard streams, the port is bound by root, the work is somebody else's. The
# streams are the engine's pipes, which belong to the host's root until the runtime gives them to the container's user.
web() {
	bundle /bin/bash -ec '
		mkdir -p /var/log/web
		ln -sf /dev/stdout /var/log/web/access.log; ln -sf /dev/stderr /var/log/web/error.log
		echo started >>/var/log/web/error.log
		exec perl -e '\''
			use Socket; use POSIX; use IO::Handle; my $s;
			socket($s, AF_INET, SOCK_STREAM, 0) && bind($s, sockaddr_in(80, INADDR_ANY)) && listen($s, 8) or die "port 80: $!\n";
			open(my $log, ">>", "/var/log/web/access.log") or die "log: $!\n"; $log->autoflush(1);
			if (my $worker = fork) { waitpid($worker, 0); exit($? >> 8) }
			$( = 33; $) = "33 33"; POSIX::setuid(33) or die "setuid: $!\n";
			die "still root\n" if $< == 0 or $> == 0 or POSIX::setuid(0);
			print $log "worker $< ", getsockname($s) ? "serves\n" : "lost it\n";
			kill(0, getppid) and die "may signal the master\n";
			print $log "done\n"'\'''
	expect run
	expect_output started
	expect_output 'worker 33 serves'
	expect_output done
}

test_a_web_server_binds_80_and_logs_to_its_streams_behind_crun() {
	behind crun web
}

test_a_web_server_binds_80_and_logs_to_its_streams_behind_runc() {
	behind runc web
}

# package: ./tried.deb, with what packages have: owners, modes, set-user-ID, a directory of a user of its own, and a script that
# makes the user, gives a file a capability and keeps a link.
package() {
	local tree=package

	mkdir -p $tree/{DEBIAN,opt/tried,var/lib/tried}
	printf 'Package: tried\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: none\n' >$tree/DEBIAN/control
	cat >$tree/DEBIAN/postinst <<-'SH'
		#!/bin/sh
		set -e
		useradd --system --no-create-home --home-dir /var/lib/tried --shell /usr/sbin/nologin tried
		chown tried:tried /var/lib/tried
		setcap cap_net_bind_service+ep /opt/tried/serve
		ln -sf /opt/tried/serve /usr/bin/tried
	SH
	chmod 0755 $tree/DEBIAN/postinst
	for name in tool serve; do install -m 0755 /usr/local/bin/tenant $tree/opt/tried/$name; done
	chmod 4755 $tree/opt/tried/tool
	chown 0:42 $tree/var/lib/tried && chmod 2770 $tree/var/lib/tried
	dpkg-deb --build $tree "$1" >/dev/null
}

packages() {
	package "$VOLUME/tried.deb"
	mkdir archive && touch archive/{a,b} && chown 1:65534 archive/a && chown 65535:5 archive/b && chmod 6755 archive/b
	tar -C archive -cf "$VOLUME/archive.tar" a b
	bundle /bin/bash -ec '
		dpkg -i /data/tried.deb
		dpkg -s tried | grep Status
		user=$(id -u tried)
		stat -c "%u:%g %a %n" /opt/tried/tool
		[ "$(stat -c "%u:%a" /var/lib/tried)" = "$user:2770" ] && echo directory of its user
		getcap /opt/tried/serve
		setpriv --reuid=tried --regid=tried --clear-groups /usr/bin/tried sockets | grep port
		setpriv --reuid=tried --regid=tried --clear-groups /opt/tried/tool who
		tar -C /opt -xpf /data/archive.tar && stat -c "%u:%g %a %n" /opt/a /opt/b
		mknod /opt/node c 1 3 || echo no nodes
		dpkg --purge tried && ! test -e /opt/tried && echo removed
		echo end'
	expect run
	expect_output 'Status: install ok installed'
	expect_output '0:0 4755 /opt/tried/tool'
	expect_output 'directory of its user'
	expect_output '/opt/tried/serve cap_net_bind_service=ep'
	expect_output 'port ok'
	expect_output "uids $(awk -F: '$1 == "tried" { print $3 }' "$UPPER/etc/passwd") 0 0"
	expect_output '1:65534 644 /opt/a'
	expect_output '65535:5 6755 /opt/b'
	expect_output 'no nodes'
	expect_output removed
	expect_output end
	expect_equal $'1:65534\n65535:5' "$(stat -c %u:%g "$UPPER/opt/a" "$UPPER/opt/b")" 'on disk'
}

test_a_package_manager_behind_crun() {
	behind crun packages
}

test_a_package_manager_behind_runc() {
	behind runc packages
}

# Root becomes somebody; somebody becomes root by a set-user-ID program, and that goes back for good.
becoming() {
	bundle /bin/bash -ec '
		su -s /bin/sh www-data -c "id -un; id -G"
		runuser -u games -- id -un
		cp /opt/tenant /opt/su; chmod 4755 /opt/su
		cp /opt/tenant /opt/groups; chgrp shadow /opt/groups; chmod 2755 /opt/groups
		for user in www-data 1234; do setpriv --reuid=$user --regid=33 --clear-groups /opt/su who; done
		setpriv --reuid=1234 --regid=33 --clear-groups /opt/groups who
		setpriv --reuid=1234 --regid=33 --clear-groups /opt/su become 1000
		setpriv --reuid=1234 --regid=33 --clear-groups chage -l root | head -n 1
		setpriv --reuid=1234 --regid=33 --clear-groups cat /etc/shadow || echo closed
		setpriv --reuid=65535 --regid=65535 --clear-groups id -u
		setpriv --reuid=65536 --regid=33 --clear-groups id -u || echo nobody there'
	expect run
	expect_output $'www-data\n33'
	expect_output games
	expect_output $'uids 33 0 0\ngids 33 33 33\nuids 1234 0 0'
	expect_output "gids 33 $(stat -c %g "$UPPER/opt/groups") $(stat -c %g "$UPPER/opt/groups")"
	expect_output $'groups ok\ngid ok\nuid ok\nback EPERM\nnow 1000:1000'
	expect_output closed
	expect_output 65535
	expect_output 'nobody there'
}

test_users_become_others_behind_crun() {
	behind crun becoming
}

test_users_become_others_behind_runc() {
	behind runc becoming
}

# The default profile says no_new_privileges: a set-user-ID program gives nobody more than its caller had.
test_under_the_default_profile_set_user_id_gives_nothing() {
	trap 'umount "$T_DIR/root"' EXIT
	live_configure runc workloads
	sed -i 's/"workloads"/"default"/' /etc/cofferdam/cofferdam.json
	image default
	install -m 4755 /usr/local/bin/tenant root/opt/su
	bundle /opt/su who
	live_edit bundle/config.json "
c['process']['user'] = {'uid': 1234, 'gid': 33}
c['mounts'] = [m for m in c['mounts'] if m['destination'] != '/data']"
	expect run
	expect_output 'uids 1234 1234 1234'
}

t_main "$@"
