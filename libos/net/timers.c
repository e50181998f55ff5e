// SPDX-License-Identifier: MIT
/*
 * lwIP's timers, in place of its timeouts.c, for a VM that should sleep.
 *
 * lwIP's own calls each module's timer function all the time, ten times a second for those
 * of multicast, though most have nothing to do. Here each says whether it waits for
 * something, and for which call. If it does, it is called when that is due. If not, its
 * calls only age tables, and are made up for later in one go: after LAZY_MS if something is
 * in them that grows old, and else when there is a reason to wake. So a VM without traffic
 * wakes once a minute for some minutes, and then no more. (The idle timeout of a guest is
 * the next TCP timer: Whitaker et al., OSDI 2002.)
 *
 * All with the core lock held. The net thread sleeps for what sys_timeouts_sleeptime() told
 * it; if another thread gives it an earlier reason, the lock's release wakes it
 * (denali_timers_check()).
 */
#include <lwip/opt.h>
#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/igmp.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/memp.h>
#include <lwip/mld6.h>
#include <lwip/nd6.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/dhcp.h>
#include <lwip/sys.h>
#include <lwip/tcpip.h>
#include <lwip/timeouts.h>
#include "net.h"

#define LAZY_MS		60000

/* Twelve days, for good: times are compared modulo 2^32 ms. */
#define FOREVER_MS	(1U << 30)

#define ASK_MS		50

/* nd6_tmr() asks for routers in its first call and in each of so many from there. */
#define RS_CALLS	(ND6_RTR_SOLICITATION_INTERVAL / ND6_TMR_INTERVAL)

/* Calls that are made up for at most; nothing in lwIP lives longer unused. */
#define MISSED_MAX	300

/* group_state of IGMP and MLD: a report is to be sent soon. */
#define GROUP_DELAYING	1

static struct sys_timeo *timeouts;	/* sorted */
static u32_t known;			/* reasons that the net thread knows of */
static u32_t planned;			/* when it wakes */
static struct tcpip_callback_msg *wake_msg;
static unsigned int lookups;
static int looked_up;			/* since the VM was started */
static u32_t nd6_calls;

void denali_dns_begin(void)
{
	LOCK_TCPIP_CORE();
	lookups++;
	looked_up = 1;
	UNLOCK_TCPIP_CORE();
}

void denali_dns_end(void)
{
	LOCK_TCPIP_CORE();
	lookups--;
	UNLOCK_TCPIP_CORE();
}

static u32_t tcp_needed(void)
{
	return !!tcp_active_pcbs;
}

/* Connections in TIME_WAIT. */
static int tcp_ages(void)
{
	return !!tcp_tw_pcbs;
}

static u32_t reass_needed(void)
{
	return !!denali_pool_used(MEMP_REASSDATA);
}

static u32_t reass6_needed(void)
{
	return !!denali_pool_used(MEMP_IP6_REASSDATA);
}

static u32_t arp_needed(void)
{
	return !!denali_pool_used(MEMP_ARP_QUEUE);
}

static int arp_ages(void)
{
	struct eth_addr *mac;
	struct netif *netif;
	ip4_addr_t *ip;
	size_t i;

	for (i = 0; i < ARP_TABLE_SIZE; i++)
		if (etharp_get_entry(i, &ip, &netif, &mac))
			return 1;
	return 0;
}

static u32_t dns_needed(void)
{
	return !!lookups;
}

/* Answers in the cache, which doesn't tell whether it has any. */
static int dns_ages(void)
{
	return looked_up;
}

static u32_t dhcp_needed(void)
{
	struct netif *netif;
	struct dhcp *dhcp;

	NETIF_FOREACH(netif) {
		dhcp = netif_dhcp_data(netif);
		if (dhcp && netif_is_link_up(netif) && dhcp->state != DHCP_STATE_OFF &&
		    dhcp->state != DHCP_STATE_BOUND)
			return 1;
	}
	return 0;
}

/* Leases: the call comes once a minute. */
static u32_t lease_needed(void)
{
	struct netif *netif;

	NETIF_FOREACH(netif)
		if (netif_dhcp_data(netif))
			return 1;
	return 0;
}

static u32_t igmp_needed(void)
{
	struct igmp_group *group;
	struct netif *netif;

	NETIF_FOREACH(netif)
		for (group = netif_igmp_data(netif); group; group = group->next)
			if (group->group_state == GROUP_DELAYING)
				return 1;
	return 0;
}

static u32_t mld_needed(void)
{
	struct mld_group *group;
	struct netif *netif;

	NETIF_FOREACH(netif)
		for (group = netif_mld6_data(netif); group; group = group->next)
			if (group->group_state == GROUP_DELAYING)
				return 1;
	return 0;
}

static void nd6_call(void)
{
	nd6_tmr();
	nd6_calls++;
}

static u32_t nd6_needed(void)
{
	struct netif *netif;
	int asks = 0, i;

	for (i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++)
		if (neighbor_cache[i].state == ND6_INCOMPLETE || neighbor_cache[i].state == ND6_DELAY ||
		    neighbor_cache[i].state == ND6_PROBE)
			return 1;
	NETIF_FOREACH(netif) {
		if (!netif_is_up(netif) || !netif_is_link_up(netif))
			continue;
		/* Routers are asked for from an address, and there may never be one. */
		asks |= netif->rs_count && !ip6_addr_isinvalid(netif_ip6_addr_state(netif, 0)) &&
			!ip6_addr_isduplicated(netif_ip6_addr_state(netif, 0));
		for (i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
			if (ip6_addr_istentative(netif_ip6_addr_state(netif, i)))
				return 1;
	}
	return asks ? (RS_CALLS - nd6_calls % RS_CALLS) % RS_CALLS + 1 : 0;
}

/* Routers, prefixes and addresses that come with a lifetime, and neighbours that were reached. */
static int nd6_ages(void)
{
	struct netif *netif;
	int i;

	for (i = 0; i < LWIP_ND6_NUM_ROUTERS; i++)
		if (default_router_list[i].neighbor_entry)
			return 1;
	for (i = 0; i < LWIP_ND6_NUM_PREFIXES; i++)
		if (prefix_list[i].netif)
			return 1;
	for (i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++)
		if (neighbor_cache[i].state == ND6_REACHABLE)
			return 1;
	NETIF_FOREACH(netif)
		for (i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
			if (!ip6_addr_isinvalid(netif_ip6_addr_state(netif, i)) &&
			    !netif_ip6_addr_isstatic(netif, i))
				return 1;
	return 0;
}

static struct {
	u32_t interval;			/* ms */
	void (*call)(void);
	u32_t (*needed)(void);		/* by which call from now; 0: it waits for nothing */
	int (*ages)(void);		/* NULL: nothing does */
	u32_t last;
} cyclic[] = {
	{ TCP_TMR_INTERVAL, tcp_tmr, tcp_needed, tcp_ages, 0 },
	{ IP_TMR_INTERVAL, ip_reass_tmr, reass_needed, NULL, 0 },
	{ IP6_REASS_TMR_INTERVAL, ip6_reass_tmr, reass6_needed, NULL, 0 },
	{ ARP_TMR_INTERVAL, etharp_tmr, arp_needed, arp_ages, 0 },
	{ ND6_TMR_INTERVAL, nd6_call, nd6_needed, nd6_ages, 0 },
	{ DHCP_FINE_TIMER_MSECS, dhcp_fine_tmr, dhcp_needed, NULL, 0 },
	{ DHCP_COARSE_TIMER_MSECS, dhcp_coarse_tmr, lease_needed, NULL, 0 },
	{ DNS_TMR_INTERVAL, dns_tmr, dns_needed, dns_ages, 0 },
	{ IGMP_TMR_INTERVAL, igmp_tmr, igmp_needed, NULL, 0 },
	{ MLD6_TMR_INTERVAL, mld6_tmr, mld_needed, NULL, 0 },
};

static void wake_callback(void *arg)
{
	(void)arg;
}

void sys_timeouts_init(void)
{
	u32_t now = sys_now();
	size_t i;

	for (i = 0; i < LWIP_ARRAYSIZE(cyclic); i++)
		cyclic[i].last = now;
	wake_msg = tcpip_callbackmsg_new(wake_callback, NULL);
}

/* What other threads than the net thread can make it wait for. */
static u32_t reasons(void)
{
	return (tcp_active_pcbs ? 1 : 0) |
	       (denali_pool_used(MEMP_ARP_QUEUE) ? 2 : 0) |
	       (denali_pool_used(MEMP_ND6_QUEUE) ? 4 : 0) |
	       (lookups ? 8 : 0) |
	       (timeouts && (s32_t)(timeouts->time - planned) < 0 ? 16 : 0);
}

void denali_timers_check(void)
{
	u32_t now = reasons();

	if (!(now & ~known))
		return;
	known |= now;
	tcpip_callbackmsg_trycallback(wake_msg);
}

/* TCP's timer is looked at when the lock is given up. */
void tcp_timer_needed(void)
{
}

void sys_timeout(u32_t msecs, sys_timeout_handler handler, void *arg)
{
	struct sys_timeo *t = memp_malloc(MEMP_SYS_TIMEOUT), **p = &timeouts;

	if (!t)
		return;
	t->h = handler;
	t->arg = arg;
	t->time = sys_now() + msecs;
	while (*p && (s32_t)((*p)->time - t->time) <= 0)
		p = &(*p)->next;
	t->next = *p;
	*p = t;
}

void sys_untimeout(sys_timeout_handler handler, void *arg)
{
	struct sys_timeo **p, *t;

	for (p = &timeouts; *p; p = &(*p)->next) {
		t = *p;
		if (t->h != handler || t->arg != arg)
			continue;
		*p = t->next;
		memp_free(MEMP_SYS_TIMEOUT, t);
		return;
	}
}

static void cyclic_run(u32_t now)
{
	u32_t missed, needed;
	size_t i;

	for (i = 0; i < LWIP_ARRAYSIZE(cyclic); i++) {
		missed = (now - cyclic[i].last) / cyclic[i].interval;
		if (!missed)
			continue;
		needed = cyclic[i].needed();
		/*
		 * What a module waits for now began after it was last called, so the
		 * calls in between would age it before its time.
		 */
		if (missed > 1 && needed == 1) {
			missed = 1;
			cyclic[i].last = now;
		} else {
			cyclic[i].last += missed * cyclic[i].interval;
		}
		if (!needed && !(cyclic[i].ages && cyclic[i].ages()))
			continue;
		for (missed = LWIP_MIN(missed, MISSED_MAX); missed; missed--)
			cyclic[i].call();
	}
}

void sys_check_timeouts(void)
{
	u32_t now = sys_now();
	sys_timeout_handler handler;
	struct sys_timeo *t;
	void *arg;

	while (timeouts && (s32_t)(timeouts->time - now) <= 0) {
		t = timeouts;
		timeouts = t->next;
		handler = t->h;
		arg = t->arg;
		memp_free(MEMP_SYS_TIMEOUT, t);
		handler(arg);
	}
	cyclic_run(now);
}

u32_t sys_timeouts_sleeptime(void)
{
	u32_t now = sys_now(), sleep = FOREVER_MS, passed, needed, wait;
	static u32_t asked;
	size_t i;

	/*
	 * Under load this is called for every frame or two: don't ask all modules
	 * each time, but ask soon when it gets quiet, and when the last connection is closed:
	 * to wake for nothing a little later takes more.
	 */
	if (now - asked < ASK_MS && (s32_t)(planned - now) > 0 && reasons() == known)
		return LWIP_MIN(planned - now, 2 * ASK_MS);
	asked = now;

	if (timeouts) {
		if ((s32_t)(timeouts->time - now) <= 0)
			return 0;
		sleep = LWIP_MIN(sleep, timeouts->time - now);
	}
	for (i = 0; i < LWIP_ARRAYSIZE(cyclic); i++) {
		passed = now - cyclic[i].last;
		needed = cyclic[i].needed();
		if (needed)
			wait = needed * cyclic[i].interval;
		else if (cyclic[i].ages && cyclic[i].ages())
			wait = LAZY_MS;
		else
			continue;
		if (passed >= wait)
			return 0;
		sleep = LWIP_MIN(sleep, wait - passed);
	}
	planned = now + sleep;
	known = reasons();
	return sleep;
}
