// SPDX-License-Identifier: MIT
/*
 * Initial sequence numbers by RFC 6528: a clock of 4 us plus a keyed hash of the
 * connection, so that they rise for one connection and tell nothing about
 * another's. The hash is SipHash-2-4 (Aumasson, Bernstein, 2012).
 */
#include <lwip/opt.h>
#include <lwip/tcp.h>
#include <denali-os/random.h>
#include <denali-os/timer.h>
#include "denali_hooks.h"

static uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

static uint64_t siphash(const uint64_t key[2], const uint64_t *data, unsigned int words)
{
	uint64_t v[4] = {
		key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL,
		key[0] ^ 0x6c7967656e657261ULL, key[1] ^ 0x7465646279746573ULL,
	};
	uint64_t last = (uint64_t)(words * 8) << 56;
	unsigned int i;

	for (i = 0; i <= words; i++) {
		uint64_t m = i < words ? data[i] : last;

		v[3] ^= m;
		sip_round(v);
		sip_round(v);
		v[0] ^= m;
	}
	v[2] ^= 0xff;
	for (i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

u32_t denali_tcp_isn(const ip_addr_t *local_ip, u16_t local_port,
		     const ip_addr_t *remote_ip, u16_t remote_port)
{
	static uint64_t key[2];
	uint64_t tuple[5] = { 0 };

	if (!key[0])
		denali_random(key, sizeof(key));
	if (IP_IS_V6(local_ip)) {
		memcpy(&tuple[0], ip_2_ip6(local_ip)->addr, 16);
		memcpy(&tuple[2], ip_2_ip6(remote_ip)->addr, 16);
	} else {
		tuple[0] = ip4_addr_get_u32(ip_2_ip4(local_ip));
		tuple[2] = ip4_addr_get_u32(ip_2_ip4(remote_ip));
	}
	tuple[4] = (uint32_t)local_port << 16 | remote_port;
	return (uint32_t)siphash(key, tuple, 5) + (uint32_t)(denali_clock_ns() >> 12);
}
