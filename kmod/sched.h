/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scheduling policy: which runnable VM a runner takes next, and for how long.
 * Mechanism is in runner.c; a policy is one file that fills in dn_sched_ops.
 */
#ifndef DN_SCHED_H
#define DN_SCHED_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/static_call.h>
#include <linux/types.h>

struct dn_vm;

/**
 * struct dn_queue - runnable VMs of one runner, the one that runs included
 * @nr:      their number; this and @load are the runner's, all else is the policy's
 * @load:    their weights
 * @list:    rr: all of them
 * @last:    rr: where in @list the one is that was picked last, or @list itself
 * @running: fair: the one that was picked last, as long as it is runnable
 * @first:   fair: of the others, the one that is next by virtual time
 * @woken:   fair: those that come before it, as they woke
 * @tree:    fair: all others, by virtual time
 * @vtime:   fair: virtual time, when a VM came or went last
 */
struct dn_queue {
	u32 nr;
	u32 load;
	union {
		struct {
			struct list_head list;
			struct list_head *last;
		};
		struct {
			struct dn_vm *running;
			struct dn_vm *first;
			struct list_head woken;
			struct rb_root_cached tree;
			u64 vtime;
		};
	};
};

/**
 * struct dn_sched_ops - a policy
 * @name:   for the admin
 * @init:   @queue is new
 * @join:   @vm, not runnable, comes to @queue: from @from, or new if that is NULL
 * @weigh:  @vm, not runnable, gets another weight; NULL: all are the same
 * @wake:   @vm became runnable
 * @pick:   the VM to run next, NULL if there is none. vm->quantum_left is how long it may
 *          run, ns
 * @waiting: the VM that waits behind @vm, or first of all if that is NULL; NULL if there is
 *          none. In the order in which they are to run, more or less
 * @put:    the turn of @vm, picked last, is over after @ns and it stays runnable; @yield:
 *          over by its own wish, so that others may run
 * @remove: @vm isn't runnable any more: it was picked last and has run for @ns, or waits and
 *          @ns is 0
 *
 * Context of all: the runner's lock is held, interrupts off.
 */
struct dn_sched_ops {
	const char *name;
	void (*init)(struct dn_queue *queue);
	void (*join)(struct dn_queue *queue, struct dn_vm *vm, const struct dn_queue *from);
	void (*weigh)(struct dn_queue *queue, struct dn_vm *vm, u32 weight);
	void (*wake)(struct dn_queue *queue, struct dn_vm *vm);
	struct dn_vm *(*pick)(struct dn_queue *queue);
	struct dn_vm *(*waiting)(struct dn_queue *queue, struct dn_vm *vm);
	void (*put)(struct dn_queue *queue, struct dn_vm *vm, u64 ns, bool yield);
	void (*remove)(struct dn_queue *queue, struct dn_vm *vm, u64 ns);
};

extern const struct dn_sched_ops dn_sched_fair;
extern const struct dn_sched_ops dn_sched_rr;

extern const struct dn_sched_ops *dn_sched;	/* the policy; set once, when the module is loaded */

/* Of it, what each switch from one VM to another takes. */
DECLARE_STATIC_CALL(dn_sched_pick, *dn_sched_fair.pick);
DECLARE_STATIC_CALL(dn_sched_put, *dn_sched_fair.put);

extern unsigned int dn_quantum_us;

int dn_sched_choose(const char *name);

#endif /* DN_SCHED_H */
