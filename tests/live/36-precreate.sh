#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cofferdam-hook precreate as podman calls it, with configurations that podman wrote (tests/corpus/engines) in a storage like
# podman's: what comes out, that the shim would write the same, what is refused without a byte on standard output.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

T_LIMIT=120
CORPUS=$(realpath "$(dirname "$0")/../corpus")
SHIM=/usr/local/bin/cofferdam-runtime
HOOK=/usr/local/libexec/cofferdam/cofferdam-hook
LOG=/var/log/cofferdam/audit.jsonl
GRAPH=/run/graph
ID=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb # as the corpus calls every container
LAYER=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
IMAGE=cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
BUNDLE=$GRAPH/overlay-containers/$ID/userdata

# config USERNS [DEFAULT PROFILE]
config() {
	printf '{ "runtimes": ["/run/capture"], "default_profile": "%s", "guard": { "exec": "off", "net": "off" }, "userns": { "mode": "%s" } }\n' \
		"${2:-default}" "$1" >/etc/cofferdam/cofferdam.json
}

# podman_config NAME: a configuration of the corpus on standard output, in our storage. Network namespaces are new ones.
podman_config() {
	python3 - "$CORPUS/engines/podman-$1.json" "$GRAPH" <<-'PYTHON'
		import json, os, sys
		text = open(sys.argv[1]).read().replace("/var/lib/containers/storage", sys.argv[2])
		config = json.loads(text)["config"]
		for namespace in config["linux"]["namespaces"]:
		    namespace.pop("path", None)
		for mount in config["mounts"]:
		    source = mount["source"]
		    if not {"bind", "rbind"} & set(mount["options"]) or os.path.exists(source):
		        continue
		    if source.endswith(("/shm", "/_data", "/run/secrets")):
		        os.makedirs(source)
		    else:
		        os.makedirs(os.path.dirname(source), exist_ok=True)
		        open(source, "w").close()
		json.dump(config, sys.stdout)
	PYTHON
}

records() {
	printf '[{"id":"%s","image":"%s","layer":"%s","metadata":"{\\"image-name\\":\\"docker.io/library/web:1\\",\\"name\\":\\"web-1\\"}"}]' \
		"$ID" "$IMAGE" "$LAYER" >"$GRAPH/overlay-containers/containers.json"
	printf '[{"id":"%s","names":["docker.io/library/web:1"]}]' "$IMAGE" >"$GRAPH/overlay-images/images.json"
}

setup_file() {
	mkdir -p /etc/cofferdam/profiles.d "$BUNDLE" "$GRAPH/overlay/$LAYER/merged" "$GRAPH/overlay-images" /run/tmp/intermediate-mountpoint-0.0
	records
	config off
	# In the place of a runtime: keeps the config.json that it is to read.
	printf '#!/bin/sh\nwhile [ $# -gt 0 ]; do\n  [ "$1" != --bundle ] || cp "$2/config.json" /run/captured.json\n  shift\ndone\n' >/run/capture
	chmod 755 /run/capture
}

# precreate [ARGUMENT...]: ./in -> ./out, in the bundle.
precreate() {
	local in=$PWD/in out=$PWD/out

	env -C "$BUNDLE" "$HOOK" precreate "$@" <"$in" >"$out"
}

# refused TEXT...: with all of them in the words, and nothing else.
refused() {
	local text

	expect_status 1 precreate
	expect_output 'cofferdam-hook: precreate: '
	for text in "$@"; do
		expect_output "$text"
	done
	expect_equal 0 "$(stat -c %s out)" 'bytes on standard output'
}

passing() {
	printf '%s\n' default hostname netnone pod publish secret secret2 tmpfs tty user userns volume
}

# same_but_for_the_stage HOOK SHIM: of what the shim has bound in the stage it names the places there; a bind inside of another
# (a secret in /run/secrets) goes with that.
same_but_for_the_stage() {
	python3 - "$1" "$2" <<-'PYTHON'
		import json, sys
		hook, shim = (json.load(open(path)) for path in sys.argv[1:])
		def places(c):
		    yield c["root"], "path"
		    for mount in c["mounts"]:
		        if {"bind", "rbind"} & set(mount.get("options", [])):
		            yield mount, "source"
		    for entry in c["linux"]["namespaces"]:
		        if "path" in entry:
		            yield entry, "path"
		binds = [mount for mount, key in places(hook) if key == "source"]
		for outer in binds:
		    for inner in binds:
		        if inner["destination"].startswith(outer["destination"] + "/"):
		            hook["mounts"].remove(inner)
		            if "rbind" not in outer["options"]:
		                outer["options"].insert(0, "rbind")
		for place, key in places(shim):
		    assert place[key].startswith("/run/cofferdam/stage/"), place
		for document in hook, shim:
		    for place, key in places(document):
		        place[key] = None
		assert json.dumps(hook) == json.dumps(shim)
	PYTHON
}

test_what_the_shim_would_write_comes_out_and_twice_is_once() {
	local name

	mkdir -p /usr/libexec/podman && : >/usr/libexec/podman/catatonit
	for name in $(passing); do
		podman_config "$name" >in
		expect precreate
		cp out once && cp in "$BUNDLE/config.json"
		# The runtime calls no hook, so there is no container; but it has got its configuration.
		expect_status 1 "$SHIM" create --bundle "$BUNDLE" "$ID"
		expect_output 'without calling cofferdam-hook'
		same_but_for_the_stage once /run/captured.json
		cp once in
		expect precreate
		expect cmp once out
		cp once "$BUNDLE/config.json"
		expect_status 1 "$SHIM" create --bundle "$BUNDLE" "$ID"
		same_but_for_the_stage once /run/captured.json
	done
	rm "$BUNDLE/config.json"
}

# amended EXPRESSION: Python about what came out, as `c`.
amended() {
	python3 -c 'import json, sys; c = json.load(open("out")); sys.exit(not eval(sys.argv[1]))' "$1"
}

test_what_podman_left_out_is_added_and_what_no_profile_grants_is_taken() {
	podman_config userns >in
	live_edit in 'c["newKey"] = 1; del c["linux"]["resources"]["devices"]; c["linux"]["maskedPaths"] = []; c["linux"].pop("seccomp", None)'
	expect precreate
	expect amended 'c["linux"]["resources"]["devices"] == [{"allow": False, "access": "rwm"}]'
	expect amended 'c["linux"]["seccomp"]["defaultAction"] == "SCMP_ACT_ERRNO"'
	expect amended 'len(c["linux"]["seccomp"]["architectures"]) == 1'
	expect amended 'c["process"]["noNewPrivileges"]'
	expect amended '"CAP_NET_RAW" not in c["process"]["capabilities"]["bounding"] and "CAP_CHOWN" in c["process"]["capabilities"]["bounding"]'
	expect amended '"/proc/kcore" in c["linux"]["maskedPaths"]'
	expect amended "[h['path'] for h in c['hooks']['createRuntime']] == ['$HOOK']"
	expect amended "[h['path'] for h in c['hooks']['poststop']] == ['$HOOK']"
	expect amended '"newKey" not in c and "run.oci.keep_original_groups" not in c["annotations"]'
	expect amended "c['root']['path'] == '$GRAPH/overlay/$LAYER/merged'"
	expect grep '"removed from config.json, as no schema knows it: newKey' "$LOG"
}

test_the_profile_of_the_image_decides() {
	trap 'rm /etc/cofferdam/profiles.d/web.json' EXIT
	cat >/etc/cofferdam/profiles.d/web.json <<-'JSON'
		{ "cofferdam": 1, "name": "web", "match": [ { "image": "docker.io/library/web:*" } ], "extends": ["default"],
		  "capabilities": [], "rootfs": { "readonly": true } }
	JSON
	podman_config default >in
	# Nothing that a user can say is believed.
	live_edit in 'c["annotations"]["io.kubernetes.cri-o.ImageName"] = "docker.io/library/other:1"; c["hostname"] = "other"'
	expect precreate
	expect amended 'c["process"]["capabilities"]["bounding"] == [] and c["root"]["readonly"]'
	expect tail -n 1 "$LOG"
	expect_output '"image":"docker.io/library/web:1"'
	expect_output '"profile":"web"'
}

test_input_that_is_none_is_refused() {
	podman_config default >good
	: >in
	refused 'config.json on standard input is empty'
	head -c 3000 good >in
	refused 'config.json'
	head -c $((9 << 20)) /dev/zero | tr '\0' ' ' >in
	refused 'config.json on standard input'
	sed 's/"ociVersion"/"mounts": [], "ociVersion"/' good >in
	refused 'mounts'
	sed 's/"ociVersion"/"Mounts": [], "ociVersion"/' good >in
	refused 'Mounts'
	{ cat good && echo '{}'; } >in
	refused 'config.json'
	sed 's/"noNewPrivileges": [a-z]*,//; s/"cwd"/"noNewPrivileges": "true", "cwd"/' good >in
	refused 'noNewPrivileges'
	cp good in
	expect precreate
}

# What cannot be written whole is a failure, by the exit status.
test_output_that_goes_nowhere_is_a_failure() {
	podman_config default >in
	cp in "$BUNDLE/in"
	trap 'rm "$BUNDLE/in"' EXIT
	cd "$BUNDLE"
	before=$(stat -c %s "$LOG")
	expect_status 1 sh -c "exec env -C . $HOOK precreate <in >/dev/full"
	expect_output 'the amended config.json on standard output'
	expect_status 1 sh -c "exec env -C . $HOOK precreate <in >&-"
	expect_output 'the amended config.json on standard output'
	expect_status 1 sh -c "exec env -C . $HOOK precreate <&-"
	expect_output 'config.json on standard input'
	expect_status 1 sh -c "exec env -C . $HOOK precreate <in >/dev/full 2>&-"
	expect_status 1 python3 -c "import os, subprocess, sys
r, w = os.pipe()
os.close(r)
sys.exit(subprocess.run(['$HOOK', 'precreate'], stdin=open('in'), stdout=w).returncode)"
	expect_output 'the amended config.json on standard output'
	# None of that went into the log, whose lines are objects.
	expect python3 -c "import json
for line in open('$LOG'): json.loads(line)"
	expect_equal 0 "$(tail -c +$((before + 1)) "$LOG" | grep -c ociVersion)" 'configurations in the log'
}

test_whose_container_it_is_must_be_certain() {
	local in=$PWD/in other=$GRAPH/overlay-containers/$LAYER/userdata

	podman_config default >in
	trap 'records; rm -rf "$GRAPH/overlay-containers/$LAYER"' EXIT
	expect_status 1 env -C / sh -c "exec $HOOK precreate <$in"
	expect_output "the working directory / is no bundle of podman's"
	expect_output '4.6'
	mkdir -p "/run/tmp/$ID/userdata"
	expect_status 1 env -C "/run/tmp/$ID/userdata" sh -c "exec $HOOK precreate <$in"
	expect_output "is no bundle of podman's"
	# The bundle of another container, as a caller of an older podman could choose it.
	mkdir -p "$other"
	expect_status 1 env -C "$other" sh -c "exec $HOOK precreate <$in"
	expect_output 'has a record of this container'
	live_edit in 'c["mounts"] = [m for m in c["mounts"] if "-containers/" not in m["source"]]'
	sed -i "s/\"id\":\"$ID\"/\"id\":\"$LAYER\"/" "$GRAPH/overlay-containers/containers.json"
	expect_status 1 env -C "$other" sh -c "exec $HOOK precreate <$in"
	expect_output 'linux.cgroupsPath'
	records
	live_edit in 'c["linux"]["cgroupsPath"] = "/libpod-'$ID'/x"'
	refused 'linux.cgroupsPath'
	live_edit in 'c["linux"]["cgroupsPath"] = "user.slice:libpod:'$ID'"'
	expect precreate
	live_edit in 'c["root"]["path"] = "'"$GRAPH/overlay/$ID/merged"'"'
	refused 'has the layer'
}

test_without_a_user_namespace_it_is_refused_unless_the_runtime_adds_it() {
	trap 'config off' EXIT
	config require
	podman_config default >in
	refused 'linux.namespaces has no user namespace, and a hook cannot add it'
	expect precreate --with-runtime
	expect amended '"user" not in [n["type"] for n in c["linux"]["namespaces"]]'
	podman_config userns >in
	expect precreate
	config prefer
	podman_config default >in
	expect precreate
	expect tail -n 1 "$LOG"
	expect_output 'no user namespace (userns.mode is prefer)'
	expect_status 2 env -C "$BUNDLE" "$HOOK" createRuntime --with-runtime
	expect_status 2 env -C "$BUNDLE" "$HOOK" precreate --other
}

# Podman binds the layers to such a path for the runtime alone; now there is an empty directory.
test_the_layers_behind_podmans_intermediate_mountpoint_are_judged() {
	trap 'rm -rf "$GRAPH/overlay/$LAYER/merged/dev"' EXIT
	podman_config userns >in
	live_edit in 'c["root"]["path"] = "/run/tmp/intermediate-mountpoint-0.0"'
	expect precreate
	expect amended 'c["root"]["path"] == "/run/tmp/intermediate-mountpoint-0.0"'
	ln -s /etc "$GRAPH/overlay/$LAYER/merged/dev"
	refused 'rootfs.special-link'
}

# caller MODE: podman's place: gives the hook /dev/null for its words, and has ./err for its own.
caller() {
	python3 - "$HOOK" "$BUNDLE" "$1" <<-'PYTHON'
		import os, subprocess, sys
		hook, bundle, mode = sys.argv[1:]
		os.dup2(os.open("err", os.O_RDONLY if mode == "read" else os.O_WRONLY | os.O_APPEND), 2)
		done = subprocess.run([hook, "precreate"], cwd=bundle, stdin=open("in"), stdout=open("out", "w"), stderr=subprocess.DEVNULL)
		sys.exit(done.returncode)
	PYTHON
}

test_a_refusal_reaches_who_called_podman() {
	podman_config default >in
	live_edit in 'c["mounts"].append({"destination": "/s", "source": "/var/run/docker.sock", "type": "bind", "options": ["rbind"]})'
	: >/run/docker.sock
	: >err
	expect_status 1 caller append
	expect cat err
	expect_output 'cofferdam: refused web-1 (docker.io/library/web:1, profile default): 1 finding'
	expect_output '/var/run/docker.sock'
	expect_output '[mount.engine-socket]'
	expect_equal 0 "$(stat -c %s out)" 'bytes on standard output'
	expect tail -n 2 "$LOG"
	expect_output '"rule":"mount.engine-socket"'
	# What podman may only read is not written to, though root could.
	echo kept >err
	expect_status 1 caller read
	expect_equal kept "$(cat err)"
}

test_podman_without_root_is_told() {
	podman_config default >in
	expect_status 1 env -C "$BUNDLE" setpriv --reuid 65534 --clear-groups "$HOOK" precreate
	expect_output 'the engine runs without root'
	expect_status 1 env -C "$BUNDLE" unshare --user --map-root-user "$HOOK" precreate
	expect_output 'in a user namespace'
}

teardown_file() {
	rm -rf /etc/cofferdam/cofferdam.json "$GRAPH" /run/capture /run/captured.json
}

t_main "$@"
