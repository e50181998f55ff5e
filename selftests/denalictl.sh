#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# denalictl as a person or a script uses it: what it prints, its exit statuses, and that
# nothing is left half made. What it says of mistakes is in denalictl_errors.sh.

# shellcheck source=selftests/ctllib.sh
. "$(dirname "$0")/ctllib.sh"

trap 'kill $(jobs -p) 2>/dev/null; for v in $(vm_names); do "$ctl" destroy "$v"; done; ip link del dbr0 2>/dev/null; rm -rf "$tmp"' EXIT

in_state()
{
	"$ctl" -j show "$1" | grep -q "^.{[^{]*\"state\":\"$2\""
}

run_hello()
{
	[ "$("$ctl" run "$(guest console)" -- hello </dev/null)" = hello ]
}

run_status()
{
	status 42 "$ctl" run "$(guest basic)" memory 64K -- exit 42 </dev/null
}

run_echo()
{
	[ "$(printf 'to and fro.' | "$ctl" run "$(guest console)" -- echo | tr -d '\n')" = "readyto and fro.done" ]
}

run_fault()
{
	local out
	out=$("$ctl" run "$(guest exc)" -- die pf-null-read 2>&1 </dev/null)
	[ $? = 125 ] && [[ $out == *"page fault (vector 14"*"address 0x00000010"*eip*eflags*eax* ]] ||
		{ echo "$out"; return 1; }
}

run_fault_json()
{
	"$ctl" -j run "$(guest exc)" -- die ud 2>"$tmp/err" >/dev/null </dev/null
	[ "$(json 'd["vector"], d["exception"], d["registers"]["eflags"][:2]' <"$tmp/err")" = \
		"6 invalid opcode 0x" ] || { cat "$tmp/err"; return 1; }
}

# A run in the background, as $pid, of a guest that doesn't end; waits until it runs.
run_spin()
{
	"$ctl" run "$(guest basic)" name spin "$@" -- spin </dev/null >/dev/null 2>"$tmp/spin.err" &
	pid=$!
	wait_for in_state spin running || { cat "$tmp/spin.err"; return 1; }
}

run_signal()
{
	run_spin || return
	kill "-$1" $pid
	wait $pid
	[ $? = "$2" ] && no_vms
}

# Bash starts background commands with SIGINT ignored: so by another way.
run_interrupt()
{
	python3 - "$ctl" "$(guest basic)" <<-'END'
	import signal, subprocess, sys, time
	signal.signal(signal.SIGINT, signal.default_int_handler)
	p = subprocess.Popen([sys.argv[1], "run", sys.argv[2], "name", "spin", "--", "spin"],
	                     stdin=subprocess.DEVNULL)
	for i in range(200):
	    if b"running" in subprocess.run([sys.argv[1], "-j", "show", "spin"], capture_output=True).stdout:
	        break
	    time.sleep(0.1)
	p.send_signal(signal.SIGINT)
	sys.exit(p.wait() != 130)
	END
	[ $? = 0 ] && no_vms
}

run_killed_by_other()
{
	run_spin || return
	"$ctl" kill spin || return
	wait $pid
	[ $? = 137 ] && no_vms
}

run_killed_hard()
{
	run_spin nic dtap0 || return
	ip link show dtap0 >/dev/null || return
	kill -KILL $pid
	wait $pid
	wait_for no_vms && wait_for no_link dtap0
}

run_closed_output()
{
	"$ctl" run "$(guest console)" -- lines 100000 2>"$tmp/err" </dev/null | head -1 >/dev/null
	[ "${PIPESTATUS[0]}" = 141 ] && no_vms
}

run_lots()
{
	[ "$("$ctl" run "$(guest console)" -- lines 20000 </dev/null | sha256sum)" = \
		"$(for ((i = 0; i < 20000; i++)); do printf 'line %010d\n' $i; done | sha256sum)" ]
}

# A reader that doesn't read must not keep a signal from ending it.
run_stuck_output()
{
	mkfifo "$tmp/fifo"
	exec 7<>"$tmp/fifo"
	"$ctl" run "$(guest console)" name stuck -- lines 1000000 >&7 2>/dev/null </dev/null &
	pid=$!
	wait_for in_state stuck running || return
	kill -TERM $pid
	wait $pid
	local got=$?
	exec 7>&-
	[ $got = 143 ] && no_vms
}

life_cycle()
{
	"$ctl" create "$(guest basic)" name life memory 256K -- spin && in_state life created &&
	"$ctl" start life && in_state life running &&
	"$ctl" stop life && in_state life stopped &&
	"$ctl" start life && in_state life running &&
	"$ctl" kill life && in_state life ended &&
	"$ctl" destroy life && no_vms
}

by_id()
{
	local id
	id=$("$ctl" -j create "$(guest basic)" -- spin | json 'd["id"]') &&
	"$ctl" start "$id" && "$ctl" destroy "$id" && no_vms
}

several()
{
	local rc
	for i in 1 2 3; do "$ctl" create "$(guest basic)" name s$i start -- exit $i || return; done
	"$ctl" wait s1 s2 s3; rc=$?
	[ $rc = 1 ] || return
	status 2 "$ctl" wait s2 || return
	"$ctl" destroy s1 nosuch s3
	[ $? = 1 ] || return
	[ "$(vm_names)" = s2 ] && "$ctl" destroy s2
}

wait_timeout()
{
	"$ctl" create "$(guest basic)" name w start -- spin || return
	says "still running after 0 s" 124 wait w timeout 0
	local rc=$?
	"$ctl" destroy w
	return $rc
}

console_dump()
{
	"$ctl" create "$(guest console)" name c start -- hello && "$ctl" wait c >/dev/null &&
	[ "$("$ctl" console c -n)" = hello ] && [ -z "$("$ctl" console c -n)" ]
	local rc=$?
	"$ctl" destroy c
	return $rc
}

console_follow()
{
	# As much as the kernel keeps for a console that nobody has attached to yet.
	"$ctl" create "$(guest console)" name c -- lines 100 || return
	"$ctl" console c --follow >"$tmp/out" </dev/null &
	pid=$!
	"$ctl" start c
	wait $pid
	[ "$(wc -l <"$tmp/out")" = 100 ]
	local rc=$?
	"$ctl" destroy c
	return $rc
}

# On a terminal: what is typed reaches the guest, ^] detaches, the VM goes on.
console_detach()
{
	"$ctl" create "$(guest console)" name c start -- echo || return
	python3 - "$ctl" <<-'END'
	import os, pty, sys, termios
	pid, fd = pty.fork()
	if not pid:
	    os.execv(sys.argv[1], [sys.argv[1], "console", "c"])
	out = b""
	def until(what):
	    global out
	    while what not in out:
	        out += os.read(fd, 1000)
	    out = b""
	until(b"ready")
	os.write(fd, b"typed\n")
	until(b"typed\r\ntyped\r\n")	# the terminal's echo and the guest's
	os.write(fd, b"\x1d")
	try:
	    while os.read(fd, 1000):
	        pass
	except OSError:
	    pass
	sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
	[ $? = 0 ] && in_state c running
	local rc=$?
	"$ctl" destroy c
	return $rc
}

monitor()
{
	"$ctl" -j monitor count 4 >"$tmp/events" &
	pid=$!
	wait_for grep -q listening "$tmp/events" || return
	"$ctl" create "$(guest basic)" name m start -- exit 7 && "$ctl" wait m
	"$ctl" destroy m
	wait $pid || return
	[ "$(python3 -c 'import json,sys
for l in sys.stdin:
    d = json.loads(l)
    print(d["event"], d.get("vm", {}).get("status", ""))' <"$tmp/events" | tr '\n' ',')" = \
		"listening ,created ,started ,ended 7,destroyed 7," ] || { cat "$tmp/events"; return 1; }
}

nic_cycle()
{
	"$ctl" create "$(guest nic)" name n nic dtap0 bridge dbr0 mac 02:00:00:00:00:05 -- link || return
	"$ctl" nic add n nic dtap1 || return
	[ "$("$ctl" -j nic show n | json '[(r["port"], r["tap"], r.get("bridge"), r["up"]) for r in d]')" = \
		"[(1, 'dtap0', 'dbr0', True), (2, 'dtap1', None, True)]" ] || { "$ctl" nic show n; return 1; }
	[ "$("$ctl" -j nic show n | json 'd[0]["mac"]')" = 02:00:00:00:00:05 ] || return
	"$ctl" nic del n nic dtap1 && wait_for no_link dtap1 || return
	"$ctl" nic add n nic dtap2 port 2 || return
	[ "$("$ctl" -j nic show n | json 'd[1]["tap"]')" = dtap2 ] || return
	"$ctl" destroy n && wait_for no_link dtap0 && wait_for no_link dtap2
}

# The NIC of a tap that disappears has no link, and takes another tap.
nic_tap_gone()
{
	"$ctl" create "$(guest basic)" name n start nic dtap0 -- spin || return
	ip link del dtap0 &&
	wait_for sh -c "'$ctl' -j nic show n | grep -q '\"up\":false'" &&
	"$ctl" nic add n nic dtap1 bridge dbr0 port 1 &&
	[ "$("$ctl" -j nic show n | json 'd[0]["tap"], d[0]["up"]')" = "dtap1 True" ]
	local rc=$?
	[ $rc = 0 ] || "$ctl" nic show n
	"$ctl" destroy n && wait_for no_link dtap1 && return $rc
}

nic_started()
{
	"$ctl" create "$(guest basic)" name n start -- spin || return
	says "has been started" 1 nic add n nic dtap0 && no_link dtap0
	local rc=$?
	"$ctl" destroy n
	return $rc
}

# Nothing is left of a create whose last step fails.
create_undone()
{
	says "dnobr: does not exist" 1 create "$(guest basic)" name u nic dtap0 bridge dbr0 \
		nic dtap1 bridge dnobr && no_vms && no_link dtap0 && no_link dtap1
}

# An existing tap is as it was, after a failure and after a run.
tap_restored()
{
	ip tuntap add dev dtap0 mode tap || return
	says "is down; say up" 126 run "$(guest basic)" nic dtap0 -- exit 0 &&
	says "not a tap" 126 run "$(guest basic)" nic dtap0 up bridge dbr0 nic lo -- exit 0 &&
	"$ctl" run "$(guest basic)" nic dtap0 up bridge dbr0 -- exit 0 </dev/null &&
	[[ $(ip -o link show dtap0) != *UP* && $(ip -o link show dtap0) != *master* ]]
	local rc=$?
	ip link del dtap0
	return $rc
}

tap_taken()
{
	"$ctl" create "$(guest basic)" name t nic dtap0 -- spin || return
	says "in use" 1 create "$(guest basic)" name t2 nic dtap0 -- spin && [ "$(vm_names)" = t ]
	local rc=$?
	"$ctl" destroy t
	return $rc
}

memory_left()
{
	local free
	free=$("$ctl" -j pool | json 'd["free_bytes"]')
	"$ctl" create "$(guest basic)" name big memory $((free - 1048576)) -- spin || return
	says "has 1 MiB left" 1 create "$(guest basic)" name more memory 2M && [ "$(vm_names)" = big ] || return
	"$ctl" create "$(guest basic)" name more memory 2M wait start -- exit 0 &
	pid=$!
	"$ctl" destroy big
	wait $pid && [ "$(vm_names)" = more ]
	local rc=$?
	"$ctl" destroy more
	return $rc
}

memory_wait_interrupted()
{
	local free
	free=$("$ctl" -j pool | json 'd["free_bytes"]')
	"$ctl" create "$(guest basic)" name big memory "$free" -- spin || return
	"$ctl" create "$(guest basic)" name more memory 2M wait &
	pid=$!
	wait_for grep -q ") D" "/proc/$pid/stat"
	kill -TERM $pid
	wait $pid
	[ $? = 143 ] && [ "$(vm_names)" = big ]
	local rc=$?
	"$ctl" destroy big
	return $rc
}

no_permission()
{
	local out
	chmod 660 /dev/denali
	out=$(as_nobody pool 2>&1)
	[ $? = 1 ] && [[ $out == *"permission denied"*"group denali"* ]] || { echo "$out"; return 1; }
}

other_user()
{
	local out rc id i
	"$ctl" create "$(guest basic)" name mine start -- spin || return
	chmod 666 /dev/denali /dev/net/tun
	[ "$(as_nobody -j list)" = "[]" ] || rc=1
	id=$("$ctl" -j list | json 'd[0]["id"]')
	for i in "start @" "stop @" "kill @" "destroy @" "show @" "wait @" "console @ -n" "nic show @" \
		 "nic add @ nic dtap0" "nic del @ port 1"; do
		# shellcheck disable=SC2086 # words
		out=$(as_nobody ${i/@/$id} 2>&1 </dev/null) && rc=1
		[[ $out == *"belongs to another user"* ]] || { echo "$i: $out"; rc=1; }
		# shellcheck disable=SC2086
		out=$(as_nobody ${i/@/mine} 2>&1 </dev/null) && rc=1
		[[ $out == *"does not exist"* ]] || { echo "$i: $out"; rc=1; }
	done
	in_state mine running || rc=1
	as_nobody run "$public/basic" name mine -- exit 0 </dev/null || rc=1
	out=$(as_nobody run "$public/basic" nic dtap0 -- exit 0 2>&1 </dev/null)
	[ $? = 126 ] && [[ $out == *CAP_NET_ADMIN* ]] || rc=1
	chmod 660 /dev/denali
	"$ctl" destroy mine
	[ -z "$rc" ] || { echo "$out"; return 1; }
}

# set_limit PARAMETER VALUE
set_limit()
{
	echo "$2" >"/sys/module/denali/parameters/$1"
}

# Two VMs for a user who isn't root, in number and in memory; what is destroyed counts no more.
user_limits()
{
	local out i rc
	chmod 666 /dev/denali
	for i in "user_vms 2" "user_memory 512K"; do
		# shellcheck disable=SC2086 # two words
		set_limit $i || rc=1
		as_nobody create "$public/basic" name one memory 256K || rc=1
		as_nobody create "$public/basic" name two memory 256K || rc=1
		out=$(as_nobody create "$public/basic" name three memory 256K 2>&1) && rc=1
		[[ $out == *"more than user 65534 "*"512 KiB"*"user_memory"* ||
		   $out == *"user 65534 "*"as many"*"2: "*"user_vms"* ]] || rc=1
		"$ctl" create "$(guest basic)" name three memory 256K || rc=1
		"$ctl" destroy one || rc=1
		as_nobody create "$public/basic" name four memory 256K || rc=1
		"$ctl" destroy two three four || rc=1
		set_limit "${i% *}" 0
	done
	! set_limit user_memory much || rc=1
	chmod 660 /dev/denali
	[ -z "$rc" ] || { echo "$out"; return 1; }
}

share_is()
{
	[ "$("$ctl" -j show "$1" | json 'd[0]["weight"], d[0]["cap"], d[0]["cpus"]')" = "$2" ] ||
		{ "$ctl" show "$1"; return 1; }
}

share_set()
{
	"$ctl" create "$basic" name s start weight 300 cap 40 cpus 0 -- spin && share_is s "300 40 0" &&
		[ "$("$ctl" -j set s weight 20 | json 'd["name"], d["weight"]')" = "s 20" ] && share_is s "20 40 0" &&
		"$ctl" set s cap 0 cpus all w 100 && share_is s "100 0 all" &&
		[ "$("$ctl" -j list | json 'd[0]["weight"]')" = 100 ] && "$ctl" destroy s
}

share_run()
{
	"$ctl" run "$basic" weight 50 cap 90 cpus 0 -- exit 0 </dev/null
}

without_module()
{
	says "module is not loaded" 1 list && says "module is not loaded" 126 run "$(guest basic)" &&
	says "module is not loaded" 1 monitor && says "not loaded" 1 check && "$ctl" version
}

check_json()
{
	[ "$("$ctl" -j check | json 'd["ok"]')" = True ]
}

pool_set()
{
	local now
	now=$("$ctl" -j pool | json 'd["pool_bytes"]')
	"$ctl" pool set $((now + 4194304)) && "$ctl" pool set "$now" &&
		[ "$("$ctl" -j pool | json 'd["pool_bytes"]')" = "$now" ]
}

basic=$(guest basic)
plan 38
modprobe -r denali 2>/dev/null || denali_unload
check "without the module" without_module
denali_load || { echo "Bail out! the module can't be loaded"; exit 1; }
modprobe bridge
ip link add dbr0 up type bridge

check "check says that all is well" check_json
check "run: console output" run_hello
check "run: exit status" run_status
check "run: console input" run_echo
check "run: a fault is reported with registers" run_fault
check "run: a fault is reported as JSON" run_fault_json
check "run: SIGTERM" run_signal TERM 143
check "run: SIGHUP" run_signal HUP 129
check "run: SIGINT" run_interrupt
check "run: killed by another denalictl" run_killed_by_other
check "run: SIGKILL leaves neither VM nor tap" run_killed_hard
check "run: closed standard output ends it" run_closed_output
check "run: long output arrives whole" run_lots
check "run: a signal ends it while nobody reads its output" run_stuck_output
check "create, start, stop, start, kill, destroy" life_cycle
check "a VM by its id" by_id
check "several VMs, one of which doesn't exist" several
check "wait: timeout" wait_timeout
check "console -n" console_dump
check "console --follow" console_follow
check "console on a terminal: ^] detaches" console_detach
check "monitor" monitor
check "nic: add, show, del, replace" nic_cycle
check "nic: not to a started VM" nic_started
check "nic: a tap that disappears" nic_tap_gone
check "create: a failure in the last step leaves nothing" create_undone
check "an existing tap is put back" tap_restored
check "a tap that is taken" tap_taken
check "memory: more than is left, and waiting for it" memory_left
check "memory: a signal while waiting" memory_wait_interrupted
check "pool: grows and shrinks" pool_set
check "no permission" no_permission
check "another user's VMs" other_user
check "limits of a user" user_limits

check "set: weight, cap, cpus, before and while it runs" share_set
check "run with a share" share_run
check "nothing is left" no_vms
finish
