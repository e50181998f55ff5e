// SPDX-License-Identifier: GPL-2.0
/*
 * The guest of pcid_test: a template whose clones read all their pages, so that the TLB knows
 * them, have them changed under them, and say what they find then.
 */
#include "guest.h"

#define PAGES	16
#define WORDS	1024

static volatile uint32_t page[PAGES][WORDS] __attribute__((aligned(4096)));

static uint32_t pattern(uint32_t i)
{
	return 0x9e3779b1U * (i + 1);
}

static void look(void)
{
	uint32_t i;

	for (i = 0; i < PAGES; i++) {
		CHECK(page[i][0] == pattern(i));
		CHECK(page[i][WORDS - 1] == ~pattern(i));
	}
}

/* turn KEY: all is the template's; half of it becomes its own. Its arguments are nobody else's. */
static void test_turn(void)
{
	uint32_t key = guest_num(1), i;

	look();
	for (i = 0; i < PAGES; i += 2) {
		page[i][0] = key + i;
		page[i][WORDS - 1] = key + i;
	}
	guest_yield();
	for (i = 0; i < PAGES; i++) {
		CHECK(page[i][0] == (i % 2 ? pattern(i) : key + i));
		CHECK(page[i][WORDS - 1] == (i % 2 ? ~pattern(i) : key + i));
	}
	guest_exit(key);
}

/* hold: half of the pages become its own, and stay so while the CPU keeps what it knows of them. */
static void test_hold(void)
{
	uint32_t i;

	look();
	for (i = 0; i < PAGES; i += 2) {
		page[i][0] = i;
		page[i][WORDS - 1] = i;
	}
	/* Each write made a page its own and had all forgotten. */
	for (i = 0; i < PAGES; i += 2)
		CHECK(page[i][0] == i);
	for (;;)
		guest_idle(NO_TIMEOUT);
}

/* The host writes to a page that was read; then it is written here, and read there. */
static void test_host_writes(void)
{
	uint32_t i;

	look();
	for (i = 0; i < PAGES; i++) {
		CHECK(denali_hypercall3(DENALI_HC_RANDOM, (uintptr_t)page[i], 16, 0) == 0);
		CHECK(page[i][0] != pattern(i) || page[i][1] || page[i][2]);
		CHECK(page[i][WORDS - 1] == ~pattern(i));
		page[i][0] = i;
		CHECK(denali_hypercall3(DENALI_HC_RANDOM, (uintptr_t)(page[i] + 4), 16, 0) == 0);
		CHECK(page[i][0] == i);
		CHECK(page[i][4] || page[i][5] || page[i][6] || page[i][7]);
	}
}

static const struct guest_test tests[] = {
	{ "turn", test_turn }, { "hold", test_hold }, { "host-writes", test_host_writes },
};

void denali_main(void)
{
	uint32_t i, differs = 0;
	int32_t ret;

	for (i = 0; i < PAGES; i++) {
		page[i][0] = pattern(i);
		page[i][WORDS - 1] = ~pattern(i);
	}
	ret = denali_hypercall3(DENALI_HC_TEMPLATE, 0, 0, 0);
	/* In registers: the first write makes the stack its own, and has all forgotten. */
	for (i = 0; i < PAGES; i++)
		differs |= page[i][0] ^ pattern(i);
	CHECK(!differs);
	CHECK(ret == 1);
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!guest_is(tests[i].name))
			continue;
		tests[i].run();
		guest_exit(0);
	}
	guest_panic("no test of this name");
}
