#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/vm/image.sh
# Prints a folder of the cache with the VM's user space: root.img (Debian with engines and runtimes), packages (their list).
set -eu -o pipefail
cd "$(dirname "$0")/../.."
. tests/vm/cache.sh

SUITE=trixie
PACKAGES='podman netavark aardvark-dns nftables crun runc containerd iproute2 iptables kmod busybox-static util-linux
	mount procps uidmap bpftool libcap2-bin jq'
# What tests/vm/tests/26-workloads.sh runs in containers whose root is the guest's.
WORKLOADS='nginx redis-server python3-minimal curl libpq5 libreadline8t64'
UNPACKED=postgresql-client-17 # without the perl that its scripts want
SIZE=3G # mostly empty, and sparse

make_tree() {
	local mirror=$1 tree=$2

	sources_line "$mirror" "$SUITE" |
		mmdebstrap --variant=essential --include="$(printf '%s' "$PACKAGES $WORKLOADS" | tr -s '[:space:]' ,)" \
			--customize-hook="cd \"\$1/tmp\" && APT_CONFIG=\$MMDEBSTRAP_APT_CONFIG apt-get -qq download $UNPACKED && dpkg -x $UNPACKED*.deb \"\$1\" && rm -f $UNPACKED*.deb" \
			--keyring="$KEYRING" --aptopt='APT::Install-Recommends "false"' "$SUITE" "$tree" -
}

trim_tree() {
	local tree=$1 name

	for name in doc man locale info bug lintian; do
		rm -rf "${tree:?}/usr/share/$name"
	done
	rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree"/var/log/*
	mkdir -p "$tree/usr/lib/modules" "$tree/mnt" "$tree/var/log"
	: >"$tree/etc/machine-id"
	printf 'guest\n' >"$tree/etc/hostname"
	printf '127.0.0.1 localhost guest\n::1 localhost\n' >"$tree/etc/hosts"
	: >"$tree/etc/resolv.conf"
}

build_image() {
	local output=$1 tree=$1/tree

	say "image: making a Debian $SUITE tree with mmdebstrap"
	tree_of_suite "$SUITE" "$tree" make_tree
	# shellcheck disable=SC2016 # dpkg-query's own variables
	dpkg-query --admindir="$tree/var/lib/dpkg" -W -f='${Package} ${Version}\n' >"$output/packages"
	trim_tree "$tree"
	mke2fs -q -t ext4 -O '^has_journal' -m 0 -d "$tree" "$output/root.img" "$SIZE"
	rm -rf --one-file-system "$tree"
	say "image: made ($(du -sm "$output" | cut -f1) MB, $(wc -l <"$output/packages") packages)"
}

if [ $# -eq 2 ] && [ "$1" = --build ]; then
	loud
	build_image "$2"
	exit
fi
[ $# -eq 0 ] || die 'usage: tests/vm/image.sh'
need apt-get mmdebstrap mke2fs flock sha256sum
[ "$(id -u)" -eq 0 ] || die 'the tree of the VM is made by root'
[ -r "$KEYRING" ] || die "missing: $KEYRING (Debian: apt-get install debian-archive-keyring)"
key=$(cat tests/vm/image.sh tests/vm/cache.sh | cache_key)
cache_get "image-$SUITE" "$key" tests/vm/image.sh --build
