// SPDX-License-Identifier: GPL-2.0
/* Several clones by one request: all of them, named and numbered, or none and nothing left of any. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "fixture.h"
#include "nl.h"

#define SOME	20

FIXTURE(batch) {
	int dev;
	int template;
	uint64_t free;
	unsigned int vms;
	int fds[DENALI_MAX_CLONES];
	uint64_t ids[DENALI_MAX_CLONES];
};

typedef FIXTURE_DATA(batch) batch;

static int clones(batch *self, uint32_t flags, const char *name, uint32_t first, uint32_t count)
{
	struct denali_vm_clones arg = {
		.flags = flags, .count = count, .first = first,
		.fds = (uintptr_t)self->fds, .ids = (uintptr_t)self->ids,
	};

	memcpy(arg.name, name, strnlen(name, sizeof(arg.name)));
	return ioctl(self->template, DENALI_IOC_VM_CLONES, &arg);
}

FIXTURE_SETUP(batch)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->template = template_make(self->dev, GUEST_MEM);
	ASSERT_GE(self->template, 0);
	self->free = pool_free(self->dev);
	self->vms = vm_count(self->dev);
}

/* Nothing is left: no VM, no memory, no number of a descriptor. */
#define EXPECT_NONE_LEFT() do {							\
	int __fd = dup(self->dev);						\
										\
	EXPECT_EQ(vm_count(self->dev), self->vms);				\
	EXPECT_TRUE(wait_until(pool_free(self->dev) == self->free, SOON_MS));	\
	EXPECT_EQ(__fd, self->template + 1);					\
	close(__fd);								\
} while (0)

FIXTURE_TEARDOWN(batch)
{
	EXPECT_NONE_LEFT();
	close(self->template);
	close(self->dev);
}

#define EXPECT_ERR(err, call) do {						\
	errno = 0;								\
	EXPECT_EQ(-1, call);							\
	EXPECT_EQ(err, errno);							\
} while (0)

TEST_F_TIMEOUT(batch, all_of_them, 120)
{
	struct denali_vm_state st;
	char name[DENALI_NAME_SIZE];
	int i;

	ASSERT_EQ(clones(self, 0, "b", 7, SOME), 0);
	EXPECT_EQ(vm_count(self->dev), self->vms + SOME);
	EXPECT_EQ(self->free - pool_free(self->dev), SOME * GUEST_MEM);
	for (i = 0; i < SOME; i++) {
		snprintf(name, sizeof(name), "b%d", 7 + i);
		vm_state(self->fds[i], &st);
		EXPECT_STREQ(st.name, name);
		EXPECT_EQ(st.id, self->ids[i]);
		EXPECT_EQ(st.state, DENALI_VM_CREATED);
		EXPECT_EQ(st.flags, 0);
		ASSERT_EQ(vm_setup(self->fds[i], 0, "look"), 0);
		ASSERT_EQ(vm_ctl(self->fds[i], DENALI_IOC_VM_START), 0);
	}
	for (i = 0; i < SOME; i++) {
		EXPECT_CLONE_HOLDS(self->fds[i], "look");
		close(self->fds[i]);
	}
}

TEST_F(batch, without_names)
{
	struct denali_vm_state st;
	char name[DENALI_NAME_SIZE];

	ASSERT_EQ(clones(self, 0, "", 0, 2), 0);
	for (int i = 0; i < 2; i++) {
		vm_state(self->fds[i], &st);
		snprintf(name, sizeof(name), "vm%llu", (unsigned long long)st.id);
		EXPECT_STREQ(st.name, name);
		close(self->fds[i]);
	}
}

/* Those that stay need no descriptor. */
TEST_F(batch, persistent_without_descriptors)
{
	struct denali_vm_clones arg = {
		.flags = DENALI_CREATE_PERSISTENT, .count = SOME, .name = "p", .ids = (uintptr_t)self->ids,
	};

	ASSERT_EQ(ioctl(self->template, DENALI_IOC_VM_CLONES, &arg), 0);
	EXPECT_EQ(vm_count(self->dev), self->vms + SOME);
	EXPECT_EQ(dup(self->dev), self->template + 1);
	close(self->template + 1);
	for (int i = 0; i < SOME; i++) {
		int vm = vm_open_id(self->dev, self->ids[i]);

		ASSERT_GE(vm, 0);
		EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_DESTROY), 0);
		close(vm);
	}
}

TEST_F(batch, a_name_is_taken)
{
	int vm = clone_flags(self->template, 0, "b9");
	uint64_t left = pool_free(self->dev);

	ASSERT_GE(vm, 0);
	EXPECT_ERR(EEXIST, clones(self, DENALI_CREATE_PERSISTENT, "b", 0, SOME));
	EXPECT_EQ(vm_count(self->dev), self->vms + 1);
	EXPECT_TRUE(wait_until(pool_free(self->dev) == left, SOON_MS));
	EXPECT_ERR(ENOENT, vm_open_name(self->dev, "b8"));
	EXPECT_FALSE(vm_ended(vm));
	close(vm);
}

TEST_F_TIMEOUT(batch, no_room, 120)
{
	uint64_t mem = 8 << 20;
	int small = self->template, large = template_make(self->dev, mem);
	uint64_t left = pool_free(self->dev);

	ASSERT_GE(large, 0);
	ASSERT_LT(left / mem + 1, DENALI_MAX_CLONES);
	self->template = large;
	EXPECT_ERR(ENOSPC, clones(self, 0, "", 0, left / mem + 1));
	EXPECT_TRUE(wait_until(pool_free(self->dev) == left, SOON_MS));
	EXPECT_EQ(vm_count(self->dev), self->vms + 1);
	self->template = small;
	close(large);
}

TEST_F(batch, bounds)
{
	static const uint32_t counts[] = { 0, DENALI_MAX_CLONES + 1, 0x7fffffff, ~0U };
	static const uint32_t flags[] = { DENALI_CREATE_WAIT, DENALI_CREATE_TEMPLATE, 1U << 31 };
	struct denali_vm_clones arg = { .count = 2 };

	for (int i = 0; i < ARRAY_SIZE(counts); i++)
		EXPECT_ERR(EINVAL, clones(self, 0, "b", 0, counts[i]));
	for (int i = 0; i < ARRAY_SIZE(flags); i++)
		EXPECT_ERR(EINVAL, clones(self, flags[i], "b", 0, 2));
	EXPECT_ERR(EINVAL, clones(self, 0, "b", ~0U, 2));
	EXPECT_ERR(EINVAL, clones(self, 0, "no/name", 0, 2));
	EXPECT_ERR(EINVAL, clones(self, 0, "thirty-one-characters-and-digits", 0, 2));
	/* The second one's number is too much for the name. */
	EXPECT_ERR(EINVAL, clones(self, 0, "thirty-characters-and-a-digit-", 9, 2));
	/* They would be gone at once. */
	EXPECT_ERR(EINVAL, ioctl(self->template, DENALI_IOC_VM_CLONES, &arg));
	arg.flags = DENALI_CREATE_PERSISTENT;
	arg.reserved = 1;
	EXPECT_ERR(EINVAL, ioctl(self->template, DENALI_IOC_VM_CLONES, &arg));
	EXPECT_ERR(EINVAL, ioctl(self->template, _IOW(DENALI_IOC_MAGIC, 0x1b, char[63]), &arg));
	EXPECT_ERR(EFAULT, ioctl(self->template, DENALI_IOC_VM_CLONES, 8));
}

/* What can't be told isn't made. */
TEST_F(batch, bad_pointers)
{
	struct denali_vm_clones arg = { .count = SOME, .flags = DENALI_CREATE_PERSISTENT, .name = "b" };

	arg.fds = 8;
	EXPECT_ERR(EFAULT, ioctl(self->template, DENALI_IOC_VM_CLONES, &arg));
	EXPECT_NONE_LEFT();
	arg.fds = 0;
	arg.ids = ~0xfffULL;
	EXPECT_ERR(EFAULT, ioctl(self->template, DENALI_IOC_VM_CLONES, &arg));
}

TEST_F(batch, no_descriptors_left)
{
	struct rlimit limit = { self->template + SOME, 4096 };

	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	EXPECT_ERR(EMFILE, clones(self, DENALI_CREATE_PERSISTENT, "b", 0, SOME));
	EXPECT_NONE_LEFT();
	ASSERT_EQ(clones(self, 0, "b", 0, SOME - 1), 0);
	for (int i = 0; i < SOME - 1; i++)
		close(self->fds[i]);
}

TEST_F(batch, of_no_template)
{
	int template = self->template;

	self->template = clone_flags(template, 0, NULL);
	ASSERT_GE(self->template, 0);
	EXPECT_ERR(EBUSY, clones(self, 0, "b", 0, 2));
	close(self->template);
	self->template = template;
	EXPECT_EQ(vm_ctl(template, DENALI_IOC_VM_KILL), 0);
	EXPECT_ERR(ESHUTDOWN, clones(self, 0, "b", 0, 2));
}

/* A process that is killed in the middle of it has made none. */
TEST_F_TIMEOUT(batch, killed, 120)
{
	uint64_t left = pool_free(self->dev) / GUEST_MEM;
	uint32_t count = left < 400 ? left : 400;
	unsigned int vms;
	int status;
	pid_t pid;

	for (int round = 0; round < 10; round++) {
		pid = fork();
		if (!pid) {
			struct rlimit limit = { 4096, 4096 };

			setrlimit(RLIMIT_NOFILE, &limit);
			clones(self, DENALI_CREATE_PERSISTENT, "b", 0, count);
			_exit(0);
		}
		let_pass(round * 4);
		kill(pid, SIGKILL);
		ASSERT_EQ(waitpid(pid, &status, 0), pid);
		vms = vm_count(self->dev) - self->vms;
		EXPECT_TRUE(vms == 0 || vms == count)
			TH_LOG("%u of %u", vms, count);
		ASSERT_TRUE(vms_destroy_persistent(self->dev));
		EXPECT_TRUE(wait_until(pool_free(self->dev) == self->free, SOON_MS));
	}
}

struct rival {
	batch own;
	uint32_t first;
	int ret;
};

static void *contend(void *arg)
{
	struct rival *rival = arg;

	rival->ret = clones(&rival->own, 0, "b", rival->first, SOME);
	return NULL;
}

/* Two that want some of the same names: each gets all of them or none. */
TEST_F_TIMEOUT(batch, rivals, 120)
{
	static struct rival rival[2];
	pthread_t thread[2];
	int round, i, j, won;

	for (round = 0; round < 20; round++) {
		for (i = won = 0; i < 2; i++) {
			rival[i].own = *self;
			rival[i].first = i * (round % SOME);
			ASSERT_EQ(pthread_create(&thread[i], NULL, contend, &rival[i]), 0);
		}
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(pthread_join(thread[i], NULL), 0);
			won += rival[i].ret == 0;
		}
		EXPECT_LE(won, 1);
		EXPECT_EQ(vm_count(self->dev), self->vms + won * SOME);
		for (i = 0; i < 2; i++)
			for (j = 0; rival[i].ret == 0 && j < SOME; j++)
				close(rival[i].own.fds[j]);
		EXPECT_NONE_LEFT();
	}
}

TEST_HARNESS_MAIN
