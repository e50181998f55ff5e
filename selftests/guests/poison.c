// SPDX-License-Identifier: GPL-2.0
/*
 * Fills all that ring 3 has of registers with words that are easily told, SECRET and a
 * number below 256, and keeps them there while it computes, is interrupted, calls and faults.
 * Who finds one of them elsewhere has seen another VM's registers.
 */
#include "guest.h"

#define SECRET		0x5ec2e700U
#define XSAVE_HEADER	512

static uint8_t area[4096] __attribute__((aligned(64)));

/* All that XSAVE knows, but what would keep this code from its own memory. */
static void load_vectors(void)
{
	uint32_t a = 13, b, c = 0, d, low, high, i;

	__asm__ __volatile__("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d));
	CHECK(b <= sizeof(area));
	__asm__ __volatile__("xgetbv" : "=a" (low), "=d" (high) : "c" (0));
	__asm__ __volatile__("xsave (%0)" : : "r" (area), "a" (~0U), "d" (~0U) : "memory");
	/* x87 and SSE registers; then everything behind the header, PKRU among it. */
	for (i = 32; i < b; i += 4)
		if (i < 416 || i >= XSAVE_HEADER + 64)
			*(uint32_t *)(area + i) = SECRET | (i & 0xfc);
	*(uint32_t *)area = 0x7f;		/* FCW: rounding down; all registers in use */
	*(uint32_t *)(area + 4) = 0x00ff;
	*(uint32_t *)(area + 8) = SECRET;	/* FIP, FDP */
	*(uint32_t *)(area + 16) = SECRET;
	*(uint32_t *)(area + 24) = 0x5fbf;
	*(uint32_t *)(area + XSAVE_HEADER) = low;
	__asm__ __volatile__("xrstor (%0)" : : "r" (area), "a" (~0U), "d" (~0U) : "memory");
}

GUEST_EXC_ENTRY;

static void skip_ud2(void)
{
	vregs->exc_eip += 2;
}

volatile uint32_t spins, rounds;

/* Everything at once: a while of computing, a call that isn't there, one that is, a fault. */
static void test_hold(void)
{
	load_vectors();
	guest_exc_set(skip_ud2);
	for (;;) {
		spins = 20000;
		__asm__ __volatile__("pushal\n"
				     "movl	%0, %%eax\n"
				     "leal	1(%%eax), %%ebx\n"
				     "leal	2(%%eax), %%ecx\n"
				     "leal	3(%%eax), %%edx\n"
				     "leal	4(%%eax), %%esi\n"
				     "leal	5(%%eax), %%edi\n"
				     "leal	6(%%eax), %%ebp\n"
				     "1:	decl spins\n"
				     "jnz	1b\n"
				     "int	%1\n"
				     "movl	%0, %%eax\n"
				     "ud2\n"
				     "xorl	%%eax, %%eax\n"
				     "int	%1\n"
				     "popal\n"
				     : : "i" (SECRET), "i" (DENALI_HC_VECTOR) : "memory", "cc");
		rounds++;
	}
}

/* Reads, writes and runs what the host has breakpoints on: an address that the image doesn't use. */
static void test_touch(void)
{
	volatile uint32_t *word = (uint32_t *)0x20000;
	uint8_t *ret = (uint8_t *)0x20100;

	*ret = 0xc3;
	for (;;) {
		(*word)++;
		__asm__ __volatile__("call *%0" : : "r" (ret) : "memory");
		rounds++;
	}
}

static void go_on(void)
{
	rounds++;
}

/* Takes whatever fault comes, and goes on where it was. */
static void test_patient(void)
{
	guest_exc_set(go_on);
	for (;;) {
		denali_hypercall3(DENALI_HC_NOP, 0, 0, 0);
		guest_yield();
	}
}

static void test_rdpmc(void)
{
	__asm__ __volatile__("rdpmc" : : "c" (0) : "eax", "edx");
}

GUEST_MAIN({ "hold", test_hold }, { "touch", test_touch }, { "rdpmc", test_rdpmc },
	   { "patient", test_patient })
