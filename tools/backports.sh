# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What tools/kernel, tools/qemu and tools/bochs-tags share: Debian's own packages of
# another suite than the machine's, or several, the backports if nothing is said, unpacked in the
# cache and never installed. apt works on a state of its own meanwhile, so that the machine's
# set-up is left alone. Sourced, not run; uses their variables me and cache.

suite=bookworm-backports
type=deb

fail()
{
	echo "$me: $*" >&2
	exit 1
}

# The machine's entry for Debian's main archive says where that is and which key it has.
backports_entry()
{
	local one

	awk -v RS= -v suite="$suite" -v type="$type" '/Types:/ && /Suites:[^\n]*bookworm / && !/Enabled: no/ {
		sub(/Types:[^\n]*/, "Types: " type)
		sub(/Suites:[^\n]*/, "Suites: " suite)
		print
		exit
	}' /etc/apt/sources.list.d/*.sources 2>/dev/null | grep -v '^#' | tee "$1/backports.sources" |
		grep -q . && return
	rm -f "$1/backports.sources"
	for one in $suite; do
		sed -n "s/^deb\( .*\) bookworm \(main.*\)/$type\1 $one \2/p" /etc/apt/sources.list 2>/dev/null | head -n 1
	done >"$1/backports.list"
	[ -s "$1/backports.list" ] ||
		fail "apt has no entry for Debian's bookworm archive to find $suite beside"
}

# Makes $work, which goes when the script ends, and the array apt: the options for an
# apt that knows $suite. $1: what apt-get is needed for.
backports_open()
{
	command -v apt-get >/dev/null || fail "no apt-get here: $1"
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/fetch.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	mkdir -p "$work"/{lists/partial,cache/archives/partial,parts,deb,root}
	backports_entry "$work/parts"
	apt=(-q -o "Dir::State::Lists=$work/lists" -o Dir::Etc::SourceList=/dev/null
	     -o "Dir::Etc::SourceParts=$work/parts" -o "Dir::Cache=$work/cache"
	     -o Dir::State::Status=/dev/null -o APT::Sandbox::User=root)
	apt-get "${apt[@]}" update >&2 || fail "apt can't read the lists of $suite"
}

# backports_needs PACKAGE...: prints these and all that they need, as if nothing were installed.
backports_needs()
{
	apt-get "${apt[@]}" -s --no-install-recommends install "$@" | awk '$1 == "Inst" { print $2 }'
}

# backports_unpack PACKAGE...: into $work/root.
backports_unpack()
{
	local file

	(cd "$work/deb" && apt-get "${apt[@]}" download "$@" >&2) || fail "apt can't fetch $*"
	for file in "$work"/deb/*.deb; do
		dpkg-deb -x "$file" "$work/root" || fail "$file: can't be unpacked"
	done
}
