// SPDX-License-Identifier: GPL-2.0
/*
 * kill: ends VMs. Persistent ones stay in the list, with their state.
 */
#include "ctl.h"

int ctl_cmd_kill(struct ctl_words *words)
{
	return ctl_each(words, denali_vm_kill);
}
