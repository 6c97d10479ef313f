#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What podman does with the files of a container that cofferdam-runtime has started: it sees them with the ids of the image.
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/../guest.sh"

SHIM=/usr/local/bin/cofferdam-runtime
T_LIMIT=400

setup_file() {
	guest_inside_image && guest_runtime crun
}

shim_podman() {
	podman --runtime "$SHIM" "$@"
}

once_files_of_a_container_that_runs_and_of_one_that_is_stopped() {
	trap 'podman rm -f -t 0 -i files; podman rmi -f localhost/kept' EXIT
	echo theirs >in && chown 5:6 in
	expect shim_podman run -d --name files --network none "$GUEST_INSIDE" /bin/inside sleep 300
	expect podman exec files /bin/inside write /made mine
	# It runs.
	expect podman diff files
	expect_output 'A /made'
	expect podman cp files:/made out
	expect_equal 'mine 0:0' "$(cat out) $(stat -c %u:%g out)" 'copied out'
	expect podman cp files:/owned/file owned
	expect_equal 'text' "$(cat owned)" 'copied out'
	refute podman cp in files:/given # podman is root of the host, which is nobody there
	expect_output 'value too large'
	expect podman commit -q files localhost/kept
	# It does not.
	expect podman stop -t 0 files
	expect podman diff files
	expect_output 'A /made'
	expect podman cp files:/made stopped
	expect_equal mine "$(cat stopped)" 'copied out'
	expect podman cp in files:/given
	expect podman start files
	expect podman exec files /bin/inside show /given /made
	expect_output $'theirs\nmine'
	expect_equal '0:0 0:0' "$(cd "$(podman inspect -f '{{.GraphDriver.Data.UpperDir}}' files)" && echo $(stat -c %u:%g given made))" 'on disk'
	expect podman rm -f -t 0 files
	expect shim_podman run --rm --read-only --network none localhost/kept /bin/inside show /made /proc/self/uid_map
	expect_output mine
	expect_output ' 65536'
	refute shim_podman run --rm --read-only --network none localhost/kept /bin/inside write /other text
	expect_output 'EROFS'
	expect podman rmi -f localhost/kept
	trap - EXIT
	guest_nothing_left
	expect_equal '' "$(find /var/lib/containers/storage/overlay -maxdepth 2 -name cofferdam-work)" 'work folders that are left'
}

teardown_file() {
	guest_config
	rm -f /etc/cofferdam/runtime
}

t_main "$@"
