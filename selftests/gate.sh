#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The gatekeeper as users see it: `wait`, what is told of those that wait, and the policy of priorities.

# shellcheck source=selftests/ctllib.sh
. "$(dirname "$0")/ctllib.sh"

# of NAME KEY: what the list has of a VM.
of()
{
	"$ctl" -j list | json "[v.get('$2') for v in d if v['name'] == '$1'][0]" 2>/dev/null
}

is()
{
	[ "$1" = "$2" ] || { echo "'$1', not '$2'"; return 1; }
}

# full: a VM that has all of the pool.
full()
{
	"$ctl" create "$(guest basic)" name all memory "$("$ctl" -j pool | json "d['free_bytes']")"
}

# waits NAME WORD...: a VM that waits, in the background; its messages in a file of its name.
waits()
{
	local name=$1
	shift
	"$ctl" create "$(guest basic)" name "$name" memory 256K wait "$@" >"$tmp/$name" 2>&1 &
	wait_for is_state "$name" waiting
}

is_state()
{
	[ "$(of "$1" state)" = "$2" ]
}

place_is()
{
	is "$(of "$1" place)" "$2"
}

shown()
{
	full || return 1
	waits w1 && waits w2 || return 1
	place_is w1 1 && place_is w2 2 && is "$(of w1 waits)" "for memory" &&
		is "$(of w1 priority)" 0 || return 1
	"$ctl" list | grep -q '^[0-9]* *w2 *waiting *2 ' || { "$ctl" list; return 1; }
	wait_for grep -q "VM w1: waits until there is room" "$tmp/w1"
}

refused()
{
	local out
	out=$("$ctl" start w1 2>&1) && return 1
	[[ $out == *"VM w1: start: waits for memory"* ]] || { echo "$out"; return 1; }
	out=$("$ctl" create "$(guest basic)" memory 256K wait priority x 2>&1) && return 1
	[[ $out == *"priority 'x'"* ]] || { echo "$out"; return 1; }
	out=$("$ctl" create "$(guest basic)" memory 256K priority 1 2>&1) && return 1
	[[ $out == *"must stand behind wait"* ]] || { echo "$out"; return 1; }
	out=$(setpriv --reuid nobody --regid "$(stat -c %g /dev/denali)" --clear-groups \
		"$ctl" create "$(guest basic)" memory 256K wait priority 1 2>&1) && return 1
	[[ $out == *CAP_SYS_NICE* ]] || { echo "$out"; return 1; }
}

# ^C: nothing is left behind, and the next one comes up.
interrupted()
{
	local pid
	pid=$(pgrep -f "name w1 memory 256K wait" | head -n 1)
	kill -TERM "$pid" && wait_for eval '[ -z "$(of w1 id)" ]' && place_is w2 1
}

destroyed()
{
	"$ctl" destroy w2 && wait_for grep -q "VM w2: destroyed by somebody while it waited" "$tmp/w2" &&
		is "$(of w2 id)" ""
}

admitted()
{
	waits w3 start || return 1
	"$ctl" destroy all && wait_for eval '[ "$(of w3 mem_bytes)" = 262144 ] && [ "$(of w3 state)" != waiting ]' &&
		wait_for grep -q "VM w3: started" "$tmp/w3" && "$ctl" destroy w3
}

# A user who has as many VMs as he may, until he may have more.
user_limit()
{
	local vms=/sys/module/denali/parameters/user_vms rc=0
	chmod 666 /dev/denali
	echo 1 >$vms && as_nobody create "$public/basic" name u1 memory 256K || rc=1
	as_nobody create "$public/basic" name u2 memory 256K wait >"$tmp/u2" 2>&1 &
	wait_for is_state u2 waiting && echo 2 >$vms && wait_for is_state u2 created || { cat "$tmp/u2"; rc=1; }
	echo 0 >$vms
	chmod 660 /dev/denali
	"$ctl" destroy u1 u2 && return $rc
}

running()
{
	"$ctl" tenant add red runnable 1 || return 1
	is "$("$ctl" create "$(guest sched)" name r1 tenant red memory 64K start args spin)" \
		"VM r1: started, id $(of r1 id)" || return 1
	is "$("$ctl" create "$(guest sched)" name r2 tenant red memory 64K start args spin)" \
		"VM r2: waits until fewer of its tenant's VMs run, id $(of r2 id)" || return 1
	is "$(of r2 waits)" "to run" && place_is r2 1 || return 1
	is "$("$ctl" -j tenant show red | json "d[0]['runnable'], d[0]['max_runnable'], d[0]['waiting']")" "1 1 1" ||
		return 1
	"$ctl" stop r1 && is "$(of r2 state)" running && "$ctl" destroy r1 r2 && "$ctl" tenant del red
}

# The greatest first, and those that have the same as they came.
priorities()
{
	denali_unload && denali_load $DENALI_MODULE_PARAMS gate=priority && full || return 1
	waits p1 priority 1 && waits p5 priority 5 && waits p3 priority 3 && waits q5 priority 5 || return 1
	place_is p5 1 && place_is q5 2 && place_is p3 3 && place_is p1 4 && "$ctl" destroy all || return 1
	wait_for is_state p1 created && "$ctl" destroy p1 p3 p5 q5 && denali_unload
}

policy_unknown()
{
	! denali_load gate=lifo && dmesg | tail -n 20 | grep -q "gate=lifo: no such policy; there are fifo and priority"
}

denali_load || exit 1
plan 9
check "shown with its place" shown
check "what isn't allowed" refused
check "^C" interrupted
check "destroyed while it waits" destroyed
check "admitted when there is room" admitted
check "a user's limit that is raised" user_limit
check "waiting to run" running
check "priorities" priorities
check "an unknown policy" policy_unknown
denali_load
rm -rf "$tmp"
finish
