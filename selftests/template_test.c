// SPDX-License-Identifier: GPL-2.0
/*
 * Templates and clones: a clone finds what its template left and nothing else, what it
 * writes is seen by nobody, and its memory comes back when the last one is gone.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "fixture.h"
#include "nl.h"

#define CLONES	6

FIXTURE(template) {
	int dev;
	uint64_t free;
	int template;
};

FIXTURE_VARIANT(template) {
	uint64_t mem;
};

FIXTURE_VARIANT_ADD(template, small) { .mem = GUEST_MEM };
FIXTURE_VARIANT_ADD(template, large) { .mem = (6 << 20) + 4096 };

FIXTURE_SETUP(template)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->free = pool_free(self->dev);
	self->template = template_make(self->dev, variant->mem);
	ASSERT_GE(self->template, 0);
}

/* Whatever the test did: nothing of the pool is missing. */
FIXTURE_TEARDOWN(template)
{
	close(self->template);
	EXPECT_TRUE(wait_until(pool_free(self->dev) == self->free, SOON_MS));
	close(self->dev);
}

TEST_F_TIMEOUT(template, stops, 60)
{
	const struct denali_vm_share share = { .set = DENALI_SHARE_WEIGHT, .weight = 50 };
	struct denali_vm_state a, b;

	vm_state(self->template, &a);
	EXPECT_EQ(a.state, DENALI_VM_TEMPLATE);
	EXPECT_EQ(a.reason, DENALI_END_NONE);
	EXPECT_EQ(vm_ctl(self->template, DENALI_IOC_VM_START), -1);
	EXPECT_EQ(errno, EBUSY);
	EXPECT_EQ(vm_ctl(self->template, DENALI_IOC_VM_STOP), -1);
	EXPECT_EQ(errno, EBUSY);
	EXPECT_EQ(ioctl(self->template, DENALI_IOC_VM_SHARE, &share), -1);
	EXPECT_EQ(errno, EBUSY);
	/* Its alarm would be due by then. */
	let_pass(300);
	vm_state(self->template, &b);
	EXPECT_EQ(b.state, DENALI_VM_TEMPLATE);
	EXPECT_EQ(b.run_ns, a.run_ns);
}

TEST_F_TIMEOUT(template, is_found_whole, 60)
{
	EXPECT_CLONE_RUNS(self->template, "look");
}

/* The frames that a clone has in reserve hold what others left there: it never sees it. */
TEST_F_TIMEOUT(template, old_memory_stays_hidden, 60)
{
	struct denali_vm_state st;

	for (int i = 0; i < CLONES; i++) {
		ASSERT_EQ(guest_run(self->dev, "basic", variant->mem, "memzero", &st), 0);
		ASSERT_EQ(st.reason, DENALI_END_EXIT);
		EXPECT_CLONE_RUNS(self->template, i % 2 ? "write 0x5a5a5a5a" : "look");
	}
}

TEST_F_TIMEOUT(template, clones_are_apart, 120)
{
	char cmdline[32];
	int vm[CLONES], i;

	for (i = 0; i < CLONES; i++) {
		snprintf(cmdline, sizeof(cmdline), "write 0x%x", 0x1111 * (i + 1));
		vm[i] = clone_start(self->template, cmdline);
		ASSERT_GE(vm[i], 0);
	}
	for (i = 0; i < CLONES; i++) {
		EXPECT_CLONE_HOLDS(vm[i], "write");
		close(vm[i]);
	}
	/* Nor did any of them write to the template. */
	EXPECT_CLONE_RUNS(self->template, "look");
}

TEST_F_TIMEOUT(template, clone_without_its_page_tables, 120)
{
	EXPECT_CLONE_RUNS(self->template, "pause");
}

TEST_F_TIMEOUT(template, host_writes, 60)
{
	EXPECT_CLONE_RUNS(self->template, "host-writes");
	EXPECT_CLONE_RUNS(self->template, "look");
}

TEST_F_TIMEOUT(template, clock_and_alarm_go_on, 60)
{
	let_pass(50);
	EXPECT_CLONE_RUNS(self->template, "clock");
}

TEST_F_TIMEOUT(template, faults_are_the_guests, 60)
{
	EXPECT_CLONE_RUNS(self->template, "fault");
}

TEST_F_TIMEOUT(template, ports_are_its_own, 60)
{
	char buf[256];
	int vm, con;

	vm = clone_make(self->template, "console 1234");
	ASSERT_GE(vm, 0);
	con = console_open(vm);
	ASSERT_GE(con, 0);
	ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	EXPECT_GT(console_expect(con, buf, sizeof(buf), "console 1234\n", SOON_MS), 0);
	EXPECT_EQ(strncmp(buf, "console", 7), 0)
		TH_LOG("output of the template is there as well: %s", buf);
	EXPECT_CLONE_HOLDS(vm, "console");
	close(con);
	close(vm);
	EXPECT_CLONE_RUNS(self->template, "ports");
}

TEST_F_TIMEOUT(template, is_outlived_by_its_clones, 60)
{
	int idle, vm;

	idle = clone_start(self->template, "spin");
	ASSERT_GE(idle, 0);
	vm = clone_make(self->template, "look");
	ASSERT_GE(vm, 0);
	EXPECT_EQ(vm_ctl(self->template, DENALI_IOC_VM_DESTROY), 0);
	EXPECT_EQ(clone_flags(self->template, 0, NULL), -1);
	EXPECT_EQ(errno, ESHUTDOWN);
	close(self->template);
	self->template = -1;
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	EXPECT_CLONE_HOLDS(vm, "look");
	close(vm);
	EXPECT_FALSE(vm_ended(idle));
	close(idle);
}

/* All that a clone may ever need is taken from the pool at once; what it uses is counted. */
TEST_F_TIMEOUT(template, memory_is_reserved_and_counted, 60)
{
	uint64_t before = pool_free(self->dev);
	struct nl_vm nl;
	int vm;

	vm = clone_make(self->template, "write 1");
	ASSERT_GE(vm, 0);
	EXPECT_EQ(before - pool_free(self->dev), variant->mem);
	ASSERT_TRUE(vm_counters(vm_id(vm), &nl));
	EXPECT_EQ(nl.own_bytes, 2 * 4096);
	EXPECT_EQ(nl.template, vm_id(self->template));
	ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	EXPECT_CLONE_HOLDS(vm, "write");
	ASSERT_TRUE(vm_counters(vm_id(vm), &nl));
	EXPECT_GT(nl.own_bytes, variant->mem * 3 / 4);
	EXPECT_LT(nl.own_bytes, variant->mem);
	close(vm);
	ASSERT_TRUE(vm_counters(vm_id(self->template), &nl));
	EXPECT_EQ(nl.own_bytes, variant->mem);
	EXPECT_FALSE(nl.seen & (1U << DENALI_A_TEMPLATE));
}

/* A clone is as good as any VM: stopped, started, killed in the middle of its copying. */
TEST_F_TIMEOUT(template, clone_is_controlled, 60)
{
	struct denali_vm_state st;
	int vm, i;

	for (i = 0; i < 20; i++) {
		vm = clone_start(self->template, "spin");
		ASSERT_GE(vm, 0);
		if (i % 2) {
			EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_STOP), 0);
			EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
		}
		EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_KILL), 0);
		vm_state(vm, &st);
		EXPECT_EQ(st.reason, DENALI_END_KILLED);
		close(vm);
	}
}

TEST_F_TIMEOUT(template, refusals, 60)
{
	int vm = clone_make(self->template, "again");
	struct denali_vm_clone reserved = { .reserved = 1 };

	ASSERT_GE(vm, 0);
	/* Neither a clone nor an entry point for one. */
	EXPECT_EQ(clone_flags(vm, 0, NULL), -1);
	EXPECT_EQ(errno, EBUSY);
	EXPECT_EQ(vm_setup(vm, 0x2000, "look"), -1);
	EXPECT_EQ(errno, EINVAL);
	/* Its memory isn't there to be mapped: some of it is the template's. */
	EXPECT_EQ(vm_map(vm, 0x1000, 4096), NULL);
	EXPECT_EQ(errno, EOPNOTSUPP);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	EXPECT_CLONE_HOLDS(vm, "again");

	EXPECT_EQ(clone_flags(self->template, DENALI_CREATE_TEMPLATE, NULL), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(clone_flags(self->template, 1U << 31, NULL), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(ioctl(self->template, DENALI_IOC_VM_CLONE, &reserved), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(ioctl(self->template, DENALI_IOC_VM_CLONE, 8), -1);
	EXPECT_EQ(errno, EFAULT);
	EXPECT_EQ(clone_flags(self->template, 0, "no/name"), -1);
	EXPECT_EQ(errno, EINVAL);
	close(vm);
	vm = clone_flags(self->template, 0, "clone-name");
	ASSERT_GE(vm, 0);
	EXPECT_EQ(clone_flags(self->template, 0, "clone-name"), -1);
	EXPECT_EQ(errno, EEXIST);
	close(vm);
	EXPECT_EQ(vm_ctl(self->template, DENALI_IOC_VM_KILL), 0);
	EXPECT_EQ(clone_flags(self->template, 0, NULL), -1);
	EXPECT_EQ(errno, ESHUTDOWN);
}

FIXTURE_DEV(template_none);

/* Not yet, not ever, not at all. */
TEST_F_TIMEOUT(template_none, no_template, 60)
{
	struct denali_vm_state st;
	int vm;

	vm = vm_create(self->dev, GUEST_MEM, DENALI_CREATE_TEMPLATE, NULL);
	ASSERT_GE(vm, 0);
	EXPECT_EQ(clone_flags(vm, 0, NULL), -1);
	EXPECT_EQ(errno, EBUSY);
	ASSERT_EQ(guest_boot(vm, "template", "late"), 0);
	EXPECT_EQ(clone_flags(vm, 0, NULL), -1);
	EXPECT_EQ(errno, EBUSY);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_STOP), 0);
	EXPECT_EQ(clone_flags(vm, 0, NULL), -1);
	EXPECT_EQ(errno, EBUSY);
	close(vm);

	vm = vm_create(self->dev, GUEST_MEM, DENALI_CREATE_TEMPLATE, NULL);
	ASSERT_GE(vm, 0);
	ASSERT_EQ(guest_boot(vm, "template", "exit"), 0);
	ASSERT_EQ(vm_wait(vm, SOON_MS), 0);
	EXPECT_EQ(clone_flags(vm, 0, NULL), -1);
	EXPECT_EQ(errno, ESHUTDOWN);
	close(vm);

	EXPECT_HOLDS(self->dev, "template", GUEST_MEM, "plain");
	EXPECT_EQ(guest_run(self->dev, "template", GUEST_MEM, "exit", &st), 0);
	EXPECT_EQ(st.status, 3);
}

/* The pool decides whether there is room, as for any VM. */
TEST_F_TIMEOUT(template_none, no_room, 120)
{
	uint64_t mem = 8 << 20, left;
	int template, vm, n = 0;
	int clones[64];

	template = template_make(self->dev, mem);
	ASSERT_GE(template, 0);
	left = pool_free(self->dev);
	while (n < ARRAY_SIZE(clones) && (vm = clone_flags(template, 0, NULL)) >= 0)
		clones[n++] = vm;
	EXPECT_EQ(errno, ENOSPC);
	EXPECT_EQ(n, left / mem);
	while (n)
		close(clones[--n]);
	EXPECT_TRUE(wait_until(pool_free(self->dev) == left, SOON_MS));
	close(template);
}

TEST_HARNESS_MAIN
