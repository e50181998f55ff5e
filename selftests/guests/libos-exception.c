// SPDX-License-Identifier: GPL-2.0
/*
 * libos exceptions: handlers mend registers and memory and go on; interrupts stay
 * right. Boot argument fault=: what to end by instead, for the test outside.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <denali-os/bootargs.h>
#include <denali-os/exception.h>
#include <denali-os/panic.h>
#include <denali-os/thread.h>
#include <denali-os/timer.h>

#include "libos-tap.h"

static volatile uint32_t seen_vector, seen_addr, seen_count;

static int skip(struct denali_exception *exc, void *arg)
{
	seen_vector = exc->vector;
	seen_addr = exc->addr;
	seen_count++;
	exc->eip += (uintptr_t)arg;
	exc->ecx = 4711;
	return 0;
}

static int decline(struct denali_exception *exc, void *arg)
{
	(void)exc;
	(void)arg;
	return 1;
}

static volatile int zero, depth = 10;

static void *overrun(void *arg)
{
	volatile char big[512];

	memset((void *)big, 0, sizeof(big));
	/* Deeper than the stack, but not through the whole heap. */
	if (--depth)
		overrun(arg);
	denali_thread_yield();
	return (void *)(uintptr_t)big[3];
}

static void end_by(const char *how)
{
	struct denali_thread *thread;

	if (!strcmp(how, "assert"))
		assert(how[0] == 'x');
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "raise"))
		raise(SIGTERM);
	if (!strcmp(how, "null"))
		*(volatile int *)NULL = 1;
	if (!strcmp(how, "panic"))
		denali_panic("number %d, string %s, hex %x", -5, "abc", 0xfeed);
	if (!strcmp(how, "decline")) {
		denali_exception_register(0, decline, NULL);
		exit(1000 / zero);
	}
	if (!strcmp(how, "overrun")) {
		denali_thread_create(&thread, "deep", 4096, overrun, &thread);
		denali_thread_join(thread, NULL);
	}
	if (!strcmp(how, "exit"))
		exit(77);
	printf("fault=%s: unknown\n", how);
	exit(99);
}

int main(void)
{
	uint32_t ecx = 1, eax = 12345, ebx = 54321;
	uint64_t start;
	char how[16];

	if (denali_bootarg("fault", how, sizeof(how)))
		end_by(how);
	tap_ok(denali_exception_register(32, skip, NULL) == EINVAL, "vector 32 is EINVAL");
	denali_exception_register(6, skip, (void *)2);
	denali_exception_register(14, skip, (void *)6);
	__asm__ volatile("ud2" : "+c" (ecx), "+a" (eax), "+b" (ebx) : : "memory");
	tap_ok(seen_vector == 6 && ecx == 4711, "an invalid instruction is handled, registers can be set");
	tap_ok(eax == 12345 && ebx == 54321, "the others stay");
	__asm__ volatile("movl 0x10, %%ebx" : : : "ebx", "ecx", "memory");
	tap_ok(seen_vector == 14 && seen_addr == 0x10, "a page fault tells the address");
	start = denali_clock_ns();
	denali_sleep_ns(2 * DENALI_NS_PER_MS);
	tap_ok(denali_clock_ns() - start >= 2 * DENALI_NS_PER_MS, "interrupts work after an exception");
	seen_count = 0;
	for (int i = 0; i < 1000; i++)
		__asm__ volatile("ud2" : : : "ecx", "memory");
	tap_ok(seen_count == 1000, "a thousand in a row");
	return tap_done();
}
