// SPDX-License-Identifier: GPL-2.0
/* Prints, prints a lot, and gives back what it is told. */
#include "guest.h"

volatile uint32_t progress;

static void test_hello(void)
{
	guest_puts("hello\n");
}

/* Numbered lines of 16 bytes, so that order and loss can be seen. */
static void test_lines(void)
{
	static char line[17] = "line 0000000000\n";
	uint32_t n = guest_num(1), i, j, v;

	for (i = 0; i < n; i++) {
		for (j = 14, v = i; j >= 5; j--, v /= 10)
			line[j] = '0' + v % 10;
		guest_puts(line);
		progress++;
	}
}

/* The same, but then wait to be killed. */
static void test_lines_idle(void)
{
	test_lines();
	progress = ~0U;
	for (;;)
		guest_idle(NO_TIMEOUT);
}

/* Several descriptors at once come out in their order. */
static struct guest_ring8 out;

static void test_batch(void)
{
	static const char *const words[] = { "one ", "two ", "three ", "", "four ", "five ", "six ", "seven\n" };
	volatile struct denali_ring *ring = &out.ring;
	uint32_t i;

	CHECK(guest_set_ring(0, DENALI_QUEUE_OUT, &out, 3) == 0);
	for (i = 0; i < 8; i++) {
		out.desc[i].addr = (uintptr_t)words[i];
		out.desc[i].len = guest_strlen(words[i]);
		out.desc[i].cookie = 1000 + i;
	}
	ring->rsp_event = 8;
	ring->req_prod = 8;
	CHECK(guest_doorbell(0) == 0);
	while (ring->rsp_prod != 8) {
		guest_idle(NO_TIMEOUT);
		guest_irq_take(DENALI_IRQ_PORT0);
	}
	for (i = 0; i < 8; i++) {
		CHECK(out.desc[i].cookie == 1000 + i);
		CHECK(out.desc[i].status == 0);
		CHECK(out.desc[i].len == guest_strlen(words[i]));
	}
}

/* A buffer that crosses pages, longer than any buffer of the host's should have to be. */
static char big[20000];

static void test_big(void)
{
	uint32_t i;

	for (i = 0; i < sizeof(big); i++)
		big[i] = 'a' + i % 26;
	guest_write(big, sizeof(big));
}

/*
 * Echo: two input buffers, each byte that arrives goes back; "." ends. The input's
 * responses say in which buffer what was put.
 */
static struct guest_ring8 in;
static char buf[2][32];

static void test_echo(void)
{
	volatile struct denali_ring *ring = &in.ring;
	uint32_t prod = 0, cons = 0, i;
	struct denali_desc *desc;
	bool done = false;

	CHECK(guest_set_ring(0, DENALI_QUEUE_IN, &in, 3) == 0);
	for (i = 0; i < 2; i++, prod++) {
		in.desc[prod % 8] = (struct denali_desc) {
			.addr = (uintptr_t)buf[i], .len = sizeof(buf[i]), .cookie = i,
		};
	}
	ring->rsp_event = 1;
	ring->req_prod = prod;
	CHECK(guest_doorbell(0) == 0);
	guest_puts("ready\n");
	while (!done) {
		guest_irq_take(DENALI_IRQ_PORT0);
		if (ring->rsp_prod == cons) {
			ring->rsp_event = cons + 1;
			if (ring->rsp_prod == cons)
				guest_idle(NO_TIMEOUT);
			continue;
		}
		desc = &in.desc[cons++ % 8];
		CHECK(desc->status == 0);
		CHECK(desc->len >= 1 && desc->len <= sizeof(buf[0]));
		CHECK(desc->cookie < 2);
		i = desc->cookie;
		guest_write(buf[i], desc->len);
		done = buf[i][desc->len - 1] == '.';
		in.desc[prod % 8] = (struct denali_desc) {
			.addr = (uintptr_t)buf[i], .len = sizeof(buf[i]), .cookie = i,
		};
		ring->req_prod = ++prod;
		CHECK(guest_doorbell(0) == 0);
	}
	guest_puts("done\n");
}

GUEST_MAIN({ "hello", test_hello }, { "lines", test_lines }, { "lines-idle", test_lines_idle },
	   { "batch", test_batch }, { "big", test_big }, { "echo", test_echo })
