// SPDX-License-Identifier: GPL-2.0
/*
 * Round robin, as in the original: everyone in turn, a quantum each. A VM that
 * idled before its quantum was used up goes to the head of the queue when it
 * wakes, for the rest of that quantum only; so idling early is rewarded and
 * can't be farmed. (Whitaker et al., OSDI 2002, section 3.2.)
 */
#include <linux/time64.h>

#include "sched.h"
#include "vm.h"

static void dn_rr_enqueue(struct dn_queue *queue, struct dn_vm *vm, bool woken)
{
	if (woken && vm->quantum_left) {
		list_add(&vm->run_node, &queue->list);
	} else {
		vm->quantum_left = 0;
		list_add_tail(&vm->run_node, &queue->list);
	}
	queue->nr++;
}

static void dn_rr_dequeue(struct dn_queue *queue, struct dn_vm *vm)
{
	list_del(&vm->run_node);
	queue->nr--;
}

static struct dn_vm *dn_rr_pick(struct dn_queue *queue)
{
	struct dn_vm *vm = list_first_entry_or_null(&queue->list, struct dn_vm, run_node);

	if (!vm)
		return NULL;
	dn_rr_dequeue(queue, vm);
	if (!vm->quantum_left)
		vm->quantum_left = (u64)READ_ONCE(dn_quantum_us) * NSEC_PER_USEC;
	return vm;
}

static void dn_rr_charge(struct dn_vm *vm, u64 ns)
{
	vm->quantum_left -= min(vm->quantum_left, ns);
}

const struct dn_sched_ops dn_sched_rr = {
	.name = "rr",
	.enqueue = dn_rr_enqueue,
	.dequeue = dn_rr_dequeue,
	.pick = dn_rr_pick,
	.charge = dn_rr_charge,
};
