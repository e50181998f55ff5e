// SPDX-License-Identifier: GPL-2.0
/* Clock, timer, idle and upcalls: guests/time.c measures, here is what needs the host's eyes too. */
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "fixture.h"

FIXTURE_DEV(guest);

FIXTURE_VARIANT(guest) {
	const char *cmdline;
};

#define GUEST_VARIANT(id, text)	\
	FIXTURE_VARIANT_ADD(guest, id) { .cmdline = text }

GUEST_VARIANT(clock_monotonic, "clock-monotonic");
GUEST_VARIANT(clock_idle, "clock-idle");
GUEST_VARIANT(clock_starts, "clock-starts");
GUEST_VARIANT(clock_seq, "clock-seq");
GUEST_VARIANT(timer, "timer");
GUEST_VARIANT(timer_running, "timer-running");
GUEST_VARIANT(timer_once, "timer-once");
GUEST_VARIANT(timer_past, "timer-past");
GUEST_VARIANT(timer_disarm, "timer-disarm");
GUEST_VARIANT(timer_replace, "timer-replace");
GUEST_VARIANT(timer_never, "timer-never");
GUEST_VARIANT(run_timer, "run-timer");
GUEST_VARIANT(run_timer_idle, "run-timer-idle");
GUEST_VARIANT(run_timer_about_idle, "run-timer-about-idle");
GUEST_VARIANT(run_timer_past, "run-timer-past");
GUEST_VARIANT(run_timer_disarm, "run-timer-disarm");
GUEST_VARIANT(run_timer_upcall, "run-timer-upcall");
GUEST_VARIANT(idle_timeout, "idle-timeout");
GUEST_VARIANT(idle_zero, "idle-zero");
GUEST_VARIANT(idle_long, "idle-long");
GUEST_VARIANT(idle_pending, "idle-pending");
GUEST_VARIANT(idle_masked, "idle-masked");
GUEST_VARIANT(idle_disabled, "idle-disabled");
GUEST_VARIANT(idle_enabled, "idle-enabled");
GUEST_VARIANT(upcall, "upcall");
GUEST_VARIANT(upcall_again, "upcall-again");
GUEST_VARIANT(upcall_batch, "upcall-batch");
GUEST_VARIANT(upcall_disabled, "upcall-disabled");
GUEST_VARIANT(upcall_masked, "upcall-masked");
GUEST_VARIANT(upcall_none, "upcall-none");
GUEST_VARIANT(upcall_level, "upcall-level");
GUEST_VARIANT(upcall_regs, "upcall-regs");
GUEST_VARIANT(upcall_flags, "upcall-flags");
GUEST_VARIANT(upcall_stack, "upcall-stack");

TEST_F(guest, holds)
{
	EXPECT_HOLDS(self->dev, "time", GUEST_MEM, variant->cmdline);
}

/* And while other VMs want the CPU all the time. */
TEST_F(guest, holds_beside_busy_vms)
{
	struct denali_info info;
	int busy[16], n;

	dev_info(self->dev, &info);
	n = info.runners < 16 ? info.runners : 16;
	for (int i = 0; i < n; i++) {
		busy[i] = guest_start(self->dev, "basic", 64 << 10, "spin");
		ASSERT_GE(busy[i], 0);
	}
	EXPECT_HOLDS(self->dev, "time", GUEST_MEM, variant->cmdline);
	for (int i = 0; i < n; i++) {
		EXPECT_FALSE(vm_ended(busy[i]));
		close(busy[i]);
	}
}

FIXTURE_DEV(host);

static uint64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* The guest's wall clock lies between two looks at the host's. */
TEST_F(host, wall_clock)
{
	uint64_t before, after;
	volatile uint64_t *wall;
	int vm = guest_make(self->dev, "time", GUEST_MEM, "wall");

	ASSERT_GE(vm, 0);
	wall = guest_var(vm, "time", "wall");
	ASSERT_NE(wall, NULL);
	before = wall_ns();
	ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
	ASSERT_EQ(vm_wait(vm, SOON_MS), 0);
	after = wall_ns();
	/* Rates differ by what calibration and NTP leave: a millisecond is far more than that. */
	EXPECT_GE(*wall, before - 1000000);
	EXPECT_LE(*wall, after + 1000000);
	close(vm);
}

/* The two clocks run at the same rate. */
TEST_F(host, clock_rate)
{
	uint64_t h0, h1, h2, h3, g0, g1;
	volatile uint64_t *clock;
	int vm = guest_start(self->dev, "basic", GUEST_MEM, "clock");

	ASSERT_GE(vm, 0);
	clock = guest_var(vm, "basic", "seen_clock");
	ASSERT_NE(clock, NULL);
	ASSERT_TRUE(wait_until(*clock > 0, SOON_MS));

	/* Each reading of the guest's clock is framed by two of ours. */
	h0 = now_ns();
	g0 = *clock;
	ASSERT_TRUE(wait_until(*clock != g0, SOON_MS));
	g0 = *clock;
	h1 = now_ns();
	let_pass(1000);
	h2 = now_ns();
	g1 = *clock;
	ASSERT_TRUE(wait_until(*clock != g1, SOON_MS));
	g1 = *clock;
	h3 = now_ns();
	EXPECT_GE(g1 - g0, (h2 - h1) - (h2 - h1) / 1000);
	EXPECT_LE(g1 - g0, (h3 - h0) + (h3 - h0) / 1000);
	close(vm);
}

/*
 * The clock starts at 0, also where the CPU is busy choosing between VMs while this
 * one is started: a hundred VMs from each of several processes.
 */
TEST_F_TIMEOUT(host, clock_starts_at_zero, 90)
{
	pid_t pid[6];
	int status;

	for (size_t p = 0; p < ARRAY_SIZE(pid); p++) {
		pid[p] = fork();
		if (pid[p])
			continue;
		for (int i = 0; i < 100; i++) {
			struct denali_vm_state st;

			if (guest_run(self->dev, "time", 64 << 10, "clock-first", &st) < 0)
				_exit(2);
			if (st.reason != DENALI_END_EXIT) {
				fprintf(stderr, "# VM %d: %s\n", i, st.text);
				_exit(1);
			}
		}
		_exit(0);
	}
	for (size_t p = 0; p < ARRAY_SIZE(pid); p++) {
		EXPECT_EQ(waitpid(pid[p], &status, 0), pid[p]);
		EXPECT_EQ(status, 0);
	}
}

/* Input for the console raises the port's interrupt. */
TEST_F(host, port_interrupt)
{
	struct denali_vm_state st;
	int con, vm = guest_start_console(self->dev, "time", GUEST_MEM, "port-irq", &con);

	ASSERT_GE(vm, 0);
	EXPECT_EQ(write(con, "!", 1), 1);
	ASSERT_EQ(vm_wait(vm, SOON_MS), 0);
	vm_state(vm, &st);
	EXPECT_EQ(st.reason, DENALI_END_EXIT)
		TH_LOG("%s", st.text);
	close(con);
	close(vm);
}

TEST_HARNESS_MAIN
