#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What run_kselftest.sh makes of tests: of one that isn't what it says, a failure.

. "$(dirname "$0")/shlib.sh"

plan 4
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/denali"
cp "$dir/../run_kselftest.sh" "$tmp/"
cp "$dir"/{shlib.sh,settings,vmleft} "$tmp/denali/"

# result SUMS TEXT < SCRIPT: a test that is this script gives this sum, and its line has this text.
result()
{
	{ echo '#!/bin/bash'; cat; } >"$tmp/denali/made_up.sh"
	chmod +x "$tmp/denali/made_up.sh"
	echo denali:made_up.sh >"$tmp/kselftest-list.txt"
	"$tmp/run_kselftest.sh" -s >"$tmp/out"
	cat "$tmp/out"
	[ "$(tail -n 1 "$tmp/out")" = "# $1" ] && grep -q "denali:made_up.sh.*$2" "$tmp/out"
}

check "all cases pass" result "2 passed, 0 failed, 0 skipped" "2 passed" <<-'END'
	printf '1..2\nok 1 a\nok 2 b\n'
END
check "a case fails" result "1 passed, 1 failed, 0 skipped" "exit status 1" <<-'END'
	printf '1..2\nok 1 a\nnot ok 2 b\n'
	exit 1
END
check "a case less than planned" result "2 passed, 1 failed, 0 skipped" "2 of 3 cases ran" <<-'END'
	printf '1..3\nok 1 a\nok 2 b\n'
END
check "nothing to test" result "0 passed, 0 failed, 1 skipped" "SKIP no reason" <<-'END'
	printf '1..0 # SKIP no reason\n'
	exit 4
END
finish
