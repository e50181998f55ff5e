// SPDX-License-Identifier: GPL-2.0
/*
 * From an image or a template and keywords to a VM that is ready to start, for run, create,
 * clone and template.
 * Cheap checks come first; what was made is undone in the opposite order if
 * a later step fails, or if a signal wanted the program to end meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <denali/vregs.h>

#include "ctl.h"

/* Keywords of a NIC come first, so that `nic add` shares them. */
enum {
	KW_BRIDGE, KW_MAC, KW_UP, KW_NIC, KW_MEMORY, KW_NAME, KW_WAIT, KW_ARGS,
	KW_WEIGHT, KW_CAP, KW_CPUS,	/* as in ctl_share_keywords */
	KW_TENANT, KW_PRIORITY, KW_START, KW_COUNT
};

static const char * const boot_keywords[] = {
	[KW_BRIDGE] = "bridge",
	[KW_MAC] = "mac",
	[KW_UP] = "up",
	[KW_NIC] = "nic",
	[KW_MEMORY] = "memory",
	[KW_NAME] = "name",
	[KW_WAIT] = "wait",
	[KW_ARGS] = "args",
	[KW_WEIGHT] = "weight",
	[KW_CAP] = "cap",
	[KW_CPUS] = "cpus",
	[KW_TENANT] = "tenant",
	[KW_PRIORITY] = "priority",
	[KW_START] = "start",
	[KW_COUNT] = "count",
	NULL
};

static const char * const run_keywords[] = {
	"bridge", "mac", "up", "nic", "memory", "name", "wait", "args",
	"weight", "cap", "cpus", "tenant", "priority", NULL
};

/* What stands behind the keyword nic. */
void ctl_nic_plug_words(struct ctl_words *words, struct ctl_nic_words *nic)
{
	const char *word = ctl_need(words, "nic: a tap's name, or switch and a name");

	if (strcmp(word, "switch"))
		nic->config.tap = word;
	else
		nic->config.sw = ctl_need(words, "switch: a switch's name");
}

/* Are the keywords of a NIC about what it is plugged into? */
void ctl_nic_check(const struct ctl_nic_words *nic)
{
	if (nic->config.sw && (nic->config.bridge || nic->config.flags))
		ctl_usage("nic switch %s: '%s' is about a tap; a switch has uplinks (denalictl switch set %s uplink TAP)",
			  nic->config.sw, nic->config.bridge ? "bridge" : "up", nic->config.sw);
}

/* The keywords that say more of a NIC, by their index in boot_keywords; false: another one. */
bool ctl_nic_keyword(struct ctl_words *words, int keyword, struct ctl_nic_words *nic)
{
	struct denali_error err;

	switch (keyword) {
	case KW_BRIDGE:
		nic->config.bridge = ctl_need(words, "bridge: a bridge's name");
		return true;
	case KW_MAC:
		if (denali_mac_parse(ctl_need(words, "mac: an address"), nic->mac, &err))
			ctl_usage_error(&err);
		nic->config.mac = nic->mac;
		return true;
	case KW_UP:
		nic->config.flags |= DENALI_TAP_UP;
		return true;
	}
	return false;
}

static void parse_cmdline(struct ctl_boot *boot, struct ctl_words *words)
{
	size_t len = 1;
	char *p;
	int i;

	for (i = 0; i < words->count; i++)
		len += strlen(words->word[i]) + 1;
	p = malloc(len);
	if (!p)
		ctl_usage("out of memory");
	boot->cmdline = p;
	*p = '\0';
	for (i = 0; i < words->count; i++)
		p += sprintf(p, "%s%s", i ? " " : "", words->word[i]);
	if (strlen(boot->cmdline) >= DENALI_CMDLINE_SIZE)
		ctl_usage("boot arguments of %zu bytes; at most %d are allowed",
			  strlen(boot->cmdline), DENALI_CMDLINE_SIZE - 1);
	words->count = 0;
}

static void parse_source(struct ctl_boot *boot, struct ctl_words *words, enum ctl_source source)
{
	const char *word;

	if (source == CTL_FROM_TEMPLATE) {
		boot->template = ctl_need(words, "TEMPLATE");
		return;
	}
	word = ctl_need(words, source == CTL_FROM_ANY ? "IMAGE or template NAME" : "IMAGE");
	if (source == CTL_FROM_ANY && !strcmp(word, "template"))
		boot->template = ctl_need(words, "template: a VM's name");
	else
		boot->image = word;
}

/* May each of several VMs have such a NIC? */
static void check_many(const struct denali_nic_config *nic)
{
	if (nic->tap)
		ctl_usage("nic %s: with count, each needs a tap of its own: give them a switch (nic switch NAME), or add taps before the start (denalictl nic add)",
			  nic->tap);
	if (nic->mac)
		ctl_usage("mac: with count, each NIC needs an address of its own: leave it out, or add NICs before the start (denalictl nic add)");
}

void ctl_boot_parse(struct ctl_boot *boot, struct ctl_words *words, enum ctl_source source,
		    bool may_start)
{
	struct ctl_nic_words *nic = NULL;
	struct denali_error err;
	const char *word;
	unsigned int i;
	int keyword;

	memset(boot, 0, sizeof(*boot));
	boot->dev = -1;
	parse_source(boot, words, source);
	while ((word = ctl_next(words))) {
		if (!strcmp(word, "--"))
			keyword = KW_ARGS;
		else
			keyword = ctl_keyword(word, may_start ? boot_keywords : run_keywords,
					      "keyword");
		switch (keyword) {
		case KW_NIC:
			if (boot->nr_nics == CTL_MAX_NICS)
				ctl_usage("nic: a VM has at most %d", CTL_MAX_NICS);
			nic = &boot->nics[boot->nr_nics++];
			ctl_nic_plug_words(words, nic);
			break;
		case KW_MEMORY:
			if (boot->template)
				ctl_usage("memory: a clone has as much as its template");
			word = ctl_need(words, "memory: a size");
			if (denali_size_parse(word, &boot->memory, &err))
				ctl_usage_error(&err);
			if (!boot->memory)
				ctl_usage("memory: 0 bytes; must be a multiple of %d, at least %d",
					  DENALI_PAGE_SIZE, DENALI_MIN_MEMORY);
			break;
		case KW_NAME:
			boot->name = ctl_need(words, "name: a name");
			break;
		case KW_WAIT:
			boot->wait = true;
			break;
		case KW_WEIGHT:
		case KW_CAP:
		case KW_CPUS:
			ctl_share_keyword(words, keyword - KW_WEIGHT, &boot->share);
			break;
		case KW_TENANT:
			boot->adm.tenant = ctl_need(words, "tenant: a tenant's name");
			if (denali_tenant_name_check(boot->adm.tenant, &err))
				ctl_usage_error(&err);
			break;
		case KW_PRIORITY:
			if (!boot->wait)
				ctl_usage("'%s' must stand behind wait", word);
			boot->adm.priority = ctl_number(ctl_need(words, "priority: a number"),
							"priority", UINT32_MAX);
			break;
		case KW_START:
			boot->start = true;
			break;
		case KW_COUNT:
			if (!boot->template)
				ctl_usage("count: is for clones; make a template of the image (denalictl template)");
			boot->count = ctl_number_from(ctl_need(words, "count: a number"), "count",
						      1, DENALI_MAX_CLONES);
			break;
		case KW_ARGS:
			parse_cmdline(boot, words);
			break;
		default:
			if (!nic)
				ctl_usage("'%s' must stand behind the nic that it is about", word);
			ctl_nic_keyword(words, keyword, nic);
		}
	}
	if (boot->count && boot->wait)
		ctl_usage("wait: several can't wait for memory; leave out count or wait");
	for (i = 0; i < boot->nr_nics; i++) {
		ctl_nic_check(&boot->nics[i]);
		if (boot->count)
			check_many(&boot->nics[i].config);
	}
}

/* Nothing of it is left if it can't be plugged in: then NULL. */
struct denali_nic *ctl_nic_plug(const struct denali_nic_config *config, struct denali_vm *vm,
				uint32_t *port, struct denali_error *err)
{
	struct denali_nic *nic = denali_nic_open(config, err);

	if (nic && denali_nic_plug(nic, vm, port, err)) {
		denali_nic_close(nic);
		return NULL;
	}
	return nic;
}

void ctl_nic_notes(const struct denali_nic *nic)
{
	const struct denali_nic_info *info = denali_nic_get_info(nic);

	if (info->bridge_down)
		ctl_note("bridge %s is down, nothing passes; set it up with: ip link set %s up",
			 info->bridge, info->bridge);
}

static int boot_nics(struct ctl_boot *boot, struct denali_error *err)
{
	unsigned int i;

	for (i = 0; i < boot->nr_nics; i++) {
		uint32_t port = DENALI_NIC_NEW_PORT;

		boot->nic[i] = ctl_nic_plug(&boot->nics[i].config, boot->vm, &port, err);
		if (!boot->nic[i])
			return -err->code;
	}
	return 0;
}

/* While it waits for memory, ^C must be able to end it; nothing is made yet. */
static void wait_begin(struct ctl_boot *boot)
{
	if (!boot->wait) {
		ctl_signals_block();
		return;
	}
	/* The request doesn't come back meanwhile: a child says that it takes long. */
	boot->teller = fork();
	if (boot->teller)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sleep(1);
	ctl_note("VM %s: waits until there is room for it (denalictl list shows its place, ^C gives up)",
		 boot->name ? boot->name : "(no name)");
	_exit(0);
}

static void wait_end(struct ctl_boot *boot)
{
	if (!boot->wait)
		return;
	ctl_signals_block();
	if (boot->teller > 0) {
		kill(boot->teller, SIGKILL);
		waitpid(boot->teller, NULL, 0);
	}
}

/* A VM with its image in it. Signals are blocked afterwards. */
static int make_loaded(struct ctl_boot *boot, unsigned int flags, struct denali_error *err)
{
	const struct denali_image_info *info;
	struct denali_image *image;
	int ret;

	image = denali_image_open(boot->image, err);
	if (!image)
		return -err->code;
	info = denali_image_get_info(image);
	if (!boot->memory)
		boot->memory = info->def_memory;
	/* The NICs that a template's image wants are its clones'. */
	ret = denali_image_fits(image, boot->memory,
				flags & DENALI_CREATE_TEMPLATE ? CTL_MAX_NICS : boot->nr_nics, err);
	if (!ret)
		ret = denali_dev_open(err);
	if (ret >= 0) {
		boot->dev = ret;
		wait_begin(boot);
		boot->vm = denali_vm_create_as(boot->dev, boot->name, boot->memory, flags,
					       &boot->adm, err);
		wait_end(boot);
		ret = boot->vm ? denali_vm_load(boot->vm, image, err) : -err->code;
	}
	if (!ret)
		ret = denali_vm_setup(boot->vm, info->entry, boot->cmdline, err);
	denali_image_free(image);
	return ret;
}

/* A VM that is a clone. Signals are blocked afterwards. */
static int make_clone(struct ctl_boot *boot, unsigned int flags, struct denali_error *err)
{
	struct denali_vm *template;

	boot->dev = denali_dev_open(err);
	if (boot->dev < 0)
		return boot->dev;
	template = denali_vm_open(boot->dev, boot->template, err);
	if (!template)
		return -err->code;
	wait_begin(boot);
	boot->vm = denali_vm_clone_as(template, boot->name, flags, &boot->adm, err);
	wait_end(boot);
	denali_vm_close(template);
	if (!boot->vm)
		return -err->code;
	return boot->cmdline ? denali_vm_setup(boot->vm, 0, boot->cmdline, err) : 0;
}

/* Makes, loads and equips the VM; on failure nothing of it is left. */
int ctl_boot_make(struct ctl_boot *boot, unsigned int flags, struct denali_error *err)
{
	int ret;

	if (boot->wait)
		flags |= DENALI_CREATE_WAIT;
	ret = boot->template ? make_clone(boot, flags, err) : make_loaded(boot, flags, err);
	if (!ret && boot->share.set)
		ret = denali_vm_set_share(boot->vm, &boot->share, err);
	if (!ret)
		ret = boot_nics(boot, err);
	if (ret)
		ctl_boot_undo(boot);
	return ret;
}

/* What has become of it: it may have to wait for its turn to run. */
const char *ctl_boot_started(const struct ctl_boot *boot)
{
	struct denali_vm_state state;

	if (!boot->start)
		return "created";
	if (denali_vm_get_state(boot->vm, &state, NULL) || state.state != DENALI_VM_WAITING)
		return "started";
	return "waits until fewer of its tenant's VMs run";
}

/* Takes everything back. */
void ctl_boot_undo(struct ctl_boot *boot)
{
	if (boot->vm)
		denali_vm_destroy(boot->vm, NULL);
	ctl_boot_close(boot);
}

/* Lets go of it: a persistent VM and what it was told to keep stay. */
void ctl_boot_close(struct ctl_boot *boot)
{
	unsigned int i;

	denali_vm_close(boot->vm);
	boot->vm = NULL;
	for (i = 0; i < boot->nr_nics; i++) {
		denali_nic_close(boot->nic[i]);
		boot->nic[i] = NULL;
	}
	if (boot->dev >= 0)
		close(boot->dev);
	boot->dev = -1;
	free(boot->cmdline);
	boot->cmdline = NULL;
}

static void ctl_signals_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGQUIT);
}

void ctl_signals_block(void)
{
	sigset_t set;

	ctl_signals_set(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* A descriptor that can be read when one of them has come in. */
int ctl_signals_fd(void)
{
	sigset_t set;

	ctl_signals_set(&set);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* A blocked signal that has come in, or 0. */
int ctl_signals_pending(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t set;
	size_t i;

	sigpending(&set);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigismember(&set, signals[i]) == 1)
			return signals[i];
	return 0;
}
