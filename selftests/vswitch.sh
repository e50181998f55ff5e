#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module's own switch as an admin uses it: denalictl switch, VMs with the library OS
# on one, through an uplink on a Linux bridge, captured, isolated, deleted.

# shellcheck source=selftests/netlib.sh
. "$(dirname "$0")/netlib.sh"

# A counter of the switch sw0.
switch_counter()
{
	"$ctl" -j switch show sw0 | json "d['$1']"
}

# A counter of a VM's NIC.
nic_counter()
{
	"$ctl" -j nic show "$1" | json "d[0]['$2']"
}

# on_switch NAME IMAGE ARG...: a VM on sw0.
on_switch()
{
	local name=$1 image=$2
	shift 2
	in_ns "$ctl" create "$image" name "$name" start nic switch sw0 args "$@"
}

no_link()
{
	! in_ns ip link show "$1"
}

no_switch()
{
	[ "$("$ctl" -j switch show)" = "[]" ]
}

# What a case that failed has left.
all_down()
{
	local sw
	net_down
	for sw in $("$ctl" switch show | awk 'NR > 1 { print $2 }'); do
		"$ctl" switch del "$sw"
	done
}
trap all_down EXIT

plan 39
net_up || { echo "# no network namespace"; exit 1; }

check "there is no switch at first" no_switch
check "switch add with an uplink on a bridge" in_ns "$ctl" switch add sw0 uplink up0 bridge br0
shown()
{
	local got
	got=$(in_ns "$ctl" -j switch show |
		json '"{} {} {} {}".format(d[0]["name"], d[0]["uplink"], d[0]["uplink_up"], d[0]["nics"])')
	[ "$got" = "sw0 up0 True 0" ] || { echo "$got"; return 1; }
}
check "switch show" shown
check "two VMs on it" eval "on_switch web '$guests/httpd' ip=10.9.0.2/24 ip6=fd09::2/64 &&
	on_switch echo '$guests/echo' ip=10.9.0.3/24 ip6=fd09::3/64"
check "a page through the uplink and the bridge" wait_for fetch --fail http://10.9.0.2/
check "ping through the uplink" wait_for in_ns ping -c 1 -W "$(patience 1)" 10.9.0.3
# A doorbell for the answer, and it idles; no alarm for what nobody waits for.
hypercalls()
{
	"$ctl" -j show "$1" | json 'd[0]["hypercalls"]'
}
two_hypercalls()
{
	local before took
	before=$(hypercalls echo)
	in_ns ping -q -c 100 -i 0.03 10.9.0.3 >/dev/null || return
	took=$(($(hypercalls echo) - before))
	[ $took -lt 280 ] || { echo "$took hypercalls for 100 answers"; return 1; }
}
check "two hypercalls for an answer" two_hypercalls

# is_ready NAME: the guest echo said so, and idles.
is_ready()
{
	"$ctl" console "$1" --no-follow | grep -q "ready on port" &&
	[ "$("$ctl" -j show "$1" | json 'd[0]["idle"]')" = True ]
}

# Alone on a switch. lwIP would ask for routers a second and five seconds after it started, on
# its loopback interface if on no other.
nobody_speaks()
{
	local before after status=0
	in_ns "$ctl" switch add quiet &&
	in_ns "$ctl" create "$guests/echo" name alone start nic switch quiet args ip=10.7.0.1/24 ip6=off || return
	wait_for is_ready alone || status=1
	before=$(hypercalls alone)
	sleep 7
	after=$(hypercalls alone)
	[ "$after" = "$before" ] || { echo "$before hypercalls, then $after"; status=1; }
	"$ctl" destroy alone && "$ctl" switch del quiet && return $status
}
check "a VM that nobody speaks to doesn't wake" nobody_speaks
check "ping over IPv6" wait_for in_ns ping -6 -c 1 -W "$(patience 1)" fd09::3
check "UDP, whole and in fragments" eval "udp 10.9.0.3 1472 20 && udp 10.9.0.3 5000 5"
check "TCP, 50 connections at once" tcp 10.9.0.3 50 20000
one_from_the_other()
{
	local up
	up=$(switch_counter rx_packets)
	in_ns "$ctl" run "$(guest net-fetch)" memory 4M name fetch nic switch sw0 \
		args ip=10.9.0.4/24 host=10.9.0.2 </dev/null >"$tmp/fetch" 2>&1
	grep -q "answer: HTTP/1.1 200 OK" "$tmp/fetch" || { cat "$tmp/fetch"; return 1; }
	# Nothing of it went by the uplink.
	[ "$(switch_counter rx_packets)" -le $((up + 5)) ]
}
check "one VM fetches a page from another" one_from_the_other

# Someone on the bridge asks for addresses that aren't there: no VM hears of it. What the host
# has to say to all meanwhile, router solicitations and the like, is less by far.
no_arp_flood()
{
	local web echo filtered asked i
	web=$(nic_counter web rx_packets) echo=$(nic_counter echo rx_packets)
	filtered=$(switch_counter filtered)
	for i in $(seq 50 59); do
		in_ns ping -c 1 -W 1 10.9.0.$i >/dev/null &
	done
	# shellcheck disable=SC2046 # a list of numbers
	wait $(jobs -p)
	asked=$(($(switch_counter filtered) - filtered))
	[ $asked -ge 10 ] || { echo "not filtered"; return 1; }
	[ "$(nic_counter web rx_packets)" -lt $((web + asked / 2)) ] &&
	[ "$(nic_counter echo rx_packets)" -lt $((echo + asked / 2)) ] ||
		{ "$ctl" nic show; echo "before: $web $echo"; return 1; }
}
check "requests for other addresses wake no VM" no_arp_flood

mirror()
{
	in_ns "$ctl" switch set sw0 mirror mir0 &&
	in_ns timeout "$(patience 60)" tcpdump -i mir0 -c 4 -w "$tmp/capture" icmp and host 10.9.0.3 2>"$tmp/tcpdump" &
	local dump=$!
	wait_for grep -q "listening on" "$tmp/tcpdump" || { cat "$tmp/tcpdump"; return 1; }
	in_ns ping -c 2 -W "$(patience 2)" 10.9.0.3 >/dev/null
	wait $dump
	[ "$(tcpdump -r "$tmp/capture" 2>/dev/null | grep -c 'ICMP echo')" = 4 ] &&
	[ "$(tcpdump -r "$tmp/capture" 2>/dev/null | grep -c 'ICMP echo reply')" = 2 ] || return
	in_ns "$ctl" switch set sw0 mirror none && wait_for no_link mir0
}
if command -v tcpdump >/dev/null; then
	check "a mirror shows both directions to tcpdump" mirror
else
	skip "a mirror shows both directions to tcpdump" "no tcpdump"
fi

ports_shown()
{
	local got
	got=$(in_ns "$ctl" -j switch show sw0 | json 'sorted(p["name"] for p in d["ports"])')
	[ "$got" = "['echo', 'web']" ] && in_ns "$ctl" switch show sw0 | grep -q "^port 0" &&
	in_ns "$ctl" nic show web | grep -q "sw0" && "$ctl" list | grep -q "^[0-9]* *web .* sw0$" ||
		{ echo "$got"; "$ctl" list; return 1; }
}
check "switch show NAME has its ports" ports_shown

uplink_changed()
{
	in_ns "$ctl" switch set sw0 uplink none && wait_for no_link up0 &&
	! in_ns ping -c 1 -W 1 10.9.0.3 >/dev/null &&
	in_ns "$ctl" switch set sw0 uplink up1 bridge br0 &&
	wait_for in_ns ping -c 1 -W "$(patience 1)" 10.9.0.3
}
check "the uplink taken away, and another" uplink_changed

uplink_gone()
{
	in_ns ip link del up1 &&
	wait_for sh -c "'$ctl' -j switch show sw0 | grep -q '\"uplink_up\":false'" &&
	in_ns "$ctl" switch set sw0 uplink up0 bridge br0 && wait_for in_ns ping -c 1 -W "$(patience 1)" 10.9.0.3
}
check "an uplink that is deleted, and another" uplink_gone

# Requests without end, while something goes.
under_load()
{
	local load rc
	in_ns ab -q -k -r -s 5 -c 16 -n 1000000 http://10.9.0.2/ >/dev/null 2>&1 &
	load=$!
	busy() { [ "$(nic_counter web rx_packets)" -gt "$1" ]; }
	wait_for busy $(($(nic_counter web rx_packets) + 200)) || { kill $load; echo "no load"; return 1; }
	"$@"
	rc=$?
	kill $load 2>/dev/null
	wait $load
	return $rc
}
moved()
{
	local i
	in_ns "$ctl" switch add sw1 || return
	for i in 1 2 3 4 5; do
		in_ns "$ctl" nic add web nic switch sw1 port 1 &&
		in_ns "$ctl" nic add web nic switch sw0 port 1 || return
	done
	in_ns "$ctl" switch del sw1
}
if command -v ab >/dev/null; then
	check "a VM moved to another switch and back, under load" under_load moved
	check "it goes on answering" wait_for fetch --fail http://10.9.0.2/
	check "a VM killed under load" under_load "$ctl" kill web
else
	skip "a VM moved to another switch and back, under load" "no ab (package apache2-utils)"
	skip "it goes on answering" "no ab"
	skip "a VM killed under load" "no ab"
fi
"$ctl" destroy web
check "its port is gone" eval '[ "$(switch_counter nics)" = 1 ]'

deleted()
{
	on_switch web "$guests/httpd" ip=10.9.0.2/24 && wait_for fetch --fail http://10.9.0.2/ || return
	under_load in_ns "$ctl" switch del sw0 && no_switch && wait_for no_link up0 &&
	"$ctl" list | grep -q "web *running" && "$ctl" -j nic show web | grep -q '"up":false' || return
	# And onto another of that name.
	in_ns "$ctl" switch add sw0 uplink up0 bridge br0 &&
	in_ns "$ctl" nic add web nic switch sw0 port 1 && wait_for fetch --fail http://10.9.0.2/
}
if command -v ab >/dev/null; then
	check "the switch deleted under load" deleted
else
	skip "the switch deleted under load" "no ab"
fi

# The gateway has another hardware address, and tells nobody: a VM that is plugged in anew, into
# the same network as it happens, asks again.
gateway_changes()
{
	local mac i
	mac=$("$ctl" -j nic show web | json 'd[0]["mac"]')
	in_ns ip link set br0 address 02:00:00:00:00:90 && wait_for fetch --fail http://10.9.0.2/ || return
	for i in 1 2 3 4 5; do
		# What the host asks for before its next line, the VM sees.
		in_ns ip link set br0 address 02:00:00:00:00:9$i &&
		in_ns ip neigh replace 10.9.0.2 lladdr "$mac" dev br0 nud permanent || return
		in_ns ping -c 1 -W 1 10.9.0.2 >/dev/null || return 0
	done
	echo "the VM knows by itself"
	return 1
}
asks_again()
{
	local rc
	gateway_changes && in_ns "$ctl" switch add sw1 &&
	in_ns "$ctl" nic add web nic switch sw1 port 1 && in_ns "$ctl" nic add web nic switch sw0 port 1 &&
		wait_for fetch --fail http://10.9.0.2/
	rc=$?
	in_ns ip neigh del 10.9.0.2 dev br0
	in_ns "$ctl" switch del sw1
	return $rc
}
check "who moved asks anew for addresses" asks_again
"$ctl" destroy web
"$ctl" destroy echo
in_ns "$ctl" switch del sw0

isolated()
{
	in_ns "$ctl" switch add sw0 isolate uplink up0 bridge br0 &&
	on_switch web "$guests/httpd" ip=10.9.0.2/24 && wait_for fetch --fail http://10.9.0.2/ || return
	in_ns "$ctl" run "$(guest net-fetch)" memory 4M nic switch sw0 \
		args ip=10.9.0.4/24 host=10.9.0.2 netwait=1 </dev/null >"$tmp/fetch" 2>&1
	! grep -q "answer:" "$tmp/fetch" || { cat "$tmp/fetch"; return 1; }
	fetch --fail http://10.9.0.2/ >/dev/null
}
check "isolated VMs reach the uplink, not each other" isolated
"$ctl" destroy web
in_ns "$ctl" switch del sw0

# Clones of one that was set up once, each at an address of its own, and their counters.
clones()
{
	local i
	in_ns "$ctl" switch add sw0 uplink up0 bridge br0 &&
	"$ctl" template "$guests/httpd" name t || return
	for i in $(seq 20 35); do
		"$ctl" clone t name "c$i" nic switch sw0 start -- "ip=10.9.0.$i/24" ip6=off || return
	done
	for i in $(seq 20 35); do
		wait_for fetch --fail -o "$tmp/page" "http://10.9.0.$i/" && grep -q "<title>" "$tmp/page" ||
			{ echo "clone $i"; "$ctl" nic show; return 1; }
	done
	[ "$(switch_counter nics)" = 16 ]
}
clone_to_clone()
{
	"$ctl" template "$(guest net-fetch)" memory 4M name f &&
	"$ctl" run template f nic switch sw0 -- ip=10.9.0.4/24 host=10.9.0.25 </dev/null >"$tmp/fetch" 2>&1
	grep -q "answer: HTTP/1.1 200 OK" "$tmp/fetch" || { cat "$tmp/fetch"; return 1; }
	"$ctl" destroy f
}
without_template()
{
	local i
	"$ctl" destroy t && fetch --fail -o "$tmp/page" http://10.9.0.20/ &&
	fetch --fail -o "$tmp/page" http://10.9.0.35/ || return
	for i in $(seq 20 35); do
		"$ctl" destroy "c$i" || return
	done
	[ "$(switch_counter nics)" = 0 ] && in_ns "$ctl" switch del sw0
}
check "16 clones of a web server, all answering" clones
check "a clone fetches a page from another" clone_to_clone
check "and without their template" without_template

other_user()
{
	local out rc
	in_ns "$ctl" switch add theirs user 65534 && in_ns "$ctl" switch add ours || return
	chmod 666 /dev/denali
	as_nobody create "$(guest basic)" name n nic switch theirs -- spin || rc=1
	as_nobody destroy n || rc=1
	out=$(as_nobody create "$(guest basic)" name n nic switch ours -- spin 2>&1) && rc=1
	[[ $out == "denalictl: switch ours: belongs to another user; as root: denalictl switch add NAME user USER makes one for a user" ]] || rc=1
	[ "$(as_nobody -j switch show | json '[s["name"] for s in d]')" = "['theirs']" ] || rc=1
	out+=$(as_nobody switch add mine 2>&1) && rc=1
	[[ $out == *"switch mine: making one needs CAP_NET_ADMIN; run it as root" ]] || rc=1
	chmod 660 /dev/denali
	"$ctl" switch del ours && "$ctl" switch del theirs && [ -z "$rc" ] || { echo "$out"; return 1; }
}
check "another user's switch" other_user

basic=$(guest basic)
"$ctl" switch add sw0 >/dev/null
check "a name that exists" says "switch sw0: there is one of that name; choose another, or: denalictl switch del sw0" 1 switch add sw0
check "a name that doesn't exist" says "switch nosuch: does not exist (denalictl switch show lists what does)" 1 switch del nosuch
check "a name with a blank" says "switch 'a b': only letters, digits, '_', '.' and '-' are allowed, at least 1 and at most 31" 2 switch add "a b"
check "a VM on a switch that doesn't exist" says "switch nosuch: does not exist; make it with: denalictl switch add nosuch" 126 run "$basic" nic switch nosuch -- exit 0
check "a switch and a bridge" says "'bridge' is about a tap" 126 run "$basic" nic switch sw0 bridge br0 -- exit 0
check "set without anything" says "uplink or mirror is missing" 2 switch set sw0
check "a bridge that doesn't exist" says "bridge nobr: does not exist" 1 switch add sw2 uplink up2 bridge nobr
check "nothing of it is left" eval 'no_link up2 && ! "$ctl" switch show sw2 2>/dev/null'
same_mac()
{
	"$ctl" create "$basic" name one nic switch sw0 mac 02:00:00:00:00:07 -- spin || return
	says "switch sw0: another NIC on it has the MAC address 02:00:00:00:00:07; choose another address" 1 \
		create "$basic" name two nic switch sw0 mac 02:00:00:00:00:07 -- spin
	local rc=$?
	"$ctl" destroy one
	return $rc
}
check "an address that is taken" same_mac
check "errors as JSON" eval '[ "$("$ctl" -j switch del nosuch 2>&1 | json "d[\"error\"][\"code\"]")" = ENOENT ]'

unloaded()
{
	in_ns "$ctl" switch set sw0 uplink up0 bridge br0 && denali_unload && wait_for no_link up0 &&
	denali_load && no_switch
}
check "the module unloaded with a switch" unloaded
finish
