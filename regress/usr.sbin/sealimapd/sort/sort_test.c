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
 * Sorting and threading (RFC 5256) as the worker does it, without its wire:
 * large threads, loops, threads made to be slow.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mime.h"
#include "mime_text.h"
#include "msg.h"

#include "../../../../usr.sbin/sealimapd/worker/sort.h"
#include "../../../../usr.sbin/sealimapd/worker/worker.h"

#define MANY 20000

/* What the worker has told: "1 (2 3)" as RFC 5256 writes it. */
static char out[4 * 1024 * 1024];
static size_t n_out, n_told;
static uint32_t deepest, last_depth;
static uint32_t order[2 * MANY];

void
child_sorted(uint32_t uid)
{
	order[n_told++] = uid;
}

void
child_threaded(uint32_t uid, uint32_t place)
{
	uint32_t depth = THREAD_DEPTH(place);
	int n;

	ATF_REQUIRE(depth <= (n_told == 0 ? 0 : last_depth + 1));
	last_depth = depth;
	if (depth > deepest)
		deepest = depth;
	n = snprintf(out + n_out, sizeof(out) - n_out, "%s%u.%u%s",
	    n_out == 0 ? "" : " ", uid, depth,
	    THREAD_SEVERAL(place) ? "+" : "");
	ATF_REQUIRE(n > 0 && (size_t)n < sizeof(out) - n_out);
	n_out += (size_t)n;
	n_told++;
}

static void
begin(uint8_t how, const char *criteria)
{
	n_out = n_told = 0;
	deepest = last_depth = 0;
	out[0] = '\0';
	ATF_REQUIRE_EQ(
	    sort_begin(how, (const uint8_t *)criteria, strlen(criteria)), 0);
}

static void
row(uint32_t uid, const char *format, ...)
{
	static struct mime_parser *parser;
	struct mime_summary s;
	const uint8_t *p;
	char text[65536];
	size_t len;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	ATF_REQUIRE(n >= 0 && (size_t)n < sizeof(text));
	if (parser == NULL)
		parser = mime_parser_new();
	mime_parser_feed(parser, text, (size_t)n);
	p = mime_parser_finish(parser, &len);
	ATF_REQUIRE(p != NULL);
	ATF_REQUIRE_EQ(
	    mime_summary_open(&s, p, len, mime_parser_size(parser)), 0);
	sort_row(uid, (uint64_t)n, uid, &s);
	mime_parser_reset(parser);
}

/* A message of thread tests: its date is its UID. */
static void
message(uint32_t uid, const char *subject, const char *id, const char *refs)
{
	row(uid,
	    "Date: 1 Jan 2024 %02u:%02u:%02u +0000\r\nSubject: %s\r\n"
	    "Message-ID: <%s>\r\nReferences: %s\r\n\r\n",
	    uid / 3600 % 24, uid / 60 % 60, uid % 60, subject, id, refs);
}

static void
threads_are(const char *want)
{
	ATF_REQUIRE_EQ(sort_end(), 0);
	ATF_CHECK_STREQ(out, want);
	sort_stop();
}

ATF_TC_WITHOUT_HEAD(steps);
ATF_TC_BODY(steps, tc)
{
	/* 1: links by references, also through what is not there */
	begin(SORT_REFERENCES, "");
	message(1, "a", "1@x", "");
	message(2, "b", "2@x", "<1@x>");
	message(3, "c", "3@x", "<1@x> <2@x>");
	message(4, "d", "4@x", "<1@x>");
	message(5, "e", "5@x", "<1@x> <9@x> <8@x>");
	threads_are("1.0+ 2.1 3.2 4.1 5.1");
	/* 3: two without their parent stay siblings; one is the root's */
	begin(SORT_REFERENCES, "");
	message(1, "a", "1@x", "<9@x>");
	message(2, "b", "2@x", "<9@x>");
	message(3, "c", "3@x", "<7@x> <8@x>");
	threads_are("0.0+ 1.1 2.1 3.0");
	/* 1 (A): a loop is not made; (B): the message's own word counts */
	begin(SORT_REFERENCES, "");
	message(1, "a", "1@x", "<2@x>");
	message(2, "b", "2@x", "<1@x>");
	message(3, "c", "3@x", "<3@x>");
	message(4, "d", "4@x", "<1@x> <4@x> <2@x>");
	threads_are("2.0+ 1.1 4.1 3.0");
	/* Two of one id: the second has an id of its own. */
	begin(SORT_REFERENCES, "");
	message(1, "a", "1@x", "");
	message(2, "b", "1@x", "");
	message(3, "c", "3@x", "<\"1\"@x>");
	threads_are("1.0 3.1 2.0");
	/* 5: subjects: a reply under what it answers, others side by side */
	begin(SORT_REFERENCES, "");
	message(1, "Re: a", "1@x", "");
	message(2, "a", "2@x", "");
	message(3, "b", "3@x", "");
	message(4, "B", "4@x", "");
	message(5, "Re: c", "5@x", "");
	message(6, "Re: c", "6@x", "");
	message(7, "", "7@x", "");
	message(8, "", "8@x", "");
	threads_are("2.0 1.1 0.0+ 3.1 4.1 0.0+ 5.1 6.1 7.0 8.0");
	/* 5 (C): dummies join, and take single ones in */
	begin(SORT_REFERENCES, "");
	message(1, "a", "1@x", "<9@x>");
	message(2, "z", "2@x", "<9@x>");
	message(3, "a", "3@x", "<8@x>");
	message(4, "y", "4@x", "<8@x>");
	message(5, "a", "5@x", "");
	threads_are("0.0+ 1.1 2.1 3.1 4.1 5.1");
}

ATF_TC_WITHOUT_HEAD(ordered);
ATF_TC_BODY(ordered, tc)
{
	begin(SORT_ORDEREDSUBJECT, "");
	message(3, "b", "1@x", "");
	message(5, "a", "2@x", "");
	message(1, "Re: A", "3@x", "");
	message(2, "[l] a", "4@x", "");
	message(4, "c", "5@x", "");
	message(6, "fwd: b", "6@x", "");
	threads_are("1.0+ 2.1 5.1 3.0 6.1 4.0");
}

ATF_TC_WITHOUT_HEAD(keys);
ATF_TC_BODY(keys, tc)
{
	char criteria[3] = {SORT_SUBJECT, (char)(SORT_REVERSE | SORT_SIZE), 0};

	begin(SORT_ORDER, criteria);
	row(1, "Subject: =?utf-8?q?=C3=A4rger?=\r\n\r\n");
	row(2, "Subject: Zoo\r\n\r\n");
	row(3, "Subject: re: zoo\r\n\r\n12345678901234567890");
	row(4, "\r\n");
	row(5, "Subject: apple\r\n\r\n");
	row(6, "Subject: \xc3\x84RGER\r\n\r\n");
	sort_row(7, 0, 0, NULL);
	ATF_REQUIRE_EQ(sort_end(), 0);
	ATF_REQUIRE_EQ(n_told, 7);
	ATF_CHECK_EQ(order[0], 4);
	ATF_CHECK_EQ(order[1], 7);
	ATF_CHECK_EQ(order[2], 5);
	ATF_CHECK_EQ(order[3], 1);
	ATF_CHECK_EQ(order[4], 6);
	ATF_CHECK_EQ(order[5], 3);
	ATF_CHECK_EQ(order[6], 2);
	sort_stop();
}

/* One thread of very many, in each order; and all of them in a circle. */
ATF_TC_WITHOUT_HEAD(deep);
ATF_TC_BODY(deep, tc)
{
	char id[32], refs[64];
	uint32_t i, at;
	int way;

	for (way = 0; way < 3; way++) {
		begin(SORT_REFERENCES, "");
		for (i = 1; i <= MANY; i++) {
			at = way == 1 ? MANY + 1 - i : i;
			(void)snprintf(id, sizeof(id), "%u@x", at);
			(void)snprintf(refs, sizeof(refs), "<%u@x>",
			    at > 1       ? at - 1 :
				way == 2 ? MANY :
					   MANY + 9);
			message(i, "deep", id, refs);
		}
		ATF_REQUIRE_EQ(sort_end(), 0);
		ATF_CHECK_EQ(n_told, MANY);
		ATF_CHECK_EQ(deepest, MANY - 1);
		sort_stop();
	}
}

/* Links that are cut again and again, and looked for from the far end. */
ATF_TC_WITHOUT_HEAD(hostile);
ATF_TC_BODY(hostile, tc)
{
	char id[32], refs[128];
	uint32_t i;

	begin(SORT_REFERENCES, "");
	for (i = 1; i <= MANY; i++) {
		(void)snprintf(id, sizeof(id), "%u@x", i);
		(void)snprintf(refs, sizeof(refs),
		    "<%u@x> <%u@x> <%u@x> <%u@x>", i * 7 % MANY,
		    (MANY - i) * 3 % MANY, i - 1, i + 1);
		message(i, i % 3 == 0 ? "same" : "Re: same", id, refs);
	}
	ATF_REQUIRE_EQ(sort_end(), 0);
	ATF_CHECK(n_told >= MANY);
	sort_stop();
	/* The same id everywhere, and one parent for all. */
	begin(SORT_REFERENCES, "");
	for (i = 1; i <= MANY; i++)
		message(i, "x", "1@x", "<2@x>");
	ATF_REQUIRE_EQ(sort_end(), 0);
	ATF_CHECK_EQ(n_told, MANY + 1);
	ATF_CHECK_EQ(deepest, 1);
	sort_stop();
}

ATF_TC_WITHOUT_HEAD(limits);
ATF_TC_BODY(limits, tc)
{
	static char subject[SORT_KEY_MAX + 64];
	char all[SORT_CRITERIA_MAX + 1] = {0};
	uint8_t wrong[] = {0, 10, SORT_REVERSE, 0x7f};
	size_t i;

	for (i = 0; i < sizeof(wrong); i++)
		ATF_CHECK_EQ(sort_begin(SORT_ORDER, &wrong[i], 1), -1);
	ATF_CHECK_EQ(sort_begin(SORT_ORDER, wrong, 0), -1);
	ATF_CHECK_EQ(sort_begin(9, wrong, 0), -1);
	ATF_CHECK_EQ(sort_begin(SORT_REFERENCES, wrong, 1), -1);
	/* Beyond SORT_KEY_MAX all are equal: they stay as they are. */
	begin(SORT_ORDER, "\006");
	memset(subject, 'x', SORT_KEY_MAX);
	subject[SORT_KEY_MAX] = 'b';
	row(1, "Subject: %s\r\n\r\n", subject);
	subject[SORT_KEY_MAX] = 'a';
	row(2, "Subject: %s\r\n\r\n", subject);
	subject[SORT_KEY_MAX - 1] = 'a';
	row(3, "Subject: %s\r\n\r\n", subject);
	ATF_REQUIRE_EQ(sort_end(), 0);
	ATF_CHECK(order[0] == 3 && order[1] == 1 && order[2] == 2);
	sort_stop();
	/* More keys than memory is for: an error, not an end. */
	memset(all, SORT_SUBJECT, SORT_CRITERIA_MAX);
	begin(SORT_ORDER, all);
	for (i = 0; i <= SORT_MEMORY_MAX / SORT_KEY_MAX / SORT_CRITERIA_MAX;
	     i++)
		row((uint32_t)i + 1, "Subject: %s\r\n\r\n", subject);
	ATF_CHECK_EQ(sort_end(), -1);
	sort_stop();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, steps);
	ATF_TP_ADD_TC(tp, ordered);
	ATF_TP_ADD_TC(tp, keys);
	ATF_TP_ADD_TC(tp, deep);
	ATF_TP_ADD_TC(tp, hostile);
	ATF_TP_ADD_TC(tp, limits);
	return atf_no_error();
}
