// SPDX-License-Identifier: MIT
/*
 * Mutexes, conditions and semaphores on wait queues. Unlocking hands the mutex,
 * posting hands the unit to the waiter that is woken: nobody can overtake it, and
 * it need not look again.
 */
#include <errno.h>

#include <denali-os/panic.h>
#include <denali-os/sync.h>

#include "core.h"

void denali_mutex_init(struct denali_mutex *mutex, uint32_t type)
{
	*mutex = (struct denali_mutex){ .flags = type };
}

int denali_mutex_lock_until(struct denali_mutex *mutex, uint64_t deadline)
{
	struct denali_thread *self = denali_current;
	uint32_t flags = denali_irq_disable();
	int ret = 0;

	if (!mutex->owner) {
		mutex->owner = self;
		mutex->depth = 1;
	} else if (mutex->owner == self && (mutex->flags & DENALI_MUTEX_RECURSIVE)) {
		mutex->depth++;
	} else if (mutex->owner == self && (mutex->flags & DENALI_MUTEX_ERRORCHECK)) {
		ret = EDEADLK;
	} else if (mutex->owner == self && deadline == DENALI_FOREVER) {
		denali_panic("libos: thread %s locked mutex %p twice", self->name, (void *)mutex);
	} else {
		ret = denali_waitq_sleep(&mutex->waitq, deadline);
	}
	denali_irq_restore(flags);
	return ret;
}

int denali_mutex_lock(struct denali_mutex *mutex)
{
	return denali_mutex_lock_until(mutex, DENALI_FOREVER);
}

int denali_mutex_trylock(struct denali_mutex *mutex)
{
	uint32_t flags = denali_irq_disable();
	int ret = 0;

	if (!mutex->owner) {
		mutex->owner = denali_current;
		mutex->depth = 1;
	} else if (mutex->owner == denali_current && (mutex->flags & DENALI_MUTEX_RECURSIVE)) {
		mutex->depth++;
	} else {
		ret = EBUSY;
	}
	denali_irq_restore(flags);
	return ret;
}

/* Interrupts disabled, the caller is the owner. */
static void mutex_release(struct denali_mutex *mutex)
{
	mutex->owner = denali_waitq_wake_one(&mutex->waitq);
	mutex->depth = mutex->owner ? 1 : 0;
}

int denali_mutex_unlock(struct denali_mutex *mutex)
{
	uint32_t flags = denali_irq_disable();
	int ret = 0;

	if (mutex->owner != denali_current) {
		if (!(mutex->flags & (DENALI_MUTEX_RECURSIVE | DENALI_MUTEX_ERRORCHECK)))
			denali_panic("libos: thread %s unlocked mutex %p, which %s holds", denali_current->name,
				     (void *)mutex, mutex->owner ? mutex->owner->name : "nobody");
		ret = EPERM;
	} else if (--mutex->depth == 0) {
		mutex_release(mutex);
	}
	denali_irq_restore(flags);
	return ret;
}

int denali_cond_wait_until(struct denali_cond *cond, struct denali_mutex *mutex, uint64_t deadline)
{
	uint32_t flags = denali_irq_disable();
	uint32_t depth = mutex->depth;
	int ret;

	if (mutex->owner != denali_current)
		denali_panic("libos: thread %s waits on condition %p without its mutex", denali_current->name,
			     (void *)cond);
	mutex_release(mutex);
	ret = denali_waitq_sleep(&cond->waitq, deadline);
	denali_mutex_lock(mutex);
	mutex->depth = depth;
	denali_irq_restore(flags);
	return ret;
}

int denali_cond_timedwait(struct denali_cond *cond, struct denali_mutex *mutex, uint64_t timeout_ns)
{
	return denali_cond_wait_until(cond, mutex, denali_clock_deadline(timeout_ns));
}

void denali_cond_wait(struct denali_cond *cond, struct denali_mutex *mutex)
{
	denali_cond_wait_until(cond, mutex, DENALI_FOREVER);
}

void denali_cond_signal(struct denali_cond *cond)
{
	denali_waitq_wake_one(&cond->waitq);
}

void denali_cond_broadcast(struct denali_cond *cond)
{
	denali_waitq_wake_all(&cond->waitq);
}

void denali_sem_init(struct denali_sem *sem, uint32_t count)
{
	*sem = (struct denali_sem){ .count = count };
}

int denali_sem_wait_until(struct denali_sem *sem, uint64_t deadline)
{
	uint32_t flags = denali_irq_disable();
	int ret = 0;

	if (sem->count)
		sem->count--;
	else
		ret = denali_waitq_sleep(&sem->waitq, deadline);
	denali_irq_restore(flags);
	return ret;
}

int denali_sem_timedwait(struct denali_sem *sem, uint64_t timeout_ns)
{
	return denali_sem_wait_until(sem, denali_clock_deadline(timeout_ns));
}

void denali_sem_wait(struct denali_sem *sem)
{
	denali_sem_wait_until(sem, DENALI_FOREVER);
}

int denali_sem_trywait(struct denali_sem *sem)
{
	uint32_t flags = denali_irq_disable();
	int ret = EAGAIN;

	if (sem->count) {
		sem->count--;
		ret = 0;
	}
	denali_irq_restore(flags);
	return ret;
}

int denali_sem_post(struct denali_sem *sem)
{
	uint32_t flags = denali_irq_disable();
	int ret = 0;

	if (!denali_waitq_wake_one(&sem->waitq)) {
		if (sem->count == INT32_MAX)
			ret = EOVERFLOW;
		else
			sem->count++;
	}
	denali_irq_restore(flags);
	return ret;
}
