/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The memory pool and the partitions that VMs get from it.
 */
#ifndef DN_POOL_H
#define DN_POOL_H

#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "compat.h"

#define DN_BLOCK_SHIFT	21	/* the pool's unit: one large page */
#define DN_BLOCK_SIZE	_BITUL(DN_BLOCK_SHIFT)
#define DN_BLOCK_PAGES	(DN_BLOCK_SIZE >> PAGE_SHIFT)

struct dn_account;

/**
 * struct dn_part - a partition: the frames of one VM
 * @ref:      the VM and every mapping of its memory hold one
 * @pages:    its size in pages
 * @nr_large: number of leading 2 MiB chunks that are one aligned block each
 * @account:  charged for it, or NULL; see quota.c
 * @broken:   some of its pages are: see dn_part_break()
 * @closed:   the VM is destroyed: mappings get no further pages
 * @base:     NULL, or the template's partition, to which a reference is held: pages that
 *            the VM hasn't written yet are read there
 * @nr_own:   with @base: how many pages are the VM's own by now
 * @own:      bitmap of them
 * @own_longs: bitmap of the longs of @own that aren't 0
 * @pfn:      frame of each large chunk, then of each remaining 4 KiB page; behind it @own and
 *            @own_longs
 *
 * A clone has all of its frames from the start, so that copying can't fail. Frames don't
 * move and don't change owner while the partition exists. Page 0 isn't mapped in the
 * guest: it is the monitor's own (the VM's FPU registers) and must never be shown to
 * anyone else.
 */
struct dn_part {
	refcount_t ref;
	u32 pages;
	u32 nr_large;
	u32 nr_pfn;
	struct dn_account *account;
	bool broken;
	bool closed;
	struct dn_part *base;
	u32 nr_own;
	unsigned long *own;
	unsigned long *own_longs;
	u32 pfn[] __counted_by(nr_pfn);
};

/** dn_part_owns() - is page @gfn, which must be < @part->pages, the VM's own? */
static inline bool dn_part_owns(const struct dn_part *part, u32 gfn)
{
	return likely(!part->base) || test_bit(gfn, part->own);
}

/**
 * dn_part_owns_now() - dn_part_owns() for who isn't the VM's runner
 *
 * What is its own stays so until a reset, and may be written to. False may be out of date.
 */
static inline bool dn_part_owns_now(const struct dn_part *part, u32 gfn)
{
	return likely(!part->base) || test_bit_acquire(gfn, part->own);
}

/** dn_part_frame() - frame that @gfn has in this partition, whether it is used yet or not */
static inline unsigned long dn_part_frame(const struct dn_part *part, u32 gfn)
{
	u32 chunk = gfn >> (DN_BLOCK_SHIFT - PAGE_SHIFT);

	if (chunk < part->nr_large)
		return (unsigned long)part->pfn[chunk] + (gfn & (DN_BLOCK_PAGES - 1));
	return part->pfn[part->nr_large + gfn - part->nr_large * DN_BLOCK_PAGES];
}

/** dn_part_pfn() - frame in which guest frame @gfn, which must be < @part->pages, is found now */
static inline unsigned long dn_part_pfn(const struct dn_part *part, u32 gfn)
{
	return dn_part_frame(dn_part_owns(part, gfn) ? part : part->base, gfn);
}

/**
 * dn_pfn_addr() - host address of a frame
 * @pfn: its number
 *
 * A function, for its argument's type: pfn_to_kaddr() shifts a u32 as a u32, and what
 * is left of it above 4 GiB is an address of somebody else's.
 */
static inline void *dn_pfn_addr(unsigned long pfn)
{
	return pfn_to_kaddr(pfn);
}

/** dn_part_addr() - host address of guest frame @gfn, which must be < @part->pages */
static inline void *dn_part_addr(const struct dn_part *part, u32 gfn)
{
	return dn_pfn_addr(dn_part_pfn(part, gfn));
}

/** dn_part_own_bytes() - how much of a partition isn't still read from a template */
static inline u64 dn_part_own_bytes(const struct dn_part *part)
{
	return (u64)(part->base ? READ_ONCE(part->nr_own) : part->pages) << PAGE_SHIFT;
}

/** dn_part_broken() - is memory of this partition or its template's known to be broken? */
static inline bool dn_part_broken(const struct dn_part *part)
{
	return READ_ONCE(part->broken) || (part->base && READ_ONCE(part->base->broken));
}

struct dn_part *dn_part_alloc(u32 pages, struct dn_part *base);
bool dn_part_too_large(u32 pages);
bool dn_part_own(struct dn_part *part, u32 gfn);
unsigned long dn_part_disown(struct dn_part *part, u32 i);
bool dn_part_break(struct dn_part *part, unsigned long pfn);
void dn_part_put(struct dn_part *part);
size_t dn_part_kmem(const struct dn_part *part);

static inline struct dn_part *dn_part_get(struct dn_part *part)
{
	refcount_inc(&part->ref);
	return part;
}

struct dn_pool_stat {
	u64 bytes;
	u64 free;	/* of it free, clean or not */
	u64 dirty;	/* of @free still being scrubbed */
};

int dn_pool_create(u64 bytes, u64 phys_base, u64 phys_bytes);
void dn_pool_destroy(void);
int dn_pool_resize(u64 *bytes);
void dn_pool_stat(struct dn_pool_stat *st);

#endif /* DN_POOL_H */
