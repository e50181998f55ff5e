// SPDX-License-Identifier: GPL-2.0
/*
 * Path lengths: what it takes into the monitor and back, beside a system call and a switch
 * between two processes. Times are RDTSC's; the test machine's icount makes them
 * instructions. Of each path there are SAMPLES; ticks fall into a few of them.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib.h"
#include "bench.h"
#include "measure.h"
#include "regions.h"

static const char *const names[R_NR] = REGION_NAMES;

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void report(int region, uint32_t *sample, unsigned int n, uint32_t overhead, unsigned int parts)
{
	qsort(sample, n, sizeof(*sample), by_value);
	printf("insns %s %.1f %.1f\n", names[region], (sample[0] - overhead) / (double)parts,
	       (sample[n / 2] - overhead) / (double)parts);
}

uint32_t tsc(void)
{
	uint32_t low;

	__asm__ __volatile__("rdtsc" : "=a" (low) : : "edx", "memory");
	return low;
}

static void need_status_0(int vm, const char *what)
{
	struct denali_vm_state state;

	if (vm_wait(vm, SOON_MS) < 0)
		die("%s: still running", what);
	vm_state(vm, &state);
	if (state.reason != DENALI_END_EXIT || state.status)
		die("%s: %s", what, state.text);
}

static uint32_t *guest_samples(int vm)
{
	uint32_t addr = guest_symbol("paths", "samples");
	uint32_t *p = addr ? vm_map(vm, addr, (4 * SAMPLES * R_NR + 0xfff) & ~0xfffUL) : NULL;

	if (!p)
		die("the guest's samples[] can't be mapped");
	return p;
}

static uint32_t minimum(const uint32_t *sample)
{
	uint32_t min = ~0U;
	int i;

	for (i = 0; i < SAMPLES; i++)
		if (sample[i] < min)
			min = sample[i];
	return min;
}

static void guest_paths(int dev)
{
	static const int paths[] = {
		R_NOP, R_EXIT, R_PREEMPT, R_IDLE, R_EXC, R_EXC_RETURN, R_UPCALL
	};
	int vm = guest_start(dev, "paths", GUEST_MEM, "paths"), other;
	uint32_t *s, overhead;
	unsigned int i;

	if (vm < 0)
		die("no VM for the path lengths: %m");
	need_status_0(vm, "the guest that measures paths");
	s = guest_samples(vm);
	overhead = minimum(s + SAMPLES * R_EMPTY);
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		report(paths[i], s + SAMPLES * paths[i], SAMPLES, overhead, 1);
	close(vm);

	other = guest_start(dev, "paths", GUEST_MEM, "yield");
	vm = guest_start(dev, "paths", GUEST_MEM, "switch");
	if (vm < 0 || other < 0)
		die("no two VMs to switch between: %m");
	need_status_0(vm, "the guest that measures switches");
	s = guest_samples(vm);
	report(R_SWITCH, s + SAMPLES * R_SWITCH, SAMPLES, overhead + YIELD_EXTRA, 2);
	close(vm);
	close(other);
}

/* The same probe as the guest's, around SYSCALL. */
#define PROBE(region, insn, nr) ({						\
	uint32_t end_, start_;							\
										\
	__asm__ __volatile__("rdtsc\n\t"					\
			     "movl %%eax, %%esi\n\t"				\
			     "movl %2, %%eax\n\t"				\
			     ".byte 0x0f, 0x1f, 0x80; .long %c3\n\t"		\
			     insn "\n\t"					\
			     ".byte 0x0f, 0x1f, 0x80; .long %c4\n\t"		\
			     "rdtsc"						\
			     : "=&a" (end_), "=&S" (start_)			\
			     : "i" (nr), "i" (REGION_MARK | REGION_BEGIN | (region)),	\
			       "i" (REGION_MARK | REGION_END | (region))	\
			     : "rcx", "rdx", "r11", "memory");			\
	end_ - start_;								\
})

static void native_getppid(void)
{
	uint32_t sample[SAMPLES], empty[SAMPLES];
	int i;

	for (i = 0; i < SAMPLES; i++) {
		empty[i] = PROBE(R_EMPTY, "", 0);
		sample[i] = PROBE(R_GETPPID, "syscall", SYS_getppid);
	}
	report(R_GETPPID, sample, SAMPLES, minimum(empty), 1);
}

/* A byte to and fro between two processes. */
static void native_pipe(void)
{
	uint32_t sample[SAMPLES], start;
	int to[2], fro[2], i;
	pid_t pid;
	char c = 0;

	if (pipe(to) < 0 || pipe(fro) < 0)
		die("no pipes: %m");
	pid = fork();
	if (pid < 0)
		die("no process: %m");
	if (!pid) {
		close(to[1]);
		for (;;) {
			if (syscall(SYS_read, to[0], &c, 1) != 1)
				_exit(0);
			region_end(R_PIPE);
			syscall(SYS_write, fro[1], &c, 1);
		}
	}
	close(to[0]);
	for (i = 0; i < SAMPLES; i++) {
		start = tsc();
		region_begin(R_PIPE);
		if (syscall(SYS_write, to[1], &c, 1) != 1 || syscall(SYS_read, fro[0], &c, 1) != 1)
			die("the process at the pipe's other end is gone");
		sample[i] = tsc() - start;
	}
	report(R_PIPE, sample, SAMPLES, 0, 2);
	close(to[1]);
	close(fro[0]);
	close(fro[1]);
	waitpid(pid, NULL, 0);
}

void bench_paths(int dev)
{
	guest_paths(dev);
	native_getppid();
	native_pipe();
}
