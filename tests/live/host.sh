# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the live tests share, on top of the library of all shell tests: bundles for runtimes.

# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

LIVE_ROOTFS=/run/rootfs

# live_bundle DIR COMMAND...: a bundle as `runc spec` writes it, with the busybox tree as its root, without a terminal.
live_bundle() {
	local bundle=$1
	shift

	[ -d "$LIVE_ROOTFS" ] || { mkdir "$LIVE_ROOTFS" && tar -C "$LIVE_ROOTFS" -xf /run/stage/cofferdam/busybox.tar; }
	mkdir -p "$bundle"
	runc spec --bundle "$bundle"
	python3 - "$bundle/config.json" "$LIVE_ROOTFS" "$@" <<-'PYTHON'
		import json, sys
		path, rootfs, *command = sys.argv[1:]
		with open(path) as file:
		    config = json.load(file)
		config["process"].update(terminal=False, args=command)
		config["root"]["path"] = rootfs
		with open(path, "w") as file:
		    json.dump(config, file)
	PYTHON
}

# live_edit FILE CODE: Python on a JSON file, whose content is `c`.
live_edit() {
	python3 - "$1" "$2" <<-'PYTHON'
		import json, sys
		with open(sys.argv[1]) as file:
		    c = json.load(file)
		exec(sys.argv[2])
		with open(sys.argv[1], "w") as file:
		    json.dump(c, file)
	PYTHON
}
