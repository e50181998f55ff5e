// SPDX-License-Identifier: MIT
/*
 * Virtual interrupts: the table of handlers and the loop that serves what is
 * pending. upcall.S calls the loop when the host says so, denali_irq_deliver()
 * when interrupts are enabled again and something came meanwhile.
 */
#include <errno.h>

#include "core.h"

#define DENALI_IRQS	(DENALI_IRQ_PORT0 + DENALI_MAX_PORTS)

extern char denali_upcall_entry[];

static struct {
	denali_irq_fn fn;
	void *arg;
} handlers[DENALI_IRQS];

void denali_irq_start(void)
{
	DENALI_VREGS->irq_mask = ~(1U << DENALI_IRQ_RESCHED);
	DENALI_VREGS->upcall_entry = (uintptr_t)denali_upcall_entry;
}

int denali_irq_register(unsigned int irq, denali_irq_fn fn, void *arg)
{
	uint32_t flags;

	if (irq >= DENALI_IRQS)
		return EINVAL;
	flags = denali_irq_disable();
	if (fn && handlers[irq].fn && handlers[irq].fn != fn) {
		denali_irq_restore(flags);
		return EBUSY;
	}
	handlers[irq].fn = fn;
	handlers[irq].arg = arg;
	if (fn)
		DENALI_VREGS->irq_mask &= ~(1U << irq);
	else
		DENALI_VREGS->irq_mask |= 1U << irq;
	denali_irq_restore(flags);
	return 0;
}

/* Interrupts disabled. Leaves only DENALI_IRQ_RESCHED pending. */
void denali_irq_dispatch(void)
{
	uint32_t bits;

	denali_in_handler++;
	while ((bits = DENALI_VREGS->irq_pending & ~DENALI_VREGS->irq_mask & ~(1U << DENALI_IRQ_RESCHED))) {
		unsigned int irq = __builtin_ctz(bits);

		/* Cleared first: what comes while the handler runs counts again. */
		denali_irq_clear(1U << irq);
		if (irq < DENALI_IRQS && handlers[irq].fn)
			handlers[irq].fn(irq, handlers[irq].arg);
	}
	denali_in_handler--;
}

/*
 * A call, not an interrupt: the compiler has saved the FPU registers it cares
 * for, so threads switch here without saving the whole FPU.
 */
void denali_irq_deliver(void)
{
	do {
		DENALI_VREGS->irq_enabled = 0;
		__asm__ __volatile__("" : : : "memory");
		denali_irq_dispatch();
		if (DENALI_VREGS->irq_pending & (1U << DENALI_IRQ_RESCHED)) {
			denali_sched_requeue();
			denali_sched_switch();
		}
		__asm__ __volatile__("" : : : "memory");
		DENALI_VREGS->irq_enabled = 1;
	} while (DENALI_VREGS->irq_pending & ~DENALI_VREGS->irq_mask);
}
