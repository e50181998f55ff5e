// SPDX-License-Identifier: GPL-2.0
/*
 * What QEMU's emulation can't be asked to do: instructions that its translator dies of (that of
 * 7.2; none valid: CPUs raise #UD), and IRET with EFLAGS.VM on the stack. From ring 3 a CPU in
 * long mode ignores that bit; QEMU enters virtual-8086 mode with IOPL and VIF as the stack
 * says, and they stay with the host. 7.2 with SMAP raises #PF for each IRET of ring 3 instead.
 *
 * It isn't the machine that is to be tested, so such cases are left out there.
 */
#include <cpuid.h>
#include <stdio.h>
#include <string.h>

#include "sweep_space.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define bit_SMAP	(1U << 20)

static const struct {
	uint8_t n, bytes[5], mask[5];
} patterns[] = {
	/* VPERMILPS without 66, by VEX too: QEMU takes 38 and 3A for escapes even there */
	{ 3, { 0x0f, 0x38, 0x0c }, { 0xff, 0xff, 0xff } },
	{ 4, { 0xc4, 0xc2, 0x00, 0x0c }, { 0xff, 0xdf, 0x03, 0xff } },
	{ 4, { 0xc5, 0xc0, 0x38, 0x0c }, { 0xff, 0xc3, 0xff, 0xff } },
	{ 5, { 0xc4, 0xc1, 0x00, 0x38, 0x0c }, { 0xff, 0xdf, 0x03, 0xff, 0xff } },
	/* VROUNDSS and VROUNDSD of 256 bits */
	{ 4, { 0xc4, 0xc3, 0x04, 0x0a }, { 0xff, 0xdf, 0x04, 0xfe } },
	{ 4, { 0xc5, 0xc4, 0x3a, 0x0a }, { 0xff, 0xc4, 0xff, 0xfe } },
	{ 5, { 0xc4, 0xc1, 0x04, 0x3a, 0x0a }, { 0xff, 0xdf, 0x04, 0xff, 0xfe } },
	/* VPINSRW without 66 */
	{ 3, { 0xc5, 0xc0, 0xc4 }, { 0xff, 0xc3, 0xff } },
	{ 4, { 0xc4, 0xc1, 0x00, 0xc4 }, { 0xff, 0xdf, 0x03, 0xff } },
};

/* LOCK, behind it other prefixes, and one of these. */
static const struct {
	uint8_t n, bytes[3], mask[3], modrm, modrm_mask;
	bool memory;
} locked[] = {
	/* CMP with memory */
	{ 1, { 0x38 }, { 0xfe }, 0, 0, true },
	{ 1, { 0x80 }, { 0xfc }, 0x38, 0x38, true },
	/* BT, BTS, BTR, BTC of a register */
	{ 2, { 0x0f, 0xa3 }, { 0xff, 0xe7 }, 0, 0, false },
	{ 2, { 0x0f, 0xba }, { 0xff, 0xff }, 0x20, 0x20, false },
};

static bool is_prefix(uint8_t byte)
{
	return byte && strchr("\x66\x67\xf0\xf2\xf3\x26\x2e\x36\x3e\x64\x65", byte);
}

static bool matches(const uint8_t *p, const uint8_t *end, const uint8_t *bytes, const uint8_t *mask, unsigned int n)
{
	if (end - p < n)
		return false;
	for (unsigned int i = 0; i < n; i++)
		if ((p[i] & mask[i]) != bytes[i])
			return false;
	return true;
}

static bool dies_of_lock(const uint8_t *p, const uint8_t *end)
{
	while (p < end && is_prefix(*p))
		p++;
	for (size_t i = 0; i < ARRAY_SIZE(locked); i++) {
		unsigned int n = locked[i].n;
		bool memory;

		if (end - p <= n || !matches(p, end, locked[i].bytes, locked[i].mask, n))
			continue;
		memory = p[n] < 0xc0;
		if ((p[n] & locked[i].modrm_mask) == locked[i].modrm && memory == locked[i].memory)
			return true;
	}
	return false;
}

/* An IRET that doesn't come first may find anything on the stack. */
static bool has_wild_iret(const struct sweep_slot *slot)
{
	const uint8_t *p = slot->code, *end = slot->code + SWEEP_CODE;

	if (slot->esp == SWEEP_STACK && !(slot->flags & 0x20000)) {
		while (is_prefix(*p))
			p++;
		p += *p == 0xcf;
	}
	return memchr(p, 0xcf, end - p);
}

/* QEMU before 9.1, as its machine's name says ("pc-q35-7.2"). It can't be tried: the kernel dies of that #PF. */
static bool is_old(void)
{
	FILE *file = fopen("/sys/class/dmi/id/product_version", "r");
	int major, minor;
	bool old;

	if (!file)
		return false;
	old = fscanf(file, "pc-%*[^-]-%d.%d", &major, &minor) == 2 && major * 100 + minor < 901;
	fclose(file);
	return old;
}

/** sweep_emulator_has_iret() - does IRET in ring 3 do more than fault? Return: see above. */
bool sweep_emulator_has_iret(void)
{
	static int has = -1;
	uint32_t a, b, c, d;

	if (has < 0)
		has = !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_SMAP) || !is_old();
	return has;
}

/**
 * sweep_emulator_dies() - is there something in these instructions that QEMU can't do?
 *
 * Wherever it begins: jumps go anywhere. Return: true if so; the INT3s alone are left then.
 */
bool sweep_emulator_dies(struct sweep_slot *slot)
{
	const uint8_t *end = slot->code + SWEEP_CODE;
	bool dies = sweep_emulator_has_iret() && has_wild_iret(slot);

	for (const uint8_t *p = slot->code; p < end && !dies; p++) {
		for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
			dies |= matches(p, end, patterns[i].bytes, patterns[i].mask, patterns[i].n);
		dies |= *p == 0xf0 && dies_of_lock(p, end);
	}
	if (dies)
		memset(slot->code, 0xcc, sizeof(slot->code));
	return dies;
}
