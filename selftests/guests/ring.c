// SPDX-License-Identifier: GPL-2.0
/*
 * Ring nonsense on port N (word 1): each is answered by the end of this VM or harms
 * nobody. EXIT 0 means that the host took it; hostile_ring_test.c knows where it must not.
 */
#include "guest.h"

volatile uint32_t progress;
static struct guest_ring8 ring, other;
static uint8_t buf[256];

static uint32_t mem_size(void)
{
	return vregs->mem_size;
}

static uint32_t port(void)
{
	return guest_num(1);
}

static void set(uint32_t queue, struct guest_ring8 *r)
{
	CHECK(guest_set_ring(port(), queue, r, 3) == 0);
}

static void fill(struct guest_ring8 *r, uint32_t addr, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < 8; i++)
		r->desc[i] = (struct denali_desc) { .addr = addr, .len = len, .cookie = i };
}

static void go(struct guest_ring8 *r, uint32_t prod)
{
	*(volatile uint32_t *)&r->ring.req_prod = prod;
	guest_doorbell(port());
	/* Input is looked at when something comes in as well. */
	guest_yield();
	guest_idle(MS);
	guest_doorbell(port());
	progress++;
}

/* prod-wild PORT QUEUE VALUE: more requests than descriptors */
static void test_prod(void)
{
	fill(&ring, (uintptr_t)buf, sizeof(buf));
	set(guest_num(2), &ring);
	go(&ring, guest_num(3));
}

/* The index goes back after requests were taken. */
static void test_prod_back(void)
{
	fill(&ring, (uintptr_t)buf, 1);
	set(DENALI_QUEUE_OUT, &ring);
	go(&ring, 4);
	go(&ring, 2);
}

/* desc PORT QUEUE ADDR LEN; an address of 0xeeee.... counts from the end of memory */
static void test_desc(void)
{
	uint32_t addr = guest_num(3);

	if (addr >> 16 == 0xeeee)
		addr = mem_size() - (addr & 0xffff);
	fill(&ring, addr, guest_num(4));
	set(guest_num(2), &ring);
	go(&ring, 8);
}

/* flags PORT QUEUE FLAGS OP */
static void test_flags(void)
{
	uint32_t i;

	fill(&ring, (uintptr_t)buf, sizeof(buf));
	for (i = 0; i < 8; i++) {
		ring.desc[i].flags = guest_num(3);
		ring.desc[i].op = guest_num(4);
		ring.desc[i].status = -1;
		ring.desc[i].pos = ~0ULL;
	}
	set(guest_num(2), &ring);
	go(&ring, 8);
}

/* A frame that never ends: MORE in every descriptor, more of them than a frame may have. */
static void test_more(void)
{
	static struct {
		struct denali_ring ring;
		struct denali_desc desc[64];
	} big __attribute__((aligned(64)));
	uint32_t i;

	for (i = 0; i < 64; i++)
		big.desc[i] = (struct denali_desc) {
			.addr = (uintptr_t)buf, .len = 20, .flags = DENALI_DESC_MORE,
		};
	CHECK(guest_set_ring(port(), DENALI_QUEUE_OUT, &big, 6) == 0);
	go((struct guest_ring8 *)&big, 64);
	guest_idle(20 * MS);
}

/* csum PORT START OFFSET LEN: a checksum field outside of the frame */
static void test_csum(void)
{
	fill(&ring, (uintptr_t)buf, guest_num(4));
	ring.desc[0].flags = DENALI_DESC_CSUM;
	ring.desc[0].pos = guest_num(2) | (uint64_t)guest_num(3) << 16;
	set(DENALI_QUEUE_OUT, &ring);
	go(&ring, 1);
	guest_idle(20 * MS);
}

/* The ring moves while requests are outstanding: the new one starts at 0, the old is left alone. */
static void test_move(void)
{
	uint32_t i;

	fill(&ring, (uintptr_t)buf, sizeof(buf));
	fill(&other, (uintptr_t)buf, sizeof(buf));
	for (i = 0; i < 200; i++) {
		ring.ring.req_prod = 0;
		other.ring.req_prod = 0;
		set(guest_num(2), &ring);
		go(&ring, 3);
		set(guest_num(2), &other);
		go(&other, 5);
	}
}

/* Rings and buffers where they shouldn't be: on the virtual registers, on each other, on themselves. */
static void test_overlap(void)
{
	struct guest_ring8 *r = (struct guest_ring8 *)(DENALI_VREGS_ADDR + 0x100);

	fill(r, DENALI_VREGS_ADDR, 4096);
	set(DENALI_QUEUE_IN, r);
	go(r, 8);
	fill(&ring, (uintptr_t)&ring, sizeof(ring));
	set(DENALI_QUEUE_OUT, &ring);
	go(&ring, 8);
	set(DENALI_QUEUE_IN, &ring);
	set(DENALI_QUEUE_OUT, &ring);
	go(&ring, 8);
}

/* A ring that starts in one page and goes on in the next, and one in the last bytes of memory. */
static void test_edge(void)
{
	static uint8_t pages[3 * 4096];
	uint8_t *page = (uint8_t *)(((uintptr_t)pages + 4095) & ~4095U);
	struct guest_ring8 *r = (struct guest_ring8 *)(page + 4096 - 64);

	fill(r, (uintptr_t)buf, 1);
	set(DENALI_QUEUE_OUT, r);
	go(r, 8);
	CHECK(*(volatile uint32_t *)&r->ring.rsp_prod == 8);
}

/* Taken away with requests in it, and the doorbell rung without a ring. */
static void test_taken(void)
{
	uint32_t i;

	fill(&ring, (uintptr_t)buf, sizeof(buf));
	for (i = 0; i < 100; i++) {
		ring.ring.req_prod = 0;
		set(DENALI_QUEUE_IN, &ring);
		ring.ring.req_prod = 8;
		guest_doorbell(port());
		CHECK(guest_set_ring(port(), DENALI_QUEUE_IN, NULL, 0) == 0);
		CHECK(guest_doorbell(port()) == 0);
		progress++;
	}
}

/* Thresholds and the host's own fields overwritten all the time. */
static void test_scribble(void)
{
	uint32_t i, x = 1;

	fill(&ring, (uintptr_t)buf, 1);
	set(DENALI_QUEUE_OUT, &ring);
	for (i = 1; i <= 2000; i++) {
		x = x * 1664525 + 1013904223;
		ring.ring.rsp_event = x;
		ring.ring.rsp_prod = x ^ 0x5555;
		ring.ring.req_event = ~x;
		*(volatile uint32_t *)&ring.ring.req_prod = i;
		CHECK(guest_doorbell(port()) == 0);
		/* The host may be behind with its output; more would be a broken ring. */
		while (*(volatile uint32_t *)&ring.ring.rsp_prod != i)
			guest_idle(MS / 10);
		ring.desc[i % 8] = (struct denali_desc) { .addr = (uintptr_t)buf, .len = 1 };
		progress++;
	}
}

/* The host scribbles over our descriptors by its mapping while we ring. See hostile_ring_test.c. */
struct guest_ring8 raced __attribute__((aligned(4096)));

static void test_raced(void)
{
	uint32_t i, prod = 0, n;

	fill(&raced, (uintptr_t)buf, 1);
	set(DENALI_QUEUE_OUT, &raced);
	for (i = 0; i < 100000; i++) {
		for (n = 0; n < 8; n++)
			raced.desc[n].cookie = n;
		prod += 8;
		*(volatile uint32_t *)&raced.ring.req_prod = prod;
		guest_doorbell(port());
		while (*(volatile uint32_t *)&raced.ring.rsp_prod != prod)
			guest_idle(MS / 10);
		progress++;
	}
}

GUEST_MAIN({ "prod", test_prod }, { "prod-back", test_prod_back }, { "desc", test_desc },
	   { "flags", test_flags }, { "more", test_more }, { "csum", test_csum },
	   { "move", test_move }, { "overlap", test_overlap }, { "edge", test_edge },
	   { "taken", test_taken }, { "scribble", test_scribble }, { "raced", test_raced })
