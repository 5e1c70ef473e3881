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
 * Dates of messages (RFC 5322 3.3, and 4.3 for the obsolete forms).
 */

#include <sys/types.h>

#include <string.h>

#include "mime_local.h"

static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
    "jul", "aug", "sep", "oct", "nov", "dec"};

static const struct {
	const char *name;
	int minutes;
} zones[] = {
    {"ut", 0},
    {"gmt", 0},
    {"utc", 0},
    {"est", -300},
    {"edt", -240},
    {"cst", -360},
    {"cdt", -300},
    {"mst", -420},
    {"mdt", -360},
    {"pst", -480},
    {"pdt", -420},
};

struct cursor {
	const char *s;
	size_t len, pos;
};

/* A number of up to max digits; -1 if there is none; digits in *n. */
static int
number(struct cursor *c, size_t max, size_t *n)
{
	int v = 0;

	*n = 0;
	while (c->pos < c->len && *n < max && c->s[c->pos] >= '0' &&
	    c->s[c->pos] <= '9') {
		v = v * 10 + (c->s[c->pos++] - '0');
		(*n)++;
	}
	return *n > 0 ? v : -1;
}

static void
skip(struct cursor *c)
{
	c->pos = skip_cfws(c->s, c->len, c->pos);
	while (
	    c->pos < c->len && (c->s[c->pos] == ',' || c->s[c->pos] == '-')) {
		if (c->s[c->pos] == '-' && c->pos + 1 < c->len && c->pos > 0 &&
		    c->s[c->pos - 1] == ' ')
			break; /* the sign of a zone */
		c->pos = skip_cfws(c->s, c->len, c->pos + 1);
	}
}

static size_t
word(struct cursor *c, char *out, size_t size)
{
	size_t n = 0;
	int ch;

	for (; c->pos < c->len; c->pos++) {
		ch = lower((unsigned char)c->s[c->pos]);
		if (ch < 'a' || ch > 'z')
			break;
		if (n + 1 < size)
			out[n++] = (char)ch;
	}
	out[n] = '\0';
	return n;
}

/* Days since 1970-01-01 of a Gregorian date. */
static int64_t
days(int y, int m, int d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = y / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool
day_valid(int y, int m, int d)
{
	static const int length[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return d >= 1 && d <= length[m - 1] + (m == 2 && leap);
}

static int
zone_parse(struct cursor *c)
{
	char name[6];
	size_t i, n;
	int sign, v;

	skip(c);
	if (c->pos < c->len && (c->s[c->pos] == '+' || c->s[c->pos] == '-')) {
		sign = c->s[c->pos++] == '-' ? -1 : 1;
		v = number(c, 4, &n);
		if (n == 2)
			v *= 100;
		if (n == 2 && c->pos < c->len && c->s[c->pos] == ':') {
			c->pos++;
			v += number(c, 2, &n);
			n = 4;
		}
		if (v < 0 || (n != 4 && n != 2) || v % 100 > 59 || v > 2359)
			return 0;
		return sign * (v / 100 * 60 + v % 100);
	}
	(void)word(c, name, sizeof(name));
	for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		if (strcmp(name, zones[i].name) == 0)
			return zones[i].minutes;
	}
	return 0; /* military and unknown zones mean nothing (4.3) */
}

/* Day, month, year in the order of the RFC, or month first (asctime). */
static int
date_part(struct cursor *c, int *y, int *m, int *d)
{
	char name[12];
	size_t n;
	int i;

	*d = number(c, 2, &n);
	skip(c);
	if (word(c, name, sizeof(name)) < 3)
		return -1;
	for (i = 0; i < 12 && strncmp(name, months[i], 3) != 0; i++)
		continue;
	if (i == 12)
		return -1;
	*m = i + 1;
	skip(c);
	if (*d == -1) {
		*d = number(c, 2, &n);
		return *d == -1 ? -1 : 0; /* the year comes last */
	}
	*y = number(c, 4, &n);
	if (*y == -1)
		return -1;
	if (n == 2)
		*y += *y < 50 ? 2000 : 1900;
	else if (n == 3)
		*y += 1900;
	return 0;
}

int
mime_date_parse(const char *s, size_t len, int64_t *seconds, int *zone)
{
	struct cursor c = {s, len, 0};
	int y = -1, m = 0, d = 0, hour, min, sec = 0;
	char name[12];
	size_t n, at;

	skip(&c);
	at = c.pos;
	if (word(&c, name, sizeof(name)) > 0) {
		/* A weekday, or else the month of a date without one. */
		for (n = 0; n < 12 && strncmp(name, months[n], 3) != 0; n++)
			continue;
		if (n < 12 && strlen(name) == 3)
			c.pos = at;
		else if (c.pos < c.len && c.s[c.pos] == '.')
			c.pos++;
	}
	skip(&c);
	if (date_part(&c, &y, &m, &d) == -1)
		return -1;
	skip(&c);
	hour = number(&c, 2, &n);
	if (c.pos >= c.len || (c.s[c.pos] != ':' && c.s[c.pos] != '.'))
		return -1;
	c.pos++;
	min = number(&c, 2, &n);
	if (c.pos < c.len && (c.s[c.pos] == ':' || c.s[c.pos] == '.')) {
		c.pos++;
		sec = number(&c, 2, &n);
	}
	if (y == -1) {
		skip(&c);
		at = c.pos;
		if ((y = number(&c, 4, &n)) == -1 || n != 4)
			return -1;
	}
	if (hour < 0 || hour > 23 || min < 0 || min > 59 || sec < 0 ||
	    sec > 60 || y < 1900 || !day_valid(y, m, d))
		return -1;
	*zone = zone_parse(&c);
	*seconds = days(y, m, d) * 86400 + hour * 3600 + min * 60 + sec -
	    (int64_t)*zone * 60;
	return 0;
}
