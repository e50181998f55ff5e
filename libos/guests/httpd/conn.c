// SPDX-License-Identifier: MIT
/*
 * One client's connection: a buffer for its request, a response on its way out,
 * and a time by which it must have moved on. Nothing here waits: what can't go
 * on now is left for the next turn of the loop in main.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "httpd.h"

/* ms. A request must be complete in REQUEST_MS however slowly it trickles in. */
#define IDLE_MS		15000
#define REQUEST_MS	10000
#define DRAIN_MS	2000
/* A response has WRITE_MS and a second for each KiB. */
#define WRITE_MS	20000

/* Requests that one connection may have answered before others have their turn. */
#define TURN_MAX	16

/* Bytes that are read and thrown away so that the peer sees our last answer. */
#define DRAIN_MAX	262144

static void state_set(struct conn *c, enum conn_state state, uint64_t now, uint64_t ms)
{
	c->state = state;
	c->since = now;
	c->deadline = now + ms;
}

struct conn *conn_create(int fd, uint64_t now)
{
	struct conn *c = malloc(sizeof(*c));

	if (!c)
		return NULL;
	memset(c, 0, offsetof(struct conn, head));
	c->fd = fd;
	state_set(c, CONN_IDLE, now, IDLE_MS);
	return c;
}

void conn_destroy(struct conn *c, int abort)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	/* What timed out must not hold memory until TCP gives up as well. */
	if (abort)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(c->fd);
	free(c->owned);
	free(c);
}

static int would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK;
}

/* Return: 1 all is sent, 0 not yet, -1 the peer is gone. */
static int response_send(struct conn *c)
{
	struct iovec iov[2];
	struct msghdr msg = { .msg_iov = iov };
	ssize_t n;
	int parts;

	while (c->head_off < c->head_len || c->body_len) {
		parts = 0;
		if (c->head_off < c->head_len) {
			iov[parts].iov_base = c->head + c->head_off;
			iov[parts++].iov_len = c->head_len - c->head_off;
		}
		if (c->body_len) {
			iov[parts].iov_base = (char *)c->body;
			iov[parts++].iov_len = c->body_len;
		}
		msg.msg_iovlen = parts;
		n = sendmsg(c->fd, &msg, MSG_NOSIGNAL);
		if (n < 0)
			return would_block() ? 0 : -1;
		httpd_counters.bytes += n;
		if (c->head_off < c->head_len) {
			parts = c->head_len - c->head_off;
			if (n < parts)
				parts = n;
			c->head_off += parts;
			n -= parts;
		}
		c->body += n;
		c->body_len -= n;
	}
	free(c->owned);
	c->owned = NULL;
	return 1;
}

/* Return: 1 bytes came, 0 none now, -1 end or error. */
static int request_receive(struct conn *c)
{
	ssize_t n;

	if (c->pos == c->len) {
		c->pos = 0;
		c->len = 0;
	} else if (c->pos) {
		memmove(c->buf, c->buf + c->pos, c->len - c->pos);
		c->len -= c->pos;
		c->pos = 0;
	}
	n = recv(c->fd, c->buf + c->len, sizeof(c->buf) - c->len, 0);
	if (n <= 0)
		return n < 0 && would_block() ? 0 : -1;
	c->len += n;
	return 1;
}

static int drain(struct conn *c)
{
	ssize_t n;

	while (c->drained < DRAIN_MAX) {
		n = recv(c->fd, c->buf, sizeof(c->buf), 0);
		if (n <= 0)
			return n < 0 && would_block() ? 0 : -1;
		c->drained += n;
	}
	return -1;
}

static void body_skip(struct conn *c)
{
	uint32_t n = c->len - c->pos;

	if (n > c->skip)
		n = c->skip;
	c->skip -= n;
	c->pos += n;
}

/* Take the next request out of the buffer. Return: whether there was one. */
static int request_take(struct conn *c)
{
	struct http_request req;
	size_t used = 0;

	if (http_parse(c->buf + c->pos, c->len - c->pos, sizeof(c->buf), &c->scan, &req, &used) == HTTP_MORE)
		return 0;
	memset(&c->scan, 0, sizeof(c->scan));
	c->closing = req.status || !req.keep_alive || (req.expects && req.body);
	c->served = 1;
	httpd_respond(c, &req);
	c->pos += used;
	c->skip = req.body;
	/* After a refusal nothing of the rest can be trusted, nor its end known. */
	if (req.status)
		c->pos = c->len;
	c->unread = req.status || req.body;
	return 1;
}

/* Nothing more to send. Return: as conn_run(). */
static int finish(struct conn *c, uint64_t now)
{
	/* Closing with unread input would reset the connection, and the answer with it. */
	shutdown(c->fd, SHUT_WR);
	state_set(c, CONN_DRAINING, now, DRAIN_MS);
	return drain(c);
}

int conn_run(struct conn *c, uint64_t now)
{
	int turns = TURN_MAX, received = 0, ret;

	if (c->state == CONN_DRAINING)
		return drain(c);
	for (;;) {
		if (c->state == CONN_WRITING) {
			ret = response_send(c);
			if (ret <= 0)
				return ret;
			if (c->closing)
				return c->unread ? finish(c, now) : -1;
			state_set(c, CONN_IDLE, now, IDLE_MS);
		}
		body_skip(c);
		if (c->pos < c->len && !c->skip) {
			/* The buffer is moved only to make room for the rest of a request. */
			if (!turns--)
				return 1;
			if (request_take(c)) {
				state_set(c, CONN_WRITING, now,
					  WRITE_MS + (uint64_t)c->body_len * 1000 / 1024);
				continue;
			}
		}
		if ((c->pos < c->len || c->skip) && c->state == CONN_IDLE)
			state_set(c, CONN_READING, now, REQUEST_MS);
		/* One receive a turn: a fast sender is no reason to keep others waiting. */
		if (received++)
			return 0;
		ret = request_receive(c);
		if (ret <= 0)
			return ret;
	}
}
