/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Goes each way into the monitor and back SAMPLES times, and notes what RDTSC says
 * it took. All probes have the same instructions around what they measure, so
 * that the probe of nothing is what is to be subtracted from the others. The host
 * reads samples[] when the VM has ended.
 *
 * Boot arguments: "yield" makes it the VM that gives its time away for good, and "switch"
 * the one that measures what it takes to get it back; else the other paths are measured.
 */
#include <denali/hypercall.h>
#include <denali/vregs.h>

#include "../measure.h"
#include "../regions.h"

#define VREG(off)	(DENALI_VREGS_ADDR + (off))
#define VREG_UPCALL	VREG(76)
#define VREG_EXC_ENTRY	VREG(132)
#define VREG_EXC_EIP	VREG(152)
#define VREG_CMDLINE	VREG(2048)

#define IRQ		(1 << 20)
#define HYPERCALL	int	$DENALI_HC_VECTOR

/* From here, with EAX = nr... */
.macro probe_begin region, nr
	rdtsc
	movl	%eax, %esi
	movl	$\nr, %eax
	region_op REGION_BEGIN, \region
.endm

/* ...to here. EBP: index of the sample. */
.macro probe_end region
	region_op REGION_END, \region
	rdtsc
	subl	%esi, %eax
	movl	%eax, samples + 4 * SAMPLES * \region(, %ebp, 4)
.endm

	.text
	.globl	start
start:
	region_op REGION_ARM, 0
	xorl	%ebp, %ebp
	xorl	%ebx, %ebx
	cmpb	$'y', VREG_CMDLINE
	je	yield_on
	cmpb	$'s', VREG_CMDLINE
	je	switch
	movl	$~IRQ, VREG(DENALI_VREG_IRQ_MASK)
	movl	$exception, VREG_EXC_ENTRY
	movl	$upcall, VREG_UPCALL

paths:
	probe_begin R_EMPTY, DENALI_HC_NOP
	probe_end R_EMPTY

	probe_begin R_NOP, DENALI_HC_NOP
	HYPERCALL
	probe_end R_NOP

	probe_begin R_EXIT, UNKNOWN_HC
	HYPERCALL
	probe_end R_EXIT

	/* Port 0, the console, has no rings: there is nothing to do but to look. */
	probe_begin R_PREEMPT, DENALI_HC_DOORBELL
	HYPERCALL
	probe_end R_PREEMPT

	/* An idle that is over before it begins: the way through the runner and no work there. */
	movl	$IRQ, VREG(DENALI_VREG_IRQ_PENDING)
	orl	$-1, %ebx
	orl	$-1, %ecx
	probe_begin R_IDLE, DENALI_HC_IDLE
	HYPERCALL
	probe_end R_IDLE
	xorl	%ebx, %ebx
	movl	$0, VREG(DENALI_VREG_IRQ_PENDING)

	probe_begin R_EXC, 0
	ud2
	probe_end R_EXC_RETURN

	movl	$IRQ, VREG(DENALI_VREG_IRQ_PENDING)
	movl	$1, VREG(DENALI_VREG_IRQ_ENABLED)
	probe_begin R_UPCALL, UNKNOWN_HC
	HYPERCALL
	incl	%ebp
	cmpl	$SAMPLES, %ebp
	jb	paths

exit:
	movl	$DENALI_HC_EXIT, %eax
	xorl	%ebx, %ebx
	HYPERCALL

/* UD2 is two bytes. */
exception:
	probe_end R_EXC
	addl	$2, VREG_EXC_EIP
	probe_begin R_EXC_RETURN, DENALI_HC_EXC_RETURN
	HYPERCALL

upcall:
	probe_end R_UPCALL
	movl	$0, VREG(DENALI_VREG_IRQ_PENDING)
	popfl
	ret

/*
 * The measured VM's turn of this loop is a probe; what of the other's comes on top
 * is YIELD_EXTRA instructions.
 */
switch:
	probe_begin R_SWITCH, DENALI_HC_YIELD
	HYPERCALL
	region_op REGION_ARM, 0
	rdtsc
	subl	%esi, %eax
	movl	%eax, samples + 4 * SAMPLES * R_SWITCH(, %ebp, 4)
	incl	%ebp
	cmpl	$SAMPLES, %ebp
	jb	switch
	jmp	exit

yield_on:
	movl	$DENALI_HC_YIELD, %eax
	HYPERCALL
	region_op REGION_END, R_SWITCH
	jmp	yield_on

	.bss
	.balign	4096
	.globl	samples
samples:
	.skip	4 * SAMPLES * R_NR
