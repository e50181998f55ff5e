// SPDX-License-Identifier: GPL-2.0
/*
 * The module: parameters, and the order in which its parts come and go.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched/prio.h>
#include <linux/string.h>

#include "block.h"
#include "chardev.h"
#include "debugfs.h"
#include "gate.h"
#include "host.h"
#include "pool.h"
#include "quota.h"
#include "runner.h"
#include "tenant.h"
#include "vm.h"
#include "vswitch.h"

static char *pool;
module_param(pool, charp, 0444);
MODULE_PARM_DESC(pool, "memory for VMs, taken from the host when loaded: bytes with suffix K, M or G (default: an eighth of memory, at most 1G); 0: none yet");

static char *pool_phys;
module_param(pool_phys, charp, 0444);
MODULE_PARM_DESC(pool_phys, "memory for VMs that the boot command line kept from Linux (memmap=): BASE:SIZE, both multiples of 2M; instead of pool=");

static bool allow_meltdown;
module_param(allow_meltdown, bool, 0444);
MODULE_PARM_DESC(allow_meltdown, "load even where guests can read the host's memory: a CPU with Meltdown, booted with pti=off (default: N)");

#define DN_QUANTUM_MIN	100U
#define DN_QUANTUM_MAX	1000000U

static int dn_quantum_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, DN_QUANTUM_MIN, DN_QUANTUM_MAX);
}

static const struct kernel_param_ops dn_quantum_ops = {
	.set = dn_quantum_set,
	.get = param_get_uint,
};
module_param_cb(quantum_us, &dn_quantum_ops, &dn_quantum_us, 0644);
MODULE_PARM_DESC(quantum_us, "how long a VM runs while others wait, in microseconds, 100 to 1000000 (default: 10000)");

static int dn_nice_set(const char *val, const struct kernel_param *kp)
{
	int nice, err = kstrtoint(val, 0, &nice);

	if (err)
		return err;
	if (nice < MIN_NICE || nice > MAX_NICE)
		return -EINVAL;
	mutex_lock(&dn_runners_mutex);
	dn_runners_renice(&dn_tenant_default, nice);
	mutex_unlock(&dn_runners_mutex);
	return 0;
}

static const struct kernel_param_ops dn_nice_ops = {
	.set = dn_nice_set,
	.get = param_get_int,
};
module_param_cb(nice, &dn_nice_ops, &dn_tenant_default.nice, 0644);
MODULE_PARM_DESC(nice, "niceness of the threads that run VMs, -20 to 19, against Linux's own tasks (default: 0)");

static char *gate = "fifo";
module_param(gate, charp, 0444);
MODULE_PARM_DESC(gate, "in which order VMs that wait are admitted: fifo, as they came (default), or priority");

static char *sched = "fair";
module_param(sched, charp, 0444);
MODULE_PARM_DESC(sched, "scheduling policy: fair, by weights (default), or rr, round robin as in the original");

/* Bytes with a suffix, and nothing behind. */
static int dn_parse_size(const char *text, char end, const char **rest, u64 *bytes)
{
	char *p;

	*bytes = memparse(text, &p);
	if (p == text || *p != end)
		return -EINVAL;
	if (rest)
		*rest = p + 1;
	return 0;
}

static int dn_user_memory_set(const char *val, const struct kernel_param *kp)
{
	u64 bytes;

	if (dn_parse_size(strim((char *)val), '\0', NULL, &bytes))
		return -EINVAL;
	WRITE_ONCE(dn_user_memory, bytes);
	dn_gate_changed();
	return 0;
}

static const struct kernel_param_ops dn_user_memory_ops = {
	.set = dn_user_memory_set,
	.get = param_get_ullong,
};
module_param_cb(user_memory, &dn_user_memory_ops, &dn_user_memory, 0644);
MODULE_PARM_DESC(user_memory, "memory that the VMs of a user without CAP_SYS_RESOURCE may have together: bytes with suffix K, M or G; 0: no limit (default)");

static int dn_user_vms_set(const char *val, const struct kernel_param *kp)
{
	int err = param_set_uint(val, kp);

	if (!err)
		dn_gate_changed();
	return err;
}

static const struct kernel_param_ops dn_user_vms_ops = {
	.set = dn_user_vms_set,
	.get = param_get_uint,
};
module_param_cb(user_vms, &dn_user_vms_ops, &dn_user_vms, 0644);
MODULE_PARM_DESC(user_vms, "VMs that a user without CAP_SYS_RESOURCE may have; 0: no limit (default)");

static int dn_pool_from_params(void)
{
	u64 bytes = min_t(u64, (u64)totalram_pages() << PAGE_SHIFT >> 3, SZ_1G);
	u64 base = 0, phys_bytes = 0;
	const char *rest;

	if (pool && pool_phys) {
		pr_err("pool= and pool_phys= exclude each other\n");
		return -EINVAL;
	}
	if (pool && dn_parse_size(pool, '\0', NULL, &bytes)) {
		pr_err("pool=%s: not a size; use a number with suffix K, M or G\n", pool);
		return -EINVAL;
	}
	if (pool_phys) {
		if (dn_parse_size(pool_phys, ':', &rest, &base) ||
		    dn_parse_size(rest, '\0', NULL, &phys_bytes)) {
			pr_err("pool_phys=%s: not BASE:SIZE\n", pool_phys);
			return -EINVAL;
		}
		bytes = 0;
	}
	return dn_pool_create(bytes, base, phys_bytes);
}

static int __init dn_module_init(void)
{
	int err;

	err = dn_sched_choose(sched);
	if (err)
		return err;
	err = dn_gate_choose(gate);
	if (err)
		return err;
	err = dn_host_check(allow_meltdown);
	if (err)
		return err;
	err = dn_pool_from_params();
	if (err)
		return err;
	err = dn_block_create_all();
	if (err)
		goto blocks;
	err = dn_vms_init();
	if (err)
		goto blocks;
	err = dn_runners_start();
	if (err)
		goto vms;
	err = dn_netlink_register();
	if (err)
		goto runners;
	err = dn_chardev_register();
	if (err)
		goto netlink;
	dn_debugfs_create();
	return 0;

netlink:
	dn_netlink_unregister();
runners:
	dn_runners_stop();
vms:
	dn_vms_exit();
blocks:
	dn_block_destroy_all();
	dn_pool_destroy();
	return err;
}

static void __exit dn_module_exit(void)
{
	dn_debugfs_remove();
	dn_chardev_unregister();
	dn_vms_exit();
	dn_vswitches_exit();
	dn_netlink_unregister();
	dn_tenants_exit();
	dn_runners_stop();
	dn_block_destroy_all();
	dn_pool_destroy();
}

module_init(dn_module_init);
module_exit(dn_module_exit);

MODULE_DESCRIPTION("Denali isolation kernel: many small, mutually distrusting virtual machines");
MODULE_LICENSE("GPL");
MODULE_VERSION(DN_VERSION);
