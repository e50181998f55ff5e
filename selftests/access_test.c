// SPDX-License-Identifier: GPL-2.0
/*
 * Who may do what: each request by users with and without each capability, in a user
 * namespace and out of it; descriptors that change hands; what a VM's owner is shown as.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "ethernet.h"
#include "lib.h"
#include "nl.h"

#define USER		60001	/* who asks */
#define OWNER		60002	/* whose VM it is about */
#define GROUP		60100	/* may open the device */

#define SWITCH		"access-test"	/* OWNER's */

#define CAP(name)	(1ULL << (CAP_##name))
#define ALL_CAPS	(~0ULL >> (63 - CAP_LAST_CAP))

/* Statuses of children beside those of errno. */
#define NOT_SET_UP	250
#define WRONG		251

/* What a process is to be. */
struct who {
	uid_t uid;
	gid_t group;		/* a further one; 0: none */
	uint64_t caps;
	bool userns;		/* root of a user namespace of its own, with all capabilities there */
};

static bool set_caps(uint64_t caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = caps, .permitted = caps },
		{ .effective = caps >> 32, .permitted = caps >> 32 },
	};

	return !syscall(SYS_capset, &header, data);
}

static bool userns_missing(const struct who *who)
{
	return who->userns && access("/proc/self/ns/user", F_OK) < 0;
}

#define NO_USERNS	"this kernel has no user namespaces"

static bool enter_userns(uid_t uid)
{
	char map[64];

	/* Else what is in /proc/self is root's. */
	prctl(PR_SET_DUMPABLE, 1);
	snprintf(map, sizeof(map), "0 %u 1", uid);
	return !unshare(CLONE_NEWUSER) && file_put("/proc/self/setgroups", "deny") &&
	       file_put("/proc/self/uid_map", map) && file_put("/proc/self/gid_map", map) &&
	       !setresuid(0, 0, 0);
}

static bool become(const struct who *who)
{
	if (setgroups(!!who->group, &who->group) || prctl(PR_SET_KEEPCAPS, 1) ||
	    setresgid(who->uid, who->uid, who->uid) || setresuid(who->uid, who->uid, who->uid) ||
	    !set_caps(who->caps))
		return false;
	return !who->userns || enter_userns(who->uid);
}

FIXTURE(access) {
	int dev;
	int vm;			/* OWNER's */
	uint64_t id;
	char node[64];
	struct denali_info info;
};

typedef FIXTURE_DATA(access) context;

/* Status with which a child ends that is such a process and does that: 0, errno or one of ours. */
static int as(const struct who *who, int (*call)(context *self), context *self)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(become(who) ? call(self) : NOT_SET_UP);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return WRONG;
	return WEXITSTATUS(status);
}

static int result(int ret)
{
	return ret < 0 ? errno : 0;
}

static int try_device(context *self)
{
	return result(open(self->node, O_RDWR | O_CLOEXEC));
}

static int try_open_id(context *self)
{
	return result(vm_open_id(self->dev, self->id));
}

static int try_open_name(context *self)
{
	return result(vm_open_name(self->dev, "theirs"));
}

static int try_pool(context *self)
{
	struct denali_pool_set set = { .bytes = self->info.pool_bytes };

	return result(ioctl(self->dev, DENALI_IOC_POOL_SET, &set));
}

static int try_get(context *self)
{
	struct nl_vm vm;
	struct nl nl;

	return nl_open(&nl) ? NOT_SET_UP : result(nl_vm_get(&nl, self->id, &vm));
}

static uint64_t sought;
static bool found;

static void look(const struct nl_vm *vm, void *arg)
{
	found |= vm->id == sought;
}

/* ENOENT: it isn't in the list. */
static int try_dump(context *self)
{
	struct nl nl;

	sought = self->id;
	if (nl_open(&nl) || nl_vm_dump(&nl, look, NULL))
		return NOT_SET_UP;
	return found ? 0 : ENOENT;
}

static int try_events(context *self)
{
	struct nl nl;

	return nl_open(&nl) ? NOT_SET_UP : result(nl_subscribe(&nl));
}

/* With a limit of one. */
static int try_two_vms(context *self)
{
	int one = vm_create(self->dev, GUEST_MEM, 0, "one");

	return one < 0 ? errno : result(vm_create(self->dev, GUEST_MEM, 0, "two"));
}

/* The same by one request. */
static int try_batch(context *self)
{
	int fds[2];
	struct denali_vm_clones arg = { .count = 2, .name = "both", .fds = (uintptr_t)fds };

	return result(ioctl(self->vm, DENALI_IOC_VM_CLONES, &arg));
}

static int try_create(context *self)
{
	return result(vm_create(self->dev, GUEST_MEM, 0, "mine"));
}

static int try_switch_add(context *self)
{
	int ret = result(switch_add(self->dev, SWITCH "-new", 0, 0));

	return ret ? ret : result(switch_del(self->dev, SWITCH "-new"));
}

static int try_switch_tap(context *self)
{
	return result(switch_tap(self->dev, SWITCH, DENALI_SWITCH_MIRROR, -1));
}

/* ENOENT: it isn't in the list. */
static int try_switch_get(context *self)
{
	struct nl_switch sw;
	struct nl nl;

	return nl_open(&nl) ? NOT_SET_UP : result(nl_switch_get(&nl, SWITCH, &sw));
}

static int try_switch_plug(context *self)
{
	int vm = vm_create(self->dev, GUEST_MEM, 0, NULL);

	return vm < 0 ? NOT_SET_UP : result(switch_plug(vm, 1, SWITCH));
}

FIXTURE_VARIANT(access) {
	struct who who;
	bool device;		/* may open it */
	bool vm;		/* may open, and see, another's VM */
	bool pool;
	bool events;
	bool quota;		/* may have more than the limit */
	bool switches;		/* may make and change them */
	bool plug;		/* may see, and use, another's */
};

#define WHO(name, ...)	FIXTURE_VARIANT_ADD(access, name) { .who = __VA_ARGS__ }
#define EVERYTHING	.device = true, .vm = true, .pool = true, .events = true, .quota = true,	\
			.switches = true, .plug = true
#define MOST_CAPS	(ALL_CAPS & ~(CAP(SYS_ADMIN) | CAP(NET_ADMIN) | CAP(SYS_RESOURCE) | CAP(DAC_OVERRIDE)))

WHO(stranger, { USER });
WHO(member, { USER, GROUP }, .device = true);
WHO(member_and_root_of_a_namespace, { USER, GROUP, .userns = true }, .device = true);
WHO(sys_admin, { USER, 0, CAP(SYS_ADMIN) }, .vm = true, .pool = true);
WHO(net_admin, { USER, 0, CAP(NET_ADMIN) }, .events = true, .switches = true, .plug = true);
WHO(sys_resource, { USER, 0, CAP(SYS_RESOURCE) }, .quota = true);
WHO(dac_override, { USER, 0, CAP(DAC_OVERRIDE) }, .device = true);
WHO(all_other_capabilities, { USER, 0, MOST_CAPS });
WHO(root_without_capabilities, { 0 }, .device = true);
WHO(root, { 0, 0, ALL_CAPS }, EVERYTHING);
WHO(owner, { OWNER }, .vm = true, .plug = true);
WHO(owner_and_root_of_a_namespace, { OWNER, .userns = true }, .vm = true, .plug = true);

FIXTURE_SETUP(access)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	dev_info(self->dev, &self->info);
	/* As udev makes it of the rule that is installed with denalictl. */
	ASSERT_EQ(device_node(self->node, sizeof(self->node)), 0);
	ASSERT_EQ(chown(self->node, 0, GROUP), 0);
	ASSERT_EQ(chmod(self->node, 0660), 0);
	ASSERT_EQ(seteuid(OWNER), 0);
	self->vm = vm_create_id(self->dev, GUEST_MEM, 0, "theirs", &self->id);
	ASSERT_EQ(seteuid(0), 0);
	ASSERT_GE(self->vm, 0);
	/* A test that failed may have left it. */
	switch_del(self->dev, SWITCH);
	ASSERT_EQ(switch_add(self->dev, SWITCH, 0, OWNER), 0);
}

FIXTURE_TEARDOWN(access)
{
	switch_del(self->dev, SWITCH);
	unlink(self->node);
	close(self->vm);
	close(self->dev);
}

TEST_F(access, device)
{
	if (userns_missing(&variant->who))
		SKIP(return, NO_USERNS);
	EXPECT_EQ(as(&variant->who, try_device, self), variant->device ? 0 : EACCES);
}

/* Of a VM nobody gets anything but through a descriptor, which these give. */
TEST_F(access, vm)
{
	if (userns_missing(&variant->who))
		SKIP(return, NO_USERNS);
	EXPECT_EQ(as(&variant->who, try_open_id, self), variant->vm ? 0 : EPERM);
	EXPECT_EQ(as(&variant->who, try_open_name, self), variant->vm ? 0 : ENOENT);
}

TEST_F(access, counters)
{
	if (userns_missing(&variant->who))
		SKIP(return, NO_USERNS);
	EXPECT_EQ(as(&variant->who, try_get, self), variant->vm ? 0 : EPERM);
	EXPECT_EQ(as(&variant->who, try_dump, self), variant->vm ? 0 : ENOENT);
}

TEST_F(access, pool)
{
	if (userns_missing(&variant->who))
		SKIP(return, NO_USERNS);
	EXPECT_EQ(as(&variant->who, try_pool, self), variant->pool ? 0 : EPERM);
}

TEST_F(access, events)
{
	if (userns_missing(&variant->who))
		SKIP(return, NO_USERNS);
	EXPECT_EQ(as(&variant->who, try_events, self), variant->events ? 0 : EPERM);
}

TEST_F(access, limits)
{
	if (userns_missing(&variant->who))
		SKIP(return, NO_USERNS);
	ASSERT_TRUE(file_put("/sys/module/denali/parameters/user_vms", "1"));
	EXPECT_EQ(as(&variant->who, try_two_vms, self), variant->quota ? 0 : EDQUOT);
	close(self->vm);
	self->vm = template_make(self->dev, GUEST_MEM);
	ASSERT_GE(self->vm, 0);
	if (variant->who.uid != OWNER && variant->who.uid != 0)
		EXPECT_EQ(as(&variant->who, try_batch, self), variant->quota ? 0 : EDQUOT);
	EXPECT_TRUE(file_put("/sys/module/denali/parameters/user_vms", "2"));
	if (variant->who.uid != OWNER && variant->who.uid != 0)
		EXPECT_TRUE(wait_until(as(&variant->who, try_batch, self) == 0, SOON_MS));
	EXPECT_TRUE(file_put("/sys/module/denali/parameters/user_vms", "0"));
}

TEST_F(access, switches)
{
	int may = variant->switches ? 0 : EPERM;

	if (userns_missing(&variant->who))
		SKIP(return, NO_USERNS);
	EXPECT_EQ(as(&variant->who, try_switch_add, self), may);
	EXPECT_EQ(as(&variant->who, try_switch_tap, self), may);
	EXPECT_EQ(as(&variant->who, try_switch_get, self), variant->plug ? 0 : ENOENT);
	EXPECT_EQ(as(&variant->who, try_switch_plug, self), variant->plug ? 0 : EPERM);
}

/* Who has the device open, or was handed it, may have VMs: they are the asker's, not the opener's. */
TEST_F(access, create)
{
	if (userns_missing(&variant->who))
		SKIP(return, NO_USERNS);
	EXPECT_EQ(as(&variant->who, try_create, self), 0);
}

FIXTURE(hands) {
	int dev;
	int sock[2];
	uint64_t free;
};

FIXTURE_SETUP(hands)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->free = pool_free(self->dev);
	ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, self->sock), 0);
}

FIXTURE_TEARDOWN(hands)
{
	close(self->sock[0]);
	close(self->sock[1]);
	EXPECT_TRUE(wait_until(pool_free(self->dev) == self->free, SOON_MS));
	close(self->dev);
}

union rights {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static bool send_fd(int sock, int fd)
{
	union rights rights = {
		.header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS },
	};
	struct iovec iov = { "x", 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof(rights),
	};

	memcpy(CMSG_DATA(&rights.header), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1;
}

static int receive_fd(int sock)
{
	union rights rights = { 0 };
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof(rights),
	};
	int fd = -1;

	if (recvmsg(sock, &msg, 0) == 1 && rights.header.cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(&rights.header), sizeof(fd));
	return fd;
}

/* A child of OWNER's that makes a VM, hands it over and ends. */
static pid_t maker(int dev, int sock)
{
	static const struct who owner = { OWNER };
	pid_t pid = fork();
	int vm;

	if (pid)
		return pid;
	if (!become(&owner))
		_exit(NOT_SET_UP);
	vm = guest_start(dev, "basic", GUEST_MEM, "spin");
	_exit(vm < 0 || !send_fd(sock, vm) ? WRONG : 0);
}

/* A descriptor is authority, and the VM's life: whoever is given one has all of the VM, but not its name. */
TEST_F(hands, descriptor_over_a_socket)
{
	static const struct who user = { USER };
	struct denali_vm_state st;
	pid_t pid;
	int status, vm;

	pid = fork();
	if (!pid) {
		if (!become(&user))
			_exit(NOT_SET_UP);
		vm = receive_fd(self->sock[1]);
		if (vm < 0 || vm_wait(vm, 0) == 0)
			_exit(1);
		vm_state(vm, &st);
		if (st.state != DENALI_VM_RUNNING || st.uid != OWNER)
			_exit(2);
		if (vm_open_id(self->dev, st.id) != -1 || errno != EPERM)
			_exit(3);
		if (!vm_map(vm, 0x2000, 0x1000) || console_open(vm) < 0)
			_exit(4);
		if (vm_ctl(vm, DENALI_IOC_VM_RESET) != -1 || errno != EINVAL)
			_exit(6);
		if (vm_ctl(vm, DENALI_IOC_VM_STOP) || vm_ctl(vm, DENALI_IOC_VM_START) ||
		    vm_ctl(vm, DENALI_IOC_VM_KILL) || vm_ctl(vm, DENALI_IOC_VM_DESTROY))
			_exit(5);
		_exit(0);
	}
	EXPECT_EQ(waitpid(maker(self->dev, self->sock[0]), &status, 0) > 0 ? status : -1, 0);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT_EQ(status, 0)
		TH_LOG("child ended with %d", WEXITSTATUS(status));
}

/* So has whoever is given a clone: reset needs no more than that, and nothing less. */
static int try_reset(context *self)
{
	int vm = vm_open_id(self->dev, self->id);

	return result(vm < 0 ? vm : vm_ctl(vm, DENALI_IOC_VM_RESET));
}

static int reset_by_descriptor(context *self)
{
	return result(vm_ctl(self->vm, DENALI_IOC_VM_RESET));
}

TEST_F(hands, reset)
{
	static const struct who user = { USER }, owner = { OWNER }, admin = { USER, 0, CAP(SYS_ADMIN) };
	context ctx = { .dev = self->dev };
	int template;

	ASSERT_EQ(seteuid(OWNER), 0);
	template = template_make(self->dev, GUEST_MEM);
	ctx.vm = clone_start(template, "spin");
	ASSERT_EQ(seteuid(0), 0);
	ASSERT_GE(ctx.vm, 0);
	ctx.id = vm_id(ctx.vm);
	EXPECT_EQ(as(&user, try_reset, &ctx), EPERM);
	EXPECT_FALSE(vm_ended(ctx.vm));
	EXPECT_EQ(as(&owner, try_reset, &ctx), 0);
	EXPECT_EQ(as(&admin, try_reset, &ctx), 0);
	EXPECT_EQ(as(&user, reset_by_descriptor, &ctx), 0);
	close(ctx.vm);
	close(template);
}

/* It counts for its maker, whoever has it. */
TEST_F(hands, limit_stays_with_the_maker)
{
	static const struct who user = { USER }, owner = { OWNER };
	context ctx = { .dev = self->dev };
	int status, vm;

	EXPECT_EQ(waitpid(maker(self->dev, self->sock[0]), &status, 0) > 0 ? status : -1, 0);
	vm = receive_fd(self->sock[1]);
	ASSERT_GE(vm, 0);
	ASSERT_TRUE(file_put("/sys/module/denali/parameters/user_vms", "1"));
	EXPECT_EQ(as(&owner, try_create, &ctx), EDQUOT);
	EXPECT_EQ(as(&user, try_create, &ctx), 0);
	close(vm);
	EXPECT_TRUE(wait_until(as(&owner, try_create, &ctx) == 0, SOON_MS));
	EXPECT_TRUE(file_put("/sys/module/denali/parameters/user_vms", "0"));
}

/* What nobody takes out of a socket goes with the socket. */
TEST_F(hands, descriptor_in_flight)
{
	unsigned int vms = vm_count(self->dev);
	int status;

	EXPECT_EQ(waitpid(maker(self->dev, self->sock[0]), &status, 0) > 0 ? status : -1, 0);
	EXPECT_EQ(vm_count(self->dev), vms + 1);
	close(self->sock[0]);
	close(self->sock[1]);
	EXPECT_TRUE(wait_until(vm_count(self->dev) == vms, SOON_MS));
}

#define MANY_VMS	60	/* of which a list takes several reads */

static void count_roots(const struct nl_vm *vm, void *arg)
{
	*(int *)arg += vm->uid == 0;
}

/*
 * A list goes on in whoever reads it, who may be a set-uid program that was given the
 * socket as its standard input. It shows what the one may see who asked.
 */
TEST_F(hands, list_that_root_reads)
{
	int vm[2 * MANY_VMS], roots = 0, i;
	struct nl nl;

	for (i = 0; i < 2 * MANY_VMS; i++) {
		if (i == 0)
			ASSERT_EQ(setresuid(USER, USER, 0), 0);
		if (i == MANY_VMS)
			ASSERT_EQ(setresuid(0, 0, 0), 0);
		vm[i] = vm_create(self->dev, 16 << 10, 0, NULL);
		ASSERT_GE(vm[i], 0);
	}
	ASSERT_EQ(setresuid(USER, USER, 0), 0);
	ASSERT_EQ(nl_open(&nl), 0);
	ASSERT_EQ(nl_vm_ask(&nl), 0);
	ASSERT_EQ(setresuid(0, 0, 0), 0);
	ASSERT_EQ(nl_vm_list(&nl, count_roots, &roots), 0);
	EXPECT_EQ(roots, 0);
	/* Root itself sees them. */
	ASSERT_EQ(nl_vm_dump(&nl, count_roots, &roots), 0);
	EXPECT_GE(roots, MANY_VMS);
	close(nl.fd);
	for (i = 0; i < 2 * MANY_VMS; i++)
		close(vm[i]);
}

/* Each sees the owner by the numbers of its own user namespace; whose VM it is about has no say. */
static int shown_inside(context *self)
{
	struct denali_vm_state st;
	struct nl_vm vm;
	struct nl nl;
	int fd = vm_create(self->dev, GUEST_MEM, 0, "inside");

	if (fd < 0 || nl_open(&nl))
		return NOT_SET_UP;
	vm_state(fd, &st);
	if (st.uid != 0)
		return 1;
	if (nl_vm_get(&nl, st.id, &vm) || vm.uid != 0)
		return 2;
	/* A VM that it was handed, of a user who has no number there. */
	vm_state(self->vm, &st);
	return st.uid == 65534 ? 0 : 3;
}

TEST_F(hands, owner_as_shown)
{
	static const struct who root_inside = { OWNER, .userns = true };
	context ctx = { .dev = self->dev };
	struct nl_vm event = { 0 };
	struct nl nl;

	if (userns_missing(&root_inside))
		SKIP(return, NO_USERNS);
	ctx.vm = vm_create(self->dev, GUEST_MEM, 0, "outside");
	ASSERT_GE(ctx.vm, 0);
	ASSERT_EQ(nl_open(&nl), 0);
	ASSERT_EQ(nl_subscribe(&nl), 0);
	EXPECT_EQ(as(&root_inside, shown_inside, &ctx), 0);
	while (event.event != DENALI_EVENT_CREATED)
		ASSERT_EQ(nl_event(&nl, &event, SOON_MS), 0);
	EXPECT_STREQ(event.name, "inside");
	EXPECT_EQ(event.uid, OWNER);
	close(nl.fd);
	close(ctx.vm);
}

TEST_HARNESS_MAIN
