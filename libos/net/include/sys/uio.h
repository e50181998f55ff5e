/* SPDX-License-Identifier: MIT */
/* POSIX <sys/uio.h> of the libos. */
#ifndef _SYS_UIO_H
#define _SYS_UIO_H

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iovec {
	void  *iov_base;
	size_t iov_len;
};

#define IOV_MAX		1024

ssize_t readv(int fd, const struct iovec *iov, int count);
ssize_t writev(int fd, const struct iovec *iov, int count);

#ifdef __cplusplus
}
#endif

#endif /* _SYS_UIO_H */
