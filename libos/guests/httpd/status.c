// SPDX-License-Identifier: MIT
/* /status: counters of the server and, in a guest, of the VM and its NICs. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "httpd.h"

#ifdef __denali__
#include <denali/vregs.h>
#include <denali-os/net.h>
#endif

#define TEXT_SIZE	2048

struct out {
	char *text;
	int len;
	int json;
	int first;
};

static void add(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct out *o, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(o->text + o->len, TEXT_SIZE - o->len, fmt, args);
	va_end(args);
	o->len += n;
	if (o->len >= TEXT_SIZE)
		o->len = TEXT_SIZE - 1;
}

static void group_begin(struct out *o, const char *name)
{
	if (o->json)
		add(o, "%s\n  \"%s\": {", o->first ? "" : ",", name);
	else
		add(o, "%s%s\n", o->first ? "" : "\n", name);
	o->first = 1;
}

static void group_end(struct out *o)
{
	if (o->json)
		add(o, "\n  }");
	o->first = 0;
}

static void number(struct out *o, const char *name, uint64_t value)
{
	if (o->json)
		add(o, "%s\n    \"%s\": %" PRIu64, o->first ? "" : ",", name, value);
	else
		add(o, "  %-20s %" PRIu64 "\n", name, value);
	o->first = 0;
}

static void machine(struct out *o)
{
#ifdef __denali__
	struct denali_nic_counters nic;
	char name[8] = "eth0";
	unsigned int i;

	group_begin(o, "vm");
	number(o, "memory_bytes", DENALI_VREGS->mem_size);
	number(o, "run_ns", DENALI_VREGS->run_ns);
	number(o, "steal_ns", DENALI_VREGS->steal_ns);
	number(o, "net_heap_bytes", denali_net_memory_used());
	group_end(o);
	for (i = 0; !denali_nic_stats(i, &nic); i++) {
		name[3] = '0' + i;
		group_begin(o, name);
		number(o, "rx_frames", nic.rx_frames);
		number(o, "rx_bytes", nic.rx_bytes);
		number(o, "rx_drops", nic.rx_drops);
		number(o, "rx_copied", nic.rx_copied);
		number(o, "tx_frames", nic.tx_frames);
		number(o, "tx_bytes", nic.tx_bytes);
		number(o, "tx_errors", nic.tx_errors);
		number(o, "tx_busy", nic.tx_busy);
		number(o, "interrupts", nic.interrupts);
		number(o, "doorbells", nic.doorbells);
		group_end(o);
	}
#else
	(void)o;
#endif
}

int httpd_status_text(char **text, int json)
{
	const struct httpd_counters *n = &httpd_counters;
	struct out o = { .text = malloc(TEXT_SIZE), .json = json, .first = 1 };
	static struct timespec start;
	struct timespec now;

	/* The first call is main()'s. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!start.tv_sec && !start.tv_nsec)
		start = now;
	if (!o.text)
		return -1;
	if (json)
		add(&o, "{");
	group_begin(&o, "httpd");
	number(&o, "uptime_s", now.tv_sec - start.tv_sec);
	number(&o, "requests", n->requests);
	number(&o, "responses_2xx", n->by_class[2]);
	number(&o, "responses_3xx", n->by_class[3]);
	number(&o, "responses_4xx", n->by_class[4]);
	number(&o, "responses_5xx", n->by_class[5]);
	number(&o, "bytes_sent", n->bytes);
	number(&o, "connections", n->accepted);
	number(&o, "connections_open", n->open);
	number(&o, "connections_most", n->open_max);
	number(&o, "connections_limit", n->limit);
	number(&o, "timeouts", n->timeouts);
	number(&o, "evicted", n->evicted);
	group_end(&o);
	machine(&o);
	if (json)
		add(&o, "\n}\n");
	*text = o.text;
	return o.len;
}
