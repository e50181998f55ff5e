// SPDX-License-Identifier: GPL-2.0
/*
 * Segment limits, alignment checks, descriptors, and memory of many VMs in turn. These hold
 * on their own, without the page tables that end at the same place; on a CPU that
 * doesn't check limits (QEMU's) some are skipped: Bochs is there for those.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
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

/* Does the host have address-space tags, of which a VM gets one on each CPU? */
static bool has_pcid(void)
{
	char line[8192];
	bool found = false;
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f && fgets(line, sizeof(line), f))
		found |= !strncmp(line, "flags", 5) && strstr(line, " pcid ");
	if (f)
		fclose(f);
	return found;
}

/*
 * Some VMs that live long and many that live shortly, all with patterns of their own at
 * the same addresses. There are more of them than tags, so that tags are used again
 * while the old ones' translations may still be there, and the old ones get new tags.
 */
TEST_F_TIMEOUT(limits_vms, own_memory_in_turn, 300)
{
	uint32_t addr = guest_symbol("limits", "progress"), seen[4];
	volatile uint32_t *progress[ARRAY_SIZE(seen)];
	uint8_t *page[ARRAY_SIZE(seen)];
	int vm[ARRAY_SIZE(seen)], shorts;
	struct denali_vm_state st;
	struct denali_info info;
	char cmd[64];

	dev_info(self->dev, &info);
	shorts = has_pcid() && info.runners == 1 ? 2048 + 100 : 200;
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++) {
		snprintf(cmd, sizeof(cmd), "own-memory %zu 0", 0x1000001 * (i + 1));
		vm[i] = guest_start(self->dev, "limits", i & 1 ? GUEST_MEM + 4096 : GUEST_MEM, cmd);
		ASSERT_GE(vm[i], 0);
		page[i] = vm_map(vm[i], addr & ~0xfff, 4096);
		ASSERT_NE(page[i], NULL);
		progress[i] = (void *)(page[i] + (addr & 0xfff));
		EXPECT_TRUE(wait_until(*progress[i], SOON_MS));
		seen[i] = *progress[i];
	}
	for (int n = 0; n < shorts; n++) {
		snprintf(cmd, sizeof(cmd), "own-memory %d 3", 0x2000000 + n);
		ASSERT_EQ(guest_run(self->dev, "limits", 128 << 10, cmd, &st), 0);
		ASSERT_EQ(st.reason, DENALI_END_EXIT)
			TH_LOG("VM %d of %d: %s", n, shorts, st.text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++) {
		EXPECT_TRUE(wait_until(*progress[i] != seen[i], SOON_MS));
		vm_state(vm[i], &st);
		EXPECT_EQ(st.state, DENALI_VM_RUNNING)
			TH_LOG("long VM %zu: %s", i, st.text);
		munmap(page[i], 4096);
		close(vm[i]);
	}
}

TEST_HARNESS_MAIN
