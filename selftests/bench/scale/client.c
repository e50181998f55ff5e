// SPDX-License-Identifier: GPL-2.0
/*
 * The client, see client.h. It is the same for any number of VMs, and its cost is in all
 * figures: sockets, the host's TCP/IP and the tap.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../lib.h"
#include "../bench.h"
#include "client.h"
#include "crowd.h"

#define ECHO_AT_ONCE	64
#define ECHO_AGAIN_MS	1000
#define ECHO_TRIES	20

/* A request that takes longer is begun anew, and counted. */
#define PATIENCE_NS	(20 * 1000000000ULL)

/* Not /proc/timer_list, which is exact but takes the square of the number of timers. */
static uint64_t cpu_idle_ns(void)
{
	unsigned long long idle, wait;
	FILE *f = fopen("/proc/stat", "r");

	if (!f || fscanf(f, "cpu %*u %*u %*u %llu %llu", &idle, &wait) != 2)
		die("/proc/stat: %m");
	fclose(f);
	return (idle + wait) * (1000000000ULL / sysconf(_SC_CLK_TCK));
}

uint64_t cpu_busy_ns(void)
{
	return now_ns() - cpu_idle_ns();
}

uint64_t cpu_busy_at_rest_ns(void)
{
	uint64_t idle = cpu_idle_ns();

	/* At a tick nothing is left over. */
	while (cpu_idle_ns() == idle)
		usleep(1000);
	return cpu_busy_ns();
}

/* What this process has executed, in the kernel as well: not what interrupts and others do for it. */
static uint64_t client_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void echo_ask(int sock, int i)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(7) };

	addr.sin_addr.s_addr = crowd_addr(i);
	/* What can't be sent now is as good as lost. */
	sendto(sock, &i, sizeof(i), 0, (void *)&addr, sizeof(addr));
}

/* An answer, from who was asked for it. Return: his number, or -1: nothing came for a while. */
static int echo_answer(int sock)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	int i;

	if (recvfrom(sock, &i, sizeof(i), 0, (void *)&from, &len) != sizeof(i))
		return -1;
	if (i < 0 || i >= CROWD_MAX || from.sin_addr.s_addr != crowd_addr(i))
		die("an echo from %s isn't its own", inet_ntoa(from.sin_addr));
	return i;
}

unsigned int client_echo(int nr)
{
	struct timeval again = { .tv_sec = ECHO_AGAIN_MS / 1000 };
	static bool answered[CROWD_MAX];
	int sock = socket(AF_INET, SOCK_DGRAM, 0), next = 0, under_way = 0, done = 0, i;
	unsigned int resent = 0, quiet = 0;

	if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &again, sizeof(again)) < 0)
		die("no socket: %m");
	memset(answered, 0, sizeof(answered));
	while (done < nr) {
		for (; next < nr && under_way < ECHO_AT_ONCE; next++, under_way++)
			echo_ask(sock, next);
		i = echo_answer(sock);
		if (i >= 0) {
			quiet = 0;
			if (i >= nr || answered[i])
				continue;
			answered[i] = true;
			under_way--;
			done++;
			continue;
		}
		if (++quiet > ECHO_TRIES)
			die("%d of %d VMs don't answer", nr - done, nr);
		for (i = 0; i < next; i++) {
			if (answered[i])
				continue;
			echo_ask(sock, i);
			resent++;
		}
	}
	close(sock);
	return resent;
}

/* A request under way. */
struct slot {
	int fd;
	int vm;
	bool asked;
	uint64_t start;
	size_t got;		/* bytes of the answer */
	ssize_t body;		/* where its object begins, -1: not yet known */
};

static void slot_end(struct slot *s)
{
	close(s->fd);
	s->fd = -1;
}

static void slot_connect(struct slot *s, int ep)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = s };

	addr.sin_addr.s_addr = crowd_addr(s->vm);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	s->asked = false;
	s->got = 0;
	s->body = -1;
	if (s->fd < 0 || (connect(s->fd, (void *)&addr, sizeof(addr)) < 0 && errno != EINPROGRESS) ||
	    epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &event) < 0)
		die("no connection to VM %d: %m", s->vm);
}

/* Return: 0, or -1 if it was refused. */
static int slot_ask(struct slot *s, int ep, const char *path)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = s };
	char line[100];
	int len = snprintf(line, sizeof(line), "GET %s HTTP/1.0\r\n\r\n", path);

	if (send(s->fd, line, len, MSG_NOSIGNAL) != len)
		return -1;
	s->asked = true;
	return epoll_ctl(ep, EPOLL_CTL_MOD, s->fd, &event);
}

/* All that has come. Return: 1 it has all, 0 there is more to come, -1 it was cut off. */
static int slot_read(struct slot *s, size_t bytes)
{
	static char buf[65536];
	char *end;
	ssize_t n;

	while ((n = recv(s->fd, buf, sizeof(buf) - 1, 0)) > 0) {
		/* The guest sends all of its header in a segment. */
		if (!s->got) {
			buf[n] = '\0';
			end = strstr(buf, "\r\n\r\n");
			if (strncmp(buf, "HTTP/1.1 200 ", 13) || !end)
				die("VM %d answers: %.*s", s->vm, (int)n, buf);
			s->body = end + 4 - buf;
		}
		s->got += n;
	}
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	return s->body >= 0 && s->got - s->body == bytes ? 1 : -1;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Slots that have waited too long. */
static unsigned int overdue(struct slot *slot, int nr, int ep)
{
	uint64_t now = now_ns();
	unsigned int n = 0;
	int i;

	for (i = 0; i < nr; i++) {
		if (slot[i].fd < 0 || now - slot[i].start < PATIENCE_NS)
			continue;
		slot_end(&slot[i]);
		slot_connect(&slot[i], ep);
		n++;
	}
	return n;
}

void client_http(struct load *load)
{
	int ep = epoll_create1(0), begun = 0, done = 0, total = load->first + load->count, n, i, ret;
	struct slot *slot = calloc(load->at_once, sizeof(*slot));
	uint64_t start = now_ns(), busy = cpu_busy_ns(), own = client_ns();
	struct epoll_event event[64];

	if (ep < 0 || !slot)
		die("no epoll: %m");
	load->failed = 0;
	for (; begun < load->at_once && begun < total; begun++) {
		slot[begun].vm = load->pick(load->arg, -1);
		slot[begun].start = now_ns();
		slot_connect(&slot[begun], ep);
	}
	while (done < total) {
		n = epoll_wait(ep, event, 64, 1000);
		if (n <= 0)
			load->failed += overdue(slot, load->at_once, ep);
		for (i = 0; i < n; i++) {
			struct slot *s = event[i].data.ptr;

			ret = s->asked ? slot_read(s, load->bytes) : slot_ask(s, ep, load->path);
			if (!ret)
				continue;
			slot_end(s);
			if (ret < 0) {
				load->failed++;
				if (load->failed > (unsigned int)total)
					die("VM %d refuses requests", s->vm);
				slot_connect(s, ep);
				continue;
			}
			if (done >= load->first)
				load->latency[done - load->first] = now_ns() - s->start;
			if (++done == load->first) {
				busy = cpu_busy_ns();
				own = client_ns();
				start = now_ns();
			}
			if (begun < total) {
				begun++;
				s->vm = load->pick(load->arg, s->vm);
				s->start = now_ns();
				slot_connect(s, ep);
			}
		}
	}
	load->ns = now_ns() - start;
	load->client_ns = client_ns() - own;
	load->busy_ns = cpu_busy_ns() - busy;
	qsort(load->latency, load->count, sizeof(*load->latency), by_value);
	free(slot);
	close(ep);
}
