// SPDX-License-Identifier: GPL-2.0
/*
 * create and clone: a persistent VM, loaded and equipped, started if `start` is said. The
 * kernel then holds it and its taps. Until all of it is done, everything can be
 * undone, and is if a signal comes. Several clones are made by one request.
 */
#include <sys/resource.h>

#include "ctl.h"

/* On switches only, where nothing of the host is to be kept or undone. */
static int many_nics(const struct ctl_boot *boot, struct denali_vm *vm, struct denali_error *err)
{
	struct denali_nic *nic;
	unsigned int i;

	for (i = 0; i < boot->nr_nics; i++) {
		uint32_t port = DENALI_NIC_NEW_PORT;

		nic = ctl_nic_plug(&boot->nics[i].config, vm, &port, err);
		if (!nic)
			return -err->code;
		denali_nic_close(nic);
	}
	return 0;
}

/* Each set up, and started if that is wanted. */
static int many_go(const struct ctl_boot *boot, struct denali_vm **vms, struct denali_error *err)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < boot->count && !ret; i++) {
		if (boot->share.set)
			ret = denali_vm_set_share(vms[i], &boot->share, err);
		if (!ret && boot->cmdline)
			ret = denali_vm_setup(vms[i], 0, boot->cmdline, err);
		if (!ret)
			ret = many_nics(boot, vms[i], err);
		if (!ret && boot->start)
			ret = denali_vm_start(vms[i], err);
	}
	return ret;
}

static int many_print(const struct ctl_boot *boot, struct denali_vm **vms)
{
	struct json_object *list = json_object_new_array(), *obj;
	unsigned int i;

	for (i = 0; i < boot->count; i++) {
		obj = json_object_new_object();
		ctl_add_uint(obj, "id", denali_vm_id(vms[i]));
		ctl_add_string(obj, "name", denali_vm_name(vms[i]));
		json_object_array_add(list, obj);
	}
	return ctl_print_line(list, "VMs %s to %s: %s, ids %llu to %llu", denali_vm_name(vms[0]),
			      denali_vm_name(vms[boot->count - 1]), boot->start ? "started" : "created",
			      (unsigned long long)denali_vm_id(vms[0]),
			      (unsigned long long)denali_vm_id(vms[boot->count - 1]));
}

/* Each clone is a descriptor meanwhile, of which a shell allows no more than 1024. */
static void descriptors_allow(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Clones with names and numbers, from 1 on. */
static int create_many(struct ctl_boot *boot)
{
	struct denali_vm *vms[DENALI_MAX_CLONES];
	struct denali_vm *template = NULL;
	struct denali_error err;
	unsigned int i;
	int ret, signal = 0;

	descriptors_allow();
	boot->dev = denali_dev_open(&err);
	ret = boot->dev < 0 ? boot->dev : 0;
	if (!ret) {
		template = denali_vm_open(boot->dev, boot->template, &err);
		ret = template ? 0 : -err.code;
	}
	ctl_signals_block();
	if (!ret)
		ret = denali_vm_clone_many_as(template, boot->name, 1, boot->count,
					      DENALI_CREATE_PERSISTENT, &boot->adm, vms, &err);
	denali_vm_close(template);
	if (ret) {
		ctl_boot_close(boot);
		return ctl_fail(&err);
	}
	ret = many_go(boot, vms, &err);
	if (!ret)
		signal = ctl_signals_pending();
	for (i = 0; i < boot->count && (ret || signal); i++)
		denali_vm_destroy(vms[i], NULL);
	if (ret)
		ret = ctl_fail(&err);
	else
		ret = signal ? CTL_SIGNAL + signal : many_print(boot, vms);
	for (i = 0; i < boot->count; i++)
		denali_vm_close(vms[i]);
	ctl_boot_close(boot);
	return ret;
}

static int create(struct ctl_words *words, enum ctl_source source)
{
	struct json_object *obj;
	struct denali_error err;
	struct ctl_boot boot;
	unsigned int i;
	int signal, ret;

	ctl_boot_parse(&boot, words, source, true);
	if (boot.count)
		return create_many(&boot);
	if (ctl_boot_make(&boot, DENALI_CREATE_PERSISTENT, &err)) {
		ctl_boot_close(&boot);
		return ctl_fail(&err);
	}
	signal = ctl_signals_pending();
	if (signal) {
		ctl_boot_undo(&boot);
		return CTL_SIGNAL + signal;
	}
	if (boot.start && denali_vm_start(boot.vm, &err)) {
		ctl_boot_undo(&boot);
		return ctl_fail(&err);
	}
	for (i = 0; i < boot.nr_nics; i++) {
		ctl_nic_notes(boot.nic[i]);
		denali_nic_keep(boot.nic[i]);
	}

	obj = json_object_new_object();
	ctl_add_uint(obj, "id", denali_vm_id(boot.vm));
	ctl_add_string(obj, "name", denali_vm_name(boot.vm));
	ret = ctl_print_line(obj, "VM %s: %s, id %llu", denali_vm_name(boot.vm),
			     ctl_boot_started(&boot), (unsigned long long)denali_vm_id(boot.vm));
	ctl_boot_close(&boot);
	return ret;
}

int ctl_cmd_create(struct ctl_words *words)
{
	return create(words, CTL_FROM_ANY);
}

int ctl_cmd_clone(struct ctl_words *words)
{
	return create(words, CTL_FROM_TEMPLATE);
}
