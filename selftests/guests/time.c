// SPDX-License-Identifier: GPL-2.0
/*
 * Clock, timer, idle and upcalls, measured by the guest's own clock: nothing may
 * happen early. How late it happens is not the guest's business on a busy host.
 */
#include "guest.h"

GUEST_UPCALL_ENTRY;

volatile uint64_t wall;
volatile uint32_t upcalls;
volatile uint32_t irqs_seen;

/* The usual handler: count, take all bits, and let the next upcall come. */
static void handler_count(void)
{
	CHECK(vregs->irq_enabled == 0);
	irqs_seen |= __atomic_exchange_n(&vregs->irq_pending, 0, __ATOMIC_SEQ_CST);
	upcalls++;
}

static void handler_count_enable(void)
{
	handler_count();
	vregs->irq_enabled = 1;
}

static void test_clock_monotonic(void)
{
	uint64_t last = guest_clock(), now;
	unsigned int i;

	for (i = 0; i < 200000; i++) {
		now = guest_clock();
		CHECK(now >= last);
		last = now;
	}
}

static void test_clock_idle(void)
{
	uint64_t last = guest_clock(), now;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		guest_idle(MS / 10);
		now = guest_clock();
		CHECK(now > last);
		last = now;
		guest_yield();
		now = guest_clock();
		CHECK(now >= last);
		last = now;
	}
}

/* It runs at all, and begins with the VM. */
static void test_clock_starts(void)
{
	uint64_t t = guest_clock();

	CHECK(t < 3600ULL * 1000 * MS);
	while (guest_clock() - t < 5 * MS)
		;
}

/* The very first reading is of a moment after the start, not before it. */
static void test_clock_first(void)
{
	CHECK(guest_clock() < 3600ULL * 1000 * MS);
}

static void test_clock_seq(void)
{
	uint32_t seq = vregs->clock_seq;
	unsigned int i;

	/* Renewed whenever the VM is scheduled in. */
	for (i = 0; i < 1000 && vregs->clock_seq == seq; i++)
		guest_idle(MS);
	CHECK(vregs->clock_seq != seq);
}

static void test_wall(void)
{
	wall = vregs->wall_base + guest_clock();
}

/* What the host looks at all the time; odd while it changes. */
volatile struct {
	uint32_t seq;
	uint64_t mono, wall;
} times __attribute__((aligned(32)));

static void test_times(void)
{
	for (;;) {
		uint64_t now = guest_clock();

		times.seq++;
		times.mono = now;
		times.wall = vregs->wall_base + now;
		times.seq++;
	}
}

static void test_timer(void)
{
	uint64_t when;
	unsigned int i;

	for (i = 0; i < 50; i++) {
		when = guest_clock() + (1 + i % 5) * MS;
		guest_timer(when);
		CHECK(guest_idle(NO_TIMEOUT) == 0);
		CHECK(guest_clock() >= when);
		CHECK(guest_irq_take(DENALI_IRQ_TIMER));
	}
}

/* The timer fires while the guest runs, too. */
static void test_timer_running(void)
{
	uint64_t when;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		when = guest_clock() + 2 * MS;
		guest_timer(when);
		while (!guest_irq_is_pending(DENALI_IRQ_TIMER))
			;
		CHECK(guest_clock() >= when);
		guest_irq_take(DENALI_IRQ_TIMER);
	}
}

static void test_timer_once(void)
{
	guest_timer(guest_clock() + MS);
	CHECK(guest_idle(NO_TIMEOUT) == 0);
	CHECK(guest_irq_take(DENALI_IRQ_TIMER));
	CHECK(guest_idle(20 * MS) == 1);
	CHECK(!guest_irq_is_pending(DENALI_IRQ_TIMER));
}

static void test_timer_past(void)
{
	while (guest_clock() < 2 * MS)
		;
	guest_timer(MS);
	CHECK(guest_idle(NO_TIMEOUT) == 0);
	CHECK(guest_irq_take(DENALI_IRQ_TIMER));
}

static void test_timer_disarm(void)
{
	guest_timer(guest_clock() + 20 * MS);
	guest_timer(0);
	CHECK(guest_idle(60 * MS) == 1);
	CHECK(!guest_irq_is_pending(DENALI_IRQ_TIMER));
}

/* The last time set is the one that counts, earlier or later. */
static void test_timer_replace(void)
{
	uint64_t when;

	guest_timer(guest_clock() + 3600ULL * 1000 * MS);
	when = guest_clock() + 2 * MS;
	guest_timer(when);
	CHECK(guest_idle(NO_TIMEOUT) == 0);
	CHECK(guest_clock() >= when);
	CHECK(guest_irq_take(DENALI_IRQ_TIMER));

	guest_timer(guest_clock() + 50 * MS);
	when = guest_clock() + 100 * MS;
	guest_timer(when);
	CHECK(guest_idle(NO_TIMEOUT) == 0);
	CHECK(guest_clock() >= when);
}

/* A time so far off that it overflows when a host adds to it never comes. */
static void test_timer_never(void)
{
	guest_timer(~0ULL);
	CHECK(guest_idle(10 * MS) == 1);
	guest_timer(~0ULL >> 1);
	CHECK(guest_idle(10 * MS) == 1);
	CHECK(!guest_irq_is_pending(DENALI_IRQ_TIMER));
}

/* Sooner or later than the end of a turn, or with turns given up in between, never too early. */
static void test_run_timer(void)
{
	uint64_t when;
	unsigned int i;

	for (i = 0; i < 50; i++) {
		when = guest_run_clock() + (i % 2 ? MS / 50 : MS / 4 << i % 8);
		CHECK(guest_run_timer(when) == 0);
		while (!guest_irq_is_pending(DENALI_IRQ_RUN_TIMER))
			if (i % 2)
				guest_yield();
		CHECK(guest_run_clock() >= when);
		guest_irq_take(DENALI_IRQ_RUN_TIMER);
	}
}

/* Virtual time stands still, and doesn't end an idle; the other alarm does. */
static void test_run_timer_idle(void)
{
	uint64_t when = guest_run_clock() + 200 * MS;
	unsigned int i;

	guest_run_timer(when);
	for (i = 0; i < 20; i++) {
		guest_timer(guest_clock() + 20 * MS);
		CHECK(guest_idle(NO_TIMEOUT) == 0);
		CHECK(guest_irq_take(DENALI_IRQ_TIMER));
		if (guest_irq_is_pending(DENALI_IRQ_RUN_TIMER))
			break;
	}
	CHECK(guest_irq_is_pending(DENALI_IRQ_RUN_TIMER) == (guest_run_clock() >= when));
	while (!guest_irq_is_pending(DENALI_IRQ_RUN_TIMER))
		;
	CHECK(guest_run_clock() >= when);
}

/* An alarm that is due at about the time of an idle wakes it, or it was due after. */
static void test_run_timer_about_idle(void)
{
	unsigned int i;

	for (i = 0; i < 300; i++) {
		guest_run_timer(guest_run_clock() + i * (MS / 1000));
		if (guest_idle(20 * MS) == 0)
			CHECK(guest_irq_is_pending(DENALI_IRQ_RUN_TIMER));
		else if (guest_irq_is_pending(DENALI_IRQ_RUN_TIMER))
			CHECK(guest_idle(NO_TIMEOUT) == 0);
		guest_run_timer(0);
		guest_irq_take(DENALI_IRQ_RUN_TIMER);
	}
}

static void test_run_timer_past(void)
{
	while (guest_run_clock() < 2 * MS)
		;
	guest_run_timer(MS);
	CHECK(guest_idle(NO_TIMEOUT) == 0);
	CHECK(guest_irq_take(DENALI_IRQ_RUN_TIMER));
}

/* Disarmed, replaced by a later one, or so far off that a host's sum overflows. */
static void test_run_timer_disarm(void)
{
	static const uint64_t never[] = { 0, ~0ULL, ~0ULL - 1, 1ULL << 63, 3600ULL * 1000 * MS };
	uint64_t when, end;
	unsigned int i;

	for (i = 0; i < 5; i++) {
		do {
			guest_irq_take(DENALI_IRQ_RUN_TIMER);
			when = guest_run_clock() + 5 * MS;
			guest_run_timer(when);
			guest_run_timer(never[i]);
			/* A slow host may have taken that long between the two. */
		} while (guest_run_clock() >= when);
		end = guest_run_clock() + 30 * MS;
		while (guest_run_clock() < end)
			;
		CHECK(!guest_irq_is_pending(DENALI_IRQ_RUN_TIMER));
	}
}

static void test_run_timer_upcall(void)
{
	uint64_t when;
	unsigned int i;

	guest_upcall_set(handler_count_enable);
	vregs->irq_enabled = 1;
	for (i = 1; i <= 20; i++) {
		when = guest_run_clock() + MS / 2;
		guest_run_timer(when);
		while (upcalls < i)
			;
		CHECK(guest_run_clock() >= when);
		CHECK(upcalls == i);
	}
	CHECK(irqs_seen == 1U << DENALI_IRQ_RUN_TIMER);
}

static void test_idle_timeout(void)
{
	uint64_t start, ns;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		ns = (1 + i % 7) * MS;
		start = guest_clock();
		CHECK(guest_idle(ns) == 1);
		CHECK(guest_clock() - start >= ns);
	}
}

static void test_idle_zero(void)
{
	unsigned int i;

	for (i = 0; i < 100; i++)
		CHECK(guest_idle(0) == 1);
}

/* All ones is no timeout; one less must not wrap to one that is past. */
static void test_idle_long(void)
{
	uint64_t when = guest_clock() + 5 * MS;

	guest_timer(when);
	CHECK(guest_idle(NO_TIMEOUT - 1) == 0);
	CHECK(guest_clock() >= when);
	CHECK(guest_irq_take(DENALI_IRQ_TIMER));
	when = guest_clock() + 5 * MS;
	guest_timer(when);
	CHECK(guest_idle(1ULL << 63) == 0);
	CHECK(guest_clock() >= when);
}

static void test_idle_pending(void)
{
	guest_timer(1);
	CHECK(guest_idle(NO_TIMEOUT) == 0);
	/* Not taken yet: it stays pending, so idle returns at once again. */
	CHECK(guest_idle(NO_TIMEOUT) == 0);
	CHECK(guest_idle(0) == 0);
	CHECK(guest_irq_take(DENALI_IRQ_TIMER));
	CHECK(guest_idle(MS) == 1);
}

static void test_idle_masked(void)
{
	uint64_t start = guest_clock();

	vregs->irq_mask = 1U << DENALI_IRQ_TIMER;
	guest_timer(start + MS);
	CHECK(guest_idle(30 * MS) == 1);
	CHECK(guest_clock() - start >= 30 * MS);
	/* Masked, not lost. */
	CHECK(guest_irq_is_pending(DENALI_IRQ_TIMER));
	vregs->irq_mask = 0;
	CHECK(guest_idle(NO_TIMEOUT) == 0);
}

static void test_idle_disabled(void)
{
	guest_upcall_set(handler_count);
	vregs->irq_enabled = 0;
	guest_timer(guest_clock() + MS);
	CHECK(guest_idle(NO_TIMEOUT) == 0);
	CHECK(upcalls == 0);
	CHECK(guest_irq_is_pending(DENALI_IRQ_TIMER));
}

/*
 * With interrupts enabled the upcall may come before the idle, which then has
 * nothing to wait for: try until it came during it.
 */
static void test_idle_enabled(void)
{
	unsigned int i;
	int32_t ret;

	guest_upcall_set(handler_count);
	for (i = 0; i < 50; i++) {
		upcalls = 0;
		vregs->irq_enabled = 1;
		guest_timer(guest_clock() + 5 * MS);
		ret = guest_idle(100 * MS);
		while (!upcalls)
			guest_yield();
		CHECK(upcalls == 1);
		CHECK(irqs_seen == 1U << DENALI_IRQ_TIMER);
		if (ret == 0)
			return;
	}
	CHECK(ret == 0);
}

static void test_upcall(void)
{
	guest_upcall_set(handler_count);
	vregs->irq_enabled = 1;
	guest_timer(guest_clock() + 2 * MS);
	while (!upcalls)
		;
	CHECK(irqs_seen == 1U << DENALI_IRQ_TIMER);
	CHECK(vregs->irq_enabled == 0);
}

static void test_upcall_again(void)
{
	unsigned int i;

	guest_upcall_set(handler_count_enable);
	vregs->irq_enabled = 1;
	for (i = 1; i <= 50; i++) {
		guest_timer(guest_clock() + MS / 2);
		while (upcalls < i)
			;
		CHECK(upcalls == i);
	}
}

/* Several pending bits are one upcall. */
static void test_upcall_batch(void)
{
	unsigned int i;

	guest_upcall_set(handler_count_enable);
	__atomic_or_fetch(&vregs->irq_pending, 1U << DENALI_IRQ_PORT0 | 1U << 9 | 1U << 23, __ATOMIC_SEQ_CST);
	guest_timer(1);
	guest_yield();
	CHECK(upcalls == 0);
	vregs->irq_enabled = 1;
	for (i = 0; i < 100; i++)
		guest_yield();
	CHECK(upcalls == 1);
	CHECK(irqs_seen == (1U << DENALI_IRQ_TIMER | 1U << DENALI_IRQ_PORT0 | 1U << 9 | 1U << 23));
}

static void test_upcall_disabled(void)
{
	unsigned int i;

	guest_upcall_set(handler_count);
	guest_timer(1);
	for (i = 0; i < 100; i++) {
		guest_yield();
		guest_idle(0);
	}
	CHECK(upcalls == 0);
}

static void test_upcall_masked(void)
{
	unsigned int i;

	guest_upcall_set(handler_count_enable);
	vregs->irq_mask = 1U << DENALI_IRQ_TIMER;
	vregs->irq_enabled = 1;
	guest_timer(1);
	for (i = 0; i < 100; i++)
		guest_yield();
	CHECK(upcalls == 0);
	CHECK(guest_irq_is_pending(DENALI_IRQ_TIMER));
	vregs->irq_mask = 0;
	while (!upcalls)
		guest_yield();
	CHECK(upcalls == 1);
}

/* Without a handler interrupts stay pending, enabled or not. */
static void test_upcall_none(void)
{
	unsigned int i;

	vregs->irq_enabled = 1;
	guest_timer(1);
	for (i = 0; i < 100; i++)
		guest_yield();
	CHECK(guest_irq_is_pending(DENALI_IRQ_TIMER));
}

/* A handler that leaves the bit pending and enables gets the upcall again. */
static void handler_keep(void)
{
	if (++upcalls == 5)
		vregs->irq_pending = 0;
	vregs->irq_enabled = 1;
}

static void test_upcall_level(void)
{
	guest_upcall_set(handler_keep);
	guest_timer(1);
	vregs->irq_enabled = 1;
	while (upcalls < 5)
		guest_yield();
	guest_yield();
	CHECK(upcalls == 5);
}

/* Registers and arithmetic flags survive upcalls at any place. */
uint32_t regs_loop(volatile uint32_t *count, uint32_t until);

__asm__(".text\n"
	".globl regs_loop\n"
	"regs_loop:\n"
	"	pushal\n"
	"	movl	36(%esp), %esi\n"
	"	movl	40(%esp), %edi\n"
	"	movl	$0x0b0b0b0b, %ebx\n"
	"	movl	$0x0c0c0c0c, %ecx\n"
	"	movl	$0x0d0d0d0d, %edx\n"
	"	movl	$0x05050505, %ebp\n"
	"1:	movl	$0x7fffffff, %eax\n"
	"	incl	%eax\n"			/* OF, SF set, ZF clear */
	"	jno	2f\n"
	"	jns	2f\n"
	"	jz	2f\n"
	"	cmpl	$0x80000000, %eax\n"
	"	jne	2f\n"
	"	cmpl	$0x0b0b0b0b, %ebx\n"
	"	jne	2f\n"
	"	cmpl	$0x0c0c0c0c, %ecx\n"
	"	jne	2f\n"
	"	cmpl	$0x0d0d0d0d, %edx\n"
	"	jne	2f\n"
	"	cmpl	$0x05050505, %ebp\n"
	"	jne	2f\n"
	"	cmpl	40(%esp), %edi\n"
	"	jne	2f\n"
	"	cmpl	%edi, (%esi)\n"
	"	jb	1b\n"
	"	movl	$0, 28(%esp)\n"
	"	popal\n"
	"	ret\n"
	"2:	movl	$1, 28(%esp)\n"
	"	popal\n"
	"	ret\n");

static void handler_rearm(void)
{
	handler_count();
	guest_timer(guest_clock() + MS / 5);
	vregs->irq_enabled = 1;
}

static void test_upcall_regs(void)
{
	guest_upcall_set(handler_rearm);
	vregs->irq_enabled = 1;
	guest_timer(1);
	CHECK(regs_loop(&upcalls, 100) == 0);
}

/*
 * TF, DF, NT and AC are clear in the handler and as they were in its frame. (TF can't be
 * set while the main program waits; the hostile tests have it.)
 */
uint32_t flags_in_handler, flags_in_frame, eip_in_frame;
extern char flags_upcall[], flags_wait[], flags_done[];
void flags_run(uint32_t flags);

__asm__(".text\n"
	".globl flags_upcall\n"
	"flags_upcall:\n"
	"	pushl	%eax\n"
	"	pushfl\n"
	"	popl	flags_in_handler\n"
	"	movl	4(%esp), %eax\n"
	"	movl	%eax, flags_in_frame\n"
	"	movl	8(%esp), %eax\n"
	"	movl	%eax, eip_in_frame\n"
	"	movl	$flags_done, 8(%esp)\n"
	"	popl	%eax\n"
	"	popfl\n"
	"	ret\n"
	".globl flags_run\n"
	"flags_run:\n"
	"	pushl	4(%esp)\n"
	"	popfl\n"
	"	movl	$1, " STR(DENALI_VREGS_ADDR) " + " STR(DENALI_VREG_IRQ_ENABLED) "\n"
	"flags_wait:\n"
	"	jmp	flags_wait\n"
	"flags_done:\n"
	"	pushl	$0x202\n"
	"	popfl\n"
	"	ret\n");

static void test_upcall_flags(void)
{
	uint32_t flags = 1U << 10 | 1U << 14 | 1U << 18 | 0x8d5;

	vregs->upcall_entry = (uintptr_t)flags_upcall;
	guest_timer(guest_clock() + 2 * MS);
	flags_run(flags);
	CHECK((flags_in_frame & flags) == flags);
	CHECK((flags_in_handler & (1U << 8 | 1U << 10 | 1U << 14 | 1U << 18)) == 0);
	CHECK(eip_in_frame == (uintptr_t)flags_wait);
}

/* The frame is where it should be: nothing above ESP is touched. */
uint32_t stack_probe(volatile uint32_t *count);

__asm__(".text\n"
	".globl stack_probe\n"
	"stack_probe:\n"
	"	movl	4(%esp), %eax\n"
	"	pushl	$0x1eadbeef\n"
	"	pushl	$0x2eadbeef\n"
	"1:	cmpl	$0, (%eax)\n"
	"	je	1b\n"
	"	xorl	%eax, %eax\n"
	"	cmpl	$0x2eadbeef, (%esp)\n"
	"	setne	%al\n"
	"	cmpl	$0x1eadbeef, 4(%esp)\n"
	"	setne	%ah\n"
	"	addl	$8, %esp\n"
	"	ret\n");

static void test_upcall_stack(void)
{
	guest_upcall_set(handler_count);
	vregs->irq_enabled = 1;
	guest_timer(guest_clock() + 2 * MS);
	CHECK(stack_probe(&upcalls) == 0);
}

/* The host raises the console's bit when input is there. The test writes it. */
static struct guest_ring8 in;
static uint8_t in_buf[16];

static void test_port_irq(void)
{
	guest_upcall_set(handler_count);
	vregs->irq_enabled = 1;
	CHECK(guest_set_ring(0, DENALI_QUEUE_IN, &in, 3) == 0);
	in.desc[0].addr = (uintptr_t)in_buf;
	in.desc[0].len = sizeof(in_buf);
	in.ring.rsp_event = 1;
	*(volatile uint32_t *)&in.ring.req_prod = 1;
	CHECK(guest_doorbell(0) == 0);
	while (!upcalls)
		guest_idle(NO_TIMEOUT);
	CHECK(irqs_seen == 1U << DENALI_IRQ_PORT0);
	CHECK(*(volatile uint32_t *)&in.ring.rsp_prod == 1);
	CHECK(in_buf[0] == '!');
}

GUEST_MAIN({ "clock-monotonic", test_clock_monotonic }, { "clock-idle", test_clock_idle },
	   { "clock-starts", test_clock_starts }, { "clock-seq", test_clock_seq }, { "clock-first", test_clock_first },
	   { "wall", test_wall }, { "times", test_times }, { "timer", test_timer },
	   { "timer-running", test_timer_running },
	   { "timer-once", test_timer_once }, { "timer-past", test_timer_past },
	   { "timer-disarm", test_timer_disarm }, { "timer-replace", test_timer_replace },
	   { "timer-never", test_timer_never },
	   { "run-timer", test_run_timer }, { "run-timer-idle", test_run_timer_idle },
	   { "run-timer-about-idle", test_run_timer_about_idle },
	   { "run-timer-past", test_run_timer_past },
	   { "run-timer-disarm", test_run_timer_disarm },
	   { "run-timer-upcall", test_run_timer_upcall },
	   { "idle-timeout", test_idle_timeout }, { "idle-zero", test_idle_zero },
	   { "idle-long", test_idle_long }, { "idle-pending", test_idle_pending },
	   { "idle-masked", test_idle_masked }, { "idle-disabled", test_idle_disabled },
	   { "idle-enabled", test_idle_enabled }, { "upcall", test_upcall },
	   { "upcall-again", test_upcall_again }, { "upcall-batch", test_upcall_batch },
	   { "upcall-disabled", test_upcall_disabled }, { "upcall-masked", test_upcall_masked },
	   { "upcall-none", test_upcall_none }, { "upcall-level", test_upcall_level },
	   { "upcall-regs", test_upcall_regs }, { "upcall-flags", test_upcall_flags },
	   { "upcall-stack", test_upcall_stack }, { "port-irq", test_port_irq })
