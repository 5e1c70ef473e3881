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
 * Rules of merging one at a time: what a removed mailbox leaves behind, and
 * the UIDs that a takeover and a new writer leave out.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "compat.h"
#include "copying.h"
#include "merge_world.h"
#include "store_local.h"

#define TAKEOVER_TAIL 8 /* messages that the other host has not seen */

static struct account template;

/* Two hosts with the same files, the first of which has the lease. */
static void
begin(void)
{
	account_make(&template);
	ATF_REQUIRE_EQ(0, system("mkdir template && mv accounts template/"));
	world_fragile(true);
	host_start(&world()->hosts[0], template.ring);
	OK(store_pair(world()->hosts[0].a.st));
	host_start(&world()->hosts[1], template.ring);
	exchange(&world()->hosts[0], true);
	exchange(&world()->hosts[1], true);
}

static void
end(void)
{
	host_stop(&world()->hosts[0]);
	host_stop(&world()->hosts[1]);
	world_fragile(false);
	seal_ring_free(template.ring);
	if (world()->bad[0] != '\0')
		atf_tc_fail("%s", world()->bad);
}

static void
to_and_fro(void)
{
	int i;

	for (i = 0; i < 4; i++)
		exchange(&world()->hosts[i % 2], true);
}

static uint64_t
name_keyword(struct store *st, uint64_t box, const char *name)
{
	unsigned int bit;

	OK(store_keyword(st, box, name, true, &bit));
	return 1ULL << bit;
}

static void
set_flags(struct store *st, uint64_t box, uint32_t uid, uint64_t flags)
{
	const struct store_range r = {uid, uid};

	OK(store_flags(st, box, &r, 1, flags, 0, UINT64_MAX));
	OK(store_commit(st));
}

/* Whether the first message of box has just these of the names. */
static void
has_keywords(struct store *st, uint64_t box, uint8_t set)
{
	const struct store_box *b;

	b = store_box_find(st, box);
	ATF_REQUIRE(b != NULL);
	ATF_REQUIRE_EQ(1, b->messages);
	ATF_CHECK_EQ(set, keyword_set(b, store_msg_at(st, box, 0)->flags));
	if (world()->bad[0] != '\0')
		atf_tc_fail("%s", world()->bad);
}

/*
 * One host removes a mailbox, the other puts mail with keywords there: with
 * one from before, one that it named for itself, and one that both named.
 */
static void
removed(void (*between)(struct host *))
{
	struct host *h = world()->hosts;
	uint64_t box, bits;
	uint32_t uid;
	int i;

	begin();
	OK(store_mkbox(h[0].a.st, "x", 0, &box));
	(void)name_keyword(h[0].a.st, box, "one");
	OK(store_commit(h[0].a.st));
	to_and_fro();
	(void)name_keyword(h[0].a.st, box, "two");
	OK(store_commit(h[0].a.st));
	OK(store_rmbox(h[0].a.st, box));
	OK(store_commit(h[0].a.st));
	ATF_CHECK(store_box_find(h[0].a.st, box) == NULL);
	/* Later than that, by Lamport's time. */
	for (i = 0; i < 8; i++)
		OK(store_set_use(h[1].a.st, box, 0));
	OK(store_commit(h[1].a.st));
	bits = name_keyword(h[1].a.st, box, "ONE");
	bits |= name_keyword(h[1].a.st, box, "Two");
	bits |= name_keyword(h[1].a.st, box, "three");
	OK(append(&h[1].a, box, 1, 100, &uid));
	set_flags(h[1].a.st, box, uid, bits);
	if (between != NULL)
		between(&h[0]);
	to_and_fro();
	has_keywords(h[0].a.st, box, 7);
	has_keywords(h[1].a.st, box, 7);
	end();
}

ATF_TC_WITHOUT_HEAD(removed_log);

ATF_TC_BODY(removed_log, tc)
{
	removed(NULL);
}

static void
close_and_open(struct host *h)
{
	OK(store_close(h->a.st));
	h->a.st = NULL;
	host_open(h);
	ATF_REQUIRE(h->a.st != NULL);
}

ATF_TC_WITHOUT_HEAD(removed_snapshot);

ATF_TC_BODY(removed_snapshot, tc)
{
	removed(close_and_open);
}

/* By a checkpoint alone: the snapshot is taken away. */
ATF_TC_WITHOUT_HEAD(removed_checkpoint);

ATF_TC_BODY(removed_checkpoint, tc)
{
	const struct box *g;
	struct account a;
	uint64_t box;

	account_make(&a);
	account_open(&a);
	OK(store_mkbox(a.st, "x", 0, &box));
	(void)name_keyword(a.st, box, "one");
	(void)name_keyword(a.st, box, "two");
	OK(store_commit(a.st));
	OK(store_rmbox(a.st, box));
	OK(store_commit(a.st));
	OK(checkpoint(a.st));
	store_abandon(a.st);
	ATF_REQUIRE_EQ(0, system("rm -rf accounts/example.org/anna/snap/*"));
	account_open(&a);
	ATF_REQUIRE(own_writer(a.st)->seg > 1);
	g = ghost_find(a.st, box);
	ATF_REQUIRE(g != NULL);
	ATF_REQUIRE_EQ(3, g->pub.nkeywords); /* every other bit is its own */
	ATF_CHECK_STREQ("one", g->keywords[0]);
	ATF_CHECK_STREQ("two", g->keywords[2]);
	account_end(&a);
}

/* As many as are remembered, and one more: the first is forgotten. */
ATF_TC_WITHOUT_HEAD(removed_many);

ATF_TC_BODY(removed_many, tc)
{
	struct account a;
	uint64_t first, box;
	unsigned int i;

	account_make(&a);
	account_open(&a);
	for (i = 0, first = 0; i < GHOSTS_MAX; i++) {
		OK(store_mkbox(a.st, "x", 0, &box));
		OK(store_rmbox(a.st, box));
		if (first == 0)
			first = box;
	}
	ATF_CHECK_EQ(GHOSTS_MAX, a.st->nghosts);
	ATF_CHECK(ghost_find(a.st, first) != NULL);
	OK(store_mkbox(a.st, "x", 0, &box));
	OK(store_rmbox(a.st, box));
	OK(store_commit(a.st));
	ATF_CHECK_EQ(GHOSTS_MAX, a.st->nghosts);
	ATF_CHECK(ghost_find(a.st, first) == NULL);
	ATF_CHECK(ghost_find(a.st, box) != NULL);
	account_reopen(&a);
	ATF_CHECK_EQ(GHOSTS_MAX, a.st->nghosts);
	ATF_CHECK(ghost_find(a.st, first) == NULL);
	account_end(&a);
}

static uint32_t
only_uid(struct store *st, uint64_t box, unsigned int n)
{
	const struct store_msg *m;
	size_t i, all;

	m = column(st, box, &all);
	for (i = 0; i < all; i++) {
		if (number(&m[i]) == n)
			return m[i].uid;
	}
	return 0;
}

/*
 * Host 1 takes the lease unasked while host 0 still writes: what host 1 gives
 * in any box keeps its UID, and what host 0 wrote unseen is renumbered.
 */
static void
collect(struct store *st)
{
	bool more = true;

	while (more)
		OK(store_idle(st, &more));
}

/*
 * Both hosts take in one delivery, and one of them removes the mailbox without
 * knowing that of the other: the message lives, and so does its body.
 */
ATF_TC_WITHOUT_HEAD(delivered_twice);
ATF_TC_BODY(delivered_twice, tc)
{
	struct host *h = world()->hosts;
	struct store_drained d;
	const struct store_box *b;

	begin();
	OK(deliver_as(&h[0].a, 1, 100, STORE_SUSPECT));
	ATF_REQUIRE_EQ(
	    0, system("cp host0/" PLACE "/in/* host1/" PLACE "/in/"));
	OK(store_drain(h[0].a.st, &d));
	ATF_REQUIRE_EQ(1, d.placed);
	b = store_box_named(h[0].a.st, "Spam");
	ATF_REQUIRE_EQ(1, b->messages);
	OK(store_rmbox(h[0].a.st, b->id));
	OK(store_commit(h[0].a.st));
	/* So it comes later in the fold than the removal. */
	for (int i = 0; i < 9; i++) {
		OK(store_subscribe(h[1].a.st, "x", i % 2 == 0));
		OK(store_commit(h[1].a.st));
	}
	OK(store_drain(h[1].a.st, &d));
	ATF_REQUIRE_EQ(1, d.placed);
	to_and_fro();
	for (int i = 0; i < 4; i++) {
		collect(h[i % 2].a.st);
		exchange(&h[i % 2], true);
	}
	for (int i = 0; i < 2; i++)
		ATF_CHECK_EQ(1, count_all(h[i].a.st, 1));
	/* In blob/, not in trash/ alone. */
	check_all();
	end();
}

ATF_TC_WITHOUT_HEAD(takeover);

ATF_TC_BODY(takeover, tc)
{
	struct host *h = world()->hosts;
	uint32_t uid, next[2], tail[TAKEOVER_TAIL], ours[2];
	uint64_t box;
	unsigned int i;

	begin();
	OK(store_mkbox(h[0].a.st, "x", 0, &box));
	OK(append(&h[0].a, box, 0, 100, &uid));
	OK(store_commit(h[0].a.st));
	to_and_fro();
	next[0] = store_box_find(h[1].a.st, STORE_INBOX)->uidnext;
	next[1] = store_box_find(h[1].a.st, box)->uidnext;
	for (i = 0; i < TAKEOVER_TAIL; i++)
		OK(append(&h[0].a, box, 10 + i, 100, &tail[i]));
	OK(store_commit(h[0].a.st));
	ATF_REQUIRE(tail[TAKEOVER_TAIL - 1] < next[1] + UID_TAKEOVER);
	OK(store_lease_take(h[1].a.st, false));
	OK(append(&h[1].a, STORE_INBOX, 1, 100, &ours[0]));
	OK(append(&h[1].a, box, 2, 100, &ours[1]));
	OK(store_commit(h[1].a.st));
	for (i = 0; i < 2; i++) {
		ATF_CHECK(ours[i] >= next[i] + UID_TAKEOVER);
		ATF_CHECK(ours[i] <= next[i] + UID_TAKEOVER + 1);
	}
	to_and_fro();
	for (i = 0; i < 2; i++) {
		ATF_CHECK_EQ(ours[0], only_uid(h[i].a.st, STORE_INBOX, 1));
		ATF_CHECK_EQ(ours[1], only_uid(h[i].a.st, box, 2));
		ATF_CHECK_EQ(uid, only_uid(h[i].a.st, box, 0));
	}
	for (i = 0; i < TAKEOVER_TAIL; i++) {
		uid = only_uid(h[1].a.st, box, 10 + i);
		ATF_CHECK(uid > ours[1]);
		ATF_CHECK_EQ(uid, only_uid(h[0].a.st, box, 10 + i));
	}
	end();
}

/* Whether a checkpoint of that host began a segment. */
static bool
checkpoints(struct host *h)
{
	uint32_t seg = own_writer(h->a.st)->seg;

	OK(checkpoint(h->a.st));
	return own_writer(h->a.st)->seg != seg;
}

/*
 * A copy of many ends in its middle on one host.  The other, which has all of
 * its log, writes no checkpoint that covers it, nor does it forget it in its
 * snapshot: the first must find it there, and undo it.  READER is a reader of
 * the format, which must see what the store shows.
 */
ATF_TC_WITHOUT_HEAD(unfinished);

ATF_TC_BODY(unfinished, tc)
{
	const struct store_range everything = {1, UINT32_MAX};
	struct host *h = world()->hosts;
	struct store_copying *c;
	uint32_t uid;
	uint64_t box;
	unsigned int i;
	bool more;

	begin();
	OK(store_mkbox(h[0].a.st, "x", 0, &box));
	for (i = 0; i < 600; i++)
		OK(append(&h[0].a, STORE_INBOX, i % 100, 100, &uid));
	OK(store_commit(h[0].a.st));
	OK(store_lease_take(h[1].a.st, true));
	to_and_fro();
	ATF_REQUIRE(checkpoints(&h[1]));
	to_and_fro();
	OK(store_copy_begin(
	    h[0].a.st, STORE_INBOX, &everything, 1, box, NULL, NULL, &c));
	OK(store_copy_step(c, &more));
	ATF_REQUIRE(more);
	OK(store_mkbox(h[0].a.st, "y", 0, NULL));
	OK(store_commit(h[0].a.st));
	check_reader(&h[0]);
	store_abandon(h[0].a.st);
	h[0].a.st = NULL;
	exchange(&h[0], true);
	ATF_CHECK_EQ(512, store_box_find(h[1].a.st, box)->messages);
	for (i = 0; i < 2; i++) {
		ATF_CHECK(!checkpoints(&h[1]));
		OK(snap_save(h[1].a.st));
		close_and_open(&h[1]);
	}
	exchange(&h[1], true);
	ATF_REQUIRE_EQ(0, system("rm -rf host0/" PLACE "/snap/*"));
	host_open(&h[0]);
	ATF_REQUIRE(h[0].a.st != NULL);
	ATF_CHECK_EQ(0, store_box_find(h[0].a.st, box)->messages);
	to_and_fro();
	ATF_CHECK_EQ(0, store_box_find(h[1].a.st, box)->messages);
	ATF_CHECK_EQ(600, store_box_find(h[1].a.st, STORE_INBOX)->messages);
	check_reader(&h[0]);
	ATF_CHECK(checkpoints(&h[1]));
	to_and_fro();
	check_reader(&h[0]);
	check_reader(&h[1]);
	printf("%u times read\n", world()->sum.read);
	end();
}

/* With the other's consent nothing is left out. */
ATF_TC_WITHOUT_HEAD(handover);

ATF_TC_BODY(handover, tc)
{
	struct host *h = world()->hosts;
	uint32_t next, uid;

	begin();
	next = store_box_find(h[1].a.st, STORE_INBOX)->uidnext;
	OK(store_lease_take(h[1].a.st, true));
	OK(append(&h[1].a, STORE_INBOX, 1, 100, &uid));
	OK(store_commit(h[1].a.st));
	ATF_CHECK(uid <= next + 1);
	end();
}

/*
 * An old copy is put back: its new writer gives no UID that may have been
 * given since, in no box, and none of its sequence numbers or MODSEQs.
 */
ATF_TC_WITHOUT_HEAD(new_writer);

ATF_TC_BODY(new_writer, tc)
{
	struct account a;
	uint64_t box, modseq, highest[2];
	uint32_t next[2], uid, last;
	uint8_t writer[WRITER_LEN];
	unsigned int i;

	account_make(&a);
	account_open(&a);
	OK(store_mkbox(a.st, "x", 0, &box));
	OK(append(&a, box, 1, 100, &uid));
	OK(append(&a, STORE_INBOX, 2, 100, &uid));
	account_close(&a);
	ATF_REQUIRE_EQ(0, system("cp -a accounts old"));
	account_open(&a);
	next[0] = store_box_find(a.st, STORE_INBOX)->uidnext;
	next[1] = store_box_find(a.st, box)->uidnext;
	for (i = 3, last = 0; i < 50; i++)
		OK(append(&a, i % 2 ? box : STORE_INBOX, i, 100, &last));
	OK(store_commit(a.st));
	highest[0] = store_box_find(a.st, STORE_INBOX)->modseq;
	highest[1] = store_box_find(a.st, box)->modseq;
	memcpy(writer, own_writer(a.st)->id, WRITER_LEN);
	account_close(&a);
	close(a.dir);
	ATF_REQUIRE_EQ(0, system("rm -rf accounts && mv old accounts"));
	OK(store_account_open(a.base, ACCOUNT, &a.dir));
	account_open(&a);
	ATF_CHECK(store_put_back(a.st));
	ATF_CHECK(memcmp(writer, own_writer(a.st)->id, WRITER_LEN) != 0);
	for (i = 0; i < 2; i++) {
		uint64_t id = i == 0 ? STORE_INBOX : box;

		OK(append(&a, id, 60 + i, 100, &uid));
		OK(store_commit(a.st));
		ATF_CHECK(uid >= next[i] + UID_SKIP);
		ATF_CHECK(uid <= next[i] + UID_SKIP + 1);
		modseq = store_msg_find(a.st, id, uid, NULL)->modseq;
		ATF_CHECK(modseq > highest[i]);
	}
	/* Once: what follows, and the next opening, leave out nothing more. */
	last = uid;
	account_reopen(&a);
	ATF_CHECK(!store_put_back(a.st));
	OK(append(&a, box, 70, 100, &uid));
	ATF_CHECK_EQ(last + 2, uid);
	account_end(&a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, removed_log);
	ATF_TP_ADD_TC(tp, removed_snapshot);
	ATF_TP_ADD_TC(tp, removed_checkpoint);
	ATF_TP_ADD_TC(tp, removed_many);
	ATF_TP_ADD_TC(tp, delivered_twice);
	ATF_TP_ADD_TC(tp, takeover);
	ATF_TP_ADD_TC(tp, handover);
	ATF_TP_ADD_TC(tp, unfinished);
	ATF_TP_ADD_TC(tp, new_writer);
	return atf_no_error();
}
