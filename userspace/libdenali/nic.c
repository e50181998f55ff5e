// SPDX-License-Identifier: MIT
/*
 * NICs: a tap, its bridge and the plug into a VM. A struct denali_nic remembers
 * what it changed on the host, so that closing it undoes exactly that; a tap that
 * was made here isn't persistent, so it goes with its last descriptor, ours or the
 * VM's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>
#include <netlink/netlink.h>

#include "internal.h"

#define DENALI_TUN_DEVICE	"/dev/net/tun"

/*
 * Bytes that a VM may have under way in the host before its sends have to wait: some
 * 150 full frames, so that one guest can't fill the host's queues.
 */
#define DENALI_TAP_SNDBUF	(256 * 1024)

/* struct virtio_net_hdr without num_buffers, which a ring of single frames doesn't need. */
#define DENALI_TAP_HDR		10

struct denali_nic {
	struct denali_nic_info info;
	struct nl_sock *sock;
	int fd;
	bool offload;
	bool joined;
	bool upped;
	bool kept;
};

static int denali_ifname_check(const char *what, const char *name, struct denali_error *err)
{
	/* A '%' would be a template to TUNSETIFF. */
	if (!*name || strlen(name) >= IFNAMSIZ || !strcmp(name, ".") || !strcmp(name, "..") ||
	    name[strcspn(name, "/:% \t\n\v\f\r")])
		return denali_fail(err, EINVAL,
				   "%s '%s': not an interface name (1 to %d characters, no '/', ':', '%%' or blanks)",
				   what, name, IFNAMSIZ - 1);
	return 0;
}

static int denali_nic_find_bridge(struct denali_nic *nic, const char *name,
				  struct denali_link *bridge, struct denali_error *err)
{
	int ret = denali_ifname_check("bridge", name, err);

	if (ret)
		return ret;
	ret = denali_link_get(nic->sock, name, 0, bridge, err);
	if (ret == -ENODEV)
		return denali_fail(err, ENODEV,
				   "bridge %s: does not exist; make it with: ip link add %s up type bridge",
				   name, name);
	if (ret)
		return ret;
	if (strcmp(bridge->kind, "bridge"))
		return denali_fail(err, ENOTTY, "bridge %s: is not a bridge but %s%s", name,
				   *bridge->kind ? "of type " : "an ordinary interface",
				   bridge->kind);
	nic->info.bridge_down = !(bridge->flags & IFF_UP);
	return 0;
}

/* What of an existing interface would make attaching to it fail or mislead. */
static int denali_nic_check_tap(const struct denali_nic_config *config,
				const struct denali_link *tap, struct denali_error *err)
{
	if (strcmp(tap->kind, "tun"))
		return denali_fail(err, ENOTTY,
				   "tap %s: is not a tap but %s%s; choose another name",
				   config->tap, *tap->kind ? "of type " : "an ordinary interface",
				   tap->kind);
	if (!tap->is_tap)
		return denali_fail(err, ENOTTY,
				   "tap %s: is a tun (IP) interface, not a tap (Ethernet); make one with: ip tuntap add dev NAME mode tap",
				   config->tap);
	if (tap->multi_queue && tap->queues)
		return denali_fail(err, EBUSY,
				   "tap %s: a multi-queue tap with %u queues in use by another program or VM; choose another",
				   config->tap, tap->queues);
	if (!(tap->flags & IFF_UP) && !(config->flags & DENALI_TAP_UP))
		return denali_fail(err, ENETDOWN,
				   "tap %s: is down; say up, or set it up with: ip link set %s up",
				   config->tap, config->tap);
	if (config->mac && !memcmp(config->mac, tap->mac, 6))
		return denali_fail(err, EINVAL,
				   "tap %s: has the MAC address that is meant for the guest's NIC; the host would take its frames: choose another address",
				   config->tap);
	return 0;
}

/*
 * A bridge takes the lowest address of its ports for its own: that of a tap that comes
 * and goes must not be it. Failure changes nothing that works, so it is none.
 */
static void denali_nic_set_tap_mac(struct denali_nic *nic, struct ifreq *ifr)
{
	ifr->ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(ifr->ifr_hwaddr.sa_data, nic->info.mac, 6);
	ifr->ifr_hwaddr.sa_data[0] = nic->info.mac[0] == 0xfe ? 0xfa : 0xfe;
	ioctl(nic->fd, SIOCSIFHWADDR, ifr);
}

static int denali_nic_attach(struct denali_nic *nic, const char *name, bool exists,
			     bool multi_queue, struct denali_error *err)
{
	struct ifreq ifr = { 0 };
	int hdr = DENALI_TAP_HDR;
	int sndbuf = DENALI_TAP_SNDBUF;

	nic->fd = open(DENALI_TUN_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (nic->fd < 0) {
		if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
			return denali_fail(err, ENOENT,
					   DENALI_TUN_DEVICE ": not there; as root: modprobe tun");
		return denali_fail(err, errno, DENALI_TUN_DEVICE ": %s%s", strerror(errno),
				   errno == EACCES ? "; be root, or make it mode 0666" : "");
	}

	memcpy(ifr.ifr_name, name, strlen(name));
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (multi_queue)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	/* One that appeared since we looked isn't ours to take. */
	if (!exists)
		ifr.ifr_flags |= IFF_TUN_EXCL;
	if (ioctl(nic->fd, TUNSETIFF, &ifr) < 0) {
		switch (errno) {
		case EBUSY:
			return denali_fail(err, EBUSY,
					   "tap %s: is in use by another program, VM or switch; choose another",
					   name);
		case EPERM:
		case EACCES:
			return denali_fail(err, EPERM,
					   "tap %s: %s; as root: ip tuntap add dev %s mode tap user USER",
					   name, exists ? "belongs to another user" :
					   "making a tap needs CAP_NET_ADMIN", name);
		default:
			return denali_fail(err, errno, "tap %s: %s: %s", name,
					   exists ? "attach" : "make", strerror(errno));
		}
	}
	nic->info.made = !exists;
	if (!exists)
		denali_nic_set_tap_mac(nic, &ifr);

	if (ioctl(nic->fd, TUNSETVNETHDRSZ, &hdr) < 0)
		return denali_fail(err, errno, "tap %s: set the header size to %d: %s", name, hdr,
				   strerror(errno));
	if (ioctl(nic->fd, TUNSETSNDBUF, &sndbuf) < 0)
		return denali_fail(err, errno, "tap %s: set the send buffer to %d bytes: %s", name,
				   sndbuf, strerror(errno));
	/* Without it the host fills in checksums itself: slower, nothing else. */
	nic->offload = ioctl(nic->fd, TUNSETOFFLOAD, (unsigned long)TUN_F_CSUM) == 0;
	return 0;
}

static int denali_nic_join(struct denali_nic *nic, const struct denali_link *tap,
			   const struct denali_link *bridge, struct denali_error *err)
{
	struct denali_link other;
	int ret;

	strcpy(nic->info.bridge, bridge->name);
	if (tap->master == bridge->index)
		return 0;
	if (tap->master) {
		if (denali_link_get(nic->sock, NULL, tap->master, &other, NULL))
			strcpy(other.name, "another");
		return denali_fail(err, EBUSY,
				   "tap %s: is a port of %s already; take it out with: ip link set %s nomaster",
				   tap->name, other.name, tap->name);
	}
	ret = denali_link_set_master(nic->sock, tap->index, bridge->index);
	if (ret == -EPERM)
		return denali_fail(err, EPERM, "bridge %s: adding a port needs CAP_NET_ADMIN",
				   bridge->name);
	if (ret)
		return denali_fail(err, -ret, "bridge %s: add port %s: %s", bridge->name, tap->name,
				   strerror(-ret));
	nic->joined = true;
	return 0;
}

static int denali_nic_set_up(struct denali_nic *nic, const struct denali_link *tap,
			     struct denali_error *err)
{
	int ret;

	if (tap->flags & IFF_UP)
		return 0;
	ret = denali_link_set_up(nic->sock, tap->index, true);
	if (ret == -EPERM)
		return denali_fail(err, EPERM, "tap %s: setting it up needs CAP_NET_ADMIN",
				   tap->name);
	if (ret)
		return denali_fail(err, -ret, "tap %s: set it up: %s", tap->name, strerror(-ret));
	nic->upped = true;
	return 0;
}

static int denali_nic_pick_mac(struct denali_nic *nic, const uint8_t *mac, struct denali_error *err)
{
	if (mac) {
		memcpy(nic->info.mac, mac, 6);
		return 0;
	}
	if (getrandom(nic->info.mac, 6, 0) != 6)
		return denali_fail(err, EIO, "MAC address: no random bytes: %s", strerror(errno));
	nic->info.mac[0] = (nic->info.mac[0] & 0xfc) | 0x02;	/* unicast, locally administered */
	return 0;
}

static int denali_nic_prepare(struct denali_nic *nic, const struct denali_nic_config *config,
			      struct denali_error *err)
{
	struct denali_link tap, bridge;
	bool exists, multi_queue;
	int ret;

	ret = denali_ifname_check("tap", config->tap, err);
	if (!ret)
		ret = denali_nic_pick_mac(nic, config->mac, err);
	if (!ret && config->bridge)
		ret = denali_nic_find_bridge(nic, config->bridge, &bridge, err);
	if (ret)
		return ret;

	ret = denali_link_get(nic->sock, config->tap, 0, &tap, err);
	if (ret && ret != -ENODEV)
		return ret;
	exists = !ret;
	multi_queue = exists && tap.multi_queue;
	ret = exists ? denali_nic_check_tap(config, &tap, err) : 0;
	if (!ret)
		ret = denali_nic_attach(nic, config->tap, exists, multi_queue, err);
	if (ret)
		return ret;

	ret = denali_link_get(nic->sock, config->tap, 0, &tap, err);
	if (ret == -ENODEV)
		return denali_fail(err, ENODEV, "tap %s: disappeared while it was set up",
				   config->tap);
	if (!ret && config->bridge)
		ret = denali_nic_join(nic, &tap, &bridge, err);
	if (!ret)
		ret = denali_nic_set_up(nic, &tap, err);
	/* Once more: joining a bridge may change the MTU. */
	if (!ret)
		ret = denali_link_get(nic->sock, config->tap, 0, &tap, err);
	if (ret)
		return ret;

	strcpy(nic->info.tap, tap.name);
	nic->info.ifindex = tap.index;
	nic->info.mtu = tap.mtu < 1500 ? tap.mtu : 1500;
	if (!config->bridge && tap.master &&
	    !denali_link_get(nic->sock, NULL, tap.master, &bridge, NULL))
		strcpy(nic->info.bridge, bridge.name);
	return 0;
}

/* On a switch nothing is to be got ready. */
static int denali_nic_prepare_switch(struct denali_nic *nic, const struct denali_nic_config *config,
				     struct denali_error *err)
{
	int ret = denali_switch_name_check(config->sw, err);

	if (!ret)
		ret = denali_nic_pick_mac(nic, config->mac, err);
	if (ret)
		return ret;
	strcpy(nic->info.sw, config->sw);
	nic->info.mtu = 1500;
	return 0;
}

struct denali_nic *denali_nic_open(const struct denali_nic_config *config, struct denali_error *err)
{
	struct denali_nic *nic = calloc(1, sizeof(*nic));

	if (!nic) {
		denali_fail(err, ENOMEM, "NIC: out of memory");
		return NULL;
	}
	nic->fd = -1;
	if (config->sw) {
		if (!denali_nic_prepare_switch(nic, config, err))
			return nic;
		denali_nic_close(nic);
		return NULL;
	}
	nic->sock = denali_link_connect(err);
	if (!nic->sock || denali_nic_prepare(nic, config, err)) {
		denali_nic_close(nic);
		return NULL;
	}
	return nic;
}

const struct denali_nic_info *denali_nic_get_info(const struct denali_nic *nic)
{
	return &nic->info;
}

void denali_nic_plug_args(const struct denali_nic *nic, int32_t *tap_fd, uint32_t *flags,
			  uint32_t *vnet_hdr_len)
{
	*tap_fd = nic->fd;
	*flags = DENALI_NIC_VNET_HDR | (nic->offload ? DENALI_NIC_OFFLOAD : 0);
	*vnet_hdr_len = DENALI_TAP_HDR;
}

/* An error that only a switch gives; 0 if it is another. */
static int denali_nic_switch_error(const struct denali_nic *nic, int code, struct denali_error *err)
{
	const char *sw = nic->info.sw;
	const uint8_t *mac = nic->info.mac;

	switch (code) {
	case ENOENT:
		return denali_fail(err, ENOENT,
				   "switch %s: does not exist; make it with: denalictl switch add %s",
				   sw, sw);
	case EPERM:
		return denali_fail(err, EPERM,
				   "switch %s: belongs to another user; as root: denalictl switch add NAME user USER makes one for a user",
				   sw);
	case EEXIST:
		return denali_fail(err, EEXIST,
				   "switch %s: another NIC on it has the MAC address %02x:%02x:%02x:%02x:%02x:%02x; choose another address",
				   sw, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	default:
		return 0;
	}
}

int denali_nic_plug(struct denali_nic *nic, struct denali_vm *vm, uint32_t *port,
		    struct denali_error *err)
{
	const char *what = *nic->info.sw ? "switch" : "tap";
	const char *name = *nic->info.sw ? nic->info.sw : nic->info.tap;
	struct denali_vm_nic plug = {
		.port = *port,
		.tap_fd = -1,
		.mtu = nic->info.mtu,
		.flags = DENALI_NIC_SWITCH,
	};
	int ret;

	memcpy(plug.mac, nic->info.mac, 6);
	strcpy(plug.sw, nic->info.sw);
	if (!*nic->info.sw)
		denali_nic_plug_args(nic, &plug.tap_fd, &plug.flags, &plug.vnet_hdr_len);
	if (ioctl(vm->fd, DENALI_IOC_VM_NIC, &plug) == 0) {
		*port = plug.port;
		return 0;
	}
	ret = *nic->info.sw ? denali_nic_switch_error(nic, errno, err) : 0;
	if (ret)
		return ret;
	switch (errno) {
	case EBUSY:
		return denali_fail(err, EBUSY,
				   "VM %s: has been started; a new NIC (%s %s) must be added before, later only the tap or switch of a NIC can be replaced (port N)",
				   vm->name, what, name);
	case ENODEV:
		return denali_fail(err, ENODEV,
				   "VM %s: port %u is not a NIC (denalictl nic show %s)",
				   vm->name, *port, vm->name);
	case ENOSPC:
		return denali_fail(err, ENOSPC, "VM %s: no port left for %s %s; all are in use",
				   vm->name, what, name);
	case ESHUTDOWN:
		return denali_fail(err, ESHUTDOWN, "VM %s: has ended; %s %s can't be plugged in",
				   vm->name, what, name);
	default:
		return denali_fail(err, errno, "VM %s: plug in %s %s: %s", vm->name, what, name,
				   strerror(errno));
	}
}

int denali_nic_unplug(struct denali_vm *vm, uint32_t port, struct denali_error *err)
{
	struct denali_vm_nic plug = { .port = port, .tap_fd = -1 };

	if (ioctl(vm->fd, DENALI_IOC_VM_NIC, &plug) == 0)
		return 0;
	if (errno == ENODEV)
		return denali_fail(err, ENODEV,
				   "VM %s: port %u is not a NIC (denalictl nic show %s)",
				   vm->name, port, vm->name);
	if (errno == EBUSY)
		return denali_fail(err, EBUSY,
				   "VM %s: is a template; what its NICs are plugged into is free when it is destroyed",
				   vm->name);
	return denali_fail(err, errno, "VM %s: unplug port %u: %s", vm->name, port,
			   strerror(errno));
}

void denali_nic_keep(struct denali_nic *nic)
{
	nic->kept = true;
}

void denali_nic_close(struct denali_nic *nic)
{
	if (!nic)
		return;
	/* A tap that was made here is simply gone; the others are put back. */
	if (!nic->kept && !nic->info.made) {
		if (nic->upped)
			denali_link_set_up(nic->sock, nic->info.ifindex, false);
		if (nic->joined)
			denali_link_set_master(nic->sock, nic->info.ifindex, 0);
	}
	if (nic->fd >= 0)
		close(nic->fd);
	nl_socket_free(nic->sock);
	free(nic);
}
