// SPDX-License-Identifier: MIT
/*
 * echo: the service of RFC 862 on TCP and UDP port 7, IPv4 and IPv6.
 *
 * Plain POSIX C: denali-cc makes a guest of it and cc a Linux process. UDP has a
 * thread for each family that does nothing but receive and send; TCP is one loop
 * over all connections. A peer that sends and doesn't read stops being read
 * once its buffer is full, and costs nobody else anything.
 *
 * Argument (boot argument in a guest): port=N.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __denali__
#include <denali-os/bootargs.h>
#endif

#define CONNS_MAX	160
#define BUF_SIZE	2048
#define DATAGRAM_MAX	8192

struct conn {
	size_t len;		/* bytes in buf that are still to be sent */
	size_t off;		/* where they begin */
	int eof;		/* the peer has said all */
	char buf[BUF_SIZE];
};

/* Slot 0 is the listener; conns[i] belongs to fds[i]. */
static struct pollfd fds[CONNS_MAX + 1];
static struct conn *conns[CONNS_MAX + 1];
static int nfds = 1;
static uint16_t port = 7;

static void die(const char *what)
{
	fprintf(stderr, "echo: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int socket_bound(int family, int type)
{
	struct sockaddr_in6 addr6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	int on = 1, fd = socket(family, type, 0), ret;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET6) {
		/* TCP serves both families with one socket. */
		on = type == SOCK_DGRAM;
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		ret = bind(fd, (struct sockaddr *)&addr6, sizeof(addr6));
	} else {
		ret = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	}
	if (ret)
		die("bind");
	return fd;
}

static void *udp_serve(void *arg)
{
	int fd = socket_bound((int)(intptr_t)arg, SOCK_DGRAM);
	char *buf = malloc(DATAGRAM_MAX);
	struct sockaddr_storage from;
	socklen_t fromlen;
	ssize_t len;

	if (!buf)
		die("datagram buffer");
	for (;;) {
		fromlen = sizeof(from);
		len = recvfrom(fd, buf, DATAGRAM_MAX, 0, (struct sockaddr *)&from, &fromlen);
		if (len >= 0)
			sendto(fd, buf, len, 0, (struct sockaddr *)&from, fromlen);
	}
	return NULL;
}

static void udp_start(int family)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	errno = pthread_create(&thread, &attr, udp_serve, (void *)(intptr_t)family);
	if (errno)
		die("thread");
	pthread_detach(thread);
}

static void conn_close(int i)
{
	close(fds[i].fd);
	free(conns[i]);
	nfds--;
	fds[i] = fds[nfds];
	conns[i] = conns[nfds];
	/* There is room for another again. */
	fds[0].events = POLLIN;
}

static void conn_accept(void)
{
	int fd = accept(fds[0].fd, NULL, NULL), on = 1;

	if (fd < 0)
		return;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	conns[nfds] = calloc(1, sizeof(*conns[nfds]));
	if (!conns[nfds]) {
		close(fd);
		return;
	}
	fds[nfds].fd = fd;
	fds[nfds].events = POLLIN;
	fds[nfds].revents = 0;
	nfds++;
	/* No room: newcomers wait in the listener's queue. */
	if (nfds == CONNS_MAX + 1)
		fds[0].events = 0;
}

/* Return: 0, or -1 when the connection is over. */
static int conn_serve(struct conn *c, int fd)
{
	ssize_t n;

	if (!c->len && !c->eof) {
		n = recv(fd, c->buf, sizeof(c->buf), 0);
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
		c->eof = !n;
		c->off = 0;
		c->len = n;
	}
	if (c->len) {
		n = send(fd, c->buf + c->off, c->len, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
		c->off += n;
		c->len -= n;
	}
	return c->eof && !c->len ? -1 : 0;
}

static void port_set(const char *value)
{
	char *end;
	long n = strtol(value, &end, 10);

	if (*end || end == value || n < 1 || n > 65535) {
		fprintf(stderr, "echo: port=%s: not a port, 1..65535\n", value);
		exit(1);
	}
	port = n;
}

int main(int argc, char **argv)
{
	int i;

#ifdef __denali__
	char value[16];

	(void)argc;
	(void)argv;
	if (denali_bootarg("port", value, sizeof(value)))
		port_set(value);
#else
	if (argc > 1 && !strncmp(argv[1], "port=", 5))
		port_set(argv[1] + 5);
#endif

	fds[0].fd = socket_bound(AF_INET6, SOCK_STREAM);
	fds[0].events = POLLIN;
	if (listen(fds[0].fd, 128))
		die("listen");
	fcntl(fds[0].fd, F_SETFL, O_NONBLOCK);
	udp_start(AF_INET);
	udp_start(AF_INET6);
	printf("echo: ready on port %u\n", port);
	fflush(stdout);

	for (;;) {
		if (poll(fds, nfds, -1) < 0)
			continue;
		/* From the end: closing moves the last into the gap. */
		for (i = nfds - 1; i > 0; i--) {
			if (!fds[i].revents)
				continue;
			if (conn_serve(conns[i], fds[i].fd))
				conn_close(i);
			else
				fds[i].events = conns[i]->len ? POLLOUT : POLLIN;
		}
		if (fds[0].revents)
			conn_accept();
	}
}
