// SPDX-License-Identifier: GPL-2.0
/*
 * Machine checks that hit a guest: to the host's handler a guest is a process. What a guest has
 * consumed of broken memory is its end, and not the host's.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/pfn.h>
#include <linux/ptrace.h>
#include <linux/sched.h>

#include <asm/mce.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include <asm/trapnr.h>

#include "mce.h"
#include "vm.h"

/*
 * The handler leaves it to a process to give its broken page up, and to die, on its way back to user
 * mode. A runner doesn't get there, and must be able to take the next one: take it off again what it
 * is to do. It isn't done if it has got something else to do as well, which a runner never has.
 */
static bool dn_mce_taken_over(void)
{
	struct callback_head *work = &current->mce_kill_me;

	if (!current->mce_count)
		return false;
	if (WARN_ON_ONCE(cmpxchg(&current->task_works, work, NULL) != work))
		return true;
	current->mce_count = 0;
	return true;
}

/**
 * dn_mce_guest() - a machine check hit a guest
 * @vm: has just left, the machine check not yet handled
 *
 * An error that is another CPU's, or needs no action, is as if it hadn't been; one that can't be
 * survived panics the host in here. Context: in a slice, interrupts off.
 */
void dn_mce_guest(struct dn_vm *vm)
{
	struct pt_regs regs = { .cs = __USER32_CS, .flags = X86_EFLAGS_IF };

	do_machine_check(&regs);
	if (!dn_mce_taken_over())
		return;
	vm->end.vector = X86_TRAP_MC;
	dn_vm_end(vm, DENALI_END_FAULT, 0, "machine check at eip %#x: the host's memory is broken",
		  (u32)vm->regs->ip);
	if (dn_part_break(vm->part, PHYS_PFN(current->mce_addr)))
		pr_err("pool: the page at 0x%llx is broken, and kept from further use\n",
		       current->mce_addr);
}
