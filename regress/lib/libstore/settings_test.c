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
 * What a user has chosen for the time that he is away, and the copies of what
 * he sends.
 */

#include <sys/types.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"

static void
deliver_flagged(
    struct account *a, unsigned int n, const char *hint, uint64_t flags)
{
	struct store_chunk c = {STORE_BODY, false, 4, "mail", 4};
	struct store_envelope env = {.from = "", .to = "", .verdict = ""};
	struct store_rcpt *rcpt;
	struct store_blob *blob;

	OK(store_rcpt_open(a->base, ACCOUNT, &rcpt));
	OK(store_blob_create(rcpt, 0, &blob));
	OK(store_blob_chunk(blob, &c));
	env.hint = hint;
	env.flags = flags;
	memcpy(env.delivery_id, &n, sizeof(n));
	OK(store_blob_finish(blob, &env));
	OK(store_blob_sync(a->base, &blob, 1));
	store_blob_free(blob);
	store_rcpt_free(rcpt);
}

/* Where what the user has sent goes, whatever the hint. */
ATF_TC_WITHOUT_HEAD(drain_own);
ATF_TC_BODY(drain_own, tc)
{
	const struct store_msg *m;
	struct account a;
	uint64_t sent, plain;
	size_t n;

	account_make(&a);
	account_open(&a);
	sent = store_box_named(a.st, "Sent")->id;
	deliver_flagged(&a, 1, "Spam", STORE_OWN_COPY | 1);
	ATF_CHECK_EQ(1, drain(&a));
	m = column(a.st, sent, &n);
	ATF_REQUIRE_EQ(1, n);
	ATF_CHECK_EQ(1, m[0].flags);
	/* No such use: a box of that name and of no other use, else INBOX. */
	OK(store_rmbox(a.st, sent));
	deliver_flagged(&a, 2, "", STORE_OWN_COPY);
	ATF_CHECK_EQ(1, drain(&a));
	ATF_CHECK_EQ(1, store_box_find(a.st, STORE_INBOX)->messages);
	OK(store_mkbox(a.st, "Sent", STORE_USE_TRASH, &plain));
	deliver_flagged(&a, 3, "", STORE_OWN_COPY);
	ATF_CHECK_EQ(1, drain(&a));
	ATF_CHECK_EQ(2, store_box_find(a.st, STORE_INBOX)->messages);
	OK(store_rmbox(a.st, plain));
	OK(store_mkbox(a.st, "Sent", 0, &plain));
	deliver_flagged(&a, 4, "", STORE_OWN_COPY);
	ATF_CHECK_EQ(1, drain(&a));
	ATF_CHECK_EQ(1, store_box_find(a.st, plain)->messages);
	account_end(&a);
}

/* Where suspect mail goes, whatever the hint. */
ATF_TC_WITHOUT_HEAD(drain_suspect);
ATF_TC_BODY(drain_suspect, tc)
{
	const struct store_msg *m;
	struct account a;
	uint64_t junk, other;
	size_t n;

	account_make(&a);
	account_open(&a);
	junk = store_box_named(a.st, "Spam")->id;
	OK(store_mkbox(a.st, "lists", 0, &other));
	deliver_flagged(&a, 1, "lists", STORE_SUSPECT);
	deliver_flagged(&a, 2, "", STORE_SUSPECT);
	ATF_CHECK_EQ(2, drain(&a));
	ATF_CHECK_EQ(2, store_box_find(a.st, junk)->messages);
	m = column(a.st, junk, &n);
	ATF_REQUIRE_EQ(2, n);
	ATF_CHECK_EQ(0, m[0].flags);
	/* Not what the user has sent himself. */
	deliver_flagged(&a, 3, "", STORE_SUSPECT | STORE_OWN_COPY);
	ATF_CHECK_EQ(1, drain(&a));
	ATF_CHECK_EQ(2, store_box_find(a.st, junk)->messages);
	/* No such use: where it would have gone. */
	OK(store_rmbox(a.st, junk));
	deliver_flagged(&a, 4, "lists", STORE_SUSPECT);
	deliver_flagged(&a, 5, "", STORE_SUSPECT);
	ATF_CHECK_EQ(2, drain(&a));
	ATF_CHECK_EQ(1, store_box_find(a.st, other)->messages);
	ATF_CHECK_EQ(1, store_box_find(a.st, STORE_INBOX)->messages);
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(settings);
ATF_TC_BODY(settings, tc)
{
	static const char newer[] = "more-to-come 7\nsave-sent\n";
	struct store_settings s;
	struct store_rcpt *rcpt;
	struct account a;
	int acct, fd;

	account_make(&a);
	account_open(&a);
	OK(store_settings(a.st, &s));
	ATF_CHECK(!s.save_sent);
	s.save_sent = true;
	OK(store_settings_set(a.st, &s));
	OK(store_account_open(a.base, ACCOUNT, &acct));
	memset(&s, 0, sizeof(s));
	OK(store_settings_read(acct, &s));
	ATF_CHECK(s.save_sent);
	OK(store_rcpt_open(a.base, ACCOUNT, &rcpt));
	ATF_CHECK(store_rcpt_saves_sent(rcpt));
	store_rcpt_free(rcpt);
	s.save_sent = false;
	OK(store_settings_set(a.st, &s));
	OK(store_rcpt_open(a.base, ACCOUNT, &rcpt));
	ATF_CHECK(!store_rcpt_saves_sent(rcpt));
	store_rcpt_free(rcpt);
	/* A later version's, and no file at all. */
	ATF_REQUIRE(unlinkat(acct, "settings", 0) == 0);
	OK(store_settings(a.st, &s));
	ATF_CHECK(!s.save_sent);
	fd = openat(acct, "settings", O_WRONLY | O_CREAT, 0440);
	ATF_REQUIRE_EQ(
	    (ssize_t)sizeof(newer) - 1, write(fd, newer, sizeof(newer) - 1));
	ATF_REQUIRE(close(fd) == 0);
	OK(store_settings(a.st, &s));
	ATF_CHECK(s.save_sent);
	ATF_REQUIRE(close(acct) == 0);
	account_end(&a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, drain_own);
	ATF_TP_ADD_TC(tp, drain_suspect);
	ATF_TP_ADD_TC(tp, settings);
	return atf_no_error();
}
