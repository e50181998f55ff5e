/* SPDX-License-Identifier: GPL-2.0 */
/*
 * long sweep_state_hold(struct sweep_state *state): make a system call with values of
 * our own in all registers that it must preserve, and keep what is in them
 * afterwards. Offsets are those of the struct in watch.c.
 */
	.text
	.globl	sweep_state_hold
	.type	sweep_state_hold, @function
sweep_state_hold:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	%rdi
	movq	%rdi, %r15
	movq	0(%r15), %rcx
	movl	$7, %eax
	xorl	%edx, %edx
	xrstor64 (%rcx)
	movq	%rsp, 64(%r15)
	movq	16(%r15), %rax
	movq	24(%r15), %rdi
	movq	32(%r15), %rsi
	movq	40(%r15), %rdx
	movq	56(%r15), %rbx
	leaq	1(%rbx), %rbp
	leaq	2(%rbx), %r8
	leaq	3(%rbx), %r9
	leaq	4(%rbx), %r10
	leaq	5(%rbx), %r12
	leaq	6(%rbx), %r13
	leaq	7(%rbx), %r14
	pushq	48(%r15)
	popfq
	syscall
	pushfq
	popq	%rcx
	pushq	$0x202
	popfq
	movq	(%rsp), %r11
	movq	%rax, 72(%r11)
	movq	%rbx, 80(%r11)
	movq	%rbp, 88(%r11)
	movq	%r8, 96(%r11)
	movq	%r9, 104(%r11)
	movq	%r10, 112(%r11)
	movq	%r12, 120(%r11)
	movq	%r13, 128(%r11)
	movq	%r14, 136(%r11)
	movq	%r15, 144(%r11)
	movq	%rsp, 152(%r11)
	movq	%rcx, 160(%r11)
	movq	%rdi, 168(%r11)
	movq	%rsi, 176(%r11)
	movq	%rdx, 184(%r11)
	movq	8(%r11), %rcx
	movl	$7, %eax
	xorl	%edx, %edx
	xsave64	(%rcx)
	fninit
	ldmxcsr	plain_mxcsr(%rip)
	movq	72(%r11), %rax
	popq	%rdi
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
	.size	sweep_state_hold, . - sweep_state_hold

	.section .rodata
	.balign	4
plain_mxcsr:
	.long	0x1f80

	.section .note.GNU-stack, "", @progbits
