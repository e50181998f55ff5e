// SPDX-License-Identifier: GPL-2.0
/*
 * The NIC with a tap behind it, in a network namespace of its own: what the guest
 * sends arrives on the host, what the host sends arrives in the guest, and nothing
 * that either side does wrong goes further. And the same with a switch in between, the
 * tap being its uplink; what only a switch does is vswitch_test.c's.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <denali/vregs.h>

#include "kselftest_harness.h"
#include "ethernet.h"
#include "lib.h"
#include "nl.h"

static const uint8_t guest_mac[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t host_mac[6] = { 2, 0, 0, 0, 0, 99 };

#define SWITCH	"nic-test"

/* The tap isn't the NIC's but the uplink of a switch that the NIC is on. */
static bool on_switch;

FIXTURE(nic) {
	int dev;
	int tap;
	int sock;
	int vm;
	uint64_t id;
	struct nl nl;
};

FIXTURE_VARIANT(nic) {
	bool on_switch;
};

FIXTURE_VARIANT_ADD(nic, tap) { .on_switch = false };
FIXTURE_VARIANT_ADD(nic, switch) { .on_switch = true };

FIXTURE_SETUP(nic)
{
	on_switch = variant->on_switch;
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	/* The family is there in the first namespace only. */
	ASSERT_EQ(nl_open(&self->nl), 0);
	ASSERT_EQ(unshare(CLONE_NEWNET), 0);
	/* No neighbour discovery between the frames of the tests. */
	file_put("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	self->tap = tap_open("tap0", IFF_VNET_HDR);
	ASSERT_GE(self->tap, 0);
	ASSERT_EQ(link_flags("tap0", IFF_UP, 0), 0);
	self->sock = packet_socket("tap0");
	ASSERT_GE(self->sock, 0);
	self->vm = -1;
	if (!on_switch)
		return;
	/* A test that failed may have left it. */
	switch_del(self->dev, SWITCH);
	ASSERT_EQ(switch_add(self->dev, SWITCH, 0, 0), 0);
}

FIXTURE_TEARDOWN(nic)
{
	close(self->vm);
	if (on_switch)
		EXPECT_EQ(switch_del(self->dev, SWITCH), 0);
	close(self->sock);
	close(self->tap);
	close(self->nl.fd);
	close(self->dev);
}

static bool counters(struct _test_data_nic *self, struct nl_vm *c)
{
	return nl_vm_get(&self->nl, self->id, c) == 0;
}

/* Makes the tap the switch's uplink. */
static int uplink(int tap, uint32_t hdr)
{
	struct denali_switch_tap arg = {
		.name = SWITCH, .role = DENALI_SWITCH_UPLINK, .tap_fd = tap,
		.flags = DENALI_NIC_VNET_HDR | DENALI_NIC_OFFLOAD, .vnet_hdr_len = hdr,
	};
	int dev = dev_open(), ret;

	ret = ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM) || ioctl(dev, DENALI_IOC_SWITCH_TAP, &arg);
	close(dev);
	return ret ? -1 : 0;
}

static int nic_attach(int vm, int tap, uint32_t port, uint32_t flags, uint32_t hdr)
{
	struct denali_vm_nic nic = {
		.port = port, .tap_fd = tap, .mac = { 2, 0, 0, 0, 0, 1 }, .flags = flags, .vnet_hdr_len = hdr,
	};

	if (on_switch && tap != -1) {
		if (uplink(tap, hdr))
			return -1;
		nic.tap_fd = -1;
		nic.flags = DENALI_NIC_SWITCH;
		nic.vnet_hdr_len = 0;
		strcpy(nic.sw, SWITCH);
	}
	return ioctl(vm, DENALI_IOC_VM_NIC, &nic);
}

/* A VM with a NIC on the tap, started. */
static int nic_start(struct _test_data_nic *self, const char *cmd)
{
	struct denali_vm_state st;

	self->vm = guest_make(self->dev, "nic", GUEST_MEM, cmd);
	if (self->vm < 0)
		return -1;
	if (nic_attach(self->vm, self->tap, DENALI_NIC_NEW_PORT, DENALI_NIC_VNET_HDR, 10) < 0)
		return -1;
	vm_state(self->vm, &st);
	self->id = st.id;
	return vm_ctl(self->vm, DENALI_IOC_VM_START);
}

/* It ended well? */
static bool nic_ended_well(struct _test_data_nic *self)
{
	struct denali_vm_state st;

	if (vm_wait(self->vm, SOON_MS) < 0) {
		fprintf(stderr, "# the guest is still running\n");
		return false;
	}
	vm_state(self->vm, &st);
	if (st.reason == DENALI_END_EXIT && st.status == 0)
		return true;
	fprintf(stderr, "# the guest ended with reason %u, status %d: %s\n", st.reason, st.status, st.text);
	return false;
}

static int frame_seq(const uint8_t *frame)
{
	return frame[14] << 8 | frame[15];
}

/* The next frame of the test's type that the guest sent, its length; 0 after ms of silence. */
static ssize_t frame_get(struct _test_data_nic *self, uint8_t *frame, size_t size, int ms)
{
	struct sockaddr_ll from;
	socklen_t len;
	uint64_t until = now_ns() + ms * 1000000ULL;
	struct pollfd pfd = { .fd = self->sock, .events = POLLIN };
	ssize_t n;

	do {
		if (poll(&pfd, 1, ms) <= 0)
			return 0;
		len = sizeof(from);
		n = recvfrom(self->sock, frame, size, MSG_TRUNC, (void *)&from, &len);
		if (n >= 14 && from.sll_pkttype != PACKET_OUTGOING && frame[12] == TYPE >> 8 &&
		    frame[13] == (TYPE & 0xff))
			return n;
	} while (now_ns() < until);
	return 0;
}

static void seq_frame(uint8_t *frame, size_t len, int seq, const uint8_t *to)
{
	memcpy(frame, to, 6);
	memcpy(frame + 6, host_mac, 6);
	frame[12] = TYPE >> 8;
	frame[13] = TYPE & 0xff;
	frame[14] = seq >> 8;
	frame[15] = seq;
	for (size_t i = 16; i < len; i++)
		frame[i] = i * 3 + seq;
}

static int frame_put(struct _test_data_nic *self, const uint8_t *frame, size_t len)
{
	return send(self->sock, frame, len, 0) == (ssize_t)len ? 0 : -1;
}

/* The guest's word of this name. */
static volatile uint32_t *guest_word(struct _test_data_nic *self, const char *name)
{
	return guest_var(self->vm, "nic", name);
}

TEST_F(nic, port_information)
{
	if (on_switch)
		SKIP(return, "on a switch checksums can always be left out");
	self->vm = guest_make(self->dev, "nic", GUEST_MEM, "info 1500 0");
	ASSERT_GE(self->vm, 0);
	ASSERT_EQ(nic_attach(self->vm, self->tap, DENALI_NIC_NEW_PORT, DENALI_NIC_VNET_HDR, 10), 0);
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	EXPECT_TRUE(nic_ended_well(self));
}

TEST_F(nic, port_information_with_offload)
{
	ASSERT_EQ(ioctl(self->tap, TUNSETOFFLOAD, TUN_F_CSUM), 0);
	self->vm = guest_make(self->dev, "nic", GUEST_MEM, "info 1500 1");
	ASSERT_GE(self->vm, 0);
	ASSERT_EQ(nic_attach(self->vm, self->tap, DENALI_NIC_NEW_PORT,
			     DENALI_NIC_VNET_HDR | DENALI_NIC_OFFLOAD, 10), 0);
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	EXPECT_TRUE(nic_ended_well(self));
}

TEST_F(nic, attach_returns_the_port)
{
	struct denali_vm_nic nic = {
		.port = DENALI_NIC_NEW_PORT, .tap_fd = self->tap, .mac = { 2, 0, 0, 0, 0, 1 },
		.flags = DENALI_NIC_VNET_HDR, .vnet_hdr_len = 10, .mtu = 1400,
	};

	if (on_switch) {
		nic.tap_fd = -1;
		nic.flags = DENALI_NIC_SWITCH;
		nic.vnet_hdr_len = 0;
		strcpy(nic.sw, SWITCH);
	}
	self->vm = guest_make(self->dev, "nic", GUEST_MEM, on_switch ? "info 1400 1" : "info 1400 0");
	ASSERT_GE(self->vm, 0);
	ASSERT_EQ(ioctl(self->vm, DENALI_IOC_VM_NIC, &nic), 0);
	EXPECT_EQ(nic.port, 1);
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	EXPECT_TRUE(nic_ended_well(self));
}

TEST_F(nic, bad_header_lengths)
{
	static const uint32_t bad[] = { 0, 1, 9, 11, 13, 14, 100, 0x7fffffff, 0xffffffff };

	self->vm = vm_create(self->dev, GUEST_MEM, 0, NULL);
	ASSERT_GE(self->vm, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(nic_attach(self->vm, self->tap, DENALI_NIC_NEW_PORT, DENALI_NIC_VNET_HDR, bad[i]), -1);
		EXPECT_EQ(errno, EINVAL);
	}
}

TEST_F(nic, a_tun_is_no_tap)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | (on_switch ? IFF_VNET_HDR : 0) };
	int tun = open("/dev/net/tun", O_RDWR), hdr = on_switch ? 10 : 0;

	strcpy(ifr.ifr_name, "tun0");
	ASSERT_EQ(ioctl(tun, TUNSETIFF, &ifr), 0);
	self->vm = vm_create(self->dev, GUEST_MEM, 0, NULL);
	ASSERT_GE(self->vm, 0);
	EXPECT_EQ(nic_attach(self->vm, tun, DENALI_NIC_NEW_PORT, 0, hdr), -1);
	EXPECT_EQ(errno, ENOTTY);
	close(tun);
}

TEST_F(nic, not_a_tap)
{
	int fds[2];

	if (on_switch)
		SKIP(return, "vswitch_test does that");
	ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	self->vm = vm_create(self->dev, GUEST_MEM, 0, NULL);
	ASSERT_GE(self->vm, 0);
	EXPECT_EQ(nic_attach(self->vm, fds[0], DENALI_NIC_NEW_PORT, 0, 0), -1);
	EXPECT_EQ(errno, ENOTTY);
	EXPECT_EQ(nic_attach(self->vm, self->sock, DENALI_NIC_NEW_PORT, 0, 0), -1);
	EXPECT_EQ(errno, ENOTTY);
	close(fds[0]);
	close(fds[1]);
}

/* One tap, one NIC. */
TEST_F(nic, a_tap_that_is_taken)
{
	int other;

	if (on_switch)
		SKIP(return, "vswitch_test does that");
	self->vm = vm_create(self->dev, GUEST_MEM, 0, NULL);
	ASSERT_GE(self->vm, 0);
	ASSERT_EQ(nic_attach(self->vm, self->tap, DENALI_NIC_NEW_PORT, DENALI_NIC_VNET_HDR, 10), 0);
	EXPECT_EQ(nic_attach(self->vm, self->tap, DENALI_NIC_NEW_PORT, DENALI_NIC_VNET_HDR, 10), -1);
	EXPECT_EQ(errno, EBUSY);
	other = vm_create(self->dev, GUEST_MEM, 0, NULL);
	ASSERT_GE(other, 0);
	EXPECT_EQ(nic_attach(other, self->tap, DENALI_NIC_NEW_PORT, DENALI_NIC_VNET_HDR, 10), -1);
	EXPECT_EQ(errno, EBUSY);
	/* Free again when its VM is gone. */
	close(self->vm);
	EXPECT_TRUE(wait_until(nic_attach(other, self->tap, DENALI_NIC_NEW_PORT, DENALI_NIC_VNET_HDR, 10) == 0,
			       SOON_MS));
	self->vm = other;
}

TEST_F(nic, frames_out)
{
	static const size_t sizes[] = { 60, 61, 100, 1000, 1513, 1514 };
	uint8_t frame[2048];
	struct nl_vm c;
	char cmd[32];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		snprintf(cmd, sizeof(cmd), "tx 3 %zu", sizes[i]);
		ASSERT_EQ(nic_start(self, cmd), 0);
		for (int n = 0; n < 3; n++) {
			ASSERT_EQ(frame_get(self, frame, sizeof(frame), SOON_MS), sizes[i]);
			EXPECT_EQ(frame_seq(frame), n);
			EXPECT_EQ(memcmp(frame, "\xff\xff\xff\xff\xff\xff", 6), 0);
			EXPECT_EQ(memcmp(frame + 6, guest_mac, 6), 0);
			for (size_t b = 16; b < sizes[i]; b++)
				ASSERT_EQ(frame[b], (uint8_t)(b + n));
		}
		EXPECT_TRUE(nic_ended_well(self));
		ASSERT_TRUE(counters(self, &c));
		EXPECT_EQ(c.port[1].tx_packets, 3);
		EXPECT_EQ(c.port[1].tx_bytes, 3 * sizes[i]);
		EXPECT_EQ(c.port[1].tx_drops, 0);
		close(self->vm);
	}
}

TEST_F(nic, frames_out_of_parts)
{
	uint8_t frame[2048];

	ASSERT_EQ(nic_start(self, "tx-parts 150"), 0);
	ASSERT_EQ(frame_get(self, frame, sizeof(frame), SOON_MS), 1200);
	for (size_t b = 16; b < 1200; b++)
		ASSERT_EQ(frame[b], (uint8_t)(b + 7));
	EXPECT_TRUE(nic_ended_well(self));
}

TEST_F(nic, frames_out_in_a_batch)
{
	uint8_t frame[2048];

	ASSERT_EQ(nic_start(self, "tx-batch"), 0);
	for (int n = 0; n < 16; n++) {
		ASSERT_EQ(frame_get(self, frame, sizeof(frame), SOON_MS), 64);
		EXPECT_EQ(frame_seq(frame), n);
	}
	EXPECT_TRUE(nic_ended_well(self));
}

/* What isn't a frame isn't sent: runts and what is longer than the MTU allows. */
TEST_F(nic, runts_and_oversize)
{
	static const int bad[] = { 0, 1, 6, 13, 1519, 1600, 2048 };
	uint8_t frame[4096];
	struct nl_vm c;
	char cmd[32];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(cmd, sizeof(cmd), "tx-any 3 %d", bad[i]);
		ASSERT_EQ(nic_start(self, cmd), 0);
		/* The first that arrives is the good one behind them. */
		ASSERT_EQ(frame_get(self, frame, sizeof(frame), SOON_MS), 60)
			TH_LOG("length %d", bad[i]);
		EXPECT_EQ(frame_seq(frame), 0xeeee);
		EXPECT_TRUE(nic_ended_well(self));
		ASSERT_TRUE(counters(self, &c));
		EXPECT_EQ(c.port[1].tx_packets, 1);
		EXPECT_EQ(c.port[1].tx_drops, 3)
			TH_LOG("length %d", bad[i]);
		close(self->vm);
	}
}

TEST_F(nic, source_address_is_enforced)
{
	uint8_t frame[4096];
	struct nl_vm c;

	ASSERT_EQ(nic_start(self, "spoof"), 0);
	ASSERT_EQ(frame_get(self, frame, sizeof(frame), SOON_MS), 60);
	EXPECT_EQ(frame_seq(frame), 0xeeee);
	EXPECT_TRUE(nic_ended_well(self));
	ASSERT_TRUE(counters(self, &c));
	EXPECT_EQ(c.port[1].tx_packets, 1);
	EXPECT_EQ(c.port[1].tx_drops, 5);
}

TEST_F(nic, source_address_in_parts)
{
	uint8_t frame[4096];
	struct nl_vm c;

	ASSERT_EQ(nic_start(self, "spoof-parts"), 0);
	ASSERT_EQ(frame_get(self, frame, sizeof(frame), SOON_MS), 60);
	EXPECT_EQ(frame_seq(frame), 0xeeee);
	EXPECT_TRUE(nic_ended_well(self));
	ASSERT_TRUE(counters(self, &c));
	EXPECT_EQ(c.port[1].tx_drops, 1);
}

static void echo_all(struct __test_metadata *_metadata, struct _test_data_nic *self)
{
	uint8_t out[2048], in[2048];
	struct nl_vm c;
	size_t bytes = 0;

	/* A frame that comes before the guest has a ring waits in a tap, and is lost on a switch. */
	ASSERT_TRUE(wait_until(*guest_word(self, "progress") >= 1, SOON_MS));
	for (int n = 0; n <= 100; n++) {
		size_t len = 60 + n * 14;
		int seq = n < 100 ? n : 0xffff;

		seq_frame(out, len, seq, n % 3 ? guest_mac : (const uint8_t *)"\xff\xff\xff\xff\xff\xff");
		ASSERT_EQ(frame_put(self, out, len), 0);
		ASSERT_EQ(frame_get(self, in, sizeof(in), SOON_MS), len);
		EXPECT_EQ(frame_seq(in), seq);
		EXPECT_EQ(memcmp(in, host_mac, 6), 0);
		EXPECT_EQ(memcmp(in + 6, guest_mac, 6), 0);
		EXPECT_EQ(memcmp(in + 12, out + 12, len - 12), 0);
		bytes += len;
		if (n == 50) {
			ASSERT_TRUE(counters(self, &c));
			EXPECT_EQ(c.port[1].ifindex, on_switch ? 0 : if_nametoindex("tap0"));
			EXPECT_EQ(c.port[1].up, 1);
		}
	}
	EXPECT_TRUE(nic_ended_well(self));
	ASSERT_TRUE(counters(self, &c));
	EXPECT_EQ(c.port[1].rx_packets, 101);
	EXPECT_EQ(c.port[1].rx_bytes, bytes);
	EXPECT_EQ(c.port[1].tx_bytes, bytes);
	EXPECT_EQ(c.port[1].rx_drops, 0);
	EXPECT_EQ(c.port[1].type, 2);
	EXPECT_EQ(memcmp(c.port[1].mac, guest_mac, 6), 0);
}

TEST_F(nic, frames_in_and_out)
{
	ASSERT_EQ(nic_start(self, "echo 16"), 0);
	echo_all(_metadata, self);
}

/* Without a vnet header, and with the longer one. */
TEST_F(nic, tap_without_header)
{
	struct denali_vm_state st;

	if (on_switch)
		SKIP(return, "an uplink needs a header");
	close(self->sock);
	close(self->tap);
	self->tap = tap_open("tap0", 0);
	ASSERT_GE(self->tap, 0);
	ASSERT_EQ(link_flags("tap0", IFF_UP, 0), 0);
	self->sock = packet_socket("tap0");
	self->vm = guest_make(self->dev, "nic", GUEST_MEM, "echo 16");
	ASSERT_GE(self->vm, 0);
	ASSERT_EQ(nic_attach(self->vm, self->tap, DENALI_NIC_NEW_PORT, 0, 0), 0);
	vm_state(self->vm, &st);
	self->id = st.id;
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	echo_all(_metadata, self);
}

TEST_F(nic, tap_with_long_header)
{
	struct denali_vm_state st;
	int len = 12;

	ASSERT_EQ(ioctl(self->tap, TUNSETVNETHDRSZ, &len), 0);
	self->vm = guest_make(self->dev, "nic", GUEST_MEM, "echo 16");
	ASSERT_GE(self->vm, 0);
	ASSERT_EQ(nic_attach(self->vm, self->tap, DENALI_NIC_NEW_PORT, DENALI_NIC_VNET_HDR, 12), 0);
	vm_state(self->vm, &st);
	self->id = st.id;
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	echo_all(_metadata, self);
}

/* More at once than the ring has buffers: none is lost while the tap can queue them. */
TEST_F(nic, a_burst_in)
{
	uint8_t frame[2048];
	int got = 0;

	if (on_switch)
		SKIP(return, "a switch has no queue");
	ASSERT_EQ(nic_start(self, "echo 4"), 0);
	for (int n = 0; n < 200; n++) {
		seq_frame(frame, 200, n, guest_mac);
		ASSERT_EQ(frame_put(self, frame, 200), 0);
	}
	while (got < 200 && frame_get(self, frame, sizeof(frame), SOON_MS) == 200) {
		EXPECT_EQ(frame_seq(frame), got);
		got++;
	}
	EXPECT_EQ(got, 200);
	seq_frame(frame, 60, 0xffff, guest_mac);
	EXPECT_EQ(frame_put(self, frame, 60), 0);
	EXPECT_TRUE(nic_ended_well(self));
}

/* What has come for a VM that was off: how many frames does it see at once? */
static uint32_t seen_at_once(struct __test_metadata *_metadata, struct _test_data_nic *self,
			     uint32_t flags)
{
	volatile uint32_t *seen;
	uint8_t frame[2048];
	uint32_t entry, most;
	struct denali_vm_state st;

	self->vm = vm_create(self->dev, GUEST_MEM, flags, NULL);
	ASSERT_GE(self->vm, 0);
	ASSERT_EQ(guest_load(self->vm, "nic", &entry), 0);
	ASSERT_EQ(vm_setup(self->vm, entry, "echo 16"), 0);
	ASSERT_EQ(nic_attach(self->vm, self->tap, DENALI_NIC_NEW_PORT, DENALI_NIC_VNET_HDR, 10), 0);
	vm_state(self->vm, &st);
	self->id = st.id;
	for (int n = 0; n < 8; n++) {
		seq_frame(frame, 200, n, guest_mac);
		ASSERT_EQ(frame_put(self, frame, 200), 0);
	}
	seen = guest_word(self, "most_seen");
	ASSERT_NE(seen, NULL);
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	for (int n = 0; n < 8; n++) {
		ASSERT_EQ(frame_get(self, frame, sizeof(frame), SOON_MS), 200);
		EXPECT_EQ(frame_seq(frame), n);
	}
	most = *seen;
	guest_var_put(seen);
	seq_frame(frame, 60, 0xffff, guest_mac);
	EXPECT_EQ(frame_put(self, frame, 60), 0);
	EXPECT_TRUE(nic_ended_well(self));
	return most;
}

TEST_F(nic, frames_are_shown_in_a_batch)
{
	if (on_switch)
		SKIP(return, "a VM that is off has no queue on a switch");
	EXPECT_EQ(seen_at_once(_metadata, self, 0), 8);
}

TEST_F(nic, frames_are_shown_one_by_one)
{
	if (on_switch)
		SKIP(return, "a VM that is off has no queue on a switch");
	EXPECT_EQ(seen_at_once(_metadata, self, DENALI_CREATE_SYNC_IRQ), 1);
}

/* A guest without buffers loses frames, and the host doesn't keep them for ever. */
TEST_F(nic, no_buffers)
{
	uint8_t frame[2048];
	struct nl_vm c;

	ASSERT_EQ(nic_start(self, "rx-none"), 0);
	for (int n = 0; n < 3000; n++) {
		seq_frame(frame, 200, n, guest_mac);
		send(self->sock, frame, 200, MSG_DONTWAIT);
	}
	ASSERT_TRUE(counters(self, &c));
	EXPECT_EQ(c.port[1].rx_packets, 0);
	EXPECT_LT(c.kmem_bytes, 1 << 20);
	EXPECT_FALSE(vm_ended(self->vm));
}

TEST_F(nic, buffers_too_small)
{
	uint8_t frame[2048];
	struct nl_vm c;

	ASSERT_EQ(nic_start(self, "rx-small"), 0);
	seq_frame(frame, 200, 1, guest_mac);
	ASSERT_EQ(frame_put(self, frame, 200), 0);
	EXPECT_TRUE(wait_until(counters(self, &c) && c.port[1].rx_drops >= 1, SOON_MS));
	EXPECT_FALSE(vm_ended(self->vm));
}

/* The tap goes down under a VM that sends: it counts drops, lives, and sends again when it is up. */
TEST_F(nic, tap_down_and_up)
{
	uint8_t frame[2048];
	struct nl_vm c, d;

	ASSERT_EQ(nic_start(self, "tx-loop"), 0);
	ASSERT_EQ(frame_get(self, frame, sizeof(frame), SOON_MS), 100);
	ASSERT_EQ(link_flags("tap0", 0, IFF_UP), 0);
	ASSERT_TRUE(counters(self, &c));
	EXPECT_TRUE(wait_until(counters(self, &d) && d.port[1].tx_drops > c.port[1].tx_drops, SOON_MS));
	EXPECT_FALSE(vm_ended(self->vm));
	ASSERT_EQ(link_flags("tap0", IFF_UP, 0), 0);
	close(self->sock);
	self->sock = packet_socket("tap0");
	EXPECT_EQ(frame_get(self, frame, sizeof(frame), SOON_MS), 100);
	EXPECT_FALSE(vm_ended(self->vm));
}

/* A tap that is down when it is attached. */
TEST_F(nic, tap_down_at_first)
{
	uint8_t frame[2048];

	ASSERT_EQ(link_flags("tap0", 0, IFF_UP), 0);
	ASSERT_EQ(nic_start(self, "tx-loop"), 0);
	ASSERT_TRUE(wait_until(*guest_word(self, "progress") > 10, SOON_MS));
	EXPECT_FALSE(vm_ended(self->vm));
	ASSERT_EQ(link_flags("tap0", IFF_UP, 0), 0);
	close(self->sock);
	self->sock = packet_socket("tap0");
	EXPECT_EQ(frame_get(self, frame, sizeof(frame), SOON_MS), 100);
}

/* The tap is deleted: an event, the link is down, the guest goes on, and another tap can take its place. */
TEST_F(nic, tap_deleted)
{
	struct nl nl = self->nl;
	struct nl_vm ev, c;
	uint8_t frame[2048];
	int tap;

	if (on_switch)
		SKIP(return, "an uplink that goes takes no port with it: vswitch_test");
	/* A socket of its own for the events would belong to the wrong namespace. */
	ASSERT_EQ(nl_subscribe(&nl), 0);
	ASSERT_EQ(nic_start(self, "tx-loop"), 0);
	ASSERT_EQ(frame_get(self, frame, sizeof(frame), SOON_MS), 100);
	ASSERT_EQ(system("ip link del tap0"), 0);
	do {
		ASSERT_EQ(nl_event(&nl, &ev, SOON_MS), 0);
	} while (ev.event != DENALI_EVENT_PORT_DOWN);
	EXPECT_EQ(ev.id, self->id);
	EXPECT_EQ(setsockopt(nl.fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &nl.group, sizeof(nl.group)), 0);
	while (nl_event(&nl, &ev, 0) == 0)
		;
	EXPECT_TRUE(wait_until(counters(self, &c) && !c.port[1].up, SOON_MS));
	EXPECT_FALSE(vm_ended(self->vm));
	tap = tap_open("tap1", IFF_VNET_HDR);
	ASSERT_GE(tap, 0);
	ASSERT_EQ(link_flags("tap1", IFF_UP, 0), 0);
	close(self->sock);
	self->sock = packet_socket("tap1");
	ASSERT_EQ(nic_attach(self->vm, tap, 1, DENALI_NIC_VNET_HDR, 10), 0);
	EXPECT_EQ(frame_get(self, frame, sizeof(frame), SOON_MS), 100);
	ASSERT_TRUE(counters(self, &c));
	EXPECT_EQ(c.port[1].up, 1);
	close(tap);
}

/* Its namespace ends while it is in use. */
TEST_F(nic, namespace_ends)
{
	ASSERT_EQ(nic_start(self, "tx-loop"), 0);
	ASSERT_TRUE(wait_until(*guest_word(self, "progress") > 10, SOON_MS));
	close(self->sock);
	close(self->tap);
	self->sock = -1;
	self->tap = -1;
	ASSERT_EQ(unshare(CLONE_NEWNET), 0);
	ASSERT_TRUE(wait_until(*guest_word(self, "progress") > 1000, SOON_MS));
	EXPECT_FALSE(vm_ended(self->vm));
}

TEST_F(nic, unplug_and_plug)
{
	volatile uint32_t *link;

	ASSERT_EQ(nic_start(self, "link"), 0);
	link = guest_word(self, "link");
	ASSERT_NE(link, NULL);
	EXPECT_TRUE(wait_until(*link == 1, SOON_MS));
	ASSERT_EQ(nic_attach(self->vm, -1, 1, 0, 0), 0);
	EXPECT_TRUE(wait_until(*link == 0, SOON_MS));
	ASSERT_EQ(nic_attach(self->vm, self->tap, 1, DENALI_NIC_VNET_HDR, 10), 0);
	EXPECT_TRUE(wait_until(*link == 1, SOON_MS));
	EXPECT_FALSE(vm_ended(self->vm));
}

/* However short the guest was without. */
TEST_F(nic, changes_are_counted)
{
	struct denali_vregs *vregs;

	ASSERT_EQ(nic_start(self, "tx-loop"), 0);
	vregs = vm_map(self->vm, DENALI_VREGS_ADDR, sizeof(*vregs));
	ASSERT_NE(vregs, NULL);
	EXPECT_EQ(vregs->ports[1].changes, 0);
	ASSERT_EQ(nic_attach(self->vm, -1, 1, 0, 0), 0);
	ASSERT_EQ(nic_attach(self->vm, self->tap, 1, DENALI_NIC_VNET_HDR, 10), 0);
	EXPECT_EQ(vregs->ports[1].changes, 2);
	/* One that is refused changes nothing. */
	EXPECT_EQ(nic_attach(self->vm, self->tap, 1, DENALI_NIC_VNET_HDR, 9), -1);
	EXPECT_EQ(vregs->ports[1].changes, 2);
	munmap(vregs, sizeof(*vregs));
}

/* Plugged, unplugged and plugged again under load, a hundred times. */
TEST_F(nic, replug_under_load)
{
	ASSERT_EQ(nic_start(self, "tx-loop"), 0);
	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(nic_attach(self->vm, -1, 1, 0, 0), 0);
		ASSERT_EQ(nic_attach(self->vm, self->tap, 1, DENALI_NIC_VNET_HDR, 10), 0);
	}
	EXPECT_FALSE(vm_ended(self->vm));
	uint32_t seen = *guest_word(self, "progress");

	EXPECT_TRUE(wait_until(*guest_word(self, "progress") != seen, SOON_MS));
}

/* The module holds the tap: it works when the process that attached it has closed it. */
TEST_F(nic, tap_closed_by_its_maker)
{
	uint8_t frame[2048];

	ASSERT_EQ(nic_start(self, "tx-loop"), 0);
	close(self->tap);
	self->tap = -1;
	while (frame_get(self, frame, sizeof(frame), 0))
		;
	EXPECT_EQ(frame_get(self, frame, sizeof(frame), SOON_MS), 100);
	if (on_switch)
		return;
	/* And it is let go of with the VM. */
	close(self->vm);
	self->vm = -1;
	EXPECT_TRUE(wait_until(!if_nametoindex("tap0"), SOON_MS));
}

/* A checksum left to the host arrives right at a socket. */
TEST_F(nic, checksum_offload)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(9999) };
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct timeval tv = { .tv_sec = 20 };
	char buf[100];

	ASSERT_EQ(system("ip addr add 10.9.9.1/24 dev tap0"), 0);
	ASSERT_EQ(system("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.tap0.rp_filter=0"), 0);
	ASSERT_EQ(ioctl(self->tap, TUNSETOFFLOAD, TUN_F_CSUM), 0);
	ASSERT_EQ(bind(s, (void *)&addr, sizeof(addr)), 0);
	ASSERT_EQ(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	self->vm = guest_make(self->dev, "nic", GUEST_MEM, "csum 0x0a090902 0x0a090901");
	ASSERT_GE(self->vm, 0);
	ASSERT_EQ(nic_attach(self->vm, self->tap, DENALI_NIC_NEW_PORT,
			     DENALI_NIC_VNET_HDR | DENALI_NIC_OFFLOAD, 10), 0);
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	EXPECT_EQ(recv(s, buf, sizeof(buf), 0), 24);
	EXPECT_EQ(strncmp(buf, "ABCDEFGHIJKLMNOPQRSTUVWX", 24), 0);
	EXPECT_TRUE(nic_ended_well(self));
	close(s);
}

/* Two VMs, each with its tap, on one bridge: frames go from one to the other. */
TEST_F(nic, two_vms_on_a_bridge)
{
	struct denali_vm_nic nic = {
		.port = DENALI_NIC_NEW_PORT, .mac = { 2, 0, 0, 0, 0, 1 }, .flags = DENALI_NIC_VNET_HDR,
		.vnet_hdr_len = 10,
	};
	int tap, other;
	volatile uint32_t *received;

	ASSERT_EQ(system("ip link add br0 type bridge forward_delay 0 stp_state 0"), 0);
	ASSERT_EQ(system("ip link set br0 up && ip link set tap0 master br0"), 0);
	tap = tap_open("tap1", IFF_VNET_HDR);
	ASSERT_GE(tap, 0);
	ASSERT_EQ(system("ip link set tap1 up master br0"), 0);

	/* The second gets the first one's broadcasts, and gives them back. */
	nic.tap_fd = tap;
	nic.mac[5] = 2;
	other = guest_make(self->dev, "nic", GUEST_MEM, "echo 16");
	ASSERT_GE(other, 0);
	ASSERT_EQ(ioctl(other, DENALI_IOC_VM_NIC, &nic), 0);
	ASSERT_EQ(vm_ctl(other, DENALI_IOC_VM_START), 0);
	received = guest_var(other, "nic", "received");
	ASSERT_NE(received, NULL);

	ASSERT_EQ(nic_start(self, "tx-loop"), 0);
	EXPECT_TRUE(wait_until(*received > 50, SOON_MS));
	EXPECT_FALSE(vm_ended(other));
	EXPECT_FALSE(vm_ended(self->vm));
	close(other);
	close(tap);
}

/* A VM killed, and its last descriptor closed, in the middle of traffic both ways. */
TEST_F(nic, killed_under_load)
{
	uint8_t frame[2048];

	seq_frame(frame, 500, 7, guest_mac);
	for (int i = 0; i < 30; i++) {
		ASSERT_EQ(nic_start(self, i & 1 ? "tx-loop" : "echo 8"), 0);
		for (int n = 0; n < 50; n++)
			send(self->sock, frame, 500, MSG_DONTWAIT);
		if (i % 3 == 0)
			EXPECT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_KILL), 0);
		close(self->vm);
		self->vm = -1;
		while (recv(self->sock, frame, sizeof(frame), MSG_DONTWAIT) > 0)
			;
		seq_frame(frame, 500, 7, guest_mac);
	}
}

/* A clone with a NIC on @tap that has spoilt what it knows of it, with frames waiting, is reset. */
static void reset_with_frames(struct __test_metadata *_metadata, struct _test_data_nic *self, int tap,
			      uint32_t flags, uint32_t hdr)
{
	int template = template_make(self->dev, GUEST_MEM);
	uint8_t frame[100];

	ASSERT_GE(template, 0);
	self->vm = clone_make(template, "stain 0x1 i");
	ASSERT_GE(self->vm, 0);
	close(template);
	ASSERT_EQ(nic_attach(self->vm, tap, DENALI_NIC_NEW_PORT, flags, hdr), 0);
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	for (int seq = 1; seq <= 40; seq++) {
		seq_frame(frame, sizeof(frame), seq, guest_mac);
		ASSERT_EQ(frame_put(self, frame, sizeof(frame)), 0);
	}
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_RESET), 0);
	ASSERT_EQ(vm_setup(self->vm, 0, "nic 300"), 0);
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	seq_frame(frame, sizeof(frame), 300, guest_mac);
	ASSERT_EQ(frame_put(self, frame, sizeof(frame)), 0);
	EXPECT_TRUE(nic_ended_well(self));
}

TEST_F(nic, reset_drops_what_waits)
{
	if (on_switch)
		SKIP(return, "what waits is the uplink's, not the NIC's");
	reset_with_frames(_metadata, self, self->tap, DENALI_NIC_VNET_HDR, 10);
}

TEST_F(nic, reset_drops_what_waits_without_header)
{
	int tap = tap_open("tap1", 0);

	if (on_switch)
		SKIP(return, "what waits is the uplink's, not the NIC's");
	ASSERT_GE(tap, 0);
	ASSERT_EQ(link_flags("tap1", IFF_UP, 0), 0);
	close(self->sock);
	self->sock = packet_socket("tap1");
	ASSERT_GE(self->sock, 0);
	reset_with_frames(_metadata, self, tap, 0, 0);
	close(tap);
}

/* One that has ended has let go of its tap; its NIC is there, and takes a tap again. */
TEST_F(nic, reset_after_the_end)
{
	struct nl_vm c;
	uint8_t frame[100];

	if (on_switch)
		SKIP(return, "what waits is the uplink's, not the NIC's");
	reset_with_frames(_metadata, self, self->tap, DENALI_NIC_VNET_HDR, 10);
	self->id = vm_id(self->vm);
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_RESET), 0);
	ASSERT_TRUE(counters(self, &c));
	EXPECT_EQ(c.port[1].up, 0);
	EXPECT_EQ(c.port[1].rx_packets, 0);
	EXPECT_EQ(memcmp(c.port[1].mac, guest_mac, 6), 0);
	ASSERT_EQ(nic_attach(self->vm, self->tap, 1, DENALI_NIC_VNET_HDR, 10), 0);
	ASSERT_EQ(vm_setup(self->vm, 0, "nic 17"), 0);
	ASSERT_EQ(vm_ctl(self->vm, DENALI_IOC_VM_START), 0);
	seq_frame(frame, sizeof(frame), 17, guest_mac);
	ASSERT_EQ(frame_put(self, frame, sizeof(frame)), 0);
	EXPECT_TRUE(nic_ended_well(self));
}

TEST_HARNESS_MAIN
