// SPDX-License-Identifier: GPL-2.0
/*
 * Everything that ring 3 can try. The host's side (hostile_test.c) says which
 * end each of them may have; here is only what is done. What survives ends with
 * EXIT 0, or with PANIC if it got somewhere where it shouldn't be.
 */
#include "guest.h"

GUEST_EXC_ENTRY;
GUEST_UPCALL_ENTRY;

volatile uint32_t progress;
volatile uint32_t caught, last_vector, last_error;
volatile uint32_t fault_resume;
static uint8_t code[64] __attribute__((aligned(64)));

/* Skip what faulted, and take care that nothing of it stays in force. */
static void handler_skip(void)
{
	caught++;
	last_vector = vregs->exc_vector;
	last_error = vregs->exc_error;
	vregs->exc_eip = fault_resume;
	vregs->exc_eflags = 0x202;
}

/* Go on behind the asm when it faults. */
#define TRY(insn, ...)							\
	__asm__ __volatile__("movl	$9f, fault_resume\n"		\
			     insn "\n"					\
			     "9:\n"					\
			     : : __VA_ARGS__ : "eax", "ebx", "ecx", "edx", "memory", "cc")

static void test_int(void)
{
	code[0] = 0xcd;
	code[1] = guest_num(1);
	code[2] = 0xc3;
	__asm__ __volatile__("call *%0" : : "r" (code), "a" (0) : "ebx", "ecx", "edx", "memory");
}

/* Every vector, with a handler. int 0x1a with EAX 0 is the null hypercall. */
static void test_int_all(void)
{
	uint32_t i, before;

	guest_exc_set(handler_skip);
	for (i = 0; i < 256; i++) {
		if (i == DENALI_HC_VECTOR)
			continue;
		code[0] = 0xcd;
		code[1] = i;
		code[2] = 0xc3;
		before = caught;
		/* ESP isn't put back by the handler: no call here. */
		__asm__ __volatile__("movl $9f, fault_resume\n"
				     "movl %%esp, %%esi\n"
				     "call *%0\n"
				     "9: movl %%esi, %%esp\n"
				     : : "r" (code) : "eax", "esi", "memory", "cc");
		CHECK(caught == before + 1);
		if (i != 3 && i != 4) {
			CHECK(last_vector == 13);
			/* CPUs say 8, QEMU 16 in long mode. */
			CHECK(last_error == i * 8 + 2 || last_error == i * 16 + 2);
		}
	}
}

static void test_syscall(void)
{
	__asm__ __volatile__("syscall" : : "a" (39) : "ecx", "memory");
}

static void test_sysenter(void)
{
	__asm__ __volatile__("sysenter" : : "a" (39) : "ecx", "edx", "memory");
}

/* With ESP where a ring-0 frame could be pushed if the CPU ever got to ring 0. */
static void test_syscall_esp(void)
{
	__asm__ __volatile__("movl %0, %%esp; syscall" : : "r" (code + 64), "a" (39) : "memory");
}

static void test_sysenter_esp(void)
{
	__asm__ __volatile__("movl %0, %%esp; movl %%esp, %%ebp; sysenter"
			     : : "r" (code + 64), "a" (39) : "memory");
}

/* One privileged or odd instruction each, as bytes. */
static const struct {
	const char *name;
	uint8_t len;
	uint8_t bytes[12];
} insns[] = {
	{ "cli", 1, { 0xfa } },
	{ "sti", 1, { 0xfb } },
	{ "hlt", 1, { 0xf4 } },
	{ "in-imm", 2, { 0xe4, 0x60 } },
	{ "in-dx", 1, { 0xec } },
	{ "inl-dx", 1, { 0xed } },
	{ "out-imm", 2, { 0xe6, 0x80 } },
	{ "out-dx", 1, { 0xee } },
	{ "insb", 1, { 0x6c } },
	{ "rep-outsb", 2, { 0xf3, 0x6e } },
	{ "mov-cr0-eax", 3, { 0x0f, 0x20, 0xc0 } },
	{ "mov-eax-cr0", 3, { 0x0f, 0x22, 0xc0 } },
	{ "mov-eax-cr3", 3, { 0x0f, 0x22, 0xd8 } },
	{ "mov-cr3-eax", 3, { 0x0f, 0x20, 0xd8 } },
	{ "mov-eax-cr4", 3, { 0x0f, 0x22, 0xe0 } },
	{ "mov-eax-cr8", 4, { 0xf0, 0x0f, 0x22, 0xc0 } },
	{ "mov-eax-dr0", 3, { 0x0f, 0x23, 0xc0 } },
	{ "mov-eax-dr7", 3, { 0x0f, 0x23, 0xf8 } },
	{ "mov-dr7-eax", 3, { 0x0f, 0x21, 0xf8 } },
	{ "clts", 2, { 0x0f, 0x06 } },
	{ "lmsw", 3, { 0x0f, 0x01, 0xf0 } },
	{ "lgdt", 7, { 0x0f, 0x01, 0x15, 0x00, 0x30, 0x00, 0x00 } },
	{ "lidt", 7, { 0x0f, 0x01, 0x1d, 0x00, 0x30, 0x00, 0x00 } },
	{ "lldt", 3, { 0x0f, 0x00, 0xd0 } },
	{ "ltr", 3, { 0x0f, 0x00, 0xd8 } },
	{ "invlpg", 7, { 0x0f, 0x01, 0x3d, 0x00, 0x30, 0x00, 0x00 } },
	{ "invd", 2, { 0x0f, 0x08 } },
	{ "wbinvd", 2, { 0x0f, 0x09 } },
	{ "rdmsr", 2, { 0x0f, 0x32 } },
	{ "wrmsr", 2, { 0x0f, 0x30 } },
	{ "rdpmc", 2, { 0x0f, 0x33 } },
	{ "sysret", 2, { 0x0f, 0x07 } },
	{ "sysexit", 2, { 0x0f, 0x35 } },
	{ "swapgs", 3, { 0x0f, 0x01, 0xf8 } },
	{ "xsetbv", 3, { 0x0f, 0x01, 0xd1 } },
	{ "vmcall", 3, { 0x0f, 0x01, 0xc1 } },
	{ "vmmcall", 3, { 0x0f, 0x01, 0xd9 } },
	{ "vmrun", 3, { 0x0f, 0x01, 0xd8 } },
	{ "vmlaunch", 3, { 0x0f, 0x01, 0xc2 } },
	{ "stgi", 3, { 0x0f, 0x01, 0xdc } },
	{ "monitor", 3, { 0x0f, 0x01, 0xc8 } },
	{ "mwait", 3, { 0x0f, 0x01, 0xc9 } },
	{ "rsm", 2, { 0x0f, 0xaa } },
	{ "ud0", 3, { 0x0f, 0xff, 0xc0 } },
	{ "ud1", 3, { 0x0f, 0xb9, 0xc0 } },
	{ "clac", 3, { 0x0f, 0x01, 0xca } },
	{ "stac", 3, { 0x0f, 0x01, 0xcb } },
	{ "xrstors", 7, { 0x0f, 0xc7, 0x1d, 0x00, 0x30, 0x00, 0x00 } },
	{ "long-insn", 12, { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0xf4 } },
	{ "icebp", 1, { 0xf1 } },
	{ "enqcmd", 5, { 0xf2, 0x0f, 0x38, 0xf8, 0x00 } },
	{ "enqcmds", 5, { 0xf3, 0x0f, 0x38, 0xf8, 0x00 } },
	{ "encls", 3, { 0x0f, 0x01, 0xcf } },
	{ "enclv", 3, { 0x0f, 0x01, 0xc0 } },
	{ "pconfig", 3, { 0x0f, 0x01, 0xc5 } },
	{ "tdcall", 4, { 0x66, 0x0f, 0x01, 0xcc } },
	{ "seamcall", 4, { 0x66, 0x0f, 0x01, 0xcf } },
	{ "vmresume", 3, { 0x0f, 0x01, 0xc3 } },
	{ "vmxoff", 3, { 0x0f, 0x01, 0xc4 } },
	{ "vmread", 3, { 0x0f, 0x78, 0xc0 } },
	{ "vmwrite", 3, { 0x0f, 0x79, 0xc0 } },
	{ "vmload", 3, { 0x0f, 0x01, 0xda } },
	{ "vmsave", 3, { 0x0f, 0x01, 0xdb } },
	{ "clgi", 3, { 0x0f, 0x01, 0xdd } },
	{ "skinit", 3, { 0x0f, 0x01, 0xde } },
	{ "invlpga", 3, { 0x0f, 0x01, 0xdf } },
	{ "invpcid", 5, { 0x66, 0x0f, 0x38, 0x82, 0x00 } },
	{ "invept", 5, { 0x66, 0x0f, 0x38, 0x80, 0x00 } },
	{ "wbnoinvd", 3, { 0xf3, 0x0f, 0x09 } },
	{ "setssbsy", 4, { 0xf3, 0x0f, 0x01, 0xe8 } },
	{ "uiret", 4, { 0xf3, 0x0f, 0x01, 0xec } },
	{ "eretu", 4, { 0xf3, 0x0f, 0x01, 0xca } },
	{ "lkgs", 4, { 0xf2, 0x0f, 0x00, 0xf0 } },
	{ "hreset", 6, { 0xf3, 0x0f, 0x3a, 0xf0, 0xc0, 0x00 } },
	{ "iret-garbage", 1, { 0xcf } },
	{ "retf", 1, { 0xcb } },
	/* These may work: they tell something or nothing, but change nothing. */
	{ "sgdt", 7, { 0x0f, 0x01, 0x05, 0x00, 0x30, 0x00, 0x00 } },
	{ "sidt", 7, { 0x0f, 0x01, 0x0d, 0x00, 0x30, 0x00, 0x00 } },
	{ "sldt", 3, { 0x0f, 0x00, 0xc0 } },
	{ "str", 3, { 0x0f, 0x00, 0xc8 } },
	{ "smsw", 3, { 0x0f, 0x01, 0xe0 } },
	{ "rdtscp", 3, { 0x0f, 0x01, 0xf9 } },
	{ "rdpkru", 3, { 0x0f, 0x01, 0xee } },
	{ "rdgsbase", 4, { 0xf3, 0x0f, 0xae, 0xc8 } },
	{ "wrgsbase", 4, { 0xf3, 0x0f, 0xae, 0xd8 } },
	{ "wrfsbase", 4, { 0xf3, 0x0f, 0xae, 0xd0 } },
	{ "rdfsbase", 4, { 0xf3, 0x0f, 0xae, 0xc0 } },
	{ "cpuid", 2, { 0x0f, 0xa2 } },
	{ "pause", 2, { 0xf3, 0x90 } },
	{ "lock-mov", 3, { 0xf0, 0x89, 0xc0 } },	/* #UD, but for QEMU */
};

/* Instruction n of the table; EXIT 99 when there are no more. */
static void test_insn(void)
{
	uint32_t i, n = guest_num(1);

	if (n >= ARRAY_SIZE(insns))
		guest_exit(99);
	for (i = 0; i < insns[n].len; i++)
		code[i] = insns[n].bytes[i];
	code[i] = 0xc3;
	__asm__ __volatile__("pushl $0; pushl $0; pushl $0; call *%0; addl $12, %%esp"
			     : : "r" (code), "a" (0), "c" (0), "d" (0x80)
			     : "ebx", "memory");
}

/* Its name, for the host's messages. */
static void test_insn_name(void)
{
	guest_panic(insns[guest_num(1)].name);
}

/* PKRU says no to everything; that may stop the guest but nobody else. */
static void test_wrpkru(void)
{
	__asm__ __volatile__(".byte 0x0f, 0x01, 0xef" : : "a" (~0U), "c" (0), "d" (0) : "memory");
}

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

/* SS takes writable data segments of ring 3 only. */
static void test_stack_segments(void)
{
	uint32_t sel;
	uint16_t ss;

	__asm__ __volatile__("movw %%ss, %0" : "=r" (ss));
	guest_exc_set(handler_skip);
	for (sel = 0; sel < 0x10000; sel++) {
		if (sel >= 0x400 && sel % 251)
			continue;
		__asm__ __volatile__("movl $9f, fault_resume\n"
				     "movw %w0, %%ss\n"
				     "9: movw %w1, %%ss\n"
				     : : "r" (sel), "r" ((uint32_t)ss) : "eax", "memory", "cc");
		progress++;
	}
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
}

/* IRET and RETF to every code selector, with wild flags. */
static void test_iret(void)
{
	uint32_t sel;

	guest_exc_set(handler_skip);
	*(uint32_t *)(far_code + 7) = (uintptr_t)&far_back;
	for (sel = 0; sel < 0x400; sel++) {
		__asm__ __volatile__("movl	%%esp, %%esi\n"
				     "movl	$9f, fault_resume\n"
				     "movl	$7f, far_back\n"
				     "pushl	%%ss\n"
				     "pushl	%%esp\n"
				     "pushl	$0x23202\n"		/* with VM and IOPL 3 */
				     "pushl	%0\n"
				     "pushl	%1\n"
				     "iretl\n"
				     "7:	testl %%eax, %%eax\n"
				     "jz	9f\n"
				     "incl	arrived_64\n"
				     "9:	movl %%esi, %%esp\n"
				     : : "r" (sel), "r" (far_code) : "eax", "esi", "memory", "cc");
		__asm__ __volatile__("movl	%%esp, %%esi\n"
				     "movl	$9f, fault_resume\n"
				     "movl	$7f, far_back\n"
				     "pushl	%0\n"
				     "pushl	%1\n"
				     "lretl\n"
				     "7:	testl %%eax, %%eax\n"
				     "jz	9f\n"
				     "incl	arrived_64\n"
				     "9:	movl %%esi, %%esp\n"
				     : : "r" (sel), "r" (far_code) : "eax", "esi", "memory", "cc");
		progress++;
	}
	CHECK(!arrived_64);
}

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
static uint8_t fx_area[1024] __attribute__((aligned(64)));

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

GUEST_MAIN({ "int", test_int }, { "int-all", test_int_all }, { "syscall", test_syscall },
	   { "sysenter", test_sysenter }, { "syscall-esp", test_syscall_esp },
	   { "sysenter-esp", test_sysenter_esp }, { "insn", test_insn },
	   { "insn-name", test_insn_name }, { "wrpkru", test_wrpkru },
	   { "segments", test_segments }, { "stack-segments", test_stack_segments },
	   { "data-segment", test_data_segment }, { "far-jumps", test_far_jumps },
	   { "far-calls", test_far_calls }, { "iret", test_iret }, { "popf", test_popf },
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
