// SPDX-License-Identifier: GPL-2.0
/*
 * Life and death of VMs. References: the tables (vm_table.c) hold one until the VM is
 * destroyed, so does every descriptor, and a started VM holds one for its runner until
 * dn_vm_finish().
 */
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <uapi/linux/denali_netlink.h>

#include "guest.h"
#include "runner.h"
#include "slice.h"
#include "tenant.h"
#include "vm.h"

static struct workqueue_struct *dn_finish_wq;

/** dn_vm_setup() - DENALI_IOC_VM_SETUP */
int dn_vm_setup(struct dn_vm *vm, u32 entry, const char *cmdline, u32 len)
{
	int err = 0;

	if (vm->base ? entry != 0 : entry < DENALI_IMAGE_MIN_ADDR || entry >= vm->mem_size)
		return -EINVAL;
	if (len >= DENALI_CMDLINE_SIZE)
		return -E2BIG;
	mutex_lock(&vm->ctl);
	if (vm->destroyed || vm->state == DENALI_VM_ENDED) {
		err = -ESHUTDOWN;
	} else if (vm->started) {
		err = -EBUSY;
	} else if (vm->base) {
		err = dn_clone_setup(vm, cmdline, len);
	} else {
		vm->regs->ip = entry;
		memset(vm->vregs->cmdline, 0, DENALI_CMDLINE_SIZE);
		memcpy(vm->vregs->cmdline, cmdline, len);
	}
	mutex_unlock(&vm->ctl);
	return err;
}

/* DENALI_IOC_VM_START with vm->ctl held. */
int dn_vm_start_locked(struct dn_vm *vm)
{
	u64 now;

	lockdep_assert_held(&vm->ctl);
	if (vm->destroyed || dn_vm_ending(vm))
		return -ESHUTDOWN;
	if (vm->state == DENALI_VM_RUNNING || vm->state == DENALI_VM_WAITING)
		return -EALREADY;
	if (vm->state == DENALI_VM_TEMPLATE)
		return -EBUSY;
	if (!vm->started && !vm->regs->ip)
		return -EINVAL;
	now = ktime_get_ns();
	if (!vm->started) {
		vm->started = true;
		dn_clock_start(vm, now);
		kref_get(&vm->ref);
	}
	dn_gate_run(vm, now);
	return 0;
}

/** dn_vm_start() - DENALI_IOC_VM_START */
int dn_vm_start(struct dn_vm *vm)
{
	int err;

	mutex_lock(&vm->ctl);
	err = dn_vm_start_locked(vm);
	mutex_unlock(&vm->ctl);
	return err;
}

/** dn_vm_settle() - memory and rings of a VM that is off stand still from here on. Context: process. */
void dn_vm_settle(struct dn_vm *vm)
{
	struct dn_port *port;
	int i;

	for (i = 0; (port = dn_vm_port(vm, i)); i++)
		if (port->ops->settle)
			port->ops->settle(port);
}

static void dn_vm_finish_locked(struct dn_vm *vm);

/* DENALI_IOC_VM_STOP with vm->ctl held. */
static int dn_vm_stop_locked(struct dn_vm *vm)
{
	lockdep_assert_held(&vm->ctl);
	if (vm->destroyed || dn_vm_ending(vm))
		return -ESHUTDOWN;
	if (!vm->started)
		return -EINVAL;
	if (vm->state == DENALI_VM_STOPPED)
		return -EALREADY;
	if (vm->state == DENALI_VM_WAITING)
		dn_gate_leave(vm);
	dn_runner_take(vm, DN_WORK_STOP, DENALI_VM_STOPPED);
	if (vm->state == DENALI_VM_TEMPLATE)
		return -EBUSY;
	dn_vm_settle(vm);
	/* Somebody who was at work on its rings has found one broken. */
	if (vm->state == DENALI_VM_STOPPED && dn_vm_ending(vm)) {
		dn_runner_take(vm, DN_WORK_END, DENALI_VM_ENDED);
		dn_vm_finish_locked(vm);
	}
	return vm->state == DENALI_VM_ENDED ? -ESHUTDOWN : 0;
}

/**
 * dn_vm_pause() - a VM isn't run from here to dn_vm_resume(), whatever its state
 * @vm:  vm->ctl is held until then; neither ended nor a template
 * @ran: set to whether it did, for dn_vm_resume()
 *
 * One that waits to run keeps its place. Context: process. Return: 0, or as DENALI_IOC_VM_STOP: then
 * there is nothing to resume.
 */
int dn_vm_pause(struct dn_vm *vm, bool *ran)
{
	int err;

	/* From here on the gatekeeper doesn't make it run. */
	dn_gate_hold(vm);
	*ran = vm->state == DENALI_VM_RUNNING;
	err = *ran ? dn_vm_stop_locked(vm) : 0;
	if (err)
		dn_gate_unhold(vm);
	return err;
}

/** dn_vm_resume() - @ran: as dn_vm_pause() said. Context: process, vm->ctl is held. */
void dn_vm_resume(struct dn_vm *vm, bool ran)
{
	if (ran)
		dn_runner_run(vm, ktime_get_ns());
	dn_gate_unhold(vm);
}

/** dn_vm_stop() - DENALI_IOC_VM_STOP */
int dn_vm_stop(struct dn_vm *vm)
{
	int err;

	mutex_lock(&vm->ctl);
	err = dn_vm_stop_locked(vm);
	if (!err)
		dn_gate_leave(vm);
	mutex_unlock(&vm->ctl);
	if (!err)
		dn_netlink_event(vm, DENALI_EVENT_STOPPED);
	return err;
}

void dn_vm_end(struct dn_vm *vm, u32 reason, s32 status, const char *fmt, ...)
{
	char text[DENALI_REASON_SIZE];
	unsigned long flags;
	va_list args;
	char *c;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* The text may be the guest's, and ends up on terminals. */
	for (c = text; *c; c++)
		if (!isascii(*c) || !isprint(*c))
			*c = '?';

	raw_spin_lock_irqsave(&vm->end_lock, flags);
	if (!vm->end.reason) {
		vm->end.status = status;
		strscpy(vm->end.text, text, sizeof(vm->end.text));
		WRITE_ONCE(vm->end.reason, reason);
	}
	raw_spin_unlock_irqrestore(&vm->end_lock, flags);
	set_bit(DN_WORK_END, &vm->work);
}

/*
 * What is left to do when a VM has ended and is off the CPU. Whoever comes late finds it
 * done, or the VM reset, and perhaps at its next end. vm->ctl is held.
 */
static void dn_vm_finish_locked(struct dn_vm *vm)
{
	struct dn_port *port;
	int i;

	lockdep_assert_held(&vm->ctl);
	if (vm->finished || READ_ONCE(vm->state) != DENALI_VM_ENDED)
		return;
	dn_gate_leave(vm);
	hrtimer_cancel(&vm->timer);
	if (vm->cap)
		hrtimer_cancel(&vm->cap->timer);
	for (i = 0; (port = dn_vm_port(vm, i)); i++)
		if (port->ops->detach)
			port->ops->detach(port);
	/* Of a clone's ends, its own may be followed by a reset at once. */
	if (vm->base && vm->end.reason != DENALI_END_KILLED)
		dn_runner_retire(vm);
	else
		dn_pgtable_free(&vm->pgt);
	/* For dn_vm_state(): whoever sees the end finds the console at the end of its file. */
	smp_store_release(&vm->finished, true);
	wake_up_all(&vm->end_wait);
	dn_netlink_event(vm, DENALI_EVENT_ENDED);
	if (vm->started)
		dn_vm_put(vm);
}

/** dn_vm_freeze() - a VM is about to become a template. Context: its runner, may sleep. */
void dn_vm_freeze(struct dn_vm *vm)
{
	struct dn_port *port;
	int i;

	for (i = 0; (port = dn_vm_port(vm, i)); i++)
		if (port->ops->freeze)
			port->ops->freeze(port);
	dn_slice_fpu_trim(vm->fpu);
}

/** dn_vm_finish_work() - of vm->finish: what dn_vm_finish() left to a worker. Context: dn_finish_wq. */
void dn_vm_finish_work(struct work_struct *work)
{
	struct dn_vm *vm = container_of(work, struct dn_vm, finish);

	mutex_lock(&vm->ctl);
	dn_vm_finish_locked(vm);
	if (vm->state == DENALI_VM_TEMPLATE) {
		dn_gate_leave(vm);
		dn_netlink_event(vm, DENALI_EVENT_TEMPLATE);
	}
	mutex_unlock(&vm->ctl);
	dn_vm_put(vm);
}

/* By a worker: see dn_vm_finish(). */
static void dn_vm_finish_later(struct dn_vm *vm)
{
	kref_get(&vm->ref);
	if (!queue_work(dn_finish_wq, &vm->finish))
		dn_vm_put(vm);
}

/** dn_vm_frozen() - a VM has become a template. Context: runner, may sleep. */
void dn_vm_frozen(struct dn_vm *vm)
{
	wake_up_all(&vm->end_wait);
	if (vm->tenant == &dn_tenant_default)
		dn_netlink_event(vm, DENALI_EVENT_TEMPLATE);
	else
		dn_vm_finish_later(vm);
}

/**
 * dn_vm_finish() - a VM has ended and is off the CPU
 * @vm: its runner holds a reference
 *
 * Whoever is in an ioctl on this VM may be slow, or wait for the RTNL lock: the
 * runner, and with it everybody else's VMs on the CPU, doesn't wait for him. Nor do
 * others wait, for locks that it holds, until a tenant's runner gets CPU time from its cgroup.
 * Context: runner, may sleep.
 */
void dn_vm_finish(struct dn_vm *vm)
{
	if (vm->tenant == &dn_tenant_default && mutex_trylock(&vm->ctl)) {
		dn_vm_finish_locked(vm);
		mutex_unlock(&vm->ctl);
		return;
	}
	dn_vm_finish_later(vm);
}

static void dn_vm_free_work(struct work_struct *work)
{
	dn_vm_free(container_of(work, struct dn_vm, finish));
}

static void dn_vm_free_later(struct kref *ref)
{
	struct dn_vm *vm = container_of(ref, struct dn_vm, ref);

	/* It isn't queued: it would have a reference. */
	INIT_WORK(&vm->finish, dn_vm_free_work);
	queue_work(dn_finish_wq, &vm->finish);
}

/**
 * dn_vm_put_later() - as dn_vm_put(), but what is to be done after the last one is a worker's
 * @vm: the VM
 *
 * Whoever saw it off may have let go of it meanwhile. Freeing it takes the pool's lock, and others
 * with which nobody is to wait for a tenant's runner: see dn_vm_finish(). Context: any.
 */
void dn_vm_put_later(struct dn_vm *vm)
{
	kref_put(&vm->ref, dn_vm_free_later);
}

/** dn_vms_init() - context: module load. Return: 0 or -ENOMEM. */
int dn_vms_init(void)
{
	dn_finish_wq = alloc_workqueue("denali", WQ_UNBOUND, 0);
	return dn_finish_wq ? 0 : -ENOMEM;
}

/**
 * dn_vms_exit() - nobody can have a VM any more: let go of the last ones
 *
 * A runner may have one that it took off the CPU, until its tenant's cgroup gives it CPU time again.
 * Context: unloading; sleeps, perhaps for seconds.
 */
void dn_vms_exit(void)
{
	dn_vms_await();
	destroy_workqueue(dn_finish_wq);
}

static int dn_vm_kill_locked(struct dn_vm *vm, const char *why)
{
	int err;

	lockdep_assert_held(&vm->ctl);
	err = dn_vm_ending(vm) ? -ESHUTDOWN : 0;
	dn_vm_end(vm, DENALI_END_KILLED, 0, "%s", why);
	if (vm->state == DENALI_VM_WAITING)
		dn_gate_leave(vm);
	dn_runner_take(vm, DN_WORK_END, DENALI_VM_ENDED);
	dn_vm_finish_locked(vm);
	return err;
}

/**
 * dn_vm_kill() - DENALI_IOC_VM_KILL
 * @vm:  held by the caller
 * @why: for the report
 */
int dn_vm_kill(struct dn_vm *vm, const char *why)
{
	int err;

	mutex_lock(&vm->ctl);
	err = vm->destroyed ? -ESHUTDOWN : dn_vm_kill_locked(vm, why);
	mutex_unlock(&vm->ctl);
	return err;
}

/** dn_vm_destroy() - DENALI_IOC_VM_DESTROY, or the last descriptor of a VM is closed */
int dn_vm_destroy(struct dn_vm *vm)
{
	mutex_lock(&vm->ctl);
	if (vm->destroyed) {
		mutex_unlock(&vm->ctl);
		return -ESHUTDOWN;
	}
	if (dn_vm_admitted(vm))
		dn_vm_kill_locked(vm, "destroyed");
	WRITE_ONCE(vm->destroyed, true);
	if (!dn_vm_admitted(vm))
		dn_gate_changed();
	mutex_unlock(&vm->ctl);

	dn_netlink_event(vm, DENALI_EVENT_DESTROYED);
	dn_vm_withdraw(vm);
	dn_vm_put(vm);
	return 0;
}

/** dn_vm_nic() - DENALI_IOC_VM_NIC */
int dn_vm_nic(struct dn_vm *vm, struct denali_vm_nic *arg)
{
	struct dn_port *port;
	int err = 0;
	bool ran;
	u32 i;

	mutex_lock(&vm->ctl);
	port = dn_vm_port(vm, arg->port);
	if (vm->destroyed || dn_vm_ending(vm)) {
		err = -ESHUTDOWN;
	} else if (arg->port == DENALI_NIC_NEW_PORT) {
		for (i = 0; i < DENALI_MAX_PORTS && vm->port[i]; i++)
			;
		if (vm->started) {
			err = -EBUSY;
		} else if (i == DENALI_MAX_PORTS) {
			err = -ENOSPC;
		} else {
			port = dn_nic_create(vm, i, arg);
			err = PTR_ERR_OR_ZERO(port);
			if (!err) {
				/* Dumps look without a lock. */
				smp_store_release(&vm->port[i], port);
				arg->port = i;
			}
		}
	} else if (!port || port->ops->type != DENALI_PORT_NIC) {
		err = -ENODEV;
	} else if (vm->state == DENALI_VM_TEMPLATE) {
		err = -EBUSY;
	} else {
		err = dn_vm_pause(vm, &ran);
		if (!err) {
			err = dn_nic_attach(port, arg);
			dn_vm_resume(vm, ran);
		}
	}
	mutex_unlock(&vm->ctl);
	return err;
}
