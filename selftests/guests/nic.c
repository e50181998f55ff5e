// SPDX-License-Identifier: GPL-2.0
/*
 * The NIC's driver at its smallest, on port 1: one ring each way, 16 buffers.
 * Frames of the test carry the EtherType 0x88b5 (for experiments).
 */
#include "guest.h"
#include "puppet.h"

#define PORT	1
#define ORDER	4
#define SIZE	(1U << ORDER)
#define BUF	2048

struct nic_ring {
	struct denali_ring ring;
	struct denali_desc desc[SIZE];
} __attribute__((aligned(64)));

static struct nic_ring out, in;
static uint8_t out_buf[BUF], in_buf[SIZE][BUF] __attribute__((aligned(4096)));
static uint32_t out_prod, in_prod, in_cons;

/* For the host's eyes. */
volatile uint32_t progress;
volatile uint32_t received;
volatile uint32_t most_seen;		/* frames at once */
volatile int32_t last_status;
volatile uint32_t last_flags;

static volatile uint32_t *ring_word(uint32_t *p)
{
	return p;
}

static void post(uint32_t buf, uint32_t len)
{
	in.desc[in_prod % SIZE] = (struct denali_desc) {
		.addr = (uintptr_t)in_buf[buf], .len = len, .cookie = buf,
	};
	*ring_word(&in.ring.req_prod) = ++in_prod;
}

static void nic_setup(uint32_t buffers, uint32_t len)
{
	uint32_t i;

	CHECK(vregs->nr_ports >= 2);
	CHECK(vregs->ports[PORT].type == DENALI_PORT_NIC);
	CHECK(guest_set_ring(PORT, DENALI_QUEUE_OUT, &out, ORDER) == 0);
	CHECK(guest_set_ring(PORT, DENALI_QUEUE_IN, &in, ORDER) == 0);
	for (i = 0; i < buffers; i++)
		post(i, len);
	CHECK(guest_doorbell(PORT) == 0);
}

/* A response's place is that of the request it answers or of an earlier one: keep what was sent. */
static int32_t send_desc(uint32_t addr, uint32_t len, uint16_t flags, uint64_t pos)
{
	struct denali_desc *desc = &out.desc[out_prod % SIZE];

	*desc = (struct denali_desc) { .addr = addr, .len = len, .flags = flags, .pos = pos,
				       .cookie = out_prod };
	out_prod++;
	if (flags & DENALI_DESC_MORE)
		return 0;
	*ring_word(&out.ring.rsp_event) = out_prod;
	*ring_word(&out.ring.req_prod) = out_prod;
	CHECK(guest_doorbell(PORT) == 0);
	while (*ring_word(&out.ring.rsp_prod) != out_prod) {
		guest_idle(NO_TIMEOUT);
		guest_irq_take(DENALI_IRQ_PORT0 + PORT);
	}
	CHECK(desc->cookie == out_prod - 1);
	last_status = desc->status;
	progress++;
	return desc->status;
}

static void fill_frame(uint8_t *frame, uint32_t len, uint32_t seq)
{
	uint32_t i;

	for (i = 0; i < 6; i++) {
		frame[i] = 0xff;
		frame[6 + i] = vregs->ports[PORT].mac[i];
	}
	frame[12] = 0x88;
	frame[13] = 0xb5;
	frame[14] = seq >> 8;
	frame[15] = seq;
	for (i = 16; i < len; i++)
		frame[i] = i + seq;
}

static void wait_link(void)
{
	while (!(vregs->ports[PORT].state & DENALI_PORT_UP)) {
		guest_idle(10 * MS);
		guest_irq_take(DENALI_IRQ_PORT0 + PORT);
	}
}

/* info MTU FEATURES: what the virtual registers say of the port */
static void test_info(void)
{
	CHECK(vregs->ports[PORT].type == DENALI_PORT_NIC);
	CHECK(vregs->ports[PORT].mtu == guest_num(1));
	CHECK((vregs->ports[PORT].features & DENALI_NIC_F_CSUM) == guest_num(2));
	CHECK(vregs->ports[PORT].state & DENALI_PORT_UP);
	CHECK(vregs->ports[PORT].mac[0] == 0x02 && vregs->ports[PORT].mac[5] == 0x01);
	CHECK(vregs->ports[2].type == DENALI_PORT_NONE);
}

/* tx N LEN */
static void test_tx(void)
{
	uint32_t i, n = guest_num(1), len = guest_num(2);

	nic_setup(0, 0);
	for (i = 0; i < n; i++) {
		fill_frame(out_buf, len, i);
		CHECK(send_desc((uintptr_t)out_buf, len, 0, 0) == 0);
	}
}

/* tx-any N LEN: the same whatever the status */
static void test_tx_any(void)
{
	uint32_t i, n = guest_num(1), len = guest_num(2);

	nic_setup(0, 0);
	for (i = 0; i < n; i++) {
		fill_frame(out_buf, BUF, i);
		send_desc((uintptr_t)out_buf, len, 0, 0);
	}
	/* One good frame behind them shows that they are through. */
	fill_frame(out_buf, 60, 0xeeee);
	CHECK(send_desc((uintptr_t)out_buf, 60, 0, 0) == 0);
}

/* A frame in eight parts. */
static void test_tx_parts(void)
{
	uint32_t i, part = guest_num(1);

	nic_setup(0, 0);
	fill_frame(out_buf, part * 8, 7);
	for (i = 0; i < 8; i++)
		send_desc((uintptr_t)out_buf + i * part, part, i < 7 ? DENALI_DESC_MORE : 0, 0);
	CHECK(last_status == 0);
	for (i = 0; i < 8; i++)
		CHECK(out.desc[i].status == 0);
}

/* A full ring at once: one doorbell, all answered. */
static void test_tx_batch(void)
{
	static uint8_t frames[SIZE][64];
	uint32_t i;

	nic_setup(0, 0);
	for (i = 0; i < SIZE; i++) {
		fill_frame(frames[i], 64, i);
		out.desc[i] = (struct denali_desc) { .addr = (uintptr_t)frames[i], .len = 64, .cookie = i };
	}
	*ring_word(&out.ring.rsp_event) = SIZE;
	*ring_word(&out.ring.req_prod) = SIZE;
	CHECK(guest_doorbell(PORT) == 0);
	while (*ring_word(&out.ring.rsp_prod) != SIZE)
		guest_idle(MS);
}

/* Another's source address, then our own. */
static void test_spoof(void)
{
	uint32_t i;

	nic_setup(0, 0);
	for (i = 0; i < 5; i++) {
		fill_frame(out_buf, 60, i);
		out_buf[6 + i % 6] ^= 1 << i;
		send_desc((uintptr_t)out_buf, 60, 0, 0);
	}
	fill_frame(out_buf, 60, 0xeeee);
	CHECK(send_desc((uintptr_t)out_buf, 60, 0, 0) == 0);
}

/* The source address split over two descriptors: checked where it is, not where it might be. */
static void test_spoof_parts(void)
{
	nic_setup(0, 0);
	fill_frame(out_buf, 60, 0);
	out_buf[11] ^= 1;
	send_desc((uintptr_t)out_buf, 8, DENALI_DESC_MORE, 0);
	send_desc((uintptr_t)out_buf + 8, 52, 0, 0);
	fill_frame(out_buf, 60, 0xeeee);
	CHECK(send_desc((uintptr_t)out_buf, 8, DENALI_DESC_MORE, 0) == 0);
	CHECK(send_desc((uintptr_t)out_buf + 8, 52, 0, 0) == 0);
}

/* Frames come back with the addresses exchanged; sequence 0xffff ends. */
static void test_echo(void)
{
	struct denali_desc *desc;
	uint32_t len, buf, i;
	uint8_t *frame;
	bool done = false;

	nic_setup(guest_num(1), BUF);
	wait_link();
	progress = 1;
	while (!done) {
		guest_irq_take(DENALI_IRQ_PORT0 + PORT);
		if (*ring_word(&in.ring.rsp_prod) == in_cons) {
			*ring_word(&in.ring.rsp_event) = in_cons + 1;
			if (*ring_word(&in.ring.rsp_prod) == in_cons)
				guest_idle(NO_TIMEOUT);
			continue;
		}
		i = *ring_word(&in.ring.rsp_prod) - in_cons;
		if (i > most_seen)
			most_seen = i;
		desc = &in.desc[in_cons++ % SIZE];
		buf = desc->cookie;
		CHECK(buf < SIZE);
		len = desc->len;
		last_status = desc->status;
		last_flags = desc->flags;
		frame = in_buf[buf];
		if (desc->status == 0 && frame[12] == 0x88 && frame[13] == 0xb5) {
			CHECK(len <= BUF);
			for (i = 0; i < 6; i++) {
				frame[i] = frame[6 + i];
				frame[6 + i] = vregs->ports[PORT].mac[i];
			}
			done = frame[14] == 0xff && frame[15] == 0xff;
			received++;
			send_desc((uintptr_t)frame, len, 0, 0);
		}
		post(buf, BUF);
		CHECK(guest_doorbell(PORT) == 0);
	}
}

/* No buffers: the host drops. */
static void test_rx_none(void)
{
	nic_setup(0, 0);
	for (;;)
		guest_idle(NO_TIMEOUT);
}

/* From when "go" is set, a buffer at a time; the frames must be filled with 0, 1, 2... */
volatile uint32_t go;

static void test_rx_late(void)
{
	nic_setup(0, 0);
	progress = 1;
	while (!go)
		guest_idle(MS);
	for (;; received++, in_cons++) {
		post(in_prod % SIZE, BUF);
		/* As the host asked for it. */
		if (denali_ring_event(*ring_word(&in.ring.req_event), in_prod - 1, in_prod))
			CHECK(guest_doorbell(PORT) == 0);
		*ring_word(&in.ring.rsp_event) = in_cons + 1;
		while (*ring_word(&in.ring.rsp_prod) == in_cons) {
			guest_idle(NO_TIMEOUT);
			guest_irq_take(DENALI_IRQ_PORT0 + PORT);
		}
		CHECK(in.desc[in_cons % SIZE].status == 0);
		CHECK(in_buf[in_cons % SIZE][20] == (uint8_t)received);
	}
}

/* Buffers too small for the frames that come. */
static void test_rx_small(void)
{
	nic_setup(4, 32);
	for (;;) {
		guest_idle(NO_TIMEOUT);
		guest_irq_take(DENALI_IRQ_PORT0 + PORT);
		if (*ring_word(&in.ring.rsp_prod) != in_cons) {
			CHECK(in.desc[in_cons % SIZE].len <= 32 || in.desc[in_cons % SIZE].status < 0);
			in_cons++;
			received++;
		}
	}
}

/* Sends for ever; the tap may come and go. */
static void test_tx_loop(void)
{
	uint32_t i;

	nic_setup(SIZE, BUF);
	for (i = 0;; i++) {
		fill_frame(out_buf, 100, i);
		send_desc((uintptr_t)out_buf, 100, 0, 0);
		guest_yield();
	}
}

/* tx-ports N: N frames to all from each NIC. */
static void test_tx_ports(void)
{
	static struct nic_ring rings[DENALI_MAX_PORTS];
	uint32_t port, i, n = guest_num(1);

	CHECK(n <= SIZE);
	for (port = 1; port < DENALI_MAX_PORTS && vregs->ports[port].type == DENALI_PORT_NIC; port++) {
		struct nic_ring *ring = &rings[port];

		fill_frame(out_buf, 100, 0);
		for (i = 0; i < 6; i++)
			out_buf[6 + i] = vregs->ports[port].mac[i];
		CHECK(guest_set_ring(port, DENALI_QUEUE_OUT, ring, ORDER) == 0);
		for (i = 0; i < n; i++)
			ring->desc[i] = (struct denali_desc) { .addr = (uintptr_t)out_buf, .len = 100 };
		*ring_word(&ring->ring.req_prod) = n;
		CHECK(guest_doorbell(port) == 0);
		while (*ring_word(&ring->ring.rsp_prod) != n)
			guest_idle(MS);
		for (i = 0; i < n; i++)
			CHECK(ring->desc[i].status == 0);
	}
}

/* tx-flood N: always more than the host takes at a time, to number N, 0: to all */
static void test_tx_flood(void)
{
	enum { FLOOD_ORDER = 8, FLOOD_SIZE = 1 << FLOOD_ORDER };
	static struct {
		struct denali_ring ring;
		struct denali_desc desc[FLOOD_SIZE];
	} flood __attribute__((aligned(64)));
	const uint8_t to[6] = { 2, 0, 0, 0, 0, guest_num(1) };
	uint32_t i;

	fill_frame(out_buf, 100, 0);
	for (i = 0; to[5] && i < 6; i++)
		out_buf[i] = to[i];
	for (i = 0; i < FLOOD_SIZE; i++)
		flood.desc[i] = (struct denali_desc) { .addr = (uintptr_t)out_buf, .len = 100 };
	CHECK(guest_set_ring(PORT, DENALI_QUEUE_OUT, &flood, FLOOD_ORDER) == 0);
	for (;;) {
		*ring_word(&flood.ring.req_prod) = *ring_word(&flood.ring.rsp_prod) + FLOOD_SIZE;
		guest_doorbell(PORT);
	}
}

/* What the state of the link is, kept where the host sees it. */
volatile uint32_t link;

static void test_link(void)
{
	uint32_t i;

	nic_setup(SIZE, BUF);
	for (i = 0;; i++) {
		link = vregs->ports[PORT].state & DENALI_PORT_UP;
		progress++;
		guest_idle(MS);
		guest_irq_take(DENALI_IRQ_PORT0 + PORT);
	}
}

/*
 * csum IP-SRC IP-DST: a UDP datagram to port 9999 with the checksum left to the host:
 * the field holds the pseudo header's sum.
 */
static uint32_t sum(const uint8_t *p, uint32_t len, uint32_t s)
{
	uint32_t i;

	for (i = 0; i < len; i += 2)
		s += p[i] << 8 | p[i + 1];
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
}

static void test_csum(void)
{
	uint8_t *ip = out_buf + 14, *udp = ip + 20;
	uint32_t i, s, len = 8 + 24;

	nic_setup(0, 0);
	wait_link();
	fill_frame(out_buf, 14, 0);
	out_buf[12] = 0x08;
	out_buf[13] = 0x00;
	ip[0] = 0x45;
	ip[3] = 20 + len;
	ip[8] = 64;
	ip[9] = 17;
	put32(ip + 12, guest_num(1));
	put32(ip + 16, guest_num(2));
	s = ~sum(ip, 20, 0);
	ip[10] = s >> 8;
	ip[11] = s;
	udp[0] = 4000 >> 8;
	udp[1] = 4000 & 0xff;
	udp[2] = 9999 >> 8;
	udp[3] = 9999 & 0xff;
	udp[5] = len;
	for (i = 0; i < len - 8; i++)
		udp[8 + i] = 'A' + i;
	s = sum(ip + 12, 8, 17 + len);
	udp[6] = s >> 8;
	udp[7] = s;
	last_status = send_desc((uintptr_t)out_buf, 14 + 20 + len, DENALI_DESC_CSUM, 34 | 6ULL << 16);
	guest_exit(last_status == 0 ? 0 : 1);
}

volatile struct puppet puppet;

static void puppet_receive(void)
{
	struct denali_desc *desc;
	uint32_t i, buf;

	while (*ring_word(&in.ring.rsp_prod) != in_cons) {
		desc = &in.desc[in_cons++ % SIZE];
		buf = desc->cookie;
		CHECK(buf < SIZE && desc->status == 0 && desc->len <= sizeof(puppet.in));
		for (i = 0; i < desc->len; i++)
			puppet.in[i] = in_buf[buf][i];
		puppet.got_len = desc->len;
		puppet.got_flags = desc->flags;
		puppet.got++;
		post(buf, BUF);
	}
}

static void test_puppet(void)
{
	uint32_t i, go;

	nic_setup(SIZE, BUF);
	progress = 1;
	for (;;) {
		go = puppet.go;
		if (go != puppet.done) {
			for (i = 0; i < puppet.len; i++)
				out_buf[i] = puppet.frame[i];
			puppet.status = send_desc((uintptr_t)out_buf, puppet.len, puppet.flags,
						  puppet.pos);
			puppet.done = go;
		}
		puppet_receive();
		guest_irq_take(DENALI_IRQ_PORT0 + PORT);
		*ring_word(&in.ring.rsp_event) = in_cons + 1;
		guest_idle(MS);
	}
}

/* bad-ring, bad-buffer, bad-request: what a switch finds that has a frame for it. */
static void test_bad_ring(void)
{
	nic_setup(SIZE, BUF);
	*ring_word(&in.ring.req_prod) = in_prod + 1000;
	progress = 1;
	for (;;)
		guest_idle(NO_TIMEOUT);
}

static void test_bad_buffer(void)
{
	nic_setup(0, 0);
	in.desc[0] = (struct denali_desc) { .addr = vregs->mem_size - 16, .len = BUF };
	*ring_word(&in.ring.req_prod) = 1;
	/* A frame that came before waits for this. */
	guest_doorbell(PORT);
	progress = 1;
	for (;;)
		guest_idle(NO_TIMEOUT);
}

/* Requests that aren't for a buffer, as many as the ring holds: each is answered. */
static void test_bad_request(void)
{
	uint32_t i;

	nic_setup(0, 0);
	for (i = 0; i < SIZE; i++)
		in.desc[i] = (struct denali_desc) { .addr = (uintptr_t)in_buf[i], .len = BUF, .op = 1 };
	*ring_word(&in.ring.req_prod) = SIZE;
	progress = 1;
	for (;;) {
		received = *ring_word(&in.ring.rsp_prod);
		last_status = in.desc[0].status;
		*ring_word(&in.ring.rsp_event) = received + 1;
		guest_idle(NO_TIMEOUT);
		guest_irq_take(DENALI_IRQ_PORT0 + PORT);
	}
}

/*
 * A ring whose requests are in another page than its indices, with a buffer that nobody has
 * written to: what a template leaves there is its own until the host has seen to that.
 */
static uint8_t far_ring[2 * 4096] __attribute__((aligned(4096)));

static struct nic_ring *ring_far(void)
{
	return (void *)(far_ring + 4096 - offsetof(struct nic_ring, desc));
}

/* template: what the boot arguments of a clone name is run by it. */
static void test_template(void)
{
	struct nic_ring *ring = ring_far();
	uint32_t i;

	for (i = 0; i < SIZE; i++)
		ring->desc[i] = (struct denali_desc) {
			.addr = (uintptr_t)in_buf[i], .len = BUF, .cookie = i,
		};
	ring->ring.req_prod = SIZE;
	CHECK(denali_hypercall3(DENALI_HC_TEMPLATE, 0, 0, 0) == 1);
	denali_main();
}

/* The first frame is whole, and the other buffers are as the template left them. */
static void late(struct nic_ring *ring)
{
	uint32_t i, j;

	*ring_word(&ring->ring.rsp_event) = 1;
	while (!*ring_word(&ring->ring.rsp_prod)) {
		guest_idle(NO_TIMEOUT);
		guest_irq_take(DENALI_IRQ_PORT0 + PORT);
	}
	CHECK(ring->desc[0].status == 0 && ring->desc[0].cookie == 0);
	for (j = 14; j < ring->desc[0].len; j++)
		CHECK(in_buf[0][j] == guest_num(1));
	for (i = 1; i < SIZE; i++)
		for (j = 0; j < BUF; j++)
			CHECK(!in_buf[i][j]);
}

/* late-ring FILL: the host isn't told of requests, which are the template's */
static void test_late_ring(void)
{
	CHECK(guest_set_ring(PORT, DENALI_QUEUE_IN, ring_far(), ORDER) == 0);
	late(ring_far());
}

/* late-buffers FILL: nor of buffers, which are */
static void test_late_buffers(void)
{
	CHECK(guest_set_ring(PORT, DENALI_QUEUE_IN, &in, ORDER) == 0);
	post(0, BUF);
	late(&in);
}

/* churn: requests that change while the host is at them, to all places of the buffers. */
static void test_churn(void)
{
	uint32_t i, seed = 1;

	nic_setup(SIZE, BUF);
	for (i = 0;; i++) {
		struct denali_desc *desc = &in.desc[i % SIZE];

		seed = seed * 1103515245 + 12345;
		desc->addr = (uintptr_t)in_buf + (seed >> 8) % (sizeof(in_buf) - BUF);
		desc->len = BUF - (seed >> 24) * 8;
		*ring_word(&in.ring.req_prod) = *ring_word(&in.ring.rsp_prod) + SIZE;
		guest_irq_take(DENALI_IRQ_PORT0 + PORT);
		if (i % 64 == 0)
			guest_doorbell(PORT);
	}
}

/* show N: by ARP, that it has 10.0.N.1 */
static void test_show(void)
{
	const uint8_t head[10] = { 8, 6, 0, 1, 8, 0, 6, 4, 0, 1 }, ip[4] = { 10, 0, guest_num(1), 1 };
	uint32_t i;

	nic_setup(SIZE, BUF);
	fill_frame(out_buf, 60, 0);
	for (i = 0; i < 10; i++)
		out_buf[12 + i] = head[i];
	for (i = 0; i < 6; i++)
		out_buf[22 + i] = vregs->ports[PORT].mac[i];
	for (i = 0; i < 4; i++)
		out_buf[28 + i] = ip[i];
	for (i = 0; i < 4; i++)
		out_buf[38 + i] = ip[i];
	CHECK(send_desc((uintptr_t)out_buf, 60, 0, 0) == 0);
	for (;;) {
		guest_irq_take(DENALI_IRQ_PORT0 + PORT);
		guest_idle(NO_TIMEOUT);
	}
}

/* freeze: becomes a template with frames under way; its clones end with what they find there. */
static void test_freeze(void)
{
	const uint8_t *p;
	uint32_t sum = 0;

	nic_setup(SIZE, BUF);
	/* Some have come. */
	while (*ring_word(&in.ring.rsp_prod) < SIZE / 2)
		guest_idle(MS);
	CHECK(denali_hypercall3(DENALI_HC_TEMPLATE, 0, 0, 0) == 1);
	for (p = (void *)in_buf; p < in_buf[SIZE]; p++)
		sum = sum * 31 + *p;
	for (p = (void *)&in; p < (uint8_t *)(&in + 1); p++)
		sum = sum * 31 + *p;
	guest_exit(sum);
}

GUEST_MAIN({ "info", test_info }, { "tx", test_tx }, { "tx-any", test_tx_any },
	   { "tx-parts", test_tx_parts }, { "tx-batch", test_tx_batch }, { "spoof", test_spoof },
	   { "spoof-parts", test_spoof_parts }, { "echo", test_echo }, { "rx-none", test_rx_none },
	   { "rx-late", test_rx_late },
	   { "rx-small", test_rx_small }, { "tx-loop", test_tx_loop },
	   { "tx-ports", test_tx_ports }, { "tx-flood", test_tx_flood }, { "link", test_link },
	   { "csum", test_csum }, { "puppet", test_puppet }, { "bad-ring", test_bad_ring },
	   { "bad-buffer", test_bad_buffer }, { "bad-request", test_bad_request  },
	   { "template", test_template }, { "late-ring", test_late_ring },
	   { "late-buffers", test_late_buffers }, { "freeze", test_freeze },
	   { "churn", test_churn }, { "show", test_show })
