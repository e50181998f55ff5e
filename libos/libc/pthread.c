// SPDX-License-Identifier: MIT
/*
 * POSIX threads: life cycle and thread-specific data. A thread's share of the
 * latter hangs on a slot of the core's thread; other threads than pthread's get
 * theirs at their first pthread_setspecific(), and no destructor calls.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include <denali-os/irq.h>

struct pthread_data {
	void *(*fn)(void *arg);
	void *arg;
	struct pthread_cleanup *cleanup;
	void *values[PTHREAD_KEYS_MAX];
};

static struct {
	int used;
	void (*destructor)(void *value);
} keys[PTHREAD_KEYS_MAX];

/* Threads of POSIX's kind: when the last one ends, the program does. */
static unsigned int alive = 1;

static struct pthread_data **pthread_data(void)
{
	return (struct pthread_data **)denali_thread_slot(denali_thread_self(), DENALI_THREAD_SLOT_PTHREAD);
}

static void *pthread_main(void *arg)
{
	struct pthread_data *data = arg;

	*pthread_data() = data;
	pthread_exit(data->fn(data->arg));
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *arg), void *arg)
{
	struct pthread_data *data = calloc(1, sizeof(*data));
	uint32_t flags;
	int ret;

	if (!data)
		return EAGAIN;
	data->fn = fn;
	data->arg = arg;
	flags = denali_irq_disable();
	alive++;
	denali_irq_restore(flags);
	ret = denali_thread_create(thread, "pthread", attr ? attr->stacksize : 0, pthread_main, data);
	if (ret) {
		flags = denali_irq_disable();
		alive--;
		denali_irq_restore(flags);
		free(data);
		return EAGAIN;
	}
	/* It may have ended already: being joinable so far it is still there. */
	if (attr && attr->detachstate == PTHREAD_CREATE_DETACHED)
		denali_thread_detach(*thread);
	return 0;
}

static void run_destructors(struct pthread_data *data)
{
	for (int again = 1, round = 0; again && round < PTHREAD_DESTRUCTOR_ITERATIONS; round++) {
		again = 0;
		for (int key = 0; key < PTHREAD_KEYS_MAX; key++) {
			void *value = data->values[key];

			data->values[key] = NULL;
			if (value && keys[key].destructor) {
				keys[key].destructor(value);
				again = 1;
			}
		}
	}
}

void pthread_exit(void *value)
{
	struct pthread_data **data = pthread_data();
	struct pthread_cleanup *cleanup;
	uint32_t flags;
	int last;

	if (*data) {
		while ((cleanup = (*data)->cleanup)) {
			(*data)->cleanup = cleanup->next;
			cleanup->fn(cleanup->arg);
		}
		run_destructors(*data);
		free(*data);
		*data = NULL;
	}
	flags = denali_irq_disable();
	last = !--alive;
	denali_irq_restore(flags);
	if (last)
		exit(0);
	denali_thread_exit(value);
}

int pthread_join(pthread_t thread, void **value)
{
	return denali_thread_join(thread, value);
}

int pthread_detach(pthread_t thread)
{
	return denali_thread_detach(thread);
}

pthread_t pthread_self(void)
{
	return denali_thread_self();
}

int pthread_equal(pthread_t a, pthread_t b)
{
	return a == b;
}

int sched_yield(void)
{
	denali_thread_yield();
	return 0;
}

int pthread_once(pthread_once_t *once, void (*fn)(void))
{
	denali_mutex_lock(&once->mutex);
	if (!once->done) {
		fn();
		once->done = 1;
	}
	denali_mutex_unlock(&once->mutex);
	return 0;
}

int pthread_attr_init(pthread_attr_t *attr)
{
	*attr = (pthread_attr_t){ .stacksize = DENALI_STACK_DEFAULT };
	return 0;
}

int pthread_attr_destroy(pthread_attr_t *attr)
{
	(void)attr;
	return 0;
}

int pthread_attr_setdetachstate(pthread_attr_t *attr, int state)
{
	if (state != PTHREAD_CREATE_JOINABLE && state != PTHREAD_CREATE_DETACHED)
		return EINVAL;
	attr->detachstate = state;
	return 0;
}

int pthread_attr_getdetachstate(const pthread_attr_t *attr, int *state)
{
	*state = attr->detachstate;
	return 0;
}

int pthread_attr_setstacksize(pthread_attr_t *attr, size_t size)
{
	if (size < PTHREAD_STACK_MIN)
		return EINVAL;
	attr->stacksize = size;
	return 0;
}

int pthread_attr_getstacksize(const pthread_attr_t *attr, size_t *size)
{
	*size = attr->stacksize;
	return 0;
}

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *value))
{
	uint32_t flags = denali_irq_disable();
	unsigned int i;

	for (i = 0; i < PTHREAD_KEYS_MAX && keys[i].used; i++)
		;
	if (i < PTHREAD_KEYS_MAX) {
		keys[i].used = 1;
		keys[i].destructor = destructor;
	}
	denali_irq_restore(flags);
	*key = i;
	return i < PTHREAD_KEYS_MAX ? 0 : EAGAIN;
}

int pthread_key_delete(pthread_key_t key)
{
	if (key >= PTHREAD_KEYS_MAX || !keys[key].used)
		return EINVAL;
	keys[key].destructor = NULL;
	keys[key].used = 0;
	return 0;
}

void *pthread_getspecific(pthread_key_t key)
{
	struct pthread_data *data = *pthread_data();

	return data && key < PTHREAD_KEYS_MAX ? data->values[key] : NULL;
}

static int pthread_data_get(struct pthread_data ***data)
{
	*data = pthread_data();
	if (!**data)
		**data = calloc(1, sizeof(***data));
	return **data ? 0 : ENOMEM;
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
	struct pthread_data **data;

	if (key >= PTHREAD_KEYS_MAX || !keys[key].used)
		return EINVAL;
	if (pthread_data_get(&data))
		return ENOMEM;
	(*data)->values[key] = (void *)value;
	return 0;
}

void pthread_cleanup_enter(struct pthread_cleanup *cleanup)
{
	struct pthread_data **data;

	/* Without memory for the list the handler still runs at its pop. */
	if (pthread_data_get(&data))
		return;
	cleanup->next = (*data)->cleanup;
	(*data)->cleanup = cleanup;
}

void pthread_cleanup_leave(struct pthread_cleanup *cleanup, int execute)
{
	struct pthread_data *data = *pthread_data();

	if (data && data->cleanup == cleanup)
		data->cleanup = cleanup->next;
	if (execute)
		cleanup->fn(cleanup->arg);
}
