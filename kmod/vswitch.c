// SPDX-License-Identifier: GPL-2.0
/*
 * The module's own switched Ethernet, as the original had it: a Linux bridge has 1,023
 * ports, and a tap on one costs 139 KiB; a port of this is a few hundred bytes.
 *
 * A frame goes from the sender's memory straight into the receiver's buffer, by the
 * sender's runner (dn_vport_send()), or from the uplink into a bounce buffer and from
 * there, by a work item (dn_vswitch_work()). For a receiver without a buffer some frames wait
 * (vswitch_queue.c), more are lost. So a sender waits for nobody.
 *
 * A port has one MAC address, its NIC's, and its guest can send from no other; so there
 * is nothing to learn, and what is for no port is for the uplink. Frames for several go
 * to all, but those that ask for an IP address only to who has it, see vswitch_neigh.c.
 *
 * Tables are read under RCU. dn_vport.lock guards the receiving end of a port: a VM that
 * ends or stops takes it once, and from then on its memory isn't touched. No lock is held
 * from one port to the next, and a sender holds none of its own. The taps of a switch are
 * under SRCU, as sending to them may sleep.
 */
#include <linux/etherdevice.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/ipv6.h>

#include "port.h"
#include "vm.h"
#include "vswitch.h"

/* Frames that are taken from an uplink before others get the CPU. */
#define DN_UPLINK_FRAMES	64

/* Copies of a frame between two looks at whether Linux wants the CPU. */
#define DN_FLOOD_BATCH		64

static const struct rhashtable_params dn_mac_params = {
	.key_len = sizeof_field(struct dn_vport, mac),
	.key_offset = offsetof(struct dn_vport, mac),
	.head_offset = offsetof(struct dn_vport, node),
	.automatic_shrinking = true,
};

DEFINE_SRCU(dn_vswitch_srcu);

int dn_vports_init(struct dn_vswitch *sw)
{
	xa_init_flags(&sw->ports, XA_FLAGS_ALLOC);
	return rhashtable_init(&sw->macs, &dn_mac_params);
}

void dn_vports_exit(struct dn_vswitch *sw)
{
	rhashtable_destroy(&sw->macs);
	xa_destroy(&sw->ports);
}

/**
 * dn_vport_create() - plug a NIC into a switch
 * @name: of the switch
 * @port: the NIC
 *
 * Frames may come for it before this returns. Context: process. Return: the port, or an
 * ERR_PTR: ENOENT (no such switch), EPERM (not the caller's), EEXIST (the NIC's address
 * is another port's), ENOMEM.
 */
struct dn_vport *dn_vport_create(const char *name, struct dn_port *port)
{
	struct dn_vswitch *sw = dn_vswitch_get(name);
	struct dn_vport *vport;
	int err;

	if (IS_ERR(sw))
		return ERR_CAST(sw);
	vport = kzalloc(sizeof(*vport), GFP_KERNEL_ACCOUNT);
	if (!vport) {
		err = -ENOMEM;
		goto put;
	}
	raw_spin_lock_init(&vport->lock);
	dn_vport_queue_init(vport);
	vport->port = port;
	vport->sw = sw;
	ether_addr_copy(vport->mac, port->mac);
	err = rhashtable_lookup_insert_fast(&sw->macs, &vport->node, dn_mac_params);
	if (err)
		goto free;
	err = xa_alloc(&sw->ports, &vport->id, vport, xa_limit_32b, GFP_KERNEL_ACCOUNT);
	if (err)
		goto remove;
	xa_set_mark(&sw->ports, vport->id, DN_VPORT_NO_IPV4);
	xa_set_mark(&sw->ports, vport->id, DN_VPORT_NO_IPV6);
	/* Against dn_vswitch_delete(), which kicks all ports that it finds. */
	smp_mb();
	if (READ_ONCE(sw->dead))
		dn_port_kick(port);
	return vport;

remove:
	rhashtable_remove_fast(&sw->macs, &vport->node, dn_mac_params);
	/* Somebody may have found it. */
	dn_vport_lock(vport);
	vport->port = NULL;
	dn_vport_unlock(vport);
	dn_vport_drop(vport);
	kfree_rcu(vport, rcu);
	goto put;
free:
	kfree(vport);
put:
	dn_vswitch_put(sw);
	return ERR_PTR(err);
}

/**
 * dn_vport_destroy() - a NIC leaves its switch
 * @vport: its port
 *
 * Its guest sends nothing more; when this returns, nobody touches the NIC or its VM's
 * memory. Context: process.
 */
void dn_vport_destroy(struct dn_vport *vport)
{
	struct dn_vswitch *sw = vport->sw;

	dn_vport_lock(vport);
	vport->port = NULL;
	dn_vport_unlock(vport);
	dn_vport_drop(vport);
	dn_neigh_forget(vport);
	rhashtable_remove_fast(&sw->macs, &vport->node, dn_mac_params);
	xa_erase(&sw->ports, vport->id);
	kfree_rcu(vport, rcu);
	dn_vswitch_put(sw);
}

/** dn_vport_is_on() - is it a port of this switch, which is there? Context: its owner. */
bool dn_vport_is_on(const struct dn_vport *vport, const char *name)
{
	return dn_vport_alive(vport) && !strcmp(vport->sw->name, name);
}

/** dn_vport_kmem() - bytes of a port */
size_t dn_vport_kmem(void)
{
	return kmalloc_size_roundup(sizeof(struct dn_vport));
}

/** dn_vport_kick() - have the NIC's VM look at the port. Context: under RCU. */
void dn_vport_kick(struct dn_vport *vport)
{
	dn_vport_lock(vport);
	if (vport->port)
		dn_port_kick(vport->port);
	dn_vport_unlock(vport);
}

/* @wait: may it wait there until there is a buffer? Not if it is for several. */
static void dn_vport_deliver(struct dn_vport *to, const struct dn_frame *frame, bool wait)
{
	int ret = 0;
	u32 emptied;

	dn_vport_lock(to);
	emptied = to->emptied;
	if (to->port) {
		/* Others wait already. */
		ret = to->nr_waiting ? -EAGAIN : dn_nic_put(to->port, frame);
		if (!ret)
			dn_port_kick(to->port);
		else if (ret != -EAGAIN || !wait)
			to->port->stats.rx_drops++;
	}
	dn_vport_unlock(to);
	if (ret == -EAGAIN && wait)
		dn_vport_hold(to, frame, emptied);
}

/* A frame for the uplink. */
static int dn_uplink_send(struct dn_vswitch *sw, struct dn_frame *frame)
{
	int idx = srcu_read_lock(&dn_vswitch_srcu);
	struct dn_tap *tap = srcu_dereference(sw->uplink, &dn_vswitch_srcu);
	int ret = 0;

	/* Without one it was for nobody. */
	if (tap)
		ret = dn_tap_send(tap, frame);
	srcu_read_unlock(&dn_vswitch_srcu, idx);
	return ret;
}

/*
 * A copy of @frame for the mirror. What a guest sends is moved to memory of the host
 * first, and sent on from there, so that the mirror can't be shown another frame than the
 * receiver. Returns what the caller is to free.
 */
static noinline void *dn_vswitch_mirror(struct dn_vswitch *sw, struct dn_frame *frame)
{
	struct kvec *vec = &frame->vec[DN_FRAME_VEC_ETH];
	struct dn_tap *tap;
	void *buf = NULL;
	u32 i, done = 0;
	int idx, ret = -ENOMEM;

	if (frame->nr > DN_FRAME_VEC_ETH + 1) {
		buf = kmalloc(frame->len, GFP_KERNEL);
		if (!buf)
			goto count;
		for (i = DN_FRAME_VEC_ETH; i < frame->nr; i++) {
			memcpy(buf + done, frame->vec[i].iov_base, frame->vec[i].iov_len);
			done += frame->vec[i].iov_len;
		}
		vec->iov_base = buf;
		vec->iov_len = frame->len;
		frame->nr = DN_FRAME_VEC_ETH + 1;
	}
	idx = srcu_read_lock(&dn_vswitch_srcu);
	tap = srcu_dereference(sw->mirror, &dn_vswitch_srcu);
	ret = tap ? dn_tap_send(tap, frame) : 0;
	srcu_read_unlock(&dn_vswitch_srcu, idx);
count:
	if (ret)
		atomic64_inc(&sw->unmirrored);
	return buf;
}

/* May another frame for several be sent? */
static bool dn_flood_may(struct dn_flood *flood, long rate)
{
	unsigned long now = jiffies, passed = min_t(unsigned long, now - flood->at, 2 * HZ);
	long more = passed * rate / HZ;

	if (more) {
		flood->left = min(flood->left + more, rate);
		flood->at = now;
	}
	return flood->left > 0;
}

/*
 * To all ports but the sender's, or those with a mark. A port that comes or goes meanwhile
 * gets it or doesn't.
 */
static void dn_vswitch_flood(struct dn_vswitch *sw, struct dn_vport *from,
			     const struct dn_frame *frame, xa_mark_t mark)
{
	struct dn_flood *flood = from ? &from->port->vm->flood : &sw->flood;
	struct dn_vport *to;
	unsigned long id;
	u32 copies = 0;

	if (!dn_flood_may(flood, from ? DN_FLOOD_RATE : DN_FLOOD_UPLINK)) {
		atomic64_inc(&sw->limited);
		return;
	}
	rcu_read_lock();
	xa_for_each_marked(&sw->ports, id, to, mark) {
		if (to == from)
			continue;
		dn_vport_deliver(to, frame, false);
		if (++copies % DN_FLOOD_BATCH == 0) {
			rcu_read_unlock();
			cond_resched();
			rcu_read_lock();
		}
	}
	rcu_read_unlock();
	flood->left -= copies;
}

static bool dn_vswitch_blocks(struct dn_vswitch *sw, struct dn_vport *from)
{
	return from && sw->isolate;
}

/*
 * A request for an IP address: to the port that has it, or else to those of which it
 * isn't known what they have. Returns true if nobody else is concerned.
 */
static bool dn_vswitch_ask(struct dn_vswitch *sw, struct dn_vport *from,
			   const struct dn_frame *frame, const struct in6_addr *ip)
{
	struct dn_vport *to;

	atomic64_inc(&sw->filtered);
	rcu_read_lock();
	to = dn_neigh_find(sw, ip);
	if (to && to != from)
		dn_vport_deliver(to, frame, false);
	rcu_read_unlock();
	/* Who asks for its own tells the network of it. */
	if (to)
		return to != from;
	dn_vswitch_flood(sw, from, frame,
			 ipv6_addr_v4mapped(ip) ? DN_VPORT_NO_IPV4 : DN_VPORT_NO_IPV6);
	return false;
}

/* A frame for one. Returns true if that is a port. */
static bool dn_vswitch_unicast(struct dn_vswitch *sw, struct dn_vport *from,
			       const struct dn_frame *frame)
{
	struct dn_vport *to;

	rcu_read_lock();
	to = rhashtable_lookup(&sw->macs, frame->eth.h_dest, dn_mac_params);
	if (to && dn_vswitch_blocks(sw, from))
		atomic64_inc(&sw->isolated);
	else if (to && to != from)
		dn_vport_deliver(to, frame, true);
	rcu_read_unlock();
	return to;
}

/* A frame for several. Returns true if the uplink isn't one of these. */
static bool dn_vswitch_multicast(struct dn_vswitch *sw, struct dn_vport *from,
				 const struct dn_frame *frame, const struct dn_neigh *neigh)
{
	if (dn_vswitch_blocks(sw, from))
		return false;
	if (neigh->whom == DN_WHOM_ADDR)
		return dn_vswitch_ask(sw, from, frame, &neigh->asked);
	/* Routers are beyond the uplink, if there is one. */
	if (neigh->whom == DN_WHOM_ROUTERS && from && rcu_access_pointer(sw->uplink))
		return false;
	dn_vswitch_flood(sw, from, frame, XA_PRESENT);
	return false;
}

/**
 * dn_vport_send() - send a frame
 * @from:  the sender's port
 * @frame: with @from's address as its source; stays the caller's
 *
 * That a receiver had no buffer isn't the sender's error. Context: the runner of the
 * sender's VM, may sleep for memory. Return: 0, or an error of the switch or its uplink.
 */
int dn_vport_send(struct dn_vport *from, struct dn_frame *frame)
{
	struct dn_vswitch *sw = from->sw;
	struct dn_neigh neigh;
	void *buf = NULL;
	bool done;
	int ret = 0;

	if (READ_ONCE(sw->dead))
		return -ENODEV;
	if (unlikely(rcu_access_pointer(sw->mirror)))
		buf = dn_vswitch_mirror(sw, frame);
	dn_neigh_look(frame, &neigh);
	if (neigh.shows)
		dn_neigh_learn(from, &neigh.shown);
	done = is_multicast_ether_addr(frame->eth.h_dest) ?
		dn_vswitch_multicast(sw, from, frame, &neigh) :
		dn_vswitch_unicast(sw, from, frame);
	if (!done)
		ret = dn_uplink_send(sw, frame);
	kfree(buf);
	return ret;
}

/* A frame from the uplink, in sw->buf. */
static void dn_uplink_frame(struct dn_vswitch *sw, struct dn_frame *frame)
{
	struct dn_neigh neigh;

	memcpy(&frame->eth, sw->buf, ETH_HLEN);
	frame->vec[DN_FRAME_VEC_ETH].iov_base = sw->buf;
	frame->vec[DN_FRAME_VEC_ETH].iov_len = frame->len;
	frame->nr = DN_FRAME_VEC_ETH + 1;
	WRITE_ONCE(sw->rx_packets, sw->rx_packets + 1);
	WRITE_ONCE(sw->rx_bytes, sw->rx_bytes + frame->len);
	if (unlikely(rcu_access_pointer(sw->mirror)))
		dn_vswitch_mirror(sw, frame);
	if (is_multicast_ether_addr(frame->eth.h_dest)) {
		dn_neigh_look(frame, &neigh);
		dn_vswitch_multicast(sw, NULL, frame, &neigh);
	} else if (!dn_vswitch_unicast(sw, NULL, frame)) {
		WRITE_ONCE(sw->unknown, sw->unknown + 1);
	}
}

/* Returns true if it stopped at its budget. */
static bool dn_uplink_take(struct dn_vswitch *sw, struct dn_tap *tap)
{
	struct dn_frame frame __uninitialized;
	u32 frames;
	int ret;

	dn_tap_arm(tap);
	for (frames = 0; frames < DN_UPLINK_FRAMES; frames++) {
		frame.vec[DN_FRAME_VEC_ETH].iov_base = sw->buf;
		frame.vec[DN_FRAME_VEC_ETH].iov_len = DN_FRAME_MAX;
		ret = dn_tap_receive(tap, &frame.hdr, frame.vec, DN_FRAME_VEC_ETH + 1,
				     DN_FRAME_MAX);
		if (ret == -EMSGSIZE)
			continue;
		/* Empty, or gone for good. */
		if (ret < 0)
			return false;
		frame.len = ret;
		dn_uplink_frame(sw, &frame);
	}
	dn_tap_disarm(tap);
	return true;
}

/** dn_vswitch_work() - an uplink has frames. Context: a worker of its own for each switch. */
void dn_vswitch_work(struct work_struct *work)
{
	struct dn_vswitch *sw = container_of(work, struct dn_vswitch, work);
	int idx = srcu_read_lock(&dn_vswitch_srcu);
	struct dn_tap *tap = srcu_dereference(sw->uplink, &dn_vswitch_srcu);
	bool more = tap && dn_tap_alive(tap) && dn_uplink_take(sw, tap);

	srcu_read_unlock(&dn_vswitch_srcu, idx);
	if (more)
		queue_work(system_unbound_wq, work);
}
