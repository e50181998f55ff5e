// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations that fail: each request is made with its first allocation failing,
 * then its second, to the one after its last (/proc/PID/fail-nth: slab, pages, copies
 * from and to user space). It fails with ENOMEM or EFAULT, nothing is left of it, and
 * the next try works. Then the same for those of a runner: VMs go on without. Needs a
 * kernel with fault injection: make test-debug.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "ethernet.h"
#include "guests/puppet.h"
#include "lib.h"
#include "nl.h"
#include "share.h"

#define FAULTS	"/sys/kernel/debug/"

/* More than any request makes. */
#define MANY	2000

static int nth;		/* of who is to fail */

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

/* Return: false if this kernel can't make allocations fail. */
static bool faults_ready(const char *task)
{
	static const char * const kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	char path[128];
	int i;

	snprintf(path, sizeof(path), "/proc/%s/fail-nth", task);
	nth = open(path, O_RDWR | O_CLOEXEC);
	if (nth < 0 || access(FAULTS "failslab", F_OK) < 0)
		return false;
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), FAULTS "%s/verbose", kinds[i]);
		write_to(path, "0");
	}
	write_to(FAULTS "failslab/ignore-gfp-wait", "N");
	write_to(FAULTS "fail_page_alloc/ignore-gfp-wait", "N");
	write_to(FAULTS "fail_page_alloc/ignore-gfp-highmem", "N");
	write_to(FAULTS "fail_page_alloc/min-order", "0");
	return true;
}

struct try {
	int dev;
	int vm;			/* has its image and can start */
	uint64_t id;		/* of it */
	int tap;
	int template;
	int clone;		/* of it, never started */
	int victim;		/* another VM, of those that prepare it */
	int con;		/* its console, */
	ssize_t got;		/* and what was read from it */
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

static int try_info(struct try *t)
{
	struct denali_info info;

	return ioctl(t->dev, DENALI_IOC_INFO, &info);
}

static int try_state(struct try *t)
{
	struct denali_vm_state st;

	return ioctl(t->vm, DENALI_IOC_VM_STATE, &st);
}

static bool ready_victim(struct try *t)
{
	t->victim = guest_start(t->dev, "basic", GUEST_MEM, "tick");
	return t->victim >= 0;
}

static int try_kill(struct try *t)
{
	return vm_ctl(t->victim, DENALI_IOC_VM_KILL);
}

static int try_destroy(struct try *t)
{
	return vm_ctl(t->victim, DENALI_IOC_VM_DESTROY);
}

#define LINES	"4"
#define BYTES	(4 * 16)

static bool ready_console(struct try *t)
{
	t->victim = guest_start_console(t->dev, "console", GUEST_MEM, "lines " LINES, &t->con);
	return t->victim >= 0 && vm_wait(t->victim, SOON_MS) == 0;
}

static int try_console_read(struct try *t)
{
	char buf[BYTES + 1];

	t->got = read(t->con, buf, sizeof(buf));
	return t->got < 0 ? -1 : 0;
}

/* What couldn't be given to the reader is there for his next try. */
static bool after_console(struct try *t)
{
	char buf[BYTES + 1];

	return (t->got < 0 ? 0 : t->got) + read(t->con, buf, sizeof(buf)) == BYTES;
}

static bool ready_switch(struct try *t)
{
	return switch_add(t->dev, ADDED, 0, 0) == 0;
}

static int try_switch_del(struct try *t)
{
	return switch_del(t->dev, ADDED);
}

static bool ready_tenant(struct try *t)
{
	return tenant_set(t, ADDED, DENALI_TENANT_NEW, 1) == 0;
}

static int try_tenant_del(struct try *t)
{
	return tenant_del(t, ADDED);
}

static int try_listen(struct try *t)
{
	return with_nl(nl_subscribe);
}

/* What a request, or what came before it, may have made. */
static void others_as_before(struct try *t)
{
	const struct denali_switch_tap none = {
		.name = SWITCH, .role = DENALI_SWITCH_UPLINK, .tap_fd = -1,
	};

	ioctl(t->dev, DENALI_IOC_SWITCH_TAP, &none);
	switch_del(t->dev, ADDED);
	tenant_del(t, ADDED);
	close(t->con);
	close(t->victim);
	t->con = -1;
	t->victim = -1;
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
	bool (*ready)(struct try *t);	/* what it needs, made just before */
	bool (*after)(struct try *t);	/* true if all is as it should be, whether it failed or not */
	bool any_error;		/* also such as a library makes of it */
	bool none;		/* no allocation makes it fail, and that should stay so */
};

/* @what of the host's interface it is for: tools/check looks that all of it is here. */
#define REQUEST(name, what, ...)						\
	FIXTURE_VARIANT_ADD(faults, name) { .call = try_##name, __VA_ARGS__ }

REQUEST(open, open);
REQUEST(info, DENALI_IOC_INFO);
REQUEST(create, DENALI_IOC_VM_CREATE);
REQUEST(create_waiting, DENALI_IOC_VM_CREATE);
REQUEST(create_in, DENALI_IOC_VM_CREATE);
REQUEST(open_name, DENALI_IOC_VM_OPEN);
REQUEST(open_id, DENALI_IOC_VM_OPEN);
REQUEST(setup, DENALI_IOC_VM_SETUP);
REQUEST(clone_setup, DENALI_IOC_VM_SETUP);
REQUEST(map, mmap);
REQUEST(console, DENALI_IOC_VM_CONSOLE);
REQUEST(console_input, write);
REQUEST(console_read, read, .ready = ready_console, .after = after_console);
REQUEST(nic, DENALI_IOC_VM_NIC);
REQUEST(switch_nic, DENALI_IOC_VM_NIC);
REQUEST(pool, DENALI_IOC_POOL_SET);
REQUEST(pool_shrink, DENALI_IOC_POOL_SET);
REQUEST(run, DENALI_IOC_VM_START DENALI_IOC_VM_STOP, .none = true);
REQUEST(kill, DENALI_IOC_VM_KILL, .ready = ready_victim, .none = true);
REQUEST(destroy, DENALI_IOC_VM_DESTROY, .ready = ready_victim, .none = true);
REQUEST(state, DENALI_IOC_VM_STATE);
REQUEST(clone, DENALI_IOC_VM_CLONE);
REQUEST(clones, DENALI_IOC_VM_CLONES);
REQUEST(reset, DENALI_IOC_VM_RESET, .none = true);
REQUEST(restart, DENALI_IOC_VM_RESTART, .none = true);
REQUEST(share, DENALI_IOC_VM_SHARE);
REQUEST(switch_add, DENALI_IOC_SWITCH_ADD);
REQUEST(switch_del, DENALI_IOC_SWITCH_DEL, .ready = ready_switch);
REQUEST(switch_tap, DENALI_IOC_SWITCH_TAP);
REQUEST(switch_dump, DENALI_CMD_SWITCH_GET, .any_error = true);
REQUEST(tenant_new, DENALI_IOC_TENANT_SET);
REQUEST(tenant_set, DENALI_IOC_TENANT_SET);
REQUEST(tenant_del, DENALI_IOC_TENANT_DEL, .ready = ready_tenant);
REQUEST(tenant_dump, DENALI_CMD_TENANT_GET, .any_error = true);
REQUEST(counters, DENALI_CMD_VM_GET, .any_error = true);
REQUEST(dump, DENALI_CMD_VM_GET, .any_error = true);
REQUEST(listen, DENALI_GENL_GROUP, .any_error = true);

FIXTURE_SETUP(faults)
{
	struct ifreq ifr = { .ifr_name = "faults0", .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	struct denali_info info;

	self->t.dev = -1;
	if (!faults_ready("thread-self"))
		return;
	self->t.dev = dev_open();
	ASSERT_GE(self->t.dev, 0);
	ASSERT_EQ(nl_open(&self->events), 0);
	ASSERT_EQ(nl_subscribe(&self->events), 0);
	self->t.vm = -1;
	self->t.victim = -1;
	self->t.con = -1;
	self->t.tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->t.tap, 0);
	ASSERT_EQ(ioctl(self->t.tap, TUNSETIFF, &ifr), 0);
	self->t.template = template_make(self->t.dev, GUEST_MEM);
	ASSERT_GE(self->t.template, 0);
	ASSERT_EQ(switch_add(self->t.dev, SWITCH, 0, 0), 0);
	dev_info(self->t.dev, &info);
	self->free = info.pool_free;
	self->t.pool = info.pool_bytes;
	self->vms = vm_count(self->t.dev);
}

FIXTURE_TEARDOWN(faults)
{
	close(nth);
	if (self->t.dev < 0)
		return;
	EXPECT_TRUE(wait_until(vm_count(self->t.dev) == self->vms, SOON_MS));
	EXPECT_TRUE(wait_until(pool_free(self->t.dev) == self->free, SOON_MS));
	close(self->events.fd);
	close(self->t.template);
	EXPECT_EQ(switch_del(self->t.dev, SWITCH), 0);
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
		ASSERT_TRUE(!variant->ready || variant->ready(t));

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
		EXPECT_TRUE(!variant->after || variant->after(t))
			TH_LOG("allocation %d", n);
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

/*
 * A runner's allocations: page tables, the output of a console, frames that a switch holds or copies,
 * what the kernel needs to send one on, events. No request waits for them.
 */
#define CPU	0

FIXTURE(runner) {
	int dev;
	struct nl events;
	uint64_t free;
	unsigned int vms;
	int canary;		/* has the same runner */
	volatile uint32_t *progress;
	int tap[2];
};

typedef FIXTURE_DATA(runner) context;

FIXTURE_VARIANT(runner) {
	/* Does with the @n-th allocation failing what the variant says. Return: false if that goes wrong. */
	bool (*act)(context *self, int n);
	bool lost;		/* without memory something is lost, and it says so */
};

/* Of the last act: no allocation was left that would have failed; so much was lost, and counted. */
static bool done;
static int lost;

/* The thread of the runner that has the VMs of no tenant's on a CPU. */
static bool runner_task(char task[NAME_MAX + 1])
{
	char path[NAME_MAX + 16], comm[64], want[64];
	struct dirent *d;
	DIR *proc = opendir("/proc");
	FILE *f;

	snprintf(want, sizeof(want), "denali/%d\n", CPU);
	*task = 0;
	while (!*task && (d = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", d->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(comm, sizeof(comm), f) && !strcmp(comm, want))
			strcpy(task, d->d_name);
		fclose(f);
	}
	closedir(proc);
	return *task;
}

/* A VM that only this runner runs, and doesn't yet. */
static int make(context *self, const char *guest, const char *cmdline)
{
	int vm = guest_make(self->dev, guest, GUEST_MEM, cmdline);

	if (vm >= 0 && cpus_set(vm, 1 << CPU) == 0)
		return vm;
	close(vm);
	return -1;
}

/* And up to its end, which must be a good one. */
static bool run(int vm)
{
	struct denali_vm_state st = { 0 };

	if (vm_ctl(vm, DENALI_IOC_VM_START) || vm_wait(vm, SOON_MS))
		return false;
	vm_state(vm, &st);
	if (st.reason != DENALI_END_EXIT)
		printf("# %s\n", st.text);
	return st.reason == DENALI_END_EXIT;
}

static bool act_run(context *self, int n)
{
	int vm = make(self, "basic", "exit 7");
	bool ok;

	fail_at(n);
	ok = run(vm);
	done = not_reached();
	close(vm);
	return ok;
}

#define MUCH	100

static bool act_console(context *self, int n)
{
	static char buf[MUCH * 16 + 1];
	int vm = make(self, "console", "lines 100"), con;
	uint64_t id = vm_id(vm);
	struct nl_vm counters;
	ssize_t len;
	bool ok;

	fail_at(n);
	ok = run(vm);
	done = not_reached();
	con = console_open(vm);
	len = console_read(con, buf, sizeof(buf), SOON_MS);
	ok = ok && len >= 0 && vm_counters(id, &counters) && len + counters.console_lost == MUCH * 16;
	/* The end of it is there, if anything. */
	ok = ok && (!len || !strcmp(buf + len - 16, "line 0000000099\n"));
	lost = counters.console_lost;
	close(con);
	close(vm);
	return ok;
}

static bool act_template(context *self, int n)
{
	int vm = vm_create(self->dev, GUEST_MEM, DENALI_CREATE_TEMPLATE, NULL), clone;
	bool ok = vm >= 0 && cpus_set(vm, 1 << CPU) == 0;

	fail_at(n);
	ok = ok && template_boot(vm, "template", "make");
	clone = clone_make(vm, "look");
	ok = ok && cpus_set(clone, 1 << CPU) == 0 && run(clone);
	done = not_reached();
	close(clone);
	close(vm);
	return ok;
}

/* A VM that sends what it is told to, on a switch. */
static int puppet_start(context *self, volatile struct puppet **p)
{
	int vm = make(self, "nic", "puppet");

	if (vm >= 0 && switch_plug(vm, 1, SWITCH) == 0 && vm_ctl(vm, DENALI_IOC_VM_START) == 0) {
		*p = guest_var(vm, "nic", "puppet");
		if (*p)
			return vm;
	}
	close(vm);
	return -1;
}

/* Return: what became of it, as the guest was told, or 1. */
static int puppet_send(volatile struct puppet *p, int to)
{
	uint8_t frame[sizeof(p->frame)];

	frame_make(frame, 1, to, 0);
	for (size_t i = 0; i < LEN; i++)
		p->frame[i] = frame[i];
	p->len = LEN;
	p->go++;
	return wait_until(p->done == p->go, SOON_MS) ? p->status : 1;
}

/* To a neighbour who has no buffer: it is held for him or counted as lost. */
static bool act_hold(context *self, int n)
{
	int to = make(self, "nic", "rx-none"), from;
	uint64_t id = vm_id(to);
	volatile struct puppet *p = NULL;
	struct nl_vm counters = { 0 };
	bool ok;

	ok = switch_plug(to, 2, SWITCH) == 0 && vm_ctl(to, DENALI_IOC_VM_START) == 0;
	from = puppet_start(self, &p);
	ok = ok && from >= 0 && puppet_send(p, 2) == 0;
	fail_at(n);
	ok = ok && puppet_send(p, 2) == 0 && vm_counters(id, &counters);
	done = not_reached();
	lost = counters.port[1].rx_drops;
	ok = ok && lost <= 1 && counters.port[1].rx_packets == 0;
	/* The next one waits as the first does. */
	ok = ok && puppet_send(p, 2) == 0 && vm_counters(id, &counters) && counters.port[1].rx_drops == lost;
	guest_var_put(p);
	close(from);
	close(to);
	return ok;
}

/* To all: out of the uplink, and the mirror has it as well. */
static bool act_uplink(context *self, int n)
{
	struct nl_switch before = { 0 }, sw = { 0 };
	volatile struct puppet *p = NULL;
	struct nl nl;
	int from, status;
	bool ok;

	if (nl_open(&nl))
		return false;
	from = puppet_start(self, &p);
	ok = from >= 0 && puppet_send(p, -1) == 0 && nl_switch_get(&nl, SWITCH, &before) == 0;
	fail_at(n);
	status = ok ? puppet_send(p, -1) : 1;
	done = not_reached();
	ok = ok && nl_switch_get(&nl, SWITCH, &sw) == 0;
	lost = (status < 0) + sw.unmirrored - before.unmirrored;
	ok = ok && status <= 0 && lost <= 1;
	/* The next one goes out as ever. */
	ok = ok && puppet_send(p, -1) == 0 && nl_switch_get(&nl, SWITCH, &before) == 0 &&
	     sw.unmirrored == before.unmirrored;
	close(nl.fd);
	guest_var_put(p);
	close(from);
	return ok;
}

#define RUNNER(name, ...)							\
	FIXTURE_VARIANT_ADD(runner, name) { .act = act_##name, __VA_ARGS__ }

RUNNER(run);
RUNNER(console, .lost = true);
RUNNER(template);
RUNNER(hold, .lost = true);
RUNNER(uplink, .lost = true);

FIXTURE_SETUP(runner)
{
	static const char *const names[] = { "faults-up", "faults-mirror" };
	char task[NAME_MAX + 1];

	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	ASSERT_TRUE(runner_task(task));
	if (!faults_ready(task)) {
		close(self->dev);
		self->dev = -1;
		return;
	}
	self->free = pool_free(self->dev);
	self->vms = vm_count(self->dev);
	ASSERT_EQ(nl_open(&self->events), 0);
	ASSERT_EQ(nl_subscribe(&self->events), 0);
	/* No frames of the host's own between those of the tests. */
	ASSERT_EQ(unshare(CLONE_NEWNET), 0);
	ASSERT_TRUE(file_put("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"));
	self->canary = guest_make(self->dev, "basic", GUEST_MEM, "tick");
	ASSERT_EQ(cpus_set(self->canary, 1 << CPU), 0);
	ASSERT_EQ(vm_ctl(self->canary, DENALI_IOC_VM_START), 0);
	self->progress = guest_var(self->canary, "basic", "progress");
	ASSERT_NE(self->progress, NULL);
	ASSERT_EQ(switch_add(self->dev, SWITCH, 0, 0), 0);
	for (int i = 0; i < 2; i++) {
		self->tap[i] = uplink_open(names[i]);
		ASSERT_GE(self->tap[i], 0);
		ASSERT_EQ(switch_tap(self->dev, SWITCH, i ? DENALI_SWITCH_MIRROR : DENALI_SWITCH_UPLINK,
				     self->tap[i]), 0);
	}
}

FIXTURE_TEARDOWN(runner)
{
	close(nth);
	if (self->dev < 0)
		return;
	guest_var_put(self->progress);
	close(self->canary);
	EXPECT_EQ(switch_del(self->dev, SWITCH), 0);
	EXPECT_TRUE(wait_until(vm_count(self->dev) == self->vms, SOON_MS));
	EXPECT_TRUE(wait_until(pool_free(self->dev) == self->free, SOON_MS));
	for (int i = 0; i < 2; i++)
		close(self->tap[i]);
	close(self->events.fd);
	close(self->dev);
}

TEST_F_TIMEOUT(runner, each, 120)
{
	int n, losses = 0;
	uint32_t before;

	if (self->dev < 0)
		SKIP(return, "this kernel can't make allocations fail");
	for (n = 1, done = false; n < MANY && !done; n++) {
		lost = 0;
		ASSERT_TRUE(variant->act(self, n))
			TH_LOG("allocation %d", n);
		losses += !!lost;
		before = *self->progress;
		EXPECT_TRUE(wait_until(*self->progress != before, SOON_MS));
		EXPECT_TRUE(wait_until(vm_count(self->dev) == self->vms + 1, SOON_MS))
			TH_LOG("allocation %d: a VM is left", n);
	}
	EXPECT_LT(n, MANY);
	EXPECT_GT(n, 2);
	EXPECT_EQ(losses > 0, variant->lost);
	TH_LOG("%d allocations, %d losses", n - 2, losses);
}

TEST_HARNESS_MAIN
