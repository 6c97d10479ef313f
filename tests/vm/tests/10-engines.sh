#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Engines with their own runtimes, without cofferdam: what fails here is not cofferdam's.
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/../guest.sh"

T_LIMIT=120

setup_file() {
	guest_podman_image && guest_containerd && guest_containerd_image
}

once_podman_runs_with_crun_a_network_and_a_volume() {
	trap 'podman volume rm -f kept' EXIT
	expect_status 42 podman --runtime crun run --rm -v kept:/data "$GUEST_IMAGE" \
		/bin/sh -c 'ip -4 address show dev eth0; echo here >/data/file; exit 42'
	expect_output 'inet 10.88.'
	expect podman --runtime crun run --rm --network none -v kept:/data "$GUEST_IMAGE" /bin/cat /data/file
	expect_output here
}

once_podman_runs_with_runc() {
	expect podman --runtime runc run --rm --network none "$GUEST_IMAGE" /bin/echo from-runc
	expect_output from-runc
}

once_podman_executes_in_a_running_container() {
	trap 'podman rm -f -t 0 running' EXIT
	expect podman run -d --name running --network none "$GUEST_IMAGE" /bin/sleep 300
	expect podman exec running /bin/cat /proc/1/cmdline
	expect_output sleep
}

once_containerd_runs_a_container() {
	expect ctr run --rm "$GUEST_IMAGE" first /bin/echo from-containerd
	expect_output from-containerd
}

once_containerd_limits_memory() {
	trap 'ctr tasks kill -s KILL limited; guest_wait 10 ctr tasks rm limited; ctr containers rm limited' EXIT
	expect ctr run -d --memory-limit 67108864 "$GUEST_IMAGE" limited /bin/sleep 300
	expect_equal 67108864 "$(cat "/sys/fs/cgroup/default/limited/memory.max")"
}

t_main "$@"
