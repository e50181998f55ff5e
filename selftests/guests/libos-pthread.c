// SPDX-License-Identifier: GPL-2.0
/* POSIX threads, semaphores and clocks on the libos. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "libos-tap.h"

static pthread_key_t key;
static int destroyed, cleaned, onced, in_round;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t sem;
static volatile int readers, writers, together, mixed;

static struct timespec in_ms(clockid_t clock, long ms)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	ts.tv_nsec += ms * 1000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

static int passed(clockid_t clock, const struct timespec *ts)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec > ts->tv_sec || (now.tv_sec == ts->tv_sec && now.tv_nsec >= ts->tv_nsec);
}

static void destroy(void *value)
{
	destroyed += *(int *)value;
}

static void clean(void *arg)
{
	cleaned = cleaned * 10 + (int)(intptr_t)arg;
}

static void once_fn(void)
{
	onced++;
	usleep(1000);
}

static void *keyed(void *arg)
{
	pthread_setspecific(key, arg);
	pthread_once(&once, once_fn);
	sched_yield();
	pthread_cleanup_push(clean, (void *)1);
	pthread_cleanup_push(clean, (void *)2);
	if (pthread_getspecific(key) == arg)
		pthread_exit(arg);
	pthread_cleanup_pop(0);
	pthread_cleanup_pop(0);
	return NULL;
}

static void *rw(void *arg)
{
	for (int i = 0; i < 200; i++) {
		if (arg) {
			pthread_rwlock_wrlock(&rwlock);
			if (__atomic_add_fetch(&writers, 1, __ATOMIC_SEQ_CST) != 1 || readers)
				mixed = 1;
			sched_yield();
			__atomic_sub_fetch(&writers, 1, __ATOMIC_SEQ_CST);
		} else {
			pthread_rwlock_rdlock(&rwlock);
			if (__atomic_add_fetch(&readers, 1, __ATOMIC_SEQ_CST) > 1)
				together = 1;
			if (writers)
				mixed = 1;
			sched_yield();
			__atomic_sub_fetch(&readers, 1, __ATOMIC_SEQ_CST);
		}
		pthread_rwlock_unlock(&rwlock);
	}
	return NULL;
}

static void *meet(void *arg)
{
	long serial = 0, apart = 0;

	for (int round = 1; round <= 50; round++) {
		pthread_mutex_lock(&mutex);
		in_round++;
		pthread_mutex_unlock(&mutex);
		serial += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
		apart += in_round < 3 * round;
		pthread_barrier_wait(&barrier);
	}
	return (void *)(serial + 1000 * apart + 0 * (intptr_t)arg);
}

static void *poster(void *arg)
{
	sem_post(&sem);
	return arg;
}

static void test_threads(void)
{
	pthread_attr_t attr;
	pthread_t thread[3];
	int one = 1;
	void *value;

	pthread_key_create(&key, destroy);
	for (int i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, keyed, &one);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], &value);
	tap_ok(value == &one, "pthread_exit gives the value to join");
	tap_ok(destroyed == 3, "each thread's key is destroyed");
	tap_ok(cleaned == 212121, "cleanup handlers run last to first");
	tap_ok(onced == 1, "pthread_once runs once");
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	tap_ok(pthread_attr_setstacksize(&attr, 100) == EINVAL, "a stack too small is EINVAL");
	sem_init(&sem, 0, 0);
	pthread_create(&thread[0], &attr, poster, NULL);
	tap_ok(!sem_wait(&sem), "a detached thread runs");
	tap_ok(pthread_equal(pthread_self(), pthread_self()) && pthread_join(pthread_self(), NULL) == EDEADLK,
	       "joining oneself is EDEADLK");
}

static void test_locks(void)
{
	struct timespec ts;
	pthread_mutexattr_t attr;
	pthread_mutex_t typed;
	pthread_condattr_t cattr;
	pthread_cond_t mono;
	pthread_t thread[4];
	long serial = 0;
	void *value;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&typed, &attr);
	pthread_mutex_lock(&typed);
	tap_ok(pthread_mutex_lock(&typed) == EDEADLK, "errorcheck mutex: EDEADLK");
	tap_ok(pthread_mutex_destroy(&typed) == EBUSY, "destroying a locked mutex is EBUSY");
	pthread_mutex_unlock(&typed);
	tap_ok(pthread_mutex_unlock(&typed) == EPERM, "errorcheck mutex: EPERM");
	tap_ok(pthread_mutexattr_settype(&attr, 55) == EINVAL, "unknown mutex type is EINVAL");
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&typed, &attr);
	tap_ok(!pthread_mutex_lock(&typed) && !pthread_mutex_lock(&typed) && !pthread_mutex_unlock(&typed) &&
	       !pthread_mutex_unlock(&typed), "recursive mutex");

	pthread_mutex_lock(&mutex);
	ts = in_ms(CLOCK_REALTIME, 5);
	tap_ok(pthread_cond_timedwait(&cond, &mutex, &ts) == ETIMEDOUT && passed(CLOCK_REALTIME, &ts),
	       "cond_timedwait on the real-time clock");
	pthread_condattr_init(&cattr);
	pthread_condattr_setclock(&cattr, CLOCK_MONOTONIC);
	pthread_cond_init(&mono, &cattr);
	ts = in_ms(CLOCK_MONOTONIC, 5);
	tap_ok(pthread_cond_timedwait(&mono, &mutex, &ts) == ETIMEDOUT && passed(CLOCK_MONOTONIC, &ts),
	       "cond_timedwait on the monotonic clock");
	ts.tv_nsec = 1000000000;
	tap_ok(pthread_cond_timedwait(&cond, &mutex, &ts) == EINVAL, "an invalid time is EINVAL");
	pthread_mutex_unlock(&mutex);

	ts = in_ms(CLOCK_REALTIME, 3);
	errno = 0;
	tap_ok(sem_timedwait(&sem, &ts) == -1 && errno == ETIMEDOUT && passed(CLOCK_REALTIME, &ts), "sem_timedwait");
	tap_ok(sem_trywait(&sem) == -1 && errno == EAGAIN, "sem_trywait of an empty one is EAGAIN");

	for (int i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, rw, i == 0 ? &mutex : NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	tap_ok(!mixed && together, "rwlock: readers together, writers alone");
	tap_ok(!pthread_rwlock_wrlock(&rwlock) && pthread_rwlock_tryrdlock(&rwlock) == EBUSY &&
	       !pthread_rwlock_unlock(&rwlock), "rwlock: try is EBUSY");

	pthread_barrier_init(&barrier, NULL, 3);
	for (int i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, meet, NULL);
	for (int i = 0; i < 3; i++) {
		pthread_join(thread[i], &value);
		serial += (long)(intptr_t)value;
	}
	tap_ok(serial == 50, "barrier: all meet, one is serial");
}

static void test_time(void)
{
	struct timespec ts = { 0, 1000000000 }, a, b;
	struct timeval tv;

	tap_ok(nanosleep(&ts, NULL) == -1 && errno == EINVAL, "nanosleep of an invalid time is EINVAL");
	clock_gettime(CLOCK_MONOTONIC, &a);
	ts.tv_nsec = 3000000;
	a.tv_nsec += 3000000;
	a.tv_sec += a.tv_nsec / 1000000000;
	a.tv_nsec %= 1000000000;
	tap_ok(!nanosleep(&ts, NULL) && passed(CLOCK_MONOTONIC, &a), "nanosleep isn't short");
	a = in_ms(CLOCK_MONOTONIC, 4);
	tap_ok(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &a, NULL) && passed(CLOCK_MONOTONIC, &a),
	       "clock_nanosleep to a time");
	clock_gettime(CLOCK_REALTIME, &a);
	gettimeofday(&tv, NULL);
	clock_gettime(CLOCK_REALTIME, &b);
	tap_ok((tv.tv_sec > a.tv_sec || (tv.tv_sec == a.tv_sec && tv.tv_usec >= a.tv_nsec / 1000)) &&
	       (tv.tv_sec < b.tv_sec || (tv.tv_sec == b.tv_sec && tv.tv_usec <= b.tv_nsec / 1000)) &&
	       a.tv_sec > 1600000000, "gettimeofday is the real-time clock");
	tap_ok(clock_gettime(99, &a) == -1 && errno == EINVAL, "an unknown clock is EINVAL");
	tap_ok(clock_settime(CLOCK_REALTIME, &a) == -1 && errno == EPERM, "the clock can't be set");
}

static void *last_words(void *arg)
{
	usleep(2000);
	exit(tap_done() + 0 * (int)(intptr_t)arg);
}

int main(void)
{
	pthread_t thread;

	test_threads();
	test_locks();
	test_time();
	/* main() may end by pthread_exit() and leave the rest to others. */
	pthread_create(&thread, NULL, last_words, NULL);
	pthread_exit(NULL);
}
