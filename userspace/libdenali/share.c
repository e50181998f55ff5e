// SPDX-License-Identifier: MIT
/*
 * A VM's share of the CPUs: weight, cap, affinity; and lists of CPUs such as "0-3,8".
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

static bool denali_cpu_in(const uint64_t *cpus, unsigned int cpu)
{
	return cpu < DENALI_CPUS_MAX && cpus[cpu / 64] >> cpu % 64 & 1;
}

/* A number at *text, which is moved behind it; more than any CPU if there is none. */
static unsigned long denali_cpu_read(const char **text)
{
	unsigned long cpu;
	char *end;

	if (!isdigit((unsigned char)**text))
		return DENALI_CPUS_MAX;
	cpu = strtoul(*text, &end, 10);
	*text = end;
	return cpu;
}

int denali_cpus_parse(const char *text, uint64_t cpus[DENALI_CPUS_MAX / 64],
		      struct denali_error *err)
{
	const size_t size = DENALI_CPUS_MAX / 8;
	unsigned long first, last;
	const char *p = text;

	if (!strcmp(text, "all")) {
		memset(cpus, 0xff, size);
		return 0;
	}
	memset(cpus, 0, size);
	do {
		first = denali_cpu_read(&p);
		last = first;
		if (*p == '-') {
			p++;
			last = denali_cpu_read(&p);
		}
		if (last < first || last >= DENALI_CPUS_MAX || (*p && *p != ','))
			return denali_fail(err, EINVAL,
					   "CPUs '%s': not a list such as 0-3,8 of CPUs up to %d, and not 'all'",
					   text, DENALI_CPUS_MAX - 1);
		for (; first <= last; first++)
			cpus[first / 64] |= 1ULL << first % 64;
	} while (*p++);
	return 0;
}

char *denali_cpus_format(char *buf, size_t size, const uint64_t cpus[DENALI_CPUS_MAX / 64])
{
	unsigned int first, last;
	size_t used = 0;

	*buf = '\0';
	for (first = 0; first < DENALI_CPUS_MAX && used < size; first = last + 1) {
		last = first;
		if (!denali_cpu_in(cpus, first))
			continue;
		while (denali_cpu_in(cpus, last + 1))
			last++;
		used += snprintf(buf + used, size - used, last > first ? "%s%u-%u" : "%s%u",
				 used ? "," : "", first, last);
	}
	return buf;
}

int denali_vm_set_share(struct denali_vm *vm, const struct denali_vm_share *share,
			struct denali_error *err)
{
	const char *who = denali_vm_name(vm);
	char list[64];

	if (share->set & DENALI_SHARE_WEIGHT &&
	    (share->weight < DENALI_WEIGHT_MIN || share->weight > DENALI_WEIGHT_MAX))
		return denali_fail(err, EINVAL, "VM %s: weight %u; must be from %d to %d", who,
				   share->weight, DENALI_WEIGHT_MIN, DENALI_WEIGHT_MAX);
	if (share->set & DENALI_SHARE_CAP && share->cap > DENALI_CAP_MAX)
		return denali_fail(err, EINVAL,
				   "VM %s: cap %u; must be from 1 to %d percent of a CPU, or 0 for no cap",
				   who, share->cap, DENALI_CAP_MAX);
	if (!ioctl(denali_vm_fd(vm), DENALI_IOC_VM_SHARE, share))
		return 0;
	switch (errno) {
	case EPERM:
		return denali_fail(err, EPERM,
				   "VM %s: more than it has: a greater weight than its own (at first %d), a higher cap or none, other CPUs, or none that is online; that takes CAP_SYS_NICE, run it as root",
				   who, DENALI_WEIGHT_DEFAULT);
	case EINVAL:
		return denali_fail(err, EINVAL,
				   "VM %s: cpus %s: the host can have none of these (it has %ld)",
				   who, denali_cpus_format(list, sizeof(list), (const uint64_t *)share->cpus),
				   sysconf(_SC_NPROCESSORS_CONF));
	case EBUSY:
		return denali_fail(err, EBUSY,
				   "VM %s: is a template, which never runs; set the share of its clones", who);
	case EOPNOTSUPP:
		return denali_fail(err, EOPNOTSUPP,
				   "VM %s: weight %u: the scheduling policy knows no weights; load the module with sched=fair",
				   who, share->weight);
	case ENOTTY:
		return denali_fail(err, ENOTTY,
				   "VM %s: the loaded module is older than this command and knows no shares",
				   who);
	case ESHUTDOWN:
		return denali_fail(err, ESHUTDOWN,
				   "VM %s: has ended; destroy it and create it anew", who);
	default:
		return denali_fail(err, errno, "VM %s: share: %s", who, strerror(errno));
	}
}
