// SPDX-License-Identifier: MIT
/*
 * The moment in which a VM may become a template. Everything that the host had of this VM,
 * its rings, is gone in a clone; what is kept in memory is not.
 */
#include <denali/hypercall.h>
#include <denali-os/irq.h>

#include "console.h"
#include "core.h"

int denali_freeze(void)
{
	uint32_t flags;
	int clone;

	denali_console_lock();
	flags = denali_irq_disable();
	clone = denali_hypercall3(DENALI_HC_TEMPLATE, 0, 0, 0) == 1;
	if (clone)
		denali_console_restart();
	denali_irq_restore(flags);
	denali_console_unlock();
	/* NICs are the clone's own: so nothing is started before this moment. */
	if (denali_net_auto)
		denali_net_auto();
	return clone;
}
