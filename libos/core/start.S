/* SPDX-License-Identifier: MIT */
/*
 * Entry of a guest: a stack frame that ends back traces, then C. The host gave
 * ESP = mem_size - 16 and zeroed memory, so .bss needs nothing. It is built twice:
 * START is denali_start(), which brings the libos up and doesn't return, or, for
 * denali-cc --bare, the guest's own void denali_main(void), behind which is exit
 * status 0.
 */
#include <denali/hypercall.h>

	.section .text.start, "ax", @progbits
	.globl	_start
	.type	_start, @function
_start:
	xorl	%ebp, %ebp
	cld
	andl	$-16, %esp
	call	START
	xorl	%ebx, %ebx
	movl	$DENALI_HC_EXIT, %eax
	int	$DENALI_HC_VECTOR
	ud2
	.size	_start, . - _start

	.section .note.GNU-stack, "", @progbits
