#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The library OS: runs its test guests, each a list of checks of its own, and looks
# at what only the outside can see: exit statuses, reports, least memory.

# shellcheck source=selftests/ctllib.sh
. "$(dirname "$0")/ctllib.sh"

hello=/usr/lib/denali/guests/hello
[ -e "$dir/../../../libos/build/guests/hello" ] && hello=$dir/../../../libos/build/guests/hello
trap 'rm -rf "$tmp"' EXIT

plan 22
denali_load || exit 1

# tap GUEST ARG...: a guest whose checks all hold; those that don't are shown.
tap()
{
	local name=$1 status
	shift
	"$ctl" run "$(guest "$name")" "$@" >"$tmp/out"
	status=$?
	grep -v '^ok' "$tmp/out" | head -30
	[ $status = 0 ] && grep -q '^1\.\.[1-9]' "$tmp/out" && ! grep -q '^not ok' "$tmp/out"
}

# ends STATUS TEXT IMAGE ARG...: it ends so, with that text in what is printed.
ends()
{
	local want=$1 text=$2 out got
	shift 2
	out=$("$ctl" run "$@" </dev/null 2>&1)
	got=$?
	[ $got = "$want" ] || { echo "status $got, not $want: $out"; return 1; }
	[[ $out == *"$text"* ]] || { echo "not printed: '$text': $out"; return 1; }
}

# The second line goes out when the guest has asked for it.
poll_guest()
{
	local status
	mkfifo "$tmp/in" || return
	"$ctl" run "$(guest libos-poll)" <"$tmp/in" >"$tmp/out" &
	exec 3>"$tmp/in"
	echo line one >&3
	wait_for grep -q '^# more' "$tmp/out"
	echo line two >&3
	wait $!
	status=$?
	exec 3>&-
	grep -v '^ok' "$tmp/out"
	return $status
}

# Streams of threads are one: every line whole, none twice, none lost.
whole_lines()
{
	local n
	tap libos-stdio -- one=1 'two="a b"' three || return
	for n in 0 1 2; do
		[ "$(grep -cx "# thread $n says the quick brown fox jumps over the lazy dog" "$tmp/out")" = 40 ] || return
	done
}

for name in threads sync malloc pthread exception; do
	check "$name" tap "libos-$name"
done
check "malloc in 256 KiB" tap libos-malloc memory 256K
check "descriptors, poll and select, console input" poll_guest
check "libc, boot arguments, lines of several threads" whole_lines
check "hello" ends 0 "Hello" "$hello"
check "hello in 192 KiB, its status, its arguments" ends 7 "status=7" "$hello" memory 192K -- status=7
check "hello in too little memory is refused" ends 126 "memory" "$hello" memory 64K
exc=$(guest libos-exception)
check "exit status" ends 77 "" "$exc" -- fault=exit
check "a failed assertion is in the report" ends 125 "assertion failed: how[0] == 'x'" "$exc" -- fault=assert
check "abort is" ends 125 "abort() called" "$exc" -- fault=abort
check "panic is" ends 125 "number -5, string abc, hex feed" "$exc" -- fault=panic
check "a null pointer is a fault" ends 125 "" "$exc" -- fault=null
check "an exception that is declined is in the report" ends 125 "exception 0" "$exc" -- fault=decline
check "a thread that overruns its stack is named" ends 125 "thread deep overran its stack" "$exc" -- fault=overrun
check "a signal without handler is 128 and its number" ends 143 "" "$exc" -- fault=raise

cc=$dir/../../../libos/denali-cc
[ -x "$cc" ] || cc=$(command -v denali-cc)
if [ -n "$cc" ] && command -v gcc >/dev/null; then
	printf '#include <denali-os/console.h>\nint main(void)\n{\n\tdenali_console_puts("tiny\\n");\n\treturn 3;\n}\n' >"$tmp/tiny.c"
	tiny()
	{
		"$cc" -Os --heap 0 --stack 4K -o "$tmp/tiny" "$tmp/tiny.c" && ends 3 tiny "$tmp/tiny" memory 64K
	}
	refuses()
	{
		! out=$("$cc" "$@" 2>&1) && [[ $out == denali-cc:* ]]
	}
	bad()
	{
		refuses -m64 -o "$tmp/x" "$tmp/tiny.c" && refuses --memory 3x -o "$tmp/x" "$tmp/tiny.c" &&
			refuses -o "$tmp/x" "$tmp/none.c" && refuses "$tmp/tiny.c" && refuses --stack
	}
	# Each refused one has a function and a line of its own; the table is data, and ud2 and int3 are a guest's to use.
	refused()
	{
		local n=0 i

		echo '#define F(n, insn) void f##n(void); void f##n(void) { __asm__ __volatile__(insn); }' >"$tmp/f.c"
		for i in "$@"; do
			n=$((n + 1))
			echo "F($n, \"$i\")" >>"$tmp/f.c"
		done
		refuses --bare -g -Wl,-u,f1 -fno-function-sections -o "$tmp/x" "$tmp/f.c" "$tmp/main.c" || return
		for i in $(seq $n); do
			[[ $out == *"f.c:$((i + 1)): 0x"*" in f$i(): "*--any-instruction* ]] || { echo "f$i: $out"; return 1; }
		done
		[ ! -e "$tmp/x" ] || { echo "an image is left"; return 1; }
	}
	instructions()
	{
		refused hlt cli "sgdt (%eax)" "sldt %eax" "str %eax" "smsw %eax" "lar %eax, %eax" "verw %ax" &&
			refused sysenter syscall "int \$0x80" "rep outsb" "mov %cr0, %eax" rdmsr rdpmc &&
			"$cc" --bare --any-instruction -Wl,-u,f1 -o "$tmp/x" "$tmp/f.c" "$tmp/main.c" &&
			"$cc" --bare -o "$tmp/x" "$tmp/main.c"
	}
	cat >"$tmp/main.c" <<-'END'
	__asm__(".text\n.type table, @object\ntable: .byte 0xf4, 0xfa, 0x0f, 0x01, 0x00\n.size table, . - table");
	void denali_main(void)
	{
		__asm__ __volatile__("int $0x1a; int3; ud2" : : "a" (0));
	}
	END
	check "denali-cc: a guest without stdio runs in 64 KiB" tiny
	check "denali-cc refuses instructions that a guest can't use" instructions
	check "denali-cc refuses what makes no sense" bad
else
	skip "denali-cc: a guest without stdio runs in 64 KiB" "no compiler here"
	skip "denali-cc refuses instructions that a guest can't use" "no compiler here"
	skip "denali-cc refuses what makes no sense" "no compiler here"
fi
finish
