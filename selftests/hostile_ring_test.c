// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile guests' rings: indices, descriptors and buffers of nonsense, changed while the
 * host looks. They end that VM with a report, or are its own loss.
 */
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "canary.h"

/* The port is the console (0) or a NIC without a tap (1). */
static bool ring_ends(struct _test_data_hostile *self, const char *cmd, uint32_t reasons)
{
	struct denali_vm_nic nic = { .port = DENALI_NIC_NEW_PORT, .tap_fd = -1, .mac = { 2, 0, 0, 0, 0, 1 } };
	struct denali_vm_state st;
	int con, vm = guest_make(self->dev, "ring", GUEST_MEM, cmd);

	if (vm < 0 || ioctl(vm, DENALI_IOC_VM_NIC, &nic) < 0)
		return false;
	con = console_open(vm);
	/* Input, so that the console looks at its input ring as well. */
	if (con < 0 || write(con, "abcdefgh", 8) < 0 || vm_ctl(vm, DENALI_IOC_VM_START) < 0)
		return false;
	while (vm_wait(vm, 10) < 0) {
		struct pollfd pfd = { .fd = con, .events = POLLIN };
		char buf[4096];

		if (poll(&pfd, 1, 0) > 0 && read(con, buf, sizeof(buf)) < 0)
			break;
	}
	vm_state(vm, &st);
	close(con);
	close(vm);
	if ((reasons & (1U << st.reason)) && report_ok(&st))
		return true;
	fprintf(stderr, "# ring %s: reason %u, vector %u, eip 0x%x: %s\n", cmd, st.reason, st.vector, st.eip, st.text);
	return false;
}

TEST_F(hostile, index_wild)
{
	static const char *const cmds[] = { "prod 0 0 9", "prod 0 0 0x80000000", "prod 0 0 0xffffffff",
		"prod 0 1 9", "prod 0 1 0x7fffffff", "prod 1 0 9", "prod 1 0 0xffffffff" };

	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		EXPECT_TRUE(ring_ends(self, cmds[i], R_PROTOCOL));
}

TEST_F(hostile, index_goes_back)
{
	EXPECT_TRUE(ring_ends(self, "prod-back 0", R_PROTOCOL));
	EXPECT_TRUE(ring_ends(self, "prod-back 1", R_PROTOCOL));
}

TEST_F(hostile, buffer_outside)
{
	/* 0xeeeeNNNN: NNNN bytes before the end of memory */
	static const char *const where[] = { "0 1", "0xfff 1", "0xfff 8", "0xeeee0004 8", "0xeeee0000 1",
		"0xffffffff 1", "0xfffff000 0x2000", "0x3000 0xffffffff", "0x3000 0x80000000",
		"0x80000000 0x80000000", "0xffffffff 0xffffffff" };
	char cmd[64];

	for (size_t i = 0; i < ARRAY_SIZE(where); i++) {
		for (int q = 0; q < 2; q++) {
			snprintf(cmd, sizeof(cmd), "desc 0 %d %s", q, where[i]);
			EXPECT_TRUE(ring_ends(self, cmd, R_PROTOCOL));
		}
		snprintf(cmd, sizeof(cmd), "desc 1 0 %s", where[i]);
		EXPECT_TRUE(ring_ends(self, cmd, R_PROTOCOL));
	}
}

TEST_F(hostile, buffer_at_the_edge)
{
	EXPECT_TRUE(ring_ends(self, "desc 0 0 0xeeee0008 8", R_EXIT));
	EXPECT_TRUE(ring_ends(self, "desc 0 0 0x1000 1", R_EXIT));
	EXPECT_TRUE(ring_ends(self, "desc 0 0 0x3000 0", R_EXIT));
	EXPECT_TRUE(ring_ends(self, "desc 0 0 0x2ffc 0x8000", R_EXIT));
}

TEST_F(hostile, flags_of_nonsense)
{
	static const char *const cmds[] = { "flags 0 0 65535 65535", "flags 0 1 65535 65535",
		"flags 1 0 65535 65535", "flags 1 0 2 0", "flags 1 0 0 1", "flags 1 1 65535 1" };

	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		EXPECT_TRUE(ring_ends(self, cmds[i], R_EXIT | R_PROTOCOL));
}

TEST_F(hostile, frame_without_end)
{
	EXPECT_TRUE(ring_ends(self, "more 1", R_EXIT | R_PROTOCOL));
	EXPECT_TRUE(ring_ends(self, "more 0", R_EXIT | R_PROTOCOL));
}

TEST_F(hostile, checksum_outside)
{
	static const char *const cmds[] = { "csum 1 0 65535 60", "csum 1 65535 0 60", "csum 1 59 0 60",
		"csum 1 60 0 60", "csum 1 65535 65535 60", "csum 1 14 45 60", "csum 1 0 0 0" };

	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		EXPECT_TRUE(ring_ends(self, cmds[i], R_EXIT | R_PROTOCOL));
}

TEST_F(hostile, moved_in_use)
{
	EXPECT_TRUE(ring_ends(self, "move 0 0", R_EXIT));
	EXPECT_TRUE(ring_ends(self, "move 0 1", R_EXIT));
	EXPECT_TRUE(ring_ends(self, "move 1 0", R_EXIT));
	EXPECT_TRUE(ring_ends(self, "move 1 1", R_EXIT));
}

TEST_F(hostile, overlaps)
{
	EXPECT_TRUE(ring_ends(self, "overlap 0", R_EXIT | R_FAULT | R_PROTOCOL));
	EXPECT_TRUE(ring_ends(self, "overlap 1", R_EXIT | R_FAULT | R_PROTOCOL));
}

TEST_F(hostile, across_pages)
{
	EXPECT_TRUE(ring_ends(self, "edge 0", R_EXIT));
}

TEST_F(hostile, taken_away)
{
	EXPECT_TRUE(ring_ends(self, "taken 0", R_EXIT));
	EXPECT_TRUE(ring_ends(self, "taken 1", R_EXIT));
}

TEST_F(hostile, scribbled_over)
{
	EXPECT_TRUE(ring_ends(self, "scribble 0", R_EXIT));
}

/* The descriptor changes under the host's eyes: it must fetch once, and check what it uses. */
TEST_F_TIMEOUT(hostile, raced, 60)
{
	struct desc {
		uint32_t addr, len;
		uint16_t flags, op;
		int32_t status;
		uint64_t pos, cookie;
	};
	uint32_t x = 1;
	uint64_t until = now_ns() + 5000000000ULL;
	volatile struct desc *desc;
	struct denali_vm_state st;
	uint8_t *raced;
	int vm, ended = 0;

	while (now_ns() < until) {
		vm = guest_start(self->dev, "ring", GUEST_MEM, "raced 0");
		ASSERT_GE(vm, 0);
		raced = guest_var(vm, "ring", "raced");
		ASSERT_NE(raced, NULL);
		desc = (void *)(raced + 128);
		while (!vm_ended(vm) && now_ns() < until) {
			for (int i = 0; i < 20000; i++) {
				x = x * 1664525 + 1013904223;
				desc[x >> 29].addr = x & 0x100 ? 0x3000 : 0xfffff000 | (x >> 8 & 0xfff);
				desc[x >> 29].len = x & 0x200 ? 1 : x;
			}
		}
		vm_state(vm, &st);
		if (st.state == DENALI_VM_ENDED) {
			EXPECT_TRUE(st.reason == DENALI_END_PROTOCOL || st.reason == DENALI_END_EXIT)
				TH_LOG("%s", st.text);
			ended++;
		}
		guest_var_put(raced);
		close(vm);
	}
	EXPECT_GT(ended, 0);
}

TEST_HARNESS_MAIN
