// SPDX-License-Identifier: MIT
/*
 * Console driver: port 0. Output goes out from the caller's own buffer, which
 * stays put until the host has taken it: there is nothing to flush and nothing
 * to run out of. Input has one buffer with the host, whose rest is kept here.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <denali-os/console.h>
#include <denali-os/irq.h>
#include <denali-os/ring.h>
#include <denali-os/sync.h>

#include "console.h"

#define CONSOLE_PORT	0
#define CONSOLE_ORDER	1
#define CONSOLE_IN_SIZE	256

static struct {
	struct denali_mutex mutex;
	struct denali_ring_front front;
	struct denali_waitq waitq;
	char ring[DENALI_RING_BYTES(CONSOLE_ORDER)] __attribute__((aligned(64)));
} out;

static struct {
	struct denali_mutex mutex;
	struct denali_ring_front front;
	struct denali_waitq waitq;
	uint32_t have;		/* bytes of buf that are valid */
	uint32_t at;		/* bytes of them that were read */
	uint8_t posted;		/* the host has the buffer */
	char ring[DENALI_RING_BYTES(CONSOLE_ORDER)] __attribute__((aligned(64)));
	char buf[CONSOLE_IN_SIZE];
} in;

static int8_t state;		/* 0: not looked yet; 1: there; -1: none */
static void (*input_fn)(void);

static void console_interrupt(unsigned int irq, void *arg)
{
	(void)irq;
	(void)arg;
	denali_waitq_wake_all(&out.waitq);
	denali_waitq_wake_all(&in.waitq);
	if (input_fn)
		input_fn();
}

static int console_rings(void)
{
	return denali_ring_init(&out.front, CONSOLE_PORT, DENALI_QUEUE_OUT, CONSOLE_ORDER, out.ring) ||
	       denali_ring_init(&in.front, CONSOLE_PORT, DENALI_QUEUE_IN, CONSOLE_ORDER, in.ring);
}

static int console_start(void)
{
	uint32_t flags = denali_irq_disable();

	if (!state) {
		state = -1;
		if (DENALI_VREGS->ports[CONSOLE_PORT].type == DENALI_PORT_CONSOLE && !console_rings() &&
		    !denali_irq_register(DENALI_IRQ_PORT0 + CONSOLE_PORT, console_interrupt, NULL))
			state = 1;
	}
	denali_irq_restore(flags);
	return state == 1;
}

/* One request and its response. Return: bytes that the host took, or a negative error. */
static int32_t console_send(const char *buf, size_t len)
{
	struct denali_desc desc;
	uint32_t flags = denali_irq_disable();

	denali_ring_push(&out.front, buf, len, 0, 0, 0);
	denali_ring_kick(&out.front);
	while (!denali_ring_pop(&out.front, &desc)) {
		if (!denali_ring_arm(&out.front))
			denali_waitq_sleep(&out.waitq, DENALI_FOREVER);
	}
	denali_irq_restore(flags);
	return desc.status < 0 ? desc.status : (int32_t)desc.len;
}

void denali_console_write(const void *buf, size_t len)
{
	const char *at = buf;

	if (!len || !console_start())
		return;
	denali_mutex_lock(&out.mutex);
	while (len) {
		int32_t done = console_send(at, len);

		if (done <= 0 || (size_t)done > len)
			break;
		at += done;
		len -= done;
	}
	denali_mutex_unlock(&out.mutex);
}

void denali_console_puts(const char *s)
{
	denali_console_write(s, strlen(s));
}

void denali_console_lock(void)
{
	denali_mutex_lock(&out.mutex);
}

void denali_console_unlock(void)
{
	denali_mutex_unlock(&out.mutex);
}

void denali_console_flush(void)
{
	/* A write that is going on returns when its bytes are out. */
	denali_console_lock();
	denali_console_unlock();
}

void denali_console_restart(void)
{
	if (state != 1)
		return;
	state = console_rings() ? -1 : 1;
	in.posted = 0;
	in.at = 0;
	in.have = 0;
	/* Who waits for input gives the host the buffer again. */
	denali_waitq_wake_all(&in.waitq);
}

/* Interrupts disabled. Return: 1 if there are bytes (or the end) to read; else the buffer is with the host. */
static int console_fill(void)
{
	struct denali_desc desc;

	if (in.at < in.have)
		return 1;
	if (!in.posted) {
		denali_ring_push(&in.front, in.buf, sizeof(in.buf), 0, 0, 0);
		denali_ring_kick(&in.front);
		in.posted = 1;
	}
	while (!denali_ring_pop(&in.front, &desc)) {
		if (!denali_ring_arm(&in.front))
			return 0;
	}
	in.posted = 0;
	in.at = 0;
	in.have = desc.status < 0 || desc.len > sizeof(in.buf) ? 0 : desc.len;
	return 1;
}

int denali_console_ready(void)
{
	uint32_t flags;
	int ret;

	if (!console_start())
		return 1;
	flags = denali_irq_disable();
	ret = console_fill();
	denali_irq_restore(flags);
	return ret;
}

void denali_console_notify(void (*fn)(void))
{
	input_fn = fn;
}

size_t denali_console_read(void *buf, size_t len)
{
	uint32_t flags;

	if (!len || !console_start())
		return 0;
	denali_mutex_lock(&in.mutex);
	flags = denali_irq_disable();
	while (!console_fill())
		denali_waitq_sleep(&in.waitq, DENALI_FOREVER);
	denali_irq_restore(flags);
	if (len > in.have - in.at)
		len = in.have - in.at;
	memcpy(buf, in.buf + in.at, len);
	in.at += len;
	denali_mutex_unlock(&in.mutex);
	return len;
}
