/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Regions: stretches of execution that the instruction counter (counter.c) looks
 * into. Code says where one begins and ends by an instruction that does nothing and that
 * nothing else has: NOPL disp32(%eax), with the region in the displacement. It is the same
 * bytes in 32-bit and 64-bit code and works in any ring, so a region can begin in
 * one VM and end in another.
 */
#ifndef DENALI_BENCH_REGIONS_H
#define DENALI_BENCH_REGIONS_H

#define R_EMPTY		0
#define R_NOP		1
#define R_EXIT		2
#define R_PREEMPT	3
#define R_SWITCH	4
#define R_EXC		5
#define R_EXC_RETURN	6
#define R_UPCALL	7
#define R_GETPPID	8
#define R_PIPE		9
#define R_LIFE		10
#define R_EXEC		11
#define R_EXEC_LIBC	12
#define R_UDP		13	/* and the next two: through a VM, a process, a process on a tap */
#define R_HTTP		16	/* the same */
#define R_IDLE		19
#define R_CLONE_LIFE	20
#define R_CREATE_FIRST	21
#define R_CLONE_FIRST	22
#define R_RESET_FIRST	23
#define R_RESET_ENDED	24
#define R_RESET		25
#define R_SINGLES	26
#define R_BATCH		27
#define R_CREATE_LARGE	28
#define R_NR		29

#define REGION_NAMES {							\
	"empty", "hypercall-switcher", "exit-irqs-off", "exit-preemptible",	\
	"vm-to-vm", "exception", "exception-return", "upcall",			\
	"getppid", "pipe-switch", "vm-life", "fork-exec-exit", "fork-exec-exit-libc",	\
	"udp-vm", "udp-native", "udp-tap", "http-vm", "http-native", "http-tap",	\
	"exit-idle", "clone-life", "create-first", "clone-first",	\
	"reset-first", "reset-ended-first", "reset", "clone-singly", "clone-batch",	\
	"create-large",		\
}

/* The displacement: "BD", operation, region. */
#define REGION_MARK	0x44420000
#define REGION_BEGIN	0x0000
#define REGION_END	0x1000
#define REGION_ARM	0x2000		/* from here on there may be regions */

#ifdef __ASSEMBLER__
.macro region_op op, region
	.byte	0x0f, 0x1f, 0x80
	.long	REGION_MARK | \op | \region
.endm
#else
#define REGION_OP(op, region)						\
	__asm__ __volatile__(".byte 0x0f, 0x1f, 0x80; .long %c0"	\
			     : : "i" (REGION_MARK | (op) | (region)) : "memory")
#define region_begin(region)	REGION_OP(REGION_BEGIN, region)
#define region_end(region)	REGION_OP(REGION_END, region)
#define region_arm()		REGION_OP(REGION_ARM, 0)
#endif

#endif /* DENALI_BENCH_REGIONS_H */
