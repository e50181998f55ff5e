// SPDX-License-Identifier: GPL-2.0
/*
 * Which runner has which VM. A new VM goes to the runner that has the fewest, of those
 * on the CPUs that it may run on.
 *
 * dn_runners_mutex: who has a task. It is held where a runner is chosen by one who may
 * sleep. Two runners' locks are taken in the order of their CPUs.
 */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/sched.h>

#include "runner.h"
#include "vm.h"

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
static struct dn_runner *dn_runner_choose(const struct dn_vm *vm)
{
	struct dn_runner *best = NULL, *r;
	bool allowed = false, ok;
	int cpu;

	lockdep_assert_held(&dn_runners_mutex);
	for_each_online_cpu(cpu) {
		r = per_cpu_ptr(&dn_runners, cpu);
		ok = dn_runner_allows(r, vm);
		if (!r->task || (allowed && !ok))
			continue;
		if (!best || (ok && !allowed) || r->nr_vms < best->nr_vms)
			best = r;
		allowed |= ok;
	}
	return best;
}

/**
 * dn_runner_add() - find a runner for a new VM
 *
 * Context: may sleep.
 */
void dn_runner_add(struct dn_vm *vm)
{
	struct dn_runner *r;

	mutex_lock(&dn_runners_mutex);
	r = dn_runner_choose(vm);
	raw_spin_lock_irq(&r->lock);
	vm->runner = r;
	vm->weight = DENALI_WEIGHT_DEFAULT;
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

/** dn_runner_place() - a VM that is off gets a runner on its CPUs. Context: may sleep. */
void dn_runner_place(struct dn_vm *vm)
{
	struct dn_runner *from, *to;

	mutex_lock(&dn_runners_mutex);
	/* Off, and with the mutex held, it isn't moved by anybody else. */
	from = vm->runner;
	to = dn_runner_choose(vm);
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
		to = vm ? dn_runner_choose(vm) : NULL;
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

	list_del(&vm->runner_node);
	r->nr_vms--;
	dn_runner_unlock(r, flags);
}
