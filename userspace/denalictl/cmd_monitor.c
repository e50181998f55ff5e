// SPDX-License-Identifier: GPL-2.0
/*
 * monitor: events as they happen, one line each (JSON lines with -j). The first
 * line says that it listens, so that a script knows when to go on; lost events
 * are told as such.
 */
#include <errno.h>
#include <time.h>

#include <linux/denali_netlink.h>

#include "ctl.h"

struct monitor {
	uint64_t next;		/* sequence number expected; 0: not known yet */
	unsigned long left;	/* events until the end; 0: no end */
	int status;
};

static void stamp(char *buf, size_t size, struct json_object *obj)
{
	struct timespec ts;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &ts);
	ctl_add_uint(obj, "time_ns", ts.tv_sec * 1000000000ULL + ts.tv_nsec);
	localtime_r(&ts.tv_sec, &tm);
	strftime(buf, size, "%H:%M:%S", &tm);
}

static struct json_object *event_object(const char *name, char *when, size_t size)
{
	struct json_object *obj = json_object_new_object();

	ctl_add_string(obj, "event", name);
	stamp(when, size, obj);
	return obj;
}

static int print_event(const struct denali_event_info *event, void *arg)
{
	const struct denali_vm_stats *vm = &event->vm;
	struct monitor *m = arg;
	struct json_object *obj;
	char when[16];

	if (m->next && event->seq > m->next) {
		obj = event_object("lost", when, sizeof(when));
		ctl_add_uint(obj, "count", event->seq - m->next);
		m->status = ctl_print_line(obj, "%s lost %llu events", when,
					   (unsigned long long)(event->seq - m->next));
	}
	m->next = event->seq + 1;

	obj = event_object(denali_event_name(event->event), when, sizeof(when));
	ctl_add_uint(obj, "seq", event->seq);
	ctl_add(obj, "vm", ctl_vm_object(vm));
	if (vm->state == DENALI_VM_ENDED)
		m->status = ctl_print_line(obj, "%s #%llu %s VM %s (id %llu): %s, status %d%s%s",
					   when, (unsigned long long)event->seq,
					   denali_event_name(event->event), vm->name,
					   (unsigned long long)vm->id,
					   denali_vm_reason_name(vm->reason), vm->status,
					   *vm->text ? ": " : "", vm->text);
	else
		m->status = ctl_print_line(obj, "%s #%llu %s VM %s (id %llu)", when,
					   (unsigned long long)event->seq,
					   denali_event_name(event->event), vm->name,
					   (unsigned long long)vm->id);
	if (m->left && !--m->left)
		return 1;
	return m->status ? 1 : 0;
}

int ctl_cmd_monitor(struct ctl_words *words)
{
	static const char * const keywords[] = { "count", NULL };
	struct monitor m = { 0 };
	struct denali_error err;
	struct json_object *obj;
	struct denali_nl *nl;
	const char *word;
	char when[16];
	int ret;

	while ((word = ctl_next(words))) {
		ctl_keyword(word, keywords, "keyword");
		m.left = ctl_number_from(ctl_need(words, "count: a number"), "count", 1, 1000000000);
	}
	nl = denali_events_open(&err);
	if (!nl)
		return ctl_fail(&err);
	obj = event_object("listening", when, sizeof(when));
	m.status = ctl_print_line(obj, "%s listening", when);
	for (ret = 0; !ret && !m.status;)
		ret = denali_events_read(nl, print_event, &m, &err);
	denali_nl_close(nl);
	return ret < 0 ? ctl_fail(&err) : m.status;
}
