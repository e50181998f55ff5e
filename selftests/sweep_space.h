/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The space of instructions that sweep.c goes through, see sweep_space.c.
 */
#ifndef DENALI_SELFTESTS_SWEEP_SPACE_H
#define DENALI_SELFTESTS_SWEEP_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "guests/sweep.h"

/**
 * struct sweep_family - a part of the space
 * @name: for messages
 * @size: cases in it
 */
struct sweep_family {
	const char *name;
	uint64_t size;
	unsigned int (*make)(uint64_t i, struct sweep_slot *slot);
};

extern const struct sweep_family sweep_families[];
extern const unsigned int sweep_nr_families;

uint64_t sweep_space_size(void);
unsigned int sweep_make(const struct sweep_family *family, uint64_t i, struct sweep_slot *slot);
unsigned int sweep_make_random(uint64_t seed, uint64_t i, struct sweep_slot *slot);
bool sweep_emulator_dies(struct sweep_slot *slot);
bool sweep_emulator_has_iret(void);

#endif /* DENALI_SELFTESTS_SWEEP_SPACE_H */
