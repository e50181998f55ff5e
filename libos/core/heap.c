// SPDX-License-Identifier: MIT
/*
 * The heap's end. From the image to the main stack it is all malloc()'s, which
 * gets more here and ENOMEM when it is used up.
 */
#include <errno.h>
#include <unistd.h>

#include "core.h"

extern char _end[];

static uintptr_t heap_brk = (uintptr_t)_end;
static uintptr_t heap_end;

void denali_heap_start(uintptr_t end)
{
	heap_end = end;
}

/* Called with malloc's lock held; disabled interrupts are for direct callers. */
void *sbrk(ptrdiff_t increment)
{
	uint32_t flags = denali_irq_disable();
	uintptr_t old = heap_brk;

	if (increment >= 0 ? (uintptr_t)increment > heap_end - old
			   : -(uintptr_t)increment > old - (uintptr_t)_end) {
		denali_irq_restore(flags);
		errno = ENOMEM;
		return (void *)-1;
	}
	heap_brk = old + increment;
	denali_irq_restore(flags);
	return (void *)old;
}
