#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an intruder tries in order to run a shell, or what the image did not bring.
# shellcheck source=tests/vm/attacks.sh
. "$(dirname "$0")/../attacks.sh"

T_LIMIT=240

setup_file() {
	attack_image
}

test_attacks_succeed_without_the_guard_and_are_stopped_by_it() {
	attack_compare exec '"exec": {"shells": "deny", "image_only": true}, "net": {"connect": ["any"], "listen": ["any"]}'
}

teardown_file() {
	attack_tables
}

t_main "$@"
