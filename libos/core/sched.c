// SPDX-License-Identifier: MIT
/*
 * The scheduler: run queues, sleeping and waking, the idle loop.
 *
 * The current thread is in no queue. Time slices exist only while another
 * thread of the same priority is runnable: a lone thread gets no timer
 * interrupt. There is no idle thread: a thread that finds nobody to switch to
 * waits for interrupts on its own stack, so being woken without competition
 * costs no switch.
 */
#include <errno.h>

#include <denali/hypercall.h>
#include <denali-os/panic.h>
#include <reent.h>

#include "core.h"

static struct denali_thread main_thread = {
	.name = "main",
	.prio = DENALI_PRIO_NORMAL,
};

struct denali_thread *denali_current = &main_thread;
uint8_t denali_in_handler;

static struct {
	struct denali_thread *head;
	struct denali_thread *tail;
} runq[DENALI_PRIOS];

static uint64_t slice_end;	/* 0: nobody to share with */
static uint8_t slice_over;

extern char __denali_stack_size[];	/* an absolute symbol: its address is the value */

uintptr_t denali_sched_start(void)
{
	uintptr_t top = (uint32_t)DENALI_VREGS->mem_size;

	main_thread.reent = _GLOBAL_REENT;
	main_thread.stack = (uint32_t *)((top - (uintptr_t)__denali_stack_size) & ~63UL);
	/* Its FPU save area lies between the heap and the stack's end. */
	main_thread.fpu = main_thread.stack;
	main_thread.stack += denali_fpu_size / 4;
	*main_thread.stack = DENALI_STACK_CANARY;
	return (uintptr_t)main_thread.fpu;
}

struct denali_thread *denali_thread_self(void)
{
	return denali_current;
}

static void runq_push(struct denali_thread *thread, int front)
{
	thread->next = NULL;
	if (!runq[thread->prio].head) {
		runq[thread->prio].head = thread;
		runq[thread->prio].tail = thread;
	} else if (front) {
		thread->next = runq[thread->prio].head;
		runq[thread->prio].head = thread;
	} else {
		runq[thread->prio].tail->next = thread;
		runq[thread->prio].tail = thread;
	}
}

static struct denali_thread *runq_pop(void)
{
	struct denali_thread *thread;

	for (int prio = DENALI_PRIOS - 1; prio >= 0; prio--) {
		thread = runq[prio].head;
		if (thread) {
			runq[prio].head = thread->next;
			return thread;
		}
	}
	return NULL;
}

void denali_sched_unready(struct denali_thread *thread)
{
	struct denali_thread **link = &runq[thread->prio].head;
	struct denali_thread *prev = NULL;

	while (*link != thread) {
		prev = *link;
		link = &prev->next;
	}
	*link = thread->next;
	if (runq[thread->prio].tail == thread)
		runq[thread->prio].tail = prev;
}

static void slice_start(void)
{
	slice_end = denali_clock_ns() + (denali_current->slice_left ? denali_current->slice_left : DENALI_SLICE_NS);
	denali_current->slice_left = 0;
}

uint64_t denali_sched_deadline(void)
{
	return slice_end ? slice_end : DENALI_FOREVER;
}

void denali_sched_tick(uint64_t now)
{
	if (!slice_end || now < slice_end)
		return;
	slice_end = 0;
	if (denali_current->state == DENALI_THREAD_READY && runq[denali_current->prio].head) {
		slice_over = 1;
		denali_irq_raise(DENALI_IRQ_RESCHED);
	}
}

/*
 * A thread that a higher priority preempts keeps the rest of its slice: with a
 * new one each time it would never let its equals run.
 */
void denali_sched_requeue(void)
{
	if (slice_end && !slice_over) {
		uint64_t now = denali_clock_ns();

		if (now < slice_end)
			denali_current->slice_left = slice_end - now;
		else
			slice_over = 1;
	}
	runq_push(denali_current, !slice_over);
}

void denali_sched_ready(struct denali_thread *thread)
{
	/* About to switch or idle: it will look. It may be this very thread, on whose stack we idle. */
	int away = denali_current->state != DENALI_THREAD_READY;

	thread->state = DENALI_THREAD_READY;
	runq_push(thread, 0);
	if (away)
		return;
	if (thread->prio > denali_current->prio) {
		denali_irq_raise(DENALI_IRQ_RESCHED);
	} else if (thread->prio == denali_current->prio && !slice_end) {
		slice_start();
		denali_timer_arm();
	}
}

/* Nothing to run: sleep until an interrupt or the next timer, and serve it. */
static void sched_idle(void)
{
	uint64_t first = denali_timer_first();
	uint64_t timeout = DENALI_FOREVER;

	if (first != DENALI_FOREVER) {
		uint64_t now = denali_clock_ns();

		timeout = first > now ? first - now : 0;
	}
	if (timeout)
		denali_hypercall3(DENALI_HC_IDLE, timeout, timeout >> 32, 0);
	denali_in_handler++;
	denali_timer_run();
	denali_in_handler--;
	denali_irq_dispatch();
}

/* Find the thread to run and make it the current one. Return: 0 if it is the one that runs already. */
static int sched_next(void)
{
	struct denali_thread *prev = denali_current;
	struct denali_thread *next;

	if (denali_in_handler)
		denali_panic("libos: an interrupt handler slept while it had interrupted thread %s",
			     denali_current->name);
	if (*denali_current->stack != DENALI_STACK_CANARY)
		denali_panic("libos: thread %s overran its stack", denali_current->name);
	slice_end = 0;
	slice_over = 0;
	/* Left over it would end every idle at once. Nothing raises it before the next thread runs. */
	denali_irq_clear(1U << DENALI_IRQ_RESCHED);
	while (!(next = runq_pop()))
		sched_idle();
	denali_current = next;
	if (runq[next->prio].head)
		slice_start();
	denali_timer_arm();
	return next != prev;
}

void denali_sched_switch(void)
{
	struct denali_thread *prev = denali_current;

	if (sched_next())
		denali_switch(&prev->esp, denali_current->esp);
}

void denali_sched_preempt(void)
{
	struct denali_thread *prev = denali_current;

	if (!(DENALI_VREGS->irq_pending & (1U << DENALI_IRQ_RESCHED)))
		return;
	denali_sched_requeue();
	if (!sched_next())
		return;
	denali_fpu_save(prev->fpu);
	denali_switch(&prev->esp, denali_current->esp);
	denali_fpu_restore(prev->fpu);
}

static void waitq_remove(struct denali_thread *thread)
{
	struct denali_thread **link;

	if (!thread->queue)
		return;
	for (link = &thread->queue->head; *link != thread; link = &(*link)->next)
		;
	*link = thread->next;
	thread->queue = NULL;
}

void denali_thread_wake(struct denali_thread *thread)
{
	uint32_t flags = denali_irq_disable();

	if (thread->state == DENALI_THREAD_SLEEPING) {
		waitq_remove(thread);
		denali_timer_cancel(&thread->timeout);
		denali_sched_ready(thread);
	}
	denali_irq_restore(flags);
}

static void sleep_timeout(void *arg)
{
	struct denali_thread *thread = arg;

	thread->timed_out = 1;
	denali_thread_wake(thread);
}

int denali_waitq_sleep(struct denali_waitq *queue, uint64_t deadline)
{
	struct denali_thread *self = denali_current;
	struct denali_thread **link;

	if (deadline != DENALI_FOREVER && deadline <= denali_clock_ns())
		return ETIMEDOUT;
	self->state = DENALI_THREAD_SLEEPING;
	self->slice_left = 0;
	self->timed_out = 0;
	self->queue = queue;
	if (queue) {
		for (link = &queue->head; *link && (*link)->prio >= self->prio; link = &(*link)->next)
			;
		self->next = *link;
		*link = self;
	}
	if (deadline != DENALI_FOREVER)
		denali_timer_set(&self->timeout, deadline, sleep_timeout, self);
	denali_sched_switch();
	return self->timed_out ? ETIMEDOUT : 0;
}

struct denali_thread *denali_waitq_wake_one(struct denali_waitq *queue)
{
	uint32_t flags = denali_irq_disable();
	struct denali_thread *thread = queue->head;

	if (thread)
		denali_thread_wake(thread);
	denali_irq_restore(flags);
	return thread;
}

void denali_waitq_wake_all(struct denali_waitq *queue)
{
	uint32_t flags = denali_irq_disable();

	while (queue->head)
		denali_thread_wake(queue->head);
	denali_irq_restore(flags);
}

void denali_sleep_until(uint64_t when)
{
	uint32_t flags = denali_irq_disable();

	while (!denali_waitq_sleep(NULL, when))
		;
	denali_irq_restore(flags);
}

void denali_sleep_ns(uint64_t ns)
{
	denali_sleep_until(denali_clock_deadline(ns));
}

void denali_thread_yield(void)
{
	uint32_t flags = denali_irq_disable();

	slice_over = 1;
	denali_sched_requeue();
	denali_sched_switch();
	denali_irq_restore(flags);
}
