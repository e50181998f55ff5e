// SPDX-License-Identifier: GPL-2.0
/*
 * top's lines, for the screen and for batch mode.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "top.h"

/* Widths but that of the name; those of words are negative. */
static const struct {
	const char *title;
	int width;
} columns[TOP_KEYS] = {
	[TOP_ID] = { "ID", 5 },
	[TOP_NAME] = { "NAME", 0 },
	[TOP_STATE] = { "STATE", -8 },
	[TOP_CPU] = { "%CPU", 6 },
	[TOP_STEAL] = { "%STEAL", 6 },
	[TOP_EXITS] = { "EXITS/s", 7 },
	[TOP_HYPERCALLS] = { "HCALL/s", 7 },
	[TOP_RX] = { "RX/s", 6 },
	[TOP_TX] = { "TX/s", 6 },
	[TOP_MEMORY] = { "MEMORY", 7 },
	[TOP_OWNER] = { "OWNER", -8 },
	[TOP_TIME] = { "CPU TIME", 10 },
};

static void add(char *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(char *buf, const char *fmt, ...)
{
	size_t used = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + used, TOP_LINE - used, fmt, ap);
	va_end(ap);
}

static void add_cell(char *buf, enum top_key key, int name_width, const char *text)
{
	int width = key == TOP_NAME ? -name_width : columns[key].width;

	/* What is last has nothing behind it to line up. */
	if (key == TOP_KEYS - 1 && width < 0)
		width = 0;
	add(buf, "%s%*s", key ? " " : "", width, text);
}

/* In five columns: 12345, 123k, 12.3M. */
static void count_text(char *buf, size_t size, double value, double unit, const char *units)
{
	if (value < (unit == 1000 ? 99999.5 : unit)) {
		snprintf(buf, size, "%.0f", value);
		return;
	}
	while (value >= unit - 0.5 && *units) {
		value /= unit;
		units++;
	}
	snprintf(buf, size, value < 99.95 && value != (int)value ? "%.1f%c" : "%.0f%c", value,
		 units[-1]);
}

/* Minutes, as in top(1). */
static void time_text(char *buf, size_t size, uint64_t ns)
{
	snprintf(buf, size, "%llu:%05.2f", (unsigned long long)(ns / 60000000000ULL),
		 ns % 60000000000ULL / 10000000 / 100.0);
}

static void cell_text(char *buf, size_t size, const struct top_row *row, enum top_key key)
{
	switch (key) {
	case TOP_ID:
		snprintf(buf, size, "%llu", (unsigned long long)row->vm->id);
		break;
	case TOP_NAME:
		snprintf(buf, size, "%s", row->vm->name);
		break;
	case TOP_STATE:
		snprintf(buf, size, "%s", top_state(row->vm));
		break;
	case TOP_OWNER:
		snprintf(buf, size, "%s", row->owner);
		break;
	case TOP_CPU:
	case TOP_STEAL:
		snprintf(buf, size, "%.1f", row->value[key]);
		break;
	case TOP_MEMORY:
		count_text(buf, size, row->value[key], 1024, "KMGT");
		break;
	case TOP_TIME:
		time_text(buf, size, row->vm->run_ns);
		break;
	default:
		count_text(buf, size, row->value[key], 1000, "kMGT");
	}
}

/* As wide as the longest name needs, but no more than @most. */
int top_name_width(const struct top *top, int most)
{
	int width = strlen(columns[TOP_NAME].title), len;
	size_t i;

	for (i = 0; i < top->shown && width < most; i++) {
		len = strlen(top->rows[i].vm->name);
		if (len > width)
			width = len;
	}
	return width < most ? width : most;
}

void top_title_line(int name_width, char *buf)
{
	enum top_key key;

	*buf = '\0';
	for (key = 0; key < TOP_KEYS; key++)
		add_cell(buf, key, name_width, columns[key].title);
}

void top_row_line(const struct top_row *row, int name_width, char *buf)
{
	enum top_key key;
	char text[64];

	*buf = '\0';
	for (key = 0; key < TOP_KEYS; key++) {
		cell_text(text, sizeof(text), row, key);
		if (key == TOP_NAME && (int)strlen(text) > name_width)
			text[name_width] = '\0';
		add_cell(buf, key, name_width, text);
	}
}

static void head_states(const struct top *top, char *buf)
{
	static const unsigned int states[] = {
		DENALI_VM_CREATED, DENALI_VM_WAITING, DENALI_VM_STOPPED, DENALI_VM_TEMPLATE,
		DENALI_VM_ENDED
	};
	time_t now = time(NULL);
	char when[16] = "";
	struct tm tm;
	size_t i;

	if (localtime_r(&now, &tm))
		strftime(when, sizeof(when), "%H:%M:%S", &tm);
	add(buf, "%s  %zu VMs: %zu running, %zu idle", when, top->count,
	    top->in_state[DENALI_VM_RUNNING], top->idle);
	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (top->in_state[states[i]])
			add(buf, ", %zu %s", top->in_state[states[i]], denali_vm_state_name(states[i]));
	if (top->shown != top->count)
		add(buf, "; %zu shown", top->shown);
}

static void head_sums(const struct top *top, char *buf)
{
	static const struct {
		enum top_key key;
		const char *name;
	} sums[] = {
		{ TOP_EXITS, "exits" }, { TOP_HYPERCALLS, "hypercalls" }, { TOP_RX, "rx" },
		{ TOP_TX, "tx" },
	};
	char text[64];
	size_t i;

	add(buf, "CPU %.1f%%, steal %.1f%%; a second:", top->total[TOP_CPU], top->total[TOP_STEAL]);
	for (i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		count_text(text, sizeof(text), top->total[sums[i].key], 1000, "kMGT");
		add(buf, "%s %s %s", i ? "," : "", text, sums[i].name);
	}
	count_text(text, sizeof(text), top->total[TOP_MEMORY], 1024, "KMGT");
	add(buf, "; memory %s", text);
}

void top_head_line(const struct top *top, int line, char *buf)
{
	*buf = '\0';
	if (line)
		head_sums(top, buf);
	else
		head_states(top, buf);
}
