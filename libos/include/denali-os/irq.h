/* SPDX-License-Identifier: MIT */
/*
 * libos virtual interrupts.
 *
 * One upcall handles all pending bits. Handlers run on the stack of the thread
 * that was interrupted, with interrupts disabled: they must be short, may not
 * sleep or allocate, and may wake threads; a switch comes after the last one.
 *
 * The upcall doesn't save FPU and SSE registers. Code that handlers run must be
 * compiled with -mgeneral-regs-only (the libos is) or marked DENALI_IRQ_FN.
 */
#ifndef DENALI_OS_IRQ_H
#define DENALI_OS_IRQ_H

#include <denali/vregs.h>

#define DENALI_IRQ_FN	__attribute__((target("general-regs-only")))

typedef void (*denali_irq_fn)(unsigned int irq, void *arg);

/**
 * denali_irq_register() - handle an interrupt bit and unmask it
 * @irq: DENALI_IRQ_TIMER (the libos's own), or DENALI_IRQ_PORT0 + port
 * @fn:  NULL masks it again
 *
 * Bits without a handler are masked. Return: 0, EINVAL (no such bit), EBUSY.
 */
int denali_irq_register(unsigned int irq, denali_irq_fn fn, void *arg);

/* Deliver what is pending now; for denali_irq_restore(). */
void denali_irq_deliver(void);

/** denali_irq_disable() - no upcalls from here on. Return: what denali_irq_restore() takes. */
static inline uint32_t denali_irq_disable(void)
{
	uint32_t flags = DENALI_VREGS->irq_enabled;

	DENALI_VREGS->irq_enabled = 0;
	__asm__ __volatile__("" : : : "memory");
	return flags;
}

/** denali_irq_restore() - back to what it was; pairs nest. */
static inline void denali_irq_restore(uint32_t flags)
{
	__asm__ __volatile__("" : : : "memory");
	if (!flags)
		return;
	DENALI_VREGS->irq_enabled = 1;
	/* The host looks only when it enters the guest, so look here. */
	if (DENALI_VREGS->irq_pending & ~DENALI_VREGS->irq_mask)
		denali_irq_deliver();
}

#endif /* DENALI_OS_IRQ_H */
