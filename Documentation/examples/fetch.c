// SPDX-License-Identifier: MIT
/*
 * fetch - a client: gets a page from a web server, prints it and ends
 *
 * Boot arguments: host=NAME or address, path=PATH (default /). The exit status is 0 if
 * the server answered. Explained in Documentation/guest-programming.rst.
 *
 * Build: denali-cc -o fetch fetch.c
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <denali-os/bootargs.h>

int main(void)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *info;
	char host[100] = "", path[100] = "/", buf[512];
	int fd, ret, head = 1;
	ssize_t n;
	char *body;

	denali_bootarg("host", host, sizeof(host));
	denali_bootarg("path", path, sizeof(path));
	ret = getaddrinfo(host, "80", &hints, &info);
	if (ret) {
		printf("fetch: %s: %s\n", host, gai_strerror(ret));
		return 2;
	}
	fd = socket(info->ai_family, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, info->ai_addr, info->ai_addrlen)) {
		printf("fetch: %s: %s\n", host, strerror(errno));
		return 1;
	}
	freeaddrinfo(info);
	n = snprintf(buf, sizeof(buf), "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, host);
	send(fd, buf, n, 0);
	while ((n = recv(fd, buf, sizeof(buf) - 1, 0)) > 0) {
		buf[n] = '\0';
		/* The head is short and comes in one piece from the servers that this is for. */
		body = head ? strstr(buf, "\r\n\r\n") : buf;
		if (body)
			fputs(head ? body + 4 : body, stdout);
		head = 0;
	}
	close(fd);
	return n < 0;
}
