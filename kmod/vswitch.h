/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module's own switched Ethernet (not the world switch, which is switch.S).
 *
 * vswitch.c is for who passes frames: ports, and what becomes of a frame. Its other
 * halves are vswitch_ctl.c, switches as the admin sees them, and vswitch_neigh.c, which
 * port has which IP address.
 */
#ifndef DN_VSWITCH_H
#define DN_VSWITCH_H

#include <linux/atomic.h>
#include <linux/in6.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <uapi/linux/denali.h>

#include "port.h"
#include "tap.h"

struct dn_vport;
struct netlink_callback;
struct sk_buff;

/*
 * Copies a second of frames for several that a guest may cause, by all its NICs together, and
 * so many at once beyond that. More are lost and counted. It bounds what one guest can have done to
 * the others: the larger the switch, the fewer frames. For an uplink it is more, as a
 * network is behind it.
 */
#define DN_FLOOD_RATE		4096
#define DN_FLOOD_UPLINK		(16 * DN_FLOOD_RATE)

/* Frames for one that wait at the ports of a VM, see vswitch_queue.c. */
#define DN_VM_FRAMES		32

/* IP addresses that the switch knows of a port at a time. */
#define DN_VPORT_ADDRS		4

/* How long a port keeps an address without showing it, once another shows it. */
#define DN_NEIGH_HOLD		(60 * HZ)

/* Ports that have shown no address of a family: who can't be left out. Mark 0 is xa_alloc()'s. */
#define DN_VPORT_NO_IPV4	XA_MARK_1
#define DN_VPORT_NO_IPV6	XA_MARK_2

/**
 * struct dn_vaddr - an address that a port has shown
 * @node: in the switch's table, if @used
 * @ip:   IPv6, or IPv4 mapped into it
 * @seen: jiffies of the last time, their low half
 * @slot: index in dn_vport.addr[]
 * @used: as it says
 */
struct dn_vaddr {
	struct rhash_head node;
	struct in6_addr ip;
	u32 seen;
	u8 slot;
	bool used;
};

/**
 * struct dn_vport - a port of a switch
 * @lock:  the receiving ring and rx counters of @port, and @port. Inner to all but the locks
 *         of runners; taken in tasks, and with interrupts off by who owns the port
 * @port:  the NIC, NULL when it has left
 * @sw:    the switch; a reference until the port leaves
 * @node:  in the switch's table of MAC addresses
 * @mac:   its key
 * @id:    in dn_vswitch.ports
 * @waiting: frames that there was no buffer for;
 * @nr_waiting: their number, and
 * @emptied: how often they were dropped; @lock
 * @addr:  addresses; dn_vswitch.neigh_lock
 * @rcu:   frees it
 */
struct dn_vport {
	raw_spinlock_t lock;		/* see above */
	struct dn_port *port;
	struct dn_vswitch *sw;
	struct rhash_head node;
	u8 mac[ETH_ALEN];
	u32 id;
	u32 nr_waiting;
	u32 emptied;
	struct list_head waiting;
	struct dn_vaddr addr[DN_VPORT_ADDRS];
	struct rcu_head rcu;
};

/**
 * struct dn_vswitch - a switch
 * @macs:      ports by MAC address
 * @neighs:    struct dn_vaddr by address
 * @ports:     ports by number, with the marks DN_VPORT_NO_*
 * @neigh_lock: changes of @neighs and of ports' addresses
 * @uplink:    a tap, or NULL; under dn_vswitch_srcu. So is
 * @mirror:    the tap that gets a copy of every frame that comes in
 * @work:      takes frames from the uplink
 * @buf:       and puts them here, DN_FRAME_MAX bytes
 * @flood:     of the uplink; owned by @work. So are
 * @rx_packets, @rx_bytes: frames from the uplink, and
 * @unknown:   those that were for no port
 * @filtered:  requests for an IP address that were spared to ports which don't have it
 * @limited:   frames for several that were lost, see DN_FLOOD_RATE
 * @isolated:  frames from port to port that were refused
 * @unmirrored: frames that the mirror didn't get
 * @dead:      deleted: nothing passes, ports are to let go
 * @isolate:   ports can't reach each other, only the uplink
 * @id:        number, never used again, for dumps
 * @uid:       who may plug VMs in
 * @ref:       the list's, and each port's
 * @list:      on the list of all; dn_vswitches_lock
 * @rcu:       frees it
 */
struct dn_vswitch {
	struct rhashtable macs;
	struct rhashtable neighs;
	struct xarray ports;
	spinlock_t neigh_lock;		/* see above */
	struct dn_tap __rcu *uplink;
	struct dn_tap __rcu *mirror;
	struct work_struct work;
	void *buf;
	struct dn_flood flood;
	u64 rx_packets;
	u64 rx_bytes;
	u64 unknown;
	atomic64_t filtered;
	atomic64_t limited;
	atomic64_t isolated;
	atomic64_t unmirrored;
	bool dead;
	bool isolate;
	u64 id;
	kuid_t uid;
	struct kref ref;
	struct list_head list;
	struct rcu_head rcu;
	char name[DENALI_NAME_SIZE];
};

extern struct srcu_struct dn_vswitch_srcu;

/* vswitch.c */
struct dn_vport *dn_vport_create(const char *name, struct dn_port *port);
void dn_vport_destroy(struct dn_vport *vport);
int dn_vport_send(struct dn_vport *from, struct dn_frame *frame);
bool dn_vport_is_on(const struct dn_vport *vport, const char *name);
size_t dn_vport_kmem(void);
void dn_vport_kick(struct dn_vport *vport);
int dn_vports_init(struct dn_vswitch *sw);
void dn_vports_exit(struct dn_vswitch *sw);
void dn_vswitch_work(struct work_struct *work);

static inline bool dn_vport_alive(const struct dn_vport *vport)
{
	return !READ_ONCE(vport->sw->dead);
}

static inline void dn_vport_lock(struct dn_vport *vport) __acquires(&vport->lock)
{
	raw_spin_lock(&vport->lock);
}

static inline void dn_vport_unlock(struct dn_vport *vport) __releases(&vport->lock)
{
	raw_spin_unlock(&vport->lock);
}

/** dn_vport_switch() - name of its switch. Context: under RCU. */
static inline void dn_vport_switch(const struct dn_vport *vport, char name[DENALI_NAME_SIZE])
{
	strscpy(name, vport->sw->name, DENALI_NAME_SIZE);
}

/* vswitch_queue.c */
void dn_vport_queue_init(struct dn_vport *vport);
void dn_vport_hold(struct dn_vport *to, const struct dn_frame *frame, u32 emptied);
bool dn_vport_take(struct dn_vport *vport);
void dn_vport_drop(struct dn_vport *vport);

/* vswitch_neigh.c */
enum dn_whom {
	DN_WHOM_ALL,		/* a frame for several, as any other */
	DN_WHOM_ADDR,		/* asks for an IP address */
	DN_WHOM_ROUTERS,	/* is for routers */
};

struct dn_neigh {
	enum dn_whom whom;
	bool shows;		/* the sender shows that it has @shown */
	struct in6_addr shown;
	struct in6_addr asked;	/* of DN_WHOM_ADDR */
};

void dn_neigh_look(const struct dn_frame *frame, struct dn_neigh *neigh);
void dn_neigh_learn(struct dn_vport *vport, const struct in6_addr *ip);
struct dn_vport *dn_neigh_find(struct dn_vswitch *sw, const struct in6_addr *ip);
void dn_neigh_forget(struct dn_vport *vport);
int dn_neigh_init(struct dn_vswitch *sw);
void dn_neigh_exit(struct dn_vswitch *sw);

/* vswitch_ctl.c */
struct dn_vswitch *dn_vswitch_get(const char *name);
void dn_vswitch_put(struct dn_vswitch *sw);
int dn_vswitch_add(const struct denali_switch_add *arg);
int dn_vswitch_del(const struct denali_switch_del *arg);
int dn_vswitch_tap(const struct denali_switch_tap *arg);
int dn_vswitch_dump_start(struct netlink_callback *cb);
int dn_vswitch_dump(struct sk_buff *skb, struct netlink_callback *cb);
void dn_vswitches_exit(void);

#endif /* DN_VSWITCH_H */
