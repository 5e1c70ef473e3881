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

/* Boxes, messages, reopening, rebuilding: what the vault relies on. */

#include <sys/types.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "store_local.h"

static const struct store_range everything = {1, UINT32_MAX};

/* As picture(), of the messages alone. */
static char *
messages(struct account *a)
{
	char *text, *line, *to, *next;
	size_t len;

	text = to = picture(a);
	for (line = text; *line != '\0'; line = next) {
		next = strchr(line, '\n') + 1;
		if (*line != ' ')
			continue;
		len = (size_t)(next - line);
		memmove(to, line, len);
		to += len;
	}
	*to = '\0';
	return text;
}

ATF_TC_WITHOUT_HEAD(fresh);
ATF_TC_BODY(fresh, tc)
{
	const struct store_box *b;
	struct account a;

	account_make(&a);
	account_open(&a);
	b = store_box_find(a.st, STORE_INBOX);
	ATF_REQUIRE(b != NULL);
	ATF_CHECK_STREQ("INBOX", b->name);
	ATF_CHECK_EQ(1, b->uidnext); /* it may be another host's */
	b = store_box_named(a.st, "Trash");
	ATF_REQUIRE(b != NULL);
	ATF_CHECK_EQ(STORE_USE_TRASH, b->use);
	ATF_CHECK(store_subscribed(a.st, "Sent"));
	same_after_reopen(&a);
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(locked);
ATF_TC_BODY(locked, tc)
{
	struct account a;
	struct store *other;

	account_make(&a);
	account_open(&a);
	ATF_CHECK_EQ(STORE_LOCKED, store_open(a.base, a.dir, a.ring, &other));
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(boxes);
ATF_TC_BODY(boxes, tc)
{
	struct store_rename r[2];
	struct account a;
	uint64_t x, y, z;
	char name[STORE_NAME_MAX + 2];

	account_make(&a);
	account_open(&a);
	OK(store_mkbox(a.st, "x", 0, &x));
	OK(store_mkbox(a.st, "x/y", STORE_USE_ALL, &y));
	ATF_CHECK_EQ(STORE_EXISTS, store_mkbox(a.st, "x", 0, NULL));
	ATF_CHECK_EQ(STORE_BADNAME, store_mkbox(a.st, "", 0, NULL));
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	ATF_CHECK_EQ(STORE_BADNAME, store_mkbox(a.st, name, 0, NULL));
	name[STORE_NAME_MAX] = '\0';
	OK(store_mkbox(a.st, name, 0, &z));
	same_after_reopen(&a);
	/* Two at once may even change places. */
	r[0].box = x;
	r[0].name = "x/y";
	r[1].box = y;
	r[1].name = "x";
	OK(store_mvbox(a.st, r, 2));
	ATF_CHECK_STREQ("x", store_box_find(a.st, y)->name);
	r[0].name = "Sent";
	ATF_CHECK_EQ(STORE_EXISTS, store_mvbox(a.st, r, 2));
	ATF_CHECK_STREQ("x/y", store_box_find(a.st, x)->name);
	OK(store_rmbox(a.st, z));
	ATF_CHECK(store_box_find(a.st, z) == NULL);
	ATF_CHECK_EQ(STORE_BADNAME, store_rmbox(a.st, STORE_INBOX));
	OK(store_set_use(a.st, x, STORE_USE_FLAGGED));
	OK(store_subscribe(a.st, "not there", true));
	OK(store_subscribe(a.st, "Sent", false));
	same_after_reopen(&a);
	ATF_CHECK(store_subscribed(a.st, "not there"));
	ATF_CHECK(!store_subscribed(a.st, "Sent"));
	OK(store_mkbox(a.st, "again", 0, &x));
	ATF_CHECK(x > z);
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(append);
ATF_TC_BODY(append, tc)
{
	static const size_t sizes[] = {
	    0, 1, 4000, 16000, 65535, 65536, 65537, 200000, 131072};
	uint32_t uid[sizeof(sizes) / sizeof(sizes[0])];
	struct account a;
	unsigned int i, n;

	n = sizeof(sizes) / sizeof(sizes[0]);
	account_make(&a);
	account_open(&a);
	for (i = 0; i < n; i++)
		OK(append(&a, STORE_INBOX, i, sizes[i], &uid[i]));
	OK(store_commit(a.st));
	for (i = 0; i < n; i++)
		check_message(&a, STORE_INBOX, uid[i], i, sizes[i]);
	same_after_reopen(&a);
	for (i = 0; i < n; i++)
		check_message(&a, STORE_INBOX, uid[i], i, sizes[i]);
	ATF_CHECK_EQ(n, count_files(&a, "blob"));
	account_end(&a);
}

struct told {
	unsigned int new;
	unsigned int flags;
	unsigned int expunged;
	uint32_t last_pos;
};

static void
tell(void *arg, uint64_t box, enum store_change change, uint32_t uid,
    uint32_t pos)
{
	struct told *t = arg;

	switch (change) {
	case STORE_NEW:
		t->new ++;
		break;
	case STORE_FLAGS:
		t->flags++;
		break;
	case STORE_EXPUNGED:
		ATF_CHECK(pos < t->last_pos);
		t->last_pos = pos;
		t->expunged++;
		break;
	case STORE_BOXGONE:
		break;
	}
}

ATF_TC_WITHOUT_HEAD(flags);
ATF_TC_BODY(flags, tc)
{
	struct store_range some[2] = {{4, 8}, {14, 14}};
	const struct store_box *b;
	struct told told = {0};
	struct account a;
	uint32_t uid;
	unsigned int i, bit, other;

	account_make(&a);
	account_open(&a);
	store_set_notify(a.st, tell, &told);
	for (i = 0; i < 10; i++)
		OK(append(&a, STORE_INBOX, i, 100, &uid));
	ATF_CHECK_EQ(10, told.new);
	OK(store_keyword(a.st, STORE_INBOX, "$Label1", true, &bit));
	ATF_CHECK_EQ(8, bit);
	OK(store_keyword(a.st, STORE_INBOX, "$label1", false, &other));
	ATF_CHECK_EQ(8, other);
	OK(store_flags(a.st, STORE_INBOX, some, 2, STORE_SEEN | 1ULL << bit, 0,
	    UINT64_MAX));
	ATF_CHECK_EQ(4, told.flags);
	/* Nothing changes: nothing is told or logged. */
	OK(store_commit(a.st));
	OK(store_flags(a.st, STORE_INBOX, some, 2, STORE_SEEN, 0, UINT64_MAX));
	ATF_CHECK(!store_pending(a.st));
	b = store_box_find(a.st, STORE_INBOX);
	ATF_CHECK_EQ(6, b->unseen);
	OK(store_flags(
	    a.st, STORE_INBOX, &everything, 1, STORE_DELETED, STORE_SEEN, 0));
	ATF_CHECK_EQ(0, b->deleted);
	OK(store_flags(
	    a.st, STORE_INBOX, some, 1, STORE_DELETED, STORE_SEEN, UINT64_MAX));
	ATF_CHECK_EQ(3, b->deleted);
	ATF_CHECK_EQ(9, b->unseen);
	ATF_CHECK_EQ(STORE_INVALID,
	    store_flags(a.st, STORE_INBOX, some, 1, 1ULL << 40, 0, UINT64_MAX));
	same_after_reopen(&a);
	store_set_notify(a.st, tell, &told);
	told.last_pos = UINT32_MAX;
	OK(store_expunge(a.st, STORE_INBOX, &everything, 1, false));
	ATF_CHECK_EQ(3, told.expunged);
	b = store_box_find(a.st, STORE_INBOX);
	ATF_CHECK_EQ(7, b->messages);
	store_set_notify(a.st, NULL, NULL);
	same_after_reopen(&a);
	account_end(&a);
}

static uint32_t copied[20000][2];
static size_t ncopied;

static void
note_copy(void *arg, uint32_t uid, uint32_t newuid)
{
	copied[ncopied][0] = uid;
	copied[ncopied++][1] = newuid;
}

ATF_TC_WITHOUT_HEAD(copy_move);
ATF_TC_BODY(copy_move, tc)
{
	struct store_range some = {1, 40};
	struct account a;
	uint64_t live;
	uint32_t uid;
	unsigned int i, bit;
	bool more;

	account_make(&a);
	account_open(&a);
	for (i = 0; i < 30; i++)
		OK(append(&a, STORE_INBOX, i, 1000 + i, &uid));
	live = store_live_bytes(a.st);
	OK(store_keyword(a.st, STORE_INBOX, "blue", true, &bit));
	OK(store_keyword(a.st, 2, "red", true, &bit));
	OK(store_flags(a.st, STORE_INBOX, &some, 1, 1ULL << 8, 0, UINT64_MAX));
	ncopied = 0;
	OK(store_copy(a.st, STORE_INBOX, &some, 1, 2, false, note_copy, NULL));
	ATF_REQUIRE_EQ(20, ncopied);
	ATF_CHECK_EQ(live, store_live_bytes(a.st));
	OK(store_keyword(a.st, 2, "Blue", false, &bit));
	ATF_CHECK(bit > 8);
	for (i = 0; i < ncopied; i++) {
		check_message(&a, 2, copied[i][1], copied[i][0] / 2 - 1,
		    1000 + copied[i][0] / 2 - 1);
		ATF_CHECK_EQ(1ULL << bit,
		    store_msg_find(a.st, 2, copied[i][1], NULL)->flags);
	}
	same_after_reopen(&a);
	ncopied = 0;
	OK(store_copy(
	    a.st, STORE_INBOX, &everything, 1, 3, true, note_copy, NULL));
	ATF_REQUIRE_EQ(30, ncopied);
	ATF_CHECK_EQ(0, store_box_find(a.st, STORE_INBOX)->messages);
	ATF_CHECK_EQ(live, store_live_bytes(a.st));
	same_after_reopen(&a);
	check_message(&a, 3, copied[7][1], 7, 1007);
	/* 20 have a copy: their blobs stay. */
	OK(store_rmbox(a.st, 3));
	OK(store_commit(a.st));
	do
		OK(store_idle(a.st, &more));
	while (more);
	ATF_CHECK_EQ(20, count_files(&a, "blob"));
	ATF_CHECK_EQ(10, count_files(&a, "trash"));
	ATF_CHECK(store_live_bytes(a.st) < live);
	same_after_reopen(&a);
	OK(store_expunge(a.st, 2, &everything, 1, true));
	OK(store_commit(a.st));
	account_reopen(&a);
	do
		OK(store_idle(a.st, &more));
	while (more);
	ATF_CHECK_EQ(0, count_files(&a, "blob"));
	ATF_CHECK_EQ(0, store_live_bytes(a.st));
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(large_box);
ATF_TC_BODY(large_box, tc)
{
	struct store_chunk sum[STORE_SUMMARY_CHUNKS];
	const struct store_msg *m;
	struct account a;
	uint32_t uid;
	size_t i, k, n;

	account_make(&a);
	account_open(&a);
	for (i = 0; i < 100; i++)
		OK(append(&a, STORE_INBOX, (unsigned int)i, 500, &uid));
	for (i = 0; i < 7; i++)
		OK(store_copy(a.st, STORE_INBOX, &everything, 1, STORE_INBOX,
		    false, NULL, NULL));
	OK(store_commit(a.st));
	same_after_reopen(&a);
	m = column(a.st, STORE_INBOX, &n);
	ATF_REQUIRE_EQ(12800, n);
	for (i = 0; i < n; i++) {
		m = column(a.st, STORE_INBOX, &n);
		OK(store_summary(a.st, STORE_INBOX, m[i].uid, sum, &k));
		ATF_REQUIRE_EQ(100, sum[0].len);
	}
	ncopied = 0;
	OK(store_copy(
	    a.st, STORE_INBOX, &everything, 1, 4, true, note_copy, NULL));
	ATF_CHECK_EQ(12800, ncopied);
	OK(store_flags(a.st, 4, &everything, 1, STORE_DELETED, 0, UINT64_MAX));
	same_after_reopen(&a);
	OK(store_expunge(a.st, 4, &everything, 1, false));
	ATF_CHECK_EQ(0, store_box_find(a.st, 4)->messages);
	same_after_reopen(&a);
	account_end(&a);
}

/* The log is cut back by checkpoints, and nothing is lost by it. */
ATF_TC_WITHOUT_HEAD(checkpoint);
ATF_TC_BODY(checkpoint, tc)
{
	struct account a;
	uint32_t uid;
	unsigned int i;
	bool more;

	account_make(&a);
	account_open(&a);
	for (i = 0; i < 100; i++)
		OK(append(&a, STORE_INBOX, i, 500, &uid));
	for (i = 0; i < 4; i++)
		OK(store_copy(a.st, STORE_INBOX, &everything, 1, STORE_INBOX,
		    false, NULL, NULL));
	OK(store_expunge(
	    a.st, STORE_INBOX, &(struct store_range){3, 100}, 1, true));
	OK(store_commit(a.st));
	for (i = 0; i < 1200; i++) {
		OK(store_flags(a.st, STORE_INBOX, &everything, 1,
		    i % 2 ? STORE_SEEN : 0, i % 2 ? 0 : STORE_SEEN,
		    UINT64_MAX));
		OK(store_commit(a.st));
		OK(store_idle(a.st, &more));
	}
	ATF_CHECK(count_files(&a, "log") < 24);
	ATF_CHECK(count_files(&a, "trash") > 10);
	same_after_reopen(&a);
	check_message(&a, STORE_INBOX, uid, 99, 500);
	account_end(&a);
}

/* What is expunged leaves the packs in the end, and the rest stays whole. */
ATF_TC_WITHOUT_HEAD(compaction);
ATF_TC_BODY(compaction, tc)
{
	struct store_range most = {41, UINT32_MAX};
	struct account a;
	uint32_t uid;
	unsigned int i;
	bool more;

	account_make(&a);
	account_open(&a);
	for (i = 0; i < 100; i++)
		OK(append(&a, STORE_INBOX, i, 500, &uid));
	for (i = 0; i < 7; i++)
		OK(store_copy(a.st, STORE_INBOX, &everything, 1, STORE_INBOX,
		    false, NULL, NULL));
	OK(append(&a, 2, 777, 500, &uid));
	OK(store_expunge(a.st, STORE_INBOX, &most, 1, true));
	OK(store_commit(a.st));
	account_reopen(&a);
	do
		OK(store_idle(a.st, &more));
	while (more);
	OK(store_idle(a.st, &more));
	ATF_CHECK_EQ(0,
	    system("test $(cat accounts/*/*/snap/*/cold | wc -c) "
		   "-lt 70000"));
	store_rest(a.st);
	for (i = 0; i < 20; i++)
		check_message(&a, STORE_INBOX, 2 * i + 2, i, 500);
	check_message(&a, 2, uid, 777, 500);
	same_after_reopen(&a);
	check_message(&a, STORE_INBOX, 40, 19, 500);
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(quota);
ATF_TC_BODY(quota, tc)
{
	struct store_limits limits = {.quota = 20000};
	struct store_blob *blob;
	struct store_used used;
	struct account a;

	account_make(&a);
	account_open(&a);
	OK(store_limits_write(a.dir, &limits));
	OK(deliver(&a, 1, 9000));
	ATF_CHECK_EQ(STORE_OVERQUOTA, deliver(&a, 2, 9000));
	ATF_CHECK_EQ(1, drain(&a));
	account_reopen(&a);
	OK(store_usage(a.dir, &used));
	ATF_CHECK_EQ(store_live_bytes(a.st), used.octets);
	ATF_CHECK_EQ(1, used.messages);
	ATF_CHECK_EQ(
	    STORE_OVERQUOTA, store_append_create(a.st, 0, 9000, &blob));
	limits.disabled = true;
	OK(store_limits_write(a.dir, &limits));
	ATF_CHECK_EQ(STORE_DISABLED, deliver(&a, 2, 10));
	account_end(&a);
}

/* As many messages as may be, in all mailboxes and waiting. */
ATF_TC_WITHOUT_HEAD(quota_messages);
ATF_TC_BODY(quota_messages, tc)
{
	struct store_limits limits = {.max_messages = 1 + 4}, read;
	struct store_used used;
	struct account a;
	uint32_t uid;

	account_make(&a);
	account_open(&a);
	OK(store_limits_write(a.dir, &limits));
	OK(store_limits_read(a.dir, &read));
	ATF_CHECK_EQ(5, read.max_messages);
	ATF_CHECK_EQ(0, read.quota);
	OK(append(&a, STORE_INBOX, 1, 300, &uid));
	OK(store_copy(a.st, STORE_INBOX, &everything, 1, 2, false, NULL, NULL));
	OK(store_commit(a.st));
	OK(deliver(&a, 1, 300));
	/* Of what waits the vault knows, and deliverers of what it has. */
	OK(store_quota(a.st, &used, &limits));
	ATF_CHECK_EQ(3, used.messages);
	ATF_CHECK_EQ(5, limits.max_messages);
	OK(store_more_messages(a.st, 1));
	ATF_CHECK_EQ(STORE_OVERQUOTA, store_more_messages(a.st, 2));
	ATF_CHECK_EQ(STORE_OVERQUOTA,
	    store_copy(a.st, STORE_INBOX, &(struct store_range){1, 99}, 1, 2,
		false, NULL, NULL) == STORE_OK ?
		store_copy(a.st, 2, &everything, 1, 3, false, NULL, NULL) :
		STORE_OK);
	OK(store_commit(a.st));
	ATF_CHECK_EQ(STORE_OVERQUOTA, deliver(&a, 2, 300));
	ATF_CHECK_EQ(1, drain(&a));
	ATF_CHECK_EQ(STORE_OVERQUOTA, deliver(&a, 2, 300));
	OK(store_copy(a.st, 2, &everything, 1, 3, true, NULL, NULL));
	OK(store_expunge(a.st, 3, &everything, 1, true));
	OK(store_commit(a.st));
	account_reopen(&a);
	OK(store_usage(a.dir, &used));
	ATF_CHECK_EQ(2, used.messages);
	OK(deliver(&a, 2, 300));
	/* None at all */
	limits.max_messages = 1;
	OK(store_limits_write(a.dir, &limits));
	ATF_CHECK_EQ(STORE_OVERQUOTA, store_more_messages(a.st, 1));
	account_end(&a);
}

/* The other host's copy of the account, in other/, with its own series. */
static void
other_host(struct account *a, struct account *other)
{
	ATF_REQUIRE_EQ(0,
	    system("mkdir other && cp -a accounts other/ && "
		   "rm -f other/accounts/*/*/lock"));
	*other = *a;
	other->base = open("other", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(other->base != -1);
	OK(store_account_open(other->base, ACCOUNT, &other->dir));
	OK(store_open_host(other->base, other->dir, a->ring, 1, &other->st));
}

/* The third word of each line: each host counts its own. */
static void
no_modseq(char *text)
{
	unsigned int word;

	for (word = 0; *text != '\0'; text++) {
		if (*text == '\n')
			word = 0;
		else if (*text == ' ')
			word++;
		else if (word == 3)
			*text = '-';
	}
}

/* The message of that number, wherever it is in INBOX; it may be gone. */
static void
check_dated(struct account *a, unsigned int number)
{
	const struct store_msg *m;
	size_t i, n;

	m = column(a->st, STORE_INBOX, &n);
	for (i = 0; i < n; i++) {
		if (m[i].date == 1700000000 + number) {
			check_message(a, STORE_INBOX, m[i].uid, number, 1000);
			return;
		}
	}
	atf_tc_fail("message %u is not there", number);
}

/*
 * Two hosts that write apart and then have each other's files see one state,
 * whichever folds it: no number twice, all messages there.
 */
ATF_TC_WITHOUT_HEAD(two_writers);
ATF_TC_BODY(two_writers, tc)
{
	struct account a, b;
	uint32_t uid[2], last;
	char *seen[2];
	unsigned int i;

	account_make(&a);
	account_open(&a);
	OK(append(&a, STORE_INBOX, 1, 1000, &uid[0]));
	OK(store_commit(a.st));
	/* Before it was told of it, the other host may look, and no more. */
	other_host(&a, &b);
	ATF_CHECK(store_damage(b.st) != NULL);
	ATF_CHECK_EQ(STORE_READONLY, append(&b, STORE_INBOX, 2, 1000, &uid[1]));
	ATF_CHECK_EQ(1, store_box_find(b.st, STORE_INBOX)->messages);
	OK(store_close(b.st));
	close(b.dir);
	close(b.base);
	ATF_REQUIRE_EQ(0, system("rm -rf other"));
	OK(store_pair(a.st));
	account_close(&a);
	other_host(&a, &b);
	for (i = 0; i < 5; i++) {
		account_open(&a);
		OK(append(&a, STORE_INBOX, 10 + i, 1000, &uid[0]));
		OK(store_flags(
		    a.st, STORE_INBOX, &everything, 1, 1, 0, UINT64_MAX));
		account_close(&a);
		OK(append(&b, STORE_INBOX, 20 + i, 1000, &uid[1]));
		OK(append(&b, 2, 30 + i, 1000, &last));
		OK(store_commit(b.st));
		ATF_CHECK_EQ(0, uid[0] % 2);
		ATF_CHECK_EQ(1, uid[1] % 2);
	}
	OK(store_mkbox(b.st, "of b", 0, NULL));
	OK(store_expunge(
	    b.st, STORE_INBOX, &(struct store_range){1, 4}, 1, true));
	OK(store_close(b.st));
	ATF_REQUIRE_EQ(0,
	    system("cd accounts/*/anna && o=$OLDPWD/other/accounts/*/anna && "
		   "cp -an $o/log/. log/ && cp -an $o/blob/. blob/ && "
		   "cp -a log/. $o/log/ && cp -an blob/. $o/blob/"));
	account_open(&a);
	ATF_REQUIRE_EQ(0,
	    system("cp -a accounts/*/anna/log/. other/accounts/*/anna/log/"));
	OK(store_open_host(b.base, b.dir, a.ring, 1, &b.st));
	ATF_REQUIRE(store_damage(a.st) == NULL);
	ATF_REQUIRE(store_damage(b.st) == NULL);
	ATF_CHECK_EQ(5, store_box_find(a.st, 2)->messages);
	ATF_CHECK(store_box_named(a.st, "of b") != NULL);
	ATF_CHECK_EQ(10, store_box_find(a.st, STORE_INBOX)->messages);
	/* Late ones were placed again by the holder of the lease, at the top.
	 */
	for (i = 0; i < 5; i++) {
		check_dated(&a, 10 + i);
		check_dated(&a, 20 + i);
	}
	seen[0] = messages(&a);
	seen[1] = messages(&b);
	no_modseq(seen[0]);
	no_modseq(seen[1]);
	ATF_CHECK_STREQ(seen[0], seen[1]);
	free(seen[0]);
	free(seen[1]);
	OK(append(&a, STORE_INBOX, 50, 10, &uid[0]));
	OK(append(&b, STORE_INBOX, 50, 10, &uid[1]));
	ATF_CHECK(uid[0] != uid[1]);
	OK(store_close(b.st));
	same_after_reopen(&a);
	account_end(&a);
}

/* A copy from a backup put back: no number is given twice. */
ATF_TC_WITHOUT_HEAD(put_back);
ATF_TC_BODY(put_back, tc)
{
	struct account a;
	uint32_t first, lost, uid;

	account_make(&a);
	account_open(&a);
	OK(append(&a, STORE_INBOX, 1, 100, &first));
	account_close(&a);
	ATF_CHECK_EQ(0, system("cp -a accounts saved"));
	account_open(&a);
	OK(append(&a, STORE_INBOX, 2, 100, &lost));
	account_close(&a);
	ATF_CHECK_EQ(0, system("rm -r accounts && mv saved accounts"));
	close(a.dir);
	OK(store_account_open(a.base, ACCOUNT, &a.dir));
	account_open(&a);
	OK(append(&a, STORE_INBOX, 3, 100, &uid));
	ATF_CHECK(uid > lost + 60000);
	check_message(&a, STORE_INBOX, first, 1, 100);
	same_after_reopen(&a);
	account_end(&a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, fresh);
	ATF_TP_ADD_TC(tp, locked);
	ATF_TP_ADD_TC(tp, boxes);
	ATF_TP_ADD_TC(tp, append);
	ATF_TP_ADD_TC(tp, flags);
	ATF_TP_ADD_TC(tp, copy_move);
	ATF_TP_ADD_TC(tp, large_box);
	ATF_TP_ADD_TC(tp, checkpoint);
	ATF_TP_ADD_TC(tp, compaction);
	ATF_TP_ADD_TC(tp, quota);
	ATF_TP_ADD_TC(tp, quota_messages);
	ATF_TP_ADD_TC(tp, two_writers);
	ATF_TP_ADD_TC(tp, put_back);
	return atf_no_error();
}
