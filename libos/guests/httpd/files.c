// SPDX-License-Identifier: MIT
/* The files that were linked into the image, and what their names say of them. */
#include <string.h>
#include <strings.h>
#include "httpd.h"

const struct httpd_file *httpd_file_find(const char *path)
{
	size_t low = 0, high = httpd_files_count, mid;
	int cmp;

	while (low < high) {
		mid = (low + high) / 2;
		cmp = strcmp(path, httpd_files[mid].path);
		if (!cmp)
			return &httpd_files[mid];
		if (cmp < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const char *httpd_file_type(const char *path)
{
	static const struct {
		char suffix[8];
		const char *type;
	} types[] = {
		{ "html", "text/html; charset=utf-8" },
		{ "css", "text/css; charset=utf-8" },
		{ "js", "text/javascript; charset=utf-8" },
		{ "txt", "text/plain; charset=utf-8" },
		{ "json", "application/json" },
		{ "svg", "image/svg+xml" },
		{ "png", "image/png" },
		{ "jpg", "image/jpeg" },
		{ "jpeg", "image/jpeg" },
		{ "gif", "image/gif" },
		{ "ico", "image/x-icon" },
		{ "webp", "image/webp" },
		{ "woff2", "font/woff2" },
		{ "wasm", "application/wasm" },
		{ "pdf", "application/pdf" },
		{ "xml", "application/xml" },
	};
	const char *dot = strrchr(path, '.');
	size_t i;

	if (dot && !strchr(dot, '/'))
		for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
			if (!strcasecmp(dot + 1, types[i].suffix))
				return types[i].type;
	return "application/octet-stream";
}
