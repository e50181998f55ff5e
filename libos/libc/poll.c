// SPDX-License-Identifier: MIT
/*
 * poll() and select() over all kinds of files. A poller hangs a link on each of
 * its files; denali_file_notify() marks the pollers of a file and wakes them.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/select.h>

#include <denali-os/fd.h>
#include <denali-os/irq.h>
#include <denali-os/thread.h>
#include <denali-os/timer.h>

#define POLL_ON_STACK	16	/* descriptors whose links aren't worth a malloc() */
#define POLL_ALWAYS	(POLLERR | POLLHUP | POLLNVAL)

struct poller {
	struct denali_waitq waitq;
	int notified;	/* since the last look at all files */
};

struct denali_poll_link {
	struct denali_poll_link *next;
	struct poller *poller;
	struct denali_file *file;
};

void denali_file_notify(struct denali_file *file)
{
	uint32_t flags = denali_irq_disable();

	for (struct denali_poll_link *link = file->links; link; link = link->next) {
		link->poller->notified = 1;
		denali_waitq_wake_all(&link->poller->waitq);
	}
	denali_irq_restore(flags);
}

static void poll_link(struct denali_poll_link *link, struct poller *poller, int fd)
{
	uint32_t flags;

	link->poller = poller;
	link->file = denali_fd_get(fd);
	if (!link->file)
		return;
	flags = denali_irq_disable();
	link->next = link->file->links;
	link->file->links = link;
	denali_irq_restore(flags);
}

static void poll_unlink(struct denali_poll_link *link)
{
	struct denali_poll_link **at;
	uint32_t flags;

	if (!link->file)
		return;
	flags = denali_irq_disable();
	for (at = &link->file->links; *at != link; at = &(*at)->next)
		;
	*at = link->next;
	denali_irq_restore(flags);
	denali_fd_put(link->file);
}

static int poll_scan(struct pollfd *fds, struct denali_poll_link *links, nfds_t count)
{
	int ready = 0;

	for (nfds_t i = 0; i < count; i++) {
		struct denali_file *file = links[i].file;

		if (fds[i].fd < 0)
			fds[i].revents = 0;
		else if (!file)
			fds[i].revents = POLLNVAL;
		else if (!file->ops->poll)
			fds[i].revents = fds[i].events & (POLLIN | POLLOUT);
		else
			fds[i].revents = file->ops->poll(file) & (fds[i].events | POLL_ALWAYS);
		ready += fds[i].revents != 0;
	}
	return ready;
}

static int poll_until(struct pollfd *fds, nfds_t count, uint64_t deadline)
{
	struct denali_poll_link on_stack[POLL_ON_STACK];
	struct denali_poll_link *links = on_stack;
	struct poller poller = { { NULL }, 0 };
	int ready, error = errno;

	if (count > DENALI_FD_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (count > POLL_ON_STACK) {
		links = malloc(count * sizeof(*links));
		if (!links) {
			errno = ENOMEM;
			return -1;
		}
	}
	for (nfds_t i = 0; i < count; i++) {
		if (fds[i].fd < 0)
			links[i].file = NULL;
		else
			poll_link(&links[i], &poller, fds[i].fd);
	}
	for (;;) {
		uint32_t flags;
		int late = 0;

		poller.notified = 0;
		ready = poll_scan(fds, links, count);
		if (ready)
			break;
		flags = denali_irq_disable();
		while (!poller.notified && !late)
			late = denali_waitq_sleep(&poller.waitq, deadline);
		denali_irq_restore(flags);
		if (late) {
			/* What came at the last moment counts. */
			ready = poll_scan(fds, links, count);
			break;
		}
	}
	for (nfds_t i = 0; i < count; i++)
		poll_unlink(&links[i]);
	if (links != on_stack)
		free(links);
	errno = error;
	return ready;
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	if (timeout_ms < 0)
		return poll_until(fds, count, DENALI_FOREVER);
	return poll_until(fds, count, denali_clock_deadline(timeout_ms * DENALI_NS_PER_MS));
}

/* Bits of the three sets for a descriptor, and back. A NULL set has none. */
static short select_events(int fd, fd_set *in, fd_set *out, fd_set *except)
{
	return (in && FD_ISSET(fd, in) ? POLLIN : 0) | (out && FD_ISSET(fd, out) ? POLLOUT : 0) |
	       (except && FD_ISSET(fd, except) ? POLLPRI : 0);
}

static int select_result(const struct pollfd *p, fd_set *in, fd_set *out, fd_set *except)
{
	int bits = 0;

	if (p->events & POLLIN) {
		if (p->revents & (POLLIN | POLLHUP | POLLERR))
			bits++;
		else
			FD_CLR(p->fd, in);
	}
	if (p->events & POLLOUT) {
		if (p->revents & (POLLOUT | POLLERR))
			bits++;
		else
			FD_CLR(p->fd, out);
	}
	if (p->events & POLLPRI) {
		if (p->revents & POLLPRI)
			bits++;
		else
			FD_CLR(p->fd, except);
	}
	return bits;
}

static int select_until(int nfds, fd_set *in, fd_set *out, fd_set *except, uint64_t deadline)
{
	struct pollfd on_stack[POLL_ON_STACK];
	struct pollfd *fds = on_stack;
	nfds_t count = 0;
	int ret = 0;

	if (nfds < 0 || nfds > FD_SETSIZE) {
		errno = EINVAL;
		return -1;
	}
	for (int fd = 0; fd < nfds; fd++)
		count += select_events(fd, in, out, except) != 0;
	if (count > POLL_ON_STACK) {
		fds = malloc(count * sizeof(*fds));
		if (!fds) {
			errno = ENOMEM;
			return -1;
		}
	}
	count = 0;
	for (int fd = 0; fd < nfds; fd++) {
		short events = select_events(fd, in, out, except);

		if (events)
			fds[count++] = (struct pollfd){ .fd = fd, .events = events };
	}
	if (poll_until(fds, count, deadline) < 0)
		ret = -1;
	for (nfds_t i = 0; i < count && ret >= 0; i++) {
		if (fds[i].revents & POLLNVAL) {
			errno = EBADF;
			ret = -1;
		}
	}
	for (nfds_t i = 0; i < count && ret >= 0; i++)
		ret += select_result(&fds[i], in, out, except);
	if (fds != on_stack)
		free(fds);
	return ret;
}

int select(int nfds, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
	uint64_t ns = DENALI_FOREVER;

	if (timeout) {
		if (timeout->tv_sec < 0 || timeout->tv_usec < 0 || timeout->tv_usec >= 1000000) {
			errno = EINVAL;
			return -1;
		}
		if ((uint64_t)timeout->tv_sec < DENALI_FOREVER / DENALI_NS_PER_SEC)
			ns = timeout->tv_sec * DENALI_NS_PER_SEC + timeout->tv_usec * DENALI_NS_PER_US;
	}
	return select_until(nfds, in, out, except, denali_clock_deadline(ns));
}
