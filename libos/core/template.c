// SPDX-License-Identifier: MIT
/* A template's point where the program wants it. Linked in with programs that do. */
#include <errno.h>
#include <stdint.h>
#include <denali-os/template.h>

#include "core.h"

/* The network's, if there is one: it has been started. */
extern const uint8_t denali_net_used __attribute__((weak));

/* See denali_start(). */
const char denali_template_by_hand = 1;

int denali_template(void)
{
	int clone;

	if (&denali_net_used && denali_net_used)
		return EBUSY;
	clone = denali_freeze();
	if (denali_net_auto)
		denali_net_auto();
	return clone;
}
