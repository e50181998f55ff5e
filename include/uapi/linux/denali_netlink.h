/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Denali isolation kernel: generic netlink family "denali".
 *
 * DENALI_CMD_VM_GET  with NLM_F_DUMP: one message per VM that the asker may see
 *                    (own VMs; all with CAP_SYS_ADMIN), in order of id. Without:
 *                    one VM, by DENALI_A_ID. Answers are DENALI_CMD_VM_NEW.
 * DENALI_CMD_VM_NEW  answer to VM_GET.
 * DENALI_CMD_EVENT   on the multicast group "events": DENALI_A_EVENT, DENALI_A_SEQ,
 *                    and the VM's attributes. Binding to the group needs CAP_NET_ADMIN.
 * DENALI_CMD_SWITCH_GET  with NLM_F_DUMP: one message per switch that the asker may plug
 *                    VMs into (his own; all with CAP_NET_ADMIN), in order of id. Answers
 *                    are DENALI_CMD_SWITCH_NEW, with DENALI_SWITCH_A_* at the top level.
 * DENALI_CMD_TENANT_GET  with NLM_F_DUMP: one message per tenant that the asker is the owner of
 *                    (all with CAP_SYS_ADMIN), in order of id. Answers are DENALI_CMD_TENANT_NEW,
 *                    with DENALI_TENANT_A_* at the top level.
 */
#ifndef _UAPI_LINUX_DENALI_NETLINK_H
#define _UAPI_LINUX_DENALI_NETLINK_H

#define DENALI_GENL_NAME	"denali"
#define DENALI_GENL_VERSION	1
#define DENALI_GENL_GROUP	"events"

enum denali_genl_cmd {
	DENALI_CMD_UNSPEC,
	DENALI_CMD_VM_GET,
	DENALI_CMD_VM_NEW,
	DENALI_CMD_EVENT,
	DENALI_CMD_SWITCH_GET,
	DENALI_CMD_SWITCH_NEW,
	DENALI_CMD_TENANT_GET,
	DENALI_CMD_TENANT_NEW,
	__DENALI_CMD_MAX,
};
#define DENALI_CMD_MAX (__DENALI_CMD_MAX - 1)

/**
 * enum denali_genl_attr - top-level attributes
 * @DENALI_A_ID:        u64 VM id
 * @DENALI_A_NAME:      string
 * @DENALI_A_UID:       u32 owner
 * @DENALI_A_STATE:     u32 DENALI_VM_*
 * @DENALI_A_REASON:    u32 DENALI_END_*
 * @DENALI_A_STATUS:    s32 exit status
 * @DENALI_A_TEXT:      string, reason in words
 * @DENALI_A_MEM_BYTES: u64 the partition
 * @DENALI_A_KMEM_BYTES: u64 kernel memory beyond the partition: struct, page tables, buffers
 * @DENALI_A_FLAGS:     u32 DENALI_CREATE_*
 * @DENALI_A_RUN_NS:    u64 CPU time
 * @DENALI_A_STEAL_NS:  u64 runnable but not running
 * @DENALI_A_EXITS:     nest of DENALI_EXIT_A_*
 * @DENALI_A_HYPERCALLS: u64 that left the switcher
 * @DENALI_A_UPCALLS:   u64 upcalls delivered
 * @DENALI_A_IRQS:      u64 virtual interrupts raised
 * @DENALI_A_CPU:       u32 CPU whose runner has the VM
 * @DENALI_A_PORT:      nest of DENALI_PORT_A_*, one for each port
 * @DENALI_A_EVENT:     u32 enum denali_event
 * @DENALI_A_SEQ:       u64 number of the event; a gap means that events were lost
 * @DENALI_A_CONSOLE_LOST: u64 bytes of console output dropped unread
 * @DENALI_A_IDLE:      u32 1 if the VM is idle
 * @DENALI_A_OWN_BYTES: u64 of the partition that aren't still read from a template
 * @DENALI_A_TEMPLATE:  u64 id of the template that it is a clone of; absent if it is none
 * @DENALI_A_WEIGHT:    u32 share of the CPU, see struct denali_vm_share
 * @DENALI_A_CAP:       u32 percent of a CPU that it gets at most, 0: no cap
 * @DENALI_A_CPUS:      u64s as in struct denali_vm_share, as many as it takes: the CPUs that it
 *                      may run on; not there: all
 * @DENALI_A_TENANT:    string, name of the tenant whose VM it is; not there: none's
 * @DENALI_A_PLACE:     u32 of a VM that waits: its place in the queue, 1 is next; this and the next two
 *                      aren't told with events
 * @DENALI_A_WAITS:     u32 DENALI_WAITS_*
 * @DENALI_A_PRIORITY:  u32 among those that wait
 * @DENALI_A_PAD:       alignment
 */
enum denali_genl_attr {
	DENALI_A_UNSPEC,
	DENALI_A_PAD,
	DENALI_A_ID,
	DENALI_A_NAME,
	DENALI_A_UID,
	DENALI_A_STATE,
	DENALI_A_REASON,
	DENALI_A_STATUS,
	DENALI_A_TEXT,
	DENALI_A_MEM_BYTES,
	DENALI_A_KMEM_BYTES,
	DENALI_A_FLAGS,
	DENALI_A_RUN_NS,
	DENALI_A_STEAL_NS,
	DENALI_A_EXITS,
	DENALI_A_HYPERCALLS,
	DENALI_A_UPCALLS,
	DENALI_A_IRQS,
	DENALI_A_CPU,
	DENALI_A_PORT,
	DENALI_A_EVENT,
	DENALI_A_SEQ,
	DENALI_A_CONSOLE_LOST,
	DENALI_A_IDLE,
	DENALI_A_OWN_BYTES,
	DENALI_A_TEMPLATE,
	DENALI_A_WEIGHT,
	DENALI_A_CAP,
	DENALI_A_CPUS,
	DENALI_A_TENANT,
	DENALI_A_PLACE,
	DENALI_A_WAITS,
	DENALI_A_PRIORITY,
	__DENALI_A_MAX,
};
#define DENALI_A_MAX (__DENALI_A_MAX - 1)

/* What a VM waits for. */
#define DENALI_WAITS_FOR_MEMORY	1	/* or for its tenant, or user, to have fewer VMs or less */
#define DENALI_WAITS_TO_RUN	2	/* for its tenant to have fewer that run */

/** enum denali_exit_attr - u64 counters of full exits by cause */
enum denali_exit_attr {
	DENALI_EXIT_A_UNSPEC,
	DENALI_EXIT_A_PAD,
	DENALI_EXIT_A_HYPERCALL,
	DENALI_EXIT_A_INTERRUPT,
	DENALI_EXIT_A_NMI,
	DENALI_EXIT_A_MCE,
	DENALI_EXIT_A_EXCEPTION,
	__DENALI_EXIT_A_MAX,
};
#define DENALI_EXIT_A_MAX (__DENALI_EXIT_A_MAX - 1)

/**
 * enum denali_port_attr - inside DENALI_A_PORT
 * @DENALI_PORT_A_INDEX:  u32 port
 * @DENALI_PORT_A_TYPE:   u32 DENALI_PORT_* of the guest ABI: 1 console, 2 NIC
 * @DENALI_PORT_A_UP:     u32 1 if a back end is there
 * @DENALI_PORT_A_MAC:    6 bytes
 * @DENALI_PORT_A_IFINDEX: u32 of the tap, 0 if unknown
 * @DENALI_PORT_A_RX_PACKETS: u64 to the guest (console: bytes only)
 * @DENALI_PORT_A_RX_BYTES: u64
 * @DENALI_PORT_A_TX_PACKETS: u64 from the guest
 * @DENALI_PORT_A_TX_BYTES: u64
 * @DENALI_PORT_A_RX_DROPS: u64 frames that the guest had no or too small a buffer for
 * @DENALI_PORT_A_TX_DROPS: u64 frames refused: source address, size, the tap, or the switch
 * @DENALI_PORT_A_SWITCH: string, name of the switch; not there without one
 */
enum denali_port_attr {
	DENALI_PORT_A_UNSPEC,
	DENALI_PORT_A_PAD,
	DENALI_PORT_A_INDEX,
	DENALI_PORT_A_TYPE,
	DENALI_PORT_A_UP,
	DENALI_PORT_A_MAC,
	DENALI_PORT_A_IFINDEX,
	DENALI_PORT_A_RX_PACKETS,
	DENALI_PORT_A_RX_BYTES,
	DENALI_PORT_A_TX_PACKETS,
	DENALI_PORT_A_TX_BYTES,
	DENALI_PORT_A_RX_DROPS,
	DENALI_PORT_A_TX_DROPS,
	DENALI_PORT_A_SWITCH,
	__DENALI_PORT_A_MAX,
};
#define DENALI_PORT_A_MAX (__DENALI_PORT_A_MAX - 1)

/**
 * enum denali_switch_attr - top-level attributes of DENALI_CMD_SWITCH_NEW
 * @DENALI_SWITCH_A_ID:     u64, never used again while the module is loaded
 * @DENALI_SWITCH_A_NAME:   string
 * @DENALI_SWITCH_A_UID:    u32 who may plug VMs in
 * @DENALI_SWITCH_A_FLAGS:  u32 DENALI_SWITCH_*
 * @DENALI_SWITCH_A_PORTS:  u32 how many NICs are on it
 * @DENALI_SWITCH_A_UPLINK: u32 index of the uplink's interface, 0 if unknown; not there
 *                          without an uplink
 * @DENALI_SWITCH_A_UPLINK_UP: u32 1 if its device is still there; as the former
 * @DENALI_SWITCH_A_MIRROR: u32 as DENALI_SWITCH_A_UPLINK
 * @DENALI_SWITCH_A_MIRROR_UP: u32
 * @DENALI_SWITCH_A_RX_PACKETS: u64 frames from the uplink
 * @DENALI_SWITCH_A_RX_BYTES: u64
 * @DENALI_SWITCH_A_UNKNOWN: u64 frames from the uplink that were for no port
 * @DENALI_SWITCH_A_FILTERED: u64 requests for an IP address (ARP, neighbour solicitation),
 *                          which went to no port but those that they concern
 * @DENALI_SWITCH_A_LIMITED: u64 broadcasts and multicasts that ports didn't get, as their
 *                          sender had sent too many
 * @DENALI_SWITCH_A_ISOLATED: u64 frames from a port to another that were refused
 * @DENALI_SWITCH_A_UNMIRRORED: u64 frames that the mirror was too full, or down, for
 * @DENALI_SWITCH_A_PAD:    alignment
 */
enum denali_switch_attr {
	DENALI_SWITCH_A_UNSPEC,
	DENALI_SWITCH_A_PAD,
	DENALI_SWITCH_A_ID,
	DENALI_SWITCH_A_NAME,
	DENALI_SWITCH_A_UID,
	DENALI_SWITCH_A_FLAGS,
	DENALI_SWITCH_A_PORTS,
	DENALI_SWITCH_A_UPLINK,
	DENALI_SWITCH_A_UPLINK_UP,
	DENALI_SWITCH_A_MIRROR,
	DENALI_SWITCH_A_MIRROR_UP,
	DENALI_SWITCH_A_RX_PACKETS,
	DENALI_SWITCH_A_RX_BYTES,
	DENALI_SWITCH_A_UNKNOWN,
	DENALI_SWITCH_A_FILTERED,
	DENALI_SWITCH_A_LIMITED,
	DENALI_SWITCH_A_ISOLATED,
	DENALI_SWITCH_A_UNMIRRORED,
	__DENALI_SWITCH_A_MAX,
};
#define DENALI_SWITCH_A_MAX (__DENALI_SWITCH_A_MAX - 1)

/**
 * enum denali_tenant_attr - top-level attributes of DENALI_CMD_TENANT_NEW
 * @DENALI_TENANT_A_ID:     u64, never used again while the module is loaded
 * @DENALI_TENANT_A_NAME:   string
 * @DENALI_TENANT_A_UID:    u32 owner; not there without one
 * @DENALI_TENANT_A_VMS:    u32 its VMs
 * @DENALI_TENANT_A_MAX_VMS: u32 their limit, 0: none
 * @DENALI_TENANT_A_MEM_BYTES: u64 memory that they have together
 * @DENALI_TENANT_A_MAX_MEM_BYTES: u64 the limit of that, 0: none
 * @DENALI_TENANT_A_NICE:   s32 niceness of its runners
 * @DENALI_TENANT_A_RUN_NS: u64 CPU time of its runners, what they do for the VMs included
 * @DENALI_TENANT_A_CPUS:   as DENALI_A_CPUS
 * @DENALI_TENANT_A_RUNNER: nest of DENALI_RUNNER_A_*, one for each runner
 * @DENALI_TENANT_A_RUNNABLE: u32 VMs that are started, and not stopped, waiting or ended; those that idle
 *                          included
 * @DENALI_TENANT_A_MAX_RUNNABLE: u32 their limit, 0: none
 * @DENALI_TENANT_A_WAITING: u32 VMs that wait, for memory or to run
 * @DENALI_TENANT_A_PAD:    alignment
 */
enum denali_tenant_attr {
	DENALI_TENANT_A_UNSPEC,
	DENALI_TENANT_A_PAD,
	DENALI_TENANT_A_ID,
	DENALI_TENANT_A_NAME,
	DENALI_TENANT_A_UID,
	DENALI_TENANT_A_VMS,
	DENALI_TENANT_A_MAX_VMS,
	DENALI_TENANT_A_MEM_BYTES,
	DENALI_TENANT_A_MAX_MEM_BYTES,
	DENALI_TENANT_A_NICE,
	DENALI_TENANT_A_RUN_NS,
	DENALI_TENANT_A_CPUS,
	DENALI_TENANT_A_RUNNER,
	DENALI_TENANT_A_RUNNABLE,
	DENALI_TENANT_A_MAX_RUNNABLE,
	DENALI_TENANT_A_WAITING,
	__DENALI_TENANT_A_MAX,
};
#define DENALI_TENANT_A_MAX (__DENALI_TENANT_A_MAX - 1)

/**
 * enum denali_runner_attr - inside DENALI_TENANT_A_RUNNER
 * @DENALI_RUNNER_A_CPU: u32
 * @DENALI_RUNNER_A_TID: u32 thread id, for cgroup.procs, cgroup.threads or taskset
 */
enum denali_runner_attr {
	DENALI_RUNNER_A_UNSPEC,
	DENALI_RUNNER_A_CPU,
	DENALI_RUNNER_A_TID,
	__DENALI_RUNNER_A_MAX,
};
#define DENALI_RUNNER_A_MAX (__DENALI_RUNNER_A_MAX - 1)

enum denali_event {
	DENALI_EVENT_UNSPEC,
	DENALI_EVENT_CREATED,
	DENALI_EVENT_STARTED,
	DENALI_EVENT_STOPPED,
	DENALI_EVENT_ENDED,
	DENALI_EVENT_DESTROYED,
	DENALI_EVENT_PORT_DOWN,		/* a tap or switch went away */
	DENALI_EVENT_TEMPLATE,		/* a VM has become a template */
	DENALI_EVENT_RESET,		/* a clone is what it was at first */
	DENALI_EVENT_WAITING,		/* a VM waits, for memory or to run */
};

#endif /* _UAPI_LINUX_DENALI_NETLINK_H */
