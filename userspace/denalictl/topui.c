// SPDX-License-Identifier: GPL-2.0
/*
 * top on a terminal: what is drawn, and what keys do. They are those of top(1) and htop(1), as
 * far as they have the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "top.h"

/* The first rates are of less than a delay, so that there is something to see. */
#define FIRST_NS	500000000ULL

enum prompt { PROMPT_NONE, PROMPT_NAME, PROMPT_OWNER, PROMPT_DELAY };

struct ui {
	struct top *top;
	double delay;
	size_t first;		/* of the rows, on the screen's first line for them */
	size_t page;		/* lines for rows */
	bool help;
	bool quit;
	enum prompt prompt;
	char input[DENALI_NAME_SIZE];
	const char *complaint;
};

static const char * const help_lines[] = {
	"q             end",
	"space         look again now",
	"P S E H       sort by %CPU, %STEAL, exits, hypercalls",
	"M T N A       sort by memory, CPU time, id, name",
	"< >  left right   sort by the column before, behind",
	"R             turn the order round",
	"/  or n       only names with this in them, or like this: web-*",
	"u             only this user's VMs",
	"i             only VMs that run, or all",
	"=             all VMs again",
	"d             seconds between two looks",
	"up down page home end   move through the list",
	"",
	"%STEAL: of the time, how much it could have run but had to wait: for other VMs, for",
	"        Linux, or for its cap. Counted when the wait is over. RX, TX: packets.",
	NULL
};

static const struct {
	char key;
	enum top_key sort;
} sort_keys[] = {
	{ 'P', TOP_CPU }, { 'S', TOP_STEAL }, { 'E', TOP_EXITS }, { 'H', TOP_HYPERCALLS },
	{ 'M', TOP_MEMORY }, { 'T', TOP_TIME }, { 'N', TOP_ID }, { 'A', TOP_NAME },
};

static const char *prompt_text(enum prompt prompt)
{
	static const char * const text[] = {
		[PROMPT_NONE] = "",
		[PROMPT_NAME] = "Part of the name, or a pattern; nothing for all: ",
		[PROMPT_OWNER] = "User's name or number; nothing for all: ",
		[PROMPT_DELAY] = "Seconds between two looks: ",
	};

	return text[prompt];
}

/* Between the sums and the table: a question, a complaint, or what is shown. */
static void status_line(const struct ui *ui, char *buf)
{
	const struct top *top = ui->top;
	int used;

	if (ui->prompt) {
		snprintf(buf, TOP_LINE, "%s%s_", prompt_text(ui->prompt), ui->input);
		return;
	}
	if (ui->complaint) {
		snprintf(buf, TOP_LINE, "%s", ui->complaint);
		return;
	}
	used = snprintf(buf, TOP_LINE, "by %s%s, every %g s", top_keywords[top->sort],
			top->reverse ? ", reversed" : "", ui->delay);
	if (*top->name)
		used += snprintf(buf + used, TOP_LINE - used, ", name %s", top->name);
	if (top->by_owner)
		used += snprintf(buf + used, TOP_LINE - used, ", uid %u", top->uid);
	if (top->busy_only)
		used += snprintf(buf + used, TOP_LINE - used, ", only those that run");
	snprintf(buf + used, TOP_LINE - used, "   (h: help, q: end)");
}

static void draw_table(struct ui *ui, int lines, int width)
{
	const struct top *top = ui->top;
	char buf[TOP_LINE];
	int name_width;
	size_t i;

	/* What the table has without names, to the end of MEMORY, is what 80 columns are for. */
	name_width = top_name_width(top, width > 92 ? width - 80 : 12);
	top_title_line(name_width, buf);
	screen_line(buf, SCREEN_REVERSE);

	ui->page = lines > TOP_HEAD_LINES + 2 ? lines - TOP_HEAD_LINES - 2 : 1;
	if (ui->first + ui->page > top->shown)
		ui->first = top->shown > ui->page ? top->shown - ui->page : 0;
	for (i = ui->first; i < top->shown && i < ui->first + ui->page; i++) {
		top_row_line(&top->rows[i], name_width, buf);
		screen_line(buf, SCREEN_PLAIN);
	}
}

static int draw(struct ui *ui, struct denali_error *err)
{
	int lines, width, i;
	char buf[TOP_LINE];

	screen_size(&lines, &width);
	screen_begin();
	for (i = 0; i < TOP_HEAD_LINES; i++) {
		top_head_line(ui->top, i, buf);
		screen_line(buf, SCREEN_PLAIN);
	}
	status_line(ui, buf);
	screen_line(buf, SCREEN_BOLD);
	for (i = 0; ui->help && help_lines[i]; i++)
		screen_line(help_lines[i], SCREEN_PLAIN);
	if (!ui->help)
		draw_table(ui, lines, width);
	return screen_show(err);
}

static void ask(struct ui *ui, enum prompt prompt)
{
	ui->prompt = prompt;
	*ui->input = '\0';
}

/* The answer to a question. */
static void answer(struct ui *ui)
{
	struct top *top = ui->top;
	double delay;

	switch (ui->prompt) {
	case PROMPT_NAME:
		snprintf(top->name, sizeof(top->name), "%s", ui->input);
		break;
	case PROMPT_OWNER:
		if (*ui->input && !ctl_user_parse(ui->input, &top->uid))
			ui->complaint = "No such user.";
		else
			top->by_owner = *ui->input;
		break;
	default:
		if (top_delay_parse(ui->input, &delay))
			ui->delay = delay;
		else if (*ui->input)
			ui->complaint = "Not a number of seconds from 0.1 to 86400.";
	}
	ui->prompt = PROMPT_NONE;
	top_arrange(top);
}

static void prompt_key(struct ui *ui, int key)
{
	size_t len = strlen(ui->input);

	if (key == '\r' || key == '\n') {
		answer(ui);
	} else if (key == SCREEN_ESCAPE) {
		ui->prompt = PROMPT_NONE;
	} else if (key == '\b' || key == 0177) {
		if (len)
			ui->input[len - 1] = '\0';
	} else if (key > ' ' && key < 0177 && len + 1 < sizeof(ui->input)) {
		ui->input[len] = key;
		ui->input[len + 1] = '\0';
	}
}

static void sort_by(struct ui *ui, enum top_key key)
{
	ui->top->sort = key;
	ui->first = 0;
	top_arrange(ui->top);
}

static void move_up(struct ui *ui, size_t lines)
{
	ui->first -= lines < ui->first ? lines : ui->first;
}

static void show_all(struct top *top)
{
	*top->name = '\0';
	top->by_owner = false;
	top->busy_only = false;
	top_arrange(top);
}

/* Return: whether it is time for another look. */
static bool table_key(struct ui *ui, int key)
{
	struct top *top = ui->top;
	size_t i;

	for (i = 0; i < sizeof(sort_keys) / sizeof(sort_keys[0]); i++)
		if (key == sort_keys[i].key)
			sort_by(ui, sort_keys[i].sort);
	switch (key) {
	case 'q':
	case 'Q':
		ui->quit = true;
		return true;
	case ' ':
	case '\r':
		return true;
	case 'h':
	case '?':
		ui->help = true;
		break;
	case 'R':
		top->reverse = !top->reverse;
		top_arrange(top);
		break;
	case '<':
	case SCREEN_LEFT:
		if (top->sort)
			sort_by(ui, top->sort - 1);
		break;
	case '>':
	case SCREEN_RIGHT:
		if (top->sort + 1 < TOP_KEYS)
			sort_by(ui, top->sort + 1);
		break;
	case '/':
	case 'n':
		ask(ui, PROMPT_NAME);
		break;
	case 'u':
		ask(ui, PROMPT_OWNER);
		break;
	case 'd':
	case 's':
		ask(ui, PROMPT_DELAY);
		break;
	case 'i':
		top->busy_only = !top->busy_only;
		top_arrange(top);
		break;
	case '=':
		show_all(top);
		break;
	case SCREEN_UP:
		move_up(ui, 1);
		break;
	case SCREEN_DOWN:
		ui->first++;
		break;
	case SCREEN_PAGE_UP:
		move_up(ui, ui->page);
		break;
	case SCREEN_PAGE_DOWN:
		ui->first += ui->page;
		break;
	case SCREEN_HOME:
		ui->first = 0;
		break;
	case SCREEN_END:
		ui->first = top->shown;
		break;
	}
	return false;
}

static bool on_key(struct ui *ui, int key)
{
	if (key == SCREEN_RESIZED)
		return false;
	ui->complaint = NULL;
	if (ui->prompt) {
		prompt_key(ui, key);
	} else if (ui->help) {
		ui->help = false;
		ui->quit = key == 'q';
	} else {
		return table_key(ui, key);
	}
	return false;
}

/* Until it is time for another look, or for the end. */
static int watch(struct ui *ui, uint64_t from, struct denali_error *err)
{
	bool done = false;
	int key, ret;

	do {
		uint64_t pause = ui->delay * 1e9;

		ret = draw(ui, err);
		if (ret)
			return ret;
		if (!ui->top->interval && pause > FIRST_NS)
			pause = FIRST_NS;
		key = screen_wait(from + pause);
		if (key == SCREEN_GONE) {
			err->code = EIO;
			snprintf(err->message, sizeof(err->message), "standard input: the terminal is gone");
			return -EIO;
		}
		if (key != SCREEN_NOTHING)
			done = on_key(ui, key);
	} while (key != SCREEN_NOTHING && !done && !ui->quit);
	return 0;
}

/* @count: looks, the first with rates counting; 0: until it is told to end. */
int top_interactive(struct top *top, double delay, unsigned long count)
{
	struct ui ui = { .top = top, .delay = delay };
	struct denali_error err;
	int ret;

	ret = screen_enter(&err);
	while (!ret && !ui.quit) {
		ret = top_update(top, &err);
		if (ret)
			break;
		ret = watch(&ui, top->at, &err);
		if (top->interval && count && !--count)
			break;
	}
	screen_leave();
	return ret ? ctl_fail(&err) : CTL_OK;
}
