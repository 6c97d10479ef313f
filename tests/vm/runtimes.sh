#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/vm/runtimes.sh SUITE      (bookworm, trixie or sid)
# Prints a folder of the cache: tree/ is Debian's SUITE with nothing in it but crun, runc and the libraries they need,
# unpacked, not installed; versions has a line `crun VERSION` and a line `runc VERSION`.
#
# The programs run with tree/ as their root directory (tests/inside-tree), as they are linked dynamically and execute
# themselves by /proc/self/exe.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
. tests/vm/cache.sh

make_tree() {
	local mirror=$1 tree=$2

	# sid's list of packages is valid for a week only; its age does not matter here, its signature does.
	sources_line "$mirror" "$SUITE" |
		mmdebstrap --variant=extract --include=crun,runc,base-files --keyring="$KEYRING" \
			--aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Check-Valid-Until "false"' \
			"$SUITE" "$tree" -
}

# What a distribution's maintainer scripts would have made: links of the merged system, places for mounts.
complete_tree() {
	local tree=$1 name

	for name in bin sbin lib lib64; do
		mkdir -p "$tree/usr/$name"
		[ ! -d "$tree/$name" ] || [ -L "$tree/$name" ] || { cp -a --link "$tree/$name" "$tree/usr/" && rm -rf "${tree:?}/$name"; }
		[ -L "$tree/$name" ] || ln -s "usr/$name" "$tree/$name"
	done
	rm -rf "$tree"/usr/share/{doc,man,info,locale,bug,lintian} "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/*
	mkdir -p "$tree"/{dev,etc,proc,run,sys,tmp,usr/local,var/log}
	printf 'root:x:0:0:root:/root:/bin/sh\n' >"$tree/etc/passwd"
	printf 'root:x:0:\n' >"$tree/etc/group"
}

# version NAME TREE: the version that the program tells of itself, by the tree's loader.
version() {
	local tree=$2

	"$tree/usr/lib64/ld-linux-x86-64.so.2" --library-path "$tree/usr/lib/x86_64-linux-gnu" \
		"$(find "$tree/usr/bin" "$tree/usr/sbin" -name "$1" -print -quit)" --version |
		sed -n "1s/^$1 version \([0-9.]*\).*/$1 \1/p"
}

build_runtimes() {
	local output=$1 tree=$1/tree

	say "runtimes: unpacking crun and runc of Debian $SUITE"
	tree_of_suite "$SUITE" "$tree" make_tree
	complete_tree "$tree"
	{ version crun "$tree" && version runc "$tree"; } >"$output/versions"
	[ "$(wc -l <"$output/versions")" -eq 2 ] || die "runtimes: crun and runc of $SUITE do not tell their versions"
	say "runtimes: made ($(tr '\n' ' ' <"$output/versions"), $(du -sm "$output" | cut -f1) MB)"
}

if [ $# -eq 3 ] && [ "$1" = --build ]; then
	loud
	SUITE=$2
	build_runtimes "$3"
	exit
fi
[ $# -eq 1 ] || die 'usage: tests/vm/runtimes.sh SUITE'
case $1 in
bookworm | trixie | sid) ;;
*) die "no suite $1: there are bookworm, trixie and sid" ;;
esac
need apt-get mmdebstrap flock sha256sum
[ "$(id -u)" -eq 0 ] || die 'the trees of runtimes are made by root'
[ -r "$KEYRING" ] || die "missing: $KEYRING (Debian: apt-get install debian-archive-keyring)"
key=$(cat tests/vm/runtimes.sh tests/vm/cache.sh | cache_key)
cache_get "runtimes-$1" "$key" tests/vm/runtimes.sh --build "$1"
