#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Templates and clones as a user has them: denalictl, the library OS, and web servers that
# are clones of one that was set up once. What the kernel promises is in template_test.

# shellcheck source=selftests/netlib.sh
. "$(dirname "$0")/netlib.sh"

plan 32
denali_load || exit 1
net_up || { echo "# no network namespace"; exit 1; }

image=$(guest libos-template)

# fails TEXT WORD...: denalictl says no, with this text, and leaves nothing.
fails()
{
	local text=$1 out before after
	shift
	before=$("$ctl" -j list)
	if out=$("$ctl" "$@" </dev/null 2>&1); then
		echo "no error: $out"
		return 1
	fi
	after=$("$ctl" -j list)
	[[ $out == *"$text"* ]] || { echo "not printed: '$text': $out"; return 1; }
	[ "$before" = "$after" ] || { echo "the list has changed: $before, $after"; return 1; }
}

state_is()
{
	[ "$("$ctl" -j show "$1" | sed -n 's/.*"state":"\([a-z]*\)".*/\1/p' | head -n 1)" = "$2" ]
}

make_template()
{
	"$ctl" template "$image" name t -- set-up tag=template | grep -E '^VM t: template, id [0-9]+$' &&
		state_is t template
}

# The output of a clone in the foreground, which is asked for a line as well.
run_clone()
{
	echo "line of $1" | "$ctl" run template t -- "tag=$1" >"$tmp/$1"
}

clones_run()
{
	run_clone one && run_clone two || return
	grep -E '^clone 1 tag one random' "$tmp/one" && grep '^read line of one$' "$tmp/one" &&
		grep -E '^clone 1 tag two random' "$tmp/two" && grep '^read line of two$' "$tmp/two" || return
	if grep "setting up" "$tmp/one"; then
		echo "it was set up again"
		return 1
	fi
}

random_differs()
{
	local a b
	a=$(sed -n 's/.*random //p' "$tmp/one")
	b=$(sed -n 's/.*random //p' "$tmp/two")
	[ -n "$a" ] && [ "$a" != "$b" ]
}

arguments_stay()
{
	echo line | "$ctl" run template t | grep -E '^clone 1 tag template '
}

# Both words for it, and what list and show say.
clone_is_kept()
{
	local id
	id=$("$ctl" -j show t | sed -n 's/.*"id":\([0-9]*\).*/\1/p' | head -n 1)
	"$ctl" clone t name c1 start -- tag=c1 && "$ctl" create template t name c2 -- tag=c2 || return
	"$ctl" -j show c1 | grep -q "\"template\":$id" || { "$ctl" -j show c1; return 1; }
	state_is c2 created && "$ctl" start c2 || return
	wait_for sh -c "'$ctl' console c2 -n | grep -q 'tag c2'" || return
	"$ctl" -j show c1 | grep -Eq '"own_bytes":[0-9]+' &&
		"$ctl" destroy c1 && "$ctl" destroy c2
}

# What the console says after the reset is of the clone that it is then.
reset_runs_anew()
{
	local id
	"$ctl" clone t name r start -- tag=r1 || return
	id=$("$ctl" -j show r | sed -n 's/.*"id":\([0-9]*\).*/\1/p' | head -n 1)
	wait_for sh -c "'$ctl' console r -n | grep -q 'tag r1'" || return
	"$ctl" -j reset r | grep "\"state\":\"created\"" && state_is r created || return
	[ "$("$ctl" console r -n)" = "" ] || { echo "output from before"; return 1; }
	"$ctl" start r && wait_for sh -c "'$ctl' console r -n | grep -q 'tag r1'" || return
	"$ctl" kill r && "$ctl" -j restart r | grep "\"state\":\"running\"" || return
	wait_for sh -c "'$ctl' console r -n | grep -q 'tag r1'" || return
	"$ctl" kill r && "$ctl" reset r "$id" && state_is r created || return
	"$ctl" -j show r | grep -q "\"own_bytes\":8192"
}

# All are there, numbered, with the arguments; or none of them.
clones_by_number()
{
	local out
	out=$("$ctl" clone t name many count 20 start -- tag=many) || return
	[[ $out == "VMs many1 to many20: started, ids "* ]] || { echo "$out"; return 1; }
	state_is many1 running && state_is many20 running || return
	wait_for sh -c "'$ctl' console many20 -n | grep -q 'tag many'" || return
	# shellcheck disable=SC2046 # names have no blanks
	"$ctl" destroy $(seq -f 'many%g' 2 20) || return
	"$ctl" stop many1 && fails "one of these names is taken" clone t name many count 5 || return
	"$ctl" destroy many1 && "$ctl" -j clone t name many count 2 | grep '"name":"many2"' &&
		"$ctl" destroy many1 many2
}

# Each at an address of its own; and none of them without the switch.
clones_on_a_switch()
{
	local macs
	says "switch nosuch: does not exist" 1 clone t name lan count 3 nic switch nosuch || return
	! "$ctl" show lan1 2>/dev/null || return
	"$ctl" switch add sw0 && "$ctl" clone t name lan count 3 nic switch sw0 start || return
	macs=$("$ctl" -j nic show | json 'len({n["mac"] for n in d if n["switch"] == "sw0"})')
	[ "$macs" = 3 ] || { echo "addresses: $macs"; "$ctl" nic show; return 1; }
	"$ctl" destroy lan1 lan2 lan3 && "$ctl" switch del sw0
}

# A shell's usual limit of descriptors is less than the most clones need.
few_descriptors()
{
	(ulimit -S -n 12 && "$ctl" clone t name few count 20) || return
	# shellcheck disable=SC2046 # names have no blanks
	"$ctl" destroy $(seq -f 'few%g' 20)
}

# More than there is memory for, and no advice to wait, which several can't.
clones_too_large()
{
	local out
	out=$("$ctl" clone t name huge count 1024 2>&1) && return 1
	[[ $out == *"the pool has "*" left of "*"(denalictl pool set SIZE)" ]] || { echo "$out"; return 1; }
}

# ^C before it is one.
interrupted()
{
	local pid status
	"$ctl" template "$image" name n -- never &
	pid=$!
	wait_for state_is n running || return
	kill -INT $pid
	wait $pid
	status=$?
	[ $status = 130 ] || { echo "status $status"; return 1; }
	! "$ctl" show n 2>/dev/null
}

# No image that has nothing to say of it needs a change: right before main().
plain_image()
{
	"$ctl" template "$guests/hello" name h && "$ctl" run template h </dev/null | grep Hello &&
		"$ctl" run template h </dev/null | grep Hello && "$ctl" destroy h
}

web_template()
{
	"$ctl" template "$guests/httpd" name web
}

# clone_web N: with an address of its own on the bridge.
clone_web()
{
	in_ns "$ctl" clone web name "web$1" nic "web$1" bridge br0 start -- "ip=10.9.0.$1/24" ip6=off
}

webs_answer()
{
	local i
	for i in 2 3 4 5; do
		clone_web $i || return
	done
	for i in 2 3 4 5; do
		fetch --fail --retry 10 --retry-connrefused --retry-delay 1 -o "$tmp/page.$i" "http://10.9.0.$i/" || return
		grep -q "<title>" "$tmp/page.$i" || { cat "$tmp/page.$i"; return 1; }
	done
}

macs_differ()
{
	[ "$("$ctl" -j show | grep -o '"mac":"[^"]*"' | sort | uniq -d)" = "" ] &&
		[ "$("$ctl" -j show | grep -o '"mac":"[^"]*"' | wc -l)" = 4 ]
}

# Its NIC is what it was, with the tap and the address, and it serves again.
web_reset()
{
	local mac
	mac=$("$ctl" -j show web2 | grep -o '"mac":"[^"]*"')
	"$ctl" reset web2 && "$ctl" start web2 || return
	[ "$("$ctl" -j show web2 | grep -o '"mac":"[^"]*"')" = "$mac" ] || return
	fetch --fail --retry 10 --retry-connrefused --retry-delay 1 -o "$tmp/page" http://10.9.0.2/
}

# They go on without their template, which is still read by them.
template_goes()
{
	"$ctl" destroy web || return
	fetch --fail -o "$tmp/page" http://10.9.0.2/ && fetch --fail -o "$tmp/page" http://10.9.0.5/ || return
	for i in 2 3 4 5; do
		"$ctl" destroy "web$i" || return
	done
}

check "template: made, and listed as one" make_template
check "run template: clones, each with its arguments and its input" clones_run
check "random numbers of clones differ" random_differs
check "a clone without arguments has its template's" arguments_stay
check "clone, create template: kept, shown with its template" clone_is_kept
check "reset of a clone, and it runs anew" reset_runs_anew
"$ctl" destroy r
check "reset of a template" fails "is a template; clone it" reset t
check "reset of what doesn't exist" fails "VM none: does not exist" reset none
check "several clones at once" clones_by_number
check "too many clones at once" fails "not a number from 1 to 1024" clone t count 1025
check "several clones with fewer descriptors than they are" few_descriptors
check "several clones named by digits" fails "VM name '772': digits alone are an id" clone t name 77 count 2
check "several clones without memory" clones_too_large
check "several clones with a tap" fails "nic tap9: with count, each needs a tap of its own" clone t count 2 nic tap9
check "several clones with an address" fails "mac: with count, each NIC needs an address" clone t count 2 nic switch sw0 mac 02:00:00:00:00:01
check "several VMs of an image" fails "is for clones" create "$image" count 2
check "start of a template" fails "is a template; clone it" start t
check "stop of a template" fails "is a template; clone it" stop t
check "clone with memory of its own" fails "memory" clone t memory 1M
check "run template with memory" fails "a clone has as much as its template" run template t memory 1M
check "template with a NIC" fails "a template has none" template "$guests/httpd" nic tap9
check "template with a share" fails "a template never runs" template "$image" weight 5
check "clone of what doesn't exist" fails "VM none: does not exist" clone none
"$ctl" create "$image" name v -- set-up >/dev/null
check "clone of a VM that is no template" fails "VM v: is no template" clone v
check "reset of a VM that is no clone" fails "VM v: reset: is no clone of a template" reset v
"$ctl" destroy v
"$ctl" destroy t
check "template that ends before it is one" fails "ended before it was a template" template "$image" -- end
check "template interrupted" interrupted
check "an image that knows nothing of templates" plain_image
check "httpd as a template" web_template
check "four clones of it answer" webs_answer
check "each with its own MAC" macs_differ
check "one of them is reset, and answers again" web_reset
check "and without their template" template_goes
finish
