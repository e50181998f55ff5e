// SPDX-License-Identifier: GPL-2.0
/*
 * A guest's console on standard input and output. Everything is polled, output
 * as well, so that neither a full pipe nor a silent guest can keep a signal from
 * ending it. Bytes pass unchanged: a console is a terminal.
 *
 * The terminal stays in line mode with the kernel's editing and echo. To detach,
 * ^] is made a second end-of-line character, which hands it over at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "ctl.h"

#define DETACH_CHAR	0x1d

/* A writable pipe takes at least this without blocking (PIPE_BUF). */
#define CHUNK		4096

struct chunk {
	char data[CHUNK];
	size_t pos;
	size_t len;
};

struct stream {
	struct ctl_stream *s;
	int signal_fd;
	struct chunk in;	/* to the guest */
	struct chunk out;	/* from the guest */
	bool in_open;
	bool in_tty;
	bool detaching;
	bool eof;		/* nothing more will come from the guest */
	bool idle;		/* nothing there at the moment */
	bool ended;		/* the VM has ended: its console won't fill any more */
};

static bool would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static void fill_out(struct stream *st)
{
	ssize_t n = read(st->s->console, st->out.data, sizeof(st->out.data));

	st->out.pos = 0;
	st->out.len = n > 0 ? n : 0;
	st->idle = n < 0 && would_block();
	if (!n || (n < 0 && !would_block()))
		st->eof = true;
	else if (st->idle && (st->ended || st->s->dump))
		st->eof = true;
}

static bool drain_out(struct stream *st)
{
	ssize_t n = write(STDOUT_FILENO, st->out.data + st->out.pos, st->out.len - st->out.pos);

	if (n < 0)
		return would_block();
	st->out.pos += n;
	return true;
}

static void fill_in(struct stream *st)
{
	ssize_t n = read(STDIN_FILENO, st->in.data, sizeof(st->in.data));
	char *mark;

	if (n < 0 && would_block())
		return;
	st->in.pos = 0;
	st->in.len = n > 0 ? n : 0;
	if (n <= 0) {
		st->in_open = false;
		st->detaching = st->s->detach && st->in_tty;
		return;
	}
	mark = st->s->detach && st->in_tty ? memchr(st->in.data, DETACH_CHAR, n) : NULL;
	if (mark) {
		st->in.len = mark - st->in.data;
		st->detaching = true;
	}
}

static void drain_in(struct stream *st)
{
	ssize_t n = write(st->s->console, st->in.data + st->in.pos, st->in.len - st->in.pos);

	if (n >= 0)
		st->in.pos += n;
	else if (!would_block())
		st->in.pos = st->in.len;	/* the guest is gone; so is its input */
}

/* Reading the terminal from the background would stop the program. */
static bool in_readable(const struct stream *st)
{
	return st->in_open && (!st->in_tty || tcgetpgrp(STDIN_FILENO) == getpgrp());
}

static enum ctl_stream_end stream_loop(struct stream *st)
{
	enum { P_SIGNAL, P_VM, P_CONSOLE, P_STDIN, P_STDOUT, P_NR };

	for (;;) {
		bool out = st->out.pos < st->out.len, in = st->in.pos < st->in.len;
		struct pollfd p[P_NR] = {
			[P_SIGNAL] = { .fd = st->signal_fd, .events = POLLIN },
			[P_VM] = { .fd = st->ended ? -1 : st->s->vm_fd, .events = POLLIN },
			[P_CONSOLE] = { .fd = st->s->console,
					.events = (out ? 0 : POLLIN) | (in ? POLLOUT : 0) },
			[P_STDIN] = { .fd = !in && !st->detaching && in_readable(st) ?
					    STDIN_FILENO : -1, .events = POLLIN },
			[P_STDOUT] = { .fd = out ? STDOUT_FILENO : -1, .events = POLLOUT },
		};
		struct signalfd_siginfo si;
		int timeout = st->s->dump || st->ended ? 0 : -1;

		if (!out && st->eof)
			return CTL_STREAM_ENDED;
		if (!in && st->detaching)
			return CTL_STREAM_DETACHED;
		/* An ended VM's console is always readable: don't let its events spin. */
		if (!p[P_CONSOLE].events)
			p[P_CONSOLE].fd = -1;
		/* Only output is left to wait for, or a terminal that may come to the front. */
		if (out && (st->ended || st->s->dump))
			timeout = -1;
		else if (timeout < 0 && st->in_open && p[P_STDIN].fd < 0 && !in)
			timeout = 1000;

		if (poll(p, P_NR, timeout) < 0 && errno != EINTR)
			return CTL_STREAM_OUTPUT;

		if (p[P_SIGNAL].revents && read(st->signal_fd, &si, sizeof(si)) == sizeof(si)) {
			st->s->signal = si.ssi_signo;
			return CTL_STREAM_SIGNAL;
		}
		if (p[P_STDOUT].revents && !drain_out(st))
			return CTL_STREAM_OUTPUT;
		if (p[P_VM].revents)
			st->ended = true;
		if (!out && !st->eof &&
		    (p[P_CONSOLE].revents & ~POLLOUT || st->ended || st->s->dump))
			fill_out(st);
		if (p[P_STDIN].revents)
			fill_in(st);
		if (in && p[P_CONSOLE].revents & ~POLLIN)
			drain_in(st);
	}
}

enum ctl_stream_end ctl_stream_run(struct ctl_stream *stream)
{
	struct stream st = { .s = stream, .in_open = stream->input };
	struct termios saved, mine;
	enum ctl_stream_end end;
	bool restore = false;

	stream->signal = 0;
	ctl_signals_block();
	/* A descriptor that can't be had leaves signals to wait for the VM's end. */
	st.signal_fd = ctl_signals_fd();
	fcntl(stream->console, F_SETFL, fcntl(stream->console, F_GETFL) | O_NONBLOCK);

	st.in_tty = stream->input && isatty(STDIN_FILENO);
	if (st.in_tty && stream->detach && !tcgetattr(STDIN_FILENO, &saved)) {
		mine = saved;
		mine.c_lflag |= ICANON | IEXTEN;
		mine.c_cc[VEOL2] = DETACH_CHAR;
		restore = !tcsetattr(STDIN_FILENO, TCSANOW, &mine);
	}
	end = stream_loop(&st);
	if (restore)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	if (st.signal_fd >= 0)
		close(st.signal_fd);
	return end;
}
