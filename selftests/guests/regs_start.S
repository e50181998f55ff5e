/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The registers that a VM starts with. Ends with status 0, or with the number of
 * the first thing that was wrong.
 */
#include <denali/hypercall.h>
#include <denali/vregs.h>

#define VREG_MEM_SIZE	(DENALI_VREGS_ADDR + 16)

	.macro	fail_unless_zero reg, nr
	testl	\reg, \reg
	movl	$\nr, %ebx
	jnz	done
	.endm

	.text
	.globl	start
start:
	pushfl
	movl	%ebx, saved
	fail_unless_zero %eax, 1
	movl	saved, %eax
	fail_unless_zero %eax, 2
	fail_unless_zero %ecx, 3
	fail_unless_zero %edx, 4
	fail_unless_zero %esi, 5
	fail_unless_zero %edi, 6
	fail_unless_zero %ebp, 7

	leal	20(%esp), %eax
	cmpl	%eax, VREG_MEM_SIZE
	movl	$8, %ebx
	jne	done

	/* TF, DF, IOPL, NT, RF, VM and AC are clear. */
	movl	(%esp), %eax
	andl	$0x77500, %eax
	fail_unless_zero %eax, 9

	xorl	%eax, %eax
	movw	%fs, %ax
	fail_unless_zero %eax, 10
	movw	%gs, %ax
	fail_unless_zero %eax, 11

	/* DS, ES and SS are one flat segment or three of them; CS reads the same bytes. */
	movl	start, %eax
	movl	$12, %ebx
	cmpl	%cs:start, %eax
	jne	done
	cmpl	%ss:start, %eax
	jne	done
	cmpl	%es:start, %eax
	jne	done

	/* x87: default control word, empty stack. SSE: default MXCSR, zero registers. */
	fnstcw	word
	movl	$13, %ebx
	cmpw	$0x37f, word
	jne	done
	fnstenv	env
	movl	$14, %ebx
	cmpw	$0, env + 4
	jne	done
	cmpw	$0xffff, env + 8
	jne	done
	stmxcsr	word
	movl	$15, %ebx
	cmpl	$0x1f80, word
	jne	done
	movl	$16, %ebx
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7
	movdqu	%xmm\n, vec
	movl	vec, %eax
	orl	vec + 4, %eax
	orl	vec + 8, %eax
	orl	vec + 12, %eax
	jnz	done
	.endr
	xorl	%ebx, %ebx
done:
	movl	$DENALI_HC_EXIT, %eax
	int	$DENALI_HC_VECTOR

	.data
	.balign	16
vec:	.skip	16
env:	.skip	32
saved:	.long	0
word:	.long	0
	.section .note.GNU-stack, "", @progbits
