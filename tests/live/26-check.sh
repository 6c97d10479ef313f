#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cofferdam check and rules: formats that other programs read, standards, colours, and that nobody needs to be root.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

REPOSITORY=$(realpath "$(dirname "$0")/../..")

# The configuration that passes every standard, as config.json here, changed by Python (`c`).
config() {
	python3 - "$REPOSITORY/tests/corpus/standards/base.json" "$1" <<-'PYTHON'
		import json, sys
		with open(sys.argv[1]) as file:
		    c = json.load(file)["config"]
		exec(sys.argv[2])
		with open("config.json", "w") as file:
		    json.dump(c, file, indent=1)
	PYTHON
}

# What people may write into a container's configuration to get out of the report.
hostile() {
	config 'c["annotations"] = {"run.oci.\u202e</failure>\"]": "x", "run.oci.a\u0001b\n": "y", "module.wasm.image/\ufffe": "z"}
c["process"]["capabilities"]["bounding"] += ["CAP_SYS_ADMIN", "]]>&lt;"]
c["mounts"].append({"destination": "/x", "type": "bind", "source": "/etc", "options": ["rbind"]})'
}

# at_terminal VARIABLE=VALUE... COMMAND: what the command writes to a terminal.
at_terminal() {
	script -qec "$*" /dev/null </dev/null
}

# report FORMAT FILE [OPTION...]: about config.json, which is refused.
report() {
	local format=$1 file=$2
	shift 2

	expect_status 1 bash -c 'cofferdam check config.json "$@" >"$0"' "$file" --format "$format" "$@"
}

test_sarif_fits_its_schema_whatever_the_values_are() {
	hostile
	report sarif profile.sarif
	report sarif standard.sarif --standard cis-docker
	cp config.json profile.json
	cp config.json standard.json
	expect python3 "$REPOSITORY/tests/reports.py" profile.sarif standard.sarif
	expect grep -q '"ruleId":"capability.forbidden"' profile.sarif
	expect grep -q '"ruleId":"5.4"' standard.sarif
}

test_sarif_points_at_the_line() {
	config 'c["process"]["capabilities"]["bounding"].append("CAP_SYS_ADMIN")'
	report sarif config.sarif
	expect_equal "$(grep -n CAP_SYS_ADMIN config.json | cut -d: -f1)" \
		"$(python3 -c 'import json; print(json.load(open("config.sarif"))["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"])')"
}

test_the_schema_check_finds_what_is_wrong() {
	hostile
	report sarif config.sarif
	live_edit config.sarif 'c["runs"][0]["results"][0]["level"] = "fatal"'
	refute python3 "$REPOSITORY/tests/reports.py" config.sarif
	report sarif config.sarif
	live_edit config.sarif 'c["runs"][0]["results"][0]["ruleIndex"] += 1'
	refute python3 "$REPOSITORY/tests/reports.py" config.sarif
}

test_junit_fits_its_schema_whatever_the_values_are() {
	hostile
	report junit profile.xml
	report junit standard.xml --standard pss-restricted
	expect xmllint --noout --schema "$REPOSITORY/tests/schemas/junit.xsd" profile.xml standard.xml
	expect_equal "$(xmllint --xpath 'count(//failure)' profile.xml)" "$(xmllint --xpath 'string(/testsuites/@failures)' profile.xml)"
	expect_equal 19 "$(xmllint --xpath 'count(//testcase)' standard.xml)"
	expect_equal 4 "$(xmllint --xpath 'count(//skipped)' standard.xml)"
}

test_json_is_json_whatever_the_values_are() {
	hostile
	report json verdict
	report json judgement --standard pss-baseline
	expect python3 -c 'import json; assert json.load(open("verdict"))["verdict"] == "refused"; assert json.load(open("judgement"))["verdict"] == "fails"'
}

test_text_gives_a_terminal_no_orders() {
	config 'c["annotations"] = {"run.oci.\u202e\u009b2J\u001b[2J": "x"}'
	expect_status 1 at_terminal TERM=xterm NO_COLOR=1 cofferdam check config.json
	expect_output 'run.oci.\xe2\x80\xae\xc2\x9b2J\x1b[2J'
	refute_output $'\xe2\x80\xae'
	refute_output $'\xc2\x9b'
	refute_output $'\e'
}

test_a_standard_prints_a_line_for_each_control() {
	config 'pass'
	expect cofferdam check config.json --standard pss-restricted
	expect_equal 19 "$(grep -Ec '^(PASS|n/a )  ' <<<"$T_OUTPUT")"
	expect_output '15 pass, 0 fail, 4 not applicable'
	config 'c["process"]["noNewPrivileges"] = False'
	expect cofferdam check config.json --standard pss-baseline
	expect_status 1 cofferdam check config.json --standard pss-restricted
	expect_output 'FAIL  allowPrivilegeEscalation    No privilege escalation: process.noNewPrivileges false: '
	expect_status 1 cofferdam check config.json --standard cis-docker
	expect_equal 32 "$(grep -Ec '^(PASS|FAIL|n/a )  5\.' <<<"$T_OUTPUT")"
}

# It is the standard's criterion that counts, and no exception of a profile's.
test_a_standard_judges_without_a_profile() {
	config 'c["mounts"].append({"destination": "/x", "type": "bind", "source": "/srv/www", "options": ["rbind", "ro"]})'
	mkdir profiles
	echo '{"cofferdam": 1, "name": "default", "mounts": {"allow": [{"source": "/srv/www", "options": ["ro"]}]}}' >profiles/default.json
	expect cofferdam check config.json --profiles profiles
	expect_status 1 cofferdam check config.json --standard pss-baseline
	expect_output 'FAIL  hostPathVolumes'
	refute_output 'profile does not allow'
	expect_status 2 cofferdam check config.json --standard pss-baseline --profiles profiles
	expect_status 2 cofferdam check config.json --standard pss-baseline --image nginx
	expect_status 2 cofferdam check config.json --standard pss
	expect_output 'pss-baseline, pss-restricted, cis-docker'
}

test_a_bundle_is_judged_by_a_standard_with_its_files() {
	mkdir -p bundle/rootfs
	ln -s /etc link
	config "c['mounts'].append({'destination': '/x', 'type': 'bind', 'source': '$PWD/link', 'options': ['rbind', 'ro']})"
	mv config.json bundle
	expect_status 1 cofferdam check bundle --standard cis-docker
	expect_output 'FAIL  5.6 '
	expect cofferdam check bundle/config.json --standard cis-docker
}

test_profiles_of_a_directory_stand_for_the_hosts() {
	config 'c["process"]["capabilities"]["bounding"].append("CAP_NET_ADMIN")'
	mkdir profiles
	echo '{"cofferdam": 1, "name": "vpn", "match": [{"image": "docker.io/library/vpn:*"}], "capabilities": ["NET_ADMIN", "NET_BIND_SERVICE"]}' >profiles/vpn.json
	expect cofferdam check config.json --profiles profiles --image vpn:1
	expect_output 'profile vpn'
	expect_status 1 cofferdam check config.json --image vpn:1
	expect_output 'profile default'
	expect_status 2 cofferdam check config.json --profiles nowhere
	chmod 777 profiles
	expect_status 2 cofferdam check config.json --profiles profiles --image vpn:1
}

# nobody COMMAND...: as a user without any privilege.
nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
}

test_nobody_needs_to_be_root() {
	local format

	mkdir -p bundle/rootfs
	# These tests' own cgroups are root's; a host's can be read by all.
	config 'c["process"]["capabilities"]["bounding"].append("CAP_SYS_ADMIN"); del c["linux"]["cgroupsPath"]'
	cp config.json bundle
	chmod -R a+rX "$T_TMP"
	for format in text json sarif junit; do
		expect_status 1 nobody cofferdam check "$PWD/config.json" --format "$format"
		expect_status 1 nobody cofferdam check "$PWD/bundle" --format "$format"
	done
	expect_status 1 nobody cofferdam check "$PWD/bundle" --standard cis-docker
	expect nobody cofferdam rules
	chmod 600 config.json
	expect_status 2 nobody cofferdam check "$PWD/config.json"
	expect_output 'config.json'
}

test_a_configuration_that_nobody_may_read_is_said() {
	config 'pass'
	chmod -R a+rX "$T_TMP"
	trap 'rm -f /etc/cofferdam/cofferdam.json' EXIT
	mkdir -p /etc/cofferdam
	echo '{}' >/etc/cofferdam/cofferdam.json
	expect nobody cofferdam check "$PWD/config.json"
	chmod 600 /etc/cofferdam/cofferdam.json
	expect_status 2 nobody cofferdam check "$PWD/config.json"
	expect_output '/etc/cofferdam/cofferdam.json'
}

test_what_cannot_be_decided_prints_no_report() {
	local format

	echo '{' >config.json
	for format in text json sarif junit; do
		expect_status 2 bash -c 'cofferdam check config.json --format "$0" >report' "$format"
		expect test ! -s report
	done
}

test_colours_are_for_terminals() {
	config 'c["process"]["noNewPrivileges"] = False
c["process"]["capabilities"]["bounding"].append("CAP_SYS_ADMIN")'
	expect_status 1 cofferdam check config.json
	refute_output $'\e'
	expect_status 1 at_terminal TERM=xterm cofferdam check config.json
	expect_output $'cofferdam: \e[1;31mrefused\e[0m check'
	expect_output $'[\e[36mcapability.forbidden\e[0m]'
	expect_status 1 at_terminal TERM=xterm cofferdam check config.json --standard cis-docker
	expect_output $'\e[1;31mFAIL\e[0m  \e[36m5.26'
	expect_output $'\e[32mPASS\e[0m'
	expect at_terminal TERM=xterm cofferdam rules process.cwd
	expect_output $'\e[1mWHY\e[0m'
	expect_status 1 at_terminal TERM=xterm NO_COLOR= cofferdam check config.json
	expect_output $'\e['
	for no in NO_COLOR=1 NO_COLOR=0 TERM=dumb TERM=; do
		expect_status 1 at_terminal TERM=xterm "$no" cofferdam check config.json
		refute_output $'\e'
	done
	expect_status 1 at_terminal TERM=xterm cofferdam check config.json --format json
	refute_output $'\e'
}

test_text_in_a_pipe_is_as_the_runtime_logs_it() {
	config 'c["process"]["capabilities"]["bounding"].append("CAP_SYS_ADMIN")'
	expect_status 1 cofferdam check config.json --image nginx:1.27
	expect_equal "cofferdam: refused check (docker.io/library/nginx:1.27, profile nginx): 1 finding
  process.capabilities.bounding[1] CAP_SYS_ADMIN: never allowed [capability.forbidden]
  (\`cofferdam rules RULE\` explains each and how to allow it)" "$T_OUTPUT"
}

test_rules_are_listed_and_explained() {
	expect cofferdam rules mount.engine-socket
	expect_output 'CVE-2025-9074'
	expect_output 'cis-docker 5.32: '
	expect_output '"exceptions": [{"rule": "mount.engine-socket"'
	expect_status 2 cofferdam rules mount.engin-socket
	expect_output 'did you mean mount.engine-socket?'
	expect_status 2 cofferdam rules no.such-rule
	expect_output '`cofferdam rules` lists them all'
	expect_status 2 cofferdam rules --format xml
	cofferdam rules --format json >rules.json
	expect python3 -c 'import json; rules = json.load(open("rules.json")); assert len(rules) > 70 and all(r["why"] and (r["example"] or r["allowed_by"] == "nothing") for r in rules)'
	cofferdam rules >rules.text
	expect_equal "$(python3 -c 'import json; print(len(json.load(open("rules.json"))))')" "$(grep -Ec '^  [a-z]+\.' rules.text)"
}

test_the_documentation_of_the_standards_is_that_of_the_program() {
	cd "$REPOSITORY"
	expect python3 tests/standards.py "$(command -v cofferdam)"
}

t_main "$@"
