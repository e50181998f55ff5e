// SPDX-License-Identifier: GPL-2.0
/*
 * top: VMs as they are now, again and again: on a terminal, or (-b, -j) one look after
 * another on standard output.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "top.h"

#define FIRST_SECONDS	0.5

/* One decimal is what counters of turns of 10 ms are good for. */
static void add_tenths(struct json_object *obj, const char *key, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.1f", value);
	ctl_add(obj, key, json_object_new_double_s(value, text));
}

static void add_rates(struct json_object *obj, const double *value)
{
	add_tenths(obj, "cpu_percent", value[TOP_CPU]);
	add_tenths(obj, "steal_percent", value[TOP_STEAL]);
	ctl_add_uint(obj, "exits_per_s", value[TOP_EXITS] + 0.5);
	ctl_add_uint(obj, "hypercalls_per_s", value[TOP_HYPERCALLS] + 0.5);
	ctl_add_uint(obj, "rx_packets_per_s", value[TOP_RX] + 0.5);
	ctl_add_uint(obj, "tx_packets_per_s", value[TOP_TX] + 0.5);
}

static struct json_object *row_object(const struct top_row *row)
{
	struct json_object *obj = json_object_new_object();
	const struct denali_vm_stats *vm = row->vm;

	ctl_add_uint(obj, "id", vm->id);
	ctl_add_string(obj, "name", vm->name);
	ctl_add_uint(obj, "uid", vm->uid);
	ctl_add_string(obj, "owner", row->owner);
	ctl_add_string(obj, "state", denali_vm_state_name(vm->state));
	ctl_add_bool(obj, "idle", vm->idle);
	ctl_add_uint(obj, "cpu", vm->cpu);
	add_rates(obj, row->value);
	ctl_add_uint(obj, "mem_bytes", vm->mem_bytes);
	ctl_add_uint(obj, "own_bytes", vm->own_bytes);
	ctl_add_uint(obj, "run_ns", vm->run_ns);
	ctl_add_uint(obj, "steal_ns", vm->steal_ns);
	return obj;
}

static struct json_object *look_object(const struct top *top)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *total = json_object_new_object();
	struct json_object *rows = json_object_new_array();
	unsigned int state;
	size_t i;

	ctl_add_uint(obj, "time_ns", top->wall);
	ctl_add_uint(obj, "interval_ns", top->interval);
	ctl_add_uint(total, "vms", top->count);
	ctl_add_uint(total, "idle", top->idle);
	for (state = 0; state <= DENALI_VM_WAITING; state++)
		ctl_add_uint(total, denali_vm_state_name(state), top->in_state[state]);
	add_rates(total, top->total);
	ctl_add_uint(total, "mem_bytes", top->total[TOP_MEMORY]);
	ctl_add(obj, "total", total);
	for (i = 0; i < top->shown; i++)
		json_object_array_add(rows, row_object(&top->rows[i]));
	ctl_add(obj, "vms", rows);
	return obj;
}

static int print_look(const struct top *top, bool again)
{
	int name_width, line;
	char buf[TOP_LINE];
	size_t i;

	if (ctl_json)
		return ctl_print_json(look_object(top));
	if (again)
		printf("\n");
	for (line = 0; line < TOP_HEAD_LINES; line++) {
		top_head_line(top, line, buf);
		printf("%s\n", buf);
	}
	name_width = top_name_width(top, DENALI_NAME_SIZE);
	top_title_line(name_width, buf);
	printf("%s\n", buf);
	for (i = 0; i < top->shown; i++) {
		top_row_line(&top->rows[i], name_width, buf);
		printf("%s\n", buf);
	}
	return ctl_flush();
}

static void wait_until(uint64_t when)
{
	struct timespec ts = { .tv_sec = when / 1000000000, .tv_nsec = when % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

/* The first look is of the time since right before, as there is none to compare it with. */
static int batch(struct top *top, double delay, unsigned long count)
{
	double first = delay < FIRST_SECONDS ? delay : FIRST_SECONDS;
	struct denali_error err;
	unsigned long done;
	int status;

	if (top_update(top, &err))
		return ctl_fail(&err);
	for (done = 0; !count || done < count; done++) {
		wait_until(top->at + (done ? delay : first) * 1e9);
		if (top_update(top, &err))
			return ctl_fail(&err);
		status = print_look(top, done);
		if (status)
			return status;
	}
	return CTL_OK;
}

struct options {
	bool batch;
	double delay;
	unsigned long count;
};

/* Return: whether the word was an option of top. */
static bool option(struct ctl_words *words, const char *word, struct options *opt)
{
	if (!strcmp(word, "-b")) {
		opt->batch = true;
	} else if (!strcmp(word, "-n")) {
		opt->count = ctl_number_from(ctl_need(words, "-n: a number"), "-n", 1, 1000000000);
	} else if (!strcmp(word, "-d")) {
		word = ctl_need(words, "-d: seconds");
		if (!top_delay_parse(word, &opt->delay))
			ctl_usage("-d '%s': not a number of seconds from 0.1 to %d", word,
				  TOP_DELAY_MAX);
	} else {
		return false;
	}
	return true;
}

static void keyword(struct ctl_words *words, const char *word, struct top *top)
{
	static const char * const keywords[] = {
		"sort", "reverse", "name", "owner", "busy", NULL
	};

	switch (ctl_keyword(word, keywords, "keyword")) {
	case 0:
		top->sort = ctl_keyword(ctl_need(words, "sort: a column"), top_keywords, "column");
		break;
	case 1:
		top->reverse = true;
		break;
	case 2:
		word = ctl_need(words, "name: a part of it, or a pattern");
		if (strlen(word) >= sizeof(top->name))
			ctl_usage("name '%s': at most %zu characters", word, sizeof(top->name) - 1);
		strcpy(top->name, word);
		break;
	case 3:
		word = ctl_need(words, "owner: a user");
		if (!ctl_user_parse(word, &top->uid))
			ctl_usage("owner '%s': no such user", word);
		top->by_owner = true;
		break;
	default:
		top->busy_only = true;
	}
}

/* Is there a terminal to draw on? */
static void need_terminal(void)
{
	const char *term = getenv("TERM");

	if (!isatty(STDOUT_FILENO))
		ctl_usage("top: standard output is not a terminal; use -b, or -j for JSON");
	if (!term || !*term || !strcmp(term, "dumb"))
		ctl_usage("top: TERM is '%s', a terminal that can't be drawn on; use -b, or -j for JSON",
			  term ? term : "");
}

int ctl_cmd_top(struct ctl_words *words)
{
	struct top top = { .sort = TOP_CPU };
	struct options opt = { .delay = 2 };
	struct denali_error err;
	const char *word;
	int status;

	while ((word = ctl_next(words)))
		if (!option(words, word, &opt))
			keyword(words, word, &top);
	if (!opt.batch && !ctl_json)
		need_terminal();

	top.nl = denali_nl_open(&err);
	if (!top.nl)
		return ctl_fail(&err);
	status = opt.batch || ctl_json ? batch(&top, opt.delay, opt.count) :
					 top_interactive(&top, opt.delay, opt.count);
	top_close(&top);
	return status;
}
