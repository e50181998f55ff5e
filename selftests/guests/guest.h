/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the bare guests share. A guest picks a test by the first word of its
 * boot arguments, and ends with EXIT 0 if the property holds, with PANIC and
 * "file:line: condition" if it doesn't: the host prints that line. Bare means
 * that nothing but the ABI headers stands below.
 */
#ifndef DENALI_SELFTESTS_GUEST_H
#define DENALI_SELFTESTS_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <denali/hypercall.h>
#include <denali/ring.h>
#include <denali/vregs.h>

#define vregs		DENALI_VREGS

#define MS		1000000ULL
#define NO_TIMEOUT	(~0ULL)
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define STR_(x)		#x
#define STR(x)		STR_(x)

/* The property of the test. */
#define CHECK(cond) do {						\
	if (!(cond))							\
		guest_panic(__FILE_NAME__ ":" STR(__LINE__) ": " #cond); \
} while (0)

struct guest_test {
	const char *name;
	void (*run)(void);
};

/* The denali_main of a guest with a table of tests. */
#define GUEST_MAIN(...)							\
static const struct guest_test guest_tests[] = { __VA_ARGS__ };		\
void denali_main(void)							\
{									\
	unsigned int i;							\
									\
	for (i = 0; i < ARRAY_SIZE(guest_tests); i++) {			\
		if (!guest_is(guest_tests[i].name))			\
			continue;					\
		guest_tests[i].run();					\
		guest_exit(0);						\
	}								\
	guest_panic("no test of this name");				\
}

void denali_main(void);

static inline __attribute__((noreturn)) void guest_exit(uint32_t status)
{
	denali_hypercall3(DENALI_HC_EXIT, status, 0, 0);
	for (;;)
		;
}

static inline uint32_t guest_strlen(const char *s)
{
	uint32_t n = 0;

	while (s[n])
		n++;
	return n;
}

static inline __attribute__((noreturn)) void guest_panic(const char *text)
{
	denali_hypercall3(DENALI_HC_PANIC, (uintptr_t)text, guest_strlen(text), 0);
	for (;;)
		;
}

static inline char *guest_cmdline(void)
{
	return (char *)DENALI_VREGS_ADDR + offsetof(struct denali_vregs, cmdline);
}

/* Is the first word of the boot arguments this one? */
static inline bool guest_is(const char *name)
{
	const char *s = guest_cmdline();

	while (*name && *s == *name) {
		s++;
		name++;
	}
	return !*name && (!*s || *s == ' ');
}

/* Word n of the boot arguments as text; "" if there are fewer. */
static inline char *guest_arg(unsigned int n)
{
	char *s = guest_cmdline();

	while (n--) {
		while (*s && *s != ' ')
			s++;
		while (*s == ' ')
			s++;
	}
	return s;
}

/* Word n as a number, decimal or 0x. */
static inline uint32_t guest_num(unsigned int n)
{
	const char *s = guest_arg(n);
	uint32_t base = 10, val = 0;

	if (s[0] == '0' && s[1] == 'x') {
		base = 16;
		s += 2;
	}
	for (; *s && *s != ' '; s++)
		val = val * base + (*s <= '9' ? *s - '0' : *s - 'a' + 10);
	return val;
}

static inline uint64_t guest_tsc(void)
{
	uint64_t tsc;

	__asm__ __volatile__("rdtsc" : "=A" (tsc));
	return tsc;
}

/* The sum of one of the clock's registers and of what has passed since the host set them. */
static inline uint64_t guest_clock_of(const volatile uint64_t *reg)
{
	uint64_t base, delta, ns;
	uint32_t seq, mul;

	do {
		seq = vregs->clock_seq;
		mul = vregs->tsc_mul;
		base = *reg;
		delta = guest_tsc() - vregs->tsc_base;
		ns = base + ((delta >> 32) * mul << (32 - DENALI_TSC_SHIFT)) +
		     (((delta & 0xffffffff) * mul) >> DENALI_TSC_SHIFT);
	} while (vregs->clock_seq != seq);
	return ns;
}

/* The guest clock in ns. */
static inline uint64_t guest_clock(void)
{
	return guest_clock_of(&vregs->time_base);
}

/* For how long the VM has run, ns. */
static inline uint64_t guest_run_clock(void)
{
	return guest_clock_of(&vregs->run_ns);
}

static inline int32_t guest_idle(uint64_t timeout)
{
	return denali_hypercall3(DENALI_HC_IDLE, timeout, timeout >> 32, 0);
}

static inline int32_t guest_timer(uint64_t when)
{
	return denali_hypercall3(DENALI_HC_TIMER, when, when >> 32, 0);
}

static inline int32_t guest_run_timer(uint64_t when)
{
	return denali_hypercall3(DENALI_HC_RUN_TIMER, when, when >> 32, 0);
}

static inline int32_t guest_yield(void)
{
	return denali_hypercall3(DENALI_HC_YIELD, 0, 0, 0);
}

static inline int32_t guest_set_ring(uint32_t port, uint32_t queue, void *ring, uint32_t order)
{
	return denali_hypercall3(DENALI_HC_RING, port << 8 | queue, (uintptr_t)ring, order);
}

static inline int32_t guest_doorbell(uint32_t port)
{
	return denali_hypercall3(DENALI_HC_DOORBELL, port, 0, 0);
}

/* Take an interrupt bit; true if it was pending. */
static inline bool guest_irq_take(uint32_t bit)
{
	bool was;

	__asm__ __volatile__("btrl %2, %1"
			     : "=@ccc" (was), "+m" (vregs->irq_pending)
			     : "r" (bit) : "memory");
	return was;
}

static inline bool guest_irq_is_pending(uint32_t bit)
{
	return vregs->irq_pending & (1U << bit);
}

/* Set up a fault handler: it runs fn() and goes on where exc_eip says then. */
extern void (*guest_exc_fn)(void);
extern char guest_exc_entry[];

#define GUEST_EXC_ENTRY						\
void (*guest_exc_fn)(void);					\
__asm__(".text\n"						\
	".globl guest_exc_entry\n"				\
	"guest_exc_entry:\n"					\
	"	pushal\n"					\
	"	cld\n"						\
	"	call	*guest_exc_fn\n"			\
	"	popal\n"					\
	"	movl	$" STR(DENALI_HC_EXC_RETURN) ", %eax\n"	\
	"	int	$" STR(DENALI_HC_VECTOR) "\n")

static inline void guest_exc_set(void (*fn)(void))
{
	static uint8_t guest_exc_stack[4096] __attribute__((aligned(16)));

	guest_exc_fn = fn;
	vregs->exc_stack = (uintptr_t)(guest_exc_stack + sizeof(guest_exc_stack));
	vregs->exc_entry = (uintptr_t)guest_exc_entry;
}

/*
 * The upcall: fn() runs with interrupts off. The frame is what POPF and RET take.
 */
extern void (*guest_upcall_fn)(void);
extern char guest_upcall_entry[];

#define GUEST_UPCALL_ENTRY					\
void (*guest_upcall_fn)(void);					\
__asm__(".text\n"						\
	".globl guest_upcall_entry\n"				\
	"guest_upcall_entry:\n"					\
	"	pushal\n"					\
	"	call	*guest_upcall_fn\n"			\
	"	popal\n"					\
	"	popfl\n"					\
	"	ret\n")

static inline void guest_upcall_set(void (*fn)(void))
{
	guest_upcall_fn = fn;
	vregs->upcall_entry = (uintptr_t)guest_upcall_entry;
}

/* Console output by one ring of 8 descriptors, each write waited for. */
struct guest_ring8 {
	struct denali_ring ring;
	struct denali_desc desc[8];
} __attribute__((aligned(64)));

static struct guest_ring8 guest_out __attribute__((unused));

static inline void guest_write(const char *text, uint32_t len)
{
	volatile struct denali_ring *ring = &guest_out.ring;
	struct denali_desc *desc;
	uint32_t prod = ring->req_prod;

	if (!prod)
		CHECK(guest_set_ring(0, DENALI_QUEUE_OUT, &guest_out, 3) == 0);
	while (len) {
		desc = &guest_out.desc[prod % 8];
		*desc = (struct denali_desc) {
			.addr = (uintptr_t)text,
			.len = len,
		};
		ring->rsp_event = prod + 1;
		ring->req_prod = ++prod;
		CHECK(guest_doorbell(0) == 0);
		while (ring->rsp_prod != prod) {
			guest_idle(NO_TIMEOUT);
			guest_irq_take(DENALI_IRQ_PORT0);
		}
		CHECK(desc->status == 0);
		CHECK(desc->len > 0 && desc->len <= len);
		text += desc->len;
		len -= desc->len;
	}
}

/* The host has no ring any more: the next write sets it anew. */
static inline void guest_out_reset(void)
{
	guest_out.ring.req_prod = 0;
}

static inline void guest_puts(const char *text)
{
	guest_write(text, guest_strlen(text));
}

#endif /* DENALI_SELFTESTS_GUEST_H */
