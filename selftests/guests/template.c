// SPDX-License-Identifier: GPL-2.0
/*
 * The guest of template_test: fills its memory with a pattern, stops as a template, and
 * looks in each clone, by that clone's boot arguments, at what it finds.
 */
#include "guest.h"

GUEST_EXC_ENTRY;
GUEST_UPCALL_ENTRY;

#define PATTERN(p)	((uintptr_t)(p) * 0x9e3779b1U)

/* Pages that the template leaves alone, for a clone to find empty. */
#define IS_EMPTY(p)	(((uintptr_t)(p) >> 12) % 8 == 3)

extern char _end[];

/* Alarms of the template that go off in its clones. */
#define ALARM		(200 * MS)
#define RUN_ALARM	(10 * MS)

volatile uint32_t progress;	/* for who maps the memory of a VM that is no clone */
static uint64_t frozen_at;
static uint64_t alarm_at;
static uint32_t *first, *last;
static bool upcalled, run_upcalled;

static uint32_t expected(const uint32_t *p)
{
	return IS_EMPTY(p) ? 0 : PATTERN(p);
}

static void fill(void)
{
	uint32_t *p;

	first = (uint32_t *)(((uintptr_t)_end + 4095) & ~4095U);
	last = (uint32_t *)(((uintptr_t)__builtin_frame_address(0) - 4096) & ~4095U);
	for (p = first; p < last; p++)
		if (!IS_EMPTY(p))
			*p = PATTERN(p);
}

/* All but the words of [from, from + n) are as the template left them. */
static void look_but(const uint32_t *from, uint32_t n)
{
	const uint32_t *p;

	for (p = first; p < last; p++)
		if (p < from || p >= from + n)
			CHECK(*p == expected(p));
}

static void test_look(void)
{
	look_but(last, 0);
}

/* Write everything, in an order that isn't that of the pages, and find it again. */
static void test_write(void)
{
	uint32_t key = guest_num(1), pages = (last - first) / 1024, i, j;
	uint32_t *p;

	for (i = 0; i < pages; i++) {
		p = first + (i * 7 % pages) * 1024;
		if (pages % 7 == 0)
			p = first + i * 1024;
		for (j = 0; j < 1024; j++)
			CHECK(p[j] == expected(p + j));
		for (j = 0; j < 1024; j++)
			p[j] = (uintptr_t)(p + j) ^ key;
		if (i % 4 == 0)
			guest_yield();
	}
	for (p = first; p < last; p++)
		CHECK(*p == ((uintptr_t)p ^ key));
}

/* One word in each page, and long pauses: page tables are taken and come back. */
static void test_pause(void)
{
	uint32_t *p;
	int round;

	for (round = 0; round < 2; round++) {
		for (p = first + round; p < last; p += 2048)
			*p = ~PATTERN(p);
		guest_idle(3000 * MS);
		for (p = first + round; p < last; p += 2048)
			CHECK(*p == ~PATTERN(p));
	}
	for (p = first; p < last; p++)
		if ((p - first) % 2048 > 1)
			CHECK(*p == expected(p));
}

/* The host writes to a page that is still the template's, and across two of them. */
static void test_host_writes(void)
{
	uint32_t *p = first + 5 * 1024, *q = first + 9 * 1024 - 8;
	uint32_t i, same = 0;

	CHECK(denali_hypercall3(DENALI_HC_RANDOM, (uintptr_t)p, 64, 0) == 0);
	for (i = 0; i < 16; i++)
		same += p[i] == expected(p + i);
	CHECK(same < 4);
	look_but(p, 16);
	for (i = 0; i < 16; i++)
		p[i] = expected(p + i);

	CHECK(denali_hypercall3(DENALI_HC_RANDOM, (uintptr_t)q, 64, 0) == 0);
	for (i = same = 0; i < 16; i++)
		same += q[i] == expected(q + i);
	CHECK(same < 4);
	look_but(q, 16);
}

/* A ring in pages of the template's, with a buffer there: the console's. */
static void test_console(void)
{
	guest_puts((const char *)guest_cmdline());
	guest_puts("\n");
}

static void upcall(void)
{
	if (guest_irq_take(DENALI_IRQ_TIMER))
		upcalled = true;
	if (guest_irq_take(DENALI_IRQ_RUN_TIMER))
		run_upcalled = true;
	vregs->irq_enabled = 1;
}

/* The clock goes on, and the template's alarms go off, and not before their time. */
static void test_clock(void)
{
	uint64_t now = guest_clock();

	CHECK(now >= frozen_at);
	/* It hasn't stood still while there was no clone: that is no time of the guest's. */
	CHECK(vregs->time_base < frozen_at + 1000000 * MS);
	while (!upcalled)
		guest_idle(NO_TIMEOUT);
	CHECK(guest_clock() >= alarm_at);
	while (!run_upcalled)
		;
}

static uint32_t fault_vector, fault_addr;

static void fault(void)
{
	fault_vector = vregs->exc_vector;
	fault_addr = vregs->exc_addr;
	/* Over the two bytes of the instruction. */
	vregs->exc_eip += 2;
}

/* A fault that is the guest's own is still its own, also between pages of the template's. */
static void test_fault(void)
{
	guest_exc_set(fault);
	first[3] = 1;
	CHECK(!fault_vector);
	__asm__ __volatile__("movl %%eax, (%%ecx)" : : "a" (1), "c" (0) : "memory");
	CHECK(fault_vector == 14 || fault_vector == 13);
	CHECK(fault_vector == 13 || fault_addr == 0);
	fault_vector = 0;
	__asm__ __volatile__("movl %%eax, (%%ecx)" : : "a" (1), "c" ((uint32_t)vregs->mem_size) : "memory");
	CHECK(fault_vector == 14 || fault_vector == 13);
	CHECK(first[3] == 1);
}

/* No ring of the template's, and no device but a console. */
static void test_ports(void)
{
	unsigned int i;

	CHECK(vregs->ports[0].type == DENALI_PORT_CONSOLE);
	CHECK(vregs->ports[0].state & DENALI_PORT_UP);
	for (i = 1; i < DENALI_MAX_PORTS; i++)
		CHECK(vregs->ports[i].type == DENALI_PORT_NONE);
	CHECK(guest_doorbell(0) == 0);
	CHECK(guest_doorbell(1) == -DENALI_ENODEV);
}

/* Some pages are its own from now on, the others its template's. */
static void test_some(void)
{
	uint32_t *p;

	for (p = first; p < last; p += 3 * 1024)
		*p = 1;
	for (;;)
		progress++;
}

static void test_spin(void)
{
	uint32_t *p = first;

	for (;;) {
		(*p)++;
		progress++;
		p = p + 1024 < last ? p + 1024 : first;
	}
}

/* Write to the page from which those run that spin. */
static void test_patch(void)
{
	volatile uint8_t *code = (void *)test_spin;

	*code = *code;
}

static void test_idle(void)
{
	for (;;)
		guest_idle(NO_TIMEOUT);
}

static void test_again(void)
{
	/* A clone is no template: nobody wants it to stop. */
	CHECK(denali_hypercall3(DENALI_HC_TEMPLATE, 0, 0, 0) == 0);
}

#define FPU_KEY		0x7e3a91c5U	/* what the template leaves in the registers of the FPU */

static bool has_avx(void)
{
	uint32_t eax = 1, ebx, ecx = 0, edx;

	__asm__ __volatile__("cpuid" : "+a" (eax), "=b" (ebx), "+c" (ecx), "=d" (edx));
	return (ecx >> 27 & 3) == 3;
}

/* Both halves of YMM0 and YMM7, an x87 register and MXCSR. */
static void fpu_put(uint32_t key)
{
	uint32_t low[4] = { key, key + 1, key + 2, key + 3 };
	uint32_t high[4] = { ~key, key + 5, key + 6, key + 7 };
	uint32_t mxcsr = 0x1f80 | (key & 3) << 13;

	__asm__ __volatile__("movups %0, %%xmm0; movups %0, %%xmm7; ldmxcsr %1; fninit; fildl %0"
			     : : "m" (low), "m" (mxcsr));
	if (has_avx())
		__asm__ __volatile__("vinsertf128 $1, %0, %%ymm0, %%ymm0; vinsertf128 $1, %0, %%ymm7, %%ymm7"
				     : : "m" (high));
}

static bool fpu_holds(uint32_t key)
{
	uint32_t low[4], high[4], mxcsr, top;

	__asm__ __volatile__("movups %%xmm7, %0; stmxcsr %1; fistl %2"
			     : "=m" (low), "=m" (mxcsr), "=m" (top));
	high[0] = ~key;
	if (has_avx())
		__asm__ __volatile__("vextractf128 $1, %%ymm0, %0" : "=m" (high));
	return low[0] == key && low[3] == key + 3 && high[0] == ~key && top == key &&
	       mxcsr >> 13 == (key & 3);
}

/* stain KEY END: leaves the key wherever it can, breaks what it can, and ends in one way or another. */
static void test_stain(void)
{
	uint32_t key = guest_num(1), *p;
	char end = *guest_arg(2);

	fpu_put(key);
	guest_timer(guest_clock() + 10 * MS);
	for (p = first; p < last; p++)
		*p = key;
	for (p = (uint32_t *)DENALI_VREGS_ADDR; p < (uint32_t *)(DENALI_VREGS_ADDR + DENALI_PAGE_SIZE); p++)
		*p = key;
	vregs->irq_pending = ~0U;
	vregs->irq_enabled = 0;
	vregs->irq_mask = ~0U;
	vregs->exc_entry = 0;
	__asm__ __volatile__("movw %w0, %%fs; movw %w1, %%es; std" : : "r" (0x2b), "r" (0));
	if (end == 'e')
		denali_hypercall3(DENALI_HC_EXIT, 7, key, key);
	if (end == 'f')
		__asm__ __volatile__("ud2");
	while (end == 'i')
		denali_hypercall3(DENALI_HC_IDLE, ~0U, ~0U, key);
	for (;;)
		progress++;
}

/* clean NOT-KEY: as test_look(), and the key is nowhere at all. */
static void test_clean(void)
{
	uint32_t not_key = guest_num(1), word;
	const volatile uint32_t *p;
	unsigned int i;

	for (p = (const volatile uint32_t *)DENALI_VREGS_ADDR; (uintptr_t)p < vregs->mem_size; p++) {
		word = ~*p;
		/* Else the key itself might be put somewhere. */
		__asm__ __volatile__("" : "+r" (word));
		CHECK(word != not_key);
	}
	CHECK(vregs->magic == DENALI_VREGS_MAGIC);
	CHECK(vregs->nr_ports == DENALI_MAX_PORTS);
	/* Of the alarm, and of what the template printed. */
	CHECK(!(vregs->irq_pending & ~(1U << DENALI_IRQ_TIMER | 1U << DENALI_IRQ_RUN_TIMER | 1U << DENALI_IRQ_PORT0)));
	CHECK(vregs->irq_mask == 0 && vregs->irq_enabled == 1);
	CHECK(vregs->upcall_entry == (uintptr_t)guest_upcall_entry);
	CHECK(vregs->exc_entry == 0 && vregs->exc_active == 0);
	CHECK(vregs->run_ns < 1000000 * MS && vregs->steal_ns < 1000000 * MS);
	CHECK(vregs->ports[0].state == DENALI_PORT_UP);
	for (i = 0; i < DENALI_MAX_PORTS; i++)
		CHECK(vregs->ports[i].type == (i ? DENALI_PORT_NONE : DENALI_PORT_CONSOLE));
	test_look();
}

/* Waits for what comes first on a port, in a buffer of its own. Returns its length. */
static uint32_t first_input(uint32_t port, uint8_t *buf, uint32_t size)
{
	static struct guest_ring8 in;
	volatile struct denali_ring *ring = &in.ring;

	CHECK(guest_set_ring(port, DENALI_QUEUE_IN, &in, 3) == 0);
	in.desc[0] = (struct denali_desc) { .addr = (uintptr_t)buf, .len = size };
	ring->rsp_event = 1;
	ring->req_prod = 1;
	CHECK(guest_doorbell(port) == 0);
	guest_puts("listening\n");
	while (ring->rsp_prod != 1) {
		guest_idle(NO_TIMEOUT);
		guest_irq_take(DENALI_IRQ_PORT0 + port);
	}
	CHECK(in.desc[0].status == 0);
	return in.desc[0].len;
}

static uint8_t input[2048];

/* hear TEXT: the first input is this and no more. */
static void test_hear(void)
{
	const char *text = guest_arg(1);
	uint32_t len = guest_strlen(text);

	CHECK(first_input(0, input, sizeof(input)) == len);
	while (len--)
		CHECK(input[len] == (uint8_t)text[len]);
}

/* nic SEQ: port 1 is as it was given, and the first frame that comes has this number. */
static void test_nic(void)
{
	CHECK(vregs->ports[1].type == DENALI_PORT_NIC);
	CHECK(vregs->ports[1].state == DENALI_PORT_UP);
	CHECK(vregs->ports[1].mtu == 1500);
	CHECK(vregs->ports[1].mac[0] == 2 && vregs->ports[1].mac[1] == 0 && vregs->ports[1].mac[5] == 1);
	CHECK(first_input(1, input, sizeof(input)) >= 60);
	CHECK((uint32_t)(input[14] << 8 | input[15]) == guest_num(1));
}

/* A few pages, as programs write that answer one request. */
static void test_touch(void)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		CHECK(first[i * 3072] == expected(first + i * 3072));
		first[i * 3072] = i;
	}
}

static const struct guest_test tests[] = {
	{ "look", test_look }, { "write", test_write }, { "pause", test_pause },
	{ "host-writes", test_host_writes }, { "console", test_console }, { "clock", test_clock },
	{ "some", test_some },
	{ "fault", test_fault }, { "ports", test_ports }, { "spin", test_spin }, { "patch", test_patch },
	{ "idle", test_idle }, { "again", test_again }, { "stain", test_stain }, { "clean", test_clean },
	{ "hear", test_hear }, { "nic", test_nic }, { "touch", test_touch },
};

/* Returns what the hypercall returns; the registers that it preserves are checked. */
static int32_t freeze(void)
{
	int32_t ret;
	uint32_t esi, edi, ebx, edx, flags, ds, es, fs;

	__asm__ __volatile__("int %[vec]; pushfl; popl %%ecx"
			     : "=a" (ret), "=S" (esi), "=D" (edi), "=b" (ebx), "=d" (edx), "=&c" (flags)
			     : "0" (DENALI_HC_TEMPLATE), "1" (0x11111111), "2" (0x22222222),
			       "3" (0x33333333), "4" (0x44444444), [vec] "i" (DENALI_HC_VECTOR)
			     : "memory");
	__asm__ __volatile__("movl %%ds, %0; movl %%es, %1; movl %%fs, %2" : "=r" (ds), "=r" (es), "=r" (fs));
	CHECK(!(flags & 0x40500) && es == ds && fs == 0);
	CHECK(esi == 0x11111111 && edi == 0x22222222 && ebx == 0x33333333 && edx == 0x44444444);
	return ret;
}

void denali_main(void)
{
	unsigned int i;

	if (guest_is("late"))
		for (;;)
			guest_idle(NO_TIMEOUT);
	if (guest_is("exit"))
		guest_exit(3);
	guest_puts("template\n");
	fill();
	guest_upcall_set(upcall);
	vregs->irq_enabled = 1;
	frozen_at = guest_clock();
	alarm_at = frozen_at + ALARM;
	guest_timer(alarm_at);
	guest_run_timer(guest_run_clock() + RUN_ALARM);
	fpu_put(FPU_KEY);
	if (guest_is("plain")) {
		CHECK(freeze() == 0);
		guest_exit(0);
	}
	CHECK(freeze() == 1);
	CHECK(fpu_holds(FPU_KEY));
	/* Its own copy of the ring knows of requests that this host doesn't. */
	guest_out_reset();
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!guest_is(tests[i].name))
			continue;
		tests[i].run();
		guest_exit(0);
	}
	guest_panic("no test of this name");
}
