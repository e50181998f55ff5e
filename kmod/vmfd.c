// SPDX-License-Identifier: GPL-2.0
/*
 * VM descriptors: ioctls, poll and mmap of one VM.
 *
 * vm->fds counts them: a VM that isn't persistent is destroyed with the last one.
 * A mapping is no descriptor. It has a file of its own, which holds the partition
 * and not the VM, so that a mapping left behind doesn't keep a VM running; once
 * the VM is destroyed, pages that aren't mapped yet can't be had any more.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "batch.h"
#include "chardev.h"
#include "compat.h"
#include "uarg.h"
#include "vm.h"

static vm_fault_t dn_mem_fault(struct vm_fault *vmf)
{
	struct dn_part *part = vmf->vma->vm_file->private_data;

	/* Page 0 holds state of the monitor, not of the guest. */
	if (!vmf->pgoff || vmf->pgoff >= part->pages || READ_ONCE(part->closed))
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vmf->vma, vmf->address, dn_part_pfn(part, vmf->pgoff));
}

static const struct vm_operations_struct dn_mem_vm_ops = {
	.fault = dn_mem_fault,
};

static int dn_mem_release(struct inode *inode, struct file *file)
{
	dn_part_put(file->private_data);
	return 0;
}

static const struct file_operations dn_mem_fops = {
	.owner = THIS_MODULE,
	.release = dn_mem_release,
};

static int dn_vmfd_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct dn_vm *vm = file->private_data;
	struct dn_part *part;
	struct file *mem;

	if (READ_ONCE(vm->destroyed))
		return -ESHUTDOWN;
	if (!dn_vm_admitted(vm))
		return -EAGAIN;
	part = vm->part;
	/* Pages of its template, and others with what somebody left there. */
	if (part->base)
		return -EOPNOTSUPP;
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma_pages(vma) > part->pages || vma->vm_pgoff > part->pages - vma_pages(vma))
		return -EINVAL;
	mem = anon_inode_getfile("[denali-mem]", &dn_mem_fops, part, O_RDWR);
	if (IS_ERR(mem))
		return PTR_ERR(mem);
	dn_part_get(part);
	vma_set_file(vma, mem);
	fput(mem);
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY);
	vma->vm_ops = &dn_mem_vm_ops;
	return 0;
}

static __poll_t dn_vmfd_poll(struct file *file, poll_table *wait)
{
	struct dn_vm *vm = file->private_data;

	poll_wait(file, &vm->end_wait, wait);
	switch (dn_vm_state(vm)) {
	case DENALI_VM_ENDED:
		return EPOLLIN | EPOLLHUP;
	case DENALI_VM_TEMPLATE:
		return EPOLLPRI;
	default:
		return 0;
	}
}

static int dn_vmfd_destroy(struct dn_vm *vm)
{
	int ret = dn_vm_destroy(vm);

	if (dn_vm_admitted(vm))
		WRITE_ONCE(vm->part->closed, true);
	return ret;
}

static void dn_vmfd_drop(struct dn_vm *vm)
{
	if (atomic_dec_and_test(&vm->fds) && !(vm->flags & DENALI_CREATE_PERSISTENT))
		dn_vmfd_destroy(vm);
}

static int dn_vmfd_release(struct inode *inode, struct file *file)
{
	struct dn_vm *vm = file->private_data;

	dn_vmfd_drop(vm);
	dn_vm_put(vm);
	return 0;
}

static int dn_vmfd_setup(struct dn_vm *vm, unsigned int cmd, void __user *uarg)
{
	struct denali_vm_setup arg;
	char *cmdline;
	int ret;

	ret = dn_uarg_get(&arg, sizeof(arg), DN_UARG_V1(denali_vm_setup, cmdline), cmd, uarg);
	if (ret)
		return ret;
	if (arg.cmdline_len >= DENALI_CMDLINE_SIZE)
		return -E2BIG;
	cmdline = memdup_user_nul(u64_to_user_ptr(arg.cmdline), arg.cmdline_len);
	if (IS_ERR(cmdline))
		return PTR_ERR(cmdline);
	ret = dn_vm_setup(vm, arg.entry, cmdline, arg.cmdline_len);
	kfree(cmdline);
	return ret;
}

static int dn_vmfd_state(struct dn_vm *vm, unsigned int cmd, void __user *uarg)
{
	struct denali_vm_state st = {};

	dn_vm_fill_state(vm, &st);
	return dn_uarg_put(&st, sizeof(st), DN_UARG_V1(denali_vm_state, text), cmd, uarg);
}

static int dn_vmfd_nic(struct dn_vm *vm, unsigned int cmd, void __user *uarg)
{
	size_t v1 = DN_UARG_V1(denali_vm_nic, reserved);
	struct denali_vm_nic arg;
	int ret;

	ret = dn_uarg_get(&arg, sizeof(arg), v1, cmd, uarg);
	if (ret)
		return ret;
	if (arg.reserved)
		return -EINVAL;
	/* A NIC can't be taken out again: see that the answer can be given first. */
	ret = dn_uarg_put(&arg, sizeof(arg), v1, cmd, uarg);
	if (ret)
		return ret;
	ret = dn_vm_nic(vm, &arg);
	if (ret)
		return ret;
	return dn_uarg_put(&arg, sizeof(arg), v1, cmd, uarg);
}

static long dn_vmfd_clone(struct dn_vm *base, unsigned int cmd, void __user *uarg)
{
	size_t v1 = DN_UARG_V1(denali_vm_clone, id);
	struct denali_vm_clone arg;
	struct dn_vm *vm;
	int fd, ret;

	ret = dn_uarg_get(&arg, sizeof(arg), v1, cmd, uarg);
	if (ret)
		return ret;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	vm = dn_vm_clone(base, &arg);
	if (!IS_ERR(vm))
		arg.id = vm->id;
	return dn_vmfd_install(fd, vm, &arg, sizeof(arg), v1, cmd, uarg);
}

static int dn_vmfd_share(struct dn_vm *vm, unsigned int cmd, void __user *uarg)
{
	struct denali_vm_share arg;
	int ret;

	ret = dn_uarg_get(&arg, sizeof(arg), DN_UARG_V1(denali_vm_share, cpus), cmd, uarg);
	return ret ?: dn_share_set(vm, &arg);
}

static long dn_vmfd_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct dn_vm *vm = file->private_data;
	void __user *uarg = (void __user *)arg;

	if (!dn_uarg_plain_ok(cmd))
		return -ENOTTY;
	if (DN_UARG_CMD(cmd) == DN_UARG_CMD(DENALI_IOC_VM_STATE))
		return dn_vmfd_state(vm, cmd, uarg);
	if (_IOC_TYPE(cmd) == DENALI_IOC_MAGIC && READ_ONCE(vm->destroyed))
		return -ESHUTDOWN;
	if (_IOC_TYPE(cmd) == DENALI_IOC_MAGIC && !dn_vm_admitted(vm))
		return cmd == DENALI_IOC_VM_KILL || cmd == DENALI_IOC_VM_DESTROY ?
			dn_vmfd_destroy(vm) : -EAGAIN;

	switch (DN_UARG_CMD(cmd)) {
	case DN_UARG_CMD(DENALI_IOC_VM_SETUP):
		return dn_vmfd_setup(vm, cmd, uarg);
	case DENALI_IOC_VM_START:
		return dn_vm_start(vm);
	case DENALI_IOC_VM_STOP:
		return dn_vm_stop(vm);
	case DENALI_IOC_VM_KILL:
		return dn_vm_kill(vm, "killed");
	case DENALI_IOC_VM_DESTROY:
		return dn_vmfd_destroy(vm);
	case DN_UARG_CMD(DENALI_IOC_VM_NIC):
		return dn_vmfd_nic(vm, cmd, uarg);
	case DN_UARG_CMD(DENALI_IOC_VM_CLONE):
		return dn_vmfd_clone(vm, cmd, uarg);
	case DN_UARG_CMD(DENALI_IOC_VM_SHARE):
		return dn_vmfd_share(vm, cmd, uarg);
	case DN_UARG_CMD(DENALI_IOC_VM_CLONES):
		return dn_batch_clone(vm, cmd, uarg);
	case DENALI_IOC_VM_RESET:
		return dn_vm_reset(vm, false);
	case DENALI_IOC_VM_RESTART:
		return dn_vm_reset(vm, true);
	case DENALI_IOC_VM_CONSOLE:
		return dn_console_open(vm);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations dn_vmfd_fops = {
	.owner = THIS_MODULE,
	.release = dn_vmfd_release,
	.poll = dn_vmfd_poll,
	.mmap = dn_vmfd_mmap,
	.unlocked_ioctl = dn_vmfd_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/**
 * dn_vmfd_file() - a file for a VM descriptor
 * @vm:      the VM, with a reference that the file takes over if there is no error
 * @created: the caller has just created it: then it is counted already
 *
 * Return: the file or ERR_PTR(); -ENOENT if the VM isn't persistent and its last
 * descriptor is being closed.
 */
struct file *dn_vmfd_file(struct dn_vm *vm, bool created)
{
	struct file *file;

	if (!created) {
		if (vm->flags & DENALI_CREATE_PERSISTENT)
			atomic_inc(&vm->fds);
		else if (!atomic_inc_not_zero(&vm->fds))
			return ERR_PTR(-ENOENT);
	}
	file = anon_inode_getfile("[denali-vm]", &dn_vmfd_fops, vm, O_RDWR);
	if (IS_ERR(file))
		dn_vmfd_drop(vm);
	return file;
}

/**
 * dn_vmfd_install() - give user space a descriptor of a VM that it has just created
 * @fd:   number that it gets: reserved before there was a VM
 * @vm:   the VM, with a reference that is taken over, or an ERR_PTR()
 * @arg:  the answer to its request
 * @size: bytes of it
 * @v1:   as for dn_uarg_put()
 * @cmd:  the same
 * @uarg: the same
 *
 * Return: the descriptor, or an error: then the VM is gone, and the number free.
 */
long dn_vmfd_install(int fd, struct dn_vm *vm, const void *arg, size_t size, size_t v1,
		     unsigned int cmd, void __user *uarg)
{
	struct file *file;
	long ret;

	if (IS_ERR(vm)) {
		ret = PTR_ERR(vm);
		goto err_fd;
	}
	file = dn_vmfd_file(vm, true);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_vm;
	}
	ret = dn_uarg_put(arg, size, v1, cmd, uarg);
	if (ret)
		goto err_file;
	fd_install(fd, file);
	return fd;

err_file:
	/* A persistent VM wouldn't go with its descriptor. */
	dn_vm_destroy(vm);
	fput(file);
	goto err_fd;
err_vm:
	dn_vm_destroy(vm);
	dn_vm_put(vm);
err_fd:
	put_unused_fd(fd);
	return ret;
}
