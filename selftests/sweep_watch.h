/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a sweep must leave unharmed, see sweep_watch.c.
 */
#ifndef DENALI_SELFTESTS_SWEEP_WATCH_H
#define DENALI_SELFTESTS_SWEEP_WATCH_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

void sweep_log(const char *text);
bool sweep_watch_start(int dev);
void sweep_watch_stop(void);
int sweep_watch_poll(struct pollfd *pfd, int ms);
bool sweep_watch_ok(char *why, size_t size);

#endif /* DENALI_SELFTESTS_SWEEP_WATCH_H */
