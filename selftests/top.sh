#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# denalictl top: in batch mode, on a terminal of any size, and that the terminal is put back
# however it ends.

# shellcheck source=selftests/ctllib.sh
. "$(dirname "$0")/ctllib.sh"

export ctl TERM=xterm PYTHONPATH="$tmp" PYTHONDONTWRITEBYTECODE=1
trap 'for v in spin1 spin2 idle off; do "$ctl" destroy $v; done 2>/dev/null; rm -rf "$tmp"' EXIT

# A terminal with a top in it, of whose sequences it knows those that top may use.
cat >"$tmp/terminal.py" <<'END'
import fcntl, os, re, select, signal, struct, subprocess, sys, termios, time

LIMIT = 60 * int(os.environ.get("DENALI_TIMEOUT_FACTOR", "1"))

class Top:
    def __init__(self, *args, rows=24, cols=100):
        self.master, self.slave = os.openpty()
        self.lines, self.row, self.col, self.data, self.other = {}, 0, 0, "", False
        self.cursor = self.wrap = True
        self.resize(rows, cols)
        self.before = termios.tcgetattr(self.slave)
        def child():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            for s in range(1, 32):
                if s not in (signal.SIGKILL, signal.SIGSTOP):
                    signal.signal(s, signal.SIG_DFL)
        self.p = subprocess.Popen([os.environ["ctl"], "top", *args], stdin=self.slave,
                                  stdout=self.slave, stderr=self.slave, preexec_fn=child)

    def resize(self, rows, cols):
        self.rows, self.cols, self.stale = rows, cols, True
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("4H", rows, cols, 0, 0))

    def feed(self, text):
        self.data += text
        while self.data:
            m = re.match(r"\x1b\[(\?\d+[hl]|[HKJm]|2J|[17]m)|\r*\n|[^\x1b\r\n]", self.data)
            if not m:
                assert len(self.data) < 10, f"unknown sequence: {self.data[:20]!r}"
                return
            self.data = self.data[m.end():]
            self.take(m.group(0), m.group(1))

    def take(self, text, seq):
        # What is left of a frame that was drawn before the size changed.
        self.stale = self.stale and self.other and seq != "H"
        if self.stale:
            return
        if text[-1] == "\n":
            self.row, self.col = self.row + 1, 0
            assert not self.other or self.row < self.rows, "scrolled"
        elif seq is None:
            line = self.lines.get(self.row, "")
            assert not self.other or self.col < self.cols, f"beyond the line: {line!r}"
            self.lines[self.row] = line[:self.col] + text + line[self.col + 1:]
            self.col += 1
        elif seq == "H":
            self.row = self.col = 0
        elif seq == "K":
            self.lines[self.row] = self.lines.get(self.row, "")[:self.col]
        elif seq in ("J", "2J"):
            for r in list(self.lines):
                if r >= self.row or seq == "2J":
                    self.lines[r] = ""
        elif seq[0] == "?":
            on = seq[-1] == "h"
            if seq[1:-1] == "1049":
                self.other = on
            elif seq[1:-1] == "25":
                self.cursor = on
            elif seq[1:-1] == "7":
                self.wrap = on

    # One that shows all of this test's VMs.
    @classmethod
    def started(cls):
        t = cls()
        t.until(lambda: len(t.vms()) == 4)
        return t

    def text(self):
        return "\n".join(self.lines.get(r, "") for r in range(self.rows))

    def read(self, left):
        if select.select([self.master], [], [], left)[0]:
            try:
                self.feed(os.read(self.master, 65536).decode())
            except OSError:
                return False
        return True

    def until(self, what):
        test = what if callable(what) else lambda: what in self.text()
        end = time.monotonic() + LIMIT
        while not test():
            left = end - time.monotonic()
            if left <= 0:
                raise SystemExit(f"waited for {what}; it shows:\n{self.text()}")
            self.read(min(left, 0.2))

    def key(self, keys):
        os.write(self.master, keys.encode())

    # Bytes of keys that top hasn't taken yet.
    def unread(self):
        return struct.unpack("i", fcntl.ioctl(self.slave, termios.FIONREAD, bytes(4)))[0]

    def vms(self):
        lines = self.text().split("\n")
        at = next((i for i, l in enumerate(lines) if l.strip().startswith("ID NAME")), len(lines))
        return [l.split()[1] for l in lines[at + 1:] if len(l.split()) > 1]

    def is_back(self):
        return (not self.other and self.cursor and self.wrap and
                termios.tcgetattr(self.slave) == self.before)

    # Its end: a status, or minus a signal; and the terminal is as it was.
    def ends(self, status):
        self.until(lambda: self.p.poll() is not None)
        while select.select([self.master], [], [], 0)[0]:
            self.read(0)
        if self.p.returncode != status:
            raise SystemExit(f"ended with {self.p.returncode}, not {status}")
        if not self.is_back():
            raise SystemExit("the terminal is not as it was")
END

# As json, of several texts, one a line.
looks()
{
	python3 -c "import json,sys; d=[json.loads(l) for l in sys.stdin]; print($1)"
}

is()
{
	[ "$1" = "$2" ] || { echo "it is '$1', not '$2'"; return 1; }
}

# names ARG...: of the VMs that are shown, in their order.
names()
{
	"$ctl" -j top -n 1 -d 0.1 "$@" | looks '*[v["name"] for v in d[0]["vms"]]'
}

# are NAMES ARG...
are()
{
	local want=$1
	shift
	is "$(names "$@")" "$want"
}

# What a program with the class Top says.
on_terminal()
{
	{ echo "from terminal import *"; cat; } >"$tmp/case.py"
	python3 "$tmp/case.py"
}

batch_text()
{
	"$ctl" top -b -n 2 -d 0.2 >"$tmp/out" || return
	is "$(grep -c '4 VMs: 2 running, 1 idle, 1 created' "$tmp/out")" 2 &&
		is "$(grep -c '^ *ID NAME  *STATE  *%CPU %STEAL' "$tmp/out")" 2 &&
		is "$(grep -Ec '^ *[0-9]+ spin1 +running ' "$tmp/out")" 2 &&
		is "$(grep -Ec '^ *[0-9]+ idle +idle +0\.0 +0\.0 +0 +0 +0 +0 ' "$tmp/out")" 2 &&
		is "$(grep -Ec '^ *[0-9]+ off +created +0\.0 ' "$tmp/out")" 2 || { cat "$tmp/out"; return 1; }
}

one_object_a_look()
{
	"$ctl" -j top -n 3 -d 0.1 >"$tmp/out" && is "$(looks 'len(d)' <"$tmp/out")" 3 &&
		is "$(looks 'all(x["interval_ns"] >= 10**8 for x in d)' <"$tmp/out")" True &&
		is "$(looks 'd[1]["time_ns"] - d[0]["time_ns"] >= 10**8' <"$tmp/out")" True &&
		is "$(looks '[d[0]["total"][k] for k in ("vms","running","idle","created")]' <"$tmp/out")" \
			"[4, 2, 1, 1]"
}

# Percent and totals are what the counters of two looks say.
rates_are_right()
{
	"$ctl" -j top -n 4 -d 0.5 sort id >"$tmp/out" || return
	python3 - "$tmp/out" <<-'END'
	import json, sys
	looks = [json.loads(l) for l in open(sys.argv[1])]
	for a, b in zip(looks, looks[1:]):
	    for v, w in zip(a["vms"], b["vms"]):
	        for rate, ns in (("cpu_percent", "run_ns"), ("steal_percent", "steal_ns")):
	            want = 100 * (w[ns] - v[ns]) / b["interval_ns"]
	            assert abs(w[rate] - want) <= 0.06, (w, v, want)
	    for rate in ("cpu_percent", "steal_percent"):
	        assert abs(b["total"][rate] - sum(v[rate] for v in b["vms"])) < 0.5, b
	    assert b["total"]["mem_bytes"] == sum(v["mem_bytes"] for v in b["vms"])
	# In some look: the machine may stand still for the length of one.
	for name in "spin1", "spin2":
	    spin = [v for l in looks for v in l["vms"] if v["name"] == name]
	    for rate in "cpu_percent", "steal_percent", "exits_per_s":
	        assert any(v[rate] > 0 for v in spin), spin
	idle = [v for v in looks[-1]["vms"] if v["name"] in ("idle", "off")]
	assert not any(v["cpu_percent"] or v["exits_per_s"] for v in idle), idle
	END
}

sorted_by()
{
	is "$(names sort name)" "idle off spin1 spin2" && is "$(names sort name reverse)" "spin2 spin1 off idle" &&
		is "$(names sort id reverse)" "off idle spin2 spin1" && is "$(names so mem)" "idle spin1 spin2 off" &&
		is "$(names sort state)" "off idle spin1 spin2" &&
		is "$(names | tr ' ' '\n' | head -n 2 | sort | tr '\n' ' ')" "spin1 spin2 "
}

filtered()
{
	is "$(names name pin sort id)" "spin1 spin2" && is "$(names name '*n1')" spin1 && is "$(names name x)" "" &&
		is "$(names owner root sort id)" "spin1 spin2 idle off" && is "$(names owner 0 name off)" off &&
		is "$(names owner nobody)" "" && wait_for are "spin1 spin2" busy sort id &&
		is "$("$ctl" -j top -n 1 -d 0.1 name x | looks 'd[0]["total"]["vms"]')" 4
}

reader_that_goes()
{
	timeout 60 "$ctl" top -b -d 0.1 2>"$tmp/err" | head -n 1 >/dev/null
	is "${PIPESTATUS[0]}" 141 && [ ! -s "$tmp/err" ]
}

no_terminal()
{
	says "not a terminal; use -b" 2 top >"$tmp/out" && says "not a terminal; use -b" 2 top -n 1
}

dumb_terminal()
{
	on_terminal <<-'END'
	os.environ["TERM"] = "dumb"
	t = Top()
	t.until("can't be drawn on; use -b")
	t.ends(2)
	END
}

draws()
{
	on_terminal <<-'END'
	t = Top("-d", "0.2")
	t.until(lambda: len(t.vms()) == 4 and "idle" in t.text())
	assert t.other and not t.cursor
	# What is shown is seen anew by and by.
	clock = t.text().split()[0]
	t.until(lambda: t.text().split()[0] != clock)
	t.key("q")
	t.ends(0)
	END
}

counted()
{
	on_terminal <<-'END'
	Top("-d", "0.1", "-n", "2").ends(0)
	END
}

keys_sort()
{
	on_terminal <<-'END'
	t = Top()
	t.until("by cpu")
	t.key("N")
	t.until("by id")
	t.until(lambda: t.vms() == ["spin1", "spin2", "idle", "off"])
	t.key("R")
	t.until("by id, reversed")
	t.until(lambda: t.vms() == ["off", "idle", "spin2", "spin1"])
	t.key("R>")
	t.until("by name,")
	t.until(lambda: t.vms() == ["idle", "off", "spin1", "spin2"])
	t.key("\x1b[C")
	t.until("by state")
	t.key("\x1bOD\x1b[D\x1b[D\x1b[D")
	t.until("by id")
	for key, name in zip("PSEHMTA", ("cpu", "steal", "exits", "hypercalls", "memory", "time", "name")):
	    t.key(key)
	    t.until("by " + name)
	t.key("q")
	t.ends(0)
	END
}

keys_filter()
{
	on_terminal <<-'END'
	t = Top.started()
	t.key("/spx\x7fi")
	t.until("all: spi_")
	t.key("\r")
	t.until(lambda: sorted(t.vms()) == ["spin1", "spin2"])
	t.until("name spi")
	t.key("=")
	t.until(lambda: len(t.vms()) == 4)
	t.key("unobody\r")
	t.until(lambda: len(t.vms()) == 0)
	t.key("uroot\r")
	t.until(lambda: len(t.vms()) == 4)
	t.key("unosuchuser\r")
	t.until("No such user")
	t.key("d0\r")
	t.until("Not a number of seconds")
	t.key("d0.3\r")
	t.until("every 0.3 s")
	t.key("i")
	t.until(lambda: sorted(t.vms()) == ["spin1", "spin2"])
	t.key("/x")
	t.until("all: x_")
	t.key("\x1b")
	t.until("only those that run   ")
	t.key("=h")
	t.until("end")
	t.until("up down page")
	t.key("x")
	t.until(lambda: len(t.vms()) == 4)
	t.key("q")
	t.ends(0)
	END
}

# Whatever comes from the keyboard.
keys_garbage()
{
	on_terminal <<-'END'
	import random
	t = Top("-d", "0.1")
	t.until(lambda: len(t.vms()) == 4)
	random.seed(1)
	# All but what ends or stops it, or its output.
	some = [c for c in map(chr, range(1, 128)) if c not in "qQ\x03\x13\x1a\x1c"]
	for i in range(20):
	    t.key("".join(random.choice(some) for _ in range(20)))
	    t.read(0.05)
	t.key("\x1b[999;999;999;9999999999999999999~\x1b[\x1b\x1b")
	# Out of a question and out of the help, if it is in one. What is read together may be one key.
	def out():
	    for key in "\r\x1b":
	        t.until(lambda: not t.unread())
	        t.read(0.3)
	        t.key(key)
	    t.until(lambda: not t.unread())
	    t.read(0.3)
	    return t.lines.get(2, "").startswith("by ")
	t.until(out)
	t.key("xx=N")
	t.until("by id")
	t.key("q")
	t.ends(0)
	END
}

# No line too long, none too many: the terminal looks at that.
sizes()
{
	on_terminal <<-'END'
	for rows, cols in ((1, 1), (2, 5), (3, 20), (5, 40), (24, 79), (24, 80), (24, 81), (50, 300), (400, 1000)):
	    t = Top("-d", "0.1", rows=rows, cols=cols)
	    t.until(lambda: t.lines.get(0, "").strip())
	    t.key("h")
	    t.read(0.2)
	    t.key("x")
	    for i in range(3):
	        t.read(0.2)
	    t.key("q")
	    t.ends(0)
	END
}

resized()
{
	on_terminal <<-'END'
	t = Top("-d", "1000")
	t.until("OWNER")
	time.sleep(1)	# the first look, half a second long
	t.until(lambda: len(t.vms()) == 4)
	t.key("N")
	t.until("by id")
	for rows, cols, seen in ((6, 60, 2), (5, 30, 1), (40, 150, 4), (4, 10, 0)):
	    t.lines = {}
	    t.resize(rows, cols)
	    t.until(lambda: t.lines.get(0, "").strip() and
	            sum(l.strip()[:1].isdigit() for r, l in t.lines.items() if r > 3) == seen)
	t.key("q")
	t.ends(0)
	END
}

scrolled()
{
	on_terminal <<-'END'
	t = Top("sort", "id", rows=6)
	t.until(lambda: t.vms() == ["spin1", "spin2"])
	t.key("\x1b[B")
	t.until(lambda: t.vms() == ["spin2", "idle"])
	t.key("\x1b[6~")
	t.until(lambda: t.vms() == ["idle", "off"])
	t.key("\x1b[A")
	t.until(lambda: t.vms() == ["spin2", "idle"])
	t.key("\x1b[H")
	t.until(lambda: t.vms() == ["spin1", "spin2"])
	t.key("\x1b[F")
	t.until(lambda: t.vms() == ["idle", "off"])
	t.key("q")
	t.ends(0)
	END
}

# signal NAME...: each ends it as it would end any program.
signals()
{
	on_terminal <<-END
	for name in "$*".split():
	    t = Top.started()
	    sig = getattr(signal, name)
	    t.p.send_signal(sig)
	    t.ends(-sig)
	END
}

interrupt_key()
{
	on_terminal <<-'END'
	t = Top.started()
	t.key("\x03")
	t.ends(-signal.SIGINT)
	END
}

stopped_and_back()
{
	on_terminal <<-'END'
	def state():
	    return open(f"/proc/{t.p.pid}/stat").read().rpartition(")")[2].split()[0]
	t = Top()
	for stop in (lambda: t.key("\x1a"), lambda: t.p.send_signal(signal.SIGTSTP)):
	    t.until(lambda: len(t.vms()) == 4)
	    stop()
	    t.until(lambda: state() == "T")
	    t.until(t.is_back)
	    t.lines = {}
	    t.p.send_signal(signal.SIGCONT)
	    t.until(lambda: t.other and len(t.vms()) == 4)
	    assert not t.is_back()
	t.key("q")
	t.ends(0)
	END
}

terminal_gone()
{
	on_terminal <<-'END'
	t = Top.started()
	os.close(t.slave)
	os.close(t.master)
	assert t.p.wait(LIMIT) != 0
	END
}

# The module goes while it looks: it says so, on a terminal that is as it was.
module_gone()
{
	for v in spin1 spin2 idle off; do
		"$ctl" destroy $v || return
	done
	on_terminal <<-'END' || return
	t = Top("-d", "0.2")
	t.until("0 VMs")
	subprocess.run(["rmmod", "denali"], check=True)
	t.ends(1)
	t.row = 0
	assert "list of VMs" in "".join(t.lines.values()), t.lines
	END
}

# As many as a machine is to have. They are made and held by this program.
ten_thousand()
{
	denali_unload && denali_load pool=320M || return
	python3 - <<-'END'
	import fcntl, json, os, resource, struct, subprocess
	N = 10000
	resource.setrlimit(resource.RLIMIT_NOFILE, (N + 100, N + 100))
	dev = os.open("/dev/denali", os.O_RDWR)
	create = 3 << 30 | 56 << 16 | 0xda << 8 | 1
	vms = [fcntl.ioctl(dev, create, bytearray(struct.pack("QII32sQ", 16384, 0, 0, b"many-%d" % i, 0)))
	       for i in range(N)]
	top = [os.environ["ctl"], "top", "-n", "2", "-d", "0.5"]
	out = subprocess.run(top + ["-j"], check=True, capture_output=True).stdout
	for look in map(json.loads, out.splitlines()):
	    assert look["total"]["vms"] == N and len(look["vms"]) == N, look["total"]
	    assert look["total"]["created"] == N
	    assert sorted(v["name"] for v in look["vms"]) == sorted("many-%d" % i for i in range(N))
	lines = subprocess.run(top + ["-b", "name", "many-999*"], check=True, capture_output=True).stdout
	assert lines.count(b"10000 VMs") == 2 and lines.count(b" many-999") == 22, lines
	END
	[ $? = 0 ] && denali_unload && denali_load
}

plan 28
denali_load || { echo "Bail out! the module can't be loaded"; exit 1; }
basic=$(guest basic)
# Two that share a CPU, so that either waits; one that idles; one that never ran, and is smaller.
for v in spin1 spin2; do
	"$ctl" create "$basic" name $v memory 128K cpus 0 start -- spin || exit 1
done >/dev/null
"$ctl" create "$(guest console)" name idle memory 256K start -- echo >/dev/null || exit 1
"$ctl" create "$basic" name off memory 64K -- spin >/dev/null || exit 1
wait_for sh -c "'$ctl' -j list | grep -q '\"idle\":true'"

check "batch mode: text" batch_text
check "one JSON object a look" one_object_a_look
check "rates are what the counters say" rates_are_right
check "sort" sorted_by
check "name, owner, busy" filtered
check "a reader that goes away ends it" reader_that_goes
check "no terminal" no_terminal
check "a terminal that can't be drawn on" dumb_terminal
check "-n 0" says "-n '0': not a number from 1 to 1000000000" 2 top -b -n 0
check "-d that is no number" says "-d 'soon': not a number of seconds" 2 top -b -d soon
check "-d too short" says "-d '0.05': not a number of seconds from 0.1" 2 top -b -d 0.05
check "sort by what there is not" says "column 'colour' is unknown" 2 top -b sort colour
check "owner that there is not" says "owner 'nosuchuser': no such user" 2 top -b owner nosuchuser
check "name too long" says "at most 31" 2 top -b name abcdefghijklmnopqrstuvwxyz012345
check "draws, again and again; q" draws
check "-n on a terminal" counted
check "keys: sort" keys_sort
check "keys: filters, delay, help" keys_filter
check "keys: garbage" keys_garbage
check "terminals of all sizes" sizes
check "resized" resized
check "moves through the list" scrolled
check "signals leave the terminal as it was" signals SIGTERM SIGINT SIGHUP SIGQUIT SIGSEGV SIGABRT SIGUSR1 SIGALRM
check "^C" interrupt_key
check "^Z and back" stopped_and_back
check "the terminal goes" terminal_gone
check "the module goes" module_gone
check "10,000 VMs" ten_thousand
finish
