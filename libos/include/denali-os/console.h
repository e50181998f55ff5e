/* SPDX-License-Identifier: MIT */
/*
 * libos console: port 0. Descriptors 0, 1 and 2 are it; this is for code
 * without libc.
 */
#ifndef DENALI_OS_CONSOLE_H
#define DENALI_OS_CONSOLE_H

#include <stddef.h>

/** denali_console_write() - print all of it; sleeps while the host's buffer is full. */
void denali_console_write(const void *buf, size_t len);

/** denali_console_puts() - print a string, as it is. */
void denali_console_puts(const char *s);

/** denali_console_read() - sleep for input; return 1..len bytes of it. 0: @len is 0. */
size_t denali_console_read(void *buf, size_t len);

/** denali_console_flush() - wait until the host has taken all that was printed. */
void denali_console_flush(void);

#endif /* DENALI_OS_CONSOLE_H */
