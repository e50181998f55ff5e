/* SPDX-License-Identifier: MIT */
/* What the files of the web server share. */
#ifndef HTTPD_H
#define HTTPD_H

#include <stddef.h>
#include <stdint.h>
#include "parse.h"

/* Largest request header, and so what a connection's buffer takes. */
#define HTTPD_REQUEST_MAX	4096
#define HTTPD_HEAD_MAX		640

/* A file of the archive (www.S, made by mkarchive.sh), sorted by path. */
struct httpd_file {
	const char *path;
	const char *data;
	const char *etag;
	uintptr_t size;
};

extern const struct httpd_file httpd_files[];
extern const uintptr_t httpd_files_count;

/* files.c */
const struct httpd_file *httpd_file_find(const char *path);
const char *httpd_file_type(const char *path);

struct httpd_counters {
	uint64_t requests;
	uint64_t bytes;			/* sent, headers included */
	uint32_t accepted;
	uint32_t timeouts;
	uint32_t evicted;		/* closed to make room */
	uint32_t by_class[6];		/* responses 1xx..5xx */
	uint32_t open, open_max, limit;
};

extern struct httpd_counters httpd_counters;

/* status.c: malloc()ed text. Return: its length, or -1. */
int httpd_status_text(char **text, int json);

/* What a connection is waiting for. */
enum conn_state {
	CONN_IDLE,		/* a request; none has begun */
	CONN_READING,		/* the rest of one */
	CONN_WRITING,		/* the peer to take a response */
	CONN_DRAINING,		/* the peer's end, after ours */
};

struct conn {
	int fd;
	enum conn_state state;
	int served;			/* a request was answered */
	int closing;			/* after what is being sent */
	int unread;			/* the peer may be sending what we won't read */
	uint64_t since;			/* ms: in this state */
	uint64_t deadline;		/* ms */
	struct http_scan scan;
	uint32_t pos, len;		/* bytes in buf: from, up to */
	uint32_t skip;			/* of a request's body, still to come */
	uint32_t drained;
	uint32_t head_len, head_off;
	const char *body;		/* what follows the head */
	uint32_t body_len;
	char *owned;			/* malloc()ed body */
	char head[HTTPD_HEAD_MAX];
	char buf[HTTPD_REQUEST_MAX];
};

/* conn.c */
struct conn *conn_create(int fd, uint64_t now);
void conn_destroy(struct conn *c, int abort);
/* Do what can be done without waiting. Return: 0, 1 if there is more of that, -1 when it is over. */
int conn_run(struct conn *c, uint64_t now);

/* respond.c: fill head and body of @c for a request. */
void httpd_respond(struct conn *c, struct http_request *req);

#endif /* HTTPD_H */
