#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/vm/kernel.sh KERNEL       (6.1, 6.12 or 7.2)
# Prints a folder of the cache with a Debian cloud kernel to boot: vmlinuz, initrd, modules.img and version.
#
# The packages are fetched with an apt state of our own, verified by apt, and unpacked, never installed. virtio, ext4 and
# their like are modules in these kernels, so the initrd holds the few that lead to the root disk; all of them are on a
# disk of their own, which keeps the image of user space the same for every kernel.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
. tests/vm/cache.sh

ROOT_MODULES='virtio_pci virtio_blk ext4'

suite_of() {
	case $1 in
	6.1) echo bookworm ;;
	6.12) echo trixie ;;
	7.2) echo sid ;;
	*) die "no kernel $1: there are 6.1, 6.12 and 7.2" ;;
	esac
}

# private_apt STATE COMMAND...: apt with its sources, lists and archives in STATE, and nothing of the machine's. sid's list of
# packages is valid for a week only; its age does not matter here, its signature does.
private_apt() {
	local state=$1 command=$2
	shift 2

	"$command" -q -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State="$state" -o Dir::State::Lists="$state/lists" -o Dir::State::status="$state/status" \
		-o Dir::Cache="$state/cache" -o APT::Sandbox::User=root -o APT::Update::Error-Mode=any \
		-o Acquire::Check-Valid-Until=false "$@"
}

update_lists() {
	local state=$1 mirror

	mkdir -p "$state/lists" "$state/cache"
	: >"$state/status"
	while read -r mirror; do
		sources_line "$mirror" "$SUITE" >"$state/sources.list"
		private_apt "$state" apt-get update && return
	done < <(mirrors)
	die "no mirror of Debian among this machine's apt sources serves $SUITE (COFFERDAM_MIRROR=URL names one)"
}

# The meta package leads to the packages that hold files: one (bookworm, trixie), or four (sid).
kernel_packages() {
	private_apt "$1" apt-cache depends --recurse --important linux-image-cloud-amd64 |
		grep -E '^linux-(image|base|binary|modules)-[0-9].*-cloud-amd64$' | sort -u
}

unpack_packages() {
	local state=$1 tree=$2 deb packages

	packages=$(kernel_packages "$state")
	mkdir -p "$state/debs" "$tree"
	# shellcheck disable=SC2086 # names of packages, one word each
	(cd "$state/debs" && private_apt "$state" apt-get download $packages)
	for deb in "$state"/debs/*.deb; do
		dpkg -x "$deb" "$tree"
	done
	mkdir -p "$tree/boot"
	# lib is a symbolic link on a merged system, and here
	if [ -d "$tree/lib" ]; then
		mkdir -p "$tree/usr"
		cp -a --link "$tree/lib" "$tree/usr/"
		rm -rf "${tree:?}/lib"
	fi
	ln -s usr/lib "$tree/lib"
}

find_vmlinuz() {
	find "$1/boot/" "$1/usr/lib/modules/" -name 'vmlinuz*' -type f -print -quit
}

# plain_module FILE DESTINATION: busybox's insmod reads no compressed modules.
plain_module() {
	case $1 in
	*.xz) xz -dc "$1" >"$2" ;;
	*.zst) zstd -qdc "$1" >"$2" ;;
	*) cp "$1" "$2" ;;
	esac
}

make_initrd() {
	local tree=$1 version=$2 output=$3 work number=10 module path
	work=$(dirname "$tree")/initrd

	mkdir -p "$work"/{bin,modules,proc,sys,dev,root}
	cp "$(command -v busybox)" "$work/bin/busybox"
	cp tests/vm/guest/initrd-init "$work/init"
	chmod 0755 "$work/init"
	for module in $ROOT_MODULES; do
		modprobe -d "$tree" -S "$version" --show-depends "$module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r path; do
		path=$(realpath "$path")
		plain_module "$path" "$work/modules/$number-$(basename "$path" | sed 's/\.ko.*/.ko/')"
		number=$((number + 1))
	done
	[ -n "$(ls "$work/modules")" ] || die "kernel $version: found none of the modules $ROOT_MODULES"
	(cd "$work" && find . | cpio --quiet -o -H newc | gzip -1) >"$output"
}

make_modules_disk() {
	local modules=$1 output=$2 size
	size=$(du -sm "$modules" | cut -f1)

	mke2fs -q -t ext4 -O '^has_journal' -m 0 -d "$modules" "$output" "$((size + size / 8 + 8))M"
}

build_kernel() {
	local output=$1 work tree vmlinuz version
	work=$output/work tree=$work/tree

	say "kernel $KERNEL: fetching Debian's $SUITE kernel"
	update_lists "$work"
	unpack_packages "$work" "$tree"
	version=$(ls "$tree/usr/lib/modules")
	case $version in
	"$KERNEL".*) ;;
	*) die "$SUITE now has kernel $version, not $KERNEL" ;;
	esac
	vmlinuz=$(find_vmlinuz "$tree")
	[ -n "$vmlinuz" ] || die "no vmlinuz in the packages of $version"
	cp "$vmlinuz" "$output/vmlinuz"
	depmod -b "$tree" "$version"
	make_initrd "$tree" "$version" "$output/initrd"
	make_modules_disk "$tree/usr/lib/modules" "$output/modules.img"
	printf '%s\n' "$version" >"$output/version"
	rm -rf "$work"
	say "kernel $KERNEL: made $version ($(du -sm "$output" | cut -f1) MB)"
}

if [ $# -eq 3 ] && [ "$1" = --build ]; then
	loud
	KERNEL=$2
	SUITE=$(suite_of "$KERNEL")
	build_kernel "$3"
	exit
fi
[ $# -eq 1 ] || die 'usage: tests/vm/kernel.sh KERNEL'
suite_of "$1" >/dev/null
need apt-get dpkg busybox cpio gzip xz zstd modprobe depmod mke2fs flock sha256sum
[ -r "$KEYRING" ] || die "missing: $KEYRING (Debian: apt-get install debian-archive-keyring)"
key=$(cat tests/vm/kernel.sh tests/vm/cache.sh tests/vm/guest/initrd-init "$(command -v busybox)" | cache_key)
cache_get "kernel-$1" "$key" tests/vm/kernel.sh --build "$1"
