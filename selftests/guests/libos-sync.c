// SPDX-License-Identifier: GPL-2.0
/* libos mutexes, conditions, semaphores, timers and clocks. */
#include <errno.h>

#include <denali-os/irq.h>
#include <denali-os/sync.h>
#include <denali-os/timer.h>

#include "libos-tap.h"

#define ROUNDS	3000

static struct denali_mutex mutex;
static struct denali_cond cond;
static struct denali_sem sem, done;
static volatile long shared;
static int turns;

static void *add(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		long was;

		denali_mutex_lock(&mutex);
		was = shared;
		for (volatile int spin = 0; spin < 1000; spin++)
			;
		shared = was + 1;
		denali_mutex_unlock(&mutex);
	}
	return arg;
}

static void *wait_turn(void *arg)
{
	denali_mutex_lock(&mutex);
	while (!turns)
		denali_cond_wait(&cond, &mutex);
	turns--;
	denali_mutex_unlock(&mutex);
	denali_sem_post(&done);
	return arg;
}

static void *hold(void *arg)
{
	denali_mutex_lock(arg);
	denali_sem_post(&done);
	denali_sem_wait(&sem);
	denali_mutex_unlock(arg);
	return NULL;
}

static void test_mutex(void)
{
	struct denali_thread *thread[3];
	struct denali_mutex check = { .flags = DENALI_MUTEX_ERRORCHECK };
	struct denali_mutex recursive = DENALI_MUTEX_RECURSIVE_INIT;
	uint64_t start;

	for (int i = 0; i < 3; i++)
		denali_thread_create(&thread[i], "add", 0, add, NULL);
	for (int i = 0; i < 3; i++)
		denali_thread_join(thread[i], NULL);
	tap_ok(shared == 3 * ROUNDS, "a mutex keeps read and write together");

	denali_mutex_lock(&check);
	tap_ok(denali_mutex_lock(&check) == EDEADLK, "errorcheck: locking again is EDEADLK");
	tap_ok(denali_mutex_trylock(&check) == EBUSY, "trylock of a held mutex is EBUSY");
	denali_mutex_unlock(&check);
	tap_ok(denali_mutex_unlock(&check) == EPERM, "errorcheck: unlocking a free one is EPERM");

	denali_mutex_lock(&recursive);
	tap_ok(!denali_mutex_lock(&recursive) && !denali_mutex_unlock(&recursive) &&
	       recursive.owner == denali_thread_self(), "a recursive mutex counts");
	denali_mutex_unlock(&recursive);
	tap_ok(!recursive.owner, "and is free after as many unlocks");

	denali_thread_create(&thread[0], "hold", 0, hold, &mutex);
	denali_sem_wait(&done);
	start = denali_clock_ns();
	tap_ok(denali_mutex_lock_until(&mutex, start + 5 * DENALI_NS_PER_MS) == ETIMEDOUT &&
	       denali_clock_ns() >= start + 5 * DENALI_NS_PER_MS, "lock_until gives up at its time, not before");
	denali_sem_post(&sem);
	tap_ok(!denali_mutex_lock(&mutex), "and the mutex can be had later");
	denali_mutex_unlock(&mutex);
	denali_thread_join(thread[0], NULL);
}

static void test_cond(void)
{
	struct denali_thread *thread[4];
	uint64_t start = denali_clock_ns();
	int ret;

	denali_mutex_lock(&mutex);
	ret = denali_cond_timedwait(&cond, &mutex, 3 * DENALI_NS_PER_MS);
	tap_ok(ret == ETIMEDOUT && mutex.owner == denali_thread_self() &&
	       denali_clock_ns() - start >= 3 * DENALI_NS_PER_MS, "cond_timedwait times out with the mutex held");
	denali_mutex_unlock(&mutex);

	for (int i = 0; i < 4; i++)
		denali_thread_create(&thread[i], "turn", 0, wait_turn, NULL);
	denali_sleep_ns(DENALI_NS_PER_MS);
	denali_mutex_lock(&mutex);
	turns = 1;
	denali_cond_signal(&cond);
	denali_mutex_unlock(&mutex);
	denali_sem_wait(&done);
	tap_ok(denali_sem_timedwait(&done, 2 * DENALI_NS_PER_MS) == ETIMEDOUT, "signal wakes one");
	denali_mutex_lock(&mutex);
	turns = 3;
	denali_cond_broadcast(&cond);
	denali_mutex_unlock(&mutex);
	for (int i = 0; i < 4; i++)
		denali_thread_join(thread[i], NULL);
	tap_ok(!turns, "broadcast wakes all");
	while (!denali_sem_trywait(&done))
		;
}

static volatile int fired[3], fires;

static void DENALI_IRQ_FN fire(void *arg)
{
	fired[fires++] = (int)(uintptr_t)arg;
	denali_sem_post(&done);
}

static void test_timer(void)
{
	static struct denali_timer a, b, c;
	uint64_t start = denali_clock_ns(), last, now;
	int back = 0;

	tap_ok(denali_sem_trywait(&sem) == EAGAIN, "an empty semaphore is EAGAIN");
	tap_ok(denali_sem_timedwait(&sem, 4 * DENALI_NS_PER_MS) == ETIMEDOUT &&
	       denali_clock_ns() - start >= 4 * DENALI_NS_PER_MS, "sem_timedwait gives up at its time");
	start = denali_clock_ns();
	denali_timer_set(&a, start + 9 * DENALI_NS_PER_MS, fire, (void *)3);
	denali_timer_set(&b, start + 3 * DENALI_NS_PER_MS, fire, (void *)1);
	denali_timer_set(&c, start + 6 * DENALI_NS_PER_MS, fire, (void *)2);
	tap_ok(denali_timer_cancel(&c) == 1 && denali_timer_cancel(&c) == 0, "cancel says whether it was armed");
	denali_timer_set(&c, start + 5 * DENALI_NS_PER_MS, fire, (void *)2);
	for (int i = 0; i < 3; i++)
		denali_sem_wait(&done);
	tap_ok(fired[0] == 1 && fired[1] == 2 && fired[2] == 3 &&
	       denali_clock_ns() - start >= 9 * DENALI_NS_PER_MS, "timers fire in order and not early");
	/* A busy thread must be interrupted for them. */
	fires = 0;
	denali_timer_set(&a, denali_clock_ns() + 2 * DENALI_NS_PER_MS, fire, (void *)4);
	start = denali_clock_ns();
	while (!fires && denali_clock_ns() - start < 20 * DENALI_NS_PER_SEC)
		;
	tap_ok(fires == 1, "a timer interrupts a busy thread");
	last = denali_clock_ns();
	start = last;
	while (last - start < 30 * DENALI_NS_PER_MS) {
		now = denali_clock_ns();
		back += now < last;
		last = now;
	}
	tap_ok(!back, "the clock doesn't go back");
	start = denali_clock_ns();
	denali_sleep_ns(10 * DENALI_NS_PER_MS);
	tap_ok(denali_clock_ns() - start >= 10 * DENALI_NS_PER_MS, "sleeping isn't shorter than asked");
}

int main(void)
{
	test_mutex();
	test_cond();
	test_timer();
	return tap_done();
}
