/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A slice: the stretch with preemption off in which a CPU is set up for a guest.
 */
#ifndef DN_SLICE_H
#define DN_SLICE_H

#include <linux/types.h>

struct dn_runner;
struct dn_vm;

/**
 * struct dn_slice - a runner's slice
 * @vm:   whose FPU registers are loaded, or NULL
 * @open: there is one: preemption is off
 * @pce:  CR4.PCE was on
 * @pkru, @xfd: the host's
 */
struct dn_slice {
	struct dn_vm *vm;
	bool open;
	bool pce;
	u32 pkru;
	u64 xfd;
};

int dn_slice_host_check(void);
void dn_slice_fpu_init(void *fpu);
bool dn_slice_sce_off(void);
void dn_slice_run(struct dn_runner *runner, struct dn_vm *vm);
void dn_slice_unload(struct dn_runner *runner, struct dn_vm *vm);
void dn_slice_close(struct dn_runner *runner);
void dn_slice_init(void);
void dn_slice_exit(void);
void dn_slice_notify(struct dn_runner *runner, bool on);

#endif /* DN_SLICE_H */
