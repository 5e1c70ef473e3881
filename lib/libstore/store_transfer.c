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
 * Messages go to other boxes: copies and moves.
 *
 * A copy of many is made in pieces, between which others go on.  What it has
 * placed lies at the end of its target's column, where nobody is shown it, and
 * in frames (FRAME_PART) that count only with the one that ends them
 * (FRAME_WHOLE): where that is missing, who opens the account takes away what
 * they placed.  Neither snapshot nor checkpoint is made meanwhile, so that
 * those frames are always read.
 */

#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "store_retain.h"
#include "store_sweep.h"

/* The new instance: of a move, the same wherever it is merged. */
static void
new_instance(const struct cold *c, uint64_t to, bool move, uint8_t *instance)
{
	struct buf b = {0};

	if (!move || MUTANT(17)) {
		seal_random(instance, STORE_ID);
		return;
	}
	buf_put(&b, c->instance, STORE_ID);
	buf_put64(&b, to);
	if (b.failed)
		seal_random(instance, STORE_ID);
	else
		seal_derive_id("move", b.p, b.len, instance);
	buf_clear(&b);
}

/* Keyword bits of one box as those of the other, made where missing. */
static enum store_result
map_flags(struct store *st, const struct box *from, struct box *to,
    uint64_t flags, uint64_t *mapped)
{
	enum store_result result;
	unsigned int i, bit;

	*mapped = flags & 0x1f;
	for (i = 0; i < from->pub.nkeywords; i++) {
		if (!(flags & 1ULL << (8 + i)) || from->keywords[i] == NULL)
			continue;
		result = store_keyword(
		    st, to->pub.id, from->keywords[i], true, &bit);
		if (result == STORE_OK)
			*mapped |= 1ULL << bit;
		else if (result != STORE_LIMIT)
			return result;
	}
	return STORE_OK;
}

#define COPY_COST 512ULL /* octets of log and snapshot for one message */
#define COPY_OPS 256     /* of log alone: its place */
#define UNDO_OPS 12      /* and to undo it */
#define UNDO_HEAD 128    /* beside what the messages of an undo take */
#define UNDO_ROOM 16384  /* messages for which there is room ahead */

struct copying {
	struct store *st;
	struct box *from;
	struct box *to;
	bool move;
	void (*cb)(void *arg, uint32_t uid, uint32_t newuid);
	void *arg;
	struct buf op;
};

/* What readers are told of a box. */
struct told {
	uint32_t uidnext, messages, unseen, deleted;
	uint64_t size, modseq;
};

struct store_copying {
	struct copying cp; /* its boxes are looked up in each piece */
	uint64_t from, to;
	uint32_t *uid; /* to be copied, n of them */
	uint32_t n;
	uint32_t done;
	size_t before;     /* messages in the target's column when it began */
	struct told other; /* of what is not shown; in a piece, of what is */
};

/* Messages of a COPY in one frame. */
static uint32_t
piece_max(const struct store *st)
{
	return st->small_steps ? 2 : COPY_PIECE;
}

static enum store_result
copy_one(struct copying *cp, uint32_t pos)
{
	enum store_result result;
	struct store_msg m;
	struct place p;
	struct cold c;

	m = *col_at(cp->from, pos);
	memset(&p, 0, sizeof(p));
	result = map_flags(cp->st, cp->from, cp->to, m.flags, &p.flags);
	if (result != STORE_OK)
		return result;
	if (cold_carry(cp->st, m.cold, &c) == -1)
		return STORE_CORRUPT;
	p.box = cp->to->pub.id;
	p.uid = next_uid(cp->st, cp->to);
	p.how = cp->move ? HOW_MOVE : HOW_COPY;
	p.codec = (uint8_t)m.codec;
	p.zone = (int16_t)m.zone;
	new_instance(&c, p.box, cp->move, p.instance);
	memcpy(p.blob, c.blob, STORE_ID);
	memcpy(p.key, c.key, SEAL_KEY_LEN);
	memcpy(p.threadid, c.threadid, STORE_ID);
	p.bytes = c.bytes;
	p.size = m.size;
	p.saved = (uint32_t)store_now();
	p.date = m.date;
	cp->st->next_sum_off = c.sum_off;
	cp->st->next_sum_len = c.sum_len;
	buf_reset(&cp->op, 0);
	op_place(&cp->op, &p);
	op_queue(cp->st, OP_PLACE, &cp->op);
	if (cp->cb != NULL)
		cp->cb(cp->arg, m.uid, p.uid);
	explicit_bzero(&p, sizeof(p));
	explicit_bzero(&c, sizeof(c));
	return cp->st->failed ? STORE_IO : STORE_OK;
}

/* All keywords that are needed, before the groups begin: theirs are whole. */
static enum store_result
make_keywords(struct copying *cp, const uint32_t *pos, uint32_t n)
{
	uint64_t flags, mapped;
	uint32_t i;

	for (i = 0, flags = 0; i < n; i++)
		flags |= col_at(cp->from, pos[i])->flags;
	return map_flags(cp->st, cp->from, cp->to, flags, &mapped);
}

/*
 * Rows [first, first + n) of a box go again, in frames of which the last says
 * that this is all; where it cannot be written, there is nothing to go on with.
 */
static void
take_back(struct store *st, struct box *box, size_t first, size_t n)
{
	uint32_t *pos, part;

	pos = calloc(OPS_BATCH, sizeof(*pos));
	if (pos == NULL)
		st->failed = true;
	while (n > 0 && !st->failed) {
		part = n < OPS_BATCH ? (uint32_t)n : OPS_BATCH;
		n -= part;
		for (uint32_t i = 0; i < part; i++)
			pos[i] = (uint32_t)(first + n + i);
		if (mut_shrink(st, part * UNDO_OPS + UNDO_HEAD, false) !=
		    STORE_OK) {
			st->failed = true;
			break;
		}
		queue_expunge(st, box, pos, part);
		(void)op_frame(st, n > 0 ? FRAME_PART : FRAME_WHOLE);
	}
	free(pos);
}

/*
 * A group of a move, whose positions are as they were before the first.  The
 * caller has begun: what a full disk does not take of the packs waits in
 * memory.
 */
static enum store_result
move_group(struct copying *cp, uint32_t *pos, uint32_t n, uint32_t gone)
{
	enum store_result result;
	uint32_t i;

	result = log_reserve(cp->st, MOVE_BATCH * (COPY_OPS + UNDO_OPS));
	if (result == STORE_OK && cp->to->n + n > STORE_MESSAGES_MAX)
		result = STORE_LIMIT;
	for (i = 0; result == STORE_OK && i < n; i++) {
		pos[i] -= gone;
		result = copy_one(cp, pos[i]);
	}
	if (result == STORE_OK)
		queue_expunge(cp->st, cp->from, pos, n);
	return result;
}

static bool
room_for(const struct store *st, uint32_t n)
{
	return n <= MOVE_BATCH || store_room(st->acct, n * COPY_COST);
}

/*
 * Group by group, each in one frame; where one fails, those before it stay.
 * What moves within its box is another instance: an expunge wins for good.
 */
static enum store_result
move(struct store *st, uint64_t id, const struct store_range *ranges, size_t n,
    uint64_t to, void (*cb)(void *, uint32_t uid, uint32_t newuid), void *arg)
{
	struct copying cp = {st, NULL, NULL, id != to, cb, arg, {0}};
	enum store_result result;
	uint32_t *pos, count, part, gone;
	size_t first, ahead;

	result = parts_undo(st);
	if (result == STORE_OK)
		result = box_open(st, id, &cp.from);
	if (result == STORE_OK)
		result = box_open(st, to, &cp.to);
	if (result != STORE_OK || cp.from->n == 0)
		return result;
	if (n > STORE_RANGES_MAX)
		return STORE_INVALID;
	pos = msgs_gather(cp.from, ranges, n, true, &count);
	if (pos == NULL)
		return STORE_IO;
	ahead = count < UNDO_ROOM ? count : UNDO_ROOM;
	result = STORE_NOSPACE;
	if (room_for(st, count))
		result = mut_begin(st, (ahead + MOVE_BATCH) * COPY_OPS);
	if (result == STORE_OK)
		result = make_keywords(&cp, pos, count);
	for (gone = 0; result == STORE_OK && gone < count; gone += part) {
		part = count - gone < MOVE_BATCH ? count - gone : MOVE_BATCH;
		first = cp.to->n;
		result = move_group(&cp, pos + gone, part, gone);
		if (result == STORE_OK)
			op_group_end(st);
		else if (!st->failed)
			take_back(st, cp.to, first, cp.to->n - first);
	}
	free(pos);
	buf_clear(&cp.op);
	return result == STORE_OK && st->failed ? STORE_IO : result;
}

/* ---- Copies */

static struct told
told(const struct store_box *b)
{
	return (struct told){
	    b->uidnext, b->messages, b->unseen, b->deleted, b->size, b->modseq};
}

static void
swap_told(struct told *t, struct store_box *b)
{
	struct told old = told(b);

	b->uidnext = t->uidnext;
	b->messages = t->messages;
	b->unseen = t->unseen;
	b->deleted = t->deleted;
	b->size = t->size;
	b->modseq = t->modseq;
	*t = old;
}

static void
copying_free(struct store_copying *c)
{
	if (c->cp.st->copying == c)
		c->cp.st->copying = NULL;
	buf_clear(&c->cp.op);
	free(c->uid);
	free(c);
}

/* The UIDs, for places change; and the keywords. */
static enum store_result
copying_gather(
    struct store_copying *c, const struct store_range *ranges, size_t n)
{
	struct copying *cp = &c->cp;
	enum store_result result;
	uint32_t *pos;

	pos = msgs_gather(cp->from, ranges, n, true, &c->n);
	if (pos == NULL)
		return STORE_IO;
	result = STORE_OK;
	if (c->n > STORE_MESSAGES_MAX - cp->to->n)
		result = STORE_LIMIT;
	else if (!room_for(cp->st, c->n))
		result = STORE_NOSPACE;
	else if (c->n > 0)
		result = store_more_messages(cp->st, c->n);
	if (result == STORE_OK && c->n > 0)
		result = mut_begin(cp->st, COPY_PIECE * COPY_OPS);
	if (result == STORE_OK)
		result = make_keywords(cp, pos, c->n);
	c->uid = pos;
	for (uint32_t i = 0; i < c->n; i++)
		c->uid[i] = col_at(cp->from, pos[i])->uid;
	return result;
}

enum store_result
store_copy_begin(struct store *st, uint64_t id,
    const struct store_range *ranges, size_t n, uint64_t to,
    void (*cb)(void *, uint32_t uid, uint32_t newuid), void *arg,
    struct store_copying **out)
{
	struct store_copying *c;
	enum store_result result;

	*out = NULL;
	if (st->copying != NULL)
		return STORE_INVALID;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return STORE_IO;
	c->cp = (struct copying){st, NULL, NULL, false, cb, arg, {0}};
	c->from = id;
	c->to = to;
	result = parts_undo(st);
	if (result == STORE_OK)
		result = box_open(st, id, &c->cp.from);
	if (result == STORE_OK)
		result = box_open(st, to, &c->cp.to);
	if (result == STORE_OK)
		result = copying_gather(c, ranges, n);
	if (result != STORE_OK) {
		copying_free(c);
		return result;
	}
	*out = st->copying = c;
	return STORE_OK;
}

/* A piece begins, or all ends: what was placed is there like the rest. */
static void
reveal(struct store_copying *c, struct box *to)
{
	if (c->done == 0)
		return;
	swap_told(&c->other, &to->pub);
	to->hidden = 0;
}

static void
hide(struct store_copying *c, struct box *to)
{
	swap_told(&c->other, &to->pub);
	to->hidden = to->n - c->before;
}

static enum store_result
copy_piece(struct store_copying *c, uint32_t n)
{
	struct copying *cp = &c->cp;
	enum store_result result;
	uint32_t all;
	size_t pos;
	bool found;

	all = c->done + n < UNDO_ROOM ? c->done + n : UNDO_ROOM;
	result = mut_begin(
	    cp->st, (size_t)n * COPY_OPS + (size_t)all * UNDO_OPS + UNDO_HEAD);
	for (uint32_t i = 0; result == STORE_OK && i < n; i++) {
		pos = col_find(cp->from, c->uid[c->done + i], &found);
		result = found ? copy_one(cp, (uint32_t)pos) : STORE_UNKNOWN;
	}
	return result;
}

/* Of several pieces: others' operations, then its own in a frame. */
static enum store_result
copy_part(struct store_copying *c, uint32_t n)
{
	struct store *st = c->cp.st;
	enum store_result result;

	result = op_frame(st, 0);
	if (result != STORE_OK)
		return result;
	st->quiet = true;
	result = copy_piece(c, n);
	if (result == STORE_OK)
		result = op_frame(
		    st, c->done + n < c->n ? FRAME_PART : FRAME_WHOLE);
	st->quiet = false;
	return result;
}

static void
copy_undo(struct store_copying *c)
{
	struct store *st = c->cp.st;
	struct box *to = c->cp.to;

	if (to->n == c->before || st->failed)
		return;
	st->quiet = true;
	take_back(st, to, c->before, to->n - c->before);
	st->quiet = false;
}

enum store_result
store_copy_step(struct store_copying *c, bool *more)
{
	struct store *st = c->cp.st;
	enum store_result result = STORE_UNKNOWN;
	struct box *to;
	uint32_t n, piece = piece_max(st);

	*more = false;
	n = c->n - c->done < piece ? c->n - c->done : piece;
	c->cp.from = box_find(st, c->from);
	c->cp.to = to = box_find(st, c->to);
	if (to != NULL && c->cp.from != NULL) {
		reveal(c, to);
		if (c->done == 0) {
			c->before = to->n;
			c->other = told(&to->pub);
		}
		result = c->n > piece ? copy_part(c, n) : copy_piece(c, n);
		if (result != STORE_OK)
			copy_undo(c);
		c->done += n;
		*more = result == STORE_OK && c->done < c->n;
	}
	if (*more) {
		hide(c, to);
		return STORE_OK;
	}
	if (result == STORE_OK && c->n > piece)
		op_tell(st, to, STORE_NEW, to->uidmax, to->n - 1);
	else if (result == STORE_OK)
		op_group_end(st);
	copying_free(c);
	return st->failed ? STORE_IO : result;
}

enum store_result
store_copy_cancel(struct store_copying *c)
{
	struct store *st = c->cp.st;

	c->cp.to = box_find(st, c->to);
	if (c->done > 0 && c->cp.to != NULL) {
		reveal(c, c->cp.to);
		copy_undo(c);
	}
	copying_free(c);
	return st->failed ? STORE_IO : STORE_OK;
}

uint32_t
store_copy_done(const struct store_copying *c, uint32_t *all)
{
	*all = c->n;
	return c->done;
}

bool
store_copies(const struct store *st)
{
	return st->copying != NULL;
}

uint32_t
copies_to_come(const struct store *st)
{
	return st->copying == NULL ? 0 : st->copying->n - st->copying->done;
}

void
copying_drop(struct store *st)
{
	if (st->copying != NULL)
		copying_free(st->copying);
}

enum store_result
store_copy(struct store *st, uint64_t id, const struct store_range *ranges,
    size_t n, uint64_t to, bool moves,
    void (*cb)(void *arg, uint32_t uid, uint32_t newuid), void *arg)
{
	struct store_copying *c;
	enum store_result result;
	bool more;

	if (moves)
		return move(st, id, ranges, n, to, cb, arg);
	result = store_copy_begin(st, id, ranges, n, to, cb, arg, &c);
	for (more = true; result == STORE_OK && more;)
		result = store_copy_step(c, &more);
	return result;
}
