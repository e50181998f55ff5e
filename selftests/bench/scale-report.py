#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Tables, one JSON file and plots from what a run of the measurements at scale left behind.

Usage: scale-report.py DIR DOCUMENTS [COMMIT]

DIR has a file for each part (what the measuring program printed); scale.json and the plots
(SVG, made by gnuplot) go to the directory DOCUMENTS.
"""

import json
import os
import shutil
import subprocess
import sys

PARTS = ["resident", "create", "rest", "web", "irq", "spin", "share", "storm", "tools"]

# Kind of a line: title, columns (name, text).
TABLES = {
    "create": ("Creating a VM, by how many there are then (instructions)",
               [("request", "its request"), ("all", "until it idles")]),
    "resident": ("All answer (instructions, client included)",
                 [("echo-ns", "UDP echo"), ("http-insns", "HTTP"), ("echo-resent", "resent"),
                  ("http-again", "again"), ("destroy", "destroyed"), ("left-bytes", "bytes left")]),
    "rest": ("At rest, by VMs that have nothing to do",
             [("insns-per-s", "instructions a second"), ("vm-ns", "ns that VMs ran")]),
    "web-all": ("HTTP of 2,258 bytes, each VM in turn (instructions a request, client included; latency in ns)",
                [("insns", "instructions"), ("servers", "without client"), ("p50", "median"), ("p99", "p99"),
                 ("max", "longest"), ("drops", "frames lost")]),
    "web-zipf": ("The same, VMs by Zipf's law",
                 [("insns", "instructions"), ("servers", "without client"), ("p50", "median"), ("p99", "p99"),
                 ("max", "longest"), ("drops", "frames lost")]),
    "web-large": ("HTTP of 134,007 bytes, each VM in turn",
                  [("insns", "instructions"), ("servers", "without client"), ("p50", "median"), ("p99", "p99"),
                 ("max", "longest"), ("drops", "frames lost")]),
    "irq-batched": ("HTTP of 134,007 bytes, frames shown in batches", [("insns", "instructions"), ("ns", "time"), ("drops", "frames lost")]),
    "irq-sync": ("HTTP of 134,007 bytes, frames shown one at a time", [("insns", "instructions"), ("ns", "time"), ("drops", "frames lost")]),
    "spin-idle": ("HTTP of 134,007 bytes, VMs that idle with a timeout", [("insns", "instructions"), ("ns", "time"), ("drops", "frames lost")]),
    "spin-spin": ("HTTP of 134,007 bytes, VMs that spin", [("insns", "instructions"), ("ns", "time"), ("drops", "frames lost")]),
    "share": ("Computing (turns of a loop)",
              [("vm-work", "by VMs"), ("process-work", "by processes"), ("off-permille", "off weight, per mille")]),
    "storm": ("All VMs woken by one datagram", [("insns", "instructions a VM"), ("worst", "last answer, ns"), ("lost", "lost")]),
    "tools": ("denalictl (instructions, its own ones and the kernel's for it)",
              [("list", "list"), ("list-json", "-j list"), ("show", "show"), ("show-one", "show of one"),
               ("top", "top -b -n 1")]),
}

# File, title, y axis, lines of (kind, name, text).
PLOTS = [
    ("create", "Creating a VM", "instructions", [("create", "request", "request"), ("create", "all", "until it idles")]),
    ("web", "HTTP throughput", "requests/s at 10^{9} instructions/s",
     [("web-all", "insns", "2,258 bytes, each VM in turn"), ("web-zipf", "insns", "2,258 bytes, Zipf"),
      ("web-large", "insns", "134,007 bytes, each VM in turn")]),
    ("latency", "HTTP latency, 8 requests at a time", "instructions",
     [("web-all", "p50", "median, each VM in turn"), ("web-all", "p99", "p99, each VM in turn"),
      ("web-zipf", "p99", "p99, Zipf")]),
    ("irq", "Frames in batches and one at a time, 134,007 bytes", "requests/s at 10^{9} instructions/s",
     [("irq-batched", "ns", "in batches"), ("irq-sync", "ns", "one at a time")]),
    ("spin", "VMs that idle and VMs that spin, 134,007 bytes", "requests/s at 10^{9} instructions/s",
     [("spin-idle", "ns", "idle with a timeout"), ("spin-spin", "ns", "spin")]),
]


def read(directory):
    """{kind: {VMs: {name: value}}}, and {"memory": {name: {part: bytes}}}."""
    measured = {"memory": {}}
    for part in PARTS:
        path = os.path.join(directory, part)
        if not os.path.exists(path):
            continue
        with open(path) as f:
            for line in f:
                kind, which, name, value = line.split()
                if kind == "memory":
                    measured["memory"].setdefault(which, {})[name] = int(value)
                else:
                    measured.setdefault(kind, {}).setdefault(int(which), {})[name] = float(value)
    return measured


def aims(measured):
    """(text, value, limit, met) of each aim whose part was measured."""
    found = []

    def aim(text, value, limit):
        found.append({"aim": text, "value": round(value, 3), "limit": limit, "met": value <= limit})

    for name, text, limit in (("resident-idle", "host bytes of an idle VM, its switch port included", 4096),
                              ("resident-active", "host bytes of an active VM", 24576)):
        if name in measured["memory"]:
            aim(text, measured["memory"][name]["total"], limit)
    if "create" in measured:
        rows = measured["create"]
        first, last = min(rows), max(rows)
        aim(f"creating the last of {last:,} VMs to creating the first of them", rows[last]["all"] / rows[first]["all"], 1.1)
    if "rest" in measured:
        rows = measured["rest"]
        most = max(rows)
        aim(f"ns that {most:,} VMs at rest run in", rows[most]["vm-ns"], 0)
        # No measurable difference: no more than the clock's resolution.
        aim(f"instructions a second more with {most:,} VMs at rest than with none",
            rows[most]["insns-per-s"] - rows[0]["insns-per-s"], rows[most]["resolution"])
    for kind, text in (("web-all", "each VM in turn"), ("web-zipf", "Zipf"), ("web-large", "134,007 bytes")):
        for vms, row in sorted(measured.get(kind, {}).items()):
            if vms != 1 and kind != "web-large":
                for name, whose in (("insns", ""), ("servers", ", without the client")):
                    aim(f"instructions a request{whose}, {vms:,} VMs to one, {text}", row[name] / measured[kind][1][name], 1.1)
        if kind in measured and kind != "web-large":
            most = max(measured[kind])
            aim(f"p99 latency, {most:,} VMs to one, {text}", measured[kind][most]["p99"] / measured[kind][1]["p99"], 3)
    for kind, other, text in (("irq-sync", "irq-batched", "frames one at a time to in batches"),
                              ("spin-spin", "spin-idle", "VMs that spin to those that idle")):
        for vms, row in sorted(measured.get(kind, {}).items()):
            if vms == max(measured[kind]):
                aim(f"throughput, {text}, {vms:,} VMs", measured[other][vms]["ns"] / row["ns"], 1)
    for vms, row in measured.get("share", {}).items():
        aim(f"work of {vms} processes to that of as many VMs", row["process-work"] / row["vm-work"], 1.01)
        aim(f"a VM's share beside its weight, {vms} VMs, per mille off", row["off-permille"], 20)
    return found


def number(n):
    return f"{n:,.0f}" if n == int(n) else f"{n:,.2f}"


def write_tables(measured, found, out):
    for kind, (title, columns) in TABLES.items():
        if kind not in measured:
            continue
        columns = [(name, text) for name, text in columns if any(name in row for row in measured[kind].values())]
        out.write(f"{title}\n{'VMs':>8}{''.join(f'{text:>24}' for _, text in columns)}\n")
        for vms, row in sorted(measured[kind].items()):
            cells = "".join(f"{number(row[name]) if name in row else '':>24}" for name, _ in columns)
            out.write(f"{vms:>8,}{cells}\n")
        out.write("\n")
    for name, parts in measured["memory"].items():
        parts = dict(parts)
        total, module = parts.pop("total"), parts.pop("module")
        out.write(f"{name}: {number(total)} bytes of the host for each VM, {number(module)} by the module's count\n    "
                  + ", ".join(f"{p.replace('slab:', '')} {number(n)}" for p, n in sorted(parts.items(), key=lambda x: -x[1]))
                  + "\n\n")
    for entry in found:
        out.write(f"{entry['aim']:76}{number(entry['value']):>12}  aim {number(entry['limit'])}: "
                  f"{'met' if entry['met'] else 'NOT MET'}\n")


def plot(directory, name, script):
    """Have gnuplot make an SVG file, without the spaces that it leaves at ends of lines."""
    path = os.path.join(directory, name + ".svg")
    head = f'set terminal svg size 640,400 font "sans,12" background "white"\nset output "{path}"\n'
    subprocess.run(["gnuplot"], input=head + "\n".join(script) + "\n", text=True, check=True)
    with open(path) as f:
        lines = [line.rstrip() for line in f]
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")


def plot_lines(measured, directory, name, title, ylabel, lines):
    script = [f'set title "{title}"\nset xlabel "VMs"\nset ylabel "{ylabel}"',
              "set logscale x\nset yrange [0:*]\nset key outside bottom center horizontal\nset grid"]
    plots, data = [], []
    for kind, column, text in lines:
        plots.append(f"'-' using 1:2 with linespoints title \"{text}\"")
        for vms, row in sorted(measured[kind].items()):
            if column in row:
                data.append(f"{vms} {1e9 / row[column] if ylabel.startswith('requests') else row[column]}")
        data.append("e")
    plot(directory, name, script + ["plot " + ", ".join(plots)] + data)


def plot_memory(memory, directory):
    """What a VM costs the host, by slab cache: a column for each state."""
    states = [(name, text) for name, text in (("resident-idle", "idle"), ("resident-active", "active")) if name in memory]
    if not states:
        return
    parts = sorted({part for name, _ in states for part in memory[name]} - {"total", "module"})
    script = ['set title "Memory of the host for a VM, beside its partition"\nset ylabel "bytes"',
              "set style data histograms\nset style histogram rowstacked\nset style fill solid 0.7 border -1",
              "set boxwidth 0.5\nset yrange [0:*]\nset key outside right reverse Left\nset grid ytics"]
    plots, data = [], []
    for part in parts:
        plots.append(f"'-' using 2:xtic(1) title \"{part.replace('slab:', '').replace('_', ' ')}\"")
        data += [f'"{text}" {max(memory[name].get(part, 0), 0)}' for name, text in states] + ["e"]
    plot(directory, "memory", script + ["plot " + ", ".join(plots)] + data)


def write_plots(measured, directory):
    if not shutil.which("gnuplot"):
        print("scale-report.py: no gnuplot, no plots", file=sys.stderr)
        return
    for name, title, ylabel, lines in PLOTS:
        lines = [line for line in lines if line[0] in measured]
        if lines:
            plot_lines(measured, directory, name, title, ylabel, lines)
    plot_memory(measured["memory"], directory)


def main():
    directory, documents = sys.argv[1:3]
    measured = read(directory)
    found = aims(measured)
    result = {"unit": "instructions", "measured": measured, "aims": found}
    with open(os.path.join(directory, "kernel")) as f:
        result["kernel"] = f.read().strip()
    if len(sys.argv) > 3:
        result["commit"] = sys.argv[3]
    with open(os.path.join(documents, "scale.json"), "w") as f:
        json.dump(result, f, indent=1)
        f.write("\n")
    write_tables(measured, found, sys.stdout)
    write_plots(measured, documents)


if __name__ == "__main__":
    main()
