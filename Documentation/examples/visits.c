// SPDX-License-Identifier: MIT
/*
 * visits - a server: tells each HTTP client which visitor it is
 *
 * Sockets, a thread for each visitor, a mutex around what they share, poll() on the
 * network and the console at once: a line typed at the console ends it. Boot
 * argument: from=N, the number to start at. Explained in
 * Documentation/guest-programming.rst.
 *
 * Build: denali-cc -o visits visits.c. Not a word of it is Denali's own but
 * denali_bootarg_int().
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <denali-os/bootargs.h>

#define PORT	80

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long visits;			/* guarded by lock */

static void die(const char *what)
{
	printf("visits: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *visitor(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char text[200];
	time_t now;
	size_t len = 0;
	long nr;
	ssize_t n;

	/* The request, of which nothing matters but that it ends: with an empty line. */
	do {
		n = recv(fd, text + len, sizeof(text) - 1 - len, 0);
		if (n <= 0)
			goto out;
		len += n;
		text[len] = '\0';
	} while (!strstr(text, "\r\n\r\n") && len < sizeof(text) - 1);

	pthread_mutex_lock(&lock);
	nr = ++visits;
	pthread_mutex_unlock(&lock);

	time(&now);
	len = snprintf(text, sizeof(text),
		       "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nYou are visitor %ld, at %s",
		       nr, asctime(gmtime(&now)));
	printf("visitor %ld\n", nr);
	send(fd, text, len, 0);
out:
	close(fd);
	return NULL;
}

static void visitor_start(int listener)
{
	int fd = accept(listener, NULL, NULL);
	pthread_t thread;
	pthread_attr_t attr;

	if (fd < 0)
		return;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 8192);
	/* Memory is what there is: a visitor too many is turned away. */
	if (pthread_create(&thread, &attr, visitor, (void *)(intptr_t)fd))
		close(fd);
}

int main(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct pollfd fds[2] = { { .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN } };

	visits = denali_bootarg_int("from", 0);
	fds[0].fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fds[0].fd < 0)
		die("socket");
	if (bind(fds[0].fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fds[0].fd, 16))
		die("port 80");
	printf("ready\n");
	for (;;) {
		if (poll(fds, 2, -1) < 0)
			die("poll");
		if (fds[1].revents)
			return 0;
		if (fds[0].revents)
			visitor_start(fds[0].fd);
	}
}
