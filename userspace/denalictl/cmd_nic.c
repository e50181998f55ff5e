// SPDX-License-Identifier: GPL-2.0
/*
 * nic: network interfaces of VMs. A new NIC needs a VM that wasn't started yet;
 * the tap or switch behind a NIC can be taken away and replaced at any time.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <denali/ring.h>
#include <denali/vregs.h>

#include "ctl.h"

static void add_rows(struct json_object *rows, const struct denali_vm_stats *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_ports; i++) {
		struct json_object *row = json_object_new_object();
		struct json_object *port;

		if (vm->ports[i].type != DENALI_PORT_NIC) {
			json_object_put(row);
			continue;
		}
		ctl_add_uint(row, "id", vm->id);
		ctl_add_string(row, "name", vm->name);
		port = ctl_port_object(&vm->ports[i]);
		json_object_object_foreach(port, key, value)
			ctl_add(row, key, json_object_get(value));
		json_object_put(port);
		json_object_array_add(rows, row);
	}
}

static int nic_show(struct ctl_words *words)
{
	static const struct ctl_column columns[] = {
		{ "id", "ID" },
		{ "name", "NAME" },
		{ "port", "PORT" },
		{ "tap", "TAP" },
		{ "bridge", "BRIDGE" },
		{ "switch", "SWITCH" },
		{ "mac", "MAC" },
		{ "up", "UP" },
		{ "rx_packets", "RX" },
		{ "tx_packets", "TX" },
		{ "rx_drops", "RX DROPS" },
		{ "tx_drops", "TX DROPS" },
		{ NULL, NULL }
	};
	const char *who = ctl_next(words);
	struct denali_vm_stats *list;
	struct json_object *rows;
	uint64_t id = 0;
	size_t count, i;

	ctl_end(words);
	if (who) {
		struct denali_vm *vm = ctl_open_one(who);

		if (!vm)
			return CTL_FAILED;
		id = denali_vm_id(vm);
		denali_vm_close(vm);
	}
	if (ctl_list_vms(&list, &count))
		return CTL_FAILED;

	rows = json_object_new_array();
	for (i = 0; i < count; i++)
		if (!who || list[i].id == id)
			add_rows(rows, &list[i]);
	free(list);
	return ctl_print_table(rows, columns);
}

static int nic_plug(struct denali_vm *vm, const struct ctl_nic_words *words, uint32_t port)
{
	const struct denali_nic_info *info;
	const char *what, *name;
	struct json_object *obj;
	struct denali_error err;
	struct denali_nic *nic;
	int ret;

	ctl_signals_block();
	nic = ctl_nic_plug(&words->config, vm, &port, &err);
	if (!nic)
		return ctl_fail(&err);
	ctl_nic_notes(nic);
	denali_nic_keep(nic);

	info = denali_nic_get_info(nic);
	obj = json_object_new_object();
	ctl_add_uint(obj, "id", denali_vm_id(vm));
	ctl_add_string(obj, "name", denali_vm_name(vm));
	ctl_add_uint(obj, "port", port);
	what = *info->sw ? "switch" : "tap";
	name = *info->sw ? info->sw : info->tap;
	ctl_add_string(obj, what, name);
	if (!*info->sw)
		ctl_add_string(obj, "bridge", info->bridge);
	ctl_add_mac(obj, "mac", info->mac);
	ret = ctl_print_line(obj, "VM %s: %s %s on port %u", denali_vm_name(vm), what, name, port);
	denali_nic_close(nic);
	return ret;
}

static uint32_t port_number(struct ctl_words *words)
{
	return ctl_number(ctl_need(words, "port: a number"), "port", DENALI_MAX_PORTS - 1);
}

static int nic_add(struct ctl_words *words)
{
	static const char * const keywords[] = { "bridge", "mac", "up", "nic", "port", NULL };
	const char *who = ctl_need(words, "NAME");
	struct ctl_nic_words nic = { 0 };
	uint32_t port = DENALI_NIC_NEW_PORT;
	struct denali_vm *vm;
	const char *word;
	int status;

	while ((word = ctl_next(words))) {
		int keyword = ctl_keyword(word, keywords, "keyword");

		if (ctl_nic_keyword(words, keyword, &nic))
			continue;
		if (!strcmp(keywords[keyword], "nic"))
			ctl_nic_plug_words(words, &nic);
		else
			port = port_number(words);
	}
	if (!nic.config.tap && !nic.config.sw)
		ctl_usage("nic TAP or nic switch SWITCH is missing");
	ctl_nic_check(&nic);

	vm = ctl_open_one(who);
	status = vm ? nic_plug(vm, &nic, port) : CTL_FAILED;
	denali_vm_close(vm);
	return status;
}

/* The port of a VM that has this tap. */
static int find_port(struct denali_vm *vm, const char *tap, uint32_t *port,
		     struct denali_error *err)
{
	uint32_t ifindex = if_nametoindex(tap);
	struct denali_vm_stats stats;
	struct denali_nl *nl;
	unsigned int i;
	int ret;

	nl = denali_nl_open(err);
	if (!nl)
		return -err->code;
	ret = denali_stats_get(nl, denali_vm_id(vm), &stats, err);
	denali_nl_close(nl);
	if (ret)
		return ret;
	for (i = 0; ifindex && i < stats.nr_ports; i++) {
		if (stats.ports[i].ifindex == ifindex) {
			*port = stats.ports[i].index;
			return 0;
		}
	}
	err->code = ENODEV;
	snprintf(err->message, sizeof(err->message),
		 "VM %s: has no NIC with tap %s (denalictl nic show %s)", denali_vm_name(vm), tap,
		 denali_vm_name(vm));
	return -ENODEV;
}

static int nic_del(struct ctl_words *words)
{
	static const char * const keywords[] = { "nic", "port", NULL };
	const char *who = ctl_need(words, "NAME");
	uint32_t port = DENALI_NIC_NEW_PORT;
	struct denali_error err;
	const char *tap = NULL;
	struct denali_vm *vm;
	const char *word;
	int ret;

	while ((word = ctl_next(words))) {
		if (ctl_keyword(word, keywords, "keyword") == 0) {
			tap = ctl_need(words, "nic: a tap's name");
			if (!strcmp(tap, "switch"))
				ctl_usage("nic switch: a NIC on a switch is taken away by its port: port N (denalictl nic show %s)",
					  who);
		} else {
			port = port_number(words);
		}
	}
	if (!tap && port == DENALI_NIC_NEW_PORT)
		ctl_usage("nic TAP or port N is missing");

	vm = ctl_open_one(who);
	if (!vm)
		return CTL_FAILED;
	ret = tap ? find_port(vm, tap, &port, &err) : 0;
	if (!ret)
		ret = denali_nic_unplug(vm, port, &err);
	denali_vm_close(vm);
	return ret ? ctl_fail(&err) : CTL_OK;
}

int ctl_cmd_nic(struct ctl_words *words)
{
	static const char * const verbs[] = { "show", "add", "del", NULL };
	const char *verb = ctl_next(words);

	switch (verb ? ctl_keyword(verb, verbs, "verb") : 0) {
	case 1:
		return nic_add(words);
	case 2:
		return nic_del(words);
	default:
		return nic_show(words);
	}
}
