// SPDX-License-Identifier: MIT
/*
 * lwIP's memory, in place of its mem.c and memp.c: pools and buffers come from
 * the heap as they are needed and go back to it, so that a small guest doesn't pay
 * for 128 connections that it never has. Freed blocks stay in short caches: most
 * allocations are a few instructions. All of it together stays within
 * denali_net_tune.budget, so that a flood can't take the application's memory. The
 * last of it is for acknowledgments (nic.c).
 *
 * Caches are guarded by disabled interrupts. Not to be called from handlers,
 * as malloc() may sleep.
 */
#include <stdlib.h>
#include <lwip/opt.h>
#include <lwip/memp.h>
#include <lwip/pbuf.h>
#include <lwip/raw.h>
#include <lwip/udp.h>
#include <lwip/tcp.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/netbuf.h>
#include <lwip/api.h>
#include <lwip/priv/tcpip_priv.h>
#include <lwip/priv/api_msg.h>
#include <lwip/priv/sockets_priv.h>
#include <lwip/etharp.h>
#include <lwip/igmp.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/mld6.h>
#include <lwip/netdb.h>
#include <lwip/dns.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/timeouts.h>
#include <denali-os/irq.h>
#include "net.h"

#define LWIP_MEMPOOL(name, num, size, desc) LWIP_MEMPOOL_DECLARE(name, num, size, desc)
#include <lwip/priv/memp_std.h>

const struct memp_desc *const memp_pools[MEMP_MAX] = {
#define LWIP_MEMPOOL(name, num, size, desc) &memp_ ## name,
#include <lwip/priv/memp_std.h>
};

/* Lives in memp_desc.base. The free list is *memp_desc.tab. */
struct denali_pool {
	uint32_t used;
	uint32_t cached;
	uint32_t limit;
};

_Static_assert(sizeof(struct denali_pool) == DENALI_POOL_STATE, "arch/cc.h reserves a pool's state");

/* Most blocks that one cache keeps. */
#define CACHE_MAX	32

struct block {
	union {
		struct block *next;	/* in a cache */
		uint32_t class;		/* in use */
	};
	uint32_t size;			/* of the whole, with this header */
};

/* The last but one takes a full frame with lwIP's header room. */
static const uint16_t class_size[] = { 64, 128, 256, 576, 1152, 1624, 2112 };

#define CLASSES		(sizeof(class_size) / sizeof(class_size[0]))
#define CLASS_NONE	CLASSES

static struct {
	struct block *free;
	uint32_t cached;
} cache[CLASSES];

/* The part of the budget that only denali_net_alloc_urgent() may take: a sixteenth. */
#define URGENT_SHIFT	4

static uint32_t taken;		/* bytes from the heap, caches included */
static int urgent;		/* who allocates may take the last of the budget */

uint32_t denali_net_memory_used(void)
{
	return taken;
}

uint32_t denali_pool_used(memp_t type)
{
	return ((const struct denali_pool *)memp_pools[type]->base)->used;
}

static void *heap_take(uint32_t size)
{
	uint32_t budget = denali_net_tune.budget, flags;
	void *p;

	if (!urgent)
		budget -= budget >> URGENT_SHIFT;
	if (taken + size > budget)
		return NULL;
	p = malloc(size);
	if (!p)
		return NULL;
	flags = denali_irq_disable();
	taken += size;
	denali_irq_restore(flags);
	return p;
}

static void heap_give(void *p, uint32_t size)
{
	uint32_t flags = denali_irq_disable();

	taken -= size;
	denali_irq_restore(flags);
	free(p);
}

/* Give all cached blocks back: memory may be short in one size and idle in another. */
static void cache_drain(void)
{
	struct block *list, *next;
	struct memp *elem;
	uint32_t flags;
	size_t i;

	for (i = 0; i < CLASSES; i++) {
		flags = denali_irq_disable();
		list = cache[i].free;
		cache[i].free = NULL;
		cache[i].cached = 0;
		denali_irq_restore(flags);
		for (; list; list = next) {
			next = list->next;
			heap_give(list, class_size[i]);
		}
	}
	for (i = 0; i < MEMP_MAX; i++) {
		for (;;) {
			flags = denali_irq_disable();
			elem = *memp_pools[i]->tab;
			if (elem) {
				*memp_pools[i]->tab = elem->next;
				((struct denali_pool *)memp_pools[i]->base)->cached--;
			}
			denali_irq_restore(flags);
			if (!elem)
				break;
			heap_give(elem, memp_pools[i]->size);
		}
	}
}

static void *heap_take_hard(uint32_t size)
{
	void *p = heap_take(size);

	if (!p) {
		cache_drain();
		p = heap_take(size);
	}
	return p;
}

void mem_init(void)
{
}

void *mem_malloc(mem_size_t size)
{
	struct block *b = NULL;
	uint32_t class, flags;

	if (size > denali_net_tune.budget)
		return NULL;
	size += sizeof(*b);
	for (class = 0; class < CLASSES && class_size[class] < size; class++)
		;
	if (class < CLASSES) {
		flags = denali_irq_disable();
		b = cache[class].free;
		if (b) {
			cache[class].free = b->next;
			cache[class].cached--;
		}
		denali_irq_restore(flags);
		size = class_size[class];
	}
	if (!b) {
		b = heap_take_hard(size);
		if (!b)
			return NULL;
		b->size = size;
	}
	b->class = class;
	return b + 1;
}

void mem_free(void *mem)
{
	struct block *b = (struct block *)mem - 1;
	uint32_t class, flags;

	if (!mem)
		return;
	class = b->class;
	if (class < CLASSES && cache[class].cached < CACHE_MAX) {
		flags = denali_irq_disable();
		b->next = cache[class].free;
		cache[class].free = b;
		cache[class].cached++;
		denali_irq_restore(flags);
		return;
	}
	heap_give(b, b->size);
}

void *mem_calloc(mem_size_t count, mem_size_t size)
{
	void *p;

	if (size && count > UINT32_MAX / size)
		return NULL;
	p = mem_malloc(count * size);
	if (p)
		memset(p, 0, count * size);
	return p;
}

void *mem_trim(void *mem, mem_size_t size)
{
	(void)size;
	return mem;
}

struct pbuf *denali_net_alloc_urgent(uint16_t len)
{
	struct pbuf *p;

	/* Another thread that comes in between may take some of it too: no harm. */
	urgent = 1;
	p = pbuf_alloc(PBUF_RAW, len, PBUF_RAM);
	urgent = 0;
	return p;
}

void memp_init_pool(const struct memp_desc *desc)
{
	struct denali_pool *pool = (struct denali_pool *)desc->base;

	*desc->tab = NULL;
	pool->used = 0;
	pool->cached = 0;
	pool->limit = desc->num;
}

void memp_init(void)
{
	int i;

	for (i = 0; i < MEMP_MAX; i++)
		memp_init_pool(memp_pools[i]);
	/* When these run out, lwIP reuses connections in TIME_WAIT. */
	((struct denali_pool *)memp_TCP_PCB.base)->limit = denali_net_tune.tcp_pcbs;
}

void *memp_malloc_pool(const struct memp_desc *desc)
{
	struct denali_pool *pool = (struct denali_pool *)desc->base;
	uint32_t flags = denali_irq_disable();
	struct memp *elem = NULL;
	int allowed = pool->used < pool->limit;

	if (allowed) {
		pool->used++;
		elem = *desc->tab;
		if (elem) {
			*desc->tab = elem->next;
			pool->cached--;
		}
	}
	denali_irq_restore(flags);
	if (elem || !allowed)
		return elem;

	elem = heap_take_hard(desc->size);
	if (!elem) {
		flags = denali_irq_disable();
		pool->used--;
		denali_irq_restore(flags);
	}
	return elem;
}

void memp_free_pool(const struct memp_desc *desc, void *mem)
{
	struct denali_pool *pool = (struct denali_pool *)desc->base;
	struct memp *elem = mem;
	uint32_t flags;
	int keep;

	if (!mem)
		return;
	flags = denali_irq_disable();
	pool->used--;
	keep = pool->cached < CACHE_MAX;
	if (keep) {
		elem->next = *desc->tab;
		*desc->tab = elem;
		pool->cached++;
	}
	denali_irq_restore(flags);
	if (!keep)
		heap_give(mem, desc->size);
}

void *memp_malloc(memp_t type)
{
	return memp_malloc_pool(memp_pools[type]);
}

void memp_free(memp_t type, void *mem)
{
	memp_free_pool(memp_pools[type], mem);
}
