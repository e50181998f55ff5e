// SPDX-License-Identifier: MIT
/* POSIX time on the guest's clocks. Wall time can't be set: it is the host's. */
#include <errno.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include <denali-os/thread.h>
#include <denali-os/timer.h>

#include "timespec.h"

static void to_timespec(uint64_t ns, struct timespec *ts)
{
	ts->tv_sec = ns / DENALI_NS_PER_SEC;
	ts->tv_nsec = ns % DENALI_NS_PER_SEC;
}

int denali_timespec_ns(const struct timespec *ts, uint64_t *ns)
{
	if (ts->tv_nsec < 0 || ts->tv_nsec >= (long)DENALI_NS_PER_SEC)
		return EINVAL;
	if (ts->tv_sec < 0)
		*ns = 0;
	else if ((uint64_t)ts->tv_sec >= DENALI_FOREVER / DENALI_NS_PER_SEC)
		*ns = DENALI_FOREVER;
	else
		*ns = ts->tv_sec * DENALI_NS_PER_SEC + ts->tv_nsec;
	return 0;
}

int denali_timespec_deadline(const struct timespec *ts, int monotonic, uint64_t *deadline)
{
	int ret = denali_timespec_ns(ts, deadline);

	if (!ret && !monotonic && *deadline != DENALI_FOREVER) {
		uint64_t now = denali_clock_wall_ns();

		*deadline = *deadline > now ? denali_clock_deadline(*deadline - now) : 0;
	}
	return ret;
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	switch (clock) {
	case CLOCK_REALTIME:
		to_timespec(denali_clock_wall_ns(), ts);
		return 0;
	case CLOCK_MONOTONIC:
		to_timespec(denali_clock_ns(), ts);
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		to_timespec(denali_clock_run_ns(), ts);
		return 0;
	}
	errno = EINVAL;
	return -1;
}

int clock_getres(clockid_t clock, struct timespec *ts)
{
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_PROCESS_CPUTIME_ID) {
		errno = EINVAL;
		return -1;
	}
	if (ts)
		to_timespec(1, ts);
	return 0;
}

int clock_settime(clockid_t clock, const struct timespec *ts)
{
	(void)ts;
	errno = clock == CLOCK_REALTIME ? EPERM : EINVAL;
	return -1;
}

/* Returns its error, as POSIX wants of this one. Nothing interrupts a sleep, so nothing remains. */
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *req, struct timespec *rem)
{
	uint64_t when;
	int ret;

	(void)rem;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return clock == CLOCK_PROCESS_CPUTIME_ID ? ENOTSUP : EINVAL;
	if (req->tv_sec < 0)
		return EINVAL;
	if (flags & TIMER_ABSTIME)
		ret = denali_timespec_deadline(req, clock == CLOCK_MONOTONIC, &when);
	else
		ret = denali_timespec_ns(req, &when);
	if (ret)
		return ret;
	denali_sleep_until(flags & TIMER_ABSTIME ? when : denali_clock_deadline(when));
	return 0;
}

int nanosleep(const struct timespec *req, struct timespec *rem)
{
	int ret = clock_nanosleep(CLOCK_MONOTONIC, 0, req, rem);

	if (!ret)
		return 0;
	errno = ret;
	return -1;
}

int usleep(useconds_t us)
{
	denali_sleep_ns(us * DENALI_NS_PER_US);
	return 0;
}

unsigned int sleep(unsigned int seconds)
{
	denali_sleep_ns(seconds * DENALI_NS_PER_SEC);
	return 0;
}

int gettimeofday(struct timeval *tv, void *tz)
{
	uint64_t now = denali_clock_wall_ns();

	(void)tz;
	tv->tv_sec = now / DENALI_NS_PER_SEC;
	tv->tv_usec = now % DENALI_NS_PER_SEC / DENALI_NS_PER_US;
	return 0;
}

/* newlib's clock() takes ticks of CLOCKS_PER_SEC, a microsecond. */
clock_t times(struct tms *tms)
{
	tms->tms_utime = denali_clock_run_ns() / DENALI_NS_PER_US;
	tms->tms_stime = 0;
	tms->tms_cutime = 0;
	tms->tms_cstime = 0;
	return denali_clock_ns() / DENALI_NS_PER_US;
}
