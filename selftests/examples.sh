#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The documents, taken at their word: every command line of theirs that begins with a
# prompt ("$ " or "# ") is run, in their order, and must print what they show. And
# troubleshooting.rst must know every line with which the module refuses to load.
#
# What a document shows of a command's output are the lines behind it, to the next
# blank line or prompt; "..." stands for anything. A command succeeds, unless
# the next one asks for its status ("$ echo $?").
#
# All of it runs in a copy of the examples' directory.

# shellcheck source=selftests/shlib.sh
. "$(dirname "$0")/shlib.sh"

tree=${DENALI_TREE:-}
[ -n "$tree" ] && [ -d "$tree/Documentation" ] || skip_all "the documents are not installed"
doc=$tree/Documentation/guest-programming.rst
trouble=$tree/Documentation/troubleshooting.rst

for link in br0 tap0 tap1; do
	! ip link show $link >/dev/null 2>&1 || skip_all "there is an interface $link, which the documents make"
done

PATH=$tree/userspace/build:$tree/libos:$PATH
tmp=$(mktemp -d)
cleanup()
{
	local vm
	for vm in $(denalictl list | awk 'NR > 1 { print $2 }'); do
		denalictl destroy "$vm"
	done
	[ ! -e /run/dnsmasq-br0.pid ] || kill "$(cat /run/dnsmasq-br0.pid)"
	ip link del br0
	rm -rf "$tmp"
} >/dev/null 2>&1
trap cleanup EXIT
cp "$tree"/Documentation/examples/*.c "$tmp/" && cd "$tmp" || exit 1

# The document as records: the command, then what it is to print, a form feed behind.
records()
{
	awk '
		function flush() { if (cmd != "") printf "%s\n%s\f", cmd, out; cmd = out = "" }
		/^[ \t]+[$#] / { flush(); line = $0; sub(/^[ \t]+[$#] /, "", line); cmd = line; match($0, /^[ \t]+/)
				 indent = RLENGTH; next }
		/^[ \t]*$/ || cmd == "" { flush(); next }
		{ match($0, /^[ \t]*/); if (RLENGTH < indent) { flush(); next } out = out substr($0, indent + 1) "\n" }
		END { flush() }' "$1"
}

# same TEXT PATTERN: "..." in the pattern is anything, blanks are any number of blanks, all
# else is itself.
same()
{
	local text pattern
	text=$(printf '%s' "$1" | sed -E 's/ +/ /g')
	pattern=$(printf '%s' "$2" | sed -E -e 's/[][*?\\]/\\&/g' -e 's/ *\.\.\. */*/g' -e 's/ +/ /g')
	# shellcheck disable=SC2053 # the right side is a pattern
	[[ $text == $pattern ]]
}

mapfile -d $'\f' -t list < <(records "$doc")
plan $((${#list[@]} + 2))
last=0
for i in "${!list[@]}"; do
	cmd=${list[i]%%$'\n'*}
	want=${list[i]#*$'\n'}
	want=${want%$'\n'}
	next=${list[i + 1]:-}
	(exit $last)
	eval "$cmd" >"$tmp/.out" 2>&1 </dev/null
	last=$?
	out=$(cat "$tmp/.out")
	if [ $last != 0 ] && [ "${next%%$'\n'*}" != 'echo $?' ]; then
		not_ok "$cmd"
		printf 'status %s\n%s\n' $last "$out" | sed 's/^/# /'
	elif ! same "$out" "$want"; then
		not_ok "$cmd"
		printf 'the document shows:\n%s\nit prints:\n%s\n' "$want" "$out" | sed 's/^/# /'
	else
		ok "$cmd"
	fi
done

# The messages that stop the module, from its source: the longest part of each that holds no
# conversion must stand in the document, wherever its lines are broken.
refusals()
{
	local text known missing=0
	text=$(tr -s ' \t\n' ' ' <"$trouble")
	while read -r known; do
		[[ $text == *"$known"* ]] || { echo "not explained: $known"; missing=1; }
	done < <(grep -hoE '(pr_err|dn_refuse)\("[^"]*"' "$tree"/kmod/*.c |
		sed -E 's/^[a-z_]+\("//; s/"$//; s/\\n//; s/^refusing to load: %s$//; s/%[-0-9.]*(ll|l|z)?[a-z]/\n/g' |
		awk -v RS= '{ print }' | sed 's/^ *//; s/ *$//' | awk 'length > 12')
	[ $missing = 0 ]
}
# The host's own program, of host-interface.rst.
vm_sum()
{
	make -s -C "$tree/Documentation/examples" build/vm-sum &&
		"$tree/Documentation/examples/build/vm-sum" | grep 'ended with status 0: the sum is 100'
}
check "vm-sum" vm_sum
check "each refusal of the module is explained" refusals
finish
