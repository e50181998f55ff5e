/* SPDX-License-Identifier: GPL-2.0 */
/* The crowd's client: the host's own UDP and TCP, from one process that waits by epoll. */
#ifndef DENALI_BENCH_CLIENT_H
#define DENALI_BENCH_CLIENT_H

#include <stddef.h>
#include <stdint.h>

/* Sizes of the guest's objects, as the original was measured with. */
#define SMALL_BYTES	2258
#define LARGE_BYTES	134007

/* The first @nr VMs are asked for an echo each, so many at a time. Return: datagrams resent. */
unsigned int client_echo(int nr);

/**
 * struct load - requests for an object
 * @path:     "/" or "/large"
 * @bytes:    its size
 * @at_once:  requests under way at any time: when one is done, the next begins
 * @count:    of requests
 * @pick:     the VM of the next one, which takes the place of one to the VM @last; -1: of none
 * @arg:      its argument
 * @first:    requests that aren't measured, before
 * @busy_ns:  OUT instructions of the CPU over the measured ones
 * @client_ns: OUT those of this process among them
 * @ns:       OUT time of all of these
 * @latency:  OUT of each measured one, ns, sorted: @count of them
 * @failed:   OUT requests begun anew because they were refused or took too long
 */
struct load {
	const char *path;
	size_t bytes;
	int at_once;
	int count;
	int (*pick)(void *arg, int last);
	void *arg;
	int first;
	uint64_t busy_ns;
	uint64_t client_ns;
	uint64_t ns;
	uint64_t *latency;
	unsigned int failed;
};

void client_http(struct load *load);

/* ns that the CPU has executed for, from some point on: by what it was idle, in ticks of 10 ms. */
uint64_t cpu_busy_ns(void);

/* The same to a millisecond, if the CPU idles now. */
uint64_t cpu_busy_at_rest_ns(void);

#endif /* DENALI_BENCH_CLIENT_H */
