// SPDX-License-Identifier: MIT
/* POSIX semaphores: the core's, with errno. */
#include <errno.h>
#include <semaphore.h>

#include "timespec.h"

static int sem_result(int error)
{
	if (!error)
		return 0;
	errno = error;
	return -1;
}

int sem_init(sem_t *sem, int shared, unsigned int value)
{
	(void)shared;	/* there is but one process */
	if (value > SEM_VALUE_MAX)
		return sem_result(EINVAL);
	denali_sem_init(sem, value);
	return 0;
}

int sem_destroy(sem_t *sem)
{
	return sem_result(sem->waitq.head ? EBUSY : 0);
}

int sem_wait(sem_t *sem)
{
	denali_sem_wait(sem);
	return 0;
}

int sem_trywait(sem_t *sem)
{
	return sem_result(denali_sem_trywait(sem));
}

int sem_timedwait(sem_t *sem, const struct timespec *abstime)
{
	uint64_t deadline;

	/* A unit that is there is taken whatever the time says. */
	if (!denali_sem_trywait(sem))
		return 0;
	if (denali_timespec_deadline(abstime, 0, &deadline))
		return sem_result(EINVAL);
	return sem_result(denali_sem_wait_until(sem, deadline));
}

int sem_post(sem_t *sem)
{
	return sem_result(denali_sem_post(sem));
}

int sem_getvalue(sem_t *sem, int *value)
{
	*value = sem->count;
	return 0;
}
