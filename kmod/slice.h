/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A slice: the stretch with interrupts off in which a CPU is a guest's.
 */
#ifndef DN_SLICE_H
#define DN_SLICE_H

#include <linux/types.h>

struct dn_runner;
struct dn_vm;

int dn_slice_host_check(void);
void dn_slice_fpu_init(void *fpu);
void dn_slice_fpu_trim(void *fpu);
size_t dn_slice_fpu_bytes(const void *fpu);
bool dn_slice_sce_off(void);
struct dn_vm *dn_slice_run(struct dn_runner *runner, struct dn_vm *vm);
void dn_slice_unload(struct dn_vm *vm);
void dn_slice_flush(struct dn_vm *vm);
void dn_slice_init(void);
void dn_slice_exit(void);
void dn_slice_notify(struct dn_runner *runner, bool on);

#endif /* DN_SLICE_H */
