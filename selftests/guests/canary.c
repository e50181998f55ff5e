// SPDX-License-Identifier: GPL-2.0
/*
 * A VM that others must not harm: fills memory and all registers that ring 3 has
 * with values of its own and keeps looking whether they are still there, across
 * preemption, hypercalls and idling. It answers the host's questions when all is
 * well, and panics when something isn't.
 */
#include "guest.h"

#define WORDS		16384
#define XSAVE_MAX	4096
#define XSAVE_HEADER	512
#define FLAGS		0x240ad7	/* ID, AC, OF, SF, ZF, AF, PF, CF: what may be on all the time */
#define FLAGS_MASK	0x247fd7

static uint32_t pattern[WORDS];
static uint8_t want[XSAVE_MAX] __attribute__((aligned(64)));
static uint8_t now[XSAVE_MAX] __attribute__((aligned(64)));
static uint32_t xsave_size;

/* The host's side of these is in sweep.c. */
volatile uint32_t question, answer, progress;

volatile struct {
	uint32_t ax, cx, dx, bx, bp, si, di, flags, sp_before, sp, ds, es, fs, gs, ss;
} regs;

static uint16_t selector;

/*
 * A while of computing and then a call that gives up the CPU, or doesn't, with values
 * in all registers. AC is among the flags: everything here is aligned.
 */
static void hold(uint32_t nr, uint32_t seed, uint32_t spins)
{
	__asm__ __volatile__("pushal\n"
			     "movl	%%esp, regs + 32\n"
			     /* What DENALI_HC_IDLE takes for a millisecond. */
			     "movl	$1000000, %%ebx\n"
			     "xorl	%%ecx, %%ecx\n"
			     "leal	1(%%esi), %%edi\n"
			     "leal	2(%%esi), %%ebp\n"
			     "1:	decl %%edx\n"
			     "jnz	1b\n"
			     "pushl	%3\n"
			     "popfl\n"
			     "int	%4\n"
			     "movl	%%eax, regs\n"
			     "movl	%%ecx, regs + 4\n"
			     "movl	%%edx, regs + 8\n"
			     "movl	%%ebx, regs + 12\n"
			     "movl	%%ebp, regs + 16\n"
			     "movl	%%esi, regs + 20\n"
			     "movl	%%edi, regs + 24\n"
			     "movl	%%esp, regs + 36\n"
			     "pushfl\n"
			     "popl	regs + 28\n"
			     "movw	%%ds, regs + 40\n"
			     "movw	%%es, regs + 44\n"
			     "movw	%%fs, regs + 48\n"
			     "movw	%%gs, regs + 52\n"
			     "movw	%%ss, regs + 56\n"
			     "pushl	$0x202\n"
			     "popfl\n"
			     "popal\n"
			     : : "a" (nr), "S" (seed), "d" (spins), "i" (FLAGS),
				 "i" (DENALI_HC_VECTOR) : "memory", "cc");
	CHECK(regs.ax == 0 || (nr == DENALI_HC_IDLE && regs.ax == 1));
	CHECK(regs.bx == 1000000 && regs.cx == 0 && regs.dx == 0);
	CHECK(regs.si == seed && regs.di == seed + 1 && regs.bp == seed + 2);
	CHECK(regs.sp == regs.sp_before);
	CHECK((regs.flags & FLAGS_MASK) == FLAGS);
	CHECK(regs.ds == selector && regs.es == selector && regs.ss == selector);
	CHECK(regs.fs == 0 && regs.gs == selector);
}

static void cpuid(uint32_t leaf, uint32_t sub, uint32_t *out)
{
	__asm__ __volatile__("cpuid" : "=a" (out[0]), "=b" (out[1]), "=c" (out[2]), "=d" (out[3])
			     : "0" (leaf), "2" (sub));
}

static void xsave(uint8_t *area)
{
	__asm__ __volatile__("xsave (%0)" : : "r" (area), "a" (~0U), "d" (~0U) : "memory");
}

/* Where there is AVX-512: the mask registers, and the upper halves of the 8 that 32-bit code has. */
static void load_avx512(uint32_t seed)
{
	uint32_t low, high, id[4], i, n;

	__asm__ __volatile__("xgetbv" : "=a" (low), "=d" (high) : "c" (0));
	xsave(want);
	for (n = 5; n <= 6; n++) {
		if (!(low & 1U << n))
			continue;
		cpuid(13, n, id);
		for (i = 0; i < (n == 5 ? 8 * 8 : 8 * 32); i++)
			want[id[1] + i] = seed + i * 5 + n;
		*(uint32_t *)(want + XSAVE_HEADER) |= 1U << n;
	}
	__asm__ __volatile__("xrstor (%0)" : : "r" (want), "a" (~0U), "d" (~0U) : "memory");
}

/* x87, SSE, and AVX, AVX-512 and PKRU where they are. */
static void load_vectors(uint32_t seed)
{
	uint32_t csr = 0x1f80 ^ (seed & 3) << 13, id[4];
	uint16_t cw = 0x37f ^ (seed & 3) << 10;
	unsigned int i;
	int32_t st;

	cpuid(13, 0, id);
	xsave_size = id[1];
	CHECK(xsave_size <= XSAVE_MAX);
	__asm__ __volatile__("fninit; ldmxcsr %0; fldcw %1" : : "m" (csr), "m" (cw));
	for (i = 0; i < 7; i++) {
		st = seed * 1000 + i;
		__asm__ __volatile__("fildl %0" : : "m" (st));
	}
	for (i = 0; i < 8 * 32; i++)
		want[i] = seed + i * 7;
	if (id[0] & 4)
		__asm__ __volatile__(".irp n, 0, 1, 2, 3, 4, 5, 6, 7\n"
				     "vmovdqu \\n * 32(%0), %%ymm\\n\n"
				     ".endr" : : "r" (want) : "memory");
	else
		__asm__ __volatile__(".irp n, 0, 1, 2, 3, 4, 5, 6, 7\n"
				     "movdqu \\n * 32(%0), %%xmm\\n\n"
				     ".endr" : : "r" (want) : "memory");
	cpuid(7, 0, id);
	if (id[2] & (1U << 4))
		/* Keys that nothing here uses. */
		__asm__ __volatile__(".byte 0x0f, 0x01, 0xef" : : "a" (0x55550000U), "c" (0), "d" (0));
	for (i = 0; i < XSAVE_MAX; i++)
		want[i] = 0;
	load_avx512(seed);
	for (i = 0; i < XSAVE_MAX; i++)
		want[i] = 0;
	xsave(want);
}

/* All but the header (what is in use may change) and what software may use. */
static void check_vectors(void)
{
	unsigned int i;

	for (i = 0; i < XSAVE_MAX; i++)
		now[i] = 0;
	xsave(now);
	for (i = 0; i < xsave_size; i++)
		if (i < 464 || i >= 576)
			CHECK(now[i] == want[i]);
}

/* "SEED" */
void denali_main(void)
{
	uint32_t seed = guest_num(0), asked, i, round = 0;

	for (i = 0; i < WORDS; i++)
		pattern[i] = seed * 2654435761U + i;
	load_vectors(seed);
	__asm__ __volatile__("movw %%ss, %0; movw %0, %%gs" : "=&r" (selector));
	for (;;) {
		asked = question;
		hold(DENALI_HC_NOP, seed + round, 1 + round % 1024);
		hold(DENALI_HC_YIELD, seed ^ round, 1);
		check_vectors();
		for (i = 0; i < WORDS; i++)
			CHECK(pattern[i] == seed * 2654435761U + i);
		answer = asked * 2654435761U + seed;
		progress++;
		if (question == asked)
			hold(DENALI_HC_IDLE, seed + round, 1);
		round++;
	}
}
