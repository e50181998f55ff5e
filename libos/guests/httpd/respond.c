// SPDX-License-Identifier: MIT
/*
 * From a request to the bytes of its response. Heads are put together by hand:
 * a printf() would cost more than all the rest of a request.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "httpd.h"

struct httpd_counters httpd_counters;

static char *put(char *p, const char *s)
{
	size_t len = strlen(s);

	memcpy(p, s, len);
	return p + len;
}

static char *put_number(char *p, uint32_t n)
{
	char digits[10];
	int i = sizeof(digits);

	do {
		digits[--i] = '0' + n % 10;
		n /= 10;
	} while (n);
	memcpy(p, digits + i, sizeof(digits) - i);
	return p + sizeof(digits) - i;
}

static const char *reason(int status)
{
	switch (status) {
	case 200: return "200 OK";
	case 301: return "301 Moved Permanently";
	case 304: return "304 Not Modified";
	case 400: return "400 Bad Request";
	case 404: return "404 Not Found";
	case 405: return "405 Method Not Allowed";
	case 413: return "413 Content Too Large";
	case 414: return "414 URI Too Long";
	case 417: return "417 Expectation Failed";
	case 431: return "431 Request Header Fields Too Large";
	case 501: return "501 Not Implemented";
	case 505: return "505 HTTP Version Not Supported";
	default: return "500 Internal Server Error";
	}
}

/*
 * "Date: ..." with its CRLF, made once a second. Without a clock that is set there
 * is none, as RFC 9110, section 6.6.1, asks.
 */
static const char *date_line(void)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static char line[48];
	static time_t made;
	time_t now = time(NULL);
	struct tm tm;
	char *p = line;

	if (now == made)
		return line;
	made = now;
	line[0] = '\0';
	if (now < 1577836800)	/* 2020 */
		return line;
	gmtime_r(&now, &tm);
#define PUT2(n) (*p++ = '0' + (n) / 10, *p++ = '0' + (n) % 10)
	p = put(p, "Date: ");
	memcpy(p, days + 3 * tm.tm_wday, 3);
	p = put(p + 3, ", ");
	PUT2(tm.tm_mday);
	*p++ = ' ';
	memcpy(p, months + 3 * tm.tm_mon, 3);
	p += 3;
	*p++ = ' ';
	p = put_number(p, tm.tm_year + 1900);
	*p++ = ' ';
	PUT2(tm.tm_hour);
	*p++ = ':';
	PUT2(tm.tm_min);
	*p++ = ':';
	PUT2(tm.tm_sec);
	p = put(p, " GMT\r\n");
#undef PUT2
	*p = '\0';
	return line;
}

/* Status line and the fields that all have; conn_head_end() closes it. */
static char *head_begin(struct conn *c, struct http_request *req, int status, const char *type,
			uint32_t length)
{
	char *p = c->head;

	httpd_counters.requests++;
	httpd_counters.by_class[status / 100]++;
	p = put(p, "HTTP/1.1 ");
	p = put(p, reason(status));
	p = put(p, "\r\nServer: denali-httpd\r\n");
	p = put(p, date_line());
	if (status != 304) {
		p = put(p, "Content-Type: ");
		p = put(p, type);
		p = put(p, "\r\nContent-Length: ");
		p = put_number(p, length);
		p = put(p, "\r\n");
	}
	if (c->closing)
		p = put(p, "Connection: close\r\n");
	else if (!req->minor)
		p = put(p, "Connection: keep-alive\r\n");
	return p;
}

static void head_end(struct conn *c, char *p)
{
	p = put(p, "\r\n");
	c->head_len = p - c->head;
	c->head_off = 0;
}

static void body_set(struct conn *c, struct http_request *req, const char *body, uint32_t len)
{
	c->body = body;
	c->body_len = req->method == HTTP_HEAD ? 0 : len;
}

static void respond_error(struct conn *c, struct http_request *req, int status, const char *why)
{
	uint32_t len = strlen(why) + 1;
	char *p = head_begin(c, req, status, "text/plain; charset=utf-8", len);

	if (status == 405)
		p = put(p, "Allow: GET, HEAD\r\n");
	p = put(p, "\r\n");
	/* The text fits behind the head: both are short. */
	if (req->method != HTTP_HEAD) {
		p = put(p, why);
		*p++ = '\n';
	}
	c->head_len = p - c->head;
	c->head_off = 0;
	c->body_len = 0;
}

static void respond_status(struct conn *c, struct http_request *req, int json)
{
	int len = httpd_status_text(&c->owned, json);
	char *p;

	if (len < 0) {
		respond_error(c, req, 500, "out of memory");
		return;
	}
	p = head_begin(c, req, 200, json ? "application/json" : "text/plain; charset=utf-8", len);
	p = put(p, "Cache-Control: no-store\r\n");
	head_end(c, p);
	body_set(c, req, c->owned, len);
}

static void respond_file(struct conn *c, struct http_request *req, const struct httpd_file *file)
{
	int same = req->etag && (!strcmp(req->etag, "*") || strstr(req->etag, file->etag));
	char *p = head_begin(c, req, same ? 304 : 200, httpd_file_type(file->path), file->size);

	p = put(p, "ETag: ");
	p = put(p, file->etag);
	p = put(p, "\r\n");
	head_end(c, p);
	body_set(c, req, file->data, same ? 0 : file->size);
}

/* A directory without its slash. Return: 0 if it isn't one. */
static int respond_directory(struct conn *c, struct http_request *req)
{
	char name[256];
	size_t len = strlen(req->path);
	char *p;
	size_t i;

	if (len > sizeof(name) - sizeof("/index.html"))
		return 0;
	memcpy(name, req->path, len);
	strcpy(name + len, "/index.html");
	if (!httpd_file_find(name))
		return 0;
	/* Only what needs no encoding is sent back. */
	for (i = 0; i < len; i++)
		if (name[i] <= 0x20 || name[i] == 0x7f || strchr("\"<>\\^`{|}%?#", name[i]))
			return 0;
	p = head_begin(c, req, 301, "text/plain", 0);
	p = put(p, "Location: ");
	name[len + 1] = '\0';
	p = put(p, name);
	p = put(p, "\r\n");
	head_end(c, p);
	c->body_len = 0;
	return 1;
}

void httpd_respond(struct conn *c, struct http_request *req)
{
	const struct httpd_file *file;
	char name[256];
	size_t len;

	if (req->status) {
		respond_error(c, req, req->status, req->why);
		return;
	}
	if (req->method == HTTP_NOT_ALLOWED) {
		respond_error(c, req, 405, "only GET and HEAD are served here");
		return;
	}
	if (!strcmp(req->path, "/status")) {
		respond_status(c, req, req->wants_json);
		return;
	}
	if (!strcmp(req->path, "/status.json")) {
		respond_status(c, req, 1);
		return;
	}
	len = strlen(req->path);
	if (req->path[len - 1] == '/' && len < sizeof(name) - sizeof("index.html")) {
		memcpy(name, req->path, len);
		strcpy(name + len, "index.html");
		file = httpd_file_find(name);
	} else {
		file = httpd_file_find(req->path);
	}
	if (file)
		respond_file(c, req, file);
	else if (!respond_directory(c, req))
		respond_error(c, req, 404, "no such file");
}
