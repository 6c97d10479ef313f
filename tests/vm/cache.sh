# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by what prepares VMs: a cache of slow things, and where Debian's packages come from.
#
# An entry is a folder NAME-KEY.TIME, KEY being a hash of all that it was made from. It is built under a temporary name,
# by one process at a time (a lock a NAME), and renamed when it is whole. It is never changed afterwards: an entry that is
# older than CACHE_DAYS is succeeded by a new one, and entries that nobody used for a while are removed. So a build that
# was killed leaves nothing that looks finished, and a VM that runs keeps what it runs from.

CACHE=${COFFERDAM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cofferdam}
CACHE_DAYS=30   # Debian's point releases are two months apart, security updates come weekly
UNUSED_DAYS=45  # longer than CACHE_DAYS, so that the old entry is there when its successor cannot be built
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

say() {
	printf '%s: [%3d s] %s\n' "${0##*/}" "$SECONDS" "$*" >&2
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 2
}

# From here on a command that ends the script is named.
loud() {
	set -E
	trap 'say "status $? at line $LINENO: $BASH_COMMAND"' ERR
}

# need TOOL...: names every tool that is missing before anything starts.
need() {
	local tool missing=''

	for tool in "$@"; do
		command -v "$tool" >/dev/null || missing="$missing $tool"
	done
	[ -z "$missing" ] || die "missing:$missing (Debian: make deps)"
}

cache_key() {
	sha256sum | cut -c1-16
}

# The newest whole entry of NAME-KEY, if there is one.
cache_newest() {
	find "$CACHE" -maxdepth 1 -type d -name "$1.[0-9]*" 2>/dev/null | sort | tail -n 1
}

cache_is_fresh() {
	local made=${1##*.}

	[ $(($(date +%s) - made)) -lt $((CACHE_DAYS * 86400)) ]
}

# Removes what was not used for long; under the lock of NAME also what an earlier, killed build of NAME left.
cache_prune() {
	local name=$1 used

	find "$CACHE" -maxdepth 1 -name "tmp.$name.*" -exec rm -rf --one-file-system {} +
	find "$CACHE" -mindepth 2 -maxdepth 2 -name used -mtime "+$UNUSED_DAYS" | while read -r used; do
		rm -rf --one-file-system "$(dirname "$used")"
	done
}

# cache_build NAME KEY COMMAND...: the caller holds the lock. COMMAND is a program, called with one more argument: an empty
# folder to fill. (Not a function: a function whose status is looked at runs without -e.)
cache_build() {
	local name=$1 key=$2 tmp
	shift 2

	cache_prune "$name"
	tmp=$(mktemp -d "$CACHE/tmp.$name.XXXXXX")
	if ! "$@" "$tmp" >&2; then
		rm -rf --one-file-system "$tmp"
		return 1
	fi
	touch "$tmp/used"
	chmod 0755 "$tmp"
	mv -T "$tmp" "$CACHE/$name-$key.$(date +%s)"
}

# Without network an entry that is too old is better than none; but not where a skip counts as a failure.
cache_accept_old() {
	local old=$1

	[ -n "$old" ] && [ "${COFFERDAM_STRICT:-0}" != 1 ] || return 1
	say "could not renew ${old##*/}: using it although it is older than $CACHE_DAYS days"
}

# cache_get NAME KEY COMMAND...: prints the folder of an entry, made by COMMAND when there is none or it is too old.
cache_get() {
	local name=$1 key=$2 entry
	shift 2

	mkdir -p "$CACHE"
	exec 9>"$CACHE/$name.lock"
	flock -n 9 || { say "waiting: another process makes $name"; flock 9; }
	entry=$(cache_newest "$name-$key")
	if [ -z "$entry" ] || ! cache_is_fresh "$entry"; then
		cache_build "$name" "$key" "$@" || cache_accept_old "$entry" || die "could not make $name"
		entry=$(cache_newest "$name-$key")
	fi
	touch "$entry/used"
	exec 9>&-
	printf '%s\n' "$entry"
}

# The mirrors that this machine's own apt uses for its own release, one a line: no mirror's name is written in any file.
# A third party's archive can look the same, and is told apart by its signature.
mirrors() {
	local codename

	if [ -n "${COFFERDAM_MIRROR:-}" ]; then
		printf '%s\n' "$COFFERDAM_MIRROR"
		return
	fi
	codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	apt-get --print-uris -o Debug::NoLocking=1 update |
		sed -n "s|^'\(.*\)/dists/$codename/InRelease'.*|\1|p" | sort -u
}

# tree_of_suite SUITE TREE COMMAND: COMMAND MIRROR TREE, with the first mirror by which it succeeds.
tree_of_suite() {
	local suite=$1 tree=$2 command=$3 mirror

	while read -r mirror; do
		rm -rf --one-file-system "$tree"
		"$command" "$mirror" "$tree" && return
	done < <(mirrors)
	die "no mirror of Debian among this machine's apt sources serves $suite (COFFERDAM_MIRROR=URL names one)"
}

# sources_line MIRROR SUITE: apt verifies the archive's signature against KEYRING.
sources_line() {
	printf 'deb [arch=amd64 signed-by=%s] %s %s main\n' "$KEYRING" "$1" "$2"
}
