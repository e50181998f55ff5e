/* SPDX-License-Identifier: GPL-2.0 */
/* What the measuring program and its guests agree upon. */
#ifndef DENALI_BENCH_MEASURE_H
#define DENALI_BENCH_MEASURE_H

#define SAMPLES		64
#define UNKNOWN_HC	0x7fffffff	/* the leanest way out and back: -ENOSYS */
#define YIELD_EXTRA	3		/* instructions in the loop of the VM that yields for good */

#endif /* DENALI_BENCH_MEASURE_H */
