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
 * Where mail was from, by day: counted, bounded, forgotten.
 */

#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include <atf-c.h>

#include "../../../../usr.sbin/sealsmtpd/queue/origins.h"

static unsigned int noted;
static uint64_t noted_messages;

static bool
add(int64_t now, const char *row)
{
	return origins_add(now, (const uint8_t *)row, strlen(row));
}

static unsigned int
rows(uint64_t *messages)
{
	const struct origins_row *r;
	unsigned int n = 0;

	*messages = 0;
	for (r = origins_after(0, NULL, 0); r != NULL;
	     r = origins_after(r->day, r->row, r->len)) {
		*messages += r->messages;
		n++;
	}
	return n;
}

static void
note(const struct origins_row *r)
{
	noted++;
	noted_messages += r->messages;
}

ATF_TC_WITHOUT_HEAD(counted);
ATF_TC_BODY(counted, tc)
{
	uint64_t messages;

	for (int i = 0; i < 3; i++)
		ATF_CHECK(add(5 * ORIGINS_DAY + i, "a b"));
	/* Each row is its own: one that begins alike, another day. */
	ATF_CHECK(add(5 * ORIGINS_DAY, "a b c"));
	ATF_CHECK(add(5 * ORIGINS_DAY, "a"));
	ATF_CHECK(add(6 * ORIGINS_DAY, "a b"));
	ATF_CHECK_EQ(4, rows(&messages));
	ATF_CHECK_EQ(6, messages);
	/* What has changed is noted once, with its whole count. */
	origins_changed(note);
	ATF_CHECK_EQ(4, noted);
	ATF_CHECK_EQ(6, noted_messages);
	origins_changed(note);
	ATF_CHECK_EQ(4, noted);
	ATF_CHECK(add(5 * ORIGINS_DAY, "a b"));
	origins_changed(note);
	ATF_CHECK_EQ(5, noted);
	ATF_CHECK_EQ(10, noted_messages);
	/* What the journal says is the count, not one more. */
	origins_set(5, 77, (const uint8_t *)"a b", 3);
	origins_set(5, 77, (const uint8_t *)"a b", 3);
	ATF_CHECK_EQ(4, rows(&messages));
	ATF_CHECK_EQ(80, messages);
}

ATF_TC_WITHOUT_HEAD(bounded);
ATF_TC_BODY(bounded, tc)
{
	uint64_t messages;
	char row[64];

	for (unsigned int i = 0; i < ORIGINS_ROWS_MAX; i++) {
		(void)snprintf(row, sizeof(row), "d%u.test", i);
		ATF_REQUIRE(add(ORIGINS_DAY, row));
	}
	ATF_CHECK(!add(ORIGINS_DAY, "more.test"));
	/* Those that are known are counted on. */
	ATF_CHECK(add(ORIGINS_DAY, "d7.test"));
	ATF_CHECK_EQ(ORIGINS_ROWS_MAX, rows(&messages));
	ATF_CHECK_EQ(ORIGINS_ROWS_MAX + 1, messages);
	/* A day that is over makes no room, and then has none. */
	ATF_CHECK(!add(0, "more.test"));
	/* The next day it goes; no change is left. */
	ATF_CHECK(add(2 * ORIGINS_DAY, "more.test"));
	ATF_CHECK_EQ(1, rows(&messages));
	noted = 0;
	origins_changed(note);
	ATF_CHECK_EQ(1, noted);
	/* One day after the other, the oldest first, this one never. */
	for (unsigned int i = 1; i < ORIGINS_ROWS_MAX; i++) {
		(void)snprintf(row, sizeof(row), "d%u.test", i);
		ATF_REQUIRE(add(3 * ORIGINS_DAY, row));
	}
	ATF_CHECK_EQ(ORIGINS_ROWS_MAX, rows(&messages));
	ATF_CHECK(add(3 * ORIGINS_DAY, "more.test"));
	ATF_CHECK_EQ(ORIGINS_ROWS_MAX, rows(&messages));
	ATF_CHECK(!add(3 * ORIGINS_DAY, "yet.more.test"));
	/* The last day of them, and the one after it. */
	ATF_CHECK(add((ORIGINS_DAYS + 3) * ORIGINS_DAY, "more.test"));
	ATF_CHECK_EQ(1, rows(&messages));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, counted);
	ATF_TP_ADD_TC(tp, bounded);
	return atf_no_error();
}
