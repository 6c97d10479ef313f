#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ordinary programs work under the shipped profiles without one denial; what denials do to them; and mode `record`.
# shellcheck source=tests/vm/guest-workloads.sh
. "$(dirname "$0")/../guest-workloads.sh"

T_LIMIT=120
ADMIN=/etc/cofferdam/profiles.d
PSQL=/usr/lib/postgresql/17/bin/psql

setup_file() {
	guest_runtime crun
	workload_root
	workload_template
	workload_profile w-web '"net": { "connect": ["loopback", "dns", { "to": "10.1.0.1", "port": "tcp/80" }] }'
	workload_profile w-uring '"syscalls": { "extends": "uring" }, "net": { "connect": [{ "to": "10.1.0.1", "port": "tcp/80" }] }'
	workload_profile w-packages '"exec": { "shells": "allow", "image_only": false }'
	workload_profile w-strict '"exec": { "shells": "deny" }, "net": { "listen": ["tcp/8080"], "connect": [] }'
	mkdir -p /etc/cofferdam/seccomp
	sed '/"names": \["io_uring_enter"/{n;s/ERRNO",/ALLOW"/;n;d}' \
		/usr/local/share/cofferdam/profiles/seccomp/docker-default.json >/etc/cofferdam/seccomp/uring.json
}

# works WHAT NAME PROFILE ARGUMENT...: to its end, as if there were no guard.
works() {
	begin
	ran "${@:2}"
	unharmed "$1"
}

# --- servers

serve_nginx() {
	create web "$1" /docker-entrypoint.sh nginx -c /tmp/nginx.conf -g 'daemon off;'
	start
	guest_wait 30 within curl -sf -o /dev/null http://127.0.0.1:8080/
}

once_nginx_under_load_after_its_entrypoint_scripts() {
	begin
	serve_nginx nginx
	expect within curl -sf --parallel --parallel-max 20 'http://127.0.0.1:8080/?[1-200]' -o /dev/null
	expect within curl -sf http://127.0.0.1:8080/
	expect_output 'hello from guest'
	cofferdam events >/dev/null
	expect_equal 0 "$(denials)" 'denials of the scripts and under load'
	refute "$SHIM" exec web sh -c 'echo shell' # the door is closed: one denial, which is this one
	SEEN=$(cofferdam events >/dev/null && wc -l <"$AUDIT")
	unharmed 'nginx, its scripts, 200 requests'
}

serve_redis() {
	create cache "$1" /server-entrypoint.sh redis-server --protected-mode no
	start
	guest_wait 30 within redis-cli ping
}

once_redis_as_another_user_with_a_fork_that_saves() {
	begin
	serve_redis redis
	expect "$SHIM" exec cache redis-cli set key value
	expect "$SHIM" exec cache redis-cli bgsave
	expect guest_wait 20 sh -c "$SHIM exec cache redis-cli info persistence | grep -q rdb_changes_since_last_save:0"
	expect "$SHIM" exec cache redis-cli get key
	expect_output value
	expect_equal 65534 "$("$SHIM" exec cache sed -n 's/^Uid:\t\([0-9]*\).*/\1/p' /proc/1/status)" 'user of redis'
	unharmed 'redis, as nobody, BGSAVE, exec of redis-cli'
}

once_a_server_that_forks_for_each_client() {
	local i clients=''

	begin
	create postgres postgres /server-entrypoint.sh workload fork-server 5432
	start
	guest_wait 20 within workload ask tcp 127.0.0.1 5432 hello
	for i in $(seq 20); do
		within workload ask tcp 127.0.0.1 5432 "$i" >/dev/null &
		clients="$clients $!"
	done
	for i in $clients; do
		wait "$i" || t_fail "client $i had no answer, or a wrong one"
	done
	expect within workload ask tcp 127.0.0.1 5432 last
	unharmed 'a fork server as PostgreSQL, 22 clients'
}

once_a_python_server_with_threads() {
	begin
	create python default python3 -c '
import socket, threading
def answer(client): client.sendall(client.recv(99)); client.close()
server = socket.create_server(("", 8000))
while True: threading.Thread(target=answer, args=(server.accept()[0],)).start()'
	start
	guest_wait 30 within workload ask tcp 127.0.0.1 8000 hello
	expect within workload ask tcp 127.0.0.1 8000 again
	unharmed 'a threaded server in Python'
}

once_a_udp_server_answers_its_clients() {
	begin
	create udp default workload udp-server 5353
	start
	guest_wait 20 within workload ask udp 127.0.0.1 5353 hello
	expect within workload ask udp 127.0.0.1 5353 again
	unharmed 'a UDP server'
}

# --- clients

once_curl_to_an_allowed_host_by_its_name() {
	begin
	WORLD=1 ran curl w-web curl -sS --retry 0 -w 'ok\n' http://web.example/ http://10.1.0.1/
	unharmed 'curl: glibc resolver, TCP'
}

once_names_by_busybox_and_by_python() {
	begin
	WORLD=1 ran names default /bin/sh -c 'busybox nslookup -type=a web.example || exit 1; busybox wget -q -O /dev/null http://127.0.0.1:1/ ||
		exec python3 -c "
import socket
assert socket.getaddrinfo(\"web.example\", 80, socket.AF_INET)[0][4][0] == \"10.1.0.1\"
print(\"ok\")"'
	unharmed 'DNS: busybox, getaddrinfo of glibc'
}

once_nginx_in_front_of_another_server() {
	begin
	create proxy w-web /docker-entrypoint.sh nginx -c /tmp/nginx.conf -g 'daemon off;'
	world
	start
	guest_wait 30 within curl -sf -o /dev/null http://127.0.0.1:8080/
	expect within curl -sf http://127.0.0.1:8080/proxied
	expect_output hello
	unharmed 'nginx as a proxy'
}

# --- what runtimes of languages do

# all_work NAME COMMAND...: one after the other in one container of the default profile, whose first process is the shell.
all_work() {
	local name=$1 script='set -e' command
	shift

	for command in "$@"; do
		script="$script; $command"
	done
	begin
	ran "$name" default /bin/sh -c "$script; exec echo ok"
}

once_what_runtimes_of_languages_do() {
	all_work languages 'workload jit' 'workload threads' 'workload unix /tmp/socket' \
		"perl -MSocket -MPOSIX -MFcntl -MList::Util -e 'die if List::Util::sum(POSIX::floor(1.5), 1) != 2'"
	unharmed 'Java and node making code, unix sockets, dlopen'
}

once_io_uring() {
	begin
	WORLD=1 ran uring w-uring workload uring 10.1.0.1 80
	unharmed 'io_uring: connect, send'
}

# --- scripts and tools

once_an_entrypoint_script() {
	works 'a shell script that ends in exec' entrypoint default /docker-entrypoint.sh sh -c 'id -u && umask && exec echo ok'
}

once_tools_in_scripts() {
	all_work tools 'tar -C /usr/share -cf - base-files | gzip | gunzip | tar -xf - -C /tmp' \
		'find /tmp/base-files -type f | sort | awk "END { exit NR < 3 }"' 'cp -a /usr/bin/env /tmp/' \
		'setpriv --reuid=nobody --clear-groups passwd -S nobody' 'mount >/dev/null' 'su --version' 'ip address' 'ip route'
	unharmed 'pipelines, set-user-ID programs, netlink'
}

once_jobs_as_cron_starts_them() {
	works 'cron-like: sh -c again and again' cron busybox /bin/sh -c 'for job in 1 2 3; do sh -c "date >>/tmp/log; sleep 0.1"; done; wc -l </tmp/log; echo ok'
}

once_jobs_without_a_shell() {
	works 'a scheduler in Python that spawns programs' jobs default python3 -c '
import subprocess, time
for i in range(3): subprocess.run(["date"], check=True); time.sleep(0.1)
print("ok")'
}

once_a_package_manager() {
	works 'dpkg: build, unpack, run a new script' dpkg w-packages /bin/sh -c 'set -e; mkdir -p /tmp/p/DEBIAN /tmp/p/opt
		printf "Package: tried\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: none\n" >/tmp/p/DEBIAN/control
		printf "#!/bin/sh\necho configured >/tmp/configured\n" >/tmp/p/DEBIAN/postinst; chmod 755 /tmp/p/DEBIAN/postinst
		cp /usr/bin/env /tmp/p/opt/tool; dpkg-deb -b /tmp/p /tmp/p.deb; dpkg -i /tmp/p.deb; cat /tmp/configured; /opt/tool true; echo ok'
}

# --- denied

# told STATUS TEXT COMMAND...: in the container, within 10 seconds, with that status and text.
told() {
	local wanted=$1 text=$2 status=0 start=$SECONDS
	shift 2

	t_capture timeout 30 "$SHIM" exec "$NAME" "$@" || status=$?
	expect_output "$text"
	expect_equal "$wanted" "$status" "status of $*"
	[ $((SECONDS - start)) -le 10 ] || t_fail "took $((SECONDS - start)) s: $*"
	printf '%-12s %3d  %s\n' "${1##*/}" "$status" "$(grep -F -m 1 "$text" <<<"$T_OUTPUT" | cut -c1-110)" >>"$T_TMP/errnos"
}

once_programs_take_a_denial_for_what_it_is() {
	create strict w-strict inside sleep 300
	world
	start
	told 7 'Could not connect to server' curl -sS http://10.1.0.1/
	told 6 'Could not resolve host' curl -sS http://web.example/
	told 2 'failed: Operation not permitted' "$PSQL" -h 10.1.0.1 -c 'select 1' postgres
	told 2 'could not translate host name' "$PSQL" -h db.example -c 'select 1' postgres
	told 1 'Could not connect to Redis at 10.1.0.1:6379: Operation not permitted' redis-cli -h 10.1.0.1 ping
	told 1 'bind: Permission denied' redis-server --port 6379 --dir /tmp
	told 1 'bind() to 0.0.0.0:81 failed (13: Permission denied)' nginx -g 'daemon off;' -c /etc/nginx-denied.conf
	told 1 '[Errno 1] Operation not permitted' python3 -c 'import socket; socket.create_connection(("10.1.0.1", 80))'
	told 1 '[Errno 1] Operation not permitted' python3 -c 'import socket; socket.socket(type=2).sendto(b"x", ("10.1.0.1", 80))'
	told 1 '[Errno 13] Permission denied' python3 -c 'import socket; socket.socket().bind(("", 80))'
	told 1 '[Errno 93] Protocol not supported' python3 -c 'import socket; socket.socket(2, 1, 132)'
	told 1 'name resolution' python3 -c 'import socket; socket.getaddrinfo("web.example", 80)'
	told 1 "[Errno 13] Permission denied: '/bin/sh'" python3 -c 'import subprocess; subprocess.run(["/bin/sh", "-c", "id"])'
	told 13 'Permission denied' perl -e 'exec "sh", "-c", "id" or die "$!\n"'
	told 126 "'sh': Permission denied" env sh -c id
}

# One of two upstreams is denied: nginx goes on with the other, as for one that is down.
once_a_denied_upstream_is_one_that_is_down() {
	create balance w-web /docker-entrypoint.sh nginx -c /tmp/nginx.conf -g 'daemon off;'
	world
	start
	guest_wait 30 within curl -sf -o /dev/null http://127.0.0.1:8080/
	expect within curl -sf 'http://127.0.0.1:8080/balanced/[1-4]'
	expect_equal 4 "$(grep -c hello <<<"$T_OUTPUT")" 'answers'
	expect grep 'connect() to 10.1.0.2:80 failed (1: Operation not permitted) while connecting to upstream' "$WORK/balance/out"
}

# --- recorded

# suggest WHAT FILE: the profile that is printed is read without a word.
suggest() {
	local new=$T_DIR/${2##*/}

	cofferdam profile record "$1" >"$new" || t_fail "cofferdam profile record $1: status $?"
	cat "$new"
	expect cofferdam profile lint "$new"
	expect_equal '' "$T_OUTPUT" 'lint'
	mv "$new" "$2" # whole: the directory may be read at any moment
}

forget() {
	cofferdam profile record "$1" --forget
	rm -f "$ADMIN/recorded.json"
}

once_nginx_recorded_then_enforced() {
	workload_profile r-nginx '"mode": "record", "exec": { "shells": "deny" }, "net": { "connect": [], "listen": [] }'
	serve_nginx r-nginx
	expect "$SHIM" delete --force "$NAME"
	expect_equal '' "$(ls /run/cofferdam/recording)" 'sessions left'
	suggest r-nginx "$ADMIN/recorded.json"
	expect grep '"shells": "startup"' "$ADMIN/recorded.json"
	expect grep -E '"/usr/(sbin/nginx|bin/sed)",? // [0-9]+x' "$ADMIN/recorded.json"
	expect grep '"tcp/8080" // [1-9]x' "$ADMIN/recorded.json"
	begin
	serve_nginx recorded
	unharmed 'nginx under its recorded profile'
	create other recorded /docker-entrypoint.sh curl http://127.0.0.1/
	start
	guest_wait 20 has_ended
	expect "$SHIM" delete --force other
	expect_equal 1 "$(denials)" 'of a program that was not seen'
	forget r-nginx
}

once_a_client_recorded_then_enforced() {
	local script='curl -sS http://web.example/ http://10.1.0.1/ && workload udp-server 5353 & until workload ask udp 127.0.0.1 5353 end; do sleep 0.2; done; wait; exec echo ok'

	workload_profile r-client '"mode": "record", "net": { "connect": [], "listen": [] }'
	WORLD=1 ran client r-client /bin/sh -c "$script"
	expect cofferdam profile record client # it has ended, and is still there
	expect_output '{ "to": "10.1.0.1", "port": "tcp/80" } // 2x'
	expect "$SHIM" delete --force client
	suggest client "$ADMIN/recorded.json"
	expect grep '"dns", // ' "$ADMIN/recorded.json"
	expect grep '"loopback", // ' "$ADMIN/recorded.json"
	expect grep '"udp/5353" // 1x' "$ADMIN/recorded.json"
	begin
	WORLD=1 ran again recorded /bin/sh -c "$script"
	unharmed 'curl and UDP under their recorded profile'
	forget client
	refute cofferdam profile record client
	expect_output 'nothing was recorded of client'
}

# What no profile can allow, a copy that is executed, and a shell after the start: each is in the profile, or told.
once_what_is_out_of_the_ordinary_recorded() {
	workload_profile r-odd '"mode": "record"'
	ran odd r-odd python3 -c '
import os, socket, subprocess
try: socket.socket(2, 1, 132)
except OSError: pass
open("/tmp/tool", "wb").write(open("/usr/bin/env", "rb").read()); os.chmod("/tmp/tool", 0o755); subprocess.run(["/tmp/tool", "true"], check=True)
subprocess.run(["/bin/sh", "-c", "true"], check=True)
print("ok")'
	expect "$SHIM" delete --force odd
	expect_status 1 cofferdam profile record odd
	expect_output 'create: socket-family, family 2, type 1, protocol 132'
	expect_output '"shells": "allow"'
	expect_output '/tmp/tool executed is not of the image, 1x'
	expect_output '"image_only": false'
	refute_output '"allow":'
	cofferdam profile record odd --forget
}

records_in_the_kernel() {
	bpftool map dump name records -j | jq length
}

once_what_there_is_no_room_for_is_counted_and_told() {
	local before
	before=$(records_in_the_kernel) # of containers that other tests attached without a runtime

	workload_profile r-flood '"mode": "record"'
	ran flood r-flood workload flood 9000
	expect "$SHIM" delete --force flood
	expect_status 1 cofferdam profile record flood
	expect_output 'INCOMPLETE: '
	expect_output 'would not pass this profile'
	expect_equal "$before" "$(records_in_the_kernel)" 'records left'
	cofferdam profile record flood --forget
}

once_code_made_at_run_time_recorded_then_enforced() {
	workload_profile r-wx '"mode": "record", "exec": { "wx": "deny" }'
	ran made r-wx workload jit
	expect "$SHIM" delete --force made
	ran more r-wx workload jit
	refute cofferdam profile record more --forget # of an image's ended containers there is more than of this one
	expect_output 'the container more is recorded still: delete it first'
	expect_output '`cofferdam profile record r-wx --forget`'
	expect "$SHIM" delete --force more
	expect cofferdam profile record r-wx
	expect_output '"/usr/local/bin/workload" // 2x'
	suggest r-wx "$ADMIN/recorded.json"
	expect grep '"wx": "allow", // ' "$ADMIN/recorded.json"
	works 'code made at run time, as recorded' made recorded workload jit
	forget r-wx
}

once_half_a_guard_does_not_record() {
	workload_profile r-half '"mode": "record"'
	if (GUARD='{ "net": "off" }' create half r-half workload jit) >"$T_DIR/out" 2>&1; then
		t_fail 'it was created'
	fi
	expect grep 'takes the whole guard' "$T_DIR/out"
}

# poststop was never called: the next that asks finds it all the same.
once_a_recording_survives_a_runtime_that_was_killed() {
	hook=/usr/local/libexec/cofferdam/cofferdam-hook # not local: traps at the end do not see what is

	workload_profile r-orphan '"mode": "record"'
	ran orphan r-orphan workload jit
	mv "$hook" "$hook.real"
	trap 'mv -f "$hook.real" "$hook"; remove' EXIT
	printf '#!/bin/sh\n' >"$hook" && chmod 755 "$hook"
	expect "$SHIM" delete --force orphan
	mv -f "$hook.real" "$hook"
	guest_wait 10 sh -c 'cofferdam gc && [ -z "$(ls /run/cofferdam/recording)" ]' || { cofferdam gc; ls -l /run/cofferdam/recording; ls -ldi /sys/fs/cgroup/* /sys/fs/cgroup/orphan; bpftool cgroup tree | tail; false; }
	expect cofferdam profile record orphan
	expect_output '"/usr/local/bin/workload" // 1x'
	cofferdam profile record orphan --forget
}

once_an_image_of_podmans_recorded_then_enforced() {
	guest_podman_image && guest_inside_image
	guest_runtime crun
	trap 'podman rm -f -t 0 app; rm -f "$ADMIN/app.json"' EXIT
	printf '{ "cofferdam": 1, "name": "app", "match": [{ "image": "localhost/inside:*" }], "extends": ["default"], "mode": "record" }\n' >"$ADMIN/app.json"
	expect podman --runtime "$SHIM" run -d --name app --network none "$GUEST_INSIDE" /bin/inside sleep 300
	expect cofferdam profile record app # while it runs
	expect_output '"/bin/inside" // 1x'
	expect podman rm -f -t 0 app
	suggest "$GUEST_INSIDE" "$ADMIN/app.json"
	expect grep '"match": \[{"image":"localhost/inside:\*"}\]' "$ADMIN/app.json"
	begin
	expect podman --runtime "$SHIM" run --rm --network none "$GUEST_INSIDE" /bin/inside show /proc/self/comm
	cofferdam events >/dev/null
	expect_equal 0 "$(denials '')" denials
	refute podman --runtime "$SHIM" run --rm --network none "$GUEST_INSIDE" /bin/sh -c 'echo shell'
	cofferdam events >/dev/null
	[ "$(denials '')" -gt 0 ] || t_fail 'the denied shell is not in the log'
	expect cofferdam profile record "$GUEST_INSIDE" --forget
}

teardown_file() {
	[ ! -f "$T_TMP/table" ] || cat "$T_TMP/table"
	[ ! -f "$T_TMP/errnos" ] || cat "$T_TMP/errnos"
	rm -f "$ADMIN"/[wr]-*.json "$ADMIN/recorded.json" /etc/cofferdam/seccomp/uring.json
	umount "$ROOT"
	guest_config
	rm -f /etc/cofferdam/runtime
}

t_main "$@"
