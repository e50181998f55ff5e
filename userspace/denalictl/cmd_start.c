// SPDX-License-Identifier: GPL-2.0
/*
 * start: runs VMs that were created, or goes on with stopped ones.
 */
#include "ctl.h"

int ctl_cmd_start(struct ctl_words *words)
{
	return ctl_each(words, denali_vm_start);
}
