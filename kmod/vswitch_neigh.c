// SPDX-License-Identifier: GPL-2.0
/*
 * Which port of a switch has which IP address, so that a request for one goes to its
 * owner and wakes nobody else. The switch learns from what a port itself sends: ARP, and
 * ICMPv6 neighbour discovery.
 *
 * None of it is authenticated, as on any Ethernet. But a port's share of the table is a
 * few entries, in its own struct; and an address stays with the port that has shown it
 * first as long as that goes on showing it: see DN_NEIGH_HOLD.
 *
 * Frames are looked at in a copy of their first bytes. What a guest changes meanwhile
 * changes to whom its frame goes and nothing else.
 *
 * An entry may be taken out of the table and put in for another address while a reader
 * is at it. The reader may then miss it, or find it for the address that it had: a
 * request goes to the wrong port, once.
 */
#include <linux/etherdevice.h>
#include <linux/icmpv6.h>
#include <linux/if_arp.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/jhash.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <net/ipv6.h>
#include <net/ndisc.h>

#include "vswitch.h"

struct dn_arp {
	struct arphdr hdr;
	u8 sender[ETH_ALEN];
	__be32 sender_ip;
	u8 target[ETH_ALEN];
	__be32 target_ip;
} __packed;

struct dn_ndisc {
	struct ipv6hdr ip;
	u8 type;
	u8 code;
	u8 rest[6];
	struct in6_addr target;
} __packed;

static const struct rhashtable_params dn_neigh_params = {
	.key_len = sizeof_field(struct dn_vaddr, ip),
	.key_offset = offsetof(struct dn_vaddr, ip),
	.head_offset = offsetof(struct dn_vaddr, node),
	.automatic_shrinking = true,
};

int dn_neigh_init(struct dn_vswitch *sw)
{
	spin_lock_init(&sw->neigh_lock);
	return rhashtable_init(&sw->neighs, &dn_neigh_params);
}

void dn_neigh_exit(struct dn_vswitch *sw)
{
	rhashtable_destroy(&sw->neighs);
}

/* The bytes behind the Ethernet header; false if there are fewer. */
static bool dn_frame_peek(const struct dn_frame *frame, void *to, size_t len)
{
	size_t skip = ETH_HLEN, n;
	u32 i;

	for (i = DN_FRAME_VEC_ETH; i < frame->nr && len; i++) {
		const struct kvec *vec = &frame->vec[i];

		if (skip >= vec->iov_len) {
			skip -= vec->iov_len;
			continue;
		}
		n = min(len, vec->iov_len - skip);
		memcpy(to, vec->iov_base + skip, n);
		skip = 0;
		to += n;
		len -= n;
	}
	return !len;
}

static void dn_neigh_look_arp(const struct dn_frame *frame, struct dn_neigh *neigh)
{
	struct dn_arp arp;

	if (!dn_frame_peek(frame, &arp, sizeof(arp)) || arp.hdr.ar_pro != htons(ETH_P_IP) ||
	    arp.hdr.ar_hln != ETH_ALEN || arp.hdr.ar_pln != sizeof(arp.sender_ip))
		return;
	if (arp.hdr.ar_op == htons(ARPOP_REQUEST)) {
		neigh->whom = DN_WHOM_ADDR;
		ipv6_addr_set_v4mapped(arp.target_ip, &neigh->asked);
	}
	if (arp.sender_ip && ether_addr_equal_unaligned(arp.sender, frame->eth.h_source)) {
		neigh->shows = true;
		ipv6_addr_set_v4mapped(arp.sender_ip, &neigh->shown);
	}
}

static void dn_neigh_show(struct dn_neigh *neigh, const struct in6_addr *ip)
{
	/* A mapped one would be another family's. */
	if (ipv6_addr_any(ip) || ipv6_addr_is_multicast(ip) || ipv6_addr_v4mapped(ip))
		return;
	neigh->shows = true;
	neigh->shown = *ip;
}

static void dn_neigh_look_ipv6(const struct dn_frame *frame, struct dn_neigh *neigh)
{
	struct dn_ndisc nd;

	if (!dn_frame_peek(frame, &nd, offsetof(struct dn_ndisc, code)) ||
	    (nd.ip.nexthdr != NEXTHDR_ICMP && nd.ip.nexthdr != NEXTHDR_HOP))
		return;
	/* Multicast listeners report with an option for routers in front. */
	if (nd.ip.nexthdr == NEXTHDR_HOP) {
		if (nd.type == NEXTHDR_ICMP)
			neigh->whom = DN_WHOM_ROUTERS;
		return;
	}
	switch (nd.type) {
	case NDISC_ROUTER_SOLICITATION:
	case ICMPV6_MGM_REPORT:
	case ICMPV6_MGM_REDUCTION:
	case ICMPV6_MLD2_REPORT:
		neigh->whom = DN_WHOM_ROUTERS;
		break;
	case NDISC_NEIGHBOUR_SOLICITATION:
		if (!dn_frame_peek(frame, &nd, sizeof(nd)))
			break;
		neigh->whom = DN_WHOM_ADDR;
		neigh->asked = nd.target;
		/* Nobody's source yet: is the address free? */
		dn_neigh_show(neigh, ipv6_addr_any(&nd.ip.saddr) ? &nd.target : &nd.ip.saddr);
		break;
	case NDISC_NEIGHBOUR_ADVERTISEMENT:
		if (dn_frame_peek(frame, &nd, sizeof(nd)))
			dn_neigh_show(neigh, &nd.target);
		break;
	}
}

/** dn_neigh_look() - what does a frame say of addresses, and whom does it concern? */
void dn_neigh_look(const struct dn_frame *frame, struct dn_neigh *neigh)
{
	neigh->whom = DN_WHOM_ALL;
	neigh->shows = false;
	if (frame->eth.h_proto == htons(ETH_P_ARP))
		dn_neigh_look_arp(frame, neigh);
	else if (frame->eth.h_proto == htons(ETH_P_IPV6))
		dn_neigh_look_ipv6(frame, neigh);
}

static struct dn_vport *dn_vaddr_port(struct dn_vaddr *addr)
{
	return container_of(addr, struct dn_vport, addr[addr->slot]);
}

static bool dn_vport_has(const struct dn_vport *vport, bool ipv4)
{
	u32 i;

	for (i = 0; i < DN_VPORT_ADDRS; i++)
		if (vport->addr[i].used && ipv6_addr_v4mapped(&vport->addr[i].ip) == ipv4)
			return true;
	return false;
}

/* Keep the marks of @vport as its addresses are. */
static void dn_vport_mark(struct dn_vport *vport)
{
	struct xarray *ports = &vport->sw->ports;

	lockdep_assert_held(&vport->sw->neigh_lock);
	if (dn_vport_has(vport, true))
		xa_clear_mark(ports, vport->id, DN_VPORT_NO_IPV4);
	else
		xa_set_mark(ports, vport->id, DN_VPORT_NO_IPV4);
	if (dn_vport_has(vport, false))
		xa_clear_mark(ports, vport->id, DN_VPORT_NO_IPV6);
	else
		xa_set_mark(ports, vport->id, DN_VPORT_NO_IPV6);
}

static void dn_vaddr_remove(struct dn_vswitch *sw, struct dn_vaddr *addr)
{
	lockdep_assert_held(&sw->neigh_lock);
	if (addr->used)
		rhashtable_remove_fast(&sw->neighs, &addr->node, dn_neigh_params);
	addr->used = false;
}

/* A free place of @vport, or that which was shown least lately. */
static struct dn_vaddr *dn_vport_place(struct dn_vport *vport)
{
	struct dn_vaddr *place = vport->addr;
	u32 i;

	for (i = 0; i < DN_VPORT_ADDRS; i++) {
		struct dn_vaddr *addr = &vport->addr[i];

		addr->slot = i;
		if (!addr->used)
			return addr;
		if ((s32)(addr->seen - place->seen) < 0)
			place = addr;
	}
	return place;
}

/**
 * dn_neigh_learn() - a port shows that it has an address
 * @vport: the port
 * @ip:    the address
 *
 * Context: the port's runner. If there is no memory for a larger table it isn't learned.
 */
void dn_neigh_learn(struct dn_vport *vport, const struct in6_addr *ip)
{
	struct dn_vswitch *sw = vport->sw;
	u32 now = (u32)jiffies;
	struct dn_vaddr *addr;
	struct dn_vport *old;

	spin_lock(&sw->neigh_lock);
	addr = rhashtable_lookup_fast(&sw->neighs, ip, dn_neigh_params);
	if (addr) {
		old = dn_vaddr_port(addr);
		if (old == vport || now - addr->seen < DN_NEIGH_HOLD) {
			if (old == vport)
				addr->seen = now;
			goto unlock;
		}
		dn_vaddr_remove(sw, addr);
		dn_vport_mark(old);
	}
	addr = dn_vport_place(vport);
	dn_vaddr_remove(sw, addr);
	addr->ip = *ip;
	addr->seen = now;
	addr->used = !rhashtable_insert_fast(&sw->neighs, &addr->node, dn_neigh_params);
	dn_vport_mark(vport);
unlock:
	spin_unlock(&sw->neigh_lock);
}

/** dn_neigh_find() - the port that has an address, or NULL. Context: under RCU. */
struct dn_vport *dn_neigh_find(struct dn_vswitch *sw, const struct in6_addr *ip)
{
	struct dn_vaddr *addr = rhashtable_lookup(&sw->neighs, ip, dn_neigh_params);

	return addr ? dn_vaddr_port(addr) : NULL;
}

/** dn_neigh_forget() - a port has shown nothing. Context: process; its guest sends nothing meanwhile. */
void dn_neigh_forget(struct dn_vport *vport)
{
	struct dn_vswitch *sw = vport->sw;
	u32 i;

	spin_lock(&sw->neigh_lock);
	for (i = 0; i < DN_VPORT_ADDRS; i++)
		dn_vaddr_remove(sw, &vport->addr[i]);
	dn_vport_mark(vport);
	spin_unlock(&sw->neigh_lock);
}
