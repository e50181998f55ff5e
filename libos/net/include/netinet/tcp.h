/* SPDX-License-Identifier: MIT */
/* POSIX <netinet/tcp.h> of the libos. Times of the keep-alive options are in seconds. */
#ifndef _NETINET_TCP_H
#define _NETINET_TCP_H

#define TCP_NODELAY	1
#define TCP_KEEPIDLE	3
#define TCP_KEEPINTVL	4
#define TCP_KEEPCNT	5

#endif /* _NETINET_TCP_H */
