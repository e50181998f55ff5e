// SPDX-License-Identifier: GPL-2.0
/*
 * The measuring program. It runs in the test machine, one part of the measurements
 * at a time, and prints lines of "KIND NAME VALUE..." for report.py.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib.h"
#include "bench.h"
#include "regions.h"

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("measure: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

int main(int argc, char **argv)
{
	const char *part = argc > 1 ? argv[1] : "";
	int dev;

	region_arm();
	if (!strcmp(part, "net")) {
		bench_net(argc - 2, argv + 2);
		return 0;
	}
	dev = dev_open();
	if (dev < 0)
		die(DENALI_DEVICE ": %m");
	if (!strcmp(part, "paths"))
		bench_paths(dev);
	else if (!strcmp(part, "life"))
		bench_life(dev);
	else if (!strcmp(part, "memory"))
		bench_memory(dev);
	else
		die("%s is none of paths, life, memory, net", part);
	return 0;
}
