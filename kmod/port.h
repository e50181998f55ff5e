/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ports: the virtual devices of a VM, and the rings they speak through.
 */
#ifndef DN_PORT_H
#define DN_PORT_H

#include <linux/types.h>

#include <denali/ring.h>

#include "gmem.h"

struct dn_vm;
struct dn_port;

/**
 * struct dn_ring - the host's side of a ring in guest memory
 * @hdr_req:   host address of the guest-written line (req_prod, rsp_event); NULL: no ring
 * @hdr_rsp:   host address of the host-written line (rsp_prod, req_event)
 * @desc:      guest address of desc[0]
 * @mask:      number of descriptors - 1
 * @req_cons:  requests consumed
 * @rsp_prod:  responses written
 * @rsp_pub:   responses published
 *
 * Owned by whoever runs the VM: no lock. The guest's copy of the host's indices
 * is never read back.
 */
struct dn_ring {
	u32 *hdr_req;
	u32 *hdr_rsp;
	dn_gaddr_t desc;
	u32 mask;
	u32 req_cons;
	u32 rsp_prod;
	u32 rsp_pub;
};

int dn_ring_set(struct dn_vm *vm, struct dn_ring *ring, dn_gaddr_t ga, u32 order);
int dn_ring_fetch(struct dn_vm *vm, struct dn_ring *ring, struct denali_desc *desc);
int dn_ring_fetch_other(struct dn_vm *vm, struct dn_ring *ring, struct denali_desc *desc);
bool dn_ring_peek(struct dn_vm *vm, const struct dn_ring *ring, u32 *at, struct denali_desc *desc);
void dn_ring_unfetch(struct dn_ring *ring, u32 n);
void dn_ring_respond(struct dn_vm *vm, struct dn_ring *ring, const struct denali_desc *desc);
bool dn_ring_publish(struct dn_ring *ring);
bool dn_ring_publish_one(struct dn_ring *ring);
bool dn_ring_arm(struct dn_ring *ring);

/* What a port moved, for the counters. */
struct dn_port_stats {
	u64 rx_packets;
	u64 rx_bytes;
	u64 tx_packets;
	u64 tx_bytes;
	u64 rx_drops;
	u64 tx_drops;
};

/**
 * struct dn_flood - a bucket of copies of frames for several; one of zeroes is full
 * @left: how many are left; a frame that began with one may make it negative
 * @at:   jiffies at which @left was right
 */
struct dn_flood {
	long left;
	unsigned long at;
};

/**
 * struct dn_port_ops - a back end
 * @type:    DENALI_PORT_*
 * @queues:  how many of DENALI_QUEUES it has
 * @service: move what can be moved, both ways; publish; raise the port's interrupt.
 *           Returns true if it stopped at its budget and wants to be called again.
 *           Context: the VM's runner, VM not in the guest; may sleep
 * @set_ring: optional: dn_ring_set() for a queue whose ring others work on as well.
 *           Context: in a slice, interrupts off
 * @settle:  optional: return when nobody is at work on the port's rings and buffers any
 *           more. Context: process, VM off
 * @freeze:  optional: the VM becomes a template: return when nobody is at work on its rings
 *           and buffers, nor ever will be. Context: the VM's runner, may sleep
 * @detach:  let go of everything outside the VM; the port stays, without back end.
 *           Context: process, VM not running; at most once, or once more after @reset
 * @reset:   its VM starts anew: drop what is under way, dn_port_clear(), describe the port in the
 *           virtual registers. Context: process, VM off the CPU
 * @free:    free the port. Context: process
 * @kmem:    bytes of kernel memory that it uses
 * @ifindex: of the network device behind it, 0 if there is none
 * @switch_name: optional: name of the switch behind it; false: none
 */
struct dn_port_ops {
	u32 type;
	u32 queues;
	bool (*service)(struct dn_port *port);
	int (*set_ring)(struct dn_port *port, u32 queue, dn_gaddr_t ga, u32 order);
	void (*settle)(struct dn_port *port);
	void (*freeze)(struct dn_port *port);
	void (*detach)(struct dn_port *port);
	void (*reset)(struct dn_port *port);
	void (*free)(struct dn_port *port);
	size_t (*kmem)(struct dn_port *port);
	u32 (*ifindex)(struct dn_port *port);
	bool (*switch_name)(struct dn_port *port, char *name);
};

/**
 * struct dn_port - embedded in the back end's own struct
 * @vm:    owner; outlives the port
 * @ops:   back end
 * @index: number of the port
 * @up:    a back end is there; for dumps, which don't trust the virtual registers
 * @mac:   of a NIC
 * @ring:  see struct dn_ring
 * @stats: written by the runner, or with the lock that guards the ring
 */
struct dn_port {
	struct dn_vm *vm;
	const struct dn_port_ops *ops;
	u32 index;
	bool up;
	u8 mac[6];
	struct dn_ring ring[DENALI_QUEUES];
	struct dn_port_stats stats;
};

/**
 * dn_port_kick() - a port has work: have its VM's runner call ops->service
 *
 * Wakes the VM unless it masked the port's interrupt. Context: any, also hard
 * interrupts off.
 */
void dn_port_kick(struct dn_port *port);

/** dn_port_raise() - raise the port's interrupt. Context: the VM's runner. */
void dn_port_raise(struct dn_port *port);

/** dn_port_clear() - no rings, and counters of 0. Context: VM off the CPU, with the lock that guards the rings. */
void dn_port_clear(struct dn_port *port);

/** dn_port_set_state() - write denali_port_info.state and raise. Context: the VM's runner or before start. */
void dn_port_set_state(struct dn_port *port, u32 state);

/* console.c */
struct dn_port *dn_console_create(struct dn_vm *vm);
int dn_console_open(struct dn_vm *vm);		/* returns a descriptor */
u64 dn_console_lost(struct dn_vm *vm);

/* nic.c */
struct denali_vm_nic;
struct dn_frame;
struct dn_port *dn_nic_create(struct dn_vm *vm, u32 index, const struct denali_vm_nic *arg);
int dn_nic_attach(struct dn_port *port, const struct denali_vm_nic *arg);
int dn_nic_put(struct dn_port *port, const struct dn_frame *frame);

#endif /* DN_PORT_H */
