// SPDX-License-Identifier: MIT
/*
 * First C code of a guest: brings the core up, then constructors, then main()
 * with the words of the boot arguments.
 */
#include <denali/hypercall.h>
#include <denali-os/panic.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define DENALI_ARGS_MAX	32

typedef void (*denali_constructor)(void);

extern denali_constructor __init_array_start[];
extern denali_constructor __init_array_end[];

int main(int argc, char **argv, char **envp);
void denali_start(void) __attribute__((noreturn));

extern char **environ;

/* There if the program says itself where it may become a template. */
int denali_template(void) __attribute__((weak));

/* Boot arguments as argv, quoted as in bootargs.h; argv[0] is the kind of thing that runs. */
static int denali_args(char *line, char **argv)
{
	int argc = 0;
	char *out;

	argv[argc++] = (char *)"guest";
	while (argc < DENALI_ARGS_MAX) {
		int quoted = 0;

		while (*line == ' ')
			line++;
		if (!*line)
			break;
		argv[argc++] = line;
		for (out = line; *line && (quoted || *line != ' '); line++) {
			if (*line == '"')
				quoted = !quoted;
			else
				*out++ = *line;
		}
		if (*line)
			line++;
		*out = '\0';
	}
	argv[argc] = NULL;
	return argc;
}

void denali_start(void)
{
	char *argv[DENALI_ARGS_MAX + 1];
	char *line;
	size_t len;

	if (DENALI_VREGS->magic != DENALI_VREGS_MAGIC || DENALI_VREGS->abi_version < DENALI_ABI_VERSION)
		denali_panic("guest ABI: host has version %u, image needs %u",
			     (unsigned int)DENALI_VREGS->abi_version, DENALI_ABI_VERSION);
	denali_fpu_start();
	denali_irq_start();
	denali_heap_start(denali_sched_start());
	denali_timer_start();
	denali_irq_restore(1);

	for (denali_constructor *fn = __init_array_start; fn < __init_array_end; fn++)
		(*fn)();
	if (!denali_template)
		denali_freeze();

	len = strnlen((const char *)DENALI_VREGS->cmdline, DENALI_CMDLINE_SIZE - 1);
	line = __builtin_alloca(len + 1);
	memcpy(line, (const char *)DENALI_VREGS->cmdline, len);
	line[len] = '\0';
	exit(main(denali_args(line, argv), argv, environ));
}
