// SPDX-License-Identifier: GPL-2.0
/*
 * poll() and select() on the console and on a file of this test's own; what
 * descriptors do. Wants "line one\nline two\n" on its console, the second line
 * after it has printed "# more".
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <denali-os/fd.h>
#include <denali-os/timer.h>

#include "libos-tap.h"

static struct denali_file *box;
static volatile short box_events;
static int box_closed;

static short box_poll(struct denali_file *file)
{
	box = file;
	return box_events;
}

static int box_close(struct denali_file *file)
{
	(void)file;
	box_closed++;
	return 0;
}

static const struct denali_file_ops box_ops = { .poll = box_poll, .close = box_close };

static void *signal_box(void *arg)
{
	while (!box)
		sched_yield();
	usleep(3000);
	box_events = (short)(intptr_t)arg;
	denali_file_notify(box);
	return NULL;
}

static void test_files(void)
{
	int fd = denali_fd_install(&box_ops, NULL, O_RDWR), fd2;
	struct pollfd p[3] = { { fd, POLLIN, 0 }, { -1, POLLIN, 9 }, { 99, POLLIN, 0 } };
	struct timeval tv = { 0, 2000 };
	struct stat st;
	pthread_t thread;
	uint64_t start;
	fd_set in, out;
	int fds[DENALI_FD_MAX], n, on = 1;

	tap_ok(fd == 3, "the lowest free descriptor is given");
	tap_ok(poll(p, 3, -1) == 1 && p[2].revents == POLLNVAL && !p[1].revents, "poll: POLLNVAL for what isn't open");
	start = denali_clock_ns();
	tap_ok(poll(p, 1, 5) == 0 && denali_clock_ns() - start >= 5 * DENALI_NS_PER_MS, "poll: timeout");
	tap_ok(poll(p, 1, 0) == 0, "poll: 0 doesn't wait");
	pthread_create(&thread, NULL, signal_box, (void *)POLLIN);
	tap_ok(poll(p, 1, -1) == 1 && p[0].revents == POLLIN, "poll: a notification ends it");
	pthread_join(thread, NULL);
	box_events = 0;
	pthread_create(&thread, NULL, signal_box, (void *)POLLHUP);
	tap_ok(poll(p, 1, 10000) == 1 && p[0].revents == POLLHUP, "poll: POLLHUP comes unasked");
	pthread_join(thread, NULL);
	FD_ZERO(&in);
	FD_SET(fd, &in);
	FD_ZERO(&out);
	FD_SET(1, &out);
	box_events = 0;
	tap_ok(select(fd + 1, &in, &out, NULL, &tv) == 1 && !FD_ISSET(fd, &in) && FD_ISSET(1, &out),
	       "select: one ready, the other cleared");
	FD_SET(fd, &in);
	tap_ok(select(fd + 1, &in, NULL, NULL, &tv) == 0 && !FD_ISSET(fd, &in), "select: timeout clears the sets");
	FD_ZERO(&in);
	FD_SET(77, &in);
	tap_ok(select(78, &in, NULL, NULL, NULL) == -1 && errno == EBADF, "select: EBADF");
	fd2 = dup(fd);
	close(fd);
	tap_ok(!box_closed && fd2 == 4, "a file stays until its last descriptor is closed");
	tap_ok(!ioctl(fd2, FIONBIO, &on) && (fcntl(fd2, F_GETFL) & O_NONBLOCK), "FIONBIO is O_NONBLOCK");
	tap_ok(!fcntl(fd2, F_SETFL, 0) && fcntl(fd2, F_GETFL) == O_RDWR, "F_SETFL");
	close(fd2);
	tap_ok(box_closed == 1, "and is closed then");
	tap_ok(read(fd2, &st, 1) == -1 && errno == EBADF, "EBADF after close");
	tap_ok(close(-1) == -1 && errno == EBADF, "close(-1) is EBADF");
	for (n = 0; n < DENALI_FD_MAX; n++) {
		fds[n] = denali_fd_install(&box_ops, NULL, O_RDWR);
		if (fds[n] < 0)
			break;
	}
	tap_ok(n == DENALI_FD_MAX - 3 && errno == EMFILE, "a full table is EMFILE");
	while (n--)
		close(fds[n]);
	tap_ok(box_closed == 1 + DENALI_FD_MAX - 3, "all of them are closed");
	tap_ok(isatty(0) && isatty(1) && !isatty(3), "the console is a terminal");
	tap_ok(!fstat(1, &st) && S_ISCHR(st.st_mode), "and a character device");
	tap_ok(lseek(1, 0, SEEK_SET) == -1 && errno == ESPIPE, "it can't seek");
	tap_ok(open("/nothing", O_RDONLY) == -1 && errno == ENOENT, "there are no files: ENOENT");
}

static void test_console(void)
{
	struct pollfd p = { 0, POLLIN, 0 };
	char line[64];
	fd_set in;

	FD_ZERO(&in);
	FD_SET(0, &in);
	tap_ok(select(1, &in, NULL, NULL, NULL) == 1 && FD_ISSET(0, &in), "select: input on the console");
	tap_ok(fgets(line, sizeof(line), stdin) && !strcmp(line, "line one\n"), "the first line");
	printf("# more\n");
	fflush(stdout);
	tap_ok(poll(&p, 1, -1) == 1 && p.revents == POLLIN, "poll: input on the console");
	tap_ok(fgets(line, sizeof(line), stdin) && !strcmp(line, "line two\n"), "the second line");
	fcntl(0, F_SETFL, O_NONBLOCK);
	tap_ok(read(0, line, 1) == -1 && errno == EAGAIN, "no more: EAGAIN with O_NONBLOCK");
}

int main(void)
{
	test_files();
	test_console();
	return tap_done();
}
