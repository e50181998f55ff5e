// SPDX-License-Identifier: GPL-2.0
/*
 * Who gets the CPU: weights, caps, affinity, wake-up credit, and a good VM beside bad ones.
 *
 * All by counters of CPU time. They are as long behind as a turn takes, and a test machine that
 * has to wait for its host charges that to whoever ran: so a share is said to hold when
 * it comes to hold. A share that is wrong never does. Which may be set is in share_test.c.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <sys/wait.h>

#include <denali/vregs.h>

#include "kselftest_harness.h"
#include "ethernet.h"
#include "fixture.h"
#include "nl.h"
#include "share.h"

#define QUANTUM_US	"/sys/module/denali/parameters/quantum_us"
#define MAX_VMS		8
#define TURNS		64		/* as in guests/sched.c */
#define SEC		1000000000ULL
#define NOT_FAIR	"the scheduling policy isn't fair"

static void param_put(const char *path, unsigned int value)
{
	FILE *f = fopen(path, "w");

	if (!f || fprintf(f, "%u\n", value) < 0 || fclose(f)) {
		perror(path);
		abort();
	}
}

/* Several VMs on the first CPU. */
FIXTURE(cpu) {
	int dev;
	unsigned int quantum_us;
	bool fair;		/* sched=rr has no weights, and no order but its round */
	int n;
	int vm[MAX_VMS];
	uint64_t from[MAX_VMS];
	uint64_t ran[MAX_VMS];	/* since from */
	uint64_t total;
};

FIXTURE_SETUP(cpu)
{
	struct denali_info info;

	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	dev_info(self->dev, &info);
	self->quantum_us = info.quantum_us;
	self->fair = !strcmp(info.scheduler, "fair");
	param_put(QUANTUM_US, 1000);
}

FIXTURE_TEARDOWN(cpu)
{
	for (int i = 0; i < self->n; i++)
		close(self->vm[i]);
	param_put(QUANTUM_US, self->quantum_us);
	close(self->dev);
}

#define CPU FIXTURE_DATA(cpu)

/* One more of them; its number. */
static int cpu_add(CPU *self, const char *cmdline)
{
	int vm = guest_make(self->dev, "sched", 64 << 10, cmdline);

	if (vm < 0 || cpus_set(vm, 1) || vm_ctl(vm, DENALI_IOC_VM_START)) {
		perror(cmdline);
		abort();
	}
	self->vm[self->n] = vm;
	return self->n++;
}

static void cpu_begin(CPU *self)
{
	for (int i = 0; i < self->n; i++)
		self->from[i] = run_ns(self->vm[i]);
}

static void cpu_look(CPU *self)
{
	self->total = 0;
	for (int i = 0; i < self->n; i++) {
		self->ran[i] = run_ns(self->vm[i]) - self->from[i];
		self->total += self->ran[i];
	}
}

/*
 * Within 2%, after a second at least of their time. Under round robin within 10%: a turn that gets
 * longer than a quantum, as the computer under this machine had something else to do, isn't made up for;
 * its turns are counted by themselves (equal_turns).
 */
static bool cpu_holds(CPU *self, const unsigned int *part)
{
	const int allowed = self->fair ? 50 : 10;
	unsigned int sum = 0;

	cpu_look(self);
	for (int i = 0; i < self->n; i++)
		sum += part[i];
	for (int i = 0; i < self->n; i++) {
		int64_t want = self->total * part[i] / sum, off = self->ran[i] - want;

		if (self->total < SEC || off > want / allowed || off < -want / allowed)
			return false;
	}
	return true;
}

#define EXPECT_SHARES(...) do {						\
	const unsigned int __part[MAX_VMS] = { __VA_ARGS__ };		\
									\
	cpu_begin(self);						\
	EXPECT_TRUE(wait_until(cpu_holds(self, __part), SOON_MS))	\
		for (int __i = 0; __i < self->n; __i++)			\
			TH_LOG("VM %d: %.2f%% of %.1f s", __i,		\
			       100.0 * self->ran[__i] / self->total, self->total / 1e9);	\
} while (0)

TEST_F(cpu, equal_weights)
{
	for (int i = 0; i < 4; i++)
		cpu_add(self, "spin");
	EXPECT_SHARES(1, 1, 1, 1);
}

/* Round robin's turns are as many for everybody, whatever else they are. */
TEST_F(cpu, equal_turns)
{
	volatile uint32_t *turns[4];
	uint32_t n, least, most;

	if (self->fair)
		SKIP(return, "the scheduling policy isn't round robin");
	for (int i = 0; i < 4; i++) {
		turns[i] = guest_var(self->vm[cpu_add(self, "count")], "sched", "turns_nr");
		ASSERT_NE(turns[i], NULL);
	}
	EXPECT_TRUE(wait_until(({
		least = UINT32_MAX;
		most = 0;
		for (int i = 0; i < 4; i++) {
			n = *turns[i];
			least = MIN(least, n);
			most = MAX(most, n);
		}
		least >= 500 && most - least <= least / 50;
	}), SOON_MS))
		TH_LOG("%u to %u turns", least, most);
	for (int i = 0; i < 4; i++)
		guest_var_put(turns[i]);
}

TEST_F(cpu, weights)
{
	static const unsigned int weight[] = { 50, 100, 200, 400 };

	if (!self->fair)
		SKIP(return, NOT_FAIR);
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(weight_set(self->vm[cpu_add(self, "spin")], weight[i]), 0);
	EXPECT_SHARES(50, 100, 200, 400);
}

TEST_F(cpu, no_weights)
{
	int vm = self->vm[cpu_add(self, "spin")];

	if (self->fair)
		SKIP(return, "the scheduling policy has weights");
	EXPECT_EQ(weight_set(vm, 200), -1);
	EXPECT_EQ(errno, EOPNOTSUPP);
	/* What it has anyway. */
	EXPECT_EQ(weight_set(vm, 100), 0);
}

/* And for those who are out of the guest all the time, but never off the CPU. */
TEST_F(cpu, weights_of_those_who_exit)
{
	static const unsigned int weight[] = { 2500, 10000 };

	if (!self->fair)
		SKIP(return, NOT_FAIR);
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(weight_set(self->vm[cpu_add(self, "hypercalls")], weight[i]), 0);
	EXPECT_SHARES(1, 4);
}

TEST_F(cpu, weight_while_running)
{
	if (!self->fair)
		SKIP(return, NOT_FAIR);
	cpu_add(self, "spin");
	cpu_add(self, "spin");
	EXPECT_SHARES(1, 1);
	ASSERT_EQ(weight_set(self->vm[0], 300), 0);
	EXPECT_SHARES(3, 1);
	ASSERT_EQ(weight_set(self->vm[0], 50), 0);
	EXPECT_SHARES(1, 2);
}

/* Who had the least weight isn't made to wait for all that it was ahead by. */
TEST_F(cpu, weight_from_least_to_greatest)
{
	if (!self->fair)
		SKIP(return, NOT_FAIR);
	cpu_add(self, "spin");
	cpu_add(self, "spin");
	ASSERT_EQ(weight_set(self->vm[0], DENALI_WEIGHT_MIN), 0);
	cpu_begin(self);
	ASSERT_TRUE(wait_until(({ cpu_look(self); self->total > SEC; }), SOON_MS));
	ASSERT_EQ(weight_set(self->vm[0], 100), 0);
	EXPECT_SHARES(1, 1);
}

TEST_F(cpu, sleeping_saves_nothing)
{
	volatile uint32_t *wakes;

	cpu_add(self, "sleep-spin");
	cpu_add(self, "spin");
	wakes = guest_var(self->vm[0], "sched", "wakes");
	ASSERT_TRUE(wait_until(*wakes, SOON_MS));
	guest_var_put(wakes);
	EXPECT_SHARES(1, 1);
}

/*
 * Who idles before its quantum is over is the next one when it wakes. If it were so for more than the
 * rest of that quantum, it would run after each of the others, and have nearly half of the CPU.
 */
TEST_F(cpu, credit_cannot_be_farmed)
{
	volatile uint32_t *naps;

	param_put(QUANTUM_US, 20000);
	naps = guest_var(self->vm[cpu_add(self, "naps 20000")], "sched", "wakes");
	ASSERT_NE(naps, NULL);
	cpu_add(self, "spin");
	cpu_add(self, "spin");
	cpu_begin(self);
	EXPECT_TRUE(wait_until((cpu_look(self), self->total > 8ULL * SEC), SOON_MS));
	EXPECT_LE(self->ran[0], self->total / 100 * (self->fair ? 34 : 40));
	EXPECT_GT(*naps, 10);
	guest_var_put(naps);
}

/* Stop and start neither. */
TEST_F(cpu, stopping_gains_nothing)
{
	cpu_add(self, "spin");
	cpu_add(self, "spin");
	cpu_begin(self);
	EXPECT_TRUE(wait_until(({
		ASSERT_EQ(vm_ctl(self->vm[0], DENALI_IOC_VM_STOP), 0);
		ASSERT_EQ(vm_ctl(self->vm[0], DENALI_IOC_VM_START), 0);
		cpu_look(self);
		self->total > SEC && self->ran[0] <= self->total / 50 * 26;
	}), SOON_MS));
}

/*
 * Who gave up most of a quantum is next, in the order in which they woke, whoever has had
 * more of the CPU by then.
 */
TEST_F(cpu, woken_first_runs_first)
{
	static const char *const cmdline[] = { "turns 13000 4000", "turns 7000 50" };
	volatile uint64_t *turn[2], *a, *b;
	volatile uint32_t *nr[2];
	int waited = 0, passed = 0;

	if (!self->fair)
		SKIP(return, NOT_FAIR);
	param_put(QUANTUM_US, 10000);
	cpu_add(self, "spin");
	for (int i = 0; i < 2; i++) {
		int vm = self->vm[cpu_add(self, cmdline[i])];

		turn[i] = guest_var(vm, "sched", "turns");
		nr[i] = guest_var(vm, "sched", "turns_nr");
	}
	ASSERT_TRUE(wait_until(*nr[0] == TURNS && *nr[1] == TURNS, SOON_MS));
	for (int i = 0; i < TURNS * TURNS; i++) {
		a = turn[0] + 2 * (i / TURNS);
		b = turn[1] + 2 * (i % TURNS);
		/* Both waited at a time, and a was there clearly before. */
		if (a[0] + 1000000 >= b[0] || b[0] >= a[1])
			continue;
		waited++;
		passed += b[1] < a[1];
	}
	EXPECT_GT(waited, 0);
	/* One whose time Linux took has had more of its quantum than it knows. */
	EXPECT_LE(passed * 4, waited);
	for (int i = 0; i < 2; i++) {
		guest_var_put(turn[i]);
		guest_var_put(nr[i]);
	}
}

/* A VM that yields is there again after the others' turns, and keeps nobody from his. */
TEST_F(cpu, yielding)
{
	uint64_t ran;

	cpu_add(self, "yields");
	cpu_add(self, "yields");
	cpu_add(self, "spin");
	cpu_begin(self);
	for (int i = 0; i < 3; i++) {
		ran = run_ns(self->vm[i]);
		EXPECT_TRUE(wait_until(run_ns(self->vm[i]) > ran, SOON_MS));
	}
	EXPECT_TRUE(wait_until(({
		cpu_look(self);
		self->total > SEC && self->ran[2] >= self->total / 100 * 33;
	}), SOON_MS));
}

/*
 * A VM that wakes up runs before all others, once the one that runs has had its quantum. If it
 * had to wait for all of them it would be late nearly each time; now and then the machine is.
 */
TEST_F(cpu, wake_up_within_two_quanta)
{
	volatile uint32_t *late, *wakes;
	int vm;

	param_put(QUANTUM_US, 50000);
	for (int i = 0; i < 5; i++)
		cpu_add(self, "spin");
	vm = self->vm[cpu_add(self, "wake 100")];
	late = guest_var(vm, "sched", "late");
	wakes = guest_var(vm, "sched", "wakes");
	EXPECT_TRUE(wait_until(*wakes >= 20 && *late * 10 <= *wakes, SOON_MS))
		TH_LOG("%u of %u", *late, *wakes);
	guest_var_put(late);
	guest_var_put(wakes);
}

/*
 * A VM whose frames cost the host much: that is its own time, and ends with its turn. A bridge
 * with many ports copies each for all of them.
 */
TEST_F(cpu, beside_one_that_sends)
{
	struct denali_vm_nic nic = { .port = DENALI_NIC_NEW_PORT, .mac = { 2, 0, 0, 0, 0, 1 } };
	int vm;

	ASSERT_EQ(unshare(CLONE_NEWNET), 0);
	nic.tap_fd = tap_open("tap0", 0);
	ASSERT_GE(nic.tap_fd, 0);
	ASSERT_TRUE(file_put("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"));
	ASSERT_EQ(system("ip link add br0 up type bridge && ip link set tap0 master br0 up"), 0);
	ASSERT_EQ(system("for i in $(seq 200); do echo l add d$i up master br0 type dummy; done | ip -b -"), 0);
	/* Less than what 64 frames take, and no less than one does on a slow kernel. */
	param_put(QUANTUM_US, 10000 * timeout_factor());
	cpu_add(self, "spin");
	vm = guest_make(self->dev, "nic", GUEST_MEM, "tx-flood 0");
	self->vm[self->n++] = vm;
	ASSERT_EQ(ioctl(vm, DENALI_IOC_VM_NIC, &nic), 0);
	ASSERT_EQ(cpus_set(vm, 1), 0);
	ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	cpu_begin(self);
	EXPECT_TRUE(wait_until(({
		cpu_look(self);
		self->total > SEC && self->ran[0] * 100 >= self->total * 25;
	}), SOON_MS))
		TH_LOG("%.2f%% of %.1f s", 100.0 * self->ran[0] / self->total, self->total / 1e9);
	close(nic.tap_fd);
}

/* The good one gets all of its share beside those that do what they can against it. */
TEST_F(cpu, beside_bad_ones)
{
	cpu_add(self, "spin");
	cpu_add(self, "spin");
	cpu_add(self, "hypercalls");
	cpu_add(self, "timers");
	cpu_add(self, "irqs");
	cpu_add(self, "yields");
	cpu_begin(self);
	EXPECT_TRUE(wait_until(({
		cpu_look(self);
		self->total > SEC && self->ran[0] * 100 >= self->total / self->n * 99;
	}), SOON_MS))
		TH_LOG("%.2f%% of %.1f s, 6 VMs", 100.0 * self->ran[0] / self->total, self->total / 1e9);
}

static bool cap_holds(CPU *self, uint64_t since, unsigned int percent)
{
	int64_t passed = now_ns() - since, off;

	cpu_look(self);
	off = self->ran[0] - passed / 100 * percent;
	return passed > (int64_t)SEC && off <= passed / 50 && off >= -passed / 50;
}

#define EXPECT_CAP(percent) do {					\
	uint64_t __since = now_ns();					\
									\
	cpu_begin(self);						\
	EXPECT_TRUE(wait_until(cap_holds(self, __since, percent), SOON_MS))	\
		TH_LOG("%.2f s of %.2f s", self->ran[0] / 1e9, (now_ns() - __since) / 1e9);	\
} while (0)

TEST_F_TIMEOUT(cpu, cap, 90)
{
	cpu_add(self, "spin");
	ASSERT_EQ(cap_set(self->vm[0], 30), 0);
	EXPECT_CAP(30);
	ASSERT_EQ(cap_set(self->vm[0], 5), 0);
	EXPECT_CAP(5);
	ASSERT_EQ(cap_set(self->vm[0], 50), 0);
	EXPECT_CAP(50);
}

/* What the cap leaves is the others'. */
TEST_F(cpu, cap_beside_another)
{
	cpu_add(self, "spin");
	cpu_add(self, "spin");
	ASSERT_EQ(cap_set(self->vm[0], 10), 0);
	EXPECT_CAP(10);
	EXPECT_TRUE(wait_until(({ cpu_look(self); self->ran[1] >= self->total / 5 * 4; }), SOON_MS));
}

/* Nor do naps get round it. */
TEST_F(cpu, cap_of_one_that_naps)
{
	cpu_add(self, "naps 1000");
	ASSERT_EQ(cap_set(self->vm[0], 20), 0);
	EXPECT_CAP(20);
}

/* Setting it again and again gives no new budget. */
TEST_F(cpu, cap_set_again)
{
	uint64_t since;

	cpu_add(self, "spin");
	ASSERT_EQ(cap_set(self->vm[0], 10), 0);
	cpu_begin(self);
	since = now_ns();
	EXPECT_TRUE(wait_until(({
		ASSERT_EQ(cap_set(self->vm[0], 10), 0);
		cpu_look(self);
		now_ns() - since > 2 * SEC && self->ran[0] <= (now_ns() - since) / 100 * 12;
	}), SOON_MS));
}

TEST_F(cpu, cap_taken_away)
{
	cpu_add(self, "spin");
	ASSERT_EQ(cap_set(self->vm[0], 1), 0);
	ASSERT_EQ(cap_set(self->vm[0], 0), 0);
	cpu_add(self, "spin");
	EXPECT_SHARES(1, 1);
}

/* A VM that waits for its cap can be stopped, started and killed. */
TEST_F(cpu, capped_and_stopped)
{
	for (int i = 0; i < 3; i++) {
		cpu_add(self, "spin");
		ASSERT_EQ(cap_set(self->vm[i], 1), 0);
	}
	let_pass(30);
	ASSERT_EQ(vm_ctl(self->vm[0], DENALI_IOC_VM_STOP), 0);
	ASSERT_EQ(vm_ctl(self->vm[0], DENALI_IOC_VM_START), 0);
	ASSERT_EQ(vm_ctl(self->vm[1], DENALI_IOC_VM_KILL), 0);
	cpu_begin(self);
	EXPECT_TRUE(wait_until(({ cpu_look(self); self->ran[0] > 0; }), SOON_MS));
	EXPECT_EQ(self->ran[1], 0);
}

/* The time that a VM waits, for its cap or for others, is in its steal time, and it can see that. */
TEST_F(cpu, steal_time)
{
	volatile struct denali_vregs *v;
	struct nl_vm vm, before;

	cpu_add(self, "spin");
	cpu_add(self, "spin");
	ASSERT_EQ(cap_set(self->vm[0], 10), 0);
	ASSERT_TRUE(vm_counters(vm_id(self->vm[0]), &before));
	EXPECT_TRUE(wait_until(({
		ASSERT_TRUE(vm_counters(vm_id(self->vm[0]), &vm));
		vm.run_ns - before.run_ns > SEC / 5 &&
			vm.steal_ns - before.steal_ns >= (vm.run_ns - before.run_ns) * 5;
	}), SOON_MS));
	v = vm_map(self->vm[0], DENALI_VREGS_ADDR, DENALI_PAGE_SIZE);
	ASSERT_NE(v, NULL);
	EXPECT_TRUE(wait_until(v->steal_ns >= vm.steal_ns, SOON_MS));
	munmap((void *)v, DENALI_PAGE_SIZE);
}

/* Where a VM may run. */
FIXTURE(affinity) {
	int dev;
};

FIXTURE_SETUP(affinity)
{
	struct denali_info info;

	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	dev_info(self->dev, &info);
	if (info.runners < 2)
		SKIP(return, "one CPU");
}

FIXTURE_TEARDOWN(affinity)
{
	close(self->dev);
}

static uint32_t cpu_of(int vm)
{
	struct nl_vm counters;

	return vm_counters(vm_id(vm), &counters) ? counters.cpu : ~0U;
}

TEST_F(affinity, from_the_start)
{
	for (int i = 0; i < 6; i++) {
		int vm = vm_create(self->dev, 64 << 10, 0, NULL);

		ASSERT_EQ(cpus_set(vm, 1 << i % 2), 0);
		EXPECT_EQ(cpu_of(vm), i % 2);
		close(vm);
	}
}

TEST_F(affinity, while_running)
{
	int vm = guest_start(self->dev, "sched", 64 << 10, "spin");
	uint64_t ran;

	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(cpus_set(vm, 1 << i % 2), 0);
		EXPECT_EQ(cpu_of(vm), i % 2);
		ran = run_ns(vm);
		EXPECT_TRUE(wait_until(run_ns(vm) > ran, SOON_MS));
	}
	close(vm);
}

TEST_F(affinity, while_idle)
{
	int vm = guest_start(self->dev, "sched", 64 << 10, "wake 100");
	volatile uint32_t *wakes = guest_var(vm, "sched", "wakes");
	uint32_t before;

	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(cpus_set(vm, 1 << i % 2), 0);
		EXPECT_EQ(cpu_of(vm), i % 2);
		before = *wakes;
		EXPECT_TRUE(wait_until(*wakes > before, SOON_MS));
	}
	guest_var_put(wakes);
	close(vm);
}

static void cpu1_online(int on)
{
	param_put("/sys/devices/system/cpu/cpu1/online", on);
}

/* A VM whose CPU goes runs elsewhere, and is back when it comes; one that sleeps meanwhile as well. */
TEST_F(affinity, cpu_goes_and_comes)
{
	static const char *const cmdline[] = { "spin", "wake 100" };
	int vm[2];

	for (int i = 0; i < 2; i++) {
		vm[i] = guest_start(self->dev, "sched", 64 << 10, cmdline[i]);
		ASSERT_EQ(cpus_set(vm[i], 2), 0);
	}
	cpu1_online(0);
	for (int i = 0; i < 2; i++) {
		uint64_t ran = run_ns(vm[i]);

		EXPECT_EQ(cpu_of(vm[i]), 0);
		EXPECT_TRUE(wait_until(run_ns(vm[i]) > ran, SOON_MS));
	}
	cpu1_online(1);
	for (int i = 0; i < 2; i++) {
		EXPECT_TRUE(wait_until(cpu_of(vm[i]) == 1, SOON_MS));
		close(vm[i]);
	}
}

/* Who may only lower can't get to others' CPUs by way of one that isn't there. */
TEST_F(affinity, not_to_none_without_privilege)
{
	int vm = guest_start(self->dev, "sched", 64 << 10, "spin"), status;
	pid_t pid;

	ASSERT_EQ(cpus_set(vm, 3), 0);
	cpu1_online(0);
	pid = fork();
	if (!pid)
		_exit(setresuid(65534, 65534, 65534) || cpus_set(vm, 2) != -1 || errno != EPERM);
	waitpid(pid, &status, 0);
	EXPECT_EQ(status, 0);
	/* An admin may. */
	EXPECT_EQ(cpus_set(vm, 2), 0);
	cpu1_online(1);
	close(vm);
}

/* VMs that are all on one CPU, free to go elsewhere: a CPU that idles takes some. */
TEST_F(cpu, an_idle_cpu_takes)
{
	struct denali_info info;
	int on[2];

	dev_info(self->dev, &info);
	if (info.runners != 2)
		SKIP(return, "not two CPUs");
	for (int i = 0; i < 4; i++)
		cpu_add(self, "spin");
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(cpus_set(self->vm[i], 3), 0);
	EXPECT_TRUE(wait_until(({
		memset(on, 0, sizeof(on));
		for (int i = 0; i < 4; i++)
			on[cpu_of(self->vm[i]) & 1]++;
		on[0] == 2 && on[1] == 2;
	}), SOON_MS));
}

/* The weights on all CPUs get equal: here the heavy one has a CPU, and three the other. */
TEST_F(cpu, weights_are_balanced)
{
	struct denali_info info;

	if (!self->fair)
		SKIP(return, NOT_FAIR);
	dev_info(self->dev, &info);
	if (info.runners != 2)
		SKIP(return, "not two CPUs");
	for (int i = 0; i < 4; i++)
		cpu_add(self, "spin");
	ASSERT_EQ(weight_set(self->vm[2], 300), 0);
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(cpus_set(self->vm[i], 3), 0);
	EXPECT_TRUE(wait_until(cpu_of(self->vm[0]) != cpu_of(self->vm[2]) &&
			       cpu_of(self->vm[1]) != cpu_of(self->vm[2]) &&
			       cpu_of(self->vm[3]) != cpu_of(self->vm[2]), SOON_MS));
}

/* Nobody is moved from where he was told to be. */
TEST_F(cpu, an_idle_cpu_takes_no_others)
{
	for (int i = 0; i < 3; i++)
		cpu_add(self, "spin");
	EXPECT_SHARES(1, 1, 1);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(cpu_of(self->vm[i]), 0);
}

/* A VM that wakes up goes to a CPU that idles. */
TEST_F(cpu, waking_where_nobody_is)
{
	struct denali_info info;
	int vm;

	dev_info(self->dev, &info);
	if (info.runners != 2)
		SKIP(return, "not two CPUs");
	cpu_add(self, "spin");
	vm = self->vm[cpu_add(self, "wake 100")];
	ASSERT_EQ(cpus_set(vm, 3), 0);
	EXPECT_TRUE(wait_until(cpu_of(vm) == 1, SOON_MS));
}

TEST_HARNESS_MAIN
