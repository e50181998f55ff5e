/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the hostile guests share: a handler that goes on behind what faulted, and counts.
 */
#ifndef DENALI_SELFTESTS_HOSTILE_H
#define DENALI_SELFTESTS_HOSTILE_H

#include "guest.h"

GUEST_EXC_ENTRY;

/* Seen by the host. */
volatile uint32_t progress;

volatile uint32_t fault_resume;
static volatile uint32_t caught, last_vector, last_error, last_eip;

/* Skip what faulted, and take care that nothing of it stays in force. */
static inline void handler_skip(void)
{
	caught++;
	last_vector = vregs->exc_vector;
	last_error = vregs->exc_error;
	last_eip = vregs->exc_eip;
	vregs->exc_eip = fault_resume;
	vregs->exc_eflags = 0x202;
}

/* Go on behind the asm when it faults. */
#define TRY(insn, ...)							\
	__asm__ __volatile__("movl	$9f, fault_resume\n"		\
			     insn "\n"					\
			     "9:\n"					\
			     : : __VA_ARGS__ : "eax", "ebx", "ecx", "edx", "memory", "cc")

#endif /* DENALI_SELFTESTS_HOSTILE_H */
