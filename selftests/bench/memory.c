// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of the host per VM beyond its partition, per NIC on a switch, and per tap: the
 * kernel is asked what it has free before and after many of them are made. Free is the free lists
 * and the per-CPU lists before them, so that no page is missed; the slab caches
 * say what the rest is. The pool is made when the module is loaded, so partitions
 * don't show.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../ethernet.h"
#include "../lib.h"
#include "../nl.h"
#include "bench.h"

#define VMS		500
#define VM_BYTES	(256 << 10)
#define TAPS		100
#define BRIDGE		"brmem"
#define SWITCH		"swmem"
#define CACHES_MAX	300

struct cache {
	char name[48];
	long objects;
	long size;
};

struct memory {
	long free;	/* bytes */
	unsigned int nr_caches;
	struct cache cache[CACHES_MAX];
};

static void memory_read(struct memory *m)
{
	char line[512];
	long n;
	FILE *f;

	memset(m, 0, sizeof(*m));
	f = fopen("/proc/slabinfo", "r");
	if (!f)
		die("/proc/slabinfo: %m");
	while (fgets(line, sizeof(line), f) && m->nr_caches < CACHES_MAX) {
		struct cache *c = &m->cache[m->nr_caches];

		if (sscanf(line, "%47s %ld %*d %ld", c->name, &c->objects, &c->size) == 3)
			m->nr_caches++;
	}
	fclose(f);
	f = fopen("/proc/zoneinfo", "r");
	if (!f)
		die("/proc/zoneinfo: %m");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " nr_free_pages %ld", &n) == 1 || sscanf(line, " count: %ld", &n) == 1)
			m->free += n * 4096;
	fclose(f);
}

/* "memory NAME total BYTES", then what part of it each slab cache has, and the rest. */
static void memory_report(const char *name, const struct memory *before, const struct memory *after,
			  unsigned int n)
{
	long total = (before->free - after->free) / (long)n, rest = total;
	unsigned int i;

	printf("memory %s total %ld\n", name, total);
	for (i = 0; i < after->nr_caches && i < before->nr_caches; i++) {
		const struct cache *b = &before->cache[i], *a = &after->cache[i];
		long each = ((a->objects - b->objects) * 100 / (long)n + 5) / 10;

		if (strcmp(a->name, b->name) || each < 5)
			continue;
		printf("memory %s slab:%s %ld\n", name, a->name, each * a->size / 10);
		rest -= each * a->size / 10;
	}
	printf("memory %s pages %ld\n", name, rest);
}

static void file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("%s: %m", path);
	close(fd);
}

/*
 * Have the kernel give back what it keeps for next time: caches of files, and slabs
 * without an object in them, which would hide that objects come and go.
 */
static void caches_drop(void)
{
	glob_t shrink;
	size_t i;

	file_write("/proc/sys/vm/drop_caches", "3");
	if (glob("/sys/kernel/slab/*/shrink", 0, NULL, &shrink))
		die("/sys/kernel/slab has no caches: this kernel needs SLUB with sysfs");
	for (i = 0; i < shrink.gl_pathc; i++)
		file_write(shrink.gl_pathv[i], "1");
	globfree(&shrink);
}

struct kmem {
	uint64_t sum, least, most;
};

static void kmem_add(const struct nl_vm *vm, void *arg)
{
	struct kmem *k = arg;

	k->sum += vm->kmem_bytes;
	if (vm->kmem_bytes < k->least)
		k->least = vm->kmem_bytes;
	if (vm->kmem_bytes > k->most)
		k->most = vm->kmem_bytes;
}

/* What the module itself says. */
static struct kmem kmem_read(struct nl *nl)
{
	struct kmem k = { .least = ~0ULL };

	if (nl_vm_dump(nl, kmem_add, &k) < 0)
		die("the VMs can't be dumped: %m");
	return k;
}

/* Has every VM less than the poorest one had, and all the same? */
static bool reclaimed(struct nl *nl, const struct kmem *active)
{
	struct kmem k = kmem_read(nl);

	return k.most < active->least && k.most == k.least;
}

static void idle_add(const struct nl_vm *vm, void *sum)
{
	*(uint64_t *)sum += vm->idle;
}

static bool all_idle(struct nl *nl)
{
	uint64_t sum = 0;

	return nl_vm_dump(nl, idle_add, &sum) >= 0 && sum == VMS;
}

static void vms_make(int dev, const char *arg, int *vm)
{
	int i;

	for (i = 0; i < VMS; i++) {
		vm[i] = guest_start(dev, "life", VM_BYTES, arg);
		if (vm[i] < 0)
			die("VM %d of %d can't be made: %m", i + 1, VMS);
	}
}

static void vms_close(int dev, int *vm)
{
	int i;

	for (i = 0; i < VMS; i++)
		close(vm[i]);
	if (!wait_until(vm_count(dev) == 0, SOON_MS))
		die("%u VMs are left behind", vm_count(dev));
}

/*
 * The first generation of VMs is made to warm up: slab caches, tables of
 * descriptors and what the measuring program itself allocates.
 */
static void vms(int dev, struct nl *nl, const char *arg, const char *active, const char *idle)
{
	static struct memory before, after;
	static int vm[VMS];
	struct kmem kmem;

	vms_make(dev, arg, vm);
	vms_close(dev, vm);
	caches_drop();
	memory_read(&before);
	vms_make(dev, arg, vm);
	if (!wait_until(all_idle(nl), SOON_MS))
		die("the VMs don't all idle");
	kmem = kmem_read(nl);
	memory_read(&after);
	if (kmem_read(nl).sum != kmem.sum)
		die("VMs lost their page tables while they were counted");
	memory_report(active, &before, &after, VMS);
	printf("memory %s module %llu\n", active, (unsigned long long)kmem.sum / VMS);

	if (!wait_until(reclaimed(nl, &kmem), SOON_MS))
		die("idle VMs keep their page tables");
	caches_drop();
	memory_read(&after);
	kmem = kmem_read(nl);
	memory_report(idle, &before, &after, VMS);
	printf("memory %s module %llu\n", idle, (unsigned long long)kmem.sum / VMS);
	vms_close(dev, vm);
}

/* NICs on a switch, one for each of VMs that are there already: the port and what a NIC is. */
static void ports(int dev)
{
	static struct memory before, after;
	static int vm[VMS];
	int i, round;

	for (round = 0; round < 2; round++) {
		if (switch_add(dev, SWITCH, 0, 0) < 0)
			die("a switch can't be made: %m");
		for (i = 0; i < VMS; i++) {
			vm[i] = vm_create(dev, VM_BYTES, 0, NULL);
			if (vm[i] < 0)
				die("VM %d of %d can't be made: %m", i + 1, VMS);
		}
		if (round) {
			caches_drop();
			memory_read(&before);
		}
		for (i = 0; i < VMS; i++)
			if (switch_plug(vm[i], i, SWITCH) < 0)
				die("NIC %d of %d can't be plugged in: %m", i + 1, VMS);
		if (round) {
			caches_drop();
			memory_read(&after);
			memory_report("switch-port", &before, &after, VMS);
		}
		vms_close(dev, vm);
		if (switch_del(dev, SWITCH) < 0)
			die("the switch can't be deleted: %m");
	}
}

static void taps(void)
{
	static struct memory before, after;
	int sock = socket(AF_INET, SOCK_DGRAM, 0), tap[TAPS], i, round;

	for (round = 0; round < 2; round++) {
		if (round) {
			caches_drop();
			memory_read(&before);
		}
		for (i = 0; i < TAPS; i++) {
			struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };

			tap[i] = open("/dev/net/tun", O_RDWR);
			if (tap[i] < 0 || ioctl(tap[i], TUNSETIFF, &ifr) < 0)
				die("tap %d of %d can't be made: %m", i + 1, TAPS);
			ifr.ifr_flags = IFF_UP;
			if (ioctl(sock, SIOCSIFFLAGS, &ifr) < 0)
				die("tap %s can't be set up: %m", ifr.ifr_name);
			ifr.ifr_ifindex = if_nametoindex(ifr.ifr_name);
			memcpy(ifr.ifr_name, BRIDGE, sizeof(BRIDGE));
			if (ioctl(sock, SIOCBRADDIF, &ifr) < 0)
				die("a tap can't join %s: %m", BRIDGE);
		}
		if (round) {
			caches_drop();
			memory_read(&after);
			memory_report("tap", &before, &after, TAPS);
		}
		for (i = 0; i < TAPS; i++)
			close(tap[i]);
	}
	close(sock);
}

void bench_memory(int dev)
{
	struct rlimit limit = { 2 * VMS, 2 * VMS };
	struct nl nl;

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("%d descriptors: %m", 2 * VMS);
	if (nl_open(&nl) < 0)
		die("the netlink family denali: %m");
	vms(dev, &nl, "idle", "active", "idle");
	vms(dev, &nl, "print", "active-console", "idle-console");
	ports(dev);
	taps();
}
