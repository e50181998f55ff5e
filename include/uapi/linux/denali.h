/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Denali isolation kernel: /dev/denali.
 *
 * A descriptor of /dev/denali creates and opens VMs; each VM is a descriptor of
 * its own. A VM that isn't persistent is killed and freed when its last
 * descriptor is closed.
 *
 * Every structure may grow at its end. The kernel takes a shorter one that
 * still holds all of the first version (the rest reads as 0) and a longer one
 * whose unknown tail is 0 (else E2BIG). Shorter than the first version is EINVAL.
 * Reserved fields and unknown flags must be 0 (EINVAL). An unknown request is
 * ENOTTY; a pointer that can't be read or written is EFAULT.
 *
 * poll() on a VM: EPOLLIN | EPOLLHUP once it has ended, EPOLLPRI once it is a template.
 * mmap() on a VM maps its memory from guest address = offset (MAP_SHARED only, EINVAL
 * otherwise; EOPNOTSUPP for a clone); page 0 isn't there (SIGBUS). The memory stays the
 * VM's until the last mapping is gone.
 */
#ifndef _UAPI_LINUX_DENALI_H
#define _UAPI_LINUX_DENALI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define DENALI_DEVICE		"/dev/denali"
#define DENALI_UAPI_VERSION	1

#define DENALI_NAME_SIZE	32	/* bytes, NUL included */
#define DENALI_REASON_SIZE	120	/* bytes, NUL included */
#define DENALI_CPUS_MAX		1024

/* What denali_info.cpu says of this host; denalictl check prints them. */
#define DENALI_CPU_UMIP		(1ULL << 0)	/* guests can't read GDT/IDT addresses */
#define DENALI_CPU_PCID		(1ULL << 1)
#define DENALI_CPU_FSGSBASE	(1ULL << 2)
#define DENALI_CPU_SMEP		(1ULL << 3)
#define DENALI_CPU_SMAP		(1ULL << 4)
#define DENALI_CPU_PTI		(1ULL << 5)	/* host runs with page-table isolation */
#define DENALI_CPU_LA57		(1ULL << 6)
#define DENALI_CPU_SCE_OFF	(1ULL << 7)	/* SYSCALL is shut by EFER.SCE in a slice */
/* Against speculation, each where the host does it between its own kernel and processes. */
#define DENALI_CPU_VERW		(1ULL << 8)	/* buffers cleared before a guest is entered */
#define DENALI_CPU_IBRS		(1ULL << 9)	/* IBRS set at each exit */
#define DENALI_CPU_UNTRAIN	(1ULL << 10)	/* return predictions untrained at each exit */
#define DENALI_CPU_EXIT_IBPB	(1ULL << 11)	/* IBPB at each exit */
#define DENALI_CPU_CLEAR_BHB	(1ULL << 12)	/* branch history cleared at each exit */
#define DENALI_CPU_IBPB		(1ULL << 13)	/* IBPB when a CPU changes VM or goes back to tasks */
#define DENALI_CPU_FILL_RSB	(1ULL << 14)	/* return stack filled when a CPU changes VM, or the host tasks */

/**
 * struct denali_info - DENALI_IOC_INFO
 * @uapi_version: DENALI_UAPI_VERSION
 * @abi_version:  DENALI_ABI_VERSION of the guest ABI
 * @features:     DENALI_FEATURE_* of the host interface; none yet
 * @cpu:          DENALI_CPU_*
 * @pool_bytes:   size of the memory pool
 * @pool_free:    bytes that a new VM can have
 * @pool_dirty:   bytes of @pool_free that are still being scrubbed
 * @min_memory:   least memory of a VM, bytes
 * @max_memory:   largest memory of a VM, bytes
 * @vms:          VMs that exist
 * @runners:      CPUs that run VMs
 * @quantum_us:   quantum of the scheduler in microseconds
 * @scheduler:    its name
 * @version:      of the module
 */
struct denali_info {
	__u32 uapi_version;
	__u32 abi_version;
	__u64 features;
	__u64 cpu;
	__u64 pool_bytes;
	__u64 pool_free;
	__u64 pool_dirty;
	__u64 min_memory;
	__u64 max_memory;
	__u32 vms;
	__u32 runners;
	__u32 quantum_us;
	__u32 reserved;
	char  scheduler[16];
	char  version[16];
};

/* Flags of denali_vm_create. */
#define DENALI_CREATE_PERSISTENT	(1U << 0)	/* lives until DENALI_IOC_VM_DESTROY */
#define DENALI_CREATE_WAIT		(1U << 1)	/* sleep (killably) until there is room for it */
#define DENALI_CREATE_TEMPLATE		(1U << 2)	/* stops at DENALI_HC_TEMPLATE, for VM_CLONE */
/*
 * For measuring only: what batched delivery is compared with, as in the original (OSDI 2002,
 * section 5.2). A NIC shows its frames one at a time, each with an interrupt, and the VM gives
 * up the CPU between two of them. Without it all that have come are shown at once.
 */
#define DENALI_CREATE_SYNC_IRQ		(1U << 3)

/**
 * struct denali_vm_create - DENALI_IOC_VM_CREATE: returns a VM descriptor
 * @mem_bytes: IN multiple of 4096 within denali_info's limits
 * @flags:     IN DENALI_CREATE_*
 * @reserved:  0
 * @name:      IN NUL-terminated, [A-Za-z0-9_.-]+, unique per user; empty: "vmID"
 * @id:        OUT never used again while the module is loaded
 * @tenant:    IN name of the tenant whose VM it is to be; empty: the first one that the caller
 *             is the owner of, or no tenant's if there is none. This and the following weren't in
 *             the first version
 * @priority:  IN with DENALI_CREATE_WAIT: under gate=priority who has more is admitted first, to memory and
 *             to running; not 0 needs CAP_SYS_NICE (EPERM)
 * @reserved2: 0
 *
 * With DENALI_CREATE_WAIT the VM is DENALI_VM_WAITING, for others to see, until there is room
 * for it in the pool and within its account's limits. Requests on it, by who opens it, then give EAGAIN, but
 * for STATE, and KILL and DESTROY, which make it go (ECANCELED for who waits). What can never
 * fit is refused at once.
 *
 * Errors: EINVAL (memory, flags, name), EEXIST (name), ENOMEM (memory beyond
 * the pool's size even when all is free, or kernel memory), ENOSPC (beyond
 * what is free now: see denali_info.pool_free), EINTR (while waiting), EDQUOT
 * (beyond what the tenant may have or, without one, a user: module parameters user_vms,
 * user_memory), ENOENT (no such tenant), EPERM (the tenant's owner is another one, and the
 * caller hasn't CAP_SYS_ADMIN).
 */
struct denali_vm_create {
	__u64 mem_bytes;
	__u32 flags;
	__u32 reserved;
	char  name[DENALI_NAME_SIZE];
	__u64 id;
	char  tenant[DENALI_NAME_SIZE];
	__u32 priority;
	__u32 reserved2;
};

/**
 * struct denali_vm_clone - DENALI_IOC_VM_CLONE, on a template: returns a descriptor of a new VM
 * @flags:     IN DENALI_CREATE_PERSISTENT, DENALI_CREATE_WAIT, DENALI_CREATE_SYNC_IRQ
 * @reserved:  0
 * @name:      IN as in denali_vm_create
 * @id:        OUT
 * @tenant:    IN as in denali_vm_create, whosever the template is. This and the following weren't in
 *             the first version
 * @priority:  IN as in denali_vm_create
 * @reserved2: 0
 *
 * The clone goes on where the template stopped, once it is started. It has as much memory, all
 * of it reserved from the start; pages are copied when they are first written, and until then
 * read where the template has them: its memory is free when the last clone is gone. Ports,
 * boot arguments (SETUP with entry 0; the template's without) and limits are the clone's own.
 *
 * Errors: as of DENALI_IOC_VM_CREATE; EBUSY (not a template, or not yet), ESHUTDOWN (it ended),
 * EHWPOISON (some of its memory is broken).
 */
struct denali_vm_clone {
	__u32 flags;
	__u32 reserved;
	char  name[DENALI_NAME_SIZE];
	__u64 id;
	char  tenant[DENALI_NAME_SIZE];
	__u32 priority;
	__u32 reserved2;
};

#define DENALI_MAX_CLONES	1024

/**
 * struct denali_vm_clones - DENALI_IOC_VM_CLONES, on a template: several clones, all or none; returns 0
 * @flags:  IN DENALI_CREATE_PERSISTENT, DENALI_CREATE_SYNC_IRQ. Who waited for memory while he has
 *          some could wait for ever
 * @count:  IN how many, 1..DENALI_MAX_CLONES
 * @first:  IN number of the first
 * @reserved: 0
 * @name:   IN names are this and a number, from @first on; empty: "vmID"
 * @fds:    IN user address of @count __s32, for descriptors; 0: none, persistent VMs only
 * @ids:    IN user address of @count __u64, for ids; 0: not wanted
 * @tenant: IN as in denali_vm_clone. Not in the first version
 *
 * Errors: as of DENALI_IOC_VM_CLONE, each for all of them together; EINVAL (@count, @first, a name that
 * gets too long), EMFILE (descriptors), EINTR (killed).
 */
struct denali_vm_clones {
	__u32 flags;
	__u32 count;
	__u32 first;
	__u32 reserved;
	char  name[DENALI_NAME_SIZE];
	__u64 fds;
	__u64 ids;
	char  tenant[DENALI_NAME_SIZE];
};

/**
 * struct denali_vm_open - DENALI_IOC_VM_OPEN: returns a VM descriptor
 * @id:    IN, or 0 to look for @name among the caller's VMs (with
 *         CAP_SYS_ADMIN, then among everybody's)
 * @name:  IN if @id is 0; must be empty otherwise
 *
 * Errors: ENOENT, EPERM (another user's VM, without CAP_SYS_ADMIN), EINVAL,
 * ENOTUNIQ (several other users have VMs of that name: use the id).
 */
struct denali_vm_open {
	__u64 id;
	char  name[DENALI_NAME_SIZE];
};

/**
 * struct denali_pool_set - DENALI_IOC_POOL_SET: resize the pool (CAP_SYS_ADMIN)
 * @bytes:  IN wanted size, rounded up to 2 MiB; OUT size reached
 *
 * Growing stops where the host would run short (ENOMEM), shrinking at blocks
 * that VMs use (EBUSY); @bytes then tells how far it came. EPERM; EOPNOTSUPP for
 * a pool made with pool_phys=.
 */
struct denali_pool_set {
	__u64 bytes;
	__u64 reserved;
};

/**
 * struct denali_vm_setup - DENALI_IOC_VM_SETUP: where to start and with what
 * @entry:        guest address of the first instruction; 0 for a clone
 * @cmdline_len:  bytes at @cmdline without a NUL, at most 2047
 * @cmdline:      user address of the boot arguments
 *
 * Errors: EBUSY (started already), EINVAL (entry outside memory or below
 * 0x2000; not 0 for a clone), E2BIG (boot arguments).
 */
struct denali_vm_setup {
	__u32 entry;
	__u32 cmdline_len;
	__u64 cmdline;
};

/* Flags of denali_switch_add. */
#define DENALI_SWITCH_ISOLATE	(1U << 0)	/* ports reach the uplink, not each other */

/**
 * struct denali_switch_add - DENALI_IOC_SWITCH_ADD: make a switch (CAP_NET_ADMIN)
 * @name:  IN NUL-terminated, [A-Za-z0-9_.-]+
 * @flags: IN DENALI_SWITCH_*
 * @uid:   IN who may plug VMs into it, besides CAP_NET_ADMIN
 *
 * It stays until DENALI_IOC_SWITCH_DEL, or until the module is unloaded. Errors: EPERM,
 * EINVAL (name, flags, uid), EEXIST.
 */
struct denali_switch_add {
	char  name[DENALI_NAME_SIZE];
	__u32 flags;
	__u32 uid;
};

/**
 * struct denali_switch_del - DENALI_IOC_SWITCH_DEL: delete a switch (CAP_NET_ADMIN)
 * @name:     IN of the switch
 * @flags:    0
 * @reserved: 0
 *
 * NICs that are on it lose their link and stay. Its taps are free on return. Errors: EPERM,
 * EINVAL, ENOENT.
 */
struct denali_switch_del {
	char  name[DENALI_NAME_SIZE];
	__u32 flags;
	__u32 reserved;
};

/* Roles of a switch's tap. */
#define DENALI_SWITCH_UPLINK	0	/* takes and gives frames that are for no port */
#define DENALI_SWITCH_MIRROR	1	/* takes a copy of each frame that comes into the switch */

/**
 * struct denali_switch_tap - DENALI_IOC_SWITCH_TAP: replace a tap of a switch (CAP_NET_ADMIN)
 * @name:   IN of the switch
 * @role:   IN DENALI_SWITCH_UPLINK, DENALI_SWITCH_MIRROR
 * @tap_fd: IN as in struct denali_vm_nic; -1: none
 * @flags:  IN with a tap DENALI_NIC_VNET_HDR | DENALI_NIC_OFFLOAD, else 0
 * @vnet_hdr_len: IN bytes, 10 or 12, or 0 without a tap
 *
 * The former tap is free on return. Errors: EPERM, EINVAL, ENOENT, EBADF, ENOTTY (not a
 * tap), EBUSY (a tap that is in use by the module).
 */
struct denali_switch_tap {
	char  name[DENALI_NAME_SIZE];
	__u32 role;
	__s32 tap_fd;
	__u32 flags;
	__u32 vnet_hdr_len;
};

/* What denali_tenant_set sets. */
#define DENALI_TENANT_USER	(1U << 0)
#define DENALI_TENANT_VMS	(1U << 1)
#define DENALI_TENANT_MEMORY	(1U << 2)
#define DENALI_TENANT_NICE	(1U << 3)
#define DENALI_TENANT_CPUS	(1U << 4)
#define DENALI_TENANT_RUNNABLE	(1U << 5)

/* Flags of denali_tenant_set. */
#define DENALI_TENANT_NEW	(1U << 0)	/* make it; else it must be there */

#define DENALI_TENANT_NOBODY	(~0U)

/**
 * struct denali_tenant_set - DENALI_IOC_TENANT_SET: make a tenant, or change one (CAP_SYS_ADMIN)
 * @name:     IN NUL-terminated, [A-Za-z0-9_.-]+
 * @set:      IN what to set: DENALI_TENANT_*; all else is ignored
 * @flags:    IN DENALI_TENANT_NEW
 * @uid:      IN owner: he may make VMs here, and makes no others without CAP_SYS_ADMIN;
 *            DENALI_TENANT_NOBODY, at first: there is none
 * @nice:     IN niceness of the runners, -20 to 19; at first 0
 * @vms:      IN how many VMs it may have; 0, at first: no limit
 * @runnable: IN how many of them may run at a time; likewise. One more that is started is
 *            DENALI_VM_WAITING until another one is stopped, or has ended
 * @memory:   IN bytes of memory that they may have together; likewise
 * @cpus:     IN CPUs to run on, as in denali_vm_share; at first all. While none of
 *            them is online, it runs on all that are
 *
 * A tenant's VMs are run by threads of its own, one for each of its CPUs. Linux shares the
 * CPUs among these and all else, by niceness or by the cgroups that they are in. Lower
 * limits than what there is already keep more from coming, no more. A tenant stays until
 * DENALI_IOC_TENANT_DEL, or until the module is unloaded.
 *
 * Errors: EPERM, EINVAL (name, flags, a value, no CPU that the host can have, nothing to do),
 * EEXIST (to make), ENOENT (to change), ENOMEM.
 */
struct denali_tenant_set {
	char  name[DENALI_NAME_SIZE];
	__u32 set;
	__u32 flags;
	__u32 uid;
	__s32 nice;
	__u32 vms;
	__u32 runnable;
	__u64 memory;
	__u64 cpus[DENALI_CPUS_MAX / 64];
};

/**
 * struct denali_tenant_del - DENALI_IOC_TENANT_DEL: delete a tenant (CAP_SYS_ADMIN)
 * @name:  IN of the tenant
 * @flags: 0
 * @vms:   IN 0; OUT with EBUSY: VMs that it has, one that is destroyed included as long as it
 *         is open, or its memory mapped
 *
 * Errors: EPERM, EINVAL, ENOENT, EBUSY.
 */
struct denali_tenant_del {
	char  name[DENALI_NAME_SIZE];
	__u32 flags;
	__u32 vms;
};

/* Flags of denali_vm_nic. */
#define DENALI_NIC_VNET_HDR	(1U << 0)	/* the tap has IFF_VNET_HDR */
#define DENALI_NIC_OFFLOAD	(1U << 1)	/* TUNSETOFFLOAD(TUN_F_CSUM) was done; needs VNET_HDR */
#define DENALI_NIC_SWITCH	(1U << 2)	/* onto a switch, not a tap; alone */

#define DENALI_NIC_NEW_PORT	(~0U)

/**
 * struct denali_vm_nic - DENALI_IOC_VM_NIC: plug a tap into a VM, or a VM into a switch
 * @port:   IN/OUT DENALI_NIC_NEW_PORT: a new NIC, allowed until the VM is
 *          started (EBUSY), whose number is returned. Else a NIC's port, whose tap or
 *          switch is replaced, at any time
 * @tap_fd: IN descriptor of /dev/net/tun after TUNSETIFF with IFF_TAP | IFF_NO_PI;
 *          -1 unplugs, or with DENALI_NIC_SWITCH
 * @mac:    IN unicast address of a new NIC; ignored for an existing one
 * @mtu:    IN 0: 1500. 68..1500
 * @flags:  IN DENALI_NIC_*
 * @vnet_hdr_len: IN bytes, 10 or 12, with VNET_HDR, else 0
 * @reserved: 0
 * @sw:     IN name of the switch with DENALI_NIC_SWITCH, else zeroes. Not in the first
 *          version
 *
 * Errors: EBADF, ENOTTY (not a tap), EINVAL, EBUSY, ENODEV (no such port, or not
 * a NIC), ENOSPC (all ports in use); with a switch ENOENT (there is none of that name),
 * EPERM (it is neither the caller's nor has he CAP_NET_ADMIN), EEXIST (another port of it
 * has the NIC's address).
 */
struct denali_vm_nic {
	__u32 port;
	__s32 tap_fd;
	__u8  mac[6];
	__u16 mtu;
	__u32 flags;
	__u32 vnet_hdr_len;
	__u32 reserved;
	char  sw[DENALI_NAME_SIZE];
};

/* What denali_vm_share sets. */
#define DENALI_SHARE_WEIGHT	(1U << 0)
#define DENALI_SHARE_CAP	(1U << 1)
#define DENALI_SHARE_CPUS	(1U << 2)

#define DENALI_WEIGHT_MIN	1
#define DENALI_WEIGHT_DEFAULT	100
#define DENALI_WEIGHT_MAX	10000
#define DENALI_CAP_MAX		100

/**
 * struct denali_vm_share - DENALI_IOC_VM_SHARE: how much of the CPUs a VM gets, at any time
 * @set:      IN what to change: DENALI_SHARE_*; all else is ignored
 * @weight:   IN DENALI_WEIGHT_MIN to DENALI_WEIGHT_MAX, of VMs that want the same CPU each
 *            gets time by its weight; at first DENALI_WEIGHT_DEFAULT
 * @cap:      IN percent of a CPU that it gets at most, DENALI_CAP_MAX at most; 0, at first: no cap
 * @reserved: 0
 * @cpus:     IN CPUs to run on, CPU n is bit n % 64 of cpus[n / 64]; at first all. CPUs that
 *            the host can't have don't count. A VM none of whose CPUs is online runs
 *            elsewhere until one is
 *
 * Who hasn't CAP_SYS_NICE may only lower what his VM has: a lower weight, a lower cap, fewer
 * CPUs, one of which is online at least (EPERM). Other errors: EINVAL (nothing or the unknown to
 * set, a value, no CPU that the host can have), EOPNOTSUPP (the policy has no weights), EBUSY (a
 * template, which never runs: its clones begin as any VM does), ENOMEM, ESHUTDOWN (ended).
 */
struct denali_vm_share {
	__u32 set;
	__u32 weight;
	__u32 cap;
	__u32 reserved;
	__u64 cpus[DENALI_CPUS_MAX / 64];
};

/* States of a VM. */
#define DENALI_VM_CREATED	0	/* never started */
#define DENALI_VM_RUNNING	1	/* runnable or idle */
#define DENALI_VM_STOPPED	2	/* paused by STOP; START goes on */
#define DENALI_VM_ENDED		3	/* see reason */
#define DENALI_VM_TEMPLATE	4	/* stopped for good, to be cloned */
#define DENALI_VM_WAITING	5	/* for memory, or started and waiting for its turn to run */

/* Reasons for the end of a VM. */
#define DENALI_END_NONE		0
#define DENALI_END_EXIT		1	/* DENALI_HC_EXIT: status is the guest's */
#define DENALI_END_PANIC	2	/* DENALI_HC_PANIC: text is the guest's */
#define DENALI_END_FAULT	3	/* unhandled exception or machine check: fault fields are valid */
#define DENALI_END_PROTOCOL	4	/* broke the guest ABI, e.g. a broken ring */
#define DENALI_END_KILLED	5	/* DENALI_IOC_VM_KILL or last descriptor closed */

/**
 * struct denali_vm_state - DENALI_IOC_VM_STATE
 * @id:       of the VM
 * @mem_bytes: its memory
 * @state:    DENALI_VM_*
 * @reason:   DENALI_END_*
 * @status:   exit status if DENALI_END_EXIT
 * @flags:    DENALI_CREATE_* that it was made with
 * @uid:      owner
 * @vector:   x86 vector of the fault (DENALI_END_FAULT; else this and what
 *            follows are the registers at the end)
 * @error_code: x86 error code
 * @fault_addr: CR2 of a page fault
 * @eip: ... @eflags: guest registers when it ended
 * @run_ns:   CPU time used
 * @name:     NUL-terminated
 * @text:     reason in words, NUL-terminated, printable
 */
struct denali_vm_state {
	__u64 id;
	__u64 mem_bytes;
	__u32 state;
	__u32 reason;
	__s32 status;
	__u32 flags;
	__u32 uid;
	__u32 vector;
	__u32 error_code;
	__u32 fault_addr;
	__u32 eip;
	__u32 esp;
	__u32 eax;
	__u32 ebx;
	__u32 ecx;
	__u32 edx;
	__u32 esi;
	__u32 edi;
	__u32 ebp;
	__u32 eflags;
	__u64 run_ns;
	char  name[DENALI_NAME_SIZE];
	char  text[DENALI_REASON_SIZE];
};

#define DENALI_IOC_MAGIC	0xDA

/* On /dev/denali. */
#define DENALI_IOC_INFO		_IOR(DENALI_IOC_MAGIC, 0x00, struct denali_info)
#define DENALI_IOC_VM_CREATE	_IOWR(DENALI_IOC_MAGIC, 0x01, struct denali_vm_create)
#define DENALI_IOC_VM_OPEN	_IOW(DENALI_IOC_MAGIC, 0x02, struct denali_vm_open)
#define DENALI_IOC_POOL_SET	_IOWR(DENALI_IOC_MAGIC, 0x03, struct denali_pool_set)
#define DENALI_IOC_SWITCH_ADD	_IOW(DENALI_IOC_MAGIC, 0x20, struct denali_switch_add)
#define DENALI_IOC_SWITCH_DEL	_IOW(DENALI_IOC_MAGIC, 0x21, struct denali_switch_del)
#define DENALI_IOC_SWITCH_TAP	_IOW(DENALI_IOC_MAGIC, 0x22, struct denali_switch_tap)
#define DENALI_IOC_TENANT_SET	_IOW(DENALI_IOC_MAGIC, 0x30, struct denali_tenant_set)
#define DENALI_IOC_TENANT_DEL	_IOWR(DENALI_IOC_MAGIC, 0x31, struct denali_tenant_del)

/* On a VM. */
#define DENALI_IOC_VM_SETUP	_IOW(DENALI_IOC_MAGIC, 0x10, struct denali_vm_setup)
/**
 * DENALI_IOC_VM_START - run, or go on after STOP
 *
 * One of a tenant that has as many running as it may (denali_tenant_set.runnable) waits for its turn:
 * DENALI_VM_WAITING. EINVAL: no SETUP yet; EALREADY; EBUSY: a template; ESHUTDOWN: ended.
 */
#define DENALI_IOC_VM_START	_IO(DENALI_IOC_MAGIC, 0x11)
/**
 * DENALI_IOC_VM_STOP - take it off the CPU; returns when it is off
 *
 * EINVAL: not started; EALREADY; EBUSY: a template; ESHUTDOWN: ended.
 */
#define DENALI_IOC_VM_STOP	_IO(DENALI_IOC_MAGIC, 0x12)
/** DENALI_IOC_VM_KILL - end it; returns when it is off the CPU. ESHUTDOWN: ended already. */
#define DENALI_IOC_VM_KILL	_IO(DENALI_IOC_MAGIC, 0x13)
#define DENALI_IOC_VM_STATE	_IOR(DENALI_IOC_MAGIC, 0x14, struct denali_vm_state)
/**
 * DENALI_IOC_VM_DESTROY - kill it, take it out of the lists and give up the
 * persistent reference. Other requests on its descriptors then give ESHUTDOWN, but
 * for STATE; its memory is free when the last descriptor and mapping are gone.
 */
#define DENALI_IOC_VM_DESTROY	_IO(DENALI_IOC_MAGIC, 0x15)
#define DENALI_IOC_VM_NIC	_IOWR(DENALI_IOC_MAGIC, 0x16, struct denali_vm_nic)
/**
 * DENALI_IOC_VM_CONSOLE - returns a descriptor of the console
 *
 * read(): what the guest printed; blocks unless O_NONBLOCK; 0 after the VM has ended
 * and all is read. write(): input for the guest; takes what fits. poll() works.
 * While a console descriptor is open, a full buffer makes the guest's output wait;
 * otherwise the oldest output is dropped.
 */
#define DENALI_IOC_VM_CONSOLE	_IO(DENALI_IOC_MAGIC, 0x17)
#define DENALI_IOC_VM_CLONE	_IOWR(DENALI_IOC_MAGIC, 0x18, struct denali_vm_clone)
#define DENALI_IOC_VM_SHARE	_IOW(DENALI_IOC_MAGIC, 0x19, struct denali_vm_share)
/**
 * DENALI_IOC_VM_RESET - make a clone what it was when it was cloned
 *
 * One that runs is taken off the CPU, one that has ended lives again; it is DENALI_VM_CREATED then,
 * with its template's memory, registers, clock and alarm, and counters at 0: SETUP and START
 * as of a new clone. Name, id, share, descriptors, boot arguments and NICs, with their taps and addresses,
 * are kept, but for the taps that it let go when it ended (DENALI_IOC_VM_NIC plugs others). What waited
 * for it (console input, frames in a tap) and output that nobody has read are dropped; not so
 * what still waits in a switch's uplink, which is all ports'. A switch forgets which IP addresses
 * it had. Takes as long as there are pages that it had written to.
 *
 * EINVAL: not a clone; EBUSY: a template; ESHUTDOWN: destroyed; EHWPOISON: some of its memory is broken.
 */
#define DENALI_IOC_VM_RESET	_IO(DENALI_IOC_MAGIC, 0x1a)
#define DENALI_IOC_VM_CLONES	_IOW(DENALI_IOC_MAGIC, 0x1b, struct denali_vm_clones)
/** DENALI_IOC_VM_RESTART - RESET and START at once, with the boot arguments that it has; errors as of RESET */
#define DENALI_IOC_VM_RESTART	_IO(DENALI_IOC_MAGIC, 0x1c)

#endif /* _UAPI_LINUX_DENALI_H */
