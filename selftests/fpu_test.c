// SPDX-License-Identifier: GPL-2.0
/*
 * FPU, SSE and AVX registers: every VM has its own, the host's processes theirs,
 * and nobody sees another's, with all of them on the same CPUs at the same time.
 */
#include <sys/ioctl.h>

#include "kselftest_harness.h"
#include "lib.h"

FIXTURE(fpu) {
	int dev;
	int cpus;
};

FIXTURE_SETUP(fpu)
{
	self->dev = dev_open();
	ASSERT_GE(self->dev, 0);
	self->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (self->cpus > 8)
		self->cpus = 8;
}

FIXTURE_TEARDOWN(fpu)
{
	close(self->dev);
}

/* A host process's registers; the loop is one asm, so that nothing else can touch them. */
__attribute__((target("avx")))
static int host_holds_avx(uint32_t seed, volatile int *stop)
{
	uint32_t in[8], out[8], rounds = 0;

	for (int i = 0; i < 8; i++)
		in[i] = seed + i;
	__asm__ __volatile__("vmovdqu %0, %%ymm0\n\tvmovdqu %0, %%ymm15" : : "m" (in) : "xmm0", "xmm15");
	while (!*stop) {
		__asm__ __volatile__("vmovdqu %%ymm0, %0" : "=m" (out));
		if (memcmp(in, out, sizeof(in)))
			return 1;
		__asm__ __volatile__("vmovdqu %%ymm15, %0" : "=m" (out));
		if (memcmp(in, out, sizeof(in)))
			return 2;
		__asm__ __volatile__("vmovdqu %0, %%ymm0\n\tvmovdqu %0, %%ymm15" : : "m" (in) : "xmm0", "xmm15");
		for (int i = 0; i < 100; i++)
			__asm__ __volatile__("" : : : "memory");
		rounds++;
	}
	return rounds ? 0 : 3;
}

static int host_holds_sse(uint32_t seed, volatile int *stop)
{
	uint32_t in[4] = { seed, seed + 1, seed + 2, seed + 3 }, out[4], csr = 0x1f80 ^ (seed & 3) << 13, now;
	long st = seed * 7;
	long st_now;

	__asm__ __volatile__("ldmxcsr %0; fildll %1" : : "m" (csr), "m" (st));
	while (!*stop) {
		__asm__ __volatile__("movdqu %1, %%xmm9\n"
				     "movl $20000, %%ecx\n"
				     "1: dec %%ecx\n"
				     "jnz 1b\n"
				     "movdqu %%xmm9, %0\n"
				     : "=m" (out) : "m" (in) : "ecx", "xmm9");
		if (memcmp(in, out, sizeof(in)))
			return 1;
		__asm__ __volatile__("stmxcsr %0; fistpll %1; fildll %2" : "=m" (now), "=m" (st_now) : "m" (st));
		if (now != csr || st_now != st)
			return 2;
	}
	__asm__ __volatile__("fninit");
	return 0;
}

/* Keeps one of the host's CPUs busy with registers of its own until told to stop. */
static pid_t host_process(int cpu, uint32_t seed, volatile int *stop)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	pin_to_cpu(cpu);
	if (__builtin_cpu_supports("avx") && seed & 1)
		_exit(host_holds_avx(seed, stop));
	_exit(host_holds_sse(seed, stop));
}

static volatile int *shared_word(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* n VMs and two processes per CPU, for a second of the guests' clock. */
static void mix(struct __test_metadata *_metadata, struct _test_data_fpu *self, const char *how, int ms)
{
	volatile int *stop = shared_word();
	struct denali_vm_state st;
	int vm[24], status, n = self->cpus * 3;
	pid_t pid[16];
	char cmd[64];

	ASSERT_NE(stop, MAP_FAILED);
	for (int i = 0; i < self->cpus * 2; i++)
		pid[i] = host_process(i / 2, 1000 + i, stop);
	for (int i = 0; i < n; i++) {
		snprintf(cmd, sizeof(cmd), "%s %d %d", how, i + 1, ms);
		vm[i] = guest_start(self->dev, "fpu", GUEST_MEM, cmd);
		ASSERT_GE(vm[i], 0);
	}
	for (int i = 0; i < n; i++) {
		EXPECT_EQ(vm_wait(vm[i], SOON_MS), 0);
		vm_state(vm[i], &st);
		EXPECT_EQ(st.reason, DENALI_END_EXIT)
			TH_LOG("VM %d: %s", i, st.text);
		EXPECT_EQ(st.status, 0);
		close(vm[i]);
	}
	*stop = 1;
	for (int i = 0; i < self->cpus * 2; i++) {
		EXPECT_EQ(waitpid(pid[i], &status, 0), pid[i]);
		EXPECT_EQ(status, 0)
			TH_LOG("host process %d lost its registers", i);
	}
}

TEST_F_TIMEOUT(fpu, under_preemption, 60)
{
	mix(_metadata, self, "spin", 1500);
}

TEST_F_TIMEOUT(fpu, across_hypercalls, 60)
{
	mix(_metadata, self, "calls", 1500);
}

/* A VM starts with the initial state, whoever had the CPU before. */
TEST_F_TIMEOUT(fpu, fresh, 60)
{
	volatile int *stop = shared_word();
	struct denali_vm_state st;
	int dirty[8], status;
	pid_t pid[8];
	char cmd[64];

	ASSERT_NE(stop, MAP_FAILED);
	for (int i = 0; i < self->cpus; i++) {
		pid[i] = host_process(i, 1 + 2 * i, stop);
		snprintf(cmd, sizeof(cmd), "spin %d 30000", 100 + i);
		dirty[i] = guest_start(self->dev, "fpu", GUEST_MEM, cmd);
		ASSERT_GE(dirty[i], 0);
	}
	for (int i = 0; i < 40; i++) {
		ASSERT_EQ(guest_run(self->dev, "fpu", GUEST_MEM, "fresh", &st), 0);
		EXPECT_EQ(st.reason, DENALI_END_EXIT)
			TH_LOG("VM %d: %s", i, st.text);
	}
	*stop = 1;
	for (int i = 0; i < self->cpus; i++) {
		close(dirty[i]);
		EXPECT_EQ(waitpid(pid[i], &status, 0), pid[i]);
		EXPECT_EQ(status, 0);
	}
}

/* The guest has AVX where the host's processes have it. */
TEST_F(fpu, avx_as_on_the_host)
{
	struct denali_vm_state st;

	ASSERT_EQ(guest_run(self->dev, "fpu", GUEST_MEM, "avx", &st), 0);
	EXPECT_EQ(st.reason, DENALI_END_EXIT);
	EXPECT_EQ(st.status, !!__builtin_cpu_supports("avx"));
}

TEST_HARNESS_MAIN
