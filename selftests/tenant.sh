#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tenants as an admin uses them: denalictl tenant, VMs in one, what is said when there is no more.

# shellcheck source=selftests/ctllib.sh
. "$(dirname "$0")/ctllib.sh"
trap 'rm -rf "$tmp"' EXIT

tenant()
{
	"$ctl" -j tenant show red | json "d[0]['$1']"
}

made()
{
	says "tenant red: made" 0 tenant add red user nobody vms 3 memory 1M nice 5 cpus 0 &&
		says "there is one of that name" 1 tenant add red &&
		[ "$(tenant max_vms) $(tenant max_mem_bytes) $(tenant nice) $(tenant cpus)" = "3 1048576 5 0" ] &&
		[ "$(tenant uid)" = "$(id -u nobody)" ]
}

listed()
{
	says "red " 0 tenant && says "1 MiB" 0 tenant && says NAME 0 tenant list &&
		says '"name":"red"' 0 -j tenant show &&
		says "tenant blue: does not exist" 1 tenant show blue
}

changed()
{
	says "tenant red: changed" 0 tenant set red nice -3 user none cpus all &&
		[ "$(tenant nice)" = -3 ] && ! tenant uid 2>/dev/null &&
		says "tenant blue: does not exist" 1 tenant set blue vms 1 &&
		says "what to change is missing" 2 tenant set red &&
		says "from -20 to 19" 2 tenant set red nice 20 &&
		says "only letters" 2 tenant add "a b" &&
		says "value is missing" 2 tenant set red vms
}

threads()
{
	local tid
	for tid in $("$ctl" -j tenant show red | json "*[r['tid'] for r in d[0]['runners']]"); do
		[[ $(cat "/proc/$tid/comm") == denali/*:red ]] || return 1
		[ "$(cut -d' ' -f19 "/proc/$tid/stat")" = -3 ] || return 1
	done
	[ "$("$ctl" -j tenant show red | json "len(d[0]['runners'])")" = "$(nproc)" ]
}

vms()
{
	says "VM r1: started" 0 create "$(guest sched)" name r1 tenant red start memory 64K args spin &&
		says "VM r2: created" 0 create "$(guest sched)" name r2 tenant red memory 64K &&
		[ "$("$ctl" -j show r1 | json "d[0]['tenant']")" = red ] &&
		says "no tenant blue" 1 create "$(guest sched)" name r4 tenant blue memory 64K &&
		says "VM r4: 960 KiB of memory" 1 create "$(guest sched)" name r4 tenant red memory 960K &&
		says "tenant red have 128 KiB of the 1 MiB" 1 create "$(guest sched)" name r4 tenant red memory 960K &&
		says "tenant set red memory" 1 create "$(guest sched)" name r4 tenant red memory 960K &&
		says "VM r3: created" 0 create "$(guest sched)" name r3 tenant red memory 64K &&
		says "VM r4: tenant red has 3 of the 3 VMs" 1 create "$(guest sched)" name r4 tenant red memory 64K &&
		says "tenant set red vms" 1 create "$(guest sched)" name r4 tenant red memory 64K &&
		says "has 3 of the 3 VMs" 126 run "$(guest sched)" tenant red memory 64K
}

deleted()
{
	says "tenant red: has 3 VMs" 1 tenant del red && "$ctl" destroy r1 r2 r3 &&
		says "" 0 tenant del red && says "does not exist" 1 tenant del red &&
		[ "$("$ctl" -j tenant)" = "[]" ]
}

# A user can't make one, nor VMs in another's.
unprivileged()
{
	local user=(setpriv --reuid nobody --regid "$(stat -c %g /dev/denali)" --clear-groups "$ctl") out
	"$ctl" tenant add red || return 1
	out=$("${user[@]}" tenant add mine 2>&1) && return 1
	[[ $out == *CAP_SYS_ADMIN* ]] || { echo "$out"; return 1; }
	out=$("${user[@]}" create "$(guest sched)" tenant red memory 64K 2>&1) && return 1
	[[ $out == *"tenant red is another user's"* ]] || { echo "$out"; return 1; }
	[ "$("${user[@]}" -j tenant)" = "[]" ] || return 1
	"$ctl" tenant set red user nobody vms 1 || return 1
	"${user[@]}" create "$(guest sched)" name u1 memory 64K || return 1
	[ "$("${user[@]}" -j tenant | json "d[0]['vms']")" = 1 ] || return 1
	out=$("${user[@]}" create "$(guest sched)" memory 64K 2>&1) && return 1
	[[ $out == *"tenant red has 1 of the 1 VMs"* ]] || { echo "$out"; return 1; }
	"${user[@]}" destroy u1 && "$ctl" tenant del red
}

# Tenants don't keep the module: they go with it.
unloading()
{
	"$ctl" tenant add red && denali_unload && denali_load && [ "$("$ctl" -j tenant)" = "[]" ]
}

denali_load || exit 1
plan 8
check "made" made
check "listed and shown" listed
check "changed" changed
check "a thread for each CPU" threads
check "VMs, as many as it may have" vms
check "deleted without VMs only" deleted
check "what a user may" unprivileged
check "gone with the module" unloading
finish
