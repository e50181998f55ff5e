/* SPDX-License-Identifier: MIT */
/*
 * Upcall entry. The host has pushed EIP and EFLAGS on the stack of whatever
 * ran, and cleared irq_enabled.
 *
 * Leaving, interrupts must be enabled before the RET, and the host delivers
 * only when it enters the guest: what became pending since the last look is
 * looked for once more after enabling. An upcall that arrives between enabling and
 * the RET would nest on the same stack, without bound under load. So an
 * upcall that finds it has interrupted that stretch drops its own frame and
 * goes on in the place of the one it interrupted: registers are still saved
 * below (up to the POPA), or all restored (at the POPF), or the flags as well (at
 * the RET: then only EIP is dropped).
 */
#include <denali/vregs.h>

#define IRQ_ENABLED	(DENALI_VREGS_ADDR + DENALI_VREG_IRQ_ENABLED)
#define IRQ_PENDING	(DENALI_VREGS_ADDR + DENALI_VREG_IRQ_PENDING)
#define IRQ_MASK	(DENALI_VREGS_ADDR + DENALI_VREG_IRQ_MASK)

	.text
	.globl	denali_upcall_entry
	.type	denali_upcall_entry, @function
denali_upcall_entry:
	cmpl	$.Lwindow, 4(%esp)
	jb	.Lsave
	cmpl	$.Lpopf, 4(%esp)
	je	.Lat_popf
	cmpl	$.Lret, 4(%esp)
	ja	.Lsave
	je	.Lat_ret
	addl	$8, %esp
	jmp	.Lagain
.Lat_ret:
	popl	(%esp)
	jmp	.Lsave
.Lat_popf:
	addl	$8, %esp
.Lsave:
	pushal
	movl	%esp, %ebp
	cld
.Lagain:
	/* The interrupted code may have had any alignment. */
	andl	$-16, %esp
	call	denali_irq_dispatch
	call	denali_sched_preempt
	movl	%ebp, %esp
	movl	$1, IRQ_ENABLED
.Lwindow:
	movl	IRQ_MASK, %eax
	notl	%eax
	testl	%eax, IRQ_PENDING
	jz	1f
	movl	$0, IRQ_ENABLED
	jmp	.Lagain
1:	popal
.Lpopf:
	popfl
.Lret:
	ret
	.size	denali_upcall_entry, . - denali_upcall_entry

	.section .note.GNU-stack, "", @progbits
