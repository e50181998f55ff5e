// SPDX-License-Identifier: GPL-2.0
/*
 * Hypercalls that need more than the switcher. All are short and don't sleep, so
 * they are answered within the slice; what may take long is left in vm->work for
 * the runner. See include/denali/hypercall.h for what each promises.
 */
#include <linux/nospec.h>
#include <linux/random.h>
#include <linux/string.h>

#include "guest.h"
#include "vm.h"

#define DN_RANDOM_MAX	256

static u64 dn_arg64(u32 low, u32 high)
{
	return (u64)high << 32 | low;
}

/**
 * dn_hypercall_random() - answer DENALI_HC_RANDOM
 * @vm: in the hypercall
 *
 * Context: runner, not in a slice: the host's generator takes locks that sleep on
 * PREEMPT_RT.
 */
void dn_hypercall_random(struct dn_vm *vm)
{
	u32 to = vm->regs->bx, len = vm->regs->cx;
	u8 buf[DN_RANDOM_MAX];
	s32 ret;

	if (len > sizeof(buf)) {
		ret = -DENALI_EINVAL;
	} else {
		get_random_bytes(buf, len);
		ret = dn_gmem_write(vm, dn_gaddr(to), buf, len) ? -DENALI_EFAULT : 0;
	}
	vm->regs->ax = ret;
}

static noinline void dn_hc_panic(struct dn_vm *vm, dn_gaddr_t from, u32 len)
{
	char text[DENALI_REASON_SIZE] = {};

	if (dn_gmem_read(vm, from, text, min_t(u32, len, sizeof(text) - 1)))
		strscpy(text, "(no message: bad address)", sizeof(text));
	dn_vm_end(vm, DENALI_END_PANIC, 0, "%s", text);
}

static s32 dn_hc_ring(struct dn_vm *vm, u32 port_queue, dn_gaddr_t ring, u32 order)
{
	struct dn_port *port = dn_vm_port(vm, port_queue >> 8);
	u32 queue = port_queue & 0xff;

	if (!port || queue >= port->ops->queues)
		return -DENALI_ENODEV;
	queue = array_index_nospec(queue, DENALI_QUEUES);
	if (port->ops->set_ring)
		return port->ops->set_ring(port, queue, ring, order);
	return dn_ring_set(vm, &port->ring[queue], ring, order);
}

static s32 dn_hc_doorbell(struct dn_vm *vm, u32 index)
{
	if (!dn_vm_port(vm, index))
		return -DENALI_ENODEV;
	set_bit(index, &vm->work);
	return 0;
}

/*
 * DENALI_CREATE_SYNC_IRQ: a guest that has done with an event gives way, and its ports look
 * whether there is another.
 */
static noinline void dn_hc_idle_sync(struct dn_vm *vm)
{
	u32 i;

	for (i = 0; dn_vm_port(vm, i); i++)
		set_bit(i, &vm->work);
	set_bit(DN_WORK_YIELD, &vm->work);
}

/* All but the most frequent ones: without a stack frame these are shorter. */
static noinline void dn_hypercall_other(struct dn_vm *vm)
{
	struct dn_regs *regs = vm->regs;
	s32 ret = 0;

	switch (regs->ax) {
	case DENALI_HC_NOP:
		break;
	case DENALI_HC_IDLE:
		dn_clock_idle(vm, dn_arg64(regs->bx, regs->cx));
		set_bit(DN_WORK_IDLE, &vm->work);
		if (unlikely(vm->flags & DENALI_CREATE_SYNC_IRQ))
			dn_hc_idle_sync(vm);
		break;
	case DENALI_HC_TIMER:
		dn_clock_alarm(vm, dn_arg64(regs->bx, regs->cx));
		break;
	case DENALI_HC_RUN_TIMER:
		dn_clock_run_alarm(vm, dn_arg64(regs->bx, regs->cx));
		break;
	case DENALI_HC_EXIT:
		dn_vm_end(vm, DENALI_END_EXIT, regs->bx, "exit status %d", (s32)regs->bx);
		break;
	case DENALI_HC_PANIC:
		dn_hc_panic(vm, dn_gaddr(regs->bx), regs->cx);
		break;
	case DENALI_HC_RING:
		ret = dn_hc_ring(vm, regs->bx, dn_gaddr(regs->cx), regs->dx);
		break;
	case DENALI_HC_RANDOM:
		set_bit(DN_WORK_RANDOM, &vm->work);
		return;
	case DENALI_HC_TEMPLATE:
		if (vm->flags & DENALI_CREATE_TEMPLATE)
			set_bit(DN_WORK_TEMPLATE, &vm->work);
		break;
	case DENALI_HC_EXC_RETURN:
		dn_exception_return(vm);
		return;
	default:
		ret = -DENALI_ENOSYS;
	}
	regs->ax = ret;
}

/** dn_hypercall() - answer the hypercall in vm->regs. Context: in a slice, interrupts off. */
void dn_hypercall(struct dn_vm *vm)
{
	struct dn_regs *regs = vm->regs;

	vm->stats.hypercalls++;
	/* The one that I/O is made of. */
	if (likely(regs->ax == DENALI_HC_DOORBELL)) {
		regs->ax = dn_hc_doorbell(vm, regs->bx);
	} else if (regs->ax == DENALI_HC_YIELD) {
		set_bit(DN_WORK_YIELD, &vm->work);
		regs->ax = 0;
	} else {
		dn_hypercall_other(vm);
	}
}
