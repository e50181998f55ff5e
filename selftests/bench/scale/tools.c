// SPDX-License-Identifier: GPL-2.0
/* What an admin looks at VMs with, by how many there are. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../lib.h"
#include "../bench.h"
#include "crowd.h"
#include "scale.h"

static struct crowd crowd;

/* ns of CPU time, which are instructions, that @command takes itself, as user and in the kernel. */
static uint64_t spent(char *const command[])
{
	int out = open("/dev/null", O_WRONLY), status;
	struct rusage use;
	pid_t pid = fork();

	if (!pid) {
		dup2(out, STDOUT_FILENO);
		execvp(command[0], command);
		_exit(127);
	}
	close(out);
	if (pid < 0 || wait4(pid, &status, 0, &use) != pid || status)
		die("denalictl %s: failed", command[1]);
	return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000000ULL +
	       (use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1000ULL;
}

/* Its second run, with all that it reads in memory. */
static void measure(const char *name, char *const command[])
{
	spent(command);
	printf("tools %d %s %llu\n", crowd.nr, name, (unsigned long long)spent(command));
	fflush(stdout);
}

#define MEASURE(name, ...) measure(name, (char *[]){ "denalictl", __VA_ARGS__, NULL })

static void measure_all(void)
{
	char one[32];

	snprintf(one, sizeof(one), "vm%llu", (unsigned long long)crowd.id[crowd.nr / 2]);
	MEASURE("list", "list");
	MEASURE("list-json", "-j", "list");
	MEASURE("show", "show");
	MEASURE("show-one", "show", one);
	MEASURE("top", "top", "-b", "-n", "1");
}

void scale_tools(int dev, int most, int seconds)
{
	int nr;

	crowd_init(&crowd, dev);
	for (nr = 100; nr < most; nr *= 10) {
		crowd_grow(&crowd, nr, "");
		measure_all();
	}
	crowd_grow(&crowd, most, "");
	measure_all();
	crowd_exit(&crowd);
}
