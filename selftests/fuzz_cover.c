// SPDX-License-Identifier: GPL-2.0
/*
 * Where in the module a thread's system calls have been, by KCOV: on a kernel that has it, with a
 * module built for it (make KERNEL=debug CONFIG_DENALI_COVERAGE=y). Elsewhere nothing is seen, and the fuzzer
 * goes by chance alone.
 */
#include <fcntl.h>
#include <linux/kcov.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#define WORDS	(8U << 10)

static __thread uint64_t *trace;

/** fuzz_cover_begin() - from now on, of this thread. Return: false if there is no KCOV. */
bool fuzz_cover_begin(void)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	void *p = MAP_FAILED;

	if (fd < 0)
		return false;
	if (ioctl(fd, KCOV_INIT_TRACE, WORDS) == 0)
		p = mmap(NULL, WORDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED && ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC) == 0)
		trace = p;
	/* The descriptor stays: with it the trace would end. */
	return trace;
}

/** fuzz_cover_take() - note where this thread has been since the last time */
void fuzz_cover_take(struct fuzz_shared *shared)
{
	uint64_t n;

	if (!trace)
		return;
	n = __atomic_exchange_n(&trace[0], 0, __ATOMIC_RELAXED);
	if (n >= WORDS)
		n = WORDS - 1;
	for (uint64_t i = 1; i <= n; i++)
		shared->cover[((trace[i] * 0x9e3779b97f4a7c15ULL) >> 48) % FUZZ_COVER] = 1;
}

/** fuzz_cover_news() - places that are new; they are old afterwards, and @shared has none */
unsigned int fuzz_cover_news(struct fuzz_shared *shared, uint8_t *seen)
{
	unsigned int news = 0;

	for (unsigned int i = 0; i < FUZZ_COVER; i++) {
		news += shared->cover[i] && !seen[i];
		seen[i] |= shared->cover[i];
		shared->cover[i] = 0;
	}
	return news;
}
