// SPDX-License-Identifier: GPL-2.0
/* Guests that want the CPU in their own ways, most of them for ever. */
#include "guest.h"

GUEST_UPCALL_ENTRY;

#define UNKNOWN_HC	99

/*
 * What the good one got done. On no page that has code: an emulator looks at each store there,
 * and takes a hundred times as long.
 */
volatile uint64_t work __attribute__((aligned(4096)));
volatile uint32_t wakes;		/* of "wake", "sleep-spin" and "naps" */
volatile uint32_t late;			/* of these, later than word 1 in ms */

/* Of "turns": when it was to wake and when it did, in ns since 1970, which all VMs agree about. */
#define TURNS		64
volatile uint64_t turns[TURNS][2];
volatile uint32_t turns_nr;		/* of "count" too */

static void test_spin(void)
{
	for (;;)
		work++;
}

/* Each of its turns begins with another virtual time. */
static void test_count(void)
{
	uint32_t run_ns = vregs->run_ns;

	for (;;) {
		if (run_ns != (uint32_t)vregs->run_ns) {
			run_ns = vregs->run_ns;
			turns_nr++;
		}
	}
}

/* What has slept long hasn't saved anything. */
static void test_sleep_spin(void)
{
	guest_idle(2000 * MS);
	wakes++;
	test_spin();
}

static void test_hypercalls(void)
{
	for (;;) {
		denali_hypercall3(UNKNOWN_HC, 0, 0, 0);
		denali_hypercall3(DENALI_HC_NOP, 0, 0, 0);
		guest_doorbell(0);
	}
}

static void test_yields(void)
{
	for (;;)
		guest_yield();
}

static void take_all(void)
{
	vregs->irq_pending = 0;
	vregs->irq_enabled = 1;
}

/* An alarm as soon as there can be one, and an idle that it ends. */
static void test_timers(void)
{
	guest_upcall_set(take_all);
	vregs->irq_enabled = 1;
	for (;;) {
		guest_timer(guest_clock() + 1000);
		guest_idle(1000);
	}
}

/* Interrupts for itself: what is past is due at once, and delivered at the next entry. */
static void test_irqs(void)
{
	guest_upcall_set(take_all);
	vregs->irq_enabled = 1;
	for (;;)
		guest_timer(1);
}

/* Nearly all of a quantum, in us, and a nap before it is over: back with credit, unless the turn was over first. */
static void test_naps(void)
{
	uint64_t ns = guest_num(1) * 900, start;

	for (;;) {
		start = vregs->run_ns;
		for (uint64_t from = guest_clock(); guest_clock() - from < ns && vregs->run_ns == start;)
			work++;
		if (vregs->run_ns == start) {
			guest_idle(guest_num(1) * 10);
			wakes++;
		}
	}
}

/* Wakes up again and again, and sees how late. */
static void test_wake(void)
{
	uint64_t when;

	for (;;) {
		when = guest_clock() + 7 * MS;
		guest_idle(7 * MS);
		late += guest_clock() > when + guest_num(1) * MS;
		wakes++;
	}
}

static uint64_t guest_wall(void)
{
	return vregs->wall_base + guest_clock();
}

/* Sleeps for word 1 in us, then has word 2 in us of the CPU. */
static void test_turns(void)
{
	uint64_t nap = guest_num(1) * 1000ULL, burst = guest_num(2) * 1000ULL, from;

	for (turns_nr = 0; turns_nr < TURNS; turns_nr++) {
		from = guest_wall();
		guest_idle(nap);
		turns[turns_nr][0] = from + nap;
		turns[turns_nr][1] = guest_wall();
		for (from = guest_run_clock(); guest_run_clock() - from < burst;)
			;
	}
	guest_idle(NO_TIMEOUT);
}

GUEST_MAIN({ "spin", test_spin }, { "count", test_count }, { "sleep-spin", test_sleep_spin },
	   { "hypercalls", test_hypercalls }, { "yields", test_yields }, { "timers", test_timers },
	   { "irqs", test_irqs }, { "naps", test_naps }, { "wake", test_wake }, { "turns", test_turns })
