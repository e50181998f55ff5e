// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile guests. Whatever ring 3 tries ends that VM with a report, or does
 * nothing; the host and a canary VM live. Their rings are in hostile_ring_test.c.
 */
#include <cpuid.h>
#include <limits.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "kselftest_harness.h"
#include "canary.h"

#define PCE		"/sys/kernel/debug/denali/pce"
#define V(n)		(1U << (n))

/* Run a guest to its end: true if it ended for one of these reasons. */
static bool ends(struct _test_data_hostile *self, const char *guest, const char *cmd, uint32_t reasons,
		 struct denali_vm_state *st)
{
	if (guest_run(self->dev, guest, GUEST_MEM, cmd, st) < 0)
		return false;
	if ((reasons & (1U << st->reason)) && report_ok(st))
		return true;
	fprintf(stderr, "# %s %s: reason %u, status %d, vector %u, error 0x%x, eip 0x%x, eflags 0x%x: %s\n", guest, cmd,
		st->reason, st->status, st->vector, st->error_code, st->eip, st->eflags, st->text);
	return false;
}

/* Each of the 256 vectors, without a handler. */
TEST_F_TIMEOUT(hostile, int_n, 120)
{
	struct denali_vm_state st;
	char cmd[32];

	for (int n = 0; n < 256; n++) {
		snprintf(cmd, sizeof(cmd), "int %d", n);
		if (n == 0x1a) {
			EXPECT_TRUE(ends(self, "insns", cmd, R_EXIT, &st));
			continue;
		}
		EXPECT_TRUE(ends(self, "insns", cmd, R_FAULT, &st));
		if (n == 3 || n == 4) {
			EXPECT_EQ(st.vector, n);
			continue;
		}
		EXPECT_EQ(st.vector, 13)
			TH_LOG("int %d", n);
		/* CPUs say 8, QEMU 16 in long mode. */
		if (st.error_code != n * 16 + 2)
			EXPECT_EQ(st.error_code, n * 8 + 2)
				TH_LOG("int %d", n);
	}
}

TEST_F(hostile, int_n_with_a_handler)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "insns", "int-all", R_EXIT, &st));
}

/* The ways into ring 0 that a 64-bit kernel leaves open for its processes. */
TEST_F(hostile, syscall)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "insns", "syscall", R_FAULT, &st));
	EXPECT_TRUE(st.vector == 6 || st.vector == 13);
}

TEST_F(hostile, sysenter)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "insns", "sysenter", R_FAULT, &st));
	EXPECT_TRUE(st.vector == 6 || st.vector == 13);
}

TEST_F(hostile, syscall_with_esp_in_memory)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "insns", "syscall-esp", R_FAULT, &st));
	EXPECT_TRUE(ends(self, "insns", "sysenter-esp", R_FAULT, &st));
}

/* In a 32-bit process, by SYSENTER or SYSCALL. Its status, or less than 0. */
static int syscall32(void)
{
	char path[PATH_MAX];
	pid_t pid = fork();
	int status;

	if (!pid) {
		file_beside("syscall32", path, sizeof(path));
		execl(path, path, NULL);
		_exit(3);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The host's own processes still have their system calls, the 32-bit ones too. */
TEST_F(hostile, host_system_calls_after)
{
	struct denali_vm_state st;
	long ret;

	for (int i = 0; i < 20; i++) {
		/* Where the canary runs, or where it doesn't. */
		pin_to_cpu(i / 2 % get_nprocs());
		EXPECT_EQ(syscall32(), 0);
		EXPECT_TRUE(ends(self, "insns", i & 1 ? "sysenter" : "syscall", R_FAULT, &st));
		__asm__ __volatile__("syscall" : "=a" (ret) : "0" (39L) : "rcx", "r11", "memory");
		EXPECT_EQ(ret, getpid());
		__asm__ __volatile__("int $0x80" : "=a" (ret) : "0" (20L) : "memory");
		EXPECT_EQ(ret, getpid());
	}
}

/* And the number of their CPU where RDTSCP reads it: 0 is the guests'. */
TEST_F(hostile, host_tsc_aux_after)
{
	uint32_t a, b, c, d, aux;
	int vm = guest_start(self->dev, "basic", GUEST_MEM, "spin");

	ASSERT_GE(vm, 0);
	if (!__get_cpuid(0x80000001, &a, &b, &c, &d) || !(d & 1 << 27)) {
		close(vm);
		SKIP(return, "no RDTSCP");
	}
	/* With the canary there is one for each of two CPUs. */
	for (int i = 0; i < get_nprocs(); i++) {
		ASSERT_TRUE(pin_to_cpu(i));
		for (int n = 0; n < 100; n++) {
			nap();
			__rdtscp(&aux);
			EXPECT_EQ(aux & 0xfff, i);
		}
	}
	close(vm);
}

static void refused(int sig)
{
	_exit(1);
}

/* WBINVD in a process: there is an emulator (QEMU 10) that lets ring 3 do it, to no effect. */
static bool processes_may_wbinvd(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		/* Of a signal that isn't caught the kernel would tell. */
		signal(SIGSEGV, refused);
		__asm__ __volatile__("wbinvd" : : : "memory");
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

/* Linux switches it on where there is one. */
static bool cpu_has_umip(void)
{
	uint32_t a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && c & 1 << 2;
}

/* Privileged and odd instructions, guests/insns.c has the table. */
TEST_F_TIMEOUT(hostile, instructions, 120)
{
	static const char *const harmless[] = { "rdtscp", "rdpkru", "cpuid", "pause", "iret-garbage", "retf",
		"monitor", "mwait", "lock-mov" };
	static const char *const umip[] = { "sgdt", "sidt", "sldt", "str", "smsw" };
	bool may_invd = processes_may_wbinvd(), has_umip = cpu_has_umip();
	struct denali_vm_state st, name;
	uint32_t want;
	char cmd[32];
	int n;

	for (n = 0;; n++) {
		snprintf(cmd, sizeof(cmd), "insn %d", n);
		ASSERT_EQ(guest_run(self->dev, "insns", GUEST_MEM, cmd, &st), 0);
		if (st.reason == DENALI_END_EXIT && st.status == 99)
			break;
		snprintf(cmd, sizeof(cmd), "insn-name %d", n);
		ASSERT_EQ(guest_run(self->dev, "insns", GUEST_MEM, cmd, &name), 0);
		want = R_FAULT;
		for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
			if (strstr(name.text, harmless[i]))
				want |= R_EXIT;
		for (size_t i = 0; i < ARRAY_SIZE(umip); i++)
			if (!has_umip && strstr(name.text, umip[i]))
				want |= R_EXIT;
		if (may_invd && strstr(name.text, "invd"))
			want |= R_EXIT;
		EXPECT_TRUE(want & (1U << st.reason))
			TH_LOG("%s: reason %u, %s", name.text, st.reason, st.text);
		EXPECT_TRUE(report_ok(&st))
			TH_LOG("%s: %s", name.text, st.text);
		EXPECT_TRUE(canary_sings(self));
	}
	EXPECT_GT(n, 50);
}

/* The host lets every process read performance counters, from now on: not a VM that runs just then. */
TEST_F(hostile, performance_counters)
{
	volatile uint32_t *go, *waits;
	struct denali_vm_state st;

	if (access(PCE, W_OK))
		SKIP(return, "no " PCE ": built without CONFIG_DENALI_DEBUG=y");
	for (int n = 0; n < 20; n++) {
		int vm = guest_start(self->dev, "insns", GUEST_MEM, "rdpmc");

		ASSERT_GE(vm, 0);
		go = guest_var(vm, "insns", "go");
		waits = guest_var(vm, "insns", "waits");
		EXPECT_TRUE(wait_until(*waits, SOON_MS));
		ASSERT_TRUE(file_put(PCE, "1"));
		*go = 1;
		EXPECT_EQ(vm_wait(vm, SOON_MS), 0);
		vm_state(vm, &st);
		EXPECT_EQ(st.reason, DENALI_END_FAULT);
		/* Not #UD, of an emulator that has no counters. */
		EXPECT_EQ(st.vector, 13)
			TH_LOG("%s", st.text);
		guest_var_put(go);
		guest_var_put(waits);
		close(vm);
	}
}

TEST_F(hostile, protection_keys)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "insns", "wrpkru", R_EXIT | R_FAULT, &st));
}

TEST_F(hostile, every_selector_into_data_segments)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "segments", "segments", R_EXIT, &st));
}

TEST_F(hostile, every_selector_into_ss)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "segments", "stack-segments", R_EXIT, &st));
}

TEST_F_TIMEOUT(hostile, every_selector_into_ds, 120)
{
	struct denali_vm_state st;
	char cmd[32];

	for (int sel = 0; sel < 0x110; sel++) {
		snprintf(cmd, sizeof(cmd), "data-segment %d", sel);
		EXPECT_TRUE(ends(self, "segments", cmd, R_EXIT | R_FAULT, &st));
	}
}

TEST_F(hostile, far_jumps)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "segments", "far-jumps", R_EXIT, &st));
}

TEST_F(hostile, far_calls)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "segments", "far-calls", R_EXIT, &st));
}

TEST_F(hostile, iret_and_retf)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "segments", "iret", R_EXIT, &st));
}

TEST_F(hostile, popf)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "hostile", "popf", R_EXIT, &st));
}

/* TF, DF, NT, RF, VM, AC, VIF, VIP, ID at every hypercall. */
TEST_F(hostile, flags_at_hypercalls)
{
	static const uint32_t bits[] = { 8, 10, 14, 16, 17, 18, 19, 20, 21 };
	struct denali_vm_state st;
	char cmd[64];

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		snprintf(cmd, sizeof(cmd), "flags-at-hypercall %u", 1U << bits[i] | 0x202);
		EXPECT_TRUE(ends(self, "hostile", cmd, bits[i] == 8 ? R_FAULT : R_EXIT | R_FAULT, &st));
		if (bits[i] == 8)
			EXPECT_EQ(st.vector, 1);
	}
	EXPECT_TRUE(ends(self, "hostile", "flags-at-hypercall 4294967295", R_EXIT | R_FAULT, &st));
}

TEST_F(hostile, single_step)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "hostile", "single-step", R_EXIT, &st));
	EXPECT_TRUE(ends(self, "hostile", "step-hypercalls", R_EXIT | R_FAULT, &st));
}

TEST_F(hostile, null_segments_at_hypercall)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "hostile", "null-segments", R_EXIT, &st));
}

TEST_F(hostile, prefixed_hypercall)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "hostile", "prefixed-hypercall", R_EXIT, &st));
}

/* A stack that can't take the 8 bytes ends the VM. */
TEST_F_TIMEOUT(hostile, upcall_on_a_bad_stack, 60)
{
	static const uint32_t bad[] = { 0, 1, 4, 7, 8, 0xffc, 0x1000, 0x1004, 0x1007, GUEST_MEM + 9,
		GUEST_MEM + 16, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff };
	struct denali_vm_state st;
	char cmd[64];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(cmd, sizeof(cmd), "upcall-esp %u", bad[i]);
		EXPECT_TRUE(ends(self, "hostile", cmd, R_FAULT | R_PROTOCOL, &st));
	}
}

/* Odd and at the very end of memory is odd, but good: it runs until it is killed. */
TEST_F(hostile, upcall_on_an_odd_stack)
{
	static const uint32_t good[] = { GUEST_MEM, GUEST_MEM - 1, 0x30001, 0x30003 };
	uint32_t seen;
	volatile uint32_t *progress;
	struct denali_vm_state st;
	char cmd[64];
	int vm;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(cmd, sizeof(cmd), "upcall-esp %u", good[i]);
		vm = guest_start(self->dev, "hostile", GUEST_MEM, cmd);
		ASSERT_GE(vm, 0);
		progress = guest_var(vm, "hostile", "progress");
		ASSERT_NE(progress, NULL);
		EXPECT_TRUE(wait_until(*progress > 100, SOON_MS));
		seen = *progress;
		EXPECT_TRUE(wait_until(*progress != seen, SOON_MS));
		vm_ctl(vm, DENALI_IOC_VM_KILL);
		vm_state(vm, &st);
		EXPECT_EQ(st.reason, DENALI_END_KILLED)
			TH_LOG("%s: %s", cmd, st.text);
		guest_var_put(progress);
		close(vm);
	}
}

TEST_F(hostile, upcall_to_nowhere)
{
	static const uint32_t bad[] = { 1, 0xfff, GUEST_MEM, 0x80000000, 0xffffffff };
	struct denali_vm_state st;
	char cmd[64];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(cmd, sizeof(cmd), "upcall-entry %u", bad[i]);
		EXPECT_TRUE(ends(self, "hostile", cmd, R_FAULT | R_PROTOCOL, &st));
	}
}

/* Upcalls within upcalls until the stack has eaten all memory, image and virtual registers. */
TEST_F(hostile, upcall_storm)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "hostile", "upcall-storm", R_FAULT | R_PROTOCOL, &st));
}

/* No byte outside of its memory can be written, read or run. */
static void outside(struct __test_metadata *_metadata, struct _test_data_hostile *self, const char *how,
		    uint64_t from, uint64_t to, uint64_t stride)
{
	struct denali_vm_state st;
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "%s %llu %llu %llu", how, (unsigned long long)from,
		 (unsigned long long)to, (unsigned long long)stride);
	EXPECT_TRUE(ends(self, "hostile", cmd, R_EXIT, &st));
}

/* Every page just behind the memory and at the top, every 64 KiB in between. */
TEST_F_TIMEOUT(hostile, write_outside, 120)
{
	outside(_metadata, self, "write-outside", GUEST_MEM, GUEST_MEM + (16 << 20), 4096);
	outside(_metadata, self, "write-outside", 0xff000000, 0xffffffff, 4096);
	outside(_metadata, self, "write-outside", GUEST_MEM, 0xffff0000, 0x10000);
	outside(_metadata, self, "write-outside", 0, 0xffc, 4);
}

TEST_F_TIMEOUT(hostile, read_and_run_outside, 120)
{
	outside(_metadata, self, "read-outside", GUEST_MEM, GUEST_MEM + (4 << 20), 4096);
	outside(_metadata, self, "read-outside", 0xffc00000, 0xffffffff, 4096);
	outside(_metadata, self, "read-outside", GUEST_MEM, 0xffff0000, 0x40000);
	outside(_metadata, self, "read-outside", 0, 0xff0, 16);
}

/* A memory whose end lies within a large page, and just behind one. */
TEST_F_TIMEOUT(hostile, write_behind_odd_sizes, 60)
{
	static const uint64_t sizes[] = { 2 << 20, (2 << 20) + 4096, (4 << 20) - 4096, 4 << 20 };
	char cmd[64];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		snprintf(cmd, sizeof(cmd), "write-outside %llu %llu 4096", (unsigned long long)sizes[i],
			 (unsigned long long)sizes[i] + (4 << 20));
		EXPECT_HOLDS(self->dev, "hostile", sizes[i], cmd);
	}
}

/* What never ends by itself can be killed, and lets others run while it lives. */
FIXTURE_DEV(endless);

FIXTURE_VARIANT(endless) {
	const char *cmdline;
};

FIXTURE_VARIANT_ADD(endless, loop) { .cmdline = "loop" };
FIXTURE_VARIANT_ADD(endless, nop_storm) { .cmdline = "nop-storm" };
FIXTURE_VARIANT_ADD(endless, yield_storm) { .cmdline = "call-storm 1" };
FIXTURE_VARIANT_ADD(endless, idle_storm) { .cmdline = "call-storm 2" };
FIXTURE_VARIANT_ADD(endless, timer_storm) { .cmdline = "call-storm 3" };
FIXTURE_VARIANT_ADD(endless, ring_storm) { .cmdline = "call-storm 6" };
FIXTURE_VARIANT_ADD(endless, doorbell_storm) { .cmdline = "call-storm 7" };
FIXTURE_VARIANT_ADD(endless, unknown_storm) { .cmdline = "call-storm 77" };
FIXTURE_VARIANT_ADD(endless, string_instruction) { .cmdline = "rep-loop" };
FIXTURE_VARIANT_ADD(endless, faults) { .cmdline = "fault-loop" };

TEST_F(endless, can_be_killed)
{
	struct denali_vm_state st;
	struct denali_info info;
	int vm[9], n;

	dev_info(self->dev, &info);
	n = info.runners + 1 < 9 ? info.runners + 1 : 9;
	for (int i = 0; i < n; i++) {
		vm[i] = guest_start(self->dev, "hostile", GUEST_MEM, variant->cmdline);
		ASSERT_GE(vm[i], 0);
	}
	/* All CPUs are taken; another VM gets through all the same. */
	ASSERT_EQ(guest_run(self->dev, "basic", GUEST_MEM, "runtime", &st), 0);
	EXPECT_EQ(st.reason, DENALI_END_EXIT);
	for (int i = 0; i < n; i++) {
		EXPECT_TRUE(wait_until(({ vm_state(vm[i], &st); st.run_ns > 0; }), SOON_MS));
		EXPECT_EQ(st.state, DENALI_VM_RUNNING)
			TH_LOG("%s: %s", variant->cmdline, st.text);
		EXPECT_EQ(vm_ctl(vm[i], DENALI_IOC_VM_KILL), 0);
		vm_state(vm[i], &st);
		EXPECT_EQ(st.reason, DENALI_END_KILLED);
		close(vm[i]);
	}
}

TEST_F(hostile, stack_in_an_unmapped_page)
{
	static const uint32_t bad[] = { 4, 0x1000, GUEST_MEM + 4096, 0x80000000, 0 };
	struct denali_vm_state st;
	char cmd[64];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(cmd, sizeof(cmd), "stack-unmapped %u", bad[i]);
		EXPECT_TRUE(ends(self, "hostile", cmd, R_FAULT, &st));
		EXPECT_TRUE((V(12) | V(13) | V(14)) & V(st.vector));
	}
}

TEST_F(hostile, running_off_the_end)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "hostile", "run-off", R_FAULT, &st));
	EXPECT_EQ(st.eip, GUEST_MEM);
}

TEST_F_TIMEOUT(hostile, nonsense_in_virtual_registers, 60)
{
	struct denali_vm_state st;
	char cmd[64];

	for (int i = 0; i < 50; i++) {
		snprintf(cmd, sizeof(cmd), "vregs-nonsense %d", i * 7919);
		EXPECT_TRUE(ends(self, "hostile", cmd, R_EXIT | R_FAULT | R_PROTOCOL, &st));
	}
}

TEST_F_TIMEOUT(hostile, random_hypercalls, 60)
{
	struct denali_vm_state st;
	char cmd[64];

	for (int i = 0; i < 30; i++) {
		snprintf(cmd, sizeof(cmd), "hypercall-fuzz %d", i * 104729);
		EXPECT_TRUE(ends(self, "hostile", cmd, R_EXIT | R_FAULT | R_PROTOCOL, &st));
	}
}

/* Everything that uses a stack, with the stack at the edges of memory. */
TEST_F_TIMEOUT(hostile, stack_at_the_edges, 60)
{
	static const uint32_t edges[] = { GUEST_MEM, GUEST_MEM - 1, GUEST_MEM - 2, GUEST_MEM - 4, GUEST_MEM + 1,
		GUEST_MEM + 2, GUEST_MEM + 4, GUEST_MEM + 32, 0x1000, 0x1001, 0x1002, 0x1004, 0x1008, 0x2000, 0, 1, 4,
		0x80000000, 0xfffffffc, 0xffffffff };
	struct denali_vm_state st;
	char cmd[32];

	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		snprintf(cmd, sizeof(cmd), "stack %u", edges[i]);
		EXPECT_TRUE(ends(self, "edges", cmd, R_EXIT, &st));
	}
}

/* Behind it is nothing that the monitor could return to: it answers, and the guest faults. */
TEST_F(hostile, hypercall_in_the_last_bytes)
{
	static const uint32_t calls[] = { 0, 1, 3, 7, 77 };
	struct denali_vm_state st;
	char cmd[32];

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		for (int before = 2; before <= 4; before++) {
			snprintf(cmd, sizeof(cmd), "hypercall-at-end %u %d", calls[i], before);
			EXPECT_TRUE(ends(self, "edges", cmd, R_FAULT, &st));
			EXPECT_EQ(st.eip, GUEST_MEM)
				TH_LOG("%s: eip 0x%x", cmd, st.eip);
			EXPECT_TRUE((V(13) | V(14)) & V(st.vector));
		}
	}
	EXPECT_TRUE(ends(self, "edges", "hypercall-across-end", R_FAULT, &st));
	EXPECT_EQ(st.eip, GUEST_MEM - 1);
}

TEST_F(hostile, cache_lines_over_the_edges)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "edges", "cache-lines", R_EXIT, &st));
}

TEST_F(hostile, descriptors_of_others)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "edges", "descriptors", R_EXIT, &st));
}

TEST_F_TIMEOUT(hostile, every_port, 60)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "edges", "ports", R_EXIT, &st));
}

TEST_F(hostile, xsave_headers)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "edges", "xsave-headers", R_EXIT, &st));
	EXPECT_TRUE(canary_sings(self));
}

TEST_F(hostile, self_modifying_code)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "edges", "self-modifying", R_EXIT, &st));
}

/* It says which CPU this is, to processes: on all CPUs, so with several VMs at once. */
TEST_F(hostile, tsc_aux_is_0)
{
	struct denali_vm_state st;
	struct denali_info info;
	int vm[8], n;

	dev_info(self->dev, &info);
	n = info.runners * 2 < 8 ? info.runners * 2 : 8;
	for (int i = 0; i < n; i++) {
		vm[i] = guest_start(self->dev, "edges", GUEST_MEM, "tsc-aux");
		ASSERT_GE(vm[i], 0);
	}
	for (int i = 0; i < n; i++) {
		EXPECT_EQ(vm_wait(vm[i], SOON_MS), 0);
		vm_state(vm[i], &st);
		EXPECT_EQ(st.reason, DENALI_END_EXIT)
			TH_LOG("VM %d: %s", i, st.text);
		close(vm[i]);
	}
}

TEST_F(hostile, fpu_state_of_nonsense)
{
	struct denali_vm_state st;

	EXPECT_TRUE(ends(self, "hostile", "xrstor", R_EXIT, &st));
	/* The exception that it left unmasked and pending isn't the host's. */
	EXPECT_TRUE(canary_sings(self));
}

/* Nothing that guests do fills the host's log. */
TEST_F(hostile, log_stays_quiet)
{
	struct denali_vm_state st;
	char line[512];
	long lines = 0;
	FILE *f = popen("dmesg", "r");

	ASSERT_NE(f, NULL);
	while (fgets(line, sizeof(line), f))
		lines -= !!strstr(line, "denali");
	pclose(f);
	for (int i = 0; i < 200; i++)
		EXPECT_TRUE(ends(self, "insns", "insn 2", R_FAULT, &st));
	f = popen("dmesg", "r");
	ASSERT_NE(f, NULL);
	while (fgets(line, sizeof(line), f))
		lines += !!strstr(line, "denali");
	pclose(f);
	EXPECT_LT(lines, 30);
}

TEST_HARNESS_MAIN
