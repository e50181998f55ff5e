/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between kernel versions as assembly sees them; see compat.h.
 */
#ifndef DN_COMPAT_ASM_H
#define DN_COMPAT_ASM_H

#include <linux/version.h>
#include <asm/cpufeatures.h>
#include <asm/unwind_hints.h>

/* Code whose stack the unwinder can't know. The macros were renamed in 6.4. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define DN_UNWIND_HINT	UNWIND_HINT_UNDEFINED
#else
#define DN_UNWIND_HINT	UNWIND_HINT_EMPTY
#endif

/* 6.9, and stable kernels from then on. */
#ifndef X86_FEATURE_CLEAR_BHB_LOOP
.macro CLEAR_BRANCH_HISTORY
.endm
#endif

#endif /* DN_COMPAT_ASM_H */
