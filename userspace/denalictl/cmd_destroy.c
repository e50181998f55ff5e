// SPDX-License-Identifier: GPL-2.0
/*
 * destroy: ends VMs and gives back their names, memory and taps.
 */
#include "ctl.h"

int ctl_cmd_destroy(struct ctl_words *words)
{
	return ctl_each(words, denali_vm_destroy);
}
