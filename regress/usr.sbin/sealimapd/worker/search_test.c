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

/* SEARCH programs: round trip, hostile ones, and what they mean. */

#include <sys/types.h>

#include <atf-c.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../../../usr.sbin/sealimapd/search.h"

/* NOT (UID 3:5,10:*) (HEADER Subject x OR BODY y) AND KEYWORD k AND ... */
static struct search *
sample(void)
{
	static const struct search_range r[] = {{3, 5}, {UINT32_MAX, 10}};
	struct search *s = search_new();

	ATF_REQUIRE(s != NULL);
	ATF_CHECK_EQ(search_add_set(s, SEARCH_UID, r, 2), 0);
	ATF_CHECK_EQ(search_add(s, SEARCH_NOT), 0);
	ATF_CHECK_EQ(search_add_header(s, "Subject", 7, "x", 1), 0);
	ATF_CHECK_EQ(search_add_text(s, SEARCH_BODY, "y", 1), 0);
	ATF_CHECK_EQ(search_add(s, SEARCH_OR), 0);
	ATF_CHECK_EQ(search_add(s, SEARCH_AND), 0);
	ATF_CHECK_EQ(search_add_text(s, SEARCH_KEYWORD, "k", 1), 0);
	ATF_CHECK_EQ(search_add(s, SEARCH_AND), 0);
	ATF_CHECK_EQ(search_add_number(s, SEARCH_LARGER, 1ULL << 40), 0);
	ATF_CHECK_EQ(search_add(s, SEARCH_OR), 0);
	return s;
}

ATF_TC_WITHOUT_HEAD(round_trip);
ATF_TC_BODY(round_trip, tc)
{
	struct search *a = sample(), *b;
	const uint8_t *p, *q;
	size_t len, again;

	p = search_encode(a, &len);
	ATF_REQUIRE(p != NULL);
	b = search_decode(p, len);
	ATF_REQUIRE(b != NULL);
	ATF_CHECK_EQ(search_count(b), 10);
	ATF_CHECK(search_needs_text(b));
	ATF_CHECK_STREQ(search_node(b, 2)->name, "Subject");
	ATF_CHECK_STREQ(search_node(b, 3)->text, "y");
	ATF_CHECK_EQ(search_node(b, 0)->n, 2);
	ATF_CHECK_EQ(search_node(b, 0)->range[1].last, 10);
	ATF_CHECK_EQ(search_node(b, 8)->number, 1ULL << 40);
	q = search_encode(b, &again);
	ATF_REQUIRE(q != NULL);
	ATF_CHECK_EQ(len, again);
	ATF_CHECK_EQ(memcmp(p, q, len), 0);
	search_free(a);
	search_free(b);
}

/* Cut off anywhere, or with any octet changed: refused, or a program that
 * says what it was decoded from. */
ATF_TC_WITHOUT_HEAD(hostile);
ATF_TC_BODY(hostile, tc)
{
	uint8_t truth[SEARCH_NODES_MAX] = {0};
	struct search *a = sample(), *b;
	uint8_t copy[256];
	const uint8_t *p, *q;
	size_t len, again, i;
	unsigned v;

	p = search_encode(a, &len);
	ATF_REQUIRE(p != NULL && len < sizeof(copy));
	for (i = 0; i < len; i++)
		ATF_CHECK(search_decode(p, i) == NULL && errno == EBADMSG);
	memcpy(copy, p, len);
	copy[len] = 0;
	ATF_CHECK(search_decode(copy, len + 1) == NULL);
	for (i = 0; i < len; i++) {
		for (v = 0; v < 256; v++) {
			memcpy(copy, p, len);
			copy[i] = (uint8_t)v;
			if ((b = search_decode(copy, len)) == NULL)
				continue;
			q = search_encode(b, &again);
			ATF_REQUIRE(q != NULL && again == len);
			ATF_REQUIRE_EQ(memcmp(copy, q, len), 0);
			(void)search_eval(b, truth);
			(void)search_matters(b, truth, 0);
			search_free(b);
		}
	}
	search_free(a);
}

static struct search *
nested(size_t depth)
{
	struct search *s = search_new();
	size_t i;

	ATF_REQUIRE(s != NULL);
	for (i = 0; i < depth; i++)
		(void)search_add(s, SEARCH_ALL);
	for (i = 1; i < depth; i++)
		(void)search_add(s, SEARCH_AND);
	return s;
}

ATF_TC_WITHOUT_HEAD(limits);
ATF_TC_BODY(limits, tc)
{
	static char text[SEARCH_TEXT_MAX + 1];
	struct search *s;
	size_t len, i;

	s = nested(SEARCH_DEPTH_MAX);
	ATF_CHECK(search_encode(s, &len) != NULL);
	search_free(s);
	s = nested(SEARCH_DEPTH_MAX + 1);
	ATF_CHECK(search_encode(s, &len) == NULL);
	search_free(s);
	s = search_new();
	(void)search_add(s, SEARCH_ALL);
	for (i = 1; i < SEARCH_NODES_MAX; i++)
		ATF_CHECK_EQ(search_add(s, SEARCH_NOT), 0);
	ATF_CHECK(search_encode(s, &len) != NULL);
	ATF_CHECK_EQ(search_add(s, SEARCH_NOT), -1);
	ATF_CHECK(search_encode(s, &len) == NULL);
	search_free(s);
	memset(text, 'x', sizeof(text));
	s = search_new();
	ATF_CHECK_EQ(search_add_text(s, SEARCH_BODY, text, SEARCH_TEXT_MAX), 0);
	ATF_CHECK(search_encode(s, &len) != NULL);
	ATF_CHECK_EQ(search_add_text(s, SEARCH_BODY, text, sizeof(text)), -1);
	search_free(s);
	s = search_new();
	ATF_CHECK(search_encode(s, &len) == NULL);
	ATF_CHECK_EQ(search_add_text(s, SEARCH_BODY, "a\0b", 3), -1);
	search_free(s);
	s = search_new();
	(void)search_add(s, SEARCH_AND);
	ATF_CHECK(search_encode(s, &len) == NULL);
	search_free(s);
}

static enum search_truth
one(enum search_kind kind, uint64_t number, const struct search_facts *f)
{
	uint8_t truth[SEARCH_NODES_MAX];
	struct search *s = search_new();
	enum search_truth t;

	ATF_REQUIRE(s != NULL);
	ATF_REQUIRE_EQ(search_add_number(s, kind, number), 0);
	t = search_eval_store(s, f, truth);
	search_free(s);
	return t;
}

ATF_TC_WITHOUT_HEAD(store_leaves);
ATF_TC_BODY(store_leaves, tc)
{
	/* 2024-01-01 00:30 +0100: in UTC it is still the day before. */
	struct search_facts f = {.uid = 7,
	    .uid_max = 9,
	    .seq = 2,
	    .seq_max = 3,
	    .flags = 5,
	    .size = 100,
	    .modseq = 50,
	    .date = 1704065400,
	    .zone = 60,
	    .now = 1704065500};
	const uint64_t day = 1704067200;

	ATF_CHECK_EQ(one(SEARCH_FLAG_ANY, 4, &f), SEARCH_YES);
	ATF_CHECK_EQ(one(SEARCH_FLAG_ANY, 2, &f), SEARCH_NO);
	ATF_CHECK_EQ(one(SEARCH_FLAG_ANY, 0, &f), SEARCH_NO);
	ATF_CHECK_EQ(one(SEARCH_FLAG_NONE, 4, &f), SEARCH_NO);
	ATF_CHECK_EQ(one(SEARCH_FLAG_NONE, 0, &f), SEARCH_YES);
	ATF_CHECK_EQ(one(SEARCH_ON, day, &f), SEARCH_YES);
	ATF_CHECK_EQ(one(SEARCH_ON, day - 86400, &f), SEARCH_NO);
	ATF_CHECK_EQ(one(SEARCH_SINCE, day, &f), SEARCH_YES);
	ATF_CHECK_EQ(one(SEARCH_SINCE, day + 86400, &f), SEARCH_NO);
	ATF_CHECK_EQ(one(SEARCH_BEFORE, day, &f), SEARCH_NO);
	ATF_CHECK_EQ(one(SEARCH_BEFORE, day + 86400, &f), SEARCH_YES);
	ATF_CHECK_EQ(one(SEARCH_LARGER, 100, &f), SEARCH_NO);
	ATF_CHECK_EQ(one(SEARCH_LARGER, 99, &f), SEARCH_YES);
	ATF_CHECK_EQ(one(SEARCH_SMALLER, 100, &f), SEARCH_NO);
	ATF_CHECK_EQ(one(SEARCH_MODSEQ, 50, &f), SEARCH_YES);
	ATF_CHECK_EQ(one(SEARCH_MODSEQ, 51, &f), SEARCH_NO);
	ATF_CHECK_EQ(one(SEARCH_YOUNGER, 100, &f), SEARCH_YES);
	ATF_CHECK_EQ(one(SEARCH_YOUNGER, 99, &f), SEARCH_NO);
	ATF_CHECK_EQ(one(SEARCH_OLDER, 100, &f), SEARCH_YES);
	ATF_CHECK_EQ(one(SEARCH_OLDER, 101, &f), SEARCH_NO);
	ATF_CHECK_EQ(one(SEARCH_SENTON, 1, &f), SEARCH_MAYBE);
}

ATF_TC_WITHOUT_HEAD(sets);
ATF_TC_BODY(sets, tc)
{
	static const struct {
		struct search_range r;
		uint32_t uid;
		bool in;
	} t[] = {
	    {{5, 7}, 5, true},
	    {{5, 7}, 8, false},
	    {{7, 5}, 6, true},
	    {{UINT32_MAX, UINT32_MAX}, 9, true},
	    {{UINT32_MAX, UINT32_MAX}, 8, false},
	    {{100, UINT32_MAX}, 9, true},
	    {{100, UINT32_MAX}, 8, false},
	};
	uint8_t truth[SEARCH_NODES_MAX];
	struct search_facts f = {.uid_max = 9};
	struct search *s;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		s = search_new();
		ATF_REQUIRE_EQ(search_add_set(s, SEARCH_UID, &t[i].r, 1), 0);
		f.uid = t[i].uid;
		ATF_CHECK_EQ_MSG(search_eval_store(s, &f, truth) == SEARCH_YES,
		    t[i].in, "case %zu", i);
		search_free(s);
	}
}

static uint64_t
keyword(void *arg, const char *name)
{
	return strcmp(name, "k") == 0 ? 0x100 : 0;
}

ATF_TC_WITHOUT_HEAD(three_values);
ATF_TC_BODY(three_values, tc)
{
	uint8_t truth[SEARCH_NODES_MAX];
	struct search *s = sample();
	struct search_facts f = {.uid = 4, .uid_max = 9, .flags = 0x100};

	search_bind(s, keyword, NULL);
	/* Excluded by UID: no text is needed. */
	ATF_CHECK_EQ(search_eval_store(s, &f, truth), SEARCH_NO);
	ATF_CHECK(!search_matters(s, truth, 2));
	f.uid = 6;
	ATF_CHECK_EQ(search_eval_store(s, &f, truth), SEARCH_MAYBE);
	ATF_CHECK(search_matters(s, truth, 2));
	ATF_CHECK(search_matters(s, truth, 3));
	truth[2] = SEARCH_YES;
	ATF_CHECK_EQ(search_eval(s, truth), SEARCH_YES);
	ATF_CHECK(!search_matters(s, truth, 3));
	truth[2] = truth[3] = SEARCH_NO;
	ATF_CHECK_EQ(search_eval(s, truth), SEARCH_NO);
	f.flags = 0;
	ATF_CHECK_EQ(search_eval_store(s, &f, truth), SEARCH_NO);
	f.size = (1ULL << 40) + 1;
	ATF_CHECK_EQ(search_eval_store(s, &f, truth), SEARCH_YES);
	search_free(s);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, round_trip);
	ATF_TP_ADD_TC(tp, hostile);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, store_leaves);
	ATF_TP_ADD_TC(tp, sets);
	ATF_TP_ADD_TC(tp, three_values);
	return atf_no_error();
}
