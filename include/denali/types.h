/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Fixed-width types and layout checks for the guest ABI headers.
 *
 * The headers in include/denali/ are the contract between a guest and the
 * isolation kernel. The kernel module and the library OS compile the same
 * files, so nothing here may need more than a C99 compiler.
 */
#ifndef DENALI_TYPES_H
#define DENALI_TYPES_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/stddef.h>
#include <linux/build_bug.h>
#define DENALI_ASSERT(cond, name) static_assert(cond, #name)
#else
#include <stdint.h>
#include <stddef.h>
#define DENALI_ASSERT(cond, name) typedef char denali_assert_##name[(cond) ? 1 : -1]
#endif

#endif /* DENALI_TYPES_H */
