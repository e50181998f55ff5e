/* SPDX-License-Identifier: MIT */
/*
 * libos CPU exceptions. Nothing is registered at start: the host then ends the
 * VM and reports registers and address. A handler runs on a small stack of its
 * own with interrupts disabled; it may change the registers and return, or leave
 * by denali_panic(). It can't sleep and a fault inside it ends the VM.
 */
#ifndef DENALI_OS_EXCEPTION_H
#define DENALI_OS_EXCEPTION_H

#include <stdint.h>

#define DENALI_EXCEPTIONS	32

struct denali_exception {
	uint32_t edi, esi, ebp, unused, ebx, edx, ecx, eax;	/* as PUSHA leaves them */
	uint32_t vector;	/* x86 vector */
	uint32_t error;		/* error code or 0 */
	uint32_t addr;		/* address of a page fault */
	uint32_t eip, esp, eflags;
};

/** Return: 0: go on with the registers in @exc; else the VM ends with a report. */
typedef int (*denali_exception_fn)(struct denali_exception *exc, void *arg);

/** denali_exception_register() - handle a vector; @fn NULL: no longer. Return: 0, EINVAL. */
int denali_exception_register(unsigned int vector, denali_exception_fn fn, void *arg);

#endif /* DENALI_OS_EXCEPTION_H */
