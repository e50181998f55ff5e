#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Who gets the CPU under sched=rr: the cases of sched_test that don't need weights. Leaves the module
# loaded as the runner had it.

# shellcheck source=selftests/shlib.sh
. "$(dirname "$0")/shlib.sh"

[ -n "${DENALI_MODULE:-}" ] || skip_all "the module's file isn't known: set DENALI_MODULE"
trap 'denali_unload; denali_load' EXIT

under_rr()
{
	denali_unload && denali_load sched=rr && "$dir/sched_test"
}

plan 1
shown "round robin" under_rr
finish
