// SPDX-License-Identifier: GPL-2.0
/*
 * list: all VMs that the asker may see, one a line.
 */
#include <stdlib.h>

#include "ctl.h"

int ctl_cmd_list(struct ctl_words *words)
{
	static const struct ctl_column columns[] = {
		{ "id", "ID" },
		{ "name", "NAME" },
		{ "state", "STATE" },
		{ "place", "PLACE" },
		{ "reason", "REASON" },
		{ "mem_bytes", "MEMORY" },
		{ "run_ns", "CPU TIME" },
		{ "taps", "TAPS" },
		{ "switches", "SWITCHES" },
		{ NULL, NULL }
	};
	struct json_object *rows;
	struct denali_vm_stats *list;
	size_t count, i;

	ctl_end(words);
	if (ctl_list_vms(&list, &count))
		return CTL_FAILED;

	rows = json_object_new_array();
	for (i = 0; i < count; i++)
		json_object_array_add(rows, ctl_vm_object(&list[i]));
	free(list);
	return ctl_print_table(rows, columns);
}
