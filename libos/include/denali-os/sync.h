/* SPDX-License-Identifier: MIT */
/*
 * libos synchronisation: mutex, condition, counting semaphore. All zero bytes
 * are the initial state of each, so statics need no initialiser; none holds
 * anything that would have to be freed.
 *
 * Timeouts are relative, in ns; DENALI_FOREVER: none; 0: don't wait. Names in
 * _until take a time of denali_clock_ns(). Functions that can fail return 0 or
 * a positive errno value. Only denali_sem_post(), denali_sem_trywait(),
 * denali_cond_signal() and denali_cond_broadcast() may be called from handlers.
 */
#ifndef DENALI_OS_SYNC_H
#define DENALI_OS_SYNC_H

#include <denali-os/thread.h>

#define DENALI_MUTEX_RECURSIVE	0x1	/* the owner may lock again */
#define DENALI_MUTEX_ERRORCHECK	0x2	/* relock: EDEADLK, unlock by another: EPERM; else a panic */

struct denali_mutex {
	struct denali_thread *owner;
	uint32_t depth;
	uint32_t flags;
	struct denali_waitq waitq;
};

#define DENALI_MUTEX_INIT		{ 0, 0, 0, { 0 } }
#define DENALI_MUTEX_RECURSIVE_INIT	{ 0, 0, DENALI_MUTEX_RECURSIVE, { 0 } }

struct denali_cond {
	struct denali_waitq waitq;
};

struct denali_sem {
	uint32_t count;
	struct denali_waitq waitq;
};

/** denali_mutex_init() - @flags: DENALI_MUTEX_*, or 0. */
void denali_mutex_init(struct denali_mutex *mutex, uint32_t flags);
int denali_mutex_lock(struct denali_mutex *mutex);
/** denali_mutex_trylock() - Return: 0, EBUSY. */
int denali_mutex_trylock(struct denali_mutex *mutex);
/** denali_mutex_lock_until() - Return: 0, ETIMEDOUT, EDEADLK. */
int denali_mutex_lock_until(struct denali_mutex *mutex, uint64_t deadline);
int denali_mutex_unlock(struct denali_mutex *mutex);

/* Waiting gives up a recursive mutex wholly and takes it back at the same depth. */
void denali_cond_wait(struct denali_cond *cond, struct denali_mutex *mutex);
/** denali_cond_timedwait() - Return: 0, ETIMEDOUT. May wake early: look at the condition again. */
int denali_cond_timedwait(struct denali_cond *cond, struct denali_mutex *mutex, uint64_t timeout_ns);
int denali_cond_wait_until(struct denali_cond *cond, struct denali_mutex *mutex, uint64_t deadline);
void denali_cond_signal(struct denali_cond *cond);
void denali_cond_broadcast(struct denali_cond *cond);

void denali_sem_init(struct denali_sem *sem, uint32_t count);
void denali_sem_wait(struct denali_sem *sem);
/** denali_sem_trywait() - Return: 0, EAGAIN. */
int denali_sem_trywait(struct denali_sem *sem);
/** denali_sem_timedwait() - Return: 0, ETIMEDOUT. */
int denali_sem_timedwait(struct denali_sem *sem, uint64_t timeout_ns);
int denali_sem_wait_until(struct denali_sem *sem, uint64_t deadline);
/** denali_sem_post() - Return: 0, EOVERFLOW. */
int denali_sem_post(struct denali_sem *sem);

#endif /* DENALI_OS_SYNC_H */
