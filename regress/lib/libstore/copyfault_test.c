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
 * Backup, restore, rebuild, undelete and the sweep with a fault at each of
 * their calls in turn: nothing is lost, nothing half-done counts, and the same
 * once more does it whole.
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
#include "faults.h"
#include "store_backup.h"
#include "store_rebuild.h"
#include "store_sweep.h"
#include "store_verify.h"

#define MESSAGES 6
#define DELETED 2 /* of them */
#define SIZE 3000
#define STRIDE 3

/* What is done, by names below the current directory. */
struct step {
	const char *name;
	enum store_result (*run)(struct account *);
	void (*check)(struct account *, bool done);
};

static struct account whole; /* its ring; in accounts/ of base/ */

static void
failed(void *arg, const char *file, const char *why)
{
	(void)arg;
	(void)file;
	(void)why;
}

static void
found(void *arg, const char *file, const char *what, const char *advice)
{
	(void)arg;
	(void)advice;
	atf_tc_fail("%s: %s", file, what);
}

static int
open_dir(const char *name)
{
	int fd;

	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		atf_tc_fail("%s: %s", name, strerror(errno));
	return fd;
}

static void
idle(struct account *a)
{
	bool more;

	do
		OK(store_idle(a->st, &more));
	while (more);
}

static enum store_result
backup_to(struct account *a, const char *name)
{
	struct store_transfer t = {.failed = failed};
	enum store_result result;
	int copy;

	copy = open_dir(name);
	result = store_backup(a->dir, copy, &t);
	close(copy);
	return result;
}

/* Messages 0 to 5, of which two are deleted; one waits in in/. */
static void
make(void)
{
	struct store_range some = {0, 0};
	uint32_t uid;
	unsigned int i;

	account_make(&whole);
	account_open(&whole);
	for (i = 0; i < MESSAGES; i++) {
		OK(append(&whole, STORE_INBOX, i, SIZE, &uid));
		if (i == 0)
			some.first = uid;
		if (i < DELETED)
			some.last = uid;
	}
	OK(store_commit(whole.st));
	/* What a backup adds to. */
	ATF_REQUIRE_EQ(0, mkdir("old", 0700));
	OK(backup_to(&whole, "old"));
	OK(store_expunge(whole.st, STORE_INBOX, &some, 1, true));
	OK(store_commit(whole.st));
	idle(&whole);
	account_close(&whole);
	OK(deliver(&whole, MESSAGES, SIZE));
	ATF_REQUIRE_EQ(0, mkdir("full", 0700));
	ATF_REQUIRE_EQ(0, system("mkdir base && cp -a accounts head base"));
}

static void
again(void)
{
	ATF_REQUIRE_EQ(0,
	    system("rm -rf accounts head copy back && cp -a base/* . && "
		   "cp -a old copy && mkdir back"));
}

/* INBOX and what lies in trash/ are all there ever was, n of them live. */
static void
check_account(const char *base, unsigned int least, unsigned int most)
{
	struct account a = {.ring = whole.ring};
	const struct store_msg *m;
	unsigned int seen[MESSAGES + 1] = {0}, i, n;
	size_t k, count;

	a.base = open_dir(base);
	OK(store_account_open(a.base, ACCOUNT, &a.dir));
	account_open(&a);
	ATF_REQUIRE(store_damage(a.st) == NULL);
	(void)drain(&a);
	OK(store_use(a.st, STORE_INBOX));
	m = column(a.st, STORE_INBOX, &count);
	for (k = 0; k < count; k++) {
		i = (unsigned int)(m[k].date - 1700000000);
		ATF_REQUIRE(i <= MESSAGES);
		seen[i]++;
		check_message(&a, STORE_INBOX, m[k].uid, i, SIZE);
	}
	store_unuse(a.st, STORE_INBOX);
	for (i = n = 0; i <= MESSAGES; i++) {
		if (seen[i] > 1 || (i >= DELETED && seen[i] == 0))
			atf_tc_fail("call %u, kind %d: message %u %u times",
			    fault_plan()->at, (int)fault_plan()->kind, i,
			    seen[i]);
		n += seen[i];
	}
	if (n < least || n > most)
		atf_tc_fail("call %u, kind %d: %u messages, not %u to %u",
		    fault_plan()->at, (int)fault_plan()->kind, n, least, most);
	idle(&a);
	account_close(&a);
	close(a.dir);
	close(a.base);
}

static enum store_result
backup(struct account *a)
{
	return backup_to(a, "copy");
}

static enum store_result
restore_from(const char *copy)
{
	struct store_transfer t = {.failed = failed};
	enum store_result result;
	int base, fd, from;

	base = open_dir("back");
	from = open_dir(copy);
	result = store_account_create(base, ACCOUNT, &fd);
	if (result == STORE_OK) {
		result = store_restore(from, fd, getuid(), getgid(), &t);
		if (result == STORE_OK)
			result = store_account_publish(base, ACCOUNT, fd);
		close(fd);
	}
	close(from);
	close(base);
	return result;
}

/* Whatever became of it, the next brings the copy up to date. */
static void
check_backup(struct account *a, bool done)
{
	struct store_check c = {.found = found};
	int copy;

	if (!done)
		OK(backup(a));
	copy = open_dir("copy");
	OK(store_verify(copy, &c));
	close(copy);
	OK(restore_from("copy"));
	check_account("back", MESSAGES + 1 - DELETED, MESSAGES + 1 - DELETED);
	check_account(".", MESSAGES + 1 - DELETED, MESSAGES + 1 - DELETED);
}

static enum store_result
restore(struct account *a)
{
	(void)a;
	return restore_from("full");
}

/* There is no account, or all of it. */
static void
check_restore(struct account *a, bool done)
{
	struct stat sb;
	bool there;

	(void)a;
	there = stat("back/accounts/example.org/anna", &sb) == 0;
	ATF_REQUIRE(there || !done);
	if (!there)
		OK(restore_from("full"));
	check_account("back", MESSAGES + 1 - DELETED, MESSAGES + 1 - DELETED);
}

static enum store_result
rebuild(struct account *a)
{
	struct store_rebuilt r;

	return store_rebuild(a->dir, true, &r);
}

static void
check_rebuild(struct account *a, bool done)
{
	if (!done)
		OK(rebuild(a));
	/* What the log no longer tells may be there again. */
	check_account(".", MESSAGES + 1 - DELETED, MESSAGES + 1);
}

static enum store_result
undelete(struct account *a)
{
	struct store_deleted *list;
	enum store_result result;
	struct store *st;
	uint32_t uid;
	size_t n;

	if (store_open(a->base, a->dir, a->ring, &st) != STORE_OK)
		return STORE_IO;
	result = store_deleted_list(st, &list, &n);
	if (result == STORE_OK && n == DELETED)
		result = store_undelete(st, list[0].blob, STORE_INBOX, &uid);
	if (result == STORE_OK)
		result = store_commit(st);
	if (result == STORE_OK)
		free(list);
	if (result != STORE_OK) {
		store_abandon(st);
		return result;
	}
	return store_close(st);
}

static void
check_undelete(struct account *a, bool done)
{
	(void)a;
	check_account(".", MESSAGES + 1 - DELETED + (done ? 1 : 0),
	    MESSAGES + 1 - DELETED + 1);
	/* Nothing that is shown may go, whoever sweeps. */
	check_account(".", MESSAGES + 1 - DELETED + (done ? 1 : 0),
	    MESSAGES + 1 - DELETED + 1);
}

static int64_t
in_two_months(void)
{
	return (int64_t)time(NULL) + 60 * 86400;
}

static enum store_result
sweep(struct account *a)
{
	struct store_swept s;

	store_clock_set(in_two_months);
	return store_sweep(a->dir, STORE_GRACE, &s);
}

static void
check_sweep(struct account *a, bool done)
{
	/* What could not be removed waits for the next. */
	OK(sweep(a));
	ATF_REQUIRE_EQ(0, count_files(a, "trash"));
	store_clock_set(NULL);
	(void)done;
	check_account(".", MESSAGES + 1 - DELETED, MESSAGES + 1 - DELETED);
}

/* 9: the fault came; 8: and was told; 0: the run came to its end before. */
static bool
one_fault(const struct step *step, unsigned int at)
{
	struct fault_plan *plan = fault_plan();
	struct account a = {.ring = whole.ring};
	pid_t pid;
	int status;

	again();
	a.base = open_dir(".");
	OK(store_account_open(a.base, ACCOUNT, &a.dir));
	plan->at = at;
	plan->calls = 0;
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		store_sys_set(fault_sys());
		if (step->run(&a) != STORE_OK)
			_exit(8);
		_exit(plan->calls >= at ? 9 : 0);
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_REQUIRE_MSG(WIFEXITED(status), "%s: call %u of kind %d: signal %d",
	    step->name, at, (int)plan->kind, WTERMSIG(status));
	status = WEXITSTATUS(status);
	ATF_REQUIRE(status == 0 || (status >= 7 && status <= 9));
	step->check(&a, status == 0 || status == 9);
	close(a.dir);
	close(a.base);
	return status != 0;
}

static const struct step steps[] = {
    {"backup", backup, check_backup},
    {"restore", restore, check_restore},
    {"rebuild", rebuild, check_rebuild},
    {"undelete", undelete, check_undelete},
    {"sweep", sweep, check_sweep},
};

/* One of STRIDE calls, from any of the first: all of them with STRESS. */
static void
all_faults(size_t which, unsigned int least)
{
	static const enum fault kinds[] = {STOP, FAIL, FULL, TEAR};
	struct account a;
	unsigned int at, by, calls, faults;

	make();
	a = whole;
	OK(backup_to(&a, "full"));
	by = getenv("STRESS") == NULL ? STRIDE : 1;
	calls = faults = 0;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		fault_plan()->kind = kinds[k];
		at = 1 + arc4random_uniform(by);
		for (; one_fault(&steps[which], at); at += by)
			faults++;
		calls += at - 1;
	}
	printf(
	    "%s: %u faults, of %u calls\n", steps[which].name, faults, calls);
	ATF_CHECK(calls >= least);
}

#define CASE(name, which, least)          \
	ATF_TC_WITHOUT_HEAD(name);        \
	ATF_TC_BODY(name, tc)             \
	{                                 \
		all_faults(which, least); \
	}
CASE(backups, 0, 100)
CASE(restores, 1, 100)
CASE(rebuilds, 2, 20)
CASE(undeletes, 3, 100)
CASE(sweeps, 4, 8)

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, backups);
	ATF_TP_ADD_TC(tp, restores);
	ATF_TP_ADD_TC(tp, rebuilds);
	ATF_TP_ADD_TC(tp, undeletes);
	ATF_TP_ADD_TC(tp, sweeps);
	return atf_no_error();
}
