// SPDX-License-Identifier: MIT
/*
 * BSD sockets: lwIP's socket layer behind the libos's descriptors.
 *
 * A descriptor's file holds the number of an lwIP socket. Readiness for poll() and
 * select() is what lwIP counts in struct lwip_sock; every event of a connection
 * passes through socket_event(), which tells pollers. close() of a descriptor
 * that another thread is using takes effect when that thread leaves.
 *
 * Linking this file starts the network before main().
 */
#include <lwip/opt.h>
#include <lwip/sockets.h>
#include <lwip/api.h>
#include <lwip/netdb.h>
#include <lwip/tcp.h>
#include <lwip/tcpip.h>
#include <lwip/priv/sockets_priv.h>
#include <lwip/priv/tcpip_priv.h>
#include <stdarg.h>
#include <unistd.h>
#include <denali-os/fd.h>
#include <sys/stat.h>
#include "net.h"

struct lwip_sock *lwip_socket_dbg_get_socket(int s);

static struct denali_file *files[NUM_SOCKETS];
static netconn_callback lwip_event;
static const struct denali_file_ops socket_ops;

/* A program that has sockets has the network before its first one. */
void denali_net_auto(void)
{
	denali_net_start();
}

static int number(struct denali_file *file)
{
	return (int)(intptr_t)file->priv;
}

static struct netconn *conn_of(struct denali_file *file)
{
	return lwip_socket_dbg_get_socket(number(file))->conn;
}

static int is_stream(struct denali_file *file)
{
	return NETCONNTYPE_GROUP(netconn_type(conn_of(file))) == NETCONN_TCP;
}

/*
 * lwIP would wait for ever on a stream that was never connected. Return: whether
 * @file is one, with ENOTCONN.
 */
static int never_connected(struct denali_file *file)
{
	struct netconn *conn = conn_of(file);

	if (NETCONNTYPE_GROUP(netconn_type(conn)) != NETCONN_TCP || !conn->pcb.tcp ||
	    (conn->pcb.tcp->state != CLOSED && conn->pcb.tcp->state != LISTEN))
		return 0;
	errno = ENOTCONN;
	return 1;
}

static ssize_t socket_receive(struct denali_file *file, void *buf, size_t len, int flags,
			      struct sockaddr *addr, socklen_t *addrlen)
{
	struct netconn *conn = conn_of(file);
	ssize_t ret;

	if (never_connected(file))
		return -1;
	ret = lwip_recvfrom(number(file), buf, len, flags, addr, addrlen);
	/* Another thread's shutdown() ended the wait (sys_mbox_free()): it is the end of the data. */
	if (ret < 0 && errno == EWOULDBLOCK && !sys_mbox_valid(&conn->recvmbox))
		return 0;
	return ret;
}

static void socket_event(struct netconn *conn, enum netconn_evt evt, u16_t len)
{
	struct denali_file *file;

	lwip_event(conn, evt, len);
	if (evt == NETCONN_EVT_RCVMINUS || evt == NETCONN_EVT_SENDMINUS || conn->socket < 0)
		return;
	file = files[conn->socket];
	if (file && file->links)
		denali_file_notify(file);
}

/* Give lwIP's socket @s a descriptor. Return: it, or -1 with @s closed. */
static int socket_install(int s, int flags)
{
	struct netconn *conn = lwip_socket_dbg_get_socket(s)->conn;
	struct denali_file *file;
	int fd;

	netconn_set_nonblocking(conn, flags & O_NONBLOCK);
	fd = denali_fd_install(&socket_ops, (void *)(intptr_t)s, O_RDWR | (flags & O_NONBLOCK));
	if (fd < 0) {
		lwip_close(s);
		return -1;
	}
	file = denali_fd_get(fd);
	files[s] = file;
	denali_fd_put(file);
	/* Connections that a listener accepts inherit the callback. */
	if (conn->callback != socket_event) {
		lwip_event = conn->callback;
		conn->callback = socket_event;
	}
	return fd;
}

static struct denali_file *socket_get(int fd)
{
	struct denali_file *file = denali_fd_get(fd);

	if (file && file->ops != &socket_ops) {
		denali_fd_put(file);
		errno = ENOTSOCK;
		return NULL;
	}
	return file;
}

/* Operations of the descriptor. */

static ssize_t socket_read(struct denali_file *file, void *buf, size_t len)
{
	return socket_receive(file, buf, len, 0, NULL, NULL);
}

/*
 * A datagram that found the NIC's ring full is tried again when there is room,
 * unless the caller doesn't want to wait. Streams wait inside lwIP.
 */
static int send_again(struct denali_file *file, ssize_t ret, int flags)
{
	if (ret >= 0 || errno != EWOULDBLOCK || (flags & MSG_DONTWAIT) ||
	    (file->flags & O_NONBLOCK) || is_stream(file))
		return 0;
	denali_nic_writable_wait();
	return 1;
}

static ssize_t socket_write(struct denali_file *file, const void *buf, size_t len)
{
	ssize_t ret;

	do {
		ret = lwip_send(number(file), buf, len, 0);
	} while (send_again(file, ret, 0));
	return ret;
}

static int socket_close(struct denali_file *file)
{
	files[number(file)] = NULL;
	return lwip_close(number(file));
}

static short socket_poll(struct denali_file *file)
{
	struct lwip_sock *sock = lwip_socket_dbg_get_socket(number(file));
	short ready = 0;

	if (sock->rcvevent > 0 || sock->lastdata.pbuf)
		ready |= POLLIN;
	if (sock->sendevent)
		ready |= POLLOUT;
	if (sock->errevent)
		ready |= POLLERR;
	return ready;
}

static int socket_ioctl(struct denali_file *file, unsigned long request, void *arg)
{
	return lwip_ioctl(number(file), request, arg);
}

static int socket_fstat(struct denali_file *file, struct stat *st)
{
	(void)file;
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFSOCK | 0600;
	return 0;
}

static int socket_setfl(struct denali_file *file, int flags)
{
	netconn_set_nonblocking(conn_of(file), flags & O_NONBLOCK);
	return 0;
}

static const struct denali_file_ops socket_ops = {
	.read = socket_read,
	.write = socket_write,
	.close = socket_close,
	.poll = socket_poll,
	.ioctl = socket_ioctl,
	.fstat = socket_fstat,
	.setfl = socket_setfl,
};

/* Calls. */

int socket(int domain, int type, int protocol)
{
	int s;

	if (domain != AF_INET && domain != AF_INET6) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	denali_net_first_use();
	s = lwip_socket(domain, type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC), protocol);
	return s < 0 ? -1 : socket_install(s, type & SOCK_NONBLOCK ? O_NONBLOCK : 0);
}

/* lwIP's accept tells an IPv4 peer as such even on an IPv6 socket. */
static void peer_mapped(struct sockaddr_storage *peer, socklen_t *len)
{
	const struct sockaddr_in *in = (const void *)peer;
	struct sockaddr_in6 in6 = {
		.sin6_len = sizeof(in6),
		.sin6_family = AF_INET6,
		.sin6_port = in->sin_port,
		.sin6_addr.un.u32_addr = { 0, 0, PP_HTONL(0xffff), in->sin_addr.s_addr },
	};

	if (peer->ss_family != AF_INET)
		return;
	memcpy(peer, &in6, sizeof(in6));
	*len = sizeof(in6);
}

int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	struct denali_file *file = socket_get(fd);
	struct sockaddr_storage peer;
	socklen_t peerlen = sizeof(peer);
	int ret;

	if (!file)
		return -1;
	ret = lwip_accept(number(file), (struct sockaddr *)&peer, &peerlen);
	if (ret >= 0 && addr && len) {
		if (NETCONNTYPE_ISIPV6(netconn_type(conn_of(file))))
			peer_mapped(&peer, &peerlen);
		memcpy(addr, &peer, LWIP_MIN(*len, peerlen));
		*len = peerlen;
	}
	if (ret >= 0)
		ret = socket_install(ret, flags & SOCK_NONBLOCK ? O_NONBLOCK : 0);
	denali_fd_put(file);
	return ret;
}

int accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return accept4(fd, addr, len, 0);
}

/* End of a call on @file: its result. */
static ssize_t done(struct denali_file *file, ssize_t ret)
{
	denali_fd_put(file);
	return ret;
}

int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct denali_file *file = socket_get(fd);

	return file ? done(file, lwip_bind(number(file), addr, len)) : -1;
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct denali_file *file = socket_get(fd);
	int ret = file ? done(file, lwip_connect(number(file), addr, len)) : -1;

	/* lwIP doesn't tell a reset in answer to a SYN from a later one, nor silence from an abort. */
	if (ret < 0 && errno == ECONNRESET)
		errno = ECONNREFUSED;
	else if (ret < 0 && errno == ECONNABORTED)
		errno = ETIMEDOUT;
	return ret;
}

int listen(int fd, int backlog)
{
	struct denali_file *file = socket_get(fd);

	/* More than lwIP's accept queue takes would be reset instead of waiting. */
	if (backlog > SOMAXCONN || backlog < 0)
		backlog = SOMAXCONN;
	return file ? done(file, lwip_listen(number(file), backlog)) : -1;
}

int shutdown(int fd, int how)
{
	struct denali_file *file = socket_get(fd);

	return file ? done(file, lwip_shutdown(number(file), how)) : -1;
}

int getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct denali_file *file = socket_get(fd);

	return file ? done(file, lwip_getpeername(number(file), addr, len)) : -1;
}

int getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct denali_file *file = socket_get(fd);

	return file ? done(file, lwip_getsockname(number(file), addr, len)) : -1;
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *len)
{
	struct denali_file *file = socket_get(fd);

	return file ? done(file, lwip_getsockopt(number(file), level, option, value, len)) : -1;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	struct denali_file *file = socket_get(fd);
	struct ifreq req;

	if (!file)
		return -1;
	/* lwIP calls eth0 "et0". */
	if (level == SOL_SOCKET && option == SO_BINDTODEVICE && len >= 5 &&
	    !memcmp(value, "eth", 3)) {
		memset(&req, 0, sizeof(req));
		memcpy(req.ifr_name, "et", 2);
		req.ifr_name[2] = ((const char *)value)[3];
		value = &req;
		len = sizeof(req);
	}
	return done(file, lwip_setsockopt(number(file), level, option, value, len));
}

/* MSG_WAITALL on a stream: lwIP returns what there is. */
static ssize_t recv_all(struct denali_file *file, void *buf, size_t len, int flags)
{
	ssize_t ret, done = 0;

	do {
		ret = socket_receive(file, (char *)buf + done, len - done, flags, NULL, NULL);
		if (ret > 0)
			done += ret;
	} while (ret > 0 && (size_t)done < len);
	return done ? done : ret;
}

ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addrlen)
{
	struct denali_file *file = socket_get(fd);
	ssize_t ret;

	if (!file)
		return -1;
	if ((flags & (MSG_WAITALL | MSG_PEEK | MSG_DONTWAIT)) == MSG_WAITALL && is_stream(file))
		ret = recv_all(file, buf, len, flags & ~MSG_WAITALL);
	else
		ret = socket_receive(file, buf, len, flags & ~MSG_WAITALL, addr, addrlen);
	denali_fd_put(file);
	return ret;
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	return recvfrom(fd, buf, len, flags, NULL, NULL);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct denali_file *file = socket_get(fd);

	if (!file)
		return -1;
	if (never_connected(file))
		return done(file, -1);
	return done(file, lwip_recvmsg(number(file), msg, flags & (MSG_PEEK | MSG_DONTWAIT)));
}

ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
	       socklen_t addrlen)
{
	struct denali_file *file = socket_get(fd);
	ssize_t ret;

	if (!file)
		return -1;
	do {
		ret = lwip_sendto(number(file), buf, len, flags, addr, addrlen);
	} while (send_again(file, ret, flags));
	denali_fd_put(file);
	return ret;
}

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	struct denali_file *file = socket_get(fd);
	ssize_t ret;

	if (!file)
		return -1;
	do {
		ret = lwip_send(number(file), buf, len, flags);
	} while (send_again(file, ret, flags));
	denali_fd_put(file);
	return ret;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct denali_file *file = socket_get(fd);
	ssize_t ret;

	if (!file)
		return -1;
	do {
		/* lwIP refuses flags that mean nothing to it. */
		ret = lwip_sendmsg(number(file), msg, flags & (MSG_DONTWAIT | MSG_MORE));
	} while (send_again(file, ret, flags));
	denali_fd_put(file);
	return ret;
}
