// SPDX-License-Identifier: GPL-2.0
/*
 * Linux taps, consumed as vhost-net does it: the file is held, frames go through the
 * socket behind it, and a wait-queue entry on that socket tells when frames came.
 *
 * What isn't taken from a tap waits, and is dropped, in the tap's own queue, where
 * the admin sees it. A tap that is full or down loses a frame that is sent, as a wire
 * would. A tap may go away at any time: then sending and receiving fail.
 */
#include <linux/file.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <net/sock.h>

#include <uapi/linux/denali.h>

#include "tap.h"

/* Frames that dn_tap_drop() looks for. */
#define DN_TAP_DROPS	65536

/* A tap that is shared would hand each of its users some of the other's frames. */
static LIST_HEAD(dn_taps);
static DEFINE_MUTEX(dn_taps_lock);	/* inner to vm->ctl */

/* Called by the tap, perhaps from softirq, with the wait queue's lock held. */
static int dn_tap_wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct dn_tap *tap = container_of(wait, struct dn_tap, wait);

	if (key && !(key_to_poll(key) & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		return 0;
	if (!READ_ONCE(tap->armed) && dn_tap_alive(tap))
		return 0;
	dn_tap_disarm(tap);
	tap->wake(tap);
	return 0;
}

struct dn_tap_poll {
	poll_table table;
	struct dn_tap *tap;
};

static void dn_tap_queue(struct file *file, wait_queue_head_t *wqh, poll_table *table)
{
	struct dn_tap *tap = container_of(table, struct dn_tap_poll, table)->tap;

	tap->wqh = wqh;
	add_wait_queue(wqh, &tap->wait);
}

/*
 * The tap's device. Tun tells nobody in the kernel which it is; what it prints in
 * /proc/PID/fdinfo is the one place where its name comes out. Returns the index, 0
 * if unknown, or -ENOTTY if the device isn't an Ethernet one.
 */
static int dn_tap_find_dev(struct file *file, struct socket *sock)
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

static bool dn_tap_taken(const struct file *file, const struct dn_tap *instead)
{
	struct dn_tap *other;

	lockdep_assert_held(&dn_taps_lock);
	list_for_each_entry(other, &dn_taps, node)
		if (other != instead && other->file == file)
			return true;
	return false;
}

static int dn_tap_check(u32 flags, u32 hdr_len)
{
	if (flags & ~(DENALI_NIC_VNET_HDR | DENALI_NIC_OFFLOAD))
		return -EINVAL;
	if (!(flags & DENALI_NIC_VNET_HDR))
		return hdr_len || flags & DENALI_NIC_OFFLOAD ? -EINVAL : 0;
	if (hdr_len != sizeof(struct virtio_net_hdr) &&
	    hdr_len != sizeof(struct virtio_net_hdr_mrg_rxbuf))
		return -EINVAL;
	return 0;
}

/**
 * dn_tap_get() - hold a tap
 * @fd:      the caller's descriptor of it
 * @flags:   DENALI_NIC_VNET_HDR, DENALI_NIC_OFFLOAD
 * @hdr_len: see struct denali_vm_nic
 * @instead: one that the caller gives up for it, which may be the same tap; or NULL
 * @wake:    see struct dn_tap; from before this returns until dn_tap_put() does
 * @owner:   for @wake
 *
 * Context: process, may sleep. Return: the tap, or an ERR_PTR: EINVAL, EBADF, ENOTTY (not
 * a tap), EBUSY (in use here), ENOMEM.
 */
struct dn_tap *dn_tap_get(int fd, u32 flags, u32 hdr_len, const struct dn_tap *instead,
			  void (*wake)(struct dn_tap *tap), void *owner)
{
	struct dn_tap_poll poll;
	struct socket *sock;
	struct dn_tap *tap;
	int ret;

	ret = dn_tap_check(flags, hdr_len);
	if (ret)
		return ERR_PTR(ret);
	tap = kzalloc(sizeof(*tap), GFP_KERNEL_ACCOUNT);
	if (!tap)
		return ERR_PTR(-ENOMEM);
	init_waitqueue_func_entry(&tap->wait, dn_tap_wake);
	INIT_LIST_HEAD(&tap->node);
	tap->wake = wake;
	tap->owner = owner;
	tap->hdr_len = hdr_len;
	tap->csum = flags & DENALI_NIC_OFFLOAD;

	tap->file = fget(fd);
	if (!tap->file) {
		kfree(tap);
		return ERR_PTR(-EBADF);
	}
	sock = tun_get_socket(tap->file);
	if (IS_ERR(sock) || vfs_poll(tap->file, NULL) & EPOLLERR) {
		ret = -ENOTTY;
		goto err;
	}
	tap->sock = sock;
	ret = dn_tap_find_dev(tap->file, sock);
	if (ret < 0)
		goto err;
	tap->ifindex = ret;

	mutex_lock(&dn_taps_lock);
	ret = dn_tap_taken(tap->file, instead) ? -EBUSY : 0;
	if (!ret)
		list_add(&tap->node, &dn_taps);
	mutex_unlock(&dn_taps_lock);
	if (ret)
		goto err;

	poll.tap = tap;
	init_poll_funcptr(&poll.table, dn_tap_queue);
	if (vfs_poll(tap->file, &poll.table) & EPOLLERR) {
		ret = -ENOTTY;
		goto err;
	}
	return tap;

err:
	dn_tap_put(tap);
	return ERR_PTR(ret);
}

/** dn_tap_put() - let go of a tap. Nobody uses it any more. Context: process, may sleep. */
void dn_tap_put(struct dn_tap *tap)
{
	if (tap->wqh)
		remove_wait_queue(tap->wqh, &tap->wait);
	mutex_lock(&dn_taps_lock);
	list_del(&tap->node);
	mutex_unlock(&dn_taps_lock);
	fput(tap->file);
	kfree(tap);
}

/** dn_tap_alive() - is the device still there? Context: any. */
bool dn_tap_alive(const struct dn_tap *tap)
{
	return !(READ_ONCE(tap->sock->sk->sk_shutdown) & RCV_SHUTDOWN);
}

/**
 * dn_tap_send() - send a frame
 * @tap:   where to
 * @frame: stays the caller's, and may be sent again
 *
 * Context: process, may sleep for memory, doesn't wait for room. Return: 0 or an error.
 */
int dn_tap_send(struct dn_tap *tap, struct dn_frame *frame)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT };
	u32 first = tap->hdr_len ? DN_FRAME_VEC_HDR : DN_FRAME_VEC_ETH;
	u32 len = tap->hdr_len + frame->len;
	int ret;

	frame->vec[DN_FRAME_VEC_HDR].iov_base = &frame->hdr;
	frame->vec[DN_FRAME_VEC_HDR].iov_len = tap->hdr_len;
	iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, frame->vec + first, frame->nr - first, len);
	ret = tap->sock->ops->sendmsg(tap->sock, &msg, len);
	return ret < 0 ? ret : 0;
}

/**
 * dn_tap_receive() - take the next frame
 * @tap:  where from
 * @hdr:  gets its virtio-net header, zeroes if the tap has none
 * @vec:  where to; vec[0] is for @hdr
 * @nr:   entries of @vec
 * @room: bytes at @vec, without @hdr
 *
 * Context: process. Return: bytes, -EAGAIN (there is none), -EMSGSIZE (no frame, or too
 * large: it is lost), or another error (the tap is gone).
 */
int dn_tap_receive(struct dn_tap *tap, struct virtio_net_hdr_mrg_rxbuf *hdr, struct kvec *vec,
		   int nr, u32 room)
{
	struct msghdr msg = {};
	int ret;

	if (tap->hdr_len) {
		vec[0].iov_base = hdr;
		vec[0].iov_len = tap->hdr_len;
		iov_iter_kvec(&msg.msg_iter, ITER_DEST, vec, nr, tap->hdr_len + room);
	} else {
		memset(hdr, 0, sizeof(*hdr));
		iov_iter_kvec(&msg.msg_iter, ITER_DEST, vec + 1, nr - 1, room);
	}
	ret = tap->sock->ops->recvmsg(tap->sock, &msg, tap->hdr_len + room,
				      MSG_DONTWAIT | MSG_TRUNC);
	if (ret < 0)
		return ret == -EINVAL ? -EMSGSIZE : ret;
	ret -= tap->hdr_len;
	return ret < ETH_HLEN || ret > room ? -EMSGSIZE : ret;
}

/**
 * dn_tap_drop() - lose the frames that wait, and be told of none
 * @tap: of which nobody takes frames meanwhile
 *
 * A flood that goes on is left as it is. Context: process, may sleep.
 */
void dn_tap_drop(struct dn_tap *tap)
{
	struct msghdr msg = {};
	struct kvec vec;
	u32 frames;
	u8 byte;
	int ret;

	for (frames = 0; frames < DN_TAP_DROPS; frames++) {
		/* Too little for any frame, which is then gone; nothing at all would take none. */
		vec = (struct kvec){ &byte, sizeof(byte) };
		iov_iter_kvec(&msg.msg_iter, ITER_DEST, &vec, 1, sizeof(byte));
		ret = tap->sock->ops->recvmsg(tap->sock, &msg, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC);
		if (ret == -EAGAIN || ret == -EBADFD)
			break;
		cond_resched();
	}
	dn_tap_disarm(tap);
}
