#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Can this machine run VMs? What denalictl check says is what the kernel says, and the
# module agrees: it loads where no point fails and refuses, in one line, where one does.
# On machines that it must refuse (see the file boots) DENALI_TEST_REFUSAL has words of the reason and
# of what check says of it.

# shellcheck source=selftests/shlib.sh
. "$(dirname "$0")/shlib.sh"

[ -n "${DENALI_MODULE:-}" ] || skip_all "the module's file isn't known: set DENALI_MODULE"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; denali_unload; denali_load 2>/dev/null' EXIT

# Asked once each time that the answer may have changed: it takes a while on a slow machine.
ask()
{
	denalictl -j check >"$tmp/json"
}

# The points of the answer as lines: name, result, the rest.
points()
{
	python3 -c '
import json, sys
for p in json.load(sys.stdin)["points"]:
    print(p["point"], p["result"], p["text"])' <"$tmp/json"
}

gone()
{
	! loaded && [ ! -e /dev/denali ] && ! grep -qs denali /proc/iomem && ! pgrep '^denali'
}

# refused TEXT PARAMETER...: with one line in the log, which has that text; nothing is left.
refused()
{
	local text=$1
	shift
	denali_unload && modprobe tun || return
	echo "selftest-mark check" >/dev/kmsg
	! insmod "$DENALI_MODULE" "$@" 2>"$tmp/err" || { echo "it loaded"; denali_unload; return 1; }
	grep -q "No such device" "$tmp/err" || { cat "$tmp/err"; return 1; }
	dmesg | awk '/selftest-mark check/ { n = 0; next } /denali:/ { line[n++] = $0 }
		END { for (i = 0; i < n; i++) print line[i] }' >"$tmp/said"
	[ "$(wc -l <"$tmp/said")" = 1 ] && grep -q "refusing to load: .*$text" "$tmp/said" ||
		{ echo "not one line with '$text':"; cat "$tmp/said"; return 1; }
	gone || { echo "something is left"; return 1; }
}

# Twice: the first may have left what makes the second fail otherwise.
refuses()
{
	refused "$1" pool=16M && refused "$1" pool=16M
}

says_why()
{
	! ask && points | grep -i "fail.*$1" || { points; return 1; }
}

# With page-table isolation off on a CPU that needs it.
meltdown()
{
	grep -q '^Vulnerable' /sys/devices/system/cpu/vulnerabilities/meltdown
}

loads_all_the_same()
{
	denali_unload && modprobe tun && echo "selftest-mark check" >/dev/kmsg &&
		insmod "$DENALI_MODULE" pool=16M allow_meltdown=1 || return
	dmesg | sed '1,/selftest-mark check/d' | grep -q "denali: allow_meltdown=1: guests can read" || return
	denalictl run "$(guest basic)" -- exit 0 || return
	! ask
}

all_is_well()
{
	ask && ! points | grep ' fail '
}

# What the module says of the switch against what the kernel says of its own entries.
as_the_host()
{
	python3 -c '
import json, os, sys
at = "/sys/devices/system/cpu/vulnerabilities/"
host = {f: open(at + f).read().strip() for f in os.listdir(at)}
def says(f, *words):
    return any(w in host.get(f, "") for w in words)
v2 = "spectre_v2"
expected = {
    "pti": "pti" in open("/proc/cpuinfo").read().split(),
    "verw": any(says(f, "Clear CPU buffers", "Clear Register File") for f in
                ("mds", "tsx_async_abort", "mmio_stale_data", "reg_file_data_sampling", "tsa")),
    "ibrs": says("retbleed", "Mitigation: IBRS") or host[v2].startswith("Mitigation: IBRS"),
    "untrain": says("retbleed", "untrained return thunk"),
    "exit-ibpb": says("retbleed", "Mitigation: IBPB"),
    "bhb": says(v2, "BHI: SW loop"),
    "ibpb": says(v2, "IBPB: conditional", "IBPB: always-on"),
    "rsb": says(v2, "RSB filling"),
}
points = {p["point"]: p for p in json.load(sys.stdin)["points"]}
bad = 0
for name, want in expected.items():
    p = points[name]
    print(name, p["result"], p["active"], p["text"])
    if p["active"] != want or not p["host"] or any(host[f] != p["host"][f] for f in p["host"]):
        print("^^^ not", want, host)
        bad = 1
sys.exit(bad)' <"$tmp/json"
}

# Notes, not failures.
as_the_cpu()
{
	local umip=note smt=ok
	! grep -qw umip /proc/cpuinfo || umip=ok
	[ "$(cat /sys/devices/system/cpu/smt/active)" = 0 ] || smt=note
	points | grep "^umip $umip " && points | grep "^smt $smt "
}

plan 5
denali_unload || { echo "Bail out! the module doesn't unload"; exit 1; }
usable=1
if [ -n "${DENALI_TEST_REFUSAL:-}" ]; then
	check "the module refuses this machine" refuses "$DENALI_TEST_REFUSAL"
	check "denalictl check says so" says_why "$DENALI_TEST_REFUSAL"
	meltdown || usable=
else
	skip "the module refuses this machine" "it needn't"
	skip "denalictl check says so" "it needn't"
fi
if [ -z "$usable" ]; then
	for name in "the module loads" "speculation: as the host does" "UMIP and SMT are told"; do
		skip "$name" "the module can't be loaded"
	done
	finish
fi
if [ -n "${DENALI_TEST_REFUSAL:-}" ]; then
	check "the module loads: allow_meltdown=1" loads_all_the_same
else
	denali_load || { echo "Bail out! the module can't be loaded"; exit 1; }
	check "the module loads, and no point fails" all_is_well
fi
check "speculation: as the host does" as_the_host
check "UMIP and SMT are told" as_the_cpu
finish
