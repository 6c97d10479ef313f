# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Containers whose root file system is the guest's own, so that what Debian has packages for runs in them without an image.

# shellcheck source=tests/vm/guest.sh
. "$(dirname "${BASH_SOURCE[0]}")/guest.sh"

SHIM=/usr/local/bin/cofferdam-runtime
WORK=/run/workloads # a tmpfs
ROOT=$WORK/root
AUDIT=/var/log/cofferdam/audit.jsonl

# An overlay as engines make it. Its lower layer has the guest's own files, as hard links, and what an image would bring
# for these programs.
workload_root() {
	local disk=/var/workloads image=/var/workloads/image

	! mountpoint -q "$ROOT" || return 0
	mkdir -p "$ROOT" "$disk"/{upper,work} "$image"/{usr,etc,dev,proc,sys,tmp,run,root,docker-entrypoint.d}
	cp -al /usr/{bin,sbin,lib64,share} /usr/local "$image/usr/"
	mkdir "$image/usr/lib" && find /usr/lib -mindepth 1 -maxdepth 1 ! -name modules -exec cp -al -t "$image/usr/lib" {} +
	cp -a /bin /sbin /lib /lib64 "$image/"
	cp -a /etc/. "$image/etc/"
	mkdir -p "$image/var/lib" && cp -a /var/lib/dpkg "$image/var/lib/"
	printf 'nameserver 10.3.0.1\noptions timeout:1 attempts:1\n' >"$image/etc/resolv.conf"
	workload_files "$image"
	modprobe overlay
	mount -t overlay overlay -o "lowerdir=$image,upperdir=$disk/upper,workdir=$disk/work" "$ROOT"
}

workload_files() {
	local image=$1

	# As nginx's image has it: scripts of a directory, then the program itself.
	cat >"$image/docker-entrypoint.sh" <<-'SH'
		#!/bin/sh
		set -e
		if /usr/bin/find /docker-entrypoint.d/ -mindepth 1 -maxdepth 1 -type f -print -quit | read -r found; then
			find /docker-entrypoint.d/ -follow -type f -print | sort | while read -r f; do
				[ ! -x "$f" ] || "$f"
			done
		fi
		exec "$@"
	SH
	printf '#!/bin/sh\nmkdir -p /tmp/nginx /tmp/www\nsed s/NAME/$(uname -n)/ /index.template >/tmp/www/index.html\n' >"$image/docker-entrypoint.d/10-index.sh"
	printf '#!/bin/sh\nset -eu\nnproc | grep -q "^[0-9]" && cat /etc/nginx-test.conf >/tmp/nginx.conf\n' >"$image/docker-entrypoint.d/20-configuration.sh"
	printf 'hello from NAME\n' >"$image/index.template"
	# As the images of redis and postgres have it: root prepares the data and becomes the user, by executing the script anew.
	cat >"$image/server-entrypoint.sh" <<-'SH'
		#!/bin/bash
		set -Eeo pipefail
		if [ "$(id -u)" = 0 ]; then
			mkdir -p /tmp/data
			find /tmp/data \! -user nobody -exec chown nobody '{}' +
			exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$0" "$@"
		fi
		um=$(umask)
		[ "$um" != 0022 ] || umask 0077
		cd /tmp/data
		exec "$@"
	SH
	cat >"$image/etc/nginx-test.conf" <<-'CONF'
		user www-data;
		worker_processes 2;
		error_log stderr;
		pid /tmp/nginx.pid;
		events { }
		http {
			access_log off;
			client_body_temp_path /tmp/nginx/body; proxy_temp_path /tmp/nginx/proxy; fastcgi_temp_path /tmp/nginx/fastcgi;
			uwsgi_temp_path /tmp/nginx/uwsgi; scgi_temp_path /tmp/nginx/scgi;
			upstream other { server 10.1.0.1:80; }
			upstream some { server 10.1.0.2:80; server 10.1.0.1:80; }
			server {
				listen 8080;
				root /tmp/www;
				location /proxied { proxy_pass http://other/; }
				location /balanced/ { proxy_pass http://some/; }
			}
		}
	CONF
	sed 's,/tmp/nginx/,/tmp/denied-,g; s/listen 8080/listen 81/' "$image/etc/nginx-test.conf" >"$image/etc/nginx-denied.conf"
	chmod 755 "$image"/*.sh "$image"/docker-entrypoint.d/*.sh
}

# workload_profile NAME KEYS
workload_profile() {
	mkdir -p /etc/cofferdam/profiles.d
	printf '{ "cofferdam": 1, "name": "%s", "extends": ["default"], %s }\n' "$1" "$2" >"/etc/cofferdam/profiles.d/$1.json"
}

# The bundle that all of them are made from.
workload_template() {
	BUNDLE_CAPABILITIES=', "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SETGID", "CAP_SETUID"' \
		BUNDLE_MOUNTS=', { "destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"] }' \
		guest_bundle "$WORK/template" /bin/true
	rm -r "$WORK/template/rootfs"
}

# create NAME PROFILE ARGUMENT...: a container that waits to be started; PID is its first process. From outside: GUARD, the
# object of that name in cofferdam.json.
create() {
	NAME=$1
	mkdir -p "$WORK/$NAME"
	guest_config "{ \"runtimes\": [\"$(command -v "${RUNTIME:-crun}")\"], \"default_profile\": \"$2\"${GUARD:+, \"guard\": $GUARD} }"
	jq --arg root "$ROOT" '.process.args = $ARGS.positional | .root = { "path": $root } | .process.noNewPrivileges = false
		| .process.capabilities.effective = .process.capabilities.bounding
		| .process.capabilities.permitted = .process.capabilities.bounding
		| .process.env = ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]' \
		"$WORK/template/config.json" --args -- "${@:3}" >"$WORK/$NAME/config.json"
	trap 'remove' EXIT
	"$SHIM" create --bundle "$WORK/$NAME" --pid-file "$WORK/$NAME/pid" "$NAME" >"$WORK/$NAME/out" 2>&1 </dev/null || {
		cat "$WORK/$NAME/out"
		t_fail "$NAME was not created"
	}
	PID=$(cat "$WORK/$NAME/pid")
	within ip link set lo up
}

# within COMMAND...: of the guest, ungoverned, in the container's network.
within() {
	nsenter -t "$PID" -n "$@"
}

# What is beyond the container: a web server and a name server.
world() {
	within ip address add 10.1.0.1/32 dev lo
	within ip address add 10.3.0.1/32 dev lo
	within workload world >/dev/null 2>&1 &
}

start() {
	expect "$SHIM" start "$NAME"
}

has_ended() {
	! kill -0 "$PID" 2>/dev/null || grep -q '^State:.Z' "/proc/$PID/status"
}

# ran NAME PROFILE ARGUMENT...: to its end, and wrote "ok" at last.
ran() {
	create "$@"
	[ "${WORLD:-0}" = 0 ] || world
	start
	guest_wait 30 has_ended || { cat "$WORK/$NAME/out"; return 1; }
	expect tail -n 1 "$WORK/$NAME/out"
	[ "$T_OUTPUT" = ok ] || { cat "$WORK/$NAME/out"; t_fail "$NAME did not come to its end"; }
}

remove() {
	trap - ERR
	set +e
	pkill -f '^workload world$'
	"$SHIM" delete --force "$NAME" >/dev/null 2>&1
}

# denials [NAME]: how many the log has of that container since `begin`; '': of all.
denials() {
	local name=${1-$NAME}

	tail -n "+$((${SEEN:-0} + 1))" "$AUDIT" | awk -v container="\"container\":\"$name\"" -v all="${name:+no}" '
		(!all || index($0, container)) && /"verdict":"(denied|would-deny)"/ { count++ }
		END { print count + 0 }'
}

begin() {
	SEEN=$([ ! -f "$AUDIT" ] || wc -l <"$AUDIT")
	BEGAN=$(date +%s%N)
}

# unharmed WHAT: the container goes, and was denied nothing.
unharmed() {
	local count

	expect "$SHIM" delete --force "$NAME"
	count=$(denials)
	[ "$count" -eq 0 ] || tail -n "+$((SEEN + 1))" "$AUDIT" | grep -F "\"container\":\"$NAME\"" | jq -c '[.guard, .subject, .reason, .process.comm]'
	expect_equal 0 "$count" "denials of $NAME"
	printf '%-44s %5d ms  %s denials\n' "$1" $((($(date +%s%N) - BEGAN) / 1000000)) "$count" >>"$T_TMP/table"
}
