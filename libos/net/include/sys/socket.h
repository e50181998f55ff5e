/* SPDX-License-Identifier: MIT */
/* POSIX <sys/socket.h> of the libos. Structures start with a length, as in BSD. */
#ifndef _SYS_SOCKET_H
#define _SYS_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint32_t socklen_t;
typedef uint8_t sa_family_t;

struct sockaddr {
	uint8_t     sa_len;
	sa_family_t sa_family;
	char        sa_data[14];
};

struct sockaddr_storage {
	uint8_t     s2_len;
	sa_family_t ss_family;
	char        s2_data1[2];
	uint32_t    s2_data2[6];
};

struct linger {
	int l_onoff;
	int l_linger;	/* seconds */
};

struct msghdr {
	void         *msg_name;
	socklen_t     msg_namelen;
	struct iovec *msg_iov;
	int           msg_iovlen;
	void         *msg_control;
	socklen_t     msg_controllen;
	int           msg_flags;
};

struct cmsghdr {
	socklen_t cmsg_len;
	int       cmsg_level;
	int       cmsg_type;
};

#define _CMSG_ALIGN(n)	(((n) + sizeof(long) - 1) & ~(sizeof(long) - 1))
#define CMSG_SPACE(n)	(_CMSG_ALIGN(sizeof(struct cmsghdr)) + _CMSG_ALIGN(n))
#define CMSG_LEN(n)	(_CMSG_ALIGN(sizeof(struct cmsghdr)) + (n))
#define CMSG_DATA(c)	((unsigned char *)(c) + _CMSG_ALIGN(sizeof(struct cmsghdr)))
#define CMSG_FIRSTHDR(m) \
	((m)->msg_controllen >= sizeof(struct cmsghdr) ? (struct cmsghdr *)(m)->msg_control : NULL)
#define CMSG_NXTHDR(m, c) \
	((unsigned char *)(c) + _CMSG_ALIGN((c)->cmsg_len) + sizeof(struct cmsghdr) > \
	 (unsigned char *)(m)->msg_control + (m)->msg_controllen ? NULL : \
	 (struct cmsghdr *)((unsigned char *)(c) + _CMSG_ALIGN((c)->cmsg_len)))

#define SOCK_STREAM	1
#define SOCK_DGRAM	2
#define SOCK_RAW	3
#define SOCK_NONBLOCK	0x4000	/* or'ed to the type in socket() and accept4() */
#define SOCK_CLOEXEC	0x8000	/* accepted, without meaning here */

#define AF_UNSPEC	0
#define AF_INET		2
#define AF_INET6	10
#define PF_UNSPEC	AF_UNSPEC
#define PF_INET		AF_INET
#define PF_INET6	AF_INET6

#define SOL_SOCKET	0xfff
#define SO_ACCEPTCONN	0x0002
#define SO_REUSEADDR	0x0004
#define SO_KEEPALIVE	0x0008
#define SO_BROADCAST	0x0020
#define SO_LINGER	0x0080
#define SO_SNDBUF	0x1001	/* ENOPROTOOPT: sized by the VM's memory */
#define SO_RCVBUF	0x1002	/* UDP and raw only */
#define SO_SNDTIMEO	0x1005
#define SO_RCVTIMEO	0x1006
#define SO_ERROR	0x1007
#define SO_TYPE		0x1008
#define SO_NO_CHECK	0x100a
#define SO_BINDTODEVICE	0x100b

#define MSG_PEEK	0x01
#define MSG_WAITALL	0x02
#define MSG_DONTWAIT	0x08
#define MSG_MORE	0x10
#define MSG_NOSIGNAL	0x20	/* there are no signals */
#define MSG_TRUNC	0x40
#define MSG_CTRUNC	0x80

#define SHUT_RD		0
#define SHUT_WR		1
#define SHUT_RDWR	2

#define SOMAXCONN	128

int accept(int fd, struct sockaddr *addr, socklen_t *len);
int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int bind(int fd, const struct sockaddr *addr, socklen_t len);
int connect(int fd, const struct sockaddr *addr, socklen_t len);
int getpeername(int fd, struct sockaddr *addr, socklen_t *len);
int getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int getsockopt(int fd, int level, int option, void *value, socklen_t *len);
int listen(int fd, int backlog);
ssize_t recv(int fd, void *buf, size_t len, int flags);
ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addrlen);
ssize_t recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t send(int fd, const void *buf, size_t len, int flags);
ssize_t sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
	       socklen_t addrlen);
int setsockopt(int fd, int level, int option, const void *value, socklen_t len);
int shutdown(int fd, int how);
int socket(int domain, int type, int protocol);

#ifdef __cplusplus
}
#endif

#endif /* _SYS_SOCKET_H */
