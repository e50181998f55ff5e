// SPDX-License-Identifier: MIT
/*
 * HTTP: GET of two objects that are made up as they are sent, "/" of 2,258 and "/large" of
 * 134,007 bytes, the sizes that the original was measured with. A connection serves one
 * request and is closed; HTTP/1.1 clients are told so.
 *
 * A connection's state is what is to be sent still. Its peer has IDLE_POLLS to make
 * progress; then, and when memory is short, it is dropped.
 */
#include <stdlib.h>
#include <string.h>

#include "tiny.h"

#define SMALL_BYTES	2258
#define LARGE_BYTES	134007

/* A request line of ours is shorter, and what follows it is of no interest. */
#define LINE_SIZE	64

#define BLANK_LINE	0x0d0a0d0a	/* as a number, the last four bytes of a header */

/* Calls of polled(), half a second each, without progress. */
#define POLL_INTERVAL	2
#define IDLE_POLLS	20

struct conn {
	uint32_t left;			/* bytes of the object that aren't queued */
	uint32_t tail;			/* last four bytes of the request so far */
	uint16_t len;			/* bytes in line[] */
	uint8_t answered;		/* the header has been sent */
	uint8_t polls;
	char line[LINE_SIZE];
};

static void conn_end(struct tcp_pcb *pcb, struct conn *c)
{
	tcp_arg(pcb, NULL);
	free(c);
}

/* Return: what a callback returns. */
static err_t conn_abort(struct tcp_pcb *pcb, struct conn *c)
{
	conn_end(pcb, c);
	tcp_abort(pcb);
	return ERR_ABRT;
}

static err_t conn_close(struct tcp_pcb *pcb, struct conn *c)
{
	conn_end(pcb, c);
	tcp_recv(pcb, NULL);
	tcp_sent(pcb, NULL);
	tcp_poll(pcb, NULL, 0);
	tcp_err(pcb, NULL);
	if (tcp_close(pcb) == ERR_OK)
		return ERR_OK;
	tcp_abort(pcb);
	return ERR_ABRT;
}

/* Queue what fits; close after the last of it. */
static err_t conn_push(struct tcp_pcb *pcb, struct conn *c)
{
	uint32_t n;

	while (c->left) {
		n = LWIP_MIN(LWIP_MIN(c->left, PATTERN_SIZE), tcp_sndbuf(pcb));
		/* Whole segments, or the end. */
		if (!n || (n < PATTERN_SIZE && n < c->left))
			break;
		if (tcp_write(pcb, pattern, n, c->left > n ? TCP_WRITE_FLAG_MORE : 0) != ERR_OK)
			break;
		c->left -= n;
	}
	if (!c->left)
		return conn_close(pcb, c);
	tcp_output(pcb);
	return ERR_OK;
}

static err_t conn_answer(struct tcp_pcb *pcb, struct conn *c)
{
	static const char text[] = "Server: denali-tiny\r\nContent-Type: text/plain\r\n"
		"Connection: close\r\nContent-Length: ";
	const char *status = "HTTP/1.1 200 OK\r\n";
	char head[160], digits[12];
	size_t len;

	c->answered = 1;
	c->line[c->len] = '\0';
	if (!strncmp(c->line, "GET / ", 6))
		c->left = SMALL_BYTES;
	else if (!strncmp(c->line, "GET /large ", 11))
		c->left = LARGE_BYTES;
	else if (!strncmp(c->line, "GET ", 4))
		status = "HTTP/1.1 404 Not Found\r\n";
	else
		status = "HTTP/1.1 501 Not Implemented\r\n";
	utoa(c->left, digits, 10);
	strcpy(head, status);
	strcat(head, text);
	strcat(head, digits);
	strcat(head, "\r\n\r\n");
	len = strlen(head);
	if (tcp_write(pcb, head, len, TCP_WRITE_FLAG_COPY | (c->left ? TCP_WRITE_FLAG_MORE : 0)) != ERR_OK)
		return conn_abort(pcb, c);
	return conn_push(pcb, c);
}

/* Take bytes of a request. Return: 1 if they end it. */
static int conn_take(struct conn *c, const char *data, size_t n)
{
	while (n--) {
		c->tail = c->tail << 8 | (uint8_t)*data;
		if (c->len < LINE_SIZE - 1)
			c->line[c->len++] = *data;
		if (c->tail == BLANK_LINE)
			return 1;
		data++;
	}
	return 0;
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct conn *c = arg;
	struct pbuf *q;
	int done = 0;

	(void)err;
	if (!p)
		/* It has said all; what is being sent may still arrive. */
		return c->answered ? ERR_OK : conn_close(pcb, c);
	tcp_recved(pcb, p->tot_len);
	for (q = p; q && !done && !c->answered; q = q->next)
		done = conn_take(c, q->payload, q->len);
	pbuf_free(p);
	return done ? conn_answer(pcb, c) : ERR_OK;
}

static err_t sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	struct conn *c = arg;

	(void)len;
	c->polls = 0;
	return c->answered ? conn_push(pcb, c) : ERR_OK;
}

static err_t polled(void *arg, struct tcp_pcb *pcb)
{
	struct conn *c = arg;

	if (++c->polls > IDLE_POLLS)
		return conn_abort(pcb, c);
	return c->answered ? conn_push(pcb, c) : ERR_OK;
}

/* The connection is no more. */
static void failed(void *arg, err_t err)
{
	(void)err;
	free(arg);
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct conn *c;

	(void)arg;
	if (err != ERR_OK || !pcb)
		return ERR_VAL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return ERR_MEM;
	tcp_arg(pcb, c);
	/* Else the last part of an answer waits for the acknowledgment of the first, which may be put off. */
	tcp_nagle_disable(pcb);
	tcp_recv(pcb, received);
	tcp_sent(pcb, sent);
	tcp_poll(pcb, polled, POLL_INTERVAL);
	tcp_err(pcb, failed);
	return ERR_OK;
}

int http_start(uint16_t port)
{
	struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);

	if (!pcb || tcp_bind(pcb, IP_ANY_TYPE, port))
		return -1;
	pcb = tcp_listen(pcb);
	if (!pcb)
		return -1;
	tcp_accept(pcb, accepted);
	return 0;
}
