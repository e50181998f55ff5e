#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The least memory that an image names is enough to work in, not only to start: each
# guest in exactly that, doing what it is for.

# shellcheck source=selftests/netlib.sh
. "$(dirname "$0")/netlib.sh"

plan 11
denali_load || exit 1
net_up || { echo "# no network namespace"; exit 1; }

# least_start NAME IMAGE: in a page less it is refused, in its least memory it starts.
least_start()
{
	local name=$1 image=$2 kib
	kib=$(least_kib "$image")
	[ "$kib" -gt 0 ] || return
	if vm_start "$name" "$image" $((kib - 4))K -- ip=10.9.0.2/24 ip6=fd09::2/64; then
		echo "started in less than its least memory, $kib KiB"
		return 1
	fi
	vm_start "$name" "$image" "${kib}K" -- ip=10.9.0.2/24 ip6=fd09::2/64
}

hello()
{
	"$ctl" run "$guests/hello" memory "$(least_kib "$guests/hello")K" </dev/null | grep Hello
}

# The page, from eight clients at a time, each of whom gets all of it.
pages()
{
	local i pid=()
	fetch --fail -o "$tmp/page" http://10.9.0.2/ || return
	for i in 1 2 3 4 5 6 7 8; do
		fetch --fail -o "$tmp/page.$i" http://10.9.0.2/ &
		pid+=($!)
	done
	for i in 1 2 3 4 5 6 7 8; do
		wait "${pid[i - 1]}" && cmp "$tmp/page" "$tmp/page.$i" || return
	done
}

# visitors COUNT: all are connected before the first asks, and each has its answer.
visitors()
{
	in_ns python3 - "$1" <<-'END'
	import socket, sys
	crowd = [socket.create_connection(("10.9.0.2", 80), 10) for i in range(int(sys.argv[1]))]
	for s in crowd:
	    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
	    got = b""
	    while True:
	        data = s.recv(1000)
	        if not data:
	            break
	        got += data
	    if b"You are visitor" not in got:
	        sys.exit("answer: %r" % got)
	END
}

check "hello" hello
check "echo starts, but not in less" least_start echo "$guests/echo"
check "echo: ping" wait_for in_ns ping -c 1 -W "$(patience 1)" 10.9.0.2
check "echo: four TCP connections at once" tcp 10.9.0.2 4 50000
check "echo: TCP over IPv6" tcp fd09::2 2 50000
check "echo: UDP" eval "udp 10.9.0.2 1472 20 && udp fd09::2 1000 20"
check "echo goes on after that" tcp 10.9.0.2 4 50000
[ $failures = 0 ] || "$ctl" console echo --no-follow | sed 's/^/# /'
vm_stop echo >/dev/null
check "httpd starts, but not in less" least_start web "$guests/httpd"
check "httpd: its page, eight clients at once" eval "wait_for fetch --fail http://10.9.0.2/ && pages && pages"
[ $failures = 0 ] || "$ctl" console web --no-follow | sed 's/^/# /'
vm_stop web >/dev/null

# What a program of one's own gets: the thread of each visitor comes from the heap that is counted in.
cc=$dir/../../../libos/denali-cc
[ -x "$cc" ] || cc=$(command -v denali-cc)
source=${DENALI_TREE:+$DENALI_TREE/Documentation/examples/visits.c}
if [ -n "$cc" ] && [ -e "$source" ] && command -v gcc >/dev/null; then
	visits()
	{
		"$cc" -O2 -o "$tmp/visits" "$source" && least_start visits "$tmp/visits" &&
			wait_for visitors 1
	}
	check "visits starts, but not in less" visits
	check "visits: three visitors at once, twice" eval "visitors 3 && visitors 3"
else
	skip "visits starts, but not in less" "no compiler or no source here"
	skip "visits: three visitors at once, twice" "no compiler or no source here"
fi
finish
