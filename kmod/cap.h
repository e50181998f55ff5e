/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cap: how much of a CPU a VM may have at most, whether others want it or not.
 */
#ifndef DN_CAP_H
#define DN_CAP_H

#include <linux/hrtimer.h>
#include <linux/types.h>

struct dn_vm;

/**
 * struct dn_cap - of a VM that has one, or had
 * @vm:      whose
 * @percent: of a CPU that it may have; 0: no cap
 * @left:    ns that it may still run in this period; less than 0: it ran too long
 * @end:     of the period, host ns
 * @timer:   goes off at @end if the VM waits for that
 *
 * Lock: the runner's.
 */
struct dn_cap {
	struct dn_vm *vm;
	u32 percent;
	s64 left;
	u64 end;
	struct hrtimer timer;
};

struct dn_cap *dn_cap_create(struct dn_vm *vm);
void dn_cap_set(struct dn_cap *cap, u32 percent);
bool dn_cap_charge(struct dn_cap *cap, u64 ns, u64 now);
bool dn_cap_spent(struct dn_cap *cap, u64 now);
u64 dn_cap_turn(struct dn_cap *cap, u64 now, u64 ns);
void dn_cap_wait(struct dn_cap *cap);

#endif /* DN_CAP_H */
