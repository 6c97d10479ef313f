#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Shows cofferdam on real containers: podman + crun through cofferdam-runtime. Usage: demo.sh
#
# cofferdam and cofferdam-demo-app (app.c) are installed under /usr/local; this shell is root on a machine whose
# kernel loads BPF LSM programs and whose /etc, /run and /sys/fs/bpf are this demonstration's own (a VM, or the mount
# namespace that tests/demo/run makes). Every line of the final table says what was expected and what was seen; the exit
# status is 0 only when all of them agree.
set -u

app=/usr/local/bin/cofferdam-demo-app
work=$(mktemp -d /var/tmp/cofferdam-demo.XXXXXX)
image=localhost/cofferdam-demo:latest
listed=10.77.0.1 unlisted=10.77.0.2 port=8080
audit=/var/log/cofferdam/audit.jsonl
netns=cofferdam-demo
servers=()
table=()
failed=0

governed() { podman --root "$work/storage" --runroot "$work/run" --runtime /usr/local/bin/cofferdam-runtime "$@"; }
bare() { podman --root "$work/storage" --runroot "$work/run" --runtime crun "$@"; }

finish() {
	governed rm -af -t 0 >/dev/null 2>&1
	for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null; done
	ip netns del "$netns" 2>/dev/null
	umount "$work/storage/overlay" 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT

heading() { printf '\n== %s\n' "$*"; }
shown() { sed 's/^/   | /'; }

# row WHAT EXPECTED SEEN
row() {
	local mark=ok
	if [ "$2" != "$3" ]; then
		mark=NOT
		failed=$((failed + 1))
	fi
	table+=("$(printf '%-48s %-12s %-12s %s' "$1" "$2" "$3" "$mark")")
}

# call WHAT EXPECTED PATTERN governed|bare ARGUMENT...: runs podman. EXPECTED is runs, refused or denied; what it prints
# must contain PATTERN.
call() {
	local what=$1 expected=$2 pattern=$3 status seen
	shift 3
	# `timeout` starts programs, not functions of this shell; hence the inner one.
	timeout 120 bash -c '"$@"' demo "$@" </dev/null >"$work/out" 2>&1
	status=$?
	printf ' $ podman %s   (exit %d)\n' "${*:2}" "$status"
	shown <"$work/out"
	if [ $status -eq 0 ]; then
		seen=runs
	elif [ "$expected" = runs ]; then
		seen=fails
	else
		seen=$expected
	fi
	grep -Eq -- "$pattern" "$work/out" || seen='other words'
	row "$what" "$expected" "$seen"
}

export work
export -f governed bare

make_image() {
	local root=$work/rootfs
	mkdir -p "$root"/{bin,dev,etc,proc,run,sys,tmp}
	chmod 1777 "$root/tmp"
	cp "$(command -v busybox)" "$root/bin/busybox"
	for applet in sh cat echo ls sleep; do ln "$root/bin/busybox" "$root/bin/$applet"; done
	cp "$app" "$root/app"
	printf 'root:x:0:0:root:/:/bin/sh\n' >"$root/etc/passwd"
	printf '#!/bin/sh\n# What most images do: a shell prepares, then becomes the program.\n/bin/echo "entrypoint: $*"\nexec "$@"\n' >"$root/entrypoint.sh"
	chmod 755 "$root/entrypoint.sh"
	tar -C "$root" -c . | bare import --change 'ENTRYPOINT ["/entrypoint.sh"]' --change 'CMD ["/app","wait"]' - "$image" \
		>/dev/null 2>"$work/out" || { cat "$work/out"; exit 1; }
}

write_profile() {
	mkdir -p /etc/cofferdam/profiles.d
	cat >/etc/cofferdam/profiles.d/demo.json <<-PROFILE
		{
		  "cofferdam": 1,
		  "name": "demo",
		  "match": [ { "image": "localhost/cofferdam-demo:*" } ],
		  "extends": ["default"],
		  "log": "all",
		  "net": { "connect": [ "loopback", "dns", { "to": "$listed", "port": "tcp/$port" } ] }
		}
	PROFILE
}

# Two servers on addresses of a network namespace of their own: nothing leaves it.
start_servers() {
	ip netns add "$netns" && ip -n "$netns" link set lo up || exit 1
	for address in "$listed" "$unlisted"; do
		ip -n "$netns" addr add "$address/32" dev lo || exit 1
		ip netns exec "$netns" "$app" serve "$address" "$port" &
		servers+=("$!")
	done
}

sealed_container() {
	governed run -d --name web --network "ns:/run/netns/$netns" "$image" >/dev/null 2>"$work/out" || { shown <"$work/out"; return 1; }
	for _ in $(seq 100); do # the entrypoint is a shell; wait until it has become the program
		[ "$(readlink "/proc/$(governed inspect -f '{{.State.Pid}}' web 2>/dev/null)/exe" 2>/dev/null)" = /app ] && return 0
		sleep 0.1
	done
	return 1
}

show_without() {
	heading "0. Without cofferdam: the same image, plain crun"
	bare run -d --name plain --network "ns:/run/netns/$netns" "$image" >/dev/null 2>&1
	call 'plain crun: a shell in a running container' runs inside bare exec plain /bin/sh -c 'echo inside'
	call 'plain crun: the unlisted address' runs hello bare exec plain /app connect "$unlisted" "$port"
	bare rm -f -t 0 plain >/dev/null 2>&1
}

show_normal() {
	heading "a. A normal container"
	call 'container runs (default network)' runs 'Seccomp:.2' governed run --rm "$image" /app self
	row '  user namespace, root is not root outside' yes \
		"$(grep -Eq 'uid_map: +0 +[1-9][0-9]+ +65536' "$work/out" && echo yes || echo no)"
	row '  no CAP_SYS_ADMIN (bit 21) in the bounding set' yes \
		"$(caps=$(sed -n 's/.*CapBnd:\t//p' "$work/out"); [ -n "$caps" ] && (((0x$caps >> 21 & 1) == 0)) && echo yes || echo no)"
	row '  no_new_privs' yes "$(grep -q 'NoNewPrivs:.1' "$work/out" && echo yes || echo no)"
}

show_refused() {
	local disk
	disk=/dev/$(lsblk -dnro NAME | head -n 1)
	heading "b. What is refused when a container is created"
	[ -S /run/docker.sock ] || "$app" socket /run/docker.sock
	call "docker's socket" refused 'mount.engine-socket' governed run --rm -v /run/docker.sock:/run/docker.sock "$image" /app self
	call "the host's root" refused 'mounts\[[0-9]+\].source / ?:' governed run --rm -v /:/host "$image" /app self
	call "a block device ($disk)" refused 'device\.' governed run --rm --device "$disk" "$image" /app self
	call "the host's process ids" refused 'namespace\.' governed run --rm --pid=host "$image" /app self
	call 'CAP_SYS_ADMIN' refused 'capability.forbidden' governed run --rm --cap-add SYS_ADMIN "$image" /app self
}

show_shells() {
	heading "c. After start-up there is no shell"
	sealed_container
	row 'entrypoint script runs, then the program' runs "$([ $? -eq 0 ] && echo runs || echo fails)"
	call 'podman exec: the program itself' runs 'Seccomp:.2' governed exec web /app self
	call 'podman exec: a shell' denied 'not permitted|denied' governed exec web /bin/sh -c 'echo inside'
	governed exec web /app copy /bin/busybox /tmp/harmless
	call 'podman exec: a copy of the shell' denied 'not permitted|denied' governed exec web /tmp/harmless sh -c 'echo inside'
}

show_network() {
	heading "d. Connections"
	call "connect to $listed:$port (listed)" runs hello governed exec web /app connect "$listed" "$port"
	call "connect to $unlisted:$port (not listed)" denied 'connect' governed exec web /app connect "$unlisted" "$port"
}

show_audit() {
	heading "The audit log"
	cofferdam events >/dev/null
	grep -E '"guard":' "$audit" | tail -n 12 | shown
	row 'audit: the denied shell' yes "$(grep '"verdict":"denied"' "$audit" | grep -q '/bin/\(sh\|busybox\)' && echo yes || echo no)"
	row 'audit: the copied shell' yes "$(grep '"verdict":"denied"' "$audit" | grep -q '/tmp/harmless' && echo yes || echo no)"
	row "audit: $unlisted denied" yes "$(grep '"verdict":"denied"' "$audit" | grep -q "$unlisted" && echo yes || echo no)"
	row "audit: $listed allowed" yes "$(grep '"verdict":"allowed"' "$audit" | grep -q "$listed" && echo yes || echo no)"
	row 'audit: the five refusals' 5 "$(grep '"verdict":"refused"' "$audit" | grep -c 'cofferdam-demo')"
}

make_image
write_profile
start_servers
show_without
show_normal
show_refused
show_shells
show_network
show_audit
governed rm -f -t 0 web >/dev/null 2>&1
row 'nothing is left behind in /run/cofferdam' 0 "$(find /run/cofferdam/containers -mindepth 1 2>/dev/null | wc -l)"

heading "What was enforced"
printf '%-48s %-12s %-12s\n' '' expected seen
printf '%s\n' "${table[@]}"
[ $failed -eq 0 ] && printf '\nAll %d lines are as expected.\n' "${#table[@]}" && exit 0
printf '\n%d of %d lines are NOT as expected.\n' "$failed" "${#table[@]}"
exit 1
