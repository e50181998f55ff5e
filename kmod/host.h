/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Can this host run guests, and what does it offer?
 */
#ifndef DN_HOST_H
#define DN_HOST_H

#include <linux/types.h>

int dn_host_check(bool allow_meltdown);
u64 dn_host_cpu_flags(void);

#endif /* DN_HOST_H */
