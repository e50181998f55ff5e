/* SPDX-License-Identifier: MIT */
/* POSIX <net/if.h> of the libos: NICs are eth0, eth1, ... in the order of their ports. */
#ifndef _NET_IF_H
#define _NET_IF_H

#ifdef __cplusplus
extern "C" {
#endif

#define IF_NAMESIZE	6
#define IFNAMSIZ	IF_NAMESIZE

struct ifreq {
	char ifr_name[IFNAMSIZ];
};

unsigned int if_nametoindex(const char *name);
char *if_indextoname(unsigned int index, char *name);

#ifdef __cplusplus
}
#endif

#endif /* _NET_IF_H */
