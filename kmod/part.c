// SPDX-License-Identifier: GPL-2.0
/*
 * struct dn_part: which pages of the pool belong to a VM, from the search for
 * them to their return.
 *
 * Large chunks are whole blocks. Single pages go where they break up least: a gap
 * in a partly used block that fits best, then any gaps there, then a new block;
 * and to clean pages before dirty ones.
 */
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include <denali/vregs.h>

#include "pblock.h"
#include "quota.h"

/* Where a search for single pages has got to in a partition's table. */
struct dn_part_fill {
	u32 *pfn;
	u32 left;
};

/* Hand @nr pages of @blk from page @first to a partition. */
static void dn_pblock_take(struct dn_pblock *blk, u32 first, u32 nr)
{
	u32 dirty = 0;
	u32 bit;

	lockdep_assert_held(&dn_pool.lock);
	dn_pblock_out(blk);
	if (blk->nr_dirty) {
		for (bit = first; bit < first + nr; bit++)
			dirty += test_bit(bit, blk->dirty);
	}
	bitmap_set(blk->used, first, nr);
	blk->nr_used += nr;
	blk->nr_dirty -= dirty;
	dn_pool.nr_free -= nr;
	dn_pool.nr_dirty -= dirty;
	dn_pblock_in(blk);
}

/* Take back @nr used pages, but for those that are broken: of them Linux hears. */
static void dn_pblock_give(struct dn_pblock *blk, u32 first, u32 nr)
{
	u32 bit = first, end = first + nr;

	lockdep_assert_held(&dn_pool.lock);
	dn_pblock_out(blk);
	bitmap_clear(blk->used, first, nr);
	bitmap_set(blk->dirty, first, nr);
	for_each_set_bit_from(bit, blk->broken, end) {
		__set_bit(bit, blk->used);
		memory_failure_queue(blk->pfn + bit, 0);
		nr--;
	}
	blk->nr_used -= nr;
	blk->nr_dirty += nr;
	dn_pool.nr_free += nr;
	dn_pool.nr_dirty += nr;
	dn_pblock_in(blk);
}

/* Pages of @blk that a search must leave alone; false: that is all of them. */
static bool dn_pblock_taken(const struct dn_pblock *blk, bool clean, unsigned long *taken)
{
	if (clean) {
		bitmap_or(taken, blk->used, blk->dirty, DN_BLOCK_PAGES);
		return blk->nr_used + blk->nr_dirty < DN_BLOCK_PAGES;
	}
	bitmap_copy(taken, blk->used, DN_BLOCK_PAGES);
	return blk->nr_used < DN_BLOCK_PAGES;
}

static void dn_part_fill(struct dn_part_fill *fill, struct dn_pblock *blk, u32 first, u32 nr)
{
	u32 i;

	dn_pblock_take(blk, first, nr);
	for (i = 0; i < nr; i++)
		*fill->pfn++ = blk->pfn + first + i;
	fill->left -= nr;
}

/* All that is left from the one gap that fits best, if there is one. */
static void dn_part_fill_run(struct dn_part_fill *fill, bool clean)
{
	DECLARE_BITMAP(taken, DN_BLOCK_PAGES);
	struct dn_pblock *best = NULL;
	u32 best_len = U32_MAX;
	u32 best_first = 0;
	struct dn_pblock *blk;
	unsigned int b, e;

	if (!fill->left || fill->left >= DN_BLOCK_PAGES)
		return;
	list_for_each_entry(blk, &dn_pool.partial, node) {
		if (DN_BLOCK_PAGES - blk->nr_used < fill->left ||
		    !dn_pblock_taken(blk, clean, taken))
			continue;
		for_each_clear_bitrange(b, e, taken, DN_BLOCK_PAGES) {
			if (e - b < fill->left || e - b >= best_len)
				continue;
			best = blk;
			best_first = b;
			best_len = e - b;
		}
		if (best_len == fill->left)
			break;
	}
	if (best)
		dn_part_fill(fill, best, best_first, fill->left);
}

/* Whatever gaps there are, until it is enough. */
static void dn_part_fill_gaps(struct dn_part_fill *fill, struct list_head *blocks, bool clean)
{
	DECLARE_BITMAP(taken, DN_BLOCK_PAGES);
	struct dn_pblock *blk, *next;
	unsigned int b, e;

	list_for_each_entry_safe(blk, next, blocks, node) {
		if (!fill->left)
			return;
		if (!dn_pblock_taken(blk, clean, taken))
			continue;
		for_each_clear_bitrange(b, e, taken, DN_BLOCK_PAGES) {
			if (!fill->left)
				return;
			dn_part_fill(fill, blk, b, min(fill->left, e - b));
		}
	}
}

/* Fill the table of a partition for which there is enough in the pool's lists. */
static void dn_part_take(struct dn_part *part)
{
	struct dn_part_fill fill = {
		.pfn = part->pfn + part->nr_large,
		.left = part->nr_pfn - part->nr_large,
	};
	struct dn_pblock *blk;
	u32 i;

	for (i = 0; i < part->nr_large; i++) {
		blk = list_first_entry_or_null(&dn_pool.zeroed, struct dn_pblock, node);
		if (!blk)
			blk = list_first_entry(&dn_pool.dirty, struct dn_pblock, node);
		part->pfn[i] = blk->pfn;
		dn_pblock_take(blk, 0, DN_BLOCK_PAGES);
	}
	dn_part_fill_run(&fill, true);
	dn_part_fill_gaps(&fill, &dn_pool.partial, true);
	dn_part_fill_gaps(&fill, &dn_pool.zeroed, true);
	dn_part_fill_run(&fill, false);
	dn_part_fill_gaps(&fill, &dn_pool.partial, false);
	dn_part_fill_gaps(&fill, &dn_pool.dirty, false);
	WARN_ON_ONCE(fill.left);
}

/*
 * Clear those of @nr pages from @pfn on, all in one block, that nobody has cleared
 * yet. They belong to the caller, so their bits don't change under him.
 */
static void dn_part_scrub_pages(u32 pfn, u32 nr)
{
	const struct dn_pblock *blk = dn_pblock_of(pfn);
	u32 i;

	for (i = 0; i < nr; i++) {
		if (!test_bit((pfn + i) % DN_BLOCK_PAGES, blk->dirty))
			continue;
		clear_page(dn_pfn_addr(pfn + i));
		if (i % 16 == 15)
			cond_resched();
	}
}

static void dn_part_scrub(const struct dn_part *part)
{
	u32 i;

	for (i = 0; i < part->nr_large; i++)
		dn_part_scrub_pages(part->pfn[i], DN_BLOCK_PAGES);
	for (; i < part->nr_pfn; i++) {
		dn_part_scrub_pages(part->pfn[i], 1);
		if (i % 64 == 63)
			cond_resched();
	}
}

/*
 * How many large chunks a partition of @pages can have now. -EAGAIN: ask again
 * when the scrubber has put its block back.
 */
static int dn_part_fits(u32 pages)
{
	const struct dn_pblock *held = dn_pool.held;
	unsigned long chunks = pages / DN_BLOCK_PAGES;

	lockdep_assert_held(&dn_pool.lock);
	if (pages > dn_pool.pages)
		return -ENOMEM;
	if (pages > dn_pool.nr_free)
		return -ENOSPC;
	if (held) {
		if (pages > dn_pool.nr_free - (DN_BLOCK_PAGES - held->nr_used))
			return -EAGAIN;
		if (!held->nr_used && dn_pool.nr_whole < chunks)
			return -EAGAIN;
	}
	return min(chunks, dn_pool.nr_whole);
}

/**
 * dn_part_own() - give a clone a copy of a page of its template's
 * @part: of a clone
 * @gfn:  not its own yet
 *
 * The page is still where it was for whoever has looked it up or has it mapped. Context: any;
 * nobody else does so for this partition, but see dn_part_owns_now(). Return: false if the
 * template's is broken: then nothing has changed.
 */
bool dn_part_own(struct dn_part *part, u32 gfn)
{
	unsigned long from = dn_part_pfn(part->base, gfn);

	/* See dn_part_break(). */
	if (unlikely(smp_load_acquire(&part->base->broken)) &&
	    test_bit(from % DN_BLOCK_PAGES, dn_pblock_of(from)->broken))
		return false;
	copy_page(dn_pfn_addr(dn_part_frame(part, gfn)), dn_pfn_addr(from));
	smp_wmb(); /* for dn_part_owns_now() */
	__set_bit(gfn, part->own);
	__set_bit(gfn / BITS_PER_LONG, part->own_longs);
	WRITE_ONCE(part->nr_own, part->nr_own + 1);
	return true;
}

/* Is a frame in a partition's table? */
static bool dn_part_has(const struct dn_part *part, unsigned long pfn)
{
	u32 i;

	for (i = 0; i < part->nr_pfn; i++)
		if (pfn - part->pfn[i] < (i < part->nr_large ? DN_BLOCK_PAGES : 1))
			return true;
	return false;
}

/**
 * dn_part_break() - a page is broken: nobody is to get it any more
 * @part: of the VM that has come upon it; it or its template has it, or else it isn't the pool's
 * @pfn:  its frame
 *
 * Context: any. Return: whether it was the pool's.
 */
bool dn_part_break(struct dn_part *part, unsigned long pfn)
{
	for (; part; part = part->base) {
		if (!dn_part_has(part, pfn))
			continue;
		set_bit(pfn % DN_BLOCK_PAGES, dn_pblock_of(pfn)->broken);
		/* For dn_part_own(): one, then the other. */
		smp_store_release(&part->broken, true);
		return true;
	}
	return false;
}

/**
 * dn_part_disown() - a clone's pages, but for the monitor's, are its template's again
 * @part: of a clone
 * @i:    which long of @part->own
 *
 * What they held stays in the frames, which nobody sees before they have been copied over; page 0
 * and the virtual registers stay its own. Context: process, the VM off the CPU. Return: bitmap of
 * the pages that were its own.
 */
unsigned long dn_part_disown(struct dn_part *part, u32 i)
{
	const unsigned long keep = i ? 0 : BIT(0) | BIT(DENALI_VREGS_ADDR >> PAGE_SHIFT);
	unsigned long pages = part->own[i] & ~keep;

	part->own[i] = keep;
	if (!keep)
		__clear_bit(i, part->own_longs);
	WRITE_ONCE(part->nr_own, part->nr_own - hweight_long(pages));
	return pages;
}

/* Bytes of a partition's table. */
static size_t dn_part_bytes(u32 pages, u32 nr_pfn, bool clone)
{
	size_t bytes = struct_size((struct dn_part *)NULL, pfn, nr_pfn);

	if (!clone)
		return bytes;
	pages = BITS_TO_LONGS(pages);
	return ALIGN(bytes, sizeof(long)) + (pages + BITS_TO_LONGS(pages)) * sizeof(long);
}

/* A table with room for @large chunks and the rest as single pages. */
static struct dn_part *dn_part_new(u32 pages, u32 large, struct dn_part *base)
{
	u32 nr_pfn = pages - large * (DN_BLOCK_PAGES - 1);
	struct dn_part *part;

	part = kvmalloc(dn_part_bytes(pages, nr_pfn, base), GFP_KERNEL_ACCOUNT);
	if (!part)
		return NULL;
	*part = (struct dn_part){
		.ref = REFCOUNT_INIT(1),
		.pages = pages,
		.nr_large = large,
		.nr_pfn = nr_pfn,
		.base = base,
		.own = PTR_ALIGN((void *)(part->pfn + nr_pfn), sizeof(long)),
	};
	part->own_longs = part->own + BITS_TO_LONGS(pages);
	if (base) {
		bitmap_zero(part->own, pages);
		bitmap_zero(part->own_longs, BITS_TO_LONGS(pages));
	}
	return part;
}

/**
 * dn_part_alloc() - a partition of zeroed pages, or a clone's
 * @pages: its size
 * @base:  NULL, or the template's partition, of the same size: the first page and the
 *         virtual registers are copied, all others when they are first written
 *
 * Leading 2 MiB are whole blocks as far as there are any, the rest single pages.
 * It doesn't queue: see gate.c.
 *
 * Return: the partition, with one reference; -ENOSPC if it doesn't fit now, -ENOMEM
 * if it is larger than the pool or the host has no memory for the table; -EHWPOISON if memory of
 * @base is broken.
 * Context: may sleep.
 */
struct dn_part *dn_part_alloc(u32 pages, struct dn_part *base)
{
	struct dn_part *part = NULL;
	unsigned long dirty, events;
	int large;

	if (WARN_ON_ONCE(!pages))
		return ERR_PTR(-EINVAL);
	if (base && dn_part_broken(base))
		return ERR_PTR(-EHWPOISON);
	for (;;) {
		mutex_lock(&dn_pool.lock);
		large = dn_part_fits(pages);
		if (large >= 0 && part && part->nr_large <= large)
			break;
		events = dn_pool.events;
		mutex_unlock(&dn_pool.lock);

		if (large == -EAGAIN) {
			dn_pool_await(events);
			continue;
		}
		kvfree(part);
		if (large < 0)
			return ERR_PTR(large);
		part = dn_part_new(pages, large, base);
		if (!part)
			return ERR_PTR(-ENOMEM);
	}
	dirty = dn_pool.nr_dirty;
	dn_part_take(part);
	dirty -= dn_pool.nr_dirty;
	mutex_unlock(&dn_pool.lock);

	if (base) {
		dn_part_get(base);
		if (!dn_part_own(part, 0) || !dn_part_own(part, DENALI_VREGS_ADDR >> PAGE_SHIFT)) {
			dn_part_put(part);
			return ERR_PTR(-EHWPOISON);
		}
	} else if (dirty) {
		dn_part_scrub(part);
	}
	return part;
}

/** dn_part_too_large() - is that more than the pool has when all is free? Context: any. */
bool dn_part_too_large(u32 pages)
{
	return pages > READ_ONCE(dn_pool.pages);
}

static void dn_part_give(const struct dn_part *part)
{
	u32 i, nr;

	mutex_lock(&dn_pool.lock);
	for (i = 0; i < part->nr_large; i++)
		dn_pblock_give(dn_pblock_of(part->pfn[i]), 0, DN_BLOCK_PAGES);
	for (; i < part->nr_pfn; i += nr) {
		u32 pfn = part->pfn[i];
		u32 first = pfn % DN_BLOCK_PAGES;

		for (nr = 1; i + nr < part->nr_pfn && first + nr < DN_BLOCK_PAGES; nr++) {
			if (part->pfn[i + nr] != pfn + nr)
				break;
		}
		dn_pblock_give(dn_pblock_of(pfn), first, nr);
	}
	dn_pool_changed();
	mutex_unlock(&dn_pool.lock);
	dn_pool_scrub();
}

/** dn_part_put() - drop a reference; with the last one the pages go back. Context: may sleep. */
void dn_part_put(struct dn_part *part)
{
	if (!refcount_dec_and_test(&part->ref))
		return;
	dn_part_give(part);
	if (part->account)
		dn_quota_uncharge(part->account, (u64)part->pages << PAGE_SHIFT, 1);
	if (part->base)
		dn_part_put(part->base);
	kvfree(part);
}

/** dn_part_kmem() - bytes of kernel memory that the partition's table takes */
size_t dn_part_kmem(const struct dn_part *part)
{
	size_t bytes = dn_part_bytes(part->pages, part->nr_pfn, part->base);

	return is_vmalloc_addr(part) ? PAGE_ALIGN(bytes) : ksize(part);
}
