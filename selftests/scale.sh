#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A small crowd of VMs on a switch, as make bench-scale has by the thousand: each of them
# answers and leaves nothing behind, and those who have nothing to do cost nothing.

# shellcheck source=selftests/shlib.sh
. "$(dirname "$0")/shlib.sh"

plan 2
denali_load || exit 1

# The program says what is wrong and ends with a status.
check "200 VMs answer UDP and HTTP, lose their page tables, and are destroyed without a trace" \
	"$dir/scale" resident 200
check "50 VMs to which nobody speaks are never woken" "$dir/scale" unwoken 50 3
finish
