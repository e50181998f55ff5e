// SPDX-License-Identifier: GPL-2.0
/*
 * Frames between a NIC's rings and its back end.
 *
 * What a guest sends, and what comes from a tap, is moved by the VM's runner in
 * dn_nic_move(), straight between the guest's buffers and the back end; nothing is
 * allocated here for a frame. What comes from a switch is put into the guest's buffers
 * by its sender, in dn_nic_put(), and shown to the guest by its runner.
 *
 * Receiving from a tap is lazy. A frame is taken only when the guest has a buffer for
 * it; whatever a guest is too slow for waits in the tap's own queue. At a switch few frames wait
 * (vswitch_queue.c); more are lost and counted.
 *
 * What a guest sends is checked on a private copy of its Ethernet header, and
 * that copy is what is sent: the source address can't change in between.
 *
 * A frame that the back end can't take is lost, as on a wire: it is counted and answered
 * with -DENALI_EIO.
 */
#include <linux/etherdevice.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "nic.h"
#include "runner.h"
#include "vm.h"

#define DN_NIC_FRAMES	64		/* one turn's budget each way: frames */
#define DN_NIC_BYTES	65536		/* and bytes */

/* Ends the VM if a buffer isn't the guest's. */
static bool dn_nic_desc_ok(struct dn_nic *nic, u32 queue, const struct denali_desc *desc)
{
	struct dn_vm *vm = nic->port.vm;

	if (likely(dn_gmem_ok(vm->mem_size, dn_gaddr(desc->addr), desc->len)))
		return true;
	dn_vm_end(vm, DENALI_END_PROTOCOL, 0,
		  "port %u queue %u: buffer %#x, %u bytes, is not inside memory",
		  nic->port.index, queue, desc->addr, desc->len);
	return false;
}

/*
 * Copy the Ethernet header out of the guest, once, and cut it off @vec, which
 * holds at least that much.
 */
static void dn_nic_pull_header(struct kvec *vec, struct ethhdr *eth)
{
	u32 got, run;

	for (got = 0; got < ETH_HLEN; got += run, vec++) {
		run = min_t(size_t, vec->iov_len, ETH_HLEN - got);
		memcpy((u8 *)eth + got, vec->iov_base, run);
		vec->iov_base += run;
		vec->iov_len -= run;
	}
	barrier();	/* what is checked is this copy, not another look */
}

/* Where the checksum of a frame of @len bytes goes; false: outside its payload. */
static bool dn_nic_csum(const struct denali_desc *desc, u32 len, struct virtio_net_hdr *hdr)
{
	u32 start = desc->pos & 0xffff, offset = desc->pos >> 16 & 0xffff;

	/* Below the payload it would overwrite the address that was checked. */
	if (start < ETH_HLEN || start + offset + sizeof(__sum16) > len)
		return false;
	hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	hdr->csum_start = (__force __virtio16)start;
	hdr->csum_offset = (__force __virtio16)offset;
	return true;
}

/* Send the frame of @n descriptors, @len bytes. Returns the response's status. */
static int dn_nic_send(struct dn_nic *nic, const struct denali_desc *desc, u32 n, u64 len)
{
	struct dn_frame frame __uninitialized;
	u32 i;
	int ret;

	for (i = 0; i < n; i++)
		if (desc[i].op || desc[i].flags & ~(DENALI_DESC_MORE | DENALI_DESC_CSUM))
			return -DENALI_EINVAL;
	if (desc[n - 1].flags & DENALI_DESC_MORE || len < ETH_HLEN || len > nic->mtu + ETH_HLEN)
		return -DENALI_EINVAL;
	if (!dn_nic_plugged(nic))
		return -DENALI_EIO;
	memset(&frame.hdr, 0, sizeof(frame.hdr));
	if (desc->flags & DENALI_DESC_CSUM &&
	    (!dn_nic_has_csum(nic) || !dn_nic_csum(desc, len, &frame.hdr.hdr)))
		return -DENALI_EINVAL;

	frame.len = len;
	frame.nr = DN_FRAME_VEC_ETH + 1;
	for (i = 0; i < n; i++) {
		ret = dn_gmem_kvec(nic->port.vm, dn_gaddr(desc[i].addr), desc[i].len,
				   frame.vec + frame.nr, ARRAY_SIZE(frame.vec) - frame.nr, false);
		if (WARN_ON_ONCE(ret < 0))
			return -DENALI_EIO;
		frame.nr += ret;
	}
	dn_nic_pull_header(frame.vec + DN_FRAME_VEC_ETH + 1, &frame.eth);
	if (!ether_addr_equal(frame.eth.h_source, nic->port.mac))
		return -DENALI_EINVAL;
	frame.vec[DN_FRAME_VEC_ETH].iov_base = &frame.eth;
	frame.vec[DN_FRAME_VEC_ETH].iov_len = ETH_HLEN;

	ret = nic->tap ? dn_tap_send(nic->tap, &frame) :
			 dn_vport_send(dn_nic_vport(nic), &frame);
	return likely(!ret) ? 0 : -DENALI_EIO;
}

/*
 * May one way's turn go on after so much? A back end may be slow, and a frame on a bridge be copied
 * a thousand times: it ends with that of the VM, whose time it is.
 */
static bool dn_nic_may(const struct dn_vm *vm, u32 frames, u32 bytes)
{
	return !frames || (frames < DN_NIC_FRAMES && bytes < DN_NIC_BYTES && !dn_runner_over(vm));
}

/* Both report true if they stopped at their budget. */
static bool dn_nic_service_tx(struct dn_nic *nic)
{
	struct denali_desc desc[DENALI_FRAME_MAX_DESCS] __uninitialized;
	struct dn_ring *ring = &nic->port.ring[DENALI_QUEUE_OUT];
	struct dn_port_stats *stats = &nic->port.stats;
	struct dn_vm *vm = nic->port.vm;
	u32 frames, bytes = 0, n, i;
	int ret, status;
	u64 len;

	for (frames = 0; dn_nic_may(vm, frames, bytes); frames++) {
		/*
		 * A frame's descriptors must all be there: a frame that is cut off,
		 * or goes on after the eighth, is refused.
		 */
		for (n = 0, len = 0; n < DENALI_FRAME_MAX_DESCS; ) {
			ret = dn_ring_fetch(vm, ring, &desc[n]);
			if (ret < 0)
				return false;
			if (!ret)
				break;
			if (!dn_nic_desc_ok(nic, DENALI_QUEUE_OUT, &desc[n]))
				return false;
			len += desc[n].len;
			if (!(desc[n++].flags & DENALI_DESC_MORE))
				break;
		}
		if (!n)
			return dn_ring_arm(ring);

		status = dn_nic_send(nic, desc, n, len);
		if (likely(!status)) {
			stats->tx_packets++;
			stats->tx_bytes += len;
			bytes += len;
		} else {
			stats->tx_drops++;
		}
		for (i = 0; i < n; i++) {
			desc[i].status = status;
			if (status)
				desc[i].len = 0;
			dn_ring_respond(vm, ring, &desc[i]);
		}
	}
	return true;
}

/*
 * Take one frame from the tap into the buffer of @desc, which gets the response's
 * length and flags. Returns 0 or an error as dn_tap_receive().
 */
static int dn_nic_receive(struct dn_nic *nic, struct denali_desc *desc)
{
	u32 room = min(desc->len, nic->mtu + ETH_HLEN + DN_FRAME_VLAN);
	struct virtio_net_hdr_mrg_rxbuf hdr;
	struct kvec vec[3] __uninitialized;
	int ret, nr;

	nr = dn_gmem_kvec(nic->port.vm, dn_gaddr(desc->addr), room, vec + 1, ARRAY_SIZE(vec) - 1,
			  true);
	if (WARN_ON_ONCE(nr < 0))
		return -EIO;
	ret = dn_tap_receive(nic->tap, &hdr, vec, nr + 1, room);
	if (ret < 0)
		return ret;
	desc->len = ret;
	if (hdr.hdr.flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID))
		desc->flags |= DENALI_DESC_CSUM;
	return 0;
}

/* Answer a request that isn't for a buffer. Returns true if it was one of these. */
static bool dn_nic_refuse(struct dn_nic *nic, struct denali_desc *desc)
{
	if (likely(!desc->op && !desc->flags && desc->len >= ETH_HLEN))
		return false;
	desc->len = 0;
	desc->status = -DENALI_EINVAL;
	dn_ring_respond(nic->port.vm, &nic->port.ring[DENALI_QUEUE_IN], desc);
	return true;
}

static bool dn_nic_service_rx(struct dn_nic *nic)
{
	struct dn_ring *ring = &nic->port.ring[DENALI_QUEUE_IN];
	struct dn_port_stats *stats = &nic->port.stats;
	struct dn_vm *vm = nic->port.vm;
	struct denali_desc desc;
	u32 frames, bytes = 0;
	int ret;

	/* Still armed: nothing has come since the tap was found empty. */
	if (!nic->tap || READ_ONCE(nic->tap->armed))
		return false;

	/* From here a frame that is missed below kicks the port. */
	dn_tap_arm(nic->tap);
	for (frames = 0; dn_nic_may(vm, frames, bytes); frames++) {
		ret = dn_ring_fetch(vm, ring, &desc);
		if (ret <= 0) {
			/* No buffers: let frames wait, the guest rings with the next one. */
			dn_tap_disarm(nic->tap);
			return !ret && dn_ring_arm(ring);
		}
		if (!dn_nic_desc_ok(nic, DENALI_QUEUE_IN, &desc))
			return false;
		if (dn_nic_refuse(nic, &desc))
			continue;

		ret = dn_nic_receive(nic, &desc);
		if (likely(!ret)) {
			stats->rx_packets++;
			stats->rx_bytes += desc.len;
			bytes += desc.len;
			dn_ring_respond(vm, ring, &desc);
			continue;
		}
		dn_ring_unfetch(ring, 1);
		if (ret == -EAGAIN)
			return false;
		if (ret != -EMSGSIZE) {
			dn_nic_gone(nic);
			return false;
		}
		/* Too large for the buffer: the frame is lost, the buffer takes the next. */
		stats->rx_drops++;
	}
	dn_tap_disarm(nic->tap);
	return true;
}

/*
 * Pages that a clone shares with its template become its own here, before a switch writes to
 * them, as only its runner may see to that. Returns true if it stopped at its budget.
 */
static bool dn_nic_own_rx(struct dn_nic *nic)
{
	struct dn_ring *ring = &nic->port.ring[DENALI_QUEUE_IN];
	struct dn_vm *vm = nic->port.vm;
	u32 room = nic->mtu + ETH_HLEN + DN_FRAME_VLAN;
	struct denali_desc desc;
	bool fresh = false;
	u32 i;

	for (i = 0; dn_nic_may(vm, i, 0); i++, nic->rx_own++) {
		/*
		 * With all buffers its own for long there is nothing to be told of; others
		 * may follow those that weren't.
		 */
		if (!dn_ring_peek(vm, ring, &nic->rx_own, &desc))
			return fresh && dn_ring_arm(ring);
		if (desc.len && dn_gmem_ok(vm->mem_size, dn_gaddr(desc.addr), desc.len))
			fresh |= dn_gmem_make_own(vm, dn_gaddr(desc.addr), min(desc.len, room));
	}
	return true;
}

/**
 * dn_nic_put() - put a frame from a switch into a buffer of a NIC's
 * @port:  the NIC, whose VM may be doing anything
 * @frame: no larger than any NIC's
 *
 * One request of the guest's is looked at, good or bad, so that a hostile ring costs a
 * sender no more than another. A VM that is off has memory that stands still. What a clone
 * still shares with its template isn't written to: the VM's runner makes that its own, as it
 * would have, had it been told of the buffer.
 *
 * Context: any task; the lock of the switch's port is held. Return: 0, then the VM's runner is to
 * be told; -EAGAIN: there is no buffer now; other errors: it is lost.
 */
int dn_nic_put(struct dn_port *port, const struct dn_frame *frame)
{
	struct dn_ring *ring = &port->ring[DENALI_QUEUE_IN];
	struct dn_nic *nic = dn_nic_of(port);
	struct dn_vm *vm = port->vm;
	struct denali_desc desc;
	u32 i, done = 0;
	int ret;

	if (READ_ONCE(vm->on) == DN_OFF || dn_vm_ending(vm))
		return -ESHUTDOWN;
	ret = dn_ring_fetch_other(vm, ring, &desc);
	if (!ret)
		return -EAGAIN;
	if (unlikely(ret == -EAGAIN)) {
		dn_port_kick(port);
		return -EAGAIN;
	}
	if (ret < 0 || !dn_nic_desc_ok(nic, DENALI_QUEUE_IN, &desc)) {
		dn_vm_wake(vm, 0);
		return -EPROTO;
	}
	if (dn_nic_refuse(nic, &desc)) {
		dn_port_kick(port);
		return -EAGAIN;
	}
	if (frame->len > min(desc.len, nic->mtu + ETH_HLEN + DN_FRAME_VLAN)) {
		dn_ring_unfetch(ring, 1);
		return -EMSGSIZE;
	}
	if (unlikely(!dn_gmem_owned(vm, dn_gaddr(desc.addr), frame->len))) {
		dn_ring_unfetch(ring, 1);
		dn_port_kick(port);
		return -EAGAIN;
	}
	for (i = DN_FRAME_VEC_ETH; i < frame->nr; i++) {
		dn_gmem_write(vm, dn_gaddr(desc.addr + done), frame->vec[i].iov_base,
			      frame->vec[i].iov_len);
		done += frame->vec[i].iov_len;
	}
	desc.len = frame->len;
	if (dn_frame_csum(frame))
		desc.flags |= DENALI_DESC_CSUM;
	dn_ring_respond(vm, ring, &desc);
	port->stats.rx_packets++;
	port->stats.rx_bytes += frame->len;
	return 0;
}

/*
 * DENALI_CREATE_SYNC_IRQ: the next frame when the interrupt of the last has been taken. See
 * dn_hc_idle_sync() for when there is another look.
 */
static noinline bool dn_nic_publish_one(struct dn_nic *nic, struct dn_ring *ring)
{
	u32 irq = BIT(DENALI_IRQ_PORT0 + nic->port.index);
	struct dn_vm *vm = nic->port.vm;

	if (!vm->idling &&
	    (atomic_read(&vm->irq_raised) | READ_ONCE(vm->vregs->irq_pending)) & irq)
		return false;
	return dn_ring_publish_one(ring);
}

static bool dn_nic_publish(struct dn_nic *nic, struct dn_ring *ring)
{
	if (unlikely(nic->port.vm->flags & DENALI_CREATE_SYNC_IRQ))
		return dn_nic_publish_one(nic, ring);
	return dn_ring_publish(ring);
}

/* Show the guest what came in. Returns true if it wants an interrupt. */
static bool dn_nic_publish_rx(struct dn_nic *nic)
{
	struct dn_ring *ring = &nic->port.ring[DENALI_QUEUE_IN];
	struct dn_vport *vport = dn_nic_vport(nic);
	bool raise;

	if (!vport)
		return dn_nic_publish(nic, ring);
	dn_vport_lock(vport);
	raise = dn_nic_publish(nic, ring);
	dn_vport_unlock(vport);
	return raise;
}

/**
 * dn_nic_move() - move what can be moved, both ways, and tell the guest
 * @nic: a NIC
 *
 * Context: the VM's runner, may sleep. Return: true if it stopped at its budget.
 */
bool dn_nic_move(struct dn_nic *nic)
{
	struct dn_vport *vport;
	bool more;

	more = dn_nic_service_tx(nic);
	/* Sending may have found out that it is gone. */
	vport = dn_nic_vport(nic);
	more |= dn_nic_service_rx(nic);
	if (vport) {
		if (nic->port.vm->part->base)
			more |= dn_nic_own_rx(nic);
		more |= dn_vport_take(vport);
	}
	if (dn_ring_publish(&nic->port.ring[DENALI_QUEUE_OUT]) | dn_nic_publish_rx(nic))
		dn_port_raise(&nic->port);
	return more;
}
