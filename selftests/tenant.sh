#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tenants as an admin uses them: denalictl tenant, VMs in one, what is said when there is no more.

# shellcheck source=selftests/shlib.sh
. "$(dirname "$0")/shlib.sh"

ctl=${DENALICTL:-$(command -v denalictl || echo "$dir/../../../userspace/build/denalictl")}

# A value of a JSON text on standard input, by a Python expression on it, which is d.
json()
{
	python3 -c "import json,sys; d=json.load(sys.stdin); print($1)"
}

# says STATUS ARG... -- TEXT...: denalictl ends so, with these texts in its messages.
says()
{
	local want=$1 out got args=()
	shift
	while [ "$1" != -- ]; do args+=("$1"); shift; done
	shift
	out=$("$ctl" "${args[@]}" </dev/null 2>&1)
	got=$?
	[ $got = "$want" ] || { echo "status $got, not $want: $out"; return 1; }
	for text; do
		[[ $out == *"$text"* ]] || { echo "not in the message: '$text': $out"; return 1; }
	done
}

tenant()
{
	"$ctl" -j tenant show red | json "d[0]['$1']"
}

made()
{
	says 0 tenant add red user nobody vms 3 memory 1M nice 5 cpus 0 -- "tenant red: made" &&
		says 1 tenant add red -- "there is one of that name" &&
		[ "$(tenant max_vms) $(tenant max_mem_bytes) $(tenant nice) $(tenant cpus)" = "3 1048576 5 0" ] &&
		[ "$(tenant uid)" = "$(id -u nobody)" ]
}

listed()
{
	says 0 tenant -- NAME red "1 MiB" && says 0 tenant list -- NAME red &&
		says 0 -j tenant show -- '"name":"red"' &&
		says 1 tenant show blue -- "tenant blue: does not exist"
}

changed()
{
	says 0 tenant set red nice -3 user none cpus all -- "tenant red: changed" &&
		[ "$(tenant nice)" = -3 ] && ! tenant uid 2>/dev/null &&
		says 1 tenant set blue vms 1 -- "tenant blue: does not exist" &&
		says 2 tenant set red -- "what to change is missing" &&
		says 2 tenant set red nice 20 -- "from -20 to 19" &&
		says 2 tenant add "a b" -- "only letters" &&
		says 2 tenant set red vms -- "value is missing"
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
	says 0 create "$(guest sched)" name r1 tenant red start memory 64K args spin -- "VM r1: started" &&
		says 0 create "$(guest sched)" name r2 tenant red memory 64K -- "VM r2: created" &&
		[ "$("$ctl" -j show r1 | json "d[0]['tenant']")" = red ] &&
		says 1 create "$(guest sched)" name r4 tenant blue memory 64K -- "no tenant blue" &&
		says 1 create "$(guest sched)" name r4 tenant red memory 960K -- \
			"VM r4: 960 KiB of memory" "tenant red have 128 KiB of the 1 MiB" "tenant set red memory" &&
		says 0 create "$(guest sched)" name r3 tenant red memory 64K -- "VM r3: created" &&
		says 1 create "$(guest sched)" name r4 tenant red memory 64K -- \
			"VM r4: tenant red has 3 of the 3 VMs" "tenant set red vms" &&
		says 126 run "$(guest sched)" tenant red memory 64K -- "has 3 of the 3 VMs"
}

deleted()
{
	says 1 tenant del red -- "tenant red: has 3 VMs" && "$ctl" destroy r1 r2 r3 &&
		says 0 tenant del red -- && says 1 tenant del red -- "does not exist" &&
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
