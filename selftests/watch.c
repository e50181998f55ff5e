// SPDX-License-Identifier: GPL-2.0
/*
 * What a sweep and a fuzzer must leave unharmed: the kernel log (no warning), canary VMs, one for
 * each CPU that runs VMs (guests/canary.c keeps looking at its memory and registers), and
 * this process: its registers of all kinds, across system calls that are made while the
 * sweep runs; segment bases, protection keys; a hardware breakpoint.
 */
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib.h"
#include "watch.h"

#define CANARIES	4
#define XSAVE_SIZE	4096
#define XSAVE_HEADER	512
#define XSAVE_YMM	576
/* ID, AC, DF, OF, SF, ZF, AF, PF, CF, IF */
#define FLAGS		0x240ed7ULL
#define SOMETHING	0x5ca1ab1e0ddba11ULL

/* sweep_state.S knows these by their offsets. */
struct sweep_state {
	void *want, *got;			/* 0: XSAVE areas */
	long nr, arg[3];			/* 16: the system call */
	uint64_t flags, value, rsp;		/* 48: and what is held across it */
	uint64_t rax, rbx, rbp, r8, r9, r10;	/* 72 */
	uint64_t r12, r13, r14, r15;		/* 120 */
	uint64_t rsp_now, flags_now, rdi, rsi, rdx;	/* 152 */
};

_Static_assert(offsetof(struct sweep_state, rdx) == 184, "offsets in sweep_state.S");

long sweep_state_hold(struct sweep_state *state);

static struct canary {
	int vm;
	uint32_t seed, asked;
	void *page;
	volatile uint32_t *question, *answer;
} canaries[CANARIES];

static int nr_canaries, log_fd = -1, breakpoint_fd = -1;
static uint32_t breakpoint_hits;
static volatile uint32_t breakpoint_word;
static uint8_t want[XSAVE_SIZE] __attribute__((aligned(64)));
static uint8_t got[XSAVE_SIZE] __attribute__((aligned(64)));
static unsigned long fs_base, gs_base;
static uint64_t gs_word = SOMETHING;
static char broken[200];	/* what was wrong with this process */

/* A line for whoever reads the log of a machine that died. Each descriptor has a rate limit. */
void watch_log(const char *text)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC), n;
	char line[256];

	if (fd < 0)
		return;
	n = snprintf(line, sizeof(line), "<6>denali-watch: %s\n", text);
	if (write(fd, line, n) != n)
		perror("/dev/kmsg");
	close(fd);
}

/* The same words as run_kselftest.sh's. */
static bool log_is_clean(char *why, size_t size)
{
	static const char *const bad[] = { "BUG: ", "kernel BUG at", "WARNING: ", "Oops", "general protection fault",
		"soft lockup", "hard LOCKUP", "stall", "blocked for more than", "refcount_t:", "UBSAN:", "KASAN:",
		"possible circular", "possible recursive", "inconsistent lock state", "corruption", "Bad page",
		"scheduling while atomic", "sleeping function called", "double fault", "Call Trace:",
		"unable to handle" };
	char line[2048];
	ssize_t n;

	for (;;) {
		n = read(log_fd, line, sizeof(line) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			return true;
		line[n] = 0;
		line[strcspn(line, "\n")] = 0;
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			if (!strstr(line, bad[i]))
				continue;
			snprintf(why, size, "kernel log: %s", strchr(line, ';') ?: line);
			return false;
		}
	}
}

static bool canary_start(int dev, struct canary *c, uint32_t seed)
{
	uint32_t addr = guest_symbol("canary", "question"), addr2 = guest_symbol("canary", "answer");
	uint32_t low = (addr < addr2 ? addr : addr2) & ~0xfffU;
	char cmd[16];

	c->seed = seed;
	c->asked = 0;
	snprintf(cmd, sizeof(cmd), "%u", seed);
	c->vm = guest_start(dev, "canary", GUEST_MEM, cmd);
	if (c->vm < 0)
		return false;
	c->page = vm_map(c->vm, low, 8192);
	if (!c->page)
		return false;
	c->question = c->page + (addr - low);
	c->answer = c->page + (addr2 - low);
	return true;
}

/* It gets round all of its checks once more from now on, and says so. */
static bool canary_ok(struct canary *c, char *why, size_t size)
{
	uint32_t right;

	*c->question = ++c->asked;
	right = c->asked * 2654435761U + c->seed;
	if (wait_until(*c->answer == right || vm_ended(c->vm), SOON_MS) && !vm_ended(c->vm))
		return true;
	if (vm_ended(c->vm)) {
		struct denali_vm_state st;

		vm_state(c->vm, &st);
		snprintf(why, size, "canary VM ended: %s", st.text);
	} else {
		snprintf(why, size, "canary VM doesn't answer");
	}
	return false;
}

static void own_start(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (uintptr_t)&breakpoint_word,
		.bp_len = HW_BREAKPOINT_LEN_4,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	uint32_t features = 3;

	if (__builtin_cpu_supports("avx"))
		features |= 4;
	memset(want, 0, sizeof(want));
	want[0] = 0x7f;		/* FCW: all masked, extended, rounding down */
	want[1] = 0x07;
	want[4] = 0xff;		/* FTW: all in use */
	want[24] = 0x80;	/* MXCSR: all masked, rounding up */
	want[25] = 0x5f;
	for (int i = 0; i < 8; i++)
		for (int j = 0; j < 10; j++)
			want[32 + i * 16 + j] = i * 16 + j + 1;
	for (int i = 160; i < 416; i++)
		want[i] = i * 7;
	want[XSAVE_HEADER] = features;
	for (int i = XSAVE_YMM; i < XSAVE_YMM + 256 && features & 4; i++)
		want[i] = i * 11;
	syscall(SYS_arch_prctl, ARCH_SET_GS, &gs_word);
	syscall(SYS_arch_prctl, ARCH_GET_GS, &gs_base);
	syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_base);
	breakpoint_hits = 0;
	breakpoint_fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (breakpoint_fd < 0)
		printf("# no hardware breakpoint to watch: %s\n", strerror(errno));
}

static bool own_ok(char *why, size_t size)
{
	unsigned long fs = 0, gs = 0;
	uint64_t word, hits = 0;
	uint16_t cs, ss;

	if (broken[0]) {
		snprintf(why, size, "%s", broken);
		broken[0] = 0;
		return false;
	}
	syscall(SYS_arch_prctl, ARCH_GET_FS, &fs);
	syscall(SYS_arch_prctl, ARCH_GET_GS, &gs);
	__asm__ __volatile__("movq %%gs:0, %0; movw %%cs, %1; movw %%ss, %2" : "=r" (word), "=r" (cs), "=r" (ss));
	if (fs != fs_base || gs != gs_base || word != SOMETHING || cs != 0x33 || ss != 0x2b) {
		snprintf(why, size, "this process: FS base 0x%lx, GS base 0x%lx, CS 0x%x, SS 0x%x", fs, gs, cs, ss);
		return false;
	}
	if (breakpoint_fd < 0)
		return true;
	breakpoint_word = ++breakpoint_hits;
	if (read(breakpoint_fd, &hits, sizeof(hits)) != sizeof(hits) || hits != breakpoint_hits) {
		snprintf(why, size, "this process: hardware breakpoint hit %llu times, not %u",
			 (unsigned long long)hits, breakpoint_hits);
		breakpoint_hits = hits;
		return false;
	}
	return true;
}

/* poll() of one descriptor while all registers hold something. */
int watch_poll(struct pollfd *pfd, int ms)
{
	struct sweep_state s = {
		.want = want, .got = got,
		.nr = SYS_poll, .arg = { (long)pfd, 1, ms },
		.flags = FLAGS, .value = SOMETHING,
	};
	uint64_t v = s.value;

	sweep_state_hold(&s);
	if (s.rbx != v || s.rbp != v + 1 || s.r8 != v + 2 || s.r9 != v + 3 || s.r10 != v + 4 || s.r12 != v + 5 ||
	    s.r13 != v + 6 || s.r14 != v + 7 || s.r15 != (uintptr_t)&s || s.rsp != s.rsp_now ||
	    s.rdi != s.arg[0] || s.rsi != s.arg[1] || s.rdx != s.arg[2])
		snprintf(broken, sizeof(broken), "this process: general registers changed in a system call");
	if ((s.flags_now & ~0x10000ULL) != FLAGS)
		snprintf(broken, sizeof(broken), "this process: flags 0x%llx after a system call",
			 (unsigned long long)s.flags_now);
	for (int i = 0; i < XSAVE_YMM + 256; i++) {
		/* FOP, FIP and FDP come and go; the header says what is in use. */
		if ((i >= 6 && i < 24) || (i >= 28 && i < 32) || (i >= 416 && i < XSAVE_YMM))
			continue;
		if (want[i] != got[i])
			snprintf(broken, sizeof(broken), "this process: x87, SSE or AVX registers, byte %d", i);
	}
	return s.rax > -4096ULL ? -1 : s.rax;
}

/**
 * watch_ok() - is all well since the last time?
 * @why:  gets what isn't
 */
bool watch_ok(char *why, size_t size)
{
	for (int i = 0; i < nr_canaries; i++)
		if (!canary_ok(&canaries[i], why, size))
			return false;
	return log_is_clean(why, size) && own_ok(why, size);
}

/** watch_spoil() - do harm that watch_ok() must find: to a canary's memory, or to this process */
void watch_spoil(unsigned int what)
{
	volatile uint32_t *word;
	char why[300];

	switch (what) {
	case 0:
		/* It has filled its memory. */
		canary_ok(&canaries[0], why, sizeof(why));
		word = guest_var(canaries[0].vm, "canary", "pattern");
		*word ^= 1;
		guest_var_put(word);
		break;
	case 1:
		syscall(SYS_arch_prctl, ARCH_SET_GS, &gs_word + 1);
		break;
	default:
		breakpoint_word++;
	}
}

bool watch_start(int dev)
{
	struct denali_info info;

	log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log_fd < 0) {
		perror("/dev/kmsg");
		return false;
	}
	lseek(log_fd, 0, SEEK_END);
	dev_info(dev, &info);
	for (nr_canaries = 0; nr_canaries < CANARIES && nr_canaries < info.runners; nr_canaries++) {
		if (!canary_start(dev, &canaries[nr_canaries], nr_canaries + 1)) {
			fprintf(stderr, "sweep: canary VM: %s\n", strerror(errno));
			return false;
		}
	}
	own_start();
	return true;
}

void watch_stop(void)
{
	for (int i = 0; i < nr_canaries; i++) {
		munmap(canaries[i].page, 8192);
		close(canaries[i].vm);
	}
	nr_canaries = 0;
	if (breakpoint_fd >= 0)
		close(breakpoint_fd);
	close(log_fd);
}
