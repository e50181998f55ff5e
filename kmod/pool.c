// SPDX-License-Identifier: GPL-2.0
/*
 * The memory pool: where its 2 MiB blocks come from and go to, and the scrubbing
 * of what partitions leave behind. Who has which page is part.c's.
 *
 * A page is handed out zeroed. It gets dirty when it is freed, and is cleared by
 * a work item long before anyone wants it, or else by the one who gets it. New
 * blocks start dirty, so that loading the module doesn't take a memset, but where
 * Linux has cleared them already (init_on_alloc).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ioport.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/suspend.h>
#include <linux/workqueue.h>

#include "gate.h"
#include "pblock.h"

#define DN_BLOCK_ORDER	(DN_BLOCK_SHIFT - PAGE_SHIFT)
#define DN_HOST_LEAST	SZ_64M

struct dn_pool dn_pool = {
	.lock = __MUTEX_INITIALIZER(dn_pool.lock),
	.zeroed = LIST_HEAD_INIT(dn_pool.zeroed),
	.dirty = LIST_HEAD_INIT(dn_pool.dirty),
	.partial = LIST_HEAD_INIT(dn_pool.partial),
	.full = LIST_HEAD_INIT(dn_pool.full),
	.index = XARRAY_INIT(dn_pool.index, 0),
	.wait = __WAIT_QUEUE_HEAD_INITIALIZER(dn_pool.wait),
};

static DEFINE_MUTEX(dn_pool_resizing);	/* outside dn_pool.lock */
static struct dev_pagemap *dn_pool_map;	/* of a pool made with pool_phys= */
static bool dn_pool_closing;

static void dn_pool_scrub_work(struct work_struct *work);
static DECLARE_WORK(dn_pool_scrubber, dn_pool_scrub_work);

/** dn_pblock_out() - take a block off its list, before its bitmaps change */
void dn_pblock_out(struct dn_pblock *blk)
{
	lockdep_assert_held(&dn_pool.lock);
	if (blk == dn_pool.held)
		return;
	if (!blk->nr_used)
		dn_pool.nr_whole--;
	list_del(&blk->node);
}

/** dn_pblock_in() - put a block on the list that it belongs to now */
void dn_pblock_in(struct dn_pblock *blk)
{
	lockdep_assert_held(&dn_pool.lock);
	if (blk == dn_pool.held)
		return;
	if (!blk->nr_used) {
		dn_pool.nr_whole++;
		list_add(&blk->node, blk->nr_dirty ? &dn_pool.dirty : &dn_pool.zeroed);
	} else {
		list_add(&blk->node, blk->nr_used < DN_BLOCK_PAGES ? &dn_pool.partial :
								      &dn_pool.full);
	}
}

/** dn_pool_changed() - memory or the scrubber's block came free: wake who waits */
void dn_pool_changed(void)
{
	lockdep_assert_held(&dn_pool.lock);
	WRITE_ONCE(dn_pool.events, dn_pool.events + 1);
	wake_up_all(&dn_pool.wait);
	dn_gate_changed();
}

/** dn_pool_await() - sleep until dn_pool.events isn't @events any more; soon, for the scrubber */
void dn_pool_await(unsigned long events)
{
	wait_event(dn_pool.wait, READ_ONCE(dn_pool.events) != events);
}

/*
 * The next block with dirty pages. Partly used ones first: as long as their gaps
 * are dirty, clean pages are taken out of whole blocks.
 */
static struct dn_pblock *dn_pool_next_dirty(void)
{
	struct dn_pblock *blk;

	list_for_each_entry(blk, &dn_pool.partial, node) {
		if (blk->nr_dirty)
			return blk;
	}
	return list_first_entry_or_null(&dn_pool.dirty, struct dn_pblock, node);
}

/*
 * The block is off the lists while its pages are cleared, so nobody gets one of
 * them. Pages that are freed into it meanwhile are dirty, but not in the todo map.
 */
static void dn_pool_scrub_work(struct work_struct *work)
{
	DECLARE_BITMAP(todo, DN_BLOCK_PAGES);
	struct dn_pblock *blk;
	unsigned int bit, nr;

	for (;;) {
		mutex_lock(&dn_pool.lock);
		blk = READ_ONCE(dn_pool_closing) ? NULL : dn_pool_next_dirty();
		if (!blk) {
			mutex_unlock(&dn_pool.lock);
			return;
		}
		dn_pblock_out(blk);
		dn_pool.held = blk;
		bitmap_andnot(todo, blk->dirty, blk->used, DN_BLOCK_PAGES);
		mutex_unlock(&dn_pool.lock);

		nr = 0;
		for_each_set_bit(bit, todo, DN_BLOCK_PAGES) {
			clear_page(dn_pfn_addr(blk->pfn + bit));
			if (!(++nr % 16))
				cond_resched();
		}

		mutex_lock(&dn_pool.lock);
		bitmap_andnot(blk->dirty, blk->dirty, todo, DN_BLOCK_PAGES);
		blk->nr_dirty -= nr;
		dn_pool.nr_dirty -= nr;
		dn_pool.held = NULL;
		dn_pblock_in(blk);
		dn_pool_changed();
		mutex_unlock(&dn_pool.lock);
	}
}

/** dn_pool_scrub() - have dirty pages cleared in the background */
void dn_pool_scrub(void)
{
	queue_work(system_unbound_wq, &dn_pool_scrubber);
}

static int dn_pool_add(unsigned long pfn, bool zeroed)
{
	struct dn_pblock *blk;
	int ret;

	if (pfn + DN_BLOCK_PAGES - 1 > U32_MAX)
		return -ERANGE;
	blk = kzalloc(sizeof(*blk), GFP_KERNEL_ACCOUNT);
	if (!blk)
		return -ENOMEM;
	blk->pfn = pfn;
	if (!zeroed) {
		blk->nr_dirty = DN_BLOCK_PAGES;
		bitmap_fill(blk->dirty, DN_BLOCK_PAGES);
	}

	mutex_lock(&dn_pool.lock);
	ret = xa_err(xa_store(&dn_pool.index, pfn / DN_BLOCK_PAGES, blk, GFP_KERNEL_ACCOUNT));
	if (ret) {
		kfree(blk);
	} else {
		dn_pool.pages += DN_BLOCK_PAGES;
		dn_pool.nr_free += DN_BLOCK_PAGES;
		dn_pool.nr_dirty += blk->nr_dirty;
		dn_pblock_in(blk);
		dn_pool_changed();
	}
	mutex_unlock(&dn_pool.lock);
	return ret;
}

/* Linux isn't given what is broken. */
static void dn_pool_free_pages(const struct dn_pblock *blk)
{
	struct page *page = pfn_to_page(blk->pfn);
	unsigned int bit;

	if (!blk->nr_used) {
		__free_pages(page, DN_BLOCK_ORDER);
		return;
	}
	split_page(page, DN_BLOCK_ORDER);
	for_each_clear_bit(bit, blk->used, DN_BLOCK_PAGES)
		__free_page(page + bit);
}

/* Take an unused block out of the pool and give its memory back. */
static void dn_pool_remove(struct dn_pblock *blk)
{
	lockdep_assert_held(&dn_pool.lock);
	dn_pblock_out(blk);
	xa_erase(&dn_pool.index, blk->pfn / DN_BLOCK_PAGES);
	dn_pool.pages -= DN_BLOCK_PAGES;
	dn_pool.nr_free -= DN_BLOCK_PAGES - blk->nr_used;
	dn_pool.nr_dirty -= blk->nr_dirty;
	if (!dn_pool_map)
		dn_pool_free_pages(blk);
	kfree(blk);
}

/* A block of which nobody has a page. */
static struct dn_pblock *dn_pool_unused(void)
{
	struct dn_pblock *blk;

	if (!list_empty(&dn_pool.dirty))
		return list_first_entry(&dn_pool.dirty, struct dn_pblock, node);
	if (!list_empty(&dn_pool.zeroed))
		return list_first_entry(&dn_pool.zeroed, struct dn_pblock, node);
	list_for_each_entry(blk, &dn_pool.partial, node)
		if (bitmap_equal(blk->used, blk->broken, DN_BLOCK_PAGES))
			return blk;
	return NULL;
}

static u64 dn_host_least(void)
{
	return max_t(u64, (u64)totalram_pages() << PAGE_SHIFT >> 4, DN_HOST_LEAST);
}

/* What the pool could take without going below the host's watermark. */
static u64 dn_host_spare(void)
{
	long avail = si_mem_available();
	u64 least = dn_host_least();
	u64 bytes = avail > 0 ? (u64)avail << PAGE_SHIFT : 0;

	return bytes > least ? bytes - least : 0;
}

static int dn_pool_grow(unsigned long nr)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN;
	struct page *page;
	int ret;

	for (; nr; nr--) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (dn_host_spare() < DN_BLOCK_SIZE)
			return -ENOMEM;
		page = alloc_pages(gfp, DN_BLOCK_ORDER);
		if (!page)
			return -ENOMEM;
		ret = dn_pool_add(page_to_pfn(page), want_init_on_alloc(gfp));
		if (ret) {
			__free_pages(page, DN_BLOCK_ORDER);
			return ret;
		}
		cond_resched();
	}
	return 0;
}

static int dn_pool_shrink(unsigned long nr)
{
	struct dn_pblock *blk;
	unsigned long events;
	int ret = 0;

	mutex_lock(&dn_pool.lock);
	while (nr) {
		blk = dn_pool_unused();
		if (blk) {
			dn_pool_remove(blk);
			nr--;
		} else if (dn_pool.held && !dn_pool.held->nr_used) {
			events = dn_pool.events;
			mutex_unlock(&dn_pool.lock);
			dn_pool_await(events);
			mutex_lock(&dn_pool.lock);
		} else {
			ret = -EBUSY;
			break;
		}
	}
	/* Who waits for more than the pool has now will wait forever. */
	dn_pool_changed();
	mutex_unlock(&dn_pool.lock);
	return ret;
}

/**
 * dn_pool_resize() - grow the pool, or free blocks that no partition uses
 * @bytes: wanted size, rounded up to whole blocks; on return what it is
 *
 * Return: 0; -ENOMEM where the host would run short, -EBUSY at blocks in use (the
 * pool then is as near as it came); -EINTR if killed; -EOPNOTSUPP for a physical
 * range. Context: may sleep.
 */
int dn_pool_resize(u64 *bytes)
{
	u64 want = (*bytes >> DN_BLOCK_SHIFT) + !!(*bytes & (DN_BLOCK_SIZE - 1));
	u64 have;
	int ret = 0;

	mutex_lock(&dn_pool_resizing);
	have = dn_pool.pages / DN_BLOCK_PAGES;
	if (dn_pool_map)
		ret = -EOPNOTSUPP;
	else if (want > have)
		ret = dn_pool_grow(want - have);
	else if (want < have)
		ret = dn_pool_shrink(have - want);
	*bytes = (u64)dn_pool.pages << PAGE_SHIFT;
	mutex_unlock(&dn_pool_resizing);
	dn_pool_scrub();
	return ret;
}

/** dn_pool_stat() - size of the pool and what of it is free */
void dn_pool_stat(struct dn_pool_stat *st)
{
	mutex_lock(&dn_pool.lock);
	st->bytes = (u64)dn_pool.pages << PAGE_SHIFT;
	st->free = (u64)dn_pool.nr_free << PAGE_SHIFT;
	st->dirty = (u64)dn_pool.nr_dirty << PAGE_SHIFT;
	mutex_unlock(&dn_pool.lock);
}

static int dn_pool_create_host(u64 bytes)
{
	u64 spare = dn_host_spare();
	u64 got = bytes;
	int ret = -ENOMEM;

	if (bytes > spare)
		got = spare;
	else
		ret = dn_pool_resize(&got);
	if (!ret)
		return 0;
	pr_err("pool: %llu MiB wanted, %llu MiB could be had in 2 MiB blocks: the host could spare %llu MiB and keeps %llu MiB; ask for less, or load the module soon after boot\n",
	       bytes >> 20, got >> 20, spare >> 20, dn_host_least() >> 20);
	return ret;
}

/* An image has Linux's own memory, nothing of what was kept from it. */
static int dn_pool_hibernate(struct notifier_block *notifier, unsigned long event, void *unused)
{
	if (event != PM_HIBERNATION_PREPARE)
		return NOTIFY_DONE;
	pr_err("hibernation refused: memory given by pool_phys= would be lost; unload the module first\n");
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block dn_pool_notifier = { .notifier_call = dn_pool_hibernate };

static int dn_pool_create_phys(u64 base, u64 bytes)
{
	struct dev_pagemap *map;
	void *addr;
	u64 pos;
	int ret;

	if (!bytes || (base | bytes) & (DN_BLOCK_SIZE - 1) || base + bytes < base) {
		pr_err("pool_phys: base 0x%llx and size 0x%llx must be multiples of 2 MiB, the size not 0\n",
		       base, bytes);
		return -EINVAL;
	}
	if (region_intersects(base, bytes, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) !=
	    REGION_DISJOINT) {
		pr_err("pool_phys: 0x%llx..0x%llx meets memory that Linux uses (System RAM in /proc/iomem); keep it from Linux with memmap=%lluM$%lluM on the boot command line\n",
		       base, base + bytes - 1, bytes >> 20, base >> 20);
		return -EBUSY;
	}
	if (!request_mem_region(base, bytes, KBUILD_MODNAME)) {
		pr_err("pool_phys: 0x%llx..0x%llx is taken, see /proc/iomem\n",
		       base, base + bytes - 1);
		return -EBUSY;
	}
	ret = -ENOMEM;
	map = kzalloc(sizeof(*map), GFP_KERNEL);
	if (!map)
		goto err_region;
	map->type = MEMORY_DEVICE_GENERIC;
	map->nr_range = 1;
	map->range.start = base;
	map->range.end = base + bytes - 1;
	addr = memremap_pages(map, NUMA_NO_NODE);
	if (IS_ERR(addr)) {
		ret = PTR_ERR(addr);
		pr_err("pool_phys: 0x%llx..0x%llx can't be mapped: error %d\n",
		       base, base + bytes - 1, ret);
		goto err_map;
	}
	dn_pool_map = map;
	register_pm_notifier(&dn_pool_notifier);
	for (pos = base; pos < base + bytes; pos += DN_BLOCK_SIZE) {
		ret = dn_pool_add(PHYS_PFN(pos), false);
		if (ret) {
			pr_err("pool_phys: 0x%llx can't be used: error %d%s\n", pos, ret,
			       ret == -ERANGE ? " (beyond 16 TiB)" : "");
			return ret;
		}
	}
	dn_pool_scrub();
	return 0;

err_map:
	kfree(map);
err_region:
	release_mem_region(base, bytes);
	return ret;
}

/**
 * dn_pool_create() - make the pool
 * @bytes:      to take from the page allocator, rounded up to 2 MiB; 0 is a pool
 *              that can grow later
 * @phys_base:  start of a physical range that Linux doesn't use
 * @phys_bytes: its size; both 0: none
 *
 * Says in one line of the log what is wrong. Return: 0 or an error, and no pool.
 * Context: module load.
 */
int dn_pool_create(u64 bytes, u64 phys_base, u64 phys_bytes)
{
	int ret;

	dn_pool_closing = false;
	if ((phys_base || phys_bytes) && bytes) {
		pr_err("pool: give either pool= or pool_phys=\n");
		return -EINVAL;
	}
	ret = phys_base || phys_bytes ? dn_pool_create_phys(phys_base, phys_bytes) :
					dn_pool_create_host(bytes);
	if (ret)
		dn_pool_destroy();
	return ret;
}

/**
 * dn_pool_destroy() - give all memory back
 *
 * No partition may be left; the blocks of one that is are lost rather than given
 * to someone else. Context: module unload; may sleep.
 */
void dn_pool_destroy(void)
{
	struct dn_pblock *blk;
	bool lost;

	WRITE_ONCE(dn_pool_closing, true);
	cancel_work_sync(&dn_pool_scrubber);

	mutex_lock(&dn_pool.lock);
	while ((blk = dn_pool_unused()))
		dn_pool_remove(blk);
	lost = dn_pool.pages;
	mutex_unlock(&dn_pool.lock);
	if (WARN_ON_ONCE(lost))
		return;

	xa_destroy(&dn_pool.index);
	if (dn_pool_map) {
		struct range range = dn_pool_map->range;

		unregister_pm_notifier(&dn_pool_notifier);
		memunmap_pages(dn_pool_map);
		release_mem_region(range.start, range_len(&range));
		kfree(dn_pool_map);
		dn_pool_map = NULL;
	}
}
