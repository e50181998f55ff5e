// SPDX-License-Identifier: GPL-2.0
/* How VMs begin and end: states, reasons, descriptors, memory. Names are in names_test.c. */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "kselftest_harness.h"
#include "fixture.h"

FIXTURE_DEV_BACK(life);

TEST_F(life, create_is_counted)
{
	int vm = vm_create(self->dev, GUEST_MEM, 0, NULL);

	ASSERT_GE(vm, 0);
	EXPECT_EQ(vm_count(self->dev), self->vms + 1);
	EXPECT_EQ(pool_free(self->dev), self->free - GUEST_MEM);
	close(vm);
}

TEST_F(life, created_state)
{
	struct denali_vm_state st;
	uint64_t id;
	int vm = vm_create_id(self->dev, GUEST_MEM, 0, "fresh", &id);

	ASSERT_GE(vm, 0);
	vm_state(vm, &st);
	EXPECT_EQ(st.id, id);
	EXPECT_EQ(st.state, DENALI_VM_CREATED);
	EXPECT_EQ(st.reason, DENALI_END_NONE);
	EXPECT_EQ(st.mem_bytes, GUEST_MEM);
	EXPECT_EQ(st.uid, getuid());
	EXPECT_EQ(st.flags, 0);
	EXPECT_EQ(st.run_ns, 0);
	EXPECT_STREQ(st.name, "fresh");
	close(vm);
}

TEST_F(life, descriptor_is_cloexec)
{
	int vm = vm_create(self->dev, GUEST_MEM, 0, NULL);

	ASSERT_GE(vm, 0);
	EXPECT_TRUE(fcntl(vm, F_GETFD) & FD_CLOEXEC);
	close(vm);
}

TEST_F(life, exit_status)
{
	struct denali_vm_state st;

	ASSERT_EQ(guest_run(self->dev, "basic", GUEST_MEM, "exit 42", &st), 0);
	EXPECT_EQ(st.state, DENALI_VM_ENDED);
	EXPECT_EQ(st.reason, DENALI_END_EXIT);
	EXPECT_EQ(st.status, 42);
	EXPECT_GT(st.run_ns, 0);
}

TEST_F(life, panic_text)
{
	struct denali_vm_state st;

	ASSERT_EQ(guest_run(self->dev, "basic", GUEST_MEM, "panic oh_dear", &st), 0);
	EXPECT_EQ(st.reason, DENALI_END_PANIC);
	EXPECT_NE(strstr(st.text, "oh_dear"), NULL);
}

TEST_F(life, poll_reports_the_end)
{
	struct pollfd pfd = { .events = POLLIN };
	int vm = guest_start(self->dev, "basic", GUEST_MEM, "spin");

	ASSERT_GE(vm, 0);
	pfd.fd = vm;
	EXPECT_EQ(poll(&pfd, 1, 0), 0);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_KILL), 0);
	EXPECT_EQ(poll(&pfd, 1, SOON_MS), 1);
	EXPECT_EQ(pfd.revents, POLLIN | POLLHUP);
	close(vm);
}

TEST_F(life, poll_wakes_a_waiter)
{
	int vm = guest_start(self->dev, "basic", GUEST_MEM, "tick");
	int status;
	pid_t pid;

	ASSERT_GE(vm, 0);
	pid = fork();
	if (!pid)
		_exit(vm_wait(vm, SOON_MS) ? 1 : 0);
	EXPECT_TRUE(wait_until(process_sleeps(pid), SOON_MS));
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_KILL), 0);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0);
	close(vm);
}

TEST_F(life, kill_a_running_one)
{
	struct denali_vm_state st;
	int vm = guest_start(self->dev, "basic", GUEST_MEM, "spin");

	ASSERT_GE(vm, 0);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_KILL), 0);
	vm_state(vm, &st);
	EXPECT_EQ(st.state, DENALI_VM_ENDED);
	EXPECT_EQ(st.reason, DENALI_END_KILLED);
	EXPECT_GT(strlen(st.text), 0);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_KILL), -1);
	EXPECT_EQ(errno, ESHUTDOWN);
	close(vm);
}

TEST_F(life, kill_an_idle_one)
{
	volatile uint32_t *progress;
	struct denali_vm_state st;
	int vm = guest_start(self->dev, "basic", GUEST_MEM, "idle");

	ASSERT_GE(vm, 0);
	progress = guest_var(vm, "basic", "progress");
	ASSERT_NE(progress, NULL);
	EXPECT_TRUE(wait_until(*progress == 1, SOON_MS));
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_KILL), 0);
	vm_state(vm, &st);
	EXPECT_EQ(st.reason, DENALI_END_KILLED);
	guest_var_put(progress);
	close(vm);
}

TEST_F(life, kill_one_that_never_started)
{
	struct denali_vm_state st;
	int vm = vm_create(self->dev, GUEST_MEM, 0, NULL);

	ASSERT_GE(vm, 0);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_KILL), 0);
	vm_state(vm, &st);
	EXPECT_EQ(st.state, DENALI_VM_ENDED);
	EXPECT_EQ(st.reason, DENALI_END_KILLED);
	close(vm);
}

TEST_F(life, kill_a_stopped_one)
{
	struct denali_vm_state st;
	int vm = guest_start(self->dev, "basic", GUEST_MEM, "spin");

	ASSERT_GE(vm, 0);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_STOP), 0);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_KILL), 0);
	vm_state(vm, &st);
	EXPECT_EQ(st.reason, DENALI_END_KILLED);
	close(vm);
}

/* Stopped is stopped: nothing moves until it is started again. */
TEST_F(life, stop_and_go_on)
{
	uint32_t seen;
	volatile uint32_t *progress;
	struct denali_vm_state st;
	int vm = guest_start(self->dev, "basic", GUEST_MEM, "spin");

	ASSERT_GE(vm, 0);
	progress = guest_var(vm, "basic", "progress");
	ASSERT_NE(progress, NULL);
	EXPECT_TRUE(wait_until(*progress > 0, SOON_MS));
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_STOP), 0);
	seen = *progress;
	vm_state(vm, &st);
	EXPECT_EQ(st.state, DENALI_VM_STOPPED);
	/* Long enough for many quanta: a VM that still ran would show. */
	let_pass(100);
	EXPECT_EQ(*progress, seen);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_STOP), -1);
	EXPECT_EQ(errno, EALREADY);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	EXPECT_TRUE(wait_until(*progress != seen, SOON_MS));
	vm_state(vm, &st);
	EXPECT_EQ(st.state, DENALI_VM_RUNNING);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), -1);
	EXPECT_EQ(errno, EALREADY);
	guest_var_put(progress);
	close(vm);
}

TEST_F(life, stop_an_idle_one)
{
	uint32_t seen;
	volatile uint32_t *progress;
	int vm = guest_start(self->dev, "basic", GUEST_MEM, "tick");

	ASSERT_GE(vm, 0);
	progress = guest_var(vm, "basic", "progress");
	ASSERT_NE(progress, NULL);
	EXPECT_TRUE(wait_until(*progress > 2, SOON_MS));
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_STOP), 0);
	seen = *progress;
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	/* Its idle timeout still comes. */
	EXPECT_TRUE(wait_until(*progress > seen + 2, SOON_MS));
	guest_var_put(progress);
	close(vm);
}

/* The guest clock goes on while the VM is stopped. */
TEST_F(life, clock_goes_on_while_stopped)
{
	volatile uint64_t *clock;
	uint64_t seen, off, on;
	int vm = guest_start(self->dev, "basic", GUEST_MEM, "clock");

	ASSERT_GE(vm, 0);
	clock = guest_var(vm, "basic", "seen_clock");
	ASSERT_NE(clock, NULL);
	EXPECT_TRUE(wait_until(*clock > 0, SOON_MS));
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_STOP), 0);
	seen = *clock;
	off = now_ns();
	let_pass(50);
	on = now_ns();
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	EXPECT_TRUE(wait_until(*clock != seen, SOON_MS));
	EXPECT_GE(*clock - seen, on - off);
	guest_var_put(clock);
	close(vm);
}

TEST_F(life, ended_stays_ended)
{
	struct denali_vm_state st;
	int vm = guest_start(self->dev, "basic", GUEST_MEM, "exit 3");

	ASSERT_GE(vm, 0);
	ASSERT_EQ(vm_wait(vm, SOON_MS), 0);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), -1);
	EXPECT_EQ(errno, ESHUTDOWN);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_STOP), -1);
	EXPECT_EQ(errno, ESHUTDOWN);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_KILL), -1);
	EXPECT_EQ(errno, ESHUTDOWN);
	vm_state(vm, &st);
	EXPECT_EQ(st.status, 3);
	close(vm);
}

/* The last descriptor takes a VM that isn't persistent with it, running or not. */
TEST_F(life, last_close_ends_it)
{
	uint64_t id;
	int copy, vm = vm_create_id(self->dev, GUEST_MEM, 0, NULL, &id);

	ASSERT_GE(vm, 0);
	ASSERT_EQ(guest_boot(vm, "basic", "spin"), 0);
	copy = dup(vm);
	close(vm);
	EXPECT_FALSE(vm_ended(copy));
	close(copy);
	EXPECT_TRUE(wait_until(vm_open_id(self->dev, id) == -1, SOON_MS));
	EXPECT_EQ(errno, ENOENT);
}

TEST_F(life, second_descriptor_keeps_it)
{
	uint64_t id;
	int other, vm = vm_create_id(self->dev, GUEST_MEM, 0, NULL, &id);

	ASSERT_GE(vm, 0);
	other = vm_open_id(self->dev, id);
	ASSERT_GE(other, 0);
	close(vm);
	EXPECT_EQ(vm_count(self->dev), self->vms + 1);
	close(other);
}

TEST_F(life, dies_with_its_process)
{
	int status, p[2];
	uint64_t id = 0;
	pid_t pid;

	ASSERT_EQ(pipe(p), 0);
	pid = fork();
	if (!pid) {
		int vm = vm_create_id(self->dev, GUEST_MEM, 0, NULL, &id);

		if (vm < 0 || guest_boot(vm, "basic", "spin"))
			_exit(1);
		if (write(p[1], &id, sizeof(id)) != sizeof(id))
			_exit(1);
		pause();
	}
	close(p[1]);
	ASSERT_EQ(read(p[0], &id, sizeof(id)), sizeof(id));
	EXPECT_EQ(vm_count(self->dev), self->vms + 1);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	EXPECT_TRUE(wait_until(vm_count(self->dev) == self->vms, SOON_MS));
}

TEST_F(life, persistent_outlives_its_descriptor)
{
	struct denali_vm_state st;
	uint64_t id;
	int vm = vm_create_id(self->dev, GUEST_MEM, DENALI_CREATE_PERSISTENT, "keep", &id);

	ASSERT_GE(vm, 0);
	close(vm);
	EXPECT_EQ(vm_count(self->dev), self->vms + 1);
	vm = vm_open_id(self->dev, id);
	ASSERT_GE(vm, 0);
	vm_state(vm, &st);
	EXPECT_EQ(st.flags, DENALI_CREATE_PERSISTENT);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_DESTROY), 0);
	close(vm);
}

/* Its end is there to be read when nobody was looking. */
TEST_F(life, persistent_keeps_its_status)
{
	struct denali_vm_state st;
	uint64_t id;
	int vm = vm_create_id(self->dev, GUEST_MEM, DENALI_CREATE_PERSISTENT, NULL, &id);

	ASSERT_GE(vm, 0);
	ASSERT_EQ(guest_boot(vm, "basic", "exit 9"), 0);
	close(vm);
	vm = vm_open_id(self->dev, id);
	ASSERT_GE(vm, 0);
	EXPECT_EQ(vm_wait(vm, SOON_MS), 0);
	vm_state(vm, &st);
	EXPECT_EQ(st.reason, DENALI_END_EXIT);
	EXPECT_EQ(st.status, 9);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_DESTROY), 0);
	close(vm);
}

TEST_F(life, destroy_a_running_one)
{
	struct denali_vm_state st;
	uint64_t id;
	int vm = vm_create_id(self->dev, GUEST_MEM, DENALI_CREATE_PERSISTENT, "gone", &id);

	ASSERT_GE(vm, 0);
	ASSERT_EQ(guest_boot(vm, "basic", "spin"), 0);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_DESTROY), 0);
	EXPECT_EQ(vm_open_id(self->dev, id), -1);
	EXPECT_EQ(errno, ENOENT);
	EXPECT_EQ(vm_open_name(self->dev, "gone"), -1);
	EXPECT_EQ(errno, ENOENT);
	/* Its state can still be read, nothing else is possible. */
	vm_state(vm, &st);
	EXPECT_EQ(st.state, DENALI_VM_ENDED);
	EXPECT_EQ(st.reason, DENALI_END_KILLED);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), -1);
	EXPECT_EQ(errno, ESHUTDOWN);
	EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_DESTROY), -1);
	EXPECT_EQ(errno, ESHUTDOWN);
	EXPECT_EQ(console_open(vm), -1);
	EXPECT_EQ(errno, ESHUTDOWN);
	EXPECT_EQ(vm_setup(vm, 0x2000, NULL), -1);
	EXPECT_EQ(errno, ESHUTDOWN);
	close(vm);
}

TEST_F(life, destroyed_name_is_free)
{
	int a, b;

	a = vm_create(self->dev, GUEST_MEM, 0, "again");
	ASSERT_GE(a, 0);
	EXPECT_EQ(vm_ctl(a, DENALI_IOC_VM_DESTROY), 0);
	b = vm_create(self->dev, GUEST_MEM, 0, "again");
	EXPECT_GE(b, 0);
	close(b);
	close(a);
}

/* What one VM leaves in its memory isn't there for the next. */
TEST_F(life, memory_is_zero_at_start)
{
	struct denali_vm_state st;

	for (int i = 0; i < 8; i++) {
		ASSERT_EQ(guest_run(self->dev, "basic", 8 << 20, "memzero", &st), 0);
		EXPECT_EQ(st.reason, DENALI_END_EXIT)
			TH_LOG("round %d: %s", i, st.text);
	}
}

/* The same with all of the pool, so that every byte of it is used twice. */
TEST_F(life, whole_pool_is_zero_at_start)
{
	struct denali_vm_state st;
	uint64_t size = self->free & ~0xfffULL;

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(guest_run(self->dev, "basic", size, "memzero", &st), 0);
		EXPECT_EQ(st.reason, DENALI_END_EXIT)
			TH_LOG("round %d: %s", i, st.text);
		ASSERT_TRUE(wait_until(pool_free(self->dev) == self->free, SOON_MS));
	}
}

static uint64_t pool_dirty(int dev)
{
	struct denali_info info;

	dev_info(dev, &info);
	return info.pool_dirty;
}

/* So that whoever wants it finds it clean, and creating a VM isn't clearing its memory. */
TEST_F(life, freed_memory_is_scrubbed_unasked)
{
	struct denali_vm_state st;

	ASSERT_EQ(guest_run(self->dev, "basic", self->free & ~0xfffULL, "memzero", &st), 0);
	/* It isn't dirty before it is free, which it is soon after the VM's end. */
	EXPECT_TRUE(wait_until(pool_free(self->dev) == self->free, SOON_MS));
	EXPECT_TRUE(wait_until(pool_dirty(self->dev) == 0, SOON_MS));
	EXPECT_EQ(pool_free(self->dev), self->free);
}

TEST_F(life, registers_at_start)
{
	EXPECT_HOLDS(self->dev, "regs_start", GUEST_MEM, "x");
}

TEST_F(life, vregs_at_start)
{
	EXPECT_HOLDS(self->dev, "basic", GUEST_MEM, "vregs 0x40000 1");
}

TEST_F(life, smallest_memory)
{
	struct denali_info info;

	dev_info(self->dev, &info);
	EXPECT_HOLDS(self->dev, "regs_start", info.min_memory, "x");
}

TEST_F(life, odd_sizes)
{
	static const uint64_t sizes[] = { 68 << 10, (2 << 20) - 4096, 2 << 20, (2 << 20) + 4096,
		(4 << 20) - 4096, (6 << 20) + 12288 };
	struct denali_vm_state st;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(guest_run(self->dev, "basic", sizes[i], "memzero", &st), 0);
		EXPECT_EQ(st.reason, DENALI_END_EXIT)
			TH_LOG("%llu bytes: %s", (unsigned long long)sizes[i], st.text);
	}
}

TEST_F(life, longest_boot_arguments)
{
	char args[2048] = "cmdline ";

	memset(args + 8, 'x', 2047 - 8);
	args[2047] = 0;
	EXPECT_HOLDS(self->dev, "basic", GUEST_MEM, args);
}

TEST_F(life, memory_is_shared_with_the_host)
{
	volatile uint32_t *in, *out;
	struct denali_vm_state st;
	int vm = guest_start(self->dev, "basic", GUEST_MEM, "shared");

	ASSERT_GE(vm, 0);
	in = guest_var(vm, "basic", "host_word");
	out = guest_var(vm, "basic", "guest_word");
	ASSERT_NE(in, NULL);
	ASSERT_NE(out, NULL);
	*in = 0x12345678;
	ASSERT_EQ(vm_wait(vm, SOON_MS), 0);
	EXPECT_EQ(*out, 0x87654321);
	vm_state(vm, &st);
	EXPECT_EQ(st.reason, DENALI_END_EXIT);
	guest_var_put(in);
	guest_var_put(out);
	close(vm);
}

TEST_F(life, run_time_counts)
{
	struct denali_vm_state st;

	ASSERT_EQ(guest_run(self->dev, "basic", GUEST_MEM, "runtime", &st), 0);
	EXPECT_EQ(st.reason, DENALI_END_EXIT)
		TH_LOG("%s", st.text);
	EXPECT_GE(st.run_ns, 2000000);
}

static int count_ended(const int *vm, int n)
{
	int ended = 0;

	for (int i = 0; i < n; i++)
		ended += vm_ended(vm[i]);
	return ended;
}

/*
 * More spinning VMs than CPUs: each that has to wait sees it, and ends. The last
 * ones may be alone on their CPUs and then have nothing to wait for.
 */
TEST_F(life, sharing_a_cpu)
{
	struct denali_vm_state st;
	struct denali_info info;
	int vm[33], n;

	dev_info(self->dev, &info);
	n = info.runners * 2 + 1 < 33 ? info.runners * 2 + 1 : 33;
	for (int i = 0; i < n; i++) {
		vm[i] = guest_start(self->dev, "basic", 64 << 10, "steal");
		ASSERT_GE(vm[i], 0);
	}
	EXPECT_TRUE(wait_until(count_ended(vm, n) >= n - (int)info.runners, SOON_MS));
	for (int i = 0; i < n; i++) {
		vm_state(vm[i], &st);
		if (st.state == DENALI_VM_ENDED)
			EXPECT_EQ(st.reason, DENALI_END_EXIT)
				TH_LOG("%s", st.text);
		close(vm[i]);
	}
}

/* Bytes of the kernel's slabs and of the module's vmallocs. */
static long kernel_bytes(void)
{
	long total = 0, kb;
	char line[256];
	FILE *f = fopen("/proc/meminfo", "r");

	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "SUnreclaim: %ld", &kb) == 1 || sscanf(line, "VmallocUsed: %ld", &kb) == 1 ||
		    sscanf(line, "PageTables: %ld", &kb) == 1)
			total += kb << 10;
	fclose(f);
	return total;
}

/*
 * Where there is KASAN, what was freed stays in quarantine for long and counts as used.
 * But there kmemleak is, too, which knows what nobody points at. It doesn't speak of what is
 * younger than 5 seconds, and one look may mistake a stale register for a pointer.
 */
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"

static bool leak_reported(void)
{
	bool found = false;
	char line[256];
	FILE *f;
	int i;

	for (i = 0; i < 2; i++) {
		sleep(6);
		f = fopen(KMEMLEAK, "w");
		if (f) {
			fputs("scan", f);
			fclose(f);
		}
	}
	f = fopen(KMEMLEAK, "r");
	while (f && fgets(line, sizeof(line), f)) {
		found = found || strstr(line, "[denali]");
		fprintf(stderr, "# %s", line);
	}
	if (f)
		fclose(f);
	return found;
}

static int cycle(int dev, int i)
{
	static const char *const ends[] = { "exit 0", "panic x", "spin", "idle" };
	int vm = guest_start(dev, "basic", GUEST_MEM, ends[i % 4]);

	if (vm < 0)
		return -1;
	/* Half of the running ones are ended by hand, half by the last close. */
	if (i % 4 < 2 && vm_wait(vm, SOON_MS) < 0)
		return -1;
	if (i % 4 >= 2 && i % 8 < 4 && vm_ctl(vm, DENALI_IOC_VM_KILL) < 0)
		return -1;
	if (i % 3 == 0 && vm_ctl(vm, DENALI_IOC_VM_DESTROY) < 0)
		return -1;
	return close(vm);
}

TEST_F_TIMEOUT(life, a_thousand_cycles, 150)
{
	long before, after;
	int i;

	/* The first ones fill caches. */
	for (i = 0; i < 200; i++)
		ASSERT_EQ(cycle(self->dev, i), 0);
	ASSERT_TRUE(wait_until(pool_free(self->dev) == self->free, SOON_MS));
	before = kernel_bytes();
	for (i = 0; i < 1000; i++)
		ASSERT_EQ(cycle(self->dev, i), 0);
	ASSERT_TRUE(wait_until(vm_count(self->dev) == self->vms, SOON_MS));
	EXPECT_TRUE(wait_until(pool_free(self->dev) == self->free, SOON_MS));
	if (!access(KMEMLEAK, R_OK)) {
		EXPECT_FALSE(leak_reported());
		return;
	}
	/* 1,000 times the smallest slab object would show; freed by RCU, it may take a moment. */
	EXPECT_TRUE(wait_until((after = kernel_bytes()) - before < 512 * 1024, SOON_MS))
		TH_LOG("kernel memory grew by %ld bytes", after - before);
}

TEST_F(life, many_at_once)
{
	struct denali_info info;
	int vm[100], n = 0;

	dev_info(self->dev, &info);
	for (n = 0; n < 100; n++) {
		vm[n] = guest_start(self->dev, "basic", 64 << 10, "tick");
		ASSERT_GE(vm[n], 0);
	}
	EXPECT_EQ(vm_count(self->dev), self->vms + 100);
	while (n--)
		close(vm[n]);
}

/* Everything that changes a VM, from two processes at once. */
TEST_F(life, concurrent_control)
{
	uint64_t until = now_ns() + 3000000000ULL;
	int vm, status;
	pid_t pid;

	while (now_ns() < until) {
		vm = guest_start(self->dev, "basic", 64 << 10, "tick");
		ASSERT_GE(vm, 0);
		pid = fork();
		if (!pid) {
			for (int i = 0; i < 20; i++) {
				vm_ctl(vm, DENALI_IOC_VM_STOP);
				vm_ctl(vm, DENALI_IOC_VM_START);
			}
			vm_ctl(vm, DENALI_IOC_VM_KILL);
			_exit(0);
		}
		for (int i = 0; i < 20; i++) {
			struct denali_vm_state st;

			vm_ctl(vm, DENALI_IOC_VM_START);
			vm_ctl(vm, DENALI_IOC_VM_STOP);
			vm_state(vm, &st);
		}
		vm_ctl(vm, DENALI_IOC_VM_DESTROY);
		close(vm);
		waitpid(pid, &status, 0);
		EXPECT_EQ(status, 0);
	}
}

TEST_HARNESS_MAIN
