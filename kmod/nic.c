// SPDX-License-Identifier: GPL-2.0
/*
 * NICs: the port whose back end is a Linux tap (tap.c) or a port of the module's own
 * switch (vswitch.c). Plugging it in, taking it out, and what the port promises to the
 * rest of the module; how frames pass is in nic_frame.c.
 *
 * A back end that is gone leaves the NIC without one and the VM running.
 */
#include <linux/etherdevice.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <uapi/linux/denali_netlink.h>

#include "nic.h"
#include "vm.h"

static bool dn_nic_alive(const struct dn_nic *nic)
{
	return nic->tap ? dn_tap_alive(nic->tap) : dn_vport_alive(dn_nic_vport(nic));
}

static void dn_nic_wake(struct dn_tap *tap)
{
	dn_port_kick(tap->owner);
}

/* Let go of the back end. Nothing happens if there is none. */
static void dn_nic_unplug(struct dn_nic *nic)
{
	struct dn_vport *vport = dn_nic_vport(nic);

	/* A dump that finds the port must be in time to keep it from being freed. */
	RCU_INIT_POINTER(nic->vport, NULL);
	if (nic->tap)
		dn_tap_put(nic->tap);
	if (vport)
		dn_vport_destroy(vport);
	nic->tap = NULL;
	WRITE_ONCE(nic->ifindex, 0);
	WRITE_ONCE(nic->port.up, false);
}

static int dn_nic_plug_tap(struct dn_nic *nic, const struct denali_vm_nic *arg)
{
	struct dn_tap *tap;

	tap = dn_tap_get(arg->tap_fd, arg->flags, arg->vnet_hdr_len, nic->tap, dn_nic_wake,
			 &nic->port);
	if (IS_ERR(tap))
		return PTR_ERR(tap);
	dn_nic_unplug(nic);
	nic->tap = tap;
	WRITE_ONCE(nic->ifindex, tap->ifindex);
	WRITE_ONCE(nic->port.up, true);
	return 0;
}

static int dn_nic_plug_switch(struct dn_nic *nic, const struct denali_vm_nic *arg)
{
	struct dn_vport *vport = dn_nic_vport(nic);

	if (arg->flags != DENALI_NIC_SWITCH || arg->tap_fd != -1 || arg->vnet_hdr_len ||
	    strnlen(arg->sw, DENALI_NAME_SIZE) == DENALI_NAME_SIZE)
		return -EINVAL;
	/* Its address would be taken, by itself. */
	if (vport && dn_vport_is_on(vport, arg->sw))
		return 0;
	/* From here on others consume. */
	nic->rx_own = nic->port.ring[DENALI_QUEUE_IN].req_cons;
	vport = dn_vport_create(arg->sw, &nic->port);
	if (IS_ERR(vport))
		return PTR_ERR(vport);
	dn_nic_unplug(nic);
	rcu_assign_pointer(nic->vport, vport);
	WRITE_ONCE(nic->port.up, true);
	return 0;
}

/*
 * Put the back end of @arg in place of the one that is plugged, if any; a tap of -1 only
 * unplugs. After an error everything is as it was.
 */
static int dn_nic_plug(struct dn_nic *nic, const struct denali_vm_nic *arg)
{
	if (arg->flags & DENALI_NIC_SWITCH)
		return dn_nic_plug_switch(nic, arg);
	if (memchr_inv(arg->sw, 0, sizeof(arg->sw)))
		return -EINVAL;
	if (arg->tap_fd != -1)
		return dn_nic_plug_tap(nic, arg);
	if (arg->flags || arg->vnet_hdr_len)
		return -EINVAL;
	dn_nic_unplug(nic);
	return 0;
}

/** dn_nic_gone() - the back end went away under us. Context: the VM's runner. */
void dn_nic_gone(struct dn_nic *nic)
{
	dn_nic_unplug(nic);
	dn_port_set_state(&nic->port, 0);
	dn_netlink_event(nic->port.vm, DENALI_EVENT_PORT_DOWN);
}

static bool dn_nic_service(struct dn_port *port)
{
	struct dn_nic *nic = dn_nic_of(port);

	if (dn_nic_plugged(nic) && unlikely(!dn_nic_alive(nic)))
		dn_nic_gone(nic);
	return dn_nic_move(nic);
}

static int dn_nic_set_ring(struct dn_port *port, u32 queue, dn_gaddr_t ga, u32 order)
{
	struct dn_nic *nic = dn_nic_of(port);
	struct dn_vport *vport = dn_nic_vport(nic);
	int ret;

	if (!vport)
		return dn_ring_set(port->vm, &port->ring[queue], ga, order);
	dn_vport_lock(vport);
	ret = dn_ring_set(port->vm, &port->ring[queue], ga, order);
	dn_vport_unlock(vport);
	if (!ret && queue == DENALI_QUEUE_IN)
		nic->rx_own = 0;
	return ret;
}

static void dn_nic_settle(struct dn_port *port)
{
	struct dn_vport *vport = dn_nic_vport(dn_nic_of(port));

	/* Whoever has the lock after this sees that the VM is off. */
	if (vport) {
		dn_vport_lock(vport);
		dn_vport_unlock(vport);
	}
}

/* A switch writes to memory that must not change any more. A tap doesn't. */
static void dn_nic_freeze(struct dn_port *port)
{
	if (dn_nic_vport(dn_nic_of(port)))
		dn_nic_unplug(dn_nic_of(port));
}

static void dn_nic_detach(struct dn_port *port)
{
	dn_nic_unplug(dn_nic_of(port));
}

static void dn_nic_describe(struct dn_nic *nic)
{
	struct denali_port_info *info = &nic->port.vm->vregs->ports[nic->port.index];

	info->type = DENALI_PORT_NIC;
	info->state = nic->port.up ? DENALI_PORT_UP : 0;
	info->features = dn_nic_has_csum(nic) ? DENALI_NIC_F_CSUM : 0;
	info->mtu = nic->mtu;
	ether_addr_copy(info->mac, nic->port.mac);
}

static void dn_nic_reset(struct dn_port *port)
{
	struct dn_nic *nic = dn_nic_of(port);
	struct dn_vport *vport = dn_nic_vport(nic);

	/* What waits there was sent to whom the guest was before, as is what is for his IP addresses. */
	if (nic->tap)
		dn_tap_drop(nic->tap);
	if (vport) {
		dn_vport_drop(vport);
		dn_neigh_forget(vport);
		/* Those who send to it count what they lose. */
		dn_vport_lock(vport);
		dn_port_clear(port);
		dn_vport_unlock(vport);
	} else {
		dn_port_clear(port);
	}
	nic->rx_own = 0;
	dn_nic_describe(nic);
}

static void dn_nic_free(struct dn_port *port)
{
	dn_nic_unplug(dn_nic_of(port));
	kfree(dn_nic_of(port));
}

static size_t dn_nic_kmem(struct dn_port *port)
{
	struct dn_nic *nic = dn_nic_of(port);
	size_t bytes = kmalloc_size_roundup(sizeof(*nic));

	if (READ_ONCE(nic->tap))
		bytes += kmalloc_size_roundup(sizeof(*nic->tap));
	if (rcu_access_pointer(nic->vport))
		bytes += dn_vport_kmem();
	return bytes;
}

static u32 dn_nic_ifindex(struct dn_port *port)
{
	return READ_ONCE(dn_nic_of(port)->ifindex);
}

static bool dn_nic_switch(struct dn_port *port, char name[DENALI_NAME_SIZE])
{
	struct dn_vport *vport;

	rcu_read_lock();
	vport = rcu_dereference(dn_nic_of(port)->vport);
	if (vport)
		dn_vport_switch(vport, name);
	rcu_read_unlock();
	return vport;
}

static const struct dn_port_ops dn_nic_ops = {
	.type = DENALI_PORT_NIC,
	.queues = DENALI_QUEUES,
	.service = dn_nic_service,
	.set_ring = dn_nic_set_ring,
	.settle = dn_nic_settle,
	.freeze = dn_nic_freeze,
	.detach = dn_nic_detach,
	.reset = dn_nic_reset,
	.free = dn_nic_free,
	.kmem = dn_nic_kmem,
	.ifindex = dn_nic_ifindex,
	.switch_name = dn_nic_switch,
};

/**
 * dn_nic_create() - make a NIC and describe it in the virtual registers
 * @vm:    owner, not started yet
 * @index: number of the port, which the caller has found free
 * @arg:   DENALI_IOC_VM_NIC
 *
 * Return: the port, or an ERR_PTR: EINVAL, EBADF, ENOTTY (not a tap), EBUSY (the
 * tap is in use), ENOENT, EPERM, EEXIST (see dn_vport_create()), ENOMEM. The virtual
 * registers are written last.
 */
struct dn_port *dn_nic_create(struct dn_vm *vm, u32 index, const struct denali_vm_nic *arg)
{
	u32 mtu = arg->mtu ? arg->mtu : ETH_DATA_LEN;
	struct dn_nic *nic;
	int ret;

	if (!is_valid_ether_addr(arg->mac) || mtu < ETH_MIN_MTU || mtu > DN_FRAME_MAX_MTU)
		return ERR_PTR(-EINVAL);

	nic = kzalloc(sizeof(*nic), GFP_KERNEL_ACCOUNT);
	if (!nic)
		return ERR_PTR(-ENOMEM);
	nic->port.vm = vm;
	nic->port.ops = &dn_nic_ops;
	nic->port.index = index;
	nic->mtu = mtu;
	ether_addr_copy(nic->port.mac, arg->mac);

	ret = dn_nic_plug(nic, arg);
	if (ret) {
		kfree(nic);
		return ERR_PTR(ret);
	}
	dn_nic_describe(nic);
	return &nic->port;
}

/**
 * dn_nic_attach() - replace what is plugged into a NIC
 * @port: a NIC of a VM that is off the CPU and stays off
 * @arg:  DENALI_IOC_VM_NIC; address and mtu are ignored
 *
 * Return: 0 or an error as of dn_nic_create(); ENODEV if @port isn't a NIC.
 */
int dn_nic_attach(struct dn_port *port, const struct denali_vm_nic *arg)
{
	struct denali_port_info *info = &port->vm->vregs->ports[port->index];
	struct dn_nic *nic = dn_nic_of(port);
	int ret;

	if (port->ops != &dn_nic_ops)
		return -ENODEV;
	ret = dn_nic_plug(nic, arg);
	info->features = dn_nic_has_csum(nic) ? DENALI_NIC_F_CSUM : 0;
	if (!ret)
		info->changes++;
	dn_port_set_state(port, nic->port.up ? DENALI_PORT_UP : 0);
	dn_port_kick(port);
	return ret;
}
