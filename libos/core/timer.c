// SPDX-License-Identifier: MIT
/*
 * Clocks and timers. Timers are a list in order of time; the host's one alarm
 * is armed for the first of them or the end of the slice, and only when that is
 * earlier than what it is armed for already: a late disarm costs one interrupt
 * for nothing, an early one a hypercall each time.
 */
#include <denali/hypercall.h>

#include "core.h"

/* Circular, with a head whose when is later than all. */
static struct denali_timer timers = { &timers, &timers, DENALI_FOREVER, NULL, NULL };
static uint64_t armed = DENALI_FOREVER;

/*
 * The sum of two of the clock's registers and of the time since the host last set them.
 * All in one go: the host may set them between any two instructions here.
 */
static inline __attribute__((always_inline))
uint64_t clock_read(const volatile uint64_t *base, const volatile uint64_t *more)
{
	uint64_t tsc, ns;
	uint32_t seq, mul, lo, hi;

	do {
		seq = DENALI_VREGS->clock_seq;
		mul = DENALI_VREGS->tsc_mul;
		__asm__ __volatile__("rdtsc" : "=a" (lo), "=d" (hi) : : "memory");
		tsc = ((uint64_t)hi << 32 | lo) - DENALI_VREGS->tsc_base;
		/* The product has up to 96 bits: by halves. */
		ns = *base + ((uint64_t)(uint32_t)(tsc >> 32) * mul << (32 - DENALI_TSC_SHIFT)) +
		     ((uint64_t)(uint32_t)tsc * mul >> DENALI_TSC_SHIFT);
		if (more)
			ns += *more;
	} while (seq != DENALI_VREGS->clock_seq);
	return ns;
}

uint64_t denali_clock_ns(void)
{
	return clock_read(&DENALI_VREGS->time_base, NULL);
}

uint64_t denali_clock_wall_ns(void)
{
	return clock_read(&DENALI_VREGS->time_base, &DENALI_VREGS->wall_base);
}

uint64_t denali_clock_run_ns(void)
{
	return clock_read(&DENALI_VREGS->run_ns, NULL);
}

uint64_t denali_clock_deadline(uint64_t timeout_ns)
{
	uint64_t now = denali_clock_ns();

	return timeout_ns > DENALI_FOREVER - now ? DENALI_FOREVER : now + timeout_ns;
}

uint64_t denali_timer_first(void)
{
	return timers.next->when;
}

void denali_timer_arm(void)
{
	uint64_t want = timers.next->when;
	uint64_t slice = denali_sched_deadline();

	/* Nobody runs: the idle loop has its own timeout. */
	if (denali_current->state != DENALI_THREAD_READY)
		return;
	if (slice < want)
		want = slice;
	if (want >= armed)
		return;
	armed = want;
	/* 0 would disarm. */
	if (!want)
		want = 1;
	denali_hypercall3(DENALI_HC_TIMER, want, want >> 32, 0);
}

void denali_timer_run(void)
{
	uint64_t now = denali_clock_ns();

	while (timers.next != &timers && timers.next->when <= now) {
		struct denali_timer *timer = timers.next;

		denali_timer_cancel(timer);
		timer->fn(timer->arg);
	}
}

static void timer_interrupt(unsigned int irq, void *arg)
{
	(void)irq;
	(void)arg;
	armed = DENALI_FOREVER;
	denali_timer_run();
	denali_sched_tick(denali_clock_ns());
	denali_timer_arm();
}

void denali_timer_start(void)
{
	denali_irq_register(DENALI_IRQ_TIMER, timer_interrupt, NULL);
}

void denali_timer_set(struct denali_timer *timer, uint64_t when, void (*fn)(void *arg), void *arg)
{
	uint32_t flags = denali_irq_disable();
	struct denali_timer *at;

	denali_timer_cancel(timer);
	timer->when = when;
	timer->fn = fn;
	timer->arg = arg;
	/* From the end: most are set for later than what is there. */
	for (at = timers.prev; at != &timers && at->when > when; at = at->prev)
		;
	timer->prev = at;
	timer->next = at->next;
	at->next->prev = timer;
	at->next = timer;
	if (timers.next == timer)
		denali_timer_arm();
	denali_irq_restore(flags);
}

int denali_timer_cancel(struct denali_timer *timer)
{
	uint32_t flags = denali_irq_disable();
	int was_armed = !!timer->prev;

	if (was_armed) {
		timer->prev->next = timer->next;
		timer->next->prev = timer->prev;
		timer->prev = NULL;
	}
	denali_irq_restore(flags);
	return was_armed;
}
