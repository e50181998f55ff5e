// SPDX-License-Identifier: MIT
/*
 * ends - the ways in which a guest ends, and what the host says of each
 *
 * Boot argument: how=exit (status=N), panic, assert, abort, null or divide. Explained
 * in Documentation/guest-programming.rst.
 *
 * Build: denali-cc -g -o ends ends.c
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <denali-os/bootargs.h>
#include <denali-os/panic.h>

static volatile int zero;

static __attribute__((noinline)) void store(int *to)
{
	*to = 42;
}

int main(void)
{
	char how[16] = "exit";

	denali_bootarg("how", how, sizeof(how));
	printf("ending by: %s\n", how);
	if (!strcmp(how, "panic"))
		denali_panic("out of %s, %d left", "patience", 0);
	if (!strcmp(how, "assert"))
		assert(zero == 1);
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "null"))
		store(NULL);
	if (!strcmp(how, "divide"))
		return 1000 / zero;
	return denali_bootarg_int("status", 0);
}
