/* SPDX-License-Identifier: MIT */
/*
 * lwIP's raw API for programs that want no sockets: include this instead of
 * lwIP's headers one by one. Compile with -I to net/lwip and lwIP's src/include.
 */
#ifndef DENALI_OS_LWIP_H
#define DENALI_OS_LWIP_H

#include <lwip/opt.h>
#include <lwip/dns.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/tcp.h>
#include <lwip/tcpip.h>
#include <lwip/udp.h>
#include <denali-os/net.h>

#endif /* DENALI_OS_LWIP_H */
