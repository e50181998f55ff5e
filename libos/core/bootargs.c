// SPDX-License-Identifier: MIT
/* Boot arguments: key=value words of the virtual registers' command line. */
#include <stdlib.h>
#include <string.h>

#include <denali/vregs.h>
#include <denali-os/bootargs.h>

/* Copy one word without its quotes, cut to @size. Return: what follows the word. */
static const char *word_copy(const char *from, char *buf, size_t size)
{
	int quoted = 0;
	size_t n = 0;

	for (; *from && (quoted || *from != ' '); from++) {
		if (*from == '"')
			quoted = !quoted;
		else if (n + 1 < size)
			buf[n++] = *from;
	}
	if (size)
		buf[n] = '\0';
	return from;
}

char *denali_bootarg(const char *key, char *buf, size_t size)
{
	const char *at = (const char *)DENALI_VREGS->cmdline;
	size_t len = strlen(key);
	char *found = NULL;

	while (*at) {
		if (*at == ' ') {
			at++;
		} else if (!strncmp(at, key, len) && (at[len] == '=' || at[len] == ' ' || !at[len])) {
			at = word_copy(at[len] == '=' ? at + len + 1 : at + len, buf, size);
			found = buf;
		} else {
			at = word_copy(at, NULL, 0);
		}
	}
	return found;
}

long denali_bootarg_int(const char *key, long def)
{
	char buf[24], *end;
	long value;

	if (!denali_bootarg(key, buf, sizeof(buf)))
		return def;
	value = strtol(buf, &end, 0);
	return end == buf || *end ? def : value;
}
