// SPDX-License-Identifier: GPL-2.0
/*
 * version: of this tool, the library and, if it is loaded, the module.
 */
#include <unistd.h>

#include <denali/hypercall.h>

#include "ctl.h"

int ctl_cmd_version(struct ctl_words *words)
{
	struct json_object *obj = json_object_new_object();
	struct denali_info info;
	int dev;

	ctl_end(words);
	ctl_add_string(obj, "denalictl", DENALI_VERSION);
	ctl_add_string(obj, "libdenali", denali_lib_version());
	ctl_add_uint(obj, "interface", DENALI_UAPI_VERSION);
	ctl_add_uint(obj, "guest_abi", DENALI_ABI_VERSION);

	dev = denali_dev_open(NULL);
	if (dev >= 0 && !denali_dev_info(dev, &info, NULL)) {
		ctl_add_string(obj, "module", info.version);
		ctl_add_uint(obj, "module_interface", info.uapi_version);
		ctl_add_uint(obj, "module_guest_abi", info.abi_version);
		ctl_add_string(obj, "scheduler", info.scheduler);
	}
	if (dev >= 0)
		close(dev);
	return ctl_print(obj);
}
