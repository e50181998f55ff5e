// SPDX-License-Identifier: MIT
/*
 * Tenants: groups of VMs with CPU time and limits of their own, made and changed. What
 * there are is told by netlink.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

int denali_tenant_name_check(const char *name, struct denali_error *err)
{
	size_t len = strlen(name);

	if (!len || len >= DENALI_NAME_SIZE ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != len)
		return denali_fail(err, EINVAL,
				   "tenant '%s': only letters, digits, '_', '.' and '-' are allowed, at least 1 and at most %d",
				   name, DENALI_NAME_SIZE - 1);
	return 0;
}

int denali_tenant_copy_name(char to[DENALI_NAME_SIZE], const char *name, struct denali_error *err)
{
	int ret = denali_tenant_name_check(name, err);

	if (!ret)
		strcpy(to, name);
	return ret;
}

/* What any request on a tenant may fail with. */
static int denali_tenant_fail(const char *name, const char *what, int code, struct denali_error *err)
{
	switch (code) {
	case EPERM:
		return denali_fail(err, EPERM, "tenant %s: %s needs CAP_SYS_ADMIN; run it as root",
				   name, what);
	case ENOENT:
		return denali_fail(err, ENOENT,
				   "tenant %s: does not exist (denalictl tenant list shows what does)",
				   name);
	case ENOTTY:
		return denali_fail(err, EOPNOTSUPP,
				   "tenant %s: the denali module that is loaded has no tenants; load a newer one",
				   name);
	default:
		return denali_fail(err, code, "tenant %s: %s: %s", name, what, strerror(code));
	}
}

int denali_tenant_set(int dev, const struct denali_tenant_set *set, struct denali_error *err)
{
	bool add = set->flags & DENALI_TENANT_NEW;
	int ret = denali_tenant_name_check(set->name, err);

	if (ret)
		return ret;
	if (ioctl(dev, DENALI_IOC_TENANT_SET, set) == 0)
		return 0;
	if (errno == EEXIST)
		return denali_fail(err, EEXIST,
				   "tenant %s: there is one of that name; choose another, or change it: denalictl tenant set %s",
				   set->name, set->name);
	if (errno == EINVAL && set->set & DENALI_TENANT_CPUS)
		return denali_fail(err, EINVAL, "tenant %s: the host has none of these CPUs",
				   set->name);
	return denali_tenant_fail(set->name, add ? "making one" : "changing it", errno, err);
}

int denali_tenant_del(int dev, const char *name, struct denali_error *err)
{
	struct denali_tenant_del del = { 0 };
	int ret = denali_tenant_copy_name(del.name, name, err);

	if (ret)
		return ret;
	if (ioctl(dev, DENALI_IOC_TENANT_DEL, &del) == 0)
		return 0;
	if (errno == EBUSY)
		return denali_fail(err, EBUSY,
				   "tenant %s: has %u VM%s; destroy them first (denalictl list; one that isn't there is still open in a process)",
				   name, del.vms, del.vms == 1 ? "" : "s");
	return denali_tenant_fail(name, "deleting it", errno, err);
}

/* The one of that name; without, the first that is the caller's. */
static const struct denali_tenant_stats *
denali_tenant_pick(const struct denali_tenant_stats *list, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (*name ? !strcmp(list[i].name, name) :
			    list[i].has_uid && list[i].uid == geteuid())
			return &list[i];
	return NULL;
}

static void denali_tenant_over(const struct denali_tenant_stats *tenant, const char *who,
			       uint64_t mem_bytes, struct denali_error *err)
{
	char want[DENALI_SIZE_TEXT], have[DENALI_SIZE_TEXT], limit[DENALI_SIZE_TEXT];

	denali_size_format(want, mem_bytes);
	denali_size_format(have, tenant->mem_bytes);
	denali_size_format(limit, tenant->max_mem_bytes);
	if (tenant->max_mem_bytes && (mem_bytes > tenant->max_mem_bytes ||
				      tenant->mem_bytes > tenant->max_mem_bytes - mem_bytes))
		denali_fail(err, EDQUOT,
			    "VM %s: %s of memory; the VMs of tenant %s have %s of the %s that they may have: destroy some, or raise it (denalictl tenant set %s memory SIZE)",
			    who, want, tenant->name, have, limit, tenant->name);
	else
		denali_fail(err, EDQUOT,
			    "VM %s: tenant %s has %u of the %u VMs that it may have: destroy one, or raise it (denalictl tenant set %s vms N)",
			    who, tenant->name, tenant->vms, tenant->max_vms, tenant->name);
}

bool denali_tenant_quota_fail(const char *name, const char *who, uint64_t mem_bytes,
			      struct denali_error *err)
{
	const struct denali_tenant_stats *tenant = NULL;
	struct denali_tenant_stats *list = NULL;
	struct denali_nl *nl = denali_nl_open(NULL);
	size_t count;

	if (nl && !denali_tenants_list(nl, &list, &count, NULL))
		tenant = denali_tenant_pick(list, count, name);
	if (tenant)
		denali_tenant_over(tenant, who, mem_bytes, err);
	free(list);
	denali_nl_close(nl);
	return tenant;
}
