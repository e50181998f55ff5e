/* SPDX-License-Identifier: MIT */
/* Functions of the libos that lwIP calls (see lwipopts.h). */
#ifndef DENALI_HOOKS_H
#define DENALI_HOOKS_H

#include <lwip/ip_addr.h>

struct netif;
struct pbuf;

/* Gateway of the boot arguments, when no router advertises itself. */
const ip6_addr_t *denali_nd6_gateway(struct netif *netif);
u32_t denali_tcp_isn(const ip_addr_t *local_ip, u16_t local_port,
		     const ip_addr_t *remote_ip, u16_t remote_port);

/* See timewait.c. */
int denali_ip4_input(struct pbuf *p);
int denali_ip6_input(struct pbuf *p);

#endif /* DENALI_HOOKS_H */
