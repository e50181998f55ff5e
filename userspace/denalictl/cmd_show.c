// SPDX-License-Identifier: GPL-2.0
/*
 * show: VMs with all their counters and, when they have ended, how and with what
 * in their registers. Without a name, all that the asker may see.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

/* Adds the end of @vm. Another user's VM is listed but can't be opened: then without. */
static void add_end(int dev, const struct denali_vm_stats *stats, struct json_object *obj)
{
	struct denali_vm_state state;
	struct denali_vm *vm;
	char id[24];

	if (stats->state != DENALI_VM_ENDED)
		return;
	snprintf(id, sizeof(id), "%llu", (unsigned long long)stats->id);
	vm = denali_vm_open(dev, id, NULL);
	if (!vm)
		return;
	if (!denali_vm_get_state(vm, &state, NULL))
		ctl_add(obj, "end", ctl_end_object(&state));
	denali_vm_close(vm);
}

static struct json_object *show_one(int dev, const struct denali_vm_stats *stats)
{
	struct json_object *obj = ctl_vm_object(stats);

	add_end(dev, stats, obj);
	return obj;
}

static int show_all(int dev, struct denali_nl *nl, struct json_object *rows)
{
	struct denali_vm_stats *list;
	struct denali_error err;
	size_t count, i;

	if (denali_stats_list(nl, &list, &count, &err))
		return ctl_fail(&err);
	for (i = 0; i < count; i++)
		json_object_array_add(rows, show_one(dev, &list[i]));
	free(list);
	return CTL_OK;
}

static int show_named(int dev, struct denali_nl *nl, const char *who, struct json_object *rows)
{
	struct denali_vm *vm = ctl_open_vm(dev, who);
	struct denali_vm_stats stats;
	struct denali_error err;
	int ret;

	if (!vm)
		return CTL_FAILED;
	ret = denali_stats_get(nl, denali_vm_id(vm), &stats, &err);
	denali_vm_close(vm);
	if (ret)
		return ctl_fail(&err);
	json_object_array_add(rows, show_one(dev, &stats));
	return CTL_OK;
}

int ctl_cmd_show(struct ctl_words *words)
{
	const char *who = ctl_next(words);
	struct json_object *rows;
	struct denali_error err;
	int status = CTL_OK, ret;
	struct denali_nl *nl;
	int dev;

	dev = denali_dev_open(&err);
	if (dev < 0)
		return ctl_fail(&err);
	nl = denali_nl_open(&err);
	if (!nl) {
		close(dev);
		return ctl_fail(&err);
	}

	rows = json_object_new_array();
	if (!who)
		status = show_all(dev, nl, rows);
	for (; who; who = ctl_next(words))
		if (show_named(dev, nl, who, rows))
			status = CTL_FAILED;
	denali_nl_close(nl);
	close(dev);
	ret = ctl_print(rows);
	return status ? status : ret;
}
