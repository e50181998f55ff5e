// SPDX-License-Identifier: GPL-2.0
/*
 * Switches as the admin has them: made, deleted, given an uplink and a mirror, shown. A
 * switch belongs to no process, and goes when it is deleted or the module is unloaded;
 * its ports' NICs are then without one.
 *
 * Making and changing switches needs CAP_NET_ADMIN; plugging VMs in is the right of the
 * user that the admin names, as with a tap.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/user_namespace.h>
#include <net/netlink.h>

#include <uapi/linux/denali_netlink.h>

#include "vm.h"
#include "vswitch.h"

static LIST_HEAD(dn_vswitches);			/* in order of id */
static DEFINE_MUTEX(dn_vswitches_lock);		/* the list; inner to vm->ctl */
static DEFINE_MUTEX(dn_vswitches_admin);	/* one change at a time; outer to the former */
static u64 dn_vswitch_last_id;			/* dn_vswitches_admin */

static bool dn_vswitch_name_ok(const char *name)
{
	size_t len = strnlen(name, DENALI_NAME_SIZE);

	return len && len < DENALI_NAME_SIZE && dn_name_ok(name);
}

static struct dn_vswitch *dn_vswitch_find(const char *name)
{
	struct dn_vswitch *sw;

	lockdep_assert_held(&dn_vswitches_lock);
	list_for_each_entry(sw, &dn_vswitches, list)
		if (!strcmp(sw->name, name))
			return sw;
	return NULL;
}

static void dn_vswitch_free(struct kref *ref)
{
	struct dn_vswitch *sw = container_of(ref, struct dn_vswitch, ref);

	dn_neigh_exit(sw);
	dn_vports_exit(sw);
	kfree(sw->buf);
	/* Dumps may be reading its name by way of a port. */
	kfree_rcu(sw, rcu);
}

void dn_vswitch_put(struct dn_vswitch *sw)
{
	kref_put(&sw->ref, dn_vswitch_free);
}

/**
 * dn_vswitch_get() - a switch that the caller may plug into
 * @name: NUL-terminated
 *
 * Context: process. Return: it, with a reference; -ENOENT, -EPERM.
 */
struct dn_vswitch *dn_vswitch_get(const char *name)
{
	struct dn_vswitch *sw;

	mutex_lock(&dn_vswitches_lock);
	sw = dn_vswitch_find(name);
	if (!sw)
		sw = ERR_PTR(-ENOENT);
	else if (!uid_eq(sw->uid, current_euid()) && !capable(CAP_NET_ADMIN))
		sw = ERR_PTR(-EPERM);
	else
		kref_get(&sw->ref);
	mutex_unlock(&dn_vswitches_lock);
	return sw;
}

static struct dn_vswitch *dn_vswitch_create(const struct denali_switch_add *arg, kuid_t uid)
{
	struct dn_vswitch *sw;
	int err = -ENOMEM;

	sw = kzalloc(sizeof(*sw), GFP_KERNEL_ACCOUNT);
	if (!sw)
		return ERR_PTR(err);
	sw->buf = kmalloc(DN_FRAME_MAX, GFP_KERNEL_ACCOUNT);
	if (!sw->buf)
		goto free;
	err = dn_vports_init(sw);
	if (err)
		goto free;
	err = dn_neigh_init(sw);
	if (err)
		goto ports;
	kref_init(&sw->ref);
	INIT_WORK(&sw->work, dn_vswitch_work);
	sw->isolate = arg->flags & DENALI_SWITCH_ISOLATE;
	sw->uid = uid;
	strscpy(sw->name, arg->name, sizeof(sw->name));
	return sw;

ports:
	dn_vports_exit(sw);
free:
	kfree(sw->buf);
	kfree(sw);
	return ERR_PTR(err);
}

/** dn_vswitch_add() - DENALI_IOC_SWITCH_ADD */
int dn_vswitch_add(const struct denali_switch_add *arg)
{
	kuid_t uid = make_kuid(current_user_ns(), arg->uid);
	struct dn_vswitch *sw;
	int err = 0;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (arg->flags & ~DENALI_SWITCH_ISOLATE || !dn_vswitch_name_ok(arg->name) ||
	    !uid_valid(uid))
		return -EINVAL;
	sw = dn_vswitch_create(arg, uid);
	if (IS_ERR(sw))
		return PTR_ERR(sw);
	mutex_lock(&dn_vswitches_admin);
	mutex_lock(&dn_vswitches_lock);
	if (dn_vswitch_find(arg->name)) {
		err = -EEXIST;
	} else {
		sw->id = ++dn_vswitch_last_id;
		list_add_tail(&sw->list, &dn_vswitches);
	}
	mutex_unlock(&dn_vswitches_lock);
	mutex_unlock(&dn_vswitches_admin);
	if (err)
		dn_vswitch_put(sw);
	return err;
}

/* A frame came to the uplink, or it is gone. */
static void dn_uplink_wake(struct dn_tap *tap)
{
	struct dn_vswitch *sw = tap->owner;

	queue_work(system_unbound_wq, &sw->work);
}

/* A mirror gives nothing back: what is sent to it stays in its queue. */
static void dn_mirror_wake(struct dn_tap *tap)
{
}

/* Put @tap, or nothing, in a place of @sw, and let go of what was there. */
static void dn_vswitch_replace(struct dn_tap __rcu **place, struct dn_tap *tap)
{
	struct dn_tap *old;

	lockdep_assert_held(&dn_vswitches_admin);
	old = rcu_replace_pointer(*place, tap, lockdep_is_held(&dn_vswitches_admin));
	if (!old)
		return;
	synchronize_srcu(&dn_vswitch_srcu);
	dn_tap_put(old);
}

/* Delete @sw, which is off the list. */
static void dn_vswitch_delete(struct dn_vswitch *sw)
{
	struct dn_vport *vport;
	unsigned long id;

	WRITE_ONCE(sw->dead, true);
	dn_vswitch_replace(&sw->uplink, NULL);
	dn_vswitch_replace(&sw->mirror, NULL);
	cancel_work_sync(&sw->work);
	/* Against dn_vport_create(): either the port is found here, or it sees that. */
	smp_mb();
	rcu_read_lock();
	xa_for_each(&sw->ports, id, vport)
		dn_vport_kick(vport);
	rcu_read_unlock();
	dn_vswitch_put(sw);
}

/** dn_vswitch_del() - DENALI_IOC_SWITCH_DEL; when it returns, the taps are free */
int dn_vswitch_del(const struct denali_switch_del *arg)
{
	struct dn_vswitch *sw;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (arg->flags || arg->reserved || !dn_vswitch_name_ok(arg->name))
		return -EINVAL;
	mutex_lock(&dn_vswitches_admin);
	mutex_lock(&dn_vswitches_lock);
	sw = dn_vswitch_find(arg->name);
	if (sw)
		list_del(&sw->list);
	mutex_unlock(&dn_vswitches_lock);
	if (sw)
		dn_vswitch_delete(sw);
	mutex_unlock(&dn_vswitches_admin);
	return sw ? 0 : -ENOENT;
}

static int dn_vswitch_tap_locked(struct dn_vswitch *sw, const struct denali_switch_tap *arg)
{
	bool uplink = arg->role == DENALI_SWITCH_UPLINK;
	struct dn_tap __rcu **place = uplink ? &sw->uplink : &sw->mirror;
	struct dn_tap *tap = NULL;

	lockdep_assert_held(&dn_vswitches_admin);
	if (arg->tap_fd != -1) {
		/* All NICs of a switch leave checksums to it, and it leaves them to its taps. */
		if (arg->flags != (DENALI_NIC_VNET_HDR | DENALI_NIC_OFFLOAD))
			return -EINVAL;
		tap = dn_tap_get(arg->tap_fd, arg->flags, arg->vnet_hdr_len,
				 rcu_access_pointer(*place),
				 uplink ? dn_uplink_wake : dn_mirror_wake, sw);
		if (IS_ERR(tap))
			return PTR_ERR(tap);
	} else if (arg->flags || arg->vnet_hdr_len) {
		return -EINVAL;
	}
	dn_vswitch_replace(place, tap);
	/* What came before it was in its place. */
	if (tap && uplink)
		dn_uplink_wake(tap);
	return 0;
}

/** dn_vswitch_tap() - DENALI_IOC_SWITCH_TAP; when it returns, the former tap is free */
int dn_vswitch_tap(const struct denali_switch_tap *arg)
{
	struct dn_vswitch *sw;
	int ret;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (arg->role > DENALI_SWITCH_MIRROR || !dn_vswitch_name_ok(arg->name))
		return -EINVAL;
	mutex_lock(&dn_vswitches_admin);
	mutex_lock(&dn_vswitches_lock);
	sw = dn_vswitch_find(arg->name);
	mutex_unlock(&dn_vswitches_lock);
	/* Nobody else deletes it now. */
	ret = sw ? dn_vswitch_tap_locked(sw, arg) : -ENOENT;
	mutex_unlock(&dn_vswitches_admin);
	return ret;
}

/** dn_vswitches_exit() - no VM is left: delete all switches. Context: unloading. */
void dn_vswitches_exit(void)
{
	struct dn_vswitch *sw, *next;

	mutex_lock(&dn_vswitches_admin);
	list_for_each_entry_safe(sw, next, &dn_vswitches, list)
		dn_vswitch_delete(sw);
	mutex_unlock(&dn_vswitches_admin);
}

static int dn_vswitch_put_tap(struct sk_buff *skb, struct dn_tap __rcu **place, int ifindex, int up)
{
	int idx = srcu_read_lock(&dn_vswitch_srcu), ret = 0;
	struct dn_tap *tap = srcu_dereference(*place, &dn_vswitch_srcu);

	if (tap && (nla_put_u32(skb, ifindex, tap->ifindex) ||
		    nla_put_u32(skb, up, dn_tap_alive(tap))))
		ret = -EMSGSIZE;
	srcu_read_unlock(&dn_vswitch_srcu, idx);
	return ret;
}

/* @ns: of who is to read it, whoever's doing it is. */
static int dn_vswitch_put_all(struct sk_buff *skb, void *object, struct user_namespace *ns)
{
	struct dn_vswitch *sw = object;
	const struct {
		int type;
		u64 value;
	} counters[] = {
		{ DENALI_SWITCH_A_ID, sw->id },
		{ DENALI_SWITCH_A_RX_PACKETS, READ_ONCE(sw->rx_packets) },
		{ DENALI_SWITCH_A_RX_BYTES, READ_ONCE(sw->rx_bytes) },
		{ DENALI_SWITCH_A_UNKNOWN, READ_ONCE(sw->unknown) },
		{ DENALI_SWITCH_A_FILTERED, atomic64_read(&sw->filtered) },
		{ DENALI_SWITCH_A_LIMITED, atomic64_read(&sw->limited) },
		{ DENALI_SWITCH_A_ISOLATED, atomic64_read(&sw->isolated) },
		{ DENALI_SWITCH_A_UNMIRRORED, atomic64_read(&sw->unmirrored) },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		if (nla_put_u64_64bit(skb, counters[i].type, counters[i].value, DENALI_SWITCH_A_PAD))
			return -EMSGSIZE;
	if (nla_put_string(skb, DENALI_SWITCH_A_NAME, sw->name) ||
	    nla_put_u32(skb, DENALI_SWITCH_A_UID, from_kuid_munged(ns, sw->uid)) ||
	    nla_put_u32(skb, DENALI_SWITCH_A_FLAGS, sw->isolate ? DENALI_SWITCH_ISOLATE : 0) ||
	    nla_put_u32(skb, DENALI_SWITCH_A_PORTS, atomic_read(&sw->macs.nelems)) ||
	    dn_vswitch_put_tap(skb, &sw->uplink, DENALI_SWITCH_A_UPLINK,
			       DENALI_SWITCH_A_UPLINK_UP) ||
	    dn_vswitch_put_tap(skb, &sw->mirror, DENALI_SWITCH_A_MIRROR,
			       DENALI_SWITCH_A_MIRROR_UP))
		return -EMSGSIZE;
	return 0;
}

/** dn_vswitch_dump_start() - as for VMs: what the asker may, whoever reads it */
int dn_vswitch_dump_start(struct netlink_callback *cb)
{
	cb->args[1] = netlink_capable(cb->skb, CAP_NET_ADMIN);
	return 0;
}

/** dn_vswitch_dump() - DENALI_CMD_SWITCH_GET: those that the asker may plug into */
int dn_vswitch_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dn_vswitch *sw;
	int ret = 0;

	mutex_lock(&dn_vswitches_lock);
	list_for_each_entry(sw, &dn_vswitches, list) {
		if (sw->id <= (u64)cb->args[0])
			continue;
		ret = dn_netlink_show(skb, cb, DENALI_CMD_SWITCH_NEW, sw->id, sw->uid,
				      dn_vswitch_put_all, sw);
		if (ret)
			break;
	}
	mutex_unlock(&dn_vswitches_lock);
	return skb->len ?: ret;
}
