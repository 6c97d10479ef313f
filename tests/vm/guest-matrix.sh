# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The matrix of kernels, runtimes, root filesystems and engines: root filesystems that are made once, one container that does
# the same in each, and what it must have come to. For tests/vm/tests/31-matrix.sh and tests/live/38-runtimes.sh.
#
# Who includes this says how a container is started: matrix_ENGINE ID KIND WORD...; `bundle` is for matrix_bare. Its output
# goes to ./out, its standard input is a pipe, its first process is to be written to ./pid.

# shellcheck source=tests/vm/guest.sh
. "$(dirname "${BASH_SOURCE[0]}")/guest.sh"

MATRIX_KINDS='directory tmpfs overlay-1 overlay-10 overlay-128 overlay-500 volatile read-only'
MATRIX_FILES=200 # at most as many combinations
MATRIX_NUMBER=0 MATRIX_WRONG=0

# What cannot be, and what is said then: KERNEL RUNTIME KIND ENGINE, words or *, and a part of the message.
MATRIX_REFUSED='
6.1 * tmpfs * is on tmpfs, which cannot be idmapped on this kernel
'

# matrix_config RUNTIME: it stands behind from now on, without a guard, which is not what this is about. Podman's root directory
# has mode 0555.
matrix_config() {
	mkdir -p /etc/cofferdam/profiles.d
	echo '{ "cofferdam": 1, "name": "matrix", "extends": ["default"], "capabilities": ["CHOWN", "DAC_OVERRIDE"] }' >/etc/cofferdam/profiles.d/matrix.json
	guest_config "{ \"runtimes\": [\"$1\"], \"default_profile\": \"matrix\", \"guard\": { \"exec\": \"off\", \"net\": \"off\" } }"
	ln -sfn "$1" /etc/cofferdam/runtime
}

# matrix_base DIR: busybox, the program of each container (/matrix NUMBER), and as many files to be changed and to be removed.
matrix_base() {
	local number

	mkdir -p "$1/low" "$1/gone" && tar -C "$1" -xf "$GUEST_TAR" || return
	for ((number = 0; number < MATRIX_FILES; number++)); do
		echo low >"$1/low/$number"
		: >"$1/gone/$number"
	done
	chmod 0666 "$1"/low/* && chown -R 33:34 "$1/low" && chmod -R a+rX "$1" || return
	cat >"$1/matrix" <<-'SCRIPT'
		cat /proc/self/uid_map /proc/self/gid_map
		stat -c 'is %u:%g %n' / /bin/busybox "/low/$1"
		if touch "/made$1" 2>/dev/null; then
			echo more >>"/low/$1" && chown 5:6 "/low/$1" && rm "/gone/$1" && stat -c 'now %u:%g %n' "/low/$1" "/made$1"
		else
			echo 'reads only'
		fi
		echo ready
		read -r line
	SCRIPT
}

# matrix_overlay KIND LOWERS OPTIONS: roots/KIND over the base and LOWERS - 1 small layers, as podman names them: relative.
matrix_overlay() {
	local kind=$1 lowers=base number

	for ((number = 1; number < $2; number++)); do
		lowers=$number:$lowers
	done
	mkdir -p "layers/$kind/diff" "layers/$kind/work" "roots/$kind"
	# With mount(2): the newer call takes 256 bytes of lowerdir. A relative upper directory would be no place to start from.
	(cd layers && busybox mount -t overlay -o "lowerdir=$lowers,upperdir=$PWD/$kind/diff,workdir=$PWD/$kind/work$3" overlay "../roots/$kind")
}

# matrix_prepare DIR: a root filesystem of each kind, DIR/roots/KIND. What is written lies in DIR/layers/KIND/diff, or there.
matrix_prepare() {
	local number root=$1/roots

	mkdir -p "$1/layers" "$root/directory" "$root/tmpfs" "$root/read-only" && cd "$1" || return
	chmod 0711 "$1" "$root" "$1/layers"
	mkdir layers/{1..499}
	for ((number = 1; number < 500; number++)); do
		: >"layers/$number/layer$number"
	done
	matrix_base layers/base && cp -a layers/base/. roots/directory/ || return
	mount -t tmpfs tmpfs roots/tmpfs && cp -a layers/base/. roots/tmpfs/ || return
	for number in 1 10 128 500; do
		matrix_overlay "overlay-$number" "$number" '' || return
	done
	matrix_overlay volatile 3 ,volatile &&
		busybox mount -t overlay -o "lowerdir=$1/layers/2:$1/layers/1:$1/layers/base" overlay roots/read-only || return
	MATRIX_DIR=$1
}

# matrix_forget DIR: what is mounted there is no more.
matrix_forget() {
	local kind

	for kind in tmpfs overlay-1 overlay-10 overlay-128 overlay-500 volatile read-only; do
		umount "$1/roots/$kind"
	done
}

# matrix_bundle KIND: ./bundle for the kind, with the number of this combination.
matrix_bundle() {
	export BUNDLE_CAPABILITIES=', "CAP_CHOWN"' BUNDLE_EFFECTIVE=', "CAP_CHOWN"' BUNDLE_WRITABLE=1
	[ "$1" != read-only ] || BUNDLE_WRITABLE=0
	BUNDLE_ROOT=$MATRIX_DIR/roots/$1 guest_spec bundle /bin/sh /matrix "$MATRIX_NUMBER"
}

# matrix_written KIND ENGINE: the directories in which what the container wrote may lie.
matrix_written() {
	case $1 in
	directory | tmpfs) echo "$MATRIX_DIR/roots/$1" ;;
	*) echo "$MATRIX_DIR/layers/$1/diff" ;;
	esac
	[ "$2" != podman ] || printf '%s\n' /var/lib/containers/storage/overlay/*/diff
	[ "$2" != ctr ] || printf '%s\n' /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/*/fs
}

# matrix_host: what a container must not change.
matrix_host() {
	stat -c '%n %u:%g %a' /dev/null
	cat /proc/self/mountinfo
}

# matrix_is_unchanged BEFORE: podman ends before the process that cleans up behind it.
matrix_is_unchanged() {
	local tries

	for tries in {1..100}; do
		[ "$1" != "$(matrix_host)" ] || return 0
		sleep 0.1
	done
	echo "not after $tries tries" >&2
	return 1
}

matrix_say() {
	printf '%s\n' "$*"
	return 1
}

# matrix_is_ready JOB: until the container has done its work, or has ended.
matrix_is_ready() {
	until grep -q -x ready out; do
		[ -e "/proc/$1/exe" ] || break
		sleep 0.05
	done
	grep -q -x ready out
}

# matrix_inside KIND: what it saw.
matrix_inside() {
	local number=$MATRIX_NUMBER line

	for line in "is 0:0 /" 'is 0:0 /bin/busybox' "is 33:34 /low/$number"; do
		grep -q -x "$line" out || matrix_say "inside, not '$line'" || return
	done
	if [ "$1" = read-only ]; then
		grep -q -x 'reads only' out || matrix_say 'can write'
	else
		for line in "now 5:6 /low/$number" "now 0:0 /made$number"; do
			grep -q -x "$line" out || matrix_say "inside, not '$line': $(tr '\n' ';' <out)" || return
		done
	fi
}

# matrix_mapped: /proc/PID/uid_map is a range of its own, and the same from inside.
matrix_mapped() {
	local pid map inside base size
	pid=$(cat pid)

	for map in uid_map gid_map; do
		read -r inside base size <"/proc/$pid/$map" || matrix_say "no $map of process $pid" || return
		[ "$inside $size" = '0 65536' ] && [ "$base" -ge 1000000 ] || matrix_say "$map: $inside $base $size" || return
	done
	[ "$(head -n 2 out | tr -s ' ' | sort -u)" = " 0 $base 65536" ] || matrix_say "from inside, $(head -n 2 out | tr -s '\n ' ' ')"
}

# matrix_on_disk KIND ENGINE: 0-based, a file that was copied up, one that was made, one that was removed.
matrix_on_disk() {
	local number=$MATRIX_NUMBER place found=''

	[ "$1" != read-only ] || return 0
	while read -r place; do
		[ ! -e "$place/made$number" ] || found=$place
	done < <(matrix_written "$1" "$2")
	[ -n "$found" ] || matrix_say 'what it wrote is nowhere' || return
	[ "$(stat -c %u:%g "$found/made$number" "$found/low/$number" | tr '\n' ' ')" = '0:0 5:6 ' ] ||
		matrix_say "on disk, $(stat -c '%u:%g %n' "$found/made$number" "$found/low/$number" | tr '\n' ' ')" || return
	case $1 in
	directory | tmpfs) [ ! -e "$found/gone/$number" ] || matrix_say 'removed, and still there' ;;
	*) [ "$(stat -c '%F %u:%g' "$found/gone/$number")" = 'character special file 0:0' ] || matrix_say 'no whiteout of root' ;;
	esac
}

# matrix_try RUNTIME KIND ENGINE: says what is wrong, or nothing.
matrix_try() {
	local kind=$2 engine=$3 job status=0 before problem=''

	before=$(matrix_host)
	rm -f go out pid
	mkfifo go
	exec 8<>go
	: >out
	[ "$engine" != bare ] || matrix_bundle "$kind"
	"matrix_$engine" "matrix$MATRIX_NUMBER" "$kind" /bin/sh /matrix "$MATRIX_NUMBER" <go >out 2>&1 8>&- &
	job=$!
	if matrix_is_ready "$job"; then
		problem=$(matrix_mapped && matrix_inside "$kind" && matrix_on_disk "$kind" "$engine")
		echo >&8
		wait "$job" || status=$?
		[ "$status" -eq 0 ] || problem="$problem status $status"
	else
		wait "$job" || true
		problem=$(grep -a -m 1 -o 'cofferdam: .*' out || tail -n 1 out)
	fi
	exec 8>&-
	matrix_is_unchanged "$before" || problem="$problem the host is not as it was: $(diff <(echo "$before") <(matrix_host) | tail -n 1)"
	printf '%s' "$problem"
}

# matrix_expected KERNEL RUNTIME KIND ENGINE: what is said where it must be refused.
matrix_expected() {
	local kernel runtime kind engine message

	while read -r kernel runtime kind engine message; do
		# shellcheck disable=SC2053 # patterns
		if [[ $1 == $kernel && $2 == $runtime && $3 == $kind && $4 == $engine ]]; then
			echo "$message"
			return
		fi
	done <<<"$MATRIX_REFUSED"
}

# matrix_combination RUNTIME KIND ENGINE: one line of the table. Status 1: not as it must be.
matrix_combination() {
	local kernel problem expected
	kernel=$(uname -r | cut -d. -f1,2)

	MATRIX_NUMBER=$((MATRIX_NUMBER + 1))
	problem=$(matrix_try "$@")
	expected=$(matrix_expected "$kernel" "$@")
	if [ -z "$problem" ] && [ -z "$expected" ]; then
		printf '%-5s %-12s %-12s %-7s ok\n' "$kernel" "$@"
	elif [ -n "$expected" ] && [[ $problem == *"$expected"* ]]; then
		printf '%-5s %-12s %-12s %-7s refused: %s\n' "$kernel" "$@" "$expected"
	else
		printf '%-5s %-12s %-12s %-7s WRONG: %s\n' "$kernel" "$@" "${problem:-it ran, and must be refused}"
		return 1
	fi
}

# matrix_add RUNTIME KIND ENGINE: adds a line to the table. All are tried before the test fails.
matrix_add() {
	matrix_combination "$@" </dev/null >>"$T_TMP/table" || MATRIX_WRONG=$((MATRIX_WRONG + 1))
}

matrix_is_sound() {
	expect grep -c -v WRONG "$T_TMP/table"
	expect_equal 0 "$MATRIX_WRONG" "combinations that are not as they must be ($(grep WRONG "$T_TMP/table" || true))"
}

# matrix_show: the table, at the end of the file.
matrix_show() {
	[ ! -f "$T_TMP/table" ] || sed 's/^/matrix: /' "$T_TMP/table"
}
