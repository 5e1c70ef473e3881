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
 * No memory: the n-th allocation of libstore and libseal fails, or all from
 * it on, for every n of a run through all operations.  The operation is refused
 * and nothing changed, or the vault ends; in either case the account then is as
 * it was last acknowledged, or as the operation that failed would have left it.
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
#include "alloc.h"
#include "store_local.h"

static const struct store_range everything = {1, UINT32_MAX};
static const struct store_range some = {3, 8};

static int
no_sync(int fd)
{
	return 0;
}

static int
real_open(int dirfd, const char *name, int flags, mode_t mode)
{
	return openat(dirfd, name, flags, mode);
}

static const struct store_sys unsynced = {real_open, pwrite, no_sync, no_sync,
    no_sync, renameat, unlinkat, mkdirat, ftruncate};

/* One call of the library is counted; the test's own are not. */
#define TRY(r, call)              \
	do {                      \
		alloc_on = true;  \
		(r) = (call);     \
		alloc_on = false; \
	} while (0)

static enum store_result
put_blob(struct store_blob *blob, unsigned int n)
{
	static uint8_t body[9000], sum[100];
	struct store_envelope env = {.from = "b@example.net", .to = ACCOUNT};
	struct store_chunk c = {0};
	enum store_result r;

	fill(body, sizeof(body), n);
	fill(sum, sizeof(sum), n + 1000000);
	c.kind = STORE_BODY;
	c.data = body;
	c.len = c.plain = sizeof(body);
	TRY(r, store_blob_chunk(blob, &c));
	if (r != STORE_OK)
		return r;
	c.kind = STORE_SUMMARY;
	c.data = sum;
	c.len = c.plain = sizeof(sum);
	TRY(r, store_blob_chunk(blob, &c));
	if (r != STORE_OK)
		return r;
	memcpy(env.delivery_id, &n, sizeof(n));
	env.date = 1700000000 + n;
	env.hint = env.verdict = "";
	TRY(r, store_blob_finish(blob, &env));
	return r;
}

static enum store_result
op_append(struct account *a, unsigned int n)
{
	struct store_place place = {
	    .box = STORE_INBOX, .date = 1700000000 + n, .size = 9000};
	struct store_blob *blob;
	enum store_result r;
	uint32_t uid;

	TRY(r, store_append_create(a->st, 0, 9000, &blob));
	if (r != STORE_OK)
		return r;
	r = put_blob(blob, n);
	if (r != STORE_OK) {
		store_blob_free(blob);
		return r;
	}
	TRY(r, store_place(a->st, blob, &place, &uid));
	return r;
}

static enum store_result
op_deliver(struct account *a, unsigned int n)
{
	struct store_rcpt *rcpt;
	struct store_blob *blob;
	enum store_result r;

	TRY(r, store_rcpt_open(a->base, ACCOUNT, &rcpt));
	if (r != STORE_OK)
		return r;
	TRY(r, store_blob_create(rcpt, 2, &blob));
	store_rcpt_free(rcpt);
	if (r != STORE_OK)
		return r;
	r = put_blob(blob, n);
	if (r == STORE_OK)
		TRY(r, store_blob_sync(a->base, &blob, 1));
	store_blob_free(blob);
	return r;
}

static enum store_result
op_drain(struct account *a)
{
	struct store_drained d;
	enum store_result r;

	TRY(r, store_drain(a->st, &d));
	ATF_REQUIRE_EQ(0, d.bad);
	return r;
}

static enum store_result
op_boxes(struct account *a, unsigned int i)
{
	static const struct store_meta note = {
	    "/private/comment", (const uint8_t *)"mine", 4};
	struct store_rename ren = {.name = "two"};
	const struct store_box *b;
	enum store_result r;
	unsigned int bit;

	b = store_box_named(a->st, i == 2 ? "two" : "one");
	switch (i) {
	case 0:
		TRY(r, store_mkbox(a->st, "one", 0, NULL));
		break;
	case 1:
		ren.box = b == NULL ? 0 : b->id;
		TRY(r, store_mvbox(a->st, &ren, 1));
		break;
	case 2:
		TRY(r, store_rmbox(a->st, b == NULL ? 0 : b->id));
		break;
	case 3:
		TRY(r, store_subscribe(a->st, "three", true));
		break;
	default:
		TRY(r, store_keyword(a->st, STORE_INBOX, "blue", true, &bit));
		if (r == STORE_OK)
			TRY(r, store_meta_set(a->st, STORE_INBOX, &note, 1));
		break;
	}
	return r;
}

static enum store_result
op_reopen(struct account *a)
{
	enum store_result r;

	TRY(r, store_close(a->st));
	a->st = NULL;
	if (r == STORE_OK)
		TRY(r, store_open(a->base, a->dir, a->ring, &a->st));
	return r;
}

/* In pieces, as one of very many. */
static enum store_result
op_copy(struct account *a)
{
	enum store_result r;

	a->st->small_steps = true;
	TRY(r,
	    store_copy(
		a->st, STORE_INBOX, &everything, 1, 3, false, NULL, NULL));
	a->st->small_steps = false;
	return r;
}

/* Checkpoint and snapshot, what is garbage, what is in trash/. */
static enum store_result
op_idle(struct account *a)
{
	enum store_result r;
	unsigned int i;
	bool more = true;

	for (i = 0, r = STORE_OK; r == STORE_OK && more && i < 20; i++)
		TRY(r, store_idle(a->st, &more));
	return r;
}

#define OPS 22
#define STRIDE 3
static enum store_result
do_op(struct account *a, unsigned int i)
{
	enum store_result r = STORE_OK;

	switch (i) {
	case 5:
		TRY(r,
		    store_flags(
			a->st, STORE_INBOX, &some, 1, 3, 0, UINT64_MAX));
		break;
	case 6:
		return op_copy(a);
	case 7:
		TRY(r, store_copy(a->st, 3, &some, 1, 4, true, NULL, NULL));
		break;
	case 8:
		TRY(r, store_expunge(a->st, 3, &some, 1, true));
		break;
	case 9:
	case 10:
	case 11:
	case 12:
	case 13:
		return op_boxes(a, i - 9);
	case 14:
		return op_deliver(a, 100);
	case 15:
		return op_drain(a);
	case 16:
		TRY(r, snap_save(a->st));
		break;
	case 17:
		TRY(r, checkpoint(a->st));
		break;
	case 18:
		TRY(r, compact(a->st));
		break;
	case 19:
		return op_idle(a);
	case 20:
	case 21:
		return op_reopen(a);
	default:
		return op_append(a, i);
	}
	return r;
}

static void
same(const char *why, unsigned int op, struct account *a, const char *one,
    const char *other)
{
	char *got;

	got = picture(a);
	if (!same_picture(got, one) &&
	    (other == NULL || !same_picture(got, other)))
		atf_tc_fail("allocation %u%s, operation %u, %s: before\n%s"
			    "after\n%s",
		    alloc_at, alloc_rest ? " and on" : "", op, why, one, got);
	free(got);
}

/* One operation and its commit, come what may. */
static void
run_op(struct account *a, unsigned int op)
{
	enum store_result r;
	char *before, *after;

	before = picture(a);
	after = NULL;
	r = do_op(a, op);
	if (r == STORE_OK) {
		after = picture(a);
		TRY(r, store_commit(a->st));
	} else if (a->st != NULL && !a->st->failed && a->st->ops.len == 0 &&
	    !a->st->snap_bad)
		/* Refused: nothing has changed, and life goes on. */
		same("refused", op, a, before, NULL);
	if (r != STORE_OK) {
		store_abandon(a->st);
		a->st = NULL;
		OK(store_open(a->base, a->dir, a->ring, &a->st));
		ATF_REQUIRE_MSG(store_damage(a->st) == NULL,
		    "allocation %u, operation %u: %s", alloc_at, op,
		    store_damage(a->st));
		same("opened anew", op, a, before, after);
	}
	free(before);
	free(after);
}

static void
check_all(struct account *a)
{
	const struct store_box *b;
	const struct store_msg *m;
	size_t i, n;

	for (b = NULL; (b = store_box_next(a->st, b)) != NULL;) {
		for (i = 0; i < b->messages; i++) {
			m = column(a->st, b->id, &n);
			ATF_REQUIRE(m != NULL);
			check_message(a, b->id, m[i].uid,
			    (unsigned int)(m[i].date - 1700000000), m[i].size);
		}
	}
}

/* All operations with one failure; false once there were fewer. */
static bool
run(struct account *a, unsigned int at, bool rest)
{
	unsigned int i;

	ATF_REQUIRE_EQ(
	    0, system("rm -rf accounts head && cp -a pristine accounts"));
	OK(store_account_open(a->base, ACCOUNT, &a->dir));
	alloc_at = at;
	alloc_rest = rest;
	alloc_count = 0;
	account_open(a);
	for (i = 0; i < OPS; i++) {
		run_op(a, i);
		/* All fail for the length of one operation. */
		if (rest && alloc_count >= at)
			alloc_at = 0;
	}
	alloc_at = 0;
	check_all(a);
	account_reopen(a);
	check_all(a);
	account_close(a);
	close(a->dir);
	return alloc_count >= at;
}

/* One of STRIDE allocations, from any of the first: all with STRESS. */
static void
all_fail(bool rest)
{
	struct account a;
	unsigned int at, by, n;

	store_sys_set(&unsynced);
	account_make(&a);
	ATF_REQUIRE_EQ(0, system("cp -a accounts pristine"));
	close(a.dir);
	by = getenv("STRESS") == NULL ? STRIDE : 1;
	for (at = 1 + arc4random_uniform(by), n = 0; run(&a, at, rest);
	     at += by)
		n++;
	printf("%u failures, of %u allocations\n", n, at - by);
	ATF_CHECK(n > 40);
	a.dir = dup(a.base);
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(one);
ATF_TC_BODY(one, tc)
{
	all_fail(false);
}

ATF_TC_WITHOUT_HEAD(all);
ATF_TC_BODY(all, tc)
{
	all_fail(true);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, one);
	ATF_TP_ADD_TC(tp, all);
	return atf_no_error();
}
