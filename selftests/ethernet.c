// SPDX-License-Identifier: GPL-2.0
/*
 * Switches, taps and frames for the tests of the module's own Ethernet, by plain system
 * calls. Functions return -1 with errno set unless they say otherwise.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ethernet.h"
#include "lib.h"

int switch_add(int dev, const char *name, uint32_t flags, uint32_t uid)
{
	struct denali_switch_add add = { .flags = flags, .uid = uid };

	memcpy(add.name, name, strnlen(name, sizeof(add.name)));
	return ioctl(dev, DENALI_IOC_SWITCH_ADD, &add);
}

int switch_del(int dev, const char *name)
{
	struct denali_switch_del del = { 0 };

	memcpy(del.name, name, strnlen(name, sizeof(del.name)));
	return ioctl(dev, DENALI_IOC_SWITCH_DEL, &del);
}

int switch_tap(int dev, const char *name, uint32_t role, int tap)
{
	struct denali_switch_tap arg = { .role = role, .tap_fd = tap };

	memcpy(arg.name, name, strnlen(name, sizeof(arg.name)));
	if (tap != -1) {
		arg.flags = DENALI_NIC_VNET_HDR | DENALI_NIC_OFFLOAD;
		arg.vnet_hdr_len = 10;
	}
	return ioctl(dev, DENALI_IOC_SWITCH_TAP, &arg);
}

int tap_open(const char *name, int flags)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | flags };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &ifr) == 0)
		return fd;
	close(fd);
	return -1;
}

int tap_name(int tap, char *name)
{
	struct ifreq ifr = { 0 };

	if (ioctl(tap, TUNGETIFF, &ifr) < 0)
		return -1;
	memcpy(name, ifr.ifr_name, IFNAMSIZ);
	return 0;
}

int link_flags(const char *name, int set, int clear)
{
	struct ifreq ifr = { 0 };
	int s = socket(AF_INET, SOCK_DGRAM, 0), ret;

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	ret = ioctl(s, SIOCGIFFLAGS, &ifr);
	ifr.ifr_flags = (ifr.ifr_flags | set) & ~clear;
	if (!ret)
		ret = ioctl(s, SIOCSIFFLAGS, &ifr);
	close(s);
	return ret;
}

int uplink_open(const char *name)
{
	int fd = tap_open(name, IFF_VNET_HDR);

	if (fd >= 0 && !ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM) && !link_flags(name, IFF_UP, 0))
		return fd;
	close(fd);
	return -1;
}

int packet_socket(const char *name)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = if_nametoindex(name),
	};
	int s = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), on = 1, size = 4 << 20;

	/* What this end sends isn't what came out of the tap. */
	if (s < 0 || setsockopt(s, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) ||
	    bind(s, (void *)&addr, sizeof(addr)) < 0)
		return -1;
	setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return s;
}

void mac_of(uint8_t *mac, int n)
{
	const uint8_t m[6] = { 2, 0, 0, 0, n >> 8, n };

	memcpy(mac, m, 6);
}

int switch_plug_port(int vm, int n, const char *name, uint32_t port)
{
	struct denali_vm_nic nic = { .port = port, .tap_fd = -1, .flags = DENALI_NIC_SWITCH };

	mac_of(nic.mac, n);
	memcpy(nic.sw, name, strnlen(name, sizeof(nic.sw)));
	return ioctl(vm, DENALI_IOC_VM_NIC, &nic);
}

int switch_plug(int vm, int n, const char *name)
{
	return switch_plug_port(vm, n, name, DENALI_NIC_NEW_PORT);
}

/* A frame from a to b (-1: to all), the rest filled with a number. */
size_t frame_make(uint8_t *frame, int from, int to, int fill)
{
	if (to < 0)
		memset(frame, 0xff, 6);
	else
		mac_of(frame, to);
	mac_of(frame + 6, from);
	frame[12] = TYPE >> 8;
	frame[13] = TYPE & 0xff;
	memset(frame + 14, fill, LEN - 14);
	return LEN;
}

#define IPV4(n)	{ 10, 0, n, 1 }

size_t frame_arp(uint8_t *frame, int from, int has, int asks)
{
	static const uint8_t head[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	const uint8_t sender[4] = IPV4(has), target[4] = IPV4(asks);

	memset(frame, 0, 60);
	memset(frame, 0xff, 6);
	mac_of(frame + 6, from);
	frame[12] = 8;
	frame[13] = 6;
	memcpy(frame + 14, head, 8);
	mac_of(frame + 22, from);
	memcpy(frame + 28, sender, 4);
	memcpy(frame + 38, target, 4);
	return 60;
}
