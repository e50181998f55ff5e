/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Limits for each user and each tenant.
 */
#ifndef DN_QUOTA_H
#define DN_QUOTA_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct dn_tenant;

/**
 * struct dn_account - who is charged for VMs: a user, or a tenant for all of its VMs
 * @node:      of a user: in the table
 * @uid:       of a user: who
 * @tenant:    whose VMs these are; of a user: the default tenant
 * @claims:    requests that wait; a user's last one or last VM takes this struct with it
 * @vms:       how many VMs there are
 * @bytes:     of memory they have together
 * @max_vms:   of a tenant: limit of @vms, 0: none
 * @max_bytes: of a tenant: limit of @bytes, 0: none
 *
 * Lock: quota.c's.
 */
struct dn_account {
	struct hlist_node node;
	kuid_t uid;
	struct dn_tenant *tenant;
	u32 claims;
	u32 vms;
	u64 bytes;
	u32 max_vms;
	u64 max_bytes;
};

struct dn_account *dn_quota_open(struct dn_tenant *tenant, u64 bytes, u32 nr);
void dn_quota_release(struct dn_account *account);
int dn_quota_room(struct dn_account *account, u64 bytes, bool exempt);
int dn_quota_charge(struct dn_account *account, u64 bytes);
void dn_quota_uncharge(struct dn_account *account, u64 bytes, u32 nr);
void dn_quota_limit(struct dn_account *account, const u32 *vms, const u64 *bytes);
u32 dn_quota_drain(struct dn_account *account);

extern unsigned int dn_user_vms;
extern unsigned long long dn_user_memory;

#endif /* DN_QUOTA_H */
