#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: headers.sh 'CC AND FLAGS' HEADER...
# Each header compiles alone, no third-party header is included outside of the files that may know it, and a decision of the
# guard asks for an exemption once.
set -u
compile=$1
shift
passed=0 failed=0

for header in "$@"; do
	case $header in
	bpf/kernel.h | bpf/*.bpf.h) language='clang -target bpf -O2 -Wall -Wextra -I.' ;;
	*) language=$compile ;;
	esac
	if $language -x c -fsyntax-only -include "$header" /dev/null; then
		passed=$((passed + 1))
	else
		echo "$header does not compile alone"
		failed=$((failed + 1))
	fi
done

# one row a library: its include pattern, and the files that own it
while read -r pattern owners; do
	for file in $(git ls-files -co --exclude-standard '*.c' '*.h' | grep -v -e '^tests/' -e '^bpf/' | xargs grep -l "#include <$pattern" 2>/dev/null); do
		case " $owners " in
		*" $file "*) continue ;;
		esac
		echo "$file includes <$pattern...>, which only $owners may"
		failed=$((failed + 1))
	done
	passed=$((passed + 1))
done <<-TABLE
	yajl/ lib/json/json.c
	seccomp.h lib/seccomp/seccomp.c
	cap-ng.h lib/caps.c
	bpf/ lib/guard/guard.c lib/guard/hooks.c lib/guard/layout.c
TABLE

# A function of the guard asks for an exemption in one place at most: a decision that asked twice could have two answers.
object=$(mktemp)
trap 'rm -f "$object"' EXIT
clang -target bpf -mcpu=v3 -O2 -g -ffunction-sections -I. -c -o "$object" bpf/guard.bpf.c
asks=$(readelf -rW "$object" | awk '/^Relocation section/ { where = $3 } $5 == "exemptions" { print where }' | sort | uniq -c)
if [ "$(echo "$asks" | grep -c '^ *1 ')" -ge 10 ] && ! echo "$asks" | grep -v '^ *1 '; then
	passed=$((passed + 1))
else
	echo 'bpf/guard.bpf.c: these ask for an exemption more than once for one decision'
	failed=$((failed + 1))
fi

echo "headers: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
