// SPDX-License-Identifier: GPL-2.0
/* The gatekeeper: VMs that wait for memory or for their turn to run, and in which order they get it. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <denali/vregs.h>

#include "kselftest_harness.h"
#include "ethernet.h"
#include "fixture.h"
#include "nl.h"
#include "share.h"

#define MEM		(64U << 10)
#define BLOCKS		4
#define NOBODY		65534

static int tenant_ioctl(int dev, uint32_t flags, struct denali_tenant_set set)
{
	set.flags = flags;
	strcpy(set.name, "t");
	return ioctl(dev, DENALI_IOC_TENANT_SET, &set);
}

#define tenant_new(dev, ...) \
	tenant_ioctl(dev, DENALI_TENANT_NEW, (struct denali_tenant_set){ __VA_ARGS__ })
#define tenant_set(dev, ...) \
	tenant_ioctl(dev, 0, (struct denali_tenant_set){ __VA_ARGS__ })

static int tenant_del(int dev)
{
	struct denali_tenant_del del = { .name = "t" };

	return ioctl(dev, DENALI_IOC_TENANT_DEL, &del);
}

static bool tenant_get(struct nl_tenant *tenant)
{
	struct nl nl;
	bool ok;

	if (nl_open(&nl))
		return false;
	ok = !nl_tenant_get(&nl, "t", tenant);
	close(nl.fd);
	return ok;
}

static int create(int dev, const char *name, uint64_t mem, uint32_t flags, const char *tenant,
		  uint32_t priority)
{
	struct denali_vm_create arg = { .mem_bytes = mem, .flags = flags, .priority = priority };

	strcpy(arg.name, name);
	strcpy(arg.tenant, tenant);
	return ioctl(dev, DENALI_IOC_VM_CREATE, &arg);
}

struct find {
	const char *name;
	struct nl_vm *vm;
	bool found;
};

static void find_one(const struct nl_vm *vm, void *arg)
{
	struct find *find = arg;

	if (strcmp(vm->name, find->name))
		return;
	*find->vm = *vm;
	find->found = true;
}

/* The VM of that name, as a list shows it. */
static bool shown(const char *name, struct nl_vm *vm)
{
	struct find find = { .name = name, .vm = vm };
	struct nl nl;

	if (nl_open(&nl))
		return false;
	nl_vm_dump(&nl, find_one, &find);
	close(nl.fd);
	return find.found;
}

static uint32_t place_of(const char *name)
{
	struct nl_vm vm;

	return shown(name, &vm) && vm.state == DENALI_VM_WAITING ? vm.place : 0;
}

/* The pool is full, of BLOCKS VMs; others wait in processes of their own. */
FIXTURE(memory) {
	int dev;
	uint64_t part;
	int block[BLOCKS];
	int admitted[2];	/* a pipe: who has been, or '-' for who failed and then errno */
};

FIXTURE_SETUP(memory)
{
	struct denali_info info;

	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	dev_info(self->dev, &info);
	self->part = info.pool_free / BLOCKS & ~0xfffULL;
	for (int i = 0; i < BLOCKS; i++) {
		self->block[i] = create(self->dev, "", i < BLOCKS - 1 ? self->part : pool_free(self->dev), 0, "", 0);
		ASSERT_GE(self->block[i], 0);
	}
	ASSERT_EQ(pipe(self->admitted), 0);
	ASSERT_EQ(tenant_new(self->dev, .set = 0), 0);
}

#define MEMORY FIXTURE_DATA(memory)

static void blocks_close(MEMORY *self)
{
	for (int i = 0; i < BLOCKS; i++)
		close(self->block[i]);
}

FIXTURE_TEARDOWN(memory)
{
	blocks_close(self);
	EXPECT_EQ(tenant_del(self->dev), 0);
	close(self->dev);
}

/* A process that waits for a VM, whose name is one character, says when it has it, and keeps it. */
static pid_t waiter(MEMORY *self, const char *name, uint64_t mem, const char *tenant,
		    uint32_t priority)
{
	pid_t pid = fork();
	char failed[2];

	if (pid)
		return pid;
	blocks_close(self);
	if (create(self->dev, name, mem, DENALI_CREATE_WAIT, tenant, priority) >= 0) {
		write(self->admitted[1], name, 1);
	} else {
		failed[0] = '-';
		failed[1] = errno;
		write(self->admitted[1], failed, 2);
	}
	pause();
	_exit(0);
}

static void gone(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The next one that says something, or 0. */
static char next(MEMORY *self)
{
	char c = 0;

	fcntl(self->admitted[0], F_SETFL, O_NONBLOCK);
	wait_until(read(self->admitted[0], &c, 1) == 1, SOON_MS);
	return c;
}

static bool quiet(MEMORY *self)
{
	char c;

	fcntl(self->admitted[0], F_SETFL, O_NONBLOCK);
	let_pass(50);
	return read(self->admitted[0], &c, 1) != 1;
}

/*
 * A VM that got no memory is no reason to keep its tenant, but who looks at it may be slow: those
 * here, on the CPU that everybody is on, don't get on while others want it.
 */
TEST_F(memory, tenant_goes_under_who_looks)
{
	enum { LOOK = 8, ROUNDS = 50 };
	pid_t look[LOOK], pid;
	volatile uint64_t *id = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct nl_vm vm;
	struct nl nl;

	ASSERT_NE(id, MAP_FAILED);
	ASSERT_TRUE(pin_to_cpu(0));
	for (int i = 0; i < LOOK; i++) {
		look[i] = fork();
		if (look[i])
			continue;
		blocks_close(self);
		if (nice(19) != 19 || nl_open(&nl))
			_exit(1);
		for (;;)
			nl_vm_get(&nl, *id, &vm);
	}
	for (int i = 0; i < ROUNDS; i++) {
		pid = waiter(self, "a", self->part, "t", 0);
		ASSERT_TRUE(wait_until(shown("a", &vm), SOON_MS));
		EXPECT_STREQ(vm.tenant, "t");
		*id = vm.id;
		let_pass(20);
		gone(pid);
		ASSERT_EQ(tenant_del(self->dev), 0);
		ASSERT_EQ(tenant_new(self->dev, .set = 0), 0);
	}
	for (int i = 0; i < LOOK; i++)
		gone(look[i]);
	munmap((void *)id, 4096);
}

TEST_F(memory, first_come_first_served)
{
	static const char *const names[] = { "a", "b", "c" };
	pid_t pid[3];

	for (int i = 0; i < 3; i++) {
		pid[i] = waiter(self, names[i], self->part, "", 2 - i);
		EXPECT_TRUE(wait_until(place_of(names[i]) == i + 1, SOON_MS));
	}
	for (int i = 0; i < 3; i++) {
		EXPECT_TRUE(quiet(self));
		close(self->block[i]);
		EXPECT_EQ(next(self), *names[i]);
		EXPECT_EQ(place_of("c"), i < 2 ? 2 - i : 0);
	}
	for (int i = 0; i < 3; i++)
		gone(pid[i]);
}

/* A small one doesn't overtake a large one; who doesn't wait may. */
TEST_F(memory, large_before_small)
{
	pid_t large = waiter(self, "l", 2 * self->part, "", 0), small;
	int vm;

	EXPECT_TRUE(wait_until(place_of("l") == 1, SOON_MS));
	small = waiter(self, "s", MEM, "", 0);
	EXPECT_TRUE(wait_until(place_of("s") == 2, SOON_MS));
	close(self->block[0]);
	EXPECT_TRUE(quiet(self));
	EXPECT_EQ(place_of("s"), 2);
	vm = create(self->dev, "", MEM, 0, "", 0);
	EXPECT_GE(vm, 0);
	close(vm);
	close(self->block[1]);
	EXPECT_EQ(next(self), 'l');
	close(self->block[2]);
	EXPECT_EQ(next(self), 's');
	gone(large);
	gone(small);
}

/* What there is of a VM that waits: its state, and its end. */
TEST_F(memory, what_waits_is_there)
{
	struct denali_vm_setup setup = { .entry = DENALI_IMAGE_MIN_ADDR };
	struct denali_vm_share share = { .set = DENALI_SHARE_WEIGHT, .weight = 1 };
	pid_t pid = waiter(self, "w", self->part, "t", 7);
	struct denali_vm_state st;
	struct nl_tenant tenant;
	struct nl_vm vm;
	int fd;

	EXPECT_TRUE(wait_until(place_of("w") == 1, SOON_MS));
	ASSERT_TRUE(shown("w", &vm));
	EXPECT_EQ(vm.waits, DENALI_WAITS_FOR_MEMORY);
	EXPECT_EQ(vm.priority, 7);
	EXPECT_EQ(vm.own_bytes, 0);
	EXPECT_EQ(vm.mem_bytes, self->part);
	EXPECT_GT(vm.kmem_bytes, 0);
	EXPECT_STREQ(vm.tenant, "t");
	ASSERT_TRUE(tenant_get(&tenant));
	EXPECT_EQ(tenant.waiting, 1);
	EXPECT_EQ(tenant.vms, 0);
	EXPECT_EQ(tenant_del(self->dev), -1);
	EXPECT_EQ(errno, EBUSY);
	EXPECT_EQ(vm_create(self->dev, MEM, DENALI_CREATE_WAIT, "w"), -1);
	EXPECT_EQ(errno, EEXIST);

	fd = vm_open_name(self->dev, "w");
	ASSERT_GE(fd, 0);
	vm_state(fd, &st);
	EXPECT_EQ(st.state, DENALI_VM_WAITING);
	EXPECT_EQ(ioctl(fd, DENALI_IOC_VM_SETUP, &setup), -1);
	EXPECT_EQ(errno, EAGAIN);
	EXPECT_EQ(ioctl(fd, DENALI_IOC_VM_SHARE, &share), -1);
	EXPECT_EQ(errno, EAGAIN);
	for (unsigned int i = 0; i < 5; i++) {
		static const unsigned long requests[] = { DENALI_IOC_VM_START, DENALI_IOC_VM_STOP,
			DENALI_IOC_VM_CONSOLE, DENALI_IOC_VM_RESET, DENALI_IOC_VM_CLONES };
		struct denali_vm_clones clones = { .count = 1 };

		EXPECT_EQ(ioctl(fd, requests[i], &clones), -1);
		EXPECT_EQ(errno, EAGAIN);
	}
	EXPECT_EQ(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 4096), MAP_FAILED);
	EXPECT_EQ(errno, EAGAIN);
	/* Nobody else's descriptor is its life. */
	close(fd);
	EXPECT_TRUE(quiet(self));
	EXPECT_EQ(place_of("w"), 1);
	close(self->block[0]);
	EXPECT_EQ(next(self), 'w');
	ASSERT_TRUE(shown("w", &vm));
	EXPECT_EQ(vm.state, DENALI_VM_CREATED);
	EXPECT_EQ(vm.place, 0);
	gone(pid);
	EXPECT_TRUE(wait_until(!shown("w", &vm), SOON_MS));
}

/* By whoever may open it: then there is nothing left of it, and its maker is told. */
TEST_F(memory, destroyed_and_killed_while_waiting)
{
	static const unsigned long requests[] = { DENALI_IOC_VM_DESTROY, DENALI_IOC_VM_KILL };
	unsigned int before = vm_count(self->dev);

	for (int i = 0; i < 2; i++) {
		pid_t pid = waiter(self, "w", self->part, "", 0);
		int fd;

		EXPECT_TRUE(wait_until(place_of("w") == 1, SOON_MS));
		fd = vm_open_name(self->dev, "w");
		ASSERT_GE(fd, 0);
		EXPECT_EQ(vm_ctl(fd, requests[i]), 0);
		EXPECT_EQ(next(self), '-');
		EXPECT_EQ(next(self), ECANCELED);
		EXPECT_EQ(vm_ctl(fd, requests[i]), -1);
		EXPECT_EQ(errno, ESHUTDOWN);
		EXPECT_EQ(vm_count(self->dev), before);
		close(fd);
		gone(pid);
	}
}

/* A process that is killed leaves nothing, and doesn't stand in the way. */
TEST_F(memory, maker_killed)
{
	pid_t first = waiter(self, "1", self->part, "", 0), second;
	struct nl_vm vm;

	EXPECT_TRUE(wait_until(place_of("1") == 1, SOON_MS));
	second = waiter(self, "2", self->part, "", 0);
	EXPECT_TRUE(wait_until(place_of("2") == 2, SOON_MS));
	gone(first);
	EXPECT_FALSE(shown("1", &vm));
	EXPECT_EQ(place_of("2"), 1);
	close(self->block[0]);
	EXPECT_EQ(next(self), '2');
	gone(second);
}

/* Who waits for his tenant's limit isn't in the way of others, and is admitted when there is room. */
TEST_F(memory, limits_of_a_tenant)
{
	pid_t tenants, other;
	int vm;

	close(self->block[0]);
	ASSERT_EQ(tenant_set(self->dev, .set = DENALI_TENANT_VMS | DENALI_TENANT_MEMORY,
			     .vms = 1, .memory = 2 * MEM), 0);
	vm = create(self->dev, "", MEM, 0, "t", 0);
	ASSERT_GE(vm, 0);
	tenants = waiter(self, "t", MEM, "t", 0);
	EXPECT_TRUE(wait_until(place_of("t") == 1, SOON_MS));
	other = waiter(self, "o", MEM, "", 0);
	EXPECT_EQ(next(self), 'o');
	EXPECT_TRUE(quiet(self));
	EXPECT_EQ(place_of("t"), 1);
	gone(other);
	close(vm);
	EXPECT_EQ(next(self), 't');
	gone(tenants);

	/* A higher limit will do as well. */
	vm = create(self->dev, "", MEM, 0, "t", 0);
	ASSERT_GE(vm, 0);
	tenants = waiter(self, "t", MEM, "t", 0);
	EXPECT_TRUE(wait_until(place_of("t") == 1, SOON_MS));
	ASSERT_EQ(tenant_set(self->dev, .set = DENALI_TENANT_VMS, .vms = 2), 0);
	EXPECT_EQ(next(self), 't');
	gone(tenants);
	close(vm);

	/* What can never be, now or after a change, isn't waited for. */
	EXPECT_EQ(create(self->dev, "", 3 * MEM, DENALI_CREATE_WAIT, "t", 0), -1);
	EXPECT_EQ(errno, EDQUOT);
	vm = create(self->dev, "", MEM, 0, "t", 0);
	ASSERT_GE(vm, 0);
	tenants = waiter(self, "t", 2 * MEM, "t", 0);
	EXPECT_TRUE(wait_until(place_of("t") == 1, SOON_MS));
	ASSERT_EQ(tenant_set(self->dev, .set = DENALI_TENANT_MEMORY, .memory = MEM), 0);
	EXPECT_EQ(next(self), '-');
	EXPECT_EQ(next(self), EDQUOT);
	gone(tenants);
	close(vm);
}

TEST_F(memory, a_clone_waits)
{
	struct denali_vm_clone clone = { .flags = DENALI_CREATE_WAIT, .name = "c" };
	struct nl_vm vm;
	int template, fd;
	pid_t pid;

	close(self->block[0]);
	template = template_make(self->dev, GUEST_MEM);
	ASSERT_GE(template, 0);
	self->block[0] = create(self->dev, "", pool_free(self->dev), 0, "", 0);
	ASSERT_GE(self->block[0], 0);
	pid = fork();
	if (!pid) {
		blocks_close(self);
		fd = ioctl(template, DENALI_IOC_VM_CLONE, &clone);
		write(self->admitted[1], fd >= 0 && !vm_ctl(fd, DENALI_IOC_VM_START) ? "c" : "x", 1);
		pause();
	}
	EXPECT_TRUE(wait_until(place_of("c") == 1, SOON_MS));
	ASSERT_TRUE(shown("c", &vm));
	EXPECT_EQ(vm.template, vm_id(template));
	close(self->block[0]);
	EXPECT_EQ(next(self), 'c');
	gone(pid);
	close(template);
}

/* Many that come, are killed, destroyed and admitted, at once. */
TEST_F(memory, all_at_once)
{
	unsigned int before = vm_count(self->dev);
	char name[2] = "A";
	pid_t pid[16];
	int fd;

	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 16; i++) {
			name[0] = 'A' + i;
			pid[i] = waiter(self, name, i % 3 ? MEM : self->part, i % 2 ? "t" : "", i % 5);
		}
		for (int i = 0; i < 16; i += 4) {
			name[0] = 'A' + i;
			fd = vm_open_name(self->dev, name);
			if (fd >= 0)
				vm_ctl(fd, DENALI_IOC_VM_DESTROY);
			close(fd);
			gone(pid[i + 1]);
		}
		close(self->block[round % BLOCKS]);
		for (int i = 0; i < 16; i++)
			if (i % 4 != 1)
				gone(pid[i]);
		EXPECT_TRUE(wait_until(pool_free(self->dev) >= self->part, SOON_MS));
		self->block[round % BLOCKS] = create(self->dev, "", self->part, 0, "", 0);
		ASSERT_GE(self->block[round % BLOCKS], 0);
	}
	EXPECT_EQ(vm_count(self->dev), before);
}

static int priority_of_a_user(const char *node)
{
	int dev = open(node, O_RDWR);

	if (create(dev, "", MEM, DENALI_CREATE_WAIT, "", 1) != -1 || errno != EPERM)
		return 1;
	return create(dev, "", MEM, DENALI_CREATE_WAIT, "", 0) < 0;
}

/* Who waits behind whom isn't for everyone to say. */
TEST_F(memory, priority_needs_privilege)
{
	char node[64];
	int status;
	pid_t pid;

	close(self->block[0]);
	ASSERT_EQ(device_node(node, sizeof(node)), 0);
	pid = fork();
	if (!pid) {
		if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
			_exit(100);
		_exit(priority_of_a_user(node));
	}
	waitpid(pid, &status, 0);
	unlink(node);
	EXPECT_EQ(status, 0);
}

/* A tenant of which two VMs may run, and four of its VMs. */
FIXTURE(running) {
	int dev;
	int vm[4];
};

FIXTURE_SETUP(running)
{
	char name[] = "r0";

	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	ASSERT_EQ(tenant_new(self->dev, .set = DENALI_TENANT_RUNNABLE, .runnable = 2), 0);
	for (int i = 0; i < 4; i++) {
		name[1] = '0' + i;
		self->vm[i] = create(self->dev, name, MEM, 0, "t", 0);
		ASSERT_GE(self->vm[i], 0);
		ASSERT_EQ(guest_boot(self->vm[i], "sched", i == 1 ? "wake 100" : "spin"), 0);
	}
}

FIXTURE_TEARDOWN(running)
{
	for (int i = 0; i < 4; i++)
		close(self->vm[i]);
	EXPECT_EQ(tenant_del(self->dev), 0);
	close(self->dev);
}

static uint32_t state(int vm)
{
	struct denali_vm_state st;

	vm_state(vm, &st);
	return st.state;
}

static bool gets_on(int vm)
{
	uint64_t ran = run_ns(vm);

	return state(vm) == DENALI_VM_RUNNING && wait_until(run_ns(vm) > ran, SOON_MS);
}

TEST_F(running, two_at_a_time)
{
	struct nl_tenant tenant;
	struct nl_vm vm;

	for (int i = 0; i < 2; i++)
		EXPECT_TRUE(gets_on(self->vm[i]));
	for (int i = 2; i < 4; i++) {
		char name[] = { 'r', '0' + i, 0 };

		EXPECT_EQ(state(self->vm[i]), DENALI_VM_WAITING);
		EXPECT_EQ(place_of(name), i - 1);
		ASSERT_TRUE(shown(name, &vm));
		EXPECT_EQ(vm.waits, DENALI_WAITS_TO_RUN);
		EXPECT_EQ(run_ns(self->vm[i]), 0);
	}
	ASSERT_TRUE(tenant_get(&tenant));
	EXPECT_EQ(tenant.runnable, 2);
	EXPECT_EQ(tenant.max_runnable, 2);
	EXPECT_EQ(tenant.waiting, 2);
	EXPECT_EQ(vm_ctl(self->vm[2], DENALI_IOC_VM_START), -1);
	EXPECT_EQ(errno, EALREADY);
}

/* One that idles has been admitted, too; when one is stopped, killed or closed the next one runs. */
TEST_F(running, the_next_one)
{
	ASSERT_EQ(vm_ctl(self->vm[1], DENALI_IOC_VM_STOP), 0);
	EXPECT_TRUE(gets_on(self->vm[2]));
	EXPECT_EQ(state(self->vm[3]), DENALI_VM_WAITING);
	ASSERT_EQ(vm_ctl(self->vm[1], DENALI_IOC_VM_START), 0);
	EXPECT_EQ(state(self->vm[1]), DENALI_VM_WAITING);
	ASSERT_EQ(vm_ctl(self->vm[0], DENALI_IOC_VM_KILL), 0);
	EXPECT_TRUE(gets_on(self->vm[3]));
	close(self->vm[2]);
	self->vm[2] = -1;
	EXPECT_TRUE(wait_until(state(self->vm[1]) == DENALI_VM_RUNNING, SOON_MS));
	EXPECT_TRUE(gets_on(self->vm[1]));
}

TEST_F(running, what_waits_can_be_stopped_and_killed)
{
	ASSERT_EQ(vm_ctl(self->vm[2], DENALI_IOC_VM_STOP), 0);
	EXPECT_EQ(state(self->vm[2]), DENALI_VM_STOPPED);
	EXPECT_EQ(place_of("r3"), 1);
	ASSERT_EQ(vm_ctl(self->vm[2], DENALI_IOC_VM_START), 0);
	EXPECT_EQ(place_of("r2"), 2);
	ASSERT_EQ(vm_ctl(self->vm[3], DENALI_IOC_VM_KILL), 0);
	EXPECT_EQ(state(self->vm[3]), DENALI_VM_ENDED);
	EXPECT_TRUE(vm_ended(self->vm[3]));
	EXPECT_EQ(place_of("r2"), 1);
	ASSERT_EQ(vm_ctl(self->vm[2], DENALI_IOC_VM_DESTROY), 0);
	EXPECT_TRUE(gets_on(self->vm[0]));
}

TEST_F(running, limit_is_changed)
{
	ASSERT_EQ(tenant_set(self->dev, .set = DENALI_TENANT_RUNNABLE, .runnable = 3), 0);
	EXPECT_TRUE(gets_on(self->vm[2]));
	EXPECT_EQ(state(self->vm[3]), DENALI_VM_WAITING);
	/* Less stops nobody. */
	ASSERT_EQ(tenant_set(self->dev, .set = DENALI_TENANT_RUNNABLE, .runnable = 1), 0);
	for (int i = 0; i < 3; i++)
		EXPECT_TRUE(gets_on(self->vm[i]));
	ASSERT_EQ(vm_ctl(self->vm[0], DENALI_IOC_VM_KILL), 0);
	EXPECT_EQ(state(self->vm[3]), DENALI_VM_WAITING);
	ASSERT_EQ(tenant_set(self->dev, .set = DENALI_TENANT_RUNNABLE, .runnable = 0), 0);
	EXPECT_TRUE(gets_on(self->vm[3]));
}

/* What is done to a VM that runs, and stops it for a moment, doesn't cost it its place. */
TEST_F(running, a_change_keeps_the_place)
{
	struct denali_vm_share share = { .set = DENALI_SHARE_WEIGHT | DENALI_SHARE_CAP, .weight = 50, .cap = 90 };

	for (int i = 0; i < 20; i++)
		ASSERT_EQ(ioctl(self->vm[0], DENALI_IOC_VM_SHARE, &share), 0);
	EXPECT_TRUE(gets_on(self->vm[0]));
	EXPECT_EQ(state(self->vm[2]), DENALI_VM_WAITING);
	/* And one that waits can be changed as well. */
	ASSERT_EQ(ioctl(self->vm[2], DENALI_IOC_VM_SHARE, &share), 0);
	EXPECT_EQ(state(self->vm[2]), DENALI_VM_WAITING);
}

struct change {
	int vm, tap;
	volatile bool over;
};

/* Another tap, other CPUs and weights, again and again. */
static void *change(void *arg)
{
	struct change *c = arg;
	struct denali_vm_nic nic = { .port = 1, .tap_fd = -1 };

	for (int i = 0; !c->over; i++) {
		nic.tap_fd = i & 1 ? c->tap : -1;
		ioctl(c->vm, DENALI_IOC_VM_NIC, &nic);
		share_set(c->vm, DENALI_SHARE_WEIGHT | DENALI_SHARE_CPUS, i & 1 ? 50 : 200, 0, 1 + i % 3);
	}
	return NULL;
}

/* The gatekeeper makes a VM run while somebody is about to change it, who has found that it waits. */
TEST_F_TIMEOUT(running, changed_when_its_turn_comes, 60)
{
	struct denali_vm_nic nic = { .port = DENALI_NIC_NEW_PORT, .mac = { 2, 0, 0, 0, 0, 1 } };
	struct change c = { .tap = tap_open("", 0) };
	uint64_t end;
	pthread_t thread;

	for (int i = 1; i < 4; i++) {
		close(self->vm[i]);
		self->vm[i] = -1;
	}
	ASSERT_EQ(tenant_set(self->dev, .set = DENALI_TENANT_RUNNABLE, .runnable = 1), 0);
	c.vm = create(self->dev, "c", GUEST_MEM, 0, "t", 0);
	ASSERT_GE(c.vm, 0);
	self->vm[1] = c.vm;
	nic.tap_fd = c.tap;
	ASSERT_EQ(ioctl(c.vm, DENALI_IOC_VM_NIC, &nic), 0);
	ASSERT_EQ(guest_boot(c.vm, "nic", "tx-loop"), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, change, &c), 0);
	for (end = now_ns() + 4000000000ULL; now_ns() < end;) {
		for (int i = 0; i < 2; i++) {
			EXPECT_EQ(vm_ctl(self->vm[i], DENALI_IOC_VM_STOP), 0);
			EXPECT_EQ(vm_ctl(self->vm[i], DENALI_IOC_VM_START), 0);
		}
	}
	c.over = true;
	pthread_join(thread, NULL);
	ASSERT_EQ(vm_ctl(self->vm[0], DENALI_IOC_VM_KILL), 0);
	EXPECT_TRUE(gets_on(c.vm));
	ASSERT_EQ(vm_ctl(c.vm, DENALI_IOC_VM_KILL), 0);
	close(c.tap);
}

/* Those that end by themselves make room; those that are reset, and templates, as well. */
TEST_F(running, ends_templates_and_resets)
{
	struct denali_vm_clone clone = { .name = "c", .tenant = "t" };
	int template, vm;

	for (int i = 0; i < 4; i++) {
		close(self->vm[i]);
		self->vm[i] = -1;
	}
	ASSERT_EQ(tenant_set(self->dev, .set = DENALI_TENANT_RUNNABLE, .runnable = 1), 0);
	template = create(self->dev, "", GUEST_MEM, DENALI_CREATE_TEMPLATE, "t", 0);
	ASSERT_GE(template, 0);
	ASSERT_EQ(guest_boot(template, "template", "make"), 0);
	EXPECT_TRUE(wait_until(state(template) == DENALI_VM_TEMPLATE, SOON_MS));
	vm = ioctl(template, DENALI_IOC_VM_CLONE, &clone);
	ASSERT_GE(vm, 0);
	ASSERT_EQ(vm_setup(vm, 0, "look"), 0);
	self->vm[0] = create(self->dev, "s", MEM, 0, "t", 0);
	ASSERT_EQ(guest_boot(self->vm[0], "sched", "spin"), 0);
	EXPECT_TRUE(wait_until(gets_on(self->vm[0]), SOON_MS));
	ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	EXPECT_EQ(state(vm), DENALI_VM_WAITING);
	ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_RESET), 0);
	EXPECT_EQ(state(vm), DENALI_VM_CREATED);
	EXPECT_EQ(place_of("c"), 0);
	ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	EXPECT_EQ(state(vm), DENALI_VM_WAITING);
	ASSERT_EQ(vm_ctl(self->vm[0], DENALI_IOC_VM_STOP), 0);
	ASSERT_EQ(vm_ctl(self->vm[0], DENALI_IOC_VM_START), 0);
	/* The clone ends by itself, and so makes room. */
	EXPECT_TRUE(wait_until(gets_on(self->vm[0]), SOON_MS));
	EXPECT_TRUE(wait_until(vm_ended(vm), SOON_MS));
	close(vm);
	close(template);
}

/* From all sides: nobody is lost, and never do more run than may. */
TEST_F(running, started_and_stopped_all_the_time)
{
	struct nl_tenant tenant;
	pid_t pid[4];
	int status;

	for (int p = 0; p < 4; p++) {
		pid[p] = fork();
		if (pid[p])
			continue;
		for (int i = 0; i < 200; i++) {
			if (vm_ctl(self->vm[(p + i) % 4], DENALI_IOC_VM_STOP) && errno != EALREADY)
				_exit(1);
			if (vm_ctl(self->vm[(p + i) % 4], DENALI_IOC_VM_START) && errno != EALREADY)
				_exit(2);
		}
		_exit(0);
	}
	for (int i = 0; i < 50; i++) {
		ASSERT_TRUE(tenant_get(&tenant));
		EXPECT_LE(tenant.runnable, 2);
	}
	for (int p = 0; p < 4; p++) {
		EXPECT_EQ(waitpid(pid[p], &status, 0), pid[p]);
		EXPECT_EQ(status, 0);
	}
	ASSERT_TRUE(tenant_get(&tenant));
	EXPECT_EQ(tenant.runnable, 2);
	EXPECT_EQ(tenant.waiting, 2);
	for (int i = 0; i < 4; i++)
		if (state(self->vm[i]) == DENALI_VM_RUNNING)
			EXPECT_TRUE(gets_on(self->vm[i]));
}

TEST_HARNESS_MAIN
