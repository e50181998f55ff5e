// SPDX-License-Identifier: MIT
/* A template's point where the program wants it. Linked in with programs that do. */
#include <errno.h>
#include <denali-os/template.h>

#include "core.h"

int denali_template(void)
{
	return denali_net_used && denali_net_used() ? EBUSY : denali_freeze();
}
