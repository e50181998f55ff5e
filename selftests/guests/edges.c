// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions at the edges of memory and of state: stacks at its first and last bytes,
 * hypercalls in them, cache lines over them, descriptors, ports, XSAVE headers, code that
 * changes itself. hostile_test.c says how each must end; what survives checks here that
 * it got nothing.
 */
#include "hostile.h"

static uint8_t code[64] __attribute__((aligned(64)));

/* Go on behind the asm when it faults, with stack, flags and other registers as they were. */
volatile uint32_t try_sp, try_bp, try_si, try_di;

#define TRY_ALL(insn, ...)							\
	__asm__ __volatile__("movl	%%esp, try_sp\n"		\
			     "movl	%%ebp, try_bp\n"		\
			     "movl	%%esi, try_si\n"		\
			     "movl	%%edi, try_di\n"		\
			     "movl	$9f, fault_resume\n"		\
			     insn "\n"					\
			     "9:	movl try_sp, %%esp\n"		\
			     "movl	try_bp, %%ebp\n"		\
			     "movl	try_si, %%esi\n"		\
			     "movl	try_di, %%edi\n"		\
			     "pushl	$0x202\n"			\
			     "popfl\n"					\
			     : : __VA_ARGS__				\
			     : "eax", "ebx", "ecx", "edx", "memory", "cc")

/* All features: for XSAVE and its like. */
#define ALL	"movl $-1, %%eax; movl $-1, %%edx; "

/* The usual stack is at the end of memory, which some of these write over. */
static uint8_t own_stack[4096] __attribute__((aligned(16)));

static void on_own_stack(void (*fn)(void))
{
	__asm__ __volatile__("movl	%%esp, %%ebx\n"
			     "movl	%0, %%esp\n"
			     "call	*%1\n"
			     "movl	%%ebx, %%esp\n"
			     : : "S" (own_stack + sizeof(own_stack)), "D" (fn)
			     : "eax", "ebx", "ecx", "edx", "memory", "cc");
	guest_exit(0);
}

/* Everything that uses a stack, with ESP at an address; faults go to a handler with its own. */
static void stack_edges(void)
{
	uint32_t esp = guest_num(1);

	guest_exc_set(handler_skip);
	TRY_ALL("movl %0, %%esp; pushl %%eax", "r" (esp));
	TRY_ALL("movl %0, %%esp; popl %%eax", "r" (esp));
	TRY_ALL("movl %0, %%esp; pushw %%ax", "r" (esp));
	TRY_ALL("movl %0, %%esp; pushal", "r" (esp));
	TRY_ALL("movl %0, %%esp; popal", "r" (esp));
	TRY_ALL("movl %0, %%esp; pushfl", "r" (esp));
	TRY_ALL("movl %0, %%esp; popfl", "r" (esp));
	TRY_ALL("movl %0, %%esp; call 9f", "r" (esp));
	TRY_ALL("movl %0, %%esp; ret", "r" (esp));
	TRY_ALL("movl %0, %%esp; lret", "r" (esp));
	TRY_ALL("movl %0, %%esp; iretl", "r" (esp));
	TRY_ALL("movl %0, %%esp; iretw", "r" (esp));
	TRY_ALL("movl %0, %%esp; int3", "r" (esp));
	TRY_ALL("movl %0, %%esp; int $0x80", "r" (esp));
	TRY_ALL("movl %0, %%esp; enter $16, $3", "r" (esp));
	TRY_ALL("movl %0, %%esp; xorl %%eax, %%eax; int %1", "r" (esp), "i" (DENALI_HC_VECTOR));
	TRY_ALL("movl %0, %%esp; movl %2, %%eax; int %1", "r" (esp), "i" (DENALI_HC_VECTOR),
		"i" (DENALI_HC_YIELD));
	TRY_ALL("movl %0, %%esp; movl $77, %%eax; int %1", "r" (esp), "i" (DENALI_HC_VECTOR));
}

static void test_stack(void)
{
	on_own_stack(stack_edges);
}

/*
 * A hypercall whose last byte is the last of memory, or n bytes before: EIP behind it can't
 * be returned to.
 */
static void test_hypercall_at_end(void)
{
	uint32_t nr = guest_num(1), before_end = guest_num(2);
	uint8_t *p = (uint8_t *)(uintptr_t)((uint32_t)vregs->mem_size - before_end);

	p[0] = 0xcd;
	p[1] = DENALI_HC_VECTOR;
	for (p += 2; (uint32_t)p != (uint32_t)vregs->mem_size; p++)
		*p = 0x90;
	/* Elsewhere than in the stack's last bytes, where the code is. */
	__asm__ __volatile__("movl	%2, %%esp\n"
			     "jmp	*%0\n"
			     : : "r" ((uint32_t)vregs->mem_size - before_end), "a" (nr),
				 "r" (code + sizeof(code)), "b" (0), "c" (0), "d" (0));
}

/* INT whose second byte isn't there. */
static void test_hypercall_across_end(void)
{
	uint8_t *p = (uint8_t *)(uintptr_t)((uint32_t)vregs->mem_size - 1);

	*p = 0xcd;
	__asm__ __volatile__("movl %1, %%esp; jmp *%0" : : "r" (p), "r" (code + sizeof(code)), "a" (0));
}

/* Hints never fault and flushes fault in the guest, wherever they point. */
static void test_cache_lines(void)
{
	uint32_t end = (uint32_t)vregs->mem_size, i, before;
	uint32_t places[] = { end - 1, end, end + 1, end + 63, 0, 0xfff, 0x80000000, 0xffffffff, 0xffffffc0 };

	guest_exc_set(handler_skip);
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		before = caught;
		TRY_ALL("prefetcht0 (%0)", "r" (places[i]));
		TRY_ALL("prefetcht1 (%0)", "r" (places[i]));
		TRY_ALL("prefetcht2 (%0)", "r" (places[i]));
		TRY_ALL("prefetchnta (%0)", "r" (places[i]));
		CHECK(caught == before);
		TRY_ALL("movl %0, %%eax; .byte 0x0f, 0x0d, 0x08", "r" (places[i]));	/* PREFETCHW */
		TRY_ALL("movl %0, %%eax; .byte 0x0f, 0x1c, 0x00", "r" (places[i]));	/* CLDEMOTE */
		TRY_ALL("clflush (%0)", "r" (places[i]));
		TRY_ALL("movl %0, %%eax; .byte 0x66, 0x0f, 0xae, 0x38", "r" (places[i]));	/* CLFLUSHOPT */
		TRY_ALL("movl %0, %%eax; .byte 0x66, 0x0f, 0xae, 0x30", "r" (places[i]));	/* CLWB */
	}
}

/*
 * What LAR, LSL, VERR and VERW tell of any selector: only of segments that ring 3 may
 * have, and those end where our memory does.
 */
static void test_descriptors(void)
{
	uint32_t sel, rights, limit, seen = 0;
	bool lar, lsl, verr, verw;

	for (sel = 0; sel < 0x10000; sel++) {
		__asm__ __volatile__("larl %2, %0" : "=r" (rights), "=@ccz" (lar) : "r" (sel), "0" (0));
		__asm__ __volatile__("lsll %2, %0" : "=r" (limit), "=@ccz" (lsl) : "r" (sel), "0" (0));
		__asm__ __volatile__("verr %w1" : "=@ccz" (verr) : "r" (sel));
		__asm__ __volatile__("verw %w1" : "=@ccz" (verw) : "r" (sel));
		if (!lar) {
			CHECK(!lsl && !verr && !verw);
			continue;
		}
		seen++;
		/* Code or data, present, DPL 3; not 64-bit code. */
		CHECK((rights & 0x7000) == 0x7000);
		CHECK(rights & 0x8000);
		CHECK(!(rights & 0x200000));
		CHECK(!lsl || limit == (uint32_t)vregs->mem_size - 1);
	}
	CHECK(seen >= 2);
}

/* No port at all, by any width. */
static void test_ports(void)
{
	uint32_t port;

	guest_exc_set(handler_skip);
	for (port = 0; port < 0x10000; port++) {
		caught = 0;
		switch (port % 3) {
		case 0:
			TRY_ALL("movl %0, %%edx; inb %%dx, %%al", "r" (port));
			break;
		case 1:
			TRY_ALL("movl %0, %%edx; outl %%eax, %%dx", "r" (port));
			break;
		case 2:
			TRY_ALL("movl %0, %%edx; inw %%dx, %%ax", "r" (port));
			break;
		}
		CHECK(caught == 1 && last_vector == 13 && last_error == 0);
	}
}

/* XSAVE areas with a header or a place that isn't right. Each word: offset << 8 | byte. */
static uint8_t area[4096] __attribute__((aligned(64)));

static void xrstor_all(uint8_t *p)
{
	TRY_ALL(ALL "xrstor (%0)", "r" (p));
	TRY_ALL("fninit", "i" (0));
}

static void xsave_headers(void)
{
	static const struct {
		uint16_t offset;
		uint8_t byte;
		bool faults;
	} bad[] = {
		{ 0, 0, false },		/* nothing: all initial */
		{ 512, 0x03, false },		/* x87 and SSE of zeros */
		{ 512, 0x80, true },		/* reserved or not there, or else good */
		{ 519, 0x80, true },		/* bit 63 of XSTATE_BV */
		{ 520, 0x01, true },		/* XCOMP_BV without its bit 63 */
		{ 527, 0x80, false },		/* compacted, if there is XSAVEC */
		{ 528, 0x01, true },		/* reserved */
		{ 535, 0xff, true },
		{ 24, 0xff, false },		/* MXCSR, not asked for */
		{ 27, 0xff, false },
	};
	uint32_t i, features = 13, sub = 1, end = (uint32_t)vregs->mem_size;

	__asm__ __volatile__("cpuid" : "+a" (features), "+c" (sub) : : "ebx", "edx");
	guest_exc_set(handler_skip);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		area[bad[i].offset] = bad[i].byte;
		caught = 0;
		xrstor_all(area);
		/* 63..4 of XSTATE_BV may be features of a later CPU, but XCOMP_BV and the rest stay. */
		if (bad[i].offset > 519 && bad[i].offset != 527)
			CHECK(!bad[i].faults || caught == 1);
		/* The same as an image of SSE, so that a bad MXCSR is looked at. */
		area[512] |= 3;
		xrstor_all(area);
		TRY_ALL("fxrstor (%0)", "r" (area));
		area[bad[i].offset] = 0;
		area[512] = 0;
	}
	/* Not aligned, over the end, nowhere; and saving there. */
	for (i = 1; i < 64; i += 7) {
		caught = 0;
		xrstor_all(area + i);
		TRY_ALL(ALL "xsave (%0)", "r" (area + i));
		TRY_ALL(ALL "xsaveopt (%0)", "r" (area + i));
		CHECK(caught == 3);
		/* XSAVEC. An emulator without it may do nothing, and so with the next. */
		TRY_ALL(ALL "movl %0, %%ebx; .byte 0x0f, 0xc7, 0x23", "r" (area + i));
		CHECK(caught == 4 || !(features & 2));
	}
	for (i = 0; i <= 1024; i += 64) {
		xrstor_all((uint8_t *)(uintptr_t)(end - i));
		TRY_ALL("fxrstor (%0)", "r" (end - i));
	}
	for (i = 0; i <= 256; i += 64) {
		caught = 0;
		TRY_ALL(ALL "xsave (%0)", "r" (end - i));
		TRY_ALL("fxsave (%0)", "r" (end - i));
		CHECK(caught == 2);
	}
	caught = 0;
	TRY_ALL(ALL "xsave (%0)", "r" (0));
	TRY_ALL(ALL "xsave (%0)", "r" (0x80000000));
	TRY_ALL(ALL "xrstor (%0)", "r" (0xffffffc0));
	CHECK(caught == 3);
	/* The supervisor's own. */
	caught = 0;
	TRY_ALL(ALL "movl %0, %%ebx; .byte 0x0f, 0xc7, 0x2b", "r" (area));	/* XSAVES */
	TRY_ALL(ALL "movl %0, %%ebx; .byte 0x0f, 0xc7, 0x1b", "r" (area));	/* XRSTORS */
	CHECK(caught == 2 || !(features & 8));
}

static void test_xsave_headers(void)
{
	on_own_stack(xsave_headers);
}

/* Code that changes what runs next: in its own line, its own page, and over a page's edge. */
static void test_self_modifying(void)
{
	static uint8_t page[8192] __attribute__((aligned(4096)));
	static const uint16_t places[] = { 0, 61, 64, 2048, 4090, 4091, 4092, 4093, 4094, 4095 };
	uint32_t i, round, got;
	uint8_t *p;

	for (round = 0; round < 200; round++) {
		for (i = 0; i < ARRAY_SIZE(places); i++) {
			/* movb $round, 1(%esi); movb $0, %al (that is changed); ret */
			p = page + places[i];
			p[0] = 0xc6;
			p[1] = 0x46;
			p[2] = 0x05;
			p[3] = round;
			p[4] = 0xb0;
			p[5] = 0xff;
			p[6] = 0xc3;
			__asm__ __volatile__("call *%1" : "=a" (got) : "S" (p), "0" (0) : "memory");
			CHECK((uint8_t)got == (uint8_t)round);
		}
	}
}

/* The clock's CPU number is none of the guest's business. */
static void test_tsc_aux(void)
{
	uint32_t aux = ~0U;

	guest_exc_set(handler_skip);
	__asm__ __volatile__("movl $9f, fault_resume; rdtscp; 9:" : "+c" (aux) : : "eax", "edx", "memory");
	CHECK(aux == 0 || caught == 1);
	aux = 0;
	__asm__ __volatile__("movl $9f, fault_resume; .byte 0xf3, 0x0f, 0xc7, 0xf9; 9:"	/* RDPID %ecx */
			     : "+c" (aux) : : "memory");
	CHECK(aux == 0);
}

GUEST_MAIN({ "stack", test_stack }, { "hypercall-at-end", test_hypercall_at_end },
	   { "hypercall-across-end", test_hypercall_across_end }, { "cache-lines", test_cache_lines },
	   { "descriptors", test_descriptors }, { "ports", test_ports },
	   { "xsave-headers", test_xsave_headers }, { "self-modifying", test_self_modifying },
	   { "tsc-aux", test_tsc_aux })
