// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual interrupts and exceptions: how the monitor makes a guest go somewhere
 * else. Everything here trusts nothing in the virtual registers: what a guest
 * put there decides only where the guest goes.
 */
#include <linux/atomic.h>

#include <asm/processor-flags.h>
#include <asm/segment.h>
#include <asm/trap_pf.h>
#include <asm/trapnr.h>

#include "guest.h"
#include "vm.h"

/* Flags that ring 3 may set. */
#define DN_USER_FLAGS	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | \
			 X86_EFLAGS_SF | X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_OF | \
			 X86_EFLAGS_NT | X86_EFLAGS_RF | X86_EFLAGS_AC | X86_EFLAGS_ID)

/* Error code of a page fault: the page is there, but may not be written. */
#define DN_PF_SHARED	(X86_PF_PROT | X86_PF_WRITE | X86_PF_USER)

/* Flags that a handler starts without. */
#define DN_UPCALL_CLEAR	(X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_NT | X86_EFLAGS_AC | \
			 X86_EFLAGS_RF)

/** dn_irq_raise() - raise a virtual interrupt. Context: any; doesn't wake. */
void dn_irq_raise(struct dn_vm *vm, u32 irq)
{
	vm->stats.irqs++;
	atomic_or(BIT(irq), &vm->irq_raised);
}

/* Move what was raised to where the guest sees it. Context: VM not in the guest. */
static u32 dn_irq_pending(struct dn_vm *vm)
{
	struct denali_vregs *v = vm->vregs;
	u32 pending = READ_ONCE(v->irq_pending);

	if (atomic_read(&vm->irq_raised)) {
		pending |= atomic_xchg(&vm->irq_raised, 0);
		WRITE_ONCE(v->irq_pending, pending);
	}
	return pending;
}

/** dn_irq_wakes() - is an interrupt pending that ends an idle? Context: runner. */
bool dn_irq_wakes(const struct dn_vm *vm)
{
	return dn_irq_pending((struct dn_vm *)vm) & ~vm->idle_mask;
}

/**
 * dn_upcall_deliver() - deliver all pending interrupts by one upcall, if the guest takes any now
 * @vm: not in the guest, not idling
 *
 * Context: runner.
 */
void dn_upcall_deliver(struct dn_vm *vm)
{
	struct denali_vregs *v = vm->vregs;
	struct dn_regs *regs = vm->regs;
	u32 frame[2], entry;

	if (!(dn_irq_pending(vm) & ~READ_ONCE(v->irq_mask)) || !READ_ONCE(v->irq_enabled))
		return;
	entry = READ_ONCE(v->upcall_entry);
	if (!entry)
		return;

	frame[0] = regs->flags;
	frame[1] = regs->ip;
	if (dn_gmem_write(vm, dn_gaddr((u32)regs->sp - sizeof(frame)), frame, sizeof(frame))) {
		dn_vm_end(vm, DENALI_END_PROTOCOL, 0, "no stack for an upcall at esp %#x",
			  (u32)regs->sp);
		return;
	}
	WRITE_ONCE(v->irq_enabled, 0);
	regs->sp = (u32)regs->sp - sizeof(frame);
	regs->ip = entry;
	regs->flags &= ~DN_UPCALL_CLEAR;
	vm->stats.upcalls++;
}

/* There is no handler, or it is the handler that raised it. */
static noinline void dn_exception_end(struct dn_vm *vm, u32 fault_addr)
{
	const struct dn_regs *regs = vm->regs;

	vm->end.vector = regs->vector;
	vm->end.error_code = regs->error;
	vm->end.fault_addr = fault_addr;
	dn_vm_end(vm, DENALI_END_FAULT, 0, "exception %u (error %#x) at eip %#x%s",
		  (u32)regs->vector, (u32)regs->error, (u32)regs->ip,
		  READ_ONCE(vm->vregs->exc_entry) ? ", in the exception handler" : "");
}

/**
 * dn_exception() - a guest raised an exception: its handler's, or its end
 * @vm:         vm->regs has vector and error code
 * @fault_addr: of a page fault, else 0
 *
 * Context: runner.
 */
void dn_exception(struct dn_vm *vm, u32 fault_addr)
{
	struct denali_vregs *v = vm->vregs;
	struct dn_regs *regs = vm->regs;
	u32 entry = READ_ONCE(v->exc_entry), stack;

	if (unlikely(!entry || READ_ONCE(v->exc_active))) {
		dn_exception_end(vm, fault_addr);
		return;
	}
	v->exc_vector = regs->vector;
	v->exc_error = regs->error;
	v->exc_addr = fault_addr;
	v->exc_eip = regs->ip;
	v->exc_esp = regs->sp;
	v->exc_eflags = regs->flags;
	v->exc_eax = regs->ax;
	v->exc_irq_enabled = v->irq_enabled;
	WRITE_ONCE(v->irq_enabled, 0);
	WRITE_ONCE(v->exc_active, 1);
	stack = READ_ONCE(v->exc_stack);
	if (stack)
		regs->sp = stack;
	regs->ip = entry;
	regs->flags &= ~DN_UPCALL_CLEAR;
}

/**
 * dn_page_fault() - a guest raised a page fault: ours, or an exception
 * @vm:         as for dn_exception()
 * @fault_addr: CR2
 *
 * Context: runner.
 */
void dn_page_fault(struct dn_vm *vm, u32 fault_addr)
{
	if (!vm->part->base || (vm->regs->error & DN_PF_SHARED) != DN_PF_SHARED ||
	    !dn_gmem_fault(vm, dn_gaddr(fault_addr)))
		dn_exception(vm, fault_addr);
}

/** dn_exception_return() - DENALI_HC_EXC_RETURN */
void dn_exception_return(struct dn_vm *vm)
{
	struct denali_vregs *v = vm->vregs;
	struct dn_regs *regs = vm->regs;

	regs->ax = READ_ONCE(v->exc_eax);
	regs->ip = READ_ONCE(v->exc_eip);
	regs->sp = READ_ONCE(v->exc_esp);
	regs->flags = (READ_ONCE(v->exc_eflags) & DN_USER_FLAGS) | X86_EFLAGS_IF |
		      X86_EFLAGS_FIXED;
	WRITE_ONCE(v->irq_enabled, !!READ_ONCE(v->exc_irq_enabled));
	WRITE_ONCE(v->exc_active, 0);
}
