// SPDX-License-Identifier: GPL-2.0
/*
 * How much of the CPUs a VM gets: DENALI_IOC_VM_SHARE. A VM that runs is taken off its CPU for a
 * moment, so that nothing that runs ever looks at half of a change.
 *
 * vm->cap and vm->cpus stay until the VM is freed once they are there: dumps look at them
 * without a lock.
 */
#include <linux/bitmap.h>
#include <linux/capability.h>
#include <linux/slab.h>

#include "cpus.h"
#include "runner.h"
#include "vm.h"

typedef DECLARE_BITMAP(dn_cpus_t, DENALI_CPUS_MAX);

/* Does it leave the VM with no more than it has? */
static bool dn_share_lowers(const struct dn_vm *vm, const struct denali_vm_share *arg,
			    const unsigned long *cpus)
{
	u32 cap = vm->cap ? vm->cap->percent : 0;

	if (arg->set & DENALI_SHARE_WEIGHT && arg->weight > vm->weight)
		return false;
	if (arg->set & DENALI_SHARE_CAP && cap && (!arg->cap || arg->cap > cap))
		return false;
	/* With none that is online it would run anywhere. */
	return !(arg->set & DENALI_SHARE_CPUS) || !vm->cpus ||
	       (bitmap_subset(cpus, vm->cpus, DENALI_CPUS_MAX) && dn_cpus_online(cpus));
}

/* Memory for what is set. What isn't used stays for the next time. */
static int dn_share_alloc(struct dn_vm *vm, u32 set)
{
	unsigned long *cpus;
	struct dn_cap *cap;

	if (set & DENALI_SHARE_CAP && !vm->cap) {
		cap = dn_cap_create(vm);
		if (!cap)
			return -ENOMEM;
		/* For dumps, as below. */
		smp_store_release(&vm->cap, cap);
	}
	if (set & DENALI_SHARE_CPUS && !vm->cpus) {
		cpus = bitmap_alloc(DENALI_CPUS_MAX, GFP_KERNEL_ACCOUNT);
		if (!cpus)
			return -ENOMEM;
		bitmap_fill(cpus, DENALI_CPUS_MAX);
		/* For dumps: filled in before it is there. */
		smp_store_release(&vm->cpus, cpus);
	}
	return 0;
}

static void dn_share_apply(struct dn_vm *vm, const struct denali_vm_share *arg,
			   const unsigned long *cpus)
{
	unsigned long flags;
	struct dn_runner *r = dn_runner_lock(vm, &flags);

	if (arg->set & DENALI_SHARE_WEIGHT && arg->weight != vm->weight)
		dn_sched->weigh(&r->queue, vm, arg->weight);
	if (arg->set & DENALI_SHARE_CAP)
		dn_cap_set(vm->cap, arg->cap);
	if (arg->set & DENALI_SHARE_CPUS)
		bitmap_copy(vm->cpus, cpus, DENALI_CPUS_MAX);
	dn_runner_unlock(r, flags);
	if (arg->set & DENALI_SHARE_CPUS)
		dn_runner_place(vm);
}

/** dn_share_set() - DENALI_IOC_VM_SHARE. Context: process. */
int dn_share_set(struct dn_vm *vm, const struct denali_vm_share *arg)
{
	const u32 all = DENALI_SHARE_WEIGHT | DENALI_SHARE_CAP | DENALI_SHARE_CPUS;
	dn_cpus_t cpus = {};
	bool ran;
	int err;

	if (!arg->set || arg->set & ~all || arg->reserved)
		return -EINVAL;
	if (arg->set & DENALI_SHARE_WEIGHT &&
	    (arg->weight < DENALI_WEIGHT_MIN || arg->weight > DENALI_WEIGHT_MAX))
		return -EINVAL;
	if (arg->set & DENALI_SHARE_CAP && arg->cap > DENALI_CAP_MAX)
		return -EINVAL;
	if (arg->set & DENALI_SHARE_CPUS && !dn_cpus_get(cpus, arg->cpus))
		return -EINVAL;

	mutex_lock(&vm->ctl);
	err = -ESHUTDOWN;
	if (vm->destroyed || dn_vm_ending(vm))
		goto unlock;
	err = -EBUSY;
	if (vm->state == DENALI_VM_TEMPLATE)
		goto unlock;
	err = -EOPNOTSUPP;
	if (arg->set & DENALI_SHARE_WEIGHT && arg->weight != vm->weight && !dn_sched->weigh)
		goto unlock;
	err = -EPERM;
	if (!dn_share_lowers(vm, arg, cpus) && !capable(CAP_SYS_NICE))
		goto unlock;
	err = dn_share_alloc(vm, arg->set);
	if (err)
		goto unlock;
	err = dn_vm_pause(vm, &ran);
	if (err)
		goto unlock;
	dn_share_apply(vm, arg, cpus);
	dn_vm_resume(vm, ran);
unlock:
	mutex_unlock(&vm->ctl);
	return err;
}
