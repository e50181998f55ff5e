#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Where instructions go: the counter's addresses, by function.

Usage: where.py DIR [REGION...]

DIR is where a run of the benchmarks left counts, kallsyms and guests/; a region is what
regions.h names. The kernel's functions are named from its own symbols of the
same boot, a guest's from its image; processes are summed up as one.
"""

import bisect
import os
import subprocess
import sys

KERNEL = 1 << 63
GUEST_END = 1 << 32

# Whose code a region runs below 4 GiB.
GUESTS = {"udp-vm": "echo", "http-vm": "httpd"}


class Symbols:
    """Functions by address."""

    def __init__(self, lines):
        found = []
        for line in lines:
            fields = line.split()
            if len(fields) > 2 and fields[1] in "tTwW":
                found.append((int(fields[0], 16), " ".join(fields[2:])))
        found.sort()
        self.addrs = [a for a, _ in found]
        self.names = [n for _, n in found]

    def name(self, addr):
        i = bisect.bisect_right(self.addrs, addr)
        return self.names[i - 1] if i else hex(addr)


class Names:
    """The name of what is at an address in a region."""

    def __init__(self, directory):
        with open(os.path.join(directory, "kallsyms")) as f:
            self.kernel = Symbols(f)
        self.guests = {}
        for region, guest in GUESTS.items():
            image = os.path.join(directory, "guests", guest)
            if os.path.exists(image):
                nm = subprocess.run(["nm", image], stdout=subprocess.PIPE, text=True, check=True)
                self.guests[region] = Symbols(nm.stdout.splitlines())

    def name(self, region, addr):
        if addr >= KERNEL:
            return self.kernel.name(addr)
        if addr >= GUEST_END:
            return "(processes)"
        if region in self.guests:
            return self.guests[region].name(addr) + " [guest]"
        return "(guest)"


def read_counts(path):
    """{region: {"passes", "insns", "ops": {op: n}, "at": {addr: n}}}"""
    regions = {}
    with open(path) as f:
        for line in f:
            kind, rest = line.rstrip("\n").split(" ", 1)
            if kind == "region":
                name, passes, insns = rest.split()
                now = {"passes": int(passes), "insns": int(insns), "ops": {}, "at": {}}
                regions[name] = now
            elif kind == "op":
                n, op = rest.split(" ", 1)
                now["ops"][op] = int(n)
            else:
                addr, n = rest.split()
                now["at"][int(addr, 16)] = int(n)
    return regions


def by_function(name, region, names):
    """[(instructions, function)], most first."""
    total = {}
    for addr, n in region["at"].items():
        function = names.name(name, addr)
        total[function] = total.get(function, 0) + n
    return sorted(((n, function) for function, n in total.items()), reverse=True)


def side(function):
    """Who answers for a function."""
    if function.endswith("[denali]"):
        return "denali.ko"
    if function.endswith("[guest]") or function == "(guest)":
        return "guest"
    return "processes" if function == "(processes)" else "rest of the kernel"


def write(regions, names, out, wanted=None):
    for name in wanted or regions:
        region = regions[name]
        functions = by_function(name, region, names)
        out.write(f"{name}: {region['insns']} instructions, the shortest of {region['passes']} passes\n")
        for op, n in region["ops"].items():
            out.write(f"  {n:7}  {op}\n")
        sides = {}
        for n, function in functions:
            sides[side(function)] = sides.get(side(function), 0) + n
        out.write("  by side: " + ", ".join(f"{who} {n}" for who, n in sides.items()) + "\n")
        out.write("  by function:\n")
        for n, function in functions:
            out.write(f"  {n:7}  {function}\n")
        out.write("\n")


def main():
    regions = read_counts(os.path.join(sys.argv[1], "counts"))
    for name in sys.argv[2:]:
        if name not in regions:
            sys.exit(f"where.py: {name}: not measured; there are {', '.join(regions)}")
    write(regions, Names(sys.argv[1]), sys.stdout, sys.argv[2:])


if __name__ == "__main__":
    main()
