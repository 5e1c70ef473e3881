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
 * What TLS came to, by day: counted, bounded, forgotten.
 */

#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include <atf-c.h>

#include "../../../../usr.sbin/sealsmtpd/queue/tally.h"

static unsigned int
rows(void)
{
	const struct tally *t;
	unsigned int n = 0;

	for (t = tally_after(NULL); t != NULL; t = tally_after(t))
		n++;
	return n;
}

ATF_TC_WITHOUT_HEAD(counted);
ATF_TC_BODY(counted, tc)
{
	const struct tally *t;
	struct tally row;

	for (int i = 0; i < 3; i++)
		t = tally_add(5 * TALLY_DAY + i, TLS_POLICY_DANE, 0, "a.test",
		    i == 0 ? "mx1" : "mx2");
	ATF_CHECK_EQ(3, t->sessions);
	ATF_CHECK_EQ(5, t->day);
	ATF_CHECK_STREQ("", t->host);
	/* Of failures the host counts, and each kind is its own. */
	(void)tally_add(5 * TALLY_DAY, TLS_POLICY_DANE, 4, "a.test", "mx1");
	(void)tally_add(5 * TALLY_DAY, TLS_POLICY_DANE, 4, "a.test", "mx2");
	(void)tally_add(5 * TALLY_DAY, TLS_POLICY_STS, 4, "a.test", "mx2");
	(void)tally_add(5 * TALLY_DAY, TLS_POLICY_STS, 1, "a.test", "mx2");
	(void)tally_add(5 * TALLY_DAY, TLS_POLICY_STS, 1, "b.test", "mx2");
	(void)tally_add(6 * TALLY_DAY, TLS_POLICY_STS, 1, "b.test", "mx2");
	ATF_CHECK_EQ(7, rows());
	/* What the journal says is the count, not one more. */
	row = *t;
	row.sessions = 77;
	tally_set(&row);
	tally_set(&row);
	ATF_CHECK_EQ(77, t->sessions);
	ATF_CHECK_EQ(7, rows());
}

ATF_TC_WITHOUT_HEAD(bounded);
ATF_TC_BODY(bounded, tc)
{
	char name[64];

	for (unsigned int i = 0; i < TALLY_ROWS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "d%u.test", i);
		ATF_REQUIRE(
		    tally_add(TALLY_DAY, TLS_POLICY_NONE, 0, name, "") != NULL);
	}
	ATF_CHECK(
	    tally_add(TALLY_DAY, TLS_POLICY_NONE, 0, "more.test", "") == NULL);
	/* Those that are known are counted on. */
	ATF_CHECK(
	    tally_add(TALLY_DAY, TLS_POLICY_NONE, 0, "d7.test", "") != NULL);
	ATF_CHECK_EQ(TALLY_ROWS_MAX, rows());
	/* A day that is over makes no room; the next one does. */
	ATF_CHECK(tally_add(0, TLS_POLICY_NONE, 0, "more.test", "") == NULL);
	ATF_CHECK_EQ(TALLY_ROWS_MAX, rows());
	ATF_CHECK(tally_add(2 * TALLY_DAY, TLS_POLICY_NONE, 0, "more.test",
		      "") != NULL);
	ATF_CHECK_EQ(1, rows());
	/* The last day of it, and the one after that. */
	ATF_CHECK(tally_add((TALLY_DAYS + 1) * TALLY_DAY, TLS_POLICY_NONE, 0,
		      "more.test", "") != NULL);
	ATF_CHECK_EQ(2, rows());
	ATF_CHECK(tally_add((TALLY_DAYS + 2) * TALLY_DAY, TLS_POLICY_NONE, 0,
		      "more.test", "") != NULL);
	ATF_CHECK_EQ(2, rows());
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, counted);
	ATF_TP_ADD_TC(tp, bounded);
	return atf_no_error();
}
