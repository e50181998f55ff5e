// SPDX-License-Identifier: GPL-2.0
/*
 * Instructions that ring 3 may not have, one by one: software interrupts, the ways into
 * the kernel that are open to a process, what is privileged or odd. As in hostile.c, the
 * host knows how each must end. (The sweep executes all there are; here a failure has a name.)
 */
#include "hostile.h"

static uint8_t code[64] __attribute__((aligned(64)));

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

/* Once the host says so. */
volatile uint32_t go, waits;

static void test_rdpmc(void)
{
	while (!go)
		waits++;
	__asm__ __volatile__("rdpmc" : : "c" (0) : "eax", "edx");
}

/* PKRU says no to everything; that may stop the guest but nobody else. */
static void test_wrpkru(void)
{
	__asm__ __volatile__(".byte 0x0f, 0x01, 0xef" : : "a" (~0U), "c" (0), "d" (0) : "memory");
}

GUEST_MAIN({ "int", test_int }, { "int-all", test_int_all }, { "syscall", test_syscall },
	   { "sysenter", test_sysenter }, { "syscall-esp", test_syscall_esp },
	   { "sysenter-esp", test_sysenter_esp }, { "insn", test_insn },
	   { "insn-name", test_insn_name }, { "rdpmc", test_rdpmc }, { "wrpkru", test_wrpkru })
