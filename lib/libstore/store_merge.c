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
 * Merging: frames of the other host have come.  The log is folded anew, what
 * changed of what was there is told, and a SAW says how far we have seen.
 * Then the holder of the lease, and nobody else, places late messages again,
 * retires what is doubled and joins mailboxes of one name.
 */

#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_local.h"

int
writer_new(struct store *st)
{
	struct writer *w;

	if (st->nwriters == WRITERS_MAX)
		return -1;
	st->own = st->nwriters++;
	st->multi = st->nwriters > 1;
	w = own_writer(st);
	memset(w, 0, sizeof(*w));
	seal_random(w->id, WRITER_LEN);
	w->host = st->host;
	seal_chain_start(st->account, w->id, WRITER_LEN, w->chain);
	return 0;
}

/* Leaves UIDs out in every box. */
int
skip_uids(struct store *st, uint32_t by)
{
	struct buf b = {0};
	size_t i;

	if (mut_begin(st, st->nboxes * 32 + 64) != STORE_OK)
		return -1;
	for (i = 0; i < st->nboxes; i++) {
		buf_put64(&b, st->boxes[i]->pub.id);
		buf_put32(&b, st->boxes[i]->uidmax + 1 + by);
		op_queue(st, OP_UIDNEXT, &b);
		buf_clear(&b);
	}
	op_group_end(st);
	return st->failed ? -1 : 0;
}

/* How far we have seen, if there was more than others' SAW. */
static int
queue_saw(struct store *st)
{
	struct buf b = {0};
	uint32_t n;
	size_t i;
	bool news;

	news = false;
	for (i = 0, n = 0; i < st->nwriters; i++) {
		if (i == st->own)
			continue;
		n++;
		if (st->writers[i].news > st->saw[st->own][i])
			news = true;
	}
	if (!news || MUTANT(6))
		return 0;
	if (mut_begin(st, n * 16 + 64) != STORE_OK)
		return -1;
	buf_put32(&b, n);
	for (i = 0; i < st->nwriters; i++) {
		if (i == st->own)
			continue;
		buf_put(&b, st->writers[i].id, WRITER_LEN);
		buf_put64(&b, st->writers[i].seq);
	}
	op_queue(st, OP_SAW, &b);
	buf_clear(&b);
	return st->failed ? -1 : 0;
}

/* The next place in b for a message. */
static int
make_place(
    struct store *st, struct box *b, const struct store_msg *m, struct place *p)
{
	struct cold c;

	memset(p, 0, sizeof(*p));
	if (cold_carry(st, m->cold, &c) == -1)
		return -1;
	p->box = b->pub.id;
	p->uid = next_uid(st, b);
	p->how = HOW_AGAIN;
	p->codec = (uint8_t)m->codec;
	p->zone = (int16_t)m->zone;
	memcpy(p->instance, c.instance, STORE_ID);
	memcpy(p->blob, c.blob, STORE_ID);
	memcpy(p->key, c.key, SEAL_KEY_LEN);
	memcpy(p->threadid, c.threadid, STORE_ID);
	p->bytes = c.bytes;
	p->size = m->size;
	p->saved = m->saved;
	p->date = m->date;
	p->flags = m->flags;
	st->next_sum_off = c.sum_off;
	st->next_sum_len = c.sum_len;
	explicit_bzero(&c, sizeof(c));
	return 0;
}

static int
queue_place(struct store *st, const struct place *p)
{
	struct buf out = {0};

	op_place(&out, p);
	op_queue(st, OP_PLACE, &out);
	buf_clear(&out);
	return st->failed ? -1 : 0;
}

static int
place_again(struct store *st, struct box *b, const struct store_msg *m)
{
	struct place p;
	int r;

	r = make_place(st, b, m, &p);
	if (r == 0)
		r = queue_place(st, &p);
	explicit_bzero(&p, sizeof(p));
	return r;
}

/*
 * What is hidden in a box that is to go was never seen by who removes it: it
 * goes to INBOX.
 */
int
merge_rescue(struct store *st, struct box *b)
{
	struct buf in = {0};
	struct inst *inst;
	struct place p;
	struct box *to;
	size_t i;
	int r;

	if (!st->multi || b->nextra == 0 || MUTANT(19))
		return 0;
	to = box_find(st, STORE_INBOX);
	if (to == NULL || to == b || inst_build(st) == -1)
		return -1;
	for (i = 0, r = 0; r == 0 && i < b->nextra; i++) {
		inst = inst_find(st, b->extra[i].m.inst);
		if (inst == NULL || inst->uid != 0)
			continue;
		if (mut_begin(st, 512) != STORE_OK)
			return -1;
		r = make_place(st, to, &b->extra[i].m, &p);
		p.how = HOW_MOVE;
		p.flags &= 0x1f;
		buf_put(&in, p.instance, STORE_ID);
		buf_put64(&in, to->pub.id);
		if (in.failed)
			r = -1;
		if (r == 0) {
			seal_derive_id("move", in.p, in.len, p.instance);
			r = queue_place(st, &p);
		}
		buf_clear(&in);
		explicit_bzero(&p, sizeof(p));
	}
	return r;
}

/* One hidden placement less.  1: its message was placed again. */
static int
resolve_one(struct store *st, struct box *b)
{
	struct store_msg m;
	struct inst *in;
	struct buf out = {0};
	int r;

	if (mut_begin(st, 1024) != STORE_OK || inst_build(st) == -1)
		return -1;
	m = b->extra[0].m;
	in = inst_find(st, m.inst);
	r = 0;
	if (in == NULL || in->state != INST_LIVE)
		return -1;
	if (in->uid == 0) {
		if (place_again(st, b, &m) == -1)
			return -1;
		r = 1;
	}
	buf_put64(&out, b->pub.id);
	buf_put32(&out, 1);
	buf_put32(&out, m.uid);
	buf_put64(&out, m.inst);
	op_queue(st, OP_RETIRE, &out);
	buf_clear(&out);
	op_group_end(st);
	return st->failed ? -1 : r;
}

/* What was noted on one and not on the other is kept, as far as it goes. */
static int
join_metas(struct store *st, const struct box *from, uint64_t to)
{
	const struct store_meta *m;
	enum store_result result;
	size_t k;

	for (size_t i = 0; i < from->metas.n; i++) {
		for (k = 0; (m = store_meta_at(st, to, k)) != NULL; k++)
			if (strcmp(m->name, from->metas.m[i].name) == 0)
				break;
		if (m != NULL)
			continue;
		result = store_meta_set(st, to, &from->metas.m[i], 1);
		if (result != STORE_OK && result != STORE_LIMIT)
			return -1;
	}
	return 0;
}

/* Into the older box of that name, and away with it. */
static int
join_box(struct store *st, struct box *b)
{
	const struct store_range all = {1, UINT32_MAX};
	const struct store_box *to;
	uint64_t id;

	id = b->pub.id;
	to = store_box_named(st, b->want);
	if (to == NULL || to->id == id || MUTANT(16))
		return 0;
	if (store_copy(st, id, &all, 1, to->id, true, NULL, NULL) != STORE_OK ||
	    join_metas(st, b, to->id) == -1)
		return -1;
	return store_rmbox(st, id) == STORE_OK ? 0 : -1;
}

/* What the holder of the lease does. */
static int
resolve(struct store *st, unsigned int *again)
{
	struct box *b;
	size_t i;
	int r;

	if (!st->multi || (st->lease != st->host && !MUTANT(5)))
		return 0;
	for (i = 0; i < st->nboxes; i++) {
		b = st->boxes[i];
		while (b->nextra > 0) {
			r = resolve_one(st, b);
			if (r == -1)
				return -1;
			*again += (unsigned int)r;
		}
	}
	for (i = 0; i < st->nboxes;) {
		b = st->boxes[i];
		if (b->want == NULL) {
			i++;
			continue;
		}
		if (join_box(st, b) == -1)
			return -1;
		i = i < st->nboxes && st->boxes[i] == b ? i + 1 : 0;
	}
	return 0;
}

int
merge_open(struct store *st)
{
	unsigned int again;

	again = 0;
	if (queue_saw(st) == -1)
		return -1;
	return resolve(st, &again);
}

/* Those that are gone, from the highest down, while the column has them. */
static void
tell_gone(
    struct store *st, struct box *old, struct box *new, struct store_merged *m)
{
	const struct store_msg *p;
	size_t i, at;
	bool found;

	for (i = old->n; i-- > 0;) {
		p = col_at(old, i);
		at = col_find(new, p->uid, &found);
		if (found && col_at(new, at)->inst == p->inst)
			continue;
		op_tell(st, old, STORE_EXPUNGED, p->uid, i);
		m->gone++;
	}
}

static void
tell_new(struct store *st, const struct box *old, const struct box *new,
    struct store_merged *m)
{
	const struct store_msg *p, *q;
	size_t i, at;
	bool found;

	for (i = 0; i < new->n; i++) {
		p = col_at(new, i);
		at = col_find(old, p->uid, &found);
		q = found ? col_at(old, at) : NULL;
		if (q != NULL && q->inst == p->inst) {
			if (q->flags == p->flags)
				continue;
			op_tell(st, new, STORE_FLAGS, p->uid, i);
			m->flagged++;
		} else {
			op_tell(st, new, STORE_NEW, p->uid, i);
			m->added++;
		}
	}
}

/*
 * Nothing happened here since the snapshot that both are made of: the column
 * in memory is the one in that file.
 */
static void
keep_column(struct box *old, struct box *new)
{
	if (new->loaded || !old->loaded || old->dirty || old->saving ||
	    old->file != new->file || old->n != new->pub.messages)
		return;
	new->blocks = old->blocks;
	new->nblocks = old->nblocks;
	new->blocks_size = old->blocks_size;
	new->n = old->n;
	new->tombs = old->tombs;
	new->ntombs = old->ntombs;
	new->tombs_own = old->tombs_own;
	new->loaded = true;
	old->blocks = NULL;
	old->tombs = NULL;
	old->nblocks = old->blocks_size = old->n = 0;
	old->ntombs = old->tombs_own = 0;
	old->loaded = false;
}

/* The old struct, which callers may point to, gets what the new one has. */
static int
exchange(struct store *st, size_t at, struct box *old, bool same_snapshot,
    struct store_merged *m)
{
	struct box *new, tmp;
	unsigned int users;

	new = st->boxes[at];
	if (same_snapshot)
		keep_column(old, new);
	if (old->loaded && col_load(st, new) == -1)
		return -1;
	if (old->loaded) {
		st->boxes[at] = old;
		tell_gone(st, old, new, m);
	}
	st->boxes[at] = old;
	/* Bits may have other names now, or none. */
	new->pub.keywords_rev = (uint16_t)(old->pub.keywords_rev + 1);
	users = old->users;
	tmp = *old;
	*old = *new;
	*new = tmp;
	old->pub.keywords = old->keywords;
	old->users = users;
	if (new->loaded)
		tell_new(st, new, old, m);
	else if (old->pub.messages > new->pub.messages)
		m->added += old->pub.messages - new->pub.messages;
	box_free(new);
	return 0;
}

static int
compare(struct store *st, struct box **old, size_t nold, bool same_snapshot,
    struct store_merged *m)
{
	size_t i, j;
	int r;

	r = 0;
	for (i = 0, j = 0; i < nold; i++) {
		while (j < st->nboxes && st->boxes[j]->pub.id < old[i]->pub.id)
			m->added += st->boxes[j++]->pub.messages;
		if (j < st->nboxes && st->boxes[j]->pub.id == old[i]->pub.id) {
			if (r == 0)
				r = exchange(st, j, old[i], same_snapshot, m);
			if (r == -1)
				box_free(old[i]);
			j++;
			continue;
		}
		op_tell(st, old[i], STORE_BOXGONE, 0, 0);
		m->gone += old[i]->pub.messages;
		box_free(old[i]);
	}
	while (j < st->nboxes)
		m->added += st->boxes[j++]->pub.messages;
	return r;
}

/*
 * Folds the log again, beside the boxes that are shown: from the snapshot on,
 * unless something came that is older than that.
 */
static enum store_result
refold(struct store *st, struct store_merged *m)
{
	enum store_result result;
	struct writer own;
	struct box **old;
	uint64_t gen;
	size_t nold;
	bool clean;

	own = *own_writer(st);
	/* A generation that is being made is not in the snapshot. */
	gen = st->old.fd == -1 ? st->gen : 0;
	work_drop(st);
	old = st->boxes;
	nold = st->nboxes;
	st->boxes = NULL;
	st->nboxes = st->boxes_size = 0;
	result = fold_state(st, false, &clean);
	if (result == STORE_OK &&
	    (st->own == NO_WRITER || own_writer(st)->seq != own.seq ||
		own_writer(st)->seg != own.seg ||
		memcmp(own_writer(st)->chain, own.chain, SEAL_CHAIN_LEN) != 0))
		result = STORE_CORRUPT;
	if (result == STORE_OK) {
		if (compare(st, old, nold, st->gen == gen, m) == -1)
			result = STORE_CORRUPT;
	} else {
		while (nold > 0)
			box_free(old[--nold]);
	}
	if (result != STORE_OK)
		st->failed = true;
	free(old);
	return result;
}

static unsigned int
count_hidden(struct store *st)
{
	unsigned int n;
	size_t i, j;

	for (i = 0, n = 0; i < st->nboxes; i++) {
		for (j = 0; j < st->boxes[i]->nextra; j++)
			n += st->boxes[i]->extra[j].late;
	}
	return n;
}

/* Messages, as they are counted while the last frames are folded. */
struct counting {
	store_notify notify;
	void *arg;
	struct store_merged *m;
};

static void
count_change(void *arg, uint64_t box, enum store_change change, uint32_t uid,
    uint32_t pos)
{
	struct counting *c = arg;

	switch (change) {
	case STORE_NEW:
		c->m->added++;
		break;
	case STORE_FLAGS:
		c->m->flagged++;
		break;
	case STORE_EXPUNGED:
		c->m->gone++;
		break;
	case STORE_BOXGONE:
		break;
	}
	if (c->notify != NULL)
		c->notify(c->arg, box, change, uid, pos);
}

/* What is later than all that is folded needs no more than to be folded. */
static enum store_result
fold_last_or_all(struct store *st, struct store_merged *m)
{
	struct counting c = {st->notify, st->notify_arg, m};
	enum store_result result;

	store_set_notify(st, count_change, &c);
	result = replay_news(st);
	store_set_notify(st, c.notify, c.arg);
	return result == STORE_UNKNOWN ? refold(st, m) : result;
}

enum store_result
store_merge(struct store *st, struct store_merged *m)
{
	enum store_result result;

	memset(m, 0, sizeof(*m));
	/* What it has placed so far would be told. */
	if (st->copying != NULL)
		return STORE_INVALID;
	result = mut_begin(st, 0);
	if (result == STORE_OK)
		result = store_commit(st);
	if (result != STORE_OK)
		return result;
	if (log_news(st) && !MUTANT(21)) {
		m->news = true;
		result = fold_last_or_all(st, m);
		if (result == STORE_OK && st->damage[0] != '\0')
			return STORE_READONLY;
		if (result == STORE_OK &&
		    (queue_saw(st) == -1 || waiting_finish(st) == -1)) {
			st->failed = true;
			result = STORE_IO;
		}
	}
	if (result == STORE_OK && resolve(st, &m->again) == -1) {
		st->failed = true;
		result = STORE_IO;
	}
	m->hidden = count_hidden(st);
	return result == STORE_OK ? store_commit(st) : result;
}

bool
store_paired(const struct store *st)
{
	return st->multi || st->paired != 0;
}

bool
store_busy(const struct store *st)
{
	return st->work != NULL;
}

bool
store_lease(const struct store *st)
{
	return st->lease == st->host;
}

static enum store_result
queue_host(struct store *st, enum op op, uint8_t host)
{
	struct buf b = {0};
	enum store_result result;

	result = mut_begin(st, 64);
	if (result != STORE_OK)
		return result;
	buf_put8(&b, host);
	op_queue(st, op, &b);
	buf_clear(&b);
	return st->failed ? STORE_IO : STORE_OK;
}

enum store_result
store_lease_take(struct store *st, bool consent)
{
	enum store_result result;
	unsigned int again;

	if (store_lease(st))
		return STORE_OK;
	result = queue_host(st, OP_LEASE, st->host);
	if (result != STORE_OK)
		return result;
	again = 0;
	if ((!consent && skip_uids(st, UID_TAKEOVER) == -1) ||
	    resolve(st, &again) == -1) {
		st->failed = true;
		return STORE_IO;
	}
	op_group_end(st);
	return store_commit(st);
}

enum store_result
store_pair(struct store *st)
{
	enum store_result result;

	if (st->paired & 1U << !st->host)
		return STORE_OK;
	result = queue_host(st, OP_PAIR, !st->host);
	return result == STORE_OK ? store_commit(st) : result;
}
