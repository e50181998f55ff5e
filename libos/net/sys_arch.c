// SPDX-License-Identifier: MIT
/*
 * What lwIP asks of an operating system: semaphores, mailboxes, threads, time
 * and its one lock, on the libos's threads. Mailboxes are rings guarded by
 * disabled interrupts, so that handlers may post to them.
 */
#include <lwip/opt.h>
#include <lwip/sys.h>
#include <lwip/tcpip.h>
#include <denali-os/net.h>
#include <denali-os/timer.h>
#include "net.h"

struct denali_mbox {
	struct denali_waitq not_empty;
	struct denali_waitq not_full;
	uint32_t size;		/* power of 2 */
	uint32_t head;		/* next to take */
	uint32_t tail;		/* next to fill */
	uint16_t readers;	/* threads that wait for a message */
	uint16_t dead;		/* freed while they did: the last of them frees it */
	void *slots[];
};

void sys_init(void)
{
}

/*
 * Milliseconds without a 64-bit division: 2^26 / 10^6 = 67.108864 and
 * 2^32 / 15625 = 274877.9. The rounding makes lwIP's clock slow by less than
 * one millionth.
 */
u32_t sys_now(void)
{
	uint64_t t = denali_clock_ns() >> 6;
	uint32_t mul = 274878;

	return (uint32_t)(((uint64_t)(uint32_t)t * mul) >> 32) + (uint32_t)(t >> 32) * mul;
}

static uint64_t deadline_of(u32_t timeout_ms)
{
	return timeout_ms ? denali_clock_ns() + timeout_ms * DENALI_NS_PER_MS : DENALI_FOREVER;
}

err_t sys_sem_new(sys_sem_t *sem, u8_t count)
{
	denali_sem_init(&sem->sem, count);
	sem->valid = 1;
	return ERR_OK;
}

void sys_sem_free(sys_sem_t *sem)
{
	(void)sem;
}

void sys_sem_signal(sys_sem_t *sem)
{
	denali_sem_post(&sem->sem);
}

u32_t sys_arch_sem_wait(sys_sem_t *sem, u32_t timeout)
{
	return denali_sem_wait_until(&sem->sem, deadline_of(timeout)) ? SYS_ARCH_TIMEOUT : 0;
}

err_t sys_mutex_new(sys_mutex_t *mutex)
{
	denali_mutex_init(mutex, 0);
	return ERR_OK;
}

void sys_mutex_free(sys_mutex_t *mutex)
{
	(void)mutex;
}

void sys_mutex_lock(sys_mutex_t *mutex)
{
	denali_mutex_lock(mutex);
}

void sys_mutex_unlock(sys_mutex_t *mutex)
{
	denali_mutex_unlock(mutex);
}

void denali_net_lock(void)
{
	denali_mutex_lock(&lock_tcpip_core);
}

void denali_net_unlock(void)
{
	denali_nic_flush();
	denali_timers_check();
	denali_mutex_unlock(&lock_tcpip_core);
}

err_t sys_mbox_new(sys_mbox_t *mbox, int size)
{
	struct denali_mbox *m;
	uint32_t slots = 1;

	while (slots < (uint32_t)size)
		slots *= 2;
	m = mem_calloc(1, sizeof(*m) + slots * sizeof(m->slots[0]));
	*mbox = m;
	if (!m)
		return ERR_MEM;
	m->size = slots;
	return ERR_OK;
}

/* lwIP frees a mailbox under its readers when a socket is shut down. */
void sys_mbox_free(sys_mbox_t *mbox)
{
	struct denali_mbox *m = *mbox;
	uint32_t flags = denali_irq_disable();
	int busy = m->readers;

	m->dead = 1;
	denali_waitq_wake_all(&m->not_empty);
	denali_irq_restore(flags);
	if (!busy)
		mem_free(m);
}

static int mbox_put(struct denali_mbox *m, void *msg)
{
	if (m->tail - m->head == m->size)
		return 0;
	m->slots[m->tail++ & (m->size - 1)] = msg;
	if (m->not_empty.head)
		denali_waitq_wake_one(&m->not_empty);
	return 1;
}

static void *mbox_take(struct denali_mbox *m)
{
	void *msg = m->slots[m->head++ & (m->size - 1)];

	if (m->not_full.head)
		denali_waitq_wake_one(&m->not_full);
	return msg;
}

void sys_mbox_post(sys_mbox_t *mbox, void *msg)
{
	struct denali_mbox *m = *mbox;
	uint32_t flags = denali_irq_disable();

	while (!mbox_put(m, msg))
		denali_waitq_sleep(&m->not_full, DENALI_FOREVER);
	denali_irq_restore(flags);
}

err_t sys_mbox_trypost(sys_mbox_t *mbox, void *msg)
{
	uint32_t flags = denali_irq_disable();
	int done = mbox_put(*mbox, msg);

	denali_irq_restore(flags);
	return done ? ERR_OK : ERR_MEM;
}

err_t sys_mbox_trypost_fromisr(sys_mbox_t *mbox, void *msg)
{
	return sys_mbox_trypost(mbox, msg);
}

u32_t sys_arch_mbox_fetch(sys_mbox_t *mbox, void **msg, u32_t timeout)
{
	struct denali_mbox *m = *mbox;
	uint64_t deadline = DENALI_FOREVER;
	uint32_t flags = denali_irq_disable();
	void *taken = NULL;
	int ret = 0, last = 0;

	/* The clock is read only if there is a reason to wait. */
	if (m->tail == m->head && timeout)
		deadline = deadline_of(timeout);
	m->readers++;
	while (m->tail == m->head && !m->dead && !ret)
		ret = denali_waitq_sleep(&m->not_empty, deadline);
	m->readers--;
	if (m->dead) {
		ret = ETIMEDOUT;
		last = !m->readers;
	} else if (m->tail != m->head) {
		taken = mbox_take(m);
		ret = 0;
	}
	denali_irq_restore(flags);
	if (last)
		mem_free(m);
	if (msg)
		*msg = taken;
	return ret ? SYS_ARCH_TIMEOUT : 0;
}

u32_t sys_arch_mbox_tryfetch(sys_mbox_t *mbox, void **msg)
{
	struct denali_mbox *m = *mbox;
	uint32_t flags = denali_irq_disable();
	void *taken = NULL;
	int found = m->tail != m->head;

	if (found)
		taken = mbox_take(m);
	denali_irq_restore(flags);
	if (msg)
		*msg = taken;
	return found ? 0 : SYS_MBOX_EMPTY;
}

struct thread_start {
	lwip_thread_fn fn;
	void *arg;
};

static void *thread_main(void *arg)
{
	struct thread_start start = *(struct thread_start *)arg;

	mem_free(arg);
	start.fn(start.arg);
	return NULL;
}

/*
 * The only thread that lwIP makes is the net thread. It runs above ordinary
 * threads: it works on what arrived in one go and then sleeps, and a thread that
 * computes doesn't hold up acknowledgements.
 */
sys_thread_t sys_thread_new(const char *name, lwip_thread_fn fn, void *arg, int stack, int prio)
{
	struct thread_start *start = mem_malloc(sizeof(*start));
	struct denali_thread *thread;

	(void)prio;
	if (!start)
		denali_panic("net: no memory for the net thread");
	start->fn = fn;
	start->arg = arg;
	if (denali_thread_create(&thread, name, stack, thread_main, start))
		denali_panic("net: no memory for the net thread's stack (%d bytes)", stack);
	denali_thread_prio_set(thread, DENALI_PRIO_HIGH);
	return thread;
}
