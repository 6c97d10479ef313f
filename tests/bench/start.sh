#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/isolated tests/bench/start.sh BUILD ROUNDS
# What a container's start costs: create + start + delete of a bundle whose program ends at once, the same bundle by bare
# crun, bare runc, cofferdam + crun and cofferdam + runc, in turn. The bare ones have Docker's default seccomp profile in
# config.json, as engines give it to them; cofferdam applies its own. Markdown on standard output.
set -eu -o pipefail

pairs=$1/bench/bench-pairs seccomp=$1/bench/bench-seccomp app=$1/cofferdam-demo-app rounds=$2
work=/run/bench
state=$work/state

make_bundle() { # DIR SECCOMP-FILE|-
	mkdir -p "$1/rootfs"/{dev,proc,sys,tmp,etc}
	install -m 755 "$app" "$1/rootfs/app"
	(cd "$1" && runc spec)
	python3 - "$1/config.json" "$2" "$1/rootfs" <<-'PYTHON'
		import json, sys
		path, seccomp, rootfs = sys.argv[1:]
		config = json.load(open(path))
		config["process"].update(terminal=False, args=["/app", "self"])
		config["process"].pop("rlimits", None)
		config["process"]["capabilities"]["ambient"] = []
		config["root"] = {"path": rootfs, "readonly": True}
		if seccomp != "-":
		    config["linux"]["seccomp"] = json.load(open(seccomp))
		json.dump(config, open(path, "w"))
	PYTHON
}

# One cofferdam.json cannot name two runtimes, so the profile does; the bundle's image is unknown, so there are two
# configurations and the file is what differs.
write_config() { # RUNTIME
	mkdir -p /etc/cofferdam
	cat >/etc/cofferdam/cofferdam.json <<-CONFIG
		{ "runtimes": ["$1"], "userns": { "mode": "require", "pool": "cofferdam" },
		  "guard": { "exec": "off", "net": "off" }, "audit": { "file": "/var/log/cofferdam/audit.jsonl", "journal": false } }
	CONFIG
}

# Some machines let crun make cgroups, some do not (no CAP_SYS_RESOURCE); then it runs without, and so in both variants.
crun_options() {
	if crun --root "$state/probe" run --bundle "$work/plain" "probe-$$" >/dev/null 2>&1 </dev/zero; then
		echo ''
	else
		echo '--cgroup-manager=disabled'
	fi
}

sequence() { # NAME BUNDLE COMMAND...
	local name=$1 bundle=$2
	shift 2
	echo "$name: $* create --bundle $bundle % ; $* start % ; $* delete --force %"
}

main() {
	local crun runc shim=/usr/local/bin/cofferdam-runtime options

	crun=$(command -v crun) runc=$(command -v runc)
	mkdir -p "$work" "$state"
	"$seccomp" /usr/local/share/cofferdam/profiles/seccomp >"$work/docker.json"
	make_bundle "$work/plain" -
	make_bundle "$work/docker" "$work/docker.json"
	options=$(crun_options)
	echo "Linux $(uname -r), $(nproc) processors; $(crun --version | head -n 1), $(runc --version | head -n 1)${options:+; crun with $options}"
	for runtime in "$crun" "$runc"; do
		write_config "$runtime"
		echo
		# shellcheck disable=SC2086
		{
			sequence 'crun, Docker seccomp' "$work/docker" "$crun" $options --root "$state/crun"
			sequence 'runc, Docker seccomp' "$work/docker" "$runc" --root "$state/runc"
			if [ "$runtime" = "$crun" ]; then
				sequence 'cofferdam + crun' "$work/plain" "$shim" $options --root "$state/shim"
			else
				sequence 'cofferdam + runc' "$work/plain" "$shim" --root "$state/shim"
			fi
		} | "$pairs" "$rounds"
	done
	pass_through "$crun" "$options" "$shim"
}

pass_through() { # CRUN OPTIONS SHIM
	write_config "$1"
	# shellcheck disable=SC2086
	"$1" $2 --root "$state/crun" create --bundle "$work/plain" kept </dev/zero >/dev/null
	echo
	{
		echo "crun state: $1 --root $state/crun state kept"
		echo "cofferdam state: $3 --root $state/crun state kept"
	} | "$pairs" "$rounds"
	"$1" --root "$state/crun" delete --force kept
}

main
