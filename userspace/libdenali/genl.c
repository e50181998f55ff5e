// SPDX-License-Identifier: MIT
/*
 * The module's generic-netlink family: dumps of VMs with their counters, and
 * events. Attributes that this version doesn't know are skipped, those that are
 * missing read as 0, as the family only ever grows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include <linux/denali_netlink.h>

#include "internal.h"

/* Room for a burst of events between two reads. */
#define DENALI_EVENTS_BUFFER	(1024 * 1024)

struct denali_nl {
	struct nl_sock *sock;
	int family;

	/* Where the replies of the request under way go. */
	union {
		struct denali_vm_stats *list;
		struct denali_switch_stats *switches;
		struct denali_tenant_stats *tenants;
		void *replies;
	};
	size_t count;
	size_t room;
	bool no_memory;

	int (*handler)(const struct denali_event_info *event, void *arg);
	void *handler_arg;
	int handler_ret;
};

static struct nla_policy denali_vm_policy[DENALI_A_MAX + 1] = {
	[DENALI_A_ID]		= { .type = NLA_U64 },
	[DENALI_A_NAME]		= { .type = NLA_STRING },
	[DENALI_A_UID]		= { .type = NLA_U32 },
	[DENALI_A_STATE]	= { .type = NLA_U32 },
	[DENALI_A_REASON]	= { .type = NLA_U32 },
	[DENALI_A_STATUS]	= { .type = NLA_U32 },
	[DENALI_A_TEXT]		= { .type = NLA_STRING },
	[DENALI_A_MEM_BYTES]	= { .type = NLA_U64 },
	[DENALI_A_KMEM_BYTES]	= { .type = NLA_U64 },
	[DENALI_A_FLAGS]	= { .type = NLA_U32 },
	[DENALI_A_RUN_NS]	= { .type = NLA_U64 },
	[DENALI_A_STEAL_NS]	= { .type = NLA_U64 },
	[DENALI_A_EXITS]	= { .type = NLA_NESTED },
	[DENALI_A_HYPERCALLS]	= { .type = NLA_U64 },
	[DENALI_A_UPCALLS]	= { .type = NLA_U64 },
	[DENALI_A_IRQS]		= { .type = NLA_U64 },
	[DENALI_A_CPU]		= { .type = NLA_U32 },
	[DENALI_A_PORT]		= { .type = NLA_NESTED },
	[DENALI_A_EVENT]	= { .type = NLA_U32 },
	[DENALI_A_SEQ]		= { .type = NLA_U64 },
	[DENALI_A_CONSOLE_LOST]	= { .type = NLA_U64 },
	[DENALI_A_OWN_BYTES]	= { .type = NLA_U64 },
	[DENALI_A_TEMPLATE]	= { .type = NLA_U64 },
	[DENALI_A_IDLE]		= { .type = NLA_U32 },
	[DENALI_A_WEIGHT]	= { .type = NLA_U32 },
	[DENALI_A_CAP]		= { .type = NLA_U32 },
	[DENALI_A_CPUS]		= { .type = NLA_UNSPEC },
	[DENALI_A_TENANT]	= { .type = NLA_STRING },
	[DENALI_A_PLACE]	= { .type = NLA_U32 },
	[DENALI_A_WAITS]	= { .type = NLA_U32 },
	[DENALI_A_PRIORITY]	= { .type = NLA_U32 },
};

static struct nla_policy denali_exit_policy[DENALI_EXIT_A_MAX + 1] = {
	[DENALI_EXIT_A_HYPERCALL]	= { .type = NLA_U64 },
	[DENALI_EXIT_A_INTERRUPT]	= { .type = NLA_U64 },
	[DENALI_EXIT_A_NMI]		= { .type = NLA_U64 },
	[DENALI_EXIT_A_MCE]		= { .type = NLA_U64 },
	[DENALI_EXIT_A_EXCEPTION]	= { .type = NLA_U64 },
};

static struct nla_policy denali_port_policy[DENALI_PORT_A_MAX + 1] = {
	[DENALI_PORT_A_INDEX]		= { .type = NLA_U32 },
	[DENALI_PORT_A_TYPE]		= { .type = NLA_U32 },
	[DENALI_PORT_A_UP]		= { .type = NLA_U32 },
	[DENALI_PORT_A_MAC]		= { .minlen = 6, .maxlen = 6 },
	[DENALI_PORT_A_IFINDEX]		= { .type = NLA_U32 },
	[DENALI_PORT_A_RX_PACKETS]	= { .type = NLA_U64 },
	[DENALI_PORT_A_RX_BYTES]	= { .type = NLA_U64 },
	[DENALI_PORT_A_TX_PACKETS]	= { .type = NLA_U64 },
	[DENALI_PORT_A_TX_BYTES]	= { .type = NLA_U64 },
	[DENALI_PORT_A_RX_DROPS]	= { .type = NLA_U64 },
	[DENALI_PORT_A_TX_DROPS]	= { .type = NLA_U64 },
	[DENALI_PORT_A_SWITCH]		= { .type = NLA_STRING },
};

static uint64_t denali_attr_u64(struct nlattr *attr)
{
	return attr ? nla_get_u64(attr) : 0;
}

static uint32_t denali_attr_u32(struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static void denali_parse_exits(struct nlattr *attr, struct denali_vm_stats *vm)
{
	struct nlattr *tb[DENALI_EXIT_A_MAX + 1];

	if (!attr || nla_parse_nested(tb, DENALI_EXIT_A_MAX, attr, denali_exit_policy) < 0)
		return;
	vm->exits_hypercall = denali_attr_u64(tb[DENALI_EXIT_A_HYPERCALL]);
	vm->exits_interrupt = denali_attr_u64(tb[DENALI_EXIT_A_INTERRUPT]);
	vm->exits_nmi = denali_attr_u64(tb[DENALI_EXIT_A_NMI]);
	vm->exits_mce = denali_attr_u64(tb[DENALI_EXIT_A_MCE]);
	vm->exits_exception = denali_attr_u64(tb[DENALI_EXIT_A_EXCEPTION]);
}

static void denali_parse_port(struct nlattr *attr, struct denali_vm_stats *vm)
{
	struct nlattr *tb[DENALI_PORT_A_MAX + 1];
	struct denali_port_stats *port;

	if (vm->nr_ports == DENALI_STATS_PORTS ||
	    nla_parse_nested(tb, DENALI_PORT_A_MAX, attr, denali_port_policy) < 0)
		return;
	port = &vm->ports[vm->nr_ports++];
	port->index = denali_attr_u32(tb[DENALI_PORT_A_INDEX]);
	port->type = denali_attr_u32(tb[DENALI_PORT_A_TYPE]);
	port->up = denali_attr_u32(tb[DENALI_PORT_A_UP]);
	port->ifindex = denali_attr_u32(tb[DENALI_PORT_A_IFINDEX]);
	port->rx_packets = denali_attr_u64(tb[DENALI_PORT_A_RX_PACKETS]);
	port->rx_bytes = denali_attr_u64(tb[DENALI_PORT_A_RX_BYTES]);
	port->tx_packets = denali_attr_u64(tb[DENALI_PORT_A_TX_PACKETS]);
	port->tx_bytes = denali_attr_u64(tb[DENALI_PORT_A_TX_BYTES]);
	port->rx_drops = denali_attr_u64(tb[DENALI_PORT_A_RX_DROPS]);
	port->tx_drops = denali_attr_u64(tb[DENALI_PORT_A_TX_DROPS]);
	if (tb[DENALI_PORT_A_SWITCH])
		nla_strlcpy(port->sw, tb[DENALI_PORT_A_SWITCH], sizeof(port->sw));
	denali_text_clean(port->sw);
	if (tb[DENALI_PORT_A_MAC]) {
		memcpy(port->mac, nla_data(tb[DENALI_PORT_A_MAC]), 6);
		port->has_mac = 1;
	}
}

/* Not there: all. */
static void denali_parse_cpus(struct nlattr *attr, uint64_t cpus[DENALI_CPUS_MAX / 64])
{
	const size_t size = DENALI_CPUS_MAX / 8;

	if (attr)
		nla_memcpy(cpus, attr, size);
	else
		memset(cpus, 0xff, size);
}

static int denali_parse_vm(struct nlmsghdr *nlh, struct nlattr **tb, struct denali_vm_stats *vm)
{
	struct nlattr *attr;
	int rem;

	memset(vm, 0, sizeof(*vm));
	if (genlmsg_parse(nlh, 0, tb, DENALI_A_MAX, denali_vm_policy) < 0)
		return -EBADMSG;

	vm->id = denali_attr_u64(tb[DENALI_A_ID]);
	vm->uid = denali_attr_u32(tb[DENALI_A_UID]);
	vm->state = denali_attr_u32(tb[DENALI_A_STATE]);
	vm->reason = denali_attr_u32(tb[DENALI_A_REASON]);
	vm->status = (int32_t)denali_attr_u32(tb[DENALI_A_STATUS]);
	vm->flags = denali_attr_u32(tb[DENALI_A_FLAGS]);
	vm->cpu = denali_attr_u32(tb[DENALI_A_CPU]);
	vm->idle = denali_attr_u32(tb[DENALI_A_IDLE]);
	vm->mem_bytes = denali_attr_u64(tb[DENALI_A_MEM_BYTES]);
	vm->kmem_bytes = denali_attr_u64(tb[DENALI_A_KMEM_BYTES]);
	vm->run_ns = denali_attr_u64(tb[DENALI_A_RUN_NS]);
	vm->steal_ns = denali_attr_u64(tb[DENALI_A_STEAL_NS]);
	vm->hypercalls = denali_attr_u64(tb[DENALI_A_HYPERCALLS]);
	vm->upcalls = denali_attr_u64(tb[DENALI_A_UPCALLS]);
	vm->irqs = denali_attr_u64(tb[DENALI_A_IRQS]);
	vm->console_lost = denali_attr_u64(tb[DENALI_A_CONSOLE_LOST]);
	vm->own_bytes = denali_attr_u64(tb[DENALI_A_OWN_BYTES]);
	vm->template_id = denali_attr_u64(tb[DENALI_A_TEMPLATE]);
	vm->weight = denali_attr_u32(tb[DENALI_A_WEIGHT]);
	vm->cap = denali_attr_u32(tb[DENALI_A_CAP]);
	vm->place = denali_attr_u32(tb[DENALI_A_PLACE]);
	vm->waits = denali_attr_u32(tb[DENALI_A_WAITS]);
	vm->priority = denali_attr_u32(tb[DENALI_A_PRIORITY]);
	denali_parse_cpus(tb[DENALI_A_CPUS], vm->cpus);
	if (tb[DENALI_A_NAME])
		nla_strlcpy(vm->name, tb[DENALI_A_NAME], sizeof(vm->name));
	if (tb[DENALI_A_TEXT])
		nla_strlcpy(vm->text, tb[DENALI_A_TEXT], sizeof(vm->text));
	if (tb[DENALI_A_TENANT])
		nla_strlcpy(vm->tenant, tb[DENALI_A_TENANT], sizeof(vm->tenant));
	denali_text_clean(vm->name);
	denali_text_clean(vm->text);
	denali_text_clean(vm->tenant);
	denali_parse_exits(tb[DENALI_A_EXITS], vm);
	nla_for_each_attr(attr, genlmsg_attrdata(nlmsg_data(nlh), 0),
			  genlmsg_attrlen(nlmsg_data(nlh), 0), rem)
		if (nla_type(attr) == DENALI_A_PORT)
			denali_parse_port(attr, vm);
	return 0;
}

static struct nla_policy denali_switch_policy[DENALI_SWITCH_A_MAX + 1] = {
	[DENALI_SWITCH_A_ID]		= { .type = NLA_U64 },
	[DENALI_SWITCH_A_NAME]		= { .type = NLA_STRING },
	[DENALI_SWITCH_A_UID]		= { .type = NLA_U32 },
	[DENALI_SWITCH_A_FLAGS]		= { .type = NLA_U32 },
	[DENALI_SWITCH_A_PORTS]		= { .type = NLA_U32 },
	[DENALI_SWITCH_A_UPLINK]	= { .type = NLA_U32 },
	[DENALI_SWITCH_A_UPLINK_UP]	= { .type = NLA_U32 },
	[DENALI_SWITCH_A_MIRROR]	= { .type = NLA_U32 },
	[DENALI_SWITCH_A_MIRROR_UP]	= { .type = NLA_U32 },
	[DENALI_SWITCH_A_RX_PACKETS]	= { .type = NLA_U64 },
	[DENALI_SWITCH_A_RX_BYTES]	= { .type = NLA_U64 },
	[DENALI_SWITCH_A_UNKNOWN]	= { .type = NLA_U64 },
	[DENALI_SWITCH_A_FILTERED]	= { .type = NLA_U64 },
	[DENALI_SWITCH_A_LIMITED]	= { .type = NLA_U64 },
	[DENALI_SWITCH_A_ISOLATED]	= { .type = NLA_U64 },
	[DENALI_SWITCH_A_UNMIRRORED]	= { .type = NLA_U64 },
};

static int denali_parse_switch(struct nlmsghdr *nlh, struct denali_switch_stats *sw)
{
	struct nlattr *tb[DENALI_SWITCH_A_MAX + 1];

	memset(sw, 0, sizeof(*sw));
	if (genlmsg_parse(nlh, 0, tb, DENALI_SWITCH_A_MAX, denali_switch_policy) < 0)
		return -EBADMSG;
	sw->id = denali_attr_u64(tb[DENALI_SWITCH_A_ID]);
	sw->rx_packets = denali_attr_u64(tb[DENALI_SWITCH_A_RX_PACKETS]);
	sw->rx_bytes = denali_attr_u64(tb[DENALI_SWITCH_A_RX_BYTES]);
	sw->unknown = denali_attr_u64(tb[DENALI_SWITCH_A_UNKNOWN]);
	sw->filtered = denali_attr_u64(tb[DENALI_SWITCH_A_FILTERED]);
	sw->limited = denali_attr_u64(tb[DENALI_SWITCH_A_LIMITED]);
	sw->isolated = denali_attr_u64(tb[DENALI_SWITCH_A_ISOLATED]);
	sw->unmirrored = denali_attr_u64(tb[DENALI_SWITCH_A_UNMIRRORED]);
	sw->uid = denali_attr_u32(tb[DENALI_SWITCH_A_UID]);
	sw->flags = denali_attr_u32(tb[DENALI_SWITCH_A_FLAGS]);
	sw->ports = denali_attr_u32(tb[DENALI_SWITCH_A_PORTS]);
	sw->uplink = denali_attr_u32(tb[DENALI_SWITCH_A_UPLINK]);
	sw->uplink_up = denali_attr_u32(tb[DENALI_SWITCH_A_UPLINK_UP]);
	sw->has_uplink = !!tb[DENALI_SWITCH_A_UPLINK];
	sw->mirror = denali_attr_u32(tb[DENALI_SWITCH_A_MIRROR]);
	sw->mirror_up = denali_attr_u32(tb[DENALI_SWITCH_A_MIRROR_UP]);
	sw->has_mirror = !!tb[DENALI_SWITCH_A_MIRROR];
	if (tb[DENALI_SWITCH_A_NAME])
		nla_strlcpy(sw->name, tb[DENALI_SWITCH_A_NAME], sizeof(sw->name));
	denali_text_clean(sw->name);
	return 0;
}

static struct nla_policy denali_tenant_policy[DENALI_TENANT_A_MAX + 1] = {
	[DENALI_TENANT_A_ID]		= { .type = NLA_U64 },
	[DENALI_TENANT_A_NAME]		= { .type = NLA_STRING },
	[DENALI_TENANT_A_UID]		= { .type = NLA_U32 },
	[DENALI_TENANT_A_VMS]		= { .type = NLA_U32 },
	[DENALI_TENANT_A_MAX_VMS]	= { .type = NLA_U32 },
	[DENALI_TENANT_A_MEM_BYTES]	= { .type = NLA_U64 },
	[DENALI_TENANT_A_MAX_MEM_BYTES]	= { .type = NLA_U64 },
	[DENALI_TENANT_A_NICE]		= { .type = NLA_U32 },
	[DENALI_TENANT_A_RUN_NS]	= { .type = NLA_U64 },
	[DENALI_TENANT_A_CPUS]		= { .type = NLA_UNSPEC },
	[DENALI_TENANT_A_RUNNER]	= { .type = NLA_NESTED },
	[DENALI_TENANT_A_RUNNABLE]	= { .type = NLA_U32 },
	[DENALI_TENANT_A_MAX_RUNNABLE]	= { .type = NLA_U32 },
	[DENALI_TENANT_A_WAITING]	= { .type = NLA_U32 },
};

static struct nla_policy denali_runner_policy[DENALI_RUNNER_A_MAX + 1] = {
	[DENALI_RUNNER_A_CPU]	= { .type = NLA_U32 },
	[DENALI_RUNNER_A_TID]	= { .type = NLA_U32 },
};

static void denali_parse_runner(struct nlattr *attr, struct denali_tenant_stats *tenant)
{
	struct nlattr *tb[DENALI_RUNNER_A_MAX + 1];
	struct denali_runner_stats *runner;

	if (tenant->nr_runners == DENALI_STATS_RUNNERS ||
	    nla_parse_nested(tb, DENALI_RUNNER_A_MAX, attr, denali_runner_policy) < 0)
		return;
	runner = &tenant->runners[tenant->nr_runners++];
	runner->cpu = denali_attr_u32(tb[DENALI_RUNNER_A_CPU]);
	runner->tid = denali_attr_u32(tb[DENALI_RUNNER_A_TID]);
}

static int denali_parse_tenant(struct nlmsghdr *nlh, struct denali_tenant_stats *tenant)
{
	struct nlattr *tb[DENALI_TENANT_A_MAX + 1], *attr;
	int rem;

	memset(tenant, 0, sizeof(*tenant));
	if (genlmsg_parse(nlh, 0, tb, DENALI_TENANT_A_MAX, denali_tenant_policy) < 0)
		return -EBADMSG;
	tenant->id = denali_attr_u64(tb[DENALI_TENANT_A_ID]);
	tenant->vms = denali_attr_u32(tb[DENALI_TENANT_A_VMS]);
	tenant->max_vms = denali_attr_u32(tb[DENALI_TENANT_A_MAX_VMS]);
	tenant->mem_bytes = denali_attr_u64(tb[DENALI_TENANT_A_MEM_BYTES]);
	tenant->max_mem_bytes = denali_attr_u64(tb[DENALI_TENANT_A_MAX_MEM_BYTES]);
	tenant->runnable = denali_attr_u32(tb[DENALI_TENANT_A_RUNNABLE]);
	tenant->max_runnable = denali_attr_u32(tb[DENALI_TENANT_A_MAX_RUNNABLE]);
	tenant->waiting = denali_attr_u32(tb[DENALI_TENANT_A_WAITING]);
	tenant->nice = (int32_t)denali_attr_u32(tb[DENALI_TENANT_A_NICE]);
	tenant->run_ns = denali_attr_u64(tb[DENALI_TENANT_A_RUN_NS]);
	tenant->has_uid = !!tb[DENALI_TENANT_A_UID];
	tenant->uid = denali_attr_u32(tb[DENALI_TENANT_A_UID]);
	denali_parse_cpus(tb[DENALI_TENANT_A_CPUS], tenant->cpus);
	if (tb[DENALI_TENANT_A_NAME])
		nla_strlcpy(tenant->name, tb[DENALI_TENANT_A_NAME], sizeof(tenant->name));
	denali_text_clean(tenant->name);
	nla_for_each_attr(attr, genlmsg_attrdata(nlmsg_data(nlh), 0),
			  genlmsg_attrlen(nlmsg_data(nlh), 0), rem)
		if (nla_type(attr) == DENALI_TENANT_A_RUNNER)
			denali_parse_runner(attr, tenant);
	return 0;
}

/* Room for one more reply of @size bytes. */
static bool denali_nl_room(struct denali_nl *nl, size_t size)
{
	size_t room = nl->room ? 2 * nl->room : 16;
	void *replies;

	if (nl->count < nl->room)
		return true;
	replies = realloc(nl->replies, room * size);
	if (!replies) {
		nl->no_memory = true;
		return false;
	}
	nl->replies = replies;
	nl->room = room;
	return true;
}

static int denali_nl_collect(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[DENALI_A_MAX + 1];
	struct denali_nl *nl = arg;

	if (genlmsg_hdr(nlmsg_hdr(msg))->cmd == DENALI_CMD_SWITCH_NEW) {
		if (!denali_nl_room(nl, sizeof(*nl->switches)))
			return NL_SKIP;
		if (!denali_parse_switch(nlmsg_hdr(msg), &nl->switches[nl->count]))
			nl->count++;
		return NL_OK;
	}
	if (genlmsg_hdr(nlmsg_hdr(msg))->cmd == DENALI_CMD_TENANT_NEW) {
		if (!denali_nl_room(nl, sizeof(*nl->tenants)))
			return NL_SKIP;
		if (!denali_parse_tenant(nlmsg_hdr(msg), &nl->tenants[nl->count]))
			nl->count++;
		return NL_OK;
	}
	if (!denali_nl_room(nl, sizeof(*nl->list)))
		return NL_SKIP;
	if (!denali_parse_vm(nlmsg_hdr(msg), tb, &nl->list[nl->count]))
		nl->count++;
	return NL_OK;
}

static int denali_nl_event(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[DENALI_A_MAX + 1];
	struct denali_event_info event;
	struct denali_nl *nl = arg;

	if (genlmsg_hdr(nlmsg_hdr(msg))->cmd != DENALI_CMD_EVENT ||
	    denali_parse_vm(nlmsg_hdr(msg), tb, &event.vm))
		return NL_SKIP;
	event.event = denali_attr_u32(tb[DENALI_A_EVENT]);
	event.seq = denali_attr_u64(tb[DENALI_A_SEQ]);
	nl->handler_ret = nl->handler(&event, nl->handler_arg);
	return nl->handler_ret ? NL_STOP : NL_OK;
}

struct denali_nl *denali_nl_open(struct denali_error *err)
{
	struct denali_nl *nl = calloc(1, sizeof(*nl));
	int ret;

	if (nl)
		nl->sock = nl_socket_alloc();
	if (!nl || !nl->sock) {
		denali_fail(err, ENOMEM, "generic netlink: out of memory");
		denali_nl_close(nl);
		return NULL;
	}
	ret = genl_connect(nl->sock);
	if (ret < 0) {
		denali_fail(err, denali_nl_errno(ret), "generic netlink: connect: %s",
			    nl_geterror(ret));
		denali_nl_close(nl);
		return NULL;
	}
	nl->family = genl_ctrl_resolve(nl->sock, DENALI_GENL_NAME);
	if (nl->family < 0) {
		denali_fail(err, ENOENT,
			    "generic netlink: there is no family %s: the denali module is not loaded; as root: modprobe denali",
			    DENALI_GENL_NAME);
		denali_nl_close(nl);
		return NULL;
	}
	nl_socket_disable_auto_ack(nl->sock);
	nl_socket_modify_cb(nl->sock, NL_CB_VALID, NL_CB_CUSTOM, denali_nl_collect, nl);
	return nl;
}

void denali_nl_close(struct denali_nl *nl)
{
	if (!nl)
		return;
	nl_socket_free(nl->sock);
	free(nl);
}

int denali_nl_fd(const struct denali_nl *nl)
{
	return nl_socket_get_fd(nl->sock);
}

/* Sends a request for one id, or for all with 0, and collects the replies. */
static int denali_nl_request(struct denali_nl *nl, uint8_t cmd, uint64_t id)
{
	struct nl_msg *msg = nlmsg_alloc();
	int ret = -NLE_NOMEM;

	nl->count = 0;
	nl->no_memory = false;
	if (msg && genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0,
			       id ? 0 : NLM_F_DUMP, cmd, DENALI_GENL_VERSION)) {
		ret = id ? nla_put_u64(msg, DENALI_A_ID, id) : 0;
		if (!ret)
			ret = nl_send_auto(nl->sock, msg);
		if (ret >= 0)
			ret = nl_recvmsgs_default(nl->sock);
	}
	nlmsg_free(msg);
	if (ret >= 0 && nl->no_memory)
		ret = -NLE_NOMEM;
	return ret;
}

static void denali_nl_drop(struct denali_nl *nl)
{
	free(nl->replies);
	nl->replies = NULL;
	nl->count = 0;
	nl->room = 0;
}

int denali_stats_list(struct denali_nl *nl, struct denali_vm_stats **list, size_t *count,
		      struct denali_error *err)
{
	unsigned int tries = 0;
	int ret;

	/* A dump that VMs came and went under is taken again, then as it is. */
	do
		ret = denali_nl_request(nl, DENALI_CMD_VM_GET, 0);
	while (ret == -NLE_DUMP_INTR && ++tries < 3);

	if (ret < 0 && ret != -NLE_DUMP_INTR) {
		denali_nl_drop(nl);
		return denali_fail(err, denali_nl_errno(ret), "list of VMs: %s", nl_geterror(ret));
	}
	*list = nl->list;
	*count = nl->count;
	nl->list = NULL;
	nl->room = 0;
	return 0;
}

/* All replies to a request that nothing can go wrong with, for the caller to free. */
static int denali_nl_list(struct denali_nl *nl, uint8_t cmd, const char *what, void **list,
			  size_t *count, struct denali_error *err)
{
	int ret = denali_nl_request(nl, cmd, 0);

	if (ret < 0) {
		denali_nl_drop(nl);
		return denali_fail(err, denali_nl_errno(ret), "list of %s: %s", what,
				   nl_geterror(ret));
	}
	*list = nl->replies;
	*count = nl->count;
	nl->replies = NULL;
	nl->room = 0;
	return 0;
}

int denali_switches_list(struct denali_nl *nl, struct denali_switch_stats **list, size_t *count,
			 struct denali_error *err)
{
	return denali_nl_list(nl, DENALI_CMD_SWITCH_GET, "switches", (void **)list, count, err);
}

int denali_tenants_list(struct denali_nl *nl, struct denali_tenant_stats **list, size_t *count,
			struct denali_error *err)
{
	return denali_nl_list(nl, DENALI_CMD_TENANT_GET, "tenants", (void **)list, count, err);
}

int denali_stats_get(struct denali_nl *nl, uint64_t id, struct denali_vm_stats *stats,
		     struct denali_error *err)
{
	int ret = id ? denali_nl_request(nl, DENALI_CMD_VM_GET, id) : -NLE_OBJ_NOTFOUND;
	int code = 0;

	if (ret < 0)
		code = denali_nl_errno(ret);
	else if (!nl->count)
		code = ENOENT;
	else
		*stats = nl->list[0];
	denali_nl_drop(nl);

	switch (code) {
	case 0:
		return 0;
	case ENOENT:
		return denali_fail(err, ENOENT,
				   "VM %llu: does not exist (denalictl list shows what does)",
				   (unsigned long long)id);
	case EPERM:
		return denali_fail(err, EPERM,
				   "VM %llu: belongs to another user; its owner or root may do this",
				   (unsigned long long)id);
	default:
		return denali_fail(err, code, "VM %llu: counters: %s", (unsigned long long)id,
				   nl_geterror(ret));
	}
}

struct denali_nl *denali_events_open(struct denali_error *err)
{
	struct denali_nl *nl = denali_nl_open(err);
	int group, ret;

	if (!nl)
		return NULL;
	group = genl_ctrl_resolve_grp(nl->sock, DENALI_GENL_NAME, DENALI_GENL_GROUP);
	ret = group < 0 ? group : nl_socket_add_membership(nl->sock, group);
	if (ret < 0) {
		if (denali_nl_errno(ret) == EPERM)
			denali_fail(err, EPERM,
				    "events: subscribing needs CAP_NET_ADMIN; run it as root");
		else
			denali_fail(err, denali_nl_errno(ret), "events: subscribe: %s",
				    nl_geterror(ret));
		denali_nl_close(nl);
		return NULL;
	}
	nl_socket_disable_seq_check(nl->sock);
	nl_socket_set_buffer_size(nl->sock, DENALI_EVENTS_BUFFER, 0);
	nl_socket_modify_cb(nl->sock, NL_CB_VALID, NL_CB_CUSTOM, denali_nl_event, nl);
	return nl;
}

int denali_events_read(struct denali_nl *nl,
		       int (*handler)(const struct denali_event_info *event, void *arg),
		       void *arg, struct denali_error *err)
{
	int ret;

	nl->handler = handler;
	nl->handler_arg = arg;
	nl->handler_ret = 0;
	ret = nl_recvmsgs_default(nl->sock);
	/* NLE_NOMEM is the kernel's ENOBUFS: events were lost, the next one shows the gap. */
	if (ret < 0 && ret != -NLE_NOMEM && ret != -NLE_AGAIN)
		return denali_fail(err, denali_nl_errno(ret), "events: %s", nl_geterror(ret));
	return nl->handler_ret;
}
