// SPDX-License-Identifier: GPL-2.0
/* Every hypercall with good and bad arguments. */
#include "guest.h"

extern char _end[];

static int32_t call(uint32_t nr, uint32_t b, uint32_t c, uint32_t d)
{
	return denali_hypercall3(nr, b, c, d);
}

static uint32_t mem_size(void)
{
	return vregs->mem_size;
}

static void test_nop(void)
{
	unsigned int i;

	for (i = 0; i < 10000; i++)
		CHECK(call(DENALI_HC_NOP, i, ~i, 5) == 0);
}

static void test_yield(void)
{
	unsigned int i;

	for (i = 0; i < 100; i++)
		CHECK(guest_yield() == 0);
}

/* Numbers that aren't there, also those that a sign or a wrap could turn into one that is. */
static void test_unknown(void)
{
	static const uint32_t nr[] = { 99, 0x7fffffff, 0x80000000, 0x80000004, 0xffffffff,
		0x00010000, 0x00010004, 0x10000004, 0xfffffff6, 256, 65536 };
	unsigned int i;

	for (i = DENALI_HC_NR; i < DENALI_HC_NR + 300; i++)
		CHECK(call(i, 0, 0, 0) == -DENALI_ENOSYS);
	for (i = 0; i < ARRAY_SIZE(nr); i++)
		CHECK(call(nr[i], 7, 0, 0) == -DENALI_ENOSYS);
}

/*
 * A hypercall with all registers loaded: in[] and out[] are EBX, ECX, EDX, ESI,
 * EDI, EBP, EFLAGS and ESP before and after it.
 */
uint32_t regs_call(uint32_t nr, uint32_t *in, uint32_t *out);

__asm__(".text\n"
	".globl regs_call\n"
	"regs_call:\n"
	"	pushal\n"
	"	movl	36(%esp), %eax\n"
	"	movl	40(%esp), %esi\n"
	"	pushl	24(%esi)\n"
	"	popfl\n"
	"	pushfl\n"
	"	popl	24(%esi)\n"
	"	movl	%esp, 28(%esi)\n"
	"	movl	0(%esi), %ebx\n"
	"	movl	4(%esi), %ecx\n"
	"	movl	8(%esi), %edx\n"
	"	movl	16(%esi), %edi\n"
	"	movl	20(%esi), %ebp\n"
	"	movl	12(%esi), %esi\n"
	"	int	$" STR(DENALI_HC_VECTOR) "\n"
	"	pushfl\n"
	"	pushl	%esi\n"
	"	movl	52(%esp), %esi\n"
	"	movl	%ebx, 0(%esi)\n"
	"	movl	%ecx, 4(%esi)\n"
	"	movl	%edx, 8(%esi)\n"
	"	popl	12(%esi)\n"
	"	movl	%edi, 16(%esi)\n"
	"	movl	%ebp, 20(%esi)\n"
	"	popl	24(%esi)\n"
	"	movl	%esp, 28(%esi)\n"
	"	cld\n"
	"	movl	%eax, 28(%esp)\n"
	"	popal\n"
	"	ret\n");

/* A hypercall leaves every register but EAX as it was, and the flags. */
static void regs_of(uint32_t nr, uint32_t b, uint32_t c, uint32_t d)
{
	static const uint32_t flags[] = { 0x202, 0xad7, 0x6c6, 0x2d7 };
	uint32_t in[8] = { b, c, d, 0x51515151, 0xd1d1d1d1, 0xb9b9b9b9 };
	uint32_t out[8];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		in[6] = flags[i];
		regs_call(nr, in, out);
		for (j = 0; j < ARRAY_SIZE(in); j++)
			CHECK(out[j] == in[j]);
	}
}

static void test_regs_nop(void)
{
	regs_of(DENALI_HC_NOP, 0x11111111, 0x22222222, 0x33333333);
}

static void test_regs_unknown(void)
{
	regs_of(12345, 0x11111111, 0x22222222, 0x33333333);
}

static void test_regs_yield(void)
{
	regs_of(DENALI_HC_YIELD, 0x11111111, 0x22222222, 0x33333333);
}

static void test_regs_idle(void)
{
	regs_of(DENALI_HC_IDLE, 1000, 0, 0x33333333);
}

static void test_regs_timer(void)
{
	regs_of(DENALI_HC_TIMER, 0, 0, 0x33333333);
}

static void test_regs_doorbell(void)
{
	regs_of(DENALI_HC_DOORBELL, 0, 0x22222222, 0x33333333);
}

static void test_regs_random(void)
{
	static uint8_t buf[16];

	regs_of(DENALI_HC_RANDOM, (uintptr_t)buf, sizeof(buf), 0x33333333);
}

static void test_random_good(void)
{
	static uint8_t buf[258];
	unsigned int i, zeros = 0;

	CHECK(call(DENALI_HC_RANDOM, (uintptr_t)buf + 1, 256, 0) == 0);
	CHECK(buf[0] == 0 && buf[257] == 0);
	for (i = 1; i < 257; i++)
		zeros += !buf[i];
	CHECK(zeros < 32);
	CHECK(call(DENALI_HC_RANDOM, (uintptr_t)buf, 0, 0) == 0);
}

static void test_random_differs(void)
{
	static uint32_t a[8], b[8];
	unsigned int i, same = 0;

	CHECK(call(DENALI_HC_RANDOM, (uintptr_t)a, sizeof(a), 0) == 0);
	CHECK(call(DENALI_HC_RANDOM, (uintptr_t)b, sizeof(b), 0) == 0);
	for (i = 0; i < 8; i++)
		same += a[i] == b[i];
	CHECK(same < 8);
}

static void test_random_page_edge(void)
{
	static uint8_t buf[8192] __attribute__((aligned(4096)));
	unsigned int i, zeros = 0;

	CHECK(call(DENALI_HC_RANDOM, (uintptr_t)buf + 4096 - 128, 256, 0) == 0);
	CHECK(buf[4096 - 129] == 0 && buf[4096 + 128] == 0);
	for (i = 4096 - 128; i < 4096 + 128; i++)
		zeros += !buf[i];
	CHECK(zeros < 32);
}

static void test_random_length(void)
{
	static uint8_t buf[512];
	unsigned int i;

	CHECK(call(DENALI_HC_RANDOM, (uintptr_t)buf, 257, 0) == -DENALI_EINVAL);
	CHECK(call(DENALI_HC_RANDOM, (uintptr_t)buf, 0xffffffff, 0) == -DENALI_EINVAL);
	CHECK(call(DENALI_HC_RANDOM, (uintptr_t)buf, 0x80000000, 0) == -DENALI_EINVAL);
	for (i = 0; i < sizeof(buf); i++)
		CHECK(buf[i] == 0);
}

static void test_random_bounds(void)
{
	static const uint32_t bad[] = { 0, 1, 0xfff, 0xffffffff, 0xffffff00, 0x80000000, 0xc0000000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(call(DENALI_HC_RANDOM, bad[i], 16, 0) == -DENALI_EFAULT);
	CHECK(call(DENALI_HC_RANDOM, mem_size(), 1, 0) == -DENALI_EFAULT);
	CHECK(call(DENALI_HC_RANDOM, mem_size() - 15, 16, 0) == -DENALI_EFAULT);
	CHECK(call(DENALI_HC_RANDOM, mem_size() - 16, 16, 0) == 0);
}

static struct guest_ring8 ring __attribute__((aligned(4096)));

static void test_ring_good(void)
{
	CHECK(guest_set_ring(0, DENALI_QUEUE_OUT, &ring, 0) == 0);
	CHECK(guest_set_ring(0, DENALI_QUEUE_OUT, &ring, 3) == 0);
	CHECK(guest_set_ring(0, DENALI_QUEUE_IN, &ring, 3) == 0);
	CHECK(guest_set_ring(0, DENALI_QUEUE_OUT, NULL, 0) == 0);
	CHECK(guest_set_ring(0, DENALI_QUEUE_IN, NULL, 0) == 0);
	CHECK(guest_set_ring(0, DENALI_QUEUE_IN, NULL, 0) == 0);
	CHECK(guest_doorbell(0) == 0);
}

static void test_ring_nodev(void)
{
	static const uint32_t bad[] = { 0x002, 0x0ff, 0x100, 0x101, 0x1000, 0x10000, 0x1000000,
		0xff00, 0xffffff00, 0xffffffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(call(DENALI_HC_RING, bad[i], (uintptr_t)&ring, 3) == -DENALI_ENODEV);
}

static void test_ring_align(void)
{
	unsigned int i;

	for (i = 1; i < 64; i++)
		CHECK(call(DENALI_HC_RING, 0, (uintptr_t)&ring + i, 0) == -DENALI_EINVAL);
	CHECK(call(DENALI_HC_RING, 0, (uintptr_t)&ring + 64, 0) == 0);
}

static void test_ring_order(void)
{
	static const uint32_t bad[] = { DENALI_RING_MAX_ORDER + 1, 31, 32, 33, 64, 0x80000000,
		0xffffffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(call(DENALI_HC_RING, 0, (uintptr_t)&ring, bad[i]) == -DENALI_EINVAL);
	CHECK(call(DENALI_HC_RING, 0, 0x4000, DENALI_RING_MAX_ORDER) == 0);
}

static void test_ring_fault(void)
{
	uint32_t size = sizeof(struct denali_ring) + sizeof(struct denali_desc);

	CHECK(call(DENALI_HC_RING, 0, 64, 0) == -DENALI_EFAULT);
	CHECK(call(DENALI_HC_RING, 0, 0xfc0, 0) == -DENALI_EFAULT);
	CHECK(call(DENALI_HC_RING, 0, mem_size(), 0) == -DENALI_EFAULT);
	CHECK(call(DENALI_HC_RING, 0, mem_size() - 128, 0) == -DENALI_EFAULT);
	CHECK(call(DENALI_HC_RING, 0, (mem_size() - size) & ~63U, 0) == 0);
	CHECK(call(DENALI_HC_RING, 0, mem_size() - 4096, 7) == -DENALI_EFAULT);
	CHECK(call(DENALI_HC_RING, 0, 0xffffffc0, 0) == -DENALI_EFAULT);
	CHECK(call(DENALI_HC_RING, 0, 0xffff8000, 10) == -DENALI_EFAULT);
	CHECK(call(DENALI_HC_RING, 0, 0x80000000, 0) == -DENALI_EFAULT);
}

static void test_doorbell_good(void)
{
	unsigned int i;

	for (i = 0; i < 100; i++)
		CHECK(guest_doorbell(0) == 0);
}

static void test_doorbell_nodev(void)
{
	static const uint32_t bad[] = { 1, 2, 15, 16, 17, 31, 32, 63, 64, 256, 0x10000,
		0x80000000, 0xffffffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(guest_doorbell(bad[i]) == -DENALI_ENODEV);
}

static void test_timer_result(void)
{
	CHECK(guest_timer(0) == 0);
	CHECK(guest_timer(1) == 0);
	CHECK(guest_timer(~0ULL) == 0);
	CHECK(guest_timer(1ULL << 63) == 0);
	CHECK(guest_timer(0) == 0);
}

/* The last two bytes of memory are the hypercall: there is nothing to return to. */
static void test_last_bytes(void)
{
	uint8_t *p = (uint8_t *)(uintptr_t)(mem_size() - 2);

	p[0] = 0xcd;
	p[1] = DENALI_HC_VECTOR;
	__asm__ __volatile__("jmp *%0" : : "r" (p), "a" (guest_num(1)), "b" (0), "c" (0) : "memory");
}

static void test_panic_long(void)
{
	static char text[300];
	unsigned int i;

	for (i = 0; i < sizeof(text); i++)
		text[i] = 'p';
	call(DENALI_HC_PANIC, (uintptr_t)text, sizeof(text), 0);
}

static void test_panic_address(void)
{
	call(DENALI_HC_PANIC, guest_num(1), guest_num(2), 0);
}

/* Bytes that could upset a terminal or a log. */
static void test_panic_binary(void)
{
	static const char text[] = "a\nb\033[2Jc\000d\377\200\177";

	call(DENALI_HC_PANIC, (uintptr_t)text, sizeof(text) - 1, 0);
}

static void test_exit_status(void)
{
	guest_exit(guest_num(1));
}

GUEST_MAIN({ "nop", test_nop }, { "yield", test_yield }, { "unknown", test_unknown },
	   { "regs-nop", test_regs_nop }, { "regs-unknown", test_regs_unknown },
	   { "regs-yield", test_regs_yield }, { "regs-idle", test_regs_idle },
	   { "regs-timer", test_regs_timer }, { "regs-doorbell", test_regs_doorbell },
	   { "regs-random", test_regs_random },
	   { "random-good", test_random_good }, { "random-differs", test_random_differs },
	   { "random-page-edge", test_random_page_edge }, { "random-length", test_random_length },
	   { "random-bounds", test_random_bounds },
	   { "ring-good", test_ring_good }, { "ring-nodev", test_ring_nodev },
	   { "ring-align", test_ring_align }, { "ring-order", test_ring_order },
	   { "ring-fault", test_ring_fault },
	   { "doorbell-good", test_doorbell_good }, { "doorbell-nodev", test_doorbell_nodev },
	   { "timer-result", test_timer_result }, { "last-bytes", test_last_bytes },
	   { "panic-long", test_panic_long }, { "panic-address", test_panic_address },
	   { "panic-binary", test_panic_binary }, { "exit-status", test_exit_status })
