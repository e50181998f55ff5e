/* SPDX-License-Identifier: MIT */
/*
 * Exception entry: on its own stack, interrupts disabled, all other registers
 * as they were. DENALI_HC_EXC_RETURN would leave its own number in EAX, so the
 * way back is an IRET from the interrupted stack. A YIELD before it makes the
 * host look at what became pending meanwhile.
 */
#include <denali/hypercall.h>
#include <denali/vregs.h>

#define EXC_ACTIVE	(DENALI_VREGS_ADDR + DENALI_VREG_EXC_ACTIVE)
#define EXC_IRQ_ENABLED	(DENALI_VREGS_ADDR + DENALI_VREG_EXC_ACTIVE + 36)
#define IRQ_ENABLED	(DENALI_VREGS_ADDR + DENALI_VREG_IRQ_ENABLED)

	.text
	.globl	denali_exception_entry
	.type	denali_exception_entry, @function
denali_exception_entry:
	subl	$24, %esp		/* vector to eflags of struct denali_exception */
	pushal
	cld
	movl	%esp, %ebx
	subl	$16, %esp
	andl	$-16, %esp
	movl	%ebx, (%esp)
	call	denali_exception_dispatch
	movl	%eax, .Lframe
	movl	%ebx, %esp
	popal
	movl	.Lframe, %esp
	movl	$0, EXC_ACTIVE
	cmpl	$0, EXC_IRQ_ENABLED
	je	1f
	movl	$1, IRQ_ENABLED
	pushl	%eax
	movl	$DENALI_HC_YIELD, %eax
	int	$DENALI_HC_VECTOR
	popl	%eax
1:	iretl
	.size	denali_exception_entry, . - denali_exception_entry

	.bss
	.balign	4
.Lframe: .long	0

	.section .note.GNU-stack, "", @progbits
