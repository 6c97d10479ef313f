#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# podman with cofferdam-runtime in front of crun and runc, and podman with nothing but the hook.
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/../guest.sh"

SHIM=/usr/local/bin/cofferdam-runtime
T_LIMIT=180

setup_file() {
	guest_podman_image && guest_inside_image
}

shim_podman() {
	podman --runtime "$SHIM" "$@"
}

test_run_with_the_default_network() {
	local runtime

	for runtime in crun runc; do
		guest_runtime "$runtime"
		expect shim_podman run --rm "$GUEST_INSIDE" /bin/inside show /proc/self/uid_map /proc/net/dev
		expect_output ' 65536'
		expect_output eth0
		guest_nothing_left
	done
}

test_a_named_volume_keeps_what_was_written() {
	local runtime

	trap 'podman volume rm -f kept' EXIT
	for runtime in crun runc; do
		guest_runtime "$runtime"
		expect shim_podman run --rm --network none -v kept:/data "$GUEST_INSIDE" /bin/inside write /data/file "by $runtime"
		expect shim_podman run --rm --network none -v kept:/data "$GUEST_INSIDE" /bin/inside show /data/file
		expect_output "by $runtime"
		expect_equal 0:0 "$(stat -c %u:%g "$(podman volume inspect -f '{{.Mountpoint}}' kept)/file")" 'owner on disk'
	done
}

once_what_a_container_writes_is_committed_with_its_own_ids() {
	trap 'podman rm -f -t 0 writer; podman rmi -f localhost/written' EXIT
	guest_runtime crun
	expect shim_podman run --name writer --network none "$GUEST_INSIDE" /bin/inside write /file text
	expect podman commit -q writer localhost/written
	expect shim_podman run --rm --network none localhost/written /bin/inside show /file
	expect_output text
}

# Behind crun alone: runc before 1.2 joins the user namespace first and may then not join the engine's network (runc#4390).
once_containers_of_a_pod_share_a_user_namespace() {
	guest_runtime crun
	trap 'podman rm -f -t 0 member; podman rm -f -t 0 first' EXIT
	expect shim_podman run -d --name first "$GUEST_INSIDE" /bin/inside sleep 300
	expect shim_podman run -d --name member --network container:first --ipc container:first --uts container:first \
		"$GUEST_INSIDE" /bin/inside sleep 300
	expect_equal "$(podman exec first /bin/inside show /proc/self/uid_map)" "$(podman exec member /bin/inside show /proc/self/uid_map)"
	expect podman exec member /bin/inside show /proc/net/dev
	expect_output eth0
	expect_equal 2 "$(ls /run/cofferdam/ranges | wc -l)" 'holders of the range'
	expect podman rm -f -t 0 member
	expect podman rm -f -t 0 first
	guest_nothing_left
}

denied() {
	guest_runtime "$1"
	trap 'podman rm -f -t 0 web' EXIT
	expect shim_podman run -d --name web --network none "$GUEST_INSIDE" /bin/inside sleep 300
	expect podman exec web /bin/inside show /proc/self/comm
	refute podman exec web sh -c 'echo in'
	expect podman exec web /bin/inside copy /bin/busybox /tmp/tool
	refute podman exec web /bin/inside run /tmp/tool sh -c 'echo in'
	expect_output EACCES
	refute podman exec web /bin/inside run /bin/busybox sh -c 'echo in'
	expect_output EACCES
	expect cofferdam status web
	expect podman rm -f -t 0 web
	guest_nothing_left
}

once_exec_of_a_shell_is_denied_behind_crun() {
	denied crun
}

once_exec_of_a_shell_is_denied_behind_runc() {
	denied runc
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

hooks() {
	mkdir -p hooks
	cp /usr/local/share/cofferdam/deploy/podman/*.json hooks/
	podman --runtime crun --hooks-dir "$PWD/hooks" "$@"
}

once_the_hook_alone_refuses_what_it_cannot_add() {
	guest_runtime crun
	refute hooks run --rm --network none "$GUEST_INSIDE" /bin/inside show /proc/self/comm
	expect tail -n 1 /var/log/cofferdam/audit.jsonl
	expect_output 'cannot'
	refute hooks run --rm --network none --cap-add SYS_ADMIN --security-opt no-new-privileges \
		--uidmap 0:2000000:65536 "$GUEST_INSIDE" /bin/inside show /proc/self/comm
	expect tail -n 2 /var/log/cofferdam/audit.jsonl
	expect_output CAP_SYS_ADMIN
	guest_nothing_left
}

# podman 5 writes no device rules for a container with a user namespace, which a hook cannot add.
once_the_hook_alone_insists_on_device_rules() {
	guest_runtime crun
	refute hooks run --rm --network none --security-opt no-new-privileges --uidmap 0:2000000:65536 \
		"$GUEST_INSIDE" /bin/inside show /proc/self/comm
	expect tail -n 1 /var/log/cofferdam/audit.jsonl
	expect_output 'linux.resources.devices does not begin by denying every device'
	guest_nothing_left
}

# So the user namespace, which a hook cannot add either, is left out by the administrator.
once_the_hook_alone_governs_what_it_lets_pass() {
	trap 'podman rm -f -t 0 web; guest_runtime crun' EXIT
	guest_config "{ \"runtimes\": [\"$(command -v crun)\"], \"userns\": { \"mode\": \"off\" } }"
	expect hooks run -d --name web --network none --security-opt no-new-privileges \
		"$GUEST_INSIDE" /bin/inside sleep 300
	refute podman exec web sh -c 'echo in'
	expect podman exec web /bin/inside show /proc/self/comm
	expect cofferdam status --json
	expect_output '"guard":{"exec":true,"net":true}'
	expect podman --hooks-dir "$PWD/hooks" rm -f -t 0 web
	guest_nothing_left
}

teardown_file() {
	guest_config
	rm -f /etc/cofferdam/runtime
}

t_main "$@"
