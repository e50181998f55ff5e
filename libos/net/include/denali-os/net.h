/* SPDX-License-Identifier: MIT */
/*
 * libos network: what sockets leave out. A program that uses sockets needs none
 * of this: linking them starts the network.
 *
 * Boot arguments, for eth0; for others with the NIC's name in front ("eth1.ip="):
 *
 *	ip=10.0.0.2/24 | dhcp | off	IPv4 address; dhcp if not given
 *	gw=10.0.0.1			gateway, with a static address
 *	ip6=fd00::2/64 | auto | off	IPv6 address; auto (router advertisements) if not given
 *	gw6=fd00::1			gateway, if none is advertised
 * and for the whole:
 *	dns=10.0.0.1,fd00::1		name servers, before those that DHCP gives
 *	hostname=web1			also told to the DHCP server
 *	netwait=10			seconds that the first socket() waits for an address
 *
 * Programs on lwIP's raw API include <denali-os/lwip.h>, call denali_net_start()
 * and hold LOCK_TCPIP_CORE() around lwIP calls; sockets are then not linked.
 */
#ifndef DENALI_OS_NET_H
#define DENALI_OS_NET_H

#include <stdint.h>

/* Counters of a NIC. Frames and bytes without the Ethernet checksum. */
struct denali_nic_counters {
	uint64_t rx_frames;
	uint64_t rx_bytes;
	uint64_t tx_frames;
	uint64_t tx_bytes;
	uint32_t rx_drops;	/* no memory, or broken */
	uint32_t rx_copied;	/* copied, as receive buffers were short */
	uint32_t tx_errors;	/* refused by the host */
	uint32_t tx_busy;	/* not sent, as the ring was full */
	uint32_t interrupts;
	uint32_t doorbells;
};

/** denali_net_start() - start the stack and all NICs. Again: nothing. From threads. */
void denali_net_start(void);

/** denali_net_wait() - wait for an address on any NIC. Return: 0, ETIMEDOUT, ENODEV (no NIC). */
int denali_net_wait(uint64_t timeout_ns);

/** denali_nic_count() - NICs of this VM. */
unsigned int denali_nic_count(void);

/** denali_nic_stats() - Return: 0, ENODEV. */
int denali_nic_stats(unsigned int nic, struct denali_nic_counters *out);

/** denali_net_memory_used() - bytes of heap that the stack has, without the NICs' receive buffers. */
uint32_t denali_net_memory_used(void);

#endif /* DENALI_OS_NET_H */
