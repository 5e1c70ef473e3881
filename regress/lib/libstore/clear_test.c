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
 * What goes away goes in pieces: older generations of the snapshot, columns
 * that no mailbox has, deletes that have come due, old files of trash/.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <atf-c.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "account.h"
#include "store_sweep.h"
#include "store_work.h"

#define MIB (1024 * 1024)

static int64_t later;

static int64_t
test_clock(void)
{
	return (int64_t)time(NULL) + later;
}

/* Octets of a file below the account; -1: it is not there. */
static long long
size_of(struct account *a, const char *name)
{
	struct stat sb;

	return fstatat(a->dir, name, &sb, 0) == -1 ? -1 : (long long)sb.st_size;
}

/* An older generation, and what a crash has left in this one. */
static void
litter(struct account *a)
{
	char cmd[512];

	(void)snprintf(cmd, sizeof(cmd),
	    "cd accounts/*/* && mkdir snap/1 && echo x >snap/1/state && "
	    "dd if=/dev/zero of=snap/1/sum bs=1048576 count=20 2>/dev/null && "
	    "dd if=/dev/zero of=snap/%llu/box.ff.1 bs=1048576 count=10 "
	    "2>/dev/null",
	    (unsigned long long)a->st->gen);
	ATF_REQUIRE_EQ(0, system(cmd));
}

/* One step takes 8 MiB at most, and first what would make it count. */
static void
step(struct account *a, uint32_t uid)
{
	long long before = size_of(a, "snap/1/sum"), after;

	OK(work_step(a->st));
	after = size_of(a, "snap/1/sum");
	ATF_CHECK_MSG(before - (after == -1 ? 0 : after) <= 8 * MIB,
	    "from %lld to %lld", before, after);
	if (after < before)
		ATF_CHECK_EQ(-1, size_of(a, "snap/1/state"));
	check_message(a, STORE_INBOX, uid, 7, 500);
}

ATF_TC_WITHOUT_HEAD(snapshots);
ATF_TC_BODY(snapshots, tc)
{
	struct account a;
	char column[64];
	uint32_t uid;
	unsigned int steps;

	account_make(&a);
	account_open(&a);
	OK(append(&a, STORE_INBOX, 7, 500, &uid));
	OK(store_commit(a.st));
	/* So that there is a lower number. */
	OK(compact_begin(a.st));
	OK(work_finish(a.st));
	ATF_REQUIRE(a.st->gen > 1);
	litter(&a);
	OK(snap_begin(a.st, 0));
	while (size_of(&a, "snap/1/sum") == 20 * MIB)
		step(&a, uid);
	ATF_CHECK(size_of(&a, "snap/1/sum") > 0);
	/* Half of it has gone when the vault is killed. */
	account_crash(&a);
	check_message(&a, STORE_INBOX, uid, 7, 500);
	OK(snap_begin(a.st, 0));
	for (steps = 0; a.st->work != NULL; steps++)
		step(&a, uid);
	ATF_CHECK(steps > 2);
	ATF_CHECK_EQ(-1, size_of(&a, "snap/1"));
	(void)snprintf(column, sizeof(column), "snap/%llu/box.ff.1",
	    (unsigned long long)a.st->gen);
	ATF_CHECK_EQ(-1, size_of(&a, column));
	account_reopen(&a);
	check_message(&a, STORE_INBOX, uid, 7, 500);
	account_end(&a);
}

/* How many files one step of upkeep moves to or takes from trash/, at most. */
static size_t
most_at_once(struct account *a)
{
	size_t before, after, most = 0;
	bool more;

	do {
		before = count_files(a, "trash");
		OK(store_idle(a->st, &more));
		after = count_files(a, "trash");
		before = after > before ? after - before : before - after;
		if (before > most)
			most = before;
	} while (more);
	return most;
}

ATF_TC_WITHOUT_HEAD(deletes);
ATF_TC_BODY(deletes, tc)
{
	static const struct store_range all = {1, UINT32_MAX};
	struct account a;
	uint32_t uid, braked;
	size_t most;

	account_make(&a);
	store_clock_set(test_clock);
	account_open(&a);
	for (unsigned int i = 0; i < 300; i++)
		OK(append(&a, STORE_INBOX, i, 100, &uid));
	OK(store_expunge(a.st, STORE_INBOX, &all, 1, true));
	OK(store_commit(a.st));
	/* So many wait for a week, or a word. */
	(void)most_at_once(&a);
	ATF_CHECK_EQ(0, count_files(&a, "trash"));
	OK(store_deleted_confirm(a.st, &braked));
	ATF_CHECK_EQ(300, braked);
	most = most_at_once(&a);
	ATF_CHECK_MSG(most > 0 && most <= 128, "%zu moved in a step", most);
	ATF_CHECK_EQ(300, count_files(&a, "trash"));
	ATF_CHECK_EQ(0, count_files(&a, "blob"));
	/* Their grace is over. */
	later = STORE_GRACE + 10;
	account_reopen(&a);
	most = most_at_once(&a);
	ATF_CHECK_MSG(most > 0 && most <= 4, "%zu removed in a step", most);
	ATF_CHECK_EQ(0, count_files(&a, "trash"));
	account_end(&a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, snapshots);
	ATF_TP_ADD_TC(tp, deletes);
	return atf_no_error();
}
