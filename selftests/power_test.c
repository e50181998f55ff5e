// SPDX-License-Identifier: GPL-2.0
/*
 * The host sleeps while VMs run: suspend and hibernation, as far as the kernel's pm_test goes and
 * all the way. VMs go on where they were, on every CPU, and their clocks are right.
 *
 * Where devices sleep too, the test machine's files don't come back: selftests/power runs these cases in
 * its memory, says so by DENALI_TEST_POWER=1, and wakes the machine.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib.h"
#include "share.h"
#include "watch.h"

#define MAX_CPUS	8
#define POWER		"/sys/power/"
#define KEYBOARD	"/sys/devices/platform/i8042/serio0/power/wakeup"

/* What calibration and NTP leave between two clocks. */
#define SLACK		1000000

/* As guests/time.c has it. */
struct times {
	uint32_t seq;
	uint32_t mono_low, mono_high, wall_low, wall_high;
};

struct moment {
	uint64_t mono, wall;
};

FIXTURE(power) {
	int dev;
	int cpus;
	int vm[MAX_CPUS];			/* one on each */
	volatile struct times *times[MAX_CPUS];
};

FIXTURE_VARIANT(power) {
	const char *level;	/* of pm_test */
	const char *state;	/* what is asked for */
	const char *mode;	/* of mem_sleep or disk; NULL: any */
	bool files;		/* they come back */
	bool key;		/* wakes it */
};

/* Tasks stand still, and all else goes on. */
FIXTURE_VARIANT_ADD(power, frozen) { "freezer", "mem", "deep", .files = true };
FIXTURE_VARIANT_ADD(power, devices) { "devices", "mem", "deep" };
FIXTURE_VARIANT_ADD(power, platform) { "platform", "mem", "deep" };
/* All CPUs but one are off. */
FIXTURE_VARIANT_ADD(power, processors) { "processors", "mem", "deep" };
FIXTURE_VARIANT_ADD(power, core) { "core", "mem", "deep" };
FIXTURE_VARIANT_ADD(power, to_idle) { "none", "mem", "s2idle", .key = true };
/* The CPUs lose all that they have. */
FIXTURE_VARIANT_ADD(power, to_ram) { "none", "mem", "deep" };
/* All is written to swap, and the machine starts anew. */
FIXTURE_VARIANT_ADD(power, to_disk) { "none", "disk", "reboot" };

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static struct moment host_moment(void)
{
	return (struct moment){ clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_REALTIME) };
}

static struct moment guest_look(volatile struct times *t, uint32_t *seq)
{
	struct moment m;

	do {
		*seq = t->seq;
		m.mono = t->mono_low | (uint64_t)t->mono_high << 32;
		m.wall = t->wall_low | (uint64_t)t->wall_high << 32;
	} while (*seq & 1 || t->seq != *seq);
	return m;
}

/* What the guest's clocks say between two moments of the host's. */
static bool guest_moment(volatile struct times *t, struct moment *before, struct moment *guest,
			 struct moment *after)
{
	uint32_t first, seq = 0;
	bool new;

	*before = host_moment();
	first = t->seq;
	/* One that it has begun to take after that. */
	new = wait_until((*guest = guest_look(t, &seq), seq - first > 3), SOON_MS);
	*after = host_moment();
	return new;
}

/* Something like "s2idle [deep]" offers this? */
static bool offers(const char *path, const char *what)
{
	char text[256] = "", *word;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	for (word = strtok(text, " []\n"); word; word = strtok(NULL, " []\n"))
		if (!strcmp(word, what))
			return true;
	return false;
}

/* If a wake-up comes too early it is another try. */
static bool sleep_now(const char *state)
{
	bool slept = false;

	return wait_until((slept = file_put(POWER "state", state), slept || errno != EBUSY), SOON_MS) && slept;
}

FIXTURE_SETUP(power)
{
	struct denali_info info;

	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	dev_info(self->dev, &info);
	self->cpus = info.runners < MAX_CPUS ? info.runners : MAX_CPUS;
	for (int i = 0; i < self->cpus; i++) {
		self->vm[i] = guest_make(self->dev, "time", GUEST_MEM, "times");
		ASSERT_GE(self->vm[i], 0);
		ASSERT_EQ(cpus_set(self->vm[i], 1ULL << i), 0);
		self->times[i] = guest_var(self->vm[i], "time", "times");
		ASSERT_NE(self->times[i], NULL);
		ASSERT_EQ(vm_ctl(self->vm[i], DENALI_IOC_VM_START), 0);
	}
	ASSERT_TRUE(watch_start(self->dev));
}

FIXTURE_TEARDOWN(power)
{
	file_put(POWER "pm_test", "none");
	watch_stop();
	for (int i = 0; i < self->cpus; i++) {
		guest_var_put(self->times[i]);
		close(self->vm[i]);
	}
	close(self->dev);
}

TEST_F_TIMEOUT(power, host_sleeps, 120)
{
	const char *modes = strcmp(variant->state, "disk") ? POWER "mem_sleep" : POWER "disk";
	struct moment before, guest, after;
	uint64_t low[MAX_CPUS], high[MAX_CPUS];	/* of the guest's clock less the host's */
	char why[256];

	if (!variant->files && !getenv("DENALI_TEST_POWER"))
		SKIP(return, "files don't come back: selftests/power");
	if (!offers(POWER "state", variant->state) || !offers(POWER "pm_test", variant->level) ||
	    (variant->mode && !offers(modes, variant->mode)))
		SKIP(return, "this kernel or machine doesn't know that");
	file_put("/sys/module/suspend/parameters/pm_test_delay", "0");
	for (int i = 0; i < self->cpus; i++) {
		ASSERT_TRUE(guest_moment(self->times[i], &before, &guest, &after));
		low[i] = guest.mono - after.mono;
		high[i] = guest.mono - before.mono;
	}
	ASSERT_TRUE(file_put(POWER "pm_test", variant->level));
	if (variant->mode)
		ASSERT_TRUE(file_put(modes, variant->mode));

	file_put(KEYBOARD, variant->key ? "enabled" : "disabled");
	ASSERT_TRUE(sleep_now(variant->state))
		TH_LOG("%s: %s", variant->state, strerror(errno));

	for (int i = 0; i < self->cpus; i++) {
		ASSERT_FALSE(vm_ended(self->vm[i]));
		ASSERT_TRUE(guest_moment(self->times[i], &before, &guest, &after))
			TH_LOG("the VM on CPU %d stands still", i);
		/* As the host's, it doesn't count what was slept. */
		EXPECT_GE((int64_t)(guest.mono - before.mono - low[i]), -SLACK);
		EXPECT_LE((int64_t)(guest.mono - after.mono - high[i]), SLACK);
		EXPECT_GE(guest.wall, before.wall - SLACK);
		EXPECT_LE(guest.wall, after.wall + SLACK);
	}
	EXPECT_TRUE(watch_ok(why, sizeof(why)))
		TH_LOG("%s", why);
}

TEST_HARNESS_MAIN
