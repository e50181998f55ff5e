/* SPDX-License-Identifier: GPL-2.0 */
/*
 * top: what its files share. top.c knows the VMs and their rates, topui.c what is drawn of
 * them and what keys do, screen.c the terminal.
 */
#ifndef DENALI_TOP_H
#define DENALI_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <denali.h>

#define TOP_LINE	512	/* bytes of a line, the end included */
#define TOP_HEAD_LINES	2
#define TOP_DELAY_MAX	86400	/* s */

/* Columns, in the order in which they are shown. */
enum top_key {
	TOP_ID,
	TOP_NAME,
	TOP_STATE,
	TOP_CPU,
	TOP_STEAL,
	TOP_EXITS,
	TOP_HYPERCALLS,
	TOP_RX,
	TOP_TX,
	TOP_MEMORY,
	TOP_OWNER,
	TOP_TIME,
	TOP_KEYS,
};

extern const char * const top_keywords[TOP_KEYS + 1];

/**
 * struct top_row - a VM
 * @vm:    as of the last dump
 * @value: what it is sorted by, for columns that are numbers: ids, percent, rates per
 *         second, bytes, ns
 * @owner: a user's name, or the number
 */
struct top_row {
	const struct denali_vm_stats *vm;
	const char *owner;
	double value[TOP_KEYS];
};

/**
 * struct top - VMs, how fast their counters go, and which are shown in which order
 * @sort, @reverse: by what; numbers fall, unless reversed, and words rise
 * @name:     part of a name or, with any of *?[, a pattern; empty: all
 * @by_owner, @uid: only this user's
 * @busy_only: only those that have run
 * @rows, @shown: those to be shown, in order
 * @total:    of all VMs, shown or not
 * @in_state: how many of them, by DENALI_VM_*; the idle ones are not among the running
 * @interval: ns between the last two dumps, which all rates are of; 0: there was just one
 */
struct top {
	struct denali_nl *nl;
	struct denali_vm_stats *list, *before;
	size_t count, count_before;
	uint64_t at;			/* when the dump was taken, as top_now() tells */
	uint64_t wall;			/* and by the wall clock, ns */
	uint64_t interval;		/* since the one before, ns; 0: there is none */

	enum top_key sort;
	bool reverse;
	char name[DENALI_NAME_SIZE];
	bool by_owner;
	uid_t uid;
	bool busy_only;

	struct top_row *all, *rows;
	size_t shown;
	double total[TOP_KEYS];
	size_t in_state[DENALI_VM_WAITING + 1];
	size_t idle;
};

/* top.c */
int top_update(struct top *top, struct denali_error *err);
void top_arrange(struct top *top);
void top_close(struct top *top);
const char *top_state(const struct denali_vm_stats *vm);
bool top_delay_parse(const char *text, double *delay);
uint64_t top_now(void);

/* toptext.c: lines of text, without an end of line */
int top_name_width(const struct top *top, int most);
void top_head_line(const struct top *top, int line, char *buf);
void top_title_line(int name_width, char *buf);
void top_row_line(const struct top_row *row, int name_width, char *buf);

/* topui.c */
int top_interactive(struct top *top, double delay, unsigned long count);

/* screen.c: the terminal */
enum screen_key {
	SCREEN_UP = 256,
	SCREEN_DOWN,
	SCREEN_LEFT,
	SCREEN_RIGHT,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_HOME,
	SCREEN_END,
	SCREEN_ESCAPE,
	SCREEN_OTHER,	/* a key that means nothing here */
	SCREEN_NOTHING,	/* time is up */
	SCREEN_RESIZED,	/* or back after a stop: draw again */
	SCREEN_GONE,	/* the terminal is */
};

enum screen_style { SCREEN_PLAIN, SCREEN_BOLD, SCREEN_REVERSE };

int screen_enter(struct denali_error *err);
void screen_leave(void);
int screen_wait(uint64_t until);
void screen_size(int *lines, int *columns);
void screen_begin(void);
void screen_line(const char *text, enum screen_style style);
int screen_show(struct denali_error *err);

#endif /* DENALI_TOP_H */
