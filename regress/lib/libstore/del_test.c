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
 * Signed deletes: who may execute them and when, what cancels them, what a
 * mass of them waits for.  Time is the test's own.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "store_retain.h"
#include "store_sweep.h"

#define TRASH 6
#define SPAM 5
#define TRASH_DAYS 30
#define SPAM_DAYS 10

static const struct store_range everything = {1, UINT32_MAX};
static int64_t ahead; /* of the real time */

static int64_t
test_clock(void)
{
	return (int64_t)time(NULL) + ahead;
}

static void
begin(struct account *a)
{
	ahead = 0;
	store_clock_set(test_clock);
	account_make(a);
	account_open(a);
}

static void
idle(struct account *a)
{
	bool more;
	int i;

	OK(store_commit(a->st));
	for (i = 0, more = true; more && i < 1000; i++)
		OK(store_idle(a->st, &more));
	ATF_REQUIRE(!more);
}

static void
open_with_expiry(struct account *a)
{
	account_open(a);
	store_set_expiry(a->st, TRASH_DAYS, SPAM_DAYS);
}

static void
add(struct account *a, uint64_t box, unsigned int from, unsigned int n)
{
	unsigned int i;
	uint32_t uid;

	for (i = 0; i < n; i++)
		OK(append(a, box, from + i, 100, &uid));
	OK(store_commit(a->st));
}

static void
expunge_first(struct account *a, unsigned int n)
{
	const struct store_msg *m;
	struct store_range r = {1, 0};
	size_t count;

	m = column(a->st, STORE_INBOX, &count);
	ATF_REQUIRE(count >= n);
	r.last = m[n - 1].uid;
	OK(store_expunge(a->st, STORE_INBOX, &r, 1, true));
	OK(store_commit(a->st));
}

static struct store_swept
sweep(struct account *a)
{
	struct store_swept s;

	OK(store_sweep(a->dir, STORE_GRACE, &s));
	return s;
}

static size_t
messages(struct account *a, uint64_t box)
{
	size_t n;

	(void)column(a->st, box, &n);
	return n;
}

ATF_TC_WITHOUT_HEAD(at_once);
ATF_TC_BODY(at_once, tc)
{
	struct store_swept s;
	struct account a;

	begin(&a);
	add(&a, STORE_INBOX, 0, 5);
	expunge_first(&a, 2);
	ATF_CHECK_EQ(5, count_files(&a, "blob"));
	idle(&a);
	ATF_CHECK_EQ(3, count_files(&a, "blob"));
	ATF_CHECK_EQ(2, count_files(&a, "trash"));
	ATF_CHECK_EQ(STORE_LOCKED, store_sweep(a.dir, STORE_GRACE, &s));
	account_close(&a);
	ATF_CHECK_EQ(0, access("accounts/example.org/anna/del/0.1", F_OK));
	s = sweep(&a);
	ATF_CHECK_EQ(0, s.trashed + s.removed);
	ahead = STORE_GRACE - 60;
	ATF_CHECK_EQ(0, sweep(&a).removed);
	ahead = STORE_GRACE + 60;
	ATF_CHECK_EQ(2, sweep(&a).removed);
	ATF_CHECK_EQ(0, count_files(&a, "trash"));
	account_open(&a);
	ATF_CHECK_EQ(3, messages(&a, STORE_INBOX));
	account_end(&a);
}

static bool renames_fail;

static int
no_rename(int from, const char *a, int to, const char *b)
{
	if (renames_fail && strncmp(b, "trash/", 6) == 0) {
		errno = EIO;
		return -1;
	}
	return renameat(from, a, to, b);
}

/* It stops between the list and the move: anybody ends what was begun. */
ATF_TC_WITHOUT_HEAD(executed_without_key);
ATF_TC_BODY(executed_without_key, tc)
{
	struct store_sys table;
	struct account a;
	bool more;

	begin(&a);
	add(&a, STORE_INBOX, 0, 5);
	expunge_first(&a, 2);
	table = *sys();
	table.rename = no_rename;
	store_sys_set(&table);
	renames_fail = true;
	ATF_CHECK_EQ(STORE_IO, store_idle(a.st, &more));
	renames_fail = false;
	store_abandon(a.st);
	a.st = NULL;
	ATF_CHECK_EQ(5, count_files(&a, "blob"));
	ATF_CHECK_EQ(2, sweep(&a).trashed);
	ATF_CHECK_EQ(3, count_files(&a, "blob"));
	ATF_CHECK_EQ(0, sweep(&a).trashed);
	account_open(&a);
	ATF_CHECK_EQ(3, messages(&a, STORE_INBOX));
	idle(&a);
	ATF_CHECK_EQ(2, count_files(&a, "trash"));
	account_end(&a);
	store_sys_set(NULL);
}

ATF_TC_WITHOUT_HEAD(brake);
ATF_TC_BODY(brake, tc)
{
	struct account a;

	begin(&a);
	add(&a, STORE_INBOX, 0, 200);
	expunge_first(&a, 60);
	ATF_CHECK_EQ(140, messages(&a, STORE_INBOX));
	idle(&a);
	ATF_CHECK_EQ(200, count_files(&a, "blob"));
	account_reopen(&a);
	idle(&a);
	account_close(&a);
	ahead = BRAKE_WAIT - 60;
	ATF_CHECK_EQ(0, sweep(&a).trashed);
	ahead = BRAKE_WAIT + 60;
	ATF_CHECK_EQ(60, sweep(&a).trashed);
	ATF_CHECK_EQ(140, count_files(&a, "blob"));
	account_open(&a);
	ATF_CHECK_EQ(140, messages(&a, STORE_INBOX));
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(brake_confirmed);
ATF_TC_BODY(brake_confirmed, tc)
{
	struct account a;

	begin(&a);
	add(&a, STORE_INBOX, 0, 100);
	expunge_first(&a, 60);
	idle(&a);
	account_close(&a);
	ATF_CHECK_EQ(0, sweep(&a).trashed);
	OK(store_confirm_deletes(a.dir));
	ATF_CHECK_EQ(60, sweep(&a).trashed);
	/* A later one is not confirmed by it. */
	ahead = 2 * BRAKE_HOUR;
	account_open(&a);
	add(&a, STORE_INBOX, 0, 100);
	expunge_first(&a, 70);
	idle(&a);
	account_close(&a);
	ahead += 60;
	ATF_CHECK_EQ(0, sweep(&a).trashed);
	ATF_CHECK_EQ(140, count_files(&a, "blob"));
	account_end(&a);
}

/* Little by little is a mass too; of a large account, a thousand is. */
ATF_TC_WITHOUT_HEAD(brake_by_hour);
ATF_TC_BODY(brake_by_hour, tc)
{
	struct account a;
	unsigned int i;

	begin(&a);
	add(&a, STORE_INBOX, 0, 250);
	for (i = 0; i < 5; i++) {
		expunge_first(&a, 10);
		idle(&a);
	}
	ATF_CHECK_EQ(50, count_files(&a, "trash"));
	expunge_first(&a, 1);
	idle(&a);
	ATF_CHECK_EQ(50, count_files(&a, "trash"));
	/* The hour is over. */
	ahead = BRAKE_HOUR + 60;
	expunge_first(&a, 10);
	idle(&a);
	ATF_CHECK_EQ(60, count_files(&a, "trash"));
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(expiry);
ATF_TC_BODY(expiry, tc)
{
	struct store_range one;
	struct account a;

	begin(&a);
	store_set_expiry(a.st, TRASH_DAYS, SPAM_DAYS);
	add(&a, STORE_INBOX, 0, 10);
	OK(store_copy(
	    a.st, STORE_INBOX, &everything, 1, TRASH, true, NULL, NULL));
	add(&a, SPAM, 20, 3);
	idle(&a);
	/* One leaves again, one has a copy elsewhere. */
	one.first = one.last = column(a.st, TRASH, &(size_t){0})[0].uid;
	OK(store_copy(a.st, TRASH, &one, 1, STORE_INBOX, true, NULL, NULL));
	one.first = one.last = column(a.st, TRASH, &(size_t){0})[0].uid;
	OK(store_copy(a.st, TRASH, &one, 1, 2, false, NULL, NULL));
	OK(store_commit(a.st));
	/* What was acknowledged is not deleted, even without a last word. */
	store_abandon(a.st);
	a.st = NULL;
	ahead = (int64_t)(SPAM_DAYS - 1) * DAY;
	ATF_CHECK_EQ(0, sweep(&a).trashed);
	ahead = (int64_t)SPAM_DAYS * DAY + 60;
	ATF_CHECK_EQ(3, sweep(&a).trashed);
	ahead = (int64_t)(TRASH_DAYS - 1) * DAY;
	ATF_CHECK_EQ(0, sweep(&a).trashed);
	ahead = (int64_t)TRASH_DAYS * DAY + 60;
	ATF_CHECK_EQ(8, sweep(&a).trashed);
	ATF_CHECK_EQ(2, count_files(&a, "blob"));
	/* The owner comes back: what was executed is gone from view. */
	open_with_expiry(&a);
	idle(&a);
	ATF_CHECK_EQ(0, messages(&a, TRASH));
	ATF_CHECK_EQ(0, messages(&a, SPAM));
	ATF_CHECK_EQ(1, messages(&a, STORE_INBOX));
	ATF_CHECK_EQ(1, messages(&a, 2));
	check_message(&a, STORE_INBOX,
	    column(a.st, STORE_INBOX, &(size_t){0})[0].uid, 0, 100);
	check_message(&a, 2, column(a.st, 2, &(size_t){0})[0].uid, 1, 100);
	account_end(&a);
}

/* The owner takes it out of Trash after it was executed, in its grace. */
ATF_TC_WITHOUT_HEAD(expiry_taken_back);
ATF_TC_BODY(expiry_taken_back, tc)
{
	struct account a;

	begin(&a);
	/* A trash file's own time is real. */
	ahead = -(int64_t)TRASH_DAYS * DAY - 60;
	store_set_expiry(a.st, TRASH_DAYS, SPAM_DAYS);
	add(&a, TRASH, 0, 4);
	idle(&a);
	account_close(&a);
	ahead = 0;
	ATF_CHECK_EQ(4, sweep(&a).trashed);
	account_open(&a);
	check_message(
	    &a, TRASH, column(a.st, TRASH, &(size_t){0})[0].uid, 0, 100);
	OK(store_copy(
	    a.st, TRASH, &everything, 1, STORE_INBOX, true, NULL, NULL));
	OK(store_commit(a.st));
	ATF_CHECK_EQ(4, count_files(&a, "blob"));
	store_abandon(a.st);
	a.st = NULL;
	ATF_CHECK_EQ(0, sweep(&a).trashed);
	open_with_expiry(&a);
	idle(&a);
	ATF_CHECK_EQ(4, messages(&a, STORE_INBOX));
	ATF_CHECK_EQ(4, count_files(&a, "blob"));
	account_end(&a);
}

/* A copy elsewhere keeps the blob, also where upkeep looks again. */
ATF_TC_WITHOUT_HEAD(expiry_copied);
ATF_TC_BODY(expiry_copied, tc)
{
	struct account a;

	begin(&a);
	store_set_expiry(a.st, TRASH_DAYS, SPAM_DAYS);
	add(&a, TRASH, 0, 2);
	idle(&a);
	OK(store_copy(a.st, TRASH, &everything, 1, 2, false, NULL, NULL));
	idle(&a);
	add(&a, TRASH, 2, 1);
	idle(&a);
	account_close(&a);
	ahead = (int64_t)TRASH_DAYS * DAY + 60;
	ATF_CHECK_EQ(1, sweep(&a).trashed);
	open_with_expiry(&a);
	idle(&a);
	ATF_CHECK_EQ(0, messages(&a, TRASH));
	ATF_CHECK_EQ(2, messages(&a, 2));
	ATF_CHECK_EQ(2, count_files(&a, "blob"));
	account_end(&a);
}

/* 0 is never, and a box that is no longer Trash keeps its mail. */
ATF_TC_WITHOUT_HEAD(expiry_changed);
ATF_TC_BODY(expiry_changed, tc)
{
	struct account a;

	begin(&a);
	store_set_expiry(a.st, TRASH_DAYS, SPAM_DAYS);
	add(&a, TRASH, 0, 3);
	add(&a, SPAM, 3, 3);
	idle(&a);
	store_set_expiry(a.st, TRASH_DAYS, 0);
	OK(store_set_use(a.st, TRASH, 0));
	idle(&a);
	account_close(&a);
	ahead = (int64_t)400 * DAY;
	ATF_CHECK_EQ(0, sweep(&a).trashed);
	account_open(&a);
	store_set_expiry(a.st, TRASH_DAYS, 0);
	idle(&a);
	ATF_CHECK_EQ(3, messages(&a, TRASH));
	ATF_CHECK_EQ(3, messages(&a, SPAM));
	account_end(&a);
}

static void
spoil(const char *name, off_t at)
{
	uint8_t c;
	int fd;

	ATF_REQUIRE_EQ(0, chmod(name, 0600));
	fd = open(name, O_RDWR);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE_EQ(1, pread(fd, &c, 1, at));
	c ^= 1;
	ATF_REQUIRE_EQ(1, pwrite(fd, &c, 1, at));
	close(fd);
}

/* Nobody deletes by a list that is forged, or while one is missing. */
ATF_TC_WITHOUT_HEAD(forged);
ATF_TC_BODY(forged, tc)
{
	static const char dir[] = "accounts/example.org/anna/del/";
	struct store_swept s;
	struct account a;
	char name[64];
	unsigned int i;

	begin(&a);
	store_set_expiry(a.st, TRASH_DAYS, SPAM_DAYS);
	for (i = 0; i < 3; i++) {
		add(&a, TRASH, i, 1);
		idle(&a);
	}
	account_close(&a);
	ahead = (int64_t)TRASH_DAYS * DAY + 60;
	ATF_REQUIRE_EQ(0, system("cp -a accounts whole"));
	for (i = 0; i < 4; i++) {
		ATF_REQUIRE_EQ(
		    0, system("rm -rf accounts && cp -a whole accounts"));
		close(a.dir);
		OK(store_account_open(a.base, ACCOUNT, &a.dir));
		(void)snprintf(
		    name, sizeof(name), "%s0.%u", dir, i == 3 ? 2 : i + 1);
		if (i == 3)
			ATF_REQUIRE_EQ(0, unlink(name));
		else
			spoil(name, i == 0 ? DEL_HEADER + 3 : 90 + (off_t)i);
		s = sweep(&a);
		ATF_CHECK(s.bad);
		ATF_CHECK_EQ(0, s.trashed);
	}
	/* The vault says all of it anew. */
	ahead = 0;
	open_with_expiry(&a);
	idle(&a);
	ATF_CHECK_EQ(3, messages(&a, TRASH));
	account_close(&a);
	s = sweep(&a);
	ATF_CHECK(!s.bad);
	ATF_CHECK_EQ(0, s.trashed);
	ahead = (int64_t)TRASH_DAYS * DAY + 60;
	ATF_CHECK_EQ(3, sweep(&a).trashed);
	account_end(&a);
}

/* Many lists become one, and say the same. */
ATF_TC_WITHOUT_HEAD(compacted);
ATF_TC_BODY(compacted, tc)
{
	struct account a;
	unsigned int i;

	begin(&a);
	store_set_expiry(a.st, TRASH_DAYS, SPAM_DAYS);
	for (i = 0; i < 90; i++) {
		add(&a, TRASH, i, 1);
		idle(&a);
		if (i % 2 == 0)
			OK(store_copy(a.st, TRASH, &(struct store_range){1, 2},
			    1, STORE_INBOX, true, NULL, NULL));
	}
	idle(&a);
	ATF_CHECK(count_files(&a, "del") < 70);
	i = (unsigned int)messages(&a, TRASH);
	ATF_REQUIRE(i > 0);
	account_close(&a);
	ahead = (int64_t)TRASH_DAYS * DAY + 60;
	ATF_CHECK_EQ(i, sweep(&a).trashed);
	account_end(&a);
}

/* What was deleted comes back, with its date, and stays. */
ATF_TC_WITHOUT_HEAD(undelete);
ATF_TC_BODY(undelete, tc)
{
	struct store_chunk summary[STORE_SUMMARY_CHUNKS];
	struct store_deleted *list;
	struct account a;
	uint8_t last[STORE_ID];
	uint32_t uid;
	size_t n, i, chunks;

	begin(&a);
	store_set_expiry(a.st, TRASH_DAYS, SPAM_DAYS);
	add(&a, STORE_INBOX, 0, 5);
	OK(deliver(&a, 7, 90000));
	(void)drain(&a);
	add(&a, TRASH, 9, 1);
	idle(&a);
	OK(store_deleted_list(a.st, &list, &n));
	ATF_CHECK_EQ(0, n);
	free(list);
	expunge_first(&a, 6);
	idle(&a);
	OK(store_deleted_list(a.st, &list, &n));
	ATF_REQUIRE_EQ(6, n);
	for (i = 0; i < n; i++) {
		OK(store_deleted_look(a.st, &list[i], summary, &chunks));
		ATF_CHECK(chunks > 0);
		ATF_CHECK_EQ(STORE_INBOX, list[i].box);
		if (list[i].size == 90000)
			memcpy(last, list[i].blob, STORE_ID);
	}
	free(list);
	OK(store_undelete(a.st, last, STORE_INBOX, &uid));
	ATF_CHECK_EQ(
	    STORE_UNKNOWN, store_undelete(a.st, last, STORE_INBOX, &uid));
	OK(store_commit(a.st));
	check_message(&a, STORE_INBOX, uid, 7, 90000);
	/* Even if nobody comes to say so. */
	account_crash(&a);
	check_message(&a, STORE_INBOX, uid, 7, 90000);
	store_abandon(a.st);
	a.st = NULL;
	ahead = 20 * (int64_t)DAY;
	ATF_CHECK_EQ(0, sweep(&a).trashed);
	ahead = 0;
	account_open(&a);
	idle(&a);
	account_reopen(&a);
	idle(&a);
	check_message(&a, STORE_INBOX, uid, 7, 90000);
	ATF_CHECK_EQ(2, count_files(&a, "blob"));
	/* It can be deleted again, and brought back again. */
	expunge_first(&a, 1);
	idle(&a);
	ATF_CHECK_EQ(1, count_files(&a, "blob"));
	OK(store_undelete(a.st, last, STORE_INBOX, &uid));
	idle(&a);
	check_message(&a, STORE_INBOX, uid, 7, 90000);
	ATF_CHECK_EQ(2, count_files(&a, "blob"));
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(undelete_mass);
ATF_TC_BODY(undelete_mass, tc)
{
	struct store_deleted *list;
	struct account a;
	uint32_t uid;
	size_t n, i;

	begin(&a);
	add(&a, STORE_INBOX, 0, 100);
	expunge_first(&a, 60);
	idle(&a);
	OK(store_deleted_list(a.st, &list, &n));
	ATF_REQUIRE_EQ(60, n);
	for (i = 0; i < n; i++)
		OK(store_undelete(a.st, list[i].blob, STORE_INBOX, &uid));
	free(list);
	idle(&a);
	account_close(&a);
	ahead = 2 * BRAKE_WAIT;
	ATF_CHECK_EQ(0, sweep(&a).trashed);
	account_open(&a);
	idle(&a);
	ATF_CHECK_EQ(100, messages(&a, STORE_INBOX));
	ATF_CHECK_EQ(100, count_files(&a, "blob"));
	account_end(&a);
}

/* Live octets and those of in/; what is deleted counts no longer. */
ATF_TC_WITHOUT_HEAD(quota);
ATF_TC_BODY(quota, tc)
{
	struct store_limits limits = {.quota = 40000};
	struct store_deleted *list;
	struct account a;
	uint32_t uid;
	size_t n;

	begin(&a);
	OK(append(&a, STORE_INBOX, 0, 16000, &uid));
	OK(deliver(&a, 1, 16000));
	OK(store_limits_write(a.dir, &limits));
	ATF_CHECK_EQ(STORE_OVERQUOTA, append(&a, 2, 2, 16000, &uid));
	/* A copy takes no room. */
	OK(store_copy(a.st, STORE_INBOX, &everything, 1, 2, false, NULL, NULL));
	(void)drain(&a);
	ATF_CHECK_EQ(STORE_OVERQUOTA, append(&a, 2, 2, 16000, &uid));
	/* Known at once, also where the file of the quota is lost. */
	account_close(&a);
	ATF_REQUIRE_EQ(0, unlinkat(a.dir, "quota", 0));
	account_open(&a);
	ATF_CHECK_EQ(STORE_OVERQUOTA, append(&a, 2, 2, 16000, &uid));
	expunge_first(&a, 2);
	OK(append(&a, 2, 2, 16000, &uid));
	idle(&a);
	OK(store_deleted_list(a.st, &list, &n));
	ATF_REQUIRE_EQ(1, n);
	ATF_CHECK_EQ(STORE_OVERQUOTA,
	    store_undelete(a.st, list[0].blob, STORE_INBOX, &uid));
	limits.quota = 80000;
	OK(store_limits_write(a.dir, &limits));
	OK(store_undelete(a.st, list[0].blob, STORE_INBOX, &uid));
	free(list);
	idle(&a);
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(waiting);
ATF_TC_BODY(waiting, tc)
{
	struct account a;

	ahead = 0;
	store_clock_set(test_clock);
	account_make(&a);
	OK(store_sign_waiting(a.dir, a.ring, 0, 365));
	OK(deliver(&a, 1, 100));
	ahead = (int64_t)364 * DAY;
	ATF_CHECK_EQ(0, sweep(&a).expired);
	ahead = (int64_t)366 * DAY;
	ATF_CHECK_EQ(1, sweep(&a).expired);
	ATF_CHECK_EQ(0, count_files(&a, "in"));
	account_open(&a);
	idle(&a);
	account_end(&a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, at_once);
	ATF_TP_ADD_TC(tp, executed_without_key);
	ATF_TP_ADD_TC(tp, brake);
	ATF_TP_ADD_TC(tp, brake_confirmed);
	ATF_TP_ADD_TC(tp, brake_by_hour);
	ATF_TP_ADD_TC(tp, expiry);
	ATF_TP_ADD_TC(tp, expiry_taken_back);
	ATF_TP_ADD_TC(tp, expiry_copied);
	ATF_TP_ADD_TC(tp, expiry_changed);
	ATF_TP_ADD_TC(tp, forged);
	ATF_TP_ADD_TC(tp, compacted);
	ATF_TP_ADD_TC(tp, undelete);
	ATF_TP_ADD_TC(tp, undelete_mass);
	ATF_TP_ADD_TC(tp, quota);
	ATF_TP_ADD_TC(tp, waiting);
	return atf_no_error();
}
