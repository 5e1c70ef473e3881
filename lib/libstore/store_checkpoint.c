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
 * Checkpoints: the whole state as operations, in segments that begin with it,
 * so that the segments before can go.
 *
 * It is written in steps of one frame, and frames of what users do meanwhile
 * lie between.  What makes that right: the state is frozen, whole, in the step
 * that writes the frame with BEGIN, and nothing was queued then, so the marked
 * frames from BEGIN to END tell the state exactly as it was after the frame
 * before BEGIN, which is where the vector in BEGIN says that the writer was.
 * A frame without the mark behind BEGIN is later than all of that state,
 * whether it lies before END or after.  The fold reads accordingly: first the
 * marked frames alone, then from the segment of BEGIN on the others.  Until
 * END is on the disk nothing of it counts: a fold that finds no END begins
 * elsewhere, and passes over marked frames.
 */

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_work.h"

#define FRAME_SIZE (128 * 1024) /* octets of one frame: each is a step */
#define LIST_BATCH 512          /* tombstones, ... in one operation */

/* Made when frozen, for later. */
static void
keep_op(struct buf *to, enum op op, struct buf *body)
{
	buf_put8(to, (uint8_t)op);
	buf_put32(to, (uint32_t)body->len);
	buf_put(to, body->p, body->len);
	if (body->failed)
		to->failed = true;
	buf_clear(body);
}

/* As op_queue(), but the state is not changed by its own description. */
static void
put_raw(struct store *st, enum op op, const void *body, size_t len)
{
	if (st->ops.len == 0) {
		buf_put64(&st->ops, st->lamport + 1);
		buf_put32(&st->ops, st->now);
	}
	buf_put8(&st->ops, (uint8_t)op);
	buf_put32(&st->ops, (uint32_t)len);
	buf_put(&st->ops, body, len);
	st->nops++;
	st->lamport++;
}

static void
put_op(struct store *st, enum op op, struct buf *body)
{
	put_raw(st, op, body->p, body->len);
	if (body->failed)
		st->ops.failed = true;
	buf_clear(body);
}

static bool
full(const struct store *st)
{
	return st->ops.len >= (st->small_steps ? 1 : FRAME_SIZE);
}

/* Of what was kept, as much as the frame takes; true when that was all. */
static bool
put_kept(struct store *st, const struct buf *kept, size_t *off)
{
	struct rd r = {kept->p, kept->len, *off, false};
	enum op op;
	size_t len;

	while (r.off < r.len && !full(st)) {
		op = (enum op)rd8(&r);
		len = rd32(&r);
		put_raw(st, op, rd_raw(&r, len), len);
	}
	*off = r.off;
	return r.off == r.len;
}

static int
put_message(struct store *st, uint64_t box, const struct store_msg *m)
{
	struct buf b = {0};
	struct place p;
	struct cold c;

	if (cold_read(st, m->cold, &c) == -1)
		return -1;
	memset(&p, 0, sizeof(p));
	p.box = box;
	p.uid = m->uid;
	p.how = HOW_STATE;
	p.codec = (uint8_t)m->codec;
	p.zone = (int16_t)m->zone;
	memcpy(p.instance, c.instance, STORE_ID);
	memcpy(p.blob, c.blob, STORE_ID);
	memcpy(p.key, c.key, SEAL_KEY_LEN);
	memcpy(p.threadid, c.threadid, STORE_ID);
	p.bytes = c.bytes;
	p.size = m->size;
	p.saved = m->saved;
	p.date = m->date;
	p.flags = m->flags;
	p.modseq = m->modseq;
	p.writer = c.writer;
	p.seq = c.seq;
	op_place(&b, &p);
	explicit_bzero(&p, sizeof(p));
	explicit_bzero(&c, sizeof(c));
	put_op(st, OP_PLACE, &b);
	return 0;
}

/* 1: more may fit; 0: those were the last; -1. */
static int
put_messages(struct store *st, struct work *w)
{
	const struct store_msg *m;
	size_t i, n;
	int r;

	r = frozen_msgs(st, &w->boxes[w->at], &w->pos, &m, &n);
	for (i = 0; r == 1 && i < n; i++) {
		if (put_message(st, w->boxes[w->at].box, &m[i]) == -1)
			r = -1;
	}
	return r;
}

static void
list_tombs(struct buf *b, uint64_t box, const struct tomb *t, size_t n)
{
	size_t i;

	buf_put64(b, box);
	buf_put32(b, (uint32_t)n);
	for (i = 0; i < n; i++) {
		buf_put32(b, t[i].uid);
		buf_put32(b, t[i].when);
		buf_put64(b, t[i].modseq);
		buf_put64(b, t[i].inst);
	}
}

static int
put_tombs(struct store *st, struct work *w)
{
	const struct tomb *t;
	struct buf b = {0};
	size_t n;
	int r;

	r = frozen_tombs(st, &w->boxes[w->at], &w->pos, &t, &n);
	if (r != 1)
		return r;
	list_tombs(&b, w->boxes[w->at].box, t, n);
	put_op(st, OP_TOMB, &b);
	return 1;
}

/* The highest UIDs: of the box, and that each writer gave. */
static void
keep_numbers(const struct store *st, const struct box *box, struct buf *to)
{
	struct buf b = {0};
	size_t i;

	buf_put64(&b, box->pub.id);
	buf_put32(&b, (uint32_t)st->nwriters);
	for (i = 0; i < st->nwriters; i++) {
		buf_put8(&b, (uint8_t)i);
		buf_put32(&b, box->last[i].uid);
		buf_put64(&b, box->last[i].seq);
	}
	keep_op(to, OP_LAST, &b);
	buf_put64(&b, box->pub.id);
	buf_put32(&b, box->uidmax + 1);
	keep_op(to, OP_UIDNEXT, &b);
}

static void
keep_mkbox(const struct box *box, struct buf *to)
{
	struct buf b = {0};

	buf_put64(&b, box->pub.id);
	buf_put32(&b, box->pub.uidvalidity);
	buf_put16(&b, box->pub.use);
	buf_put_str(&b, box->pub.name);
	keep_op(to, OP_MKBOX, &b);
}

static void
keep_keywords(const struct box *box, struct buf *to)
{
	struct buf b = {0};
	size_t i;

	for (i = 0; i < STORE_KEYWORDS_MAX; i++) {
		if (box->keywords[i] == NULL)
			continue;
		buf_put64(&b, box->pub.id);
		buf_put8(&b, (uint8_t)i);
		buf_put_str(&b, box->keywords[i]);
		keep_op(to, OP_KEYWORD, &b);
	}
	/* The same names by the bits that do not count, behind those. */
	for (i = 0; i < STORE_KEYWORDS_MAX; i++) {
		if (box->alias[i] == 0)
			continue;
		buf_put64(&b, box->pub.id);
		buf_put8(&b, (uint8_t)i);
		buf_put_str(&b, box->keywords[box->alias[i] - 1]);
		keep_op(to, OP_KEYWORD, &b);
	}
}

static void
keep_metas(const struct metas *ms, uint64_t id, struct buf *to)
{
	struct buf b = {0};

	for (size_t i = 0; i < ms->n; i++) {
		meta_body(&b, id, &ms->m[i]);
		keep_op(to, OP_META, &b);
	}
}

/* A box that was removed: made, named, numbered, removed. */
static void
keep_ghost(const struct store *st, const struct box *g, struct buf *to)
{
	struct buf b = {0};
	size_t i, n;

	keep_mkbox(g, to);
	keep_keywords(g, to);
	keep_numbers(st, g, to);
	for (i = 0; i < g->ntombs; i += n) {
		n = g->ntombs - i < COL_ROWS ? g->ntombs - i : COL_ROWS;
		list_tombs(&b, g->pub.id, g->tombs->t + i, n);
		keep_op(to, OP_TOMB, &b);
	}
	buf_put64(&b, g->pub.id);
	keep_op(to, OP_RMBOX, &b);
}

static int
keep_box(const struct store *st, const struct box *box, struct frozen *f)
{
	keep_mkbox(box, &f->before);
	keep_keywords(box, &f->before);
	keep_metas(&box->metas, box->pub.id, &f->before);
	keep_numbers(st, box, &f->after);
	return f->before.failed || f->after.failed ? -1 : freeze(f, box);
}

/* A list of n entries in batches. */
static void
keep_shared(struct store *st, struct buf *to)
{
	struct buf b = {0}, list = {0};
	struct shared *s;
	uint32_t n;

	n = 0;
	RB_FOREACH (s, shared_tree, &st->shared) {
		buf_put(&list, s->blob, STORE_ID);
		buf_put32(&list, s->count);
		if (++n < LIST_BATCH && RB_NEXT(shared_tree, &st->shared, s))
			continue;
		buf_put32(&b, n);
		buf_put(&b, list.p, list.len);
		if (list.failed)
			to->failed = true;
		keep_op(to, OP_SHARED, &b);
		buf_reset(&list, 0);
		n = 0;
	}
	buf_clear(&list);
}

static void
keep_garbage(const struct store *st, struct buf *to)
{
	struct buf b = {0};
	size_t i, n;

	for (i = 0; i < st->ngarbage;) {
		n = st->ngarbage - i;
		if (n > LIST_BATCH)
			n = LIST_BATCH;
		buf_put32(&b, (uint32_t)n);
		for (; n > 0; n--, i++) {
			buf_put(&b, st->garbage[i].blob, STORE_ID);
			buf_put64(&b, st->garbage[i].bytes);
		}
		keep_op(to, OP_GARBAGE, &b);
	}
}

static int
keep_rest(struct store *st, struct buf *to)
{
	struct buf b = {0};
	size_t i;

	for (i = 0; i < st->nghosts; i++)
		keep_ghost(st, st->ghosts[i], to);
	for (i = 0; i < st->nsubs; i++) {
		buf_put8(&b, 1);
		buf_put_str(&b, st->subs[i]);
		keep_op(to, OP_SUB, &b);
	}
	keep_metas(&st->metas, 0, to);
	keep_shared(st, to);
	keep_garbage(st, to);
	return to->failed ? -1 : 0;
}

/* How far each writer has come, and what each had seen of the others. */
static void
put_vector(const struct store *st, struct buf *b)
{
	const struct writer *w;
	size_t i, j;

	buf_put32(b, (uint32_t)st->nwriters);
	for (i = 0; i < st->nwriters; i++) {
		w = &st->writers[i];
		buf_put(b, w->id, WRITER_LEN);
		buf_put8(b, w->host);
		buf_put64(b, w->seq);
		buf_put(b, w->chain, SEAL_CHAIN_LEN);
		buf_put64(b, w->lamport);
	}
	for (i = 0; i < st->nwriters; i++) {
		for (j = 0; j < st->nwriters; j++)
			buf_put64(b, st->saw[i][j]);
	}
}

static void
put_begin(struct store *st)
{
	struct buf b = {0};

	buf_put64(&b, st->next_box);
	buf_put32(&b, st->last_uidvalidity);
	buf_put64(&b, st->live);
	buf_put8(&b, st->lease);
	buf_put8(&b, st->paired);
	put_vector(st, &b);
	put_op(st, OP_BEGIN, &b);
}

/*
 * With several writers a checkpoint covers only what the other host has seen
 * whole, with nothing left to merge: what then comes is later than all of it.
 * It covers no copy without an end: who made it could not undo it any more.
 */
static bool
may_checkpoint(const struct store *st)
{
	size_t i;

	if (st->open != 0)
		return false;
	for (i = 0; i < st->nwriters && !MUTANT(13); i++) {
		if (!fold_settled(st, i, st->writers[i].news))
			return false;
	}
	for (i = 0; i < st->nboxes; i++) {
		if (st->boxes[i]->nextra > 0 || st->boxes[i]->want != NULL)
			return false;
	}
	return !st->multi || st->lease == st->host;
}

/* With a peer it may have to wait, and the rest of the upkeep does not. */
bool
checkpoint_due(const struct store *st)
{
	return st->log_since > CHECKPOINT_MIN &&
	    st->log_since > st->checkpoint_len / 4 && may_checkpoint(st);
}

static int
freeze_all(struct store *st, struct work *w)
{
	for (; w->nboxes < st->nboxes; w->nboxes++) {
		if (keep_box(st, st->boxes[w->nboxes], &w->boxes[w->nboxes]) ==
		    -1) {
			thaw(&w->boxes[w->nboxes]);
			return -1;
		}
	}
	return keep_rest(st, &w->rest);
}

/* The frame of this step; 0 or -1. */
static int
write_frame(struct store *st, uint8_t flags)
{
	uint64_t before;

	before = own_writer(st)->off;
	if (log_write(st, FRAME_CHECKPOINT | flags) == -1) {
		/* What was not written must not be queued. */
		st->failed = true;
		return -1;
	}
	st->work->len += own_writer(st)->off - before;
	return 0;
}

enum store_result
checkpoint_begin(struct store *st)
{
	struct work *w;

	if (st->failed || st->ops.len > 0 || st->damage[0] != '\0' ||
	    st->work != NULL || st->old.fd != -1)
		return STORE_INVALID;
	if (!may_checkpoint(st))
		return STORE_OK;
	/* A place is twice as long as a record. */
	if (!store_room(st->acct, st->cold.len * 2))
		return STORE_NOSPACE;
	w = work_new(st, WORK_CHECKPOINT, st->nboxes);
	if (w == NULL || freeze_all(st, w) == -1) {
		work_drop(st);
		return STORE_IO;
	}
	if (log_new_segment(st, SEG_FIRST, SEG_CHECKPOINT) == -1) {
		work_drop(st);
		return sys_result();
	}
	w->first = own_writer(st)->seg;
	w->since = st->log_since;
	put_begin(st);
	return write_frame(st, 0) == -1 ? STORE_IO : STORE_OK;
}

/* Fills the frame; true when there is nothing left. */
static int
fill(struct store *st, struct work *w)
{
	struct frozen *f;
	int r;

	while (!full(st)) {
		if (w->at == w->nboxes)
			return put_kept(st, &w->rest, &w->rest_off) ? 1 : 0;
		f = &w->boxes[w->at];
		switch (w->phase) {
		case 0:
			r = put_kept(st, &f->before, &w->rest_off) ? 0 : 1;
			break;
		case 1:
			r = put_messages(st, w);
			break;
		case 2:
			r = put_tombs(st, w);
			break;
		default:
			r = put_kept(st, &f->after, &w->rest_off) ? 0 : 1;
			break;
		}
		if (r == -1)
			return -1;
		if (r == 1)
			continue;
		w->rest_off = 0;
		if (++w->phase < 4)
			continue;
		frozen_rewind(&w->pos);
		thaw(f);
		w->phase = 0;
		w->at++;
	}
	return 0;
}

/* What is to be known of it, and the snapshot that must not need what goes. */
static enum store_result
checkpoint_end(struct store *st)
{
	struct work *w = st->work;
	uint32_t first;

	first = w->first;
	st->checkpoint_len = w->len;
	st->log_since -= w->since;
	st->log_snapped = 0;
	work_drop(st);
	/* A snapshot is a cache: without it the segments stay, that is all. */
	if (snap_begin(st, first) != STORE_OK)
		work_drop(st);
	return STORE_OK;
}

enum store_result
checkpoint_step(struct store *st)
{
	struct work *w = st->work;
	struct buf none = {0};
	enum store_result result;
	int r;

	if (st->failed || st->ops.len > 0)
		return STORE_INVALID;
	/* A frame, and what the last messages may add to it. */
	result = mut_begin(st, FRAME_SIZE + COL_ROWS * 256);
	if (result != STORE_OK) {
		work_drop(st);
		return result;
	}
	r = fill(st, w);
	if (r == 1)
		put_op(st, OP_END, &none);
	if (r == -1 || write_frame(st, r == 1 ? FRAME_END : 0) == -1) {
		st->failed = true;
		return STORE_IO;
	}
	return r == 1 ? checkpoint_end(st) : STORE_OK;
}

enum store_result
checkpoint(struct store *st)
{
	enum store_result result;

	result = work_finish(st);
	if (result == STORE_OK)
		result = checkpoint_begin(st);
	while (result == STORE_OK && st->work != NULL &&
	    st->work->kind == WORK_CHECKPOINT)
		result = work_step(st);
	/* That the snapshot fails is no failure of the checkpoint. */
	if (result == STORE_OK)
		(void)work_finish(st);
	return result;
}
