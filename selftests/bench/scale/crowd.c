// SPDX-License-Identifier: GPL-2.0
/*
 * The crowd itself, see crowd.h. Clones are made by the hundred (VM_CLONES), then each gets
 * its NIC and its address and is started.
 */
#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../ethernet.h"
#include "../../lib.h"
#include "../../nl.h"
#include "../bench.h"
#include "crowd.h"

#define BATCH		100
#define FIRST_ADDR	0x0a400100	/* 10.64.1.0 */

static struct nl netlink;

uint32_t crowd_addr(int i)
{
	return htonl(FIRST_ADDR + i);
}

static void run(const char *command)
{
	if (system(command))
		die("%s: failed", command);
}

static bool idles(uint64_t id)
{
	struct nl_vm vm = { 0 };

	if (nl_vm_get(&netlink, id, &vm) < 0)
		die("VM %llu can't be asked for: %m", (unsigned long long)id);
	return vm.idle;
}

static void crowd_template(struct crowd *c)
{
	c->template = vm_create(c->dev, CROWD_VM_BYTES, DENALI_CREATE_TEMPLATE, NULL);
	if (c->template < 0 || !template_boot(c->template, "tiny", ""))
		die("no template of the guest tiny: %m");
}

/* What a measurement that failed leaves. */
static struct crowd *alive;

static void undo(void)
{
	int vm;

	while (alive && alive->nr) {
		vm = vm_open_id(alive->dev, alive->id[--alive->nr]);
		if (vm >= 0)
			vm_ctl(vm, DENALI_IOC_VM_DESTROY);
		close(vm);
	}
	if (alive) {
		close(alive->template);
		switch_del(alive->dev, CROWD_SWITCH);
	}
}

void crowd_init(struct crowd *c, int dev)
{
	memset(c, 0, sizeof(*c));
	c->dev = dev;
	c->template = -1;
	if (nl_open(&netlink) < 0)
		die("the netlink family denali: %m");
	if (unshare(CLONE_NEWNET) < 0)
		die("no network namespace: %m");
	/* Nothing is said by the host of itself. */
	run("sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv4.ip_local_port_range='1024 65535'");
	alive = c;
	atexit(undo);
	if (switch_add(dev, CROWD_SWITCH, 0, 0) < 0)
		die("switch " CROWD_SWITCH " can't be made: %m");
	c->tap = uplink_open(CROWD_TAP);
	if (c->tap < 0 || switch_tap(dev, CROWD_SWITCH, DENALI_SWITCH_UPLINK, c->tap) < 0)
		die("tap " CROWD_TAP " can't be made and plugged into the switch: %m");
	run("ip addr add " CROWD_HOST "/16 dev " CROWD_TAP);
	crowd_template(c);
}

static void start(int vm, int i, const char *args)
{
	struct in_addr addr = { crowd_addr(i) };
	char line[200];

	snprintf(line, sizeof(line), "ip=%s/16 ip6=off %s", inet_ntoa(addr), args);
	if (vm_setup(vm, 0, line) < 0 || vm_ctl(vm, DENALI_IOC_VM_START) < 0)
		die("VM %d can't be started: %m", i);
}

static void grow(struct crowd *c, int nr, const char *args)
{
	int fd[BATCH], i;
	struct denali_vm_clones arg = {
		.flags = DENALI_CREATE_PERSISTENT | c->flags, .count = nr, .fds = (uintptr_t)fd,
		.ids = (uintptr_t)(c->id + c->nr),
	};
	uint64_t since = now_ns();

	if (ioctl(c->template, DENALI_IOC_VM_CLONES, &arg) < 0)
		die("%d clones beside %d: %m", nr, c->nr);
	c->request_ns += now_ns() - since;
	for (i = 0; i < nr; i++)
		if (switch_plug(fd[i], c->nr + i, CROWD_SWITCH) < 0)
			die("VM %d can't be plugged in: %m", c->nr + i);
	for (i = 0; i < nr; i++) {
		start(fd[i], c->nr + i, args);
		close(fd[i]);
	}
	c->nr += nr;
}

void crowd_grow(struct crowd *c, int nr, const char *args)
{
	int from = c->nr, i;

	if (nr > CROWD_MAX)
		die("%d VMs are more than there are addresses for, %d", nr, CROWD_MAX);
	while (c->nr < nr)
		grow(c, nr - c->nr < BATCH ? nr - c->nr : BATCH, args);
	/* One after the other: a dump of all takes longer, the more there are. */
	for (i = from; i < nr && !strstr(args, "spin"); i++)
		if (!wait_until(idles(c->id[i]), 10 * SOON_MS))
			die("VM %d of %d doesn't idle", i, c->nr);
}

void crowd_shrink(struct crowd *c, int nr)
{
	int vm;

	while (c->nr > nr) {
		vm = vm_open_id(c->dev, c->id[--c->nr]);
		if (vm < 0 || vm_ctl(vm, DENALI_IOC_VM_DESTROY) < 0)
			die("VM %d can't be destroyed: %m", c->nr);
		close(vm);
	}
}

static void drops_add(const struct nl_vm *vm, void *sum)
{
	int i;

	for (i = 0; i < NL_PORTS; i++)
		*(uint64_t *)sum += vm->port[i].rx_drops;
}

uint64_t crowd_drops(void)
{
	uint64_t sum = 0;

	if (nl_vm_dump(&netlink, drops_add, &sum) < 0)
		die("the VMs can't be dumped: %m");
	return sum;
}

void crowd_exit(struct crowd *c)
{
	crowd_shrink(c, 0);
	alive = NULL;
	close(c->template);
	if (!wait_until(vm_count(c->dev) == 0, SOON_MS))
		die("%u VMs are left behind", vm_count(c->dev));
	if (switch_del(c->dev, CROWD_SWITCH) < 0)
		die("switch " CROWD_SWITCH " can't be deleted: %m");
	close(c->tap);
}
