/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A crowd: any number of clones of the guest "tiny", each with an address of its own on a
 * switch whose uplink is a tap of this network namespace. They are persistent, so that no
 * descriptors of this process are counted with them.
 */
#ifndef DENALI_BENCH_CROWD_H
#define DENALI_BENCH_CROWD_H

#include <stdint.h>

#define CROWD_MAX	16384		/* by the addresses that there are */
#define CROWD_HOST	"10.64.0.1"
#define CROWD_BROADCAST	"10.64.255.255"
#define CROWD_TAP	"up0"
#define CROWD_SWITCH	"crowd"
#define CROWD_VM_BYTES	(256U << 10)

/* A VM that has booted and has no IPv6 does nothing any more. If it did after all, it would be counted. */
#define CROWD_SETTLE_S	15

/**
 * struct crowd - its VMs, by number
 * @dev:      /dev/denali
 * @tap:      the uplink
 * @template: what they are clones of
 * @flags:    of the VMs that are made: DENALI_CREATE_*
 * @nr:       how many there are
 * @id:       their ids
 * @request_ns: in requests for clones, all so far. VMs run meanwhile
 */
struct crowd {
	int dev;
	int tap;
	int template;
	uint32_t flags;
	int nr;
	uint64_t id[CROWD_MAX];
	uint64_t request_ns;
};

/* Takes this process to a network namespace of its own. Its VMs end with the process at the latest. */
void crowd_init(struct crowd *c, int dev);

/* Until there are @nr, all of which have an address and idle. @args: more boot arguments. */
void crowd_grow(struct crowd *c, int nr, const char *args);

/* Until there are only @nr. */
void crowd_shrink(struct crowd *c, int nr);

/* Frames that VMs had no buffer for, all that there have been so far. */
uint64_t crowd_drops(void);

void crowd_exit(struct crowd *c);

/* IPv4 address of a VM, as the network has it. */
uint32_t crowd_addr(int i);

#endif /* DENALI_BENCH_CROWD_H */
