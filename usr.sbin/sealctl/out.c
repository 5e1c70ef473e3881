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
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sealctl.h"

static struct {
	const struct column *columns;
	size_t n;
	size_t next; /* index of the next field */
	size_t rows;
	bool head; /* the names of the columns were printed */
	bool json;
	bool used;
	bool wide; /* text may hold more than ASCII */
} out;

/* Names are UTF-8; what is not is told by a question mark. */
#define REPLACEMENT "\\ufffd"

/*
 * The octets of the character of UTF-8 (RFC 3629) that s begins with, and its
 * number; 0 if there is none.
 */
static size_t
utf8_char(const char *s, uint32_t *point)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char c = (unsigned char)*s;
	uint32_t v;
	size_t len, i;

	if (c < 0x80) {
		*point = c;
		return c == '\0' ? 0 : 1;
	}
	len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	v = c & (0x7fU >> len);
	for (i = 1; i < len; i++) {
		c = (unsigned char)s[i];
		if ((c & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (c & 0x3f);
	}
	if (v < smallest[len] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	*point = v;
	return len;
}

/* Neither a control nor what turns the order of the text around it. */
static bool
shows(uint32_t v)
{
	if (v < 0x80)
		return isgraph((unsigned char)v);
	return v > 0xa0 && v != 0xad && !(v >= 0x200b && v <= 0x200f) &&
	    !(v >= 0x2028 && v <= 0x202e) && !(v >= 0x2060 && v <= 0x206f) &&
	    v != 0xfeff && !(v >= 0xfff9 && v <= 0xfffb) && v < 0xe0000 &&
	    (v & 0xfffe) != 0xfffe;
}

/* A terminal that is not said to know UTF-8 gets ASCII. */
void
out_init(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	const char *value = NULL;

	out.wide = !isatty(STDOUT_FILENO);
	for (size_t i = 0; i < 3 && (value == NULL || *value == '\0'); i++)
		value = getenv(names[i]);
	if (value != NULL &&
	    (strcasestr(value, "utf-8") != NULL ||
		strcasestr(value, "utf8") != NULL))
		out.wide = true;
}

static void
json_string(const char *s)
{
	uint32_t v;
	size_t len;

	(void)putchar('"');
	for (; *s != '\0'; s += len) {
		len = utf8_char(s, &v);
		if (len == 0) {
			(void)fputs(REPLACEMENT, stdout);
			len = 1;
		} else if (v == '"' || v == '\\')
			(void)printf("\\%c", (char)v);
		else if (v < 0x20 || v == 0x7f)
			(void)printf("\\u%04x", v);
		else
			(void)fwrite(s, 1, len, stdout);
	}
	(void)putchar('"');
}

static void
plain_string(const char *s, int width, bool blanks)
{
	uint32_t v;
	size_t len;
	int n;

	for (n = 0; *s != '\0'; s += len, n++) {
		len = utf8_char(s, &v);
		if (len == 0) {
			(void)putchar('?');
			len = 1;
		} else if (v < 0x80 ? shows(v) || (blanks && v == ' ') :
				      out.wide && shows(v))
			(void)fwrite(s, 1, len, stdout);
		else
			(void)putchar('?');
	}
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
	out.used = true;
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

bool
out_used(void)
{
	return out.used;
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
