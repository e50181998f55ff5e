// SPDX-License-Identifier: MIT
/*
 * The descriptor table and the calls on it. A call holds a reference to its
 * file, so close() from another thread takes the descriptor away at once and the
 * file when that call is done. The table and the counts are guarded by disabled
 * interrupts.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <denali-os/fd.h>
#include <denali-os/irq.h>

#include "stdfd.h"

static struct denali_file *table[DENALI_FD_MAX] = {
	&denali_console_file, &denali_console_file, &denali_console_file,
};

static int fd_place(struct denali_file *file, int from)
{
	uint32_t flags = denali_irq_disable();
	int fd;

	for (fd = from; fd < DENALI_FD_MAX; fd++) {
		if (!table[fd]) {
			table[fd] = file;
			break;
		}
	}
	denali_irq_restore(flags);
	if (fd < DENALI_FD_MAX)
		return fd;
	errno = EMFILE;
	return -1;
}

int denali_fd_install(const struct denali_file_ops *ops, void *priv, int flags)
{
	struct denali_file *file = calloc(1, sizeof(*file));
	int fd;

	if (!file) {
		errno = ENOMEM;
		return -1;
	}
	file->ops = ops;
	file->priv = priv;
	file->flags = flags;
	file->refs = 1;
	fd = fd_place(file, 0);
	if (fd < 0)
		free(file);
	return fd;
}

struct denali_file *denali_fd_get(int fd)
{
	struct denali_file *file = NULL;
	uint32_t flags = denali_irq_disable();

	if (fd >= 0 && fd < DENALI_FD_MAX)
		file = table[fd];
	if (file)
		file->refs++;
	denali_irq_restore(flags);
	if (!file)
		errno = EBADF;
	return file;
}

int denali_fd_put(struct denali_file *file)
{
	uint32_t flags = denali_irq_disable();
	int refs = --file->refs;
	int ret;

	denali_irq_restore(flags);
	if (refs)
		return 0;
	ret = file->ops->close(file);
	free(file);
	return ret;
}

/* End of a call: gives the reference back without touching the result or errno. */
static ssize_t fd_done(struct denali_file *file, ssize_t ret)
{
	int error = errno;

	denali_fd_put(file);
	errno = error;
	return ret;
}

static ssize_t fd_fail(struct denali_file *file, int error)
{
	errno = error;
	return fd_done(file, -1);
}

ssize_t read(int fd, void *buf, size_t len)
{
	struct denali_file *file = denali_fd_get(fd);

	if (!file)
		return -1;
	if (!file->ops->read)
		return fd_fail(file, EINVAL);
	return fd_done(file, file->ops->read(file, buf, len));
}

ssize_t write(int fd, const void *buf, size_t len)
{
	struct denali_file *file = denali_fd_get(fd);

	if (!file)
		return -1;
	if (!file->ops->write)
		return fd_fail(file, EINVAL);
	return fd_done(file, file->ops->write(file, buf, len));
}

int close(int fd)
{
	struct denali_file *file = NULL;
	uint32_t flags = denali_irq_disable();

	if (fd >= 0 && fd < DENALI_FD_MAX) {
		file = table[fd];
		table[fd] = NULL;
	}
	denali_irq_restore(flags);
	if (!file) {
		errno = EBADF;
		return -1;
	}
	/* Whoever polls it must learn that the descriptor is gone. */
	denali_file_notify(file);
	return denali_fd_put(file);
}

int dup2(int from, int to)
{
	struct denali_file *file = denali_fd_get(from);
	struct denali_file *old;
	uint32_t flags;

	if (!file)
		return -1;
	if (to < 0 || to >= DENALI_FD_MAX)
		return fd_fail(file, EBADF);
	if (from == to)
		return fd_done(file, to);
	flags = denali_irq_disable();
	old = table[to];
	table[to] = file;
	denali_irq_restore(flags);
	if (old)
		fd_done(old, 0);
	return to;
}

static int fd_dup(int from, int least)
{
	struct denali_file *file = denali_fd_get(from);
	int fd;

	if (!file)
		return -1;
	fd = fd_place(file, least);
	return fd < 0 ? fd_done(file, -1) : fd;
}

int dup(int from)
{
	return fd_dup(from, 0);
}

static int fd_setfl(struct denali_file *file, int flags)
{
	flags = (file->flags & O_ACCMODE) | (flags & (O_NONBLOCK | O_APPEND));
	if (file->ops->setfl && file->ops->setfl(file, flags) < 0)
		return -1;
	file->flags = flags;
	return 0;
}

int fcntl(int fd, int cmd, ...)
{
	struct denali_file *file = denali_fd_get(fd);
	va_list ap;
	int arg;

	if (!file)
		return -1;
	va_start(ap, cmd);
	arg = va_arg(ap, int);
	va_end(ap);
	switch (cmd) {
	case F_GETFL:
		return fd_done(file, file->flags);
	case F_SETFL:
		return fd_done(file, fd_setfl(file, arg));
	case F_GETFD:
	case F_SETFD:
		/* There is no exec() to close it at. */
		return fd_done(file, 0);
	case F_DUPFD:
		denali_fd_put(file);
		if (arg < 0 || arg >= DENALI_FD_MAX) {
			errno = EINVAL;
			return -1;
		}
		return fd_dup(fd, arg);
	}
	return fd_fail(file, EINVAL);
}

int ioctl(int fd, unsigned long request, ...)
{
	struct denali_file *file = denali_fd_get(fd);
	void *arg;
	va_list ap;

	if (!file)
		return -1;
	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request == FIONBIO) {
		int flags = file->flags & ~O_NONBLOCK;

		return fd_done(file, fd_setfl(file, *(int *)arg ? flags | O_NONBLOCK : flags));
	}
	if (!file->ops->ioctl)
		return fd_fail(file, ENOTTY);
	return fd_done(file, file->ops->ioctl(file, request, arg));
}

int fstat(int fd, struct stat *st)
{
	struct denali_file *file = denali_fd_get(fd);

	if (!file)
		return -1;
	if (!file->ops->fstat)
		return fd_fail(file, EINVAL);
	*st = (struct stat){ .st_blksize = 1024, .st_nlink = 1 };
	return fd_done(file, file->ops->fstat(file, st));
}

int isatty(int fd)
{
	struct denali_file *file = denali_fd_get(fd);

	if (!file)
		return 0;
	if (file->ops != denali_console_file.ops) {
		fd_fail(file, ENOTTY);
		return 0;
	}
	return fd_done(file, 1);
}

off_t lseek(int fd, off_t offset, int whence)
{
	struct denali_file *file = denali_fd_get(fd);

	(void)offset;
	(void)whence;
	return file ? fd_fail(file, ESPIPE) : -1;
}
