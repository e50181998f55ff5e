#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Completion of denalictl's words, and its manual page, have just what its own help has.

# shellcheck source=selftests/ctllib.sh
. "$(dirname "$0")/ctllib.sh"

trap 'rm -rf "$tmp"' EXIT

# A file of userspace/, in the tree or where it is installed.
part()
{
	local tree=$dir/../../../userspace/$1
	[ -e "$tree" ] && echo "$tree" || echo "$2"
}

# shellcheck source=userspace/completion/denalictl
. "$(part completion/denalictl /usr/share/bash-completion/completions/denalictl)"

# What completion asks. Names in capitals are no keywords.
denalictl()
{
	case "$*" in
	"-j list") echo '[{"id":1,"name":"VM1","state":"ended"},{"id":2,"name":"VM2"}]' ;;
	"-j tenant list") echo '[{"name":"T1"}]' ;;
	"-j switch show") echo '[{"id":1,"name":"SW1"}]' ;;
	esac
}
ip()
{
	case "$*" in
	*"type tun") echo '3: TAP1: <BROADCAST> mtu 1500' ;;
	*"type bridge") echo '4: BR1: <BROADCAST> mtu 1500' ;;
	esac
}

# offered WORD...: how the last word, which may be empty, can go on, in COMPREPLY.
offered()
{
	COMP_WORDS=(denalictl "$@")
	COMP_CWORD=$#
	_denalictl
}

# is_offered WORDS WORD...: just these, in any order.
is_offered()
{
	local want=$1 got
	shift
	offered "$@"
	got=$(printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd ' ')
	[ "$got" = "$want" ] || { echo "after '$*': '$got', not '$want'"; return 1; }
}

is_keyword()
{
	[[ $1 =~ ^-*[a-z]+$ || $1 == -- ]]
}

# keywords TEXT: those of a grammar, in words: what isn't in capitals.
keywords()
{
	local word
	words=()
	for word in ${1//[^a-zA-Z0-9-]/ }; do
		! is_keyword "$word" || words+=("$word")
	done
}

# The grammar of all commands, a line for each verb, without the program's name.
grammar()
{
	"$ctl" help | sed -n 's/^denalictl //p'
}

commands()
{
	is_offered "$(grammar | cut -d ' ' -f 1 | sort -u | paste -sd ' ')" help ""
}

# Behind a command, and its verb if it has some, a name and each keyword, completion offers the
# keywords of the grammar, and no others where a keyword can stand.
line_offered()
{
	local line=$1 cmd verb word value begin words second bad=0
	local -A want=() all=()

	read -r cmd verb _ <<<"$line"
	case $cmd,$verb in
	nic,[a-z]*|switch,[a-z]*|tenant,[a-z]*|pool,[a-z]*) begin=("$cmd" "$verb") ;;
	*) begin=("$cmd") ;;
	esac
	keywords "${line#"${begin[*]}"}"
	for word in "${words[@]}"; do want[$word]=1; done
	offered "${begin[@]}" X ""
	second=("${COMPREPLY[@]}")
	offered "${begin[@]}" ""
	for word in "${COMPREPLY[@]}"; do all[$word]=1; done
	[ "$cmd" != create ] || offered create template X ""
	for word in "${COMPREPLY[@]}"; do all[$word]=1; done
	for word in "${second[@]}"; do
		is_keyword "$word" || continue
		all[$word]=1
		[ -n "${want[$word]:-}" ] || { echo "$line: $word is offered"; bad=1; }
		offered "${begin[@]}" X "$word" ""
		for value in "${COMPREPLY[@]}"; do all[$value]=1; done
	done
	for word in "${!want[@]}"; do
		[ -n "${all[$word]:-}" ] || { echo "$line: $word isn't offered"; bad=1; }
	done
	return $bad
}

keywords_offered()
{
	local line bad=0
	# What there is doesn't matter here, and takes time.
	_denalictl_vms() { echo VM1; }
	_denalictl_switches() { echo SW1; }
	_denalictl_links() { echo TAP1; }
	_denalictl_tenants() { echo T1; }
	while read -r line; do
		line_offered "$line" || bad=1
	done < <(grammar)
	return $bad
}

# The page's synopsis has every keyword of the help's, in a line about that command or in what
# such lines refer to (NIC := ...).
manual()
{
	local page
	page=$(part man/denalictl.8 /usr/share/man/man8/denalictl.8)
	MANWIDTH=1000 man -l "$page" | col -b >"$tmp/page"
	grammar >"$tmp/grammar"
	python3 - "$tmp/page" "$tmp/grammar" <<-'END'
	import re, sys
	page = open(sys.argv[1]).read()
	page = page[page.index("SYNOPSIS"):page.index("DESCRIPTION")].splitlines()
	words = lambda text: set(re.findall(r"(?<![\w-])(?:-*[a-z]+|--)(?![\w-])", text))
	bad = 0
	for line in open(sys.argv[2]):
	    command = line.split()[0]
	    about = set().union(*(words(l) for l in page if ":=" in l or command in words(l)))
	    for word in words(line) - about:
	        print(f"{line.strip()}: the page doesn't have {word}")
	        bad = 1
	sys.exit(bad)
	END
}

plan 14
check "help of every command is offered" commands
check "keywords, of every command" keywords_offered
if command -v man >/dev/null; then
	check "the manual page has them" manual
else
	skip "the manual page has them" "no man"
fi
check "VMs" is_offered "VM1 VM2" start ""
check "a VM behind options" is_offered "VM1 VM2" -j -p start ""
check "several VMs" is_offered "VM1 VM2" kill VM1 VM
check "taps, and switch" is_offered "TAP1 switch" create IMAGE nic ""
check "taps, of nic add behind options" is_offered "TAP1 switch" -j -p nic add VM1 nic ""
check "switches" is_offered "SW1" create IMAGE nic switch ""
check "a switch to be changed" is_offered "SW1" switch set ""
check "bridges" is_offered "BR1" switch add S uplink TAP1 bridge ""
check "verbs" is_offered "add del set show" switch ""
check "no words among boot arguments" is_offered "" run IMAGE args ""
check "no words where a number stands" is_offered "" set VM1 weight ""
finish
