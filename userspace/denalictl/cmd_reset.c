// SPDX-License-Identifier: GPL-2.0
/*
 * reset: makes clones what they were when they were cloned. restart: and starts them.
 */
#include "ctl.h"

int ctl_cmd_reset(struct ctl_words *words)
{
	return ctl_each(words, denali_vm_reset);
}

int ctl_cmd_restart(struct ctl_words *words)
{
	return ctl_each(words, denali_vm_restart);
}
