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

/* HEADER.FIELDS over a header, whatever pieces it comes in. */

#include <sys/types.h>

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "mime.h"

static const char header[] =
    "Received: by x\r\n\tfor y\r\nFrom: a@b\r\n"
    "Subject : odd\r\nno colon\r\n\tof garbage\r\nTO: x\n y\nFrom: again\r\n"
    "\r\nFrom: body\r\n";

struct out {
	char s[512];
	size_t n;
};

static void
put(void *arg, const void *p, size_t len)
{
	struct out *o = arg;

	ATF_REQUIRE(len <= sizeof(o->s) - o->n);
	memcpy(o->s + o->n, p, len);
	o->n += len;
}

static void
check(bool inverse, const char *want)
{
	static const struct mime_str names[] = {
	    {"from", 4}, {"SUBJECT", 7}, {"To", 2}, {"", 0}, {"X-None", 6}};
	struct mime_filter *f;
	size_t piece, i, n, len = sizeof(header) - 1;
	struct out o;

	for (piece = 1; piece <= len; piece++) {
		o.n = 0;
		f = mime_filter_new(names, 5, inverse);
		ATF_REQUIRE(f != NULL);
		for (i = 0; i < len; i += n) {
			n = len - i < piece ? len - i : piece;
			mime_filter_feed(f, header + i, n, put, &o);
		}
		mime_filter_end(f, put, &o);
		mime_filter_free(f);
		ATF_REQUIRE_EQ_MSG(
		    o.n, strlen(want), "piece %zu: %.*s", piece, (int)o.n, o.s);
		ATF_REQUIRE_EQ(memcmp(o.s, want, o.n), 0);
	}
}

ATF_TC_WITHOUT_HEAD(fields);
ATF_TC_BODY(fields, tc)
{
	check(false,
	    "From: a@b\r\nSubject : odd\r\nTO: x\n y\n"
	    "From: again\r\n");
}

ATF_TC_WITHOUT_HEAD(fields_not);
ATF_TC_BODY(fields_not, tc)
{
	check(
	    true, "Received: by x\r\n\tfor y\r\nno colon\r\n\tof garbage\r\n");
}

/* A name that is too long to be one passes through, in bounded memory. */
ATF_TC_WITHOUT_HEAD(long_line);
ATF_TC_BODY(long_line, tc)
{
	static char line[100000];
	struct mime_str name = {"x", 1};
	struct mime_filter *f;
	struct out o = {.n = 0};

	memset(line, 'x', sizeof(line));
	line[50000] = ':';
	line[sizeof(line) - 1] = '\n';
	f = mime_filter_new(&name, 1, false);
	ATF_REQUIRE(f != NULL);
	mime_filter_feed(f, line, sizeof(line), put, &o);
	mime_filter_feed(f, "x: y\n", 5, put, &o);
	mime_filter_end(f, put, &o);
	mime_filter_free(f);
	ATF_CHECK_EQ(o.n, 5);
}

/* What a summary keeps is what the filter finds. */
ATF_TC_WITHOUT_HEAD(summary_agrees);
ATF_TC_BODY(summary_agrees, tc)
{
	struct mime_parser *p = mime_parser_new();
	struct mime_str name, raw;
	struct mime_summary s;
	struct out o = {.n = 0};
	const uint8_t *sum;
	size_t len, pos;

	ATF_REQUIRE(p != NULL);
	mime_parser_feed(p, header, sizeof(header) - 1);
	sum = mime_parser_finish(p, &len);
	ATF_REQUIRE(sum != NULL);
	ATF_REQUIRE_EQ(mime_summary_open(&s, sum, len, sizeof(header) - 1), 0);
	for (pos = 0; mime_header_next(&s, 0, &pos, &name, &raw);)
		put(&o, raw.s, raw.len);
	put(&o, "", 1);
	ATF_CHECK_STREQ(o.s,
	    "From: a@b\r\nSubject : odd\r\nTO: x\n y\n"
	    "From: again\r\n");
	ATF_CHECK(mime_header_cover(&s, "FROM", 4));
	ATF_CHECK(mime_header_cover(&s, "Message-Id", 10));
	ATF_CHECK(!mime_header_cover(&s, "Received", 8));
	ATF_CHECK(!mime_header_cover(&s, "", 0));
	mime_parser_free(p);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, fields);
	ATF_TP_ADD_TC(tp, fields_not);
	ATF_TP_ADD_TC(tp, long_line);
	ATF_TP_ADD_TC(tp, summary_agrees);
	return atf_no_error();
}
