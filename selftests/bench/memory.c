// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of the host per VM beyond its partition, per NIC on a switch, and per tap, by what
 * the kernel has free before and after (hostmem.c). The pool is made when the module is
 * loaded, so partitions don't show.
 */
#include <arpa/inet.h>
#include <fcntl.h>
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
#include "hostmem.h"

#define VMS		500
#define VM_BYTES	(256 << 10)
#define TAPS		100
#define BRIDGE		"brmem"
#define SWITCH		"swmem"

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
