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

#include "store_work.h"

#define PHASE_CLEAR 1
#define GEN_MAX 0xffffffffffULL
#define STEP_ROWS 4096 /* messages written in one step */

uint64_t
snap_highest(struct store *st, uint64_t limit)
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
	while ((gen = snap_highest(st, than)) > 0) {
		(void)snprintf(
		    name, sizeof(name), "%llu", (unsigned long long)gen);
		if (path_remove_tree(fd, name) == -1)
			break;
	}
	(void)close(fd);
}

/* References tell two generations apart by whether they are odd. */
int
snap_enter_next(struct store *st)
{
	uint64_t gen;

	gen = snap_highest(st, GEN_MAX) + 1;
	return enter(st, gen % 2 == st->gen % 2 ? gen + 1 : gen, true);
}

int
snap_new(struct store *st)
{
	uint64_t gen;

	/* None of the older ones was of use. */
	gen = snap_highest(st, GEN_MAX) + 1;
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
	if (st->old.fd != -1)
		(void)sys()->unlink(st->old.fd, "state", 0);
	errno = saved;
}

int
snap_load(struct store *st)
{
	struct seq s;
	uint64_t gen;

	for (gen = snap_highest(st, GEN_MAX); gen > 0;
	     gen = snap_highest(st, gen)) {
		state_reset(st);
		if (enter(st, gen, false) == -1 ||
		    seq_open(st, st->snap_fd, &s, "state", KIND_STATE) == -1)
			continue;
		if (state_read(st, &s) == -1) {
			seq_abort(&s);
			continue;
		}
		if (seq_end(&s) == 0) {
			st->tails_wait = true;
			return 0;
		}
	}
	state_reset(st);
	return -1;
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

/* The columns are on the disk, or about to be: what names them. */
static int
save_state(struct store *st, struct work *w)
{
	struct seq s;

	if (seq_create(st, &s, "state.tmp", KIND_STATE) == -1)
		return -1;
	if (seq_put(&s, w->state.p, w->state.len) == -1) {
		seq_abort(&s);
		return -1;
	}
	if (seq_end(&s) == -1 || sync_all(st) == -1 ||
	    sys()->rename(st->snap_fd, "state.tmp", st->snap_fd, "state") == -1)
		return -1;
	return sys_fsync(st->snap_fd);
}

/*
 * A snapshot in steps.  State and columns are frozen at its beginning, so that
 * what is written is the account as it was then, however long it takes; the
 * positions in the log that it names are of then, too, and what happened since
 * follows them.  Nothing of it counts before state has its name: the state
 * there was names other column files.
 */
enum store_result
snap_begin(struct store *st, uint32_t retire)
{
	struct work *w;
	struct box *b;
	size_t i;

	if (st->ops.len > 0 || st->snap_bad || st->snap_fd == -1 ||
	    st->work != NULL || st->old.fd != -1 || parts_left(st))
		return STORE_INVALID;
	if (tails_back(st) == -1 || pack_flush(st, &st->cold) == -1 ||
	    pack_flush(st, &st->sum) == -1)
		return sys_result();
	w = work_new(st, WORK_SNAPSHOT, st->nboxes);
	if (w == NULL)
		return STORE_IO;
	w->retire = retire;
	w->since = st->log_since;
	for (i = 0; i < st->nboxes; i++) {
		b = st->boxes[i];
		if (!b->dirty)
			continue;
		tombs_prune(b, st->now);
		if (freeze(&w->boxes[w->nboxes], b) == -1) {
			work_drop(st);
			return STORE_IO;
		}
		w->nboxes++;
		b->dirty = false;
		b->saving = true;
	}
	if (state_write(st, &w->state) == -1) {
		work_drop(st);
		return STORE_IO;
	}
	return STORE_OK;
}

/* Its columns are as they were: not saved. */
void
snap_dropped(struct store *st, struct work *w)
{
	struct box *b;

	for (; w->at < w->nboxes; w->at++) {
		b = box_find(st, w->boxes[w->at].box);
		if (b != NULL && b->saving) {
			b->saving = false;
			b->dirty = true;
		}
	}
}

/* Some of a column: 1 when it is whole. */
static int
save_some(struct store *st, struct work *w)
{
	struct frozen *f = &w->boxes[w->at];
	const struct store_msg *m;
	const struct tomb *t;
	size_t n, sum;
	int r;

	if (!w->writing) {
		if (colw_begin(st, &w->out, f->box, f->file + 1, f->n,
			f->ntombs) == -1)
			return -1;
		w->writing = true;
	}
	for (sum = 0; sum < (st->small_steps ? 1 : STEP_ROWS); sum += n) {
		r = frozen_msgs(st, f, &w->pos, &m, &n);
		if (r == 1)
			r = colw_msgs(&w->out, m, n) == -1 ? -1 : 1;
		else if (r == 0) {
			r = frozen_tombs(st, f, &w->pos, &t, &n);
			if (r == 1 && colw_tombs(&w->out, t, n) == -1)
				r = -1;
		}
		if (r != 1)
			return r == 0 ? 1 : -1;
	}
	return 0;
}

static int
save_column(struct store *st, struct work *w)
{
	struct frozen *f = &w->boxes[w->at];
	struct box *b;
	int r;

	r = save_some(st, w);
	if (r != 1)
		return r;
	w->writing = false;
	if (seq_end(&w->out.s) == -1)
		return -1;
	b = box_find(st, f->box);
	if (b != NULL && b->saving) {
		b->saving = false;
		b->moved = true;
		b->file = f->file + 1;
	}
	frozen_rewind(&w->pos);
	thaw(f);
	w->at++;
	return 0;
}

/* Segments before first go to trash/; a peer's are not ours to move. */
static void
retire_segments(struct store *st, uint32_t first)
{
	char from[64], to[96];
	uint32_t seg;

	for (seg = first - 1; seg > 0; seg--) {
		seg_name(own_writer(st), seg, from, sizeof(from));
		(void)snprintf(to, sizeof(to), "trash/log.%s", from + 4);
		if (sys()->rename(st->acct, from, st->acct, to) == -1)
			break;
	}
}

enum store_result
snap_step(struct store *st)
{
	struct work *w = st->work;
	enum store_result result;

	if (w->phase == PHASE_CLEAR) {
		if (!clear_step(st))
			work_drop(st);
		return STORE_OK;
	}
	if (st->ops.len > 0 || st->failed || st->snap_bad) {
		work_drop(st);
		return STORE_INVALID;
	}
	if (w->at < w->nboxes) {
		if (save_column(st, w) == 0)
			return STORE_OK;
		result = sys_result();
		work_drop(st);
		return result;
	}
	if (save_state(st, w) == -1) {
		result = sys_result();
		st->snap_bad = true;
		work_drop(st);
		return result;
	}
	st->log_snapped = w->since;
	st->tails_wait = true;
	if (w->retire > 0)
		retire_segments(st, w->retire);
	w->phase = PHASE_CLEAR;
	return STORE_OK;
}

/* Everything must be committed.  A snapshot is a cache: failing is no loss. */
enum store_result
snap_save(struct store *st)
{
	enum store_result result;

	if (st->work != NULL && st->work->kind != WORK_COMPACT)
		work_drop(st);
	result = snap_begin(st, 0);
	return result == STORE_OK ? work_finish(st) : result;
}
