/* SPDX-License-Identifier: MIT */
/*
 * libos boot arguments: words of the form key=value in the VM's command line.
 * A value with blanks is quoted: key="two words". The last of a key wins.
 */
#ifndef DENALI_OS_BOOTARGS_H
#define DENALI_OS_BOOTARGS_H

#include <stddef.h>

/**
 * denali_bootarg() - copy the value of a key
 * @buf: takes the value (a bare key has an empty one), cut to @size with its NUL
 * Return: @buf, or NULL if the key isn't there.
 */
char *denali_bootarg(const char *key, char *buf, size_t size);

/** denali_bootarg_int() - value as a number (C notation), @def if absent or not one. */
long denali_bootarg_int(const char *key, long def);

#endif /* DENALI_OS_BOOTARGS_H */
