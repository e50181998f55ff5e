/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sets of CPUs, as requests and dumps have them: DENALI_CPUS_MAX bits, whatever the host has.
 */
#ifndef DN_CPUS_H
#define DN_CPUS_H

#include <linux/types.h>

struct sk_buff;

bool dn_cpus_get(unsigned long *cpus, const u64 *from);
bool dn_cpus_online(const unsigned long *cpus);
int dn_cpus_put(struct sk_buff *skb, int type, const unsigned long *cpus);

#endif /* DN_CPUS_H */
