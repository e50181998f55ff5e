/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Denali guest ABI: the hypercall gate.
 *
 * A guest is 32-bit code in ring 3. Its segments start at its own address 0
 * and end at its memory size; address 0 of a pointer below is address 0 of the
 * guest. A hypercall is
 *
 *	int $DENALI_HC_VECTOR
 *
 * IN:  EAX = number, EBX, ECX, EDX = arguments
 * OUT: EAX = result: 0 or a positive value, or a negative DENALI_E* value.
 *      All other registers, the flags and the FPU are preserved.
 *
 * Ring-3 code of the same machine can't tell an unknown number from one that
 * was never implemented: both return -DENALI_ENOSYS.
 *
 * ABI rules: numbers, fields and bits are appended, never changed or reused.
 * DENALI_ABI_VERSION rises only when an image built for the older version
 * would misbehave; additions are announced by feature bits (vregs.h).
 */
#ifndef DENALI_HYPERCALL_H
#define DENALI_HYPERCALL_H

#define DENALI_ABI_VERSION	1

/*
 * The gate sits on a vector that x86 reserves for exceptions and no CPU
 * raises. Linux hands device interrupts vectors from 0x20 up only, so what
 * arrives here is always a guest's own INT instruction.
 */
#define DENALI_HC_VECTOR	0x1a

/** DENALI_HC_NOP: returns 0. Answered inside the switcher. */
#define DENALI_HC_NOP		0

/**
 * DENALI_HC_YIELD: give up the rest of the quantum but stay runnable.
 * OUT: 0.
 */
#define DENALI_HC_YIELD		1

/**
 * DENALI_HC_IDLE: sleep until an unmasked interrupt is pending or time is up.
 * IN:  EBX, ECX = timeout in ns, low and high word; all ones: no timeout.
 * OUT: 0 woken by an interrupt (or one was pending already), 1 timed out.
 *
 * The enable flag doesn't matter: a guest may idle with interrupts disabled,
 * look at irq_pending afterwards and so avoid the race between looking and
 * idling. A quantum given up here is given back as priority at wake-up.
 * (Whitaker et al., OSDI 2002, section 3.2: "idle-with-timeout".)
 */
#define DENALI_HC_IDLE		2

/**
 * DENALI_HC_TIMER: raise DENALI_IRQ_TIMER once at an absolute time.
 * IN:  EBX, ECX = guest clock in ns (vregs.h), low and high word; 0 disarms.
 * OUT: 0. A time that is past raises the interrupt at once.
 */
#define DENALI_HC_TIMER		3

/**
 * DENALI_HC_EXIT: end this VM.
 * IN:  EBX = exit status, kept and reported to the host (0..255 by custom).
 * OUT: doesn't return.
 */
#define DENALI_HC_EXIT		4

/**
 * DENALI_HC_PANIC: end this VM as failed, with a message for its report.
 * IN:  EBX = address of the text, ECX = its length (cut at 119 bytes).
 * OUT: doesn't return. A bad address still ends the VM.
 */
#define DENALI_HC_PANIC		5

/**
 * DENALI_HC_RING: tell a port where one of its rings is.
 * IN:  EBX = port << 8 | queue, ECX = address of struct denali_ring (64-byte
 *      aligned), EDX = log2 of the number of descriptors (0..DENALI_RING_MAX_ORDER).
 *      ECX = 0 takes the ring away.
 * OUT: 0, -DENALI_ENODEV (no such port or queue), -DENALI_EINVAL (alignment,
 *      order), -DENALI_EFAULT (not wholly inside memory above page 0).
 * Setting a ring resets the host's indices to 0; the guest's must be 0 too.
 */
#define DENALI_HC_RING		6

/**
 * DENALI_HC_DOORBELL: new requests are in a port's rings.
 * IN:  EBX = port.
 * OUT: 0, -DENALI_ENODEV. Responses may be there when it returns.
 */
#define DENALI_HC_DOORBELL	7

/**
 * DENALI_HC_RANDOM: random bytes from the host's generator.
 * IN:  EBX = address, ECX = length (at most 256).
 * OUT: 0, -DENALI_EINVAL, -DENALI_EFAULT.
 */
#define DENALI_HC_RANDOM	8

/**
 * DENALI_HC_EXC_RETURN: return from an exception handler to the state in the
 * virtual registers exc_eax, exc_eip, exc_esp, exc_eflags; irq_enabled is set from
 * exc_irq_enabled and exc_active cleared. All other registers stay.
 */
#define DENALI_HC_EXC_RETURN	9

/**
 * DENALI_HC_TEMPLATE: here a VM may be made a template of, for others to start from.
 * OUT: 0 nobody wanted that: go on. 1 this is a clone, another VM than the one that called.
 *
 * A VM that was created to be a template stops here for good. Each of its clones goes on
 * with a copy of its memory and registers, and with its clock; its alarms, pending interrupts
 * and virtual registers are the template's. But a clone has ports of its own, none of
 * which has a ring yet, and may have other boot arguments.
 */
#define DENALI_HC_TEMPLATE	10

/**
 * DENALI_HC_RUN_TIMER: raise DENALI_IRQ_RUN_TIMER once, when the VM has run for so long.
 * IN:  EBX, ECX = virtual time in ns (run_ns in vregs.h), low and high word; 0 disarms.
 * OUT: 0. A time that is past raises the interrupt at once.
 *
 * Beside DENALI_HC_TIMER a second alarm: virtual time stands still while the VM waits or
 * idles, so it doesn't end an idle. (A pair of alarm timers: Barham et al., SOSP 2003,
 * section 3.3.2.)
 */
#define DENALI_HC_RUN_TIMER	11

#define DENALI_HC_NR		12

/* Errors: the values of Linux's errno of the same name. */
#define DENALI_ENODEV		19
#define DENALI_EFAULT		14
#define DENALI_EINVAL		22
#define DENALI_ENOSYS		38
#define DENALI_EIO		5

#ifndef __ASSEMBLER__
#ifndef __KERNEL__
#include <stdint.h>

static inline int32_t denali_hypercall3(uint32_t nr, uint32_t b, uint32_t c, uint32_t d)
{
	int32_t ret;

	__asm__ __volatile__("int %[vec]"
			     : "=a" (ret)
			     : "0" (nr), "b" (b), "c" (c), "d" (d), [vec] "i" (DENALI_HC_VECTOR)
			     : "memory");
	return ret;
}
#endif /* !__KERNEL__ */
#endif /* !__ASSEMBLER__ */

#endif /* DENALI_HYPERCALL_H */
