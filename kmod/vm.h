/* SPDX-License-Identifier: GPL-2.0 */
/*
 * struct dn_vm: one virtual machine.
 *
 * Life: created by an ioctl, started, perhaps stopped and started again, ended
 * (by itself, a fault or KILL), freed when the last reference is gone.
 *
 * Locks, outer to inner:
 *   vm->ctl       mutex; serialises ioctls: set-up, start, stop, kill, destroy, ports
 *   runner->lock  raw spinlock; queue state of its VMs (vm->on, vm->state), see runner.c
 *   vm->end_lock  raw spinlock; vm->end
 *
 * What carries no lock is owned by the runner while vm->on == DN_ON_CPU and by
 * the holder of vm->ctl while the VM is off the queue.
 */
#ifndef DN_VM_H
#define DN_VM_H

#include <linux/cred.h>
#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <uapi/linux/denali.h>
#include <denali/hypercall.h>
#include <denali/vregs.h>

#include "cap.h"
#include "gate.h"
#include "gmem.h"
#include "pgtable.h"
#include "pool.h"
#include "port.h"
#include "regs.h"

struct dn_runner;
struct dn_tenant;

/* Where a VM is, for its runner. */
enum dn_on {
	DN_OFF,		/* not to be run: not started, stopped, ended */
	DN_ON_IDLE,	/* waits for an interrupt or its timeout */
	DN_ON_QUEUE,	/* runnable */
	DN_ON_CAP,	/* runnable, but has had what its cap allows */
	DN_ON_CPU,	/* its runner works on it */
};

/* Counters. Written by the runner only, read without a lock. */
struct dn_vm_stats {
	u64 exits_hypercall;
	u64 exits_interrupt;
	u64 exits_nmi;
	u64 exits_mce;
	u64 exits_exception;
	u64 hypercalls;
	u64 upcalls;
	u64 irqs;
	u64 run_ns;
	u64 steal_ns;
};

/* How a VM ended. The first reason wins; see dn_vm_end(). */
struct dn_end {
	u32 reason;	/* DENALI_END_*, 0 while it lives */
	s32 status;
	u32 vector;
	u32 error_code;
	u32 fault_addr;
	char text[DENALI_REASON_SIZE];
};

/*
 * vm->work: what a VM's runner has to see to before the guest goes on. Bits
 * 0..DENALI_MAX_PORTS - 1: that port's ops->service wants to be called.
 */
#define DN_WORK_TIMER	16	/* vm->timer went off */
#define DN_WORK_STOP	17	/* take it off the CPU and leave it off */
#define DN_WORK_END	18	/* see vm->end */
#define DN_WORK_YIELD	19	/* let others run */
#define DN_WORK_IDLE	20	/* DENALI_HC_IDLE */
#define DN_WORK_RANDOM	21	/* DENALI_HC_RANDOM */
#define DN_WORK_TEMPLATE 22	/* DENALI_HC_TEMPLATE, of a VM that is to be one */

/* What may lead to another VM within a slice: dn_runner_pass(). */
#define DN_WORK_PASS	(BIT(DN_WORK_YIELD) | BIT(DN_WORK_IDLE))

struct dn_vm {
	/* What every slice touches. */
	struct dn_regs *regs;		/* this and fpu: in page 0 of the partition, see block.h */
	struct dn_pgtable pgt;
	struct dn_part *part;		/* NULL: not admitted yet; see dn_vm_admitted() */
	struct denali_vregs *vregs;	/* host address of the virtual-register page */
	u64 mem_size;
	void *fpu;			/* XSAVE area */
	atomic_t irq_raised;		/* interrupts raised, not yet in vregs->irq_pending */
	unsigned long work;		/* DN_WORK_*, and a bit for each port */
	u32 idle_mask;			/* vregs->irq_mask at DENALI_HC_IDLE */
	bool idling;			/* in DENALI_HC_IDLE */
	bool woken;			/* the policy's: it waits on queue->woken */
	u64 alarm;			/* DENALI_HC_TIMER in host ns, 0: none; likewise */
	u64 run_alarm;			/* DENALI_HC_RUN_TIMER, as stats.run_ns; U64_MAX: none */
	u64 idle_until;			/* host ns, U64_MAX: none */
	u64 epoch;			/* host ns of guest time 0; see dn_clock_freeze() */
	u64 wall_at;			/* host ns at which vregs->wall_base was written */
	u64 queued_at;			/* host ns at which it became runnable */
	u64 quantum_left;		/* ns of CPU time; this and the next are the policy's */
	u64 vtime;			/* virtual time */
	u32 vtime_rest;			/* and what is less than a unit of it */
	u32 inverse;			/* of the weight */
	struct hrtimer timer;		/* wakes it: alarm or idle timeout, the earlier */

	/* Queue state: runner->lock. */
	struct dn_runner *runner;
	enum dn_on on;
	u32 state;			/* DENALI_VM_* */
	u32 weight;			/* DENALI_WEIGHT_*; this, cap and cpus: see share.c */
	struct dn_cap *cap;		/* NULL: has never had one */
	unsigned long *cpus;		/* to run on, DENALI_CPUS_MAX bits; NULL: all */
	union {				/* the policy's */
		struct list_head run_node;
		struct rb_node run_rb;
	};
	struct list_head runner_node;	/* on runner->vms */
	struct list_head idle_node;	/* on runner->idle, or empty */
	unsigned long idle_since;	/* jiffies */

	struct dn_end end;
	raw_spinlock_t end_lock;
	bool finished;			/* dn_vm_finish() has run; written with ctl */
	struct work_struct finish;

	struct dn_port *port[DENALI_MAX_PORTS];
	struct dn_flood flood;		/* of all its NICs on switches */
	struct dn_vm_stats stats;

	struct mutex ctl;		/* see the top of this file */
	struct kref ref;
	u64 id;
	u64 life;			/* no other VM's, and another one after each reset */
	kuid_t uid;
	struct dn_tenant *tenant;
	struct dn_gate gate;
	u32 flags;			/* DENALI_CREATE_* */
	bool destroyed;
	bool started;
	struct dn_vm *base;		/* template that it is a clone of, with a reference, or NULL */
	char *cmdline;			/* of a clone: boot arguments of its own, or NULL */
	u32 cmdline_len;
	atomic_t fds;			/* open VM descriptors */
	struct hlist_node name_node;	/* in the table of names */
	wait_queue_head_t end_wait;	/* poll(): state changed to ended */
	char name[DENALI_NAME_SIZE];
};

/**
 * dn_vm_end() - a VM is to end: the one answer to a hostile or broken guest
 * @vm:     the VM
 * @reason: DENALI_END_*
 * @status: exit status if DENALI_END_EXIT, else 0
 * @fmt:    reason in words
 *
 * The first reason wins; callers carry on as if nothing had happened, the runner
 * notices. Context: any.
 */
__printf(4, 5)
void dn_vm_end(struct dn_vm *vm, u32 reason, s32 status, const char *fmt, ...);

/**
 * dn_vm_port() - a VM's port @i, or NULL: then there is none with a greater number either
 *
 * None is ever taken out; one may be added meanwhile. Context: any.
 */
static inline struct dn_port *dn_vm_port(const struct dn_vm *vm, u32 i)
{
	/* The number may be the guest's, or the user's: no CPU that guesses gets beyond the array. */
	struct dn_port *port = READ_ONCE(vm->port[i % DENALI_MAX_PORTS]);

	BUILD_BUG_ON_NOT_POWER_OF_2(DENALI_MAX_PORTS);
	return likely(i < DENALI_MAX_PORTS) ? port : NULL;
}

static inline bool dn_vm_ending(const struct dn_vm *vm)
{
	return READ_ONCE(vm->end.reason) != DENALI_END_NONE;
}

/* vm.c */
int dn_vm_setup(struct dn_vm *vm, u32 entry, const char *cmdline, u32 len);
int dn_vm_start(struct dn_vm *vm);
int dn_vm_start_locked(struct dn_vm *vm);
int dn_vm_stop(struct dn_vm *vm);
int dn_vm_pause(struct dn_vm *vm, bool *ran);
void dn_vm_resume(struct dn_vm *vm, bool ran);
int dn_vm_kill(struct dn_vm *vm, const char *why);
int dn_vm_destroy(struct dn_vm *vm);
int dn_vm_nic(struct dn_vm *vm, struct denali_vm_nic *arg);
void dn_vm_finish(struct dn_vm *vm);
void dn_vm_put_later(struct dn_vm *vm);
void dn_vm_finish_work(struct work_struct *work);
void dn_vm_settle(struct dn_vm *vm);
void dn_vm_freeze(struct dn_vm *vm);
void dn_vm_frozen(struct dn_vm *vm);
int dn_vms_init(void);
void dn_vms_exit(void);

/* vm_table.c */
int dn_vm_publish(struct dn_vm *vm);
void dn_vm_withdraw(struct dn_vm *vm);
struct dn_vm *dn_vm_find(u64 id, const char *name);	/* with a reference, or ERR_PTR */
struct dn_vm *dn_vm_next(u64 id);			/* first VM with an id > @id, with a reference, or NULL */
u32 dn_vm_count(void);
bool dn_name_ok(const char *name);
bool dn_vm_may(const struct dn_vm *vm);			/* may the caller see and control it? */

/* vm_create.c */
struct denali_vm_create;
struct dn_account;
struct dn_vm *dn_vm_create(const struct denali_vm_create *arg);
struct dn_vm *dn_vm_new(u64 mem_bytes, u32 flags, const char *name, struct dn_vm *base,
			struct dn_account *account, u32 priority);
struct dn_vm *dn_vm_make(u64 mem_bytes, u32 flags, const char *name, struct dn_vm *base,
			 const char *tenant, u32 priority);
bool dn_vm_admitted(const struct dn_vm *vm);
void dn_vm_put(struct dn_vm *vm);
void dn_vm_free(struct dn_vm *vm);
void dn_vms_await(void);

/* vm_info.c */
u32 dn_vm_state(const struct dn_vm *vm);
void dn_vm_fill_state(struct dn_vm *vm, struct denali_vm_state *st);
u64 dn_vm_kmem(struct dn_vm *vm);

/* share.c */
int dn_share_set(struct dn_vm *vm, const struct denali_vm_share *arg);

/* clone.c */
struct denali_vm_clone;
int dn_clone_check(const struct dn_vm *base);
struct dn_vm *dn_vm_clone(struct dn_vm *base, const struct denali_vm_clone *arg);
u64 dn_life_next(void);
void dn_clone_init(struct dn_vm *vm);
int dn_clone_setup(struct dn_vm *vm, const char *cmdline, u32 len);
int dn_vm_reset(struct dn_vm *vm, bool start);

/* netlink.c */
struct netlink_callback;
struct sk_buff;
struct user_namespace;
/* Puts an object's attributes, for a reader in @ns, whoever's doing it is. Return: 0 or -EMSGSIZE. */
typedef int dn_netlink_put_t(struct sk_buff *skb, void *object, struct user_namespace *ns);
extern struct genl_family dn_family;
int dn_netlink_register(void);
void dn_netlink_unregister(void);
int dn_netlink_show(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd, u64 id, kuid_t uid,
		    dn_netlink_put_t *put, void *object);
void dn_netlink_event(struct dn_vm *vm, u32 event);	/* enum denali_event. Context: process */

#endif /* DN_VM_H */
