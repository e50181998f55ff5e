/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the monitor does for a guest: hypercalls, upcalls, exceptions, clock.
 */
#ifndef DN_GUEST_H
#define DN_GUEST_H

#include <linux/types.h>

struct dn_vm;

/**
 * struct dn_clock - a runner's idea of the time; see dn_clock_now()
 * @ns:       host time
 * @tsc:      the TSC at that moment
 * @read_ns, @read_tsc: when CLOCK_MONOTONIC was read last
 */
struct dn_clock {
	u64 ns;
	u64 tsc;
	u64 read_ns;
	u64 read_tsc;
};

/* hypercall.c */
void dn_hypercall(struct dn_vm *vm);
void dn_hypercall_random(struct dn_vm *vm);

/* upcall.c */
void dn_irq_raise(struct dn_vm *vm, u32 irq);
bool dn_irq_wakes(const struct dn_vm *vm);
void dn_upcall_deliver(struct dn_vm *vm);
void dn_exception(struct dn_vm *vm, u32 fault_addr);
void dn_page_fault(struct dn_vm *vm, u32 fault_addr);
void dn_exception_return(struct dn_vm *vm);

/* clock.c */
int dn_clock_init(void);
u32 dn_clock_khz(void);
void dn_clock_create(struct dn_vm *vm);
void dn_clock_start(struct dn_vm *vm, u64 now);
void dn_clock_freeze(struct dn_vm *vm, u64 now);
u64 dn_clock_read(struct dn_clock *clock);
u64 dn_clock_now(struct dn_clock *clock);
void dn_clock_update(struct dn_vm *vm, const struct dn_clock *clock);
void dn_clock_alarm(struct dn_vm *vm, u64 guest_ns);
void dn_clock_run_alarm(struct dn_vm *vm, u64 run_ns);
void dn_clock_ran(struct dn_vm *vm);
void dn_clock_idle(struct dn_vm *vm, u64 timeout_ns);
bool dn_clock_idle_over(struct dn_vm *vm);
void dn_clock_expire(struct dn_vm *vm);
void dn_clock_arm(struct dn_vm *vm);

#endif /* DN_GUEST_H */
