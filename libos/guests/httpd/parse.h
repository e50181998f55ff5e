/* SPDX-License-Identifier: MIT */
/* Requests of HTTP/1.x: what parse.c makes of a client's bytes. */
#ifndef HTTPD_PARSE_H
#define HTTPD_PARSE_H

#include <stddef.h>
#include <stdint.h>

/* Header lines of one request. */
#define HTTP_FIELDS_MAX		64

/* A request body up to this is skipped; a longer one ends the connection. */
#define HTTP_BODY_MAX		65536

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_NOT_ALLOWED,	/* known, but not to this server's files */
	HTTP_UNKNOWN,
};

struct http_request {
	enum http_method method;
	int minor;		/* of HTTP/1.minor */
	int keep_alive;		/* the client lets the connection be used again */
	int wants_json;		/* Accept: application/json */
	int expects;		/* Expect: 100-continue */
	uint32_t body;		/* bytes that follow the header */
	const char *path;	/* decoded, starts with '/', no "." or ".." */
	const char *query;	/* as sent, "" without one */
	const char *etag;	/* If-None-Match, or NULL */
	int status;		/* 0, or what to answer; the stream is then not to be trusted */
	const char *why;	/* with @status */
};

struct http_scan {
	size_t line;		/* start of the line that isn't complete yet */
	size_t seen;		/* bytes looked at */
	size_t first;		/* start of the request line */
	int lines;
};

enum http_result {
	HTTP_MORE,		/* not complete */
	HTTP_DONE,		/* complete, or hopeless: see @status */
};

/**
 * http_parse() - look for a request at the start of @buf
 * @buf:  changed in place; strings of the request point into it
 * @len:  bytes there
 * @room: size of @buf: a request that fills it is too large
 * @scan: zeroed for a new request; remembers what was looked at
 * @used: bytes that the request takes, if it is done
 */
enum http_result http_parse(char *buf, size_t len, size_t room, struct http_scan *scan,
			    struct http_request *req, size_t *used);

#endif /* HTTPD_PARSE_H */
