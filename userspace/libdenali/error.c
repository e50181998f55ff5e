// SPDX-License-Identifier: MIT
/*
 * Error objects, and reading and writing of the values that they and the
 * callers' commands name: sizes and addresses.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netlink/errno.h>

#include "internal.h"

const char *denali_lib_version(void)
{
	return DENALI_VERSION;
}

/* File names and text from elsewhere end up in messages: nothing may reach a terminal raw. */
void denali_text_clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
			*text = '?';
}

int denali_fail(struct denali_error *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		err->code = code;
		va_start(ap, fmt);
		vsnprintf(err->message, sizeof(err->message), fmt, ap);
		va_end(ap);
		denali_text_clean(err->message);
	}
	return -code;
}

int denali_nl_errno(int nle)
{
	switch (-nle) {
	case NLE_PERM:
	case NLE_NOACCESS:
		return EPERM;
	case NLE_OBJ_NOTFOUND:
		return ENOENT;
	case NLE_NODEV:
		return ENODEV;
	case NLE_EXIST:
		return EEXIST;
	case NLE_BUSY:
		return EBUSY;
	case NLE_NOMEM:
		return ENOMEM;
	case NLE_INTR:
		return EINTR;
	case NLE_AGAIN:
		return EAGAIN;
	case NLE_OPNOTSUPP:
		return EOPNOTSUPP;
	case NLE_INVAL:
		return EINVAL;
	default:
		return EIO;
	}
}

int denali_size_parse(const char *text, uint64_t *bytes, struct denali_error *err)
{
	unsigned long long value;
	unsigned int shift = 0;
	char *end;

	if (!isdigit((unsigned char)*text))
		return denali_fail(err, EINVAL,
				   "size '%s': not a number with an optional K, M or G", text);

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno)
		return denali_fail(err, ERANGE, "size '%s': beyond 64 bits", text);

	switch (toupper((unsigned char)*end)) {
	case 'K':
		shift = 10;
		break;
	case 'M':
		shift = 20;
		break;
	case 'G':
		shift = 30;
		break;
	}
	if (shift)
		end++;
	if (shift && !strcasecmp(end, "iB"))
		end += 2;
	else if (!strcasecmp(end, "B"))
		end++;
	if (*end)
		return denali_fail(err, EINVAL,
				   "size '%s': not a number with an optional K, M or G", text);
	if (value > UINT64_MAX >> shift)
		return denali_fail(err, ERANGE, "size '%s': beyond 64 bits", text);

	*bytes = value << shift;
	return 0;
}

char *denali_size_format(char *buf, uint64_t bytes)
{
	static const char * const units[] = { "bytes", "KiB", "MiB", "GiB" };
	unsigned int i = 0;

	while (bytes && i < 3 && !(bytes & 1023)) {
		bytes >>= 10;
		i++;
	}
	snprintf(buf, DENALI_SIZE_TEXT, "%llu %s", (unsigned long long)bytes, units[i]);
	return buf;
}

int denali_mac_parse(const char *text, uint8_t mac[6], struct denali_error *err)
{
	static const uint8_t zero[6];
	const char *p = text;
	unsigned int i;

	for (i = 0; i < 6; i++) {
		unsigned int byte;

		if (!isxdigit((unsigned char)p[0]) || !isxdigit((unsigned char)p[1]) ||
		    p[2] != (i < 5 ? ':' : '\0') || sscanf(p, "%2x", &byte) != 1)
			return denali_fail(err, EINVAL,
					   "MAC address '%s': not of the form 02:00:00:aa:bb:cc",
					   text);
		mac[i] = byte;
		p += 3;
	}
	if (mac[0] & 1)
		return denali_fail(err, EINVAL,
				   "MAC address '%s': is a multicast address; the first byte must be even",
				   text);
	if (!memcmp(mac, zero, 6))
		return denali_fail(err, EINVAL, "MAC address '%s': is all zero", text);
	return 0;
}
