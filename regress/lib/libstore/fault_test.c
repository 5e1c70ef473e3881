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
 * Faults: the process stops, or a call fails, or a write is torn, at the n-th
 * call that changes the disk, for every n of a run through all operations.
 * After reopening, the account is as it was last acknowledged, or as it was
 * about to be; nothing else.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "compat.h"
#include "faults.h"
#include "store_retain.h"
#include "store_sweep.h"
#include "store_work.h"

static const struct store_range everything = {1, UINT32_MAX};

static struct fault_plan *plan;

/* What the child tells: the state about to be, then that it is durable. */
static int report;

static void
tell(const char *kind, const char *text)
{
	uint32_t len;

	len = (uint32_t)strlen(text);
	ATF_REQUIRE_EQ(1, write(report, kind, 1));
	ATF_REQUIRE_EQ(sizeof(len), write(report, &len, sizeof(len)));
	ATF_REQUIRE_EQ(len, write(report, text, len));
}

/* As a vault: anything but success ends the process. */
static void
must(struct account *a, enum store_result result)
{
	if (result == STORE_OK)
		return;
	store_abandon(a->st);
	_exit(8);
}

static void
commit(struct account *a)
{
	char *text;

	text = picture(a);
	tell("P", text);
	must(a, store_commit(a->st));
	tell("A", text);
	free(text);
}

static void
open_it(struct account *a)
{
	if (store_open(a->base, a->dir, a->ring, &a->st) != STORE_OK)
		_exit(8);
	ATF_REQUIRE(store_damage(a->st) == NULL);
}

static void
close_it(struct account *a)
{
	enum store_result result;

	result = store_close(a->st);
	a->st = NULL;
	if (result != STORE_OK)
		_exit(8);
}

static void
run_messages(struct account *a)
{
	struct store_range some = {3, 6};
	uint32_t uid;
	unsigned int i, bit;

	for (i = 0; i < 4; i++)
		must(a, append(a, STORE_INBOX, i, 3000, &uid));
	must(a, append(a, 2, 4, 140000, &uid));
	commit(a);
	must(a, store_keyword(a->st, STORE_INBOX, "blue", true, &bit));
	must(
	    a, store_flags(a->st, STORE_INBOX, &some, 1, 0x101, 0, UINT64_MAX));
	commit(a);
	must(a,
	    store_copy(
		a->st, STORE_INBOX, &everything, 1, 3, false, NULL, NULL));
	commit(a);
	must(a, store_copy(a->st, STORE_INBOX, &some, 1, 4, true, NULL, NULL));
	commit(a);
	must(a, store_expunge(a->st, 3, &some, 1, true));
	commit(a);
}

static void
run_boxes(struct account *a)
{
	static const struct store_meta notes[] = {
	    {"/private/comment", (const uint8_t *)"mine", 4},
	    {"/shared/comment", (const uint8_t *)"ours", 4},
	    {"/private/comment", NULL, 0}};
	struct store_rename r[2];
	uint64_t id;

	must(a, store_mkbox(a->st, "one", 0, &id));
	commit(a);
	r[0].box = id;
	r[0].name = "Sent";
	r[1].box = 4;
	r[1].name = "one";
	must(a, store_mvbox(a->st, r, 2));
	must(a, store_subscribe(a->st, "one", true));
	must(a, store_meta_set(a->st, id, notes, 2));
	must(a, store_meta_set(a->st, 0, notes, 1));
	commit(a);
	must(a, store_meta_set(a->st, id, notes + 2, 1));
	commit(a);
	must(a, store_rmbox(a->st, 4));
	commit(a);
}

static void
run_all(struct account *a)
{
	bool more;
	int i;

	open_it(a);
	run_messages(a);
	close_it(a);
	open_it(a);
	run_boxes(a);
	must(a, snap_save(a->st));
	must(a, checkpoint(a->st));
	must(a, compact(a->st));
	must(a, store_set_use(a->st, 2, STORE_USE_ALL));
	commit(a);
	for (i = 0, more = true; more && i < 10; i++)
		must(a, store_idle(a->st, &more));
	must(a, store_expunge(a->st, 2, &everything, 1, true));
	commit(a);
	close_it(a);
}

static void
upkeep(struct account *a)
{
	bool more;
	int i;

	for (i = 0, more = true; more && i < 100; i++)
		must(a, store_idle(a->st, &more));
}

/* What a user does between two steps of upkeep, something else each time. */
static void
between(struct account *a, unsigned int n)
{
	struct store_range one;
	uint32_t uid;
	size_t count;

	(void)column(a->st, STORE_INBOX, &count);
	one.first = one.last = count == 0 ?
	    1 :
	    store_msg_at(a->st, STORE_INBOX, n % count)->uid;
	switch (n % 5) {
	case 0:
		must(a, append(a, STORE_INBOX, 20 + n, 1000, &uid));
		break;
	case 1:
		must(a,
		    store_flags(a->st, STORE_INBOX, &one, 1, STORE_SEEN, 0,
			UINT64_MAX));
		break;
	case 2:
		must(a,
		    store_copy(
			a->st, STORE_INBOX, &one, 1, 3, false, NULL, NULL));
		break;
	case 3:
		must(a,
		    store_copy(
			a->st, STORE_INBOX, &one, 1, 4, true, NULL, NULL));
		break;
	default:
		must(a, store_expunge(a->st, 3, &everything, 1, true));
		break;
	}
	commit(a);
}

static void
steps(struct account *a, unsigned int *n)
{
	bool more;

	while (a->st->work != NULL) {
		must(a, store_idle(a->st, &more));
		between(a, (*n)++);
	}
}

/* Checkpoint, snapshot and compaction, in their smallest steps. */
static void
run_steps(struct account *a)
{
	uint32_t uid;
	unsigned int i, n;

	open_it(a);
	for (i = 0; i < 4; i++)
		must(a, append(a, STORE_INBOX, i, 1000, &uid));
	must(a, append(a, 2, 4, 1000, &uid));
	must(a, append(a, 5, 5, 1000, &uid));
	commit(a);
	close_it(a);
	open_it(a);
	a->st->small_steps = true;
	n = 0;
	must(a, checkpoint_begin(a->st));
	between(a, n++);
	steps(a, &n);
	upkeep(a); /* columns out of memory, too */
	must(a, compact_begin(a->st));
	between(a, n++);
	steps(a, &n);
	close_it(a);
}

/* A copy in pieces, one that is given up, and what others do between them. */
static void
run_pieces(struct account *a)
{
	struct store_range some = {1, 4};
	struct store_copying *c;
	unsigned int i, n;
	uint32_t uid;
	bool more;

	open_it(a);
	for (i = 0; i < 6; i++)
		must(a, append(a, STORE_INBOX, i, 1000, &uid));
	commit(a);
	a->st->small_steps = true;
	for (n = 0; n < 3; n++) {
		must(a,
		    store_copy_begin(a->st, STORE_INBOX, &everything, 1, 3 + n,
			NULL, NULL, &c));
		for (i = 0, more = true; more && i < 2 + n; i++) {
			must(a, store_copy_step(c, &more));
			if (!more)
				break;
			must(a, append(a, 2, 10 + i, 1000, &uid));
			commit(a);
		}
		if (more)
			must(a, store_copy_cancel(c));
		must(a,
		    store_flags(
			a->st, STORE_INBOX, &some, 1, 1U << n, 0, UINT64_MAX));
		commit(a);
	}
	close_it(a);
}

static void
run_drain(struct account *a)
{
	struct store_drained d;
	unsigned int i;
	char n[2] = {0, 0};

	open_it(a);
	for (i = 0; i < 5; i++) {
		if (deliver(a, i, 2000 + i * 30000) != STORE_OK)
			_exit(8);
		n[0] = (char)('0' + i);
		tell("D", n);
		if (i % 2 == 1)
			must(a, store_drain(a->st, &d));
	}
	close_it(a);
	open_it(a);
	must(a, store_drain(a->st, &d));
	close_it(a);
}

/* Deletes are signed, cancelled, executed, compacted. */
static void
run_deletes(struct account *a)
{
	struct store_range some = {3, 6};
	unsigned int i;
	uint32_t uid;

	open_it(a);
	store_set_expiry(a->st, 30, 30);
	for (i = 0; i < 6; i++)
		must(a, append(a, STORE_INBOX, i, 3000, &uid));
	commit(a);
	must(a,
	    store_copy(
		a->st, STORE_INBOX, &everything, 1, 6, true, NULL, NULL));
	commit(a);
	upkeep(a);
	must(a, store_copy(a->st, 6, &some, 1, STORE_INBOX, true, NULL, NULL));
	commit(a);
	upkeep(a);
	must(a, store_expunge(a->st, 6, &some, 1, true));
	must(a, store_expunge(a->st, STORE_INBOX, &some, 1, true));
	commit(a);
	upkeep(a);
	if (retain_compact(a->st) == -1)
		must(a, STORE_IO);
	close_it(a);
}

struct model {
	char *acked;
	char *pending;
	unsigned int delivered; /* highest, plus one */
};

static bool
hear(int fd, struct model *m)
{
	uint32_t len;
	char kind, *text;

	if (read(fd, &kind, 1) != 1 ||
	    read(fd, &len, sizeof(len)) != sizeof(len))
		return false;
	text = calloc(1, (size_t)len + 1);
	ATF_REQUIRE(text != NULL);
	ATF_REQUIRE_EQ(len, read(fd, text, len));
	if (kind == 'D') {
		m->delivered = (unsigned int)(text[0] - '0') + 1;
		free(text);
	} else if (kind == 'P') {
		free(m->pending);
		m->pending = text;
	} else {
		free(m->acked);
		m->acked = text;
		free(m->pending);
		m->pending = NULL;
	}
	return true;
}

/* One run with a fault; false if the run came to its end. */
static bool
run_once(struct account *a, void (*run)(struct account *), struct model *m)
{
	int fds[2], status;
	pid_t pid;

	ATF_REQUIRE_EQ(0, pipe(fds));
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		report = fds[1];
		plan->calls = 0;
		store_sys_set(fault_sys());
		run(a);
		/* 9: the fault did no harm that the caller was told of. */
		_exit(plan->calls >= plan->at ? 9 : 0);
	}
	close(fds[1]);
	while (hear(fds[0], m))
		;
	close(fds[0]);
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_REQUIRE_MSG(WIFEXITED(status), "call %u of kind %d: signal %d",
	    plan->at, (int)plan->kind, WTERMSIG(status));
	ATF_REQUIRE_MSG(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 7 ||
		WEXITSTATUS(status) == 8 || WEXITSTATUS(status) == 9,
	    "call %u of kind %d: exit %d", plan->at, (int)plan->kind,
	    WEXITSTATUS(status));
	return WEXITSTATUS(status) != 0;
}

/* Takes out of a picture the boxes that run_pieces() copies to. */
static void
no_targets(char *text)
{
	char *to, *line, *end;
	bool out = false;

	if (text == NULL)
		return;
	for (to = line = text; *line != '\0'; line = end) {
		end = line + strcspn(line, "\n");
		end += *end == '\n';
		if (*line != ' ')
			out = strncmp(line, "box ", 4) == 0 && line[4] >= '3' &&
			    line[4] <= '5' && line[5] == ' ';
		if (out)
			continue;
		memmove(to, line, (size_t)(end - line));
		to += end - line;
	}
	*to = '\0';
}

/* Known: as acknowledged, or as about to be. */
static void
check_known(struct account *a, struct model *m, bool pieces)
{
	char *got;

	if (m->acked != NULL) {
		got = picture(a);
		if (pieces)
			no_targets(got);
		if (!same_picture(got, m->acked) &&
		    (m->pending == NULL || !same_picture(got, m->pending)))
			atf_tc_fail("call %u, kind %d: acknowledged\n%s"
				    "pending\n%sgot\n%s",
			    plan->at, (int)plan->kind, m->acked,
			    m->pending == NULL ? "" : m->pending, got);
		free(got);
	}
	check_bodies(a);
}

static void
check_state(struct account *a, struct model *m)
{
	check_known(a, m, false);
}

/* Is it told that the copy to that box has ended? */
static bool
told_whole(const char *acked, unsigned int box)
{
	const char *p;
	char name[16];

	(void)snprintf(name, sizeof(name), "\nbox %u ", box);
	p = acked == NULL ? NULL : strstr(acked, name);
	return p != NULL && strncmp(strchr(p, ':'), ": 6 ", 4) == 0;
}

/* All of a copy is there, or nothing; and all, where that was told. */
static void
check_pieces(struct account *a, struct model *m)
{
	const struct store_box *b;
	unsigned int id;

	for (id = 3; id <= 5; id++) {
		b = store_box_find(a->st, id);
		if (b != NULL && (b->messages != 0 || told_whole(m->acked, id)))
			ATF_CHECK_EQ_MSG(6, b->messages, "call %u, kind %d: %u",
			    plan->at, (int)plan->kind, b->messages);
	}
	no_targets(m->acked);
	no_targets(m->pending);
	check_known(a, m, true);
}

static int64_t
in_two_months(void)
{
	return (int64_t)time(NULL) + 60 * 86400;
}

/* Two months later all that is not in Trash is there; executed twice. */
static void
check_deletes(struct account *a, struct model *m)
{
	const struct store_msg *msg;
	struct store_swept s;
	size_t i, n;

	check_state(a, m);
	account_close(a);
	ATF_REQUIRE_EQ(0, system("cp -a accounts now"));
	store_clock_set(in_two_months);
	OK(store_sweep(a->dir, STORE_GRACE, &s));
	ATF_REQUIRE(!s.bad);
	store_clock_set(NULL);
	account_open(a);
	msg = column(a->st, STORE_INBOX, &n);
	for (i = 0; i < n; i++) {
		msg = column(a->st, STORE_INBOX, &n);
		check_message(a, STORE_INBOX, msg[i].uid,
		    (unsigned int)(msg[i].date - 1700000000), msg[i].size);
	}
	account_close(a);
	close(a->dir);
	ATF_REQUIRE_EQ(0, system("rm -rf accounts && mv now accounts"));
	OK(store_account_open(a->base, ACCOUNT, &a->dir));
	account_open(a);
}

static void
check_deliveries(struct account *a, struct model *m)
{
	const struct store_msg *msg;
	unsigned int seen[6] = {0}, i;
	size_t j, n;

	(void)drain(a);
	msg = column(a->st, STORE_INBOX, &n);
	for (j = 0; j < n; j++)
		seen[msg[j].date - 1700000000]++;
	for (i = 0; i < 6; i++) {
		if (i < m->delivered)
			ATF_REQUIRE_EQ_MSG(1, seen[i],
			    "call %u, kind %d: message %u %u times", plan->at,
			    (int)plan->kind, i, seen[i]);
		else
			ATF_REQUIRE(seen[i] <= 1);
	}
	ATF_CHECK_EQ(n, count_files(a, "blob"));
	check_bodies(a);
}

static void
all_faults(void (*run)(struct account *), enum fault kind,
    void (*look)(struct account *, struct model *), unsigned int stride)
{
	struct account a;
	struct model m;
	unsigned int by, tried;
	bool hit;

	account_make(&a);
	ATF_REQUIRE_EQ(0, system("cp -a accounts pristine"));
	plan = fault_plan();
	plan->kind = kind;
	by = stride > 1 && getenv("STRESS") == NULL ? stride : 1;
	plan->at = 1 + (by > 1 ? arc4random_uniform(by) : 0);
	for (tried = 0, hit = true; hit; plan->at += by, tried++) {
		close(a.dir);
		ATF_REQUIRE_EQ(0,
		    system("rm -rf accounts head && cp -a pristine accounts"));
		OK(store_account_open(a.base, ACCOUNT, &a.dir));
		memset(&m, 0, sizeof(m));
		hit = run_once(&a, run, &m);
		account_open(&a);
		ATF_REQUIRE(store_damage(a.st) == NULL);
		look(&a, &m);
		/* And once more, from the snapshot that this one made. */
		account_reopen(&a);
		look(&a, &m);
		account_close(&a);
		free(m.acked);
		free(m.pending);
	}
	printf("%u faults, of calls up to %u\n", tried - 1, plan->at - by);
	ATF_CHECK(plan->at > 40);
	account_end(&a);
}

#define FAULT_TEST(name, run, kind, look)       \
	ATF_TC_WITHOUT_HEAD(name);              \
	ATF_TC_BODY(name, tc)                   \
	{                                       \
		all_faults(run, kind, look, 1); \
	}
/* One of stride calls, from any of the first: all of them with STRESS. */
#define FAULT_SOME(name, run, kind, look, stride)    \
	ATF_TC_WITHOUT_HEAD(name);                   \
	ATF_TC_BODY(name, tc)                        \
	{                                            \
		all_faults(run, kind, look, stride); \
	}
FAULT_SOME(stop, run_all, STOP, check_state, 2)
FAULT_SOME(fail, run_all, FAIL, check_state, 2)
FAULT_SOME(full, run_all, FULL, check_state, 2)
FAULT_SOME(tear, run_all, TEAR, check_state, 2)
FAULT_SOME(steps_stop, run_steps, STOP, check_state, 13)
FAULT_SOME(steps_fail, run_steps, FAIL, check_state, 13)
FAULT_SOME(steps_full, run_steps, FULL, check_state, 13)
FAULT_SOME(steps_tear, run_steps, TEAR, check_state, 13)
FAULT_SOME(pieces_stop, run_pieces, STOP, check_pieces, 3)
FAULT_SOME(pieces_fail, run_pieces, FAIL, check_pieces, 3)
FAULT_SOME(pieces_full, run_pieces, FULL, check_pieces, 3)
FAULT_SOME(pieces_tear, run_pieces, TEAR, check_pieces, 3)
FAULT_TEST(drain_stop, run_drain, STOP, check_deliveries)
FAULT_TEST(drain_fail, run_drain, FAIL, check_deliveries)
FAULT_TEST(drain_full, run_drain, FULL, check_deliveries)
FAULT_TEST(drain_tear, run_drain, TEAR, check_deliveries)

FAULT_SOME(delete_stop, run_deletes, STOP, check_deletes, 3)
FAULT_SOME(delete_fail, run_deletes, FAIL, check_deletes, 3)
FAULT_SOME(delete_full, run_deletes, FULL, check_deletes, 3)
FAULT_SOME(delete_tear, run_deletes, TEAR, check_deletes, 3)

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, stop);
	ATF_TP_ADD_TC(tp, fail);
	ATF_TP_ADD_TC(tp, full);
	ATF_TP_ADD_TC(tp, tear);
	ATF_TP_ADD_TC(tp, delete_stop);
	ATF_TP_ADD_TC(tp, delete_fail);
	ATF_TP_ADD_TC(tp, delete_full);
	ATF_TP_ADD_TC(tp, delete_tear);
	ATF_TP_ADD_TC(tp, steps_stop);
	ATF_TP_ADD_TC(tp, steps_fail);
	ATF_TP_ADD_TC(tp, steps_full);
	ATF_TP_ADD_TC(tp, steps_tear);
	ATF_TP_ADD_TC(tp, pieces_stop);
	ATF_TP_ADD_TC(tp, pieces_fail);
	ATF_TP_ADD_TC(tp, pieces_full);
	ATF_TP_ADD_TC(tp, pieces_tear);
	ATF_TP_ADD_TC(tp, drain_stop);
	ATF_TP_ADD_TC(tp, drain_fail);
	ATF_TP_ADD_TC(tp, drain_full);
	ATF_TP_ADD_TC(tp, drain_tear);
	return atf_no_error();
}
