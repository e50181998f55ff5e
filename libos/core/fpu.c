// SPDX-License-Identifier: MIT
/*
 * FPU, SSE and AVX state of preempted threads. With XSAVE the area holds what
 * the host has enabled of x87, SSE, AVX and AVX-512, without it x87 and SSE.
 */
#include <cpuid.h>

#include "core.h"

/* x87, SSE, AVX, three parts of AVX-512. PKRU isn't a thread's, AMX is never on. */
#define FPU_XCR0	0xe7
#define FPU_FXSAVE_SIZE	512
#define FPU_MXCSR	0x1f80

uint32_t denali_fpu_size = FPU_FXSAVE_SIZE;
static uint32_t fpu_mask;	/* 0: no XSAVE */

void denali_fpu_start(void)
{
	uint32_t a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return;
	__asm__ __volatile__("xgetbv" : "=a" (a), "=d" (d) : "c" (0));
	fpu_mask = a & FPU_XCR0;
	denali_fpu_size = 576;
	for (unsigned int part = 2; part < 8; part++) {
		if (!(fpu_mask & (1U << part)))
			continue;
		__cpuid_count(0xd, part, a, b, c, d);
		if (a + b > denali_fpu_size)
			denali_fpu_size = a + b;
	}
	denali_fpu_size = (denali_fpu_size + 63) & ~63U;
}

/* Leaves the FPU as a thread that switched by itself expects it: x87 stack empty. */
void denali_fpu_save(void *area)
{
	uint32_t mxcsr = FPU_MXCSR;

	if (fpu_mask)
		__asm__ __volatile__("xsave (%0)" : : "r" (area), "a" (fpu_mask), "d" (0) : "memory");
	else
		__asm__ __volatile__("fxsave (%0)" : : "r" (area) : "memory");
	__asm__ __volatile__("fninit; ldmxcsr %0" : : "m" (mxcsr));
}

void denali_fpu_restore(const void *area)
{
	if (fpu_mask)
		__asm__ __volatile__("xrstor (%0)" : : "r" (area), "a" (fpu_mask), "d" (0) : "memory");
	else
		__asm__ __volatile__("fxrstor (%0)" : : "r" (area) : "memory");
}
