/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The smallest lives: with the boot argument "idle", idle for ever; else end at the
 * first hypercall, with the TSC before it as status. "template" does so in a clone. "reset"
 * writes to four pages there, with that TSC in ESI, and ends, or idles if it is "reset-idle".
 * "print" prints a line first, by a ring of one descriptor, so that the console has its
 * buffer, and idles then.
 */
#include <denali/hypercall.h>
#include <denali/vregs.h>

#include "../regions.h"

#define CMDLINE		(DENALI_VREGS_ADDR + 2048)
#define HYPERCALL	int	$DENALI_HC_VECTOR

	.text
	.globl	start
start:
	cmpb	$'i', CMDLINE
	je	idle
	cmpb	$'p', CMDLINE
	je	print
	cmpb	$'t', CMDLINE
	je	template
	cmpb	$'r', CMDLINE
	je	reset
	region_op REGION_END, R_CREATE_FIRST
end:
	rdtsc
	movl	%eax, %ebx
	movl	$DENALI_HC_EXIT, %eax
	HYPERCALL

template:
	movl	$DENALI_HC_TEMPLATE, %eax
	HYPERCALL
	region_op REGION_END, R_CLONE_FIRST
	jmp	end

reset:
	movl	$DENALI_HC_TEMPLATE, %eax
	HYPERCALL
	region_op REGION_END, R_RESET_FIRST
	region_op REGION_END, R_RESET_ENDED
	rdtsc
	movl	%eax, %esi
	movl	%eax, 0x10000
	movl	%eax, 0x18000
	movl	%eax, 0x20000
	movl	%eax, 0x3f000
	cmpb	$'-', CMDLINE + 5
	je	idle
	movl	$DENALI_HC_EXIT, %eax
	HYPERCALL

print:
	movl	$DENALI_HC_RING, %eax
	movl	$ring, %ecx
	HYPERCALL
	movl	$text, ring + 128
	movl	$text_end - text, ring + 132
	movl	$1, ring
	movl	$DENALI_HC_DOORBELL, %eax
	HYPERCALL
idle:
	movl	$DENALI_HC_IDLE, %eax
	movl	$-1, %ebx
	movl	$-1, %ecx
	HYPERCALL
	jmp	idle

text:
	.ascii	"here\n"
text_end:

	.bss
	.balign	64
ring:
	.skip	128 + 32
