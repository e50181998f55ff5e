#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The fuzzer for some seconds. With arguments it is the program fuzz (fuzz.c) with the module
# loaded: "fuzz.sh --seconds 3600" (make test-fuzz runs that on the debug kernel, where it goes by
# what code it reaches). In the suite programs are always the same, unless DENALI_FUZZ_SEED says which.

. "$(dirname "$0")/shlib.sh"

[ $# = 0 ] || run_program fuzz "$@"

plan 1
shown "programs and guests made up at random" "$dir/fuzz" --programs 100 --seed "${DENALI_FUZZ_SEED:-1}"
finish
