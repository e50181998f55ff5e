// SPDX-License-Identifier: GPL-2.0
/*
 * Segments: selectors into segment registers, and far transfers to them. None may lead out
 * of the guest's memory or out of 32-bit mode.
 */
#include "hostile.h"

/*
 * Load every selector into every segment register. What loads is ours, so what
 * can be read through it is our memory at the same address.
 */
uint32_t word = 0x600dda7a;

#define TRY_SEG(reg, sel)						\
	__asm__ __volatile__("movl	$9f, fault_resume\n"		\
			     "movw	%w0, %%" reg "\n"		\
			     "movl	%%" reg ":word, %%eax\n"	\
			     "cmpl	%%ds:word, %%eax\n"		\
			     "je	9f\n"				\
			     "movl	$1, bad_segment\n"		\
			     "9:	pushl %%ss\n"			\
			     "popl	%%" reg "\n"			\
			     : : "r" (sel) : "eax", "memory", "cc")

uint32_t bad_segment;

static void test_segments(void)
{
	uint32_t sel;

	guest_exc_set(handler_skip);
	for (sel = 0; sel < 0x10000; sel++) {
		/* All of those of a GDT that has a reason to be, a sample of the rest. */
		if (sel >= 0x400 && sel % 251)
			continue;
		TRY_SEG("es", sel);
		TRY_SEG("fs", sel);
		TRY_SEG("gs", sel);
		CHECK(!bad_segment);
		progress++;
	}
}

static uint32_t rights(uint32_t sel)
{
	uint32_t access = 0;

	__asm__("lar %1, %0" : "+r" (access) : "r" (sel) : "cc");
	return access;
}

static uint32_t limit(uint32_t sel)
{
	uint32_t bytes = 0;

	__asm__("lsl %1, %0" : "+r" (bytes) : "r" (sel) : "cc");
	return bytes;
}

/* What came through SS: 1 if nothing did yet, 0 if the selector didn't load. */
uint32_t stack_word;

/* SS takes writable data segments of ring 3 only: ours, through which our memory is read. */
static void test_stack_segments(void)
{
	uint32_t sel, loaded = 0;
	uint16_t ss;

	__asm__ __volatile__("movw %%ss, %0" : "=r" (ss));
	guest_exc_set(handler_skip);
	for (sel = 0; sel < 0x10000; sel++) {
		if (sel >= 0x400 && sel % 251)
			continue;
		stack_word = 0;
		__asm__ __volatile__("movl $9f, fault_resume\n"
				     "movw %w0, %%ss\n"
				     "movl $1, stack_word\n"
				     "movl %%ss:word, %%eax\n"
				     "movl %%eax, stack_word\n"
				     "9: movw %w1, %%ss\n"
				     : : "r" (sel), "r" ((uint32_t)ss) : "eax", "memory", "cc");
		progress++;
		if (!stack_word)
			continue;
		loaded++;
		CHECK(stack_word == word);
		CHECK((sel & 3) == 3);
		CHECK(rights(sel) == rights(ss));
		CHECK(limit(sel) == limit(ss));
	}
	CHECK(loaded > 0);
}

/* DS with every selector: the handler's and the compiler's code uses it. */
static void test_data_segment(void)
{
	__asm__ __volatile__("movw %w0, %%ds" : : "r" (guest_num(1)) : "memory");
	progress++;
}

/*
 * Far jumps to every selector. Where one arrives, it must be in our own 32-bit
 * segment: 0x48 0xff 0xc0 is "inc %rax" to a 64-bit CPU, "dec %eax; inc %eax" to ours.
 */
static uint8_t far_code[] = { 0x31, 0xc0, 0x48, 0xff, 0xc0, 0xff, 0x25, 0, 0, 0, 0 };
uint32_t far_back, arrivals, arrived_64;
static struct {
	uint32_t offset;
	uint16_t selector;
} __attribute__((packed)) far_ptr;

static void test_far_jumps(void)
{
	uint32_t sel;

	guest_exc_set(handler_skip);
	*(uint32_t *)(far_code + 7) = (uintptr_t)&far_back;
	far_ptr.offset = (uintptr_t)far_code;
	for (sel = 0; sel < 0x10000; sel++) {
		if (sel >= 0x400 && sel % 251)
			continue;
		far_ptr.selector = sel;
		__asm__ __volatile__("movl	$9f, fault_resume\n"
				     "movl	$7f, far_back\n"
				     "ljmp	*%0\n"
				     "7:	incl arrivals\n"
				     "testl	%%eax, %%eax\n"
				     "jz	9f\n"
				     "incl	arrived_64\n"
				     "9:\n"
				     : : "m" (far_ptr) : "eax", "memory", "cc");
		progress++;
	}
	CHECK(!arrived_64);
	CHECK(arrivals > 0);
}

static void test_far_calls(void)
{
	uint32_t sel;

	guest_exc_set(handler_skip);
	*(uint32_t *)(far_code + 7) = (uintptr_t)&far_back;
	far_ptr.offset = (uintptr_t)far_code;
	for (sel = 0; sel < 0x10000; sel++) {
		if (sel >= 0x400 && sel % 251)
			continue;
		far_ptr.selector = sel;
		__asm__ __volatile__("movl	%%esp, %%esi\n"
				     "movl	$9f, fault_resume\n"
				     "movl	$7f, far_back\n"
				     "lcall	*%0\n"
				     "7:	incl arrivals\n"
				     "testl	%%eax, %%eax\n"
				     "jz	9f\n"
				     "incl	arrived_64\n"
				     "9:	movl %%esi, %%esp\n"
				     : : "m" (far_ptr) : "eax", "esi", "memory", "cc");
		progress++;
	}
	CHECK(!arrived_64);
	CHECK(arrivals > 0);
}

/* QEMU's emulation takes VM from the stack in ring 3 too; CPUs in long mode ignore it. */
static uint32_t iret_flags(void)
{
	uint32_t a = 0x40000000, b, c = 0, d;

	__asm__ __volatile__("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d));
	return b == 0x54474354 ? 0x3202 : 0x23202;	/* IOPL 3, and VM unless it is TCG */
}

/* IRET and RETF to every code selector, with wild flags. */
static void test_iret(void)
{
	uint32_t sel, flags = iret_flags();

	guest_exc_set(handler_skip);
	*(uint32_t *)(far_code + 7) = (uintptr_t)&far_back;
	for (sel = 0; sel < 0x400; sel++) {
		__asm__ __volatile__("movl	%%esp, %%esi\n"
				     "movl	$9f, fault_resume\n"
				     "movl	$7f, far_back\n"
				     "pushl	%%ss\n"
				     "pushl	%%esp\n"
				     "pushl	%2\n"
				     "pushl	%0\n"
				     "pushl	%1\n"
				     "iretl\n"
				     "7:	incl arrivals\n"
				     "testl	%%eax, %%eax\n"
				     "jz	9f\n"
				     "incl	arrived_64\n"
				     "9:	movl %%esi, %%esp\n"
				     : : "r" (sel), "r" (far_code), "r" (flags)
				     : "eax", "esi", "memory", "cc");
		__asm__ __volatile__("movl	%%esp, %%esi\n"
				     "movl	$9f, fault_resume\n"
				     "movl	$7f, far_back\n"
				     "pushl	%0\n"
				     "pushl	%1\n"
				     "lretl\n"
				     "7:	incl arrivals\n"
				     "testl	%%eax, %%eax\n"
				     "jz	9f\n"
				     "incl	arrived_64\n"
				     "9:	movl %%esi, %%esp\n"
				     : : "r" (sel), "r" (far_code) : "eax", "esi", "memory", "cc");
		progress++;
	}
	CHECK(!arrived_64);
	CHECK(arrivals > 0);
}

GUEST_MAIN({ "segments", test_segments }, { "stack-segments", test_stack_segments },
	   { "data-segment", test_data_segment }, { "far-jumps", test_far_jumps },
	   { "far-calls", test_far_calls }, { "iret", test_iret })
