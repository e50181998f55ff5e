#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The web server: what it answers to good and to odd requests, 64 and more
# connections at once, clients that are slow or say nothing.

# shellcheck source=selftests/netlib.sh
. "$(dirname "$0")/netlib.sh"

plan 21
net_up || { echo "# no network namespace"; exit 1; }
url=http://10.9.0.2

check "a VM starts" vm_start web "$guests/httpd" -- ip=10.9.0.2/24 ip6=fd09::2/64
check "its page" wait_for fetch --fail $url/

# code CODE ARG...: what curl reports of a request.
code()
{
	local want=$1 got
	shift
	got=$(fetch --output /dev/null --write-out '%{http_code}' "$@")
	[ "$got" = "$want" ] || { echo "$got, not $want: $*"; return 1; }
}

# raw TEXT PATTERN: the answer to these bytes (printf's escapes), to the end of the connection.
raw()
{
	client "$@" <<-'END'
	s = socket.create_connection(("10.9.0.2", 80), patience(10))
	s.sendall(sys.argv[1].encode().decode("unicode_escape").encode("latin-1"))
	s.shutdown(socket.SHUT_WR)
	got = b""
	while True:
	    d = s.recv(65536)
	    if not d:
	        break
	    got += d
	if not re.search(sys.argv[2].encode(), got, re.S):
	    sys.exit("answer: %r" % got[:300])
	END
}

check "over IPv6" code 200 -g "http://[fd09::2]/"
check "a directory, redirected" code 301 $url/docs
check "404, 405, 400 for .. and for bad encoding" eval "code 404 $url/nope &&
	code 405 -X POST -d x $url/ && code 405 -X DELETE $url/ && code 501 -X FROB $url/ &&
	code 400 --path-as-is $url/../etc/passwd && code 400 $url/%2e%2e/a && code 400 $url/%zz"
check "431 for a large header, 414 for a long path" eval "
	code 431 -H 'X: $(printf %05000d 0)' $url/ && code 414 $url/$(printf %05000d 0)"
check "HEAD has the length and no body" raw 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n' \
	'^HTTP/1.1 200 .*Content-Length: [1-9][0-9]*\r\n.*\r\n\r\n$'
check "three requests at once, in order" raw \
	'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /nope HTTP/1.1\r\nHost: a\r\n\r\nGET /style.css HTTP/1.1\r\nHost: a\r\n\r\n' \
	'^HTTP/1.1 200 .*HTTP/1.1 404 .*HTTP/1.1 200 .*text/css'
check "a body that looks like a request isn't one" raw \
	'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 31\r\n\r\nGET /nope HTTP/1.1\r\nHost: a\r\n\r\nGET /style.css HTTP/1.1\r\nHost: a\r\n\r\n' \
	'^HTTP/1.1 200 ((?!404).)*HTTP/1.1 200 .*text/css'
check "length beside transfer coding: refused, and nothing after it is served" raw \
	'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n' \
	'^HTTP/1.1 400 ((?!HTTP/1.1 200).)*$'
check "HTTP/1.0 without a host" raw 'GET / HTTP/1.0\r\n\r\n' '^HTTP/1.1 200 .*Connection: close'
check "a tag that is known: 304" eval 'code 304 -H "If-None-Match: $(fetch -I $url/ | sed -n "s/\r//; s/^ETag: //p")" $url/'
check "types by suffix" eval "fetch -I $url/style.css | grep -q 'Content-Type: text/css' &&
	fetch -I $url/robots.txt | grep -q 'Content-Type: text/plain'"
check "the date" eval "fetch -I $url/ | grep -q \"^Date: .* \$(date -u +%Y) .* GMT\""
check "/status in JSON" eval "fetch $url/status.json | python3 -c 'import json,sys; assert json.load(sys.stdin)[\"httpd\"][\"requests\"] > 10' &&
	fetch -I -H 'Accept: application/json' $url/status | grep -q application/json"

if command -v ab >/dev/null; then
	load()
	{
		in_ns ab -q "$@" $url/ >"$tmp/ab" 2>&1 && grep -q 'Failed requests: *0$' "$tmp/ab" &&
			! grep -q 'Non-2xx' "$tmp/ab" || { cat "$tmp/ab"; return 1; }
	}
	check "2,000 requests, 64 at once, a connection each" load -n 2000 -c 64
	check "4,000 requests, 64 at once, kept alive" load -n 4000 -c 64 -k
else
	skip "2,000 requests, 64 at once, a connection each" "no ab"
	skip "4,000 requests, 64 at once, kept alive" "no ab"
fi

# Fill all places with connections of a kind, then be served all the same.
crowd()
{
	client "$@" <<-'END'
	kind = sys.argv[1]
	crowd = []
	for i in range(int(sys.argv[2])):
	    s = socket.create_connection(("10.9.0.2", 80), patience(10))
	    if kind == "trickle":
	        s.send(b"GET / HT")
	    crowd.append(s)
	s = socket.create_connection(("10.9.0.2", 80), patience(10))
	s.settimeout(patience(10))
	s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	got = s.recv(100)
	if not got.startswith(b"HTTP/1.1 200"):
	    sys.exit("not served: %r" % got)
	END
}
check "200 silent clients don't keep others out" crowd silent 200
check "nor do 200 that have begun a request" crowd trickle 200

# The server closes first and so has the TIME-WAIT; clients have few ports.
same_port()
{
	client "$@" <<-'END'
	family, here, there = socket.AF_INET, "10.9.0.1", "10.9.0.2"
	if sys.argv[1] == "6":
	    family, here, there = socket.AF_INET6, "fd09::1", "fd09::2"
	# Until the server has acknowledged its end, our side of the last one is in the way.
	def connect():
	    end = time.monotonic() + patience(60)
	    while True:
	        s = socket.socket(family, socket.SOCK_STREAM)
	        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	        s.bind((here, 20000))
	        s.settimeout(patience(30))
	        try:
	            s.connect((there, 80))
	            return s
	        except OSError as e:
	            if e.errno != errno.EADDRNOTAVAIL or time.monotonic() > end:
	                raise
	            s.close()
	            time.sleep(0.01)
	for i in range(20):
	    s = connect()
	    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
	    while s.recv(65536):
	        pass
	    s.close()
	END
}
check "a client that comes back from the same port" eval "same_port 4 && same_port 6"

# A client that asks for much and reads nothing must cost only itself.
deaf()
{
	client <<-'END'
	deaf = []
	for i in range(20):
	    s = socket.socket()
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
	    s.connect(("10.9.0.2", 80))
	    s.setblocking(False)
	    try:
	        for k in range(100):
	            s.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 20)
	    except BlockingIOError:
	        pass
	    deaf.append(s)
	for i in range(20):
	    s = socket.create_connection(("10.9.0.2", 80), patience(10))
	    s.settimeout(patience(10))
	    s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	    if not s.recv(100).startswith(b"HTTP/1.1 200"):
	        sys.exit("not served")
	END
}
check "clients that don't read their answers don't either" deaf
[ $failures = 0 ] || { fetch $url/status; "$ctl" show web; } | sed 's/^/# /'
finish
