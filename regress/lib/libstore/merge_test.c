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
 * Two hosts that write one account apart and exchange their files by hand, in
 * random order, with crashes between any two calls that change the disk.  The
 * rules are those of the model in STORE.md 5: no name is used twice (I1), no
 * late UID is shown (I2), views and flags converge and no message is lost or,
 * but for concurrent moves, doubled (I3).  RUNS, SEED, STEPS in the
 * environment; READER: a program that reads the account by the page alone, and
 * must see the same (regress/reader).
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "compat.h"
#include "copying.h"
#include "merge_ops.h"
#include "merge_state.h"
#include "merge_world.h"
#include "store_retain.h"
#include "store_compare.h"

#define RUNS 300
#define RUNS_LONG 3000
#define RUNS_KINDS 60
#define ROUNDS 12

/* Not the operations of the model alone, but all kinds of what a log holds. */
static bool kinds;

#ifdef STORE_MUTANT

bool
store_mutant(unsigned int rule)
{
	static unsigned int broken = UINT_MAX;
	const char *s;

	if (broken == UINT_MAX) {
		s = getenv("MUTANT");
		broken = s == NULL ? 0 : (unsigned int)strtoul(s, NULL, 10);
	}
	return rule == broken;
}

#endif

/* In step, so that a checkpoint may be written; then on, or a crash. */
static void
do_cut(void)
{
	struct host *h;
	uint32_t seg;
	int i;

	for (i = 0; i < 5 && world()->bad[0] == '\0'; i++) {
		host_open(&world()->hosts[i % 2]);
		exchange(&world()->hosts[!(i % 2)], true);
	}
	h = &world()->hosts[0];
	if (world()->bad[0] != '\0')
		return;
	if (!store_lease(h->a.st))
		h = &world()->hosts[1];
	if (dice(3) == 0)
		world()->crash_in = 1 + dice(12);
	seg = own_writer(h->a.st)->seg;
	if (settle(h, checkpoint(h->a.st)))
		world()->sum.checkpoints += own_writer(h->a.st)->seg > seg;
	world()->crash_in = 0;
}

/* Of a delivery: plain, suspect, a copy of what the user has sent. */
static uint64_t
some_flags(void)
{
	static const uint64_t some[] = {
	    0, STORE_SUSPECT, STORE_OWN_COPY | 1, STORE_SUSPECT | 2};

	return some[dice(4)];
}

static void
step(void)
{
	struct host *h;
	uint32_t x;

	h = &world()->hosts[dice(2)];
	if (h->a.st == NULL && dice(2) == 0)
		host_open(h);
	x = dice(kinds ? 126 : 116);
	if (x >= 100 && x < 108) {
		do_cut();
	} else if (x >= 82 && x < 100) {
		exchange(h, dice(2) == 0);
	} else if (h->a.st == NULL) {
		/* Nobody is logged in there. */
	} else {
		if (dice(6) == 0)
			world()->crash_in = 1 + dice(14);
		if (x < 25)
			do_append(h);
		else if (x < 32) {
			world()->crash_in = 0;
			do_deliver(!kinds ? 0 : some_flags());
		} else if (x < 42)
			do_drain(h);
		else if (x < 50)
			do_expunge(h);
		else if (x < 58)
			do_flag(h);
		else if (x < 61)
			do_copy(h, false);
		else if (x < 67)
			do_copy(h, true);
		else if (x < 72)
			do_boxes(h);
		else if (x < 77)
			do_upkeep(h);
		else if (x >= 116)
			do_copy_pieces(h);
		else if (x >= 108)
			do_keyword(h);
		else if (x < 80)
			(void)settle(
			    h, store_lease_take(h->a.st, dice(2) == 0));
		else
			do_close(h);
		world()->crash_in = 0;
	}
	present(&world()->hosts[0]);
	present(&world()->hosts[1]);
}

/* All garbage goes that may. */
static void
collect(struct host *h)
{
	bool more;

	for (more = true; more && world()->bad[0] == '\0';) {
		if (!settle(h, store_idle(h->a.st, &more)))
			break;
	}
}

/* Everything is exchanged until nothing moves. */
static void
heal(void)
{
	char *was[2], *is[2];
	unsigned int round, i;
	bool same;

	was[0] = was[1] = NULL;
	for (round = 0, same = false; !same && world()->bad[0] == '\0';
	     round++) {
		if (round == ROUNDS) {
			violation("I3: not settled\n%s---\n%s", was[0], was[1]);
			break;
		}
		host_open(&world()->hosts[0]);
		host_open(&world()->hosts[1]);
		for (i = 0; i < 2 && world()->bad[0] == '\0'; i++)
			do_drain(&world()->hosts[i]);
		for (i = 0; i < 2 && world()->bad[0] == '\0'; i++) {
			exchange(&world()->hosts[i], true);
			present(&world()->hosts[0]);
			present(&world()->hosts[1]);
		}
		if (world()->bad[0] != '\0')
			break;
		for (i = 0, same = true; i < 2; i++) {
			is[i] = view_text(&world()->hosts[i]);
			same = same && was[i] != NULL &&
			    strcmp(was[i], is[i]) == 0;
			free(was[i]);
			was[i] = is[i];
		}
		same = same && strcmp(is[0], is[1]) == 0;
	}
	if (round > world()->sum.rounds)
		world()->sum.rounds = round;
	free(was[0]);
	free(was[1]);
}

/* One run; what went wrong is in bad. */
static void
one_run(uint64_t begin, struct seal_ring *ring)
{
	unsigned int n;
	bool early;

	dice_seed(begin);
	world()->bad[0] = '\0';
	memset(world()->notes, 0, sizeof(world()->notes));
	memset(world()->names, 0, sizeof(world()->names));
	world()->nnotes = 0;
	world()->crashed = false;
	world()->crash_in = 0;
	host_start(&world()->hosts[0], ring);
	OK(store_pair(world()->hosts[0].a.st));
	early = dice(3) != 0;
	if (early) {
		/* The usual way: the second host begins with a copy. */
		(void)store_close(world()->hosts[0].a.st);
		world()->hosts[0].a.st = NULL;
		host_start(&world()->hosts[1], ring);
		(void)store_close(world()->hosts[1].a.st);
		world()->hosts[1].a.st = NULL;
		exchange(&world()->hosts[0], true);
		host_open(&world()->hosts[0]);
		host_open(&world()->hosts[1]);
	} else {
		host_start(&world()->hosts[1], ring);
		OK(store_pair(world()->hosts[1].a.st));
	}
	for (n = 5 + dice(56); n > 0 && world()->bad[0] == '\0'; n--) {
		step();
		if (n % 8 == 0)
			check_reader(&world()->hosts[n / 8 % 2]);
	}
	world()->crash_in = 0;
	if (world()->bad[0] == '\0')
		heal();
	for (n = 0; n < 2 && world()->bad[0] == '\0'; n++)
		collect(&world()->hosts[n]);
	if (world()->bad[0] == '\0')
		check_all();
	for (n = 0; n < 2 && world()->bad[0] == '\0'; n++)
		check_again(&world()->hosts[n]);
	for (n = 0; n < 2; n++)
		check_reader(&world()->hosts[n]);
	world()->sum.messages += world()->nnotes;
	host_stop(&world()->hosts[0]);
	host_stop(&world()->hosts[1]);
}

static void
many_runs(unsigned int short_runs)
{
	struct account a;
	char home[300], dir[32];
	uint64_t begin;
	unsigned int runs, run;

	ATF_REQUIRE(getcwd(home, sizeof(home)) != NULL);
	enter_fast(dir);
	account_make(&a);
	ATF_REQUIRE_EQ(0, system("mkdir template && mv accounts template/"));
	world_fragile(true);
	runs = count_of(
	    "RUNS", getenv("STRESS") != NULL ? RUNS_LONG : short_runs);
	/* The short form is the same each time; the long one is not. */
	begin = getenv("SEED") != NULL ? strtoull(getenv("SEED"), NULL, 10) :
	    getenv("STRESS") != NULL   ? (uint64_t)arc4random() << 16 :
					 1;
	printf("seeds %llu to %llu\n", (unsigned long long)begin,
	    (unsigned long long)begin + runs - 1);
	for (run = 0; run < runs && world()->bad[0] == '\0'; run++)
		one_run(begin + run, a.ring);
	world_fragile(false);
	seal_ring_free(a.ring);
	ATF_REQUIRE_EQ(0, chdir(home));
	if (dir[0] != '\0')
		(void)path_remove_tree(AT_FDCWD, dir);
	if (world()->bad[0] != '\0')
		atf_tc_fail("seed %llu: %s",
		    (unsigned long long)begin + run - 1, world()->bad);
	printf("%u runs, %u messages, %u merges, %u placed again, %u crashes, "
	       "%u checkpoints, at most %u rounds, %u pieces, %u times read\n",
	    runs, world()->sum.messages, world()->sum.merges,
	    world()->sum.again, world()->sum.crashes, world()->sum.checkpoints,
	    world()->sum.rounds, world()->sum.pieces, world()->sum.read);
}

ATF_TC_WITHOUT_HEAD(property);
ATF_TC_BODY(property, tc)
{
	many_runs(RUNS);
}

/*
 * With copies in pieces, whose files are taken away between two, and what the
 * stanzas of deliveries say besides.
 */
ATF_TC_WITHOUT_HEAD(pieces);
ATF_TC_BODY(pieces, tc)
{
	kinds = true;
	many_runs(RUNS_KINDS);
}

static void
no_line(void *arg, const char *name, const char *what)
{
	printf("%s: %s\n", name, what);
}

/* Without a key: what either lacks, and what no exchange mends. */
/*
 * Placements that no order of the calls above makes, but another version or a
 * damaged host might: the highest is shown, and the last of a message stays.
 */
ATF_TC_WITHOUT_HEAD(placements);

ATF_TC_BODY(placements, tc)
{
	struct store_merged m;
	struct store_msg *msg;
	struct account a;
	struct place p;
	struct buf b = {0};
	struct store *st;
	uint32_t uid;

	account_make(&a);
	ATF_REQUIRE_EQ(0, system("mkdir template && mv accounts template/"));
	world_fragile(true);
	host_start(&world()->hosts[0], a.ring);
	OK(store_pair(world()->hosts[0].a.st));
	host_start(&world()->hosts[1], a.ring);
	exchange(&world()->hosts[1], true);
	st = world()->hosts[0].a.st;
	OK(append(&world()->hosts[0].a, 2, 1, 100, &uid));
	msg = only_message(st, 2, &p);
	p.uid = uid + 10;
	OK(mut_begin(st, 1024));
	op_place(&b, &p);
	op_queue(st, OP_PLACE, &b);
	buf_clear(&b);
	OK(store_commit(st));
	ATF_CHECK_EQ(uid + 10, store_msg_at(st, 2, 0)->uid);
	/* Both are taken away, the higher one at last. */
	for (; uid != 0; uid = uid < p.uid ? p.uid : 0) {
		OK(mut_begin(st, 1024));
		buf_put64(&b, 2);
		buf_put32(&b, 1);
		buf_put32(&b, uid);
		buf_put64(&b, msg->inst);
		op_queue(st, OP_RETIRE, &b);
		buf_clear(&b);
		OK(store_commit(st));
	}
	OK(store_merge(st, &m));
	ATF_CHECK_EQ(1, m.again);
	msg = only_message(st, 2, &p);
	ATF_CHECK(msg->uid > uid + 10);
	host_stop(&world()->hosts[0]);
	host_stop(&world()->hosts[1]);
	world_fragile(false);
	seal_ring_free(a.ring);
}

/*
 * Both hosts move one message: it is there once.  And a host removes a box
 * that has a message it does not show: that one goes to INBOX.
 */
ATF_TC_WITHOUT_HEAD(moves);

ATF_TC_BODY(moves, tc)
{
	const struct store_range all = {1, UINT32_MAX};
	struct account a;
	uint64_t box;
	uint32_t uid;
	int i;

	account_make(&a);
	ATF_REQUIRE_EQ(0, system("mkdir template && mv accounts template/"));
	world_fragile(true);
	host_start(&world()->hosts[0], a.ring);
	OK(store_pair(world()->hosts[0].a.st));
	OK(append(&world()->hosts[0].a, STORE_INBOX, 0, 100, &uid));
	OK(store_mkbox(world()->hosts[0].a.st, "shared", 0, &box));
	OK(store_commit(world()->hosts[0].a.st));
	host_start(&world()->hosts[1], a.ring);
	heal();
	for (i = 0; i < 2; i++) {
		OK(store_copy(world()->hosts[i].a.st, STORE_INBOX, &all, 1, 2,
		    true, NULL, NULL));
		OK(store_commit(world()->hosts[i].a.st));
	}
	OK(append(&world()->hosts[1].a, box, 1, 100, &uid));
	for (i = 2; i < 5; i++)
		OK(append(
		    &world()->hosts[0].a, box, (unsigned int)i, 100, &uid));
	OK(store_commit(world()->hosts[0].a.st));
	OK(store_commit(world()->hosts[1].a.st));
	ATF_REQUIRE(!store_lease(world()->hosts[1].a.st));
	exchange(&world()->hosts[0], true);
	ATF_CHECK_EQ(0, count_all(world()->hosts[1].a.st, 1));
	OK(store_rmbox(world()->hosts[1].a.st, box));
	OK(store_commit(world()->hosts[1].a.st));
	ATF_CHECK_EQ(1, count_all(world()->hosts[1].a.st, 1));
	heal();
	if (world()->bad[0] != '\0')
		atf_tc_fail("%s", world()->bad);
	for (i = 0; i < 2; i++) {
		ATF_CHECK_EQ(1, count_all(world()->hosts[i].a.st, 0));
		ATF_CHECK_EQ(1, count_all(world()->hosts[i].a.st, 1));
		ATF_CHECK_EQ(0, count_all(world()->hosts[i].a.st, 2));
		host_stop(&world()->hosts[i]);
	}
	world_fragile(false);
	seal_ring_free(a.ring);
}

ATF_TC_WITHOUT_HEAD(compare);

ATF_TC_BODY(compare, tc)
{
	struct store_compare c = {.tell = no_line};
	struct account a;
	uint32_t uid;

	account_make(&a);
	ATF_REQUIRE_EQ(0, system("mkdir template && mv accounts template/"));
	host_start(&world()->hosts[0], a.ring);
	copy_tree("host0", "old");
	OK(store_pair(world()->hosts[0].a.st));
	(void)store_close(world()->hosts[0].a.st);
	world()->hosts[0].a.st = NULL;
	host_start(&world()->hosts[1], a.ring);
	exchange(&world()->hosts[0], true);
	exchange(&world()->hosts[1], true);
	OK(store_compare(world()->hosts[0].a.dir, world()->hosts[1].a.dir, &c));
	ATF_CHECK_EQ(0, c.lacks);
	ATF_CHECK_EQ(0, c.conflicts);
	OK(append(&world()->hosts[1].a, STORE_INBOX, 1, 100, &uid));
	OK(store_commit(world()->hosts[1].a.st));
	OK(store_compare(world()->hosts[0].a.dir, world()->hosts[1].a.dir, &c));
	ATF_CHECK_EQ(2, c.lacks); /* the end of a series, and a blob */
	ATF_CHECK_EQ(0, c.conflicts);
	/* An old copy that was written to: two series of one name. */
	ATF_REQUIRE_EQ(0, system("rm -rf host0 && mv old host0"));
	close(world()->hosts[0].a.base);
	world()->hosts[0].a.base = open("host0", O_RDONLY | O_DIRECTORY);
	OK(store_account_open(
	    world()->hosts[0].a.base, ACCOUNT, &world()->hosts[0].a.dir));
	host_open(&world()->hosts[0]);
	OK(append(&world()->hosts[0].a, STORE_INBOX, 2, 100, &uid));
	OK(store_commit(world()->hosts[0].a.st));
	OK(store_compare(world()->hosts[0].a.dir, world()->hosts[1].a.dir, &c));
	ATF_CHECK_EQ(1, c.conflicts);
	host_stop(&world()->hosts[0]);
	host_stop(&world()->hosts[1]);
	seal_ring_free(a.ring);
}

/* Renames that chase each other: the later one is undone, whole. */
ATF_TC_WITHOUT_HEAD(renames);

ATF_TC_BODY(renames, tc)
{
	struct store_rename to_b[] = {{0, "B/A"}};
	struct store_rename to_a[] = {{0, "A/B"}, {0, "A/B/c"}};
	struct store *st;
	struct account a;
	uint64_t c;

	account_make(&a);
	ATF_REQUIRE_EQ(0, system("mkdir template && mv accounts template/"));
	world_fragile(true);
	host_start(&world()->hosts[0], a.ring);
	OK(store_pair(world()->hosts[0].a.st));
	OK(store_mkbox(world()->hosts[0].a.st, "A", 0, &to_b[0].box));
	OK(store_mkbox(world()->hosts[0].a.st, "B", 0, &to_a[0].box));
	OK(store_mkbox(world()->hosts[0].a.st, "B/c", 0, &c));
	OK(store_commit(world()->hosts[0].a.st));
	host_start(&world()->hosts[1], a.ring);
	exchange(&world()->hosts[0], true);
	exchange(&world()->hosts[1], true);
	to_a[1].box = c;
	OK(store_mvbox(world()->hosts[0].a.st, to_b, 1));
	OK(store_commit(world()->hosts[0].a.st));
	OK(store_set_use(
	    world()->hosts[1].a.st, c, 0)); /* later, by Lamport's time */
	OK(store_set_use(world()->hosts[1].a.st, c, 0));
	OK(store_commit(world()->hosts[1].a.st));
	OK(store_mvbox(world()->hosts[1].a.st, to_a, 2));
	OK(store_commit(world()->hosts[1].a.st));
	heal();
	if (world()->bad[0] != '\0')
		atf_tc_fail("%s", world()->bad);
	st = world()->hosts[1].a.st;
	ATF_CHECK_STREQ("B/A", store_box_find(st, to_b[0].box)->name);
	ATF_CHECK_STREQ("B", store_box_find(st, to_a[0].box)->name);
	ATF_CHECK_STREQ("B/c", store_box_find(st, c)->name);
	host_stop(&world()->hosts[0]);
	host_stop(&world()->hosts[1]);
	world_fragile(false);
	seal_ring_free(a.ring);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, compare);
	ATF_TP_ADD_TC(tp, renames);
	ATF_TP_ADD_TC(tp, placements);
	ATF_TP_ADD_TC(tp, moves);
	ATF_TP_ADD_TC(tp, property);
	ATF_TP_ADD_TC(tp, pieces);
	return atf_no_error();
}
