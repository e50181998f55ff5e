/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tenants: groups of VMs that have runners of their own.
 */
#ifndef DN_TENANT_H
#define DN_TENANT_H

#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/uidgid.h>

#include <uapi/linux/denali.h>

#include "gate.h"
#include "quota.h"

struct denali_tenant_del;
struct denali_tenant_set;
struct dn_runner;
struct netlink_callback;
struct sk_buff;

/**
 * struct dn_tenant - a group of VMs
 * @node:    on dn_tenants
 * @ref:     the list's, and each VM's: one that got no memory may be looked at when the tenant is deleted
 * @runners: one for each possible CPU
 * @idle:    CPUs whose runners sleep
 * @account: its VMs and their memory, and how much of both it may have; see quota.c
 * @listed:  its VMs that can be found; dn_vms_mutex
 * @id:      never used again while the module is loaded; the default tenant's is 0
 * @uid:     whose VMs these are, or invalid: only who has CAP_SYS_ADMIN makes any
 * @nice:    niceness of the runners
 * @waiting: VMs that are started and wait until another one stops; this and the next are the
 *           gatekeeper's
 * @running: VMs that run, or would if they didn't idle; not counted for the default tenant
 * @max_running: limit of @running, 0: none
 * @cpus:    where there are runners
 * @name:    the default tenant's is empty
 *
 * Linux shares the CPUs among the runners of all tenants, and so among tenants; a
 * runner shares what it gets among its VMs. A VM stays with its tenant.
 *
 * Lock of what isn't said otherwise: dn_runners_mutex.
 */
struct dn_tenant {
	struct list_head node;
	struct kref ref;
	struct dn_runner __percpu *runners;
	struct cpumask idle;
	struct dn_account account;
	u32 listed;
	u64 id;
	kuid_t uid;
	int nice;
	struct dn_gate_queue waiting;
	u32 running;
	u32 max_running;
	DECLARE_BITMAP(cpus, DENALI_CPUS_MAX);
	char name[DENALI_NAME_SIZE];
};

extern struct list_head dn_tenants;		/* in order of id, the default one first */
extern struct dn_tenant dn_tenant_default;	/* of VMs that nobody said anything else of */

/* runners.c */
int dn_tenant_init(struct dn_tenant *tenant);
int dn_tenant_settle(struct dn_tenant *tenant);
void dn_tenant_exit(struct dn_tenant *tenant);

/* tenant.c */
struct dn_account *dn_tenant_account(const char *name, u64 bytes, u32 nr);
int dn_tenant_set(const struct denali_tenant_set *arg);
int dn_tenant_del(struct denali_tenant_del *arg);
int dn_tenant_dump(struct sk_buff *skb, struct netlink_callback *cb);
void dn_tenants_exit(void);
void dn_tenant_put(struct dn_tenant *tenant);

#endif /* DN_TENANT_H */
