// SPDX-License-Identifier: GPL-2.0
/* Which scheduling policy there is: all runners have the same, from when the module is loaded. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cache.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "sched.h"

const struct dn_sched_ops *dn_sched __ro_after_init;
DEFINE_STATIC_CALL_NULL(dn_sched_pick, *dn_sched_fair.pick);
DEFINE_STATIC_CALL_NULL(dn_sched_put, *dn_sched_fair.put);
unsigned int dn_quantum_us = 10000;

static const struct dn_sched_ops *const dn_policies[] = { &dn_sched_fair, &dn_sched_rr };

/**
 * dn_sched_choose() - choose the policy
 * @name: its name
 *
 * Context: before there are runners. Return: 0, or -EINVAL after printing what there is.
 */
int dn_sched_choose(const char *name)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(dn_policies); i++) {
		if (!strcmp(name, dn_policies[i]->name)) {
			dn_sched = dn_policies[i];
			static_call_update(dn_sched_pick, dn_sched->pick);
			static_call_update(dn_sched_put, dn_sched->put);
			return 0;
		}
	}
	pr_err("sched=%s: no such policy; there are fair and rr\n", name);
	return -EINVAL;
}
