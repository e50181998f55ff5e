# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the shell tests and the runner share: loading the module and a TAP
# reporter. Sourced, not run. A test calls "plan N", then "check NAME COMMAND..." or
# "ok"/"not_ok" per case, and "finish" at its end.

dir=${DENALI_SELFTESTS:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)}
cases=0
failures=0

plan()
{
	echo "TAP version 13"
	echo "1..$1"
}

ok()
{
	cases=$((cases + 1))
	echo "ok $cases $*"
}

not_ok()
{
	cases=$((cases + 1))
	failures=$((failures + 1))
	echo "not ok $cases $*"
}

skip()
{
	cases=$((cases + 1))
	echo "ok $cases $1 # SKIP $2"
}

# check NAME COMMAND...: the case passes if the command does. Its output is shown if not.
check()
{
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name"
		printf '%s\n' "$out" | sed 's/^/# /'
	fi
}

finish()
{
	[ $failures = 0 ] || exit 1
	exit 0
}

skip_all()
{
	echo "1..0 # SKIP $*"
	exit 4
}

# Wait until a command succeeds, for at most half a minute (longer on a slow kernel).
wait_for()
{
	local end=$((SECONDS + 30 * ${DENALI_TIMEOUT_FACTOR:-1}))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# One of the test guests' files.
guest()
{
	echo "$dir/guests/$1"
}

# shown NAME COMMAND...: as check, but its output is shown as it comes.
shown()
{
	local name=$1
	shift
	if "$@"; then
		ok "$name"
	else
		not_ok "$name"
	fi
}

# run_program NAME ARG...: one of the test programs by itself, with the module loaded, in the
# script's place.
run_program()
{
	local tree
	tree=$(cd "$dir/../../.." && pwd)
	if [ -z "${DENALI_MODULE:-}" ] && [ -e "$tree/denali.ko" ]; then
		export DENALI_MODULE=$tree/denali.ko
	fi
	DENALI_MODULE_PARAMS=${DENALI_MODULE_PARAMS:-pool=64M}
	denali_load || exit
	exec "$dir/$1" "${@:2}"
}

# The least memory that an image's note names, in KiB: bytes 8 to 11 of it.
least_kib()
{
	local bytes
	bytes=$(readelf -n "$1" | sed -n 's/^ *description data: .. .. .. .. .. .. .. .. \(..\) \(..\) \(..\) \(..\) .*/0x\4\3\2\1/p')
	echo $((bytes / 1024))
}

loaded()
{
	[ -d /sys/module/denali ]
}

# Load the module if it isn't, with the parameters given or the usual ones.
denali_load()
{
	loaded && return 0
	[ $# -gt 0 ] || set -- $DENALI_MODULE_PARAMS
	if [ -n "${DENALI_MODULE:-}" ]; then
		modprobe tun || return
		insmod "$DENALI_MODULE" "$@" || return
	else
		modprobe denali "$@" || return
	fi
	[ -c /dev/denali ] || { echo "/dev/denali is not there after loading" >&2; return 1; }
}

denali_unload()
{
	loaded || return 0
	rmmod denali
}
