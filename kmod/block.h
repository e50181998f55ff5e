/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What each CPU has for running guests: its block, the two views of its
 * descriptor tables and the upper levels of the guests' page tables.
 */
#ifndef DN_BLOCK_H
#define DN_BLOCK_H

#include <linux/percpu.h>
#include <linux/types.h>

#include <asm/desc.h>
#include <asm/processor.h>

#include "regs.h"
#include "switch_layout.h"

struct dn_vm;
struct dn_pgtable;

/**
 * struct dn_block - one page, mapped for the supervisor in the host's and the
 * guests' page tables at the same address, seen by its own CPU only
 *
 * Offsets in switch_layout.h. It holds nothing of a VM but what NMIs and machine checks leave on
 * their stacks, until they are handed over. A guest's page tables have the VM's struct
 * dn_page0 behind it, the host's have nothing there.
 */
struct dn_block {
	u8 pad0[DN_B_HOST_RSP];
	u64 host_rsp;
	u64 host_cr3;
	union {
		u64 guest_cr3;
		struct {
			u8 guest_cr3_low[7];
			u8 guest_cr3_top;	/* with DN_CR3_TOP_KEEP */
		};
	};
	u64 host_gsbase;
	u64 cr3_keep;
	union {
		u64 events;		/* any of: */
		struct {
			u32 nmi;
			u32 mce;
		};
	};
	u64 fatal;
	u16 verw_sel;
	u8 pad1[6];
	u8 pad2[0x200 - DN_B_VERW_SEL - 8];
	u8 stack_nmi[DN_B_STACK_NMI - 0x200];
	u8 stack_mce[DN_B_STACK_MCE - DN_B_STACK_NMI];
	u8 stack_df[DN_B_STACK_DF - DN_B_STACK_MCE];
	u8 pad3[PAGE_SIZE - DN_B_STACK_DF];
};

/* As DN_CR3_TOP_KEEP, of all of it. Only where CR4.PCIDE is set. */
#define DN_CR3_KEEP	BIT_ULL(63)

/* The largest XSAVE area that there is room for. */
#define DN_FPU_MAX	0xf00

/**
 * struct dn_page0 - page 0 of a VM's partition, which isn't the guest's
 * @fpu:    XSAVE area
 * @nested: stack of faults inside the switcher
 * @regs:   the guest's registers; the CPU and the switcher save them in place
 *
 * The pages of two VMs are never mapped at once: registers needn't be moved when the CPU
 * changes VM, and none are left behind.
 */
struct dn_page0 {
	u8 fpu[DN_FPU_MAX];
	u8 nested[DN_B_REGS - DN_B_PAGE0 - DN_FPU_MAX];
	struct dn_regs regs;
	u8 pad[DN_B_PAGE0 + PAGE_SIZE - DN_B_REGS - sizeof(struct dn_regs)];
};

/**
 * struct dn_tables - TSS and GDT, one page
 *
 * TR and GDTR point to one address at which each world sees its own copy.
 */
struct dn_tables {
	struct x86_hw_tss tss;
	u8 pad[128 - sizeof(struct x86_hw_tss)];
	struct desc_struct gdt[GDT_ENTRIES];
	u8 pad2[PAGE_SIZE - 128 - GDT_SIZE];
};

/**
 * struct dn_cpu - a CPU's means of running guests
 * @block:   its block
 * @tables:  host view of the descriptor tables, at the address that GDTR and TR get
 * @guest_tables: guest view, by its address in the direct map
 * @slots:   the page upper directory's entries for guest memory
 * @page0:   the entry for the VM's struct dn_page0
 * @limit:   of the segments in the GDT's guest view, pages less one
 * @cr3:     physical address of the top-level table
 * @gdtr, @idtr: for LGDT, LIDT, while @ready
 * @asid_gen, @asid_next: generation, no other CPU's, and next free PCID; see dn_asid_choose()
 * @vm:     whose memory and limits a guest would have now, or NULL
 * @ready:  the CPU is set up for guests; see slice.c
 * @host_gdtr, @host_idtr: the host's own
 * @host_tsc_aux, @host_xfd: the host's, while @ready
 * @last_life: of the VM that was last on this CPU
 */
struct dn_cpu {
	struct dn_block *block;
	struct dn_tables *tables;
	struct dn_tables *guest_tables;
	u64 *slots;
	u64 *page0;
	u64 cr3;
	u32 limit;
	struct desc_ptr gdtr;
	struct desc_ptr idtr;
	u64 asid_gen;
	u32 asid_next;
	bool ready;
	struct dn_vm *vm;
	struct desc_ptr host_gdtr;
	struct desc_ptr host_idtr;
	u64 host_tsc_aux;
	u64 host_xfd;
	u64 last_life;
};

DECLARE_PER_CPU(struct dn_cpu, dn_cpu);

extern gate_desc *dn_guest_idt;		/* guest's view, by its address in the direct map */

/*
 * The TSS with two views is described in a GDT slot that Linux has for TLS; the
 * host's own TSS keeps its slot, so that LTR can go back to it without another GDT.
 */
#define DN_GDT_ENTRY_TSS	GDT_ENTRY_TLS_MIN

void dn_guest_limit(struct dn_cpu *c, u32 limit);
int dn_block_create_all(void);
void dn_block_online(int cpu);
void dn_block_destroy_all(void);
void dn_asid_choose(struct dn_cpu *cpu, struct dn_pgtable *pgt);
void dn_asid_forget(struct dn_pgtable *pgt);

/* switch.S */
extern const u8 dn_switch_run[];
extern const u8 dn_switch_text[], dn_switch_text_end[];
extern const u8 dn_switch_stubs[], dn_switch_hypercall[];
extern const u8 dn_switch_nmi[], dn_switch_mce[], dn_switch_df[];
extern const u8 dn_forward[];

#endif /* DN_BLOCK_H */
