/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gatekeeper: which VMs are admitted, to memory and to running, and in which order those
 * that wait are. Which admitted one runs next is the scheduler's.
 */
#ifndef DN_GATE_H
#define DN_GATE_H

#include <linux/list.h>
#include <linux/types.h>

struct dn_account;
struct dn_part;
struct dn_tenant;
struct dn_vm;

/**
 * struct dn_gate_queue - VMs that wait, the next one first
 * @vms:     by gate.vms
 * @nr:      how many
 * @changed: their places aren't written down
 */
struct dn_gate_queue {
	struct list_head vms;
	u32 nr;
	bool changed;
};

/**
 * struct dn_gate - what the gatekeeper knows of a VM. Lock: the gatekeeper's.
 * @node:     on a queue, or empty
 * @queue:    which, while on one
 * @place:    there, from 1 on, if that isn't out of date
 * @priority: as its maker said
 * @running:  it counts as one of its tenant's that run
 * @held:     it isn't to be run now: somebody with its ctl changes it
 * @account, @exempt: who is to be charged for it, and whether limits matter, while it waits for
 *            memory
 */
struct dn_gate {
	struct list_head node;
	struct dn_gate_queue *queue;
	u32 place;
	u32 priority;
	bool running;
	bool held;
	bool exempt;
	struct dn_account *account;
};

/**
 * struct dn_gate_ops - a policy
 * @name:   for the admin
 * @before: is @vm, which comes now, to be admitted before @other, which waits already?
 */
struct dn_gate_ops {
	const char *name;
	bool (*before)(const struct dn_vm *vm, const struct dn_vm *other);
};

/* gate.c */
void dn_gate_init(struct dn_vm *vm, u32 priority);
void dn_gate_queue_init(struct dn_gate_queue *queue);
void dn_gate_changed(void);
struct dn_part *dn_gate_memory(struct dn_vm *vm, struct dn_account *account, struct dn_part *base);
void dn_gate_run(struct dn_vm *vm, u64 now);
void dn_gate_leave(struct dn_vm *vm);
void dn_gate_hold(struct dn_vm *vm);
void dn_gate_unhold(struct dn_vm *vm);
void dn_gate_limit(struct dn_tenant *tenant, u32 runnable);
u32 dn_gate_place(struct dn_vm *vm);
u32 dn_gate_waiting(struct dn_tenant *tenant);

/* gate_policy.c */
extern const struct dn_gate_ops *dn_gate_policy;	/* set once, when the module is loaded */
int dn_gate_choose(const char *name);

#endif /* DN_GATE_H */
