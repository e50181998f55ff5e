/* SPDX-License-Identifier: MIT */
/*
 * libos descriptors: a table of files with operations. The console is 0, 1 and
 * 2; sockets plug in through denali_fd_install(). read(), write(), close(),
 * fcntl(), ioctl(), poll() and select() go through it.
 *
 * Operations return -1 with errno set, or their result, like the calls of the
 * same name. They are called from threads, without a lock held; any but close
 * may be NULL (EINVAL, ENOTTY for ioctl; poll NULL: always ready).
 */
#ifndef DENALI_OS_FD_H
#define DENALI_OS_FD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DENALI_FD_MAX	256

struct denali_file;
struct denali_poll_link;
struct stat;

struct denali_file_ops {
	ssize_t (*read)(struct denali_file *file, void *buf, size_t len);
	ssize_t (*write)(struct denali_file *file, const void *buf, size_t len);
	/* Called once, after the last user is gone. */
	int (*close)(struct denali_file *file);
	/*
	 * POLLIN | POLLOUT | POLLERR | POLLHUP that hold now; must not sleep. Whatever may
	 * add one of them calls denali_file_notify() after it did.
	 */
	short (*poll)(struct denali_file *file);
	int (*ioctl)(struct denali_file *file, unsigned long request, void *arg);
	int (*fstat)(struct denali_file *file, struct stat *st);
	/* F_SETFL changed file->flags; NULL: nothing to do. */
	int (*setfl)(struct denali_file *file, int flags);
};

struct denali_file {
	const struct denali_file_ops *ops;
	void *priv;			/* the owner's */
	int flags;			/* O_NONBLOCK, O_RDWR ... */
	int refs;
	struct denali_poll_link *links;	/* pollers, guarded by disabled interrupts */
};

/** denali_fd_install() - new file in the lowest free descriptor. Return: it, or -1 with EMFILE or ENOMEM. */
int denali_fd_install(const struct denali_file_ops *ops, void *priv, int flags);

/** denali_fd_get() - file of a descriptor, with a reference. Return: NULL with EBADF. */
struct denali_file *denali_fd_get(int fd);
/** denali_fd_put() - give the reference back; the last one closes. Return: 0, or what close returned. */
int denali_fd_put(struct denali_file *file);

/** denali_file_notify() - readiness may have changed: wake pollers. Any context. */
void denali_file_notify(struct denali_file *file);

#endif /* DENALI_OS_FD_H */
