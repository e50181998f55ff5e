/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Layout of a CPU's block and of the page behind it, which is the VM's own (struct
 * dn_page0), for C and assembly; see block.h. block.c asserts that it agrees.
 *
 * DN_B_REGS is the first word of struct dn_regs. TSS.RSP0 points behind
 * regs.ss, so that the CPU itself saves the guest's frame in place. It must be
 * 16-byte aligned: then a fault on the switcher's own IRETQ, which the CPU
 * pushes below regs.ip, lands at a fixed place too (DN_B_NESTED).
 */
#ifndef DN_SWITCH_LAYOUT_H
#define DN_SWITCH_LAYOUT_H

#define DN_B_PAGE0	0x1000
#define DN_B_NESTED	(DN_B_PAGE0 + 0xf58)	/* vector word of a fault inside the switcher */
#define DN_B_SCRATCH	(DN_B_PAGE0 + 0xf40)
#define DN_B_REGS	(DN_B_PAGE0 + 0xf88)
#define DN_B_FRAME	(DN_B_REGS + 16)
#define DN_B_RSP0	(DN_B_FRAME + 40)
#define DN_B_AX		(DN_B_REGS + 64)
#define DN_B_CX		(DN_B_AX + 4)
#define DN_B_DX		(DN_B_AX + 8)
#define DN_B_BX		(DN_B_AX + 12)
#define DN_B_BP		(DN_B_AX + 16)
#define DN_B_SI		(DN_B_AX + 20)
#define DN_B_DI		(DN_B_AX + 24)
#define DN_B_DS		(DN_B_AX + 28)
#define DN_B_ES		(DN_B_AX + 30)
#define DN_B_FS		(DN_B_AX + 32)
#define DN_B_GS		(DN_B_AX + 34)

#define DN_B_HOST_RSP	0x100
#define DN_B_HOST_CR3	0x108
#define DN_B_GUEST_CR3	0x110
#define DN_B_GUEST_CR3_TOP (DN_B_GUEST_CR3 + 7)	/* its last byte */
#define DN_B_HOST_GSBASE 0x118
#define DN_B_CR3_KEEP	0x120	/* CR3's no-flush bit if CR4.PCIDE is set */
#define DN_B_NMI	0x128	/* an NMI hit: DN_HIT_SWITCHER or DN_HIT_GUEST */
#define DN_B_MCE	0x12c
#define DN_B_FATAL	0x130	/* RIP of a fault that the switcher doesn't expect */
#define DN_B_VERW_SEL	0x138	/* a data selector for VERW */

#define DN_HIT_SWITCHER	1
#define DN_HIT_GUEST	2

/* Tops of the stacks that nothing a guest can trigger shares. */
#define DN_B_STACK_NMI	0x600
#define DN_B_STACK_MCE	0xa00
#define DN_B_STACK_DF	0xe00

/* CR3's bit by which a write to it keeps the translations of its tag, in that byte. */
#define DN_CR3_TOP_KEEP	0x80

/* IST numbers in the guest-view TSS. */
#define DN_IST_NMI	1
#define DN_IST_MCE	2
#define DN_IST_DF	3

/* Bytes of one entry stub. */
#define DN_STUB_SIZE	16

#endif /* DN_SWITCH_LAYOUT_H */
