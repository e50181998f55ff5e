/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What most C tests do with the harness: a fixture that is nothing but the open
 * device, and a guest that checks its property by itself. These are macros, so that
 * a failure names the line of the test. Include it behind kselftest_harness.h; lib.h
 * knows no harness.
 */
#ifndef DENALI_SELFTESTS_FIXTURE_H
#define DENALI_SELFTESTS_FIXTURE_H

#include "lib.h"

/* self->dev is the device. A FIXTURE_VARIANT of the same name goes behind it. */
#define FIXTURE_DEV(name)						\
	FIXTURE(name) {							\
		int dev;						\
	};								\
									\
	FIXTURE_SETUP(name)						\
	{								\
		self->dev = dev_open();					\
		ASSERT_GE(self->dev, 0);				\
	}								\
									\
	FIXTURE_TEARDOWN(name)						\
	{								\
		close(self->dev);					\
	}								\
									\
	struct __dev_fixture_##name

/* The same, and what the module doesn't have while a test runs must be back afterwards. */
#define FIXTURE_DEV_BACK(name)						\
	FIXTURE(name) {							\
		int dev;						\
		uint64_t free;						\
		unsigned int vms;					\
	};								\
									\
	FIXTURE_SETUP(name)						\
	{								\
		self->dev = dev_open();					\
		ASSERT_GE(self->dev, 0);				\
		self->free = pool_free(self->dev);			\
		self->vms = vm_count(self->dev);			\
	}								\
									\
	FIXTURE_TEARDOWN(name)						\
	{								\
		EXPECT_TRUE(wait_until(vm_count(self->dev) == self->vms, 5000)); \
		EXPECT_TRUE(wait_until(pool_free(self->dev) == self->free, 5000)); \
		close(self->dev);					\
	}								\
									\
	struct __dev_fixture_##name

/* The guest ends with EXIT 0; else its report says which line of it didn't hold. */
#define EXPECT_HOLDS(dev, guest, mem, cmdline) do {			\
	struct denali_vm_state __holds;					\
									\
	ASSERT_EQ(guest_run(dev, guest, mem, cmdline, &__holds), 0);	\
	EXPECT_EQ(__holds.reason, DENALI_END_EXIT)			\
		TH_LOG("%.60s: %s", cmdline, __holds.text);		\
	EXPECT_EQ(__holds.status, 0);					\
} while (0)

/* The clone ends with EXIT 0. */
#define EXPECT_CLONE_HOLDS(vm, what) do {				\
	struct denali_vm_state __st;					\
									\
	ASSERT_GE(vm, 0);						\
	EXPECT_EQ(vm_wait(vm, SOON_MS), 0)				\
		TH_LOG("%s: still running", what);			\
	vm_state(vm, &__st);						\
	EXPECT_EQ(__st.reason, DENALI_END_EXIT)				\
		TH_LOG("%s: %s", what, __st.text);			\
	EXPECT_EQ(__st.status, 0);					\
} while (0)

/* A clone that is started for it does. */
#define EXPECT_CLONE_RUNS(template, cmdline) do {			\
	int __vm = clone_start(template, cmdline);			\
									\
	EXPECT_CLONE_HOLDS(__vm, cmdline);				\
	close(__vm);							\
} while (0)

#endif /* DENALI_SELFTESTS_FIXTURE_H */
