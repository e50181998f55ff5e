/* SPDX-License-Identifier: MIT */
/*
 * void denali_switch(uint32_t *save_esp, uint32_t esp)
 *
 * Switch stacks between threads, interrupts disabled. Looks like a function
 * call to the thread, so the ABI lets everything but these registers and the
 * FPU's control words go; a preempted thread's FPU is saved by its upcall.
 */
	.text
	.globl	denali_switch
	.type	denali_switch, @function
denali_switch:
	movl	4(%esp), %eax
	movl	8(%esp), %edx
	pushl	%ebp
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	subl	$8, %esp
	fnstcw	(%esp)
	stmxcsr	4(%esp)
	movl	%esp, (%eax)
	movl	%edx, %esp
	fldcw	(%esp)
	ldmxcsr	4(%esp)
	addl	$8, %esp
	popl	%edi
	popl	%esi
	popl	%ebx
	popl	%ebp
	ret
	.size	denali_switch, . - denali_switch

/* Where denali_switch() returns to in a new thread: thread.c built the stack. */
	.globl	denali_thread_entry
	.type	denali_thread_entry, @function
denali_thread_entry:
	xorl	%ebp, %ebp
	call	denali_thread_main
	ud2
	.size	denali_thread_entry, . - denali_thread_entry

	.section .note.GNU-stack, "", @progbits
