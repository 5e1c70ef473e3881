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
 * Faults in a living account that merges: the other host's files have come, and
 * one call after the other of what folds them, says so and places again fails
 * or is the last.  Whatever was acknowledged is there once, of both hosts.
 */

#include <sys/types.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "copying.h"
#include "faults.h"
#include "merge_world.h"
#include "store_local.h"

#define OURS 6    /* messages, the first numbers */
#define THEIRS 20 /* the first number of theirs */
#define FIRST 3   /* that come with the first exchange */
#define ALL 6

static int report = -1;

/* "n": the message is acknowledged; "m": their first files are there. */
static void
tell(char what)
{
	ATF_REQUIRE_EQ(1, write(report, &what, 1));
}

static void
must(struct account *a, enum store_result result)
{
	if (result == STORE_OK)
		return;
	store_abandon(a->st);
	_exit(8);
}

static void
ours(struct account *a, unsigned int n)
{
	uint32_t uid;

	must(a, append(a, STORE_INBOX, n, 500, &uid));
	must(a, store_commit(a->st));
	tell((char)('0' + n));
}

/* As another program brings it: by no call that fails here. */
static void
bring(const char *stage, char what)
{
	char cmd[300];

	snprintf(cmd, sizeof(cmd),
	    "cp -af %s/blob/. accounts/example.org/anna/blob/ && "
	    "cp -af %s/log/. accounts/example.org/anna/log/",
	    stage, stage);
	ATF_REQUIRE_EQ(0, system(cmd));
	tell(what);
}

static void
run(struct account *a)
{
	struct store_merged m;
	bool more;
	int i;

	if (store_open(a->base, a->dir, a->ring, &a->st) != STORE_OK)
		_exit(8);
	for (i = 0; i < 3; i++)
		ours(a, (unsigned int)i);
	bring("stage1", 'm');
	must(a, store_merge(a->st, &m));
	ours(a, 3);
	bring("stage2", 'n');
	must(a, store_merge(a->st, &m));
	ours(a, 4);
	for (i = 0, more = true; more && i < 100; i++)
		must(a, store_idle(a->st, &more));
	ours(a, 5);
	if (store_close(a->st) != STORE_OK)
		_exit(8);
}

struct promised {
	bool ours[OURS];
	unsigned int theirs;
};

static bool
run_once(struct account *a, struct promised *p)
{
	int fds[2], status;
	char what;
	pid_t pid;

	ATF_REQUIRE_EQ(0, pipe(fds));
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		report = fds[1];
		fault_plan()->calls = 0;
		store_sys_set(fault_sys());
		run(a);
		_exit(fault_plan()->calls >= fault_plan()->at ? 9 : 0);
	}
	close(fds[1]);
	while (read(fds[0], &what, 1) == 1) {
		if (what == 'm' || what == 'n')
			p->theirs = what == 'm' ? FIRST : ALL;
		else
			p->ours[what - '0'] = true;
	}
	close(fds[0]);
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_REQUIRE_MSG(WIFEXITED(status) && WEXITSTATUS(status) != 1,
	    "call %u: status %x", fault_plan()->at, (unsigned int)status);
	return WEXITSTATUS(status) != 0;
}

static void
look(struct account *a, const struct promised *p)
{
	unsigned int seen[THEIRS + ALL] = {0}, i;
	const struct store_msg *m;
	size_t k, n;

	m = column(a->st, STORE_INBOX, &n);
	for (k = 0; k < n; k++) {
		ATF_REQUIRE(number(&m[k]) < THEIRS + ALL);
		seen[number(&m[k])]++;
	}
	for (i = 0; i < OURS; i++)
		ATF_REQUIRE_MSG(seen[i] <= 1 && (seen[i] == 1 || !p->ours[i]),
		    "call %u kind %d: %u of ours %u times", fault_plan()->at,
		    (int)fault_plan()->kind, i, seen[i]);
	for (i = 0; i < ALL; i++)
		ATF_REQUIRE_MSG(seen[THEIRS + i] == (i < p->theirs),
		    "call %u kind %d: %u of theirs %u times", fault_plan()->at,
		    (int)fault_plan()->kind, i, seen[THEIRS + i]);
	m = column(a->st, STORE_INBOX, &n);
	for (k = 0; k < n; k++) {
		m = column(a->st, STORE_INBOX, &n);
		check_message(
		    a, STORE_INBOX, m[k].uid, number(&m[k]), m[k].size);
	}
}

/* What host 1 wrote in its copy, its own series alone. */
static void
stage(const char *name, struct host *h, unsigned int from, unsigned int to)
{
	char cmd[500];
	uint32_t uid;

	for (; from < to; from++)
		OK(append(&h->a, STORE_INBOX, THEIRS + from, 500, &uid));
	OK(store_commit(h->a.st));
	snprintf(cmd, sizeof(cmd),
	    "mkdir -p %s/log && cp -af %s/" PLACE "/blob %s/ && "
	    "for i in %s/" PLACE "/log/*; do "
	    "[ -e pristine/example.org/anna/log/${i##*/} ] || "
	    "cp -af $i %s/log/; done",
	    name, h->dir, name, h->dir, name);
	ATF_REQUIRE_EQ(0, system(cmd));
}

static void
prepare(struct account *a)
{
	struct host *h = &world()->hosts[1];

	account_make(a);
	account_open(a);
	OK(store_pair(a->st));
	account_close(a);
	ATF_REQUIRE_EQ(0,
	    system("cp -af accounts pristine && mkdir template && "
		   "cp -af accounts template/"));
	host_start(h, a->ring);
	ATF_REQUIRE(h->a.st != NULL && store_damage(h->a.st) == NULL);
	stage("stage1", h, 0, FIRST);
	stage("stage2", h, FIRST, ALL);
	host_stop(h);
}

static void
all_faults(enum fault kind)
{
	struct account a;
	struct promised p;
	unsigned int by, tried;
	bool hit;

	prepare(&a);
	fault_plan()->kind = kind;
	by = getenv("STRESS") == NULL ? 5 : 1;
	fault_plan()->at = 1 + (by > 1 ? arc4random_uniform(by) : 0);
	for (tried = 0, hit = true; hit; fault_plan()->at += by, tried++) {
		close(a.dir);
		ATF_REQUIRE_EQ(0,
		    system("rm -rf accounts head && cp -af pristine accounts"));
		OK(store_account_open(a.base, ACCOUNT, &a.dir));
		memset(&p, 0, sizeof(p));
		hit = run_once(&a, &p);
		account_open(&a);
		ATF_REQUIRE(store_damage(a.st) == NULL);
		look(&a, &p);
		account_reopen(&a);
		look(&a, &p);
		account_close(&a);
	}
	printf(
	    "%u faults, of calls up to %u\n", tried - 1, fault_plan()->at - by);
	ATF_CHECK(fault_plan()->at > 30);
	account_end(&a);
}

#define FAULT_TEST(name, kind)     \
	ATF_TC_WITHOUT_HEAD(name); \
	ATF_TC_BODY(name, tc)      \
	{                          \
		all_faults(kind);  \
	}
FAULT_TEST(stop, STOP)
FAULT_TEST(fail, FAIL)
FAULT_TEST(full, FULL)
FAULT_TEST(tear, TEAR)

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, stop);
	ATF_TP_ADD_TC(tp, fail);
	ATF_TP_ADD_TC(tp, full);
	ATF_TP_ADD_TC(tp, tear);
	return atf_no_error();
}
