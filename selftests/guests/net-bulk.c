// SPDX-License-Identifier: GPL-2.0
/*
 * Bulk data over TCP, checked byte by byte. Port 5001: receive until the peer has said
 * all, then answer "COUNT BAD\n". Port 5002: receive "COUNT\n", then send so many.
 * Byte n of either is a function of n that no shift or loss leaves as it was.
 *
 * Boot argument connect=ADDRESS: be the client of another such VM instead, both
 * ways with count=BYTES, and end with status 0 if all is as it should be.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <denali-os/bootargs.h>

static unsigned char buf[8192];

static unsigned char pattern(uint32_t n)
{
	return n ^ n >> 8 ^ n >> 16;
}

static int listening(int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 4)) {
		perror("listen");
		exit(1);
	}
	return fd;
}

static uint32_t receive(int fd, uint32_t *bad)
{
	uint32_t count = 0;
	ssize_t n, i;

	*bad = 0;
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		for (i = 0; i < n; i++)
			*bad += buf[i] != pattern(count++);
	return count;
}

static int transmit(int fd, uint32_t count)
{
	uint32_t sent = 0, i, chunk;
	ssize_t n;

	while (sent < count) {
		chunk = count - sent < sizeof(buf) ? count - sent : sizeof(buf);
		for (i = 0; i < chunk; i++)
			buf[i] = pattern(sent + i);
		n = send(fd, buf, chunk, 0);
		if (n <= 0)
			return -1;
		sent += n;
	}
	return 0;
}

static void sink(int fd)
{
	uint32_t bad, count = receive(fd, &bad);
	char text[32];

	snprintf(text, sizeof(text), "%lu %lu\n", (unsigned long)count, (unsigned long)bad);
	send(fd, text, strlen(text), 0);
	close(fd);
}

static void source(int fd)
{
	char text[16] = "";

	if (recv(fd, text, sizeof(text) - 1, 0) > 0)
		transmit(fd, strtoul(text, NULL, 10));
	close(fd);
}

static int connected(const char *address, int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, address, &addr.sin_addr);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		perror("connect");
		exit(1);
	}
	return fd;
}

static int client(const char *address, uint32_t count)
{
	char text[32] = "", want[32];
	uint32_t got, bad;
	int fd = connected(address, 5001);

	if (transmit(fd, count))
		perror("send");
	shutdown(fd, SHUT_WR);
	recv(fd, text, sizeof(text) - 1, MSG_WAITALL);
	close(fd);
	snprintf(want, sizeof(want), "%lu 0\n", (unsigned long)count);
	printf("sent: %s", text);

	fd = connected(address, 5002);
	send(fd, want, strlen(want), 0);
	got = receive(fd, &bad);
	close(fd);
	printf("received: %lu %lu\n", (unsigned long)got, (unsigned long)bad);
	return strcmp(text, want) || got != count || bad;
}

int main(void)
{
	char address[32];
	struct pollfd fds[2];

	if (denali_bootarg("connect", address, sizeof(address)))
		return client(address, denali_bootarg_int("count", 1000000));
	fds[0].fd = listening(5001);
	fds[1].fd = listening(5002);
	fds[0].events = POLLIN;
	fds[1].events = POLLIN;
	printf("bulk: ready\n");
	fflush(stdout);
	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents)
			sink(accept(fds[0].fd, NULL, NULL));
		if (fds[1].revents)
			source(accept(fds[1].fd, NULL, NULL));
	}
}
