// SPDX-License-Identifier: GPL-2.0
/*
 * Which share of the CPUs may be set, by whom, and that it is told. What comes of it is in
 * sched_test.c.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "fixture.h"
#include "nl.h"
#include "share.h"

FIXTURE(share) {
	int dev;
	int vm;
};

FIXTURE_SETUP(share)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->vm = guest_start(self->dev, "sched", 64 << 10, "spin");
	ASSERT_GE(self->vm, 0);
}

FIXTURE_TEARDOWN(share)
{
	close(self->vm);
	close(self->dev);
}

TEST_F(share, at_first)
{
	struct nl_vm vm;

	ASSERT_TRUE(vm_counters(vm_id(self->vm), &vm));
	EXPECT_EQ(vm.weight, DENALI_WEIGHT_DEFAULT);
	EXPECT_EQ(vm.cap, 0);
	EXPECT_EQ(vm.seen & 1U << DENALI_A_CPUS, 0);
}

TEST_F(share, is_told)
{
	const uint32_t all = DENALI_SHARE_WEIGHT | DENALI_SHARE_CAP | DENALI_SHARE_CPUS;
	struct nl_vm vm;

	ASSERT_EQ(share_set(self->vm, all, 250, 40, 1), 0);
	ASSERT_TRUE(vm_counters(vm_id(self->vm), &vm));
	EXPECT_EQ(vm.weight, 250);
	EXPECT_EQ(vm.cap, 40);
	EXPECT_EQ(vm.cpus, sysconf(_SC_NPROCESSORS_CONF) > 1);
	/* One at a time leaves the others alone. */
	ASSERT_EQ(weight_set(self->vm, 1), 0);
	ASSERT_TRUE(vm_counters(vm_id(self->vm), &vm));
	EXPECT_EQ(vm.weight, 1);
	EXPECT_EQ(vm.cap, 40);
	ASSERT_EQ(share_set(self->vm, all, 100, 0, ~0ULL), 0);
	ASSERT_TRUE(vm_counters(vm_id(self->vm), &vm));
	EXPECT_EQ(vm.weight, 100);
	EXPECT_EQ(vm.cap, 0);
	EXPECT_EQ(vm.seen & 1U << DENALI_A_CPUS, 0);
}

TEST_F(share, bad_values)
{
	static const struct denali_vm_share bad[] = {
		{ .set = 0 },
		{ .set = 1U << 3, .weight = 100 },
		{ .set = 1U << 31 | DENALI_SHARE_WEIGHT, .weight = 100 },
		{ .set = DENALI_SHARE_WEIGHT, .weight = 0 },
		{ .set = DENALI_SHARE_WEIGHT, .weight = DENALI_WEIGHT_MAX + 1 },
		{ .set = DENALI_SHARE_WEIGHT, .weight = ~0U },
		{ .set = DENALI_SHARE_CAP, .cap = DENALI_CAP_MAX + 1 },
		{ .set = DENALI_SHARE_CAP, .cap = ~0U },
		{ .set = DENALI_SHARE_CPUS },
		{ .set = DENALI_SHARE_CPUS, .cpus = { [15] = 1ULL << 63 } },
		{ .set = DENALI_SHARE_WEIGHT, .weight = 200, .reserved = 1 },
		/* One bad value, and none is taken. */
		{ .set = DENALI_SHARE_WEIGHT | DENALI_SHARE_CAP, .weight = 200, .cap = 101 },
	};
	struct nl_vm vm;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(ioctl(self->vm, DENALI_IOC_VM_SHARE, &bad[i]), -1)
			TH_LOG("%zu", i);
		EXPECT_EQ(errno, EINVAL);
	}
	EXPECT_EQ(ioctl(self->vm, DENALI_IOC_VM_SHARE, NULL), -1);
	EXPECT_EQ(errno, EFAULT);
	EXPECT_EQ(ioctl(self->vm, _IOW(DENALI_IOC_MAGIC, 0x19, char[16]), &bad[3]), -1);
	EXPECT_EQ(errno, EINVAL);
	ASSERT_TRUE(vm_counters(vm_id(self->vm), &vm));
	EXPECT_EQ(vm.weight, DENALI_WEIGHT_DEFAULT);
	EXPECT_EQ(vm.cap, 0);
}

TEST_F(share, of_a_vm_that_ended)
{
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_KILL), 0);
	EXPECT_EQ(weight_set(self->vm, 50), -1);
	EXPECT_EQ(errno, ESHUTDOWN);
}

static bool refused(int ret)
{
	return ret == -1 && errno == EPERM;
}

/* Without CAP_SYS_NICE: less, and never more again. */
static int lower_only(const char *node)
{
	int dev, vm;

	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		return 1;
	dev = open(node, O_RDWR);
	vm = guest_start(dev, "sched", 64 << 10, "spin");
	if (vm < 0)
		return 2;
	if (!refused(weight_set(vm, 101)) || weight_set(vm, 100) || weight_set(vm, 50) ||
	    !refused(weight_set(vm, 51)))
		return 3;
	if (cap_set(vm, 0) || cap_set(vm, 60) || cap_set(vm, 60) || cap_set(vm, 20) ||
	    !refused(cap_set(vm, 21)) || !refused(cap_set(vm, 0)))
		return 4;
	if (cpus_set(vm, ~0ULL) || cpus_set(vm, 1) || cpus_set(vm, 1))
		return 5;
	if (sysconf(_SC_NPROCESSORS_CONF) > 1 && (!refused(cpus_set(vm, 3)) || !refused(cpus_set(vm, 2))))
		return 6;
	/* What is allowed isn't done beside what isn't. */
	if (!refused(share_set(vm, DENALI_SHARE_WEIGHT | DENALI_SHARE_CAP, 10, 0, 0)) || weight_set(vm, 50))
		return 7;
	return 0;
}

TEST_F(share, only_less_without_privilege)
{
	char node[64];
	int status;
	pid_t pid;

	ASSERT_EQ(device_node(node, sizeof(node)), 0);
	pid = fork();
	if (!pid)
		_exit(lower_only(node));
	waitpid(pid, &status, 0);
	unlink(node);
	EXPECT_EQ(status, 0)
		TH_LOG("child ended with %d", WEXITSTATUS(status));
}

/* Changes from several sides at a VM that comes and goes. */
TEST_F(share, changed_all_the_time)
{
	struct denali_vm_state st;
	pid_t pid[3];
	int status;

	for (int p = 0; p < 3; p++) {
		pid[p] = fork();
		if (pid[p])
			continue;
		for (int i = 0; i < 300; i++) {
			int ret = p == 0 ? weight_set(self->vm, 1 + i * 33) :
				  p == 1 ? cap_set(self->vm, i % 101) : cpus_set(self->vm, 1 + i % 3);

			if (ret)
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 0; i < 100; i++) {
		EXPECT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_STOP), 0);
		EXPECT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	}
	for (int p = 0; p < 3; p++) {
		EXPECT_EQ(waitpid(pid[p], &status, 0), pid[p]);
		EXPECT_EQ(status, 0);
	}
	ASSERT_EQ(cap_set(self->vm, 0), 0);
	vm_state(self->vm, &st);
	EXPECT_EQ(st.state, DENALI_VM_RUNNING);
	EXPECT_TRUE(wait_until(run_ns(self->vm) > st.run_ns, SOON_MS));
}

TEST_HARNESS_MAIN
