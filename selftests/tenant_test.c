// SPDX-License-Identifier: GPL-2.0
/*
 * Tenants: who may have VMs in one, how many, and whose CPU time is whose.
 *
 * Shares are said to hold when they come to hold, as in sched_test.c.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <denali/vregs.h>

#include "kselftest_harness.h"
#include "fixture.h"
#include "nl.h"

#define MEM		(64U << 10)
#define MAX_VMS		128
#define SEC		1000000000ULL
#define NOBODY		65534
#define QUANTUM_US	"/sys/module/denali/parameters/quantum_us"
#define CPU1_ONLINE	"/sys/devices/system/cpu/cpu1/online"

static int tenant_ioctl(int dev, const char *name, uint32_t flags, struct denali_tenant_set set)
{
	set.flags = flags;
	snprintf(set.name, sizeof(set.name), "%s", name);
	return ioctl(dev, DENALI_IOC_TENANT_SET, &set);
}

#define tenant_new(dev, name, ...) \
	tenant_ioctl(dev, name, DENALI_TENANT_NEW, (struct denali_tenant_set){ __VA_ARGS__ })
#define tenant_set(dev, name, ...) \
	tenant_ioctl(dev, name, 0, (struct denali_tenant_set){ __VA_ARGS__ })

static int tenant_del(int dev, const char *name, uint32_t *vms)
{
	struct denali_tenant_del del = { 0 };
	int ret;

	snprintf(del.name, sizeof(del.name), "%s", name);
	ret = ioctl(dev, DENALI_IOC_TENANT_DEL, &del);
	if (vms)
		*vms = del.vms;
	return ret;
}

static int create_in(int dev, const char *tenant, uint64_t mem)
{
	struct denali_vm_create arg = { .mem_bytes = mem };

	snprintf(arg.tenant, sizeof(arg.tenant), "%s", tenant);
	return ioctl(dev, DENALI_IOC_VM_CREATE, &arg);
}

static bool tenant_get(const char *name, struct nl_tenant *tenant)
{
	struct nl nl;
	bool ok;

	if (nl_open(&nl))
		return false;
	ok = !nl_tenant_get(&nl, name, tenant);
	close(nl.fd);
	return ok;
}

static uint32_t tid_of(const char *name, int cpu)
{
	struct nl_tenant tenant;

	return tenant_get(name, &tenant) ? tenant.tid[cpu] : 0;
}

static uint64_t run_ns(int vm)
{
	struct denali_vm_state st;

	vm_state(vm, &st);
	return st.run_ns;
}

static uint32_t cpu_of(int vm)
{
	struct nl_vm counters;

	return vm_counters(vm_id(vm), &counters) ? counters.cpu : ~0U;
}

static int cpus_set(int vm, uint64_t cpus)
{
	struct denali_vm_share share = { .set = DENALI_SHARE_CPUS, .cpus = { cpus } };

	return ioctl(vm, DENALI_IOC_VM_SHARE, &share);
}

static void put_number(const char *path, unsigned int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	if (!file_put(path, text)) {
		perror(path);
		abort();
	}
}

/* Two tenants, "a" and "b", and their VMs. */
FIXTURE(two) {
	int dev;
	unsigned int cpus;
	unsigned int quantum_us;
	int n;
	int vm[MAX_VMS];
	int whose[MAX_VMS];
	uint64_t from[2];
	uint64_t ran[2];	/* since from */
};

FIXTURE_SETUP(two)
{
	struct denali_info info;

	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	dev_info(self->dev, &info);
	self->cpus = info.runners;
	self->quantum_us = info.quantum_us;
	ASSERT_EQ(tenant_new(self->dev, "a"), 0);
	ASSERT_EQ(tenant_new(self->dev, "b"), 0);
}

FIXTURE_TEARDOWN(two)
{
	for (int i = 0; i < self->n; i++)
		close(self->vm[i]);
	put_number(QUANTUM_US, self->quantum_us);
	EXPECT_EQ(tenant_del(self->dev, "a", NULL), 0);
	EXPECT_EQ(tenant_del(self->dev, "b", NULL), 0);
	close(self->dev);
}

#define TWO FIXTURE_DATA(two)

/* One more VM; its descriptor. */
static int add(TWO *self, int whose, const char *cmdline)
{
	int vm = create_in(self->dev, whose ? "b" : "a", MEM);

	if (vm < 0 || guest_boot(vm, "sched", cmdline)) {
		perror(cmdline);
		abort();
	}
	self->whose[self->n] = whose;
	self->vm[self->n++] = vm;
	return vm;
}

static void count(TWO *self, uint64_t *ran)
{
	memset(ran, 0, 2 * sizeof(*ran));
	for (int i = 0; i < self->n; i++)
		ran[self->whose[i]] += run_ns(self->vm[i]);
}

static void look(TWO *self)
{
	count(self, self->ran);
	for (int i = 0; i < 2; i++)
		self->ran[i] -= self->from[i];
}

/* Of all that both get, the first one comes to have @low to @high percent. */
#define EXPECT_PERCENT(low, high) do {					\
	count(self, self->from);					\
	EXPECT_TRUE(wait_until(({					\
		look(self);						\
		uint64_t __sum = self->ran[0] + self->ran[1];		\
		__sum > 2 * SEC && self->ran[0] * 100 >= __sum * (low) &&	\
			self->ran[0] * 100 <= __sum * (high);		\
	}), SOON_MS))							\
		TH_LOG("%.1f s and %.1f s", self->ran[0] / 1e9, self->ran[1] / 1e9);	\
} while (0)

static void on_first_cpu(TWO *self)
{
	static const char *const names[] = { "a", "b" };

	for (int i = 0; i < 2; i++) {
		int ret = tenant_set(self->dev, names[i], .set = DENALI_TENANT_CPUS, .cpus = { 1 });

		if (ret) {
			perror(names[i]);
			abort();
		}
	}
}

/* As much for one with one VM as for one with four. */
TEST_F(two, equal_whatever_their_vms)
{
	on_first_cpu(self);
	add(self, 0, "spin");
	for (int i = 0; i < 4; i++)
		add(self, 1, "spin");
	EXPECT_PERCENT(46, 54);
}

/* What the weights of VMs are is between those of one tenant. */
TEST_F(two, weights_are_within_a_tenant)
{
	struct denali_vm_share share = { .set = DENALI_SHARE_WEIGHT, .weight = DENALI_WEIGHT_MAX };

	on_first_cpu(self);
	ASSERT_EQ(ioctl(add(self, 0, "spin"), DENALI_IOC_VM_SHARE, &share), 0);
	add(self, 1, "spin");
	EXPECT_PERCENT(46, 54);
}

/* Linux gives niceness 5 a third of what niceness 0 gets. */
TEST_F(two, niceness)
{
	on_first_cpu(self);
	add(self, 0, "spin");
	add(self, 1, "spin");
	ASSERT_EQ(tenant_set(self->dev, "a", .set = DENALI_TENANT_NICE, .nice = 5), 0);
	EXPECT_PERCENT(20, 30);
}

/* A hundred VMs that spin in one tenant don't keep another's from waking up. */
TEST_F(two, wakes_beside_a_hundred)
{
	volatile uint32_t *late, *wakes;
	int vm;

	put_number(QUANTUM_US, 50000);
	on_first_cpu(self);
	for (int i = 0; i < 100; i++)
		add(self, 0, "spin");
	vm = add(self, 1, "wake 50");
	late = guest_var(vm, "sched", "late");
	wakes = guest_var(vm, "sched", "wakes");
	EXPECT_TRUE(wait_until(*wakes >= 50 && *late * 10 <= *wakes, SOON_MS))
		TH_LOG("%u of %u", *late, *wakes);
	guest_var_put(late);
	guest_var_put(wakes);
}

TEST_F(two, cpu_time_is_told)
{
	struct nl_tenant tenant;
	int vm = add(self, 0, "spin");

	EXPECT_TRUE(wait_until(run_ns(vm) > SEC / 10, SOON_MS));
	EXPECT_TRUE(wait_until(tenant_get("a", &tenant) && tenant.run_ns > SEC / 10, SOON_MS));
	ASSERT_TRUE(tenant_get("b", &tenant));
	EXPECT_LT(tenant.run_ns, SEC / 10);
}

/* CPUs of a tenant: its VMs run there, those that run meanwhile too, and nowhere else. */
TEST_F(two, cpus)
{
	int vm;

	if (self->cpus < 2)
		SKIP(return, "one CPU");
	vm = add(self, 0, "spin");
	for (int i = 0; i < 10; i++) {
		uint64_t ran;

		ASSERT_EQ(tenant_set(self->dev, "a", .set = DENALI_TENANT_CPUS, .cpus = { 1 << i % 2 }), 0);
		EXPECT_EQ(cpu_of(vm), i % 2);
		ran = run_ns(vm);
		EXPECT_TRUE(wait_until(run_ns(vm) > ran, SOON_MS));
	}
	/* The tenant's are on CPU 1. */
	EXPECT_EQ(cpus_set(vm, 1), 0);
	EXPECT_EQ(cpu_of(vm), 1);
	EXPECT_EQ(cpu_of(add(self, 0, "spin")), 1);
}

/* A tenant whose CPU goes runs elsewhere; it comes back with the runner that it had. */
TEST_F(two, cpu_goes_and_comes)
{
	uint32_t tid;
	uint64_t ran;
	int vm[2];

	if (self->cpus < 2)
		SKIP(return, "one CPU");
	ASSERT_EQ(tenant_set(self->dev, "a", .set = DENALI_TENANT_CPUS, .cpus = { 2 }), 0);
	vm[0] = add(self, 0, "spin");
	vm[1] = add(self, 1, "spin");
	tid = tid_of("a", 1);
	EXPECT_NE(tid, 0);
	put_number(CPU1_ONLINE, 0);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(cpu_of(vm[i]), 0);
		ran = run_ns(vm[i]);
		EXPECT_TRUE(wait_until(run_ns(vm[i]) > ran, SOON_MS));
	}
	put_number(CPU1_ONLINE, 1);
	EXPECT_TRUE(wait_until(cpu_of(vm[0]) == 1, SOON_MS));
	ran = run_ns(vm[0]);
	EXPECT_TRUE(wait_until(run_ns(vm[0]) > ran, SOON_MS));
	EXPECT_EQ(tid_of("a", 1), tid);
}

/* And a tenant that is made while a CPU is away gets a runner there when it comes. */
TEST_F(two, made_without_a_cpu)
{
	if (self->cpus < 2)
		SKIP(return, "one CPU");
	put_number(CPU1_ONLINE, 0);
	ASSERT_EQ(tenant_new(self->dev, "c", .set = DENALI_TENANT_CPUS, .cpus = { 2 }), 0);
	EXPECT_NE(tid_of("c", 0), 0);
	EXPECT_EQ(tid_of("c", 1), 0);
	put_number(CPU1_ONLINE, 1);
	EXPECT_NE(tid_of("c", 1), 0);
	EXPECT_EQ(tenant_del(self->dev, "c", NULL), 0);
}

TEST_F(two, vms_are_counted)
{
	struct nl_tenant tenant;
	int vm[3];

	ASSERT_EQ(tenant_set(self->dev, "a", .set = DENALI_TENANT_VMS, .vms = 2), 0);
	for (int i = 0; i < 2; i++) {
		vm[i] = create_in(self->dev, "a", MEM);
		ASSERT_GE(vm[i], 0);
	}
	EXPECT_EQ(create_in(self->dev, "a", MEM), -1);
	EXPECT_EQ(errno, EDQUOT);
	vm[2] = create_in(self->dev, "b", MEM);
	EXPECT_GE(vm[2], 0);
	ASSERT_TRUE(tenant_get("a", &tenant));
	EXPECT_EQ(tenant.vms, 2);
	EXPECT_EQ(tenant.max_vms, 2);
	EXPECT_EQ(tenant.mem_bytes, 2 * MEM);
	close(vm[0]);
	vm[0] = create_in(self->dev, "a", MEM);
	EXPECT_GE(vm[0], 0);
	for (int i = 0; i < 3; i++)
		close(vm[i]);
}

TEST_F(two, memory_is_counted)
{
	int vm;

	ASSERT_EQ(tenant_set(self->dev, "a", .set = DENALI_TENANT_MEMORY, .memory = 3 * MEM), 0);
	vm = create_in(self->dev, "a", 2 * MEM);
	ASSERT_GE(vm, 0);
	EXPECT_EQ(create_in(self->dev, "a", 2 * MEM), -1);
	EXPECT_EQ(errno, EDQUOT);
	ASSERT_EQ(tenant_set(self->dev, "a", .set = DENALI_TENANT_MEMORY, .memory = 4 * MEM), 0);
	close(vm);
	vm = create_in(self->dev, "a", 4 * MEM);
	EXPECT_GE(vm, 0);
	close(vm);
}

/* Its VMs are in the way, also one whose memory somebody has mapped. */
TEST_F(two, deleted_without_vms_only)
{
	uint32_t vms = 0;
	int vm[2];
	void *mem;

	for (int i = 0; i < 2; i++) {
		vm[i] = create_in(self->dev, "a", MEM);
		ASSERT_GE(vm[i], 0);
	}
	EXPECT_EQ(tenant_del(self->dev, "a", &vms), -1);
	EXPECT_EQ(errno, EBUSY);
	EXPECT_EQ(vms, 2);
	mem = vm_map(vm[1], DENALI_PAGE_SIZE, DENALI_PAGE_SIZE);
	ASSERT_NE(mem, NULL);
	close(vm[0]);
	close(vm[1]);
	EXPECT_EQ(tenant_del(self->dev, "a", &vms), -1);
	EXPECT_EQ(errno, EBUSY);
	EXPECT_EQ(vms, 1);
	munmap(mem, DENALI_PAGE_SIZE);
	EXPECT_EQ(tenant_del(self->dev, "a", &vms), 0);
	EXPECT_EQ(tenant_set(self->dev, "a", .set = DENALI_TENANT_NICE), -1);
	EXPECT_EQ(errno, ENOENT);
	EXPECT_EQ(tenant_new(self->dev, "a"), 0);
}

/* A clone is of who makes it, whosever the template is. */
TEST_F(two, clones)
{
	int template = template_make(self->dev, GUEST_MEM), vm;
	struct denali_vm_clone clone = { .tenant = "a" };
	struct denali_vm_clones clones = { .count = 2, .tenant = "b" };
	int32_t fds[2];
	struct nl_vm info;

	ASSERT_GE(template, 0);
	vm = ioctl(template, DENALI_IOC_VM_CLONE, &clone);
	ASSERT_GE(vm, 0);
	ASSERT_TRUE(vm_counters(vm_id(vm), &info));
	EXPECT_STREQ(info.tenant, "a");
	clones.fds = (uintptr_t)fds;
	ASSERT_EQ(tenant_set(self->dev, "b", .set = DENALI_TENANT_VMS, .vms = 1), 0);
	EXPECT_EQ(ioctl(template, DENALI_IOC_VM_CLONES, &clones), -1);
	EXPECT_EQ(errno, EDQUOT);
	ASSERT_EQ(tenant_set(self->dev, "b", .set = DENALI_TENANT_VMS, .vms = 2), 0);
	ASSERT_EQ(ioctl(template, DENALI_IOC_VM_CLONES, &clones), 0);
	ASSERT_TRUE(vm_counters(vm_id(fds[1]), &info));
	EXPECT_STREQ(info.tenant, "b");
	close(fds[0]);
	close(fds[1]);
	/* A reset leaves it where it is. */
	ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_RESET), 0);
	ASSERT_TRUE(vm_counters(vm_id(vm), &info));
	EXPECT_STREQ(info.tenant, "a");
	close(vm);
	close(template);
}

/* Both come and go while others make VMs there: whoever is late is told so, and no more. */
TEST_F(two, made_and_deleted_all_the_time)
{
	int status, vm;
	pid_t pid[3];

	for (int p = 0; p < 3; p++) {
		pid[p] = fork();
		if (pid[p])
			continue;
		for (int i = 0; i < 200; i++) {
			vm = create_in(self->dev, "c", MEM);
			if (vm < 0 && errno != ENOENT)
				_exit(1);
			if (vm >= 0 && guest_boot(vm, "sched", i % 2 ? "spin" : "wake 1"))
				_exit(2);
			if (vm >= 0)
				close(vm);
		}
		_exit(0);
	}
	for (int i = 0; i < 100; i++) {
		if (tenant_new(self->dev, "c"))
			EXPECT_EQ(errno, EEXIST);
		ASSERT_EQ(tenant_set(self->dev, "c", .set = DENALI_TENANT_CPUS, .cpus = { 1 + i % 3 }), 0);
		if (tenant_del(self->dev, "c", NULL))
			EXPECT_EQ(errno, EBUSY);
	}
	for (int p = 0; p < 3; p++) {
		EXPECT_EQ(waitpid(pid[p], &status, 0), pid[p]);
		EXPECT_EQ(status, 0);
	}
	if (tenant_del(self->dev, "c", NULL))
		EXPECT_EQ(errno, ENOENT);
}

/* A user: a descriptor of the device, and nothing else. */
static int as_user(int (*call)(const char *node))
{
	char node[64];
	int status;
	pid_t pid;

	if (device_node(node, sizeof(node)))
		return -1;
	pid = fork();
	if (!pid) {
		if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
			_exit(100);
		_exit(call(node));
	}
	waitpid(pid, &status, 0);
	unlink(node);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool is_in(int vm, const char *tenant)
{
	struct nl_vm info;

	return vm >= 0 && vm_counters(vm_id(vm), &info) && !strcmp(info.tenant, tenant);
}

static int user_of_none(const char *node)
{
	int dev = open(node, O_RDWR), ret;
	struct nl_tenant tenant;

	if (create_in(dev, "a", MEM) >= 0 || errno != EPERM)
		return 1;
	if (create_in(dev, "there-is-none", MEM) >= 0 || errno != ENOENT)
		return 2;
	if (!is_in(create_in(dev, "", MEM), ""))
		return 3;
	if (tenant_new(dev, "mine") != -1 || errno != EPERM)
		return 4;
	ret = tenant_set(dev, "a", .set = DENALI_TENANT_VMS);
	if (ret != -1 || errno != EPERM)
		return 5;
	if (tenant_del(dev, "a", NULL) != -1 || errno != EPERM)
		return 6;
	return tenant_get("a", &tenant) ? 7 : 0;
}

/* What he doesn't say is his tenant's, and he can't get out. */
static int user_of_b(const char *node)
{
	int dev = open(node, O_RDWR), ret;
	struct nl_tenant tenant;

	if (!is_in(create_in(dev, "", MEM), "b"))
		return 1;
	if (!is_in(create_in(dev, "b", MEM), "b"))
		return 2;
	if (create_in(dev, "", MEM) >= 0 || errno != EDQUOT)
		return 3;
	if (create_in(dev, "a", MEM) >= 0 || errno != EPERM)
		return 4;
	ret = tenant_set(dev, "b", .set = DENALI_TENANT_VMS);
	if (ret != -1 || errno != EPERM)
		return 5;
	return tenant_get("a", &tenant) ? 6 : tenant_get("b", &tenant) ? 0 : 7;
}

TEST_F(two, of_a_user)
{
	struct nl_tenant tenant;

	EXPECT_EQ(as_user(user_of_none), 0);
	ASSERT_EQ(tenant_set(self->dev, "b", .set = DENALI_TENANT_USER | DENALI_TENANT_VMS,
			     .uid = NOBODY, .vms = 2), 0);
	EXPECT_EQ(as_user(user_of_b), 0);
	ASSERT_TRUE(tenant_get("b", &tenant));
	EXPECT_EQ(tenant.uid, NOBODY);
	ASSERT_EQ(tenant_set(self->dev, "b", .set = DENALI_TENANT_USER, .uid = DENALI_TENANT_NOBODY), 0);
	EXPECT_EQ(as_user(user_of_none), 0);
}

/* The threads of both in cgroups of their own. */
static int cgroup_put(const char *root, const char *file, const char *text)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", root, file);
	return file_put(path, text) ? 0 : -1;
}

static bool cgroups_begin(TWO *self, char *root, size_t size)
{
	char path[300], tid[16];

	snprintf(root, size, "/tmp/denali-cgroup-XXXXXX");
	if (!mkdtemp(root))
		return false;
	if (mount("none", root, "cgroup2", 0, NULL) ||
	    cgroup_put(root, "cgroup.subtree_control", "+cpu +cpuset"))
		return false;
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/denali-%c", root, 'a' + i);
		if (mkdir(path, 0755))
			return false;
		for (int cpu = 0; cpu < NL_CPUS; cpu++) {
			snprintf(tid, sizeof(tid), "%u", tid_of(i ? "b" : "a", cpu));
			if (strcmp(tid, "0") && cgroup_put(path, "cgroup.procs", tid))
				return false;
		}
	}
	return true;
}

static void cgroups_end(TWO *self, const char *root)
{
	char path[256], tid[16];

	for (int i = 0; i < 2; i++) {
		for (int cpu = 0; cpu < NL_CPUS; cpu++) {
			snprintf(tid, sizeof(tid), "%u", tid_of(i ? "b" : "a", cpu));
			cgroup_put(root, "cgroup.procs", tid);
		}
		snprintf(path, sizeof(path), "%s/denali-%c", root, 'a' + i);
		rmdir(path);
	}
	umount(root);
	rmdir(root);
}

/* cpu.max: a fifth of a CPU, whoever else wants it or not. */
TEST_F(two, cgroup_cpu_max)
{
	char root[64];
	uint64_t since;

	on_first_cpu(self);
	add(self, 0, "spin");
	add(self, 0, "spin");
	add(self, 1, "spin");
	ASSERT_TRUE(cgroups_begin(self, root, sizeof(root)));
	EXPECT_PERCENT(45, 55);
	EXPECT_EQ(cgroup_put(root, "denali-a/cpu.max", "20000 100000"), 0);
	EXPECT_PERCENT(15, 25);
	/* And while nobody else wants it. */
	while (self->n > 2)
		close(self->vm[--self->n]);
	count(self, self->from);
	since = now_ns();
	EXPECT_TRUE(wait_until(({
		look(self);
		now_ns() - since > 2 * SEC && self->ran[0] * 100 >= (now_ns() - since) * 14 &&
			self->ran[0] * 100 <= (now_ns() - since) * 25;
	}), SOON_MS))
		TH_LOG("%.2f s of %.2f s", self->ran[0] / 1e9, (now_ns() - since) / 1e9);
	EXPECT_EQ(cgroup_put(root, "denali-a/cpu.max", "max"), 0);
	cgroups_end(self, root);
}

/* Where a thread has been run last: field 39 of its stat. */
static int last_cpu(uint32_t tid)
{
	char path[64], text[1024];
	const char *p;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/stat", tid);
	fd = open(path, O_RDONLY);
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return -1;
	text[len] = '\0';
	p = strrchr(text, ')');
	for (int field = 2; p && field < 39; field++)
		p = strchr(p + 1, ' ');
	return p ? atoi(p) : -1;
}

/* cpuset.cpus: all of a tenant's threads go there, and its VMs get on. */
TEST_F(two, cgroup_cpuset)
{
	uint64_t ran[2];
	char root[64];
	int vm[2];

	if (self->cpus < 2)
		SKIP(return, "one CPU");
	for (int i = 0; i < 2; i++) {
		vm[i] = add(self, 0, "spin");
		ASSERT_EQ(cpus_set(vm[i], 1 << i), 0);
	}
	ASSERT_TRUE(cgroups_begin(self, root, sizeof(root)));
	for (int cpu = 0; cpu < 2; cpu++) {
		EXPECT_EQ(cgroup_put(root, "denali-a/cpuset.cpus", cpu ? "1" : "0"), 0);
		EXPECT_TRUE(wait_until(last_cpu(tid_of("a", 0)) == cpu &&
				       last_cpu(tid_of("a", 1)) == cpu, SOON_MS));
		for (int i = 0; i < 2; i++)
			ran[i] = run_ns(vm[i]);
		EXPECT_TRUE(wait_until(run_ns(vm[0]) > ran[0] && run_ns(vm[1]) > ran[1], SOON_MS));
		EXPECT_EQ(last_cpu(tid_of("a", 0)), cpu);
		EXPECT_EQ(last_cpu(tid_of("a", 1)), cpu);
	}
	cgroups_end(self, root);
}

FIXTURE_DEV(req);

TEST_F(req, bad_values)
{
	static const struct denali_tenant_set bad[] = {
		{ .name = "", .flags = DENALI_TENANT_NEW },
		{ .name = "a b", .flags = DENALI_TENANT_NEW },
		{ .name = "a" },
		{ .name = "a", .flags = DENALI_TENANT_NEW | 2 },
		{ .name = "a", .flags = DENALI_TENANT_NEW, .set = 1U << 31 },
		{ .name = "a", .flags = DENALI_TENANT_NEW, .set = DENALI_TENANT_NICE, .nice = 20 },
		{ .name = "a", .flags = DENALI_TENANT_NEW, .set = DENALI_TENANT_NICE, .nice = -21 },
		{ .name = "a", .flags = DENALI_TENANT_NEW, .set = DENALI_TENANT_CPUS },
		{ .name = "a", .flags = DENALI_TENANT_NEW, .set = DENALI_TENANT_CPUS,
		  .cpus = { [15] = 1ULL << 63 } },
	};
	struct denali_vm_create create = { .mem_bytes = MEM, .tenant = "no/name" };
	struct denali_tenant_set full = { .flags = DENALI_TENANT_NEW };
	struct nl_tenant tenant;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(ioctl(self->dev, DENALI_IOC_TENANT_SET, &bad[i]), -1)
			TH_LOG("%zu", i);
		EXPECT_EQ(errno, EINVAL);
	}
	memset(full.name, 'x', sizeof(full.name));
	EXPECT_EQ(ioctl(self->dev, DENALI_IOC_TENANT_SET, &full), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_FALSE(tenant_get("a", &tenant));
	EXPECT_EQ(tenant_set(self->dev, "a", .set = DENALI_TENANT_NICE), -1);
	EXPECT_EQ(errno, ENOENT);
	EXPECT_EQ(tenant_del(self->dev, "a", NULL), -1);
	EXPECT_EQ(errno, ENOENT);
	EXPECT_EQ(tenant_del(self->dev, "", NULL), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(ioctl(self->dev, DENALI_IOC_VM_CREATE, &create), -1);
	EXPECT_EQ(errno, EINVAL);
}

TEST_F(req, names)
{
	struct nl_tenant tenant;

	ASSERT_EQ(tenant_new(self->dev, "x"), 0);
	EXPECT_EQ(tenant_new(self->dev, "x"), -1);
	EXPECT_EQ(errno, EEXIST);
	ASSERT_TRUE(tenant_get("x", &tenant));
	EXPECT_EQ(tenant.uid, -1);
	EXPECT_EQ(tenant.vms, 0);
	EXPECT_EQ(tenant.cpus, 0);
	EXPECT_NE(tenant.tid[0], 0);
	EXPECT_EQ(tenant_del(self->dev, "x", NULL), 0);
	EXPECT_FALSE(tenant_get("x", &tenant));
}

TEST_HARNESS_MAIN
