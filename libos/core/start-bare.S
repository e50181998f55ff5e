/* SPDX-License-Identifier: MIT */
/*
 * Entry of a bare guest (denali-cc --bare): no libc, no libos, no interrupts.
 * Calls void denali_main(void); returning from it is exit status 0.
 */
#include <denali/hypercall.h>

	.section .text.start, "ax", @progbits
	.globl	_start
	.type	_start, @function
_start:
	xorl	%ebp, %ebp
	cld
	andl	$-16, %esp
	call	denali_main
	xorl	%ebx, %ebx
	movl	$DENALI_HC_EXIT, %eax
	int	$DENALI_HC_VECTOR
	ud2
	.size	_start, . - _start

	.section .note.GNU-stack, "", @progbits
