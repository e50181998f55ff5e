/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Denali guest ABI: guest memory map and virtual registers.
 *
 *	0x00000000  not mapped: null pointers fault
 *	0x00001000  struct denali_vregs, one page
 *	0x00002000  the image, then free memory up to mem_size
 *
 * Virtual registers are plain memory, read and written without a trap. The
 * host writes only while the guest isn't running, so a uniprocessor guest
 * needs no atomic instructions; a sequence that the host must not split (the
 * clock) carries a sequence number that changes whenever the host has written.
 *
 * "H" fields are written by the host: what a guest stores there harms only
 * the guest and may be overwritten. "G" fields are written by the guest.
 *
 * The VM starts at the entry point of its image with ESP = mem_size - 16, all
 * other general registers 0, flat CS/DS/ES/SS, null FS and GS, irq_enabled = 0
 * and the FPU in its initial state.
 */
#ifndef DENALI_VREGS_H
#define DENALI_VREGS_H

#define DENALI_PAGE_SIZE	0x1000
#define DENALI_VREGS_ADDR	0x1000
#define DENALI_IMAGE_MIN_ADDR	0x2000
#define DENALI_MIN_MEMORY	0x4000		/* 16 KiB */
#define DENALI_MAX_MEMORY	0xc0000000ULL	/* 3 GiB */

#define DENALI_VREGS_MAGIC	0x494c4e44	/* "DNLI" */

/* Interrupts: bits of irq_pending and irq_mask. */
#define DENALI_IRQ_TIMER	0	/* the alarm set by DENALI_HC_TIMER */
#define DENALI_IRQ_RUN_TIMER	1	/* the alarm set by DENALI_HC_RUN_TIMER */
#define DENALI_IRQ_PORT0	8	/* port n raises DENALI_IRQ_PORT0 + n */

#define DENALI_MAX_PORTS	16
#define DENALI_CMDLINE_SIZE	2048
#define DENALI_TSC_SHIFT	24

/* Byte offsets for assembly. */
#define DENALI_VREG_IRQ_ENABLED	64
#define DENALI_VREG_IRQ_PENDING	68
#define DENALI_VREG_IRQ_MASK	72
#define DENALI_VREG_EXC_ACTIVE	128
#define DENALI_VREG_EXC_EAX	168

#ifndef __ASSEMBLER__
#include <denali/types.h>

/**
 * struct denali_port_info - what is plugged into a port (all H)
 * @type:     DENALI_PORT_* (ring.h); 0: nothing
 * @state:    DENALI_PORT_UP when the back end is there
 * @features: DENALI_NIC_F_* for a NIC
 * @mtu:      NIC: largest payload of a frame, Ethernet header excluded
 * @mac:      NIC: its address; frames with another source are dropped
 * @changes:  counts what has been plugged in since the VM started: when it moves on, another
 *              network may be behind, however short the port was down in between
 */
struct denali_port_info {
	uint32_t type;
	uint32_t state;
	uint32_t features;
	uint32_t mtu;
	uint8_t  mac[6];
	uint8_t  reserved0[2];
	uint32_t changes;
	uint8_t  reserved[4];
};

/**
 * struct denali_vregs - virtual-register page at DENALI_VREGS_ADDR
 *
 * @magic:         H DENALI_VREGS_MAGIC
 * @abi_version:   H DENALI_ABI_VERSION of the host
 * @features:      H DENALI_FEATURE_* of the host
 * @mem_size:      H bytes of memory from address 0; the segments' limit + 1
 * @cpu_khz:       H CPU speed in kHz
 * @nr_ports:      H ports 0..nr_ports-1 may be in use
 *
 * @irq_enabled:   G 1: upcalls may be delivered. The host clears it when it
 *                   delivers one.
 * @irq_pending:   both: the host sets bits, the guest clears them (a single
 *                   read-modify-write instruction such as XCHG or BTR).
 *                   After setting irq_enabled a guest must look at it again:
 *                   the host delivers only when it enters the guest.
 * @irq_mask:      G 1 bits neither cause an upcall nor end an idle.
 * @upcall_entry:  G handler address; 0: no upcalls.
 *
 * The clock: ns = time_base + (((tsc - tsc_base) * tsc_mul) >> DENALI_TSC_SHIFT), tsc by
 * RDTSC. Nanoseconds since the VM was first started, by the host's
 * CLOCK_MONOTONIC; it goes on while the VM waits or is stopped. The base is renewed
 * whenever the VM is scheduled in: read clock_seq before and after.
 *
 * @clock_seq:     H changes when any of the clock fields did
 * @tsc_mul:       H
 * @tsc_base:      H
 * @time_base:     H ns
 * @wall_base:     H ns to add to the guest clock for time since 1970 (UTC)
 * @steal_ns:      H ns in which the VM was runnable but did not run
 * @run_ns:        H ns in which the VM ran (virtual time), up to time_base
 *
 * Exceptions. If exc_entry is set and exc_active is 0, a fault of the guest
 * sets the fields below, exc_active = 1, irq_enabled = 0 and goes to exc_entry
 * with ESP = exc_stack (or the faulting ESP if exc_stack is 0); all other
 * registers are as they were. A fault while exc_active is set, or without
 * exc_entry, ends the VM.
 *
 * @exc_entry:     G handler address; 0: a fault ends the VM
 * @exc_stack:     G
 * @exc_active:    both
 * @exc_vector:    H x86 vector
 * @exc_error:     H x86 error code, 0 if the vector has none
 * @exc_addr:      H faulting address of a page fault (vector 14)
 * @exc_eip:       H and G: where DENALI_HC_EXC_RETURN goes on
 * @exc_esp:       same
 * @exc_eflags:    same
 * @exc_irq_enabled: same
 * @exc_eax:       same
 *
 * @ports:         H
 * @cmdline:       H boot arguments, NUL-terminated
 *
 * Upcall: with irq_enabled set and irq_pending & ~irq_mask not 0, the host
 * pushes EIP and then EFLAGS on the guest's stack (what POPF and RET take), clears
 * irq_enabled and the flags TF, DF, NT and AC and goes to upcall_entry; all other
 * registers are as they were. A stack that can't take the 8 bytes ends the VM.
 * However many interrupts are pending there is one upcall: batched and
 * asynchronous (OSDI 2002, section 3.2).
 */
struct denali_vregs {
	uint32_t magic;			/* 0 */
	uint32_t abi_version;
	uint64_t features;		/* 8 */
	uint64_t mem_size;		/* 16 */
	uint32_t cpu_khz;		/* 24 */
	uint32_t nr_ports;
	uint32_t reserved0[8];		/* 32 */

	uint32_t irq_enabled;		/* 64 */
	uint32_t irq_pending;
	uint32_t irq_mask;
	uint32_t upcall_entry;
	uint32_t clock_seq;		/* 80 */
	uint32_t tsc_mul;
	uint64_t tsc_base;		/* 88 */
	uint64_t time_base;		/* 96 */
	uint64_t wall_base;		/* 104 */
	uint64_t steal_ns;		/* 112 */
	uint64_t run_ns;		/* 120 */

	uint32_t exc_active;		/* 128 */
	uint32_t exc_entry;
	uint32_t exc_stack;
	uint32_t exc_vector;
	uint32_t exc_error;		/* 144 */
	uint32_t exc_addr;
	uint32_t exc_eip;
	uint32_t exc_esp;
	uint32_t exc_eflags;		/* 160 */
	uint32_t exc_irq_enabled;
	uint32_t exc_eax;		/* 168 */
	uint32_t reserved1[21];

	struct denali_port_info ports[DENALI_MAX_PORTS];	/* 256 */
	uint8_t  reserved2[1280];	/* 768 */
	char     cmdline[DENALI_CMDLINE_SIZE];			/* 2048 */
};

DENALI_ASSERT(sizeof(struct denali_port_info) == 32, port_info_size);
DENALI_ASSERT(sizeof(struct denali_vregs) == DENALI_PAGE_SIZE, vregs_size);
DENALI_ASSERT(offsetof(struct denali_vregs, irq_enabled) == DENALI_VREG_IRQ_ENABLED, vregs_irq_enabled);
DENALI_ASSERT(offsetof(struct denali_vregs, irq_pending) == DENALI_VREG_IRQ_PENDING, vregs_irq_pending);
DENALI_ASSERT(offsetof(struct denali_vregs, irq_mask) == DENALI_VREG_IRQ_MASK, vregs_irq_mask);
DENALI_ASSERT(offsetof(struct denali_vregs, tsc_base) == 88, vregs_tsc_base);
DENALI_ASSERT(offsetof(struct denali_vregs, exc_active) == DENALI_VREG_EXC_ACTIVE, vregs_exc_active);
DENALI_ASSERT(offsetof(struct denali_vregs, exc_eax) == DENALI_VREG_EXC_EAX, vregs_exc_eax);
DENALI_ASSERT(offsetof(struct denali_vregs, ports) == 256, vregs_ports);
DENALI_ASSERT(offsetof(struct denali_vregs, cmdline) == 2048, vregs_cmdline);

#ifndef __KERNEL__
/* The page as a guest has it. */
#define DENALI_VREGS ((volatile struct denali_vregs *)DENALI_VREGS_ADDR)
#endif
#endif /* !__ASSEMBLER__ */

#endif /* DENALI_VREGS_H */
