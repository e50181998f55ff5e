// SPDX-License-Identifier: MIT
/*
 * Driver for NIC ports (denali/ring.h) under lwIP.
 *
 * Receiving copies nothing: the host fills buffers that are pbufs as they stand,
 * and a buffer returns to the ring when the last reader has freed it. As readers
 * may take long, there are more buffers than ring slots, and when the spare ones
 * are used up frames are copied out of the ring's: the host always has some.
 *
 * Sending copies nothing either: the ring points into pbufs, each descriptor holding
 * a reference until its response. Frames queued under the core lock leave with
 * one doorbell when the lock is given up (denali_nic_flush()).
 *
 * Interrupts are armed only when the driver has run out of work. The handler just
 * wakes the net thread, which takes a bounded number of frames under the lock
 * before others get a chance at it.
 *
 * Rings and counters are guarded by the core lock; the spare list by disabled
 * interrupts, since readers free buffers without the lock.
 */
#include <stdlib.h>
#include <lwip/opt.h>
#include <lwip/dns.h>
#include <lwip/ethip6.h>
#include <lwip/etharp.h>
#include <lwip/nd6.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/tcp.h>
#include <lwip/snmp.h>
#include <lwip/tcpip.h>
#include <lwip/priv/tcp_priv.h>
#include <netif/ethernet.h>
#include <denali-os/irq.h>
#include <denali-os/ring.h>
#include "net.h"

/* A frame of the largest MTU with a VLAN tag, rounded up. */
#define BUF_SIZE	1536

#define RING_ALIGN	64UL

/*
 * A frame of at most so many bytes is taken to be an acknowledgment or the like: read at
 * once, and what lets memory for sending go.
 */
#define SMALL_FRAME	128

/* Frames taken before the core lock is offered to others. */
#define RX_BATCH	32

struct nic_buf {
	struct pbuf_custom pbuf;	/* first: lwIP casts */
	struct denali_nic *nic;
	struct nic_buf *next;
	uint8_t data[BUF_SIZE];
};

_Static_assert(sizeof(struct nic_buf) <= DENALI_NIC_BUF_BYTES, "tune.c counts with less");

struct denali_nic {
	struct netif netif;
	struct denali_ring_front rx;
	struct denali_ring_front tx;
	struct nic_buf *spare;
	uint32_t rx_posted;		/* buffers that the host has */
	uint32_t csum;			/* the host does checksums */
	uint32_t changes;		/* of what is plugged in, seen */
	unsigned int port;
	int tx_dirty;			/* pushed, not kicked */
	int tx_stalled;			/* a frame was refused: the ring was full */
	struct denali_nic_counters stats;
};

static struct denali_nic *nics[DENALI_NICS_MAX];
static unsigned int nic_count;
static uint32_t work;			/* bits of nics[]; set by the handler */
static struct tcpip_callback_msg *work_msg;
static struct denali_waitq writable;

static volatile struct denali_port_info *nic_info(struct denali_nic *nic)
{
	return &DENALI_VREGS->ports[nic->port];
}

static void spare_put(struct denali_nic *nic, struct nic_buf *buf)
{
	uint32_t flags = denali_irq_disable();

	buf->next = nic->spare;
	nic->spare = buf;
	denali_irq_restore(flags);
}

static struct nic_buf *spare_get(struct denali_nic *nic)
{
	uint32_t flags = denali_irq_disable();
	struct nic_buf *buf = nic->spare;

	if (buf)
		nic->spare = buf->next;
	denali_irq_restore(flags);
	return buf;
}

static void nic_buf_free(struct pbuf *p)
{
	struct nic_buf *buf = (struct nic_buf *)p;

	spare_put(buf->nic, buf);
}

static void rx_refill(struct denali_nic *nic)
{
	struct nic_buf *buf;

	while (denali_ring_free(&nic->rx)) {
		buf = spare_get(nic);
		if (!buf)
			break;
		denali_ring_push(&nic->rx, buf->data, BUF_SIZE, 0, 0, (uintptr_t)buf);
		nic->rx_posted++;
	}
	nic->stats.doorbells += denali_ring_kick(&nic->rx);
}

/* The frame as a pbuf; the buffer is spare again if it could be copied or had to be dropped. */
static struct pbuf *rx_pbuf(struct denali_nic *nic, struct nic_buf *buf, uint32_t len)
{
	struct pbuf *p;

	if (nic->spare || nic->rx_posted > nic->rx.size / 2) {
		return pbuf_alloced_custom(PBUF_RAW, len, PBUF_REF, &buf->pbuf, buf->data,
					   sizeof(buf->data));
	}
	/*
	 * Data that nobody reads before he could send, and that leaves nothing to send by,
	 * would stay for ever: it may have half of the memory, small frames the last of it.
	 */
	if (len > SMALL_FRAME)
		p = denali_net_memory_used() < denali_net_tune.budget / 2 ?
		    pbuf_alloc(PBUF_RAW, len, PBUF_RAM) : NULL;
	else
		p = denali_net_alloc_urgent(len);
	if (p) {
		memcpy(p->payload, buf->data, len);
		nic->stats.rx_copied++;
	} else {
		nic->stats.rx_drops++;
	}
	spare_put(nic, buf);
	return p;
}

/* Return: whether there may be more. */
static int rx_poll(struct denali_nic *nic)
{
	struct netif *netif = &nic->netif;
	struct denali_desc d;
	struct nic_buf *buf;
	struct pbuf *p;
	int budget = RX_BATCH;

	while (budget && denali_ring_pop(&nic->rx, &d)) {
		budget--;
		nic->rx_posted--;
		buf = (struct nic_buf *)(uintptr_t)d.cookie;
		if (d.status || (d.flags & DENALI_DESC_MORE) || d.len > BUF_SIZE) {
			nic->stats.rx_drops++;
			spare_put(nic, buf);
			continue;
		}
		nic->stats.rx_frames++;
		nic->stats.rx_bytes += d.len;
		p = rx_pbuf(nic, buf, d.len);
		if (!p)
			continue;
		/* What the host knows to be good isn't summed again. */
		if (d.flags & DENALI_DESC_CSUM)
			netif->chksum_flags &= ~(NETIF_CHECKSUM_CHECK_UDP | NETIF_CHECKSUM_CHECK_TCP);
		else
			netif->chksum_flags |= NETIF_CHECKSUM_CHECK_UDP | NETIF_CHECKSUM_CHECK_TCP;
		if (netif->input(p, netif) != ERR_OK)
			pbuf_free(p);
	}
	rx_refill(nic);
	return !budget;
}

static void tx_reap(struct denali_nic *nic)
{
	struct denali_desc d;

	while (denali_ring_pop(&nic->tx, &d)) {
		if (d.status)
			nic->stats.tx_errors++;
		pbuf_free((struct pbuf *)(uintptr_t)d.cookie);
	}
}

static void tx_kick(struct denali_nic *nic)
{
	nic->tx_dirty = 0;
	nic->stats.doorbells += denali_ring_kick(&nic->tx);
	tx_reap(nic);
	/*
	 * References must not outlive the frame by long: lwIP doesn't resend what is
	 * still referenced. If the host took only a part, hear of the last.
	 */
	if (nic->tx.rsp_cons != nic->tx.req_prod) {
		nic->tx.ring->rsp_event = nic->tx.req_prod;
		denali_ring_mb();
		tx_reap(nic);
	}
}

void denali_nic_flush(void)
{
	unsigned int i;

	for (i = 0; i < nic_count; i++)
		if (nics[i]->tx_dirty)
			tx_kick(nics[i]);
}

static uint32_t sum_add(uint32_t sum, const void *data, unsigned int words)
{
	const uint16_t *w = data;

	while (words--)
		sum += *w++;
	return sum;
}

/*
 * If the frame is TCP (the only checksum that lwIP leaves to us), put the pseudo header's sum
 * into its field. Return: denali_desc.pos, or 0 if there is nothing to sum.
 */
static uint32_t tx_csum(struct pbuf *p)
{
	uint8_t *frame = p->payload;
	struct ip_hdr *ip = (struct ip_hdr *)(frame + SIZEOF_ETH_HDR);
	struct ip6_hdr *ip6 = (struct ip6_hdr *)ip;
	uint32_t start, len, sum;

	if (p->len < SIZEOF_ETH_HDR + IP_HLEN + TCP_HLEN)
		return 0;
	switch (((struct eth_hdr *)frame)->type) {
	case PP_HTONS(ETHTYPE_IP):
		if (IPH_PROTO(ip) != IP_PROTO_TCP ||
		    (IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF)))
			return 0;
		start = SIZEOF_ETH_HDR + IPH_HL_BYTES(ip);
		len = lwip_ntohs(IPH_LEN(ip)) - IPH_HL_BYTES(ip);
		sum = sum_add(0, &ip->src, 4);
		break;
	case PP_HTONS(ETHTYPE_IPV6):
		if (p->len < SIZEOF_ETH_HDR + IP6_HLEN + TCP_HLEN || IP6H_NEXTH(ip6) != IP6_NEXTH_TCP)
			return 0;
		start = SIZEOF_ETH_HDR + IP6_HLEN;
		len = IP6H_PLEN(ip6);
		sum = sum_add(0, &ip6->src, 16);
		break;
	default:
		return 0;
	}
	sum += lwip_htons(len) + PP_HTONS(IP_PROTO_TCP);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	((struct tcp_hdr *)(frame + start))->chksum = sum;
	return start | offsetof(struct tcp_hdr, chksum) << 16;
}

/* Have the net thread call denali_nic_work(). Any context. */
static void work_request(uint32_t bit)
{
	uint32_t flags = denali_irq_disable();
	uint32_t before = work;

	work |= bit;
	/* A full mailbox means that the thread is about to look anyway (LWIP_TCPIP_THREAD_ALIVE). */
	if (!before)
		tcpip_callbackmsg_trycallback_fromisr(work_msg);
	denali_irq_restore(flags);
}

static err_t nic_linkoutput(struct netif *netif, struct pbuf *p)
{
	struct denali_nic *nic = netif->state;
	struct pbuf *q, *frame = p;
	uint32_t pos = 0, descs = 0;
	uint16_t flags = 0;
	int borrowed = 0;

	for (q = p; q; q = q->next) {
		descs++;
		borrowed |= PBUF_NEEDS_COPY(q);
	}
	if (descs > DENALI_FRAME_MAX_DESCS || borrowed) {
		frame = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
		if (!frame)
			return ERR_MEM;
		descs = 1;
	}

	if (denali_ring_free(&nic->tx) < descs)
		tx_kick(nic);
	if (denali_ring_free(&nic->tx) < descs) {
		/* An interrupt when half of what is out is done; tx_unstall() goes on from there. */
		nic->tx.ring->rsp_event = nic->tx.rsp_cons + nic->tx.size / 2;
		nic->tx_stalled = 1;
		denali_ring_mb();
		if (nic->tx.ring->rsp_prod != nic->tx.rsp_cons)
			work_request(1U << nic->netif.num);
		nic->stats.tx_busy++;
		if (frame != p)
			pbuf_free(frame);
		return ERR_WOULDBLOCK;
	}

	if (nic->csum) {
		pos = tx_csum(frame);
		if (pos)
			flags = DENALI_DESC_CSUM;
	}
	for (q = frame; q; q = q->next) {
		if (q != frame || frame == p)
			pbuf_ref(frame);
		denali_ring_push(&nic->tx, q->payload, q->len,
				 flags | (q->next ? DENALI_DESC_MORE : 0), pos, (uintptr_t)frame);
		pos = 0;
		flags = 0;
	}
	nic->tx_dirty = 1;
	nic->stats.tx_frames++;
	nic->stats.tx_bytes += p->tot_len;
	return ERR_OK;
}

static void tx_unstall(struct denali_nic *nic)
{
	uint32_t flags;

	if (!nic->tx_stalled || !denali_ring_free(&nic->tx))
		return;
	nic->tx_stalled = 0;
	flags = denali_irq_disable();
	denali_waitq_wake_all(&writable);
	denali_irq_restore(flags);
	tcp_txnow();
}

void denali_nic_writable_wait(void)
{
	uint32_t flags = denali_irq_disable();
	unsigned int i;

	for (i = 0; i < nic_count; i++) {
		if (nics[i]->tx_stalled) {
			denali_waitq_sleep(&writable, DENALI_FOREVER);
			break;
		}
	}
	denali_irq_restore(flags);
}

static void link_check(struct denali_nic *nic)
{
	int up = !!(nic_info(nic)->state & DENALI_PORT_UP);
	uint32_t changes = nic_info(nic)->changes;

	/* Another tap may do less, or more. */
	nic->csum = nic_info(nic)->features & DENALI_NIC_F_CSUM;
	if (nic->csum)
		nic->netif.chksum_flags &= ~NETIF_CHECKSUM_GEN_TCP;
	else
		nic->netif.chksum_flags |= NETIF_CHECKSUM_GEN_TCP;
	if (netif_is_link_up(&nic->netif) && (!up || changes != nic->changes)) {
		netif_set_link_down(&nic->netif);
		/* Who is where may be another when it comes back. */
		etharp_cleanup_netif(&nic->netif);
		nd6_cleanup_netif(&nic->netif);
	}
	nic->changes = changes;
	if (up && !netif_is_link_up(&nic->netif))
		netif_set_link_up(&nic->netif);
}

void denali_nic_work(void)
{
	uint32_t flags, todo;
	struct denali_nic *nic;
	unsigned int i;

	if (!work)
		return;
	flags = denali_irq_disable();
	todo = work;
	work = 0;
	denali_irq_restore(flags);

	for (i = 0; i < nic_count; i++) {
		if (!(todo & 1U << i))
			continue;
		nic = nics[i];
		tx_reap(nic);
		tx_unstall(nic);
		link_check(nic);
		if (rx_poll(nic) || denali_ring_arm(&nic->rx))
			work_request(1U << i);
	}
}

static void work_callback(void *arg)
{
	(void)arg;
	denali_nic_work();
}

static void nic_interrupt(unsigned int irq, void *arg)
{
	unsigned int i = (uintptr_t)arg;

	(void)irq;
	nics[i]->stats.interrupts++;
	work_request(1U << i);
}

static err_t nic_netif_init(struct netif *netif)
{
	struct denali_nic *nic = netif->state;
	volatile struct denali_port_info *info = nic_info(nic);
	int i;

	netif->name[0] = 'e';
	netif->name[1] = 't';
	netif->hwaddr_len = ETH_HWADDR_LEN;
	for (i = 0; i < ETH_HWADDR_LEN; i++)
		netif->hwaddr[i] = info->mac[i];
	netif->mtu = info->mtu;
	netif->output = etharp_output;
	netif->output_ip6 = ethip6_output;
	netif->linkoutput = nic_linkoutput;
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
		       NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
	return ERR_OK;
}

static int rings_create(struct denali_nic *nic)
{
	uint32_t rx = denali_net_tune.rx_order, tx = denali_net_tune.tx_order;
	uint32_t bufs = DENALI_NIC_BUFS(rx);
	struct nic_buf *buf;
	uint8_t *block, *rings;

	block = malloc(DENALI_RING_BYTES(rx) + DENALI_RING_BYTES(tx) + RING_ALIGN);
	buf = malloc(bufs * sizeof(*buf));
	if (!block || !buf)
		goto err_free;
	rings = (uint8_t *)(((uintptr_t)block + RING_ALIGN - 1) & ~(RING_ALIGN - 1));
	if (denali_ring_init(&nic->rx, nic->port, DENALI_QUEUE_IN, rx, rings) ||
	    denali_ring_init(&nic->tx, nic->port, DENALI_QUEUE_OUT, tx, rings + DENALI_RING_BYTES(rx)))
		goto err_free;
	while (bufs--) {
		buf->pbuf.custom_free_function = nic_buf_free;
		buf->nic = nic;
		spare_put(nic, buf++);
	}
	return 0;

err_free:
	free(block);
	free(buf);
	return -1;
}

struct denali_nic *denali_nic_create(unsigned int port)
{
	struct denali_nic *nic;

	if (nic_count == DENALI_NICS_MAX)
		return NULL;
	if (!work_msg)
		work_msg = tcpip_callbackmsg_new(work_callback, NULL);
	nic = calloc(1, sizeof(*nic));
	if (!nic || !work_msg)
		goto err_free;
	nic->port = port;
	if (rings_create(nic))
		goto err_free;
	if (!netif_add_noaddr(&nic->netif, nic, nic_netif_init, ethernet_input))
		goto err_free;
	nic->netif.num = nic_count;
	nics[nic_count++] = nic;
	return nic;

err_free:
	free(nic);
	return NULL;
}

void denali_nic_enable(unsigned int index)
{
	struct denali_nic *nic = nics[index];

	rx_refill(nic);
	denali_irq_register(DENALI_IRQ_PORT0 + nic->port, nic_interrupt, (void *)(uintptr_t)index);
	work_request(1U << index);
}

struct netif *denali_nic_netif(unsigned int index)
{
	return &nics[index]->netif;
}

unsigned int denali_nic_port(unsigned int index)
{
	return nics[index]->port;
}

unsigned int denali_nic_count(void)
{
	return nic_count;
}

int denali_nic_stats(unsigned int index, struct denali_nic_counters *out)
{
	if (index >= nic_count)
		return ENODEV;
	LOCK_TCPIP_CORE();
	*out = nics[index]->stats;
	UNLOCK_TCPIP_CORE();
	return 0;
}
