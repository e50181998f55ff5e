/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Switches, taps and frames for the tests of the module's own Ethernet. Number n of a test
 * has the MAC address 02:00:00:00:n.
 */
#ifndef DENALI_SELFTESTS_ETHERNET_H
#define DENALI_SELFTESTS_ETHERNET_H

#include <stddef.h>
#include <stdint.h>

#define TYPE	0x88b5		/* for experiments */
#define LEN	100		/* of a frame that is of no kind */

int switch_add(int dev, const char *name, uint32_t flags, uint32_t uid);
int switch_del(int dev, const char *name);
int switch_tap(int dev, const char *name, uint32_t role, int tap);
int switch_plug(int vm, int n, const char *name);
int switch_plug_port(int vm, int n, const char *name, uint32_t port);
int tap_open(const char *name, int flags);	/* IFF_*; the kernel's choice if there is no name */
int tap_name(int tap, char *name);		/* of IFNAMSIZ bytes */
int link_flags(const char *name, int set, int clear);
int uplink_open(const char *name);		/* a tap as switch_tap() takes it, up */
int packet_socket(const char *name);
void mac_of(uint8_t *mac, int n);
size_t frame_make(uint8_t *frame, int from, int to, int fill);
/* ARP: number from says that it has 10.0.has.1, and asks who has 10.0.asks.1. */
size_t frame_arp(uint8_t *frame, int from, int has, int asks);

#endif /* DENALI_SELFTESTS_ETHERNET_H */
