// SPDX-License-Identifier: GPL-2.0
/*
 * The module's own switch: who gets which frame and who doesn't, what is counted, and
 * that nobody on it can harm another. The guests are puppets ("nic puppet"): the test
 * composes each frame, and looks at each that came in.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "ethernet.h"
#include "guests/puppet.h"
#include "lib.h"
#include "nl.h"

#define SWITCH	"vswitch-test"
#define WAITING	32	/* frames that wait at the ports of a VM */
#define VMS	4

FIXTURE(vswitch) {
	int dev;
	int tap;
	int sock;
	int vm[VMS];
	uint64_t id[VMS];
	volatile struct puppet *p[VMS];
	struct nl nl;
};

FIXTURE_SETUP(vswitch)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	ASSERT_EQ(nl_open(&self->nl), 0);
	ASSERT_EQ(unshare(CLONE_NEWNET), 0);
	/* No neighbour discovery of the host's between the frames of the tests. */
	ASSERT_TRUE(file_put("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"));
	for (int i = 0; i < VMS; i++)
		self->vm[i] = -1;
	self->tap = -1;
	self->sock = -1;
	/* A test that failed may have left it. */
	switch_del(self->dev, SWITCH);
	ASSERT_EQ(switch_add(self->dev, SWITCH, 0, 0), 0);
}

FIXTURE_TEARDOWN(vswitch)
{
	for (int i = 0; i < VMS; i++) {
		if (self->p[i])
			munmap((void *)self->p[i], 4096);
		close(self->vm[i]);
	}
	close(self->sock);
	close(self->tap);
	switch_del(self->dev, SWITCH);
	close(self->nl.fd);
	close(self->dev);
}

/* VM i of the test runs this, on the switch with address i. Returns when it has set up its rings. */
static bool vm_up(struct _test_data_vswitch *self, int i, const char *cmd)
{
	volatile uint32_t *progress;
	bool ok;

	self->vm[i] = guest_make(self->dev, "nic", GUEST_MEM, cmd);
	if (self->vm[i] < 0 || switch_plug(self->vm[i], i, SWITCH) || vm_ctl(self->vm[i], DENALI_IOC_VM_START))
		return false;
	self->id[i] = vm_id(self->vm[i]);
	progress = guest_var(self->vm[i], "nic", "progress");
	ok = progress && wait_until(*progress, SOON_MS);
	guest_var_put(progress);
	return ok;
}

static bool puppets(struct _test_data_vswitch *self, int n)
{
	for (int i = 0; i < n; i++) {
		if (!vm_up(self, i, "puppet"))
			return false;
		self->p[i] = guest_var(self->vm[i], "nic", "puppet");
		if (!self->p[i])
			return false;
	}
	return true;
}

static bool uplink_up(struct _test_data_vswitch *self)
{
	self->tap = uplink_open("up0");
	if (self->tap < 0 || switch_tap(self->dev, SWITCH, DENALI_SWITCH_UPLINK, self->tap))
		return false;
	self->sock = packet_socket("up0");
	return self->sock >= 0;
}

static struct nl_switch counters(struct _test_data_vswitch *self)
{
	struct nl_switch sw = { 0 };

	nl_switch_get(&self->nl, SWITCH, &sw);
	return sw;
}

static struct nl_port port(struct _test_data_vswitch *self, int i)
{
	struct nl_vm vm = { 0 };

	nl_vm_get(&self->nl, self->id[i], &vm);
	return vm.port[1];
}

/* Frames for a port, with or without a buffer for them. */
static uint64_t came_to(struct _test_data_vswitch *self, int i)
{
	return port(self, i).rx_packets + port(self, i).rx_drops;
}

/* Neighbour solicitation: as frame_arp(), with fe80::has and fe80::asks; has 0: nobody yet. */
static size_t frame_ns(uint8_t *frame, int from, int has, int asks)
{
	static const uint8_t group[6] = { 0x33, 0x33, 0xff, 0, 0, 0 };

	memset(frame, 0, 86);
	memcpy(frame, group, 6);
	frame[5] = asks;
	mac_of(frame + 6, from);
	frame[12] = 0x86;
	frame[13] = 0xdd;
	frame[14] = 0x60;
	frame[19] = 32;
	frame[20] = 58;
	frame[21] = 255;
	if (has) {
		frame[22] = 0xfe;
		frame[23] = 0x80;
		frame[37] = has;
	}
	frame[38] = 0xff;
	frame[39] = 2;
	frame[53] = asks;
	frame[54] = 135;
	frame[62] = 0xfe;
	frame[63] = 0x80;
	frame[77] = asks;
	return 86;
}

/* Has a puppet send; its status, or 1 if it doesn't answer. */
static int vm_send(struct _test_data_vswitch *self, int i, const uint8_t *frame, size_t len)
{
	volatile struct puppet *p = self->p[i];

	for (size_t b = 0; b < len; b++)
		p->frame[b] = frame[b];
	p->len = len;
	p->go++;
	return wait_until(p->done == p->go, SOON_MS) ? p->status : 1;
}

static int vm_send_fill(struct _test_data_vswitch *self, int from, int to, int fill)
{
	uint8_t frame[LEN];

	return vm_send(self, from, frame, frame_make(frame, from, to, fill));
}

/* It has got so many by now, and the last is filled with a number. */
static bool vm_got(struct _test_data_vswitch *self, int i, uint32_t count, int fill)
{
	return wait_until(self->p[i]->got >= count, SOON_MS) && self->p[i]->got == count &&
	       self->p[i]->in[20] == fill && self->p[i]->got_len == LEN;
}

/*
 * What a port has got is known by its counter as soon as the sender has its status: no
 * waiting for what doesn't come.
 */
#define EXPECT_RX(i, count)	EXPECT_EQ(port(self, i).rx_packets, count)

/* The next frame out of the tap, its length; 0 after ms of silence. */
static ssize_t tap_got(int sock, uint8_t *frame, size_t size, int ms)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };

	if (poll(&pfd, 1, ms) <= 0)
		return 0;
	return recv(sock, frame, size, MSG_TRUNC);
}

TEST_F(vswitch, one_to_another)
{
	ASSERT_TRUE(puppets(self, 3));
	EXPECT_EQ(vm_send_fill(self, 0, 1, 11), 0);
	EXPECT_TRUE(vm_got(self, 1, 1, 11));
	EXPECT_EQ(vm_send_fill(self, 1, 0, 12), 0);
	EXPECT_TRUE(vm_got(self, 0, 1, 12));
	EXPECT_RX(2, 0);
	EXPECT_EQ(port(self, 0).tx_packets, 1);
	EXPECT_EQ(port(self, 0).tx_bytes, LEN);
	EXPECT_EQ(port(self, 0).rx_bytes, LEN);
	EXPECT_EQ(counters(self).ports, 3);
}

TEST_F(vswitch, whole_frames_of_all_sizes)
{
	uint8_t frame[1514];

	ASSERT_TRUE(puppets(self, 2));
	for (size_t len = 14; len <= 1514; len += 60) {
		frame_make(frame, 0, 1, 0);
		for (size_t b = 14; b < len; b++)
			frame[b] = b * 7 + len;
		ASSERT_EQ(vm_send(self, 0, frame, len), 0);
		ASSERT_TRUE(wait_until(self->p[1]->got == (len - 14) / 60 + 1, SOON_MS));
		ASSERT_EQ(self->p[1]->got_len, len);
		EXPECT_EQ(memcmp((void *)self->p[1]->in, frame, len), 0);
	}
}

TEST_F(vswitch, broadcast_to_all_but_the_sender)
{
	ASSERT_TRUE(puppets(self, 4));
	EXPECT_EQ(vm_send_fill(self, 0, -1, 5), 0);
	for (int i = 1; i < 4; i++)
		EXPECT_TRUE(vm_got(self, i, 1, 5));
	EXPECT_RX(0, 0);
}

TEST_F(vswitch, own_address_as_destination)
{
	ASSERT_TRUE(puppets(self, 1));
	EXPECT_EQ(vm_send_fill(self, 0, 0, 5), 0);
	EXPECT_RX(0, 0);
}

/* Another's source address: refused, counted, and nobody gets it. */
TEST_F(vswitch, spoofed_source)
{
	uint8_t frame[LEN];

	ASSERT_TRUE(puppets(self, 3));
	frame_make(frame, 2, 1, 6);
	EXPECT_LT(vm_send(self, 0, frame, LEN), 0);
	EXPECT_EQ(port(self, 0).tx_drops, 1);
	EXPECT_EQ(port(self, 0).tx_packets, 0);
	EXPECT_RX(1, 0);
	/* Nor is another's address taken from ARP that says so. */
	frame_arp(frame, 2, 2, 9);
	mac_of(frame + 6, 0);
	EXPECT_EQ(vm_send(self, 0, frame, 60), 0);
	EXPECT_RX(2, 1);
	frame_arp(frame, 1, 1, 2);
	EXPECT_EQ(vm_send(self, 1, frame, 60), 0);
	EXPECT_RX(2, 2);
}

TEST_F(vswitch, isolated_ports)
{
	uint8_t frame[2048];

	ASSERT_EQ(switch_del(self->dev, SWITCH), 0);
	ASSERT_EQ(switch_add(self->dev, SWITCH, DENALI_SWITCH_ISOLATE, 0), 0);
	ASSERT_TRUE(uplink_up(self));
	ASSERT_TRUE(puppets(self, 2));
	EXPECT_EQ(counters(self).flags, DENALI_SWITCH_ISOLATE);
	EXPECT_EQ(vm_send_fill(self, 0, 1, 1), 0);
	EXPECT_EQ(counters(self).isolated, 1);
	EXPECT_EQ(vm_send_fill(self, 0, -1, 2), 0);
	EXPECT_EQ(vm_send(self, 0, frame, frame_arp(frame, 0, 1, 2)), 0);
	EXPECT_RX(1, 0);
	/* The uplink gets what is for all, and reaches all. */
	EXPECT_EQ(tap_got(self->sock, frame, sizeof(frame), SOON_MS), LEN);
	EXPECT_EQ(frame[20], 2);
	EXPECT_EQ(tap_got(self->sock, frame, sizeof(frame), SOON_MS), 60);
	frame_make(frame, 99, 1, 3);
	EXPECT_EQ(send(self->sock, frame, LEN, 0), LEN);
	EXPECT_TRUE(vm_got(self, 1, 1, 3));
	frame_make(frame, 99, -1, 4);
	EXPECT_EQ(send(self->sock, frame, LEN, 0), LEN);
	EXPECT_TRUE(vm_got(self, 0, 1, 4));
	EXPECT_TRUE(vm_got(self, 1, 2, 4));
}

/* Ports 0 to 2 have shown an address, port 3 hasn't. */
static void who_is_asked(struct __test_metadata *_metadata, struct _test_data_vswitch *self,
			 size_t (*ask)(uint8_t *frame, int from, int has, int asks))
{
	uint8_t frame[128];
	uint64_t filtered, before;

	ASSERT_TRUE(puppets(self, 4));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(vm_send(self, i, frame, ask(frame, i, i + 1, i + 1)), 0);
	/* Telling of one's own address disturbs nobody. */
	EXPECT_RX(0, 0);
	EXPECT_RX(2, 0);
	filtered = counters(self).filtered;
	before = port(self, 3).rx_packets;

	EXPECT_EQ(vm_send(self, 0, frame, ask(frame, 0, 1, 2)), 0);
	EXPECT_RX(1, 1);
	EXPECT_RX(2, 0);
	EXPECT_EQ(port(self, 3).rx_packets, before);
	EXPECT_EQ(counters(self).filtered, filtered + 1);
	/* Whose address nobody knows: who has shown none may have it. */
	EXPECT_EQ(vm_send(self, 0, frame, ask(frame, 0, 1, 77)), 0);
	EXPECT_RX(1, 1);
	EXPECT_RX(2, 0);
	EXPECT_EQ(port(self, 3).rx_packets, before + 1);
	/* It stays with who had it first, as long as that shows it. */
	EXPECT_EQ(vm_send(self, 2, frame, ask(frame, 2, 2, 2)), 0);
	EXPECT_EQ(vm_send(self, 0, frame, ask(frame, 0, 1, 2)), 0);
	EXPECT_GE(port(self, 1).rx_packets, 2);
	EXPECT_RX(2, 0);
}

TEST_F(vswitch, arp_goes_to_whom_it_concerns)
{
	who_is_asked(_metadata, self, frame_arp);
}

/* What isn't ARP for Ethernet and IPv4, or not all of it, is for all and shows nobody's address. */
TEST_F(vswitch, arp_of_another_kind)
{
	static const struct {
		int at, byte, len;
	} wrong[] = { { 16, 0x86, 60 }, { 18, 8, 60 }, { 19, 16, 60 }, { 0, 0xff, 41 } };
	uint64_t rx[3];
	uint8_t frame[128];

	ASSERT_TRUE(puppets(self, 3));
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(vm_send(self, i, frame, frame_arp(frame, i, i + 1, i + 1)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		for (int j = 0; j < 3; j++)
			rx[j] = port(self, j).rx_packets;
		frame_arp(frame, 0, 1, 2);
		frame[wrong[i].at] = wrong[i].byte;
		EXPECT_EQ(vm_send(self, 0, frame, wrong[i].len), 0);
		EXPECT_RX(1, rx[1] + 1);
		EXPECT_RX(2, rx[2] + 1);
		/* Had it been shown, the next would be for port 1 and not for the one that has shown none. */
		frame_arp(frame, 1, 9, 9);
		frame[wrong[i].at] = wrong[i].byte;
		EXPECT_EQ(vm_send(self, 1, frame, wrong[i].len), 0);
		EXPECT_EQ(vm_send(self, 0, frame, frame_arp(frame, 0, 1, 9)), 0);
		EXPECT_RX(1, rx[1] + 1);
		EXPECT_RX(2, rx[2] + 3);
	}
}

TEST_F(vswitch, neighbour_solicitation_goes_to_whom_it_concerns)
{
	who_is_asked(_metadata, self, frame_ns);
}

/* An address is free when its VM is gone. */
TEST_F(vswitch, addresses_go_with_their_port)
{
	uint8_t frame[128];

	ASSERT_TRUE(puppets(self, 3));
	EXPECT_EQ(vm_send(self, 1, frame, frame_arp(frame, 1, 2, 2)), 0);
	EXPECT_EQ(vm_send(self, 2, frame, frame_arp(frame, 2, 3, 3)), 0);
	ASSERT_EQ(vm_ctl(self->vm[1], DENALI_IOC_VM_KILL), 0);
	EXPECT_EQ(counters(self).ports, 2);
	EXPECT_EQ(vm_send(self, 2, frame, frame_arp(frame, 2, 2, 2)), 0);
	EXPECT_EQ(vm_send(self, 0, frame, frame_arp(frame, 0, 1, 2)), 0);
	EXPECT_RX(2, 1);
}

/* A guest that claims every address has the last few of them, and takes no memory for it. */
TEST_F(vswitch, claims_are_bounded)
{
	struct nl_vm before, after;
	uint8_t frame[128];
	uint64_t rx;

	ASSERT_TRUE(puppets(self, 3));
	EXPECT_EQ(vm_send(self, 2, frame, frame_arp(frame, 2, 3, 3)), 0);
	ASSERT_EQ(nl_vm_get(&self->nl, self->id[0], &before), 0);
	for (int n = 10; n < 100; n++)
		ASSERT_EQ(vm_send(self, 0, frame, frame_arp(frame, 0, n, n)), 0);
	ASSERT_EQ(nl_vm_get(&self->nl, self->id[0], &after), 0);
	EXPECT_EQ(after.kmem_bytes, before.kmem_bytes);
	rx = port(self, 0).rx_packets;
	EXPECT_EQ(vm_send(self, 2, frame, frame_arp(frame, 2, 3, 99)), 0);
	EXPECT_RX(0, rx + 1);
	/* Forgotten; and a port that has shown addresses isn't asked for others. */
	EXPECT_EQ(vm_send(self, 2, frame, frame_arp(frame, 2, 3, 10)), 0);
	EXPECT_RX(0, rx + 1);
}

/*
 * Whoever sends to all without end has most of it lost, and nobody else does. Ports that
 * only make all of them many: then a few frames a second are too many.
 */
TEST_F(vswitch, floods_are_limited)
{
	int others[500];

	ASSERT_TRUE(puppets(self, 3));
	for (int i = 0; i < 500; i++) {
		others[i] = vm_create(self->dev, 16 << 10, 0, NULL);
		ASSERT_EQ(switch_plug(others[i], 100 + i, SWITCH), 0);
	}
	ASSERT_TRUE(vm_up(self, 3, "tx-loop"));
	EXPECT_TRUE(wait_until(counters(self).limited > 100, SOON_MS));
	EXPECT_LT(came_to(self, 0), port(self, 3).tx_packets);
	EXPECT_EQ(vm_send_fill(self, 0, 1, 9), 0);
	EXPECT_EQ(vm_send_fill(self, 0, -1, 9), 0);
	EXPECT_EQ(port(self, 0).tx_packets, 2);
	EXPECT_FALSE(vm_ended(self->vm[3]));
	for (int i = 0; i < 500; i++)
		close(others[i]);
}

/* What a VM may send to all doesn't grow with its NICs: of which none alone sends too much. */
TEST_F(vswitch, floods_by_many_nics)
{
	enum { NICS = 15, FRAMES = 7 };
	int others[500];

	ASSERT_TRUE(puppets(self, 1));
	for (int i = 0; i < 500; i++) {
		others[i] = vm_create(self->dev, 16 << 10, 0, NULL);
		ASSERT_EQ(switch_plug(others[i], 100 + i, SWITCH), 0);
	}
	self->vm[1] = guest_make(self->dev, "nic", GUEST_MEM, "tx-ports 7");
	for (int i = 0; i < NICS; i++)
		ASSERT_EQ(switch_plug(self->vm[1], 1000 + i, SWITCH), 0);
	for (int i = 0; i < FRAMES; i++)
		ASSERT_EQ(vm_send_fill(self, 0, -1, i), 0);
	EXPECT_EQ(counters(self).limited, 0);
	ASSERT_EQ(vm_ctl(self->vm[1], DENALI_IOC_VM_START), 0);
	ASSERT_EQ(vm_wait(self->vm[1], SOON_MS), 0);
	EXPECT_EQ(port(self, 0).tx_packets, FRAMES);
	EXPECT_GT(counters(self).limited, 0);
	for (int i = 0; i < 500; i++)
		close(others[i]);
}

TEST_F(vswitch, uplink)
{
	uint8_t frame[2048];

	ASSERT_TRUE(uplink_up(self));
	ASSERT_TRUE(puppets(self, 2));
	EXPECT_EQ(counters(self).uplink, if_nametoindex("up0"));
	EXPECT_EQ(counters(self).uplink_up, 1);
	/* What is for no port is for the uplink; what is for a port isn't. */
	EXPECT_EQ(vm_send_fill(self, 0, 1, 1), 0);
	EXPECT_EQ(vm_send_fill(self, 0, 99, 2), 0);
	EXPECT_EQ(tap_got(self->sock, frame, sizeof(frame), SOON_MS), LEN);
	EXPECT_EQ(frame[20], 2);
	EXPECT_EQ(vm_send_fill(self, 0, -1, 3), 0);
	EXPECT_EQ(tap_got(self->sock, frame, sizeof(frame), SOON_MS), LEN);
	EXPECT_EQ(frame[20], 3);
	EXPECT_TRUE(vm_got(self, 1, 2, 3));

	frame_make(frame, 99, 98, 4);
	EXPECT_EQ(send(self->sock, frame, LEN, 0), LEN);
	EXPECT_TRUE(wait_until(counters(self).unknown == 1, SOON_MS));
	frame_make(frame, 99, 0, 5);
	EXPECT_EQ(send(self->sock, frame, LEN, 0), LEN);
	EXPECT_TRUE(vm_got(self, 0, 1, 5));
	EXPECT_RX(1, 2);
	EXPECT_EQ(counters(self).rx_packets, 2);
	EXPECT_EQ(counters(self).rx_bytes, 2 * LEN);
}

/* A tap may have a greater MTU than any port: what no port could take is lost, and nothing else is. */
TEST_F(vswitch, uplink_frame_too_long)
{
	uint8_t frame[4000];

	ASSERT_TRUE(uplink_up(self));
	ASSERT_TRUE(puppets(self, 1));
	ASSERT_EQ(system("ip link set up0 mtu 9000"), 0);
	memset(frame, 0, sizeof(frame));
	frame_make(frame, 99, 0, 1);
	EXPECT_EQ(send(self->sock, frame, sizeof(frame), 0), (ssize_t)sizeof(frame));
	frame_make(frame, 99, 0, 2);
	EXPECT_EQ(send(self->sock, frame, LEN, 0), LEN);
	EXPECT_TRUE(vm_got(self, 0, 1, 2));
	EXPECT_EQ(counters(self).rx_packets, 1);
}

/* Requests go through the uplink, and come in by it, to whom they concern. */
TEST_F(vswitch, requests_and_the_uplink)
{
	uint8_t frame[2048];

	ASSERT_TRUE(uplink_up(self));
	ASSERT_TRUE(puppets(self, 2));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(vm_send(self, i, frame, frame_arp(frame, i, i + 1, i + 1)), 0);
		EXPECT_EQ(tap_got(self->sock, frame, sizeof(frame), SOON_MS), 60);
	}
	/* A port's address: the network isn't asked. */
	EXPECT_EQ(vm_send(self, 0, frame, frame_arp(frame, 0, 1, 2)), 0);
	EXPECT_EQ(vm_send(self, 0, frame, frame_arp(frame, 0, 1, 50)), 0);
	EXPECT_EQ(tap_got(self->sock, frame, sizeof(frame), SOON_MS), 60);
	EXPECT_EQ(frame[40], 50);
	EXPECT_RX(1, 1);
	frame_arp(frame, 99, 9, 1);
	EXPECT_EQ(send(self->sock, frame, 60, 0), 60);
	EXPECT_TRUE(wait_until(port(self, 0).rx_packets == 1, SOON_MS));
	frame_arp(frame, 99, 9, 8);
	EXPECT_EQ(send(self->sock, frame, 60, 0), 60);
	EXPECT_TRUE(wait_until(counters(self).rx_packets == 2, SOON_MS));
	EXPECT_RX(0, 1);
	EXPECT_RX(1, 1);
}

/* The uplink disappears: ports still reach each other, and another takes its place. */
TEST_F(vswitch, uplink_deleted)
{
	uint8_t frame[2048];

	ASSERT_TRUE(uplink_up(self));
	ASSERT_TRUE(puppets(self, 2));
	ASSERT_EQ(system("ip link del up0"), 0);
	EXPECT_TRUE(wait_until(!counters(self).uplink_up, SOON_MS));
	EXPECT_EQ(vm_send_fill(self, 0, 1, 1), 0);
	EXPECT_TRUE(vm_got(self, 1, 1, 1));
	EXPECT_LT(vm_send_fill(self, 0, 99, 2), 0);
	close(self->tap);
	close(self->sock);
	ASSERT_TRUE(uplink_up(self));
	EXPECT_EQ(vm_send_fill(self, 0, 99, 3), 0);
	EXPECT_EQ(tap_got(self->sock, frame, sizeof(frame), SOON_MS), LEN);
	EXPECT_EQ(frame[20], 3);
	/* And none. */
	ASSERT_EQ(switch_tap(self->dev, SWITCH, DENALI_SWITCH_UPLINK, -1), 0);
	EXPECT_EQ(counters(self).uplink, -1);
	EXPECT_EQ(vm_send_fill(self, 0, 99, 4), 0);
	EXPECT_EQ(tap_got(self->sock, frame, sizeof(frame), 0), 0);
}

TEST_F(vswitch, mirror)
{
	uint8_t frame[2048];
	int tap, sock;

	ASSERT_TRUE(uplink_up(self));
	ASSERT_TRUE(puppets(self, 2));
	tap = uplink_open("mirror0");
	ASSERT_GE(tap, 0);
	sock = packet_socket("mirror0");
	ASSERT_EQ(switch_tap(self->dev, SWITCH, DENALI_SWITCH_MIRROR, tap), 0);
	EXPECT_EQ(counters(self).mirror, if_nametoindex("mirror0"));
	EXPECT_EQ(vm_send_fill(self, 0, 1, 1), 0);
	EXPECT_EQ(tap_got(sock, frame, sizeof(frame), SOON_MS), LEN);
	EXPECT_EQ(memcmp(frame, (void *)self->p[0]->frame, LEN), 0);
	EXPECT_TRUE(vm_got(self, 1, 1, 1));
	/* Once, whomever it goes to; and what comes by the uplink as well. */
	EXPECT_EQ(vm_send_fill(self, 0, -1, 2), 0);
	EXPECT_EQ(tap_got(sock, frame, sizeof(frame), SOON_MS), LEN);
	EXPECT_EQ(frame[20], 2);
	frame_make(frame, 99, 98, 3);
	EXPECT_EQ(send(self->sock, frame, LEN, 0), LEN);
	EXPECT_EQ(tap_got(sock, frame, sizeof(frame), SOON_MS), LEN);
	EXPECT_EQ(frame[20], 3);
	EXPECT_EQ(counters(self).unmirrored, 0);
	/* A mirror that is down loses copies, nothing else. */
	ASSERT_EQ(system("ip link set mirror0 down"), 0);
	EXPECT_EQ(vm_send_fill(self, 0, 1, 4), 0);
	EXPECT_TRUE(vm_got(self, 1, 3, 4));
	EXPECT_EQ(counters(self).unmirrored, 1);
	ASSERT_EQ(switch_tap(self->dev, SWITCH, DENALI_SWITCH_MIRROR, -1), 0);
	EXPECT_EQ(counters(self).mirror, -1);
	close(tap);
	EXPECT_TRUE(wait_until(!if_nametoindex("mirror0"), SOON_MS));
	close(sock);
}

/* A checksum left out by one VM is so marked for the other. */
TEST_F(vswitch, checksums_left_out)
{
	ASSERT_TRUE(puppets(self, 2));
	self->p[0]->flags = 2;
	self->p[0]->pos = 14 | 6 << 16;
	EXPECT_EQ(vm_send_fill(self, 0, 1, 1), 0);
	EXPECT_TRUE(vm_got(self, 1, 1, 1));
	EXPECT_EQ(self->p[1]->got_flags, 2);
	self->p[0]->pos = 2 | 6 << 16;
	EXPECT_LT(vm_send_fill(self, 0, 1, 1), 0);
	self->p[0]->flags = 0;
	EXPECT_EQ(vm_send_fill(self, 0, 1, 2), 0);
	EXPECT_TRUE(vm_got(self, 1, 2, 2));
	EXPECT_EQ(self->p[1]->got_flags, 0);
}

/* For a receiver without buffers some frames wait, the others are lost; the sender doesn't notice. */
TEST_F(vswitch, receiver_without_buffers)
{
	ASSERT_TRUE(puppets(self, 1));
	self->vm[1] = guest_make(self->dev, "nic", GUEST_MEM, "rx-none");
	ASSERT_EQ(switch_plug(self->vm[1], 1, SWITCH), 0);
	self->id[1] = vm_id(self->vm[1]);
	ASSERT_EQ(vm_ctl(self->vm[1], DENALI_IOC_VM_START), 0);
	for (int n = 1; n <= 50; n++)
		ASSERT_EQ(vm_send_fill(self, 0, 1, n), 0);
	EXPECT_EQ(port(self, 1).rx_drops, 50 - WAITING);
	EXPECT_EQ(port(self, 0).tx_packets, 50);
	EXPECT_FALSE(vm_ended(self->vm[1]));
}

/* A VM that is "rx-late" begins to give buffers. */
static void late_go(struct _test_data_vswitch *self, int i)
{
	volatile uint32_t *go = guest_var(self->vm[i], "nic", "go");

	*go = 1;
	guest_var_put(go);
}

/* What waits comes in its order, and before what was sent later, as the guest gives buffers. */
TEST_F(vswitch, frames_wait)
{
	volatile uint32_t *received;
	int nr = WAITING / 2;

	ASSERT_TRUE(puppets(self, 1));
	ASSERT_TRUE(vm_up(self, 1, "rx-late"));
	received = guest_var(self->vm[1], "nic", "received");
	for (int n = 0; n < nr; n++)
		ASSERT_EQ(vm_send_fill(self, 0, 1, n), 0);
	EXPECT_EQ(*received, 0);
	EXPECT_EQ(port(self, 1).rx_packets, 0);
	late_go(self, 1);
	for (int n = nr; n < 200; n++) {
		ASSERT_EQ(vm_send_fill(self, 0, 1, n), 0);
		/* Not more than may wait. */
		ASSERT_TRUE(wait_until((int)*received > n - nr, SOON_MS));
	}
	/* The guest ends at one that isn't the next. */
	EXPECT_TRUE(wait_until(*received == 200, SOON_MS));
	EXPECT_EQ(port(self, 1).rx_drops, 0);
	EXPECT_FALSE(vm_ended(self->vm[1]));
	guest_var_put(received);
}

/* More NICs don't have more frames wait, and what is sent to one takes no other's place. */
TEST_F(vswitch, frames_wait_at_two_nics)
{
	struct nl_vm vm;

	ASSERT_TRUE(puppets(self, 1));
	self->vm[1] = guest_make(self->dev, "nic", GUEST_MEM, "rx-none");
	for (int i = 1; i <= 2; i++)
		ASSERT_EQ(switch_plug(self->vm[1], i, SWITCH), 0);
	self->id[1] = vm_id(self->vm[1]);
	ASSERT_EQ(vm_ctl(self->vm[1], DENALI_IOC_VM_START), 0);
	for (int n = 0; n < 50; n++)
		ASSERT_EQ(vm_send_fill(self, 0, 1, n), 0);
	for (int n = 0; n < WAITING / 2; n++)
		ASSERT_EQ(vm_send_fill(self, 0, 2, n), 0);
	ASSERT_EQ(nl_vm_get(&self->nl, self->id[1], &vm), 0);
	EXPECT_EQ(vm.port[1].rx_drops, 50 - WAITING / 2);
	EXPECT_EQ(vm.port[2].rx_drops, 0);
	ASSERT_EQ(vm_send_fill(self, 0, 2, 0), 0);
	ASSERT_EQ(nl_vm_get(&self->nl, self->id[1], &vm), 0);
	EXPECT_EQ(vm.port[2].rx_drops, 1);
}

/* What waits for a VM is gone with its port, and isn't for who is plugged in later. */
TEST_F(vswitch, what_waits_is_dropped)
{
	struct denali_vm_nic out = { .port = 1, .tap_fd = -1 };
	struct denali_vm_nic in = { .port = 1, .tap_fd = -1, .flags = DENALI_NIC_SWITCH, .sw = SWITCH };
	volatile uint32_t *received;

	ASSERT_TRUE(puppets(self, 1));
	ASSERT_TRUE(vm_up(self, 1, "rx-late"));
	received = guest_var(self->vm[1], "nic", "received");
	ASSERT_EQ(vm_send_fill(self, 0, 1, 7), 0);
	ASSERT_EQ(ioctl(self->vm[1], DENALI_IOC_VM_NIC, &out), 0);
	ASSERT_EQ(ioctl(self->vm[1], DENALI_IOC_VM_NIC, &in), 0);
	late_go(self, 1);
	for (int n = 0; n < 3; n++)
		ASSERT_EQ(vm_send_fill(self, 0, 1, n), 0);
	EXPECT_TRUE(wait_until(*received == 3, SOON_MS));
	EXPECT_FALSE(vm_ended(self->vm[1]));
	guest_var_put(received);
}

TEST_F(vswitch, frame_beyond_the_receivers_mtu)
{
	struct denali_vm_nic nic = {
		.port = DENALI_NIC_NEW_PORT, .tap_fd = -1, .flags = DENALI_NIC_SWITCH, .sw = SWITCH,
		.mac = { 2, 0, 0, 0, 0, 1 }, .mtu = 68,
	};

	ASSERT_TRUE(puppets(self, 1));
	self->vm[1] = guest_make(self->dev, "nic", GUEST_MEM, "puppet");
	self->id[1] = vm_id(self->vm[1]);
	ASSERT_EQ(ioctl(self->vm[1], DENALI_IOC_VM_NIC, &nic), 0);
	ASSERT_EQ(vm_ctl(self->vm[1], DENALI_IOC_VM_START), 0);
	self->p[1] = guest_var(self->vm[1], "nic", "puppet");
	EXPECT_TRUE(wait_until(({
		uint8_t frame[LEN];

		frame_make(frame, 0, 1, 1);
		vm_send(self, 0, frame, 82);
		self->p[1]->got > 0;
	}), SOON_MS));
	EXPECT_EQ(self->p[1]->got_len, 82);
	uint64_t drops = port(self, 1).rx_drops;

	EXPECT_EQ(vm_send_fill(self, 0, 1, 1), 0);
	EXPECT_EQ(port(self, 1).rx_drops, drops + 1);
}

/* What a receiver has in its ring is its own end, not the sender's. */
static void hostile(struct __test_metadata *_metadata, struct _test_data_vswitch *self, const char *cmd,
		    const char *text)
{
	struct denali_vm_state st;

	ASSERT_TRUE(puppets(self, 1));
	self->vm[2] = guest_make(self->dev, "nic", GUEST_MEM, cmd);
	ASSERT_EQ(switch_plug(self->vm[2], 2, SWITCH), 0);
	ASSERT_EQ(vm_ctl(self->vm[2], DENALI_IOC_VM_START), 0);
	EXPECT_TRUE(wait_until(vm_send_fill(self, 0, 2, 1) == 0 && vm_ended(self->vm[2]), SOON_MS));
	vm_state(self->vm[2], &st);
	EXPECT_EQ(st.reason, DENALI_END_PROTOCOL);
	EXPECT_NE(strstr(st.text, text), NULL)
		TH_LOG("%s", st.text);
	EXPECT_EQ(vm_send_fill(self, 0, 2, 1), 0);
	EXPECT_FALSE(vm_ended(self->vm[0]));
	EXPECT_EQ(counters(self).ports, 1);
}

TEST_F(vswitch, receiver_with_a_broken_ring)
{
	hostile(_metadata, self, "bad-ring", "more than 16 ahead");
}

TEST_F(vswitch, receiver_with_a_buffer_outside)
{
	hostile(_metadata, self, "bad-buffer", "is not inside memory");
}

/* They are answered, by the sender and by the receiver's runner, and the frame waits. */
TEST_F(vswitch, receiver_with_bad_requests)
{
	volatile uint32_t *received;

	ASSERT_TRUE(puppets(self, 1));
	ASSERT_TRUE(vm_up(self, 1, "bad-request"));
	received = guest_var(self->vm[1], "nic", "received");
	ASSERT_EQ(vm_send_fill(self, 0, 1, 1), 0);
	EXPECT_TRUE(wait_until(*received == 16, SOON_MS));
	EXPECT_EQ(port(self, 1).rx_drops, 0);
	guest_var_put(received);
}

/* A VM that is stopped has memory that stands still, also for the switch. */
TEST_F(vswitch, stopped_receiver)
{
	uint8_t before[GUEST_MEM - 8192], *mem;

	ASSERT_TRUE(puppets(self, 2));
	EXPECT_EQ(vm_send_fill(self, 0, 1, 1), 0);
	EXPECT_TRUE(vm_got(self, 1, 1, 1));
	ASSERT_EQ(vm_ctl(self->vm[1], DENALI_IOC_VM_STOP), 0);
	mem = vm_map(self->vm[1], 8192, sizeof(before));
	ASSERT_NE(mem, NULL);
	memcpy(before, mem, sizeof(before));
	EXPECT_EQ(vm_send_fill(self, 0, 1, 2), 0);
	EXPECT_EQ(memcmp(before, mem, sizeof(before)), 0);
	EXPECT_EQ(port(self, 1).rx_drops, 1);
	munmap(mem, sizeof(before));
	ASSERT_EQ(vm_ctl(self->vm[1], DENALI_IOC_VM_START), 0);
	EXPECT_EQ(vm_send_fill(self, 0, 1, 3), 0);
	EXPECT_TRUE(vm_got(self, 1, 2, 3));
}

/* The switch goes under load: its ports lose their link and live on, and go onto another. */
TEST_F(vswitch, deleted_under_load)
{
	struct nl_vm ev;

	ASSERT_EQ(nl_subscribe(&self->nl), 0);
	for (int i = 0; i < 3; i++)
		ASSERT_TRUE(vm_up(self, i, "tx-loop"));
	EXPECT_EQ(switch_del(self->dev, SWITCH), 0);
	for (int down = 0; down < 3;) {
		ASSERT_EQ(nl_event(&self->nl, &ev, SOON_MS), 0);
		down += ev.event == DENALI_EVENT_PORT_DOWN;
	}
	EXPECT_EQ(setsockopt(self->nl.fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &self->nl.group,
			     sizeof(self->nl.group)), 0);
	ASSERT_EQ(switch_add(self->dev, SWITCH, 0, 0), 0);
	for (int i = 0; i < 3; i++) {
		EXPECT_FALSE(vm_ended(self->vm[i]));
		EXPECT_EQ(port(self, i).up, 0);
		EXPECT_EQ(switch_plug_port(self->vm[i], i, SWITCH, 1), 0);
	}
	EXPECT_EQ(counters(self).ports, 3);
	uint64_t came = came_to(self, 0);

	EXPECT_TRUE(wait_until(came_to(self, 0) > came, SOON_MS));
}

/* So do stopped VMs: their ports are let go of when they go on. */
TEST_F(vswitch, deleted_under_a_stopped_vm)
{
	ASSERT_TRUE(puppets(self, 1));
	ASSERT_EQ(vm_ctl(self->vm[0], DENALI_IOC_VM_STOP), 0);
	EXPECT_EQ(switch_del(self->dev, SWITCH), 0);
	ASSERT_EQ(vm_ctl(self->vm[0], DENALI_IOC_VM_START), 0);
	EXPECT_TRUE(wait_until(!port(self, 0).up, SOON_MS));
	EXPECT_FALSE(vm_ended(self->vm[0]));
}

TEST_F(vswitch, killed_under_load)
{
	ASSERT_TRUE(uplink_up(self));
	ASSERT_TRUE(vm_up(self, 0, "tx-loop"));
	ASSERT_TRUE(vm_up(self, 1, "tx-loop"));
	for (int i = 0; i < 50; i++) {
		ASSERT_TRUE(vm_up(self, 2, "tx-loop"));
		if (i & 1)
			EXPECT_EQ(vm_ctl(self->vm[2], DENALI_IOC_VM_KILL), 0);
		close(self->vm[2]);
		self->vm[2] = -1;
	}
	EXPECT_FALSE(vm_ended(self->vm[0]));
	EXPECT_FALSE(vm_ended(self->vm[1]));
	EXPECT_TRUE(wait_until(counters(self).ports == 2, SOON_MS));
}

/* Stopped, plugged elsewhere and back, started, under load. */
TEST_F(vswitch, moved_under_load)
{
	ASSERT_EQ(switch_add(self->dev, "vswitch-other", 0, 0), 0);
	for (int i = 0; i < 3; i++)
		ASSERT_TRUE(vm_up(self, i, "tx-loop"));
	for (int i = 0; i < 50; i++) {
		ASSERT_EQ(switch_plug_port(self->vm[1], 1, "vswitch-other", 1), 0);
		ASSERT_EQ(switch_plug_port(self->vm[1], 1, SWITCH, 1), 0);
	}
	EXPECT_EQ(counters(self).ports, 3);
	EXPECT_EQ(switch_del(self->dev, "vswitch-other"), 0);
	uint64_t came = came_to(self, 1);

	EXPECT_TRUE(wait_until(came_to(self, 1) > came, SOON_MS));
}

/* More than a Linux bridge has ports, and each takes a few hundred bytes. */
TEST_F(vswitch, many_ports)
{
	enum { MANY = 1100 };
	static int vm[MANY];
	struct nl_vm with, without;
	struct rlimit files = { 2 * MANY, 2 * MANY };
	int none;

	ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
	none = vm_create(self->dev, 16 << 10, 0, NULL);
	ASSERT_EQ(nl_vm_get(&self->nl, vm_id(none), &without), 0);
	close(none);
	for (int i = 0; i < MANY; i++) {
		vm[i] = vm_create(self->dev, 16 << 10, 0, NULL);
		ASSERT_GE(vm[i], 0);
		ASSERT_EQ(switch_plug(vm[i], 100 + i, SWITCH), 0);
	}
	EXPECT_EQ(counters(self).ports, MANY);
	ASSERT_EQ(nl_vm_get(&self->nl, vm_id(vm[MANY - 1]), &with), 0);
	EXPECT_LE(with.kmem_bytes - without.kmem_bytes, 1024);
	ASSERT_TRUE(puppets(self, 2));
	EXPECT_EQ(vm_send_fill(self, 0, 1, 1), 0);
	EXPECT_TRUE(vm_got(self, 1, 1, 1));
	EXPECT_EQ(vm_send_fill(self, 0, -1, 2), 0);
	EXPECT_TRUE(vm_got(self, 1, 2, 2));
	for (int i = 0; i < MANY; i++)
		close(vm[i]);
	EXPECT_TRUE(wait_until(counters(self).ports == 2, SOON_MS));
}

TEST_F(vswitch, one_address_one_port)
{
	int a = vm_create(self->dev, GUEST_MEM, 0, NULL), b = vm_create(self->dev, GUEST_MEM, 0, NULL);

	ASSERT_EQ(switch_plug(a, 7, SWITCH), 0);
	EXPECT_EQ(switch_plug(b, 7, SWITCH), -1);
	EXPECT_EQ(errno, EEXIST);
	EXPECT_EQ(counters(self).ports, 1);
	/* Itself again, as with a tap. */
	EXPECT_EQ(switch_plug_port(a, 7, SWITCH, 1), 0);
	close(a);
	EXPECT_TRUE(wait_until(switch_plug(b, 7, SWITCH) == 0, SOON_MS));
	close(b);
}

TEST_F(vswitch, taps_that_are_taken)
{
	struct denali_vm_nic nic = {
		.port = DENALI_NIC_NEW_PORT, .mac = { 2, 0, 0, 0, 0, 1 }, .flags = DENALI_NIC_VNET_HDR,
		.vnet_hdr_len = 10,
	};
	int fds[2];

	ASSERT_TRUE(uplink_up(self));
	EXPECT_EQ(switch_tap(self->dev, SWITCH, DENALI_SWITCH_MIRROR, self->tap), -1);
	EXPECT_EQ(errno, EBUSY);
	nic.tap_fd = self->tap;
	self->vm[0] = vm_create(self->dev, GUEST_MEM, 0, NULL);
	EXPECT_EQ(ioctl(self->vm[0], DENALI_IOC_VM_NIC, &nic), -1);
	EXPECT_EQ(errno, EBUSY);
	/* Itself again. */
	EXPECT_EQ(switch_tap(self->dev, SWITCH, DENALI_SWITCH_UPLINK, self->tap), 0);
	/* Free when the switch is gone. */
	EXPECT_EQ(switch_del(self->dev, SWITCH), 0);
	EXPECT_EQ(ioctl(self->vm[0], DENALI_IOC_VM_NIC, &nic), 0);

	ASSERT_EQ(switch_add(self->dev, SWITCH, 0, 0), 0);
	ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	EXPECT_EQ(switch_tap(self->dev, SWITCH, DENALI_SWITCH_UPLINK, fds[0]), -1);
	EXPECT_EQ(errno, ENOTTY);
	EXPECT_EQ(switch_tap(self->dev, SWITCH, DENALI_SWITCH_UPLINK, 1000), -1);
	EXPECT_EQ(errno, EBADF);
}

TEST_F(vswitch, bad_arguments)
{
	static const char long_name[33] = "abcdefghijklmnopqrstuvwxyz012345";
	static const char * const names[] = { "", "a b", "a/b", "\xc3\xa4", long_name };
	struct denali_switch_tap tap = { .name = SWITCH, .role = 2, .tap_fd = -1 };
	struct denali_switch_del del = { .name = SWITCH, .flags = 1 };
	struct denali_vm_nic nic = {
		.port = DENALI_NIC_NEW_PORT, .tap_fd = -1, .mac = { 2, 0, 0, 0, 0, 1 }, .sw = SWITCH,
	};
	int vm = vm_create(self->dev, GUEST_MEM, 0, NULL);

#define EXPECT_FAILS(call, code) do {		\
	EXPECT_EQ(call, -1);			\
	EXPECT_EQ(errno, code);			\
} while (0)

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_FAILS(switch_add(self->dev, names[i], 0, 0), EINVAL);
		EXPECT_FAILS(switch_del(self->dev, names[i]), EINVAL);
		EXPECT_FAILS(switch_tap(self->dev, names[i], DENALI_SWITCH_UPLINK, -1), EINVAL);
	}
	EXPECT_FAILS(switch_add(self->dev, SWITCH, 0, 0), EEXIST);
	EXPECT_FAILS(switch_add(self->dev, "other", 2, 0), EINVAL);
	EXPECT_FAILS(switch_add(self->dev, "other", 0, -1), EINVAL);
	EXPECT_FAILS(switch_del(self->dev, "other"), ENOENT);
	EXPECT_FAILS(switch_tap(self->dev, "other", DENALI_SWITCH_UPLINK, -1), ENOENT);
	EXPECT_FAILS(ioctl(self->dev, DENALI_IOC_SWITCH_TAP, &tap), EINVAL);
	tap.role = DENALI_SWITCH_UPLINK;
	tap.flags = DENALI_NIC_VNET_HDR;
	EXPECT_FAILS(ioctl(self->dev, DENALI_IOC_SWITCH_TAP, &tap), EINVAL);
	tap.flags = 0;
	tap.vnet_hdr_len = 10;
	EXPECT_FAILS(ioctl(self->dev, DENALI_IOC_SWITCH_TAP, &tap), EINVAL);
	EXPECT_FAILS(ioctl(self->dev, DENALI_IOC_SWITCH_DEL, &del), EINVAL);
	del.flags = 0;
	del.reserved = 1;
	EXPECT_FAILS(ioctl(self->dev, DENALI_IOC_SWITCH_DEL, &del), EINVAL);

	EXPECT_FAILS(switch_plug(vm, 1, "other"), ENOENT);
	/* A name and no flag; the flag and a tap, a header, other flags, no name, a name without end. */
	EXPECT_FAILS(ioctl(vm, DENALI_IOC_VM_NIC, &nic), EINVAL);
	nic.flags = DENALI_NIC_SWITCH;
	nic.tap_fd = 0;
	EXPECT_FAILS(ioctl(vm, DENALI_IOC_VM_NIC, &nic), EINVAL);
	nic.tap_fd = -1;
	nic.vnet_hdr_len = 10;
	EXPECT_FAILS(ioctl(vm, DENALI_IOC_VM_NIC, &nic), EINVAL);
	nic.vnet_hdr_len = 0;
	nic.flags = DENALI_NIC_SWITCH | DENALI_NIC_VNET_HDR;
	EXPECT_FAILS(ioctl(vm, DENALI_IOC_VM_NIC, &nic), EINVAL);
	nic.flags = DENALI_NIC_SWITCH;
	memset(nic.sw, 0, sizeof(nic.sw));
	EXPECT_FAILS(ioctl(vm, DENALI_IOC_VM_NIC, &nic), ENOENT);
	memset(nic.sw, 'a', sizeof(nic.sw));
	EXPECT_FAILS(ioctl(vm, DENALI_IOC_VM_NIC, &nic), EINVAL);
	EXPECT_EQ(counters(self).ports, 0);
	close(vm);
}

/* Who may: making one is the admin's, plugging in is whose it is. */
TEST_F(vswitch, permissions)
{
	char node[64];
	pid_t pid;
	int status;

	ASSERT_EQ(switch_add(self->dev, "vswitch-theirs", 0, 65534), 0);
	ASSERT_EQ(device_node(node, sizeof(node)), 0);
	pid = fork();
	if (!pid) {
		struct nl_switch sw;
		struct nl nl;
		int dev, vm;

		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(2);
		dev = open(node, O_RDWR);
		if (dev < 0 || nl_open(&nl))
			_exit(3);
		if (switch_add(dev, "vswitch-new", 0, 65534) != -1 || errno != EPERM)
			_exit(4);
		if (switch_del(dev, "vswitch-theirs") != -1 || errno != EPERM)
			_exit(5);
		if (switch_tap(dev, "vswitch-theirs", DENALI_SWITCH_MIRROR, -1) != -1 || errno != EPERM)
			_exit(6);
		vm = vm_create(dev, GUEST_MEM, 0, NULL);
		if (switch_plug(vm, 1, SWITCH) != -1 || errno != EPERM)
			_exit(7);
		if (switch_plug(vm, 1, "vswitch-theirs"))
			_exit(8);
		if (nl_switch_get(&nl, SWITCH, &sw) != -1 || errno != ENOENT)
			_exit(9);
		if (nl_switch_get(&nl, "vswitch-theirs", &sw) || sw.uid != 65534 || sw.ports != 1)
			_exit(10);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	unlink(node);
	EXPECT_EQ(switch_del(self->dev, "vswitch-theirs"), 0);
	EXPECT_EQ(status, 0)
		TH_LOG("child ended with %d", WEXITSTATUS(status));
}

TEST_HARNESS_MAIN
