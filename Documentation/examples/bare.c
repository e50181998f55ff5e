// SPDX-License-Identifier: MIT
/*
 * bare - a guest with nothing but the virtual architecture
 *
 * No libc, no library OS: hypercalls, virtual registers and a ring, as in
 * Documentation/virtual-architecture.rst. It prints its memory's size by the console
 * port and exits with 7. 16 KiB, the least that a VM can have, are more than enough.
 *
 * Build: denali-cc --bare -O2 -o bare bare.c
 */
#include <stdint.h>

#include <denali/hypercall.h>
#include <denali/ring.h>
#include <denali/vregs.h>

/* A ring of one descriptor; the header's type ends with an array without length. */
static union {
	struct denali_ring ring;
	char room[sizeof(struct denali_ring) + sizeof(struct denali_desc)];
} out __attribute__((aligned(64)));

static void print(const char *text, uint32_t len)
{
	struct denali_desc desc = { .addr = (uint32_t)(uintptr_t)text, .len = len };
	volatile struct denali_ring *ring = &out.ring;
	uint32_t nr = ring->req_prod;

	ring->desc[0] = desc;
	__asm__ volatile("" : : : "memory");
	ring->req_prod = nr + 1;
	denali_hypercall3(DENALI_HC_DOORBELL, 0, 0, 0);
	/* While somebody is attached who doesn't read, the host makes us wait. */
	while (ring->rsp_prod == nr) {
		ring->rsp_event = nr + 1;
		if (ring->rsp_prod != nr)
			break;
		denali_hypercall3(DENALI_HC_IDLE, UINT32_MAX, UINT32_MAX, 0);
		DENALI_VREGS->irq_pending = 0;
	}
}

void denali_main(void)
{
	static char text[] = "bare guest,         KiB\n";
	uint32_t kib = (uint32_t)(DENALI_VREGS->mem_size >> 10);
	char *at = text + 18;

	if (DENALI_VREGS->magic != DENALI_VREGS_MAGIC || DENALI_VREGS->abi_version != DENALI_ABI_VERSION)
		denali_hypercall3(DENALI_HC_EXIT, 1, 0, 0);
	do
		*at-- = '0' + kib % 10;
	while (kib /= 10);
	if (denali_hypercall3(DENALI_HC_RING, DENALI_QUEUE_OUT, (uint32_t)(uintptr_t)&out, 0))
		denali_hypercall3(DENALI_HC_EXIT, 2, 0, 0);
	print(text, sizeof(text) - 1);
	denali_hypercall3(DENALI_HC_EXIT, 7, 0, 0);
}
