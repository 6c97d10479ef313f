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

# layer NAME OWNER:GROUP FILE...: adds files of $work/NAME to $image/NAME.tar.
layer() {
	local name=$1 owner=$2
	shift 2

	tar -C "$work/$name" --numeric-owner --no-recursion --owner="${owner%:*}" --group="${owner#*:}" -rf "$image/$name.tar" "$@"
}

# What overlays have to get right: files to copy up, an owner that is not root, a set-user-ID bit, a whiteout.
make_layers() {
	local work=$1 image=$2

	mkdir -p "$work"/middle/{bin,owned} "$work"/top/{bin,owned}
	install -m 0755 "$build/vm-bin/inside" "$work/middle/bin/inside"
	echo text >"$work/middle/owned/file"
	install -m 4755 "$work/base/bin/busybox" "$work/middle/owned/setuid"
	layer middle 33:34 owned owned/file
	layer middle 0:0 bin/inside owned/setuid
	: >"$work/top/bin/.wh.vi"
	echo top >"$work/top/owned/top"
	layer top 0:0 bin/.wh.vi owned/top
}

# The archive has the form of `docker save`, which podman and containerd read. One image has all the names that tests want:
# to make one costs an emulated engine seconds, and nothing here.
make_archive() {
	local image=$1 output=$2 layer ids=''

	for layer in base middle top; do
		ids="$ids${ids:+, }\"sha256:$(sha256sum <"$image/$layer.tar" | cut -d' ' -f1)\""
	done
	printf '{ "architecture": "amd64", "os": "linux", "config": {}, "rootfs": { "type": "layers", "diff_ids": [%s] } }\n' "$ids" \
		>"$image/config.json"
	printf '[{ "Config": "config.json", "Layers": ["base.tar", "middle.tar", "top.tar"], "RepoTags": [%s] }]\n' \
		'"localhost/busybox:latest", "localhost/inside:latest", "localhost/layered:latest"' >"$image/manifest.json"
	tar -C "$image" --numeric-owner --owner=0 --group=0 -cf "$output" manifest.json config.json base.tar middle.tar top.tar
}

install_image() {
	local work
	work=$(mktemp -d)

	mkdir "$work/image"
	make_rootfs "$work/base"
	tar -C "$work/base" --numeric-owner --owner=0 --group=0 -cf "$work/image/base.tar" .
	cp "$work/image/base.tar" "$stage/cofferdam/busybox.tar"
	if [ -f "$build/vm-bin/inside" ]; then
		make_layers "$work" "$work/image"
		make_archive "$work/image" "$stage/cofferdam/images.tar"
	fi
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
