// SPDX-License-Identifier: MIT
/*
 * Random numbers. There is no pool in the guest: a VM that were cloned would
 * carry a copy of it along.
 */
#include <denali/hypercall.h>
#include <denali-os/panic.h>
#include <denali-os/random.h>

#define DENALI_RANDOM_MAX	256	/* bytes a hypercall gives */

void denali_random(void *buf, size_t len)
{
	char *at = buf;

	while (len) {
		size_t n = len < DENALI_RANDOM_MAX ? len : DENALI_RANDOM_MAX;
		int ret = denali_hypercall3(DENALI_HC_RANDOM, (uintptr_t)at, n, 0);

		if (ret < 0)
			denali_panic("libos: no random numbers from the host for %p: error %d", buf, -ret);
		at += n;
		len -= n;
	}
}

uint32_t denali_random32(void)
{
	uint32_t value;

	denali_random(&value, sizeof(value));
	return value;
}
