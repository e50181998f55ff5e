// SPDX-License-Identifier: GPL-2.0
/*
 * A verb on several VMs: each is tried, one that fails doesn't spare the next.
 */
#include <unistd.h>

#include "ctl.h"

int ctl_each(struct ctl_words *words, int (*verb)(struct denali_vm *vm, struct denali_error *err))
{
	struct json_object *done = json_object_new_array();
	struct denali_vm_state state;
	const char *who = ctl_need(words, "NAME");
	struct denali_error err;
	int status = CTL_OK, ret;
	int dev = denali_dev_open(&err);

	if (dev < 0) {
		json_object_put(done);
		return ctl_fail(&err);
	}
	for (; who; who = ctl_next(words)) {
		struct denali_vm *vm = ctl_open_vm(dev, who);
		struct json_object *obj;

		if (!vm) {
			status = CTL_FAILED;
			continue;
		}
		ret = verb(vm, &err);
		if (!ret)
			ret = denali_vm_get_state(vm, &state, &err);
		if (ret) {
			status = ctl_fail(&err);
		} else {
			obj = json_object_new_object();
			ctl_add_uint(obj, "id", state.id);
			ctl_add_string(obj, "name", state.name);
			ctl_add_string(obj, "state", denali_vm_state_name(state.state));
			json_object_array_add(done, obj);
		}
		denali_vm_close(vm);
	}
	close(dev);
	ret = ctl_print_line(done, NULL);
	return status ? status : ret;
}
