// SPDX-License-Identifier: GPL-2.0
/*
 * denalictl: the table of commands, which is the help as well.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

#define NIC_GRAMMAR	"nic {TAP [bridge BRIDGE] [up] | switch SWITCH} [mac MAC]"
#define SHARE_GRAMMAR	"[weight N] [cap PERCENT] [cpus LIST]"
#define BOOT_GRAMMAR	"[memory SIZE] [name NAME] [tenant TENANT] [wait [priority N]] " SHARE_GRAMMAR " [" NIC_GRAMMAR "]..."
#define ARGS_GRAMMAR	"[args WORD... | -- WORD...]"

#define SWITCH_TAPS	"[uplink {TAP [bridge BRIDGE] [up] | none}] [mirror {TAP [up] | none}]"
#define SWITCH_COMMANDS \
	"switch [show [NAME]]\n" \
	"switch add NAME [isolate] [user USER] " SWITCH_TAPS "\n" \
	"switch set NAME " SWITCH_TAPS "\n" \
	"switch del NAME"

#define NIC_COMMANDS \
	"nic [show [NAME]]\n" \
	"nic add NAME " NIC_GRAMMAR " [port N]\n" \
	"nic del NAME {nic TAP | port N}"

#define TENANT_LIMITS	"[user {USER | none}] [vms N] [memory SIZE] [runnable N] [nice N] [cpus LIST]"
#define TENANT_COMMANDS \
	"tenant [list]\n" \
	"tenant show [NAME]\n" \
	"tenant add NAME " TENANT_LIMITS "\n" \
	"tenant set NAME " TENANT_LIMITS "\n" \
	"tenant del NAME"

static const struct ctl_command commands[] = {
	{ "check", ctl_cmd_check, "check",
	  "can this host run VMs? point by point" },
	{ "run", ctl_cmd_run,
	  "run {IMAGE | template NAME} " BOOT_GRAMMAR " " ARGS_GRAMMAR,
	  "run a VM in the foreground: its console is the terminal" },
	{ "create", ctl_cmd_create,
	  "create {IMAGE | template NAME [count N]} [start] " BOOT_GRAMMAR " " ARGS_GRAMMAR,
	  "make a VM that stays until it is destroyed" },
	{ "template", ctl_cmd_template,
	  "template IMAGE [memory SIZE] [name NAME] [tenant TENANT] [wait [priority N]] " ARGS_GRAMMAR,
	  "start a VM and stop it where its program is set up, to be cloned" },
	{ "clone", ctl_cmd_clone,
	  "clone TEMPLATE [start] [name NAME] [tenant TENANT] [count N | wait [priority N]] "
	  SHARE_GRAMMAR " [" NIC_GRAMMAR "]... " ARGS_GRAMMAR,
	  "make a VM that goes on where a template stopped" },
	{ "start", ctl_cmd_start, "start NAME...", "start VMs, or go on after stop" },
	{ "stop", ctl_cmd_stop, "stop NAME...", "pause VMs" },
	{ "reset", ctl_cmd_reset, "reset NAME...", "make clones what they were at first, to be started anew" },
	{ "restart", ctl_cmd_restart, "restart NAME...", "reset clones and start them" },
	{ "kill", ctl_cmd_kill, "kill NAME...", "end VMs; they stay in the list" },
	{ "destroy", ctl_cmd_destroy, "destroy NAME...", "end VMs and free what they use" },
	{ "set", ctl_cmd_set, "set NAME " SHARE_GRAMMAR,
	  "how much of the CPUs a VM gets, at any time" },
	{ "list", ctl_cmd_list, "list", "VMs, one a line" },
	{ "show", ctl_cmd_show, "show [NAME]...", "VMs with all counters" },
	{ "top", ctl_cmd_top,
	  "top [-b] [-n COUNT] [-d SECONDS] [sort COLUMN] [reverse] [name PATTERN] [owner USER] [busy]",
	  "VMs as they are now, again and again; h: help, q: end; -b: batch mode" },
	{ "wait", ctl_cmd_wait, "wait NAME... [timeout SECONDS]",
	  "wait for the end of VMs; exit status of the (first failed) VM" },
	{ "console", ctl_cmd_console, "console NAME [-n | --follow]",
	  "attach to the console, ^] detaches; -n: print what is there; --follow: no input" },
	{ "monitor", ctl_cmd_monitor, "monitor [count N]", "events as they happen" },
	{ "nic", ctl_cmd_nic,
	  NIC_COMMANDS,
	  "network interfaces of VMs; port N replaces the tap or switch of a NIC" },
	{ "switch", ctl_cmd_switch,
	  SWITCH_COMMANDS,
	  "the module's own Ethernet for many VMs; none takes an uplink or mirror away" },
	{ "tenant", ctl_cmd_tenant,
	  TENANT_COMMANDS,
	  "groups of VMs with CPU time and limits of their own; 0: no limit" },
	{ "pool", ctl_cmd_pool, "pool [show]\npool set SIZE", "memory for VMs" },
	{ "version", ctl_cmd_version, "version", "of tool, library and module" },
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

const struct ctl_command *ctl_current;

/* Each line of a command's grammar; @first stands before the first. */
void ctl_print_grammar(FILE *f, const struct ctl_command *command, const char *first)
{
	const char *line = command->grammar;
	int margin = strlen(first);
	size_t len;

	for (; *line; line += len) {
		len = strcspn(line, "\n");
		fprintf(f, "%*sdenalictl %.*s\n", margin, line == command->grammar ? first : "",
			(int)len, line);
		len += line[len] == '\n';
	}
}

static void help_all(void) __attribute__((noreturn));
static void help_all(void)
{
	unsigned int i;

	printf("Usage: denalictl [-j | --json] [-p | --pretty] COMMAND\n"
	       "       denalictl help [COMMAND]\n\n");
	for (i = 0; i < NR_COMMANDS; i++) {
		ctl_print_grammar(stdout, &commands[i], "");
		printf("\t%s\n", commands[i].summary);
	}
	printf("\nNAME is a VM's name or id. SIZE is in bytes or like 256K, 2M, 1G.\n"
	       "Commands and keywords may be cut as long as they stay unambiguous.\n"
	       "-j prints JSON, -p indented JSON; see denalictl(8).\n");
	exit(ctl_flush());
}

void ctl_help_current(void)
{
	if (!ctl_current)
		help_all();
	ctl_print_grammar(stdout, ctl_current, "Usage: ");
	printf("\t%s\n", ctl_current->summary);
	exit(ctl_flush());
}

/*
 * A standard descriptor that is closed must not become the module's, or a VM's: what is
 * printed would go there. These can be neither read nor written.
 */
static void descriptors_fill(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
	struct ctl_words words = { .word = argv + 1, .count = argc - 1 };
	const char *names[NR_COMMANDS + 1] = { NULL };
	const char *word;
	unsigned int i;
	bool help;

	/* A reader that goes away is an error of writing, not a silent death. */
	signal(SIGPIPE, SIG_IGN);
	descriptors_fill();

	for (i = 0; i < NR_COMMANDS; i++)
		names[i] = commands[i].name;

	/* An error in the first word is to come as JSON too if -j stands behind it. */
	for (i = 1; i < (unsigned int)argc; i++) {
		if (!strcmp(argv[i], "--") || !strcmp(argv[i], "args"))
			break;
		if (strcmp(argv[i], "-h") && strcmp(argv[i], "--help"))
			ctl_option(argv[i]);
	}

	word = ctl_next(&words);
	help = word && !strcmp(word, "help");
	if (help)
		word = ctl_next(&words);
	if (!word)
		help_all();
	if (!strcmp(word, "-V") || !strcmp(word, "--version"))
		word = "version";

	ctl_current = &commands[ctl_keyword(word, names, "command")];
	if (help)
		ctl_help_current();
	return ctl_current->run(&words);
}
