/* SPDX-License-Identifier: GPL-2.0 */
/*
 * denalictl: what its files share. A command is one file, cmd_NAME.c, with one
 * function that takes the words behind its name and returns an exit status.
 */
#ifndef DENALI_CTL_H
#define DENALI_CTL_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <json-c/json.h>

#include <denali.h>

/* Exit statuses; the manual page lists them. */
#define CTL_OK			0
#define CTL_FAILED		1
#define CTL_USAGE		2
#define CTL_TIMEOUT		124	/* wait: time is up */
#define CTL_VM_FAILED		125	/* the guest faulted, panicked or broke the guest ABI */
#define CTL_NOT_RUN		126	/* run: the VM could not be started */
#define CTL_VM_KILLED		137	/* somebody killed the VM */
#define CTL_SIGNAL		128	/* + signal that ended denalictl */

struct ctl_words {
	char **word;
	int count;
};

struct ctl_command {
	const char *name;
	int (*run)(struct ctl_words *words);
	const char *grammar;	/* lines without a final newline */
	const char *summary;
};

/* main.c */
extern const struct ctl_command *ctl_current;
__attribute__((noreturn)) void ctl_help_current(void);
void ctl_print_grammar(FILE *f, const struct ctl_command *command, const char *first);

/*
 * args.c: words and keywords. Nothing has been done yet when words are read, so
 * these end the program on a mistake.
 */
void ctl_usage(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void ctl_usage_error(const struct denali_error *err) __attribute__((noreturn));
bool ctl_option(const char *word);
const char *ctl_next(struct ctl_words *words);
const char *ctl_need(struct ctl_words *words, const char *what);
int ctl_keyword(const char *word, const char * const *keywords, const char *what);
unsigned long ctl_number(const char *word, const char *what, unsigned long max);
unsigned long ctl_number_from(const char *word, const char *what, unsigned long min,
			      unsigned long max);
bool ctl_user_parse(const char *text, uint32_t *uid);
void ctl_end(struct ctl_words *words);
struct denali_vm *ctl_open_vm(int dev, const char *who);
struct denali_vm *ctl_open_one(const char *who);
int ctl_list_vms(struct denali_vm_stats **list, size_t *count);

/* out.c: the one print path */
extern bool ctl_json;
extern bool ctl_pretty;

struct ctl_column {
	const char *key;
	const char *title;
};

void ctl_add(struct json_object *obj, const char *key, struct json_object *value);
void ctl_add_string(struct json_object *obj, const char *key, const char *value);
void ctl_add_uint(struct json_object *obj, const char *key, uint64_t value);
void ctl_add_bool(struct json_object *obj, const char *key, bool value);
void ctl_add_hex(struct json_object *obj, const char *key, uint32_t value);
void ctl_add_mac(struct json_object *obj, const char *key, const uint8_t mac[6]);
void ctl_add_cpus(struct json_object *obj, const char *key, const uint64_t *cpus);
int ctl_print(struct json_object *value);
int ctl_print_table(struct json_object *rows, const struct ctl_column *columns);
int ctl_print_json(struct json_object *value);
int ctl_print_line(struct json_object *value, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int ctl_flush(void);
int ctl_fail(const struct denali_error *err);
void ctl_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* vmjson.c: a VM as an object */
struct json_object *ctl_vm_object(const struct denali_vm_stats *vm);
struct json_object *ctl_port_object(const struct denali_port_stats *port);

/* report.c: how a VM ended */
struct json_object *ctl_end_object(const struct denali_vm_state *state);
int ctl_end_status(const struct denali_vm_state *state);
void ctl_end_report(const struct denali_vm_state *state);
void ctl_end_line(const struct denali_vm_state *state, char *buf, size_t size);

/* share.c: keywords about the CPUs */
extern const char * const ctl_share_keywords[];
void ctl_share_keyword(struct ctl_words *words, int keyword, struct denali_vm_share *share);

/* boot.c: from an image and keywords to a VM that is ready to start */
#define CTL_MAX_NICS	15

struct ctl_nic_words {
	struct denali_nic_config config;
	uint8_t mac[6];
};

struct ctl_boot {
	const char *image;
	const char *template;	/* instead of an image */
	const char *name;
	uint64_t memory;
	struct denali_admission adm;
	bool wait;
	pid_t teller;		/* says that it waits */
	bool start;
	unsigned int count;	/* of clones, 0: one, without a number */
	unsigned int nr_nics;
	struct ctl_nic_words nics[CTL_MAX_NICS];
	struct denali_vm_share share;
	char *cmdline;
	size_t cmdline_len;

	int dev;
	struct denali_vm *vm;
	struct denali_nic *nic[CTL_MAX_NICS];
};

void ctl_nic_plug_words(struct ctl_words *words, struct ctl_nic_words *nic);
void ctl_nic_check(const struct ctl_nic_words *nic);
bool ctl_nic_keyword(struct ctl_words *words, int keyword, struct ctl_nic_words *nic);
/* Where a VM comes from. */
enum ctl_source {
	CTL_FROM_ANY,		/* IMAGE or template NAME */
	CTL_FROM_IMAGE,
	CTL_FROM_TEMPLATE,
};

void ctl_boot_parse(struct ctl_boot *boot, struct ctl_words *words, enum ctl_source source,
		    bool may_start);
int ctl_boot_make(struct ctl_boot *boot, unsigned int flags, struct denali_error *err);
void ctl_boot_undo(struct ctl_boot *boot);
void ctl_boot_close(struct ctl_boot *boot);
const char *ctl_boot_started(const struct ctl_boot *boot);
struct denali_nic *ctl_nic_plug(const struct denali_nic_config *config, struct denali_vm *vm,
				uint32_t *port, struct denali_error *err);
void ctl_nic_notes(const struct denali_nic *nic);

/* Signals that end the program are held back while something is half made. */
void ctl_signals_block(void);
int ctl_signals_fd(void);
int ctl_signals_pending(void);

/* stream.c: the console on standard input and output */
enum ctl_stream_end {
	CTL_STREAM_ENDED,	/* the VM has ended and all is printed */
	CTL_STREAM_SIGNAL,
	CTL_STREAM_DETACHED,
	CTL_STREAM_OUTPUT,	/* standard output can't be written */
};

struct ctl_stream {
	int vm_fd;
	int console;
	bool input;		/* pass on standard input */
	bool detach;		/* ^] or end of input on a terminal ends it */
	bool dump;		/* print what is there and end */
	int signal;		/* OUT */
};

enum ctl_stream_end ctl_stream_run(struct ctl_stream *stream);

/* Commands. */
int ctl_cmd_check(struct ctl_words *words);
int ctl_cmd_clone(struct ctl_words *words);
int ctl_cmd_console(struct ctl_words *words);
int ctl_cmd_create(struct ctl_words *words);
int ctl_cmd_destroy(struct ctl_words *words);
int ctl_cmd_kill(struct ctl_words *words);
int ctl_cmd_list(struct ctl_words *words);
int ctl_cmd_monitor(struct ctl_words *words);
int ctl_cmd_nic(struct ctl_words *words);
int ctl_cmd_pool(struct ctl_words *words);
int ctl_cmd_reset(struct ctl_words *words);
int ctl_cmd_restart(struct ctl_words *words);
int ctl_cmd_run(struct ctl_words *words);
int ctl_cmd_set(struct ctl_words *words);
int ctl_cmd_show(struct ctl_words *words);
int ctl_cmd_start(struct ctl_words *words);
int ctl_cmd_stop(struct ctl_words *words);
int ctl_cmd_switch(struct ctl_words *words);
int ctl_cmd_tenant(struct ctl_words *words);
int ctl_cmd_template(struct ctl_words *words);
int ctl_cmd_top(struct ctl_words *words);
int ctl_cmd_version(struct ctl_words *words);
int ctl_cmd_wait(struct ctl_words *words);

/* each.c: a verb on several VMs */
int ctl_each(struct ctl_words *words,
	     int (*verb)(struct denali_vm *vm, struct denali_error *err));

#endif /* DENALI_CTL_H */
