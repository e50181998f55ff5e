// SPDX-License-Identifier: GPL-2.0
/*
 * NICs: the port whose back end is a Linux tap.
 *
 * The tap is consumed as vhost-net does it: the file is held, frames go through
 * the socket behind it, and a wait-queue entry on that socket tells when frames
 * came. All work is done by the VM's runner in dn_nic_service(), straight
 * between the guest's buffers and the tap; nothing is allocated here for a frame.
 *
 * Receiving is lazy. A frame is taken from the tap only when the guest has a
 * buffer for it, so whatever a guest is too slow for waits, and is dropped, in
 * the tap's own queue, where the admin sees it.
 *
 * What a guest sends is checked on a private copy of its Ethernet header, and
 * that copy is what is sent: the source address can't change in between.
 *
 * A tap that is full or down loses the frame, as a wire would: the frame is
 * counted and answered with -DENALI_EIO. A tap that is gone leaves the NIC
 * without a back end and the VM running.
 */
#include <linux/etherdevice.h>
#include <linux/file.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/uio.h>
#include <linux/virtio_net.h>
#include <net/sock.h>

#include <uapi/linux/denali_netlink.h>

#include "vm.h"

#define DN_NIC_FRAMES	64		/* one turn's budget each way: frames */
#define DN_NIC_BYTES	65536		/* and bytes */
#define DN_NIC_VLAN	4		/* room for a tag, which the tap may add */
#define DN_NIC_MAX_MTU	1500
#define DN_NIC_DROPS	65536		/* frames that a reset looks for in the tap */

/* A frame's descriptors cross at most one page boundary each: mtu < page. */
#define DN_NIC_VECS	(2 * DENALI_FRAME_MAX_DESCS)

/**
 * struct dn_nic - a NIC
 * @port:    what the VM's runner sees
 * @file:    the tap, NULL: none plugged
 * @sock:    its socket
 * @wqh:     where @wait is queued
 * @wait:    calls dn_nic_wake() when the tap's socket has news
 * @armed:   the tap was found empty: a frame that comes is to kick the port. Set
 *           before the queue is looked at, cleared by whoever kicks.
 * @hdr_len: bytes of the virtio-net header before a frame, 0: none
 * @mtu:     largest payload of a frame
 * @csum:    the tap completes checksums
 * @ifindex: of the tap, for dumps
 * @node:    on dn_nics while a tap is plugged; dn_nics_lock
 *
 * But for @wait, @armed and @ifindex all is owned as struct dn_vm says.
 */
struct dn_nic {
	struct dn_port port;
	struct file *file;
	struct socket *sock;
	wait_queue_head_t *wqh;
	wait_queue_entry_t wait;
	bool armed;
	bool csum;
	u32 hdr_len;
	u32 mtu;
	u32 ifindex;
	struct list_head node;
};

/* A tap that is shared would hand each NIC some of the other's frames. */
static LIST_HEAD(dn_nics);
static DEFINE_MUTEX(dn_nics_lock);	/* inner to vm->ctl */

static inline struct dn_nic *dn_nic_of(struct dn_port *port)
{
	return container_of(port, struct dn_nic, port);
}

/* Called by the tap, perhaps from softirq, with the wait queue's lock held. */
static int dn_nic_wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct dn_nic *nic = container_of(wait, struct dn_nic, wait);

	if (key && !(key_to_poll(key) & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		return 0;
	if (!READ_ONCE(nic->armed) && !(READ_ONCE(nic->sock->sk->sk_shutdown) & RCV_SHUTDOWN))
		return 0;
	WRITE_ONCE(nic->armed, false);
	dn_port_kick(&nic->port);
	return 0;
}

struct dn_nic_poll {
	poll_table table;
	struct dn_nic *nic;
};

static void dn_nic_queue(struct file *file, wait_queue_head_t *wqh, poll_table *table)
{
	struct dn_nic *nic = container_of(table, struct dn_nic_poll, table)->nic;

	nic->wqh = wqh;
	add_wait_queue(wqh, &nic->wait);
}

/* Let go of the tap. Nothing happens if there is none. */
static void dn_nic_unplug_locked(struct dn_nic *nic)
{
	struct file *file = nic->file;

	lockdep_assert_held(&dn_nics_lock);
	if (!file)
		return;
	if (nic->wqh)
		remove_wait_queue(nic->wqh, &nic->wait);
	list_del_init(&nic->node);
	nic->file = NULL;
	nic->wqh = NULL;
	nic->sock = NULL;
	nic->armed = false;
	WRITE_ONCE(nic->ifindex, 0);
	WRITE_ONCE(nic->port.up, false);
	fput(file);
}

static void dn_nic_unplug(struct dn_nic *nic)
{
	mutex_lock(&dn_nics_lock);
	dn_nic_unplug_locked(nic);
	mutex_unlock(&dn_nics_lock);
}

/*
 * The tap's device. Tun tells nobody in the kernel which it is; what it prints in
 * /proc/PID/fdinfo is the one place where its name comes out. Returns the index, 0
 * if unknown, or -ENOTTY if the device isn't an Ethernet one.
 */
static int dn_nic_find_dev(struct file *file, struct socket *sock)
{
	struct net_device *dev;
	char buf[64] = "";
	struct seq_file m = { .buf = buf, .size = sizeof(buf) - 1 };
	char name[IFNAMSIZ];
	int ret = 0;

	if (!file->f_op->show_fdinfo)
		return 0;
	file->f_op->show_fdinfo(&m, file);
	if (sscanf(buf, "iff: %15s", name) != 1)
		return 0;
	rcu_read_lock();
	dev = dev_get_by_name_rcu(sock_net(sock->sk), name);
	if (dev)
		ret = dev->type == ARPHRD_ETHER ? dev->ifindex : -ENOTTY;
	rcu_read_unlock();
	return ret;
}

static bool dn_nic_taken(const struct dn_nic *nic, const struct file *file)
{
	struct dn_nic *other;

	lockdep_assert_held(&dn_nics_lock);
	list_for_each_entry(other, &dn_nics, node)
		if (other != nic && other->file == file)
			return true;
	return false;
}

static int dn_nic_check(const struct denali_vm_nic *arg)
{
	if (arg->reserved || arg->flags & ~(DENALI_NIC_VNET_HDR | DENALI_NIC_OFFLOAD))
		return -EINVAL;
	if (!(arg->flags & DENALI_NIC_VNET_HDR))
		return arg->vnet_hdr_len || arg->flags & DENALI_NIC_OFFLOAD ? -EINVAL : 0;
	if (arg->vnet_hdr_len != sizeof(struct virtio_net_hdr) &&
	    arg->vnet_hdr_len != sizeof(struct virtio_net_hdr_mrg_rxbuf))
		return -EINVAL;
	return 0;
}

/*
 * Put the tap of @arg in place of the one that is plugged, if any; -1 only unplugs.
 * After an error everything is as it was, unless the new tap went away this moment.
 */
static int dn_nic_plug(struct dn_nic *nic, const struct denali_vm_nic *arg)
{
	struct dn_nic_poll poll = { .nic = nic };
	struct socket *sock;
	struct file *file;
	int ret;

	ret = dn_nic_check(arg);
	if (ret)
		return ret;
	if (arg->tap_fd == -1) {
		dn_nic_unplug(nic);
		return 0;
	}

	file = fget(arg->tap_fd);
	if (!file)
		return -EBADF;
	ret = -ENOTTY;
	sock = tun_get_socket(file);
	if (IS_ERR(sock) || vfs_poll(file, NULL) & EPOLLERR)
		goto err_put;
	ret = dn_nic_find_dev(file, sock);
	if (ret < 0)
		goto err_put;

	mutex_lock(&dn_nics_lock);
	if (dn_nic_taken(nic, file)) {
		mutex_unlock(&dn_nics_lock);
		ret = -EBUSY;
		goto err_put;
	}
	dn_nic_unplug_locked(nic);
	nic->file = file;
	nic->sock = sock;
	nic->hdr_len = arg->vnet_hdr_len;
	nic->csum = arg->flags & DENALI_NIC_OFFLOAD;
	WRITE_ONCE(nic->ifindex, ret);
	WRITE_ONCE(nic->port.up, true);
	list_add(&nic->node, &dn_nics);
	ret = 0;
	init_poll_funcptr(&poll.table, dn_nic_queue);
	if (vfs_poll(file, &poll.table) & EPOLLERR) {
		dn_nic_unplug_locked(nic);
		ret = -ENOTTY;
	}
	mutex_unlock(&dn_nics_lock);
	return ret;

err_put:
	fput(file);
	return ret;
}

/* The tap went away under us. */
static noinline void dn_nic_gone(struct dn_nic *nic)
{
	dn_nic_unplug(nic);
	dn_port_set_state(&nic->port, 0);
	dn_netlink_event(nic->port.vm, DENALI_EVENT_PORT_DOWN);
}

static bool dn_nic_alive(const struct dn_nic *nic)
{
	return !(READ_ONCE(nic->sock->sk->sk_shutdown) & RCV_SHUTDOWN);
}

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
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT };
	struct virtio_net_hdr_mrg_rxbuf hdr = {};
	struct kvec vec[2 + DN_NIC_VECS] __uninitialized;
	struct ethhdr eth;
	u32 nr = 2, i;
	int ret;

	for (i = 0; i < n; i++)
		if (desc[i].op || desc[i].flags & ~(DENALI_DESC_MORE | DENALI_DESC_CSUM))
			return -DENALI_EINVAL;
	if (desc[n - 1].flags & DENALI_DESC_MORE || len < ETH_HLEN || len > nic->mtu + ETH_HLEN)
		return -DENALI_EINVAL;
	if (!nic->file)
		return -DENALI_EIO;
	if (desc->flags & DENALI_DESC_CSUM &&
	    (!nic->csum || !dn_nic_csum(desc, len, &hdr.hdr)))
		return -DENALI_EINVAL;

	for (i = 0; i < n; i++) {
		ret = dn_gmem_kvec(nic->port.vm, dn_gaddr(desc[i].addr), desc[i].len,
				   vec + nr, ARRAY_SIZE(vec) - nr, false);
		if (WARN_ON_ONCE(ret < 0))
			return -DENALI_EIO;
		nr += ret;
	}
	dn_nic_pull_header(vec + 2, &eth);
	if (!ether_addr_equal(eth.h_source, nic->port.mac))
		return -DENALI_EINVAL;

	vec[0].iov_base = &hdr;
	vec[0].iov_len = nic->hdr_len;
	vec[1].iov_base = &eth;
	vec[1].iov_len = ETH_HLEN;
	len += nic->hdr_len;
	i = nic->hdr_len ? 0 : 1;
	iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, vec + i, nr - i, len);
	ret = nic->sock->ops->sendmsg(nic->sock, &msg, len);
	return likely(ret >= 0) ? 0 : -DENALI_EIO;
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

	for (frames = 0; frames < DN_NIC_FRAMES && bytes < DN_NIC_BYTES; frames++) {
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
 * length and flags. Returns 0, -EAGAIN (tap empty), -EMSGSIZE (frame dropped) or
 * another error (tap gone).
 */
static int dn_nic_receive(struct dn_nic *nic, struct denali_desc *desc)
{
	u32 room = min(desc->len, nic->mtu + ETH_HLEN + DN_NIC_VLAN);
	struct virtio_net_hdr_mrg_rxbuf hdr;
	struct kvec vec[3] __uninitialized;
	struct msghdr msg = {};
	int ret, nr;

	nr = dn_gmem_kvec(nic->port.vm, dn_gaddr(desc->addr), room, vec + 1, ARRAY_SIZE(vec) - 1,
			  true);
	if (WARN_ON_ONCE(nr < 0))
		return -EIO;
	if (nic->hdr_len) {
		vec[0].iov_base = &hdr;
		vec[0].iov_len = nic->hdr_len;
		iov_iter_kvec(&msg.msg_iter, ITER_DEST, vec, nr + 1, nic->hdr_len + room);
	} else {
		hdr.hdr.flags = 0;
		iov_iter_kvec(&msg.msg_iter, ITER_DEST, vec + 1, nr, room);
	}
	ret = nic->sock->ops->recvmsg(nic->sock, &msg, nic->hdr_len + room,
				      MSG_DONTWAIT | MSG_TRUNC);
	if (ret < 0)
		return ret == -EINVAL ? -EMSGSIZE : ret;
	ret -= nic->hdr_len;
	if (ret < ETH_HLEN || ret > room)
		return -EMSGSIZE;
	desc->len = ret;
	if (hdr.hdr.flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID))
		desc->flags |= DENALI_DESC_CSUM;
	return 0;
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
	if (!nic->file || READ_ONCE(nic->armed))
		return false;

	/* From here a frame that is missed below kicks the port. Pairs with wq_has_sleeper(). */
	smp_store_mb(nic->armed, true);
	for (frames = 0; frames < DN_NIC_FRAMES && bytes < DN_NIC_BYTES; frames++) {
		ret = dn_ring_fetch(vm, ring, &desc);
		if (ret <= 0) {
			/* No buffers: let frames wait, the guest rings with the next one. */
			WRITE_ONCE(nic->armed, false);
			return !ret && dn_ring_arm(ring);
		}
		if (!dn_nic_desc_ok(nic, DENALI_QUEUE_IN, &desc))
			return false;
		if (desc.op || desc.flags || desc.len < ETH_HLEN) {
			desc.len = 0;
			desc.status = -DENALI_EINVAL;
			dn_ring_respond(vm, ring, &desc);
			continue;
		}

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
	WRITE_ONCE(nic->armed, false);
	return true;
}

static bool dn_nic_service(struct dn_port *port)
{
	struct dn_nic *nic = dn_nic_of(port);
	bool more;

	if (nic->file && unlikely(!dn_nic_alive(nic)))
		dn_nic_gone(nic);
	more = dn_nic_service_tx(nic);
	more |= dn_nic_service_rx(nic);
	if (dn_ring_publish(&port->ring[DENALI_QUEUE_OUT]) |
	    dn_ring_publish(&port->ring[DENALI_QUEUE_IN]))
		dn_port_raise(port);
	return more;
}

static void dn_nic_detach(struct dn_port *port)
{
	dn_nic_unplug(dn_nic_of(port));
}

static void dn_nic_describe(struct dn_nic *nic)
{
	struct denali_port_info *info = &nic->port.vm->vregs->ports[nic->port.index];

	info->type = DENALI_PORT_NIC;
	info->state = nic->file ? DENALI_PORT_UP : 0;
	info->features = nic->csum ? DENALI_NIC_F_CSUM : 0;
	info->mtu = nic->mtu;
	ether_addr_copy(info->mac, nic->port.mac);
}

/* What waits in the tap was sent to whom the guest was before. A flood that goes on is anybody's. */
static void dn_nic_drop(struct dn_nic *nic)
{
	struct msghdr msg = {};
	struct kvec vec;
	u32 frames;
	u8 byte;
	int ret;

	for (frames = 0; frames < DN_NIC_DROPS; frames++) {
		/* Too little for any frame, which is then gone; nothing at all would take none. */
		vec = (struct kvec){ &byte, sizeof(byte) };
		iov_iter_kvec(&msg.msg_iter, ITER_DEST, &vec, 1, sizeof(byte));
		ret = nic->sock->ops->recvmsg(nic->sock, &msg, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC);
		if (ret == -EAGAIN || ret == -EBADFD)
			return;
		cond_resched();
	}
}

static void dn_nic_reset(struct dn_port *port)
{
	struct dn_nic *nic = dn_nic_of(port);

	if (nic->file)
		dn_nic_drop(nic);
	WRITE_ONCE(nic->armed, false);
	dn_nic_describe(nic);
}

static void dn_nic_free(struct dn_port *port)
{
	dn_nic_unplug(dn_nic_of(port));
	kfree(dn_nic_of(port));
}

static size_t dn_nic_kmem(struct dn_port *port)
{
	return ksize(dn_nic_of(port));
}

static u32 dn_nic_ifindex(struct dn_port *port)
{
	return READ_ONCE(dn_nic_of(port)->ifindex);
}

static const struct dn_port_ops dn_nic_ops = {
	.type = DENALI_PORT_NIC,
	.queues = DENALI_QUEUES,
	.service = dn_nic_service,
	.detach = dn_nic_detach,
	.reset = dn_nic_reset,
	.free = dn_nic_free,
	.kmem = dn_nic_kmem,
	.ifindex = dn_nic_ifindex,
};

/**
 * dn_nic_create() - make a NIC and describe it in the virtual registers
 * @vm:    owner, not started yet
 * @index: number of the port, which the caller has found free
 * @arg:   DENALI_IOC_VM_NIC
 *
 * Return: the port, or an ERR_PTR: EINVAL, EBADF, ENOTTY (not a tap), EBUSY (the
 * tap is another NIC's), ENOMEM. The virtual registers are written last.
 */
struct dn_port *dn_nic_create(struct dn_vm *vm, u32 index, const struct denali_vm_nic *arg)
{
	u32 mtu = arg->mtu ? arg->mtu : ETH_DATA_LEN;
	struct dn_nic *nic;
	int ret;

	if (!is_valid_ether_addr(arg->mac) || mtu < ETH_MIN_MTU || mtu > DN_NIC_MAX_MTU)
		return ERR_PTR(-EINVAL);

	nic = kzalloc(sizeof(*nic), GFP_KERNEL_ACCOUNT);
	if (!nic)
		return ERR_PTR(-ENOMEM);
	nic->port.vm = vm;
	nic->port.ops = &dn_nic_ops;
	nic->port.index = index;
	nic->mtu = mtu;
	ether_addr_copy(nic->port.mac, arg->mac);
	INIT_LIST_HEAD(&nic->node);
	init_waitqueue_func_entry(&nic->wait, dn_nic_wake);

	ret = dn_nic_plug(nic, arg);
	if (ret) {
		kfree(nic);
		return ERR_PTR(ret);
	}
	dn_nic_describe(nic);
	return &nic->port;
}

/**
 * dn_nic_attach() - replace the tap of a NIC
 * @port: a NIC of a VM that is off the CPU and stays off
 * @arg:  DENALI_IOC_VM_NIC; address and mtu are ignored
 *
 * Return: 0 or an error as of dn_nic_create(); ENODEV if @port isn't a NIC.
 */
int dn_nic_attach(struct dn_port *port, const struct denali_vm_nic *arg)
{
	struct dn_nic *nic = dn_nic_of(port);
	int ret;

	if (port->ops != &dn_nic_ops)
		return -ENODEV;
	ret = dn_nic_plug(nic, arg);
	port->vm->vregs->ports[port->index].features = nic->csum ? DENALI_NIC_F_CSUM : 0;
	dn_port_set_state(port, nic->file ? DENALI_PORT_UP : 0);
	dn_port_kick(port);
	return ret;
}
