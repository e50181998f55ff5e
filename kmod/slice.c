// SPDX-License-Identifier: GPL-2.0
/*
 * A slice: preemption off, the guest's FPU registers loaded, SYSCALL and SYSENTER
 * shut, GDTR, IDTR and TR at the addresses with two views (block.c). Within a
 * slice the switcher may be entered and left many times at the cost of one
 * write to CR3 each way; whatever costs more is done once per slice, here.
 *
 * In the host's half of a slice, interrupts and softirqs run as usual. Nothing
 * there returns to user mode or schedules: those are what the state that a
 * slice changes would matter to.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>
#include <asm/trapnr.h>

#include "block.h"
#include "compat.h"
#include "guest.h"
#include "runner.h"
#include "slice.h"
#include "vm.h"

/* Where the XSAVE header and MXCSR are in an XSAVE area. */
#define DN_XSAVE_MXCSR	24
#define DN_XSAVE_MIN	576

/* AMX tiles: 8 KiB that a guest of ours has no business with. */
#define DN_XFEATURES_BARRED	(BIT_ULL(17) | BIT_ULL(18))

static u64 dn_xfeatures __ro_after_init;
static bool dn_sce_off __ro_after_init;
static struct desc_ptr dn_host_idtr __ro_after_init;
static u32 dn_host_sysenter_cs __ro_after_init;

/* Host state that a slice changes and puts back. */
struct dn_slice_host {
	u64 efer;
	u64 xfd;
	u32 pkru;
	u16 ldt;
	bool pce;
};

/* Features in the XSAVE area and the area's size, from CPUID leaf 13. */
static u32 dn_xsave_size(u64 features)
{
	u32 size = DN_XSAVE_MIN, eax, ebx, ecx, edx;
	int i;

	for (i = 2; i < 63; i++) {
		if (!(features & BIT_ULL(i)))
			continue;
		cpuid_count(13, i, &eax, &ebx, &ecx, &edx);
		size = max(size, ebx + eax);
	}
	return size;
}

/**
 * dn_slice_host_check() - what of the CPU a slice depends on
 *
 * Return: 0, or -ENODEV after printing what is missing.
 */
int dn_slice_host_check(void)
{
	u32 sig[3], eax;
	u64 sysenter_cs;

	if (!boot_cpu_has(X86_FEATURE_XSAVE) || !boot_cpu_has(X86_FEATURE_OSXSAVE)) {
		pr_err("refusing to load: this CPU or kernel has no XSAVE\n");
		return -ENODEV;
	}
	dn_xfeatures = xgetbv(XCR_XFEATURE_ENABLED_MASK) & ~DN_XFEATURES_BARRED;
	if (dn_xsave_size(dn_xfeatures) > PAGE_SIZE) {
		pr_err("refusing to load: XSAVE area of %u bytes, at most %lu are supported\n",
		       dn_xsave_size(dn_xfeatures), PAGE_SIZE);
		return -ENODEV;
	}

	/*
	 * Intel CPUs raise #UD for SYSCALL in compatibility mode; others, and
	 * QEMU's TCG whatever it claims to be, enter the kernel.
	 */
	dn_sce_off = boot_cpu_data.x86_vendor != X86_VENDOR_INTEL;
	if (boot_cpu_has(X86_FEATURE_HYPERVISOR)) {
		cpuid(0x40000000, &eax, &sig[0], &sig[1], &sig[2]);
		if (!memcmp(sig, "TCGTCGTCGTCG", sizeof(sig)))
			dn_sce_off = true;
	}
	store_idt(&dn_host_idtr);
	rdmsrl(MSR_IA32_SYSENTER_CS, sysenter_cs);
	dn_host_sysenter_cs = sysenter_cs;
	return 0;
}

bool dn_slice_sce_off(void)
{
	return dn_sce_off;
}

/** dn_slice_fpu_init() - initial FPU state in a zeroed, 64-byte aligned XSAVE area */
void dn_slice_fpu_init(void *fpu)
{
	*(u32 *)(fpu + DN_XSAVE_MXCSR) = 0x1f80;
}

static void dn_fpu_load(void *fpu)
{
	asm volatile("xrstor64 %0" : : "m" (*(u8 (*)[PAGE_SIZE])fpu),
		     "a" ((u32)dn_xfeatures), "d" ((u32)(dn_xfeatures >> 32)) : "memory");
}

static void dn_fpu_save(void *fpu)
{
	alternative_io("xsave64 %[area]", "xsaveopt64 %[area]", X86_FEATURE_XSAVEOPT,
		       [area] "+m" (*(u8 (*)[PAGE_SIZE])fpu),
		       "a" ((u32)dn_xfeatures), "d" ((u32)(dn_xfeatures >> 32)) : "memory");
}

static void dn_slice_load_vm(struct dn_cpu *c, struct dn_vm *vm)
{
	u32 limit = (vm->mem_size >> PAGE_SHIFT) - 1;

	c->guest_tables->gdt[GDT_ENTRY_DEFAULT_USER32_CS] =
		(struct desc_struct)GDT_ENTRY_INIT(0xc0fb, 0, limit);
	c->guest_tables->gdt[GDT_ENTRY_DEFAULT_USER_DS] =
		(struct desc_struct)GDT_ENTRY_INIT(0xc0f3, 0, limit);
	dn_asid_load(c, &vm->pgt);
}

static struct dn_cpu *dn_slice_begin(struct dn_vm *vm, struct dn_slice_host *host)
{
	struct dn_cpu *c;

	/* Preemption off until dn_slice_end(). */
	kernel_fpu_begin_mask(0);
	c = this_cpu_ptr(&dn_cpu);

	if (cpu_feature_enabled(X86_FEATURE_OSPKE))
		host->pkru = rdpkru();
	if (boot_cpu_has(X86_FEATURE_XFD)) {
		rdmsrl(MSR_IA32_XFD, host->xfd);
		wrmsrl(MSR_IA32_XFD, host->xfd | DN_XFEATURES_BARRED);
	}
	dn_fpu_load(vm->fpu);

	if (__this_cpu_read(cpu_dr7))
		set_debugreg(0UL, 7);
	host->pce = native_read_cr4() & X86_CR4_PCE;
	if (host->pce)
		cr4_clear_bits(X86_CR4_PCE);
	wrmsr(MSR_IA32_SYSENTER_CS, 0, 0);
	if (dn_sce_off) {
		rdmsrl(MSR_EFER, host->efer);
		wrmsrl(MSR_EFER, host->efer & ~EFER_SCE);
	}
	if (cpu_feature_enabled(X86_FEATURE_RDTSCP) || cpu_feature_enabled(X86_FEATURE_RDPID))
		wrmsr(MSR_TSC_AUX, 0, 0);

	c->block->regs = vm->regs;
	dn_slice_load_vm(c, vm);

	store_ldt(host->ldt);
	asm volatile("lldt %w0" : : "r" (0));
	/* LTR wants a TSS that isn't busy. */
	((struct ldttss_desc *)&c->tables->gdt[GDT_ENTRY_TSS])->type = DESC_TSS;
	native_load_gdt(&c->gdtr);
	native_load_idt(&c->idtr);
	asm volatile("ltr %w0" : : "q" (GDT_ENTRY_TSS * 8));
	return c;
}

static void dn_slice_end(struct dn_cpu *c, struct dn_vm *vm, const struct dn_slice_host *host)
{
	int cpu = smp_processor_id();
	struct ldttss_desc *tss = (void *)&get_cpu_gdt_rw(cpu)[GDT_ENTRY_TSS];

	vm->regs = c->block->regs;

	/* IDTR first: the IDT is found by IDTR alone, the handlers' TSS and GDT fit either. */
	load_idt(&dn_host_idtr);
	load_direct_gdt(cpu);
	tss->type = DESC_TSS;
	asm volatile("ltr %w0" : : "q" (GDT_ENTRY_TSS * 8));
	load_fixmap_gdt(cpu);
	if (host->ldt)
		asm volatile("lldt %w0" : : "r" (host->ldt));

	if (cpu_feature_enabled(X86_FEATURE_RDTSCP) || cpu_feature_enabled(X86_FEATURE_RDPID))
		wrmsr(MSR_TSC_AUX, (cpu_to_node(cpu) << VDSO_CPUNODE_BITS) | cpu, 0);
	if (dn_sce_off)
		wrmsrl(MSR_EFER, host->efer);
	wrmsr(MSR_IA32_SYSENTER_CS, dn_host_sysenter_cs, 0);
	if (host->pce)
		cr4_set_bits(X86_CR4_PCE);
	if (__this_cpu_read(cpu_dr7))
		set_debugreg(__this_cpu_read(cpu_dr7), 7);

	dn_fpu_save(vm->fpu);
	if (boot_cpu_has(X86_FEATURE_XFD))
		wrmsrl(MSR_IA32_XFD, host->xfd);
	if (cpu_feature_enabled(X86_FEATURE_OSPKE))
		wrpkru(host->pkru);
	kernel_fpu_end();
}

/* Run the host's own handler for something that hit the guest or the switcher. */
static void dn_host_handler(u32 vector)
{
	void (*forward)(void) = (void *)(dn_forward + vector * DN_STUB_SIZE);

	forward();
}

/* After every exit: NMIs and machine checks that the switcher took note of. */
static void dn_slice_drain(struct dn_block *block)
{
	if (block->nmi) {
		block->nmi = 0;
		dn_host_handler(X86_TRAP_NMI);
	}
	if (block->mce) {
		block->mce = 0;
		dn_host_handler(X86_TRAP_MC);
	}
}

static void dn_slice_exit(struct dn_cpu *c, struct dn_vm *vm)
{
	struct dn_regs *regs = &c->block->regs;
	u32 vector = regs->vector, cr2 = 0;

	if (vector == X86_TRAP_PF)
		cr2 = native_read_cr2();
	if (unlikely(c->block->nmi | c->block->mce)) {
		vm->stats.exits_nmi += c->block->nmi;
		vm->stats.exits_mce += c->block->mce;
		dn_slice_drain(c->block);
	}
	if (unlikely(c->block->fatal)) {
		WARN_ONCE(1, "vector %u inside the switcher at %pS\n", vector,
			  (void *)c->block->fatal);
		c->block->fatal = 0;
		dn_vm_end(vm, DENALI_END_FAULT, 0, "the monitor failed to enter the VM");
		return;
	}

	if (vector == DENALI_HC_VECTOR) {
		vm->stats.exits_hypercall++;
		dn_hypercall(vm);
	} else if (vector >= NUM_EXCEPTION_VECTORS) {
		vm->stats.exits_interrupt++;
		dn_host_handler(vector);
	} else if (vector != X86_TRAP_NMI && vector != X86_TRAP_MC) {
		if (vector == X86_TRAP_DB)
			set_debugreg(DR6_RESERVED, 6);
		vm->stats.exits_exception++;
		dn_exception(vm, cr2);
	}
}

/**
 * dn_slice_run() - run a guest until something needs its runner
 * @runner: the current task's
 * @vm:     on this runner, page tables built
 *
 * Returns when vm->work or runner->preempt is set or Linux wants the CPU.
 * Context: runner, may sleep before and after, never within.
 */
void dn_slice_run(struct dn_runner *runner, struct dn_vm *vm)
{
	struct dn_slice_host host;
	struct dn_cpu *c;

	c = dn_slice_begin(vm, &host);
	vm->cur = &c->block->regs;
	WRITE_ONCE(runner->slice_cpu, smp_processor_id());
	/* Against dn_vm_wake(): set work, then look at slice_cpu. */
	smp_mb();

	local_irq_disable();
	while (!READ_ONCE(vm->work) && !READ_ONCE(runner->preempt) && !need_resched()) {
		dn_upcall_deliver(vm);
		if (unlikely(READ_ONCE(vm->work)))
			break;
		dn_switch_run(c->block);
		c->block->guest_cr3 |= c->block->cr3_keep;
		dn_slice_exit(c, vm);
	}
	local_irq_enable();

	WRITE_ONCE(runner->slice_cpu, -1);
	vm->cur = &vm->regs;
	dn_slice_end(c, vm, &host);
}
