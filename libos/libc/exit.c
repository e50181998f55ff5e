// SPDX-License-Identifier: MIT
/*
 * Ends of a program. exit() has run atexit handlers and flushed streams when it
 * calls _exit(); what goes wrong ends the VM with a message for its report.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <denali-os/console.h>
#include <denali-os/panic.h>

void _exit(int status)
{
	denali_console_flush();
	denali_exit(status & 0xff);
}

void abort(void)
{
	denali_panic("abort() called at %p", __builtin_return_address(0));
}

void __assert_func(const char *file, int line, const char *func, const char *expr)
{
	denali_panic("assertion failed: %s, %s:%d%s%s", expr, file, line, func ? " in " : "", func ? func : "");
}

/* What newlib's raise() comes to for a signal without a handler. */
int kill(pid_t pid, int sig)
{
	if (pid != getpid() && pid != 0) {
		errno = ESRCH;
		return -1;
	}
	if (sig == 0)
		return 0;
	if (sig == SIGABRT)
		denali_panic("signal SIGABRT");
	_exit(128 + sig);
}

pid_t getpid(void)
{
	return 1;
}
