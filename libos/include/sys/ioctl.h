/* SPDX-License-Identifier: MIT */
/* <sys/ioctl.h> of the libos. The encoding is BSD's, which lwIP has too. */
#ifndef _SYS_IOCTL_H
#define _SYS_IOCTL_H

#ifdef __cplusplus
extern "C" {
#endif

#ifndef FIONREAD
#define FIONREAD	0x4004667fUL	/* unsigned long *: bytes that can be read */
#endif
#ifndef FIONBIO
#define FIONBIO		0x8004667eUL	/* int *: set or clear O_NONBLOCK */
#endif

int ioctl(int fd, unsigned long request, ...);

#ifdef __cplusplus
}
#endif

#endif /* _SYS_IOCTL_H */
