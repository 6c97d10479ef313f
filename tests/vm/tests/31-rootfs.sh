#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Root filesystems that kernels answer for differently, through cofferdam-runtime. tests/live/37-rootfs.sh has the others.
# shellcheck source=tests/vm/guest.sh
. "$(dirname "$0")/../guest.sh"

SHIM=/usr/local/bin/cofferdam-runtime
T_LIMIT=120

setup_file() {
	guest_runtime crun
}

test_a_directory_on_tmpfs() {
	trap 'umount "$T_DIR/memory"' EXIT
	mkdir memory
	mount -t tmpfs tmpfs memory
	BUNDLE_WRITABLE=1 guest_bundle memory/bundle /bin/inside write /new text
	case $(uname -r) in
	6.1.*)
		refute "$SHIM" run --bundle memory/bundle memory
		expect_output "$T_DIR/memory/bundle/rootfs is on tmpfs, which cannot be idmapped on this kernel"
		;;
	*)
		expect "$SHIM" run --bundle memory/bundle memory
		expect_equal '0:0 text' "$(stat -c %u:%g memory/bundle/rootfs/new) $(cat memory/bundle/rootfs/new)" 'on disk'
		;;
	esac
	guest_nothing_left
}

# overlay OPTIONS TARGET: mount(2) itself, as mount(8) has a language of its own.
overlay() {
	# shellcheck disable=SC2016 # perl's
	perl -e '($options, $target) = @ARGV; $type = "overlay"; !syscall(165, $type, $target, $type, 0 + 0, $options) or die "$!"' "$@"
}

# mountinfo shows neither names as they are nor what is the kernel's default.
test_an_overlay_that_is_indexed_by_default_with_any_name() {
	local dir='/var/rootfs,:\ x' written='/var/rootfs\,\:\\ x'

	trap 'umount /var/rootfs*/merged; rm -rf /var/rootfs*; echo N >/sys/module/overlay/parameters/index' EXIT
	modprobe overlay
	echo Y >/sys/module/overlay/parameters/index
	mkdir -p "$dir"/{lower,upper,work,merged}
	guest_bundle bundle /bin/inside write /new text
	rmdir "$dir/lower" && mv bundle/rootfs "$dir/lower"
	overlay "lowerdir=$written/lower,upperdir=$written/upper,workdir=$written/work" "$dir/merged"
	sed -i 's|"root": .*|"root": { "path": "'"${dir/\\/\\\\\\\\}"'/merged", "readonly": false },|' bundle/config.json
	expect "$SHIM" run --bundle bundle indexed
	expect_equal '0:0 text' "$(stat -c %u:%g "$dir/upper/new") $(cat "$dir/merged/new")" 'on disk'
	guest_nothing_left
}

teardown_file() {
	guest_config
	rm -f /etc/cofferdam/runtime
}

t_main "$@"
