// SPDX-License-Identifier: GPL-2.0
/* Every request of /dev/denali and of a VM with good and bad arguments; mmap; the pool's limits. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "kselftest_harness.h"
#include "lib.h"

/* A request's number with another size of its structure. */
#define WITH_SIZE(req, size)	_IOC(_IOC_DIR(req), _IOC_TYPE(req), _IOC_NR(req), size)

/* EXPECT that a call fails with this error. */
#define EXPECT_ERR(err, call) do {					\
	errno = 0;							\
	EXPECT_EQ(-1, (call));						\
	EXPECT_EQ(err, errno);						\
} while (0)

FIXTURE(req) {
	int dev;
	int vm;
	struct denali_info info;
	uint64_t free;
};

FIXTURE_SETUP(req)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->free = pool_free(self->dev);
	self->vm = vm_create(self->dev, GUEST_MEM, 0, NULL);
	ASSERT_GE(self->vm, 0);
	dev_info(self->dev, &self->info);
}

FIXTURE_TEARDOWN(req)
{
	close(self->vm);
	EXPECT_TRUE(wait_until(pool_free(self->dev) == self->free, 5000));
	close(self->dev);
}

TEST_F(req, info)
{
	EXPECT_EQ(self->info.uapi_version, DENALI_UAPI_VERSION);
	EXPECT_EQ(self->info.abi_version, 1);
	EXPECT_EQ(self->info.reserved, 0);
	EXPECT_GT(self->info.pool_bytes, 0);
	EXPECT_LE(self->info.pool_free, self->info.pool_bytes);
	EXPECT_LE(self->info.pool_dirty, self->info.pool_free);
	EXPECT_EQ(self->info.min_memory, 0x4000);
	EXPECT_EQ(self->info.max_memory, 0xc0000000ULL);
	EXPECT_GT(self->info.runners, 0);
	EXPECT_GT(self->info.quantum_us, 0);
	EXPECT_GT(strnlen(self->info.scheduler, 16), 0);
	EXPECT_LT(strnlen(self->info.scheduler, 16), 16);
	EXPECT_GT(strnlen(self->info.version, 16), 0);
	EXPECT_LT(strnlen(self->info.version, 16), 16);
}

TEST_F(req, unknown_on_device)
{
	EXPECT_ERR(ENOTTY, ioctl(self->dev, _IO(DENALI_IOC_MAGIC, 0x0f), 0));
	EXPECT_ERR(ENOTTY, ioctl(self->dev, _IO(DENALI_IOC_MAGIC, 0xff), 0));
	EXPECT_ERR(ENOTTY, ioctl(self->dev, _IOR(DENALI_IOC_MAGIC, 0x7f, struct denali_info), &self->info));
	EXPECT_ERR(ENOTTY, ioctl(self->dev, _IO('k', 0), 0));
	EXPECT_ERR(ENOTTY, ioctl(self->dev, 0, 0));
	EXPECT_ERR(ENOTTY, ioctl(self->dev, ~0UL, 0));
}

TEST_F(req, unknown_on_vm)
{
	EXPECT_ERR(ENOTTY, ioctl(self->vm, _IO(DENALI_IOC_MAGIC, 0x1f), 0));
	EXPECT_ERR(ENOTTY, ioctl(self->vm, _IO('k', 0x11), 0));
	EXPECT_ERR(ENOTTY, ioctl(self->vm, 0, 0));
}

TEST_F(req, vm_requests_on_device)
{
	struct denali_vm_state st;

	EXPECT_ERR(ENOTTY, vm_ctl(self->dev, DENALI_IOC_VM_START));
	EXPECT_ERR(ENOTTY, vm_ctl(self->dev, DENALI_IOC_VM_DESTROY));
	EXPECT_ERR(ENOTTY, vm_ctl(self->dev, DENALI_IOC_VM_RESET));
	EXPECT_ERR(ENOTTY, vm_ctl(self->dev, DENALI_IOC_VM_RESTART));
	EXPECT_ERR(ENOTTY, ioctl(self->dev, DENALI_IOC_VM_STATE, &st));
}

TEST_F(req, device_requests_on_vm)
{
	struct denali_vm_create create = { .mem_bytes = GUEST_MEM };
	struct denali_info info;

	EXPECT_ERR(ENOTTY, ioctl(self->vm, DENALI_IOC_INFO, &info));
	EXPECT_ERR(ENOTTY, ioctl(self->vm, DENALI_IOC_VM_CREATE, &create));
}

/* Every structure, one byte shorter than its first version and nothing at all. */
TEST_F(req, structures_too_short)
{
	static const struct {
		unsigned long req;
		bool on_vm;
		size_t first;	/* size of the first version, if it has grown since */
	} reqs[] = {
		{ DENALI_IOC_INFO, false },
		{ DENALI_IOC_VM_CREATE, false, offsetof(struct denali_vm_create, tenant) },
		{ DENALI_IOC_VM_OPEN, false }, { DENALI_IOC_POOL_SET, false },
		{ DENALI_IOC_VM_SETUP, true }, { DENALI_IOC_VM_STATE, true },
		{ DENALI_IOC_VM_NIC, true, offsetof(struct denali_vm_nic, sw) },
		{ DENALI_IOC_SWITCH_ADD, false }, { DENALI_IOC_SWITCH_DEL, false },
		{ DENALI_IOC_SWITCH_TAP, false }, { DENALI_IOC_TENANT_SET, false },
		{ DENALI_IOC_TENANT_DEL, false },
	};
	char buf[1024] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(reqs); i++) {
		int fd = reqs[i].on_vm ? self->vm : self->dev;
		size_t size = reqs[i].first ? reqs[i].first : _IOC_SIZE(reqs[i].req);

		EXPECT_ERR(EINVAL, ioctl(fd, WITH_SIZE(reqs[i].req, size - 1), buf));
		EXPECT_ERR(EINVAL, ioctl(fd, WITH_SIZE(reqs[i].req, size - 4), buf));
		EXPECT_ERR(EINVAL, ioctl(fd, WITH_SIZE(reqs[i].req, 1), buf));
		EXPECT_ERR(EINVAL, ioctl(fd, WITH_SIZE(reqs[i].req, 0), buf));
	}
}

TEST_F(req, structures_longer_with_zeros)
{
	struct {
		struct denali_vm_create create;
		uint64_t more[4];
	} c = { .create.mem_bytes = GUEST_MEM };
	struct {
		struct denali_info info;
		uint64_t more[4];
	} i = { 0 };
	struct {
		struct denali_vm_setup setup;
		uint64_t more[4];
	} s = { .setup.entry = 0x2000 };
	int vm;

	vm = ioctl(self->dev, WITH_SIZE(DENALI_IOC_VM_CREATE, sizeof(c)), &c);
	EXPECT_GE(vm, 0);
	EXPECT_GT(c.create.id, 0);
	close(vm);
	EXPECT_EQ(ioctl(self->dev, WITH_SIZE(DENALI_IOC_INFO, sizeof(i)), &i), 0);
	EXPECT_EQ(i.info.uapi_version, DENALI_UAPI_VERSION);
	EXPECT_EQ(i.more[0] | i.more[1] | i.more[2] | i.more[3], 0);
	EXPECT_EQ(ioctl(self->vm, WITH_SIZE(DENALI_IOC_VM_SETUP, sizeof(s)), &s), 0);
}

TEST_F(req, structures_longer_with_more)
{
	struct {
		struct denali_vm_create create;
		uint64_t more[4];
	} c = { .create.mem_bytes = GUEST_MEM, .more = { 0, 0, 0, 1ULL << 56 } };
	struct {
		struct denali_vm_setup setup;
		uint64_t more[4];
	} s = { .setup.entry = 0x2000, .more = { 1 } };
	struct {
		struct denali_vm_open open;
		uint8_t more;
	} __attribute__((packed)) o = { .more = 1 };

	EXPECT_ERR(E2BIG, ioctl(self->dev, WITH_SIZE(DENALI_IOC_VM_CREATE, sizeof(c)), &c));
	EXPECT_ERR(E2BIG, ioctl(self->vm, WITH_SIZE(DENALI_IOC_VM_SETUP, sizeof(s)), &s));
	EXPECT_ERR(E2BIG, ioctl(self->dev, WITH_SIZE(DENALI_IOC_VM_OPEN, sizeof(o)), &o));
}

TEST_F(req, bad_pointers)
{
	static void *const bad[] = { NULL, (void *)8, (void *)-4096L, (void *)0x7ffffffff000,
		(void *)0xffff888000000000, (void *)0x8000000000000000 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_ERR(EFAULT, ioctl(self->dev, DENALI_IOC_INFO, bad[i]));
		EXPECT_ERR(EFAULT, ioctl(self->dev, DENALI_IOC_VM_CREATE, bad[i]));
		EXPECT_ERR(EFAULT, ioctl(self->dev, DENALI_IOC_VM_OPEN, bad[i]));
		EXPECT_ERR(EFAULT, ioctl(self->dev, DENALI_IOC_POOL_SET, bad[i]));
		EXPECT_ERR(EFAULT, ioctl(self->vm, DENALI_IOC_VM_SETUP, bad[i]));
		EXPECT_ERR(EFAULT, ioctl(self->vm, DENALI_IOC_VM_STATE, bad[i]));
		EXPECT_ERR(EFAULT, ioctl(self->vm, DENALI_IOC_VM_NIC, bad[i]));
	}
}

/* The arguments can be read but the answer can't be written: no VM may be left. */
TEST_F(req, create_into_read_only_memory)
{
	struct denali_vm_create *create;
	unsigned int vms = vm_count(self->dev);

	create = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	create->mem_bytes = GUEST_MEM;
	ASSERT_EQ(mprotect(create, 4096, PROT_READ), 0);
	EXPECT_ERR(EFAULT, ioctl(self->dev, DENALI_IOC_VM_CREATE, create));
	EXPECT_EQ(vm_count(self->dev), vms);
	munmap(create, 4096);
}

TEST_F(req, create_reserved_and_flags)
{
	struct denali_vm_create create = { .mem_bytes = GUEST_MEM, .reserved = 1 };

	EXPECT_ERR(EINVAL, ioctl(self->dev, DENALI_IOC_VM_CREATE, &create));
	create.reserved = 0;
	for (int bit = 4; bit < 32; bit++) {
		create.flags = 1U << bit;
		EXPECT_ERR(EINVAL, ioctl(self->dev, DENALI_IOC_VM_CREATE, &create));
	}
}

TEST_F(req, create_ignores_id)
{
	struct denali_vm_create create = { .mem_bytes = GUEST_MEM, .id = 1 };
	struct denali_vm_state st;
	int vm = ioctl(self->dev, DENALI_IOC_VM_CREATE, &create);

	ASSERT_GE(vm, 0);
	vm_state(vm, &st);
	EXPECT_EQ(st.id, create.id);
	EXPECT_NE(st.id, 1);
	close(vm);
}

TEST_F(req, create_memory_sizes)
{
	static const uint64_t bad[] = { 0, 1, 4095, 4096, 0x3000, 0x3fff, 0x4001, GUEST_MEM + 1,
		GUEST_MEM + 2048, 0xc0001000ULL, 0x100000000ULL, 1ULL << 32 | 0x4000, 1ULL << 63,
		~0ULL, ~0xfffULL };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(vm_create(self->dev, bad[i], 0, NULL), -1)
			TH_LOG("%llx bytes", (unsigned long long)bad[i]);
		EXPECT_EQ(errno, EINVAL)
			TH_LOG("%llx bytes", (unsigned long long)bad[i]);
	}
	EXPECT_EQ(pool_free(self->dev), self->free - GUEST_MEM);
}

/* More than all of the pool is another error than more than what is free now. */
TEST_F(req, create_beyond_the_pool)
{
	EXPECT_ERR(ENOMEM, vm_create(self->dev, self->info.pool_bytes + 4096, 0, NULL));
	EXPECT_ERR(ENOMEM, vm_create(self->dev, self->info.pool_bytes + 4096, DENALI_CREATE_WAIT, NULL));
	EXPECT_ERR(ENOSPC, vm_create(self->dev, self->info.pool_free + 4096, 0, NULL));
	EXPECT_EQ(pool_free(self->dev), self->info.pool_free);
}

TEST_F(req, create_takes_all)
{
	int vm = vm_create(self->dev, self->info.pool_free, 0, NULL);

	ASSERT_GE(vm, 0);
	EXPECT_EQ(pool_free(self->dev), 0);
	EXPECT_ERR(ENOSPC, vm_create(self->dev, self->info.min_memory, 0, NULL));
	close(vm);
	EXPECT_TRUE(wait_until(pool_free(self->dev) == self->info.pool_free, SOON_MS));
}

TEST_F(req, create_waits_for_memory)
{
	int all = vm_create(self->dev, self->info.pool_free, 0, NULL), status;
	pid_t pid;

	ASSERT_GE(all, 0);
	pid = fork();
	if (!pid) {
		close(all);
		_exit(vm_create(self->dev, GUEST_MEM, DENALI_CREATE_WAIT, NULL) < 0);
	}
	EXPECT_TRUE(wait_until(process_sleeps(pid), SOON_MS));
	EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
	close(all);
	EXPECT_TRUE(wait_until(waitpid(pid, &status, WNOHANG) == pid, SOON_MS));
	EXPECT_EQ(status, 0);
}

TEST_F(req, create_that_waits_can_be_killed)
{
	int all = vm_create(self->dev, self->info.pool_free, 0, NULL), status;
	pid_t pid;

	ASSERT_GE(all, 0);
	pid = fork();
	if (!pid)
		_exit(vm_create(self->dev, GUEST_MEM, DENALI_CREATE_WAIT, NULL) < 0);
	EXPECT_TRUE(wait_until(process_sleeps(pid), SOON_MS));
	kill(pid, SIGKILL);
	EXPECT_TRUE(wait_until(waitpid(pid, &status, WNOHANG) == pid, SOON_MS));
	EXPECT_TRUE(WIFSIGNALED(status));
	close(all);
}

/* Waiters get memory even when it comes back in small pieces. */
TEST_F(req, create_waits_for_pieces)
{
	int vm[8], status, i;
	uint64_t part = (self->info.pool_free / 8) & ~0xfffULL;
	pid_t pid;

	for (i = 0; i < 8; i++) {
		vm[i] = vm_create(self->dev, part, 0, NULL);
		ASSERT_GE(vm[i], 0);
	}
	pid = fork();
	if (!pid) {
		for (i = 0; i < 8; i++)
			close(vm[i]);
		_exit(vm_create(self->dev, part * 3, DENALI_CREATE_WAIT, NULL) < 0);
	}
	EXPECT_TRUE(wait_until(process_sleeps(pid), SOON_MS));
	for (i = 0; i < 8; i++)
		close(vm[i]);
	EXPECT_TRUE(wait_until(waitpid(pid, &status, WNOHANG) == pid, SOON_MS));
	EXPECT_EQ(status, 0);
}

TEST_F(req, open_id_and_name)
{
	struct denali_vm_state st;
	struct denali_vm_open arg = { 0 };

	vm_state(self->vm, &st);
	arg.id = st.id;
	strcpy(arg.name, st.name);
	EXPECT_ERR(EINVAL, ioctl(self->dev, DENALI_IOC_VM_OPEN, &arg));
	memset(&arg, 0, sizeof(arg));
	EXPECT_ERR(EINVAL, ioctl(self->dev, DENALI_IOC_VM_OPEN, &arg));
	memset(arg.name, 'a', sizeof(arg.name));
	EXPECT_ERR(EINVAL, ioctl(self->dev, DENALI_IOC_VM_OPEN, &arg));
}

TEST_F(req, setup_entry)
{
	static const uint32_t bad[] = { 0, 1, 0x1000, 0x1fff, GUEST_MEM, GUEST_MEM + 1, 0x80000000, ~0U };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_ERR(EINVAL, vm_setup(self->vm, bad[i], NULL));
	EXPECT_EQ(vm_setup(self->vm, 0x2000, NULL), 0);
	EXPECT_EQ(vm_setup(self->vm, GUEST_MEM - 1, "x"), 0);
}

TEST_F(req, setup_boot_arguments)
{
	static char text[4096];
	struct denali_vm_setup setup = { .entry = 0x2000, .cmdline = (uintptr_t)text };

	memset(text, 'a', sizeof(text));
	setup.cmdline_len = 2047;
	EXPECT_EQ(ioctl(self->vm, DENALI_IOC_VM_SETUP, &setup), 0);
	setup.cmdline_len = 2048;
	EXPECT_ERR(E2BIG, ioctl(self->vm, DENALI_IOC_VM_SETUP, &setup));
	setup.cmdline_len = ~0U;
	EXPECT_ERR(E2BIG, ioctl(self->vm, DENALI_IOC_VM_SETUP, &setup));
	setup.cmdline_len = 10;
	setup.cmdline = 0;
	EXPECT_ERR(EFAULT, ioctl(self->vm, DENALI_IOC_VM_SETUP, &setup));
	setup.cmdline = 0xffff888000000000;
	EXPECT_ERR(EFAULT, ioctl(self->vm, DENALI_IOC_VM_SETUP, &setup));
	setup.cmdline_len = 0;
	setup.cmdline = 0;
	EXPECT_EQ(ioctl(self->vm, DENALI_IOC_VM_SETUP, &setup), 0);
}

/* The last SETUP counts, and nothing of a longer one before is left. */
TEST_F(req, setup_again)
{
	struct denali_vm_state st;
	uint32_t entry;

	ASSERT_EQ(guest_load(self->vm, "basic", &entry), 0);
	EXPECT_EQ(vm_setup(self->vm, 0x2000, "exit 1 and a lot of other words that must not be seen"), 0);
	EXPECT_EQ(vm_setup(self->vm, entry, "vregs 0x40000 1"), 0);
	EXPECT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	EXPECT_EQ(vm_wait(self->vm, SOON_MS), 0);
	vm_state(self->vm, &st);
	EXPECT_EQ(st.reason, DENALI_END_EXIT)
		TH_LOG("%s", st.text);
}

TEST_F(req, setup_after_start)
{
	uint32_t entry;

	ASSERT_EQ(guest_load(self->vm, "basic", &entry), 0);
	ASSERT_EQ(vm_setup(self->vm, entry, "idle"), 0);
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	EXPECT_ERR(EBUSY, vm_setup(self->vm, entry, "idle"));
	EXPECT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_STOP), 0);
	EXPECT_ERR(EBUSY, vm_setup(self->vm, entry, "idle"));
}

TEST_F(req, start_without_setup)
{
	EXPECT_ERR(EINVAL, vm_ctl(self->vm, DENALI_IOC_VM_START));
}

TEST_F(req, stop_without_start)
{
	EXPECT_ERR(EINVAL, vm_ctl(self->vm, DENALI_IOC_VM_STOP));
	EXPECT_EQ(vm_setup(self->vm, 0x2000, NULL), 0);
	EXPECT_ERR(EINVAL, vm_ctl(self->vm, DENALI_IOC_VM_STOP));
}

/* Memory that was never loaded is zeros: "add %al, (%eax)" with EAX = 0 hits page 0. */
TEST_F(req, start_of_nothing)
{
	struct denali_vm_state st;

	EXPECT_EQ(vm_setup(self->vm, 0x2000, NULL), 0);
	EXPECT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	EXPECT_EQ(vm_wait(self->vm, SOON_MS), 0);
	vm_state(self->vm, &st);
	EXPECT_EQ(st.reason, DENALI_END_FAULT);
	EXPECT_EQ(st.vector, 14);
	EXPECT_EQ(st.fault_addr, 0);
	EXPECT_EQ(st.eip, 0x2000);
}

/* By a program that knows of no switches. */
TEST_F(req, nic_of_the_first_version)
{
	struct denali_vm_nic nic = {
		.port = DENALI_NIC_NEW_PORT, .tap_fd = -1, .mac = { 2, 0, 0, 0, 0, 1 }, .sw = "beyond",
	};

	EXPECT_EQ(ioctl(self->vm, WITH_SIZE(DENALI_IOC_VM_NIC, offsetof(struct denali_vm_nic, sw)), &nic), 0);
	EXPECT_EQ(nic.port, 1);
	EXPECT_STREQ(nic.sw, "beyond");
}

TEST_F(req, nic_bad_arguments)
{
	struct denali_vm_nic good = {
		.port = DENALI_NIC_NEW_PORT, .tap_fd = -1, .mac = { 2, 0, 0, 0, 0, 1 },
	}, nic;

	nic = good;
	nic.reserved = 1;
	EXPECT_ERR(EINVAL, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
	nic = good;
	nic.flags = 8;
	EXPECT_ERR(EINVAL, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
	nic = good;
	nic.flags = DENALI_NIC_OFFLOAD;
	EXPECT_ERR(EINVAL, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
	nic = good;
	nic.vnet_hdr_len = 10;
	EXPECT_ERR(EINVAL, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
	nic = good;
	nic.mac[0] = 1;
	EXPECT_ERR(EINVAL, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
	nic = good;
	memset(nic.mac, 0, 6);
	EXPECT_ERR(EINVAL, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
	nic = good;
	nic.mtu = 67;
	EXPECT_ERR(EINVAL, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
	nic.mtu = 1501;
	EXPECT_ERR(EINVAL, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
	nic = good;
	nic.port = 0;
	EXPECT_ERR(ENODEV, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
	nic.port = 1;
	EXPECT_ERR(ENODEV, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
	nic.port = 16;
	EXPECT_ERR(ENODEV, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
	nic.port = 0x7fffffff;
	EXPECT_ERR(ENODEV, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
	nic = good;
	nic.tap_fd = 9999;
	EXPECT_ERR(EBADF, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
	nic.tap_fd = -2;
	EXPECT_ERR(EBADF, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
}

TEST_F(req, nic_not_a_tap)
{
	struct denali_vm_nic nic = { .port = DENALI_NIC_NEW_PORT, .mac = { 2, 0, 0, 0, 0, 1 } };
	int fds[] = { open("/dev/null", O_RDWR), open("/etc/passwd", O_RDONLY), self->vm, self->dev,
		      open("/dev/net/tun", O_RDWR) };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		ASSERT_GE(fds[i], 0);
		nic.tap_fd = fds[i];
		/* The last is the tap's device before TUNSETIFF: no tap either. */
		errno = 0;
		EXPECT_EQ(ioctl(self->vm, DENALI_IOC_VM_NIC, &nic), -1);
		EXPECT_TRUE(errno == ENOTTY || (i == 4 && errno == EINVAL))
			TH_LOG("descriptor %zu: %s", i, strerror(errno));
	}
	/* Nothing is left half made: the next good one is port 1. */
	nic.tap_fd = -1;
	nic.port = DENALI_NIC_NEW_PORT;
	EXPECT_EQ(ioctl(self->vm, DENALI_IOC_VM_NIC, &nic), 0);
	EXPECT_EQ(nic.port, 1);
	close(fds[0]);
	close(fds[1]);
	close(fds[4]);
}

TEST_F(req, nic_all_ports)
{
	struct denali_vm_nic nic;

	for (int i = 1; i < 16; i++) {
		nic = (struct denali_vm_nic) { .port = DENALI_NIC_NEW_PORT, .tap_fd = -1, .mac = { 2, 0, 0, 0, 0, i } };
		EXPECT_EQ(ioctl(self->vm, DENALI_IOC_VM_NIC, &nic), 0);
		EXPECT_EQ(nic.port, i);
	}
	nic.port = DENALI_NIC_NEW_PORT;
	EXPECT_ERR(ENOSPC, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
}

TEST_F(req, nic_after_start)
{
	struct denali_vm_nic nic = { .port = DENALI_NIC_NEW_PORT, .tap_fd = -1, .mac = { 2, 0, 0, 0, 0, 1 } };
	uint32_t entry;

	ASSERT_EQ(guest_load(self->vm, "basic", &entry), 0);
	ASSERT_EQ(vm_setup(self->vm, entry, "idle"), 0);
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	EXPECT_ERR(EBUSY, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
}

TEST_F(req, requests_after_the_end)
{
	struct denali_vm_nic nic = { .port = DENALI_NIC_NEW_PORT, .tap_fd = -1, .mac = { 2, 0, 0, 0, 0, 1 } };

	EXPECT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_KILL), 0);
	EXPECT_ERR(ESHUTDOWN, vm_ctl(self->vm, DENALI_IOC_VM_START));
	EXPECT_EQ(-1, ioctl(self->vm, DENALI_IOC_VM_NIC, &nic));
	EXPECT_EQ(-1, vm_setup(self->vm, 0x2000, NULL));
}

TEST_F(req, pool_set_arguments)
{
	struct denali_pool_set set = { .bytes = self->info.pool_bytes, .reserved = 1 };

	EXPECT_ERR(EINVAL, ioctl(self->dev, DENALI_IOC_POOL_SET, &set));
	set.reserved = 0;
	EXPECT_EQ(ioctl(self->dev, DENALI_IOC_POOL_SET, &set), 0);
	EXPECT_EQ(set.bytes, self->info.pool_bytes);
}

TEST_F(req, pool_set_rounds_up)
{
	struct denali_pool_set set = { .bytes = self->info.pool_bytes + 1 };

	EXPECT_EQ(ioctl(self->dev, DENALI_IOC_POOL_SET, &set), 0);
	EXPECT_EQ(set.bytes, self->info.pool_bytes + (2 << 20));
	set.bytes = self->info.pool_bytes;
	EXPECT_EQ(ioctl(self->dev, DENALI_IOC_POOL_SET, &set), 0);
	EXPECT_EQ(set.bytes, self->info.pool_bytes);
}

TEST_F_TIMEOUT(req, pool_set_too_much, 120)
{
	struct denali_pool_set set = { .bytes = 1ULL << 44 };
	struct denali_info info;

	EXPECT_ERR(ENOMEM, ioctl(self->dev, DENALI_IOC_POOL_SET, &set));
	dev_info(self->dev, &info);
	EXPECT_EQ(set.bytes, info.pool_bytes);
	set.bytes = ~0ULL;
	EXPECT_EQ(-1, ioctl(self->dev, DENALI_IOC_POOL_SET, &set));
	set.bytes = self->info.pool_bytes;
	EXPECT_EQ(ioctl(self->dev, DENALI_IOC_POOL_SET, &set), 0);
	dev_info(self->dev, &info);
	EXPECT_EQ(info.pool_bytes, self->info.pool_bytes);
}

TEST_F(req, pool_set_below_use)
{
	struct denali_pool_set set = { .bytes = 0 };
	struct denali_info info;

	EXPECT_ERR(EBUSY, ioctl(self->dev, DENALI_IOC_POOL_SET, &set));
	dev_info(self->dev, &info);
	EXPECT_EQ(set.bytes, info.pool_bytes);
	EXPECT_GE(info.pool_bytes, GUEST_MEM);
	set.bytes = self->info.pool_bytes;
	EXPECT_EQ(ioctl(self->dev, DENALI_IOC_POOL_SET, &set), 0);
	dev_info(self->dev, &info);
	EXPECT_EQ(info.pool_bytes, self->info.pool_bytes);
}

TEST_F(req, pool_set_needs_root)
{
	struct denali_pool_set set = { .bytes = self->info.pool_bytes };
	int status, dev;
	char node[64];
	pid_t pid;

	ASSERT_EQ(device_node(node, sizeof(node)), 0);
	pid = fork();
	if (!pid) {
		if (setresuid(65534, 65534, 65534))
			_exit(2);
		dev = open(node, O_RDWR);
		_exit(dev < 0 || ioctl(dev, DENALI_IOC_POOL_SET, &set) != -1 || errno != EPERM);
	}
	waitpid(pid, &status, 0);
	unlink(node);
	EXPECT_EQ(status, 0);
}

TEST_F(req, device_mode)
{
	struct stat st;

	ASSERT_EQ(stat(DENALI_DEVICE, &st), 0);
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(st.st_mode & 07, 0);
}

TEST_F(req, device_has_no_data)
{
	char c = 0;

	EXPECT_EQ(read(self->dev, &c, 1), -1);
	EXPECT_EQ(write(self->dev, &c, 1), -1);
	EXPECT_EQ(read(self->vm, &c, 1), -1);
	EXPECT_EQ(write(self->vm, &c, 1), -1);
	EXPECT_EQ(mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->dev, 0), MAP_FAILED);
}

/* mmap */

static sigjmp_buf bus_jmp;

static void on_bus(int sig)
{
	siglongjmp(bus_jmp, sig);
}

/* 0 if the byte can be read, else the signal. */
static int probe(volatile uint8_t *p)
{
	struct sigaction act = { .sa_handler = on_bus, .sa_flags = SA_NODEFER };
	int sig;

	sigaction(SIGBUS, &act, NULL);
	sigaction(SIGSEGV, &act, NULL);
	sig = sigsetjmp(bus_jmp, 1);
	if (!sig)
		(void)*p;
	return sig;
}

TEST_F(req, map_reads_zeros)
{
	uint8_t *p = vm_map(self->vm, 0x1000, GUEST_MEM - 0x1000);

	ASSERT_NE(p, NULL);
	for (size_t i = 0x1000; i < GUEST_MEM - 0x1000; i++)
		ASSERT_EQ(p[i], 0);
	munmap(p, GUEST_MEM - 0x1000);
}

TEST_F(req, map_is_the_memory)
{
	uint8_t *a = vm_map(self->vm, 0x3000, 0x1000), *b = vm_map(self->vm, 0x2000, 0x4000);

	ASSERT_NE(a, NULL);
	ASSERT_NE(b, NULL);
	a[5] = 77;
	EXPECT_EQ(b[0x1005], 77);
	munmap(a, 0x1000);
	munmap(b, 0x4000);
}

TEST_F(req, map_private)
{
	EXPECT_ERR(EINVAL, (long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->vm, 0x2000));
	EXPECT_ERR(EINVAL, (long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, self->vm, 0x2000));
}

TEST_F(req, map_beyond_the_end)
{
	EXPECT_ERR(EINVAL, (long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->vm, GUEST_MEM));
	EXPECT_ERR(EINVAL, (long)mmap(NULL, 8192, PROT_READ, MAP_SHARED, self->vm, GUEST_MEM - 4096));
	EXPECT_ERR(EINVAL, (long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->vm, 1ULL << 32));
	EXPECT_EQ(mmap(NULL, 8192, PROT_READ, MAP_SHARED, self->vm, ~0xfffULL), MAP_FAILED);
	EXPECT_EQ(mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->vm, 0x7ffffffffffff000), MAP_FAILED);
}

TEST_F(req, map_page_zero)
{
	uint8_t *p = mmap(NULL, 0x3000, PROT_READ | PROT_WRITE, MAP_SHARED, self->vm, 0);

	if (p == MAP_FAILED)
		SKIP(return, "mmap refuses page 0 as a whole");
	EXPECT_EQ(probe(p), SIGBUS);
	EXPECT_EQ(probe(p + 4095), SIGBUS);
	EXPECT_EQ(probe(p + 4096), 0);
	EXPECT_EQ(probe(p + 0x2000), 0);
	munmap(p, 0x3000);
}

TEST_F(req, map_not_executable)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, self->vm, 0x2000);

	/* Whether it may be mapped so is not promised; a crash would be wrong. */
	if (p != MAP_FAILED)
		munmap(p, 4096);
}

TEST_F(req, map_cannot_grow)
{
	void *p = vm_map(self->vm, GUEST_MEM - 4096, 4096);

	ASSERT_NE(p, NULL);
	EXPECT_EQ(mremap(p, 4096, 8192, MREMAP_MAYMOVE), MAP_FAILED);
	munmap(p, 4096);
}

/* The memory stays the VM's until the last mapping is gone. */
TEST_F(req, map_after_destroy)
{
	uint8_t *p = vm_map(self->vm, 0x2000, 0x2000);

	ASSERT_NE(p, NULL);
	p[0] = 42;
	EXPECT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_DESTROY), 0);
	EXPECT_EQ(vm_map(self->vm, 0x2000, 0x1000), NULL);
	close(self->vm);
	self->vm = -1;
	EXPECT_EQ(probe(p), 0);
	EXPECT_EQ(p[0], 42);
	EXPECT_EQ(pool_free(self->dev), self->free - GUEST_MEM);
	munmap(p, 0x2000);
	EXPECT_TRUE(wait_until(pool_free(self->dev) == self->free, SOON_MS));
}

/* A forked child doesn't get the mapping, so it can't keep the memory from the pool. */
TEST_F(req, map_in_a_child)
{
	uint8_t *p = vm_map(self->vm, 0x2000, 0x1000);
	int status, go[2];
	pid_t pid;
	char c;

	ASSERT_NE(p, NULL);
	ASSERT_EQ(pipe(go), 0);
	pid = fork();
	if (!pid) {
		close(go[1]);
		close(self->vm);
		if (read(go[0], &c, 1))
			_exit(1);
		_exit(probe(p) != SIGSEGV);
	}
	close(go[0]);
	close(self->vm);
	self->vm = -1;
	munmap(p, 0x1000);
	EXPECT_TRUE(wait_until(pool_free(self->dev) == self->free, SOON_MS));
	close(go[1]);
	waitpid(pid, &status, 0);
	EXPECT_EQ(status, 0);
}

/*
 * System calls on the mapping: the kernel reads and writes it like any other memory, but pins none: pages in a
 * pipe would outlast the VM.
 */
TEST_F(req, map_as_a_buffer)
{
	uint8_t *p = vm_map(self->vm, 0x2000, 0x1000);
	struct iovec iov = { p, 0x1000 };
	int fd[2];

	ASSERT_NE(p, NULL);
	ASSERT_EQ(pipe(fd), 0);
	memset(p, 'z', 100);
	EXPECT_EQ(write(fd[1], p, 100), 100);
	EXPECT_EQ(read(fd[0], p + 1000, 100), 100);
	EXPECT_EQ(p[1099], 'z');
	EXPECT_EQ(vmsplice(fd[1], &iov, 1, 0), -1);
	EXPECT_EQ(errno, EFAULT);
	/* Not every kernel has this one. */
	EXPECT_EQ(process_vm_readv(getpid(), &(struct iovec) { fd, sizeof(fd) }, 1, &iov, 1, 0), -1);
	EXPECT_TRUE(errno == EFAULT || errno == ENOSYS);
	munmap(p, 0x1000);
	close(fd[0]);
	close(fd[1]);
}

TEST_HARNESS_MAIN
