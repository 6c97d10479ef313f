#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The whole way of a create with runc on this machine, without the guard (kernels of build machines may refuse BPF LSM; the
# VM tests have it): what the container gets, what is refused, what is left behind.
# Alone: times are compared.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

SHIM=/usr/local/bin/cofferdam-runtime

# configure RUNTIME: it stands behind from now on.
configure() {
	mkdir -p /etc/cofferdam/profiles.d
	ln -sfn "$1" /etc/cofferdam/runtime
	printf '{ "runtimes": ["%s"], "guard": { "exec": "off", "net": "off" } }\n' "$1" >/etc/cofferdam/cofferdam.json
}

setup_file() {
	configure "$(command -v runc)"
}

# As engines write it: runc spec gives ambient capabilities, which is refused.
bundle() {
	live_bundle "$@"
	python3 - "$1/config.json" <<-'PYTHON'
		import json, sys
		config = json.load(open(sys.argv[1]))
		config["process"]["capabilities"]["ambient"] = []
		json.dump(config, open(sys.argv[1], "w"))
	PYTHON
}

clean() {
	"$SHIM" delete --force "$1" >/dev/null 2>&1 || true
}

nothing_left() {
	expect_equal '' "$(ls -A /run/cofferdam/containers /run/cofferdam/ranges | grep -v -e : -e '^$' || true)" 'left in /run/cofferdam'
}

test_a_container_is_contained() {
	local pid

	bundle bundle /bin/sleep 300
	expect "$SHIM" create --bundle bundle web
	trap 'clean web' EXIT
	expect "$SHIM" start web
	pid=$("$SHIM" state web | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')
	expect grep -x ' *0 *1000000 *65536' "/proc/$pid/uid_map"
	expect grep -x 'Seccomp:	2' "/proc/$pid/status"
	expect grep -x 'CapBnd:	0000000000000420' "/proc/$pid/status"
	expect cofferdam status web
	expect_output "state     running"
	clean web
	nothing_left
}

test_status_tells_where_a_container_lives() {
	trap 'clean placed; configure "$(command -v runc)"; rm -rf /srv/live-ours /srv/live-hosts' EXIT
	mkdir -p /srv/live-ours /srv/live-hosts
	cat >/etc/cofferdam/profiles.d/placed.json <<-'EOF'
		{ "cofferdam": 1, "name": "placed", "extends": ["default"], "mounts": { "allow": [
			{ "source": "/srv/live-ours", "options": ["rw", "idmap"] }, { "source": "/srv/live-hosts" } ] } }
	EOF
	printf '{ "runtimes": ["%s"], "guard": { "exec": "off", "net": "off" }, "default_profile": "placed" }\n' \
		"$(command -v runc)" >/etc/cofferdam/cofferdam.json
	bundle bundle /bin/sleep 300
	live_edit bundle/config.json "
for source, destination, how in ('/srv/live-ours', '/ours', 'rw'), ('/srv/live-hosts', '/tmp/x\x1b[2J', 'ro'):
    c['mounts'].append(dict(source=source, destination=destination, type='bind', options=['rbind', how]))
c['root']['path'] = '$T_DIR/rootfs'"
	cp -a "$LIVE_ROOTFS" rootfs
	expect "$SHIM" create --bundle bundle placed
	expect cofferdam status placed
	expect_output '  ids       1000000-1065535 on the host'
	expect_output '  rootfs    directory on '
	expect_output '  volume    /ours from /srv/live-ours (idmapped)'
	expect_output "  volume    /tmp/x?[2J from /srv/live-hosts (the host's ids, read-only)"
	cofferdam status placed --format json >status.json
	expect python3 -c 'import json; s = json.load(open("status.json")); print(s["rootfs"].split()[0], s["range"]["base"], [(v["destination"], v["idmapped"], v["read_only"]) for v in s["volumes"]])'
	expect_output "directory 1000000 [('/ours', True, False), ('/tmp/x\\x1b[2J', False, True)]"
}

# What was put off until then (names that the guard must know) is in links; that they cannot be read does not mean none.
test_start_is_refused_where_it_cannot_be_told_what_was_put_off() {
	bundle bundle /bin/sleep 300
	expect "$SHIM" create --bundle bundle looped
	record=$(echo /run/cofferdam/containers/looped@*) # not local: traps at the end do not see what is
	trap 'rm -f "$record" && mv away "$record"; clean looped' EXIT
	mv "$record" away
	ln -s "$record" "$record"
	refute "$SHIM" start looped
	expect_output 'refused to start looped: cannot read'
	expect_output 'Too many levels of symbolic links'
	expect grep '"step":"start"' /var/log/cofferdam/audit.jsonl
	rm "$record" && mv away "$record"
	trap 'clean looped' EXIT
	expect "$SHIM" start looped
	clean looped
	nothing_left
}

test_output_and_status_are_handed_on() {
	bundle bundle /bin/cat /proc/self/uid_map
	expect "$SHIM" run --bundle bundle fore
	expect_output ' 65536'
	bundle failing /bin/sh -c 'exit 42'
	expect_status 42 "$SHIM" run --bundle failing fore
	nothing_left
}

test_a_refusal_is_told_once_and_leaves_nothing() {
	bundle bundle /bin/true
	python3 - <<-'PYTHON'
		import json
		config = json.load(open("bundle/config.json"))
		config["process"]["capabilities"]["bounding"].append("CAP_SYS_ADMIN")
		json.dump(config, open("bundle/config.json", "w"))
	PYTHON
	expect_status 1 "$SHIM" --log "$PWD/log" --log-format json create --bundle bundle bad
	expect_output 'cofferdam: refused bad'
	expect_output '[capability.forbidden]'
	expect_equal 1 "$(wc -l <log)" 'lines in --log'
	expect tail -n 1 /var/log/cofferdam/audit.jsonl
	expect_output '"rule":"capability.forbidden"'
	nothing_left
}

# `startup` cannot be told from inside of a pid namespace, which these tests have; where the guard for files is not attached,
# that is no reason to refuse.
test_a_guard_that_is_preferred_is_done_without() {
	local pid

	trap 'clean web; configure "$(command -v runc)"' EXIT
	printf '{ "runtimes": ["%s"], "guard": { "exec": "prefer", "net": "prefer" } }\n' "$(command -v runc)" \
		>/etc/cofferdam/cofferdam.json
	bundle bundle /bin/sleep 300
	if cofferdam doctor --guard >/dev/null; then
		expect_status 1 "$SHIM" create --bundle bundle web
		expect_output 'outside of any pid namespace'
		return
	fi
	expect "$SHIM" create --bundle bundle web
	expect cofferdam status --json
	expect_output '"exec":false'
	expect tail -n 3 /var/log/cofferdam/audit.jsonl
	expect_output 'nothing governs what is executed (guard.exec is prefer); '
	expect_output '(guard.net is prefer): ' # and why
	expect_output 'mounts that can be written are noexec'
	pid=$(cofferdam status web --json | sed -n 's/.*"pid":\([0-9]*\).*/\1/p')
	expect grep -c ' /dev/shm .*noexec' "/proc/$pid/mountinfo"
	expect grep -c ' /dev [^ ]*noexec' "/proc/$pid/mountinfo"
}

test_a_runtime_that_calls_no_hook_is_noticed() {
	trap 'configure "$(command -v runc)"' EXIT
	configure /bin/true
	bundle bundle /bin/true
	expect_status 1 "$SHIM" create --bundle bundle careless
	expect_output 'created the container without calling cofferdam-hook'
	expect_status 1 "$SHIM" run --bundle bundle careless
	expect_output 'ran the container without calling cofferdam-hook'
	nothing_left
}

# wait_or_tell PID LOG: waits; what the process said is shown if it failed.
wait_or_tell() {
	wait "$1" || { cat "$2" && return 1; }
}

# MANY=200 makes as many.
test_many_at_once_get_a_range_each() {
	local number many=${MANY:-50} jobs=()

	trap 'for number in $(seq "${MANY:-50}"); do clean "many$number"; done' EXIT
	bundle bundle /bin/sleep 300
	for number in $(seq "$many"); do
		"$SHIM" create --bundle bundle "many$number" >"log$number" 2>&1 &
		jobs+=($!)
	done
	for number in $(seq "$many"); do
		expect wait_or_tell "${jobs[number - 1]}" "log$number"
	done
	expect_equal "$many" "$(ls /run/cofferdam/ranges | wc -l)" 'names of ranges'
	expect_equal "$many" "$(ls /run/cofferdam/ranges | cut -d. -f1 | sort -u | wc -l)" 'ranges in use'
}

# A container's start must not pay for the containers that live already: only their ranges are listed.
test_a_create_among_many_takes_as_long_as_alone() {
	local number

	trap 'rm -rf /run/cofferdam' EXIT
	bundle bundle /bin/true
	cat >time.py <<-'PYTHON'
		import subprocess, sys, time
		def once(number):
		    start = time.perf_counter()
		    subprocess.run([sys.argv[1], "run", "--bundle", "bundle", f"timed{number}"], check=True)
		    return time.perf_counter() - start
		for number in range(5):
		    once(number) # what is made once is made
		print(f"{1e3 * min(once(number) for number in range(20)):.1f}") # the least: the machine may be busy
	PYTHON
	python3 time.py "$SHIM" >alone
	# Records of a process that lives: this shell.
	for number in $(seq 200); do
		mkdir -p "/run/cofferdam/containers/live$number@cbf29ce484222325"
		ln -s "$$:$(cut -d' ' -f22 /proc/$$/stat)" "/run/cofferdam/containers/live$number@cbf29ce484222325/shim"
		echo '{}' >"/run/cofferdam/containers/live$number@cbf29ce484222325/record.json"
		ln -s "live$number@cbf29ce484222325" "/run/cofferdam/ranges/$((1000000 + 65536 * (100 + number))).$number"
	done
	python3 time.py "$SHIM" >among
	echo "run: $(cat alone) ms alone, $(cat among) ms among 200" | tee "$T_TMP/times"
	expect python3 -c 'import sys; sys.exit(float(open("among").read()) > 2 * float(open("alone").read()))'
}

teardown_file() {
	rm -rf /etc/cofferdam/runtime /etc/cofferdam/cofferdam.json /etc/cofferdam/profiles.d/placed.json
	[ ! -f "$T_TMP/times" ] || cat "$T_TMP/times"
}

t_main "$@"
