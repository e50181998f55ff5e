// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the instructions that the host has put into its memory (sweep.h), one case
 * after the other: sets registers, stack and memory to known values, jumps to the
 * case, and takes the exception that ends it, be it the case's own or that of the
 * INT3 behind it. Cases may damage what is here; the host starts another VM then.
 *
 * Two properties are looked at after each case: it stayed in 32-bit code of our own
 * segment, and has no flag that ring 3 can't have.
 */
#include "guest.h"
#include "sweep.h"

#define TICK		(10 * MS)
#define FLAGS_ASKED	0x23200		/* VM, IOPL and IF: only IF is on */
#define FLAGS_RIGHT	0x200

#define result		((volatile struct sweep_result *)SWEEP_RESULT)
#define slots		((volatile struct sweep_slot *)SWEEP_SLOTS)

/* What a case starts with, in the order in which it is loaded. */
volatile struct {
	uint32_t ax, cx, dx, bx, bp, si, di, sp, ip;
} entry;

volatile uint32_t data_selector, code_selector, plain_mxcsr = 0x1f80;
static uint32_t count, last_at;
static uint64_t last_run;

extern char exc_entry[], upcall_entry[], exc_wrpkru[];
void sweep_next(uint32_t mode, uint32_t cs);
void sweep_tick(void);

/*
 * Nothing is known here but that CS can be read: the monitor leaves it alone. "dec
 * %eax; inc %eax" is "inc %rax" to a 64-bit CPU. PKRU may say no to all data, so
 * that comes first (three bytes that are made a NOP where there is no WRPKRU).
 */
__asm__(".text\n"
	".globl exc_entry, upcall_entry, exc_wrpkru\n"
	"exc_entry:\n"
	"	xorl	%eax, %eax\n"
	"	.byte	0x48, 0xff, 0xc0\n"
	"	movl	%eax, %ebp\n"
	"	xorl	%eax, %eax\n"
	"	xorl	%ecx, %ecx\n"
	"	xorl	%edx, %edx\n"
	"exc_wrpkru:\n"
	"	.byte	0x0f, 0x01, 0xef\n"
	"	movl	%cs:data_selector, %eax\n"
	"	movl	%eax, %ss\n"
	"	movl	$" STR(SWEEP_OWN_STACK) ", %esp\n"
	"	movl	%eax, %ds\n"
	"	movl	%eax, %es\n"
	"	movl	%eax, %fs\n"
	"	xorl	%eax, %eax\n"
	"	movl	%eax, %gs\n"
	"	pushl	$0x202\n"
	"	popfl\n"
	"	fninit\n"
	"	ldmxcsr	plain_mxcsr\n"
	"	pushl	%cs\n"
	"	pushl	%ebp\n"
	"	call	sweep_next\n"
	"upcall_entry:\n"
	"	pushal\n"
	"	pushl	%ds\n"
	"	pushl	%es\n"
	"	movl	%cs:data_selector, %eax\n"
	"	movl	%eax, %ds\n"
	"	movl	%eax, %es\n"
	"	call	sweep_tick\n"
	"	popl	%es\n"
	"	popl	%ds\n"
	"	popal\n"
	"	popfl\n"
	"	ret\n");

static const uint32_t places[] = SWEEP_POSITIONS;

/* A case may have written over one of them; what is left then is for the host to find. */
static void check_position(void)
{
	unsigned int i;

	for (i = 1; i < ARRAY_SIZE(places); i++)
		if (*(volatile uint32_t *)places[i] != result->at)
			guest_exit(SWEEP_DAMAGED);
}

static void set_position(uint32_t at)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		*(volatile uint32_t *)places[i] = at;
}

/* The timer: has it come twice in one case, and did we run meanwhile? */
void sweep_tick(void)
{
	uint64_t run = vregs->run_ns;

	vregs->irq_pending = 0;
	guest_timer(guest_clock() + TICK);
	if (result->at != last_at) {
		last_at = result->at;
		last_run = run;
	} else if (run - last_run > TICK) {
		guest_exit(SWEEP_LOOPS);
	}
	vregs->irq_enabled = 1;
}

/* What registers point to, and the stack: INT3s and a selector for far transfers. */
static void prepare_memory(volatile struct sweep_slot *slot, const uint32_t *regs)
{
	uint32_t sel = slot->sel ? slot->sel : code_selector;
	volatile uint32_t *p;
	unsigned int i;

	if (slot->regs == SWEEP_POINTER) {
		for (i = 0; i < 8; i++) {
			p = (volatile uint32_t *)regs[i];
			p[0] = SWEEP_TRAPS;
			p[1] = sel;
		}
	}
	p = (volatile uint32_t *)SWEEP_STACK;
	p[0] = slot->ret ? slot->ret : SWEEP_TRAPS;
	p[1] = sel;
	p[2] = slot->flags ? slot->flags : 0x202;
	p[3] = SWEEP_STACK;
	p[4] = data_selector;
}

static __attribute__((noreturn)) void run(uint32_t n)
{
	volatile struct sweep_slot *slot = &slots[n];
	uint32_t regs[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		regs[i] = slot->regs + i * slot->step;
	prepare_memory(slot, regs);
	entry.ax = regs[0];
	entry.cx = regs[1];
	entry.dx = regs[2];
	entry.bx = regs[3];
	entry.bp = regs[5];
	entry.si = regs[6];
	entry.di = regs[7];
	entry.sp = slot->esp;
	entry.ip = (uintptr_t)slot->code;

	/* Flags that would act on the way are set by the monitor. */
	if (slot->flags) {
		vregs->exc_active = 1;
		vregs->exc_eip = entry.ip;
		vregs->exc_esp = entry.sp;
		vregs->exc_eax = entry.ax;
		vregs->exc_eflags = slot->flags;
		vregs->exc_irq_enabled = 1;
		__asm__ __volatile__("movl	entry + 4, %%ecx\n"
				     "movl	entry + 8, %%edx\n"
				     "movl	entry + 12, %%ebx\n"
				     "movl	entry + 16, %%ebp\n"
				     "movl	entry + 20, %%esi\n"
				     "movl	entry + 24, %%edi\n"
				     "movl	%0, %%eax\n"
				     "int	%1\n"
				     : : "i" (DENALI_HC_EXC_RETURN), "i" (DENALI_HC_VECTOR) : "memory");
	}
	vregs->exc_active = 0;
	vregs->irq_enabled = 1;
	__asm__ __volatile__("movl	entry, %%eax\n"
			     "movl	entry + 4, %%ecx\n"
			     "movl	entry + 8, %%edx\n"
			     "movl	entry + 12, %%ebx\n"
			     "movl	entry + 16, %%ebp\n"
			     "movl	entry + 20, %%esi\n"
			     "movl	entry + 24, %%edi\n"
			     "movl	entry + 28, %%esp\n"
			     "jmp	*entry + 32\n"
			     : : : "memory");
	__builtin_unreachable();
}

/* A case is over. */
void sweep_next(uint32_t mode, uint32_t cs)
{
	if (mode || (uint16_t)cs != code_selector)
		guest_panic("sweep: not in the guest's 32-bit segment");
	result->vectors[vregs->exc_vector % 32]++;
	if ((vregs->exc_eflags & FLAGS_ASKED) != FLAGS_RIGHT)
		guest_panic("sweep: flags that ring 3 can't have");
	check_position();
	set_position(result->at + 1);
	if (result->at >= count)
		guest_exit(SWEEP_DONE);
	run(result->at);
}

static bool have_ospke(void)
{
	uint32_t a = 7, b, c = 0, d;

	__asm__ __volatile__("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d));
	return c & (1U << 4);
}

/* "FROM COUNT" */
void denali_main(void)
{
	uint32_t from = guest_num(0);
	uint16_t ss, cs;

	count = guest_num(1);
	__asm__ __volatile__("movw %%ss, %0; movw %%cs, %1" : "=r" (ss), "=r" (cs));
	data_selector = ss;
	code_selector = cs;
	if (!have_ospke()) {
		exc_wrpkru[0] = 0x90;
		exc_wrpkru[1] = 0x90;
		exc_wrpkru[2] = 0x90;
	}
	last_at = ~0U;
	set_position(from);
	vregs->exc_stack = SWEEP_EXC_STACK;
	vregs->exc_entry = (uintptr_t)exc_entry;
	vregs->upcall_entry = (uintptr_t)upcall_entry;
	guest_timer(guest_clock() + TICK);
	run(from);
}
