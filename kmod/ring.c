// SPDX-License-Identifier: GPL-2.0
/*
 * The host's side of the rings in guest memory (include/denali/ring.h).
 *
 * Every port speaks through these, so everything that makes a ring safe against
 * the guest that wrote it is here: each field is fetched once, an index that
 * claims more requests than there are descriptors ends the VM, and a response
 * is only ever written into the slot of a request that was consumed. The
 * guest's copy of what the host wrote is never read back.
 *
 * A ring's indices are shown and thresholds read by the VM's runner while the VM isn't in
 * the guest (a switch fills buffers meanwhile, without showing them), so
 * between publishing an index and reading the other side's threshold nothing
 * can happen, and no full barrier is paid for. A process that maps the VM's
 * memory and plays guest meanwhile can only lose its own notifications.
 */
#include <linux/kernel.h>

#include "vm.h"

#define DN_REQ_PROD	0	/* u32 indices into the guest-written line */
#define DN_RSP_EVENT	1
#define DN_RSP_PROD	0	/* and into the host-written line */
#define DN_REQ_EVENT	1

/**
 * dn_ring_set() - take over a ring from the guest
 * @vm:    owner
 * @ring:  the host's side; its indices are reset
 * @ga:    guest address of struct denali_ring; 0 takes the ring away
 * @order: log2 of the number of descriptors
 *
 * Return: 0, -EINVAL (alignment, order), -EFAULT (not wholly inside memory above
 * page 0). After an error the ring is as it was. A ring that lies on another, on
 * its own buffers or on the virtual registers confuses only the guest: all that is
 * written is guest memory, and nothing that was written is believed.
 */
int dn_ring_set(struct dn_vm *vm, struct dn_ring *ring, dn_gaddr_t ga, u32 order)
{
	u32 *req, *rsp;
	u32 bytes;

	if (!ga.addr) {
		memset(ring, 0, sizeof(*ring));
		return 0;
	}
	if (order > DENALI_RING_MAX_ORDER || !IS_ALIGNED(ga.addr, 64))
		return -EINVAL;
	bytes = sizeof(struct denali_ring) + (sizeof(struct denali_desc) << order);
	if (!dn_gmem_ok(vm->mem_size, ga, bytes))
		return -EFAULT;

	/* The header is two lines of 64 bytes; a page may end between them. */
	req = dn_gmem_ptr(vm, ga, sizeof(u32) * 2);
	rsp = dn_gmem_ptr(vm, dn_gaddr(ga.addr + offsetof(struct denali_ring, rsp_prod)),
			  sizeof(u32) * 2);
	if (!req || !rsp)
		return -EFAULT;

	*ring = (struct dn_ring){
		.hdr_req = req,
		.hdr_rsp = rsp,
		.desc = dn_gaddr(ga.addr + offsetof(struct denali_ring, desc)),
		.mask = BIT(order) - 1,
	};
	WRITE_ONCE(rsp[DN_RSP_PROD], 0);
	WRITE_ONCE(rsp[DN_REQ_EVENT], 1);
	return 0;
}

static noinline int dn_ring_broken(struct dn_vm *vm, const struct dn_ring *ring, u32 prod)
{
	const struct dn_port *port;
	u32 i;

	for (i = 0; (port = dn_vm_port(vm, i)); i++) {
		if (ring >= port->ring && ring < port->ring + DENALI_QUEUES)
			dn_vm_end(vm, DENALI_END_PROTOCOL, 0,
				  "port %u queue %td: req_prod %u is more than %u ahead of %u requests consumed",
				  i, ring - port->ring, prod, ring->mask + 1, ring->req_cons);
	}
	return -EPROTO;
}

static dn_gaddr_t dn_ring_slot_addr(const struct dn_ring *ring, u32 index)
{
	return dn_gaddr(ring->desc.addr + (index & ring->mask) * sizeof(struct denali_desc));
}

static struct denali_desc *dn_ring_slot(struct dn_vm *vm, const struct dn_ring *ring, u32 index)
{
	/* 32-byte descriptors on 64-byte alignment: none crosses a page. */
	return dn_gmem_ptr(vm, dn_ring_slot_addr(ring, index), sizeof(struct denali_desc));
}

/* Is there a request? As dn_ring_fetch() returns it. */
static inline int dn_ring_next(struct dn_vm *vm, const struct dn_ring *ring)
{
	u32 prod;

	if (!ring->hdr_req)
		return 0;
	prod = READ_ONCE(ring->hdr_req[DN_REQ_PROD]);
	if (prod == ring->req_cons)
		return 0;
	if (unlikely(prod - ring->req_cons > ring->mask + 1))
		return dn_ring_broken(vm, ring, prod);
	smp_rmb(); /* the index before what it covers */
	return 1;
}

/* A private copy of a request, each field read once. */
static inline void dn_ring_copy(struct dn_vm *vm, const struct dn_ring *ring, u32 index,
				struct denali_desc *desc)
{
	const struct denali_desc *slot = dn_ring_slot(vm, ring, index);

	desc->addr = READ_ONCE(slot->addr);
	desc->len = READ_ONCE(slot->len);
	desc->flags = READ_ONCE(slot->flags);
	desc->op = READ_ONCE(slot->op);
	desc->status = 0;
	desc->pos = READ_ONCE(slot->pos);
	desc->cookie = READ_ONCE(slot->cookie);
}

/**
 * dn_ring_fetch() - consume the next request
 * @vm:   owner
 * @ring: ring
 * @desc: a private copy of the request
 *
 * Return: 1 fetched, 0 nothing there (or no ring), -EPROTO the ring is broken and
 * the VM has been ended.
 */
int dn_ring_fetch(struct dn_vm *vm, struct dn_ring *ring, struct denali_desc *desc)
{
	int ret = dn_ring_next(vm, ring);

	if (likely(ret > 0))
		dn_ring_copy(vm, ring, ring->req_cons++, desc);
	return ret;
}

/**
 * dn_ring_fetch_other() - as dn_ring_fetch(), for who isn't the VM's runner
 * @vm:   owner
 * @ring: ring
 * @desc: a private copy of the request
 *
 * Return: as dn_ring_fetch(); -EAGAIN if it is in a page of the VM's template, which
 * dn_ring_peek() mends. Context: others are kept from this ring.
 */
int dn_ring_fetch_other(struct dn_vm *vm, struct dn_ring *ring, struct denali_desc *desc)
{
	int ret = dn_ring_next(vm, ring);

	if (ret <= 0)
		return ret;
	if (unlikely(!dn_gmem_owned(vm, dn_ring_slot_addr(ring, ring->req_cons), sizeof(*desc))))
		return -EAGAIN;
	dn_ring_copy(vm, ring, ring->req_cons++, desc);
	return 1;
}

/**
 * dn_ring_peek() - look at a request that isn't consumed yet
 * @vm:   owner
 * @ring: ring
 * @at:   its number, or that of an earlier one: then it is moved on
 * @desc: a private copy
 *
 * Its place is the VM's own from then on. Context: the VM's runner; others may be
 * consuming it. Return: is there one?
 */
bool dn_ring_peek(struct dn_vm *vm, const struct dn_ring *ring, u32 *at, struct denali_desc *desc)
{
	u32 cons = READ_ONCE(ring->req_cons), prod;

	if (!ring->hdr_req)
		return false;
	prod = READ_ONCE(ring->hdr_req[DN_REQ_PROD]);
	if ((s32)(*at - cons) < 0)
		*at = cons;
	/* Who consumes the next request finds out if the ring is broken. */
	if (prod - cons > ring->mask + 1 || (s32)(prod - *at) <= 0)
		return false;
	smp_rmb(); /* the index before what it covers */
	dn_ring_copy(vm, ring, *at, desc);
	return true;
}

/**
 * dn_ring_unfetch() - give requests back, as if not fetched
 * @ring: ring
 * @n:    how many of the last ones fetched
 *
 * Nothing of them may have been answered. They are fetched and checked anew, so
 * what the guest changes meanwhile is no hazard.
 */
void dn_ring_unfetch(struct dn_ring *ring, u32 n)
{
	ring->req_cons -= n;
}

/**
 * dn_ring_respond() - write a response; the guest sees it after dn_ring_publish()
 * @vm:   owner
 * @ring: ring
 * @desc: a request that was fetched, with len and status of the response
 */
void dn_ring_respond(struct dn_vm *vm, struct dn_ring *ring, const struct denali_desc *desc)
{
	if (WARN_ON_ONCE(ring->rsp_prod == ring->req_cons))
		return;
	*dn_ring_slot(vm, ring, ring->rsp_prod++) = *desc;
}

/**
 * dn_ring_publish() - show the guest the responses written since the last call
 * @ring: ring
 *
 * Return: true if the guest wants an interrupt for one of them.
 */
bool dn_ring_publish(struct dn_ring *ring)
{
	u32 from = ring->rsp_pub, to = ring->rsp_prod;

	if (from == to)
		return false;
	ring->rsp_pub = to;
	/* The responses before the index that covers them. */
	smp_store_release(&ring->hdr_rsp[DN_RSP_PROD], to);
	return denali_ring_event(READ_ONCE(ring->hdr_req[DN_RSP_EVENT]), from, to);
}

/**
 * dn_ring_publish_one() - show the guest the first response that it doesn't see yet
 * @ring: ring
 *
 * Return: was there one? The guest isn't asked whether it wants an interrupt.
 */
bool dn_ring_publish_one(struct dn_ring *ring)
{
	if (ring->rsp_pub == ring->rsp_prod)
		return false;
	/* As above. */
	smp_store_release(&ring->hdr_rsp[DN_RSP_PROD], ++ring->rsp_pub);
	return true;
}

/**
 * dn_ring_arm() - have the guest ring the doorbell at its next request
 * @ring: ring
 *
 * Return: true if there are requests already.
 */
bool dn_ring_arm(struct dn_ring *ring)
{
	if (!ring->hdr_req)
		return false;
	WRITE_ONCE(ring->hdr_rsp[DN_REQ_EVENT], ring->req_cons + 1);
	return READ_ONCE(ring->hdr_req[DN_REQ_PROD]) != ring->req_cons;
}
