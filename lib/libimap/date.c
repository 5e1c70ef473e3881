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
 * Dates of SEARCH and APPEND (RFC 9051 section 9, date and date-time): strict,
 * four-digit years, days that exist.
 */

#include <sys/types.h>

#include <string.h>
#include <strings.h>

#include "imap_local.h"

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

int32_t
imap_days(int year, int month, int day)
{
	int32_t era, y, m, of_year;

	/* Years that begin in March end with the leap day. */
	y = month <= 2 ? year - 1 : year;
	m = month <= 2 ? month + 9 : month - 3;
	era = (y >= 0 ? y : y - 399) / 400;
	y -= era * 400;
	of_year = (153 * m + 2) / 5 + day - 1;
	return era * 146097 + y * 365 + y / 4 - y / 100 + of_year - 719468;
}

void
imap_date(int32_t days, int *year, int *month, int *day)
{
	int64_t z;
	int32_t era, of_era, y, of_year, m;

	z = (int64_t)days + 719468;
	era = (int32_t)((z >= 0 ? z : z - 146096) / 146097);
	of_era = (int32_t)(z - (int64_t)era * 146097);
	y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * y + y / 4 - y / 100);
	m = (5 * of_year + 2) / 153;
	*day = of_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = y + era * 400 + (*month <= 2);
}

/* n digits, no more and no fewer. */
static int
digits(struct imap_lex *lex, int n, int *value)
{
	*value = 0;
	for (; n > 0; n--, lex->p++) {
		if (lex->p == lex->end || *lex->p < '0' || *lex->p > '9')
			return lex_fail(lex, "Bad date");
		*value = *value * 10 + (*lex->p - '0');
	}
	return 0;
}

static int
month(struct imap_lex *lex, int *value)
{
	int i;

	if (lex->end - lex->p < 3)
		return lex_fail(lex, "Bad date");
	for (i = 0; i < 12; i++) {
		if (strncasecmp((const char *)lex->p, months + 3 * i, 3) == 0) {
			lex->p += 3;
			*value = i + 1;
			return 0;
		}
	}
	return lex_fail(lex, "Bad date");
}

static int
month_year(struct imap_lex *lex, int day, int32_t *days)
{
	int m, y, d2, m2, y2;

	if (lex_char(lex, '-') == -1 || month(lex, &m) == -1 ||
	    lex_char(lex, '-') == -1 || digits(lex, 4, &y) == -1)
		return -1;
	*days = imap_days(y, m, day);
	imap_date(*days, &y2, &m2, &d2);
	if (day != d2 || m != m2 || y != y2)
		return lex_fail(lex, "No such day");
	return 0;
}

/* date = date-text / DQUOTE date-text DQUOTE */
int
lex_date(struct imap_lex *lex, int32_t *days)
{
	bool quoted;
	int day;

	quoted = lex_peek(lex, '"');
	if (quoted)
		lex->p++;
	if (lex->end - lex->p < 2)
		return lex_fail(lex, "Bad date");
	if (digits(lex, lex->p[1] == '-' ? 1 : 2, &day) == -1 ||
	    month_year(lex, day, days) == -1)
		return -1;
	return quoted ? lex_char(lex, '"') : 0;
}

static int
zone(struct imap_lex *lex, int16_t *minutes)
{
	bool west;
	int h, m;

	west = lex_peek(lex, '-');
	if (!west && !lex_peek(lex, '+'))
		return lex_fail(lex, "Bad date");
	lex->p++;
	if (digits(lex, 2, &h) == -1 || digits(lex, 2, &m) == -1)
		return -1;
	if (m > 59)
		return lex_fail(lex, "Bad date");
	*minutes = (int16_t)(west ? -(h * 60 + m) : h * 60 + m);
	return 0;
}

/*
 * date-time = DQUOTE date-day-fixed "-" date-month "-" date-year
 *             SP time SP zone DQUOTE
 */
int
lex_date_time(struct imap_lex *lex, int64_t *utc, int16_t *minutes)
{
	int32_t days;
	int day, h, m, s;

	if (lex_char(lex, '"') == -1)
		return -1;
	if (lex_peek(lex, ' ')) {
		lex->p++;
		if (digits(lex, 1, &day) == -1)
			return -1;
	} else if (digits(lex, 2, &day) == -1)
		return -1;
	if (month_year(lex, day, &days) == -1 || lex_space(lex) == -1 ||
	    digits(lex, 2, &h) == -1 || lex_char(lex, ':') == -1 ||
	    digits(lex, 2, &m) == -1 || lex_char(lex, ':') == -1 ||
	    digits(lex, 2, &s) == -1 || lex_space(lex) == -1 ||
	    zone(lex, minutes) == -1 || lex_char(lex, '"') == -1)
		return -1;
	if (h > 23 || m > 59 || s > 60)
		return lex_fail(lex, "Bad date");
	*utc = (int64_t)days * 86400 + h * 3600 + m * 60 + s -
	    (int64_t)*minutes * 60;
	return 0;
}
