// SPDX-License-Identifier: GPL-2.0
/*
 * Every instruction, by number. The space is cut into families; a case of a family is
 * its index, taken apart into digits: prefix, opcode, reg field, form of the operand,
 * values in the registers. Nothing here knows how long an instruction is: INT3s
 * stand behind it, and are its immediate operands as well.
 *
 * Each returns the number of bytes that it chose.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "sweep_space.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Operands: 8 registers, and of memory each mod, SIB, disp32, and the edges of memory. */
#define FORMS		17
#define FORM_DISP32	9
#define FORM_EDGE	15
#define FORM_TOP	16

/* The same in short: two registers, a pointer, disp32 and an index (VSIB, for some). */
static const uint8_t short_forms[] = { 1, 6, 8, FORM_DISP32, 11 };

static const uint8_t prefixes[][2] = {
	{ 0 }, { 0x66 }, { 0xf2 }, { 0xf3 }, { 0xf0 }, { 0x67 }, { 0x2e }, { 0x36 }, { 0x3e }, { 0x26 },
	{ 0x64 }, { 0x65 }, { 0x66, 0xf2 }, { 0x66, 0xf3 }, { 0x66, 0x67 }, { 0xf0, 0xf2 }, { 0xf0, 0x66 },
};

#define PREFIXES	ARRAY_SIZE(prefixes)
#define PREFIXES_FEW	4

static const uint8_t maps[4][2] = { { 0 }, { 0x0f }, { 0x0f, 0x38 }, { 0x0f, 0x3a } };

/* Instructions in the making. */
struct bytes {
	uint8_t *p;
	unsigned int n;
};

static void put(struct bytes *b, uint8_t byte)
{
	if (b->n < SWEEP_CODE)
		b->p[b->n++] = byte;
}

static void put32(struct bytes *b, uint32_t val)
{
	for (int i = 0; i < 4; i++)
		put(b, val >> (8 * i));
}

static uint32_t take(uint64_t *i, uint32_t radix)
{
	uint32_t digit = *i % radix;

	*i /= radix;
	return digit;
}

/* Pointers in all registers, a bit apart. */
static struct bytes start(struct sweep_slot *slot)
{
	memset(slot, 0, sizeof(*slot));
	memset(slot->code, 0xcc, sizeof(slot->code));
	slot->regs = SWEEP_POINTER;
	slot->step = 16;
	slot->esp = SWEEP_STACK;
	return (struct bytes){ .p = slot->code };
}

static void put_operand(struct bytes *b, uint32_t reg, uint32_t form)
{
	reg <<= 3;
	if (form < 8) {
		put(b, 0xc0 | reg | form);
		return;
	}
	switch (form) {
	case 8:		/* (%eax) */
		put(b, reg);
		return;
	case FORM_DISP32:
		put(b, reg | 5);
		put32(b, SWEEP_POINTER);
		return;
	case 10:	/* (%esp) */
		put(b, reg | 4);
		put(b, 0x24);
		return;
	case 11:	/* (%eax,%ecx,2) */
		put(b, reg | 4);
		put(b, 0x48);
		return;
	case 12:	/* disp32(,%ecx,8) */
		put(b, reg | 4);
		put(b, 0xcd);
		put32(b, SWEEP_POINTER);
		return;
	case 13:	/* 16(%ebp) */
		put(b, 0x40 | reg | 5);
		put(b, 16);
		return;
	case 14:	/* disp32(%ebx) */
		put(b, 0x80 | reg | 3);
		put32(b, SWEEP_POINTER);
		return;
	case FORM_EDGE:
		put(b, reg | 5);
		put32(b, SWEEP_MEM - 1);
		return;
	case FORM_TOP:
		put(b, reg | 5);
		put32(b, 0xfffffffc);
		return;
	}
}

static void put_prefix(struct bytes *b, uint32_t n)
{
	for (int i = 0; i < 2 && prefixes[n][i]; i++)
		put(b, prefixes[n][i]);
}

static void put_opcode(struct bytes *b, uint32_t map, uint8_t opcode)
{
	for (int i = 0; i < 2 && maps[map][i]; i++)
		put(b, maps[map][i]);
	put(b, opcode);
}

/* All opcodes of a map with all prefixes and forms. */
static unsigned int make_legacy(uint32_t map, uint64_t i, struct sweep_slot *slot)
{
	struct bytes b = start(slot);
	uint32_t form = take(&i, FORMS), reg = take(&i, 8), opcode = take(&i, 256);

	put_prefix(&b, i);
	put_opcode(&b, map, opcode);
	put_operand(&b, reg, form);
	return b.n;
}

#define LEGACY_SIZE	(FORMS * 8ULL * 256 * PREFIXES)

static unsigned int make_onebyte(uint64_t i, struct sweep_slot *slot) { return make_legacy(0, i, slot); }
static unsigned int make_0f(uint64_t i, struct sweep_slot *slot) { return make_legacy(1, i, slot); }
static unsigned int make_0f38(uint64_t i, struct sweep_slot *slot) { return make_legacy(2, i, slot); }
static unsigned int make_0f3a(uint64_t i, struct sweep_slot *slot) { return make_legacy(3, i, slot); }

/* Other values in the registers: nothing, all ones, the last byte of memory, counts. */
static unsigned int make_values(uint64_t i, struct sweep_slot *slot)
{
	static const struct {
		uint32_t regs, step;
	} values[] = { { 0, 0 }, { ~0U, 0 }, { SWEEP_MEM - 1, 0 }, { 0, 1 } };
	struct bytes b = start(slot);
	uint32_t form = take(&i, ARRAY_SIZE(short_forms)), reg = take(&i, 8), opcode = take(&i, 256), value;

	value = take(&i, ARRAY_SIZE(values));
	slot->regs = values[value].regs;
	slot->step = values[value].step;
	put_prefix(&b, take(&i, PREFIXES_FEW));
	put_opcode(&b, i, opcode);
	put_operand(&b, reg, short_forms[form]);
	return b.n;
}

#define VALUES_SIZE	(ARRAY_SIZE(short_forms) * 8ULL * 256 * 4 * PREFIXES_FEW * 4)

/* Two bytes behind nothing or 0F: all ModRM bytes, relative jumps, ports, vectors. */
static unsigned int make_pairs(uint64_t i, struct sweep_slot *slot)
{
	struct bytes b = start(slot);
	uint32_t second = take(&i, 256), first = take(&i, 256);

	put_opcode(&b, i, first);
	put(&b, second);
	return b.n;
}

/* Each instruction with flags that do something: TF, DF, NT, RF, AC, ID. */
static unsigned int make_flags(uint64_t i, struct sweep_slot *slot)
{
	static const uint32_t flags[] = { 0x302, 0x602, 0x4202, 0x10202, 0x40202, 0x200202, 0x4302, 0x254fd7 };
	static const uint8_t forms[] = { 1, 8 };
	struct bytes b = start(slot);
	uint32_t form = take(&i, ARRAY_SIZE(forms)), reg = take(&i, 8), opcode = take(&i, 256);

	slot->flags = flags[take(&i, ARRAY_SIZE(flags))];
	put_opcode(&b, i, opcode);
	put_operand(&b, reg, forms[form]);
	return b.n;
}

#define FLAGS_SIZE	(2 * 8ULL * 256 * 8 * 2)

/* Each instruction with the stack at an edge: of memory, of the virtual registers, of all. */
static unsigned int make_stacks(uint64_t i, struct sweep_slot *slot)
{
	static const uint32_t stacks[] = { SWEEP_MEM, SWEEP_MEM - 1, SWEEP_MEM - 2, SWEEP_MEM - 4,
		SWEEP_MEM + 1, SWEEP_MEM + 4, 0x1000, 0x1001, 0x1003, 0, 1, 4, ~0U, ~0U - 3, 0x80000000 };
	static const uint8_t forms[] = { 1, 8 };
	struct bytes b = start(slot);
	uint32_t form = take(&i, ARRAY_SIZE(forms)), reg = take(&i, 8), opcode = take(&i, 256);

	slot->esp = stacks[take(&i, ARRAY_SIZE(stacks))];
	put_prefix(&b, take(&i, 2));
	put_opcode(&b, i, opcode);
	put_operand(&b, reg, forms[form]);
	return b.n;
}

#define STACKS_SIZE	(2 * 8ULL * 256 * 15 * 2 * 2)

/* Every selector by every way to load one or to ask about it. */
enum { IN_MEMORY, IN_AX, ON_STACK };

static const struct {
	uint8_t where, n, code[5];
} selector_ways[] = {
	/* far jump and call, far returns, IRET */
	{ IN_MEMORY, 2, { 0xff, 0x28 } }, { IN_MEMORY, 2, { 0xff, 0x18 } },
	{ IN_MEMORY, 1, { 0xcb } }, { IN_MEMORY, 3, { 0xca, 0x08, 0x00 } },
	{ IN_MEMORY, 1, { 0xcf } }, { IN_MEMORY, 2, { 0x66, 0xcf } },
	/* DS, ES, FS, GS, SS, and then memory through them */
	{ IN_AX, 5, { 0x8e, 0xd8, 0x3e, 0x8b, 0x03 } }, { IN_AX, 5, { 0x8e, 0xc0, 0x26, 0x8b, 0x03 } },
	{ IN_AX, 5, { 0x8e, 0xe0, 0x64, 0x8b, 0x03 } }, { IN_AX, 5, { 0x8e, 0xe8, 0x65, 0x8b, 0x03 } },
	{ IN_AX, 4, { 0x8e, 0xd0, 0x50, 0x58 } },
	{ ON_STACK, 4, { 0x1f, 0x3e, 0x8b, 0x03 } }, { ON_STACK, 4, { 0x07, 0x26, 0x8b, 0x03 } },
	{ ON_STACK, 5, { 0x0f, 0xa1, 0x64, 0x8b, 0x03 } }, { ON_STACK, 5, { 0x0f, 0xa9, 0x65, 0x8b, 0x03 } },
	{ ON_STACK, 2, { 0x17, 0x50 } },
	/* LDS, LES, LSS, LFS, LGS */
	{ IN_MEMORY, 2, { 0xc5, 0x18 } }, { IN_MEMORY, 2, { 0xc4, 0x18 } }, { IN_MEMORY, 3, { 0x0f, 0xb2, 0x18 } },
	{ IN_MEMORY, 3, { 0x0f, 0xb4, 0x18 } }, { IN_MEMORY, 3, { 0x0f, 0xb5, 0x18 } },
	/* LAR, LSL, VERR, VERW, LLDT, LTR, ARPL */
	{ IN_AX, 3, { 0x0f, 0x02, 0xd8 } }, { IN_AX, 3, { 0x0f, 0x03, 0xd8 } },
	{ IN_AX, 3, { 0x0f, 0x00, 0xe0 } }, { IN_AX, 3, { 0x0f, 0x00, 0xe8 } },
	{ IN_AX, 3, { 0x0f, 0x00, 0xd0 } }, { IN_AX, 3, { 0x0f, 0x00, 0xd8 } }, { IN_AX, 2, { 0x63, 0xd8 } },
};

#define SELECTOR_WAYS	ARRAY_SIZE(selector_ways)

static unsigned int make_selectors(uint64_t i, struct sweep_slot *slot)
{
	struct bytes b = start(slot);
	uint32_t sel = take(&i, 65536), way = i;

	slot->sel = sel;
	if (way >= SELECTOR_WAYS) {
		/* far jump and call with an immediate operand */
		put(&b, way == SELECTOR_WAYS ? 0xea : 0x9a);
		put32(&b, SWEEP_TRAPS);
		put(&b, sel);
		put(&b, sel >> 8);
		return b.n;
	}
	for (int j = 0; j < selector_ways[way].n; j++)
		put(&b, selector_ways[way].code[j]);
	if (selector_ways[way].where == ON_STACK) {
		/* POP takes 16 bits of it; 0 would stand for the usual word */
		slot->ret = sel | 0x10000;
	} else if (selector_ways[way].where == IN_AX) {
		/* EBX is a pointer, or nearly one. */
		slot->regs = sel;
		slot->step = (SWEEP_POINTER - sel) / 3;
	}
	return b.n;
}

#define SELECTORS_SIZE	(65536ULL * (SELECTOR_WAYS + 2))

static unsigned int make_vex2(uint64_t i, struct sweep_slot *slot)
{
	struct bytes b = start(slot);
	uint32_t form = take(&i, FORMS), reg = take(&i, 8), opcode = take(&i, 256);

	put(&b, 0xc5);
	/* R off; vvvv none or register 1; L and pp. */
	put(&b, 0xc0 | (i & 8 ? 0x70 : 0x38) | (i & 7));
	put(&b, opcode);
	put_operand(&b, reg, form);
	return b.n;
}

#define VEX2_SIZE	(FORMS * 8ULL * 256 * 16)

/* The three bytes of VEX and XOP: W, L and pp, with vvvv none or register 1. */
static unsigned int make_vex3(uint8_t escape, uint32_t map, uint64_t i, struct sweep_slot *slot)
{
	struct bytes b = start(slot);
	uint32_t form = take(&i, ARRAY_SIZE(short_forms)), reg = take(&i, 8), opcode = take(&i, 256);

	put(&b, escape);
	put(&b, 0xe0 | map);
	put(&b, (i & 16 ? 0x70 : 0x78) | (i & 8 ? 0x80 : 0) | (i & 7));
	put(&b, opcode);
	put_operand(&b, reg, short_forms[form]);
	return b.n;
}

#define VEX3_SIZE	(ARRAY_SIZE(short_forms) * 8ULL * 256 * 32)
#define XOP_SIZE	(VEX3_SIZE / 2)		/* vvvv is none */

static unsigned int make_vex(uint64_t i, struct sweep_slot *slot)
{
	return make_vex3(0xc4, 1 + i / VEX3_SIZE, i % VEX3_SIZE, slot);
}

static unsigned int make_xop(uint64_t i, struct sweep_slot *slot)
{
	return make_vex3(0x8f, 8 + i / XOP_SIZE, i % XOP_SIZE, slot);
}

/* Maps that have nothing, yet. XOP's lower ones are POP. */
static unsigned int make_maps(uint64_t i, struct sweep_slot *slot)
{
	struct bytes b = start(slot);
	uint32_t pp = take(&i, 4), opcode = take(&i, 256), map = take(&i, 32);

	put(&b, i ? 0x8f : 0xc4);
	put(&b, 0xe0 | map);
	put(&b, 0x78 | pp);
	put(&b, opcode);
	put_operand(&b, opcode & 7, opcode & 8 ? 8 : 1);
	return b.n;
}

#define MAPS_SIZE	(4ULL * 256 * 32 * 2)

static void put_evex(struct bytes *b, uint32_t map, uint32_t w_pp, uint8_t last)
{
	put(b, 0x62);
	put(b, 0xf0 | map);
	put(b, 0x7c | (w_pp & 4 ? 0x80 : 0) | (w_pp & 3));
	put(b, last | 8);
}

/* All maps, W, pp, L, b, with masks and zeroing, few operands. */
static unsigned int make_evex(uint64_t i, struct sweep_slot *slot)
{
	static const uint8_t masks[] = { 0, 1, 0x81 };
	static const uint8_t operands[][2] = { { 1, 2 }, { 2, 8 }, { 1, 11 }, { 6, 3 } };
	struct bytes b = start(slot);
	uint32_t operand = take(&i, ARRAY_SIZE(operands)), opcode = take(&i, 256);
	uint32_t mask = take(&i, ARRAY_SIZE(masks)), l_b = take(&i, 8), w_pp = take(&i, 8);

	put_evex(&b, i, w_pp, masks[mask] | l_b << 4);
	put(&b, opcode);
	put_operand(&b, operands[operand][0], operands[operand][1]);
	return b.n;
}

#define EVEX_SIZE	(4 * 256ULL * 3 * 8 * 8 * 8)

/* All reg fields and more operands. */
static unsigned int make_evex_forms(uint64_t i, struct sweep_slot *slot)
{
	struct bytes b = start(slot);
	uint32_t form = take(&i, ARRAY_SIZE(short_forms)), reg = take(&i, 8), opcode = take(&i, 256);
	uint32_t w_pp = take(&i, 8);

	put_evex(&b, i, w_pp, 0x40);
	put(&b, opcode);
	put_operand(&b, reg, short_forms[form]);
	return b.n;
}

#define EVEX_FORMS_SIZE	(ARRAY_SIZE(short_forms) * 8ULL * 256 * 8 * 8)

const struct sweep_family sweep_families[] = {
	{ "one-byte", LEGACY_SIZE, make_onebyte },
	{ "0f", LEGACY_SIZE, make_0f },
	{ "0f38", LEGACY_SIZE, make_0f38 },
	{ "0f3a", LEGACY_SIZE, make_0f3a },
	{ "values", VALUES_SIZE, make_values },
	{ "pairs", 2 * 65536, make_pairs },
	{ "flags", FLAGS_SIZE, make_flags },
	{ "stacks", STACKS_SIZE, make_stacks },
	{ "selectors", SELECTORS_SIZE, make_selectors },
	{ "vex2", VEX2_SIZE, make_vex2 },
	{ "vex3", VEX3_SIZE * 3, make_vex },
	{ "xop", XOP_SIZE * 3, make_xop },
	{ "maps", MAPS_SIZE, make_maps },
	{ "evex", EVEX_SIZE, make_evex },
	{ "evex-forms", EVEX_FORMS_SIZE, make_evex_forms },
};

const unsigned int sweep_nr_families = ARRAY_SIZE(sweep_families);

uint64_t sweep_space_size(void)
{
	uint64_t size = 0;

	for (unsigned int f = 0; f < sweep_nr_families; f++)
		size += sweep_families[f].size;
	return size;
}

unsigned int sweep_make(const struct sweep_family *family, uint64_t i, struct sweep_slot *slot)
{
	return family->make(i % family->size, slot);
}

/* splitmix64 (Steele, Lea, Flood, OOPSLA 2014) */
static uint64_t mix(uint64_t *x)
{
	uint64_t z = *x += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* A sequence: random bytes, or several cases of the space behind one another. */
unsigned int sweep_make_random(uint64_t seed, uint64_t i, struct sweep_slot *slot)
{
	static const uint32_t flags[] = { 0x302, 0x602, 0x4202, 0x10202, 0x40202, 0x254fd7 };
	static const uint32_t places[] = { 0, ~0U, SWEEP_MEM - 1, SWEEP_MEM - 8, SWEEP_SLOTS, 0x1000, 0x2000 };
	uint64_t x = seed ^ i << 20;
	struct bytes b = start(slot);
	struct sweep_slot other;
	unsigned int n;

	mix(&x);
	if (mix(&x) & 1) {
		for (n = 1 + mix(&x) % (SWEEP_CODE - 2); n; n--)
			put(&b, mix(&x));
	} else {
		for (n = 2 + mix(&x) % 6; n; n--) {
			const struct sweep_family *f = &sweep_families[mix(&x) % sweep_nr_families];
			unsigned int len = sweep_make(f, mix(&x) % f->size, &other);

			for (unsigned int j = 0; j < len; j++)
				put(&b, other.code[j]);
		}
	}
	switch (mix(&x) % 16) {
	case 0:
		slot->regs = mix(&x);
		slot->step = mix(&x);
		break;
	case 1:
		slot->regs = mix(&x) % SWEEP_MEM;
		slot->step = mix(&x) % 4096;
		break;
	case 2:
		slot->regs = places[mix(&x) % ARRAY_SIZE(places)];
		slot->step = mix(&x) % 2;
		break;
	}
	switch (mix(&x) % 16) {
	case 0:
		slot->flags = flags[mix(&x) % ARRAY_SIZE(flags)];
		break;
	case 1:
		slot->esp = places[mix(&x) % ARRAY_SIZE(places)];
		break;
	case 2:
		slot->sel = mix(&x) & 0xffff;
		slot->ret = mix(&x);
		break;
	}
	return b.n;
}
