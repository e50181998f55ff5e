/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runners: kernel threads, one per CPU and tenant, which multiplex VMs.
 */
#ifndef DN_RUNNER_H
#define DN_RUNNER_H

#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "guest.h"
#include "sched.h"
#include "slice.h"

struct dn_tenant;
struct dn_vm;

/**
 * struct dn_runner - a tenant's on a CPU
 * @tenant:  whose VMs it runs
 * @thread:  kernel thread, parked while the CPU is offline; NULL until the CPU has been online
 * @task:    the same while it takes VMs, else NULL
 * @cpu:     the CPU that it is meant for
 * @lock:    queue, vms and the queue state of the VMs on it
 * @queue:   runnable VMs
 * @vms:     all VMs that belong to this runner
 * @nr_vms:  their number
 * @idle:    VMs that idle, or have ended, and have page tables, those that do so for longest first
 * @reclaim: takes the tables from VMs on @idle in time; pending only if there are any
 * @preempt: the quantum is over
 * @timer_set: @quantum is going to go off
 * @turn_start, @deadline: begin and end of the present turn, host ns; the begin moves on
 *           by the time for which @task is scheduled out
 * @resting: @task has no VM in hand: it is nobody's time that goes by
 * @away_since: when @task was scheduled out, if it wasn't @resting
 * @stolen:  for how long, in the present turn
 * @balance_at: when to look whether others have less to do, host ns
 * @looked:  jiffies when it looked for a VM of others'
 * @clock:   its idea of the time
 * @slice_cpu: CPU on which a slice is under way, -1: none
 * @quantum: timer that sets @preempt
 * @notifier: gives the CPU back before @task is scheduled out
 * @csd:     to interrupt @slice_cpu
 */
struct dn_runner {
	struct dn_tenant *tenant;
	struct task_struct *thread;
	struct task_struct *task;
	int cpu;
	raw_spinlock_t lock;
	struct dn_queue queue;
	struct list_head vms;
	u32 nr_vms;
	struct list_head idle;
	struct delayed_work reclaim;
	bool preempt;
	bool timer_set;
	u64 turn_start;
	u64 deadline;
	bool resting;
	u64 away_since;
	u64 stolen;
	u64 balance_at;
	unsigned long looked;
	struct dn_clock clock;
	int slice_cpu;
	struct hrtimer quantum;
#ifdef CONFIG_PREEMPT_NOTIFIERS
	struct preempt_notifier notifier;
#endif
	call_single_data_t csd;
};

/* How long a VM idles before its page tables are taken. */
#define DN_RECLAIM_AFTER	(2 * HZ)

/* runners.c */
extern struct mutex dn_runners_mutex;	/* which runner has a task: CPU hotplug, who chooses one */
int dn_runners_start(void);
void dn_runners_stop(void);
u32 dn_runners_count(void);
void dn_runners_renice(struct dn_tenant *tenant, int nice);

/* balance.c */
bool dn_balance_wake(struct dn_runner *r, struct dn_vm *vm);
void dn_balance_busy(struct dn_runner *r, struct dn_vm *prev, u64 now);
void dn_balance_idle(struct dn_runner *r);
void dn_runner_add(struct dn_vm *vm, struct dn_tenant *tenant);
void dn_runner_remove(struct dn_vm *vm);
void dn_runner_place(struct dn_vm *vm);
void dn_runner_evacuate(struct dn_runner *from);

/* runner.c */
void dn_runner_init(struct dn_runner *r, struct dn_tenant *tenant, int cpu);
int dn_runner_main(void *data);
struct dn_runner *dn_runner_lock(struct dn_vm *vm, unsigned long *flags);
void dn_runner_unlock(struct dn_runner *r, unsigned long flags);
void dn_runner_queue(struct dn_runner *r, struct dn_vm *vm);
void dn_runner_unqueue(struct dn_runner *r, struct dn_vm *vm, u64 ns);
void dn_runner_uncap(struct dn_vm *vm);
void dn_runner_run(struct dn_vm *vm, u64 now);
bool dn_runner_until(struct dn_vm *vm, u64 run_ns);
bool dn_runner_over(const struct dn_vm *vm);
struct dn_vm *dn_runner_pass(struct dn_runner *r, struct dn_vm *vm);
bool dn_runner_take(struct dn_vm *vm, int work, u32 state);
void dn_runner_retire(struct dn_vm *vm);
void dn_vm_wake(struct dn_vm *vm, u32 irqs);

#endif /* DN_RUNNER_H */
