/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between kernel versions, and nothing else. By feature test where
 * the feature is a macro, by version where it can't be seen otherwise.
 */
#ifndef DN_COMPAT_H
#define DN_COMPAT_H

#include <linux/compiler_attributes.h>
#include <linux/version.h>

/* 6.6 */
#ifndef __counted_by
#define __counted_by(member)
#endif

/* 6.3 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#include <linux/mm.h>

static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}
#endif

/* 6.12 */
#include <linux/mmu_context.h>
#include <linux/smp.h>

static inline void dn_leave_mm(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	leave_mm();
#else
	leave_mm(smp_processor_id());
#endif
}

/* As ANNOTATE_INTRA_FUNCTION_CALL, which kernels have for assembly only: tells objtool of a CALL to the next line. */
#define DN_INTRA_FUNCTION_CALL				\
	"999:\n\t"					\
	".pushsection .discard.intra_function_calls\n\t"	\
	".long 999b\n\t"				\
	".popsection\n\t"

#endif /* DN_COMPAT_H */
