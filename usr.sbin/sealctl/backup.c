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
 * sealctl backup and restore: accounts as plain files in another directory,
 * and back.  Neither needs a key, nor that the daemons run or stand still.
 */

#include <sys/types.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "seal.h"
#include "sealctl.h"
#include "store_backup.h"
#include "store_verify.h"

static const struct column transfer_columns[] = {
    {"account", COLUMN_TEXT, 30},
    {"state", COLUMN_TEXT, 10},
    {"files", COLUMN_NUMBER, 10},
    {"octets", COLUMN_NUMBER, 14},
    {"kept", COLUMN_NUMBER, 10},
};
#define N_COLUMNS (sizeof(transfer_columns) / sizeof(transfer_columns[0]))

struct run {
	int base;  /* of the accounts that are in use */
	int dir;   /* of the copies */
	uid_t uid; /* of who shall own what is restored */
	gid_t gid;
	const char *account;
	uint64_t total;
};

static void
print_failure(void *arg, const char *file, const char *why)
{
	struct run *run = arg;

	bar_clear();
	warnx("%s: %s: %s", run->account, file, why);
}

static void
count_octets(void *arg, uint64_t octets)
{
	(void)arg;
	bar_add(octets);
}

static void
print_account(const char *account, const struct store_transfer *t)
{
	bar_clear();
	out_text(account);
	out_text(t->failures == 0 ? "whole" : "incomplete");
	out_number(t->copied);
	out_number(t->octets);
	out_number(t->kept);
}

static int
open_dir(const char *path, bool make)
{
	int fd;

	if (make && mkdir(path, 0700) == -1 && errno != EEXIST) {
		/* Perhaps a disk that is not mounted: so no more is made. */
		if (errno == ENOENT)
			warnx("%s: the folder above it does not exist", path);
		else
			warn("%s", path);
		return -1;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		warn("%s", path);
	return fd;
}

/* One at a time: two would clear away what the other has begun. */
static int
lock_dir(int dir, const char *path)
{
	int fd;

	fd = openat(
	    dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1 || flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (fd != -1 && errno == EWOULDBLOCK)
			warnx("%s: another backup is under way", path);
		else
			warn("%s/lock", path);
		return -1;
	}
	return 0;
}

/* The copy's directory, with those above it. */
static int
open_copy(struct run *run, const char *account)
{
	char path[STORE_PATH_MAX], *p;
	int fd;

	if (store_path(account, path, sizeof(path)) == -1)
		return -1;
	for (p = strchr(path, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdirat(run->dir, path, 0700) == -1 && errno != EEXIST)
			return -1;
		*p = '/';
	}
	if (mkdirat(run->dir, path, 0700) == -1 && errno != EEXIST)
		return -1;
	fd = openat(
	    run->dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd;
}

static int
measure_account(const char *account, int fd, void *arg)
{
	struct run *run = arg;
	uint64_t files = 0;

	(void)account;
	store_measure(fd, &files, &run->total);
	return 0;
}

static const char *
transfer_error(enum store_result result)
{
	if (result == STORE_EXISTS)
		return "the copy of that name is another account's: move it "
		       "away";
	if (result == STORE_CORRUPT)
		return "its account file or keys do not verify";
	return store_strerror(result);
}

static int
backup_account(const char *account, int fd, void *arg)
{
	struct run *run = arg;
	struct store_transfer t;
	enum store_result result;
	int to;

	run->account = account;
	memset(&t, 0, sizeof(t));
	t.failed = print_failure;
	t.progress = count_octets;
	t.arg = run;
	to = open_copy(run, account);
	result = to == -1 ? STORE_IO : store_backup(fd, to, &t);
	if (result != STORE_OK) {
		bar_clear();
		if (result == STORE_IO)
			warn("%s", account);
		else
			warnx("%s: %s", account, transfer_error(result));
		t.failures++;
	}
	if (to != -1)
		(void)close(to);
	print_account(account, &t);
	return t.failures == 0 ? 0 : -1;
}

int
cmd_backup(struct invocation *inv)
{
	struct run run;
	unsigned int failed;

	if (inv->argc < 2)
		return EXIT_BAD_USAGE;
	memset(&run, 0, sizeof(run));
	(void)umask(077);
	if (seal_init() == -1)
		err(EXIT_FAILED, "libsodium");
	if ((run.base = accounts_base(inv->conf)) == -1 ||
	    (run.dir = open_dir(inv->argv[1], true)) == -1 ||
	    lock_dir(run.dir, inv->argv[1]) == -1)
		return EXIT_FAILED;
	accounts_narrow(inv->conf, inv->argv[1], true, false);
	if (bar_wanted())
		(void)accounts_each(inv, -2, run.base, measure_account, &run);
	bar_start(run.total);
	out_start(transfer_columns, N_COLUMNS, inv->json);
	failed = accounts_each(inv, 2, run.base, backup_account, &run);
	bar_clear();
	(void)fsync(run.dir);
	(void)close(run.dir);
	(void)close(run.base);
	if (out_end(failed > 0) == -1) {
		warn("standard output");
		failed++;
	}
	return failed > 0 ? EXIT_FAILED : 0;
}

/*
 * accounts/ and accounts/<domain> may be new, and must be the vault's as
 * sealimapd would have made them.
 */
static int
give_parents(struct run *run, const char *account)
{
	char path[STORE_PATH_MAX], *p;
	struct stat sb;

	if (geteuid() != 0)
		return 0;
	if (store_path(account, path, sizeof(path)) == -1)
		return -1;
	for (p = strchr(path, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (fstatat(run->base, path, &sb, AT_SYMLINK_NOFOLLOW) == -1)
			return -1;
		if (sb.st_uid == 0 &&
		    (fchownat(run->base, path, run->uid, run->gid,
			 AT_SYMLINK_NOFOLLOW) == -1 ||
			fchmodat(run->base, path, 02750, 0) == -1))
			return -1;
		*p = '/';
	}
	return 0;
}

static int
restore_account(const char *account, int from, void *arg)
{
	struct run *run = arg;
	struct store_transfer t;
	enum store_result result;
	int fd;

	run->account = account;
	memset(&t, 0, sizeof(t));
	t.failed = print_failure;
	t.progress = count_octets;
	t.arg = run;
	result = store_account_create(run->base, account, &fd);
	if (result == STORE_EXISTS) {
		bar_clear();
		warnx("%s: exists; not touched", account);
		return -1;
	}
	if (result == STORE_OK && give_parents(run, account) == -1)
		result = STORE_IO;
	if (result == STORE_OK)
		result = store_restore(from, fd, run->uid, run->gid, &t);
	if (result == STORE_OK)
		result = store_account_publish(run->base, account, fd);
	if (result != STORE_OK) {
		bar_clear();
		if (result == STORE_IO)
			warn("%s", account);
		else
			warnx("%s: %s", account, transfer_error(result));
		store_account_abandon(run->base, account, fd);
		return -1;
	}
	(void)close(fd);
	print_account(account, &t);
	return t.failures == 0 ? 0 : -1;
}

int
cmd_restore(struct invocation *inv)
{
	struct run run;
	unsigned int failed;

	if (inv->argc < 2)
		return EXIT_BAD_USAGE;
	memset(&run, 0, sizeof(run));
	if (seal_init() == -1)
		err(EXIT_FAILED, "libsodium");
	if (geteuid() == 0 &&
	    conf_ids(inv->conf, CONF_VAULT, &run.uid, &run.gid, stderr) == -1)
		return EXIT_FAILED;
	/* Modes are what the library says. */
	(void)umask(0);
	if ((run.base = accounts_base(inv->conf)) == -1 ||
	    (run.dir = open_dir(inv->argv[1], false)) == -1 ||
	    accounts_there(run.dir, inv->argv[1]) == -1)
		return EXIT_FAILED;
	accounts_narrow(inv->conf, inv->argv[1], false, true);
	if (bar_wanted())
		(void)accounts_each(inv, -2, run.dir, measure_account, &run);
	bar_start(run.total);
	out_start(transfer_columns, N_COLUMNS, inv->json);
	failed = accounts_each(inv, 2, run.dir, restore_account, &run);
	bar_clear();
	(void)fsync(run.base);
	(void)close(run.dir);
	(void)close(run.base);
	if (out_end(failed > 0) == -1) {
		warn("standard output");
		failed++;
	}
	return failed > 0 ? EXIT_FAILED : 0;
}
