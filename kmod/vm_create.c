// SPDX-License-Identifier: GPL-2.0
/*
 * Making VMs: the account that pays, memory or the wait for it, what a new one finds in its
 * registers; and freeing them when the last reference is gone.
 */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>

#include <asm/processor-flags.h>
#include <asm/segment.h>

#include <uapi/linux/denali_netlink.h>

#include "block.h"
#include "guest.h"
#include "quota.h"
#include "runner.h"
#include "slice.h"
#include "tenant.h"
#include "vm.h"

static atomic_t dn_vms_there;	/* each until it is freed */
static DECLARE_WAIT_QUEUE_HEAD(dn_vms_wait);

/** dn_vm_free() - nobody has a VM any more. Context: may sleep. */
void dn_vm_free(struct dn_vm *vm)
{
	struct dn_port *port;
	int i;

	for (i = 0; (port = dn_vm_port(vm, i)); i++)
		port->ops->free(port);
	if (vm->runner)
		dn_runner_remove(vm);
	dn_pgtable_free(&vm->pgt);
	kfree(vm->cmdline);
	if (vm->part)
		dn_part_put(vm->part);
	kfree(vm->cap);
	kfree(vm->cpus);
	if (vm->base)
		dn_vm_put(vm->base);
	dn_tenant_put(vm->tenant);
	kfree(vm);
	if (atomic_dec_and_test(&dn_vms_there))
		wake_up_all(&dn_vms_wait);
}

/** dn_vms_await() - wait until the last VM is freed. Context: unloading: there are no new ones. */
void dn_vms_await(void)
{
	wait_event(dn_vms_wait, !atomic_read(&dn_vms_there));
}

static void dn_vm_last(struct kref *ref)
{
	dn_vm_free(container_of(ref, struct dn_vm, ref));
}

void dn_vm_put(struct dn_vm *vm)
{
	kref_put(&vm->ref, dn_vm_last);
}

/* A new VM's registers. */
static void dn_vm_init_fresh(struct dn_vm *vm)
{
	struct denali_vregs *v = vm->vregs;

	vm->regs->cs = __USER32_CS;
	vm->regs->sp = vm->mem_size - 16;
	vm->regs->ss = __USER_DS;
	vm->regs->ds = __USER_DS;
	vm->regs->es = __USER_DS;
	vm->regs->flags = X86_EFLAGS_IF | X86_EFLAGS_FIXED;
	dn_slice_fpu_init(vm->fpu);
	v->magic = DENALI_VREGS_MAGIC;
	v->abi_version = DENALI_ABI_VERSION;
	v->mem_size = vm->mem_size;
	v->cpu_khz = dn_clock_khz();
	v->nr_ports = DENALI_MAX_PORTS;
}

/* A VM without a partition, that nobody can find yet. */
static struct dn_vm *dn_vm_alloc(u64 mem_bytes, u32 flags, const char *name, struct dn_vm *base,
				 struct dn_tenant *tenant, u32 priority)
{
	struct dn_vm *vm;

	if (strnlen(name, DENALI_NAME_SIZE) == DENALI_NAME_SIZE || !dn_name_ok(name))
		return ERR_PTR(-EINVAL);
	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	atomic_inc(&dn_vms_there);
	kref_init(&vm->ref);
	mutex_init(&vm->ctl);
	raw_spin_lock_init(&vm->end_lock);
	init_waitqueue_head(&vm->end_wait);
	INIT_LIST_HEAD(&vm->idle_node);
	dn_pgtable_init(&vm->pgt);
	dn_gate_init(vm, priority);
	/* Its maker's. */
	atomic_set(&vm->fds, 1);
	vm->mem_size = mem_bytes;
	vm->weight = DENALI_WEIGHT_DEFAULT;
	vm->uid = current_euid();
	kref_get(&tenant->ref);
	vm->tenant = tenant;
	vm->flags = flags;
	strscpy(vm->name, name, sizeof(vm->name));
	vm->life = dn_life_next();
	INIT_WORK(&vm->finish, dn_vm_finish_work);
	dn_clock_create(vm);
	if (base) {
		kref_get(&base->ref);
		vm->base = base;
	}
	return vm;
}

/*
 * A VM is admitted: it gets its memory and all that depends on it. Return: 0, or -ENOMEM: then it
 * isn't, and @part is gone.
 */
static int dn_vm_equip(struct dn_vm *vm, struct dn_part *part)
{
	struct dn_page0 *page0 = dn_part_addr(part, 0);
	struct dn_port *port;

	vm->vregs = dn_part_addr(part, DENALI_VREGS_ADDR >> PAGE_SHIFT);
	/* The template's. */
	if (vm->base)
		memset(vm->vregs->ports, 0, sizeof(vm->vregs->ports));
	port = dn_console_create(vm);
	if (IS_ERR(port)) {
		vm->vregs = NULL;
		dn_part_put(part);
		return PTR_ERR(port);
	}
	vm->fpu = page0->fpu;
	vm->regs = &page0->regs;
	if (vm->base)
		dn_clone_init(vm);
	else
		dn_vm_init_fresh(vm);
	dn_runner_add(vm, vm->tenant);
	/* Dumps look without a lock. */
	smp_store_release(&vm->port[0], port);
	WRITE_ONCE(vm->state, DENALI_VM_CREATED);
	/* For dn_vm_admitted(): all else is there. */
	smp_store_release(&vm->part, part);
	return 0;
}

/** dn_vm_admitted() - has it memory? Until then it can be looked at and destroyed. Context: any. */
bool dn_vm_admitted(const struct dn_vm *vm)
{
	/* See dn_vm_equip(). */
	return smp_load_acquire(&vm->part);
}

/* Make a VM that others can find while it waits for memory. */
static int dn_vm_new_waiting(struct dn_vm *vm, struct dn_account *account)
{
	struct dn_part *part;
	int err;

	vm->state = DENALI_VM_WAITING;
	err = dn_vm_publish(vm);
	if (err)
		return err;
	dn_netlink_event(vm, DENALI_EVENT_WAITING);
	part = dn_gate_memory(vm, account, vm->base ? vm->base->part : NULL);
	err = PTR_ERR_OR_ZERO(part);
	if (!err) {
		part->account = account;
		mutex_lock(&vm->ctl);
		if (vm->destroyed) {
			dn_part_put(part);
			err = -ECANCELED;
		} else {
			err = dn_vm_equip(vm, part);
		}
		mutex_unlock(&vm->ctl);
	}
	if (err)
		dn_vm_destroy(vm);
	return err;
}

static int dn_vm_new_now(struct dn_vm *vm, struct dn_account *account)
{
	struct dn_part *part;
	int err;

	part = dn_part_alloc(vm->mem_size >> PAGE_SHIFT, vm->base ? vm->base->part : NULL);
	if (IS_ERR(part)) {
		dn_quota_uncharge(account, vm->mem_size, 1);
		return PTR_ERR(part);
	}
	part->account = account;
	err = dn_vm_equip(vm, part);
	return err ?: dn_vm_publish(vm);
}

/**
 * dn_vm_new() - make a VM
 * @mem_bytes: its memory, of a size that a VM can have
 * @flags:     DENALI_CREATE_*
 * @name:      NUL-termination not yet checked
 * @base:      NULL, or the template that it is to be a clone of, with as much memory
 * @account:   with DENALI_CREATE_WAIT claimed; else charged for it already, and uncharged if it
 *             can't be made
 * @priority:  among those that wait
 *
 * Context: process; sleeps for memory if asked to. Return: the VM with a reference or an ERR_PTR
 * as DENALI_IOC_VM_CREATE documents.
 */
struct dn_vm *dn_vm_new(u64 mem_bytes, u32 flags, const char *name, struct dn_vm *base,
			struct dn_account *account, u32 priority)
{
	struct dn_vm *vm;
	int err;

	vm = dn_vm_alloc(mem_bytes, flags, name, base, account->tenant, priority);
	if (IS_ERR(vm)) {
		if (!(flags & DENALI_CREATE_WAIT))
			dn_quota_uncharge(account, mem_bytes, 1);
		return vm;
	}
	err = flags & DENALI_CREATE_WAIT ? dn_vm_new_waiting(vm, account) :
					   dn_vm_new_now(vm, account);
	if (err) {
		dn_vm_put(vm);
		return ERR_PTR(err);
	}
	dn_netlink_event(vm, DENALI_EVENT_CREATED);
	return vm;
}

/**
 * dn_vm_make() - make a VM on the account of a tenant
 * @mem_bytes: as for dn_vm_new(), as all that isn't said otherwise
 * @flags:     same
 * @name:      same
 * @base:      same
 * @tenant:    its name, or empty; NUL-termination not yet checked
 * @priority:  0 but for who has CAP_SYS_NICE
 *
 * Context and return: as for dn_vm_new().
 */
struct dn_vm *dn_vm_make(u64 mem_bytes, u32 flags, const char *name, struct dn_vm *base,
			 const char *tenant, u32 priority)
{
	bool wait = flags & DENALI_CREATE_WAIT;
	struct dn_account *account;
	struct dn_vm *vm;

	if (priority && !capable(CAP_SYS_NICE))
		return ERR_PTR(-EPERM);
	account = dn_tenant_account(tenant, mem_bytes, !wait);
	if (IS_ERR(account))
		return ERR_CAST(account);
	vm = dn_vm_new(mem_bytes, flags, name, base, account, priority);
	if (wait)
		dn_quota_release(account);
	return vm;
}

/**
 * dn_vm_create() - DENALI_IOC_VM_CREATE
 * @arg: from user space, NUL-termination of the name not yet checked
 *
 * Context: process; sleeps for memory if asked to. Return: the VM with a reference
 * or an ERR_PTR as the ioctl documents.
 */
struct dn_vm *dn_vm_create(const struct denali_vm_create *arg)
{
	const u32 flags = DENALI_CREATE_PERSISTENT | DENALI_CREATE_WAIT | DENALI_CREATE_TEMPLATE |
			  DENALI_CREATE_SYNC_IRQ;

	if (arg->flags & ~flags || arg->reserved || arg->reserved2 ||
	    !IS_ALIGNED(arg->mem_bytes, PAGE_SIZE) ||
	    arg->mem_bytes < DENALI_MIN_MEMORY || arg->mem_bytes > DENALI_MAX_MEMORY)
		return ERR_PTR(-EINVAL);
	return dn_vm_make(arg->mem_bytes, arg->flags, arg->name, NULL, arg->tenant, arg->priority);
}

