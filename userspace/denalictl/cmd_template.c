// SPDX-License-Identifier: GPL-2.0
/*
 * template: a VM that is started and, where its program says so, stopped for good, for
 * others to be cloned from. It is there when the command returns with success, and
 * nothing of it otherwise.
 */
#include <errno.h>
#include <unistd.h>

#include "ctl.h"

/* The guest ended, and says why. */
static void ended_report(struct denali_vm *vm)
{
	struct denali_vm_state state;

	if (!denali_vm_get_state(vm, &state, NULL))
		ctl_end_report(&state);
}

int ctl_cmd_template(struct ctl_words *words)
{
	struct json_object *obj;
	struct denali_error err;
	struct ctl_boot boot;
	int fd, ret;

	ctl_boot_parse(&boot, words, CTL_FROM_IMAGE, false);
	if (boot.nr_nics)
		ctl_usage("nic: a template has none; give its clones theirs (denalictl clone)");
	if (boot.share.set)
		ctl_usage("weight, cap, cpus: a template never runs; give its clones theirs (denalictl clone)");
	if (ctl_boot_make(&boot, DENALI_CREATE_PERSISTENT | DENALI_CREATE_TEMPLATE, &err)) {
		ctl_boot_close(&boot);
		return ctl_fail(&err);
	}
	fd = ctl_signals_fd();
	ret = denali_vm_start(boot.vm, &err);
	if (!ret)
		ret = denali_vm_wait_template(boot.vm, -1, fd, &err);
	close(fd);
	if (ret) {
		if (ret == -ESHUTDOWN)
			ended_report(boot.vm);
		ctl_boot_undo(&boot);
		if (ctl_signals_pending())
			return CTL_SIGNAL + ctl_signals_pending();
		return ctl_fail(&err);
	}

	obj = json_object_new_object();
	ctl_add_uint(obj, "id", denali_vm_id(boot.vm));
	ctl_add_string(obj, "name", denali_vm_name(boot.vm));
	ret = ctl_print_line(obj, "VM %s: template, id %llu", denali_vm_name(boot.vm),
			     (unsigned long long)denali_vm_id(boot.vm));
	ctl_boot_close(&boot);
	return ret;
}
