// SPDX-License-Identifier: GPL-2.0
/*
 * Which runners there are: each tenant has one on each of its CPUs that is online, or on
 * all that are while none of its own is.
 *
 * A runner whose CPU goes is parked rather than stopped: an admin may have put its thread into a
 * cgroup, where a new one wouldn't be.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/kthread.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "block.h"
#include "runner.h"
#include "slice.h"
#include "tenant.h"

DEFINE_MUTEX(dn_runners_mutex);	/* which runner has a task, and dn_tenants */
LIST_HEAD(dn_tenants);
struct dn_tenant dn_tenant_default;
static enum cpuhp_state dn_hotplug_state;

u32 dn_runners_count(void)
{
	u32 nr = 0;
	int cpu;

	for_each_online_cpu(cpu)
		nr += !!READ_ONCE(per_cpu_ptr(dn_tenant_default.runners, cpu)->task);
	return nr;
}

/** dn_runners_renice() - change the niceness of a tenant's runners. Context: dn_runners_mutex held. */
void dn_runners_renice(struct dn_tenant *tenant, int nice)
{
	struct task_struct *thread;
	int cpu;

	lockdep_assert_held(&dn_runners_mutex);
	WRITE_ONCE(tenant->nice, nice);
	if (tenant->runners) {
		for_each_possible_cpu(cpu) {
			thread = per_cpu_ptr(tenant->runners, cpu)->thread;
			if (thread)
				set_user_nice(thread, nice);
		}
	}
}

/* A runner's CPU came. */
static int dn_runner_up(struct dn_runner *r)
{
	struct task_struct *thread = r->thread;

	lockdep_assert_held(&dn_runners_mutex);
	/* It slept through a suspend. */
	if (r->task)
		return 0;
	if (thread) {
		WRITE_ONCE(r->task, thread);
		kthread_unpark(thread);
		return 0;
	}
	thread = kthread_create_on_node(dn_runner_main, r, cpu_to_node(r->cpu), "denali/%u%s%s",
					r->cpu, r->tenant->name[0] ? ":" : "", r->tenant->name);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	/* Not kthread_bind(): an admin may move it, also into a cgroup. */
	set_cpus_allowed_ptr(thread, cpumask_of(r->cpu));
	set_user_nice(thread, r->tenant->nice);
	r->thread = thread;
	WRITE_ONCE(r->task, thread);
	wake_up_process(thread);
	return 0;
}

/* A runner's CPU goes: the others of its tenant get its VMs. */
static void dn_runner_down(struct dn_runner *r)
{
	lockdep_assert_held(&dn_runners_mutex);
	if (!r->task)
		return;
	raw_spin_lock_irq(&r->lock);
	WRITE_ONCE(r->task, NULL);
	raw_spin_unlock_irq(&r->lock);
	kthread_park(r->thread);
	dn_runner_evacuate(r);
}

static bool dn_tenant_has_cpu(const struct dn_tenant *tenant, int cpu)
{
	return cpu < DENALI_CPUS_MAX ? test_bit(cpu, tenant->cpus) : tenant == &dn_tenant_default;
}

/* Runners where they are to be when CPU @going isn't online any more. */
static int dn_tenant_settle_without(struct dn_tenant *tenant, int going)
{
	bool all = true;
	int cpu, err;

	lockdep_assert_held(&dn_runners_mutex);
	for_each_online_cpu(cpu)
		all &= cpu == going || !dn_tenant_has_cpu(tenant, cpu);
	/* First those who come, for the VMs of those who go. */
	for_each_online_cpu(cpu) {
		if (cpu == going || !(all || dn_tenant_has_cpu(tenant, cpu)))
			continue;
		err = dn_runner_up(per_cpu_ptr(tenant->runners, cpu));
		if (err)
			return err;
	}
	for_each_online_cpu(cpu)
		if (cpu == going || !(all || dn_tenant_has_cpu(tenant, cpu)))
			dn_runner_down(per_cpu_ptr(tenant->runners, cpu));
	return 0;
}

/**
 * dn_tenant_settle() - see that a tenant has runners where it is to have them
 * @tenant: the tenant
 *
 * Context: process; dn_runners_mutex and the lock of CPU hotplug are held. Return: 0, or an error
 * if not all could be made.
 */
int dn_tenant_settle(struct dn_tenant *tenant)
{
	return dn_tenant_settle_without(tenant, -1);
}

static int dn_tenants_settle(int going)
{
	struct dn_tenant *tenant;
	int err = 0;

	/*
	 * A suspend has frozen the runners, without a VM in hand: they can't be parked, and
	 * will have their CPU back before they wake.
	 */
	if (cpuhp_tasks_frozen)
		return 0;
	mutex_lock(&dn_runners_mutex);
	list_for_each_entry(tenant, &dn_tenants, node) {
		err = dn_tenant_settle_without(tenant, going);
		if (err)
			break;
	}
	mutex_unlock(&dn_runners_mutex);
	return err;
}

static int dn_runners_online(unsigned int cpu)
{
	int err;

	dn_block_online(cpu);
	err = dn_tenants_settle(-1);
	if (err)
		dn_tenants_settle(cpu);
	return err;
}

static int dn_runners_offline(unsigned int cpu)
{
	int err = dn_tenants_settle(cpu);

	if (err)
		dn_tenants_settle(-1);
	return err;
}

/** dn_tenant_init() - a tenant's runners, without threads. Return: 0 or -ENOMEM. */
int dn_tenant_init(struct dn_tenant *tenant)
{
	int cpu;

	kref_init(&tenant->ref);
	tenant->account.tenant = tenant;
	dn_gate_queue_init(&tenant->waiting);

	tenant->runners = alloc_percpu_gfp(struct dn_runner, GFP_KERNEL_ACCOUNT);
	if (!tenant->runners)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		dn_runner_init(per_cpu_ptr(tenant->runners, cpu), tenant, cpu);
	return 0;
}

/** dn_tenant_exit() - the last of a tenant's runners, which has no VMs. Context: may sleep. */
void dn_tenant_exit(struct dn_tenant *tenant)
{
	struct dn_runner *r;
	int cpu;

	for_each_possible_cpu(cpu) {
		r = per_cpu_ptr(tenant->runners, cpu);
		if (r->thread)
			kthread_stop(r->thread);
		hrtimer_cancel(&r->quantum);
		cancel_delayed_work_sync(&r->reclaim);
		/* The last kick may still be on its way. */
		smp_cond_load_acquire(&r->csd.node.u_flags, !(VAL & CSD_FLAG_LOCK));
	}
	free_percpu(tenant->runners);
	tenant->runners = NULL;
}

/**
 * dn_runners_start() - a runner for each online CPU, now and later
 * Return: 0 or an error.
 */
int dn_runners_start(void)
{
	int ret;

	dn_tenant_default.uid = INVALID_UID;
	bitmap_fill(dn_tenant_default.cpus, DENALI_CPUS_MAX);
	ret = dn_tenant_init(&dn_tenant_default);
	if (ret)
		return ret;
	list_add(&dn_tenant_default.node, &dn_tenants);
	dn_slice_init();
	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "denali:runner", dn_runners_online,
				dn_runners_offline);
	if (ret < 0) {
		dn_slice_exit();
		list_del(&dn_tenant_default.node);
		dn_tenant_exit(&dn_tenant_default);
		return ret;
	}
	dn_hotplug_state = ret;
	return 0;
}

/** dn_runners_stop() - no VM is left. Context: may sleep. */
void dn_runners_stop(void)
{
	cpuhp_remove_state_nocalls(dn_hotplug_state);
	list_del(&dn_tenant_default.node);
	dn_tenant_exit(&dn_tenant_default);
	dn_slice_exit();
}
