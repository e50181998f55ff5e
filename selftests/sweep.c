// SPDX-License-Identifier: GPL-2.0
/*
 * sweep: have a VM execute every instruction (sweep_space.c), or a sample, batch by
 * batch, and look after each batch whether all that isn't that VM is unharmed
 * (watch.c). VMs of a batch may die as they like: another one goes on behind the
 * case that did it. A batch that harms is bisected to the case.
 *
 * A batch is announced in the kernel log and on standard output before it runs: when the
 * machine dies, --from with that number and --batch 1 finds the instruction.
 */
#include <cpuid.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <denali/vregs.h>

#include "lib.h"
#include "sweep_space.h"
#include "watch.h"

/* A case that takes so much of the VM's CPU time (or of all time) isn't waited for. */
#define STUCK_RUN_NS	1000000000ULL
#define STUCK_MS	20000

#define TCG_EBX		0x54474354	/* "TCGT" of "TCGTCGTCGTCG" */

/* What is to be run: cases 0 to total - 1, spread over the families and then random ones. */
static struct {
	uint64_t per_family;	/* 0: all */
	uint64_t random;
	uint64_t seed;
	uint64_t total;
} selection;

static struct {
	uint64_t cases, left_out, vms, exits, panics, faults, protocol, loops, stuck;
	uint64_t vectors[32];
} counts;

static int dev;
static bool verbose, emulated;
static uint64_t planted = ~0ULL;	/* a case that does harm, whatever it is */

static uint64_t hash(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* Case j of the selection. A sample takes one of each of per_family equal stretches. */
static unsigned int make_case(uint64_t j, struct sweep_slot *slot, char *name, size_t size)
{
	uint64_t i = j, n;

	for (unsigned int f = 0; f < sweep_nr_families; f++) {
		const struct sweep_family *family = &sweep_families[f];

		n = selection.per_family ? selection.per_family : family->size;
		if (i >= n) {
			i -= n;
			continue;
		}
		if (selection.per_family) {
			uint64_t width = family->size / n;

			i = i * width + hash(hash(selection.seed + f) + i) % width;
		}
		snprintf(name, size, "%s %" PRIu64, family->name, i);
		return sweep_make(family, i, slot);
	}
	snprintf(name, size, "random %" PRIu64, i);
	return sweep_make_random(selection.seed, i, slot);
}

/* QEMU without hardware help? */
static bool is_emulated(void)
{
	uint32_t a, b, c, d;

	__cpuid(0x40000000, a, b, c, d);
	return b == TCG_EBX;
}

static void print_case(uint64_t j)
{
	struct sweep_slot slot;
	unsigned int n;
	char name[64];

	n = make_case(j, &slot, name, sizeof(name));
	printf("# case %" PRIu64 " (%s):", j, name);
	for (unsigned int i = 0; i < n; i++)
		printf(" %02x", slot.code[i]);
	printf("; registers 0x%x + n * 0x%x, esp 0x%x, flags 0x%x, stack 0x%x, selector 0x%x\n", slot.regs,
	       slot.step, slot.esp, slot.flags, slot.ret, slot.sel);
	fflush(stdout);
}

/* A VM with the slots in its memory, running from one of them on; its memory at *mem. */
static int start_vm(const struct sweep_slot *slots, uint32_t from, uint32_t count, uint8_t **mem)
{
	uint8_t *image;
	uint32_t entry;
	char cmd[32];
	int vm;

	vm = vm_create(dev, SWEEP_MEM, 0, NULL);
	if (vm < 0)
		return -1;
	snprintf(cmd, sizeof(cmd), "%u %u", from, count);
	image = vm_map(vm, DENALI_VREGS_ADDR, SWEEP_MEM - DENALI_VREGS_ADDR);
	if (!image || guest_load(vm, "sweep", &entry) < 0)
		goto fail;
	*mem = image - DENALI_VREGS_ADDR;
	memset(*mem + SWEEP_DATA, 0xcc, SWEEP_RESULT - SWEEP_DATA);
	memcpy(*mem + SWEEP_SLOTS, slots, count * sizeof(*slots));
	((volatile struct sweep_result *)(*mem + SWEEP_RESULT))->at = from;
	if (vm_setup(vm, entry, cmd) < 0 || vm_ctl(vm, DENALI_IOC_VM_START) < 0)
		goto fail;
	return vm;
fail:
	if (image)
		munmap(image, SWEEP_MEM - DENALI_VREGS_ADDR);
	close(vm);
	return -1;
}

/*
 * Where it was at its end. It may have written anything anywhere, so there are several
 * copies: the one that at least two agree on, if it can be right.
 */
static uint32_t position(const uint8_t *mem, uint32_t from, uint32_t count)
{
	static const uint32_t places[] = SWEEP_POSITIONS;
	uint32_t best = from, at;
	int votes, most = 1;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		at = *(volatile uint32_t *)(mem + places[i]);
		if (at < from || at > count)
			continue;
		votes = 0;
		for (size_t j = 0; j < sizeof(places) / sizeof(places[0]); j++)
			votes += *(volatile uint32_t *)(mem + places[j]) == at;
		if (votes > most) {
			most = votes;
			best = at;
		}
	}
	return best;
}

/*
 * Wait for its end, or until a case takes too long: a jump back into the guest's own code
 * may make it run the same cases for ever, so only a case that is new counts. Return: how
 * far it got if it was killed for that, else 0.
 */
static uint32_t wait_vm(int vm, const uint8_t *mem, uint32_t from, uint32_t count)
{
	struct pollfd pfd = { .fd = vm, .events = POLLIN };
	uint64_t run = 0, since = now_ns();
	struct denali_vm_state st;
	uint32_t at, furthest = 0;

	while (watch_poll(&pfd, 100) == 0) {
		vm_state(vm, &st);
		at = position(mem, from, count);
		if (at > furthest) {
			furthest = at;
			run = st.run_ns;
			since = now_ns();
		} else if (st.run_ns - run > STUCK_RUN_NS || now_ns() - since > STUCK_MS * 1000000ULL) {
			vm_ctl(vm, DENALI_IOC_VM_KILL);
			return furthest;
		}
	}
	return 0;
}

/* Which case ended its VM. */
static void tell(uint64_t first, uint32_t at, uint32_t count, const struct denali_vm_state *st)
{
	if (st->reason != DENALI_END_EXIT || st->status != SWEEP_DONE || at != count) {
		printf("# ends its VM in slot %u of %u (%s):\n", at, count, st->text);
		print_case(first + at);
	}
}

/* Run all slots, with as many VMs as it takes. False: no VM can be had, or one case alone escaped. */
static bool run_slots(const struct sweep_slot *slots, uint64_t first, uint32_t count, char *why, size_t size)
{
	const volatile struct sweep_result *result;
	struct denali_vm_state st;
	uint32_t from = 0, at, furthest;
	bool escaped = false;
	uint8_t *mem;
	int vm;

	while (from < count && !escaped) {
		vm = start_vm(slots, from, count, &mem);
		if (vm < 0) {
			snprintf(why, size, "sweep VM can't be started: %s", strerror(errno));
			return false;
		}
		counts.vms++;
		result = (void *)(mem + SWEEP_RESULT);
		furthest = wait_vm(vm, mem, from, count);
		vm_state(vm, &st);
		at = position(mem, from, count);
		if (furthest > at)
			at = furthest;
		for (int i = 0; i < 32; i++)
			if (result->vectors[i] <= count)
				counts.vectors[i] += result->vectors[i];
		if (verbose)
			tell(first, at, count, &st);
		switch (st.reason) {
		case DENALI_END_EXIT:
			if (st.status == SWEEP_DONE && at == count)
				from = count;
			else if (st.status == SWEEP_LOOPS)
				counts.loops++;
			else
				counts.exits++;
			break;
		case DENALI_END_PANIC:
			counts.panics++;
			if (strncmp(st.text, "sweep: ", 7))
				break;
			/* Damage that earlier cases did to the guest can look like that. */
			snprintf(why, size, "%s", st.text);
			escaped = count == 1 || !run_slots(&slots[at], first + at, 1, why, size);
			break;
		case DENALI_END_FAULT:
			counts.faults++;
			break;
		case DENALI_END_PROTOCOL:
			counts.protocol++;
			break;
		default:
			counts.stuck++;
		}
		if (st.eflags & 0x23000) {
			escaped = true;
			snprintf(why, size, "sweep VM ended with EFLAGS 0x%x", st.eflags);
		}
		if (from < count)
			from = at + 1;
		munmap(mem + DENALI_VREGS_ADDR, SWEEP_MEM - DENALI_VREGS_ADDR);
		close(vm);
	}
	return !escaped;
}

/* Cases from j on; true if all is well afterwards. */
static bool run_cases(uint64_t j, uint32_t count, char *why, size_t size)
{
	static struct sweep_slot slots[SWEEP_SLOTS_MAX];
	char name[64];
	bool ok;

	for (uint32_t i = 0; i < count; i++) {
		make_case(j + i, &slots[i], name, sizeof(name));
		if (emulated && sweep_emulator_dies(&slots[i]))
			counts.left_out++;
	}
	counts.cases += count;
	ok = run_slots(slots, j, count, why, size);
	if (planted - j < count)
		watch_spoil(planted % 3);
	return ok & watch_ok(why, size);
}

/* Which case of these was it? Fresh canaries for each try. */
static void bisect(uint64_t j, uint32_t count)
{
	char why[300];
	uint32_t half;
	bool well;

	while (count > 1) {
		half = count / 2;
		for (int part = 0; part < 2; part++) {
			watch_stop();
			if (!watch_start(dev))
				return;
			well = run_cases(part ? j + half : j, part ? count - half : half, why, sizeof(why));
			if (!well && part)
				j += half;
			if (!well) {
				count = part ? count - half : half;
				break;
			}
		}
		if (well) {
			printf("# not by one half alone of cases %" PRIu64 " to %" PRIu64 "\n", j, j + count - 1);
			return;
		}
		printf("# bisecting: in cases %" PRIu64 " to %" PRIu64 ": %s\n", j, j + count - 1, why);
		fflush(stdout);
	}
	print_case(j);
}

static bool run_batches(uint64_t from, uint64_t to, uint32_t batch)
{
	char why[300] = "", line[128], name[64];
	struct sweep_slot slot;
	uint32_t n;

	for (; from < to; from += n) {
		n = to - from < batch ? to - from : batch;
		make_case(from, &slot, name, sizeof(name));
		snprintf(line, sizeof(line), "seed %" PRIu64 ", %.1f%%: cases %" PRIu64 " to %" PRIu64 " (%s...)",
			 selection.seed, from * 100.0 / selection.total, from, from + n - 1, name);
		watch_log(line);
		printf("# %s\n", line);
		fflush(stdout);
		if (n == 1)
			print_case(from);
		if (run_cases(from, n, why, sizeof(why)))
			continue;
		printf("# HARM: %s\n", why);
		fflush(stdout);
		bisect(from, n);
		return false;
	}
	return true;
}

static void print_counts(void)
{
	printf("# %" PRIu64 " cases in %" PRIu64 " VMs; %" PRIu64 " ended by a fault in the handler, %" PRIu64
	       " by EXIT, %" PRIu64 " by PANIC, %" PRIu64 " for want of a stack, %" PRIu64 " by the timer, %" PRIu64
	       " killed\n", counts.cases, counts.vms, counts.faults, counts.exits, counts.panics,
	       counts.protocol, counts.loops, counts.stuck);
	printf("# cases by the exception that ended them:");
	for (int i = 0; i < 32; i++)
		if (counts.vectors[i])
			printf(" %d: %" PRIu64, i, counts.vectors[i]);
	printf("\n");
	if (counts.left_out)
		printf("# %" PRIu64 " cases left out: this emulator would die of them\n", counts.left_out);
}

/* A sweep that runs nothing finds nothing: there must be cases that ran to their INT3, and each fault. */
static bool counts_are_plausible(void)
{
	static const int must[] = { 3, 6, 13, 14 };

	for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++) {
		if (!counts.vectors[must[i]]) {
			printf("# no case ended by exception %d: the sweep doesn't work\n", must[i]);
			return false;
		}
	}
	return true;
}

/* One case, given by its bytes. */
static int run_bytes(const char *hex)
{
	struct sweep_slot slot;
	unsigned int n = 0, byte;
	char why[300] = "";
	int len;
	bool ok;

	sweep_make(&sweep_families[0], 0, &slot);
	memset(slot.code, 0xcc, sizeof(slot.code));
	while (n < SWEEP_CODE - 1 && sscanf(hex, " %2x%n", &byte, &len) == 1) {
		slot.code[n++] = byte;
		hex += len;
	}
	if (!n || *hex) {
		fprintf(stderr, "sweep: --bytes: at most %d bytes in hexadecimal\n", SWEEP_CODE - 1);
		return 2;
	}
	ok = run_slots(&slot, 0, 1, why, sizeof(why)) & watch_ok(why, sizeof(why));
	print_counts();
	if (!ok)
		printf("# HARM: %s\n", why);
	return !ok;
}

static void usage(void)
{
	printf("Usage: sweep [--all | --sample N] [--random N] [--seed S] [--from J] [--count N] [--batch N]\n"
	       "             [--plant J] [-v]\n"
	       "       sweep --bytes HEX\n"
	       "  --all       every case of the space (%" PRIu64 ")\n"
	       "  --sample N  N cases of each of its %u families, spread evenly; default 1000\n"
	       "  --random N  and N random sequences; default 10 times that, with --all 500000\n"
	       "  --seed S    for both; a random one if it isn't given\n"
	       "  --from J    start at case J of the selection\n"
	       "  --count N   run so many of it\n"
	       "  --batch N   cases between two looks at the host, 1 to %u\n"
	       "  --plant J   harm is done with case J, for it to be found\n"
	       "  --verbose   print cases that end their VM\n", sweep_space_size(), sweep_nr_families,
	       SWEEP_SLOTS_MAX);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' }, { "sample", required_argument, NULL, 's' },
		{ "random", required_argument, NULL, 'r' }, { "seed", required_argument, NULL, 'S' },
		{ "from", required_argument, NULL, 'f' }, { "count", required_argument, NULL, 'c' },
		{ "batch", required_argument, NULL, 'b' }, { "bytes", required_argument, NULL, 'B' },
		{ "plant", required_argument, NULL, 'p' }, { "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' }, { }
	};
	uint64_t from = 0, count = ~0ULL, batch = SWEEP_SLOTS_MAX;
	bool all = false, random_given = false, ok;
	const char *bytes = NULL;
	int c;

	selection.per_family = 1000;
	if (getrandom(&selection.seed, sizeof(selection.seed), 0) < 0)
		selection.seed = now_ns();
	selection.seed &= 0xffffffff;
	while ((c = getopt_long(argc, argv, "hv", options, NULL)) != -1) {
		switch (c) {
		case 'a':
			all = true;
			break;
		case 's':
			selection.per_family = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			selection.random = strtoull(optarg, NULL, 0);
			random_given = true;
			break;
		case 'S':
			selection.seed = strtoull(optarg, NULL, 0);
			break;
		case 'f':
			from = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			count = strtoull(optarg, NULL, 0);
			break;
		case 'b':
			batch = strtoull(optarg, NULL, 0);
			break;
		case 'B':
			bytes = optarg;
			break;
		case 'p':
			planted = strtoull(optarg, NULL, 0);
			break;
		case 'v':
			verbose = true;
			break;
		default:
			usage();
			return c == 'h' ? 0 : 2;
		}
	}
	if (optind < argc || !selection.per_family || selection.per_family > 65536 || !batch ||
	    batch > SWEEP_SLOTS_MAX) {
		usage();
		return 2;
	}
	if (!random_given)
		selection.random = all ? 500000 : selection.per_family * 10;
	if (all)
		selection.per_family = 0;
	emulated = is_emulated();
	if (emulated && sweep_emulator_has_iret() && selection.random) {
		printf("# no random sequences: this emulator mistakes what IRET takes from the stack\n");
		selection.random = 0;
	}
	selection.total = selection.random + (all ? sweep_space_size() : selection.per_family * sweep_nr_families);
	if (from > selection.total)
		from = selection.total;
	if (count > selection.total - from)
		count = selection.total - from;

	dev = dev_open();
	if (dev < 0) {
		perror(DENALI_DEVICE);
		return 2;
	}
	if (!watch_start(dev))
		return 2;
	if (bytes) {
		ok = !run_bytes(bytes);
	} else {
		printf("# seed %" PRIu64 ": %" PRIu64 " of %" PRIu64 " cases\n", selection.seed, count,
		       selection.total);
		ok = run_batches(from, from + count, batch);
		print_counts();
		if (ok && count > 1000)
			ok = counts_are_plausible();
	}
	watch_stop();
	return !ok;
}
