# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the network tests share: a network namespace with a bridge, VMs on it, and
# its end. Sourced, not run. Nothing outside the namespace is touched.
#
# With DENALI_NET_SWITCH the VMs are on a switch of the module's, whose uplink is on the
# bridge, instead of on taps of their own.

# shellcheck source=selftests/ctllib.sh
. "$(dirname "$0")/ctllib.sh"

guests=${DENALI_GUESTS:-$dir/../../../libos/build/guests}
[ -d "$guests" ] || guests=/usr/lib/denali/guests
ns=dnnet$$

net_up()
{
	ip netns add $ns &&
	in_ns ip link set lo up &&
	in_ns ip link add br0 type bridge mcast_snooping 0 &&
	in_ns ip addr add 10.9.0.1/24 dev br0 &&
	in_ns ip addr add fd09::1/64 dev br0 nodad &&
	in_ns ip link set br0 up || return
	[ -z "$DENALI_NET_SWITCH" ] || in_ns "$ctl" switch add $ns uplink up0 bridge br0
}

net_down()
{
	local vm pid
	for vm in $(vm_names); do
		"$ctl" destroy "$vm" >/dev/null 2>&1
	done
	for pid in $(jobs -p); do
		kill "$pid" 2>/dev/null
	done
	for pid in $(ip netns pids $ns 2>/dev/null); do
		kill "$pid" 2>/dev/null
	done
	[ -z "$DENALI_NET_SWITCH" ] || "$ctl" switch del $ns
	ip netns del $ns 2>/dev/null
	rm -rf "$tmp"
}
trap net_down EXIT

in_ns()
{
	ip netns exec $ns "$@"
}

# For says.
run_ctl()
{
	in_ns "$ctl" "$@"
}

# What a VM's NIC is plugged into: a tap of this name, or the switch.
vm_nic()
{
	if [ -n "$DENALI_NET_SWITCH" ]; then
		echo nic switch $ns
	else
		echo nic "$1" bridge br0
	fi
}

# vm_start NAME IMAGE [MEMORY] -- ARG...: a VM on the bridge, with a tap of its name.
vm_start()
{
	local name=$1 image=$2 memory=${3#--}
	shift 2
	[ "$1" = -- ] || shift
	shift
	# shellcheck disable=SC2086,SC2046 # two words or none; several
	in_ns "$ctl" create "$image" name "$name" ${memory:+memory $memory} start $(vm_nic "$name") args "$@"
}

vm_stop()
{
	"$ctl" destroy "$1"
}

# vm_run IMAGE ARG...: in the foreground, on the bridge.
vm_run()
{
	local image=$1
	shift
	# shellcheck disable=SC2046 # several words
	in_ns "$ctl" run "$image" memory 4M name "run$ns" $(vm_nic run0) args "$@" </dev/null
}

# Seconds that something may take at most, more of them on a slow kernel.
patience()
{
	echo $(($1 * ${DENALI_TIMEOUT_FACTOR:-1}))
}

fetch()
{
	in_ns curl --silent --show-error --max-time "$(patience 15)" "$@"
}

# client ARGUMENT...: a program in Python from standard input, where patience() is the same.
client()
{
	in_ns python3 -c "
import errno, os, re, select, socket, sys, time
def patience(seconds):
    return seconds * ${DENALI_TIMEOUT_FACTOR:-1}
exec(sys.stdin.read())" "$@"
}

# The echo service, asked from the bridge.
#
# udp ADDRESS SIZE COUNT: datagrams there and back, each the same, resent if lost.
udp()
{
	client "$@" <<-'END'
	addr, size, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	s = socket.socket(socket.AF_INET6 if ":" in addr else socket.AF_INET, socket.SOCK_DGRAM)
	s.settimeout(patience(2))
	s.connect((addr, 7))
	for i in range(count):
	    data = os.urandom(size)
	    for attempt in range(5):
	        s.send(data)
	        try:
	            if s.recv(65536) == data:
	                break
	        except socket.timeout:
	            pass
	    else:
	        sys.exit("datagram %d of %d bytes didn't come back" % (i, size))
	END
}

# tcp ADDRESS CONNECTIONS SIZE: all at once, each gets its own bytes back.
tcp()
{
	client "$@" <<-'END'
	addr, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	family = socket.AF_INET6 if ":" in addr else socket.AF_INET
	conns = {}
	for i in range(count):
	    s = socket.socket(family, socket.SOCK_STREAM)
	    s.settimeout(patience(10))
	    s.connect((addr, 7))
	    s.setblocking(False)
	    conns[s] = [os.urandom(size), 0, b""]
	while conns:
	    w = [s for s in conns if conns[s][1] < size]
	    r, w, x = select.select(list(conns), w, [], patience(20))
	    if not r and not w:
	        sys.exit("%d connections stand still" % len(conns))
	    for s in w:
	        c = conns[s]
	        c[1] += s.send(c[0][c[1]:c[1] + 4096])
	    for s in r:
	        c = conns[s]
	        data = s.recv(65536)
	        c[2] += data
	        if not data or len(c[2]) >= size:
	            if c[2] != c[0]:
	                sys.exit("%d bytes came back, not the %d sent" % (len(c[2]), size))
	            s.close()
	            del conns[s]
	END
}
