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

/* Names and directories of accounts, limits, and what a deliverer sees. */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "account.h"

ATF_TC_WITHOUT_HEAD(paths);
ATF_TC_BODY(paths, tc)
{
	static const struct {
		const char *account;
		const char *domain;
		const char *local;
	} good[] = {
	    {"anna@example.org", "example.org", "anna"},
	    {"a.b_c-9@x", "x", "a.b_c-9"},
	    {".hidden@example.org", "example.org", "%2Ehidden"},
	    {"../../etc@example.org", "example.org", "%2E.%2F..%2Fetc"},
	    {"a@b@c", "c", "a%40b"},
	    {"a%2fb@c", "c", "a%252fb"},
	    {"\xc3\xa9@\xc3\xa9", "%C3%A9", "%C3%A9"},
	    {"UP@x", "x", "%55%50"},
	};
	static const char *const bad[] = {"", "@", "anna", "@x", "anna@"};
	static const char *const not_ours[][2] = {
	    {"x", "%61"}, /* a is never encoded */
	    {"x", ".a"},
	    {"x", "%2f"},
	    {"x", "a%2"},
	    {"x", "a%"},
	    {"x", "%00a"},
	    {"X", "a"},
	    {"", "a"},
	    {"x", ""},
	};
	char path[STORE_PATH_MAX], want[STORE_PATH_MAX], name[400];
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ATF_REQUIRE_EQ(
		    0, store_path(good[i].account, path, sizeof(path)));
		(void)strlcpy(want, "accounts/", sizeof(want));
		(void)strlcat(want, good[i].domain, sizeof(want));
		(void)strlcat(want, "/", sizeof(want));
		(void)strlcat(want, good[i].local, sizeof(want));
		ATF_CHECK_STREQ(want, path);
		ATF_REQUIRE_EQ(0,
		    store_name(
			good[i].domain, good[i].local, name, sizeof(name)));
		ATF_CHECK_STREQ(good[i].account, name);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ATF_CHECK_EQ(-1, store_path(bad[i], path, sizeof(path)));
	for (i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++)
		ATF_CHECK_EQ_MSG(-1,
		    store_name(
			not_ours[i][0], not_ours[i][1], name, sizeof(name)),
		    "%s", not_ours[i][1]);
}

ATF_TC_WITHOUT_HEAD(lengths);
ATF_TC_BODY(lengths, tc)
{
	char path[STORE_PATH_MAX], name[400];

	memset(name, 'a', sizeof(name));
	(void)strlcpy(name + STORE_PART_MAX, "@x", 3);
	ATF_CHECK_EQ(0, store_path(name, path, sizeof(path)));
	memset(name, 'a', sizeof(name));
	(void)strlcpy(name + STORE_PART_MAX + 1, "@x", 3);
	ATF_CHECK_EQ(-1, store_path(name, path, sizeof(path)));
	/* Encoded it is three times as long. */
	memset(name, '/', sizeof(name));
	(void)strlcpy(name + STORE_PART_MAX / 3, "@x", 3);
	ATF_CHECK_EQ(0, store_path(name, path, sizeof(path)));
	memset(name, '/', sizeof(name));
	(void)strlcpy(name + STORE_PART_MAX / 3 + 1, "@x", 3);
	ATF_CHECK_EQ(-1, store_path(name, path, sizeof(path)));
}

static unsigned int listed;

static int
count(const char *account, void *arg)
{
	ATF_CHECK(strcmp(account, arg) == 0 ||
	    strcmp(account, "bert@example.net") == 0);
	listed++;
	return 0;
}

static int
stop(const char *account, void *arg)
{
	listed++;
	return -1;
}

/* A folder that cannot be read is not passed over in silence. */
ATF_TC_WITHOUT_HEAD(unreadable);
ATF_TC_BODY(unreadable, tc)
{
	char anna[] = ACCOUNT;
	struct rlimit before, few;
	enum store_result result;
	struct account a;
	int fd;

	account_make(&a);
	OK(store_account_create(a.base, "bert@example.net", &fd));
	OK(store_account_publish(a.base, "bert@example.net", fd));
	close(fd);
	/* What is no domain's is none's trouble. */
	ATF_REQUIRE_EQ(0, mkdirat(a.base, "accounts/lost+found", 0));
	ATF_REQUIRE_EQ(0, symlinkat("nowhere", a.base, "accounts/linked"));
	listed = 0;
	OK(store_account_list(a.base, NULL, count, anna));
	ATF_CHECK_EQ(2, listed);
	/* A descriptor for accounts/, none for what is in it. */
	fd = dup(0);
	ATF_REQUIRE(fd != -1 && close(fd) == 0);
	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
	few = before;
	few.rlim_cur = (rlim_t)fd + 1;
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
	listed = 0;
	errno = 0;
	result = store_account_list(a.base, NULL, count, anna);
	ATF_CHECK_EQ(EMFILE, errno);
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
	ATF_CHECK_EQ(STORE_IO, result);
	ATF_CHECK_EQ(0, listed);
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(directories);
ATF_TC_BODY(directories, tc)
{
	char anna[] = ACCOUNT;
	struct account a;
	struct stat sb;
	int fd;

	umask(077);
	account_make(&a);
	ATF_REQUIRE_EQ(0, fstatat(a.dir, "in", &sb, 0));
	ATF_CHECK_EQ(03770, sb.st_mode & 07777);
	ATF_REQUIRE_EQ(0, fstatat(a.dir, "keys", &sb, 0));
	ATF_CHECK_EQ(02750, sb.st_mode & 07777);
	ATF_REQUIRE_EQ(0, fstatat(a.dir, "blob", &sb, 0));
	ATF_CHECK_EQ(0700, sb.st_mode & 0777);
	ATF_REQUIRE_EQ(0, fstatat(a.base, "accounts/example.org", &sb, 0));
	ATF_CHECK_EQ(02750, sb.st_mode & 07777);
	ATF_REQUIRE_EQ(0, fstat(a.dir, &sb));
	ATF_CHECK_EQ(02750, sb.st_mode & 07777);
	ATF_CHECK_EQ(STORE_EXISTS, store_account_create(a.base, ACCOUNT, &fd));
	/* One that was made and not published is nobody's. */
	OK(store_account_create(a.base, "bert@example.net", &fd));
	close(fd);
	OK(store_account_list(a.base, NULL, count, anna));
	ATF_CHECK_EQ(1, listed);
	OK(store_account_create(a.base, "bert@example.net", &fd));
	OK(store_account_publish(a.base, "bert@example.net", fd));
	close(fd);
	listed = 0;
	OK(store_account_list(a.base, NULL, count, anna));
	ATF_CHECK_EQ(2, listed);
	listed = 0;
	OK(store_account_list(a.base, NULL, stop, NULL));
	ATF_CHECK_EQ(1, listed);
	listed = 0;
	OK(store_account_list(a.base, "example.net", count, anna));
	ATF_CHECK_EQ(1, listed);
	OK(store_account_create(a.base, "carl@example.net", &fd));
	store_account_abandon(a.base, "carl@example.net", fd);
	ATF_CHECK_EQ(
	    STORE_UNKNOWN, store_account_open(a.base, "carl@example.net", &fd));
	OK(store_account_remove(a.base, "bert@example.net"));
	ATF_CHECK_EQ(
	    STORE_UNKNOWN, store_account_open(a.base, "bert@example.net", &fd));
	ATF_CHECK_EQ(
	    STORE_UNKNOWN, store_account_remove(a.base, "bert@example.net"));
	account_end(&a);
}

ATF_TC_WITHOUT_HEAD(links);
ATF_TC_BODY(links, tc)
{
	struct store_rcpt *rcpt;
	struct account a;
	int fd;

	account_make(&a);
	ATF_REQUIRE_EQ(0, symlink("example.org", "accounts/example.net"));
	ATF_REQUIRE_EQ(0, symlink("anna", "accounts/example.org/bert"));
	ATF_CHECK(
	    STORE_OK != store_account_open(a.base, "anna@example.net", &fd));
	ATF_CHECK(
	    STORE_OK != store_account_open(a.base, "bert@example.org", &fd));
	ATF_CHECK(
	    STORE_OK != store_rcpt_open(a.base, "bert@example.org", &rcpt));
	account_end(&a);
}

static void
write_limits(struct account *a, const char *text)
{
	int fd;

	(void)unlinkat(a->dir, "limits", 0);
	fd = openat(a->dir, "limits", O_WRONLY | O_CREAT, 0644);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE_EQ((ssize_t)strlen(text), write(fd, text, strlen(text)));
	close(fd);
}

ATF_TC_WITHOUT_HEAD(limits);
ATF_TC_BODY(limits, tc)
{
	static const char *const bad[] = {"quota\n", "quota x\n", "quota -1\n",
	    "quota 99999999999999999999\n", "mail\n", "quota 1 \n"};
	struct store_limits l;
	struct account a;
	size_t i;

	account_make(&a);
	OK(store_limits_read(a.dir, &l));
	ATF_CHECK_EQ(0, l.quota);
	ATF_CHECK(!l.disabled);
	write_limits(&a, "# by hand\n\nquota 12345\ndisabled");
	OK(store_limits_read(a.dir, &l));
	ATF_CHECK_EQ(12345, l.quota);
	ATF_CHECK(l.disabled);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_limits(&a, bad[i]);
		ATF_CHECK_EQ_MSG(
		    STORE_CORRUPT, store_limits_read(a.dir, &l), "%s", bad[i]);
	}
	l = (struct store_limits){.quota = 77};
	OK(store_limits_write(a.dir, &l));
	OK(store_limits_read(a.dir, &l));
	ATF_CHECK_EQ(77, l.quota);
	account_end(&a);
}

/* Chunks out of order, of wrong sizes, too many. */
ATF_TC_WITHOUT_HEAD(writer);
ATF_TC_BODY(writer, tc)
{
	static uint8_t data[STORE_CHUNK + 1];
	struct store_chunk body = {STORE_BODY, false, 10, data, 10};
	struct store_chunk sum = {STORE_SUMMARY, false, 10, data, 10};
	struct store_chunk full = {
	    STORE_SUMMARY, false, STORE_CHUNK, data, STORE_CHUNK};
	struct store_rcpt *rcpt;
	struct store_blob *b;
	struct account a;
	unsigned int i;

	account_make(&a);
	OK(store_rcpt_open(a.base, ACCOUNT, &rcpt));
	OK(store_blob_create(rcpt, 0, &b));
	OK(store_blob_chunk(b, &body));
	/* After a short one there is no other. */
	ATF_CHECK_EQ(STORE_INVALID, store_blob_chunk(b, &body));
	OK(store_blob_chunk(b, &sum));
	ATF_CHECK_EQ(STORE_INVALID, store_blob_chunk(b, &body));
	ATF_CHECK_EQ(STORE_INVALID, store_blob_sync(a.base, &b, 1));
	ATF_CHECK_EQ(1, count_files(&a, "in"));
	store_blob_free(b);
	ATF_CHECK_EQ(0, count_files(&a, "in"));
	OK(store_blob_create(rcpt, 0, &b));
	body.len = STORE_CHUNK + 1;
	ATF_CHECK_EQ(STORE_INVALID, store_blob_chunk(b, &body));
	body.len = 11;
	ATF_CHECK_EQ(STORE_INVALID, store_blob_chunk(b, &body));
	for (i = 0; i < 3; i++)
		OK(store_blob_chunk(b, &full));
	ATF_CHECK_EQ(STORE_LIMIT, store_blob_chunk(b, &full));
	store_blob_free(b);
	store_rcpt_free(rcpt);
	ATF_CHECK_EQ(STORE_UNKNOWN,
	    store_rcpt_open(a.base, "nobody@example.org", &rcpt));
	account_end(&a);
}

/* The first chunk comes last, once, and only where its place was left. */
ATF_TC_WITHOUT_HEAD(later);
ATF_TC_BODY(later, tc)
{
	static uint8_t data[STORE_CHUNK];
	struct store_chunk body = {STORE_BODY, false, 10, data, 10};
	struct store_envelope env = {
	    .from = "", .to = "", .hint = "", .verdict = ""};
	struct store_rcpt *rcpt;
	struct store_blob *b;
	struct account a;

	account_make(&a);
	OK(store_rcpt_open(a.base, ACCOUNT, &rcpt));
	OK(store_blob_create(rcpt, 0, &b));
	ATF_CHECK_EQ(STORE_INVALID, store_blob_first(b, data));
	OK(store_blob_chunk(b, &body));
	ATF_CHECK_EQ(STORE_INVALID, store_blob_later(b));
	store_blob_free(b);
	OK(store_blob_create(rcpt, 0, &b));
	OK(store_blob_later(b));
	ATF_CHECK_EQ(STORE_INVALID, store_blob_later(b));
	OK(store_blob_chunk(b, &body));
	ATF_CHECK_EQ(STORE_INVALID, store_blob_finish(b, &env));
	OK(store_blob_first(b, data));
	ATF_CHECK_EQ(STORE_INVALID, store_blob_first(b, data));
	OK(store_blob_finish(b, &env));
	ATF_CHECK_EQ(STORE_INVALID, store_blob_later(b));
	OK(store_blob_sync(a.base, &b, 1));
	store_blob_free(b);
	ATF_CHECK_EQ(1, count_files(&a, "in"));
	store_rcpt_free(rcpt);
	account_end(&a);
}

/* A message that is there, but for its end: at the limits and past them. */
ATF_TC_WITHOUT_HEAD(fits);
ATF_TC_BODY(fits, tc)
{
	static uint8_t data[STORE_CHUNK];
	struct store_chunk c = {
	    STORE_BODY, false, STORE_CHUNK, data, STORE_CHUNK};
	struct store_limits l = {.quota = 200000, .max_messages = 2};
	struct store_rcpt *rcpt;
	struct store_blob *a, *b;
	struct account acct;

	account_make(&acct);
	OK(store_limits_write(acct.dir, &l));
	OK(store_rcpt_open(acct.base, ACCOUNT, &rcpt));
	OK(store_blob_create(rcpt, 0, &a));
	OK(store_blob_chunk(a, &c));
	/* Its own file is no other message, nor are its octets others'. */
	OK(store_rcpt_fits(rcpt, 200000, store_blob_size(a)));
	ATF_CHECK_EQ(
	    STORE_OVERQUOTA, store_rcpt_fits(rcpt, 200001, store_blob_size(a)));
	/* There may be one. */
	OK(store_blob_create(rcpt, 0, &b));
	OK(store_blob_chunk(b, &c));
	ATF_CHECK_EQ(STORE_OVERQUOTA,
	    store_rcpt_fits(rcpt, STORE_CHUNK, store_blob_size(b)));
	store_blob_free(a);
	OK(store_rcpt_fits(rcpt, STORE_CHUNK, store_blob_size(b)));
	store_blob_free(b);
	store_rcpt_free(rcpt);
	l = (struct store_limits){0};
	OK(store_limits_write(acct.dir, &l));
	OK(store_rcpt_open(acct.base, ACCOUNT, &rcpt));
	OK(store_rcpt_fits(rcpt, UINT64_MAX, 0));
	store_rcpt_free(rcpt);
	account_end(&acct);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, paths);
	ATF_TP_ADD_TC(tp, lengths);
	ATF_TP_ADD_TC(tp, directories);
	ATF_TP_ADD_TC(tp, unreadable);
	ATF_TP_ADD_TC(tp, links);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, writer);
	ATF_TP_ADD_TC(tp, later);
	ATF_TP_ADD_TC(tp, fits);
	return atf_no_error();
}
