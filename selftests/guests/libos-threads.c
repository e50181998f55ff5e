// SPDX-License-Identifier: GPL-2.0
/* libos threads: preemption, priorities, join, stacks, the FPU of preempted threads. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <denali-os/irq.h>
#include <denali-os/sync.h>
#include <denali-os/timer.h>

#include "libos-tap.h"

#define SPINNERS	3
#define LIMIT_NS	(20 * DENALI_NS_PER_SEC)	/* given up after that */

static volatile int stop;
static volatile unsigned long progress[SPINNERS];

static int late(uint64_t start)
{
	return denali_clock_ns() - start > LIMIT_NS;
}

static void *spin(void *arg)
{
	volatile unsigned long *mine = arg;

	while (!stop)
		(*mine)++;
	return (void *)mine;
}

static void test_preemption(void)
{
	struct denali_thread *thread[SPINNERS];
	unsigned long first[SPINNERS], all = 0;
	uint64_t start = denali_clock_ns();
	void *value;
	int joined = 0;

	for (int i = 0; i < SPINNERS; i++)
		denali_thread_create(&thread[i], "spin", 0, spin, (void *)&progress[i]);
	/* Neither main nor they ever give the CPU up. */
	while (!(progress[0] && progress[1] && progress[2]) && !late(start))
		;
	for (int i = 0; i < SPINNERS; i++)
		first[i] = progress[i];
	while (!late(start)) {
		all = 1;
		for (int i = 0; i < SPINNERS; i++)
			all &= progress[i] > first[i];
		if (all)
			break;
	}
	tap_ok(all, "CPU-bound threads all go on");
	stop = 1;
	for (int i = 0; i < SPINNERS; i++)
		joined += !denali_thread_join(thread[i], &value) && value == (void *)&progress[i];
	tap_ok(joined == SPINNERS, "join gives each thread's value");
}

/* Each thread keeps its own numbers in x87 and SSE registers over many slices. */
struct fpu_work {
	double seed;
	int wrong;
	unsigned int rounds;
};

static void *fpu_spin(void *arg)
{
	struct fpu_work *work = arg;
	double d = work->seed, out;
	float f[4] = { d, d + 1, d + 2, d + 3 }, g[4];
	uint32_t mxcsr, want = work->seed > 2 ? 0x3f80 : 0x1f80;	/* two roundings */

	__asm__ volatile("ldmxcsr %0" : : "m" (want));
	while (!stop) {
		work->rounds++;
		__asm__ volatile("fldl %[d]; movups %[f], %%xmm5\n"
				 "movl $200000, %%ecx\n"
				 "1: decl %%ecx; jnz 1b\n"
				 "fstpl %[out]; movups %%xmm5, %[g]; stmxcsr %[m]"
				 : [out] "=m" (out), [g] "=m" (g), [m] "=m" (mxcsr)
				 : [d] "m" (d), [f] "m" (f) : "ecx", "xmm5", "cc", "st");
		if (out != d || memcmp(f, g, sizeof(f)) || (mxcsr & 0xffc0) != (want & 0xffc0))
			work->wrong++;
	}
	return NULL;
}

static void test_fpu(void)
{
	struct fpu_work work[SPINNERS] = { { 1.5, 0, 0 }, { 2.5, 0, 0 }, { 3.5, 0, 0 } };
	struct denali_thread *thread[SPINNERS];
	uint64_t start = denali_clock_ns();

	stop = 0;
	for (int i = 0; i < SPINNERS; i++)
		denali_thread_create(&thread[i], "fpu", 0, fpu_spin, &work[i]);
	while (denali_clock_ns() - start < 500 * DENALI_NS_PER_MS ||
	       ((!work[0].rounds || !work[1].rounds || !work[2].rounds) && !late(start)))
		denali_sleep_ns(7 * DENALI_NS_PER_MS);
	stop = 1;
	for (int i = 0; i < SPINNERS; i++)
		denali_thread_join(thread[i], NULL);
	tap_ok(work[0].rounds && work[1].rounds && work[2].rounds, "threads with FPU state all ran");
	tap_ok(!work[0].wrong && !work[1].wrong && !work[2].wrong, "x87, SSE and MXCSR survive preemption");
}

static int order[4], ordered;

static void *note_order(void *arg)
{
	order[ordered++] = (int)(uintptr_t)arg;
	return NULL;
}

static void test_priority(void)
{
	struct denali_thread *low, *high, *self = denali_thread_self();
	uint32_t flags = denali_irq_disable();

	denali_thread_create(&low, "low", 0, note_order, (void *)1);
	denali_thread_prio_set(low, DENALI_PRIO_LOW);
	denali_thread_create(&high, "high", 0, note_order, (void *)2);
	denali_thread_prio_set(high, DENALI_PRIO_HIGH);
	denali_irq_restore(flags);
	tap_ok(ordered == 1 && order[0] == 2, "a higher priority runs at once");
	denali_thread_yield();
	tap_ok(ordered == 1, "yield doesn't let a lower priority run");
	denali_thread_prio_set(self, DENALI_PRIO_LOW);
	denali_thread_yield();
	tap_ok(ordered == 2 && order[1] == 1, "lowering one's own priority lets equals run");
	denali_thread_prio_set(self, DENALI_PRIO_NORMAL);
	denali_thread_join(low, NULL);
	denali_thread_join(high, NULL);
}

static volatile int starved_ran;

static void *starved(void *arg)
{
	starved_ran = 1;
	return arg;
}

static void *ticker(void *arg)
{
	while (!stop)
		denali_sleep_ns(DENALI_NS_PER_MS);
	return arg;
}

/* A thread that a higher priority interrupts all the time must still share with its equals. */
static void test_fair_under_interrupts(void)
{
	struct denali_thread *tick, *other;
	uint64_t start = denali_clock_ns();

	stop = 0;
	denali_thread_create(&tick, "tick", 0, ticker, NULL);
	denali_thread_prio_set(tick, DENALI_PRIO_HIGH);
	denali_thread_create(&other, "starved", 0, starved, NULL);
	while (!starved_ran && !late(start))
		;
	tap_ok(starved_ran, "equals share although a higher priority keeps interrupting");
	stop = 1;
	denali_thread_join(tick, NULL);
	denali_thread_join(other, NULL);
}

static void *own_errno(void *arg)
{
	errno = 77;
	denali_sleep_ns(DENALI_NS_PER_MS);
	return (void *)(uintptr_t)(errno == 77 && arg);
}

static void test_life_cycle(void)
{
	struct denali_thread *thread;
	void *value = NULL;
	int many = 0;

	errno = 5;
	denali_thread_create(&thread, "errno", 0, own_errno, &value);
	denali_thread_join(thread, &value);
	tap_ok(value && errno == 5, "errno is each thread's own");
	tap_ok(denali_thread_join(denali_thread_self(), NULL) == EDEADLK, "joining oneself is EDEADLK");
	tap_ok(denali_thread_create(&thread, "big", 0x70000000, own_errno, NULL) == ENOMEM,
	       "a stack beyond memory is ENOMEM");
	for (int i = 0; i < 500; i++) {
		if (denali_thread_create(&thread, "many", 4096, note_order, (void *)9))
			break;
		ordered = 0;
		many += !denali_thread_join(thread, NULL);
	}
	tap_ok(many == 500, "500 threads one after the other");
	many = 0;
	for (int i = 0; i < 500; i++) {
		ordered = 0;
		many += !denali_thread_create(NULL, "detached", 4096, note_order, (void *)9);
		denali_thread_yield();
	}
	tap_ok(many == 500, "500 detached threads: their stacks come back");
}

int main(void)
{
	test_preemption();
	test_fpu();
	test_priority();
	test_fair_under_interrupts();
	test_life_cycle();
	return tap_done();
}
