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
#include "merge_state.h"
#include "merge_world.h"
#include "store_retain.h"
#include "store_compare.h"

#define RUNS 300
#define RUNS_LONG 3000
#define ROUNDS 12

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

static uint64_t
some_box(struct host *h)
{
	const struct store_box *b;
	uint32_t n;

	b = store_box_next(h->a.st, NULL);
	if (dice(3) == 0)
		return b->id;
	for (n = dice(8); n > 0; n--) {
		if (store_box_next(h->a.st, b) != NULL)
			b = store_box_next(h->a.st, b);
	}
	return b->id;
}

/* A message that the client sees, if there is one. */
static const struct store_msg *
some_message(struct host *h, uint64_t *box, struct store_range *r)
{
	const struct store_msg *m;
	size_t n;

	*box = some_box(h);
	m = column(h->a.st, *box, &n);
	if (n == 0)
		return NULL;
	m += dice((uint32_t)n);
	r->first = r->last = m->uid;
	return m;
}

static void
do_append(struct host *h)
{
	enum store_result result;
	unsigned int n;
	uint32_t uid;

	if (world()->nnotes == MESSAGES)
		return;
	n = world()->nnotes++;
	result = append(&h->a, some_box(h), n, 20, &uid);
	if (settle(h, result))
		world()->notes[n].created = true;
}

/* The same delivery for both hosts, to be drained by either. */
static void
do_deliver(void)
{
	struct dirent *de;
	char from[300], to[300];
	DIR *dir;
	unsigned int n;

	if (world()->nnotes == MESSAGES)
		return;
	n = world()->nnotes++;
	if (deliver(&world()->hosts[0].a, n, 20) != STORE_OK) {
		violation("delivery");
		return;
	}
	world()->notes[n].created = true;
	snprintf(from, sizeof(from), "%s/" PLACE "/in", world()->hosts[0].dir);
	dir = opendir(from);
	ATF_REQUIRE(dir != NULL);
	while ((de = readdir(dir)) != NULL) {
		if (strlen(de->d_name) != 32)
			continue;
		snprintf(from, sizeof(from), "%s/" PLACE "/in/%.40s",
		    world()->hosts[0].dir, de->d_name);
		snprintf(to, sizeof(to), "%s/" PLACE "/in/%.40s",
		    world()->hosts[1].dir, de->d_name);
		if (access(to, F_OK) == -1 && world()->notes[n].value[1] == 0) {
			/* Only what is new: the others were drained there. */
			char mark[300];

			snprintf(mark, sizeof(mark), "%s/%.40s",
			    world()->hosts[1].dir, de->d_name);
			if (access(mark, F_OK) == -1) {
				copy_file(from, to, SIZE_MAX);
				close(open(mark, O_CREAT | O_WRONLY, 0600));
			}
		}
	}
	closedir(dir);
}

static void
do_drain(struct host *h)
{
	struct store_drained d;
	enum store_result result;

	do {
		result = store_drain(h->a.st, &d);
		if (d.bad > 0)
			violation("a delivery does not open");
	} while (settle(h, result) && d.more);
}

static void
do_expunge(struct host *h)
{
	const struct store_msg *m;
	struct store_range r;
	struct note *note;
	uint64_t box;

	m = some_message(h, &box, &r);
	if (m == NULL)
		return;
	note = &world()->notes[number(m)];
	note->killed = true;
	if (settle(h, store_expunge(h->a.st, box, &r, 1, true)))
		note->surely = true;
	note->from = box;
}

static void
do_flag(struct host *h)
{
	const struct store_msg *m;
	struct store_range r;
	struct note *note;
	uint64_t box, bit;
	int on, i;

	m = some_message(h, &box, &r);
	if (m == NULL)
		return;
	note = &world()->notes[number(m)];
	i = (int)(h - world()->hosts);
	note->in[i] = box;
	bit = 1ULL << dice(3);
	on = (int)dice(2);
	note->flagged[i] |= (uint8_t)bit;
	note->value[i] &= (uint8_t)~bit;
	if (on)
		note->value[i] |= (uint8_t)bit;
	if (!settle(h,
		store_flags(h->a.st, box, &r, 1, on ? bit : 0, on ? 0 : bit,
		    UINT64_MAX)))
		note->flagged[0] = note->flagged[1] = 0xff; /* not known */
}

static void
do_keyword(struct host *h)
{
	const struct store_msg *m;
	struct store_range r;
	struct note *note;
	uint64_t box, flag;
	unsigned int bit, k;
	char name[8];
	bool on;
	int i;

	m = some_message(h, &box, &r);
	if (m == NULL)
		return;
	note = &world()->notes[number(m)];
	i = (int)(h - world()->hosts);
	note->in[i] = box;
	k = dice(4);
	on = dice(3) != 0;
	(void)strlcpy(name, keyword_name(k), sizeof(name));
	if (dice(2) == 0)
		name[0] -= 'a' - 'A';
	note->named[i] |= (uint8_t)(1U << k);
	note->names[i] &= (uint8_t) ~(1U << k);
	if (on)
		note->names[i] |= (uint8_t)(1U << k);
	if (store_keyword(h->a.st, box, name, true, &bit) != STORE_OK) {
		(void)settle(h, STORE_IO);
		note->named[0] = note->named[1] = 0xff; /* not known */
		return;
	}
	flag = 1ULL << bit;
	if (!settle(h,
		store_flags(h->a.st, box, &r, 1, on ? flag : 0, on ? 0 : flag,
		    UINT64_MAX)))
		note->named[0] = note->named[1] = 0xff;
}

static void
do_copy(struct host *h, bool move)
{
	const struct store_msg *m;
	struct store_range r;
	uint64_t box, to;

	m = some_message(h, &box, &r);
	if (m == NULL)
		return;
	to = some_box(h);
	if (move) {
		world()->notes[number(m)].moved[h - world()->hosts]++;
		world()->notes[number(m)].to[h - world()->hosts] = to;
	} else
		world()->notes[number(m)].copied = true;
	(void)settle(h, store_copy(h->a.st, box, &r, 1, to, move, NULL, NULL));
}

static void
do_rmbox(struct host *h)
{
	const struct store_msg *m;
	struct box *b;
	uint64_t box;
	size_t n;

	box = some_box(h);
	for (n = 0; n < h->a.st->nboxes && dice(2) == 0; n++) {
		if (h->a.st->boxes[n]->nextra > 0)
			box = h->a.st->boxes[n]->pub.id;
	}
	if (box == STORE_INBOX)
		return;
	m = column(h->a.st, box, &n);
	while (n-- > 0)
		world()->notes[number(&m[n])].killed = true;
	/* What is hidden there goes to INBOX, perhaps beside another copy. */
	b = box_find(h->a.st, box);
	for (n = 0; n < b->nextra; n++)
		world()->notes[number(&b->extra[n].m)].copied = true;
	(void)settle(h, store_rmbox(h->a.st, box));
}

static void
do_boxes(struct host *h)
{
	static const char *const some[] = {
	    "x", "y", "x/y", "y/x", "z", "x/z", "Archive", "y/z"};
	struct store_rename r;
	const char *name;

	name = some[dice(8)];
	switch (dice(8)) {
	case 6:
	case 7:
		(void)settle(h, any_meta(h->a.st, some_box(h), dice));
		break;
	case 0:
	case 1:
		do_rmbox(h);
		break;
	case 2:
		r.box = some_box(h);
		r.name = name;
		if (r.box != STORE_INBOX)
			(void)settle(h, store_mvbox(h->a.st, &r, 1));
		break;
	case 3:
		(void)settle(h, store_subscribe(h->a.st, name, dice(2) == 0));
		break;
	default:
		(void)settle(h, store_mkbox(h->a.st, name, 0, NULL));
		break;
	}
}

/* Upkeep: what the log can spare goes, and what nobody uses. */
static void
do_upkeep(struct host *h)
{
	bool more;
	uint32_t seg;

	switch (dice(4)) {
	case 0:
		seg = own_writer(h->a.st)->seg;
		if (settle(h, checkpoint(h->a.st)))
			world()->sum.checkpoints += own_writer(h->a.st)->seg >
			    seg;
		break;
	case 1:
		(void)settle(h, compact(h->a.st));
		break;
	default:
		(void)settle(h, store_idle(h->a.st, &more));
		break;
	}
}

static void
do_close(struct host *h)
{
	(void)store_close(h->a.st);
	h->a.st = NULL;
	world()->crashed = false;
	world()->crash_in = 0;
	if (dice(3) == 0)
		host_open(h);
}

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

static void
step(void)
{
	struct host *h;
	uint32_t x;

	h = &world()->hosts[dice(2)];
	if (h->a.st == NULL && dice(2) == 0)
		host_open(h);
	x = dice(116);
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
			do_deliver();
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

ATF_TC_WITHOUT_HEAD(property);

ATF_TC_BODY(property, tc)
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
	runs = count_of("RUNS", getenv("STRESS") != NULL ? RUNS_LONG : RUNS);
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
	       "%u checkpoints, at most %u rounds, %u times read\n",
	    runs, world()->sum.messages, world()->sum.merges,
	    world()->sum.again, world()->sum.crashes, world()->sum.checkpoints,
	    world()->sum.rounds, world()->sum.read);
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
	return atf_no_error();
}
