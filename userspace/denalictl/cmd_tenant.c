// SPDX-License-Identifier: GPL-2.0
/*
 * tenant: groups of VMs with CPU time and limits of their own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

static struct json_object *tenant_object(const struct denali_tenant_stats *tenant)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *runners = json_object_new_array(), *runner;
	unsigned int i;

	ctl_add_uint(obj, "id", tenant->id);
	ctl_add_string(obj, "name", tenant->name);
	if (tenant->has_uid)
		ctl_add_uint(obj, "uid", tenant->uid);
	ctl_add_uint(obj, "vms", tenant->vms);
	ctl_add_uint(obj, "max_vms", tenant->max_vms);
	ctl_add_uint(obj, "mem_bytes", tenant->mem_bytes);
	ctl_add_uint(obj, "max_mem_bytes", tenant->max_mem_bytes);
	ctl_add_uint(obj, "runnable", tenant->runnable);
	ctl_add_uint(obj, "max_runnable", tenant->max_runnable);
	ctl_add_uint(obj, "waiting", tenant->waiting);
	ctl_add_uint(obj, "run_ns", tenant->run_ns);
	ctl_add(obj, "nice", json_object_new_int(tenant->nice));
	ctl_add_cpus(obj, "cpus", tenant->cpus);
	for (i = 0; i < tenant->nr_runners; i++) {
		runner = json_object_new_object();
		ctl_add_uint(runner, "cpu", tenant->runners[i].cpu);
		ctl_add_uint(runner, "tid", tenant->runners[i].tid);
		json_object_array_add(runners, runner);
	}
	ctl_add(obj, "runners", runners);
	return obj;
}

static int list_tenants(struct denali_tenant_stats **list, size_t *count)
{
	struct denali_error err;
	struct denali_nl *nl = denali_nl_open(&err);
	int ret;

	if (!nl)
		return ctl_fail(&err);
	ret = denali_tenants_list(nl, list, count, &err);
	denali_nl_close(nl);
	return ret ? ctl_fail(&err) : CTL_OK;
}

static int tenant_list(struct ctl_words *words)
{
	static const struct ctl_column columns[] = {
		{ "id", "ID" },
		{ "name", "NAME" },
		{ "uid", "UID" },
		{ "vms", "VMS" },
		{ "max_vms", "OF" },
		{ "mem_bytes", "MEMORY" },
		{ "max_mem_bytes", "OF" },
		{ "runnable", "RUN" },
		{ "max_runnable", "OF" },
		{ "waiting", "WAIT" },
		{ "run_ns", "CPU TIME" },
		{ "nice", "NICE" },
		{ "cpus", "CPUS" },
		{ NULL, NULL }
	};
	struct denali_tenant_stats *list;
	struct json_object *rows;
	size_t count, i;

	ctl_end(words);
	if (list_tenants(&list, &count))
		return CTL_FAILED;
	rows = json_object_new_array();
	for (i = 0; i < count; i++)
		json_object_array_add(rows, tenant_object(&list[i]));
	free(list);
	return ctl_print_table(rows, columns);
}

static int tenant_show(struct ctl_words *words)
{
	struct denali_error err = { .code = ENOENT };
	const char *name = ctl_next(words);
	struct denali_tenant_stats *list;
	struct json_object *rows;
	size_t count, i;
	int found = 0;

	ctl_end(words);
	if (list_tenants(&list, &count))
		return CTL_FAILED;
	rows = json_object_new_array();
	for (i = 0; i < count; i++) {
		if (name && strcmp(list[i].name, name))
			continue;
		json_object_array_add(rows, tenant_object(&list[i]));
		found++;
	}
	free(list);
	if (found || !name)
		return ctl_print(rows);
	json_object_put(rows);
	snprintf(err.message, sizeof(err.message),
		 "tenant %s: does not exist, or belongs to another user (denalictl tenant list shows yours)",
		 name);
	return ctl_fail(&err);
}

/* A number with a sign. */
static int32_t nice_number(const char *word)
{
	char *end;
	long nice = strtol(word, &end, 10);

	if (end == word || *end || nice < -20 || nice > 19)
		ctl_usage("nice '%s': not a number from -20 to 19", word);
	return nice;
}

static void tenant_parse(struct denali_tenant_set *set, struct ctl_words *words)
{
	static const char * const keywords[] = {
		"user", "vms", "memory", "nice", "cpus", "runnable", NULL
	};
	struct denali_error err;
	const char *name, *word;
	uint32_t uid;
	int keyword;

	name = ctl_need(words, "NAME");
	if (denali_tenant_name_check(name, &err))
		ctl_usage_error(&err);
	strcpy(set->name, name);
	while ((word = ctl_next(words))) {
		keyword = ctl_keyword(word, keywords, "keyword");
		/* In the order of DENALI_TENANT_*. */
		set->set |= 1U << keyword;
		word = ctl_need(words, "a value");
		switch (keyword) {
		case 0:
			if (!strcmp(word, "none"))
				set->uid = DENALI_TENANT_NOBODY;
			else if (!ctl_user_parse(word, &uid))
				ctl_usage("user '%s': no such user", word);
			else
				set->uid = uid;
			break;
		case 1:
			set->vms = ctl_number(word, "vms", UINT32_MAX);
			break;
		case 2:
			if (denali_size_parse(word, (uint64_t *)&set->memory, &err))
				ctl_usage_error(&err);
			break;
		case 3:
			set->nice = nice_number(word);
			break;
		case 4:
			if (denali_cpus_parse(word, (uint64_t *)set->cpus, &err))
				ctl_usage_error(&err);
			break;
		default:
			set->runnable = ctl_number(word, "runnable", UINT32_MAX);
		}
	}
}

static int tenant_change(struct ctl_words *words, bool add)
{
	struct denali_tenant_set set = { .flags = add ? DENALI_TENANT_NEW : 0 };
	struct json_object *obj;
	struct denali_error err;
	int dev, ret;

	tenant_parse(&set, words);
	if (!add && !set.set)
		ctl_usage("tenant set: what to change is missing");
	dev = denali_dev_open(&err);
	if (dev < 0)
		return ctl_fail(&err);
	ret = denali_tenant_set(dev, &set, &err);
	close(dev);
	if (ret)
		return ctl_fail(&err);
	obj = json_object_new_object();
	ctl_add_string(obj, "name", set.name);
	return ctl_print_line(obj, add ? "tenant %s: made" : "tenant %s: changed", set.name);
}

static int tenant_del(struct ctl_words *words)
{
	const char *name = ctl_need(words, "NAME");
	struct denali_error err;
	int dev, ret;

	ctl_end(words);
	dev = denali_dev_open(&err);
	if (dev < 0)
		return ctl_fail(&err);
	ret = denali_tenant_del(dev, name, &err);
	close(dev);
	return ret ? ctl_fail(&err) : CTL_OK;
}

int ctl_cmd_tenant(struct ctl_words *words)
{
	static const char * const verbs[] = { "list", "show", "add", "set", "del", NULL };
	const char *verb = ctl_next(words);

	switch (verb ? ctl_keyword(verb, verbs, "verb") : 0) {
	case 1:
		return tenant_show(words);
	case 2:
		return tenant_change(words, true);
	case 3:
		return tenant_change(words, false);
	case 4:
		return tenant_del(words);
	default:
		return tenant_list(words);
	}
}
