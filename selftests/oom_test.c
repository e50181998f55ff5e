// SPDX-License-Identifier: GPL-2.0
/*
 * Out of memory: of a memory cgroup and of the whole machine. VMs are made until there is
 * none left; then either a request fails or the kernel kills who made them. Their memory
 * is free again, other VMs go on, and the module works.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <denali/hypercall.h>

#include "kselftest_harness.h"
#include "lib.h"
#include "nl.h"

#define SMALL		(16U << 10)	/* the least that a VM can have */
#define GROUP_MAX	"4194304"

FIXTURE(oom) {
	int dev;
	uint64_t free;
	unsigned int vms;
	int canary;
	volatile uint32_t *progress;
	char cgroups[32];
	char cgroup[64];
};

/* For run_kselftest.sh and the test machine, which find fault with what the kernel says then. */
static void log_mark(const char *text)
{
	char line[64];

	snprintf(line, sizeof(line), "selftest-oom: %s\n", text);
	file_put("/dev/kmsg", line);
}

FIXTURE_SETUP(oom)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->free = pool_free(self->dev);
	self->vms = vm_count(self->dev);
	self->canary = guest_start(self->dev, "basic", GUEST_MEM, "tick");
	ASSERT_GE(self->canary, 0);
	self->progress = guest_var(self->canary, "basic", "progress");
	ASSERT_NE(self->progress, NULL);
	strcpy(self->cgroups, "/tmp/denali-oom-XXXXXX");
	ASSERT_NE(mkdtemp(self->cgroups), NULL);
	log_mark("meant");
}

FIXTURE_TEARDOWN(oom)
{
	uint32_t before = *self->progress;
	struct denali_vm_state st;

	EXPECT_TRUE(wait_until(*self->progress != before, SOON_MS));
	log_mark("over");
	guest_var_put(self->progress);
	close(self->canary);
	EXPECT_TRUE(wait_until(vm_count(self->dev) == self->vms, SOON_MS));
	EXPECT_TRUE(wait_until(pool_free(self->dev) == self->free, SOON_MS));
	EXPECT_EQ(guest_run(self->dev, "basic", GUEST_MEM, "exit 7", &st), 0);
	EXPECT_EQ(st.status, 7);
	if (*self->cgroup) {
		EXPECT_TRUE(wait_until(!rmdir(self->cgroup), SOON_MS));
		EXPECT_EQ(umount(self->cgroups), 0);
	}
	rmdir(self->cgroups);
	close(self->dev);
}

typedef FIXTURE_DATA(oom) context;

/* A cgroup with little memory; false if the kernel has no such thing. */
static bool make_cgroup(context *self)
{
	char path[128];

	if (mount("none", self->cgroups, "cgroup2", 0, NULL))
		return false;
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", self->cgroups);
	snprintf(self->cgroup, sizeof(self->cgroup), "%s/oom", self->cgroups);
	if (file_put(path, "+memory") && !mkdir(self->cgroup, 0755)) {
		snprintf(path, sizeof(path), "%s/memory.max", self->cgroup);
		if (file_put(path, GROUP_MAX))
			return true;
		rmdir(self->cgroup);
	}
	*self->cgroup = 0;
	umount(self->cgroups);
	return false;
}

/* The smallest of guests, as hypercall.h says it: idle for ever. */
static const uint8_t idle[] = {
	0xb8, DENALI_HC_IDLE, 0, 0, 0,		/* mov eax */
	0xbb, 0xff, 0xff, 0xff, 0xff,		/* mov ebx, -1 */
	0xb9, 0xff, 0xff, 0xff, 0xff,		/* mov ecx, -1 */
	0xcd, DENALI_HC_VECTOR,
	0xeb, 0xed,				/* jmp to the first */
};

static int boot_idle(int vm)
{
	void *p = vm_map(vm, 0x2000, 0x1000);

	if (!p)
		return -1;
	memcpy(p, idle, sizeof(idle));
	munmap(p, 0x1000);
	return vm_setup(vm, 0x2000, NULL) ? -1 : vm_ctl(vm, DENALI_IOC_VM_START);
}

/* Make VMs that run until it can't be done. Return: errno, if it lives to tell. */
static int make_many(context *self, uint32_t flags)
{
	struct rlimit files = { 1 << 16, 1 << 16 };
	int vm;

	setrlimit(RLIMIT_NOFILE, &files);
	for (;;) {
		vm = vm_create(self->dev, SMALL, flags, NULL);
		if (vm < 0 || boot_idle(vm) < 0)
			return errno;
	}
}

/* The first to be killed, in its cgroup if there is one. Return: its status as of wait(). */
static int run_many(context *self, uint32_t flags)
{
	char path[128];
	int status;
	pid_t pid = fork();

	if (!pid) {
		snprintf(path, sizeof(path), "%s/cgroup.procs", self->cgroup);
		if (!file_put("/proc/self/oom_score_adj", "1000") || (*self->cgroup && !file_put(path, "0")))
			_exit(255);
		_exit(make_many(self, flags));
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static bool out_of_memory(int status)
{
	return WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == ENOMEM;
}

TEST_F_TIMEOUT(oom, of_a_cgroup, 120)
{
	int status;

	if (!make_cgroup(self))
		SKIP(return, "no memory cgroups");
	for (int i = 0; i < 3; i++) {
		status = run_many(self, 0);
		EXPECT_TRUE(out_of_memory(status))
			TH_LOG("status 0x%x", status);
		EXPECT_TRUE(wait_until(vm_count(self->dev) == self->vms + 1, SOON_MS));
	}
}

/* Those that stay are there to be destroyed, though their maker and his cgroup are gone. */
TEST_F_TIMEOUT(oom, of_a_cgroup_with_vms_that_stay, 120)
{
	int status;

	if (!make_cgroup(self))
		SKIP(return, "no memory cgroups");
	status = run_many(self, DENALI_CREATE_PERSISTENT);
	EXPECT_TRUE(out_of_memory(status))
		TH_LOG("status 0x%x", status);
	EXPECT_GT(vm_count(self->dev), self->vms + 1);
	EXPECT_TRUE(wait_until(!rmdir(self->cgroup), SOON_MS));
	EXPECT_EQ(mkdir(self->cgroup, 0755), 0);
	EXPECT_TRUE(vms_destroy_persistent(self->dev));
}

/* In pieces: the list of what one has is in what one has. */
struct piece {
	struct piece *next;
	char room[(1 << 20) - sizeof(struct piece *)];
};

/* Give back what this process took, down to the last. */
static void drop(struct piece *pieces)
{
	struct piece *p;

	while ((p = pieces)) {
		pieces = p->next;
		munmap(p, sizeof(*p));
	}
}

static struct piece *take(struct piece *pieces)
{
	struct piece *p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		return pieces;
	p->next = pieces;
	return p;
}

/* Who started this process isn't to be killed either. */
static void spare_ancestors(void)
{
	char path[64], line[64];
	int pid = getpid();
	FILE *f;

	while (pid > 1) {
		snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
		file_put(path, "-1000");
		snprintf(path, sizeof(path), "/proc/%d/status", pid);
		pid = 0;
		f = fopen(path, "r");
		while (f && fgets(line, sizeof(line), f) && sscanf(line, "PPid: %d", &pid) != 1)
			;
		if (f)
			fclose(f);
	}
}

/*
 * The pool has most of the machine's memory, and this process takes what it leaves while
 * others make VMs. They are the ones to be killed; there are many, as memory comes
 * back a while after the kernel thinks that it has.
 */
TEST_F_TIMEOUT(oom, of_the_machine, 150)
{
	struct denali_pool_set set = { .bytes = 1ULL << 40 }, back;
	struct piece *pieces;
	struct denali_info info;
	pid_t pid[16], dead;
	int status, last, i;

	/* VMs of those who were killed go a moment later: by then somebody else may have been. */
	if (!getenv("DENALI_TEST_OOM"))
		SKIP(return, "others may be killed as well (DENALI_TEST_OOM=1: the boot oom)");
	dev_info(self->dev, &info);
	back.bytes = info.pool_bytes;
	back.reserved = 0;
	EXPECT_EQ(ioctl(self->dev, DENALI_IOC_POOL_SET, &set), -1);
	/* Else the end is a long time of reading programs again that were dropped for their memory. */
	EXPECT_EQ(mlockall(MCL_CURRENT), 0);
	for (i = 0; i < ARRAY_SIZE(pid); i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(file_put("/proc/self/oom_score_adj", "1000") ? make_many(self, 0) : 255);
	}
	spare_ancestors();
	for (pieces = NULL, dead = 0; !dead; dead = waitpid(-1, &status, WNOHANG))
		pieces = take(pieces);
	drop(pieces);
	EXPECT_TRUE(out_of_memory(status))
		TH_LOG("status 0x%x", status);
	for (i = 0; i < ARRAY_SIZE(pid); i++) {
		if (pid[i] == dead)
			continue;
		kill(pid[i], SIGKILL);
		waitpid(pid[i], &last, 0);
	}
	EXPECT_TRUE(wait_until(vm_count(self->dev) == self->vms + 1, SOON_MS));
	EXPECT_TRUE(wait_until(!ioctl(self->dev, DENALI_IOC_POOL_SET, &back), SOON_MS));
}

TEST_HARNESS_MAIN
