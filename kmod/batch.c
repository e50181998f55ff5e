// SPDX-License-Identifier: GPL-2.0
/*
 * Several VMs by one request: all of them or none. Descriptors and the user's quota are taken for
 * all of them at first; nobody gets a descriptor before all VMs are there.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "batch.h"
#include "chardev.h"
#include "tenant.h"
#include "uarg.h"
#include "vm.h"

/**
 * struct dn_batch_vm - one of them
 * @vm:   NULL: not made yet
 * @file: its descriptor's, which has the reference to @vm then, or NULL
 * @fd:   the descriptor, reserved; -1: none
 */
struct dn_batch_vm {
	struct dn_vm *vm;
	struct file *file;
	int fd;
};

static int dn_batch_check(const struct denali_vm_clones *arg)
{
	if (arg->flags & ~(DENALI_CREATE_PERSISTENT | DENALI_CREATE_SYNC_IRQ) || arg->reserved || !arg->count ||
	    arg->count > DENALI_MAX_CLONES || arg->first > U32_MAX - arg->count ||
	    strnlen(arg->name, sizeof(arg->name)) == sizeof(arg->name))
		return -EINVAL;
	/* Without a descriptor nothing else would keep them. */
	return arg->fds || arg->flags & DENALI_CREATE_PERSISTENT ? 0 : -EINVAL;
}

static int dn_batch_reserve(struct dn_batch_vm *batch, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		batch[i].fd = get_unused_fd_flags(O_CLOEXEC);
		if (batch[i].fd < 0)
			return batch[i].fd;
	}
	return 0;
}

static struct dn_vm *dn_batch_one(struct dn_vm *base, const struct denali_vm_clones *arg, u32 i,
				  struct dn_account *account)
{
	char name[DENALI_NAME_SIZE + 10] = "";

	if (arg->name[0])
		snprintf(name, sizeof(name), "%s%u", arg->name, arg->first + i);
	return dn_vm_new(base->mem_size, arg->flags, name, base, account, 0);
}

static int dn_batch_make(struct dn_batch_vm *batch, struct dn_vm *base,
			 const struct denali_vm_clones *arg)
{
	struct dn_account *account;
	struct dn_vm *vm;
	int err = 0;
	u32 i;

	account = dn_tenant_account(arg->tenant, base->mem_size, arg->count);
	if (IS_ERR(account))
		return PTR_ERR(account);
	for (i = 0; i < arg->count && !err; i++) {
		vm = dn_batch_one(base, arg, i, account);
		err = PTR_ERR_OR_ZERO(vm);
		if (!err)
			batch[i].vm = vm;
		if (fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	/* Whose VM was made, or couldn't be, isn't charged here any more. */
	if (i < arg->count)
		dn_quota_uncharge(account, base->mem_size, arg->count - i);
	return err;
}

static int dn_batch_files(struct dn_batch_vm *batch, u32 nr)
{
	struct file *file;
	u32 i;

	for (i = 0; i < nr; i++) {
		file = dn_vmfd_file(batch[i].vm, true);
		if (IS_ERR(file))
			return PTR_ERR(file);
		batch[i].file = file;
	}
	return 0;
}

static int dn_batch_tell(const struct dn_batch_vm *batch, const struct denali_vm_clones *arg)
{
	s32 __user *fds = u64_to_user_ptr(arg->fds);
	u64 __user *ids = u64_to_user_ptr(arg->ids);
	u32 i;

	for (i = 0; i < arg->count; i++)
		if ((fds && put_user(batch[i].fd, fds + i)) ||
		    (ids && put_user(batch[i].vm->id, ids + i)))
			return -EFAULT;
	return 0;
}

static void dn_batch_undo(struct dn_batch_vm *batch, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		if (batch[i].vm)
			dn_vm_destroy(batch[i].vm);
		if (batch[i].file)
			fput(batch[i].file);
		else if (batch[i].vm)
			dn_vm_put(batch[i].vm);
		if (batch[i].fd >= 0)
			put_unused_fd(batch[i].fd);
		cond_resched();
	}
}

static void dn_batch_give(struct dn_batch_vm *batch, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		if (batch[i].file)
			fd_install(batch[i].fd, batch[i].file);
		else
			dn_vm_put(batch[i].vm);
	}
}

/**
 * dn_batch_clone() - DENALI_IOC_VM_CLONES
 * @base: the template; the caller has a reference
 * @cmd:  the request
 * @uarg: its argument
 *
 * Context: process; may sleep. Return: 0 or an error as the ioctl documents.
 */
long dn_batch_clone(struct dn_vm *base, unsigned int cmd, void __user *uarg)
{
	struct denali_vm_clones arg;
	struct dn_batch_vm *batch;
	int err;
	u32 i;

	err = dn_uarg_get(&arg, sizeof(arg), DN_UARG_V1(denali_vm_clones, ids), cmd, uarg);
	if (!err)
		err = dn_batch_check(&arg);
	if (!err)
		err = dn_clone_check(base);
	if (err)
		return err;
	batch = kvcalloc(arg.count, sizeof(*batch), GFP_KERNEL_ACCOUNT);
	if (!batch)
		return -ENOMEM;
	for (i = 0; i < arg.count; i++)
		batch[i].fd = -1;

	if (arg.fds)
		err = dn_batch_reserve(batch, arg.count);
	if (!err)
		err = dn_batch_make(batch, base, &arg);
	if (!err && arg.fds)
		err = dn_batch_files(batch, arg.count);
	if (!err)
		err = dn_batch_tell(batch, &arg);
	if (err)
		dn_batch_undo(batch, arg.count);
	else
		dn_batch_give(batch, arg.count);
	kvfree(batch);
	return err;
}
