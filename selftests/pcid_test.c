// SPDX-License-Identifier: GPL-2.0
/*
 * Address-space tags (PCIDs). A TLB keeps translations under a VM's tag while others run, and
 * there are fewer tags than VMs: who gets one next must find nothing of the one before, and
 * whose pages change under him, nothing of before that. A TLB without tags (QEMU's, and Bochs's
 * as it comes) can't fail these: see tools/bochs-tags.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "fixture.h"
#include "nl.h"

/* VMs that a CPU's tags are enough for (kmod/block.c), and more. */
#define TAGS	2032

/* VMs at a time: whoever gets a tag again isn't where the one before him was. */
#define ALIVE	37

FIXTURE(pcid) {
	int dev;
	int many;		/* that pass by, more than tags where there are any */
	int vm[ALIVE];
	uint64_t free;
};

/* Does the host have tags? */
static bool has_pcid(int dev, struct denali_info *info)
{
	dev_info(dev, info);
	return info->cpu & DENALI_CPU_PCID;
}

static bool idles(int vm)
{
	struct nl_vm nl;

	return vm_counters(vm_id(vm), &nl) && nl.idle;
}

FIXTURE_SETUP(pcid)
{
	struct denali_info info;

	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->many = has_pcid(self->dev, &info) && info.runners == 1 ? 5 * TAGS : 200;
	self->free = info.pool_free;
	memset(self->vm, -1, sizeof(self->vm));
}

FIXTURE_TEARDOWN(pcid)
{
	for (int i = 0; i < ALIVE; i++)
		close(self->vm[i]);
	EXPECT_TRUE(wait_until(pool_free(self->dev) == self->free, SOON_MS));
	close(self->dev);
}

/* The host makes a page a clone's own that it has read before: it sees what was written. */
TEST_F_TIMEOUT(pcid, host_writes, 60)
{
	int template = template_of(self->dev, "pcid", 128 << 10);

	ASSERT_GE(template, 0);
	for (int n = 0; n < 20; n++)
		EXPECT_CLONE_RUNS(template, "host-writes");
	close(template);
}

/* Pages that were a clone's own are its template's after a reset, whoever has the frames then. */
TEST_F_TIMEOUT(pcid, reset, 60)
{
	int template = template_of(self->dev, "pcid", 128 << 10);
	struct denali_vm_state st;
	char cmd[32];

	ASSERT_GE(template, 0);
	for (int i = 0; i < 2; i++) {
		self->vm[i] = clone_flags(template, 0, NULL);
		ASSERT_GE(self->vm[i], 0);
	}
	for (int n = 0; n < 40; n++) {
		int vm = self->vm[n & 1];

		/* One that had ended would have lost its tables, and its tag with them. */
		ASSERT_EQ(vm_setup(vm, 0, "hold"), 0);
		ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
		ASSERT_TRUE(wait_until(idles(vm), SOON_MS));
		ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_RESET), 0);
		snprintf(cmd, sizeof(cmd), "turn %d", 0x1000 + n);
		ASSERT_EQ(vm_setup(vm, 0, cmd), 0);
		ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
		ASSERT_EQ(vm_wait(vm, SOON_MS), 0);
		vm_state(vm, &st);
		EXPECT_EQ(st.reason, DENALI_END_EXIT)
			TH_LOG("round %d: %s", n, st.text);
		EXPECT_EQ(st.status, 0x1000 + n);
		ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_RESET), 0);
	}
	close(template);
}

/*
 * Some VMs that live long and many that live shortly, all with patterns of their own at
 * the same addresses, so that tags are used again while the old ones' translations may still
 * be there, and the old ones get new tags.
 */
TEST_F_TIMEOUT(pcid, own_memory_in_turn, 300)
{
	static const uint64_t sizes[] = { 128 << 10, 128 << 10, 128 << 10, 4 << 20 };
	uint32_t addr = guest_symbol("limits", "progress"), seen[4];
	volatile uint32_t *progress[ARRAY_SIZE(seen)];
	uint8_t *page[ARRAY_SIZE(seen)];
	struct denali_vm_state st;
	int vm[ARRAY_SIZE(seen)];
	char cmd[64];

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
	/* Half as many, as images are loaded for them. */
	for (int n = 0; n < self->many / 2; n++) {
		int *short_vm = &self->vm[n % ALIVE];

		close(*short_vm);
		snprintf(cmd, sizeof(cmd), "own-memory %d 3", 0x2000000 + n);
		*short_vm = guest_start(self->dev, "limits", sizes[n % 16 ? 0 : 3], cmd);
		ASSERT_GE(*short_vm, 0);
		ASSERT_EQ(vm_wait(*short_vm, SOON_MS), 0);
		vm_state(*short_vm, &st);
		ASSERT_EQ(st.reason, DENALI_END_EXIT)
			TH_LOG("VM %d of %d: %s", n, self->many / 2, st.text);
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

/* Clones find their template's pages and not those that another with this tag had made its own. */
TEST_F_TIMEOUT(pcid, clones_in_turn, 300)
{
	int template = template_of(self->dev, "pcid", 128 << 10);
	struct denali_vm_state st;
	char cmd[32];

	ASSERT_GE(template, 0);
	for (int n = 0; n < self->many; n++) {
		int *vm = &self->vm[n % ALIVE];

		close(*vm);
		snprintf(cmd, sizeof(cmd), "turn %d", 0x1000 + n);
		*vm = clone_start(template, cmd);
		ASSERT_GE(*vm, 0);
		ASSERT_EQ(vm_wait(*vm, SOON_MS), 0);
		vm_state(*vm, &st);
		ASSERT_EQ(st.reason, DENALI_END_EXIT)
			TH_LOG("clone %d of %d: %s", n, self->many, st.text);
		/* It had its own boot arguments. */
		ASSERT_EQ(st.status, 0x1000 + n);
	}
	close(template);
}

TEST_HARNESS_MAIN
