// SPDX-License-Identifier: GPL-2.0
/*
 * A slice: interrupts off, the FPU's registers a guest's. Within a slice the
 * switcher may be entered and left many times, at the cost of one write to CR3 each
 * way, also for one VM after another. A slice ends, and another begins, with everything
 * that others may see to: an interrupt that is handed to the host, C that may sleep. So
 * whoever uses the FPU in an interrupt or softirq finds it free.
 *
 * What costs more than that is done once and kept from slice to slice until Linux
 * schedules the runner out (a preempt notifier calls dn_cpu_release()):
 * the FPU taken from the process that used it last, SYSCALL and SYSENTER shut,
 * TSC_AUX cleared, GDTR, IDTR and TR at the addresses with two views (block.c),
 * the VM's memory in the CPU's page tables. Meanwhile the runner's own C code,
 * interrupts and softirqs run as usual: on copies of the host's tables, and never
 * on the way to user mode, which is all that the MSRs matter to.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/stringify.h>

#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>
#include <asm/trapnr.h>

#include "block.h"
#include "compat.h"
#include "guest.h"
#include "mce.h"
#include "runner.h"
#include "slice.h"
#include "vm.h"

/* Where MXCSR and the header's first word are in an XSAVE area, and where what came after SSE begins. */
#define DN_XSAVE_MXCSR	24
#define DN_XSAVE_BV	512
#define DN_XSAVE_MIN	576

/* Exceptions that a guest may raise before interrupts are let in once. */
#define DN_FAULTS_MAX	64

/* Of those that aren't interrupts, what isn't just the guest's to see. */
#define DN_VECTORS_OWN	(BIT(X86_TRAP_DB) | BIT(X86_TRAP_NMI) | BIT(X86_TRAP_PF) | BIT(X86_TRAP_MC))

/* AMX tiles: 8 KiB that a guest of ours has no business with. XFD has a bit for the data only. */
#define DN_XFEATURES_BARRED	(BIT_ULL(17) | BIT_ULL(18))
#define DN_XFD_BARRED		BIT_ULL(18)

/* As XSAVE and XRSTOR want them. */
union dn_xmask {
	u64 mask;
	struct {
		u32 low;
		u32 high;
	};
};

static union dn_xmask dn_xcr0 __ro_after_init;
static union dn_xmask dn_xfeatures __ro_after_init;	/* what a VM has of it */
static u32 dn_xsave_bytes __ro_after_init;
static bool dn_sce_off __ro_after_init;
static bool dn_has_tsc_aux __ro_after_init;
static u32 dn_host_sysenter_cs __ro_after_init;

/* Xen PV, whose MSRs need more than the instruction, is refused. */
static __always_inline void dn_wrmsr(u32 msr, u64 val)
{
	__wrmsr(msr, (u32)val, (u32)(val >> 32));
}

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
	dn_xcr0.mask = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	dn_xfeatures.mask = dn_xcr0.mask & ~DN_XFEATURES_BARRED;
	dn_xsave_bytes = dn_xsave_size(dn_xfeatures.mask);
	if (dn_xsave_bytes > DN_FPU_MAX) {
		pr_err("refusing to load: XSAVE area of %u bytes, at most %u are supported\n",
		       dn_xsave_bytes, DN_FPU_MAX);
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
	dn_has_tsc_aux = boot_cpu_has(X86_FEATURE_RDTSCP) || boot_cpu_has(X86_FEATURE_RDPID);
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

/**
 * dn_slice_fpu_trim() - have an XSAVE area say which of its features aren't in their initial state
 * @fpu: as XSAVE left it; a CPU may take for used whatever has once been
 *
 * The initial state of all that came after SSE is zero. Context: any; slow.
 */
void dn_slice_fpu_trim(void *fpu)
{
	u64 *used = fpu + DN_XSAVE_BV;
	u32 size, offset, ecx, edx;
	int i;

	for (i = 2; i < 63; i++) {
		if (!(*used & BIT_ULL(i)))
			continue;
		cpuid_count(13, i, &size, &offset, &ecx, &edx);
		if (!memchr_inv(fpu + offset, 0, size))
			*used &= ~BIT_ULL(i);
	}
}

/** dn_slice_fpu_bytes() - how much of an XSAVE area XRSTOR reads. Context: any. */
size_t dn_slice_fpu_bytes(const void *fpu)
{
	const u64 *used = fpu + DN_XSAVE_BV;

	return *used & ~(XFEATURE_MASK_FP | XFEATURE_MASK_SSE) ? dn_xsave_bytes : DN_XSAVE_MIN;
}

/*
 * All features that are on, not just a VM's: a guest can read by XSAVE what the last
 * task left in the others. They aren't in the area, and so go to their initial state.
 */
static void dn_fpu_load(void *fpu)
{
	/* XRSTOR leaves the last x87 instruction's address where no exception is pending. */
	if (static_cpu_has_bug(X86_BUG_FXSAVE_LEAK))
		asm volatile("fnclex; emms; fildl %0" : : "m" (*(u32 *)fpu));
	asm volatile("xrstor64 %0" : : "m" (*(u8 (*)[PAGE_SIZE])fpu),
		     "a" (dn_xcr0.low), "d" (dn_xcr0.high) : "memory");
}

static void dn_fpu_save(void *fpu)
{
	alternative_io("xsave64 %[area]", "xsaveopt64 %[area]", X86_FEATURE_XSAVEOPT,
		       [area] "+m" (*(u8 (*)[PAGE_SIZE])fpu),
		       "a" (dn_xfeatures.low), "d" (dn_xfeatures.high) : "memory");
}

/* Set this CPU up for guests. Context: interrupts off. */
static void dn_cpu_ready(struct dn_cpu *c)
{
	struct ldttss_desc *tss = (void *)&c->tables->gdt[DN_GDT_ENTRY_TSS];

	/*
	 * The last process's FPU registers are in its memory, but where it finds them
	 * here as well it doesn't load them again. From now on they are nobody's, until
	 * a process returns to user mode on this CPU.
	 */
	kernel_fpu_begin_mask(0);
	kernel_fpu_end();
	if (static_cpu_has(X86_FEATURE_XFD)) {
		c->host_xfd = __rdmsr(MSR_IA32_XFD);
		dn_wrmsr(MSR_IA32_XFD, c->host_xfd | DN_XFD_BARRED);
	}
	/*
	 * A kernel thread borrows the last process's address space. Give it back: the
	 * interrupt by which modify_ldt() reaches every CPU that has it would load an
	 * LDT through a GDT that knows nothing of it. This leaves LDTR empty as well.
	 */
	dn_leave_mm();
	dn_wrmsr(MSR_IA32_SYSENTER_CS, 0);
	/* One bit, here and there: KVM changes others by an interrupt. */
	if (dn_sce_off)
		dn_wrmsr(MSR_EFER, __rdmsr(MSR_EFER) & ~EFER_SCE);
	if (dn_has_tsc_aux) {
		c->host_tsc_aux = __rdmsr(MSR_TSC_AUX);
		dn_wrmsr(MSR_TSC_AUX, 0);
	}
#ifdef X86_FEATURE_USER_SHSTK
	/* The last process's: whoever is to have one gets it with its FPU registers. */
	if (cpu_feature_enabled(X86_FEATURE_USER_SHSTK))
		dn_wrmsr(MSR_IA32_U_CET, 0);
#endif
	/* LTR wants a TSS that isn't busy. */
	tss->type = DESC_TSS;
	asm volatile("lgdt %0" : : "m" (c->gdtr));
	asm volatile("lidt %0" : : "m" (c->idtr));
	asm volatile("ltr %w0" : : "q" (DN_GDT_ENTRY_TSS * 8));
	c->ready = true;
}

/* @vm, the last one on this CPU, leaves it. */
static __always_inline void dn_cpu_unload(struct dn_cpu *c, struct dn_vm *vm)
{
	/* Not entered since it got its tag: what the tag had before is still to be flushed. */
	if (static_cpu_has(X86_FEATURE_PCID) && !(c->block->guest_cr3_top & DN_CR3_TOP_KEEP))
		dn_asid_forget(&vm->pgt);
	c->vm = NULL;
}

/*
 * Every entry of the return stack leads to an INT3, as Linux has it when it switches tasks. Not in a
 * loop, which would need a fence behind it and take twice as many instructions.
 */
static __always_inline void dn_fill_return_stack(void)
{
	asm volatile(".rept " __stringify(RSB_CLEAR_LOOPS) "\n\t"
		     DN_INTRA_FUNCTION_CALL
		     "call	1f\n\t"
		     "int3\n"
		     "1:\n\t"
		     ".endr\n\t"
		     "add	$(8 * " __stringify(RSB_CLEAR_LOOPS) "), %%rsp"
		     : ASM_CALL_CONSTRAINT : : "cc", "memory");
}

static __always_inline void dn_cpu_load(struct dn_cpu *c, struct dn_vm *vm)
{
	u32 limit = vm->part->pages - 1;
	u64 *slots = c->slots;
	int i;

	c->vm = vm;
	if (unlikely(c->limit != limit))
		dn_guest_limit(c, limit);
	*c->page0 = vm->pgt.page0;
	for (i = 0; i < DN_PGTABLE_SLOTS; i++)
		slots[i] = vm->pgt.slot[i];
	/* Without it each write to CR3 flushes. */
	if (static_cpu_has(X86_FEATURE_PCID)) {
		if (likely(vm->pgt.asid_gen == c->asid_gen))
			c->block->guest_cr3 = vm->pgt.cr3;
		else
			dn_asid_choose(c, &vm->pgt);
	}
	/* What one VM taught the branch predictors must not lead another, nor itself after a reset. */
	if (c->last_life != vm->life) {
		c->last_life = vm->life;
		if (static_cpu_has(X86_FEATURE_USE_IBPB))
			indirect_branch_prediction_barrier();
		if (static_cpu_has(X86_FEATURE_RSB_CTXSW))
			dn_fill_return_stack();
	}
}

/* Give the CPU back to Linux as it was. Context: interrupts off. */
static void dn_cpu_release(void)
{
	struct dn_cpu *c = this_cpu_ptr(&dn_cpu);
	struct ldttss_desc *tss;

	if (!c->ready)
		return;
	if (c->vm)
		dn_cpu_unload(c, c->vm);
	tss = (void *)&c->tables->gdt[GDT_ENTRY_TSS];
	tss->type = DESC_TSS;
	asm volatile("ltr %w0" : : "q" (GDT_ENTRY_TSS * 8));
	asm volatile("lgdt %0" : : "m" (c->host_gdtr));
	asm volatile("lidt %0" : : "m" (c->host_idtr));
	/* Nor must it lead the processes that come next. */
	indirect_branch_prediction_barrier();
	c->last_life = 0;
	if (static_cpu_has(X86_FEATURE_XFD))
		dn_wrmsr(MSR_IA32_XFD, c->host_xfd);
	if (dn_has_tsc_aux)
		dn_wrmsr(MSR_TSC_AUX, c->host_tsc_aux);
	if (dn_sce_off)
		dn_wrmsr(MSR_EFER, __rdmsr(MSR_EFER) | EFER_SCE);
	dn_wrmsr(MSR_IA32_SYSENTER_CS, dn_host_sysenter_cs);
	c->ready = false;
}

#ifdef CONFIG_PREEMPT_NOTIFIERS
/* The time that Linux took is no VM's. Context of both: in the scheduler. */
static void dn_sched_in(struct preempt_notifier *notifier, int cpu)
{
	struct dn_runner *r = container_of(notifier, struct dn_runner, notifier);
	unsigned long flags;
	u64 away;

	if (r->resting)
		return;
	away = ktime_get_ns() - r->away_since;
	raw_spin_lock_irqsave(&r->lock, flags);
	r->turn_start += away;
	r->deadline += away;
	r->stolen += away;
	raw_spin_unlock_irqrestore(&r->lock, flags);
}

static void dn_sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	struct dn_runner *r = container_of(notifier, struct dn_runner, notifier);

	dn_cpu_release();
	if (!r->resting)
		r->away_since = ktime_get_ns();
}

static struct preempt_ops dn_preempt_ops = {
	.sched_in = dn_sched_in,
	.sched_out = dn_sched_out,
};

/**
 * dn_slice_notify() - have the CPU released whenever the current task is scheduled out
 * @runner: the current task's
 * @on:     from now on, or no longer
 */
void dn_slice_notify(struct dn_runner *runner, bool on)
{
	unsigned long flags;

	preempt_disable();
	if (on) {
		preempt_notifier_init(&runner->notifier, &dn_preempt_ops);
		preempt_notifier_register(&runner->notifier);
	} else {
		preempt_notifier_unregister(&runner->notifier);
		local_irq_save(flags);
		dn_cpu_release();
		local_irq_restore(flags);
	}
	preempt_enable();
}

void dn_slice_init(void)
{
	preempt_notifier_inc();
}

void dn_slice_exit(void)
{
	preempt_notifier_dec();
}
#else
/* Then each slice ends with a release. */
void dn_slice_notify(struct dn_runner *runner, bool on)
{
}

void dn_slice_init(void)
{
}

void dn_slice_exit(void)
{
}
#endif

/** dn_slice_unload() - a VM's turn is over. Context: its runner. */
void dn_slice_unload(struct dn_vm *vm)
{
	struct dn_cpu *c;

	preempt_disable();
	c = this_cpu_ptr(&dn_cpu);
	if (c->vm == vm)
		dn_cpu_unload(c, vm);
	preempt_enable();
}

/**
 * dn_slice_flush() - a VM's page tables have changed: forget what CPUs know of them
 * @vm: not in the guest
 *
 * A VM has a tag on one CPU only. Context: its runner, or process with the VM off.
 */
void dn_slice_flush(struct dn_vm *vm)
{
	struct dn_cpu *c;

	preempt_disable();
	c = this_cpu_ptr(&dn_cpu);
	if (c->vm == vm)
		c->block->guest_cr3 &= ~DN_CR3_KEEP;
	else
		dn_asid_forget(&vm->pgt);
	preempt_enable();
}

/* A slice begins. Context: interrupts off. */
static struct dn_cpu *dn_slice_begin(void)
{
	struct dn_cpu *c = this_cpu_ptr(&dn_cpu);

	if (!c->ready)
		dn_cpu_ready(c);
	/* An interrupt may have turned either on. */
	if (unlikely(__this_cpu_read(cpu_dr7)))
		set_debugreg(0UL, 7);
	/* The next process gets its own with its address space. */
	if (unlikely(native_read_cr4() & X86_CR4_PCE))
		cr4_clear_bits(X86_CR4_PCE);
	return c;
}

static void dn_slice_end(void)
{
	if (unlikely(__this_cpu_read(cpu_dr7)))
		set_debugreg(__this_cpu_read(cpu_dr7), 7);
}

/* Run the host's own handler for something that hit the guest or the switcher. */
static void dn_host_handler(u32 vector)
{
	void (*forward)(void) = (void *)(dn_forward + vector * DN_STUB_SIZE);

	forward();
}

/*
 * After every exit: NMIs and machine checks that the switcher took note of. Their frames hold
 * registers of the guest, and the block will be another one's.
 */
static noinline void dn_slice_drain(struct dn_block *block, struct dn_vm *vm)
{
	bool guest;

	if (block->nmi) {
		vm->stats.exits_nmi++;
		block->nmi = 0;
		memset(block->stack_nmi, 0, sizeof(block->stack_nmi));
		dn_host_handler(X86_TRAP_NMI);
	}
	if (block->mce) {
		vm->stats.exits_mce++;
		guest = block->mce == DN_HIT_GUEST;
		block->mce = 0;
		memset(block->stack_mce, 0, sizeof(block->stack_mce));
		if (guest)
			dn_mce_guest(vm);
		else
			dn_host_handler(X86_TRAP_MC);
	}
}

/*
 * The guest raised an exception. A state that the CPU refuses to enter faults before it takes
 * interrupts, and a process that maps the memory can have it tried again and again.
 */
static __always_inline u32 dn_slice_raised(struct dn_vm *vm, u32 vector)
{
	return ++vm->stats.exits_exception % DN_FAULTS_MAX ? 0 : vector;
}

/* One of DN_VECTORS_OWN. Return: as dn_slice_left(). */
static noinline u32 dn_slice_left_own(struct dn_vm *vm, u32 vector)
{
	switch (vector) {
	case X86_TRAP_PF:
		dn_page_fault(vm, native_read_cr2());
		return dn_slice_raised(vm, vector);
	case X86_TRAP_DB:
		set_debugreg(DR6_RESERVED, 6);
		dn_exception(vm, 0);
		return dn_slice_raised(vm, vector);
	}
	return 0;
}

/*
 * The guest has left; see to why. Return: 0 if the slice goes on, else the vector for
 * which it has to end.
 */
static __always_inline u32 dn_slice_left(struct dn_block *block, struct dn_vm *vm)
{
	u32 vector = vm->regs->vector;

	if (unlikely(block->events))
		dn_slice_drain(block, vm);
	if (likely(vector == DENALI_HC_VECTOR)) {
		vm->stats.exits_hypercall++;
		dn_hypercall(vm);
		return 0;
	}
	if (vector >= NUM_EXCEPTION_VECTORS) {
		vm->stats.exits_interrupt++;
		return vector;
	}
	if (unlikely(block->fatal)) {
		WARN_ONCE(1, "vector %u inside the switcher at %pS\n", vector,
			  (void *)block->fatal);
		block->fatal = 0;
		dn_vm_end(vm, DENALI_END_FAULT, 0, "the monitor failed to enter the VM");
		return 0;
	}
	if (BIT(vector) & DN_VECTORS_OWN)
		return dn_slice_left_own(vm, vector);
	dn_exception(vm, 0);
	return dn_slice_raised(vm, vector);
}

static __always_inline bool dn_slice_may_run(struct dn_runner *runner, struct dn_vm *vm)
{
	return !READ_ONCE(vm->work) && !READ_ONCE(runner->preempt) && !need_resched();
}

/*
 * Into the guest and out again. Not a call as in C: the compiler knows best which registers are
 * to be kept over it.
 */
static __always_inline void dn_slice_enter(struct dn_block *block)
{
	asm volatile("call dn_switch_run"
		     : "+D" (block), ASM_CALL_CONSTRAINT
		     :
		     : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13",
		       "r14", "r15", "cc", "memory");
}

/* Run one guest. Return: 0, or the vector for which the slice has to end. */
static __always_inline u32 dn_slice_guest(struct dn_cpu *c, struct dn_runner *runner,
					  struct dn_vm *vm)
{
	struct denali_vregs *v = vm->vregs;
	struct dn_block *block = c->block;
	u32 vector;

	dn_fpu_load(vm->fpu);
	do {
		vector = 0;
		if (atomic_read(&vm->irq_raised) ||
		    (READ_ONCE(v->irq_pending) && READ_ONCE(v->irq_enabled))) {
			dn_upcall_deliver(vm);
			if (unlikely(READ_ONCE(vm->work)))
				break;
		}
		if (static_cpu_has_bug(X86_BUG_DIV0))
			amd_clear_divider();
		dn_slice_enter(block);
		vector = dn_slice_left(block, vm);
	} while (!vector && dn_slice_may_run(runner, vm));
	dn_fpu_save(vm->fpu);
	return vector;
}

/**
 * dn_slice_run() - run guests for a slice
 * @runner: the current task's
 * @vm:     on this runner, page tables built
 *
 * A guest that yields or idles is followed by the runner's next in the same slice. No
 * interrupt waits longer for that: it hits the next guest at its first instruction. That is also
 * how the guest leaves for what is asked of the runner from now on: it comes with an interrupt.
 *
 * Returns when vm->work or runner->preempt is set, Linux wants the CPU, or an interrupt had
 * to be let in. Context: runner. Return: the VM that is on the runner now.
 */
struct dn_vm *dn_slice_run(struct dn_runner *runner, struct dn_vm *vm)
{
	struct dn_vm *next;
	struct dn_cpu *c;
	u32 vector;

	local_irq_disable();
	WRITE_ONCE(runner->slice_cpu, smp_processor_id());
	/* Against dn_vm_wake(): set work, then look at slice_cpu. */
	smp_mb();
	if (!dn_slice_may_run(runner, vm))
		goto out;

	c = dn_slice_begin();
	if (c->vm == vm)
		goto loaded;
	if (c->vm)
		dn_cpu_unload(c, c->vm);
	do {
		dn_cpu_load(c, vm);
loaded:
		vector = dn_slice_guest(c, runner, vm);
		if (vector || !(READ_ONCE(vm->work) & DN_WORK_PASS))
			break;
		/* The next runner that has it may be another. */
		dn_cpu_unload(c, vm);
		next = dn_runner_pass(runner, vm);
		if (!next)
			break;
		vm = next;
	} while (vm->pgt.nr && !READ_ONCE(vm->work));
	dn_slice_end();
	if (vector >= NUM_EXCEPTION_VECTORS)
		dn_host_handler(vector);
	if (!IS_ENABLED(CONFIG_PREEMPT_NOTIFIERS))
		dn_cpu_release();
out:
	WRITE_ONCE(runner->slice_cpu, -1);
	local_irq_enable();
	return vm;
}
