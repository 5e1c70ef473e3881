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
 * Columns: what is in memory of each message of a box, sorted by UID, and the
 * tombstones of those that are gone.  A column is cut into blocks, so that a
 * message goes or comes in the time that one block takes, however many there
 * are.  Blocks are counted: who keeps a view of the column for a while (see
 * store_freeze.c) holds them too, and what is held twice is copied before it
 * changes.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_local.h"

#define BLOCK_FIRST 16 /* messages of the first block of a small box */

static int tombs_own(struct box *, size_t size);

/* Where the block after this one begins. */
static size_t
block_end(const struct box *b, size_t i)
{
	return i + 1 < b->nblocks ? b->blocks[i + 1].before : b->n;
}

/* The block that has pos, which is below b->n. */
static size_t
block_of(const struct box *b, size_t pos)
{
	size_t lo, hi, mid;

	/* Where nothing ever went, this is it. */
	lo = pos / COL_ROWS;
	if (lo < b->nblocks && b->blocks[lo].before <= pos &&
	    pos < block_end(b, lo))
		return lo;
	for (lo = 0, hi = b->nblocks; hi - lo > 1;) {
		mid = lo + (hi - lo) / 2;
		if (b->blocks[mid].before <= pos)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

const struct store_msg *
col_run(const struct box *b, size_t pos, size_t *n)
{
	size_t i;

	*n = 0;
	if (pos >= b->n)
		return NULL;
	i = block_of(b, pos);
	*n = block_end(b, i) - pos;
	return &b->blocks[i].p->m[pos - b->blocks[i].before];
}

const struct store_msg *
col_at(const struct box *b, size_t pos)
{
	size_t n;

	return col_run(b, pos, &n);
}

size_t
col_find(const struct box *b, uint32_t uid, bool *found)
{
	const struct block *p;
	size_t lo, hi, mid, i;

	*found = false;
	if (b->nblocks == 0)
		return 0;
	for (i = 0, hi = b->nblocks; hi - i > 1;) {
		mid = i + (hi - i) / 2;
		if (b->blocks[mid].first <= uid)
			i = mid;
		else
			hi = mid;
	}
	p = b->blocks[i].p;
	for (lo = 0, hi = p->n; lo < hi;) {
		mid = lo + (hi - lo) / 2;
		if (p->m[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = lo < p->n && p->m[lo].uid == uid;
	return b->blocks[i].before + lo;
}

size_t
col_unseen(const struct box *b)
{
	size_t i, j;

	for (i = 0; i < b->nblocks; i++) {
		if (b->blocks[i].p->unseen == 0)
			continue;
		for (j = 0; j < b->blocks[i].p->n; j++) {
			if (!(b->blocks[i].p->m[j].flags & STORE_SEEN))
				return b->blocks[i].before + j;
		}
	}
	return b->n;
}

void
block_drop(struct block *p)
{
	if (p != NULL && --p->refs == 0)
		freezero(p, sizeof(*p) + p->size * sizeof(p->m[0]));
}

/* The block, ours alone, with room for size messages. */
static struct block *
block_own(struct box *b, size_t i, size_t size)
{
	struct block *p, *new;

	p = b->blocks[i].p;
	if (p->refs == 1 && p->size >= size)
		return p;
	if (size < p->n)
		size = p->n;
	new = malloc(sizeof(*new) + size * sizeof(new->m[0]));
	if (new == NULL)
		return NULL;
	new->refs = 1;
	new->n = p->n;
	new->size = (uint32_t)size;
	new->unseen = p->unseen;
	new->hosts = p->hosts;
	memcpy(new->m, p->m, p->n * sizeof(p->m[0]));
	block_drop(p);
	b->blocks[i].p = new;
	return new;
}

/* A new block at place i of the directory. */
static struct block *
block_insert(struct box *b, size_t i, size_t size)
{
	struct blockref *r;
	struct block *p;
	size_t room;

	if (b->nblocks == b->blocks_size) {
		room = b->blocks_size + b->blocks_size / 2 + 4;
		r = reallocarray(b->blocks, room, sizeof(*r));
		if (r == NULL)
			return NULL;
		b->blocks = r;
		b->blocks_size = room;
	}
	p = malloc(sizeof(*p) + size * sizeof(p->m[0]));
	if (p == NULL)
		return NULL;
	p->refs = 1;
	p->n = p->unseen = 0;
	p->hosts = 0;
	p->size = (uint32_t)size;
	memmove(b->blocks + i + 1, b->blocks + i,
	    (b->nblocks - i) * sizeof(*b->blocks));
	b->blocks[i] = (struct blockref){p, 0, 0};
	b->nblocks++;
	return p;
}

/*
 * Counts blocks from i to end anew.  Those behind them are moved along without
 * a look at them: the directory is small, what it points to is not.
 */
static void
renumber(struct box *b, size_t i, size_t end)
{
	uint32_t before, by;

	before = i == 0 ? 0 : b->blocks[i - 1].before + b->blocks[i - 1].p->n;
	for (; i < end; i++) {
		b->blocks[i].before = before;
		b->blocks[i].first = b->blocks[i].p->m[0].uid;
		before += b->blocks[i].p->n;
	}
	if (i == b->nblocks) {
		b->n = before;
		return;
	}
	by = before - b->blocks[i].before; /* modulo 2^32 */
	for (; i < b->nblocks; i++)
		b->blocks[i].before += by;
	b->n = (uint32_t)b->n + by;
}

static uint32_t
is_unseen(const struct store_msg *m)
{
	return m->flags & STORE_SEEN ? 0 : 1;
}

/* A message that was put into the block. */
static void
note(struct block *p, const struct store_msg *m)
{
	p->unseen += is_unseen(m);
	p->hosts |= (uint8_t)(1U << (m->modseq & 1));
}

int
col_append(struct box *b, const struct store_msg *m)
{
	struct block *p;
	size_t i, size;

	if (b->n >= STORE_MESSAGES_MAX)
		return -1;
	i = b->nblocks;
	if (i == 0 || b->blocks[i - 1].p->n >= COL_ROWS) {
		p = block_insert(b, i, i == 0 ? BLOCK_FIRST : COL_ROWS);
		if (p == NULL)
			return -1;
		b->blocks[i].before = (uint32_t)b->n;
		b->blocks[i].first = m->uid;
	} else {
		p = b->blocks[--i].p;
		size = p->n < p->size ? p->size : (size_t)p->size * 2;
		p = block_own(b, i, size < COL_ROWS ? size : COL_ROWS);
		if (p == NULL)
			return -1;
	}
	p->m[p->n++] = *m;
	note(p, m);
	b->n++;
	return 0;
}

struct store_msg *
col_room(struct box *b, size_t n)
{
	struct block *p;

	p = block_insert(b, b->nblocks, n);
	return p == NULL ? NULL : p->m;
}

void
col_grown(struct box *b, size_t n)
{
	struct blockref *r;
	size_t i;

	r = &b->blocks[b->nblocks - 1];
	r->first = r->p->m[0].uid;
	r->before = (uint32_t)b->n;
	r->p->n = (uint32_t)n;
	for (i = 0; i < n; i++)
		note(r->p, &r->p->m[i]);
	b->n += n;
}

/* A full block becomes two. */
static int
split(struct box *b, size_t i)
{
	struct block *p, *q;
	uint32_t j;

	p = block_own(b, i, COL_ROWS);
	q = p == NULL ? NULL : block_insert(b, i + 1, COL_ROWS);
	if (q == NULL)
		return -1;
	q->n = p->n / 2;
	p->n -= q->n;
	memcpy(q->m, p->m + p->n, q->n * sizeof(q->m[0]));
	for (j = 0; j < q->n; j++)
		note(q, &q->m[j]);
	p->unseen -= q->unseen;
	renumber(b, i, i + 2);
	return 0;
}

static int
insert_at(struct box *b, size_t pos, const struct store_msg *m)
{
	struct block *p;
	size_t i;

	if (pos == b->n)
		return col_append(b, m);
	if (b->n >= STORE_MESSAGES_MAX)
		return -1;
	i = block_of(b, pos);
	if (b->blocks[i].p->n >= COL_ROWS) {
		if (split(b, i) == -1)
			return -1;
		i = block_of(b, pos);
	}
	p = block_own(b, i, COL_ROWS);
	if (p == NULL)
		return -1;
	pos -= b->blocks[i].before;
	memmove(p->m + pos + 1, p->m + pos, (p->n - pos) * sizeof(p->m[0]));
	p->m[pos] = *m;
	p->n++;
	note(p, m);
	renumber(b, i, i + 1);
	return 0;
}

static void
count_msg(struct box *b, const struct store_msg *m, int sign)
{
	if (!(m->flags & STORE_SEEN))
		b->pub.unseen += (uint32_t)sign;
	if (m->flags & STORE_DELETED)
		b->pub.deleted += (uint32_t)sign;
	b->pub.size += (uint64_t)((int64_t)m->size * sign);
}

/* 0; 1 if there is such a UID already. */
int
col_insert(struct store *st, struct box *b, const struct store_msg *m)
{
	size_t i;
	bool found;

	i = col_find(b, m->uid, &found);
	if (found)
		return 1;
	if (insert_at(b, i, m) == -1)
		return -1;
	b->dirty = true;
	count_msg(b, m, 1);
	if (m->uid > b->uidmax)
		b->uidmax = m->uid;
	box_update(st, b);
	return 0;
}

/* The message at pos, to be changed; not its UID, nor its flags. */
static struct store_msg *
edit(struct box *b, size_t pos, size_t *block)
{
	struct block *p;

	*block = block_of(b, pos);
	p = block_own(b, *block, 0);
	if (p == NULL)
		return NULL;
	b->dirty = true;
	return &p->m[pos - b->blocks[*block].before];
}

int
col_set_cold(struct box *b, size_t pos, uint32_t cold)
{
	struct store_msg *m;
	size_t i;

	m = edit(b, pos, &i);
	if (m == NULL)
		return -1;
	m->cold = cold;
	return 0;
}

static int
adopt_tombs(struct box *b, unsigned int host, uint64_t modseq)
{
	struct tomb *t;

	for (; b->tombs_own < b->ntombs; b->tombs_own++) {
		if ((b->tombs->t[b->tombs_own].modseq & 1) == host)
			continue;
		if (tombs_own(b, 0) == -1)
			return -1;
		t = &b->tombs->t[b->tombs_own];
		t->modseq = modseq;
	}
	return 0;
}

int
col_adopt(struct box *b, unsigned int host, uint64_t modseq)
{
	struct block *p;
	size_t i, j;

	for (i = 0; i < b->nblocks; i++) {
		if (!(b->blocks[i].p->hosts & 1U << !host))
			continue;
		p = block_own(b, i, 0);
		if (p == NULL)
			return -1;
		for (j = 0; j < p->n; j++) {
			if ((p->m[j].modseq & 1) != host)
				p->m[j].modseq = modseq;
		}
		p->hosts = (uint8_t)(1U << host);
	}
	b->dirty = true;
	return adopt_tombs(b, host, modseq);
}

int
col_set_flags(struct box *b, size_t pos, uint64_t flags, uint64_t modseq)
{
	struct store_msg *m;
	size_t i;

	m = edit(b, pos, &i);
	if (m == NULL)
		return -1;
	count_msg(b, m, -1);
	b->blocks[i].p->unseen -= is_unseen(m);
	m->flags = flags;
	if (modseq > m->modseq)
		m->modseq = modseq;
	note(b->blocks[i].p, m);
	count_msg(b, m, 1);
	return 0;
}

/* Blocks that became small, from first to last, are joined or go. */
static void
squeeze(struct box *b, size_t first, size_t last)
{
	struct block *p, *q;
	size_t from, to;

	to = first;
	for (from = first; from < b->nblocks && from <= last + 1; from++) {
		q = b->blocks[from].p;
		p = to == 0 ? NULL : b->blocks[to - 1].p;
		if (q->n == 0) {
			block_drop(q);
			continue;
		}
		if (p != NULL && p->n + q->n <= COL_ROWS / 2 && p->refs == 1 &&
		    p->size >= p->n + q->n) {
			memcpy(p->m + p->n, q->m, q->n * sizeof(q->m[0]));
			p->n += q->n;
			p->unseen += q->unseen;
			p->hosts |= q->hosts;
			block_drop(q);
			continue;
		}
		b->blocks[to++] = b->blocks[from];
	}
	memmove(b->blocks + to, b->blocks + from,
	    (b->nblocks - from) * sizeof(*b->blocks));
	b->nblocks -= from - to;
	renumber(b, first == 0 ? 0 : first - 1, to);
}

/* Takes pos[0..n), ascending and all of block i, out of it. */
static int
cut_block(struct box *b, size_t i, const uint32_t *pos, size_t n,
    const struct tomb *like)
{
	struct store_msg *m;
	struct tomb t = *like;
	struct block *p;
	size_t k, at, end, to;

	p = block_own(b, i, 0);
	if (p == NULL)
		return -1;
	to = pos[0] - b->blocks[i].before;
	for (k = 0; k < n; k++) {
		at = pos[k] - b->blocks[i].before;
		m = &p->m[at];
		count_msg(b, m, -1);
		p->unseen -= is_unseen(m);
		t.uid = m->uid;
		t.inst = m->inst;
		if (tomb_add(b, &t) == -1)
			return -1;
		/* What lies between this one and the next moves as one. */
		end = k + 1 < n ? pos[k + 1] - b->blocks[i].before : p->n;
		memmove(p->m + to, m + 1, (end - at - 1) * sizeof(*m));
		to += end - at - 1;
	}
	p->n = (uint32_t)to;
	return 0;
}

/* Takes the messages at pos[0..n), ascending, out; a tombstone for each. */
int
col_remove(struct store *st, struct box *b, const uint32_t *pos, size_t n,
    uint64_t modseq)
{
	const struct tomb like = {.modseq = modseq, .when = st->now};
	size_t i, k, first, part;

	if (n == 0)
		return 0;
	first = i = block_of(b, pos[0]);
	for (k = 0; k < n; k += part) {
		i = block_of(b, pos[k]);
		for (part = 1; k + part < n && pos[k + part] < block_end(b, i);
		     part++)
			;
		if (cut_block(b, i, pos + k, part, &like) == -1)
			return -1;
	}
	squeeze(b, first, i);
	b->dirty = true;
	box_update(st, b);
	return 0;
}

void
tombs_drop(struct tombs *t)
{
	if (t != NULL && --t->refs == 0)
		free(t);
}

/* The tombstones, ours alone, with room for size of them. */
static int
tombs_own(struct box *b, size_t size)
{
	struct tombs *t;

	if (b->tombs != NULL && b->tombs->refs == 1 && b->tombs->size >= size)
		return 0;
	if (size < b->ntombs)
		size = b->ntombs;
	t = malloc(sizeof(*t) + size * sizeof(t->t[0]));
	if (t == NULL)
		return -1;
	t->refs = 1;
	t->size = size;
	if (b->ntombs > 0)
		memcpy(t->t, b->tombs->t, b->ntombs * sizeof(t->t[0]));
	tombs_drop(b->tombs);
	b->tombs = t;
	return 0;
}

int
tomb_add(struct box *b, const struct tomb *t)
{
	size_t size;

	/* Past the end of what others hold: that does not change theirs. */
	size = b->tombs == NULL ? 0 : b->tombs->size;
	if (b->ntombs == size &&
	    tombs_own(b, size < 16 ? 16 : size + size / 2) == -1)
		return -1;
	b->tombs->t[b->ntombs++] = *t;
	return 0;
}

/*
 * Those that are older than is promised go, when they are an eighth of all:
 * they lie in about the order of their time.
 */
void
tombs_prune(struct box *b, uint32_t now)
{
	size_t n, last;

	for (n = 0, last = 0; n < b->ntombs; n++) {
		if (!tomb_old(&b->tombs->t[n], now))
			break;
		if (b->tombs->t[n].modseq > b->tombs->t[last].modseq)
			last = n;
	}
	if (n <= 1 || n < b->ntombs / 8 || tombs_own(b, 0) == -1)
		return;
	/* It tells since when all are remembered (store_gone()). */
	b->tombs->t[--n] = b->tombs->t[last];
	b->ntombs -= n;
	b->tombs_own -= n < b->tombs_own ? n : b->tombs_own;
	memmove(
	    b->tombs->t, b->tombs->t + n, b->ntombs * sizeof(b->tombs->t[0]));
}

void
col_unload(struct box *b)
{
	while (b->nblocks > 0)
		block_drop(b->blocks[--b->nblocks].p);
	free(b->blocks);
	tombs_drop(b->tombs);
	b->blocks = NULL;
	b->tombs = NULL;
	b->n = b->blocks_size = b->ntombs = b->tombs_own = 0;
	b->loaded = false;
}

enum store_result
store_use(struct store *st, uint64_t id)
{
	struct box *b;

	b = box_find(st, id);
	if (b == NULL)
		return STORE_UNKNOWN;
	if (col_load(st, b) == -1)
		return STORE_CORRUPT;
	b->users++;
	return STORE_OK;
}

void
store_unuse(struct store *st, uint64_t id)
{
	struct box *b;

	b = box_find(st, id);
	if (b != NULL && b->users > 0)
		b->users--;
}

const struct store_msg *
store_msgs(struct store *st, uint64_t id, size_t pos, size_t *n)
{
	const struct store_msg *m;
	struct box *b;

	*n = 0;
	b = box_find(st, id);
	if (b == NULL || col_load(st, b) == -1 || pos >= b->n - b->hidden)
		return NULL;
	m = col_run(b, pos, n);
	if (*n > b->n - b->hidden - pos)
		*n = b->n - b->hidden - pos;
	return m;
}

const struct store_msg *
store_msg_at(struct store *st, uint64_t id, size_t pos)
{
	size_t n;

	return store_msgs(st, id, pos, &n);
}

const struct store_msg *
store_msg_find(struct store *st, uint64_t id, uint32_t uid, size_t *pos)
{
	struct box *b;
	size_t i;
	bool found;

	b = box_find(st, id);
	if (b == NULL || col_load(st, b) == -1)
		return NULL;
	i = col_find(b, uid, &found);
	if (i >= b->n - b->hidden) {
		i = b->n - b->hidden;
		found = false;
	}
	if (pos != NULL)
		*pos = i;
	return found ? col_at(b, i) : NULL;
}

bool
store_first_unseen(struct store *st, uint64_t id, size_t *pos)
{
	struct box *b;

	b = box_find(st, id);
	if (b == NULL || b->pub.unseen == 0 || col_load(st, b) == -1)
		return false;
	*pos = col_unseen(b);
	return *pos < b->n;
}
