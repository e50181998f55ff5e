/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the sweep guest and its host program (../sweep.c) agree on: where things lie
 * in the guest's memory, and what a case is.
 *
 *	0x002000  the guest's image, up to 0x4000
 *	0x004000  what instructions read and write: all of it INT3 at the start
 *	0x0c0000  slots: the cases of a batch, run where they lie
 *	0x0e0000  their stack, in the middle
 *	0x0f8000  INT3: where jumps go
 *	0x0fa000  struct sweep_result
 *	0x0fb000  the guest's own stacks
 *
 * A register that holds SWEEP_POINTER points to good memory, also as base and index of
 * all scales, and by its lower 16 bits.
 */
#ifndef DENALI_SELFTESTS_SWEEP_SHARED_H
#define DENALI_SELFTESTS_SWEEP_SHARED_H

#include <stdint.h>

#define SWEEP_MEM	0x100000U
#define SWEEP_POINTER	0x14000U
#define SWEEP_DATA	0x4000U
#define SWEEP_SLOTS	0xc0000U
#define SWEEP_SLOTS_MAX	2048U
#define SWEEP_STACK	0xf4000U
#define SWEEP_TRAPS	0xf8000U
#define SWEEP_RESULT	0xfa000U
#define SWEEP_EXC_STACK	0xfd000U
#define SWEEP_OWN_STACK	0xff000

/* Where the position is kept: in the results, behind the image, in the virtual registers' page. */
#define SWEEP_POSITIONS	{ SWEEP_RESULT, 0x3ff0, 0x1ff0 }

/* Exit status of a guest that got through its slots, that doesn't get on, that was damaged. */
#define SWEEP_DONE	0x5eed
#define SWEEP_LOOPS	0x5eee
#define SWEEP_DAMAGED	0x5eef

#define SWEEP_CODE	40

/**
 * struct sweep_slot - a case
 * @code:  instructions, filled up with INT3
 * @regs:  value of EAX
 * @step:  what ECX, EDX, EBX, (ESP,) EBP, ESI and EDI have more, one by one
 * @esp:   ESP; at SWEEP_STACK are the words that returns and POPs take
 * @flags: EFLAGS; 0: ordinary ones
 * @ret:   uppermost word of the stack; 0: the address of INT3s
 * @sel:   selector behind it and behind what registers point to; 0: CS
 */
struct sweep_slot {
	uint8_t code[SWEEP_CODE];
	uint32_t regs;
	uint32_t step;
	uint32_t esp;
	uint32_t flags;
	uint32_t ret;
	uint32_t sel;
};

/**
 * struct sweep_result - how far the guest is, at SWEEP_RESULT
 * @at:      slot that runs
 * @vectors: exceptions that ended cases, by vector
 */
struct sweep_result {
	uint32_t at;
	uint32_t vectors[32];
};

_Static_assert(sizeof(struct sweep_slot) == 64, "slot size");
_Static_assert(SWEEP_SLOTS + SWEEP_SLOTS_MAX * 64 <= SWEEP_STACK - 0x10000, "room for slots");

#endif /* DENALI_SELFTESTS_SWEEP_SHARED_H */
