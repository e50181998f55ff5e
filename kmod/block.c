// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU blocks, descriptor tables in two views, and the upper levels of the
 * guests' page tables.
 *
 * The addresses that the switcher uses come from vmap(), so they tell a guest
 * nothing that reads them by SGDT or SIDT on a CPU without UMIP:
 *
 *	tables	TSS and GDT: another page in each world
 *	block	same page in both worlds
 *	page 0	behind the block, the VM's own; in the host's world that is the end of the area
 *	idt	another page in each world; shared by all CPUs
 *
 * The pages with two views are mapped without the global bit in both worlds: a
 * write to CR3 is all it takes to change the view. The host's view is a copy
 * of the host's own tables (which Linux doesn't change after boot, but for the
 * per-task TLS entries of the GDT that no kernel thread uses), so the host's
 * interrupt handlers run on it as on the original.
 *
 * The guest's view of the GDT has two descriptors for ring 3, 32-bit code and
 * data with the VM's limit, and none for 64-bit code: there is no way out of
 * 32-bit mode.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <asm/desc.h>
#include <asm/cpu_entry_area.h>
#include <asm/pgtable.h>
#include <asm/tlbflush.h>
#include <asm/trapnr.h>

#include <denali/hypercall.h>

#include "block.h"
#include "pgtable.h"

DEFINE_PER_CPU(struct dn_cpu, dn_cpu);

/* Table pages of all CPUs and the pages behind the views, linked by page->lru. */
static LIST_HEAD(dn_block_pages);
static gate_desc *dn_idt;		/* host's view, at the address that IDTR gets */
gate_desc *dn_guest_idt;

/* Linux uses PCIDs 1 to 12 (twice that with the KPTI bit): keep well clear of them. */
#define DN_PCID_FIRST	0x10
#define DN_PCID_LAST	0x7ff

#define DN_NONGLOBAL(prot)	__pgprot(pgprot_val(prot) & ~_PAGE_GLOBAL)

static void *dn_page_alloc(int node)
{
	struct page *page = alloc_pages_node(node, GFP_KERNEL | __GFP_ZERO, 0);

	if (!page)
		return NULL;
	list_add(&page->lru, &dn_block_pages);
	return page_address(page);
}

static u64 dn_table_entry(void *table)
{
	return __sme_set(__pa(table)) | _PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED;
}

/* The table below @entry, made if it isn't there. */
static u64 *dn_table_below(u64 *entry, int node)
{
	void *table;

	if (*entry)
		return __va(__sme_clr(*entry) & PTE_PFN_MASK);
	table = dn_page_alloc(node);
	if (table)
		*entry = dn_table_entry(table);
	return table;
}

/* The entry for a kernel address in a CPU's guest page tables, or NULL. */
static u64 *dn_map_entry(u64 *top, unsigned long addr, int node)
{
	u64 *table = top;

	table = dn_table_below(&table[pgd_index(addr)], node);
	if (table && pgtable_l5_enabled())
		table = dn_table_below(&table[p4d_index(addr)], node);
	if (table)
		table = dn_table_below(&table[pud_index(addr)], node);
	if (table)
		table = dn_table_below(&table[pmd_index(addr)], node);
	return table ? &table[pte_index(addr)] : NULL;
}

/* Map one supervisor page at a kernel address in a CPU's guest page tables. */
static int dn_map(u64 *top, unsigned long addr, unsigned long pfn, u64 flags, int node)
{
	u64 *entry = dn_map_entry(top, addr, node);

	if (!entry)
		return -ENOMEM;
	*entry = __sme_set((u64)PFN_PHYS(pfn)) | _PAGE_PRESENT | _PAGE_ACCESSED | flags;
	return 0;
}

/**
 * dn_block_online() - a CPU came: copy its tables, which Linux completes only then
 * @cpu: the CPU
 *
 * Context: no runner uses them yet, or any more.
 */
void dn_block_online(int cpu)
{
	struct dn_tables *host = per_cpu(dn_cpu, cpu).tables;
	struct ldttss_desc tss_desc;

	host->tss = per_cpu(cpu_tss_rw, cpu).x86_tss;
	host->tss.io_bitmap_base = IO_BITMAP_OFFSET_INVALID;
	memcpy(host->gdt, get_cpu_gdt_rw(cpu), GDT_SIZE);

	/* No I/O bitmap: the limit ends with the TSS proper. */
	set_tssldt_descriptor(&tss_desc, (unsigned long)&host->tss, DESC_TSS,
			      sizeof(struct x86_hw_tss) - 1);
	memcpy(&host->gdt[DN_GDT_ENTRY_TSS], &tss_desc, sizeof(tss_desc));
}

static void dn_guest_tables_fill(struct dn_cpu *c, int cpu)
{
	struct dn_tables *guest = c->guest_tables;
	struct desc_struct *gdt = get_cpu_gdt_rw(cpu);
	struct x86_hw_tss *tss = &guest->tss;

	tss->sp0 = (unsigned long)c->block + DN_B_RSP0;
	tss->ist[DN_IST_NMI - 1] = (unsigned long)c->block + DN_B_STACK_NMI;
	tss->ist[DN_IST_MCE - 1] = (unsigned long)c->block + DN_B_STACK_MCE;
	tss->ist[DN_IST_DF - 1] = (unsigned long)c->block + DN_B_STACK_DF;
	tss->io_bitmap_base = IO_BITMAP_OFFSET_INVALID;

	guest->gdt[GDT_ENTRY_KERNEL_CS] = gdt[GDT_ENTRY_KERNEL_CS];
	guest->gdt[GDT_ENTRY_KERNEL_DS] = gdt[GDT_ENTRY_KERNEL_DS];
}

/**
 * dn_guest_limit() - set where the guest's segments end
 * @c:     this CPU
 * @limit: number of their last page
 *
 * Context: preemption off, host's view.
 */
void dn_guest_limit(struct dn_cpu *c, u32 limit)
{
	struct desc_struct *gdt = c->guest_tables->gdt;

	gdt[GDT_ENTRY_DEFAULT_USER32_CS] = (struct desc_struct)GDT_ENTRY_INIT(0xc0fb, 0, limit);
	gdt[GDT_ENTRY_DEFAULT_USER_DS] = (struct desc_struct)GDT_ENTRY_INIT(0xc0f3, 0, limit);
	c->limit = limit;
}

static int dn_block_create(int cpu)
{
	struct dn_cpu *c = per_cpu_ptr(&dn_cpu, cpu);
	int node = cpu_to_node(cpu), i, err = 0;
	void *block, *host_tables;
	struct page *pages[2];
	unsigned long addr;
	u64 *top, *table;

	block = dn_page_alloc(node);
	host_tables = dn_page_alloc(node);
	c->guest_tables = dn_page_alloc(node);
	top = dn_page_alloc(node);
	if (!block || !host_tables || !c->guest_tables || !top)
		return -ENOMEM;

	pages[0] = virt_to_page(host_tables);
	pages[1] = virt_to_page(block);
	c->tables = vmap(pages, 2, VM_MAP, DN_NONGLOBAL(PAGE_KERNEL));
	if (!c->tables)
		return -ENOMEM;
	c->block = (void *)(c->tables + 1);

	/* Guest memory: one page upper directory, whose first slots change with the VM. */
	table = top;
	if (pgtable_l5_enabled())
		table = dn_table_below(&table[0], node);
	if (table)
		table = dn_table_below(&table[0], node);
	if (!table)
		return -ENOMEM;
	c->slots = table;

	for (addr = (unsigned long)dn_switch_text; addr < (unsigned long)dn_switch_text_end;
	     addr += PAGE_SIZE)
		err |= dn_map(top, addr, vmalloc_to_pfn((void *)addr), 0, node);
	err |= dn_map(top, (unsigned long)c->block, page_to_pfn(pages[1]),
		      _PAGE_RW | _PAGE_DIRTY | _PAGE_NX, node);
	err |= dn_map(top, (unsigned long)c->tables, virt_to_phys(c->guest_tables) >> PAGE_SHIFT,
		      _PAGE_RW | _PAGE_DIRTY | _PAGE_NX, node);
	err |= dn_map(top, (unsigned long)dn_idt, virt_to_phys(dn_guest_idt) >> PAGE_SHIFT,
		      _PAGE_NX, node);
	c->page0 = dn_map_entry(top, (unsigned long)(c->block + 1), node);
	if (err || !c->page0)
		return -ENOMEM;

	dn_guest_tables_fill(c, cpu);
	for (i = 0; i < DN_PGTABLE_SLOTS; i++)
		c->slots[i] = 0;
	c->cr3 = __sme_pa(top);
	c->block->guest_cr3 = c->cr3;
	c->gdtr.address = (unsigned long)c->tables->gdt;
	c->gdtr.size = GDT_SIZE - 1;
	c->idtr.address = (unsigned long)dn_idt;
	c->idtr.size = IDT_ENTRIES * sizeof(gate_desc) - 1;
	c->host_gdtr.address = (unsigned long)get_cpu_gdt_ro(cpu);
	c->host_gdtr.size = GDT_SIZE - 1;
	store_idt(&c->host_idtr);
	c->block->verw_sel = __KERNEL_DS;
	c->block->host_gsbase = cpu_kernelmode_gs_base(cpu);
	c->block->cr3_keep = boot_cpu_has(X86_FEATURE_PCID) ? DN_CR3_KEEP : 0;
	c->asid_gen = 1 + cpu;
	c->asid_next = DN_PCID_FIRST;
	return 0;
}

static void dn_gate_set(int vector, const void *handler, int dpl, int ist)
{
	gate_desc *gate = &dn_guest_idt[vector];
	unsigned long addr = (unsigned long)handler;

	memset(gate, 0, sizeof(*gate));
	gate->offset_low = (u16)addr;
	gate->offset_middle = (u16)(addr >> 16);
	gate->offset_high = (u32)(addr >> 32);
	gate->segment = __KERNEL_CS;
	gate->bits.ist = ist;
	gate->bits.type = GATE_INTERRUPT;
	gate->bits.dpl = dpl;
	gate->bits.p = 1;
}

static int dn_idt_create(void)
{
	struct desc_ptr host;
	void *host_idt = dn_page_alloc(NUMA_NO_NODE);
	struct page *page;
	int v;

	dn_guest_idt = dn_page_alloc(NUMA_NO_NODE);
	if (!host_idt || !dn_guest_idt)
		return -ENOMEM;
	store_idt(&host);
	memcpy(host_idt, (void *)host.address, min_t(size_t, host.size + 1, PAGE_SIZE));
	page = virt_to_page(host_idt);
	dn_idt = vmap(&page, 1, VM_MAP, DN_NONGLOBAL(PAGE_KERNEL_RO));
	if (!dn_idt)
		return -ENOMEM;

	for (v = 0; v < IDT_ENTRIES; v++)
		dn_gate_set(v, dn_switch_stubs + v * DN_STUB_SIZE, 0, 0);
	/* INT3 and INTO are a guest's to use. */
	dn_gate_set(X86_TRAP_BP, dn_switch_stubs + X86_TRAP_BP * DN_STUB_SIZE, 3, 0);
	dn_gate_set(X86_TRAP_OF, dn_switch_stubs + X86_TRAP_OF * DN_STUB_SIZE, 3, 0);
	dn_gate_set(DENALI_HC_VECTOR, dn_switch_hypercall, 3, 0);
	dn_gate_set(X86_TRAP_NMI, dn_switch_nmi, 0, DN_IST_NMI);
	dn_gate_set(X86_TRAP_MC, dn_switch_mce, 0, DN_IST_MCE);
	dn_gate_set(X86_TRAP_DF, dn_switch_df, 0, DN_IST_DF);
	return 0;
}

/**
 * dn_block_create_all() - blocks for all possible CPUs
 * Return: 0 or -ENOMEM; dn_block_destroy_all() cleans up in either case.
 */
int dn_block_create_all(void)
{
	int cpu, err;

	BUILD_BUG_ON(sizeof(struct dn_block) != PAGE_SIZE);
	BUILD_BUG_ON(sizeof(struct dn_tables) != PAGE_SIZE);
	BUILD_BUG_ON(sizeof(struct dn_page0) != PAGE_SIZE);
	BUILD_BUG_ON(offsetof(struct dn_page0, regs) != DN_B_REGS - DN_B_PAGE0);
	BUILD_BUG_ON(offsetof(struct dn_page0, regs.ip) != DN_B_FRAME - DN_B_PAGE0);
	BUILD_BUG_ON(offsetof(struct dn_page0, regs.ax) != DN_B_AX - DN_B_PAGE0);
	BUILD_BUG_ON(offsetof(struct dn_page0, regs.di) != DN_B_DI - DN_B_PAGE0);
	BUILD_BUG_ON(offsetof(struct dn_page0, regs.ds) != DN_B_DS - DN_B_PAGE0);
	BUILD_BUG_ON(offsetof(struct dn_page0, regs.gs) != DN_B_GS - DN_B_PAGE0);
	BUILD_BUG_ON(DN_B_PAGE0 != PAGE_SIZE);
	BUILD_BUG_ON(offsetof(struct dn_block, host_rsp) != DN_B_HOST_RSP);
	BUILD_BUG_ON(offsetof(struct dn_block, host_cr3) != DN_B_HOST_CR3);
	BUILD_BUG_ON(offsetof(struct dn_block, guest_cr3) != DN_B_GUEST_CR3);
	BUILD_BUG_ON(offsetof(struct dn_block, guest_cr3_top) != DN_B_GUEST_CR3_TOP);
	BUILD_BUG_ON(offsetof(struct dn_block, host_gsbase) != DN_B_HOST_GSBASE);
	BUILD_BUG_ON(offsetof(struct dn_block, cr3_keep) != DN_B_CR3_KEEP);
	BUILD_BUG_ON(offsetof(struct dn_block, nmi) != DN_B_NMI);
	BUILD_BUG_ON(offsetof(struct dn_block, mce) != DN_B_MCE);
	BUILD_BUG_ON(offsetof(struct dn_block, fatal) != DN_B_FATAL);
	BUILD_BUG_ON(offsetof(struct dn_block, verw_sel) != DN_B_VERW_SEL);
	BUILD_BUG_ON(DN_B_RSP0 % 16);

	err = dn_idt_create();
	for_each_possible_cpu(cpu) {
		if (err)
			break;
		err = dn_block_create(cpu);
	}
	return err;
}

void dn_block_destroy_all(void)
{
	struct page *page, *next;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct dn_cpu *c = per_cpu_ptr(&dn_cpu, cpu);

		vunmap(c->tables);
		memset(c, 0, sizeof(*c));
	}
	vunmap(dn_idt);
	dn_idt = NULL;
	list_for_each_entry_safe(page, next, &dn_block_pages, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

/**
 * dn_asid_choose() - choose the CR3 for a VM that has no tag in this CPU's generation
 * @cpu: this CPU, which has PCID
 * @pgt: built
 *
 * Each VM gets a tag of the CPU's current generation, whose first use
 * flushes what the tag had; when tags run out a new generation begins. So a tag
 * is never used for two VMs without a flush between, whatever became of the
 * module or the VM in the meantime. A VM that changes its CPU gets a new tag: no two CPUs
 * have the same generation.
 *
 * Context: preemption off, host's view.
 */
void dn_asid_choose(struct dn_cpu *cpu, struct dn_pgtable *pgt)
{
	u64 cr3;

	if (cpu->asid_next > DN_PCID_LAST) {
		cpu->asid_next = DN_PCID_FIRST;
		cpu->asid_gen += nr_cpu_ids;
	}
	cr3 = cpu->cr3 | cpu->asid_next++;
	pgt->asid_gen = cpu->asid_gen;
	pgt->cr3 = cr3 | DN_CR3_KEEP;
	cpu->block->guest_cr3 = cr3;
}

/** dn_asid_forget() - what dn_asid_choose() chose wasn't used: choose again the next time */
void dn_asid_forget(struct dn_pgtable *pgt)
{
	pgt->asid_gen = 0;
}
