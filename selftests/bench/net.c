// SPDX-License-Identifier: GPL-2.0
/*
 * A client's round trips: a datagram to an echo server and back, and a request on a
 * connection that is kept alive. The server is at an address; whether that is a VM or a
 * process is run-in-vm's business.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "../lib.h"
#include "bench.h"
#include "measure.h"
#include "regions.h"

#define WARM_UP		32
#define PAYLOAD		64
#define RESPONSE_MAX	65536

/* A mark's region is part of its instruction, so each needs one of its own. */
#define EACH_REGION(op) do {						\
	switch (region) {						\
	case R_UDP:							\
		op(R_UDP);						\
		break;							\
	case R_UDP + 1:							\
		op(R_UDP + 1);						\
		break;							\
	case R_UDP + 2:							\
		op(R_UDP + 2);						\
		break;							\
	case R_HTTP:							\
		op(R_HTTP);						\
		break;							\
	case R_HTTP + 1:						\
		op(R_HTTP + 1);						\
		break;							\
	}								\
} while (0)

static void begin(int region)
{
	EACH_REGION(region_begin);
}

static void end(int region)
{
	EACH_REGION(region_end);
}

static bool udp_exchange(int fd)
{
	static uint8_t out[PAYLOAD], in[PAYLOAD + 1];
	ssize_t n;

	out[0]++;
	if (send(fd, out, PAYLOAD, 0) != PAYLOAD)
		return false;
	do {
		n = recv(fd, in, sizeof(in), 0);
	} while (n > 0 && memcmp(in, out, PAYLOAD));
	return n == PAYLOAD;
}

/* The first response says how long they all are. */
static bool http_exchange(int fd)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";
	static char in[RESPONSE_MAX];
	static size_t expect;
	size_t have = 0;
	ssize_t n;
	char *p;

	if (send(fd, request, sizeof(request) - 1, 0) != sizeof(request) - 1)
		return false;
	do {
		n = recv(fd, in + have, sizeof(in) - 1 - have, 0);
		if (n <= 0)
			return false;
		have += n;
		in[have] = 0;
		if (!expect) {
			char *body = strstr(in, "\r\n\r\n");

			p = strcasestr(in, "\r\nContent-Length:");
			if (!body)
				continue;
			if (!p || strncmp(in, "HTTP/1.1 200", 12))
				die("not the response that was expected: %s", in);
			expect = body + 4 - in + strtoul(p + 17, NULL, 10);
		}
	} while (!expect || have < expect);
	if (have != expect)
		die("a response of %zu bytes where the others have %zu", have, expect);
	return true;
}

/* A connected socket, once the server is there. */
static int server(const struct sockaddr_in *addr, bool http)
{
	struct timeval tv = { .tv_usec = 200000 };
	uint64_t until = now_ns() + SOON_MS * 1000000ULL;
	int fd, on = 1;

	while (now_ns() < until) {
		fd = socket(AF_INET, http ? SOCK_STREAM : SOCK_DGRAM, 0);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
		if (http)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (!connect(fd, (void *)addr, sizeof(*addr)) &&
		    (http ? http_exchange(fd) : udp_exchange(fd))) {
			/* Without a limit no timer is set: that isn't the server's cost. */
			tv.tv_usec = 0;
			setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
			return fd;
		}
		close(fd);
		nap();
	}
	die("no server at %s port %d", inet_ntoa(addr->sin_addr), ntohs(addr->sin_port));
}

void bench_net(int argc, char **argv)
{
	static const char *const servers[] = { "vm", "native", "tap" };
	struct sockaddr_in addr = { .sin_family = AF_INET };
	uint32_t sample[SAMPLES], start;
	int i, fd, which, region;
	bool http;

	if (argc != 3 || (strcmp(argv[0], "udp") && strcmp(argv[0], "http")))
		die("usage: net udp|http vm|native|tap ADDRESS");
	http = !strcmp(argv[0], "http");
	for (which = 0; which < 3 && strcmp(argv[1], servers[which]); which++)
		;
	if (which == 3 || !inet_aton(argv[2], &addr.sin_addr))
		die("%s is none of vm, native, tap, or %s no address", argv[1], argv[2]);
	region = (http ? R_HTTP : R_UDP) + which;
	addr.sin_port = htons(http ? 80 : 7);
	fd = server(&addr, http);
	for (i = -WARM_UP; i < SAMPLES; i++) {
		start = tsc();
		if (i >= 0)
			begin(region);
		if (!(http ? http_exchange(fd) : udp_exchange(fd)))
			die("the server at %s stopped answering: %m", argv[2]);
		if (i >= 0)
			end(region);
		sample[i < 0 ? 0 : i] = tsc() - start;
	}
	close(fd);
	report(region, sample, SAMPLES, 0, 1);
}
