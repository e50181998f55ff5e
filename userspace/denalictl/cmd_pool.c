// SPDX-License-Identifier: GPL-2.0
/*
 * pool: the memory that VMs are made of.
 */
#include <unistd.h>

#include "ctl.h"

static int pool_show(int dev)
{
	struct json_object *obj;
	struct denali_error err;
	struct denali_info info;

	if (denali_dev_info(dev, &info, &err))
		return ctl_fail(&err);
	obj = json_object_new_object();
	ctl_add_uint(obj, "pool_bytes", info.pool_bytes);
	ctl_add_uint(obj, "free_bytes", info.pool_free);
	ctl_add_uint(obj, "dirty_bytes", info.pool_dirty);
	ctl_add_uint(obj, "used_bytes", info.pool_bytes - info.pool_free);
	return ctl_print(obj);
}

int ctl_cmd_pool(struct ctl_words *words)
{
	static const char * const verbs[] = { "show", "set", NULL };
	const char *word = ctl_next(words);
	struct denali_error err;
	uint64_t bytes = 0;
	bool set = false;
	int dev, ret;

	if (word)
		set = ctl_keyword(word, verbs, "verb");
	if (set && denali_size_parse(ctl_need(words, "SIZE"), &bytes, &err))
		ctl_usage_error(&err);
	ctl_end(words);

	dev = denali_dev_open(&err);
	if (dev < 0)
		return ctl_fail(&err);
	if (set && denali_dev_pool_set(dev, bytes, NULL, &err))
		ret = ctl_fail(&err);
	else
		ret = pool_show(dev);
	close(dev);
	return ret;
}
