// SPDX-License-Identifier: GPL-2.0
/*
 * Runners: a kernel thread that takes turns at its VMs. An idle VM has
 * no thread and no stack, only its struct; it costs nothing until an event
 * wakes it. Which runners there are is runners.c's.
 *
 * A VM belongs to one runner at a time. The runner's lock guards the queue state
 * of its VMs (vm->on, vm->state, vm->run_node) and vm->runner itself; a VM that
 * is DN_ON_CPU is otherwise its runner's alone, whose main loop is
 * dn_runner_turn(): what is to be done for the VM, in the order in which it can
 * happen.
 *
 * Events reach a VM as bits in vm->work, set before dn_vm_wake(). A runner looks
 * at vm->work with its lock held before it lets the VM go idle, so no event is
 * lost.
 *
 * To Linux a runner is an ordinary task: it yields when Linux wants the CPU, and
 * an admin may change its niceness and affinity.
 */
#include <linux/freezer.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched.h>

#include "guest.h"
#include "runner.h"
#include "slice.h"
#include "tenant.h"
#include "vm.h"

#define DN_RECLAIM_BUDGET	64	/* VMs at a time */

/* Work that takes a VM off the CPU and leaves it off. */
#define DN_WORK_OFF	(BIT(DN_WORK_END) | BIT(DN_WORK_STOP) | BIT(DN_WORK_TEMPLATE))

/* Some VM went off. One for all: those who wait for that are few. */
static DECLARE_WAIT_QUEUE_HEAD(dn_off_wait);

/** dn_runner_lock() - lock the runner of a VM. Return: it. */
struct dn_runner *dn_runner_lock(struct dn_vm *vm, unsigned long *flags)
{
	struct dn_runner *r;

	for (;;) {
		r = READ_ONCE(vm->runner);
		raw_spin_lock_irqsave(&r->lock, *flags);
		if (likely(r == vm->runner)) {
			/* For sparse, which can't follow a lock that is returned. */
			__release(&r->lock);
			return r;
		}
		raw_spin_unlock_irqrestore(&r->lock, *flags);
	}
}

/** dn_runner_unlock() - what dn_runner_lock() did, backwards */
void dn_runner_unlock(struct dn_runner *r, unsigned long flags)
{
	__acquire(&r->lock);
	raw_spin_unlock_irqrestore(&r->lock, flags);
}

/* The interrupt itself is what ends the guest's stay: there is nothing to do. */
static void dn_runner_interrupt(void *unused)
{
}

/* Make a guest that is running on another CPU leave it. Context: runner's lock held. */
static void dn_runner_kick(struct dn_runner *r)
{
	int cpu;

	/* Against dn_slice_run(): slice_cpu is set, then work is looked at. */
	smp_mb__after_atomic();
	cpu = READ_ONCE(r->slice_cpu);
	if (cpu >= 0 && cpu != smp_processor_id())
		smp_call_function_single_async(cpu, &r->csd);
}

/** dn_runner_unqueue() - a VM that waited, or ran for @ns, isn't runnable any more. Context: runner's lock held. */
void dn_runner_unqueue(struct dn_runner *r, struct dn_vm *vm, u64 ns)
{
	lockdep_assert_held(&r->lock);
	r->queue.nr--;
	r->queue.load -= vm->weight;
	dn_sched->remove(&r->queue, vm, ns);
}

/* A VM that would be runnable has to wait for its cap. */
static void dn_runner_cap(struct dn_vm *vm)
{
	vm->on = DN_ON_CAP;
	dn_cap_wait(vm->cap);
}

/** dn_runner_queue() - a VM that is runnable comes to wait for the CPU. Context: runner's lock held. */
void dn_runner_queue(struct dn_runner *r, struct dn_vm *vm)
{
	lockdep_assert_held(&r->lock);
	if (unlikely(vm->cap) && dn_cap_spent(vm->cap, ktime_get_ns())) {
		dn_runner_cap(vm);
		return;
	}
	vm->on = DN_ON_QUEUE;
	r->queue.nr++;
	r->queue.load += vm->weight;
	dn_sched->wake(&r->queue, vm);
	if (r->task)
		wake_up_process(r->task);
}

/* A VM became runnable from outside the runner, at @now. */
static void dn_runner_wake(struct dn_runner *r, struct dn_vm *vm, u64 now)
{
	vm->queued_at = now;
	if (!dn_balance_wake(r, vm))
		dn_runner_queue(r, vm);
}

/** dn_runner_uncap() - a VM may have waited long enough for its cap. Context: interrupts off. */
void dn_runner_uncap(struct dn_vm *vm)
{
	unsigned long flags;
	struct dn_runner *r = dn_runner_lock(vm, &flags);

	if (vm->on == DN_ON_CAP)
		dn_runner_queue(r, vm);
	dn_runner_unlock(r, flags);
}

/**
 * dn_vm_wake() - an event for a VM has been noted in vm->work
 * @vm:   VM
 * @irqs: 0, or interrupts that are all that the event can lead to: a VM that idles
 *        with them masked stays idle
 *
 * Context: any, also with interrupts off.
 */
void dn_vm_wake(struct dn_vm *vm, u32 irqs)
{
	unsigned long flags;
	struct dn_runner *r = dn_runner_lock(vm, &flags);

	if (vm->on == DN_ON_CPU) {
		dn_runner_kick(r);
	} else if (vm->on == DN_ON_IDLE && (!irqs || (irqs & ~vm->idle_mask))) {
		list_del_init(&vm->idle_node);
		dn_runner_wake(r, vm, ktime_get_ns());
	}
	dn_runner_unlock(r, flags);
}

/*
 * The quantum timer isn't restarted for each turn: one that goes off before the
 * deadline of the present turn is set to that deadline.
 */
static enum hrtimer_restart dn_runner_quantum(struct hrtimer *timer)
{
	struct dn_runner *r = container_of(timer, struct dn_runner, quantum);
	enum hrtimer_restart restart = HRTIMER_NORESTART;
	unsigned long flags;

	raw_spin_lock_irqsave(&r->lock, flags);
	if (hrtimer_is_queued(timer)) {
		/* The runner, on another CPU by now, was faster: it is set anew. */
	} else if (ktime_get_ns() < r->deadline) {
		hrtimer_set_expires(timer, ns_to_ktime(r->deadline));
		restart = HRTIMER_RESTART;
	} else {
		r->timer_set = false;
		WRITE_ONCE(r->preempt, true);
		/* Against dn_slice_run(), as in dn_runner_kick(), for a plain store. */
		smp_mb();
		dn_runner_kick(r);
	}
	raw_spin_unlock_irqrestore(&r->lock, flags);
	return restart;
}

static void dn_runner_set_deadline(struct dn_runner *r, u64 deadline)
{
	lockdep_assert_held(&r->lock);
	WRITE_ONCE(r->preempt, false);
	r->deadline = deadline;
	if (r->timer_set && ktime_to_ns(hrtimer_get_expires(&r->quantum)) <= deadline)
		return;
	r->timer_set = true;
	hrtimer_start(&r->quantum, ns_to_ktime(deadline), HRTIMER_MODE_ABS_PINNED_HARD);
}

/**
 * dn_runner_until() - a VM's turn is to end when the VM has run for @run_ns in all
 * @vm:     on its CPU
 * @run_ns: as stats.run_ns
 *
 * Context: in a slice, interrupts off. Return: false if it has run for so long already.
 */
bool dn_runner_until(struct dn_vm *vm, u64 run_ns)
{
	struct dn_runner *r = vm->runner;
	u64 left;

	if (run_ns <= vm->stats.run_ns)
		return false;
	left = run_ns - vm->stats.run_ns;
	/* Later turns end in time by themselves: see dn_runner_pick(). */
	if (left >= r->deadline - r->turn_start)
		return true;
	if (r->turn_start + left <= ktime_get_ns())
		return false;
	raw_spin_lock(&r->lock);
	dn_runner_set_deadline(r, r->turn_start + left);
	raw_spin_unlock(&r->lock);
	return true;
}

/**
 * dn_runner_over() - is a VM's turn over, or does Linux want the CPU?
 * @vm: on its CPU
 *
 * For a back end at work: its time is the VM's. Context: the VM's runner.
 */
bool dn_runner_over(const struct dn_vm *vm)
{
	return READ_ONCE(vm->runner->preempt) || need_resched();
}

/* Call the back ends of the ports that asked for it. */
static void dn_runner_ports(struct dn_vm *vm)
{
	unsigned long ports = READ_ONCE(vm->work) & (BIT(DENALI_MAX_PORTS) - 1);
	struct dn_port *port;
	u32 i;

	while (ports) {
		i = __ffs(ports);
		ports &= ports - 1;
		port = vm->port[i];
		clear_bit(i, &vm->work);
		/* What is noted from here on sets the bit again. */
		smp_mb__after_atomic();
		if (port && port->ops->service(port))
			set_bit(i, &vm->work);
	}
}

/*
 * Linux wants the CPU: let it have it. Not cond_resched(), which is nothing under full
 * preemption: the interrupt that asked for the CPU was let in where it couldn't be
 * given. Tasks RCU hears of it too, though a runner whose VMs never idle never sleeps.
 */
static __always_inline void dn_runner_resched(void)
{
	if (need_resched())
		schedule();
}

/*
 * One turn of a VM, up to its quantum, and of those to which it passes the CPU. Returns when the
 * VM has to leave the CPU: its time is up, it is idle, stopped or at its end. Return: the VM.
 */
static struct dn_vm *dn_runner_turn(struct dn_runner *r, struct dn_vm *vm)
{
	unsigned long work;

	for (;;) {
		work = READ_ONCE(vm->work);
		if (work & DN_WORK_OFF) {
			if (work & BIT(DN_WORK_TEMPLATE))
				dn_vm_freeze(vm);
			return vm;
		}
		if (work & BIT(DN_WORK_TIMER)) {
			clear_bit(DN_WORK_TIMER, &vm->work);
			dn_clock_expire(vm);
		}
		if (work & (BIT(DENALI_MAX_PORTS) - 1))
			dn_runner_ports(vm);
		if (work & BIT(DN_WORK_RANDOM)) {
			clear_bit(DN_WORK_RANDOM, &vm->work);
			dn_hypercall_random(vm);
		}
		if (vm->idling) {
			clear_bit(DN_WORK_IDLE, &vm->work);
			if (!dn_clock_idle_over(vm))
				return vm;
		}
		if (work & BIT(DN_WORK_YIELD) || READ_ONCE(r->preempt))
			return vm;
		if (!vm->pgt.nr && dn_pgtable_build(&vm->pgt, vm->part)) {
			/* The host is out of memory for now: let it reclaim. */
			schedule_timeout_uninterruptible(1);
			return vm;
		}
		vm = dn_slice_run(r, vm);
		dn_runner_resched();
	}
}

/*
 * Kernel resources only for active VMs, as in the original (OSDI 2002, section
 * 3.4): a VM that has idled for long loses its page tables and gets new ones when it
 * wakes. All that a VM costs then is its struct.
 */
static void dn_runner_reclaim(struct work_struct *work)
{
	struct dn_runner *r = container_of(work, struct dn_runner, reclaim.work);
	unsigned long due = 0;
	u32 budget = DN_RECLAIM_BUDGET;
	struct dn_vm *vm;
	LIST_HEAD(pages);

	raw_spin_lock_irq(&r->lock);
	while ((vm = list_first_entry_or_null(&r->idle, struct dn_vm, idle_node))) {
		due = vm->idle_since + DN_RECLAIM_AFTER;
		if (time_before(jiffies, due))
			break;
		list_del_init(&vm->idle_node);
		dn_pgtable_take(&vm->pgt, &pages);
		/* Not with interrupts off for as long as there are VMs. */
		if (!--budget || need_resched()) {
			due = jiffies;
			break;
		}
	}
	if (!list_empty(&r->idle))
		schedule_delayed_work(&r->reclaim, time_after(due, jiffies) ? due - jiffies : 0);
	raw_spin_unlock_irq(&r->lock);
	dn_pgtable_free_pages(&pages);
}

static void dn_runner_reclaim_later(struct dn_runner *r)
{
	if (!delayed_work_pending(&r->reclaim))
		schedule_delayed_work(&r->reclaim, DN_RECLAIM_AFTER);
}

/**
 * dn_runner_retire() - a VM has ended, but may be reset soon
 * @vm: off; vm->ctl is held
 *
 * Its page tables are taken from it later, as from one that idles. Context: process.
 */
void dn_runner_retire(struct dn_vm *vm)
{
	unsigned long flags;
	struct dn_runner *r;

	lockdep_assert_held(&vm->ctl);
	if (!vm->pgt.nr)
		return;
	r = dn_runner_lock(vm, &flags);
	vm->idle_since = jiffies;
	list_add_tail(&vm->idle_node, &r->idle);
	dn_runner_unlock(r, flags);
	dn_runner_reclaim_later(r);
}

/* What became of a VM whose turn is over. */
enum dn_left {
	DN_LEFT_NOT,	/* it is still runnable */
	DN_LEFT_IDLE,
	DN_LEFT_OFF,
	/* For good: with a reference for dn_runner_left(). */
	DN_LEFT_ENDED,
	DN_LEFT_FROZEN,	/* it has become a template */
};

/* A VM whose turn is over isn't runnable any more. */
static noinline enum dn_left dn_runner_leave(struct dn_runner *r, struct dn_vm *vm,
					     unsigned long work, u64 now)
{
	if (work & BIT(DN_WORK_END)) {
		/* Whoever sees it off may drop the last other one. */
		kref_get(&vm->ref);
		vm->state = DENALI_VM_ENDED;
		WRITE_ONCE(vm->on, DN_OFF);
		return DN_LEFT_ENDED;
	}
	if (work & BIT(DN_WORK_STOP)) {
		vm->state = DENALI_VM_STOPPED;
		WRITE_ONCE(vm->on, DN_OFF);
		return DN_LEFT_OFF;
	}
	if (work & BIT(DN_WORK_TEMPLATE)) {
		kref_get(&vm->ref);
		dn_clock_freeze(vm, now);
		/* For dn_vm_clone(): the registers are where they belong, and stay as they are. */
		smp_store_release(&vm->state, DENALI_VM_TEMPLATE);
		WRITE_ONCE(vm->on, DN_OFF);
		return DN_LEFT_FROZEN;
	}
	vm->on = DN_ON_IDLE;
	vm->idle_since = jiffies;
	list_add_tail(&vm->idle_node, &r->idle);
	dn_clock_arm(vm);
	return DN_LEFT_IDLE;
}

/* For how long the present turn has lasted. */
static u64 dn_runner_ran(const struct dn_runner *r, u64 now)
{
	return max_t(s64, now - r->turn_start, 0);
}

/*
 * Where a VM with a @cap, or NULL, goes whose turn is over at @now, after it ran for @ran ns, with
 * @work to be done.
 */
static __always_inline enum dn_left dn_runner_put(struct dn_runner *r, struct dn_vm *vm,
						  struct dn_cap *cap, unsigned long work, u64 now,
						  u64 ran)
{
	bool spent = unlikely(cap) && dn_cap_charge(cap, ran, now);

	lockdep_assert_held(&r->lock);
	vm->stats.run_ns += ran;
	vm->stats.steal_ns += r->stolen;
	if (unlikely((work & DN_WORK_OFF) || (!work && vm->idling))) {
		dn_runner_unqueue(r, vm, ran);
		return dn_runner_leave(r, vm, work, now);
	}
	vm->queued_at = now;
	if (work & BIT(DN_WORK_YIELD))
		clear_bit(DN_WORK_YIELD, &vm->work);
	if (unlikely(spent)) {
		dn_runner_unqueue(r, vm, ran);
		dn_runner_cap(vm);
		return DN_LEFT_NOT;
	}
	vm->on = DN_ON_QUEUE;
	static_call(dn_sched_put)(&r->queue, vm, ran, work & BIT(DN_WORK_YIELD));
	return DN_LEFT_NOT;
}

/* The next VM, whose turn begins at @now. Return: it, or NULL if there is none. */
static __always_inline struct dn_vm *dn_runner_pick(struct dn_runner *r, u64 now)
{
	struct dn_vm *next = static_call(dn_sched_pick)(&r->queue);
	u64 turn;

	if (unlikely(!next))
		return NULL;
	next->on = DN_ON_CPU;
	/* Between two readings the TSC tells the time, and may lag a little. */
	if (unlikely(now < next->queued_at))
		now = dn_clock_read(&r->clock);
	next->stats.steal_ns += now - next->queued_at;
	r->turn_start = now;
	r->stolen = 0;
	turn = min(next->quantum_left, next->run_alarm - next->stats.run_ns);
	if (unlikely(next->cap))
		turn = dn_cap_turn(next->cap, now, turn);
	dn_runner_set_deadline(r, now + turn);
	return next;
}

/* And what is to be done then without the lock. A VM that is off may be gone. */
static noinline void dn_runner_left(struct dn_runner *r, struct dn_vm *vm, enum dn_left left)
{
	if (left == DN_LEFT_IDLE) {
		dn_runner_reclaim_later(r);
		return;
	}
	wake_up_all(&dn_off_wait);
	if (left == DN_LEFT_ENDED) {
		dn_vm_finish(vm);
		dn_vm_put_later(vm);
	} else if (left == DN_LEFT_FROZEN) {
		dn_vm_frozen(vm);
		dn_vm_put_later(vm);
	}
}

/*
 * Put @prev, whose turn is over, where it belongs and take the next VM, unless the
 * runner is to end or to be frozen: it must not have a VM in hand then. The clock is read
 * with preemption off: what Linux takes is added to turn_start and deadline when the runner
 * comes back.
 */
static struct dn_vm *dn_runner_switch(struct dn_runner *r, struct dn_vm *prev)
{
	enum dn_left left = DN_LEFT_NOT;
	struct dn_vm *next = NULL;
	u64 now, ran;

	raw_spin_lock_irq(&r->lock);
	/* Without @prev the CPU may have been idle. */
	now = prev ? dn_clock_now(&r->clock) : dn_clock_read(&r->clock);
	if (prev) {
		ran = dn_runner_ran(r, now);
		if (unlikely(prev->stats.run_ns + ran >= prev->run_alarm))
			dn_clock_ran(prev);
		left = dn_runner_put(r, prev, prev->cap, READ_ONCE(prev->work), now, ran);
	}
	if (unlikely(now >= r->balance_at))
		dn_balance_busy(r, left == DN_LEFT_NOT ? prev : NULL, now);
	/* What there is to be done for a VM that went for good is no other VM's time. */
	if (likely(r->task && !freezing(current) && left < DN_LEFT_ENDED))
		next = dn_runner_pick(r, now);
	raw_spin_unlock_irq(&r->lock);

	if (left != DN_LEFT_NOT)
		dn_runner_left(r, prev, left);
	return next;
}

/* Can dn_runner_pass() do for a VM with @work what dn_runner_switch() would? */
static __always_inline bool dn_runner_may_pass(struct dn_runner *r, struct dn_vm *vm,
					       unsigned long work, u64 now, u64 ran)
{
	if (unlikely(vm->cap || now >= r->balance_at || !r->task || freezing(current) ||
		     vm->stats.run_ns + ran >= vm->run_alarm))
		return false;
	if (likely(work == BIT(DN_WORK_YIELD)))
		return true;
	/* What dn_runner_left() has to do then must have been done. */
	return !work && vm->idling && r->queue.nr > 1 && delayed_work_pending(&r->reclaim);
}

/**
 * dn_runner_pass() - a VM in a slice lets others run: go on with the next, if that is simple
 * @r:  the current task's
 * @vm: on the CPU, its work one of DN_WORK_PASS; its registers saved
 *
 * Context: interrupts off. Return: the VM that is on the CPU from now on, perhaps the same, with its
 * clock renewed; NULL: nothing has changed, and dn_runner_turn() has to see.
 */
struct dn_vm *dn_runner_pass(struct dn_runner *r, struct dn_vm *vm)
{
	struct dn_vm *next = NULL;
	unsigned long work;
	u64 now, ran;

	if (vm->idling) {
		clear_bit(DN_WORK_IDLE, &vm->work);
		if (dn_clock_idle_over(vm))
			return vm;
	}
	raw_spin_lock(&r->lock);
	now = dn_clock_now(&r->clock);
	ran = dn_runner_ran(r, now);
	work = READ_ONCE(vm->work);
	if (likely(dn_runner_may_pass(r, vm, work, now, ran))) {
		dn_runner_put(r, vm, NULL, work, now, ran);
		next = dn_runner_pick(r, now);
	}
	raw_spin_unlock(&r->lock);
	if (likely(next))
		dn_clock_update(next, &r->clock);
	return next;
}

/* Its CPU goes. The freezer can't wake who is parked, and must not wait for him. */
static void dn_runner_park(void)
{
	current->flags |= PF_NOFREEZE;
	kthread_parkme();
	set_freezable();
}

/* Without a VM in hand: sleep until there is one. Out of line, for the registers of who has one. */
static noinline void dn_runner_rest(struct dn_runner *r)
{
	r->resting = true;
	if (kthread_should_park())
		dn_runner_park();
	try_to_freeze();
	dn_balance_idle(r);
	set_current_state(TASK_INTERRUPTIBLE);
	if (!READ_ONCE(r->queue.nr) && !kthread_should_stop() && !kthread_should_park() &&
	    !freezing(current)) {
		cpumask_set_cpu(r->cpu, &r->tenant->idle);
		schedule();
		cpumask_clear_cpu(r->cpu, &r->tenant->idle);
	}
	__set_current_state(TASK_RUNNING);
	r->resting = false;
}

/** dn_runner_main() - the thread of the runner @data */
int dn_runner_main(void *data)
{
	struct dn_runner *r = data;
	struct dn_vm *vm = NULL;

	set_freezable();
	dn_slice_notify(r, true);
	while (vm || !kthread_should_stop()) {
		if (!vm) {
			dn_runner_rest(r);
		} else {
			dn_clock_update(vm, &r->clock);
			vm = dn_runner_turn(r, vm);
			dn_slice_unload(vm);
		}
		vm = dn_runner_switch(r, vm);
		dn_runner_resched();
	}
	dn_slice_notify(r, false);
	return 0;
}

/** dn_runner_run() - a VM that is off is to run from @now, host ns, on. Context: any. */
void dn_runner_run(struct dn_vm *vm, u64 now)
{
	unsigned long flags;
	struct dn_runner *r = dn_runner_lock(vm, &flags);

	clear_bit(DN_WORK_STOP, &vm->work);
	vm->state = DENALI_VM_RUNNING;
	dn_runner_wake(r, vm, now);
	dn_runner_unlock(r, flags);
}

/**
 * dn_runner_take() - take a VM off the CPU and the queue
 * @vm:    started
 * @work:  DN_WORK_STOP or DN_WORK_END
 * @state: state that it gets; a template can only end
 *
 * Context: may sleep. Return: whether it was the caller who took it off; if not, it
 * went by itself (by the runner, which then does the rest).
 */
bool dn_runner_take(struct dn_vm *vm, int work, u32 state)
{
	unsigned long flags;
	struct dn_runner *r;
	bool taken = true;

	set_bit(work, &vm->work);
	r = dn_runner_lock(vm, &flags);
	switch (vm->on) {
	case DN_ON_QUEUE:
		dn_runner_unqueue(r, vm, 0);
		fallthrough;
	case DN_ON_IDLE:
	case DN_ON_CAP:
	case DN_OFF:
		list_del_init(&vm->idle_node);
		vm->on = DN_OFF;
		if (vm->state != DENALI_VM_ENDED &&
		    (vm->state != DENALI_VM_TEMPLATE || state == DENALI_VM_ENDED))
			vm->state = state;
		break;
	case DN_ON_CPU:
		dn_runner_kick(r);
		taken = false;
		break;
	}
	dn_runner_unlock(r, flags);
	if (!taken)
		wait_event(dn_off_wait, READ_ONCE(vm->on) == DN_OFF);
	return taken;
}

/** dn_runner_init() - a runner without a thread. Context: nobody knows it yet. */
void dn_runner_init(struct dn_runner *r, struct dn_tenant *tenant, int cpu)
{
	r->tenant = tenant;
	r->cpu = cpu;
	r->slice_cpu = -1;
	r->looked = jiffies;
	raw_spin_lock_init(&r->lock);
	dn_sched->init(&r->queue);
	INIT_LIST_HEAD(&r->vms);
	INIT_LIST_HEAD(&r->idle);
	INIT_DELAYED_WORK(&r->reclaim, dn_runner_reclaim);
	hrtimer_init(&r->quantum, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	r->quantum.function = dn_runner_quantum;
	INIT_CSD(&r->csd, dn_runner_interrupt, NULL);
}
