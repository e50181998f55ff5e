#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Addresses of guests and what they do with them: IPv4 and IPv6, ICMP, the echo
# service over UDP and TCP, fragments, sockets as POSIX has them, two VMs on a
# bridge, names by DNS, an address by DHCP and a link that goes and comes back.

# shellcheck source=selftests/netlib.sh
. "$(dirname "$0")/netlib.sh"

plan 17
net_up || { echo "# no network namespace"; exit 1; }

check "a VM starts with static addresses" \
	vm_start echo "$guests/echo" -- ip=10.9.0.2/24 gw=10.9.0.1 ip6=fd09::2/64
check "it answers to ping over IPv4" wait_for in_ns ping -c 1 -W "$(patience 1)" 10.9.0.2
check "it answers to ping over IPv6" wait_for in_ns ping -6 -c 1 -W "$(patience 1)" fd09::2
check "ping of 4,000 bytes, in fragments" wait_for in_ns ping -c 1 -W "$(patience 2)" -s 4000 10.9.0.2
check "UDP echo, 1 to 1,472 bytes" eval "udp 10.9.0.2 1 20 && udp 10.9.0.2 1472 20"
check "UDP echo over IPv6" udp fd09::2 1000 20
check "UDP echo in fragments" udp 10.9.0.2 5000 5
check "UDP echo over IPv6 in fragments" udp fd09::2 5000 5
# More than the VM has memory for, several times: it must share it out so that all get on. A switch
# has no queues: it loses so many frames of such a crowd that some of the clients wait for minutes.
crowd=${DENALI_NET_SWITCH:+10}
crowd=${crowd:-100}
crowds()
{
	local i
	for i in 1 2 3; do
		tcp 10.9.0.2 "$crowd" 20000 || { echo "round $i"; return 1; }
	done
}
check "TCP echo, $crowd connections at once" crowds
check "TCP echo over IPv6" tcp fd09::2 5 20000

sockets()
{
	vm_run "$(guest net-sockets)" ip=10.9.0.3/24 >"$tmp/sockets" 2>&1 ||
		{ grep -v '^ok' "$tmp/sockets"; return 1; }
}
check "sockets behave as POSIX says" sockets

two_vms()
{
	vm_start web "$guests/httpd" -- ip=10.9.0.4/24 || return
	wait_for fetch http://10.9.0.4/ || return
	vm_run "$(guest net-fetch)" ip=10.9.0.5/24 host=10.9.0.4 | tee "$tmp/fetch" |
		grep -q "answer: HTTP/1.1 200 OK" || { cat "$tmp/fetch"; return 1; }
}
check "one VM fetches a page from another" two_vms

dhcp_start()
{
	in_ns dnsmasq --conf-file=/dev/null --no-resolv --no-hosts --interface=br0 --bind-interfaces \
		--dhcp-range=10.9.0.100,10.9.0.199,255.255.255.0,1h --dhcp-leasefile="$tmp/leases" \
		--pid-file="$tmp/dnsmasq.pid" --address=/web.test/10.9.0.4 \
		--host-record=web6.test,fd09::4 --user=root
}
if command -v dnsmasq >/dev/null; then
	check "a DHCP and DNS server starts" dhcp_start
	dhcp()
	{
		vm_run "$(guest net-fetch)" ip=dhcp hostname=fetcher host=web.test >"$tmp/fetch" 2>&1
		grep -q "eth0: 10.9.0.1[0-9][0-9]/24 gw 10.9.0.1" "$tmp/fetch" &&
		grep -q "web.test is 10.9.0.4" "$tmp/fetch" &&
		grep -q "answer: HTTP/1.1 200 OK" "$tmp/fetch" &&
		grep -q fetcher "$tmp/leases" || { cat "$tmp/fetch" "$tmp/leases"; return 1; }
	}
	check "address, gateway and name server by DHCP, name by DNS" dhcp
	no_such_name()
	{
		vm_run "$(guest net-fetch)" ip=10.9.0.6/24 dns=10.9.0.1 host=nope.invalid >"$tmp/fetch"
		[ $? = 2 ] && grep -q "nope.invalid: " "$tmp/fetch" || { cat "$tmp/fetch"; return 1; }
	}
	check "a name that doesn't exist" no_such_name
else
	skip "a DHCP and DNS server starts" "no dnsmasq"
	skip "address, gateway and name server by DHCP, name by DNS" "no dnsmasq"
	skip "a name that doesn't exist" "no dnsmasq"
fi

# The VM must not care for what its link does: down and up, then the same address answers.
link()
{
	local tap=${DENALI_NET_SWITCH:+up0}
	in_ns ip link set "${tap:-echo}" down && in_ns ip link set "${tap:-echo}" up &&
	wait_for in_ns ping -c 1 -W "$(patience 1)" 10.9.0.2 && tcp 10.9.0.2 2 1000
}
check "a tap that goes down and comes up again" link

bad_args()
{
	vm_run "$(guest net-fetch)" ip=10.9.0.300/24 ip6=fd09::/200 netwait=1 host=10.9.0.4 >"$tmp/fetch"
	grep -q "boot argument ip=10.9.0.300/24: not an address" "$tmp/fetch" &&
	grep -q "boot argument ip6=fd09::/200: not an address" "$tmp/fetch" || { cat "$tmp/fetch"; return 1; }
}
check "boot arguments that are no addresses are named" bad_args

finish
