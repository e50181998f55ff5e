#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the self-tests and speaks TAP. It works from the tree (after make, on what is
# in build/) and from where make install put it, as the kernel's own
# run_kselftest.sh does, with the same options.
#
# It loads the module, and holds every test to three things beyond its own
# result: it ends in time, the kernel log has no warning, and no VM and no byte of
# the pool is left behind. The last line is the sum over all test cases.

usage()
{
	cat <<END
Usage: $0 [OPTIONS]
  -s | --summary             don't show the output of tests that pass
  -t | --test [COLLECTION:]TEST  run this test (can be given again)
  -x | --skip [COLLECTION:]TEST  leave this test out (can be given again)
  -c | --collection NAME     run this collection (there is one: denali)
  -l | --list                list the tests
  -h | --help                this text

  DENALI_MODULE=FILE         the module to load; default: the tree's, else modprobe's
  DENALI_MODULE_PARAMS=...   its parameters (default: pool=64M)
  DENALI_TIMEOUT_FACTOR=N    multiplies all time limits, those of single cases as well
                             (default: 5 on a kernel with lockdep, else 1)
END
}

base=$(cd "$(dirname "$0")" && pwd)
tree=
if [ ! -e "$base/kselftest-list.txt" ]; then
	base=$base/build
fi
if [ "${base##*/}" = build ]; then
	tree=$(cd "$base/../.." && pwd)
fi
if [ ! -e "$base/kselftest-list.txt" ]; then
	echo "$0: $base/kselftest-list.txt is not there: run make first" >&2
	exit 1
fi

summary=
names=()
skips=()
while [ $# -gt 0 ]; do
	case $1 in
	-s|--summary)	summary=1 ;;
	-t|--test)	names+=("${2#*:}"); shift ;;
	-x|--skip)	skips+=("${2#*:}"); shift ;;
	-c|--collection)
		[ "$2" = denali ] || { echo "$0: no collection $2" >&2; exit 1; }
		shift ;;
	-l|--list)	cat "$base/kselftest-list.txt"; exit 0 ;;
	-h|--help)	usage; exit 0 ;;
	*)		usage >&2; exit 1 ;;
	esac
	shift
done

mapfile -t all < <(sed -n 's/^denali://p' "$base/kselftest-list.txt")
tests=()
for name in "${names[@]:-}"; do
	[ -n "$name" ] || continue
	found=
	for t in "${all[@]}"; do
		if [ "$t" = "$name" ] || [ "${t%.sh}" = "$name" ] || [ "${t%_test}" = "$name" ]; then
			tests+=("$t")
			found=1
		fi
	done
	[ -n "$found" ] || { echo "$0: no test $name; see $0 -l" >&2; exit 1; }
done
[ ${#names[@]} -gt 0 ] || tests=("${all[@]}")
for name in "${skips[@]:-}"; do
	for i in "${!tests[@]}"; do
		t=${tests[i]}
		if [ "$t" = "$name" ] || [ "${t%.sh}" = "$name" ] || [ "${t%_test}" = "$name" ]; then
			unset "tests[i]"
		fi
	done
done
tests=("${tests[@]}")

export DENALI_SELFTESTS=$base/denali
if [ -n "$tree" ]; then
	export DENALI_TREE=$tree
	export PATH=$tree/userspace/build:$tree/userspace:$PATH
	export LD_LIBRARY_PATH=$tree/userspace/build${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
	if [ -z "${DENALI_MODULE:-}" ]; then
		for f in "$tree/denali.ko" "$tree/kmod/denali.ko"; do
			[ ! -e "$f" ] || DENALI_MODULE=$f
		done
	fi
fi
export DENALI_MODULE=${DENALI_MODULE:-}
export DENALI_MODULE_PARAMS=${DENALI_MODULE_PARAMS:-pool=64M}
if [ -z "${DENALI_TIMEOUT_FACTOR:-}" ]; then
	# A kernel that checks its locks checks more than that, and takes its time.
	DENALI_TIMEOUT_FACTOR=1
	[ ! -e /proc/lockdep_stats ] || DENALI_TIMEOUT_FACTOR=5
fi
case $DENALI_TIMEOUT_FACTOR in
0*|*[!0-9]*)
	echo "$0: DENALI_TIMEOUT_FACTOR=$DENALI_TIMEOUT_FACTOR: not a number from 1" >&2
	exit 1 ;;
esac
export DENALI_TIMEOUT_FACTOR
. "$base/denali/shlib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Time limit of a test, from the settings file and the factor.
limit()
{
	local t
	t=$(sed -n "s/^timeout\.$1=//p" "$base/denali/settings" | head -n 1)
	[ -n "$t" ] || t=$(sed -n 's/^timeout=//p' "$base/denali/settings")
	echo $((t * DENALI_TIMEOUT_FACTOR))
}

# Is the test there for machines that the module refuses as well?
may_be_unloaded()
{
	grep -qx "unloaded.$1=1" "$base/denali/settings"
}

# The same words as the test machine's verdict.
bad='BUG: |kernel BUG at|WARNING: |Oops[: ]|general protection fault|soft lockup|hard LOCKUP'
bad+='|rcu.*(stall|starved)|blocked for more than|refcount_t:|UBSAN:|KASAN:|possible (recursive|circular|irq)'
bad+='|inconsistent lock state|list_(add|del) corruption|Bad page|scheduling while atomic'
bad+='|sleeping function called|double fault|Call Trace:|unable to handle|unregister_netdevice: waiting'

# What the kernel logged since the mark of this name. It shows where it was when it ran out of
# memory, which a test may have meant it to.
log_since()
{
	dmesg 2>/dev/null | awk -v mark="selftest-mark $1" '
		index($0, mark) { text = ""; next } { text = text $0 "\n" } END { printf "%s", text }' |
		sed '/selftest-oom: meant/,/selftest-oom: over/{/invoked oom-killer/,/Killed process/s/Call Trace:/Call trace:/}'
}

# Pool and VMs before and after must agree. The last references may be dropped a moment
# after the test's process is gone, so ask again for a while.
left_behind()
{
	local before=$1 after i

	for i in $(seq 100); do
		after=$("$base/denali/vmleft" 2>&1)
		[ "$before" != "$after" ] || return 1
		[ -d /proc/$$ ] && sleep 0.05
	done
	echo "before (pool, free, VMs): $before, after: $after"
	return 0
}

passed=0 failed=0 skipped=0 number=0
broken=()

echo "TAP version 13"
echo "1..${#tests[@]}"
for t in "${tests[@]}"; do
	number=$((number + 1))
	trouble=
	if ! denali_load >"$work/load" 2>&1 && ! may_be_unloaded "$t"; then
		sed 's/^/# /' "$work/load"
		echo "Bail out! cannot load the module for denali:$t"
		failed=$((failed + ${#tests[@]} - number + 1))
		broken+=("$t: module not loaded")
		break
	fi
	before=$("$base/denali/vmleft" 2>&1)
	mark=$number.$$.$t
	echo "selftest-mark $mark" >/dev/kmsg 2>/dev/null
	start=$SECONDS
	: >"$work/out"
	(cd "$base/denali" &&
	 exec timeout -k 10 "$(limit "$t")" "./$t") >"$work/out" 2>&1 </dev/null &
	pid=$!
	# Through a file: what a test leaves running would hold a pipe open.
	if [ -z "$summary" ]; then
		tail -s 0.1 --pid=$pid -n +1 -f "$work/out" | sed -u 's/^/# /'
	fi
	wait $pid
	status=$?
	took=$((SECONDS - start))

	if [ $status = 124 ] || [ $status = 137 ]; then
		trouble="time limit of $(limit "$t") s reached"
	elif [ $status != 0 ] && [ $status != 4 ]; then
		trouble="exit status $status"
	fi
	if log_since "$mark" | grep -E -A 40 "$bad" >"$work/log"; then
		trouble="${trouble:+$trouble; }warning in the kernel log"
	fi
	if [ -e /dev/denali ] && [ -n "$before" ] && left=$(left_behind "$before"); then
		trouble="${trouble:+$trouble; }left behind: $left"
		"$base/denali/vmleft" --destroy >/dev/null 2>&1
		# The next test gets a fresh one: a pool of another size makes others fail.
		denali_unload >/dev/null 2>&1
	fi

	ok=$(grep -cE '^ok [0-9]+' "$work/out")
	skip=$(grep -ciE '^ok [0-9]+.*# skip' "$work/out")
	bad_cases=$(grep -cE '^not ok [0-9]+' "$work/out")
	ok=$((ok - skip))
	# A script that ends in its middle may do so with status 0.
	planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$work/out" | head -n 1)
	if [ -z "$trouble" ] && [ "${planned:-0}" -gt $((ok + skip + bad_cases)) ]; then
		trouble="$((ok + skip + bad_cases)) of $planned cases ran"
	fi
	if [ $status = 4 ] && [ $((ok + skip + bad_cases)) = 0 ]; then
		skip=1
	fi
	# What no case of the test owns up to counts as one more failure.
	if [ -n "$trouble" ] && { [ "$bad_cases" = 0 ] || [ "$trouble" != "exit status $status" ]; }; then
		bad_cases=$((bad_cases + 1))
	fi
	if [ -z "$trouble" ] && [ $status = 0 ] && [ $((ok + skip)) = 0 ]; then
		ok=1
	fi

	if [ -n "$summary" ] && [ "$bad_cases" != 0 ]; then
		sed 's/^/# /' "$work/out"
	fi
	if [ "$bad_cases" != 0 ]; then
		[ ! -s "$work/log" ] || sed 's/^/# log: /' "$work/log"
		# A line that tells the whole, for those who see no more than it.
		first=$(sed -n 's/^not ok [0-9]* *//p' "$work/out" | head -n 1)
		echo "not ok $number denali:$t # $ok passed, $bad_cases failed, $skip skipped in $took s${trouble:+; $trouble}${first:+: $first}"
		broken+=("$t: $bad_cases failed${trouble:+ ($trouble)}${first:+: $first}")
	elif [ $status = 4 ]; then
		echo "ok $number denali:$t # SKIP $(sed -n 's/.*SKIP *//p' "$work/out" | head -n 1)"
	else
		echo "ok $number denali:$t # $ok passed, $skip skipped in $took s"
	fi
	passed=$((passed + ok))
	failed=$((failed + bad_cases))
	skipped=$((skipped + skip))
done

for b in "${broken[@]}"; do
	echo "# failed: $b"
done
echo "# $passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
