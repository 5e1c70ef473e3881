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

/* Dates as RFC 5322 has them, as it once had them, and as they are met. */

#include <sys/types.h>

#include <atf-c.h>
#include <string.h>

#include "mime.h"

ATF_TC_WITHOUT_HEAD(good);
ATF_TC_BODY(good, tc)
{
	static const struct {
		const char *text;
		int64_t seconds;
		int zone;
	} t[] = {
	    {"Thu, 1 Jan 1970 00:00:00 +0000", 0, 0},
	    {"Mon, 01 Jan 2024 10:00:00 +0100", 1704099600, 60},
	    {"1 Jan 2024 10:00 +0100", 1704099600, 60},
	    {"Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360},
	    {"21 Nov 97 09:55:06 GMT", 880106106, 0},
	    {"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      "
	     "23:32\r\n               -0330 (Newfoundland Time)",
		-27723480, -210},
	    {"Tue, 29 Feb 2000 12:00:00 EST", 951843600, -300},
	    {"Tue, 29 Feb 2000 12:00:00 Z", 951825600, 0},
	    {"Sat, 31 Dec 2016 23:59:60 +0000", 1483228800, 0},
	    {"Thu Jan  1 00:00:00 1970", 0, 0},
	    {"1-Jan-2024 10:00:00 +0100", 1704099600, 60},
	    {"Mon, 1 January 2024 10:00:00 +01:00", 1704099600, 60},
	};
	int64_t seconds;
	size_t i;
	int zone;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		ATF_CHECK_EQ_MSG(mime_date_parse(t[i].text, strlen(t[i].text),
				     &seconds, &zone),
		    0, "%s", t[i].text);
		ATF_CHECK_EQ_MSG(seconds, t[i].seconds, "%s: %jd", t[i].text,
		    (intmax_t)seconds);
		ATF_CHECK_EQ_MSG(zone, t[i].zone, "%s: %d", t[i].text, zone);
	}
}

ATF_TC_WITHOUT_HEAD(bad);
ATF_TC_BODY(bad, tc)
{
	static const char *const t[] = {"", "yesterday", "30 Feb 2024 10:00",
	    "1 Foo 2024 10:00", "1 Jan 2024", "1 Jan 2024 24:00 +0000",
	    "1 Jan 2024 10:61", "1 Jan 99999 10:00", "99 Jan 2024 1:00",
	    "29 Feb 1900 00:00:00 +0000", "Mon,", "1 Jan 1899 00:00"};
	int64_t seconds;
	size_t i;
	int zone;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ATF_CHECK_EQ_MSG(
		    mime_date_parse(t[i], strlen(t[i]), &seconds, &zone), -1,
		    "%s", t[i]);
}

/* A zone that means nothing is UTC; it does not make the date bad. */
ATF_TC_WITHOUT_HEAD(zones);
ATF_TC_BODY(zones, tc)
{
	static const char *const t[] = {"1 Jan 2024 10:00 +9999",
	    "1 Jan 2024 10:00 XYZ", "1 Jan 2024 10:00 A",
	    "1 Jan 2024 10:00 +1"};
	int64_t seconds;
	size_t i;
	int zone;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		ATF_CHECK_EQ(
		    mime_date_parse(t[i], strlen(t[i]), &seconds, &zone), 0);
		ATF_CHECK_EQ_MSG(zone, 0, "%s", t[i]);
		ATF_CHECK_EQ(seconds, 1704103200);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, good);
	ATF_TP_ADD_TC(tp, bad);
	ATF_TP_ADD_TC(tp, zones);
	return atf_no_error();
}
