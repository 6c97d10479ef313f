#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Profiles for those who write them: lint, show, match, list, completion; and that a profile allows what it says and nothing
# beside it, on real containers.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

T_LIMIT=120
SHIM=/usr/local/bin/cofferdam-runtime
PROFILES=/etc/cofferdam/profiles.d
SHIPPED=/usr/local/share/cofferdam/profiles

setup_file() {
	mkdir -p "$PROFILES"
	ln -sfn "$(command -v runc)" /etc/cofferdam/runtime
	configure '"unknown_image": "default"'
}

# configure MEMBERS
configure() {
	printf '{ "runtimes": ["%s"], "guard": { "exec": "off", "net": "off" }, %s }\n' "$(command -v runc)" "$1" \
		>/etc/cofferdam/cofferdam.json
}

# profile NAME MEMBERS: of the administrator's.
profile() {
	printf '{ "cofferdam": 1, "name": "%s", %s }\n' "$1" "$2" >"$PROFILES/$1.json"
}

only_shipped() {
	rm -f "$PROFILES"/*.json
	configure '"unknown_image": "default"'
}

test_lint_finds_every_mistake_and_has_a_status_for_scripts() {
	printf '{\n "cofferdam": 1,\n "name": "web",\n "mod": "warn",\n "extends": ["defualt"],\n "capabilities": ["chown"]\n}\n' >web.json
	expect_status 1 cofferdam profile lint web.json
	expect_output 'web.json:4:2: mod: unknown key; did you mean "mode"?'
	expect_output 'web.json:5:14: extends[0]: there is no profile "defualt"'
	expect_output 'did you mean "default"?'
	expect_output 'web.json:6:19: capabilities[0]: "chown" is no capability'
	expect_equal 3 "$(wc -l <<<"$T_OUTPUT")" 'lines'
	cofferdam profile lint --format json web.json >lines || true
	expect python3 -c 'import json; rows = [json.loads(line) for line in open("lines")]; assert [(r["line"], r["column"], r["severity"]) for r in rows] == [(4, 2, "error"), (5, 14, "error"), (6, 19, "error")] and rows[0]["meant"] == "mode", rows'
	expect_status 0 cofferdam profile lint "$SHIPPED"/*.json
	expect_equal '' "$T_OUTPUT" 'what is said of shipped profiles'
	expect_status 1 cofferdam profile lint "$SHIPPED/nginx.json" web.json
	expect_status 2 cofferdam profile lint web.json nowhere.json
	expect_output 'web.json:4:2'
	expect_output 'nowhere.json'
	expect_status 2 cofferdam profile lint
	python3 -c 'import json; print(json.dumps(dict(cofferdam=1, name="many", **{f"key{n}": n for n in range(100)})))' >many.json
	expect_status 1 cofferdam profile lint many.json
	expect_output 'many.json: and more'
	expect_equal 65 "$(wc -l <<<"$T_OUTPUT")" 'lines'
}

test_lint_knows_what_is_never_allowed() {
	trap only_shipped EXIT
	profile dev '"devices": {"allow": ["/dev/kmsg"]}, "mounts": {"allow": [{"source": "/run/docker.sock"}]}'
	expect_status 1 cofferdam profile lint "$PROFILES/dev.json"
	expect_output '/dev/kmsg is never allowed (the kernel'"'"'s log): it needs an exception for device.forbidden'
	expect_output '/run/docker.sock is never allowed (socket of a container engine): it needs an exception for mount.engine-socket'
}

test_lint_warns_and_passes() {
	printf '{"cofferdam": 1, "name": "old", "exceptions": [{"rule": "mount.host-path", "subject": "/srv", "reason": "OPS-1", "expires": "2020-01-01"}]}' >old.json
	expect_status 0 cofferdam profile lint old.json
	expect_output 'warning: exceptions[0].expires: the day is over'
}

test_lint_gives_a_terminal_no_orders() {
	printf '{"cofferdam": 1, "name": "x", "mode": "\\u001b[2J"}' >x.json
	expect_status 1 cofferdam profile lint x.json
	refute_output $'\e'
}

test_what_is_shown_is_the_same_profile() {
	local name

	trap only_shipped EXIT
	cofferdam profile list --format json | python3 -c 'import json, sys; [print(json.loads(line)["name"]) for line in sys.stdin]' >names
	expect grep -x nginx names
	while read -r name; do
		cofferdam profile show "$name" >"shown-$name"
		refute grep -vE ' // (/.*:[0-9]+|built in)$' "shown-$name"
		cofferdam profile show --format json "$name" >before
		cp "shown-$name" "$PROFILES/$name.json"
		expect cofferdam profile lint "$PROFILES/$name.json"
		cofferdam profile show --format json "$name" >after
		expect python3 -c 'import json; a, b = (json.load(open(f)) for f in ("before", "after")); assert a["profile"] == b["profile"] and b["file"].startswith("/etc/"), (a, b)'
		rm "$PROFILES/$name.json"
	done <names
	expect grep -E '"shells": "startup", +// /usr/local/share/cofferdam/profiles/default.json:[0-9]+$' shown-nginx
	expect grep -E '"capabilities": \[ +// /usr/local/share/cofferdam/profiles/nginx.json:[0-9]+$' shown-nginx
	expect_status 2 cofferdam profile show nowhere
	expect_status 2 cofferdam profile show
}

# What is recorded is in tests/vm/tests/26-workloads.sh: it takes the guard.
test_what_was_not_recorded_is_not_printed() {
	expect_status 2 cofferdam profile record
	expect_output 'nothing was recorded: give the image a profile with "mode": "record"'
	expect_status 2 cofferdam profile record nginx
	expect_output 'nothing was recorded of nginx'
	expect_status 2 cofferdam profile record nginx --forget
	printf '{' >/var/cache/cofferdam/recordings/0123456789abcdef.json
	trap 'rm -f /var/cache/cofferdam/recordings/*' EXIT
	expect_status 2 cofferdam profile record nginx
	expect_output '/var/cache/cofferdam/recordings'
	rm /var/cache/cofferdam/recordings/*
	printf '{"recording":1,"runs":2,"lost":0,"first":0,"last":0,"image":"docker.io/library/shop:1","profile":"default","containers":["front (abc)"],"used":[{"kind":0,"reason":0,"count":5,"path":"/bin/shop","facts":0}]}' >/var/cache/cofferdam/recordings/0123456789abcdef.json
	expect cofferdam profile record shop:1
	expect_output '"/bin/shop" // 5x'
	expect_status 2 cofferdam profile record shop:2
	expect cofferdam profile record abc
	expect cofferdam profile record front
}

test_match_says_who_wins_who_loses_and_why() {
	trap only_shipped EXIT
	profile hub '"match": [{"image": "docker.io/library/*"}]'
	profile pinned '"match": [{"digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]'
	expect cofferdam profile match nginx:1.27
	expect_output "docker.io/library/nginx:1.27: profile nginx ($SHIPPED/nginx.json)"
	expect_output 'wins  nginx: "docker.io/library/nginx:*" is a pattern with 24 literal characters'
	expect_output 'loses hub: "docker.io/library/*" is a pattern with 18 literal characters'
	refute_output pinned
	expect cofferdam profile match nginx:1.27 --digest sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
	expect_output 'wins  pinned: "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" is the digest'
	profile exact '"match": [{"image": "docker.io/library/nginx:1.27"}]'
	expect cofferdam profile match nginx:1.27 --format json
	expect_output '"profile":"exact"'
	expect_status 2 cofferdam profile match nginx --digest latest
	expect_status 2 cofferdam profile match
	expect_status 2 cofferdam profile match 'NGINX:1'
}

test_a_tie_names_both_and_no_match_the_default() {
	trap only_shipped EXIT
	profile one '"match": [{"image": "registry.example/*:1"}]'
	profile two '"match": [{"image": "registry.example/a:*"}]'
	expect_status 1 cofferdam profile match registry.example/a:1
	expect_output 'refused, as profiles match equally well'
	expect_output 'ties  one:'
	expect_output 'ties  two:'
	expect_status 0 cofferdam profile lint "$PROFILES/one.json"
	expect_output 'is refused, as both match equally well'
	expect cofferdam profile match registry.example/b:2
	expect_output 'profile default, as no profile matches'
	configure '"unknown_image": "refuse"'
	expect_status 1 cofferdam profile match registry.example/b:2
	expect_output 'refused, as no profile matches'
}

test_list_has_names_files_and_patterns() {
	expect cofferdam profile list
	expect_output "$SHIPPED/nginx.json"
	expect_output 'docker.io/library/nginx@*'
}

# complete WORD...: what bash offers for the last one, by the script that was installed.
complete_words() {
	bash --norc --noprofile -c '
		. /usr/local/share/bash-completion/completions/cofferdam
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_cofferdam
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

test_bash_completes_commands_options_and_what_the_host_has() {
	touch 'a file.json'
	expect complete_words cofferdam ''
	expect_output profile
	expect_output --version
	expect_equal check "$(complete_words cofferdam ch)"
	expect_equal 'lint list match record show' "$(complete_words cofferdam profile '' | xargs)"
	expect_equal '--image' "$(complete_words cofferdam check --i)"
	expect_equal 'text json sarif junit' "$(complete_words cofferdam check x --format '' | xargs)"
	expect_equal json "$(complete_words cofferdam check x --format = js)"
	expect_equal nginx "$(complete_words cofferdam check --profile ng)"
	expect_equal nginx "$(complete_words cofferdam profile show ng)"
	expect_equal mount.engine-socket "$(complete_words cofferdam rules mount.engine-so)"
	expect_equal 'a file.json' "$(complete_words cofferdam profile lint a)"
	expect_equal '' "$(complete_words cofferdam check --image x)"
	expect_equal 'bash' "$(complete_words cofferdam completion b)"
}

test_every_option_that_is_offered_is_one() {
	local command option

	while read -r command; do
		# shellcheck disable=SC2086 # one or two words
		complete_words cofferdam $command -- >offered
		while read -r option; do
			[ -n "$option" ] || continue
			# shellcheck disable=SC2086
			timeout 5 cofferdam $command "$option" one two three >said 2>&1 </dev/null || true
			refute grep 'has no option' said
		done <offered
	done < <(cofferdam --help | sed -n 's/^  cofferdam \(profile [a-z]*\|[a-z]*\).*/\1/p')
	expect_status 2 cofferdam gc --formt
	expect_output 'gc has no option --formt'
	expect_status 2 cofferdam check --formt
	expect_output 'did you mean --format?'
	expect_status 2 cofferdam profile lnit
	expect_output 'did you mean profile lint?'
}

# The other two shells are not everywhere: what their files must have is looked at, and read by them where they are.
test_zsh_and_fish_know_the_same() {
	local command shell

	cofferdam completion zsh >zsh
	cofferdam completion fish >fish
	expect cmp zsh /usr/local/share/zsh/site-functions/_cofferdam
	expect cmp fish /usr/local/share/fish/vendor_completions.d/cofferdam.fish
	expect head -n 1 zsh
	expect_output '#compdef cofferdam'
	while read -r command; do
		expect grep -F "'$command')" zsh
		expect grep -F -- "${command##* }" fish
	done < <(cofferdam --help | sed -n 's/^  cofferdam \(profile [a-z]*\|[a-z]*\).*/\1/p' | grep .)
	expect grep -F "seen_subcommand_from check' -l format -x -a 'text json sarif junit'" fish
	for shell in zsh fish; do
		! command -v "$shell" >/dev/null || expect "$shell" -n "$shell"
	done
}

# run_with OPTIONS-AS-JSON SOURCE DESTINATION: a container with one more bind, under the profile of unknown images.
run_with() {
	bundle bundle "${COMMAND[@]}"
	live_edit bundle/config.json "c['mounts'].append(dict(destination='$3', type='bind', source='$2', options=$1))"
	"$SHIM" run --bundle "$PWD/bundle" web
}

bundle() {
	rm -f "$1/config.json"
	live_bundle "$@"
	live_edit "$1/config.json" "c['process']['capabilities']['ambient'] = []"
}

# allow ENTRY: the default profile with this entry in mounts.allow.
allow() {
	cp "$SHIPPED/default.json" "$PROFILES/base.json"
	sed -i 's/"name": "default"/"name": "base"/' "$PROFILES/base.json"
	profile default "\"extends\": [\"base\"], \"mounts\": {\"allow\": [$1]}"
}

# A directory of the host, with links in and out of it, that may be read at /mnt.
allow_directory() {
	mkdir -p /srv/cofferdam-test/sub /srv/cofferdam-tests
	chmod -R go-w /srv/cofferdam-test
	echo here | tee /srv/cofferdam-test/file /srv/cofferdam-test/sub/file >/srv/cofferdam-tests/file
	ln -sfn sub /srv/cofferdam-test/link
	ln -sfn /etc /srv/cofferdam-test/out
	allow '{"source": "/srv/cofferdam-test", "destination": "/mnt", "options": ["ro"]}'
}

test_a_mount_is_allowed_as_it_is_written() {
	local COMMAND=(/bin/cat /mnt/file)

	trap 'only_shipped; rm -rf /srv/cofferdam-test /srv/cofferdam-tests' EXIT
	allow_directory
	expect run_with "['rbind', 'ro']" /srv/cofferdam-test /mnt
	expect run_with "['rbind', 'ro']" /srv/cofferdam-test/sub /mnt
	expect run_with "['rbind', 'ro']" /srv/cofferdam-test/link /mnt
	expect run_with "['bind', 'rro']" /srv/cofferdam-test /mnt/
}

test_a_mount_is_not_allowed_in_any_other_way() {
	local COMMAND=(/bin/true)

	trap 'only_shipped; rm -rf /srv/cofferdam-test /srv/cofferdam-tests' EXIT
	allow_directory
	expect_status 1 run_with "['rbind', 'ro']" /srv/cofferdam-test /opt
	expect_output '[mount.host-path]'
	expect_status 1 run_with "['rbind']" /srv/cofferdam-test /mnt
	expect_output 'mounted writable; the profile allows it read-only'
	expect_status 1 run_with "['rbind', 'rw']" /srv/cofferdam-test/sub /mnt
	expect_output 'mounted writable; the profile allows it read-only'
	expect_status 1 run_with "['rbind', 'ro']" /srv/cofferdam-tests /mnt
	expect_output '[mount.host-path]'
	expect_status 1 run_with "['rbind', 'ro']" /srv /mnt
	expect_output '[mount.host-path]'
	expect_status 1 run_with "['rbind', 'ro']" /srv/cofferdam-test/out /mnt
	expect_output '[mount.host-tree]'
	expect_status 1 run_with "['rbind', 'ro']" /srv/cofferdam-test/../cofferdam-test /mnt
	expect_output '[mount.source-path]'
}

# With rbind, `ro` is for the topmost mount alone; what is mounted beneath would stay writable.
test_read_only_is_read_only_all_the_way_down() {
	local COMMAND=(/bin/touch /mnt/disk/written) option

	trap 'umount /srv/cofferdam-test/disk; only_shipped; rm -rf /srv/cofferdam-test' EXIT
	mkdir -p /srv/cofferdam-test/disk
	mount -t tmpfs -o mode=0777 tmpfs /srv/cofferdam-test/disk
	allow '{"source": "/srv/cofferdam-test", "options": ["ro"]}'
	for option in ro rro; do
		refute run_with "['rbind', '$option']" /srv/cofferdam-test /mnt
		expect_output 'Read-only file system'
	done
	expect test ! -e /srv/cofferdam-test/disk/written
	allow '{"source": "/srv/cofferdam-test", "options": ["rw"]}'
	expect run_with "['rbind', 'rw']" /srv/cofferdam-test /mnt
	expect test -e /srv/cofferdam-test/disk/written
}

# What is on disk belongs to the container's root, if the entry that allows the mount says so, and only then.
test_idmap_is_for_what_its_own_entry_allows() {
	local COMMAND=(/bin/stat -c 'owner %u' /mnt)

	trap 'only_shipped; rm -rf /srv/cofferdam-test /srv/cofferdam-link' EXIT
	mkdir -p /srv/cofferdam-test/sub
	ln -sfn cofferdam-test /srv/cofferdam-link
	allow '{"source": "/srv/cofferdam-test/sub", "destination": "/mnt", "options": ["ro", "idmap"]}, {"source": "/srv/cofferdam-test", "options": ["rw"]}'
	expect run_with "['rbind', 'ro']" /srv/cofferdam-test/sub /mnt
	expect_output 'owner 0'
	expect run_with "['rbind', 'ro']" /srv/cofferdam-test/sub /mnt/
	expect_output 'owner 0'
	expect run_with "['rbind', 'rw']" /srv/cofferdam-test/sub /mnt
	expect_output 'owner 65534'
	expect run_with "['rbind', 'ro']" /srv/cofferdam-test /mnt
	expect_output 'owner 65534'
	allow '{"source": "/srv/cofferdam-link", "options": ["rw", "idmap"]}'
	expect run_with "['rbind', 'rw']" /srv/cofferdam-test/sub /mnt
	expect_output 'owner 0'
}

test_what_is_never_allowed_passes_by_an_exception_in_force() {
	local COMMAND=(/bin/ls /mnt)

	trap only_shipped EXIT
	allow '{"source": "/etc", "options": ["ro"]}'
	expect_status 1 run_with "['rbind', 'ro']" /etc /mnt
	expect_output '[mount.host-tree]'
	refute_output expired
	profile default '"extends": ["base"], "exceptions": [{"rule": "mount.host-tree", "subject": "/etc", "reason": "OPS-91", "expires": "2020-02-29"}]'
	expect_status 1 run_with "['rbind', 'ro']" /etc /mnt
	expect_output 'mounts[7].source /etc: the host'"'"'s configuration [mount.host-tree] (an exception by OPS-91 expired on 2020-02-29)'
	tail -n 1 /var/log/cofferdam/audit.jsonl >line
	expect grep -F OPS-91 line
	profile default '"extends": ["base"], "exceptions": [{"rule": "mount.host-tree", "subject": "/etc", "reason": "OPS-91", "expires": "2999-12-31"}]'
	expect run_with "['rbind', 'ro']" /etc /mnt
	expect_output hostname
	expect_status 1 run_with "['rbind', 'ro']" /usr /mnt
}

test_warn_logs_what_would_be_refused_and_runs_the_container() {
	local COMMAND=(/bin/ls /mnt)

	trap only_shipped EXIT
	cp "$SHIPPED/default.json" "$PROFILES/base.json"
	sed -i 's/"name": "default"/"name": "base"/' "$PROFILES/base.json"
	profile default '"extends": ["base"], "mode": "warn"'
	rm -f /var/log/cofferdam/audit.jsonl
	expect run_with "['rbind', 'ro']" /etc /mnt
	expect_output hostname
	expect grep -F '"rule":"mount.host-tree"' /var/log/cofferdam/audit.jsonl
	expect_output '"verdict":"would-refuse"'
	expect cofferdam check bundle
	expect_output 'would refuse'
	profile default '"extends": ["base"]'
	expect_status 1 run_with "['rbind', 'ro']" /etc /mnt
}

teardown_file() {
	rm -rf "$PROFILES" /etc/cofferdam/runtime /etc/cofferdam/cofferdam.json
}

t_main "$@"
