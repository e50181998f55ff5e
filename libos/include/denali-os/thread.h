/* SPDX-License-Identifier: MIT */
/*
 * libos threads: preemptive, one CPU, strict priorities, round robin among
 * equals. A file of its own because everything else waits through it.
 *
 * Only denali_thread_wake() and denali_thread_self() may be called from an
 * interrupt handler or timer callback.
 */
#ifndef DENALI_OS_THREAD_H
#define DENALI_OS_THREAD_H

#include <stddef.h>
#include <stdint.h>

/* Priorities: a runnable thread of a higher one always runs first. */
#define DENALI_PRIO_LOW		0
#define DENALI_PRIO_NORMAL	1	/* main(), and what a new thread gets */
#define DENALI_PRIO_HIGH	2
#define DENALI_PRIO_DRIVER	3
#define DENALI_PRIOS		4

#define DENALI_STACK_MIN	2048	/* bytes; smaller requests are raised to it */
#define DENALI_STACK_DEFAULT	16384	/* what a stack size of 0 means */

#define DENALI_FOREVER		UINT64_MAX	/* timeout or deadline in ns: none */

struct denali_thread;

/* Queue of sleeping threads, highest priority first, then first come. All zero: empty. */
struct denali_waitq {
	struct denali_thread *head;
};

/**
 * denali_thread_create() - start a thread at DENALI_PRIO_NORMAL
 * @out:   the thread, or NULL for a detached one
 * @name:  kept by pointer, for panics
 * @stack: bytes, 0: DENALI_STACK_DEFAULT
 * @fn, @arg: its function; returning ends the thread with that value
 *
 * A thread that isn't detached must be joined once, else its stack is lost.
 * Return: 0, ENOMEM.
 */
int denali_thread_create(struct denali_thread **out, const char *name, size_t stack,
			 void *(*fn)(void *arg), void *arg);

/** denali_thread_exit() - end the calling thread; doesn't flush or end the VM. */
void denali_thread_exit(void *value) __attribute__((noreturn));

/**
 * denali_thread_join() - wait for the end of a thread and free it
 * Return: 0, EDEADLK (self), EINVAL (detached, or being joined).
 */
int denali_thread_join(struct denali_thread *thread, void **value);

/** denali_thread_detach() - let it be freed when it ends. Return: 0, EINVAL. */
int denali_thread_detach(struct denali_thread *thread);

/** denali_thread_self() - the calling (in a handler: the interrupted) thread. */
struct denali_thread *denali_thread_self(void);

const char *denali_thread_name(struct denali_thread *thread);

/** denali_thread_prio_set() - DENALI_PRIO_*; takes effect at once. */
void denali_thread_prio_set(struct denali_thread *thread, unsigned int prio);
unsigned int denali_thread_prio(struct denali_thread *thread);

/** denali_thread_yield() - let the next thread of the same or a higher priority run. */
void denali_thread_yield(void);

/** denali_sleep_until() - sleep to a time of denali_clock_ns(). */
void denali_sleep_until(uint64_t when);
/** denali_sleep_ns() - sleep for a time. */
void denali_sleep_ns(uint64_t ns);

/*
 * Sleeping and waking, for drivers. Look at the condition with interrupts
 * disabled and call with them still disabled, so that a wake-up between the two
 * can't be lost:
 *
 *	flags = denali_irq_disable();
 *	while (!condition && !ret)
 *		ret = denali_waitq_sleep(&queue, deadline);
 *	denali_irq_restore(flags);
 */

/**
 * denali_waitq_sleep() - sleep until woken or @deadline (denali_clock_ns() time or DENALI_FOREVER)
 * Return: 0, ETIMEDOUT.
 */
int denali_waitq_sleep(struct denali_waitq *queue, uint64_t deadline);
/** denali_waitq_wake_one() - any context. Return: the thread that was woken, or NULL. */
struct denali_thread *denali_waitq_wake_one(struct denali_waitq *queue);
void denali_waitq_wake_all(struct denali_waitq *queue);

/**
 * denali_thread_wake() - wake a thread from denali_waitq_sleep(), whatever its queue
 *
 * Any context. Not for a thread that waits in sync.h: there, being woken means having been
 * given the mutex or the unit.
 */
void denali_thread_wake(struct denali_thread *thread);

/* Per-thread errno without libc's headers (with them, errno is the same object). */
int *denali_thread_errno(void);

/* Words per thread that belong to layers above: 0 is pthread's, 1 is the net's. */
#define DENALI_THREAD_SLOT_PTHREAD	0
#define DENALI_THREAD_SLOT_NET		1
#define DENALI_THREAD_SLOTS		2
void **denali_thread_slot(struct denali_thread *thread, unsigned int slot);

#endif /* DENALI_OS_THREAD_H */
