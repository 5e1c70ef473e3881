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
 * Messages made to hurt: each at its limit and past it, in bounded time and
 * memory.  The names are the attacks.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mime.h"

static struct mime_parser *parser;
static struct mime_summary sum;
static double taken;

static void
begin(void)
{
	struct timespec t;

	parser = mime_parser_new();
	ATF_REQUIRE(parser != NULL);
	clock_gettime(CLOCK_MONOTONIC, &t);
	taken = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
say(const char *text)
{
	mime_parser_feed(parser, text, strlen(text));
}

static size_t
end(void)
{
	const uint8_t *p;
	struct timespec t;
	size_t len;

	p = mime_parser_finish(parser, &len);
	ATF_REQUIRE(p != NULL);
	clock_gettime(CLOCK_MONOTONIC, &t);
	taken = (double)t.tv_sec + (double)t.tv_nsec / 1e9 - taken;
	ATF_REQUIRE_EQ(
	    mime_summary_open(&sum, p, len, mime_parser_size(parser)), 0);
	ATF_CHECK_MSG(taken < 10, "%f s", taken);
	ATF_CHECK(len <= MIME_SUMMARY_MAX);
	return len;
}

static void
parts(unsigned n)
{
	unsigned i;

	begin();
	say("Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (i = 0; i < n; i++)
		say("--b\r\nContent-Type: text/plain; name=x\r\n\r\nx\r\n");
	say("--b--\r\n");
	(void)end();
}

ATF_TC_WITHOUT_HEAD(many_parts);
ATF_TC_BODY(many_parts, tc)
{
	struct mime_part m;

	/* One place is kept for a multipart without parts. */
	parts(MIME_PARTS_MAX - 3);
	ATF_CHECK_EQ(sum.nparts, MIME_PARTS_MAX - 2);
	ATF_CHECK(!sum.limited);
	parts(MIME_PARTS_MAX - 2);
	ATF_CHECK(sum.limited);
	parts(20000);
	ATF_CHECK(sum.limited);
	ATF_CHECK(sum.nparts <= MIME_PARTS_MAX);
	mime_part_get(&sum, sum.nparts - 1, &m);
	ATF_CHECK_EQ(m.body_off + m.body_len, sum.size);
	ATF_CHECK_EQ(strncmp(m.type.s, "application", m.type.len), 0);
}

static void
deep(unsigned n)
{
	char line[200];
	unsigned i;

	begin();
	for (i = 0; i < n; i++) {
		snprintf(line, sizeof(line),
		    "Content-Type: multipart/mixed; "
		    "boundary=b%u\r\n\r\n--b%u\r\n",
		    i, i);
		say(line);
	}
	say("\r\ntext");
	(void)end();
}

ATF_TC_WITHOUT_HEAD(deep_multiparts);
ATF_TC_BODY(deep_multiparts, tc)
{
	deep(MIME_DEPTH_MAX);
	ATF_CHECK(!sum.limited);
	ATF_CHECK_EQ(sum.nparts, MIME_DEPTH_MAX + 1);
	deep(MIME_DEPTH_MAX + 1);
	ATF_CHECK(sum.limited);
	ATF_CHECK_EQ(sum.nparts, MIME_DEPTH_MAX + 1);
	deep(20000);
	ATF_CHECK(sum.limited);
}

ATF_TC_WITHOUT_HEAD(deep_messages);
ATF_TC_BODY(deep_messages, tc)
{
	unsigned i;

	begin();
	for (i = 0; i < 20000; i++)
		say("Content-Type: message/rfc822\r\n\r\n");
	(void)end();
	ATF_CHECK(sum.limited);
	ATF_CHECK_EQ(sum.nparts, MIME_DEPTH_MAX + 1);
}

ATF_TC_WITHOUT_HEAD(megabyte_line);
ATF_TC_BODY(megabyte_line, tc)
{
	static char line[1000001];
	struct mime_addr_iter it;
	struct mime_addr a;
	struct mime_part m;
	unsigned n = 0;

	memset(line, 'x', sizeof(line) - 1);
	begin();
	say("From: a@b\r\nSubject: ");
	say(line);
	say("\r\nTo: c@d\r\nX: ");
	say(line);
	say("\r\nCc: e@f\r\n\r\nbody");
	(void)end();
	mime_part_get(&sum, 0, &m);
	ATF_CHECK_EQ(m.body_len, 4);
	/* Not all of the header was kept: nothing is said to be absent. */
	ATF_CHECK(!mime_header_cover(&sum, "Subject", 7));
	ATF_CHECK(!mime_header_cover(&sum, "Cc", 2));
	mime_addr_init(&it, &sum, 0, MIME_TO);
	while (mime_addr_next(&it, &a))
		n++;
	ATF_CHECK_EQ(n, 1);
}

ATF_TC_WITHOUT_HEAD(megabyte_recipients);
ATF_TC_BODY(megabyte_recipients, tc)
{
	unsigned i;

	begin();
	say("To: x@y");
	for (i = 0; i < 100000; i++)
		say(",\r\n u@example");
	say("\r\n\r\nbody");
	ATF_CHECK(end() < 100000);
	ATF_CHECK(sum.limited);
}

ATF_TC_WITHOUT_HEAD(many_fields);
ATF_TC_BODY(many_fields, tc)
{
	unsigned i;

	begin();
	for (i = 0; i < 200000; i++)
		say("Subject: x\r\n");
	say("\r\nbody");
	(void)end();
	ATF_CHECK(sum.limited);
	ATF_CHECK(!mime_header_cover(&sum, "To", 2));
}

/* Every line looks like a boundary of each of twenty open multiparts. */
ATF_TC_WITHOUT_HEAD(near_boundaries);
ATF_TC_BODY(near_boundaries, tc)
{
	char line[600];
	unsigned i;

	begin();
	for (i = 0; i < MIME_DEPTH_MAX; i++) {
		snprintf(line, sizeof(line),
		    "Content-Type: multipart/mixed; "
		    "boundary=%0200u\r\n\r\n--%0200u\r\n",
		    i, i);
		say(line);
	}
	say("\r\n");
	snprintf(line, sizeof(line), "--%0200u \r\n", 99);
	for (i = 0; i < 200000; i++)
		say(line);
	(void)end();
	ATF_CHECK_EQ(sum.nparts, MIME_DEPTH_MAX + 1);
}

/* Parameters without end, and types that take all the room there is. */
ATF_TC_WITHOUT_HEAD(parameter_bomb);
ATF_TC_BODY(parameter_bomb, tc)
{
	unsigned i, j;

	begin();
	say("Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (i = 0; i < 900; i++) {
		say("--b\r\nContent-Type: text/plain");
		for (j = 0; j < 200; j++)
			say("; a*0*=xxxxxxxxxxxx; b=\"yyyyyyyyyyyyyyyyyyyy\"");
		say("\r\n\r\n");
	}
	(void)end();
	ATF_CHECK_EQ(sum.nparts, 901);
	ATF_CHECK(sum.limited);
}

ATF_TC_WITHOUT_HEAD(many_messages);
ATF_TC_BODY(many_messages, tc)
{
	unsigned i;

	begin();
	say("Content-Type: multipart/digest; boundary=b\r\n\r\n");
	for (i = 0; i < 900; i++)
		say("--b\r\n\r\nSubject: a subject of some length\r\n"
		    "From: somebody@example.org\r\nTo: nobody@example.org\r\n"
		    "References: <a@b> <c@d> <e@f>\r\n\r\nx\r\n");
	(void)end();
	ATF_CHECK(sum.limited);
}

/* A field that is cut anywhere is still a field: its summary holds. */
ATF_TC_WITHOUT_HEAD(folded_fields);
ATF_TC_BODY(folded_fields, tc)
{
	static const char *const folds[] = {
	    "\r\n x", "\n x", "\r\n\tyy", "\r\r\n ", "\r\n "};
	unsigned f, shift, i;

	for (f = 0; f < sizeof(folds) / sizeof(folds[0]); f++) {
		for (shift = 0; shift < 5; shift++) {
			begin();
			say("Subject:");
			for (i = 0; i < shift; i++)
				say("s");
			for (i = 0; i < 20000; i++)
				say(folds[f]);
			say("\r\nTo: a@b\r\n\r\nbody");
			(void)end();
			ATF_CHECK(sum.limited);
			mime_parser_free(parser);
		}
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, many_parts);
	ATF_TP_ADD_TC(tp, deep_multiparts);
	ATF_TP_ADD_TC(tp, deep_messages);
	ATF_TP_ADD_TC(tp, megabyte_line);
	ATF_TP_ADD_TC(tp, megabyte_recipients);
	ATF_TP_ADD_TC(tp, many_fields);
	ATF_TP_ADD_TC(tp, near_boundaries);
	ATF_TP_ADD_TC(tp, parameter_bomb);
	ATF_TP_ADD_TC(tp, many_messages);
	ATF_TP_ADD_TC(tp, folded_fields);
	return atf_no_error();
}
