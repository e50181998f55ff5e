// SPDX-License-Identifier: GPL-2.0
/*
 * Edges of segments and of memory, alignment, and what of others could show through
 * descriptors and translations. limits_test.c says which end each may have.
 */
#include "hostile.h"

static uint8_t code[64] __attribute__((aligned(64)));

struct {
	uint32_t offset;
	uint16_t selector;
} __attribute__((packed)) far_ptr;

/*
 * Segment limits. Behind a segment's end is no page either, so that all of these
 * fault on every CPU; one that checks limits says so by the vector, #GP, or #SS for
 * what goes through SS. On another (an emulator) the tests end with NOT_CHECKED.
 */
#define NOT_CHECKED	77

static bool limits;
static uint32_t end;		/* of memory, and of every segment */

static void limits_begin(void)
{
	uint32_t cs, ss;

	guest_exc_set(handler_skip);
	end = vregs->mem_size;
	/* Is it the CPU that doesn't check, or is there nothing to check? */
	__asm__ __volatile__("movl %%cs, %0; lsl %0, %0" : "=r" (cs) : : "cc");
	__asm__ __volatile__("movl %%ss, %0; lsl %0, %0" : "=r" (ss) : : "cc");
	CHECK(cs == end - 1);
	CHECK(ss == end - 1);
	__asm__ __volatile__("pushl %%ss; popl %%es; pushl %%ss; popl %%fs; pushl %%ss; popl %%gs"
			     : : : "memory");
	caught = 0;
	TRY("movl %0, %%ecx; movl (%%ecx), %%eax", "r" (end));
	CHECK(caught == 1);
	limits = last_vector == 13;
	CHECK(limits || last_vector == 14);
}

static void limits_end(void)
{
	if (!limits)
		guest_exit(NOT_CHECKED);
}

#define CHECK_FAULT(vector) do {					\
	CHECK(caught == 1);						\
	CHECK(last_vector == (vector) || (!limits && last_vector == 14)); \
} while (0)

/* With ESP as it was, wherever the instruction that faults left it. */
uint32_t stack_saved;

#define TRY_AT(insn, addr)						\
	__asm__ __volatile__("movl	$9f, fault_resume\n"		\
			     "movl	%%esp, stack_saved\n"		\
			     "movl	%0, %%ecx\n"			\
			     insn "\n"					\
			     "9:	movl stack_saved, %%esp\n"	\
			     : : "r" (addr) : "eax", "ebx", "ecx", "edx", "memory", "cc")

#define BEYOND(vector, insn, addr) do {					\
	caught = 0;							\
	TRY_AT(insn, addr);						\
	CHECK_FAULT(vector);						\
} while (0)

#define WITHIN(insn, addr) do {						\
	caught = 0;							\
	TRY_AT(insn, addr);						\
	CHECK(caught == 0);						\
} while (0)

/* By each segment: the last bytes, what begins behind them, and what only ends there. */
#define DATA_SEGMENT(seg, vector) do {					\
	WITHIN("movb %%" seg ":(%%ecx), %%al", end - 1);		\
	WITHIN("movl %%" seg ":(%%ecx), %%eax", end - 4);		\
	BEYOND(vector, "movb %%" seg ":(%%ecx), %%al", end);		\
	BEYOND(vector, "movw %%" seg ":(%%ecx), %%ax", end - 1);	\
	BEYOND(vector, "movl %%" seg ":(%%ecx), %%eax", end - 1);	\
	BEYOND(vector, "movl %%" seg ":(%%ecx), %%eax", end - 3);	\
	BEYOND(vector, "movb %%" seg ":(%%ecx), %%al", 0x80000000);	\
	BEYOND(vector, "movb %%" seg ":(%%ecx), %%al", 0xffffffff);	\
	BEYOND(vector, "movw %%" seg ":(%%ecx), %%ax", 0xffffffff);	\
	BEYOND(vector, "movl %%" seg ":(%%ecx), %%eax", 0xfffffffe);	\
} while (0)

#define DATA_SEGMENT_WRITE(seg, vector) do {				\
	WITHIN("movl %%eax, %%" seg ":(%%ecx)", end - 4);		\
	*last = 0x600dda7a;						\
	BEYOND(vector, "movb %%al, %%" seg ":(%%ecx)", end);		\
	BEYOND(vector, "movw %%ax, %%" seg ":(%%ecx)", end - 1);	\
	BEYOND(vector, "movl %%eax, %%" seg ":(%%ecx)", end - 2);	\
	BEYOND(vector, "movl %%eax, %%" seg ":(%%ecx)", 0xfffffffd);	\
	/* All of it or nothing. */					\
	CHECK(*last == 0x600dda7a);					\
} while (0)

static void test_limits_data(void)
{
	volatile uint32_t *last;

	limits_begin();
	last = (uint32_t *)(end - 4);
	DATA_SEGMENT("cs", 13);
	DATA_SEGMENT("ds", 13);
	DATA_SEGMENT("es", 13);
	DATA_SEGMENT("fs", 13);
	DATA_SEGMENT("gs", 13);
	DATA_SEGMENT("ss", 12);
	DATA_SEGMENT_WRITE("ds", 13);
	DATA_SEGMENT_WRITE("es", 13);
	DATA_SEGMENT_WRITE("fs", 13);
	DATA_SEGMENT_WRITE("gs", 13);
	DATA_SEGMENT_WRITE("ss", 12);

	/* Accesses of other kinds and sizes. */
	BEYOND(13, "xchgl %%eax, (%%ecx)", end - 1);
	BEYOND(13, "lock; incl (%%ecx)", end - 2);
	BEYOND(13, "lock; cmpxchg8b (%%ecx)", end - 4);
	BEYOND(13, "btsl $31, (%%ecx)", end - 3);
	BEYOND(13, "movl $8, %%eax; btl %%eax, (%%ecx)", end);
	BEYOND(13, "boundl %%eax, (%%ecx)", end - 4);
	BEYOND(13, "lesl (%%ecx), %%eax", end - 4);
	BEYOND(13, "lssl (%%ecx), %%eax", end - 5);
	BEYOND(13, "pushl (%%ecx)", end - 2);
	BEYOND(13, "pushl $0; popl (%%ecx)", end - 2);
	BEYOND(13, "call *(%%ecx)", end - 3);
	BEYOND(13, "jmp *(%%ecx)", end - 1);
	BEYOND(13, "ljmp *(%%ecx)", end - 5);
	BEYOND(13, "lcall *(%%ecx)", end - 4);
	BEYOND(13, "verr (%%ecx)", end - 1);
	BEYOND(13, "movl %%ecx, %%ebx; xorl %%eax, %%eax; xlat", end);
	BEYOND(13, "fninit; fildq (%%ecx)", end - 4);
	CHECK(*last == 0x600dda7a);
	/* Of ten bytes, eight may have been written. */
	BEYOND(13, "fninit; fstpt (%%ecx)", end - 9);
	*last = 0x600dda7a;
	BEYOND(13, "frstor (%%ecx)", end - 107);
	BEYOND(13, "movups (%%ecx), %%xmm0", end - 15);
	BEYOND(13, "movups %%xmm0, (%%ecx)", end - 1);
	CHECK(*last == 0x600dda7a);
	__asm__ __volatile__("fninit");
	/* Prefetches don't fault; whether CLFLUSH does is the CPU's affair. */
	WITHIN("prefetcht0 (%%ecx)", end);
	TRY_AT("clflush (%%ecx)", end);
	limits_end();
}

/*
 * String instructions stop at the edge: where ESI, EDI and ECX are then says how far
 * they got.
 */
static uint8_t string[64];

#define STRING(insn, src, dst, count) do {				\
	uint32_t a = 0;							\
									\
	si = (uintptr_t)(src);						\
	di = (uintptr_t)(dst);						\
	cx = (count);							\
	caught = 0;							\
	__asm__ __volatile__("movl	$9f, fault_resume\n"		\
			     insn "\n"					\
			     "9:	cld\n"				\
			     : "+S" (si), "+D" (di), "+c" (cx), "+a" (a) \
			     : : "memory", "cc");			\
} while (0)

static void test_limits_strings(void)
{
	uint32_t si, di, cx, i;

	limits_begin();
	for (i = 0; i < 16; i++)
		((volatile uint8_t *)end)[(int32_t)i - 16] = i;

	STRING("rep movsb", end - 16, string, 20);
	CHECK_FAULT(13);
	CHECK(si == end && cx == 4 && di == (uintptr_t)string + 16);
	CHECK(string[0] == 0 && string[15] == 15);
	STRING("rep movsl", end - 6, string, 3);
	CHECK_FAULT(13);
	CHECK(si == end - 2 && cx == 2 && di == (uintptr_t)string + 4);
	STRING("rep movsb", string, end - 2, 8);
	CHECK_FAULT(13);
	CHECK(di == end && cx == 6);
	STRING("rep movsw", string, end - 3, 8);
	CHECK_FAULT(13);
	CHECK(di == end - 1 && cx == 7);
	STRING("rep movsl %%fs:(%%esi), %%es:(%%edi)", end - 2, string, 1);
	CHECK_FAULT(13);
	STRING("rep movsl %%ss:(%%esi), %%es:(%%edi)", end - 2, string, 1);
	CHECK_FAULT(12);
	STRING("rep stosb", string, end - 8, 1000);
	CHECK_FAULT(13);
	CHECK(di == end && cx == 992);
	STRING("rep stosl", string, end - 8, ~0U);
	CHECK_FAULT(13);
	CHECK(di == end && cx == ~0U - 2);
	STRING("rep lodsl", end - 8, string, 3);
	CHECK_FAULT(13);
	CHECK(si == end && cx == 1);
	STRING("repe scasb", string, end - 8, 100);
	CHECK_FAULT(13);
	CHECK(di == end && cx == 92);
	STRING("repe cmpsl", end - 8, end - 8, 100);
	CHECK_FAULT(13);
	CHECK(si == end && di == end && cx == 98);
	/* Backwards, and around the top. */
	STRING("std; rep lodsb", end, string, 2);
	CHECK_FAULT(13);
	CHECK(si == end && cx == 2);
	STRING("std; rep stosl", string, end - 2, 2);
	CHECK_FAULT(13);
	CHECK(di == end - 2 && cx == 2);
	STRING("rep lodsl", 0xfffffffe, string, 2);
	CHECK_FAULT(13);
	CHECK(si == 0xfffffffe && cx == 2);
	STRING("rep insb", string, string, 1);
	CHECK(caught == 1 && last_vector == 13);
	limits_end();
}

uint32_t stack_try;

/* With ESP and EBP at an address. */
#define STACK(insn, addr) do {						\
	stack_try = (addr);						\
	caught = 0;							\
	__asm__ __volatile__("movl	$9f, fault_resume\n"		\
			     "movl	%%ebp, %%edi\n"		\
			     "movl	%%esp, stack_saved\n"		\
			     "movl	stack_try, %%ebp\n"		\
			     "movl	%%ebp, %%esp\n"		\
			     insn "\n"					\
			     "9:	movl stack_saved, %%esp\n"	\
			     "movl	%%edi, %%ebp\n"		\
			     : : : "eax", "ebx", "ecx", "edx", "esi", "edi", "memory", "cc"); \
	CHECK_FAULT(12);						\
} while (0)

static void test_limits_stack(void)
{
	limits_begin();
	STACK("pushl %%eax", end + 4);
	STACK("pushl %%eax", end + 2);
	STACK("pushw %%ax", end + 1);
	STACK("pushl $1", 0);
	STACK("pushl %%fs", end + 4);
	STACK("pushal", end + 4);
	STACK("pushal", end + 32);
	STACK("pushfl", end + 3);
	STACK("popl %%eax", end);
	STACK("popl %%eax", end - 3);
	STACK("popw %%ax", end - 1);
	STACK("popl %%fs", end - 1);
	STACK("popfl", end - 2);
	STACK("popl (%%eax)", end);
	STACK("popal", end);
	STACK("call 1f; 1:", end + 4);
	STACK("call 1f; 1:", end + 1);
	STACK("lcall $0x23, $1f; 1:", end + 8);
	STACK("ret", end);
	STACK("ret", end - 1);
	STACK("ret $4", end - 2);
	STACK("lret", end - 4);
	STACK("iretl", end - 8);
	STACK("leave", end);
	STACK("leave", end - 1);
	STACK("enter $0, $0", end + 4);
	STACK("movl (%%esp), %%eax", end - 1);
	STACK("movl (%%ebp), %%eax", end - 2);
	STACK("movl %%eax, -4(%%ebp)", end + 3);
	limits_end();
}

/* Put code before the end of memory and run it there; n bytes, of which the last is the end's. */
static void run_at_end(const uint8_t *bytes, uint32_t n, uint32_t eax)
{
	volatile uint8_t *p = (uint8_t *)(end - n);
	uint32_t i;

	for (i = 0; i < n; i++)
		p[i] = bytes[i];
	caught = 0;
	__asm__ __volatile__("movl	$9f, fault_resume\n"
			     "movl	%%esp, stack_saved\n"
			     "jmp	*%1\n"
			     "9:	movl stack_saved, %%esp\n"
			     : "+a" (eax) : "r" (p) : "ebx", "ecx", "edx", "memory", "cc");
}

static void test_limits_code(void)
{
	static const uint8_t nops[] = { 0x90, 0x90 }, mov[] = { 0xb8, 0, 0, 0, 0 };
	static const uint8_t branches[] = { 0xeb, 0x7f }, ret[] = { 0xc3 };
	static const uint8_t hypercall[] = { 0xcd, DENALI_HC_VECTOR };
	static uint8_t call[] = { 0xe8, 0, 0, 0, 0 };
	uint32_t i, cs;

	limits_begin();
	__asm__ __volatile__("movl %%cs, %0" : "=r" (cs));
	BEYOND(13, "jmp *%%ecx", end);
	BEYOND(13, "jmp *%%ecx", 0x80000000);
	BEYOND(13, "jmp *%%ecx", 0xffffffff);
	BEYOND(13, "call *%%ecx", end);
	BEYOND(13, "pushl %%ecx; ret", end);
	BEYOND(13, "pushl %%ecx; ret", 0xfffffff0);
	BEYOND(13, "pushl %%cs; pushl %%ecx; lret", end);
	BEYOND(13, "pushfl; pushl %%cs; pushl %%ecx; iretl", end);
	far_ptr.selector = cs;
	far_ptr.offset = end;
	BEYOND(13, "ljmp *far_ptr", 0);
	BEYOND(13, "lcall *far_ptr", 0);

	/* Running off the end, and an instruction that lies across it. */
	run_at_end(nops, sizeof(nops), 0);
	CHECK_FAULT(13);
	CHECK(last_eip == end);
	for (i = 1; i < sizeof(mov); i++) {
		run_at_end(mov, i, 0);
		CHECK_FAULT(13);
		CHECK(last_eip == end - i);
	}
	run_at_end(branches, sizeof(branches), 0);
	CHECK_FAULT(13);

	/* A return address that is the end. */
	*(uint32_t *)(call + 1) = (uintptr_t)code - end;
	code[0] = ret[0];
	run_at_end(call, sizeof(call), 0);
	CHECK_FAULT(13);

	/* The switcher's IRETQ returns there: it must be the guest's fault, not the host's. */
	for (i = 0; i < 20; i++) {
		run_at_end(hypercall, sizeof(hypercall), DENALI_HC_NOP);
		CHECK_FAULT(13);
		CHECK(last_eip == end);
		run_at_end(hypercall, sizeof(hypercall), DENALI_HC_YIELD);
		CHECK_FAULT(13);
		CHECK(last_eip == end);
		run_at_end(hypercall, sizeof(hypercall), 12345);
		CHECK_FAULT(13);
		CHECK(last_eip == end);
	}
	limits_end();
}

/*
 * What LAR and LSL tell of each selector: those that ring 3 may ask about are two,
 * they end where memory does, and none is 64-bit code. Between the rounds other VMs
 * of other sizes run.
 */
static void test_descriptors(void)
{
	uint32_t rounds = guest_num(1), sel, limit, access, found, seen, bit;
	bool ok, ok_limit;

	guest_exc_set(handler_skip);
	end = vregs->mem_size;
	while (rounds--) {
		found = 0;
		seen = 0;
		for (sel = 0; sel < 0x10000; sel++) {
			if (sel >= 0x400 && sel % 251)
				continue;
			__asm__ __volatile__("lar %2, %1" : "=@ccz" (ok), "=r" (access) : "r" (sel));
			__asm__ __volatile__("lsl %2, %1" : "=@ccz" (ok_limit), "=r" (limit) : "r" (sel));
			CHECK(ok == ok_limit);
			if (!ok)
				continue;
			CHECK((access & 0xf000) == 0xf000);	/* ring 3, no system segment */
			CHECK(!(access & 0x200000));		/* L */
			CHECK(limit == end - 1);
			CHECK(sel < 0x100);
			bit = 1U << (sel >> 3);
			found += !(seen & bit);
			seen |= bit;
		}
		CHECK(found == 2);
		caught = 0;
		TRY("movl %0, %%ecx; movb (%%ecx), %%al", "r" (end - 1));
		CHECK(caught == 0);
		TRY("movl %0, %%ecx; movb (%%ecx), %%al", "r" (end));
		CHECK(caught == 1);
		progress++;
		guest_yield();
	}
}

/* Alignment checks, on CPUs that have them. */
#define WITH_AC(insn, addr, faults) do {				\
	caught = 0;							\
	__asm__ __volatile__("movl	$9f, fault_resume\n"		\
			     "movl	%%esp, stack_saved\n"		\
			     "movl	%%ecx, %%esi\n"			\
			     "movl	%%ecx, %%edi\n"			\
			     "pushl	$0x40202\n"			\
			     "popfl\n"					\
			     insn "\n"					\
			     "9:	movl stack_saved, %%esp\n"	\
			     "pushl	$0x202\n"			\
			     "popfl\n"					\
			     : : "c" (addr) : "eax", "ebx", "edx", "esi", "edi", "memory", "cc"); \
	CHECK(caught == (faults));					\
	if (caught)							\
		CHECK(last_vector == 17 && last_error == 0);		\
} while (0)

static void test_alignment(void)
{
	static uint32_t buf[32] __attribute__((aligned(16)));
	uint32_t at = (uintptr_t)buf, i;

	guest_exc_set(handler_skip);
	__asm__ __volatile__("pushl %%ss; popl %%es; pushl %%ss; popl %%fs" : : : "memory");
	caught = 0;
	TRY("movl %0, %%ecx; pushl $0x40202; popfl; movl 1(%%ecx), %%eax; pushl $0x202; popfl",
	    "r" (at));
	if (!caught)
		guest_exit(NOT_CHECKED);

	for (i = 0; i < 4; i++) {
		WITH_AC("movb (%%ecx), %%al", at + i, 0);
		WITH_AC("movw (%%ecx), %%ax", at + i, i & 1);
		WITH_AC("movw %%ax, %%fs:(%%ecx)", at + i, i & 1);
		WITH_AC("movl (%%ecx), %%eax", at + i, !!i);
		WITH_AC("movl %%eax, (%%ecx)", at + i, !!i);
		WITH_AC("movl %%ss:(%%ecx), %%eax", at + i, !!i);
		WITH_AC("xchgl %%eax, (%%ecx)", at + i, !!i);
		WITH_AC("pushl (%%ecx)", at + i, !!i);
		WITH_AC("popl (%%ecx)", at + i, !!i);
		WITH_AC("leal 64(%%ecx), %%esp; pushl $0", at + i, !!i);
		WITH_AC("leal 64(%%ecx), %%esp; popl %%eax", at + i, !!i);
		WITH_AC("leal 64(%%ecx), %%esp; call 1f; 1:", at + i, !!i);
		WITH_AC("lodsl", at + i, !!i);
		WITH_AC("stosl", at + i, !!i);
		WITH_AC("movsl", at + i, !!i);
		WITH_AC("scasw", at + i, i & 1);
		WITH_AC("lodsb", at + i, 0);
		WITH_AC("fninit; fildl (%%ecx)", at + i, !!i);
		WITH_AC("fninit; fldl (%%ecx)", at + i, !!i);
		/* A stack that no push could use is good enough for a hypercall. */
		WITH_AC("leal 64(%%ecx), %%esp; xorl %%eax, %%eax; int $" STR(DENALI_HC_VECTOR), at + i, 0);
		WITH_AC("leal 64(%%ecx), %%esp; movl $" STR(DENALI_HC_YIELD) ", %%eax; int $"
			STR(DENALI_HC_VECTOR), at + i, 0);
	}
}

/*
 * Nobody else's memory at the same addresses: a pattern of this VM's own in every page
 * that is free, checked in each round through entries of the TLB that may have stayed
 * from the last one. Pages are fresh when this begins.
 */
static void test_own_memory(void)
{
	uint32_t key = guest_num(1), rounds = guest_num(2), from, page, i;

	end = vregs->mem_size;
	/* Behind the image, up to the stack. */
	from = 0x10000;
	for (page = from; page < end - 4096; page += 4096) {
		volatile uint32_t *p = (uint32_t *)page;

		CHECK(!p[0] && !p[511] && !p[1023]);
		p[0] = key ^ page;
		p[511] = ~key ^ page;
	}
	for (i = 0; !rounds || i < rounds; i++) {
		for (page = from; page < end - 4096; page += 4096) {
			volatile uint32_t *p = (uint32_t *)page;

			CHECK(p[0] == (key ^ page));
			CHECK(p[511] == (~key ^ page));
			CHECK(p[1023] == i);
			p[1023] = i + 1;
		}
		progress++;
		guest_yield();
	}
}

GUEST_MAIN({ "accesses", test_limits_data }, { "strings", test_limits_strings },
	   { "stack", test_limits_stack }, { "code", test_limits_code },
	   { "descriptors", test_descriptors }, { "alignment", test_alignment },
	   { "own-memory", test_own_memory })
