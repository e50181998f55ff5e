// SPDX-License-Identifier: MIT
/*
 * Ending the VM. Formats its message itself: stdio may be what is broken, or not
 * in the image.
 */
#include <stdarg.h>
#include <stddef.h>

#include <denali/hypercall.h>
#include <denali/vregs.h>
#include <denali-os/panic.h>

#define DENALI_PANIC_MAX	119	/* the host cuts there */

struct text {
	char buf[DENALI_PANIC_MAX];
	unsigned int len;
};

static void text_char(struct text *text, char c)
{
	if (text->len < sizeof(text->buf))
		text->buf[text->len++] = c;
}

static void text_number(struct text *text, unsigned long value, unsigned int base)
{
	char digits[12];
	int n = 0;

	do
		digits[n++] = "0123456789abcdef"[value % base];
	while ((value /= base));
	while (n)
		text_char(text, digits[--n]);
}

static void text_format(struct text *text, const char *fmt, va_list ap)
{
	for (; *fmt; fmt++) {
		const char *s;
		long value;

		if (*fmt != '%') {
			text_char(text, *fmt);
			continue;
		}
		do
			fmt++;
		while (*fmt == 'l');
		switch (*fmt) {
		case 's':
			for (s = va_arg(ap, const char *); s && *s; s++)
				text_char(text, *s);
			break;
		case 'd':
			value = va_arg(ap, long);
			if (value < 0)
				text_char(text, '-');
			text_number(text, value < 0 ? -(unsigned long)value : (unsigned long)value, 10);
			break;
		case 'u':
			text_number(text, va_arg(ap, unsigned long), 10);
			break;
		case 'p':
			text_char(text, '0');
			text_char(text, 'x');
			__attribute__((fallthrough));
		case 'x':
			text_number(text, va_arg(ap, unsigned long), 16);
			break;
		case 'c':
			text_char(text, va_arg(ap, int));
			break;
		case '\0':
			return;
		default:
			text_char(text, *fmt);
		}
	}
}

void denali_panic(const char *fmt, ...)
{
	struct text text = { .len = 0 };
	va_list ap;

	DENALI_VREGS->irq_enabled = 0;
	va_start(ap, fmt);
	text_format(&text, fmt, ap);
	va_end(ap);
	for (;;)
		denali_hypercall3(DENALI_HC_PANIC, (uintptr_t)text.buf, text.len, 0);
}

void denali_exit(int status)
{
	for (;;)
		denali_hypercall3(DENALI_HC_EXIT, status, 0, 0);
}
