// SPDX-License-Identifier: GPL-2.0
/*
 * stop: takes VMs off the CPU until start.
 */
#include "ctl.h"

int ctl_cmd_stop(struct ctl_words *words)
{
	return ctl_each(words, denali_vm_stop);
}
