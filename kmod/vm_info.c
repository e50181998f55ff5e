// SPDX-License-Identifier: GPL-2.0
/*
 * What is told of a VM: its state, how it ended, what it costs.
 */
#include <linux/string.h>
#include <linux/user_namespace.h>

#include "vm.h"

/** dn_vm_kmem() - bytes of kernel memory that a VM has beyond its partition */
u64 dn_vm_kmem(struct dn_vm *vm)
{
	u64 bytes = sizeof(*vm) + (u64)READ_ONCE(vm->pgt.nr) * PAGE_SIZE +
		    READ_ONCE(vm->cmdline_len);
	struct dn_port *port;
	int i;

	if (dn_vm_admitted(vm))
		bytes += dn_part_kmem(vm->part);
	if (READ_ONCE(vm->cap))
		bytes += sizeof(*vm->cap);
	if (READ_ONCE(vm->cpus))
		bytes += BITS_TO_BYTES(DENALI_CPUS_MAX);
	for (i = 0; (port = dn_vm_port(vm, i)); i++)
		bytes += port->ops->kmem(port);
	return bytes;
}

/** dn_vm_state() - DENALI_VM_*, as others are to see it. Context: any. */
u32 dn_vm_state(const struct dn_vm *vm)
{
	u32 state = READ_ONCE(vm->state);

	/* See dn_vm_finish_locked(). */
	if (state == DENALI_VM_ENDED && !smp_load_acquire(&vm->finished))
		return DENALI_VM_RUNNING;
	return state;
}

/** dn_vm_fill_state() - DENALI_IOC_VM_STATE */
void dn_vm_fill_state(struct dn_vm *vm, struct denali_vm_state *st)
{
	unsigned long flags;

	st->id = vm->id;
	st->mem_bytes = vm->mem_size;
	st->state = dn_vm_state(vm);
	st->flags = vm->flags;
	st->uid = from_kuid_munged(current_user_ns(), vm->uid);
	st->run_ns = READ_ONCE(vm->stats.run_ns);
	strscpy(st->name, vm->name, sizeof(st->name));
	if (st->state != DENALI_VM_ENDED)
		return;
	raw_spin_lock_irqsave(&vm->end_lock, flags);
	if (!vm->end.reason) {
		/* Reset this moment. */
		raw_spin_unlock_irqrestore(&vm->end_lock, flags);
		st->state = DENALI_VM_CREATED;
		return;
	}
	st->reason = vm->end.reason;
	st->status = vm->end.status;
	st->vector = vm->end.vector;
	st->error_code = vm->end.error_code;
	st->fault_addr = vm->end.fault_addr;
	strscpy(st->text, vm->end.text, sizeof(st->text));
	st->eip = vm->regs->ip;
	st->esp = vm->regs->sp;
	st->eax = vm->regs->ax;
	st->ebx = vm->regs->bx;
	st->ecx = vm->regs->cx;
	st->edx = vm->regs->dx;
	st->esi = vm->regs->si;
	st->edi = vm->regs->di;
	st->ebp = vm->regs->bp;
	st->eflags = vm->regs->flags;
	raw_spin_unlock_irqrestore(&vm->end_lock, flags);
}
