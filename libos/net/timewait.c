// SPDX-License-Identifier: MIT
/*
 * A new connection ends an old one's TIME-WAIT (RFC 1122, section 4.2.2.13): a SYN
 * with a sequence number above all of the old connection's. lwIP answers it like a
 * stray segment instead and keeps its silence for two minutes, so a client that
 * comes back from the same port, as one with many connections soon must, would
 * never get through.
 */
#include <lwip/opt.h>
#include <lwip/ip.h>
#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/tcp.h>
#include "denali_hooks.h"

/* The TCP header is @offset bytes into @p. Whether it is sound is seen to later. */
static void reopen(struct pbuf *p, unsigned int offset, const ip_addr_t *from, const ip_addr_t *to)
{
	const struct tcp_hdr *tcp = (const void *)((const char *)p->payload + offset);
	struct tcp_pcb *pcb;

	if (p->len < offset + TCP_HLEN ||
	    (TCPH_FLAGS(tcp) & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return;
	for (pcb = tcp_tw_pcbs; pcb; pcb = pcb->next) {
		if (pcb->remote_port == lwip_ntohs(tcp->src) &&
		    pcb->local_port == lwip_ntohs(tcp->dest) &&
		    ip_addr_cmp_zoneless(&pcb->remote_ip, from) &&
		    ip_addr_cmp_zoneless(&pcb->local_ip, to) &&
		    TCP_SEQ_GT(lwip_ntohl(tcp->seqno), pcb->rcv_nxt)) {
			tcp_pcb_remove(&tcp_tw_pcbs, pcb);
			tcp_free(pcb);
			return;
		}
	}
}

/* Return: 0, the packet goes on. */
int denali_ip4_input(struct pbuf *p)
{
	const struct ip_hdr *ip = p->payload;
	ip_addr_t from, to;

	if (p->len >= IP_HLEN && IPH_PROTO(ip) == IP_PROTO_TCP &&
	    !(IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF))) {
		ip_addr_copy_from_ip4(from, ip->src);
		ip_addr_copy_from_ip4(to, ip->dest);
		reopen(p, IPH_HL_BYTES(ip), &from, &to);
	}
	return 0;
}

/* Return: 0, the packet goes on. */
int denali_ip6_input(struct pbuf *p)
{
	const struct ip6_hdr *ip = p->payload;
	ip_addr_t from, to;

	if (p->len >= IP6_HLEN && IP6H_NEXTH(ip) == IP6_NEXTH_TCP) {
		ip_addr_copy_from_ip6_packed(from, ip->src);
		ip_addr_copy_from_ip6_packed(to, ip->dest);
		reopen(p, IP6_HLEN, &from, &to);
	}
	return 0;
}
