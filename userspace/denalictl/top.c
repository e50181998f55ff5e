// SPDX-License-Identifier: GPL-2.0
/*
 * top's VMs: one dump an iteration, and rates by what has changed since the one before. Both
 * come in order of id, so no VM is searched for. Nothing here asks the system about a single
 * VM; owners' names are asked for once each.
 */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"
#include "top.h"

const char * const top_keywords[] = {
	[TOP_ID] = "id",
	[TOP_NAME] = "name",
	[TOP_STATE] = "state",
	[TOP_CPU] = "cpu",
	[TOP_STEAL] = "steal",
	[TOP_EXITS] = "exits",
	[TOP_HYPERCALLS] = "hypercalls",
	[TOP_RX] = "rx",
	[TOP_TX] = "tx",
	[TOP_MEMORY] = "memory",
	[TOP_OWNER] = "owner",
	[TOP_TIME] = "time",
	NULL
};

static uint64_t now_by(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

uint64_t top_now(void)
{
	return now_by(CLOCK_MONOTONIC);
}

const char *top_state(const struct denali_vm_stats *vm)
{
	return vm->state == DENALI_VM_RUNNING && vm->idle ? "idle" : denali_vm_state_name(vm->state);
}

/* Seconds, such as 0.5. */
bool top_delay_parse(const char *text, double *delay)
{
	char *end;

	*delay = strtod(text, &end);
	return isdigit((unsigned char)*text) && !*end && *delay >= 0.1 && *delay <= TOP_DELAY_MAX;
}

/* Names stay for as long as the program: there are few. */
static const char *owner_name(uid_t uid)
{
	static struct owner {
		struct owner *next;
		uid_t uid;
		char name[33];
	} *owners;
	const struct passwd *pw;
	struct owner *o;
	char *c;

	for (o = owners; o; o = o->next)
		if (o->uid == uid)
			return o->name;
	o = calloc(1, sizeof(*o));
	if (!o)
		return "?";
	pw = getpwuid(uid);
	o->uid = uid;
	snprintf(o->name, sizeof(o->name), "%u", uid);
	if (pw)
		snprintf(o->name, sizeof(o->name), "%s", pw->pw_name);
	for (c = o->name; *c; c++)
		if (!isascii(*c) || !isgraph(*c))
			*c = '?';
	o->next = owners;
	owners = o;
	return o->name;
}

/* Counters of a VM that is new count from 0, which is when it began. */
static double rate(uint64_t now, uint64_t before, double seconds)
{
	return now > before && seconds > 0 ? (now - before) / seconds : 0;
}

static uint64_t exits(const struct denali_vm_stats *vm)
{
	return vm->exits_hypercall + vm->exits_interrupt + vm->exits_nmi + vm->exits_mce +
	       vm->exits_exception;
}

static uint64_t packets(const struct denali_vm_stats *vm, bool tx)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < vm->nr_ports; i++)
		sum += tx ? vm->ports[i].tx_packets : vm->ports[i].rx_packets;
	return sum;
}

static void row_fill(struct top_row *row, const struct denali_vm_stats *vm,
		     const struct denali_vm_stats *was, double seconds)
{
	row->vm = vm;
	row->owner = owner_name(vm->uid);
	row->value[TOP_ID] = vm->id;
	row->value[TOP_CPU] = rate(vm->run_ns, was->run_ns, seconds) / 1e7;
	row->value[TOP_STEAL] = rate(vm->steal_ns, was->steal_ns, seconds) / 1e7;
	row->value[TOP_EXITS] = rate(exits(vm), exits(was), seconds);
	row->value[TOP_HYPERCALLS] = rate(vm->hypercalls, was->hypercalls, seconds);
	row->value[TOP_RX] = rate(packets(vm, false), packets(was, false), seconds);
	row->value[TOP_TX] = rate(packets(vm, true), packets(was, true), seconds);
	row->value[TOP_MEMORY] = vm->mem_bytes;
	row->value[TOP_TIME] = vm->run_ns;
}

static bool is_shown(const struct top *top, const struct top_row *row)
{
	const char *name = row->vm->name;

	if (top->by_owner && row->vm->uid != top->uid)
		return false;
	if (top->busy_only && !(row->value[TOP_CPU] > 0))
		return false;
	if (strpbrk(top->name, "*?["))
		return !fnmatch(top->name, name, 0);
	return strstr(name, top->name);
}

static int compare(const void *va, const void *vb, void *arg)
{
	const struct top_row *a = va, *b = vb;
	const struct top *top = arg;
	enum top_key key = top->sort;
	int order;

	if (key == TOP_NAME)
		order = strcmp(a->vm->name, b->vm->name);
	else if (key == TOP_OWNER)
		order = strcmp(a->owner, b->owner);
	else if (key == TOP_STATE)
		order = strcmp(top_state(a->vm), top_state(b->vm));
	else if (key == TOP_ID)
		order = (a->vm->id > b->vm->id) - (a->vm->id < b->vm->id);
	else
		order = (a->value[key] < b->value[key]) - (a->value[key] > b->value[key]);
	if (top->reverse)
		order = -order;
	return order ? order : (a->vm->id > b->vm->id) - (a->vm->id < b->vm->id);
}

/* What is to be shown has changed. */
void top_arrange(struct top *top)
{
	size_t i;

	top->shown = 0;
	for (i = 0; i < top->count; i++)
		if (is_shown(top, &top->all[i]))
			top->rows[top->shown++] = top->all[i];
	qsort_r(top->rows, top->shown, sizeof(*top->rows), compare, top);
}

static void add_up(struct top *top, const struct top_row *row)
{
	enum top_key key;

	for (key = 0; key < TOP_KEYS; key++)
		top->total[key] += row->value[key];
	if (row->vm->state == DENALI_VM_RUNNING && row->vm->idle)
		top->idle++;
	else if (row->vm->state <= DENALI_VM_WAITING)
		top->in_state[row->vm->state]++;
}

static int rows_make(struct top *top, double seconds, struct denali_error *err)
{
	static const struct denali_vm_stats none;
	size_t i, j = 0;

	free(top->all);
	free(top->rows);
	top->all = calloc(top->count + 1, sizeof(*top->all));
	top->rows = calloc(top->count + 1, sizeof(*top->rows));
	top->shown = 0;
	if (!top->all || !top->rows) {
		top->count = 0;
		err->code = ENOMEM;
		snprintf(err->message, sizeof(err->message), "top: out of memory");
		return -ENOMEM;
	}
	memset(top->total, 0, sizeof(top->total));
	memset(top->in_state, 0, sizeof(top->in_state));
	top->idle = 0;
	for (i = 0; i < top->count; i++) {
		while (j < top->count_before && top->before[j].id < top->list[i].id)
			j++;
		row_fill(&top->all[i], &top->list[i],
			 j < top->count_before && top->before[j].id == top->list[i].id ?
			 &top->before[j] : &none, seconds);
		add_up(top, &top->all[i]);
	}
	return 0;
}

/* Take a dump. */
int top_update(struct top *top, struct denali_error *err)
{
	struct denali_vm_stats *list;
	uint64_t now;
	size_t count;
	int ret;

	ret = denali_stats_list(top->nl, &list, &count, err);
	if (ret)
		return ret;
	/* In this order two looks are no nearer by the wall clock than the pause from at. */
	top->wall = now_by(CLOCK_REALTIME);
	now = top_now();
	top->interval = top->at ? now - top->at : 0;
	top->at = now;
	free(top->before);
	top->before = top->list;
	top->count_before = top->count;
	top->list = list;
	top->count = count;
	ret = rows_make(top, top->interval / 1e9, err);
	if (!ret)
		top_arrange(top);
	return ret;
}

void top_close(struct top *top)
{
	denali_nl_close(top->nl);
	free(top->list);
	free(top->before);
	free(top->all);
	free(top->rows);
}
