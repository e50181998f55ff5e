// SPDX-License-Identifier: GPL-2.0
/*
 * VMs at rest: what the CPU does with none of them, and with all of them there and nothing
 * for them to do. A VM that has had traffic looks after its tables for some minutes
 * (libos/net/timers.c), so one is had beforehand, and the minutes pass.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../lib.h"
#include "../../nl.h"
#include "../bench.h"
#include "client.h"
#include "crowd.h"
#include "scale.h"

/* ARP tables are empty after so long, the longest of all. */
#define SETTLE_S	420

static struct crowd crowd;

static void run_add(const struct nl_vm *vm, void *sum)
{
	*(uint64_t *)sum += vm->run_ns;
}

static uint64_t run_ns(struct nl *nl)
{
	uint64_t sum = 0;

	if (nl_vm_dump(nl, run_add, &sum) < 0)
		die("the VMs can't be dumped: %m");
	return sum;
}

/* Instructions a second over so many, in thousandths. */
static void measure(struct nl *nl, int nr, int seconds)
{
	uint64_t ran = run_ns(nl), before = cpu_busy_at_rest_ns(), busy;

	sleep(seconds);
	busy = cpu_busy_at_rest_ns() - before;
	printf("rest %d insns-per-s %llu\n", nr, (unsigned long long)busy / seconds);
	/* A ms for each of the two measurements that are compared. */
	printf("rest %d resolution %llu\n", nr, 2000000ULL / seconds + 1);
	printf("rest %d vm-ns %llu\n", nr, (unsigned long long)(run_ns(nl) - ran));
	fflush(stdout);
}

void scale_rest(int dev, int most, int seconds)
{
	struct nl nl;

	if (nl_open(&nl) < 0)
		die("the netlink family denali: %m");
	crowd_init(&crowd, dev);
	sleep(SETTLE_S);
	measure(&nl, 0, seconds);
	crowd_grow(&crowd, most, "");
	client_echo(most);
	sleep(SETTLE_S);
	measure(&nl, most, seconds);
	crowd_exit(&crowd);
}

/* Has no VM run for so long? */
static bool still(struct nl *nl, int seconds)
{
	uint64_t ran = run_ns(nl);

	sleep(seconds);
	return run_ns(nl) == ran;
}

/*
 * For a self-test: VMs that nobody has spoken to come to rest, and aren't woken any more. On
 * a slow machine they may need some time to get there.
 */
void scale_unwoken(int dev, int most, int seconds)
{
	struct nl nl;

	if (nl_open(&nl) < 0)
		die("the netlink family denali: %m");
	crowd_init(&crowd, dev);
	crowd_grow(&crowd, most, "");
	if (!wait_until(still(&nl, seconds), SOON_MS))
		die("some of %d VMs with nothing to do run every %d s", most, seconds);
	crowd_exit(&crowd);
}
