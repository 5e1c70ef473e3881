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
 * store_verify(): an octet changed in a file of any kind is found and named;
 * an account at work beside it is never complained about.
 */

#include <sys/types.h>
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
#include "store_verify.h"

#define FILES_MAX 64

static struct {
	char file[128];
	char what[256];
	unsigned int n;
} last;

static void
found(void *arg, const char *file, const char *what, const char *advice)
{
	(void)arg;
	ATF_CHECK(advice[0] != '\0');
	if (last.n++ == 0) {
		(void)strlcpy(last.file, file, sizeof(last.file));
		(void)strlcpy(last.what, what, sizeof(last.what));
	}
}

/* How many findings; the first is in last. */
static unsigned int
verify(struct account *a)
{
	struct store_check c = {.found = found};

	memset(&last, 0, sizeof(last));
	OK(store_verify(a->dir, &c));
	ATF_CHECK_EQ(last.n, c.findings);
	return last.n;
}

static void
clean(struct account *a, int line)
{
	if (verify(a) != 0)
		atf_tc_fail("line %d: %s: %s", line, last.file, last.what);
}
#define CLEAN(a) clean((a), __LINE__)

/* One of each: drained, waiting, appended, in trash/, a grown log. */
static void
make_mail(struct account *a)
{
	struct store_range r = {1, UINT32_MAX};
	struct store_drained d;
	uint32_t uid;
	bool more;

	account_make(a);
	account_open(a);
	OK(deliver(a, 1, 3000));
	OK(deliver(a, 2, 100000));
	OK(store_drain(a->st, &d));
	ATF_REQUIRE_EQ(2, d.placed);
	OK(append(a, STORE_INBOX, 3, 50, &uid));
	OK(store_commit(a->st));
	OK(append(a, 6, 4, 50, &uid));
	OK(store_commit(a->st));
	OK(store_expunge(a->st, 6, &r, 1, true));
	OK(store_commit(a->st));
	do
		OK(store_idle(a->st, &more));
	while (more);
	account_close(a);
	OK(deliver(a, 5, 3000));
}

static size_t
list_files(struct account *a, const char *dir, char (*files)[128])
{
	struct dirent *de;
	struct stat sb;
	size_t n;
	DIR *d;

	n = 0;
	d = fdopendir(openat(a->dir, dir, O_RDONLY | O_DIRECTORY));
	ATF_REQUIRE(d != NULL);
	while ((de = readdir(d)) != NULL) {
		/* The spare of del/ holds nothing. */
		if (de->d_name[0] == '.' ||
		    fstatat(dirfd(d), de->d_name, &sb, 0) == -1 ||
		    !S_ISREG(sb.st_mode) || n == FILES_MAX)
			continue;
		(void)snprintf(
		    files[n++], sizeof(files[0]), "%s/%.100s", dir, de->d_name);
	}
	(void)closedir(d);
	return n;
}

static void
flip(struct account *a, const char *file, off_t off)
{
	int fd;

	ATF_REQUIRE_EQ(0, fchmodat(a->dir, file, 0600, 0));
	fd = openat(a->dir, file, O_RDWR);
	ATF_REQUIRE(fd != -1);
	other_octet(fd, off);
	(void)close(fd);
	ATF_REQUIRE_EQ(0, fchmodat(a->dir, file, 0400, 0));
}

/* Seven places of each file, its first and last octets among them. */
static void
flip_file(struct account *a, const char *file)
{
	struct stat sb;
	off_t off;
	int i;

	ATF_REQUIRE_EQ(0, fstatat(a->dir, file, &sb, 0));
	for (i = 0; i < 7; i++) {
		off = i < 6 ? sb.st_size * i / 6 : sb.st_size - 1;
		if (i == 5)
			off = 70 < sb.st_size ? 70 : 1;
		if (off >= sb.st_size)
			continue;
		flip(a, file, off);
		if (verify(a) == 0)
			atf_tc_fail("%s: octet %lld of %lld: not found", file,
			    (long long)off, (long long)sb.st_size);
		if (strcmp(last.file, file) != 0)
			atf_tc_fail("%s: octet %lld: %s: %s", file,
			    (long long)off, last.file, last.what);
		flip(a, file, off);
	}
	ATF_REQUIRE_EQ(0, fchmodat(a->dir, file, sb.st_mode & 07777, 0));
	CLEAN(a);
}

ATF_TC(flips);
ATF_TC_HEAD(flips, tc)
{
	atf_tc_set_md_var(tc, "descr", "one octet of any file is found");
}
ATF_TC_BODY(flips, tc)
{
	static const char *const dirs[] = {
	    "keys", "in", "blob", "log", "trash", "del"};
	static char files[FILES_MAX][128];
	struct account a;
	size_t i, k, n;

	make_mail(&a);
	CLEAN(&a);
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		n = list_files(&a, dirs[i], files);
		ATF_REQUIRE(n > 0);
		for (k = 0; k < n; k++)
			flip_file(&a, files[k]);
	}
	flip_file(&a, "account");
	flip(&a, "quota", 0);
	ATF_CHECK_EQ(1, verify(&a));
	ATF_CHECK_STREQ("quota", last.file);
	flip(&a, "quota", 0);
	account_end(&a);
}

static void
expect(struct account *a, const char *file)
{
	ATF_CHECK(verify(a) > 0);
	if (strcmp(file, last.file) != 0)
		atf_tc_fail("%s: not %s: %s", file, last.file, last.what);
}

static void
touch_old(struct account *a, const char *file)
{
	struct timespec ts[2] = {{1700000000, 0}, {1700000000, 0}};

	ATF_REQUIRE_EQ(0, utimensat(a->dir, file, ts, 0));
}

ATF_TC(shapes);
ATF_TC_HEAD(shapes, tc)
{
	atf_tc_set_md_var(
	    tc, "descr", "missing, cut, stray and wrongly named files");
}
ATF_TC_BODY(shapes, tc)
{
	static char files[FILES_MAX][128];
	char id[] = "blob/00112233445566778899aabbccddeeff";
	struct account a;
	size_t n;
	int fd;

	make_mail(&a);
	n = list_files(&a, "blob", files);
	ATF_REQUIRE(n >= 3);
	/* Another message's name. */
	ATF_REQUIRE_EQ(0, renameat(a.dir, files[0], a.dir, id));
	expect(&a, id);
	ATF_REQUIRE_EQ(0, renameat(a.dir, id, a.dir, files[0]));
	/* A stray file, a link, an open mode. */
	fd = openat(a.dir, "blob/note", O_CREAT | O_WRONLY, 0600);
	ATF_REQUIRE(fd != -1);
	close(fd);
	expect(&a, "blob/note");
	ATF_REQUIRE_EQ(0, unlinkat(a.dir, "blob/note", 0));
	ATF_REQUIRE_EQ(0, symlinkat("/etc/passwd", a.dir, id));
	expect(&a, id);
	ATF_REQUIRE_EQ(0, unlinkat(a.dir, id, 0));
	ATF_REQUIRE_EQ(0, fchmodat(a.dir, "log", 0755, 0));
	expect(&a, "log");
	ATF_REQUIRE_EQ(0, fchmodat(a.dir, "log", 0700, 0));
	CLEAN(&a);
	/* Cut: it may be under way; an old one is not. */
	ATF_REQUIRE_EQ(0, fchmodat(a.dir, files[1], 0600, 0));
	fd = openat(a.dir, files[1], O_RDWR);
	ATF_REQUIRE(fd != -1 && ftruncate(fd, 2500) == 0);
	close(fd);
	CLEAN(&a);
	touch_old(&a, files[1]);
	expect(&a, files[1]);
	ATF_REQUIRE_EQ(0, unlinkat(a.dir, files[1], 0));
	n = list_files(&a, "keys", files);
	while (n > 0 && strncmp(files[n - 1], "keys/ring", 9) != 0)
		n--;
	ATF_REQUIRE(n > 0);
	ATF_REQUIRE_EQ(0, renameat(a.dir, files[n - 1], a.dir, "ring"));
	ATF_CHECK(verify(&a) > 0);
	ATF_REQUIRE_EQ(0, renameat(a.dir, "ring", a.dir, files[n - 1]));
	n = list_files(&a, "log", files);
	ATF_REQUIRE_EQ(1, n);
	ATF_REQUIRE_EQ(0, unlinkat(a.dir, files[0], 0));
	expect(&a, "log");
	account_end(&a);
}

/* A log of several segments: one missing, and one that a checkpoint covers. */
ATF_TC_WITHOUT_HEAD(segments);
ATF_TC_BODY(segments, tc)
{
	static char files[FILES_MAX][128];
	char name[128];
	struct account a;
	size_t i, n;

	account_make(&a);
	account_open(&a);
	for (i = 0; i < 9000; i++) {
		OK(store_subscribe(a.st,
		    "A box with a rather long name, "
		    "so that the log grows as fast as it can",
		    i % 2 == 0));
		OK(store_commit(a.st));
	}
	account_close(&a);
	n = list_files(&a, "log", files);
	ATF_REQUIRE(n >= 3);
	CLEAN(&a);
	for (i = 0; i < n; i++) {
		if (strlen(files[i]) > 2 &&
		    strcmp(files[i] + strlen(files[i]) - 2, ".2") == 0)
			break;
	}
	ATF_REQUIRE(i < n);
	ATF_REQUIRE_EQ(0, renameat(a.dir, files[i], a.dir, "x"));
	ATF_CHECK(verify(&a) > 0);
	(void)snprintf(
	    name, sizeof(name), "%.*s3", (int)strlen(files[i]) - 1, files[i]);
	expect(&a, "x");
	ATF_CHECK_EQ(2, last.n);
	ATF_REQUIRE_EQ(0, renameat(a.dir, "x", a.dir, files[i]));
	CLEAN(&a);
	account_end(&a);
}

static void
work(struct account *a)
{
	struct store_range r = {1, UINT32_MAX};
	struct store_drained d;
	unsigned int n;
	uint32_t uid;
	bool more;

	for (n = 100;; n++) {
		account_open(a);
		OK(deliver(a, n, 40000));
		OK(store_drain(a->st, &d));
		OK(append(a, STORE_INBOX, n + 1000000, 9000, &uid));
		OK(store_flags(a->st, STORE_INBOX, &r, 1, 1, 0, UINT64_MAX));
		OK(store_commit(a->st));
		OK(deliver(a, n + 2000000, 300000));
		if (n % 5 == 0)
			OK(store_expunge(a->st, STORE_INBOX, &r, 1, true));
		do
			OK(store_idle(a->st, &more));
		while (more);
		account_close(a);
	}
}

ATF_TC(beside);
ATF_TC_HEAD(beside, tc)
{
	atf_tc_set_md_var(tc, "descr", "an account at work is clean");
}
ATF_TC_BODY(beside, tc)
{
	struct account a;
	time_t end;
	pid_t pid;
	int i, status;

	make_mail(&a);
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		work(&a);
		_exit(0);
	}
	end = time(NULL) + 8;
	for (i = 0; time(NULL) < end; i++) {
		if (verify(&a) != 0) {
			(void)kill(pid, SIGKILL);
			atf_tc_fail("%s: %s", last.file, last.what);
		}
	}
	ATF_CHECK(i > 3);
	ATF_CHECK_EQ(0, waitpid(pid, &status, WNOHANG));
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	account_end(&a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, flips);
	ATF_TP_ADD_TC(tp, shapes);
	ATF_TP_ADD_TC(tp, segments);
	ATF_TP_ADD_TC(tp, beside);
	return atf_no_error();
}
