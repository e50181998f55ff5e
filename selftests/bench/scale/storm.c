// SPDX-License-Identifier: GPL-2.0
/*
 * A wake-up storm: one datagram to the broadcast address makes all VMs runnable at once, and
 * each of them answers it.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../lib.h"
#include "../bench.h"
#include "client.h"
#include "crowd.h"
#include "scale.h"

#define STORM	1000
#define ROUNDS	20

static struct crowd crowd;

/* Return: how many answered; @worst: when the last did, ns. */
static int storm(int sock, uint64_t *worst)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7) };
	uint64_t start = now_ns();
	int answers = 0, word = 0;

	inet_aton(CROWD_BROADCAST, &to.sin_addr);
	if (sendto(sock, &word, sizeof(word), 0, (void *)&to, sizeof(to)) < 0)
		die("no broadcast: %m");
	while (answers < crowd.nr && recv(sock, &word, sizeof(word), 0) == sizeof(word)) {
		answers++;
		*worst = now_ns() - start;
	}
	return answers;
}

void scale_storm(int dev, int most, int seconds)
{
	int sock, on = 1, room = 16 << 20, i, answers = 0;
	struct timeval patience = { .tv_sec = 1 };
	uint64_t worst = 0, longest = 0, sum = 0;

	crowd_init(&crowd, dev);
	/* In the crowd's network namespace. */
	sock = socket(AF_INET, SOCK_DGRAM, 0);
	if (setsockopt(sock, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) < 0 ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0 ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		die("no socket: %m");
	crowd_grow(&crowd, most < STORM ? most : STORM, "");
	/* Each knows the host's address, and has a page of its own for it, when it counts. */
	client_echo(crowd.nr);
	for (i = 0; i < ROUNDS; i++) {
		answers += storm(sock, &worst);
		sum += worst;
		if (worst > longest)
			longest = worst;
	}
	printf("storm %d insns %llu\n", crowd.nr, (unsigned long long)sum / ROUNDS / crowd.nr);
	printf("storm %d worst %llu\n", crowd.nr, (unsigned long long)longest);
	printf("storm %d lost %d\n", crowd.nr, crowd.nr * ROUNDS - answers);
	close(sock);
	crowd_exit(&crowd);
}
