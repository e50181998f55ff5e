// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that a parser must take, and requests that it must refuse, each in
 * one piece, byte by byte, and followed by another request whose start must be
 * found (or, after a refusal, not). TAP output; runs on the build machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../parse.h"

#define H "Host: a\r\n"

struct testcase {
	const char *request;
	int status;		/* 0: taken */
	const char *path;	/* if taken */
	int keep;
};

static const struct testcase cases[] = {
	/* Plain ones. */
	{ "GET / HTTP/1.1\r\n" H "\r\n", 0, "/", 1 },
	{ "HEAD / HTTP/1.1\r\n" H "\r\n", 0, "/", 1 },
	{ "GET / HTTP/1.0\r\n\r\n", 0, "/", 0 },
	{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 0, "/", 1 },
	{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 0, "/", 1 },
	{ "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", 0, "/", 0 },
	{ "GET / HTTP/1.1\r\n" H "connection: CLOSE\r\n\r\n", 0, "/", 0 },
	{ "GET / HTTP/1.1\r\n" H "Connection: te, close\r\n\r\n", 0, "/", 0 },
	{ "GET / HTTP/1.1\r\n" H "Connection: close\r\nConnection: keep-alive\r\n\r\n", 0, "/", 0 },
	{ "GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n", 0, "/", 1 },
	{ "GET / HTTP/1.9\r\n" H "\r\n", 0, "/", 1 },
	{ "\r\nGET / HTTP/1.1\r\n" H "\r\n", 0, "/", 1 },
	{ "\r\n\r\nGET /a HTTP/1.1\r\n" H "\r\n", 0, "/a", 1 },
	{ "GET /a/b.html HTTP/1.1\r\nhOST:a\r\n\r\n", 0, "/a/b.html", 1 },
	{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", 0, "/", 1 },
	{ "GET / HTTP/1.1\r\nHost: [fd00::1]:80\r\n\r\n", 0, "/", 1 },
	{ "GET / HTTP/1.1\r\n" H "X:\r\n\r\n", 0, "/", 1 },
	{ "GET / HTTP/1.1\r\n" H "X: a\tb\r\n\r\n", 0, "/", 1 },
	{ "GET / HTTP/1.1\r\n" H "X: \xc3\xa4\r\n\r\n", 0, "/", 1 },
	{ "GET / HTTP/1.1\r\n" H "X:  \t a \t \r\n\r\n", 0, "/", 1 },
	{ "GET / HTTP/1.1\r\n" H "Expect: 100-Continue\r\n\r\n", 0, "/", 1 },
	/* Targets. */
	{ "GET /? HTTP/1.1\r\n" H "\r\n", 0, "/", 1 },
	{ "GET /a?b=/../c HTTP/1.1\r\n" H "\r\n", 0, "/a", 1 },
	{ "GET /a?%zz HTTP/1.1\r\n" H "\r\n", 0, "/a", 1 },
	{ "GET //a///b HTTP/1.1\r\n" H "\r\n", 0, "/a/b", 1 },
	{ "GET /./a/./b/. HTTP/1.1\r\n" H "\r\n", 0, "/a/b/", 1 },
	{ "GET /a/ HTTP/1.1\r\n" H "\r\n", 0, "/a/", 1 },
	{ "GET /a// HTTP/1.1\r\n" H "\r\n", 0, "/a/", 1 },
	{ "GET /... HTTP/1.1\r\n" H "\r\n", 0, "/...", 1 },
	{ "GET /..a HTTP/1.1\r\n" H "\r\n", 0, "/..a", 1 },
	{ "GET /a..b HTTP/1.1\r\n" H "\r\n", 0, "/a..b", 1 },
	{ "GET /%61%2Eb HTTP/1.1\r\n" H "\r\n", 0, "/a.b", 1 },
	{ "GET /a%20b HTTP/1.1\r\n" H "\r\n", 0, "/a b", 1 },
	{ "GET /%25 HTTP/1.1\r\n" H "\r\n", 0, "/%", 1 },
	{ "GET /%2525 HTTP/1.1\r\n" H "\r\n", 0, "/%25", 1 },
	{ "GET /a%2Fb HTTP/1.1\r\n" H "\r\n", 0, "/a/b", 1 },
	{ "GET http://a/x HTTP/1.1\r\n" H "\r\n", 0, "/x", 1 },
	{ "GET HTTP://a:80/x/y HTTP/1.1\r\n" H "\r\n", 0, "/x/y", 1 },
	{ "GET http://a HTTP/1.1\r\n" H "\r\n", 0, "/", 1 },
	{ "GET http://a?b=/c HTTP/1.1\r\n" H "\r\n", 0, "/", 1 },
	{ "GET https://a/x HTTP/1.1\r\n" H "\r\n", 0, "/x", 1 },
	{ "GET /../a HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /.. HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /a/../../b HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /%2e%2e/a HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /.%2E/a HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /..%2fa HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /%2F.. HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /%00 HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /a%00.html HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /% HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /%2 HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /%2g HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /%g2 HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /%+1 HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /a#b HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET a HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET * HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET a:80 HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET ftp://a/ HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET http:/a HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /\x01 HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /\x7f HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /a\tb HTTP/1.1\r\n" H "\r\n", 400 },
	/* Request lines. */
	{ "GET\r\n" H "\r\n", 400 },
	{ "GET /\r\n" H "\r\n", 400 },
	{ "GET / \r\n" H "\r\n", 400 },
	{ "GET  / HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET /  HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET / HTTP/1.1 \r\n" H "\r\n", 400 },
	{ " GET / HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET\t/\tHTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET / a HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET / http/1.1\r\n" H "\r\n", 400 },
	{ "GET / HTTP/1\r\n" H "\r\n", 400 },
	{ "GET / HTTP/1.10\r\n" H "\r\n", 400 },
	{ "GET / HTTP/11\r\n" H "\r\n", 400 },
	{ "GET / HTTP/1,1\r\n" H "\r\n", 400 },
	{ "GET / HTTP/a.1\r\n" H "\r\n", 400 },
	{ "GET / HTTP/-.1\r\n" H "\r\n", 400 },
	{ "GET / XTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET / HTTP/2.0\r\n" H "\r\n", 505 },
	{ "GET / HTTP/0.9\r\n" H "\r\n", 505 },
	{ "PRI * HTTP/2.0\r\n\r\n", 505 },
	{ "G@T / HTTP/1.1\r\n" H "\r\n", 400 },
	{ "G\x80T / HTTP/1.1\r\n" H "\r\n", 400 },
	{ "get / HTTP/1.1\r\n" H "\r\n", 501 },
	{ "GETX / HTTP/1.1\r\n" H "\r\n", 501 },
	{ "FROBNICATE / HTTP/1.1\r\n" H "\r\n", 501 },
	/* Line ends. */
	{ "GET / HTTP/1.1\n" H "\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "\n", 400 },
	{ "\nGET / HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET / HTTP/1.1\r\r\n" H "\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "X: a\rContent-Length: 5\r\n\r\n", 400 },
	{ "GET /\rX HTTP/1.1\r\n" H "\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "\rX: a\r\n\r\n", 400 },
	/* Fields. */
	{ "GET / HTTP/1.1\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H H "\r\n", 400 },
	{ "GET / HTTP/1.0\r\n" H H "\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "X : a\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "X\t: a\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "X Y: a\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H ": a\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "X\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "X: a\r\n\tb\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n X: a\r\n" H "\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "X(: a\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "X: \x01\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "X: \x7f\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "Expect: magic\r\n\r\n", 417 },
	/* Lengths and codings: where two servers could part ways. */
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", 0, "/", 1 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", 0, "/", 1 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 00005\r\n\r\nhello", 0, "/", 1 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: -5\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 5 5\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 5.0\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 5;a\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 5\r\ncontent-length: 6\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 65537\r\n\r\n", 413 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 4294967296\r\n\r\n", 413 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 4294967301\r\n\r\n", 413 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 18446744073709551616\r\n\r\n", 413 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999999999999999\r\n\r\n", 413 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length : 5\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 501 },
	{ "GET / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", 501 },
	{ "GET / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n", 501 },
	{ "GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", 501 },
	{ "GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "content-length: 0\r\ntransfer-encoding: x\r\n\r\n", 400 },
	{ "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" H "Transfer-Encoding\r\n : chunked\r\n\r\n", 400 },
};

static int number, failed;

static void report(int ok, const char *what, const char *request)
{
	const char *c;

	printf("%sok %d %s: ", ok ? "" : "not ", ++number, what);
	for (c = request; *c && c - request < 70; c++)
		putchar(*c < 0x20 || *c == '#' || *c == 0x7f ? '.' : *c);
	putchar('\n');
	failed += !ok;
}

static int agrees(const struct testcase *t, const struct http_request *req)
{
	if (req->status != t->status)
		return 0;
	if (t->status)
		return !!req->why;
	return !strcmp(req->path, t->path) && req->keep_alive == t->keep;
}

/* Where the request ends: after the empty line, for those that are taken. */
static size_t header_size(const char *request)
{
	const char *s = request;

	while (!strncmp(s, "\r\n", 2))
		s += 2;
	return strstr(s, "\r\n\r\n") + 4 - request;
}

static void whole(const struct testcase *t)
{
	static char buf[4096];
	struct http_scan scan = { 0 };
	struct http_request req;
	size_t len = strlen(t->request), used = 0;

	memcpy(buf, t->request, len);
	memcpy(buf + len, "GET /next", 9);
	report(http_parse(buf, len + 9, sizeof(buf), &scan, &req, &used) == HTTP_DONE &&
	       agrees(t, &req) && (t->status || used == header_size(t->request)),
	       "whole", t->request);
}

static void bytewise(const struct testcase *t)
{
	static char buf[4096];
	struct http_scan scan = { 0 };
	struct http_request req;
	size_t len = strlen(t->request), used = 0, i;
	enum http_result result = HTTP_MORE;

	for (i = 0; i < len && result == HTTP_MORE; i++) {
		buf[i] = t->request[i];
		result = http_parse(buf, i + 1, sizeof(buf), &scan, &req, &used);
	}
	report(result == HTTP_DONE && agrees(t, &req) &&
	       (t->status || i == header_size(t->request)), "bytewise", t->request);
}

/* Requests of @n bytes of filling in a line or in lines. */
static void large(const char *what, const char *start, const char *filling, size_t n, int status)
{
	size_t room = 4096, len = strlen(start), used = 0, one = strlen(filling), i;
	char *buf = malloc(room);
	struct http_scan scan = { 0 };
	struct http_request req;
	enum http_result result;

	memcpy(buf, start, len);
	for (i = 0; i < n && len + one <= room; i++, len += one)
		memcpy(buf + len, filling, one);
	if (len + 2 <= room && n < room) {
		memcpy(buf + len, "\r\n", 2);
		len += 2;
	} else {
		memset(buf + len, 'a', room - len);
		len = room;
	}
	result = http_parse(buf, len, room, &scan, &req, &used);
	report(result == HTTP_DONE && req.status == status && used <= len, "large", what);
	free(buf);
}

/* Mutations of good requests: no crash, no result out of bounds, never more used than given. */
static void mutated(void)
{
	static const char seed[] = "GET /a%20b/./c?d=e HTTP/1.1\r\nHost: a:80\r\nContent-Length: 12\r\n"
				   "Connection: keep-alive, x\r\nAccept: text/html;q=1, application/json\r\n\r\n";
	static const char bytes[] = "\r\n\0 :\t%/.?,;0a\x80\xff";
	unsigned int i, k, bad = 0, rnd = 1;

	for (i = 0; i < 300000; i++) {
		size_t len = sizeof(seed) - 1, used = 0;
		struct http_scan scan = { 0 };
		struct http_request req;
		enum http_result result;
		char *buf = malloc(len + 1);

		memcpy(buf, seed, len);
		for (k = 0; k <= i % 4; k++) {
			rnd = rnd * 1664525 + 1013904223;
			buf[(rnd >> 8) % len] = bytes[(rnd >> 24) % (sizeof(bytes) - 1)];
		}
		result = http_parse(buf, len, len + 1, &scan, &req, &used);
		if (result == HTTP_DONE && used > len)
			bad++;
		if (result == HTTP_DONE && !req.status && !used)
			bad++;
		if (result == HTTP_DONE && !req.status && req.method <= HTTP_HEAD)
			bad += req.path[0] != '/' || strstr(req.path, "/../") || req.body > HTTP_BODY_MAX;
		free(buf);
	}
	report(!bad, "mutated", "300000 requests");
}

int main(void)
{
	size_t n = sizeof(cases) / sizeof(cases[0]), i;

	printf("1..%zu\n", 2 * n + 6);
	for (i = 0; i < n; i++) {
		whole(&cases[i]);
		bytewise(&cases[i]);
	}
	large("a target that fills the buffer", "GET /", "a", 5000, 414);
	large("a line that fills the buffer", "GET / HTTP/1.1\r\nX: ", "a", 5000, 431);
	large("lines that fill the buffer", "GET / HTTP/1.1\r\n", "X: aaaaaaaaaaaaaaa\r\n", 5000, 431);
	large("65 lines", "GET / HTTP/1.1\r\n" H, "X: a\r\n", 64, 431);
	large("64 lines", "GET / HTTP/1.1\r\n" H, "X: a\r\n", 63, 0);
	mutated();
	return failed ? 1 : 0;
}
