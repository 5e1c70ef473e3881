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
 * Frozen columns, and the steps of upkeep.  To freeze a column is to take a
 * reference on each of its blocks, so it costs nothing to speak of; a change
 * then copies the one block that it touches.  A column that is not in memory
 * is frozen in its file, which stays as it is until the next snapshot: that is
 * why there is only one piece of upkeep at a time.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_work.h"

int
freeze(struct frozen *f, const struct box *b)
{
	size_t i;

	f->box = b->pub.id;
	f->file = b->file;
	f->n = b->pub.messages;
	if (!b->loaded)
		return 0;
	f->blocks = calloc(b->nblocks + 1, sizeof(*f->blocks));
	if (f->blocks == NULL)
		return -1;
	for (i = 0; i < b->nblocks; i++) {
		f->blocks[i] = b->blocks[i];
		/* The last one may grow: what it has now counts. */
		f->blocks[i].before = b->blocks[i].p->n;
		f->blocks[i].p->refs++;
	}
	f->nblocks = b->nblocks;
	f->tombs = b->tombs;
	f->ntombs = b->ntombs;
	if (f->tombs != NULL)
		f->tombs->refs++;
	return 0;
}

void
thaw(struct frozen *f)
{
	while (f->nblocks > 0)
		block_drop(f->blocks[--f->nblocks].p);
	free(f->blocks);
	tombs_drop(f->tombs);
	f->blocks = NULL;
	f->tombs = NULL;
	buf_clear(&f->before);
	buf_clear(&f->after);
}

void
frozen_rewind(struct frozen_at *at)
{
	if (at->open)
		seq_abort(&at->c.s);
	memset(at, 0, sizeof(*at));
}

/* From the file; in a compaction that is the old generation's. */
static int
open_file(struct store *st, struct frozen *f, struct frozen_at *at)
{
	int r;

	if (at->open)
		return 0;
	if (st->old.fd != -1)
		r = colr_begin(
		    st, &at->c, st->old.fd, st->old.cold.gen, f->box, f->file);
	else
		r = colr_begin(
		    st, &at->c, st->snap_fd, st->gen, f->box, f->file);
	if (r == 0 && at->c.n != f->n) {
		seq_abort(&at->c.s);
		errno = EBADMSG;
		r = -1;
	}
	if (r == -1) {
		snap_invalidate(st);
		return -1;
	}
	f->ntombs = at->c.ntombs;
	at->open = true;
	return 0;
}

int
frozen_msgs(struct store *st, struct frozen *f, struct frozen_at *at,
    const struct store_msg **m, size_t *n)
{
	static struct store_msg batch[COL_ROWS];

	if (f->blocks != NULL) {
		if (at->block == f->nblocks)
			return 0;
		*m = f->blocks[at->block].p->m;
		*n = f->blocks[at->block++].before;
		return 1;
	}
	if (open_file(st, f, at) == -1)
		return -1;
	if (at->c.n == 0)
		return 0;
	*n = at->c.n < COL_ROWS ? at->c.n : COL_ROWS;
	if (colr_msgs(&at->c, batch, *n) == -1) {
		snap_invalidate(st);
		return -1;
	}
	*m = batch;
	return 1;
}

int
frozen_tombs(struct store *st, struct frozen *f, struct frozen_at *at,
    const struct tomb **t, size_t *n)
{
	static struct tomb batch[COL_ROWS];
	size_t i;

	if (f->blocks == NULL && open_file(st, f, at) == -1)
		return -1;
	*n = f->ntombs - at->tomb;
	if (*n == 0)
		return 0;
	if (*n > COL_ROWS)
		*n = COL_ROWS;
	*t = batch;
	if (f->blocks != NULL)
		*t = f->tombs->t + at->tomb;
	for (i = 0; f->blocks == NULL && i < *n; i++) {
		if (colr_tomb(&at->c, &batch[i]) == -1) {
			snap_invalidate(st);
			return -1;
		}
	}
	at->tomb += *n;
	return 1;
}

struct work *
work_new(struct store *st, enum work_kind kind, size_t nboxes)
{
	struct work *w;

	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return NULL;
	w->kind = kind;
	w->boxes = calloc(nboxes + 1, sizeof(*w->boxes));
	if (w->boxes == NULL) {
		free(w);
		return NULL;
	}
	st->work = w;
	return w;
}

void
work_drop(struct store *st)
{
	struct work *w = st->work;

	if (w == NULL)
		return;
	st->work = NULL;
	if (w->kind == WORK_SNAPSHOT)
		snap_dropped(st, w);
	if (w->writing)
		seq_abort(&w->out.s);
	frozen_rewind(&w->pos);
	while (w->nboxes > 0)
		thaw(&w->boxes[--w->nboxes]);
	free(w->boxes);
	buf_clear(&w->rest);
	buf_clear(&w->state);
	buf_clear(&w->buf);
	free(w);
}

enum store_result
work_step(struct store *st)
{
	switch (st->work->kind) {
	case WORK_CHECKPOINT:
		return checkpoint_step(st);
	case WORK_SNAPSHOT:
		return snap_step(st);
	case WORK_COMPACT:
		return compact_step(st);
	}
	return STORE_INVALID;
}

enum store_result
work_finish(struct store *st)
{
	enum store_result result;

	for (result = STORE_OK; result == STORE_OK && st->work != NULL;)
		result = work_step(st);
	return result;
}
