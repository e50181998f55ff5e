// SPDX-License-Identifier: GPL-2.0
/*
 * All VMs, to be found by id and by name. The tables hold a reference to each.
 */
#include <linux/ctype.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/stringhash.h>
#include <linux/xarray.h>

#include "tenant.h"
#include "vm.h"

static DEFINE_XARRAY(dn_vms);		/* by id */
static DEFINE_HASHTABLE(dn_names, 10);	/* by name */
static DEFINE_MUTEX(dn_vms_mutex);	/* all of these */
static u32 dn_vms_nr;
static u64 dn_last_id;

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

/**
 * dn_vm_publish() - others can find a VM from here on
 * @vm: gets its id, and if it has no name, one made of that
 *
 * Context: process. Return: 0, -EEXIST (its user has one of that name) or -ENOMEM.
 */
int dn_vm_publish(struct dn_vm *vm)
{
	int err = 0;

	mutex_lock(&dn_vms_mutex);
	vm->id = ++dn_last_id;
	if (!vm->name[0])
		snprintf(vm->name, sizeof(vm->name), "vm%llu", vm->id);
	if (dn_vm_by_name(vm->name, vm->uid, false))
		err = -EEXIST;
	else
		err = xa_err(xa_store(&dn_vms, vm->id, vm, GFP_KERNEL));
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

/** dn_vm_withdraw() - nobody can find a published VM any more, and the tables' reference is the caller's */
void dn_vm_withdraw(struct dn_vm *vm)
{
	mutex_lock(&dn_vms_mutex);
	xa_erase(&dn_vms, vm->id);
	hash_del(&vm->name_node);
	dn_vms_nr--;
	WRITE_ONCE(vm->tenant->listed, vm->tenant->listed - 1);
	mutex_unlock(&dn_vms_mutex);
	if (vm->flags & DENALI_CREATE_PERSISTENT)
		module_put(THIS_MODULE);
}
