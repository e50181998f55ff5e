/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of the memory pool, shared by pool.c (where blocks come from, go to and
 * get scrubbed) and part.c (who has their pages).
 */
#ifndef DN_PBLOCK_H
#define DN_PBLOCK_H

#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "pool.h"

/**
 * struct dn_pblock - 2 MiB of the pool
 * @node:     on one of dn_pool's four lists; on none while it is dn_pool.held
 * @pfn:      first frame, a multiple of DN_BLOCK_PAGES
 * @nr_used:  bits set in @used
 * @nr_dirty: bits set in @dirty and not in @used
 * @used:     pages that belong to a partition
 * @dirty:    pages that weren't zero when they were last free
 * @broken:   pages that stay @used, whoever had them; may be set without the lock
 */
struct dn_pblock {
	struct list_head node;
	u32 pfn;
	u16 nr_used;
	u16 nr_dirty;
	DECLARE_BITMAP(used, DN_BLOCK_PAGES);
	DECLARE_BITMAP(dirty, DN_BLOCK_PAGES);
	DECLARE_BITMAP(broken, DN_BLOCK_PAGES);
};

/**
 * struct dn_pool - the pool
 * @lock:    for all that follows and for every block; never held while pages are
 *           cleared
 * @zeroed:  blocks without used pages and without dirty ones
 * @dirty:   blocks without used pages, some dirty
 * @partial: blocks with some used pages
 * @full:    blocks without a free page
 * @index:   block by pfn / DN_BLOCK_PAGES
 * @held:    the block that is being scrubbed: frees reach it, allocations don't
 * @wait:    where those who wait for @held sleep
 * @events:  how often that could have changed what a sleeper waits for
 * @nr_whole: blocks on @zeroed and @dirty
 * @pages, @nr_free, @nr_dirty: sums over all blocks, @held included
 */
struct dn_pool {
	struct mutex lock;	/* see above */
	struct list_head zeroed;
	struct list_head dirty;
	struct list_head partial;
	struct list_head full;
	struct xarray index;
	struct dn_pblock *held;
	wait_queue_head_t wait;
	unsigned long events;
	unsigned long nr_whole;
	unsigned long pages;
	unsigned long nr_free;
	unsigned long nr_dirty;
};

extern struct dn_pool dn_pool;

static inline struct dn_pblock *dn_pblock_of(unsigned long pfn)
{
	return xa_load(&dn_pool.index, pfn / DN_BLOCK_PAGES);
}

void dn_pblock_out(struct dn_pblock *blk);
void dn_pblock_in(struct dn_pblock *blk);
void dn_pool_changed(void);
void dn_pool_await(unsigned long events);
void dn_pool_scrub(void);

#endif /* DN_PBLOCK_H */
