// SPDX-License-Identifier: GPL-2.0
/*
 * The library OS in a template and its clones. The first word of the boot arguments of
 * the template says what it does before it is one.
 *
 *   set-up   sets itself up, with threads, and says itself that it is ready
 *   never    doesn't come to that
 *   end      ends before, with status 5
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <denali-os/bootargs.h>
#include <denali-os/random.h>
#include <denali-os/template.h>
#include <denali-os/timer.h>

#define WORDS	1000

static unsigned int ticks;

/* A thread of the template goes on in each clone. */
static void *ticker(void *arg)
{
	for (;;) {
		usleep(10000);
		__atomic_add_fetch(&ticks, 1, __ATOMIC_RELAXED);
	}
	return arg;
}

int main(int argc, char **argv)
{
	char tag[32] = "", line[64];
	uint64_t before, now;
	unsigned int had, i;
	uint32_t *heap;
	pthread_t thread;
	int clone;

	if (argc > 1 && !strcmp(argv[1], "never"))
		for (;;)
			sleep(1);
	if (argc > 1 && !strcmp(argv[1], "end")) {
		printf("ends instead\n");
		return 5;
	}
	printf("setting up\n");
	heap = malloc(WORDS * sizeof(*heap));
	for (i = 0; i < WORDS; i++)
		heap[i] = i * 3;
	if (pthread_create(&thread, NULL, ticker, NULL))
		return 1;
	while (!ticks)
		usleep(1000);
	before = denali_clock_ns();
	had = ticks;

	clone = denali_template();

	now = denali_clock_ns();
	if (now < before) {
		printf("the clock went back\n");
		return 1;
	}
	for (i = 0; i < WORDS; i++) {
		if (heap[i] != i * 3) {
			printf("word %u is %u\n", i, (unsigned int)heap[i]);
			return 1;
		}
		heap[i] = 0;
	}
	while (ticks < had + 3)
		usleep(1000);
	denali_bootarg("tag", tag, sizeof(tag));
	printf("clone %d tag %s random %08x\n", clone, tag, (unsigned int)denali_random32());
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin))
		printf("read %s", line);
	return 0;
}
