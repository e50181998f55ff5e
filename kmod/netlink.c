// SPDX-License-Identifier: GPL-2.0
/*
 * The generic-netlink family "denali": VMs with their counters for whoever may
 * see them, and events as they happen. The contract is in
 * include/uapi/linux/denali_netlink.h.
 *
 * Nothing here takes a VM's locks: a dump shows counters as they are at the moment,
 * and can neither hold up a runner nor wait for an ioctl.
 */
#include <linux/capability.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include <uapi/linux/denali_netlink.h>

#include "cpus.h"
#include "runner.h"
#include "tenant.h"
#include "vm.h"
#include "vswitch.h"

static DEFINE_MUTEX(dn_event_lock);	/* events are sent in the order of their numbers */
static atomic64_t dn_event_seq;

/* A counter and its attribute; lists of these end with attribute 0. */
struct dn_counter {
	int type;
	const u64 *value;
};

static int dn_netlink_put_counters(struct sk_buff *skb, const struct dn_counter *c, int pad)
{
	for (; c->type; c++)
		if (nla_put_u64_64bit(skb, c->type, READ_ONCE(*c->value), pad))
			return -EMSGSIZE;
	return 0;
}

/* This and the next have arrays that KASAN makes large. */
static noinline_for_stack int dn_netlink_put_port(struct sk_buff *skb, struct dn_port *port)
{
	const struct dn_port_stats *st = &port->stats;
	const struct dn_counter counters[] = {
		{ DENALI_PORT_A_RX_PACKETS, &st->rx_packets },
		{ DENALI_PORT_A_RX_BYTES, &st->rx_bytes },
		{ DENALI_PORT_A_TX_PACKETS, &st->tx_packets },
		{ DENALI_PORT_A_TX_BYTES, &st->tx_bytes },
		{ DENALI_PORT_A_RX_DROPS, &st->rx_drops },
		{ DENALI_PORT_A_TX_DROPS, &st->tx_drops },
		{}
	};
	struct nlattr *nest = nla_nest_start(skb, DENALI_A_PORT);
	char sw[DENALI_NAME_SIZE];

	if (!nest ||
	    nla_put_u32(skb, DENALI_PORT_A_INDEX, port->index) ||
	    nla_put_u32(skb, DENALI_PORT_A_TYPE, port->ops->type) ||
	    nla_put_u32(skb, DENALI_PORT_A_UP, READ_ONCE(port->up)) ||
	    nla_put_u32(skb, DENALI_PORT_A_IFINDEX, port->ops->ifindex(port)) ||
	    (port->ops->type == DENALI_PORT_NIC &&
	     nla_put(skb, DENALI_PORT_A_MAC, sizeof(port->mac), port->mac)) ||
	    (port->ops->switch_name && port->ops->switch_name(port, sw) &&
	     nla_put_string(skb, DENALI_PORT_A_SWITCH, sw)) ||
	    dn_netlink_put_counters(skb, counters, DENALI_PORT_A_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static noinline_for_stack int dn_netlink_put_exits(struct sk_buff *skb,
						   const struct dn_vm_stats *st)
{
	const struct dn_counter counters[] = {
		{ DENALI_EXIT_A_HYPERCALL, &st->exits_hypercall },
		{ DENALI_EXIT_A_INTERRUPT, &st->exits_interrupt },
		{ DENALI_EXIT_A_NMI, &st->exits_nmi },
		{ DENALI_EXIT_A_MCE, &st->exits_mce },
		{ DENALI_EXIT_A_EXCEPTION, &st->exits_exception },
		{}
	};
	struct nlattr *nest = nla_nest_start(skb, DENALI_A_EXITS);

	if (!nest || dn_netlink_put_counters(skb, counters, DENALI_EXIT_A_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int dn_netlink_put_share(struct sk_buff *skb, const struct dn_vm *vm)
{
	const struct dn_cap *cap;
	const unsigned long *cpus;

	/* Against dn_share_alloc(): filled in before it is there. */
	cap = smp_load_acquire(&vm->cap);
	/* The same. */
	cpus = smp_load_acquire(&vm->cpus);
	if (nla_put_u32(skb, DENALI_A_WEIGHT, READ_ONCE(vm->weight)) ||
	    nla_put_u32(skb, DENALI_A_CAP, cap ? READ_ONCE(cap->percent) : 0))
		return -EMSGSIZE;
	return cpus ? dn_cpus_put(skb, DENALI_A_CPUS, cpus) : 0;
}

/* @ns: of who is to read it, whoever's doing it is. */
static int dn_netlink_put_vm(struct sk_buff *skb, struct dn_vm *vm, struct user_namespace *ns)
{
	const struct dn_runner *runner = READ_ONCE(vm->runner);
	const bool admitted = dn_vm_admitted(vm);
	const u64 kmem = dn_vm_kmem(vm), lost = admitted ? dn_console_lost(vm) : 0;
	const u64 own = admitted ? dn_part_own_bytes(vm->part) : 0;
	const struct dn_counter counters[] = {
		{ DENALI_A_ID, &vm->id },
		{ DENALI_A_MEM_BYTES, &vm->mem_size },
		{ DENALI_A_OWN_BYTES, &own },
		{ DENALI_A_KMEM_BYTES, &kmem },
		{ DENALI_A_RUN_NS, &vm->stats.run_ns },
		{ DENALI_A_STEAL_NS, &vm->stats.steal_ns },
		{ DENALI_A_HYPERCALLS, &vm->stats.hypercalls },
		{ DENALI_A_UPCALLS, &vm->stats.upcalls },
		{ DENALI_A_IRQS, &vm->stats.irqs },
		{ DENALI_A_CONSOLE_LOST, &lost },
		{}
	};
	struct denali_vm_state st = {};
	struct dn_port *port;
	int i;

	dn_vm_fill_state(vm, &st);
	if (dn_netlink_put_counters(skb, counters, DENALI_A_PAD) ||
	    nla_put_string(skb, DENALI_A_NAME, st.name) ||
	    nla_put_u32(skb, DENALI_A_UID, from_kuid_munged(ns, vm->uid)) ||
	    nla_put_u32(skb, DENALI_A_STATE, st.state) ||
	    nla_put_u32(skb, DENALI_A_REASON, st.reason) ||
	    nla_put_s32(skb, DENALI_A_STATUS, st.status) ||
	    nla_put_string(skb, DENALI_A_TEXT, st.text) ||
	    nla_put_u32(skb, DENALI_A_FLAGS, st.flags) ||
	    nla_put_u32(skb, DENALI_A_IDLE, READ_ONCE(vm->on) == DN_ON_IDLE) ||
	    (vm->base && nla_put_u64_64bit(skb, DENALI_A_TEMPLATE, vm->base->id, DENALI_A_PAD)) ||
	    (runner && nla_put_u32(skb, DENALI_A_CPU, runner->cpu)) ||
	    (vm->tenant->name[0] && nla_put_string(skb, DENALI_A_TENANT, vm->tenant->name)) ||
	    dn_netlink_put_share(skb, vm) ||
	    dn_netlink_put_exits(skb, &vm->stats))
		return -EMSGSIZE;

	for (i = 0; (port = dn_vm_port(vm, i)); i++)
		if (dn_netlink_put_port(skb, port))
			return -EMSGSIZE;
	return 0;
}

/*
 * Where a VM waits. Not told with events: these are sent where the gatekeeper's lock is held.
 */
static int dn_netlink_put_place(struct sk_buff *skb, struct dn_vm *vm)
{
	u32 place = dn_vm_state(vm) == DENALI_VM_WAITING ? dn_gate_place(vm) : 0;

	if (!place)
		return 0;
	return nla_put_u32(skb, DENALI_A_PLACE, place) ||
	       nla_put_u32(skb, DENALI_A_WAITS, dn_vm_admitted(vm) ? DENALI_WAITS_TO_RUN :
								   DENALI_WAITS_FOR_MEMORY) ||
	       nla_put_u32(skb, DENALI_A_PRIORITY, vm->gate.priority) ? -EMSGSIZE : 0;
}

/* Is @vm the sender's of @skb? As the socket has kept it: a dump goes on in whoever reads it. */
static bool dn_netlink_owns(const struct sk_buff *skb, const struct dn_vm *vm)
{
	return uid_eq(vm->uid, NETLINK_CREDS(skb)->uid);
}

static struct user_namespace *dn_netlink_ns(const struct sk_buff *skb)
{
	return sk_user_ns(NETLINK_CB(skb).sk);
}

/* All that is told of a VM to who asks. */
static int dn_netlink_put_all(struct sk_buff *skb, void *vm, struct user_namespace *ns)
{
	return dn_netlink_put_vm(skb, vm, ns) ?: dn_netlink_put_place(skb, vm);
}

static int dn_netlink_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	struct dn_vm *vm;
	void *hdr;
	u64 id;
	int ret;

	if (GENL_REQ_ATTR_CHECK(info, DENALI_A_ID))
		return -EINVAL;
	id = nla_get_u64(info->attrs[DENALI_A_ID]);
	vm = id ? dn_vm_next(id - 1) : NULL;
	if (!vm || vm->id != id) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[DENALI_A_ID], "no VM has this id");
		ret = -ENOENT;
		goto put;
	}
	if (!dn_netlink_owns(skb, vm) && !netlink_capable(skb, CAP_SYS_ADMIN)) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[DENALI_A_ID],
				    "the VM is another user's");
		ret = -EPERM;
		goto put;
	}

	ret = -ENOMEM;
	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply)
		goto put;
	ret = -EMSGSIZE;
	hdr = genlmsg_put_reply(reply, info, &dn_family, 0, DENALI_CMD_VM_NEW);
	if (hdr)
		ret = dn_netlink_put_all(reply, vm, dn_netlink_ns(skb));
	if (ret) {
		nlmsg_free(reply);
		goto put;
	}
	genlmsg_end(reply, hdr);
	ret = genlmsg_reply(reply, info);
put:
	if (vm)
		dn_vm_put(vm);
	return ret;
}

/**
 * dn_netlink_dump_start() - a dump of what only who has CAP_SYS_ADMIN sees all of
 * @cb: cb->args[1] is set to whether the sender does
 *
 * The sender is here only now. Who reads the rest may be a set-uid program that
 * was given the socket: its capabilities don't count.
 */
static int dn_netlink_dump_start(struct netlink_callback *cb)
{
	cb->args[1] = netlink_capable(cb->skb, CAP_SYS_ADMIN);
	return 0;
}

/**
 * dn_netlink_show() - the next object of a dump, in order of id, if the asker may see it
 * @skb: the answer
 * @cb:  cb->args[0] is the id of the last one that was the next; [1]: everybody's are to be shown
 * @cmd: DENALI_CMD_*_NEW
 * @id:  the object's
 * @uid: its owner
 * @put: puts its attributes
 * @object: for @put
 *
 * Return: 0, or -EMSGSIZE: it doesn't fit any more. Then the dump goes on with it, unless there is
 * nothing in @skb and it can never fit: it returns skb->len ?: the error.
 */
int dn_netlink_show(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd, u64 id, kuid_t uid,
		    dn_netlink_put_t *put, void *object)
{
	void *hdr;

	if (cb->args[1] || uid_eq(uid, NETLINK_CREDS(cb->skb)->uid)) {
		hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &dn_family,
				  NLM_F_MULTI, cmd);
		if (!hdr)
			return -EMSGSIZE;
		if (put(skb, object, dn_netlink_ns(cb->skb))) {
			genlmsg_cancel(skb, hdr);
			return -EMSGSIZE;
		}
		genlmsg_end(skb, hdr);
	}
	cb->args[0] = id;
	return 0;
}

static int dn_netlink_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dn_vm *vm;
	int ret = 0;

	while (!ret && (vm = dn_vm_next(cb->args[0]))) {
		ret = dn_netlink_show(skb, cb, DENALI_CMD_VM_NEW, vm->id, vm->uid,
				      dn_netlink_put_all, vm);
		dn_vm_put(vm);
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	return skb->len ?: ret;
}

static const struct nla_policy dn_policy[DENALI_A_ID + 1] = {
	[DENALI_A_ID] = { .type = NLA_U64 },
};

static const struct genl_ops dn_ops[] = {
	{
		.cmd = DENALI_CMD_VM_GET,
		.doit = dn_netlink_get,
		.start = dn_netlink_dump_start,
		.dumpit = dn_netlink_dump,
	},
	{
		.cmd = DENALI_CMD_SWITCH_GET,
		.start = dn_vswitch_dump_start,
		.dumpit = dn_vswitch_dump,
	},
	{
		.cmd = DENALI_CMD_TENANT_GET,
		.start = dn_netlink_dump_start,
		.dumpit = dn_tenant_dump,
	},
};

static const struct genl_multicast_group dn_groups[] = {
	/* Events tell of everybody's VMs. */
	{ .name = DENALI_GENL_GROUP, .flags = GENL_MCAST_CAP_NET_ADMIN },
};

struct genl_family dn_family __ro_after_init = {
	.name = DENALI_GENL_NAME,
	.version = DENALI_GENL_VERSION,
	.maxattr = DENALI_A_ID,
	.policy = dn_policy,
	.module = THIS_MODULE,
	.parallel_ops = true,
	/* Dumps in every network namespace; events in the first one only, see dn_netlink_event(). */
	.netnsok = true,
	.ops = dn_ops,
	.n_ops = ARRAY_SIZE(dn_ops),
	.resv_start_op = DENALI_CMD_VM_GET,	/* all are checked strictly */
	.mcgrps = dn_groups,
	.n_mcgrps = ARRAY_SIZE(dn_groups),
};

/* Somebody listens, or did a moment ago. */
static noinline void dn_netlink_event_send(struct dn_vm *vm, u32 event)
{
	struct sk_buff *skb;
	void *hdr;
	u64 seq;

	mutex_lock(&dn_event_lock);
	seq = atomic64_inc_return(&dn_event_seq);
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		goto unlock;
	hdr = genlmsg_put(skb, 0, 0, &dn_family, 0, DENALI_CMD_EVENT);
	if (!hdr || nla_put_u32(skb, DENALI_A_EVENT, event) ||
	    nla_put_u64_64bit(skb, DENALI_A_SEQ, seq, DENALI_A_PAD) ||
	    dn_netlink_put_vm(skb, vm, &init_user_ns))
		goto unlock;
	genlmsg_end(skb, hdr);
	genlmsg_multicast(&dn_family, skb, 0, 0, GFP_KERNEL);
	skb = NULL;
unlock:
	mutex_unlock(&dn_event_lock);
	nlmsg_free(skb);
}

/**
 * dn_netlink_event() - tell the group "events" what happened to a VM
 * @vm:    held by the caller
 * @event: enum denali_event
 *
 * Only to the initial network namespace: in another, root of a user namespace could listen.
 * An event that can't be sent, or that nobody listens to, leaves a gap in the numbers. Context: process.
 */
void dn_netlink_event(struct dn_vm *vm, u32 event)
{
	if (unlikely(genl_has_listeners(&dn_family, &init_net, 0)))
		dn_netlink_event_send(vm, event);
	else
		atomic64_inc(&dn_event_seq);
}

/* dn_netlink_register() - context: module init */
int __init dn_netlink_register(void)
{
	return genl_register_family(&dn_family);
}

void dn_netlink_unregister(void)
{
	genl_unregister_family(&dn_family);
}
