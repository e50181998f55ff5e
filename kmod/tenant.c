// SPDX-License-Identifier: GPL-2.0
/*
 * Tenants as the admin has them: made, changed, deleted, shown. Where their runners are is
 * runners.c's, what they may have quota.c's.
 *
 * A tenant may have an owner: a user whose VMs all go there, or to another tenant of his, unless he
 * has CAP_SYS_ADMIN. So what the admin allows a user can't be had a second time outside.
 */
#include <linux/capability.h>
#include <linux/cpu.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/prio.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/user_namespace.h>
#include <net/netlink.h>

#include <uapi/linux/denali_netlink.h>

#include "cpus.h"
#include "runner.h"
#include "tenant.h"
#include "vm.h"

static u64 dn_tenant_last_id;	/* dn_runners_mutex */

static bool dn_tenant_name_ok(const char *name)
{
	size_t len = strnlen(name, DENALI_NAME_SIZE);

	return len && len < DENALI_NAME_SIZE && dn_name_ok(name);
}

static struct dn_tenant *dn_tenant_find(const char *name)
{
	struct dn_tenant *tenant;

	lockdep_assert_held(&dn_runners_mutex);
	list_for_each_entry(tenant, &dn_tenants, node)
		if (!strcmp(tenant->name, name))
			return tenant;
	return NULL;
}

/* Where a user's VMs go of which nobody says anything: the first tenant that is his. */
static struct dn_tenant *dn_tenant_of(kuid_t uid)
{
	struct dn_tenant *tenant;

	lockdep_assert_held(&dn_runners_mutex);
	list_for_each_entry(tenant, &dn_tenants, node)
		if (uid_eq(tenant->uid, uid))
			return tenant;
	return &dn_tenant_default;
}

/**
 * dn_tenant_account() - whose is a VM that the caller is going to make?
 * @name:  the tenant's, NUL-termination not yet checked; empty: the caller's own, or the default
 *         one if he has none
 * @bytes: as for dn_quota_open()
 * @nr:    the same
 *
 * Context: process. Return: the account, as dn_quota_open(); -EINVAL, -ENOENT, -EPERM (another's).
 */
struct dn_account *dn_tenant_account(const char *name, u64 bytes, u32 nr)
{
	struct dn_account *account;
	struct dn_tenant *tenant;

	if (name[0] && !dn_tenant_name_ok(name))
		return ERR_PTR(-EINVAL);
	mutex_lock(&dn_runners_mutex);
	tenant = name[0] ? dn_tenant_find(name) : dn_tenant_of(current_euid());
	if (!tenant)
		account = ERR_PTR(-ENOENT);
	else if (name[0] && !uid_eq(tenant->uid, current_euid()) && !capable(CAP_SYS_ADMIN))
		account = ERR_PTR(-EPERM);
	else
		account = dn_quota_open(tenant, bytes, nr);
	mutex_unlock(&dn_runners_mutex);
	return account;
}

static int dn_tenant_check(const struct denali_tenant_set *arg, unsigned long *cpus, kuid_t *uid)
{
	const u32 all = DENALI_TENANT_USER | DENALI_TENANT_VMS | DENALI_TENANT_MEMORY |
			DENALI_TENANT_NICE | DENALI_TENANT_CPUS | DENALI_TENANT_RUNNABLE;

	if (arg->set & ~all || arg->flags & ~DENALI_TENANT_NEW ||
	    !(arg->set || arg->flags) || !dn_tenant_name_ok(arg->name))
		return -EINVAL;
	if (arg->set & DENALI_TENANT_NICE && (arg->nice < MIN_NICE || arg->nice > MAX_NICE))
		return -EINVAL;
	if (arg->set & DENALI_TENANT_CPUS && !dn_cpus_get(cpus, arg->cpus))
		return -EINVAL;
	*uid = INVALID_UID;
	if (!(arg->set & DENALI_TENANT_USER) || arg->uid == DENALI_TENANT_NOBODY)
		return 0;
	*uid = make_kuid(current_user_ns(), arg->uid);
	return uid_valid(*uid) ? 0 : -EINVAL;
}

static struct dn_tenant *dn_tenant_new(const char *name)
{
	struct dn_tenant *tenant = kzalloc(sizeof(*tenant), GFP_KERNEL_ACCOUNT);

	if (!tenant)
		return NULL;
	if (dn_tenant_init(tenant)) {
		kfree(tenant);
		return NULL;
	}
	tenant->uid = INVALID_UID;
	bitmap_fill(tenant->cpus, DENALI_CPUS_MAX);
	strscpy(tenant->name, name, sizeof(tenant->name));
	return tenant;
}

static void dn_tenant_free(struct kref *ref)
{
	kfree(container_of(ref, struct dn_tenant, ref));
}

/** dn_tenant_put() - drop a reference. Context: any. */
void dn_tenant_put(struct dn_tenant *tenant)
{
	kref_put(&tenant->ref, dn_tenant_free);
}

/* A tenant that is off the list, and has no VM with memory. */
static void dn_tenant_end(struct dn_tenant *tenant)
{
	dn_tenant_exit(tenant);
	dn_tenant_put(tenant);
}

/* The only thing that can fail comes first. */
static int dn_tenant_change(struct dn_tenant *tenant, const struct denali_tenant_set *arg,
			    const unsigned long *cpus, kuid_t uid)
{
	DECLARE_BITMAP(before, DENALI_CPUS_MAX);
	int err;

	bitmap_copy(before, tenant->cpus, DENALI_CPUS_MAX);
	if (arg->set & DENALI_TENANT_CPUS)
		bitmap_copy(tenant->cpus, cpus, DENALI_CPUS_MAX);
	err = dn_tenant_settle(tenant);
	if (err) {
		bitmap_copy(tenant->cpus, before, DENALI_CPUS_MAX);
		/* Runners that have come go, which takes no memory. */
		dn_tenant_settle(tenant);
		return err;
	}
	if (arg->set & DENALI_TENANT_NICE)
		dn_runners_renice(tenant, arg->nice);
	if (arg->set & DENALI_TENANT_USER)
		tenant->uid = uid;
	dn_quota_limit(&tenant->account, arg->set & DENALI_TENANT_VMS ? &arg->vms : NULL,
		       arg->set & DENALI_TENANT_MEMORY ? &arg->memory : NULL);
	if (arg->set & DENALI_TENANT_RUNNABLE)
		dn_gate_limit(tenant, arg->runnable);
	return 0;
}

/** dn_tenant_set() - DENALI_IOC_TENANT_SET. Context: process. */
int dn_tenant_set(const struct denali_tenant_set *arg)
{
	DECLARE_BITMAP(cpus, DENALI_CPUS_MAX);
	struct dn_tenant *tenant, *new = NULL;
	kuid_t uid;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = dn_tenant_check(arg, cpus, &uid);
	if (err)
		return err;
	if (arg->flags & DENALI_TENANT_NEW) {
		new = dn_tenant_new(arg->name);
		if (!new)
			return -ENOMEM;
	}
	cpus_read_lock();
	mutex_lock(&dn_runners_mutex);
	tenant = dn_tenant_find(arg->name);
	err = new ? (tenant ? -EEXIST : 0) : (tenant ? 0 : -ENOENT);
	if (!err)
		err = dn_tenant_change(new ?: tenant, arg, cpus, uid);
	if (!err && new) {
		new->id = ++dn_tenant_last_id;
		list_add_tail(&new->node, &dn_tenants);
		new = NULL;
	}
	mutex_unlock(&dn_runners_mutex);
	cpus_read_unlock();
	if (new)
		dn_tenant_end(new);
	return err;
}

/** dn_tenant_del() - DENALI_IOC_TENANT_DEL. Context: process. */
int dn_tenant_del(struct denali_tenant_del *arg)
{
	struct dn_tenant *tenant;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (arg->flags || arg->vms || !dn_tenant_name_ok(arg->name))
		return -EINVAL;
	mutex_lock(&dn_runners_mutex);
	tenant = dn_tenant_find(arg->name);
	if (!tenant) {
		mutex_unlock(&dn_runners_mutex);
		return -ENOENT;
	}
	arg->vms = READ_ONCE(tenant->listed) ?: dn_quota_drain(&tenant->account);
	if (!arg->vms)
		list_del(&tenant->node);
	mutex_unlock(&dn_runners_mutex);
	if (arg->vms)
		return -EBUSY;
	dn_tenant_end(tenant);
	return 0;
}

/** dn_tenants_exit() - no VM is left: delete all but the default tenant. Context: unloading. */
void dn_tenants_exit(void)
{
	struct dn_tenant *tenant, *next;
	LIST_HEAD(gone);

	mutex_lock(&dn_runners_mutex);
	list_for_each_entry_safe(tenant, next, &dn_tenants, node)
		if (tenant != &dn_tenant_default)
			list_move(&tenant->node, &gone);
	mutex_unlock(&dn_runners_mutex);
	list_for_each_entry_safe(tenant, next, &gone, node)
		dn_tenant_end(tenant);
}

static int dn_tenant_put_runners(struct sk_buff *skb, const struct dn_tenant *tenant, u64 *run_ns)
{
	const struct task_struct *thread;
	struct nlattr *nest;
	int cpu;

	*run_ns = 0;
	for_each_possible_cpu(cpu) {
		thread = per_cpu_ptr(tenant->runners, cpu)->thread;
		if (!thread)
			continue;
		*run_ns += READ_ONCE(thread->se.sum_exec_runtime);
		nest = nla_nest_start(skb, DENALI_TENANT_A_RUNNER);
		if (!nest || nla_put_u32(skb, DENALI_RUNNER_A_CPU, cpu) ||
		    nla_put_u32(skb, DENALI_RUNNER_A_TID, thread->pid))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

/* @ns: of who is to read it, whoever's doing it is. */
static int dn_tenant_put_all(struct sk_buff *skb, void *object, struct user_namespace *ns)
{
	struct dn_tenant *tenant = object;
	const struct dn_account *account = &tenant->account;
	u64 run_ns;

	if (nla_put_u64_64bit(skb, DENALI_TENANT_A_ID, tenant->id, DENALI_TENANT_A_PAD) ||
	    nla_put_string(skb, DENALI_TENANT_A_NAME, tenant->name) ||
	    (uid_valid(tenant->uid) &&
	     nla_put_u32(skb, DENALI_TENANT_A_UID, from_kuid_munged(ns, tenant->uid))) ||
	    nla_put_u32(skb, DENALI_TENANT_A_VMS, READ_ONCE(account->vms)) ||
	    nla_put_u32(skb, DENALI_TENANT_A_MAX_VMS, READ_ONCE(account->max_vms)) ||
	    nla_put_u64_64bit(skb, DENALI_TENANT_A_MEM_BYTES, READ_ONCE(account->bytes),
			      DENALI_TENANT_A_PAD) ||
	    nla_put_u64_64bit(skb, DENALI_TENANT_A_MAX_MEM_BYTES, READ_ONCE(account->max_bytes),
			      DENALI_TENANT_A_PAD) ||
	    nla_put_u32(skb, DENALI_TENANT_A_RUNNABLE, READ_ONCE(tenant->running)) ||
	    nla_put_u32(skb, DENALI_TENANT_A_MAX_RUNNABLE, READ_ONCE(tenant->max_running)) ||
	    nla_put_u32(skb, DENALI_TENANT_A_WAITING, dn_gate_waiting(tenant)) ||
	    nla_put_s32(skb, DENALI_TENANT_A_NICE, tenant->nice) ||
	    dn_tenant_put_runners(skb, tenant, &run_ns) ||
	    nla_put_u64_64bit(skb, DENALI_TENANT_A_RUN_NS, run_ns, DENALI_TENANT_A_PAD) ||
	    dn_cpus_put(skb, DENALI_TENANT_A_CPUS, tenant->cpus))
		return -EMSGSIZE;
	return 0;
}

/** dn_tenant_dump() - DENALI_CMD_TENANT_GET: the asker's own, or all but the default one */
int dn_tenant_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dn_tenant *tenant;
	int ret = 0;

	mutex_lock(&dn_runners_mutex);
	list_for_each_entry(tenant, &dn_tenants, node) {
		if (tenant->id <= (u64)cb->args[0])
			continue;
		ret = dn_netlink_show(skb, cb, DENALI_CMD_TENANT_NEW, tenant->id, tenant->uid,
				      dn_tenant_put_all, tenant);
		if (ret)
			break;
	}
	mutex_unlock(&dn_runners_mutex);
	return skb->len ?: ret;
}
