// SPDX-License-Identifier: MIT
/*
 * Starting the network: one interface for each NIC port, addresses from the boot
 * arguments, and a line on the console for each address that comes up.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <lwip/opt.h>
#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/ethip6.h>
#include <lwip/init.h>
#include <lwip/nd6.h>
#include <lwip/sys.h>
#include <lwip/tcpip.h>
#include <denali/ring.h>
#include <denali-os/bootargs.h>
#include <denali-os/console.h>
#include <denali-os/irq.h>
#include <denali-os/timer.h>
#include "net.h"

/* Room for a boot argument's value. */
#define VALUE_SIZE	128

#define NETWAIT_DEFAULT	10	/* seconds; documented in denali-os/net.h */

static struct {
	ip4_addr_t shown4;
	u8_t shown6[LWIP_IPV6_NUM_ADDRESSES];
	u8_t wants4;			/* denali_net_wait() waits for IPv4 */
	ip6_addr_t gw6;
} ifaces[DENALI_NICS_MAX];

static uint8_t started;

static char hostname[64] = "denali";
static struct denali_waitq addressed;
static int has_address;

/* printf() for %s and %u: a small guest shouldn't carry stdio for a few lines. */
static void append(char *buf, size_t size, const char *fmt, va_list args)
{
	size_t len = strlen(buf);
	const char *s;
	char digits[12];
	unsigned int n, i;

	for (; *fmt && len < size - 1; fmt++) {
		if (fmt[0] != '%') {
			buf[len++] = *fmt;
			continue;
		}
		if (*++fmt == 's') {
			s = va_arg(args, const char *);
		} else {
			i = sizeof(digits) - 1;
			digits[i] = '\0';
			n = va_arg(args, unsigned int);
			do {
				digits[--i] = '0' + n % 10;
				n /= 10;
			} while (n);
			s = digits + i;
		}
		while (*s && len < size - 1)
			buf[len++] = *s++;
	}
	buf[len] = '\0';
}

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *fmt, ...)
{
	char line[200] = "";
	va_list args;

	va_start(args, fmt);
	append(line, sizeof(line), fmt, args);
	va_end(args);
	denali_console_puts(line);
}

static char *net_arg(unsigned int nic, const char *key, char *buf)
{
	char name[16] = "eth0.";

	name[3] += nic;		/* DENALI_NICS_MAX: one digit */
	strcat(name, key);
	if (denali_bootarg(name, buf, VALUE_SIZE))
		return buf;
	return nic ? NULL : denali_bootarg(key, buf, VALUE_SIZE);
}

static void complain(unsigned int nic, const char *key, const char *value, const char *want)
{
	say("eth%u: boot argument %s=%s: not %s; ignored\n", nic, key, value, want);
}

/* Split off "/N". Return: N, @def without one, or -1. */
static int prefix_split(char *value, int def, int max)
{
	char *slash = strchr(value, '/'), *end;
	long n;

	if (!slash)
		return def;
	*slash++ = '\0';
	n = strtol(slash, &end, 10);
	return end == slash || *end || n < 0 || n > max ? -1 : n;
}

static void configure4(unsigned int i, struct netif *netif)
{
	char value[VALUE_SIZE], whole[VALUE_SIZE];
	ip4_addr_t addr, mask, gw;
	int plen;

	ip4_addr_set_zero(&gw);
	ifaces[i].wants4 = 1;
	if (!net_arg(i, "ip", value) || !strcmp(value, "dhcp")) {
		dhcp_start(netif);
		return;
	}
	if (!strcmp(value, "off")) {
		ifaces[i].wants4 = 0;
		return;
	}
	strcpy(whole, value);
	plen = prefix_split(value, 24, 32);
	if (plen < 0 || !ip4addr_aton(value, &addr)) {
		complain(i, "ip", whole, "an address like 10.0.0.2/24, dhcp or off");
		ifaces[i].wants4 = 0;
		return;
	}
	ip4_addr_set_u32(&mask, plen ? lwip_htonl(UINT32_MAX << (32 - plen)) : 0);
	if (net_arg(i, "gw", value) && !ip4addr_aton(value, &gw))
		complain(i, "gw", value, "an address like 10.0.0.1");
	netif_set_addr(netif, &addr, &mask, &gw);
}

static void configure6(unsigned int i, struct netif *netif)
{
	char value[VALUE_SIZE], whole[VALUE_SIZE];
	ip6_addr_t addr;
	s8_t slot;
	int plen;

	if (net_arg(i, "gw6", value) && !ip6addr_aton(value, &ifaces[i].gw6))
		complain(i, "gw6", value, "an address like fd00::1");
	ip6_addr_assign_zone(&ifaces[i].gw6, IP6_UNICAST, netif);
	if (!net_arg(i, "ip6", value))
		strcpy(value, "auto");
	if (!strcmp(value, "off"))
		return;
	netif_create_ip6_linklocal_address(netif, 1);
	if (!strcmp(value, "auto")) {
		netif_set_ip6_autoconfig_enabled(netif, 1);
		return;
	}
	strcpy(whole, value);
	plen = prefix_split(value, 64, 128);
	if (plen != 64 || !ip6addr_aton(value, &addr)) {
		complain(i, "ip6", whole, "an address like fd00::2/64 (a /64), auto or off");
		return;
	}
	ip6_addr_assign_zone(&addr, IP6_UNICAST, netif);
	if (netif_add_ip6_address(netif, &addr, &slot) == ERR_OK)
		netif_ip6_addr_set_state(netif, slot, IP6_ADDR_TENTATIVE);
}

const ip6_addr_t *denali_nd6_gateway(struct netif *netif)
{
	const ip6_addr_t *gw;

	if (netif->num >= denali_nic_count() || netif != denali_nic_netif(netif->num))
		return NULL;
	gw = &ifaces[netif->num].gw6;
	return ip6_addr_isany(gw) ? NULL : gw;
}

static void configure_global(void)
{
	char value[VALUE_SIZE], *word, *save;
	ip_addr_t addr;
	u8_t n = 0;

	if (denali_bootarg("hostname", value, sizeof(hostname)) && *value)
		strcpy(hostname, value);
	if (!denali_bootarg("dns", value, sizeof(value)))
		return;
	for (word = strtok_r(value, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (!ipaddr_aton(word, &addr))
			say("net: boot argument dns=%s: not an address; ignored\n", word);
		else if (n < DNS_MAX_SERVERS)
			dns_setserver(n++, &addr);
	}
}

static void address_found(void)
{
	uint32_t flags = denali_irq_disable();

	has_address = 1;
	denali_waitq_wake_all(&addressed);
	denali_irq_restore(flags);
}

/* An address came or went. With the core lock held. */
static void status_changed(struct netif *netif)
{
	char addr[IPADDR_STRLEN_MAX], gw[IPADDR_STRLEN_MAX], *c;
	const ip4_addr_t *ip4 = netif_ip4_addr(netif);
	unsigned int i = netif->num, slot;
	uint32_t mask;

	if (!ip4_addr_cmp(ip4, &ifaces[i].shown4)) {
		ifaces[i].shown4 = *ip4;
		if (ip4_addr_isany(ip4)) {
			say("eth%u: no IPv4 address\n", i);
		} else {
			mask = lwip_ntohl(netif_ip4_netmask(netif)->addr);
			ip4addr_ntoa_r(ip4, addr, sizeof(addr));
			ip4addr_ntoa_r(netif_ip4_gw(netif), gw, sizeof(gw));
			if (ip4_addr_isany(netif_ip4_gw(netif)))
				say("eth%u: %s/%u\n", i, addr, __builtin_popcount(mask));
			else
				say("eth%u: %s/%u gw %s\n", i, addr, __builtin_popcount(mask), gw);
			address_found();
		}
	}
	for (slot = 0; slot < LWIP_IPV6_NUM_ADDRESSES; slot++) {
		int valid = ip6_addr_isvalid(netif_ip6_addr_state(netif, slot));

		if (valid == ifaces[i].shown6[slot])
			continue;
		ifaces[i].shown6[slot] = valid;
		if (!valid)
			continue;
		ip6addr_ntoa_r(netif_ip6_addr(netif, slot), addr, sizeof(addr));
		/* RFC 5952 wants small letters. */
		for (c = addr; *c; c++)
			if (*c >= 'A')
				*c |= 0x20;
		say("eth%u: %s/64\n", i, addr);
		if (!ifaces[i].wants4)
			address_found();
	}
}

/* For denali_template(). */
int denali_net_used(void)
{
	return started;
}

void denali_net_start(void)
{
	struct netif *netif;
	unsigned int port, i;

	if (started)
		return;
	started = 1;
	denali_net_tune_set();
	tcpip_init(NULL, NULL);

	LOCK_TCPIP_CORE();
	/* There is only the loopback interface so far, and lwIP would ask it for routers, thrice. */
	NETIF_FOREACH(netif)
		netif->rs_count = 0;
	configure_global();
	for (port = 0; port < DENALI_VREGS->nr_ports; port++) {
		if (DENALI_VREGS->ports[port].type != DENALI_PORT_NIC)
			continue;
		if (!denali_nic_create(port))
			say("net: port %u: no memory for its rings (%u KiB in all): not used\n",
			    port, (uint32_t)(DENALI_VREGS->mem_size >> 10));
	}
	for (i = 0; i < denali_nic_count(); i++) {
		netif = denali_nic_netif(i);
		netif_set_hostname(netif, hostname);
		netif_set_status_callback(netif, status_changed);
		if (!i)
			netif_set_default(netif);
		netif_set_up(netif);
		configure4(i, netif);
		configure6(i, netif);
		denali_nic_enable(i);
	}
	UNLOCK_TCPIP_CORE();
}

int denali_net_wait(uint64_t timeout_ns)
{
	uint64_t deadline = denali_clock_deadline(timeout_ns);
	uint32_t flags;
	int ret = 0;

	if (!denali_nic_count())
		return ENODEV;
	flags = denali_irq_disable();
	while (!has_address && !ret)
		ret = denali_waitq_sleep(&addressed, deadline);
	ret = has_address ? 0 : ETIMEDOUT;
	denali_irq_restore(flags);
	return ret;
}

void denali_net_first_use(void)
{
	static int waited;
	long seconds;

	if (waited)
		return;
	waited = 1;
	/* A constructor may come here before denali_start() does. */
	denali_net_start();
	seconds = denali_bootarg_int("netwait", NETWAIT_DEFAULT);
	if (seconds > 0 && denali_net_wait(seconds * DENALI_NS_PER_SEC) == ETIMEDOUT)
		say("net: no address after %u s (boot arguments ip=10.0.0.2/24 or ip=dhcp); going on\n",
		    (unsigned int)seconds);
}

int gethostname(char *name, size_t size)
{
	if (!size)
		return 0;
	strncpy(name, hostname, size);
	name[size - 1] = '\0';
	return 0;
}
