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
 * Operations: queued for the next frame and applied at once, by the same code
 * that folds the log when the account is opened.  The state is a function of
 * the operations alone, so a mutation is never applied in another way.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store_retain.h"
#include "store_sweep.h"

#define PLACE_BLOB 32 /* where a PLACE has the blob's id */

void
damaged(struct store *st, const char *fmt, ...)
{
	va_list ap;

	if (st->damage[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(st->damage, sizeof(st->damage), fmt, ap);
	va_end(ap);
}

enum store_result
mut_begin(struct store *st, size_t len)
{
	enum store_result result;

	if (st->damage[0] != '\0')
		return STORE_READONLY;
	if (st->failed) {
		errno = EIO;
		return STORE_IO;
	}
	/* What the disk did not take before comes first. */
	if (pack_flush(st, &st->cold) == -1 || pack_flush(st, &st->sum) == -1)
		return sys_result();
	result = retain_spare(st);
	return result == STORE_OK ? log_reserve(st, len) : result;
}

enum store_result
mut_shrink(struct store *st, size_t len, bool first)
{
	enum store_result result;

	result = mut_begin(st, len);
	if (result == STORE_NOSPACE)
		result = log_spare(st, len, first ? LOG_SPARE / 2 : 0);
	return result;
}

void
op_queue(struct store *st, enum op op, const struct buf *body)
{
	struct rd r = {body->p, body->len, 0, false}, head = r;

	/* A PLACE: the blob is wanted again. */
	if (op == OP_PLACE && body->len > PLACE_BLOB + STORE_ID)
		retain_placed(
		    st, box_find(st, rd64(&head)), body->p + PLACE_BLOB);
	if (st->ops.len == 0) {
		st->now = (uint32_t)store_now();
		st->ops_lamport = st->lamport + 1;
		buf_put64(&st->ops, st->ops_lamport);
		buf_put32(&st->ops, st->now);
	}
	buf_put8(&st->ops, (uint8_t)op);
	buf_put32(&st->ops, (uint32_t)body->len);
	buf_put(&st->ops, body->p, body->len);
	st->nops++;
	st->lamport++;
	st->ops_news = st->ops_news || op != OP_SAW;
	st->cur_writer = st->own;
	st->cur_seq = own_writer(st)->seq + 1;
	if (body->failed || st->ops.failed ||
	    op_apply(st, op, &r, st->lamport << 1 | st->host) == -1)
		st->failed = true;
	if (st->multi && (op == OP_MKBOX || op == OP_MVBOX || op == OP_RMBOX))
		names_settle(st);
}

enum store_result
op_frame(struct store *st, uint8_t flags)
{
	if (st->ops.len > 0 && !st->failed &&
	    (retain_before_log(st) == -1 || log_write(st, flags) == -1))
		st->failed = true;
	return st->failed ? STORE_IO : STORE_OK;
}

void
op_group_end(struct store *st)
{
	if (st->ops.len > OPS_SOFT)
		(void)op_frame(st, 0);
}

void
op_place(struct buf *b, const struct place *p)
{
	buf_put64(b, p->box);
	buf_put32(b, p->uid);
	buf_put8(b, p->how);
	buf_put8(b, p->codec);
	buf_put16(b, (uint16_t)p->zone);
	buf_put(b, p->instance, STORE_ID);
	buf_put(b, p->blob, STORE_ID);
	buf_put(b, p->key, SEAL_KEY_LEN);
	buf_put(b, p->threadid, STORE_ID);
	buf_put64(b, p->bytes);
	buf_put32(b, p->size);
	buf_put32(b, p->saved);
	buf_put64(b, (uint64_t)p->date);
	buf_put64(b, p->flags);
	buf_put64(b, p->modseq);
	if (p->how == HOW_STATE) {
		buf_put8(b, p->writer);
		buf_put64(b, p->seq);
	}
}

static void
read_place(const struct store *st, struct rd *r, struct place *p)
{
	p->box = rd64(r);
	p->uid = rd32(r);
	p->how = rd8(r);
	p->codec = rd8(r);
	p->zone = (int16_t)rd16(r);
	rd_copy(r, p->instance, STORE_ID);
	rd_copy(r, p->blob, STORE_ID);
	rd_copy(r, p->key, SEAL_KEY_LEN);
	rd_copy(r, p->threadid, STORE_ID);
	p->bytes = rd64(r);
	p->size = rd32(r);
	p->saved = rd32(r);
	p->date = (int64_t)rd64(r);
	p->flags = rd64(r);
	p->modseq = rd64(r);
	p->writer = (uint8_t)st->cur_writer;
	p->seq = st->cur_seq;
	if (p->how == HOW_STATE && r->off < r->len) {
		p->writer = rd8(r);
		p->seq = rd64(r);
		if (p->writer >= st->nmap)
			r->bad = true;
		else
			p->writer = st->map[p->writer];
	}
}

void
op_tell(struct store *st, const struct box *b, enum store_change change,
    uint32_t uid, size_t pos)
{
	if (st->notify != NULL && !st->quiet && (!st->replaying || st->telling))
		st->notify(
		    st->notify_arg, b->pub.id, change, uid, (uint32_t)pos);
}

void
raise_modseq(struct store *st, struct box *b, uint64_t modseq)
{
	if (modseq > b->pub.modseq)
		b->pub.modseq = modseq;
	if ((modseq & 1) != st->host)
		b->foreign = true;
	b->dirty = true;
}

static int
place_cold(struct store *st, const struct place *p, uint32_t *ref)
{
	struct cold c;
	int r;

	memset(&c, 0, sizeof(c));
	memcpy(c.instance, p->instance, STORE_ID);
	memcpy(c.blob, p->blob, STORE_ID);
	memcpy(c.key, p->key, SEAL_KEY_LEN);
	memcpy(c.threadid, p->threadid, STORE_ID);
	c.bytes = p->bytes;
	c.writer = p->writer;
	c.seq = p->seq;
	c.sum_off = st->next_sum_off;
	c.sum_len = st->next_sum_len;
	st->next_sum_len = SUM_UNKNOWN;
	r = cold_append(st, &c, ref);
	explicit_bzero(&c, sizeof(c));
	return r;
}

static uint64_t
inst_head(const uint8_t *instance)
{
	struct rd r = {instance, 8, 0, false};

	return rd64(&r);
}

/* In the column, or, where it is not to be seen, beside it. */
static int
place_new(struct store *st, struct box *b, const struct place *p, bool late)
{
	struct store_msg m;

	memset(&m, 0, sizeof(m));
	m.uid = p->uid;
	m.size = p->size;
	m.flags = box_map_flags(b, p->flags);
	m.modseq = p->modseq;
	m.date = p->date;
	m.zone = p->zone;
	m.codec = (int8_t)p->codec;
	m.saved = p->saved;
	m.inst = inst_head(p->instance);
	if (place_cold(st, p, &m.cold) == -1)
		return -1;
	switch (late ? 1 : col_insert(st, b, &m)) {
	case 0:
		break;
	case 1: /* a UID is never given twice: the first stands */
		if (!st->multi)
			return 0;
		late = true;
		if (extra_add(st, b, &m, true) == -1)
			return -1;
		break;
	default:
		return -1;
	}
	raise_modseq(st, b, p->modseq);
	if (st->multi &&
	    inst_set(st, m.inst, b->pub.id, late ? 0 : m.uid, INST_LIVE) == -1)
		return -1;
	/*
	 * A delivery that both hosts took in may have gone with the box that
	 * one of them removed, in which the other placed it unseen.
	 */
	if (p->how == HOW_RESTORE || (st->multi && p->how == HOW_NEW))
		garbage_drop(st, p->blob);
	if (p->how == HOW_NEW || p->how == HOW_RESTORE)
		st->live += p->bytes;
	if ((p->how == HOW_COPY || p->how == HOW_MOVE || p->how == HOW_AGAIN) &&
	    blob_ref(st, p->blob, p->bytes) == -1)
		return -1;
	if (!late)
		op_tell(st, b, STORE_NEW, m.uid, b->n - 1);
	return 0;
}

static int
place_message(struct store *st, struct box *b, const struct place *p)
{
	struct inst *in;
	bool late;

	late = false;
	if (col_load(st, b) == -1 || inst_build(st) == -1)
		return -1;
	if (st->multi && !st->stating && fold_late(st, b, p->uid, &late) == -1)
		return -1;
	if (st->multi && !fold_settled(st, p->writer, p->seq) &&
	    recent_add(b, p->uid, p->writer, p->seq) == -1)
		return -1;
	if (p->uid > b->last[p->writer].uid)
		b->last[p->writer] = (struct last){p->seq, p->uid};
	if (p->uid > b->uidmax)
		b->uidmax = p->uid;
	box_update(st, b);
	in = inst_find(st, inst_head(p->instance));
	if (in == NULL || MUTANT(20) || (MUTANT(9) && in->state == INST_DEAD))
		return place_new(st, b, p, late);
	if (in->state == INST_LIVE)
		return fold_again(st, b, in, p, late);
	/* EXPUNGE wins.  Its blob may be in use by what it was moved to. */
	return 0;
}

static struct box *
place_box(struct store *st, uint64_t id)
{
	struct box *b, *ghost;

	b = box_find(st, id);
	ghost = b != NULL || !st->multi ? NULL : ghost_find(st, id);
	if (b != NULL || !st->multi)
		return b;
	/* It was removed by one who did not know of this. */
	if (ghost == NULL)
		return box_recovered(st, id);
	return ghost_revive(st, ghost) == -1 ? NULL : box_find(st, id);
}

static int
apply_place(struct store *st, struct rd *r, uint64_t modseq)
{
	struct place p;
	struct unfinished part;
	struct box *b;
	int result;

	memset(&p, 0, sizeof(p));
	read_place(st, r, &p);
	if (p.modseq == 0)
		p.modseq = modseq;
	result = -1;
	if (!r->bad && p.uid != 0) {
		if (st->replaying && waiting_take(st, p.blob) == -1)
			result = -1;
		else {
			b = place_box(st, p.box);
			part = (struct unfinished){
			    p.box, inst_head(p.instance), p.uid};
			if (st->cur_part && part_add(st, &part) == -1)
				result = -1;
			else
				result = b != NULL ? place_message(st, b, &p) :
				    st->multi      ? -1 :
						     0;
		}
	}
	explicit_bzero(&p, sizeof(p));
	st->next_sum_len = SUM_UNKNOWN;
	return result;
}

/* The messages that a list of (uid, instance) names, as places. */
static int
find_listed(struct box *b, struct rd *r, uint32_t **pos, size_t *n)
{
	size_t i, at, count;
	uint64_t inst;
	uint32_t uid;
	bool found;

	*n = 0;
	count = rd32(r);
	if (r->bad || count > OPS_BATCH)
		return -1;
	*pos = calloc(count + 1, sizeof(**pos));
	if (*pos == NULL)
		return -1;
	for (i = 0; i < count; i++) {
		uid = rd32(r);
		inst = rd64(r);
		at = col_find(b, uid, &found);
		if (found && col_at(b, at)->inst == inst &&
		    (*n == 0 || at > (*pos)[*n - 1]))
			(*pos)[(*n)++] = (uint32_t)at;
	}
	if (r->bad) {
		free(*pos);
		*pos = NULL;
		return -1;
	}
	return 0;
}

static int
unref_message(struct store *st, const struct store_msg *m)
{
	struct cold c;
	int r;

	if (cold_read(st, m->cold, &c) == -1)
		return -1;
	r = blob_unref(st, c.blob, c.bytes);
	explicit_bzero(&c, sizeof(c));
	return r;
}

static int
apply_expunge(struct store *st, struct rd *r, uint64_t modseq)
{
	struct box *b;
	uint32_t *pos;
	size_t i, n;
	int result;

	b = box_find(st, rd64(r));
	if (st->multi)
		return fold_kill(st, *r);
	if (b == NULL)
		return r->bad ? -1 : 0;
	if (col_load(st, b) == -1 || find_listed(b, r, &pos, &n) == -1)
		return -1;
	result = 0;
	for (i = n; i-- > 0;)
		op_tell(st, b, STORE_EXPUNGED, col_at(b, pos[i])->uid, pos[i]);
	for (i = 0; result == 0 && i < n; i++)
		result = unref_message(st, col_at(b, pos[i]));
	if (result == 0)
		result = col_remove(st, b, pos, n, modseq);
	raise_modseq(st, b, modseq);
	free(pos);
	return result;
}

static int
apply_flag(struct store *st, struct rd *r, uint64_t modseq)
{
	const struct store_msg *m;
	struct box *b;
	uint64_t set, clear;
	uint32_t *pos;
	size_t i, n;
	int result;

	b = box_find(st, rd64(r));
	set = rd64(r);
	clear = rd64(r);
	if (b != NULL) {
		set = box_map_flags(b, set);
		clear = box_map_flags(b, clear);
	}
	if (st->multi)
		return fold_flag(st, *r, set, clear);
	if (b == NULL)
		return r->bad ? -1 : 0;
	if (col_load(st, b) == -1 || find_listed(b, r, &pos, &n) == -1)
		return -1;
	result = 0;
	for (i = 0; result == 0 && i < n; i++) {
		m = col_at(b, pos[i]);
		result = col_set_flags(
		    b, pos[i], (m->flags & ~clear) | set, modseq);
		op_tell(st, b, STORE_FLAGS, col_at(b, pos[i])->uid, pos[i]);
	}
	raise_modseq(st, b, modseq);
	free(pos);
	return result;
}

static int
apply_mkbox(struct store *st, struct rd *r, uint64_t modseq)
{
	struct box *b;
	uint64_t id;
	uint32_t validity;
	uint16_t use;
	char *name;

	id = rd64(r);
	validity = rd32(r);
	use = rd16(r);
	name = rd_str(r, STORE_NAME_MAX);
	if (name == NULL || id == 0 || id >= UINT64_MAX / 2) {
		free(name);
		return -1;
	}
	if (id >= st->next_box)
		st->next_box = id + 1;
	if (validity > st->last_uidvalidity)
		st->last_uidvalidity = validity;
	if (box_find(st, id) != NULL || ghost_find(st, id) != NULL) {
		free(name); /* both hosts made the first boxes */
		return 0;
	}
	b = box_add(st, id, name);
	if (b == NULL)
		return -1;
	b->pub.uidvalidity = validity;
	b->pub.use = use;
	raise_modseq(st, b, modseq);
	return 0;
}

static int
apply_mvbox(struct store *st, struct rd *r)
{
	struct box *b;
	char *name, *old;

	b = box_find(st, rd64(r));
	name = rd_str(r, STORE_NAME_MAX);
	if (name == NULL)
		return -1;
	if (b == NULL) {
		free(name);
		return 0;
	}
	if (st->multi && name_cycle(st, b, name)) {
		free(name);
		return 0;
	}
	memcpy(&old, &b->pub.name, sizeof(old));
	if (b->want != NULL) {
		freezero(old, strlen(old));
		old = b->want;
		b->want = NULL;
	}
	b->pub.name = name;
	if (b->old != NULL)
		freezero(b->old, strlen(b->old));
	b->old = old;
	b->mv_writer = (uint8_t)st->cur_writer;
	b->mv_seq = st->cur_seq;
	return 0;
}

static int
apply_rmbox(struct store *st, struct rd *r)
{
	struct box *b;
	size_t i;

	b = box_find(st, rd64(r));
	if (b == NULL)
		return r->bad ? -1 : 0;
	if (col_load(st, b) == -1)
		return -1;
	if (st->multi)
		return fold_rmbox(st, b);
	for (i = 0; i < b->n; i++) {
		if (unref_message(st, col_at(b, i)) == -1)
			return -1;
	}
	op_tell(st, b, STORE_BOXGONE, 0, 0);
	ghost_make(st, b);
	return 0;
}

static int
apply_small(struct store *st, enum op op, struct rd *r)
{
	struct box *b;
	uint64_t id;
	uint32_t uid;
	uint8_t bit;
	char *name;

	if (op == OP_SUB) {
		bit = rd8(r);
		name = rd_str(r, STORE_NAME_MAX);
		return name == NULL ? -1 : sub_apply(st, name, bit != 0);
	}
	id = rd64(r);
	b = box_find(st, id);
	if (op == OP_KEYWORD) {
		/* Of a removed one: for mail that is still to come. */
		if (b == NULL && !r->bad)
			b = ghost_find(st, id);
		bit = rd8(r);
		name = rd_str(r, STORE_KEYWORD_MAX);
		if (name == NULL || b == NULL) {
			free(name);
			return r->bad ? -1 : 0;
		}
		return box_set_keyword(b, bit, name);
	}
	if (op == OP_USE && b != NULL)
		b->pub.use = rd16(r);
	if (op == OP_UIDNEXT && b != NULL) {
		uid = rd32(r);
		if (fold_skip(st, b, uid) == -1)
			return -1;
		if (uid > b->uidmax + 1)
			b->uidmax = uid - 1;
		box_update(st, b);
	}
	return r->bad ? -1 : 0;
}

/* What only a checkpoint holds. */
static int
apply_state(struct store *st, enum op op, struct rd *r)
{
	uint8_t blob[STORE_ID];
	struct tomb t;
	struct box *b;
	size_t n;

	b = op == OP_TOMB ? box_find(st, rd64(r)) : NULL;
	for (n = rd32(r); n > 0 && !r->bad; n--) {
		if (op == OP_TOMB) {
			t.uid = rd32(r);
			t.when = rd32(r);
			t.modseq = rd64(r);
			t.inst = rd64(r);
			if (b != NULL && !r->bad && tomb_add(b, &t) == -1)
				return -1;
			/* The index may have been made with the first PLACE. */
			if (st->idx_built && t.inst != 0 && !r->bad &&
			    inst_find(st, t.inst) == NULL &&
			    inst_set(st, t.inst, 0, 0, INST_DEAD) == -1)
				return -1;
			if (b != NULL)
				raise_modseq(st, b, t.modseq);
			continue;
		}
		rd_copy(r, blob, STORE_ID);
		if (op == OP_SHARED && !r->bad &&
		    shared_add(st, blob, rd32(r) - 1) == -1)
			return -1;
		if (op == OP_GARBAGE && !r->bad &&
		    garbage_add(st, blob, rd64(r)) == -1)
			return -1;
	}
	return r->bad ? -1 : 0;
}

/* BEGIN: the fold took its writers from it already, see store_replay.c. */
static int
apply_begin(struct store *st, struct rd *r)
{
	st->next_box = rd64(r);
	st->last_uidvalidity = rd32(r);
	st->live = rd64(r);
	if (r->off < r->len) {
		st->lease = rd8(r);
		st->paired = rd8(r);
	}
	return r->bad ? -1 : 0;
}

/* LAST, and the ghosts, of a checkpoint. */
static int
apply_last(struct store *st, struct rd *r)
{
	struct box *b;
	struct last l;
	uint8_t w;
	uint32_t n;

	b = box_find(st, rd64(r));
	for (n = rd32(r); n > 0 && !r->bad; n--) {
		w = rd8(r);
		l.uid = rd32(r);
		l.seq = rd64(r);
		if (r->bad || w >= st->nmap)
			return -1;
		if (b != NULL)
			b->last[st->map[w]] = l;
	}
	return r->bad ? -1 : 0;
}

static int
apply_retire(struct store *st, struct rd *r)
{
	struct box *b;

	b = box_find(st, rd64(r));
	if (r->bad)
		return -1;
	return b == NULL || !st->multi ? 0 : fold_retire(st, b, r);
}

static int
apply_host(struct store *st, enum op op, struct rd *r)
{
	uint8_t host;

	host = rd8(r);
	if (r->bad || host > 1)
		return -1;
	if (op == OP_LEASE)
		st->lease = host;
	else
		st->paired |= (uint8_t)(1U << host);
	return 0;
}

int
op_apply(struct store *st, enum op op, struct rd *r, uint64_t modseq)
{
	st->cur_modseq = modseq;
	switch (op) {
	case OP_MKBOX:
		return apply_mkbox(st, r, modseq);
	case OP_MVBOX:
		return apply_mvbox(st, r);
	case OP_RMBOX:
		return apply_rmbox(st, r);
	case OP_PLACE:
		return apply_place(st, r, modseq);
	case OP_EXPUNGE:
		return apply_expunge(st, r, modseq);
	case OP_FLAG:
		return apply_flag(st, r, modseq);
	case OP_SUB:
	case OP_USE:
	case OP_KEYWORD:
	case OP_UIDNEXT:
		return apply_small(st, op, r);
	case OP_TOMB:
	case OP_GARBAGE:
	case OP_SHARED:
		return apply_state(st, op, r);
	case OP_BEGIN:
		return apply_begin(st, r);
	case OP_LAST:
		return apply_last(st, r);
	case OP_RETIRE:
		return apply_retire(st, r);
	case OP_SAW:
		return fold_saw(st, r);
	case OP_PAIR:
	case OP_LEASE:
		return apply_host(st, op, r);
	case OP_END:
		return 0;
	case OP_META:
		return meta_apply(st, r);
	case OP_SIEVE:
		break;
	}
	/* Written by a later version: to skip it would be to lose it. */
	damaged(st, "operation %d in the log is not known", (int)op);
	return 0;
}
