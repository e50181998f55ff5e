// SPDX-License-Identifier: GPL-2.0
/*
 * Life and death of VMs, and the tables to find them by id and by name.
 * References: the tables hold one until the VM is destroyed, so does every
 * descriptor, and a started VM holds one for its runner until dn_vm_finish().
 */
#include <linux/ctype.h>
#include <linux/hashtable.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/stringhash.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

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

static DEFINE_XARRAY(dn_vms);		/* by id */
static DEFINE_HASHTABLE(dn_names, 10);	/* by name */
static DEFINE_MUTEX(dn_vms_mutex);	/* all of these */
static u32 dn_vms_nr;
static u64 dn_last_id;
static struct workqueue_struct *dn_finish_wq;

static void dn_vm_finish_work(struct work_struct *work);

static void dn_vm_free(struct kref *ref)
{
	struct dn_vm *vm = container_of(ref, struct dn_vm, ref);
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
	kfree(vm);
}

void dn_vm_put(struct dn_vm *vm)
{
	kref_put(&vm->ref, dn_vm_free);
}

u32 dn_vm_count(void)
{
	return READ_ONCE(dn_vms_nr);
}

bool dn_vm_may(const struct dn_vm *vm)
{
	return uid_eq(vm->uid, current_euid()) || capable(CAP_SYS_ADMIN);
}

/** dn_name_ok() - does it hold nothing but what names may hold? */
bool dn_name_ok(const char *name)
{
	for (; *name; name++)
		if (!isascii(*name) || (!isalnum(*name) && !strchr("_.-", *name)))
			return false;
	return true;
}

static u32 dn_name_hash(const char *name)
{
	return full_name_hash(NULL, name, strlen(name));
}

/* A user's VM of that name; if there is none and @others, the one that somebody else has. */
static struct dn_vm *dn_vm_by_name(const char *name, kuid_t uid, bool others)
{
	struct dn_vm *vm, *other = NULL;

	lockdep_assert_held(&dn_vms_mutex);
	hash_for_each_possible(dn_names, vm, name_node, dn_name_hash(name)) {
		if (strcmp(vm->name, name))
			continue;
		if (uid_eq(vm->uid, uid))
			return vm;
		if (others)
			other = other ? ERR_PTR(-ENOTUNIQ) : vm;
	}
	return other;
}

/**
 * dn_vm_find() - a VM by id or name
 * @id:   id, or 0
 * @name: if @id is 0: name, of the caller's VMs first, then of all that it may control
 *
 * Return: it with a reference; -ENOENT, -EPERM (not the caller's), -ENOTUNIQ.
 */
struct dn_vm *dn_vm_find(u64 id, const char *name)
{
	struct dn_vm *found;

	mutex_lock(&dn_vms_mutex);
	found = id ? xa_load(&dn_vms, id) :
		     dn_vm_by_name(name, current_euid(), capable(CAP_SYS_ADMIN));
	if (!found)
		found = ERR_PTR(-ENOENT);
	else if (!IS_ERR(found) && !dn_vm_may(found))
		found = ERR_PTR(-EPERM);
	if (!IS_ERR(found))
		kref_get(&found->ref);
	mutex_unlock(&dn_vms_mutex);
	return found;
}

struct dn_vm *dn_vm_next(u64 id)
{
	unsigned long index = id;
	struct dn_vm *vm;

	mutex_lock(&dn_vms_mutex);
	vm = xa_find_after(&dn_vms, &index, ULONG_MAX, XA_PRESENT);
	if (vm)
		kref_get(&vm->ref);
	mutex_unlock(&dn_vms_mutex);
	return vm;
}

static int dn_vm_publish(struct dn_vm *vm)
{
	int err = 0;

	mutex_lock(&dn_vms_mutex);
	vm->id = ++dn_last_id;
	if (!vm->name[0])
		snprintf(vm->name, sizeof(vm->name), "vm%llu", vm->id);
	if (dn_vm_by_name(vm->name, vm->uid, false))
		err = -EEXIST;
	else
		err = xa_err(xa_store(&dn_vms, vm->id, vm, GFP_KERNEL_ACCOUNT));
	if (!err) {
		/* The tables' reference, and for a persistent VM the module's. */
		kref_get(&vm->ref);
		if (vm->flags & DENALI_CREATE_PERSISTENT)
			__module_get(THIS_MODULE);
		hash_add(dn_names, &vm->name_node, dn_name_hash(vm->name));
		dn_vms_nr++;
		WRITE_ONCE(vm->tenant->listed, vm->tenant->listed + 1);
	}
	mutex_unlock(&dn_vms_mutex);
	return err;
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
 * is of no use, but dn_vm_put() still is.
 */
static int dn_vm_equip(struct dn_vm *vm, struct dn_part *part)
{
	struct dn_page0 *page0 = dn_part_addr(part, 0);
	struct dn_port *port;

	vm->fpu = page0->fpu;
	vm->regs = &page0->regs;
	vm->vregs = dn_part_addr(part, DENALI_VREGS_ADDR >> PAGE_SHIFT);
	if (vm->base) {
		dn_clone_init(vm);
		/* The template's. */
		memset(vm->vregs->ports, 0, sizeof(vm->vregs->ports));
	} else {
		dn_vm_init_fresh(vm);
	}
	dn_runner_add(vm, vm->tenant);
	port = dn_console_create(vm);
	if (!IS_ERR(port)) {
		/* Dumps look without a lock. */
		smp_store_release(&vm->port[0], port);
		WRITE_ONCE(vm->state, DENALI_VM_CREATED);
	}
	/* For dn_vm_admitted(): all else is there. */
	smp_store_release(&vm->part, part);
	return PTR_ERR_OR_ZERO(port);
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
int dn_vm_stop_locked(struct dn_vm *vm)
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

static void dn_vm_finish_work(struct work_struct *work)
{
	struct dn_vm *vm = container_of(work, struct dn_vm, finish);

	mutex_lock(&vm->ctl);
	dn_vm_finish_locked(vm);
	if (vm->state == DENALI_VM_TEMPLATE)
		dn_gate_leave(vm);
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
	dn_netlink_event(vm, DENALI_EVENT_TEMPLATE);
	if (vm->tenant != &dn_tenant_default)
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

/** dn_vms_init() - context: module load. Return: 0 or -ENOMEM. */
int dn_vms_init(void)
{
	dn_finish_wq = alloc_workqueue("denali", WQ_UNBOUND, 0);
	return dn_finish_wq ? 0 : -ENOMEM;
}

/** dn_vms_exit() - nobody has a VM any more: let go of the last ones */
void dn_vms_exit(void)
{
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
	mutex_lock(&dn_vms_mutex);
	xa_erase(&dn_vms, vm->id);
	hash_del(&vm->name_node);
	dn_vms_nr--;
	WRITE_ONCE(vm->tenant->listed, vm->tenant->listed - 1);
	mutex_unlock(&dn_vms_mutex);
	if (vm->flags & DENALI_CREATE_PERSISTENT)
		module_put(THIS_MODULE);
	dn_vm_put(vm);
	return 0;
}

/** dn_vm_nic() - DENALI_IOC_VM_NIC */
int dn_vm_nic(struct dn_vm *vm, struct denali_vm_nic *arg)
{
	struct dn_port *port;
	bool running;
	int err = 0;
	u32 i;

	mutex_lock(&vm->ctl);
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
	} else if (arg->port >= DENALI_MAX_PORTS || !vm->port[arg->port] ||
		   vm->port[arg->port]->ops->type != DENALI_PORT_NIC) {
		err = -ENODEV;
	} else if (vm->state == DENALI_VM_TEMPLATE) {
		err = -EBUSY;
	} else {
		running = vm->state == DENALI_VM_RUNNING;
		if (running)
			err = dn_vm_stop_locked(vm);
		if (!err) {
			err = dn_nic_attach(vm->port[arg->port], arg);
			if (running)
				dn_runner_run(vm, ktime_get_ns());
		}
	}
	mutex_unlock(&vm->ctl);
	return err;
}

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
