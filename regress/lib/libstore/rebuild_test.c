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
 * Rebuilding: whatever happens to the log, the mail is there afterwards, with
 * its dates; wherever the rebuilding or the login after it is killed, too.
 */

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"
#include "store_rebuild.h"
#include "store_verify.h"

#define DATE 1700000000
#define MESSAGES 30 /* numbers 1 to 30 are kept */

static void
found(void *arg, const char *file, const char *what, const char *advice)
{
	(void)arg;
	(void)advice;
	atf_tc_fail("%s: %s", file, what);
}

static void
verify(struct account *a)
{
	struct store_check c = {.found = found};

	OK(store_verify(a->dir, &c));
}

/* Mail in two boxes, one of them the user's own; some of it expunged. */
static void
make_mail(struct account *a)
{
	struct store_range last = {0, 0};
	uint64_t box;
	unsigned int n;
	uint32_t uid;
	bool more;

	account_make(a);
	account_open(a);
	OK(store_mkbox(a->st, "Work", 0, &box));
	OK(store_commit(a->st));
	for (n = 1; n <= MESSAGES; n++) {
		if (n % 3 == 0)
			OK(append(a, box, n, 2000, &uid));
		else {
			OK(deliver(a, n, 2000));
			drain(a);
		}
		OK(store_commit(a->st));
	}
	OK(append(a, box, MESSAGES + 1, 2000, &uid));
	last.first = last.last = uid;
	OK(store_commit(a->st));
	OK(store_expunge(a->st, box, &last, 1, true));
	OK(store_commit(a->st));
	do
		OK(store_idle(a->st, &more));
	while (more);
	OK(store_mkbox(a->st, "Late", 0, NULL));
	OK(store_commit(a->st));
	account_close(a);
}

/* Every message is there, with its octets; how many in all. */
static unsigned int
check_mail(struct account *a)
{
	unsigned int there[MESSAGES + 2] = {0};
	const struct store_box *box;
	const struct store_msg *m;
	unsigned int i, total;
	size_t k, n;

	total = 0;
	for (box = store_box_next(a->st, NULL); box != NULL;
	     box = store_box_next(a->st, box)) {
		OK(store_use(a->st, box->id));
		m = column(a->st, box->id, &n);
		for (k = 0; k < n; k++) {
			i = (unsigned int)(m[k].date - DATE);
			ATF_REQUIRE(i >= 1 && i <= MESSAGES + 1);
			there[i]++;
			total++;
			check_message(a, box->id, m[k].uid, i, 2000);
		}
		store_unuse(a->st, box->id);
	}
	for (i = 1; i <= MESSAGES; i++) {
		if (there[i] == 0)
			atf_tc_fail("message %u is not there", i);
	}
	return total;
}

static void
log_name(struct account *a, char *name, size_t size)
{
	struct dirent *de;
	DIR *dir;

	dir = fdopendir(openat(a->dir, "log", O_RDONLY | O_DIRECTORY));
	ATF_REQUIRE(dir != NULL);
	while ((de = readdir(dir)) != NULL && de->d_name[0] == '.')
		;
	ATF_REQUIRE(de != NULL);
	(void)snprintf(name, size, "log/%.100s", de->d_name);
	closedir(dir);
}

static void
remove_snapshots(struct account *a)
{
	ATF_REQUIRE(a->dir != -1);
	ATF_REQUIRE_EQ(
	    0, system("rm -rf accounts/example.org/anna/snap/[0-9]*"));
}

/* One octet in the middle of the frames. */
static void
damage(struct account *a, off_t off)
{
	char name[128];
	int fd;

	log_name(a, name, sizeof(name));
	fd = openat(a->dir, name, O_RDWR);
	ATF_REQUIRE(fd != -1);
	other_octet(fd, off);
	close(fd);
}

ATF_TC(middle);
ATF_TC_HEAD(middle, tc)
{
	atf_tc_set_md_var(tc, "descr", "what comes before the damage stays");
}
ATF_TC_BODY(middle, tc)
{
	struct store_rebuilt out;
	struct account a;

	make_mail(&a);
	damage(&a, 6000);
	remove_snapshots(&a);
	account_open(&a);
	ATF_REQUIRE(store_damage(a.st) != NULL);
	ATF_CHECK_EQ(STORE_LOCKED, store_rebuild(a.dir, false, &out));
	account_close(&a);
	OK(store_rebuild(a.dir, false, &out));
	ATF_CHECK_EQ(1, out.kept);
	ATF_CHECK_EQ(1, out.cut);
	ATF_CHECK_EQ(0, out.moved);
	verify(&a);
	account_open(&a);
	ATF_REQUIRE(store_damage(a.st) == NULL);
	ATF_CHECK(drain(&a) > 0);
	/* The expunge comes after the damage; or its message before it. */
	ATF_CHECK(check_mail(&a) >= MESSAGES);
	ATF_CHECK(store_box_named(a.st, "Work") != NULL);
	ATF_CHECK(store_box_named(a.st, "Late") == NULL);
	ATF_CHECK(store_box_find(a.st, STORE_INBOX)->uidnext > 65536);
	account_reopen(&a);
	ATF_CHECK_EQ(0, drain(&a));
	ATF_CHECK(check_mail(&a) >= MESSAGES);
	verify(&a);
	account_end(&a);
}

static void
from_blobs(bool gone)
{
	struct store_rebuilt out;
	struct account a;
	char name[128];

	make_mail(&a);
	log_name(&a, name, sizeof(name));
	if (gone) {
		ATF_REQUIRE_EQ(0, unlinkat(a.dir, name, 0));
		OK(store_rebuild(a.dir, false, &out));
	} else {
		OK(store_rebuild(a.dir, true, &out));
		ATF_CHECK_EQ(1, out.moved);
	}
	account_open(&a);
	ATF_REQUIRE(store_damage(a.st) == NULL);
	ATF_CHECK_EQ(MESSAGES, drain(&a));
	ATF_CHECK_EQ(MESSAGES, check_mail(&a));
	ATF_CHECK_EQ(MESSAGES, store_box_find(a.st, STORE_INBOX)->messages);
	ATF_CHECK(store_box_named(a.st, "Work") == NULL);
	account_close(&a);
	verify(&a);
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(log_gone);
ATF_TC_BODY(log_gone, tc)
{
	from_blobs(true);
}

ATF_TC_WITHOUT_HEAD(everything);
ATF_TC_BODY(everything, tc)
{
	from_blobs(false);
}

/* A log that is whole loses nothing, and nothing comes twice. */
ATF_TC_WITHOUT_HEAD(whole);
ATF_TC_BODY(whole, tc)
{
	struct store_rebuilt out;
	struct account a;

	make_mail(&a);
	OK(store_rebuild(a.dir, false, &out));
	ATF_CHECK_EQ(0, out.cut + out.moved);
	account_open(&a);
	ATF_CHECK_EQ(0, drain(&a));
	ATF_CHECK_EQ(MESSAGES, check_mail(&a));
	ATF_CHECK(store_box_named(a.st, "Late") != NULL);
	account_end(&a);
}

/* The process ends at the given call that changes the disk. */
static int calls_left;
static struct store_sys dying;

static void
step(void)
{
	if (calls_left-- == 0)
		_exit(9);
}

static int
die_open(int dir, const char *name, int flags, mode_t mode)
{
	step();
	return openat(dir, name, flags, mode);
}

static ssize_t
die_pwrite(int fd, const void *p, size_t n, off_t off)
{
	step();
	return pwrite(fd, p, n, off);
}

static int
die_fsync(int fd)
{
	step();
	return fsync(fd);
}

static int
die_rename(int a, const char *x, int b, const char *y)
{
	step();
	return renameat(a, x, b, y);
}

static int
die_unlink(int dir, const char *name, int flags)
{
	step();
	return unlinkat(dir, name, flags);
}

static int
die_mkdir(int dir, const char *name, mode_t mode)
{
	step();
	return mkdirat(dir, name, mode);
}

/* 1: it came to its end before. */
static int
die_at(struct account *a, int call, bool login)
{
	struct store_rebuilt out;
	struct store_drained d;
	int status;
	pid_t pid;

	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		calls_left = call;
		store_sys_set(&dying);
		if (login) {
			OK(store_open(a->base, a->dir, a->ring, &a->st));
			OK(store_drain(a->st, &d));
		} else
			OK(store_rebuild(a->dir, false, &out));
		_exit(0);
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_REQUIRE(WIFEXITED(status));
	ATF_REQUIRE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9);
	return WEXITSTATUS(status) == 0;
}

/* Rebuilt and logged in to; how the rebuilding ended does not matter. */
static void
mend(struct account *a, bool again)
{
	struct store_rebuilt out;

	if (again)
		OK(store_rebuild(a->dir, false, &out));
	account_open(a);
	ATF_REQUIRE(store_damage(a->st) == NULL);
	while (drain(a) > 0)
		;
	ATF_CHECK(check_mail(a) >= MESSAGES);
	account_close(a);
	verify(a);
}

static void
die_everywhere(bool login)
{
	struct store_rebuilt out;
	struct account a;
	char place[32];
	int call, done;

	dying = (struct store_sys){die_open, die_pwrite, die_fsync, die_fsync,
	    die_fsync, die_rename, die_unlink, die_mkdir, ftruncate};
	for (call = done = 0; !done; call++) {
		(void)snprintf(place, sizeof(place), "place%d", call);
		ATF_REQUIRE(mkdir(place, 0700) == 0 && chdir(place) == 0);
		make_mail(&a);
		damage(&a, 6000);
		if (login)
			OK(store_rebuild(a.dir, false, &out));
		done = die_at(&a, call, login);
		mend(&a, !login);
		account_end(&a);
		ATF_REQUIRE_EQ(0, chdir(".."));
	}
	printf("%d calls\n", call);
	ATF_CHECK(call > 10);
}

ATF_TC_WITHOUT_HEAD(killed);
ATF_TC_BODY(killed, tc)
{
	die_everywhere(false);
}

ATF_TC_WITHOUT_HEAD(login_killed);
ATF_TC_BODY(login_killed, tc)
{
	die_everywhere(true);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, middle);
	ATF_TP_ADD_TC(tp, log_gone);
	ATF_TP_ADD_TC(tp, everything);
	ATF_TP_ADD_TC(tp, whole);
	ATF_TP_ADD_TC(tp, killed);
	ATF_TP_ADD_TC(tp, login_killed);
	return atf_no_error();
}
