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
 * A full disk: no blocks, no quota or no inodes, at any call.  What is asked
 * is refused and nothing of it is done, the vault lives on, and when there is
 * room again all goes on as if nothing had been.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "store_local.h"

#define SLOT (65536 + SEAL_BOX_EXTRA) /* of a pack's block on the disk */
#define MANY 1000
#define FEW 40 /* too few to be a mass delete */

static const struct store_range everything = {1, UINT32_MAX};

static int why;            /* errno of what fails; 0: there is room */
static unsigned int after; /* writes that succeed before */
static bool packs_only;

static bool
full(size_t len)
{
	if (why == 0 || (packs_only && len != SLOT))
		return false;
	if (after > 0) {
		after--;
		return false;
	}
	errno = why;
	return true;
}

static int
f_open(int dirfd, const char *name, int flags, mode_t mode)
{
	struct stat sb;

	if ((flags & O_CREAT) != 0 &&
	    fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) == -1 && full(0))
		return -1;
	return openat(dirfd, name, flags, mode);
}

/* As a disk does it: what is there is written over, and a part may fit. */
static ssize_t
f_pwrite(int fd, const void *p, size_t len, off_t off)
{
	struct stat sb;

	if (fstat(fd, &sb) == -1)
		return -1;
	if (off + (off_t)len <= sb.st_size || !full(len))
		return pwrite(fd, p, len, off);
	if (len > 8192 && pwrite(fd, p, 4096, off) != 4096)
		return -1;
	errno = why;
	return -1;
}

static int
f_sync(int fd)
{
	return 0;
}

static int
f_mkdir(int dirfd, const char *name, mode_t mode)
{
	struct stat sb;

	if (fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) == -1 && full(0))
		return -1;
	return mkdirat(dirfd, name, mode);
}

static const struct store_sys filling = {f_open, f_pwrite, f_sync, f_sync,
    f_sync, renameat, unlinkat, f_mkdir, ftruncate};

static void
begin(struct account *a, unsigned int messages)
{
	unsigned int i;
	uint32_t uid;

	store_sys_set(&filling);
	account_make(a);
	account_open(a);
	for (i = 0; i < messages; i++) {
		OK(append(a, STORE_INBOX, i, 100, &uid));
		if (i % 64 == 63)
			OK(store_commit(a->st));
	}
	OK(store_commit(a->st));
}

static void
end(struct account *a)
{
	const struct store_msg *m;
	char *before, *after_it;
	size_t i, n;

	before = picture(a);
	account_reopen(a);
	after_it = picture(a);
	ATF_CHECK_STREQ(before, after_it);
	ATF_REQUIRE_EQ(0, system("rm -rf accounts/*/*/snap/*"));
	store_abandon(a->st);
	account_open(a);
	free(after_it);
	after_it = picture(a);
	ATF_CHECK_STREQ(before, after_it);
	ATF_CHECK(store_damage(a->st) == NULL);
	m = column(a->st, STORE_INBOX, &n);
	for (i = 0; i < n; i += 50) {
		m = column(a->st, STORE_INBOX, &n);
		check_message(a, STORE_INBOX, m[i].uid,
		    (unsigned int)(m[i].date - 1700000000), m[i].size);
	}
	free(before);
	free(after_it);
	account_end(a);
	store_sys_set(NULL);
}

static void
copy_fails(int error)
{
	const struct store_box *to;
	struct account a;
	unsigned int n, refused;
	enum store_result r;

	begin(&a, MANY);
	to = store_box_find(a.st, 3);
	for (n = refused = 0;; n++) {
		why = error;
		after = n;
		r = store_copy(
		    a.st, STORE_INBOX, &everything, 1, 3, false, NULL, NULL);
		if (r == STORE_OK)
			r = store_commit(a.st);
		why = 0;
		if (r == STORE_OK)
			break;
		ATF_REQUIRE_EQ_MSG(
		    STORE_NOSPACE, r, "%u: %s", n, store_strerror(r));
		ATF_REQUIRE_EQ(0, to->messages);
		ATF_REQUIRE_EQ(
		    MANY, store_box_find(a.st, STORE_INBOX)->messages);
		OK(store_commit(a.st));
		refused++;
	}
	printf("%u refusals\n", refused);
	ATF_CHECK(refused > 1);
	ATF_CHECK_EQ(MANY, to->messages);
	end(&a);
}

ATF_TC_WITHOUT_HEAD(copy);
ATF_TC_BODY(copy, tc)
{
	copy_fails(ENOSPC);
}

ATF_TC_WITHOUT_HEAD(copy_quota);
ATF_TC_BODY(copy_quota, tc)
{
	copy_fails(EDQUOT);
}

/* A MOVE may end in the middle, but each message is in one place. */
ATF_TC_WITHOUT_HEAD(move);
ATF_TC_BODY(move, tc)
{
	const struct store_box *from, *to;
	struct account a;
	enum store_result r;
	unsigned int n;

	begin(&a, MANY);
	from = store_box_find(a.st, STORE_INBOX);
	to = store_box_find(a.st, 3);
	for (n = 0;; n++) {
		why = ENOSPC;
		after = n;
		r = store_copy(
		    a.st, STORE_INBOX, &everything, 1, 3, true, NULL, NULL);
		why = 0;
		ATF_REQUIRE_EQ(MANY, from->messages + to->messages);
		if (r == STORE_OK)
			break;
		ATF_REQUIRE_EQ(STORE_NOSPACE, r);
		OK(store_commit(a.st));
		OK(store_copy(
		    a.st, 3, &everything, 1, STORE_INBOX, true, NULL, NULL));
		OK(store_commit(a.st));
	}
	ATF_CHECK(n > 1);
	OK(store_commit(a.st));
	ATF_CHECK_EQ(MANY, to->messages);
	end(&a);
}

/* The disk takes the log but not the packs: refused, not ended. */
ATF_TC_WITHOUT_HEAD(packs);
ATF_TC_BODY(packs, tc)
{
	struct account a;
	enum store_result r;
	unsigned int i;
	uint32_t uid, last;

	begin(&a, 100);
	why = ENOSPC;
	packs_only = true;
	for (i = last = 0, r = STORE_OK; r == STORE_OK; i++) {
		ATF_REQUIRE(i < MANY);
		r = append(&a, STORE_INBOX, 100 + i, 100, &uid);
		if (r != STORE_OK)
			continue;
		last = uid;
		OK(store_commit(a.st));
	}
	ATF_CHECK_EQ(STORE_NOSPACE, r);
	/* All of it can be read. */
	check_message(&a, STORE_INBOX, last, 100 + i - 2, 100);
	ATF_CHECK_EQ(STORE_NOSPACE, store_mkbox(a.st, "x", 0, NULL));
	ATF_CHECK_EQ(STORE_NOSPACE, snap_save(a.st));
	why = 0;
	packs_only = false;
	OK(store_mkbox(a.st, "x", 0, NULL));
	OK(append(&a, STORE_INBOX, 5000, 100, &uid));
	OK(store_commit(a.st));
	end(&a);
}

/* The snapshot is not to be had, nor anything else that is new. */
static void
reopen_full(struct account *a)
{
	OK(store_open(a->base, a->dir, a->ring, &a->st));
	ATF_REQUIRE(store_damage(a->st) == NULL);
}

static unsigned int
idle_full(struct account *a)
{
	enum store_result r;
	unsigned int n;
	bool more;

	for (n = 0, more = true; more && n < 100; n++) {
		r = store_idle(a->st, &more);
		ATF_REQUIRE_MSG(r == STORE_OK || r == STORE_NOSPACE, "%s",
		    store_strerror(r));
		if (r == STORE_NOSPACE)
			break;
	}
	return n;
}

/*
 * What makes room is done though nothing fits: messages are flagged and
 * expunged, boxes removed, by an account that was opened then; their blobs go
 * to trash/, and after that there is a limit to it.
 */
ATF_TC_WITHOUT_HEAD(shrinks);
ATF_TC_BODY(shrinks, tc)
{
	const struct store_box *inbox;
	struct store_range some = {1, 0};
	struct account a;
	enum store_result r;
	unsigned int bit, n;
	uint64_t id;
	size_t left;

	begin(&a, MANY);
	OK(store_mkbox(a.st, "x", 0, &id));
	OK(store_commit(a.st));
	account_reopen(&a);
	(void)idle_full(&a);
	a.st->log_alloc = own_writer(a.st)->off + LOG_SPARE;
	ATF_REQUIRE_EQ(0, ftruncate(a.st->log_fd, (off_t)a.st->log_alloc));
	why = ENOSPC;
	ATF_CHECK_EQ(
	    STORE_NOSPACE, store_keyword(a.st, STORE_INBOX, "red", true, &bit));
	some.last = column(a.st, STORE_INBOX, &left)[FEW - 1].uid;
	for (n = 0; n < 2; n++) {
		OK(store_flags(
		    a.st, STORE_INBOX, &some, 1, STORE_DELETED, 0, UINT64_MAX));
		OK(store_commit(a.st));
		/* As a vault that was killed, or that ended, and a new one. */
		if (n == 0)
			store_abandon(a.st);
		else
			(void)store_close(a.st);
		reopen_full(&a);
	}
	OK(store_expunge(a.st, STORE_INBOX, &some, 1, false));
	OK(store_rmbox(a.st, id));
	OK(store_commit(a.st));
	inbox = store_box_find(a.st, STORE_INBOX);
	ATF_CHECK_EQ(MANY - FEW, inbox->messages);
	(void)idle_full(&a);
	ATF_CHECK_EQ(FEW, count_files(&a, "trash"));
	/* One by one: at some time the spare is used up. */
	for (n = 0, r = STORE_OK; r == STORE_OK && n < MANY - FEW; n++) {
		some.first = some.last =
		    column(a.st, STORE_INBOX, &left)[0].uid;
		r = store_expunge(a.st, STORE_INBOX, &some, 1, true);
		if (r == STORE_OK)
			OK(store_commit(a.st));
	}
	printf("%u frames\n", n);
	ATF_CHECK_EQ(STORE_NOSPACE, r);
	ATF_CHECK(n > 50);
	why = 0;
	(void)idle_full(&a);
	OK(store_expunge(a.st, STORE_INBOX, &some, 1, true));
	OK(store_keyword(a.st, STORE_INBOX, "red", true, &bit));
	OK(store_commit(a.st));
	end(&a);
}

/* Until nothing more can be done away with. */
static void
use_up(struct account *a)
{
	struct store_range one = {1, 0};
	enum store_result r = STORE_OK;
	size_t left;

	why = ENOSPC;
	while (r == STORE_OK) {
		one.first = one.last =
		    column(a->st, STORE_INBOX, &left)[left - 1].uid;
		ATF_REQUIRE(left > 1);
		r = store_expunge(a->st, STORE_INBOX, &one, 1, true);
		if (r == STORE_OK)
			OK(store_commit(a->st));
	}
	ATF_CHECK_EQ(STORE_NOSPACE, r);
}

/*
 * A copy of many ends in its middle, and there is no room to undo it: that is
 * done as soon as there is some, before anything is written that could hide
 * what it was.
 */
static void
undone_later(void (*then)(struct account *))
{
	const struct store_box *to;
	struct store_copying *c;
	struct account a;
	bool more;

	begin(&a, MANY);
	account_reopen(&a);
	OK(store_copy_begin(
	    a.st, STORE_INBOX, &everything, 1, 3, NULL, NULL, &c));
	OK(store_copy_step(c, &more));
	ATF_REQUIRE(more);
	use_up(&a);
	store_abandon(a.st);
	reopen_full(&a);
	to = store_box_find(a.st, 3);
	ATF_CHECK(to->messages > 0);
	(void)idle_full(&a);
	ATF_CHECK(to->messages > 0);
	ATF_CHECK_EQ(STORE_NOSPACE,
	    store_copy(
		a.st, STORE_INBOX, &everything, 1, 4, false, NULL, NULL));
	OK(store_commit(a.st));
	then(&a);
	ATF_CHECK_EQ(0, store_box_find(a.st, 3)->messages);
	end(&a);
}

static void
then_idle(struct account *a)
{
	why = 0;
	(void)idle_full(a);
}

static void
then_reopen(struct account *a)
{
	(void)store_close(a->st);
	reopen_full(a);
	why = 0;
	account_reopen(a);
}

static void
then_copy(struct account *a)
{
	const struct store_box *from = store_box_find(a->st, STORE_INBOX);

	why = 0;
	OK(store_copy(
	    a->st, STORE_INBOX, &everything, 1, 4, false, NULL, NULL));
	OK(store_commit(a->st));
	ATF_CHECK_EQ(from->messages, store_box_find(a->st, 4)->messages);
	account_crash(a);
}

static void
then_checkpoint(struct account *a)
{
	why = 0;
	(void)checkpoint(a->st);
	(void)compact(a->st);
	(void)snap_save(a->st);
	account_crash(a);
}

ATF_TC_WITHOUT_HEAD(undone_later);
ATF_TC_BODY(undone_later, tc)
{
	undone_later(then_idle);
}

ATF_TC_WITHOUT_HEAD(undone_reopened);
ATF_TC_BODY(undone_reopened, tc)
{
	undone_later(then_reopen);
}

ATF_TC_WITHOUT_HEAD(undone_copying);
ATF_TC_BODY(undone_copying, tc)
{
	undone_later(then_copy);
}

ATF_TC_WITHOUT_HEAD(undone_checkpoint);
ATF_TC_BODY(undone_checkpoint, tc)
{
	undone_later(then_checkpoint);
}

/* Every operation that a session may ask for, refused and then done. */
static void
each_refused(int error)
{
	struct account a;
	struct store_rename ren = {3, "renamed"};
	struct store_drained d;
	enum store_result r;
	uint32_t uid;
	unsigned int n, op, bit;

	begin(&a, 10);
	for (op = 0; op < 7; op++) {
		for (n = 0, r = STORE_NOSPACE; r != STORE_OK; n++) {
			/* Nothing is left of what was laid out ahead. */
			a.st->log_alloc = own_writer(a.st)->off;
			ATF_REQUIRE_EQ(
			    0, ftruncate(a.st->log_fd, (off_t)a.st->log_alloc));
			why = error;
			after = n;
			switch (op) {
			case 0:
				r = append(&a, STORE_INBOX, 50, 30000, &uid);
				break;
			case 1:
				r = deliver(&a, 60 + n, 30000);
				break;
			case 2:
				r = store_drain(a.st, &d);
				break;
			case 3:
				r = store_keyword(
				    a.st, STORE_INBOX, "red", true, &bit);
				break;
			case 4:
				r = store_flags(a.st, STORE_INBOX, &everything,
				    1, 1, 0, UINT64_MAX);
				break;
			case 5:
				r = store_mvbox(a.st, &ren, 1);
				break;
			default:
				r = store_expunge(
				    a.st, STORE_INBOX, &everything, 1, true);
				break;
			}
			why = 0;
			ATF_REQUIRE_MSG(r == STORE_OK || r == STORE_NOSPACE,
			    "operation %u, %u: %s", op, n, store_strerror(r));
			OK(store_commit(a.st));
		}
		ATF_CHECK(n > 1);
	}
	end(&a);
}

ATF_TC_WITHOUT_HEAD(refused);
ATF_TC_BODY(refused, tc)
{
	each_refused(ENOSPC);
}

ATF_TC_WITHOUT_HEAD(refused_quota);
ATF_TC_BODY(refused_quota, tc)
{
	each_refused(EDQUOT);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, copy);
	ATF_TP_ADD_TC(tp, copy_quota);
	ATF_TP_ADD_TC(tp, move);
	ATF_TP_ADD_TC(tp, packs);
	ATF_TP_ADD_TC(tp, shrinks);
	ATF_TP_ADD_TC(tp, undone_later);
	ATF_TP_ADD_TC(tp, undone_reopened);
	ATF_TP_ADD_TC(tp, undone_copying);
	ATF_TP_ADD_TC(tp, undone_checkpoint);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, refused_quota);
	return atf_no_error();
}
