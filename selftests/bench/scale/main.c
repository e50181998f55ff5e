// SPDX-License-Identifier: GPL-2.0
/*
 * The measuring program for machines with many VMs. It runs in the test machine, one part of
 * the measurements at a time, and prints lines of "KIND NAME VALUE..." for report.py.
 *
 * Usage: scale PART VMS [SECONDS]
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib.h"
#include "../bench.h"
#include "crowd.h"
#include "scale.h"

/* For what is measured over time. */
#define SECONDS		3000

static const struct {
	const char *name;
	void (*measure)(int dev, int most, int seconds);
} parts[] = {
	{ "resident", scale_resident },
	{ "create", scale_create },
	{ "rest", scale_rest },
	{ "unwoken", scale_unwoken },
	{ "web", scale_web },
	{ "irq", scale_irq },
	{ "spin", scale_spin },
	{ "share", scale_share },
	{ "storm", scale_storm },
	{ "tools", scale_tools },
};

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("scale: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

int main(int argc, char **argv)
{
	int dev, most = argc > 2 ? atoi(argv[2]) : 0, seconds = argc > 3 ? atoi(argv[3]) : SECONDS;
	size_t i;

	if (most < 1 || most > CROWD_MAX || seconds < 1 || argc > 4)
		die("usage: scale PART VMS [SECONDS]: of VMs there may be 1 to %d", CROWD_MAX);
	dev = dev_open();
	if (dev < 0)
		die(DENALI_DEVICE ": %m");
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strcmp(argv[1], parts[i].name))
			continue;
		parts[i].measure(dev, most, seconds);
		return 0;
	}
	die("%s is no part of the measurements", argv[1]);
}
