/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VM's share of the CPUs, as tests set it; errors are in errno. Include it behind lib.h.
 */
#ifndef DENALI_SELFTESTS_SHARE_H
#define DENALI_SELFTESTS_SHARE_H

#include <sys/ioctl.h>

/* @set: DENALI_SHARE_*; @cpus: the first 64 CPUs. */
static inline int share_set(int vm, uint32_t set, uint32_t weight, uint32_t cap, uint64_t cpus)
{
	struct denali_vm_share share = { .set = set, .weight = weight, .cap = cap, .cpus = { cpus } };

	return ioctl(vm, DENALI_IOC_VM_SHARE, &share);
}

static inline int weight_set(int vm, uint32_t weight)
{
	return share_set(vm, DENALI_SHARE_WEIGHT, weight, 0, 0);
}

static inline int cap_set(int vm, uint32_t cap)
{
	return share_set(vm, DENALI_SHARE_CAP, 0, cap, 0);
}

static inline int cpus_set(int vm, uint64_t cpus)
{
	return share_set(vm, DENALI_SHARE_CPUS, 0, 0, cpus);
}

/* ns on a CPU since its start. */
static inline uint64_t run_ns(int vm)
{
	struct denali_vm_state st;

	vm_state(vm, &st);
	return st.run_ns;
}

#endif /* DENALI_SELFTESTS_SHARE_H */
