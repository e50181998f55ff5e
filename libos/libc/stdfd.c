// SPDX-License-Identifier: MIT
/* The console as a file: what descriptors 0, 1 and 2 are at start. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <denali-os/console.h>

#include "../core/console.h"
#include "stdfd.h"

static ssize_t console_read(struct denali_file *file, void *buf, size_t len)
{
	if ((file->flags & O_NONBLOCK) && !denali_console_ready()) {
		errno = EAGAIN;
		return -1;
	}
	return denali_console_read(buf, len);
}

static ssize_t console_write(struct denali_file *file, const void *buf, size_t len)
{
	(void)file;
	denali_console_write(buf, len);
	return len;
}

static int console_close(struct denali_file *file)
{
	(void)file;
	return 0;
}

static void console_input(void)
{
	denali_file_notify(&denali_console_file);
}

static short console_poll(struct denali_file *file)
{
	(void)file;
	denali_console_notify(console_input);
	return POLLOUT | (denali_console_ready() ? POLLIN : 0);
}

static int console_fstat(struct denali_file *file, struct stat *st)
{
	(void)file;
	st->st_mode = S_IFCHR | 0620;
	return 0;
}

static const struct denali_file_ops console_ops = {
	.read = console_read,
	.write = console_write,
	.close = console_close,
	.poll = console_poll,
	.fstat = console_fstat,
};

/* One reference a descriptor, and one that is never given back: it isn't heap. */
struct denali_file denali_console_file = {
	.ops = &console_ops,
	.flags = O_RDWR,
	.refs = 4,
};
