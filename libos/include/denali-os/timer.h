/* SPDX-License-Identifier: MIT */
/*
 * libos clocks and timers. The clocks are read from virtual registers and the
 * TSC, without a trap. A timer belongs to its caller and costs no memory beyond
 * its struct; all zero bytes: not armed.
 *
 * Callbacks run as interrupt handlers do: interrupts disabled, no sleeping, no
 * malloc(), no FPU (see DENALI_IRQ_FN in irq.h). They may set timers, their own
 * too.
 */
#ifndef DENALI_OS_TIMER_H
#define DENALI_OS_TIMER_H

#include <stdint.h>

#define DENALI_NS_PER_SEC	1000000000ULL
#define DENALI_NS_PER_MS	1000000ULL
#define DENALI_NS_PER_US	1000ULL

/** denali_clock_ns() - ns since the VM was first started; never goes back. Any context. */
uint64_t denali_clock_ns(void);

/** denali_clock_wall_ns() - ns since 1970 (UTC). Any context. */
uint64_t denali_clock_wall_ns(void);

/** denali_clock_run_ns() - ns of CPU time that the VM has had. Any context. */
uint64_t denali_clock_run_ns(void);

/** denali_clock_deadline() - now + timeout, DENALI_FOREVER if that is what @timeout_ns is or the sum overflows. */
uint64_t denali_clock_deadline(uint64_t timeout_ns);

struct denali_timer {
	struct denali_timer *next;
	struct denali_timer *prev;	/* not NULL: armed */
	uint64_t when;
	void (*fn)(void *arg);
	void *arg;
};

/** denali_timer_set() - call @fn at @when (denali_clock_ns() time), in place of what was set before. Any context. */
void denali_timer_set(struct denali_timer *timer, uint64_t when, void (*fn)(void *arg), void *arg);

/** denali_timer_cancel() - after it returns, the callback isn't called. Return: 1 if it was armed. Any context. */
int denali_timer_cancel(struct denali_timer *timer);

#endif /* DENALI_OS_TIMER_H */
