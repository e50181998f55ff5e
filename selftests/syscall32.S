/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A 32-bit process that makes a system call as the C library would: through the vDSO, by SYSENTER
 * or SYSCALL, whichever the CPU has for 32-bit code. Status 0: it came back, with what INT 0x80
 * says; 1: with something else; 2: there is no vDSO.
 */
#include <asm/unistd_32.h>
#include <linux/auxvec.h>

	.globl	_start
_start:
	movl	(%esp), %ecx
	leal	8(%esp,%ecx,4), %esi
1:	lodsl
	testl	%eax, %eax
	jnz	1b

	movl	$2, %ebx
2:	lodsl
	movl	%eax, %ecx
	lodsl
	testl	%ecx, %ecx
	jz	3f
	cmpl	$AT_SYSINFO, %ecx
	jne	2b
	movl	%eax, %edi

	movl	$__NR_getpid, %eax
	int	$0x80
	movl	%eax, %esi
	movl	$__NR_getpid, %eax
	call	*%edi
	xorl	%ebx, %ebx
	cmpl	%esi, %eax
	setne	%bl

3:	movl	$__NR_exit, %eax
	int	$0x80

	.section .note.GNU-stack, "", @progbits
