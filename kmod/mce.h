/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DN_MCE_H
#define DN_MCE_H

struct dn_vm;

#ifdef CONFIG_X86_MCE
void dn_mce_guest(struct dn_vm *vm);
#else
/* The CPU hasn't been told to make any. */
static inline void dn_mce_guest(struct dn_vm *vm)
{
}
#endif

#endif /* DN_MCE_H */
