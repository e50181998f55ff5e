// SPDX-License-Identifier: GPL-2.0
/*
 * What ordinary processes of the host do to a CPU while VMs run on it. Nothing here
 * uses the module but to keep every CPU busy with a guest: a system call that is
 * harmless without VMs must be harmless with them.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <asm/ldt.h>
#include <linux/kvm.h>

#include "kselftest_harness.h"
#include "lib.h"

#define MAX_CPUS	16

FIXTURE(host) {
	int dev;
	int cpus;
	int vm[MAX_CPUS];
};

FIXTURE_SETUP(host)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (self->cpus > MAX_CPUS)
		self->cpus = MAX_CPUS;
	for (int i = 0; i < self->cpus; i++) {
		self->vm[i] = guest_start(self->dev, "basic", GUEST_MEM, "spin");
		ASSERT_GE(self->vm[i], 0);
	}
}

FIXTURE_TEARDOWN(host)
{
	for (int i = 0; i < self->cpus; i++) {
		EXPECT_FALSE(vm_ended(self->vm[i]));
		close(self->vm[i]);
	}
	close(self->dev);
}

static volatile bool stop;

/* Leave this CPU again and again, so that what runs next borrows the address space. */
static void *visit(void *cpu)
{
	pin_to_cpu((long)cpu);
	while (!stop)
		usleep(200);
	return NULL;
}

static int ldt_set(unsigned int entry, unsigned int base)
{
	struct user_desc desc = {
		.entry_number = entry,
		.base_addr = base,
		.limit = 0xfffff,
		.seg_32bit = 1,
		.limit_in_pages = 1,
	};

	return syscall(SYS_modify_ldt, 1, &desc, sizeof(desc));
}

/*
 * A change of a process's LDT reaches the other CPUs that have its address space by
 * an interrupt that loads the new one there: also under a runner that borrowed it.
 */
TEST_F_TIMEOUT(host, modify_ldt_beside_guests, 60)
{
	uint64_t end = now_ns() + 2000000000ULL;
	unsigned int n = 0, entry = 0 << 3 | 7;
	uint32_t limit = 0;
	pthread_t thread[MAX_CPUS];

	if (ldt_set(0, 0) < 0)
		SKIP(return, "this kernel has no modify_ldt()");
	stop = false;
	for (long i = 1; i < self->cpus; i++)
		ASSERT_EQ(pthread_create(&thread[i], NULL, visit, (void *)i), 0);
	ASSERT_TRUE(pin_to_cpu(0));
	/* At least so many, however slow this is. */
	while (now_ns() < end || n < 100) {
		ASSERT_EQ(ldt_set(n % 64, n), 0);
		n++;
	}
	stop = true;
	for (int i = 1; i < self->cpus; i++)
		pthread_join(thread[i], NULL);
	/* And the process still has what it asked for, on every CPU. */
	for (int i = 0; i < self->cpus; i++) {
		ASSERT_TRUE(pin_to_cpu(i));
		usleep(1000);
		__asm__ __volatile__("lsl %1, %0" : "+r" (limit) : "r" (entry));
		EXPECT_EQ(limit, 0xffffffff);
		limit = 0;
	}
}

/* The word at the start of a segment. */
static uint32_t word_at(unsigned int selector)
{
	uint32_t word;

	__asm__ __volatile__("movw %w1, %%gs\n"
			     "movl %%gs:0, %0" : "=r" (word) : "r" (selector));
	return word;
}

/* A process with an LDT, between guests that look for descriptors: each has its own, and no other. */
TEST_F_TIMEOUT(host, ldt_beside_guests, 120)
{
	unsigned int selector = 5 << 3 | 7, naps;
	struct denali_vm_state st;
	uint32_t *word;

	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(word, MAP_FAILED);
	*word = 0x600dda7a;
	if (ldt_set(5, (uintptr_t)word) < 0)
		SKIP(return, "this kernel has no modify_ldt()");
	for (int i = 0; i < self->cpus; i++) {
		int vm = guest_start(self->dev, "limits", GUEST_MEM, "descriptors 20");

		ASSERT_GE(vm, 0);
		ASSERT_TRUE(pin_to_cpu(i));
		naps = 0;
		do {
			EXPECT_EQ(word_at(selector), 0x600dda7a);
			nap();
		} while (++naps < 50 || !vm_ended(vm));
		vm_state(vm, &st);
		EXPECT_EQ(st.reason, DENALI_END_EXIT)
			TH_LOG("CPU %d: %s", i, st.text);
		EXPECT_EQ(st.status, 0);
		close(vm);
	}
	munmap(word, 4096);
}

/* How many machine checks a CPU has taken; -1 if the kernel doesn't count them. */
static long machine_checks(int cpu)
{
	FILE *f = fopen("/proc/interrupts", "r");
	char *line = NULL, *p;
	long n = -1;
	size_t size;

	while (f && getline(&line, &size, f) > 0) {
		p = strstr(line, "MCE:");
		if (!p)
			continue;
		p += 4;
		for (int i = 0; i <= cpu; i++)
			n = strtol(p, &p, 10);
		break;
	}
	free(line);
	if (f)
		fclose(f);
	return n;
}

/*
 * A machine check that reaches all CPUs at once, as on Intel's: they wait for one another
 * in the host's handler, and panic if one doesn't come. The error needs no action.
 */
TEST_F_TIMEOUT(host, machine_check_on_all_cpus, 120)
{
	static const char mce[] = "mce -b 0 9 0xbd000000000000c0 0x5 0x0 0x0\n";
	int monitor = open("/dev/virtio-ports/denali.monitor", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	long before[MAX_CPUS];
	char answer[4096];
	bool all = true;

	if (monitor < 0)
		SKIP(return, "no monitor of QEMU's: the boot \"monitor\" has one");
	ASSERT_GE(machine_checks(0), 0);
	for (int n = 0; n < 5; n++) {
		for (int i = 0; i < self->cpus; i++)
			before[i] = machine_checks(i);
		while (read(monitor, answer, sizeof(answer)) > 0)
			;
		ASSERT_EQ(write(monitor, mce, sizeof(mce) - 1), sizeof(mce) - 1);
		for (int i = 0; i < self->cpus; i++) {
			ASSERT_TRUE(wait_until(machine_checks(i) > before[i], SOON_MS))
				TH_LOG("machine check %d hasn't reached CPU %d", n, i);
		}
		/* One that came in the handler of another would reset the machine. */
		for (int i = 0; i < self->cpus; i++)
			all &= pin_to_cpu(i);
		ASSERT_TRUE(all);
	}
	close(monitor);
}

/* A KVM VM of one instruction, HLT, on this CPU. Return: the exit's reason, or -1. */
static int kvm_hlt(int kvm, int vm, int nr)
{
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), vcpu = ioctl(vm, KVM_CREATE_VCPU, nr);
	struct kvm_regs regs = { .rip = 0x1000, .rflags = 2 };
	struct kvm_sregs sregs;
	struct kvm_run *run;
	int ret = -1;

	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		return -1;
	if (!ioctl(vcpu, KVM_GET_SREGS, &sregs)) {
		sregs.cs.base = 0;
		sregs.cs.selector = 0;
		if (!ioctl(vcpu, KVM_SET_SREGS, &sregs) && !ioctl(vcpu, KVM_SET_REGS, &regs) &&
		    !ioctl(vcpu, KVM_RUN, 0))
			ret = run->exit_reason;
	}
	munmap(run, size);
	close(vcpu);
	return ret;
}

/* KVM turns itself on by an interrupt on CPUs that are set up for guests of ours. */
TEST_F_TIMEOUT(host, kvm_beside_guests, 120)
{
	struct kvm_userspace_memory_region region = { .guest_phys_addr = 0x1000, .memory_size = 4096 };
	uint8_t *mem;
	int kvm, vm;

	if (system("modprobe -q kvm_amd; modprobe -q kvm_intel"))
		TH_LOG("no KVM module, or one of the two");
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		SKIP(return, "no KVM here");
	mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(mem, MAP_FAILED);
	*mem = 0xf4;
	region.userspace_addr = (uintptr_t)mem;
	for (int n = 0; n < 3; n++) {
		/* The first VM turns KVM on, the end of the last turns it off. */
		vm = ioctl(kvm, KVM_CREATE_VM, 0);
		ASSERT_GE(vm, 0);
		ASSERT_EQ(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), 0);
		for (int i = 0; i < self->cpus; i++) {
			ASSERT_TRUE(pin_to_cpu(i));
			EXPECT_EQ(kvm_hlt(kvm, vm, i), KVM_EXIT_HLT);
		}
		close(vm);
	}
	munmap(mem, 4096);
	close(kvm);
}

TEST_HARNESS_MAIN
