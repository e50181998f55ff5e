// SPDX-License-Identifier: GPL-2.0
/*
 * switch: the module's own Ethernet. Its taps are made and equipped like those of NICs, and
 * are the module's to hold from then on.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

#define NR_ROLES	2

/* In the order of DENALI_SWITCH_UPLINK, DENALI_SWITCH_MIRROR. */
static const char * const roles[NR_ROLES] = { "uplink", "mirror" };

/* A tap of a switch as the words have it. */
struct tap_words {
	bool given;
	bool none;
	struct denali_nic_config config;
	struct denali_nic *nic;
};

struct switch_words {
	const char *name;
	unsigned int flags;
	uint32_t uid;
	struct tap_words taps[NR_ROLES];
};

static void add_tap(struct json_object *obj, const char *key, const char *key_up, uint32_t ifindex,
		    bool up)
{
	char name[IFNAMSIZ];

	/* It may be in another network namespace, or gone. */
	ctl_add_string(obj, key, if_indextoname(ifindex, name) ? name : "?");
	ctl_add_bool(obj, key_up, up);
}

static struct json_object *switch_object(const struct denali_switch_stats *sw)
{
	struct json_object *obj = json_object_new_object();

	ctl_add_uint(obj, "id", sw->id);
	ctl_add_string(obj, "name", sw->name);
	ctl_add_uint(obj, "uid", sw->uid);
	ctl_add_bool(obj, "isolate", sw->flags & DENALI_SWITCH_ISOLATE);
	if (sw->has_uplink)
		add_tap(obj, "uplink", "uplink_up", sw->uplink, sw->uplink_up);
	if (sw->has_mirror)
		add_tap(obj, "mirror", "mirror_up", sw->mirror, sw->mirror_up);
	ctl_add_uint(obj, "nics", sw->ports);
	ctl_add_uint(obj, "rx_packets", sw->rx_packets);
	ctl_add_uint(obj, "rx_bytes", sw->rx_bytes);
	ctl_add_uint(obj, "unknown_drops", sw->unknown);
	ctl_add_uint(obj, "filtered", sw->filtered);
	ctl_add_uint(obj, "limited", sw->limited);
	ctl_add_uint(obj, "isolated_drops", sw->isolated);
	ctl_add_uint(obj, "mirror_drops", sw->unmirrored);
	return obj;
}

/* The NICs on a switch that the asker may see. */
static int add_ports(struct json_object *obj, const char *name)
{
	struct json_object *ports = json_object_new_array();
	struct denali_vm_stats *list;
	size_t count, i;
	unsigned int p;

	ctl_add(obj, "ports", ports);
	if (ctl_list_vms(&list, &count))
		return CTL_FAILED;
	for (i = 0; i < count; i++) {
		for (p = 0; p < list[i].nr_ports; p++) {
			struct json_object *port;

			if (strcmp(list[i].ports[p].sw, name))
				continue;
			port = ctl_port_object(&list[i].ports[p]);
			ctl_add_uint(port, "id", list[i].id);
			ctl_add_string(port, "name", list[i].name);
			json_object_array_add(ports, port);
		}
	}
	free(list);
	return CTL_OK;
}

static int list_switches(struct denali_switch_stats **list, size_t *count)
{
	struct denali_error err;
	struct denali_nl *nl = denali_nl_open(&err);
	int ret;

	if (!nl)
		return ctl_fail(&err);
	ret = denali_switches_list(nl, list, count, &err);
	denali_nl_close(nl);
	return ret ? ctl_fail(&err) : CTL_OK;
}

static int show_one(const struct denali_switch_stats *list, size_t count, const char *name)
{
	struct denali_error err = { .code = ENOENT };
	struct json_object *obj;
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcmp(list[i].name, name))
			continue;
		obj = switch_object(&list[i]);
		if (!add_ports(obj, name))
			return ctl_print(obj);
		json_object_put(obj);
		return CTL_FAILED;
	}
	snprintf(err.message, sizeof(err.message),
		 "switch %s: does not exist, or belongs to another user (denalictl switch show lists what you may use)",
		 name);
	return ctl_fail(&err);
}

static int switch_show(struct ctl_words *words)
{
	static const struct ctl_column columns[] = {
		{ "id", "ID" },
		{ "name", "NAME" },
		{ "uid", "UID" },
		{ "uplink", "UPLINK" },
		{ "mirror", "MIRROR" },
		{ "isolate", "ISOLATE" },
		{ "nics", "NICS" },
		{ "rx_packets", "RX" },
		{ "filtered", "FILTERED" },
		{ "limited", "LIMITED" },
		{ NULL, NULL }
	};
	const char *name = ctl_next(words);
	struct denali_switch_stats *list;
	struct json_object *rows;
	size_t count, i;
	int status;

	ctl_end(words);
	if (list_switches(&list, &count))
		return CTL_FAILED;
	if (name) {
		status = show_one(list, count, name);
	} else {
		rows = json_object_new_array();
		for (i = 0; i < count; i++)
			json_object_array_add(rows, switch_object(&list[i]));
		status = ctl_print_table(rows, columns);
	}
	free(list);
	return status;
}

static void role_parse(struct tap_words *tap, struct ctl_words *words, unsigned int role)
{
	if (tap->given)
		ctl_usage("%s: is said twice", roles[role]);
	tap->given = true;
	tap->config.tap = ctl_need(words, role == DENALI_SWITCH_UPLINK ?
				   "uplink: a tap's name or none" : "mirror: a tap's name or none");
	tap->none = !strcmp(tap->config.tap, "none");
}

static void switch_parse(struct switch_words *sw, struct ctl_words *words, bool add)
{
	static const char * const keywords[] = {
		"uplink", "mirror", "bridge", "up", "isolate", "user", NULL
	};
	static const char * const set_keywords[] = { "uplink", "mirror", "bridge", "up", NULL };
	struct tap_words *tap = NULL;
	struct denali_error err;
	const char *word;
	int keyword;

	memset(sw, 0, sizeof(*sw));
	sw->uid = getuid();
	sw->name = ctl_need(words, "NAME");
	if (denali_switch_name_check(sw->name, &err))
		ctl_usage_error(&err);
	while ((word = ctl_next(words))) {
		keyword = ctl_keyword(word, add ? keywords : set_keywords, "keyword");
		switch (keyword) {
		case DENALI_SWITCH_UPLINK:
		case DENALI_SWITCH_MIRROR:
			tap = &sw->taps[keyword];
			role_parse(tap, words, keyword);
			break;
		case 2:
			if (tap != &sw->taps[DENALI_SWITCH_UPLINK] || tap->none)
				ctl_usage("'%s' must stand behind the uplink that it is about",
					  word);
			tap->config.bridge = ctl_need(words, "bridge: a bridge's name");
			break;
		case 3:
			if (!tap || tap->none)
				ctl_usage("'%s' must stand behind the tap that it is about", word);
			tap->config.flags |= DENALI_TAP_UP;
			break;
		case 4:
			sw->flags |= DENALI_SWITCH_ISOLATE;
			break;
		case 5:
			word = ctl_need(words, "user: a name or number");
			if (!ctl_user_parse(word, &sw->uid))
				ctl_usage("user '%s': no such user", word);
			break;
		}
	}
}

static int open_taps(struct switch_words *sw, struct denali_error *err)
{
	unsigned int role;

	for (role = 0; role < NR_ROLES; role++) {
		struct tap_words *tap = &sw->taps[role];

		if (!tap->given || tap->none)
			continue;
		tap->nic = denali_nic_open(&tap->config, err);
		if (tap->nic)
			continue;
		/* Who is denied the tap would be denied the switch: that is what to tell. */
		if (err->code == EPERM || err->code == EACCES)
			snprintf(err->message, sizeof(err->message),
				 "switch %s: %s needs CAP_NET_ADMIN; run it as root", sw->name,
				 roles[role]);
		return -err->code;
	}
	return 0;
}

static int give_taps(int dev, struct switch_words *sw, struct denali_error *err)
{
	unsigned int role;
	int ret;

	for (role = 0; role < NR_ROLES; role++) {
		if (!sw->taps[role].given)
			continue;
		ret = denali_switch_set_tap(dev, sw->name, role, sw->taps[role].nic, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* Lets go of the taps; those that the switch has got stay as they are. */
static void close_taps(struct switch_words *sw, bool keep)
{
	unsigned int role;

	for (role = 0; role < NR_ROLES; role++) {
		struct denali_nic *nic = sw->taps[role].nic;

		if (nic && keep) {
			ctl_nic_notes(nic);
			denali_nic_keep(nic);
		}
		denali_nic_close(nic);
	}
}

static int switch_change(struct ctl_words *words, bool add)
{
	struct switch_words sw;
	struct json_object *obj;
	struct denali_error err;
	unsigned int role;
	int dev, ret;

	switch_parse(&sw, words, add);
	if (!add && !sw.taps[0].given && !sw.taps[1].given)
		ctl_usage("uplink or mirror is missing");
	dev = denali_dev_open(&err);
	if (dev < 0)
		return ctl_fail(&err);
	ctl_signals_block();
	ret = add ? denali_switch_add(dev, sw.name, sw.flags, sw.uid, &err) : 0;
	if (!ret) {
		ret = open_taps(&sw, &err);
		if (!ret)
			ret = give_taps(dev, &sw, &err);
		if (ret && add)
			denali_switch_del(dev, sw.name, NULL);
	}
	close_taps(&sw, !ret);
	close(dev);
	if (ret)
		return ctl_fail(&err);

	obj = json_object_new_object();
	ctl_add_string(obj, "name", sw.name);
	for (role = 0; role < NR_ROLES; role++)
		if (sw.taps[role].given && !sw.taps[role].none)
			ctl_add_string(obj, roles[role], sw.taps[role].config.tap);
	return ctl_print_line(obj, add ? "switch %s: made" : "switch %s: changed", sw.name);
}

static int switch_del(struct ctl_words *words)
{
	const char *name = ctl_need(words, "NAME");
	struct denali_error err;
	int dev, ret;

	ctl_end(words);
	dev = denali_dev_open(&err);
	if (dev < 0)
		return ctl_fail(&err);
	ret = denali_switch_del(dev, name, &err);
	close(dev);
	return ret ? ctl_fail(&err) : CTL_OK;
}

int ctl_cmd_switch(struct ctl_words *words)
{
	static const char * const verbs[] = { "show", "add", "set", "del", NULL };
	const char *verb = ctl_next(words);

	switch (verb ? ctl_keyword(verb, verbs, "verb") : 0) {
	case 1:
		return switch_change(words, true);
	case 2:
		return switch_change(words, false);
	case 3:
		return switch_del(words);
	default:
		return switch_show(words);
	}
}
