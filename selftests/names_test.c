// SPDX-License-Identifier: GPL-2.0
/* How VMs are found: names, ids, and whose they are. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "fixture.h"

FIXTURE_DEV_BACK(names);

TEST_F(names, default_name)
{
	struct denali_vm_state st;
	char name[40];
	uint64_t id;
	int vm = vm_create_id(self->dev, GUEST_MEM, 0, NULL, &id);

	ASSERT_GE(vm, 0);
	vm_state(vm, &st);
	snprintf(name, sizeof(name), "vm%llu", (unsigned long long)id);
	EXPECT_STREQ(st.name, name);
	close(vm);
}

TEST_F(names, name_must_be_unique)
{
	int a = vm_create(self->dev, GUEST_MEM, 0, "one-name");

	ASSERT_GE(a, 0);
	EXPECT_EQ(vm_create(self->dev, GUEST_MEM, 0, "one-name"), -1);
	EXPECT_EQ(errno, EEXIST);
	close(a);
	EXPECT_TRUE(wait_until(vm_count(self->dev) == self->vms, SOON_MS));
	a = vm_create(self->dev, GUEST_MEM, 0, "one-name");
	EXPECT_GE(a, 0);
	close(a);
}

TEST_F(names, good_names)
{
	static const char *const names[] = { "a", "A.b_c-9", ".", "-x",
					     "0123456789012345678901234567890" };
	int vm;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		vm = vm_create(self->dev, GUEST_MEM, 0, names[i]);
		EXPECT_GE(vm, 0)
			TH_LOG("name %s", names[i]);
		close(vm);
	}
}

TEST_F(names, bad_names)
{
	static const char *const names[] = { "a b", "a/b", "a\n", "\x80", "\xc3\xa4", "a,b", "%s", "a\x7f" };
	struct denali_vm_create create = { .mem_bytes = GUEST_MEM };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(vm_create(self->dev, GUEST_MEM, 0, names[i]), -1)
			TH_LOG("name %s", names[i]);
		EXPECT_EQ(errno, EINVAL);
	}
	/* No NUL in all 32 bytes. */
	memset(create.name, 'x', sizeof(create.name));
	EXPECT_EQ(ioctl(self->dev, DENALI_IOC_VM_CREATE, &create), -1);
	EXPECT_EQ(errno, EINVAL);
}

TEST_F(names, open_by_name_and_id)
{
	struct denali_vm_state st;
	uint64_t id;
	int by_id, by_name, vm = vm_create_id(self->dev, GUEST_MEM, 0, "find-me", &id);

	ASSERT_GE(vm, 0);
	by_id = vm_open_id(self->dev, id);
	ASSERT_GE(by_id, 0);
	vm_state(by_id, &st);
	EXPECT_STREQ(st.name, "find-me");
	by_name = vm_open_name(self->dev, "find-me");
	ASSERT_GE(by_name, 0);
	vm_state(by_name, &st);
	EXPECT_EQ(st.id, id);
	close(by_id);
	close(by_name);
	close(vm);
}

TEST_F(names, open_what_is_not_there)
{
	EXPECT_EQ(vm_open_id(self->dev, 1ULL << 60), -1);
	EXPECT_EQ(errno, ENOENT);
	EXPECT_EQ(vm_open_id(self->dev, ~0ULL), -1);
	EXPECT_EQ(errno, ENOENT);
	EXPECT_EQ(vm_open_name(self->dev, "nobody"), -1);
	EXPECT_EQ(errno, ENOENT);
}

TEST_F(names, ids_are_never_used_again)
{
	uint64_t last = 0, id;
	int vm;

	for (int i = 0; i < 50; i++) {
		vm = vm_create_id(self->dev, GUEST_MEM, 0, NULL, &id);
		ASSERT_GE(vm, 0);
		EXPECT_GT(id, last);
		last = id;
		close(vm);
	}
}

/* Another user neither opens a VM of ours nor finds its name, and may use it himself. */
TEST_F(names, other_users)
{
	int vm, dev, other, status;
	char node[64];
	uint64_t id;
	pid_t pid;

	ASSERT_EQ(device_node(node, sizeof(node)), 0);
	vm = vm_create_id(self->dev, GUEST_MEM, 0, "mine", &id);
	ASSERT_GE(vm, 0);
	pid = fork();
	if (!pid) {
		struct denali_vm_state st;

		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(10);
		dev = open(node, O_RDWR);
		if (dev < 0)
			_exit(11);
		if (vm_open_id(dev, id) != -1 || errno != EPERM)
			_exit(12);
		if (vm_open_name(dev, "mine") != -1 || errno != ENOENT)
			_exit(13);
		other = vm_create(dev, GUEST_MEM, 0, "mine");
		if (other < 0)
			_exit(14);
		vm_state(other, &st);
		if (st.uid != 65534)
			_exit(15);
		if (vm_open_name(dev, "mine") < 0)
			_exit(16);
		_exit(0);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	unlink(node);
	EXPECT_EQ(WEXITSTATUS(status), 0);
	EXPECT_TRUE(WIFEXITED(status));
	close(vm);
}

/* Root opens everybody's; a name that two others have is ambiguous. */
TEST_F(names, names_of_several_users)
{
	int dev, vm, p[2], go[2], status;
	char node[64], c;
	pid_t pid[2];

	ASSERT_EQ(device_node(node, sizeof(node)), 0);
	ASSERT_EQ(pipe(p), 0);
	ASSERT_EQ(pipe(go), 0);
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			close(go[1]);
			if (setresuid(60001 + i, 60001 + i, 60001 + i))
				_exit(1);
			dev = open(node, O_RDWR);
			if (dev < 0 || vm_create(dev, GUEST_MEM, 0, "theirs") < 0 ||
			    vm_create(dev, GUEST_MEM, 0, i ? "second" : "first") < 0)
				_exit(2);
			if (write(p[1], "x", 1) != 1 || read(go[0], &c, 1) != 0)
				_exit(3);
			_exit(0);
		}
	}
	close(p[1]);
	close(go[0]);
	EXPECT_EQ(read(p[0], &c, 1), 1);
	EXPECT_EQ(read(p[0], &c, 1), 1);
	vm = vm_open_name(self->dev, "first");
	EXPECT_GE(vm, 0);
	close(vm);
	EXPECT_EQ(vm_open_name(self->dev, "theirs"), -1);
	EXPECT_EQ(errno, ENOTUNIQ);
	close(go[1]);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(waitpid(pid[i], &status, 0), pid[i]);
		EXPECT_EQ(status, 0);
	}
	unlink(node);
}

TEST_HARNESS_MAIN
