/* SPDX-License-Identifier: MIT */
/*
 * Entry of a guest with libos: a stack frame that ends back traces, then C. The
 * host gave ESP = mem_size - 16 and zeroed memory, so .bss needs nothing.
 */
	.section .text.start, "ax", @progbits
	.globl	_start
	.type	_start, @function
_start:
	xorl	%ebp, %ebp
	cld
	andl	$-16, %esp
	call	denali_start
	ud2
	.size	_start, . - _start

	.section .note.GNU-stack, "", @progbits
