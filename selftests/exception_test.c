// SPDX-License-Identifier: GPL-2.0
/*
 * Exceptions: to the guest's own handler if it has one, else the end of the VM with
 * vector, error code, address and registers in its report.
 */
#include <sys/ioctl.h>

#include "kselftest_harness.h"
#include "fixture.h"

/* guests/exc.c: the CPU doesn't raise it (an emulator's may not). */
#define NOT_RAISED	77

FIXTURE_DEV(fault);

FIXTURE_VARIANT(fault) {
	const char *name;
	uint32_t vectors;	/* bits of those that are right */
	uint32_t error;
	uint32_t addr;
	bool trap;		/* EIP is behind the instruction */
};

FIXTURE_VARIANT_ADD(fault, divide) { .name = "de", .vectors = 1U << 0 };
FIXTURE_VARIANT_ADD(fault, debug) { .name = "db", .vectors = 1U << 1, .trap = true };
FIXTURE_VARIANT_ADD(fault, breakpoint) { .name = "bp", .vectors = 1U << 3, .trap = true };
FIXTURE_VARIANT_ADD(fault, overflow) { .name = "of", .vectors = 1U << 4, .trap = true };
FIXTURE_VARIANT_ADD(fault, bound) { .name = "br", .vectors = 1U << 5 };
FIXTURE_VARIANT_ADD(fault, undefined) { .name = "ud", .vectors = 1U << 6 };
FIXTURE_VARIANT_ADD(fault, protection) { .name = "gp", .vectors = 1U << 13 };
FIXTURE_VARIANT_ADD(fault, software_interrupt) { .name = "gp-int", .vectors = 1U << 13, .error = 0x402 };
FIXTURE_VARIANT_ADD(fault, null_read) { .name = "pf-null-read", .vectors = 1U << 14, .error = 4, .addr = 0x10 };
FIXTURE_VARIANT_ADD(fault, null_write) { .name = "pf-null-write", .vectors = 1U << 14, .error = 6, .addr = 0x20 };
FIXTURE_VARIANT_ADD(fault, x87) { .name = "mf", .vectors = 1U << 16 };
FIXTURE_VARIANT_ADD(fault, sse) { .name = "xm", .vectors = 1U << 19 };
FIXTURE_VARIANT_ADD(fault, alignment) { .name = "ac", .vectors = 1U << 17 };

TEST_F(fault, to_the_handler)
{
	struct denali_vm_state st;
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "catch %s", variant->name);
	ASSERT_EQ(guest_run(self->dev, "exc", GUEST_MEM, cmd, &st), 0);
	if (st.reason == DENALI_END_EXIT && st.status == NOT_RAISED)
		SKIP(return, "this CPU doesn't raise %s", variant->name);
	EXPECT_EQ(st.reason, DENALI_END_EXIT)
		TH_LOG("%s: %s", cmd, st.text);
	EXPECT_EQ(st.status, 0);
}

TEST_F(fault, to_the_report)
{
	uint32_t *at, *behind;
	struct denali_vm_state st;
	char cmd[64];
	int vm;

	snprintf(cmd, sizeof(cmd), "die %s", variant->name);
	vm = guest_start(self->dev, "exc", GUEST_MEM, cmd);
	ASSERT_GE(vm, 0);
	ASSERT_EQ(vm_wait(vm, SOON_MS), 0);
	vm_state(vm, &st);
	if (st.reason == DENALI_END_EXIT && st.status == NOT_RAISED)
		SKIP(return, "this CPU doesn't raise %s", variant->name);
	at = guest_var(vm, "exc", "fault_eip");
	behind = guest_var(vm, "exc", "fault_resume");
	ASSERT_NE(at, NULL);
	ASSERT_NE(behind, NULL);
	EXPECT_EQ(st.state, DENALI_VM_ENDED);
	EXPECT_EQ(st.reason, DENALI_END_FAULT);
	EXPECT_TRUE(st.vector < 32 && (variant->vectors & (1U << st.vector)))
		TH_LOG("vector %u", st.vector);
	/* QEMU counts 16 a gate in long mode, CPUs count 8. */
	if (variant->error != 0x402 || st.error_code != 0x802)
		EXPECT_EQ(st.error_code, variant->error);
	if (st.vector == 14)
		EXPECT_EQ(st.fault_addr, variant->addr);
	if (variant->trap) {
		EXPECT_GT(st.eip, *at);
		EXPECT_LE(st.eip, *behind);
	} else {
		EXPECT_EQ(st.eip, *at);
	}
	EXPECT_LT(st.esp, GUEST_MEM);
	EXPECT_GT(st.esp, GUEST_MEM - 4096);
	EXPECT_TRUE(st.eflags & 0x202);
	EXPECT_GT(strlen(st.text), 0);
	close(vm);
}

/* Handlers and how they return. */
FIXTURE_DEV(handler);

FIXTURE_VARIANT(handler) {
	const char *cmdline;
};

FIXTURE_VARIANT_ADD(handler, own_stack) { .cmdline = "catch-ss" };
FIXTURE_VARIANT_ADD(handler, no_stack) { .cmdline = "no-stack" };
FIXTURE_VARIANT_ADD(handler, registers) { .cmdline = "regs" };
FIXTURE_VARIANT_ADD(handler, return_state) { .cmdline = "return-state" };
FIXTURE_VARIANT_ADD(handler, irq_enabled) { .cmdline = "irq-enabled" };
FIXTURE_VARIANT_ADD(handler, upcall_after) { .cmdline = "upcall-after" };
FIXTURE_VARIANT_ADD(handler, many) { .cmdline = "many" };

TEST_F(handler, holds)
{
	EXPECT_HOLDS(self->dev, "exc", GUEST_MEM, variant->cmdline);
}

/* Ends that come of handlers that can't work, and of addresses that aren't there. */
FIXTURE_DEV(end);

FIXTURE_VARIANT(end) {
	const char *cmdline;
	uint32_t vectors;
	uint32_t eip;		/* 0: not looked at */
};

FIXTURE_VARIANT_ADD(end, fault_in_handler) { .cmdline = "double", .vectors = 1U << 6 };
FIXTURE_VARIANT_ADD(end, handler_at_null) { .cmdline = "bad-entry 0x10", .vectors = 1U << 14, .eip = 0x10 };
FIXTURE_VARIANT_ADD(end, handler_beyond) { .cmdline = "bad-entry 0x80000000", .vectors = 1U << 13 | 1U << 14 };
FIXTURE_VARIANT_ADD(end, handler_at_the_top) { .cmdline = "bad-entry 0xffffffff", .vectors = 1U << 13 | 1U << 14 };
FIXTURE_VARIANT_ADD(end, stack_beyond) { .cmdline = "bad-stack 0x80000000", .vectors = 1U << 12 | 1U << 13 | 1U << 14 };
FIXTURE_VARIANT_ADD(end, stack_at_4) { .cmdline = "bad-stack 4", .vectors = 1U << 12 | 1U << 13 | 1U << 14 };
FIXTURE_VARIANT_ADD(end, jump_to_null) { .cmdline = "die pf-null-jump", .vectors = 1U << 14, .eip = 0x30 };
FIXTURE_VARIANT_ADD(end, read_beyond) { .cmdline = "die beyond", .vectors = 1U << 13 | 1U << 14 };
FIXTURE_VARIANT_ADD(end, read_at_the_top) { .cmdline = "die top", .vectors = 1U << 13 | 1U << 14 };
FIXTURE_VARIANT_ADD(end, push_at_zero) { .cmdline = "die ss", .vectors = 1U << 12 | 1U << 13 | 1U << 14 };
FIXTURE_VARIANT_ADD(end, return_to_null) { .cmdline = "return-nowhere 0 0x8000 0x202", .vectors = 1U << 14 };
FIXTURE_VARIANT_ADD(end, return_beyond) { .cmdline = "return-nowhere 0xfffffff0 0x8000 0x202",
	.vectors = 1U << 13 | 1U << 14 };
FIXTURE_VARIANT_ADD(end, return_wild_flags) { .cmdline = "return-nowhere 0 0xffffffff 0xffffffff",
	.vectors = 1U << 1 | 1U << 13 | 1U << 14 };

TEST_F(end, in_a_fault)
{
	struct denali_vm_state st;

	ASSERT_EQ(guest_run(self->dev, "exc", GUEST_MEM, variant->cmdline, &st), 0);
	EXPECT_EQ(st.reason, DENALI_END_FAULT)
		TH_LOG("%s: %s", variant->cmdline, st.text);
	EXPECT_TRUE(st.vector < 32 && (variant->vectors & (1U << st.vector)))
		TH_LOG("%s: vector %u: %s", variant->cmdline, st.vector, st.text);
	if (variant->eip)
		EXPECT_EQ(st.eip, variant->eip);
	EXPECT_GT(strlen(st.text), 0);
	/* Whatever was in exc_eflags, ring 3 got no more than ring 3 may have. */
	EXPECT_EQ(st.eflags & 0x3000, 0);
	EXPECT_EQ(st.eflags & 0x20000, 0);
}

TEST_HARNESS_MAIN
