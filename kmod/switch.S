/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world switch. This text is the only code that is mapped in both address
 * spaces; it lies on pages of its own, calls nothing and returns nowhere while
 * the guest's CR3 is loaded.
 *
 * GDTR, IDTR and TR don't change between the worlds: they point to addresses
 * behind which the host's page tables show the host's descriptors and a
 * guest's page tables show the guest's (block.c). So the one write to CR3
 * changes everything at once, and there is no moment at which one world's
 * handlers could run on the other's stacks.
 *
 * While the guest's view is in force, interrupts are off (the IDT has
 * interrupt gates only) and what can still come is
 *
 *  - an NMI or #MC, on stacks of their own: dn_abort below;
 *  - a fault of IRETQ or of a segment load on values that the guest chose:
 *    dn_nested turns it into a fault of the guest.
 *
 * A guest is 32-bit code: r8 to r15 can't hold anything of it, and are cleared
 * on entry so that they hold nothing of the host either.
 */
#include <linux/linkage.h>
#include <linux/stringify.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/page_types.h>
#include <asm/percpu.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>

#include <denali/hypercall.h>

#include "compat_asm.h"
#include "switch_layout.h"

/* Offsets from the words at which RSP stands in the handlers below. */
#define R(off)		((off) - DN_B_REGS)(%rsp)
#define B(off)		(off)(%rdi)

	.section .text..dn_switch, "ax", @progbits
	.balign	PAGE_SIZE
SYM_DATA_START(dn_switch_text)
SYM_DATA_END(dn_switch_text)

/*
 * What the host does on its way in from user mode before its first RET or indirect
 * branch, by its own switches: IBRS where that is how it is protected, branch
 * predictors untrained, branch history cleared. Clobbers AX, CX, DX.
 */
.macro DN_MITIGATE
	ALTERNATIVE "jmp .Lno_ibrs_\@", "", X86_FEATURE_KERNEL_IBRS
	movl	$MSR_IA32_SPEC_CTRL, %ecx
	movq	PER_CPU_VAR(x86_spec_ctrl_current), %rax
	movq	%rax, %rdx
	shrq	$32, %rdx
	wrmsr
	lfence
.Lno_ibrs_\@:
	UNTRAIN_RET
	CLEAR_BRANCH_HISTORY
.endm

/*
 * One stub for each vector, DN_STUB_SIZE bytes apart: leaves vector and error
 * code on the stack. #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP, #VC and #SX push an
 * error code of their own.
 */
SYM_CODE_START(dn_switch_stubs)
	vec = 0
	.rept 256
	.balign	DN_STUB_SIZE
	DN_UNWIND_HINT
	ENDBR
	.if vec != 8 && vec != 10 && vec != 11 && vec != 12 && vec != 13 && \
	    vec != 14 && vec != 17 && vec != 21 && vec != 29 && vec != 30
	pushq	$0
	.endif
	.byte	0x68		/* push imm32, whatever the value */
	.long	vec
	jmp	dn_from_stub
	vec = vec + 1
	.endr
	.balign	DN_STUB_SIZE
SYM_CODE_END(dn_switch_stubs)

/*
 * The hypercall gate. What needs nothing but the switcher is answered here:
 * DENALI_HC_NOP is 0 and so is its result. Registers hold the guest's values from
 * the first to the last instruction, so an NMI in here can turn the hypercall into
 * a full exit at any point.
 */
SYM_CODE_START(dn_switch_hypercall)
	DN_UNWIND_HINT
	ENDBR
	testl	%eax, %eax
	jnz	.Lhypercall_slow
.Lhypercall_iretq:
	iretq
.Lhypercall_slow:
	pushq	$0
	pushq	$DENALI_HC_VECTOR
	jmp	dn_save
SYM_CODE_END(dn_switch_hypercall)

SYM_CODE_START_LOCAL(dn_from_stub)
	DN_UNWIND_HINT
	testb	$3, R(DN_B_FRAME + 8)
	jz	dn_nested
SYM_CODE_END(dn_from_stub)

/* RSP = block + DN_B_REGS; the GPRs are the guest's. */
SYM_CODE_START_LOCAL(dn_save)
	DN_UNWIND_HINT
	movl	%eax, R(DN_B_AX)
	movl	%ecx, R(DN_B_CX)
	movl	%edx, R(DN_B_DX)
	movl	%ebx, R(DN_B_BX)
	movl	%ebp, R(DN_B_BP)
	movl	%esi, R(DN_B_SI)
	movl	%edi, R(DN_B_DI)
	mov	%ds, R(DN_B_DS)
	mov	%es, R(DN_B_ES)
	mov	%fs, R(DN_B_FS)
	mov	%gs, R(DN_B_GS)
SYM_CODE_END(dn_save)

/*
 * RSP = block + DN_B_REGS; all of the guest is in the block. GS must be the host's
 * before CR3 is: from then on the host's NMI handler may run.
 */
SYM_CODE_START_LOCAL(dn_leave)
	DN_UNWIND_HINT
	lea	-DN_B_REGS(%rsp), %rdi
	xorl	%eax, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	ALTERNATIVE "jmp .Lgs_by_msr", "", X86_FEATURE_FSGSBASE
	movq	B(DN_B_HOST_GSBASE), %rax
	wrgsbase %rax
.Lgs_done:
	movq	B(DN_B_HOST_CR3), %rax
	movq	B(DN_B_HOST_RSP), %rsp
	movq	%rax, %cr3

	/* The guest's tag has been flushed, if that was wanted: see dn_asid_choose(). */
	ALTERNATIVE "", __stringify(orb $DN_CR3_TOP_KEEP, B(DN_B_GUEST_CR3_TOP)), X86_FEATURE_PCID
	/*
	 * The host's world. SS is null, as after any interrupt from user mode. Clear what
	 * an interrupt gate leaves: AC, DF, NT.
	 */
	pushq	$X86_EFLAGS_FIXED
	popfq
	popq	%rbp
	DN_MITIGATE
	RET

.Lgs_by_msr:
	movl	B(DN_B_HOST_GSBASE), %eax
	movl	B(DN_B_HOST_GSBASE + 4), %edx
	movl	$MSR_GS_BASE, %ecx
	wrmsr
	jmp	.Lgs_done
SYM_CODE_END(dn_leave)

/*
 * dn_switch_run, RDI = block: run the guest until it leaves. Keeps RBP and RSP; see
 * dn_slice_enter(). Context: in a slice, interrupts off.
 *
 * CR3 is read each time: an interrupt on the way may have changed it (lazy TLB).
 * To objtool it is code, not a function: it changes stacks in its middle.
 */
SYM_CODE_START(dn_switch_run)
	DN_UNWIND_HINT
	pushq	%rbp
	movq	%rsp, B(DN_B_HOST_RSP)
	movq	%cr3, %rax
	orq	B(DN_B_CR3_KEEP), %rax
	movq	%rax, B(DN_B_HOST_CR3)
	movq	B(DN_B_GUEST_CR3), %rax
	lea	DN_B_FRAME(%rdi), %rsp
	movq	%rax, %cr3
.Lenter:
	mov	B(DN_B_DS), %ds
	mov	B(DN_B_ES), %es
	mov	B(DN_B_FS), %fs
	mov	B(DN_B_GS), %gs
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	movl	B(DN_B_AX), %eax
	movl	B(DN_B_CX), %ecx
	movl	B(DN_B_DX), %edx
	movl	B(DN_B_BX), %ebx
	movl	B(DN_B_BP), %ebp
	movl	B(DN_B_SI), %esi
	movl	B(DN_B_DI), %edi
#ifdef X86_FEATURE_CLEAR_CPU_BUF
	ALTERNATIVE "", __stringify(verw (DN_B_VERW_SEL - DN_B_FRAME)(%rsp)), X86_FEATURE_CLEAR_CPU_BUF
#endif
.Lenter_iretq:
	iretq
SYM_CODE_END(dn_switch_run)

/*
 * A fault at ring 0: RSP = block + DN_B_NESTED, the vector; then error code, RIP.
 * It belongs to the guest if it hit one of the instructions that take the guest's
 * values. On the way in the block still holds the guest's registers; behind a
 * hypercall answered in the switcher they are live. The guest's frame is where
 * it was: above.
 */
#define N(off)		((off) - DN_B_NESTED)(%rsp)
SYM_CODE_START_LOCAL(dn_nested)
	DN_UNWIND_HINT
	movq	%rax, N(DN_B_SCRATCH)
	lea	.Lhypercall_iretq(%rip), %rax
	cmpq	%rax, N(DN_B_NESTED + 16)
	movq	N(DN_B_SCRATCH), %rax
	movq	$0, N(DN_B_SCRATCH)
	je	.Lnested_live
	lea	.Lenter(%rip), %rax
	cmpq	%rax, N(DN_B_NESTED + 16)
	jb	.Lnested_fatal
	lea	.Lenter_iretq(%rip), %rax
	cmpq	%rax, N(DN_B_NESTED + 16)
	ja	.Lnested_fatal
.Lnested_guest:
	movq	N(DN_B_NESTED), %rax
	movq	N(DN_B_NESTED + 8), %rcx
	lea	(DN_B_REGS - DN_B_NESTED)(%rsp), %rsp
	movq	%rax, R(DN_B_REGS)
	movq	%rcx, R(DN_B_REGS + 8)
	jmp	dn_leave
.Lnested_live:
	movl	%eax, N(DN_B_AX)
	movl	%ecx, N(DN_B_CX)
	movl	%edx, N(DN_B_DX)
	movl	%ebx, N(DN_B_BX)
	movl	%ebp, N(DN_B_BP)
	movl	%esi, N(DN_B_SI)
	movl	%edi, N(DN_B_DI)
	mov	%ds, N(DN_B_DS)
	mov	%es, N(DN_B_ES)
	mov	%fs, N(DN_B_FS)
	mov	%gs, N(DN_B_GS)
	jmp	.Lnested_guest
.Lnested_fatal:
	movq	N(DN_B_NESTED + 16), %rax
	movq	%rax, N(DN_B_FATAL)
	jmp	.Lnested_guest
SYM_CODE_END(dn_nested)

/*
 * NMI and #MC. From the guest: a full exit that leaves NMIs blocked until the host's
 * handler has run (slice.c issues INT $vector). At ring 0, by where they hit:
 *
 *  hypercall gate  the guest's registers are live and unchanged: redo it as a
 *                  full exit, and have C look at the flag;
 *  entry           the guest hasn't run: leave at once, without IRETQ;
 *  elsewhere       on the way out, or in dn_nested: set the flag, go on.
 */
.macro DN_ABORT vector:req stack:req flag:req
#define A(off)		((off) - \stack + 40)(%rsp)
	ENDBR
	testb	$3, 8(%rsp)
	jnz	.Lfrom_guest_\@
	movl	$DN_HIT_SWITCHER, A(\flag)
	pushq	%rax
	lea	dn_switch_hypercall(%rip), %rax
	cmpq	%rax, 8(%rsp)
	jb	.Lnot_hypercall_\@
	lea	.Lhypercall_slow(%rip), %rax
	cmpq	%rax, 8(%rsp)
	jae	.Lnot_hypercall_\@
	movq	%rax, 8(%rsp)
	jmp	.Lgo_on_\@
.Lnot_hypercall_\@:
	lea	.Lenter(%rip), %rax
	cmpq	%rax, 8(%rsp)
	jb	.Lgo_on_\@
	lea	.Lenter_iretq(%rip), %rax
	cmpq	%rax, 8(%rsp)
	ja	.Lgo_on_\@
	/* The block holds all of the guest: the flag is the only news. */
	lea	(DN_B_REGS - \stack + 48)(%rsp), %rsp
	movq	$\vector, R(DN_B_REGS)
	movq	$0, R(DN_B_REGS + 8)
	jmp	dn_leave
.Lgo_on_\@:
	popq	%rax
	iretq
.Lfrom_guest_\@:
	movl	$DN_HIT_GUEST, A(\flag)
	pushq	%rax
	movq	8(%rsp), %rax
	movq	%rax, (DN_B_FRAME - \stack + 48)(%rsp)
	movq	16(%rsp), %rax
	movq	%rax, (DN_B_FRAME + 8 - \stack + 48)(%rsp)
	movq	24(%rsp), %rax
	movq	%rax, (DN_B_FRAME + 16 - \stack + 48)(%rsp)
	movq	32(%rsp), %rax
	movq	%rax, (DN_B_FRAME + 24 - \stack + 48)(%rsp)
	movq	40(%rsp), %rax
	movq	%rax, (DN_B_FRAME + 32 - \stack + 48)(%rsp)
	popq	%rax
	lea	(DN_B_REGS - \stack + 40)(%rsp), %rsp
	movq	$\vector, R(DN_B_REGS)
	movq	$0, R(DN_B_REGS + 8)
	jmp	dn_save
.endm

SYM_CODE_START(dn_switch_nmi)
	DN_UNWIND_HINT
	DN_ABORT 2 DN_B_STACK_NMI DN_B_NMI
SYM_CODE_END(dn_switch_nmi)

SYM_CODE_START(dn_switch_mce)
	DN_UNWIND_HINT
	DN_ABORT 18 DN_B_STACK_MCE DN_B_MCE
SYM_CODE_END(dn_switch_mce)

/*
 * #DF: nothing that a guest does leads here. Leave with what the block holds and
 * let C refuse to go on.
 */
SYM_CODE_START(dn_switch_df)
	DN_UNWIND_HINT
	ENDBR
	movq	8(%rsp), %rax
	movq	%rax, (DN_B_FATAL - DN_B_STACK_DF + 48)(%rsp)
	lea	(DN_B_REGS - DN_B_STACK_DF + 48)(%rsp), %rsp
	movq	$8, R(DN_B_REGS)
	movq	$0, R(DN_B_REGS + 8)
	jmp	dn_leave
SYM_CODE_END(dn_switch_df)

	/* Filled with INT3: the assembler would put a jump over so wide a gap. */
	.balign	PAGE_SIZE, 0xcc
SYM_DATA_START(dn_switch_text_end)
SYM_DATA_END(dn_switch_text_end)

	_ASM_NOKPROBE(dn_switch_stubs)
	_ASM_NOKPROBE(dn_switch_hypercall)
	_ASM_NOKPROBE(dn_from_stub)
	_ASM_NOKPROBE(dn_save)
	_ASM_NOKPROBE(dn_leave)
	_ASM_NOKPROBE(dn_switch_run)
	_ASM_NOKPROBE(dn_nested)
	_ASM_NOKPROBE(dn_switch_nmi)
	_ASM_NOKPROBE(dn_switch_mce)
	_ASM_NOKPROBE(dn_switch_df)

/*
 * dn_forward[n]: INT $n; RET. Host text: how the host's own handler is made to run for an
 * interrupt that hit a guest.
 */
	.text
	.balign	DN_STUB_SIZE
SYM_CODE_START(dn_forward)
	vec = 0
	.rept 256
	.balign	DN_STUB_SIZE
	DN_UNWIND_HINT
	ENDBR
	int	$vec
	RET
	vec = vec + 1
	.endr
SYM_CODE_END(dn_forward)

	.section .note.GNU-stack, "", @progbits
