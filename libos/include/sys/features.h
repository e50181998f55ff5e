/* SPDX-License-Identifier: MIT */
/* What of POSIX is here, on top of newlib's own list: newlib's headers declare by it. */
#ifndef DENALI_SYS_FEATURES_H
#define DENALI_SYS_FEATURES_H

#define _POSIX_THREADS				200809L
#define _POSIX_TIMERS				200809L
#define _POSIX_MONOTONIC_CLOCK			200809L
#define _POSIX_CPUTIME				200809L
#define _POSIX_CLOCK_SELECTION			200809L
#define _POSIX_TIMEOUTS				200809L
#define _POSIX_SEMAPHORES			200809L
#define _POSIX_BARRIERS				200809L
#define _POSIX_READER_WRITER_LOCKS		200809L
#define _POSIX_THREAD_ATTR_STACKSIZE		200809L
#define _UNIX98_THREAD_MUTEX_ATTRIBUTES		1

#include_next <sys/features.h>

#endif /* DENALI_SYS_FEATURES_H */
