#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Volumes inside of volumes, and what is bound without a user namespace of ours, behind crun and runc and with podman.
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/../guest.sh"

SHIM=/usr/local/bin/cofferdam-runtime
T_LIMIT=180

setup_file() {
	mkdir -p /srv/outer/old /srv/inner
	echo nested >/srv/inner/file
	mkdir -p /etc/cofferdam/profiles.d
	printf '{ "cofferdam": 1, "name": "pinned", "extends": ["default"], "mounts": { "allow": [
		{ "source": "/srv/outer", "options": ["rw"] }, { "source": "/srv/inner" } ] } }\n' >/etc/cofferdam/profiles.d/pinned.json
	guest_podman_image && guest_inside_image
}

# nests RUNTIME USERNS
nests() {
	guest_config "{ \"runtimes\": [\"$(command -v "$1")\"], \"userns\": { \"mode\": \"$2\" }, \"default_profile\": \"pinned\" }"
	ln -sfn "$(command -v "$1")" /etc/cofferdam/runtime
	chmod 777 /srv/outer
	BUNDLE_MOUNTS=', { "destination": "/data", "type": "bind", "source": "/srv/outer", "options": ["bind"] },
		{ "destination": "/data/old", "type": "bind", "source": "/srv/inner", "options": ["rbind", "ro", "nosuid"] },
		{ "destination": "/data/new", "type": "bind", "source": "/srv/inner", "options": ["bind", "ro"] }' \
		guest_bundle bundle /bin/inside show /data/old/file /data/new/file /proc/self/mountinfo
	expect "$SHIM" run --bundle bundle nested
	expect_equal $'nested\nnested' "$(head -n 2 <<<"$T_OUTPUT")"
	expect_output ' /data/old ro,nosuid'
	expect_equal 1 "$(grep -c ' /data/old ' <<<"$T_OUTPUT")" 'mounts at /data/old'
	rmdir /srv/outer/new
	guest_nothing_left
}

test_mounts_inside_of_mounts_behind_crun() {
	nests crun require
	nests crun off
}

once_mounts_inside_of_mounts_behind_runc() {
	nests runc require
	nests runc off
}

once_podman_with_a_volume_inside_of_a_volume() {
	local runtime

	trap 'podman volume rm -f outer inner' EXIT
	podman volume create outer
	podman volume create inner
	for runtime in crun runc; do
		guest_runtime "$runtime"
		echo "for $runtime" >/var/lib/containers/storage/volumes/inner/_data/file
		expect shim_podman run --rm --network none -v outer:/data -v inner:/data/inner:ro "$GUEST_INSIDE" \
			/bin/inside show /data/inner/file
		expect_output "for $runtime"
		refute shim_podman run --rm --network none -v outer:/data -v inner:/data/inner:ro "$GUEST_INSIDE" \
			/bin/inside write /data/inner/file text
	done
	guest_nothing_left
}

shim_podman() {
	podman --runtime "$SHIM" "$@"
}

teardown_file() {
	rm -rf /srv/outer /srv/inner /etc/cofferdam/profiles.d
}

t_main "$@"
