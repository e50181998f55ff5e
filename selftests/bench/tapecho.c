// SPDX-License-Identifier: GPL-2.0
/*
 * An echo server that owns a tap, as a VM does, and is a process: reads frames, answers
 * ARP and UDP to port 7, writes frames. It has no protocol stack to speak of, so
 * it is the least that a server behind a tap can cost on this kernel.
 *
 * Usage: tapecho TAP ADDRESS
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const uint8_t mac[ETH_ALEN] = { 0x02, 0, 0, 0, 0, 0x7e };

static int answer_arp(uint8_t *frame, ssize_t len, in_addr_t me)
{
	struct ether_arp *arp = (void *)(frame + ETH_HLEN);

	if (len < (ssize_t)(ETH_HLEN + sizeof(*arp)) || arp->ea_hdr.ar_op != htons(ARPOP_REQUEST) ||
	    memcmp(arp->arp_tpa, &me, 4))
		return 0;
	arp->ea_hdr.ar_op = htons(ARPOP_REPLY);
	memcpy(arp->arp_tha, arp->arp_sha, ETH_ALEN);
	memcpy(arp->arp_tpa, arp->arp_spa, 4);
	memcpy(arp->arp_sha, mac, ETH_ALEN);
	memcpy(arp->arp_spa, &me, 4);
	return ETH_HLEN + sizeof(*arp);
}

/* Swapping addresses and ports leaves all checksums right. */
static int answer_udp(uint8_t *frame, ssize_t len, in_addr_t me)
{
	struct iphdr *ip = (void *)(frame + ETH_HLEN);
	struct udphdr *udp = (void *)(ip + 1);
	uint16_t port;

	if (len < (ssize_t)(ETH_HLEN + sizeof(*ip) + sizeof(*udp)) || ip->ihl != 5 ||
	    ip->protocol != IPPROTO_UDP || ip->daddr != me || udp->dest != htons(7))
		return 0;
	ip->daddr = ip->saddr;
	ip->saddr = me;
	port = udp->source;
	udp->source = udp->dest;
	udp->dest = port;
	return len;
}

int main(int argc, char **argv)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	uint8_t frame[2048];
	struct in_addr me;
	ssize_t len;
	int fd;

	if (argc != 3 || !inet_aton(argv[2], &me)) {
		fprintf(stderr, "usage: tapecho TAP ADDRESS\n");
		return 1;
	}
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", argv[1]);
	fd = open("/dev/net/tun", O_RDWR);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0) {
		perror(argv[1]);
		return 1;
	}
	for (;;) {
		struct ether_header *eth = (void *)frame;

		len = read(fd, frame, sizeof(frame));
		if (len < ETH_HLEN)
			continue;
		if (eth->ether_type == htons(ETHERTYPE_ARP))
			len = answer_arp(frame, len, me.s_addr);
		else if (eth->ether_type == htons(ETHERTYPE_IP))
			len = answer_udp(frame, len, me.s_addr);
		else
			len = 0;
		if (!len)
			continue;
		memcpy(eth->ether_dhost, eth->ether_shost, ETH_ALEN);
		memcpy(eth->ether_shost, mac, ETH_ALEN);
		if (write(fd, frame, len) != len)
			perror(argv[1]);
	}
}
