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

/* Section numbers, ranges, and the list views' fields of a known message. */

#include <sys/types.h>

#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "mime.h"

static const char message[] =
    "From: a@b\r\n"
    "Date: Mon, 01 Jan 2024 10:00:00 +0100\r\n"
    "Message-ID: <own@x>\r\n"
    "References: <one@x>\r\n <two@x> junk <bad id>\r\n"
    "In-Reply-To: <three@x>\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n"
    "\r\n"
    "preamble\r\n"
    "--b\r\n"
    "\r\n"
    "part one\r\n"
    "--b\r\n"
    "Content-Type: message/rfc822\r\n"
    "\r\n"
    "Subject: inner\r\n"
    "Content-Type: multipart/alternative; boundary=c\r\n"
    "\r\n"
    "--c\r\n"
    "\r\n"
    "two one\r\n"
    "--c\r\n"
    "Content-Type: text/html\r\n"
    "\r\n"
    "two two\r\n"
    "--c--\r\n"
    "--b\r\n"
    "Content-Type: message/rfc822\r\n"
    "\r\n"
    "Subject: flat\r\n"
    "\r\n"
    "flat body\r\n"
    "--b--\r\n";

static struct mime_summary sum;

static void
open_it(void)
{
	static struct mime_parser *p;
	const uint8_t *q;
	size_t len;

	p = mime_parser_new();
	ATF_REQUIRE(p != NULL);
	mime_parser_feed(p, message, sizeof(message) - 1);
	q = mime_parser_finish(p, &len);
	ATF_REQUIRE(q != NULL);
	ATF_REQUIRE_EQ(mime_summary_open(&sum, q, len, sizeof(message) - 1), 0);
	ATF_CHECK_EQ(mime_parser_size(p), sizeof(message) - 1);
}

/* BODY[path] is text; NULL: there is no such part. */
static void
section(const char *path, const char *text)
{
	uint32_t v[8];
	struct mime_part m;
	size_t n = 0;
	int at;

	for (; *path != '\0'; path++) {
		if (*path != '.')
			v[n++] = (uint32_t)(*path - '0');
	}
	at = mime_part_find(&sum, v, n);
	if (text == NULL) {
		ATF_CHECK_EQ(at, -1);
		return;
	}
	ATF_REQUIRE(at != -1);
	mime_part_get(&sum, (uint32_t)at, &m);
	ATF_CHECK_EQ_MSG(m.body_len, strlen(text), "%.*s", (int)m.body_len,
	    message + m.body_off);
	ATF_CHECK_EQ(memcmp(message + m.body_off, text, strlen(text)), 0);
}

ATF_TC_WITHOUT_HEAD(sections);
ATF_TC_BODY(sections, tc)
{
	uint32_t two[] = {2}, three[] = {3}, one[] = {1};
	struct mime_part m;
	int at;

	open_it();
	section("1", "part one");
	section("2.1", "two one");
	section("2.2", "two two");
	section("3.1", "flat body");
	section("3", "Subject: flat\r\n\r\nflat body");
	section("0", NULL);
	section("4", NULL);
	section("1.1", NULL);
	section("2.3", NULL);
	section("3.2", NULL);
	section("3.1.1", NULL);
	ATF_CHECK_EQ(mime_part_message(&sum, one, 1), -1);
	at = mime_part_message(&sum, two, 1);
	ATF_REQUIRE(at != -1);
	mime_part_get(&sum, (uint32_t)at, &m);
	ATF_CHECK_EQ(memcmp(message + m.head_off, "Subject: inner", 14), 0);
	ATF_CHECK_EQ(memcmp(message + m.body_off - 4, "\r\n\r\n--c", 7), 0);
	at = mime_part_message(&sum, three, 1);
	ATF_REQUIRE(at != -1);
	mime_part_get(&sum, (uint32_t)at, &m);
	ATF_CHECK_EQ(m.head_len, 17);
	ATF_CHECK_EQ(m.body_len, 9);
	ATF_CHECK_EQ(mime_part_message(&sum, NULL, 0), 0);
}

/* One part: BODY[1] is the body, BODY[1.MIME] the message's header. */
ATF_TC_WITHOUT_HEAD(single);
ATF_TC_BODY(single, tc)
{
	static const char text[] = "A: b\r\n\r\nline one\r\nline two\r\n";
	struct mime_parser *p = mime_parser_new();
	uint32_t one[] = {1, 1};
	struct mime_part m;
	const uint8_t *q;
	size_t len;

	ATF_REQUIRE(p != NULL);
	mime_parser_feed(p, text, sizeof(text) - 1);
	q = mime_parser_finish(p, &len);
	ATF_REQUIRE_EQ(mime_summary_open(&sum, q, len, sizeof(text) - 1), 0);
	ATF_CHECK_EQ(mime_part_find(&sum, one, 1), 0);
	ATF_CHECK_EQ(mime_part_find(&sum, one, 2), -1);
	mime_part_get(&sum, 0, &m);
	ATF_CHECK_EQ(m.head_len, 8);
	ATF_CHECK_EQ(m.body_lines, 2);
	ATF_CHECK_EQ(sum.lines, 4);
	ATF_CHECK_EQ(sum.preview.len, 17);
	ATF_CHECK_EQ(memcmp(sum.preview.s, "line one line two", 17), 0);
	/* The same parser serves the next message. */
	mime_parser_reset(p);
	q = mime_parser_finish(p, &len);
	ATF_REQUIRE(q != NULL);
	ATF_CHECK_EQ(mime_summary_open(&sum, q, len, 0), 0);
	mime_parser_free(p);
}

ATF_TC_WITHOUT_HEAD(thread);
ATF_TC_BODY(thread, tc)
{
	static const char *const want[] = {"one@x", "two@x", "own@x"};
	struct mime_str id;
	size_t pos = 0, n = 0;
	bool own;

	open_it();
	while (mime_thread_next(&sum, &pos, &own, &id)) {
		ATF_REQUIRE(n < 3);
		ATF_CHECK_EQ(id.len, 5);
		ATF_CHECK_EQ(memcmp(id.s, want[n], 5), 0);
		ATF_CHECK_EQ(own, n == 2);
		n++;
	}
	ATF_CHECK_EQ(n, 3);
	ATF_CHECK(sum.has_date);
	ATF_CHECK_EQ(sum.date, 1704099600);
	ATF_CHECK_EQ(sum.zone, 60);
}

/* How many parts lie within, where a field has these parameters. */
static uint32_t
parts_within(const char *params)
{
	struct mime_parser *p = mime_parser_new();
	struct mime_part m;
	const uint8_t *q;
	char text[256];
	size_t len;
	int n;

	ATF_REQUIRE(p != NULL);
	n = snprintf(text, sizeof(text),
	    "Content-Type: multipart/mixed; %s\r\n\r\n"
	    "--ab\r\n\r\none\r\n--ab\r\n\r\ntwo\r\n--ab--\r\n",
	    params);
	ATF_REQUIRE(n > 0 && (size_t)n < sizeof(text));
	mime_parser_feed(p, text, (size_t)n);
	q = mime_parser_finish(p, &len);
	ATF_REQUIRE(q != NULL);
	ATF_REQUIRE_EQ(0, mime_summary_open(&sum, q, len, (uint64_t)n));
	mime_part_get(&sum, 0, &m);
	mime_parser_free(p);
	return m.end - 1;
}

/* RFC 2231 section 3: a boundary in pieces; one that is whole comes first. */
ATF_TC_WITHOUT_HEAD(boundaries);
ATF_TC_BODY(boundaries, tc)
{
	ATF_CHECK_EQ(2, parts_within("boundary=ab"));
	ATF_CHECK_EQ(2, parts_within("boundary=\"ab \""));
	ATF_CHECK_EQ(2, parts_within("boundary*0=a; boundary*1=b"));
	ATF_CHECK_EQ(2, parts_within("BOUNDARY*1=\"b\"; Boundary*0=\"a\""));
	ATF_CHECK_EQ(2, parts_within("boundary*0=x; boundary=ab"));
	ATF_CHECK_EQ(1, parts_within("boundary*0=a; boundary*2=b"));
	ATF_CHECK_EQ(1, parts_within("boundary*1=ab"));
	ATF_CHECK_EQ(1, parts_within("xboundary*0=ab"));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, sections);
	ATF_TP_ADD_TC(tp, single);
	ATF_TP_ADD_TC(tp, boundaries);
	ATF_TP_ADD_TC(tp, thread);
	return atf_no_error();
}
