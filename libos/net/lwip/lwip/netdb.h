/* SPDX-License-Identifier: MIT */
/* Stands in for lwIP's header of this name: types are those of <netdb.h>. */
#ifndef LWIP_HDR_NETDB_H
#define LWIP_HDR_NETDB_H

#include <lwip/opt.h>
#include <lwip/sockets.h>
#include <netdb.h>

#define NETDB_ELEM_SIZE \
	(sizeof(struct addrinfo) + sizeof(struct sockaddr_storage) + DNS_MAX_NAME_LENGTH + 1)

struct hostent *lwip_gethostbyname(const char *name);
int lwip_gethostbyname_r(const char *name, struct hostent *ret, char *buf, size_t buflen,
			 struct hostent **result, int *h_errnop);
void lwip_freeaddrinfo(struct addrinfo *ai);
int lwip_getaddrinfo(const char *nodename, const char *servname, const struct addrinfo *hints,
		     struct addrinfo **res);

#endif /* LWIP_HDR_NETDB_H */
