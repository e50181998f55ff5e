// SPDX-License-Identifier: GPL-2.0
/*
 * What one user, or one tenant, may have of the VMs: a number of them, and memory. A VM
 * counts from when it is to get its memory until that memory is back in the pool.
 *
 * Each VM is on one account: its tenant's, or where that is the default one the user's who
 * made it. Users' limits are the module's parameters; whoever has CAP_SYS_RESOURCE may have
 * more, and is counted like everyone. A tenant's limits are its own and hold for everyone: who
 * may exceed them may change them.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "gate.h"
#include "quota.h"
#include "tenant.h"

/* 0: no limit. */
unsigned int dn_user_vms;
unsigned long long dn_user_memory;

static DEFINE_HASHTABLE(dn_users, 6);
static DEFINE_MUTEX(dn_quota_mutex);	/* the table and all accounts */
static DECLARE_WAIT_QUEUE_HEAD(dn_quota_wait);	/* a VM is gone */

static bool dn_quota_is_user(const struct dn_account *account)
{
	return account->tenant == &dn_tenant_default;
}

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
	if (dn_quota_is_user(account) && !account->vms && !account->claims) {
		hash_del(&account->node);
		kfree(account);
	}
}

/** dn_quota_release() - what dn_quota_open() claimed. Context: process. */
void dn_quota_release(struct dn_account *account)
{
	mutex_lock(&dn_quota_mutex);
	account->claims--;
	dn_quota_put(account);
	mutex_unlock(&dn_quota_mutex);
}

static u64 dn_quota_max_bytes(const struct dn_account *account)
{
	return dn_quota_is_user(account) ? READ_ONCE(dn_user_memory) : account->max_bytes;
}

static bool dn_quota_beyond(const struct dn_account *account, u64 bytes, u32 nr)
{
	u32 vms = dn_quota_is_user(account) ? READ_ONCE(dn_user_vms) : account->max_vms;
	u64 memory = dn_quota_max_bytes(account);

	return (vms && (nr > vms || account->vms > vms - nr)) ||
	       (memory && (bytes > memory || account->bytes > memory - bytes));
}

static bool dn_quota_exceeded(const struct dn_account *account, u64 bytes, u32 nr)
{
	return dn_quota_beyond(account, bytes, nr) &&
	       !(dn_quota_is_user(account) && capable(CAP_SYS_RESOURCE));
}

/**
 * dn_quota_room() - may a VM of @bytes be charged to an account?
 * @account: claimed
 * @bytes:   its memory
 * @exempt:  who made it has CAP_SYS_RESOURCE
 *
 * Context: process. Return: 0; -EAGAIN: not now; -EDQUOT: it is too large.
 */
int dn_quota_room(struct dn_account *account, u64 bytes, bool exempt)
{
	u64 memory;
	int err = 0;

	if (dn_quota_is_user(account) && exempt)
		return 0;
	mutex_lock(&dn_quota_mutex);
	memory = dn_quota_max_bytes(account);
	if (memory && bytes > memory)
		err = -EDQUOT;
	else if (dn_quota_beyond(account, bytes, 1))
		err = -EAGAIN;
	mutex_unlock(&dn_quota_mutex);
	return err;
}

static int dn_quota_add(struct dn_account *account, u64 bytes, u32 nr)
{
	lockdep_assert_held(&dn_quota_mutex);
	if (dn_quota_exceeded(account, bytes * nr, nr))
		return -EDQUOT;
	account->vms += nr;
	account->bytes += bytes * nr;
	return 0;
}

/**
 * dn_quota_open() - the caller wants VMs of @tenant
 * @tenant: the default one, or dn_runners_mutex is held
 * @bytes:  memory of each
 * @nr:     how many, of which none is counted if there are too many; 0: to be charged later
 *
 * Context: process. Return: the account, which stays as long as VMs are charged to it, or without, until
 * dn_quota_release(); -EDQUOT, -ENOMEM.
 */
struct dn_account *dn_quota_open(struct dn_tenant *tenant, u64 bytes, u32 nr)
{
	struct dn_account *account;
	int err = 0;

	mutex_lock(&dn_quota_mutex);
	account = tenant == &dn_tenant_default ? dn_quota_user(current_euid()) : &tenant->account;
	if (!account) {
		err = -ENOMEM;
	} else if (!nr) {
		account->claims++;
	} else {
		err = dn_quota_add(account, bytes, nr);
		dn_quota_put(account);
	}
	mutex_unlock(&dn_quota_mutex);
	return err ? ERR_PTR(err) : account;
}

/** dn_quota_charge() - a VM of @bytes to an account that is claimed. Context: process. Return: 0; -EDQUOT. */
int dn_quota_charge(struct dn_account *account, u64 bytes)
{
	int err;

	mutex_lock(&dn_quota_mutex);
	err = dn_quota_add(account, bytes, 1);
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
	dn_gate_changed();
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
	dn_gate_changed();
}

/**
 * dn_quota_drain() - wait until a tenant's last VM, which nobody can find any more, is gone
 * @account: the tenant's
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
