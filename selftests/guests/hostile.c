// SPDX-License-Identifier: GPL-2.0
/*
 * Everything that ring 3 can try with flags, stacks, addresses, hypercalls and virtual
 * registers. The host's side (hostile_test.c) says which end each of them may have; here
 * is only what is done. What survives ends with EXIT 0, or with PANIC if it got
 * somewhere where it shouldn't be. See also insns.c, segments.c, edges.c and ring.c.
 */
#include "hostile.h"

GUEST_UPCALL_ENTRY;

static uint8_t code[64] __attribute__((aligned(64)));

/* POPF can't give IOPL or take IF. */
static void test_popf(void)
{
	static const uint32_t tries[] = { 0xfffffeff, 0x3000, 0x20000, 0x1b0000, 0, 0x4000, 0x200000 };
	uint32_t i, flags;

	guest_exc_set(handler_skip);
	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		__asm__ __volatile__("pushl %1; popfl; pushfl; popl %0; pushl $0x202; popfl"
				     : "=r" (flags) : "r" (tries[i]) : "memory", "cc");
		CHECK(!(flags & 0x3000));
		CHECK(!(flags & 0x20000));
		CHECK(flags & 0x200);
	}
	caught = 0;
	TRY("pushl $0x3202; popfl; cli", "i" (0));
	CHECK(caught == 1);
}

/* Flags in force while a hypercall is made. */
static void test_flags_at_hypercall(void)
{
	uint32_t nr, ret;

	for (nr = 0; nr < 10; nr++) {
		if (nr == DENALI_HC_EXIT || nr == DENALI_HC_PANIC || nr == DENALI_HC_EXC_RETURN ||
		    nr == DENALI_HC_IDLE)
			continue;
		__asm__ __volatile__("pushl %1; popfl; int %2; pushl $0x202; popfl"
				     : "=a" (ret) : "r" (guest_num(1)), "i" (DENALI_HC_VECTOR),
				       "0" (nr), "b" (0), "c" (0), "d" (0) : "memory", "cc");
	}
}

/* The same with a handler that lives through #DB after each instruction. */
static void handler_go_on(void)
{
	caught++;
	last_vector = vregs->exc_vector;
}

static void test_single_step(void)
{
	guest_exc_set(handler_go_on);
	__asm__ __volatile__("pushl	$0x302\n"
			     "popfl\n"
			     "nop\n"
			     "nop\n"
			     "nop\n"
			     "pushl	$0x202\n"
			     "popfl\n"
			     : : : "eax", "memory", "cc");
	CHECK(caught >= 4 && caught <= 6);
	CHECK(last_vector == 1);
}

/* TF set, and every way into the host taken. */
static void test_step_hypercalls(void)
{
	uint32_t i;

	guest_exc_set(handler_go_on);
	for (i = 0; i < 200; i++)
		__asm__ __volatile__("pushl	$0x302\n"
				     "popfl\n"
				     "int	%0\n"
				     "pushl	$0x202\n"
				     "popfl\n"
				     : : "i" (DENALI_HC_VECTOR), "a" (0), "b" (0), "c" (0), "d" (0)
				     : "memory", "cc");
}

/* An upcall with ESP at a bad place. */
static void handler_nothing(void)
{
	vregs->irq_pending = 0;
}

static void test_upcall_esp(void)
{
	guest_upcall_set(handler_nothing);
	guest_timer(guest_clock() + MS);
	__asm__ __volatile__("movl	%0, %%esp\n"
			     "movl	$1, " STR(DENALI_VREGS_ADDR) " + 64\n"
			     "1:	incl progress\n"
			     "cmpl	$0, " STR(DENALI_VREGS_ADDR) " + 68\n"
			     "je	1b\n"
			     "movl	%1, %%eax\n"
			     "2:	int %2\n"
			     "jmp	1b\n"
			     : : "r" (guest_num(1)), "i" (DENALI_HC_YIELD), "i" (DENALI_HC_VECTOR)
			     : "memory");
}

static void test_upcall_entry(void)
{
	vregs->upcall_entry = guest_num(1);
	vregs->irq_enabled = 1;
	guest_timer(1);
	for (;;)
		guest_yield();
}

/* Interrupts enabled in the handler at once and never taken: upcalls pile up on the stack. */
static void handler_enable(void)
{
	vregs->irq_enabled = 1;
	for (;;)
		guest_yield();
}

static void test_upcall_storm(void)
{
	guest_upcall_set(handler_enable);
	vregs->irq_enabled = 1;
	guest_timer(1);
	for (;;)
		guest_yield();
}

/* Write to a range of addresses by a stride; none of it may work. */
static void test_write_outside(void)
{
	uint32_t from = guest_num(1), to = guest_num(2), stride = guest_num(3);
	uint32_t addr = from;
	uint32_t n = 0;

	guest_exc_set(handler_skip);
	for (;;) {
		TRY("movl %0, %%ecx; movl $0x41414141, (%%ecx)", "r" (addr));
		n++;
		progress++;
		if (to - addr <= stride)
			break;
		addr += stride;
	}
	CHECK(caught == n);
}

/* The same for reading and for jumping there. */
static void test_read_outside(void)
{
	uint32_t from = guest_num(1), to = guest_num(2), stride = guest_num(3);
	uint32_t addr = from;
	uint32_t n = 0;

	guest_exc_set(handler_skip);
	for (;;) {
		TRY("movl %0, %%ecx; movl (%%ecx), %%eax", "r" (addr));
		TRY("jmp *%0", "r" (addr));
		n += 2;
		progress++;
		if (to - addr <= stride)
			break;
		addr += stride;
	}
	CHECK(caught == n);
}

static void test_loop(void)
{
	for (;;)
		progress++;
}

static void test_nop_storm(void)
{
	for (;;)
		denali_hypercall3(DENALI_HC_NOP, 0, 0, 0);
}

static void test_call_storm(void)
{
	uint32_t nr = guest_num(1);

	for (;;) {
		denali_hypercall3(nr, 0, 0, 0);
		progress++;
	}
}

static void test_rep_loop(void)
{
	for (;;)
		__asm__ __volatile__("rep movsb"
				     : : "S" (0x3000), "D" (0x3000), "c" (0x8000) : "memory");
}

/* Faults for ever: the handler allows the next one and raises it. */
extern char fault_loop_entry[];

__asm__(".text\n"
	".globl fault_loop_entry\n"
	"fault_loop_entry:\n"
	"	incl	progress\n"
	"	movl	$0, " STR(DENALI_VREGS_ADDR) " + 128\n"
	"	ud2\n");

static void test_fault_loop(void)
{
	vregs->exc_entry = (uintptr_t)fault_loop_entry;
	__asm__ __volatile__("ud2");
}

/* A stack where there is no memory. */
static void test_stack_unmapped(void)
{
	__asm__ __volatile__("movl %0, %%esp; pushl %%eax" : : "r" (guest_num(1)) : "memory");
}

/* Running off the end of memory, and into the page that isn't there. */
static void test_run_off(void)
{
	uint8_t *p = (uint8_t *)(uintptr_t)((uint32_t)vregs->mem_size - 16);
	unsigned int i;

	for (i = 0; i < 16; i++)
		p[i] = 0x90;
	__asm__ __volatile__("jmp *%0" : : "r" (p));
}

/* Nonsense in all virtual registers, then everything that makes the host look at them. */
static void test_vregs_nonsense(void)
{
	volatile uint32_t *v = (volatile uint32_t *)DENALI_VREGS_ADDR;
	uint32_t x = guest_num(1), i, round;

	for (round = 0; round < 200; round++) {
		for (i = 0; i < 1024; i++) {
			x = x * 1664525 + 1013904223;
			v[i] = x;
		}
		/* Handlers lie, but the storm shouldn't end at its first round. */
		if (round & 1) {
			vregs->upcall_entry = 0;
			vregs->exc_entry = 0;
		}
		guest_yield();
		guest_timer((uint64_t)x << (round & 31));
		guest_idle(x & 0xffff);
		guest_doorbell(x & 15);
		guest_doorbell(0);
		guest_set_ring(0, round & 1, (void *)DENALI_VREGS_ADDR, 0);
		guest_doorbell(0);
		progress++;
	}
}

/* All hypercalls with random arguments, but for those that end the VM. */
static void test_hypercall_fuzz(void)
{
	static const uint32_t places[] = { 0, 1, 0x1000, 0x1fff, 0x2000, 0x3000, 0x7fffffff,
		0x80000000, 0xffffffff, 0xfffffff0 };
	uint32_t x = guest_num(1), i, nr, arg[3], j;

	guest_exc_set(handler_skip);
	for (i = 0; i < 3000; i++) {
		for (j = 0; j < 3; j++) {
			x = x * 1664525 + 1013904223;
			arg[j] = x >> 28 < 10 ? places[x >> 28] : x;
			if ((x & 0xf00) == 0)
				arg[j] = (x >> 16) & 3;
		}
		x = x * 1664525 + 1013904223;
		nr = (x >> 20) % 12;
		if (nr == DENALI_HC_EXIT || nr == DENALI_HC_PANIC || nr == DENALI_HC_EXC_RETURN)
			continue;
		if (nr == DENALI_HC_IDLE) {
			arg[0] &= 0xfff;
			arg[1] = 0;
		}
		/* A buffer in the image would overwrite what runs. */
		if (nr == DENALI_HC_RANDOM && arg[0] < vregs->mem_size)
			continue;
		denali_hypercall3(nr, arg[0], arg[1], arg[2]);
		progress++;
	}
}

/* The hypercall instruction across a page, and with prefixes. */
static void test_prefixed_hypercall(void)
{
	static const uint8_t prefixes[] = { 0x66, 0x67, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0xf2, 0xf3 };
	uint32_t i, ret;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++) {
		code[0] = prefixes[i];
		code[1] = 0xcd;
		code[2] = DENALI_HC_VECTOR;
		code[3] = 0xc3;
		__asm__ __volatile__("call *%1" : "=a" (ret) : "r" (code), "0" (12345) : "memory");
		CHECK(ret == (uint32_t)-DENALI_ENOSYS);
	}
}

/* Null selectors in all data segments at a hypercall, and again with ES etc. of odd RPL. */
static void test_null_segments(void)
{
	uint32_t ret;

	__asm__ __volatile__("pushl	%%ds\n"
			     "xorl	%%edi, %%edi\n"
			     "movw	%%di, %%es\n"
			     "movw	%%di, %%fs\n"
			     "movw	%%di, %%gs\n"
			     "movw	%%di, %%ds\n"
			     "int	%2\n"
			     "movl	%1, %%eax\n"
			     "int	%2\n"
			     "popl	%%ds\n"
			     "pushl	%%ds\n"
			     "popl	%%es\n"
			     : "=a" (ret)
			     : "i" (DENALI_HC_YIELD), "i" (DENALI_HC_VECTOR), "0" (0)
			     : "edi", "memory", "cc");
	CHECK(ret == 0);
}

/* fxrstor/xrstor of nonsense faults in the guest and nowhere else. */
static uint8_t fx_area[4096] __attribute__((aligned(64)));

static void test_xrstor(void)
{
	uint32_t i;

	guest_exc_set(handler_skip);
	for (i = 0; i < sizeof(fx_area); i++)
		fx_area[i] = 0xff;
	TRY("fxrstor (%0)", "r" (fx_area));
	TRY("movl $-1, %%eax; movl $-1, %%edx; xrstor (%0)", "r" (fx_area));
	TRY("movl $-1, %%eax; movl $-1, %%edx; xsave (%0)", "r" (fx_area));
	TRY("movl $0xffffffff, (%0); ldmxcsr (%0)", "r" (fx_area));
	/* And leave exceptions pending and unmasked for the host to trip over. */
	TRY("fninit; movw $0x340, (%0); fldcw (%0); fld1; fldz; fdivrp", "r" (fx_area));
	for (i = 0; i < 100; i++)
		guest_yield();
	guest_idle(MS);
	progress++;
}

GUEST_MAIN({ "popf", test_popf },
	   { "flags-at-hypercall", test_flags_at_hypercall },
	   { "single-step", test_single_step }, { "step-hypercalls", test_step_hypercalls },
	   { "upcall-esp", test_upcall_esp }, { "upcall-entry", test_upcall_entry },
	   { "upcall-storm", test_upcall_storm }, { "write-outside", test_write_outside },
	   { "read-outside", test_read_outside }, { "loop", test_loop },
	   { "nop-storm", test_nop_storm }, { "call-storm", test_call_storm },
	   { "rep-loop", test_rep_loop }, { "fault-loop", test_fault_loop },
	   { "stack-unmapped", test_stack_unmapped }, { "run-off", test_run_off },
	   { "vregs-nonsense", test_vregs_nonsense }, { "hypercall-fuzz", test_hypercall_fuzz },
	   { "prefixed-hypercall", test_prefixed_hypercall },
	   { "null-segments", test_null_segments }, { "xrstor", test_xrstor })
