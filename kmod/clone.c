// SPDX-License-Identifier: GPL-2.0
/*
 * Clones: what one gets of its template beside the memory (part.c), and the way back there.
 *
 * A clone that is reset is a new VM to its guest, and another one than before to all that
 * keeps VMs apart. It costs what the clone did, not what it has: the pages that it had
 * made its own are its template's again.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <asm/page.h>

#include <uapi/linux/denali_netlink.h>

#include "runner.h"
#include "slice.h"
#include "vm.h"

/** dn_life_next() - a number for vm->life that none has had. Context: any. */
u64 dn_life_next(void)
{
	static atomic64_t last;

	return atomic64_inc_return(&last);
}

/**
 * dn_clone_init() - registers, interrupts and times of a clone
 * @vm: a clone with vm->base, off the CPU; registers and virtual registers are copied
 *
 * It returns from DENALI_HC_TEMPLATE.
 */
void dn_clone_init(struct dn_vm *vm)
{
	const struct dn_vm *base = vm->base;

	vm->regs->ax = 1;
	vm->epoch = base->epoch;
	vm->alarm = base->alarm;
	vm->run_alarm = base->run_alarm;
	atomic_set(&vm->irq_raised, atomic_read(&base->irq_raised));
}

/** dn_clone_check() - can a VM be cloned? Context: any. Return: 0; -EBUSY, -ESHUTDOWN. */
int dn_clone_check(const struct dn_vm *base)
{
	/* See dn_runner_put(). */
	if (smp_load_acquire(&base->state) == DENALI_VM_TEMPLATE)
		return 0;
	return dn_vm_ending(base) ? -ESHUTDOWN : -EBUSY;
}

/**
 * dn_vm_clone() - DENALI_IOC_VM_CLONE
 * @base: its template; the caller has a reference
 * @arg:  as for dn_vm_create()
 *
 * Nothing of a template changes any more but that it may be killed, which leaves its
 * memory and registers alone: no lock is needed. Context and return: as for dn_vm_create().
 */
struct dn_vm *dn_vm_clone(struct dn_vm *base, const struct denali_vm_clone *arg)
{
	const u32 flags = DENALI_CREATE_PERSISTENT | DENALI_CREATE_WAIT | DENALI_CREATE_SYNC_IRQ;
	int err;

	if (arg->flags & ~flags || arg->reserved || arg->reserved2)
		return ERR_PTR(-EINVAL);
	err = dn_clone_check(base);
	if (err)
		return ERR_PTR(err);
	return dn_vm_make(base->mem_size, arg->flags, arg->name, base, arg->tenant, arg->priority);
}

static void dn_clone_write_cmdline(struct dn_vm *vm)
{
	memset(vm->vregs->cmdline, 0, DENALI_CMDLINE_SIZE);
	memcpy(vm->vregs->cmdline, vm->cmdline, vm->cmdline_len);
}

/**
 * dn_clone_setup() - boot arguments of its own
 * @vm:      a clone, not started; vm->ctl is held
 * @cmdline: the arguments
 * @len:     bytes of them, less than DENALI_CMDLINE_SIZE
 *
 * They are kept for a reset: what the guest sees of them it can also change. Return: 0 or -ENOMEM.
 */
int dn_clone_setup(struct dn_vm *vm, const char *cmdline, u32 len)
{
	char *copy;

	lockdep_assert_held(&vm->ctl);
	copy = kmemdup(cmdline, max(len, 1U), GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	kfree(vm->cmdline);
	vm->cmdline = copy;
	WRITE_ONCE(vm->cmdline_len, len);
	dn_clone_write_cmdline(vm);
	return 0;
}

static void dn_clone_reset_memory(struct dn_vm *vm)
{
	struct dn_part *part = vm->part;
	u32 i;

	for_each_set_bit(i, part->own_longs, BITS_TO_LONGS(part->pages))
		dn_pgtable_renew(&vm->pgt, part, i * BITS_PER_LONG, dn_part_disown(part, i));
	dn_slice_flush(vm);
}

/* What was in the rest of the XSAVE area is still there, but the registers don't come from it. */
static void dn_clone_reset_regs(struct dn_vm *vm)
{
	const struct dn_vm *base = vm->base;

	memcpy(vm->fpu, base->fpu, dn_slice_fpu_bytes(base->fpu));
	*vm->regs = *base->regs;
}

/* The ports aren't the template's. */
static void dn_clone_reset_vregs(struct dn_vm *vm)
{
	const size_t ports = offsetof(struct denali_vregs, ports);
	const size_t behind = ports + sizeof(vm->vregs->ports);
	const void *base = vm->base->vregs;
	void *v = vm->vregs;

	memcpy(v, base, ports);
	memset(v + ports, 0, behind - ports);
	memcpy(v + behind, base + behind, PAGE_SIZE - behind);
}

static void dn_clone_reset_ports(struct dn_vm *vm)
{
	struct dn_port *port;
	u32 i;

	for (i = 0; (port = dn_vm_port(vm, i)); i++)
		port->ops->reset(port);
}

static void dn_clone_reset(struct dn_vm *vm)
{
	bool running;

	lockdep_assert_held(&vm->ctl);
	dn_gate_leave(vm);
	if (vm->started)
		dn_runner_take(vm, DN_WORK_STOP, DENALI_VM_STOPPED);
	/* Who sends to it writes to pages that are its own by now. */
	dn_vm_settle(vm);
	hrtimer_cancel(&vm->timer);
	/* One that has ended just now, unseen, is as if it hadn't: see dn_vm_finish_locked(). */
	running = vm->started && !vm->finished;

	/* Before the registers: see dn_vm_fill_state(). */
	raw_spin_lock_irq(&vm->end_lock);
	/* The text comes with the next reason. */
	memset(&vm->end, 0, offsetof(struct dn_end, text));
	raw_spin_unlock_irq(&vm->end_lock);
	/* A port's work that gets lost here would find no ring. */
	WRITE_ONCE(vm->work, 0);
	vm->life = dn_life_next();
	vm->idling = false;
	vm->idle_until = U64_MAX;
	vm->wall_at = 0;
	memset(&vm->stats, 0, sizeof(vm->stats));
	dn_clone_reset_memory(vm);
	dn_clone_reset_regs(vm);
	dn_clone_reset_vregs(vm);
	dn_clone_init(vm);
	if (vm->cmdline)
		dn_clone_write_cmdline(vm);
	dn_clone_reset_ports(vm);

	vm->started = false;
	WRITE_ONCE(vm->state, DENALI_VM_CREATED);
	WRITE_ONCE(vm->finished, false);
	dn_netlink_event(vm, DENALI_EVENT_RESET);
	if (running)
		dn_vm_put(vm);
}

/**
 * dn_vm_reset() - DENALI_IOC_VM_RESET, DENALI_IOC_VM_RESTART
 * @vm:    held by the caller
 * @start: and start it
 *
 * Context: may sleep. Return: 0 or an error as the ioctl documents.
 */
int dn_vm_reset(struct dn_vm *vm, bool start)
{
	int err = 0;

	mutex_lock(&vm->ctl);
	if (vm->destroyed)
		err = -ESHUTDOWN;
	else if (vm->state == DENALI_VM_TEMPLATE)
		err = -EBUSY;
	else if (!vm->base)
		err = -EINVAL;
	else if (dn_part_broken(vm->part))
		err = -EHWPOISON;
	else
		dn_clone_reset(vm);
	if (!err && start)
		err = dn_vm_start_locked(vm);
	mutex_unlock(&vm->ctl);
	return err;
}
