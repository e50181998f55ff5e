// SPDX-License-Identifier: GPL-2.0
/*
 * The sockets of the libos against what POSIX says of them, over the loopback
 * interface: errors, blocking and not, timeouts, poll(), half-closed connections,
 * both families, names, and what happens when there are no more descriptors.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "libos-tap.h"

#define PORT	4000
#define MANY	100

#define fails(call, error)	(errno = 0, (call) == -1 && errno == (error))

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	return addr;
}

static int bound(int type, int port)
{
	struct sockaddr_in addr = loopback(port);
	int fd = socket(AF_INET, type, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -1;
	return fd;
}

static int connected(int port)
{
	struct sockaddr_in addr = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		return -1;
	}
	return fd;
}

static short ready(int fd, short events, int timeout)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, timeout) > 0 ? p.revents : 0;
}

static long elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void errors(void)
{
	struct sockaddr_in addr = loopback(PORT + 99);
	int fd = socket(AF_INET, SOCK_STREAM, 0), other;
	char buf[4];

	tap_ok(fails(bind(250, (struct sockaddr *)&addr, sizeof(addr)), EBADF), "bind: no descriptor");
	tap_ok(fails(recv(-1, buf, 1, 0), EBADF), "recv: negative descriptor");
	tap_ok(fails(listen(1, 1), ENOTSOCK), "listen: not a socket");
	tap_ok(fails(socket(77, SOCK_STREAM, 0), EAFNOSUPPORT) || errno == EINVAL || errno == ENOBUFS,
	       "socket: unknown family");
	tap_ok(fails(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), ECONNREFUSED),
	       "connect: nobody listens");
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	tap_ok(fails(recv(fd, buf, 1, 0), ENOTCONN), "recv: not connected");
	tap_ok(fails(send(fd, buf, 1, 0), ENOTCONN), "send: not connected");
	tap_ok(fails(getpeername(fd, (struct sockaddr *)&addr, &(socklen_t){ sizeof(addr) }), ENOTCONN),
	       "getpeername: not connected");
	close(fd);
	tap_ok(fails(recv(fd, buf, 1, 0), EBADF), "recv: closed");
	fd = bound(SOCK_STREAM, PORT + 1);
	listen(fd, 1);
	other = socket(AF_INET, SOCK_STREAM, 0);
	addr = loopback(PORT + 1);
	tap_ok(fails(bind(other, (struct sockaddr *)&addr, sizeof(addr)), EADDRINUSE),
	       "bind: port is taken");
	close(fd);
	close(other);
}

static void stream(void)
{
	int listener = bound(SOCK_STREAM, PORT), client, server, n;
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	char buf[64] = "";
	struct iovec iov[2] = { { "one ", 4 }, { "two", 3 } };

	tap_ok(listener >= 0 && !listen(listener, 5), "bind and listen");
	client = connected(PORT);
	tap_ok(client >= 0, "connect");
	server = accept(listener, (struct sockaddr *)&addr, &len);
	tap_ok(server >= 0 && len == sizeof(addr) && addr.sin_family == AF_INET &&
	       ntohl(addr.sin_addr.s_addr) == INADDR_LOOPBACK, "accept tells the peer");
	len = sizeof(addr);
	tap_ok(!getpeername(client, (struct sockaddr *)&addr, &len) && ntohs(addr.sin_port) == PORT,
	       "getpeername");
	len = sizeof(addr);
	tap_ok(!getsockname(server, (struct sockaddr *)&addr, &len) && ntohs(addr.sin_port) == PORT,
	       "getsockname");

	tap_ok(send(client, "hello", 5, MSG_NOSIGNAL) == 5, "send");
	tap_ok(ready(server, POLLIN, 1000) == POLLIN, "poll: data");
	tap_ok(!ioctl(server, FIONREAD, &n) && n == 5, "FIONREAD");
	tap_ok(recv(server, buf, sizeof(buf), MSG_PEEK) == 5 && recv(server, buf, 2, 0) == 2 &&
	       recv(server, buf + 2, sizeof(buf) - 2, 0) == 3 && !memcmp(buf, "hello", 5),
	       "peek, then in parts");
	tap_ok(fails(recv(server, buf, 1, MSG_DONTWAIT), EAGAIN), "MSG_DONTWAIT: nothing there");
	tap_ok(!ready(server, POLLIN, 0), "poll: nothing there");
	tap_ok(writev(client, iov, 2) == 7 && recv(server, buf, 7, MSG_WAITALL) == 7 &&
	       !memcmp(buf, "one two", 7), "writev, MSG_WAITALL");
	tap_ok(write(server, "x", 1) == 1 && read(client, buf, 8) == 1 && *buf == 'x', "read, write");

	tap_ok(!shutdown(client, SHUT_WR), "shutdown of one direction");
	tap_ok(ready(server, POLLIN, 1000) & POLLIN && !recv(server, buf, 1, 0), "the peer sees the end");
	tap_ok(send(server, "late", 4, 0) == 4 && recv(client, buf, 8, 0) == 4, "the other one still works");
	tap_ok(send(client, "x", 1, MSG_NOSIGNAL) == -1, "nothing can be sent after it");
	close(server);
	tap_ok(!recv(client, buf, 1, 0), "close ends the other direction");
	close(client);
	close(listener);
}

static void nonblocking(void)
{
	int listener = bound(SOCK_STREAM, PORT + 2), client, server, error, sent = 0, got = 0, n;
	struct sockaddr_in addr = loopback(PORT + 2);
	socklen_t len = sizeof(error);
	static char buf[4096];
	fd_set set;
	struct timeval tv = { 1, 0 };

	fcntl(listener, F_SETFL, O_NONBLOCK);
	listen(listener, 5);
	tap_ok(fails(accept(listener, NULL, NULL), EAGAIN), "accept: nobody there");
	client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	tap_ok(fcntl(client, F_GETFL) & O_NONBLOCK, "SOCK_NONBLOCK");
	tap_ok(fails(connect(client, (struct sockaddr *)&addr, sizeof(addr)), EINPROGRESS),
	       "connect: in progress");
	tap_ok(ready(client, POLLOUT, 2000) & POLLOUT &&
	       !getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &len) && !error,
	       "poll and SO_ERROR tell of success");
	FD_ZERO(&set);
	FD_SET(listener, &set);
	tap_ok(select(listener + 1, &set, NULL, NULL, &tv) == 1 && FD_ISSET(listener, &set),
	       "select: a connection waits");
	server = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	tap_ok(server >= 0 && fails(recv(server, buf, 1, 0), EAGAIN), "accept4");

	do {
		n = send(client, buf, sizeof(buf), 0);
		if (n > 0)
			sent += n;
	} while (n > 0 && sent < 10000000);
	tap_ok(n == -1 && errno == EAGAIN && sent > 4096, "send: until the buffers are full");
	tap_ok(!ready(client, POLLOUT, 0), "poll: not writable");
	while (got < sent && ready(server, POLLIN, 2000)) {
		n = recv(server, buf, sizeof(buf), 0);
		if (n <= 0)
			break;
		got += n;
	}
	tap_ok(got == sent, "all of it arrives: %d of %d", got, sent);
	tap_ok(ready(client, POLLOUT, 2000) & POLLOUT, "poll: writable again");
	close(client);
	close(server);
	close(listener);

	addr = loopback(PORT + 98);
	client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(client, (struct sockaddr *)&addr, sizeof(addr));
	tap_ok(ready(client, POLLOUT, 2000) &&
	       !getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &len) && error,
	       "poll and SO_ERROR tell of a refusal");
	close(client);
}

static void *close_later(void *arg)
{
	struct timespec ts = { 0, 50000000 };

	nanosleep(&ts, NULL);
	shutdown(*(int *)arg, SHUT_RDWR);
	return NULL;
}

static void timeouts(void)
{
	int fd = bound(SOCK_DGRAM, PORT + 3), listener, client;
	struct timeval tv = { 0, 100000 };
	struct timespec start;
	pthread_t thread;
	char c;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	clock_gettime(CLOCK_MONOTONIC, &start);
	tap_ok(fails(recv(fd, &c, 1, 0), EAGAIN) && elapsed_ms(&start) >= 99, "SO_RCVTIMEO");
	clock_gettime(CLOCK_MONOTONIC, &start);
	tap_ok(!ready(fd, POLLIN, 100) && elapsed_ms(&start) >= 99, "poll: timeout");
	close(fd);

	listener = bound(SOCK_STREAM, PORT + 4);
	listen(listener, 1);
	client = connected(PORT + 4);
	pthread_create(&thread, NULL, close_later, &client);
	tap_ok(recv(client, &c, 1, 0) <= 0, "shutdown by another thread wakes a reader");
	pthread_join(thread, NULL);
	close(client);
	close(listener);
}

static void datagrams(void)
{
	int a = bound(SOCK_DGRAM, PORT + 5), b = bound(SOCK_DGRAM, PORT + 6);
	struct sockaddr_in to = loopback(PORT + 5), from;
	socklen_t len = sizeof(from);
	char buf[2000] = "";
	int i, n = 0;

	tap_ok(sendto(b, "ping", 4, 0, (struct sockaddr *)&to, sizeof(to)) == 4, "sendto");
	tap_ok(recvfrom(a, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len) == 4 &&
	       ntohs(from.sin_port) == PORT + 6 && !memcmp(buf, "ping", 4), "recvfrom");
	tap_ok(!connect(b, (struct sockaddr *)&to, sizeof(to)) && send(b, "", 0, 0) == 0 &&
	       recv(a, buf, sizeof(buf), 0) == 0, "connect and an empty datagram");
	send(b, "abcdef", 6, 0);
	send(b, "gh", 2, 0);
	tap_ok(recv(a, buf, 3, 0) == 3 && recv(a, buf, sizeof(buf), 0) == 2,
	       "what doesn't fit is cut off, not kept");
	memset(buf, 'x', sizeof(buf));
	tap_ok(send(b, buf, 2000, 0) == 2000 && recv(a, buf, sizeof(buf), 0) == 2000,
	       "larger than a frame");
	for (i = 0; i < 1000; i++)
		send(b, "flood", 5, 0);
	while (recv(a, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		n++;
	tap_ok(n > 0 && n <= 1000, "a flood is dropped, not queued without end: %d of 1000", n);
	tap_ok(sendto(b, "again", 5, 0, NULL, 0) == 5 && recv(a, buf, sizeof(buf), 0) == 5,
	       "and goes on after it");
	close(a);
	close(b);
}

static void families(void)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_port = htons(PORT + 7) }, peer;
	int listener = socket(AF_INET6, SOCK_STREAM, 0), client, server;
	socklen_t len = sizeof(peer);
	char text[INET6_ADDRSTRLEN];

	tap_ok(!bind(listener, (struct sockaddr *)&addr, sizeof(addr)) && !listen(listener, 5),
	       "IPv6: bind to any");
	addr.sin6_addr = in6addr_loopback;
	client = socket(AF_INET6, SOCK_STREAM, 0);
	tap_ok(!connect(client, (struct sockaddr *)&addr, sizeof(addr)), "IPv6: connect");
	server = accept(listener, (struct sockaddr *)&peer, &len);
	tap_ok(server >= 0 && IN6_IS_ADDR_LOOPBACK(&peer.sin6_addr), "IPv6: accept");
	close(client);
	close(server);
	client = connected(PORT + 7);
	len = sizeof(peer);
	server = accept(listener, (struct sockaddr *)&peer, &len);
	tap_ok(client >= 0 && server >= 0, "IPv4 reaches the same socket");
	tap_ok(peer.sin6_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr),
	       "as a mapped address: %s", inet_ntop(AF_INET6, &peer.sin6_addr, text, sizeof(text)));
	close(client);
	close(server);
	close(listener);
}

static void names(void)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *res = NULL;
	char host[64], service[16], text[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	struct in_addr in;

	tap_ok(!getaddrinfo("10.1.2.3", "80", &hints, &res) && res->ai_family == AF_INET &&
	       ((struct sockaddr_in *)res->ai_addr)->sin_port == htons(80) &&
	       ((struct sockaddr_in *)res->ai_addr)->sin_addr.s_addr == htonl(0x0a010203),
	       "getaddrinfo: numbers");
	tap_ok(res && !getnameinfo(res->ai_addr, res->ai_addrlen, host, sizeof(host), service,
				   sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV) &&
	       !strcmp(host, "10.1.2.3") && !strcmp(service, "80"), "getnameinfo");
	freeaddrinfo(res);
	res = NULL;
	tap_ok(!getaddrinfo("localhost", "http", &hints, &res) &&
	       ((struct sockaddr_in *)res->ai_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK),
	       "getaddrinfo: localhost, http");
	freeaddrinfo(res);
	tap_ok(inet_pton(AF_INET, "1.2.3.4", &in) == 1 && in.s_addr == htonl(0x01020304) &&
	       inet_pton(AF_INET, "1.2.3.400", &in) == 0, "inet_pton: IPv4");
	tap_ok(inet_pton(AF_INET6, "FD00::1:2", &in6) == 1 &&
	       !strcmp(inet_ntop(AF_INET6, &in6, text, sizeof(text)), "fd00::1:2") &&
	       inet_pton(AF_INET6, "fd00:::1", &in6) == 0, "inet_pton, inet_ntop: IPv6");
	tap_ok(fails((intptr_t)inet_ntop(99, &in6, text, sizeof(text)) ? 0 : -1, EAFNOSUPPORT),
	       "inet_ntop: unknown family");
	tap_ok(if_nametoindex("eth0") && !if_nametoindex("eth9") &&
	       !strcmp(if_indextoname(if_nametoindex("eth0"), text), "eth0"), "if_nametoindex");
}

static void many(void)
{
	static int clients[MANY], servers[MANY], fds[300];
	int listener = bound(SOCK_STREAM, PORT + 8), i, good = 0, n;
	char c;

	listen(listener, 128);
	for (i = 0; i < MANY; i++) {
		clients[i] = connected(PORT + 8);
		servers[i] = accept(listener, NULL, NULL);
	}
	for (i = 0; i < MANY; i++) {
		c = i;
		send(clients[i], &c, 1, 0);
	}
	for (i = 0; i < MANY; i++)
		good += recv(servers[i], &c, 1, 0) == 1 && c == (char)i;
	tap_ok(good == MANY, "%d connections at once: %d right", MANY, good);
	for (i = 0; i < MANY; i++) {
		close(clients[i]);
		close(servers[i]);
	}

	for (n = 0; n < 300; n++) {
		fds[n] = socket(AF_INET, SOCK_STREAM, 0);
		if (fds[n] < 0)
			break;
	}
	tap_ok(n > 150 && n < 300 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS),
	       "socket: no more after %d, errno %d", n, errno);
	while (n--)
		close(fds[n]);
	i = connected(PORT + 8);
	tap_ok(i >= 0, "and again after closing them");
	close(i);
	close(listener);

	for (i = 0; i < 2000; i++) {
		n = socket(AF_INET, i & 1 ? SOCK_STREAM : SOCK_DGRAM, 0);
		if (n < 0)
			break;
		close(n);
	}
	tap_ok(i == 2000, "2000 sockets made and closed");
}

int main(void)
{
	errors();
	stream();
	nonblocking();
	timeouts();
	datagrams();
	families();
	names();
	many();
	return tap_done();
}
