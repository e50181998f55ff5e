// SPDX-License-Identifier: GPL-2.0
/*
 * Words of the command line: options anywhere, keywords that may be cut, numbers, and
 * the VMs that they name.
 */
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

static int ctl_usage_status(void)
{
	/* The status of run is the guest's: its own mistakes must not look like one. */
	return ctl_current && ctl_current->run == ctl_cmd_run ? CTL_NOT_RUN : CTL_USAGE;
}

void ctl_usage_error(const struct denali_error *err)
{
	ctl_fail(err);
	if (!ctl_json && ctl_current)
		ctl_print_grammar(stderr, ctl_current, "Usage: ");
	else if (!ctl_json)
		fprintf(stderr, "denalictl --help lists the commands\n");
	exit(ctl_usage_status());
}

void ctl_usage(const char *fmt, ...)
{
	struct denali_error err = { .code = EINVAL };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err.message, sizeof(err.message), fmt, ap);
	va_end(ap);
	ctl_usage_error(&err);
}

/* Options of all commands; true if the word was one. */
bool ctl_option(const char *word)
{
	if (!strcmp(word, "-j") || !strcmp(word, "--json")) {
		ctl_json = true;
		return true;
	}
	if (!strcmp(word, "-p") || !strcmp(word, "--pretty")) {
		ctl_json = true;
		ctl_pretty = true;
		return true;
	}
	if (!strcmp(word, "-h") || !strcmp(word, "--help"))
		ctl_help_current();
	return false;
}

const char *ctl_next(struct ctl_words *words)
{
	while (words->count) {
		const char *word = *words->word++;

		words->count--;
		if (!ctl_option(word))
			return word;
	}
	return NULL;
}

const char *ctl_need(struct ctl_words *words, const char *what)
{
	const char *word = ctl_next(words);

	/* Boot arguments begin there: it is nobody's value. */
	if (!word || !strcmp(word, "--"))
		ctl_usage("%s is missing", what);
	return word;
}

/* Lists the keywords that begin with the first @len bytes of @word; how many, and the first. */
static int ctl_matches(const char *word, size_t len, const char * const *keywords, int *first,
		       char *list, size_t size)
{
	size_t used = 0;
	int i, nr = 0;

	for (i = 0; keywords[i]; i++) {
		if (strncmp(word, keywords[i], len))
			continue;
		if (!nr++)
			*first = i;
		if (used < size)
			used += snprintf(list + used, size - used, "%s%s", used ? ", " : "",
					 keywords[i]);
	}
	return nr;
}

/* Index of the keyword that @word is, or cuts unambiguously. */
int ctl_keyword(const char *word, const char * const *keywords, const char *what)
{
	char list[256];
	int i, nr, found;

	for (i = 0; keywords[i]; i++)
		if (!strcmp(word, keywords[i]))
			return i;

	nr = *word ? ctl_matches(word, strlen(word), keywords, &found, list, sizeof(list)) : 0;
	if (nr > 1)
		ctl_usage("%s '%s' is ambiguous: %s", what, word, list);
	if (!nr) {
		ctl_matches(word, 0, keywords, &found, list, sizeof(list));
		ctl_usage("%s '%s' is unknown; there is %s", what, word, list);
	}
	return found;
}

unsigned long ctl_number_from(const char *word, const char *what, unsigned long min,
			      unsigned long max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(word, &end, 10);
	if (*word < '0' || *word > '9' || *end || errno || value < min || value > max)
		ctl_usage("%s '%s': not a number from %lu to %lu", what, word, min, max);
	return value;
}

unsigned long ctl_number(const char *word, const char *what, unsigned long max)
{
	return ctl_number_from(word, what, 0, max);
}

/* A user's name or number; false: neither. */
bool ctl_user_parse(const char *text, uint32_t *uid)
{
	const struct passwd *pw = getpwnam(text);
	unsigned long value;
	char *end;

	if (pw) {
		*uid = pw->pw_uid;
		return true;
	}
	/* One more than the last is nobody at all. */
	value = strtoul(text, &end, 10);
	*uid = value;
	return *text >= '0' && *text <= '9' && !*end && value < UINT32_MAX;
}

void ctl_end(struct ctl_words *words)
{
	const char *word = ctl_next(words);

	if (word)
		ctl_usage("'%s' is one word too many", word);
}

/* Opens a VM and says so if that fails. */
struct denali_vm *ctl_open_vm(int dev, const char *who)
{
	struct denali_error err;
	struct denali_vm *vm = denali_vm_open(dev, who, &err);

	if (!vm)
		ctl_fail(&err);
	return vm;
}

/* The same for a command on one VM, which needs the device for nothing else. */
struct denali_vm *ctl_open_one(const char *who)
{
	struct denali_error err;
	struct denali_vm *vm;
	int dev = denali_dev_open(&err);

	if (dev < 0) {
		ctl_fail(&err);
		return NULL;
	}
	vm = ctl_open_vm(dev, who);
	close(dev);
	return vm;
}

/* All VMs that the asker may see; says so if that fails. The caller frees the list. */
int ctl_list_vms(struct denali_vm_stats **list, size_t *count)
{
	struct denali_error err;
	struct denali_nl *nl = denali_nl_open(&err);
	int ret;

	if (!nl)
		return ctl_fail(&err);
	ret = denali_stats_list(nl, list, count, &err);
	denali_nl_close(nl);
	return ret ? ctl_fail(&err) : CTL_OK;
}
