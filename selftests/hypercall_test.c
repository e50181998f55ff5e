// SPDX-License-Identifier: GPL-2.0
/* Every hypercall with good and bad arguments: guests/hypercall.c does it, here is who must say what. */
#include <sys/ioctl.h>

#include "kselftest_harness.h"
#include "fixture.h"

/* The tests that the guest checks by itself. */
FIXTURE_DEV(guest);

FIXTURE_VARIANT(guest) {
	const char *cmdline;
};

#define GUEST_VARIANT(id, text)	\
	FIXTURE_VARIANT_ADD(guest, id) { .cmdline = text }

GUEST_VARIANT(nop, "nop");
GUEST_VARIANT(yield, "yield");
GUEST_VARIANT(unknown, "unknown");
GUEST_VARIANT(regs_nop, "regs-nop");
GUEST_VARIANT(regs_unknown, "regs-unknown");
GUEST_VARIANT(regs_yield, "regs-yield");
GUEST_VARIANT(regs_idle, "regs-idle");
GUEST_VARIANT(regs_timer, "regs-timer");
GUEST_VARIANT(regs_doorbell, "regs-doorbell");
GUEST_VARIANT(regs_random, "regs-random");
GUEST_VARIANT(random_good, "random-good");
GUEST_VARIANT(random_differs, "random-differs");
GUEST_VARIANT(random_page_edge, "random-page-edge");
GUEST_VARIANT(random_length, "random-length");
GUEST_VARIANT(random_bounds, "random-bounds");
GUEST_VARIANT(ring_good, "ring-good");
GUEST_VARIANT(ring_nodev, "ring-nodev");
GUEST_VARIANT(ring_align, "ring-align");
GUEST_VARIANT(ring_order, "ring-order");
GUEST_VARIANT(ring_fault, "ring-fault");
GUEST_VARIANT(doorbell_good, "doorbell-good");
GUEST_VARIANT(doorbell_nodev, "doorbell-nodev");
GUEST_VARIANT(timer_result, "timer-result");

TEST_F(guest, holds)
{
	EXPECT_HOLDS(self->dev, "hypercall", GUEST_MEM, variant->cmdline);
}

/* The same with a memory of whole large pages. */
TEST_F(guest, holds_in_large_pages)
{
	EXPECT_HOLDS(self->dev, "hypercall", 4 << 20, variant->cmdline);
}

FIXTURE_DEV(end);

TEST_F(end, exit_statuses)
{
	static const uint32_t statuses[] = { 0, 1, 127, 128, 255, 256, 0x7fffffff, 0x80000000, 0xffffffff };
	struct denali_vm_state st;
	char cmd[64];

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		snprintf(cmd, sizeof(cmd), "exit-status %u", statuses[i]);
		ASSERT_EQ(guest_run(self->dev, "hypercall", GUEST_MEM, cmd, &st), 0);
		EXPECT_EQ(st.reason, DENALI_END_EXIT);
		EXPECT_EQ((uint32_t)st.status, statuses[i]);
	}
}

/* After the last two bytes there is nothing: a fault there, never an access beyond. */
TEST_F(end, hypercall_in_the_last_bytes)
{
	static const uint32_t nr[] = { 0, 1, 3, 8, 9, 99 };
	struct denali_vm_state st;
	char cmd[64];

	for (size_t i = 0; i < ARRAY_SIZE(nr); i++) {
		snprintf(cmd, sizeof(cmd), "last-bytes %u", nr[i]);
		ASSERT_EQ(guest_run(self->dev, "hypercall", GUEST_MEM, cmd, &st), 0);
		EXPECT_EQ(st.reason, DENALI_END_FAULT)
			TH_LOG("hypercall %u: %s", nr[i], st.text);
		EXPECT_TRUE(st.vector == 13 || st.vector == 14);
		/* EXC_RETURN goes to exc_eip, which is 0. */
		if (nr[i] != 9)
			EXPECT_EQ(st.eip, GUEST_MEM);
	}
}

TEST_F(end, panic_text_is_cut)
{
	struct denali_vm_state st;

	ASSERT_EQ(guest_run(self->dev, "hypercall", GUEST_MEM, "panic-long", &st), 0);
	EXPECT_EQ(st.reason, DENALI_END_PANIC);
	EXPECT_LT(strnlen(st.text, sizeof(st.text)), sizeof(st.text));
	EXPECT_GT(strspn(strstr(st.text, "ppp") ?: "", "p"), 80);
}

TEST_F(end, panic_at_a_bad_address)
{
	static const char *const args[] = { "0 10", "0xfff 2", "0xffffffff 1", "0xfffffff0 119",
		"0x40000 1", "0x3fff0 64", "0x3000 0xffffffff", "0x80000000 0x80000000" };
	struct denali_vm_state st;
	char cmd[64];

	for (size_t i = 0; i < ARRAY_SIZE(args); i++) {
		snprintf(cmd, sizeof(cmd), "panic-address %s", args[i]);
		ASSERT_EQ(guest_run(self->dev, "hypercall", GUEST_MEM, cmd, &st), 0);
		EXPECT_EQ(st.reason, DENALI_END_PANIC)
			TH_LOG("%s: %s", args[i], st.text);
		EXPECT_GT(strlen(st.text), 0);
	}
}

/* What a guest says can't drive the terminal or forge lines of a log. */
TEST_F(end, panic_text_is_printable)
{
	struct denali_vm_state st;

	ASSERT_EQ(guest_run(self->dev, "hypercall", GUEST_MEM, "panic-binary", &st), 0);
	EXPECT_EQ(st.reason, DENALI_END_PANIC);
	EXPECT_GT(strlen(st.text), 0);
	for (const char *p = st.text; *p; p++)
		EXPECT_TRUE(*p >= 0x20 && *p < 0x7f);
}

TEST_HARNESS_MAIN
