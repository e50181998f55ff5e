/* SPDX-License-Identifier: MIT */
/*
 * Exception entry: on its own stack, interrupts disabled, all other registers
 * as they were. The way back is DENALI_HC_EXC_RETURN, which takes EAX from a
 * virtual register.
 */
#include <denali/hypercall.h>
#include <denali/vregs.h>

#define EXC_EAX		(DENALI_VREGS_ADDR + DENALI_VREG_EXC_EAX)

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
	movl	%ebx, %esp
	popal
	movl	%eax, EXC_EAX
	movl	$DENALI_HC_EXC_RETURN, %eax
	int	$DENALI_HC_VECTOR
	.size	denali_exception_entry, . - denali_exception_entry

	.section .note.GNU-stack, "", @progbits
