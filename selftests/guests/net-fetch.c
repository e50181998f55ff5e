// SPDX-License-Identifier: GPL-2.0
/*
 * A client: looks a name up, connects, sends a request for "/" and prints the first line
 * of the answer. Boot arguments: host=NAME, port=NUMBER.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <denali-os/bootargs.h>

int main(void)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *res;
	char host[64] = "", port[8] = "80", text[256] = "", request[128];
	int fd, ret;

	denali_bootarg("host", host, sizeof(host));
	denali_bootarg("port", port, sizeof(port));
	ret = getaddrinfo(host, port, &hints, &res);
	if (ret) {
		printf("%s: %s\n", host, gai_strerror(ret));
		return 2;
	}
	getnameinfo(res->ai_addr, res->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
	printf("%s is %s\n", host, text);
	fd = socket(res->ai_family, SOCK_STREAM, 0);
	if (connect(fd, res->ai_addr, res->ai_addrlen)) {
		perror("connect");
		return 3;
	}
	freeaddrinfo(res);
	snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);
	send(fd, request, strlen(request), 0);
	ret = recv(fd, text, sizeof(text) - 1, 0);
	if (ret <= 0) {
		perror("recv");
		return 4;
	}
	text[ret] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	printf("answer: %s\n", text);
	close(fd);
	return 0;
}
