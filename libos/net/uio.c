// SPDX-License-Identifier: MIT
/* readv() and writev(): one call on a socket, one after the other elsewhere. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Return: -2 if @fd is no socket, else the result. */
static ssize_t as_message(int fd, const struct iovec *iov, int count, int out)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = count };
	ssize_t ret = out ? sendmsg(fd, &msg, 0) : recvmsg(fd, &msg, 0);

	return ret < 0 && errno == ENOTSOCK ? -2 : ret;
}

static ssize_t each(int fd, const struct iovec *iov, int count, int out)
{
	ssize_t ret, done;

	if (count <= 0 || count > IOV_MAX) {
		errno = EINVAL;
		return -1;
	}
	done = as_message(fd, iov, count, out);
	if (done != -2)
		return done;
	for (done = 0; count--; iov++) {
		ret = out ? write(fd, iov->iov_base, iov->iov_len) :
			    read(fd, iov->iov_base, iov->iov_len);
		if (ret < 0)
			return done ? done : ret;
		done += ret;
		if ((size_t)ret < iov->iov_len)
			break;
	}
	return done;
}

ssize_t readv(int fd, const struct iovec *iov, int count)
{
	return each(fd, iov, count, 0);
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
	return each(fd, iov, count, 1);
}
