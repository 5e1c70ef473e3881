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
 * Trace fields (RFC 5321 4.4, RFC 3848 for the protocol's name).
 */

#include <sys/types.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "smtp_local.h"

#define TRACE_DATE_SIZE 48

static int
add(char *, size_t, size_t *, const char *, const char *, const char *);

int
smtp_trace_print(
    const struct smtp_trace *trace, char *buf, size_t size, size_t *len)
{
	char date[TRACE_DATE_SIZE];
	const char *literal;

	*len = 0;
	smtp_date_print(trace->when, date, sizeof(date));
	if (trace->from != NULL &&
	    add(buf, size, len, "Return-Path: <", trace->from, ">\r\n") == -1)
		return -1;
	if (trace->from != NULL && trace->rcpt != NULL &&
	    add(buf, size, len, "Delivered-To: ", trace->rcpt, "\r\n") == -1)
		return -1;
	if (add(buf, size, len, "Received: from ", trace->helo, "") == -1)
		return -1;
	if (trace->peer != NULL) {
		literal = strchr(trace->peer, ':') != NULL ? " ([IPv6:" : " ([";
		if (add(buf, size, len, literal, trace->peer, "])") == -1)
			return -1;
	}
	if (add(buf, size, len, "\r\n\tby ", trace->host, "") == -1 ||
	    add(buf, size, len, " with ", trace->protocol, "") == -1 ||
	    add(buf, size, len, " id ", trace->id, "") == -1)
		return -1;
	if (trace->tls != NULL &&
	    add(buf, size, len, "\r\n\t(", trace->tls, ")") == -1)
		return -1;
	if (trace->rcpt != NULL &&
	    add(buf, size, len, "\r\n\tfor <", trace->rcpt, ">") == -1)
		return -1;
	return add(buf, size, len, ";\r\n\t", date, "\r\n");
}

/* strftime(3) would ask the locale. */
void
smtp_date_print(int64_t when, char *buf, size_t size)
{
	static const char days[7][4] = {
	    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm tm;
	time_t t;

	t = (time_t)when;
	if (gmtime_r(&t, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	(void)snprintf(buf, size, "%s, %d %s %d %02d:%02d:%02d +0000",
	    days[tm.tm_wday % 7], tm.tm_mday, months[tm.tm_mon % 12],
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Appends a, b and c; -1 if they do not fit. */
static int
add(char *buf, size_t size, size_t *len, const char *a, const char *b,
    const char *c)
{
	const char *parts[3] = {a, b, c};
	size_t n;

	for (size_t i = 0; i < 3; i++) {
		n = strlen(parts[i]);
		if (n > size - *len)
			return -1;
		memcpy(buf + *len, parts[i], n);
		*len += n;
	}
	return 0;
}
