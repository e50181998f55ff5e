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

/** struct dn_queue - runnable VMs of one runner */
struct dn_queue {
	struct list_head list;
	u32 nr;
};

/**
 * struct dn_sched_ops - a policy
 * @name:    for the admin
 * @enqueue: @vm became runnable; @woken: by an event, not because its turn ended
 * @dequeue: take @vm out
 * @pick:    take out and return the VM to run next, NULL if there is none.
 *           vm->quantum_left is how long it may run, ns
 * @charge:  @vm ran for @ns
 *
 * Context of all: the runner's lock is held, interrupts off.
 */
struct dn_sched_ops {
	const char *name;
	void (*enqueue)(struct dn_queue *queue, struct dn_vm *vm, bool woken);
	void (*dequeue)(struct dn_queue *queue, struct dn_vm *vm);
	struct dn_vm *(*pick)(struct dn_queue *queue);
	void (*charge)(struct dn_vm *vm, u64 ns);
};

extern const struct dn_sched_ops dn_sched_rr;
extern unsigned int dn_quantum_us;

#endif /* DN_SCHED_H */
