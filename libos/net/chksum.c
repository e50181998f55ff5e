// SPDX-License-Identifier: MIT
/* The Internet checksum with the carry flag: four bytes an instruction. */
#include <stdint.h>
#include <string.h>
#include <lwip/opt.h>

/* Return: the sum, not inverted, as lwIP's LWIP_CHKSUM does. */
uint16_t denali_chksum(const void *data, int len)
{
	const uint32_t *w = data;
	uint32_t sum = 0, rest = 0;

	for (; len >= 32; len -= 32, w += 8) {
		__asm__("addl 0(%1), %0\n\t"
			"adcl 4(%1), %0\n\t"
			"adcl 8(%1), %0\n\t"
			"adcl 12(%1), %0\n\t"
			"adcl 16(%1), %0\n\t"
			"adcl 20(%1), %0\n\t"
			"adcl 24(%1), %0\n\t"
			"adcl 28(%1), %0\n\t"
			"adcl $0, %0"
			: "+r" (sum) : "r" (w), "m" (*(const uint32_t (*)[8])w) : "cc");
	}
	for (; len >= 4; len -= 4, w++) {
		__asm__("addl %1, %0\n\t"
			"adcl $0, %0"
			: "+r" (sum) : "m" (*w) : "cc");
	}
	memcpy(&rest, w, len);
	__asm__("addl %1, %0\n\t"
		"adcl $0, %0"
		: "+r" (sum) : "r" (rest) : "cc");
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}
