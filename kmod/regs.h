/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The registers of a guest as the switcher saves them. Offsets are in
 * switch_layout.h; block.c asserts that the two agree.
 */
#ifndef DN_REGS_H
#define DN_REGS_H

#include <linux/types.h>

/**
 * struct dn_regs - what of a guest's state is not in memory or the XSAVE area
 * @vector: why it left: x86 vector of the interrupt or exception
 * @error:  error code, 0 if the vector has none
 * @ip: ... @ss: as the CPU pushes them; together @frame
 * @ax: ... @gs: 32-bit registers and segment selectors; together @gpr
 *
 * A guest has no r8 to r15: they aren't reachable from 32-bit code, and are zero
 * while it runs.
 */
struct dn_regs {
	u64 vector;
	u64 error;
	union {
		struct {
			u64 ip;
			u64 cs;
			u64 flags;
			u64 sp;
			u64 ss;
		};
		u64 frame[5];
	};
	u64 pad;
	union {
		struct {
			u32 ax;
			u32 cx;
			u32 dx;
			u32 bx;
			u32 bp;
			u32 si;
			u32 di;
			u16 ds;
			u16 es;
			u16 fs;
			u16 gs;
			u32 pad2;
		};
		u64 gpr[5];
	};
};

#endif /* DN_REGS_H */
