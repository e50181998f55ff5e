/* SPDX-License-Identifier: GPL-2.0 */
/* TAP for the libos test guests: one check a property, the plan at the end, exit status 1 if one failed. */
#ifndef LIBOS_TAP_H
#define LIBOS_TAP_H

#include <stdio.h>

static int tap_count, tap_failed;

#define tap_ok(cond, ...) \
	do { \
		int tap_good = !!(cond); \
		tap_failed += !tap_good; \
		printf("%sok %d - ", tap_good ? "" : "not ", ++tap_count); \
		printf(__VA_ARGS__); \
		printf("\n"); \
		if (!tap_good) \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond); \
	} while (0)

static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif /* LIBOS_TAP_H */
