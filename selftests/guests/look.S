/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes down all registers that ring 3 can see, before it has changed any, for the host to look
 * at (secrets_test.c), and ends with EXIT 0.
 */
#include <denali/hypercall.h>
#include <denali/vregs.h>

	.text
	.globl	start
start:
	movl	%eax, seen
	movl	%ecx, seen + 4
	movl	%edx, seen + 8
	movl	%ebx, seen + 12
	movl	%esp, seen + 16
	movl	%ebp, seen + 20
	movl	%esi, seen + 24
	movl	%edi, seen + 28
	movw	%ds, seen + 32
	movw	%es, seen + 36
	movw	%fs, seen + 40
	movw	%gs, seen + 44
	movl	$seen_stack, %esp
	pushfl
	popl	seen + 48

	movl	$-1, %eax
	movl	%eax, %edx
	xsave	xsave_area

	movl	$7, %eax
	xorl	%ecx, %ecx
	cpuid
	testl	$0x10, %ecx		/* OSPKE */
	jz	1f
	xorl	%ecx, %ecx
	rdpkru
	movl	%eax, seen + 52
1:
	movl	$0x80000001, %eax
	cpuid
	testl	$0x08000000, %edx	/* RDTSCP */
	jz	1f
	rdtscp
	movl	%ecx, seen + 56
1:
	xorl	%eax, %eax
	.byte	0xf3, 0x0f, 0x1e, 0xc8	/* rdsspd %eax: changes nothing without a shadow stack */
	movl	%eax, seen + 60
	movl	$DENALI_HC_EXIT, %eax
	xorl	%ebx, %ebx
	int	$DENALI_HC_VECTOR

	.data
	.globl	seen, xsave_area
	.balign	4096
seen:	.skip	64
	.skip	64
seen_stack:
	.balign	4096
xsave_area:
	.skip	4096
	.section .note.GNU-stack, "", @progbits
