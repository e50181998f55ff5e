// SPDX-License-Identifier: MIT
/*
 * httpd: a web server for files that are linked into it.
 *
 * Plain POSIX C: denali-cc makes a guest of it and cc a Linux process. One loop
 * polls all connections and none of them can hold it up (conn.c). Memory for each
 * is fixed and their number is limited by the VM's memory; when all are taken, a
 * newcomer takes the place of the one that has been idle longest.
 *
 * Argument (boot argument in a guest): port=N.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "httpd.h"

#ifdef __denali__
#include <denali/vregs.h>
#include <denali-os/bootargs.h>
#endif

#define CONNS_MAX	240
#define CONNS_MIN	16

/* Memory of the VM for each connection, its TCP buffers included. */
#define MEM_PER_CONN	16384

/* A connection that has asked for nothing, or for a part, may be given up after this, ms. */
#define PATIENCE_MS	1000

/* Slot 0 is the listener; conns[i] belongs to fds[i]. */
static struct pollfd fds[CONNS_MAX + 1];
static struct conn *conns[CONNS_MAX + 1];
static int nfds = 1, limit = CONNS_MAX;

static void die(const char *what)
{
	fprintf(stderr, "httpd: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint32_t)ts.tv_nsec / 1000000;
}

static void listener_open(uint16_t port)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int off = 0, on = 1, fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("bind");
	if (listen(fd, 128))
		die("listen");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	fds[0].fd = fd;
	fds[0].events = POLLIN;
}

static void slot_close(int i, int abort)
{
	conn_destroy(conns[i], abort);
	nfds--;
	fds[i] = fds[nfds];
	conns[i] = conns[nfds];
	httpd_counters.open = nfds - 1;
}

/* Make room for a newcomer. Return: whether there is some. */
static int evict(uint64_t now)
{
	int i, victim = 0, abort;

	for (i = 1; i < nfds; i++) {
		/* Between requests a connection can go at once; else it has had its chance. */
		if (conns[i]->state == CONN_WRITING ||
		    (!(conns[i]->state == CONN_IDLE && conns[i]->served) &&
		     now - conns[i]->since < PATIENCE_MS))
			continue;
		if (!victim || conns[i]->since < conns[victim]->since)
			victim = i;
	}
	if (!victim)
		return 0;
	abort = conns[victim]->state != CONN_IDLE;
	httpd_counters.evicted++;
	slot_close(victim, abort);
	return 1;
}

static void newcomers_accept(uint64_t now)
{
	struct conn *c;
	int fd, on = 1;

	for (;;) {
		if (nfds > limit && !evict(now)) {
			/* They wait in the listener's queue; timers_run() looks again. */
			fds[0].events = 0;
			return;
		}
		fd = accept(fds[0].fd, NULL, NULL);
		if (fd < 0)
			return;
		fcntl(fd, F_SETFL, O_NONBLOCK);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		c = conn_create(fd, now);
		if (!c) {
			close(fd);
			return;
		}
		conns[nfds] = c;
		fds[nfds].fd = fd;
		fds[nfds].events = POLLIN;
		/* A request mostly comes with the connection: look at once. */
		fds[nfds].revents = POLLIN;
		nfds++;
		httpd_counters.accepted++;
		httpd_counters.open = nfds - 1;
		if (httpd_counters.open > httpd_counters.open_max)
			httpd_counters.open_max = httpd_counters.open;
	}
}

static void timers_run(uint64_t now)
{
	int i;

	for (i = nfds - 1; i > 0; i--) {
		if (now < conns[i]->deadline)
			continue;
		httpd_counters.timeouts += conns[i]->state != CONN_IDLE;
		slot_close(i, conns[i]->state != CONN_IDLE);
	}
	fds[0].events = POLLIN;
}

static void serve(void)
{
	uint64_t now = now_ms(), next = 0;
	int i, ret, again = 0;

	for (;;) {
		/* With no connection there is nothing to time: the VM sleeps. */
		if (poll(fds, nfds, again ? 0 : nfds > 1 ? 1000 : -1) < 0 && errno != EINTR)
			die("poll");
		now = now_ms();
		again = 0;
		if (fds[0].revents)
			newcomers_accept(now);
		/* From the end: closing moves the last into the gap. */
		for (i = nfds - 1; i > 0; i--) {
			if (!fds[i].revents)
				continue;
			ret = conn_run(conns[i], now);
			if (ret < 0) {
				slot_close(i, 0);
				fds[0].events = POLLIN;
				continue;
			}
			fds[i].events = conns[i]->state == CONN_WRITING ? POLLOUT : POLLIN;
			/* It goes on in the next turn even if no more comes. */
			if (ret) {
				fds[i].events |= POLLOUT;
				again = 1;
			}
		}
		if (now >= next) {
			next = now + 1000;
			timers_run(now);
		}
	}
}

static uint16_t port_parse(const char *value)
{
	char *end;
	long n = strtol(value, &end, 10);

	if (*end || end == value || n < 1 || n > 65535) {
		fprintf(stderr, "httpd: port=%s: not a port, 1..65535\n", value);
		exit(1);
	}
	return n;
}

int main(int argc, char **argv)
{
	uint16_t port = 80;
	char *text;

#ifdef __denali__
	uint64_t fit = DENALI_VREGS->mem_size / MEM_PER_CONN;
	char value[16];

	(void)argc;
	(void)argv;
	if (denali_bootarg("port", value, sizeof(value)))
		port = port_parse(value);
	if (fit < CONNS_MAX)
		limit = fit < CONNS_MIN ? CONNS_MIN : fit;
#else
	if (argc > 1 && !strncmp(argv[1], "port=", 5))
		port = port_parse(argv[1] + 5);
#endif
	httpd_counters.limit = limit;
	/* Uptime counts from here. */
	if (httpd_status_text(&text, 0) >= 0)
		free(text);
	listener_open(port);
	printf("httpd: ready on port %u, %u files, %d connections\n", port,
	       (unsigned int)httpd_files_count, limit);
	fflush(stdout);
	serve();
}
