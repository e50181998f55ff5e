// SPDX-License-Identifier: MIT
/* Names and addresses: <netdb.h>, <arpa/inet.h> and <net/if.h> over lwIP. */
#include <stdio.h>
#include <stdlib.h>
#include <lwip/opt.h>
#include <lwip/netdb.h>
#include <lwip/sockets.h>
#include <arpa/inet.h>
#include "net.h"

const struct in6_addr in6addr_loopback = IN6ADDR_LOOPBACK_INIT;

static const struct {
	char name[8];
	char port[4];
} services[] = {
	{ "echo", "7" }, { "ftp", "21" }, { "ssh", "22" }, { "telnet", "23" }, { "smtp", "25" },
	{ "domain", "53" }, { "http", "80" }, { "ntp", "123" }, { "https", "443" },
};

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **res)
{
	struct addrinfo local = { 0 };
	size_t i;
	int ret;

	denali_net_first_use();
	if (hints)
		local = *hints;
	for (i = 0; service && i < sizeof(services) / sizeof(services[0]); i++)
		if (!strcmp(service, services[i].name))
			service = services[i].port;
	/* Without a node and without AI_PASSIVE: the loopback address. */
	if (node && !strcmp(node, "localhost")) {
		node = NULL;
		local.ai_flags &= ~AI_PASSIVE;
		if (!service)
			service = "0";
	}
	denali_dns_begin();
	ret = lwip_getaddrinfo(node, service, &local, res);
	denali_dns_end();
	return ret;
}

void freeaddrinfo(struct addrinfo *info)
{
	lwip_freeaddrinfo(info);
}

struct hostent *gethostbyname(const char *name)
{
	struct hostent *ret;

	denali_net_first_use();
	denali_dns_begin();
	ret = lwip_gethostbyname(strcmp(name, "localhost") ? name : "127.0.0.1");
	denali_dns_end();
	return ret;
}

const char *gai_strerror(int error)
{
	switch (error) {
	case 0:
		return "no error";
	case EAI_NONAME:
		return "name or service not known";
	case EAI_SERVICE:
		return "service not known";
	case EAI_FAIL:
		return "name could not be looked up";
	case EAI_MEMORY:
		return "out of memory";
	case EAI_FAMILY:
		return "address family not supported";
	case EAI_AGAIN:
		return "name server does not answer";
	case EAI_OVERFLOW:
		return "buffer too small";
	default:
		return "unknown error";
	}
}

int getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t hostlen,
		char *service, socklen_t servicelen, int flags)
{
	const struct sockaddr_in6 *in6 = (const void *)addr;
	const struct sockaddr_in *in = (const void *)addr;
	const void *bytes;
	in_port_t port;

	if (flags & NI_NAMEREQD)
		return EAI_NONAME;
	if (addr->sa_family == AF_INET && len >= sizeof(*in)) {
		bytes = &in->sin_addr;
		port = in->sin_port;
	} else if (addr->sa_family == AF_INET6 && len >= sizeof(*in6)) {
		bytes = &in6->sin6_addr;
		port = in6->sin6_port;
	} else {
		return EAI_FAMILY;
	}
	if (host && hostlen && !inet_ntop(addr->sa_family, bytes, host, hostlen))
		return EAI_OVERFLOW;
	if (service && servicelen) {
		char digits[8];

		utoa(lwip_ntohs(port), digits, 10);
		if (strlen(digits) >= servicelen)
			return EAI_OVERFLOW;
		strcpy(service, digits);
	}
	return 0;
}

const char *inet_ntop(int family, const void *addr, char *buf, socklen_t size)
{
	const char *text = lwip_inet_ntop(family, addr, buf, size);

	/* RFC 5952 wants small letters. */
	for (; text && *buf; buf++)
		if (*buf >= 'A')
			*buf |= 0x20;
	return text;
}

int inet_pton(int family, const char *text, void *addr)
{
	return lwip_inet_pton(family, text, addr);
}

in_addr_t inet_addr(const char *text)
{
	return ipaddr_addr(text);
}

int inet_aton(const char *text, struct in_addr *addr)
{
	return ip4addr_aton(text, (ip4_addr_t *)addr);
}

char *inet_ntoa(struct in_addr addr)
{
	return ip4addr_ntoa((const ip4_addr_t *)&addr);
}

unsigned int if_nametoindex(const char *name)
{
	unsigned int i;

	if (strncmp(name, "eth", 3) || name[3] < '0' || name[4])
		return 0;
	i = name[3] - '0';
	return i < denali_nic_count() ? netif_get_index(denali_nic_netif(i)) : 0;
}

char *if_indextoname(unsigned int index, char *name)
{
	unsigned int i;

	for (i = 0; i < denali_nic_count(); i++) {
		if (netif_get_index(denali_nic_netif(i)) != index)
			continue;
		strcpy(name, "eth0");
		name[3] += i;
		return name;
	}
	errno = ENXIO;
	return NULL;
}
