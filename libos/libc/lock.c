// SPDX-License-Identifier: MIT
/*
 * newlib's locks. All of them must be here: if one were missing, the linker
 * would take newlib's own lock.o, which does nothing, and the rest would collide.
 */
#include <sys/lock.h>
#include <errno.h>
#include <stdlib.h>

#include <denali-os/sync.h>

struct __lock {
	struct denali_mutex mutex;
};

#define STATIC_LOCK(name)	struct __lock __lock_##name = { DENALI_MUTEX_INIT }
#define STATIC_LOCK_RECURSIVE(name) struct __lock __lock_##name = { DENALI_MUTEX_RECURSIVE_INIT }

STATIC_LOCK_RECURSIVE(__sinit_recursive_mutex);
STATIC_LOCK_RECURSIVE(__sfp_recursive_mutex);
STATIC_LOCK_RECURSIVE(__atexit_recursive_mutex);
STATIC_LOCK_RECURSIVE(__malloc_recursive_mutex);
STATIC_LOCK_RECURSIVE(__env_recursive_mutex);
STATIC_LOCK(__at_quick_exit_mutex);
STATIC_LOCK(__tz_mutex);
STATIC_LOCK(__dd_hash_mutex);
STATIC_LOCK(__arc4random_mutex);

/* A lock without memory is NULL and locks nothing: its stream still works for one thread. */
void __retarget_lock_init(_LOCK_T *lock)
{
	*lock = calloc(1, sizeof(**lock));
}

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
	*lock = calloc(1, sizeof(**lock));
	if (*lock)
		(*lock)->mutex.flags = DENALI_MUTEX_RECURSIVE;
}

void __retarget_lock_close(_LOCK_T lock)
{
	free(lock);
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
	free(lock);
}

void __retarget_lock_acquire(_LOCK_T lock)
{
	if (lock)
		denali_mutex_lock(&lock->mutex);
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
	__retarget_lock_acquire(lock);
}

/* Return: 0 if it is taken now. */
int __retarget_lock_try_acquire(_LOCK_T lock)
{
	return lock ? denali_mutex_trylock(&lock->mutex) : 0;
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
	return __retarget_lock_try_acquire(lock);
}

void __retarget_lock_release(_LOCK_T lock)
{
	if (lock)
		denali_mutex_unlock(&lock->mutex);
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
	__retarget_lock_release(lock);
}
