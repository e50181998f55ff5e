#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The memory pool: its size at load and at run time, what it refuses, and that the
# host gets back what it gives up. What needs a boot argument is in pool_phys.sh.

# shellcheck source=selftests/shlib.sh
. "$(dirname "$0")/shlib.sh"

basic=$(guest basic)
tmp=$(mktemp -d)
cleanup()
{
	for v in pool-a pool-b; do
		denalictl destroy $v >/dev/null 2>&1
	done
	denali_unload
	denali_load
	rm -rf "$tmp"
}
trap cleanup EXIT

# The pool's size, free bytes and VMs.
size() { "$dir/vmleft" | cut -d ' ' -f 1; }
free() { "$dir/vmleft" | cut -d ' ' -f 2; }

is()
{
	[ "$1" = "$2" ] || { echo "$3: $1, not $2"; return 1; }
}

M=$((1 << 20))

reload()
{
	denali_unload && denali_load "$@"
}

size_at_load()
{
	reload pool=10M && is "$(size)" $((10 * M)) size && is "$(free)" $((10 * M)) free || return
	reload pool=20480K && is "$(size)" $((20 * M)) size || return
	reload pool=$((6 * M)) && is "$(size)" $((6 * M)) size
}

size_is_rounded_up()
{
	reload pool=9M && is "$(size)" $((10 * M)) size
}

no_pool_yet()
{
	reload pool=0 && is "$(size)" 0 size || return
	! denalictl run "$basic" -- exit 0 2>"$tmp/err" || return
	denalictl pool set 4M && is "$(size)" $((4 * M)) size || return
	denalictl run "$basic" memory 256K -- exit 0
}

default_size()
{
	local total
	denali_unload && modprobe tun && insmod "$DENALI_MODULE" || return
	total=$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)
	[ "$(size)" -gt 0 ] && [ "$(size)" -le $((total * 1024 / 4)) ]
}

grow_and_shrink()
{
	reload pool=8M || return
	denalictl pool set 32M && is "$(size)" $((32 * M)) size && is "$(free)" $((32 * M)) free || return
	denalictl pool set 4M && is "$(size)" $((4 * M)) size && is "$(free)" $((4 * M)) free || return
	denalictl pool set 0 && is "$(size)" 0 size
}

memfree() { awk '$1 == "MemFree:" { print $2 }' /proc/meminfo; }

gives_back()
{
	local before
	reload pool=256M || return
	before=$(memfree)
	denalictl pool set 2M || return
	got_it() { [ $(($(memfree) - before)) -gt $((200 << 10)) ]; }
	wait_for got_it || { echo "free: $before kB, then $(memfree) kB"; return 1; }
}

# Blocks that VMs use stay; what can go, goes; the error tells how far it came.
shrink_below_use()
{
	reload pool=32M || return
	denalictl create "$basic" name pool-a memory 6M || return
	! denalictl pool set 2M 2>"$tmp/err" || { echo "it shrank under a VM"; return 1; }
	[ "$(size)" -ge $((6 * M)) ] && [ "$(size)" -le $((10 * M)) ] ||
		{ echo "size is $(size)"; return 1; }
	[ -s "$tmp/err" ] || return
	denalictl destroy pool-a || return
	denalictl pool set 2M && is "$(size)" $((2 * M)) size
}

# More than the host can spare: refused, and the host lives to tell (no OOM kill).
too_large()
{
	local before
	reload pool=16M || return
	before=$(dmesg | grep -c "Out of memory\|oom-kill")
	! denalictl pool set 100G 2>"$tmp/err" || return
	denalictl pool set 16M || return
	is "$(size)" $((16 * M)) size || return
	is "$(dmesg | grep -c "Out of memory\|oom-kill")" "$before" "OOM kills"
	cat "$tmp/err"
}

too_large_at_load()
{
	local before
	denali_unload || return
	before=$(dmesg | grep -c "Out of memory\|oom-kill")
	! insmod "$DENALI_MODULE" pool=100G 2>/dev/null || { echo "loaded"; return 1; }
	is "$(dmesg | grep -c "Out of memory\|oom-kill")" "$before" "OOM kills"
}

# A VM in pieces of 4 KiB and one of large pages, from a pool that is fragmented.
fragmented()
{
	local i
	reload pool=16M || return
	for i in $(seq 40); do
		denalictl create "$basic" name "pool-f$i" memory 256K || return
	done
	for i in $(seq 1 2 40); do
		denalictl destroy "pool-f$i" || return
	done
	denalictl run "$basic" memory 8M -- memzero || return
	for i in $(seq 2 2 40); do
		denalictl destroy "pool-f$i" || return
	done
	all_free() { [ "$(free)" = $((16 * M)) ]; }
	wait_for all_free
}

# Memory goes from VM to VM to host to pool, and is always clean for a VM.
clean_after_resize()
{
	local i
	reload pool=32M || return
	for i in 1 2 3; do
		denalictl run "$basic" memory 16M -- memzero || return
		denalictl pool set 4M && denalictl pool set 32M || return
	done
}

# Resizing while VMs come and go, for some seconds.
resize_under_load()
{
	local until pid size
	reload pool=32M || return
	until=$((SECONDS + 6))
	( while [ $SECONDS -lt $until ]; do
		denalictl run "$basic" memory 2M wait -- memzero || exit 1
	done ) &
	pid=$!
	while [ $SECONDS -lt $until ]; do
		for size in 8M 64M 16M 40M; do
			denalictl pool set $size >/dev/null 2>&1
		done
	done
	wait $pid || { echo "a VM failed"; return 1; }
	denalictl pool set 32M || return
	all_there() { [ "$(free)" = $((32 * M)) ]; }
	wait_for all_there
}

plan 12
check "size at load" size_at_load
check "size is rounded up to 2 MiB" size_is_rounded_up
check "no pool yet" no_pool_yet
check "default size" default_size
check "grows and shrinks" grow_and_shrink
check "the host gets memory back" gives_back
check "shrinking below what is used" shrink_below_use
check "more than the host has" too_large
check "more than the host has, at load" too_large_at_load
check "a fragmented pool" fragmented
check "memory is clean after resizing" clean_after_resize
check "resizing under load" resize_under_load
finish
