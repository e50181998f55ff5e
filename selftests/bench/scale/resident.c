// SPDX-License-Identifier: GPL-2.0
/*
 * Residents: VMs are added up to 10, 100, 1,000 and 10,000 of them. At each of these all
 * answer an UDP echo and an HTTP request. Then they are left alone until their page tables
 * are gone, and destroyed. What each took: instructions, and memory of the host.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../lib.h"
#include "../../nl.h"
#include "../bench.h"
#include "../hostmem.h"
#include "client.h"
#include "crowd.h"
#include "scale.h"

/* How many are made between two figures. */
#define STEP		500

#define AT_ONCE		8

static struct crowd crowd;

static int pick_next(void *arg, int last)
{
	return (*(int *)arg)++;
}

static void all_answer(int nr)
{
	static uint64_t latency[CROWD_MAX];
	int next = 0;
	struct load load = {
		.path = "/", .bytes = SMALL_BYTES, .at_once = AT_ONCE, .count = nr,
		.pick = pick_next, .arg = &next, .latency = latency,
	};
	uint64_t start = now_ns();
	unsigned int resent = client_echo(nr);

	printf("resident %d echo-ns %llu\n", nr, (unsigned long long)(now_ns() - start) / nr);
	printf("resident %d echo-resent %u\n", nr, resent);
	fflush(stdout);
	client_http(&load);
	printf("resident %d http-insns %llu\n", nr, (unsigned long long)load.busy_ns / nr);
	printf("resident %d http-again %u\n", nr, load.failed);
	fflush(stdout);
}

struct kmem {
	uint64_t sum, least, most;
	int nr;
};

static void kmem_add(const struct nl_vm *vm, void *arg)
{
	struct kmem *k = arg;

	if (vm->state == DENALI_VM_TEMPLATE)
		return;
	k->nr++;
	k->sum += vm->kmem_bytes;
	if (vm->kmem_bytes < k->least)
		k->least = vm->kmem_bytes;
	if (vm->kmem_bytes > k->most)
		k->most = vm->kmem_bytes;
}

static struct kmem kmem_read(struct nl *nl)
{
	struct kmem k = { .least = ~0ULL };

	if (nl_vm_dump(nl, kmem_add, &k) < 0)
		die("the VMs can't be dumped: %m");
	return k;
}

/* None has page tables any more, which are two pages. Boot arguments aren't all of one length. */
static bool reclaimed(struct nl *nl, uint64_t active)
{
	return kmem_read(nl).most + 2 * 4096 <= active + sizeof("10.64.100.100");
}

/* What the host's network knows of each VM, which isn't the module's. */
static void host_forget(void)
{
	if (system("ip neigh flush dev " CROWD_TAP " >/dev/null && ip tcp_metrics flush all >/dev/null"))
		die("what the host knows of the VMs can't be flushed");
}

/*
 * Page tables are for those who ran within the last two seconds: too short for all of a large
 * crowd, and on a slow machine for a small one, which then isn't counted.
 */
static uint64_t active(struct nl *nl, const struct memory *before)
{
	static struct memory after;
	struct kmem k;

	client_echo(crowd.nr);
	host_forget();
	caches_drop();
	client_echo(crowd.nr);
	k = kmem_read(nl);
	host_forget();
	memory_read(&after);
	if (kmem_read(nl).sum != k.sum)
		return k.most;
	memory_report("resident-active", before, &after, crowd.nr);
	printf("memory resident-active module %llu\n", (unsigned long long)k.sum / k.nr);
	return k.most;
}

/*
 * Whatever a new VM has to do is counted, also what comes later than that it idles: else those
 * made now pay for those made a moment ago.
 */
static void step(int from, int to)
{
	uint64_t before = cpu_busy_at_rest_ns();

	crowd.request_ns = 0;
	crowd_grow(&crowd, to, "");
	sleep(CROWD_SETTLE_S);
	printf("create %d request %llu\n", to, (unsigned long long)(crowd.request_ns / (to - from)));
	printf("create %d all %llu\n", to, (unsigned long long)(cpu_busy_at_rest_ns() - before) / (to - from));
	fflush(stdout);
}

static void empty(int dev)
{
	crowd_shrink(&crowd, 0);
	if (!wait_until(vm_count(dev) == 1, SOON_MS))
		die("%u VMs are left behind", vm_count(dev) - 1);
	host_forget();
	caches_drop();
}

void scale_resident(int dev, int most, int seconds)
{
	static struct memory before, after;
	int few = most < STEP ? most : STEP, nr;
	uint64_t pool, start, with_tables;
	struct nl nl;

	if (nl_open(&nl) < 0)
		die("the netlink family denali: %m");
	crowd_init(&crowd, dev);
	/* Slab caches, tables and what this program allocates. */
	crowd_grow(&crowd, few, "");
	client_echo(crowd.nr);
	empty(dev);
	memory_read(&before);
	pool = pool_free(dev);
	crowd_grow(&crowd, few, "");
	with_tables = active(&nl, &before);
	empty(dev);

	memory_read(&before);
	for (nr = 1; nr < most; nr *= 10) {
		crowd_grow(&crowd, nr, "");
		all_answer(nr);
	}
	crowd_grow(&crowd, most, "");
	all_answer(most);
	sleep(CROWD_SETTLE_S);
	if (!wait_until(reclaimed(&nl, with_tables), SOON_MS))
		die("idle VMs keep their page tables");
	host_forget();
	caches_drop();
	memory_read(&after);
	memory_report("resident-idle", &before, &after, most);
	printf("memory resident-idle module %llu\n", (unsigned long long)kmem_read(&nl).sum / most);

	start = now_ns();
	crowd_shrink(&crowd, 0);
	printf("resident %d destroy %llu\n", most, (unsigned long long)(now_ns() - start) / most);
	empty(dev);
	if (!wait_until(pool_free(dev) == pool, SOON_MS))
		die("%lld bytes of the pool are left behind", (long long)(pool - pool_free(dev)));
	memory_read(&after);
	printf("resident %d left-bytes %ld\n", most, before.free - after.free);
	crowd_exit(&crowd);
}

/*
 * What it takes to make some when there are so many, and nothing else happens: what others have
 * left is scrubbed, and VMs that have had traffic look after their connections for some minutes.
 */
void scale_create(int dev, int most, int seconds)
{
	int few = most < STEP ? most : STEP, to;

	crowd_init(&crowd, dev);
	crowd_grow(&crowd, few, "");
	empty(dev);
	while (crowd.nr < most) {
		to = crowd.nr + STEP < most ? crowd.nr + STEP : most;
		step(crowd.nr, to);
	}
	crowd_exit(&crowd);
}
