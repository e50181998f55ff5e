/* SPDX-License-Identifier: MIT */
/* lwIP's threads, semaphores, mutexes and mailboxes are the libos's own. */
#ifndef DENALI_ARCH_SYS_ARCH_H
#define DENALI_ARCH_SYS_ARCH_H

#include <denali-os/irq.h>
#include <denali-os/sync.h>
#include <denali-os/thread.h>

typedef struct {
	struct denali_sem sem;
	uint32_t valid;
} sys_sem_t;

typedef struct denali_mutex sys_mutex_t;
typedef struct denali_mbox *sys_mbox_t;
typedef struct denali_thread *sys_thread_t;
typedef uint32_t sys_prot_t;

#define sys_sem_valid(s)		((s)->valid)
#define sys_sem_set_invalid(s)		((s)->valid = 0)
#define sys_mutex_valid(m)		1
#define sys_mutex_set_invalid(m)
#define sys_mbox_valid(m)		(*(m) != NULL)
#define sys_mbox_set_invalid(m)		(*(m) = NULL)

/* What these guard is touched by handlers only where an interrupt is posted. */
#define SYS_ARCH_DECL_PROTECT(lev)	sys_prot_t lev
#define SYS_ARCH_PROTECT(lev)		((lev) = denali_irq_disable())
#define SYS_ARCH_UNPROTECT(lev)		denali_irq_restore(lev)

/* One instruction can't be split on one CPU. All of lwIP's counters here are ints. */
#define SYS_ARCH_INC(var, val) \
	__asm__ __volatile__("addl %1, %0" : "+m" (var) : "ri" ((int)(val)) : "cc")
#define SYS_ARCH_DEC(var, val) \
	__asm__ __volatile__("subl %1, %0" : "+m" (var) : "ri" ((int)(val)) : "cc")
#define SYS_ARCH_GET(var, ret)		((ret) = (var))

#endif /* DENALI_ARCH_SYS_ARCH_H */
