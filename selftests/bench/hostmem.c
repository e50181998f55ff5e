// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of the host: the kernel is asked what it has free before and after many of a kind
 * are made. Free is the free lists and the per-CPU lists before them, so that no page is
 * missed; the slab caches say what the rest is.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "hostmem.h"

void memory_read(struct memory *m)
{
	char line[512];
	long n;
	FILE *f;

	memset(m, 0, sizeof(*m));
	f = fopen("/proc/slabinfo", "r");
	if (!f)
		die("/proc/slabinfo: %m");
	while (fgets(line, sizeof(line), f) && m->nr_caches < CACHES_MAX) {
		struct cache *c = &m->cache[m->nr_caches];

		if (sscanf(line, "%47s %ld %*d %ld", c->name, &c->objects, &c->size) == 3)
			m->nr_caches++;
	}
	fclose(f);
	f = fopen("/proc/zoneinfo", "r");
	if (!f)
		die("/proc/zoneinfo: %m");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " nr_free_pages %ld", &n) == 1 || sscanf(line, " count: %ld", &n) == 1)
			m->free += n * 4096;
	fclose(f);
}

void memory_report(const char *name, const struct memory *before, const struct memory *after,
		   unsigned int n)
{
	long total = (before->free - after->free) / (long)n, rest = total;
	unsigned int i;

	printf("memory %s total %ld\n", name, total);
	for (i = 0; i < after->nr_caches && i < before->nr_caches; i++) {
		const struct cache *b = &before->cache[i], *a = &after->cache[i];
		long each = ((a->objects - b->objects) * 100 / (long)n + 5) / 10;

		if (strcmp(a->name, b->name) || each < 5)
			continue;
		printf("memory %s slab:%s %ld\n", name, a->name, each * a->size / 10);
		rest -= each * a->size / 10;
	}
	printf("memory %s pages %ld\n", name, rest);
}

static void file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("%s: %m", path);
	close(fd);
}

void caches_drop(void)
{
	glob_t shrink;
	size_t i;

	file_write("/proc/sys/vm/drop_caches", "3");
	if (glob("/sys/kernel/slab/*/shrink", 0, NULL, &shrink))
		die("/sys/kernel/slab has no caches: this kernel needs SLUB with sysfs");
	for (i = 0; i < shrink.gl_pathc; i++)
		file_write(shrink.gl_pathv[i], "1");
	globfree(&shrink);
}
