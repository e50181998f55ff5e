/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Linux taps as the module uses them: behind a NIC, and as uplink and mirror of a
 * switch. And a frame under way, from wherever it comes to wherever it goes.
 */
#ifndef DN_TAP_H
#define DN_TAP_H

#include <linux/if_ether.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <linux/virtio_net.h>
#include <linux/wait.h>

#include <denali/ring.h>

struct file;
struct socket;

#define DN_FRAME_VLAN		4	/* room for a tag, which a tap may add */
#define DN_FRAME_MAX_MTU	1500
#define DN_FRAME_MAX		(ETH_HLEN + DN_FRAME_VLAN + DN_FRAME_MAX_MTU)

/* A frame's descriptors cross at most one page boundary each: mtu < page. */
#define DN_FRAME_VECS		(2 * DENALI_FRAME_MAX_DESCS)

/* Where things are in struct dn_frame.vec. */
#define DN_FRAME_VEC_HDR	0
#define DN_FRAME_VEC_ETH	1

/**
 * struct dn_frame - a frame
 * @hdr: what its checksum needs, for whom it is sent to
 * @eth: the Ethernet header, a copy: what was checked is what is sent
 * @len: bytes, from the Ethernet header on
 * @nr:  entries of @vec
 * @vec: @hdr; the Ethernet header, perhaps with more; the rest, perhaps in a guest's
 *       memory and changing
 */
struct dn_frame {
	struct virtio_net_hdr_mrg_rxbuf hdr;
	struct ethhdr eth;
	u32 len;
	u32 nr;
	struct kvec vec[2 + DN_FRAME_VECS];
};

static inline bool dn_frame_csum(const struct dn_frame *frame)
{
	return frame->hdr.hdr.flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID);
}

/**
 * struct dn_tap - a tap that is held
 * @file:    holds it
 * @sock:    its socket
 * @wqh:     where @wait is queued
 * @wait:    called when the tap's socket has news
 * @wake:    what is to be done then. Context: any, @wqh's lock held
 * @owner:   for @wake
 * @armed:   the tap was found empty: a frame that comes is to be told of. Set before the
 *           queue is looked at, cleared by who tells of it
 * @csum:    the tap completes checksums
 * @hdr_len: bytes of the virtio-net header before a frame, 0: none
 * @ifindex: of its device, for dumps; 0: unknown
 * @node:    on the list of all
 */
struct dn_tap {
	struct file *file;
	struct socket *sock;
	wait_queue_head_t *wqh;
	wait_queue_entry_t wait;
	void (*wake)(struct dn_tap *tap);
	void *owner;
	bool armed;
	bool csum;
	u32 hdr_len;
	u32 ifindex;
	struct list_head node;
};

struct dn_tap *dn_tap_get(int fd, u32 flags, u32 hdr_len, const struct dn_tap *instead,
			  void (*wake)(struct dn_tap *tap), void *owner);
void dn_tap_put(struct dn_tap *tap);
bool dn_tap_alive(const struct dn_tap *tap);
int dn_tap_send(struct dn_tap *tap, struct dn_frame *frame);
int dn_tap_receive(struct dn_tap *tap, struct virtio_net_hdr_mrg_rxbuf *hdr, struct kvec *vec,
		   int nr, u32 room);
void dn_tap_drop(struct dn_tap *tap);

/**
 * dn_tap_arm() - from here on a frame that comes calls tap->wake(), once
 *
 * The queue is to be looked at after this. Pairs with wq_has_sleeper().
 */
static inline void dn_tap_arm(struct dn_tap *tap)
{
	/* Armed before the queue is looked at. */
	smp_store_mb(tap->armed, true);
}

static inline void dn_tap_disarm(struct dn_tap *tap)
{
	WRITE_ONCE(tap->armed, false);
}

#endif /* DN_TAP_H */
