// SPDX-License-Identifier: GPL-2.0
/*
 * The terminal as a screen of lines, for top. The few escape sequences that this takes are
 * those that every terminal of today knows; what was on the terminal is kept in its other screen.
 *
 * However the program ends, the terminal is put back first: by an exit handler, and by a handler
 * for every signal that would end it, which then lets it. Between ^Z and the next
 * SIGCONT as well. Signals that only have the screen drawn anew come while it waits for a
 * key, and at no other time.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "ctl.h"
#include "top.h"

#define ENTER	"\033[?1049h\033[?25l\033[?7l\033[H\033[2J"
#define LEAVE	"\033[?7h\033[?25h\033[?1049l"

/* The rest of a key's sequence comes at once, or over a slow line a little later. */
#define REST_MS	50

static const int deadly[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGUSR1, SIGSEGV, SIGUSR2,
	SIGALRM, SIGTERM, SIGSTKFLT, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSYS,
};

static volatile sig_atomic_t entered;
static volatile sig_atomic_t resized;
static struct termios saved;
static bool has_keys;		/* standard input is a terminal, and saved is how it was */
static sigset_t wait_mask;	/* while it waits for a key */

static char *frame;
static size_t frame_len, frame_room;
static bool frame_lost;		/* out of memory */
static int lines_left, width;

static char keys[64];
static size_t keys_len, keys_pos;

/* All of it, if the terminal takes it. Safe in signal handlers. */
static bool put(const char *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(STDOUT_FILENO, data, len);
		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

			poll(&p, 1, -1);
		} else if (n < 0 && errno != EINTR) {
			return false;
		}
		if (n > 0) {
			data += n;
			len -= n;
		}
	}
	return true;
}

static bool take(void)
{
	struct termios raw = saved;

	if (has_keys) {
		raw.c_lflag &= ~(ICANON | ECHO);
		raw.c_iflag &= ~(ICRNL | INLCR | IXON);
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw))
			return false;
	}
	entered = 1;
	return put(ENTER, sizeof(ENTER) - 1);
}

void screen_leave(void)
{
	if (!entered)
		return;
	entered = 0;
	put(LEAVE, sizeof(LEAVE) - 1);
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
}

/* The handler is reset by then: the signal does what it does as soon as this returns. */
static void on_deadly(int sig)
{
	screen_leave();
	raise(sig);
}

/* The same: this stops it. SIGCONT is waited for right behind that. */
static void on_stop(int sig)
{
	int err = errno;

	(void)sig;
	screen_leave();
	raise(SIGSTOP);
	errno = err;
}

static void on_cont(int sig)
{
	int err = errno;

	(void)sig;
	/* In the background the terminal is somebody else's. */
	if (has_keys && tcgetpgrp(STDIN_FILENO) != getpgrp())
		raise(SIGSTOP);
	else
		take();
	resized = 1;
	errno = err;
}

static void on_resize(int sig)
{
	(void)sig;
	resized = 1;
}

/* What is ignored, as by nohup(1), stays ignored. */
static void handle(int sig, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags }, old;

	sigfillset(&sa.sa_mask);
	if (!sigaction(sig, NULL, &old) && old.sa_handler != SIG_IGN)
		sigaction(sig, &sa, NULL);
}

static void signals_handle(void)
{
	sigset_t held;
	size_t i;

	sigemptyset(&held);
	sigaddset(&held, SIGTSTP);
	sigaddset(&held, SIGCONT);
	sigaddset(&held, SIGWINCH);
	sigprocmask(SIG_BLOCK, &held, &wait_mask);
	sigdelset(&wait_mask, SIGTSTP);
	sigdelset(&wait_mask, SIGCONT);
	sigdelset(&wait_mask, SIGWINCH);

	for (i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		handle(deadly[i], on_deadly, SA_RESETHAND);
	handle(SIGTSTP, on_stop, 0);
	handle(SIGCONT, on_cont, 0);
	handle(SIGWINCH, on_resize, 0);
}

static int fail(struct denali_error *err, const char *what)
{
	err->code = errno;
	snprintf(err->message, sizeof(err->message), "%s: %s", what, strerror(err->code));
	return -err->code;
}

/* Standard output is a terminal. */
int screen_enter(struct denali_error *err)
{
	has_keys = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &saved);
	atexit(screen_leave);
	signals_handle();
	return take() ? 0 : fail(err, "terminal");
}

void screen_size(int *lines, int *columns)
{
	struct winsize size;

	*lines = 24;
	*columns = 80;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col) {
		*lines = size.ws_row;
		*columns = size.ws_col;
	}
}

/* ---- Output: a frame is written at once, so that nothing flickers ---- */

static void frame_add(const char *data, size_t len)
{
	if (frame_len + len > frame_room) {
		size_t room = 2 * (frame_len + len);
		char *more = realloc(frame, room);

		if (!more) {
			frame_lost = true;
			return;
		}
		frame = more;
		frame_room = room;
	}
	memcpy(frame + frame_len, data, len);
	frame_len += len;
}

static void frame_text(const char *text)
{
	frame_add(text, strlen(text));
}

void screen_begin(void)
{
	screen_size(&lines_left, &width);
	frame_len = 0;
	frame_lost = false;
	frame_text("\033[H");
}

/* The next line, as much of it as there is room for; none if there is no room below. */
void screen_line(const char *text, enum screen_style style)
{
	static const char * const styles[] = {
		[SCREEN_PLAIN] = "", [SCREEN_BOLD] = "\033[1m", [SCREEN_REVERSE] = "\033[7m"
	};
	char padded[TOP_LINE];

	if (!lines_left)
		return;
	if (style == SCREEN_REVERSE) {
		snprintf(padded, sizeof(padded), "%-*s", width, text);
		text = padded;
	}
	/* Before the text: behind one that fills the line it would take the last character. */
	frame_text("\033[K");
	frame_text(styles[style]);
	frame_add(text, strnlen(text, width));
	if (style)
		frame_text("\033[m");
	/* Behind the last line this would scroll. */
	if (--lines_left)
		frame_text("\r\n");
}

int screen_show(struct denali_error *err)
{
	if (lines_left)
		frame_text("\033[J");
	errno = ENOMEM;
	if (frame_lost)
		return fail(err, "screen");
	return put(frame, frame_len) ? 0 : fail(err, "standard output");
}

/* ---- Input ---- */

/* Whether there is a byte now, or in @ms. */
static bool keys_read(int ms)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t n;

	if (keys_pos < keys_len)
		return true;
	if (poll(&p, 1, ms) <= 0)
		return false;
	n = read(STDIN_FILENO, keys, sizeof(keys));
	keys_pos = 0;
	keys_len = n > 0 ? n : 0;
	return n > 0;
}

/* What stands behind ESC: [ or O, digits and semicolons, a letter or ~. */
static int escape_key(void)
{
	static const struct {
		char number, letter;
		int key;
	} known[] = {
		{ 0, 'A', SCREEN_UP }, { 0, 'B', SCREEN_DOWN }, { 0, 'C', SCREEN_RIGHT },
		{ 0, 'D', SCREEN_LEFT }, { 0, 'H', SCREEN_HOME }, { 0, 'F', SCREEN_END },
		{ 1, '~', SCREEN_HOME }, { 4, '~', SCREEN_END }, { 7, '~', SCREEN_HOME },
		{ 8, '~', SCREEN_END }, { 5, '~', SCREEN_PAGE_UP }, { 6, '~', SCREEN_PAGE_DOWN },
	};
	unsigned int number = 0, i;
	char c;

	if (!keys_read(REST_MS))
		return SCREEN_ESCAPE;
	c = keys[keys_pos++];
	if (c != '[' && c != 'O')
		return SCREEN_OTHER;
	while (keys_read(REST_MS)) {
		c = keys[keys_pos++];
		if (c >= '0' && c <= '9')
			number = (10 * number + c - '0') % 1000;
		else if (c != ';')
			break;
	}
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (c == known[i].letter && (c != '~' || number == (unsigned int)known[i].number))
			return known[i].key;
	return SCREEN_OTHER;
}

/* A key: a byte or SCREEN_*; SCREEN_NOTHING at @until, which is as top_now() tells. */
int screen_wait(uint64_t until)
{
	struct pollfd p = { .fd = has_keys ? STDIN_FILENO : -1, .events = POLLIN };
	uint64_t now = top_now(), left = until > now ? until - now : 0;
	struct timespec ts = { .tv_sec = left / 1000000000, .tv_nsec = left % 1000000000 };
	int c;

	if (keys_pos == keys_len) {
		int ret = ppoll(&p, 1, &ts, &wait_mask);

		if (resized) {
			resized = 0;
			return SCREEN_RESIZED;
		}
		if (ret < 0)
			return errno == EINTR ? SCREEN_OTHER : SCREEN_GONE;
		if (!ret)
			return SCREEN_NOTHING;
		if (!keys_read(0))
			return SCREEN_GONE;
	}
	c = (unsigned char)keys[keys_pos++];
	return c == 033 ? escape_key() : c;
}
