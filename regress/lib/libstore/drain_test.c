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

/* The vault takes in what was delivered: all of it, once, where it belongs. */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "store_local.h"

ATF_TC_WITHOUT_HEAD(all);
ATF_TC_BODY(all, tc)
{
	const struct store_msg *m;
	struct account a;
	unsigned int i;
	char *before, *after;
	size_t n;

	account_make(&a);
	account_open(&a);
	ATF_CHECK(!store_mail_waits(a.st));
	for (i = 0; i < 150; i++)
		OK(deliver(&a, i, 100 + i * 1000));
	ATF_CHECK(store_mail_waits(a.st));
	ATF_CHECK_EQ(150, count_files(&a, "in"));
	ATF_CHECK_EQ(0, system("cp -a accounts/example.org/anna/in saved"));
	ATF_CHECK_EQ(150, drain(&a));
	ATF_CHECK(!store_mail_waits(a.st));
	ATF_CHECK_EQ(0, count_files(&a, "in"));
	ATF_CHECK_EQ(150, count_files(&a, "blob"));
	m = column(a.st, STORE_INBOX, &n);
	ATF_REQUIRE_EQ(150, n);
	for (i = 0; i < n; i++)
		check_message(&a, STORE_INBOX, m[i].uid,
		    (unsigned int)(m[i].date - 1700000000), m[i].size);
	same_after_reopen(&a);
	/* The same files again, as a copy by hand leaves them. */
	before = picture(&a);
	ATF_CHECK_EQ(0, system("cp -a saved/* accounts/example.org/anna/in/"));
	account_crash(&a);
	ATF_CHECK_EQ(0, drain(&a));
	ATF_CHECK_EQ(0, count_files(&a, "in"));
	after = picture(&a);
	ATF_CHECK_STREQ(before, after);
	free(before);
	free(after);
	account_end(&a);
}

/* PLACE is durable, and the rename was lost: the next opening does it. */
ATF_TC_WITHOUT_HEAD(twice);
ATF_TC_BODY(twice, tc)
{
	struct account a;
	unsigned int i;

	account_make(&a);
	account_open(&a);
	for (i = 0; i < 10; i++)
		OK(deliver(&a, i, 3000));
	ATF_CHECK_EQ(10, drain(&a));
	store_abandon(a.st);
	ATF_CHECK_EQ(0,
	    system("cd accounts/example.org/anna && "
		   "mv blob/* in/"));
	account_open(&a);
	ATF_CHECK_EQ(0, count_files(&a, "in"));
	ATF_CHECK_EQ(10, count_files(&a, "blob"));
	ATF_CHECK_EQ(0, drain(&a));
	ATF_CHECK_EQ(10, store_box_find(a.st, STORE_INBOX)->messages);
	same_after_reopen(&a);
	account_end(&a);
}

/* Names of deliveries are random, their files' times are not. */
ATF_TC_WITHOUT_HEAD(order);
ATF_TC_BODY(order, tc)
{
	const struct store_box *b;
	struct account a;
	unsigned int i;

	account_make(&a);
	for (i = 0; i < 20; i++) {
		OK(deliver(&a, i, 3000 + i));
		(void)usleep(10000);
	}
	account_open(&a);
	ATF_CHECK_EQ(20, drain(&a));
	b = store_box_find(a.st, STORE_INBOX);
	ATF_REQUIRE_EQ(20, b->messages);
	for (i = 0; i < 20; i++)
		ATF_CHECK_EQ(
		    3000 + i, store_msg_at(a.st, STORE_INBOX, i)->size);
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(bad);
ATF_TC_BODY(bad, tc)
{
	struct store_drained d;
	struct account a;

	account_make(&a);
	account_open(&a);
	OK(deliver(&a, 1, 3000));
	/* One still being written, one given up, one that is not for us. */
	ATF_CHECK_EQ(0,
	    system("cd accounts/example.org/anna/in && f=$(ls) && "
		   "head -c 3000 $f >11111111111111111111111111111111 && "
		   "cp $f 22222222222222222222222222222222 && "
		   "head -c 100 $f >33333333333333333333333333333333 && "
		   "touch -d '2 days ago' 33333333333333333333333333333333 &&"
		   "echo hello >not-a-blob"));
	OK(store_drain(a.st, &d));
	ATF_CHECK_EQ(1, d.placed);
	ATF_CHECK_EQ(1, d.bad);
	ATF_CHECK_EQ(1, count_files(&a, "in/.bad"));
	ATF_CHECK_EQ(2, count_files(&a, "in"));
	account_end(&a);
}

static void
deliver_to(struct account *a, unsigned int n, const char *hint)
{
	struct store_chunk c = {STORE_BODY, false, 4, "mail", 4};
	struct store_envelope env = {.from = "", .to = "", .verdict = ""};
	struct store_rcpt *rcpt;
	struct store_blob *blob;

	OK(store_rcpt_open(a->base, ACCOUNT, &rcpt));
	OK(store_blob_create(rcpt, 0, &blob));
	OK(store_blob_chunk(blob, &c));
	env.hint = hint;
	memcpy(env.delivery_id, &n, sizeof(n));
	OK(store_blob_finish(blob, &env));
	OK(store_blob_sync(a->base, &blob, 1));
	store_blob_free(blob);
	store_rcpt_free(rcpt);
}

/* Where a hint leads, and where it does not. */
ATF_TC_WITHOUT_HEAD(hint);
ATF_TC_BODY(hint, tc)
{
	struct store_chunk sum[STORE_SUMMARY_CHUNKS];
	const struct store_msg *m;
	struct account a;
	uint64_t lists;
	size_t n;

	account_make(&a);
	account_open(&a);
	OK(store_mkbox(a.st, "lists", 0, &lists));
	deliver_to(&a, 1, "lists");
	deliver_to(&a, 2, "Spam");
	deliver_to(&a, 3, "Sent");
	deliver_to(&a, 4, "nowhere");
	ATF_CHECK_EQ(4, drain(&a));
	ATF_CHECK_EQ(1, store_box_find(a.st, lists)->messages);
	ATF_CHECK_EQ(1, store_box_named(a.st, "Spam")->messages);
	ATF_CHECK_EQ(0, store_box_named(a.st, "Sent")->messages);
	ATF_CHECK_EQ(2, store_box_find(a.st, STORE_INBOX)->messages);
	/* No summary is no error. */
	m = column(a.st, lists, &n);
	OK(store_summary(a.st, lists, m[0].uid, sum, &n));
	ATF_CHECK_EQ(0, n);
	same_after_reopen(&a);
	account_end(&a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, all);
	ATF_TP_ADD_TC(tp, twice);
	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, bad);
	ATF_TP_ADD_TC(tp, hint);
	return atf_no_error();
}
