/* SPDX-License-Identifier: MIT */
/* Stands in for lwIP's header of this name, so that addresses are defined once: in <netinet/in.h>. */
#ifndef LWIP_HDR_INET_H
#define LWIP_HDR_INET_H

#include <lwip/opt.h>
#include <lwip/def.h>
#include <lwip/ip_addr.h>
#include <lwip/ip6_addr.h>
#include <netinet/in.h>

#define inet_addr_from_ip4addr(in, ip)	((in)->s_addr = ip4_addr_get_u32(ip))
#define inet_addr_to_ip4addr(ip, in)	ip4_addr_set_u32(ip, (in)->s_addr)

static inline void inet6_addr_from_ip6addr(struct in6_addr *in, const ip6_addr_t *ip)
{
	SMEMCPY(in, ip->addr, sizeof(*in));
}

static inline void inet6_addr_to_ip6addr(ip6_addr_t *ip, const struct in6_addr *in)
{
	SMEMCPY(ip->addr, in, sizeof(*in));
	ip6_addr_clear_zone(ip);
}

#define inet_ntoa_r(in, buf, len)	ip4addr_ntoa_r((const ip4_addr_t *)&(in), buf, len)

#endif /* LWIP_HDR_INET_H */
