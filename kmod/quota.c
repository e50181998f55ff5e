// SPDX-License-Identifier: GPL-2.0
/*
 * What one user may have of the VMs: a number of them, and memory. A VM counts
 * from when its memory is asked for, waiting included, until that memory is back in the
 * pool. Whoever has CAP_SYS_RESOURCE may have more, and is counted like everyone.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "quota.h"

/* 0: no limit. */
unsigned int dn_user_vms;
unsigned long long dn_user_memory;

/**
 * struct dn_user - a user who has VMs
 * @node:  in the table
 * @uid:   who
 * @vms:   how many; the last one takes this struct with it
 * @bytes: of memory they have together
 */
struct dn_user {
	struct hlist_node node;
	kuid_t uid;
	u32 vms;
	u64 bytes;
};

static DEFINE_HASHTABLE(dn_users, 6);
static DEFINE_MUTEX(dn_users_mutex);	/* the table and all in it */

static struct dn_user *dn_user_find(kuid_t uid)
{
	struct dn_user *user;

	lockdep_assert_held(&dn_users_mutex);
	hash_for_each_possible(dn_users, user, node, __kuid_val(uid))
		if (uid_eq(user->uid, uid))
			return user;
	/* Not charged: a memory cgroup may have him sleep for long, and runners want the mutex. */
	user = kzalloc(sizeof(*user), GFP_KERNEL);
	if (user) {
		user->uid = uid;
		hash_add(dn_users, &user->node, __kuid_val(uid));
	}
	return user;
}

static bool dn_quota_exceeded(const struct dn_user *user, u64 bytes, u32 nr)
{
	unsigned int vms = READ_ONCE(dn_user_vms);
	u64 memory = READ_ONCE(dn_user_memory);

	return (vms && (nr > vms || user->vms > vms - nr)) ||
	       (memory && (bytes > memory || user->bytes > memory - bytes));
}

static void dn_user_put(struct dn_user *user)
{
	if (!user->vms) {
		hash_del(&user->node);
		kfree(user);
	}
}

/**
 * dn_quota_take() - the caller wants VMs
 * @bytes: memory of each
 * @nr:    how many, of which none is counted if there are too many; at least 1
 *
 * Context: process. Return: whose they are, for dn_quota_give(); -EDQUOT, -ENOMEM.
 */
struct dn_user *dn_quota_take(u64 bytes, u32 nr)
{
	struct dn_user *user;

	mutex_lock(&dn_users_mutex);
	user = dn_user_find(current_euid());
	if (!user) {
		user = ERR_PTR(-ENOMEM);
	} else if (dn_quota_exceeded(user, bytes * nr, nr) && !capable(CAP_SYS_RESOURCE)) {
		dn_user_put(user);
		user = ERR_PTR(-EDQUOT);
	} else {
		user->vms += nr;
		user->bytes += bytes * nr;
	}
	mutex_unlock(&dn_users_mutex);
	return user;
}

/** dn_quota_give() - @nr VMs of @bytes each are no more. Context: process. */
void dn_quota_give(struct dn_user *user, u64 bytes, u32 nr)
{
	mutex_lock(&dn_users_mutex);
	user->vms -= nr;
	user->bytes -= bytes * nr;
	dn_user_put(user);
	mutex_unlock(&dn_users_mutex);
}
