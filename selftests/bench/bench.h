/* SPDX-License-Identifier: GPL-2.0 */
/* The measuring program: its parts, and what they share. */
#ifndef DENALI_BENCH_BENCH_H
#define DENALI_BENCH_BENCH_H

#include <stdint.h>

__attribute__((noreturn, format(printf, 1, 2)))
void die(const char *fmt, ...);

/* RDTSC, low half. */
uint32_t tsc(void);

/*
 * Print a region's "insns NAME MINIMUM MEDIAN" from samples that each hold the overhead
 * once and the path so many times. Sorts them.
 */
void report(int region, uint32_t *sample, unsigned int n, uint32_t overhead, unsigned int parts);

void bench_paths(int dev);
void bench_life(int dev);
void bench_memory(int dev);
void bench_net(int argc, char **argv);

#endif /* DENALI_BENCH_BENCH_H */
