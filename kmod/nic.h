/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two halves of a NIC share: nic.c, the port and what is plugged into it, and
 * nic_frame.c, frames between its rings and that.
 *
 * With a switch, the ring of incoming frames and the rx counters are guarded by the
 * lock of the switch's port. All else is owned as struct dn_vm says.
 */
#ifndef DN_NIC_H
#define DN_NIC_H

#include <linux/rcupdate.h>

#include "port.h"
#include "tap.h"
#include "vswitch.h"

/**
 * struct dn_nic - a NIC
 * @port:    what the VM's runner sees
 * @tap:     the tap that is plugged in, or NULL
 * @vport:   the port of a switch that is, or NULL; under RCU for dumps
 * @ifindex: of the tap, for dumps
 * @mtu:     largest payload of a frame
 * @rx_own:  requests for incoming frames before this are in pages of the VM's own; see
 *           dn_nic_own_rx()
 */
struct dn_nic {
	struct dn_port port;
	struct dn_tap *tap;
	struct dn_vport __rcu *vport;
	u32 ifindex;
	u32 mtu;
	u32 rx_own;
};

static inline struct dn_nic *dn_nic_of(struct dn_port *port)
{
	return container_of(port, struct dn_nic, port);
}

/* For who owns the NIC. */
static inline struct dn_vport *dn_nic_vport(const struct dn_nic *nic)
{
	return rcu_dereference_protected(nic->vport, true);
}

static inline bool dn_nic_plugged(const struct dn_nic *nic)
{
	return nic->tap || dn_nic_vport(nic);
}

/* Does the back end complete checksums? */
static inline bool dn_nic_has_csum(const struct dn_nic *nic)
{
	return nic->tap ? nic->tap->csum : !!dn_nic_vport(nic);
}

/* nic.c */
void dn_nic_gone(struct dn_nic *nic);

/* nic_frame.c */
bool dn_nic_move(struct dn_nic *nic);

#endif /* DN_NIC_H */
