/* SPDX-License-Identifier: MIT */
/*
 * lwIP's options for the libos.
 *
 * Sizes that depend on the VM's memory are variables (denali_net_tune, set
 * once before the stack starts); pool sizes below are upper limits, taken from
 * the heap as needed (memory.c).
 */
#ifndef DENALI_LWIPOPTS_H
#define DENALI_LWIPOPTS_H

#include <stdint.h>

struct denali_net_tune {
	uint32_t tcp_window;	/* bytes that a peer may send ahead */
	uint32_t tcp_sndbuf;	/* bytes a connection queues for sending */
	uint32_t tcp_pcbs;	/* connections, TIME_WAIT included */
	uint32_t budget;	/* bytes of heap for the whole stack */
	uint32_t rx_order;	/* log2 of the NIC's receive ring */
	uint32_t tx_order;
};

extern struct denali_net_tune denali_net_tune;

/* System: threads, one big lock, frames enter the stack in the net thread. */
#define NO_SYS				0
#define SYS_LIGHTWEIGHT_PROT		1
#define LWIP_TCPIP_CORE_LOCKING		1
#define LWIP_TCPIP_CORE_LOCKING_INPUT	1
#define TCPIP_THREAD_NAME		"net"
#define TCPIP_THREAD_STACKSIZE		6144
#define TCPIP_MBOX_SIZE			32
#define LWIP_NETCONN_SEM_PER_THREAD	0
#define LWIP_ASSERT_CORE_LOCKED()
#define LWIP_NOASSERT			1
#define LWIP_STATS			0

/*
 * Frames that were queued under the lock leave when it is given back: one
 * doorbell for all segments of a write or answers to a batch of frames.
 */
#define LOCK_TCPIP_CORE()		denali_net_lock()
#define UNLOCK_TCPIP_CORE()		denali_net_unlock()
void denali_net_lock(void);
void denali_net_unlock(void);
#define LWIP_TCPIP_THREAD_ALIVE()	denali_nic_work()
void denali_nic_work(void);

/* Memory: memory.c stands in for lwIP's mem.c and memp.c. */
#define MEM_LIBC_MALLOC			1
#define MEM_ALIGNMENT			4
#define MEMP_NUM_NETCONN		250
#define MEMP_NUM_NETBUF			1024
#define MEMP_NUM_TCP_PCB		1024
#define MEMP_NUM_TCP_PCB_LISTEN		32
#define MEMP_NUM_TCP_SEG		8192
#define MEMP_NUM_UDP_PCB		64
#define MEMP_NUM_RAW_PCB		8
#define MEMP_NUM_PBUF			512
#define MEMP_NUM_TCPIP_MSG_API		32
#define MEMP_NUM_TCPIP_MSG_INPKT	1
#define MEMP_NUM_ARP_QUEUE		64
#define MEMP_NUM_ND6_QUEUE		64
#define MEMP_NUM_REASSDATA		8
#define MEMP_NUM_FRAG_PBUF		64
#define MEMP_NUM_NETDB			8
#define MEMP_NUM_SELECT_CB		1
#define MEMP_NUM_SYS_TIMEOUT		32
#define PBUF_POOL_SIZE			64
#define PBUF_POOL_BUFSIZE		1600
#define IP_REASS_MAX_PBUFS		64

/* Link and internet layers. */
#define LWIP_IPV4			1
#define LWIP_IPV6			1
#define LWIP_ARP			1
#define ARP_TABLE_SIZE			32
#define ARP_QUEUEING			1
#define ETHARP_SUPPORT_STATIC_ENTRIES	1
#define LWIP_NETIF_HWADDRHINT		1
#define LWIP_ICMP			1
#define LWIP_RAW			1
#define LWIP_IGMP			1
#define LWIP_MULTICAST_TX_OPTIONS	1
#define IP_REASSEMBLY			1
#define IP_FRAG				1
#define IP_SOF_BROADCAST		1
#define LWIP_IPV6_MLD			1
#define LWIP_IPV6_AUTOCONFIG		1
#define LWIP_IPV6_FRAG			1
#define LWIP_IPV6_REASS			1
#define LWIP_IPV6_NUM_ADDRESSES		4
#define LWIP_IPV6_SCOPES		1
#define LWIP_ND6_NUM_NEIGHBORS		16
#define LWIP_ND6_NUM_DESTINATIONS	16
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS	1
#define LWIP_DHCP			1
#define DHCP_DOES_ARP_CHECK		0
#define LWIP_DNS			1
#define DNS_MAX_SERVERS			3
#define DNS_TABLE_SIZE			8
#define DNS_DOES_NAME_CHECK		1
#define LWIP_DHCP_MAX_DNS_SERVERS	2
#define LWIP_NETIF_HOSTNAME		1
#define LWIP_NETIF_STATUS_CALLBACK	1
#define LWIP_NETIF_LINK_CALLBACK	1
#define LWIP_NETIF_API			0
#define LWIP_NETIF_LOOPBACK		1
#define LWIP_HAVE_LOOPIF		1
#define LWIP_LOOPBACK_MAX_PBUFS		64

/* One descriptor a frame: transport layers copy into one buffer with room for headers. */
#define LWIP_NETIF_TX_SINGLE_PBUF	1

/* Transport. TCP_WND and TCP_SND_BUF of init.c's checks come from the Makefile. */
#define LWIP_UDP			1
#define LWIP_UDPLITE			0
#define LWIP_TCP			1
#define TCP_MSS				1460
#ifndef TCP_WND
#define TCP_WND				(denali_net_tune.tcp_window)
#endif
#ifndef TCP_SND_BUF
#define TCP_SND_BUF			(denali_net_tune.tcp_sndbuf)
#endif
#define TCP_SND_QUEUELEN		(4 * (TCP_SND_BUF / TCP_MSS) + 8)
#define TCP_SNDLOWAT			(TCP_SND_BUF / 4)
#define TCP_SNDQUEUELOWAT		(TCP_SND_QUEUELEN / 2)
#define TCP_WND_UPDATE_THRESHOLD	LWIP_MIN(TCP_WND / 4, TCP_MSS * 4)
#define TCP_OVERSIZE			TCP_MSS
#define TCP_QUEUE_OOSEQ			1
#define TCP_OOSEQ_MAX_PBUFS		32
#define LWIP_TCP_SACK_OUT		1
#define LWIP_WND_SCALE			1
#define TCP_RCV_SCALE			2
#define TCP_LISTEN_BACKLOG		1
#define TCP_DEFAULT_LISTEN_BACKLOG	128
#define TCP_MSL				30000UL
#define LWIP_TCP_KEEPALIVE		1
#define LWIP_RANDOMIZE_INITIAL_LOCAL_PORTS 1

/* Sockets: socket.c gives them descriptors; readiness is tracked for poll(). */
#define LWIP_NETCONN			1
#define LWIP_SOCKET			1
#define LWIP_COMPAT_SOCKETS		0
#define LWIP_POSIX_SOCKETS_IO_NAMES	0
#define LWIP_SOCKET_SELECT		0
#define LWIP_SOCKET_POLL		1
#define LWIP_SO_SNDTIMEO		1
#define LWIP_SO_RCVTIMEO		1
#define LWIP_SO_RCVBUF			1
#define LWIP_SO_LINGER			1
#define RECV_BUFSIZE_DEFAULT		65536
#define SO_REUSE			1
#define SO_REUSE_RXTOALL		0
#define LWIP_NETBUF_RECVINFO		1
#define LWIP_TIMEVAL_PRIVATE		0
/* A window of full segments must fit: lwIP drops what doesn't, and the net thread doesn't wait. */
#define DEFAULT_TCP_RECVMBOX_SIZE	((int)(TCP_WND / 1100 + 8))
#define DEFAULT_UDP_RECVMBOX_SIZE	64
#define DEFAULT_RAW_RECVMBOX_SIZE	16
#define DEFAULT_ACCEPTMBOX_SIZE		128
#define LWIP_FIONREAD_LINUXMODE		1

/* Checksums: done by the host where the port offers it (nic.c). */
#define LWIP_CHECKSUM_CTRL_PER_NETIF	1
#define LWIP_CHECKSUM_ON_COPY		0
#define LWIP_CHKSUM			denali_chksum
uint16_t denali_chksum(const void *data, int len);

/* Initial sequence numbers that an outsider can't guess (RFC 6528). */
#define LWIP_HOOK_FILENAME		"denali_hooks.h"
#define LWIP_HOOK_TCP_ISN		denali_tcp_isn
#define LWIP_HOOK_ND6_GET_GW(netif, dest) denali_nd6_gateway(netif)

/* A client that comes back from the same port. */
#define LWIP_HOOK_IP4_INPUT(p, netif)	denali_ip4_input(p)
#define LWIP_HOOK_IP6_INPUT(p, netif)	denali_ip6_input(p)

/* Sanity checks of init.c don't fit memory that is taken as needed. */
#define LWIP_DISABLE_MEMP_SANITY_CHECKS	1
#define LWIP_DISABLE_TCP_SANITY_CHECKS	1

#endif /* DENALI_LWIPOPTS_H */
