#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every instruction: a VM executes a sample of the space of all of them, and nothing but
# that VM comes to harm. With arguments it is the program sweep (sweep.c) with the
# module loaded: "sweep.sh --all" is the whole of it, on any machine that the module may be
# loaded on. In the suite the sample is always the same, unless DENALI_SWEEP_SEED says which.

. "$(dirname "$0")/shlib.sh"

[ $# = 0 ] || run_program sweep "$@"

# planted CASE WHAT: harm done with a case is found, and which case it was.
planted()
{
	local out

	out=$("$dir/sweep" --sample 2000 --seed 1 --from 1488 --count 32 --plant "$1")
	[ $? = 1 ] && [[ $out == *"# HARM: $2"*"# case $1 ("* ]] && return
	echo "$out"
	return 1
}

plan 5
# The output shows the batch before it runs, so it isn't kept back until the end.
shown "a sample of all instructions and random sequences" "$dir/sweep" --sample 2000 --random 20000 \
	--seed "${DENALI_SWEEP_SEED:-1}"
shown "an instruction alone" "$dir/sweep" --bytes 'cd 1a f4'
check "harm is found, and its case: a canary's memory" planted 1500 "canary VM"
check "harm is found, and its case: a segment's base" planted 1501 "this process: FS base"
check "harm is found, and its case: a breakpoint" planted 1502 "this process: hardware breakpoint"
finish
