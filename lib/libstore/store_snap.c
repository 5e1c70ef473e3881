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
 * Snapshots: snap/<generation>/ with the file `state`, the packs `cold` and
 * `sum` and a column file for each box.  All of it can be rebuilt from the log
 * and the blobs; what does not verify is left and rebuilt.
 */

#include <sys/types.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_local.h"

#define KIND_STATE 1
#define GEN_MAX 0xffffffffffULL

/* The highest generation below limit; 0 if there is none. */
static uint64_t
highest(struct store *st, uint64_t limit)
{
	struct dirent *de;
	uint64_t gen, best;
	const char *e;
	DIR *dir;
	int fd;

	best = 0;
	fd = sys_open(st->acct, "snap", O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd != -1)
			(void)close(fd);
		return 0;
	}
	while ((de = readdir(dir)) != NULL) {
		gen = (uint64_t)strtonum(de->d_name, 1, GEN_MAX, &e);
		if (e == NULL && gen < limit && gen > best)
			best = gen;
	}
	(void)closedir(dir);
	return best;
}

static int
enter(struct store *st, uint64_t gen, bool create)
{
	char name[32];

	if (st->snap_fd != -1)
		(void)close(st->snap_fd);
	pack_close(&st->cold);
	pack_close(&st->sum);
	st->gen = gen;
	(void)snprintf(
	    name, sizeof(name), "snap/%llu", (unsigned long long)gen);
	if (create && sys()->mkdir(st->acct, name, 0700) == -1) {
		st->snap_fd = -1;
		return -1;
	}
	st->snap_fd = sys_open(st->acct, name, O_RDONLY | O_DIRECTORY);
	if (st->snap_fd == -1 ||
	    pack_open(st, &st->cold, "cold", create) == -1 ||
	    pack_open(st, &st->sum, "sum", create) == -1)
		return -1;
	return 0;
}

static void
remove_older(struct store *st, uint64_t than)
{
	uint64_t gen;
	char name[32];
	int fd;

	fd = sys_open(st->acct, "snap", O_RDONLY | O_DIRECTORY);
	if (fd == -1)
		return;
	while ((gen = highest(st, than)) > 0) {
		(void)snprintf(
		    name, sizeof(name), "%llu", (unsigned long long)gen);
		if (path_remove_tree(fd, name) == -1)
			break;
	}
	(void)close(fd);
}

int
snap_enter_next(struct store *st)
{
	return enter(st, highest(st, GEN_MAX) + 1, true);
}

int
snap_new(struct store *st)
{
	uint64_t gen;

	/* None of the older ones was of use. */
	gen = highest(st, GEN_MAX) + 1;
	remove_older(st, gen);
	st->snap_bad = false;
	return enter(st, gen, true);
}

/*
 * Something of it does not verify: the next opening folds the log instead.
 * Not where errno tells of this process's troubles.
 */
void
snap_invalidate(struct store *st)
{
	int saved;

	saved = errno;
	if (saved != EBADMSG && saved != ENOENT)
		return;
	st->snap_bad = true;
	if (st->snap_fd != -1)
		(void)sys()->unlink(st->snap_fd, "state", 0);
	errno = saved;
}

int
snap_load(struct store *st)
{
	struct seq s;
	uint64_t gen;

	for (gen = highest(st, GEN_MAX); gen > 0; gen = highest(st, gen)) {
		state_reset(st);
		if (enter(st, gen, false) == -1 ||
		    seq_open(st, &s, "state", KIND_STATE) == -1)
			continue;
		if (state_read(st, &s) == -1) {
			seq_abort(&s);
			continue;
		}
		if (seq_end(&s) == 0)
			return 0;
	}
	state_reset(st);
	return -1;
}

/* Column files that no box names, left by a crash or just replaced. */
static void
sweep_columns(struct store *st)
{
	unsigned long long id;
	unsigned int version;
	struct dirent *de;
	struct box *b;
	DIR *dir;
	int fd;

	fd = sys_open(st->snap_fd, ".", O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd != -1)
			(void)close(fd);
		return;
	}
	while ((de = readdir(dir)) != NULL) {
		if (sscanf(de->d_name, "box.%llx.%x", &id, &version) != 2)
			continue;
		b = box_find(st, id);
		if (b == NULL || b->file != version)
			(void)sys()->unlink(st->snap_fd, de->d_name, 0);
	}
	(void)closedir(dir);
}

/* Columns and state.tmp, one by one. */
static int
sync_files(struct store *st)
{
	struct dirent *de;
	DIR *dir;
	int fd, r;

	fd = sys_open(st->snap_fd, ".", O_RDONLY | O_DIRECTORY);
	dir = fd == -1 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	r = 0;
	while (r == 0 && (de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		fd = sys_open(st->snap_fd, de->d_name, O_RDONLY);
		r = fd == -1 ? -1 : sys_fsync(fd);
		if (fd != -1)
			(void)close(fd);
	}
	(void)closedir(dir);
	return r;
}

static int
sync_all(struct store *st)
{
	int r;

	/* With one call, in/ and blob/ too: see waiting_list(). */
	r = sys_syncfs(st->acct);
	if (r != 1)
		return r;
	if (sync_files(st) == -1 || sys_sync_dir(st->acct, "in") == -1 ||
	    sys_sync_dir(st->acct, "blob") == -1)
		return -1;
	return sys_fsync(st->snap_fd);
}

static int
save_state(struct store *st)
{
	struct seq s;

	if (seq_create(st, &s, "state.tmp", KIND_STATE) == -1)
		return -1;
	if (state_write(st, &s) == -1) {
		seq_abort(&s);
		return -1;
	}
	if (seq_end(&s) == -1 || sync_all(st) == -1 ||
	    sys()->rename(st->snap_fd, "state.tmp", st->snap_fd, "state") == -1)
		return -1;
	return sys_fsync(st->snap_fd);
}

static void
prune_tombs(struct box *b, uint32_t now)
{
	size_t from, to;

	for (from = to = 0; from < b->ntombs; from++) {
		if (now - b->tombs[from].when <= TOMB_KEEP ||
		    b->tombs[from].when > now)
			b->tombs[to++] = b->tombs[from];
	}
	b->ntombs = to;
}

/* Everything must be committed.  A snapshot is a cache: failing is no loss. */
enum store_result
snap_save(struct store *st)
{
	size_t i;

	if (st->ops.len > 0 || st->snap_bad || st->snap_fd == -1)
		return STORE_INVALID;
	if (pack_flush(st, &st->cold) == -1 || pack_flush(st, &st->sum) == -1)
		return sys_result();
	for (i = 0; i < st->nboxes; i++) {
		if (!st->boxes[i]->dirty)
			continue;
		prune_tombs(st->boxes[i], st->now);
		if (col_save(st, st->boxes[i]) == -1)
			return sys_result();
	}
	if (save_state(st) == -1) {
		st->snap_bad = true;
		return sys_result();
	}
	st->log_snapped = st->log_since;
	sweep_columns(st);
	remove_older(st, st->gen);
	return STORE_OK;
}
