// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that makes everything up, from a seed (its first boot argument): hypercalls with
 * any registers, rings anywhere with good and bad descriptors, virtual registers with any
 * value, addresses of nothing. Most of it is nearly right, or it would get no further than the
 * first check. Whatever comes of it, only this VM may come to harm: fuzz.c watches that.
 */
#include "hostile.h"

GUEST_UPCALL_ENTRY;

#define ORDER		4
#define NR		(1U << ORDER)
#define ARENA		8192

struct ring {
	struct denali_ring ring;
	struct denali_desc desc[NR];
} __attribute__((aligned(64)));

static struct ring rings[DENALI_MAX_PORTS][DENALI_QUEUES];
static uint8_t arena[ARENA] __attribute__((aligned(4096)));
static uint32_t state;

static uint32_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static uint32_t below(uint32_t n)
{
	return rnd() % n;
}

static bool one_in(uint32_t n)
{
	return !below(n);
}

/* A number that somebody may have got wrong by one. */
static uint32_t number(void)
{
	static const uint32_t odd[] = { 0, 1, 2, 0x7f, 0xff, 0x100, 0xfff, 0x1000, 0x1001, 0x7fff, 0xffff, 0x10000,
		0x7fffffff, 0x80000000, 0xc0000000, 0xfffff000, 0xffffffc0, 0xfffffffe, 0xffffffff };

	switch (below(4)) {
	case 0:
		return below(20);
	case 1:
		return odd[below(ARRAY_SIZE(odd))];
	case 2:
		return 1U << below(32);
	default:
		return rnd();
	}
}

/* An address, mostly of the guest's memory. */
static uint32_t address(void)
{
	uint32_t end = (uint32_t)vregs->mem_size;

	switch (below(8)) {
	case 0:
		return DENALI_VREGS_ADDR + below(DENALI_PAGE_SIZE);
	case 1:
		return end - below(256);
	case 2:
		return below(DENALI_PAGE_SIZE);
	case 3:
		return number();
	case 4:
		return (uintptr_t)&rings[below(DENALI_MAX_PORTS)][below(DENALI_QUEUES)];
	default:
		return (uintptr_t)arena + below(ARENA);
	}
}

static struct ring *any_ring(uint32_t *port, uint32_t *queue)
{
	*port = one_in(8) ? below(DENALI_MAX_PORTS) : below(3);
	*queue = below(DENALI_QUEUES);
	return &rings[*port][*queue];
}

static void set_ring(void)
{
	uint32_t port, queue, where, order = ORDER;
	struct ring *ring = any_ring(&port, &queue);

	where = (uintptr_t)ring;
	if (one_in(4)) {
		where = one_in(2) ? address() : address() & ~63U;
		order = below(DENALI_RING_MAX_ORDER + 3);
	} else if (one_in(2)) {
		*ring = (struct ring) {};
	}
	if (one_in(16))
		queue = number();
	guest_set_ring(port, queue, (void *)where, order);
}

/* What a switch looks at: from the NIC's address, to all or a neighbour, and who asks for which IP address. */
static void write_frame(uint8_t *frame, uint32_t port)
{
	static const uint8_t arp[] = { 8, 6, 0, 1, 8, 0, 6, 4, 0, 1 };
	static const uint8_t ndisc[] = { 0x86, 0xdd, 0x60, 0, 0, 0, 0, 24, 58, 255 };
	static const uint8_t neighbour[] = { 2, 0, 0, 0, 0 };
	volatile uint8_t *mac = vregs->ports[port].mac;
	bool to_all = one_in(2), asks_arp = one_in(2);

	for (uint32_t i = 0; i < 6; i++) {
		frame[i] = to_all ? 0xff : i < 5 ? neighbour[i] : below(3);
		frame[6 + i] = mac[i];
		frame[22 + i] = mac[i];
	}
	for (uint32_t i = 0; i < sizeof(arp); i++)
		frame[12 + i] = asks_arp ? arp[i] : ndisc[i];
	if (asks_arp) {
		frame[21] = below(3);
		frame[31] = below(8);
		frame[41] = below(8);
	} else {
		frame[54] = 130 + below(16);
		frame[77] = below(8);
	}
	if (one_in(4))
		frame[below(80)] = rnd();
}

/* A request that is right, or nearly. */
static void publish(void)
{
	uint32_t port, queue, n = 1 + below(4), prod;
	struct ring *ring = any_ring(&port, &queue);
	struct denali_desc *desc;

	prod = ring->ring.req_prod;
	while (n--) {
		desc = &ring->desc[prod++ % NR];
		*desc = (struct denali_desc) {
			.addr = (uintptr_t)arena + below(ARENA - 1600),
			.len = 14 + below(1500),
			.cookie = rnd(),
		};
		if (one_in(2))
			write_frame((uint8_t *)(uintptr_t)desc->addr, port);
		if (one_in(4)) {
			desc->flags = below(4);
			desc->pos = below(2) ? below(64) << 16 | below(64) : number();
		}
		if (one_in(8))
			desc->len = number();
		if (one_in(8))
			desc->addr = address();
		if (one_in(8))
			desc->op = number();
	}
	if (one_in(4))
		ring->ring.rsp_event = prod + below(3);
	ring->ring.req_prod = one_in(16) ? number() : prod;
	guest_doorbell(one_in(16) ? number() : port);
}

static void scribble(void)
{
	uint32_t port, queue;
	struct ring *ring = any_ring(&port, &queue);
	uint32_t *words = (void *)ring;

	words[below(sizeof(*ring) / 4)] = number();
}

static void virtual_register(void)
{
	volatile uint32_t *words = (void *)DENALI_VREGS_ADDR;

	switch (below(4)) {
	case 0:
		vregs->irq_enabled = below(3);
		break;
	case 1:
		vregs->irq_mask = one_in(2) ? 0 : number();
		break;
	case 2:
		vregs->irq_pending = number();
		break;
	default:
		words[below(DENALI_PAGE_SIZE / 4)] = number();
	}
}

static void hypercall(void)
{
	uint32_t nr = below(DENALI_HC_NR + 2), b = number(), c = number(), d = number();

	switch (nr) {
	case DENALI_HC_EXIT:
	case DENALI_HC_PANIC:
	case DENALI_HC_TEMPLATE:
		if (!one_in(200))
			return;
		break;
	case DENALI_HC_IDLE:
		/* From now, or long past; seldom for ever. */
		if (!one_in(50)) {
			b = below(1000000);
			c = 0;
		}
		break;
	case DENALI_HC_TIMER:
		if (one_in(2)) {
			guest_timer(guest_clock() + below(1000000));
			return;
		}
		break;
	case DENALI_HC_RUN_TIMER:
		if (one_in(2)) {
			guest_run_timer(guest_run_clock() + below(1000000));
			return;
		}
		break;
	case DENALI_HC_RANDOM:
		b = address();
		c = one_in(4) ? number() : below(300);
		break;
	}
	if (one_in(100))
		nr = number();
	denali_hypercall3(nr, b, c, d);
}

static void touch(void)
{
	uint32_t where = address();

	if (where >= (uintptr_t)arena && where < (uintptr_t)arena + ARENA)
		where = number();
	/* Its own code and stack are the memory's rest: it wouldn't get far. */
	if (where >= DENALI_IMAGE_MIN_ADDR && where < vregs->mem_size)
		return;
	TRY("movl %0, %%eax; movl (%%eax), %%ecx; movl %%ecx, (%%eax)", "r" (where));
}

static void upcall(void)
{
	vregs->irq_pending = 0;
	if (!one_in(8))
		vregs->irq_enabled = 1;
}

/* What it has set in the virtual registers may be the end of it: seldom at once. */
static void recover(void)
{
	guest_exc_set(handler_skip);
	guest_upcall_set(upcall);
	vregs->exc_active = 0;
}

void denali_main(void)
{
	static void (*const acts[])(void) = { set_ring, publish, publish, publish, scribble, virtual_register,
		hypercall, hypercall, touch };
	uint32_t rounds = guest_num(1);

	state = guest_num(0) * 2654435761U | 1;
	recover();
	for (uint32_t port = 0; port < 3; port++)
		for (uint32_t queue = 0; queue < DENALI_QUEUES; queue++)
			guest_set_ring(port, queue, &rings[port][queue], ORDER);
	for (uint32_t i = 0; i < rounds; i++) {
		acts[below(ARRAY_SIZE(acts))]();
		progress++;
		if (one_in(4))
			recover();
	}
	guest_exit(0);
}
