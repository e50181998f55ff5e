/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scheduling policy: which runnable VM a runner takes next, and for how long.
 * Mechanism is in runner.c; a policy is one file that fills in dn_sched_ops.
 */
#ifndef DN_SCHED_H
#define DN_SCHED_H

#include <linux/list.h>
#include <linux/types.h>

struct dn_vm;

/**
 * struct dn_queue - runnable VMs of one runner, the one that runs included
 * @list: all of them
 * @last: where in @list the one is that was picked last, or @list itself
 * @nr:   their number
 */
struct dn_queue {
	struct list_head list;
	struct list_head *last;
	u32 nr;
};

/**
 * struct dn_sched_ops - a policy
 * @name:   for the admin
 * @wake:   @vm became runnable
 * @pick:   the VM to run next, NULL if there is none. vm->quantum_left is how long it may
 *          run, ns
 * @put:    the turn of @vm, picked last, is over and it stays runnable
 * @remove: @vm, running or not, isn't runnable any more
 * @charge: @vm ran for @ns
 *
 * Context of all: the runner's lock is held, interrupts off.
 */
struct dn_sched_ops {
	const char *name;
	void (*wake)(struct dn_queue *queue, struct dn_vm *vm);
	struct dn_vm *(*pick)(struct dn_queue *queue);
	void (*put)(struct dn_queue *queue, struct dn_vm *vm);
	void (*remove)(struct dn_queue *queue, struct dn_vm *vm);
	void (*charge)(struct dn_vm *vm, u64 ns);
};

static inline void dn_queue_init(struct dn_queue *queue)
{
	INIT_LIST_HEAD(&queue->list);
	queue->last = &queue->list;
	queue->nr = 0;
}

extern const struct dn_sched_ops dn_sched_rr;
extern unsigned int dn_quantum_us;

#endif /* DN_SCHED_H */
