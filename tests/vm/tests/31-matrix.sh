#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The forced user namespace behind six runtimes with each kind of root filesystem, bare, under podman and under containerd: ids
# on disk, inside and in /proc/PID/uid_map, and the host as it was. Each kernel tries a part, in which are all runtimes and all
# kinds, and a third of the pairs of engine and kind; every pair of runtime and kind is in tests/live/38-runtimes.sh, on this
# machine's kernel. MATRIX=full tries all, MATRIX=ENGINE all of one. Engines make overlays of 1 and 10 layers from images; those of 128 and 500, which
# they would take minutes to unpack here, they are given (--rootfs), as the directory and what is on tmpfs.
# with: runtimes (/mnt/runtimes, from three Debian suites)
# shellcheck source=tests/vm/guest-matrix.sh
. "$(dirname "$0")/../guest-matrix.sh"

SHIM=/usr/local/bin/cofferdam-runtime
MATRIX=${MATRIX:-pairs}
T_LIMIT=600
[ "$MATRIX" = pairs ] || T_LIMIT=7200
RUNTIMES=(crun-1.8.1 runc-1.1.5 crun-1.21 runc-1.1.15 crun-1.28 runc-1.3.6)
KERNELS=(6.1 6.12 7.2)
IMAGES='1 10' # of layers

setup_file() {
	cp -a /mnt/runtimes/lib/. /usr/lib/x86_64-linux-gnu/ || return # what Debian sid's crun wants and trixie does not have
	ldconfig
	(matrix_prepare /var/matrix) || return
	[ "$MATRIX" != bare ] || return 0
	matrix_images && podman load -q -i /var/matrix/images.tar && guest_containerd && ctr images import /var/matrix/images.tar
}

# matrix_images: localhost/layers:N of N layers, as `docker save` writes them: the base, and what the overlays have on top.
matrix_images() {
	local layers=/var/matrix/layers number most=${IMAGES##* }

	tar -C "$layers/base" -cf "$layers/0.tar" .
	for ((number = 1; number < most; number++)); do
		tar -C "$layers/$number" -cf "$layers/$number.tar" .
	done
	(cd "$layers" && sha256sum -- [0-9]*.tar) >/var/matrix/sums
	# shellcheck disable=SC2016 # awk's
	awk -v images="$IMAGES" -v layers="$layers" '
		{ sum[$2 + 0] = $1 }
		END {
			count = split(images, sizes, " ")
			for (i = 1; i <= count; i++) {
				ids = names = ""
				for (n = 0; n < sizes[i]; n++) {
					ids = ids (n ? ", " : "") "\"sha256:" sum[n] "\""
					names = names (n ? ", " : "") "\"" n ".tar\""
				}
				printf "{ \"architecture\": \"amd64\", \"os\": \"linux\", \"config\": {}, \"rootfs\": { \"type\": \"layers\", \"diff_ids\": [%s] } }\n", ids >(layers "/" sizes[i] ".json")
				all = all (i > 1 ? ", " : "") sprintf("{ \"Config\": \"%s.json\", \"Layers\": [%s], \"RepoTags\": [\"localhost/layers:%s\"] }", sizes[i], names, sizes[i])
			}
			printf "[%s]\n", all >(layers "/manifest.json")
		}' /var/matrix/sums
	(cd "$layers" && tar -cf /var/matrix/images.tar manifest.json [0-9]*.json [0-9]*.tar && rm -f [0-9]*.tar)
}

# image_of KIND: the image that the engine makes such an overlay of; none: it is given the prepared root filesystem.
image_of() {
	case $1 in
	overlay-*) [[ " $IMAGES " != *" ${1#overlay-} "* ]] || echo "localhost/layers:${1#overlay-}" ;;
	volatile | read-only) echo localhost/layers:10 ;;
	esac
}

matrix_bare() {
	"$SHIM" run --pid-file pid --bundle bundle "$1"
}

# podman mounts an overlay `volatile` for --rm.
matrix_podman() {
	local kind=$2 image options=(--runtime "$SHIM" run -i --network none --pidfile "$PWD/pid" --name "$1")
	image=$(image_of "$kind")
	shift 2

	case $kind in
	volatile) podman "${options[@]}" --rm "$image" "$@" ;;
	read-only) podman "${options[@]}" --rm --read-only "$image" "$@" ;;
	*)
		if [ -n "$image" ]; then
			podman "${options[@]}" "$image" "$@"
		else
			podman "${options[@]}" --rm --rootfs "$MATRIX_DIR/roots/$kind" "$@"
		fi
		;;
	esac
}

matrix_ctr() {
	local id=$1 kind=$2 image options=(run --rm --runc-binary "$SHIM" --pid-file "$PWD/pid")
	image=$(image_of "$kind")
	[ "$kind" != volatile ] || image='' # containerd has it for all containers or for none
	[ "$kind" != read-only ] || options+=(--read-only)
	shift 2

	if [ -n "$image" ]; then
		ctr "${options[@]}" "$image" "$id" "$@"
	else
		ctr "${options[@]}" --rootfs "$MATRIX_DIR/roots/$kind" "$id" "$@"
	fi
}

# stand_behind RUNTIME-VERSION
stand_behind() {
	local suite

	for suite in bookworm trixie sid; do
		! grep -q -x "${1/-/ }" "/mnt/runtimes/$suite/versions" || { matrix_config "/mnt/runtimes/$suite/${1%-*}" && return; }
	done
	t_fail "no suite has $1"
}

# chosen: the combinations of this kernel, RUNTIME KIND ENGINE a line.
chosen() {
	local kernel=0 number=0 kind runtime engine

	until [ "${KERNELS[kernel]}" = "$(uname -r | cut -d. -f1,2)" ]; do kernel=$((kernel + 1)); done
	for kind in $MATRIX_KINDS; do
		if [ "$MATRIX" != pairs ]; then
			for runtime in "${RUNTIMES[@]}"; do
				for engine in bare podman ctr; do
					[ "$MATRIX" != full ] && [ "$MATRIX" != "$engine" ] || echo "$runtime $kind $engine"
				done
			done
			continue
		fi
		echo "${RUNTIMES[(number + 2 * kernel) % 6]} $kind bare"
		for engine in podman ctr; do
			[ $(((number + ${#engine}) % 3)) -ne "$kernel" ] || echo "${RUNTIMES[(number + kernel + ${#engine}) % 6]} $kind $engine"
		done
		number=$((number + 1))
	done
}

test_the_matrix() {
	local runtime kind engine

	MATRIX_DIR=/var/matrix
	while read -r -u 6 runtime kind engine; do
		stand_behind "$runtime"
		matrix_add "$runtime" "$kind" "$engine"
	done 6< <(chosen)
	matrix_is_sound
}

test_the_host_is_as_it_was() {
	expect_equal '666 0:0' "$(stat -c '%a %u:%g' /dev/null)" '/dev/null'
	refute grep cofferdam /proc/self/mountinfo
	guest_nothing_left
}

teardown_file() {
	matrix_show
	podman rm -fa -t 0 >/dev/null 2>&1
	matrix_forget /var/matrix && rm -rf --one-file-system /var/matrix
	guest_config
	rm -f /etc/cofferdam/runtime /etc/cofferdam/profiles.d/matrix.json
}

t_main "$@"
