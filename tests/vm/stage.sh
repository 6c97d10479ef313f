#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/vm/stage.sh DIR
# Fills DIR with what a VM gets laid over its root: the build as it would be installed, the tests, and a container image.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
stage=$1

install_build() {
	local name

	if [ -f deploy/install.mk ]; then
		flock "$build" make -s install BUILD="$build" DESTDIR="$stage" PREFIX=/usr/local >/dev/null
		return
	fi
	for name in cofferdam cofferdam-runtime cofferdam-hook; do
		[ ! -f "$build/$name" ] || install -D -m 0755 "$build/$name" "$stage/usr/local/bin/$name"
	done
	[ ! -f "$build/cofferdam-hook" ] ||
		install -D -m 0755 "$build/cofferdam-hook" "$stage/usr/local/libexec/cofferdam/cofferdam-hook"
	if [ -d profiles ]; then
		mkdir -p "$stage/usr/local/share/cofferdam/profiles"
		cp -r profiles/. "$stage/usr/local/share/cofferdam/profiles/"
	fi
}

# Programs that only tests need, linked statically by `make vm-bin`.
install_helpers() {
	local file

	for file in "$build"/vm-bin/*; do
		[ ! -x "$file" ] || install -D -m 0755 "$file" "$stage/usr/local/bin/$(basename "$file")"
	done
}

install_tests() {
	mkdir -p "$stage/cofferdam/tests/vm"
	cp tests/lib.sh "$stage/cofferdam/tests/"
	cp -r tests/vm/guest*.sh tests/vm/attacks.sh tests/vm/tests "$stage/cofferdam/tests/vm/"
}

# The tree of a container: busybox under the names of all its applets.
make_rootfs() {
	local root=$1 busybox applet
	busybox=$(command -v busybox)

	mkdir -p "$root"/{bin,dev,etc,proc,root,sys,tmp,var}
	chmod 1777 "$root/tmp"
	cp "$busybox" "$root/bin/busybox"
	for applet in $("$busybox" --list); do
		[ -e "$root/bin/$applet" ] || ln "$root/bin/busybox" "$root/bin/$applet"
	done
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
}

install_image() {
	local work
	work=$(mktemp -d)

	make_rootfs "$work"
	tar -C "$work" --numeric-owner --owner=0 --group=0 -cf "$stage/cofferdam/busybox.tar" .
	rm -rf "$work"
}

# The owner of the ranges that cofferdam gives to containers.
install_ranges() {
	mkdir -p "$stage/etc"
	printf 'cofferdam:1000000:65536000\n' | tee "$stage/etc/subuid" >"$stage/etc/subgid"
}

install_build
install_helpers
install_tests
install_image
install_ranges
