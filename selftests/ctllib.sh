# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What tests of denalictl share: where it is, what it says and how it ends. Sourced, not
# run. A test sets its own trap, and removes $tmp in it.

# shellcheck source=selftests/shlib.sh
. "$(dirname "${BASH_SOURCE[0]}")/shlib.sh"

ctl=${DENALICTL:-$(command -v denalictl || echo "$dir/../../../userspace/build/denalictl")}
tmp=$(mktemp -d)

vm_names()
{
	"$ctl" list | awk 'NR > 1 { print $2 }'
}

no_vms()
{
	[ -z "$(vm_names)" ] || { "$ctl" list; return 1; }
}

no_link()
{
	! ip link show "$1"
}

# A value of a JSON text on standard input, by a Python expression on it, which is d.
json()
{
	python3 -c "import json,sys; d=json.load(sys.stdin); print($1)"
}

# status STATUS COMMAND...: it ends with that.
status()
{
	local want=$1 got
	shift
	"$@"
	got=$?
	[ $got = "$want" ] || { echo "status $got, not $want: $*"; return 1; }
}

run_ctl()
{
	"$ctl" "$@"
}

# says TEXT STATUS ARG...: denalictl ends so, with that text in its messages.
says()
{
	local text=$1 want=$2 out got
	shift 2
	out=$(run_ctl "$@" </dev/null 2>&1)
	got=$?
	[ $got = "$want" ] || { echo "status $got, not $want: $out"; return 1; }
	[[ $out == *"$text"* ]] || { echo "not in the message: '$text': $out"; return 1; }
}

# denalictl as a user who isn't root, and who may not be allowed to go where the tree is.
public=$tmp/public
as_nobody()
{
	if [ ! -d "$public" ]; then
		mkdir "$public" && cp "$ctl" "$(guest basic)" "$public" || return
		cp "${ctl%/*}"/libdenali.so.* "$public" 2>/dev/null
		chmod 755 "$tmp"
	fi
	LD_LIBRARY_PATH=$public setpriv --reuid=65534 --regid=65534 --clear-groups "$public/denalictl" "$@"
}
