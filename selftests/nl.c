// SPDX-License-Identifier: GPL-2.0
/* Generic netlink by hand, see nl.h. Functions return 0, or -1 with errno. */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib.h"
#include "nl.h"

#define ATTR_DATA(a)	((void *)((char *)(a) + NLA_HDRLEN))
#define ATTR_LEN(a)	((a)->nla_len - NLA_HDRLEN)

struct request {
	struct nlmsghdr nlh;
	struct genlmsghdr genl;
	char attrs[512];
};

static bool attr_ok(const struct nlattr *a, int left)
{
	return left >= (int)NLA_HDRLEN && a->nla_len >= NLA_HDRLEN && a->nla_len <= left;
}

#define for_each_attr(a, start, len)						\
	for ((a) = (void *)(start);						\
	     attr_ok(a, (char *)(start) + (len) - (char *)(a));			\
	     (a) = (void *)((char *)(a) + NLA_ALIGN((a)->nla_len)))

static uint64_t get_u64(const struct nlattr *a)
{
	uint64_t v = 0;

	if (ATTR_LEN(a) == 8)
		memcpy(&v, ATTR_DATA(a), 8);
	return v;
}

static uint32_t get_u32(const struct nlattr *a)
{
	uint32_t v = ~0U;

	if (ATTR_LEN(a) == 4)
		memcpy(&v, ATTR_DATA(a), 4);
	return v;
}

static void get_string(const struct nlattr *a, char *to, size_t size)
{
	size_t len = ATTR_LEN(a);

	if (len >= size)
		len = size - 1;
	memcpy(to, ATTR_DATA(a), len);
	to[len] = 0;
}

static int send_request(struct nl *nl, uint16_t type, uint8_t cmd, uint8_t version, uint16_t flags,
			const void *attrs, uint32_t len)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	struct request req = {
		.nlh = {
			.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN) + len,
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | flags,
			.nlmsg_seq = ++nl->seq,
		},
		.genl = { .cmd = cmd, .version = version },
	};

	memcpy(req.attrs, attrs, len);
	if (sendto(nl->fd, &req, req.nlh.nlmsg_len, 0, (void *)&to, sizeof(to)) < 0)
		return -1;
	return 0;
}

int nl_request(struct nl *nl, uint8_t cmd, uint16_t flags, const void *attrs, uint32_t len)
{
	return send_request(nl, nl->family, cmd, DENALI_GENL_VERSION, flags, attrs, len);
}

static void get_groups(struct nl *nl, const struct nlattr *groups)
{
	const struct nlattr *g, *a;

	for_each_attr(g, ATTR_DATA(groups), ATTR_LEN(groups)) {
		char name[64] = "";
		uint32_t id = 0;

		for_each_attr(a, ATTR_DATA(g), ATTR_LEN(g)) {
			if (a->nla_type == CTRL_ATTR_MCAST_GRP_NAME)
				get_string(a, name, sizeof(name));
			if (a->nla_type == CTRL_ATTR_MCAST_GRP_ID)
				id = get_u32(a);
		}
		if (!strcmp(name, DENALI_GENL_GROUP))
			nl->group = id;
	}
}

/* errno of the error message that is next, 0 for an acknowledgment. */
int nl_error(struct nl *nl)
{
	char buf[8192];
	struct nlmsghdr *nlh = (void *)buf;
	ssize_t n = recv(nl->fd, buf, sizeof(buf), 0);

	if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) || nlh->nlmsg_type != NLMSG_ERROR)
		return -1;
	return -((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
}

int nl_open(struct nl *nl)
{
	struct {
		struct nlattr a;
		char name[16];
	} attr = { { NLA_HDRLEN + sizeof(DENALI_GENL_NAME), CTRL_ATTR_FAMILY_NAME }, DENALI_GENL_NAME };
	const struct nlattr *a;
	char buf[8192];
	struct nlmsghdr *nlh = (void *)buf;
	ssize_t n;

	memset(nl, 0, sizeof(*nl));
	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (nl->fd < 0)
		return -1;
	if (send_request(nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, 0, &attr,
			 NLA_ALIGN(attr.a.nla_len)) < 0)
		return -1;
	n = recv(nl->fd, buf, sizeof(buf), 0);
	if (n < 0)
		return -1;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		errno = -((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
		close(nl->fd);
		return -1;
	}
	for_each_attr(a, (char *)NLMSG_DATA(nlh) + GENL_HDRLEN, nlh->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN)) {
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			memcpy(&nl->family, ATTR_DATA(a), 2);
		if ((a->nla_type & NLA_TYPE_MASK) == CTRL_ATTR_MCAST_GROUPS)
			get_groups(nl, a);
	}
	return 0;
}

int nl_subscribe(struct nl *nl)
{
	return setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &nl->group, sizeof(nl->group));
}

static void parse_port(struct nl_vm *vm, const struct nlattr *nest)
{
	struct nl_port port = { .present = true };
	uint32_t index = NL_PORTS;
	const struct nlattr *a;

	for_each_attr(a, ATTR_DATA(nest), ATTR_LEN(nest)) {
		switch (a->nla_type) {
		case DENALI_PORT_A_INDEX:
			index = get_u32(a);
			break;
		case DENALI_PORT_A_TYPE:
			port.type = get_u32(a);
			break;
		case DENALI_PORT_A_UP:
			port.up = get_u32(a);
			break;
		case DENALI_PORT_A_MAC:
			memcpy(port.mac, ATTR_DATA(a), 6);
			break;
		case DENALI_PORT_A_IFINDEX:
			port.ifindex = get_u32(a);
			break;
		case DENALI_PORT_A_RX_PACKETS:
			port.rx_packets = get_u64(a);
			break;
		case DENALI_PORT_A_RX_BYTES:
			port.rx_bytes = get_u64(a);
			break;
		case DENALI_PORT_A_TX_PACKETS:
			port.tx_packets = get_u64(a);
			break;
		case DENALI_PORT_A_TX_BYTES:
			port.tx_bytes = get_u64(a);
			break;
		case DENALI_PORT_A_RX_DROPS:
			port.rx_drops = get_u64(a);
			break;
		case DENALI_PORT_A_TX_DROPS:
			port.tx_drops = get_u64(a);
			break;
		}
	}
	if (index < NL_PORTS)
		vm->port[index] = port;
}

static void parse_vm(struct nl_vm *vm, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = NLMSG_DATA(nlh);
	const struct nlattr *a, *e;

	memset(vm, 0, sizeof(*vm));
	vm->cmd = genl->cmd;
	for_each_attr(a, (char *)genl + GENL_HDRLEN, nlh->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN)) {
		unsigned int type = a->nla_type & NLA_TYPE_MASK;

		if (type < 32)
			vm->seen |= 1U << type;
		switch (type) {
		case DENALI_A_ID:
			vm->id = get_u64(a);
			break;
		case DENALI_A_NAME:
			get_string(a, vm->name, sizeof(vm->name));
			break;
		case DENALI_A_UID:
			vm->uid = get_u32(a);
			break;
		case DENALI_A_STATE:
			vm->state = get_u32(a);
			break;
		case DENALI_A_REASON:
			vm->reason = get_u32(a);
			break;
		case DENALI_A_STATUS:
			vm->status = get_u32(a);
			break;
		case DENALI_A_TEXT:
			get_string(a, vm->text, sizeof(vm->text));
			break;
		case DENALI_A_MEM_BYTES:
			vm->mem_bytes = get_u64(a);
			break;
		case DENALI_A_KMEM_BYTES:
			vm->kmem_bytes = get_u64(a);
			break;
		case DENALI_A_FLAGS:
			vm->flags = get_u32(a);
			break;
		case DENALI_A_PLACE:
			vm->place = get_u32(a);
			break;
		case DENALI_A_WAITS:
			vm->waits = get_u32(a);
			break;
		case DENALI_A_PRIORITY:
			vm->priority = get_u32(a);
			break;
		case DENALI_A_TENANT:
			get_string(a, vm->tenant, sizeof(vm->tenant));
			break;
		case DENALI_A_RUN_NS:
			vm->run_ns = get_u64(a);
			break;
		case DENALI_A_STEAL_NS:
			vm->steal_ns = get_u64(a);
			break;
		case DENALI_A_EXITS:
			for_each_attr(e, ATTR_DATA(a), ATTR_LEN(a)) {
				if (e->nla_type > DENALI_EXIT_A_MAX)
					continue;
				vm->exits[e->nla_type] = get_u64(e);
				vm->exits_seen |= 1U << e->nla_type;
			}
			break;
		case DENALI_A_HYPERCALLS:
			vm->hypercalls = get_u64(a);
			break;
		case DENALI_A_UPCALLS:
			vm->upcalls = get_u64(a);
			break;
		case DENALI_A_IRQS:
			vm->irqs = get_u64(a);
			break;
		case DENALI_A_CPU:
			vm->cpu = get_u32(a);
			break;
		case DENALI_A_PORT:
			parse_port(vm, a);
			break;
		case DENALI_A_EVENT:
			vm->event = get_u32(a);
			break;
		case DENALI_A_SEQ:
			vm->seq = get_u64(a);
			break;
		case DENALI_A_CONSOLE_LOST:
			vm->console_lost = get_u64(a);
			break;
		case DENALI_A_WEIGHT:
			vm->weight = get_u32(a);
			break;
		case DENALI_A_CAP:
			vm->cap = get_u32(a);
			break;
		case DENALI_A_CPUS:
			vm->cpus = get_u64(a);
			break;
		case DENALI_A_IDLE:
			vm->idle = get_u32(a);
			break;
		case DENALI_A_OWN_BYTES:
			vm->own_bytes = get_u64(a);
			break;
		case DENALI_A_TEMPLATE:
			vm->template = get_u64(a);
			break;
		}
	}
}

/* The next event within ms; ETIMEDOUT if there is none. */
int nl_event(struct nl *nl, struct nl_vm *vm, int ms)
{
	struct pollfd pfd = { .fd = nl->fd, .events = POLLIN };
	char buf[16384];
	int n = poll(&pfd, 1, ms);

	if (n <= 0) {
		if (!n)
			errno = ETIMEDOUT;
		return -1;
	}
	if (recv(nl->fd, buf, sizeof(buf), 0) < 0)
		return -1;
	parse_vm(vm, (void *)buf);
	return 0;
}

int nl_vm_get(struct nl *nl, uint64_t id, struct nl_vm *vm)
{
	struct {
		struct nlattr a;
		uint64_t id;
	} __attribute__((packed)) attr = { { NLA_HDRLEN + 8, DENALI_A_ID }, id };
	char buf[16384];
	struct nlmsghdr *nlh = (void *)buf;

	if (nl_request(nl, DENALI_CMD_VM_GET, 0, &attr, sizeof(attr)) < 0)
		return -1;
	if (recv(nl->fd, buf, sizeof(buf), 0) < 0)
		return -1;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		errno = -((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
		return -1;
	}
	parse_vm(vm, nlh);
	return 0;
}

/* Ask for a list of all VMs, and read it: the kernel makes it in pieces, as it is read. */
int nl_vm_ask(struct nl *nl)
{
	return nl_request(nl, DENALI_CMD_VM_GET, NLM_F_DUMP, NULL, 0);
}

/* Read a list to its end. */
static int list_read(struct nl *nl, void (*message)(const struct nlmsghdr *nlh, void *arg), void *arg)
{
	char buf[65536];
	struct nlmsghdr *nlh;
	int n;

	for (;;) {
		n = recv(nl->fd, buf, sizeof(buf), 0);
		if (n < 0)
			return -1;
		for (nlh = (void *)buf; NLMSG_OK(nlh, n); nlh = NLMSG_NEXT(nlh, n)) {
			if (nlh->nlmsg_type == NLMSG_DONE)
				return 0;
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				errno = -((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
				return -1;
			}
			message(nlh, arg);
		}
	}
}

struct vm_list {
	void (*each)(const struct nl_vm *vm, void *arg);
	void *arg;
};

static void list_vm(const struct nlmsghdr *nlh, void *arg)
{
	struct vm_list *list = arg;
	struct nl_vm vm;

	parse_vm(&vm, nlh);
	list->each(&vm, list->arg);
}

int nl_vm_list(struct nl *nl, void (*each)(const struct nl_vm *vm, void *arg), void *arg)
{
	struct vm_list list = { each, arg };

	return list_read(nl, list_vm, &list);
}

int nl_vm_dump(struct nl *nl, void (*each)(const struct nl_vm *vm, void *arg), void *arg)
{
	return nl_vm_ask(nl) < 0 ? -1 : nl_vm_list(nl, each, arg);
}

static void parse_switch(struct nl_switch *sw, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = NLMSG_DATA(nlh);
	const struct nlattr *a;

	memset(sw, 0, sizeof(*sw));
	sw->uplink = -1;
	sw->mirror = -1;
	for_each_attr(a, (char *)genl + GENL_HDRLEN, nlh->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN)) {
		switch (a->nla_type & NLA_TYPE_MASK) {
		case DENALI_SWITCH_A_ID:
			sw->id = get_u64(a);
			break;
		case DENALI_SWITCH_A_NAME:
			get_string(a, sw->name, sizeof(sw->name));
			break;
		case DENALI_SWITCH_A_UID:
			sw->uid = get_u32(a);
			break;
		case DENALI_SWITCH_A_FLAGS:
			sw->flags = get_u32(a);
			break;
		case DENALI_SWITCH_A_PORTS:
			sw->ports = get_u32(a);
			break;
		case DENALI_SWITCH_A_UPLINK:
			sw->uplink = get_u32(a);
			break;
		case DENALI_SWITCH_A_UPLINK_UP:
			sw->uplink_up = get_u32(a);
			break;
		case DENALI_SWITCH_A_MIRROR:
			sw->mirror = get_u32(a);
			break;
		case DENALI_SWITCH_A_MIRROR_UP:
			sw->mirror_up = get_u32(a);
			break;
		case DENALI_SWITCH_A_RX_PACKETS:
			sw->rx_packets = get_u64(a);
			break;
		case DENALI_SWITCH_A_RX_BYTES:
			sw->rx_bytes = get_u64(a);
			break;
		case DENALI_SWITCH_A_UNKNOWN:
			sw->unknown = get_u64(a);
			break;
		case DENALI_SWITCH_A_FILTERED:
			sw->filtered = get_u64(a);
			break;
		case DENALI_SWITCH_A_LIMITED:
			sw->limited = get_u64(a);
			break;
		case DENALI_SWITCH_A_ISOLATED:
			sw->isolated = get_u64(a);
			break;
		case DENALI_SWITCH_A_UNMIRRORED:
			sw->unmirrored = get_u64(a);
			break;
		}
	}
}

struct switch_list {
	const char *name;
	struct nl_switch *found;
	bool is_found;
};

static void list_switch(const struct nlmsghdr *nlh, void *arg)
{
	struct switch_list *list = arg;
	struct nl_switch sw;

	parse_switch(&sw, nlh);
	if (strcmp(sw.name, list->name))
		return;
	*list->found = sw;
	list->is_found = true;
}

/* The switch of that name, of those that are shown; ENOENT if it isn't among them. */
int nl_switch_get(struct nl *nl, const char *name, struct nl_switch *sw)
{
	struct switch_list list = { .name = name, .found = sw };

	if (nl_request(nl, DENALI_CMD_SWITCH_GET, NLM_F_DUMP, NULL, 0) < 0 ||
	    list_read(nl, list_switch, &list) < 0)
		return -1;
	errno = ENOENT;
	return list.is_found ? 0 : -1;
}

/* A VM's counters by a socket of its own; false if they can't be had. */
bool vm_counters(uint64_t id, struct nl_vm *vm)
{
	struct nl nl;
	bool ok;

	if (nl_open(&nl) < 0)
		return false;
	ok = nl_vm_get(&nl, id, vm) == 0;
	close(nl.fd);
	return ok;
}

static void destroy_persistent(const struct nl_vm *vm, void *dev)
{
	int fd = vm->flags & DENALI_CREATE_PERSISTENT ? vm_open_id(*(int *)dev, vm->id) : -1;

	if (fd < 0)
		return;
	vm_ctl(fd, DENALI_IOC_VM_DESTROY);
	close(fd);
}

/* Those are nobody's but the system's. Returns whether they could be listed. */
bool vms_destroy_persistent(int dev)
{
	struct nl nl;
	bool ok;

	if (nl_open(&nl) < 0)
		return false;
	ok = !nl_vm_dump(&nl, destroy_persistent, &dev);
	close(nl.fd);
	return ok;
}

static void parse_runner(struct nl_tenant *tenant, const struct nlattr *nest)
{
	uint32_t cpu = NL_CPUS, tid = 0;
	const struct nlattr *a;

	for_each_attr(a, ATTR_DATA(nest), ATTR_LEN(nest)) {
		if (a->nla_type == DENALI_RUNNER_A_CPU)
			cpu = get_u32(a);
		if (a->nla_type == DENALI_RUNNER_A_TID)
			tid = get_u32(a);
	}
	if (cpu < NL_CPUS)
		tenant->tid[cpu] = tid;
}

static void parse_tenant(struct nl_tenant *tenant, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = NLMSG_DATA(nlh);
	const struct nlattr *a;

	memset(tenant, 0, sizeof(*tenant));
	tenant->uid = -1;
	for_each_attr(a, (char *)genl + GENL_HDRLEN, nlh->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN)) {
		switch (a->nla_type & NLA_TYPE_MASK) {
		case DENALI_TENANT_A_ID:
			tenant->id = get_u64(a);
			break;
		case DENALI_TENANT_A_NAME:
			get_string(a, tenant->name, sizeof(tenant->name));
			break;
		case DENALI_TENANT_A_UID:
			tenant->uid = get_u32(a);
			break;
		case DENALI_TENANT_A_VMS:
			tenant->vms = get_u32(a);
			break;
		case DENALI_TENANT_A_MAX_VMS:
			tenant->max_vms = get_u32(a);
			break;
		case DENALI_TENANT_A_RUNNABLE:
			tenant->runnable = get_u32(a);
			break;
		case DENALI_TENANT_A_MAX_RUNNABLE:
			tenant->max_runnable = get_u32(a);
			break;
		case DENALI_TENANT_A_WAITING:
			tenant->waiting = get_u32(a);
			break;
		case DENALI_TENANT_A_MEM_BYTES:
			tenant->mem_bytes = get_u64(a);
			break;
		case DENALI_TENANT_A_MAX_MEM_BYTES:
			tenant->max_mem_bytes = get_u64(a);
			break;
		case DENALI_TENANT_A_NICE:
			tenant->nice = get_u32(a);
			break;
		case DENALI_TENANT_A_RUN_NS:
			tenant->run_ns = get_u64(a);
			break;
		case DENALI_TENANT_A_CPUS:
			tenant->cpus = get_u64(a);
			break;
		case DENALI_TENANT_A_RUNNER:
			parse_runner(tenant, a);
			break;
		}
	}
}

struct tenant_list {
	const char *name;
	struct nl_tenant *found;
	bool is_found;
};

static void list_tenant(const struct nlmsghdr *nlh, void *arg)
{
	struct tenant_list *list = arg;
	struct nl_tenant tenant;

	parse_tenant(&tenant, nlh);
	if (strcmp(tenant.name, list->name))
		return;
	*list->found = tenant;
	list->is_found = true;
}

/* The tenant of that name, as nl_switch_get(). */
int nl_tenant_get(struct nl *nl, const char *name, struct nl_tenant *tenant)
{
	struct tenant_list list = { .name = name, .found = tenant };

	if (nl_request(nl, DENALI_CMD_TENANT_GET, NLM_F_DUMP, NULL, 0) < 0 ||
	    list_read(nl, list_tenant, &list) < 0)
		return -1;
	errno = ENOENT;
	return list.is_found ? 0 : -1;
}
