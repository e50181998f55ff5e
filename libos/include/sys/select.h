/* SPDX-License-Identifier: MIT */
/* POSIX <sys/select.h>: newlib's, for as many descriptors as there are. */
#ifndef DENALI_SYS_SELECT_H
#define DENALI_SYS_SELECT_H

#ifndef FD_SETSIZE
#define FD_SETSIZE	256
#endif

#include_next <sys/select.h>

#endif /* DENALI_SYS_SELECT_H */
