// SPDX-License-Identifier: GPL-2.0
/* The netlink family: dumps, single VMs, events, who sees what, and counters that count. */
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "lib.h"
#include "nl.h"

FIXTURE(nl) {
	int dev;
	struct nl nl;
};

FIXTURE_SETUP(nl)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	ASSERT_EQ(nl_open(&self->nl), 0);
}

FIXTURE_TEARDOWN(nl)
{
	close(self->nl.fd);
	close(self->dev);
}

/* What a dump showed. */
struct seen {
	int n;
	uint64_t last;
	bool ordered;
	uint64_t want;
	struct nl_vm found;
};

static void look(const struct nl_vm *vm, void *arg)
{
	struct seen *seen = arg;

	if (vm->id <= seen->last)
		seen->ordered = false;
	seen->last = vm->id;
	seen->n++;
	if (vm->id == seen->want)
		seen->found = *vm;
}

TEST_F(nl, family)
{
	EXPECT_GT(self->nl.family, 0);
	EXPECT_GT(self->nl.group, 0);
}

TEST_F(nl, get)
{
	struct denali_vm_state st;
	struct nl_vm vm;
	uint64_t id;
	int fd = vm_create_id(self->dev, GUEST_MEM, DENALI_CREATE_PERSISTENT, "nl-get", &id);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(nl_vm_get(&self->nl, id, &vm), 0);
	EXPECT_EQ(vm.cmd, DENALI_CMD_VM_NEW);
	EXPECT_EQ(vm.id, id);
	EXPECT_STREQ(vm.name, "nl-get");
	EXPECT_EQ(vm.uid, getuid());
	EXPECT_EQ(vm.state, DENALI_VM_CREATED);
	EXPECT_EQ(vm.reason, DENALI_END_NONE);
	EXPECT_EQ(vm.mem_bytes, GUEST_MEM);
	EXPECT_EQ(vm.flags, DENALI_CREATE_PERSISTENT);
	EXPECT_GT(vm.kmem_bytes, 0);
	EXPECT_EQ(vm.run_ns, 0);
	EXPECT_EQ(vm.hypercalls, 0);
	EXPECT_TRUE(vm.port[0].present);
	EXPECT_EQ(vm.port[0].type, 1);
	EXPECT_EQ(vm.port[0].up, 1);
	vm_state(fd, &st);
	EXPECT_STREQ(vm.name, st.name);
	EXPECT_EQ(vm_ctl(fd, DENALI_IOC_VM_DESTROY), 0);
	close(fd);
}

TEST_F(nl, every_attribute_is_there)
{
	static const int attrs[] = { DENALI_A_ID, DENALI_A_NAME, DENALI_A_UID, DENALI_A_STATE, DENALI_A_REASON,
		DENALI_A_STATUS, DENALI_A_MEM_BYTES, DENALI_A_KMEM_BYTES, DENALI_A_FLAGS, DENALI_A_RUN_NS,
		DENALI_A_STEAL_NS, DENALI_A_EXITS, DENALI_A_HYPERCALLS, DENALI_A_UPCALLS, DENALI_A_IRQS,
		DENALI_A_CPU, DENALI_A_PORT, DENALI_A_CONSOLE_LOST, DENALI_A_IDLE };
	int fd = guest_start(self->dev, "basic", GUEST_MEM, "tick");
	struct nl_vm vm;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(nl_vm_get(&self->nl, vm_id(fd), &vm), 0);
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		EXPECT_TRUE(vm.seen & (1U << attrs[i]))
			TH_LOG("attribute %d is missing", attrs[i]);
	}
	for (int i = DENALI_EXIT_A_HYPERCALL; i <= DENALI_EXIT_A_MAX; i++) {
		EXPECT_TRUE(vm.exits_seen & (1U << i))
			TH_LOG("exit attribute %d is missing", i);
	}
	close(fd);
}

TEST_F(nl, get_the_end)
{
	int fd = guest_start(self->dev, "basic", GUEST_MEM, "exit 5");
	struct nl_vm vm;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(vm_wait(fd, SOON_MS), 0);
	ASSERT_EQ(nl_vm_get(&self->nl, vm_id(fd), &vm), 0);
	EXPECT_EQ(vm.state, DENALI_VM_ENDED);
	EXPECT_EQ(vm.reason, DENALI_END_EXIT);
	EXPECT_EQ(vm.status, 5);
	EXPECT_GT(vm.run_ns, 0);
	close(fd);
}

TEST_F(nl, get_nothing)
{
	struct nl_vm vm;
	uint64_t id;
	int fd = vm_create_id(self->dev, GUEST_MEM, 0, NULL, &id);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(nl_vm_get(&self->nl, 1ULL << 60, &vm), -1);
	EXPECT_EQ(errno, ENOENT);
	EXPECT_EQ(nl_vm_get(&self->nl, 0, &vm), -1);
	close(fd);
	EXPECT_TRUE(wait_until(nl_vm_get(&self->nl, id, &vm) == -1, SOON_MS));
	EXPECT_EQ(errno, ENOENT);
}

TEST_F(nl, bad_requests)
{
	struct {
		struct nlattr a;
		uint32_t v;
	} short_id = { { NLA_HDRLEN + 4, DENALI_A_ID }, 1 };
	struct {
		struct nlattr a;
		uint64_t v;
	} __attribute__((packed)) unknown = { { NLA_HDRLEN + 8, 200 }, 1 };

	ASSERT_EQ(nl_request(&self->nl, DENALI_CMD_VM_GET, 0, NULL, 0), 0);
	EXPECT_GT(nl_error(&self->nl), 0);
	ASSERT_EQ(nl_request(&self->nl, DENALI_CMD_VM_GET, 0, &short_id, sizeof(short_id)), 0);
	EXPECT_GT(nl_error(&self->nl), 0);
	ASSERT_EQ(nl_request(&self->nl, DENALI_CMD_VM_GET, 0, &unknown, sizeof(unknown)), 0);
	EXPECT_GT(nl_error(&self->nl), 0);
	ASSERT_EQ(nl_request(&self->nl, DENALI_CMD_EVENT, 0, NULL, 0), 0);
	EXPECT_EQ(nl_error(&self->nl), EOPNOTSUPP);
	ASSERT_EQ(nl_request(&self->nl, 77, 0, NULL, 0), 0);
	EXPECT_EQ(nl_error(&self->nl), EOPNOTSUPP);
}

/* More VMs than fit into one message buffer; in order, each once. */
TEST_F(nl, dump)
{
	struct seen before = { .ordered = true }, seen = { .ordered = true };
	int vm[200];

	ASSERT_EQ(nl_vm_dump(&self->nl, look, &before), 0);
	for (int i = 0; i < 200; i++) {
		vm[i] = vm_create(self->dev, 16 << 10, 0, NULL);
		ASSERT_GE(vm[i], 0);
	}
	seen.want = vm_id(vm[150]);
	ASSERT_EQ(nl_vm_dump(&self->nl, look, &seen), 0);
	EXPECT_EQ(seen.n, before.n + 200);
	EXPECT_TRUE(seen.ordered);
	EXPECT_EQ(seen.found.mem_bytes, 16 << 10);
	for (int i = 0; i < 200; i++)
		close(vm[i]);
}

/* VMs come and go while a dump is under way: those that stay are all in it. */
TEST_F(nl, dump_while_vms_come_and_go)
{
	int vm[60], status, go;
	pid_t pid;

	for (int i = 0; i < 60; i++) {
		vm[i] = vm_create(self->dev, 16 << 10, 0, NULL);
		ASSERT_GE(vm[i], 0);
	}
	pid = fork();
	if (!pid) {
		int dev = dev_open(), other;

		for (;;) {
			other = vm_create(dev, 16 << 10, 0, NULL);
			close(other);
		}
	}
	for (go = 0; go < 50; go++) {
		struct seen seen = { .ordered = true, .want = vm_id(vm[go]) };

		ASSERT_EQ(nl_vm_dump(&self->nl, look, &seen), 0);
		EXPECT_TRUE(seen.ordered);
		EXPECT_GE(seen.n, 60);
		EXPECT_EQ(seen.found.id, seen.want);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	for (int i = 0; i < 60; i++)
		close(vm[i]);
}

/* Another user sees his own VMs and nobody else's. */
TEST_F(nl, others_see_their_own)
{
	int fd = vm_create(self->dev, GUEST_MEM, 0, "not-yours"), status;
	uint64_t id = vm_id(fd);
	char node[64];
	pid_t pid;

	ASSERT_GE(fd, 0);
	ASSERT_EQ(device_node(node, sizeof(node)), 0);
	pid = fork();
	if (!pid) {
		struct seen seen = { .ordered = true };
		struct nl nl;
		struct nl_vm vm;
		uint64_t own;
		int dev;

		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(2);
		dev = open(node, O_RDWR);
		if (dev < 0 || vm_create_id(dev, GUEST_MEM, 0, "yours", &own) < 0)
			_exit(3);
		if (nl_open(&nl))
			_exit(4);
		seen.want = own;
		if (nl_vm_dump(&nl, look, &seen))
			_exit(5);
		if (seen.n != 1 || seen.found.uid != 65534)
			_exit(6);
		if (nl_vm_get(&nl, own, &vm))
			_exit(7);
		if (nl_vm_get(&nl, id, &vm) != -1)
			_exit(8);
		if (errno != EPERM && errno != ENOENT)
			_exit(9);
		/* Nor may he listen. */
		if (nl_subscribe(&nl) != -1 || errno != EPERM)
			_exit(10);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	unlink(node);
	EXPECT_EQ(status, 0)
		TH_LOG("child ended with %d", WEXITSTATUS(status));
	close(fd);
}

/* Created, started, stopped, started, ended, destroyed, in this order, one number apart. */
TEST_F(nl, events)
{
	static const uint32_t want[] = { DENALI_EVENT_CREATED, DENALI_EVENT_STARTED, DENALI_EVENT_STOPPED,
		DENALI_EVENT_STARTED, DENALI_EVENT_ENDED, DENALI_EVENT_DESTROYED };
	struct nl_vm ev;
	uint64_t last = 0, id;
	int fd;

	ASSERT_EQ(nl_subscribe(&self->nl), 0);
	fd = vm_create_id(self->dev, GUEST_MEM, 0, "watched", &id);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(guest_boot(fd, "basic", "tick"), 0);
	ASSERT_EQ(vm_ctl(fd, DENALI_IOC_VM_STOP), 0);
	ASSERT_EQ(vm_ctl(fd, DENALI_IOC_VM_START), 0);
	ASSERT_EQ(vm_ctl(fd, DENALI_IOC_VM_KILL), 0);
	ASSERT_EQ(vm_ctl(fd, DENALI_IOC_VM_DESTROY), 0);
	close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		ASSERT_EQ(nl_event(&self->nl, &ev, SOON_MS), 0);
		EXPECT_EQ(ev.cmd, DENALI_CMD_EVENT);
		EXPECT_EQ(ev.id, id);
		EXPECT_STREQ(ev.name, "watched");
		EXPECT_EQ(ev.event, want[i])
			TH_LOG("event %zu", i);
		if (last)
			EXPECT_EQ(ev.seq, last + 1);
		last = ev.seq;
	}
}

/* An end by itself is an event, with its status, with nobody waiting for it. */
TEST_F(nl, event_of_an_end)
{
	struct nl_vm ev = { 0 };
	int fd;

	ASSERT_EQ(nl_subscribe(&self->nl), 0);
	fd = guest_start(self->dev, "basic", GUEST_MEM, "exit 33");
	ASSERT_GE(fd, 0);
	do {
		ASSERT_EQ(nl_event(&self->nl, &ev, SOON_MS), 0);
	} while (ev.event != DENALI_EVENT_ENDED);
	EXPECT_EQ(ev.state, DENALI_VM_ENDED);
	EXPECT_EQ(ev.reason, DENALI_END_EXIT);
	EXPECT_EQ(ev.status, 33);
	close(fd);
}

TEST_F(nl, event_of_a_fault)
{
	struct nl_vm ev = { 0 };
	int fd;

	ASSERT_EQ(nl_subscribe(&self->nl), 0);
	fd = guest_start(self->dev, "exc", GUEST_MEM, "die ud");
	ASSERT_GE(fd, 0);
	do {
		ASSERT_EQ(nl_event(&self->nl, &ev, SOON_MS), 0);
	} while (ev.event != DENALI_EVENT_ENDED);
	EXPECT_EQ(ev.reason, DENALI_END_FAULT);
	EXPECT_GT(strlen(ev.text), 0);
	close(fd);
}

/* A listener that doesn't listen loses events, and the numbers say so; nobody waits for him. */
TEST_F(nl, lost_events_show)
{
	uint64_t last = 0, gap = 0;
	struct nl_vm ev;
	int fd, size = 2048;

	ASSERT_EQ(setsockopt(self->nl.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	ASSERT_EQ(nl_subscribe(&self->nl), 0);
	for (int i = 0; i < 200; i++) {
		fd = vm_create(self->dev, 16 << 10, 0, NULL);
		ASSERT_GE(fd, 0);
		close(fd);
	}
	while (nl_event(&self->nl, &ev, 100) == 0 || errno == ENOBUFS)
		last = ev.seq;
	/* Another one now: its number tells how many were missed. */
	fd = vm_create(self->dev, 16 << 10, 0, NULL);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(nl_event(&self->nl, &ev, SOON_MS), 0);
	gap = ev.seq - last;
	EXPECT_GT(gap, 1);
	close(fd);
}

/* Counters */

static int started(int dev, const char *guest, const char *cmd, uint64_t *id)
{
	int fd = guest_start(dev, guest, GUEST_MEM, cmd);

	if (fd >= 0)
		*id = vm_id(fd);
	return fd;
}

/* cond on the VM's counters becomes true */
#define counters_until(id, vm, cond)	\
	wait_until(nl_vm_get(&self->nl, id, &(vm)) == 0 && (cond), SOON_MS)

TEST_F(nl, counts_hypercalls_that_leave)
{
	struct nl_vm a, b;
	uint64_t id;
	int fd = started(self->dev, "hostile", "call-storm 1", &id);

	ASSERT_GE(fd, 0);
	EXPECT_TRUE(counters_until(id, a, a.hypercalls > 100));
	EXPECT_TRUE(counters_until(id, b, b.hypercalls > a.hypercalls));
	EXPECT_GE(b.exits[DENALI_EXIT_A_HYPERCALL], a.exits[DENALI_EXIT_A_HYPERCALL]);
	EXPECT_GT(b.run_ns, a.run_ns);
	close(fd);
}

/* Answered in the switcher: no exit, no count; interrupts of the host end its slices. */
TEST_F(nl, counts_interrupts)
{
	struct nl_vm a, b;
	uint64_t id;
	int fd = started(self->dev, "hostile", "nop-storm", &id);

	ASSERT_GE(fd, 0);
	EXPECT_TRUE(counters_until(id, a, a.exits[DENALI_EXIT_A_INTERRUPT] > 3));
	EXPECT_TRUE(counters_until(id, b, b.exits[DENALI_EXIT_A_INTERRUPT] > a.exits[DENALI_EXIT_A_INTERRUPT]));
	EXPECT_EQ(b.hypercalls, 0);
	EXPECT_EQ(b.exits[DENALI_EXIT_A_HYPERCALL], 0);
	EXPECT_EQ(b.idle, 0);
	close(fd);
}

TEST_F(nl, counts_exceptions)
{
	struct nl_vm a, b;
	uint64_t id;
	int fd = started(self->dev, "hostile", "fault-loop", &id);

	ASSERT_GE(fd, 0);
	EXPECT_TRUE(counters_until(id, a, a.exits[DENALI_EXIT_A_EXCEPTION] > 100));
	EXPECT_TRUE(counters_until(id, b, b.exits[DENALI_EXIT_A_EXCEPTION] > a.exits[DENALI_EXIT_A_EXCEPTION]));
	close(fd);
}

TEST_F(nl, counts_upcalls)
{
	struct denali_vm_state st;
	struct nl_vm vm;
	int fd = guest_start(self->dev, "time", GUEST_MEM, "upcall-again");

	ASSERT_GE(fd, 0);
	ASSERT_EQ(vm_wait(fd, SOON_MS), 0);
	vm_state(fd, &st);
	ASSERT_EQ(st.reason, DENALI_END_EXIT)
		TH_LOG("%s", st.text);
	ASSERT_EQ(nl_vm_get(&self->nl, st.id, &vm), 0);
	EXPECT_EQ(vm.upcalls, 50);
	EXPECT_EQ(vm.irqs, 50);
	close(fd);
}

TEST_F(nl, counts_console_bytes)
{
	struct nl_vm vm;
	int fd = guest_start(self->dev, "console", GUEST_MEM, "lines 100");

	ASSERT_GE(fd, 0);
	ASSERT_EQ(vm_wait(fd, SOON_MS), 0);
	ASSERT_EQ(nl_vm_get(&self->nl, vm_id(fd), &vm), 0);
	EXPECT_EQ(vm.port[0].tx_bytes, 1600);
	EXPECT_EQ(vm.port[0].rx_bytes, 0);
	close(fd);
}

TEST_F(nl, says_idle)
{
	struct nl_vm vm, again;
	uint64_t id;
	int fd = started(self->dev, "basic", "idle", &id);

	ASSERT_GE(fd, 0);
	EXPECT_TRUE(counters_until(id, vm, vm.idle == 1));
	EXPECT_EQ(vm.state, DENALI_VM_RUNNING);
	/* An idle VM uses no CPU. */
	let_pass(300);
	ASSERT_EQ(nl_vm_get(&self->nl, id, &again), 0);
	EXPECT_EQ(again.run_ns, vm.run_ns);
	EXPECT_EQ(again.hypercalls, vm.hypercalls);
	close(fd);
}

/* Run time is never more than the time that passed, on one CPU. */
TEST_F(nl, run_time_is_bounded)
{
	uint64_t before = now_ns(), after, id;
	struct nl_vm vm;
	int fd = started(self->dev, "basic", "spin", &id);

	ASSERT_GE(fd, 0);
	EXPECT_TRUE(counters_until(id, vm, vm.run_ns > 50000000));
	after = now_ns();
	EXPECT_LE(vm.run_ns, after - before);
	close(fd);
}

TEST_F(nl, steal_time)
{
	struct denali_info info;
	struct nl_vm counters;
	uint64_t id[17];
	int vm[17], n;

	dev_info(self->dev, &info);
	n = info.runners + 1 < 17 ? info.runners + 1 : 17;
	for (int i = 0; i < n; i++)
		vm[i] = started(self->dev, "basic", "spin", &id[i]);
	/* One CPU at least has two; what one of them runs, the other waits. */
	EXPECT_TRUE(wait_until(({
		uint64_t steal = 0;

		for (int i = 0; i < n; i++)
			if (nl_vm_get(&self->nl, id[i], &counters) == 0)
				steal += counters.steal_ns;
		steal > 20000000;
	}), SOON_MS));
	for (int i = 0; i < n; i++)
		close(vm[i]);
}

/* Page tables and buffers of an idle VM are given back: it costs less than a running one. */
TEST_F(nl, idle_vm_is_small)
{
	struct nl_vm active, idle;
	uint64_t a = 0, b = 0;
	int one = started(self->dev, "basic", "spin", &a), two = started(self->dev, "basic", "idle", &b);

	ASSERT_GE(one, 0);
	ASSERT_GE(two, 0);
	ASSERT_TRUE(counters_until(a, active, active.run_ns > 0));
	EXPECT_LE(active.kmem_bytes, 64 << 10);
	EXPECT_TRUE(counters_until(b, idle, idle.kmem_bytes < active.kmem_bytes));
	close(one);
	close(two);
}

TEST_HARNESS_MAIN
