// SPDX-License-Identifier: GPL-2.0
/*
 * What one user, or one tenant, may have of the VMs: a number of them, and memory. A VM
 * counts from when its memory is asked for until that memory is back in the pool.
 *
 * Each VM is on one account: its tenant's, or where that is the default one the user's who
 * made it. Users' limits are the module's parameters; whoever has CAP_SYS_RESOURCE may have
 * more, and is counted like everyone. A tenant's limits are its own and hold for everyone: who
 * may exceed them may change them.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "quota.h"
#include "tenant.h"

/* 0: no limit. */
unsigned int dn_user_vms;
unsigned long long dn_user_memory;

static DEFINE_HASHTABLE(dn_users, 6);
static DEFINE_MUTEX(dn_quota_mutex);	/* the table and all accounts */
static DECLARE_WAIT_QUEUE_HEAD(dn_quota_wait);	/* a VM is gone */

static struct dn_account *dn_quota_user(kuid_t uid)
{
	struct dn_account *account;

	lockdep_assert_held(&dn_quota_mutex);
	hash_for_each_possible(dn_users, account, node, __kuid_val(uid))
		if (uid_eq(account->uid, uid))
			return account;
	/* Not charged: a memory cgroup may have him sleep for long, and runners want the mutex. */
	account = kzalloc(sizeof(*account), GFP_KERNEL);
	if (account) {
		account->uid = uid;
		account->tenant = &dn_tenant_default;
		hash_add(dn_users, &account->node, __kuid_val(uid));
	}
	return account;
}

static void dn_quota_put(struct dn_account *account)
{
	lockdep_assert_held(&dn_quota_mutex);
	if (account->tenant == &dn_tenant_default && !account->vms && !account->claims) {
		hash_del(&account->node);
		kfree(account);
	}
}

/**
 * dn_quota_claim() - the caller is going to ask for VMs of @tenant
 *
 * Context: process; who has found a tenant other than the default one holds its lock. Return: the
 * account, which stays until dn_quota_release() at least, or NULL: no memory.
 */
struct dn_account *dn_quota_claim(struct dn_tenant *tenant)
{
	struct dn_account *account;

	mutex_lock(&dn_quota_mutex);
	account = tenant == &dn_tenant_default ? dn_quota_user(current_euid()) : &tenant->account;
	if (account)
		account->claims++;
	mutex_unlock(&dn_quota_mutex);
	return account;
}

/** dn_quota_release() - the request has been answered. Context: process. */
void dn_quota_release(struct dn_account *account)
{
	mutex_lock(&dn_quota_mutex);
	account->claims--;
	dn_quota_put(account);
	mutex_unlock(&dn_quota_mutex);
}

static bool dn_quota_exceeded(const struct dn_account *account, u64 bytes, u32 nr)
{
	bool user = account->tenant == &dn_tenant_default;
	u32 vms = user ? READ_ONCE(dn_user_vms) : account->max_vms;
	u64 memory = user ? READ_ONCE(dn_user_memory) : account->max_bytes;

	if (!((vms && (nr > vms || account->vms > vms - nr)) ||
	      (memory && (bytes > memory || account->bytes > memory - bytes))))
		return false;
	return !user || !capable(CAP_SYS_RESOURCE);
}

/**
 * dn_quota_charge() - the caller wants VMs
 * @account: claimed
 * @bytes:   memory of each
 * @nr:      how many, of which none is counted if there are too many; at least 1
 *
 * Context: process. Return: 0; -EDQUOT.
 */
int dn_quota_charge(struct dn_account *account, u64 bytes, u32 nr)
{
	int err = 0;

	mutex_lock(&dn_quota_mutex);
	if (dn_quota_exceeded(account, bytes * nr, nr)) {
		err = -EDQUOT;
	} else {
		account->vms += nr;
		account->bytes += bytes * nr;
	}
	mutex_unlock(&dn_quota_mutex);
	return err;
}

/** dn_quota_uncharge() - @nr VMs of @bytes each are no more. Context: process. */
void dn_quota_uncharge(struct dn_account *account, u64 bytes, u32 nr)
{
	mutex_lock(&dn_quota_mutex);
	account->vms -= nr;
	account->bytes -= bytes * nr;
	wake_up_all(&dn_quota_wait);
	dn_quota_put(account);
	mutex_unlock(&dn_quota_mutex);
}

/** dn_quota_limit() - limits of a tenant's account, those that aren't NULL. Context: process. */
void dn_quota_limit(struct dn_account *account, const u32 *vms, const u64 *bytes)
{
	mutex_lock(&dn_quota_mutex);
	if (vms)
		account->max_vms = *vms;
	if (bytes)
		account->max_bytes = *bytes;
	mutex_unlock(&dn_quota_mutex);
}

/**
 * dn_quota_drain() - wait until a tenant's last VM, which nobody can find any more, is gone
 *
 * Its runner may still be about to let go of it. Not for more than a second: a mapping of its
 * memory can stay for ever. Context: process, the tenant can't be found either. Return: VMs
 * and requests that are left.
 */
u32 dn_quota_drain(struct dn_account *account)
{
	u32 left;

	wait_event_killable_timeout(dn_quota_wait, !READ_ONCE(account->vms), HZ);
	mutex_lock(&dn_quota_mutex);
	left = account->vms + account->claims;
	mutex_unlock(&dn_quota_mutex);
	return left;
}
