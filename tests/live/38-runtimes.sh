#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The forced user namespace behind six runtimes, those of three Debian suites: what engines do with a container works behind
# each of them, whatever they do differently (doc/runtimes.md).
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"
# shellcheck source=tests/vm/guest-matrix.sh
. "$(dirname "$0")/../vm/guest-matrix.sh"
GUEST_TAR=/run/stage/cofferdam/busybox.tar

SHIM=/usr/local/bin/cofferdam-runtime
HERE=$(cd "$(dirname "$0")/../.." && pwd)
SUITES='bookworm trixie sid'
T_LIMIT=240

setup_file() {
	# shellcheck disable=SC2086
	live_fetch_runtimes $SUITES || return
	mkdir -p /etc/cofferdam/profiles.d /run/volume /var/cache/cofferdam /var/log/cofferdam /sys/fs/cgroup/runtimes
	live_bundle /run/base /bin/sleep 300 && chmod -R a+rX "$LIVE_ROOTFS" && mkdir "$LIVE_ROOTFS/mnt" || return
	live_edit /run/base/config.json 'c["process"]["capabilities"]["ambient"] = []
c["process"].pop("rlimits", None)'
	cat >/etc/cofferdam/profiles.d/runtimes.json <<-'JSON'
		{ "cofferdam": 1, "name": "runtimes", "extends": ["default"], "capabilities": ["CHOWN", "KILL", "NET_BIND_SERVICE"],
		  "mounts": { "allow": [ { "source": "/run/volume", "options": ["rw", "idmap"] } ] } }
	JSON
	make_namespaces && (matrix_prepare /run/matrix) && enter_suites
}

# Namespaces as engines make them: the host owns them.
make_namespaces() {
	mkdir -p /run/netns /run/ipcns
	touch /run/netns/engine /run/ipcns/engine
	unshare --net=/run/netns/engine ip link set lo mtu 1234 && unshare --ipc=/run/ipcns/engine true
}

# A process in each suite's tree, whose mount namespace the runtimes are started in. What is mounted later is not seen there.
enter_suites() {
	local suite

	for suite in $SUITES; do
		setsid "$HERE/tests/inside-tree" "$(cat "/run/runtimes-$suite")/tree" /busybox sleep 3600 >/dev/null 2>&1 </dev/null &
		echo $! >"/run/session-$suite"
		until grep -q -a '^/busybox.sleep' "/proc/$!/cmdline"; do
			kill -0 $! || return
			sleep 0.02
		done
	done
}

teardown_file() {
	local suite

	matrix_show
	for suite in $SUITES; do
		[ ! -s "/run/session-$suite" ] || kill "$(cat "/run/session-$suite")"
	done
}

# stand_behind RUNTIME SUITE: it does from now on. crun cannot load its device filter on a build machine; without a cgroup
# manager it shares its caller's cgroup.
stand_behind() {
	RUNTIME=$1 SUITE=$2 GLOBAL=()
	[ "$1" = runc ] || GLOBAL=(--cgroup-manager=disabled)
	SESSION=$(cat "/run/session-$SUITE")
	BEHIND=/usr/bin/$RUNTIME
	[ ! -e "/proc/$SESSION/root/usr/sbin/$RUNTIME" ] || BEHIND=/usr/sbin/$RUNTIME
	printf '{ "runtimes": ["%s"], "default_profile": "runtimes", "guard": { "exec": "off", "net": "off" } }\n' \
		"$BEHIND" >/etc/cofferdam/cofferdam.json
}

# inside COMMAND...: in the suite's tree. PIPED: the file that is standard input, else a pipe is: some runtimes change the
# owner of what they find there.
inside() {
	(echo "$BASHPID" >/sys/fs/cgroup/runtimes/cgroup.procs
		if [ -n "${PIPED:-}" ]; then
			nsenter --mount --target "$SESSION" --wd="$PWD" "$@" <"$PIPED"
		else
			: | nsenter --mount --target "$SESSION" --wd="$PWD" "$@"
		fi)
}

shim() {
	inside "$SHIM" "${GLOBAL[@]}" "$@"
}

# bundle CODE: ./bundle, changed by Python on the configuration `c`.
bundle() {
	rm -rf bundle
	mkdir bundle
	cp /run/base/config.json bundle/
	live_edit bundle/config.json "$1"
}

clean() {
	shim delete --force web >/dev/null 2>&1 || true
}

# started: the container `web` of ./bundle runs its program; PID is its first process.
started() {
	expect shim create --bundle bundle --pid-file "$PWD/pid" web
	PID=$(cat pid)
	trap clean EXIT
	expect shim start web
	until [ "$(cat "/proc/$PID/comm")" = sleep ]; do
		kill -0 "$PID" || t_fail 'the program ended'
		sleep 0.02
	done
}

range_of() {
	readlink /run/cofferdam/containers/web@*/range | tr : ' '
}

# for_each CASE: behind each of the six. All are tried before the test fails, and each is told by name.
for_each() {
	local suite runtime failed=''

	for suite in $SUITES; do
		for runtime in crun runc; do
			stand_behind "$runtime" "$suite"
			rm -rf "$runtime-$suite"
			mkdir "$runtime-$suite"
			if ! (set -eEu; cd "$runtime-$suite" && "$1") >log 2>&1; then
				failed="$failed $runtime-$suite"
				tail -n 15 log
			fi
			T_CHECKS=$((T_CHECKS + 1))
		done
	done
	[ -z "$failed" ] || t_fail "$1: failed behind$failed"
}

# case_lifetime: create, start, exec as root and as somebody else, kill, delete.
case_lifetime() {
	bundle 'c["ociVersion"] = "1.2.1"' # as podman 5 writes it
	started
	expect_equal "0 $(range_of)" "$(tr -s ' ' <"/proc/$PID/uid_map" | sed 's/^ //')" uid_map
	expect_equal "0 $(range_of)" "$(tr -s ' ' <"/proc/$PID/gid_map" | sed 's/^ //')" gid_map
	expect shim exec web /bin/cat /proc/self/uid_map /proc/self/status
	expect_output "$(printf '%10u %10u %10u' 0 $(range_of))"
	expect_output 'Uid:	0	0'
	expect shim exec --user 1000:100 web /bin/cat /proc/self/status
	expect_output 'Uid:	1000	1000'
	expect_output 'Gid:	100	100'
	expect_status 3 shim exec web /bin/sh -c 'exit 3'
	expect shim kill web KILL
	until shim state web | grep -q stopped; do sleep 0.02; done
	expect shim delete web
	expect_equal '' "$(ls -A /run/cofferdam/containers /run/cofferdam/ranges | grep -v -e : -e '^$' || true)" 'left in /run/cofferdam'
}
test_create_start_exec_kill_delete() { for_each case_lifetime; }

# As conmon and containerd do it.
case_terminal() {
	bundle ''
	started
	expect "$HERE/tests/live/console.py" "$PWD/console" nsenter --mount --target "$SESSION" "$SHIM" "${GLOBAL[@]}" exec --detach --tty \
		--console-socket "$PWD/console" web /bin/sh -c 'tty; stat -c "%u %a" "$(tty)"; id -u; stty size >/dev/null && echo sized'
	expect_output /dev/pts/0
	expect_output $'\n0 6'
	expect_output sized
	clean
	bundle 'c["process"].update(terminal=True, args=["/bin/sh", "-c", "tty; stat -c %u $(tty); exec sleep 0"])'
	"$HERE/tests/live/console.py" "$PWD/console2" nsenter --mount --target "$SESSION" "$SHIM" "${GLOBAL[@]}" run --detach \
		--console-socket "$PWD/console2" --bundle "$PWD/bundle" web >out
	expect cat out
	expect_output /dev/ # /dev/console, or what it is bound to
	expect_output $'\n0'
}
test_a_terminal() { for_each case_terminal; }

EXEC_JOINED='ls /sys/class/net; cat /sys/class/net/lo/mtu; touch /dev/mqueue/by-exec; ls /dev/mqueue'

# case_joined: network and ipc namespace are an engine's. A path of sysfs, mqueue and a low port tell whose they are.
case_joined() {
	bundle '
for n in c["linux"]["namespaces"]:
    if n["type"] in ("network", "ipc"): n["path"] = "/run/" + n["type"][:3] + "ns/engine"'
	started
	expect_equal "$(stat -L -c %i /run/netns/engine)" "$(stat -L -c %i "/proc/$PID/ns/net")" 'network namespace'
	expect_equal "$(stat -L -c %i /run/ipcns/engine)" "$(stat -L -c %i "/proc/$PID/ns/ipc")" 'ipc namespace'
	expect shim exec web /bin/sh -c "$EXEC_JOINED"
	expect_output 1234
	expect_output by-exec
	expect shim exec --detach web /bin/sleep 0.1
	expect "$HERE/tests/live/console.py" "$PWD/console" nsenter --mount --target "$SESSION" "$SHIM" "${GLOBAL[@]}" exec --detach --tty \
		--console-socket "$PWD/console" --user 1000:100 web /bin/cat /sys/class/net/lo/mtu
	expect_output 1234
	nobody_helps
	expect_equal 0 "$(nsenter --net=/run/netns/engine cat /proc/sys/net/ipv4/ip_unprivileged_port_start)"
}
# nobody_helps: what answers a runtime's setns(2) has gone.
nobody_helps() {
	local tries

	for tries in $(seq 100); do
		pgrep -x cofferdam-runti >/dev/null || return 0
		sleep 0.05
	done
	t_fail "a cofferdam-runtime lives after $tries tries"
}

test_namespaces_of_an_engine() { for_each case_joined; }

# case_pod: two containers share the first one's ipc and uts namespaces, and the network that an engine made.
case_pod() {
	local first name

	bundle '
for n in c["linux"]["namespaces"]:
    if n["type"] == "network": n["path"] = "/run/netns/engine"'
	started
	first=$PID
	mkdir second
	cp bundle/config.json second/
	live_edit second/config.json "
c['process']['args'] = ['/bin/sleep', '301']
c.pop('hostname', None)
for n in c['linux']['namespaces']:
    if n['type'] in ('ipc', 'uts'): n['path'] = '/run/' + n['type'] + 'ns/pod'"
	for name in ipc uts; do
		mkdir -p "/run/${name}ns" && touch "/run/${name}ns/pod"
		expect inside /busybox mount --bind "/proc/$first/ns/$name" "/run/${name}ns/pod"
	done
	expect shim create --bundle second --pid-file "$PWD/pid2" web2
	trap 'clean; shim delete --force web2 >/dev/null 2>&1; inside /busybox umount /run/ipcns/pod /run/utsns/pod' EXIT
	expect shim start web2
	for name in user ipc uts net; do
		expect_equal "$(readlink "/proc/$first/ns/$name")" "$(readlink "/proc/$(cat pid2)/ns/$name")" "$name namespace"
	done
	expect shim exec web2 /bin/sh -c 'cat /sys/class/net/lo/mtu; hostname'
	expect_output 1234
	nobody_helps
}
test_a_pod() { for_each case_pod; }

# What is asked of each of them once: joins of namespaces after the user namespace's.
test_ways_are_found_by_asking() {
	expect_equal 'no no no yes yes yes' "$(readlink /run/cofferdam/ways/userns-first.* | sort | tr '\n' ' ' | sed 's/ $//')" \
		'answers of the six (runc before 1.2 has this way; crun 1.8 is not asked in a way that it knows)'
}

# case_files: id-mapped without the runtime's help; its own way is refused, as not each of them acts on it.
case_files() {
	bundle 'c["process"]["args"] = ["/bin/sh", "-c", "stat -c %u:%g /mnt/file && echo more >>/mnt/file && chown 7:8 /mnt/file"]
c["process"]["capabilities"] = dict.fromkeys(("bounding", "effective", "permitted"), ["CAP_CHOWN"])
c["mounts"].append({"destination": "/mnt", "type": "bind", "source": "/run/volume", "options": ["rbind", "rw"]})'
	echo text >/run/volume/file
	chown 5:6 /run/volume/file
	chmod 0666 /run/volume/file
	expect shim run --bundle bundle web
	expect_output 5:6
	expect_equal '7:8 text more' "$(stat -c %u:%g /run/volume/file | tr '\n' ' ')$(tr '\n' ' ' </run/volume/file | sed 's/ $//')" 'on disk'
	live_edit bundle/config.json 'c["mounts"][-1].update(uidMappings=[{"containerID": 0, "hostID": 500, "size": 10}], gidMappings=[{"containerID": 0, "hostID": 500, "size": 10}])'
	expect_status 1 shim run --bundle bundle web
	expect_output 'cofferdam: refused web'
	expect_output Mappings
}
test_id_mapped_files() { for_each case_files; }

# case_null: a node of the test's in the place of the host's /dev/null.
case_null() {
	mknod -m 0666 null c 1 3
	mknod -m 0666 sink c 1 3
	bundle ''
	PIPED=null expect shim create --bundle bundle --pid-file "$PWD/pid" web
	trap clean EXIT
	expect shim start web
	PIPED=null shim exec web /bin/true >sink 2>sink
	PIPED=null shim exec --user 1000:100 web /bin/true >sink 2>sink
	expect_equal $'666 0:0\n666 0:0' "$(stat -c '%a %u:%g' null sink)" 'owner of what was standard input and output'
}
test_devices_among_the_standard_streams_keep_their_owner() { for_each case_null; }

case_checkpoint() {
	bundle ''
	started
	expect_status 1 shim checkpoint --image-path "$PWD/images" web
	expect_output 'checkpoint is refused'
	expect_status 1 shim restore --bundle bundle --image-path "$PWD/images" back
	expect_output '[restore.checkpoint]'
	expect kill -0 "$PID"
}
test_checkpoint_and_restore_are_refused() { for_each case_checkpoint; }

matrix_bare() {
	shim run --pid-file "$PWD/pid" --bundle bundle "$1"
}

# Each of the six with each kind of root filesystem, bare: tests/vm/tests/31-matrix.sh has the other kernels, and engines.
test_the_matrix() {
	local suite runtime kind name

	MATRIX_DIR=/run/matrix
	for suite in $SUITES; do
		for runtime in crun runc; do
			stand_behind "$runtime" "$suite"
			name=$(sed -n "s/^$runtime /$runtime-/p" "$(cat "/run/runtimes-$suite")/versions")
			for kind in $MATRIX_KINDS; do
				PIPED=go matrix_add "$name" "$kind" bare
			done
		done
	done
	matrix_is_sound
}

test_the_machine_is_as_it_was() {
	expect_equal '666 0:0' "$(stat -c '%a %u:%g' /dev/null)" '/dev/null'
	refute grep -e cofferdam /proc/self/mountinfo
}

t_main "$@"
