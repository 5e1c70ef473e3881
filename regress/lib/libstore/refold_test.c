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
 * The audit's second fold: nothing is found where all is well, whatever is done
 * meanwhile, and what differs from the log is named.
 */

#include <sys/types.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "copying.h"
#include "merge_world.h"
#include "store_audit.h"
#include "store_local.h"

#define STEPS_MAX 100000

static char found[4000];

static void
note(void *arg, const char *box, uint32_t uid, const char *what)
{
	size_t len = strlen(found);

	(void)snprintf(found + len, sizeof(found) - len, "%s/%u %s\n",
	    box == NULL ? "-" : box, uid, what);
}

/* Step by step; between, if there is something to do, it is done. */
static uint64_t
audit(struct store *st, void (*between)(unsigned int step))
{
	struct store_audited sum;
	struct store_audit *a;
	unsigned int i;
	bool more;

	found[0] = '\0';
	a = store_audit_new(st, note, NULL);
	ATF_REQUIRE(a != NULL);
	for (i = 0, more = true; more; i++) {
		ATF_REQUIRE(i < STEPS_MAX);
		OK(store_audit_step(a, &more));
		if (between != NULL)
			between(i);
	}
	store_audit_state(a, &sum);
	store_audit_free(a);
	return sum.findings;
}

static void
nothing(struct store *st, void (*between)(unsigned int step))
{
	uint64_t n;

	n = audit(st, between);
	if (n != 0)
		atf_tc_fail("%llu: %s", (unsigned long long)n, found);
}

static void
finds(struct store *st, uint64_t n, const char *what)
{
	uint64_t got;

	got = audit(st, NULL);
	if (got != n || strstr(found, what) == NULL)
		atf_tc_fail("%llu instead of %s: %s", (unsigned long long)got,
		    what, found);
}

/* Some of everything that the log knows. */
static uint64_t
fill_account(struct account *a)
{
	const struct store_range some = {4, 12}, few = {20, 24};
	struct store_rename r;
	uint64_t box;
	uint32_t uid;
	unsigned int i, bit;

	for (i = 0; i < 30; i++)
		OK(append(a, STORE_INBOX, i, 100, &uid));
	OK(store_mkbox(a->st, "x", 0, &box));
	OK(store_keyword(a->st, STORE_INBOX, "work", true, &bit));
	OK(store_flags(a->st, STORE_INBOX, &some, 1, 1ULL << bit | STORE_SEEN,
	    0, UINT64_MAX));
	OK(store_copy(a->st, STORE_INBOX, &some, 1, box, false, NULL, NULL));
	OK(store_copy(a->st, STORE_INBOX, &few, 1, box, true, NULL, NULL));
	OK(store_expunge(a->st, STORE_INBOX, &some, 1, true));
	r = (struct store_rename){box, "y"};
	OK(store_mvbox(a->st, &r, 1));
	OK(store_commit(a->st));
	return box;
}

static struct account one;

static void
work_meanwhile(unsigned int step)
{
	const struct store_range all = {1, UINT32_MAX};
	uint32_t uid;
	bool more;

	if (step > 40)
		return;
	OK(append(&one, STORE_INBOX, 1000 + step, 50, &uid));
	OK(store_flags(one.st, STORE_INBOX, &all, 1, step % 2 ? 0x04 : 0,
	    step % 2 ? 0 : 0x04, UINT64_MAX));
	OK(store_commit(one.st));
	if (step % 8 == 0)
		OK(checkpoint(one.st));
	OK(store_idle(one.st, &more));
}

ATF_TC_WITHOUT_HEAD(well);

ATF_TC_BODY(well, tc)
{
	account_make(&one);
	account_open(&one);
	nothing(one.st, NULL);
	(void)fill_account(&one);
	nothing(one.st, NULL);
	nothing(one.st, work_meanwhile);
	/* From a checkpoint, from the snapshot, and from frames after both. */
	OK(checkpoint(one.st));
	nothing(one.st, NULL);
	account_reopen(&one);
	nothing(one.st, work_meanwhile);
	account_crash(&one);
	nothing(one.st, NULL);
	ATF_CHECK_EQ(-1, access("accounts/example.org/anna/snap/audit", F_OK));
	account_end(&one);
}

ATF_TC_WITHOUT_HEAD(differs);

ATF_TC_BODY(differs, tc)
{
	struct store_msg m;
	struct box *b;
	uint64_t box;
	uint32_t pos = 0;

	account_make(&one);
	account_open(&one);
	box = fill_account(&one);
	b = box_find(one.st, box);
	ATF_REQUIRE_EQ(0, col_load(one.st, b));
	m = *col_at(b, 3);
	ATF_REQUIRE_EQ(0, col_set_flags(b, 3, m.flags ^ 0x10, m.modseq));
	finds(one.st, 1, "flags, date or size");
	/* It was written so, too: the next opening believes its snapshot. */
	b->dirty = true;
	OK(snap_save(one.st));
	account_crash(&one);
	finds(one.st, 1, "flags, date or size");
	b = box_find(one.st, box);
	ATF_REQUIRE_EQ(0, col_load(one.st, b));
	ATF_REQUIRE_EQ(0, col_set_flags(b, 3, m.flags, m.modseq));
	nothing(one.st, NULL);
	/* One message fewer, and its count with it. */
	m = *col_at(b, 0);
	ATF_REQUIRE_EQ(0, col_remove(one.st, b, &pos, 1, m.modseq));
	finds(one.st, 1, "and it is not shown");
	ATF_REQUIRE_EQ(1, col_insert(one.st, b, &m) == 0);
	nothing(one.st, NULL);
	b->pub.use ^= STORE_USE_SENT;
	finds(one.st, 1, "name, numbers, keywords");
	b->pub.use ^= STORE_USE_SENT;
	one.st->next_box += 2;
	finds(one.st, 1, "subscriptions, annotations or counts");
	one.st->next_box -= 2;
	ghost_make(one.st, b);
	ATF_CHECK(audit(one.st, NULL) >= 1);
	ATF_CHECK(strstr(found, "the log has this mailbox") != NULL);
	store_abandon(one.st);
	one.st = NULL;
	account_end(&one);
}

static void
exchange_meanwhile(unsigned int step)
{
	struct host *h = &world()->hosts[step % 2];
	uint32_t uid;

	if (step > 12)
		return;
	OK(append(&h->a, STORE_INBOX, 10 + step, 50, &uid));
	OK(store_commit(h->a.st));
	exchange(h, true);
}

/* Two hosts, with late placements and what they exchange meanwhile. */
ATF_TC_WITHOUT_HEAD(merged);

ATF_TC_BODY(merged, tc)
{
	struct account a;
	uint32_t uid;
	int i;

	account_make(&a);
	ATF_REQUIRE_EQ(0, system("mkdir template && mv accounts template/"));
	world_fragile(true);
	world()->stay = true; /* an audit has the store in its hand */
	host_start(&world()->hosts[0], a.ring);
	OK(store_pair(world()->hosts[0].a.st));
	host_start(&world()->hosts[1], a.ring);
	exchange(&world()->hosts[0], true);
	for (i = 0; i < 6; i++) {
		OK(append(&world()->hosts[i % 2].a, STORE_INBOX,
		    (unsigned int)i, 100, &uid));
		OK(store_commit(world()->hosts[i % 2].a.st));
	}
	exchange(&world()->hosts[1], true);
	exchange(&world()->hosts[0], true);
	for (i = 0; i < 2; i++) {
		nothing(world()->hosts[i].a.st, NULL);
		nothing(world()->hosts[i].a.st, exchange_meanwhile);
		nothing(world()->hosts[i].a.st, NULL);
	}
	if (world()->bad[0] != '\0')
		atf_tc_fail("%s", world()->bad);
	for (i = 0; i < 2; i++)
		host_stop(&world()->hosts[i]);
	world_fragile(false);
	seal_ring_free(a.ring);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, well);
	ATF_TP_ADD_TC(tp, differs);
	ATF_TP_ADD_TC(tp, merged);
	return atf_no_error();
}
