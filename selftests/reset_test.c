// SPDX-License-Identifier: GPL-2.0
/*
 * Resetting clones: whatever one did and wherever it was, it is a new clone of its template
 * afterwards, nobody's memory is less, and nothing of what it was before can be found in it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "fixture.h"
#include "nl.h"

#define KEY		0x5ec7e7a9U
#define MANY		1000
#define PAGES_OF_CLONE	2	/* that are its own from the start */

static int vm_reset(int vm)
{
	return vm_ctl(vm, DENALI_IOC_VM_RESET);
}

static int vm_go(int vm, const char *cmdline)
{
	return vm_setup(vm, 0, cmdline) ?: vm_ctl(vm, DENALI_IOC_VM_START);
}

static uint64_t own_bytes(int vm)
{
	struct nl_vm nl;

	return vm_counters(vm_id(vm), &nl) ? nl.own_bytes : 0;
}

static bool idles(int vm)
{
	struct nl_vm nl;

	return vm_counters(vm_id(vm), &nl) && nl.idle;
}

FIXTURE(reset) {
	int dev;
	uint64_t free;
	int template;
	int vm;		/* a clone, not started */
	char clean[32];
};

FIXTURE_VARIANT(reset) {
	uint64_t mem;
};

FIXTURE_VARIANT_ADD(reset, small) { .mem = GUEST_MEM };
FIXTURE_VARIANT_ADD(reset, large) { .mem = (6 << 20) + 4096 };

FIXTURE_SETUP(reset)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->free = pool_free(self->dev);
	self->template = template_make(self->dev, variant->mem);
	ASSERT_GE(self->template, 0);
	self->vm = clone_flags(self->template, 0, NULL);
	ASSERT_GE(self->vm, 0);
	snprintf(self->clean, sizeof(self->clean), "clean 0x%x", ~KEY);
}

FIXTURE_TEARDOWN(reset)
{
	close(self->vm);
	close(self->template);
	EXPECT_TRUE(wait_until(pool_free(self->dev) == self->free, SOON_MS));
	close(self->dev);
}

/* The clone is started with these arguments, and ends with EXIT 0. */
#define EXPECT_GOES(vm, cmdline) do {					\
	ASSERT_EQ(vm_go(vm, cmdline), 0);				\
	EXPECT_CLONE_HOLDS(vm, cmdline);				\
} while (0)

/* How a clone got to where it is when it is reset. */
enum before { CREATED, EXITED, FAULTED, KILLED, SPINS, STOPPED, IDLES, WITHOUT_TABLES, KILLED_UNSTARTED, NR_BEFORE };

static const char * const before_names[] = {
	"created", "exited", "faulted", "killed", "spins", "stopped", "idles", "without page tables",
	"killed before its start",
};

static bool bring(int vm, enum before before)
{
	static const char ends[] = { 0, 'e', 'f', 's', 's', 's', 'i', 'i' };
	char cmdline[32];

	if (before == CREATED)
		return vm_setup(vm, 0, "stain") == 0;
	if (before == KILLED_UNSTARTED)
		return vm_ctl(vm, DENALI_IOC_VM_KILL) == 0;
	snprintf(cmdline, sizeof(cmdline), "stain 0x%x %c", KEY, ends[before]);
	if (vm_go(vm, cmdline))
		return false;
	switch (before) {
	case EXITED:
	case FAULTED:
		return vm_wait(vm, SOON_MS) == 0;
	case IDLES:
	case WITHOUT_TABLES:
		if (!wait_until(idles(vm), SOON_MS))
			return false;
		if (before == WITHOUT_TABLES)
			let_pass(3000);
		return true;
	default:
		/* Its pages are all its own before it spins. */
		let_pass(100);
		if (before == SPINS)
			return true;
		return vm_ctl(vm, before == KILLED ? DENALI_IOC_VM_KILL : DENALI_IOC_VM_STOP) == 0;
	}
}

TEST_F_TIMEOUT(reset, is_a_new_clone, 240)
{
	struct denali_vm_state st;
	uint64_t id = vm_id(self->vm);
	struct nl_vm nl;
	int i;

	for (i = 0; i < NR_BEFORE; i++) {
		ASSERT_TRUE(bring(self->vm, i))
			TH_LOG("%s: %m", before_names[i]);
		EXPECT_EQ(vm_reset(self->vm), 0)
			TH_LOG("%s: %m", before_names[i]);
		vm_state(self->vm, &st);
		EXPECT_EQ(st.state, DENALI_VM_CREATED);
		EXPECT_EQ(st.reason, DENALI_END_NONE);
		EXPECT_EQ(st.id, id);
		EXPECT_EQ(st.run_ns, 0);
		ASSERT_TRUE(vm_counters(id, &nl));
		EXPECT_EQ(nl.own_bytes, PAGES_OF_CLONE * 4096);
		EXPECT_EQ(nl.template, vm_id(self->template));
		EXPECT_EQ(nl.hypercalls + nl.exits[DENALI_EXIT_A_EXCEPTION] + nl.irqs + nl.upcalls, 0);
		EXPECT_FALSE(vm_ended(self->vm));
		EXPECT_GOES(self->vm, self->clean);
		EXPECT_EQ(vm_reset(self->vm), 0);
	}
}

/* Both at once: it is a new clone, and runs with what it was told before. */
TEST_F_TIMEOUT(reset, and_started_at_once, 240)
{
	int i;

	for (i = 0; i < NR_BEFORE; i++) {
		ASSERT_TRUE(bring(self->vm, i))
			TH_LOG("%s: %m", before_names[i]);
		ASSERT_EQ(vm_reset(self->vm), 0);
		ASSERT_EQ(vm_setup(self->vm, 0, self->clean), 0);
		ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
		ASSERT_EQ(vm_wait(self->vm, SOON_MS), 0);
		EXPECT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_RESTART), 0)
			TH_LOG("%s: %m", before_names[i]);
		EXPECT_CLONE_HOLDS(self->vm, self->clean);
		EXPECT_EQ(vm_reset(self->vm), 0);
	}
}

TEST_F_TIMEOUT(reset, of_one_that_runs_and_started_at_once, 60)
{
	int i;

	ASSERT_EQ(vm_go(self->vm, "stain 0x1 i"), 0);
	for (i = 0; i < 20; i++) {
		ASSERT_TRUE(wait_until(idles(self->vm), SOON_MS));
		ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_RESTART), 0);
	}
	EXPECT_FALSE(vm_ended(self->vm));
	EXPECT_EQ(vm_reset(self->vm), 0);
	EXPECT_GOES(self->vm, self->clean);
}

/* What its owner told it is kept, whatever it made of that; clock and alarm begin anew. */
TEST_F_TIMEOUT(reset, arguments_and_clock, 60)
{
	struct denali_vm_state st;
	int vm;

	EXPECT_GOES(self->vm, "clock");
	EXPECT_EQ(vm_reset(self->vm), 0);
	let_pass(300);
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	EXPECT_CLONE_HOLDS(self->vm, "clock");
	EXPECT_EQ(vm_reset(self->vm), 0);
	ASSERT_TRUE(bring(self->vm, EXITED));
	EXPECT_EQ(vm_reset(self->vm), 0);
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	ASSERT_EQ(vm_wait(self->vm, SOON_MS), 0);
	vm_state(self->vm, &st);
	EXPECT_EQ(st.status, 7);

	/* Never told anything, it has what its template was told. */
	vm = clone_flags(self->template, 0, NULL);
	ASSERT_GE(vm, 0);
	EXPECT_EQ(vm_reset(vm), 0);
	ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	ASSERT_EQ(vm_wait(vm, SOON_MS), 0);
	vm_state(vm, &st);
	EXPECT_STREQ(st.text, "no test of this name");
	close(vm);
}

TEST_F_TIMEOUT(reset, other_clones_and_the_template_stay, 60)
{
	int other = clone_start(self->template, "stain 0x1 i");

	ASSERT_GE(other, 0);
	ASSERT_TRUE(bring(self->vm, EXITED));
	EXPECT_EQ(vm_reset(self->vm), 0);
	EXPECT_FALSE(vm_ended(other));
	EXPECT_TRUE(wait_until(idles(other), SOON_MS));
	EXPECT_CLONE_RUNS(self->template, "look");
	close(other);
}

TEST_F_TIMEOUT(reset, without_its_template, 60)
{
	ASSERT_TRUE(bring(self->vm, SPINS));
	EXPECT_EQ(vm_ctl(self->template, DENALI_IOC_VM_DESTROY), 0);
	close(self->template);
	self->template = -1;
	EXPECT_EQ(vm_reset(self->vm), 0);
	EXPECT_GOES(self->vm, self->clean);
}

/* Output that nobody has read, and input that it never took. */
TEST_F_TIMEOUT(reset, console_is_empty, 60)
{
	int con = console_open(self->vm);
	char buf[256];

	ASSERT_GE(con, 0);
	EXPECT_GOES(self->vm, "console earlier");
	EXPECT_EQ(vm_reset(self->vm), 0);
	EXPECT_EQ(write(con, "old", 3), 3);
	EXPECT_EQ(vm_reset(self->vm), 0);
	ASSERT_EQ(vm_go(self->vm, "hear new"), 0);
	EXPECT_GT(console_expect(con, buf, sizeof(buf), "listening\n", SOON_MS), 0);
	EXPECT_EQ(strcmp(buf, "listening\n"), 0)
		TH_LOG("there is more: %s", buf);
	EXPECT_EQ(write(con, "new", 3), 3);
	EXPECT_CLONE_HOLDS(self->vm, "hear");
	close(con);
}

/* Whoever waits for room, or for output, goes on waiting for that of the new one. */
static void *write_much(void *arg)
{
	static const char text[512];
	int con = *(int *)arg;

	/* More than there is room for. */
	return write(con, text, 256) == 256 && write(con, text, 1) == 1 ? arg : NULL;
}

TEST_F_TIMEOUT(reset, waiting_writer_goes_on, 60)
{
	pthread_t writer;
	void *ok;
	int con = console_open(self->vm);

	ASSERT_GE(con, 0);
	ASSERT_EQ(vm_go(self->vm, "idle"), 0);
	ASSERT_EQ(pthread_create(&writer, NULL, write_much, &con), 0);
	let_pass(100);
	EXPECT_EQ(vm_reset(self->vm), 0);
	EXPECT_EQ(pthread_join(writer, &ok), 0);
	EXPECT_NE(ok, NULL);
	close(con);
}

TEST_F_TIMEOUT(reset, event, 60)
{
	struct nl_vm event = { 0 };
	uint64_t id = vm_id(self->vm);
	struct nl nl;

	ASSERT_EQ(nl_open(&nl), 0);
	ASSERT_EQ(nl_subscribe(&nl), 0);
	EXPECT_EQ(vm_reset(self->vm), 0);
	do {
		ASSERT_EQ(nl_event(&nl, &event, SOON_MS), 0);
	} while (event.id != id);
	EXPECT_EQ(event.event, DENALI_EVENT_RESET);
	EXPECT_EQ(event.state, DENALI_VM_CREATED);
	close(nl.fd);
}

TEST_F_TIMEOUT(reset, refusals, 60)
{
	int plain = vm_create(self->dev, GUEST_MEM, 0, NULL);

	ASSERT_GE(plain, 0);
	EXPECT_EQ(vm_reset(plain), -1);
	EXPECT_EQ(errno, EINVAL);
	ASSERT_EQ(guest_boot(plain, "basic", "spin"), 0);
	EXPECT_EQ(vm_reset(plain), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_EQ(vm_ctl(plain, DENALI_IOC_VM_RESTART), -1);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_FALSE(vm_ended(plain));
	close(plain);

	EXPECT_EQ(vm_reset(self->template), -1);
	EXPECT_EQ(errno, EBUSY);
	EXPECT_EQ(vm_ctl(self->template, DENALI_IOC_VM_RESTART), -1);
	EXPECT_EQ(errno, EBUSY);
	EXPECT_EQ(vm_reset(self->dev), -1);
	EXPECT_EQ(errno, ENOTTY);
	EXPECT_EQ(ioctl(self->vm, _IOW(DENALI_IOC_MAGIC, 0x1a, int), 0), -1);
	EXPECT_EQ(errno, ENOTTY);
	EXPECT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_DESTROY), 0);
	EXPECT_EQ(vm_reset(self->vm), -1);
	EXPECT_EQ(errno, ESHUTDOWN);
	EXPECT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_RESTART), -1);
	EXPECT_EQ(errno, ESHUTDOWN);
}

/* Over and over: nothing is lost of the pool or of the kernel's memory, and nothing piles up. */
TEST_F_TIMEOUT(reset, many_times, 300)
{
	uint64_t left = pool_free(self->dev), kmem = 0;
	struct nl_vm nl;
	int i;

	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(vm_go(self->vm, "touch"), 0);
		/* Some are caught in the middle. */
		if (i % 3)
			ASSERT_EQ(vm_wait(self->vm, SOON_MS), 0);
		ASSERT_EQ(vm_reset(self->vm), 0);
		if (i != 2 && i != MANY - 1)
			continue;
		ASSERT_TRUE(vm_counters(vm_id(self->vm), &nl));
		EXPECT_EQ(nl.own_bytes, PAGES_OF_CLONE * 4096);
		if (kmem)
			EXPECT_EQ(nl.kmem_bytes, kmem);
		kmem = nl.kmem_bytes;
	}
	EXPECT_EQ(pool_free(self->dev), left);
	EXPECT_GOES(self->vm, self->clean);
}

/* What takes turns with it on its CPU goes on, and is found whole. */
TEST_F_TIMEOUT(reset, beside_others, 120)
{
	int other[4], i;

	for (i = 0; i < ARRAY_SIZE(other); i++) {
		other[i] = clone_start(self->template, "spin");
		ASSERT_GE(other[i], 0);
	}
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(vm_go(self->vm, i % 2 ? "spin" : "write 77"), 0);
		ASSERT_EQ(vm_reset(self->vm), 0);
		ASSERT_EQ(vm_reset(other[i % 4]), 0);
		ASSERT_EQ(vm_go(other[i % 4], "spin"), 0);
	}
	for (i = 0; i < ARRAY_SIZE(other); i++) {
		EXPECT_FALSE(vm_ended(other[i]));
		EXPECT_EQ(vm_reset(other[i]), 0);
		EXPECT_GOES(other[i], self->clean);
		close(other[i]);
	}
}

#define RACERS	6
#define ROUNDS	300

struct racer {
	int vm;
	int template;
	unsigned int n;
	int wrong;	/* errno that there is no reason for */
};

static int expected(int err)
{
	return err == EALREADY || err == ESHUTDOWN || err == EINVAL || err == EBUSY || err == EPIPE ||
	       err == EAGAIN;
}

/* All that can be done to a clone, in each thread in another order. */
static void *race(void *arg)
{
	struct racer *racer = arg;
	struct denali_vm_state st;
	int ret, con, i;

	for (i = 0; i < ROUNDS; i++) {
		ret = 0;
		switch ((i * (racer->n + 1) + racer->n) % 7) {
		case 0:
		case 1:
			ret = vm_reset(racer->vm);
			break;
		case 2:
			ret = vm_setup(racer->vm, 0, i % 2 ? "touch" : "spin");
			break;
		case 3:
			ret = vm_ctl(racer->vm, DENALI_IOC_VM_START);
			break;
		case 4:
			ret = vm_ctl(racer->vm, racer->n % 2 ? DENALI_IOC_VM_KILL : DENALI_IOC_VM_STOP);
			break;
		case 5:
			vm_state(racer->vm, &st);
			if (st.state == DENALI_VM_ENDED && !st.reason)
				racer->wrong = ENOMSG;
			/* Those that were closed may not be gone yet, but they go. */
			wait_until((ret = clone_start(racer->template, "touch")) >= 0 || errno != ENOSPC, SOON_MS);
			if (ret >= 0)
				close(ret);
			break;
		default:
			con = console_open(racer->vm);
			if (con >= 0)
				ret = write(con, "x", 1);
			close(con);
		}
		if (ret < 0 && !expected(errno))
			racer->wrong = errno;
	}
	return NULL;
}

TEST_F_TIMEOUT(reset, races, 240)
{
	struct racer racer[RACERS];
	pthread_t thread[RACERS];
	int i;

	for (i = 0; i < RACERS; i++) {
		racer[i] = (struct racer){ self->vm, self->template, i };
		ASSERT_EQ(pthread_create(&thread[i], NULL, race, &racer[i]), 0);
	}
	for (i = 0; i < RACERS; i++) {
		EXPECT_EQ(pthread_join(thread[i], NULL), 0);
		EXPECT_EQ(racer[i].wrong, 0)
			TH_LOG("thread %d: %s", i, strerror(racer[i].wrong));
	}
	EXPECT_EQ(vm_reset(self->vm), 0);
	EXPECT_EQ(own_bytes(self->vm), PAGES_OF_CLONE * 4096);
	EXPECT_GOES(self->vm, self->clean);
}

/* The last descriptor goes, or the VM is destroyed, while others reset it. */
static void *reset_until_gone(void *arg)
{
	int vm = *(int *)arg;

	while (vm_reset(vm) == 0)
		vm_ctl(vm, DENALI_IOC_VM_START);
	return errno == ESHUTDOWN ? arg : NULL;
}

TEST_F_TIMEOUT(reset, races_with_destroy, 120)
{
	pthread_t thread[2];
	int round, vm, i;
	void *ok;

	for (round = 0; round < 30; round++) {
		vm = clone_make(self->template, "touch");
		ASSERT_GE(vm, 0);
		for (i = 0; i < 2; i++)
			ASSERT_EQ(pthread_create(&thread[i], NULL, reset_until_gone, &vm), 0);
		let_pass(round % 5);
		EXPECT_EQ(vm_ctl(vm, DENALI_IOC_VM_DESTROY), 0);
		for (i = 0; i < 2; i++) {
			EXPECT_EQ(pthread_join(thread[i], &ok), 0);
			EXPECT_NE(ok, NULL);
		}
		close(vm);
	}
}

TEST_HARNESS_MAIN
