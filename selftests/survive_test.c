// SPDX-License-Identifier: GPL-2.0
/*
 * SIGKILL for every kind of process that uses VMs, at moments that nobody chooses: it
 * dies, what was its alone goes with it, everybody else's VMs go on, and the module works.
 */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "ethernet.h"
#include "lib.h"
#include "nl.h"

#define ROUNDS	25
#define LATEST	8000	/* us that a process has at most, from when it is at work */
#define OTHERS	"survive"	/* a switch and a tenant of that name come and go */

FIXTURE(survive) {
	int dev;
	struct denali_info info;
	unsigned int vms;
	int canary;		/* nobody touches it */
	volatile uint32_t *progress;
	int shared;		/* everybody has a descriptor of it */
	volatile uint32_t *at_work;
	unsigned int seed;
};

typedef FIXTURE_DATA(survive) context;

/* What the processes do, for ever. Each turns *at_work on when it has begun. */

static void create(context *self)
{
	for (*self->at_work = 1;;)
		close(vm_create(self->dev, GUEST_MEM, 0, NULL));
}

static void load_and_start(context *self)
{
	for (*self->at_work = 1;;)
		close(guest_start(self->dev, "basic", 2 << 20, "tick"));
}

/* Of these some are left, like a persistent tap. */
static void create_persistent(context *self)
{
	for (*self->at_work = 1;;) {
		int vm = vm_create(self->dev, GUEST_MEM, DENALI_CREATE_PERSISTENT, NULL);

		vm_ctl(vm, DENALI_IOC_VM_DESTROY);
		close(vm);
	}
}

static void create_and_wait_for_memory(context *self)
{
	int all = vm_create(self->dev, pool_free(self->dev), 0, NULL);

	*self->at_work = 1;
	vm_create(self->dev, GUEST_MEM, DENALI_CREATE_WAIT, NULL);
	close(all);
}

static void wait_for_the_end(context *self)
{
	for (*self->at_work = 1;;)
		vm_wait(self->shared, -1);
}

static void stop_and_start(context *self)
{
	for (*self->at_work = 1;;) {
		vm_ctl(self->shared, DENALI_IOC_VM_STOP);
		vm_ctl(self->shared, DENALI_IOC_VM_START);
	}
}

static void read_console(context *self)
{
	char buf[4096];
	int con, vm = guest_start_console(self->dev, "console", GUEST_MEM, "lines 1000000", &con);

	for (*self->at_work = 1; vm >= 0;)
		if (read(con, buf, sizeof(buf)) <= 0)
			break;
}

static void write_console(context *self)
{
	char buf[4096] = "";
	int con, vm = guest_start_console(self->dev, "console", GUEST_MEM, "echo", &con);

	for (*self->at_work = 1; vm >= 0;)
		if (write(con, buf, sizeof(buf)) <= 0)
			break;
}

static void monitor(context *self)
{
	struct nl_vm vm;
	struct nl nl;

	if (nl_open(&nl) || nl_subscribe(&nl))
		return;
	for (*self->at_work = 1;;) {
		close(vm_create(self->dev, GUEST_MEM, 0, NULL));
		nl_event(&nl, &vm, 0);
	}
}

static void seen(const struct nl_vm *vm, void *arg)
{
}

static void list(context *self)
{
	struct nl nl;

	if (nl_open(&nl))
		return;
	for (*self->at_work = 1;;)
		nl_vm_dump(&nl, seen, NULL);
}

static void map_and_write(context *self)
{
	for (*self->at_work = 1;;) {
		uint32_t size = GUEST_MEM - 0x10000;
		uint8_t *p = vm_map(self->shared, 0x10000, size);

		if (!p)
			return;
		/* Not the guest's code. */
		for (uint32_t i = size / 2; i < size; i += 4096)
			p[i]++;
		munmap(p, size);
	}
}

static void plug_taps(context *self)
{
	struct denali_vm_nic nic = {
		.port = DENALI_NIC_NEW_PORT, .mac = { 2, 0, 0, 0, 0, 1 },
		.flags = DENALI_NIC_VNET_HDR, .vnet_hdr_len = 10,
	};
	int vm = vm_create(self->dev, GUEST_MEM, 0, NULL);

	for (*self->at_work = 1;;) {
		struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

		nic.tap_fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
		/* The first time it gets a port, whose tap the next ones replace. */
		if (ioctl(nic.tap_fd, TUNSETIFF, &ifr) || ioctl(vm, DENALI_IOC_VM_NIC, &nic))
			return;
		close(nic.tap_fd);
	}
}

static void resize_pool(context *self)
{
	struct denali_pool_set set;

	for (*self->at_work = 1;;) {
		set.bytes = self->info.pool_bytes + (16 << 20);
		ioctl(self->dev, DENALI_IOC_POOL_SET, &set);
		set.bytes = self->info.pool_bytes;
		ioctl(self->dev, DENALI_IOC_POOL_SET, &set);
	}
}

static void *control(void *vm)
{
	while (vm_ctl((long)vm, DENALI_IOC_VM_STOP) >= -1)
		vm_ctl((long)vm, DENALI_IOC_VM_START);
	return NULL;
}

/* Its threads are in requests on VMs that die with it. */
static void threads(context *self)
{
	long vm[2];
	pthread_t thread;

	for (int i = 0; i < 2; i++) {
		vm[i] = guest_start(self->dev, "basic", GUEST_MEM, "tick");
		for (int j = 0; j < 2; j++)
			pthread_create(&thread, NULL, control, (void *)vm[i]);
	}
	load_and_start(self);
}

/* Clones of a template that goes with it, one by one and several at once. */
static void make_clones(context *self)
{
	int template = template_make(self->dev, GUEST_MEM);
	int32_t fds[3];
	struct denali_vm_clones clones = { .count = ARRAY_SIZE(fds), .fds = (uintptr_t)fds };

	for (*self->at_work = 1;;) {
		close(clone_start(template, "look"));
		if (ioctl(template, DENALI_IOC_VM_CLONES, &clones))
			return;
		for (int i = 0; i < ARRAY_SIZE(fds); i++)
			close(fds[i]);
	}
}

static void reset_clones(context *self)
{
	int template = template_make(self->dev, GUEST_MEM);
	int vm = clone_start(template, "look");

	for (*self->at_work = 1; vm >= 0;) {
		vm_ctl(vm, DENALI_IOC_VM_RESTART);
		vm_ctl(vm, DENALI_IOC_VM_RESET);
	}
}

/* A switch stays when who made it is killed. */
static void change_switches(context *self)
{
	int vm = guest_make(self->dev, "nic", GUEST_MEM, "tx-loop"), tap;

	switch_add(self->dev, OTHERS, 0, 0);
	if (switch_plug(vm, 1, OTHERS) || vm_ctl(vm, DENALI_IOC_VM_START))
		return;
	for (*self->at_work = 1;;) {
		switch_add(self->dev, OTHERS, 0, 0);
		tap = uplink_open("");
		switch_tap(self->dev, OTHERS, DENALI_SWITCH_UPLINK, tap);
		switch_plug_port(vm, 1, OTHERS, 1);
		switch_tap(self->dev, OTHERS, DENALI_SWITCH_UPLINK, -1);
		switch_del(self->dev, OTHERS);
		close(tap);
	}
}

/* A tenant stays as well. Of its VMs one runs and one waits. */
static void change_tenants(context *self)
{
	struct denali_tenant_set set = {
		.name = OTHERS, .flags = DENALI_TENANT_NEW, .set = DENALI_TENANT_RUNNABLE, .runnable = 1,
	};
	struct denali_vm_create create = { .mem_bytes = GUEST_MEM, .tenant = OTHERS };
	struct denali_tenant_del del = { .name = OTHERS };
	int vm[2];

	for (*self->at_work = 1;;) {
		ioctl(self->dev, DENALI_IOC_TENANT_SET, &set);
		for (int i = 0; i < 2; i++) {
			vm[i] = ioctl(self->dev, DENALI_IOC_VM_CREATE, &create);
			guest_boot(vm[i], "basic", "tick");
		}
		for (int i = 0; i < 2; i++)
			close(vm[i]);
		ioctl(self->dev, DENALI_IOC_TENANT_DEL, &del);
	}
}

static void (*const all_kinds[])(context *self) = {
	create, load_and_start, create_persistent, wait_for_the_end, stop_and_start, read_console,
	write_console, monitor, list, map_and_write, plug_taps, resize_pool, threads, make_clones,
	reset_clones, change_switches, change_tenants,
};

static unsigned int random_us(context *self)
{
	return rand_r(&self->seed) % LATEST;
}

static pid_t begin(context *self, void (*kind)(context *self))
{
	pid_t pid = fork();

	if (!pid) {
		kind(self);
		/* Whatever it lacked, there is nothing to kill: that shows. */
		_exit(1);
	}
	return pid;
}

/* True if it died of the signal: then it had not ended before. */
static bool end(pid_t pid)
{
	int status;

	return !kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid &&
	       WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

FIXTURE_VARIANT(survive) {
	void (*kind)(context *self);
};

#define KIND(name)	FIXTURE_VARIANT_ADD(survive, name) { .kind = name }

KIND(create);
KIND(load_and_start);
KIND(create_persistent);
KIND(create_and_wait_for_memory);
KIND(wait_for_the_end);
KIND(stop_and_start);
KIND(read_console);
KIND(write_console);
KIND(monitor);
KIND(list);
KIND(map_and_write);
KIND(plug_taps);
KIND(resize_pool);
KIND(threads);
KIND(make_clones);
KIND(reset_clones);
KIND(change_switches);
KIND(change_tenants);
FIXTURE_VARIANT_ADD(survive, all_at_once) { .kind = NULL };

FIXTURE_SETUP(survive)
{
	self->seed = getpid();
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	dev_info(self->dev, &self->info);
	self->vms = self->info.vms;
	self->canary = guest_start(self->dev, "basic", GUEST_MEM, "tick");
	ASSERT_GE(self->canary, 0);
	self->progress = guest_var(self->canary, "basic", "progress");
	ASSERT_NE(self->progress, NULL);
	self->shared = guest_start(self->dev, "basic", GUEST_MEM, "tick");
	ASSERT_GE(self->shared, 0);
	self->at_work = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(self->at_work, MAP_FAILED);
}

FIXTURE_TEARDOWN(survive)
{
	struct denali_pool_set set = { .bytes = self->info.pool_bytes };
	struct denali_tenant_del del = { .name = OTHERS };
	struct denali_vm_state st;
	uint32_t before = *self->progress;

	EXPECT_TRUE(wait_until(*self->progress != before, SOON_MS));
	/* It stays stopped if who stopped it died then. */
	vm_ctl(self->shared, DENALI_IOC_VM_START);
	EXPECT_FALSE(vm_ended(self->shared));
	EXPECT_TRUE(vms_destroy_persistent(self->dev));
	EXPECT_TRUE(!switch_del(self->dev, OTHERS) || errno == ENOENT);
	EXPECT_TRUE(wait_until(!ioctl(self->dev, DENALI_IOC_TENANT_DEL, &del) || errno == ENOENT, SOON_MS));
	EXPECT_TRUE(wait_until(!ioctl(self->dev, DENALI_IOC_POOL_SET, &set), SOON_MS));
	guest_var_put(self->progress);
	close(self->canary);
	close(self->shared);
	EXPECT_TRUE(wait_until(vm_count(self->dev) == self->vms, SOON_MS));
	EXPECT_TRUE(wait_until(pool_free(self->dev) == self->info.pool_free, SOON_MS));
	EXPECT_EQ(guest_run(self->dev, "basic", GUEST_MEM, "exit 7", &st), 0);
	EXPECT_EQ(st.status, 7);
	close(self->dev);
}

TEST_F_TIMEOUT(survive, kill_at_any_moment, 120)
{
	pid_t pid[ARRAY_SIZE(all_kinds)];
	uint64_t until;
	unsigned int i;

	for (i = 0; variant->kind && i < ROUNDS; i++) {
		*self->at_work = 0;
		pid[0] = begin(self, variant->kind);
		EXPECT_TRUE(wait_until(*self->at_work, SOON_MS));
		usleep(random_us(self));
		ASSERT_TRUE(end(pid[0]))
			TH_LOG("round %u", i);
	}
	if (variant->kind)
		return;

	for (i = 0; i < ARRAY_SIZE(pid); i++)
		pid[i] = begin(self, all_kinds[i]);
	until = now_ns() + 3000000000ULL;
	while (now_ns() < until) {
		i = rand_r(&self->seed) % ARRAY_SIZE(pid);
		end(pid[i]);
		pid[i] = begin(self, all_kinds[i]);
		usleep(random_us(self));
	}
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		end(pid[i]);
}

TEST_HARNESS_MAIN
