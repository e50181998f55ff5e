/* SPDX-License-Identifier: MIT */
/* What the two files of this guest share. */
#ifndef DENALI_TINY_H
#define DENALI_TINY_H

#include <denali-os/lwip.h>

/* main.c: of which the large object is made, a segment at a time. */
#define PATTERN_SIZE	TCP_MSS
extern char pattern[PATTERN_SIZE];

/* http.c: listen on this port. With the core lock held. Return: 0, or -1 without memory. */
int http_start(uint16_t port);

#endif /* DENALI_TINY_H */
