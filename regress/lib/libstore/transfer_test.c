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
 * Copies of many messages, made in pieces: nobody sees a part of one, not even
 * who opens the account after its process ended in the middle.
 */

#include <sys/types.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "faults.h"
#include "store_file.h"

#define MANY 1300 /* in three pieces */
#define TO 3
#define OTHER 4

static const struct store_range everything = {1, UINT32_MAX - 1};

static uint32_t told, last_told;

static void
tell(void *arg, uint64_t box, enum store_change change, uint32_t uid,
    uint32_t pos)
{
	if (box == TO && change == STORE_NEW) {
		told++;
		last_told = uid;
	}
}

/* MANY in INBOX, one in each of the others. */
static void
begin(struct account *a)
{
	uint32_t uid;
	unsigned int i;

	account_make(a);
	account_open(a);
	for (i = 0; i < MANY; i++)
		OK(append(a, STORE_INBOX, i, 300, &uid));
	OK(append(a, TO, 9000, 300, &uid));
	OK(append(a, OTHER, 9001, 300, &uid));
	OK(store_flags(a->st, STORE_INBOX, &(struct store_range){1, 21}, 1,
	    STORE_SEEN, 0, UINT64_MAX));
	OK(store_commit(a->st));
}

static struct store_copying *
start(struct account *a)
{
	struct store_copying *c;

	OK(store_copy_begin(
	    a->st, STORE_INBOX, &everything, 1, TO, NULL, NULL, &c));
	return c;
}

/* As many as there are told to be are there, and no more. */
static void
holds(struct account *a, uint64_t box, uint32_t n)
{
	const struct store_box *b = store_box_find(a->st, box);
	const struct store_msg *m;
	size_t have, pos, unseen = 0;
	uint64_t size = 0;

	m = column(a->st, box, &have);
	ATF_REQUIRE_EQ(n, b->messages);
	ATF_REQUIRE_EQ(n, have);
	for (size_t i = 0; i < have; i++) {
		ATF_REQUIRE(m[i].uid < b->uidnext);
		ATF_REQUIRE(m[i].modseq <= b->modseq);
		unseen += (m[i].flags & STORE_SEEN) == 0;
		size += m[i].size;
	}
	ATF_REQUIRE_EQ(unseen, b->unseen);
	ATF_REQUIRE_EQ(size, b->size);
	ATF_REQUIRE(store_msg_at(a->st, box, n) == NULL);
	ATF_REQUIRE(store_msg_find(a->st, box, b->uidnext, &pos) == NULL);
	ATF_REQUIRE_EQ(n, pos);
}

ATF_TC_WITHOUT_HEAD(pieces);
ATF_TC_BODY(pieces, tc)
{
	struct store_copying *c;
	struct store_box before;
	struct account a;
	unsigned int steps = 0;
	uint32_t all, uid;
	bool more = true;

	begin(&a);
	store_set_notify(a.st, tell, NULL);
	before = *store_box_find(a.st, TO);
	c = start(&a);
	ATF_CHECK(store_copies(a.st));
	while (more) {
		/* Others go on, with what it does not concern. */
		OK(append(&a, OTHER, 100 + steps, 300, &uid));
		OK(store_flags(a.st, STORE_INBOX, &everything, 1,
		    steps % 2 ? 2 : 0, steps % 2 ? 0 : 2, UINT64_MAX));
		OK(store_commit(a.st));
		holds(&a, OTHER, 2 + steps);
		holds(&a, TO, 1);
		ATF_CHECK_EQ(before.uidnext, store_box_find(a.st, TO)->uidnext);
		ATF_CHECK_EQ(before.modseq, store_box_find(a.st, TO)->modseq);
		ATF_CHECK_EQ(0, told);
		ATF_CHECK_EQ(steps * 512, store_copy_done(c, &all));
		ATF_CHECK_EQ(MANY, all);
		OK(store_copy_step(c, &more));
		steps++;
	}
	ATF_CHECK_EQ(3, steps);
	ATF_CHECK(!store_copies(a.st));
	ATF_CHECK(told > 0);
	ATF_CHECK_EQ(store_box_find(a.st, TO)->uidnext - 1, last_told);
	holds(&a, TO, 1 + MANY);
	/* Crash: it needs no commit any more. */
	account_crash(&a);
	holds(&a, TO, 1 + MANY);
	holds(&a, STORE_INBOX, MANY);
	account_end(&a);
}

/* The process ends between two pieces. */
ATF_TC_WITHOUT_HEAD(crash);
ATF_TC_BODY(crash, tc)
{
	struct store_copying *c;
	struct account a;
	uint32_t uid;
	unsigned int i, k;
	bool more;

	begin(&a);
	for (k = 0; k < 3; k++) {
		c = start(&a);
		for (i = 0; i < k; i++)
			OK(store_copy_step(c, &more));
		OK(append(&a, OTHER, 100 + k, 300, &uid));
		OK(store_commit(a.st));
		account_crash(&a);
		holds(&a, TO, 1 + k);
		holds(&a, OTHER, 2 + k);
		/* What comes after it stays, however often it is read. */
		OK(append(&a, TO, 200 + k, 300, &uid));
		OK(store_commit(a.st));
		account_crash(&a);
		holds(&a, TO, 2 + k);
		check_message(&a, TO, uid, 200 + k, 300);
	}
	account_reopen(&a);
	holds(&a, TO, 4);
	/* Closed in the middle, it is as if it had not been. */
	c = start(&a);
	OK(store_copy_step(c, &more));
	account_reopen(&a);
	holds(&a, TO, 4);
	holds(&a, STORE_INBOX, MANY);
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(cancel);
ATF_TC_BODY(cancel, tc)
{
	struct store_copying *c;
	struct account a;
	uint32_t uid;
	bool more;

	begin(&a);
	c = start(&a);
	OK(store_copy_step(c, &more));
	OK(store_copy_step(c, &more));
	OK(store_copy_cancel(c));
	holds(&a, TO, 1);
	/* One that fails: what it wants is there no more. */
	c = start(&a);
	OK(store_copy_step(c, &more));
	OK(store_expunge(a.st, STORE_INBOX,
	    &(struct store_range){2 * MANY, 2 * MANY}, 1, true));
	OK(store_expunge(a.st, STORE_INBOX,
	    &(struct store_range){1400, UINT32_MAX - 1}, 1, true));
	while (store_copy_step(c, &more) == STORE_OK)
		ATF_REQUIRE(more);
	holds(&a, TO, 1);
	OK(append(&a, TO, 77, 300, &uid));
	OK(store_commit(a.st));
	account_crash(&a);
	holds(&a, TO, 2);
	check_message(&a, TO, uid, 77, 300);
	account_end(&a);
}

/* What is to be copied has its place among the messages that there may be. */
ATF_TC_WITHOUT_HEAD(room);
ATF_TC_BODY(room, tc)
{
	struct store_limits limits = {.max_messages = 1 + 2 * MANY + 2 + 3};
	struct store_copying *c;
	struct account a;
	uint32_t uid, more_than = 3;
	bool more = true;

	begin(&a);
	OK(store_limits_write(a.dir, &limits));
	for (c = start(&a); more; more_than--) {
		OK(store_more_messages(a.st, more_than));
		ATF_CHECK_EQ(
		    STORE_OVERQUOTA, store_more_messages(a.st, more_than + 1));
		OK(append(&a, OTHER, 100 + more_than, 300, &uid));
		OK(store_commit(a.st));
		OK(store_copy_step(c, &more));
	}
	ATF_CHECK_EQ(0, more_than);
	ATF_CHECK_EQ(STORE_OVERQUOTA, store_more_messages(a.st, 1));
	/* What is not copied after all leaves its place to others. */
	limits.max_messages += MANY;
	OK(store_limits_write(a.dir, &limits));
	c = start(&a);
	OK(store_copy_step(c, &more));
	ATF_CHECK_EQ(STORE_OVERQUOTA, store_more_messages(a.st, 1));
	OK(store_copy_cancel(c));
	OK(store_more_messages(a.st, MANY));
	ATF_CHECK_EQ(STORE_OVERQUOTA, store_more_messages(a.st, MANY + 1));
	account_end(&a);
}

/* Upkeep would write down what may have to go again. */
ATF_TC_WITHOUT_HEAD(upkeep);
ATF_TC_BODY(upkeep, tc)
{
	struct store_copying *c;
	struct account a;
	size_t snaps;
	unsigned int i;
	bool more, some = true;

	begin(&a);
	while (some)
		OK(store_idle(a.st, &some));
	c = start(&a);
	OK(store_copy_step(c, &more));
	snaps = count_files(&a, "snap");
	for (i = 0; i < 100; i++) {
		OK(store_idle(a.st, &some));
		ATF_REQUIRE(some);
	}
	ATF_CHECK_EQ(snaps, count_files(&a, "snap"));
	OK(store_copy_cancel(c));
	while (some)
		OK(store_idle(a.st, &some));
	account_crash(&a);
	holds(&a, TO, 1);
	account_end(&a);
}

/* Everything but TO's first goes out of it. */
static void
empty(struct account *a)
{
	OK(store_expunge(
	    a->st, TO, &(struct store_range){3, UINT32_MAX - 1}, 1, true));
	OK(store_commit(a->st));
	holds(a, TO, 1);
}

/*
 * The n-th call that changes the disk goes wrong; false: there were fewer.  A
 * failure may also be got over.
 */
static bool
stopped(struct account *a, enum fault kind, unsigned int at)
{
	struct fault_plan *plan = fault_plan();
	enum store_result result;
	pid_t pid;
	int status;

	account_close(a);
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		account_open(a);
		store_sys_set(fault_sys());
		*plan = (struct fault_plan){kind, at, 0};
		result = store_copy(
		    a->st, STORE_INBOX, &everything, 1, TO, false, NULL, NULL);
		if (result == STORE_OK)
			result = store_commit(a->st);
		/* Where it is told, the vault goes on or ends. */
		_exit(result != STORE_OK ? 8 : plan->calls < at ? 0 : 1);
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_REQUIRE(WIFEXITED(status));
	account_open(a);
	ATF_REQUIRE(store_damage(a->st) == NULL);
	holds(a, STORE_INBOX, MANY);
	/* All or nothing; all of it may be there without having been told. */
	if (WEXITSTATUS(status) > 1 && store_box_find(a->st, TO)->messages == 1)
		holds(a, TO, 1);
	else {
		holds(a, TO, 1 + MANY);
		empty(a);
	}
	return WEXITSTATUS(status) != 0;
}

ATF_TC_WITHOUT_HEAD(faults);
ATF_TC_BODY(faults, tc)
{
	static const enum fault kinds[] = {STOP, TEAR, FAIL, FULL};
	struct account a;
	unsigned int at, k;

	begin(&a);
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (at = 1; stopped(&a, kinds[k], at); at++)
			ATF_REQUIRE(at < 200);
		ATF_CHECK_MSG(at > 5, "only %u calls", at);
	}
	account_end(&a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, pieces);
	ATF_TP_ADD_TC(tp, crash);
	ATF_TP_ADD_TC(tp, cancel);
	ATF_TP_ADD_TC(tp, room);
	ATF_TP_ADD_TC(tp, upkeep);
	ATF_TP_ADD_TC(tp, faults);
	return atf_no_error();
}
