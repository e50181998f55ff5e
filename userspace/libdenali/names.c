// SPDX-License-Identifier: MIT
/*
 * What the numbers of the kernel's interface are called. A newer module may have
 * numbers that aren't here: these have a name too, so that callers needn't look.
 */
#include <linux/denali_netlink.h>

#include "internal.h"

#define NAME(names, number, other) \
	denali_name(names, sizeof(names) / sizeof((names)[0]), number, other)

static const char *denali_name(const char * const *names, unsigned int count, unsigned int number,
			       const char *other)
{
	return number < count && names[number] ? names[number] : other;
}

const char *denali_vm_state_name(unsigned int state)
{
	static const char * const names[] = {
		[DENALI_VM_CREATED] = "created",
		[DENALI_VM_RUNNING] = "running",
		[DENALI_VM_STOPPED] = "stopped",
		[DENALI_VM_ENDED] = "ended",
		[DENALI_VM_TEMPLATE] = "template",
		[DENALI_VM_WAITING] = "waiting",
	};

	return NAME(names, state, "unknown");
}

const char *denali_vm_reason_name(unsigned int reason)
{
	static const char * const names[] = {
		[DENALI_END_NONE] = "none",
		[DENALI_END_EXIT] = "exit",
		[DENALI_END_PANIC] = "panic",
		[DENALI_END_FAULT] = "fault",
		[DENALI_END_PROTOCOL] = "protocol",
		[DENALI_END_KILLED] = "killed",
	};

	return NAME(names, reason, "unknown");
}

const char *denali_vector_name(unsigned int vector)
{
	static const char * const names[] = {
		[0] = "divide error",
		[1] = "debug exception",
		[2] = "non-maskable interrupt",
		[3] = "breakpoint",
		[4] = "overflow",
		[5] = "bound range exceeded",
		[6] = "invalid opcode",
		[7] = "device not available",
		[8] = "double fault",
		[10] = "invalid TSS",
		[11] = "segment not present",
		[12] = "stack fault",
		[13] = "general protection fault",
		[14] = "page fault",
		[16] = "x87 floating-point error",
		[17] = "alignment check",
		[18] = "machine check",
		[19] = "SIMD floating-point error",
		[21] = "control protection fault",
	};

	return NAME(names, vector, "exception");
}

const char *denali_event_name(unsigned int event)
{
	static const char * const names[] = {
		[DENALI_EVENT_CREATED] = "created",
		[DENALI_EVENT_STARTED] = "started",
		[DENALI_EVENT_STOPPED] = "stopped",
		[DENALI_EVENT_ENDED] = "ended",
		[DENALI_EVENT_DESTROYED] = "destroyed",
		[DENALI_EVENT_PORT_DOWN] = "port-down",
		[DENALI_EVENT_TEMPLATE] = "template",
		[DENALI_EVENT_RESET] = "reset",
		[DENALI_EVENT_WAITING] = "waiting",
	};

	return NAME(names, event, "unknown");
}
