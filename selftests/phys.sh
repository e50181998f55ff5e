#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A physical network: the bridge joins a NIC of this machine, and a client in a
# second machine at the other end of the wire reaches the VM through it. Needs
# tools/vm with --nic MODEL,second; each such NIC (eth0, eth1...) is tried.

# shellcheck source=selftests/shlib.sh
. "$(dirname "$0")/shlib.sh"

second=${DENALI_VM_SECOND:-}
[ -n "$second" ] || skip_all "there is no second machine (tools/vm --nic MODEL,second)"
httpd=${DENALI_TREE:+$DENALI_TREE/libos/build/guests/httpd}
[ -e "$httpd" ] || httpd=/usr/lib/denali/guests/httpd
[ -e "$httpd" ] || skip_all "the httpd guest isn't there"

tmp=$(mktemp -d)
cleanup()
{
	denalictl destroy phys-vm >/dev/null 2>&1
	ip link del physbr 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT

nics=()
for nic in /sys/class/net/eth*; do
	[ -e "$nic" ] && nics+=("${nic##*/}")
done
[ ${#nics[@]} -gt 0 ] || skip_all "this machine has no NIC"

driver()
{
	basename "$(readlink -f "/sys/class/net/$1/device/driver")"
}

# Network N is 10.60.N.0/24: 1 is this machine, 2 the VM, 9 the client.
up()
{
	local nic=$1 n=$2
	ip link add physbr type bridge forward_delay 0 stp_state 0 &&
	ip link set "$nic" up master physbr && ip addr add "10.60.$n.1/24" dev physbr && ip link set physbr up &&
	"$second" sh -c "ip addr flush dev $nic; ip addr add 10.60.$n.9/24 dev $nic; ip link set $nic up" &&
	denalictl create "$httpd" memory 4M name phys-vm start nic phystap bridge physbr up -- \
		"ip=10.60.$n.2/24" "gw=10.60.$n.1" || return
	reached() { curl -fs -m 5 -o /dev/null "http://10.60.$n.2/"; }
	wait_for reached || { explain "$n"; return 1; }
}

# What there is to see when nothing arrives.
explain()
{
	denalictl show phys-vm
	denalictl console phys-vm -n
	bridge link
	ip neigh show dev physbr
	"$second" ip neigh
}

# Each case runs in a shell of its own, so what several use is defined out here.
from_there()
{
	"$second" curl -fs -m 5 "http://10.60.$1.2/" >"$tmp/there"
}

fetch()
{
	local n=$1
	curl -fs -m 20 -o "$tmp/here" "http://10.60.$n.2/" || return
	wait_for from_there "$n" || { echo "the second machine gets no answer"; explain "$n"; return 1; }
	[ -s "$tmp/here" ] && cmp "$tmp/here" "$tmp/there"
}

# More than fits into a segment or a window, whole: the page with the counters is small, so many of them.
many()
{
	local n=$1
	"$second" sh -c "command -v ab >/dev/null && ab -q -s 150 -n 500 -c 8 http://10.60.$n.2/" >"$tmp/ab" 2>&1 ||
		{ cat "$tmp/ab"; return 1; }
	grep -q '^Complete requests: *500$' "$tmp/ab" && grep -q '^Failed requests: *0$' "$tmp/ab" ||
		{ cat "$tmp/ab"; return 1; }
}

# An emulated wire on a busy computer may lose some.
pings()
{
	local n=$1
	"$second" ping -q -c 10 -i 0.2 -W 5 -s 1400 "10.60.$n.2" >"$tmp/ping" 2>&1
	grep -Eq ' ([5-9]|10) received' "$tmp/ping" && ! grep -Eq 'duplicates|corrupted|errors' "$tmp/ping" ||
		{ cat "$tmp/ping"; return 1; }
}

# The client's neighbour table has the VM's own address: a host of its own to the outside.
own_address()
{
	local n=$1 mac
	mac=$(denalictl -j show phys-vm | grep -o '"mac":"[0-9a-f:]*"' | head -n 1 | cut -d '"' -f 4)
	[ -n "$mac" ] || { denalictl -j show phys-vm; return 1; }
	"$second" ip neigh show "10.60.$n.2" | grep -q "lladdr $mac" || { "$second" ip neigh; return 1; }
}

# The wire is pulled and put back.
link_down_and_up()
{
	local nic=$1 n=$2
	ip link set "$nic" down && ip link set "$nic" up || return
	wait_for from_there "$n" || { explain "$n"; return 1; }
}

down()
{
	denalictl destroy phys-vm && ip link set "$1" down nomaster && ip link del physbr
}

plan $((7 * ${#nics[@]}))
n=0
for nic in "${nics[@]}"; do
	n=$((n + 1))
	d=$(driver "$nic")
	check "$d: bridge, VM and client" up "$nic" $n
	check "$d: the same page from here and from there" fetch $n
	check "$d: 500 requests" many $n
	check "$d: ping with 1400 bytes" pings $n
	check "$d: the VM has an address of its own" own_address $n
	check "$d: link down and up" link_down_and_up "$nic" $n
	check "$d: nothing is left" down "$nic"
done
finish
