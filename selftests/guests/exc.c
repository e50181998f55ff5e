// SPDX-License-Identifier: GPL-2.0
/*
 * Exceptions. "catch NAME" raises one with a handler of its own and checks what
 * the handler was told; "die NAME" raises it without one and the host looks at
 * the report. A fault that this CPU (an emulator) doesn't raise ends with EXIT 77.
 */
#include "guest.h"

GUEST_EXC_ENTRY;

#define NOT_RAISED	77

volatile uint32_t caught;
static volatile uint32_t caught_vector, caught_error, caught_addr, caught_eip, caught_esp;
static volatile uint32_t caught_flags;

/* Where the next fault is expected and where to go on after it. */
volatile uint32_t fault_eip, fault_resume;

static void handler_resume(void)
{
	caught++;
	caught_vector = vregs->exc_vector;
	caught_error = vregs->exc_error;
	caught_addr = vregs->exc_addr;
	caught_eip = vregs->exc_eip;
	caught_esp = vregs->exc_esp;
	caught_flags = vregs->exc_eflags;
	CHECK(vregs->exc_active);
	CHECK(vregs->irq_enabled == 0);
	vregs->exc_eip = fault_resume;
	vregs->exc_eflags &= ~(1U << 8 | 1U << 10 | 1U << 14 | 1U << 18);
}

/* before; the instruction that faults; go on behind it */
#define FAULT(before, insn, ...)					\
	__asm__ __volatile__("movl	$8f, fault_eip\n"		\
			     "movl	$9f, fault_resume\n"		\
			     before "\n"				\
			     "8:	" insn "\n"			\
			     "9:\n"					\
			     : : __VA_ARGS__ : "eax", "ecx", "edx", "memory", "cc")

static void raise_de(void)
{
	FAULT("xorl %%edx, %%edx; movl $1, %%eax; xorl %%ecx, %%ecx", "divl %%ecx", "i" (0));
}

static void raise_db(void)
{
	FAULT("pushl $0x302; popfl", "nop; nop", "i" (0));
	__asm__ __volatile__("pushl $0x202; popfl" : : : "memory", "cc");
}

static void raise_bp(void)
{
	FAULT("", "int3", "i" (0));
}

static void raise_of(void)
{
	FAULT("movl $0x7fffffff, %%eax; incl %%eax", "into", "i" (0));
}

static void raise_br(void)
{
	static const int32_t bounds[2] = { 1, 5 };

	FAULT("movl $9, %%eax", "boundl %%eax, %0", "m" (bounds));
}

static void raise_ud(void)
{
	FAULT("", "ud2", "i" (0));
}

static void raise_gp(void)
{
	FAULT("", "hlt", "i" (0));
}

static void raise_gp_int(void)
{
	FAULT("", "int $0x80", "i" (0));
}

static void raise_pf_null_read(void)
{
	FAULT("", "movl 0x10, %%eax", "i" (0));
}

static void raise_pf_null_write(void)
{
	FAULT("", "movl %%eax, 0x20", "i" (0));
}

static void raise_pf_null_jump(void)
{
	FAULT("", "jmp 0x30", "i" (0));
}

/* Beyond the segment: #GP where limits are checked, else #PF. */
static void raise_beyond(void)
{
	FAULT("movl %0, %%ecx", "movl (%%ecx), %%eax", "r" ((uint32_t)vregs->mem_size));
}

static void raise_top(void)
{
	FAULT("movl $0xfffff000, %%ecx", "movl (%%ecx), %%eax", "i" (0));
}

static void raise_ss(void)
{
	FAULT("movl %%esp, %%edx; xorl %%esp, %%esp", "pushl %%eax", "i" (0));
	__asm__ __volatile__("" : : : "memory");
}

static void raise_mf(void)
{
	uint16_t cw = 0x37b;	/* divide by zero unmasked */

	FAULT("fninit; fldcw %0; fld1; fldz; fdivrp", "fwait", "m" (cw));
	__asm__ __volatile__("fnclex; fninit");
}

static void raise_xm(void)
{
	uint32_t csr = 0x1d80;	/* divide by zero unmasked */
	uint32_t plain = 0x1f80;

	FAULT("ldmxcsr %0; xorps %%xmm1, %%xmm1; movl $0x3f800000, %%eax; movd %%eax, %%xmm0",
	      "divss %%xmm1, %%xmm0", "m" (csr));
	__asm__ __volatile__("ldmxcsr %0" : : "m" (plain));
}

static void raise_ac(void)
{
	static uint32_t words[2];

	FAULT("pushl $0x40202; popfl; movl %0, %%ecx", "movl 1(%%ecx), %%eax", "r" (words));
	__asm__ __volatile__("pushl $0x202; popfl" : : : "memory", "cc");
}

static const struct {
	const char *name;
	void (*raise)(void);
	uint32_t vectors;	/* bits of those that are right */
	uint32_t error;
	uint32_t addr;
	bool trap;		/* EIP is behind the instruction */
} faults[] = {
	{ "de", raise_de, 1U << 0, 0, 0, false },
	{ "db", raise_db, 1U << 1, 0, 0, true },
	{ "bp", raise_bp, 1U << 3, 0, 0, true },
	{ "of", raise_of, 1U << 4, 0, 0, true },
	{ "br", raise_br, 1U << 5, 0, 0, false },
	{ "ud", raise_ud, 1U << 6, 0, 0, false },
	{ "gp", raise_gp, 1U << 13, 0, 0, false },
	{ "gp-int", raise_gp_int, 1U << 13, 0x402, 0, false },
	{ "pf-null-read", raise_pf_null_read, 1U << 14, 4, 0x10, false },
	{ "pf-null-write", raise_pf_null_write, 1U << 14, 6, 0x20, false },
	{ "mf", raise_mf, 1U << 16, 0, 0, false },
	{ "xm", raise_xm, 1U << 19, 0, 0, false },
	{ "ac", raise_ac, 1U << 17, 0, 0, false },
};

static void test_catch(void)
{
	const char *name = guest_arg(1);
	uint32_t esp;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		const char *a = faults[i].name, *b = name;

		while (*a && *a == *b) {
			a++;
			b++;
		}
		if (*a || *b)
			continue;
		guest_exc_set(handler_resume);
		__asm__ __volatile__("movl %%esp, %0" : "=r" (esp));
		faults[i].raise();
		if (!caught)
			guest_exit(NOT_RAISED);
		CHECK(caught == 1);
		CHECK(faults[i].vectors & (1U << caught_vector));
		/* QEMU counts 16 a gate in long mode, CPUs count 8. */
		CHECK(caught_error == faults[i].error ||
		      (faults[i].error == 0x402 && caught_error == 0x802));
		if (caught_vector == 14)
			CHECK(caught_addr == faults[i].addr);
		if (!faults[i].trap)
			CHECK(caught_eip == fault_eip);
		else
			CHECK(caught_eip > fault_eip && caught_eip <= fault_resume);
		CHECK(esp - caught_esp < 256);
		CHECK(vregs->exc_active == 0);
		return;
	}
	guest_panic("no fault of this name");
}

static void test_die(void)
{
	static const struct guest_test others[] = {
		{ "pf-null-jump", raise_pf_null_jump }, { "beyond", raise_beyond },
		{ "top", raise_top }, { "ss", raise_ss },
	};
	const char *name = guest_arg(1);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(faults) + ARRAY_SIZE(others); i++) {
		const char *a = i < ARRAY_SIZE(faults) ? faults[i].name :
			others[i - ARRAY_SIZE(faults)].name;
		const char *b = name;

		while (*a && *a == *b) {
			a++;
			b++;
		}
		if (*a || *b)
			continue;
		if (i < ARRAY_SIZE(faults))
			faults[i].raise();
		else
			others[i - ARRAY_SIZE(faults)].run();
		guest_exit(NOT_RAISED);
	}
	guest_panic("no fault of this name");
}

/* A fault with an unusable ESP reaches a handler that has a stack of its own. */
static void test_catch_ss(void)
{
	uint32_t esp;

	guest_exc_set(handler_resume);
	__asm__ __volatile__("movl %%esp, %%esi\n"
			     "movl $9f, fault_resume\n"
			     "xorl %%esp, %%esp\n"
			     "pushl %%eax\n"
			     "9:	movl %%esp, %0\n"
			     "movl %%esi, %%esp\n"
			     : "=&b" (esp) : : "esi", "eax", "memory", "cc");
	CHECK(caught == 1);
	CHECK(caught_esp == 0 && esp == 0);
}

/* Without exc_stack the handler gets the faulting ESP. */
uint32_t handler_esp;
extern char esp_handler[];

__asm__(".text\n"
	".globl esp_handler\n"
	"esp_handler:\n"
	"	movl	%esp, handler_esp\n"
	"	movl	fault_resume, %eax\n"
	"	movl	%eax, " STR(DENALI_VREGS_ADDR) " + 152\n"
	"	movl	$" STR(DENALI_HC_EXC_RETURN) ", %eax\n"
	"	int	$" STR(DENALI_HC_VECTOR) "\n");

static void test_no_stack(void)
{
	uint32_t esp;

	vregs->exc_entry = (uintptr_t)esp_handler;
	__asm__ __volatile__("movl $9f, fault_resume; movl %%esp, %0; ud2; 9:\n"
			     : "=&b" (esp) : : "eax", "memory", "cc");
	CHECK(handler_esp == esp);
}

/* Registers pass through handler and EXC_RETURN; EAX by way of exc_eax. */
static void test_regs(void)
{
	uint32_t b, c, d, s, a;

	guest_exc_set(handler_resume);
	__asm__ __volatile__("movl $9f, fault_resume; ud2; 9:\n"
			     : "=b" (b), "=c" (c), "=d" (d), "=S" (s), "=a" (a)
			     : "0" (0xb), "1" (0xc), "2" (0xd), "3" (0x51), "4" (0xa)
			     : "memory", "cc");
	CHECK(b == 0xb && c == 0xc && d == 0xd && s == 0x51);
	CHECK(a == 0xa);
}

/* EXC_RETURN takes EIP, ESP, the flags and irq_enabled from the registers. */
static void handler_change(void)
{
	handler_resume();
	vregs->exc_esp = vregs->exc_esp - 64;
	vregs->exc_eflags = 0x2d7;
	vregs->exc_irq_enabled = 1;
}

static void test_return_state(void)
{
	uint32_t before, after, flags;

	guest_exc_set(handler_change);
	__asm__ __volatile__("movl $9f, fault_resume\n"
			     "movl %%esp, %0\n"
			     "ud2\n"
			     "9:	movl %%esp, %1\n"
			     "pushfl\n"
			     "popl %2\n"
			     "addl $64, %%esp\n"
			     : "=&b" (before), "=&c" (after), "=&d" (flags)
			     : : "eax", "memory", "cc");
	CHECK(before - after == 64);
	CHECK((flags & 0x8d5) == 0xd5);
	CHECK(vregs->irq_enabled == 1);
}

/* irq_enabled of the time of the fault is what exc_irq_enabled says. */
static void test_irq_enabled(void)
{
	guest_exc_set(handler_resume);
	vregs->irq_enabled = 1;
	raise_ud();
	CHECK(vregs->irq_enabled == 1);
	vregs->irq_enabled = 0;
	raise_ud();
	CHECK(vregs->irq_enabled == 0);
}

/* No upcall inside a handler, and it isn't lost. */
GUEST_UPCALL_ENTRY;
static volatile uint32_t upcalls;

static void handler_upcall(void)
{
	CHECK(!vregs->exc_active);
	vregs->irq_pending = 0;
	upcalls++;
}

static void handler_slow(void)
{
	unsigned int i;

	guest_timer(1);
	for (i = 0; i < 20; i++)
		guest_yield();
	CHECK(upcalls == 0);
	handler_resume();
}

static void test_upcall_after(void)
{
	guest_exc_set(handler_slow);
	guest_upcall_set(handler_upcall);
	vregs->irq_enabled = 1;
	raise_ud();
	while (!upcalls)
		guest_yield();
}

static void test_many(void)
{
	unsigned int i;

	guest_exc_set(handler_resume);
	for (i = 0; i < 20000; i++)
		raise_ud();
	CHECK(caught == 20000);
}

/* EXC_RETURN with nothing to return from, and to places that aren't there. */
static void test_return_nowhere(void)
{
	vregs->exc_eip = guest_num(1);
	vregs->exc_esp = guest_num(2);
	vregs->exc_eflags = guest_num(3);
	denali_hypercall3(DENALI_HC_EXC_RETURN, 0, 0, 0);
	guest_exit(NOT_RAISED);
}

static void handler_faults(void)
{
	__asm__ __volatile__("ud2");
}

static void test_double(void)
{
	guest_exc_set(handler_faults);
	raise_gp();
}

static void test_bad_entry(void)
{
	vregs->exc_entry = guest_num(1);
	raise_gp();
}

static void test_bad_stack(void)
{
	guest_exc_set(handler_resume);
	vregs->exc_stack = guest_num(1);
	raise_gp();
}

GUEST_MAIN({ "catch", test_catch }, { "die", test_die }, { "catch-ss", test_catch_ss },
	   { "no-stack", test_no_stack }, { "regs", test_regs },
	   { "return-state", test_return_state }, { "irq-enabled", test_irq_enabled },
	   { "upcall-after", test_upcall_after }, { "many", test_many },
	   { "return-nowhere", test_return_nowhere }, { "double", test_double },
	   { "bad-entry", test_bad_entry }, { "bad-stack", test_bad_stack })
