/* SPDX-License-Identifier: MIT */
/* libos: the ways to end the VM that don't go through exit(). */
#ifndef DENALI_OS_PANIC_H
#define DENALI_OS_PANIC_H

/**
 * denali_panic() - end the VM as failed; the text is in its report (119 bytes)
 * @fmt: %s %d %u %x %p %c %% with an optional l. Any context.
 */
void denali_panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/** denali_exit() - end the VM with a status at once, nothing flushed. Any context. */
void denali_exit(int status) __attribute__((noreturn));

#endif /* DENALI_OS_PANIC_H */
