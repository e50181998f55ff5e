// SPDX-License-Identifier: MIT
/*
 * hello: says what the VM is and ends. The boot argument status=N makes N its
 * exit status.
 */
#include <stdio.h>
#include <time.h>

#include <denali/vregs.h>
#include <denali-os/bootargs.h>
#include <denali-os/timer.h>

int main(void)
{
	struct timespec now;
	struct tm tm;
	char date[32];

	clock_gettime(CLOCK_REALTIME, &now);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", gmtime_r(&now.tv_sec, &tm));
	printf("Hello from a Denali VM\n");
	printf("memory: %lu KiB\n", (unsigned long)(DENALI_VREGS->mem_size / 1024));
	printf("clock: %s UTC, %lu us after the start\n", date,
	       (unsigned long)(denali_clock_ns() / DENALI_NS_PER_US));
	printf("boot arguments: %s\n", (const char *)DENALI_VREGS->cmdline);
	return denali_bootarg_int("status", 0);
}
