#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Loading and unloading: by hand and by modprobe, with wrong parameters, with VMs
# about, again and again. Leaves the module loaded as the runner had it.

# shellcheck source=selftests/shlib.sh
. "$(dirname "$0")/shlib.sh"

[ -n "${DENALI_MODULE:-}" ] || skip_all "the module's file isn't known: set DENALI_MODULE"

basic=$(guest basic)
tmp=$(mktemp -d)
cleanup()
{
	denalictl destroy mod-test >/dev/null 2>&1
	denali_unload
	rm -rf "$tmp"
	denali_load
}
trap cleanup EXIT

gone()
{
	[ ! -e /sys/module/denali ] && [ ! -e /dev/denali ] && ! runners
}

# Kernel threads of the module. To the first grep a process that ends meanwhile is an error, whatever it finds.
runners()
{
	grep -hs '^denali' /proc/[0-9]*/comm | grep .
}

insmod_works()
{
	denali_unload && gone || { echo "still there after rmmod"; return 1; }
	modprobe tun && insmod "$DENALI_MODULE" pool=16M || return
	[ -c /dev/denali ] || { echo "no /dev/denali"; return 1; }
	runners >/dev/null || { echo "no runner threads"; return 1; }
	denalictl run "$basic" -- exit 0
}

rmmod_leaves_nothing()
{
	denali_unload || return
	gone || { echo "still there: $(ls -d /sys/module/denali /dev/denali; runners)"; return 1; }
	! genl | grep -q denali || { echo "the netlink family is still there"; return 1; }
}

genl()
{
	if command -v genl >/dev/null; then
		command genl ctrl list
	fi
}

insmod_twice()
{
	denali_load || return
	! insmod "$DENALI_MODULE" 2>"$tmp/err" || { echo "a second insmod worked"; return 1; }
	grep -q "File exists" "$tmp/err" || { cat "$tmp/err"; return 1; }
	denalictl run "$basic" -- exit 0
}

# A tree of modules with nothing but this one and tun: depmod takes minutes on the whole one.
modprobe_pulls_tun()
{
	local to
	to=$tmp/lib/modules/$(uname -r)

	mkdir -p "$to" && cp "$DENALI_MODULE" "$to/denali.ko" &&
		modprobe -D tun | sed -n 's/^insmod \([^ ]*\).*/\1/p' | xargs cp -t "$to" || return
	touch "$to/modules.order" "$to/modules.builtin" && depmod -b "$tmp" "$(uname -r)" || return
	denali_unload && { [ ! -d /sys/module/tun ] || rmmod tun; } || return
	modprobe -d "$tmp" denali pool=16M || return
	[ -d /sys/module/tun ] || { echo "tun isn't loaded"; return 1; }
	denalictl run "$basic" -- exit 0 || return
	modprobe -d "$tmp" -r denali && gone
}

# Without tun the kernel says which symbol is missing, and nothing else happens.
insmod_without_tun()
{
	denali_unload && { [ ! -d /sys/module/tun ] || rmmod tun; } || return
	! insmod "$DENALI_MODULE" pool=16M 2>"$tmp/err" || { echo "it loaded without tun"; return 1; }
	gone
}

unload_refused()
{
	local what=$1
	! rmmod denali 2>"$tmp/err" || { echo "unloaded with $what"; return 1; }
	grep -q "in use" "$tmp/err" || { cat "$tmp/err"; return 1; }
}

unload_with_running_vm()
{
	local pid
	denali_load || return
	denalictl run "$basic" name mod-run -- spin >/dev/null 2>&1 &
	pid=$!
	wait_for denalictl show mod-run || return
	unload_refused "a VM running" || return
	kill "$pid"
	wait "$pid"
	denali_unload && gone
}

# Nobody has a descriptor, but the VM is there to stay.
unload_with_persistent_vm()
{
	denali_load && denalictl create "$basic" name mod-test || return
	unload_refused "a persistent VM" || return
	denalictl start mod-test || return
	unload_refused "a persistent VM that was started" || return
	denalictl kill mod-test
	unload_refused "a persistent VM that ended" || return
	denalictl destroy mod-test || return
	wait_for denali_unload && gone
}

unload_with_open_device()
{
	denali_load || return
	exec 7<>/dev/denali
	unload_refused "the device open" || { exec 7>&-; return 1; }
	exec 7>&-
	denali_unload && gone
}

# Refuses, says why in one line, and leaves nothing.
refuses()
{
	denali_unload || return
	echo "selftest-mark refuses $*" >/dev/kmsg
	! insmod "$DENALI_MODULE" "$@" 2>/dev/null || { echo "loaded with $*"; denali_unload; return 1; }
	gone || { echo "something is left"; return 1; }
	dmesg | awk -v mark="selftest-mark refuses $*" 'index($0, mark) { n = 0; next } /denali:/ { line[n++] = $0 }
		END { for (i = 0; i < n; i++) print line[i] }' >"$tmp/said"
	[ "$(wc -l <"$tmp/said")" = 1 ] || { echo "not one line:"; cat "$tmp/said"; return 1; }
}

modinfo_is_complete()
{
	local p
	denali_load || return
	for p in /sys/module/denali/parameters/*; do
		modinfo -F parm "$DENALI_MODULE" | grep -q "^${p##*/}:.\{10\}" ||
			{ echo "parameter ${p##*/} isn't described"; return 1; }
	done
	for p in license description version; do
		[ -n "$(modinfo -F "$p" "$DENALI_MODULE")" ] || { echo "no $p"; return 1; }
	done
	[ "$(modinfo -F version "$DENALI_MODULE")" = "$(denalictl version | awk '$1 == "denalictl" { print $2 }')" ] ||
		{ echo "module and tools of different versions:"; denalictl version; return 1; }
	modinfo -F depends "$DENALI_MODULE" | grep -qw tun || { echo "tun is no dependency"; return 1; }
}

quantum_at_run_time()
{
	local p=/sys/module/denali/parameters/quantum_us old bad
	denali_load && old=$(cat $p) || return
	echo 2000 >$p && [ "$(cat $p)" = 2000 ] || return
	denalictl run "$basic" -- exit 0 || return
	for bad in 0 1 99 1000001 -5 x ''; do
		if echo "$bad" >$p 2>/dev/null; then
			echo "quantum_us=$bad was taken"
			return 1
		fi
	done
	echo "$old" >$p
}

nice_is()
{
	local pid
	for pid in $(runners | cut -d/ -f3); do
		[ "$(sed 's/.*) //' "/proc/$pid/stat" | cut -d' ' -f17)" = "$1" ] || { echo "not nice $1"; return 1; }
	done
}

nice_at_run_time()
{
	local p=/sys/module/denali/parameters/nice bad
	denali_load && [ "$(cat $p)" = 0 ] && nice_is 0 || return
	echo 7 >$p && [ "$(cat $p)" = 7 ] && nice_is 7 || return
	echo -20 >$p && nice_is -20 || return
	for bad in -21 20 x ''; do
		if echo "$bad" >$p 2>/dev/null; then
			echo "nice=$bad was taken"
			return 1
		fi
	done
	nice_is -20 && denali_unload && denali_load pool=16M nice=5 && nice_is 5 &&
		denalictl run "$basic" -- exit 0 && denali_unload && denali_load
}

# sched_is NAME [PARAMETER]
sched_is()
{
	local name=$1
	shift
	denali_unload && denali_load pool=16M "$@" || return
	[ "$(cat /sys/module/denali/parameters/sched)" = "$name" ] || { echo "sysfs says otherwise"; return 1; }
	denalictl version | grep -q "^scheduler *$name$" || { denalictl version; return 1; }
	denalictl run "$basic" -- exit 0
}

kb()
{
	awk -v what="$1:" '$1 == what { print $2 }' /proc/meminfo
}

# What the pool took is the host's again, and no cycle leaves anything.
many_cycles()
{
	local before slab_before slab_after
	denali_unload || return
	for i in 1 2 3; do
		insmod "$DENALI_MODULE" pool=64M && rmmod denali || return
	done
	before=$(kb MemFree) slab_before=$(($(kb SUnreclaim) + $(kb VmallocUsed)))
	for i in $(seq 10); do
		insmod "$DENALI_MODULE" pool=64M || return
		denalictl run "$basic" -- exit 0 || return
		rmmod denali || return
	done
	# 10 times 64 MiB would show, and 10 times its tables.
	free_again() { [ $((before - $(kb MemFree))) -lt 32768 ]; }
	wait_for free_again || { echo "free memory: $before kB, then $(kb MemFree) kB"; return 1; }
	slab_after=$(($(kb SUnreclaim) + $(kb VmallocUsed)))
	[ $((slab_after - slab_before)) -lt 2048 ] ||
		{ echo "kernel memory: $slab_before kB, then $slab_after kB"; return 1; }
}

# A runner has the CPU: it must let go of it for the module to go.
unload_right_after_vms()
{
	local i j
	for i in $(seq 4); do
		denali_load || return
		for j in 1 2 3 4; do
			denalictl run "$basic" -- exit 0 &
		done
		wait
		denali_unload || return
	done
	gone
}

# A runner that has seen its VM off may be long in getting the CPU again.
unload_under_a_runner()
{
	local i
	for i in 1 2 3; do
		denali_load && "$dir/unload" || return
	done
	gone
}

plan 32
check "plain insmod" insmod_works
check "rmmod leaves nothing" rmmod_leaves_nothing
check "insmod twice" insmod_twice
check "modprobe loads tun" modprobe_pulls_tun
check "insmod without tun" insmod_without_tun
modprobe tun
check "unload refused: a VM runs" unload_with_running_vm
check "unload refused: a persistent VM" unload_with_persistent_vm
check "unload refused: the device is open" unload_with_open_device
for params in pool=x pool= pool=16Mx pool=-1 pool=999999G pool_phys=x pool_phys=1G pool_phys=0:16M \
	pool_phys=0x100000:16M pool_phys=0x1234:2M sched= sched=fai sched=RR quantum_us=0 quantum_us=x; do
	case $params in
	quantum*) # the kernel itself refuses these
		check "refuses $params" eval "denali_unload; ! insmod \$DENALI_MODULE $params && gone" ;;
	*)	check "refuses $params" refuses "$params" ;;
	esac
done
check "refuses pool= with pool_phys=" refuses pool=16M pool_phys=0x40000000:16M
check "modinfo describes all parameters" modinfo_is_complete
check "quantum_us at run time" quantum_at_run_time
check "nice at run time" nice_at_run_time
check "sched=fair unless something else is said" sched_is fair
check "sched=rr" sched_is rr sched=rr
check "10 times in and out" many_cycles
check "unload right after VMs" unload_right_after_vms
check "unload under a runner that doesn't get the CPU" unload_under_a_runner
finish
