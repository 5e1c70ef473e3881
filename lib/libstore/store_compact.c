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
 * Compaction of the packs: cold records and summaries of messages that are no
 * more stay in them, and when they are the larger part, what is in use is
 * copied to the packs of a new generation, in the order of boxes and UIDs.
 *
 * In steps, between which the account is in use, with both generations: what
 * is placed goes to the new one, and a reference tells by being odd or even
 * where it points.  When no message refers to the old packs they are closed,
 * and a snapshot makes the new generation the one that counts.  A crash before
 * that finds the old snapshot as it was, and the log behind it.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_work.h"

#define DEAD_MIN 8192  /* dead records that are never worth it */
#define STEP_MSGS 1024 /* messages moved in one step */

bool
compact_due(const struct store *st)
{
	uint64_t live, all;
	size_t i;

	for (i = 0, live = 0; i < st->nboxes; i++)
		live += st->boxes[i]->pub.messages;
	all = st->cold.len / COLD_LEN;
	/* Once begun it should end. */
	return all > live && all - live > DEAD_MIN && all - live > live &&
	    store_room(st->acct, st->cold.len + st->sum.len);
}

/* Copies of a message share its summary, here as before. */
static int
carry_summary(struct store *st, struct cold *c)
{
	struct shared key, *s;
	struct buf b = {0};
	uint64_t off;
	int r;

	if (c->sum_len == SUM_UNKNOWN)
		return 0;
	memcpy(key.blob, c->blob, STORE_ID);
	s = RB_FIND(shared_tree, &st->shared, &key);
	if (s != NULL && s->sum_gen == st->gen) {
		c->sum_off = s->sum_off;
		return 0;
	}
	if (c->sum_len > STORE_SUMMARY_MAX) {
		errno = EBADMSG;
		return -1;
	}
	while (!b.failed && b.size < c->sum_len) {
		b.len = b.size;
		buf_put8(&b, 0);
	}
	r = -1;
	if (!b.failed &&
	    pack_read(st, &st->old.sum, c->sum_off, c->sum_len, b.p) == 0) {
		b.len = c->sum_len;
		r = pack_append(st, &st->sum, b.p, b.len, &off);
	}
	buf_clear(&b);
	if (r == -1)
		return -1;
	c->sum_off = off;
	if (s != NULL) {
		s->sum_off = off;
		s->sum_gen = st->gen;
	}
	return 0;
}

int
cold_carry(struct store *st, uint32_t ref, struct cold *c)
{
	if (cold_read(st, ref, c) == -1)
		return -1;
	return c->old ? carry_summary(st, c) : 0;
}

/* 1: moved; 0: it was there already. */
static int
move_record(struct store *st, uint32_t *ref)
{
	struct cold c;
	int r;

	if (((*ref & COLD_ODD) != 0) == (st->gen % 2 != 0))
		return 0;
	r = cold_carry(st, *ref, &c);
	if (r == 0)
		r = cold_append(st, &c, ref);
	explicit_bzero(&c, sizeof(c));
	return r == 0 ? 1 : -1;
}

/* The new generation could not be made: back to the one there is. */
static void
compact_undo(struct store *st)
{
	if (st->snap_fd != -1)
		(void)close(st->snap_fd);
	pack_close(&st->cold);
	pack_close(&st->sum);
	st->snap_fd = st->old.fd;
	st->cold = st->old.cold;
	st->sum = st->old.sum;
	st->gen = st->cold.gen;
	st->old.fd = -1;
	pack_init(&st->old.cold, st->cold.kind);
	pack_init(&st->old.sum, st->sum.kind);
	work_drop(st);
}

enum store_result
compact_begin(struct store *st)
{
	enum store_result result;
	struct work *w;
	size_t i;

	if (st->ops.len > 0 || st->failed || st->snap_bad ||
	    st->snap_fd == -1 || st->work != NULL || st->old.fd != -1 ||
	    parts_left(st))
		return STORE_INVALID;
	if (tails_back(st) == -1)
		return sys_result();
	w = work_new(st, WORK_COMPACT, 1);
	if (w == NULL)
		return STORE_IO;
	st->old.fd = st->snap_fd;
	st->old.cold = st->cold;
	st->old.sum = st->sum;
	st->snap_fd = -1;
	pack_init(&st->cold, st->old.cold.kind);
	pack_init(&st->sum, st->old.sum.kind);
	for (i = 0; i < st->nboxes; i++)
		st->boxes[i]->moved = false;
	if (snap_enter_next(st) == 0)
		return STORE_OK;
	result = sys_result();
	compact_undo(st);
	return result;
}

static struct box *
next_box(struct store *st, uint64_t id)
{
	struct box *b;

	b = box_find(st, id);
	if (b != NULL)
		return b;
	for (size_t i = 0; i < st->nboxes; i++) {
		if (st->boxes[i]->pub.id >= id)
			return st->boxes[i];
	}
	return NULL;
}

/* Messages that are in memory, where they are: 1 when all were moved. */
static int
move_loaded(struct store *st, struct work *w, struct box *b)
{
	uint32_t ref;
	size_t i, n;
	bool found;
	int r;

	i = col_find(b, w->uid, &found);
	for (n = 0; i < b->n && n < (st->small_steps ? 1 : STEP_MSGS);
	     i++, n++) {
		ref = col_at(b, i)->cold;
		w->uid = col_at(b, i)->uid + 1;
		r = move_record(st, &ref);
		if (r == -1 || (r == 1 && col_set_cold(b, i, ref) == -1))
			return -1;
	}
	return i < b->n ? 0 : 1;
}

static int
move_extras(struct store *st, struct box *b)
{
	size_t i;

	for (i = 0; i < b->nextra; i++) {
		if (move_record(st, &b->extra[i].m.cold) == -1)
			return -1;
	}
	return 0;
}

/* From the file there is to one of the new generation. */
static int
move_file(struct store *st, struct work *w, struct box *b)
{
	struct frozen *f = &w->boxes[0];
	static struct store_msg batch[COL_ROWS];
	const struct store_msg *m;
	const struct tomb *t;
	size_t i, n, sum;
	int r;

	if (f->box != b->pub.id && freeze(f, b) == -1)
		return -1;
	for (sum = 0; sum < (st->small_steps ? 1 : STEP_MSGS); sum += n) {
		r = frozen_msgs(st, f, &w->pos, &m, &n);
		if (r >= 0 && !w->writing) {
			/* The file is open: it has told how much there is. */
			if (colw_begin(st, &w->out, f->box, f->file + 1, f->n,
				f->ntombs) == -1)
				return -1;
			w->writing = true;
		}
		for (i = 0; r == 1 && i < n; i++) {
			batch[i] = m[i];
			if (move_record(st, &batch[i].cold) == -1)
				return -1;
		}
		if (r == 1)
			r = colw_msgs(&w->out, batch, n) == -1 ? -1 : 1;
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

static void
leave_file(struct work *w)
{
	if (w->writing)
		seq_abort(&w->out.s);
	w->writing = false;
	frozen_rewind(&w->pos);
	thaw(&w->boxes[0]);
	memset(&w->boxes[0], 0, sizeof(w->boxes[0]));
}

static int
move_some(struct store *st, struct work *w, struct box *b)
{
	uint32_t version;
	int r;

	if (b->pub.id != w->box) {
		w->box = b->pub.id;
		w->uid = 0;
	}
	/* It was read by somebody meanwhile, or another came to its place. */
	if (w->boxes[0].box != 0 && (w->boxes[0].box != b->pub.id || b->loaded))
		leave_file(w);
	if (b->loaded)
		r = move_loaded(st, w, b);
	else {
		r = move_file(st, w, b);
		if (r == 1) {
			version = w->boxes[0].file + 1;
			w->writing = false;
			if (seq_end(&w->out.s) == -1)
				return -1;
			leave_file(w);
			b->file = version;
		}
	}
	if (r == 1) {
		if (move_extras(st, b) == -1)
			return -1;
		b->moved = true;
		b->dirty = b->loaded;
		w->box = b->pub.id + 1;
		w->uid = 0;
	}
	return r == -1 ? -1 : 0;
}

/* All is in the new generation. */
static enum store_result
compact_end(struct store *st)
{
	work_drop(st);
	(void)close(st->old.fd);
	st->old.fd = -1;
	pack_close(&st->old.cold);
	pack_close(&st->old.sum);
	return snap_begin(st, 0);
}

/*
 * What fails leaves messages of both generations, which can be read; the next
 * call goes on.  Only what does not verify there is the end of it: it must not
 * be loaded again.
 */
enum store_result
compact_step(struct store *st)
{
	struct work *w = st->work;
	enum store_result result;
	struct box *b;

	if (st->ops.len > 0 || st->failed)
		return STORE_INVALID;
	if (pack_flush(st, &st->cold) == -1 || pack_flush(st, &st->sum) == -1)
		return sys_result();
	b = next_box(st, w->box);
	if (b == NULL)
		return compact_end(st);
	if (move_some(st, w, b) == 0)
		return STORE_OK;
	result = sys_result();
	leave_file(w);
	if (result != STORE_NOSPACE)
		st->failed = true;
	if (result == STORE_CORRUPT)
		(void)sys()->unlink(st->old.fd, "state", 0);
	return result;
}

enum store_result
compact(struct store *st)
{
	enum store_result result;

	result = work_finish(st);
	if (result == STORE_OK)
		result = compact_begin(st);
	return result == STORE_OK ? work_finish(st) : result;
}
