// SPDX-License-Identifier: GPL-2.0
/* The gatekeeper's policies: in which order VMs that wait are admitted. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cache.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "gate.h"
#include "vm.h"

/* First come, first served, as in the original (Whitaker et al., OSDI 2002, section 3.2). */
static bool dn_gate_fifo_before(const struct dn_vm *vm, const struct dn_vm *other)
{
	return false;
}

/* The greatest priority first. Who has little may wait for ever. */
static bool dn_gate_priority_before(const struct dn_vm *vm, const struct dn_vm *other)
{
	return vm->gate.priority > other->gate.priority;
}

static const struct dn_gate_ops dn_gate_policies[] = {
	{ .name = "fifo", .before = dn_gate_fifo_before },
	{ .name = "priority", .before = dn_gate_priority_before },
};

const struct dn_gate_ops *dn_gate_policy __ro_after_init = &dn_gate_policies[0];

/**
 * dn_gate_choose() - choose the policy
 * @name: its name
 *
 * Context: before there are VMs. Return: 0, or -EINVAL after printing what there is.
 */
int dn_gate_choose(const char *name)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(dn_gate_policies); i++) {
		if (!strcmp(name, dn_gate_policies[i].name)) {
			dn_gate_policy = &dn_gate_policies[i];
			return 0;
		}
	}
	pr_err("gate=%s: no such policy; there are fifo and priority\n", name);
	return -EINVAL;
}
