#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What denalictl says of mistakes: words, names and values that can't be, and how it ends.

# shellcheck source=selftests/ctllib.sh
. "$(dirname "$0")/ctllib.sh"

trap 'for v in $(vm_names); do "$ctl" destroy "$v"; done; ip link del dbr0 2>/dev/null; rm -rf "$tmp"' EXIT

name_taken()
{
	"$ctl" create "$(guest basic)" name taken -- spin || return
	says "VM taken: there is one of that name" 1 create "$(guest basic)" name taken nic dtap0 &&
	no_link dtap0
	local rc=$?
	"$ctl" destroy taken
	return $rc
}

error_json()
{
	"$ctl" -j show nosuch 2>"$tmp/err" >"$tmp/out"
	[ $? = 1 ] && [ "$(json 'd["error"]["code"]' <"$tmp/err")" = ENOENT ] &&
		[ "$(json 'd' <"$tmp/out")" = "[]" ]
}

# On this machine CPU 999 can't be; nothing is left of what the VM was to be.
share_undone()
{
	says "none of these" 1 create "$basic" name s weight 50 cpus 999 -- spin && no_vms
}

# How it ends that writes to a pipe which nobody reads any more.
unread()
{
	python3 - "$ctl" "$@" <<-'END'
	import os, subprocess, sys
	r, w = os.pipe()
	os.close(r)
	p = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=w, stderr=subprocess.PIPE)
	print(p.returncode, p.stderr.decode())
	sys.exit(p.returncode != 141 or p.stderr != b"")
	END
}

unread_console()
{
	"$ctl" create "$(guest console)" name c start -- hello && "$ctl" wait c >/dev/null && unread console c -n
	local rc=$?
	"$ctl" destroy c
	return $rc
}

# Standard output that is closed isn't what is opened next, such as the module's netlink.
no_output()
{
	local out
	out=$("$ctl" "$@" 2>&1 >&-)
	[ $? = 1 ] && [[ $out == *"standard output: Bad file descriptor" ]] || { echo "$out"; return 1; }
}

no_input()
{
	status 7 "$ctl" run "$basic" -- exit 7 <&-
}

full()
{
	local out
	out=$("$ctl" "$@" 2>&1 >/dev/full)
	[ $? = 1 ] && [[ $out == *"No space left"* ]] || { echo "$out"; return 1; }
}

# Not that a tap must be made for this user, who may not change the switch with it either.
switch_permission()
{
	local out
	chmod 666 /dev/denali /dev/net/tun
	out=$(as_nobody switch set sw uplink dup0 2>&1)
	[ $? = 1 ] && [[ $out == "denalictl: switch sw: uplink needs CAP_NET_ADMIN; run it as root" ]]
	local rc=$?
	chmod 660 /dev/denali
	[ $rc = 0 ] || { echo "$out"; return 1; }
}

basic=$(guest basic)
plan 56
denali_load || { echo "Bail out! the module can't be loaded"; exit 1; }
modprobe bridge
ip link add dbr0 up type bridge

check "errors as JSON" error_json
check "memory 0" says "0 bytes" 126 run "$basic" memory 0
check "memory no multiple of a page" says "not a multiple of a page" 126 run "$basic" memory 100001
check "memory too small for the image" says "needs $(least_kib "$basic") KiB of memory, the VM has 4 KiB" 126 run "$basic" memory 4K
check "memory beyond the largest" says "must be from 16 KiB to 3 GiB" 126 run "$basic" memory 4G
check "memory beyond the pool" says "more than the whole pool" 126 run "$basic" memory 2G
check "memory no number" says "size 'x'" 126 run "$basic" memory x
check "create: a share that can't be leaves nothing" share_undone
check "weight too low" says "weight '0': not a number from 1 to 10000" 2 create "$basic" weight 0
check "weight too high" says "weight '10001': not a number from 1 to 10000" 2 create "$basic" weight 10001
check "cap too high" says "not a number from 0 to 100" 2 create "$basic" cap 101
check "cpus that are no list" says "CPUs '1-': not a list" 2 create "$basic" cpus 1-
check "cpus backwards" says "CPUs '3-1': not a list" 2 create "$basic" cpus 3-1
check "cpus beyond what there can be" says "up to 1023" 2 create "$basic" cpus 0-1024
check "set: nothing" says "nothing to set" 2 set nosuch
check "set: a VM that doesn't exist" says "VM nosuch: does not exist" 1 set nosuch weight 10
check "name with a blank" says "only letters" 1 create "$basic" name "a b"
check "name too long" says "at most 31" 1 create "$basic" name abcdefghijklmnopqrstuvwxyz012345
check "name that exists" name_taken
check "name of digits" says "digits alone are an id" 1 create "$basic" name 17
check "name that doesn't exist" says "VM nosuch: does not exist" 1 kill nosuch
check "id that doesn't exist" says "does not exist" 1 kill 999999
check "image that doesn't exist" says "/nosuch: No such file" 126 run /nosuch
check "image that is 64-bit" says "64-bit" 126 run /bin/true
check "image that is none" says "not an ELF file" 126 run "$0"
check "boot arguments too long" says "at most 2047" 126 run "$basic" -- "$(printf %2048s x)"
check "tap that is no tap" says "tap lo: is not a tap" 126 run "$basic" nic lo -- exit 0
check "bridge that doesn't exist" says "bridge dnobr: does not exist" 126 run "$basic" nic dtap0 bridge dnobr -- exit 0
check "bridge that is none" says "lo: is not a bridge" 126 run "$basic" nic dtap0 bridge lo -- exit 0
check "MAC address of a group" says "multicast" 126 run "$basic" nic dtap0 mac 01:00:5e:00:00:01 -- exit 0
check "keyword that is unknown" says "'frob' is unknown; there is weight, cap, cpus" 2 set b frob
check "keyword that is unknown, of run" says "'frob' is unknown" 126 run "$basic" frob
check "-- instead of a name" says "name: a name is missing" 126 run "$basic" name -- spin
check "nic del of a switch" says "by its port: port N (denalictl nic show b)" 2 nic del b nic switch sw0
check "switch: an unknown user" says "user 'nosuchuser': no such user" 2 switch add sw user nosuchuser
check "switch: a user beyond the last" says "user '4294967295': no such user" 2 switch add sw user 4294967295
check "switch: a bridge for no uplink" says "behind the uplink" 2 switch add sw uplink none bridge br0
check "switch: up for no mirror" says "behind the tap" 2 switch add sw mirror none up
check "switch: two uplinks" says "uplink: is said twice" 2 switch add sw uplink up0 uplink up1
check "switch: no mirror" says "mirror: a tap's name or none is missing" 2 switch set sw mirror
check "switch: what only add knows" says "'isolate' is unknown; there is uplink, mirror, bridge, up" 2 switch set sw isolate
check "count too low" says "count '0': not a number from 1 to 1024" 2 clone t count 0
check "switch set without permission" switch_permission
check "command that is ambiguous" says "ambiguous: start, stop" 2 st
check "bridge without a nic" says "behind the nic" 126 run "$basic" bridge dbr0
check "help of one command" says "Usage: denalictl set NAME" 0 help se
check "help of a command that is unknown" says "'frob' is unknown" 2 help frob
check "list: a reader that has gone" unread list
check "help: a reader that has gone" unread --help
check "console: a reader that has gone" unread_console
check "list: standard output is closed" no_output list
check "top: standard output is closed" no_output top -b -n 1
check "run: standard input is closed" no_input
check "list: standard output is full" full list
check "help: standard output is full" full --help
check "nothing is left" no_vms
finish
