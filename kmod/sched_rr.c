// SPDX-License-Identifier: GPL-2.0
/*
 * Round robin, as in the original: everyone in turn, a quantum each. A VM that
 * idled before its quantum was used up is the next to run when it wakes, for the rest
 * of that quantum only; so idling early is rewarded and can't be farmed.
 * (Whitaker et al., OSDI 2002, section 3.2.)
 *
 * The queue is a ring in which a VM keeps its place from when it wakes until it
 * goes idle; queue->last goes round it. So a turn that begins or ends moves nothing.
 */
#include <linux/time64.h>

#include "sched.h"
#include "vm.h"

static void dn_rr_init(struct dn_queue *queue)
{
	INIT_LIST_HEAD(&queue->list);
	queue->last = &queue->list;
}

static void dn_rr_join(struct dn_queue *queue, struct dn_vm *vm, const struct dn_queue *from)
{
}

static void dn_rr_wake(struct dn_queue *queue, struct dn_vm *vm)
{
	if (vm->quantum_left)
		list_add(&vm->run_node, queue->last);
	else
		list_add_tail(&vm->run_node, queue->last);
}

static struct dn_vm *dn_rr_pick(struct dn_queue *queue)
{
	struct list_head *next = queue->last->next;
	struct dn_vm *vm;

	if (next == &queue->list)
		next = next->next;
	queue->last = next;
	if (unlikely(next == &queue->list))
		return NULL;
	vm = list_entry(next, struct dn_vm, run_node);
	if (!vm->quantum_left)
		vm->quantum_left = (u64)READ_ONCE(dn_quantum_us) * NSEC_PER_USEC;
	return vm;
}

static struct dn_vm *dn_rr_waiting(struct dn_queue *queue, struct dn_vm *vm)
{
	struct list_head *next = vm ? &vm->run_node : &queue->list;

	do {
		next = next->next;
		if (next == &queue->list)
			return NULL;
		vm = list_entry(next, struct dn_vm, run_node);
	} while (vm->on == DN_ON_CPU);
	return vm;
}

static void dn_rr_put(struct dn_queue *queue, struct dn_vm *vm, u64 ns, bool yield)
{
	vm->quantum_left = 0;
}

static void dn_rr_remove(struct dn_queue *queue, struct dn_vm *vm, u64 ns)
{
	vm->quantum_left -= min(vm->quantum_left, ns);
	if (queue->last == &vm->run_node)
		queue->last = vm->run_node.prev;
	list_del(&vm->run_node);
}

const struct dn_sched_ops dn_sched_rr = {
	.name = "rr",
	.init = dn_rr_init,
	.join = dn_rr_join,
	.wake = dn_rr_wake,
	.pick = dn_rr_pick,
	.waiting = dn_rr_waiting,
	.put = dn_rr_put,
	.remove = dn_rr_remove,
};
