/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fuzzer of the host's interface: fuzz.c says what it does.
 */
#ifndef DENALI_SELFTESTS_FUZZ_H
#define DENALI_SELFTESTS_FUZZ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FUZZ_THREADS	3
#define FUZZ_OPS	40	/* at most, of a thread */
#define FUZZ_FDS	32	/* shared by the threads */
#define FUZZ_MAPS	8
#define FUZZ_COVER	(1U << 16)

/** struct fuzz_op - one system call or so; what a, b, x, y and z mean is its kind's business */
struct fuzz_op {
	uint8_t kind, a, b, c;
	uint32_t x;
	uint64_t y, z;
};

/** struct fuzz_program - what the threads of one process do, each as a user */
struct fuzz_program {
	uint32_t uid[FUZZ_THREADS];
	uint32_t nr[FUZZ_THREADS];
	struct fuzz_op op[FUZZ_THREADS][FUZZ_OPS];
};

/** struct fuzz_kind - something to do */
struct fuzz_kind {
	const char *name;
	unsigned int weight;
	long (*run)(const struct fuzz_op *op);	/* less than 0: it didn't work */
};

/** struct fuzz_shared - what a process leaves for the fuzzer: memory of both */
struct fuzz_shared {
	atomic_uint calls, worked;
	atomic_uint done[64], good[64];		/* by kind */
	uint8_t cover[FUZZ_COVER];		/* a byte for each place that was seen, by its hash */
};

struct fuzz_rng {
	uint64_t state;
};

uint64_t fuzz_rnd(struct fuzz_rng *rng);
uint32_t fuzz_below(struct fuzz_rng *rng, uint32_t n);

/* fuzz_ops.c */
extern const struct fuzz_kind fuzz_kinds[];
extern const unsigned int fuzz_nr_kinds;
void fuzz_op_make(struct fuzz_rng *rng, struct fuzz_op *op);
void fuzz_op_change(struct fuzz_rng *rng, struct fuzz_op *op);
void fuzz_op_print(const struct fuzz_op *op);
bool fuzz_ops_prepare(uint64_t id);
bool fuzz_ops_begin(void);
void fuzz_ops_end(int dev);
void fuzz_op_run(const struct fuzz_op *op, struct fuzz_shared *shared);

/* fuzz_cover.c */
bool fuzz_cover_begin(void);
void fuzz_cover_take(struct fuzz_shared *shared);
unsigned int fuzz_cover_news(struct fuzz_shared *shared, uint8_t *seen);

#endif /* DENALI_SELFTESTS_FUZZ_H */
