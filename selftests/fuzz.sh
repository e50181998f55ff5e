#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The fuzzer for some seconds. With arguments it is the program fuzz (fuzz.c) with the module
# loaded: "fuzz.sh --seconds 3600" (make test-fuzz runs that on the debug kernel, where it goes by
# what code it reaches). In the suite programs are always the same, unless DENALI_FUZZ_SEED says which.

. "$(dirname "$0")/shlib.sh"

if [ $# -gt 0 ]; then
	tree=$(cd "$dir/../../.." && pwd)
	if [ -z "${DENALI_MODULE:-}" ] && [ -e "$tree/denali.ko" ]; then
		export DENALI_MODULE=$tree/denali.ko
	fi
	DENALI_MODULE_PARAMS=${DENALI_MODULE_PARAMS:-pool=64M}
	denali_load || exit
	exec "$dir/fuzz" "$@"
fi

plan 1
if "$dir/fuzz" --programs 100 --seed "${DENALI_FUZZ_SEED:-1}"; then
	ok "programs and guests made up at random"
else
	not_ok "programs and guests made up at random"
fi
finish
