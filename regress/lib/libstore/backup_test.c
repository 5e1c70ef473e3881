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
 * Backup and restore: only what is new is copied; what was acknowledged before
 * a backup began is in it, however busy the account is and wherever an earlier
 * backup was killed.
 */

#include <sys/types.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "store_backup.h"
#include "store_sweep.h"
#include "store_verify.h"

#define DATE 1700000000
#define MESSAGES_MAX 100000

static char fault[256];

static void
failed(void *arg, const char *file, const char *why)
{
	(void)arg;
	(void)snprintf(fault, sizeof(fault), "%s: %s", file, why);
}

static int
make_dir(const char *name)
{
	int fd;

	ATF_REQUIRE(mkdir(name, 0700) == 0 || errno == EEXIST);
	fd = open(name, O_RDONLY | O_DIRECTORY);
	ATF_REQUIRE(fd != -1);
	return fd;
}

static struct store_transfer
backup(struct account *a, int copy)
{
	struct store_transfer t = {.failed = failed};

	fault[0] = '\0';
	OK(store_backup(a->dir, copy, &t));
	if (fault[0] != '\0')
		atf_tc_fail("%s", fault);
	return t;
}

/* Into a place of its own; the account's directory is below it. */
static void
restore_only(int copy, const char *place, struct account *out)
{
	struct store_transfer t = {.failed = failed};
	int fd;

	fault[0] = '\0';
	memset(out, 0, sizeof(*out));
	out->base = make_dir(place);
	OK(store_account_create(out->base, ACCOUNT, &fd));
	OK(store_restore(copy, fd, getuid(), getgid(), &t));
	OK(store_account_publish(out->base, ACCOUNT, fd));
	close(fd);
	if (fault[0] != '\0')
		atf_tc_fail("%s", fault);
	OK(store_account_open(out->base, ACCOUNT, &out->dir));
}

static void
restore(struct account *a, int copy, const char *place, struct account *out)
{
	restore_only(copy, place, out);
	out->ring = a->ring;
	account_open(out);
}

static void
restored_end(struct account *a)
{
	account_close(a);
	close(a->dir);
	close(a->base);
}

static void
found(void *arg, const char *file, const char *what, const char *advice)
{
	(void)arg;
	(void)advice;
	atf_tc_fail("%s: %s", file, what);
}

static void
verify(int dir)
{
	struct store_check c = {.found = found};

	OK(store_verify(dir, &c));
}

ATF_TC(incremental);
ATF_TC_HEAD(incremental, tc)
{
	atf_tc_set_md_var(tc, "descr", "a second run copies what is new");
}
ATF_TC_BODY(incremental, tc)
{
	struct store_range r = {1, UINT32_MAX};
	struct store_transfer t;
	struct account a, b;
	char *before, *after;
	uint32_t uid;
	bool more;
	int copy;

	account_make(&a);
	copy = make_dir("copy");
	account_open(&a);
	OK(deliver(&a, 1, 3000));
	OK(deliver(&a, 2, 200000));
	drain(&a);
	OK(append(&a, 2, 3, 500, &uid));
	OK(store_commit(a.st));
	OK(deliver(&a, 4, 3000));
	t = backup(&a, copy);
	/* Four messages, three key files, a segment. */
	ATF_CHECK_EQ(8, t.copied);
	verify(copy);
	t = backup(&a, copy);
	ATF_CHECK_EQ(0, t.copied);
	ATF_CHECK_EQ(8, t.kept);
	/* Drained, it is not copied again; the segment is. */
	drain(&a);
	OK(deliver(&a, 5, 3000));
	t = backup(&a, copy);
	ATF_CHECK_EQ(2, t.copied);
	OK(store_expunge(a.st, 2, &r, 1, true));
	OK(store_commit(a.st));
	do
		OK(store_idle(a.st, &more));
	while (more);
	t = backup(&a, copy);
	ATF_CHECK_EQ(1, t.copied);
	verify(copy);
	before = picture(&a);
	drain(&a);
	account_close(&a);

	restore(&a, copy, "place", &b);
	after = picture(&b);
	/* The same messages; numbers to come lie far above. */
	ATF_CHECK_EQ(3, store_box_find(b.st, STORE_INBOX)->messages);
	ATF_CHECK(store_box_find(b.st, STORE_INBOX)->uidnext > 65536);
	ATF_CHECK(before != NULL && after != NULL);
	ATF_CHECK_EQ(1, drain(&b));
	ATF_CHECK_EQ(4, store_box_find(b.st, STORE_INBOX)->messages);
	free(before);
	free(after);
	ATF_CHECK_EQ(-1, faccessat(b.dir, "restored", F_OK, 0));
	account_reopen(&b);
	verify(b.dir);
	restored_end(&b);
	account_end(&a);
	close(copy);
}

/* Which messages are there, by their dates. */
static void
list_messages(struct account *a, uint8_t *there)
{
	const struct store_box *box;
	const struct store_msg *m;
	struct store_body *body;
	size_t i, n;

	memset(there, 0, MESSAGES_MAX);
	for (box = store_box_next(a->st, NULL); box != NULL;
	     box = store_box_next(a->st, box)) {
		OK(store_use(a->st, box->id));
		m = column(a->st, box->id, &n);
		for (i = 0; i < n; i++) {
			OK(store_body_open(a->st, box->id, m[i].uid, &body));
			store_body_close(body);
			there[m[i].date - DATE] = 1;
		}
		store_unuse(a->st, box->id);
	}
}

struct shared {
	volatile unsigned int delivered; /* all below are acknowledged */
	volatile unsigned int rounds;
};

static void
nothing(void *arg, uint32_t uid, uint32_t newuid)
{
	(void)arg;
	(void)uid;
	(void)newuid;
}

/* Delivers, drains, moves; what it expunges bears a high number. */
static void
work(struct account *a, struct shared *s)
{
	struct store_range all = {1, UINT32_MAX};
	unsigned int n, k;
	uint32_t uid;
	bool more;

	n = s->delivered;
	for (;;) {
		account_open(a);
		for (k = 0; k < 10; k++) {
			OK(deliver(a, n, 3000 + n % 7 * 9000));
			s->delivered = ++n;
			if (k % 3 == 0)
				drain(a);
			OK(append(a, 6, 50000 + n % 40000, 20000, &uid));
			OK(store_commit(a->st));
			if (k % 4 == 1)
				OK(store_copy(a->st, STORE_INBOX, &all, 1, 2,
				    true, nothing, NULL));
			OK(store_expunge(a->st, 6, &all, 1, true));
			OK(store_commit(a->st));
			OK(store_idle(a->st, &more));
		}
		account_close(a);
		s->rounds++;
	}
}

static void
check_copy(struct account *a, int copy, unsigned int acknowledged, int round)
{
	static uint8_t there[MESSAGES_MAX];
	struct account b;
	char place[32];
	unsigned int i;

	(void)snprintf(place, sizeof(place), "place%d", round);
	restore(a, copy, place, &b);
	while (drain(&b) > 0)
		;
	list_messages(&b, there);
	for (i = 0; i < acknowledged; i++) {
		if (!there[i])
			atf_tc_fail("round %d: message %u of %u is not there",
			    round, i, acknowledged);
	}
	restored_end(&b);
}

static struct shared *
start_work(struct account *a, pid_t *pid)
{
	struct shared *s;

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANON, -1, 0);
	ATF_REQUIRE(s != MAP_FAILED);
	*pid = fork();
	ATF_REQUIRE(*pid != -1);
	if (*pid == 0) {
		work(a, s);
		_exit(0);
	}
	return s;
}

static void
end_work(struct shared *s, pid_t pid)
{
	int status;

	ATF_CHECK_EQ_MSG(
	    0, waitpid(pid, &status, WNOHANG), "the account's work has failed");
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	ATF_CHECK(s->rounds > 0);
}

ATF_TC(beside);
ATF_TC_HEAD(beside, tc)
{
	atf_tc_set_md_var(tc, "descr", "backups of an account that is at work");
}
ATF_TC_BODY(beside, tc)
{
	unsigned int acknowledged;
	struct account a;
	struct shared *s;
	int copy, round;
	time_t end;
	pid_t pid;

	acknowledged = 0;
	account_make(&a);
	copy = make_dir("copy");
	s = start_work(&a, &pid);
	end = time(NULL) + 10;
	for (round = 0; time(NULL) < end; round++) {
		acknowledged = s->delivered;
		(void)backup(&a, copy);
		check_copy(&a, copy, acknowledged, round);
		verify(copy);
	}
	printf("%d backups of %u messages\n", round, acknowledged);
	end_work(s, pid);
	account_end(&a);
}

ATF_TC(killed);
ATF_TC_HEAD(killed, tc)
{
	atf_tc_set_md_var(tc, "descr", "backups that are killed anywhere");
}
ATF_TC_BODY(killed, tc)
{
	unsigned int acknowledged, done;
	struct account a;
	struct shared *s;
	int copy, round, status;
	pid_t pid, worker;
	time_t end;

	account_make(&a);
	copy = make_dir("copy");
	s = start_work(&a, &worker);
	(void)backup(&a, copy);
	end = time(NULL) + 10;
	for (round = done = 0; time(NULL) < end; round++) {
		acknowledged = s->delivered;
		pid = fork();
		ATF_REQUIRE(pid != -1);
		if (pid == 0) {
			(void)backup(&a, copy);
			_exit(0);
		}
		/* Every fourth may end, however slow the machine is. */
		if (round % 4 != 3) {
			(void)usleep(
			    (useconds_t)(1000 + round * 7919 % 150000));
			(void)kill(pid, SIGKILL);
		}
		ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
		if (WIFEXITED(status)) {
			ATF_REQUIRE_EQ(0, WEXITSTATUS(status));
			done = acknowledged;
		}
		/* Whatever was in the last whole one is there. */
		check_copy(&a, copy, done, round);
	}
	printf("%d backups of %u messages\n", round, done);
	ATF_CHECK(done > 0);
	end_work(s, worker);
	acknowledged = s->delivered;
	(void)backup(&a, copy);
	check_copy(&a, copy, acknowledged, round);
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(refused);
ATF_TC_BODY(refused, tc)
{
	struct store_transfer t = {.failed = failed};
	struct account a, b;
	struct dirent *de;
	int copy, fd;
	DIR *dir;

	account_make(&a);
	account_open(&a);
	OK(deliver(&a, 1, 3000));
	drain(&a);
	account_close(&a);
	copy = make_dir("copy");
	(void)backup(&a, copy);
	/* A message that is damaged does not replace one that is good. */
	dir = fdopendir(openat(a.dir, "blob", O_RDONLY | O_DIRECTORY));
	ATF_REQUIRE(dir != NULL);
	while ((de = readdir(dir)) != NULL && de->d_name[0] == '.')
		;
	ATF_REQUIRE(de != NULL);
	ATF_REQUIRE_EQ(0, fchmodat(dirfd(dir), de->d_name, 0600, 0));
	fd = openat(dirfd(dir), de->d_name, O_RDWR);
	ATF_REQUIRE(fd != -1);
	other_octet(fd, 200);
	close(fd);
	(void)backup(&a, copy);
	verify(copy);
	/* Without the good one it is not taken, and told. */
	ATF_REQUIRE_EQ(0, system("rm copy/blob/*"));
	OK(store_backup(a.dir, copy, &t));
	ATF_CHECK_EQ(1, t.failures);
	ATF_CHECK(strncmp(fault, "blob/", 5) == 0);
	closedir(dir);
	/* Another account's copy is left alone. */
	ATF_REQUIRE_EQ(0, mkdir("other", 0700));
	ATF_REQUIRE_EQ(0, chdir("other"));
	account_make(&b);
	ATF_CHECK_EQ(STORE_EXISTS, store_backup(b.dir, copy, &t));
	account_end(&b);
	account_end(&a);
}

static void
idle(struct account *a)
{
	bool more;

	do
		OK(store_idle(a->st, &more));
	while (more);
}

static uint32_t
expunge(struct account *a, uint32_t uid)
{
	const struct store_range one = {uid, uid};

	OK(store_expunge(a->st, STORE_INBOX, &one, 1, true));
	OK(store_commit(a->st));
	idle(a);
	return store_box_find(a->st, STORE_INBOX)->messages;
}

/*
 * What is signed to go is in the copy, and does not harm what the copied log
 * shows, though the lists are older than the log, or newer: neither where the
 * account is swept before anybody logs in.
 */
ATF_TC_WITHOUT_HEAD(deletes);
ATF_TC_BODY(deletes, tc)
{
	const struct store_box *inbox;
	struct store_deleted *list;
	struct store_swept swept;
	struct account a, r;
	uint32_t uid[3];
	size_t n, blobs, gone;
	int copy, old;

	account_make(&a);
	account_open(&a);
	for (n = 0; n < 3; n++)
		OK(append(&a, STORE_INBOX, (unsigned int)n, 500, &uid[n]));
	OK(store_commit(a.st));
	copy = make_dir("copy");
	old = make_dir("old");
	(void)backup(&a, old);
	ATF_CHECK_EQ(2, expunge(&a, uid[0]));
	ATF_CHECK_EQ(1, expunge(&a, uid[1]));
	OK(store_deleted_list(a.st, &list, &n));
	ATF_REQUIRE_EQ(2, n);
	(void)backup(&a, copy);
	ATF_CHECK_EQ(0, access("copy/del/0.1", F_OK));
	verify(copy);
	/* A log older than the lists: two messages that are signed to go. */
	ATF_REQUIRE_EQ(0, system("cp -rp copy/del old/del"));
	/* One comes back, and the copy has its place but not its reprieve. */
	OK(store_undelete(a.st, list[0].blob, STORE_INBOX, &uid[1]));
	OK(store_commit(a.st));
	idle(&a);
	ATF_REQUIRE_EQ(0, system("cp -rp copy/del lists"));
	(void)backup(&a, copy);
	ATF_REQUIRE_EQ(0, system("rm -r copy/del && mv lists copy/del"));
	free(list);

	for (int turn = 0; turn < 2; turn++) {
		restore(&a, turn == 0 ? old : copy,
		    turn == 0 ? "first" : "second", &r);
		blobs = turn == 0 ? 3 : 2;
		inbox = store_box_find(r.st, STORE_INBOX);
		ATF_CHECK_EQ(blobs, inbox->messages);
		idle(&r);
		account_reopen(&r);
		idle(&r);
		ATF_CHECK_EQ(blobs, count_files(&r, "blob"));
		/* What goes now goes by lists of its own. */
		gone = count_files(&r, "trash");
		uid[0] = column(r.st, STORE_INBOX, &n)[0].uid;
		(void)expunge(&r, uid[0]);
		ATF_CHECK_EQ(gone + 1, count_files(&r, "trash"));
		restored_end(&r);
	}
	restore_only(old, "third", &r);
	OK(store_sweep(r.dir, STORE_GRACE, &swept));
	ATF_CHECK_EQ(0, swept.trashed);
	ATF_CHECK_EQ(3, count_files(&r, "blob"));
	close(r.dir);
	close(r.base);
	close(copy);
	close(old);
	account_end(&a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, deletes);
	ATF_TP_ADD_TC(tp, incremental);
	ATF_TP_ADD_TC(tp, beside);
	ATF_TP_ADD_TC(tp, killed);
	ATF_TP_ADD_TC(tp, refused);
	return atf_no_error();
}
