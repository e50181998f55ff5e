// SPDX-License-Identifier: GPL-2.0
/*
 * What the fuzzer does: requests with good and bad arguments, mappings, reads and writes of them,
 * polls, netlink, taps. All is nearly right as a rule. Descriptors are in a table that all
 * threads share: each kind of them has places of its own, and one time in a few another's is taken.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <denali/vregs.h>

#include "ethernet.h"
#include "fuzz.h"
#include "lib.h"
#include "nl.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* What is in the table where. */
enum place { DEV, VM, CONSOLE, TAP, NETLINK, EPOLL, ANY };

static const struct {
	uint8_t from, nr;
} places[] = {
	[DEV] = { 0, 3 }, [VM] = { 3, 9 }, [CONSOLE] = { 12, 4 }, [TAP] = { 16, 4 }, [NETLINK] = { 20, 4 },
	[EPOLL] = { 24, 2 }, [ANY] = { 0, FUZZ_FDS },
};

static atomic_int fds[FUZZ_FDS];

/* A mapping, or NULL. Whoever takes one puts it back, or another. */
struct map {
	uint8_t *p;
	size_t len;
};

static struct map maps[FUZZ_MAPS];
static atomic_flag map_locks[FUZZ_MAPS];

static uint16_t family;
static uint64_t first_id;

uint64_t fuzz_rnd(struct fuzz_rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint32_t fuzz_below(struct fuzz_rng *rng, uint32_t n)
{
	return fuzz_rnd(rng) % n;
}

static uint64_t number(struct fuzz_rng *rng)
{
	static const uint64_t odd[] = { 0, 1, 2, 0xfff, 0x1000, 0x1001, 0x4000, 0xffff, 0x10000, 0x7fffffff,
		0x80000000, 0xc0000000, 0xfffff000, 0xffffffff, 0x100000000, 1ULL << 62, 1ULL << 63, ~0ULL };

	switch (fuzz_below(rng, 4)) {
	case 0:
		return fuzz_below(rng, 20);
	case 1:
		return odd[fuzz_below(rng, ARRAY_SIZE(odd))];
	case 2:
		return 1ULL << fuzz_below(rng, 64);
	default:
		return fuzz_rnd(rng);
	}
}

/* --- the table ----------------------------------------------------------------- */

/* An operation's descriptor: of its place if there is one, but not always. */
static int fd_of(uint8_t a, enum place place)
{
	int fd = -1;

	if (a >= 250)
		place = ANY;
	for (unsigned int i = 0; i < places[place].nr && fd < 0; i++)
		fd = fds[places[place].from + (a + i) % places[place].nr];
	return fd;
}

static int keep(int fd, uint8_t a, enum place place)
{
	int old;

	if (fd < 0)
		return fd;
	old = atomic_exchange(&fds[places[place].from + a % places[place].nr], fd);
	if (old >= 0)
		close(old);
	return fd;
}

/* A faulty address, or one of a buffer. */
static void *pointer(const struct fuzz_op *op, void *buf)
{
	switch (op->c) {
	case 255:
		return NULL;
	case 254:
		return (void *)0xffff888000000000UL;
	case 253:
		return (void *)(uintptr_t)op->z;
	default:
		return buf;
	}
}

/* Some bytes of a request are wrong, one time in a few. */
static void spoil(const struct fuzz_op *op, void *buf, size_t size)
{
	if (op->c >= 200 && op->c < 230)
		((uint8_t *)buf)[op->z % size] ^= op->c == 200 ? 0xff : 1 << op->c % 8;
}

static long request(const struct fuzz_op *op, enum place place, unsigned long nr, void *buf, size_t size)
{
	spoil(op, buf, size);
	return ioctl(fd_of(op->b, place), nr, pointer(op, buf));
}

/* --- on the device --------------------------------------------------------------- */

static const char *name_of(uint32_t x)
{
	static const char *const names[] = { "", "", "", "fuzz-a", "fuzz-b", "fuzz-c", "with a blank", "x/y",
		"0123456789012345678901234567890" };

	return names[x % ARRAY_SIZE(names)];
}

static long op_open(const struct fuzz_op *op)
{
	return keep(open(DENALI_DEVICE, op->x & (O_NONBLOCK | O_ACCMODE | O_APPEND)), op->a, DEV);
}

static long op_info(const struct fuzz_op *op)
{
	struct denali_info info;

	return request(op, DEV, DENALI_IOC_INFO, &info, sizeof(info));
}

static const char *const tenants[] = { "", "", "fuzz-t", "fuzz-u" };

static const char *tenant_of(uint8_t a)
{
	return tenants[a % ARRAY_SIZE(tenants)];
}

static long tenant_del(int dev, const char *name)
{
	struct denali_tenant_del del = {};

	strcpy(del.name, name);
	return ioctl(dev, DENALI_IOC_TENANT_DEL, &del);
}

/* A tenant that comes, changes, or goes; with room for some VMs at least. */
static long op_tenant(const struct fuzz_op *op)
{
	struct denali_tenant_set set = {
		.set = op->x >> 8 & 63,
		.flags = op->x % 4 ? DENALI_TENANT_NEW : 0,
		.uid = op->x & 1 << 16 ? 1000 : DENALI_TENANT_NOBODY,
		.nice = op->x >> 17 & 15,
		.vms = op->y % 16,
		.runnable = op->y >> 8 & 3,
		.memory = op->y >> 16 & 3 ? op->y >> 16 << 12 : 0,
		.cpus = { op->z },
	};

	strcpy(set.name, tenant_of(op->a | 2));
	if (op->x % 8 == 1)
		return tenant_del(fd_of(op->b, DEV), set.name);
	return request(op, DEV, DENALI_IOC_TENANT_SET, &set, sizeof(set));
}

static long op_create(const struct fuzz_op *op)
{
	static const uint32_t flags[] = { 0, 0, DENALI_CREATE_TEMPLATE, DENALI_CREATE_TEMPLATE };
	struct denali_vm_create create = {
		.mem_bytes = op->x % 8 ? (1 + op->y % 256) << 12 : op->y,
		.flags = op->x & 0x100 ? op->x >> 16 & 7 : flags[op->x >> 9 & 3],
	};

	strcpy(create.name, name_of(op->x >> 24));
	strcpy(create.tenant, tenant_of(op->c));
	create.priority = op->c >> 6;
	return keep(request(op, DEV, DENALI_IOC_VM_CREATE, &create, sizeof(create)), op->a, VM);
}

static long op_open_vm(const struct fuzz_op *op)
{
	/* Older ones are the canaries. */
	struct denali_vm_open arg = { .id = op->y % 2 ? first_id + op->y / 2 % 1000 : 0 };

	strcpy(arg.name, op->y % 2 ? "" : name_of(op->x));
	return keep(request(op, DEV, DENALI_IOC_VM_OPEN, &arg, sizeof(arg)), op->a, VM);
}

static long op_pool(const struct fuzz_op *op)
{
	struct denali_pool_set set = { .bytes = op->x % 4 ? (16 + op->y % 80) << 20 : op->y | 1ULL << 48 };

	return request(op, DEV, DENALI_IOC_POOL_SET, &set, sizeof(set));
}

/* --- on a VM -------------------------------------------------------------------- */

static long op_setup(const struct fuzz_op *op)
{
	static char line[4096];
	struct denali_vm_setup setup = {
		.entry = op->a % 4 ? DENALI_IMAGE_MIN_ADDR + op->x % 4096 : op->x,
		.cmdline_len = op->a % 8 ? op->y % 64 : op->y,
		.cmdline = (uintptr_t)line,
	};

	return request(op, VM, DENALI_IOC_VM_SETUP, &setup, sizeof(setup));
}

/* A VM with something in it that runs. */
static long op_boot(const struct fuzz_op *op)
{
	static const char *const guests[] = { "fuzz", "fuzz", "fuzz", "basic", "template" };
	static const char *const lines[] = { "", "", "", "tick", "freeze" };
	uint32_t which = op->x % ARRAY_SIZE(guests), entry;
	int vm = fd_of(op->b, VM);
	char line[64];

	if (guest_load(vm, guests[which], &entry) < 0)
		return -1;
	if (which < 3)
		snprintf(line, sizeof(line), "%u %u", (unsigned int)op->y, 100 + (unsigned int)op->z % 3000);
	else
		strcpy(line, lines[which]);
	return vm_setup(vm, entry, line) < 0 ? -1 : vm_ctl(vm, DENALI_IOC_VM_START);
}

static long op_start(const struct fuzz_op *op)
{
	return vm_ctl(fd_of(op->b, VM), DENALI_IOC_VM_START);
}

static long op_stop(const struct fuzz_op *op)
{
	return vm_ctl(fd_of(op->b, VM), DENALI_IOC_VM_STOP);
}

/* Its turn is over, for it or for others of its tenant's that wait: now and then for some time. */
static long op_turn(const struct fuzz_op *op)
{
	int vm = fd_of(op->b, VM);
	long ret = 0;

	for (uint32_t i = op->x % 4 ? 1 : op->x >> 8 & 63; i && ret >= 0; i--)
		ret = vm_ctl(vm, DENALI_IOC_VM_STOP) < 0 ? -1 : vm_ctl(vm, DENALI_IOC_VM_START);
	return ret;
}

static long op_kill(const struct fuzz_op *op)
{
	return vm_ctl(fd_of(op->b, VM), DENALI_IOC_VM_KILL);
}

static long op_reset(const struct fuzz_op *op)
{
	int vm = fd_of(op->b, VM);

	if (op->x % 8 == 1)
		return vm_ctl(vm, DENALI_IOC_VM_RESTART);
	if (vm_ctl(vm, DENALI_IOC_VM_RESET) < 0)
		return -1;
	return op->x % 4 ? vm_ctl(vm, DENALI_IOC_VM_START) : 0;
}

static long op_destroy(const struct fuzz_op *op)
{
	return vm_ctl(fd_of(op->b, VM), DENALI_IOC_VM_DESTROY);
}

static long op_state(const struct fuzz_op *op)
{
	struct denali_vm_state state;

	return request(op, VM, DENALI_IOC_VM_STATE, &state, sizeof(state));
}

static const char *const switches[] = { "fuzz-a", "fuzz-b" };

static const char *switch_of(uint8_t a)
{
	return switches[a % ARRAY_SIZE(switches)];
}

static long op_switch(const struct fuzz_op *op)
{
	int dev = fd_of(op->b, DEV);

	switch (op->x % 8) {
	case 0:
		return switch_del(dev, switch_of(op->a));
	case 1:
	case 2:
		return switch_tap(dev, switch_of(op->a), op->x >> 8 & 1, op->x & 0x600 ? fd_of(op->c, TAP) : -1);
	default:
		return switch_add(dev, switch_of(op->a), op->x >> 8 & 1, op->x >> 16 & 1 ? 1000 : 0);
	}
}

/* A new port, the first that a NIC may have, or any. */
static uint32_t port_of(uint32_t x)
{
	return x & 1 ? DENALI_NIC_NEW_PORT : x & 2 ? 1 : x >> 8 & 31;
}

/* Onto a switch, where it has neighbours. */
static long op_plug(const struct fuzz_op *op)
{
	return switch_plug_port(fd_of(op->b, VM), op->x >> 8 & 63, switch_of(op->a), port_of(op->x));
}

static long op_nic(const struct fuzz_op *op)
{
	struct denali_vm_nic nic = {
		.port = port_of(op->x),
		.tap_fd = fd_of(op->a, TAP),
		.mac = { 2, 0xfa, 0, 0, op->y, op->y >> 8 },
		.mtu = op->y % 3 ? 0 : op->y >> 16,
		.flags = op->x >> 16 & (op->y % 8 ? 3 : 7),
		.vnet_hdr_len = op->x >> 16 & 1 ? op->x >> 18 & 1 ? 10 : 12 : 0,
	};

	return request(op, VM, DENALI_IOC_VM_NIC, &nic, sizeof(nic));
}

static long op_console(const struct fuzz_op *op)
{
	return keep(vm_ctl(fd_of(op->b, VM), DENALI_IOC_VM_CONSOLE), op->a, CONSOLE);
}

static long op_clone(const struct fuzz_op *op)
{
	struct denali_vm_clone clone = { .flags = op->x % 8 ? 0 : op->x >> 8 };

	strcpy(clone.name, name_of(op->x >> 24));
	strcpy(clone.tenant, tenant_of(op->c));
	clone.priority = op->c >> 6;
	return keep(request(op, VM, DENALI_IOC_VM_CLONE, &clone, sizeof(clone)), op->a, VM);
}

static long op_clones(const struct fuzz_op *op)
{
	int fd[DENALI_MAX_CLONES];
	struct denali_vm_clones clones = {
		.flags = op->x % 8 ? 0 : op->x >> 8,
		.count = op->x % 16 ? 1 + op->y % 4 : op->y,
		.first = op->y >> 8 & 7,
		.fds = op->z % 16 ? (uintptr_t)fd : op->z,
	};
	long ret;

	memset(fd, -1, sizeof(fd));
	strcpy(clones.name, name_of(op->x >> 24));
	/* Not the addresses: what is written there is this program's. */
	spoil(op, &clones, offsetof(struct denali_vm_clones, fds));
	ret = ioctl(fd_of(op->b, VM), DENALI_IOC_VM_CLONES, pointer(op, &clones));
	for (unsigned int i = 0; i < ARRAY_SIZE(fd); i++)
		keep(fd[i], op->a + i, VM);
	return ret;
}

static long op_share(const struct fuzz_op *op)
{
	struct denali_vm_share share = {
		.set = op->x % 8 ? op->x % 8 : op->x >> 24,
		.weight = op->x & 0x100 ? op->y : 1 + op->y % 10000,
		.cap = op->x & 0x200 ? op->y : op->y % 101,
		.cpus = { op->z },
	};

	return request(op, VM, DENALI_IOC_VM_SHARE, &share, sizeof(share));
}

/* Any request, of any file, or none that there is; with zeros, or with anything. */
static long op_ioctl(const struct fuzz_op *op)
{
	static const unsigned long requests[] = { DENALI_IOC_INFO, DENALI_IOC_VM_CREATE, DENALI_IOC_VM_OPEN,
		DENALI_IOC_POOL_SET, DENALI_IOC_VM_SETUP, DENALI_IOC_VM_START, DENALI_IOC_VM_STOP,
		DENALI_IOC_VM_KILL, DENALI_IOC_VM_STATE, DENALI_IOC_VM_DESTROY, DENALI_IOC_VM_NIC,
		DENALI_IOC_VM_CONSOLE, DENALI_IOC_VM_CLONE, DENALI_IOC_VM_SHARE, DENALI_IOC_VM_CLONES,
		DENALI_IOC_VM_RESET, DENALI_IOC_VM_RESTART, DENALI_IOC_SWITCH_ADD, DENALI_IOC_SWITCH_DEL,
		DENALI_IOC_SWITCH_TAP, DENALI_IOC_TENANT_SET, DENALI_IOC_TENANT_DEL };
	unsigned long nr = requests[op->x % ARRAY_SIZE(requests)];
	struct fuzz_rng rng = { op->z };
	uint8_t buf[512] = {};
	int fd;

	if (op->a % 4 == 0)
		nr = _IOC(op->x & 3, DENALI_IOC_MAGIC, op->x >> 16 & 0x3f, op->y >> 8 & 255);
	for (size_t i = 0; i < sizeof(buf) && op->a % 4 == 1; i++)
		buf[i] = fuzz_rnd(&rng);
	/* What makes a descriptor is closed again. */
	fd = ioctl(fd_of(op->b, op->a & 4 ? ANY : _IOC_NR(nr) < 0x10 ? DEV : VM), nr, pointer(op, buf));
	if (fd > 2)
		close(fd);
	return fd;
}

/* --- memory ---------------------------------------------------------------------- */

struct way_back {
	sigjmp_buf env;
};

static __thread struct way_back *on_fault;

static void fault(int sig)
{
	if (on_fault)
		siglongjmp(on_fault->env, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

static struct map *map_take(uint8_t a, bool there)
{
	unsigned int i = a % FUZZ_MAPS;

	for (unsigned int n = 0; n < FUZZ_MAPS && there && !maps[i].p; n++)
		i = (i + 1) % FUZZ_MAPS;
	/* Somebody else is at it: it isn't the only thing to do. */
	return atomic_flag_test_and_set(&map_locks[i]) ? NULL : &maps[i];
}

static void map_put(struct map *m)
{
	atomic_flag_clear(&map_locks[m - maps]);
}

static long op_mmap(const struct fuzz_op *op)
{
	static const int prots[] = { PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE,
		PROT_READ | PROT_EXEC, PROT_WRITE };
	size_t len = op->y % 8 ? (1 + op->y / 8 % 16) << 12 : op->y >> 16 & 0xffffff;
	struct map *m = map_take(op->a, false);
	void *p;

	if (!m)
		return -1;
	if (m->p)
		munmap(m->p, m->len);
	p = mmap(NULL, len, prots[op->x % ARRAY_SIZE(prots)],
		 op->x & 0x700 ? MAP_SHARED | (op->x & 0x800 ? MAP_POPULATE : 0) : MAP_PRIVATE,
		 fd_of(op->b, VM), op->z & 0x70 ? (op->z & 15) << 12 : op->z & ~0xfffULL);
	m->p = p == MAP_FAILED ? NULL : p;
	m->len = len;
	map_put(m);
	return p == MAP_FAILED ? -1 : 0;
}

/* Write where the guest looks: virtual registers, rings; or read all of it. */
static long op_touch(const struct fuzz_op *op)
{
	struct map *m = map_take(op->a, true);
	struct fuzz_rng rng = { op->y };
	struct way_back back;
	long sum = 0;

	if (!m)
		return -1;
	if (m->p && !sigsetjmp(back.env, 1)) {
		on_fault = &back;
		for (uint32_t i = 0; i < op->x % 64; i++)
			*(volatile uint32_t *)(m->p + fuzz_rnd(&rng) % m->len / 4 * 4) = number(&rng);
		for (size_t i = 0; i < m->len && op->b % 4 == 0; i += 512)
			sum += m->p[i];
	} else {
		sum = -1;
	}
	on_fault = NULL;
	map_put(m);
	return sum;
}

static long op_munmap(const struct fuzz_op *op)
{
	struct map *m = map_take(op->a, true);
	long ret = -1;

	if (!m)
		return -1;
	if (m->p)
		ret = munmap(m->p, m->len);
	m->p = NULL;
	map_put(m);
	return ret;
}

static long op_madvise(const struct fuzz_op *op)
{
	static const int advices[] = { MADV_DONTNEED, MADV_DONTFORK, MADV_DOFORK, MADV_HUGEPAGE, MADV_MERGEABLE,
		MADV_REMOVE, MADV_FREE, MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED, MADV_POPULATE_WRITE };
	struct map *m = map_take(op->a, true);
	void *p;
	long ret = -1;

	if (!m)
		return -1;
	if (m->p) {
		switch (op->b % 5) {
		case 0:
			ret = mprotect(m->p, m->len, op->x & 7);
			break;
		case 1:
			ret = mlock(m->p, m->len);
			break;
		case 2:
			p = mremap(m->p, m->len, m->len + 4096 * (op->x % 4), MREMAP_MAYMOVE);
			if (p != MAP_FAILED) {
				m->p = p;
				m->len += 4096 * (op->x % 4);
				ret = 0;
			}
			break;
		case 3:
			ret = msync(m->p, m->len, MS_SYNC);
			break;
		default:
			ret = madvise(m->p, m->len, advices[op->x % ARRAY_SIZE(advices)]);
		}
	}
	map_put(m);
	return ret;
}

/* --- any descriptor -------------------------------------------------------------- */

static long op_close(const struct fuzz_op *op)
{
	int fd = atomic_exchange(&fds[op->a % FUZZ_FDS], -1);

	return fd < 0 ? -1 : close(fd);
}

static long op_dup(const struct fuzz_op *op)
{
	return keep(dup(fd_of(op->b, VM)), op->a, VM);
}

/* The same file, another struct file. */
static long op_reopen(const struct fuzz_op *op)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd_of(op->b, ANY));
	return keep(open(path, O_RDWR | O_NONBLOCK), op->a, ANY);
}

static long op_poll(const struct fuzz_op *op)
{
	struct pollfd pfd[4];

	for (int i = 0; i < 4; i++)
		pfd[i] = (struct pollfd) { fd_of(op->b + i * op->a, i & 1 ? CONSOLE : VM), op->x >> i * 8 };
	return poll(pfd, 4, op->y % 4);
}

static long op_epoll(const struct fuzz_op *op)
{
	struct epoll_event event = { .events = op->x & 1 ? EPOLLIN | EPOLLPRI | EPOLLET : op->x }, got[4];
	int ep;

	if (op->y % 8 == 0)
		return keep(epoll_create1(0), op->a, EPOLL);
	ep = fd_of(op->a % 250, EPOLL);
	if (op->y % 8 < 5)
		return epoll_ctl(ep, 1 + op->y / 8 % 3, fd_of(op->b, op->x & 2 ? VM : ANY), &event);
	return epoll_wait(ep, got, 4, op->y / 8 % 4);
}

static long op_read(const struct fuzz_op *op)
{
	static char buf[8192];

	return read(fd_of(op->b, CONSOLE), pointer(op, buf), op->y % 4 ? op->y / 4 % sizeof(buf) : 1);
}

static long op_write(const struct fuzz_op *op)
{
	static char buf[8192];

	return write(fd_of(op->b, CONSOLE), pointer(op, buf), op->y % 4 ? op->y / 4 % sizeof(buf) : 1);
}

static long op_fcntl(const struct fuzz_op *op)
{
	int fd = fd_of(op->b, op->a % 2 ? CONSOLE : VM);

	switch (op->y % 4) {
	case 0:
		return fcntl(fd, F_SETFL, op->x & 1 ? O_NONBLOCK : 0);
	case 1:
		return lseek(fd, op->z, op->x % 5);
	case 2:
		return ftruncate(fd, op->z);
	default:
		return fsync(fd);
	}
}

/* --- netlink and taps ------------------------------------------------------------ */

static long op_netlink(const struct fuzz_op *op)
{
	static const uint8_t gets[] = { DENALI_CMD_SWITCH_GET, DENALI_CMD_VM_GET };
	struct {
		struct nlmsghdr nlh;
		struct genlmsghdr genl;
		uint8_t attrs[128];
	} msg = {
		.nlh = {
			.nlmsg_type = family,
			.nlmsg_flags = NLM_F_REQUEST | (op->x & 1 ? NLM_F_DUMP : op->x >> 16 & 0xffff),
			.nlmsg_seq = op->x,
		},
		.genl = {
			.cmd = op->x & 2 ? gets[op->x >> 2 & 1] : op->x >> 8 & 7,
			.version = DENALI_GENL_VERSION,
		},
	};
	struct fuzz_rng rng = { op->z };
	uint32_t len = 0, group;
	struct nlattr *a;
	int fd;

	switch (op->y % 8) {
	case 0:
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_GENERIC);
		return keep(fd, op->a, NETLINK);
	case 1:
	case 2:
		return recv(fd_of(op->b, NETLINK), msg.attrs, op->y % 16 ? sizeof(msg.attrs) : 1, MSG_DONTWAIT);
	case 3:
		group = op->x % 64;
		return setsockopt(fd_of(op->b, NETLINK), SOL_NETLINK, op->x & 64 ? NETLINK_ADD_MEMBERSHIP :
				  NETLINK_DROP_MEMBERSHIP, &group, sizeof(group));
	}
	for (uint32_t i = 0; i < op->c % 4U; i++) {
		a = (void *)(msg.attrs + len);
		a->nla_type = fuzz_below(&rng, 8) ? fuzz_below(&rng, DENALI_A_MAX + 2) : number(&rng);
		a->nla_len = fuzz_below(&rng, 8) ? NLA_HDRLEN + (fuzz_below(&rng, 2) ? 8 : fuzz_below(&rng, 20)) :
			     number(&rng);
		*(uint64_t *)(a + 1) = number(&rng);
		len += NLA_ALIGN(a->nla_len > 24 ? 24 : a->nla_len);
		if (len > sizeof(msg.attrs) - 32)
			break;
	}
	msg.nlh.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN + len);
	if (op->c >= 250)
		msg.nlh.nlmsg_len = op->y >> 8;
	return send(fd_of(op->b, NETLINK), &msg, NLMSG_LENGTH(GENL_HDRLEN + len), MSG_DONTWAIT);
}

/* A tap comes, or goes up or down. */
static long op_tap(const struct fuzz_op *op)
{
	bool make = op->y % 4 == 0, up = op->x & (make ? 2 : 1);
	int fd = make ? tap_open("", op->x & 1 ? IFF_VNET_HDR : 0) : fd_of(op->b, TAP);
	char name[IFNAMSIZ];
	long ret = tap_name(fd, name);

	if (!ret && (up || !make))
		ret = link_flags(name, up ? IFF_UP : 0, up ? 0 : IFF_UP);
	return make ? keep(fd, op->a, TAP) : ret;
}

/* --- processes ------------------------------------------------------------------- */

/* The table is inherited, and used, and gone. */
static long op_fork(const struct fuzz_op *op)
{
	pid_t pid = fork();

	if (!pid) {
		struct denali_vm_state state;

		ioctl(fd_of(op->b, VM), DENALI_IOC_VM_STATE, &state);
		op_touch(op);
		_exit(0);
	}
	return pid < 0 ? -1 : 0;
}

static long op_user(const struct fuzz_op *op)
{
	/* Of this thread alone: the C library would change them all. */
	return syscall(SYS_setresuid, -1, op->x % 2 ? 1000 : 0, -1);
}

static long op_rest(const struct fuzz_op *op)
{
	return usleep(op->x % 3000);
}

/* --- the kinds --------------------------------------------------------------------- */

const struct fuzz_kind fuzz_kinds[] = {
	{ "open", 2, op_open }, { "info", 1, op_info }, { "create", 10, op_create }, { "open-vm", 4, op_open_vm },
	{ "pool", 1, op_pool }, { "setup", 2, op_setup }, { "boot", 10, op_boot }, { "start", 3, op_start },
	{ "stop", 3, op_stop }, { "turn", 6, op_turn }, { "kill", 2, op_kill }, { "reset", 4, op_reset },
	{ "destroy", 3, op_destroy },
	{ "state", 2, op_state },
	{ "nic", 5, op_nic }, { "switch", 3, op_switch }, { "plug", 8, op_plug }, { "console", 4, op_console },
	{ "tenant", 3, op_tenant },
	{ "clone", 6, op_clone }, { "clones", 3, op_clones }, { "share", 5, op_share },
	{ "ioctl", 5, op_ioctl },
	{ "mmap", 6, op_mmap }, { "touch", 8, op_touch }, { "munmap", 2, op_munmap }, { "madvise", 4, op_madvise },
	{ "close", 4, op_close }, { "dup", 1, op_dup }, { "reopen", 1, op_reopen }, { "poll", 3, op_poll },
	{ "epoll", 5, op_epoll }, { "read", 4, op_read }, { "write", 4, op_write }, { "fcntl", 2, op_fcntl },
	{ "netlink", 8, op_netlink }, { "tap", 4, op_tap }, { "fork", 1, op_fork },
	{ "user", 1, op_user }, { "rest", 4, op_rest },
};

const unsigned int fuzz_nr_kinds = ARRAY_SIZE(fuzz_kinds);

void fuzz_op_make(struct fuzz_rng *rng, struct fuzz_op *op)
{
	unsigned int sum = 0, i;

	for (i = 0; i < fuzz_nr_kinds; i++)
		sum += fuzz_kinds[i].weight;
	sum = fuzz_below(rng, sum);
	for (i = 0; sum >= fuzz_kinds[i].weight; i++)
		sum -= fuzz_kinds[i].weight;
	*op = (struct fuzz_op) {
		.kind = i,
		.a = fuzz_rnd(rng),
		.b = fuzz_rnd(rng),
		.c = fuzz_rnd(rng),
		.x = fuzz_rnd(rng),
		.y = fuzz_below(rng, 4) ? fuzz_rnd(rng) : number(rng),
		.z = fuzz_below(rng, 4) ? fuzz_rnd(rng) : number(rng),
	};
}

/** fuzz_op_change() - the same kind with another argument */
void fuzz_op_change(struct fuzz_rng *rng, struct fuzz_op *op)
{
	switch (fuzz_below(rng, 6)) {
	case 0:
		op->a = fuzz_rnd(rng);
		break;
	case 1:
		op->b = fuzz_rnd(rng);
		break;
	case 2:
		op->c = fuzz_rnd(rng);
		break;
	case 3:
		op->x = fuzz_below(rng, 2) ? fuzz_rnd(rng) : op->x ^ 1U << fuzz_below(rng, 32);
		break;
	case 4:
		op->y = number(rng);
		break;
	default:
		op->z = number(rng);
	}
}

void fuzz_op_print(const struct fuzz_op *op)
{
	printf("#   %s a %u b %u c %u x 0x%x y 0x%llx z 0x%llx\n", fuzz_kinds[op->kind].name, op->a, op->b, op->c,
	       op->x, (unsigned long long)op->y, (unsigned long long)op->z);
}

/** fuzz_ops_prepare() - before all programs. @id: older VMs are left alone. Return: false if it can't be. */
bool fuzz_ops_prepare(uint64_t id)
{
	struct nl nl;

	first_id = id;
	if (nl_open(&nl) < 0)
		return false;
	family = nl.family;
	close(nl.fd);
	return true;
}

/* Of its VMs one may run at a time, and behind what others do: there is enough that takes CPU time. */
#define TENANT	((DENALI_TENANT_RUNNABLE | DENALI_TENANT_NICE) << 8 | 15 << 17)

/*
 * What each process has to begin with, or most of what follows would find nothing: VMs that wait to be
 * started and that run, two of a tenant's of which one may, a template to be, a mapping, a tap, sockets.
 */
static void begin_well(void)
{
	static const struct {
		long (*run)(const struct fuzz_op *op);
		struct fuzz_op op;
	} first[] = {
		{ op_create, { .a = 0, .x = 1, .y = 31 } },
		{ op_create, { .a = 1, .x = 1, .y = 63 } },
		{ op_create, { .a = 2, .x = 1 | 2 << 9, .y = 15 } },
		{ op_tenant, { .a = 2, .x = TENANT | 2, .y = 1 << 8 } },
		{ op_tenant, { .a = 2, .x = TENANT, .y = 1 << 8 } },
		{ op_create, { .a = 3, .x = 1, .y = 63, .c = 2 } },
		{ op_create, { .a = 4, .x = 1, .y = 63, .c = 2 } },
		{ op_boot, { .b = 1, .x = 0, .y = 1, .z = 3000 } },
		{ op_boot, { .b = 2, .x = 4 } },
		{ op_mmap, { .a = 0, .b = 0, .x = 0x102, .y = 8 * 15 + 1, .z = 0x10 } },
		{ op_mmap, { .a = 1, .b = 1, .x = 0x102, .y = 8 * 15 + 1, .z = 0x10 } },
		{ op_tap, { .a = 0, .x = 2 } },
		{ op_switch, { .a = 0, .x = 3 } },
		{ op_plug, { .a = 0, .b = 0, .x = 1 } },
		{ op_nic, { .a = 0, .b = 3, .x = 1 } },
		{ op_plug, { .a = 0, .b = 4, .x = 1 | 2 << 8 } },
		{ op_boot, { .b = 3, .x = 0, .y = 2, .z = 3000 } },
		{ op_boot, { .b = 4, .x = 0, .y = 3, .z = 3000 } },
		{ op_console, { .a = 0, .b = 1 } },
		{ op_netlink, { .a = 0 } },
		{ op_epoll, { .a = 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(first); i++)
		first[i].run(&first[i].op);
}

/** fuzz_ops_begin() - in each process, before its threads. Return: false if the device can't be opened. */
bool fuzz_ops_begin(void)
{
	struct sigaction action = { .sa_handler = fault, .sa_flags = SA_NODEFER };

	for (int i = 0; i < FUZZ_FDS; i++)
		fds[i] = -1;
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	fds[0] = dev_open();
	if (fds[0] < 0)
		return false;
	begin_well();
	return true;
}

/** fuzz_ops_end() - after programs: what belongs to no process goes */
void fuzz_ops_end(int dev)
{
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		switch_del(dev, switches[i]);
	for (size_t i = 2; i < ARRAY_SIZE(tenants); i++)
		tenant_del(dev, tenants[i]);
}

void fuzz_op_run(const struct fuzz_op *op, struct fuzz_shared *shared)
{
	bool good = fuzz_kinds[op->kind].run(op) >= 0;

	atomic_fetch_add_explicit(&shared->calls, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&shared->done[op->kind], 1, memory_order_relaxed);
	if (good) {
		atomic_fetch_add_explicit(&shared->worked, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&shared->good[op->kind], 1, memory_order_relaxed);
	}
	fuzz_cover_take(shared);
}
