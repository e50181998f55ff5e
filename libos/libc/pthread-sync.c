// SPDX-License-Identifier: MIT
/* POSIX mutexes, conditions, read-write locks and barriers on those of the core. */
#include <errno.h>
#include <pthread.h>

#include <denali-os/timer.h>

#include "timespec.h"

int pthread_mutexattr_init(pthread_mutexattr_t *attr)
{
	attr->type = PTHREAD_MUTEX_DEFAULT;
	return 0;
}

int pthread_mutexattr_destroy(pthread_mutexattr_t *attr)
{
	(void)attr;
	return 0;
}

int pthread_mutexattr_settype(pthread_mutexattr_t *attr, int type)
{
	if (type != PTHREAD_MUTEX_NORMAL && type != PTHREAD_MUTEX_RECURSIVE && type != PTHREAD_MUTEX_ERRORCHECK)
		return EINVAL;
	attr->type = type;
	return 0;
}

int pthread_mutexattr_gettype(const pthread_mutexattr_t *attr, int *type)
{
	*type = attr->type;
	return 0;
}

int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
{
	denali_mutex_init(mutex, attr ? attr->type : PTHREAD_MUTEX_DEFAULT);
	return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
	return mutex->owner ? EBUSY : 0;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	return denali_mutex_lock(mutex);
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	return denali_mutex_trylock(mutex);
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *abstime)
{
	uint64_t deadline;

	/* The time need not be valid if the mutex is free. */
	if (!denali_mutex_trylock(mutex))
		return 0;
	if (denali_timespec_deadline(abstime, 0, &deadline))
		return EINVAL;
	return denali_mutex_lock_until(mutex, deadline);
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	return denali_mutex_unlock(mutex);
}

int pthread_condattr_init(pthread_condattr_t *attr)
{
	attr->monotonic = 0;
	return 0;
}

int pthread_condattr_destroy(pthread_condattr_t *attr)
{
	(void)attr;
	return 0;
}

int pthread_condattr_setclock(pthread_condattr_t *attr, clockid_t clock)
{
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return EINVAL;
	attr->monotonic = clock == CLOCK_MONOTONIC;
	return 0;
}

int pthread_condattr_getclock(const pthread_condattr_t *attr, clockid_t *clock)
{
	*clock = attr->monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME;
	return 0;
}

int pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attr)
{
	*cond = (pthread_cond_t){ .monotonic = attr && attr->monotonic };
	return 0;
}

int pthread_cond_destroy(pthread_cond_t *cond)
{
	return cond->cond.waitq.head ? EBUSY : 0;
}

int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
	return denali_cond_wait_until(&cond->cond, mutex, DENALI_FOREVER);
}

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *abstime)
{
	uint64_t deadline;

	if (denali_timespec_deadline(abstime, cond->monotonic, &deadline))
		return EINVAL;
	return denali_cond_wait_until(&cond->cond, mutex, deadline);
}

int pthread_cond_signal(pthread_cond_t *cond)
{
	denali_cond_signal(&cond->cond);
	return 0;
}

int pthread_cond_broadcast(pthread_cond_t *cond)
{
	denali_cond_broadcast(&cond->cond);
	return 0;
}

/* Writers that wait go before new readers, so that they can't starve. */

int pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attr)
{
	(void)attr;
	*lock = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
	return 0;
}

int pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
	return lock->readers || lock->writer ? EBUSY : 0;
}

static int rwlock_read(pthread_rwlock_t *lock, int wait)
{
	int ret = 0;

	denali_mutex_lock(&lock->mutex);
	if (lock->writer == denali_thread_self())
		ret = EDEADLK;
	while (!ret && (lock->writer || lock->writers_waiting)) {
		if (wait)
			denali_cond_wait(&lock->readable, &lock->mutex);
		else
			ret = EBUSY;
	}
	if (!ret)
		lock->readers++;
	denali_mutex_unlock(&lock->mutex);
	return ret == EDEADLK && !wait ? EBUSY : ret;
}

static int rwlock_write(pthread_rwlock_t *lock, int wait)
{
	int ret = 0;

	denali_mutex_lock(&lock->mutex);
	if (lock->writer == denali_thread_self())
		ret = EDEADLK;
	lock->writers_waiting++;
	while (!ret && (lock->writer || lock->readers)) {
		if (wait)
			denali_cond_wait(&lock->writable, &lock->mutex);
		else
			ret = EBUSY;
	}
	lock->writers_waiting--;
	if (!ret)
		lock->writer = denali_thread_self();
	denali_mutex_unlock(&lock->mutex);
	return ret == EDEADLK && !wait ? EBUSY : ret;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
	return rwlock_read(lock, 1);
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
	return rwlock_read(lock, 0);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
	return rwlock_write(lock, 1);
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
	return rwlock_write(lock, 0);
}

int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
	int ret = 0;

	denali_mutex_lock(&lock->mutex);
	if (lock->writer == denali_thread_self())
		lock->writer = NULL;
	else if (lock->readers && !lock->writer)
		lock->readers--;
	else
		ret = EPERM;
	if (!ret && !lock->readers) {
		if (lock->writers_waiting)
			denali_cond_signal(&lock->writable);
		else
			denali_cond_broadcast(&lock->readable);
	}
	denali_mutex_unlock(&lock->mutex);
	return ret;
}

int pthread_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attr, unsigned int count)
{
	(void)attr;
	if (!count)
		return EINVAL;
	*barrier = (pthread_barrier_t){ .count = count };
	return 0;
}

int pthread_barrier_destroy(pthread_barrier_t *barrier)
{
	return barrier->waiting ? EBUSY : 0;
}

int pthread_barrier_wait(pthread_barrier_t *barrier)
{
	unsigned int round;
	int ret = 0;

	denali_mutex_lock(&barrier->mutex);
	round = barrier->round;
	if (++barrier->waiting == barrier->count) {
		barrier->waiting = 0;
		barrier->round++;
		denali_cond_broadcast(&barrier->cond);
		ret = PTHREAD_BARRIER_SERIAL_THREAD;
	}
	while (round == barrier->round)
		denali_cond_wait(&barrier->cond, &barrier->mutex);
	denali_mutex_unlock(&barrier->mutex);
	return ret;
}
