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
 * The committed accounts as a whole: the store opens those that vectors.py made
 * from sealstore(5), and one that the suite wrote.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "seal_keys.h"
#include "store.h"
#include "vectors_helper.h"

#define COPY "copied/accounts/vectors.example/someone"
#define TWO "made/accounts/vectors.example/two"
#define NOTED "made/accounts/vectors.example/noted"
#define PIECES "made/accounts/vectors.example/pieces"
#define SUITE "suite/accounts/sealmail.test/user0001"

/* A message of the made account, as the store shows it. */
static void
check_message(struct store *st, const char *box, uint32_t uid, uint64_t flags,
    int zone, uint64_t modseq, const char *prefix)
{
	const struct store_box *b;
	const struct store_msg *m;
	struct store_cold c;

	b = store_box_named(st, box);
	ATF_REQUIRE_MSG(b != NULL, "no box %s", box);
	m = store_msg_find(st, b->id, uid, NULL);
	ATF_REQUIRE_MSG(m != NULL, "%s: no uid %u", box, uid);
	ATF_CHECK_EQ_MSG(flags, m->flags, "%s", prefix);
	ATF_CHECK_EQ(zone, m->zone);
	if (modseq != 0)
		ATF_CHECK_EQ_MSG(modseq, m->modseq, "%s: modseq %llu", prefix,
		    (unsigned long long)m->modseq);
	ATF_CHECK_EQ(1700000100, m->date);
	ATF_REQUIRE_EQ(STORE_OK, store_cold_get(st, b->id, uid, &c));
	same_of(prefix, ".id", c.blob, sizeof(c.blob));
}

static void
check_store(struct store *st, bool drained)
{
	const struct store_box *b;
	struct store_cold c;

	ATF_CHECK_MSG(store_damage(st) == NULL, "%s", store_damage(st));
	check_message(st, "INBOX", 4, 0x102, 0, 28, "deflate");
	check_message(st, "INBOX", 6, 0x102, -450, 28, "zstd");
	b = store_box_named(st, "INBOX");
	ATF_CHECK_EQ(2, b->messages);
	ATF_CHECK_EQ(7, b->uidnext);
	ATF_CHECK_EQ(1, b->nkeywords);
	ATF_CHECK_STREQ("work", b->keywords[0]);
	ATF_CHECK(store_subscribed(st, "INBOX"));
	b = store_box_named(st, "Archive");
	ATF_CHECK_EQ(STORE_USE_ARCHIVE, b->use);
	ATF_REQUIRE_EQ(STORE_OK, store_cold_get(st, b->id, 2, &c));
	same("move.instance", c.instance, sizeof(c.instance));
	same("emailid", c.emailid, sizeof(c.emailid));
	b = store_box_named(st, "Lists");
	ATF_REQUIRE(b != NULL);
	ATF_CHECK_EQ(drained ? 1 : 0, b->messages);
	if (drained)
		ATF_CHECK_EQ(5, store_msg_at(st, b->id, 0)->flags);
}

/* What was signed to go from Trash, and has, is let go by the vault too. */
static void
check_expiry(struct store *st)
{
	const struct store_box *trash;
	bool more;

	trash = store_box_named(st, "Trash");
	ATF_REQUIRE(trash != NULL);
	ATF_CHECK_EQ(2, trash->messages);
	store_set_expiry(st, 36500, 36500);
	for (more = true; more;)
		ATF_REQUIRE_EQ(STORE_OK, store_idle(st, &more));
	ATF_CHECK_EQ(1, trash->messages);
	check_message(st, "Trash", 4, 0, 0, 20, "stays");
}

/* Git keeps no empty folders; the store wants all of them. */
static void
copy_account(void)
{
	char cmd[1024];

	(void)snprintf(cmd, sizeof(cmd),
	    "cp -R '%s/made' copied && chmod -R u+w copied && "
	    "mkdir -p " COPY "/snap " COPY "/trash " COPY "/in",
	    vectors_dir);
	ATF_REQUIRE_EQ(0, system(cmd));
}

/*
 * libstore on an account that our code has not written: from the checkpoint,
 * and from the first frame where the second segment is not there.
 */
static void
open_store(bool checkpoint)
{
	struct store_drained drained;
	struct seal_ring *r;
	struct store *st;
	int base, fd;

	copy_account();
	fd = open(COPY, O_RDONLY | O_DIRECTORY);
	base = open("copied", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(fd != -1 && base != -1);
	if (!checkpoint)
		ATF_REQUIRE_EQ(
		    0, system("rm -rf " COPY "/log/*.2 copied/head"));
	r = unlock_password(fd);
	ATF_REQUIRE_EQ(STORE_OK, store_open(base, fd, r, &st));
	if (checkpoint)
		check_message(st, "Archive", 2, 3, 0, 66, "stored");
	else
		check_message(st, "Archive", 2, 1, 0, 22, "stored");
	check_store(st, false);
	ATF_REQUIRE_EQ(STORE_OK, store_drain(st, &drained));
	ATF_CHECK_EQ(1, drained.placed);
	ATF_CHECK_EQ(0, drained.bad);
	check_store(st, true);
	check_expiry(st);
	ATF_REQUIRE_EQ(STORE_OK, store_close(st));
	ATF_REQUIRE_EQ(STORE_OK, store_open(base, fd, r, &st));
	check_store(st, true);
	ATF_CHECK_EQ(1, store_box_named(st, "Trash")->messages);
	ATF_REQUIRE_EQ(STORE_OK, store_close(st));
	seal_ring_free(r);
	close(base);
	close(fd);
}

ATF_TC_WITHOUT_HEAD(store);
ATF_TC_BODY(store, tc)
{
	begin(tc);
	open_store(true);
}

ATF_TC_WITHOUT_HEAD(store_from_start);
ATF_TC_BODY(store_from_start, tc)
{
	begin(tc);
	open_store(false);
}

/* Two hosts' frames, in the one order that both compute. */
ATF_TC_WITHOUT_HEAD(two_writers);
ATF_TC_BODY(two_writers, tc)
{
	const struct store_box *b;
	char cmd[1024];
	struct seal_ring *r;
	struct store *st;
	int base, fd;

	begin(tc);
	(void)snprintf(cmd, sizeof(cmd),
	    "mkdir base && cp -R '%s/" TWO "' two && chmod -R u+w two && "
	    "mkdir -p two/snap two/trash two/in",
	    vectors_dir);
	ATF_REQUIRE_EQ(0, system(cmd));
	fd = open("two", O_RDONLY | O_DIRECTORY);
	base = open("base", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(fd != -1 && base != -1);
	r = unlock_password(fd);
	ATF_REQUIRE_EQ(STORE_OK, store_open(base, fd, r, &st));
	ATF_CHECK_MSG(store_damage(st) == NULL, "%s", store_damage(st));
	b = store_box_named(st, "INBOX");
	ATF_REQUIRE(b != NULL);
	ATF_CHECK_EQ(1000, b->uidvalidity);
	/* Each host has MODSEQs of its own. */
	check_message(st, "INBOX", 2, 0x10, 0, 0, "stored");
	check_message(st, "INBOX", 3, 0x01, 0, 0, "stored");
	check_message(st, "INBOX", 7, 0, 0, 0, "stored");
	/* What came late is placed again above. */
	ATF_CHECK(store_msg_find(st, b->id, 4, NULL) == NULL);
	check_message(st, "INBOX", 8, 0, 0, 0, "stored");
	ATF_REQUIRE_EQ(STORE_OK, store_close(st));
	seal_ring_free(r);
	close(base);
	close(fd);
}

static void
check_meta(struct store *st, uint64_t box, size_t i, const char *name,
    const char *value, size_t len)
{
	const struct store_meta *m;

	m = store_meta_at(st, box, i);
	ATF_REQUIRE_MSG(
	    m != NULL, "annotation %zu of %llu", i, (unsigned long long)box);
	ATF_CHECK_STREQ(name, m->name);
	ATF_REQUIRE_EQ(len, m->len);
	ATF_CHECK(memcmp(value, m->value, len) == 0);
}

/* From the snapshot, whose column and packs are read, too; or from the log. */
static void
check_noted(struct store *st, bool snapshot)
{
	static const char all[] = "for all \0 \xc3\xa4";
	struct store_chunk chunks[STORE_SUMMARY_CHUNKS];
	const struct store_box *b;
	size_t n;

	ATF_CHECK_MSG(store_damage(st) == NULL, "%s", store_damage(st));
	ATF_CHECK(store_subscribed(st, "INBOX"));
	ATF_CHECK_EQ(snapshot, store_subscribed(st, "Told by state"));
	check_message(st, "INBOX", 2, 1, 0, 10, "stored");
	check_message(st, "INBOX", 4, 0x100, 0, 24, "deflate");
	b = store_box_named(st, "INBOX");
	ATF_CHECK_EQ(2, b->messages);
	ATF_CHECK_EQ(5, b->uidnext);
	ATF_CHECK_STREQ("work", b->keywords[0]);
	check_meta(st, b->id, 0, "/private/comment", "as it is", 8);
	check_meta(st, b->id, 1, "/shared/comment", all, sizeof(all) - 1);
	ATF_CHECK(store_meta_at(st, b->id, 2) == NULL);
	check_meta(st, 0, 0, "/private/comment", "of the account", 14);
	ATF_CHECK(store_meta_at(st, 0, 1) == NULL);
	ATF_REQUIRE_EQ(STORE_OK, store_summary(st, b->id, 4, chunks, &n));
	ATF_REQUIRE_EQ(1, n);
	ATF_CHECK(!chunks[0].compressed);
	ATF_REQUIRE_EQ(300, chunks[0].len);
	for (n = 0; n < 300; n++)
		ATF_CHECK_EQ('s', ((const uint8_t *)chunks[0].data)[n]);
	b = store_box_named(st, "Archive");
	ATF_REQUIRE(b != NULL);
	ATF_CHECK_EQ(0, b->messages);
	ATF_CHECK_EQ(snapshot ? 7 : 1, b->uidnext);
	ATF_CHECK(store_box_named(st, "Gone") == NULL);
}

/* The page's snapshot is opened as what it is, and folded again without it. */
ATF_TC_WITHOUT_HEAD(noted);
ATF_TC_BODY(noted, tc)
{
	char cmd[1024];
	struct seal_ring *r;
	struct store *st;
	int base, fd;

	begin(tc);
	(void)snprintf(cmd, sizeof(cmd),
	    "mkdir base && cp -R '%s/" NOTED "' noted && "
	    "chmod -R u+w noted && mkdir -p noted/trash noted/in",
	    vectors_dir);
	ATF_REQUIRE_EQ(0, system(cmd));
	fd = open("noted", O_RDONLY | O_DIRECTORY);
	base = open("base", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(fd != -1 && base != -1);
	r = unlock_password(fd);
	ATF_REQUIRE_EQ(STORE_OK, store_open(base, fd, r, &st));
	check_noted(st, true);
	store_abandon(st);
	ATF_REQUIRE_EQ(0, system("rm -rf noted/snap/* base/*"));
	ATF_REQUIRE_EQ(STORE_OK, store_open(base, fd, r, &st));
	check_noted(st, false);
	ATF_REQUIRE_EQ(STORE_OK, store_close(st));
	seal_ring_free(r);
	close(base);
	close(fd);
}

/* Of INBOX, Archive and what waits in in/. */
static void
check_pieces(
    struct store *st, uint32_t inbox, uint32_t archive, uint64_t waiting)
{
	const struct store_box *b;
	struct store_limits limits;
	struct store_used used;

	ATF_CHECK_MSG(store_damage(st) == NULL, "%s", store_damage(st));
	check_message(st, "INBOX", 2, 0x10, 0, 0, "stored");
	check_message(st, "INBOX", 4, 0x06, 0, 0, "deflate");
	check_message(st, "INBOX", 6, 0x01, 0, 0, "zstd");
	check_message(st, "Archive", 2, 0, 0, 0, "stored");
	check_message(st, "Archive", 4, 0, 0, 0, "deflate");
	b = store_box_named(st, "INBOX");
	ATF_CHECK_EQ(inbox, b->messages);
	b = store_box_named(st, "Archive");
	ATF_CHECK_EQ(archive, b->messages);
	ATF_CHECK(store_box_named(st, "After") != NULL);
	b = store_box_named(st, "Spam");
	ATF_REQUIRE(b != NULL);
	ATF_CHECK_EQ(2, waiting + 2 * b->messages);
	ATF_REQUIRE_EQ(STORE_OK, store_quota(st, &used, &limits));
	ATF_CHECK_EQ(1000000, limits.quota);
	ATF_CHECK_EQ(9, limits.max_messages);
	ATF_CHECK_EQ(inbox + archive + b->messages + waiting, used.messages);
	if (used.messages < 8)
		ATF_CHECK_EQ(
		    STORE_OK, store_more_messages(st, 8 - used.messages));
	ATF_CHECK_EQ(STORE_OVERQUOTA, store_more_messages(st, 3));
}

/* Each host undoes what it left in the middle; the other's it shows. */
static void
open_pieces(unsigned int host, uint32_t inbox, uint32_t archive)
{
	struct store_drained drained;
	struct seal_ring *r;
	struct store *st;
	char cmd[1024];
	int base, fd;

	(void)snprintf(cmd, sizeof(cmd),
	    "rm -rf base pieces && mkdir base && "
	    "cp -R '%s/" PIECES "' pieces && chmod -R u+w pieces && "
	    "mkdir -p pieces/snap pieces/trash",
	    vectors_dir);
	ATF_REQUIRE_EQ(0, system(cmd));
	fd = open("pieces", O_RDONLY | O_DIRECTORY);
	base = open("base", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(fd != -1 && base != -1);
	r = unlock_password(fd);
	ATF_REQUIRE_EQ(STORE_OK, store_open_host(base, fd, r, host, &st));
	check_pieces(st, inbox, archive, 2);
	/* Of either form; the one that is suspect goes to Spam. */
	ATF_REQUIRE_EQ(STORE_OK, store_drain(st, &drained));
	ATF_CHECK_EQ(2, drained.placed);
	ATF_CHECK_EQ(0, drained.bad);
	check_pieces(st, inbox + 1, archive, 0);
	store_abandon(st);
	ATF_REQUIRE_EQ(0, system("rm -rf pieces/snap/*"));
	ATF_REQUIRE_EQ(STORE_OK, store_open_host(base, fd, r, host, &st));
	check_pieces(st, inbox + 1, archive, 0);
	ATF_REQUIRE_EQ(STORE_OK, store_close(st));
	seal_ring_free(r);
	close(base);
	close(fd);
}

/* Merged, checkpointed, with copies of many that have no end. */
ATF_TC_WITHOUT_HEAD(pieces);
ATF_TC_BODY(pieces, tc)
{
	begin(tc);
	open_pieces(0, 4, 2);
	open_pieces(1, 3, 5);
}

/* What the suite wrote once opens for ever, its snapshot too. */
ATF_TC_WITHOUT_HEAD(suite);
ATF_TC_BODY(suite, tc)
{
	struct store_drained drained;
	struct seal_slot_info info;
	const struct store_box *b;
	struct seal_slots *slots;
	struct seal_account a;
	struct seal_ring *r;
	struct store *st;
	uint8_t amk[SEAL_KEY_LEN], *password;
	char cmd[1024];
	unsigned int messages;
	size_t len;
	int base, fd, vectors;

	begin(tc);
	(void)snprintf(cmd, sizeof(cmd),
	    "cp -R '%s/suite' suite && chmod -R u+w suite && "
	    "mkdir -p " SUITE "/trash",
	    vectors_dir);
	ATF_REQUIRE_EQ(0, system(cmd));
	fd = open(SUITE, O_RDONLY | O_DIRECTORY);
	base = open("suite", O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(fd != -1 && base != -1);
	ATF_REQUIRE_EQ(0, seal_account_load(fd, &a));
	slots = seal_slots_load(fd, &a);
	ATF_REQUIRE(slots != NULL);
	vectors = open_dir(".");
	password = slurp(vectors, "suite.password", &len);
	close(vectors);
	ATF_REQUIRE_EQ(0,
	    seal_slots_try(slots, &a, (const char *)password, len - 1,
		&seal_kdf_low, amk, &info));
	r = seal_ring_load(fd, &a, amk);
	ATF_REQUIRE(r != NULL);
	ATF_REQUIRE_EQ(STORE_OK, store_open(base, fd, r, &st));
	ATF_CHECK_MSG(store_damage(st) == NULL, "%s", store_damage(st));
	ATF_REQUIRE_EQ(STORE_OK, store_drain(st, &drained));
	ATF_CHECK_EQ(1, drained.placed);
	messages = 0;
	for (b = NULL; (b = store_box_next(st, b)) != NULL;)
		messages += b->messages;
	ATF_CHECK_EQ(6, messages);
	b = store_box_named(st, "Row");
	ATF_REQUIRE(b != NULL);
	ATF_CHECK_EQ(3, b->messages);
	ATF_REQUIRE_EQ(STORE_OK, store_close(st));
	seal_ring_free(r);
	seal_slots_free(slots);
	free(password);
	close(base);
	close(fd);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, store);
	ATF_TP_ADD_TC(tp, store_from_start);
	ATF_TP_ADD_TC(tp, two_writers);
	ATF_TP_ADD_TC(tp, noted);
	ATF_TP_ADD_TC(tp, pieces);
	ATF_TP_ADD_TC(tp, suite);
	return atf_no_error();
}
