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
 * What users may submit in an hour: at the limit and past it, two kinds at
 * once, time that passes, limits that change.
 */

#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include <atf-c.h>

#include "../../../../usr.sbin/sealimapd/store/master.h"

#define HOUR UINT64_C(3600000)

static uint32_t
spend(const char *who, uint32_t messages, uint32_t rcpts, uint64_t now)
{
	static const uint32_t limit[PACE_KINDS] = {10, 30};
	const uint32_t n[PACE_KINDS] = {messages, rcpts};

	return pace_spend(who, limit, n, now);
}

ATF_TC_WITHOUT_HEAD(limit);
ATF_TC_BODY(limit, tc)
{
	for (int i = 0; i < 10; i++)
		ATF_CHECK_EQ(0, spend("anna", 1, 1, 1000));
	/* The eleventh waits for a tenth of an hour. */
	ATF_CHECK_EQ(361, spend("anna", 1, 1, 1000));
	ATF_CHECK_EQ(361, spend("anna", 1, 1, 1000));
	ATF_CHECK_EQ(0, spend("bob", 1, 1, 1000));
	/* What was refused has cost nothing: recipients are left. */
	for (int i = 0; i < 20; i++)
		ATF_CHECK_EQ(0, spend("anna", 0, 1, 1000));
	ATF_CHECK_EQ(121, spend("anna", 0, 1, 1000));
}

ATF_TC_WITHOUT_HEAD(passing);
ATF_TC_BODY(passing, tc)
{
	uint64_t now = 5000;
	uint32_t wait;

	for (int i = 0; i < 10; i++)
		ATF_CHECK_EQ(0, spend("anna", 1, 0, now));
	for (int i = 0; i < 50; i++) {
		wait = spend("anna", 1, 0, now);
		ATF_REQUIRE(wait > 0);
		/* Not a moment before, and then at once. */
		ATF_CHECK(spend("anna", 1, 0, now + wait * 1000 - 2000) > 0);
		now += wait * 1000;
		ATF_REQUIRE_EQ(0, spend("anna", 1, 0, now));
	}
	/* Ten an hour over five hours, and never more than ten saved up. */
	ATF_CHECK(now >= 5 * HOUR - 10000);
	now += 100 * HOUR;
	for (int i = 0; i < 10; i++)
		ATF_CHECK_EQ(0, spend("anna", 1, 0, now));
	ATF_CHECK(spend("anna", 1, 0, now) > 0);
}

ATF_TC_WITHOUT_HEAD(change);
ATF_TC_BODY(change, tc)
{
	const uint32_t none[PACE_KINDS] = {0, 0}, one[PACE_KINDS] = {1, 1};
	const uint32_t many[PACE_KINDS] = {5, 5};

	for (int i = 0; i < 1000; i++)
		ATF_CHECK_EQ(0, pace_spend("anna", none, one, 1000));
	ATF_CHECK_EQ(0, pace_spend("anna", one, one, 1000));
	ATF_CHECK(pace_spend("anna", one, one, 1000) > 0);
	ATF_CHECK_EQ(0, pace_spend("anna", many, one, 1000));
	/* More at once than there ever is. */
	ATF_CHECK(pace_spend("bob", one, many, 1000) >= 3600);
}

ATF_TC_WITHOUT_HEAD(bounded);
ATF_TC_BODY(bounded, tc)
{
	char name[32];

	for (int i = 0; i < 70000; i++) {
		(void)snprintf(name, sizeof(name), "user%d", i);
		ATF_REQUIRE_EQ(0, spend(name, 1, 1, 1000));
	}
	ATF_CHECK(pace_size() <= 65537);
	/* An hour later nothing is owed. */
	ATF_CHECK_EQ(0, spend("anna", 1, 1, 1001 + HOUR));
	ATF_CHECK_EQ(1, pace_size());
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, limit);
	ATF_TP_ADD_TC(tp, passing);
	ATF_TP_ADD_TC(tp, change);
	ATF_TP_ADD_TC(tp, bounded);
	return atf_no_error();
}
