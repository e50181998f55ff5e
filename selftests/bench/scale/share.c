// SPDX-License-Identifier: GPL-2.0
/*
 * Computing: VMs that only count, with four different weights, beside as many processes
 * that do, for as long. How much all of them get done together, and how far each
 * is from what its weight says.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../lib.h"
#include "../bench.h"
#include "scale.h"

#define MOST		128
#define QUANTUM_US	"1000"		/* so that each has many turns in a time that can be waited for */
#define PER_VM_MS	160		/* of CPU time, on average, and a VM may be a turn ahead or behind */
#define WEIGHT(i)	(100U * (1 + (i) % 4))

static double total(const uint64_t *work, int nr)
{
	double sum = 0;
	int i;

	for (i = 0; i < nr; i++)
		sum += work[i];
	return sum;
}

static void vms(int dev, int nr, uint64_t *work)
{
	struct denali_vm_share share = { .set = DENALI_SHARE_WEIGHT };
	volatile uint64_t *var[MOST];
	double weights = 0, all, off, worst = 0;
	int vm[MOST], i;

	for (i = 0; i < nr; i++) {
		share.weight = WEIGHT(i);
		weights += share.weight;
		vm[i] = guest_make(dev, "sched", GUEST_MEM, "spin");
		if (vm[i] < 0 || ioctl(vm[i], DENALI_IOC_VM_SHARE, &share) < 0)
			die("VM %d can't be made: %m", i);
		var[i] = guest_var(vm[i], "sched", "work");
		if (!var[i])
			die("the counter of VM %d can't be mapped", i);
	}
	for (i = 0; i < nr; i++)
		if (vm_ctl(vm[i], DENALI_IOC_VM_START) < 0)
			die("VM %d can't be started: %m", i);
	sleep(1);
	for (i = 0; i < nr; i++)
		work[i] = *var[i];
	usleep(nr * PER_VM_MS * 1000);
	for (i = 0; i < nr; i++)
		work[i] = *var[i] - work[i];
	all = total(work, nr);
	for (i = 0; i < nr; i++) {
		off = work[i] / (all * WEIGHT(i) / weights) - 1;
		if (off < 0)
			off = -off;
		if (off > worst)
			worst = off;
		guest_var_put(var[i]);
		close(vm[i]);
	}
	printf("share %d vm-work %.0f\n", nr, all);
	printf("share %d off-permille %.0f\n", nr, worst * 1000);
}

/* As many instructions a turn as the guest's loop has, seven. */
static void count(volatile uint32_t *work)
{
	for (;;)
		__asm__ __volatile__("movl %0, %%eax; movl %1, %%edx; addl $1, %%eax; adcl $0, %%edx;"
				     "movl %%eax, %0; movl %%edx, %1"
				     : "+m" (work[0]), "+m" (work[1]) : : "eax", "edx");
}

static void processes(int nr, uint64_t *work)
{
	volatile uint64_t *shared = mmap(NULL, nr * sizeof(*shared), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid[MOST];
	int i;

	if (shared == MAP_FAILED)
		die("no memory to share");
	for (i = 0; i < nr; i++) {
		pid[i] = fork();
		if (!pid[i])
			count((volatile uint32_t *)(shared + i));
		if (pid[i] < 0)
			die("no process: %m");
	}
	sleep(1);
	for (i = 0; i < nr; i++)
		work[i] = shared[i];
	usleep(nr * PER_VM_MS * 1000);
	for (i = 0; i < nr; i++)
		work[i] = shared[i] - work[i];
	printf("share %d process-work %.0f\n", nr, total(work, nr));
	for (i = 0; i < nr; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
}

void scale_share(int dev, int most, int seconds)
{
	static uint64_t work[MOST];
	int nr = most < MOST ? most : MOST;

	if (!file_put("/sys/module/denali/parameters/quantum_us", QUANTUM_US))
		die("the quantum can't be set");
	vms(dev, nr, work);
	processes(nr, work);
}
