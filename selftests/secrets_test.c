// SPDX-License-Identifier: GPL-2.0
/*
 * What was in the registers of one VM, or of a process of the host, isn't found by another.
 * On every CPU a VM (guests/poison.c) and a process here hold words in all their registers that
 * are easily told; others beside them look for these words, and for anything else that isn't theirs.
 */
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib.h"

#define MAX_CPUS	8
#define SECRET		0x5ec2e700U
#define IS_SECRET(word)	(((word) & 0xffffff00) == SECRET)
#define XSAVE_HEADER	512

FIXTURE(secrets) {
	int dev;
	int cpus;
	int vm[MAX_CPUS];
	pid_t pid[MAX_CPUS];
};

static uint8_t area[16384] __attribute__((aligned(64)));
static uint8_t area_now[16384] __attribute__((aligned(64)));

/* Whoever enables it can't return from where he did: that stack begins there. */
static inline __attribute__((always_inline)) bool shadow_stack_on(void)
{
	long ret = SYS_arch_prctl;

	__asm__ __volatile__("syscall" : "+a" (ret)
			     : "D" (0x5001L /* ARCH_SHSTK_ENABLE */), "S" (1L /* ARCH_SHSTK_SHSTK */)
			     : "rcx", "r11", "memory");
	return !ret;
}

/* What XRSTOR takes: secrets in all registers that this process has. Return: the features. */
static uint32_t fill_area(void)
{
	uint32_t low, high, a = 13, b, c = 0, d;

	__asm__ __volatile__("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d));
	__asm__ __volatile__("xgetbv" : "=a" (low), "=d" (high) : "c" (0));
	/* What AMX is asked for: arch_prctl() first. */
	low &= ~(3U << 17);
	__asm__ __volatile__("xsave64 %0" : "+m" (area) : "a" (low), "d" (high));
	for (uint32_t i = 32; i + 4 <= b; i += 4)
		if (i < 416 || i >= XSAVE_HEADER + 64)
			*(uint32_t *)(area + i) = SECRET | (i & 0xfc);
	*(uint16_t *)area = 0x7f;
	*(uint16_t *)(area + 4) = 0xff;
	*(uint64_t *)(area + 8) = SECRET;
	*(uint64_t *)(area + 16) = SECRET;
	*(uint32_t *)(area + 24) = 0x5fbf;
	*(uint64_t *)(area + XSAVE_HEADER) = low;
	return low;
}

/* Never returns. Registers hold secrets whenever this process is interrupted. */
static void host_process(void)
{
	uint32_t low = fill_area();

	/* A base in the lower half of the address space, as any process may have. */
	syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, (unsigned long)SECRET);
	shadow_stack_on();
	__asm__ __volatile__("xrstor64 %0\n"
			     "movl	%1, %%eax\n"
			     ".irp r, rbx, rcx, rdx, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15\n"
			     "movq	%%rax, %%\\r\n"
			     ".endr\n"
			     "1: jmp	1b\n"
			     : : "m" (area), "i" (SECRET), "a" (low), "d" (0) : "memory");
}

FIXTURE_SETUP(secrets)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (self->cpus > MAX_CPUS)
		self->cpus = MAX_CPUS;
	for (int i = 0; i < self->cpus; i++) {
		self->pid[i] = fork();
		if (!self->pid[i]) {
			pin_to_cpu(i);
			host_process();
		}
		self->vm[i] = guest_start(self->dev, "poison", GUEST_MEM, "hold");
		ASSERT_GE(self->vm[i], 0);
	}
}

FIXTURE_TEARDOWN(secrets)
{
	for (int i = 0; i < self->cpus; i++) {
		EXPECT_FALSE(vm_ended(self->vm[i]));
		close(self->vm[i]);
		kill(self->pid[i], SIGKILL);
		waitpid(self->pid[i], NULL, 0);
	}
	close(self->dev);
}

/* The poison gets round once more from now on: it has been in the registers. */
static bool poisoned(struct _test_data_secrets *self)
{
	bool ok = true;

	for (int i = 0; i < self->cpus; i++) {
		volatile uint32_t *rounds = guest_var(self->vm[i], "poison", "rounds");
		uint32_t before = *rounds;

		ok = ok && wait_until(*rounds - before > 2, SOON_MS);
		guest_var_put(rounds);
	}
	return ok;
}

/* As guests/look.S writes it. */
struct seen {
	uint32_t ax, cx, dx, bx, sp, bp, si, di, ds, es, fs, gs, flags, pkru, tsc_aux, ssp;
};

/* Each register has its initial value, bit by bit, also those that no instruction but XSAVE shows. */
TEST_F_TIMEOUT(secrets, registers_at_start, 120)
{
	for (int n = 0; n < 32; n++) {
		/* Turn about: a VM gets the CPU that has the fewest. */
		int other = n & 1 ? guest_start(self->dev, "basic", GUEST_MEM, "idle") : -1;
		int vm = guest_start(self->dev, "look", GUEST_MEM, "x");
		struct seen *seen;
		uint8_t *area;

		ASSERT_GE(vm, 0);
		ASSERT_EQ(vm_wait(vm, SOON_MS), 0);
		seen = guest_var(vm, "look", "seen");
		area = guest_var(vm, "look", "xsave_area");
		ASSERT_NE(seen, NULL);
		ASSERT_NE(area, NULL);
		EXPECT_EQ(seen->ax | seen->cx | seen->dx | seen->bx | seen->bp | seen->si | seen->di, 0);
		EXPECT_EQ(seen->sp, GUEST_MEM - 16);
		EXPECT_EQ(seen->fs | seen->gs, 0);
		EXPECT_EQ(seen->flags & ~0x200200, 2);
		EXPECT_EQ(seen->pkru, 0);
		EXPECT_EQ(seen->tsc_aux, 0);
		EXPECT_EQ(seen->ssp, 0);
		for (int i = 0; i < 4096; i++) {
			uint8_t want = i == 0 ? 0x7f : i == 1 ? 0x03 : i == 24 ? 0x80 : i == 25 ? 0x1f : 0;

			/* MXCSR_MASK is the CPU's; the header says what is in use, of what there is. */
			if ((i >= 28 && i < 32) || (i >= XSAVE_HEADER && i < XSAVE_HEADER + 8))
				continue;
			EXPECT_EQ(area[i], want)
				TH_LOG("byte %d of the XSAVE area", i);
			if (area[i] != want)
				break;
		}
		guest_var_put(seen);
		guest_var_put(area);
		close(vm);
		if (other >= 0)
			close(other);
	}
	EXPECT_TRUE(poisoned(self));
}

/* Nor is any of it in the memory of a VM: the virtual registers, what the monitor writes there. */
TEST_F_TIMEOUT(secrets, memory, 120)
{
	for (int n = 0; n < 16; n++) {
		int vm = guest_start(self->dev, "basic", GUEST_MEM, "exit 0");
		uint32_t *mem = vm_map(vm, 4096, GUEST_MEM - 4096);
		int found = 0;

		ASSERT_GE(vm, 0);
		ASSERT_NE(mem, NULL);
		ASSERT_EQ(vm_wait(vm, SOON_MS), 0);
		for (uint32_t i = 0; i < (GUEST_MEM - 4096) / 4; i++)
			found += IS_SECRET(mem[i]);
		EXPECT_EQ(found, 0);
		munmap(mem, GUEST_MEM - 4096);
		close(vm);
	}
}

/* A VM that keeps all its registers in view finds its own there after whatever happens to it. */
TEST_F_TIMEOUT(secrets, registers_after_events, 120)
{
	volatile uint32_t *progress[MAX_CPUS];
	int vm[MAX_CPUS];
	char seed[16];

	for (int i = 0; i < self->cpus; i++) {
		snprintf(seed, sizeof(seed), "%d", i + 1);
		vm[i] = guest_start(self->dev, "canary", GUEST_MEM, seed);
		ASSERT_GE(vm[i], 0);
		progress[i] = guest_var(vm[i], "canary", "progress");
		ASSERT_NE(progress[i], NULL);
	}
	for (int i = 0; i < self->cpus; i++) {
		struct denali_vm_state st;

		EXPECT_TRUE(wait_until(*progress[i] > 50 || vm_ended(vm[i]), SOON_MS));
		vm_state(vm[i], &st);
		EXPECT_NE(st.state, DENALI_VM_ENDED)
			TH_LOG("%s", st.text);
		guest_var_put(progress[i]);
		close(vm[i]);
	}
	EXPECT_TRUE(poisoned(self));
}

/* Do @size bytes differ at @offset of what was loaded? */
static bool area_changed(uint32_t offset, uint32_t size)
{
	return memcmp(area + offset, area_now + offset, size);
}

/* Status 0 if all is there after each of some naps, else 1 and the feature's number. */
static int host_process_looks(void)
{
	static const struct timespec nap = { .tv_nsec = 1000000 };
	uint32_t low = fill_area();

	for (int n = 0; n < 50; n++) {
		uint32_t now = low;

		__asm__ __volatile__("xrstor64 %2\n"
				     "movl	%3, %%eax\n"
				     "xorl	%%esi, %%esi\n"
				     "syscall\n"
				     "movl	%5, %%eax\n"
				     "xsave64 %1\n"
				     : "+a" (now), "+m" (area_now)
				     : "m" (area), "i" (SYS_nanosleep), "D" (&nap), "b" (low), "d" (0)
				     : "rcx", "rsi", "r11", "memory");
		/* SSE; then AVX, and AVX-512's masks, upper halves and upper registers; PKRU. */
		if (area_changed(160, 256))
			return 2;
		for (uint32_t i = 2; i <= 9; i++) {
			uint32_t a = 13, b, c = i, d;

			if (!(low & 1U << i) || i == 3 || i == 4 || i == 8)
				continue;
			__asm__ __volatile__("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d));
			if (area_changed(b, i == 9 ? 4 : a))
				return 1 + i;
		}
	}
	return 0;
}

/* And a process of the host finds its own where VMs with other ones ran. */
TEST_F_TIMEOUT(secrets, process_keeps_its_own, 120)
{
	int status;

	for (int i = 0; i < self->cpus; i++) {
		pid_t pid;

		/* Beside VMs alone: between two other processes it gets its registers back anyway. */
		kill(self->pid[i], SIGSTOP);
		pid = fork();
		if (!pid) {
			pin_to_cpu(i);
			_exit(host_process_looks());
		}
		ASSERT_EQ(waitpid(pid, &status, 0), pid);
		EXPECT_EQ(status, 0)
			TH_LOG("CPU %d: registers of feature %d", i, WEXITSTATUS(status) - 1);
	}
	EXPECT_TRUE(poisoned(self));
}

/* Performance counters would tell of others: not even a process's right to read them (CR4.PCE) helps. */
TEST_F(secrets, performance_counters)
{
	struct denali_vm_state st;
	FILE *f = fopen("/sys/devices/cpu/rdpmc", "r+");

	if (f) {
		fputs("2", f);
		fclose(f);
	}
	for (int i = 0; i < 8; i++) {
		ASSERT_EQ(guest_run(self->dev, "poison", GUEST_MEM, "rdpmc", &st), 0);
		EXPECT_EQ(st.reason, DENALI_END_FAULT);
		EXPECT_EQ(st.vector, 13);
	}
	if (!f)
		SKIP(return, "no performance counters here: nothing turns CR4.PCE on");
	f = fopen("/sys/devices/cpu/rdpmc", "w");
	fputs("1", f);
	fclose(f);
}

static int breakpoint(int cpu, unsigned long addr, uint32_t type, uint64_t len)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = type,
		.bp_addr = addr,
		.bp_len = len,
		.exclude_hv = 1,
	};

	return syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static uint64_t hits(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : -1ULL;
}

/*
 * Hardware breakpoints that the host has on all its CPUs, at addresses that a VM uses: they
 * don't hit in the VM, and they are there for the host all the same.
 */
TEST_F_TIMEOUT(secrets, breakpoints, 120)
{
	int data[MAX_CPUS], code[MAX_CPUS], vm[MAX_CPUS];
	uint8_t *at = (uint8_t *)0x20000;
	uint64_t n;

	ASSERT_EQ(mmap(at, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		       -1, 0), at);
	at[0x100] = 0xc3;
	for (int i = 0; i < self->cpus; i++) {
		data[i] = breakpoint(i, 0x20000, HW_BREAKPOINT_RW, HW_BREAKPOINT_LEN_4);
		code[i] = breakpoint(i, 0x20100, HW_BREAKPOINT_X, sizeof(long));
		if (data[i] < 0 || code[i] < 0)
			SKIP(return, "no hardware breakpoints: %s", strerror(errno));
		vm[i] = guest_start(self->dev, "poison", GUEST_MEM, "touch");
		ASSERT_GE(vm[i], 0);
	}
	for (int i = 0; i < self->cpus; i++) {
		volatile uint32_t *rounds = guest_var(vm[i], "poison", "rounds");
		struct denali_vm_state st;

		EXPECT_TRUE(wait_until(*rounds > 1000 || vm_ended(vm[i]), SOON_MS));
		vm_state(vm[i], &st);
		EXPECT_NE(st.state, DENALI_VM_ENDED)
			TH_LOG("%s", st.text);
		EXPECT_EQ(hits(data[i]), 0);
		EXPECT_EQ(hits(code[i]), 0);
		/* Beside the VMs, which go on. */
		ASSERT_TRUE(pin_to_cpu(i));
		for (n = 1; n <= 20; n++) {
			*(volatile uint32_t *)at = n;
			((void (*)(void))(at + 0x100))();
			usleep(2000);
			EXPECT_EQ(hits(data[i]), n);
			EXPECT_EQ(hits(code[i]), n);
		}
		EXPECT_FALSE(vm_ended(vm[i]));
		guest_var_put(rounds);
	}
	for (int i = 0; i < self->cpus; i++) {
		close(vm[i]);
		close(data[i]);
		close(code[i]);
	}
	munmap(at, 4096);
}

TEST_HARNESS_MAIN
