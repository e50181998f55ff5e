/* SPDX-License-Identifier: MIT */
/*
 * What the files of the libos core share: the thread's struct and the scheduler.
 *
 * One CPU: "interrupts disabled" is the only lock of the core. It guards the
 * run queues, wait queues, timers and all of struct denali_thread.
 */
#ifndef DENALI_CORE_H
#define DENALI_CORE_H

#include <denali-os/irq.h>
#include <denali-os/thread.h>
#include <denali-os/timer.h>

/* A bit that no device has, set by the guest itself: switch threads as soon as interrupts allow. */
#define DENALI_IRQ_RESCHED	31

#define DENALI_SLICE_NS		(10 * DENALI_NS_PER_MS)
#define DENALI_STACK_CANARY	0x57ac4bad

enum denali_thread_state {
	DENALI_THREAD_READY,	/* running or in a run queue */
	DENALI_THREAD_SLEEPING,
	DENALI_THREAD_DEAD,
};

struct _reent;

struct denali_thread {
	uint32_t esp;			/* while it isn't running; switch.S */
	uint8_t state;
	uint8_t prio;
	uint8_t timed_out;		/* how the last sleep ended */
	uint8_t detached;
	uint32_t slice_left;		/* ns that a preemption left over; 0: a whole one */
	struct denali_thread *next;	/* in a run queue or wait queue */
	struct denali_waitq *queue;	/* where it sleeps, or NULL */
	struct denali_timer timeout;
	const char *name;
	uint32_t *stack;		/* lowest word: the canary */
	void *block;			/* what to free */
	void *fpu;			/* save area for preemption */
	struct _reent *reent;
	void *(*fn)(void *arg);
	void *value;			/* argument, later result */
	struct denali_waitq joiner;
	void *slots[DENALI_THREAD_SLOTS];
};

/* sched.c */
extern struct denali_thread *denali_current;
extern uint8_t denali_in_handler;

/* Return: the lowest address of the main stack. */
uintptr_t denali_sched_start(void);
/* Interrupts disabled; the caller has queued the current thread or put it to sleep. */
void denali_sched_switch(void);
/* End of an upcall: switch if DENALI_IRQ_RESCHED was raised. Saves the FPU. */
void denali_sched_preempt(void);
/* Queue the current thread: at the end if its slice is over, else in front. */
void denali_sched_requeue(void);
/* Queue a thread that didn't run; it may have to run at once. */
void denali_sched_ready(struct denali_thread *thread);
/* Take a thread that is queued but doesn't run out of its queue. */
void denali_sched_unready(struct denali_thread *thread);
/* The timer went off: has the current thread had its slice? */
void denali_sched_tick(uint64_t now);
/* When denali_sched_tick() must be called next; DENALI_FOREVER while nobody else wants the CPU. */
uint64_t denali_sched_deadline(void);

/* switch.S: also where a new thread begins. */
void denali_switch(uint32_t *save_esp, uint32_t esp);
void denali_thread_entry(void);

/* irq.c */
void denali_irq_start(void);
void denali_irq_dispatch(void);

/* timer.c */
void denali_timer_start(void);
/* Call what is due; then make sure of an interrupt for what comes next. */
void denali_timer_run(void);
void denali_timer_arm(void);
uint64_t denali_timer_first(void);

/* fpu.c */
extern uint32_t denali_fpu_size;	/* bytes, save areas are aligned to 64 */
void denali_fpu_start(void);
void denali_fpu_save(void *area);
void denali_fpu_restore(const void *area);

/* freeze.c */
/* Return: whether this is a clone. */
int denali_freeze(void);

/* The network's, if the program has sockets: starts it. A template hasn't, its clones have. */
void denali_net_auto(void) __attribute__((weak));
/* The network's, if the program has it: has it been started? */
int denali_net_used(void) __attribute__((weak));

/* heap.c */
void denali_heap_start(uintptr_t end);

static inline void denali_irq_raise(unsigned int irq)
{
	__asm__ __volatile__("orl %1, %0"
			     : "+m" (*(uint32_t *)(DENALI_VREGS_ADDR + DENALI_VREG_IRQ_PENDING))
			     : "ri" (1U << irq) : "cc");
}

static inline void denali_irq_clear(uint32_t bits)
{
	__asm__ __volatile__("andl %1, %0"
			     : "+m" (*(uint32_t *)(DENALI_VREGS_ADDR + DENALI_VREG_IRQ_PENDING))
			     : "ri" (~bits) : "cc");
}

#endif /* DENALI_CORE_H */
