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
 * What was taken out of a box, as clients that come back ask for it.
 */

#include <sys/types.h>

#include <atf-c.h>
#include <stdlib.h>
#include <time.h>

#include "account.h"
#include "store_local.h"
#include "store_sweep.h"

static int64_t later;

static int64_t
test_clock(void)
{
	return (int64_t)time(NULL) + later;
}

/* All that is asked for is there, and no more. */
static void
check_gone(struct account *a, uint64_t since, const uint32_t *want, size_t n)
{
	uint32_t *uids;
	size_t found, i;
	bool all;

	OK(store_gone(a->st, STORE_INBOX, since, &uids, &found, &all));
	ATF_CHECK_MSG(!all, "since %llu", (unsigned long long)since);
	ATF_REQUIRE_EQ(n, found);
	for (i = 0; i < n; i++)
		ATF_CHECK_EQ(want[i], uids[i]);
	free(uids);
}

static bool
forgotten(struct account *a, uint64_t since)
{
	uint32_t *uids;
	size_t n;
	bool all;

	OK(store_gone(a->st, STORE_INBOX, since, &uids, &n, &all));
	free(uids);
	return all;
}

static uint64_t
modseq(struct account *a)
{
	return store_box_find(a->st, STORE_INBOX)->modseq;
}

static void
take_out(struct account *a, uint32_t uid)
{
	struct store_range r = {uid, uid};
	uint64_t before;

	before = modseq(a);
	OK(store_expunge(a->st, STORE_INBOX, &r, 1, true));
	OK(store_commit(a->st));
	ATF_CHECK(modseq(a) > before);
}

ATF_TC_WITHOUT_HEAD(remembered);
ATF_TC_BODY(remembered, tc)
{
	struct account a;
	uint32_t uid[8], *uids;
	uint64_t start, middle;
	size_t n, i;
	bool all;

	store_clock_set(test_clock);
	account_make(&a);
	account_open(&a);
	for (i = 0; i < 8; i++)
		OK(append(&a, STORE_INBOX, (unsigned int)i, 100, &uid[i]));
	OK(store_commit(a.st));
	start = modseq(&a);
	check_gone(&a, 0, NULL, 0);
	take_out(&a, uid[5]);
	take_out(&a, uid[1]);
	middle = modseq(&a);
	take_out(&a, uid[3]);
	check_gone(&a, start, (uint32_t[]){uid[1], uid[3], uid[5]}, 3);
	check_gone(&a, middle, &uid[3], 1);
	check_gone(&a, modseq(&a), NULL, 0);
	account_reopen(&a);
	check_gone(&a, start, (uint32_t[]){uid[1], uid[3], uid[5]}, 3);
	ATF_CHECK_EQ(
	    STORE_UNKNOWN, store_gone(a.st, 12345, 0, &uids, &n, &all));
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(old);
ATF_TC_BODY(old, tc)
{
	struct account a;
	uint32_t uid[6];
	uint64_t start, last;
	size_t i;

	store_clock_set(test_clock);
	account_make(&a);
	account_open(&a);
	for (i = 0; i < 6; i++)
		OK(append(&a, STORE_INBOX, (unsigned int)i, 100, &uid[i]));
	OK(store_commit(a.st));
	start = modseq(&a);
	take_out(&a, uid[0]);
	take_out(&a, uid[2]);
	last = modseq(&a);
	/* At the limit they are there; after it, who asks for them gets all. */
	later = TOMB_KEEP - 60;
	account_reopen(&a);
	check_gone(&a, start, (uint32_t[]){uid[0], uid[2]}, 2);
	later = TOMB_KEEP + 60;
	ATF_CHECK(forgotten(&a, start));
	ATF_CHECK(forgotten(&a, last - 1));
	check_gone(&a, last, NULL, 0);
	take_out(&a, uid[4]);
	/* The same once they are pruned, and once more. */
	for (i = 0; i < 2; i++) {
		account_reopen(&a);
		ATF_CHECK(forgotten(&a, start));
		ATF_CHECK(forgotten(&a, last - 1));
		check_gone(&a, last, &uid[4], 1);
		later += 60;
		OK(append(&a, STORE_INBOX, 9, 100, &uid[0]));
		OK(store_commit(a.st));
	}
	account_end(&a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, remembered);
	ATF_TP_ADD_TC(tp, old);
	return atf_no_error();
}
