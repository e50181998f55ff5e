// SPDX-License-Identifier: GPL-2.0
/*
 * A VM and its ports as objects: the same keys in list, show, nic and monitor.
 */
#include <net/if.h>
#include <stdio.h>

#include <denali/ring.h>
#include <linux/denali_netlink.h>

#include "ctl.h"

struct json_object *ctl_port_object(const struct denali_port_stats *port)
{
	struct json_object *obj = json_object_new_object();
	char name[IFNAMSIZ];

	ctl_add_uint(obj, "port", port->index);
	ctl_add_string(obj, "type", port->type == DENALI_PORT_CONSOLE ? "console" :
		       port->type == DENALI_PORT_NIC ? "nic" : "unknown");
	ctl_add_bool(obj, "up", port->up);
	if (port->has_mac && port->type == DENALI_PORT_NIC)
		ctl_add_mac(obj, "mac", port->mac);
	if (*port->sw)
		ctl_add_string(obj, "switch", port->sw);
	if (port->ifindex) {
		/* The tap may be in another network namespace, or gone by now. */
		if (if_indextoname(port->ifindex, name))
			ctl_add_string(obj, "tap", name);
		if (!denali_link_bridge(port->ifindex, name, NULL) && *name)
			ctl_add_string(obj, "bridge", name);
		ctl_add_uint(obj, "ifindex", port->ifindex);
	}
	if (port->type == DENALI_PORT_NIC) {
		ctl_add_uint(obj, "rx_packets", port->rx_packets);
		ctl_add_uint(obj, "tx_packets", port->tx_packets);
	}
	ctl_add_uint(obj, "rx_bytes", port->rx_bytes);
	ctl_add_uint(obj, "tx_bytes", port->tx_bytes);
	if (port->type == DENALI_PORT_NIC) {
		ctl_add_uint(obj, "rx_drops", port->rx_drops);
		ctl_add_uint(obj, "tx_drops", port->tx_drops);
	}
	return obj;
}

struct json_object *ctl_vm_object(const struct denali_vm_stats *vm)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *exits = json_object_new_object();
	struct json_object *taps = json_object_new_array();
	struct json_object *switches = json_object_new_array();
	struct json_object *ports = json_object_new_array();
	unsigned int i;

	ctl_add_uint(obj, "id", vm->id);
	ctl_add_string(obj, "name", vm->name);
	ctl_add_uint(obj, "uid", vm->uid);
	if (*vm->tenant)
		ctl_add_string(obj, "tenant", vm->tenant);
	ctl_add_string(obj, "state", denali_vm_state_name(vm->state));
	if (vm->state == DENALI_VM_ENDED) {
		ctl_add_string(obj, "reason", denali_vm_reason_name(vm->reason));
		if (vm->reason == DENALI_END_EXIT)
			ctl_add(obj, "status", json_object_new_int(vm->status));
		ctl_add_string(obj, "text", vm->text);
	}
	if (vm->place) {
		ctl_add_uint(obj, "place", vm->place);
		ctl_add_string(obj, "waits", vm->waits == DENALI_WAITS_TO_RUN ? "to run" : "for memory");
		ctl_add_uint(obj, "priority", vm->priority);
	}
	ctl_add_bool(obj, "idle", vm->idle);
	ctl_add_bool(obj, "persistent", vm->flags & DENALI_CREATE_PERSISTENT);
	ctl_add_uint(obj, "cpu", vm->cpu);
	ctl_add_uint(obj, "weight", vm->weight);
	ctl_add_uint(obj, "cap", vm->cap);
	ctl_add_cpus(obj, "cpus", vm->cpus);
	ctl_add_uint(obj, "mem_bytes", vm->mem_bytes);
	ctl_add_uint(obj, "own_bytes", vm->own_bytes);
	if (vm->template_id)
		ctl_add_uint(obj, "template", vm->template_id);
	ctl_add_uint(obj, "kmem_bytes", vm->kmem_bytes);
	ctl_add_uint(obj, "run_ns", vm->run_ns);
	ctl_add_uint(obj, "steal_ns", vm->steal_ns);
	ctl_add_uint(obj, "hypercalls", vm->hypercalls);
	ctl_add_uint(obj, "upcalls", vm->upcalls);
	ctl_add_uint(obj, "irqs", vm->irqs);
	ctl_add_uint(obj, "console_lost_bytes", vm->console_lost);

	ctl_add_uint(exits, "hypercall", vm->exits_hypercall);
	ctl_add_uint(exits, "interrupt", vm->exits_interrupt);
	ctl_add_uint(exits, "nmi", vm->exits_nmi);
	ctl_add_uint(exits, "mce", vm->exits_mce);
	ctl_add_uint(exits, "exception", vm->exits_exception);
	ctl_add(obj, "exits", exits);

	for (i = 0; i < vm->nr_ports; i++) {
		struct json_object *port = ctl_port_object(&vm->ports[i]);
		struct json_object *name;

		if (json_object_object_get_ex(port, "tap", &name))
			json_object_array_add(taps, json_object_get(name));
		if (json_object_object_get_ex(port, "switch", &name))
			json_object_array_add(switches, json_object_get(name));
		json_object_array_add(ports, port);
	}
	ctl_add(obj, "taps", taps);
	ctl_add(obj, "switches", switches);
	ctl_add(obj, "ports", ports);
	return obj;
}
