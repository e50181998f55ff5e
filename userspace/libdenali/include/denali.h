/* SPDX-License-Identifier: MIT */
/*
 * libdenali: VMs of the Denali isolation kernel from user space.
 *
 * The kernel's own interface is <linux/denali.h>; this library adds what needs
 * no ring 0: it reads images, makes taps and joins them to bridges, speaks
 * generic netlink for lists, counters and events, and turns every error into a
 * sentence that names the object, the value, the limit and the way out.
 *
 * Functions that return int return 0 or a descriptor (never negative) on success
 * and a negative errno value on failure; functions that return a pointer return NULL
 * on failure. Both then fill @err, which may be NULL. Nothing here prints, keeps
 * global state or starts threads; one object is for one thread at a time.
 * Descriptors are close-on-exec.
 */
#ifndef DENALI_LIB_H
#define DENALI_LIB_H

#include <stddef.h>
#include <stdint.h>
#include <linux/denali.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DENALI_ERROR_SIZE	512

/**
 * struct denali_error - what went wrong
 * @code:    positive errno value; 0: no error yet
 * @message: one line without a final newline, printable
 */
struct denali_error {
	int  code;
	char message[DENALI_ERROR_SIZE];
};

/** denali_lib_version() - version of this library, e.g. "1.0" */
const char *denali_lib_version(void);

#define DENALI_SIZE_TEXT	32

/**
 * denali_size_parse() - read a size such as 4096, 256K, 2M or 1G
 * @text:  number with an optional suffix K, M or G (powers of 1024; a further
 *         "iB" or "B" is allowed)
 * @bytes: result
 *
 * Errors: EINVAL, ERANGE.
 */
int denali_size_parse(const char *text, uint64_t *bytes, struct denali_error *err);

/**
 * denali_size_format() - write a size exactly, in the largest unit that divides it
 * @buf: at least DENALI_SIZE_TEXT bytes
 *
 * Returns @buf.
 */
char *denali_size_format(char *buf, uint64_t bytes);

/** denali_mac_parse() - read "02:00:00:aa:bb:cc"; EINVAL unless a unicast address */
int denali_mac_parse(const char *text, uint8_t mac[6], struct denali_error *err);

/** denali_cpus_parse() - read a list of CPUs such as "0-3,8", or "all". EINVAL */
int denali_cpus_parse(const char *text, uint64_t cpus[DENALI_CPUS_MAX / 64],
		      struct denali_error *err);

/** denali_cpus_format() - write such a list, as much as fits. Returns @buf. */
char *denali_cpus_format(char *buf, size_t size, const uint64_t cpus[DENALI_CPUS_MAX / 64]);

/* ---- The device ---- */

/**
 * denali_dev_open() - open /dev/denali
 *
 * Returns a descriptor for the functions below; close() it when the last VM
 * handle made with it is closed. Errors: ENOENT (module not loaded), EACCES.
 */
int denali_dev_open(struct denali_error *err);

/** denali_dev_info() - ABI versions, pool, limits and scheduler of the module */
int denali_dev_info(int dev, struct denali_info *info, struct denali_error *err);

/**
 * denali_dev_pool_set() - resize the memory pool (CAP_SYS_ADMIN)
 * @bytes:   wanted size; the kernel rounds up to 2 MiB
 * @reached: size afterwards, on failure as well; may be NULL
 *
 * Errors: EPERM, ENOMEM (host runs short), EBUSY (VMs in the way), EOPNOTSUPP.
 */
int denali_dev_pool_set(int dev, uint64_t bytes, uint64_t *reached, struct denali_error *err);

/* ---- Images ---- */

struct denali_image;

/**
 * struct denali_image_info - what an image says of itself
 * @entry:       guest address of the first instruction
 * @end:         first guest address behind its segments
 * @abi_version: guest ABI version that it was built for
 * @devices:     DENALI_WANT_* of <denali/image.h>
 * @min_memory:  least memory of its VM, bytes
 * @def_memory:  memory that its VM gets if nobody says otherwise, bytes
 * @segments:    number of segments
 */
struct denali_image_info {
	uint32_t entry;
	uint32_t end;
	uint32_t abi_version;
	uint32_t devices;
	uint32_t min_memory;
	uint32_t def_memory;
	uint32_t segments;
};

/**
 * denali_image_open() - read and check an image
 * @path: static ELF32 executable for EM_386 with a Denali note
 *
 * Everything that can be known without a VM is checked here. Errors: those of
 * open() and read(), ENOEXEC (not a Denali image; the message says why),
 * EPROTONOSUPPORT (other ABI version), EFBIG.
 */
struct denali_image *denali_image_open(const char *path, struct denali_error *err);

/**
 * denali_image_parse() - the same from memory
 * @data: the file; must stay until denali_image_free()
 * @size: its bytes
 * @name: for messages
 */
struct denali_image *denali_image_parse(const void *data, size_t size, const char *name,
					struct denali_error *err);

/** denali_image_get_info() - valid as long as the image */
const struct denali_image_info *denali_image_get_info(const struct denali_image *image);

/**
 * denali_image_fits() - can the image run with this memory and this many NICs?
 * @mem_bytes: memory of the VM; 0: not decided yet
 * @nics:      number of NICs that the VM will have
 *
 * Errors: ENOSPC (memory), ENODEV (wants a NIC and there is none).
 */
int denali_image_fits(const struct denali_image *image, uint64_t mem_bytes, unsigned int nics,
		      struct denali_error *err);

/**
 * denali_image_copy() - copy the segments into memory
 * @mem:       address of guest address @base
 * @base:      guest address where @mem starts, at most DENALI_IMAGE_MIN_ADDR
 * @size:      bytes at @mem, which must be 0 before: what an image leaves
 *             uninitialised is not written
 *
 * Errors: ENOSPC.
 */
int denali_image_copy(const struct denali_image *image, void *mem, uint32_t base, uint64_t size,
		      struct denali_error *err);

void denali_image_free(struct denali_image *image);

/* ---- VMs ---- */

struct denali_vm;

/**
 * denali_vm_create() - make a VM
 * @dev:       from denali_dev_open(); must stay open as long as the handle
 * @name:      [A-Za-z0-9_.-], at most 31 characters, not digits only (those are ids);
 *             NULL or empty: "vmID"
 * @mem_bytes: multiple of 4096 within denali_info's limits
 * @flags:     DENALI_CREATE_*
 *
 * Errors: EINVAL, EEXIST (name), ENOMEM (more than the whole pool), ENOSPC (more
 * than is free; the message says how much is), EINTR.
 */
struct denali_vm *denali_vm_create(int dev, const char *name, uint64_t mem_bytes,
				   unsigned int flags, struct denali_error *err);

/**
 * struct denali_admission - on whose account a VM is made
 * @tenant:   its name; NULL: the first one that the caller is the owner of, or none's
 * @priority: with DENALI_CREATE_WAIT, among those that wait under gate=priority: the greatest
 *            is admitted first. Not 0 needs CAP_SYS_NICE
 */
struct denali_admission {
	const char *tenant;
	uint32_t priority;
};

/**
 * denali_vm_create_as() - as denali_vm_create(), with @adm
 *
 * Errors: those; ENOENT (no such tenant), EPERM (another user's), EDQUOT (the message says which
 * limit it is).
 */
struct denali_vm *denali_vm_create_as(int dev, const char *name, uint64_t mem_bytes,
				      unsigned int flags, const struct denali_admission *adm,
				      struct denali_error *err);

/**
 * denali_vm_clone() - make a VM that goes on where a template stopped
 * @template: made with DENALI_CREATE_TEMPLATE, and a template by now
 * @name:     as for denali_vm_create()
 * @flags:    DENALI_CREATE_PERSISTENT, DENALI_CREATE_WAIT
 *
 * Give it boot arguments by denali_vm_setup() with entry 0, NICs by denali_nic_plug(), and
 * start it. Errors: as for denali_vm_create(); EBUSY (not a template, or not yet), ESHUTDOWN,
 * EHWPOISON (some of its memory is broken).
 */
struct denali_vm *denali_vm_clone(struct denali_vm *template, const char *name,
				  unsigned int flags, struct denali_error *err);

/**
 * denali_vm_clone_many() - make several clones, all or none
 * @template: as for denali_vm_clone()
 * @name:  what their names begin with, not digits only, a number follows; NULL or empty: "vmID"
 * @first: number of the first
 * @count: how many, at most DENALI_MAX_CLONES
 * @flags: DENALI_CREATE_PERSISTENT or 0
 * @vms:   OUT @count handles
 *
 * Errors: as of denali_vm_clone(); EMFILE: each handle is a descriptor, which RLIMIT_NOFILE limits.
 */
int denali_vm_clone_many(struct denali_vm *template, const char *name, unsigned int first,
			 unsigned int count, unsigned int flags, struct denali_vm **vms,
			 struct denali_error *err);

/** denali_vm_clone_as(), denali_vm_clone_many_as() - the same, with denali_vm_create_as()'s @adm */
struct denali_vm *denali_vm_clone_as(struct denali_vm *template, const char *name,
				     unsigned int flags, const struct denali_admission *adm,
				     struct denali_error *err);
int denali_vm_clone_many_as(struct denali_vm *template, const char *name, unsigned int first,
			    unsigned int count, unsigned int flags,
			    const struct denali_admission *adm, struct denali_vm **vms,
			    struct denali_error *err);

/**
 * denali_vm_open() - a VM that exists
 * @who: its name, or its id in digits
 *
 * Errors: ENOENT, EPERM (another user's), ENOTUNIQ, EINVAL.
 */
struct denali_vm *denali_vm_open(int dev, const char *who, struct denali_error *err);

/** denali_vm_close() - close the handle; a VM that isn't persistent ends with its last one */
void denali_vm_close(struct denali_vm *vm);

/** denali_vm_fd() - its descriptor, for poll(); readable once the VM has ended */
int denali_vm_fd(const struct denali_vm *vm);
uint64_t denali_vm_id(const struct denali_vm *vm);
const char *denali_vm_name(const struct denali_vm *vm);

/**
 * denali_vm_map() - map guest memory
 * @base: guest address, multiple of 4096 and not 0
 * @size: bytes
 *
 * Returns an address to munmap(), or NULL. The memory stays the VM's as long
 * as it is mapped.
 */
void *denali_vm_map(struct denali_vm *vm, uint32_t base, size_t size, struct denali_error *err);

/** denali_vm_load() - check that the image fits (but for NICs) and copy it in */
int denali_vm_load(struct denali_vm *vm, const struct denali_image *image,
		   struct denali_error *err);

/**
 * denali_vm_setup() - entry point and boot arguments
 * @entry:   guest address; 0 for a clone
 * @cmdline: boot arguments, at most 2047 bytes; NULL: none
 *
 * Errors: EBUSY (started already), EINVAL, E2BIG.
 */
int denali_vm_setup(struct denali_vm *vm, uint32_t entry, const char *cmdline,
		    struct denali_error *err);

/** denali_vm_start() - run, or go on after denali_vm_stop(). EINVAL, EALREADY, ESHUTDOWN */
int denali_vm_start(struct denali_vm *vm, struct denali_error *err);
/** denali_vm_stop() - pause; it is off the CPU on return. EINVAL, EALREADY, ESHUTDOWN */
int denali_vm_stop(struct denali_vm *vm, struct denali_error *err);
/** denali_vm_kill() - end it; its state stays readable. ESHUTDOWN: has ended */
int denali_vm_kill(struct denali_vm *vm, struct denali_error *err);
/** denali_vm_destroy() - kill it and give up the persistent reference. ESHUTDOWN */
int denali_vm_destroy(struct denali_vm *vm, struct denali_error *err);

/**
 * denali_vm_set_share() - how much of the CPUs it gets, at any time
 * @share: what share->set names: weight, cap, CPUs
 *
 * Without CAP_SYS_NICE only less than it has. Errors: EINVAL, EPERM, EOPNOTSUPP (no
 * weights under round robin), EBUSY (a template), ENOMEM, ESHUTDOWN.
 */
int denali_vm_set_share(struct denali_vm *vm, const struct denali_vm_share *share,
			struct denali_error *err);

/**
 * denali_vm_reset() - make a clone what it was when it was cloned, to be set up and started anew
 *
 * One that runs is stopped, one that has ended lives again, without the taps that it let go.
 * Errors: EINVAL (no clone), EBUSY (a template), ESHUTDOWN (destroyed), EHWPOISON.
 */
int denali_vm_reset(struct denali_vm *vm, struct denali_error *err);

/** denali_vm_restart() - denali_vm_reset() and denali_vm_start() at once, with the arguments that it has */
int denali_vm_restart(struct denali_vm *vm, struct denali_error *err);

/** denali_vm_get_state() - state, reason for its end and registers */
int denali_vm_get_state(struct denali_vm *vm, struct denali_vm_state *state,
			struct denali_error *err);

/**
 * denali_vm_wait() - wait for its end
 * @timeout_ms: -1: for ever
 * @state:      filled in when it has ended; may be NULL
 *
 * Errors: ETIMEDOUT, EINTR.
 */
int denali_vm_wait(struct denali_vm *vm, int timeout_ms, struct denali_vm_state *state,
		   struct denali_error *err);

/**
 * denali_vm_wait_template() - wait until it is a template
 * @timeout_ms: -1: for ever
 * @wake_fd:    a descriptor that ends the wait when it can be read, or -1
 *
 * Errors: ETIMEDOUT, EINTR (@wake_fd as well), ESHUTDOWN (it ended; see denali_vm_get_state()).
 */
int denali_vm_wait_template(struct denali_vm *vm, int timeout_ms, int wake_fd,
			    struct denali_error *err);

/**
 * denali_vm_console() - descriptor of its console
 *
 * While it is open, a guest whose output nobody reads waits: read or close it.
 */
int denali_vm_console(struct denali_vm *vm, struct denali_error *err);

/** denali_vm_state_name() - "created", "running", "stopped", "ended", "template" */
const char *denali_vm_state_name(unsigned int state);
/** denali_vm_reason_name() - "none", "exit", "panic", "fault", "protocol", "killed" */
const char *denali_vm_reason_name(unsigned int reason);
/** denali_vector_name() - x86 exception in words, e.g. "page fault" */
const char *denali_vector_name(unsigned int vector);

/* ---- NICs: taps and bridges of the caller's network namespace ---- */

struct denali_nic;

#define DENALI_TAP_UP		0x1	/* set an existing tap up if it is down */

/**
 * struct denali_nic_config - a NIC to be
 * @tap:    name of the interface. One that exists must be a tap that nobody
 *          uses (`ip tuntap`); else it is made, and set up. NULL with @sw
 * @bridge: bridge that the tap joins, or NULL
 * @mac:    address of the guest's NIC; NULL: a random locally administered one
 * @flags:  DENALI_TAP_*
 * @sw:     name of a switch, instead of @tap, @bridge and @flags; or NULL
 */
struct denali_nic_config {
	const char    *tap;
	const char    *bridge;
	const uint8_t *mac;
	unsigned int   flags;
	const char    *sw;
};

/**
 * struct denali_nic_info - a NIC that is
 * @tap:         name of the interface
 * @bridge:      bridge that it is a port of, or empty
 * @mac:         address of the guest's NIC
 * @ifindex:     of the tap
 * @mtu:         of the NIC
 * @made:        1 if the tap was made here: it goes with its last holder
 * @bridge_down: 1 if the bridge isn't up, so that nothing passes yet
 * @sw:          name of the switch that it is on, or empty; then there is no tap
 */
struct denali_nic_info {
	char     tap[16];
	char     bridge[16];
	uint8_t  mac[6];
	uint16_t mtu;
	uint32_t ifindex;
	int      made;
	int      bridge_down;
	char     sw[DENALI_NAME_SIZE];
};

/**
 * denali_nic_open() - get a tap ready for a VM, or for a switch
 *
 * On failure everything is as it was before. A switch is looked for when the NIC is
 * plugged in. Errors: EINVAL (names, address),
 * ENODEV (no such bridge), ENOTTY (not a tap, or not a bridge), ENETDOWN (tap is
 * down), EBUSY (tap is used, or on another bridge), EPERM, ENOENT (no
 * /dev/net/tun).
 */
struct denali_nic *denali_nic_open(const struct denali_nic_config *config,
				   struct denali_error *err);

const struct denali_nic_info *denali_nic_get_info(const struct denali_nic *nic);

/**
 * denali_nic_plug() - plug it into a VM
 * @port: IN DENALI_NIC_NEW_PORT (only before the VM is started), or a NIC's port
 *        to replace its tap; OUT the port
 *
 * The VM then holds the tap. Errors: EBUSY (started), ENODEV, ENOSPC; of a switch ENOENT,
 * EPERM (another user's), EEXIST (the address is another NIC's there).
 */
int denali_nic_plug(struct denali_nic *nic, struct denali_vm *vm, uint32_t *port,
		    struct denali_error *err);

/** denali_nic_unplug() - take the tap out of a VM's NIC; the NIC stays, without a link */
int denali_nic_unplug(struct denali_vm *vm, uint32_t port, struct denali_error *err);

/** denali_nic_keep() - what was changed on the host stays after denali_nic_close() */
void denali_nic_keep(struct denali_nic *nic);

/** denali_nic_close() - close the tap and, unless kept, put the host's links back as they were */
void denali_nic_close(struct denali_nic *nic);

/** denali_link_bridge() - name of the bridge that an interface is a port of
 * @ifindex: the interface
 * @name:    16 bytes; empty if none
 */
int denali_link_bridge(uint32_t ifindex, char name[16], struct denali_error *err);

/* ---- Tenants: VMs that share CPU time and limits ---- */

/** denali_tenant_name_check() - EINVAL unless a tenant may have this name */
int denali_tenant_name_check(const char *name, struct denali_error *err);

/**
 * denali_tenant_set() - make a tenant, or change one (CAP_SYS_ADMIN)
 * @set: see <linux/denali.h>
 *
 * It stays until it is deleted or the module is unloaded. Errors: EPERM, EINVAL, EEXIST, ENOENT.
 */
int denali_tenant_set(int dev, const struct denali_tenant_set *set, struct denali_error *err);

/** denali_tenant_del() - delete it. EPERM, EINVAL, ENOENT, EBUSY: it has VMs */
int denali_tenant_del(int dev, const char *name, struct denali_error *err);

/* ---- Switches: the module's own Ethernet ---- */

/** denali_switch_name_check() - EINVAL unless a switch may have this name */
int denali_switch_name_check(const char *name, struct denali_error *err);

/**
 * denali_switch_add() - make a switch (CAP_NET_ADMIN)
 * @name:  [A-Za-z0-9_.-], at most 31 characters
 * @flags: DENALI_SWITCH_*
 * @uid:   who may plug VMs in, besides CAP_NET_ADMIN
 *
 * It stays until it is deleted or the module is unloaded. Errors: EPERM, EINVAL, EEXIST.
 */
int denali_switch_add(int dev, const char *name, unsigned int flags, uint32_t uid,
		      struct denali_error *err);

/** denali_switch_del() - delete it; its NICs lose their link. EPERM, EINVAL, ENOENT */
int denali_switch_del(int dev, const char *name, struct denali_error *err);

/**
 * denali_switch_set_tap() - give a switch an uplink or a mirror, or take it away
 * @role: DENALI_SWITCH_UPLINK or DENALI_SWITCH_MIRROR
 * @nic:  a tap, from denali_nic_open(); NULL: none
 *
 * The switch then holds the tap. Errors: EPERM, EINVAL, ENOENT, EBUSY.
 */
int denali_switch_set_tap(int dev, const char *name, unsigned int role,
			  const struct denali_nic *nic, struct denali_error *err);

/* ---- Lists, counters, events: generic netlink ---- */

#define DENALI_STATS_PORTS	16

/**
 * struct denali_port_stats - one port of a VM; see DENALI_PORT_A_* of
 * <linux/denali_netlink.h>
 */
struct denali_port_stats {
	uint32_t index;
	uint32_t type;
	uint32_t up;
	uint32_t ifindex;
	uint8_t  mac[6];
	uint8_t  has_mac;
	uint8_t  reserved;
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t rx_drops;
	uint64_t tx_drops;
	char     sw[DENALI_NAME_SIZE];	/* the switch that it is on, or empty */
};

/** struct denali_vm_stats - a VM and its counters; see DENALI_A_* */
struct denali_vm_stats {
	uint64_t id;
	uint64_t mem_bytes;
	uint64_t kmem_bytes;
	uint64_t run_ns;
	uint64_t steal_ns;
	uint64_t exits_hypercall;
	uint64_t exits_interrupt;
	uint64_t exits_nmi;
	uint64_t exits_mce;
	uint64_t exits_exception;
	uint64_t hypercalls;
	uint64_t upcalls;
	uint64_t irqs;
	uint64_t console_lost;
	uint64_t own_bytes;
	uint64_t template_id;	/* 0: no clone */
	uint32_t uid;
	uint32_t state;
	uint32_t reason;
	int32_t  status;
	uint32_t flags;
	uint32_t cpu;
	uint32_t idle;
	uint32_t nr_ports;
	char     name[DENALI_NAME_SIZE];
	char     text[DENALI_REASON_SIZE];
	struct denali_port_stats ports[DENALI_STATS_PORTS];
	uint32_t weight;
	uint32_t cap;
	uint64_t cpus[DENALI_CPUS_MAX / 64];	/* all ones: all */
	char     tenant[DENALI_NAME_SIZE];	/* or empty */
	uint32_t place;				/* of one that waits: 1 is next; else 0 */
	uint32_t waits;				/* DENALI_WAITS_*, this and the next with place */
	uint32_t priority;
};

struct denali_nl;

/** denali_nl_open() - connect to the module's generic-netlink family. ENOENT: module not loaded */
struct denali_nl *denali_nl_open(struct denali_error *err);
void denali_nl_close(struct denali_nl *nl);

/**
 * denali_stats_list() - all VMs that the caller may see, in order of id
 * @list:  OUT array for free()
 * @count: OUT its length
 */
int denali_stats_list(struct denali_nl *nl, struct denali_vm_stats **list, size_t *count,
		      struct denali_error *err);

/** denali_stats_get() - one VM. ENOENT, EPERM */
int denali_stats_get(struct denali_nl *nl, uint64_t id, struct denali_vm_stats *stats,
		     struct denali_error *err);

/**
 * struct denali_switch_stats - a switch and its counters; see DENALI_SWITCH_A_*
 * @has_uplink: 1 if it has one; so @has_mirror
 */
struct denali_switch_stats {
	uint64_t id;
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t unknown;
	uint64_t filtered;
	uint64_t limited;
	uint64_t isolated;
	uint64_t unmirrored;
	uint32_t uid;
	uint32_t flags;
	uint32_t ports;
	uint32_t uplink;
	uint32_t uplink_up;
	uint32_t mirror;
	uint32_t mirror_up;
	uint8_t  has_uplink;
	uint8_t  has_mirror;
	uint8_t  reserved[2];
	char     name[DENALI_NAME_SIZE];
};

#define DENALI_STATS_RUNNERS	64

/** struct denali_runner_stats - a thread that runs a tenant's VMs on a CPU */
struct denali_runner_stats {
	uint32_t cpu;
	uint32_t tid;
};

/**
 * struct denali_tenant_stats - a tenant; see DENALI_TENANT_A_*
 *
 * The runners of CPUs beyond DENALI_STATS_RUNNERS aren't told.
 */
struct denali_tenant_stats {
	uint64_t id;
	uint64_t mem_bytes;
	uint64_t max_mem_bytes;
	uint64_t run_ns;
	uint64_t cpus[DENALI_CPUS_MAX / 64];
	uint32_t vms;
	uint32_t max_vms;
	uint32_t runnable;
	uint32_t max_runnable;
	uint32_t waiting;
	uint32_t uid;
	int32_t  nice;
	int      has_uid;
	unsigned int nr_runners;
	struct denali_runner_stats runners[DENALI_STATS_RUNNERS];
	char     name[DENALI_NAME_SIZE];
};

/**
 * denali_tenants_list() - the tenants that the caller is the owner of; all with CAP_SYS_ADMIN
 * @list:  OUT free() it
 * @count: OUT how many there are
 */
int denali_tenants_list(struct denali_nl *nl, struct denali_tenant_stats **list, size_t *count,
			struct denali_error *err);

/**
 * denali_switches_list() - the switches that the caller may plug VMs into, in order of id
 * @list:  OUT array for free()
 * @count: OUT its length
 */
int denali_switches_list(struct denali_nl *nl, struct denali_switch_stats **list, size_t *count,
			 struct denali_error *err);

/**
 * struct denali_event_info - an event
 * @event: enum denali_event
 * @seq:   number; a gap to the last one means that events were lost
 * @vm:    the VM as it was then
 */
struct denali_event_info {
	uint32_t event;
	uint64_t seq;
	struct denali_vm_stats vm;
};

/**
 * denali_events_open() - subscribe to events
 *
 * Errors: ENOENT (module not loaded), EPERM (CAP_NET_ADMIN).
 */
struct denali_nl *denali_events_open(struct denali_error *err);

/** denali_nl_fd() - descriptor for poll() */
int denali_nl_fd(const struct denali_nl *nl);

/**
 * denali_events_read() - take what has come in
 * @handler: called for each event; not 0 ends the reading and is returned
 *
 * Waits if there is none: poll() first. Errors: EINTR. Lost events are no error:
 * they show as a gap in seq.
 */
int denali_events_read(struct denali_nl *nl,
		       int (*handler)(const struct denali_event_info *event, void *arg),
		       void *arg, struct denali_error *err);

/** denali_event_name() - "created", "started", "stopped", "ended", "destroyed", "port-down", "template", "reset" */
const char *denali_event_name(unsigned int event);

#ifdef __cplusplus
}
#endif

#endif /* DENALI_LIB_H */
