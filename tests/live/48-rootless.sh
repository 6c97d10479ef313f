#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Engines that map ids themselves: those without root (uid 1000, and root of a user namespace of his, as podman makes one),
# and those with root that give a container its own mapping or have it join a user namespace.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

SHIM=/usr/local/bin/cofferdam-runtime
HOOK=/usr/local/libexec/cofferdam/cofferdam-hook
ALICE=1000
SUBIDS=100000
export RUNTIME_DIR=/run/user/$ALICE
RUNTIMES='crun runc'

# configure RUNTIME [MEMBER]: what the administrator has written.
configure() {
	mkdir -p /etc/cofferdam
	printf '{ "runtimes": ["%s"]%s }\n' "$(command -v "$1")" "${2:+, $2}" >/etc/cofferdam/cofferdam.json
	chmod 0644 /etc/cofferdam/cofferdam.json
}

partial() {
	configure "$1" '"rootless": "partial"'
}

# In a cgroup of Alice's, as systemd would delegate one: runc insists.
setup_file() {
	chmod 0755 /sys/fs/cgroup
	install -d -m 0711 /run/cofferdam
	install -d -m 0700 /run/cofferdam/containers # root has had containers too
	mkdir -p /sys/fs/cgroup/alice/session "$RUNTIME_DIR"
	chmod 0755 /run/user
	chmod 0700 "$RUNTIME_DIR"
	live_bundle "$T_TMP/template" /bin/true
	cp -a "$LIVE_ROOTFS" /run/alice
	chmod 0755 "$T_TMP"
	chown -R "$ALICE:$ALICE" /run/alice /sys/fs/cgroup/alice "$RUNTIME_DIR"
	start_namespace
}

# Lives as long as the tests; root maps it, as newuidmap(1) would.
start_namespace() {
	local kind

	setpriv --reuid "$ALICE" --regid "$ALICE" --clear-groups --pdeathsig KILL \
		unshare --user --mount --propagation private sh -c 'echo $$ && exec sleep infinity' >"$T_TMP/namespace" &
	until [ -s "$T_TMP/namespace" ]; do
		sleep 0.05
	done
	NAMESPACE=$(cat "$T_TMP/namespace")
	for kind in uid gid; do
		python3 -c 'import sys; open(sys.argv[1], "w").write(sys.argv[2])' "/proc/$NAMESPACE/${kind}_map" \
			"0 $ALICE 1
1 $SUBIDS 65536
"
	done
}

teardown_file() {
	kill "$NAMESPACE"
	umount /run/userns/* 2>/dev/null
	rm -rf /etc/cofferdam/cofferdam.json
}

clean_environment() {
	exec env -i PATH="$PATH" HOME=/tmp XDG_RUNTIME_DIR="$RUNTIME_DIR" "$@"
}

# user COMMAND...: as Alice. inside COMMAND...: as root of her namespace.
user() {
	(echo "$BASHPID" >/sys/fs/cgroup/alice/session/cgroup.procs
		clean_environment setpriv --reuid "$ALICE" --regid "$ALICE" --clear-groups --inh-caps=-all "$@")
}

inside() {
	(echo "$BASHPID" >/sys/fs/cgroup/alice/session/cgroup.procs
		clean_environment nsenter -t "$NAMESPACE" -U -m --setuid 0 --setgid 0 --wd="$PWD" "$@")
}

# write_bundle DIR CODE COMMAND...: as engines write it, without ambient capabilities, and as the Python changes it (`c`), in
# which maps(UIDS, GIDS) gives it a user namespace.
write_bundle() {
	local bundle=$1 code=$2
	shift 2

	mkdir -p "$bundle"
	python3 -S - "$T_TMP/template/config.json" "$bundle/config.json" "$code" "$@" <<-'PYTHON'
		import json, sys
		template, path, code, *command = sys.argv[1:]
		def maps(uids, gids):
		    c["linux"]["namespaces"].append({"type": "user"})
		    for key, lines in ("uidMappings", uids), ("gidMappings", gids):
		        c["linux"][key] = [dict(containerID=a, hostID=b, size=n) for a, b, n in lines]
		def alice():
		    maps([(0, 1000, 1)], [(0, 1000, 1)])
		    for mount in c["mounts"]:
		        mount["options"] = [option for option in mount.get("options", []) if not option.startswith("gid=")]
		c = json.load(open(template))
		c["process"]["capabilities"]["ambient"] = []
		c["process"]["args"] = command
		exec(code)
		json.dump(c, open(path, "w"))
	PYTHON
}

# bundle DIR CODE COMMAND...: of Alice's. In it alice() maps her own id alone.
bundle() {
	local directory=$1 code=$2
	shift 2

	chmod 0755 .
	write_bundle "$directory" 'c["root"]["path"] = "/run/alice"
c["linux"]["cgroupsPath"] = "/alice/box"
'"$code" "$@"
	chown -R "$ALICE:$ALICE" "$directory"
}

nothing_left() {
	expect_equal '' "$(ls -A "$RUNTIME_DIR/cofferdam/containers" "$RUNTIME_DIR/cofferdam/ranges" | grep -v -e : -e '^$' || true)" \
		'left in the directory of records'
}

test_without_the_administrators_word_it_is_refused() {
	local who

	rm -rf "$RUNTIME_DIR/cofferdam"
	bundle bundle '' /bin/true
	configure crun
	for who in user inside; do
		expect_status 1 "$who" "$SHIM" --log "/tmp/log-$who" --log-format json run --bundle bundle box
		expect_output 'refused box: configuration: the engine runs without root'
		expect_output 'no guard of what is executed and connected to'
		expect_output '`"rootless": "partial"` in /etc/cofferdam/cofferdam.json'
	done
	refute test -e "$RUNTIME_DIR/cofferdam"
	configure crun '"rootless": "refuse"'
	expect_status 1 inside "$SHIM" run --bundle bundle box
	expect_output '`"rootless": "partial"`'
	configure crun '"rootless": "full"'
	expect_status 1 inside "$SHIM" run --bundle bundle box
	expect_output '"refuse" or "partial"'
}

# governed WHO BUNDLE MAP: what is in force, of a container in the foreground.
governed() {
	local who=$1 bundle=$2 map=$3

	expect "$who" "$SHIM" run --bundle "$bundle" box
	expect_output 'Seccomp:	2'
	expect_output 'NoNewPrivs:	1'
	expect_output 'CapBnd:	0000000000000420'
	expect_output 'CapEff:	0000000000000420'
	expect_output "$map"
	expect_output 'masked'
	nothing_left
}

SHOW='grep -E "Seccomp:|NoNewPrivs|Cap(Bnd|Eff)" /proc/self/status; tr -s " " </proc/self/uid_map; [ -s /proc/timer_list ] || echo masked'

test_a_container_of_an_engine_in_a_user_namespace_is_contained_as_far_as_that_goes() {
	local runtime

	bundle bundle '' /bin/sh -c "$SHOW"
	for runtime in $RUNTIMES; do
		partial "$runtime"
		rm -rf "$RUNTIME_DIR/cofferdam"
		governed inside bundle " 0 $ALICE 1"
		expect_equal 1 "$(grep -c 'runs without root: no guard' "$RUNTIME_DIR/cofferdam/audit.jsonl")" 'notices'
		refute grep 'by their names' "$RUNTIME_DIR/cofferdam/audit.jsonl"
		expect grep '"type":"verdict","container":"box".*"verdict":"allowed"' "$RUNTIME_DIR/cofferdam/audit.jsonl"
		expect_equal "$ALICE 600" "$(stat -c '%u %a' "$RUNTIME_DIR/cofferdam/audit.jsonl")" 'owner and mode of the log'
	done
	expect_equal '' "$(ls -A /run/cofferdam/containers)" "root's records"
}

test_a_container_of_a_user_is_contained_as_far_as_that_goes() {
	local runtime

	bundle bundle 'alice()' /bin/sh -c "$SHOW"
	for runtime in $RUNTIMES; do
		partial "$runtime"
		governed user bundle " 0 $ALICE 1"
		expect tail -n 2 "$RUNTIME_DIR/cofferdam/audit.jsonl"
		expect_output 'mounts are made by their names'
	done
}

# lives WHO BUNDLE: a container in the background, an exec in it, what its user sees, its end.
lives() {
	local who=$1 bundle=$2

	expect "$who" "$SHIM" create --bundle "$bundle" box
	expect "$who" "$SHIM" start box
	expect "$who" cofferdam status
	expect_output 'box'
	expect_output 'without root: no guard of what is executed'
	expect "$who" cofferdam status box
	expect_output 'state     running'
	expect "$who" "$SHIM" exec box /bin/grep -E 'CapBnd|Seccomp:' /proc/self/status
	expect_output 'CapBnd:	0000000000000420'
	expect_output 'Seccomp:	2'
	expect_status 1 "$who" "$SHIM" exec --cap CAP_SYS_ADMIN box /bin/true
	expect_output 'cofferdam: refused exec in box'
	expect tail -n 1 "$RUNTIME_DIR/cofferdam/audit.jsonl"
	expect_output '"command":"exec"'
	expect_status 1 "$who" "$SHIM" exec --env LD_PRELOAD=/x.so box /bin/true
	expect_output 'refused exec in box'
	expect "$who" "$SHIM" delete --force box
	nothing_left
}

test_exec_is_judged_by_what_was_recorded() {
	local runtime

	bundle namespace '' /bin/sleep 300
	bundle user 'alice()' /bin/sleep 300
	trap 'inside "$SHIM" delete --force box; user "$SHIM" delete --force box' EXIT
	for runtime in $RUNTIMES; do
		partial "$runtime"
		lives inside namespace
		lives user user
	done
}

# What the runtime reads is a copy that cofferdam wrote; where it can mount, of what was judged, too.
test_what_was_judged_is_what_is_mounted() {
	bundle bundle '' /bin/sleep 300
	trap 'inside "$SHIM" delete --force box' EXIT
	partial crun
	expect inside "$SHIM" create --bundle bundle box
	expect python3 - "$RUNTIME_DIR"/cofferdam/containers/box@*/bundle/config.json <<-'PYTHON'
		import json, os, sys
		config = json.load(open(sys.argv[1]))
		assert config["root"]["path"] == os.environ["RUNTIME_DIR"] + "/cofferdam/stage/rootfs", config["root"]
	PYTHON
	refute ls "$RUNTIME_DIR/cofferdam/stage/rootfs/bin"
	expect_equal "$ALICE 600" "$(stat -c '%u %a' "$RUNTIME_DIR"/cofferdam/containers/box@*/bundle/config.json)" \
		'owner and mode of the private copy'
}

test_the_rules_refuse_as_ever() {
	local who

	bundle bundle 'c["process"]["capabilities"]["bounding"].append("CAP_SYS_ADMIN")
c["mounts"].append(dict(destination="/host", source="/etc", type="bind", options=["rbind"]))
c["linux"]["namespaces"] = [n for n in c["linux"]["namespaces"] if n["type"] != "network"]' /bin/true
	partial crun
	for who in user inside; do
		expect_status 1 "$who" "$SHIM" run --bundle bundle box
		expect_output 'refused box'
		expect_output '[capability.forbidden]'
		expect_output '[mount.host-tree]'
		expect_output '[namespace.host-network]'
		nothing_left
	done
}

# As `podman run --userns=keep-id` writes it: ids of the engine's own namespace, of which none is another's.
test_mappings_within_the_namespace_of_the_engine_pass() {
	local runtime

	bundle bundle 'lines = [(0, 1, 1000), (1000, 0, 1), (1001, 1001, 60000)]; maps(lines, lines)' /bin/cat /proc/self/uid_map
	for runtime in $RUNTIMES; do
		partial "$runtime"
		expect inside "$SHIM" run --bundle bundle box
		expect_output '      1000          0          1'
	done
	bundle overlap 'maps([(0, 1, 1000), (1000, 1000, 2)], [(0, 1, 1000)])' /bin/true
	expect_status 1 inside "$SHIM" run --bundle overlap box
	expect_output 'linux.uidMappings[1] 1000 1000 2: overlaps an earlier line'
	bundle others 'alice(); c["linux"]["uidMappings"][0]["hostID"] = 1001' /bin/true
	expect_status 1 user "$SHIM" run --bundle others box
	expect_output 'covers ids of the host below 65536'
	bundle more 'alice(); c["linux"]["gidMappings"][0]["size"] = 2' /bin/true
	expect_status 1 user "$SHIM" run --bundle more box
	expect_output 'linux.gidMappings[0] 0 1000 2: covers ids of the host below 65536'
}

test_a_directory_of_records_that_others_can_write_is_refused() {
	bundle bundle '' /bin/true
	partial crun
	trap 'chown "$ALICE:$ALICE" "$RUNTIME_DIR"; chmod 0700 "$RUNTIME_DIR"; RUNTIME_DIR=/run/user/$ALICE' EXIT
	chmod 0770 "$RUNTIME_DIR"
	expect_status 1 inside "$SHIM" run --bundle bundle box
	expect_output 'others can change it'
	chmod 0700 "$RUNTIME_DIR"
	mkdir other
	RUNTIME_DIR=$PWD/other
	expect_status 1 inside "$SHIM" run --bundle bundle box
	expect_output 'belongs to uid 65534, the engine is uid 0'
	expect_status 1 user "$SHIM" run --bundle bundle box
	expect_output 'belongs to uid 0, the engine is uid 1000'
	RUNTIME_DIR=relative
	expect_status 1 user "$SHIM" run --bundle bundle box
	expect_output 'no absolute path'
	RUNTIME_DIR=/nowhere
	expect_status 1 user "$SHIM" run --bundle bundle box
	expect_output "the engine's runtime directory (XDG_RUNTIME_DIR)"
}

# A user of the namespace is not its root, and not the host's.
test_a_configuration_that_others_could_have_written_is_refused() {
	bundle bundle '' /bin/true
	partial crun
	chown "$((SUBIDS + 5))" /etc/cofferdam/cofferdam.json
	expect_status 1 inside "$SHIM" run --bundle bundle box
	expect_output 'belongs to uid 6 with mode 0644'
	expect_status 1 user "$SHIM" run --bundle bundle box
	expect_output "belongs to uid $((SUBIDS + 5))"
	chown root /etc/cofferdam/cofferdam.json
	chmod 0666 /etc/cofferdam/cofferdam.json
	expect_status 1 inside "$SHIM" run --bundle bundle box
	expect_output 'with mode 0666'
	chmod 0600 /etc/cofferdam/cofferdam.json
	expect_status 1 user "$SHIM" run --bundle bundle box
	expect_output 'cofferdam.json'
}

# Whoever lets root run with a user's XDG_RUNTIME_DIR (sudo can) must not let that user choose root's runtime, or records.
test_the_directory_of_a_user_is_nothing_to_root() {
	local key=x@cbf29ce484222325

	partial runc
	mkdir -p "$RUNTIME_DIR/cofferdam/containers/$key"
	printf '#!/bin/sh\necho chosen by Alice\n' >"$RUNTIME_DIR/evil"
	chmod 0755 "$RUNTIME_DIR/evil"
	ln -sfn "$RUNTIME_DIR/evil" "$RUNTIME_DIR/cofferdam/containers/$key/runtime"
	chown -R "$ALICE:$ALICE" "$RUNTIME_DIR"
	trap 'rm -rf "$RUNTIME_DIR/evil" "$RUNTIME_DIR/cofferdam/containers/$key"' EXIT
	refute env XDG_RUNTIME_DIR="$RUNTIME_DIR" "$SHIM" state x
	refute_output 'chosen by Alice'
	refute env XDG_RUNTIME_DIR="$RUNTIME_DIR" "$SHIM" exec x /bin/true
	refute_output 'chosen by Alice'
	expect user "$SHIM" state x
	expect_output 'chosen by Alice'
}

# A hook alone can insist on nothing there; before cofferdam-runtime it leaves all to that.
test_podmans_hook_leaves_it_to_the_runtime() {
	local directory=$T_DIR/overlay-containers/$(printf '%064d' 1)/userdata

	partial crun
	mkdir -p "$directory"
	chmod 0755 "$T_DIR"
	bundle bundle '' /bin/true
	cp bundle/config.json "$directory/"
	cd "$directory"
	expect inside sh -c "'$HOOK' precreate --with-runtime <config.json >/tmp/amended && cmp config.json /tmp/amended"
	expect_status 1 inside sh -c "'$HOOK' precreate <config.json"
	expect_output 'the engine runs without root'
	configure crun
	expect_status 1 inside sh -c "'$HOOK' precreate --with-runtime <config.json"
	expect_output '"rootless": "partial"'
}

# --- engines with root

# root_bundle DIR CODE COMMAND...: its files belong to the container's root, 200000, as such an engine prepares them.
root_bundle() {
	local directory=$1 code=$2
	shift 2

	[ -d /run/mapped ] || { cp -a "$LIVE_ROOTFS" /run/mapped && chown -hR 200000:300000 /run/mapped; }
	write_bundle "$directory" 'c["root"] = dict(path="/run/mapped", readonly=False)
'"$code" "$@"
}

# The device filter cannot be loaded here by crun, and without a cgroup manager it shares its caller's cgroup.
root_run() {
	local runtime=$1 manager=()
	shift

	[ "$runtime" != crun ] || manager=(--cgroup-manager=disabled)
	configure "$runtime" '"guard": { "exec": "off", "net": "off" }'
	mkdir -p /sys/fs/cgroup/alone
	(echo "$BASHPID" >/sys/fs/cgroup/alone/cgroup.procs
		: | "$SHIM" ${manager[@]:+"${manager[@]}"} --root "$T_DIR/$runtime" run --bundle "$@")
}

test_an_engines_own_mapping_runs_as_the_engine_prepared_it() {
	local runtime

	root_bundle bundle 'maps([(0, 200000, 1000), (2000, 201000, 10)], [(0, 300000, 65536)])' \
		/bin/sh -c 'tr -s " " </proc/self/uid_map; tr -s " " </proc/self/gid_map; stat -c "%u:%g" /bin; : >/made'
	for runtime in $RUNTIMES; do
		rm -f /run/mapped/made
		expect root_run "$runtime" bundle own
		expect_output ' 0 200000 1000'
		expect_output ' 2000 201000 10'
		expect_output ' 0 300000 65536'
		expect_output '0:0'
		expect_equal 200000:300000 "$(stat -c %u:%g /run/mapped/made)" 'owner of what it made'
	done
	expect_equal '' "$(ls -A /run/cofferdam/ranges)" 'ranges of the pool'
}

test_what_reaches_the_host_or_another_container_is_refused() {
	root_bundle bundle 'maps([(0, 0, 65536)], [(0, 200000, 10), (5, 300000, 1)]); c["process"]["user"]["gid"] = 12' /bin/true
	expect_status 1 root_run runc bundle own
	expect_output 'linux.uidMappings[0] 0 0 65536: an identity mapping'
	expect_output 'linux.gidMappings[1] 5 300000 1: overlaps an earlier line: an id of the container'
	expect_output 'linux.gidMappings 12: a hole'
	root_bundle pool 'maps([(0, 1000000, 65536)], [(0, 200000, 65536)])' /bin/true
	expect_status 1 root_run runc pool own
	expect_output 'covers ids that cofferdam gives to its containers'
}

# pinned NAME UIDS GIDS: a user namespace bound to /run/userns/NAME, as CRI-O's pinns does it.
pinned() {
	local name=$1 process

	mkdir -p /run/userns
	: >"/run/userns/$name"
	unshare --user sh -c 'echo $$ && exec sleep infinity' >"$name.pid" &
	until [ -s "$name.pid" ]; do
		sleep 0.05
	done
	process=$(cat "$name.pid")
	python3 -c 'import sys; open(f"/proc/{sys.argv[1]}/uid_map", "w").write(sys.argv[2]); open(f"/proc/{sys.argv[1]}/gid_map", "w").write(sys.argv[3])' \
		"$process" "$2" "$3"
	mount --bind "/proc/$process/ns/user" "/run/userns/$name"
	kill "$process"
}

test_a_pinned_namespace_is_asked_for_its_mapping() {
	root_bundle bundle 'c["linux"]["namespaces"].append(dict(type="user", path="/run/userns/free"))' \
		/bin/sh -c 'tr -s " " </proc/self/uid_map'
	pinned free '0 200000 65536' '0 300000 65536'
	pinned host '0 200000 65536' '0 0 65536'
	expect root_run crun bundle own
	expect_output ' 0 200000 65536'
	live_edit bundle/config.json 'c["linux"]["namespaces"][-1]["path"] = "/run/userns/host"'
	expect_status 1 root_run crun bundle own
	expect_output 'linux.namespaces: gid_map[0] 0 0 65536: an identity mapping'
}

t_main "$@"
