// SPDX-License-Identifier: GPL-2.0
/*
 * The one print path: a command builds an object, which is printed as JSON or, with
 * units by the names of its keys (_bytes, _ns), as text. So text never says more
 * than JSON. Results go to standard output, errors to standard error, both as JSON
 * with -j.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

bool ctl_json;
bool ctl_pretty;

#define CTL_MAX_COLUMNS	16

static struct json_object *ctl_checked(struct json_object *value)
{
	if (!value) {
		fprintf(stderr, "denalictl: out of memory\n");
		exit(CTL_FAILED);
	}
	return value;
}

void ctl_add(struct json_object *obj, const char *key, struct json_object *value)
{
	if (json_object_object_add(obj, key, ctl_checked(value)))
		ctl_checked(NULL);
}

void ctl_add_string(struct json_object *obj, const char *key, const char *value)
{
	ctl_add(obj, key, json_object_new_string(value));
}

void ctl_add_uint(struct json_object *obj, const char *key, uint64_t value)
{
	ctl_add(obj, key, json_object_new_uint64(value));
}

void ctl_add_bool(struct json_object *obj, const char *key, bool value)
{
	ctl_add(obj, key, json_object_new_boolean(value));
}

void ctl_add_hex(struct json_object *obj, const char *key, uint32_t value)
{
	char text[16];

	snprintf(text, sizeof(text), "0x%08x", value);
	ctl_add_string(obj, key, text);
}

/* A list of CPUs, "all" if all are in it. */
void ctl_add_cpus(struct json_object *obj, const char *key, const uint64_t *cpus)
{
	char text[512];
	unsigned int i;

	for (i = 0; i < DENALI_CPUS_MAX / 64 && cpus[i] == UINT64_MAX; i++)
		;
	ctl_add_string(obj, key, i == DENALI_CPUS_MAX / 64 ? "all" :
		       denali_cpus_format(text, sizeof(text), cpus));
}

void ctl_add_mac(struct json_object *obj, const char *key, const uint8_t mac[6])
{
	char text[18];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	ctl_add_string(obj, key, text);
}

static bool ends_in(const char *key, const char *suffix)
{
	size_t k = strlen(key), s = strlen(suffix);

	return k >= s && !strcmp(key + k - s, suffix);
}

/* A plain value as text; lists of plain values are joined by commas. */
static void text_value(const char *key, struct json_object *value, char *buf, size_t size)
{
	size_t i, used = 0;

	switch (json_object_get_type(value)) {
	case json_type_boolean:
		snprintf(buf, size, "%s", json_object_get_boolean(value) ? "yes" : "no");
		break;
	case json_type_int:
		if (ends_in(key, "_bytes") && size >= DENALI_SIZE_TEXT)
			denali_size_format(buf, json_object_get_uint64(value));
		else if (ends_in(key, "_ns"))
			snprintf(buf, size, "%.6f s", json_object_get_uint64(value) / 1e9);
		else
			snprintf(buf, size, "%s", json_object_get_string(value));
		break;
	case json_type_array:
		snprintf(buf, size, "-");
		for (i = 0; i < json_object_array_length(value) && used + 1 < size; i++) {
			snprintf(buf + used, size - used, "%s%s", i ? "," : "",
				 json_object_get_string(json_object_array_get_idx(value, i)));
			used += strlen(buf + used);
		}
		break;
	case json_type_string:
		snprintf(buf, size, "%s", *json_object_get_string(value) ?
			 json_object_get_string(value) : "-");
		break;
	default:
		snprintf(buf, size, "-");
	}
}

/* "run_ns" is printed as "run": the unit stands behind the value. */
static void text_key(const char *key, char *buf, size_t size)
{
	char *p;

	snprintf(buf, size, "%s", key);
	if (ends_in(buf, "_bytes"))
		buf[strlen(buf) - strlen("_bytes")] = '\0';
	else if (ends_in(buf, "_ns"))
		buf[strlen(buf) - strlen("_ns")] = '\0';
	for (p = buf; *p; p++)
		if (*p == '_')
			*p = ' ';
}

static bool is_plain(struct json_object *value)
{
	if (json_object_is_type(value, json_type_object))
		return false;
	return !json_object_is_type(value, json_type_array) ||
	       !json_object_array_length(value) ||
	       !json_object_is_type(json_object_array_get_idx(value, 0), json_type_object);
}

static void text_object(struct json_object *obj, int indent)
{
	char name[64], text[512];

	json_object_object_foreach(obj, key, value) {
		size_t i;

		text_key(key, name, sizeof(name));
		if (is_plain(value)) {
			text_value(key, value, text, sizeof(text));
			printf("%*s%-*s %s\n", indent, "", 16 - indent, name, text);
		} else if (json_object_is_type(value, json_type_object)) {
			printf("%*s%s\n", indent, "", name);
			text_object(value, indent + 2);
		} else {
			for (i = 0; i < json_object_array_length(value); i++) {
				/* "ports" is a list: each of it is a port. */
				printf("%*s%.*s %zu\n", indent, "", (int)strlen(name) - 1, name,
				       i);
				text_object(json_object_array_get_idx(value, i), indent + 2);
			}
		}
	}
}

/*
 * Output that can't be written is a failure like any other; but a reader that has seen
 * enough, such as head(1), needn't be told of it.
 */
int ctl_flush(void)
{
	struct denali_error err;

	if (!fflush(stdout) && !ferror(stdout))
		return CTL_OK;
	err.code = errno;
	if (err.code == EPIPE)
		return CTL_SIGNAL + SIGPIPE;
	snprintf(err.message, sizeof(err.message), "standard output: %s", strerror(err.code));
	return ctl_fail(&err);
}

/* Prints and drops @value as JSON. */
int ctl_print_json(struct json_object *value)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

	if (ctl_pretty)
		flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
	printf("%s\n", json_object_to_json_string_ext(ctl_checked(value), flags));
	json_object_put(value);
	return ctl_flush();
}

/* Prints and drops @value: an object, or a list of objects with a blank line between. */
int ctl_print(struct json_object *value)
{
	size_t i;

	if (ctl_json)
		return ctl_print_json(value);

	if (json_object_is_type(value, json_type_array)) {
		for (i = 0; i < json_object_array_length(value); i++) {
			if (i)
				printf("\n");
			text_object(json_object_array_get_idx(value, i), 0);
		}
	} else {
		text_object(value, 0);
	}
	json_object_put(value);
	return ctl_flush();
}

static void text_cell(const char *text, int width, bool last)
{
	if (last)
		printf("%s\n", text);
	else
		printf("%-*s  ", width, text);
}

/* Prints and drops a list of objects as a table of some of their keys. */
int ctl_print_table(struct json_object *rows, const struct ctl_column *columns)
{
	size_t nr = json_object_array_length(rows), row;
	int width[CTL_MAX_COLUMNS];
	char text[512];
	int col, pass;

	if (ctl_json)
		return ctl_print_json(rows);

	for (col = 0; columns[col].key; col++)
		width[col] = strlen(columns[col].title);
	for (pass = 0; pass < 2; pass++) {
		for (col = 0; pass && columns[col].key; col++)
			text_cell(columns[col].title, width[col], !columns[col + 1].key);
		for (row = 0; row < nr; row++) {
			struct json_object *obj = json_object_array_get_idx(rows, row);

			for (col = 0; columns[col].key; col++) {
				struct json_object *value = NULL;

				json_object_object_get_ex(obj, columns[col].key, &value);
				text_value(columns[col].key, value, text, sizeof(text));
				if (!pass && (int)strlen(text) > width[col])
					width[col] = strlen(text);
				if (pass)
					text_cell(text, width[col], !columns[col + 1].key);
			}
		}
	}
	json_object_put(rows);
	return ctl_flush();
}

/* Prints and drops @value: one line of JSON, or the text (none if @fmt is NULL). */
int ctl_print_line(struct json_object *value, const char *fmt, ...)
{
	va_list ap;

	if (ctl_json)
		return ctl_print_json(value);
	json_object_put(value);
	if (fmt) {
		va_start(ap, fmt);
		vprintf(fmt, ap);
		va_end(ap);
		printf("\n");
	}
	return ctl_flush();
}

int ctl_fail(const struct denali_error *err)
{
	if (ctl_json) {
		struct json_object *outer = ctl_checked(json_object_new_object());
		struct json_object *inner = ctl_checked(json_object_new_object());
		const char *code = strerrorname_np(err->code);

		ctl_add_string(inner, "code", code ? code : "EIO");
		ctl_add_uint(inner, "errno", err->code);
		ctl_add_string(inner, "message", err->message);
		ctl_add(outer, "error", inner);
		fprintf(stderr, "%s\n",
			json_object_to_json_string_ext(outer, JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(outer);
	} else {
		fprintf(stderr, "denalictl: %s\n", err->message);
	}
	return CTL_FAILED;
}

/* Something to know that is no error. */
void ctl_note(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (ctl_json) {
		struct json_object *obj = ctl_checked(json_object_new_object());

		ctl_add_string(obj, "note", text);
		fprintf(stderr, "%s\n",
			json_object_to_json_string_ext(obj, JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(obj);
	} else {
		fprintf(stderr, "denalictl: note: %s\n", text);
	}
}
