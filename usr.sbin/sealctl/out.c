/*
 * Copyright (c) 2026 The Sealmail authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

/*
 * What sealctl prints: records of named fields, either as aligned columns
 * under a line of names or as one JSON array of objects.  Text is printed with
 * everything that a terminal could act upon replaced.
 */

#include <sys/types.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sealctl.h"

static struct {
	const struct column *columns;
	size_t n;
	size_t next; /* index of the next field */
	size_t rows;
	bool head; /* the names of the columns were printed */
	bool json;
} out;

static void
json_string(const char *s)
{
	unsigned char c;

	(void)putchar('"');
	for (; (c = (unsigned char)*s) != '\0'; s++) {
		if (c == '"' || c == '\\')
			(void)printf("\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			(void)printf("\\u%04x", c);
		else
			(void)putchar(c);
	}
	(void)putchar('"');
}

static void
plain_string(const char *s, int width, bool blanks)
{
	unsigned char c;
	int n;

	for (n = 0; (c = (unsigned char)s[n]) != '\0'; n++)
		(void)putchar(isgraph(c) || (blanks && c == ' ') ? c : '?');
	if (n == 0) {
		(void)putchar('-');
		n = 1;
	}
	for (; n < width; n++)
		(void)putchar(' ');
}

void
out_start(const struct column *columns, size_t n, bool json)
{
	out.columns = columns;
	out.n = n;
	out.next = 0;
	out.rows = 0;
	out.head = false;
	out.json = json;
	if (json)
		(void)putchar('[');
}

/* Above the first record: what fails before it says nothing but why. */
static void
head(void)
{
	char name[32];
	size_t i, k;

	out.head = true;
	for (i = 0; i < out.n; i++) {
		(void)strlcpy(name, out.columns[i].name, sizeof(name));
		for (k = 0; name[k] != '\0'; k++)
			name[k] = (char)toupper((unsigned char)name[k]);
		plain_string(
		    name, i + 1 < out.n ? out.columns[i].width : 0, false);
		(void)putchar(i + 1 < out.n ? ' ' : '\n');
	}
}

/* Before a field: what separates it from the one before. */
static const struct column *
field(void)
{
	const struct column *c = &out.columns[out.next];

	if (!out.json && !out.head)
		head();
	if (out.json) {
		if (out.next == 0)
			(void)fputs(out.rows == 0 ? "\n  {" : ",\n  {", stdout);
		else
			(void)fputs(", ", stdout);
		json_string(c->name);
		(void)fputs(": ", stdout);
	} else if (out.next > 0)
		(void)putchar(' ');
	return c;
}

static void
field_done(void)
{
	if (++out.next < out.n)
		return;
	out.next = 0;
	out.rows++;
	(void)putchar(out.json ? '}' : '\n');
}

void
out_text(const char *s)
{
	const struct column *c = field();

	if (out.json)
		json_string(s);
	else
		plain_string(s, out.next + 1 < out.n ? c->width : 0,
		    c->kind == COLUMN_SENTENCE);
	field_done();
}

void
out_number(uint64_t v)
{
	const struct column *c = field();

	if (out.json)
		(void)printf("%llu", (unsigned long long)v);
	else
		(void)printf("%-*llu", out.next + 1 < out.n ? c->width : 0,
		    (unsigned long long)v);
	field_done();
}

void
out_time(int64_t v)
{
	const struct column *c = field();
	char date[32];
	struct tm tm;
	time_t t = (time_t)v;

	if (out.json) {
		(void)printf("%lld", (long long)v);
	} else {
		if (v == 0 || gmtime_r(&t, &tm) == NULL ||
		    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm) ==
			0)
			(void)strlcpy(date, "-", sizeof(date));
		plain_string(date, out.next + 1 < out.n ? c->width : 0, false);
	}
	field_done();
}

size_t
out_rows(void)
{
	return out.rows;
}

int
out_end(int code)
{
	if (out.json)
		(void)fputs(out.rows == 0 ? "]\n" : "\n]\n", stdout);
	else if (!out.head && code == 0)
		head();
	if (fflush(stdout) == EOF || ferror(stdout))
		return -1;
	return 0;
}
