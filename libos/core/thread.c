// SPDX-License-Identifier: MIT
/*
 * Threads: creation, end, join. One block of heap holds a thread's struct, its
 * libc state, its FPU save area and its stack.
 */
#include <errno.h>
#include <reent.h>
#include <stdlib.h>
#include <string.h>

#include <denali-os/panic.h>

#include "core.h"

#define ALIGN_UP(x, a)	(((x) + (a) - 1) & ~((uintptr_t)(a) - 1))

/* Who frees a thread: denali_thread.detached. */
enum {
	JOINABLE,
	DETACHED,
	JOINING,	/* a joiner waits; nobody else may join or detach */
};

void denali_thread_main(void);

/* Detached threads that have ended. Their stack can be freed only from another. */
static struct denali_thread *dead;

static void thread_free(struct denali_thread *thread)
{
	/* Streams are global: a thread has none to close. */
	thread->reent->__sdidinit = 0;
	_reclaim_reent(thread->reent);
	free(thread->block);
}

static void thread_reap(void)
{
	struct denali_thread *list, *next;
	uint32_t flags = denali_irq_disable();

	list = dead;
	dead = NULL;
	denali_irq_restore(flags);
	for (; list; list = next) {
		next = list->next;
		thread_free(list);
	}
}

int denali_thread_create(struct denali_thread **out, const char *name, size_t stack,
			 void *(*fn)(void *arg), void *arg)
{
	struct denali_thread *thread;
	uintptr_t at;
	uint32_t *sp;
	uint32_t flags;

	thread_reap();
	if (!stack)
		stack = DENALI_STACK_DEFAULT;
	if (stack < DENALI_STACK_MIN)
		stack = DENALI_STACK_MIN;
	if (stack > DENALI_MAX_MEMORY)
		return ENOMEM;
	stack = ALIGN_UP(stack, 64);
	at = (uintptr_t)malloc(64 + denali_fpu_size + stack + sizeof(*thread) + sizeof(struct _reent));
	if (!at)
		return ENOMEM;

	/* From the bottom: FPU area, stack, struct: an overrun hits the canary, then its own FPU area. */
	sp = (uint32_t *)ALIGN_UP(at, 64);
	thread = (struct denali_thread *)((uintptr_t)sp + denali_fpu_size + stack);
	memset(thread, 0, sizeof(*thread));
	memset(sp, 0, denali_fpu_size);
	thread->block = (void *)at;
	thread->fpu = sp;
	thread->stack = (uint32_t *)((uintptr_t)sp + denali_fpu_size);
	*thread->stack = DENALI_STACK_CANARY;
	thread->reent = (struct _reent *)(thread + 1);
	_REENT_INIT_PTR(thread->reent);
	thread->name = name;
	thread->prio = DENALI_PRIO_NORMAL;
	thread->detached = out ? JOINABLE : DETACHED;
	thread->fn = fn;
	thread->value = arg;

	/* What denali_switch() pops: control words, EDI, ESI, EBX, EBP, return address. */
	sp = (uint32_t *)thread - 8;
	*--sp = (uintptr_t)denali_thread_entry;
	sp -= 4;
	memset(sp, 0, 16);
	*--sp = 0x1f80;		/* MXCSR */
	*--sp = 0x037f;		/* x87 control word */
	thread->esp = (uintptr_t)sp;

	if (out)
		*out = thread;
	flags = denali_irq_disable();
	denali_sched_ready(thread);
	denali_irq_restore(flags);
	return 0;
}

void denali_thread_main(void)
{
	denali_irq_restore(1);
	denali_thread_exit(denali_current->fn(denali_current->value));
}

void denali_thread_exit(void *value)
{
	struct denali_thread *self = denali_current;

	thread_reap();
	denali_irq_disable();
	self->value = value;
	self->state = DENALI_THREAD_DEAD;
	if (self->detached == DETACHED && self->block) {
		self->next = dead;
		dead = self;
	}
	denali_waitq_wake_all(&self->joiner);
	denali_sched_switch();
	__builtin_unreachable();
}

int denali_thread_join(struct denali_thread *thread, void **value)
{
	uint32_t flags;

	if (thread == denali_current)
		return EDEADLK;
	flags = denali_irq_disable();
	if (thread->detached != JOINABLE) {
		denali_irq_restore(flags);
		return EINVAL;
	}
	thread->detached = JOINING;
	while (thread->state != DENALI_THREAD_DEAD)
		denali_waitq_sleep(&thread->joiner, DENALI_FOREVER);
	denali_irq_restore(flags);
	if (value)
		*value = thread->value;
	if (thread->block)
		thread_free(thread);
	return 0;
}

int denali_thread_detach(struct denali_thread *thread)
{
	uint32_t flags = denali_irq_disable();

	if (thread->detached != JOINABLE) {
		denali_irq_restore(flags);
		return EINVAL;
	}
	thread->detached = DETACHED;
	if (thread->state == DENALI_THREAD_DEAD && thread->block) {
		thread->next = dead;
		dead = thread;
	}
	denali_irq_restore(flags);
	thread_reap();
	return 0;
}

const char *denali_thread_name(struct denali_thread *thread)
{
	return thread->name;
}

unsigned int denali_thread_prio(struct denali_thread *thread)
{
	return thread->prio;
}

void denali_thread_prio_set(struct denali_thread *thread, unsigned int prio)
{
	uint32_t flags = denali_irq_disable();

	if (prio >= DENALI_PRIOS)
		prio = DENALI_PRIOS - 1;
	if (thread == denali_current) {
		thread->prio = prio;
		/* Let the scheduler look whether somebody goes first now. */
		denali_irq_raise(DENALI_IRQ_RESCHED);
	} else if (thread->state == DENALI_THREAD_READY) {
		denali_sched_unready(thread);
		thread->prio = prio;
		denali_sched_ready(thread);
	} else {
		thread->prio = prio;
	}
	denali_irq_restore(flags);
}

void **denali_thread_slot(struct denali_thread *thread, unsigned int slot)
{
	return &thread->slots[slot];
}
