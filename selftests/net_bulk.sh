#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Bulk data over TCP, every byte checked: host to VM and back, between VMs, with loss,
# reordering and little memory in between.

# shellcheck source=selftests/netlib.sh
. "$(dirname "$0")/netlib.sh"

plan 8
net_up || { echo "# no network namespace"; exit 1; }

# bulk ADDRESS BYTES [PAUSE]: to the VM's port 5001 and from its port 5002; PAUSE: read slowly.
bulk()
{
	client "$@" <<-'END'
	addr, count = sys.argv[1], int(sys.argv[2])
	pause = float(sys.argv[3]) if len(sys.argv) > 3 else 0
	data = bytes((n ^ n >> 8 ^ n >> 16) & 255 for n in range(count))
	def connect(port):
	    s = socket.socket()
	    s.settimeout(patience(60))
	    s.connect((addr, port))
	    return s
	def rest(s):
	    got = b""
	    while True:
	        d = s.recv(65536 if not pause else 2000)
	        if not d:
	            return got
	        got += d
	        if pause:
	            time.sleep(pause)
	s = connect(5001)
	s.sendall(data)
	s.shutdown(socket.SHUT_WR)
	answer = rest(s)
	if answer != b"%d 0\n" % count:
	    sys.exit("to the VM: count and bad bytes: %r" % answer)
	s = connect(5002)
	s.sendall(b"%d\n" % count)
	got = rest(s)
	if got != data:
	    sys.exit("from the VM: %d bytes, not the %d expected, or others" % (len(got), count))
	END
}

ready()
{
	wait_for in_ns python3 -c "import socket; socket.create_connection(('$1', 5002), 2).close()"
}

check "a VM of 512 KiB" vm_start small "$(guest net-bulk)" 512K -- ip=10.9.0.2/24
check "a VM of 16 MiB" vm_start large "$(guest net-bulk)" 16M -- ip=10.9.0.3/24
ready 10.9.0.2
ready 10.9.0.3
check "1 MB each way, small VM" bulk 10.9.0.2 1000000
check "8 MB each way, large VM" bulk 10.9.0.3 8000000
check "a peer that reads slowly" bulk 10.9.0.2 60000 0.02

between()
{
	vm_run "$(guest net-bulk)" ip=10.9.0.4/24 connect=10.9.0.3 count=4000000 >"$tmp/between" ||
		{ cat "$tmp/between"; return 1; }
}
check "4 MB each way between two VMs" between

if in_ns tc qdisc add dev large root netem loss 3% reorder 10% delay 2ms 2>/dev/null; then
	check "200 KB each way with 3% of the frames lost and some reordered" bulk 10.9.0.3 200000
	in_ns tc qdisc del dev large root
else
	skip "200 KB each way with 3% of the frames lost and some reordered" "no netem"
fi
check "and without loss again" bulk 10.9.0.3 1000000
finish
