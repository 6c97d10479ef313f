#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The guard without engines: host names in net.connect. A name server of our own (tests/vm/bin/names.c) is in a network
# namespace `zone`, as resolvers are on other hosts. All of 10.7.0.0/16 is this machine, so are
# fd07::1 and fd07:1::1, and nothing listens there: ECONNREFUSED means allowed.
# shellcheck source=tests/vm/guest-guard.sh
. "$(dirname "$0")/../guest-guard.sh"

T_LIMIT=120
EARLY=/run/names-early # while it is there, each name is 10.7.1.1 and fd07:1::1
SERVERS=''

# zone NAME HERE: a network namespace with the name server, and a cable to the namespace HERE (none: this one).
zone() {
	local zone=$1 here=${2:-} pid

	ip netns add "$zone"
	[ -z "$here" ] || ip netns add "$here"
	ip link add "$zone-out" ${here:+netns "$here"} type veth peer name "$zone-in" netns "$zone"
	ip ${here:+-n "$here"} address add 10.9.0.2/24 dev "$zone-out"
	ip ${here:+-n "$here"} -6 address add fd09::2/64 dev "$zone-out" nodad
	ip ${here:+-n "$here"} link set "$zone-out" up
	ip -n "$zone" address add 10.9.0.1/24 dev "$zone-in"
	ip -n "$zone" -6 address add fd09::1/64 dev "$zone-in" nodad
	ip -n "$zone" link set lo up
	ip -n "$zone" link set "$zone-in" up
	setsid ip netns exec "$zone" names serve 10.9.0.1 fd09::1 >"/run/$zone.log" 2>&1 </dev/null &
	pid=$!
	SERVERS="$SERVERS $pid"
	guest_wait 10 grep -q serving "/run/$zone.log"
}

followed() {
	local name list=''

	for name in "$@"; do
		list="$list, { \"to\": \"$name.example.org\", \"port\": \"tcp/443\", \"follow\": true }"
	done
	printf '"exec": {"shells": "allow", "image_only": false}, "net": {"listen": [], "connect": ["dns"%s,
		{ "to": "fixed.example.org", "port": ["tcp/443", "udp/53"] }]}' "$list"
}

fixed() {
	printf '"exec": {"shells": "allow", "image_only": false}, "net": {"connect": [{ "to": "%s", "port": "tcp/443" }]}' "$1"
}

setup_file() {
	modprobe overlay
	mkdir -p "$PROFILES"
	profile followed "$(followed api alias rebind short long carried local mimic)"
	profile forged "$(followed cut wrong-id wrong-name wrong-port twice more error unasked)"
	profile missing "$(fixed missing.example.org)"
	profile hosted "$(fixed hosted)"
	profile fixed "$(fixed fixed.example.org)"
	profile loopback-name "$(fixed this-machine)"
	make_lower "$LOWER"
	cp /usr/local/bin/names "$LOWER/bin/names"
	printf '127.0.0.1 localhost this-machine\n10.7.0.20 Hosted # a comment\n' >"$LOWER/etc/hosts"
	ip route add local 10.7.0.0/16 dev lo
	ip -6 address add fd07::1/128 dev lo nodad
	ip -6 address add fd07:1::1/128 dev lo nodad
	zone zone
	zone mimic-zone mimic
	guard-try load
}

teardown_file() {
	# shellcheck disable=SC2086 # a list of numbers
	kill $SERVERS
}

# root_with RESOLVER...: the next container's root, with these name servers.
root_with() {
	local resolver

	new_root ""
	for resolver in "$@"; do
		echo "nameserver $resolver"
	done >"$ROOT/etc/resolv.conf"
}

# governed NAME PROFILE: started with names as they are early, which then change.
governed() {
	root_with 10.9.0.1 fd09::1
	touch "$EARLY"
	started "$1" "$2"
	rm "$EARLY"
}

# asks ANSWER NAME [TYPE [SERVER [HOW]]]: what the container is told; FROM is another network namespace.
asks() {
	local answer=$1 name=$2.example.org type=${3:-A} server=${4:-10.9.0.1} how=${5:-}

	T_CHECKS=$((T_CHECKS + 1))
	# shellcheck disable=SC2086 # words
	t_capture ${FROM:+nsenter --net=/run/netns/$FROM} guard-try enter "$NAME" "$NAME" /bin/names ask "$server" "$name" "$type" $how || true
	[ "$T_OUTPUT" = "$answer" ] || t_fail "'$T_OUTPUT' instead of '$answer': $name $type"
}

# stays ADDRESS FROM TO: seconds that what was learned is good for.
stays() {
	local left

	left=$(names learned | awk -v address="$1" '$1 == address { print $3 }')
	T_CHECKS=$((T_CHECKS + 1))
	if [ -z "$left" ] || [ "$left" -lt "$2" ] || [ "$left" -gt "$3" ]; then
		t_fail "$1 stays '$left' s: not $2 to $3"
	fi
}

test_names_are_followed() {
	governed names followed
	acts ECONNREFUSED tcp 10.7.1.1 443 # at create
	acts ECONNREFUSED tcp fd07:1::1 443
	acts EPERM tcp 10.7.1.1 444
	acts ok udp 10.7.1.1 53 # the name that is not followed
	acts EPERM tcp 10.7.0.1 443
	asks 10.7.0.1 api
	acts ECONNREFUSED tcp 10.7.0.1 443
	acts EPERM tcp 10.7.0.1 444
	acts EPERM udp 10.7.0.1 53
	acts EPERM sendto 10.7.0.1 443
	acts ECONNREFUSED tcp 10.7.1.1 443
	acts EPERM tcp fd07::1 443
	asks fd07::1 api AAAA fd09::1 mixed
	acts ECONNREFUSED tcp fd07::1 443
	asks 10.7.0.2 alias
	acts ECONNREFUSED tcp 10.7.0.2 443
	asks 64:ff9b::a07:8 carried AAAA
	acts ECONNREFUSED tcp 10.7.0.8 443
	asks 10.7.0.4 other
	acts EPERM tcp 10.7.0.4 443
	asks 10.7.0.5 fixed
	acts EPERM tcp 10.7.0.5 443
	asks 10.7.0.6 short
	asks 10.7.0.7 long
	stays ::ffff:10.7.0.1 280 300
	stays ::ffff:10.7.0.2 80 100 # the alias's
	stays ::ffff:10.7.0.6 40 60
	stays ::ffff:10.7.0.7 86300 86400
	names expire
	acts EPERM tcp 10.7.0.1 443
	acts ECONNREFUSED tcp 10.7.1.1 443
	asks 10.7.0.1 api
	acts ECONNREFUSED tcp 10.7.0.1 443
	stop_container names
	governed names-2 followed # what another one has learned
	acts EPERM tcp 10.7.0.1 443
}

test_no_answer_opens_this_machine_or_metadata() {
	local address

	governed rebind followed
	asks '127.0.0.1 169.254.169.254 0.0.0.0 10.7.0.3' rebind
	asks '::1 127.0.0.1 64:ff9b::a9fe:a9fe fd00:ec2::254' rebind AAAA
	acts ECONNREFUSED tcp 10.7.0.3 443 # what came with it
	for address in 127.0.0.1 169.254.169.254 0.0.0.0 ::1 ::ffff:127.0.0.1 64:ff9b::a9fe:a9fe fd00:ec2::254; do
		acts EPERM tcp "$address" 443
	done
}

test_forged_answers_teach_nothing() {
	governed forged forged
	asks cut cut
	asks 10.7.0.66 cut A 10.9.0.1 tcp # only what comes over UDP is read
	asks nothing wrong-id
	asks nothing wrong-name
	asks 10.7.0.66 wrong-port # a client that does not look where an answer comes from
	asks 'error 3' error
	asks 10.7.0.11 twice
	asks 10.7.0.12 more
	asks 10.7.0.13 unasked
	acts EPERM tcp 10.7.0.66 443
	acts ECONNREFUSED tcp 10.7.0.11 443 # the first of two
	acts ECONNREFUSED tcp 10.7.0.12 443
	acts ECONNREFUSED tcp 10.7.0.13 443
}

# A container that answers itself: over loopback, and in a network namespace of its own that looks like the real one.
test_answers_from_inside_teach_nothing() {
	local pid

	governed inside followed
	ip address add 10.9.0.1/32 dev lo
	names serve 10.9.0.1 >/run/inside.log 2>&1 </dev/null &
	pid=$!
	# shellcheck disable=SC2064 # now: it is local
	trap "kill $pid; ip address del 10.9.0.1/32 dev lo; stop_container inside" EXIT
	guest_wait 10 grep -q serving /run/inside.log
	asks 10.7.0.9 local
	acts EPERM tcp 10.7.0.9 443
	FROM=mimic asks 10.7.0.10 mimic
	acts EPERM tcp 10.7.0.10 443
}

once_names_that_cannot_be_resolved() {
	root_with 10.9.0.1
	refute guard-try start missing "$PROFILES" missing "$ROOT" "$ACT" pause
	expect_output 'net.connect: missing.example.org: the name server 10.9.0.1 says that there is no such name'
	expect cat /sys/fs/cgroup/missing/cgroup.events
	expect_output 'populated 0'
	expect bpftool cgroup list /sys/fs/cgroup/missing
	refute_output cfd_
	root_with 10.9.0.77
	refute guard-try start silent "$PROFILES" fixed "$ROOT" "$ACT" pause
	expect_output 'net.connect: fixed.example.org: none of the name servers 10.9.0.77, 127.0.0.11 answers'
	refute guard-try start barred "$PROFILES" loopback-name "$ROOT" "$ACT" pause
	expect_output 'net.connect: this-machine is ::ffff:127.0.0.1, which no name opens'
}

once_names_of_hosts_need_no_resolver() {
	root_with 10.9.0.77
	started hosted hosted
	acts ECONNREFUSED tcp 10.7.0.20 443
	acts EPERM tcp 10.7.0.20 80
	acts EPERM udp 10.9.0.77 53 # resolving for it does not allow it to ask
}

once_resolvers_that_a_container_could_be_are_not_followed() {
	root_with 127.0.0.53
	refute guard-try start loop "$PROFILES" followed "$ROOT" "$ACT" pause
	expect_output 'net.connect: follow: a name server of the container'"'"'s resolv.conf is on loopback'
	root_with 10.9.0.2
	refute guard-try start here "$PROFILES" followed "$ROOT" "$ACT" pause
	expect_output 'follow: the name server 10.9.0.2 is an address of the container'"'"'s own network namespace'
	expect guard-try events
	expect_equal '0 events' "$T_OUTPUT"
}

# Only containers that follow a name have the programs that look into answers.
once_others_are_not_looked_into() {
	governed looked followed
	expect bpftool cgroup list /sys/fs/cgroup/looked
	expect_output cfd_answers
	stop_container looked
	root_with 10.9.0.1
	started plain hosted
	expect bpftool cgroup list /sys/fs/cgroup/plain
	expect_output cfd_egress
	refute_output cfd_answers
}

names_image() {
	guest_rootfs /run/names-image
	cp /usr/local/bin/names /usr/local/bin/guard-act /run/names-image/bin
	tar -C /run/names-image -cf /run/names-image.tar .
	podman import -q /run/names-image.tar localhost/names:latest
	rm -rf /run/names-image /run/names-image.tar
	mkdir -p /etc/cofferdam/profiles.d
	printf '{ "cofferdam": 1, "name": "named", "match": [ { "image": "localhost/names:latest" } ], "extends": ["default"],
		"net": { "listen": [], "connect": [ "dns", { "to": "hosted", "port": "tcp/443" },
		{ "to": "api.example.org", "port": "tcp/443", "follow": true } ] } }\n' >/etc/cofferdam/profiles.d/named.json
}

# The engine's network; its resolv.conf and hosts, which it writes between create and start.
once_names_in_a_container_of_podman() {
	trap 'podman rm -f -t 0 named; rm -f /etc/cofferdam/profiles.d/named.json $EARLY; guest_config' EXIT
	names_image
	guest_runtime crun
	set -- podman --runtime /usr/local/bin/cofferdam-runtime run -d --name named --dns 10.9.0.1
	refute "$@" localhost/names:latest /bin/inside sleep 300
	expect_output 'net.connect: hosted: the name server 10.9.0.1 says that there is no such name'
	expect grep '"step":"start"' /var/log/cofferdam/audit.jsonl
	expect_output 'hosted: the name server 10.9.0.1 says'
	podman rm -f -t 0 named
	touch "$EARLY"
	expect "$@" --add-host hosted:10.7.0.20 localhost/names:latest /bin/inside sleep 300
	rm "$EARLY"
	expect podman exec named /bin/guard-act tcp 10.7.0.20 443
	expect_output ECONNREFUSED
	expect podman exec named /bin/guard-act tcp 10.7.1.1 443
	expect_output ECONNREFUSED
	expect podman exec named /bin/guard-act tcp 10.7.0.1 443
	expect_output EPERM
	expect podman exec named /bin/names ask 10.9.0.1 api.example.org A
	expect_output 10.7.0.1
	expect podman exec named /bin/guard-act tcp 10.7.0.1 443
	expect_output ECONNREFUSED
	expect podman exec named /bin/guard-act tcp 10.7.0.2 443
	expect_output EPERM
}

t_main "$@"

