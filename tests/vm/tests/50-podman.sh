#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# podman with cofferdam-runtime in front of crun and runc, and podman with nothing but the hook.
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/../guest.sh"

SHIM=/usr/local/bin/cofferdam-runtime
T_LIMIT=180

setup_file() {
	guest_inside_image
}

shim_podman() {
	podman --runtime "$SHIM" "$@"
}

# The second container has the default network, and finds what the first has written.
in_podman() {
	trap 'podman volume rm -f kept' EXIT
	guest_runtime "$1"
	expect shim_podman run --rm --network none -v kept:/data "$GUEST_INSIDE" /bin/inside write /data/file "by $1"
	expect shim_podman run --rm -v kept:/data "$GUEST_INSIDE" /bin/inside show /data/file /proc/self/uid_map /proc/net/dev
	expect_output "by $1"
	expect_output ' 65536'
	expect_output eth0
	expect_equal 0:0 "$(stat -c %u:%g /var/lib/containers/storage/volumes/kept/_data/file)" 'owner on disk'
	guest_nothing_left
}

test_a_network_and_a_volume_behind_crun() {
	in_podman crun
}

once_a_network_and_a_volume_behind_runc() {
	in_podman runc
}

once_what_a_container_writes_is_committed_with_its_own_ids() {
	trap 'podman rm -f -t 0 writer; podman rmi -f localhost/written' EXIT
	guest_runtime crun
	expect shim_podman run --name writer --network none "$GUEST_INSIDE" /bin/inside write /file text
	expect podman commit -q writer localhost/written
	expect shim_podman run --rm --network none localhost/written /bin/inside show /file
	expect_output text
}

# Behind runc, which before 1.2 has to be helped onto the engine's network (runc#4390); the others: tests/live/38-runtimes.sh.
once_containers_that_share_namespaces_behind_runc() {
	guest_runtime runc
	trap 'podman rm -f -t 0 member; podman rm -f -t 0 first' EXIT
	expect shim_podman run -d --name first "$GUEST_INSIDE" /bin/inside sleep 300
	expect shim_podman run -d --name member --network container:first --ipc container:first --uts container:first \
		"$GUEST_INSIDE" /bin/inside sleep 300
	expect podman exec member /bin/inside show /proc/1/uid_map /proc/net/dev
	expect_output eth0
	expect_equal "$(cat "/proc/$(podman inspect -f '{{.State.Pid}}' first)/uid_map")" "$(head -n 1 <<<"$T_OUTPUT")"
	expect_equal 2 "$(ls /run/cofferdam/ranges | wc -l)" 'holders of the range'
	expect podman rm -f -t 0 member
	expect podman rm -f -t 0 first
	trap - EXIT
	guest_nothing_left
}

# same_user_namespace: the member's is the pause container's, whose pid is in $PID.
same_user_namespace() {
	local member

	PID=$(podman inspect -f '{{.State.Pid}}' "$PAUSE")
	member=$(podman inspect -f '{{.State.Pid}}' member)
	expect_equal "$(stat -L -c %i "/proc/$PID/ns/user")" "$(stat -L -c %i "/proc/$member/ns/user")" 'the user namespace'
	expect grep ' 65536' "/proc/$member/uid_map"
	expect grep eth0 "/proc/$member/net/dev"
	expect_equal 2 "$(ls /run/cofferdam/ranges | wc -l)" 'holders of the range'
}

# A pod has a pause container; the others join its ipc and uts, and the network that podman has made. When that one was killed
# and is started again, all of these are new, and so is the user namespace.
once_containers_of_a_pod_share_a_user_namespace() {
	guest_runtime crun
	trap 'podman pod rm -f -t 0 pod' EXIT
	expect shim_podman pod create --name pod --infra-image "$GUEST_INSIDE" --infra-command '/bin/inside sleep 300'
	expect shim_podman run -d --pod pod --name member "$GUEST_INSIDE" /bin/inside sleep 300
	PAUSE=$(podman pod inspect -f '{{.InfraContainerID}}' pod)
	same_user_namespace
	kill -KILL "$PID"
	expect podman wait "$PAUSE"
	expect podman stop -t 0 member
	expect podman pod start pod
	same_user_namespace
	expect podman pod rm -f -t 0 pod
	trap - EXIT
	guest_nothing_left
}

# refused_exec RULE OPTION...: podman tells it, the audit log has it.
refused_exec() {
	expect_status 255 podman exec "${@:2}" web /bin/inside show /proc/self/comm
	expect_output 'cofferdam: refused exec in web'
	expect_output "[$1]"
	expect tail -n 1 /var/log/cofferdam/audit.jsonl
	expect_output '"command":"exec"'
	expect_output "\"rule\":\"$1\""
}

# What the container has is what an exec gets.
exec_passes() {
	local option before bounding

	bounding=$(grep CapBnd: "/proc/$(podman inspect -f '{{.State.Pid}}' web)/status")
	before=$(wc -l </var/log/cofferdam/audit.jsonl)
	for option in '' '--tty --interactive --user=1000 -e X=1 -w /bin'; do
		# shellcheck disable=SC2086
		expect podman exec $option web /bin/inside show /proc/self/status /proc/self/environ
		expect_output 'NoNewPrivs:	1'
		expect_output 'CapInh:	0000000000000000'
		expect_output "$bounding"
		expect_output LD_LIBRARY_PATH=/opt/lib
	done
	expect podman healthcheck run web
	expect_equal "$before" "$(wc -l </var/log/cofferdam/audit.jsonl)" 'lines in the audit log: nothing was to be said'
}

exec_is_denied() {
	refute podman exec web sh -c 'echo in'
	expect podman exec web /bin/inside copy /bin/busybox /tmp/tool
	refute podman exec web /bin/inside run /tmp/tool sh -c 'echo in'
	expect_output EACCES
	refute podman exec web /bin/inside run /bin/busybox sh -c 'echo in'
	expect_output EACCES
	expect cofferdam status web
}

limits_are_updated() {
	expect podman update --pids-limit 99 web
	expect_equal 99 "$(cat "/sys/fs/cgroup$(cut -d: -f3 "/proc/$(podman inspect -f '{{.State.Pid}}' web)/cgroup")/pids.max")" pids.max
}

# with_web RUNTIME COMMAND...: a container is there for all of them: to make one and to remove it takes seconds.
with_web() {
	local what

	guest_runtime "$1"
	trap 'podman rm -f -t 0 web' EXIT
	expect shim_podman run -d --name web --network none -e LD_LIBRARY_PATH=/opt/lib \
		--health-cmd '["/bin/inside", "show", "/proc/self/comm"]' --health-interval disable "$GUEST_INSIDE" /bin/inside sleep 300
	for what in "${@:2}"; do
		"$what"
	done
	expect podman rm -f -t 0 web
	trap - EXIT
	guest_nothing_left
}

wider_exec_is_refused() {
	refused_exec exec.capability --privileged
	refused_exec exec.user-range --user 70000
	refused_exec exec.env-loader -e LD_LIBRARY_PATH=/tmp
	refused_exec process.cwd -w /proc/self/fd/7
}

once_exec_behind_crun_gets_what_the_container_has_and_no_shell() {
	with_web crun exec_passes exec_is_denied
}

once_exec_behind_runc_gets_what_the_container_has_and_no_shell() {
	with_web runc exec_passes exec_is_denied
}

once_a_wider_exec_is_refused_and_limits_are_updated() {
	with_web crun wider_exec_is_refused limits_are_updated
}

once_a_refusal_reaches_who_typed_the_command() {
	guest_runtime crun
	expect_status 126 shim_podman run --rm --network none --cap-add SYS_ADMIN "$GUEST_INSIDE" /bin/inside show /proc/self/comm
	expect_output 'cofferdam: refused'
	expect_output CAP_SYS_ADMIN
	expect_status 126 shim_podman run --rm --network none --privileged "$GUEST_INSIDE" /bin/inside show /proc/self/comm
	expect_output 'cofferdam: refused'
	guest_nothing_left
}

# hooks RUNTIME STAGES ARGUMENT...: podman with RUNTIME and the hooks of those stages, in the place of hooks.d.
hooks() {
	local runtime=$1 stages=$2 stage
	shift 2

	rm -rf hooks && mkdir hooks
	for stage in $stages; do
		cp "/usr/local/share/cofferdam/deploy/podman/cofferdam-$stage.json" hooks/
	done
	podman --runtime "$runtime" --hooks-dir "$PWD/hooks" "$@"
}

ALL='precreate createRuntime poststop'
LATE='createRuntime poststop' # as where there is no precreate

# The owner from whose ids podman takes those of --userns=auto.
ids_for_auto() {
	grep -q ^containers: /etc/subuid || { echo containers:3000000:1048576 >>/etc/subuid && echo containers:3000000:1048576 >>/etc/subgid; }
}

# The files are as podman prepared them, the ids are podman's; everything else is cofferdam's.
once_a_range_of_podmans_own_is_left_as_it_is() {
	trap 'podman rm -f -t 0 web; podman volume rm -f mapped; guest_runtime crun' EXIT
	guest_runtime runc
	ids_for_auto
	expect shim_podman run -d --name web --network none --userns=auto -v mapped:/data "$GUEST_INSIDE" /bin/inside sleep 300
	expect grep -x ' *0 *3000000 *1024' "/proc/$(podman inspect -f '{{.State.Pid}}' web)/uid_map"
	expect_equal '' "$(ls -A /run/cofferdam/ranges)" 'ranges of the pool'
	expect cofferdam status --json
	expect_output '"guard":{"exec":true,"net":true}'
	expect podman exec web /bin/inside write /data/file text
	expect_equal 3000000:3000000 "$(stat -c %u:%g /var/lib/containers/storage/volumes/mapped/_data/file)" 'owner on disk'
	expect podman rm -f -t 0 web
	expect_status 126 shim_podman run --rm --network none --uidmap 0:0:65536 "$GUEST_INSIDE" /bin/inside show /proc/self/comm
	expect_output 'an identity mapping'
	guest_nothing_left
}

precreated() {
	local tidy='rm -f /etc/cofferdam/profiles.d/inside.json /etc/cofferdam/seccomp/inside.json'

	# shellcheck disable=SC2064 # expanded now
	trap "podman rm -f -t 0 web; $tidy" EXIT
	guest_runtime "$1"
	ids_for_auto
	mkdir -p /etc/cofferdam/profiles.d /etc/cofferdam/seccomp
	sed 's/ "fchmod",//' /usr/local/share/cofferdam/profiles/seccomp/docker-default.json >/etc/cofferdam/seccomp/inside.json
	echo '{ "cofferdam": 1, "name": "inside", "match": [ { "image": "localhost/inside:latest" } ], "extends": ["default"],
		"syscalls": { "extends": "inside" } }' >/etc/cofferdam/profiles.d/inside.json
	expect hooks "$1" "$ALL" run -d --name web --network none --userns=auto "$GUEST_INSIDE" /bin/inside sleep 300
	expect podman exec web /bin/inside show /proc/1/status /proc/self/uid_map
	expect_output 'Seccomp:	2'
	expect_output 'NoNewPrivs:	1'
	expect_output ' 3000000 '
	# The image's filter: fchmod is what it lacks.
	refute podman exec web /bin/inside copy /etc/passwd /tmp/copy
	expect_output ENOSYS
	refute podman exec web sh -c 'echo in'
	expect cofferdam status --json
	expect_output '"guard":{"exec":true,"net":true}'
	expect jq -e '.linux.resources.devices[0] == { "allow": false, "access": "rwm" }' "$(podman inspect -f '{{.OCIConfigPath}}' web)"
	expect hooks "$1" "$ALL" restart -t 0 web
	refute podman exec web sh -c 'echo in'
	expect hooks "$1" "$ALL" rm -f -t 0 web
	# shellcheck disable=SC2064
	trap "$tidy" EXIT
	guest_nothing_left
}

once_precreate_adds_what_podman_left_out_behind_crun() {
	precreated crun
}

once_precreate_adds_what_podman_left_out_behind_runc() {
	precreated runc
}

# Podman tells its user the exit status only; the words come from the hook.
once_a_refusal_of_precreate_reaches_who_typed_the_command() {
	guest_runtime crun
	ids_for_auto
	: >/run/docker.sock
	trap 'rm -f /run/docker.sock' EXIT
	refute hooks crun "$ALL" run --rm --network none --userns=auto -v /run/docker.sock:/var/run/docker.sock \
		"$GUEST_INSIDE" /bin/inside show /proc/self/comm
	expect_output 'cofferdam: refused'
	expect_output '[mount.engine-socket]'
	expect_output 'executing [cofferdam-hook precreate]: exit status 1'
	refute hooks crun "$ALL" run --rm --network none "$GUEST_INSIDE" /bin/inside show /proc/self/comm
	expect_output 'linux.namespaces has no user namespace, and a hook cannot add it'
	refute hooks crun "$ALL" run --rm --network none --userns=auto --cap-add SYS_ADMIN "$GUEST_INSIDE" /bin/inside show /proc/self/comm
	expect_output CAP_SYS_ADMIN
	guest_nothing_left
}

# --with-runtime: the shim adds the user namespace; who chooses another runtime is refused by createRuntime.
once_precreate_and_the_runtime_do_the_same_twice() {
	guest_runtime crun
	hooks "$SHIM" "$ALL" info >/dev/null
	sed -i '/args/s/"precreate"/"precreate", "--with-runtime"/' hooks/cofferdam-precreate.json
	expect grep -q with-runtime hooks/cofferdam-precreate.json
	expect podman --runtime "$SHIM" --hooks-dir "$PWD/hooks" run --rm "$GUEST_INSIDE" /bin/inside show /proc/self/uid_map /proc/self/status
	expect_output ' 65536'
	expect_output 'Seccomp:	2'
	refute podman --runtime crun --hooks-dir "$PWD/hooks" run --rm --network none "$GUEST_INSIDE" /bin/inside show /proc/self/comm
	expect tail -n 1 /var/log/cofferdam/audit.jsonl
	expect_output 'linux.namespaces has no user namespace'
	guest_nothing_left
}

# strict_filter: ./filter.json, as strict as the profile: what precreate makes of podman's own.
strict_filter() {
	guest_config "{ \"runtimes\": [\"$(command -v crun)\"], \"userns\": { \"mode\": \"off\" } }"
	hooks crun "$ALL" run --name filter --network none "$GUEST_INSIDE" /bin/inside show /proc/self/comm
	jq .linux.seccomp "$(podman inspect -f '{{.OCIConfigPath}}' filter)" >filter.json
	hooks crun "$ALL" rm filter
	guest_runtime crun
}

once_the_hook_alone_refuses_what_it_cannot_add() {
	guest_runtime crun
	refute hooks crun "$LATE" run --rm --network none "$GUEST_INSIDE" /bin/inside show /proc/self/comm
	expect tail -n 1 /var/log/cofferdam/audit.jsonl
	expect_output 'linux.seccomp, which a hook cannot change'
	refute hooks crun "$LATE" run --rm --network none --cap-add SYS_ADMIN --security-opt no-new-privileges \
		--uidmap 0:80000000:65536 "$GUEST_INSIDE" /bin/inside show /proc/self/comm
	expect tail -n 2 /var/log/cofferdam/audit.jsonl
	expect_output CAP_SYS_ADMIN
	guest_nothing_left
}

# podman 5 writes no device rules for a container with a user namespace, which a hook cannot add, but precreate does. So the
# user namespace, which a hook cannot add either, is left out by the administrator.
once_the_hook_alone_insists_on_device_rules_and_governs_what_it_lets_pass() {
	trap 'podman rm -f -t 0 web; guest_runtime crun' EXIT
	strict_filter
	refute hooks crun "$LATE" run --rm --network none --security-opt no-new-privileges --security-opt seccomp=filter.json \
		--uidmap 0:80000000:65536 "$GUEST_INSIDE" /bin/inside show /proc/self/comm
	expect tail -n 1 /var/log/cofferdam/audit.jsonl
	expect_output 'linux.resources.devices does not begin by denying every device'
	expect hooks crun "$ALL" run --rm --network none --uidmap 0:80000000:65536 "$GUEST_INSIDE" /bin/inside show /proc/self/comm
	guest_nothing_left
	guest_config "{ \"runtimes\": [\"$(command -v crun)\"], \"userns\": { \"mode\": \"off\" } }"
	expect hooks crun "$LATE" run -d --name web --network none --security-opt no-new-privileges \
		--security-opt seccomp=filter.json "$GUEST_INSIDE" /bin/inside sleep 300
	refute podman exec web sh -c 'echo in'
	expect podman exec web /bin/inside show /proc/self/comm
	expect cofferdam status --json
	expect_output '"guard":{"exec":true,"net":true}'
	expect hooks crun "$LATE" rm -f -t 0 web
	trap 'guest_runtime crun' EXIT
	guest_nothing_left
}

# --- without root

ALICE=1000

# alice COMMAND...: as an ordinary user with a session, and a cgroup of her own.
alice() {
	(echo "$BASHPID" >/sys/fs/cgroup/alice/session/cgroup.procs && cd /home/alice &&
		exec env -i PATH="$PATH" HOME=/home/alice XDG_RUNTIME_DIR="/run/user/$ALICE" \
			setpriv --reuid "$ALICE" --regid "$ALICE" --clear-groups "$@")
}

alice_podman() {
	alice podman --cgroup-manager cgroupfs --runtime "$SHIM" "$@"
}

make_alice() {
	mkdir -p /home/alice "/run/user/$ALICE" /sys/fs/cgroup/alice/session
	chmod 0700 "/run/user/$ALICE"
	grep -q ^alice: /etc/passwd || echo "alice:x:$ALICE:$ALICE::/home/alice:/bin/sh" >>/etc/passwd
	grep -q ^alice: /etc/group || echo "alice:x:$ALICE:" >>/etc/group
	grep -q ^alice: /etc/subuid || { echo alice:100000:65536 >>/etc/subuid && echo alice:100000:65536 >>/etc/subgid; }
	chown -R "$ALICE:$ALICE" /home/alice "/run/user/$ALICE" /sys/fs/cgroup/alice
}

# tests/live/48-rootless.sh has the rest, without podman.
once_podman_without_root_has_what_its_user_can_give() {
	local log=/run/user/$ALICE/cofferdam/audit.jsonl pid

	trap 'alice_podman rm -f -t 0 web; guest_runtime crun' EXIT
	make_alice
	expect alice podman load -q -i "$GUEST_ARCHIVE"
	guest_config "{ \"runtimes\": [\"$(command -v crun)\"], \"rootless\": \"partial\" }"
	expect alice_podman run -d --name web --network none -v kept:/data --userns=keep-id "$GUEST_INSIDE" /bin/inside sleep 300
	pid=$(sed -n 's/^\([0-9]*\):.*/\1/p' <<<"$(readlink "/run/user/$ALICE"/cofferdam/containers/*/init)")
	expect grep -x 'Seccomp:	2' "/proc/$pid/status"
	expect grep -x "Uid:	$ALICE	$ALICE	$ALICE	$ALICE" "/proc/$pid/status"
	expect grep '"engine":"podman","image":"localhost/inside:latest".*"verdict":"allowed"' "$log"
	expect alice cofferdam status
	expect_output 'web'
	expect_output 'without root: no guard'
	expect_status 255 alice_podman exec --privileged web /bin/inside show /proc/self/comm
	expect_output '[exec.capability]'
	expect_status 126 alice_podman run --rm --network none -v /etc:/host "$GUEST_INSIDE" /bin/inside show /proc/self/comm
	expect_output '[mount.host-tree]'
	expect alice_podman rm -f -t 0 web
	expect_equal '' "$(ls -A "/run/user/$ALICE/cofferdam/containers")" 'records left'
	guest_nothing_left
}

teardown_file() {
	guest_config
	rm -f /etc/cofferdam/runtime
}

t_main "$@"
