// SPDX-License-Identifier: GPL-2.0
/*
 * set: how much of the CPUs a VM gets, while it runs or before.
 */
#include "ctl.h"

int ctl_cmd_set(struct ctl_words *words)
{
	const char *who = ctl_need(words, "NAME"), *word;
	struct denali_vm_share share = { 0 };
	struct json_object *obj;
	struct denali_error err;
	struct denali_vm *vm;
	int ret;

	while ((word = ctl_next(words)))
		ctl_share_keyword(words, ctl_keyword(word, ctl_share_keywords, "keyword"), &share);
	if (!share.set)
		ctl_usage("there is nothing to set");

	vm = ctl_open_one(who);
	if (!vm)
		return CTL_FAILED;
	if (denali_vm_set_share(vm, &share, &err)) {
		ret = ctl_fail(&err);
	} else {
		obj = json_object_new_object();
		ctl_add_uint(obj, "id", denali_vm_id(vm));
		ctl_add_string(obj, "name", denali_vm_name(vm));
		if (share.set & DENALI_SHARE_WEIGHT)
			ctl_add_uint(obj, "weight", share.weight);
		if (share.set & DENALI_SHARE_CAP)
			ctl_add_uint(obj, "cap", share.cap);
		if (share.set & DENALI_SHARE_CPUS)
			ctl_add_cpus(obj, "cpus", (const uint64_t *)share.cpus);
		ret = ctl_print_line(obj, NULL);
	}
	denali_vm_close(vm);
	return ret;
}
