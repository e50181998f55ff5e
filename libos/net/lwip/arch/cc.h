/* SPDX-License-Identifier: MIT */
/* lwIP's view of compiler and machine: gcc, 32-bit x86, newlib. */
#ifndef DENALI_ARCH_CC_H
#define DENALI_ARCH_CC_H

#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include <sys/types.h>
#include <denali-os/panic.h>
#include <denali-os/random.h>

#ifndef BYTE_ORDER
#define BYTE_ORDER			LITTLE_ENDIAN
#endif

#define lwip_htons(x)			__builtin_bswap16(x)
#define lwip_htonl(x)			__builtin_bswap32(x)

#define LWIP_PLATFORM_DIAG(x)
#define LWIP_PLATFORM_ASSERT(x)		denali_panic("lwIP: %s", x)
#define LWIP_RAND()			denali_random32()

#define SMEMCPY(dst, src, len)		__builtin_memcpy(dst, src, len)

/*
 * Pools aren't arrays: what lwIP declares as a pool's memory holds its
 * counters (struct denali_pool in memory.c).
 */
#define DENALI_POOL_STATE		12
#define LWIP_DECLARE_MEMORY_ALIGNED(name, size) \
	u8_t name[DENALI_POOL_STATE] __attribute__((aligned(4)))

#endif /* DENALI_ARCH_CC_H */
