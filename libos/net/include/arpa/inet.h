/* SPDX-License-Identifier: MIT */
/* POSIX <arpa/inet.h> of the libos. */
#ifndef _ARPA_INET_H
#define _ARPA_INET_H

#include <netinet/in.h>

#ifdef __cplusplus
extern "C" {
#endif

in_addr_t inet_addr(const char *text);
int inet_aton(const char *text, struct in_addr *addr);
/* The result is overwritten by the next call. */
char *inet_ntoa(struct in_addr addr);
const char *inet_ntop(int family, const void *addr, char *buf, socklen_t size);
int inet_pton(int family, const char *text, void *addr);

#ifdef __cplusplus
}
#endif

#endif /* _ARPA_INET_H */
