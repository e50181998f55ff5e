// SPDX-License-Identifier: GPL-2.0
/*
 * Which runner of its tenant's has which VM. A new VM goes to the runner that has the fewest, of those
 * on the CPUs that it may run on. Later it stays where it is, where its memory is in the
 * caches, but
 *
 *   - when it wakes and its runner is busy, and another one idle: dn_balance_wake();
 *   - when it waits and a runner gets idle: dn_balance_idle();
 *   - when it waits and the weights on another runner add up to less: dn_balance_busy().
 *
 * A VM that idles costs nothing of this.
 *
 * dn_runners_mutex: who has a task. It is held where a runner is chosen by one who may
 * sleep. Two runners' locks are taken in the order of their CPUs, or the second one by trying.
 */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/time64.h>

#include "runner.h"
#include "tenant.h"
#include "vm.h"

/* How often a runner that is busy looks at the others, and at how many of its VMs then. */
#define DN_BALANCE_NS	(50 * NSEC_PER_MSEC)
#define DN_BALANCE_LOOK	8

static void dn_runners_lock(struct dn_runner *a, struct dn_runner *b)
{
	if (a->cpu > b->cpu)
		swap(a, b);
	raw_spin_lock_irq(&a->lock);
	raw_spin_lock_nested(&b->lock, SINGLE_DEPTH_NESTING);
	/* For sparse, which can't follow locks that are returned. */
	__release(&a->lock);
	__release(&b->lock);
}

static void dn_runners_unlock(struct dn_runner *a, struct dn_runner *b)
{
	__acquire(&a->lock);
	__acquire(&b->lock);
	raw_spin_unlock(&a->lock);
	raw_spin_unlock_irq(&b->lock);
}

static bool dn_runner_allows(const struct dn_runner *r, const struct dn_vm *vm)
{
	const unsigned long *cpus = READ_ONCE(vm->cpus);

	return !cpus || (r->cpu < DENALI_CPUS_MAX && test_bit(r->cpu, cpus));
}

static struct dn_vm *dn_runner_first(struct dn_runner *r)
{
	return list_first_entry_or_null(&r->vms, struct dn_vm, runner_node);
}

/* The runner with the fewest VMs; one on the VM's CPUs if any of these has a runner. */
static struct dn_runner *dn_runner_choose(const struct dn_tenant *tenant, const struct dn_vm *vm)
{
	struct dn_runner *best = NULL, *r;
	bool allowed = false, ok;
	int cpu;

	lockdep_assert_held(&dn_runners_mutex);
	for_each_online_cpu(cpu) {
		r = per_cpu_ptr(tenant->runners, cpu);
		ok = dn_runner_allows(r, vm);
		if (!r->task || (allowed && !ok))
			continue;
		if (!best || (ok && !allowed) || r->nr_vms < best->nr_vms)
			best = r;
		allowed |= ok;
	}
	return best;
}

/** dn_runner_add() - find a runner for a new VM of @tenant. Context: may sleep. */
void dn_runner_add(struct dn_vm *vm, struct dn_tenant *tenant)
{
	struct dn_runner *r;

	mutex_lock(&dn_runners_mutex);
	r = dn_runner_choose(tenant, vm);
	raw_spin_lock_irq(&r->lock);
	vm->runner = r;
	dn_sched->join(&r->queue, vm, NULL);
	list_add_tail(&vm->runner_node, &r->vms);
	r->nr_vms++;
	raw_spin_unlock_irq(&r->lock);
	mutex_unlock(&dn_runners_mutex);
}

/* Give a runner's VM, which is not on the CPU, to another. Both are locked. */
static void dn_runner_move(struct dn_runner *from, struct dn_vm *vm, struct dn_runner *to)
{
	bool queued = vm->on == DN_ON_QUEUE, has_tables = !list_empty(&vm->idle_node);

	lockdep_assert_held(&from->lock);
	lockdep_assert_held(&to->lock);
	if (queued)
		dn_runner_unqueue(from, vm, 0);
	list_del_init(&vm->idle_node);
	list_del(&vm->runner_node);
	from->nr_vms--;

	WRITE_ONCE(vm->runner, to);
	list_add_tail(&vm->runner_node, &to->vms);
	to->nr_vms++;
	dn_sched->join(&to->queue, vm, &from->queue);
	if (queued)
		dn_runner_queue(to, vm);
	if (has_tables) {
		list_add_tail(&vm->idle_node, &to->idle);
		schedule_delayed_work(&to->reclaim, DN_RECLAIM_AFTER);
	}
}

/*
 * Move a VM, which waits or is about to, unless @to has gone, its lock isn't free or, with
 * @idle, it isn't idle any more.
 */
static bool dn_balance_move(struct dn_runner *from, struct dn_vm *vm, struct dn_runner *to,
			    bool idle)
{
	bool queued = vm->on == DN_ON_QUEUE, ok;

	lockdep_assert_held(&from->lock);
	if (!raw_spin_trylock(&to->lock))
		return false;
	ok = to->task && !(idle && to->queue.nr);
	if (ok) {
		dn_runner_move(from, vm, to);
		if (!queued)
			dn_runner_queue(to, vm);
	}
	raw_spin_unlock(&to->lock);
	return ok;
}

/**
 * dn_balance_wake() - find a better runner for a VM that wakes up
 * @r:  its own, locked
 * @vm: not runnable yet
 *
 * One that has nothing to do, if its own has; any on its CPUs, if its own isn't.
 *
 * Context: interrupts off. Return: whether the VM has been moved, and queued.
 */
bool dn_balance_wake(struct dn_runner *r, struct dn_vm *vm)
{
	bool here = dn_runner_allows(r, vm);
	struct dn_runner *to;
	int cpu;

	if (likely(here && (!r->queue.nr || cpumask_empty(&r->tenant->idle))))
		return false;
	for_each_cpu(cpu, here ? &r->tenant->idle : cpu_online_mask) {
		to = per_cpu_ptr(r->tenant->runners, cpu);
		if (to != r && dn_runner_allows(to, vm) && dn_balance_move(r, vm, to, here))
			return true;
	}
	return false;
}

/* Give a VM that waits to the runner that has the least to do, if that makes things more equal. */
static bool dn_balance_give(struct dn_runner *r, struct dn_vm *vm)
{
	struct dn_runner *to, *best = NULL;
	int cpu;

	for_each_online_cpu(cpu) {
		to = per_cpu_ptr(r->tenant->runners, cpu);
		if (to != r && READ_ONCE(to->task) && dn_runner_allows(to, vm) &&
		    (!best || READ_ONCE(to->queue.load) < READ_ONCE(best->queue.load)))
			best = to;
	}
	if (!best || (dn_runner_allows(r, vm) &&
		      READ_ONCE(best->queue.load) + vm->weight >= r->queue.load))
		return false;
	return dn_balance_move(r, vm, best, false);
}

/**
 * dn_balance_busy() - has another runner less to do?
 * @r:    locked
 * @prev: the VM whose turn is over, if it is still runnable
 * @now:  host ns
 *
 * By the weights of the VMs that are runnable; one VM at a time, of the first few that wait.
 */
void dn_balance_busy(struct dn_runner *r, struct dn_vm *prev, u64 now)
{
	struct dn_vm *vm = NULL;
	int i;

	lockdep_assert_held(&r->lock);
	r->balance_at = now + DN_BALANCE_NS;
	if (prev && prev->on == DN_ON_QUEUE && !dn_runner_allows(r, prev) &&
	    dn_balance_give(r, prev))
		return;
	for (i = 0; i < DN_BALANCE_LOOK; i++) {
		vm = dn_sched->waiting(&r->queue, vm);
		if (!vm || dn_balance_give(r, vm))
			break;
	}
}

/**
 * dn_balance_idle() - take a VM that waits elsewhere
 * @r: has nothing to do; the current task's
 *
 * Once a jiffy at most: a VM that idles all the time must not keep others' locks busy.
 */
void dn_balance_idle(struct dn_runner *r)
{
	struct dn_runner *from;
	struct dn_vm *vm;
	int cpu, i;

	if (READ_ONCE(r->queue.nr) || time_before(jiffies, r->looked + 1))
		return;
	r->looked = jiffies;
	for_each_online_cpu(cpu) {
		from = per_cpu_ptr(r->tenant->runners, cpu);
		if (from == r || READ_ONCE(from->queue.nr) < 2)
			continue;
		dn_runners_lock(r, from);
		vm = NULL;
		for (i = 0; i < DN_BALANCE_LOOK && !r->queue.nr && r->task; i++) {
			vm = dn_sched->waiting(&from->queue, vm);
			if (!vm)
				break;
			if (dn_runner_allows(r, vm)) {
				dn_runner_move(from, vm, r);
				break;
			}
		}
		dn_runners_unlock(r, from);
		if (READ_ONCE(r->queue.nr))
			return;
	}
}

/** dn_runner_place() - a VM that is off gets a runner on its CPUs. Context: may sleep. */
void dn_runner_place(struct dn_vm *vm)
{
	struct dn_runner *from, *to;

	mutex_lock(&dn_runners_mutex);
	/* Off, and with the mutex held, it isn't moved by anybody else. */
	from = vm->runner;
	to = dn_runner_choose(from->tenant, vm);
	if (!dn_runner_allows(from, vm) && to != from) {
		dn_runners_lock(from, to);
		dn_runner_move(from, vm, to);
		dn_runners_unlock(from, to);
	}
	mutex_unlock(&dn_runners_mutex);
}

/** dn_runner_evacuate() - spread the VMs of a runner that has no task any more over the others */
void dn_runner_evacuate(struct dn_runner *from)
{
	struct dn_runner *to;
	struct dn_vm *vm;

	lockdep_assert_held(&dn_runners_mutex);
	for (;;) {
		raw_spin_lock_irq(&from->lock);
		vm = dn_runner_first(from);
		to = vm ? dn_runner_choose(from->tenant, vm) : NULL;
		raw_spin_unlock_irq(&from->lock);
		if (!vm)
			break;
		dn_runners_lock(from, to);
		/* No VM comes here any more, but this one may have been freed. */
		if (vm == dn_runner_first(from))
			dn_runner_move(from, vm, to);
		dn_runners_unlock(from, to);
	}
}

/** dn_runner_remove() - forget a VM that is off. Context: may sleep. */
void dn_runner_remove(struct dn_vm *vm)
{
	unsigned long flags;
	struct dn_runner *r = dn_runner_lock(vm, &flags);

	list_del(&vm->idle_node);
	list_del(&vm->runner_node);
	r->nr_vms--;
	dn_runner_unlock(r, flags);
}
