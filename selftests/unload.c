// SPDX-License-Identifier: GPL-2.0
/*
 * unload: for module.sh, with the module loaded and not in use. A tenant's VM is killed and let go
 * of, and the module unloaded, while the runner that took the VM off the CPU doesn't get that
 * itself: this program has it, and a child of its, both with real-time priority.
 *
 * That a runner loses the CPU there takes a kernel with full preemption, as the debug kernel.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/denali.h>

#include "lib.h"

#define BUSY_NS		300000000ULL	/* less than what real-time tasks may have of a second */

static int start(int dev)
{
	struct denali_tenant_set set = {
		.flags = DENALI_TENANT_NEW, .set = DENALI_TENANT_CPUS | DENALI_TENANT_NICE,
		.name = "unload", .cpus = { 1 }, .nice = 19,
	};
	struct denali_vm_create create = { .mem_bytes = GUEST_MEM, .tenant = "unload" };
	struct denali_vm_state st;
	int vm;

	if (ioctl(dev, DENALI_IOC_TENANT_SET, &set))
		return -1;
	vm = ioctl(dev, DENALI_IOC_VM_CREATE, &create);
	if (vm < 0 || guest_boot(vm, "sched", "spin") ||
	    !wait_until((vm_state(vm, &st), st.run_ns > 0), SOON_MS))
		return -1;
	return vm;
}

/* It has the CPU whenever nobody of a higher priority wants it, once something is in the pipe. */
static pid_t busy(int from)
{
	pid_t pid = fork();
	uint64_t end;
	char c;

	if (pid)
		return pid;
	if (read(from, &c, 1) == 1)
		for (end = now_ns() + BUSY_NS; now_ns() < end;)
			;
	_exit(0);
}

int main(void)
{
	struct sched_param prio = { .sched_priority = 1 };
	int dev, vm, ret, go[2];
	pid_t pid;

	if (pipe(go) || !pin_to_cpu(0) || sched_setscheduler(0, SCHED_FIFO, &prio)) {
		perror("unload");
		return 1;
	}
	/* Before there are descriptors that it would have as well. */
	pid = busy(go[0]);
	dev = dev_open();
	vm = start(dev);
	if (vm < 0) {
		perror("unload: a VM in a tenant");
		return 1;
	}
	prio.sched_priority = 2;
	ret = sched_setscheduler(0, SCHED_FIFO, &prio) || vm_ctl(vm, DENALI_IOC_VM_KILL) ||
	      write(go[1], "", 1) != 1;
	close(vm);
	close(dev);
	if (ret || syscall(SYS_delete_module, "denali", O_NONBLOCK)) {
		perror("unload");
		ret = 1;
	}
	waitpid(pid, NULL, 0);
	return ret;
}
