/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Several VMs by one request.
 */
#ifndef DN_BATCH_H
#define DN_BATCH_H

#include <linux/compiler_types.h>

struct dn_vm;

long dn_batch_clone(struct dn_vm *base, unsigned int cmd, void __user *uarg);

#endif /* DN_BATCH_H */
