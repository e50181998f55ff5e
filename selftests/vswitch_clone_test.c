// SPDX-License-Identifier: GPL-2.0
/*
 * Templates and clones on the module's own switch: what others send never changes a page that
 * a clone shares with its template, and a template's memory doesn't change any more. The
 * test's end of the switch is its uplink.
 */
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "ethernet.h"
#include "fixture.h"
#include "nl.h"

#define SWITCH	"vswitch-clone"
#define HOST	99
#define CLONES	8

FIXTURE(clone) {
	int dev;
	int tap;
	int sock;
	int template;
	struct nl nl;
};

/* A template of this guest, with address @n on the switch if it isn't 0. */
static int template_on(int dev, const char *cmd, int n)
{
	int vm = vm_create(dev, GUEST_MEM, DENALI_CREATE_TEMPLATE, NULL);

	if (vm >= 0 && (!n || !switch_plug(vm, n, SWITCH)) && template_boot(vm, "nic", cmd))
		return vm;
	close(vm);
	return -1;
}

FIXTURE_SETUP(clone)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	ASSERT_EQ(nl_open(&self->nl), 0);
	ASSERT_EQ(unshare(CLONE_NEWNET), 0);
	/* No neighbour discovery of the host's between the frames of the tests. */
	ASSERT_TRUE(file_put("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"));
	/* A test that failed may have left it. */
	switch_del(self->dev, SWITCH);
	ASSERT_EQ(switch_add(self->dev, SWITCH, 0, 0), 0);
	self->tap = uplink_open("up0");
	ASSERT_GE(self->tap, 0);
	ASSERT_EQ(switch_tap(self->dev, SWITCH, DENALI_SWITCH_UPLINK, self->tap), 0);
	self->sock = packet_socket("up0");
	ASSERT_GE(self->sock, 0);
	self->template = template_on(self->dev, "template", 0);
	ASSERT_GE(self->template, 0);
}

FIXTURE_TEARDOWN(clone)
{
	close(self->template);
	close(self->sock);
	close(self->tap);
	EXPECT_EQ(switch_del(self->dev, SWITCH), 0);
	close(self->nl.fd);
	close(self->dev);
}

/* A clone that runs this, with address @n on the switch. Returns when it waits for frames. */
static int clone_up(struct _test_data_clone *self, int n, const char *cmd)
{
	int vm = clone_make(self->template, cmd);
	struct nl_vm v = { 0 };

	if (vm >= 0 && !switch_plug(vm, n, SWITCH) && !vm_ctl(vm, DENALI_IOC_VM_START) &&
	    wait_until(!nl_vm_get(&self->nl, vm_id(vm), &v) && v.idle, SOON_MS))
		return vm;
	close(vm);
	return -1;
}

static struct nl_port port(struct _test_data_clone *self, int vm)
{
	struct nl_vm v = { 0 };

	nl_vm_get(&self->nl, vm_id(vm), &v);
	return v.port[1];
}

static uint64_t came_to(struct _test_data_clone *self, int vm)
{
	struct nl_port p = port(self, vm);

	return p.rx_packets + p.rx_drops;
}

static bool to_vm(struct _test_data_clone *self, int n, int fill)
{
	uint8_t frame[LEN];

	return send(self->sock, frame, frame_make(frame, HOST, n, fill), 0) == LEN;
}

/* The next frame out of the uplink is that of port @n, filled with a number. */
static bool from_vm(struct _test_data_clone *self, int n, int fill)
{
	struct pollfd pfd = { .fd = self->sock, .events = POLLIN };
	uint8_t frame[2048], want[LEN];

	frame_make(want, n, HOST, fill);
	return poll(&pfd, 1, SOON_MS) == 1 && recv(self->sock, frame, sizeof(frame), 0) == LEN &&
	       !memcmp(frame, want, LEN);
}

/* Send it frames until it gets one, which is the only one that it gets. */
static bool one_gets_there(struct _test_data_clone *self, int vm, int n, int fill)
{
	uint64_t came = came_to(self, vm);

	while (!port(self, vm).rx_packets)
		if (!to_vm(self, n, fill) || !wait_until(came_to(self, vm) == came + 1, SOON_MS) ||
		    ++came > 1000)
			return false;
	return wait_until(vm_ended(vm), SOON_MS);
}

/* Whatever was done with its clones: a new one finds nothing of it. */
#define EXPECT_UNTOUCHED(self) do {					\
	struct denali_vm_state __st;					\
	int __vm = clone_up(self, 50, "late-ring 77");			\
									\
	ASSERT_GE(__vm, 0);						\
	EXPECT_TRUE(one_gets_there(self, __vm, 50, 77));		\
	vm_state(__vm, &__st);						\
	EXPECT_EQ(__st.reason, DENALI_END_EXIT)				\
		TH_LOG("%s", __st.text);				\
	close(__vm);							\
} while (0)

/* Buffers that the host was told of: no frame is lost, and each clone has its own. */
TEST_F(clone, each_gets_its_frames)
{
	int vm[CLONES];

	for (int i = 0; i < CLONES; i++) {
		vm[i] = clone_up(self, 1 + i, "echo 16");
		ASSERT_GE(vm[i], 0);
	}
	/* More than there are buffers. */
	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < CLONES; i++) {
			ASSERT_TRUE(to_vm(self, 1 + i, 5 * round + i));
			ASSERT_TRUE(from_vm(self, 1 + i, 5 * round + i));
		}
	}
	for (int i = 0; i < CLONES; i++) {
		EXPECT_EQ(port(self, vm[i]).rx_packets, 40);
		EXPECT_EQ(port(self, vm[i]).rx_drops, 0);
	}
	EXPECT_UNTOUCHED(self);
	for (int i = 0; i < CLONES; i++)
		close(vm[i]);
}

/*
 * What the host wasn't told of: the frame that finds pages of the template's waits until these
 * are the clone's own.
 */
static void late(struct __test_metadata *_metadata, struct _test_data_clone *self, const char *cmd)
{
	int vm = clone_up(self, 1, cmd);
	struct denali_vm_state st;

	ASSERT_GE(vm, 0);
	ASSERT_TRUE(to_vm(self, 1, 33));
	ASSERT_TRUE(wait_until(came_to(self, vm) == 1, SOON_MS));
	EXPECT_EQ(port(self, vm).rx_drops, 0);
	EXPECT_TRUE(one_gets_there(self, vm, 1, 33));
	vm_state(vm, &st);
	EXPECT_EQ(st.reason, DENALI_END_EXIT)
		TH_LOG("%s", st.text);
	close(vm);
	EXPECT_UNTOUCHED(self);
}

TEST_F(clone, requests_of_the_templates)
{
	late(_metadata, self, "late-ring 33");
}

TEST_F(clone, buffers_of_the_templates)
{
	late(_metadata, self, "late-buffers 33");
}

/* Rings that change under the sender's hands, with buffers all over what the template has. */
TEST_F(clone, requests_that_change)
{
	int vm[CLONES];

	for (int i = 0; i < CLONES; i++) {
		vm[i] = clone_make(self->template, "churn");
		ASSERT_GE(vm[i], 0);
		ASSERT_EQ(switch_plug(vm[i], 1 + i, SWITCH), 0);
		ASSERT_EQ(vm_ctl(vm[i], DENALI_IOC_VM_START), 0);
	}
	for (int i = 0; i < CLONES; i++) {
		for (int got = 50; got <= 200; got += 50)
			ASSERT_TRUE(wait_until(to_vm(self, 1 + i, got % 7 + 1) &&
					       port(self, vm[i]).rx_packets >= got, SOON_MS));
		EXPECT_FALSE(vm_ended(vm[i]));
	}
	EXPECT_UNTOUCHED(self);
	for (int i = 0; i < CLONES; i++)
		close(vm[i]);
}

/* A clone is reset with frames under way to it: they go to nothing of its template's. */
TEST_F(clone, reset_under_load)
{
	int loop = guest_make(self->dev, "nic", GUEST_MEM, "tx-loop"), vm;

	ASSERT_EQ(switch_plug(loop, 2, SWITCH), 0);
	ASSERT_EQ(vm_ctl(loop, DENALI_IOC_VM_START), 0);
	vm = clone_make(self->template, "churn");
	ASSERT_GE(vm, 0);
	ASSERT_EQ(switch_plug(vm, 1, SWITCH), 0);
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
		ASSERT_TRUE(wait_until(port(self, vm).rx_packets > 5, SOON_MS));
		ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_RESET), 0);
	}
	close(loop);
	close(vm);
	EXPECT_UNTOUCHED(self);
}

/*
 * What is sent to a clone that is reset meanwhile never comes to who it is afterwards: also not
 * a frame for which a place to wait is being looked for.
 */
TEST_F(clone, reset_gets_nothing_of_before)
{
	enum { ROUNDS = 100 };
	int flood = guest_make(self->dev, "nic", GUEST_MEM, "tx-flood 1"), vm;

	ASSERT_EQ(switch_plug(flood, 2, SWITCH), 0);
	vm = clone_make(self->template, "show 7");
	ASSERT_GE(vm, 0);
	ASSERT_EQ(switch_plug(vm, 1, SWITCH), 0);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t sent = port(self, flood).tx_packets;

		ASSERT_EQ(vm_ctl(flood, DENALI_IOC_VM_START), 0);
		ASSERT_TRUE(wait_until(port(self, flood).tx_packets > sent, SOON_MS));
		/* From here on frames wait for it, as it has no buffers yet, but not for long. */
		ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
		for (volatile int n = 0; n < i * 200; n++)
			;
		ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_RESET), 0);
		ASSERT_EQ(vm_ctl(flood, DENALI_IOC_VM_STOP), 0);
		/* Now it has buffers, and gets what waits, before it sends. */
		ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
		ASSERT_TRUE(wait_until(port(self, vm).tx_packets == 1, SOON_MS));
		ASSERT_EQ(port(self, vm).rx_packets, 0);
		ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_RESET), 0);
	}
	close(vm);
	close(flood);
}

/* A clone that is reset has shown no address: another may have that which it had. */
TEST_F(clone, reset_has_no_address)
{
	uint8_t frame[60];
	int vm[2];

	for (int i = 0; i < 2; i++) {
		vm[i] = clone_up(self, 1 + i, "show 7");
		ASSERT_GE(vm[i], 0);
		ASSERT_TRUE(wait_until(port(self, vm[i]).tx_packets == 1, SOON_MS));
		if (i == 0)
			ASSERT_EQ(vm_ctl(vm[0], DENALI_IOC_VM_RESET), 0);
	}
	ASSERT_EQ(send(self->sock, frame, frame_arp(frame, HOST, 99, 7), 0), 60);
	EXPECT_TRUE(wait_until(came_to(self, vm[1]) == 1, SOON_MS));
	EXPECT_EQ(came_to(self, vm[0]), 0);
	/* And what nobody is known to have may be its. */
	ASSERT_EQ(send(self->sock, frame, frame_arp(frame, HOST, 99, 8), 0), 60);
	EXPECT_TRUE(wait_until(came_to(self, vm[0]) == 1, SOON_MS));
	EXPECT_EQ(came_to(self, vm[1]), 1);
	for (int i = 0; i < 2; i++)
		close(vm[i]);
}

/* A template leaves its switch: its address is free, and nothing is for it any more. */
TEST_F(clone, template_leaves)
{
	struct denali_vm_nic nic = { .port = 1, .tap_fd = -1, .flags = DENALI_NIC_SWITCH, .sw = SWITCH };
	struct nl_switch sw;
	int template, vm;

	template = template_on(self->dev, "template", 1);
	ASSERT_GE(template, 0);
	ASSERT_EQ(nl_switch_get(&self->nl, SWITCH, &sw), 0);
	EXPECT_EQ(sw.ports, 0);
	EXPECT_EQ(port(self, template).up, 0);
	EXPECT_EQ(ioctl(template, DENALI_IOC_VM_NIC, &nic), -1);
	EXPECT_EQ(errno, EBUSY);
	vm = clone_up(self, 1, "echo 16");
	ASSERT_GE(vm, 0);
	ASSERT_TRUE(to_vm(self, 1, 5));
	EXPECT_TRUE(from_vm(self, 1, 5));
	EXPECT_EQ(came_to(self, template), 0);
	close(vm);
	close(template);
}

/* All of its clones find the same, however much is sent meanwhile. */
TEST_F(clone, template_stands_still_under_load)
{
	int loop = guest_make(self->dev, "nic", GUEST_MEM, "tx-loop"), template, vm;
	struct denali_vm_state first, st;

	ASSERT_EQ(switch_plug(loop, 2, SWITCH), 0);
	ASSERT_EQ(vm_ctl(loop, DENALI_IOC_VM_START), 0);
	template = template_on(self->dev, "freeze", 1);
	ASSERT_GE(template, 0);
	for (int i = 0; i < CLONES; i++) {
		uint64_t sent = port(self, loop).tx_packets;

		vm = clone_make(template, NULL);
		ASSERT_GE(vm, 0);
		ASSERT_EQ(vm_ctl(vm, DENALI_IOC_VM_START), 0);
		EXPECT_EQ(vm_wait(vm, SOON_MS), 0);
		vm_state(vm, i ? &st : &first);
		EXPECT_EQ(first.reason, DENALI_END_EXIT)
			TH_LOG("%s", first.text);
		if (i)
			EXPECT_EQ(st.status, first.status);
		close(vm);
		EXPECT_TRUE(wait_until(port(self, loop).tx_packets > sent + 20, SOON_MS));
	}
	close(template);
	close(loop);
}

TEST_HARNESS_MAIN
