/* SPDX-License-Identifier: MIT */
/* The console driver's hooks for descriptors 0, 1 and 2 (libc/stdfd.c). */
#ifndef DENALI_CORE_CONSOLE_H
#define DENALI_CORE_CONSOLE_H

/* Would denali_console_read() return at once? */
int denali_console_ready(void);

/* Wait for the output that is going out, and let no more begin. */
void denali_console_lock(void);
void denali_console_unlock(void);

/* The host knows nothing of the rings any more. Interrupts disabled, output locked. */
void denali_console_restart(void);

/* Call @fn from the interrupt when input may have come. */
void denali_console_notify(void (*fn)(void));

#endif /* DENALI_CORE_CONSOLE_H */
