// SPDX-License-Identifier: GPL-2.0
/*
 * denali/tables in debugfs, in builds with CONFIG_DENALI_DEBUG: the page tables that each CPU
 * has for the VM that is on it, as the CPU would walk them, beside what their owners say
 * should be mapped, and what the CPU's block and the page behind it hold. selftests/pagetables_test.c compares.
 *
 * A CPU takes the dump of itself, in an interrupt: the VM on it can't go meanwhile, nor
 * its tables. Physical addresses are for root only, like the file.
 *
 *	cpu CPU vm ID
 *	own KIND ADDRESS PHYSICAL PAGES		memory, shared (a template's), text,
 *						block, page0, tables or idt
 *	map ADDRESS PHYSICAL PAGES RIGHTS	u or s, then w and x, or - in their places
 *	table PHYSICAL				a page of the page tables
 *	block OFFSET VALUE			a word of the two that isn't 0
 *	end, or lost				lost: there was more than fits
 */
#include <linux/cpu.h>
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/mem_encrypt.h>
#include <linux/seq_file.h>
#include <linux/smp.h>

#include <asm/pgtable.h>
#include <asm/tlbflush.h>

#include "block.h"
#include "debugfs.h"
#include "vm.h"

#define DN_DUMP_MAX	32768

/* What a line says. A run of pages that are contiguous in both worlds is one. */
struct dn_dump_line {
	const char *kind;	/* NULL: found in the tables */
	u64 addr;
	u64 phys;
	u32 pages;		/* 0: a table */
	u32 rights;		/* _PAGE_USER, _PAGE_RW; DN_X */
};

#define DN_X	BIT(31)

struct dn_dump {
	u64 id;			/* of the VM; 0: none is on this CPU */
	bool lost;
	u32 nr;
	struct dn_dump_line line[DN_DUMP_MAX];
	u64 block[2 * PAGE_SIZE / sizeof(u64)];
};

static struct dentry *dn_debugfs;

static void dn_dump_add(struct dn_dump *dump, const char *kind, u64 addr, u64 phys, u32 pages,
			u32 rights)
{
	struct dn_dump_line *last = dump->nr ? &dump->line[dump->nr - 1] : NULL;

	if (last && pages && last->pages && last->kind == kind && last->rights == rights &&
	    last->addr + (u64)last->pages * PAGE_SIZE == addr &&
	    last->phys + (u64)last->pages * PAGE_SIZE == phys) {
		last->pages += pages;
		return;
	}
	if (dump->nr == DN_DUMP_MAX) {
		dump->lost = true;
		return;
	}
	dump->line[dump->nr++] = (struct dn_dump_line){ kind, addr, phys, pages, rights };
}

/* A table at @shift (12: of pages) whose first entry is for @addr; @rights from above. */
static void dn_dump_table(struct dn_dump *dump, u64 phys, u32 shift, u64 addr, u32 rights)
{
	const u64 *table = __va(phys);
	u32 i;

	dn_dump_add(dump, NULL, 0, phys, 0, 0);
	for (i = 0; i < PTRS_PER_PTE; i++) {
		u64 entry = READ_ONCE(table[i]), at = addr + ((u64)i << shift);
		u64 below = __sme_clr(entry) & PTE_PFN_MASK;
		u32 r = rights & (entry | DN_X);

		if (!(entry & _PAGE_PRESENT))
			continue;
		if (entry & _PAGE_NX)
			r &= ~DN_X;
		/* Canonical: the sign of the top level's last bit is that of all above it. */
		if (shift == (pgtable_l5_enabled() ? 48 : 39))
			at = (s64)(at << (55 - shift)) >> (55 - shift);
		if (shift == PAGE_SHIFT || entry & _PAGE_PSE)
			dn_dump_add(dump, NULL, at, below & ~((1ULL << shift) - 1),
				    1U << (shift - PAGE_SHIFT), r);
		else
			dn_dump_table(dump, below, shift - 9, at, r);
	}
}

static void dn_dump_owners(struct dn_dump *dump, const struct dn_cpu *c)
{
	const struct dn_part *part = c->vm->part;
	const u8 *text;
	u32 gfn;

	for (gfn = 1; gfn < part->pages; gfn++)
		dn_dump_add(dump, dn_part_owns(part, gfn) ? "memory" : "shared",
			    (u64)gfn << PAGE_SHIFT, PFN_PHYS(dn_part_pfn(part, gfn)), 1, 0);
	for (text = dn_switch_text; text < dn_switch_text_end; text += PAGE_SIZE)
		dn_dump_add(dump, "text", (unsigned long)text,
			    PFN_PHYS(vmalloc_to_pfn(text)), 1, 0);
	dn_dump_add(dump, "block", (unsigned long)c->block, PFN_PHYS(vmalloc_to_pfn(c->block)),
		    1, 0);
	dn_dump_add(dump, "page0", (unsigned long)(c->block + 1), PFN_PHYS(dn_part_pfn(part, 0)),
		    1, 0);
	dn_dump_add(dump, "tables", (unsigned long)c->tables, virt_to_phys(c->guest_tables), 1, 0);
	dn_dump_add(dump, "idt", c->idtr.address, virt_to_phys(dn_guest_idt), 1, 0);
}

/* Context: interrupt, on the CPU whose dump it is. */
static void dn_dump_cpu(void *data)
{
	struct dn_cpu *c = this_cpu_ptr(&dn_cpu);
	struct dn_dump *dump = data;

	dump->id = 0;
	dump->lost = false;
	dump->nr = 0;
	if (!c->vm)
		return;
	dump->id = c->vm->id;
	dn_dump_owners(dump, c);
	dn_dump_table(dump, __sme_clr(c->cr3), pgtable_l5_enabled() ? 48 : 39, 0,
		      _PAGE_USER | _PAGE_RW | DN_X);
	memcpy(dump->block, c->block, PAGE_SIZE);
	memcpy((void *)dump->block + PAGE_SIZE, __va(__sme_clr(*c->page0) & PTE_PFN_MASK), PAGE_SIZE);
}

static void dn_dump_print(struct seq_file *m, const struct dn_dump *dump)
{
	u32 i;

	for (i = 0; i < dump->nr; i++) {
		const struct dn_dump_line *l = &dump->line[i];

		if (l->kind)
			seq_printf(m, "own %s 0x%llx 0x%llx %u\n", l->kind, l->addr, l->phys,
				   l->pages);
		else if (l->pages)
			seq_printf(m, "map 0x%llx 0x%llx %u %c%c%c\n", l->addr, l->phys, l->pages,
				   l->rights & _PAGE_USER ? 'u' : 's',
				   l->rights & _PAGE_RW ? 'w' : '-', l->rights & DN_X ? 'x' : '-');
		else
			seq_printf(m, "table 0x%llx\n", l->phys);
	}
	for (i = 0; i < ARRAY_SIZE(dump->block); i++) {
		if (dump->block[i])
			seq_printf(m, "block 0x%zx 0x%llx\n", i * sizeof(u64), dump->block[i]);
	}
	seq_puts(m, dump->lost ? "lost\n" : "end\n");
}

static int dn_tables_show(struct seq_file *m, void *unused)
{
	struct dn_dump *dump = kvmalloc(sizeof(*dump), GFP_KERNEL);
	int cpu;

	if (!dump)
		return -ENOMEM;
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		smp_call_function_single(cpu, dn_dump_cpu, dump, 1);
		seq_printf(m, "cpu %d vm %llu\n", cpu, dump->id);
		if (dump->id)
			dn_dump_print(m, dump);
	}
	cpus_read_unlock();
	kvfree(dump);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(dn_tables);

static void dn_pce_set(void *unused)
{
	cr4_set_bits(X86_CR4_PCE);
}

/* Writing anything to denali/pce does to each CPU what perf does when its "rdpmc" gets 2. */
static ssize_t dn_pce_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	on_each_cpu(dn_pce_set, NULL, 1);
	return len;
}

static const struct file_operations dn_pce_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = dn_pce_write,
};

/** dn_debugfs_create() - make the files. Context: the CPUs' blocks are there */
void dn_debugfs_create(void)
{
	dn_debugfs = debugfs_create_dir("denali", NULL);
	debugfs_create_file("tables", 0400, dn_debugfs, NULL, &dn_tables_fops);
	debugfs_create_file("pce", 0200, dn_debugfs, NULL, &dn_pce_fops);
}

/** dn_debugfs_remove() - remove the files. Context: the CPUs' blocks are still there */
void dn_debugfs_remove(void)
{
	debugfs_remove(dn_debugfs);
}
