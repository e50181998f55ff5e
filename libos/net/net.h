/* SPDX-License-Identifier: MIT */
/* What the files of net/ share. */
#ifndef DENALI_NET_NET_H
#define DENALI_NET_NET_H

#include <stdint.h>
#include <lwip/memp.h>
#include <lwip/netif.h>
#include <denali-os/net.h>

#define DENALI_NICS_MAX		8

/* Buffers of a receive ring, and the bytes of one: a frame and what lwIP keeps of it. */
#define DENALI_NIC_BUFS(order)	((1U << (order)) + (1U << (order)) / 2)
#define DENALI_NIC_BUF_BYTES	1600

struct denali_nic;

/* nic.c: all with the core lock held, but for denali_nic_writable_wait(). */
struct denali_nic *denali_nic_create(unsigned int port);
struct netif *denali_nic_netif(unsigned int index);
unsigned int denali_nic_port(unsigned int index);
/* Take interrupts from here on; the link may come up at once. */
void denali_nic_enable(unsigned int index);
/* Ring the doorbells for what was queued. */
void denali_nic_flush(void);
/* Work that interrupts left behind: the net thread asks before it sleeps. */
void denali_nic_work(void);
/* Sleep until a full transmit ring has room. From threads, without the lock. */
void denali_nic_writable_wait(void);

/* timers.c: wake the net thread if it has to wait for something new. At the lock's release. */
void denali_timers_check(void);
/* A name is being looked up. Without the lock. */
void denali_dns_begin(void);
void denali_dns_end(void);

/* memory.c: elements in use; a pbuf that may take the last of the memory, core lock held. */
uint32_t denali_pool_used(memp_t type);
struct pbuf *denali_net_alloc_urgent(uint16_t len);

/* tune.c: choose the sizes, once, before the stack starts. */
void denali_net_tune_set(void);

/* start.c: first use of a socket. */
void denali_net_first_use(void);

#endif /* DENALI_NET_NET_H */
