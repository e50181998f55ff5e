// SPDX-License-Identifier: GPL-2.0
/*
 * Segment limits, alignment checks and descriptors. These hold
 * on their own, without the page tables that end at the same place; on a CPU that
 * doesn't check limits (QEMU's) some are skipped: Bochs is there for those.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "fixture.h"

/* guests/limits.c: the CPU doesn't check it (an emulator's may not). */
#define NOT_CHECKED	77

/*
 * Segment limits. In each of these a guest looks at what its own segments let it do, so
 * that they hold on their own, without the page tables that end at the same place.
 */
FIXTURE_DEV(limits);

FIXTURE_VARIANT(limits) {
	const char *cmdline;
};

FIXTURE_VARIANT_ADD(limits, accesses) { .cmdline = "accesses" };
FIXTURE_VARIANT_ADD(limits, strings) { .cmdline = "strings" };
FIXTURE_VARIANT_ADD(limits, stack) { .cmdline = "stack" };
FIXTURE_VARIANT_ADD(limits, code) { .cmdline = "code" };
FIXTURE_VARIANT_ADD(limits, alignment) { .cmdline = "alignment" };

TEST_F_TIMEOUT(limits, hold, 60)
{
	static const uint32_t sizes[] = { GUEST_MEM, GUEST_MEM + 4096, 2 << 20, (2 << 20) + 4096 };
	struct denali_vm_state st;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(guest_run(self->dev, "limits", sizes[i], variant->cmdline, &st), 0);
		if (st.reason == DENALI_END_EXIT && st.status == NOT_CHECKED)
			SKIP(return, "this CPU doesn't check: nothing but paging was seen to hold");
		EXPECT_EQ(st.reason, DENALI_END_EXIT)
			TH_LOG("%s, %u bytes: %s", variant->cmdline, sizes[i], st.text);
		EXPECT_EQ(st.status, 0);
	}
}

FIXTURE_DEV(limits_vms);

/* VMs of different sizes in turn: each finds its own segments, and no others. */
TEST_F_TIMEOUT(limits_vms, descriptors_of_each_size, 120)
{
	static const uint32_t sizes[] = { GUEST_MEM, 2 << 20, (4 << 20) + 4096, GUEST_MEM + 4096 };
	struct denali_vm_state st;
	int vm[ARRAY_SIZE(sizes)];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		vm[i] = guest_start(self->dev, "limits", sizes[i], "descriptors 20");
		ASSERT_GE(vm[i], 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_EQ(vm_wait(vm[i], SOON_MS), 0);
		vm_state(vm[i], &st);
		EXPECT_EQ(st.reason, DENALI_END_EXIT)
			TH_LOG("%u bytes: %s", sizes[i], st.text);
		close(vm[i]);
	}
}

TEST_HARNESS_MAIN
