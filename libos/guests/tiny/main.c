// SPDX-License-Identifier: MIT
/*
 * tiny: a server in 256 KiB, on lwIP's raw API: UDP echo on port 7 and HTTP on port 80.
 *
 * There are no sockets, no buffers of its own and one thread beside the network's, which
 * sleeps for good: everything happens in the stack's callbacks. It is for machines with
 * thousands of VMs (Documentation/scale.rst), and an example for programs on the raw API.
 *
 * Boot arguments, besides the network's (denali-os/net.h): "spin" has it never idle, as a
 * guest without the idle instruction would, to be measured against.
 */
#include <denali-os/bootargs.h>
#include <denali-os/template.h>
#include <denali-os/thread.h>
#include <stdio.h>
#include <string.h>

#include "tiny.h"

#define ECHO_PORT	7
#define HTTP_PORT	80

char pattern[PATTERN_SIZE];

static void echo(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *addr, u16_t port)
{
	(void)arg;
	udp_sendto(pcb, p, addr, port);
	pbuf_free(p);
}

static int echo_start(uint16_t port)
{
	struct udp_pcb *pcb = udp_new_ip_type(IPADDR_TYPE_ANY);

	if (!pcb || udp_bind(pcb, IP_ANY_TYPE, port))
		return -1;
	udp_recv(pcb, echo, NULL);
	return 0;
}

/* Lines of 64 bytes. */
static void pattern_fill(void)
{
	size_t i;

	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = i % 64 == 63 ? '\n' : 'A' + i % 64 % 26;
}

int main(void)
{
	char value[8];
	int ret;

	pattern_fill();
	/* What was written by now, clones share. */
	denali_template();
	denali_net_start();
	LOCK_TCPIP_CORE();
	ret = echo_start(ECHO_PORT) || http_start(HTTP_PORT);
	UNLOCK_TCPIP_CORE();
	if (ret)
		return 1;
	if (denali_bootarg("spin", value, sizeof(value))) {
		denali_thread_prio_set(denali_thread_self(), DENALI_PRIO_LOW);
		for (;;)
			/* No pause instruction: an emulator takes it for leave to do something else. */
			__asm__ __volatile__("");
	}
	for (;;)
		denali_sleep_until(DENALI_FOREVER);
}
