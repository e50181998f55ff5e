# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the network tests share: a network namespace with a bridge, VMs on it, and
# its end. Sourced, not run. Nothing outside the namespace is touched.

# shellcheck source=selftests/shlib.sh
. "$(dirname "$0")/shlib.sh"

ctl=${DENALICTL:-$(command -v denalictl || echo "$dir/../../../userspace/build/denalictl")}
guests=${DENALI_GUESTS:-$dir/../../../libos/build/guests}
[ -d "$guests" ] || guests=/usr/lib/denali/guests
ns=dnnet$$
tmp=$(mktemp -d)

net_up()
{
	ip netns add $ns &&
	in_ns ip link set lo up &&
	in_ns ip link add br0 type bridge mcast_snooping 0 &&
	in_ns ip addr add 10.9.0.1/24 dev br0 &&
	in_ns ip addr add fd09::1/64 dev br0 nodad &&
	in_ns ip link set br0 up
}

net_down()
{
	local vm pid
	for vm in $("$ctl" list | awk 'NR > 1 { print $2 }'); do
		"$ctl" destroy "$vm" >/dev/null 2>&1
	done
	for pid in $(jobs -p); do
		kill "$pid" 2>/dev/null
	done
	for pid in $(ip netns pids $ns 2>/dev/null); do
		kill "$pid" 2>/dev/null
	done
	ip netns del $ns 2>/dev/null
	rm -rf "$tmp"
}
trap net_down EXIT

in_ns()
{
	ip netns exec $ns "$@"
}

# vm_start NAME IMAGE [MEMORY] -- ARG...: a VM on the bridge, with a tap of its name.
vm_start()
{
	local name=$1 image=$2 memory=${3#--}
	shift 2
	[ "$1" = -- ] || shift
	shift
	# shellcheck disable=SC2086 # two words or none
	in_ns "$ctl" create "$image" name "$name" ${memory:+memory $memory} start nic "$name" bridge br0 args "$@"
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
	in_ns "$ctl" run "$image" memory 4M name "run$ns" nic run0 bridge br0 args "$@" </dev/null
}

fetch()
{
	in_ns curl --silent --show-error --max-time 15 "$@"
}
