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

# live_configure RUNTIME [PROFILE]: that runtime stands behind from now on, without the guard, and all images have that profile.
live_configure() {
	local runtime
	runtime=$(command -v "$1")

	ln -sfn "$runtime" /etc/cofferdam/runtime
	printf '{ "runtimes": ["%s"], "guard": { "exec": "off", "net": "off" }, "default_profile": "%s" }\n' "$runtime" \
		"${2:-default}" >/etc/cofferdam/cofferdam.json
}

# live_executes PID NAME: waits until it does. A start is over before the process that the runtime left executes the program.
live_executes() {
	local tries

	for tries in $(seq 200); do
		[ "$(cat "/proc/$1/comm")" = "$2" ] && return
		sleep 0.05
	done
	echo "no $2 after $tries tries"
	return 1
}

# live_fetch_runtimes SUITE...: the path of each Debian's runtimes (tests/vm/runtimes.sh), in /run/runtimes-SUITE.
live_fetch_runtimes() {
	local suite

	for suite in "$@"; do
		"$(dirname "${BASH_SOURCE[0]}")/../vm/runtimes.sh" "$suite" >"/run/runtimes-$suite" ||
			skip "the runtimes of $suite could not be fetched" || return
	done
}
