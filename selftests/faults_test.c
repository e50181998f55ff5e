// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations that fail: each request is made with its first allocation failing,
 * then its second, to the one after its last (/proc/PID/fail-nth: slab, pages, copies
 * from and to user space). It fails with ENOMEM or EFAULT, nothing is left of it, and
 * the next try works. Needs a kernel with fault injection: make test-debug.
 */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib.h"
#include "nl.h"

#define FAULTS	"/sys/kernel/debug/"

/* More than any request makes. */
#define MANY	2000

static int nth;

/* Where the kernel has no such switch there are no such allocations. */
static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}

static void fail_at(int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", n);
	if (pwrite(nth, text, strlen(text), 0) < 0)
		perror("fail-nth");
}

/* Was there an allocation left that would have failed? Reading that may be the one. */
static bool not_reached(void)
{
	char text[16] = "";
	ssize_t len = pread(nth, text, sizeof(text) - 1, 0);

	/* Nor may this copy: what is left was one more at least. */
	while (pwrite(nth, "0", 1, 0) < 0)
		;
	return len < 0 || atoi(text) > 0;
}

struct try {
	int dev;
	int vm;			/* has its image and can start */
	uint64_t id;		/* of it */
	int tap;
	int template;
	int clone;		/* of it, never started */
	uint32_t entry;
	uint64_t pool;		/* its size */
};

#define CLONES	3
#define SWITCH	"faults"	/* there is one of this name */
#define TENANT	SWITCH
#define ADDED	"faults-added"

static int try_open(struct try *t)
{
	return dev_open();
}

static int try_create(struct try *t)
{
	return vm_create(t->dev, GUEST_MEM, 0, "faults");
}

static int try_create_waiting(struct try *t)
{
	return vm_create(t->dev, GUEST_MEM, DENALI_CREATE_WAIT, "faults");
}

static int try_open_name(struct try *t)
{
	return vm_open_name(t->dev, "made");
}

static int try_setup(struct try *t)
{
	return vm_setup(t->vm, t->entry, "exit 7");
}

static int try_map(struct try *t)
{
	volatile uint8_t *p = vm_map(t->vm, 0x2000, 0x2000);

	if (!p)
		return -1;
	/* This fault is tried again by the kernel. */
	(void)*p;
	/* This may fail, and the mapping would hold the VM's memory. */
	while (munmap((void *)p, 0x2000) < 0)
		;
	return 0;
}

static int try_console(struct try *t)
{
	return console_open(t->vm);
}

static int try_nic(struct try *t)
{
	struct denali_vm_nic nic = {
		.port = DENALI_NIC_NEW_PORT, .tap_fd = t->tap, .mac = { 2, 0, 0, 0, 0, 1 },
		.flags = DENALI_NIC_VNET_HDR, .vnet_hdr_len = 10,
	};

	return ioctl(t->vm, DENALI_IOC_VM_NIC, &nic);
}

static int try_pool(struct try *t)
{
	struct denali_pool_set set = { .bytes = t->pool + (4 << 20) };

	return ioctl(t->dev, DENALI_IOC_POOL_SET, &set);
}

static int try_pool_shrink(struct try *t)
{
	struct denali_pool_set set = { .bytes = t->pool - (4 << 20) };

	return ioctl(t->dev, DENALI_IOC_POOL_SET, &set);
}

static int try_run(struct try *t)
{
	if (vm_ctl(t->vm, DENALI_IOC_VM_START) < 0)
		return -1;
	if (vm_ctl(t->vm, DENALI_IOC_VM_STOP) < 0 && errno != ESHUTDOWN)
		return -1;
	return 0;
}

static int try_open_id(struct try *t)
{
	return vm_open_id(t->dev, t->id);
}

static int try_create_in(struct try *t)
{
	struct denali_vm_create arg = {
		.mem_bytes = GUEST_MEM, .flags = DENALI_CREATE_WAIT | DENALI_CREATE_SYNC_IRQ,
		.tenant = TENANT,
	};

	return ioctl(t->dev, DENALI_IOC_VM_CREATE, &arg);
}

static int try_clone(struct try *t)
{
	return clone_flags(t->template, 0, "faults");
}

static int try_clones(struct try *t)
{
	int32_t fds[CLONES];
	struct denali_vm_clones clones = {
		.count = CLONES, .first = 1, .name = "faults", .fds = (uintptr_t)fds,
	};

	if (ioctl(t->template, DENALI_IOC_VM_CLONES, &clones) < 0)
		return -1;
	for (int i = 0; i < CLONES; i++)
		close(fds[i]);
	return 0;
}

static int try_clone_setup(struct try *t)
{
	return vm_setup(t->clone, 0, "look");
}

static int try_reset(struct try *t)
{
	return vm_ctl(t->clone, DENALI_IOC_VM_RESET);
}

/* Whatever it did until it was stopped, it is as before after that. */
static int try_restart(struct try *t)
{
	if (vm_ctl(t->clone, DENALI_IOC_VM_RESTART) < 0)
		return -1;
	if (vm_ctl(t->clone, DENALI_IOC_VM_STOP) < 0 && errno != ESHUTDOWN)
		return -1;
	return vm_ctl(t->clone, DENALI_IOC_VM_RESET);
}

static int try_share(struct try *t)
{
	const struct denali_vm_share share = {
		.set = DENALI_SHARE_WEIGHT | DENALI_SHARE_CAP | DENALI_SHARE_CPUS,
		.weight = 50, .cap = 90, .cpus = { 1 },
	};

	return ioctl(t->vm, DENALI_IOC_VM_SHARE, &share);
}

static int try_console_input(struct try *t)
{
	int con = console_open(t->vm), ret;

	if (con < 0)
		return -1;
	ret = write(con, "input", 5) < 0 ? -1 : 0;
	close(con);
	return ret;
}

static int try_switch_add(struct try *t)
{
	const struct denali_switch_add add = { .name = ADDED };

	return ioctl(t->dev, DENALI_IOC_SWITCH_ADD, &add);
}

static int try_switch_tap(struct try *t)
{
	const struct denali_switch_tap tap = {
		.name = SWITCH, .role = DENALI_SWITCH_UPLINK, .tap_fd = t->tap,
		.flags = DENALI_NIC_VNET_HDR | DENALI_NIC_OFFLOAD, .vnet_hdr_len = 10,
	};

	return ioctl(t->dev, DENALI_IOC_SWITCH_TAP, &tap);
}

static int try_switch_nic(struct try *t)
{
	struct denali_vm_nic nic = {
		.port = DENALI_NIC_NEW_PORT, .tap_fd = -1, .mac = { 2, 0, 0, 0, 0, 1 },
		.flags = DENALI_NIC_SWITCH, .sw = SWITCH,
	};

	return ioctl(t->vm, DENALI_IOC_VM_NIC, &nic);
}

static int tenant_set(struct try *t, const char *name, uint32_t flags, uint64_t cpus)
{
	struct denali_tenant_set set = {
		.flags = flags, .set = DENALI_TENANT_CPUS | DENALI_TENANT_VMS, .cpus = { cpus }, .vms = 10,
	};

	strcpy(set.name, name);
	return ioctl(t->dev, DENALI_IOC_TENANT_SET, &set);
}

static int tenant_del(struct try *t, const char *name)
{
	struct denali_tenant_del del = { 0 };

	strcpy(del.name, name);
	return ioctl(t->dev, DENALI_IOC_TENANT_DEL, &del);
}

static int try_tenant_new(struct try *t)
{
	return tenant_set(t, ADDED, DENALI_TENANT_NEW, 1);
}

/* Another CPU, where it has no runner. */
static int try_tenant_set(struct try *t)
{
	return tenant_set(t, TENANT, 0, 2);
}

/* What @get gets, by a socket of its own. */
static int with_nl(int (*get)(struct nl *nl))
{
	struct nl nl;
	int ret;

	if (nl_open(&nl) < 0)
		return -1;
	ret = get(&nl);
	close(nl.fd);
	return ret < 0 ? -1 : 0;
}

static int get_tenant(struct nl *nl)
{
	struct nl_tenant tenant;

	return nl_tenant_get(nl, TENANT, &tenant);
}

static int try_tenant_dump(struct try *t)
{
	return with_nl(get_tenant);
}

/* What a request may have made of switches and tenants. */
static void others_as_before(struct try *t)
{
	const struct denali_switch_tap none = {
		.name = SWITCH, .role = DENALI_SWITCH_UPLINK, .tap_fd = -1,
	};
	const struct denali_switch_del del = { .name = ADDED };

	ioctl(t->dev, DENALI_IOC_SWITCH_TAP, &none);
	ioctl(t->dev, DENALI_IOC_SWITCH_DEL, &del);
	tenant_del(t, ADDED);
}

static int get_switch(struct nl *nl)
{
	struct nl_switch sw;

	return nl_switch_get(nl, SWITCH, &sw);
}

static int try_switch_dump(struct try *t)
{
	return with_nl(get_switch);
}

static int try_counters(struct try *t)
{
	struct nl_vm vm;

	return vm_counters(t->id, &vm) ? 0 : -1;
}

static void count(const struct nl_vm *vm, void *arg)
{
	++*(int *)arg;
}

static int get_all(struct nl *nl)
{
	int n = 0;

	return nl_vm_dump(nl, count, &n);
}

static int try_dump(struct try *t)
{
	return with_nl(get_all);
}

FIXTURE(faults) {
	struct try t;
	struct nl events;	/* somebody listens: he is told of what has failed, too */
	uint64_t free;
	unsigned int vms;
};

FIXTURE_VARIANT(faults) {
	int (*call)(struct try *t);
	bool any_error;		/* also such as a library makes of it */
	bool none;		/* it allocates nothing, and should stay so */
};

#define REQUEST(name, ...)							\
	FIXTURE_VARIANT_ADD(faults, name) { .call = try_##name, __VA_ARGS__ }

REQUEST(open);
REQUEST(create);
REQUEST(create_waiting);
REQUEST(open_name);
REQUEST(setup);
REQUEST(map);
REQUEST(console);
REQUEST(nic);
REQUEST(pool);
REQUEST(pool_shrink);
REQUEST(run, .none = true);
REQUEST(dump, .any_error = true);
REQUEST(open_id);
REQUEST(create_in);
REQUEST(clone);
REQUEST(clones);
REQUEST(clone_setup);
REQUEST(reset, .none = true);
REQUEST(restart, .none = true);
REQUEST(share);
REQUEST(console_input);
REQUEST(switch_add);
REQUEST(switch_tap);
REQUEST(switch_nic);
REQUEST(switch_dump, .any_error = true);
REQUEST(tenant_new);
REQUEST(tenant_set);
REQUEST(tenant_dump, .any_error = true);
REQUEST(counters, .any_error = true);

FIXTURE_SETUP(faults)
{
	static const char * const kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	struct ifreq ifr = { .ifr_name = "faults0", .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	const struct denali_switch_add add = { .name = SWITCH };
	struct denali_info info;
	char path[128];
	int i;

	self->t.dev = -1;
	nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth < 0 || access(FAULTS "failslab", F_OK) < 0)
		return;
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), FAULTS "%s/verbose", kinds[i]);
		write_to(path, "0");
	}
	write_to(FAULTS "failslab/ignore-gfp-wait", "N");
	write_to(FAULTS "fail_page_alloc/ignore-gfp-wait", "N");
	write_to(FAULTS "fail_page_alloc/ignore-gfp-highmem", "N");
	write_to(FAULTS "fail_page_alloc/min-order", "0");
	self->t.dev = dev_open();
	ASSERT_GE(self->t.dev, 0);
	ASSERT_EQ(nl_open(&self->events), 0);
	ASSERT_EQ(nl_subscribe(&self->events), 0);
	self->t.vm = -1;
	self->t.tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->t.tap, 0);
	ASSERT_EQ(ioctl(self->t.tap, TUNSETIFF, &ifr), 0);
	self->t.template = template_make(self->t.dev, GUEST_MEM);
	ASSERT_GE(self->t.template, 0);
	ASSERT_EQ(ioctl(self->t.dev, DENALI_IOC_SWITCH_ADD, &add), 0);
	dev_info(self->t.dev, &info);
	self->free = info.pool_free;
	self->t.pool = info.pool_bytes;
	self->vms = vm_count(self->t.dev);
}

FIXTURE_TEARDOWN(faults)
{
	const struct denali_switch_del del = { .name = SWITCH };

	close(nth);
	if (self->t.dev < 0)
		return;
	EXPECT_TRUE(wait_until(vm_count(self->t.dev) == self->vms, SOON_MS));
	EXPECT_TRUE(wait_until(pool_free(self->t.dev) == self->free, SOON_MS));
	close(self->events.fd);
	close(self->t.template);
	EXPECT_EQ(ioctl(self->t.dev, DENALI_IOC_SWITCH_DEL, &del), 0);
	close(self->t.tap);
	close(self->t.dev);
}

TEST_F_TIMEOUT(faults, each, 120)
{
	struct denali_pool_set pool = { 0 };
	struct denali_vm_state st;
	struct try *t = &self->t;
	int n, ret, err, failed = 0;
	unsigned int vms;
	uint64_t free;
	bool done;

	if (t->dev < 0)
		SKIP(return, "this kernel can't make allocations fail");
	for (n = 1; n < MANY; n++) {
		t->vm = vm_create(t->dev, GUEST_MEM, 0, "made");
		ASSERT_GE(t->vm, 0);
		ASSERT_EQ(guest_load(t->vm, "basic", &t->entry), 0);
		ASSERT_EQ(vm_setup(t->vm, t->entry, "exit 7"), 0);
		t->id = vm_id(t->vm);
		ASSERT_EQ(tenant_set(t, TENANT, DENALI_TENANT_NEW, 1), 0);
		t->clone = clone_flags(t->template, 0, NULL);
		ASSERT_GE(t->clone, 0);
		free = pool_free(t->dev);
		vms = vm_count(t->dev);

		fail_at(n);
		ret = variant->call(t);
		err = errno;
		done = not_reached();
		if (ret < 0) {
			failed++;
			EXPECT_TRUE(err == ENOMEM || err == EFAULT || variant->any_error)
				TH_LOG("allocation %d: %s", n, strerror(err));
		} else if (ret > 0) {
			close(ret);
		}
		others_as_before(t);
		/* A pool that didn't become what was asked for came as near as it could. */
		pool.bytes = t->pool;
		ASSERT_EQ(ioctl(t->dev, DENALI_IOC_POOL_SET, &pool), 0);
		EXPECT_TRUE(wait_until(vm_count(t->dev) == vms, SOON_MS))
			TH_LOG("allocation %d: a VM is left", n);
		EXPECT_TRUE(wait_until(pool_free(t->dev) == free, SOON_MS))
			TH_LOG("allocation %d: memory is left", n);

		/* Whatever it did, the VM it did it to works. */
		ret = vm_ctl(t->vm, DENALI_IOC_VM_START);
		EXPECT_TRUE(!ret || errno == EALREADY || errno == ESHUTDOWN)
			TH_LOG("allocation %d: %s", n, strerror(errno));
		EXPECT_EQ(vm_wait(t->vm, SOON_MS), 0);
		vm_state(t->vm, &st);
		EXPECT_EQ(st.reason, DENALI_END_EXIT);
		EXPECT_EQ(st.status, 7)
			TH_LOG("allocation %d: status %d", n, st.status);
		close(t->vm);
		/* And so does the clone. */
		ASSERT_EQ(vm_setup(t->clone, 0, "look"), 0);
		ASSERT_EQ(vm_ctl(t->clone, DENALI_IOC_VM_START), 0);
		EXPECT_EQ(vm_wait(t->clone, SOON_MS), 0);
		vm_state(t->clone, &st);
		EXPECT_EQ(st.reason, DENALI_END_EXIT)
			TH_LOG("allocation %d: %s", n, st.text);
		close(t->clone);
		EXPECT_TRUE(wait_until(!tenant_del(t, TENANT), SOON_MS))
			TH_LOG("allocation %d: %s", n, strerror(errno));
		if (done)
			break;
	}
	EXPECT_LT(n, MANY);
	EXPECT_EQ(failed == 0, variant->none)
		TH_LOG("%d of %d allocations made it fail", failed, n - 1);
	TH_LOG("%d allocations, %d failures", n - 1, failed);
}

TEST_HARNESS_MAIN
