// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction counter: a plugin of QEMU's that looks at what the test machine's
 * CPU executes between the marks of regions.h. For each region it keeps the number of
 * passes and, of the shortest pass (the one that no tick got into), the number of
 * instructions at each address and of each operation that serialises a real CPU or is
 * dear on one: under -icount they all cost the same, so they have to be counted.
 *
 * QEMU's header isn't packaged by Debian, so what is used of the interface
 * (version 1) is declared here.
 *
 * Until code asks for it by region_arm(), only the marks are looked for: booting
 * takes no longer than without.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "regions.h"

#define EXPORT	__attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
					   void (*cb)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*cb)(unsigned int, void *), int flags, void *arg);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*cb)(plugin_id, void *), void *arg);
void qemu_plugin_reset(plugin_id id, void (*cb)(plugin_id));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

EXPORT int qemu_plugin_version = 1;

enum op {
	OP_PLAIN, OP_CR3, OP_CR, OP_DR, OP_WRMSR, OP_RDMSR, OP_LGDT, OP_LIDT, OP_LTR, OP_LLDT,
	OP_INVLPG, OP_CPUID, OP_IRET, OP_INT, OP_SYSCALL, OP_SYSRET, OP_SWAPGS, OP_GSBASE,
	OP_SEGMENT, OP_XSAVE, OP_XRSTOR, OP_XSETBV, OP_VERW, OP_LOCKED, OP_NR
};

static const char *const op_names[OP_NR] = {
	"plain", "mov cr3", "mov cr", "mov dr", "wrmsr", "rdmsr", "lgdt", "lidt", "ltr", "lldt",
	"invlpg", "cpuid", "iret", "int", "syscall", "sysret", "swapgs", "wrgsbase",
	"segment load", "xsave", "xrstor", "xsetbv", "verw", "locked",
};

/* What is known of an instruction when it is translated; lives for good. */
struct insn {
	uint64_t addr;
	uint32_t op;
};

/* One pass: every instruction in order. */
struct trace {
	const struct insn **insn;
	size_t nr, room;
};

static const char *const region_names[R_NR] = REGION_NAMES;

static struct trace best[R_NR], now;
static uint64_t passes[R_NR];
static int region = -1;
static bool armed;
static const char *out_path;
static plugin_id self;

/* Of instructions of the kernel, which is 64-bit code, and of INT and SYSCALL anywhere. */
static enum op op_of(const uint8_t *p, size_t size, bool kernel)
{
	const uint8_t *end = p + size;
	unsigned int reg, rex = 0;
	bool rep = false, lock = false;

	for (; p < end; p++) {
		if (*p == 0xf3)
			rep = true;
		else if (*p == 0xf0)
			lock = true;
		else if (kernel && (*p & 0xf0) == 0x40)
			rex = *p;
		else if (!memchr("\x66\x67\xf2\x2e\x36\x3e\x26\x64\x65", *p, 9))
			break;
	}
	if (p >= end)
		return OP_PLAIN;
	if (lock)
		return OP_LOCKED;
	switch (*p) {
	case 0x8e:
		return OP_SEGMENT;
	case 0xcd:
		return OP_INT;
	case 0xcf:
		return OP_IRET;
	case 0x87:	/* XCHG with memory is locked without a prefix */
	case 0x86:
		return p + 1 < end && (p[1] & 0xc0) != 0xc0 ? OP_LOCKED : OP_PLAIN;
	case 0x0f:
		break;
	default:
		return OP_PLAIN;
	}
	if (p + 1 >= end)
		return OP_PLAIN;
	reg = p + 2 < end ? p[2] >> 3 & 7 : 0;
	switch (p[1]) {
	case 0x00:
		return reg == 2 ? OP_LLDT : reg == 3 ? OP_LTR : reg == 5 ? OP_VERW : OP_PLAIN;
	case 0x01:
		if (p + 2 >= end)
			return OP_PLAIN;
		if (p[2] == 0xf8)
			return OP_SWAPGS;
		if (p[2] == 0xd1)
			return OP_XSETBV;
		if (p[2] >= 0xc0)
			return OP_PLAIN;
		return reg == 2 ? OP_LGDT : reg == 3 ? OP_LIDT : reg == 7 ? OP_INVLPG : OP_PLAIN;
	case 0x05:
	case 0x34:
		return OP_SYSCALL;
	case 0x07:
	case 0x35:
		return OP_SYSRET;
	case 0x22:
		return reg == 3 && !(rex & 4) ? OP_CR3 : OP_CR;
	case 0x23:
		return OP_DR;
	case 0x30:
		return OP_WRMSR;
	case 0x32:
		return OP_RDMSR;
	case 0xa1:
	case 0xa9:
		return OP_SEGMENT;
	case 0xa2:
		return OP_CPUID;
	case 0xae:
		if (p + 2 >= end)
			return OP_PLAIN;
		if (p[2] >= 0xc0)
			return rep && (reg == 2 || reg == 3) ? OP_GSBASE : OP_PLAIN;
		return reg == 4 || reg == 6 || reg == 0 ? OP_XSAVE :
		       reg == 5 || reg == 1 ? OP_XRSTOR : OP_PLAIN;
	case 0xc7:
		if (p + 2 >= end || p[2] >= 0xc0)
			return OP_PLAIN;
		return reg == 4 || reg == 5 ? OP_XSAVE : reg == 3 ? OP_XRSTOR : OP_PLAIN;
	}
	return OP_PLAIN;
}

static void step(unsigned int cpu, void *arg)
{
	if (region < 0)
		return;
	if (now.nr == now.room) {
		now.room = now.room ? now.room * 2 : 1 << 16;
		now.insn = realloc(now.insn, now.room * sizeof(*now.insn));
		if (!now.insn)
			abort();
	}
	now.insn[now.nr++] = arg;
}

static void on_armed(plugin_id id);

static void mark(unsigned int cpu, void *arg)
{
	uint32_t what = (uintptr_t)arg, r = what & 0xfff;
	struct trace t;

	switch (what & 0xf000) {
	case REGION_ARM:
		if (!armed) {
			armed = true;
			/* Forgets all translations; they come again, with step() in them. */
			qemu_plugin_reset(self, on_armed);
		}
		break;
	case REGION_BEGIN:
		region = r;
		now.nr = 0;
		break;
	case REGION_END:
		if (region != (int)r)
			break;
		region = -1;
		passes[r]++;
		if (!best[r].nr || now.nr < best[r].nr) {
			t = best[r];
			best[r] = now;
			now = t;
		}
		break;
	}
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *q = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *data = qemu_plugin_insn_data(q);
		size_t size = qemu_plugin_insn_size(q);
		struct insn *insn;
		uint32_t disp;

		if (size == 7 && !memcmp(data, "\x0f\x1f\x80", 3)) {
			memcpy(&disp, data + 3, 4);
			if ((disp & 0xffff0000) == REGION_MARK && (disp & 0xfff) < R_NR) {
				qemu_plugin_register_vcpu_insn_exec_cb(q, mark, 0,
								       (void *)(uintptr_t)(disp & 0xffff));
				continue;
			}
		}
		if (!armed)
			continue;
		insn = malloc(sizeof(*insn));
		if (!insn)
			abort();
		insn->addr = qemu_plugin_insn_vaddr(q);
		insn->op = op_of(data, size, insn->addr >> 63);
		qemu_plugin_register_vcpu_insn_exec_cb(q, step, 0, insn);
	}
}

static int by_addr(const void *a, const void *b)
{
	const struct insn *x = *(const struct insn **)a, *y = *(const struct insn **)b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* A line per region ("region NAME PASSES INSNS"), operation and address of it. */
static void write_counts(plugin_id id, void *arg)
{
	FILE *f = fopen(out_path, "w");
	size_t i, j;
	int r, op;

	if (!f) {
		perror(out_path);
		return;
	}
	for (r = 0; r < R_NR; r++) {
		struct trace *t = &best[r];
		uint64_t ops[OP_NR] = { 0 };

		if (!passes[r])
			continue;
		fprintf(f, "region %s %" PRIu64 " %zu\n", region_names[r], passes[r], t->nr);
		for (i = 0; i < t->nr; i++)
			ops[t->insn[i]->op]++;
		for (op = OP_PLAIN + 1; op < OP_NR; op++)
			if (ops[op])
				fprintf(f, "op %" PRIu64 " %s\n", ops[op], op_names[op]);
		qsort(t->insn, t->nr, sizeof(*t->insn), by_addr);
		for (i = 0; i < t->nr; i = j) {
			for (j = i; j < t->nr && t->insn[j]->addr == t->insn[i]->addr; j++)
				;
			fprintf(f, "at %" PRIx64 " %zu\n", t->insn[i]->addr, j - i);
		}
	}
	if (fclose(f))
		perror(out_path);
}

static void hook(plugin_id id)
{
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, write_counts, NULL);
}

static void on_armed(plugin_id id)
{
	hook(id);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			out_path = strdup(argv[i] + 4);
	if (!out_path) {
		fprintf(stderr, "counter: out=FILE is missing\n");
		return -1;
	}
	self = id;
	hook(id);
	return 0;
}
