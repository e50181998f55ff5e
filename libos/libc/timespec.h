/* SPDX-License-Identifier: MIT */
/* Conversions of POSIX times, for time.c, pthread and semaphores. */
#ifndef DENALI_LIBC_TIMESPEC_H
#define DENALI_LIBC_TIMESPEC_H

#include <stdint.h>

struct timespec;

/* A span in ns, cut to DENALI_FOREVER. Return: 0, EINVAL (tv_nsec). */
int denali_timespec_ns(const struct timespec *ts, uint64_t *ns);

/* A time of CLOCK_MONOTONIC or CLOCK_REALTIME as one of denali_clock_ns(). Return: 0, EINVAL. */
int denali_timespec_deadline(const struct timespec *ts, int monotonic, uint64_t *deadline);

#endif /* DENALI_LIBC_TIMESPEC_H */
