# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Runs a group of attacks (tests/vm/attacks) in two containers that differ in one thing: a hook that puts the guard in
# force. Without it every attack must succeed, else it proves nothing; with it every attack must be stopped, and the guard
# must have written the event that names it.
#
# The containers are what the runtime makes without cofferdam's other halves: a user namespace, no seccomp filter, an overlay as
# root, a cgroup that is the container's to change. So it is the guard that stops what is stopped.
#   attack_image                          makes $ATTACK_LOWER, the image; add to it before attack_compare
#   attack_compare GROUP PROFILE          PROFILE: members of a profile, as for `profile` in guest-guard.sh
#   attack_run NAME PROFILE ARGUMENT...   one container; PROFILE may be empty: not governed
# From outside: ATTACK_LACKS, names of attacks that this kernel has no means for (they need not succeed); ATTACK_NETNS, the path
# of a network namespace to join (else a new one, with lo down); ATTACK_MOUNTS, more elements of `mounts`, each with a comma
# before it; ATTACK_RUNTIME (crun); ATTACK_OPTIONS of its `run`; ATTACK_CAPABILITIES, more of them, each with a comma before it;
# ATTACK_IDS=0, no user namespace but the host's; ATTACK_CGROUPNS=host, ATTACK_PIDNS=host, no such namespace either.

# shellcheck source=tests/vm/guest.sh
. "$(dirname "${BASH_SOURCE[0]}")/guest.sh"

ATTACK_BASE=/var/attacks # on a disk; the upper layers are in /run, a tmpfs
ATTACK_LOWER=$ATTACK_BASE/lower
ATTACK_PROFILES=$ATTACK_BASE/profiles
ATTACK_IDS=${ATTACK_IDS:-100000}
ATTACK_RUNTIME=${ATTACK_RUNTIME:-crun}

attack_image() {
	modprobe overlay
	mkdir -p "$ATTACK_LOWER" "$ATTACK_PROFILES"
	tar -C "$ATTACK_LOWER" -xf "$GUEST_TAR"
	cp /usr/local/bin/attack "$ATTACK_LOWER/bin/attack"
}

# attack_config CGROUP HOOK ARGUMENT...
attack_config() {
	local cgroup=$1 hook=$2 arguments='' word user='' cgroupns='{ "type": "cgroup" },' pidns='{ "type": "pid" },'
	local caps="\"CAP_KILL\", \"CAP_NET_BIND_SERVICE\", \"CAP_SETFCAP\"${ATTACK_CAPABILITIES:-}"
	shift 2

	[ "${ATTACK_PIDNS:-}" != host ] || pidns=''
	[ "${ATTACK_CGROUPNS:-}" != host ] || cgroupns=''
	[ "$ATTACK_IDS" = 0 ] || user="\"uidMappings\": [{ \"containerID\": 0, \"hostID\": $ATTACK_IDS, \"size\": 65536 }],
		    \"gidMappings\": [{ \"containerID\": 0, \"hostID\": $ATTACK_IDS, \"size\": 65536 }],"

	for word in "$@"; do
		arguments="$arguments${arguments:+, }\"$word\""
	done
	cat <<-JSON
		{
		  "ociVersion": "1.0.2",
		  "process": {
		    "terminal": false, "user": { "uid": 0, "gid": 0 }, "args": [$arguments], "cwd": "/",
		    "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
		    "capabilities": { "bounding": [$caps], "effective": [$caps], "permitted": [$caps] },
		    "noNewPrivileges": true
		  },
		  "root": { "path": "rootfs" },
		  "hostname": "attacked",
		  "hooks": { "createRuntime": [$hook] },
		  "mounts": [
		    { "destination": "/proc", "type": "proc", "source": "proc" },
		    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"] },
		    { "destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"] },
		    { "destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "nodev", "mode=1777", "size=65536k"] }
		    ${ATTACK_MOUNTS:-}
		  ],
		  "linux": {
		    "cgroupsPath": "/$cgroup",
		    $user
		    "namespaces": [${user:+{ \"type\": \"user\" \}, }$pidns { "type": "ipc" }, { "type": "uts" }, { "type": "mount" }, $cgroupns
		      { "type": "network"${ATTACK_NETNS:+, \"path\": \"$ATTACK_NETNS\"} }]
		  }
		}
	JSON
}

attack_run() {
	local name=$1 profile=$2 bundle=/run/attacks/$1 hook
	shift 2

	mkdir -p "$bundle"/{rootfs,upper,work}
	chown "$ATTACK_IDS:$ATTACK_IDS" "$bundle/upper"
	mount -t overlay overlay -o "lowerdir=$ATTACK_LOWER,upperdir=$bundle/upper,workdir=$bundle/work" "$bundle/rootfs"
	hook="{ \"path\": \"/bin/chown\", \"args\": [\"chown\", \"-R\", \"$ATTACK_IDS:$ATTACK_IDS\", \"/sys/fs/cgroup/$name\"] }"
	if [ -n "$profile" ]; then
		printf '{ "cofferdam": 1, "name": "%s", %s }\n' "$name" "$profile" >"$ATTACK_PROFILES/$name.json"
		hook="$hook, { \"path\": \"$(command -v guard-try)\",
			\"args\": [\"guard-try\", \"hook\", \"$name\", \"$ATTACK_PROFILES\", \"$name\", \"$bundle/rootfs\"] }"
	fi
	attack_config "$name" "$hook" "$@" >"$bundle/config.json"
	# crun gives the file on its standard input to the container's root, so that is not to be the host's /dev/null.
	# shellcheck disable=SC2086
	"$ATTACK_RUNTIME" run ${ATTACK_OPTIONS:-} --pid-file "$bundle/pid" --bundle "$bundle" "$name" < <(:)
}

# attack_clean NAME: also when it never ran.
attack_clean() {
	"$ATTACK_RUNTIME" delete --force "$1" >/dev/null 2>&1
	[ ! -d "/sys/fs/cgroup/$1" ] || find "/sys/fs/cgroup/$1" -depth -type d -exec rmdir {} + 2>/dev/null
	umount "/run/attacks/$1/rootfs" 2>/dev/null
	rm -rf "/run/attacks/$1"
}

# attack_outcome FILE NAME: the word of one row.
attack_outcome() {
	awk -v name="$2" '$1 == name { print $2; found = 1 } END { if (!found) print "missing" }' "$1"
}

# attack_told EVENTS NAME KIND REASON: the guard's event about it.
attack_told() {
	grep -q "^$3 denied $4 .* comm=$2 " "$1"
}

# The table, from ./open, ./governed and ./events. Status 1 when a row is not as it must be.
attack_table() {
	local group=$1 name kind reason danger open governed event rows=0 good=0 impossible=0

	printf '%-16s %-10s %-10s %-26s %s\n' "$group" ungoverned governed event 'what it is'
	while read -r name kind reason danger; do
		open=$(attack_outcome open "$name")
		governed=$(attack_outcome governed "$name")
		event="$kind $reason"
		attack_told events "$name" "$kind" "$reason" || event='NO SUCH EVENT'
		rows=$((rows + 1))
		case " ${ATTACK_LACKS:-} $open" in
		*" $name "*broken | *" $name "*stopped)
			open=impossible
			impossible=$((impossible + 1))
			;;
		esac
		[[ $open != @(succeeded|impossible) ]] || [ "$governed" != stopped ] || [ "$event" = 'NO SUCH EVENT' ] || good=$((good + 1))
		printf '%-16s %-10s %-10s %-26s %s\n' "$name" "$open" "$governed" "$event" "$danger"
	done < <(attack list "$group")
	printf '%s: %d attacks succeed without the guard and are stopped by it, of %d; %d need what this kernel lacks\n' \
		"$group" $((good - impossible)) $((rows - impossible)) "$impossible"
	[ "$rows" -gt 0 ] && [ "$good" -eq "$rows" ]
}

# The table is shown when the file's tests have ended (attack_tables), also when all is well.
attack_compare() {
	local group=$1 profile=$2

	trap 'attack_clean open; attack_clean governed' EXIT
	guard-try load
	chown -R "$ATTACK_IDS:$ATTACK_IDS" "$ATTACK_LOWER"
	expect attack_run open '' /bin/attack "$group"
	printf '%s\n' "$T_OUTPUT" >open
	guard-try events >/dev/null
	expect attack_run governed "$profile" /bin/attack "$group"
	printf '%s\n' "$T_OUTPUT" >governed
	guard-try events >events
	cat events
	attack_table "$group" >table || { cat table; t_fail 'an attack is not as it must be'; }
	cat table >>"$T_TMP/tables"
}

# For teardown_file.
attack_tables() {
	[ ! -f "$T_TMP/tables" ] || cat "$T_TMP/tables"
}
