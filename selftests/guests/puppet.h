/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest "nic puppet" and the host's side of it share.
 */
#ifndef DENALI_SELFTESTS_PUPPET_H
#define DENALI_SELFTESTS_PUPPET_H

#include <stdint.h>

/*
 * A puppet of the host's: sends the frame that it is given each time that go changes,
 * and shows the last one that came in. Times of looking are its own: it idles in between.
 */
struct puppet {
	uint32_t go;
	uint32_t done;
	int32_t  status;
	uint32_t len;
	uint32_t flags;
	uint32_t pos;
	uint32_t got;
	uint32_t got_len;
	uint32_t got_flags;
	uint8_t  frame[1536];
	uint8_t  in[1536];
} __attribute__((aligned(4096)));

#endif /* DENALI_SELFTESTS_PUPPET_H */
