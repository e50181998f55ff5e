// SPDX-License-Identifier: GPL-2.0
/*
 * A fuzzer of the module's whole interface. A program (fuzz_ops.c) is what some threads of a process do, as
 * root or not, to descriptors and mappings that they share, interrupted by signals and now and
 * then killed in the middle; guests (guests/fuzz.c) do the same from the other side meanwhile.
 * Where the kernel tells which code that reached (fuzz_cover.c), programs that came to a new place
 * are kept, and changed; else each is made by chance.
 *
 * After each batch of them: the kernel log has no warning, the canaries are alive and so is this
 * process (watch.c), no process is stuck, no VM is left and no byte of the pool.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ethernet.h"
#include "fuzz.h"
#include "lib.h"
#include "nl.h"
#include "watch.h"

#define BATCH		50
#define CORPUS		4096
#define GUESTS		2
#define ROUNDS		5000	/* of a guest */
#define SWITCH		"fuzz-guests"
#define PROGRAM_MS	(1000 * timeout_factor())	/* then it is killed */
#define SIGNAL_US	7000	/* between two signals, by which what sleeps wakes up */

static int dev;
static struct fuzz_shared *shared;
static bool verbose;

/* --- the guests beside ------------------------------------------------------------- */

static int guests[GUESTS];
static struct fuzz_rng guests_rng;	/* their own: how often they end is chance */
static unsigned int lives;

/* One for each guest, and the uplink of a switch that they are all on. */
static struct {
	int fd;
	unsigned int ifindex;
} taps[GUESTS + 1];

static int guest_tap(unsigned int *ifindex)
{
	char name[IFNAMSIZ];
	int fd = tap_open("", 0);

	if (fd >= 0 && !tap_name(fd, name) && !link_flags(name, IFF_UP, 0)) {
		*ifindex = if_nametoindex(name);
		return fd;
	}
	perror("fuzz: tap");
	close(fd);
	return -1;
}

static bool guest_live(int i)
{
	struct denali_vm_nic nic = {
		.tap_fd = taps[i].fd,
		.port = DENALI_NIC_NEW_PORT,
		.mac = { 2, 0xfb, 0, 0, 0, i },
	};
	char line[64];

	snprintf(line, sizeof(line), "%u %u", (unsigned int)fuzz_rnd(&guests_rng), ROUNDS);
	guests[i] = guest_make(dev, "fuzz", GUEST_MEM, line);
	if (guests[i] < 0)
		return false;
	if (ioctl(guests[i], DENALI_IOC_VM_NIC, &nic) == 0 && switch_plug(guests[i], i, SWITCH) == 0 &&
	    vm_ctl(guests[i], DENALI_IOC_VM_START) == 0) {
		lives++;
		return true;
	}
	close(guests[i]);
	guests[i] = -1;
	return false;
}

static bool guests_start(struct fuzz_rng *rng)
{
	bool ok = switch_add(dev, SWITCH, 0, 0) == 0;

	guests_rng.state = fuzz_rnd(rng);
	for (int i = 0; i < GUESTS + 1; i++) {
		taps[i].fd = guest_tap(&taps[i].ifindex);
		ok = ok && taps[i].fd >= 0;
	}
	ok = ok && switch_tap(dev, SWITCH, DENALI_SWITCH_UPLINK, taps[GUESTS].fd) == 0;
	for (int i = 0; i < GUESTS; i++) {
		guests[i] = -1;
		ok = ok && guest_live(i);
	}
	if (!ok)
		fprintf(stderr, "fuzz: guest: %s\n", strerror(errno));
	return ok;
}

/*
 * None lives long: it asks for its end, or breaks what it stands on. That no other can be made isn't
 * wrong while a program has the pool's memory, or has taken it away.
 */
static void guests_renew(void)
{
	for (int i = 0; i < GUESTS; i++) {
		if (guests[i] >= 0) {
			if (!vm_ended(guests[i]))
				continue;
			close(guests[i]);
		}
		guest_live(i);
	}
}

/* One that waits for ever has done all that it will. */
static void guests_kill(void)
{
	for (int i = 0; i < GUESTS; i++)
		if (guests[i] >= 0)
			vm_ctl(guests[i], DENALI_IOC_VM_KILL);
}

/* Something for their receive rings. */
static void guests_feed(struct fuzz_rng *rng)
{
	static const char *const to_whom[] = { "\377\377\377\377\377\377", "\2\373\0\0\0", "\2\0\0\0\0\1" };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6 };
	int sock = socket(AF_PACKET, SOCK_RAW, 0);
	uint8_t frame[2000];

	for (int i = 0; i < 4 * (GUESTS + 1); i++) {
		to.sll_ifindex = taps[i % (GUESTS + 1)].ifindex;
		for (size_t j = 0; j < sizeof(frame); j += 8)
			*(uint64_t *)(frame + j) = fuzz_rnd(rng);
		memcpy(frame, to_whom[fuzz_below(rng, 3)], 6);
		/* What is too long for it the tap refuses. */
		sendto(sock, frame, 14 + fuzz_below(rng, 1600), 0, (void *)&to, sizeof(to));
	}
	close(sock);
}

static void guests_end(void)
{
	for (int i = 0; i < GUESTS; i++)
		close(guests[i]);
	switch_del(dev, SWITCH);
	for (int i = 0; i < GUESTS + 1; i++)
		close(taps[i].fd);
}

/* --- programs ---------------------------------------------------------------------- */

static void program_make(struct fuzz_rng *rng, struct fuzz_program *p)
{
	for (int t = 0; t < FUZZ_THREADS; t++) {
		p->uid[t] = fuzz_below(rng, 4) ? 0 : 1000 + fuzz_below(rng, 2);
		p->nr[t] = t ? fuzz_below(rng, FUZZ_OPS) : 1 + fuzz_below(rng, FUZZ_OPS - 1);
		for (uint32_t i = 0; i < p->nr[t]; i++)
			fuzz_op_make(rng, &p->op[t][i]);
	}
}

/* Something is put in, taken out, changed, or taken from another program. */
static void program_change(struct fuzz_rng *rng, struct fuzz_program *p, const struct fuzz_program *other)
{
	for (int n = 1 + fuzz_below(rng, 6); n; n--) {
		int t = fuzz_below(rng, FUZZ_THREADS);
		uint32_t *nr = &p->nr[t], at = *nr ? fuzz_below(rng, *nr) : 0;

		switch (fuzz_below(rng, 5)) {
		case 0:
			if (*nr < FUZZ_OPS) {
				memmove(&p->op[t][at + 1], &p->op[t][at], (*nr - at) * sizeof(p->op[t][0]));
				fuzz_op_make(rng, &p->op[t][at]);
				++*nr;
			}
			break;
		case 1:
			if (*nr > 1) {
				memmove(&p->op[t][at], &p->op[t][at + 1], (*nr - at - 1) * sizeof(p->op[t][0]));
				--*nr;
			}
			break;
		case 2:
			memcpy(p->op[t], other->op[t], sizeof(p->op[t]));
			*nr = other->nr[t];
			break;
		default:
			if (*nr)
				fuzz_op_change(rng, &p->op[t][at]);
		}
	}
}

static void program_print(const struct fuzz_program *p)
{
	for (int t = 0; t < FUZZ_THREADS; t++) {
		printf("#  thread %d, user %u\n", t, p->uid[t]);
		for (uint32_t i = 0; i < p->nr[t]; i++)
			fuzz_op_print(&p->op[t][i]);
	}
	fflush(stdout);
}

/* --- its process --------------------------------------------------------------------- */

struct thread {
	const struct fuzz_program *program;
	int nr;
};

static void on_signal(int sig)
{
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	const struct fuzz_program *p = t->program;

	fuzz_cover_begin();
	/* The system call: the C library's would change all threads. */
	if (p->uid[t->nr])
		syscall(SYS_setresuid, p->uid[t->nr], p->uid[t->nr], p->uid[t->nr]);
	for (uint32_t i = 0; i < p->nr[t->nr]; i++)
		fuzz_op_run(&p->op[t->nr][i], shared);
	return NULL;
}

static void process_main(const struct fuzz_program *p)
{
	struct itimerval often = { { 0, SIGNAL_US }, { 0, SIGNAL_US } };
	struct sigaction action = { .sa_handler = on_signal };
	struct thread threads[FUZZ_THREADS];
	pthread_t ids[FUZZ_THREADS];

	setpgid(0, 0);
	signal(SIGCHLD, SIG_IGN);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	if (!fuzz_ops_begin())
		_exit(1);
	for (int t = 0; t < FUZZ_THREADS; t++) {
		threads[t] = (struct thread) { p, t };
		if (pthread_create(&ids[t], NULL, thread_main, &threads[t]))
			_exit(1);
	}
	for (int t = 0; t < FUZZ_THREADS; t++)
		pthread_join(ids[t], NULL);
	_exit(0);
}

static bool process_ended(pid_t pid, int *status)
{
	guests_renew();
	return waitpid(pid, status, WNOHANG) == pid;
}

/* Run a program, for at most @ms. Return: false if its process can't be got rid of, or couldn't start. */
static bool program_run(const struct fuzz_program *p, unsigned int ms, char *why, size_t size)
{
	pid_t pid = fork();
	int status = 0;
	bool ended;

	if (pid < 0) {
		snprintf(why, size, "fork: %s", strerror(errno));
		return false;
	}
	if (!pid)
		process_main(p);
	ended = wait_until(process_ended(pid, &status), ms);
	/* And what it has forked. */
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	if (!ended && !wait_until(process_ended(pid, &status), SOON_MS)) {
		snprintf(why, size, "process %d can't be killed", pid);
		return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status)) {
		snprintf(why, size, "a program couldn't start");
		return false;
	}
	return true;
}

/* --- the whole ------------------------------------------------------------------------- */

static struct {
	uint64_t bytes, used;
	unsigned int vms;
} before;

static uint64_t pool_used(void)
{
	struct denali_info info;

	dev_info(dev, &info);
	return info.pool_bytes - info.pool_free;
}

static bool pool_restore(void)
{
	struct denali_pool_set set = { .bytes = before.bytes };

	return ioctl(dev, DENALI_IOC_POOL_SET, &set) == 0;
}

static bool all_well(char *why, size_t size)
{
	vms_destroy_persistent(dev);
	fuzz_ops_end(dev);
	if (!wait_until(vm_count(dev) == before.vms, SOON_MS)) {
		snprintf(why, size, "%u VMs are left, not %u", vm_count(dev), before.vms);
		return false;
	}
	if (!wait_until(pool_used() == before.used, SOON_MS)) {
		snprintf(why, size, "%" PRIu64 " bytes of the pool are in use, not %" PRIu64, pool_used(), before.used);
		return false;
	}
	if (!pool_restore()) {
		snprintf(why, size, "the pool can't have its size again: %s", strerror(errno));
		return false;
	}
	return watch_ok(why, size);
}

static struct fuzz_program corpus[CORPUS];
static unsigned int in_corpus;
static uint8_t seen[FUZZ_COVER];

/* The next one: new, or one from the corpus, changed. */
static void program_next(struct fuzz_rng *rng, struct fuzz_program *p)
{
	if (!in_corpus || fuzz_below(rng, 4) == 0) {
		program_make(rng, p);
	} else {
		*p = corpus[fuzz_below(rng, in_corpus)];
		program_change(rng, p, &corpus[fuzz_below(rng, in_corpus)]);
	}
}

static void corpus_add(struct fuzz_rng *rng, const struct fuzz_program *p)
{
	corpus[in_corpus < CORPUS ? in_corpus++ : fuzz_below(rng, CORPUS)] = *p;
}

static bool batch(struct fuzz_rng *rng, uint64_t from, unsigned int count, char *why, size_t size)
{
	static struct fuzz_program programs[BATCH];
	unsigned int i;
	bool ok;

	ok = guests_start(rng);
	for (i = 0; ok && i < count; i++) {
		struct fuzz_program *p = &programs[i];

		program_next(rng, p);
		if (verbose) {
			printf("# program %" PRIu64 "\n", from + i);
			program_print(p);
		}
		guests_kill();
		guests_feed(rng);
		/* One in eight is killed at some moment. */
		ok = program_run(p, fuzz_below(rng, 8) ? PROGRAM_MS : fuzz_below(rng, 30), why, size);
		if (fuzz_cover_news(shared, seen))
			corpus_add(rng, p);
	}
	guests_end();
	ok = ok && all_well(why, size);
	if (!ok) {
		printf("# HARM: %s, in programs %" PRIu64 " to %" PRIu64 "\n", why, from, from + i - 1);
		while (i--)
			program_print(&programs[i]);
	}
	return ok;
}

/* What never worked wasn't tested: that much of it works by chance. */
static bool enough_worked(void)
{
	for (unsigned int i = 0; i < fuzz_nr_kinds; i++) {
		if (verbose || !shared->good[i])
			printf("# %s: %u of %u worked\n", fuzz_kinds[i].name, shared->good[i], shared->done[i]);
	}
	return shared->worked >= shared->calls / 5;
}

static void usage(void)
{
	printf("Usage: fuzz [--programs N | --seconds S] [--seed S] [--verbose]\n"
	       "  --programs N  run N programs (default 500)\n"
	       "  --seconds S   run programs for S seconds\n"
	       "  --seed S      by which they are made up; a random one if it isn't given\n"
	       "  --verbose     print each program before it runs, and at the end how often what worked\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "programs", required_argument, NULL, 'p' }, { "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'S' }, { "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' }, { }
	};
	uint64_t programs = 500, seconds = 0, done = 0, started = now_ns(), told = started;
	struct denali_info info;
	struct fuzz_rng rng;
	char why[300] = "";
	bool ok = true;
	int c, last;

	if (getrandom(&rng.state, sizeof(rng.state), 0) < 0)
		rng.state = now_ns();
	while ((c = getopt_long(argc, argv, "hv", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			programs = strtoull(optarg, NULL, 0);
			break;
		case 's':
			seconds = strtoull(optarg, NULL, 0);
			programs = ~0ULL;
			break;
		case 'S':
			rng.state = strtoull(optarg, NULL, 0);
			break;
		case 'v':
			verbose = true;
			break;
		default:
			usage();
			return c == 'h' ? 0 : 2;
		}
	}
	if (optind < argc || !programs) {
		usage();
		return 2;
	}
	/* Taps of nobody else's. */
	if (unshare(CLONE_NEWNET) < 0) {
		perror("fuzz: network namespace");
		return 1;
	}
	dev = dev_open();
	if (dev < 0) {
		perror(DENALI_DEVICE);
		return 1;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || !watch_start(dev))
		return 1;
	dev_info(dev, &info);
	before.bytes = info.pool_bytes;
	before.used = info.pool_bytes - info.pool_free;
	before.vms = info.vms;
	last = vm_create(dev, info.min_memory, 0, NULL);
	if (last < 0 || !fuzz_ops_prepare(vm_id(last) + 1)) {
		perror("fuzz");
		return 1;
	}
	close(last);
	printf("# seed %" PRIu64 "\n", rng.state);
	while (ok && done < programs && (!seconds || now_ns() - started < seconds * 1000000000ULL)) {
		unsigned int n = programs - done < BATCH ? programs - done : BATCH;

		snprintf(why, sizeof(why), "fuzz: programs from %" PRIu64, done);
		watch_log(why);
		ok = batch(&rng, done, n, why, sizeof(why));
		done += n;
		if (now_ns() - told > 60000000000ULL || !ok) {
			told = now_ns();
			printf("# %" PRIu64 " programs, %u calls, %u worked, %u programs kept, %u guests\n", done,
			       shared->calls, shared->worked, in_corpus, lives);
			fflush(stdout);
		}
	}
	watch_stop();
	if (!ok)
		pool_restore();
	printf("# %" PRIu64 " programs of %u calls, %u of them worked; %u came to a new place; %u guests\n", done,
	       shared->calls, shared->worked, in_corpus, lives);
	return !(enough_worked() && ok);
}
