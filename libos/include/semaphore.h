/* SPDX-License-Identifier: MIT */
/* POSIX <semaphore.h> of the libos: unnamed semaphores. */
#ifndef _SEMAPHORE_H
#define _SEMAPHORE_H

#include <time.h>
#include <denali-os/sync.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct denali_sem sem_t;

#define SEM_VALUE_MAX	0x7fffffff

int sem_init(sem_t *sem, int shared, unsigned int value);
int sem_destroy(sem_t *sem);
int sem_wait(sem_t *sem);
int sem_trywait(sem_t *sem);
int sem_timedwait(sem_t *sem, const struct timespec *abstime);
int sem_post(sem_t *sem);
int sem_getvalue(sem_t *sem, int *value);

#ifdef __cplusplus
}
#endif

#endif /* _SEMAPHORE_H */
