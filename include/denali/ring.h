/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Denali guest ABI: ports and their rings.
 *
 * Every virtual device is a port: rings in guest memory, one doorbell
 * (DENALI_HC_DOORBELL), one interrupt bit. All ports use the ring below.
 *
 * The guest puts requests at req_prod and the host puts responses at rsp_prod,
 * both counting modulo 2^32 and indexing desc[] modulo its size. Responses use
 * the slots of requests that were consumed, so the guest may have at most as
 * many requests outstanding as there are descriptors (req_prod - number of
 * responses that it has consumed <= size), and finds a request's identity in
 * the response's cookie, not in its place. The host fetches each request once.
 *
 * Notification thresholds, one a direction: after moving req_prod from a to b
 * the guest must ring the doorbell if req_event is in (a, b]; after moving
 * rsp_prod from a to b the host raises the port's interrupt if rsp_event is in
 * (a, b]. "Interrupt me at the next response" is rsp_event = responses
 * consumed + 1; after setting it the guest must look at rsp_prod once more.
 *
 * A ring with more requests than descriptors, or a descriptor that reaches out
 * of the guest's memory, is broken: it ends the VM with a report.
 * (Idea: Xen's descriptor rings, SOSP 2003, section 3.2.2.)
 */
#ifndef DENALI_RING_H
#define DENALI_RING_H

#include <denali/types.h>

/* Port types. Port 0 of every VM is its console. */
#define DENALI_PORT_NONE	0
#define DENALI_PORT_CONSOLE	1
#define DENALI_PORT_NIC		2

/* Bits of denali_port_info.state. */
#define DENALI_PORT_UP		0x1

/* Queues of a port. */
#define DENALI_QUEUE_OUT	0	/* guest to host: frames to send, text to print */
#define DENALI_QUEUE_IN		1	/* host to guest: empty buffers to fill */
#define DENALI_QUEUES		2

#define DENALI_RING_MAX_ORDER	10

/* NIC features in denali_port_info.features. */
#define DENALI_NIC_F_CSUM	0x1	/* the host fills in checksums (OUT), may leave them out (IN) */

/* Flags of a descriptor. */
#define DENALI_DESC_MORE	0x1	/* OUT: the frame goes on in the next descriptor */
#define DENALI_DESC_CSUM	0x2	/* OUT: fill in the checksum, see pos. IN: the payload is known
					 * to be good; its checksum field may be incomplete
					 */
/* A frame is at most this many descriptors. */
#define DENALI_FRAME_MAX_DESCS	8

/**
 * struct denali_desc - a request, and in its place later a response
 * @addr:   request: guest address of the buffer
 * @len:    request: bytes of the buffer. Response: bytes transferred (with
 *          DENALI_DESC_MORE, all descriptors of a frame are answered by
 *          one response each)
 * @flags:  DENALI_DESC_*
 * @op:     request: 0
 * @status: response: 0 or a negative DENALI_E* value. Request: 0
 * @pos:    OUT on a NIC with DENALI_DESC_CSUM: bits 0-15 offset of the first byte
 *          to sum, bits 16-31 offset from there of the 16-bit field that
 *          takes the sum (which holds the pseudo header's). Else 0
 * @cookie: the guest's own; the response has the request's
 */
struct denali_desc {
	uint32_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t op;
	int32_t  status;
	uint64_t pos;
	uint64_t cookie;
};

/**
 * struct denali_ring - header; desc[] follows. 64-byte aligned.
 * @req_prod:  G requests produced
 * @rsp_event: G see above
 * @rsp_prod:  H responses produced
 * @req_event: H see above
 */
struct denali_ring {
	uint32_t req_prod;
	uint32_t rsp_event;
	uint32_t pad0[14];
	uint32_t rsp_prod;
	uint32_t req_event;
	uint32_t pad1[14];
	struct denali_desc desc[];
};

DENALI_ASSERT(sizeof(struct denali_desc) == 32, desc_size);
DENALI_ASSERT(sizeof(struct denali_ring) == 128, ring_size);
DENALI_ASSERT(offsetof(struct denali_ring, rsp_prod) == 64, ring_rsp_prod);

/** denali_ring_event() - has a counter that moved from @from to @to passed @event? */
static inline int denali_ring_event(uint32_t event, uint32_t from, uint32_t to)
{
	return (uint32_t)(to - event) < (uint32_t)(to - from);
}

#endif /* DENALI_RING_H */
