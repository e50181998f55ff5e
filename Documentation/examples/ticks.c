// SPDX-License-Identifier: MIT
/*
 * ticks - interrupts: a timer whose callback wakes a thread
 *
 * The callback runs inside the upcall: interrupts are off, it mustn't sleep or
 * allocate, and it has no FPU. It does what such code is there for: it takes
 * notice and wakes somebody who may take their time. Boot argument: count=N.
 * Explained in Documentation/guest-programming.rst.
 *
 * Build: denali-cc -o ticks ticks.c
 */
#include <stdio.h>

#include <denali-os/bootargs.h>
#include <denali-os/irq.h>
#include <denali-os/sync.h>
#include <denali-os/timer.h>

#define PERIOD	(10 * DENALI_NS_PER_MS)

static struct denali_timer timer;	/* all zero: not armed */
static struct denali_sem ticked;	/* all zero: none yet */
static uint64_t next;

static DENALI_IRQ_FN void tick(void *arg)
{
	(void)arg;
	denali_sem_post(&ticked);
	/* From the time that was meant, not from now, so that lateness doesn't add up. */
	next += PERIOD;
	denali_timer_set(&timer, next, tick, NULL);
}

int main(void)
{
	long count = denali_bootarg_int("count", 5), i;
	uint64_t start = denali_clock_ns();

	next = start + PERIOD;
	denali_timer_set(&timer, next, tick, NULL);
	for (i = 0; i < count; i++)
		denali_sem_wait(&ticked);
	denali_timer_cancel(&timer);
	if (denali_clock_ns() - start < (uint64_t)count * PERIOD)
		return 1;
	printf("%ld ticks, not one early\n", count);
	return 0;
}
