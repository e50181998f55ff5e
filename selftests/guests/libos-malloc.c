// SPDX-License-Identifier: GPL-2.0
/* libos heap: exhaustion is ENOMEM, nothing else is overwritten, freed memory is there again. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <denali/vregs.h>

#include "libos-tap.h"

#define BLOCK	1000

struct block {
	struct block *next;
	unsigned char fill[BLOCK];
};

static struct block *fill_up(int *count)
{
	struct block *list = NULL, *block;

	for (*count = 0; (block = malloc(sizeof(*block))); ++*count) {
		block->next = list;
		memset(block->fill, *count, BLOCK);
		list = block;
	}
	return list;
}

static int check_and_free(struct block *list, int count)
{
	int wrong = 0;

	while (list) {
		struct block *next = list->next;

		count--;
		for (int i = 0; i < BLOCK; i++)
			wrong += list->fill[i] != (unsigned char)count;
		free(list);
		list = next;
	}
	return wrong + count;
}

static void *churn(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;
	int wrong = 0;

	for (int i = 0; i < 2000; i++) {
		size_t n = rand_r(&seed) % 700 + 1;
		unsigned char *p = malloc(n);

		if (!p)
			continue;
		memset(p, i, n);
		if (i % 64 == 0)
			sched_yield();
		for (size_t j = 0; j < n; j++)
			wrong += p[j] != (unsigned char)i;
		free(p);
	}
	return (void *)(uintptr_t)wrong;
}

int main(void)
{
	volatile unsigned char local[2048];
	volatile size_t beyond = 0xf0000000;
	pthread_t thread[4];
	int first, second, wrong = 0, made = 0, error;
	struct block *list;
	void *value;

	memset((void *)local, 0x5a, sizeof(local));
	list = fill_up(&first);
	error = errno;
	for (size_t i = 0; i < sizeof(local); i++)
		wrong += local[i] != 0x5a;
	tap_ok(error == ENOMEM, "exhaustion is ENOMEM");
	tap_ok((uint64_t)first * BLOCK > DENALI_VREGS->mem_size / 2, "most of the memory could be had");
	tap_ok(!wrong, "the stack is untouched");
	tap_ok(pthread_create(&thread[0], NULL, churn, NULL) == EAGAIN, "no thread without memory: EAGAIN");
	tap_ok(!check_and_free(list, first), "no block was overwritten");
	list = fill_up(&second);
	tap_ok(!check_and_free(list, second) && second >= first * 9 / 10, "freed memory is there again");
	tap_ok(!malloc(beyond), "more than the address space is refused");
	for (int i = 0; i < 4; i++)
		made += !pthread_create(&thread[i], NULL, churn, (void *)(uintptr_t)(i + 1));
	wrong = 0;
	for (int i = 0; i < made; i++) {
		pthread_join(thread[i], &value);
		wrong += (int)(uintptr_t)value;
	}
	tap_ok(made == 4 && !wrong, "threads allocate at once and don't share blocks");
	return tap_done();
}
