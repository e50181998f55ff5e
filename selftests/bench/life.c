// SPDX-License-Identifier: GPL-2.0
/*
 * A VM's life, from nothing to its first hypercall and back to nothing, and a clone's, beside a
 * process's. Both images are at hand: the VM's in memory, the programs in a tmpfs.
 *
 * A sample is what the caller waits for. What is put off (a VM's pages are scrubbed
 * later, a process's struct is freed after a grace period) and what happens now and then
 * (ticks) is in the mean of many lives one after another.
 */
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib.h"
#include "bench.h"
#include "measure.h"
#include "regions.h"

#define LIVES		256
#define BATCH		64
#define VM_BYTES	(256 << 10)
#define LARGE_BYTES	(16 << 20)
#define IMAGE_ADDR	0x2000
#define IMAGE_BYTES	4096

/* The first page of a guest's memory behind the virtual registers, as the loader leaves it. */
static uint8_t image[IMAGE_BYTES];

static void image_prepare(int dev)
{
	uint32_t entry;
	int vm = vm_create(dev, VM_BYTES, 0, NULL);
	void *p;

	if (vm < 0 || guest_load(vm, "life", &entry) < 0 || entry != IMAGE_ADDR)
		die("the guest \"life\" can't be loaded");
	p = vm_map(vm, IMAGE_ADDR, IMAGE_BYTES);
	if (!p)
		die("no memory of a VM to map: %m");
	memcpy(image, p, IMAGE_BYTES);
	munmap(p, IMAGE_BYTES);
	close(vm);
}

static void vm_await(int vm)
{
	struct pollfd pfd = { .fd = vm, .events = POLLIN };

	if (poll(&pfd, 1, SOON_MS) != 1)
		die("a VM doesn't end");
}

/* Starts a VM and waits for its end. */
static void vm_run(int vm)
{
	if (ioctl(vm, DENALI_IOC_VM_START, 0) < 0)
		die("a VM doesn't start: %m");
	vm_await(vm);
}

static int vm_life(int dev)
{
	struct denali_vm_create create = { .mem_bytes = VM_BYTES };
	struct denali_vm_setup setup = { .entry = IMAGE_ADDR };
	void *p;
	int vm;

	vm = ioctl(dev, DENALI_IOC_VM_CREATE, &create);
	if (vm < 0)
		die("no VM: %m");
	p = mmap(NULL, IMAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, vm, IMAGE_ADDR);
	if (p == MAP_FAILED)
		die("no memory of a VM to map: %m");
	memcpy(p, image, 128);
	munmap(p, IMAGE_BYTES);
	if (ioctl(vm, DENALI_IOC_VM_SETUP, &setup) < 0)
		die("a VM isn't set up: %m");
	vm_run(vm);
	return vm;
}

/* Just the request: the memory is clean already. */
static uint32_t create_large(int dev)
{
	struct denali_vm_create create = { .mem_bytes = LARGE_BYTES };
	int vm = ioctl(dev, DENALI_IOC_VM_CREATE, &create);
	uint32_t end;

	region_end(R_CREATE_LARGE);
	end = tsc();
	if (vm < 0)
		die("no VM: %m");
	close(vm);
	return end;
}

static int clone_life(int template)
{
	struct denali_vm_clone arg = { 0 };
	int vm = ioctl(template, DENALI_IOC_VM_CLONE, &arg);

	if (vm < 0)
		die("no clone: %m");
	vm_run(vm);
	return vm;
}

/* A VM of the same guest, stopped as a template. */
static int life_template(int dev, const char *cmdline)
{
	int vm = vm_create(dev, VM_BYTES, DENALI_CREATE_TEMPLATE, NULL);

	if (vm < 0 || !template_boot(vm, "life", cmdline))
		die("no template");
	return vm;
}

/* What the TSC of a VM was at its first instructions: its exit status. */
static uint32_t vm_first(int vm)
{
	struct denali_vm_state state;

	vm_state(vm, &state);
	close(vm);
	return state.status;
}

static void clone_reset(int vm)
{
	if (ioctl(vm, DENALI_IOC_VM_RESET, 0) < 0)
		die("a clone isn't reset: %m");
}

static void clone_restart(int vm)
{
	if (ioctl(vm, DENALI_IOC_VM_RESTART, 0) < 0)
		die("a clone isn't started anew: %m");
}

static void clone_go(int vm)
{
	if (ioctl(vm, DENALI_IOC_VM_START, 0) < 0)
		die("a clone doesn't start: %m");
}

/* The clone has ended, and has again afterwards. */
static uint32_t reset_ended(int vm)
{
	struct denali_vm_state state;

	clone_restart(vm);
	vm_await(vm);
	vm_state(vm, &state);
	return state.esi;
}

/* It idles, before and afterwards. */
static uint32_t reset_idle(int vm)
{
	struct denali_vm_state state;

	clone_restart(vm);
	usleep(1000);
	if (ioctl(vm, DENALI_IOC_VM_KILL, 0) < 0)
		die("a clone isn't killed: %m");
	vm_state(vm, &state);
	clone_restart(vm);
	return state.esi;
}

/* The same, without going on. */
static uint32_t reset_alone(int vm)
{
	uint32_t end;

	clone_reset(vm);
	region_end(R_RESET);
	end = tsc();
	clone_go(vm);
	return end;
}

static int clone_going(int template)
{
	struct denali_vm_clone arg = { 0 };
	int vm = ioctl(template, DENALI_IOC_VM_CLONE, &arg);

	if (vm < 0)
		die("no clone: %m");
	clone_go(vm);
	return vm;
}

/* As many clones, one by one or at once; not started. */
static void clone_singly(int template, int *fds)
{
	struct denali_vm_clone arg = { 0 };
	int i;

	for (i = 0; i < BATCH; i++) {
		fds[i] = ioctl(template, DENALI_IOC_VM_CLONE, &arg);
		if (fds[i] < 0)
			die("no clone: %m");
	}
}

static void clone_batch(int template, int *fds)
{
	struct denali_vm_clones arg = { .count = BATCH, .fds = (uintptr_t)fds };

	if (ioctl(template, DENALI_IOC_VM_CLONES, &arg) < 0)
		die("no clones: %m");
}

static void process_life(const char *path)
{
	char *const argv[] = { (char *)path, NULL };
	char *const envp[] = { NULL };
	pid_t pid = fork();
	int status;

	if (!pid) {
		execve(path, argv, envp);
		_exit(1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		die("%s can't be run: %m", path);
}

/* Until what was put off is done: the CPU has nothing else to do. */
static void settle(int dev)
{
	struct denali_info info;

	do {
		usleep(20000);
		dev_info(dev, &info);
	} while (info.pool_dirty);
}

/* Without a moment's rest, and until nothing is put off any more. */
static void mean(const char *name, int dev, const char *path, int template)
{
	struct denali_info info;
	uint64_t start;
	int i;

	settle(dev);
	start = now_ns();
	for (i = 0; i < LIVES; i++) {
		if (path)
			process_life(path);
		else
			close(template < 0 ? vm_life(dev) : clone_life(template));
	}
	do {
		sched_yield();
		dev_info(dev, &info);
	} while (info.pool_dirty);
	printf("mean %s %llu\n", name, (unsigned long long)(now_ns() - start) / LIVES);
}

/* SAMPLES times from here to what @end, an expression that ends the region, says the TSC was; of each of @parts. */
#define SAMPLE_PARTS(region, end, parts) do {				\
	for (i = 0; i < SAMPLES; i++) {					\
		settle(dev);						\
		start = tsc();						\
		region_begin(region);					\
		sample[i] = (end) - start;				\
	}								\
	report(region, sample, SAMPLES, 0, parts);			\
} while (0)

#define SAMPLE(region, end) SAMPLE_PARTS(region, end, 1)

#define ENDS(region, what) ({ what; region_end(region); (uint32_t)tsc(); })

static void close_all(const int *fds)
{
	int i;

	for (i = 0; i < BATCH; i++)
		close(fds[i]);
}

#define ENDS_BATCH(region, what) ({					\
	uint32_t __end = ENDS(region, what);				\
									\
	close_all(fds);							\
	__end;								\
})

void bench_life(int dev)
{
	static const char bare[] = "/dev/shm/bench/exit", libc[] = "/dev/shm/bench/exit-libc";
	uint32_t sample[SAMPLES], start;
	int fds[BATCH];
	int template, ended, idle, vm, i;

	image_prepare(dev);
	template = life_template(dev, "template");
	SAMPLE(R_LIFE, ENDS(R_LIFE, close(vm_life(dev))));
	SAMPLE(R_CLONE_LIFE, ENDS(R_CLONE_LIFE, close(clone_life(template))));
	/* These regions end in the guest. */
	SAMPLE(R_CREATE_FIRST, vm_first(vm_life(dev)));
	SAMPLE(R_CLONE_FIRST, vm_first(clone_life(template)));
	ended = life_template(dev, "reset");
	idle = life_template(dev, "reset-idle");
	vm = clone_going(ended);
	SAMPLE(R_RESET_ENDED, reset_ended(vm));
	close(vm);
	vm = clone_going(idle);
	SAMPLE(R_RESET_FIRST, reset_idle(vm));
	SAMPLE(R_RESET, reset_alone(vm));
	close(vm);
	SAMPLE(R_CREATE_LARGE, create_large(dev));
	SAMPLE_PARTS(R_SINGLES, ENDS_BATCH(R_SINGLES, clone_singly(template, fds)), BATCH);
	SAMPLE_PARTS(R_BATCH, ENDS_BATCH(R_BATCH, clone_batch(template, fds)), BATCH);
	SAMPLE(R_EXEC, ENDS(R_EXEC, process_life(bare)));
	SAMPLE(R_EXEC_LIBC, ENDS(R_EXEC_LIBC, process_life(libc)));
	mean("vm-life", dev, NULL, -1);
	mean("clone-life", dev, NULL, template);
	mean("fork-exec-exit", dev, bare, -1);
	mean("fork-exec-exit-libc", dev, libc, -1);
	close(template);
	close(ended);
	close(idle);
}
