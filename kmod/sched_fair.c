// SPDX-License-Identifier: GPL-2.0
/*
 * Weighted fair queueing by virtual time: a VM's clock (vm->vtime) goes on while it runs,
 * the slower the greater its weight, and the VM whose clock is behind all others' is next.
 * The queue's own clock is that of the VM that runs, when it was picked (start-time fair
 * queueing: Goyal, Vin and Cheng, SIGCOMM 1996), or that of the one that waits longest for its share,
 * if this is behind; it never goes back.
 *
 * A VM that wakes is set to the queue's clock if it is behind: who slept has nothing saved.
 * Except for what the original gives it: the rest of a quantum that it gave up by idling
 * (Whitaker et al., OSDI 2002, section 3.2) it may be ahead, and is still next. That can't
 * be farmed. A clock is never put back, so all CPU time remains paid for: from one moment to
 * another a VM gets what its weight is worth, and one quantum.
 *
 * Those who are next for that wait in the order in which they woke (queue->woken), and not by their
 * clocks: a VM in the middle of a request would wait for all that have done less, as long as
 * there come new ones, and be the slower the more VMs there are.
 *
 * The VM that runs and the one that is next aren't in the tree, so that nothing is to be
 * done there as long as two take turns.
 */
#include <linux/math64.h>
#include <linux/rbtree.h>
#include <linux/time64.h>

#include "sched.h"
#include "vm.h"

/*
 * Virtual time is ns of a VM of the least weight, so it is never faster than the host's: the
 * 63 bits by which clocks are compared are enough for a VM that sleeps for 292 years. A unit of
 * it is BIT(DN_FAIR_SHIFT) of vm->inverse * ns; 64 bits are enough for turns of four minutes.
 */
#define DN_FAIR_SHIFT	26

static bool dn_fair_before(const struct dn_vm *a, const struct dn_vm *b)
{
	return (s64)(a->vtime - b->vtime) < 0;
}

static bool dn_fair_less(struct rb_node *a, const struct rb_node *b)
{
	return dn_fair_before(rb_entry(a, struct dn_vm, run_rb), rb_entry(b, struct dn_vm, run_rb));
}

/* @vtime, but not behind @least. */
static u64 dn_fair_max(u64 vtime, u64 least)
{
	return (s64)(vtime - least) < 0 ? least : vtime;
}

static u32 dn_fair_inverse(u32 weight)
{
	return BIT(DN_FAIR_SHIFT) * DENALI_WEIGHT_MIN / weight;
}

static void dn_fair_init(struct dn_queue *queue)
{
	queue->running = NULL;
	queue->first = NULL;
	INIT_LIST_HEAD(&queue->woken);
	queue->tree = RB_ROOT_CACHED;
	queue->vtime = 0;
}

/* The queue's clock. It is looked at when VMs come and go, and not each time that one is picked. */
static u64 dn_fair_now(const struct dn_queue *queue)
{
	const struct dn_vm *running = queue->running, *first = queue->first;

	if (!running || (first && dn_fair_before(first, running)))
		running = first;
	return running ? dn_fair_max(queue->vtime, running->vtime) : queue->vtime;
}

static void dn_fair_join(struct dn_queue *queue, struct dn_vm *vm, const struct dn_queue *from)
{
	if (from)
		vm->vtime += dn_fair_now(queue) - dn_fair_now(from);
	else
		vm->vtime = dn_fair_now(queue);
	vm->inverse = dn_fair_inverse(vm->weight);
}

/* How far ahead of the queue's clock the VM may be when it wakes, and be next. */
static u64 dn_fair_credit(const struct dn_vm *vm)
{
	return (vm->quantum_left * vm->inverse) >> DN_FAIR_SHIFT;
}

/* By how much it is ahead is time by its weight as well. */
static void dn_fair_weigh(struct dn_queue *queue, struct dn_vm *vm, u32 weight)
{
	u64 now = dn_fair_now(queue), ahead = dn_fair_max(vm->vtime, now) - now;

	vm->vtime = now + div_u64(ahead * vm->weight, weight);
	vm->weight = weight;
	vm->inverse = dn_fair_inverse(weight);
}

static void dn_fair_insert(struct dn_queue *queue, struct dn_vm *vm)
{
	rb_add_cached(&vm->run_rb, &queue->tree, dn_fair_less);
}

/* What was queue->first isn't there any more. */
static void dn_fair_advance(struct dn_queue *queue)
{
	struct rb_node *first = rb_first_cached(&queue->tree);

	queue->first = NULL;
	if (first) {
		rb_erase_cached(first, &queue->tree);
		queue->first = rb_entry(first, struct dn_vm, run_rb);
	}
}

/* A VM is to wait for its turn by its clock. */
static void dn_fair_wait(struct dn_queue *queue, struct dn_vm *vm)
{
	if (!queue->first) {
		queue->first = vm;
	} else if (dn_fair_before(vm, queue->first)) {
		dn_fair_insert(queue, queue->first);
		queue->first = vm;
	} else {
		dn_fair_insert(queue, vm);
	}
}

static void dn_fair_wake(struct dn_queue *queue, struct dn_vm *vm)
{
	queue->vtime = dn_fair_now(queue);
	vm->vtime = dn_fair_max(vm->vtime, queue->vtime);
	vm->woken = vm->vtime - queue->vtime <= dn_fair_credit(vm);
	if (vm->woken)
		list_add_tail(&vm->run_node, &queue->woken);
	else
		dn_fair_wait(queue, vm);
}

/* What was queue->first runs, and @prev, which ran until now, waits behind others; NULL: none did. */
static noinline void dn_fair_shift(struct dn_queue *queue, struct dn_vm *prev)
{
	dn_fair_advance(queue);
	if (prev)
		dn_fair_insert(queue, prev);
}

/* Somebody has woken, and @prev, which ran until now, waits; NULL: none did. Return: who runs. */
static noinline struct dn_vm *dn_fair_pick_woken(struct dn_queue *queue, struct dn_vm *prev)
{
	struct dn_vm *next = list_first_entry(&queue->woken, struct dn_vm, run_node);

	list_del(&next->run_node);
	next->woken = false;
	if (prev)
		dn_fair_wait(queue, prev);
	return next;
}

static struct dn_vm *dn_fair_pick(struct dn_queue *queue)
{
	struct dn_vm *prev = queue->running, *next = queue->first;
	struct rb_node *second;

	if (unlikely(!list_empty(&queue->woken))) {
		next = dn_fair_pick_woken(queue, prev);
	} else if (!next || (prev && dn_fair_before(prev, next))) {
		next = prev;
		if (unlikely(!next))
			return NULL;
	} else {
		second = rb_first_cached(&queue->tree);
		if (prev && (!second || dn_fair_less(&prev->run_rb, second)))
			queue->first = prev;
		else
			dn_fair_shift(queue, prev);
	}
	queue->running = next;
	next->quantum_left = (u64)READ_ONCE(dn_quantum_us) * NSEC_PER_USEC;
	return next;
}

static struct dn_vm *dn_fair_waiting(struct dn_queue *queue, struct dn_vm *vm)
{
	struct list_head *woken = vm ? &vm->run_node : &queue->woken;
	struct rb_node *next;

	if (!vm || vm->woken) {
		woken = woken->next;
		return woken == &queue->woken ? queue->first :
						list_entry(woken, struct dn_vm, run_node);
	}
	next = vm == queue->first ? rb_first_cached(&queue->tree) : rb_next(&vm->run_rb);
	return next ? rb_entry(next, struct dn_vm, run_rb) : NULL;
}

/* What is less than a unit is kept for the next time. */
static void dn_fair_charge(struct dn_vm *vm, u64 ns)
{
	u64 sum = ns * vm->inverse + vm->vtime_rest;

	vm->vtime += sum >> DN_FAIR_SHIFT;
	vm->vtime_rest = sum & (BIT(DN_FAIR_SHIFT) - 1);
}

/* Who yields goes behind whoever would be next, however far he is behind. */
static void dn_fair_put(struct dn_queue *queue, struct dn_vm *vm, u64 ns, bool yield)
{
	dn_fair_charge(vm, ns);
	if (yield && queue->first)
		vm->vtime = dn_fair_max(vm->vtime, queue->first->vtime);
}

static void dn_fair_remove(struct dn_queue *queue, struct dn_vm *vm, u64 ns)
{
	queue->vtime = dn_fair_now(queue);
	dn_fair_charge(vm, ns);
	if (vm == queue->running) {
		vm->quantum_left -= min(vm->quantum_left, ns);
		queue->running = NULL;
	} else if (vm->woken) {
		list_del(&vm->run_node);
		vm->woken = false;
	} else {
		/* The one that it had was used up, the next hasn't begun. */
		vm->quantum_left = 0;
		if (vm == queue->first)
			dn_fair_advance(queue);
		else
			rb_erase_cached(&vm->run_rb, &queue->tree);
	}
}

const struct dn_sched_ops dn_sched_fair = {
	.name = "fair",
	.init = dn_fair_init,
	.join = dn_fair_join,
	.weigh = dn_fair_weigh,
	.wake = dn_fair_wake,
	.pick = dn_fair_pick,
	.waiting = dn_fair_waiting,
	.put = dn_fair_put,
	.remove = dn_fair_remove,
};
