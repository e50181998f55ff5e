// SPDX-License-Identifier: GPL-2.0
/*
 * The guest of the life-cycle and ioctl tests: ends in a given way, runs or
 * idles for ever, and looks at what it was given at its start.
 */
#include "guest.h"

/* Where the host sees by mmap that the guest is alive. */
volatile uint32_t progress;
volatile uint64_t seen_clock;

extern char _end[];

static void test_exit(void)
{
	guest_exit(guest_num(1));
}

static void test_panic(void)
{
	guest_panic(guest_arg(1));
}

static void test_spin(void)
{
	for (;;)
		progress++;
}

static void test_idle(void)
{
	progress = 1;
	for (;;)
		guest_idle(NO_TIMEOUT);
}

/* Count up, idling a moment in between. */
static void test_tick(void)
{
	for (;;) {
		progress++;
		guest_idle(MS);
	}
}

static void test_clock(void)
{
	for (;;) {
		seen_clock = guest_clock();
		progress++;
	}
}

/*
 * All memory that isn't the image, the virtual registers or the stack must be
 * zero; then leave a pattern for the next owner to find.
 */
static void test_memzero(void)
{
	uint32_t *p = (uint32_t *)(((uintptr_t)_end + 3) & ~3U);
	uint32_t *end = (uint32_t *)((uintptr_t)__builtin_frame_address(0) - 512);

	for (; p < end; p++) {
		if (*p)
			guest_panic("memory isn't zero at start");
		*p = 0xdeadbeef;
	}
}

/* The reserved parts of the virtual registers are zero as well. */
static void test_vregs(void)
{
	volatile struct denali_vregs *v = vregs;
	unsigned int i, j;

	CHECK(v->magic == DENALI_VREGS_MAGIC);
	CHECK(v->abi_version == DENALI_ABI_VERSION);
	CHECK(v->mem_size == guest_num(1));
	CHECK(v->cpu_khz > 0);
	CHECK(v->nr_ports >= guest_num(2) && v->nr_ports <= DENALI_MAX_PORTS);
	CHECK(v->irq_enabled == 0);
	CHECK(v->irq_mask == 0);
	CHECK(v->upcall_entry == 0);
	CHECK(v->exc_active == 0 && v->exc_entry == 0 && v->exc_stack == 0);
	CHECK(v->ports[0].type == DENALI_PORT_CONSOLE);
	CHECK(v->ports[0].state & DENALI_PORT_UP);
	for (i = 0; i < ARRAY_SIZE(v->reserved0); i++)
		CHECK(v->reserved0[i] == 0);
	for (i = 0; i < ARRAY_SIZE(v->reserved1); i++)
		CHECK(v->reserved1[i] == 0);
	for (i = 0; i < ARRAY_SIZE(v->reserved2); i++)
		CHECK(v->reserved2[i] == 0);
	for (i = 0; i < DENALI_MAX_PORTS; i++) {
		if (i >= guest_num(2))
			CHECK(v->ports[i].type == DENALI_PORT_NONE);
		for (j = 0; j < ARRAY_SIZE(v->ports[i].reserved); j++)
			CHECK(v->ports[i].reserved[j] == 0);
	}
	for (i = guest_strlen(guest_cmdline()); i < DENALI_CMDLINE_SIZE; i++)
		CHECK(guest_cmdline()[i] == 0);
}

/* The boot arguments may fill their field but for the NUL. */
static void test_cmdline(void)
{
	uint32_t i, len = guest_strlen(guest_cmdline());

	CHECK(len == DENALI_CMDLINE_SIZE - 1);
	for (i = 8; i < len; i++)
		CHECK(guest_cmdline()[i] == 'x');
}

/* What the host wrote through its mapping is here, and the other way round. */
volatile uint32_t host_word;
volatile uint32_t guest_word;

static void test_shared(void)
{
	while (host_word != 0x12345678)
		guest_yield();
	guest_word = 0x87654321;
}

/* The VM ran for a while, and its run time went up by not more than the clock. */
static void test_runtime(void)
{
	/* run_ns is the time run up to time_base: the two are compared at the same moments. */
	uint64_t start = vregs->time_base;
	uint64_t run = vregs->run_ns;

	while (vregs->run_ns - run < 2 * MS)
		guest_yield();
	CHECK(vregs->run_ns <= vregs->time_base);
	CHECK(vregs->time_base - start >= 2 * MS);
}

/* Two of these on one CPU: each sees that it had to wait. */
static void test_steal(void)
{
	while (vregs->steal_ns < 5 * MS)
		progress++;
	CHECK(vregs->steal_ns <= guest_clock());
}

GUEST_MAIN({ "exit", test_exit }, { "panic", test_panic }, { "spin", test_spin },
	   { "idle", test_idle }, { "tick", test_tick }, { "clock", test_clock },
	   { "memzero", test_memzero }, { "vregs", test_vregs }, { "cmdline", test_cmdline },
	   { "shared", test_shared }, { "runtime", test_runtime }, { "steal", test_steal })
