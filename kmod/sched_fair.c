// SPDX-License-Identifier: GPL-2.0
/*
 * Weighted fair queueing by virtual time: a VM's clock (vm->vtime) goes on while it runs,
 * the slower the greater its weight, and the VM whose clock is behind all others' is next.
 * The queue's own clock is that of the VM picked last, when it was picked (start-time fair
 * queueing: Goyal, Vin and Cheng, SIGCOMM 1996); it never goes back.
 *
 * A VM that wakes is set to the queue's clock if it is behind: who slept has nothing saved.
 * Except for what the original gives it: the rest of a quantum that it gave up by idling
 * (Whitaker et al., OSDI 2002, section 3.2) it may be behind, and so it is next. That can't
 * be farmed. A clock is never put back, so all CPU time remains paid for: from one moment to
 * another a VM gets what its weight is worth, and one quantum.
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
	queue->tree = RB_ROOT_CACHED;
	queue->vtime = 0;
}

static void dn_fair_join(struct dn_queue *queue, struct dn_vm *vm, const struct dn_queue *from)
{
	if (from)
		vm->vtime += queue->vtime - from->vtime;
	else
		vm->vtime = queue->vtime;
	vm->inverse = dn_fair_inverse(vm->weight);
}

/* How far behind the queue's clock the VM may be when it wakes. */
static u64 dn_fair_credit(const struct dn_vm *vm)
{
	return (vm->quantum_left * vm->inverse) >> DN_FAIR_SHIFT;
}

/*
 * By how much it is ahead, or behind, is time by its weight as well. It is never behind by more
 * than counts: what a VM that slept for days is behind by doesn't fit when multiplied.
 */
static void dn_fair_weigh(struct dn_queue *queue, struct dn_vm *vm, u32 weight)
{
	s64 ahead = dn_fair_max(vm->vtime, queue->vtime - dn_fair_credit(vm)) - queue->vtime;

	vm->vtime = queue->vtime + div_s64(ahead * vm->weight, weight);
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

static void dn_fair_wake(struct dn_queue *queue, struct dn_vm *vm)
{
	vm->vtime = dn_fair_max(vm->vtime, queue->vtime - dn_fair_credit(vm));
	if (!queue->first) {
		queue->first = vm;
	} else if (dn_fair_before(vm, queue->first)) {
		dn_fair_insert(queue, queue->first);
		queue->first = vm;
	} else {
		dn_fair_insert(queue, vm);
	}
}

/* What was queue->first runs, and @prev, which ran until now, waits behind others; NULL: none did. */
static noinline void dn_fair_shift(struct dn_queue *queue, struct dn_vm *prev)
{
	dn_fair_advance(queue);
	if (prev)
		dn_fair_insert(queue, prev);
}

static struct dn_vm *dn_fair_pick(struct dn_queue *queue)
{
	struct dn_vm *prev = queue->running, *next = queue->first;
	struct rb_node *second;

	if (!next || (prev && dn_fair_before(prev, next))) {
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
	queue->vtime = dn_fair_max(queue->vtime, next->vtime);
	next->quantum_left = (u64)READ_ONCE(dn_quantum_us) * NSEC_PER_USEC;
	return next;
}

static struct dn_vm *dn_fair_waiting(struct dn_queue *queue, struct dn_vm *vm)
{
	struct rb_node *next;

	if (!vm)
		return queue->first;
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
	dn_fair_charge(vm, ns);
	vm->quantum_left -= min(vm->quantum_left, ns);
	if (vm == queue->running)
		queue->running = NULL;
	else if (vm == queue->first)
		dn_fair_advance(queue);
	else
		rb_erase_cached(&vm->run_rb, &queue->tree);
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
