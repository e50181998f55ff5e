// SPDX-License-Identifier: MIT
/*
 * Making VMs, alone, as clones or many at once. What the kernel says with one errno value
 * is told apart here by asking it for the limits.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <denali/vregs.h>

#include "internal.h"

/* As denali_name_check(), and no id. */
static int denali_new_name_check(const char *name, struct denali_error *err)
{
	int ret = denali_name_check(name, err);

	if (ret)
		return ret;
	if (denali_name_is_id(name))
		return denali_fail(err, EINVAL,
				   "VM name '%s': digits alone are an id; add a letter", name);
	return 0;
}

static int denali_vm_memory_check(int dev, const char *name, uint64_t mem_bytes,
				  struct denali_info *info, struct denali_error *err)
{
	char want[DENALI_SIZE_TEXT], low[DENALI_SIZE_TEXT], high[DENALI_SIZE_TEXT];
	int ret = denali_dev_info(dev, info, err);

	if (ret)
		return ret;
	denali_size_format(want, mem_bytes);
	if (mem_bytes % DENALI_PAGE_SIZE)
		return denali_fail(err, EINVAL,
				   "VM %s: memory of %s is not a multiple of a page, %d bytes",
				   name, want, DENALI_PAGE_SIZE);
	if (mem_bytes < info->min_memory || mem_bytes > info->max_memory)
		return denali_fail(err, EINVAL, "VM %s: memory of %s; must be from %s to %s", name,
				   want, denali_size_format(low, info->min_memory),
				   denali_size_format(high, info->max_memory));
	if (mem_bytes > info->pool_bytes)
		return denali_fail(err, ENOMEM,
				   "VM %s: memory of %s is more than the whole pool, %s; enlarge the pool (denalictl pool set SIZE) or ask for less",
				   name, want, denali_size_format(high, info->pool_bytes));
	return 0;
}

/* A limit of the module, 0 if there is none. */
static uint64_t denali_vm_limit(const char *parameter)
{
	char path[64];
	unsigned long long value = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/denali/parameters/%s", parameter);
	f = fopen(path, "re");
	if (f) {
		if (fscanf(f, "%llu", &value) != 1)
			value = 0;
		fclose(f);
	}
	return value;
}

static void denali_vm_quota_fail(const char *who, const char *want, struct denali_error *err)
{
	char limit[DENALI_SIZE_TEXT];
	uint64_t vms = denali_vm_limit("user_vms"), memory = denali_vm_limit("user_memory");

	denali_size_format(limit, memory);
	if (vms && memory)
		denali_fail(err, EDQUOT,
			    "VM %s: with %s of memory it is more than user %u may have, %llu VMs and %s: destroy VMs, or have an administrator raise user_vms or user_memory of the module denali",
			    who, want, geteuid(), (unsigned long long)vms, limit);
	else if (vms)
		denali_fail(err, EDQUOT,
			    "VM %s: user %u has as many VMs as a user may have, %llu: destroy one, or have an administrator raise user_vms of the module denali",
			    who, geteuid(), (unsigned long long)vms);
	else
		denali_fail(err, EDQUOT,
			    "VM %s: with %s of memory it is more than user %u may have, %s: destroy VMs, or have an administrator raise user_memory of the module denali",
			    who, want, geteuid(), limit);
}

/* Why a VM can't be made; errno is the kernel's. */
static void denali_vm_create_fail(int dev, const char *tenant, const char *who,
				  uint64_t mem_bytes, bool can_wait, struct denali_error *err)
{
	char want[DENALI_SIZE_TEXT], have[DENALI_SIZE_TEXT], all[DENALI_SIZE_TEXT];
	struct denali_info info;
	int code = errno;

	if (denali_dev_info(dev, &info, err))
		return;
	denali_size_format(all, info.pool_bytes);
	denali_size_format(want, mem_bytes);
	switch (code) {
	case EEXIST:
		denali_fail(err, EEXIST,
			    "VM %s: there is one of that name already; choose another or destroy it (denalictl destroy %s)",
			    who, who);
		break;
	case ENOSPC:
		denali_fail(err, ENOSPC,
			    "VM %s: memory of %s; the pool has %s left of %s: destroy VMs, enlarge it (denalictl pool set SIZE)%s",
			    who, want, denali_size_format(have, info.pool_free), all,
			    can_wait ? ", or wait for memory (wait)" : "");
		break;
	case EDQUOT:
		if (!denali_tenant_quota_fail(tenant, who, mem_bytes, err))
			denali_vm_quota_fail(who, want, err);
		break;
	case ENOENT:
		denali_fail(err, ENOENT,
			    "VM %s: there is no tenant %s (denalictl tenant list shows what there is)",
			    who, tenant);
		break;
	case EPERM:
		if (!*tenant) {
			denali_fail(err, EPERM, "VM %s: a priority needs CAP_SYS_NICE; leave it out, or run it as root",
				    who);
			break;
		}
		denali_fail(err, EPERM,
			    "VM %s: tenant %s is another user's; its owner or root may make VMs there",
			    who, tenant);
		break;
	case ENOMEM:
		denali_fail(err, ENOMEM,
			    "VM %s: the kernel has no memory for its management, or the pool (%s) is smaller than %s",
			    who, all, want);
		break;
	case EINTR:
		denali_fail(err, EINTR, "VM %s: interrupted while it waited for memory", who);
		break;
	case ECANCELED:
		denali_fail(err, ECANCELED, "VM %s: destroyed by somebody while it waited", who);
		break;
	default:
		denali_fail(err, code, "VM %s: create with %s of memory: %s", who, want,
			    strerror(code));
	}
}

/* Is the name, which may be NULL, one that a new VM can have? Copies it. */
static int denali_vm_new_name(const char *name, char to[DENALI_NAME_SIZE], struct denali_error *err)
{
	int ret;

	if (!name || !*name)
		return 0;
	ret = denali_new_name_check(name, err);
	if (!ret)
		strcpy(to, name);
	return ret;
}

static int denali_vm_admission(const struct denali_admission *adm, char tenant[DENALI_NAME_SIZE],
			       uint32_t *priority, struct denali_error *err)
{
	if (adm && priority)
		*priority = adm->priority;
	return adm && adm->tenant ? denali_tenant_copy_name(tenant, adm->tenant, err) : 0;
}

struct denali_vm *denali_vm_create_as(int dev, const char *name, uint64_t mem_bytes,
				      unsigned int flags, const struct denali_admission *adm,
				      struct denali_error *err)
{
	struct denali_vm_create create = { .mem_bytes = mem_bytes, .flags = flags };
	const char *who = name && *name ? name : "(no name)";
	struct denali_info info;
	int fd;

	if (denali_vm_new_name(name, create.name, err) ||
	    denali_vm_admission(adm, create.tenant, &create.priority, err))
		return NULL;
	if (denali_vm_memory_check(dev, who, mem_bytes, &info, err))
		return NULL;

	fd = ioctl(dev, DENALI_IOC_VM_CREATE, &create);
	if (fd >= 0)
		return denali_vm_wrap(fd, dev, err);

	denali_vm_create_fail(dev, create.tenant, who, mem_bytes, true, err);
	return NULL;
}

struct denali_vm *denali_vm_create(int dev, const char *name, uint64_t mem_bytes,
				   unsigned int flags, struct denali_error *err)
{
	return denali_vm_create_as(dev, name, mem_bytes, flags, NULL, err);
}

/* Why a template can't be cloned; errno is the kernel's. */
static void denali_vm_clone_fail(struct denali_vm *template, const char *tenant, const char *who,
				 uint64_t mem_bytes, bool can_wait, struct denali_error *err)
{
	switch (errno) {
	case EBUSY:
		denali_fail(err, EBUSY,
			    "VM %s: is no template, or hasn't come to its point yet (denalictl list); make one with: denalictl template IMAGE name NAME",
			    template->name);
		break;
	case ESHUTDOWN:
		denali_fail(err, ESHUTDOWN, "VM %s: has ended and can't be cloned; make the template anew",
			    template->name);
		break;
	case EHWPOISON:
		denali_fail(err, EHWPOISON,
			    "VM %s: some of its memory is broken (a machine check; see the kernel log); make the template anew",
			    template->name);
		break;
	default:
		denali_vm_create_fail(template->dev, tenant, who, mem_bytes, can_wait, err);
	}
}

int denali_vm_clone_many_as(struct denali_vm *template, const char *name, unsigned int first,
			    unsigned int count, unsigned int flags,
			    const struct denali_admission *adm, struct denali_vm **vms,
			    struct denali_error *err)
{
	struct denali_vm_clones clones = { .flags = flags, .count = count, .first = first };
	char who[2 * DENALI_NAME_SIZE + 32] = "(no name)";
	struct denali_error local;
	unsigned int i, done;
	int *fds, ret = 0;

	if (!err)
		err = &local;
	if (!count || count > DENALI_MAX_CLONES || first > UINT32_MAX - count)
		return denali_fail(err, EINVAL,
				   "VMs from number %u on: %u at once; must be from 1 to %d, and their numbers below 2^32",
				   first, count, DENALI_MAX_CLONES);
	if (name && *name) {
		snprintf(who, sizeof(who), "%.*s%u", DENALI_NAME_SIZE, name, first + count - 1);
		ret = denali_new_name_check(who, err);
		if (ret)
			return ret;
		strcpy(clones.name, name);
		snprintf(who, sizeof(who), "%s%u..%s%u", clones.name, first, clones.name, first + count - 1);
	}
	ret = denali_vm_admission(adm, clones.tenant, NULL, err);
	if (ret)
		return ret;
	fds = calloc(count, sizeof(*fds));
	if (!fds)
		return denali_fail(err, ENOMEM, "VMs %s: out of memory", who);
	clones.fds = (uintptr_t)fds;
	if (ioctl(template->fd, DENALI_IOC_VM_CLONES, &clones) < 0) {
		if (errno == EMFILE)
			denali_fail(err, EMFILE, "VMs %s: %u descriptors are more than this process may have (ulimit -n)",
				    who, count);
		else if (errno == EEXIST)
			denali_fail(err, EEXIST,
				    "VMs %s: one of these names is taken already; choose another or destroy that VM (denalictl list)",
				    who);
		else
			denali_vm_clone_fail(template, clones.tenant, who,
					     template->mem_bytes * count, false, err);
		free(fds);
		return -err->code;
	}
	for (done = 0; done < count; done++) {
		vms[done] = denali_vm_wrap(fds[done], template->dev, err);
		if (!vms[done])
			break;
	}
	if (done < count) {
		/* The one that failed has closed its descriptor. */
		for (i = 0; i < count; i++) {
			if (i < done) {
				denali_vm_destroy(vms[i], NULL);
				denali_vm_close(vms[i]);
			} else if (i > done) {
				ioctl(fds[i], DENALI_IOC_VM_DESTROY);
				close(fds[i]);
			}
		}
		ret = -err->code;
	}
	free(fds);
	return ret;
}

int denali_vm_clone_many(struct denali_vm *template, const char *name, unsigned int first,
			 unsigned int count, unsigned int flags, struct denali_vm **vms,
			 struct denali_error *err)
{
	return denali_vm_clone_many_as(template, name, first, count, flags, NULL, vms, err);
}

struct denali_vm *denali_vm_clone_as(struct denali_vm *template, const char *name,
				     unsigned int flags, const struct denali_admission *adm,
				     struct denali_error *err)
{
	const char *who = name && *name ? name : "(no name)";
	struct denali_vm_clone clone = { .flags = flags };
	int fd;

	if (denali_vm_new_name(name, clone.name, err) ||
	    denali_vm_admission(adm, clone.tenant, &clone.priority, err))
		return NULL;
	fd = ioctl(template->fd, DENALI_IOC_VM_CLONE, &clone);
	if (fd >= 0)
		return denali_vm_wrap(fd, template->dev, err);
	denali_vm_clone_fail(template, clone.tenant, who, template->mem_bytes, true, err);
	return NULL;
}

struct denali_vm *denali_vm_clone(struct denali_vm *template, const char *name,
				  unsigned int flags, struct denali_error *err)
{
	return denali_vm_clone_as(template, name, flags, NULL, err);
}
