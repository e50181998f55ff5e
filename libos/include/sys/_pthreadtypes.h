/* SPDX-License-Identifier: MIT */
/*
 * Types of <pthread.h>, which newlib's <sys/types.h> includes. All zero bytes
 * are the initial state of each.
 */
#ifndef _SYS__PTHREADTYPES_H_
#define _SYS__PTHREADTYPES_H_

#include <sys/sched.h>
#include <denali-os/sync.h>

typedef struct denali_thread *pthread_t;
typedef unsigned int pthread_key_t;

typedef struct {
	size_t stacksize;	/* 0: default */
	int detachstate;
	int schedpolicy;
	struct sched_param schedparam;
} pthread_attr_t;

typedef struct denali_mutex pthread_mutex_t;

typedef struct {
	int type;
} pthread_mutexattr_t;

typedef struct {
	struct denali_cond cond;
	int monotonic;		/* clock of its deadlines */
} pthread_cond_t;

typedef struct {
	int monotonic;
} pthread_condattr_t;

typedef struct {
	struct denali_mutex mutex;
	int done;
} pthread_once_t;

typedef struct {
	struct denali_mutex mutex;
	struct denali_cond readable;
	struct denali_cond writable;
	unsigned int readers;
	unsigned int writers_waiting;
	struct denali_thread *writer;
} pthread_rwlock_t;

typedef struct {
	int unused;
} pthread_rwlockattr_t;

typedef struct {
	struct denali_mutex mutex;
	struct denali_cond cond;
	unsigned int count;
	unsigned int waiting;
	unsigned int round;
} pthread_barrier_t;

typedef struct {
	int unused;
} pthread_barrierattr_t;

#endif /* _SYS__PTHREADTYPES_H_ */
