/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/denali and the descriptors that come from it.
 */
#ifndef DN_CHARDEV_H
#define DN_CHARDEV_H

#include <linux/types.h>

struct dn_vm;
struct file;

/* chardev.c */
int dn_chardev_register(void);
void dn_chardev_unregister(void);

/* vmfd.c */
struct file *dn_vmfd_file(struct dn_vm *vm, bool created);
long dn_vmfd_install(int fd, struct dn_vm *vm, const void *arg, size_t size, size_t v1,
		     unsigned int cmd, void __user *uarg);

#endif /* DN_CHARDEV_H */
