// SPDX-License-Identifier: GPL-2.0
/*
 * Building and freeing a guest's page tables. They say nothing that the
 * partition doesn't: an idle VM can lose them and get them back.
 *
 * Page 0 stays unmapped but for the switcher, so the first 2 MiB are always mapped by 4 KiB pages. So is all
 * of a clone, and what isn't its own yet without the right to write.
 * Entries never have the global bit: a translation dies with its address-space
 * tag.
 */
#include <linux/gfp.h>
#include <linux/mem_encrypt.h>
#include <linux/mm.h>

#include <asm/pgtable.h>

#include "pgtable.h"
#include "pool.h"

#define DN_PTES		512
#define DN_TABLE	(_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED)
#define DN_LEAF		(DN_TABLE | _PAGE_DIRTY)
#define DN_LEAF_SHARED	(DN_LEAF & ~_PAGE_RW)
#define DN_PAGE0	((DN_LEAF & ~_PAGE_USER) | _PAGE_NX)

static u64 dn_entry(unsigned long pfn, u64 flags)
{
	return __sme_set((u64)PFN_PHYS(pfn)) | flags;
}

static u64 *dn_table_add(struct dn_pgtable *pgt, u64 *entry)
{
	struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

	if (!page)
		return NULL;
	list_add(&page->lru, &pgt->pages);
	pgt->nr++;
	*entry = dn_entry(page_to_pfn(page), DN_TABLE);
	return page_address(page);
}

void dn_pgtable_init(struct dn_pgtable *pgt)
{
	memset(pgt, 0, sizeof(*pgt));
	INIT_LIST_HEAD(&pgt->pages);
}

/**
 * dn_pgtable_take() - take a VM's tables away, to be freed later
 * @pgt:   not in use by a CPU
 * @pages: gets the table pages
 *
 * The VM's address-space tag goes with them: what a TLB still holds is under a tag
 * that is flushed before it is used again. Context: any.
 */
void dn_pgtable_take(struct dn_pgtable *pgt, struct list_head *pages)
{
	list_splice(&pgt->pages, pages);
	dn_pgtable_init(pgt);
}

/** dn_pgtable_free_pages() - free what dn_pgtable_take() took */
void dn_pgtable_free_pages(struct list_head *pages)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, pages, lru)
		__free_page(page);
}

/** dn_pgtable_free() - free a VM's tables. Context: the VM is off the CPU for good */
void dn_pgtable_free(struct dn_pgtable *pgt)
{
	LIST_HEAD(pages);

	dn_pgtable_take(pgt, &pages);
	dn_pgtable_free_pages(&pages);
}

/* The entry for a page. */
static __always_inline u64 dn_leaf(const struct dn_part *part, u32 gfn)
{
	if (dn_part_owns(part, gfn))
		return dn_entry(dn_part_frame(part, gfn), DN_LEAF);
	return dn_entry(dn_part_frame(part->base, gfn), DN_LEAF_SHARED);
}

static u64 *dn_table_at(u64 entry)
{
	return __va(__sme_clr(entry) & PTE_PFN_MASK);
}

/**
 * dn_pgtable_renew() - pages of a clone have become its own, or its template's again
 * @pgt:   built or not
 * @part:  what it maps
 * @gfn:   a page
 * @pages: bitmap of the pages from there on, in one table
 *
 * A CPU may still know the pages from before: see dn_slice_flush(). Context: the VM isn't in
 * the guest.
 */
void dn_pgtable_renew(struct dn_pgtable *pgt, const struct dn_part *part, u32 gfn,
		      unsigned long pages)
{
	u32 chunk = gfn / DN_PTES, i;
	u64 *pmd, *pte;

	if (!pgt->nr)
		return;
	pmd = dn_table_at(pgt->slot[chunk / DN_PTES]);
	pte = dn_table_at(pmd[chunk % DN_PTES]);
	for (; pages; pages &= pages - 1) {
		i = gfn + __ffs(pages);
		pte[i % DN_PTES] = dn_leaf(part, i);
	}
}

/**
 * dn_pgtable_build() - map a partition
 * @pgt:  not built
 * @part: what to map
 *
 * Context: may sleep. Return: 0, or -ENOMEM with nothing built.
 */
int dn_pgtable_build(struct dn_pgtable *pgt, const struct dn_part *part)
{
	u64 *pmd = NULL, *pte;
	u32 chunk, gfn, end;

	pgt->page0 = dn_entry(dn_part_pfn(part, 0), DN_PAGE0);
	for (chunk = 0; chunk * DN_PTES < part->pages; chunk++) {
		u32 i = chunk % DN_PTES;

		if (!i) {
			pmd = dn_table_add(pgt, &pgt->slot[chunk / DN_PTES]);
			if (!pmd)
				goto nomem;
		}
		gfn = chunk * DN_PTES;
		if (chunk && chunk < part->nr_large && !part->base) {
			pmd[i] = dn_entry(dn_part_pfn(part, gfn), DN_LEAF | _PAGE_PSE);
			continue;
		}
		pte = dn_table_add(pgt, &pmd[i]);
		if (!pte)
			goto nomem;
		end = min(part->pages, gfn + DN_PTES);
		for (gfn = max(gfn, 1U); gfn < end; gfn++)
			pte[gfn % DN_PTES] = dn_leaf(part, gfn);
	}
	return 0;

nomem:
	dn_pgtable_free(pgt);
	return -ENOMEM;
}
