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
 * so that the segments before can go.  Its frames are marked: a fold that did
 * not begin here passes over them, so one that a crash cut short does no harm.
 */

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_local.h"

#define FRAME_SIZE (768 * 1024) /* octets of one frame: each is a sync */
#define LIST_BATCH 2048         /* tombstones, ... in one operation */

/* As op_queue(), but the state is not changed by its own description. */
static int
put_op(struct store *st, enum op op, struct buf *body)
{
	int r;

	r = 0;
	if (st->ops.len == 0) {
		buf_put64(&st->ops, st->lamport + 1);
		buf_put32(&st->ops, st->now);
	}
	buf_put8(&st->ops, (uint8_t)op);
	buf_put32(&st->ops, (uint32_t)body->len);
	buf_put(&st->ops, body->p, body->len);
	st->nops++;
	st->lamport++;
	if (body->failed || st->ops.failed)
		r = -1;
	buf_clear(body);
	if (r == 0 && op == OP_END)
		r = log_write(st, FRAME_CHECKPOINT | FRAME_END);
	else if (r == 0 && st->ops.len > FRAME_SIZE)
		r = log_write(st, FRAME_CHECKPOINT);
	return r;
}

static int
put_message(struct store *st, const struct box *box, const struct store_msg *m)
{
	struct buf b = {0};
	struct place p;
	struct cold c;

	if (cold_read(st, m->cold, &c) == -1)
		return -1;
	memset(&p, 0, sizeof(p));
	p.box = box->pub.id;
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
	return put_op(st, OP_PLACE, &b);
}

static int
put_tombs(struct store *st, const struct box *box)
{
	struct buf b = {0};
	size_t i, n;

	for (i = 0; i < box->ntombs;) {
		n = box->ntombs - i < LIST_BATCH ? box->ntombs - i : LIST_BATCH;
		buf_put64(&b, box->pub.id);
		buf_put32(&b, (uint32_t)n);
		for (; n > 0; n--, i++) {
			buf_put32(&b, box->tombs[i].uid);
			buf_put32(&b, box->tombs[i].when);
			buf_put64(&b, box->tombs[i].modseq);
			buf_put64(&b, box->tombs[i].inst);
		}
		if (put_op(st, OP_TOMB, &b) == -1)
			return -1;
	}
	return 0;
}

/* The highest UIDs: of the box, and that each writer gave. */
static int
put_numbers(struct store *st, const struct box *box)
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
	if (put_op(st, OP_LAST, &b) == -1)
		return -1;
	buf_put64(&b, box->pub.id);
	buf_put32(&b, box->uidmax + 1);
	return put_op(st, OP_UIDNEXT, &b);
}

/* A box that was removed: made, numbered, removed. */
static int
put_ghost(struct store *st, const struct box *g)
{
	struct buf b = {0};

	buf_put64(&b, g->pub.id);
	buf_put32(&b, g->pub.uidvalidity);
	buf_put16(&b, g->pub.use);
	buf_put_str(&b, g->pub.name);
	if (put_op(st, OP_MKBOX, &b) == -1 || put_numbers(st, g) == -1)
		return -1;
	buf_put64(&b, g->pub.id);
	return put_op(st, OP_RMBOX, &b);
}

static int
put_box(struct store *st, struct box *box)
{
	struct buf b = {0};
	bool loaded;
	size_t i;
	int r;

	loaded = box->loaded;
	if (col_load(st, box) == -1)
		return -1;
	buf_put64(&b, box->pub.id);
	buf_put32(&b, box->pub.uidvalidity);
	buf_put16(&b, box->pub.use);
	buf_put_str(&b, box->pub.name);
	r = put_op(st, OP_MKBOX, &b);
	for (i = 0; r == 0 && i < STORE_KEYWORDS_MAX; i++) {
		if (box->keywords[i] == NULL)
			continue;
		buf_put64(&b, box->pub.id);
		buf_put8(&b, (uint8_t)i);
		buf_put_str(&b, box->keywords[i]);
		r = put_op(st, OP_KEYWORD, &b);
	}
	for (i = 0; r == 0 && i < box->n; i++)
		r = put_message(st, box, &box->col[i]);
	if (r == 0)
		r = put_tombs(st, box);
	if (r == 0)
		r = put_numbers(st, box);
	if (!loaded && !box->dirty && box->users == 0)
		col_unload(box);
	return r;
}

static int
put_lists(struct store *st)
{
	struct buf b = {0};
	struct shared *s;
	size_t i;

	for (i = 0; i < st->nsubs; i++) {
		buf_put8(&b, 1);
		buf_put_str(&b, st->subs[i]);
		if (put_op(st, OP_SUB, &b) == -1)
			return -1;
	}
	RB_FOREACH (s, shared_tree, &st->shared) {
		buf_put32(&b, 1);
		buf_put(&b, s->blob, STORE_ID);
		buf_put32(&b, s->count);
		if (put_op(st, OP_SHARED, &b) == -1)
			return -1;
	}
	for (i = 0; i < st->ngarbage; i++) {
		buf_put32(&b, 1);
		buf_put(&b, st->garbage[i].blob, STORE_ID);
		buf_put64(&b, st->garbage[i].bytes);
		if (put_op(st, OP_GARBAGE, &b) == -1)
			return -1;
	}
	return 0;
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

static int
put_state(struct store *st)
{
	struct buf b = {0};
	size_t i;

	buf_put64(&b, st->next_box);
	buf_put32(&b, st->last_uidvalidity);
	buf_put64(&b, st->live);
	buf_put8(&b, st->lease);
	buf_put8(&b, st->paired);
	put_vector(st, &b);
	if (put_op(st, OP_BEGIN, &b) == -1)
		return -1;
	for (i = 0; i < st->nboxes; i++) {
		if (put_box(st, st->boxes[i]) == -1)
			return -1;
	}
	for (i = 0; i < st->nghosts; i++) {
		if (put_ghost(st, st->ghosts[i]) == -1)
			return -1;
	}
	if (put_lists(st) == -1)
		return -1;
	return put_op(st, OP_END, &b);
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

/*
 * With several writers a checkpoint covers only what the other host has seen
 * whole, with nothing left to merge: what then comes is later than all of it.
 */
static bool
may_checkpoint(const struct store *st)
{
	size_t i;

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

enum store_result
checkpoint(struct store *st)
{
	uint64_t before;
	uint32_t first;

	if (st->failed || st->ops.len > 0 || st->damage[0] != '\0')
		return STORE_INVALID;
	if (!may_checkpoint(st))
		return STORE_OK;
	/* Once begun it must end: a place is twice as long as a record. */
	if (!store_room(st->acct, st->cold.len * 2))
		return STORE_NOSPACE;
	before = st->log_since;
	if (log_new_segment(st, SEG_FIRST, SEG_CHECKPOINT) == -1)
		return sys_result();
	first = own_writer(st)->seg;
	if (put_state(st) == -1) {
		/* What was not written must not be queued. */
		st->failed = true;
		return STORE_IO;
	}
	st->checkpoint_len = st->log_since - before;
	st->log_since = 0;
	/* The snapshot must not need what goes. */
	if (snap_save(st) != STORE_OK)
		return STORE_OK;
	retire_segments(st, first);
	return STORE_OK;
}
