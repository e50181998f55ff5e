// SPDX-License-Identifier: GPL-2.0
/*
 * How a VM ended: in a line, with registers, as an object and as an exit status.
 * The text in it is the guest's; the library has replaced what isn't printable.
 */
#include <stdio.h>

#include "ctl.h"

struct json_object *ctl_end_object(const struct denali_vm_state *state)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *regs;

	ctl_add_uint(obj, "id", state->id);
	ctl_add_string(obj, "name", state->name);
	ctl_add_string(obj, "state", denali_vm_state_name(state->state));
	ctl_add_string(obj, "reason", denali_vm_reason_name(state->reason));
	if (state->reason == DENALI_END_EXIT)
		ctl_add(obj, "status", json_object_new_int(state->status));
	ctl_add_string(obj, "text", state->text);
	ctl_add_uint(obj, "run_ns", state->run_ns);
	if (state->reason == DENALI_END_FAULT) {
		ctl_add_uint(obj, "vector", state->vector);
		ctl_add_string(obj, "exception", denali_vector_name(state->vector));
		ctl_add_hex(obj, "error_code", state->error_code);
		ctl_add_hex(obj, "fault_addr", state->fault_addr);
	}
	if (state->state != DENALI_VM_ENDED)
		return obj;

	regs = json_object_new_object();
	ctl_add_hex(regs, "eip", state->eip);
	ctl_add_hex(regs, "esp", state->esp);
	ctl_add_hex(regs, "eflags", state->eflags);
	ctl_add_hex(regs, "eax", state->eax);
	ctl_add_hex(regs, "ebx", state->ebx);
	ctl_add_hex(regs, "ecx", state->ecx);
	ctl_add_hex(regs, "edx", state->edx);
	ctl_add_hex(regs, "esi", state->esi);
	ctl_add_hex(regs, "edi", state->edi);
	ctl_add_hex(regs, "ebp", state->ebp);
	ctl_add(obj, "registers", regs);
	return obj;
}

/* The exit status of run and wait. */
int ctl_end_status(const struct denali_vm_state *state)
{
	switch (state->reason) {
	case DENALI_END_EXIT:
		return state->status < 0 || state->status > 255 ? 255 : state->status;
	case DENALI_END_KILLED:
		return CTL_VM_KILLED;
	default:
		return CTL_VM_FAILED;
	}
}

void ctl_end_line(const struct denali_vm_state *state, char *buf, size_t size)
{
	int n = snprintf(buf, size, "VM %s (id %llu): ", state->name,
			 (unsigned long long)state->id);

	buf += n;
	size -= n;
	switch (state->reason) {
	case DENALI_END_EXIT:
		snprintf(buf, size, "exited with status %d", state->status);
		break;
	case DENALI_END_PANIC:
		snprintf(buf, size, "panicked: %s", state->text);
		break;
	case DENALI_END_FAULT:
		n = snprintf(buf, size, "%s (vector %u, error code %#x) at EIP 0x%08x",
			     denali_vector_name(state->vector), state->vector,
			     state->error_code, state->eip);
		if (state->vector == 14)
			snprintf(buf + n, size - n, ", address 0x%08x", state->fault_addr);
		break;
	case DENALI_END_PROTOCOL:
		snprintf(buf, size, "broke the guest ABI: %s", state->text);
		break;
	case DENALI_END_KILLED:
		snprintf(buf, size, "was killed");
		break;
	default:
		snprintf(buf, size, "ended: %s",
			 *state->text ? state->text : denali_vm_reason_name(state->reason));
	}
}

/* What run tells on standard error about an end that wasn't the guest's exit(). */
void ctl_end_report(const struct denali_vm_state *state)
{
	char line[512];

	if (ctl_json) {
		struct json_object *obj = ctl_end_object(state);

		fprintf(stderr, "%s\n",
			json_object_to_json_string_ext(obj, JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(obj);
		return;
	}
	if (state->reason == DENALI_END_EXIT)
		return;

	ctl_end_line(state, line, sizeof(line));
	fprintf(stderr, "denalictl: %s\n", line);
	if (state->reason == DENALI_END_FAULT && *state->text)
		fprintf(stderr, "  %s\n", state->text);
	if (state->reason == DENALI_END_KILLED)
		return;
	fprintf(stderr,
		"  eip 0x%08x  esp 0x%08x  ebp 0x%08x  eflags 0x%08x\n"
		"  eax 0x%08x  ebx 0x%08x  ecx 0x%08x  edx 0x%08x\n"
		"  esi 0x%08x  edi 0x%08x\n",
		state->eip, state->esp, state->ebp, state->eflags, state->eax, state->ebx,
		state->ecx, state->edx, state->esi, state->edi);
}
