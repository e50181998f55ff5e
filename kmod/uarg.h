/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Arguments of ioctls, by the size rules of include/uapi/linux/denali.h: a
 * structure may have grown since the caller, or the module, was built. A request
 * is known by everything in its number but the size; the size is the caller's.
 */
#ifndef DN_UARG_H
#define DN_UARG_H

#include <linux/ioctl.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/uaccess.h>

#include <uapi/linux/denali.h>

/* Bytes of the first version of a structure: up to @last, the last field it had. */
#define DN_UARG_V1(type, last) offsetofend(struct type, last)

/* A request without the size of its argument, for switch and case. */
#define DN_UARG_CMD(cmd) ((cmd) & ~(unsigned int)IOCSIZE_MASK)

/** dn_uarg_plain_ok() - a request without argument has no size either */
static inline bool dn_uarg_plain_ok(unsigned int cmd)
{
	return _IOC_DIR(cmd) != _IOC_NONE || !_IOC_SIZE(cmd);
}

/**
 * dn_uarg_get() - fetch the argument of a request
 * @arg:  the module's structure
 * @size: its size
 * @v1:   DN_UARG_V1()
 * @cmd:  the request
 * @from: the caller's structure
 *
 * Return: 0, -EINVAL if it is too short, -E2BIG if what the module doesn't know of
 * it isn't 0, -EFAULT.
 */
static inline int dn_uarg_get(void *arg, size_t size, size_t v1, unsigned int cmd,
			      const void __user *from)
{
	if (_IOC_SIZE(cmd) < v1)
		return -EINVAL;
	return copy_struct_from_user(arg, size, from, _IOC_SIZE(cmd));
}

/** dn_uarg_put() - as dn_uarg_get(), the other way; what the module doesn't know of is set to 0 */
static inline int dn_uarg_put(const void *arg, size_t size, size_t v1, unsigned int cmd,
			      void __user *to)
{
	size_t usize = _IOC_SIZE(cmd);
	size_t n = min(size, usize);

	if (usize < v1)
		return -EINVAL;
	if (copy_to_user(to, arg, n) || clear_user(to + n, usize - n))
		return -EFAULT;
	return 0;
}

#endif /* DN_UARG_H */
