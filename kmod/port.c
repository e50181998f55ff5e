// SPDX-License-Identifier: GPL-2.0
/*
 * What all ports have in common: asking for service, raising the interrupt,
 * telling the guest what is plugged in.
 */
#include "guest.h"
#include "port.h"
#include "runner.h"
#include "vm.h"

void dn_port_kick(struct dn_port *port)
{
	struct dn_vm *vm = port->vm;

	if (!test_and_set_bit(port->index, &vm->work))
		dn_vm_wake(vm, BIT(DENALI_IRQ_PORT0 + port->index));
}

void dn_port_raise(struct dn_port *port)
{
	dn_irq_raise(port->vm, DENALI_IRQ_PORT0 + port->index);
}

void dn_port_clear(struct dn_port *port)
{
	memset(port->ring, 0, sizeof(port->ring));
	memset(&port->stats, 0, sizeof(port->stats));
}

void dn_port_set_state(struct dn_port *port, u32 state)
{
	WRITE_ONCE(port->vm->vregs->ports[port->index].state, state);
	dn_port_raise(port);
}
