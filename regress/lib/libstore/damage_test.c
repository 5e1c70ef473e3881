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
 * What is found damaged: the torn end of a log is cut, an octet in its midst
 * is not passed over, a snapshot is made anew.
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
#include "store_local.h"

static const struct store_range everything = {1, UINT32_MAX};

/* The last segment's octets, to be changed and put back. */
struct segment {
	char name[64];
	uint8_t *data;
	size_t len;
};

static void
segment_read(struct account *a, struct segment *s)
{
	struct stat sb;
	int fd;

	seg_name(own_writer(a->st), own_writer(a->st)->seg, s->name,
	    sizeof(s->name));
	fd = openat(a->dir, s->name, O_RDONLY);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE_EQ(0, fstat(fd, &sb));
	s->len = (size_t)sb.st_size;
	s->data = malloc(s->len);
	ATF_REQUIRE(s->data != NULL);
	ATF_REQUIRE_EQ(sb.st_size, read(fd, s->data, s->len));
	close(fd);
}

static void
segment_write(struct account *a, const struct segment *s)
{
	int fd;

	fd = openat(a->dir, s->name, O_WRONLY | O_TRUNC);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE_EQ((ssize_t)s->len, write(fd, s->data, s->len));
	close(fd);
}

ATF_TC_WITHOUT_HEAD(torn_tail);
ATF_TC_BODY(torn_tail, tc)
{
	struct segment whole, cut;
	struct account a;
	uint64_t from, to, off;
	uint32_t uid;
	char *before, *after;

	account_make(&a);
	account_open(&a);
	OK(append(&a, STORE_INBOX, 1, 100, &uid));
	OK(store_commit(a.st));
	before = picture(&a);
	from = own_writer(a.st)->off;
	OK(store_flags(a.st, STORE_INBOX, &everything, 1, 1, 0, UINT64_MAX));
	OK(store_commit(a.st));
	to = own_writer(a.st)->off;
	ATF_REQUIRE(to > from);
	segment_read(&a, &whole);
	store_abandon(a.st);
	cut = whole;
	cut.data = malloc(whole.len);
	ATF_REQUIRE(cut.data != NULL);
	for (off = from; off < to; off++) {
		memcpy(cut.data, whole.data, whole.len);
		memset(cut.data + off, 0, (size_t)(to - off));
		/* A torn write may also leave a hole before what came. */
		if (off % 2 == 1)
			memset(cut.data + from, 0, (size_t)(off - from));
		segment_write(&a, &cut);
		account_open(&a);
		ATF_REQUIRE_MSG(store_damage(a.st) == NULL, "at %llu: %s",
		    (unsigned long long)(off - from), store_damage(a.st));
		after = picture(&a);
		ATF_REQUIRE_STREQ(before, after);
		free(after);
		store_abandon(a.st);
	}
	segment_write(&a, &whole);
	account_open(&a);
	ATF_CHECK_EQ(1, store_msg_find(a.st, STORE_INBOX, uid, NULL)->flags);
	free(before);
	free(cut.data);
	free(whole.data);
	account_end(&a);
}

/* A bad frame with good ones behind it is not cut, and nothing is written. */
ATF_TC_WITHOUT_HEAD(corrupt_middle);
ATF_TC_BODY(corrupt_middle, tc)
{
	struct segment whole, bad, now_there;
	struct account a;
	uint64_t from, to, off;
	uint32_t uid;

	account_make(&a);
	account_open(&a);
	from = own_writer(a.st)->off;
	OK(append(&a, STORE_INBOX, 1, 100, &uid));
	OK(store_commit(a.st));
	to = own_writer(a.st)->off;
	OK(append(&a, STORE_INBOX, 2, 100, &uid));
	OK(store_commit(a.st));
	segment_read(&a, &whole);
	store_abandon(a.st);
	bad = whole;
	bad.data = malloc(whole.len);
	ATF_REQUIRE(bad.data != NULL);
	for (off = from; off < to; off += 7) {
		memcpy(bad.data, whole.data, whole.len);
		bad.data[off] ^= 0x40;
		segment_write(&a, &bad);
		account_open(&a);
		ATF_REQUIRE_MSG(store_damage(a.st) != NULL, "at %llu",
		    (unsigned long long)(off - from));
		ATF_CHECK_EQ(STORE_READONLY, store_mkbox(a.st, "x", 0, NULL));
		ATF_CHECK_EQ(
		    STORE_READONLY, append(&a, STORE_INBOX, 3, 10, &uid));
		segment_read(&a, &now_there);
		account_close(&a);
		ATF_REQUIRE_EQ(bad.len, now_there.len);
		ATF_REQUIRE(memcmp(bad.data, now_there.data, bad.len) == 0);
		free(now_there.data);
	}
	segment_write(&a, &whole);
	account_open(&a);
	ATF_CHECK(store_damage(a.st) == NULL);
	ATF_CHECK_EQ(2, store_box_find(a.st, STORE_INBOX)->messages);
	free(bad.data);
	free(whole.data);
	account_end(&a);
}

static void
look_at_all(struct account *a)
{
	struct store_chunk sum[STORE_SUMMARY_CHUNKS];
	const struct store_msg *m;
	size_t i, k, n;

	m = column(a->st, STORE_INBOX, &n);
	for (i = 0; m != NULL && i < n; i++) {
		(void)store_summary(
		    a->st, STORE_INBOX, (uint32_t)(2 * i + 2), sum, &k);
		m = column(a->st, STORE_INBOX, &n);
	}
}

/* Any octet of the snapshot may be bad: the log has it all. */
ATF_TC_WITHOUT_HEAD(corrupt_snapshot);
ATF_TC_BODY(corrupt_snapshot, tc)
{
	static const char *const files[] = {"state", "box.1.*", "cold", "sum"};
	struct account a;
	char *before, *after, cmd[300];
	uint32_t uid;
	unsigned int i;

	account_make(&a);
	account_open(&a);
	for (i = 0; i < 700; i++)
		OK(append(&a, STORE_INBOX, i, 100, &uid));
	OK(store_commit(a.st));
	before = picture(&a);
	for (i = 0; i < 4; i++) {
		check_bodies(&a);
		account_close(&a);
		(void)snprintf(cmd, sizeof(cmd),
		    "for f in accounts/*/*/snap/*/%s; do "
		    "for o in 300 66000 132000; do "
		    "[ $(stat -c %%s $f) -lt $o ] || printf XXXX | dd "
		    "of=$f bs=1 seek=$o conv=notrunc status=none; "
		    "done; done",
		    files[i]);
		ATF_REQUIRE_EQ(0, system(cmd));
		account_open(&a);
		/* What is found bad in use is whole at the next opening. */
		look_at_all(&a);
		account_reopen(&a);
		after = picture(&a);
		ATF_CHECK_STREQ(before, after);
		free(after);
	}
	free(before);
	account_end(&a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, torn_tail);
	ATF_TP_ADD_TC(tp, corrupt_middle);
	ATF_TP_ADD_TC(tp, corrupt_snapshot);
	return atf_no_error();
}
