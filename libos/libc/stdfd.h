/* SPDX-License-Identifier: MIT */
/* The console as the file behind descriptors 0, 1 and 2. */
#ifndef DENALI_LIBC_STDFD_H
#define DENALI_LIBC_STDFD_H

#include <denali-os/fd.h>

extern struct denali_file denali_console_file;

#endif /* DENALI_LIBC_STDFD_H */
