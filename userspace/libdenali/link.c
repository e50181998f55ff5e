// SPDX-License-Identifier: MIT
/*
 * Network interfaces over rtnetlink: what one is, and the two changes that a
 * NIC needs (up, bridge). Links are parsed here and not by libnl-route's objects
 * because those don't carry a tun device's own attributes.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>

#include "internal.h"

struct nl_sock *denali_link_connect(struct denali_error *err)
{
	struct nl_sock *sock = nl_socket_alloc();
	int ret;

	if (!sock) {
		denali_fail(err, ENOMEM, "rtnetlink: out of memory");
		return NULL;
	}
	ret = nl_connect(sock, NETLINK_ROUTE);
	if (ret < 0) {
		denali_fail(err, denali_nl_errno(ret), "rtnetlink: connect: %s", nl_geterror(ret));
		nl_socket_free(sock);
		return NULL;
	}
	return sock;
}

static void denali_link_parse_tun(struct nlattr *data, struct denali_link *link)
{
	struct nlattr *tb[IFLA_TUN_MAX + 1];

	if (nla_parse_nested(tb, IFLA_TUN_MAX, data, NULL) < 0)
		return;
	if (tb[IFLA_TUN_TYPE])
		link->is_tap = nla_get_u8(tb[IFLA_TUN_TYPE]) == IFF_TAP;
	if (tb[IFLA_TUN_MULTI_QUEUE])
		link->multi_queue = nla_get_u8(tb[IFLA_TUN_MULTI_QUEUE]);
	if (tb[IFLA_TUN_NUM_QUEUES])
		link->queues = nla_get_u32(tb[IFLA_TUN_NUM_QUEUES]);
}

static int denali_link_parse(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct denali_link *link = arg;
	struct ifinfomsg *ifi;

	if (nlh->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(nlh, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0)
		return NL_SKIP;

	ifi = nlmsg_data(nlh);
	link->index = ifi->ifi_index;
	link->flags = ifi->ifi_flags;
	if (tb[IFLA_IFNAME])
		nla_strlcpy(link->name, tb[IFLA_IFNAME], sizeof(link->name));
	if (tb[IFLA_MTU])
		link->mtu = nla_get_u32(tb[IFLA_MTU]);
	if (tb[IFLA_MASTER])
		link->master = nla_get_u32(tb[IFLA_MASTER]);
	if (tb[IFLA_ADDRESS] && nla_len(tb[IFLA_ADDRESS]) == sizeof(link->mac))
		memcpy(link->mac, nla_data(tb[IFLA_ADDRESS]), sizeof(link->mac));
	if (tb[IFLA_LINKINFO] &&
	    nla_parse_nested(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO], NULL) == 0) {
		if (info[IFLA_INFO_KIND])
			nla_strlcpy(link->kind, info[IFLA_INFO_KIND], sizeof(link->kind));
		if (info[IFLA_INFO_DATA] && !strcmp(link->kind, "tun"))
			denali_link_parse_tun(info[IFLA_INFO_DATA], link);
	}
	return NL_OK;
}

int denali_link_get(struct nl_sock *sock, const char *name, uint32_t index,
		    struct denali_link *link, struct denali_error *err)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = name ? 0 : index };
	struct nl_msg *msg;
	int ret;

	memset(link, 0, sizeof(*link));
	msg = nlmsg_alloc_simple(RTM_GETLINK, NLM_F_REQUEST);
	if (!msg || nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO) < 0 ||
	    (name && nla_put_string(msg, IFLA_IFNAME, name) < 0)) {
		nlmsg_free(msg);
		return denali_fail(err, ENOMEM, "rtnetlink: out of memory");
	}
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, denali_link_parse, link);
	ret = nl_send_auto(sock, msg);
	nlmsg_free(msg);
	if (ret >= 0)
		ret = nl_recvmsgs_default(sock);
	/* The answer is followed by an ACK; an error stands for both. */
	if (ret >= 0)
		ret = nl_wait_for_ack(sock);
	if (ret == -NLE_NODEV || ret == -NLE_OBJ_NOTFOUND)
		return -ENODEV;
	if (ret < 0)
		return denali_fail(err, denali_nl_errno(ret), "rtnetlink: interface %s: %s",
				   name ? name : "", nl_geterror(ret));
	return link->index ? 0 : -ENODEV;
}

static int denali_link_change(struct nl_sock *sock, uint32_t index, struct rtnl_link *change)
{
	struct rtnl_link *link = rtnl_link_alloc();
	int ret = -NLE_NOMEM;

	if (link && change) {
		rtnl_link_set_ifindex(link, index);
		ret = rtnl_link_change(sock, link, change, 0);
	}
	rtnl_link_put(link);
	rtnl_link_put(change);
	return ret < 0 ? -denali_nl_errno(ret) : 0;
}

int denali_link_set_up(struct nl_sock *sock, uint32_t index, bool up)
{
	struct rtnl_link *change = rtnl_link_alloc();

	if (change && up)
		rtnl_link_set_flags(change, IFF_UP);
	else if (change)
		rtnl_link_unset_flags(change, IFF_UP);
	return denali_link_change(sock, index, change);
}

int denali_link_set_master(struct nl_sock *sock, uint32_t index, uint32_t master)
{
	struct rtnl_link *change = rtnl_link_alloc();

	if (change)
		rtnl_link_set_master(change, master);
	return denali_link_change(sock, index, change);
}

int denali_link_bridge(uint32_t ifindex, char name[16], struct denali_error *err)
{
	struct nl_sock *sock = denali_link_connect(err);
	struct denali_link link;
	int ret;

	name[0] = '\0';
	if (!sock)
		return err ? -err->code : -EIO;
	ret = denali_link_get(sock, NULL, ifindex, &link, err);
	if (!ret && link.master) {
		ret = denali_link_get(sock, NULL, link.master, &link, err);
		if (!ret)
			memcpy(name, link.name, sizeof(link.name));
	}
	nl_socket_free(sock);
	if (ret == -ENODEV)
		denali_fail(err, ENODEV, "interface %u: there is none of that index", ifindex);
	return ret;
}
