// SPDX-License-Identifier: MIT
/*
 * How much memory the network takes: sizes by what the VM has, and what it needs at
 * least, which denali.ld counts into the least memory of an image with sockets.
 *
 * The heap is shared with the application: what this counts on is what lies beyond
 * the image, the main stack and the heap that denali-cc --heap promised to it.
 */
#include <reent.h>
#include <lwip/opt.h>
#include <lwip/api.h>
#include <lwip/priv/tcp_priv.h>
#include <denali-os/ring.h>
#include <denali-os/thread.h>
#include "net.h"

/* The smallest sizes: one NIC's rings, and a connection's windows in segments. */
#define LEAST_RX_ORDER	3
#define LEAST_TX_ORDER	4
#define LEAST_SEGS	4

/* Connections that can have their windows full at once. Idle ones cost a tenth. */
#define LEAST_CONNS	2

/* The net thread: struct, libc's state and FPU area (AVX-512: 2.7 KiB) beside its stack. */
#define THREAD_BYTES	(TCPIP_THREAD_STACKSIZE + sizeof(struct _reent) + 3072)

/* A full segment with its pbuf and headers, as memory.c rounds it. */
#define SEG_BYTES	(1624 + sizeof(struct tcp_seg) + 16)

#define CONN_BYTES(segs) \
	(2 * (segs) * SEG_BYTES + sizeof(struct tcp_pcb) + sizeof(struct netconn) + 256)

/* Listeners and datagram sockets with their mailboxes, ARP, DHCP, the heap's own overhead. */
#define OTHER_BYTES	8192

#define NIC_BYTES(rx, tx) \
	(DENALI_RING_BYTES(rx) + DENALI_RING_BYTES(tx) + DENALI_NIC_BUFS(rx) * DENALI_NIC_BUF_BYTES + 1024)

/* What isn't under the budget, and what is. */
#define FIXED_BYTES(rx, tx)	(THREAD_BYTES + NIC_BYTES(rx, tx))
#define LEAST_BUDGET		(LEAST_CONNS * CONN_BYTES(LEAST_SEGS) + OTHER_BYTES)
#define LEAST_BYTES		(FIXED_BYTES(LEAST_RX_ORDER, LEAST_TX_ORDER) + LEAST_BUDGET)

/* Absolute symbols: their addresses are the values. */
extern char _end[], __denali_stack_size[], __denali_heap_min[];

struct denali_net_tune denali_net_tune;

void denali_net_tune_set(void)
{
	static const struct {
		uint32_t kib;
		uint32_t window, sndbuf;
		uint8_t rx_order, tx_order;
	} sizes[] = {
		{ 160,		LEAST_SEGS * TCP_MSS, LEAST_SEGS * TCP_MSS, LEAST_RX_ORDER, LEAST_TX_ORDER },
		{ 640,		8 * TCP_MSS,	8 * TCP_MSS,	4, 5 },
		{ 3584,		12 * TCP_MSS,	12 * TCP_MSS,	6, 6 },
		{ 15360,	65535,		32 * TCP_MSS,	7, 7 },
		{ UINT32_MAX,	131072,		88 * TCP_MSS,	8, 8 },
	};
	uint32_t mem = DENALI_VREGS->mem_size;
	uint32_t used = (uint32_t)_end + (uint32_t)__denali_stack_size + (uint32_t)__denali_heap_min;
	/* The loader sees to the least; --min-memory may have made that less. */
	uint32_t left = mem > used + LEAST_BYTES ? mem - used : LEAST_BYTES;
	int i = 0;

	__asm__(".globl __denali_net_least\n\t.set __denali_net_least, %c0" : : "i" (LEAST_BYTES));

	while (left >> 10 >= sizes[i].kib)
		i++;
	denali_net_tune.tcp_window = sizes[i].window;
	denali_net_tune.tcp_sndbuf = sizes[i].sndbuf;
	denali_net_tune.rx_order = sizes[i].rx_order;
	denali_net_tune.tx_order = sizes[i].tx_order;
	denali_net_tune.budget = LWIP_MIN(mem / 2, left - FIXED_BYTES(sizes[i].rx_order, sizes[i].tx_order));
	denali_net_tune.tcp_pcbs = LWIP_MIN(MEMP_NUM_TCP_PCB, 16 + (mem >> 13));
}
