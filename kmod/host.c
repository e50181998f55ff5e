// SPDX-License-Identifier: GPL-2.0
/*
 * Where the module refuses to load, and why: each reason is one line that says
 * what is wrong and, where there is one, the way out.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cc_platform.h>
#include <linux/kernel.h>

#include <asm/cpufeature.h>
#include <asm/processor.h>
#include <asm/pgtable.h>

#include <uapi/linux/denali.h>

#include "compat.h"
#include "guest.h"
#include "host.h"
#include "slice.h"

static int dn_refuse(const char *why)
{
	pr_err("refusing to load: %s\n", why);
	return -ENODEV;
}

/**
 * dn_host_check() - may the module load here?
 * @allow_meltdown: the admin accepts that guests can read host memory on a CPU with
 *                  Meltdown and without page-table isolation
 *
 * Return: 0, or -ENODEV after printing the reason.
 */
int dn_host_check(bool allow_meltdown)
{
	int err;

	if (boot_cpu_has(X86_FEATURE_XENPV))
		return dn_refuse("this kernel is a Xen PV guest, whose descriptor tables belong to Xen");
	if (cc_platform_has(CC_ATTR_GUEST_STATE_ENCRYPT))
		return dn_refuse("SEV-ES guests can't take exceptions outside Linux (#VC)");
#ifdef X86_FEATURE_TDX_GUEST
	if (boot_cpu_has(X86_FEATURE_TDX_GUEST))
		return dn_refuse("TDX guests can't take exceptions outside Linux (#VE)");
#endif
#ifdef X86_FEATURE_FRED
	if (cpu_feature_enabled(X86_FEATURE_FRED))
		return dn_refuse("events are delivered by FRED here, not by an IDT: boot with fred=off");
#endif
	if (!boot_cpu_has(X86_FEATURE_NX))
		return dn_refuse("this CPU has no NX bit, or it is off (noexec=off, or by firmware)");
	if (!boot_cpu_has(X86_FEATURE_SEP) && !boot_cpu_has(X86_FEATURE_SYSCALL))
		return dn_refuse("this CPU has neither SYSENTER nor SYSCALL: not a CPU that was tested");
	if (boot_cpu_has_bug(X86_BUG_CPU_MELTDOWN) && !boot_cpu_has(X86_FEATURE_PTI)) {
		if (!allow_meltdown)
			return dn_refuse("this CPU has Meltdown and page-table isolation is off: boot with pti=on, or load with allow_meltdown=1");
		pr_warn("allow_meltdown=1: guests can read all of this host's memory\n");
	}
	err = dn_clock_init();
	if (err)
		return err;
	return dn_slice_host_check();
}

/** dn_host_cpu_flags() - DENALI_CPU_* for denali_info */
u64 dn_host_cpu_flags(void)
{
	u64 flags = 0;

	if (boot_cpu_has(X86_FEATURE_UMIP))
		flags |= DENALI_CPU_UMIP;
	if (boot_cpu_has(X86_FEATURE_PCID))
		flags |= DENALI_CPU_PCID;
	if (boot_cpu_has(X86_FEATURE_FSGSBASE))
		flags |= DENALI_CPU_FSGSBASE;
	if (boot_cpu_has(X86_FEATURE_SMEP))
		flags |= DENALI_CPU_SMEP;
	if (boot_cpu_has(X86_FEATURE_SMAP))
		flags |= DENALI_CPU_SMAP;
	if (boot_cpu_has(X86_FEATURE_PTI))
		flags |= DENALI_CPU_PTI;
	if (pgtable_l5_enabled())
		flags |= DENALI_CPU_LA57;
	if (dn_slice_sce_off())
		flags |= DENALI_CPU_SCE_OFF;
	return flags;
}
