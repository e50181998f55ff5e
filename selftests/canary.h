/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of hostile guests share: a canary VM, which computes through all of it and
 * must get on after each case, and what a VM's end may look like. For the test programs
 * themselves: include after kselftest_harness.h.
 */
#ifndef DENALI_SELFTESTS_CANARY_H
#define DENALI_SELFTESTS_CANARY_H

#include "fixture.h"

#define R_EXIT		(1U << DENALI_END_EXIT)
#define R_PANIC		(1U << DENALI_END_PANIC)
#define R_FAULT		(1U << DENALI_END_FAULT)
#define R_PROTOCOL	(1U << DENALI_END_PROTOCOL)
#define R_KILLED	(1U << DENALI_END_KILLED)

FIXTURE(hostile) {
	int dev;
	int canary;
	volatile uint32_t *progress;
};

FIXTURE_SETUP(hostile)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->canary = guest_start(self->dev, "basic", GUEST_MEM, "tick");
	ASSERT_GE(self->canary, 0);
	self->progress = guest_var(self->canary, "basic", "progress");
	ASSERT_NE(self->progress, NULL);
}

/* The canary computes: it got on since now. */
static bool canary_sings(struct _test_data_hostile *self)
{
	uint32_t seen = *self->progress;

	return wait_until(*self->progress != seen, SOON_MS) && !vm_ended(self->canary);
}

FIXTURE_TEARDOWN(hostile)
{
	EXPECT_TRUE(canary_sings(self));
	guest_var_put(self->progress);
	close(self->canary);
	close(self->dev);
}

/* A report that can be shown. */
static bool report_ok(const struct denali_vm_state *st)
{
	size_t len = strnlen(st->text, sizeof(st->text));

	if (st->state != DENALI_VM_ENDED || len == sizeof(st->text))
		return false;
	if (st->reason != DENALI_END_EXIT && !len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (st->text[i] < 0x20 || st->text[i] > 0x7e)
			return false;
	/* No right that ring 3 doesn't have. */
	return !(st->eflags & 0x23000);
}

#endif /* DENALI_SELFTESTS_CANARY_H */
