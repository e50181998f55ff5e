// SPDX-License-Identifier: GPL-2.0
/*
 * check: can this host run VMs? Point by point, before the module is loaded as
 * well: what it will look for when it is, and what the tools need besides. The
 * module has the last word; this says what it would say, and the way out.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <denali/hypercall.h>

#include "ctl.h"

/* The oldest kernel that the module is built and tested for. */
#define KERNEL_MAJOR	6
#define KERNEL_MINOR	1

#define VULNERABILITIES	"/sys/devices/system/cpu/vulnerabilities/"

enum verdict { GOOD, NOTE, BAD };

struct check {
	struct json_object *rows;
	bool bad;
	struct utsname uts;
};

/* Returns the row, for what else -j is to have. */
static struct json_object *point(struct check *c, enum verdict how, const char *name,
				 const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static struct json_object *point(struct check *c, enum verdict how, const char *name,
				 const char *fmt, ...)
{
	static const char * const verdicts[] = { "ok", "note", "fail" };
	struct json_object *row = json_object_new_object();
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ctl_add_string(row, "point", name);
	ctl_add_string(row, "result", verdicts[how]);
	ctl_add_string(row, "text", text);
	json_object_array_add(c->rows, row);
	if (how == BAD)
		c->bad = true;
	return row;
}

/* The start of a file, NUL-terminated; empty if it can't be read. */
static char *slurp(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, buf, size - 1) : 0;

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

/* The first line of a file that starts so, without the newline; NULL if there is none. */
static char *find_line(const char *path, const char *start)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	while (f && getline(&line, &size, f) > 0) {
		if (strncmp(line, start, strlen(start)))
			continue;
		line[strcspn(line, "\n")] = '\0';
		fclose(f);
		return line;
	}
	if (f)
		fclose(f);
	free(line);
	return NULL;
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);
	const char *p = text;

	while (p && (p = strstr(p, word))) {
		if ((p == text || isspace((unsigned char)p[-1])) &&
		    (!p[len] || isspace((unsigned char)p[len])))
			return true;
		p += len;
	}
	return false;
}

static void check_cpu(struct check *c)
{
	static const char * const needed[] = { "lm", "nx", "xsave", "fxsr", "sse2" };
	static const struct {
		const char *flag, *why;
	} wanted[] = {
		{ "pcid", "every switch flushes the TLB" },
		{ "fsgsbase", "segment bases are switched by slower MSR writes" },
	};
	char *flags = find_line("/proc/cpuinfo", "flags");
	char *model = find_line("/proc/cpuinfo", "model name");
	size_t i;

	if (strcmp(c->uts.machine, "x86_64")) {
		point(c, BAD, "cpu", "machine is %s; only x86_64 is supported", c->uts.machine);
		goto out;
	}
	if (!flags) {
		point(c, BAD, "cpu", "/proc/cpuinfo has no flags; is /proc mounted?");
		goto out;
	}
	point(c, GOOD, "cpu", "x86_64,%s", model && strchr(model, ':') ?
	      strchr(model, ':') + 1 : " unknown model");
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!has_word(flags, needed[i]))
			point(c, BAD, "cpu", "lacks %s, which the module needs", needed[i]);
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!has_word(flags, wanted[i].flag))
			point(c, NOTE, "cpu", "lacks %s: %s", wanted[i].flag, wanted[i].why);
	if (has_word(flags, "umip"))
		point(c, GOOD, "umip", "guests can't read the addresses of descriptor tables");
	else
		point(c, NOTE, "umip",
		      "this CPU has none: guests can read the addresses of the monitor's descriptor tables (not the kernel's)");
	if (has_word(flags, "fred"))
		point(c, NOTE, "cpu",
		      "has FRED; the module refuses a kernel that uses it (boot with fred=off)");
	if (has_word(flags, "tdx_guest"))
		point(c, BAD, "cpu", "is a TDX guest's, where the module can't work");
	if (has_word(flags, "sev_es") && has_word(flags, "hypervisor"))
		point(c, NOTE, "cpu",
		      "may be an SEV-ES guest's, where the module can't work; it will say so when loaded");
out:
	free(flags);
	free(model);
}

static void check_meltdown(struct check *c)
{
	char text[256];

	slurp(VULNERABILITIES "meltdown", text, sizeof(text));
	if (!strncmp(text, "Vulnerable", strlen("Vulnerable")))
		point(c, BAD, "meltdown",
		      "this CPU needs page-table isolation, and it is off: the module refuses (but for allow_meltdown=1); boot without pti=off and mitigations=off");
	else
		point(c, GOOD, "meltdown", "%s", *text ? text : "the kernel doesn't tell");
}

static void check_smt(struct check *c)
{
	char text[256];

	slurp("/sys/devices/system/cpu/smt/active", text, sizeof(text));
	if (!strcmp(text, "1"))
		point(c, NOTE, "smt",
		      "on: a guest shares its core with whatever runs on the sibling; echo off >/sys/devices/system/cpu/smt/control");
	else
		point(c, GOOD, "smt", *text ? "off, or this CPU has none" : "the kernel doesn't tell");
}

/* A means against speculation, of which the module says whether it uses it. */
struct mitigation {
	uint64_t bit;
	const char *point, *does, *does_not;
	const char *part;		/* of what the host says of several means at once; NULL: all */
	const char *against[6];		/* where the host says what it does, and why */
};

static const struct mitigation mitigations[] = {
	{ DENALI_CPU_PTI, "pti",
	  "the host's processes are isolated as guests always are, by page tables of their own",
	  "guests have page tables that hold nothing of the host but the switcher; its processes haven't",
	  NULL, { "meltdown" } },
	{ DENALI_CPU_VERW, "verw", "buffers are cleared before a guest is entered",
	  "buffers aren't cleared before a guest is entered",
	  NULL, { "mds", "tsx_async_abort", "mmio_stale_data", "reg_file_data_sampling", "tsa" } },
	{ DENALI_CPU_IBRS, "ibrs", "IBRS is set at each exit from a guest",
	  "IBRS isn't written at exits", "Mitigation", { "spectre_v2", "retbleed" } },
	{ DENALI_CPU_UNTRAIN, "untrain", "return predictions are untrained at each exit",
	  "return predictions aren't untrained at exits", NULL, { "retbleed", "spec_rstack_overflow" } },
	{ DENALI_CPU_EXIT_IBPB, "exit-ibpb", "branch predictions are flushed at each exit",
	  "branch predictions aren't flushed at each exit", NULL, { "retbleed", "spec_rstack_overflow" } },
	{ DENALI_CPU_CLEAR_BHB, "bhb", "branch history is cleared at each exit",
	  "branch history isn't cleared at exits", "BHI", { "spectre_v2" } },
	{ DENALI_CPU_IBPB, "ibpb",
	  "branch predictions are flushed when a CPU changes VM or goes back to the host's tasks",
	  "branch predictions outlive a change of VM", "IBPB", { "spectre_v2" } },
	{ DENALI_CPU_FILL_RSB, "rsb", "the return stack is filled when a CPU changes VM, as when the host changes tasks",
	  "the return stack outlives a change of VM", "RSB filling", { "spectre_v2" } },
};

/* Of "this; that; more", what has the word in it; the first, if nothing has. Changes the text. */
static const char *relevant(char *text, const char *part)
{
	char *end, *p = part ? strstr(text, part) : NULL;

	if (!part)
		return text;
	if (!p)
		p = text;
	while (p > text && !(p[-1] == ' ' && p - 1 > text && p[-2] == ';'))
		p--;
	end = strstr(p, "; ");
	if (end)
		*end = '\0';
	return p;
}

/* What the switch does is what the host does for its processes: so whether it should is the host's to say. */
static void check_mitigation(struct check *c, const struct mitigation *m, uint64_t cpu)
{
	struct json_object *row, *host = json_object_new_object();
	bool vulnerable = false, active = cpu & m->bit;
	char text[512], path[128], all[1024] = "";
	const char * const *file;

	for (file = m->against; *file; file++) {
		snprintf(path, sizeof(path), VULNERABILITIES "%s", *file);
		if (!*slurp(path, text, sizeof(text)))
			continue;
		ctl_add_string(host, *file, text);
		vulnerable |= !strncmp(text, "Vulnerable", strlen("Vulnerable"));
		if (strcmp(text, "Not affected"))
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "; host: %s: %s",
				 *file, relevant(text, m->part));
	}
	row = point(c, vulnerable ? NOTE : GOOD, m->point, "%s%s",
		    active ? m->does : m->does_not, *all ? all : "; this CPU isn't affected");
	ctl_add_bool(row, "active", active);
	ctl_add(row, "host", host);
}

static void check_config(struct check *c)
{
	static const struct {
		const char *option, *why;
	} options[] = {
		{ "CONFIG_MODULES", "modules can't be loaded" },
		{ "CONFIG_HIGH_RES_TIMERS", "the scheduler has no quantum" },
		{ "CONFIG_TUN", "there are no taps for NICs" },
	};
	char path[256], *line;
	size_t i;

	snprintf(path, sizeof(path), "/boot/config-%s", c->uts.release);
	if (access(path, R_OK))
		snprintf(path, sizeof(path), "/lib/modules/%s/config", c->uts.release);
	if (access(path, R_OK)) {
		point(c, NOTE, "config",
		      "no configuration of this kernel in /boot or /lib/modules; not checked");
		return;
	}
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		char start[64];

		snprintf(start, sizeof(start), "%s=", options[i].option);
		line = find_line(path, start);
		if (!line) {
			point(c, BAD, "config", "%s is not set: %s", options[i].option,
			      options[i].why);
			return;
		}
		free(line);
	}
	point(c, GOOD, "config", "%s", path);

	line = find_line(path, "CONFIG_MODULE_SIG_FORCE=y");
	if (line)
		point(c, NOTE, "config", "this kernel takes signed modules only; sign denali.ko");
	free(line);
}

static void check_kernel(struct check *c)
{
	char text[256];
	int major = 0, minor = 0;

	sscanf(c->uts.release, "%d.%d", &major, &minor);
	if (major < KERNEL_MAJOR || (major == KERNEL_MAJOR && minor < KERNEL_MINOR))
		point(c, BAD, "kernel", "%s %s; at least %d.%d is needed", c->uts.sysname,
		      c->uts.release, KERNEL_MAJOR, KERNEL_MINOR);
	else
		point(c, GOOD, "kernel", "%s %s", c->uts.sysname, c->uts.release);

	slurp("/sys/hypervisor/guest_type", text, sizeof(text));
	if (!strcmp(text, "PV"))
		point(c, BAD, "kernel", "runs as a Xen PV guest, where the module can't work");

	slurp("/sys/kernel/security/lockdown", text, sizeof(text));
	if (*text && !strstr(text, "[none]"))
		point(c, NOTE, "kernel", "locked down (%s): takes signed modules only", text);
	check_config(c);
}

/* A file denali.ko of this kernel, by the list that depmod makes. */
static bool module_installed(const struct check *c, const char *name)
{
	char path[256], file[64], *line = NULL;
	size_t size = 0;
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", c->uts.release);
	snprintf(file, sizeof(file), "/%s.ko", name);
	f = fopen(path, "re");
	while (f && !found && getline(&line, &size, f) > 0) {
		char *at = strstr(line, file), *colon = strchr(line, ':');

		found = at && colon && at < colon;
	}
	free(line);
	if (f)
		fclose(f);
	if (found)
		return true;

	/* What is built in isn't in that list. */
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", c->uts.release);
	f = fopen(path, "re");
	line = NULL;
	size = 0;
	while (f && !found && getline(&line, &size, f) > 0)
		found = strstr(line, file);
	free(line);
	if (f)
		fclose(f);
	return found;
}

static void check_loaded(struct check *c, const struct denali_info *info)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} features[] = {
		{ DENALI_CPU_UMIP, "umip" }, { DENALI_CPU_PCID, "pcid" },
		{ DENALI_CPU_FSGSBASE, "fsgsbase" }, { DENALI_CPU_SMEP, "smep" },
		{ DENALI_CPU_SMAP, "smap" }, { DENALI_CPU_PTI, "pti" },
		{ DENALI_CPU_LA57, "la57" }, { DENALI_CPU_SCE_OFF, "sce-off" },
	};
	char all[DENALI_SIZE_TEXT], have[DENALI_SIZE_TEXT], text[128] = "";
	size_t i;

	if (info->abi_version != DENALI_ABI_VERSION)
		point(c, BAD, "interface",
		      "the module has guest ABI version %u, these tools have %u; install both from one tree",
		      info->abi_version, DENALI_ABI_VERSION);
	else
		point(c, GOOD, "interface", "version %u, guest ABI version %u",
		      info->uapi_version, info->abi_version);

	for (i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		if (info->cpu & features[i].bit)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s",
				 features[i].name);
	point(c, GOOD, "features", "the module uses or found:%s", *text ? text : " none");
	for (i = 0; i < sizeof(mitigations) / sizeof(mitigations[0]); i++)
		check_mitigation(c, &mitigations[i], info->cpu);

	denali_size_format(all, info->pool_bytes);
	denali_size_format(have, info->pool_free);
	if (info->pool_free < info->min_memory)
		point(c, BAD, "pool", "%s, %s free: no room for a VM; denalictl pool set SIZE", all,
		      have);
	else
		point(c, GOOD, "pool", "%s, %s free", all, have);
	if (info->runners)
		point(c, GOOD, "runners", "%u CPUs, scheduler %s, quantum %u us", info->runners,
		      info->scheduler, info->quantum_us);
	else
		point(c, BAD, "runners", "no CPU runs VMs");
}

static void check_module(struct check *c)
{
	struct denali_error err;
	struct denali_info info;
	bool loaded = !access("/sys/module/denali", F_OK);
	int dev;

	if (!loaded) {
		if (module_installed(c, "denali"))
			point(c, BAD, "module", "installed, not loaded; as root: modprobe denali");
		else
			point(c, BAD, "module",
			      "not loaded, and none is installed for kernel %s; in the source tree: make && make install",
			      c->uts.release);
		return;
	}
	dev = denali_dev_open(&err);
	if (dev < 0) {
		point(c, GOOD, "module", "loaded");
		point(c, BAD, "device", "%s", err.message);
		return;
	}
	if (denali_dev_info(dev, &info, &err)) {
		point(c, BAD, "device", "%s", err.message);
	} else {
		point(c, GOOD, "module", "loaded, version %s", info.version);
		point(c, GOOD, "device", DENALI_DEVICE " can be opened");
		check_loaded(c, &info);
	}
	close(dev);
}

static void check_network(struct check *c)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		point(c, GOOD, "tun", "/dev/net/tun can be opened");
		close(fd);
	} else if (errno == EACCES || errno == EPERM) {
		point(c, BAD, "tun", "/dev/net/tun: permission denied");
	} else if (module_installed(c, "tun")) {
		point(c, NOTE, "tun", "module tun not loaded; it comes with denali (modprobe)");
	} else {
		point(c, BAD, "tun", "/dev/net/tun: %s, and no module tun for kernel %s",
		      strerror(errno), c->uts.release);
	}

	if (!access("/sys/module/bridge", F_OK))
		point(c, GOOD, "bridge", "loaded");
	else if (module_installed(c, "bridge"))
		point(c, GOOD, "bridge", "module there; loaded with the first bridge");
	else
		point(c, NOTE, "bridge",
		      "no module bridge for kernel %s: taps work, but nothing to join them",
		      c->uts.release);

	if (geteuid())
		point(c, NOTE, "rights",
		      "not root: making taps and joining bridges needs CAP_NET_ADMIN");
}

int ctl_cmd_check(struct ctl_words *words)
{
	static const struct ctl_column columns[] = {
		{ "result", "RESULT" },
		{ "point", "POINT" },
		{ "text", "" },
		{ NULL, NULL }
	};
	struct check c = { .rows = json_object_new_array() };
	struct json_object *obj;
	int ret;

	ctl_end(words);
	uname(&c.uts);
	check_cpu(&c);
	check_meltdown(&c);
	check_smt(&c);
	check_kernel(&c);
	check_module(&c);
	check_network(&c);

	if (ctl_json) {
		obj = json_object_new_object();
		ctl_add_bool(obj, "ok", !c.bad);
		ctl_add(obj, "points", c.rows);
		ret = ctl_print_json(obj);
	} else {
		ret = ctl_print_table(c.rows, columns);
	}
	return c.bad ? CTL_FAILED : ret;
}
