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
 * An account at rest: tails of packs and columns that are given up, what comes
 * meanwhile, and the way back.
 */

#include <sys/types.h>

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "store_local.h"

#define FIRST 700 /* messages: a block and a part of one, of each pack */

static void
make(struct account *a)
{
	uint32_t uid;
	unsigned int i;

	account_make(a);
	account_open(a);
	for (i = 0; i < FIRST; i++)
		OK(append(a, STORE_INBOX, i, 50, &uid));
	OK(store_commit(a->st));
	account_reopen(a);
	ATF_REQUIRE(a->st->cold.tail.len > 20000);
	ATF_REQUIRE(a->st->sum.tail.len > 8000);
	OK(store_use(a->st, STORE_INBOX));
}

static struct box *
inbox(struct account *a)
{
	return box_find(a->st, STORE_INBOX);
}

static void
rest(struct account *a)
{
	size_t cold, sum;

	cold = a->st->cold.tail.len;
	sum = a->st->sum.tail.len;
	store_rest(a->st);
	ATF_CHECK_EQ(cold, pack_tail(&a->st->cold));
	ATF_CHECK_EQ(sum, pack_tail(&a->st->sum));
}

/* Of the message made with n, which is at that place. */
static uint32_t
uid_of(struct account *a, unsigned int n)
{
	const struct store_msg *m;

	m = store_msg_at(a->st, STORE_INBOX, n);
	ATF_REQUIRE(m != NULL);
	return m->uid;
}

static void
look(struct account *a, unsigned int n)
{
	check_message(a, STORE_INBOX, uid_of(a, n), n, 50);
}

static void
path_of_state(char *path, size_t size)
{
	glob_t g;

	ATF_REQUIRE_EQ(0, glob("accounts/*/*/snap/*/state", 0, NULL, &g));
	ATF_REQUIRE_EQ(1, g.gl_pathc);
	(void)snprintf(path, size, "%s", g.gl_pathv[0]);
	globfree(&g);
}

ATF_TC_WITHOUT_HEAD(given_up);
ATF_TC_BODY(given_up, tc)
{
	struct account a;

	make(&a);
	ATF_CHECK(inbox(&a)->loaded);
	rest(&a);
	ATF_CHECK_EQ(0, a.st->cold.tail.len);
	ATF_CHECK_EQ(0, a.st->sum.tail.len);
	ATF_CHECK(!inbox(&a)->loaded);
	ATF_CHECK_EQ(FIRST, store_box_find(a.st, STORE_INBOX)->messages);
	/* Of a full block: the tail is not asked for. */
	look(&a, 0);
	ATF_CHECK(a.st->cold.away > 0);
	ATF_CHECK(a.st->sum.away > 0);
	ATF_CHECK(inbox(&a)->loaded);
	look(&a, FIRST - 1);
	ATF_CHECK_EQ(0, a.st->cold.away);
	ATF_CHECK_EQ(0, a.st->sum.away);
	rest(&a);
	ATF_CHECK(a.st->cold.away > 0);
	check_bodies(&a);
	rest(&a);
	same_after_reopen(&a);
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(comes_meanwhile);
ATF_TC_BODY(comes_meanwhile, tc)
{
	struct account a;
	uint32_t uid;
	unsigned int i;
	size_t away;

	make(&a);
	rest(&a);
	away = a.st->cold.away;
	for (i = FIRST; i < FIRST + 20; i++) {
		OK(deliver(&a, i, 50));
		ATF_CHECK_EQ(1, drain(&a));
		store_rest(a.st);
		look(&a, i);
	}
	/* Neither the deliveries nor a look at them had them back. */
	ATF_CHECK_EQ(away, a.st->cold.away);
	ATF_CHECK_EQ(20 * COLD_LEN, a.st->cold.tail.len);
	ATF_CHECK(a.st->sum.away > 0);
	/* It was changed: its file has it no more. */
	ATF_CHECK(inbox(&a)->loaded);
	/* Blocks get full. */
	for (; i < FIRST + 700; i++) {
		OK(append(&a, STORE_INBOX, i, 50, &uid));
		if (i % 100 == 0) {
			OK(store_commit(a.st));
			store_rest(a.st);
		}
	}
	OK(store_commit(a.st));
	ATF_CHECK_EQ(2 * PACK_BLOCK, a.st->cold.len - pack_tail(&a.st->cold));
	check_bodies(&a);
	store_rest(a.st);
	account_crash(&a);
	check_bodies(&a);
	same_after_reopen(&a);
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(upkeep);
ATF_TC_BODY(upkeep, tc)
{
	struct account a;
	uint32_t uid;

	make(&a);
	rest(&a);
	OK(append(&a, STORE_INBOX, FIRST, 50, &uid));
	OK(store_commit(a.st));
	OK(snap_save(a.st));
	ATF_CHECK_EQ(0, a.st->cold.away);
	/* Of the newer file. */
	rest(&a);
	ATF_CHECK_EQ(0, a.st->cold.tail.len);
	account_crash(&a);
	check_bodies(&a);
	rest(&a);
	OK(compact(a.st));
	rest(&a);
	ATF_CHECK_EQ(0, a.st->sum.tail.len);
	OK(checkpoint(a.st));
	rest(&a);
	check_bodies(&a);
	same_after_reopen(&a);
	account_end(&a);
}

/* The file that has them was removed, or another has its name. */
ATF_TC_WITHOUT_HEAD(removed);
ATF_TC_BODY(removed, tc)
{
	struct account a;
	char path[200];
	uint32_t uid;

	make(&a);
	rest(&a);
	path_of_state(path, sizeof(path));
	ATF_REQUIRE_EQ(0, unlink(path));
	look(&a, FIRST - 1);
	/* What no file has stays where it is. */
	store_rest(a.st);
	ATF_CHECK(a.st->cold.tail.len > 0);
	OK(append(&a, STORE_INBOX, FIRST, 50, &uid));
	OK(store_commit(a.st));
	OK(snap_save(a.st));
	store_rest(a.st);
	check_bodies(&a);
	same_after_reopen(&a);
	account_end(&a);
}

/* It does not open any more: the log has all of it. */
ATF_TC_WITHOUT_HEAD(spoilt);
ATF_TC_BODY(spoilt, tc)
{
	struct store_cold cold;
	struct account a;
	char path[200];
	int fd;

	make(&a);
	rest(&a);
	path_of_state(path, sizeof(path));
	fd = open(path, O_RDWR);
	ATF_REQUIRE(fd != -1);
	other_octet(fd, 5000);
	ATF_REQUIRE_EQ(0, close(fd));
	ATF_CHECK_EQ(STORE_CORRUPT,
	    store_cold_get(a.st, STORE_INBOX, uid_of(&a, FIRST - 1), &cold));
	look(&a, 0);
	account_reopen(&a);
	ATF_CHECK(store_damage(a.st) == NULL);
	check_bodies(&a);
	same_after_reopen(&a);
	account_end(&a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, given_up);
	ATF_TP_ADD_TC(tp, comes_meanwhile);
	ATF_TP_ADD_TC(tp, upkeep);
	ATF_TP_ADD_TC(tp, removed);
	ATF_TP_ADD_TC(tp, spoilt);
	return atf_no_error();
}
