// SPDX-License-Identifier: MIT
/* System calls of POSIX that have little to say here: there is no file system. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <denali/vregs.h>
#include <denali-os/fd.h>
#include <denali-os/random.h>

#define ENTROPY_MAX	256	/* POSIX's limit for a call */

int open(const char *path, int flags, ...)
{
	(void)path;
	errno = flags & O_CREAT ? EROFS : ENOENT;
	return -1;
}

int stat(const char *path, struct stat *st)
{
	(void)path;
	(void)st;
	errno = ENOENT;
	return -1;
}

int unlink(const char *path)
{
	(void)path;
	errno = ENOENT;
	return -1;
}

int link(const char *from, const char *to)
{
	(void)from;
	(void)to;
	errno = ENOENT;
	return -1;
}

int getentropy(void *buf, size_t len)
{
	if (len > ENTROPY_MAX) {
		errno = EIO;
		return -1;
	}
	denali_random(buf, len);
	return 0;
}

long sysconf(int name)
{
	switch (name) {
	case _SC_PAGESIZE:
		return DENALI_PAGE_SIZE;
	case _SC_OPEN_MAX:
		return DENALI_FD_MAX;
	case _SC_NPROCESSORS_CONF:
	case _SC_NPROCESSORS_ONLN:
		return 1;
	case _SC_PHYS_PAGES:
		return DENALI_VREGS->mem_size / DENALI_PAGE_SIZE;
	case _SC_CLK_TCK:
		return 1000000;
	}
	errno = EINVAL;
	return -1;
}
