// SPDX-License-Identifier: GPL-2.0
/*
 * Frames that wait at a port of a switch, as its guest has no buffer for them yet.
 *
 * A guest that isn't on a CPU while a burst comes has the buffers that it left, and what these
 * don't hold would be lost, and with it the second that TCP takes to notice. So a VM's ports keep
 * DN_VM_FRAMES together, in memory of the host's, which is all that one that never looks can have:
 * it is on nobody's account. Each of its NICs has the same part of them, whoever sends to the others.
 * Only frames for one: those for several are for many who don't want them.
 *
 * The sender leaves a frame here, the receiver's runner takes it. Once there is one, those
 * that come are put behind it. The lock is raw: memory is got and freed outside it.
 */
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "nic.h"
#include "vm.h"
#include "vswitch.h"

struct dn_held {
	struct list_head node;
	struct virtio_net_hdr_mrg_rxbuf hdr;
	u32 len;
	u8 data[];
};

static struct dn_held *dn_held_new(const struct dn_frame *frame)
{
	struct dn_held *held;
	u32 i, done = 0;

	held = kmalloc(struct_size(held, data, frame->len), GFP_NOWAIT | __GFP_NOWARN);
	if (!held)
		return NULL;
	held->hdr = frame->hdr;
	held->len = frame->len;
	for (i = DN_FRAME_VEC_ETH; i < frame->nr; i++) {
		memcpy(held->data + done, frame->vec[i].iov_base, frame->vec[i].iov_len);
		done += frame->vec[i].iov_len;
	}
	return held;
}

static void dn_held_free(struct list_head *frames)
{
	struct dn_held *held, *next;

	list_for_each_entry_safe(held, next, frames, node)
		kfree(held);
}

/** dn_vport_queue_init() - nothing waits */
void dn_vport_queue_init(struct dn_vport *vport)
{
	INIT_LIST_HEAD(&vport->waiting);
	vport->nr_waiting = 0;
}

/* How many may wait at a port of @vm. */
static u32 dn_vport_room(const struct dn_vm *vm)
{
	u32 nics = 0;

	/* The console is in front of them. */
	while (dn_vm_port(vm, nics + 1))
		nics++;
	return DN_VM_FRAMES / max(nics, 1U);
}

/**
 * dn_vport_hold() - a frame that there is no buffer for waits, or is lost and counted
 * @to:    the receiver
 * @frame: stays the caller's
 * @emptied: @to->emptied when there was no buffer: if the port has been emptied since, the guest isn't
 *         the one that the frame is for, and it is lost like those that waited
 *
 * Context: under RCU, without the port's lock.
 */
void dn_vport_hold(struct dn_vport *to, const struct dn_frame *frame, u32 emptied)
{
	struct dn_held *held = NULL;

	if (READ_ONCE(to->nr_waiting) < DN_VM_FRAMES)
		held = dn_held_new(frame);
	dn_vport_lock(to);
	if (!to->port || to->emptied != emptied) {
		/* It has left, or its guest is another one: nobody misses the frame. */
	} else if (held && to->nr_waiting < dn_vport_room(to->port->vm)) {
		list_add_tail(&held->node, &to->waiting);
		held = NULL;
		/* The runner looks for those that come later by itself. */
		if (!to->nr_waiting++)
			dn_port_kick(to->port);
	} else {
		to->port->stats.rx_drops++;
	}
	dn_vport_unlock(to);
	kfree(held);
}

/**
 * dn_vport_take() - give the guest what waits, as far as it has buffers
 * @vport: the NIC's
 *
 * Context: the VM's runner. Return: true if there is more to be given at once; else, if something
 * is left, the guest rings when it has a buffer for it.
 */
bool dn_vport_take(struct dn_vport *vport)
{
	struct dn_frame frame __uninitialized;
	struct dn_held *held;
	LIST_HEAD(done);
	bool more = false;
	int ret;

	if (!READ_ONCE(vport->nr_waiting))
		return false;
	frame.nr = DN_FRAME_VEC_ETH + 1;
	dn_vport_lock(vport);
	while (vport->nr_waiting) {
		held = list_first_entry(&vport->waiting, struct dn_held, node);
		frame.hdr = held->hdr;
		frame.len = held->len;
		frame.vec[DN_FRAME_VEC_ETH].iov_base = held->data;
		frame.vec[DN_FRAME_VEC_ETH].iov_len = held->len;
		ret = dn_nic_put(vport->port, &frame);
		if (ret == -EAGAIN) {
			more = dn_ring_arm(&vport->port->ring[DENALI_QUEUE_IN]);
			break;
		}
		if (ret)
			vport->port->stats.rx_drops++;
		list_move_tail(&held->node, &done);
		vport->nr_waiting--;
	}
	dn_vport_unlock(vport);
	dn_held_free(&done);
	return more;
}

/** dn_vport_drop() - nobody is to get what waits. Context: any. */
void dn_vport_drop(struct dn_vport *vport)
{
	LIST_HEAD(frames);

	dn_vport_lock(vport);
	list_splice_init(&vport->waiting, &frames);
	vport->nr_waiting = 0;
	vport->emptied++;
	dn_vport_unlock(vport);
	dn_held_free(&frames);
}
