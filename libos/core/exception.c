// SPDX-License-Identifier: MIT
/*
 * CPU exceptions that the guest wants to handle. exc_entry stays 0 until the
 * first registration, so that the host reports faults with all registers.
 */
#include <errno.h>

#include <denali-os/exception.h>
#include <denali-os/panic.h>

#include "core.h"

#define DENALI_EXC_STACK	2048

extern char denali_exception_entry[];

static struct {
	denali_exception_fn fn;
	void *arg;
} handlers[DENALI_EXCEPTIONS];

static char exception_stack[DENALI_EXC_STACK] __attribute__((aligned(16)));

/* Called by exception.S with what PUSHA left and room for the rest. */
void denali_exception_dispatch(struct denali_exception *exc);

void denali_exception_dispatch(struct denali_exception *exc)
{
	exc->vector = DENALI_VREGS->exc_vector;
	exc->error = DENALI_VREGS->exc_error;
	exc->addr = DENALI_VREGS->exc_addr;
	exc->eip = DENALI_VREGS->exc_eip;
	exc->esp = DENALI_VREGS->exc_esp;
	exc->eflags = DENALI_VREGS->exc_eflags;

	denali_in_handler++;
	if (exc->vector >= DENALI_EXCEPTIONS || !handlers[exc->vector].fn ||
	    handlers[exc->vector].fn(exc, handlers[exc->vector].arg))
		denali_panic("exception %u error %x at %x address %x esp %x, not handled", (unsigned int)exc->vector,
			     (unsigned int)exc->error, (unsigned int)exc->eip, (unsigned int)exc->addr,
			     (unsigned int)exc->esp);
	denali_in_handler--;

	DENALI_VREGS->exc_eip = exc->eip;
	DENALI_VREGS->exc_esp = exc->esp;
	DENALI_VREGS->exc_eflags = exc->eflags;
}

int denali_exception_register(unsigned int vector, denali_exception_fn fn, void *arg)
{
	uint32_t flags;

	if (vector >= DENALI_EXCEPTIONS)
		return EINVAL;
	flags = denali_irq_disable();
	handlers[vector].fn = fn;
	handlers[vector].arg = arg;
	DENALI_VREGS->exc_stack = (uintptr_t)(exception_stack + sizeof(exception_stack));
	DENALI_VREGS->exc_entry = (uintptr_t)denali_exception_entry;
	denali_irq_restore(flags);
	return 0;
}
