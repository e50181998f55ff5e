#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A pool in memory that the boot command line kept from Linux: needs a boot with
# memmap=SIZE$BASE (see the file boots), and is skipped on one without.

# shellcheck source=selftests/shlib.sh
. "$(dirname "$0")/shlib.sh"

# memmap=64M$0x40000000
arg=$(tr ' ' '\n' </proc/cmdline | sed -n 's/^memmap=\([0-9]*[KMG]\)\$\(0x[0-9a-f]*\)$/\2:\1/p' | head -n 1)
[ -n "$arg" ] || skip_all "no memmap=SIZE\$BASE on the boot command line"
base=${arg%:*} bytes=${arg#*:}
n=${bytes%[KMG]}
case $bytes in
*K)	bytes=$((n << 10)) ;;
*M)	bytes=$((n << 20)) ;;
*G)	bytes=$((n << 30)) ;;
esac

basic=$(guest basic)
trap 'echo none >/sys/power/pm_test; denali_unload; denali_load' EXIT

size() { "$dir/vmleft" | cut -d ' ' -f 1; }

whole()
{
	denali_unload && denali_load "pool_phys=$arg" || return
	[ "$(size)" = "$bytes" ] || { echo "size is $(size), not $bytes"; return 1; }
}

runs()
{
	whole && denalictl run "$basic" memory 16M -- memzero && denalictl run "$basic" memory 16M -- memzero
}

no_resize()
{
	whole || return
	! denalictl pool set 2M || return
	[ "$(size)" = "$bytes" ]
}

part()
{
	denali_unload && denali_load "pool_phys=$(printf '%#x' $((base + (4 << 20)))):8M" || return
	[ "$(size)" = $((8 << 20)) ] || return
	denalictl run "$basic" memory 4M -- memzero
}

# One block too many reaches into memory that Linux has.
overlap()
{
	denali_unload || return
	! insmod "$DENALI_MODULE" "pool_phys=$(printf '%#x' $((base - (2 << 20)))):4M" 2>/dev/null || return
	! insmod "$DENALI_MODULE" "pool_phys=$base:$((bytes + (2 << 20)))" 2>/dev/null
}

# It would go no further than tasks that freeze.
hibernation()
{
	whole && echo freezer >/sys/power/pm_test || return
	! echo disk >/sys/power/state || return
	dmesg | tail -n 5 | grep -q "denali: hibernation refused"
}

cycles()
{
	local i
	for i in 1 2 3 4 5; do
		whole || return
	done
	denali_unload
}

plan 7
check "all of the range is the pool" whole
check "VMs run in it" runs
check "it can't be resized" no_resize
check "a part of the range" part
check "refused where it meets the system's memory" overlap
if grep -qw disk /sys/power/state; then
	check "hibernation would lose it, and is refused" hibernation
else
	skip "hibernation would lose it, and is refused" "no hibernation here"
fi
check "in and out again" cycles
finish
