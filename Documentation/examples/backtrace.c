// SPDX-License-Identifier: MIT
/*
 * backtrace - an exception handler that says how the program got there
 *
 * Without a handler, a fault ends the VM with a report of its registers. This one
 * follows the frame pointers, which denali-cc keeps, and puts the return addresses into a
 * panic's text. Another handler mends what is wrong and goes on. Explained in
 * Documentation/guest-programming.rst.
 *
 * Build: denali-cc -g -o backtrace backtrace.c. With -O2, functions that are inlined have
 * no frame, and one that ends by calling another is replaced by it:
 * -fno-optimize-sibling-calls keeps it in the picture.
 */
#include <stdint.h>
#include <stdio.h>

#include <denali/vregs.h>
#include <denali-os/exception.h>
#include <denali-os/panic.h>

/* The frame pointer may be what is broken: follow it upwards only, and inside memory. */
static uint32_t caller(uint32_t *ebp)
{
	uint32_t *frame = (uint32_t *)*ebp;

	if (*ebp & 3 || *ebp < DENALI_IMAGE_MIN_ADDR || *ebp > DENALI_VREGS->mem_size - 8 ||
	    (frame[0] && frame[0] <= *ebp))
		return 0;
	*ebp = frame[0];
	return frame[1];
}

static int page_fault(struct denali_exception *exc, void *arg)
{
	uint32_t ebp = exc->ebp, c1 = caller(&ebp), c2 = caller(&ebp), c3 = caller(&ebp);

	(void)arg;
	denali_panic("no memory at %x: eip %x from %x from %x from %x", exc->addr, exc->eip, c1, c2, c3);
}

/* UD2 has two bytes: pretend that it was executed. */
static int invalid(struct denali_exception *exc, void *arg)
{
	(*(int *)arg)++;
	exc->eip += 2;
	return 0;
}

static __attribute__((noinline)) void inner(int *to)
{
	*to = 42;
}

static __attribute__((noinline)) void outer(int *to)
{
	inner(to + 4);
}

int main(void)
{
	static int mended;

	denali_exception_register(6, invalid, &mended);
	denali_exception_register(14, page_fault, NULL);
	__asm__ volatile("ud2" : : : "memory");
	printf("mended: %d\n", mended);
	outer(NULL);
	return 0;
}
