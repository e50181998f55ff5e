/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a sweep must leave unharmed, see watch.c.
 */
#ifndef DENALI_SELFTESTS_WATCH_H
#define DENALI_SELFTESTS_WATCH_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

void watch_log(const char *text);
bool watch_start(int dev);
void watch_stop(void);
int watch_poll(struct pollfd *pfd, int ms);
bool watch_ok(char *why, size_t size);
void watch_spoil(unsigned int what);

#endif /* DENALI_SELFTESTS_WATCH_H */
