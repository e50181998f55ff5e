// SPDX-License-Identifier: GPL-2.0
/* Sets of CPUs: where VMs and tenants may run. */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <net/netlink.h>

#include <uapi/linux/denali.h>

#include "cpus.h"

/* How many of the bits can be of CPUs. */
static unsigned int dn_cpus_nr(void)
{
	return min_t(unsigned int, nr_cpu_ids, DENALI_CPUS_MAX);
}

/**
 * dn_cpus_get() - the CPUs of a request that the host can have
 * @cpus: DENALI_CPUS_MAX bits
 * @from: as many, from user space
 *
 * Context: any. Return: whether there are any.
 */
bool dn_cpus_get(unsigned long *cpus, const u64 *from)
{
	unsigned int nr = dn_cpus_nr();

	bitmap_from_arr64(cpus, from, DENALI_CPUS_MAX);
	if (nr < DENALI_CPUS_MAX)
		bitmap_clear(cpus, nr, DENALI_CPUS_MAX - nr);
	return bitmap_and(cpus, cpus, cpumask_bits(cpu_possible_mask), nr);
}

/* Is any of them online now? */
bool dn_cpus_online(const unsigned long *cpus)
{
	return bitmap_intersects(cpus, cpumask_bits(cpu_online_mask), dn_cpus_nr());
}

/*
 * Put them into a dump as attribute @type, unless they are all that the host can have.
 * Return: 0 or -EMSGSIZE.
 */
int dn_cpus_put(struct sk_buff *skb, int type, const unsigned long *cpus)
{
	unsigned int nr = dn_cpus_nr();

	if (bitmap_subset(cpumask_bits(cpu_possible_mask), cpus, nr))
		return 0;
	return nla_put(skb, type, BITS_TO_U64(nr) * sizeof(u64), cpus);
}
