// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/denali: what can be asked of the module as a whole. A VM that is created or
 * opened here is a descriptor of its own, see vmfd.c.
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/string.h>

#include <denali/types.h>

#include "chardev.h"
#include "host.h"
#include "pool.h"
#include "runner.h"
#include "tenant.h"
#include "uarg.h"
#include "vm.h"
#include "vswitch.h"

static int dn_chardev_info(unsigned int cmd, void __user *uarg)
{
	struct denali_info info = {
		.uapi_version = DENALI_UAPI_VERSION,
		.abi_version = DENALI_ABI_VERSION,
		.cpu = dn_host_cpu_flags(),
		.min_memory = DENALI_MIN_MEMORY,
		.max_memory = DENALI_MAX_MEMORY,
		.vms = dn_vm_count(),
		.runners = dn_runners_count(),
		.quantum_us = READ_ONCE(dn_quantum_us),
	};
	struct dn_pool_stat st;

	dn_pool_stat(&st);
	info.pool_bytes = st.bytes;
	info.pool_free = st.free;
	info.pool_dirty = st.dirty;
	strscpy(info.scheduler, dn_sched->name, sizeof(info.scheduler));
	strscpy(info.version, THIS_MODULE->version, sizeof(info.version));
	return dn_uarg_put(&info, sizeof(info), DN_UARG_V1(denali_info, version), cmd, uarg);
}

static long dn_chardev_vm_create(unsigned int cmd, void __user *uarg)
{
	size_t v1 = DN_UARG_V1(denali_vm_create, id);
	struct denali_vm_create arg;
	struct dn_vm *vm;
	int fd, ret;

	ret = dn_uarg_get(&arg, sizeof(arg), v1, cmd, uarg);
	if (ret)
		return ret;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	vm = dn_vm_create(&arg);
	if (!IS_ERR(vm))
		arg.id = vm->id;
	return dn_vmfd_install(fd, vm, &arg, sizeof(arg), v1, cmd, uarg);
}

static long dn_chardev_vm_open(unsigned int cmd, void __user *uarg)
{
	struct denali_vm_open arg;
	struct file *file;
	struct dn_vm *vm;
	long ret;
	int fd;

	ret = dn_uarg_get(&arg, sizeof(arg), DN_UARG_V1(denali_vm_open, name), cmd, uarg);
	if (ret)
		return ret;
	if (arg.id ? !!memchr_inv(arg.name, 0, sizeof(arg.name)) :
		     !arg.name[0] || !memchr(arg.name, 0, sizeof(arg.name)))
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	vm = dn_vm_find(arg.id, arg.name);
	if (IS_ERR(vm)) {
		ret = PTR_ERR(vm);
		goto err_fd;
	}
	ret = -EPERM;
	if (!dn_vm_may(vm))
		goto err_vm;
	file = dn_vmfd_file(vm, false);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_vm;
	}
	fd_install(fd, file);
	return fd;

err_vm:
	dn_vm_put(vm);
err_fd:
	put_unused_fd(fd);
	return ret;
}

static int dn_chardev_pool_set(unsigned int cmd, void __user *uarg)
{
	size_t v1 = DN_UARG_V1(denali_pool_set, reserved);
	struct denali_pool_set arg;
	int ret, put;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	ret = dn_uarg_get(&arg, sizeof(arg), v1, cmd, uarg);
	if (ret)
		return ret;
	if (arg.reserved)
		return -EINVAL;
	ret = dn_pool_resize(&arg.bytes);
	put = dn_uarg_put(&arg, sizeof(arg), v1, cmd, uarg);
	return ret ?: put;
}

static int dn_chardev_switch_add(unsigned int cmd, void __user *uarg)
{
	struct denali_switch_add arg;
	int ret;

	ret = dn_uarg_get(&arg, sizeof(arg), DN_UARG_V1(denali_switch_add, uid), cmd, uarg);
	return ret ? ret : dn_vswitch_add(&arg);
}

static int dn_chardev_switch_del(unsigned int cmd, void __user *uarg)
{
	struct denali_switch_del arg;
	int ret;

	ret = dn_uarg_get(&arg, sizeof(arg), DN_UARG_V1(denali_switch_del, reserved), cmd, uarg);
	return ret ? ret : dn_vswitch_del(&arg);
}

static int dn_chardev_switch_tap(unsigned int cmd, void __user *uarg)
{
	size_t v1 = DN_UARG_V1(denali_switch_tap, vnet_hdr_len);
	struct denali_switch_tap arg;
	int ret;

	ret = dn_uarg_get(&arg, sizeof(arg), v1, cmd, uarg);
	return ret ? ret : dn_vswitch_tap(&arg);
}

static int dn_chardev_tenant_set(unsigned int cmd, void __user *uarg)
{
	struct denali_tenant_set arg;
	int ret;

	ret = dn_uarg_get(&arg, sizeof(arg), DN_UARG_V1(denali_tenant_set, cpus), cmd, uarg);
	return ret ? ret : dn_tenant_set(&arg);
}

static int dn_chardev_tenant_del(unsigned int cmd, void __user *uarg)
{
	size_t v1 = DN_UARG_V1(denali_tenant_del, vms);
	struct denali_tenant_del arg;
	int ret, put;

	ret = dn_uarg_get(&arg, sizeof(arg), v1, cmd, uarg);
	if (ret)
		return ret;
	ret = dn_tenant_del(&arg);
	put = ret == -EBUSY ? dn_uarg_put(&arg, sizeof(arg), v1, cmd, uarg) : 0;
	return put ?: ret;
}

static long dn_chardev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (DN_UARG_CMD(cmd)) {
	case DN_UARG_CMD(DENALI_IOC_INFO):
		return dn_chardev_info(cmd, uarg);
	case DN_UARG_CMD(DENALI_IOC_VM_CREATE):
		return dn_chardev_vm_create(cmd, uarg);
	case DN_UARG_CMD(DENALI_IOC_VM_OPEN):
		return dn_chardev_vm_open(cmd, uarg);
	case DN_UARG_CMD(DENALI_IOC_POOL_SET):
		return dn_chardev_pool_set(cmd, uarg);
	case DN_UARG_CMD(DENALI_IOC_SWITCH_ADD):
		return dn_chardev_switch_add(cmd, uarg);
	case DN_UARG_CMD(DENALI_IOC_SWITCH_DEL):
		return dn_chardev_switch_del(cmd, uarg);
	case DN_UARG_CMD(DENALI_IOC_SWITCH_TAP):
		return dn_chardev_switch_tap(cmd, uarg);
	case DN_UARG_CMD(DENALI_IOC_TENANT_SET):
		return dn_chardev_tenant_set(cmd, uarg);
	case DN_UARG_CMD(DENALI_IOC_TENANT_DEL):
		return dn_chardev_tenant_del(cmd, uarg);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations dn_chardev_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.unlocked_ioctl = dn_chardev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* Who may open it is the mode's matter: a udev rule gives it to group denali. */
static struct miscdevice dn_chardev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "denali",
	.mode = 0660,
	.fops = &dn_chardev_fops,
};

/** dn_chardev_register() - make /dev/denali; the last step of loading, as it lets callers in */
int dn_chardev_register(void)
{
	return misc_register(&dn_chardev);
}

/** dn_chardev_unregister() - and the first of unloading */
void dn_chardev_unregister(void)
{
	misc_deregister(&dn_chardev);
}
