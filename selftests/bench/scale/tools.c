// SPDX-License-Identifier: GPL-2.0
/* What an admin looks at VMs with, by how many there are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib.h"
#include "../bench.h"
#include "crowd.h"
#include "scale.h"

static struct crowd crowd;

/* Its second run, with all that it reads in memory. */
static void measure(const char *name, const char *command)
{
	uint64_t start = 0;
	int i;

	for (i = 0; i < 2; i++) {
		start = now_ns();
		if (system(command))
			die("%s: failed", command);
	}
	printf("tools %d %s %llu\n", crowd.nr, name, (unsigned long long)(now_ns() - start));
	fflush(stdout);
}

static void measure_all(void)
{
	char show[64];

	measure("list", "denalictl list >/dev/null");
	measure("list-json", "denalictl -j list >/dev/null");
	snprintf(show, sizeof(show), "denalictl show vm%llu >/dev/null", (unsigned long long)crowd.id[crowd.nr / 2]);
	measure("show-one", show);
	measure("top", "denalictl top -b -n 1 >/dev/null");
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
