#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Things that end in the middle of work: a VM killed and destroyed under network
# load, denalictl killed under load, and CPUs, memory and processes of the host
# taken away and given back while VMs run.

# shellcheck source=selftests/shlib.sh
. "$(dirname "$0")/shlib.sh"

httpd=${DENALI_TREE:+$DENALI_TREE/libos/build/guests/httpd}
[ -e "$httpd" ] || httpd=/usr/lib/denali/guests/httpd
[ -e "$httpd" ] || skip_all "the httpd guest isn't there"
command -v ab >/dev/null || skip_all "ab isn't installed (package apache2-utils)"

basic=$(guest basic)
net=10.44.0
tmp=$(mktemp -d)
cleanup()
{
	denalictl destroy load-vm >/dev/null 2>&1
	no_leftovers
	# shellcheck disable=SC2046 # a list of numbers
	kill $(jobs -p) 2>/dev/null
	ip link del loadbr 2>/dev/null
	ip link del loadtap 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT

ip link add loadbr type bridge forward_delay 0 stp_state 0
ip addr add $net.1/24 dev loadbr
ip link set loadbr up

# The arguments that make a web server of a VM.
server=("$httpd" memory 4M name load-vm nic loadtap bridge loadbr up -- "ip=$net.2/24" "gw=$net.1")

answers()
{
	curl -fs -m 5 -o /dev/null "http://$net.2/"
}

# Requests without end, until the process is killed. Errors are expected at the end.
load_on()
{
	ab -q -k -r -s 5 -c 16 -n 1000000 "http://$net.2/" >"$tmp/ab" 2>&1 &
	load=$!
	busy() { [ "$(rx)" -gt "$1" ]; }
	wait_for busy $(($(rx) + 200))
}

load_off()
{
	kill "$load" 2>/dev/null
	wait "$load" 2>/dev/null
	return 0
}

# Bytes that came from the VM.
rx()
{
	cat /sys/class/net/loadtap/statistics/rx_packets 2>/dev/null || echo 0
}

no_vm()
{
	! denalictl show load-vm >/dev/null 2>&1
}

no_tap()
{
	! ip link show loadtap >/dev/null 2>&1
}

# What a case that failed has left would fail the next.
fresh()
{
	denalictl destroy load-vm >/dev/null 2>&1
	wait_for no_tap
	"$@"
}

vm_killed()
{
	denalictl create "${server[@]:0:1}" start "${server[@]:1}" && wait_for answers || return
	load_on || { echo "no load"; load_off; return 1; }
	denalictl kill load-vm || return
	denalictl destroy load-vm
	load_off
	wait_for no_vm && wait_for no_tap
}

vm_destroyed()
{
	denalictl create "${server[@]:0:1}" start "${server[@]:1}" && wait_for answers || return
	load_on || { echo "no load"; load_off; return 1; }
	denalictl destroy load-vm || return
	load_off
	wait_for no_vm && wait_for no_tap
}

# Stopped and started again under load: it goes on answering afterwards.
vm_stopped()
{
	local i
	denalictl create "${server[@]:0:1}" start "${server[@]:1}" && wait_for answers || return
	load_on || { echo "no load"; load_off; return 1; }
	for i in $(seq 20); do
		denalictl stop load-vm && denalictl start load-vm || return
	done
	load_off
	wait_for answers || return
	denalictl destroy load-vm
	wait_for no_tap
}

denalictl_killed()
{
	local signal=$1 pid
	denalictl run "${server[@]}" >"$tmp/out" 2>&1 </dev/null &
	pid=$!
	wait_for answers || { cat "$tmp/out"; return 1; }
	load_on || { echo "no load"; load_off; return 1; }
	kill -"$signal" "$pid"
	wait "$pid"
	load_off
	wait_for no_vm || { echo "the VM is still there"; return 1; }
	wait_for no_tap || { echo "the tap is still there"; return 1; }
}

bridge_deleted()
{
	denalictl create "${server[@]:0:1}" start "${server[@]:1}" && wait_for answers || return
	load_on || { echo "no load"; load_off; return 1; }
	ip link del loadbr
	ip link del loadtap
	load_off
	denalictl show load-vm | grep -q running || { denalictl show load-vm; return 1; }
	denalictl destroy load-vm
	ip link add loadbr type bridge forward_delay 0 stp_state 0
	ip addr add $net.1/24 dev loadbr
	ip link set loadbr up
	wait_for no_vm
}

# What a case that failed has left.
no_leftovers()
{
	local i
	for i in 1 2 3 4; do
		denalictl destroy "load-$i" >/dev/null 2>&1
	done
	return 0
}

# A CPU goes and comes back; the VMs that its runner had go on.
cpu_hotplug()
{
	local i pids=() pid
	for i in 1 2 3 4; do
		denalictl run "$basic" -- runtime & pids+=($!)
		denalictl create "$basic" name "load-$i" start -- tick
	done
	for i in 1 2 3 4 5; do
		echo 0 >$cpu1 || return
		denalictl run "$basic" -- runtime || { echo 1 >$cpu1; return 1; }
		echo 1 >$cpu1 || return
		denalictl run "$basic" -- runtime || return
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || { echo "a VM failed"; return 1; }
	done
	for i in 1 2 3 4; do
		denalictl show "load-$i" | grep -q running || return
		denalictl destroy "load-$i"
	done
}

# The host's own work on all CPUs: it isn't held up by VMs that compute, nor they by it.
busy_host()
{
	local i pids=() pid
	for i in 1 2 3 4; do
		denalictl create "$basic" name "load-$i" start -- spin || return
	done
	for i in 1 2 3; do
		( n=0; while [ $n -lt 20000 ]; do n=$((n + 1)); done ) &
		pids+=($!)
	done
	denalictl run "$basic" -- runtime || return
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	for i in 1 2 3 4; do
		denalictl destroy "load-$i" || return
	done
}

plan 9
check "a VM killed under network load" fresh vm_killed
check "a VM destroyed under network load" fresh vm_destroyed
check "a VM stopped and started under network load" fresh vm_stopped
check "denalictl killed under load: SIGKILL" fresh denalictl_killed KILL
check "denalictl killed under load: SIGTERM" fresh denalictl_killed TERM
check "denalictl killed under load: SIGINT" fresh denalictl_killed INT
check "bridge and tap deleted under load" fresh bridge_deleted
cpu1=/sys/devices/system/cpu/cpu1/online
if [ -w $cpu1 ]; then
	check "CPUs going and coming" cpu_hotplug
else
	skip "CPUs going and coming" "no second CPU that can go"
fi
no_leftovers
check "a busy host" busy_host
finish
