// SPDX-License-Identifier: GPL-2.0
/*
 * Web servers: requests for the small object, a fixed number of them under way at any time, to
 * 1, 10, 100, 1,000 and 10,000 VMs: to each in turn (all are active), and to some more
 * than to others (Zipf's law, as the original was measured with). How many instructions
 * a request takes, client included, and how long.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/denali.h>

#include "../../lib.h"
#include "../bench.h"
#include "client.h"
#include "crowd.h"
#include "scale.h"

#define AT_ONCE		8
#define COUNT		1000	/* requests measured at least, or of a quarter of the VMs */
#define FIRST		100	/* requests before these, or two of each VM: then it has the memory that it needs */
#define COUNT_LARGE	50
#define SPIN		100	/* VMs at most that spin */
#define ALPHA		1.0	/* the VM of rank r gets 1 / r^ALPHA of what the first one gets */

static struct crowd crowd;
static uint64_t latency[CROWD_MAX + COUNT];
static double share[CROWD_MAX];		/* of VMs up to this one, of the requests */
static int next;

static int pick_turn(void *arg, int last)
{
	return next++ % crowd.nr;
}

/* As many requests at a time as there are VMs, if these are few: each VM has its own. */
static int pick_apart(void *arg, int last)
{
	return last >= 0 && crowd.nr <= AT_ONCE ? last : pick_turn(arg, last);
}

static int pick_zipf(void *arg, int last)
{
	double at = drand48() * share[crowd.nr - 1];
	int low = 0, high = crowd.nr - 1, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (share[mid] < at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void zipf_init(int nr)
{
	double sum = 0;
	int i;

	for (i = 0; i < nr; i++) {
		sum += 1 / pow(i + 1, ALPHA);
		share[i] = sum;
	}
	srand48(1);
}

static unsigned long long permille(const struct load *load, int part)
{
	return load->latency[(long)(load->count - 1) * part / 1000];
}

static void measure(const char *name, struct load *load)
{
	uint64_t dropped = crowd_drops();

	client_http(load);
	printf("%s %d drops %llu\n", name, crowd.nr, (unsigned long long)(crowd_drops() - dropped));
	printf("%s %d insns %llu\n", name, crowd.nr, (unsigned long long)load->busy_ns / load->count);
	printf("%s %d servers %llu\n", name, crowd.nr,
	       (unsigned long long)(load->busy_ns - load->client_ns) / load->count);
	printf("%s %d ns %llu\n", name, crowd.nr, (unsigned long long)load->ns / load->count);
	printf("%s %d p50 %llu\n", name, crowd.nr, permille(load, 500));
	printf("%s %d p99 %llu\n", name, crowd.nr, permille(load, 990));
	printf("%s %d max %llu\n", name, crowd.nr, permille(load, 1000));
	printf("%s %d again %u\n", name, crowd.nr, load->failed);
	fflush(stdout);
}

static void measure_all(void)
{
	struct load load = {
		.path = "/", .bytes = SMALL_BYTES, .at_once = AT_ONCE, .latency = latency,
		.first = 2 * crowd.nr > FIRST ? 2 * crowd.nr : FIRST,
		.count = crowd.nr / 4 > COUNT ? crowd.nr / 4 : COUNT,
		.pick = pick_turn,
	};

	next = 0;
	measure("web-all", &load);
	load.first = FIRST;
	load.count = COUNT;
	load.pick = pick_zipf;
	zipf_init(crowd.nr);
	measure("web-zipf", &load);
	load.path = "/large";
	load.bytes = LARGE_BYTES;
	load.first = AT_ONCE;
	load.count = COUNT_LARGE;
	load.pick = pick_turn;
	measure("web-large", &load);
}

/*
 * The original's figures: requests for the large object, with the VMs of one kind and of
 * another. No VM has two of them at a time.
 */
static void compare(int dev, const char *name, uint32_t flags, const char *args, int most, int count)
{
	static const int sizes[] = { 1, 2, 5, 10, 20, 50, 100, 200, 400, 800 };
	struct load load = {
		.path = "/large", .bytes = LARGE_BYTES, .latency = latency,
		.first = AT_ONCE, .count = count, .pick = pick_apart,
	};
	size_t i;

	crowd_init(&crowd, dev);
	crowd.flags = flags;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && sizes[i] <= most; i++) {
		crowd_grow(&crowd, sizes[i], args);
		/* Those that spin can't be seen to have booted. */
		client_echo(crowd.nr);
		next = 0;
		load.at_once = crowd.nr < AT_ONCE ? crowd.nr : AT_ONCE;
		measure(name, &load);
	}
	crowd_exit(&crowd);
}

void scale_irq(int dev, int most, int seconds)
{
	compare(dev, "irq-batched", 0, "", most, 30);
	compare(dev, "irq-sync", DENALI_CREATE_SYNC_IRQ, "", most, 30);
}

/* Each of those that spin takes its quantum before the next one may answer. */
void scale_spin(int dev, int most, int seconds)
{
	most = most < SPIN ? most : SPIN;
	compare(dev, "spin-idle", 0, "", most, 30);
	compare(dev, "spin-spin", 0, "spin", most, 30);
}

static void web_of(int nr)
{
	crowd_grow(&crowd, nr, "");
	sleep(CROWD_SETTLE_S);
	measure_all();
}

void scale_web(int dev, int most, int seconds)
{
	int nr;

	crowd_init(&crowd, dev);
	for (nr = 1; nr < most; nr *= 10)
		web_of(nr);
	web_of(most);
	crowd_exit(&crowd);
}
