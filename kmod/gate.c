// SPDX-License-Identifier: GPL-2.0
/*
 * The gatekeeper. A VM is admitted twice: to memory, when it is made (DENALI_CREATE_WAIT), and to
 * running, when it is started, if its tenant may have only so many that run.
 *
 * Who makes a VM that waits for memory sleeps meanwhile; the VM is there for others to see, and to
 * destroy, without a partition. So nobody has more that wait than he has processes. Memory is
 * given in the queue's order: a large VM at its head keeps smaller ones behind it waiting, which else could
 * keep it waiting for ever. Those whose account is full are passed over: what they wait for is not
 * what others wait for. A creation that doesn't wait may overtake all of them.
 *
 * A VM that waits to run has been started, is off, and costs nothing; when another of its
 * tenant's stops or ends, the first one is run.
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include <uapi/linux/denali_netlink.h>

#include "gate.h"
#include "quota.h"
#include "runner.h"
#include "tenant.h"
#include "vm.h"

static DEFINE_MUTEX(dn_gate_mutex);	/* all queues, vm->gate; inner to vm->ctl and dn_runners_mutex */
static DECLARE_WAIT_QUEUE_HEAD(dn_gate_wait);
static atomic_t dn_gate_events;		/* how often that could have changed what they wait for */
static struct dn_gate_queue dn_gate_for_memory = { .vms = LIST_HEAD_INIT(dn_gate_for_memory.vms) };
static const struct dn_vm *dn_gate_next;	/* whose turn for memory it was, or NULL, */
static int dn_gate_next_at;			/* when there had been so many events */

void dn_gate_queue_init(struct dn_gate_queue *queue)
{
	INIT_LIST_HEAD(&queue->vms);
}

void dn_gate_init(struct dn_vm *vm, u32 priority)
{
	INIT_LIST_HEAD(&vm->gate.node);
	vm->gate.priority = priority;
}

/** dn_gate_changed() - memory came free, an account has room, or limits changed. Context: any. */
void dn_gate_changed(void)
{
	atomic_inc(&dn_gate_events);
	if (wq_has_sleeper(&dn_gate_wait))
		wake_up_all(&dn_gate_wait);
}

static void dn_gate_enqueue(struct dn_gate_queue *queue, struct dn_vm *vm)
{
	struct dn_vm *other;

	lockdep_assert_held(&dn_gate_mutex);
	list_for_each_entry_reverse(other, &queue->vms, gate.node)
		if (!dn_gate_policy->before(vm, other))
			break;
	/* Behind the one at which that ended, or the head. */
	list_add(&vm->gate.node, &other->gate.node);
	vm->gate.queue = queue;
	queue->nr++;
	queue->changed = true;
}

static void dn_gate_dequeue(struct dn_vm *vm)
{
	lockdep_assert_held(&dn_gate_mutex);
	vm->gate.queue->nr--;
	vm->gate.queue->changed = true;
	list_del_init(&vm->gate.node);
}

/** dn_gate_place() - where a VM stands in its queue: 1 is next, 0: it doesn't wait. Context: process. */
u32 dn_gate_place(struct dn_vm *vm)
{
	struct dn_gate_queue *queue;
	struct dn_vm *other;
	u32 place = 0;

	mutex_lock(&dn_gate_mutex);
	if (!list_empty(&vm->gate.node)) {
		queue = vm->gate.queue;
		if (queue->changed)
			list_for_each_entry(other, &queue->vms, gate.node)
				other->gate.place = ++place;
		queue->changed = false;
		place = vm->gate.place;
	}
	mutex_unlock(&dn_gate_mutex);
	return place;
}

/*
 * Is it its turn to try: is it the first one of those whose account has room? After an event all
 * ask; who is first looks at all, once.
 */
static bool dn_gate_is_next(const struct dn_vm *vm)
{
	int events = atomic_read(&dn_gate_events);
	struct dn_vm *other;

	lockdep_assert_held(&dn_gate_mutex);
	if (dn_gate_next_at != events) {
		dn_gate_next_at = events;
		dn_gate_next = NULL;
		list_for_each_entry(other, &dn_gate_for_memory.vms, gate.node) {
			/* A destroyed one's maker may be long in coming to take it out. */
			if (!READ_ONCE(other->destroyed) &&
			    !dn_quota_room(other->gate.account, other->mem_size, other->gate.exempt)) {
				dn_gate_next = other;
				break;
			}
		}
	}
	return dn_gate_next == vm;
}

/* -EAGAIN: not yet. */
static struct dn_part *dn_gate_try(struct dn_vm *vm, struct dn_part *base)
{
	struct dn_account *account = vm->gate.account;
	u32 pages = vm->mem_size >> PAGE_SHIFT;
	struct dn_part *part;
	bool next;
	int err;

	if (READ_ONCE(vm->destroyed))
		return ERR_PTR(-ECANCELED);
	/* What can never fit needn't wait for its turn to be told so. */
	if (dn_part_too_large(pages))
		return ERR_PTR(-ENOMEM);
	err = dn_quota_room(account, vm->mem_size, vm->gate.exempt);
	if (err)
		return ERR_PTR(err);
	mutex_lock(&dn_gate_mutex);
	next = dn_gate_is_next(vm);
	mutex_unlock(&dn_gate_mutex);
	if (!next)
		return ERR_PTR(-EAGAIN);
	part = dn_part_alloc(pages, base);
	if (part == ERR_PTR(-ENOSPC))
		return ERR_PTR(-EAGAIN);
	/* Somebody who didn't wait may have been faster. */
	if (!IS_ERR(part) && dn_quota_charge(account, vm->mem_size)) {
		dn_part_put(part);
		return ERR_PTR(-EAGAIN);
	}
	return part;
}

/**
 * dn_gate_memory() - wait until a VM is admitted to memory
 * @vm:      others can find it, and destroy it
 * @account: claimed; charged on success
 * @base:    as for dn_part_alloc()
 *
 * Context: sleeps for long, killably. Return: its partition; -ENOMEM, -EDQUOT (it can never be
 * admitted), -EINTR (killed), -ECANCELED (destroyed).
 */
struct dn_part *dn_gate_memory(struct dn_vm *vm, struct dn_account *account, struct dn_part *base)
{
	struct dn_part *part;
	int events;

	vm->gate.account = account;
	vm->gate.exempt = capable(CAP_SYS_RESOURCE);
	mutex_lock(&dn_gate_mutex);
	dn_gate_enqueue(&dn_gate_for_memory, vm);
	/* Who was next may not be. Nobody need wake for that. */
	atomic_inc(&dn_gate_events);
	mutex_unlock(&dn_gate_mutex);
	for (;;) {
		events = atomic_read(&dn_gate_events);
		/* Against dn_gate_changed(): what has changed, then the event. */
		smp_rmb();
		part = dn_gate_try(vm, base);
		if (part != ERR_PTR(-EAGAIN))
			break;
		/* For as long as somebody likes: it must not keep the host from going to sleep. */
		if (wait_event_state(dn_gate_wait, atomic_read(&dn_gate_events) != events,
				     (TASK_KILLABLE | TASK_FREEZABLE))) {
			part = ERR_PTR(-EINTR);
			break;
		}
	}
	mutex_lock(&dn_gate_mutex);
	dn_gate_dequeue(vm);
	mutex_unlock(&dn_gate_mutex);
	/* The next one's turn. */
	dn_gate_changed();
	return part;
}

static bool dn_gate_full(const struct dn_tenant *tenant)
{
	return tenant->max_running && tenant->running >= tenant->max_running;
}

static void dn_gate_start(struct dn_vm *vm, u64 now)
{
	/* Before it can end. */
	dn_netlink_event(vm, DENALI_EVENT_STARTED);
	dn_runner_run(vm, now);
}

/* Run those that there is room for, in their order: without vm->ctl, but for one that is held. */
static void dn_gate_admit(struct dn_tenant *tenant)
{
	struct dn_vm *vm;

	lockdep_assert_held(&dn_gate_mutex);
	while (!dn_gate_full(tenant) && !list_empty(&tenant->waiting.vms)) {
		vm = list_first_entry(&tenant->waiting.vms, struct dn_vm, gate.node);
		if (vm->gate.held)
			break;
		dn_gate_dequeue(vm);
		vm->gate.running = true;
		tenant->running++;
		dn_gate_start(vm, ktime_get_ns());
	}
}

/**
 * dn_gate_run() - a VM is to run: now, or when its tenant may have one more that does
 * @vm:  off, not ended; vm->ctl is held
 * @now: host ns
 *
 * Until it runs it is DENALI_VM_WAITING. Context: process.
 */
void dn_gate_run(struct dn_vm *vm, u64 now)
{
	struct dn_tenant *tenant = vm->tenant;
	bool runs;

	lockdep_assert_held(&vm->ctl);
	if (tenant == &dn_tenant_default) {
		dn_gate_start(vm, now);
		return;
	}
	mutex_lock(&dn_gate_mutex);
	WRITE_ONCE(vm->state, DENALI_VM_WAITING);
	dn_gate_enqueue(&tenant->waiting, vm);
	dn_gate_admit(tenant);
	runs = list_empty(&vm->gate.node);
	mutex_unlock(&dn_gate_mutex);
	if (!runs)
		dn_netlink_event(vm, DENALI_EVENT_WAITING);
}

/**
 * dn_gate_leave() - a VM is stopped, has ended or isn't to run any more: another one may
 * @vm: the VM
 *
 * From then on it isn't run by the gatekeeper. Context: process; may be called again.
 */
void dn_gate_leave(struct dn_vm *vm)
{
	struct dn_tenant *tenant = vm->tenant;

	if (tenant == &dn_tenant_default)
		return;
	mutex_lock(&dn_gate_mutex);
	if (vm->gate.running) {
		vm->gate.running = false;
		tenant->running--;
	} else if (!list_empty(&vm->gate.node)) {
		dn_gate_dequeue(vm);
	}
	dn_gate_admit(tenant);
	mutex_unlock(&dn_gate_mutex);
}

/**
 * dn_gate_hold() - a VM that waits to run isn't run before dn_gate_unhold()
 * @vm: vm->ctl is held until then
 *
 * It keeps its place, and those behind it wait as well. Context: process.
 */
void dn_gate_hold(struct dn_vm *vm)
{
	lockdep_assert_held(&vm->ctl);
	if (vm->tenant == &dn_tenant_default)
		return;
	mutex_lock(&dn_gate_mutex);
	vm->gate.held = true;
	mutex_unlock(&dn_gate_mutex);
}

/** dn_gate_unhold() - it may have been its turn meanwhile. Context: process, vm->ctl is held. */
void dn_gate_unhold(struct dn_vm *vm)
{
	struct dn_tenant *tenant = vm->tenant;

	lockdep_assert_held(&vm->ctl);
	if (tenant == &dn_tenant_default)
		return;
	mutex_lock(&dn_gate_mutex);
	vm->gate.held = false;
	dn_gate_admit(tenant);
	mutex_unlock(&dn_gate_mutex);
}

/** dn_gate_limit() - how many of a tenant's VMs may run; 0: all. Context: process. */
void dn_gate_limit(struct dn_tenant *tenant, u32 runnable)
{
	mutex_lock(&dn_gate_mutex);
	WRITE_ONCE(tenant->max_running, runnable);
	dn_gate_admit(tenant);
	mutex_unlock(&dn_gate_mutex);
}

/** dn_gate_waiting() - how many VMs of a tenant wait, for memory or to run. Context: process. */
u32 dn_gate_waiting(struct dn_tenant *tenant)
{
	struct dn_vm *vm;
	u32 nr;

	mutex_lock(&dn_gate_mutex);
	nr = tenant->waiting.nr;
	list_for_each_entry(vm, &dn_gate_for_memory.vms, gate.node)
		nr += vm->tenant == tenant;
	mutex_unlock(&dn_gate_mutex);
	return nr;
}
