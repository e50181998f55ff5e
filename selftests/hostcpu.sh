#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the host does with its CPUs while VMs that never idle run on all of them:
# CPUs that come for the first time (in the boot late-cpu), go and come back, and what waits
# for every task to have been off its CPU.

# shellcheck source=selftests/shlib.sh
. "$(dirname "$0")/shlib.sh"

denali_load || exit 1
basic=$(guest basic)
cpus=$(nproc --all)
ids=()
cleanup()
{
	local i

	rmdir "$trace" 2>/dev/null
	for i in "${ids[@]}"; do
		denalictl destroy "$i" >/dev/null 2>&1
	done
}
trace=/sys/kernel/tracing/instances/denali-test
trap cleanup EXIT

# As many spinning VMs as there are CPUs, and one that idles a moment at a time.
vms_start()
{
	local i

	for i in $(seq "$cpus"); do
		ids+=("hostcpu$i")
		denalictl create "$basic" name "hostcpu$i" -- spin && denalictl start "hostcpu$i" || return
	done
	ids+=(hostcpu-tick)
	denalictl create "$basic" name hostcpu-tick -- tick && denalictl start hostcpu-tick
}

run_ns()
{
	denalictl -j show "$1" | sed -n 's/.*"run_ns": *\([0-9]*\).*/\1/p' | head -n 1
}

ran_more()
{
	[ "$(run_ns "$1")" -gt "$2" ]
}

# Every VM gets on from where it is now.
vms_run()
{
	local i ns

	for i in "${ids[@]}"; do
		ns=$(run_ns "$i")
		wait_for ran_more "$i" "$((ns + 1000000))" || { echo "$i stands at $ns ns"; return 1; }
	done
}

# A CPU that wasn't there when the module was loaded.
late=
for f in /sys/devices/system/cpu/cpu[1-9]*/online; do
	[ "$(cat "$f")" = 1 ] || late="$late $f"
done
late_cpus()
{
	local f

	for f in $late; do
		echo 1 >"$f" || return
	done
	[ "$(nproc)" -gt 1 ]
}

cpu_off_on()
{
	local n

	for n in 1 2; do
		echo 0 >/sys/devices/system/cpu/cpu1/online || return
		vms_run || return
		echo 1 >/sys/devices/system/cpu/cpu1/online || return
	done
	vms_run
}

# The end of a tracer waits for Tasks RCU.
tracer()
{
	mkdir "$trace" || return
	echo vfs_fsync >"$trace/set_ftrace_filter" && echo function >"$trace/current_tracer" || return
	timeout 60 sh -c "echo nop >$trace/current_tracer" || { echo "the tracer doesn't end"; return 1; }
	rmdir "$trace"
}

plan 3
name="VMs run on every CPU"
if [ -n "$late" ]; then
	name="VMs run on CPUs that came after the module"
	late_cpus || { echo "Bail out! CPUs$late don't come"; exit 1; }
fi
# Here and not in a case, which is a subshell: the names are for all of them.
vms_start || { echo "Bail out! VMs don't start"; exit 1; }
check "$name" vms_run
if [ -e /sys/devices/system/cpu/cpu1/online ]; then
	check "CPU off and on beside VMs that don't idle" cpu_off_on
else
	skip "CPU off and on beside VMs that don't idle" "one CPU"
fi
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
if [ -d /sys/kernel/tracing/instances ]; then
	check "Tasks RCU isn't held up by VMs that don't idle" tracer
else
	skip "Tasks RCU isn't held up by VMs that don't idle" "no tracefs"
fi
finish
