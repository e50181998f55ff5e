/* SPDX-License-Identifier: MIT */
/* libos random numbers: straight from the host's generator, any amount. getentropy() is in unistd.h. */
#ifndef DENALI_OS_RANDOM_H
#define DENALI_OS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/** denali_random() - fill @buf with @len random bytes. Any context. Can't fail. */
void denali_random(void *buf, size_t len);
uint32_t denali_random32(void);

#endif /* DENALI_OS_RANDOM_H */
