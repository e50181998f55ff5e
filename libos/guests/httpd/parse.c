// SPDX-License-Identifier: MIT
/*
 * Parser for HTTP/1.x requests (RFC 9112), strict where leniency lets two
 * parsers disagree on where a request ends: bare CR or LF, white space before a
 * colon, folded lines, two lengths, a length beside a transfer coding and
 * control characters are all refused, and after a refusal the connection ends.
 * It does no input or output and takes no memory, so it can be tested anywhere.
 */
#include <string.h>
#include <strings.h>
#include "parse.h"

#define C_TOKEN		0x1	/* in method and field names */
#define C_TARGET	0x2	/* in a request target */
#define C_HOST		0x4

static int char_is(unsigned char c, int class)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return 1;
	if (!c)
		return 0;
	switch (class) {
	case C_TOKEN:
		return !!strchr("!#$%&'*+-.^_`|~", c);
	case C_HOST:
		return !!strchr("-._~!$&'()*+,;=:[]%", c);
	default:
		return c > 0x20 && c < 0x7f && c != '#';
	}
}

static int all_are(const char *s, size_t len, int class)
{
	while (len--)
		if (!char_is(*s++, class))
			return 0;
	return 1;
}

static int refuse(struct http_request *req, int status, const char *why)
{
	if (!req->status) {
		req->status = status;
		req->why = why;
	}
	return -1;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decode %XX in place. Return: the new length, or -1. */
static int percent_decode(char *s)
{
	char *out = s, *start = s;
	int hi, lo;

	for (; *s; s++) {
		if (*s != '%') {
			*out++ = *s;
			continue;
		}
		hi = hex(s[1]);
		lo = hi < 0 ? -1 : hex(s[2]);
		if (lo < 0 || !(hi | lo))
			return -1;
		*out++ = hi << 4 | lo;
		s += 2;
	}
	*out = '\0';
	return out - start;
}

/* Take out empty and "." segments in place; ".." isn't for names in an archive. */
static int path_clean(char *path)
{
	char *in = path, *out = path;
	size_t len;

	while (*in) {
		while (*in == '/')
			in++;
		len = strcspn(in, "/");
		if (len == 2 && in[0] == '.' && in[1] == '.')
			return -1;
		if (!len || (len == 1 && in[0] == '.')) {
			if (!in[len])
				*out++ = '/';
			in += len;
			continue;
		}
		*out++ = '/';
		memmove(out, in, len);
		out += len;
		in += len;
		if (in[0] == '/' && !in[1]) {
			*out++ = '/';
			break;
		}
	}
	if (out == path)
		*out++ = '/';
	*out = '\0';
	return 0;
}

static int target_parse(struct http_request *req, char *target)
{
	char *query;

	if (!strncasecmp(target, "http://", 7) || !strncasecmp(target, "https://", 8)) {
		target = strchr(target, ':') + 3;
		target += strcspn(target, "/?");
		/* The slash that "http://host" leaves out goes where the URL's last was. */
		if (*target != '/')
			*--target = '/';
	}
	if (*target != '/')
		return refuse(req, 400, "the request target is neither a path nor a URL");
	query = strchr(target, '?');
	if (query)
		*query++ = '\0';
	req->query = query ? query : "";
	if (percent_decode(target) < 0)
		return refuse(req, 400, "bad percent encoding");
	if (path_clean(target))
		return refuse(req, 400, "\"..\" in the path");
	req->path = target;
	return 0;
}

static enum http_method method_parse(const char *s, size_t len)
{
	static const char others[][8] = {
		"POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
	};
	size_t i;

	if (len == 3 && !memcmp(s, "GET", 3))
		return HTTP_GET;
	if (len == 4 && !memcmp(s, "HEAD", 4))
		return HTTP_HEAD;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strlen(others[i]) == len && !memcmp(s, others[i], len))
			return HTTP_NOT_ALLOWED;
	return HTTP_UNKNOWN;
}

/* METHOD SP target SP HTTP/d.d, @line without its CRLF and NUL-terminated. */
static int request_line(struct http_request *req, char *line, size_t len, char **target)
{
	char *end = line + len, *sp1 = memchr(line, ' ', len), *sp2;
	const char *v;

	sp2 = sp1 ? memchr(sp1 + 1, ' ', end - sp1 - 1) : NULL;
	if (!sp2 || sp1 == line || sp2 == sp1 + 1)
		return refuse(req, 400, "malformed request line");
	v = sp2 + 1;
	if (end - v != 8 || memcmp(v, "HTTP/", 5) || v[5] < '0' || v[5] > '9' || v[6] != '.' ||
	    v[7] < '0' || v[7] > '9')
		return refuse(req, 400, "malformed HTTP version");
	if (!all_are(line, sp1 - line, C_TOKEN))
		return refuse(req, 400, "malformed method");
	if (!all_are(sp1 + 1, sp2 - sp1 - 1, C_TARGET))
		return refuse(req, 400, "bad character in the request target");
	if (v[5] != '1')
		return refuse(req, 505, "HTTP/1.0 and HTTP/1.1 are spoken here");
	req->minor = v[7] - '0';
	req->keep_alive = req->minor > 0;
	req->method = method_parse(line, sp1 - line);
	*sp2 = '\0';
	*target = sp1 + 1;
	return 0;
}

/* Is @word one of the comma-separated words of @list? */
static int list_has(const char *list, const char *word)
{
	size_t len, wlen = strlen(word);

	while (*list) {
		list += strspn(list, " \t,");
		len = strcspn(list, " \t,;");
		if (len == wlen && !strncasecmp(list, word, len))
			return 1;
		list += strcspn(list, ",");
	}
	return 0;
}

struct seen {
	int hosts, lengths, codings;
};

static int length_parse(struct http_request *req, const char *value)
{
	uint32_t n = 0;

	if (!*value)
		return refuse(req, 400, "empty Content-Length");
	for (; *value; value++) {
		if (*value < '0' || *value > '9')
			return refuse(req, 400, "malformed Content-Length");
		/* Beyond the limit the value doesn't matter any more. */
		if (n <= HTTP_BODY_MAX)
			n = n * 10 + (*value - '0');
	}
	req->body = n;
	return 0;
}

static int field_parse(struct http_request *req, struct seen *seen, char *line, size_t len)
{
	char *colon = memchr(line, ':', len), *value, *end = line + len;
	size_t nlen, i;

	if (*line == ' ' || *line == '\t')
		return refuse(req, 400, "folded header line");
	if (!colon || colon == line || !all_are(line, colon - line, C_TOKEN))
		return refuse(req, 400, "malformed header line");
	nlen = colon - line;
	value = colon + 1;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	for (i = 0; value + i < end; i++)
		if (((unsigned char)value[i] < 0x20 && value[i] != '\t') || value[i] == 0x7f)
			return refuse(req, 400, "control character in a header line");

#define FIELD(name) (nlen == sizeof(name) - 1 && !strncasecmp(line, name, nlen))
	if (FIELD("Host")) {
		seen->hosts++;
		if (!all_are(value, end - value, C_HOST))
			return refuse(req, 400, "malformed Host");
	} else if (FIELD("Content-Length")) {
		if (seen->lengths++)
			return refuse(req, 400, "more than one Content-Length");
		return length_parse(req, value);
	} else if (FIELD("Transfer-Encoding")) {
		seen->codings++;
	} else if (FIELD("Connection")) {
		if (list_has(value, "close"))
			req->keep_alive = -1;
		else if (list_has(value, "keep-alive") && !req->keep_alive)
			req->keep_alive = 1;
	} else if (FIELD("Accept")) {
		req->wants_json |= list_has(value, "application/json");
	} else if (FIELD("If-None-Match")) {
		req->etag = value;
	} else if (FIELD("Expect")) {
		if (strcasecmp(value, "100-continue"))
			return refuse(req, 417, "the only expectation known is 100-continue");
		req->expects = 1;
	}
#undef FIELD
	return 0;
}

/* @buf to @end: a complete header, each line with CRLF, without the empty one. */
static void header_parse(struct http_request *req, char *buf, char *end)
{
	struct seen seen = { 0 };
	char *line = buf, *next, *target = NULL;
	int fields = 0;

	for (; line < end; line = next) {
		/* Every LF has its CR: http_parse() saw to that. A stray CR or NUL is caught here. */
		next = memchr(line, '\n', end - line);
		next++;
		next[-2] = '\0';
		if (memchr(line, '\r', next - 2 - line) || strlen(line) != (size_t)(next - 2 - line)) {
			refuse(req, 400, "stray CR or NUL");
			return;
		}
		if (line == buf) {
			if (request_line(req, line, next - 2 - line, &target))
				return;
			continue;
		}
		if (++fields > HTTP_FIELDS_MAX) {
			refuse(req, 431, "too many header lines");
			return;
		}
		if (field_parse(req, &seen, line, next - 2 - line))
			return;
	}
	if (req->keep_alive < 0)
		req->keep_alive = 0;
	if (seen.hosts > 1 || (req->minor > 0 && !seen.hosts)) {
		refuse(req, 400, "HTTP/1.1 wants one Host");
		return;
	}
	if (seen.codings) {
		if (seen.lengths || !req->minor)
			refuse(req, 400, "Transfer-Encoding with Content-Length or in HTTP/1.0");
		else
			refuse(req, 501, "no transfer coding is taken here");
		return;
	}
	if (req->body > HTTP_BODY_MAX) {
		refuse(req, 413, "a request body of at most 65536 bytes is taken");
		return;
	}
	if (req->method == HTTP_UNKNOWN) {
		refuse(req, 501, "unknown method");
		return;
	}
	/* "*" and "host:port" belong to methods that aren't allowed here. */
	if (req->method == HTTP_NOT_ALLOWED)
		return;
	target_parse(req, target);
}

enum http_result http_parse(char *buf, size_t len, size_t room, struct http_scan *scan,
			    struct http_request *req, size_t *used)
{
	char *lf;

	memset(req, 0, sizeof(*req));
	while (scan->seen < len) {
		lf = memchr(buf + scan->seen, '\n', len - scan->seen);
		if (!lf) {
			scan->seen = len;
			break;
		}
		scan->seen = lf - buf + 1;
		if (lf == buf + scan->line || lf[-1] != '\r') {
			refuse(req, 400, "a line that ends without CR");
			*used = len;
			return HTTP_DONE;
		}
		if (lf - 1 != buf + scan->line) {
			scan->lines++;
			scan->line = scan->seen;
			continue;
		}
		/* Empty lines before a request are skipped (RFC 9112, section 2.2). */
		if (!scan->lines) {
			scan->line = scan->seen;
			scan->first = scan->seen;
			continue;
		}
		*used = scan->seen;
		header_parse(req, buf + scan->first, buf + scan->line);
		return HTTP_DONE;
	}
	if (len < room)
		return HTTP_MORE;
	refuse(req, scan->lines ? 431 : 414, scan->lines ? "header too large" : "URI too long");
	*used = len;
	return HTTP_DONE;
}
