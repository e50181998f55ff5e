/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest's page tables: user pages, which are exactly the guest's partition. The
 * levels above and the switcher's pages belong to the CPU (block.c), so a small
 * VM has two table pages.
 */
#ifndef DN_PGTABLE_H
#define DN_PGTABLE_H

#include <linux/list.h>
#include <linux/types.h>

struct dn_part;

/* One top-level slot a GiB: DENALI_MAX_MEMORY. */
#define DN_PGTABLE_SLOTS	3

/**
 * struct dn_pgtable - page tables of a VM, there only while it is active
 * @slot:  entries for the first slots of a page upper directory; 0: nothing
 * @page0: entry by which the switcher has page 0 of the partition (struct dn_page0)
 * @pages: table pages, linked by page->lru
 * @nr:    number of table pages; 0: not built
 * @asid_gen: generation of the address-space tag that the VM has on a CPU; see block.c
 * @cr3:   with that tag, for as long as that is the CPU's generation
 */
struct dn_pgtable {
	u64 slot[DN_PGTABLE_SLOTS];
	u64 page0;
	struct list_head pages;
	u32 nr;
	u64 asid_gen;
	u64 cr3;
};

void dn_pgtable_init(struct dn_pgtable *pgt);
int dn_pgtable_build(struct dn_pgtable *pgt, const struct dn_part *part);
void dn_pgtable_renew(struct dn_pgtable *pgt, const struct dn_part *part, u32 gfn,
		      unsigned long pages);
void dn_pgtable_free(struct dn_pgtable *pgt);
void dn_pgtable_take(struct dn_pgtable *pgt, struct list_head *pages);
void dn_pgtable_free_pages(struct list_head *pages);

#endif /* DN_PGTABLE_H */
