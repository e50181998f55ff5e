/* SPDX-License-Identifier: GPL-2.0 */
/* What memory of the host is free, and which slab caches have the rest. */
#ifndef DENALI_BENCH_HOSTMEM_H
#define DENALI_BENCH_HOSTMEM_H

#define CACHES_MAX	300

struct cache {
	char name[48];
	long objects;
	long size;
};

struct memory {
	long free;	/* bytes */
	unsigned int nr_caches;
	struct cache cache[CACHES_MAX];
};

void memory_read(struct memory *m);

/*
 * Print "memory NAME total BYTES", what each of @n had on average, then what part of it each
 * slab cache has, and the rest.
 */
void memory_report(const char *name, const struct memory *before, const struct memory *after,
		   unsigned int n);

/*
 * Have the kernel give back what it keeps for next time: caches of files, and slabs
 * without an object in them, which would hide that objects come and go.
 */
void caches_drop(void);

#endif /* DENALI_BENCH_HOSTMEM_H */
