/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Limits for each user.
 */
#ifndef DN_QUOTA_H
#define DN_QUOTA_H

#include <linux/types.h>

struct dn_user;

struct dn_user *dn_quota_take(u64 bytes, u32 nr);
void dn_quota_give(struct dn_user *user, u64 bytes, u32 nr);

extern unsigned int dn_user_vms;
extern unsigned long long dn_user_memory;

#endif /* DN_QUOTA_H */
