#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bad input, bad files of our own, a bad host: each is a refusal whose words say what was found and where, told once to the
# engine and on stderr. The engine's files, the mounts, the cgroups and our records are as they were.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

T_LIMIT=120
SHIM=/usr/local/bin/cofferdam-runtime
HOOK=/usr/local/libexec/cofferdam/cofferdam-hook
PROFILES=/etc/cofferdam/profiles.d
LOGS=/var/log/cofferdam
RUNC=$(command -v runc)
SAVED=/run/bad-input # what every row starts from

setup_file() {
	mkdir -p "$PROFILES" "$SAVED/rest"
	ln -sfn "$RUNC" /etc/cofferdam/runtime
	printf '{ "runtimes": ["%s"], "guard": { "exec": "off", "net": "off" } }\n' "$RUNC" >/etc/cofferdam/cofferdam.json
	live_bundle "$SAVED/bundle" /bin/sleep 300
	live_edit "$SAVED/bundle/config.json" 'c["process"]["capabilities"]["ambient"] = []'
	cp -a /etc/cofferdam /etc/subuid /etc/subgid "$HOOK" "$SAVED/"
}

# config JSON: in cofferdam.json, over what setup_file wrote there.
config() {
	live_edit /etc/cofferdam/cofferdam.json "c.update(json.loads('''$1'''))"
}

# shop TEXT: the profile shop, which containers without one get.
shop() {
	printf '%s\n' "$1" >"$PROFILES/shop.json"
	config '{ "default_profile": "shop" }'
}

# Before the rows, between them, and at the end (trap): all is well again.
restore() {
	local mount

	for mount in /run/cofferdam "$LOGS"; do
		while mountpoint -q "$mount"; do
			umount "$mount"
		done
	done
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
	rm -rf bundle log link /etc/cofferdam /etc/subuid /etc/subgid /var/log/other "$LOGS/audit.jsonl"
	cp -a "$SAVED/bundle" bundle
	cp -a "$SAVED/cofferdam" /etc/cofferdam
	cp -a "$SAVED/subuid" "$SAVED/subgid" /etc/
	cp -a "$SAVED/cofferdam-hook" "$HOOK"
	[ ! -d /run/cofferdam ] || { chown 0:0 /run/cofferdam && chmod 711 /run/cofferdam; }
	ID=bad BUNDLE=bundle GLOBAL=() OPTIONS=() AROUND=()
}

clean() {
	"$SHIM" delete --force "$1" >/dev/null 2>&1 || true
	rmdir "/sys/fs/cgroup/$1" 2>/dev/null || true # runc gives up while the killed process is still in it
}

# The rows are refused for what they are about: without it, the same is created.
good() {
	restore
	expect "$SHIM" create --bundle bundle good
	clean good
	expect_equal '' "$(host | grep -e '/containers/.' -e '/ranges/.' || true)" 'records'
}

# All that a refusal leaves as it was; lock files are made once and stay.
host() {
	(
		set +e # some of it may be what is missing
		find -L "$BUNDLE" -printf '%p %y %i %U:%G %m %s %T@ %C@\n'
		find /etc/cofferdam /etc/subuid /etc/subgid -printf '%p %i %s %T@ %C@\n' | sort
		find /run/cofferdam /run/runc ! -name '*lock' -printf '%p %y %U:%G %m %l\n' | sort
		find /sys/fs/cgroup -type d | sort
		cat /proc/self/mountinfo
	) 2>/dev/null
}

# log_is_right TEXT: --log has one line, JSON, with the TEXT of stderr, and none of the phrases in place of which podman and
# Docker tell something else.
log_is_right() {
	python3 - "$1" <<-'PYTHON'
		import json, os, sys
		lines = open("log").read().split("\n")
		assert len(lines) == 2 and not lines[1], f"{len(lines) - 1} lines in --log"
		line = json.loads(lines[0])
		assert line["level"] == "error" and line["time"], line
		text = os.fsencode(sys.argv[1]).decode(errors="replace")
		assert line["msg"] == text, f"--log and stderr differ: {line['msg']!r} {text!r}"
		assert "\x1b" not in text, "a terminal's escape sequence"
		for phrase in ("no such file", "permission denied", "operation not permitted", "not a directory", "not found in $path"):
		    assert phrase not in text.lower(), phrase
	PYTHON
}

# creation: of a container that must not be. The status is the runtime's; the output is its stderr.
creation() {
	"${AROUND[@]}" "$SHIM" "${GLOBAL[@]}" --log "$PWD/log" --log-format json create --bundle "$BUNDLE" "${OPTIONS[@]}" "$ID"
}

# refused SETUP WORDS...: after SETUP, a create is refused in one line that has all WORDS.
refused() {
	local setup=$1 words
	shift

	restore
	echo "--- $setup"
	eval "$setup"
	host >before
	expect_status 1 creation
	expect_equal 1 "$(wc -l <<<"$T_OUTPUT")" 'lines on stderr'
	for words in 'cofferdam: ' "$@"; do
		expect_output "$words"
	done
	log_is_right "$T_OUTPUT" || t_fail 'what the engine was told'
	expect diff before <(host)
}

# audited WORDS...: the last line of the audit log is of the container `bad` and has all WORDS.
audited() {
	local words

	expect tail -n 1 "$LOGS/audit.jsonl"
	for words in '"container":"bad","verdict":"refused"' "$@"; do
		expect_output "$words"
	done
}

test_config_json() {
	local file=bundle/config.json

	good
	refused "rm $file" 'refused bad: verdict: bundle /' '/bundle: cannot open config.json: does not exist'
	audited '"step":"verdict"' 'cannot open config.json'
	refused ": >$file" '/bundle: config.json:1:1: the file is empty'
	refused "chown 1 $file; chmod 0 $file; AROUND=(setpriv --bounding-set -dac_override,-dac_read_search)" \
		'/bundle: cannot open config.json: access refused by the kernel'
	refused "mv $file bundle/other; ln -s other $file" 'config.json is a symbolic link; a regular file is expected here'
	refused "rm $file; mkfifo $file" 'config.json is not a regular file'
	refused "rm $file; mkdir $file" 'config.json is not a regular file'
	refused "rm $file; mknod $file c 1 5" 'config.json is not a regular file'
	refused "truncate -s 9M $file" 'config.json has 9437184 bytes; at most 8388608 are accepted'
	refused "truncate -s -5 $file" 'config.json:1:' 'not valid JSON: the text ends too early'
	refused "printf '\\xff\\xfe{' >$file" 'config.json:1:1: bytes that are not UTF-8 (0xff)'
	refused "sed -i 's/{/{ \"hostname\": \"a\", \"hostname\": \"b\",/' $file" 'config.json:1:' 'the same key a second time'
	refused "live_edit $file 'c[\"root\"][\"path\"] = \"nowhere\"'" 'cannot open root.path nowhere: does not exist'
	refused "live_edit $file 'c[\"root\"][\"path\"] = \"config.json\"'" 'cannot open root.path config.json'
}

test_the_bundle() {
	good
	refused 'BUNDLE=missing' 'refused bad: bundle: cannot open the bundle missing: does not exist'
	audited '"step":"bundle"'
	refused 'BUNDLE=bundle/config.json' 'cannot open the bundle bundle/config.json: no directory'
	refused 'ln -s bundle/config.json link; BUNDLE=link' 'cannot open the bundle link: no directory'
	refused 'ln -s nowhere link; BUNDLE=link' 'cannot open the bundle link: does not exist'
	refused 'ln -s link link; BUNDLE=link' 'cannot open the bundle link: Too many levels of symbolic links'
	refused "BUNDLE=\$(printf 'a\\033[2J\\nb')" 'cannot open the bundle a?[2J?b: does not exist'
	refused "BUNDLE=\$(printf 'a\\377b')" 'cannot open the bundle a'
	refused 'OPTIONS=(--config ../config.json)' '--config ../config.json: only the name of a file in the bundle is accepted'
	refused 'OPTIONS=(--bundel x)' 'create: option --bundel is not one that cofferdam-runtime knows'
}

test_the_id() {
	local shape='id is not made of A-Z a-z 0-9 _ . + - alone'

	good
	refused 'ID=a/b' 'refused a/b: arguments: ' "$shape"
	refused 'ID=../../etc' "$shape"
	refused 'ID=..' "$shape"
	refused 'ID=' "refused a container: arguments: the container's id is missing"
	refused "ID=\$(printf %300s | tr ' ' a)" "the container's id has 300 characters; at most 238 are accepted"
	refused "ID=\$(printf 'a\\033[2J\\nb')" 'refused a?[2J?b: arguments: ' "$shape"
	refused "ID=\$(printf 'a\\377')" "$shape"
	refused 'ID=-bad' 'create: option -bad is not one that cofferdam-runtime knows'
}

# As containerd's CRI plugin makes it: the image has a name.
named_bundle() {
	local task=/io.containerd.runtime.v2.task/k8s.io

	ID=$(printf %064d 7) BUNDLE=$PWD/state$task/$ID
	mkdir -p "${BUNDLE%/*}"
	cp -a "$SAVED/bundle" "$BUNDLE"
	ln -s "/var/lib/containerd$task/$ID" "$BUNDLE/work"
	live_edit "$BUNDLE/config.json" "c['annotations'] = {'io.kubernetes.cri.' + key: value for key, value in {
		'container-type': 'container', 'image-name': 'docker.io/library/shop:1', 'sandbox-id': '$(printf %064d 8)'}.items()}"
}

test_profiles() {
	local name='"cofferdam": 1, "name": "shop"' match='"match": [ { "image": "docker.io/library/shop:1" } ]'

	good
	refused "shop '{ $name,
  \"extends\": [\"default\"], \"mounst\": {} }'" "$PROFILES/shop.json:2:27: mounst: unknown key; did you mean \"mounts\"?"
	refused "shop '{ $name, \"net\": { \"listn\": [] } }'" 'net.listn: unknown key; did you mean "listen"?'
	refused "shop '{ $name, \"exec\": { \"shells\": \"never\" } }'" "$PROFILES/shop.json:1:" 'exec.shells: '
	refused "shop '{ $name, \"extends\": [\"nobody\"] }'" "shop.json:1:35: extends: there is no profile \"nobody\" in $PROFILES or"
	refused "shop '{ $name, \"extends\": [\"shop\"] }'" 'shop.json: "extends" goes in a circle: shop extends itself'
	refused "shop '{ $name'" "$PROFILES/shop.json:2:1: " 'not valid JSON: the text ends too early'
	refused "shop '{ $name }'; chmod 666 $PROFILES/shop.json" "$PROFILES/shop.json belongs to uid 0 with mode 0666" 'chmod go-w'
	refused "chmod 777 $PROFILES" "profiles: $PROFILES belongs to uid 0 with mode 0777" 'chmod go-w'
	refused 'config "{ \"default_profile\": \"shop\" }"' "there is no profile \"shop\": no shop.json in $PROFILES or"
	refused 'config "{ \"unknown_image\": \"refuse\" }"' 'no profile matches' "to $PROFILES" '"unknown_image": "default"'
	refused "named_bundle; printf '{ $name, $match }' >$PROFILES/shop.json
		printf '{ \"cofferdam\": 1, \"name\": \"other\", $match }' >$PROFILES/other.json" \
		'two profiles match docker.io/library/shop:1 equally well' "other in $PROFILES/other.json and shop in $PROFILES/shop.json" \
		'make one of them more specific or remove it'
}

test_ranges_of_ids() {
	good
	refused 'sed -i /^cofferdam:/d /etc/subuid /etc/subgid' 'refused bad: record: no range of ids for containers' \
		'add the line `cofferdam:' '` to both'
	refused 'rm /etc/subuid' 'no range of ids for containers: /etc/subuid and /etc/subgid'
	refused 'sed -i s/^cofferdam:.*/cofferdam:1000000:65535/ /etc/subuid /etc/subgid' 'no 65536 ids in common'
	refused 'printf "other:99" >>/etc/subgid' '/etc/subgid:' '`other:99` is not owner:start:count; correct the line or remove it'
	refused 'sed -i "1i cofferdam:10x:65536" /etc/subuid' '/etc/subuid:1: `cofferdam:10x:65536`: start and count must be decimal'
	refused 'printf "a:1:\0002" >/etc/subuid' '/etc/subuid contains a NUL byte'
	refused 'mv /etc/subuid /etc/subuid-; ln -s subuid- /etc/subuid' '/etc/subuid is a symbolic link'
	rm /etc/subuid-
}

test_a_host_that_lacks_something() {
	local guard='config "{ \"guard\": {\"exec\": \"require\", \"net\": \"require\"} }"'

	good
	refused "$guard; umount /sys/fs/bpf" 'refused bad: guard: ' 'no bpf filesystem at /sys/fs/bpf' 'mount -t bpf'
	refused "$guard; AROUND=(unshare --mount sh -c 'umount -R /sys/fs/cgroup; exec \"\$@\"' sh)" \
		'no cgroup2 filesystem is mounted here' 'mount -t cgroup2'
	audited '"step":"guard"'
}

test_the_runtime_behind() {
	good
	refused 'config "{ \"runtimes\": [\"/usr/bin/kata\"] }"' 'refused bad: runtime: no OCI runtime of `runtimes` in /etc/cofferdam' \
		'the first is /usr/bin/kata' 'install crun or runc, or name there what is'
	refused 'echo >runtime; config "{ \"runtimes\": [\"$PWD/runtime\"] }"' '/runtime is not an executable file; correct its mode'
	refused 'config "{ \"runtimes\": [\"/etc\"] }"' 'the OCI runtime /etc is not an executable file'
	refused 'config "{ \"runtimes\": [\"$SHIM\"] }"' "$SHIM is cofferdam-runtime itself"
	refused 'echo text >runtime; chmod 755 runtime; config "{ \"runtimes\": [\"$PWD/runtime\"] }"' \
		'refused bad: start: cannot execute the OCI runtime' 'Exec format error'
	refused 'echo "#!/no/sh" >runtime; chmod 755 runtime; config "{ \"runtimes\": [\"$PWD/runtime\"] }"' \
		'cannot execute the OCI runtime' '/runtime, or the interpreter that it names: does not exist'
	refused 'config "{ \"runtimes\": [] }"' 'at least one runtime is needed'
}

test_cofferdam_json() {
	local file=/etc/cofferdam/cofferdam.json

	good
	refused "echo '{ torn' >$file" "refused bad: configuration: $file:1:3: " 'not valid JSON'
	refused ": >$file" "$file:1:1: the file is empty"
	refused 'config "{ \"gaurd\": {} }"' "$file:1:" 'gaurd: unknown key; did you mean "guard"?'
	refused 'config "{ \"guard\": { \"exec\": \"of\" } }"' 'guard.exec: expected one of "require", "prefer", "off", found "of"'
	refused "chmod 666 $file" "$file belongs to uid 0 with mode 0666" 'chmod go-w'
	refused "chmod 664 $file" "$file belongs to uid 0 with mode 0664" 'chmod go-w'
	refused "chown 1 $file" "$file belongs to uid 1" 'chown root'
	refused "mv $file /etc/cofferdam/other; ln -s other $file" "$file is a symbolic link"
	refused "rm $file; mkfifo $file" "$file is not a regular file"
}

test_the_state_directory() {
	good
	refused 'chmod 777 /run/cofferdam' 'refused bad: record: state in /run/cofferdam: ' 'mode 0777: it must belong to uid 0' 'chmod go-w'
	refused 'chown 1 /run/cofferdam' '/run/cofferdam belongs to uid 1' 'chown'
	refused 'mount -t tmpfs -o ro,mode=711 tmpfs /run/cofferdam' 'cannot make the directory stage: Read-only file system'
	refused 'mount --bind /run/cofferdam /run/cofferdam; mount -o remount,bind,ro /run/cofferdam' 'state in /run/cofferdam: ' 'Read-only file system'
	refused 'mount -t tmpfs -o mode=711 tmpfs /run/cofferdam; mkdir -m 711 /run/cofferdam/stage; mkdir -m 700 /run/cofferdam/ranges; ln -s /tmp /run/cofferdam/containers' 'containers is no directory (a symbolic link is not followed here)'
	audited '"step":"record"'
}

test_the_audit_log() {
	good
	refused "mount -t tmpfs -o ro,mode=700 tmpfs $LOGS" "refused bad: audit log: cannot open the audit log $LOGS/audit.jsonl: Read-only"
	refused "mount -t tmpfs tmpfs $LOGS" "$LOGS belongs to uid 0 with mode 1777" 'chmod go-w'
	refused "ln -s /dev/null $LOGS/audit.jsonl" "the audit log $LOGS/audit.jsonl is a symbolic link, which is not followed"
	refused 'config "{ \"audit\": { \"file\": \"/dev/full\" } }"' 'the audit log /dev/full must be a regular file'
	refused 'config "{ \"audit\": { \"file\": \"/nowhere/at/all\" } }"' '/nowhere/at/all (`audit.file` in /etc/cofferdam/cofferdam.json)' \
		'cannot make the directory /nowhere/at'
	refused 'touch /var/log/other; chmod 666 /var/log/other; config "{ \"audit\": { \"file\": \"/var/log/other\" } }"' \
		'the audit log /var/log/other must be a regular file of uid 0 that nobody else can write'
}

# hook_fails SETUP WORDS...: what fails only once the runtime is at work. All WORDS are in the last line of --log, which is
# the runtime's or ours, and none of the phrases that engines reword.
hook_fails() {
	local setup=$1 words
	shift

	restore
	echo "--- $setup"
	eval "$setup"
	host >before
	expect_status 1 creation
	expect python3 -c 'import json; print([json.loads(line)["msg"] for line in open("log")][-1])'
	for words in "$@"; do
		expect_output "$words"
	done
	for words in 'o such file' 'ermission denied' 'not permitted'; do
		refute_output "$words"
	done
	clean bad
	chmod 711 /run/cofferdam
	expect diff before <(host)
}

# hook_after COMMAND: the hook finds what COMMAND did.
hook_after() {
	printf '#!/bin/sh\n%s\nexec %s "$@"\n' "$1" "$SAVED/cofferdam-hook" >"$HOOK"
}

lose_record='for record in /run/cofferdam/containers/bad@*/record.json; do : >$record; done'
lose_policy='rm /run/cofferdam/containers/bad@*/policy.bin'
move_log="mv $LOGS/audit.jsonl $LOGS/x; ln -s x $LOGS/audit.jsonl"

# runc's text has what the hook wrote to stderr.
test_the_hook_of_runc() {
	good
	refused "rm $HOOK" "refused bad: hook: $HOOK, which the runtime is to call, cannot be executed (install cofferdam anew): does not exist"
	refused "chmod 644 $HOOK" '(install cofferdam anew): access refused by the kernel'
	hook_fails "hook_after 'exit 1'" 'error running hook'
	hook_fails "hook_after 'kill -KILL \$\$'" 'signal: killed'
	hook_fails 'hook_after "$lose_record"' 'cofferdam-hook: createRuntime: /run/cofferdam/containers/bad@' 'record.json:1:1: the file is empty'
	hook_fails "hook_after 'chmod 777 /run/cofferdam'" 'cofferdam-hook: createRuntime: state in /run/cofferdam' 'mode 0777'
	hook_fails 'hook_after "$move_log"' 'is a symbolic link, which is not followed'
	# A hook that does nothing has attached nothing.
	hook_fails "printf '#!/bin/sh\n' >$HOOK" 'cofferdam: refused bad: hook: ' 'created the container without calling cofferdam-hook'
}

# crun cannot load its device filter here, and without a cgroup manager it shares its caller's cgroup.
by_crun() {
	mkdir -p /sys/fs/cgroup/crun-alone
	config "{ \"runtimes\": [\"$(command -v crun)\"] }"
	GLOBAL=(--cgroup-manager=disabled)
	AROUND=(sh -c 'echo $$ >/sys/fs/cgroup/crun-alone/cgroup.procs; exec "$@"' sh)
}

# crun says only that a hook failed; the shim adds what the hook left in the container's directory.
test_the_hook_of_crun() {
	command -v crun >/dev/null || skip 'crun is not installed'
	restore
	by_crun
	ID=good
	expect creation
	clean good
	hook_fails 'by_crun; hook_after "$lose_record"' 'cofferdam: refused bad: hook: /run/cofferdam/containers/bad@' 'the file is empty'
	hook_fails 'by_crun; hook_after "$move_log"' "cofferdam: refused bad: hook: the audit log $LOGS/audit.jsonl is a symbolic link"
}

# By cofferdam-runtime, and by nobody behind it: what is judged is what counts.
test_config_json_is_opened_once() {
	command -v strace >/dev/null || skip 'strace is not installed'
	local tries

	restore
	trap 'clean traced' EXIT
	# strace stays as long as the container does.
	strace -f -y -o trace -e trace=open,openat,openat2,read,pread64 "$SHIM" create --bundle bundle traced >/dev/null 2>&1 &
	for ((tries = 0; tries < 300; tries++)); do
		! "$SHIM" state traced 2>/dev/null | grep -q '"status": "created"' || break
		sleep 0.1
	done
	clean traced
	wait
	expect_equal 1 "$(grep -c "open.* = [0-9]*<$PWD/bundle/config.json>$" trace)" 'times that it is opened'
	expect_equal 1 "$(grep "read.*<$PWD/bundle/config.json>" trace | grep -c ' = [1-9][0-9]*$')" 'times that it is read'
}

teardown_file() {
	cd "$SAVED/rest" && restore && cd / && rm -rf "$SAVED" /etc/cofferdam/runtime /etc/cofferdam/cofferdam.json
}

t_main "$@"
