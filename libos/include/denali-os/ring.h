/* SPDX-License-Identifier: MIT */
/*
 * libos front end of a port's ring (denali/ring.h): what every driver does, in
 * one place. Not locked: callers disable interrupts or hold a mutex of theirs.
 *
 * Sending:	while (denali_ring_free(f)) denali_ring_push(f, ...);
 *		denali_ring_kick(f);
 * Receiving:	do {
 *			while (denali_ring_pop(f, &d)) ...
 *		} while (denali_ring_arm(f));
 */
#ifndef DENALI_OS_RING_H
#define DENALI_OS_RING_H

#include <denali/hypercall.h>
#include <denali/ring.h>
#include <string.h>

struct denali_ring_front {
	volatile struct denali_ring *ring;
	uint32_t port;
	uint32_t size;
	uint32_t req_prod;	/* requests pushed, kicked or not */
	uint32_t rsp_cons;	/* responses popped */
};

/* Bytes of a ring of 2^order descriptors, for memory aligned to 64. */
#define DENALI_RING_BYTES(order) \
	(sizeof(struct denali_ring) + (sizeof(struct denali_desc) << (order)))

static inline void denali_ring_mb(void)
{
	__asm__ __volatile__("lock; addl $0, (%%esp)" : : : "memory", "cc");
}

/**
 * denali_ring_init() - clear a ring and show it to the host
 * @mem: DENALI_RING_BYTES(order), 64-byte aligned
 *
 * Interrupts for responses are not armed. Return: 0 or a negative DENALI_E*.
 */
static inline int denali_ring_init(struct denali_ring_front *f, uint32_t port, uint32_t queue,
				   uint32_t order, void *mem)
{
	memset(mem, 0, DENALI_RING_BYTES(order));
	f->ring = mem;
	f->port = port;
	f->size = 1U << order;
	f->req_prod = 0;
	f->rsp_cons = 0;
	return denali_hypercall3(DENALI_HC_RING, port << 8 | queue, (uint32_t)(uintptr_t)mem, order);
}

/** denali_ring_free() - requests that can be pushed now. */
static inline uint32_t denali_ring_free(const struct denali_ring_front *f)
{
	return f->size - (f->req_prod - f->rsp_cons);
}

/** denali_ring_push() - add a request; the host sees it after denali_ring_kick(). Needs denali_ring_free() > 0. */
static inline void denali_ring_push(struct denali_ring_front *f, const void *buf, uint32_t len,
				    uint16_t flags, uint64_t pos, uint64_t cookie)
{
	volatile struct denali_desc *d = &f->ring->desc[f->req_prod++ & (f->size - 1)];

	d->addr = (uint32_t)(uintptr_t)buf;
	d->len = len;
	d->flags = flags;
	d->op = 0;
	d->status = 0;
	d->pos = pos;
	d->cookie = cookie;
}

/** denali_ring_kick() - publish pushed requests; rings the doorbell only if the host asked. Return: 1 if it rang. */
static inline int denali_ring_kick(struct denali_ring_front *f)
{
	uint32_t from = f->ring->req_prod;

	if (from == f->req_prod)
		return 0;
	__asm__ __volatile__("" : : : "memory");
	f->ring->req_prod = f->req_prod;
	denali_ring_mb();
	if (!denali_ring_event(f->ring->req_event, from, f->req_prod))
		return 0;
	denali_hypercall3(DENALI_HC_DOORBELL, f->port, 0, 0);
	return 1;
}

/** denali_ring_pop() - take the next response. Return: 1, or 0 if there is none. */
static inline int denali_ring_pop(struct denali_ring_front *f, struct denali_desc *out)
{
	volatile struct denali_desc *d;

	if (f->ring->rsp_prod == f->rsp_cons)
		return 0;
	__asm__ __volatile__("" : : : "memory");
	d = &f->ring->desc[f->rsp_cons++ & (f->size - 1)];
	out->addr = d->addr;
	out->len = d->len;
	out->flags = d->flags;
	out->op = d->op;
	out->status = d->status;
	out->pos = d->pos;
	out->cookie = d->cookie;
	return 1;
}

/** denali_ring_arm() - ask for an interrupt at the next response. Return: 1 if one is there already: pop it. */
static inline int denali_ring_arm(struct denali_ring_front *f)
{
	f->ring->rsp_event = f->rsp_cons + 1;
	denali_ring_mb();
	return f->ring->rsp_prod != f->rsp_cons;
}

#endif /* DENALI_OS_RING_H */
