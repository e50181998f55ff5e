# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What tools/kernel and tools/qemu share: Debian's own packages of the backports suite,
# unpacked in the cache and never installed. apt works on a state of its own meanwhile,
# so that the machine's set-up is left alone. Sourced, not run; uses their variables
# me and cache.

fail()
{
	echo "$me: $*" >&2
	exit 1
}

# The machine's entry for Debian's main archive says where that is and which key it has.
backports_entry()
{
	awk -v RS= '/Types:/ && /Suites:[^\n]*bookworm / && !/Enabled: no/ {
		sub(/Types:[^\n]*/, "Types: deb")
		sub(/Suites:[^\n]*/, "Suites: bookworm-backports")
		print
		exit
	}' /etc/apt/sources.list.d/*.sources 2>/dev/null | grep -v '^#' | tee "$1/backports.sources" |
		grep -q . && return
	rm -f "$1/backports.sources"
	sed -n 's/^\(deb .*\) bookworm \(main.*\)/\1 bookworm-backports \2/p' /etc/apt/sources.list \
		2>/dev/null | head -n 1 >"$1/backports.list"
	[ -s "$1/backports.list" ] ||
		fail "apt has no entry for Debian's bookworm archive to find the backports beside"
}

# Makes $work, which goes when the script ends, and the array apt: the options for an
# apt that knows the backports. $1: what apt-get is needed for.
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
	     -o Dir::State::Status=/var/lib/dpkg/status -o APT::Sandbox::User=root)
	apt-get "${apt[@]}" update >&2 || fail "apt can't read the lists of the backports"
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
