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

static const struct {
	u16 feature;
	u64 flag;
} dn_host_features[] = {
	{ X86_FEATURE_UMIP, DENALI_CPU_UMIP },
	{ X86_FEATURE_PCID, DENALI_CPU_PCID },
	{ X86_FEATURE_FSGSBASE, DENALI_CPU_FSGSBASE },
	{ X86_FEATURE_SMEP, DENALI_CPU_SMEP },
	{ X86_FEATURE_SMAP, DENALI_CPU_SMAP },
	{ X86_FEATURE_PTI, DENALI_CPU_PTI },
	/* By these the switcher's alternatives are chosen: switch.S. */
#ifdef X86_FEATURE_CLEAR_CPU_BUF
	{ X86_FEATURE_CLEAR_CPU_BUF, DENALI_CPU_VERW },
#endif
	{ X86_FEATURE_KERNEL_IBRS, DENALI_CPU_IBRS },
	{ X86_FEATURE_UNRET, DENALI_CPU_UNTRAIN },
#ifdef X86_FEATURE_SRSO_ALIAS
	{ X86_FEATURE_SRSO_ALIAS, DENALI_CPU_UNTRAIN },
#endif
	{ X86_FEATURE_ENTRY_IBPB, DENALI_CPU_EXIT_IBPB },
#ifdef X86_FEATURE_CLEAR_BHB_LOOP
	{ X86_FEATURE_CLEAR_BHB_LOOP, DENALI_CPU_CLEAR_BHB },
#endif
	/* slice.c */
	{ X86_FEATURE_USE_IBPB, DENALI_CPU_IBPB },
	{ X86_FEATURE_RSB_CTXSW, DENALI_CPU_FILL_RSB },
};

/** dn_host_cpu_flags() - DENALI_CPU_* for denali_info */
u64 dn_host_cpu_flags(void)
{
	u64 flags = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(dn_host_features); i++)
		if (boot_cpu_has(dn_host_features[i].feature))
			flags |= dn_host_features[i].flag;
	if (pgtable_l5_enabled())
		flags |= DENALI_CPU_LA57;
	if (dn_slice_sce_off())
		flags |= DENALI_CPU_SCE_OFF;
	return flags;
}
