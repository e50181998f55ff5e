/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module's netlink family by plain sockets, for the tests: ask for VMs, listen
 * to events. As in lib.h, no library stands between the test and the kernel.
 */
#ifndef DENALI_SELFTESTS_NL_H
#define DENALI_SELFTESTS_NL_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/denali_netlink.h>

#define NL_PORTS	16

struct nl_port {
	bool present;
	uint32_t type;
	uint32_t up;
	uint8_t mac[6];
	uint32_t ifindex;
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, rx_drops, tx_drops;
};

/* One message. seen has bit n set if attribute n was in it. */
struct nl_vm {
	uint32_t cmd;
	uint32_t seen;
	uint64_t id;
	char name[64];
	uint32_t uid;
	uint32_t state;
	uint32_t reason;
	int32_t status;
	char text[256];
	uint64_t mem_bytes;
	uint64_t kmem_bytes;
	uint32_t flags;
	uint64_t run_ns;
	uint64_t steal_ns;
	uint64_t exits[DENALI_EXIT_A_MAX + 1];
	uint32_t exits_seen;
	uint64_t hypercalls;
	uint64_t upcalls;
	uint64_t irqs;
	uint32_t cpu;
	uint32_t event;
	uint64_t seq;
	uint64_t console_lost;
	uint32_t idle;
	uint64_t own_bytes;
	uint64_t template;
	uint32_t weight;
	uint32_t cap;
	uint64_t cpus;		/* the first 64 */
	char tenant[64];
	uint32_t place, waits, priority;
	struct nl_port port[NL_PORTS];
};

/* A switch. uplink and mirror are -1 if there is none. */
struct nl_switch {
	uint64_t id;
	char name[64];
	uint32_t uid;
	uint32_t flags;
	uint32_t ports;
	int64_t uplink, mirror;
	uint32_t uplink_up, mirror_up;
	uint64_t rx_packets, rx_bytes, unknown, filtered, limited, isolated, unmirrored;
};

#define NL_CPUS		8

/* A tenant. uid is -1 if it has no owner. */
struct nl_tenant {
	uint64_t id;
	char name[64];
	int64_t uid;
	uint32_t vms, max_vms, runnable, max_runnable, waiting;
	uint64_t mem_bytes, max_mem_bytes;
	int32_t nice;
	uint64_t run_ns;
	uint64_t cpus;		/* the first 64; 0: not there */
	uint32_t tid[NL_CPUS];	/* of the runners; 0: none */
};

struct nl {
	int fd;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
};

int nl_open(struct nl *nl);
int nl_subscribe(struct nl *nl);
int nl_event(struct nl *nl, struct nl_vm *vm, int ms);
int nl_vm_get(struct nl *nl, uint64_t id, struct nl_vm *vm);
int nl_vm_ask(struct nl *nl);
int nl_vm_list(struct nl *nl, void (*each)(const struct nl_vm *vm, void *arg), void *arg);
int nl_vm_dump(struct nl *nl, void (*each)(const struct nl_vm *vm, void *arg), void *arg);
int nl_switch_get(struct nl *nl, const char *name, struct nl_switch *sw);
int nl_tenant_get(struct nl *nl, const char *name, struct nl_tenant *tenant);
int nl_request(struct nl *nl, uint8_t cmd, uint16_t flags, const void *attrs, uint32_t len);
int nl_error(struct nl *nl);
bool vms_destroy_persistent(int dev);
bool vm_counters(uint64_t id, struct nl_vm *vm);

#endif /* DENALI_SELFTESTS_NL_H */
