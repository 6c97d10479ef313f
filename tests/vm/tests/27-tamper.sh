#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an intruder tries in order to take the guard away, or to get out of its reach. The container of the attacks is as
# powerful as one can be that has namespaces: every capability in the host's user namespace, and no seccomp filter.
ATTACK_IDS=0
# shellcheck source=tests/vm/attacks.sh
. "$(dirname "$0")/../attacks.sh"

T_LIMIT=240

setup_file() {
	attack_image
}

test_attacks_succeed_without_the_guard_and_are_stopped_by_it() {
	ATTACK_CAPABILITIES=', "CAP_SYS_ADMIN", "CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"'
	attack_compare tamper '"exec": {"shells": "deny", "image_only": true}, "net": {"connect": ["any"], "listen": ["any"]}'
}

teardown_file() {
	attack_tables
}

t_main "$@"
