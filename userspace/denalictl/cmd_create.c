// SPDX-License-Identifier: GPL-2.0
/*
 * create and clone: a persistent VM, loaded and equipped, started if `start` is said. The
 * kernel then holds it and its taps. Until all of it is done, everything can be
 * undone, and is if a signal comes.
 */
#include "ctl.h"

static int create(struct ctl_words *words, enum ctl_source source)
{
	struct json_object *obj;
	struct denali_error err;
	struct ctl_boot boot;
	unsigned int i;
	int signal, ret;

	ctl_boot_parse(&boot, words, source, true);
	if (ctl_boot_make(&boot, DENALI_CREATE_PERSISTENT, &err)) {
		ctl_boot_close(&boot);
		return ctl_fail(&err);
	}
	signal = ctl_signals_pending();
	if (signal) {
		ctl_boot_undo(&boot);
		return CTL_SIGNAL + signal;
	}
	if (boot.start && denali_vm_start(boot.vm, &err)) {
		ctl_boot_undo(&boot);
		return ctl_fail(&err);
	}
	for (i = 0; i < boot.nr_nics; i++) {
		ctl_nic_notes(boot.nic[i]);
		denali_nic_keep(boot.nic[i]);
	}

	obj = json_object_new_object();
	ctl_add_uint(obj, "id", denali_vm_id(boot.vm));
	ctl_add_string(obj, "name", denali_vm_name(boot.vm));
	ret = ctl_print_line(obj, "VM %s: %s, id %llu", denali_vm_name(boot.vm),
			     boot.start ? "started" : "created",
			     (unsigned long long)denali_vm_id(boot.vm));
	ctl_boot_close(&boot);
	return ret;
}

int ctl_cmd_create(struct ctl_words *words)
{
	return create(words, CTL_FROM_ANY);
}

int ctl_cmd_clone(struct ctl_words *words)
{
	return create(words, CTL_FROM_TEMPLATE);
}
