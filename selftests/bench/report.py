#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""One table and one JSON file from what a run of the benchmarks left behind.

Usage: report.py DIR [COMMIT]

DIR has measured (what the measuring program printed), counts (what the instruction counter
saw) and perhaps measured-pcid and measured-nopcid (what was printed in Bochs); bench.json and profile.txt are put beside them.
"""

import json
import os
import sys

import where

# Operations that serialise a CPU or cost it dozens of cycles and more: columns of the table.
COLUMNS = ["mov cr3", "wrmsr", "rdmsr", "lgdt", "lidt", "ltr", "lldt", "iret", "segment load", "xsave", "xrstor"]

PATHS = [
    # name, text, at most
    ("hypercall-switcher", "hypercall answered in the switcher", 10),
    ("exit-irqs-off", "full exit and back, IRQs off", 150),
    ("exit-preemptible", "the same through preemptible C (doorbell)", 250),
    ("exit-idle", "the same, by an idle that is over at once", None),
    ("vm-to-vm", "switch from a VM to another", 400),
    ("exception", "exception to the guest's own handler", 150),
    ("exception-return", "return from that handler", None),
    ("upcall", "full exit that returns into an upcall", None),
    ("getppid", "getppid()", None),
    ("pipe-switch", "pipe: switch to another process", None),
]

LIVES = [
    ("vm-life", "VM of 256 KiB: create, start, first hypercall, destroy"),
    ("clone-life", "the same of a clone of a template"),
    ("create-first", "VM: create to its first instruction"),
    ("clone-first", "clone to its first instruction"),
    ("create-large", "VM of 16 MiB: create alone"),
    ("clone-singly", "clone, not started: one of 64, one by one"),
    ("clone-batch", "the same, all 64 by one request"),
    ("reset", "reset of an idle clone that wrote to four pages"),
    ("reset-first", "the same, and to its first instruction"),
    ("reset-ended-first", "the same of a clone that has ended"),
    ("fork-exec-exit", "fork, exec, exit of a static program without libc"),
    ("fork-exec-exit-libc", "the same with glibc"),
]

# To its first instruction a VM takes at most the part of a process's life that this divides.
FIRST_PARTS = {"create-first": 2, "clone-first": 10, "reset-first": 50}

MEMORY = [
    ("idle", "idle VM, page tables reclaimed", 8192),
    ("active", "active VM", 32768),
    ("idle-console", "idle VM that has printed", None),
    ("active-console", "active VM that has printed", None),
    ("switch-port", "NIC on a switch of the module's", 1024),
    ("tap", "tap, up and on a bridge (not the module's)", None),
]

NET = [
    ("udp", "UDP round trip"),
    ("http", "HTTP request, kept alive"),
]
SERVERS = [("vm", "VM"), ("native", "process in a namespace"), ("tap", "process that owns a tap, no stack")]
NET_RATIO = 1.5


def read_measured(path):
    measured = {"insns": {}, "mean": {}, "memory": {}}
    with open(path) as f:
        for line in f:
            kind, *rest = line.split()
            if kind == "kernel":
                measured["kernel"] = rest[0]
            elif kind == "insns":
                measured["insns"][rest[0]] = {"min": float(rest[1]), "median": float(rest[2])}
            elif kind == "mean":
                measured["mean"][rest[0]] = int(rest[1])
            elif kind == "memory":
                measured["memory"].setdefault(rest[0], {})[rest[1]] = int(rest[2])
    return measured


def verdict(value, aim):
    return {"aim": aim, "met": value <= aim}


def number(n):
    return f"{n:,.0f}" if n == int(n) else f"{n:,.1f}"


def aim_text(entry):
    if "aim" not in entry:
        return ""
    return f"aim {number(entry['aim'])}: " + ("met" if entry["met"] else "NOT MET")


def collect(measured, counts):
    """All figures, with their aims, as they go into the JSON file."""
    insns = measured["insns"]
    result = {"kernel": measured.get("kernel"), "unit": "instructions", "paths": {}, "life": {},
              "memory": {}, "net": {}}
    for name, _, aim in PATHS:
        if name not in insns:
            continue
        entry = dict(insns[name], operations=counts.get(name, {}).get("ops", {}),
                     counted=counts.get(name, {}).get("insns"))
        if aim is not None:
            entry.update(verdict(entry["median"], aim))
        result["paths"][name] = entry
    for name, _ in LIVES:
        if name in insns:
            result["life"][name] = dict(insns[name], mean=measured["mean"].get(name),
                                        operations=counts.get(name, {}).get("ops", {}))
    if "fork-exec-exit" in result["life"]:
        # Both what the caller waits for and all that it causes have to be less.
        vm, process = result["life"]["vm-life"], result["life"]["fork-exec-exit"]
        vm.update(verdict(vm["median"], process["median"]))
        vm["met"] = vm["met"] and vm["mean"] < process["mean"]
        for name, part in FIRST_PARTS.items():
            result["life"][name].update(verdict(result["life"][name]["median"], process["median"] / part))
    for name, _, aim in MEMORY:
        if name not in measured["memory"]:
            continue
        parts = dict(measured["memory"][name])
        entry = {"bytes": parts.pop("total"), "module": parts.pop("module", None), "parts": parts}
        if aim is not None:
            entry.update(verdict(entry["bytes"], aim))
        result["memory"][name] = entry
    for name, _ in NET:
        for server, _ in SERVERS:
            region = f"{name}-{server}"
            if region in insns:
                result["net"][region] = dict(insns[region], operations=counts.get(region, {}).get("ops", {}))
        if f"{name}-vm" in result["net"]:
            vm, native = result["net"][f"{name}-vm"], result["net"][f"{name}-native"]
            vm["ratio"] = round(vm["median"] / native["median"], 3)
            vm.update(verdict(vm["median"], NET_RATIO * native["median"]))
    return result


def collect_tags(directory):
    """Paths with PCID and without, by name: the same program in Bochs, if that was there."""
    result = {}
    for kind in ("pcid", "nopcid"):
        path = os.path.join(directory, f"measured-{kind}")
        if not os.path.exists(path):
            return {}
        insns = read_measured(path)["insns"]
        for name, _, aim in PATHS:
            result.setdefault(name, {})[kind] = insns[name]["median"]
    for name, _, aim in PATHS:
        if aim is not None:
            result[name].update(verdict(max(result[name].values()), aim))
    return result


def operations_text(ops):
    return "".join(f"{ops.get(c, 0) or '.':>6}" for c in COLUMNS)


def write_table(result, out):
    heads = ["CR3", "WRMSR", "RDMSR", "LGDT", "LIDT", "LTR", "LLDT", "IRET", "segs", "XSAVE", "XRSTR"]
    out.write(f"Kernel {result['kernel']}, one CPU, instructions (minimum and median); operations that\n"
              "serialise a CPU or are dear on one, counted in the shortest pass\n\n")
    if result["paths"]:
        out.write(f"{'Paths':44}{'min':>9}{'median':>9} {''.join(f'{h:>6}' for h in heads)}\n")
    for name, text, _ in PATHS:
        entry = result["paths"].get(name)
        if entry:
            out.write(f"{text:44}{number(entry['min']):>9}{number(entry['median']):>9} "
                      f"{operations_text(entry['operations'])}  {aim_text(entry)}\n")
    if result["tags"]:
        out.write(f"\n{'Paths in Bochs':44}{'with PCID':>12}{'without':>12}\n")
    for name, text, _ in PATHS:
        entry = result["tags"].get(name)
        if entry:
            out.write(f"{text:44}{number(entry['pcid']):>12}{number(entry['nopcid']):>12}  {aim_text(entry)}\n")
    if result["life"]:
        out.write(f"\n{'Lives':56}{'min':>9}{'median':>9}{'mean, with what is put off':>28}\n")
    for name, text in LIVES:
        entry = result["life"].get(name)
        if entry:
            out.write(f"{text:56}{number(entry['min']):>9}{number(entry['median']):>9}"
                      f"{number(entry['mean']) if entry['mean'] else '':>28}  {aim_text(entry)}\n")
    if result["memory"]:
        out.write(f"\n{'Host memory beyond the partition':46}{'bytes each':>12}{'by the module':>15}\n")
    for name, text, _ in MEMORY:
        entry = result["memory"].get(name)
        if entry:
            module = number(entry["module"]) if entry["module"] is not None else "-"
            out.write(f"{text:46}{number(entry['bytes']):>12}{module:>15}  {aim_text(entry)}\n")
            parts = sorted(entry["parts"].items(), key=lambda part: -part[1])
            shown = [f"{part.replace('slab:', '')} {number(n)}" for part, n in parts[:6]]
            others = sum(n for _, n in parts[6:])
            if others:
                shown.append(f"others {number(others)}")
            out.write(f"    {', '.join(shown)}\n")
    if result["net"]:
        out.write(f"\n{'Network, client included':56}{'min':>9}{'median':>9}{'ratio':>8}\n")
    for name, text in NET:
        for server, who in SERVERS:
            entry = result["net"].get(f"{name}-{server}")
            if entry:
                ratio = f"{entry['ratio']:.2f}" if "ratio" in entry else ""
                out.write(f"{text + ': ' + who:56}{number(entry['min']):>9}{number(entry['median']):>9}"
                          f"{ratio:>8}  {aim_text(entry)}\n")


def check_clock(result):
    """The two ways to count have to agree where they look at the same stretch."""
    for name, entry in result["paths"].items():
        if name not in ("vm-to-vm", "pipe-switch") and entry["counted"] != entry["min"]:
            sys.exit(f"report.py: {name}: {entry['min']:.0f} instructions by the clock, "
                     f"{entry['counted']} by the counter")


def main():
    directory = sys.argv[1]
    measured = read_measured(os.path.join(directory, "measured"))
    counts = where.read_counts(os.path.join(directory, "counts"))
    result = collect(measured, counts)
    result["tags"] = collect_tags(directory)
    if len(sys.argv) > 2:
        result["commit"] = sys.argv[2]
    with open(os.path.join(directory, "bench.json"), "w") as f:
        json.dump(result, f, indent=1)
        f.write("\n")
    with open(os.path.join(directory, "profile.txt"), "w") as f:
        where.write(counts, where.Names(directory), f)
    write_table(result, sys.stdout)
    check_clock(result)


if __name__ == "__main__":
    main()
