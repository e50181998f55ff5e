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
		{ "reason", "REASON" },
		{ "mem_bytes", "MEMORY" },
		{ "run_ns", "CPU TIME" },
		{ "taps", "TAPS" },
		{ NULL, NULL }
	};
	struct json_object *rows;
	struct denali_vm_stats *list;
	struct denali_error err;
	struct denali_nl *nl;
	size_t count, i;
	int ret;

	ctl_end(words);
	nl = denali_nl_open(&err);
	if (!nl)
		return ctl_fail(&err);
	ret = denali_stats_list(nl, &list, &count, &err);
	denali_nl_close(nl);
	if (ret)
		return ctl_fail(&err);

	rows = json_object_new_array();
	for (i = 0; i < count; i++)
		json_object_array_add(rows, ctl_vm_object(&list[i]));
	free(list);
	return ctl_print_table(rows, columns);
}
