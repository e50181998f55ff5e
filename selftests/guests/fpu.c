// SPDX-License-Identifier: GPL-2.0
/*
 * Keeps values of its own in the x87, SSE and, where there is one, AVX registers
 * for a while, across preemption and hypercalls, and looks whether they stay.
 */
#include "guest.h"

static bool have_avx(void)
{
	uint32_t a = 1, b, c, d;

	__asm__ __volatile__("cpuid" : "+a" (a), "=b" (b), "=c" (c), "=d" (d));
	if ((c & (1U << 27 | 1U << 28)) != (1U << 27 | 1U << 28))
		return false;
	__asm__ __volatile__("xgetbv" : "=a" (a), "=d" (d) : "c" (0));
	return (a & 6) == 6;
}

static uint32_t ymm[8][8], ymm_now[8][8] __attribute__((aligned(32)));
static uint32_t env_now[7];
static uint64_t st_now[8];
volatile uint32_t rounds;

static void load(uint32_t seed, bool avx)
{
	unsigned int i, j;
	uint32_t csr = 0x1f80 ^ (seed & 3) << 13;
	uint16_t cw = 0x37f ^ (seed & 3) << 10;
	int32_t st;

	for (i = 0; i < 8; i++)
		for (j = 0; j < 8; j++)
			ymm[i][j] = seed * 0x01010101U + i * 0x100 + j;
	__asm__ __volatile__("ldmxcsr %0; fninit; fldcw %1" : : "m" (csr), "m" (cw));
	for (i = 0; i < 7; i++) {
		st = seed * 1000 + i;
		__asm__ __volatile__("fildl %0" : : "m" (st));
	}
	if (avx)
		__asm__ __volatile__(".irp n, 0, 1, 2, 3, 4, 5, 6, 7\n"
				     "vmovdqu \\n * 32(%0), %%ymm\\n\n"
				     ".endr" : : "r" (ymm) : "memory");
	else
		__asm__ __volatile__(".irp n, 0, 1, 2, 3, 4, 5, 6, 7\n"
				     "movdqu \\n * 32(%0), %%xmm\\n\n"
				     ".endr" : : "r" (ymm) : "memory");
}

/* Everything between load() and the end of verify() must leave the registers alone. */
__attribute__((target("general-regs-only")))
static void verify(uint32_t seed, bool avx)
{
	unsigned int i, j;
	uint32_t csr;
	uint16_t cw;

	if (avx)
		__asm__ __volatile__(".irp n, 0, 1, 2, 3, 4, 5, 6, 7\n"
				     "vmovdqu %%ymm\\n, \\n * 32(%0)\n"
				     ".endr" : : "r" (ymm_now) : "memory");
	else
		__asm__ __volatile__(".irp n, 0, 1, 2, 3, 4, 5, 6, 7\n"
				     "movdqu %%xmm\\n, \\n * 32(%0)\n"
				     ".endr" : : "r" (ymm_now) : "memory");
	for (i = 0; i < 8; i++)
		for (j = 0; j < (avx ? 8 : 4); j++)
			CHECK(ymm_now[i][j] == ymm[i][j]);
	__asm__ __volatile__("stmxcsr %0; fnstcw %1" : "=m" (csr), "=m" (cw));
	CHECK(csr == (0x1f80 ^ (seed & 3) << 13));
	CHECK(cw == (0x37f ^ (seed & 3) << 10));
}

__attribute__((target("general-regs-only")))
static void verify_x87(uint32_t seed)
{
	int i;

	for (i = 6; i >= 0; i--) {
		__asm__ __volatile__("fistpll %0" : "=m" (st_now[i]));
		CHECK(st_now[i] == seed * 1000 + i);
	}
	__asm__ __volatile__("fnstenv %0" : "=m" (env_now));
	CHECK((env_now[2] & 0xffff) == 0xffff);
}

__attribute__((target("general-regs-only")))
static void hold(uint32_t seed, bool avx, bool calls)
{
	unsigned int i;
	uint64_t until = guest_clock() + guest_num(2) * MS;

	while (guest_clock() < until) {
		if (calls) {
			denali_hypercall3(DENALI_HC_NOP, 0, 0, 0);
			guest_yield();
			guest_idle(100000);
		} else {
			for (i = 0; i < 1000; i++)
				__asm__ __volatile__("");
		}
		verify(seed, avx);
		rounds++;
	}
}

static void test_spin(void)
{
	uint32_t seed = guest_num(1);
	bool avx = have_avx();

	load(seed, avx);
	hold(seed, avx, false);
	verify_x87(seed);
}

static void test_calls(void)
{
	uint32_t seed = guest_num(1);
	bool avx = have_avx();

	load(seed, avx);
	hold(seed, avx, true);
	verify_x87(seed);
}

/* Nobody's registers are there at the start, upper halves included. */
__attribute__((target("general-regs-only")))
static void test_fresh(void)
{
	unsigned int i, j;
	uint32_t csr;
	uint16_t cw;

	if (have_avx())
		__asm__ __volatile__(".irp n, 0, 1, 2, 3, 4, 5, 6, 7\n"
				     "vmovdqu %%ymm\\n, \\n * 32(%0)\n"
				     ".endr" : : "r" (ymm_now) : "memory");
	else
		__asm__ __volatile__(".irp n, 0, 1, 2, 3, 4, 5, 6, 7\n"
				     "movdqu %%xmm\\n, \\n * 32(%0)\n"
				     ".endr" : : "r" (ymm_now) : "memory");
	for (i = 0; i < 8; i++)
		for (j = 0; j < 8; j++)
			CHECK(ymm_now[i][j] == 0);
	__asm__ __volatile__("stmxcsr %0; fnstcw %1" : "=m" (csr), "=m" (cw));
	CHECK(csr == 0x1f80);
	CHECK(cw == 0x37f);
	__asm__ __volatile__("fnstenv %0" : "=m" (env_now));
	CHECK((env_now[1] & 0xffff) == 0);
	CHECK((env_now[2] & 0xffff) == 0xffff);
}

/* 0: no AVX here. */
static void test_avx(void)
{
	guest_exit(have_avx());
}

GUEST_MAIN({ "spin", test_spin }, { "calls", test_calls }, { "fresh", test_fresh },
	   { "avx", test_avx })
